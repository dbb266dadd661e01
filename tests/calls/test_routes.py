"""The public page of a call in each of its phases, and the pages where managers prepare it."""

from contextvars import Context
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from grants.calls import actions, queries
from grants.calls.lifecycle import CallState
from grants.kernel import clock
from grants.kernel.actor import system
from grants.kernel.db import db, unit_of_work
from grants.kernel.money import Money
from grants.programme.actions import load_reference
from tests.client import Page, form_values, fresh

PARTS = ("section", "question", "block", "criterion", "piece", "statement", "gate")
READ = {
    "section": queries.sections_of, "question": queries.questions_of, "block": queries.blocks_of,
    "criterion": queries.items_of, "piece": queries.pieces_of, "statement": queries.statements_of,
    "gate": queries.gates_of,
}  # fmt: skip
LISTED = {"section": "questions", "question": "questions", "block": "criteria", "criterion": "criteria"}


@pytest.fixture
def manager(make):
    return make.account("manager")


@pytest.fixture
def draft(make):
    return make.call(state=CallState.DRAFT)


# ---- public ---------------------------------------------------------------------------------------------------------


def folded(text):
    """A text as `words` gives it: any white space is one space."""
    return " ".join(text.split())


def test_the_page_of_an_open_call_says_everything_and_offers_one_act(make, page):
    call = make.call()
    answer = page.get("calls.show", code=call.code)
    assert answer.title == call.title
    for words in (
        "10 000 €",
        "Jusqu’à 50 %",
        "Avance remboursable",
        "heure de Paris",
        "L’heure du serveur",
    ):
        assert words in answer.words
    for block in queries.criteria_of(call.id):
        assert folded(block.block.title) in answer.words
        for item in block.items:
            assert folded(item.title) in answer.words
            assert folded(item.anchors[4]) in answer.words
    for rows in (queries.questions_of(call.id), queries.pieces_of(call.id)):
        assert all(folded(row.label) in answer.words for row in rows)
    for rows in (queries.statements_of(call.id), queries.gates_of(call.id)):
        assert all(folded(row.title) in answer.words for row in rows)
    assert "{" not in answer.tree.xpath("string(//main)")
    assert [a.text_content().strip() for a in answer.tree.xpath("//a[@class='button primary']")] == [
        "Préparer un dossier"
    ]


def test_a_coming_a_closed_and_a_settled_call_say_so_and_take_no_dossier(make, page):
    at = clock.now()
    day = timedelta(days=1)
    coming = make.call(opens_at=at + day, closes_at=at + 9 * day)
    past = make.call(opens_at=at - 9 * day, closes_at=at - day)
    for call, words in ((coming, "n’est pas encore ouvert"), (past, "en cours d’examen")):
        answer = page.get("calls.show", code=call.code)
        assert words in answer.words
        assert "Préparer un dossier" not in answer.words
    with unit_of_work():
        past.results_published_at = at
    assert "Résultats publiés" in page.get("calls.show", code=past.code).words


def test_a_draft_is_known_to_the_team_alone(make, page, draft, manager):
    assert page.get("calls.show", code=draft.code).status == 404
    assert page.get("calls.show", code=draft.code, as_=make.account()).status == 404
    answer = page.get("calls.show", code=draft.code, as_=manager)
    assert answer.status == 200
    assert "Aperçu" in answer.words
    assert page.get("calls.show", code="ABSENT").status == 404
    page.sign_in(None)
    assert draft.title not in page.get("calls.index").words


def test_the_page_costs_the_same_whatever_the_call_holds(app, make, page, queries):
    call = make.call()
    empty = make.call(state=CallState.DRAFT)
    codes = call.code, empty.code
    app.extensions.pop("frozen_rows", None)  # neither call was read before
    full = queries.count(lambda: page.get("calls.text", code=codes[0]))
    with unit_of_work() as session:
        for rows in (READ["question"](empty.id), READ["piece"](empty.id), READ["gate"](empty.id)):
            for row in rows:
                session.delete(row)
        session.flush()
        empty.opened_at, empty.state = empty.opens_at, CallState.OPENED
    assert queries.count(lambda: page.get("calls.text", code=codes[1])) == full


