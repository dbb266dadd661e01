"""The conditions of a call that a draft does not meet as it is written, told before anybody examines it."""

from dataclasses import dataclass

from grants.applications import rules
from grants.applications.models import Application
from grants.applications.parts.fields import Content
from grants.applications.parts.part import Part
from grants.applications.parts.questions import QUESTIONS
from grants.calls import queries as calls
from grants.calls.models import Call
from grants.calls.rules import DE_MINIMIS_TOTAL
from grants.kernel import clock
from grants.kernel.money import Money
from grants.kernel.pages import zone
from grants.kernel.words import in_words_of
from grants.programme import queries as programme

CEILING = "de_minimis_general"


@dataclass(frozen=True)
class UnmetGate:
    """A condition that is not met: the pages where it is told, and the words of the call for it."""

    sections: frozenset[str]
    title: str
    refusal: str


def unmet_gates(application: Application, content: Content) -> list[UnmetGate]:
    """The conditions that a draft with this content does not meet, among those that its call checks by itself."""
    call = application.call
    gates = {gate.code: gate for gate in calls.gates_of(call.id) if gate.computed}
    closes_on = call.closes_at.astimezone(zone()).date() if call.closes_at is not None else None
    ceiling = None if rules.de_minimis_in(content) is None else _ceiling()
    found = rules.unmet(content, closes_on=closes_on, ceiling=ceiling)
    return [
        UnmetGate(_pages_of(code, call), in_words_of(gates[code], "title"), in_words_of(gates[code], "refusal"))
        for code in found
        if code in gates
    ]


def _pages_of(code: str, call: Call) -> frozenset[str]:
    """Where what decides on a condition is typed."""
    asked = (row for row in calls.questions_of(call.id) if code == "de_minimis" and row.code == DE_MINIMIS_TOTAL)
    return frozenset({str(Part.PROJECT), *(f"{QUESTIONS}{row.section.code}" for row in asked)})


def _ceiling() -> Money | None:
    try:
        return Money.euros(programme.law_number(CEILING, clock.today()))
    except LookupError:  # none in force today
        return None


def refused_form(call: Call, legal_form: str) -> str:
    """Why organisations of a legal form cannot be helped by a call, empty when they can."""
    gate = next((row for row in calls.gates_of(call.id) if row.code == "legal_form" and row.computed), None)
    return in_words_of(gate, "refusal") if gate is not None and legal_form != rules.ASSOCIATION else ""
