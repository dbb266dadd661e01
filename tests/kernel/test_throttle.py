"""Attempts are counted before the work is done, by all workers together, and forgotten in time."""

import threading
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from grants.kernel import clock, throttle
from grants.kernel.db import db, unit_of_work
from grants.kernel.errors import ThrottledError
from grants.kernel.throttle import Attempt

WINDOW = timedelta(minutes=15)


def attempt(who="somebody", limit=3):
    throttle.attempt("tests", {who: limit}, window=WINDOW)


def counted():
    return db.session.scalar(select(func.count()).select_from(Attempt))


def test_the_limit_is_borne_and_the_next_attempt_refused_for_as_long_as_it_takes(app):
    start = clock.now()
    for minutes in (0, 1, 2):
        with clock.fixed(start + timedelta(minutes=minutes)):
            attempt()
    with clock.fixed(start + timedelta(minutes=5)), pytest.raises(ThrottledError) as refusal:
        attempt()
    # The third attempt back from now is the one of the first minute: 15 minutes after it there is room again.
    assert refusal.value.facts["retry_after"] == 11 * 60
    assert refusal.value.message == "Trop de tentatives. Réessayez dans 11 min."
    with clock.fixed(start + timedelta(minutes=5, seconds=refusal.value.facts["retry_after"])):
        attempt()


def test_one_person_does_not_pay_for_another(app):
    for _try in range(3):
        attempt("one")
    attempt("other")
    throttle.attempt("other act", {"one": 3}, window=WINDOW)
    with pytest.raises(ThrottledError):
        attempt("one")


def test_an_attempt_counts_even_when_the_request_is_undone(app):
    attempt()
    db.session.rollback()
    assert counted() == 1


def test_a_success_clears_the_slate_of_one_person_and_one_act(app):
    attempt("one")
    attempt("other")
    throttle.attempt("other act", {"one": 3}, window=WINDOW)
    with unit_of_work():
        throttle.forget("tests", "one")
    assert {(row.act, row.who) for row in db.session.scalars(select(Attempt))} == {
        ("tests", "other"),
        ("other act", "one"),
    }


def test_what_is_older_than_a_day_is_forgotten(app):
    attempt()
    with clock.fixed(clock.now() + timedelta(days=1, minutes=1)):
        attempt()
    assert counted() == 1


def test_attempts_made_at_the_same_moment_see_each_other(app):
    passed, refused, gate = [], [], threading.Barrier(8)

    def knock():
        gate.wait()
        with app.app_context():
            try:
                attempt()
                passed.append(1)
            except ThrottledError:
                refused.append(1)
            db.session.remove()

    threads = [threading.Thread(target=knock) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(passed) <= 3
    assert len(passed) + len(refused) == counted() == 8


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.77", "192.0.2.0/24"),
        ("::ffff:192.0.2.77", "192.0.2.0/24"),
        ("2001:db8:1:2::3", "2001:db8:1::/48"),
        ("nonsense", "unknown"),
        ("", "unknown"),
        (None, "unknown"),
    ],
)
def test_a_machine_stands_for_its_network(address, network):
    assert throttle.network_of(address) == network


def test_only_the_first_refusal_in_a_row_is_told_as_such(app):
    firsts = []
    for _try in range(5):
        try:
            attempt(limit=2)
        except ThrottledError as refusal:
            firsts.append(refusal.facts["first"])
    assert firsts == [True, False, False]


def test_the_longest_wait_of_all_limits_is_said_and_who_insists_costs_others_nothing(app):
    start = clock.now()
    both = {"one": 1, "network": 2}
    with clock.fixed(start):
        throttle.attempt("tests", both, window=WINDOW)
    with clock.fixed(start + timedelta(minutes=5)):
        throttle.attempt("tests", {"other": 1, "network": 2}, window=WINDOW)
    for minutes, wait in ((6, 15), (7, 15)):  # each attempt of one's own begins the wait anew
        with clock.fixed(start + timedelta(minutes=minutes)), pytest.raises(ThrottledError) as refusal:
            throttle.attempt("tests", both, window=WINDOW)
        assert refusal.value.facts["retry_after"] == wait * 60
    with clock.fixed(start + timedelta(minutes=8)), pytest.raises(ThrottledError) as refusal:
        throttle.attempt("tests", {"third": 3, "network": 2}, window=WINDOW)
    assert refusal.value.facts["retry_after"] == 12 * 60
    assert refusal.value.facts["first"]


def test_a_network_that_is_full_is_told_to_the_person_who_is_refused_before(app):
    start = clock.now()
    for minutes, who in ((0, "one"), (1, "one"), (10, "two"), (10, "three")):
        with clock.fixed(start + timedelta(minutes=minutes)):
            throttle.attempt("tests", {who: 2, "network": 9}, window=WINDOW)
    with clock.fixed(start + timedelta(minutes=11)), pytest.raises(ThrottledError) as refusal:
        throttle.attempt("tests", {"one": 2, "network": 2}, window=WINDOW)
    assert refusal.value.facts["retry_after"] == 14 * 60  # five minutes for the person alone