def test_the_sheet_to_print_unfolds_everything(make, page):
    call = make.call()
    answer = page.get("calls.text", code=call.code)
    folded = answer.tree.xpath("//main//details[not(@open)]")
    assert answer.status == 200
    assert not folded
    assert answer.tree.xpath("//main//details")


def test_the_list_shows_open_coming_and_past(make, page):
    at = clock.now()
    day = timedelta(days=1)
    make.call(opens_at=at + day, closes_at=at + 9 * day, code="COMING")
    make.call(opens_at=at - 9 * day, closes_at=at - day, code="PAST")
    words = page.get("calls.index").words
    assert "Aucun appel n’est ouvert en ce moment." in words
    assert "COMING" in words
    assert "PAST" in words


def test_the_check_answers_without_account_and_writes_nothing(make, page, queries):
    call = make.call()
    good = dict.fromkeys(
        ("legal_form", "territory", "axis_chosen", "not_started", "obligations", "commitment", "no_double_request"),
        "yes",
    )
    money = {"instrument": "development", "amount": "10 000", "total": "20000"}
    assert "semble fait pour vous" in page.get("calls.self_check", code=call.code, **good, **money).words
    unmet = page.get("calls.self_check", code=call.code, **{**good, "territory": "no"}, **money)
    gate = next(gate for gate in READ["gate"](call.id) if gate.code == "territory")
    assert "pas tel que vous décrivez" in unmet.words
    assert gate.refusal in unmet.words
    too_much = page.get("calls.self_check", code=call.code, **good, **{**money, "total": "19999"})
    assert "pas tel que vous décrivez" in too_much.words
    assert "il reste des points" in page.get("calls.self_check", code=call.code, legal_form="yes").words
    with queries.watched() as statements:
        page.get("calls.self_check", code=call.code, **good, **money)
    assert not [s for s in statements if s.split()[0] in {"INSERT", "UPDATE", "DELETE"}]


@pytest.mark.parametrize(
    ("name", "value"),
    [("amount", "-5"), ("amount", "1e5"), ("amount", "١٢"), ("legal_form", "peut-être"), ("instrument", "x")],
)
def test_the_check_refuses_what_it_cannot_read(make, page, name, value):
    call = make.call()
    answer = page.get("calls.self_check", code=call.code, **{name: value})
    assert answer.status == 422
    assert answer.tree.xpath("//*[@class='field-error']")


# ---- managers -------------------------------------------------------------------------------------------------------


def new_call(**changed):
    values = {
        "title": "Vieillir au frais", "theme": "Pour les aînés", "code": "FIS-2031", "framework": "PMS",
        "opens_on": "2031-02-03", "opens_hour": "09:00", "closes_on": "2031-04-30", "closes_hour": "17:00",
        "envelope": "120 000", "source": "",
    }  # fmt: skip
    return {**values, **changed}


