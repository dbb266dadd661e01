"""Who may act on a payment or a sum to be received, for every act from the schedule to the last receipt."""

from datetime import timedelta
from fractions import Fraction

import pytest
from sqlalchemy import select

from grants.applications.lifecycle import ApplicationState
from grants.awards import queries
from grants.awards.actions import agreement, disbursement, recovery
from grants.awards.lifecycle import (
    AWARD,
    BANK,
    INSTALMENT,
    RECEIVABLE,
    REPORT,
    AwardState,
    BankState,
    InstalmentState,
    ReceivableState,
    ReportState,
)
from grants.awards.models import Ground
from grants.awards.rules import Link
from grants.kernel import clock, journal
from grants.kernel.db import db, unit_of_work
from grants.kernel.errors import ForbiddenError
from grants.kernel.journal import Entry
from grants.kernel.money import Money
from grants.people import queries as people
from grants.permissions import P

pytestmark = pytest.mark.neutral

OFFICES = {
    P.INSTALMENT_PLAN: "manager",
    P.REPORT_DECIDE: "manager",
    P.BANK_DETAILS_CONFIRM: "finance",
    P.PAYMENT_PREPARE: "finance",
    P.PAYMENT_APPROVE: "authorising_officer",
    P.PAYMENT_STOP: "authorising_officer",
    P.PAYMENT_RECORD: "finance",
}
PAGES = {"instalment": "awards.instalment", "receivable": "awards.receivable", "bank_details": "awards.bank",
         "report": "awards.report_read", "award": "awards.show"}  # fmt: skip
# Acts that make the thing the chain goes on with, on the award: they are no move of it.
BEGINNINGS = (
    ("awards.repayments", P.INSTALMENT_PLAN, {AwardState.VOTED, AwardState.AGREEMENT, AwardState.RUNNING}),
    ("awards.recovery", P.PAYMENT_PREPARE, {AwardState.RUNNING}),
)
# The kinds of thing whose lines tell who acted before, by the kind of thing an act is on.
FOLLOWED = {"instalment": ("instalment", "bank_details"), "receivable": ("receivable",),
            "bank_details": ("bank_details",), "report": ("bank_details", "instalment"),
            "award": ("bank_details",)}  # fmt: skip


def acts(machine, state):
    """The acts a thing takes in a state: where they are made and under which permission."""
    moves = [move for move in machine.moves_from(state) if move.endpoint and move.permission in queries.LINKS]
    begun = [(endpoint, permission) for endpoint, permission, states in BEGINNINGS if state in states]
    return [(move.endpoint, move.permission) for move in moves] + begun


STATES = [(machine, state) for machine in (AWARD, BANK, INSTALMENT, RECEIVABLE, REPORT)
          for state in machine.states if any(permission in OFFICES for _endpoint, permission in acts(machine, state))
          if not machine.states[state].final]  # fmt: skip


def overpaid(make):
    award = make.award(state=AwardState.RUNNING)
    make.instalment(award, state=InstalmentState.PAID)
    make.report(award, state=ReportState.ACCEPTED, spent=Fraction(1, 2))
    return award, award.amount - award.amount.percent(50)


def placed(make, machine, state):
    """A thing in a state, on which people of other links acted before."""
    if machine is RECEIVABLE:
        award, excess = overpaid(make)
        carried = ReceivableState.DUE if state is ReceivableState.SETTLED else state
        made = make.recovery(award, excess, state=carried)
        if state is ReceivableState.SETTLED:
            received(made, excess, make.actor("finance"))
        return made
    if machine is BANK:
        return make.bank_details(make.organisation(), state=state)
    award = make.award(state=AwardState.VOTED if machine is AWARD else AwardState.RUNNING)
    if machine is AWARD and state is not AwardState.VOTED:
        make.agreement(award, signed=state is AwardState.RUNNING)
    make.bank_details(award.organisation)
    if machine is REPORT:
        return make.report(award, state=state)
    if machine is AWARD:
        if state is AwardState.RUNNING:
            make.instalment(award, state=InstalmentState.PAID)
        return award
    if state is not InstalmentState.SUSPENDED:
        return make.instalment(award, state=state)
    row = make.instalment(award, state=InstalmentState.ORDERED)
    with unit_of_work():
        disbursement.suspend(row, "Pièce manquante.", by=make.actor("finance"))
    return row


def received(claim, amount, finance):
    with unit_of_work():
        recovery.receive(claim, amount=amount, on=clock.today(), version=claim.version, by=finance)


def hand_of_another_link(thing, permission):
    """Somebody who acted before on what a thing follows from, in another link than that of a permission."""
    link = queries.LINKS[permission]
    lines = db.session.execute(
        select(Entry.event, Entry.actor_id)
        .where(Entry.actor_id.is_not(None), Entry.event.in_(queries.ACTS))
        .where(Entry.subject_type.in_(FOLLOWED[thing.__tablename__]))
    )
    return next(row.actor_id for row in lines if queries.ACTS[row.event] is not link or link is Link.CHECK)


def appointed(by, account_id):
    """Say in the journal that a person gave an office to another one."""
    with unit_of_work() as session:
        given = session.get_one(type(by), account_id)
        journal.record("office.given", given, by=people.actor_of(by), role="x")


