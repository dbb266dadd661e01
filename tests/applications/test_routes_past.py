"""What the fields of a draft held before they were changed: kept, compared, put back, forgotten."""

from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import select

from grants.applications import actions, queries, rules
from grants.applications.lifecycle import ApplicationState
from grants.applications.models import PastValue
from grants.applications.rules import FieldContent, Part
from grants.kernel import clock, journal
from grants.kernel.db import db, unit_of_work
from tests.applications.test_routes import colleague_of
from tests.applications.test_routes_saves import OpenPage, stored

LONG = "Un texte assez long pour qu’on y tienne, et qu’on ne le perde pas d’un geste."


@pytest.fixture
def draft(make):
    return make.application()


@pytest.fixture
def owner(make, page, draft):
    account = colleague_of(make, draft)  # who wrote none of what it holds
    page.sign_in(account)
    return account


@pytest.fixture
def opened(page, draft, owner):
    return lambda section=Part.PROJECT: OpenPage(page, draft, section)


def kept(draft, field=None):
    db.session.expire_all()
    rows = db.session.scalars(select(PastValue).where(PastValue.application_id == draft.id).order_by(
        PastValue.replaced_at, PastValue.id))  # fmt: skip
    return [rules.alive_of(row.value) for row in rows if field in {None, row.path}]


def later(seconds):
    return clock.fixed(clock.now() + timedelta(seconds=seconds))


def put_back(page, draft, past, section="projet"):
    shown = page.get("applications.past_value", draft, section=section, past_id=past.id).form().fields
    return page.post("applications.past_value", draft, section=section, past_id=past.id, data=shown)


def last(draft):
    return db.session.scalars(select(PastValue).where(PastValue.application_id == draft.id).order_by(
        PastValue.replaced_at.desc())).first()  # fmt: skip


# ---- what is kept


def test_what_somebody_else_wrote_is_kept_once(opened, draft, owner):
    first = stored(draft)["summary"]
    mine = opened()
    mine.type("summary", summary="Un début.")
    mine.type("summary", summary="Un début, puis une suite.")
    assert kept(draft) == [first]
    (row,) = db.session.scalars(select(PastValue))
    assert (row.path, row.replaced_by) == ("summary", owner.id)


def test_ten_minutes_of_writing_and_a_text_taken_out_are_kept(opened, draft, owner):
    mine = opened()
    mine.type("summary", summary=LONG)
    with later(9 * 60):
        mine.type("summary", summary=LONG + " Une suite.")
    assert kept(draft)[1:] == []
    with later(11 * 60):
        mine.type("summary", summary=LONG + " Une autre suite.")
        assert kept(draft)[1:] == [LONG + " Une suite."]
    with later(11 * 60 + 5):
        mine.type("summary", summary=LONG + " Encore une autre suite.")
    with later(11 * 60 + 12):
        mine.type("summary", summary="")
    assert kept(draft)[2:] == [LONG + " Encore une autre suite."]


