"""A published call whose envelope is raised, and a draft call that is deleted."""

from functools import partial

import pytest
from sqlalchemy import func, select

from grants.calls import actions, queries
from grants.calls.lifecycle import CallState
from grants.calls.models import Block, Call, CallInstrument, Criterion, Gate, Piece, Question, Section, Statement
from grants.kernel import journal
from grants.kernel.db import db, unit_of_work
from grants.kernel.errors import ConflictError, InvalidError, RefusedError
from grants.kernel.money import Money
from grants.programme.models import Fund
from tests.crowd import at_once


def widen(make, call, euros, reason="Une recette de plus."):
    with unit_of_work():
        actions.widen(call, envelope=Money.euros(euros), reason=reason, reason_en="", by=make.actor("manager"))


def test_an_envelope_is_raised_within_the_fund_and_everybody_reads_why(make, page):
    call = make.call(envelope=Money.euros(300_000))
    page.sign_in(make.account("manager"))
    page.get("calls.widen", call)
    assert page.submit({"envelope": "300 000", "reason": "Rien."}).status == 422
    assert page.submit({"envelope": "1000001", "reason": "Trop."}).status == 422
    assert page.submit({"envelope": "NaN", "reason": "Rien."}).status == 422
    assert page.submit({"envelope": "350 000", "reason": ""}).status == 422
    page.submit({"envelope": "350 000", "reason": "Le budget modifié du 12 mars."})
    db.session.expire_all()
    assert call.envelope == Money.euros(350_000)
    page.sign_in(None)
    shown = page.get("calls.show", code=call.code).words
    assert "Elle était de 300 000 €. Elle est de 350 000 €" in shown.replace("\u202f", " ").replace("\xa0", " ")
    assert "Le budget modifié du 12 mars." in shown
    assert list(journal.wrong_rows()) == []


def test_what_the_other_calls_hold_is_not_given_twice(make):
    fund = db.session.scalars(select(Fund)).one()
    rest = (fund.envelope.cents - Money.euros(300_000).cents) // 100
    call, _other = make.call(envelope=Money.euros(200_000)), make.call(envelope=Money.euros(300_000))
    with pytest.raises(InvalidError, match="reste au fonds"):
        widen(make, call, rest + 1)
    widen(make, call, rest)
    assert [each.after for each in queries.widenings(call)] == [Money.euros(rest)]


def test_two_calls_raised_at_once_do_not_share_the_same_euros(app, make):
    envelope = db.session.scalars(select(Fund.envelope)).one()
    keys = [make.call(envelope=Money.euros(100_000)).id for _ in range(2)]
    most = envelope - Money.euros(150_000)
    managers = [make.actor("manager") for _ in keys]
    db.session.remove()

    def raise_one(key, by):
        call = db.session.get_one(Call, key)
        actions.widen(call, envelope=most, reason="Une recette.", reason_en="", by=by)

    assert len(at_once(app, *[partial(raise_one, *each) for each in zip(keys, managers, strict=True)])) == 1
    db.session.rollback()
    held = db.session.scalars(select(Call.envelope).where(Call.id.in_(keys))).all()
    assert sum(held, Money(0)) <= envelope


@pytest.mark.parametrize("state", [CallState.DRAFT, CallState.ARCHIVED])
def test_only_a_published_call_has_its_envelope_raised(make, state):
    with pytest.raises(RefusedError):
        widen(make, make.call(state=state), 400_000)


def test_a_copy_does_not_say_what_was_decided_of_its_source(make):
    call = make.call(envelope=Money.euros(100_000))
    widen(make, call, 110_000)
    with unit_of_work():
        copy = actions.copy_call(
            call, call.framework, code="COPIE", title="Copie", opens_at=call.opens_at, closes_at=call.closes_at,
            envelope=Money.euros(1_000), by=make.actor("manager"),
        )  # fmt: skip
    assert queries.widenings(copy) == []


def test_a_draft_is_deleted_whole_once_its_code_is_typed(make, page):
    call = make.call(state=CallState.DRAFT)
    key = call.id
    page.sign_in(make.account("manager"))
    page.get("calls.discard", call)
    assert page.submit({"code": "AUTRE"}).status == 422
    assert "est supprimé" in page.submit({"code": call.code}).words
    for kind in (Block, CallInstrument, Criterion, Gate, Piece, Question, Section, Statement):
        assert db.session.scalar(select(func.count()).where(kind.call_id == key)) == 0
    assert db.session.get(Call, key) is None
    assert list(journal.wrong_rows()) == []


def test_a_published_call_is_never_deleted_nor_one_that_changed_meanwhile(make, page):
    opened, draft = make.call(), make.call(state=CallState.DRAFT)
    page.sign_in(make.account("manager"))
    assert page.get("calls.discard", opened).status == 409
    with pytest.raises(RefusedError), unit_of_work():
        actions.discard(opened, version=opened.version, by=make.actor("manager"))
    with pytest.raises(ConflictError), unit_of_work():
        actions.discard(draft, version=draft.version - 1, by=make.actor("manager"))
