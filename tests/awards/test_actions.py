"""The money of an award: every path leaves the ledger whole, and no path is open to one person alone."""

from datetime import timedelta
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, text, update
from sqlalchemy.exc import DatabaseError

from grants.applications.lifecycle import ApplicationState
from grants.applications.models import Partner, PartnerKind
from grants.awards import letters, queries
from grants.awards.actions import agreement, disbursement, ledger, recovery, reporting
from grants.awards.actions.amending import AmendmentGiven
from grants.awards.actions.disbursement import PlannedInstalment
from grants.awards.lifecycle import AwardState, BankState, InstalmentState, ReceivableState, ReportState
from grants.awards.models import Award, BankDetails, Ground, Instalment, LedgerEntry, LedgerKind
from grants.awards.models.disbursement import InstalmentKind
from grants.awards.models.recovery import GROUND_LABELS
from grants.awards.rules import AgreementNeed, NextStep
from grants.kernel import clock, journal
from grants.kernel.actor import system
from grants.kernel.db import db, unit_of_work
from grants.kernel.errors import ConflictError, ForbiddenError, InvalidError, RefusedError
from grants.kernel.money import Money
from grants.kernel.outbox import Letter
from grants.people import actions as people
from grants.people.models import Role
from tests.factories.awards import iban

S, T, R, B, V = AwardState, InstalmentState, ReportState, BankState, ReceivableState
EUROS = Money.euros
ELIGIBLE = ApplicationState.ELIGIBLE


def sound():
    assert list(queries.problems()) == []


def refused(kind, act, *arguments, **keywords):
    """Run an act in a transaction of its own and give its refusal."""
    with pytest.raises(kind) as caught, unit_of_work():
        act(*arguments, **keywords)
    return caught.value


def letters_of(kind):
    """The letters of a kind, by recipient, the last written last."""
    order = (Letter.recipient, Letter.created_at)
    return db.session.scalars(select(Letter).where(Letter.kind == kind).order_by(*order)).all()


# ---- award and agreement -------------------------------------------------------------------------------------------


def test_opening_writes_the_voted_line_and_tells_the_association(app, make):
    award = make.award()
    (line,) = queries.ledger_of(award.id)
    assert (line.kind, line.amount, line.day) == (LedgerKind.VOTED, award.amount, award.decision.meeting.act_on)
    assert award.eligible_base == award.application.total
    (letter,) = letters_of("awards_opened")
    assert letter.recipient == make.member_of(award.organisation).email
    assert f"/mes-attributions/{award.id}" in letter.body
    sound()


def test_an_award_is_opened_once(app, make):
    award = make.award()
    assert not queries.decisions_without_award(make.actor("manager"))
    with pytest.raises(DatabaseError), unit_of_work():
        agreement.open_awards([award.decision], by=make.by)


def _instrument(amount):
    return "emergence" if amount <= 10_000 else "development" if amount <= 15_000 else "scale_up"


def two_awards(make, first, second):
    """Two awards of the same year to one body, each of its own call."""
    organisation = make.organisation()
    made = [_decided(make, organisation, amount) for amount in (first, second)]
    return [make.award(application) for application in made]


def test_awards_of_the_year_count_together(app, make):
    first, second = two_awards(make, 9_000, 9_500)
    assert queries.agreement_need(first) is AgreementNeed.NOT_DUE
    assert queries.received_in_year(first.organisation_id, first.decision.meeting.act_on.year) == EUROS(18_500)
    third, fourth = two_awards(make, 20_000, 9_000)
    assert queries.agreement_need(fourth) is AgreementNeed.ABOVE_THRESHOLD
    error = refused(RefusedError, agreement.engage, fourth, by=make.by)
    assert "seuil" in error.message
    assert third.state is fourth.state is S.VOTED
    with unit_of_work():
        agreement.engage(second, by=make.by)
    assert second.state is S.RUNNING
    assert queries.report_of(second.id).state is R.EXPECTED
    sound()


def test_exactly_the_threshold_is_a_warning_and_no_more(app, make):
    award, _other = two_awards(make, 13_000, 10_000)
    assert queries.agreement_need(award) is AgreementNeed.AT_THRESHOLD
    with unit_of_work():
        agreement.engage(award, by=make.by)
    assert award.engaged == award.amount
    sound()


def test_an_engaged_award_gets_the_agreement_that_a_later_act_makes_due(app, make):
    organisation = make.organisation()
    award = make.award(_decided(make, organisation, 9_000), state=S.RUNNING)
    instalment = make.instalment(award)
    make.bank_details(organisation)
    assert queries.why_not_prepare(instalment) is None
    make.award(_decided(make, organisation, 20_000))
    error = refused(RefusedError, disbursement.prepare, instalment, by=make.actor("finance"))
    assert "convention" in error.message
    make.agreement(award, signed=True)
    assert award.state is S.RUNNING
    assert award.engaged == award.amount
    with unit_of_work():
        disbursement.prepare(instalment, by=make.actor("finance"))
    sound()


def _decided(make, organisation, amount):
    made = make.application(
        state=ELIGIBLE, call=make.call(), organisation=organisation, requested=EUROS(amount),
        instrument=_instrument(amount),
    )  # fmt: skip
    make.decided(made)
    return made


def test_an_engaged_award_that_needs_no_agreement_gets_none(app, make):
    award = make.award(state=S.RUNNING)
    refused(RefusedError, agreement.prepare_agreement, award, "Article 1 – Objet\nRien.", version=0, by=make.by)


def test_terms_are_filled_and_the_association_is_told(app, make):
    award = make.award(_decided(make, make.organisation(), 30_000))
    make.schedule(award, EUROS(18_000), EUROS(12_000))
    terms = letters.terms_of(award, queries.instalments_of(award.id))
    assert "{" not in terms
    assert "Versement 1 : 18 000 €" in " ".join(terms.split())
    assert "Remboursement" in terms
    assert terms.count(letters.TO_COMPLETE) == 1
    grant = make.award()
    other = letters.terms_of(grant, [])
    assert "Remboursement" not in other
    with unit_of_work():
        made = agreement.prepare_agreement(award, terms, version=0, by=make.by)
    assert made.number.startswith("CONV-")
    assert len(letters_of("awards_agreement")) == 1


def test_a_signed_agreement_never_changes(app, make):
    award = make.award()
    made = make.agreement(award, signed=True)
    assert award.state is S.RUNNING
    refused(RefusedError, agreement.prepare_agreement, award, "Autre texte", version=1, by=make.by)
    refused(RefusedError, agreement.sign_agreement, award, signed_on=clock.today(), file=None, version=1, by=make.by)
    with pytest.raises(DatabaseError), unit_of_work() as session:
        session.execute(text("UPDATE agreement SET terms = 'x'"))
    assert made.terms.startswith("Article 1")
    sound()


@pytest.mark.parametrize("days", [-400, 1])
def test_a_signature_lies_between_the_act_and_today(app, make, days):
    award = make.award(state=S.AGREEMENT)
    error = refused(
        InvalidError,
        agreement.sign_agreement,
        award,
        signed_on=clock.today() + timedelta(days),
        file=None,
        version=1,
        by=make.by,
    )
    assert error.field == "signed_on"
    assert queries.agreement_of(award.id).signed_on is None


def test_two_people_do_not_overwrite_an_agreement(app, make):
    award = make.award(state=S.AGREEMENT)
    first = queries.agreement_of(award.id).version
    with unit_of_work():
        agreement.prepare_agreement(award, "Article 1 – Le mien", by=make.by, version=first)
    error = refused(ConflictError, agreement.prepare_agreement, award, "Le leur", by=make.by, version=first)
    assert error.facts["versions"][0]["theirs"] == "Article 1 – Le mien"


# ---- schedule ------------------------------------------------------------------------------------------------------


