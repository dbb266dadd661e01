"""The clock of an appeal, what may be contested, and what a new vote makes of it."""

from datetime import date

import pytest

from grants.appeals import rules
from grants.appeals.rules import Period
from grants.kernel.money import Money

E = Money.euros
PERIOD = Period(until=date(2026, 3, 10), at_latest=date(2026, 3, 25))


@pytest.mark.parametrize(
    ("on", "taken"), [(date(2026, 1, 10), True), (date(2026, 3, 25), True), (date(2026, 3, 26), False)]
)
def test_an_appeal_is_taken_until_the_last_day_on_which_it_may_still_be_in_time(on, taken):
    assert PERIOD.takes(on) is taken


def test_a_notification_is_read_at_the_latest_some_days_after_it_was_made_available():
    assert rules.last_notified(date(2026, 2, 20), 15) == date(2026, 3, 7)


@pytest.mark.parametrize(
    ("granted", "amount", "contestable"), [(False, 0, True), (True, 4_000, True), (True, 10_000, False)]
)
def test_only_what_was_refused_or_cut_is_contested(granted, amount, contestable):
    assert rules.is_contestable(granted=granted, amount=E(amount), requested=E(10_000)) is contestable


@pytest.mark.parametrize(
    ("is_open", "today", "silent"),
    [(True, date(2026, 5, 10), False), (True, date(2026, 5, 11), True), (False, date(2026, 6, 1), False)],
)
def test_silence_is_a_rejection_once_its_last_day_is_over(is_open, today, silent):
    assert rules.is_silent(is_open=is_open, answer_due_on=date(2026, 5, 10), today=today) is silent


@pytest.mark.parametrize(
    ("amount", "decided", "refused", "verb"),
    [
        (0, 0, None, "confirm"),
        (4_000, 4_000, None, "confirm"),
        (3_000, 4_000, "inférieur", None),
        (6_000, 4_000, None, "uphold_part"),
        (10_000, 0, None, "uphold"),
        (10_001, 0, "dépasse", None),
    ],
)
def test_a_vote_confirms_grants_all_or_a_part_and_never_less(amount, decided, refused, verb):
    sums = {"decided": E(decided), "requested": E(10_000)}
    reason = rules.why_not_vote(E(amount), **sums)
    assert (refused in str(reason)) if refused else reason is None
    if verb:
        assert rules.verb_of(E(amount), **sums) == verb


@pytest.mark.parametrize(
    ("on", "refused"), [(date(2026, 4, 1), None), (date(2026, 3, 31), "précède"), (date(2026, 4, 21), "avenir")]
)
def test_the_body_votes_after_it_was_asked_and_not_in_the_future(on, refused):
    reason = rules.why_not_act_day(on, referred_on=date(2026, 4, 1), today=date(2026, 4, 20))
    assert (refused in str(reason)) if refused else reason is None
