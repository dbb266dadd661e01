"""Connections: what makes SQLite safe is asked of every one of them."""

import fcntl
import gc
import os
import stat
import threading
from uuid import uuid4

import pytest
from sqlalchemy import Uuid, bindparam, create_engine, event, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

from grants.applications.models import Application
from grants.kernel import db as database
from grants.kernel.db import access_mode, db

PRAGMAS = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "recursive_triggers": 1, "busy_timeout": 60_000}


def test_every_connection_to_sqlite_is_durable_strict_and_patient(app, dialect):
    values = {name: db.session.scalar(text(f"PRAGMA {name}")) for name in PRAGMAS if dialect == "sqlite"}
    assert values == (PRAGMAS if dialect == "sqlite" else {})


@pytest.fixture
def patience():
    """Give for how many milliseconds connections wait for others, in a list that a test may change."""
    return [5000]


@pytest.fixture
def engine(tmp_path, patience):
    """Give an engine on an SQLite database with one table."""
    made = create_engine(f"sqlite:///{tmp_path / 'own.sqlite'}", poolclass=NullPool)
    waits = lambda connection, _record: connection.execute(f"PRAGMA busy_timeout = {patience[0]}")  # noqa: E731
    event.listen(made, "connect", waits)
    with made.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE told (word TEXT)")
    yield made
    made.dispose()


@pytest.fixture
def turn(tmp_path, engine):
    """Give the file on which writers of the database take turns."""
    with (tmp_path / "own.sqlite-turn").open("ab") as file:
        yield file


def is_free(turn):
    """Whether no writer has its turn."""
    try:
        fcntl.flock(turn, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    fcntl.flock(turn, fcntl.LOCK_UN)
    return True


@pytest.mark.neutral
def test_a_writer_of_sqlite_waits_for_its_turn_and_a_reader_does_not(engine, turn):
    began = threading.Event()

    def write():
        with access_mode(writing=True), engine.begin() as connection:
            began.set()
            connection.exec_driver_sql("INSERT INTO told VALUES ('written')")

    fcntl.flock(turn, fcntl.LOCK_EX)
    writer = threading.Thread(target=write)
    writer.start()
    assert not began.wait(0.2)
    with access_mode(writing=False), engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM told").scalar() == 0
    fcntl.flock(turn, fcntl.LOCK_UN)
    writer.join()
    assert began.is_set()
    assert is_free(turn)
    assert stat.S_IMODE(os.fstat(turn.fileno()).st_mode) & 0o077 == 0


@pytest.mark.neutral
def test_a_turn_is_given_back_however_a_transaction_ends(engine, turn):
    with engine.connect() as connection:
        for end in ("commit", "rollback", "close"):
            transaction = connection.begin()
            assert not is_free(turn)
            getattr(transaction, end)()
            assert is_free(turn)
    with engine.connect() as lost:
        lost.begin()
        assert not is_free(turn)
        lost.invalidate()
        assert is_free(turn)
    left = engine.connect()
    left.begin()
    assert not is_free(turn)
    del left
    gc.collect()
    assert is_free(turn)


@pytest.mark.neutral
def test_a_writer_that_takes_no_turn_is_waited_for_by_sqlite_alone(engine, turn, patience, monkeypatch):
    patience[0] = 0
    with engine.begin(), pytest.raises(OperationalError, match="locked"), engine.begin():
        pass
    assert is_free(turn)
    monkeypatch.setattr(database, "_for_owner", lambda path, flags: os.open(f"{path}/nowhere", flags))
    with engine.begin() as connection:
        assert is_free(turn)
        connection.exec_driver_sql("INSERT INTO told VALUES ('written')")


@pytest.mark.neutral
def test_a_connection_that_waits_for_nothing_does_not_wait_for_its_turn(engine, turn, patience, monkeypatch):
    def sleep(_seconds):
        pytest.fail("it waited")

    patience[0] = 0
    monkeypatch.setattr(database.time, "sleep", sleep)
    fcntl.flock(turn, fcntl.LOCK_EX)
    with engine.begin() as connection:
        connection.exec_driver_sql("INSERT INTO told VALUES ('written')")
    fcntl.flock(turn, fcntl.LOCK_UN)
    assert is_free(turn)


def test_a_row_that_changed_since_it_was_read_is_held_as_it_is_now(app, make, dialect):
    draft = make.application()
    key, version = draft.id, draft.version
    db.session.rollback()
    with access_mode(writing=dialect == "postgresql"):  # SQLite has one writer: there nothing changes meanwhile
        assert db.session.get(Application, key).version == version
        change = text("UPDATE application SET version = version + 1 WHERE id = :key").bindparams(
            bindparam("key", key, Uuid())
        )
        if dialect == "postgresql":
            with db.engine.begin() as other:
                other.execute(change)
            version += 1
        row = database.get_held(Application, key)
        assert (row.version, database.is_held(row)) == (version, True)
        db.session.rollback()
        assert not database.is_held(row)
    assert database.get_held(Application, uuid4()) is None
