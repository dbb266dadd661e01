"""Expected ranks in the service: computed by the worker, kept with what made them, shown to who may know all of it."""

import json
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from grants.applications.lifecycle import ApplicationState
from grants.deliberation import actions, exports, letters, queries
from grants.deliberation.models import Calibration
from grants.kernel import clock, jobs, journal
from grants.kernel.db import db, unit_of_work
from grants.kernel.errors import ForbiddenError
from grants.kernel.money import Money
from grants.methods import ranking
from grants.reviewing.lifecycle import AssignmentState

LEVELS = {"haut": (4, 4, 3), "milieu": (3, 2, 2), "bas": (1, 0, 1), "sans note": ()}


@pytest.fixture
def call(make):
    """Give a closed call whose dossiers were read by the same three people, but one."""
    call, readers = make.call(closes_at=clock.now() - timedelta(days=3)), [make.account("reviewer") for _ in range(3)]
    for title, levels in LEVELS.items():
        application = make.application(state=ApplicationState.ELIGIBLE, call=call, title=title)
        for reader, level in zip(readers, levels, strict=False):
            make.assignment(application, reader, state=AssignmentState.SUBMITTED, level=level)
    return call


@pytest.fixture
def meeting(make, call):
    """Give a meeting that shows expected ranks."""
    meeting = make.meeting(call)
    by = make.actor("manager")
    with unit_of_work():
        actions.edit(meeting, title="Jury", held_on=clock.today(), version=meeting.version, by=by, calibrated=True)
    return meeting


def asked(meeting, by):
    """Ask for the ranks and let the worker compute them."""
    with unit_of_work():
        job = jobs.ask(exports.CALIBRATION, exports.OfMeeting(str(meeting.id)), by=by)
    assert jobs.run_waiting() == 1
    return db.session.get(jobs.Job, job.id, populate_existing=True)


def shown(meeting, who):
    """What a person is shown."""
    return queries.calibration_of(meeting, queries.ranking_of(meeting.call, who), who)


def by_title(meeting, who):
    """The ranks a person is shown, by title."""
    titles = {line.application_id: line.title for line in queries.ranking_of(meeting.call, who).lines}
    return {titles[key]: rank for key, rank in shown(meeting, who).ranks.by_application.items()}


def test_the_worker_computes_the_ranks_and_keeps_what_they_were_made_from(app, make, meeting):
    manager = make.actor("manager")
    assert shown(meeting, manager) is None
    job = asked(meeting, manager)
    assert job.is_done
    found = shown(meeting, manager)
    assert found.is_current
    assert (found.calibration.seed, found.calibration.made_by) == (ranking.SEED, manager.id)
    assert found.calibration.budget == queries.ranking_of(meeting.call, manager).available
    ranks = by_title(meeting, manager)
    assert sorted(ranks, key=lambda title: ranks[title].expected) == ["haut", "milieu", "bas"]
    assert all(rank.low <= rank.expected <= rank.high for rank in ranks.values())
    assert found.ranks.alpha > 0.8
    with jobs.result(job).content as stream:
        said = json.load(stream)
    assert [each["expected_rank"] for each in said] == sorted(rank.expected for rank in ranks.values())
    assert said[0]["proposal"].startswith(meeting.call.code[:3])
    last = journal.of(meeting)[-1]
    assert (last.event, last.facts["seed"]) == ("meeting.calibrated", ranking.SEED)
    assert last.facts["digest"] == found.calibration.digest


def test_the_same_marks_give_the_same_ranks(app, make, meeting):
    manager = make.actor("manager")
    asked(meeting, manager)
    asked(meeting, manager)
    first, again = db.session.scalars(select(Calibration).order_by(Calibration.made_at)).all()
    assert (first.content, first.digest, first.basis) == (again.content, again.digest, again.basis)


def test_a_review_sent_since_and_another_envelope_are_told(app, make, meeting):
    manager = make.actor("manager")
    asked(meeting, manager)
    application = queries.ranking_of(meeting.call, manager).lines[-1].application_id
    make.assignment(db.session.get(type(make.application()), application), state=AssignmentState.SUBMITTED, level=2)
    assert not shown(meeting, manager).is_current
    asked(meeting, manager)
    assert shown(meeting, manager).is_current
    with unit_of_work():
        meeting.call.envelope = meeting.call.envelope + Money.euros(1000)
        journal.record("call.made", meeting.call, by=make.by)
    assert not shown(meeting, manager).is_current


