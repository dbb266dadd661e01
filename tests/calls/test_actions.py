"""Writing a call, opening it once and for all, putting its closing later, putting it away."""

from datetime import timedelta

import pytest
from sqlalchemy import Uuid, bindparam, select, text
from sqlalchemy.exc import DBAPIError

from grants.applications import letters
from grants.applications.lifecycle import ApplicationState
from grants.calls import actions, queries, rules
from grants.calls.lifecycle import CallState
from grants.calls.models import Block, Criterion, Gate, Piece, Question, QuestionKind, Section, Statement
from grants.kernel import clock, journal
from grants.kernel.db import db, unit_of_work
from grants.kernel.errors import ConflictError, InvalidError, RefusedError
from grants.kernel.money import Money
from grants.kernel.outbox import Letter
from grants.programme import queries as programme


def identity(**changed):
    at = clock.now()
    values = {
        "framework": programme.frameworks()[0],
        "code": "FIS-2030",
        "title": "Un nouvel appel",
        "title_en": "",
        "theme": "",
        "theme_en": "",
        "opens_at": at + timedelta(days=5),
        "closes_at": at + timedelta(days=40),
        "envelope": Money.euros(100_000),
    }
    return actions.Identity(**{**values, **changed})


def open_now(call, make, *, acknowledged=True):
    with unit_of_work():
        actions.open_call(call, acknowledged=acknowledged, version=call.version, by=make.by)


def events_of(call):
    return [entry.event for entry in journal.of(call)]


# ---- made -----------------------------------------------------------------------------------------------------------


def test_a_copy_asks_offers_and_judges_as_its_model_and_leaves_the_model_alone(make):
    source = make.call()
    with unit_of_work():
        copy = actions.create(programme.fund(), source, identity(), by=make.by)
    assert copy.state is CallState.DRAFT
    assert copy.opened_at is None
    assert copy.texts == source.texts
    for read in (queries.questions_of, queries.items_of, queries.pieces_of, queries.statements_of, queries.gates_of):
        ours, theirs = read(copy.id), read(source.id)
        assert [row.code for row in ours] == [row.code for row in theirs]
        assert not {row.id for row in ours} & {row.id for row in theirs}
    judged = {
        question.code: question.criterion.code for question in queries.questions_of(copy.id) if question.criterion
    }
    assert judged == {q.code: q.criterion.code for q in queries.questions_of(source.id) if q.criterion}
    assert {item.call_id for item in queries.items_of(copy.id)} == {copy.id}
    assert all(
        question.criterion.call_id == copy.id for question in queries.questions_of(copy.id) if question.criterion
    )
    assert journal.of(copy)[-1].facts["copied_from"] == source.code


@pytest.mark.parametrize("field", ["code", "envelope", "closes_on"])
def test_a_call_that_cannot_stand_is_refused_on_its_field(make, field):
    taken = make.call(envelope=Money.euros(950_000))
    wrong = {
        "code": {"code": taken.code, "envelope": Money.euros(1)},
        "envelope": {"envelope": Money.euros(50_001)},
        "closes_on": {"closes_at": clock.now()},
    }[field]
    with pytest.raises(InvalidError) as refused, unit_of_work():
        actions.create(programme.fund(), None, identity(**wrong), by=make.by)
    assert refused.value.field == field
    assert len(queries.all_calls()) == 1


def test_a_stale_page_is_a_conflict_that_shows_both_titles(make):
    call = make.call(state=CallState.DRAFT)
    with unit_of_work():
        actions.edit_words(
            call, title="Le premier", title_en="", theme="", theme_en="", version=call.version, by=make.by
        )
    with pytest.raises(ConflictError) as conflict, unit_of_work():
        actions.edit_words(call, title="Le second", title_en="", theme="", theme_en="", version=1, by=make.by)
    assert conflict.value.facts["versions"][0]["theirs"] == "Le premier"
    assert conflict.value.facts["versions"][0]["mine"] == "Le second"


# ---- texts ----------------------------------------------------------------------------------------------------------


def test_texts_change_before_and_after_the_opening_and_the_journal_names_them(make):
    call = make.call()
    texts = {code: dict(body) for code, body in call.texts.items()}
    texts["what_for"]["fr"] = "Pour la {body}, autrement."
    with unit_of_work():
        actions.edit_texts(call, texts, version=call.version, by=make.by)
    assert queries.text_of_call(call, "what_for") == "Pour la {body}, autrement."
    assert journal.of(call)[-1].facts["texts"] == ["what_for"]