def test_a_schedule_says_what_is_missing_or_too_much(app, make):
    award = make.award()
    short = [PlannedInstalment("Un", InstalmentKind.SINGLE, award.amount - EUROS(1))]
    values = {"version": award.version, "by": make.by}
    assert "il manque 1\u00a0€" in refused(InvalidError, disbursement.plan, award, short, **values).message
    long = [PlannedInstalment("Un", InstalmentKind.SINGLE, award.amount + Money(50))]
    assert "0,50\u00a0€ de trop" in refused(InvalidError, disbursement.plan, award, long, **values).message
    nothing = [
        PlannedInstalment("Un", InstalmentKind.SINGLE, award.amount),
        PlannedInstalment("Deux", InstalmentKind.BALANCE, Money(0)),
    ]
    refused(InvalidError, disbursement.plan, award, nothing, **values)
    assert not queries.instalments_of(award.id)


def test_nothing_is_planned_on_top_of_what_is_ordered(app, make):
    award = make.award(state=S.RUNNING)
    make.instalment(award, state=T.ORDERED)
    assert not disbursement.left_to_plan(award)
    more = [PlannedInstalment("Encore", InstalmentKind.SINGLE, EUROS(1))]
    refused(InvalidError, disbursement.plan, award, more, version=award.version, by=make.by)
    sound()


def test_a_schedule_made_on_an_old_page_is_refused(app, make):
    award = make.award()
    version = award.version
    step = [PlannedInstalment("Un", InstalmentKind.SINGLE, award.amount)]
    with unit_of_work():
        disbursement.plan(award, step, by=make.by, version=version)
    refused(ConflictError, disbursement.plan, award, step, by=make.by, version=version)


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_schedule_paid_to_any_point_and_settled_on_any_cost_leaves_the_ledger_whole(app, make, data):
    award = make.award()
    cuts = sorted(data.draw(st.sets(st.integers(1, award.amount.cents - 1), max_size=2)))
    edges = [0, *cuts, award.amount.cents]
    amounts = [Money(high - low) for low, high in pairwise(edges)]
    make.engaged(award)
    make.bank_details(award.organisation)
    rows = make.schedule(award, *amounts)
    sound()
    for row in [r for r in rows if r.kind is not InstalmentKind.BALANCE][: data.draw(st.integers(0, 3))]:
        make.carried(row, T.PAID)
        sound()
    ordered = award.ordered
    envelope = award.application.call.committed
    make.report(award, state=R.ACCEPTED, spent=Fraction(data.draw(st.integers(0, 140)), 100))
    sound()
    assert award.ordered == ordered
    assert envelope - award.application.call.committed == award.released
    for row in queries.open_instalments(award.id):
        make.carried(row, T.PAID)
    sound()
    assert award.paid + award.released == award.amount
    if queries.settlement_of(queries.report_of(award.id)).excess:
        assert "reverser" in refused(RefusedError, reporting.close, award, by=make.by).message
        return
    with unit_of_work():
        reporting.close(award, by=make.by)
    assert award.state is S.CLOSED
    assert not list(journal.broken_links())


# ---- payment orders ------------------------------------------------------------------------------------------------


def test_the_line_of_payment_tells_the_association_at_each_end(app, make):
    award = make.award(state=S.RUNNING)
    instalment = make.instalment(award, state=T.PAID)
    assert [line.kind for line in queries.ledger_of(award.id)] == ["voted", "engaged", "ordered", "paid"]
    assert instalment.order_number in letters_of("awards_ordered")[0].body
    paid = letters_of("awards_paid")[0]
    assert "comptable public" in paid.subject
    assert len({instalment.prepared_by, instalment.approved_by}) == 2
    sound()


def test_whoever_prepared_does_not_approve(app, make):
    award = make.award(state=S.RUNNING)
    instalment = make.instalment(award)
    make.bank_details(award.organisation)
    both = make.actor("finance", "authorising_officer")
    with unit_of_work():
        disbursement.prepare(instalment, by=both)
    refused(ForbiddenError, disbursement.approve, instalment, by=both)
    with pytest.raises(DatabaseError), unit_of_work() as session:
        session.execute(
            update(Instalment)
            .where(Instalment.id == instalment.id)
            .values(state=T.APPROVED, approved_by=both.id, approved_at=clock.now())
        )
    assert db.session.get(Instalment, instalment.id).state is T.PREPARED


def test_an_officer_appointed_by_whoever_prepared_does_not_approve(app, make):
    award = make.award(state=S.RUNNING)
    instalment = make.instalment(award)
    make.bank_details(award.organisation)
    preparer, straw = make.actor("finance", "administrator"), make.account()
    with unit_of_work():
        people.appoint(straw, Role.AUTHORISING_OFFICER, by=preparer)
    with unit_of_work():
        disbursement.prepare(instalment, by=preparer)
    refused(ForbiddenError, disbursement.approve, instalment, by=make.actor_of(straw))
    with unit_of_work():
        disbursement.approve(instalment, by=make.actor("authorising_officer"))


def test_bank_details_that_changed_block_the_approval_and_the_order(app, make):
    award = make.award(state=S.RUNNING)
    instalment = make.instalment(award, state=T.PREPARED)
    make.bank_details(award.organisation)
    assert "ont changé" in refused(RefusedError, disbursement.approve, instalment, by=make.actor()).message
    with unit_of_work():
        disbursement.send_back(instalment, "L’IBAN a changé.", by=make.actor("authorising_officer"))
    make.carried(instalment, T.APPROVED)
    make.bank_details(award.organisation)
    refused(RefusedError, disbursement.order, instalment, number="M1", on=clock.today(), by=make.actor("finance"))
    assert not award.ordered
    sound()


def test_nothing_is_prepared_without_confirmed_details_or_out_of_turn(app, make):
    award = make.award(state=S.RUNNING)
    first, second = make.schedule(award, EUROS(2_000), award.amount - EUROS(2_000))
    finance = make.actor("finance")
    assert "bancaires" in refused(RefusedError, disbursement.prepare, first, by=finance).message
    make.bank_details(award.organisation, state=B.CHECKED)
    refused(RefusedError, disbursement.prepare, first, by=finance)
    make.bank_details(award.organisation)
    assert "précédente" in refused(RefusedError, disbursement.prepare, second, by=finance).message
    make.carried(first, T.PAID)
    assert "bilan" in refused(RefusedError, disbursement.prepare, second, by=finance).message


def test_nothing_is_prepared_before_the_award_is_engaged(app, make):
    award = make.award()
    instalment = make.instalment(award)
    make.bank_details(award.organisation)
    assert "engagée" in refused(RefusedError, disbursement.prepare, instalment, by=make.actor()).message


def test_who_comes_second_learns_who_was_first(app, make):
    award = make.award(state=S.RUNNING)
    instalment = make.instalment(award, state=T.ORDERED)
    error = refused(RefusedError, disbursement.order, instalment, number="M2", on=clock.today(), by=make.actor())
    assert journal.of(instalment)[-1].actor in error.message
    assert award.ordered == award.amount
    sound()


@pytest.mark.parametrize(("act", "field"), [("order", "ordered_on"), ("pay", "paid_on")])
@pytest.mark.parametrize("days", [-40, 1])
def test_days_are_in_order(app, make, act, field, days):
    award = make.award(state=S.RUNNING)
    instalment = make.instalment(award, state=T.APPROVED if act == "order" else T.ORDERED)
    on = clock.today() + timedelta(days)
    facts = {"number": "M1"} if act == "order" else {}
    error = refused(InvalidError, getattr(disbursement, act), instalment, on=on, by=make.actor(), **facts)
    assert error.field == field
    sound()


def test_a_paid_instalment_and_the_ledger_are_beyond_reach(app, make):
    award = make.award(state=S.RUNNING)
    make.instalment(award, state=T.PAID)
    for statement in (
        "UPDATE instalment SET amount_cents = 1",
        "DELETE FROM instalment",
        "UPDATE ledger_entry SET amount_cents = 1",
        "DELETE FROM ledger_allocation",
    ):
        with pytest.raises(DatabaseError), unit_of_work() as session:
            session.execute(text(statement))
    sound()


