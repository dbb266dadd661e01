"""Payments to make: instalments by what they wait for, and why one cannot be prepared."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, case, exists, extract, func, literal, or_, select
from sqlalchemy.orm import aliased

from grants.applications.models import Application
from grants.awards import rules
from grants.awards.lifecycle import AwardState, InstalmentState, ReportState
from grants.awards.models import (
    Agreement,
    Award,
    BankDetails,
    Instalment,
    InstalmentKind,
    LedgerEntry,
    LedgerKind,
    Report,
)
from grants.awards.models.disbursement import REVERSALS
from grants.awards.queries.bank import HANDED_OVER, IN_USE
from grants.awards.queries.lists import agreement_needs
from grants.awards.queries.states import (
    AWAITED_PIECE,
    AWAITED_PIECE_EN,
    AWAITS_PIECE,
    STILL_OPEN,
    UNPAID,
    ZERO,
    Found,
    Statement,
    visible_to,
)
from grants.awards.rules import AgreementNeed, Readiness
from grants.deliberation.models import Decision, Meeting
from grants.kernel.actor import Actor
from grants.kernel.db import db
from grants.kernel.money import Money
from grants.kernel.paging import Order, Page
from grants.kernel.words import LazyString, in_words_of
from grants.people.models import Account, Organisation
from grants.programme.models import FundingForm, Instrument

_FAR = date(9999, 12, 31)
_earlier = aliased(Instalment)
_BANK_READY = exists().where(BankDetails.organisation_id == Award.organisation_id, IN_USE)
_BANK_HANDED_OVER = exists().where(BankDetails.organisation_id == Award.organisation_id, HANDED_OVER)
_FOLLOWS_OPEN = exists().where(
    _earlier.award_id == Instalment.award_id,
    _earlier.position < Instalment.position,
    _earlier.state.in_(STILL_OPEN),
)
_REPORT_READY = exists().where(Report.award_id == Award.id, Report.state == ReportState.ACCEPTED)
_SIGNED = exists().where(Agreement.award_id == Award.id, Agreement.signed_on.is_not(None))
_READY = and_(
    Instalment.state == InstalmentState.PLANNED,
    Award.state == AwardState.RUNNING,
    _BANK_READY,
    ~AWAITS_PIECE,
    ~_FOLLOWS_OPEN,
    or_(Instalment.kind != InstalmentKind.BALANCE, _REPORT_READY),
    or_(Instalment.condition == "", Instalment.attested_on.is_not(None)),
)
PAYMENT_VIEWS: dict[str, ColumnElement[bool]] = {
    "prepare": _READY,
    "approve": Instalment.state == InstalmentState.PREPARED,
    "order": Instalment.state == InstalmentState.APPROVED,
    "pay": Instalment.state.in_(UNPAID),
    "later": and_(Instalment.state == InstalmentState.PLANNED, ~_READY),
    "paid": Instalment.state == InstalmentState.PAID,
}


@dataclass(frozen=True)
class PaymentLine:
    """An instalment in the list of payments; `reason` says why its order cannot be prepared yet."""

    id: UUID
    award_id: UUID
    reference: str
    organisation: str
    label: str
    amount: Money
    due_on: date | None
    prepared_by: str
    approved_by: str
    order_number: str
    ordered_on: date | None
    paid_on: date | None
    reason: LazyString | None
    returned: str
    is_suspended: bool


_preparer, _approver = aliased(Account), aliased(Account)


def _payments() -> Statement:
    return (
        select(
            Instalment.id, Instalment.award_id, Instalment.label, Instalment.kind, Instalment.amount,
            Instalment.due_on, Instalment.state, Instalment.returned_note,
            Instalment.order_number, Instalment.ordered_on, Instalment.paid_on,
            Award.state.label("award_state"), Award.organisation_id, Application.reference, Organisation.name,
            Meeting.act_on, Instrument.form, _preparer.name.label("preparer"), _approver.name.label("approver"),
            _BANK_READY.label("bank_ready"), _BANK_HANDED_OVER.label("handed_over"),
            _FOLLOWS_OPEN.label("follows_open"), _REPORT_READY.label("report_ready"), _SIGNED.label("signed"),
            and_(Instalment.condition != "", Instalment.attested_on.is_(None)).label("lacks_proof"),
            AWAITED_PIECE.label("piece"), AWAITED_PIECE_EN.label("piece_en"),
        )
        .join(Award, Award.id == Instalment.award_id)
        .join(Decision, Decision.id == Award.decision_id)
        .join(Meeting, Meeting.id == Decision.meeting_id)
        .join(Application, Application.id == Award.application_id)
        .join(Organisation, Organisation.id == Award.organisation_id)
        .outerjoin(Instrument, Instrument.id == Application.instrument_id)
        .outerjoin(_preparer, _preparer.id == Instalment.prepared_by)
        .outerjoin(_approver, _approver.id == Instalment.approved_by)
    )  # fmt: skip


def _readiness(row: Any, needs: Mapping[tuple[UUID, int], AgreementNeed]) -> Readiness:
    need = needs.get((row.organisation_id, row.act_on.year), AgreementNeed.NOT_DUE)
    due = need.is_due or row.form is FundingForm.REPAYABLE_ADVANCE
    return Readiness(
        is_running=row.award_state is AwardState.RUNNING,
        lacks_agreement=due and not row.signed,
        has_bank_details=bool(row.bank_ready),
        follows_open_one=bool(row.follows_open),
        is_balance=row.kind is InstalmentKind.BALANCE,
        has_accepted_report=bool(row.report_ready),
        lacks_proof=bool(row.lacks_proof),
        was_handed_over=bool(row.handed_over),
        awaited_piece=in_words_of(row, "piece") if row.piece else "",
    )


_FIRST_DUE = Order(case((Instalment.due_on.is_(None), literal(_FAR)), else_=Instalment.due_on), Instalment.id)


def payments(by: Actor, view: str, *, after: str | None = None, before: str | None = None) -> Page:
    """A page of instalments in a view of the payments, the first due first, in three statements."""
    page = _FIRST_DUE.page(_in_view(by, view), after=after, before=before)
    return replace(page, rows=_payment_lines(page.rows))


def every_payment(by: Actor, view: str) -> Iterator[PaymentLine]:
    """The whole of a view of the payments, for the sheet."""
    for rows in _FIRST_DUE.slices(_in_view(by, view)):
        yield from _payment_lines(rows)


def _in_view(by: Actor, view: str) -> Statement:
    return _payments().where(visible_to(by), PAYMENT_VIEWS[view])


def _payment_lines(rows: Sequence[Found]) -> list[PaymentLine]:
    needs = agreement_needs({row.organisation_id for row in rows})
    return [
        PaymentLine(
            id=row.id, award_id=row.award_id, reference=row.reference or "", organisation=row.name, label=row.label,
            amount=row.amount, due_on=row.due_on, prepared_by=row.preparer or "", approved_by=row.approver or "",
            order_number=row.order_number or "", ordered_on=row.ordered_on, paid_on=row.paid_on,
            reason=rules.why_not_prepare(_readiness(row, needs)) if row.state is InstalmentState.PLANNED else None,
            returned=row.returned_note, is_suspended=row.state is InstalmentState.SUSPENDED,
        )
        for row in rows
    ]  # fmt: skip


def payment_counts(by: Actor) -> dict[str, tuple[int, Money]]:
    """How many instalments each view of the payments holds, and their amount, in one statement."""
    columns: list[Any] = []
    for name, condition in PAYMENT_VIEWS.items():
        columns += [
            func.count().filter(condition).label(f"{name}_number"),
            func.sum(Instalment.amount).filter(condition).label(f"{name}_amount"),
        ]
    counted = select(*columns).select_from(Instalment).join(Award, Award.id == Instalment.award_id)
    found = db.session.execute(counted.where(visible_to(by))).mappings().one()
    return {name: (found[f"{name}_number"], found[f"{name}_amount"] or ZERO) for name in PAYMENT_VIEWS}


def is_order_known(number: str, year: int, *, besides: Instalment) -> bool:
    """Whether another order of a year bears a number, or bore it before it was rejected or cancelled."""
    current = exists().where(
        Instalment.order_number == number, Instalment.order_year == year, Instalment.id != besides.id
    )
    ordered = aliased(LedgerEntry)  # the order that was reversed: the number is of its year, not of the reversal's
    reversed_ = exists().where(
        LedgerEntry.kind.in_(REVERSALS), LedgerEntry.number == number,
        ordered.instalment_id == LedgerEntry.instalment_id, ordered.attempt == LedgerEntry.attempt,
        ordered.kind == LedgerKind.ORDERED, extract("year", ordered.day) == year,
    )  # fmt: skip
    return bool(db.session.scalar(select(or_(current, reversed_))))


def why_not_prepare(instalment: Instalment) -> str | None:
    """The reason why a payment order cannot be prepared now, or None."""
    row = db.session.execute(_payments().where(Instalment.id == instalment.id)).one()
    reason = rules.why_not_prepare(_readiness(row, agreement_needs({row.organisation_id})))
    return str(reason) if reason else None
