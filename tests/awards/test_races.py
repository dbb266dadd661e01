"""Thirty-two people at once: an instalment is ordered and paid once, and nothing passes its bound."""

import threading
from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm.exc import StaleDataError

from grants.app import create_app
from grants.awards import queries
from grants.awards.actions import agreement, disbursement, ledger, recovery
from grants.awards.lifecycle import AwardState, BankState, InstalmentState
from grants.awards.models import Award, BankDetails, Ground, Instalment, LedgerEntry, LedgerKind, Receivable
from grants.kernel import clock, journal
from grants.kernel.db import db, unit_of_work
from grants.kernel.errors import ConflictError, InvalidError, RefusedError
from grants.kernel.money import Money

CROWD = 32
BEATEN = (RefusedError, StaleDataError, IntegrityError)
T = InstalmentState


@pytest.fixture
def crowded(app: Flask) -> Iterator[Flask]:
    """Give an application on the same database with a connection for each of the crowd."""
    options = {"pool_size": CROWD, "max_overflow": 0}
    other = create_app(app.config["SETTINGS"], TESTING=True, SQLALCHEMY_ENGINE_OPTIONS=options)
    yield other
    with other.app_context():
        db.engine.dispose()


def together(app: Flask, *acts: Callable[[], object]) -> int:
    """Run acts at the same moment, each in a transaction on its own connection; give how many passed."""
    db.session.rollback()
    gate, passed, strange = threading.Barrier(len(acts)), [], []

    def run(act: Callable[[], object]) -> None:
        with app.app_context():
            try:
                gate.wait(60)
                with unit_of_work():
                    act()
                passed.append(act)
            except BEATEN:
                pass
            except Exception as error:  # noqa: BLE001 - a thread has nobody else to tell
                strange.append(error)
            finally:
                db.session.remove()

    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not strange
    return len(passed)


def lines(kind: LedgerKind) -> int:
    return db.session.scalar(select(func.count()).select_from(LedgerEntry).where(LedgerEntry.kind == kind))


def fresh(award_id) -> Award:
    db.session.rollback()
    db.session.expire_all()
    assert list(queries.problems()) == []
    assert list(journal.broken_links()) == []
    return db.session.get(Award, award_id)


def test_one_instalment_is_ordered_once_then_paid_once(app, crowded, make):
    award = make.award(state=AwardState.RUNNING)
    instalment = make.instalment(award, state=T.APPROVED)
    finance, key, today = make.actor("finance"), instalment.id, clock.today()
    db.session.rollback()

    def order():
        disbursement.order(db.session.get(Instalment, key), number="M1", on=today, by=finance)

    def pay():
        disbursement.pay(db.session.get(Instalment, key), on=today, by=finance)

    assert together(crowded, *[order] * CROWD) == 1
    found = fresh(award.id)
    assert (found.ordered, lines(LedgerKind.ORDERED)) == (found.amount, 1)
    assert together(crowded, *[pay] * CROWD) == 1
    found = fresh(award.id)
    assert (found.paid, lines(LedgerKind.PAID)) == (found.amount, 1)


def test_a_receipt_is_reversed_or_kept_by_several_officers_at_once(app, crowded, make):
    award = make.award(state=AwardState.RUNNING)
    make.instalment(award, state=T.PAID)
    claim, finance = make.recovery(award, award.amount), make.actor("finance")
    with unit_of_work():
        recovery.receive(claim, amount=award.amount, on=clock.today(), version=claim.version, by=finance)
    with unit_of_work():
        recovery.propose_reversal(claim, queries.receipts_of(claim.id)[0].id, reason="Erreur.", by=finance)
    officer, key = make.actor("authorising_officer"), claim.id
    db.session.rollback()

    def confirm():
        recovery.confirm_reversal(db.session.get(Receivable, key), by=officer)

    def keep():
        recovery.refuse_reversal(db.session.get(Receivable, key), by=officer)

    assert together(crowded, *[confirm, confirm, keep] * 4) == 1
    found = fresh(award.id)
    assert found.received == (Money(0) if lines(LedgerKind.RECEIPT_REVERSED) else found.amount)