def test_the_bounds_of_the_ledger_hold_against_a_direct_call(app, make):
    award = make.award(state=S.RUNNING)
    today = clock.today()
    refused(RefusedError, ledger.move, award, LedgerKind.PAID, Money(1), on=today, by=make.by)
    refused(RefusedError, ledger.move, award, LedgerKind.ENGAGED, Money(1), on=today, by=make.by)
    refused(RefusedError, ledger.move, award, LedgerKind.ORDERED, award.amount + Money(1), on=today, by=make.by)
    refused(RefusedError, ledger.move, award, LedgerKind.ORDERED, Money(0), on=today, by=make.by)
    with pytest.raises(DatabaseError), unit_of_work() as session:
        session.execute(update(Award).values(paid=award.amount))
    sound()


# ---- orders that come back -----------------------------------------------------------------------------------------


STOPS = {"reject": LedgerKind.ORDER_REJECTED, "cancel_order": LedgerKind.ORDER_CANCELLED}


@pytest.mark.parametrize("verb", STOPS)
@pytest.mark.parametrize("suspended", [False, True])
def test_an_order_that_comes_back_is_reversed_and_ordered_anew(app, make, verb, suspended):
    award = make.award(state=S.RUNNING)
    row = make.instalment(award, state=T.ORDERED)
    first, finance = row.order_number, make.actor("finance")
    if suspended:
        with unit_of_work():
            disbursement.suspend(row, "Pièce manquante.", by=finance)
        assert "suspendu" in letters_of("awards_order_stopped")[0].body
        refused(RefusedError, disbursement.pay, row, on=clock.today(), by=finance)
        sound()
    with unit_of_work():
        getattr(disbursement, verb)(row, "Le RIB ne correspond pas.", by=finance)
    line = queries.ledger_of(award.id)[-1]
    assert (line.kind, line.amount, line.order_number) == (STOPS[verb], -award.amount, first)
    assert (line.reason, row.returned_note) == ("Le RIB ne correspond pas.",) * 2
    assert (row.state, row.attempt, row.prepared_by, row.order_number) == (T.PLANNED, 2, None, None)
    assert (award.ordered, award.engaged) == (Money(0), award.amount)
    assert "Le RIB ne correspond pas." in letters_of("awards_order_stopped")[-1].body
    sound()
    make.carried(row, T.APPROVED)
    error = refused(InvalidError, disbursement.order, row, number=first, on=clock.today(), by=finance)
    assert error.field == "number"
    with unit_of_work():
        disbursement.order(row, number="M-NEUF", on=clock.today(), by=finance)
    assert award.ordered == award.amount
    with unit_of_work():
        disbursement.pay(row, on=clock.today(), by=finance)
    assert award.paid == award.amount
    assert [line.order_number for line in queries.ledger_of(award.id)[2:]] == [first, first, "M-NEUF", "M-NEUF"]
    sound()


@pytest.mark.parametrize("verb", ["reject", "cancel_order", "suspend", "correct_order"])
@pytest.mark.parametrize("state", [T.PLANNED, T.APPROVED, T.PAID])
def test_only_an_order_that_waits_for_its_payment_is_stopped(app, make, verb, state):
    row = make.instalment(make.award(state=S.RUNNING), state=state)
    facts = {"number": "M9", "on": clock.today()} if verb == "correct_order" else {"note": "Non."}
    refused(RefusedError, getattr(disbursement, verb), row, by=make.actor("finance"), **facts)
    assert db.session.get(Instalment, row.id).state is state
    sound()


def test_an_order_rejected_after_the_report_comes_down_to_what_is_payable(app, make):
    award = make.award(state=S.RUNNING)
    call = award.application.call
    row = make.instalment(award, state=T.ORDERED)
    report = make.report(award, state=R.ACCEPTED, spent=Fraction(1, 2))
    before = call.committed
    with unit_of_work():
        disbursement.reject(row, "Montant supérieur au bilan.", by=make.actor("finance"))
    half = award.amount.percent(50)
    db.session.refresh(call)
    assert (row.amount, award.released, call.committed) == (half, award.amount - half, before - award.released)
    assert not queries.settlement_of(report).excess
    sound()
    make.carried(row, T.PAID)
    with unit_of_work():
        reporting.close(award, by=make.by)
    sound()


def test_a_number_is_corrected_before_the_payment_with_a_trace(app, make):
    award = make.award(state=S.RUNNING)
    row = make.instalment(award, state=T.ORDERED)
    other = make.instalment(make.award(state=S.RUNNING), state=T.ORDERED)
    finance, today, before = make.actor("finance"), clock.today(), row.order_number
    assert refused(InvalidError, disbursement.correct_order, row, number=before, on=today, by=finance).field == "number"
    taken = other.order_number
    assert refused(InvalidError, disbursement.correct_order, row, number=taken, on=today, by=finance).field == "number"
    later = today + timedelta(1)
    assert (
        refused(InvalidError, disbursement.correct_order, row, number="M7", on=later, by=finance).field == "ordered_on"
    )
    with unit_of_work():
        disbursement.correct_order(row, number="M7", on=today, by=finance)
    line = journal.of(row)[-1]
    assert (line.event, line.facts["before"][0], line.facts["after"][0]) == ("instalment.correct_order", before, "M7")
    assert queries.ledger_of(award.id)[-1].order_number == "M7"
    sound()


def test_the_database_refuses_the_same_number_twice_in_a_year(app, make):
    row = make.instalment(make.award(state=S.RUNNING), state=T.ORDERED)
    other = make.instalment(make.award(state=S.RUNNING), state=T.ORDERED)
    with pytest.raises(DatabaseError), unit_of_work() as session:
        session.execute(update(Instalment).where(Instalment.id == row.id).values(order_number=other.order_number))
    assert queries.is_order_known(other.order_number, clock.today().year, besides=row)
    assert not queries.is_order_known(other.order_number, clock.today().year + 1, besides=row)


def test_a_reversal_is_bounded_by_what_is_ordered_and_not_paid(app, make):
    award = make.award(state=S.RUNNING)
    first, second = make.schedule(award, EUROS(2_000), award.amount - EUROS(2_000))
    make.carried(first, T.PAID)
    today = clock.today()
    for kind in STOPS.values():
        refused(RefusedError, ledger.move, award, kind, Money(1), on=today, by=make.by)
        refused(RefusedError, ledger.move, award, kind, Money(0), on=today, by=make.by)
        refused(RefusedError, ledger.move, award, kind, Money(-1), on=today, by=make.by)
    for kind, amount in ((LedgerKind.ORDERED, -1), (LedgerKind.ORDER_REJECTED, 1), (LedgerKind.ORDERED, 0)):
        with pytest.raises(DatabaseError), unit_of_work() as session:
            session.add(LedgerEntry(award_id=award.id, instalment_id=second.id, kind=kind, amount=Money(amount),
                                    day=today, written_at=clock.now()))  # fmt: skip
    sound()


def test_a_send_back_says_why(app, make):
    row = make.instalment(make.award(state=S.RUNNING), state=T.PREPARED)
    officer = make.actor("authorising_officer")
    with unit_of_work():
        disbursement.send_back(row, "Le montant dépasse la convention.", by=officer)
    assert (row.returned_note, row.returned_by) == ("Le montant dépasse la convention.", officer.id)


# ---- conditions and amendments -------------------------------------------------------------------------------------