def test_a_manager_makes_a_call_from_the_model_and_from_an_earlier_one(make, page, manager):
    page.get("calls.create", as_=manager)
    answer = page.submit(new_call())
    assert answer.title == "Vieillir au frais"
    made = queries.call_by_code("FIS-2031")
    assert made.closes_at.isoformat() == "2031-04-30T15:00:00+00:00"
    assert made.envelope == Money.euros(120_000)
    assert len(queries.questions_of(made.id)) == 24
    page.get("calls.create")
    typed = {"opens_on": "3/2/2031", "closes_on": "30/04/2031 ", "closes_hour": "17h00", "envelope": "120 000,00 €"}
    page.submit(new_call(code="FIS-2032", source=str(made.id), **typed))
    other = queries.call_by_code("FIS-2032")
    assert len(queries.questions_of(other.id)) == 24
    assert (other.closes_at, other.envelope) == (made.closes_at, made.envelope)


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"title": ""}, "title"),
        ({"title": "x" * 201}, "title"),
        ({"code": "fis 2031"}, "code"),
        ({"code": "CODE-QUI-EST-BEAUCOUP-TROP-LONG"}, "code"),
        ({"closes_on": "2031-02-30"}, "closes_on"),
        ({"closes_on": "2031-01-01"}, "closes_on"),
        ({"closes_hour": "25:00"}, "closes_hour"),
        ({"closes_on": "2031-03-30", "closes_hour": "02:30"}, "closes_hour"),
        ({"envelope": "-1"}, "envelope"),
        ({"envelope": "1 000 001"}, "envelope"),
        ({"envelope": "١٢٠٠٠"}, "envelope"),
        ({"framework": "ABSENT"}, "framework"),
    ],
)
def test_bad_input_is_told_on_its_field_and_nothing_is_written(page, manager, changed, field):
    page.get("calls.create", as_=manager)
    answer = page.submit(new_call(**changed))
    assert answer.status == 422
    assert answer.tree.xpath("//*[@id=$id]", id=f"{field}-error"), answer.words[:400]
    if "title" not in changed:
        assert answer.tree.xpath("//input[@name='title']/@value") == ["Vieillir au frais"]
    assert not queries.all_calls()


def test_nobody_but_a_manager_writes_a_call(make, page, draft):
    for role in ("finance", "auditor", "administrator"):
        account = make.account(role)
        assert page.get("calls.desk", as_=account).status == 200
        for endpoint in ("edit", "texts", "instruments", "open_call", "add_question"):
            assert page.get(f"calls.{endpoint}", draft, as_=account).status == 403
    assert page.get("calls.desk", as_=make.account()).status == 403
    assert page.get("calls.manage", draft, as_=make.account()).status == 404


def test_a_draft_is_edited_and_a_published_call_keeps_only_its_words_open(make, page, manager, draft):
    page.get("calls.edit", draft, as_=manager)
    page.submit({"title": "Autre titre", "threshold": "55", "envelope": "200000"})
    db.session.expire_all()
    assert (draft.title, draft.threshold, draft.envelope) == ("Autre titre", 55, Money.euros(200_000))
    opened = make.call()
    answer = page.get("calls.edit", opened)
    assert not answer.tree.xpath("//input[@name='envelope']")
    assert "figées" in answer.words
    page.submit({"theme": "Un thème corrigé"})
    db.session.expire_all()
    assert opened.theme == "Un thème corrigé"


def test_a_grace_is_set_within_bounds_while_the_call_is_a_draft_and_is_published(page, manager, draft):
    words = "Un délai de 15 minutes après la clôture"
    page.get("calls.edit", draft, as_=manager)
    for strange in ("121", "-1", "quinze"):
        answer = page.submit({"grace_minutes": strange})
        assert answer.status == 422
        assert answer.tree.xpath("string(//*[@id='grace_minutes-error'])")
    assert words not in page.get("calls.show", code=draft.code).words
    page.get("calls.edit", draft)
    page.submit({"grace_minutes": "15"})
    db.session.expire_all()
    assert draft.grace_minutes == 15
    for endpoint in ("calls.manage", "calls.open_call"):
        assert words in page.get(endpoint, draft).words
    assert words in page.get("calls.show", code=draft.code).words
    page.get("calls.edit", draft)
    page.submit({"grace_minutes": ""})
    db.session.expire_all()
    assert draft.grace_minutes == 0


def test_a_second_tab_with_an_old_version_is_told_so(make, page, manager, draft):
    stale = page.get("calls.edit", draft, as_=manager)
    page.submit({"title": "Le premier"})
    page.last = stale
    answer = page.submit({"title": "Le second"})
    assert answer.status == 409
    assert "Le premier" in answer.words
    assert db.session.get(type(draft), draft.id).title == "Le premier"


