"""What the figures mean: the seven columns of tracking and the words of open data, without a database."""

from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from uuid import UUID

from grants.kernel.money import Money
from grants.kernel.words import LazyString, _l


class Breakdown(StrEnum):
    """The ways euros are read on the tracking page."""

    AXIS = "axis"
    ORIENTATION = "orientation"
    ACTION = "action"
    FIELD = "field"
    COMMUNE = "commune"
    PLAN = "plan"
    INSTRUMENT = "instrument"
    YEAR = "year"


READING_LABELS: dict[Breakdown, LazyString] = {
    Breakdown.AXIS: _l("Axe"),
    Breakdown.ORIENTATION: _l("Orientation"),
    Breakdown.ACTION: _l("Action"),
    Breakdown.FIELD: _l("Champ d’intervention"),
    Breakdown.COMMUNE: _l("Commune"),
    Breakdown.PLAN: _l("Plan lié"),
    Breakdown.INSTRUMENT: _l("Instrument"),
    Breakdown.YEAR: _l("Année de l’appel"),
}


class Figure(StrEnum):
    """The columns of tracking, in the order money leaves."""

    ASKED = "asked"
    VOTED = "voted"
    ENGAGED = "engaged"
    ORDERED = "ordered"
    PAID = "paid"
    RELEASED = "released"


FIGURE_LABELS: dict[Figure, LazyString] = {
    Figure.ASKED: _l("Demandé"),
    Figure.VOTED: _l("Attribué"),
    Figure.ENGAGED: _l("Engagé"),
    Figure.ORDERED: _l("Mandaté"),
    Figure.PAID: _l("Payé"),
    Figure.RELEASED: _l("Libéré"),
}


@dataclass
class Sums:
    """The figures of one line of tracking."""

    amounts: dict[Figure, Money] = field(default_factory=lambda: dict.fromkeys(Figure, Money(0)))

    def __getitem__(self, figure: Figure) -> Money:
        return self.amounts[figure]

    def add(self, figure: Figure, amount: Money) -> None:
        """Add to a column."""
        self.amounts[figure] += amount

    @property
    def left(self) -> Money:
        """What is still to be paid: awarded, less released, less paid."""
        return self[Figure.VOTED] - self[Figure.RELEASED] - self[Figure.PAID]


@dataclass(frozen=True)
class TrackingLine:
    """A line of tracking: `key` None is "non précisé"."""

    key: str | None
    code: str
    title: str
    sums: Sums
    colour: int | None = None


def total(lines: list[TrackingLine]) -> Sums:
    """The foot of the table; equal to the ledger's own sums."""
    foot = Sums()
    for line in lines:
        for figure in Figure:
            foot.add(figure, line.sums[figure])
    return foot


SCDL_COLUMNS = (
    "nomAttribuant",
    "idAttribuant",
    "dateConvention",
    "referenceDecision",
    "nomBeneficiaire",
    "idBeneficiaire",
    "rnaBeneficiaire",
    "objet",
    "montant",
    "nature",
    "conditionsVersement",
    "datesPeriodeVersement",
    "idRAE",
    "notificationUE",
    "pourcentageSubvention",
    "dispositifAide",
)
"""SCDL subventions 2.1.1, in the order of the schema."""

_STRICT_RNA_LENGTH = 10


def strict_rna(rna: str | None, siret: str | None) -> str:
    """The RNA as the schema's pattern takes it (W and nine digits); others are left out when a SIRET is given."""
    if rna and len(rna) == _STRICT_RNA_LENGTH and rna[0] == "W" and rna[1:].isdigit():
        return rna
    return "" if siret else (rna or "")


def payment_terms(instalments: int) -> str:
    """The schema's word for one payment or several."""
    return "unique" if instalments <= 1 else "échelonné"


def payment_period(first: date, last: date) -> str:
    """One day, or an ISO 8601 interval."""
    return first.isoformat() if first == last else f"{first.isoformat()}/{last.isoformat()}"


def purpose(title: str) -> str:
    """The purpose on one line, within the schema's 256 characters."""
    folded = " ".join(title.split())
    return folded if len(folded) <= 256 else folded[:255] + "…"


@dataclass(frozen=True)
class TrackingFilters:
    """What narrows the tracking: a call, projects that serve a commune or an axis, dossiers one may not know of."""

    call_id: UUID | None = None
    commune_id: UUID | None = None
    axis_id: UUID | None = None
    hidden: frozenset[UUID] = frozenset()