def test_a_condition_is_attested_with_its_proof_before_anything_is_prepared(app, make):
    award = make.award(state=S.RUNNING)
    (row,) = make.schedule(award, award.amount, condition="Local livré")
    make.bank_details(award.organisation)
    finance, manager, today = make.actor("finance"), make.actor("manager"), clock.today()
    assert "attestée" in refused(RefusedError, disbursement.prepare, row, by=finance).message
    error = refused(InvalidError, disbursement.attest, row, proof="Visite", on=today + timedelta(1), by=manager)
    assert error.field == "attested_on"
    with unit_of_work():
        disbursement.attest(row, proof="Procès-verbal de visite", on=today, by=manager)
    with unit_of_work():
        disbursement.prepare(row, by=finance)
    assert (row.attested_by, row.proof) == (manager.id, "Procès-verbal de visite")
    plain = make.instalment(make.award(state=S.RUNNING))
    refused(RefusedError, disbursement.attest, plain, proof="Rien", on=today, by=manager)


def signed(make):
    """An award whose agreement was signed with its schedule: an advance, then a balance."""
    award = make.award()
    make.schedule(award, EUROS(2_000), award.amount - EUROS(2_000))
    make.agreement(award, signed=True)
    return award


def test_a_signed_schedule_changes_only_by_an_amendment(app, make):
    award = signed(make)
    rows = queries.instalments_of(award.id)
    steps = [PlannedInstalment("Tout de suite", InstalmentKind.SINGLE, award.amount)]
    assert (
        "avenant" in refused(RefusedError, disbursement.plan, award, steps, version=award.version, by=make.by).message
    )
    today = clock.today()
    for day in (today + timedelta(1), today - timedelta(1)):
        given = AmendmentGiven("1", day, "Le projet avance plus vite.")
        assert (
            refused(
                InvalidError, disbursement.plan, award, steps, version=award.version, by=make.by, amendment=given
            ).field
            == "signed_on"
        )
    given = AmendmentGiven("1", today, "Le projet avance plus vite.")
    with unit_of_work():
        (row,) = disbursement.plan(award, steps, version=award.version, by=make.by, amendment=given)
    assert [one.state for one in rows] == [T.CANCELLED, T.CANCELLED]
    (made,) = queries.amendments_of(award.id)
    assert (row.amendment_id, made.reason) == (made.id, given.reason)
    assert (
        refused(InvalidError, disbursement.plan, award, steps, version=award.version, by=make.by, amendment=given).field
        == "number"
    )
    sound()


def engaged(make):
    """An award engaged without an agreement, with its schedule: an advance, then a balance on the report."""
    award = make.award()
    make.schedule(award, EUROS(2_000), award.amount - EUROS(2_000))
    return make.engaged(award)


def test_a_balance_becomes_no_advance_once_the_award_is_engaged_without_agreement(app, make):
    award = engaged(make)
    assert queries.agreement_of(award.id) is None
    steps = [
        PlannedInstalment("Avance", InstalmentKind.ADVANCE, EUROS(2_000)),
        PlannedInstalment("Acompte", InstalmentKind.INTERIM, award.amount - EUROS(2_000)),
    ]
    said = refused(RefusedError, disbursement.plan, award, steps, version=award.version, by=make.by).message
    assert "avenant" in said
    early = AmendmentGiven("1", award.engaged_on - timedelta(1), "Le projet avance plus vite.")
    refused(InvalidError, disbursement.plan, award, steps, version=award.version, by=make.by, amendment=early)
    given = AmendmentGiven("1", clock.today(), "Le projet avance plus vite.")
    with unit_of_work():
        disbursement.plan(award, steps, version=award.version, by=make.by, amendment=given)
    assert [one.state for one in queries.instalments_of(award.id)] == [T.CANCELLED] * 2 + [T.PLANNED] * 2
    sound()


def test_the_first_schedule_of_an_engaged_award_needs_no_amendment(app, make):
    award = make.engaged(make.award())
    steps = [
        PlannedInstalment("Un", InstalmentKind.ADVANCE, EUROS(1_000)),
        PlannedInstalment("Deux", InstalmentKind.BALANCE, award.amount - EUROS(1_000)),
    ]
    with unit_of_work():
        disbursement.plan(award, steps, version=award.version, by=make.by)
    assert not queries.amendments_of(award.id)
    refused(RefusedError, disbursement.plan, award, steps, version=award.version, by=make.by)
    sound()


@pytest.mark.parametrize("bound", [signed, engaged])
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE instalment SET kind = 'interim'",
        "UPDATE instalment SET amount_cents = amount_cents + 1",
        "UPDATE instalment SET due_on = '2030-01-01'",
        "UPDATE instalment SET condition = 'aucune'",
        "DELETE FROM instalment",
        "UPDATE amendment SET reason = 'autre'",
        "DELETE FROM amendment",
    ],
)
def test_the_database_keeps_an_engaged_schedule(app, make, statement, bound):
    award = bound(make)
    make.schedule(award, award.amount)
    with pytest.raises(DatabaseError), unit_of_work() as session:
        session.execute(text(statement))
    with pytest.raises(DatabaseError), unit_of_work() as session:
        session.add(Instalment(award_id=award.id, position=9, label="Ajoutée", kind=InstalmentKind.SINGLE,
                               amount=Money(1)))  # fmt: skip
    sound()


def test_an_engaged_schedule_of_which_nothing_moved_takes_nothing_more_either(app, make):
    award = engaged(make)
    assert {one.state for one in queries.instalments_of(award.id)} == {T.PLANNED}
    with pytest.raises(DatabaseError), unit_of_work() as session:
        session.add(Instalment(award_id=award.id, position=9, label="Ajoutée", kind=InstalmentKind.SINGLE,
                               amount=Money(1)))  # fmt: skip
    sound()


# ---- what is owed back ---------------------------------------------------------------------------------------------


def overpaid(make):
    """An award wholly paid, whose report makes half of it payable; and what was paid in excess."""
    award = make.award(state=S.RUNNING)
    make.instalment(award, state=T.PAID)
    make.report(award, state=R.ACCEPTED, spent=Fraction(1, 2))
    return award, award.amount - award.amount.percent(50)


