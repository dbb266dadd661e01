"""Brings an award down to what its accepted report makes payable: when it is accepted, or an order comes back later."""

from grants.awards import queries, rules
from grants.awards.actions import ledger
from grants.awards.lifecycle import INSTALMENT, RECEIVABLE, InstalmentState
from grants.awards.models import Award, LedgerKind
from grants.calls.actions import move_envelope
from grants.kernel import clock, journal
from grants.kernel.actor import Actor
from grants.kernel.errors import RefusedError
from grants.kernel.money import Money
from grants.kernel.words import _


def settle(award: Award, balance: rules.Settlement, *, by: Actor) -> None:
    """Bring the instalments still to come down to what is payable; give the rest back.

    Raises RefusedError when an order under way holds what should be given back.
    """
    if not balance.released:
        return
    left = balance.released
    planned = [row for row in queries.open_instalments(award.id) if row.state is InstalmentState.PLANNED]
    for instalment in reversed(planned):
        if not left:
            break
        if instalment.amount <= left:
            left -= instalment.amount
            journal.advance(INSTALMENT, instalment, "cancel", by=by, amount=instalment.amount.cents)
        else:
            instalment.amount -= left
            journal.record("instalment.lowered", instalment, by=by, by_cents=left.cents)
            left = Money(0)
    if left:
        raise RefusedError(_("Un mandat est en préparation : renvoyez-le avant d’accepter le bilan."))
    _lower_repayments(award, balance.released, by=by)
    ledger.move(award, LedgerKind.RELEASED, balance.released, on=clock.today(), by=by)
    move_envelope(award.application.call, -balance.released)
    journal.record("award.released", award, by=by, amount=balance.released.cents)


def _lower_repayments(award: Award, released: Money, *, by: Actor) -> None:
    """What is not paid of an advance is not repaid: the last repayments come down first, by what is left of them."""
    left = released
    for row in reversed(queries.repayments_of(award.id)):
        part = min(left, row.left)
        if not part:
            continue
        left -= part
        if part == row.amount:
            journal.advance(RECEIVABLE, row, "drop", by=by, amount=part.cents)
        else:
            row.amount -= part
            journal.record("receivable.lowered", row, by=by, by_cents=part.cents)
            if not row.left:
                journal.advance(RECEIVABLE, row, "settle", by=by)
