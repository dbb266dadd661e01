"""A cache of query results in each process, invalidated by the journal: any new line of it empties the cache."""

from collections.abc import Callable, Hashable
from typing import TypeVar

from flask import current_app

from grants.kernel import journal
from grants.kernel.db import db

Result = TypeVar("Result")
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
    cached = current_app.extensions.get("query_cache")
    if cached is None or cached[0] != state or len(cached[1]) >= MOST:
        cached = current_app.extensions["query_cache"] = (state, {})
    results: dict[Hashable, Result] = cached[1]
    if key not in results:
        results[key] = ask()
    return results[key]
