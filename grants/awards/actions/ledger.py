"""Writes the ledger: the one place where an award's money moves, by one conditional statement and one line."""

from dataclasses import dataclass
from datetime import date

from sqlalchemy import ColumnElement, update

from grants.applications.models import Dimension
from grants.awards import queries, rules
from grants.awards.models import Award, Ground, Instalment, LedgerAllocation, LedgerEntry, LedgerKind, Receivable
from grants.awards.models.disbursement import REVERSALS
from grants.kernel import clock
from grants.kernel.actor import Actor
from grants.kernel.db import db
from grants.kernel.errors import RefusedError
from grants.kernel.money import Money
from grants.kernel.words import _


def hold(award: Award) -> None:
    """Take an award for this transaction and read it afresh: whoever else changes its plan or papers waits.

    Called before anything of the award is changed. SQLite needs nothing more: its writers follow one another.
    """
    db.session.flush()
    db.session.refresh(award, with_for_update=True)


@dataclass(frozen=True)
class About:
    """What a ledger line is about: an instalment, the number of its order, the line and the reason of a reversal."""

    instalment: Instalment | None = None
    number: str = ""
    reason: str = ""
    receivable: Receivable | None = None
    ground: Ground | None = None
    reverses_id: int | None = None


def move(
    award: Award, kind: LedgerKind, amount: Money, *, on: date, by: Actor, about: About | None = None
) -> LedgerEntry:
    """Move money of an award: take it within the bound in one statement, then write the line and its splits.

    `amount` is what moves, always positive; the line of a reversal is negative. Raises RefusedError when the bound
    would be passed, whoever else moves money at the same instant.
    """
    about = about or About()
    signed = -amount if kind in REVERSALS else amount
    if amount.cents <= 0:
        raise RefusedError(_("Un mouvement d’argent est toujours supérieur à zéro."))
    if kind is not LedgerKind.VOTED:
        _take(award, kind, signed)
    entry = LedgerEntry(
        award_id=award.id,
        instalment_id=about.instalment.id if about.instalment else None,
        receivable_id=about.receivable.id if about.receivable else None,
        ground=about.ground,
        reverses_id=about.reverses_id,
        kind=kind,
        amount=signed,
        attempt=about.instalment.attempt if about.instalment else 1,
        number=about.number,
        reason=about.reason,
        day=on,
        written_at=clock.now(),
        written_by=by.id,
    )
    db.session.add(entry)
    db.session.flush()
    weights = queries.weights_of(award.application_id)
    for dimension in Dimension:
        weighted = weights.get(dimension) or [(None, 1)]
        parts = rules.split(signed, [weight for _key, weight in weighted])
        for (key_id, _weight), part in zip(weighted, parts, strict=True):
            db.session.add(LedgerAllocation(entry_id=entry.id, dimension=dimension, key_id=key_id, amount=part))
    return entry


def _take(award: Award, kind: LedgerKind, amount: Money) -> None:
    """Change the running sum of the award if, and only if, its bound still holds afterwards."""
    column = {
        LedgerKind.ENGAGED: Award.engaged,
        LedgerKind.ORDERED: Award.ordered,
        LedgerKind.PAID: Award.paid,
        LedgerKind.RELEASED: Award.released,
        LedgerKind.CLAIMED: Award.claimed,
        LedgerKind.RECEIVED: Award.received,
        LedgerKind.GIVEN_UP: Award.given_up,
    }[REVERSALS.get(kind, kind)]
    bounds: dict[LedgerKind, ColumnElement[bool]] = {
        LedgerKind.ENGAGED: Award.engaged + amount <= Award.amount,
        LedgerKind.ORDERED: Award.ordered + amount <= Award.engaged - Award.released,
        LedgerKind.ORDER_REJECTED: Award.ordered + amount >= Award.paid,
        LedgerKind.ORDER_CANCELLED: Award.ordered + amount >= Award.paid,
        LedgerKind.PAID: Award.paid + amount <= Award.ordered,
        LedgerKind.RELEASED: Award.released + amount <= Award.amount - Award.ordered,
        LedgerKind.CLAIMED: Award.claimed + amount <= Award.paid,
        LedgerKind.CLAIM_CANCELLED: Award.claimed >= -amount,
        LedgerKind.RECEIVED: Award.received + amount <= Award.paid - Award.given_up,
        LedgerKind.RECEIPT_REVERSED: Award.received >= -amount,
        LedgerKind.GIVEN_UP: Award.given_up + amount <= Award.paid - Award.received,
    }
    db.session.flush()
    taken = db.session.execute(
        update(Award)
        .where(Award.id == award.id, bounds[kind])
        .values({column: column + amount})
        .execution_options(synchronize_session=False)
    )
    if taken.rowcount != 1:  # type: ignore[attr-defined]
        raise RefusedError(_("Ce montant dépasse ce qui reste de l’attribution. Rien n’a été enregistré."))
    db.session.refresh(award, [column.key])
