"""Digests of rows, told in the journal with each change: what is altered, added or removed behind it is found.

A model that inherits `Recorded` has the digest of its rows put, at each commit, into the last line of the transaction.
`grants verify` computes them again and compares.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import Enum
from functools import cache
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import Column, ColumnElement, Connection, Row, Select, bindparam, event, inspect, literal, select
from sqlalchemy.orm import Mapper, ORMExecuteState, Session

from grants.kernel.db import Base, noted_in_transaction
from grants.kernel.money import Money

KEY = "_rows"  # where a line of the journal keeps the digests of the rows its transaction changed
WHOLE, EACH = 32, 3  # hexadecimal digits: of the digest of a row, then of that of each of its columns
_CHANGED = "rows_changed"
_AT_ONCE = 400
Changed = dict[type["Recorded"], set[Any]]
noted_in_transaction(_CHANGED, lambda changed: {kind: set(keys) for kind, keys in changed.items()})
RowDigests = dict[str, dict[str, str | None]]  # by table and key: the digest, None for a row that is gone


class Recorded:
    """Rows whose digest the journal keeps.

    `not_recorded` names the columns that change without an act, or whose sums are proved elsewhere. Rows that are
    written and replaced together have one digest under the column `recorded_by`, that of what they belong to. Rows that
    fulfil `not_yet` are no evidence: they change without a line, and are told once they fulfil it no more.
    """

    not_recorded: ClassVar[frozenset[str]] = frozenset()
    recorded_by: ClassVar[str] = "id"

    @classmethod
    def not_yet(cls) -> ColumnElement[bool] | None:
        """Which rows are not evidence yet; None: all are from the beginning."""
        return None


def recorded_kinds() -> list[type[Recorded]]:
    """Every kind of row whose digest is kept, by table."""
    kinds = [mapper.class_ for mapper in Base.registry.mappers if issubclass(mapper.class_, Recorded)]
    return sorted(kinds, key=_table_name)


def _table_name(kind: type[Recorded]) -> str:
    return str(inspect(kind).local_table.name)


def columns_of(kind: type[Recorded]) -> list[Column[Any]]:
    """The columns a digest is of, in the order of their names."""
    table = inspect(kind).local_table
    return sorted(
        (column for column in table.columns if column.name not in {*kind.not_recorded, "version"}),
        key=lambda column: column.name,
    )


# ---- the digest ------------------------------------------------------------------------------------------------------


def digest_of(kind: type[Recorded], rows: Sequence[Sequence[Any]]) -> str:
    """The digest of a row, followed by a short one per column; of rows that belong together, one digest."""
    plain = [[_plain(value) for value in row] for row in rows]
    if kind.recorded_by == "id":
        return _hex(plain[0], WHOLE) + "".join(_hex(value, EACH) for value in plain[0])
    return _hex(sorted(plain, key=json.dumps), WHOLE)


def _hex(value: Any, digits: int) -> str:
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:digits]


def _plain(value: Any) -> Any:
    """A value as both databases give it back."""
    match value:
        case Money():
            return value.cents
        case datetime():
            return value.astimezone(UTC).isoformat(timespec="microseconds")
        case Enum():
            return str(value.value)
        case bool():
            return int(value)
        case date() | UUID():
            return str(value)
        case bytes():
            return hashlib.sha256(value).hexdigest()
    return value


# ---- what a transaction changed --------------------------------------------------------------------------------------


@event.listens_for(Session, "after_flush")
def _note_flushed(session: Session, _context: Any) -> None:
    changed = [*session.new, *session.deleted, *(row for row in session.dirty if session.is_modified(row))]
    for row in changed:
        if isinstance(row, Recorded):
            _note(session, type(row), [getattr(row, row.recorded_by)])


@event.listens_for(Session, "do_orm_execute")
def _note_bulk(state: ORMExecuteState) -> None:
    """Statements that write rows without reading them: which rows they reach is asked first."""
    kind = state.bind_mapper.class_ if state.bind_mapper is not None else None
    if kind is None or not issubclass(kind, Recorded):
        return
    statement: Any = state.statement
    if state.is_insert:
        given: Any = state.parameters if isinstance(state.parameters, list) else [state.parameters or {}]
        _note(state.session, kind, [row[kind.recorded_by] for row in given if kind.recorded_by in row])
    elif state.is_update or state.is_delete:
        reached = select(inspect(kind).local_table.c[kind.recorded_by])
        if statement.whereclause is not None:
            reached = reached.where(statement.whereclause)
        _note(state.session, kind, state.session.scalars(reached).all())


def _note(session: Session, kind: type[Recorded], keys: Iterable[Any]) -> None:
    if reached := set(keys):
        changed: Changed = session.info.setdefault(_CHANGED, {})
        changed.setdefault(kind, set()).update(reached)


def take(session: Session) -> RowDigests:
    """The digests of the rows this transaction changed, as they stand now; asked once, before the commit."""
    changed: Changed = session.info.pop(_CHANGED, {})
    digests: RowDigests = {}
    if not changed:
        return digests
    connection = session.connection()
    for kind, keys in sorted(changed.items(), key=lambda each: _table_name(each[0])):
        found: dict[str, str | None] = {str(key): None for key in keys}
        for some in _parts(sorted(keys, key=str)):
            for key, digest, row in _digests(connection, kind, some):
                if row.waits:
                    del found[key]
                else:
                    found[key] = digest
        if found:
            digests[_table_name(kind)] = found
    return digests


def _waiting(connection: Connection, kind: type[Recorded]) -> set[Any]:
    """The keys of the rows of a kind that are not evidence yet."""
    waits = kind.not_yet()
    by = inspect(kind).local_table.c[kind.recorded_by]
    return set() if waits is None else set(connection.scalars(select(by).where(waits)))


def merged(first: RowDigests, then: RowDigests) -> RowDigests:
    """The digests of both; of a row that both tell, the second."""
    return {table: {**first.get(table, {}), **then.get(table, {})} for table in sorted({*first, *then})}


def _parts(keys: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for start in range(0, len(keys), _AT_ONCE):
        yield keys[start : start + _AT_ONCE]


def _digests(
    connection: Connection, kind: type[Recorded], keys: Sequence[Any] | None = None
) -> Iterator[tuple[str, str, Row[Any]]]:
    """(key, digest, a row) of all rows of a kind that are evidence, in one statement read bit by bit; of some rows,
    whether they are or not, which `waits` says."""
    statement = _recorded(inspect(kind)) if keys is None else _of_keys(inspect(kind))
    together: list[Row[Any]] = []
    rows: Iterable[Row[Any]] = connection.execute(statement, {"keys": keys} if keys is not None else None)
    for row in rows:
        if together and together[0][0] != row[0]:
            yield str(together[0][0]), digest_of(kind, [each[1:-1] for each in together]), together[0]
            together = []
        together.append(row)
    if together:
        yield str(together[0][0]), digest_of(kind, [each[1:-1] for each in together]), together[0]


# Built once for each kind: every act that writes asks them.


@cache
def _told(mapper: Mapper[Any]) -> Select[Any]:
    kind: type[Recorded] = mapper.class_
    by, waits = mapper.local_table.c[kind.recorded_by], kind.not_yet()
    says = literal(False) if waits is None else waits
    statement = select(by.label("recorded_by"), *columns_of(kind), says.label("waits")).order_by(by)
    return statement.execution_options(yield_per=1000)


@cache
def _of_keys(mapper: Mapper[Any]) -> Select[Any]:
    by = mapper.local_table.c[mapper.class_.recorded_by]
    return _told(mapper).where(by.in_(bindparam("keys", expanding=True)))


@cache
def _recorded(mapper: Mapper[Any]) -> Select[Any]:
    waits = mapper.class_.not_yet()
    return _told(mapper) if waits is None else _told(mapper).where(~waits)


# ---- proofs ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Difference:
    """A row that is not what the journal says: `seq` is its last line (None: no line), `columns` what differs.

    `digest` is that of the row as it stands, None once it is gone.
    """

    table: str
    key: str
    seq: int | None
    digest: str | None = None
    columns: Mapping[str, Any] | None = None

    @property
    def is_gone(self) -> bool:
        """Whether the journal tells a row that is no more."""
        return self.digest is None


def compared(connection: Connection, lines: Iterable[tuple[int, str]]) -> Iterator[Difference]:
    """Every row that is not what the lines (number, data), oldest first, say: altered, added without one, or gone.

    One statement per kind, rows read bit by bit; what is kept in memory is one digest per row.
    """
    last: dict[str, dict[str, tuple[int, str]]] = {}
    for seq, data in lines:
        for table, digests in json.loads(data).get(KEY, {}).items():
            known = last.setdefault(table, {})
            for key, digest in digests.items():
                if digest is None:
                    known.pop(key, None)
                else:
                    known[key] = (seq, digest)
    for kind in recorded_kinds():
        table = _table_name(kind)
        known = last.get(table, {})
        for key in _waiting(connection, kind):
            known.pop(str(key), None)
        for key, digest, row in _digests(connection, kind):
            expected = known.pop(key, None)
            if expected is None:
                yield Difference(table, key, None, digest)
            elif expected[1] != digest:
                yield Difference(table, key, expected[0], digest, _differing(kind, expected[1], digest, row))
        for key, (seq, _digest) in sorted(known.items()):
            yield Difference(table, key, seq)


def _differing(kind: type[Recorded], expected: str, found: str, row: Row[Any]) -> dict[str, Any]:
    """The columns whose short digest differs, with what they hold now; none told for rows kept together."""
    if kind.recorded_by != "id" or len(expected) != len(found):
        return {}
    places = range(WHOLE, len(found), EACH)
    return {
        column.name: _plain(row[place + 1])
        for place, (start, column) in enumerate(zip(places, columns_of(kind), strict=True))
        if expected[start : start + EACH] != found[start : start + EACH]
    }


def unrecorded(connection: Connection, lines: Iterable[tuple[int, str]]) -> Iterator[RowDigests]:
    """The digests of the rows that differ from what the journal says, some hundred at a time, to be told anew."""
    digests: RowDigests = {}
    for number, each in enumerate(compared(connection, lines), start=1):
        digests.setdefault(each.table, {})[each.key] = each.digest
        if number % _AT_ONCE == 0:
            yield digests
            digests = {}
    if digests:
        yield digests
