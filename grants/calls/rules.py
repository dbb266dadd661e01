"""What the dates and the rubric of a call say by themselves: its phase, and whether its weights add up."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Protocol

WHOLE = 100


class Phase(StrEnum):
    """Where a call stands at an instant. Read from its dates, never stored."""

    DRAFT = "draft"
    COMING = "coming"
    OPEN = "open"
    CLOSED = "closed"
    RESULTS = "results"


class Dated(Protocol):
    """The facts a phase is read from: a call, or a row with the same columns."""

    @property
    def opens_at(self) -> datetime | None: ...

    @property
    def closes_at(self) -> datetime | None: ...

    @property
    def opened_at(self) -> datetime | None: ...

    @property
    def results_published_at(self) -> datetime | None: ...


def phase(call: Dated, at: datetime) -> Phase:
    """The phase at an instant; a submission at the closing instant itself is on time."""
    if call.opened_at is None or call.opens_at is None or call.closes_at is None:
        return Phase.DRAFT
    if at < call.opens_at:
        return Phase.COMING
    if at <= call.closes_at:
        return Phase.OPEN
    return Phase.CLOSED if call.results_published_at is None or at < call.results_published_at else Phase.RESULTS


def is_open(call: Dated, at: datetime) -> bool:
    """Whether a complete application received at the instant is on time."""
    return phase(call, at) is Phase.OPEN


class Weighted(Protocol):
    """Anything with a weight: a block, an item."""

    @property
    def weight(self) -> int: ...


def total_weight(things: Sequence[Weighted]) -> int:
    """The sum of the weights."""
    return sum(thing.weight for thing in things)
