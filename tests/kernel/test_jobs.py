"""Background jobs: done once, with the rights of now, told as they go on, begun again when their worker dies."""

import threading
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import pytest
from flask import current_app
from sqlalchemy import select, update

from grants.applications.lifecycle import ApplicationState
from grants.kernel import clock, files, jobs, journal
from grants.kernel.db import db, unit_of_work
from grants.kernel.errors import ForbiddenError, MissingError, RefusedError, ThrottledError
from grants.kernel.jobs import Job, JobState
from grants.kernel.words import _l, force_locale
from grants.people import actions
from grants.people.models import Account, Appointment
from grants.permissions import P
from grants.reviewing.actions import tell_link
from grants.reviewing.models import InterestNature

NOON = datetime(2019, 2, 14, 11, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Numbers:
    """How far to count."""

    upto: int
    since: date | None = None
    trouble: str = ""


DURING = []  # what happens while the test's job is made, once per row


def count(work):
    work.total = work.arguments.upto
    for number in work.counted(range(1, work.arguments.upto + 1)):
        work.file.write(f"{number}\n".encode())
        for act in DURING:
            act(number)
        if work.arguments.trouble == "words":
            raise jobs.FailedError(_l("Ce compte est fermé."))
        if work.arguments.trouble == "refused":
            raise RefusedError("Non.")
        if work.arguments.trouble == "mistake":
            raise ZeroDivisionError
    return "nombres.txt"


COUNTING = jobs.register(jobs.JobKind("tests.count", "Nombres", P.EXPORT_MAKE, Numbers, count))


@pytest.fixture(autouse=True)
def _at_each_row(monkeypatch):
    monkeypatch.setattr(jobs, "PULSE", 0.0)
    yield
    DURING.clear()


@pytest.fixture
def person(make):
    return make.account("finance")


def asked(make, person, upto=3, **more):
    with unit_of_work():
        return jobs.ask(COUNTING, Numbers(upto, **more), by=make.actor_of(person))


def fresh(job):
    db.session.rollback()
    return db.session.get(Job, job.id, populate_existing=True)


def elsewhere(act):
    """Do something in another thread, as another process would."""

    app = current_app._get_current_object()

    def run():
        with app.app_context():
            act()
            db.session.remove()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()


def made(job):
    with jobs.result(job).content as stream:
        return stream.read()


def events(job):
    return [entry.event for entry in journal.of(job)]


def test_a_job_is_done_told_and_kept_with_its_result(app, make, person):
    seen = []
    DURING.append(lambda number: elsewhere(lambda: seen.append((number, *_progress()))))
    job = asked(make, person, since=date(2019, 2, 14))
    assert (job.state, job.total) == (JobState.WAITING, None)
    assert jobs.run_waiting() == 1
    assert jobs.run_waiting() == 0
    job = fresh(job)
    assert seen == [(1, JobState.RUNNING, 0, 3), (2, JobState.RUNNING, 1, 3), (3, JobState.RUNNING, 2, 3)]
    assert (job.state, job.done, job.total, job.size, job.lease) == (JobState.DONE, 3, 3, 6, None)
    assert job.name == "nombres.txt"
    assert made(job) == b"1\n2\n3\n"
    assert events(job) == ["job.asked", "job.done"]
    assert journal.of(job)[-1].facts == {"kind": "tests.count", "size": 6, "sha256": job.sha256}
    assert list(journal.broken_links()) == []


def _progress():
    row = db.session.execute(select(Job.state, Job.done, Job.total)).one()
    return row.state, row.done, row.total


def test_arguments_come_back_with_their_types(app, make, person):
    seen = []
    kind = jobs.JobKind("tests.types", "Types", P.EXPORT_MAKE, Numbers, lambda work: seen.append(work.arguments) or "a")
    with unit_of_work():
        jobs.ask(jobs.register(kind), Numbers(1, date(2019, 2, 14), "é"), by=make.actor_of(person))
    jobs.run_waiting()
    assert seen == [Numbers(1, date(2019, 2, 14), "é")]


def test_what_a_kind_does_only_reads(app, make, person):
    def write(_number):
        db.session.add(Job())
        db.session.flush()

    DURING.append(write)
    job = asked(make, person)
    jobs.run_waiting()
    assert fresh(job).state is JobState.WAITING  # an unforeseen error, to be tried again
    assert db.session.scalar(select(db.func.count()).select_from(Job)) == 1


def test_one_that_waits_is_cancelled_and_never_begun(app, make, person):
    job = asked(make, person)
    with unit_of_work():
        jobs.cancel(job, by=make.actor_of(person))
    assert jobs.run_waiting() == 0
    assert fresh(job).state is JobState.CANCELLED
    assert events(job) == ["job.asked", "job.cancelled"]


def test_one_that_runs_is_given_up_at_its_next_row(app, make, person):
    job, rows, by = asked(make, person, upto=50), [], make.actor_of(person)
    job_id = job.id

    def cancel():
        with unit_of_work() as session:
            jobs.cancel(session.get_one(Job, job_id), by=by)

    DURING.append(rows.append)
    DURING.append(lambda number: elsewhere(cancel) if number == 2 else None)
    jobs.run_waiting()
    assert rows == [1, 2]
    job = fresh(job)
    assert (job.state, job.place) == (JobState.CANCELLED, None)
    assert list(files.store().list(jobs.GROUP)) == []


def test_what_is_over_is_not_cancelled(app, make, person):
    job = asked(make, person)
    jobs.run_waiting()
    with pytest.raises(RefusedError, match="déjà terminée"), unit_of_work():
        jobs.cancel(fresh(job), by=make.actor_of(person))


def test_a_result_that_comes_after_the_cancelling_is_thrown_away(app, make, person, monkeypatch):
    job = asked(make, person)
    put = files.FolderStore.put

    def put_then_cancel(self, key, content):
        put(self, key, content)
        with unit_of_work() as session:
            jobs.cancel(session.get_one(Job, job.id), by=make.actor_of(person))

    monkeypatch.setattr(files.FolderStore, "put", put_then_cancel)
    jobs.run_waiting()
    assert fresh(job).state is JobState.CANCELLED
    assert list(files.store().list(jobs.GROUP)) == []


def test_two_workers_never_do_one_job_twice(app, make, person):
    asked(make, person)
    taken = []

    def work():
        with app.app_context():
            taken.append(jobs.run_waiting())
            db.session.remove()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == [0, 1]


class KilledError(BaseException):
    """What ends a worker in the middle of a job without a word in the database, as SIGKILL does."""


def test_a_job_whose_worker_was_killed_is_begun_again_after_its_lease(app, make, person):
    def killed(_number):
        raise KilledError

    job = asked(make, person)
    DURING.append(killed)
    with pytest.raises(KilledError):
        jobs.run_waiting()
    DURING.clear()
    assert fresh(job).state is JobState.RUNNING
    assert jobs.run_waiting() == 0  # it is still leased
    with clock.fixed(clock.now() + jobs.LEASE + timedelta(seconds=1)):
        assert jobs.run_waiting() == 1
    job = fresh(job)
    assert (job.state, job.attempts, made(job)) == (JobState.DONE, 2, b"1\n2\n3\n")


def test_a_worker_that_comes_back_late_changes_nothing(app, make, person):
    job, begun = asked(make, person), []

    def overtaken(_number):
        begun.append(True)
        if len(begun) > 1:
            return
        with unit_of_work() as session:  # what another worker writes when it takes a lapsed lease
            session.execute(update(Job).where(Job.id == job_id).values(lease=job_id))

    job_id = job.id
    DURING.append(lambda number: elsewhere(lambda: overtaken(number)))
    jobs.run_waiting()
    job = fresh(job)
    assert (len(begun), job.state, job.lease) == (1, JobState.RUNNING, job_id)


def test_a_job_that_kills_its_workers_ends_and_says_so(app, make, person):
    job = asked(make, person)
    with unit_of_work() as session:
        session.execute(update(Job).values(attempts=jobs.MAX_ATTEMPTS))
    jobs.run_waiting()
    job = fresh(job)
    assert (job.state, jobs.reason_of(job)) == (JobState.FAILED, str(jobs.INTERRUPTED))


def test_a_worker_told_to_stop_gives_the_job_back(app, make, person):
    job, progress = asked(make, person), []
    DURING.append(progress.append)
    jobs.run_waiting(lambda: len(progress) > 1)
    job = fresh(job)
    assert (job.state, job.attempts, job.lease, len(progress)) == (JobState.WAITING, 0, None, 2)
    DURING.clear()
    assert jobs.run_waiting() == 1
    assert fresh(job).state is JobState.DONE


def test_a_failure_is_told_in_the_language_of_its_reader_and_can_be_tried_again(app, make, person):
    job = asked(make, person, trouble="words")
    assert jobs.run_waiting() == 1
    assert jobs.run_waiting() == 0
    job = fresh(job)
    assert (job.state, jobs.reason_of(job)) == (JobState.FAILED, "Ce compte est fermé.")
    with force_locale("en"):
        assert jobs.reason_of(job) == "This account is closed."
    with unit_of_work() as session:
        session.execute(update(Job).values(arguments='{"upto": 2}'))
        jobs.retry(session.get_one(Job, job.id), by=make.actor_of(person))
    jobs.run_waiting()
    assert (fresh(job).state, fresh(job).error) == (JobState.DONE, None)
    assert events(job) == ["job.asked", "job.failed", "job.retried", "job.done"]


def test_a_refusal_is_told_as_it_was_said(app, make, person):
    job = asked(make, person, trouble="refused")
    jobs.run_waiting()
    assert jobs.reason_of(fresh(job)) == "Non."


def test_an_unforeseen_error_is_tried_again_later_then_told(app, make, person):
    with clock.fixed(NOON):
        job = asked(make, person, trouble="mistake")
        assert jobs.run_waiting() == 1
        assert jobs.run_waiting() == 0  # not at once
    for hour in range(1, jobs.MAX_ATTEMPTS + 2):
        with clock.fixed(NOON + timedelta(minutes=10 * hour)):
            jobs.run_waiting()
    job = fresh(job)
    assert (job.state, job.attempts, jobs.reason_of(job)) == (JobState.FAILED, jobs.MAX_ATTEMPTS, str(jobs.BROKEN))


def test_a_kind_that_is_no_more_is_told(app, make, person):
    job = asked(make, person)
    with unit_of_work() as session:
        session.execute(update(Job).values(kind="tests.gone"))
    jobs.run_waiting()
    assert jobs.reason_of(fresh(job)) == str(jobs.UNKNOWN)
    assert fresh(job).label == "tests.gone"
    assert jobs.why_not_given(make.actor_of(person), fresh(job)) == jobs.UNKNOWN
    with pytest.raises(RefusedError), unit_of_work():
        jobs.retry(fresh(job), by=make.actor_of(person))


def test_arguments_that_the_kind_takes_no_more_are_told(app, make, person):
    job = asked(make, person)
    with unit_of_work() as session:
        session.execute(update(Job).values(arguments='{"until": 3}'))
    jobs.run_waiting()
    assert (fresh(job).state, jobs.reason_of(fresh(job))) == (JobState.FAILED, str(jobs.UNKNOWN))


def test_a_job_is_for_those_who_may(app, make):
    with pytest.raises(ForbiddenError), unit_of_work():
        jobs.ask(COUNTING, Numbers(1), by=make.actor_of(make.account("reviewer")))


def test_an_office_lost_before_the_job_runs_ends_it(app, make, person):
    job = asked(make, person)
    loses_office(make, person)
    jobs.run_waiting()
    job = fresh(job)
    assert (job.state, job.place) == (JobState.FAILED, None)
    assert "pas ouverte à votre compte" in jobs.reason_of(job)
    with pytest.raises(ForbiddenError), unit_of_work():
        jobs.retry(job, by=make.actor_of(person))


def loses_office(make, person):
    with unit_of_work() as session:
        for appointment in session.scalars(select(Appointment).where(Appointment.account_id == person.id)):
            actions.end_appointment(appointment, by=make.actor("administrator"))
    db.session.rollback()


def test_a_closed_account_has_nothing_made(app, make, person):
    job = asked(make, person)
    with unit_of_work() as session:
        session.execute(update(Account).where(Account.id == person.id).values(active=False))
    jobs.run_waiting()
    assert jobs.reason_of(fresh(job)) == str(jobs.ACCOUNT_CLOSED)


def test_an_office_lost_after_the_job_ran_keeps_the_result_from_them(app, make, person):
    job = asked(make, person)
    jobs.run_waiting()
    assert jobs.why_not_given(make.actor_of(person), fresh(job)) is None
    loses_office(make, person)
    assert jobs.why_not_given(make.actor_of(person), fresh(job)) is not None


def test_a_link_declared_after_the_job_ran_keeps_the_result_from_them(app, make, person):
    application = make.application(state=ApplicationState.SUBMITTED)
    job = asked(make, person)
    jobs.run_waiting()
    with unit_of_work():
        tell_link(application.reference, InterestNature.OTHER, "Voisine.", by=make.actor_of(person))
    assert jobs.why_not_given(make.actor_of(person), fresh(job)) == jobs.CHANGED


def test_a_person_has_few_jobs_under_way_however_they_ask(app, make, person):
    by, refusals = make.actor_of(person), []
    db.session.rollback()

    def ask():
        with app.app_context():
            try:
                with unit_of_work():
                    jobs.ask(COUNTING, Numbers(1), by=by)
                refusals.append("asked")
            except ThrottledError:
                refusals.append("refused")
            db.session.remove()

    threads = [threading.Thread(target=ask) for _ in range(jobs.MOST + 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(refusals) == ["asked"] * jobs.MOST + ["refused"] * 2
    other = make.account("finance")
    assert asked(make, other).state is JobState.WAITING


def test_results_are_destroyed_when_their_time_is_over(app, make, person):
    with clock.fixed(NOON):
        job = asked(make, person)
        jobs.run_waiting()
        assert made(fresh(job)) == b"1\n2\n3\n"
    with clock.fixed(NOON + jobs.RETENTION):
        with pytest.raises(MissingError):
            jobs.result(fresh(job))
        assert jobs.of_person(make.actor_of(person)) == []
        with unit_of_work():
            assert jobs.purge() == 1
    with clock.fixed(clock.now() + timedelta(hours=2)):
        assert jobs.sweep() == 1
    assert list(files.store().list(jobs.GROUP)) == []


def test_a_result_that_is_kept_is_not_swept(app, make, person):
    job = asked(make, person)
    jobs.run_waiting()
    with clock.fixed(clock.now() + timedelta(hours=2)):
        assert jobs.sweep() == 0
    assert made(fresh(job)) == b"1\n2\n3\n"


def test_the_oldest_result_makes_room(app, make, person, monkeypatch):
    monkeypatch.setattr(jobs, "MOST_STORED", 2)
    made = []
    for number in range(3):
        with clock.fixed(NOON + timedelta(minutes=number)):
            made.append(asked(make, person).id)
            jobs.run_waiting()
    db.session.rollback()
    assert set(db.session.scalars(select(Job.id))) == set(made[1:])


def test_the_oldest_that_is_tried_again_does_not_make_room_for_itself(app, make, person, monkeypatch):
    monkeypatch.setattr(jobs, "MOST_STORED", 2)
    with clock.fixed(NOON):
        job = asked(make, person, trouble="words")
        jobs.run_waiting()
    for number in (1, 2):
        with clock.fixed(NOON + timedelta(minutes=number)), unit_of_work() as session:
            session.add(Job(id=uuid4(), kind="tests.count", account_id=person.id, locale="fr", arguments="{}",
                            state=JobState.CANCELLED, asked_at=clock.now(),
                            until=clock.now() + jobs.RETENTION))  # fmt: skip
    with unit_of_work() as session:
        jobs.retry(session.get_one(Job, job.id), by=make.actor_of(person))
    assert fresh(job).state is JobState.WAITING


def test_those_that_nobody_does_are_counted(app, make, person):
    with clock.fixed(NOON):
        asked(make, person)
    assert (jobs.waiting(NOON), jobs.waiting(NOON + timedelta(hours=1))) == (0, 1)
    jobs.run_waiting()
    assert jobs.waiting(NOON + timedelta(hours=1)) == 0


def test_an_altered_result_is_not_given(app, make, person):
    job = asked(make, person)
    jobs.run_waiting()
    job = fresh(job)
    (app.config["SETTINGS"].instance / "files" / job.place).write_bytes(b"autre\n")
    with pytest.raises(RefusedError, match="altéré"):
        jobs.result(job)
    files.store().delete(job.place)
    with pytest.raises(MissingError):
        jobs.result(job)
