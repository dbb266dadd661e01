"""Dossiers written once and copied: what a person writes page by page is fourteen acts, its rows are added at once.

The first dossier of a kind is written through the actions and its rows are remembered; the next ones are given the same
rows, with ids, author and instants of their own. `tests/applications/test_copies.py` compares the two.
"""

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any, NamedTuple
from uuid import UUID, uuid4

from sqlalchemy import Table, insert, select, update

from grants.applications.lifecycle import LIFECYCLE
from grants.applications.models import Application, PaperDossier
from grants.calls.models import Question, Statement
from grants.kernel import clock, journal
from grants.kernel.actor import Actor
from grants.kernel.db import Base, db

Row = dict[str, Any]
DOSSIER = Application.__table__
# Columns of a dossier that its maker gives, whatever is written in it.
GIVEN = {"id", "call_id", "organisation_id", "author_id", "state", "created_at", "touched_at", "title"}
# What the rows of a dossier may name and every call has for itself, by code.
PARTS = {"question_id": Question.__table__, "statement_id": Statement.__table__}


class PartCode(NamedTuple):
    """A part of whichever call the dossier answers."""

    column: str
    code: str


class Mark(Enum):
    """What is not copied but told anew."""

    AUTHOR = "author"
    NOW = "now"
    ID = "id"


@dataclass(frozen=True)
class Written:
    """What a dossier holds once it is written: its own columns, the rows that hang on it, and its pages in order."""

    columns: Row
    rows: dict[Table, list[Row]]
    pages: tuple[str, ...]


KNOWN: dict[Hashable, Written] = {}


def write(
    kind: Hashable, application: Application, title: str, pages: Iterable[str], act: Callable[[], None], *, by: Actor
) -> None:
    """Let `act` write these pages of an empty dossier, or copy the rows of one of the same kind that was written.

    Two dossiers are of a kind when they say the same, but for the title.
    """
    if kind in KNOWN:
        _copy(KNOWN[kind], application, title, by=by)
        return
    start, before = clock.now(), _row(application)
    act()
    after = _row(application)
    columns = {name: after[name] for name in after.keys() - GIVEN if after[name] != before[name]}
    codes = {key: PartCode(column, code) for column in PARTS for code, key in _parts(application, column).items()}
    rows = {table: [_remembered(row, codes, by, start) for row in _rows(table, application)] for table in _hanging()}
    KNOWN[kind] = Written(columns, {table: found for table, found in rows.items() if found}, tuple(pages))


def _copy(written: Written, application: Application, title: str, *, by: Actor) -> None:
    parts = {column: _parts(application, column) for column in PARTS}
    known = {Mark.AUTHOR: by.id, Mark.NOW: clock.now()}

    def replaced(value: Any) -> Any:
        if isinstance(value, PartCode):
            return parts[value.column][value.code]
        if value is Mark.ID:
            return uuid4()
        return known[value] if isinstance(value, Mark) else value

    connection = db.session.connection()
    own = {name: replaced(value) for name, value in written.columns.items()} | {
        "title": title,
        "touched_at": clock.now(),
    }
    connection.execute(update(DOSSIER).where(DOSSIER.c.id == application.id).values(own))
    for table, rows in written.rows.items():
        own = {"application_id": application.id}
        connection.execute(
            insert(table), [{name: replaced(value) for name, value in row.items()} | own for row in rows]
        )
    for page in written.pages:
        journal.advance(LIFECYCLE, application, "save", by=by, section=page)
    db.session.expire(application)


def _row(application: Application) -> Row:
    found = db.session.connection().execute(select(DOSSIER).where(DOSSIER.c.id == application.id))
    return dict(found.mappings().one())


def _hanging() -> list[Table]:
    """The tables whose rows belong to a dossier, each after those it refers to; not the paper it came on."""
    return [
        table
        for table in Base.metadata.sorted_tables
        if "application_id" in table.c
        and table.c.application_id.references(DOSSIER.c.id)
        and table is not PaperDossier.__table__
    ]


def _rows(table: Table, application: Application) -> list[Row]:
    found = db.session.connection().execute(select(table).where(table.c.application_id == application.id))
    return [dict(row) for row in found.mappings()]


def _parts(application: Application, column: str) -> dict[str, UUID]:
    """The parts of the call of a dossier that a column may name, by code."""
    table = PARTS[column]
    found = db.session.connection().execute(
        select(table.c.code, table.c.id).where(table.c.call_id == application.call_id)
    )
    return {row.code: row.id for row in found}


def _remembered(row: Row, parts: Mapping[UUID, PartCode], by: Actor, start: datetime) -> Row:
    """A row without what belongs to its dossier alone."""

    def value_of(value: Any) -> Any:
        if isinstance(value, datetime) and value >= start:
            return Mark.NOW
        if isinstance(value, UUID):
            return Mark.AUTHOR if value == by.id else parts.get(value, value)
        return value

    own_id = {"id": Mark.ID} if isinstance(row.get("id"), UUID) else {}
    return {name: value_of(value) for name, value in row.items() if name != "id"} | own_id
