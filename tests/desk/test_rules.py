"""The journal in words: nothing the code writes there is left as a code."""

import ast
from collections.abc import Iterator
from datetime import UTC, date, datetime

import pytest

from grants.awards.lifecycle import InstalmentState
from grants.desk import rules
from grants.kernel.money import Money
from grants.people import rules as people
from grants.permissions import P
from tests.site import ROOT

WRITERS = {"record", "advance", "line_of", "note_refusal", "_note"}
# Names that only carry a line on: what they write is told where they are called.
CARRIED = {"by", "at"}


def calls() -> Iterator[ast.Call]:
    """Every call of the application that writes a line of the journal."""
    for path in (ROOT / "grants").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
                if name in WRITERS:
                    yield node


def test_every_event_the_code_writes_has_words() -> None:
    first = [call.args[0] for call in calls() if call.args]
    written = {word.value for word in first if isinstance(word, ast.Constant) and isinstance(word.value, str)}
    moves = {f"{machine.name}.{move.verb}" for machine in rules.MACHINES.values() for move in machine.moves}
    assert len(written) > 50
    assert len(rules.MACHINES) == 10
    known = written | moves | {"recommendation.made", "recommendation.changed", "row.changed", "letter.written"}
    assert known - rules.EVENTS.keys() == set()
    assert rules.EVENTS.keys() - known == set(), "words for events that nothing writes"
    assert {event.partition(".")[0] for event in known} == rules.FAMILIES.keys()


def test_every_fact_the_code_writes_has_a_name() -> None:
    written = {keyword.arg for call in calls() for keyword in call.keywords if keyword.arg} - CARRIED
    assert len(written) > 60
    assert written - rules.FACTS.keys() == set()


def test_every_code_the_code_writes_as_a_fact_has_words() -> None:
    """The texts written in so many letters; `section` and others hold codes of rows, which pages look up."""
    written = {
        (keyword.arg, keyword.value.value)
        for path in (ROOT / "grants").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        for keyword in node.keywords
        if keyword.arg in {"how", "part", "why"} and isinstance(keyword.value, ast.Constant)
    }
    assert len(written) > 5
    assert {(name, code) for name, code in written if code not in rules.WORDS[str(name)]} == set()
    assert {act.act for act in vars(people).values() if isinstance(act, people.Throttle)} == rules.WORDS["act"].keys()


def test_every_permission_has_words() -> None:
    assert {permission for permission in P if rules.permission_words(permission) == permission} == set()
    assert {permission.partition(":")[0] for permission in P} == rules.THINGS.keys()
    assert {permission.partition(":")[2] for permission in P} == rules.ACTS.keys()
    assert rules.permission_words("gone:by") == "gone:by"


def described(event: str, **facts: object) -> dict[str, object]:
    return {str(name): value for name, value in rules.described_facts(event, facts)}


def test_a_move_tells_its_states_in_words_and_amounts_in_euros() -> None:
    said = described("instalment.pay", **{"from": "ordered", "to": "paid", "amount": 123456})
    states = rules.MACHINES["instalment"].states
    assert said == {
        "état": f"{states[InstalmentState.ORDERED].label} → {states[InstalmentState.PAID].label}",
        "montant": Money(123456),
    }


def test_a_move_that_stays_where_it_is_does_not_tell_its_state() -> None:
    said = described("application.save", **{"from": "draft", "to": "draft", "section": "budget"})
    assert said == {"partie": str(rules.PART_TITLES["budget"])}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2026-05-14", date(2026, 5, 14)),
        ("2026-05-14 15:00:00+00:00", datetime(2026, 5, 14, 15, tzinfo=UTC)),
        ("2026-99-99", "2026-99-99"),
        ("FIS-2026", "FIS-2026"),
        ("", ""),
    ],
)
def test_days_and_instants_are_read_and_other_texts_left(text: str, value: object) -> None:
    assert described("call.extend", before=text) == {"auparavant": value}


def test_lists_are_told_each_and_what_is_unknown_as_it_stands() -> None:
    assert described("award.plan", steps=[100, 200]) == {"versements": [Money(100), Money(200)]}
    assert described("unknown.event", strange=1) == {"strange": 1}
    assert rules.event_words("unknown.event") == "unknown.event"