def test_an_overpaid_award_closes_once_the_excess_is_received(app, make):
    award, excess = overpaid(make)
    finance, today = make.actor("finance"), clock.today()
    assert queries.award_line(award).step is NextStep.RECOVER
    claim = make.recovery(award, excess)
    assert "Le bilan est inférieur." in letters_of("awards_recovery")[0].body
    assert (award.claimed, claim.left) == (excess, excess)
    for amount, day in ((Money(0), today), (excess + Money(1), today), (excess, today + timedelta(1)),
                        (excess, today - timedelta(1))):  # fmt: skip
        refused(InvalidError, recovery.receive, claim, amount=amount, on=day, version=claim.version, by=finance)
    half = Money(excess.cents // 2)
    with unit_of_work():
        recovery.receive(claim, amount=half, on=today, version=claim.version, by=finance)
    assert claim.state is V.DUE
    assert "reverser" in refused(RefusedError, reporting.close, award, by=make.by).message
    stale = claim.version - 1
    refused(ConflictError, recovery.receive, claim, amount=half, on=today, version=stale, by=finance)
    with unit_of_work():
        recovery.receive(claim, amount=excess - half, on=today, version=claim.version, by=finance)
    assert (claim.state, award.received) == (V.SETTLED, excess)
    assert len(letters_of("awards_received")) == 2
    sound()
    assert queries.award_line(award).step is NextStep.CLOSE
    with unit_of_work():
        reporting.close(award, by=make.by)
    sound()


@pytest.mark.parametrize("ground", [Ground.WRITE_OFF, Ground.REMISSION, Ground.KEPT])
def test_a_claim_given_up_lets_the_award_close_and_a_cancelled_one_does_not(app, make, ground):
    award, excess = overpaid(make)
    finance, officer = make.actor("finance"), make.actor("authorising_officer")
    wrong = make.recovery(award, excess)
    propose(wrong, Ground.CANCELLATION, excess, finance, officer)
    assert (award.claimed, wrong.state) == (Money(0), V.SETTLED)
    assert "reverser" in refused(RefusedError, reporting.close, award, by=make.by).message
    sound()
    right = make.recovery(award, excess)
    propose(right, ground, excess, finance, officer)
    line = queries.ledger_of(award.id)[-1]
    assert (line.kind, line.amount, line.ground, line.reason) == (
        LedgerKind.GIVEN_UP, excess, ground, "Délibération 2026-12."
    )  # fmt: skip
    assert str(GROUND_LABELS[ground]) in letters_of("awards_given_up")[-1].body
    with unit_of_work():
        reporting.close(award, by=make.by)
    sound()


@pytest.mark.parametrize("state", [V.PREPARED, V.APPROVED])
def test_an_award_is_not_closed_while_a_recovery_is_under_way(app, make, state):
    award = make.award(state=S.RUNNING)
    make.instalment(award, state=T.PAID)
    make.report(award, state=R.ACCEPTED)
    claim = make.recovery(award, EUROS(100), state=state)
    assert "en préparation" in refused(RefusedError, reporting.close, award, by=make.by).message
    with unit_of_work():
        recovery.refuse(claim, "Sans objet.", by=make.actor("authorising_officer"))
        reporting.close(award, by=make.by)
    sound()


def propose(claim, ground, amount, finance, officer):
    """Propose not to ask for a sum any more, refused to the one who proposes, confirmed by another."""
    with unit_of_work():
        recovery.propose_waiver(claim, ground=ground, amount=amount, reason="Délibération 2026-12.", by=finance)
    refused(ForbiddenError, recovery.confirm_waiver, claim, by=finance)
    refused(RefusedError, recovery.receive, claim, amount=Money(1), on=clock.today(), version=claim.version, by=finance)
    with unit_of_work():
        recovery.confirm_waiver(claim, by=officer)


def test_a_receipt_is_reversed_once_by_two_people_and_owed_again(app, make):
    award, excess = overpaid(make)
    claim, finance, officer = make.recovery(award, excess), make.actor("finance"), make.actor("authorising_officer")
    today = clock.today()
    with unit_of_work():
        recovery.receive(claim, amount=excess, on=today, number="E-1", version=claim.version, by=finance)
    assert claim.state is V.SETTLED
    (wrong,) = queries.receipts_of(claim.id)
    refused(RefusedError, recovery.confirm_reversal, claim, by=officer)
    refused(InvalidError, recovery.propose_reversal, claim, wrong.id + 1, reason="Autre dossier.", by=finance)
    with unit_of_work():
        recovery.propose_reversal(claim, wrong.id, reason="Le comptable n’a rien reçu.", by=finance)
    assert "encaissement" in refused(RefusedError, reporting.close, award, by=make.by).message
    refused(RefusedError, recovery.propose_reversal, claim, wrong.id, reason="Encore.", by=finance)
    refused(ForbiddenError, recovery.confirm_reversal, claim, by=finance)
    assert (claim.received, award.received, claim.state) == (excess, excess, V.SETTLED)
    with unit_of_work():
        recovery.confirm_reversal(claim, by=officer)
    line = queries.ledger_of(award.id)[-1]
    assert (line.kind, line.amount, line.reason) == (
        LedgerKind.RECEIPT_REVERSED, -excess, "Le comptable n’a rien reçu."
    )  # fmt: skip
    assert (claim.state, claim.left, award.received, claim.reversal_line) == (V.DUE, excess, Money(0), None)
    assert "Le comptable n’a rien reçu." in letters_of("awards_receipt_reversed")[0].body
    assert journal.of(claim)[-1].event == "receivable.confirm_reversal"
    assert "reverser" in refused(RefusedError, reporting.close, award, by=make.by).message
    refused(InvalidError, recovery.propose_reversal, claim, wrong.id, reason="Deux fois.", by=finance)
    with pytest.raises(DatabaseError), unit_of_work() as session:
        session.add(LedgerEntry(award_id=award.id, receivable_id=claim.id, kind=LedgerKind.RECEIPT_REVERSED,
                                amount=-excess, reverses_id=wrong.id, day=today, written_at=clock.now()))  # fmt: skip
    sound()
    with unit_of_work():
        recovery.receive(claim, amount=excess, on=today, version=claim.version, by=finance)
    with unit_of_work():
        reporting.close(award, by=make.by)
    sound()


def test_a_receipt_stands_when_the_proposal_is_turned_down_or_the_award_is_closed(app, make):
    award, excess = overpaid(make)
    claim, finance = make.recovery(award, excess), make.actor("finance")
    with unit_of_work():
        recovery.receive(claim, amount=excess, on=clock.today(), version=claim.version, by=finance)
    (receipt,) = queries.receipts_of(claim.id)
    with unit_of_work():
        recovery.propose_reversal(claim, receipt.id, reason="Doute.", by=finance)
    with unit_of_work():
        recovery.refuse_reversal(claim, by=make.actor("authorising_officer"))
    assert (claim.state, claim.reversal_line, claim.reversal_reason) == (V.SETTLED, None, "")
    with unit_of_work():
        reporting.close(award, by=make.by)
    refused(RefusedError, recovery.propose_reversal, claim, receipt.id, reason="Trop tard.", by=finance)
    assert queries.receipts_of(claim.id)[0].stands
    sound()


def test_a_wrong_receipt_of_an_advance_leaves_it_to_be_repaid(app, make):
    award = advance(make, state=S.VOTED)
    make.repayments(award, EUROS(10_000), EUROS(20_000))
    make.engaged(award)
    make.instalment(award, state=T.PAID)
    make.report(award, state=R.ACCEPTED)
    first, second = queries.repayments_of(award.id)
    finance, today = make.actor("finance"), clock.today()
    for row, amount in ((first, EUROS(10_000)), (second, EUROS(1_000)), (second, EUROS(19_000))):
        with unit_of_work():
            recovery.receive(row, amount=amount, on=today, version=row.version, by=finance)
    mistyped = queries.receipts_of(second.id)[0]
    refused(InvalidError, recovery.propose_reversal, first, mistyped.id, reason="Un autre.", by=finance)
    with unit_of_work():
        recovery.propose_reversal(second, mistyped.id, reason="Un chiffre de trop.", by=finance)
    with unit_of_work():
        recovery.confirm_reversal(second, by=make.actor("authorising_officer"))
    assert [(one.amount, one.stands) for one in queries.receipts_of(second.id)] == [
        (EUROS(1_000), False), (EUROS(19_000), True)
    ]  # fmt: skip
    assert (second.state, second.left, award.received) == (V.DUE, EUROS(1_000), EUROS(29_000))
    assert queries.award_line(award).step is NextStep.RECOVER
    assert "1 000 €" in " ".join(refused(RefusedError, reporting.close, award, by=make.by).message.split())
    sound()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE receivable SET state = 'due'",
        "UPDATE receivable SET received_cents = received_cents - 1, given_up_cents = given_up_cents + 1",
        "UPDATE receivable SET state = 'due', received_cents = received_cents - 1",
        "UPDATE receivable SET due_on = '2030-01-01'",
        "UPDATE receivable SET reason = 'autre'",
        "DELETE FROM receivable",
    ],
)
def test_the_database_keeps_what_is_settled_but_for_a_reversal(app, make, statement):
    award, excess = overpaid(make)
    claim, finance = make.recovery(award, excess), make.actor("finance")
    with unit_of_work():
        recovery.receive(claim, amount=excess, on=clock.today(), version=claim.version, by=finance)
    with pytest.raises(DatabaseError), unit_of_work() as session:
        session.execute(text(statement))
    sound()


