"""Lists of awards, payments and accounts: who sees what, in what order, at what cost."""

from datetime import UTC, datetime, timedelta

from grants.applications.lifecycle import ApplicationState
from grants.awards import queries
from grants.awards.actions import disbursement, recovery
from grants.awards.lifecycle import AwardState, BankState, InstalmentState
from grants.awards.models import Ground
from grants.awards.queries import AwardFilters
from grants.awards.rules import NextStep
from grants.kernel import clock
from grants.kernel.db import db, unit_of_work
from grants.kernel.money import Money
from grants.reviewing.models import Interest, InterestNature

ALL = AwardFilters()
T = InstalmentState


def link(actor, application):
    """Declare a link of a person with an application."""
    with unit_of_work() as session:
        session.add(
            Interest(
                application_id=application.id,
                account_id=actor.id,
                nature=InterestNature.FAMILY,
                declared_at=clock.now(),
            )
        )


def awards_of_one_call(make, number, *, linked=None):
    """Awards decided together; `linked` declared a link with the last of them before."""
    call = make.call()
    made = [make.application(state=ApplicationState.ELIGIBLE, call=call) for _each in range(number)]
    if linked is not None:
        link(linked, made[-1])
    make.decided(*made)
    return [make.award(application) for application in made]


def test_lists_cost_the_same_for_one_and_three(app, make, queries):
    from grants.awards import queries as awards

    (first,) = awards_of_one_call(make, 1)
    manager = make.actor("manager")
    make.instalment(first)
    by_member = make.actor_of(make.member_of(first.organisation))

    def cost():
        return [
            alone(lambda: awards.awards(manager, ALL)),
            alone(lambda: awards.award_totals(manager, ALL)),
            alone(lambda: awards.payments(manager, "later")),
            alone(lambda: awards.payment_counts(manager)),
            alone(lambda: awards.bank_inbox(manager, "waiting")),
            alone(lambda: awards.awards_of(by_member)),
        ]

    def alone(ask):
        """Count in a transaction of its own: some queries are asked once in each."""
        db.session.rollback()
        db.session.connection()
        return queries.count(ask)

    one = cost()
    for award in awards_of_one_call(make, 3):
        make.instalment(award)
        make.bank_details(award.organisation, state=BankState.GIVEN)
    assert cost() == one


def test_pages_follow_one_another_both_ways(app, make, monkeypatch):
    monkeypatch.setattr("grants.kernel.paging.PAGE", 2)
    made = awards_of_one_call(make, 5)
    manager = make.actor("manager")
    first = queries.awards(manager, ALL)
    second = queries.awards(manager, ALL, after=first.following)
    third = queries.awards(manager, ALL, after=second.following)
    seen = [line.id for page in (first, second, third) for line in page.rows]
    assert seen == [award.id for award in reversed(made)]
    assert third.following is None
    assert first.previous is None
    back = queries.awards(manager, ALL, before=third.previous)
    assert [line.id for line in back.rows] == [line.id for line in second.rows]
    assert [line.id for line in queries.awards(manager, ALL, after="%%%").rows] == seen[:2]


def test_payments_are_ordered_by_day_and_paged(app, make, monkeypatch):
    monkeypatch.setattr("grants.kernel.paging.PAGE", 1)
    early, late, never = awards_of_one_call(make, 3)
    make.instalment(late, due_on=clock.today() + timedelta(days=9))
    make.instalment(never)
    make.instalment(early, due_on=clock.today())
    manager = make.actor("manager")
    seen, after = [], None
    for _each in range(3):
        page = queries.payments(manager, "later", after=after)
        seen.append(page.rows[0].award_id)
        after = page.following
    assert seen == [early.id, late.id, never.id]
    assert after is None


def test_an_award_under_a_declared_link_is_nowhere(app, make):
    manager = make.actor("manager")
    seen, hidden = awards_of_one_call(make, 2, linked=manager)
    make.instalment(hidden)
    assert [line.id for line in queries.awards(manager, ALL).rows] == [seen.id]
    assert queries.award_totals(manager, ALL).amount == seen.amount
    assert queries.payments(manager, "later").rows == []
    assert queries.payment_counts(manager)["later"] == (0, Money(0))


def test_a_decision_under_a_declared_link_waits_for_somebody_else(app, make):
    application = make.application(state=ApplicationState.ELIGIBLE)
    linked, manager = make.actor("manager"), make.actor("manager")
    link(linked, application)
    make.decided(application)
    assert len(queries.decisions_without_award(manager)) == 1
    assert not queries.decisions_without_award(linked)


def test_unpublished_decisions_wait(app, make):
    application = make.application(state=ApplicationState.ELIGIBLE)
    make.decided(application, published=False)
    assert not queries.decisions_without_award(make.actor("manager"))