@pytest.mark.parametrize(
    ("before", "after", "is_kept"),
    [
        (LONG, LONG[:-1], False),
        (LONG, "Et " + LONG, False),
        (LONG, LONG[: len(LONG) // 3], True),
        (LONG, "Tout autre chose.", True),
        (LONG, "", True),
        ("Court.", "", False),
        ("", LONG, False),
    ],
)
def test_a_text_is_kept_when_half_of_it_is_taken_out(before, after, is_kept):
    now = clock.now()
    began_at = now - timedelta(minutes=1)
    old, new = FieldContent(before), FieldContent(after)
    assert rules.is_worth_keeping(old, new, is_own=True, began_at=began_at, now=now) is is_kept
    typed = FieldContent(None, {"summary": [before]})
    assert rules.is_worth_keeping(typed, new, is_own=True, began_at=began_at, now=now) is is_kept
    assert not rules.is_worth_keeping(old, new, is_own=True, began_at=now - timedelta(seconds=9), now=now)


def test_every_value_of_a_dossier_is_kept_as_it_is(draft):
    sections = [code for code in queries.section_codes(draft) if code not in {Part.PIECES, Part.STATEMENTS}]
    held = {(code, *path): value for code in sections
            for path, value in rules.fields_in(queries.section_values(draft, code)).items()}  # fmt: skip
    again = {path: rules.alive_of(rules.plain_of(value)) for path, value in held.items()}
    assert {path: rules.version_of(value) for path, value in again.items()} == {
        path: rules.version_of(value) for path, value in held.items()
    }
    assert len(held) > 40


def test_the_last_values_of_a_field_are_kept(opened, draft, monkeypatch):
    monkeypatch.setattr(rules, "MOST_KEPT", 3)
    mine = opened()
    for number in range(6):
        with later(number * 601):
            mine.type("summary", summary=f"Texte {number}")
            mine.type("title", title=f"Titre {number}")
    assert kept(draft, "summary") == ["Texte 2", "Texte 3", "Texte 4"]
    assert kept(draft, "title") == ["Titre 2", "Titre 3", "Titre 4"]


def test_the_last_values_of_a_page_are_kept_though_each_line_is_another_field(make, draft, owner, monkeypatch):
    monkeypatch.setattr(rules, "MOST_KEPT_OF_A_PAGE", 3)
    by, labels = make.actor_of(owner), []
    for number in range(5):
        held = stored(draft, Part.BUDGET)
        lines = [{**row, "id": str(uuid4())} for row in held["lines"]]
        lines[0]["label"] = f"Ligne {number}"
        with later(number * 601), unit_of_work():
            actions.save_section(draft, Part.BUDGET, {"lines": lines}, by=by, stamp=rules.stamp_of(held))
        labels = [row["label"] for row in kept(draft)]
        assert len(labels) <= 3
    assert "Ligne 3" in labels
    assert "Ligne 1" not in labels


def test_a_save_that_keeps_a_value_asks_one_statement_more(request, opened, draft):
    page = opened()
    save = page.save("summary", summary="Un autre texte.")
    with request.getfixturevalue("queries").watched() as statements:
        page.send(save)
    asked = [one for one in statements if not one.startswith(("BEGIN", "SAVEPOINT", "RELEASE"))]
    assert len(kept(draft)) == 1
    assert sum("INTO past_value" in one or "FROM past_value WHERE past_value.id" in one for one in asked) == 1, asked


# ---- what is shown and put back


def test_two_texts_are_compared_between_their_ends_and_no_more_than_can_be_done_at_once():
    numbers = [f"{number % 50}" for number in range(2_000)]
    spaced, lines = " ".join(numbers), "\n".join(numbers)  # alike, but for every second word of a very long list
    before, after = rules.compared(spaced, lines)
    assert [text for text, is_lacking in before if not is_lacking] == ["0", str(1_999 % 50)]
    assert len(after) == 3
    changed = spaced.replace(" 7 ", " sept ", 1)
    marked = [[text for text, is_lacking in runs if is_lacking] for runs in rules.compared(spaced, changed)]
    assert marked == [["7"], ["sept"]]
    for pair in ((spaced, lines), (spaced, changed), ("a b c", "a c"), ("", "a"), ("a", "a")):
        assert tuple("".join(text for text, _is_lacking in runs) for runs in rules.compared(*pair)) == pair


def test_a_list_of_past_answers_costs_the_same_however_many_there_are(request, page, draft, owner):
    (section, path) = next(
        (code, path) for code in queries.section_codes(draft) if code.startswith(rules.QUESTIONS)
        for path, value in rules.fields_in(queries.section_values(draft, code)).items() if isinstance(value, str)
    )  # fmt: skip
    counts = []
    for _number in range(3):
        with unit_of_work() as session:
            session.add(PastValue(application_id=draft.id, section=section, path=rules.name_of_path(path),
                                  value="Un texte.", replaced_at=clock.now()))  # fmt: skip
        counter = request.getfixturevalue("queries")
        counts.append(counter.count(lambda: page.get("applications.past_values", draft, section=section)))
        assert page.last.status == 200
    assert counts[1] == counts[2]


def test_a_value_is_compared_and_put_back_and_the_other_one_is_kept(opened, page, draft, owner):
    first = stored(draft)["summary"]
    opened().type("summary", summary="Un autre texte.")
    (link,) = page.get("applications.edit", draft, section="projet").tree.xpath("//a[contains(@href, '/versions')]")
    listed = page.get(link.get("href"))
    assert first[:40] in listed.text
    past = last(draft)
    compared = page.get("applications.past_value", draft, section="projet", past_id=past.id)
    assert "".join(compared.tree.xpath("(//section/p[@dir])[1]//text()")) == first
    assert compared.tree.xpath("//section//ins//text()")
    assert "".join(compared.tree.xpath("//section//del//text()")).endswith("texte.")
    answer = put_back(page, draft, past)
    assert (answer.status, stored(draft)["summary"]) == (302, first)
    assert kept(draft) == [first, "Un autre texte."]
    assert [line.facts for line in journal.of(draft) if line.event == "application.restored"] == [{"section": "projet"}]
    assert "contient déjà cette version" in page.get(
        "applications.past_value", draft, section="projet", past_id=past.id).text  # fmt: skip


def test_nothing_is_put_back_over_what_changed_meanwhile(opened, page, draft, owner):
    mine = opened()
    mine.type("summary", summary="Un autre texte.")
    past = last(draft)
    shown = page.get("applications.past_value", draft, section="projet", past_id=past.id).form().fields
    mine.type("summary", summary="Un texte écrit entre-temps.")
    answer = page.post("applications.past_value", draft, section="projet", past_id=past.id, data=shown)
    assert (answer.status, stored(draft)["summary"]) == (422, "Un texte écrit entre-temps.")
    assert "a changé entre-temps" in answer.text
    assert "".join(answer.tree.xpath("(//section/p[@dir])[2]//text()")) == "Un texte écrit entre-temps."


def test_a_line_of_the_budget_that_was_taken_out_comes_back(make, page, draft, owner):
    before = stored(draft, Part.BUDGET)["lines"]
    line = next(row for row in before if row["account"].startswith("6"))
    shown = page.get("applications.edit", draft, section="budget").form("/rediger/budget").fields
    left = [row for row in before if row["id"] != line["id"]]
    with unit_of_work():
        actions.save_section(draft, Part.BUDGET, {"lines": left}, by=make.actor_of(owner), stamp=shown["stamp"])
    assert stored(draft, Part.BUDGET)["lines"] == left
    answer = put_back(page, draft, last(draft), "budget")
    again = stored(draft, Part.BUDGET)["lines"]
    assert (answer.status, sorted(map(str, again))) == (302, sorted(map(str, before)))


def test_what_was_typed_wrong_comes_back_as_it_was_typed(opened, page, draft, owner, make):
    mine = opened()
    too_long = "Trop long. " * 400
    mine.type("summary", summary=too_long)
    page.sign_in(colleague_of(make, draft))
    OpenPage(page, draft, "projet").type("summary", summary="Court.")
    past = last(draft)
    assert past.wrong == {"summary": [too_long]}
    assert put_back(page, draft, past).status == 302
    assert queries.wrong_in(draft, "projet")["summary",] == {"summary": [too_long]}


def test_past_values_are_those_of_this_draft_and_this_page(make, opened, page, draft, owner):
    opened().type("summary", summary="Un autre texte.")
    past = last(draft)
    other = make.application(organisation=draft.organisation, call=make.call())
    for application, section in ((other, "projet"), (draft, "budget"), (draft, "pieces"), (draft, "rien")):
        found = page.get("applications.past_value", application, section=section, past_id=past.id)
        assert found.status == 404
    for section in ("pieces", "declarations", "rien"):
        assert page.get("applications.past_values", draft, section=section).status == 404
    page.sign_in(make.member_of(make.organisation()))
    assert page.get("applications.past_values", draft, section="projet").status == 404


def test_past_values_are_forgotten_once_the_dossier_is_submitted(make, page):
    dossier = make.application(state=ApplicationState.SUBMITTED)
    draft = make.application(call=dossier.call)
    for application in (dossier, draft):
        with unit_of_work() as session:
            session.add(PastValue(application_id=application.id, section="projet", path="summary", value="Un texte.",
                                  replaced_at=clock.now()))  # fmt: skip
    with unit_of_work():
        assert actions.forget_past_values() == 1
    assert (kept(dossier), kept(draft)) == ([], ["Un texte."])
    page.sign_in(make.member_of(dossier.organisation))
    assert page.get("applications.past_values", dossier, section="projet").status == 302