def test_the_number_of_a_receipt_is_not_that_of_an_order(app, make):
    award, excess = overpaid(make)
    claim, finance, officer = make.recovery(award, excess), make.actor("finance"), make.actor("authorising_officer")
    with unit_of_work():
        recovery.receive(claim, amount=excess, on=clock.today(), number="2026-7", version=claim.version, by=finance)
    with unit_of_work():
        recovery.propose_reversal(claim, queries.receipts_of(claim.id)[0].id, reason="Erreur.", by=finance)
    with unit_of_work():
        recovery.confirm_reversal(claim, by=officer)
    row = make.instalment(make.award(state=S.RUNNING))
    assert not queries.is_order_known("2026-7", clock.today().year, besides=row)


def test_a_recovery_takes_two_people_and_no_more_than_what_was_paid(app, make):
    award, excess = overpaid(make)
    both, later = make.actor("finance", "authorising_officer"), clock.today() + timedelta(30)
    facts = {"due_on": later, "reason": "Trop versé.", "by": both}
    for amount in (Money(0), Money(-1), award.paid + Money(1)):
        assert refused(InvalidError, recovery.prepare_recovery, award, amount=amount, **facts).field == "amount"
    past = {**facts, "due_on": clock.today() - timedelta(1)}
    assert refused(InvalidError, recovery.prepare_recovery, award, amount=excess, **past).field == "due_on"
    with unit_of_work():
        claim = recovery.prepare_recovery(award, amount=excess, **facts)
    refused(InvalidError, recovery.prepare_recovery, award, amount=award.paid - excess + Money(1), **facts)
    refused(ForbiddenError, recovery.approve, claim, by=both)
    with pytest.raises(DatabaseError), unit_of_work() as session:
        session.execute(text("UPDATE receivable SET approved_by = prepared_by"))
    refused(RefusedError, recovery.issue, claim, number="T1", on=clock.today(), by=both)
    assert not award.claimed
    refused(RefusedError, reporting.close, award, by=make.by)
    sound()


