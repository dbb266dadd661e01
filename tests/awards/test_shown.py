"""What the page of an award shows: the acts beside the next step, to whom, and the reasons why not."""

from collections.abc import Callable

import pytest
from flask import Flask, g

from grants.awards import queries
from grants.awards.lifecycle import AwardState
from grants.awards.models import Award
from grants.awards.routes.shown import AwardAct, AwardShown, award_shown
from grants.people.models import Account
from tests.factories import Make

S = AwardState
Shows = Callable[[Award, Account], tuple[AwardShown, set[AwardAct], set[AwardAct]]]


@pytest.fixture
def shows(app: Flask) -> Shows:
    """The page of an award as a person is shown it: itself, the acts beside the next step, and all."""

    def shown(award: Award, account: Account) -> tuple[AwardShown, set[AwardAct], set[AwardAct]]:
        with app.test_request_context("/"):
            g.actor = app.extensions["find_actor"](account.id)
            found = award_shown(award)
            return found, set(found.next_acts), set(found.acts)

    return shown


def test_an_award_to_engage_offers_its_acts_to_whom_may_make_them(make: Make, shows: Shows) -> None:
    award = make.award()
    assert not queries.agreement_need(award).is_due
    _page, beside, acts = shows(award, make.account("manager"))
    assert {AwardAct.PREPARE_AGREEMENT, AwardAct.ENGAGE} >= beside > set()
    assert acts.isdisjoint(
        {AwardAct.CLOSE, AwardAct.CLAIM, AwardAct.READ_REPORT, AwardAct.EDIT_AGREEMENT, AwardAct.PLAN_REPAYMENTS}
    )
    _page, beside, acts = shows(award, make.account("auditor"))
    assert beside == set()
    assert acts <= {AwardAct.SEE_ORDERS}


def test_an_award_that_lacks_its_agreement_is_never_offered_to_be_engaged(
    make: Make, shows: Shows, monkeypatch
) -> None:
    award, manager = make.award(), make.account("manager")
    offered = shows(award, manager)[2]
    need = queries.agreement_need(award)
    above = next(each for each in type(need) if each.is_due)
    monkeypatch.setattr(queries, "agreement_need", lambda _award: above)
    assert shows(award, manager)[2] == offered - {AwardAct.ENGAGE}


def test_an_award_is_offered_to_be_closed_once_nothing_is_missing(make: Make, shows: Shows) -> None:
    award, manager = make.award(state=S.RUNNING), make.account("manager")
    page, beside, acts = shows(award, manager)
    assert page.why_not_close is not None
    assert AwardAct.CLOSE not in beside | acts
    closed = make.award(state=S.CLOSED)
    page, beside, acts = shows(closed, manager)
    assert page.is_settled
    assert beside == set()
    assert AwardAct.CLOSE not in acts
    assert "soldée depuis" in str(page.note)
