"""How much the reference call asks: half for a small grant, nothing twice, each criterion judged, in how long."""

import re

import pytest

from grants.applications import queries
from grants.applications.forms import section_form
from grants.applications.parts import PARTS, asked_items, asked_parts, effort
from grants.applications.parts.effort import Effort, Lists
from grants.calls import queries as calls
from grants.calls.lifecycle import CallState
from grants.calls.rules import EVERYTHING, Asked
from grants.kernel import clock

# Each subject, as the words of what is asked tell it; the one page where it is asked.
SUBJECTS = {
    "participation": (
        r"participation des|elles participent|quelle place|place dans les décisions|conçu le projet",
        "publics",
    ),
    "tarifs": (r"tarif|\bprix\b|que paient", "questions-justice_climate"),
    "quartiers": (r"quartiers? prioritaires?", "territoire"),
    "argent des partenaires": (r"apport|cofinance|subvention", "budget"),
}


@pytest.fixture
def call(make):
    return make.call(state=CallState.DRAFT, is_short=True)


def asked_by(call, code):
    return next(calls.asked_in(row) for row in calls.instruments_of(call.id) if row.instrument.code == code)


def test_a_small_grant_asks_at_most_half_of_a_large_one(call):
    small, large = (effort.total(page.effort for page in queries.pages_asked(call, asked_by(call, code)))
                    for code in ("emergence", "scale_up"))  # fmt: skip
    assert small.inputs * 2 <= large.inputs, (small, large)
    assert small.characters * 2 <= large.characters, (small, large)
    assert small.minutes * 2 <= large.minutes, (small.minutes, large.minutes)


def test_each_criterion_is_judged_on_something_for_each_kind_of_support(call):
    assert calls.unjudged(call.id) == []
    checks = {check.code: check.missing for check in calls.opening_checks(call, clock.now())}
    assert (checks["judged"], checks["put_to"], checks["reserved"]) == (None, None, None)


def words_asked(call, asked):
    """The words of all that is asked, by page."""
    for code, part in asked_parts(asked).items():
        for field in part.fields:
            yield code, str(field.label)
            yield code, str(getattr(field, "hint", "") or "")
        for table in part.tables:
            whole = next(one for one in PARTS[code].tables if one.name == table.name)
            yield from (
                (code, str(table.items[name])) for name in asked_items(part, whole, asked) if name in table.items
            )
    for row in calls.questions_of(call.id):
        if asked.takes(row.instruments):
            yield from ((f"questions-{row.section.code}", text) for text in (row.label, row.help))


@pytest.mark.parametrize("code", ["emergence", "development", "scale_up"])
def test_nothing_is_asked_in_two_places(call, code):
    asked = asked_by(call, code)
    for subject, (pattern, page) in SUBJECTS.items():
        found = {place for place, words in words_asked(call, asked) if re.search(pattern, words, re.IGNORECASE)}
        assert found <= {page}, (subject, found)


def test_the_words_that_tell_a_subject_find_it_where_it_was_asked_twice(call):
    everything = [(place, words) for place, words in words_asked(call, EVERYTHING)]
    for pattern in (r"tarif|\bprix\b", r"quartiers? prioritaires?", r"apport"):
        assert {place for place, words in everything if re.search(pattern, words, re.IGNORECASE)} & {
            "publics",
            "partenaires",
        }


def test_a_page_announces_what_the_call_announces_for_it(make, page, app):
    call = make.call(is_short=True)
    draft = make.application(call=call, complete=False)
    page.sign_in(make.member_of(draft.organisation))
    announced = {one.code: one.effort for one in queries.pages_asked(call, queries.asked_of(draft))}
    with app.test_request_context():
        for section in set(queries.section_codes(draft)) - {"pieces"}:
            form = section_form(section, queries.options_of(draft, section), queries.section_values(draft, section))
            assert form.effort == announced[section], section
    assert "environ" in page.get("applications.edit", draft, section="pieces").words
    words = page.get("calls.show", code=call.code).words
    assert "Le temps qu’il faut" in words
    assert "Une estimation" in words
    assert "Seulement pour : Émergence" in words


@pytest.mark.parametrize(("size", "seconds"), [(Effort(), 0), (Effort(4), 60), (Effort(0, 4_500), 600)])
def test_minutes_are_those_of_reading_and_of_writing(size, seconds):
    assert size.seconds == seconds


def test_a_table_counts_its_codes_its_lines_or_its_accounts():
    lists = Lists(4, [("60", False), ("66", False), ("74", True)])
    sizes = {code: effort.of_part(part, Asked(), lists).inputs for code, part in PARTS.items()}
    assert (sizes["projet"], sizes["axes"], sizes["climat"], sizes["calendrier"], sizes["budget"]) == (6, 9, 12, 6, 7)
    less = Asked("emergence", frozenset({"budget.lines.66", "climat.effects.water"}))
    assert effort.of_part(asked_parts(less)["budget"], less, lists).inputs == 5
    assert effort.of_part(asked_parts(less)["climat"], less, lists).inputs == 10