def test_who_is_recused_is_shown_ranks_among_the_other_dossiers_alone(app, make, meeting):
    manager, linked = make.actor("manager"), make.account("manager")
    hidden = queries.ranking_of(meeting.call, manager).lines[0]
    make.assignment(db.session.get_one(actions.Application, hidden.application_id), linked,
                    state=AssignmentState.RECUSED)  # fmt: skip
    who = make.actor_of(linked)
    asked(meeting, manager)
    assert shown(meeting, who) is None
    assert asked(meeting, who).is_done
    ranks = by_title(meeting, who)
    assert "haut" not in ranks
    assert (len(ranks), min(rank.low for rank in ranks.values())) == (2, 1)
    assert max(rank.high for rank in ranks.values()) == 2
    assert str(hidden.application_id) not in shown(meeting, who).calibration.content
    assert len(by_title(meeting, manager)) == 3


def test_a_link_in_another_call_is_not_told_by_the_money_of_a_calculation(app, make, meeting):
    manager, linked = make.actor("manager"), make.account("manager")
    elsewhere = make.application(state=ApplicationState.ELIGIBLE, call=make.call())
    make.assignment(elsewhere, linked, state=AssignmentState.RECUSED)
    asked(meeting, manager)
    assert shown(meeting, manager) is not None
    assert shown(meeting, make.actor_of(linked)) is None


def test_who_still_owes_a_review_is_shown_nothing_and_asks_for_nothing(app, make, meeting):
    owing = make.account("reviewer")
    application = queries.ranking_of(meeting.call, make.actor("manager")).lines[0].application_id
    make.assignment(db.session.get_one(actions.Application, application), owing)
    who = make.actor_of(owing)
    assert "vos évaluations" in str(queries.why_not_calibrated(meeting, queries.ranking_of(meeting.call, who).owed))
    job = asked(meeting, who)
    assert (job.is_done, "vos évaluations" in jobs.reason_of(job)) == (False, True)
    assert not db.session.scalar(select(func.count()).select_from(Calibration))


def test_an_auditor_does_not_ask(app, make, meeting):
    with pytest.raises(ForbiddenError), unit_of_work():
        jobs.ask(exports.CALIBRATION, exports.OfMeeting(str(meeting.id)), by=make.actor("auditor"))


def test_without_a_mark_and_without_the_switch_there_is_a_reason(app, make):
    call = make.call(closes_at=clock.now() - timedelta(days=3))
    make.application(state=ApplicationState.ELIGIBLE, call=call)
    meeting, manager = make.meeting(call), make.actor("manager")
    assert "ne montre pas" in jobs.reason_of(asked(meeting, manager))
    with unit_of_work():
        actions.edit(meeting, title="Jury", held_on=clock.today(), version=meeting.version, by=manager, calibrated=True)
    assert "rien à calculer" in jobs.reason_of(asked(meeting, manager))


def test_a_calculation_cancelled_meanwhile_keeps_nothing(app, make, meeting, monkeypatch):
    manager = make.actor("manager")
    with unit_of_work():
        job = jobs.ask(exports.CALIBRATION, exports.OfMeeting(str(meeting.id)), by=manager)
    job_id, compute = job.id, exports.rank

    def meanwhile(*arguments, **named):
        found = compute(*arguments, **named)
        db.session.rollback()
        with unit_of_work() as session:
            jobs.cancel(session.get_one(jobs.Job, job_id), by=manager)
        return found

    monkeypatch.setattr(exports, "rank", meanwhile)
    jobs.run_waiting()
    assert not db.session.scalar(select(func.count()).select_from(Calibration))


def test_minutes_say_whether_the_committee_was_shown_ranks_and_from_which_seed(app, make, call, meeting):
    def fact():
        return dict(letters.minutes_of(meeting, "fr", make.actor("manager")).facts)["Rang attendu"]

    assert fact() == "montré au comité, sans calcul sur l’ensemble des dossiers"
    asked(meeting, make.actor("manager"))
    assert f"graine {ranking.SEED}" in fact()
    assert "changé" not in fact()
    make.reviewed(db.session.get_one(actions.Application, queries.ranking_of(call, make.actor("manager"))
                                     .lines[-1].application_id), 2)  # fmt: skip
    assert fact().endswith("ont changé depuis")
    with unit_of_work():
        actions.edit(meeting, title="Jury", held_on=clock.today(), version=meeting.version, by=make.actor("manager"))
    assert fact() == "non montré au comité"
