"""The one clock: everything that needs the time asks here, so that tests and drills can set it."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from flask import current_app, has_app_context

_fixed: datetime | None = None


def now() -> datetime:
    """The current instant, aware, in UTC."""
    return _fixed if _fixed is not None else datetime.now(UTC)


def zone() -> str:
    """The name of the zone in which the fund tells its days and hours (ZONE); Paris outside an application."""
    settings = current_app.config.get("SETTINGS") if has_app_context() else None
    return settings.zone if settings else "Europe/Paris"


def today(where: str | None = None) -> date:
    """The current day as people in a zone (the fund's unless told) read it on their calendar."""
    return day_of(now(), where)


def day_of(instant: datetime, where: str | None = None) -> date:
    """The day of an instant as people in a zone (the fund's unless told) read it on their calendar."""
    return instant.astimezone(ZoneInfo(where or zone())).date()


def add_months(day: date, months: int) -> date:
    """The same day of a later month, or that month's last day (Règlement 1182/71, article 3, for periods in months)."""
    index = day.year * 12 + day.month - 1 + months
    year, month = divmod(index, 12)
    first_of_next = date(year + (month + 1) // 12, (month + 1) % 12 + 1, 1)
    last = (first_of_next - timedelta(days=1)).day
    return date(year, month + 1, min(day.day, last))


@contextmanager
def fixed(instant: datetime) -> Iterator[None]:
    """Stop the clock at an aware instant (tests, demonstration data)."""
    global _fixed  # noqa: PLW0603 - the clock is the one thing a test may set for everybody
    if instant.tzinfo is None:
        raise ValueError("the clock refuses a naive instant")
    before, _fixed = _fixed, instant.astimezone(UTC)
    try:
        yield
    finally:
        _fixed = before
