"""The lists of awards, of payments and of sums to be received, as sheets for people."""

from dataclasses import dataclass

from grants.awards import queries
from grants.awards.lifecycle import AWARD
from grants.awards.models.recovery import RECEIVABLE_LABELS
from grants.awards.queries import AwardFilters, AwardLine, PaymentLine, ReceivableLine
from grants.awards.rules import STEP_LABELS
from grants.kernel import workbooks
from grants.kernel.actor import Actor
from grants.kernel.sheets import Column, ColumnKind, Sheet
from grants.kernel.words import _, _l
from grants.permissions import P

_AWARD: tuple[Column[AwardLine], ...] = (
    Column(_l("Référence"), ColumnKind.WORD, lambda row: row.reference),
    Column(_l("Projet"), ColumnKind.TEXT, lambda row: row.title),
    Column(_l("Organisation"), ColumnKind.TEXT, lambda row: row.organisation),
    Column(_l("Appel"), ColumnKind.TEXT, lambda row: row.call),
    Column(_l("État"), ColumnKind.WORD, lambda row: AWARD.states[row.state].label),
    Column(_l("Prochaine étape"), ColumnKind.TEXT, lambda row: STEP_LABELS[row.step]),
    Column(_l("Voté"), ColumnKind.MONEY, lambda row: row.amount),
    Column(_l("Engagé"), ColumnKind.MONEY, lambda row: row.engaged),
    Column(_l("Mandaté"), ColumnKind.MONEY, lambda row: row.ordered),
    Column(_l("Payé"), ColumnKind.MONEY, lambda row: row.paid),
    Column(_l("Libéré"), ColumnKind.MONEY, lambda row: row.released),
    Column(_l("Reste à mandater"), ColumnKind.MONEY, lambda row: row.left),
    Column(_l("Bilan attendu le"), ColumnKind.DAY, lambda row: row.report_due_on),
)
_PAYMENT: tuple[Column[PaymentLine], ...] = (
    Column(_l("Référence"), ColumnKind.WORD, lambda row: row.reference),
    Column(_l("Organisation"), ColumnKind.TEXT, lambda row: row.organisation),
    Column(_l("Échéance"), ColumnKind.TEXT, lambda row: row.label),
    Column(_l("Montant"), ColumnKind.MONEY, lambda row: row.amount),
    Column(_l("Prévue le"), ColumnKind.DAY, lambda row: row.due_on),
    Column(_l("Ce qui manque"), ColumnKind.TEXT, lambda row: row.reason),
    Column(_l("Préparé par"), ColumnKind.WORD, lambda row: row.prepared_by),
    Column(_l("Approuvé par"), ColumnKind.WORD, lambda row: row.approved_by),
    Column(_l("Mandat"), ColumnKind.WORD, lambda row: row.order_number),
    Column(_l("Mandaté le"), ColumnKind.DAY, lambda row: row.ordered_on),
    Column(_l("Payé le"), ColumnKind.DAY, lambda row: row.paid_on),
)
_RECEIVABLE: tuple[Column[ReceivableLine], ...] = (
    Column(_l("Référence"), ColumnKind.WORD, lambda row: row.reference),
    Column(_l("Organisation"), ColumnKind.TEXT, lambda row: row.organisation),
    Column(_l("Nature"), ColumnKind.WORD, lambda row: RECEIVABLE_LABELS[row.kind]),
    Column(_l("Due le"), ColumnKind.DAY, lambda row: row.due_on),
    Column(_l("Montant"), ColumnKind.MONEY, lambda row: row.amount),
    Column(_l("Reste à recevoir"), ColumnKind.MONEY, lambda row: row.left),
)


def awards(by: Actor, filters: AwardFilters) -> Sheet[AwardLine]:
    """The awards of the list, in its order."""
    return Sheet("attributions", _("Attributions"), _AWARD, queries.every_award(by, filters))


def payments(by: Actor, view: str) -> Sheet[PaymentLine]:
    """The instalments of a view of the payments, in its order."""
    return Sheet("mandats", _("Mandats"), _PAYMENT, queries.every_payment(by, view))


def receivables(by: Actor, *, late: bool) -> Sheet[ReceivableLine]:
    """The sums to be received, the first due first."""
    return Sheet("recouvrements", _("Sommes à recevoir"), _RECEIVABLE, queries.every_receivable(by, late=late))


@dataclass(frozen=True)
class PaymentView:
    """Which view of the payments."""

    name: str


@dataclass(frozen=True)
class ReceivableView:
    """Which sums to be received."""

    late: bool


AWARDS = workbooks.register(
    "awards", _l("Attributions, en classeur"), P.EXPORT_MAKE, AwardFilters,
    awards, lambda by, filters: int(queries.award_totals(by, filters).number),
)  # fmt: skip
PAYMENTS = workbooks.register(
    "payments", _l("Mandats, en classeur"), P.EXPORT_MAKE, PaymentView,
    lambda by, view: payments(by, view.name), lambda by, view: queries.payment_counts(by)[view.name][0],
)  # fmt: skip
RECEIVABLES = workbooks.register(
    "receivables", _l("Sommes à recevoir, en classeur"), P.EXPORT_MAKE, ReceivableView,
    lambda by, view: receivables(by, late=view.late),
    lambda by, view: queries.receivable_totals(by)["late" if view.late else "all"][0],
)  # fmt: skip
