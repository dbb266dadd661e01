"""The database: typed columns, SQLite made safe, reading requests kept from writing, and the one place that commits."""

import fcntl
import os
import sqlite3
import time
from collections.abc import Callable, Iterator, MutableMapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import IO, TYPE_CHECKING, Any, TypeVar, cast
from uuid import UUID, uuid4

from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Connection,
    Constraint,
    Date,
    DateTime,
    Dialect,
    Enum,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    UniqueConstraint,
    Uuid,
    event,
    func,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Engine
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    ORMExecuteState,
    Session,
    SessionTransaction,
    declared_attr,
    mapped_column,
    registry,
)
from sqlalchemy.orm.interfaces import ORMOption
from sqlalchemy.pool import ConnectionPoolEntry, Pool
from sqlalchemy.types import TypeDecorator

from grants.kernel.money import Money

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

BigKey = BigInteger().with_variant(Integer(), "sqlite")


class Cents(TypeDecorator[Money]):
    """`Money` stored as a whole number of cents."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: Money | None, dialect: Dialect) -> int | None:
        if value is None:
            return None
        if not isinstance(value, Money):
            raise TypeError(f"expected Money, got {type(value).__name__}")
        return value.cents

    def process_result_value(self, value: Any, dialect: Dialect) -> Money | None:
        return None if value is None else Money(int(value))


class Instant(TypeDecorator[datetime]):
    """An aware instant, stored in UTC on both databases; a naive value is refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a naive instant is refused")
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def text_enum(kind: type[StrEnum], *, length: int = 32) -> Enum:
    """A StrEnum stored by value as text of fixed length, refused by the database when unknown."""
    return Enum(
        kind,
        values_callable=lambda members: [member.value for member in members],
        native_enum=False,
        length=length,
        create_constraint=True,
        validate_strings=True,
        name=kind.__name__.lower(),
    )


class Base(DeclarativeBase):
    """Every table: uuid key, named constraints, the project's types."""

    registry = registry(
        type_annotation_map={Money: Cents(), datetime: Instant(), date: Date(), UUID: Uuid()},
        metadata=MetaData(naming_convention=NAMING),
    )


@event.listens_for(Table, "after_parent_attach")
def _bound_texts(table: Table, metadata: MetaData) -> None:
    """SQLite stores over-long text silently: a CHECK per bounded column keeps both databases honest."""
    for column in list(table.columns):
        kind = column.type
        if type(kind) is String and kind.length and table.metadata is Base.metadata:
            table.append_constraint(CheckConstraint(func.length(column) <= kind.length, name=f"{column.name}_length"))


db = SQLAlchemy(model_class=Base)

if TYPE_CHECKING:

    class Model(Base):
        """What mypy sees of db.Model."""

        __abstract__ = True
else:
    Model = db.Model


class Keyed:
    """A uuid primary key, made by us so that it is known before the flush."""

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4, sort_order=-10)

    @classmethod
    def opened_with(cls) -> Sequence[ORMOption]:
        """What is read in one statement with a row that a page or an act is about."""
        return ()


Held = TypeVar("Held", bound=Keyed)


class Versioned:
    """Optimistic locking: a stale write raises StaleDataError, answered 409."""

    version: Mapped[int] = mapped_column(default=1, sort_order=90)

    @declared_attr.directive
    def __mapper_args__(cls) -> dict[str, Any]:  # noqa: N805 - SQLAlchemy passes the class
        return {"version_id_col": cls.__table__.c.version}  # type: ignore[attr-defined]


class Counter(Model):
    """Gap-free numbers: a row per series, raised inside the transaction that uses the number."""

    name: Mapped[str] = mapped_column(String(60), primary_key=True)
    value: Mapped[int] = mapped_column(default=0)


def insert_or(kind: type[Model]) -> postgresql.Insert:
    """An insert that says what to do when the row is there already, for the database in use."""
    if db.session.get_bind().dialect.name == "postgresql":
        return postgresql.insert(kind)
    return cast(postgresql.Insert, sqlite.insert(kind))  # it has the same methods


def next_number(series: str) -> int:
    """Take the next number of a series; a rollback gives it back."""
    statement = (
        insert_or(Counter)
        .values(name=series, value=1)
        .on_conflict_do_update(index_elements=["name"], set_={"value": Counter.value + 1})
        .returning(Counter.value)
    )
    return int(db.session.execute(statement).scalar_one())