def test_texts_are_written_and_a_strange_placeholder_is_told_on_its_field(page, manager, draft):
    page.get("calls.texts", draft, as_=manager)
    answer = page.submit({"how_much_fr": "Entre {mini} et {maximum}."})
    assert answer.status == 422
    assert "{mini}" in answer.tree.xpath("string(//*[@id='how_much_fr-error'])")
    page.get("calls.texts", draft)
    page.submit({"how_much_fr": "Entre {minimum} et {maximum} exactement."})
    db.session.expire_all()
    assert "exactement" in page.get("calls.show", code=draft.code).words


def test_amounts_are_offered_within_their_own_order(page, manager, draft):
    page.get("calls.instruments", draft, as_=manager)
    answer = page.submit({"emergence_minimum": "9000", "emergence_maximum": "8000"})
    assert answer.status == 422
    assert answer.tree.xpath("//*[@id='emergence_maximum-error']")
    page.get("calls.instruments", draft)
    form = dict(form_values(page.last.form()))
    form.pop("scale_up_offered")
    amounts = {"emergence_minimum": "5000", "emergence_maximum": "8000", "development_rate": ""}
    page.post("calls.instruments", draft, data={**form, **amounts})
    offered = {row.instrument.code: row for row in queries.instruments_of(draft.id)}
    assert set(offered) == {"emergence", "development"}
    assert offered["emergence"].maximum == Money.euros(8_000)
    assert offered["development"].max_rate is None


@pytest.mark.parametrize("word", PARTS)
def test_each_kind_of_part_is_shown_saved_as_it_is_and_moved(page, manager, draft, word):
    part = READ[word](draft.id)[0]
    before = queries.columns_of(part)
    page.get(f"calls.edit_{word}", part, as_=manager)
    assert page.submit().status == 200
    db.session.expire_all()
    assert queries.columns_of(part) == before
    assert page.post(f"calls.move_{word}", part, data={"way": "aside"}).status == 422


@pytest.mark.parametrize("word", PARTS)
def test_parts_are_moved_added_and_removed_on_the_version_shown(page, manager, draft, word):
    shown = page.get(f"calls.{LISTED.get(word, 'conditions')}", draft, as_=manager)
    first, second, *_others = [part.id for part in READ[word](draft.id)]
    removed = next(part.id for part in READ[word](draft.id) if queries.reserved_as(part) is None)
    moving = f"/{first}/deplacer"
    form = dict(form_values(shown.form(moving)))
    assert page.submit({"way": "down"}, action=moving).status == 200
    order = [part.id for part in READ[word](draft.id)]
    assert order[:2] == [second, first]
    key, version = page.last.form(moving).fields["_key"], fresh(draft).version
    address = page.url(f"calls.move_{word}", first)
    for number, said in enumerate((form["version"], "", "-1", f"0{version}", f"{version}²", None)):
        sent = {**form, "way": "up", "version": said, "_key": f"{key[:-1]}{number}"}
        refused = page.post(address, data={name: value for name, value in sent.items() if value is not None})
        assert refused.status == 409, said
    page.last = shown
    assert page.submit(action=f"/{removed}/retirer").status == 409
    page.get(f"calls.{LISTED.get(word, 'conditions')}", draft)
    assert page.submit({"way": "up"}, action=moving).status == 200
    assert [part.id for part in READ[word](draft.id)][:2] == [first, second]


def test_a_part_is_added_to_the_call_as_it_was_shown(page, manager, draft):
    stale = page.get("calls.add_section", draft, as_=manager)
    before = len(queries.sections_of(draft.id))
    assert page.submit({"title": "La première"}).status == 200
    page.last = stale
    assert page.submit({"title": "La seconde"}).status == 409
    assert [row.title for row in queries.sections_of(draft.id)][before:] == ["La première"]


def test_amounts_changed_meanwhile_are_a_conflict(page, manager, draft):
    stale = page.get("calls.instruments", draft, as_=manager)
    assert page.submit({"emergence_maximum": "8000"}).status == 200
    page.last = stale
    assert page.submit({"emergence_maximum": "9000"}).status == 409