def test_a_number_of_recovery_is_given_once_a_year(app, make):
    award, excess = overpaid(make)
    first = make.recovery(award, Money(excess.cents // 2))
    second = make.recovery(award, Money(excess.cents // 4), state=V.APPROVED)
    finance = make.actor("finance")
    error = refused(InvalidError, recovery.issue, second, number=first.number, on=clock.today(), by=finance)
    assert error.field == "number"
    yesterday = clock.today() - timedelta(1)
    assert refused(InvalidError, recovery.issue, second, number="T9", on=yesterday, by=finance).field == "issued_on"
    sound()


def advance(make, *, state=S.RUNNING):
    """A repayable advance of 30,000 euros."""
    return make.award(_decided(make, make.organisation(), 30_000), state=state)


def test_an_advance_is_signed_with_its_repayments_and_closes_once_repaid(app, make):
    award = advance(make, state=S.VOTED)
    thirds = EUROS(30_000).share([1, 1, 1])
    make.repayments(award, *thirds)
    terms = letters.terms_of(award, [])
    assert terms.count(letters.TO_COMPLETE) == 1
    assert " ".join(terms.split()).count("- 10 000 € le ") == 3
    make.engaged(award)
    make.instalment(award, state=T.PAID)
    make.report(award, state=R.ACCEPTED)
    rows, finance = queries.repayments_of(award.id), make.actor("finance")
    assert {row.state for row in rows} == {V.DUE}
    assert "98" not in refused(RefusedError, reporting.close, award, by=make.by).message
    for row in rows[:2]:
        with unit_of_work():
            recovery.receive(row, amount=row.amount, on=clock.today(), version=row.version, by=finance)
    assert "10 000 €" in " ".join(refused(RefusedError, reporting.close, award, by=make.by).message.split())
    refused(InvalidError, recovery.propose_waiver, rows[2], ground=Ground.KEPT, amount=Money(1), reason="x", by=finance)
    propose(rows[2], Ground.REMISSION, rows[2].amount, finance, make.actor("authorising_officer"))
    with unit_of_work():
        reporting.close(award, by=make.by)
    sound()


@pytest.mark.parametrize(
    ("cents", "days"),
    [
        ([2_999_999], [30]),
        ([3_000_001], [30]),
        ([3_000_000, 0], [30, 60]),
        ([3_000_001, -1], [30, 60]),
        ([1_500_000, 1_500_000], [60, 30]),
        ([1_500_000, 1_500_000], [30, 30]),
        ([3_000_000], [-900]),
        ([], []),
    ],
)
def test_repayments_add_up_exactly_and_follow_one_another(app, make, cents, days):
    award = advance(make, state=S.VOTED)
    dues = [
        recovery.Due(Money(amount), clock.today() + timedelta(day)) for amount, day in zip(cents, days, strict=True)
    ]
    assert (
        refused(InvalidError, recovery.plan_repayments, award, dues, version=award.version, by=make.by).field == "dues"
    )
    assert not queries.repayments_of(award.id)


def test_a_signed_repayment_schedule_is_kept(app, make):
    award = advance(make)
    dues = [recovery.Due(EUROS(30_000), clock.today() + timedelta(9))]
    assert (
        "avenant"
        in refused(RefusedError, recovery.plan_repayments, award, dues, version=award.version, by=make.by).message
    )
    grant = make.award()
    refused(RefusedError, recovery.plan_repayments, grant, dues, version=grant.version, by=make.by)
    for statement in (
        "UPDATE receivable SET due_on = '2040-01-01'",
        "UPDATE receivable SET amount_cents = amount_cents + 1",
        "UPDATE receivable SET kind = 'recovery'",
    ):
        with pytest.raises(DatabaseError), unit_of_work() as session:
            session.execute(text(statement))
    claims = {"amount": EUROS(1), "due_on": clock.today(), "reason": "Non.", "by": make.actor("finance")}
    assert "échéancier" in refused(RefusedError, recovery.prepare_recovery, award, **claims).message


def test_an_amendment_changes_what_is_left_to_repay(app, make):
    award = advance(make, state=S.VOTED)
    make.repayments(award, EUROS(10_000), EUROS(10_000), EUROS(10_000))
    make.engaged(award)
    make.instalment(award, state=T.PAID)
    rows, finance, today = queries.repayments_of(award.id), make.actor("finance"), clock.today()
    for row, amount in ((rows[0], EUROS(10_000)), (rows[1], EUROS(4_000))):
        with unit_of_work():
            recovery.receive(row, amount=amount, on=today, version=row.version, by=finance)
    later = [recovery.Due(EUROS(8_000), today + timedelta(900 + 365 * place)) for place in range(2)]
    given = AmendmentGiven("1", today, "Deux ans de plus.")
    values = {"by": make.by, "version": award.version, "amendment": given}
    assert refused(InvalidError, recovery.plan_repayments, award, later[:1], **values).field == "dues"
    early = {**values, "amendment": AmendmentGiven("1", today - timedelta(1), "Trop tôt.")}
    assert refused(InvalidError, recovery.plan_repayments, award, later, **early).field == "signed_on"
    with unit_of_work():
        recovery.propose_reversal(rows[1], queries.receipts_of(rows[1].id)[0].id, reason="Doute.", by=finance)
    refused(RefusedError, recovery.plan_repayments, award, later, **values)
    with unit_of_work():
        recovery.refuse_reversal(rows[1], by=make.actor("authorising_officer"))
    with unit_of_work():
        made = recovery.plan_repayments(award, later, **values)
    assert [(row.state, row.amount) for row in rows] == [
        (V.SETTLED, EUROS(10_000)), (V.SETTLED, EUROS(4_000)), (V.CANCELLED, EUROS(10_000))
    ]  # fmt: skip
    assert {(row.state, row.amendment_id) for row in made} == {(V.DUE, queries.amendments_of(award.id)[-1].id)}
    assert sum((row.left for row in queries.repayments_of(award.id)), Money(0)) == EUROS(16_000)
    sound()


def test_an_advance_without_repayments_is_not_signed(app, make):
    award = advance(make, state=S.VOTED)
    with unit_of_work():
        agreement.prepare_agreement(award, "Article 1 – Objet\nAvance.", version=0, by=make.by)
    made = queries.agreement_of(award.id)
    signature = {"signed_on": clock.today(), "file": None, "version": made.version, "by": make.by}
    assert "remboursement" in refused(RefusedError, agreement.sign_agreement, award, **signature).message
    assert award.state is S.AGREEMENT


def test_a_cheaper_project_lowers_what_is_repaid(app, make):
    award = advance(make, state=S.VOTED)
    make.repayments(award, EUROS(10_000), EUROS(10_000), EUROS(10_000))
    make.engaged(award)
    first, _second = make.schedule(award, EUROS(12_000), EUROS(18_000))
    make.carried(first, T.PAID)
    make.report(award, state=R.ACCEPTED, spent=Fraction(1, 2))
    assert [row.amount for row in queries.repayments_of(award.id)] == [EUROS(10_000), EUROS(5_000)]
    assert award.amount - award.released == EUROS(15_000)
    sound()


def test_sums_due_are_reminded_of_once_each(app, make):
    award = advance(make, state=S.VOTED)
    make.repayments(award, EUROS(30_000), first_in=100)
    make.engaged(award)
    (row,) = queries.repayments_of(award.id)

    def remind(days):
        with clock.fixed(clock.now() + timedelta(100 - days)), unit_of_work():
            return recovery.remind()

    assert [remind(days) for days in (60, 30, 29, 0, -1, -30, -31)] == [0, 1, 0, 1, 0, 1, 0]
    assert "En retard" in letters_of("awards_repayment_expected")[-1].subject
    assert row.state is V.DUE


# ---- bank details --------------------------------------------------------------------------------------------------


def test_an_iban_is_nowhere_in_clear(app, make):
    number = iban(424_242)
    organisation = make.organisation()
    spaced = " ".join(number[i : i + 4] for i in range(0, len(number), 4))
    details = make.bank_details(organisation, number=spaced.lower())
    assert details.iban_last4 == number[-4:]
    account = number[9:25]
    for table in db.metadata.sorted_tables:
        for row in db.session.execute(select(table)):
            written = "".join(str(row).split())
            assert number not in written
            assert account not in written
    with unit_of_work():
        assert agreement.reveal_bank_details(details, "compare", by=make.actor("finance")).replace(" ", "") == number
    line = journal.of(details)[-1]
    assert (line.event, line.facts["reason"]) == ("bank_details.revealed", "compare")
    refused(InvalidError, agreement.reveal_bank_details, details, "par curiosité", by=make.actor("finance"))


def test_everybody_who_could_tell_a_theft_is_warned(app, make):
    owner, colleague, gone = (make.account() for _ in range(3))
    organisation = make.organisation(owner, colleague, gone)
    with unit_of_work():
        organisation.email = "contact@association.example"
    make.bank_details(organisation, owner=gone)
    with unit_of_work():
        people.leave(people.queries.membership(gone.id, organisation.id), by=make.actor_of(gone))
    with unit_of_work() as session:
        session.execute(text("DELETE FROM letter"))
    make.bank_details(organisation, state=B.GIVEN, owner=owner)
    recipients = {letter.recipient for letter in letters_of("awards_bank_given")}
    assert recipients == {
        owner.email, colleague.email, gone.email, organisation.email, organisation.representative_email
    }  # fmt: skip


def test_new_details_wait_while_the_old_ones_stay_in_use(app, make):
    organisation = make.organisation()
    old = make.bank_details(organisation)
    new = make.bank_details(organisation, state=B.CHECKED)
    assert queries.confirmed_bank_details(organisation.id).id == old.id
    with unit_of_work():
        agreement.confirm_bank_details(new, by=make.actor("authorising_officer"))
    assert queries.confirmed_bank_details(organisation.id).id == new.id
    assert old.state is B.REPLACED
    assert [letter.kind for letter in letters_of("awards_bank_settled")]


def test_confirmation_takes_two_people_who_did_not_give_them(app, make):
    giver = make.account("finance", "authorising_officer")
    organisation = make.organisation(giver)
    details = make.bank_details(organisation, state=B.GIVEN)
    by_giver = make.actor_of(giver)
    refused(ForbiddenError, agreement.check_bank_details, details, by=by_giver)
    first = make.actor("finance")
    with unit_of_work():
        agreement.check_bank_details(details, by=first)
    refused(ForbiddenError, agreement.confirm_bank_details, details, by=first)
    refused(ForbiddenError, agreement.confirm_bank_details, details, by=by_giver)
    for column in ("first_by", "given_by"):
        with pytest.raises(DatabaseError), unit_of_work() as session:
            session.execute(
                update(BankDetails).values(state=B.CONFIRMED, second_by=getattr(BankDetails, column)),
                execution_options={"synchronize_session": False},
            )
    assert db.session.get(BankDetails, details.id).state is B.CHECKED


def test_one_account_is_confirmed_per_organisation(app, make):
    organisation = make.organisation()
    make.bank_details(organisation)
    other = make.bank_details(organisation, state=B.CHECKED)
    officer = make.actor("authorising_officer")
    with pytest.raises(DatabaseError), unit_of_work() as session:
        session.execute(
            update(BankDetails).where(BankDetails.id == other.id).values(state=B.CONFIRMED, second_by=officer.id)
        )


def test_the_account_in_use_is_not_given_again(app, make):
    organisation, number = make.organisation(), iban(7)
    make.bank_details(organisation, number=number)
    giver = make.actor_of(make.member_of(organisation))
    error = refused(InvalidError, agreement.give_bank_details, organisation, iban=number, bic="",
                    holder=organisation.name, by=giver)  # fmt: skip
    assert error.field == "iban"
    make.bank_details(make.organisation(), number=number, state=B.GIVEN)
    other = db.session.scalars(select(BankDetails).where(BankDetails.organisation_id != organisation.id)).one()
    assert queries.others_with(other) == [organisation.name]


def test_refused_details_say_why(app, make):
    details = make.bank_details(make.organisation(), state=B.REFUSED)
    assert details.note in letters_of("awards_bank_settled")[0].body


# ---- report --------------------------------------------------------------------------------------------------------


def test_a_report_is_half_filled_from_the_application(app, make):
    award = make.award(state=S.RUNNING)
    report = queries.report_of(award.id)
    application = award.application
    assert [line.planned for line in report.lines] == [line.amount for line in application.budget_lines]
    assert [(row.label, row.target) for row in report.indicators] == [
        (row.label, row.target) for row in application.indicators
    ]
    assert report.due_on == clock.add_months(application.ends_on.replace(month=12, day=31), 6)


def test_a_report_is_kept_incomplete_and_sent_complete(app, make):
    award = make.award(state=S.RUNNING)
    report = queries.report_of(award.id)
    writer = make.actor_of(make.member_of(award.organisation))
    values = make.report_values(report)
    missing = {
        "narrative": {"narrative": "  "},
        "people_reached": {"people_reached": None},
        "lines": {"lines": dict.fromkeys(values["lines"])},
        "indicators": {"indicators": dict.fromkeys(values["indicators"])},
    }
    for field, change in missing.items():
        with unit_of_work():
            reporting.save(report, **{**values, **change}, version=report.version, by=writer)
        assert refused(InvalidError, reporting.submit, report, by=writer).field == field
    line = next(line for line in report.lines if line.side == "charge")
    with unit_of_work():
        reporting.save(
            report, **{**values, "lines": values["lines"] | {line.id: EUROS(1)}}, version=report.version, by=writer
        )
    assert "égal" in refused(InvalidError, reporting.submit, report, by=writer).message
    assert report.state is R.EXPECTED


def test_a_gap_must_be_explained(app, make):
    award = make.award(state=S.RUNNING)
    report = queries.report_of(award.id)
    writer = make.actor_of(make.member_of(award.organisation))
    with unit_of_work():
        reporting.save(
            report, **{**make.report_values(report, Fraction(1, 2)), "gaps": ""}, version=report.version, by=writer
        )
    assert refused(InvalidError, reporting.submit, report, by=writer).field == "gaps"
    assert len(queries.lines_to_explain(report)) == len(report.lines)


def test_a_colleague_who_wrote_meanwhile_is_not_overwritten(app, make):
    award = make.award(state=S.RUNNING)
    report = queries.report_of(award.id)
    writer = make.actor_of(make.member_of(award.organisation))
    version, values = report.version, make.report_values(report)
    with unit_of_work():
        reporting.save(report, **{**values, "narrative": ""}, by=writer, version=version)
    refused(ConflictError, reporting.save, report, **values, by=writer, version=version)


def test_a_returned_report_is_corrected_and_sent_again(app, make):
    award = make.award(state=S.RUNNING)
    report = make.report(award, state=R.RETURNED)
    assert report.decision_note in letters_of("awards_report_returned")[0].body
    make.report(award, state=R.ACCEPTED)
    assert letters_of("awards_report_accepted")
    sound()


def test_a_cheaper_project_gives_money_back_to_the_envelope(app, make):
    award = make.award(state=S.RUNNING)
    call = award.application.call
    before = call.committed, call.fund.committed
    make.schedule(award, EUROS(4_000), award.amount - EUROS(4_000))
    make.carried(queries.instalments_of(award.id)[0], T.PAID)
    make.report(award, state=R.ACCEPTED, spent=Fraction(3, 4))
    db.session.refresh(call)
    assert award.released == award.amount - award.amount.percent(75)
    assert (call.committed, call.fund.committed) == tuple(each - award.released for each in before)
    sound()


def test_an_award_wholly_paid_on_a_cheap_project_is_told_as_an_excess(app, make):
    award = make.award(state=S.RUNNING)
    make.instalment(award, state=T.PAID)
    report = make.report(award, state=R.ACCEPTED, spent=Fraction(1, 2))
    assert not award.released
    assert queries.settlement_of(report).excess == award.amount - award.amount.percent(50)
    assert "de plus que ce que permettent" in letters_of("awards_report_accepted")[0].body
    sound()


@pytest.mark.parametrize("spent", [Fraction(1, 2), Fraction(99, 100)])
def test_an_award_paid_too_much_does_not_close(app, make, spent):
    award = make.award(state=S.RUNNING)
    make.instalment(award, state=T.PAID)
    make.report(award, state=R.ACCEPTED, spent=spent)
    error = refused(RefusedError, reporting.close, award, by=make.by)
    assert "reverser" in error.message
    assert award.state is S.RUNNING
    sound()


def test_an_advance_does_not_close_before_it_is_repaid(app, make):
    award = make.award(_decided(make, make.organisation(), 30_000), state=S.RUNNING)
    make.instalment(award, state=T.PAID)
    make.report(award, state=R.ACCEPTED)
    assert "à rembourser" in refused(RefusedError, reporting.close, award, by=make.by).message
    sound()


def test_the_agreement_forbids_to_pass_money_on_to_those_who_bring_some(app, make):
    application = make.application(state=ELIGIBLE)
    with unit_of_work():
        application.partners = [
            Partner(position=0, name="Ville de Saint-Priest", kind=PartnerKind.PUBLIC, amount=EUROS(30_000))
        ]
    make.decided(application)
    terms = letters.terms_of(make.award(application), [])
    assert "Saint-Priest" not in terms
    assert "ne reverse aucune part de l’aide à un autre organisme." in terms


def test_no_order_is_dated_before_the_planned_day(app, make):
    row = make.instalment(make.award(state=S.RUNNING), state=T.APPROVED, due_on=clock.today() + timedelta(3))
    error = refused(InvalidError, disbursement.order, row, number="M1", on=clock.today(), by=make.actor("finance"))
    assert (error.field, "prévue le" in error.message) == ("ordered_on", True)
    sound()


def test_conditions_hold_when_the_order_is_recorded(app, make):
    organisation, finance = make.organisation(), make.actor("finance")
    award = make.award(_decided(make, organisation, 9_000), state=S.RUNNING)
    row = make.instalment(award, state=T.APPROVED)
    make.award(_decided(make, organisation, 20_000))
    error = refused(RefusedError, disbursement.order, row, number="M1", on=clock.today(), by=finance)
    assert "convention" in error.message
    assert not award.ordered
    make.agreement(award, signed=True)
    with unit_of_work():
        disbursement.order(row, number="M1", on=clock.today(), by=finance)
    sound()


def test_an_order_under_way_holds_the_settlement_back(app, make):
    award = make.award(state=S.RUNNING)
    make.instalment(award, state=T.PREPARED)
    report = make.report(award, spent=Fraction(1, 2))
    assert "préparation" in refused(RefusedError, reporting.accept, report, by=make.actor("manager")).message
    assert db.session.get(type(report), report.id).state is R.SUBMITTED
    sound()


def test_an_accepted_report_is_beyond_reach(app, make):
    make.report(make.award(state=S.RUNNING), state=R.ACCEPTED)
    for statement in ("UPDATE report SET narrative = 'x'", "UPDATE report_line SET actual_cents = 1"):
        with pytest.raises(DatabaseError), unit_of_work() as session:
            session.execute(text(statement))


def test_an_award_closes_when_nothing_is_left(app, make):
    award = make.award(state=S.RUNNING)
    assert "bilan" in refused(RefusedError, reporting.close, award, by=make.by).message
    instalment = make.instalment(award)
    make.report(award, state=R.ACCEPTED)
    assert "échéance" in refused(RefusedError, reporting.close, award, by=make.by).message
    make.carried(instalment, T.ORDERED)
    refused(RefusedError, reporting.close, award, by=make.by)
    with unit_of_work():
        disbursement.pay(instalment, on=clock.today(), by=make.actor("finance"))
    with unit_of_work():
        reporting.close(award, by=make.by)
    assert award.closed_on == clock.today()
    with pytest.raises(DatabaseError), unit_of_work() as session:
        session.execute(text("UPDATE award SET amount_cents = amount_cents + 1"))
    sound()


def test_reminders_are_written_once_each(app, make):
    award = make.award(state=S.RUNNING)
    report = queries.report_of(award.id)

    def remind(days):
        at = clock.now() + (report.due_on - clock.today()) - timedelta(days=days)
        with clock.fixed(at), unit_of_work():
            return reporting.remind()

    assert [remind(days) for days in (90, 60, 59, 30, 12, 0, -5)] == [0, 1, 0, 1, 0, 1, 0]
    assert len(letters_of("awards_report_expected")) == 3


def test_a_broken_ledger_is_told(app, make):
    award = make.award(state=S.RUNNING)
    make.instalment(award, state=T.ORDERED)
    with unit_of_work() as session:
        session.execute(update(Award).values(ordered=Award.ordered - Money(1)))
    assert any("ordered differs" in each for each in queries.problems())
    with unit_of_work() as session:
        session.add(
            LedgerEntry(award_id=award.id, kind=LedgerKind.VOTED, amount=Money(1), day=clock.today(),
                        written_at=clock.now())
        )  # fmt: skip
    problems = list(queries.problems())
    assert any("voted differs" in each for each in problems)
    assert any("not split" in each for each in problems)


def test_every_line_is_split_by_the_weights_of_the_application(app, make):
    award = make.award(state=S.RUNNING)
    by_axis = db.session.execute(
        text("SELECT SUM(amount_cents), key_id FROM ledger_allocation WHERE dimension = 'axis' GROUP BY key_id")
    ).all()
    engaged_and_voted = award.amount.cents * 2
    assert sorted(row[0] for row in by_axis) == [engaged_and_voted * 40 // 100, engaged_and_voted * 60 // 100]


def test_the_house_may_act_by_name(app, make):
    award = make.award()
    with unit_of_work():
        agreement.engage(award, by=system("demonstration"))
    assert journal.of(award)[-1].actor == "demonstration"
