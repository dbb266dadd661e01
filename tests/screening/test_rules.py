"""Each gate on plain facts: what passes, what fails, and what only a person can tell."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from grants.kernel.money import Money
from grants.screening import rules
from grants.screening.rules import GateResult, Outcome, ScreeningFacts

EUROS = Money.euros
FACTS = ScreeningFacts(
    legal_form="association",
    rna="W691000001",
    communes=("Vénissieux",),
    requested=EUROS(8000),
    minimum=EUROS(5000),
    maximum=EUROS(10000),
    max_rate=80,
    starts_on=date(2026, 1, 1),
    ends_on=date(2026, 12, 31),
    closes_on=date(2025, 10, 1),
    submitted_on=date(2025, 9, 30),
    commitment_since=date(2022, 1, 2),
    commitment="subscribed",
    economic_activity="yes",
    de_minimis_received=EUROS(1000),
    de_minimis_ceiling=EUROS(300_000),
    shares=(60, 40),
    charges=EUROS(10000),
    resources=EUROS(10000),
    in_kind_charges=EUROS(0),
    in_kind_resources=EUROS(0),
    requested_line=EUROS(8000),
)


@pytest.mark.parametrize("code", list(rules.COMPUTED))
def test_a_sound_application_passes_every_computed_gate_and_shows_why(code):
    found = rules.compute(code, FACTS)
    assert found.passed is True
    assert found.facts


@pytest.mark.parametrize(
    ("code", "changes", "passed"),
    [
        ("legal_form", {"legal_form": "company"}, False),
        ("legal_form", {"rna": None}, None),
        ("territory", {"communes": ()}, False),
        ("amount", {"requested": EUROS(10000)}, True),
        ("amount", {"requested": Money(1000001)}, False),
        ("amount", {"requested": EUROS(4999)}, False),
        ("amount", {"minimum": None}, None),
        ("rate", {"requested": Money(800001)}, False),
        ("rate", {"max_rate": None, "requested": EUROS(99999)}, True),
        ("rate", {"resources": EUROS(0)}, None),
        ("not_started", {"ends_on": date(2025, 10, 1)}, True),
        ("not_started", {"ends_on": date(2025, 9, 30)}, False),
        ("not_started", {"ends_on": None}, None),
        ("commitment", {"commitment": None}, False),
        ("commitment", {"commitment": None, "submitted_on": date(2022, 1, 1)}, True),
        ("commitment", {"commitment": None, "commitment_since": None}, True),
        ("de_minimis", {"de_minimis_received": EUROS(292_000)}, True),
        ("de_minimis", {"de_minimis_received": Money(29_200_001)}, False),
        ("de_minimis", {"de_minimis_received": None}, None),
        ("de_minimis", {"economic_activity": "no", "de_minimis_received": None}, True),
        ("de_minimis", {"economic_activity": None}, None),
        ("axis_chosen", {"shares": ()}, False),
        ("axis_chosen", {"shares": (60, 39)}, False),
        ("budget_balanced", {"charges": Money(1000001)}, False),
        ("budget_balanced", {"in_kind_charges": EUROS(1)}, False),
        ("budget_balanced", {"requested_line": EUROS(7999)}, False),
        ("budget_balanced", {"charges": EUROS(0), "resources": EUROS(0)}, False),
    ],
)
def test_a_gate_at_its_edge(code, changes, passed):
    assert rules.compute(code, replace(FACTS, **changes)).passed is passed


def test_a_gate_no_rule_knows_is_left_to_a_person():
    assert rules.compute("something_new", FACTS) == GateResult(None)


def outcome(code, computed, **found):
    return Outcome(code, None if computed == "ticked" else GateResult(computed), **found)


def test_what_a_person_found_holds_over_what_was_computed():
    overruled = outcome("rate", False, found=True, is_found=True)
    assert overruled.passed
    assert overruled.is_overruled
    assert not outcome("rate", True, found=True, is_found=True).is_overruled
    assert outcome("pieces", "ticked").passed is None
    assert outcome("pieces", "ticked", found=False, is_found=True).passed is False


def test_failed_and_pending_gates_are_told_apart():
    outcomes = [outcome("a", True), outcome("b", False), outcome("c", None), outcome("d", "ticked")]
    assert rules.failed(outcomes) == ["b"]
    assert rules.pending(outcomes) == ["c", "d"]


@pytest.mark.parametrize(
    ("computed", "found", "needed"),
    [(False, True, True), (None, True, False), (True, True, False), (True, False, True), (None, False, True),
     (False, None, False)],
)  # fmt: skip
def test_a_note_is_due_for_a_refusal_and_for_passing_over(computed, found, needed):
    assert rules.needs_note(computed=computed, found=found) is needed


def test_the_reason_lists_every_gate_not_met():
    assert rules.reason_of([]) == ""
    assert rules.reason_of(["Hors du territoire."]) == "Hors du territoire."
    assert rules.reason_of(["Un.", "Deux."]) == "- Un.\n- Deux."


DUE = date(2026, 3, 31)


@pytest.mark.parametrize(
    ("suspensions", "later"),
    [
        ([], 0),
        ([(date(2026, 2, 1), date(2026, 2, 11))], 10),
        ([(date(2026, 2, 1), date(2026, 2, 11)), (date(2026, 2, 6), date(2026, 2, 16))], 15),
        ([(date(2026, 2, 6), date(2026, 2, 8)), (date(2026, 2, 1), date(2026, 2, 11))], 10),
        ([(date(2026, 2, 1), date(2026, 2, 3)), (date(2026, 3, 1), date(2026, 3, 4))], 5),
        ([(date(2026, 2, 1), date(2026, 2, 1))], 0),
        ([(date(2026, 3, 31), date(2026, 4, 10))], 10),
        ([(date(2026, 4, 1), date(2026, 4, 10))], 0),
        ([(date(2026, 3, 20), date(2026, 4, 9)), (date(2026, 4, 15), date(2026, 4, 20))], 25),
        ([(date(2026, 3, 20), date(2026, 4, 9)), (date(2026, 4, 21), date(2026, 4, 30))], 20),
    ],
)
def test_a_missing_piece_suspends_the_time_of_silence_and_never_starts_it_anew(suspensions, later):
    assert rules.silence_day(DUE, suspensions) == DUE + timedelta(days=later)
