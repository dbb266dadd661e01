"""Connections: what makes SQLite safe is asked of every one of them."""

from sqlalchemy import text

from grants.kernel.db import db

PRAGMAS = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "recursive_triggers": 1, "busy_timeout": 60_000}


def test_every_connection_to_sqlite_is_durable_strict_and_patient(app, dialect):
    told = {name: db.session.scalar(text(f"PRAGMA {name}")) for name in PRAGMAS if dialect == "sqlite"}
    assert told == (PRAGMAS if dialect == "sqlite" else {})
