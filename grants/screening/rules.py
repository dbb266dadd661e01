"""The gates of a call as logic on plain facts: what each finds by itself, with the facts it looked at."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from grants.applications.parts.budget import is_over_rate
from grants.applications.parts.vocabulary import LEGAL_FORM_LABELS
from grants.applications.rules import ASSOCIATION, ends_too_early, is_over_ceiling
from grants.kernel.money import Money, percentage
from grants.kernel.words import LazyString, _l


@dataclass(frozen=True)
class ScreeningFacts:
    """What the gates look at, of one application as it was submitted. Days are those of the fund's zone.

    `de_minimis_ceiling` and `commitment_since` are the law in force on the day of submission; None when it has none.
    """

    legal_form: str
    rna: str | None
    communes: tuple[str, ...]
    requested: Money
    minimum: Money | None
    maximum: Money | None
    max_rate: int | None
    starts_on: date | None
    ends_on: date | None
    closes_on: date | None
    submitted_on: date
    commitment_since: date | None
    commitment: str | None
    economic_activity: str | None
    de_minimis_received: Money | None
    de_minimis_ceiling: Money | None
    shares: tuple[int, ...]
    charges: Money
    resources: Money
    in_kind_charges: Money
    in_kind_resources: Money
    requested_line: Money


@dataclass(frozen=True)
class GateFact:
    """A fact beside a gate: a label and a value, Money, a day, an exact percentage (`is_percent`) or text."""

    label: LazyString
    value: Any
    is_percent: bool = False


@dataclass(frozen=True)
class GateResult:
    """What a gate found by itself: passed, failed, or None when it cannot tell; and what it looked at."""

    passed: bool | None
    facts: tuple[GateFact, ...] = ()


@dataclass(frozen=True)
class Outcome:
    """Where a gate stands: what it computed (None for a ticked one), and what a person found, if anybody did.

    `passed` is what holds: the person's finding, else the computed one.
    """

    code: str
    computed: GateResult | None
    found: bool | None = None
    note: str = ""
    is_found: bool = False

    @property
    def passed(self) -> bool | None:
        """What holds for this gate."""
        return self.found if self.is_found else self.computed.passed if self.computed else None

    @property
    def is_overruled(self) -> bool:
        """Whether a person decided against what was computed."""
        return self.computed is not None and self.is_found and self.found is not self.computed.passed


@dataclass(frozen=True)
class Judgement:
    """What a manager finds of one gate: `passed` None leaves it to what was computed, or unjudged."""

    passed: bool | None
    note: str = ""


def legal_form(facts: ScreeningFacts) -> GateResult:
    """An association with an RNA number passes; without one a person looks at the receipt of the prefecture."""
    shown = (
        GateFact(_l("Forme déclarée"), LEGAL_FORM_LABELS.get(facts.legal_form, facts.legal_form)),
        GateFact(_l("Numéro RNA"), facts.rna),
    )
    if facts.legal_form != ASSOCIATION:
        return GateResult(False, shown)
    return GateResult(True if facts.rna else None, shown)


def territory(facts: ScreeningFacts) -> GateResult:
    """At least one commune of the territory."""
    return GateResult(bool(facts.communes), (GateFact(_l("Communes"), ", ".join(facts.communes)),))


def amount(facts: ScreeningFacts) -> GateResult:
    """Within the bounds of the instrument, both included."""
    shown = (
        GateFact(_l("Demandé"), facts.requested),
        GateFact(_l("Minimum"), facts.minimum),
        GateFact(_l("Maximum"), facts.maximum),
    )
    if facts.minimum is None or facts.maximum is None:
        return GateResult(None, shown)
    return GateResult(facts.minimum <= facts.requested <= facts.maximum, shown)


def rate(facts: ScreeningFacts) -> GateResult:
    """The request over the project's resources, at most the instrument's rate; no rate is no limit."""
    limit = None if facts.max_rate is None else percentage(Money(facts.max_rate), Money(100))
    found = percentage(facts.requested, facts.resources) if facts.resources else None
    shown = (
        GateFact(_l("Part demandée"), found, is_percent=True),
        GateFact(_l("Taux maximal"), limit if limit is not None else _l("aucun"), is_percent=limit is not None),
    )
    if facts.max_rate is not None and not facts.resources:
        return GateResult(None, shown)
    return GateResult(not is_over_rate(facts.requested, facts.resources, facts.max_rate), shown)


def not_started(facts: ScreeningFacts) -> GateResult:
    """The project does not end before the call closes."""
    shown = (
        GateFact(_l("Début"), facts.starts_on),
        GateFact(_l("Fin"), facts.ends_on),
        GateFact(_l("Clôture de l’appel"), facts.closes_on),
    )
    if facts.ends_on is None or facts.closes_on is None:
        return GateResult(None, shown)
    return GateResult(not ends_too_early(facts.ends_on, facts.closes_on), shown)


def commitment(facts: ScreeningFacts) -> GateResult:
    """Signed or deemed, for a request made since the law asks for it."""
    asked = facts.commitment_since is not None and facts.submitted_on >= facts.commitment_since
    shown = (
        GateFact(_l("Déposé le"), facts.submitted_on),
        GateFact(_l("Contrat"), _l("souscrit ou réputé satisfait") if facts.commitment else _l("non souscrit")),
    )
    return GateResult(bool(facts.commitment) or not asked, shown)


def de_minimis(facts: ScreeningFacts) -> GateResult:
    """Without economic activity it does not apply; else declared aid and the request stay under the ceiling."""
    if facts.economic_activity == "no":
        return GateResult(True, (GateFact(_l("Activité économique"), _l("non")),))
    shown = (
        GateFact(_l("Aides déclarées"), facts.de_minimis_received),
        GateFact(_l("Demandé"), facts.requested),
        GateFact(_l("Plafond"), facts.de_minimis_ceiling),
    )
    if facts.economic_activity is None or facts.de_minimis_received is None or facts.de_minimis_ceiling is None:
        return GateResult(None, shown)
    over = is_over_ceiling(facts.de_minimis_received, facts.requested, facts.de_minimis_ceiling)
    return GateResult(not over, shown)


def axis_chosen(facts: ScreeningFacts) -> GateResult:
    """At least one axis, and shares that make a hundred."""
    total = percentage(Money(sum(facts.shares)), Money(100))
    shown = (
        GateFact(_l("Axes choisis"), str(len(facts.shares))),
        GateFact(_l("Total des parts"), total, is_percent=True),
    )
    return GateResult(bool(facts.shares) and sum(facts.shares) == 100, shown)


def budget_balanced(facts: ScreeningFacts) -> GateResult:
    """Charges equal resources, gifts in kind equal their use, and the request stands on its line."""
    shown = (
        GateFact(_l("Charges"), facts.charges),
        GateFact(_l("Produits"), facts.resources),
        GateFact(_l("Demande inscrite au budget"), facts.requested_line),
    )
    balanced = facts.charges == facts.resources and facts.in_kind_charges == facts.in_kind_resources
    return GateResult(balanced and bool(facts.charges) and facts.requested_line == facts.requested, shown)


COMPUTED: Mapping[str, Callable[[ScreeningFacts], GateResult]] = {
    "legal_form": legal_form,
    "territory": territory,
    "amount": amount,
    "rate": rate,
    "not_started": not_started,
    "commitment": commitment,
    "de_minimis": de_minimis,
    "axis_chosen": axis_chosen,
    "budget_balanced": budget_balanced,
}


def compute(code: str, facts: ScreeningFacts) -> GateResult:
    """What a computed gate finds; a gate of this call that no rule knows is left to a person."""
    rule = COMPUTED.get(code)
    return rule(facts) if rule else GateResult(None)


def failed(outcomes: Iterable[Outcome]) -> list[str]:
    """The codes of the gates that are not met."""
    return [outcome.code for outcome in outcomes if outcome.passed is False]


def pending(outcomes: Iterable[Outcome]) -> list[str]:
    """The codes of the gates nobody has judged yet."""
    return [outcome.code for outcome in outcomes if outcome.passed is None]


def silence_day(due: date, suspensions: Iterable[tuple[date, date]]) -> date:
    """The day of implicit rejection: `due`, put later by the days during which a missing piece was awaited.

    A suspension runs from the day a piece was asked for to the day it came, or to the last day given for it if it did
    not come before (CRPA, art. L114-5). Days that several requests share count once; one asked for after the day of
    implicit rejection changes nothing.
    """
    ended = date.min
    for begins, ends in sorted(suspensions):
        if begins > due:
            break
        due += max(ends - max(begins, ended), timedelta(0))
        ended = max(ended, ends)
    return due


def needs_note(*, computed: bool | None, found: bool | None) -> bool:
    """Whether a person's finding must say why: a refusal always, and passing over what was computed."""
    return found is False or (found is True and computed is False)


def reason_of(refusals: Sequence[str]) -> str:
    """The reason of a refusal, composed from the sentences of the gates not met."""
    return "\n".join(f"- {sentence}" for sentence in refusals) if len(refusals) > 1 else "".join(refusals)
