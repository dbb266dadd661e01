"""Caches of query results in each process: one that any new line of the journal empties, one for frozen rows."""

from collections.abc import Callable, Hashable, Sequence
from typing import TypeVar

from flask import current_app
from sqlalchemy import Select
from sqlalchemy.orm import Session

from grants.kernel import journal
from grants.kernel.db import db

Result = TypeVar("Result")
Row = TypeVar("Row")
MOST = 500  # results cached by a process


def cached_query(key: Hashable, ask: Callable[[], Result]) -> Result:
    """Give the result of `ask`, called only if the journal has a new line since it was last called for this key.

    Every change of state writes a line in its own transaction: while the last line stays the last, results stay valid.
    A line is known by its number and its digest, so that another database with as many lines, for instance an earlier
    copy restored while this process runs, is not taken for the one that was queried; nor are results used once the
    connections are given up (`Engine.dispose`). `key` names the query and all it depends on besides the database.
    The line is read first: a change that comes in between costs one more call at worst. Only where this transaction has
    written nothing, and for plain values that nobody alters; each process has its own cache.
    """
    state = db.engine.pool, journal.head()
    cached: tuple[object, dict[Hashable, Result]] | None = current_app.extensions.get("query_cache")
    if cached is None or cached[0] != state or len(cached[1]) >= MOST:
        cached = current_app.extensions["query_cache"] = (state, {})
    results = cached[1]
    if key not in results:
        results[key] = ask()
    return results[key]


def frozen_rows(key: Hashable, statement: Select[Row]) -> Sequence[Row]:
    """Give the rows of a statement, asked once: for rows that the database itself refuses to change from now on.

    `key` names the statement, all it depends on, and the act that froze the rows, with its instant: an earlier copy of
    the database, restored while this process runs, may have other rows, and then another act froze them. They are asked
    again once the connections are given up (`Engine.dispose`). The rows belong to no session: they are read, never
    altered, and know of other rows only what the statement loads.
    """
    cached: tuple[object, dict[Hashable, Sequence[Row]]] | None = current_app.extensions.get("frozen_rows")
    if cached is None or cached[0] is not db.engine.pool or len(cached[1]) >= MOST:
        cached = current_app.extensions["frozen_rows"] = (db.engine.pool, {})
    results = cached[1]
    if key not in results:
        db.session.flush()  # the rows are read by a session of their own
        with Session(db.session.connection()) as own:
            results[key] = own.scalars(statement).all()
    return results[key]
