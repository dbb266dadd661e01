"""Days and hours as people type them, where a browser has no calendar of its own to offer; the instant they name."""

import re
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from grants.kernel.text import bare

LONGEST = 40  # characters of a text that may be a day or an hour
_FRENCH = re.compile(r"(\d{1,2})(?P<mark>[/. -])(\d{1,2})(?P=mark)(\d{4})", re.ASCII)
_ISO = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})", re.ASCII)
_SHORT_YEAR = re.compile(r"\d{1,2}([/. -])\d{1,2}\1\d{2}", re.ASCII)
_HOUR = re.compile(r"(\d{1,2}) ?[:hH] ?(?:(\d{2})(?::00)?)?", re.ASCII)


class NoSuchDayError(ValueError):
    """A day that is written as one, and that no calendar has (31/02/2026)."""


class ShortYearError(ValueError):
    """A day whose year has two digits: its century is not ours to guess."""


def parse_day(text: str) -> date:
    """Read a day: day, month and year ("31/12/2026", "31-12-2026", "1.2.2026"), or as browsers send it ("2026-12-31").

    Raises NoSuchDayError, ShortYearError, or another ValueError for what is no day at all.
    """
    plain = bare(text) if len(text) <= LONGEST else ""
    if found := _ISO.fullmatch(plain):
        year, month, day = map(int, found.groups())
    elif found := _FRENCH.fullmatch(plain):
        day, month, year = int(found[1]), int(found[3]), int(found[4])
    elif _SHORT_YEAR.fullmatch(plain):
        raise ShortYearError(text)
    else:
        raise ValueError("not a day")
    try:
        return date(year, month, day)
    except ValueError as error:
        raise NoSuchDayError(text) from error


def parse_hour(text: str) -> time:
    """Read an hour to the minute: "17:00", "17h00", "17 h". Raises ValueError for anything else."""
    found = _HOUR.fullmatch(bare(text)) if len(text) <= LONGEST else None
    if found is None:
        raise ValueError("not an hour")
    return time(int(found[1]), int(found[2] or 0))


def local_instant(day: date, hour: time, zone: str) -> datetime:
    """A day and an hour as people of the zone read them, as an instant in UTC.

    Raises ValueError when the clocks skip that hour; where they repeat one, the first counts.
    """
    local = datetime.combine(day, hour, ZoneInfo(zone))
    instant = local.astimezone(UTC)
    if instant.astimezone(ZoneInfo(zone)).replace(tzinfo=None) != local.replace(tzinfo=None):
        raise ValueError("the clocks skip that hour")
    return instant
