"""What an association owes back: sums to be received, receipts, claims."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from uuid import UUID

from sqlalchemy import ColumnElement, exists, func, select, type_coerce
from sqlalchemy.orm import aliased

from grants.applications.models import Application
from grants.awards import rules
from grants.awards.lifecycle import ReceivableState, ReportState
from grants.awards.models import Award, LedgerEntry, LedgerKind, Receivable, ReceivableKind, Report
from grants.awards.queries.award import is_advance
from grants.awards.queries.reporting import report_of, settlement_of
from grants.awards.queries.states import ZERO, Found, Statement, visible_to
from grants.kernel import clock
from grants.kernel.actor import Actor
from grants.kernel.db import Cents, db
from grants.kernel.money import Money
from grants.kernel.paging import Order, Page
from grants.kernel.transaction_cache import cached_in_transaction
from grants.people.models import Account, Organisation


def owed_back(award: Award, report: Report | None) -> Money:
    """What the association still has to give back, by the ledger and the accepted report."""
    excess = settlement_of(report).excess if report is not None and report.state is ReportState.ACCEPTED else ZERO
    settled = award.received + award.given_up
    return rules.owed_back(award.paid, excess, award.claimed, settled, is_advance=is_advance(award))


def left_to_claim(award: Award) -> Money:
    """What of the excess paid no recovery asks for yet, issued or under way; zero when all is asked."""
    asked = award.claimed - award.received - award.given_up + unissued(award.id)
    return max(ZERO, owed_back(award, report_of(award.id)) - asked)


def receivables_of(award_id: UUID) -> Sequence[Receivable]:
    """What is owed back of an award, cancelled or not: the repayments in order, then the recoveries.

    Asked once in a transaction.
    """
    statement = select(Receivable).where(Receivable.award_id == award_id)
    ordered = statement.order_by(Receivable.kind.desc(), Receivable.position, Receivable.id)
    return cached_in_transaction(("receivables", award_id), lambda: db.session.scalars(ordered).all())


def repayments_of(award_id: UUID) -> list[Receivable]:
    """The repayments of an advance that stand, in order."""
    return [
        row
        for row in receivables_of(award_id)
        if row.kind is ReceivableKind.REPAYMENT and row.state is not ReceivableState.CANCELLED
    ]


def receivables_due(until: date) -> Sequence[Receivable]:
    """The sums to be received whose day is at most `until`, the oldest first."""
    statement = select(Receivable).where(Receivable.state == ReceivableState.DUE, Receivable.due_on <= until)
    return db.session.scalars(statement.order_by(Receivable.due_on, Receivable.id)).all()


@dataclass(frozen=True)
class ReceivedSum:
    """A sum that was received, as its ledger line says; it stands unless another line reverses it."""

    id: int
    amount: Money
    day: date
    number: str
    name: str
    stands: bool


def receipts_of(receivable_id: UUID) -> list[ReceivedSum]:
    """The receipts of a sum owed back, the first recorded first."""
    reversal = aliased(LedgerEntry)
    rows = db.session.execute(
        select(
            LedgerEntry.id, LedgerEntry.amount, LedgerEntry.day, LedgerEntry.number, Account.name,
            reversal.id.is_(None).label("stands"),
        )
        .outerjoin(reversal, reversal.reverses_id == LedgerEntry.id)
        .outerjoin(Account, Account.id == LedgerEntry.written_by)
        .where(LedgerEntry.receivable_id == receivable_id, LedgerEntry.kind == LedgerKind.RECEIVED)
        .order_by(LedgerEntry.id)
    )  # fmt: skip
    return [ReceivedSum(row.id, row.amount, row.day, row.number, row.name or "", row.stands) for row in rows]


def awaits_answer(award_id: UUID) -> bool:
    """Whether somebody proposes to reverse a receipt of an award."""
    return any(row.reversal_line is not None for row in receivables_of(award_id))


def unissued(award_id: UUID) -> Money:
    """What recoveries under way will claim once they are issued."""
    waiting = (ReceivableState.PREPARED, ReceivableState.APPROVED)
    return sum((row.amount for row in receivables_of(award_id) if row.state in waiting), ZERO)


def is_claim_known(number: str, year: int) -> bool:
    """Whether a recovery of a year bears a number."""
    known = exists().where(Receivable.number == number, Receivable.order_year == year)
    return bool(db.session.scalar(select(known)))


_LEFT: ColumnElement[Money] = type_coerce(
    Receivable.amount - Receivable.received - Receivable.given_up - Receivable.cancelled, Cents()
)


@dataclass(frozen=True)
class ReceivableLine:
    """A sum owed back, in the list of those to be received."""

    id: UUID
    reference: str
    organisation: str
    kind: ReceivableKind
    due_on: date
    amount: Money
    left: Money


_SOONEST_DUE = Order(Receivable.due_on, Receivable.id)


def receivables(by: Actor, *, late: bool, after: str | None = None, before: str | None = None) -> Page:
    """A page of the sums to be received, the first due first; only the late ones when asked."""
    page = _SOONEST_DUE.page(_receivables(by, late=late), after=after, before=before)
    return replace(page, rows=_receivable_lines(page.rows))


def every_receivable(by: Actor, *, late: bool) -> Iterator[ReceivableLine]:
    """The whole list of the sums to be received, for the sheet."""
    for rows in _SOONEST_DUE.slices(_receivables(by, late=late)):
        yield from _receivable_lines(rows)


def _receivables(by: Actor, *, late: bool) -> Statement:
    statement = (
        select(
            Receivable.id, Application.reference, Organisation.name, Receivable.kind, Receivable.due_on,
            Receivable.amount, _LEFT.label("left"),
        )
        .join(Award, Award.id == Receivable.award_id)
        .join(Application, Application.id == Award.application_id)
        .join(Organisation, Organisation.id == Award.organisation_id)
        .where(visible_to(by), Receivable.state == ReceivableState.DUE)
    )  # fmt: skip
    return statement.where(Receivable.due_on < clock.today()) if late else statement


def _receivable_lines(rows: Sequence[Found]) -> list[ReceivableLine]:
    return [
        ReceivableLine(row.id, row.reference or "", row.name, row.kind, row.due_on, row.amount, row.left)
        for row in rows
    ]


def receivable_totals(by: Actor) -> dict[str, tuple[int, Money]]:
    """How many sums are to be received and late, and what is left of them, in one statement."""
    late = Receivable.due_on < clock.today()
    row = db.session.execute(
        select(
            func.count().label("number"), func.sum(_LEFT).label("amount"),
            func.count().filter(late).label("late_number"), func.sum(_LEFT).filter(late).label("late_amount"),
        )
        .select_from(Receivable)
        .join(Award, Award.id == Receivable.award_id)
        .where(visible_to(by), Receivable.state == ReceivableState.DUE)
    ).one()  # fmt: skip
    return {"all": (row.number, row.amount or ZERO), "late": (row.late_number, row.late_amount or ZERO)}
