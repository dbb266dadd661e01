"""Keyset pages: one way to cut a list in pages, and one cursor, typed by the columns the list is ordered by."""

import base64
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import Enum
from typing import Any, TypedDict
from uuid import UUID

from flask import request
from sqlalchemy import BigInteger, ColumnElement, Date, Integer, Select, String, Uuid, and_, literal, or_, tuple_
from sqlalchemy import Enum as TextEnum
from sqlalchemy.types import TypeEngine

from grants.kernel.db import Cents, Instant, db
from grants.kernel.money import Money
from grants.kernel.text import clean_line

PAGE = 50
LONGEST = 2_000  # characters of a cursor: longer ones are none of ours
LONGEST_WORDS = 100  # characters of what a list is narrowed by
Rows = Select[*tuple[Any, ...]]


@dataclass(frozen=True)
class Page:
    """A slice of a list: its rows and the cursors of its neighbours."""

    rows: Sequence[Any]
    following: str | None = None
    previous: str | None = None


@dataclass(frozen=True, init=False)
class Order:
    """What a list is ordered by: columns that are never null, the last of them unique, and which way each runs."""

    columns: tuple[Any, ...]
    downwards: tuple[bool, ...]

    def __init__(self, *columns: Any, descending: bool | Sequence[bool] = False) -> None:
        downwards = (descending,) * len(columns) if isinstance(descending, bool) else tuple(descending)
        object.__setattr__(self, "columns", columns)
        object.__setattr__(self, "downwards", downwards)

    def page(
        self,
        statement: Rows,
        *,
        after: str | None = None,
        before: str | None = None,
        size: int | None = None,
        widened: Callable[[Any], Rows] | None = None,
    ) -> Page:
        """The rows after (or before) a place, in one statement; the first page when the place is none of this list.

        With `widened`, the page is found on the narrow rows of `statement`, and read from the statement that function
        makes of them as a subquery: what a row shows is asked for the rows of the page only.
        """
        size = size or PAGE
        start, end = self.read(after), self.read(before)
        is_backwards = start is None and end is not None
        place = end if is_backwards else start
        downwards = [down is not is_backwards for down in self.downwards]
        names = [f"place_{rank}" for rank in range(len(self.columns))]
        query = statement.add_columns(*(column.label(name) for column, name in zip(self.columns, names, strict=True)))
        if place is not None:
            query = query.where(_beyond(self.columns, place, downwards))
        query = query.order_by(*_ordered(self.columns, downwards)).limit(size + 1)
        if widened is not None:
            narrow = query.subquery()
            places = [narrow.c[name] for name in names]
            query = widened(narrow).add_columns(*places).order_by(*_ordered(places, downwards))
        rows = list(db.session.execute(query).all())
        has_more = len(rows) > size
        rows = rows[:size][::-1] if is_backwards else rows[:size]
        if not rows:
            return Page(rows)
        first, last = (cursor([getattr(row, name) for name in names]) for row in (rows[0], rows[-1]))
        has_previous, has_following = (has_more, True) if is_backwards else (start is not None, has_more)
        return Page(rows, last if has_following else None, first if has_previous else None)

    def slices(self, statement: Rows) -> Iterator[Sequence[Any]]:
        """All rows, streamed: some hundreds at a time."""
        ordered = statement.order_by(*_ordered(self.columns, self.downwards)).execution_options(yield_per=500)
        yield from db.session.execute(ordered).partitions()

    def read(self, text: str | None) -> list[Any] | None:
        """The values of a cursor of this list; None for whatever this list did not write."""
        if not text or len(text) > LONGEST:
            return None
        try:
            decoded = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
            values = [_value(column.type, each) for column, each in zip(self.columns, decoded, strict=True)]
            return values if cursor(values) == text else None
        except (ValueError, TypeError, OverflowError, RecursionError):
            return None


class Places(TypedDict):
    """Where a page starts or ends."""

    after: str | None
    before: str | None


def places() -> Places:
    """The places this request asks for: the rows after one, or before one."""
    return {"after": request.args.get("after"), "before": request.args.get("before")}


def asked(*names: str) -> list[str]:
    """What the address of a list says under some names: the words and choices it is narrowed by, each on one line."""
    return [clean_line(request.args.get(name, "")[:LONGEST_WORDS]) or "" for name in names]


def key_in(text: str) -> UUID | None:
    """The key that an address says, None when it says none."""
    try:
        return UUID(text)
    except ValueError:
        return None


def cursor(values: Sequence[Any]) -> str:
    """A place in an ordered list, as text for a URL."""
    encoded = json.dumps([_plain(value) for value in values])
    return base64.urlsafe_b64encode(encoded.encode()).decode().rstrip("=")


def _plain(value: Any) -> str | int:
    match value:
        case Money():
            return value.cents
        case Enum():
            return str(value.value)
        case datetime():
            return value.astimezone(UTC).isoformat()
        case int():
            return value
    return str(value)


def _value(kind: TypeEngine[Any], value: Any) -> Any:
    """A value of a cursor as its column holds it. Raises ValueError or TypeError when the column could not hold it."""
    if isinstance(kind, Cents):
        return Money(_whole(value, 64))
    if isinstance(kind, Integer):
        return _whole(value, 64 if isinstance(kind, BigInteger) else 32)
    if not isinstance(value, str):
        raise TypeError(value)
    if isinstance(kind, Instant):
        return datetime.fromisoformat(value).astimezone(UTC)
    if isinstance(kind, Date):
        return date.fromisoformat(value)
    if isinstance(kind, Uuid):
        return UUID(value)
    if isinstance(kind, TextEnum) and kind.enum_class is not None:
        return kind.enum_class(value)
    if isinstance(kind, String):
        return _text(value)
    raise TypeError(kind)


def _whole(value: Any, bits: int) -> int:
    if type(value) is not int or not -(2 ** (bits - 1)) <= value < 2 ** (bits - 1):
        raise ValueError(value)
    return value


def _text(value: str) -> str:
    value.encode()  # a lone surrogate is no text
    if "\0" in value:
        raise ValueError(value)
    return value


def _ordered(columns: Sequence[Any], downwards: Sequence[bool]) -> Iterator[Any]:
    return (column.desc() if down else column.asc() for column, down in zip(columns, downwards, strict=True))


def _beyond(columns: Sequence[Any], place: Sequence[Any], downwards: Sequence[bool]) -> ColumnElement[bool]:
    """The rows after a place: one comparison of rows where all columns run one way, which an index answers."""
    values = [literal(value, column.type) for value, column in zip(place, columns, strict=True)]
    if len(set(downwards)) == 1:
        here, there = (columns[0], values[0]) if len(columns) == 1 else (tuple_(*columns), tuple_(*values))
        beyond: ColumnElement[bool] = here < there if downwards[0] else here > there
        return beyond
    steps = zip(columns, values, downwards, strict=True)
    return or_(
        *(
            and_(
                *(column == value for column, value in zip(columns[:rank], values[:rank], strict=True)),
                here < there if down else here > there,
            )
            for rank, (here, there, down) in enumerate(steps)
        )
    )