@pytest.mark.parametrize("body", ["La {bodi} décide.", "Une accolade { seule.", "{body!r}"])
def test_a_text_the_system_cannot_fill_in_is_refused(make, body):
    call = make.call(state=CallState.DRAFT)
    texts = {"what_for": {"fr": body, "en": ""}}
    with pytest.raises(InvalidError) as refused, unit_of_work():
        actions.edit_texts(call, texts, version=call.version, by=make.by)
    assert refused.value.field == "what_for_fr"
    assert "call.texts_changed" not in events_of(call)


# ---- parts ----------------------------------------------------------------------------------------------------------


def question_values(call, **changed):
    section = queries.sections_of(call.id)[0]
    values = {
        "section_id": section.id, "label": "Avez-vous un local ?", "label_en": "", "help": "", "help_en": "",
        "kind": QuestionKind.CHOICE, "required": True, "max_length": None, "minimum": None, "criterion_id": None,
        "asked_when": None, "choices": [("Oui", "Yes"), ("Non", "No")],
    }  # fmt: skip
    return {**values, **changed}


def test_a_question_is_added_last_moved_up_and_removed(make):
    call = make.call(state=CallState.DRAFT)
    with unit_of_work():
        added = actions.add_part(call, Question, question_values(call), by=make.by)
    section_codes = lambda: [q.code for q in queries.questions_of(call.id) if q.section_id == added.section_id]  # noqa: E731
    assert section_codes()[-1] == "avez_vous_un_local" == added.code
    assert [choice["code"] for choice in added.choices] == ["oui", "non"]
    with unit_of_work():
        actions.move_part(added, up=True, by=make.by)
    assert section_codes()[-2] == added.code
    with unit_of_work():
        actions.remove_part(added, by=make.by)
    assert added.code not in section_codes()
    assert events_of(call)[-3:] == ["call.edit"] * 3


def test_the_first_part_does_not_move_up(make):
    call = make.call(state=CallState.DRAFT)
    first = queries.questions_of(call.id)[0]
    before = [question.code for question in queries.questions_of(call.id)]
    with unit_of_work():
        actions.move_part(first, up=True, by=make.by)
    assert [question.code for question in queries.questions_of(call.id)] == before


def test_a_question_another_waits_for_cannot_go_nor_lose_that_choice(make):
    call = make.call(state=CallState.DRAFT)
    first = next(question for question in queries.questions_of(call.id) if question.code == "first_request")
    with pytest.raises(RefusedError), unit_of_work():
        actions.remove_part(first, by=make.by)
    values = question_values(call, label=first.label, section_id=first.section_id, choices=[("A", ""), ("B", "")])
    values["choices"] = [("Oui, c’est la première", "")]
    with pytest.raises(InvalidError) as refused, unit_of_work():
        actions.edit_part(first, values, seen=queries.fingerprint(first), by=make.by)
    assert refused.value.field == "choices"


def part_of(call, table, code):
    """A part of a call by its table and its code."""
    kind = {"question": Question, "statement": Statement, "criterion_block": Block}[table]
    return db.session.scalars(select(kind).where(kind.call_id == call.id, kind.code == code)).one()


@pytest.mark.parametrize(("table", "code"), sorted(rules.RESERVED))
def test_a_part_that_other_rules_read_stays_in_its_call(make, table, code):
    call = make.call(state=CallState.DRAFT)
    part = part_of(call, table, code)
    if table == "criterion_block":
        for item in db.session.scalars(select(Criterion).where(Criterion.block_id == part.id)):
            actions.remove_part(item, by=make.by)
    for other in queries.asked_after(part) if table == "question" else []:
        other.asked_when = None
    db.session.flush()
    with pytest.raises(RefusedError, match="sert ailleurs"), unit_of_work():
        actions.remove_part(part, by=make.by)


@pytest.mark.parametrize(
    ("code", "changed", "field"),
    [
        ("economic_activity", {"kind": QuestionKind.LONG, "choices": []}, "kind"),
        ("economic_activity", {"choices": [("Peut-être", ""), ("Jamais", ""), ("Oui bien sûr", "")]}, None),
        ("economic_activity", {"choices": [("Oui", "")]}, "choices"),
        ("first_request", {"choices": [("Non, nous avons déjà demandé", "")]}, "choices"),
        ("de_minimis_total", {"kind": QuestionKind.NUMBER}, "kind"),
        ("de_minimis_total", {"label": "Aides déjà reçues"}, None),
    ],
)
def test_a_part_that_other_rules_read_keeps_its_kind_and_choices(make, code, changed, field):
    call = make.call(state=CallState.DRAFT)
    part = part_of(call, "question", code)
    for other in queries.asked_after(part):
        other.asked_when = None
    db.session.flush()
    values = {"kind": part.kind, "section_id": part.section_id, "label": part.label,
            "choices": [(row["label"], row.get("label_en", "")) for row in part.choices], **changed}  # fmt: skip
    edit = lambda: actions.edit_part(part, values, seen=queries.fingerprint(part), by=make.by)  # noqa: E731
    if field is None:
        with unit_of_work():
            edit()
        return
    with pytest.raises(InvalidError, match="sert ailleurs") as refused, unit_of_work():
        edit()
    assert refused.value.field == field