def test_an_order_is_either_paid_or_rejected_by_two_agents_at_once(app, crowded, make):
    award = make.award(state=AwardState.RUNNING)
    instalment = make.instalment(award, state=T.ORDERED)
    finance, officer, key, today = (
        make.actor("finance"),
        make.actor("authorising_officer"),
        instalment.id,
        clock.today(),
    )
    db.session.rollback()

    def pay():
        disbursement.pay(db.session.get(Instalment, key), on=today, by=finance)

    def reject():
        disbursement.reject(db.session.get(Instalment, key), "Compte clos.", by=finance)

    def cancel():
        disbursement.cancel_order(db.session.get(Instalment, key), "Erreur de montant.", by=officer)

    assert together(crowded, *[pay, reject, cancel] * (CROWD // 3)) == 1
    found = fresh(award.id)
    came_back = lines(LedgerKind.ORDER_REJECTED) + lines(LedgerKind.ORDER_CANCELLED)
    assert lines(LedgerKind.PAID) + came_back == 1
    assert found.ordered == (Money(0) if came_back else found.amount)


def test_one_number_is_given_to_one_order(app, crowded, make):
    rows = [make.instalment(make.award(state=AwardState.RUNNING), state=T.APPROVED) for _ in range(4)]
    finance, keys, today = make.actor("finance"), [row.id for row in rows], clock.today()
    db.session.rollback()

    def orderer(key):
        return lambda: disbursement.order(db.session.get(Instalment, key), number="2026-7", on=today, by=finance)

    assert together(crowded, *[_unless_invalid(orderer(key)) for key in keys]) == 1
    assert lines(LedgerKind.ORDERED) == 1


def _unless_invalid(act):
    def run():
        try:
            act()
        except InvalidError as error:
            raise RefusedError(error.message) from error

    return run


def test_different_instalments_are_each_paid_once(app, crowded, make):
    award = make.award(state=AwardState.RUNNING)
    part = Money(award.amount.cents // 8)
    rows = make.schedule(award, *[part] * 7, award.amount - Money(part.cents * 7))
    for row in rows[:7]:
        make.carried(row, T.ORDERED)
    finance, today, keys = make.actor("finance"), clock.today(), [row.id for row in rows[:7]]
    db.session.rollback()

    def payer(key):
        return lambda: disbursement.pay(db.session.get(Instalment, key), on=today, by=finance)

    assert together(crowded, *[payer(keys[place % 7]) for place in range(CROWD)]) == 7
    found = fresh(award.id)
    assert found.paid == found.ordered == Money(part.cents * 7)
    assert lines(LedgerKind.PAID) == 7


def test_nothing_is_ordered_beyond_the_award(app, crowded, make):
    award = make.award(state=AwardState.RUNNING)
    key, part, today, by = award.id, Money(award.amount.cents // 10), clock.today(), make.by
    db.session.rollback()

    def take():
        ledger.move(db.session.get(Award, key), LedgerKind.ORDERED, part, on=today, by=by)

    assert together(crowded, *[take] * CROWD) == 10
    db.session.expire_all()
    found = db.session.get(Award, key)
    assert found.ordered == Money(part.cents * 10) == found.amount
    assert lines(LedgerKind.ORDERED) == 10


def test_one_schedule_stands_when_many_plan_at_once(app, crowded, make):
    award = make.award()
    key, amount, by, version = award.id, award.amount, make.by, award.version
    db.session.rollback()

    def plan():
        steps = [disbursement.PlannedInstalment("Un", disbursement.InstalmentKind.SINGLE, amount)]
        disbursement.plan(db.session.get(Award, key), steps, by=by, version=version)

    assert together(crowded, *[_unless_stale(plan)] * CROWD) == 1
    fresh(key)
    assert db.session.scalar(select(func.count()).select_from(Instalment)) == 1


def _unless_stale(act):
    def run():
        try:
            act()
        except ConflictError as error:
            raise RefusedError(error.message) from error

    return run


def claimed(make) -> Receivable:
    """A sum asked back of an award that was wholly paid."""
    award = make.award(state=AwardState.RUNNING)
    make.instalment(award, state=T.PAID)
    return make.recovery(award, Money.euros(1_000))


def test_a_sum_received_is_recorded_once_by_many_who_read_the_same_page(app, crowded, make):
    claim = claimed(make)
    key, version, award_id = claim.id, claim.version, claim.award_id
    finance, part, today = make.actor("finance"), Money.euros(10), clock.today()
    db.session.rollback()

    def receive():
        found = db.session.get(Receivable, key)
        recovery.receive(found, amount=part, on=today, by=finance, version=version)

    assert together(crowded, *[_unless_stale(receive)] * CROWD) == 1
    assert (fresh(award_id).received, lines(LedgerKind.RECEIVED)) == (part, 1)


def test_a_sum_is_given_up_once_by_many_who_confirm_the_same_proposal(app, crowded, make):
    claim = claimed(make)
    finance, officer, part = make.actor("finance"), make.actor("authorising_officer"), Money.euros(10)
    with unit_of_work():
        recovery.propose_waiver(claim, ground=Ground.REMISSION, amount=part, reason="Délibération 7.", by=finance)
    key, award_id = claim.id, claim.award_id
    db.session.rollback()

    def confirm():
        recovery.confirm_waiver(db.session.get(Receivable, key), by=officer)

    assert together(crowded, *[confirm] * CROWD) == 1
    assert (fresh(award_id).given_up, lines(LedgerKind.GIVEN_UP)) == (part, 1)


def test_an_order_never_goes_to_details_replaced_before_it(app, crowded, make):
    award = make.award(state=AwardState.RUNNING)
    instalment = make.instalment(award, state=T.APPROVED)
    waiting = make.bank_details(award.organisation, state=BankState.CHECKED)
    finance, officer, today = make.actor("finance"), make.actor("authorising_officer"), clock.today()
    key, details = instalment.id, waiting.id
    db.session.rollback()

    def order():
        disbursement.order(db.session.get(Instalment, key), number="M1", on=today, by=finance)

    def confirm():
        agreement.confirm_bank_details(db.session.get(BankDetails, details), by=officer)

    together(crowded, *[order] * (CROWD // 2), *[confirm] * (CROWD // 2))
    fresh(award.id)
    seqs = {entry.event: entry.seq for entry in journal.of(db.session.get(Instalment, key))}
    replaced = db.session.scalar(select(journal.Entry.seq).where(journal.Entry.event == "bank_details.replace"))
    assert replaced is not None
    assert "instalment.order" not in seqs or seqs["instalment.order"] < replaced
