"""What a committee may recommend and what an act may decide, on plain facts."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import TypedDict
from uuid import UUID

from grants.kernel.machine import Text
from grants.kernel.money import Money
from grants.kernel.words import LazyString, _, _l
from grants.methods.ranking import is_to_discuss

_ORDER = re.compile(r"20\d{2}-\d{2}-\d{2}-R-\d{4}", re.ASCII)


class Verdict(StrEnum):
    """What the committee recommends."""

    FAVOURABLE = "favourable"
    FAVOURABLE_WITH_CONDITIONS = "favourable_with_conditions"
    UNFAVOURABLE = "unfavourable"


VERDICT_LABELS: Mapping[Verdict, LazyString] = {
    Verdict.FAVOURABLE: _l("Favorable"),
    Verdict.FAVOURABLE_WITH_CONDITIONS: _l("Favorable avec conditions"),
    Verdict.UNFAVOURABLE: _l("Défavorable"),
}
VERDICT_SHORT: Mapping[Verdict, LazyString] = {
    **VERDICT_LABELS,
    Verdict.FAVOURABLE_WITH_CONDITIONS: _l("Avec conditions"),
}
VERDICT_TONES: Mapping[Verdict, str] = {
    Verdict.FAVOURABLE: "good",
    Verdict.FAVOURABLE_WITH_CONDITIONS: "warn",
    Verdict.UNFAVOURABLE: "neutral",
}


@dataclass(frozen=True)
class RecommendationInput:
    """What the committee says of one dossier, as it was typed."""

    verdict: Verdict
    amount: Money | None
    conditions: str
    reason: str


@dataclass(frozen=True)
class Act:
    """The act of the deliberative body."""

    number: str
    on: date
    body: str
    receipt: str


@dataclass(frozen=True)
class Vote:
    """What the act gives to one dossier, and why when it departs from the recommendation."""

    amount: Money
    reason: str = ""


@dataclass(frozen=True)
class CalibratedRank:
    """Where a dossier stands among those that were marked, rank 1 the best: see `methods.ranking.Ranked`."""

    expected: float
    low: int
    high: int
    above_line: float | None

    @property
    def is_to_discuss(self) -> bool:
        """Whether it is in the discussion band."""
        return is_to_discuss(self.above_line)


class _Kept(TypedDict):
    alpha: float | None
    ranks: list[tuple[str, float, int, int, float | None]]


@dataclass(frozen=True)
class Ranks:
    """What a calibration found, by application; `alpha` is how much the reviewers agree, None where nothing says it."""

    by_application: Mapping[UUID, CalibratedRank]
    alpha: float | None

    @classmethod
    def read(cls, content: str) -> "Ranks":
        """What is kept: `{"alpha": number, "ranks": [[application, expected, low, high, above the line], …]}`."""
        kept: _Kept = json.loads(content)
        ranks = {
            UUID(application): CalibratedRank(expected, low, high, above)
            for application, expected, low, high, above in kept["ranks"]
        }
        return cls(ranks, kept["alpha"])

    @property
    def to_discuss(self) -> int:
        """How many dossiers are in the discussion band."""
        return sum(rank.is_to_discuss for rank in self.by_application.values())


def why_not_amount(verdict: Verdict, amount: Money | None, requested: Money) -> Text | None:
    """None when an amount goes with a verdict and stays within the request, else the reason."""
    if verdict is Verdict.UNFAVOURABLE:
        return _l("Un avis défavorable ne propose pas de montant : laissez ce champ vide.") if amount else None
    if not amount:
        return _l("Indiquez le montant proposé.")
    return _l("Ce montant dépasse la demande.") if amount > requested else None


def why_not_conditions(verdict: Verdict, conditions: str) -> Text | None:
    """None when conditions are written exactly where the verdict announces some, else the reason."""
    if verdict is Verdict.FAVOURABLE_WITH_CONDITIONS and not conditions:
        return _l("Écrivez les conditions, une par ligne, ou choisissez « Favorable ».")
    if verdict is not Verdict.FAVOURABLE_WITH_CONDITIONS and conditions:
        return _l("Des conditions sont écrites : choisissez « Favorable avec conditions », ou effacez-les.")
    return None


def why_not_reason(
    verdict: Verdict, amount: Money | None, reason: str, *, requested: Money, minimum: Money
) -> Text | None:
    """None when the committee's reason is written, else what it must explain."""
    if reason:
        return None
    if verdict is Verdict.UNFAVOURABLE:
        return _l("Écrivez pourquoi : l’association lira cette raison.")
    if amount is not None and amount < minimum:
        return _l("Le montant est sous le minimum de l’instrument : écrivez pourquoi.")
    if amount is not None and amount < requested:
        return _l("Le montant est inférieur à la demande : écrivez pourquoi, l’association lira cette raison.")
    return _l("Écrivez en une phrase ce qui a décidé le comité.")


def why_not_act_day(on: date, *, held_on: date, today: date) -> Text | None:
    """None when a body may have voted on a day: after the committee's meeting, and not in the future."""
    if on > today:
        return _l("Cette date est dans l’avenir. Enregistrez l’acte une fois voté.")
    if on < held_on:
        return _l("Cette date précède la séance du comité : l’acte ne peut venir qu’après son avis.")
    return None


def why_not_voted(amount: Money, reason: str, *, recommended: Money) -> tuple[str, Text] | None:
    """None when the body may vote an amount on a recommendation; else the part at fault (amount, reason) and why.

    The body may lower or refuse, and then says why; what the committee did not recommend holds no money to vote.
    """
    if amount > recommended:
        return "amount", _l("Le montant voté ne peut pas dépasser celui que le comité a proposé.")
    if amount < recommended and not reason:
        return "reason", _l("Écrivez pourquoi l’acte s’écarte de l’avis : l’association lira cette raison.")
    return None


def act_in_words(number: str) -> str:
    """The act as a letter names it. Orders of the president carry a day and an R, deliberations a year and a number."""
    if _ORDER.fullmatch(number):
        return _("arrêté n° %(number)s", number=number)
    return _("délibération n° %(number)s", number=number)