@pytest.mark.parametrize(("table", "code"), sorted(rules.RESERVED))
def test_a_call_without_a_part_that_other_rules_read_does_not_open(make, table, code):
    call = make.call(state=CallState.DRAFT)
    with unit_of_work():
        part_of(call, table, code).code = "autre"
    check = next(row for row in queries.opening_checks(call, clock.now()) if row.code == "reserved")
    assert str(rules.RESERVED[table, code].name) in str(check.missing)
    with pytest.raises(RefusedError), unit_of_work():
        actions.open_call(call, acknowledged=True, version=call.version, by=make.by)


def test_a_part_changed_by_somebody_else_is_a_conflict(make):
    call = make.call(state=CallState.DRAFT)
    gate = queries.gates_of(call.id)[0]
    seen = queries.fingerprint(gate)
    values = {
        "title": "Autre",
        "title_en": "",
        "explanation": "e",
        "explanation_en": "",
        "refusal": "r",
        "refusal_en": "",
    }
    with unit_of_work():
        actions.edit_part(gate, values, seen=seen, by=make.by)
    with pytest.raises(ConflictError), unit_of_work():
        actions.edit_part(gate, {**values, "title": "Encore autre"}, seen=seen, by=make.by)
    assert db.session.get(Gate, gate.id).title == "Autre"


def test_a_block_with_items_stays_and_a_removed_item_lets_its_questions_go(make):
    call = make.call(state=CallState.DRAFT)
    block = queries.blocks_of(call.id)[0]
    with pytest.raises(RefusedError), unit_of_work():
        actions.remove_part(block, by=make.by)
    item = next(q.criterion for q in queries.questions_of(call.id) if q.criterion)
    item_id = item.id
    with unit_of_work():
        actions.remove_part(item, by=make.by)
    assert item_id not in {question.criterion_id for question in queries.questions_of(call.id)}


@pytest.mark.parametrize("kind", [Section, Question, Block, Criterion, Piece, Statement, Gate])
def test_after_the_opening_no_part_moves_by_a_view_nor_by_the_database(make, kind):
    call = make.call()
    part = db.session.scalars(select(kind).where(kind.call_id == call.id)).first()
    for act in (
        lambda: actions.add_part(call, kind, {}, by=make.by),
        lambda: actions.edit_part(part, {}, seen=queries.fingerprint(part), by=make.by),
        lambda: actions.move_part(part, up=False, by=make.by),
        lambda: actions.remove_part(part, by=make.by),
    ):
        with pytest.raises(RefusedError), unit_of_work():
            act()
    with pytest.raises(DBAPIError), unit_of_work() as session:
        session.execute(text(f"UPDATE {kind.__tablename__} SET position = 99"))


# ---- the life of a call ---------------------------------------------------------------------------------------------


def test_a_ready_call_opens_once_and_its_journal_says_what_was_acknowledged(make):
    call = make.call(state=CallState.DRAFT)
    open_now(call, make)
    assert call.state is CallState.OPENED
    assert call.opened_at is not None
    line = journal.of(call)[-1]
    assert line.event == "call.open"
    assert line.facts["envelope"] == 30_000_000
    assert set(line.facts["acknowledged"]) == {code for _kind, code in programme.unconfirmed()}
    with pytest.raises(RefusedError):
        open_now(call, make)


def test_what_nobody_confirmed_must_be_acknowledged(make):
    call = make.call(state=CallState.DRAFT)
    with pytest.raises(InvalidError) as refused:
        open_now(call, make, acknowledged=False)
    assert refused.value.field == "acknowledged"
    assert call.state is CallState.DRAFT