# ---- rows held until the transaction ends --------------------------------------------------------------------------

_HELD = "rows_held"


def get_held(kind: type[Held], key: UUID) -> Held | None:
    """Read a row anew, with what it is opened with, and hold it until the transaction ends; None when there is none."""
    statement = select(kind).where(kind.id == key).options(*kind.opened_with()).with_for_update(of=kind)
    # Not `session.get`: it takes a row that changed while it was waited for as stale, instead of reading it anew.
    row = db.session.scalars(statement.execution_options(populate_existing=True)).unique().one_or_none()
    if row is not None:
        db.session.info.setdefault(_HELD, set()).add((kind, key))
    return row


def is_held(row: Keyed) -> bool:
    """Whether `get_held` read this row in this transaction: it is as the database has it, and nobody else writes it."""
    return (type(row), row.id) in db.session.info.get(_HELD, ())


@event.listens_for(Session, "after_transaction_end")
def _forget_held(session: Session, _transaction: SessionTransaction) -> None:
    session.info.pop(_HELD, None)


# ---- connections -------------------------------------------------------------------------------------------------

_writing: ContextVar[bool] = ContextVar("writing", default=True)


@contextmanager
def access_mode(*, writing: bool) -> Iterator[None]:
    """Whether transactions begun from here may write; a reading request may not."""
    token = _writing.set(writing)
    try:
        yield
    finally:
        _writing.reset(token)


def set_access_mode(*, writing: bool) -> None:
    """The same for the rest of the current context (a request)."""
    _writing.set(writing)


@contextmanager
def snapshot() -> Iterator[None]:
    """Read the database as it is at one instant, whatever others write meanwhile, and keep nobody from writing.

    What was not committed before is given up: this is for commands, not for requests.
    """
    db.session.rollback()
    with access_mode(writing=False):
        if db.engine.dialect.name == "postgresql":
            db.session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        try:
            yield
        finally:
            db.session.rollback()


@event.listens_for(Engine, "connect")
def _on_connect(connection: Any, _record: Any) -> None:
    if not isinstance(connection, sqlite3.Connection):
        return
    connection.isolation_level = None
    # Waiting writers poll and may be overtaken: on the evening of a closing one of them can miss many turns.
    for pragma in ("journal_mode=wal", "synchronous=full", "busy_timeout=60000", "foreign_keys=on",
                   "recursive_triggers=on"):  # fmt: skip
        connection.execute("PRAGMA " + pragma)


@event.listens_for(Engine, "begin")
def _on_begin(connection: Connection) -> None:
    if connection.dialect.name != "sqlite":
        return
    if not _writing.get():
        connection.exec_driver_sql("BEGIN")
        return
    _wait_turn(connection)
    try:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    except BaseException:
        _end_turn(connection)
        raise


_TURN = "turn_to_write"
TURN_WAIT = 10.0  # seconds at most: then SQLite's own waiting decides, as for a writer that knows no turns


def _wait_turn(connection: Connection) -> None:
    """Wait until no other writer of this SQLite database is at work; whoever waits longest asks most often.

    SQLite's own waiting sleeps longer the longer it waits: late comers overtake, for seconds. The turn is a lock on a
    file beside the database. It protects nothing: a writer that takes none is waited for by SQLite, and one that dies
    gives its own back. A connection that waits for nothing, or shortly, does not wait longer for its turn.
    """
    path = connection.engine.url.database
    if not path or path == ":memory:":
        return
    try:
        file = open(f"{path}-turn", "ab", opener=_for_owner)  # noqa: SIM115 - closed when the transaction ends
    except OSError:
        return
    connection.info[_TURN] = file
    began, patience = time.monotonic(), None
    while not _is_taken(file):
        patience = _patience(connection) if patience is None else patience
        waited = time.monotonic() - began
        if waited >= patience:
            return
        time.sleep(max(0.0005, 0.005 / (1 + 20 * waited)))


