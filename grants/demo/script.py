"""Plays what happened in the order it happened: acts at instants, each with the clock stopped at its own."""

import heapq
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from itertools import count
from zoneinfo import ZoneInfo

from grants.kernel import clock

ScheduledAct = Callable[[], None]


class Script:
    """Acts waiting for their turn. Days are counted from today, as people of the zone read the calendar."""

    def __init__(self, zone: str) -> None:
        self.zone = ZoneInfo(zone)
        self.now = clock.now()
        self.today = self.now.astimezone(self.zone).date()
        self._acts: list[tuple[datetime, int, ScheduledAct]] = []
        self._turns = count()

    def day(self, days: int) -> date:
        """The calendar day so many days from today (before it when negative)."""
        return self.today + timedelta(days=days)

    def at(self, days: int, hour: int, minute: int = 0, second: int = 0) -> datetime:
        """An instant of that day, by the clock on the wall."""
        return datetime.combine(self.day(days), time(hour, minute, second), self.zone).astimezone(UTC)

    def at_work(self, days: int, hour: int, minute: int = 0) -> datetime:
        """The same on a working day: what falls on a week-end is done the Monday after, or the Friday before."""
        weekday = self.day(days).weekday()
        if weekday < 5:
            return self.at(days, hour, minute)
        following = days + 7 - weekday
        return self.at(following if following < 0 else days + 4 - weekday, hour, minute)

    def add(self, instant: datetime, act: ScheduledAct) -> None:
        """Let a act happen at an instant. Raises ValueError for one to come: nobody can have lived it."""
        if instant > self.now:
            raise ValueError(f"a act at {instant} would be later than now, {self.now}")
        heapq.heappush(self._acts, (instant, next(self._turns), act))

    def play(self) -> None:
        """Play every act, the earliest first; a act may add others, not earlier than itself."""
        while self._acts:
            instant, _turn, act = heapq.heappop(self._acts)
            with clock.fixed(instant):
                act()
