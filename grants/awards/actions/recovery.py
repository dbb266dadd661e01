"""Acts on what an association owes back: the repayments of an advance, and recoveries of money paid in excess.

The accountant recovers; what is recorded here is what was asked, received, or is not asked any more. Each act raises
ForbiddenError for whom the acts of others on the same sum bar from it (`queries.why_not_act`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import update
from sqlalchemy.orm.attributes import flag_modified

from grants.awards import letters, queries, rules
from grants.awards.actions import amending, chain, ledger, reminding
from grants.awards.lifecycle import RECEIVABLE, AwardState, ReceivableState
from grants.awards.models import Award, Ground, LedgerKind, Receivable, ReceivableKind
from grants.kernel import clock, journal
from grants.kernel.actor import Actor
from grants.kernel.db import db
from grants.kernel.errors import InvalidError, RefusedError
from grants.kernel.money import Money
from grants.kernel.pages import money
from grants.kernel.versions import refuse_changed
from grants.kernel.words import _
from grants.permissions import P


@dataclass(frozen=True)
class Due:
    """A repayment as somebody planned it."""

    amount: Money
    due_on: date


# ---- repayments of an advance --------------------------------------------------------------------------------------


def plan_repayments(
    award: Award,
    dues: Sequence[Due],
    *,
    by: Actor,
    version: int | None,
    amendment: amending.AmendmentGiven | None = None,
) -> list[Receivable]:
    """Write the repayment schedule of an advance: amounts that add up exactly, days one after the other.

    Free until the agreement is signed. Then an amendment alone changes it, for what is left to repay: what was repaid
    stays, and the repayments it replaces stay, cancelled. Raises RefusedError for a grant or without the amendment that
    is needed, InvalidError for a wrong sum or day, ConflictError when the award changed meanwhile.
    """
    ledger.hold(award)
    refuse_changed(award.version, version)
    chain.ask(award, P.INSTALMENT_PLAN, by=by)
    if not queries.is_advance(award):
        raise RefusedError(_("Cette aide est une subvention : elle ne se rembourse pas."))
    standing = queries.repayments_of(award.id)
    is_signed = any(row.state is not ReceivableState.PLANNED for row in standing)
    _check_dues(award, dues, left_to_repay(standing) if is_signed else award.amount - award.released)
    change = amending.recorded(award, amendment, by=by) if is_signed else None
    for row in standing:
        _replace(row, by=by)
    db.session.flush()
    flag_modified(award, "opened_at")  # its repayments are part of what the version protects
    first = max((row.position for row in standing), default=-1) + 1 if is_signed else 0
    made = [
        Receivable(
            award_id=award.id,
            award=award,
            kind=ReceivableKind.REPAYMENT,
            state=ReceivableState.PLANNED,
            position=first + position,
            amount=due.amount,
            due_on=due.due_on,
            amendment_id=change.id if change else None,
        )
        for position, due in enumerate(dues)
    ]
    db.session.add_all(made)
    db.session.flush()
    journal.record("award.repayments_planned", award, by=by, steps=[due.amount.cents for due in dues])
    agreement = queries.agreement_of(award.id)
    if agreement is not None and agreement.signed_on is not None:
        fall_due(award, by=by)
    return made


def left_to_repay(rows: Sequence[Receivable]) -> Money:
    """What these repayments still have to bring."""
    return sum((row.left for row in rows), Money(0))


def _replace(row: Receivable, *, by: Actor) -> None:
    """Take a repayment off the schedule: gone before the signature; then what was not repaid of it, and it stays."""
    if row.state is ReceivableState.PLANNED:
        db.session.delete(row)
    elif row.left:
        _no_proposal(row)
        left = row.left
        if left == row.amount:
            journal.advance(RECEIVABLE, row, "replace", by=by, amount=left.cents)
        else:
            row.amount -= left
            journal.record("receivable.lowered", row, by=by, by_cents=left.cents)
            _settle(row, by=by)


def _check_dues(award: Award, dues: Sequence[Due], to_repay: Money) -> None:
    if any(due.amount.cents <= 0 for due in dues):
        raise InvalidError(_("Chaque remboursement doit avoir un montant supérieur à zéro."), field="dues")
    days = [due.due_on for due in dues]
    if days != sorted(set(days)) or (days and days[0] <= queries.act_day(award)):
        raise InvalidError(
            _("Les remboursements se suivent, chacun à une date différente, après l’acte qui accorde l’avance."),
            field="dues",
        )
    if gap := rules.gap_of_schedule(to_repay, [due.amount for due in dues]):
        raise InvalidError(
            _(
                "Les remboursements font %(total)s pour %(expected)s à rembourser.",
                total=money(to_repay + gap),
                expected=money(to_repay),
            ),
            field="dues",
        )


def fall_due(award: Award, *, by: Actor) -> None:
    """The agreement is signed: its repayments are owed, each on its day. Raises RefusedError when none was planned."""
    rows = queries.repayments_of(award.id)
    if sum((row.amount for row in rows), Money(0)) != award.amount - award.released:
        raise RefusedError(
            _("L’échéancier de remboursement de l’avance n’est pas établi : la convention ne peut pas être signée.")
        )
    for row in rows:
        if row.state is ReceivableState.PLANNED:
            journal.advance(RECEIVABLE, row, "fall_due", by=by, amount=row.amount.cents, due_on=row.due_on.isoformat())


# ---- recoveries ----------------------------------------------------------------------------------------------------


def prepare_recovery(award: Award, *, amount: Money, due_on: date, reason: str, by: Actor) -> Receivable:
    """Prepare an order to pay money back; another person approves it.

    Raises RefusedError for an advance or an award that is not running, InvalidError for an amount that was not paid or
    is claimed already, or a day that is past.
    """
    ledger.hold(award)
    chain.ask(award, P.PAYMENT_PREPARE, by=by)
    if award.state is not AwardState.RUNNING:
        raise RefusedError(_("Un reversement se demande sur une attribution en cours."))
    if queries.is_advance(award):
        raise RefusedError(
            _("Cette aide est une avance : tout ce qui a été payé revient par l’échéancier de remboursement.")
        )
    if amount.cents <= 0:
        raise InvalidError(_("Donnez un montant supérieur à zéro."), field="amount")
    left = award.paid - award.claimed - queries.unissued(award.id)
    if amount > left:
        raise InvalidError(
            _("Il reste au plus %(amount)s payés et pas encore réclamés.", amount=money(left)), field="amount"
        )
    if due_on < clock.today():
        raise InvalidError(_("La date limite ne peut pas être passée."), field="due_on")
    made = Receivable(
        award_id=award.id,
        award=award,
        kind=ReceivableKind.RECOVERY,
        state=ReceivableState.PREPARED,
        amount=amount,
        due_on=due_on,
        reason=reason,
        prepared_by=by.id,
        prepared_at=clock.now(),
    )
    db.session.add(made)
    db.session.flush()
    journal.record("receivable.prepared", made, by=by, amount=amount.cents, due_on=due_on.isoformat())
    return made


def approve(receivable: Receivable, *, by: Actor) -> None:
    """A second person approves a recovery."""
    chain.advance(RECEIVABLE, receivable, "approve", by=by, amount=receivable.amount.cents)
    receivable.approved_by, receivable.approved_at = by.id, clock.now()


def refuse(receivable: Receivable, note: str, *, by: Actor) -> None:
    """Give no sequel to a recovery that is not issued yet, with the reason."""
    chain.advance(RECEIVABLE, receivable, "refuse", by=by)
    receivable.note = note


def issue(receivable: Receivable, *, number: str, on: date, by: Actor) -> None:
    """Record the order to pay back that the finance department issued; the association is told.

    Raises InvalidError for an impossible day or a number of the same year, RefusedError beyond what was paid.
    """
    award = receivable.award
    ledger.hold(award)
    if reason := RECEIVABLE.why_not(receivable, "issue"):
        raise RefusedError(str(reason))
    approved_on = clock.day_of(receivable.approved_at) if receivable.approved_at else clock.today()
    if not approved_on <= on <= clock.today():
        raise InvalidError(_("Le titre ne peut être ni avant son approbation ni dans le futur."), field="issued_on")
    if queries.is_claim_known(number, on.year):
        raise InvalidError(_("Ce numéro de titre est déjà enregistré pour cette année."), field="number")
    chain.advance(RECEIVABLE, receivable, "issue", by=by, amount=receivable.amount.cents, number=number)
    receivable.number, receivable.order_year, receivable.issued_on = number, on.year, on
    about = ledger.About(receivable=receivable, number=number, reason=receivable.reason)
    ledger.move(award, LedgerKind.CLAIMED, receivable.amount, on=on, by=by, about=about)
    letters.recovery_issued(receivable)


def receive(
    receivable: Receivable, *, amount: Money, on: date, number: str = "", by: Actor, version: int | None
) -> None:
    """Record what the accountant says was received, and when; the association is told.

    Raises InvalidError for more than is left or an impossible day, ConflictError when somebody recorded meanwhile.
    """
    award = receivable.award
    ledger.hold(award)
    refuse_changed(receivable.version, version)
    chain.advance(RECEIVABLE, receivable, "receive", by=by, amount=amount.cents, on=on.isoformat())
    first = receivable.issued_on or award.engaged_on or on
    if not first <= on <= clock.today():
        raise InvalidError(_("La date comptable ne peut être ni avant la demande ni dans le futur."), field="day")
    _no_proposal(receivable)
    _take(receivable, "received", amount)
    about = ledger.About(receivable=receivable, number=number)
    ledger.move(award, LedgerKind.RECEIVED, amount, on=on, by=by, about=about)
    letters.received(receivable, amount, on, at=clock.now().isoformat())
    _settle(receivable, by=by)


def propose_waiver(receivable: Receivable, *, ground: Ground, amount: Money, reason: str, by: Actor) -> None:
    """Propose not to ask for a sum any more, on the ground of a decision; another person confirms it.

    Raises InvalidError for an amount that is not left, or a ground that does not fit.
    """
    ledger.hold(receivable.award)
    _no_proposal(receivable)
    if ground in {Ground.CANCELLATION, Ground.KEPT} and receivable.kind is ReceivableKind.REPAYMENT:
        raise InvalidError(_("Ce motif ne convient pas au remboursement d’une avance."), field="ground")
    _check_left(receivable, amount)
    chain.advance(RECEIVABLE, receivable, "propose_waiver", by=by, amount=amount.cents, ground=ground.value)
    receivable.waiver_ground, receivable.waiver_amount, receivable.waiver_reason = ground, amount, reason
    receivable.waiver_by, receivable.waiver_at = by.id, clock.now()


def confirm_waiver(receivable: Receivable, *, by: Actor) -> None:
    """A second person confirms that a sum is not asked any more; the association is told.

    Raises RefusedError without a proposal.
    """
    award = receivable.award
    ledger.hold(award)
    ground, amount, reason = receivable.waiver_ground, receivable.waiver_amount, receivable.waiver_reason
    if ground is None or amount is None:
        raise RefusedError(_("Aucune proposition n’attend de réponse."))
    chain.advance(RECEIVABLE, receivable, "confirm_waiver", by=by, amount=amount.cents, ground=ground.value)
    cancels = ground is Ground.CANCELLATION
    _take(receivable, "cancelled" if cancels else "given_up", amount)
    about = ledger.About(receivable=receivable, number=receivable.number or "", reason=reason, ground=ground)
    kind = LedgerKind.CLAIM_CANCELLED if cancels else LedgerKind.GIVEN_UP
    ledger.move(award, kind, amount, on=clock.today(), by=by, about=about)
    letters.given_up(receivable, amount, ground, reason, at=clock.now().isoformat())
    _forget_proposal(receivable)
    _settle(receivable, by=by)


def refuse_waiver(receivable: Receivable, *, by: Actor) -> None:
    """Turn a proposal down: the sum is still asked."""
    if receivable.waiver_amount is None:
        raise RefusedError(_("Aucune proposition n’attend de réponse."))
    chain.advance(RECEIVABLE, receivable, "refuse_waiver", by=by, amount=receivable.waiver_amount.cents)
    _forget_proposal(receivable)


def _forget_proposal(receivable: Receivable) -> None:
    receivable.waiver_ground = receivable.waiver_amount = receivable.waiver_by = receivable.waiver_at = None
    receivable.waiver_reason = ""


def _no_proposal(receivable: Receivable) -> None:
    """Refuse while a proposal about the sum waits for the person who confirms it."""
    if receivable.waiver_amount is not None or receivable.reversal_line is not None:
        raise RefusedError(_("Une proposition attend sa réponse : tranchez-la d’abord."))


# ---- receipts recorded by mistake ----------------------------------------------------------------------------------


def propose_reversal(receivable: Receivable, line_id: int, *, reason: str, by: Actor) -> None:
    """Propose to reverse a receipt that was recorded by mistake (amount, day, sum); another person confirms it.

    Raises RefusedError once the award is closed or while a proposal waits, InvalidError when the line is no receipt of
    this sum that still stands.
    """
    ledger.hold(receivable.award)
    if receivable.award.state is not AwardState.RUNNING:
        raise RefusedError(_("L’attribution est close : plus aucun mouvement n’est possible."))
    _no_proposal(receivable)
    line = _receipt(receivable, line_id)
    chain.advance(RECEIVABLE, receivable, "propose_reversal", by=by, amount=line.amount.cents, line=line.id)
    receivable.reversal_line, receivable.reversal_reason = line.id, reason
    receivable.reversal_by, receivable.reversal_at = by.id, clock.now()


def confirm_reversal(receivable: Receivable, *, by: Actor) -> None:
    """A second person confirms: the receipt is reversed by a line of its own, and its sum is owed again.

    The association is told. Raises RefusedError without a proposal.
    """
    award = receivable.award
    ledger.hold(award)
    db.session.refresh(receivable)
    line, reason = _receipt(receivable, receivable.reversal_line), receivable.reversal_reason
    chain.advance(RECEIVABLE, receivable, "confirm_reversal", by=by, amount=line.amount.cents, line=line.id)
    receivable.received -= line.amount
    _forget_reversal(receivable)
    db.session.flush()
    about = ledger.About(receivable=receivable, number=line.number, reason=reason, reverses_id=line.id)
    ledger.move(award, LedgerKind.RECEIPT_REVERSED, line.amount, on=clock.today(), by=by, about=about)
    letters.receipt_reversed(receivable, line.amount, line.day, reason, at=clock.now().isoformat())


def refuse_reversal(receivable: Receivable, *, by: Actor) -> None:
    """Turn the proposal down: the receipt stands."""
    ledger.hold(receivable.award)
    db.session.refresh(receivable)
    line = _receipt(receivable, receivable.reversal_line)
    chain.advance(RECEIVABLE, receivable, "refuse_reversal", by=by, amount=line.amount.cents, line=line.id)
    _forget_reversal(receivable)


def _receipt(receivable: Receivable, line_id: int | None) -> queries.ReceivedSum:
    """A receipt of this sum that stands."""
    if line_id is None:
        raise RefusedError(_("Aucune proposition n’attend de réponse."))
    found = next((one for one in queries.receipts_of(receivable.id) if one.id == line_id and one.stands), None)
    if found is None:
        raise InvalidError(_("Cet encaissement n’existe pas, ou il est déjà annulé."), field="line")
    return found


def _forget_reversal(receivable: Receivable) -> None:
    receivable.reversal_line = receivable.reversal_by = receivable.reversal_at = None
    receivable.reversal_reason = ""


# ---- what both ask -------------------------------------------------------------------------------------------------


def _check_left(receivable: Receivable, amount: Money) -> None:
    if amount.cents <= 0:
        raise InvalidError(_("Donnez un montant supérieur à zéro."), field="amount")
    if amount > receivable.left:
        raise InvalidError(_("Il reste %(amount)s à recevoir.", amount=money(receivable.left)), field="amount")


def _take(receivable: Receivable, column: str, amount: Money) -> None:
    """Raise a sum of the receivable if, and only if, it still stands as it was read, in one statement.

    It was read before the award was held: whoever recorded something meanwhile raised its version.
    """
    _check_left(receivable, amount)
    db.session.flush()
    field = getattr(Receivable, column)
    taken = db.session.execute(
        update(Receivable)
        .where(Receivable.id == receivable.id, Receivable.version == receivable.version)
        .values({field: field + amount, Receivable.version: Receivable.version + 1})
        .execution_options(synchronize_session=False)
    )
    if taken.rowcount != 1:  # type: ignore[attr-defined]
        raise RefusedError(_("Quelqu’un vient d’enregistrer un mouvement ici. Rechargez la page avant de continuer."))
    db.session.refresh(receivable)


def _settle(receivable: Receivable, *, by: Actor) -> None:
    if not receivable.left:
        journal.advance(RECEIVABLE, receivable, "settle", by=by)


REMINDERS = (30, 0, -30)  # days before the day a sum is due; the last is for what is late


def remind() -> int:
    """Remind of the sums due in a month, today, and late by a month; returns how many letters. For the worker.

    Safe to repeat: each reminder of a sum is written once.
    """
    due = queries.receivables_due(clock.today() + timedelta(days=max(REMINDERS)))
    return reminding.remind(due, REMINDERS, "awards_repayment_expected", letters.repayment_expected)
