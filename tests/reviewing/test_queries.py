"""The results of a call: what counts, what does not, and at what cost."""

from grants.applications.lifecycle import ApplicationState
from grants.kernel import clock
from grants.kernel.db import db, unit_of_work
from grants.reviewing import actions
from grants.reviewing import queries as reviewing
from grants.reviewing.lifecycle import AssignmentState
from grants.reviewing.models import Interest, InterestNature, Standing

ELIGIBLE = ApplicationState.ELIGIBLE


def test_only_submitted_reviews_without_a_link_count(app, make):
    application = make.application(state=ELIGIBLE)
    make.reviewed(application, 4, 2)
    make.assignment(application)
    make.assignment(application, state=AssignmentState.OPEN)
    make.assignment(application, state=AssignmentState.REMOVED)
    make.assignment(application, state=AssignmentState.RECUSED)
    (found,) = reviewing.results_of(application.call_id).values()
    assert (found.reviews, found.total, found.lowest, found.highest) == (2, 75, 50, 100)
    assert found == reviewing.result_of(application)


def test_a_link_declared_after_submission_sets_the_review_aside(app, make):
    application = make.application(state=ELIGIBLE)
    counted, aside = make.reviewed(application, 2, 4)
    with unit_of_work() as session:
        session.add(
            Interest(
                application_id=application.id,
                account_id=aside.reviewer_id,
                nature=InterestNature.FAMILY,
                declared_at=clock.now(),
            )
        )
    (found,) = reviewing.results_of(application.call_id).values()
    assert (found.reviews, found.total) == (1, 50)
    assert counted.state is AssignmentState.SUBMITTED
    assert reviewing.result_of(application) == found


def test_results_hold_every_eligible_application_of_the_call_and_no_other(app, make):
    call = make.call()
    reviewed = make.application(state=ELIGIBLE, call=call)
    bare = make.application(state=ELIGIBLE, call=call)
    make.application(state=ApplicationState.SUBMITTED, call=call)
    make.reviewed(make.application(state=ELIGIBLE), 1)
    make.reviewed(reviewed, 3, 3, 3)
    results = reviewing.results_of(call.id)
    assert set(results) == {reviewed.id, bare.id}
    assert results[reviewed.id].total == 75
    assert results[reviewed.id].passes
    assert results[bare.id].total is None


def test_the_results_cost_the_same_for_one_and_for_three(app, make, queries):
    call = make.call()
    make.reviewed(make.application(state=ELIGIBLE, call=call))
    one = queries.count(lambda: reviewing.results_of(call.id))
    for _ in range(2):
        make.reviewed(make.application(state=ELIGIBLE, call=call))
    assert queries.count(lambda: reviewing.results_of(call.id)) == one
    assert len(reviewing.results_of(call.id)) == 3


def test_the_grid_of_a_call_carries_its_weights_minima_and_tie_break(app, make):
    grid = reviewing.grid_of(make.call().id)
    assert sum(block.weight for block in grid.blocks) == 100
    assert {b.code: b.tie_rank for b in grid.blocks if b.tie_rank} == {"conjunction": 1, "justice": 2, "innovation": 3}
    assert {b.code: b.minimum_level for b in grid.blocks if b.minimum_level} == {"innovation": 20, "justice": 20}
    assert (len(grid.items), grid.top, grid.threshold, grid.minimum_reviewers) == (15, 4, 60, 3)


def test_the_standing_follows_what_counts_and_a_wrong_one_is_told(app, make):
    application = make.application(state="eligible")
    first, _second = make.reviewed(application, 4, 2)
    assert db.session.get_one(Standing, application.id).score == 7500
    with unit_of_work():
        actions.declare(first, nature=InterestNature.FAMILY, text="", by=make.actor_of(first.reviewer))
    standing = db.session.get_one(Standing, application.id)
    assert (standing.score, standing.reviews) == (5000, 1)
    assert list(reviewing.problems()) == []
    with unit_of_work():
        standing.score = 9900
    assert [problem for problem in reviewing.problems() if str(application.id) in problem]
