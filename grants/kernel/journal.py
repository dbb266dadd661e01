"""The journal: every change of state leaves a line, chained by hash, that nobody can alter unnoticed."""

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from flask import current_app
from sqlalchemy import CompoundSelect, Connection, String, Text, func, insert, select, text, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Mapped, mapped_column

from grants.kernel import clock, rowdigests
from grants.kernel.actor import Actor
from grants.kernel.db import BigKey, Counter, Model, access_mode, before_commit, db, noted_in_transaction
from grants.kernel.errors import RefusedError
from grants.kernel.machine import Machine

GENESIS = "0" * 64
_LOCK = 7_305_114_201  # one advisory lock for the chain, on PostgreSQL
_PENDING = "journal_pending"
noted_in_transaction(_PENDING, list)
SERIES = "journal"
NOBODY = Actor(name="sans acte")  # of a row that changed although nothing was recorded
_LETTERS = {"letter"}


class Entry(Model):
    """One line of the journal. `data` holds codes, ids and amounts, never free text from a person."""

    __tablename__ = "journal_entry"

    seq: Mapped[int] = mapped_column(BigKey, primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    actor_id: Mapped[UUID | None]
    actor: Mapped[str] = mapped_column(String(200))
    event: Mapped[str] = mapped_column(String(80), index=True)
    subject_type: Mapped[str] = mapped_column(String(40))
    subject_id: Mapped[UUID | None] = mapped_column(index=True)
    dossier_id: Mapped[UUID | None] = mapped_column(index=True)
    data: Mapped[str] = mapped_column(Text)
    previous: Mapped[str] = mapped_column(String(64))
    digest: Mapped[str] = mapped_column(String(64), unique=True)

    @property
    def facts(self) -> dict[str, Any]:
        """The data of the line, as a dict, without the digests of rows."""
        return facts_in(self.data)


def facts_in(data: str) -> dict[str, Any]:
    """The facts of a line's data, without the digests of rows."""
    return {name: value for name, value in json.loads(data).items() if name != rowdigests.KEY}


@dataclass(frozen=True)
class _Line:
    at: datetime
    actor_id: UUID | None
    actor: str
    event: str
    subject_type: str
    subject_id: UUID | None
    dossier_id: UUID | None
    data: str


def digest_of(seq: int, line: Any, previous: str) -> str:
    """SHA-256 over the canonical JSON of a line and the digest before it."""
    content = [
        seq,
        line.at.isoformat(timespec="microseconds"),
        str(line.actor_id or ""),
        line.actor,
        line.event,
        line.subject_type,
        str(line.subject_id or ""),
        str(line.dossier_id or ""),
        line.data,
        previous,
    ]
    return hashlib.sha256(json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()).hexdigest()


def line_of(event: str, subject: Any, by: Actor, data: dict[str, Any], at: datetime | None = None) -> _Line:
    """A line about a thing; `subject` may be None for events about nothing in particular."""
    return _Line(
        at=at or clock.now(),
        actor_id=by.id,
        actor=by.name[:200] or "anonyme",
        event=event,
        subject_type=getattr(type(subject), "__tablename__", "") if subject is not None else "",
        subject_id=getattr(subject, "id", None),
        dossier_id=getattr(subject, "dossier_id", None),
        data=json.dumps(data, ensure_ascii=False, sort_keys=True, default=str),
    )


def record(event: str, subject: Any, *, by: Actor, **data: Any) -> None:
    """Add a line, written in order when the transaction commits; one whose savepoint is undone vanishes with it."""
    db.session.info.setdefault(_PENDING, []).append((event, subject, by, data, clock.now()))


def advance(machine: Machine, thing: Any, verb: str, *, by: Actor, **data: Any) -> None:
    """Make a move: the one way to change a state. Raises RefusedError with the reason in words."""
    move = machine.move(verb)
    before = getattr(thing, machine.column)
    reason = machine.why_not(thing, verb)
    if reason is not None:
        raise RefusedError(str(reason), verb=verb, state=str(before))
    if move.target is not None:
        setattr(thing, machine.column, move.target)
    after = getattr(thing, machine.column)
    record(f"{machine.name}.{verb}", thing, by=by, **{"from": str(before), "to": str(after), **data})


@before_commit
def _write_pending() -> None:
    pending = db.session.info.pop(_PENDING, [])
    changed = rowdigests.take(db.session())
    if changed and not pending:  # a letter that no act causes is a reminder
        event_ = "letter.written" if changed.keys() == _LETTERS else "row.changed"
        pending = [(event_, None, NOBODY, {}, clock.now())]
    if not pending:
        return
    if changed:
        last = pending[-1][3]
        last[rowdigests.KEY] = rowdigests.merged(last.get(rowdigests.KEY, {}), changed)
    lines = [line_of(event_, subject, by, data, at) for event_, subject, by, data, at in pending]
    append(db.session.connection(), lines)


def append(connection: Connection, lines: list[_Line]) -> None:
    """Chain and write lines on a connection; last act of a transaction, so that the lock is held briefly."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
    seq, previous = _counted(connection, len(lines))
    rows = []
    for line in lines:
        seq += 1
        digest = digest_of(seq, line, previous)
        rows.append({**line.__dict__, "seq": seq, "previous": previous, "digest": digest})
        previous = digest
    connection.execute(insert(Entry), rows)


def _counted(connection: Connection, number: int) -> tuple[int, str]:
    """The number and digest of the last line, once `number` more are counted beside the chain, in one statement.

    The chain is counted because lines cut off its end leave a chain that holds.
    """
    last = select(Entry.seq, Entry.digest).order_by(Entry.seq.desc()).limit(1)
    counted = connection.execute(
        update(Counter)
        .where(Counter.name == SERIES)
        .values(value=func.coalesce(last.with_only_columns(Entry.seq).scalar_subquery(), 0) + number)
        .returning(Counter.value, last.with_only_columns(Entry.digest).scalar_subquery().label("digest"))
    ).first()
    if counted is not None:
        return counted.value - number, counted.digest or GENESIS
    head = connection.execute(last).first()
    seq, previous = (head.seq, head.digest) if head else (0, GENESIS)
    connection.execute(insert(Counter).values(name=SERIES, value=seq + number))
    return seq, previous


def note(line: _Line) -> None:
    """Write one line in a small transaction of its own (refusals, sensitive reads), whatever the request does.

    The caller holds no open writing transaction. A note that cannot be written never breaks the answer.
    """
    try:
        with access_mode(writing=True), db.engine.begin() as connection:
            append(connection, [line])
    except SQLAlchemyError:
        current_app.logger.exception("a note could not be written")


def has_line(event: str, subject_id: UUID, *, since: datetime) -> bool:
    """Whether something happened to a thing after an instant."""
    lines = select(Entry.seq).where(Entry.subject_id == subject_id, Entry.event == event, Entry.at > since)
    return db.session.scalar(lines.limit(1)) is not None


def has_acted(actor_id: UUID, dossier_ids: CompoundSelect[UUID], events: Collection[str]) -> bool:
    """Whether a person left a line of one of some events about the applications that a statement gives."""
    lines = select(Entry.seq).where(
        Entry.dossier_id.in_(dossier_ids), Entry.actor_id == actor_id, Entry.event.in_(events)
    )
    return db.session.scalar(lines.limit(1)) is not None


def first_facts(event: str, name: str, subject_ids: Collection[UUID]) -> dict[UUID, str]:
    """A fact of the first line of an event about each of some things, as text; those that have no such line are left
    out."""
    if not subject_ids:
        return {}
    lines = select(Entry).where(Entry.subject_id.in_(subject_ids), Entry.event == event).order_by(Entry.seq.desc())
    return {line.subject_id: str(line.facts[name]) for line in db.session.scalars(lines) if line.subject_id is not None}


def of_dossier(dossier_id: UUID) -> list[Entry]:
    """The lines about one application and everything that hangs on it, oldest first."""
    return list(db.session.scalars(select(Entry).where(Entry.dossier_id == dossier_id).order_by(Entry.seq)))


def facts_since(event: str, dossier_id: UUID, actor_id: UUID | None, *, since: datetime) -> list[Mapping[str, Any]]:
    """What the lines of an event say that a person left about one application after an instant."""
    mine = Entry.dossier_id == dossier_id, Entry.event == event, Entry.actor_id == actor_id, Entry.at > since
    return [line.facts for line in db.session.scalars(select(Entry).where(*mine))]


def of(subject: Any) -> list[Entry]:
    """The lines about one thing, oldest first."""
    return list(db.session.scalars(select(Entry).where(Entry.subject_id == subject.id).order_by(Entry.seq)))


def broken_links() -> Iterator[tuple[int, str]]:
    """Walk the whole chain; yields (sequence number, what is wrong) for each line that does not hold or is gone."""
    previous, expected = GENESIS, 1
    for entry in db.session.scalars(select(Entry).order_by(Entry.seq).execution_options(yield_per=2000)):
        if entry.seq != expected:
            yield entry.seq, "gap"
        if entry.previous != previous:
            yield entry.seq, "previous"
        if entry.digest != digest_of(entry.seq, entry, entry.previous):
            yield entry.seq, "digest"
        previous, expected = entry.digest, entry.seq + 1
    counted = db.session.scalar(select(Counter.value).where(Counter.name == SERIES)) or 0
    if counted != expected - 1:
        yield expected, "end"


def _lines_with_rows() -> Iterator[tuple[int, str]]:
    """The lines that tell digests of rows, oldest first, read bit by bit."""
    statement = select(Entry.seq, Entry.data).where(Entry.data.contains(f'"{rowdigests.KEY}"')).order_by(Entry.seq)
    for row in db.session.execute(statement.execution_options(yield_per=500)):
        yield row.seq, row.data


def knows_rows() -> bool:
    """Whether any line tells digests of rows: none does in a journal written before they were told."""
    with_digests = select(Entry.seq).where(Entry.data.contains(f'"{rowdigests.KEY}"')).limit(1)
    return db.session.scalar(with_digests) is not None


def wrong_rows() -> Iterator[rowdigests.Difference]:
    """Every row that is not what the journal says of it."""
    yield from rowdigests.compared(db.session.connection(), _lines_with_rows())


def tell_rows(*, by: Actor) -> int:
    """Tell the digests of the rows the journal does not know as they are: after a change of the schema, or rows written
    in bulk. Returns how many; what was altered behind the journal before is taken as it is now."""
    recorded = 0
    for digests in rowdigests.unrecorded(db.session.connection(), _lines_with_rows()):
        number = sum(map(len, digests.values()))
        record("journal.rows_told", None, by=by, number=number, **{rowdigests.KEY: digests})
        recorded += number
    return recorded


def wrong_states(table: str, machine: str, states: Mapping[UUID, str]) -> Iterator[tuple[UUID, int, str]]:
    """(thing, line, state that line leads to) for each thing whose state is not where its last move led."""
    moves = select(Entry.subject_id, Entry.seq, Entry.data).where(
        Entry.subject_type == table, Entry.event.startswith(f"{machine}.", autoescape=True)
    )
    last: dict[UUID, tuple[int, str]] = {}
    for row in db.session.execute(moves.order_by(Entry.seq).execution_options(yield_per=500)):
        facts = json.loads(row.data)
        if row.subject_id is not None and "to" in facts:
            last[row.subject_id] = (row.seq, facts["to"])
    for key, (seq, state) in last.items():
        if key in states and states[key] != state:
            yield key, seq, state


def head() -> tuple[int, str]:
    """Sequence number and digest of the last line: what to publish so that a rewritten chain shows."""
    row = db.session.execute(select(Entry.seq, Entry.digest).order_by(Entry.seq.desc()).limit(1)).first()
    return (row.seq, row.digest) if row else (0, GENESIS)


def digest_at(seq: int) -> str | None:
    """The digest of a line; None when there is no such line."""
    return db.session.scalar(select(Entry.digest).where(Entry.seq == seq))