def test_a_call_whose_parts_changed_meanwhile_is_not_published(page, manager, draft):
    shown = page.get("calls.open_call", draft, as_=manager)
    version = fresh(draft).version
    page.get("calls.questions", draft)
    section = queries.sections_of(draft.id)[0]
    page.submit({"way": "down"}, action=f"/{section.id}/deplacer")
    assert fresh(draft).version == version + 1
    page.last = shown
    assert page.submit({"dates_read": "y", "acknowledged": "y"}).status == 409
    assert fresh(draft).state is CallState.DRAFT


@pytest.mark.parametrize("word", PARTS)
def test_a_published_call_refuses_each_act_on_each_part(make, page, manager, word):
    call = make.call()
    part = READ[word](call.id)[0]
    page.sign_in(manager)
    assert page.get(f"calls.add_{word}", call).status == 409
    assert page.get(f"calls.edit_{word}", part).status == 409
    for act in ("edit", "move", "remove"):
        assert page.post(f"calls.{act}_{word}", part, data={"way": "up"}).status == 409
    answer = page.get(f"calls.{LISTED.get(word, 'conditions')}", call)
    assert "Figé" in answer.words
    assert not answer.tree.xpath("//main//form")


def test_a_question_with_choices_is_added_where_one_asked_for_it(page, manager, draft):
    section = queries.sections_of(draft.id)[2]
    page.get("calls.add_question", draft, as_=manager, dans=section.id)
    bad = page.submit({"label": "Où ?", "kind": "choice", "choices": "Un seul"})
    assert bad.status == 422
    assert bad.tree.xpath("//*[@id='choices-error']")
    page.submit({"label": "Où ?", "kind": "choice", "choices": "Ici | Here\nLà-bas | There"})
    added = next(question for question in queries.questions_of(draft.id) if question.label == "Où ?")
    assert added.section_id == section.id
    assert added.choices[0] == {"code": "ici", "label": "Ici", "label_en": "Here"}


@pytest.mark.parametrize("value", ["<script>alert(1)</script>", "x\0y", "👩🏽‍🌾" * 10])
def test_strange_titles_are_kept_as_text_or_refused_but_never_run(page, manager, draft, value):
    gate = queries.gates_of(draft.id)[0]
    page.get("calls.edit_gate", gate, as_=manager)
    assert page.submit({"title": value}).status == 200
    db.session.expire_all()
    assert gate.title == value.replace("\0", "")


def test_removing_asks_and_then_removes(page, manager, draft):
    piece = queries.pieces_of(draft.id)[0]
    code = piece.code
    page.get("calls.conditions", draft, as_=manager)
    answer = page.submit(action=f"/gestion/pieces/{piece.id}/retirer")
    assert "est retiré" in answer.words
    assert code not in {row.code for row in queries.pieces_of(draft.id)}


def test_the_opening_repeats_the_dates_in_words_and_wants_both_boxes(page, manager, draft):
    with unit_of_work():
        at = clock.now()
        draft.opens_at, draft.closes_at = at + timedelta(days=1), at + timedelta(days=30)
    answer = page.get("calls.open_call", draft, as_=manager)
    assert any(day in answer.words for day in ("lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche"))
    assert page.submit().status == 422
    page.get("calls.open_call", draft)
    assert page.submit({"dates_read": "y"}).status == 422
    page.get("calls.open_call", draft)
    answer = page.submit({"dates_read": "y", "acknowledged": "y"})
    assert "L’appel est publié" in answer.words
    db.session.expire_all()
    assert draft.state is CallState.OPENED


def test_an_unready_call_shows_what_it_lacks_and_no_way_to_open(page, manager, draft):
    with unit_of_work():
        queries.blocks_of(draft.id)[0].weight += 3
    answer = page.get("calls.open_call", draft, as_=manager)
    assert "Ils font 103" in answer.words
    assert not answer.tree.xpath("//main//form")
    answer = page.post(
        "calls.open_call", draft, data={"dates_read": "y", "acknowledged": "y", "version": str(draft.version)}
    )
    assert answer.status == 409


