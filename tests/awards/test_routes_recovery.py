"""The pages of what is owed back: prepared by one, approved by another, received; what the association reads."""

from datetime import timedelta
from fractions import Fraction

import pytest
from sqlalchemy import select

from grants.applications.lifecycle import ApplicationState
from grants.awards import queries
from grants.awards.actions import disbursement
from grants.awards.lifecycle import AwardState, InstalmentState, ReceivableState, ReportState
from grants.awards.models.disbursement import InstalmentKind
from grants.kernel import clock
from grants.kernel.db import db, unit_of_work
from grants.kernel.money import Money
from grants.kernel.outbox import Letter


def overpaid(make):
    award = make.award(state=AwardState.RUNNING)
    make.instalment(award, state=InstalmentState.PAID)
    make.report(award, state=ReportState.ACCEPTED, spent=Fraction(1, 2))
    return award


def test_an_excess_is_asked_back_and_received_through_the_pages(app, make, page):
    award = overpaid(make)
    finance, officer, manager = make.account("finance"), make.account("authorising_officer"), make.account("manager")
    page.get("awards.show", award, as_=manager)
    assert "doit reverser" in page.last.words
    assert page.post("awards.close", award).status == 409
    today = clock.today()
    page.get("awards.recovery", award, as_=finance)
    values = {"due_on": (today + timedelta(30)).isoformat(), "reason": "Bilan inférieur."}
    for amount in ("0", "1e5", "NaN", "-1", "99 999"):
        assert page.submit({**values, "amount": amount}).status == 422
        assert amount in page.last.text
        page.get("awards.recovery", award)
    answer = page.submit({**values, "amount": "4 000"})
    assert answer.status == 200, answer.words
    db.session.rollback()
    (claim,) = queries.receivables_of(award.id)
    page.get("awards.receivable", claim, as_=officer)
    page.submit(action="/approuver")
    page.get("awards.issue_recovery", claim, as_=finance)
    page.submit({"number": "T-1", "issued_on": today.isoformat()})
    page.get("awards.own", award, as_=make.member_of(award.organisation))
    assert "Bilan inférieur." in page.last.words
    page.get("awards.receive", claim, as_=finance)
    page.submit({"day": today.isoformat()})
    db.session.rollback()
    db.session.refresh(claim)
    assert claim.state is ReceivableState.SETTLED
    for view in ({}, {"vue": "retard"}):
        assert page.get("awards.receivables", **view).status == 200
    page.get("awards.show", award, as_=manager)
    page.submit(action="/clore")
    db.session.rollback()
    db.session.refresh(award)
    assert award.state is AwardState.CLOSED
    assert list(queries.problems()) == []


def test_the_association_reads_that_its_advance_is_repaid(app, make, page):
    application = make.application(
        state=ApplicationState.ELIGIBLE, call=make.call(), organisation=make.organisation(),
        requested=Money.euros(30_000), instrument="scale_up",
    )  # fmt: skip
    make.decided(application)
    award, manager = make.award(application), make.account("manager")
    later = [(clock.today() + timedelta(days)).isoformat() for days in (400, 800)]
    page.get("awards.repayments", award, as_=manager)
    page.submit({"add": "1"}, follow=False)
    values = {"dues-0-amount": "15 000", "dues-0-due_on": later[0], "dues-1-amount": "14 999,99",
              "dues-1-due_on": later[1]}  # fmt: skip
    assert page.submit(values).status == 422
    page.submit({**values, "dues-1-amount": "15 000"})
    assert len(queries.repayments_of(award.id)) == 2
    make.engaged(award)
    page.get("awards.own", award, as_=make.member_of(award.organisation))
    assert "avance remboursable" in page.last.words
    assert " ".join(page.last.words.split()).count("15 000 €") >= 2
    page.get("awards.repayments", award, as_=manager)
    alone = {"dues-0-amount": "30 000", "dues-0-due_on": later[1], "dues-1-amount": "", "dues-1-due_on": ""}
    answer = page.submit(alone)
    assert answer.status == 422
    assert answer.tree.xpath("//*[@id='number-error']")
    page.get("awards.repayments", award)
    change = {"number": "A-1", "signed_on": clock.today().isoformat(), "reason": "Un an de plus."}
    assert "enregistré" in page.submit({**alone, **change}).words
    assert "Un an de plus." in page.last.words
    assert [row.due_on.isoformat() for row in queries.repayments_of(award.id)] == later[1:]