@pytest.mark.parametrize("lack", ["weights", "items", "instruments", "envelope", "closes_later"])
def test_a_call_that_lacks_something_does_not_open(make, lack):
    call = make.call(state=CallState.DRAFT)
    with unit_of_work() as session:
        block = queries.blocks_of(call.id)[0]
        match lack:
            case "weights":
                block.weight += 1
            case "items":
                queries.items_of(call.id)[0].weight += 1
            case "instruments":
                for row in queries.instruments_of(call.id):
                    session.delete(row)
            case "envelope":
                call.envelope = Money.euros(1_000_001)
            case "closes_later":
                call.opens_at, call.closes_at = clock.now() - timedelta(days=9), clock.now() - timedelta(days=1)
    missing = {check.code for check in queries.opening_checks(call, clock.now()) if check.missing is not None}
    assert lack in missing
    with pytest.raises(RefusedError):
        open_now(call, make)
    assert call.state is CallState.DRAFT


def test_a_page_read_before_the_call_changed_does_not_open_it(make):
    call = make.call(state=CallState.DRAFT)
    with unit_of_work():
        call.title = "Changé depuis"
    with pytest.raises(ConflictError), unit_of_work():
        actions.open_call(call, acknowledged=True, version=1, by=make.by)


def test_two_calls_cannot_share_the_same_euros(make):
    first = make.call(state=CallState.DRAFT, envelope=Money.euros(600_000))
    second = make.call(state=CallState.DRAFT, envelope=Money.euros(600_000))
    open_now(first, make)
    with pytest.raises(RefusedError):
        open_now(second, make)


def test_the_closing_only_moves_later_and_says_why(make):
    call = make.call()
    before = call.closes_at
    for wrong in (before, before - timedelta(hours=1)):
        with pytest.raises(InvalidError) as refused, unit_of_work():
            actions.extend(call, closes_at=wrong, reason="Panne", reason_en="", by=make.by)
        assert refused.value.field == "closes_on"
    with unit_of_work():
        actions.extend(call, closes_at=before + timedelta(days=2), reason="Panne du site.", reason_en="", by=make.by)
    assert call.closes_at == before + timedelta(days=2)
    extensions = queries.extensions(call)
    assert [(each.before, each.after, each.reason) for each in extensions] == [
        (before, call.closes_at, "Panne du site.")
    ]
    assert events_of(call)[-1] == "call.extend"
    assert "Panne" not in journal.of(call)[-1].data


def test_those_who_have_a_draft_are_told_once_of_each_later_closing(make):
    call = make.call()
    draft = make.application(call=call)
    make.application(call=call, state=ApplicationState.SUBMITTED)
    with unit_of_work():
        assert letters.extensions() == 0
        actions.extend(
            call, closes_at=call.closes_at + timedelta(days=2), reason="Panne du site.", reason_en="", by=make.by
        )
    for expected in (1, 0):
        with unit_of_work():
            assert letters.extensions() == expected
    letter = db.session.scalars(select(Letter).where(Letter.kind == "applications_extension")).one()
    assert letter.dossier_id == draft.id
    assert "Panne du site." in letter.body
    assert "reportée" in letter.subject


def test_a_draft_call_has_no_closing_to_put_later(make):
    call = make.call(state=CallState.DRAFT)
    with pytest.raises(RefusedError), unit_of_work():
        actions.extend(call, closes_at=clock.now() + timedelta(days=99), reason="x", reason_en="", by=make.by)


def test_a_closed_call_that_is_examined_takes_no_more_dossiers(make):
    at = clock.now()
    call = make.call(opens_at=at - timedelta(days=70), closes_at=at - timedelta(days=60))
    with unit_of_work():
        actions.begin_examination(call)
    for later in (timedelta(minutes=1), timedelta(days=30)):
        with pytest.raises(RefusedError, match="examen"), unit_of_work():
            actions.extend(call, closes_at=at + later, reason="Une panne.", reason_en="", by=make.by)
    assert call.closes_at < at


def test_a_call_that_was_only_closed_may_open_again(make):
    at = clock.now()
    call = make.call(opens_at=at - timedelta(days=9), closes_at=at - timedelta(hours=1))
    with unit_of_work():
        actions.extend(call, closes_at=at + timedelta(days=1), reason="Une panne.", reason_en="", by=make.by)
    assert call.closes_at > at


def test_examining_before_the_closing_leaves_it_free_to_be_put_later(make):
    call = make.call()
    with unit_of_work():
        actions.begin_examination(call)
    first = call.examined_at
    with unit_of_work():
        actions.begin_examination(call)
        actions.extend(call, closes_at=call.closes_at + timedelta(days=1), reason="x", reason_en="", by=make.by)
    assert call.examined_at == first