@pytest.mark.parametrize(("machine", "state"), STATES, ids=lambda one: getattr(one, "name", str(one)))
def test_nobody_acts_with_somebody_whom_an_office_ties_to_them(app, make, page, machine, state):
    thing = placed(make, machine, state)
    for endpoint, permission in acts(machine, state):
        giver, given, free = (make.account(OFFICES[permission]) for _ in range(3))
        hand = hand_of_another_link(thing, permission)
        appointed(giver, hand)
        appointed(db.session.get_one(type(given), hand), given.id)
        for person in (giver, given):
            answer = page.post(endpoint, thing, as_=person)
            assert (answer.status, "a nommé l’autre" in answer.words) == (403, True), endpoint
            shown = page.get(PAGES[thing.__tablename__], thing)
            assert page.url(endpoint, thing) not in shown.text, endpoint
            assert "a nommé l’autre" in shown.words, endpoint
        assert queries.why_not_act(free.id, thing, permission) is None, endpoint


def test_every_act_of_the_chain_is_looked_at():
    seen = {permission for machine, state in STATES for _endpoint, permission in acts(machine, state)}
    assert seen == set(OFFICES)
    assert set(queries.LINKS) - seen == {P.BANK_DETAILS_GIVE}


def test_who_planned_a_repayment_and_who_appointed_them_are_told_apart(app, make, page):
    application = make.application(
        state=ApplicationState.ELIGIBLE, organisation=make.organisation(), requested=Money.euros(30_000),
        instrument="scale_up",
    )  # fmt: skip
    make.decided(application)
    award, manager = make.award(application), make.account("manager")
    due = [recovery.Due(award.amount, clock.today() + timedelta(400))]
    with unit_of_work():
        recovery.plan_repayments(award, due, version=award.version, by=make.actor_of(manager))
    make.engaged(award)
    make.instalment(award, state=InstalmentState.PAID)
    (row,) = queries.repayments_of(award.id)
    finance, successor = make.account("finance"), make.account("manager")
    appointed(manager, finance.id)
    assert page.get("awards.receive", row, as_=finance).status == 403
    appointed(manager, successor.id)  # who takes over the same part of the chain does not control it
    assert page.get("awards.schedule", award, as_=successor).status == 200


# ---- who approves holds no other link -------------------------------------------------------------------------------


def checked_the_account(make, award, officer):
    details = make.bank_details(award.organisation, state=BankState.CHECKED)
    with unit_of_work():
        agreement.confirm_bank_details(details, by=officer)
    return make.instalment(award, state=InstalmentState.PREPARED)


def prepared_the_order(make, award, officer):
    make.bank_details(award.organisation)
    row = make.instalment(award)
    with unit_of_work():
        disbursement.prepare(row, by=officer)
    return row


def attested_the_condition(make, award, officer):
    make.bank_details(award.organisation)
    (row,) = make.schedule(award, award.amount, condition="Local livré")
    with unit_of_work():
        disbursement.attest(row, proof="Visite", on=clock.today(), by=officer)
    return make.carried(row, InstalmentState.PREPARED)


def planned_the_schedule(make, award, officer):
    make.bank_details(award.organisation)
    step = [disbursement.PlannedInstalment("Versement", disbursement.InstalmentKind.SINGLE, award.amount)]
    with unit_of_work():
        (row,) = disbursement.plan(award, step, version=award.version, by=officer)
    return make.carried(row, InstalmentState.PREPARED)


@pytest.mark.parametrize(
    "before", [checked_the_account, prepared_the_order, attested_the_condition, planned_the_schedule]
)
def test_who_did_anything_else_for_a_payment_reads_why_they_may_not_approve_it(app, make, page, before):
    officer = make.account("authorising_officer")
    row = before(make, make.award(state=AwardState.RUNNING), make.actor_of(officer))
    shown = page.get("awards.instalment", row, as_=officer)
    assert "/approuver" not in shown.text
    assert "l’approuver" in shown.words
    assert page.post("awards.approve", row).status == 403
    page.get("awards.send_back", row)
    assert "renvoyé" in page.submit({"note": "Une autre personne approuvera."}).words
    row = make.carried(row, InstalmentState.PREPARED)
    assert page.post("awards.approve", row, as_=make.account("authorising_officer")).status == 302


def test_who_prepared_a_recovery_or_proposed_a_change_of_it_does_not_approve_it(app, make, page):
    award, excess = overpaid(make)
    officer = make.account("authorising_officer")
    by, today = make.actor_of(officer), clock.today()
    with unit_of_work():
        claim = recovery.prepare_recovery(award, amount=excess, due_on=today, reason="Trop versé.", by=by)
    assert page.post("awards.approve_recovery", claim, as_=officer).status == 403
    with pytest.raises(ForbiddenError), unit_of_work():
        recovery.approve(claim, by=by)
    other = make.account("authorising_officer")
    assert page.post("awards.approve_recovery", claim, as_=other).status == 302
    db.session.rollback()
    with unit_of_work():
        recovery.issue(claim, number="T1", on=today, by=make.actor("finance"))
        recovery.propose_waiver(claim, ground=Ground.REMISSION, amount=excess, reason="Délibération.", by=by)
    shown = page.get("awards.receivable", claim, as_=officer)
    assert "/confirmer" not in shown.text
    assert "/ecarter" in shown.text
    assert "l’approuver" in shown.words
    assert page.post("awards.confirm_waiver", claim).status == 403
    assert page.post("awards.confirm_waiver", claim, as_=other).status == 302