def test_the_closing_is_put_later_and_the_public_page_says_why(make, page, manager):
    call = make.call()
    page.get("calls.extend", call, as_=manager)
    early = page.submit({"closes_on": "2001-01-01", "closes_hour": "17:00", "reason": "Panne du site"})
    assert early.status == 422
    assert early.tree.xpath("//*[@id='closes_on-error']")
    page.get("calls.extend", call)
    later = (call.closes_at + timedelta(days=7)).date().isoformat()
    page.submit({"closes_on": later, "closes_hour": "17:00", "reason": "Panne du site"})
    assert "Panne du site" in page.get("calls.show", code=call.code).words


def test_a_double_click_opens_one_call_only_once(page, manager, draft):
    page.get("calls.open_call", draft, as_=manager)
    shown = page.last
    page.submit({"dates_read": "y", "acknowledged": "y"})
    page.last = shown
    assert page.submit({"dates_read": "y", "acknowledged": "y"}).status == 200


def test_the_list_of_calls_costs_the_same_for_one_and_three(make, page, manager, queries):
    make.call()
    page.get("calls.desk", as_=manager)
    one = queries.count(lambda: page.get("calls.desk"))
    make.call(), make.call()
    assert queries.count(lambda: page.get("calls.desk")) == one


def test_an_extension_shows_in_both_languages(make, page):
    call = make.call()
    with unit_of_work():
        later = call.closes_at + timedelta(days=2)
        actions.extend(call, closes_at=later, reason="Panne", reason_en="Outage", by=make.by)
    page.client.set_cookie("language", "en")
    assert "Outage" in page.get("calls.show", code=call.code).words


# ---- another zone ---------------------------------------------------------------------------------------------------


@pytest.fixture
def far(app, monkeypatch):
    """Run for a fund of La Réunion, four hours from Greenwich all the year."""
    monkeypatch.setitem(app.config, "SETTINGS", replace(app.config["SETTINGS"], zone="Indian/Reunion"))
    for _time in range(2):  # grants init may be run again
        with unit_of_work():
            load_reference(by=system("tests"))


def test_the_hours_of_a_call_are_typed_in_the_zone_in_which_they_are_shown(far, page, make, manager):
    noon = datetime(clock.today().year + 1, 7, 1, 8, tzinfo=UTC)
    call = make.call(state=CallState.DRAFT, closes_at=noon)
    form = page.get("calls.edit", call, as_=manager).form()
    assert form.fields["closes_hour"] == "12:00"
    assert page.submit({}).status == 200
    db.session.refresh(call)
    assert call.closes_at == noon


def test_the_days_of_a_fund_begin_where_it_is(far):
    with clock.fixed(datetime(2026, 6, 30, 21, tzinfo=UTC)):
        assert clock.today() == date(2026, 7, 1)
        assert clock.day_of(clock.now(), "Europe/Paris") == date(2026, 6, 30)


# ---- what is kept of a page ------------------------------------------------------------------------------------------


def test_a_second_reader_costs_two_statements_and_reads_the_same(make, page, app, queries):
    code = make.call().code
    sheet = lambda answer: answer.tree.xpath("string(//div[contains(@class, 'call-sheet')])")  # noqa: E731 - short
    first = page.get("calls.show", code=code)
    other = Page(app)
    assert queries.count(lambda: other.get("calls.show", code=code)) <= 3  # one of them opens the transaction
    assert sheet(other.last) == sheet(first)
    other.client.set_cookie("language", "en")
    assert sheet(other.get("calls.show", code=code)) != sheet(first)
    page.get("calls.text", code=code)
    assert queries.count(lambda: page.get("calls.text", code=code)) <= 3


