"""The worker's loop: tasks on their rhythm, failures outlived, a stop that finishes what was begun."""

import os
import signal
from datetime import timedelta
from threading import Event

import pytest
from sqlalchemy.exc import OperationalError

from grants.kernel.db import db
from grants.kernel.errors import RefusedError
from grants.kernel.worker import WorkerTask, stop_on_signals, work

AT_ONCE = timedelta(0)


def test_tasks_are_done_in_turn_until_told_to_stop(app):
    done, stop = [], Event()

    def act(name):
        done.append(name)
        if len(done) == 4:
            stop.set()

    work([WorkerTask("a", AT_ONCE, lambda: act("a")), WorkerTask("b", AT_ONCE, lambda: act("b"))], stop)
    assert done == ["a", "b", "a", "b"]


def test_a_rare_task_does_not_hold_back_a_frequent_one(app):
    done, stop = [], Event()

    def often():
        done.append("often")
        if len(done) == 4:
            stop.set()

    work(
        [WorkerTask("rare", timedelta(hours=1), lambda: done.append("rare")), WorkerTask("often", AT_ONCE, often)], stop
    )
    assert done == ["rare", "often", "often", "often"]


@pytest.mark.parametrize(
    "failure", [OperationalError("select", {}, Exception("gone")), OSError("disk"), RefusedError()]
)
def test_a_failure_is_outlived_and_the_others_go_on(app, failure):
    done, stop = [], Event()

    def failing():
        done.append("failing")
        raise failure

    def other():
        done.append("other")
        if done.count("other") == 3:
            stop.set()

    work([WorkerTask("failing", AT_ONCE, failing), WorkerTask("other", AT_ONCE, other)], stop)
    assert done == ["failing", "other", "other", "other"]


def test_a_mistake_in_the_program_is_not_hidden(app):
    def mistaken():
        raise TypeError

    with pytest.raises(TypeError):
        work([WorkerTask("mistaken", AT_ONCE, mistaken)], Event())


def test_what_a_task_left_open_is_closed(app):
    stop, sessions = Event(), []

    def leaves_open():
        sessions.append(db.session())
        db.session.connection()
        stop.set()

    work([WorkerTask("leaves", AT_ONCE, leaves_open)], stop)
    assert not sessions[0].in_transaction()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_lets_the_task_under_way_end_and_begins_no_other(app, number):
    before = {each: signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGINT)}
    try:
        stop, done = stop_on_signals(), []

        def act():
            os.kill(os.getpid(), number)
            done.append("ended")

        work([WorkerTask("one", AT_ONCE, act), WorkerTask("two", AT_ONCE, lambda: done.append("begun"))], stop)
        assert done == ["ended"]
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