def _is_taken(turn: IO[bytes]) -> bool:
    """Whether the turn was free, and is this writer's from now on."""
    try:
        fcntl.flock(turn, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _patience(connection: Connection) -> float:
    """For how many seconds a connection may wait for its turn."""
    raw: sqlite3.Connection | None = connection.connection.driver_connection
    milliseconds: int = raw.execute("PRAGMA busy_timeout").fetchone()[0] if raw is not None else 0
    return min(TURN_WAIT, milliseconds / 1000)


def _for_owner(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


@event.listens_for(Engine, "commit")
@event.listens_for(Engine, "rollback")
def _end_turn(connection: Connection) -> None:
    if connection.dialect.name == "sqlite" and not connection.invalidated:
        _give_back(connection.info)


@event.listens_for(Pool, "checkin")
@event.listens_for(Pool, "invalidate")
def _end_lost_turn(_connection: Any, record: ConnectionPoolEntry, *_why: Any) -> None:
    """Of a connection that was let go without an end to its transaction."""
    _give_back(record.info)


def _give_back(info: MutableMapping[Any, Any]) -> None:
    file = info.pop(_TURN, None)
    if file is not None:
        file.close()


@event.listens_for(Session, "before_flush")
def _refuse_flush(session: Session, _context: Any, _instances: Any) -> None:
    changed = session.new or session.deleted or any(session.is_modified(row) for row in session.dirty)
    if not _writing.get() and changed:
        raise RuntimeError("a reading request must not write")


@event.listens_for(Session, "do_orm_execute")
def _refuse_bulk(state: ORMExecuteState) -> None:
    if not _writing.get() and (state.is_insert or state.is_update or state.is_delete):
        raise RuntimeError("a reading request must not write")


# ---- what is noted beside a transaction ----------------------------------------------------------------------------

_noted: dict[str, Callable[[Any], Any]] = {}
_BEFORE = "noted_before_savepoints"


def noted_in_transaction(key: str, copy: Callable[[Any], Any]) -> None:
    """Let what `session.info` holds under a key be undone with the transaction, or with the savepoint, it was noted in.

    `copy` gives a copy that later notes do not change.
    """
    _noted[key] = copy


@event.listens_for(Session, "after_transaction_create")
def _remember_noted(session: Session, transaction: SessionTransaction) -> None:
    if transaction.nested:
        before = {key: copy(session.info[key]) for key, copy in _noted.items() if key in session.info}
        session.info.setdefault(_BEFORE, {})[transaction] = before


@event.listens_for(Session, "after_rollback")
def _undo_noted(session: Session) -> None:
    """SQLAlchemy tells a savepoint undone as it tells a transaction undone."""
    before = session.info.get(_BEFORE, {}).get(session.get_nested_transaction(), {})
    for key in _noted:
        session.info.pop(key, None)
    session.info.update(before)


@event.listens_for(Session, "after_transaction_end")
def _forget_noted(session: Session, transaction: SessionTransaction) -> None:
    session.info.get(_BEFORE, {}).pop(transaction, None)


# ---- the one place that commits --------------------------------------------------------------------------------

_seals: list[Callable[[], None]] = []


def before_commit(seal: Callable[[], None]) -> Callable[[], None]:
    """Register what must be written last in every transaction (the journal)."""
    _seals.append(seal)
    return seal


def commit() -> None:
    """Flush, seal the journal, commit. Called by the wrapper of views and by `unit_of_work` only."""
    db.session.flush()
    for seal in _seals:
        seal()
    db.session.commit()


@contextmanager
def unit_of_work() -> Iterator[Session]:
    """One transaction for the command line, the worker and tests: all or nothing."""
    with access_mode(writing=True):
        try:
            yield db.session()
            commit()
        except BaseException:
            db.session.rollback()
            raise


def promise_broken(error: IntegrityError) -> tuple[str, str | None] | None:
    """What the violated constraint says in words and the field it concerns, when it was given words."""
    text = str(error.orig)
    for table in Base.metadata.tables.values():
        promises: tuple[Constraint | Index, ...] = (*table.constraints, *table.indexes)
        for constraint in promises:
            says = constraint.info.get("says") if constraint.info else None
            if says is None or not isinstance(constraint.name, str):
                continue
            columns = (
                ", ".join(f"{table.name}.{c.name}" for c in constraint.columns)
                if isinstance(constraint, UniqueConstraint | Index)
                else None
            )
            if constraint.name in text or (columns is not None and columns in text):
                return str(says), constraint.info.get("field")
    return None
