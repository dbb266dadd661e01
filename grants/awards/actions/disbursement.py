"""Acts on instalments: planned, prepared by one person, approved by another, ordered, then paid by the accountant."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import update
from sqlalchemy.orm.attributes import flag_modified

from grants.awards import letters, queries, rules
from grants.awards.actions import ledger
from grants.awards.lifecycle import AWARD, INSTALMENT, BankState, InstalmentState
from grants.awards.models import Award, BankDetails, Instalment, InstalmentKind, LedgerKind
from grants.kernel import clock, journal
from grants.kernel.actor import Actor
from grants.kernel.db import db
from grants.kernel.errors import ConflictError, ForbiddenError, InvalidError, RefusedError
from grants.kernel.money import Money
from grants.kernel.pages import day, instant, money
from grants.kernel.words import _
from grants.programme import queries as programme


@dataclass(frozen=True)
class Step:
    """A planned instalment as somebody wrote it."""

    label: str
    kind: InstalmentKind
    amount: Money
    due_on: date | None = None
    condition: str = ""


def proposal(award: Award) -> list[Step]:
    """The schedule proposed for what is still to plan, from the law table: one payment, or an advance and a balance."""
    to_plan = left_to_plan(award)
    if not to_plan:
        return []
    today = clock.today()
    parts = rules.default_schedule(
        to_plan,
        single_ceiling=Money.euros(programme.law_number("single_payment_ceiling", today)),
        advance_percent=programme.law_number("first_instalment_minimum", today),
    )
    texts = {
        rules.Part.SINGLE: (_("Versement unique"), ""),
        rules.Part.ADVANCE: (_("Avance à la signature"), ""),
        rules.Part.BALANCE: (_("Solde"), _("Bilan accepté")),
    }
    return [
        Step(texts[part.kind][0], InstalmentKind(part.kind), part.amount, None, texts[part.kind][1]) for part in parts
    ]


def left_to_plan(award: Award) -> Money:
    """What the instalments still only planned must add up to."""
    held = (
        row.amount
        for row in queries.instalments_of(award.id)
        if row.state not in {InstalmentState.PLANNED, InstalmentState.CANCELLED}
    )
    return award.amount - award.released - sum(held, Money(0))


def plan(award: Award, steps: Sequence[Step], *, by: Actor, version: int | None) -> list[Instalment]:
    """Replace what is still only planned; all instalments add up to the award less what was released.

    Raises InvalidError when the sum is wrong, ConflictError when the award changed since `version`.
    """
    ledger.hold(award)
    if version != award.version:
        raise ConflictError(_("Cette attribution vient de changer. Rechargez la page pour voir son état."))
    _check_steps(left_to_plan(award), steps)
    journal.advance(AWARD, award, "plan", by=by, steps=[step.amount.cents for step in steps])
    flag_modified(award, "opened_at")  # its schedule is part of what the version protects
    existing = queries.instalments_of(award.id)
    for row in existing:
        if row.state is InstalmentState.PLANNED:
            db.session.delete(row)
    db.session.flush()
    kept = [row.position for row in existing if row.state is not InstalmentState.PLANNED]
    first = max(kept, default=-1) + 1
    planned = [
        Instalment(
            award_id=award.id,
            award=award,
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


def _check_steps(to_plan: Money, steps: Sequence[Step]) -> None:
    if any(step.amount.cents <= 0 for step in steps):
        raise InvalidError(_("Chaque échéance doit avoir un montant supérieur à zéro."), field="steps")
    gap = rules.gap_of_schedule(to_plan, [step.amount for step in steps])
    if gap:
        missing = gap.cents < 0
        facts = {"total": money(to_plan + gap), "expected": money(to_plan), "gap": money(-gap if missing else gap)}
        raise InvalidError(
            _("Les échéances font %(total)s pour %(expected)s à verser : il manque %(gap)s.", **facts)
            if missing
            else _("Les échéances font %(total)s pour %(expected)s à verser : %(gap)s de trop.", **facts),
            field="steps",
        )


def prepare(instalment: Instalment, *, by: Actor) -> None:
    """Prepare the payment order, to the bank details confirmed today."""
    _still(instalment, "prepare")
    ledger.hold(instalment.award)
    if reason := queries.why_not_prepare(instalment):
        raise RefusedError(reason)
    details = queries.confirmed_bank_details(instalment.award.organisation_id)
    instalment.bank_details_id = details.id if details else None
    instalment.prepared_by, instalment.prepared_at = by.id, clock.now()
    journal.advance(INSTALMENT, instalment, "prepare", by=by, amount=instalment.amount.cents)


def approve(instalment: Instalment, *, by: Actor) -> None:
    """A second person approves.

    Raises ForbiddenError for the one who prepared it or owes their office to that person, RefusedError when the bank
    details changed.
    """
    _still(instalment, "approve")
    if instalment.prepared_by == by.id:
        raise ForbiddenError(_("Vous avez préparé ce mandat : une autre personne doit l’approuver."))
    if queries.gave_office(instalment.prepared_by, by.id):
        raise ForbiddenError(_("La personne qui a préparé ce mandat vous a nommé : une autre doit l’approuver."))
    _same_bank_details(instalment)
    _still_due(instalment)
    instalment.approved_by, instalment.approved_at = by.id, clock.now()
    journal.advance(INSTALMENT, instalment, "approve", by=by, amount=instalment.amount.cents)


def send_back(instalment: Instalment, *, by: Actor) -> None:
    """Back to the plan; whoever prepared it starts again."""
    _still(instalment, "send_back")
    journal.advance(INSTALMENT, instalment, "send_back", by=by)
    instalment.prepared_by = instalment.prepared_at = None
    instalment.approved_by = instalment.approved_at = None
    instalment.bank_details_id = None


def order(instalment: Instalment, *, number: str, on: date, by: Actor) -> None:
    """Record the payment order issued by the finance department.

    Raises InvalidError for an impossible day or one before the planned day, RefusedError when a condition of the
    preparation does not hold any more.
    """
    _still(instalment, "order")
    ledger.hold(instalment.award)
    if on > clock.today() or (instalment.award.engaged_on is not None and on < instalment.award.engaged_on):
        raise InvalidError(_("Le mandat ne peut être ni avant l’engagement ni dans le futur."), field="ordered_on")
    if instalment.due_on is not None and on < instalment.due_on:
        raise InvalidError(
            _(
                "Cette échéance est prévue le %(day)s : le mandat ne peut pas être daté d’avant.",
                day=day(instalment.due_on),
            ),
            field="ordered_on",
        )
    _same_bank_details(instalment)
    _still_due(instalment)
    instalment.order_number, instalment.ordered_on = number, on
    journal.advance(INSTALMENT, instalment, "order", by=by, amount=instalment.amount.cents, number=number)
    ledger.move(instalment.award, LedgerKind.ORDERED, instalment.amount, on=on, by=by, instalment=instalment)
    letters.ordered(instalment)


def pay(instalment: Instalment, *, on: date, by: Actor) -> None:
    """Record the accountant's date of payment. Raises InvalidError for an impossible day."""
    _still(instalment, "pay")
    if on > clock.today() or (instalment.ordered_on is not None and on < instalment.ordered_on):
        raise InvalidError(_("La date comptable ne peut être ni avant le mandat ni dans le futur."), field="paid_on")
    instalment.paid_on = on
    journal.advance(INSTALMENT, instalment, "pay", by=by, amount=instalment.amount.cents)
    ledger.move(instalment.award, LedgerKind.PAID, instalment.amount, on=on, by=by, instalment=instalment)
    letters.paid(instalment)