def test_an_envelope_gives_back_no_more_than_it_holds(make):
    call = make.call()
    with unit_of_work():
        actions.move_envelope(call, Money.euros(5_000))
    with pytest.raises(RefusedError, match="ne contient pas ce montant"), unit_of_work():
        actions.move_envelope(call, -Money.euros(5_001))
    assert (call.committed, call.fund.committed) == (Money.euros(5_000), Money.euros(5_000))
    with unit_of_work():
        actions.move_envelope(call, -Money.euros(5_000))
    assert (call.committed, call.fund.committed) == (Money(0), Money(0))


# ---- what is asked, by kind of support -------------------------------------------------------------------------------


def test_a_call_says_what_it_does_not_ask_and_its_copy_says_the_same(make):
    call = make.call(state=CallState.DRAFT)
    seed = queries.instruments_of(call.id)[0]
    item = queries.items_of(call.id)[0]
    with unit_of_work():
        actions.set_asked(call, {seed.instrument_id: ["publics.justice", "climat"]}, {item.id: ["budget"]}, by=make.by)
        question = next(row for row in queries.questions_of(call.id) if row.code == "spread")
        question.instruments = ["scale_up"]
    db.session.expire_all()
    assert queries.asked_of(call.id, seed.instrument_id) == rules.Asked(
        "emergence", frozenset({"climat", "publics.justice"})
    )
    assert queries.asked_of(call.id, None) == rules.EVERYTHING
    with unit_of_work():
        copy = actions.create(programme.fund(), call, identity(), by=make.by)
    assert [row.left_out for row in queries.instruments_of(copy.id)] == [["climat", "publics.justice"], [], []]
    assert queries.items_of(copy.id)[0].judged_in == ["budget"]
    assert {row.code: row.instruments for row in queries.questions_of(copy.id)}["spread"] == ["scale_up"]


def test_what_other_rules_read_stays_asked_and_an_open_call_does_not_move(make):
    call = make.call(state=CallState.DRAFT)
    seed = queries.instruments_of(call.id)[0]
    for place in ("axes.shares", "budget", "budget.lines.74"):
        with pytest.raises(InvalidError, match="reste demandé"), unit_of_work():
            actions.set_asked(call, {seed.instrument_id: [place]}, {}, by=make.by)
    first = next(row for row in queries.questions_of(call.id) if row.code == rules.FIRST_REQUEST)
    values = {**queries.columns_of(first), "choices": [(row["label"], "") for row in first.choices]}
    columns = {name: values[name] for name in ("section_id", "label", "kind", "choices", "required")}
    with pytest.raises(InvalidError, match="tous les dossiers"), unit_of_work():
        actions.edit_part(first, {**columns, "instruments": ["scale_up"]}, seen=queries.fingerprint(first), by=make.by)
    opened = make.call()
    offered = queries.instruments_of(opened.id)[0]
    with pytest.raises(RefusedError, match="figés"), unit_of_work():
        actions.set_asked(opened, {offered.instrument_id: ["climat"]}, {}, by=make.by)
    for table, column in (("call_instrument", "left_out"), ("question", "instruments"), ("criterion", "judged_in")):
        change = text(f"UPDATE {table} SET {column} = '[\"x\"]' WHERE call_id = :call")
        with pytest.raises(DBAPIError), unit_of_work() as session:
            session.execute(change.bindparams(bindparam("call", opened.id, Uuid())))


def test_a_call_where_a_criterion_is_judged_on_nothing_does_not_open(make):
    call = make.call(state=CallState.DRAFT)
    seed = queries.instruments_of(call.id)[0]
    with unit_of_work():
        actions.set_asked(call, {seed.instrument_id: ["climat"]},
                          {row.id: ["climat"] for row in queries.items_of(call.id) if row.code == "frugality"},
                          by=make.by)  # fmt: skip
    check = next(row for row in queries.opening_checks(call, clock.now()) if row.code == "judged")
    assert "Sobriété" in str(check.missing)
    assert "Émergence" in str(check.missing)
    with pytest.raises(RefusedError, match="Sobriété"), unit_of_work():
        actions.open_call(call, acknowledged=True, version=call.version, by=make.by)


def test_a_question_put_to_a_kind_of_support_that_is_not_offered_holds_up_the_opening(make):
    call = make.call(state=CallState.DRAFT, put_to={"spread": ["emergence"]})
    kept = [row for row in queries.instruments_of(call.id) if row.instrument.code != "emergence"]
    offers = [actions.InstrumentOffer(row.instrument_id, row.minimum, row.maximum, row.max_rate) for row in kept]
    with unit_of_work():
        actions.offer_instruments(call, offers, by=make.by)
    check = next(row for row in queries.opening_checks(call, clock.now()) if row.code == "put_to")
    assert "reprendre" in str(check.missing)
