"""Several tabs and several managers at the same moment: one draft wins, one assignment is made, the freeze holds."""

from sqlalchemy import select

from grants.applications.lifecycle import ApplicationState
from grants.calls.models import Call, Criterion
from grants.kernel import clock, journal
from grants.kernel.db import db
from grants.kernel.outbox import Letter
from grants.reviewing import actions
from grants.reviewing import queries as reviewing
from grants.reviewing.lifecycle import AssignmentState
from grants.reviewing.models import Assignment, InterestNature, Standing
from grants.reviewing.rules import Draft
from tests.crowd import at_once

S = AssignmentState
ELIGIBLE = ApplicationState.ELIGIBLE


def opened(make):
    """An assignment its reviewer has opened: its id, its criteria, the reviewer."""
    application = make.application(state=ELIGIBLE)
    reviewer = make.account("reviewer")
    assignment = make.assignment(application, reviewer, state=S.OPEN)
    criteria = db.session.scalars(select(Criterion.id).where(Criterion.call_id == application.call_id)).all()
    found = assignment.id, criteria, make.actor_of(reviewer), application.call_id
    db.session.remove()
    return found


def test_of_several_tabs_one_draft_wins_whole(app, make):
    assignment_id, criteria, by, _ = opened(make)

    def save(level):
        draft = Draft(dict.fromkeys(criteria, level), f"Niveau {level}", "")
        actions.record_marks(db.session.get_one(Assignment, assignment_id), draft, version=1, by=by)

    (winner,) = at_once(app, *[lambda level=level: save(level) for level in range(5)])
    assert set(reviewing.marks_of(assignment_id).values()) == {winner}
    assert db.session.get_one(Assignment, assignment_id).committee_comment == f"Niveau {winner}"


def test_sent_and_recused_at_once_the_review_never_counts_with_a_link(app, make):
    assignment_id, criteria, by, _ = opened(make)
    draft = Draft(dict.fromkeys(criteria, 4), "Oui", "Oui")

    def send():
        actions.submit(db.session.get_one(Assignment, assignment_id), draft, version=1, by=by)

    def recuse():
        one = db.session.get_one(Assignment, assignment_id)
        actions.declare(one, nature=InterestNature.FAMILY, text="", by=by)

    passed = at_once(app, send, recuse)
    assignment = db.session.get_one(Assignment, assignment_id)
    if 1 in passed:
        assert assignment.state is S.RECUSED
        assert reviewing.result_of(assignment.application).reviews == 0
    else:
        assert assignment.state is S.SUBMITTED
    assert list(journal.broken_links()) == []


def test_no_mark_is_written_after_the_freeze_however_close(app, make):
    assignment_id, criteria, by, call_id = opened(make)

    def freeze():
        db.session.get_one(Call, call_id).marks_frozen_at = clock.now()

    def save():
        draft = Draft(dict.fromkeys(criteria, 2), "", "")
        actions.record_marks(db.session.get_one(Assignment, assignment_id), draft, version=1, by=by)

    passed = at_once(app, freeze, save)
    assert 0 in passed
    assert bool(reviewing.marks_of(assignment_id)) is (1 in passed)
    db.session.remove()
    assert at_once(app, save) == []


def test_the_same_choice_by_several_managers_makes_each_assignment_once(app, make):
    call = make.call()
    dossiers = [make.application(state=ELIGIBLE, call=call).id for _ in range(2)]
    people = [make.account("reviewer").id for _ in range(2)]
    managers = [make.actor("manager") for _ in range(5)]
    call_id = call.id
    db.session.remove()

    def assign(by):
        actions.assign(db.session.get_one(Call, call_id), dossiers, people, due_on=None, by=by)

    assert at_once(app, *[lambda by=by: assign(by) for by in managers])
    assert len(db.session.scalars(select(Assignment)).all()) == 4
    assert len(db.session.scalars(select(Letter).where(Letter.kind == "reviewing_assigned")).all()) == 2


def test_several_managers_remind_once(app, make):
    call = make.call()
    make.assignment(make.application(state=ELIGIBLE, call=call))
    by, call_id = make.actor("manager"), call.id
    db.session.remove()
    at_once(app, *[lambda: actions.remind(db.session.get_one(Call, call_id), by=by)] * 5)
    assert len(db.session.scalars(select(Letter).where(Letter.kind == "reviewing_reminder")).all()) == 1


def test_reviews_sent_at_once_are_all_in_the_standing(app, make):
    application = make.application(state=ELIGIBLE)
    reviewers = [make.account("reviewer") for _ in range(5)]
    keys = [make.assignment(application, reviewer, state=S.OPEN).id for reviewer in reviewers]
    criteria = db.session.scalars(select(Criterion.id).where(Criterion.call_id == application.call_id)).all()
    people, dossier = [make.actor_of(reviewer) for reviewer in reviewers], application.id
    db.session.remove()

    def send(place):
        draft = Draft(dict.fromkeys(criteria, place), "Pour le comité", "Pour l’association")
        actions.submit(db.session.get_one(Assignment, keys[place]), draft, version=1, by=people[place])

    assert len(at_once(app, *[lambda place=place: send(place) for place in range(5)])) == 5
    standing = db.session.get_one(Standing, dossier)
    assert (standing.score, standing.reviews) == (5000, 5)
    assert list(reviewing.problems()) == []
