"""An organisation handed over: nothing is paid to an account given before, until one is given and checked anew."""

from datetime import timedelta

import pytest

from grants.awards import queries
from grants.awards.actions import agreement, disbursement
from grants.awards.lifecycle import AwardState, BankState, InstalmentState
from grants.awards.rules import HANDED_OVER, REPLACED, REPLACED_SINCE_ORDERED, NextStep
from grants.kernel import clock
from grants.kernel.db import db, unit_of_work
from grants.kernel.errors import ForbiddenError, RefusedError
from grants.people import actions as people
from tests.factories.awards import iban

T = InstalmentState
TITLE = "Aucun versement ne peut partir vers ce compte"


@pytest.fixture
def award(make):
    award = make.award(state=AwardState.RUNNING)
    make.member_of(award.organisation)
    return award


def handed_over(make, organisation, *, keeps=False):
    """Hand an organisation over; gives who is responsible for it now."""
    rightful = make.account()
    with unit_of_work():
        people.hand_over(organisation, rightful.email, keeps=keeps, reason="Procès-verbal.", by=make.actor("manager"))
    return rightful


def refused(act, *arguments, **keywords):
    with pytest.raises(RefusedError) as caught, unit_of_work():
        act(*arguments, **keywords)
    assert caught.value.message == str(HANDED_OVER)


@pytest.mark.parametrize("keeps", [True, False])
def test_no_order_is_prepared_until_an_account_is_given_and_checked_anew(page, make, award, keeps):
    instalment = make.instalment(award)
    details = make.bank_details(award.organisation, number=iban(77))
    rightful, finance = handed_over(make, award.organisation, keeps=keeps), make.account("finance")
    refused(disbursement.prepare, instalment, by=make.actor_of(finance))
    assert queries.award_line(award).step is NextStep.BANK_GIVE
    page.sign_in(finance)
    assert str(HANDED_OVER) in page.get("awards.instalment", instalment).words
    assert TITLE in page.get("awards.bank", details).words
    views = {view: [row.id for row in queries.bank_inbox(make.actor_of(finance), view).rows]
             for view in ("waiting", "confirmed", "past")}  # fmt: skip
    assert views == {"waiting": [], "confirmed": [], "past": [details.id]}
    page.sign_in(rightful)
    assert "À donner de nouveau" in page.get("awards.own", award).words
    new = make.bank_details(award.organisation, number=iban(77), state=BankState.CHECKED, owner=rightful)
    refused(disbursement.prepare, instalment, by=make.actor_of(finance))
    with unit_of_work():
        agreement.confirm_bank_details(new, by=make.actor("authorising_officer"))
    assert (details.state, queries.confirmed_bank_details(award.organisation_id)) == (BankState.REPLACED, new)
    with unit_of_work():
        disbursement.prepare(instalment, by=make.actor_of(finance))
    assert instalment.bank_details_id == new.id


ACTS = {
    "approve": (T.PREPARED, disbursement.approve, dict),
    "order": (T.APPROVED, disbursement.order, lambda: {"number": "2026-9", "on": clock.today()}),
    "resume": (T.ORDERED, disbursement.resume, dict),
    "pay": (T.ORDERED, disbursement.pay, lambda: {"on": clock.today()}),
}


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("change", ["replaced", "handed over"])
def test_money_goes_only_to_the_account_of_its_order(page, make, award, act, change):
    """From the preparation to the payment, each act asks again whether the account is still in use."""
    state, does, facts = ACTS[act]
    make.bank_details(award.organisation)
    instalment = make.instalment(award, state=state)
    if act == "resume":
        with unit_of_work():
            disbursement.suspend(instalment, "Pièce manquante.", by=make.actor("authorising_officer"))
    if change == "replaced":
        make.bank_details(award.organisation, number=iban(78))
        assert instalment.bank_details.state is BankState.REPLACED
    else:
        handed_over(make, award.organisation)
    is_ordered = state is T.ORDERED
    says = HANDED_OVER if change == "handed over" else REPLACED_SINCE_ORDERED if is_ordered else REPLACED
    officer = make.account("authorising_officer" if act == "approve" else "finance")
    with pytest.raises(RefusedError) as caught, unit_of_work():
        does(instalment, by=make.actor_of(officer), **facts())
    assert caught.value.message == str(says)
    page.sign_in(officer)
    shown = page.get("awards.instalment", instalment)
    assert TITLE in shown.words
    assert str(says) in shown.words
    if act != "pay":
        assert not shown.tree.xpath(f"//form[contains(@action, '{page.url(f'awards.{act}', instalment)}')]")


@pytest.mark.parametrize("change", ["replaced", "handed over"])
def test_a_payment_made_before_the_account_changed_is_recorded(make, award, change):
    instalment = make.instalment(award, state=T.ORDERED)
    paid_on = clock.today()
    with clock.fixed(clock.now() + timedelta(days=2)):
        if change == "replaced":
            make.bank_details(award.organisation, number=iban(78))
        else:
            handed_over(make, award.organisation)
        with pytest.raises(RefusedError), unit_of_work():
            disbursement.pay(instalment, on=clock.today(), by=make.actor("finance"))
        with unit_of_work():
            disbursement.pay(instalment, on=paid_on, by=make.actor("finance"))
    assert (instalment.state, instalment.paid_on) == (T.PAID, paid_on)


@pytest.mark.parametrize(("state", "act"), [(BankState.GIVEN, "check"), (BankState.CHECKED, "confirm")])
def test_an_account_given_before_is_not_checked_after(page, make, award, state, act):
    details = make.bank_details(award.organisation, state=state)
    handed_over(make, award.organisation)
    page.sign_in(make.account("finance"))
    answer = page.get("awards.bank", details)
    assert TITLE in answer.words
    assert not answer.tree.xpath("//form[contains(@action, 'verifier') or contains(@action, 'confirmer')]")
    assert page.post(f"awards.{act}_bank", details).status == 409
    db.session.refresh(details)
    assert details.state is state
    assert queries.bank_counts(make.actor("finance"))["waiting"] == 0


@pytest.mark.parametrize("keeps", [True, False])
def test_whoever_was_responsible_gives_no_account_at_the_same_instant(app, make, keeps):
    """The facts of a request were read before the hand-over."""
    squatter = make.account()
    organisation = make.organisation(squatter)
    stale = make.actor_of(squatter)
    handed_over(make, organisation, keeps=keeps)
    with pytest.raises(ForbiddenError), unit_of_work():
        agreement.give_bank_details(organisation, iban=iban(5), bic="", holder="Qui", by=stale)
    assert queries.bank_details_of(organisation.id) == []


def test_an_organisation_that_was_not_handed_over_is_paid(make, award):
    make.bank_details(award.organisation)
    handed_over(make, make.organisation())
    instalment = make.instalment(award, state=T.ORDERED)
    assert queries.why_not_use(instalment.bank_details) is None
