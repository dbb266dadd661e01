"""Acts on instalments: planned, prepared by one person, approved by another, ordered, then paid by the accountant."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from grants.awards import queries, rules
from grants.awards.actions import ledger
from grants.awards.lifecycle import AWARD, INSTALMENT, AwardState, InstalmentState, ReportState
from grants.awards.models import Award, Instalment, LedgerKind
from grants.awards.models.disbursement import InstalmentKind
from grants.kernel import clock, journal
from grants.kernel.actor import Actor
from grants.kernel.db import db
from grants.kernel.errors import InvalidError, RefusedError
from grants.kernel.money import Money
from grants.kernel.words import _


@dataclass(frozen=True)
class Step:
    """A planned instalment as somebody wrote it."""

    label: str
    kind: InstalmentKind
    amount: Money
    due_on: date | None = None
    condition: str = ""


def plan(award: Award, steps: Sequence[Step], *, by: Actor) -> list[Instalment]:
    """Replace what is still only planned; all instalments add up to the award less what was released.

    Raises InvalidError when the sum is wrong.
    """
    existing = queries.instalments_of(award.id)
    kept = [row for row in existing if row.state is not InstalmentState.PLANNED]
    held = sum((row.amount for row in kept if row.state is not InstalmentState.CANCELLED), Money(0))
    to_plan = award.amount - award.released - held
    if to_plan and (reason := rules.why_not_schedule(to_plan, [step.amount for step in steps])):
        raise InvalidError(str(reason), field="steps", to_plan=to_plan)
    journal.advance(AWARD, award, "plan", by=by, steps=[step.amount.cents for step in steps])
    for row in existing:
        if row.state is InstalmentState.PLANNED:
            db.session.delete(row)
    db.session.flush()
    first = max((row.position for row in kept), default=-1) + 1
    planned = [
        Instalment(
            award_id=award.id,
            position=first + position,
            label=step.label,
            kind=step.kind,
            amount=step.amount,
            due_on=step.due_on,
            condition=step.condition,
            state=InstalmentState.PLANNED,
        )
        for position, step in enumerate(steps)
    ]
    db.session.add_all(planned)
    db.session.flush()
    return planned


def why_not_prepare(instalment: Instalment) -> str | None:
    """The reason why a payment order cannot be prepared now, or None."""
    award = instalment.award
    if award.state is not AwardState.RUNNING:
        return _("L’attribution n’est pas engagée : enregistrez d’abord la convention ou l’engagement.")
    if queries.confirmed_bank_details(award.organisation_id) is None:
        return _("Les coordonnées bancaires ne sont pas confirmées par deux personnes.")
    waiting = [
        row
        for row in queries.instalments_of(award.id)
        if row.position < instalment.position
        and row.state in {InstalmentState.PLANNED, InstalmentState.PREPARED, InstalmentState.APPROVED}
    ]
    if waiting:
        return _("Une échéance précédente n’est pas encore mandatée.")
    report = queries.report_of(award.id)
    if instalment.kind is InstalmentKind.BALANCE and (report is None or report.state is not ReportState.ACCEPTED):
        return _("Le solde se prépare après l’acceptation du bilan.")
    return None


def prepare(instalment: Instalment, *, by: Actor) -> None:
    """Prepare the payment order, to the bank details confirmed today."""
    if reason := why_not_prepare(instalment):
        raise RefusedError(reason)
    details = queries.confirmed_bank_details(instalment.award.organisation_id)
    instalment.bank_details_id = details.id if details else None
    instalment.prepared_by, instalment.prepared_at = by.id, clock.now()
    journal.advance(INSTALMENT, instalment, "prepare", by=by, amount=instalment.amount.cents)


def approve(instalment: Instalment, *, by: Actor) -> None:
    """A second person approves. Raises RefusedError for the one who prepared it, or when the bank details changed."""
    if instalment.prepared_by == by.id:
        raise RefusedError(_("Vous avez préparé ce mandat : une autre personne doit l’approuver."))
    _same_bank_details(instalment)
    instalment.approved_by, instalment.approved_at = by.id, clock.now()
    journal.advance(INSTALMENT, instalment, "approve", by=by, amount=instalment.amount.cents)


def send_back(instalment: Instalment, *, by: Actor) -> None:
    """Back to the plan; whoever prepared it starts again."""
    journal.advance(INSTALMENT, instalment, "send_back", by=by)
    instalment.prepared_by = instalment.prepared_at = None
    instalment.approved_by = instalment.approved_at = None
    instalment.bank_details_id = None


def order(instalment: Instalment, *, number: str, on: date, by: Actor) -> None:
    """Record the payment order issued by the finance department. Raises InvalidError for an impossible day."""
    if on > clock.today() or (instalment.award.engaged_on is not None and on < instalment.award.engaged_on):
        raise InvalidError(_("Le mandat ne peut être ni avant l’engagement ni dans le futur."), field="ordered_on")
    _same_bank_details(instalment)
    instalment.order_number, instalment.ordered_on = number, on
    journal.advance(INSTALMENT, instalment, "order", by=by, amount=instalment.amount.cents, number=number)
    ledger.move(instalment.award, LedgerKind.ORDERED, instalment.amount, on=on, by=by, instalment=instalment)


def pay(instalment: Instalment, *, on: date, by: Actor) -> None:
    """Record the accountant's date of payment. Raises InvalidError for an impossible day."""
    if on > clock.today() or (instalment.ordered_on is not None and on < instalment.ordered_on):
        raise InvalidError(_("La date comptable ne peut être ni avant le mandat ni dans le futur."), field="paid_on")
    instalment.paid_on = on
    journal.advance(INSTALMENT, instalment, "pay", by=by, amount=instalment.amount.cents)
    ledger.move(instalment.award, LedgerKind.PAID, instalment.amount, on=on, by=by, instalment=instalment)


def _same_bank_details(instalment: Instalment) -> None:
    details = queries.confirmed_bank_details(instalment.award.organisation_id)
    if details is None or details.id != instalment.bank_details_id:
        raise RefusedError(
            _(
                "Les coordonnées bancaires ont changé depuis la préparation. Renvoyez ce mandat et préparez-le de nouveau."
            )
        )