def test_the_form_proposes_what_the_act_takes(app, make, page):
    award = make.award(state=AwardState.RUNNING)
    make.instalment(award, Money.euros(1_000), state=InstalmentState.PAID)
    unpaid = make.instalment(award, kind=InstalmentKind.ADVANCE, state=InstalmentState.ORDERED)
    report = make.report(award, state=ReportState.ACCEPTED, spent=Fraction(1, 2))
    excess = queries.settlement_of(report).excess
    finance = make.account("finance")
    values = {"due_on": (clock.today() + timedelta(30)).isoformat(), "reason": "Bilan inférieur."}
    for proposed in (Money.euros(1_000), excess - Money.euros(1_000)):
        assert queries.left_to_claim(award) == proposed
        page.get("awards.recovery", award, as_=finance)
        assert page.submit(values).status == 200
        assert not queries.left_to_claim(award)
        if proposed == Money.euros(1_000):
            assert queries.owed_back(award, report) == proposed
            with unit_of_work():
                disbursement.pay(unpaid, on=clock.today(), by=make.actor("finance"))


def test_an_advance_paid_beyond_its_costs_comes_back_by_its_schedule(app, make, page):
    application = make.application(state="eligible", requested=Money.euros(30_000), instrument="scale_up")
    make.decided(application)
    award = make.award(application, state=AwardState.RUNNING)
    make.instalment(award, state=InstalmentState.PAID)
    report = make.report(award, state=ReportState.ACCEPTED, spent=Fraction(1, 2))
    for view, subject, who in (
        ("awards.report_read", report, make.account("manager")),
        ("awards.report_read", report, make.member_of(award.organisation)),
        ("awards.own", award, make.member_of(award.organisation)),
    ):
        said = page.get(view, subject, as_=who).words
        assert "revient par l’échéancier de remboursement" in said
        assert "à convenir" not in said
        assert "conviendra" not in said
    (letter,) = db.session.scalars(select(Letter).where(Letter.kind == "awards_report_accepted"))
    assert "revient par l’échéancier de remboursement" in " ".join(letter.body.split())


def test_a_mistyped_receipt_is_reversed_through_the_pages(app, make, page):
    award = overpaid(make)
    claim = make.recovery(award, Money.euros(4_000))
    finance, officer, today = make.account("finance"), make.account("authorising_officer"), clock.today().isoformat()
    page.get("awards.receivable", claim, as_=finance)
    assert "annuler-encaissement" not in page.last.text
    assert "facultatif" not in page.get("awards.propose_waiver", claim).words
    page.get("awards.receive", claim)
    page.submit({"amount": "4 000", "day": today, "number": "E-12"})
    page.get("awards.propose_reversal", claim)
    assert "facultatif" not in page.last.words
    for values in ({"reason": ""}, {"line": "0", "reason": "Faux."}, {"line": "²", "reason": "Faux."}):
        assert page.submit(values).status == 422
        page.get("awards.propose_reversal", claim)
    assert "E-12" in page.last.words
    assert "doit la confirmer" in page.submit({"reason": "400 € et non 4 000 €."}).words
    assert "annuler-encaissement/confirmer" not in page.last.text
    assert page.post("awards.confirm_reversal", claim).status == 403
    page.get("awards.receivable", claim, as_=officer)
    assert "400 € et non 4 000 €." in " ".join(page.last.words.split())
    page.submit(action="/annuler-encaissement/confirmer")
    db.session.rollback()
    db.session.refresh(claim)
    assert (claim.state, claim.received) == (ReceivableState.DUE, Money(0))
    assert page.post("awards.confirm_reversal", claim).status == 409
    page.get("awards.own", award, as_=make.member_of(award.organisation))
    assert "À payer" in page.last.words
    page.get("awards.show", award, as_=make.account("manager"))
    assert "Encaissement annulé" in page.last.words
    assert list(queries.problems()) == []


@pytest.mark.parametrize("role", ["manager", "auditor"])
def test_who_does_not_hold_the_money_asks_nothing_back(app, make, page, role):
    award = overpaid(make)
    assert page.get("awards.recovery", award, as_=make.account(role)).status == 403
