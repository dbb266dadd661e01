from datetime import UTC, datetime, timedelta

import pytest

from grants.demo.script import Script
from grants.kernel import clock

pytestmark = pytest.mark.neutral

SUNDAY = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


@pytest.fixture
def script() -> Script:
    with clock.fixed(SUNDAY):
        return Script("Europe/Paris")


def test_scenes_are_played_in_the_order_of_their_instants_whatever_the_order_they_were_told_in(script: Script) -> None:
    played = []
    for days in (-3, -9, -5):
        script.add(script.at(days, 8), lambda days=days: played.append((days, clock.now())))
    script.play()
    assert played == [(days, script.at(days, 8)) for days in (-9, -5, -3)]


def test_a_scene_may_bring_another_and_two_at_once_keep_their_order(script: Script) -> None:
    played = []
    script.add(script.at(-5, 8), lambda: script.add(script.at(-4, 8), lambda: played.append("brought")))
    script.add(script.at(-3, 8), lambda: played.append("first"))
    script.add(script.at(-3, 8), lambda: played.append("second"))
    script.play()
    assert played == ["brought", "first", "second"]


def test_nobody_plays_what_is_to_come(script: Script) -> None:
    with pytest.raises(ValueError, match="later than now"):
        script.add(SUNDAY + timedelta(seconds=1), lambda: None)


def test_days_are_those_of_the_calendar_on_the_wall(script: Script) -> None:
    assert script.at(-1, 17, 30) == datetime(2026, 11, 21, 16, 30, tzinfo=UTC)
    assert script.at(-140, 17) == datetime(2026, 7, 5, 15, 0, tzinfo=UTC)


def test_what_falls_on_a_week_end_is_done_on_a_working_day_never_in_the_future(script: Script) -> None:
    assert script.at_work(-8, 9).date() == script.day(-6)  # a Saturday: done the Monday after
    assert script.at_work(-7, 9).date() == script.day(-6)
    assert script.at_work(-6, 9).date() == script.day(-6)
    assert script.at_work(-1, 9).date() == script.day(-2)  # that Monday would be tomorrow: done the Friday before
