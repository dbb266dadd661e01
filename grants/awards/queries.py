"""Questions about awards: what waits for whom, what a body received, what the ledger says."""

from collections.abc import Iterator, Sequence
from datetime import date
from uuid import UUID

from sqlalchemy import func, select

from grants.applications.models import Allocation, Dimension
from grants.awards.lifecycle import BankState, InstalmentState
from grants.awards.models import (
    Agreement,
    Award,
    BankDetails,
    Instalment,
    LedgerAllocation,
    LedgerEntry,
    LedgerKind,
    Report,
)
from grants.deliberation.lifecycle import MeetingState
from grants.deliberation.models import Decision, Meeting
from grants.kernel.db import db
from grants.kernel.money import Money


def decisions_without_award() -> Sequence[Decision]:
    """Granted and published decisions that no award was opened for yet."""
    statement = (
        select(Decision)
        .join(Meeting)
        .outerjoin(Award, Award.decision_id == Decision.id)
        .where(Decision.granted, Meeting.state == MeetingState.PUBLISHED, Award.id.is_(None))
        .order_by(Decision.decided_at, Decision.id)
    )
    return db.session.scalars(statement).all()


def received_in_year(organisation_id: UUID, year: int) -> Money:
    """What all awards voted for a body in a calendar year add up to (by the day of the act)."""
    statement = (
        select(func.sum(Award.amount))
        .join(Decision, Decision.id == Award.decision_id)
        .join(Meeting, Meeting.id == Decision.meeting_id)
        .where(
            Award.organisation_id == organisation_id,
            Meeting.act_on >= date(year, 1, 1),
            Meeting.act_on <= date(year, 12, 31),
        )
    )
    return db.session.scalar(statement) or Money(0)


def agreement_of(award_id: UUID) -> Agreement | None:
    """The agreement of an award."""
    return db.session.scalar(select(Agreement).where(Agreement.award_id == award_id))


def instalments_of(award_id: UUID) -> Sequence[Instalment]:
    """The instalments of an award, in order."""
    return db.session.scalars(
        select(Instalment).where(Instalment.award_id == award_id).order_by(Instalment.position)
    ).all()


def report_of(award_id: UUID) -> Report | None:
    """The report of an award."""
    return db.session.scalar(select(Report).where(Report.award_id == award_id))


def bank_details_of(organisation_id: UUID) -> Sequence[BankDetails]:
    """A body's bank details, newest first."""
    statement = select(BankDetails).where(BankDetails.organisation_id == organisation_id)
    return db.session.scalars(statement.order_by(BankDetails.given_at.desc(), BankDetails.id)).all()


def confirmed_bank_details(organisation_id: UUID) -> BankDetails | None:
    """The bank details two people confirmed, or None."""
    statement = select(BankDetails).where(
        BankDetails.organisation_id == organisation_id, BankDetails.state == BankState.CONFIRMED
    )
    return db.session.scalar(statement.order_by(BankDetails.settled_at.desc()).limit(1))


def weights_of(application_id: UUID) -> dict[Dimension, list[tuple[UUID | None, int]]]:
    """The weights by which an application's euros are read, by dimension, in a stable order."""
    rows = db.session.execute(
        select(Allocation.dimension, Allocation.key_id, Allocation.weight)
        .where(Allocation.application_id == application_id)
        .order_by(Allocation.id)
    )
    weights: dict[Dimension, list[tuple[UUID | None, int]]] = {}
    for row in rows:
        weights.setdefault(row.dimension, []).append((row.key_id, row.weight))
    return weights


def open_instalments(award_id: UUID) -> Sequence[Instalment]:
    """Instalments not ordered yet and not cancelled."""
    still = (InstalmentState.PLANNED, InstalmentState.PREPARED, InstalmentState.APPROVED)
    statement = select(Instalment).where(Instalment.award_id == award_id, Instalment.state.in_(still))
    return db.session.scalars(statement.order_by(Instalment.position)).all()


def problems() -> Iterator[str]:
    """What does not hold in the ledger: running sums, splits and instalments against their lines."""
    sums: dict[tuple[UUID, LedgerKind], Money] = {
        (row.award_id, row.kind): row.total
        for row in db.session.execute(
            select(LedgerEntry.award_id, LedgerEntry.kind, func.sum(LedgerEntry.amount).label("total")).group_by(
                LedgerEntry.award_id, LedgerEntry.kind
            )
        )
    }
    awards = db.session.execute(
        select(Award.id, Award.amount, Award.engaged, Award.ordered, Award.paid, Award.released)
    )
    for award in awards:
        told = {
            LedgerKind.VOTED: award.amount,
            LedgerKind.ENGAGED: award.engaged,
            LedgerKind.ORDERED: award.ordered,
            LedgerKind.PAID: award.paid,
            LedgerKind.RELEASED: award.released,
        }
        for kind, amount in told.items():
            if sums.get((award.id, kind), Money(0)) != amount:
                yield f"award {award.id}: {kind} differs from the ledger"
    split = (
        select(LedgerEntry.id, LedgerAllocation.dimension)
        .join(LedgerAllocation, LedgerAllocation.entry_id == LedgerEntry.id)
        .group_by(LedgerEntry.id, LedgerEntry.amount, LedgerAllocation.dimension)
        .having(func.sum(LedgerAllocation.amount) != LedgerEntry.amount)
    )
    for entry_id, dimension in db.session.execute(split):
        yield f"ledger line {entry_id}: its split by {dimension} does not add up"
    unsplit = select(LedgerEntry.id).where(
        LedgerEntry.id.not_in(select(LedgerAllocation.entry_id)),
    )
    for entry_id in db.session.scalars(unsplit):
        yield f"ledger line {entry_id}: it is not split"
    planned = (
        select(Award.id)
        .join(Instalment, Instalment.award_id == Award.id)
        .where(Instalment.state != InstalmentState.CANCELLED)
        .group_by(Award.id, Award.amount, Award.released)
        .having(func.sum(Instalment.amount) != Award.amount - Award.released)
    )
    for award_id in db.session.scalars(planned):
        yield f"award {award_id}: its instalments do not add up"