def test_a_list_is_narrowed(app, make):
    (voted,) = awards_of_one_call(make, 1)
    (running,) = awards_of_one_call(make, 1)
    make.engaged(running)
    manager = make.actor("manager")

    def found(**wanted):
        page, totals = (
            queries.awards(manager, AwardFilters(**wanted)),
            queries.award_totals(manager, AwardFilters(**wanted)),
        )
        assert totals.number == len(page.rows)
        return [line.id for line in page.rows]

    assert found(state="running") == [running.id]
    assert found(call=voted.application.call.code) == [voted.id]
    assert running.id in found(words=running.organisation.name.lower())  # « Exemple 3 » is also in « Exemple 30 »
    assert found(words=running.organisation.siret) == [running.id]
    assert found(words=voted.application.reference) == [voted.id]
    assert found(words="100% introuvable") == []
    assert found(report="late") == []
    assert set(found(state="inconnu")) == {voted.id, running.id}
    due = queries.report_of(running.id).due_on
    with clock.fixed(clock.now() + (due - clock.today()) + timedelta(days=2)):
        assert found(report="late") == [running.id]


def test_the_next_step_follows_the_award(app, make):
    award = make.award()
    steps = [queries.award_line(award).step]
    make.engaged(award)
    steps.append(queries.award_line(award).step)
    first, last = make.schedule(award, Money.euros(1_000), award.amount - Money.euros(1_000))
    steps.append(queries.award_line(award).step)
    make.bank_details(award.organisation)
    for row, states in ((first, (T.PREPARED, T.APPROVED, T.ORDERED, T.PAID)),):
        steps.append(queries.award_line(award).step)
        for place, _state in enumerate(states):
            walk(make, row, place)
            steps.append(queries.award_line(award).step)
    make.report(award)
    steps.append(queries.award_line(award).step)
    assert steps == [
        NextStep.ENGAGE, NextStep.PLAN, NextStep.BANK_GIVE, NextStep.PREPARE, NextStep.APPROVE, NextStep.ORDER,
        NextStep.PAY, NextStep.REPORT, NextStep.EXAMINE,
    ]  # fmt: skip
    assert last.state is T.PLANNED


def walk(make, row, place):
    """One step along the line of payment."""
    from grants.awards.actions import disbursement

    today = clock.today()
    act = (
        lambda: disbursement.prepare(row, by=make.actor("finance")),
        lambda: disbursement.approve(row, by=make.actor("authorising_officer")),
        lambda: disbursement.order(row, number="M1", on=today, by=make.actor("finance")),
        lambda: disbursement.pay(row, on=today, by=make.actor("finance")),
    )[place]
    with unit_of_work():
        act()


def test_each_instalment_stands_in_one_view(app, make):
    ready, blocked = awards_of_one_call(make, 2)
    make.engaged(ready)
    make.bank_details(ready.organisation)
    make.schedule(ready, Money.euros(1_000), ready.amount - Money.euros(1_000))
    make.instalment(blocked)
    manager = make.actor("manager")
    counts = queries.payment_counts(manager)
    assert {name: number for name, (number, _amount) in counts.items()} == {
        "prepare": 1, "approve": 0, "order": 0, "pay": 0, "later": 2, "paid": 0,
    }  # fmt: skip
    (line,) = queries.payments(manager, "prepare").rows
    assert line.reason is None
    reasons = [str(row.reason) for row in queries.payments(manager, "later").rows]
    assert sorted("engagée" in reason for reason in reasons) == [False, True]


def test_other_awards_of_the_year_are_named_only_to_whoever_may_know_them(app, make):
    organisation = make.organisation()
    both = [make.application(state=ApplicationState.ELIGIBLE, organisation=organisation) for _each in range(2)]
    manager = make.actor("manager")
    link(manager, both[1])
    for one in both:
        make.decided(one)
    first, _second = (make.award(application) for application in both)
    counted = queries.granted_in_year(organisation.id, first.decision.meeting.act_on.year, manager)
    assert sorted((row.title is None) for row in counted) == [False, True]
    assert sum(row.amount.cents for row in counted) == first.amount.cents * 2
    assert queries.award_line(first).state is AwardState.VOTED


# ---- numbers of orders ---------------------------------------------------------------------------------------------


def test_a_number_that_came_back_is_taken_in_the_year_of_its_order_alone(app, make):
    """Numbers begin again each year: one of December that is rejected in January stays free for the new year."""
    december = datetime(clock.today().year, 12, 20, 12, tzinfo=UTC)
    with clock.fixed(december):
        row = make.instalment(make.award(state=AwardState.RUNNING), state=T.ORDERED)
        number = row.order_number
    finance = make.actor("finance")
    with clock.fixed(december + timedelta(days=30)), unit_of_work():
        disbursement.reject(row, "Compte clos.", by=finance)
    assert queries.is_order_known(number, december.year, besides=row)
    assert not queries.is_order_known(number, december.year + 1, besides=row)


def test_the_number_of_a_claim_that_was_cancelled_is_free_for_an_order(app, make):
    row = make.instalment(make.award(state=AwardState.RUNNING), state=T.PAID)
    claim, officer = make.recovery(row.award, Money.euros(100)), make.actor("authorising_officer")
    facts = {"ground": Ground.CANCELLATION, "amount": claim.amount, "reason": "Délibération 7."}
    with unit_of_work():
        recovery.propose_waiver(claim, **facts, by=make.actor("finance"))
        recovery.confirm_waiver(claim, by=officer)
    assert not queries.is_order_known(claim.number, clock.today().year, besides=row)
