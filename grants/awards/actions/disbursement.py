"""Acts on instalments: planned, prepared by one person, approved by another, ordered, then paid by the accountant.

Each raises ForbiddenError for whom the acts of others on the same payment bar from it (`queries.why_not_act`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import update
from sqlalchemy.orm.attributes import flag_modified

from grants.awards import letters, queries, rules
from grants.awards.actions import amending, chain, ledger, settling
from grants.awards.lifecycle import AWARD, INSTALMENT, BankState, InstalmentState, ReportState
from grants.awards.models import Award, BankDetails, Instalment, InstalmentKind, LedgerKind
from grants.kernel import clock, journal
from grants.kernel.actor import Actor
from grants.kernel.db import db
from grants.kernel.errors import InvalidError, RefusedError
from grants.kernel.money import Money
from grants.kernel.pages import day, instant, money
from grants.kernel.versions import refuse_changed
from grants.kernel.words import _
from grants.programme import queries as programme


@dataclass(frozen=True)
class PlannedInstalment:
    """A planned instalment as somebody wrote it."""

    label: str
    kind: InstalmentKind
    amount: Money
    due_on: date | None = None
    condition: str = ""


def proposal(award: Award) -> list[PlannedInstalment]:
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
        rules.PlannedKind.SINGLE: (_("Versement unique"), ""),
        rules.PlannedKind.ADVANCE: (_("Avance à la signature"), ""),
        rules.PlannedKind.BALANCE: (_("Solde"), ""),
    }
    return [
        PlannedInstalment(texts[part.kind][0], InstalmentKind(part.kind), part.amount, None, texts[part.kind][1])
        for part in parts
    ]


def left_to_plan(award: Award) -> Money:
    """What the instalments still only planned must add up to."""
    held = (
        row.amount
        for row in queries.instalments_of(award.id)
        if row.state not in {InstalmentState.PLANNED, InstalmentState.CANCELLED}
    )
    return award.amount - award.released - sum(held, Money(0))


def plan(
    award: Award,
    steps: Sequence[PlannedInstalment],
    *,
    by: Actor,
    version: int | None,
    amendment: amending.AmendmentGiven | None = None,
) -> list[Instalment]:
    """Replace what is still only planned; all instalments add up to the award less what was released.

    Once the award is engaged only an amendment changes its schedule: the instalments it replaces stay, cancelled.
    Raises InvalidError when the sum is wrong, RefusedError without the amendment that is needed, ConflictError when the
    award changed since `version`.
    """
    ledger.hold(award)
    refuse_changed(award.version, version)
    _check_steps(left_to_plan(award), steps)
    change = amending.recorded(award, amendment, by=by)
    chain.advance(AWARD, award, "plan", by=by, steps=[step.amount.cents for step in steps])
    flag_modified(award, "opened_at")  # its schedule is part of what the version protects
    existing = queries.instalments_of(award.id)
    for row in existing:
        if row.state is InstalmentState.PLANNED:
            _replace(row, reusable=change is not None, by=by)
    db.session.flush()
    taken_positions = [
        row.position for row in existing if change is not None or row.state is not InstalmentState.PLANNED
    ]
    first = max(taken_positions, default=-1) + 1
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
            amendment_id=change.id if change else None,
            state=InstalmentState.PLANNED,
        )
        for position, step in enumerate(steps)
    ]
    db.session.add_all(planned)
    db.session.flush()
    return planned


def _replace(row: Instalment, *, reusable: bool, by: Actor) -> None:
    """Take a planned instalment off the schedule: kept and cancelled once the award is engaged, gone before."""
    if reusable:
        journal.advance(INSTALMENT, row, "cancel", by=by, amount=row.amount.cents)
    else:
        db.session.delete(row)


def _check_steps(to_plan: Money, steps: Sequence[PlannedInstalment]) -> None:
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
    db.session.flush()
    db.session.refresh(instalment, ["bank_details"])
    chain.advance(INSTALMENT, instalment, "prepare", by=by, amount=instalment.amount.cents)
    instalment.prepared_by, instalment.prepared_at = by.id, clock.now()


def approve(instalment: Instalment, *, by: Actor) -> None:
    """A second person approves. Raises RefusedError when the bank details changed or it is not due any more."""
    _still(instalment, "approve")
    _same_bank_details(instalment)
    _still_due(instalment)
    chain.advance(INSTALMENT, instalment, "approve", by=by, amount=instalment.amount.cents)
    instalment.approved_by, instalment.approved_at = by.id, clock.now()


def send_back(instalment: Instalment, note: str, *, by: Actor) -> None:
    """Back to the plan, with the reason; whoever prepared it starts again."""
    _still(instalment, "send_back")
    chain.advance(INSTALMENT, instalment, "send_back", by=by)
    _put_back(instalment, note, by=by)


def attest(instalment: Instalment, *, proof: str, on: date, by: Actor) -> None:
    """Say that the condition of an instalment is met, since when and by what proof.

    Raises RefusedError without a condition, InvalidError for a day to come.
    """
    if not instalment.condition:
        raise RefusedError(_("Cette échéance n’a pas de condition à attester."))
    if on > clock.today():
        raise InvalidError(_("La condition ne peut pas être remplie à une date future."), field="attested_on")
    _still(instalment, "attest")
    ledger.hold(instalment.award)
    chain.advance(INSTALMENT, instalment, "attest", by=by, on=on.isoformat())
    instalment.attested_on, instalment.attested_by, instalment.proof = on, by.id, proof


def order(instalment: Instalment, *, number: str, on: date, by: Actor) -> None:
    """Record the payment order issued by the finance department.

    Raises InvalidError for an impossible day, one before the planned day, or the number of another order of the year;
    RefusedError when a condition of the preparation does not hold any more.
    """
    _still(instalment, "order")
    ledger.hold(instalment.award)
    _check_order(instalment, number, on)
    _same_bank_details(instalment)
    _still_due(instalment)
    chain.advance(INSTALMENT, instalment, "order", by=by, amount=instalment.amount.cents, number=number)
    instalment.order_number, instalment.order_year, instalment.ordered_on = number, on.year, on
    _move(instalment, LedgerKind.ORDERED, on=on, by=by)
    letters.ordered(instalment)


def correct_order(instalment: Instalment, *, number: str, on: date, by: Actor) -> None:
    """Correct the number or the day of an order that is not paid yet; the journal keeps both.

    Raises InvalidError as `order` does, or when nothing changes.
    """
    _still(instalment, "correct_order")
    ledger.hold(instalment.award)
    before = instalment.order_number, instalment.ordered_on
    if before == (number, on):
        raise InvalidError(_("Rien ne change : ce sont déjà ce numéro et cette date."), field="number")
    _check_order(instalment, number, on)
    chain.advance(
        INSTALMENT, instalment, "correct_order", by=by,
        before=[before[0], before[1].isoformat() if before[1] else ""], after=[number, on.isoformat()],
    )  # fmt: skip
    instalment.order_number, instalment.order_year, instalment.ordered_on = number, on.year, on


def _check_order(instalment: Instalment, number: str, on: date) -> None:
    """Refuse an impossible day, or a number that another order of the same year bears or bore."""
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
    if queries.is_order_known(number, on.year, besides=instalment):
        raise InvalidError(_("Ce numéro de mandat est déjà enregistré pour cette année."), field="number")


def suspend(instalment: Instalment, note: str, *, by: Actor) -> None:
    """Record that the accountant suspended the payment, with the reason; the association is told."""
    _still(instalment, "suspend")
    chain.advance(INSTALMENT, instalment, "suspend", by=by, number=instalment.order_number)
    _say_why(instalment, note, by=by)
    letters.order_stopped(instalment, "suspended", note, number=instalment.order_number or "")


def resume(instalment: Instalment, *, by: Actor) -> None:
    """Record that the accountant lifted the suspension. Raises RefusedError when the account of the order was replaced,
    or its body handed over, since: the order is to be cancelled."""
    _still(instalment, "resume")
    _same_bank_details(instalment)
    chain.advance(INSTALMENT, instalment, "resume", by=by, number=instalment.order_number)


def reject(instalment: Instalment, note: str, *, by: Actor) -> None:
    """Record that the accountant rejected the order: it is reversed, and the instalment can be ordered anew."""
    _reverse(instalment, "reject", LedgerKind.ORDER_REJECTED, note, by=by)


def cancel_order(instalment: Instalment, note: str, *, by: Actor) -> None:
    """Cancel an order before it is paid: it is reversed, and the instalment can be ordered anew."""
    _reverse(instalment, "cancel_order", LedgerKind.ORDER_CANCELLED, note, by=by)


def _reverse(instalment: Instalment, verb: str, kind: LedgerKind, note: str, *, by: Actor) -> None:
    """Take an unpaid order back by a ledger line of its own; the next order of the instalment is another attempt.

    Where the report was accepted meanwhile, the instalment comes down to what is still payable.
    """
    _still(instalment, verb)
    award, number = instalment.award, instalment.order_number or ""
    ledger.hold(award)
    chain.advance(INSTALMENT, instalment, verb, by=by, amount=instalment.amount.cents, number=number)
    about = ledger.About(instalment, number, note)
    ledger.move(award, kind, instalment.amount, on=clock.today(), by=by, about=about)
    _put_back(instalment, note, by=by)
    instalment.attempt += 1
    instalment.order_number = instalment.order_year = instalment.ordered_on = None
    db.session.flush()
    letters.order_stopped(instalment, kind.value, note, number=number)
    report = queries.report_of(award.id)
    if report is not None and report.state is ReportState.ACCEPTED:
        settling.settle(award, queries.settlement_of(report), by=by)


def _put_back(instalment: Instalment, note: str, *, by: Actor) -> None:
    instalment.prepared_by = instalment.prepared_at = None
    instalment.approved_by = instalment.approved_at = None
    instalment.bank_details_id = None
    _say_why(instalment, note, by=by)


def _say_why(instalment: Instalment, note: str, *, by: Actor) -> None:
    instalment.returned_note, instalment.returned_at, instalment.returned_by = note, clock.now(), by.id


def _move(instalment: Instalment, kind: LedgerKind, *, on: date, by: Actor) -> None:
    about = ledger.About(instalment, instalment.order_number or "")
    ledger.move(instalment.award, kind, instalment.amount, on=on, by=by, about=about)


def pay(instalment: Instalment, *, on: date, by: Actor) -> None:
    """Record the accountant's date of payment.

    Raises InvalidError for an impossible day, RefusedError from the day on which the account of the order was replaced
    or its body handed over: nothing is paid to that account any more, the order is to be cancelled or rejected.
    """
    _still(instalment, "pay")
    ledger.hold(instalment.award)
    if on > clock.today() or (instalment.ordered_on is not None and on < instalment.ordered_on):
        raise InvalidError(_("La date comptable ne peut être ni avant le mandat ni dans le futur."), field="paid_on")
    if not _was_paid_before(instalment, on):
        _same_bank_details(instalment)
    chain.advance(INSTALMENT, instalment, "pay", by=by, amount=instalment.amount.cents)
    instalment.paid_on = on
    _move(instalment, LedgerKind.PAID, on=on, by=by)
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


def _was_paid_before(instalment: Instalment, on: date) -> bool:
    """Whether a payment of that day went to the account of its order while it was still in use."""
    since = queries.unused_since(instalment.bank_details) if instalment.bank_details is not None else None
    return since is not None and on < since


def _same_bank_details(instalment: Instalment) -> None:
    """Hold the bank details of the preparation until the end of the transaction, or refuse when they changed or their
    body was handed over.

    One conditional statement: a confirmation of other details at the same instant comes wholly before or wholly after.
    """
    db.session.flush()
    held = db.session.execute(
        update(BankDetails)
        .where(BankDetails.id == instalment.bank_details_id, BankDetails.state == BankState.CONFIRMED)
        .values(settled_at=BankDetails.settled_at)
        .execution_options(synchronize_session=False)
    )
    if held.rowcount != 1 and instalment.bank_details is not None:  # type: ignore[attr-defined]
        db.session.refresh(instalment.bank_details)
    if reason := queries.why_not_pay_to(instalment):
        raise RefusedError(str(reason))