@pytest.mark.parametrize(("language", "words"), [("fr", ("Panne", "Crue")), ("en", ("Outage", "Flood"))])
def test_a_change_of_a_call_shows_at_once(make, page, language, words):
    call = make.call()
    page.client.set_cookie("language", language)
    for place, word in enumerate(words):
        with unit_of_work():
            later = call.closes_at + timedelta(days=2)
            reason = ("Panne", "Crue")[place], ("Outage", "Flood")[place]
            actions.extend(call, closes_at=later, reason=reason[0], reason_en=reason[1], by=make.by)
        assert word in page.get("calls.show", code=call.code).words


def test_the_page_changes_at_the_instant_of_the_opening_and_of_the_closing(make, page):
    at = clock.now()
    call = make.call(opens_at=at + timedelta(days=1), closes_at=at + timedelta(days=2))
    instant = timedelta(microseconds=1)
    for when, said in (
        (call.opens_at - instant, "n’est pas encore ouvert"), (call.opens_at, "Préparer un dossier"),
        (call.closes_at, "Préparer un dossier"), (call.closes_at + instant, "en cours d’examen"),
    ):  # fmt: skip
        with clock.fixed(when):
            assert said in page.get("calls.show", code=call.code).words


def asked(client, url, headers):
    """Ask for a page as a browser that holds one, in a context of its own as a server does."""
    return Context().run(client.get, url, headers=headers)


def test_a_page_that_says_the_same_is_not_sent_again_to_a_visitor(make, page, app):
    day = timedelta(days=1)
    call = make.call(opens_at=clock.now() - 9 * day, closes_at=clock.now() - day)
    with clock.fixed(clock.now()):  # a sheet to print bears its hour
        for endpoint in ("calls.show", "calls.text"):
            tag = page.get(endpoint, code=call.code).response.headers["ETag"]
            url = page.url(endpoint, code=call.code)
            again = asked(page.client, url, {"If-None-Match": tag, "Accept-Encoding": "gzip"})
            assert again.status_code == 304
            assert again.data == b""
            assert "Content-Encoding" not in again.headers
    # Another session's token, another language, an open session or a message make it another page.
    held = {"If-None-Match": page.get("calls.show", code=call.code).response.headers["ETag"]}
    url = page.url("calls.show", code=call.code)
    assert asked(page.client, url, held).status_code == 304
    assert asked(app.test_client(), url, held).status_code == 200
    with page.client.session_transaction() as session:
        session["_flashes"] = [("info", "Un mot")]
    answer = asked(page.client, url, held)
    assert answer.status_code == 200
    assert "Un mot" in answer.get_data(as_text=True)
    assert asked(page.client, url, held).status_code == 304
    page.client.set_cookie("language", "en")
    assert asked(page.client, url, held).status_code == 200
    page.sign_in(make.account())
    signed_in = asked(page.client, url, held)
    assert signed_in.status_code == 200
    assert "ETag" not in signed_in.headers
    assert signed_in.headers["Cache-Control"] == "no-store"


def test_an_open_call_tells_the_hour_of_each_answer(make, page):
    call = make.call()
    tags = set()
    for second in range(2):
        with clock.fixed(clock.now() + timedelta(seconds=second)):
            answer = page.get("calls.show", code=call.code)
            assert answer.tree.xpath("//*[@data-now]/@data-now") == [str(clock.now().timestamp())]
            tags.add(answer.response.headers["ETag"])
    assert len(tags) == 2


def test_a_part_that_other_rules_read_says_why_it_stays(page, manager, draft):
    block = next(part for part in READ["block"](draft.id) if part.code == "climate")
    shown = page.get("calls.criteria", draft, as_=manager)
    assert "Indispensable : sert ailleurs (la figure qui place les dossiers" in shown.words.replace("\xa0", " ")
    assert not shown.tree.xpath(f"//form[contains(@action, '{block.id}/retirer')]")
    assert page.post("calls.remove_block", block, data=form_values(shown.form("/deplacer"))).status == 409
