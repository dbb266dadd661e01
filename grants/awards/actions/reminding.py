"""Reminders of what is due, written by the worker."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from sqlalchemy import select

from grants.kernel import clock
from grants.kernel.db import db
from grants.kernel.outbox import Letter


def remind(rows: Iterable[Any], before: Sequence[int], template: str, write: Callable[[Any, int], object]) -> int:
    """Write the reminder of each thing that is due (`id`, `due_on`), so many days `before`; returns how many letters.

    Safe to repeat: each reminder of a thing is written once, which its letter says by `template`.
    """
    today, written = clock.today(), 0
    for row in rows:
        left = (row.due_on - today).days
        days = next(limit for limit in reversed(before) if left <= limit)
        key = f"{template}:{row.id}:{row.due_on}:{days}:"
        earlier = select(Letter.id).where(Letter.dedup.startswith(key, autoescape=True)).limit(1)
        if db.session.scalar(earlier) is None:
            write(row, days)
            written += 1
    return written
