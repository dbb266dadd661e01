"""Answers kept while nothing changes: what a page counts or offers is asked again once the journal has a new line."""

from collections.abc import Callable, Hashable
from typing import TypeVar

from flask import current_app

from grants.kernel import journal
from grants.kernel.db import db

Answer = TypeVar("Answer")
MOST = 500  # answers kept by a process


def still(key: Hashable, ask: Callable[[], Answer]) -> Answer:
    """Give the answer to `ask`, asked only if the journal has a new line since it was last asked for this key.

    Every change of state leaves a line in its own transaction: while the last line stays the last, so does the answer.
    A line is known by its number and its digest, so that another database with as many lines, for instance an earlier
    copy restored while this process runs, is not taken for the one that was asked; nor are the answers kept when the
    connections are given up (`Engine.dispose`). `key` names the question and all it depends on besides the database.
    The line is read first: a change that comes in between is asked for again at worst. Only where this transaction has
    written nothing, and for plain values that nobody alters; each process keeps its own.
    """
    state = db.engine.pool, journal.head()
    kept = current_app.extensions.get("still")
    if kept is None or kept[0] != state or len(kept[1]) >= MOST:
        kept = current_app.extensions["still"] = (state, {})
    answers: dict[Hashable, Answer] = kept[1]
    if key not in answers:
        answers[key] = ask()
    return answers[key]