def _still(instalment: Instalment, verb: str) -> None:
    """Say who was faster, and when, before a move that the state no longer allows."""
    if instalment.state in INSTALMENT.move(verb).sources:
        return
    line = queries.last_line(instalment)
    word = INSTALMENT.states[instalment.state].label
    raise RefusedError(
        _("Cette échéance a déjà été traitée : %(state)s.", state=word)
        if line is None
        else _(
            "Cette échéance vient d’être traitée par %(name)s, %(at)s : %(state)s.",
            name=line.actor,
            at=instant(line.at),
            state=word,
        )
    )


def _still_due(instalment: Instalment) -> None:
    """Refuse, with the reason, when what the preparation asked for (report, agreement, turn) does not hold now."""
    if reason := queries.why_not_prepare(instalment):
        raise RefusedError(reason)


def _same_bank_details(instalment: Instalment) -> None:
    """Hold the bank details of the preparation until the end of the transaction, or refuse when they changed.

    One conditional statement: a confirmation of other details at the same instant comes wholly before or wholly after.
    """
    db.session.flush()
    held = db.session.execute(
        update(BankDetails)
        .where(BankDetails.id == instalment.bank_details_id, BankDetails.state == BankState.CONFIRMED)
        .values(settled_at=BankDetails.settled_at)
        .execution_options(synchronize_session=False)
    )
    if held.rowcount != 1:  # type: ignore[attr-defined]
        raise RefusedError(
            _(
                "Les coordonnées bancaires ont changé depuis la préparation. "
                "Renvoyez ce mandat, puis préparez-le de nouveau."
            )
        )
