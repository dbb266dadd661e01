"""What must hold of awards and their ledger, and the money that nobody may count."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ColumnElement, and_, case, func, literal, or_, select
from sqlalchemy.orm import aliased

from grants.applications.models import Application, Dimension
from grants.awards.lifecycle import InstalmentState
from grants.awards.models import (
    Award,
    Instalment,
    LedgerAllocation,
    LedgerEntry,
    LedgerKind,
    Receivable,
    ReceivableKind,
)
from grants.awards.models.disbursement import REVERSALS
from grants.awards.queries.states import UNPAID, ZERO
from grants.deliberation import queries as deliberation
from grants.kernel.actor import Actor
from grants.kernel.db import db
from grants.kernel.money import Money
from grants.reviewing import queries as reviewing


def released_by_call(*only: ColumnElement[bool]) -> dict[UUID, Money]:
    """What awards gave back, by call; perhaps of some dossiers only."""
    statement = (
        select(Application.call_id, func.sum(Award.released).label("total"))
        .join(Award, Award.application_id == Application.id)
        .where(*only)
        .group_by(Application.call_id)
    )
    return {row.call_id: row.total for row in db.session.execute(statement)}


def hidden_money(by: Actor) -> dict[UUID, Money]:
    """What the dossiers a person has a link with hold of each call, to be left out of every total they see."""
    if by.id is None or not reviewing.linked_ids(by.id):
        return {}
    hidden = deliberation.hidden_from(by)
    held = deliberation.held_by_call(hidden)
    released = released_by_call(hidden) if held else {}
    return {call_id: amount - released.get(call_id, ZERO) for call_id, amount in held.items()}


def problems() -> Iterator[str]:
    """What does not hold in the ledger: running sums, splits and instalments against their lines."""
    yield from _sums_that_differ()
    split = (
        select(LedgerEntry.id, LedgerAllocation.dimension)
        .join(LedgerAllocation, LedgerAllocation.entry_id == LedgerEntry.id)
        .group_by(LedgerEntry.id, LedgerEntry.amount, LedgerAllocation.dimension)
        .having(func.sum(LedgerAllocation.amount) != LedgerEntry.amount)
        .order_by(LedgerEntry.id)
    )
    for entry_id, dimension in db.session.execute(split):
        yield f"ledger line {entry_id}: its split by {dimension} does not add up"
    unsplit = (
        select(LedgerEntry.id)
        .outerjoin(LedgerAllocation, LedgerAllocation.entry_id == LedgerEntry.id)
        .group_by(LedgerEntry.id)
        .having(func.count(func.distinct(LedgerAllocation.dimension)) != len(Dimension))
        .order_by(LedgerEntry.id)
    )
    for entry_id in db.session.scalars(unsplit):
        yield f"ledger line {entry_id}: it is not split in every dimension"
    planned = (
        select(Award.id)
        .join(Instalment, Instalment.award_id == Award.id)
        .where(Instalment.state != InstalmentState.CANCELLED)
        .group_by(Award.id, Award.amount, Award.released)
        .having(func.sum(Instalment.amount) != Award.amount - Award.released)
        .order_by(Award.id)
    )
    for award_id in db.session.scalars(planned):
        yield f"award {award_id}: its instalments do not add up"
    yield from _instalments_that_differ()
    yield from _receivables_that_differ()


def _sums_that_differ() -> Iterator[str]:
    sums: dict[tuple[UUID, LedgerKind], Money] = {}
    lines = select(LedgerEntry.award_id, LedgerEntry.kind, func.sum(LedgerEntry.amount).label("total"))
    for row in db.session.execute(lines.group_by(LedgerEntry.award_id, LedgerEntry.kind)):
        key = row.award_id, REVERSALS.get(row.kind, row.kind)
        sums[key] = sums.get(key, ZERO) + row.total
    rows = db.session.execute(
        select(
            Award.id, Award.amount, Award.engaged, Award.ordered, Award.paid, Award.released, Award.claimed,
            Award.received, Award.given_up,
        ).order_by(Award.id)
    )  # fmt: skip
    for award in rows:
        recorded = {
            LedgerKind.VOTED: award.amount,
            LedgerKind.ENGAGED: award.engaged,
            LedgerKind.ORDERED: award.ordered,
            LedgerKind.PAID: award.paid,
            LedgerKind.RELEASED: award.released,
            LedgerKind.CLAIMED: award.claimed,
            LedgerKind.RECEIVED: award.received,
            LedgerKind.GIVEN_UP: award.given_up,
        }
        for kind, amount in recorded.items():
            if sums.get((award.id, kind), ZERO) != amount:
                yield f"award {award.id}: {kind} differs from the ledger"


def _instalments_that_differ() -> Iterator[str]:
    """What is ordered of each instalment, net of reversals, is its amount while an order stands; paid likewise."""
    for kind, states in (
        (LedgerKind.ORDERED, (*UNPAID, InstalmentState.PAID)),
        (LedgerKind.PAID, (InstalmentState.PAID,)),
    ):
        kinds = [kind, *(reversal for reversal, reversed_kind in REVERSALS.items() if reversed_kind is kind)]
        line = aliased(LedgerEntry)
        total = func.coalesce(func.sum(line.amount), literal(0, BigInteger))
        mismatched = (
            select(Instalment.id)
            .outerjoin(line, and_(line.instalment_id == Instalment.id, line.kind.in_(kinds)))
            .group_by(Instalment.id, Instalment.state, Instalment.amount)
            .having(total != case((Instalment.state.in_(states), Instalment.amount), else_=literal(0, BigInteger)))
            .order_by(Instalment.id)
        )
        for instalment_id in db.session.scalars(mismatched):
            yield f"instalment {instalment_id}: its {kind} lines differ"


def _receivables_that_differ() -> Iterator[str]:
    """What a receivable says to be claimed, received, given up or cancelled is what its lines add up to."""
    claimed = and_(Receivable.kind == ReceivableKind.RECOVERY, Receivable.number.is_not(None))
    recorded: dict[tuple[LedgerKind, ...], Any] = {
        (LedgerKind.CLAIMED,): case((claimed, Receivable.amount), else_=literal(0, BigInteger)),
        (LedgerKind.RECEIVED, LedgerKind.RECEIPT_REVERSED): Receivable.received,
        (LedgerKind.GIVEN_UP,): Receivable.given_up,
        (LedgerKind.CLAIM_CANCELLED,): -Receivable.cancelled,
    }
    for kinds, column in recorded.items():
        line = aliased(LedgerEntry)
        total = func.coalesce(func.sum(line.amount), literal(0, BigInteger))
        mismatched = (
            select(Receivable.id)
            .outerjoin(line, and_(line.receivable_id == Receivable.id, line.kind.in_(kinds)))
            .group_by(Receivable.id)
            .having(total != column)
            .order_by(Receivable.id)
        )
        for receivable_id in db.session.scalars(mismatched):
            yield f"receivable {receivable_id}: its {kinds[0]} lines differ"
    reversal, reversed_ = aliased(LedgerEntry), aliased(LedgerEntry)
    amiss = (
        select(reversal.id)
        .join(reversed_, reversed_.id == reversal.reverses_id)
        .where(or_(reversal.amount != -reversed_.amount, reversal.receivable_id != reversed_.receivable_id))
        .order_by(reversal.id)
    )
    for entry_id in db.session.scalars(amiss):
        yield f"ledger line {entry_id}: it is not the reverse of the line it names"
