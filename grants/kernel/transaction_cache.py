"""A cache of query results within one transaction, emptied by each write: for rules that one page asks many times."""

from collections.abc import Callable, Hashable
from typing import Any, TypeVar

from sqlalchemy import event
from sqlalchemy.orm import Session, SessionTransaction

from grants.kernel.db import db

Result = TypeVar("Result")
_ASKED = "asked_once"


def cached_in_transaction(key: Hashable, ask: Callable[[], Result]) -> Result:
    """Give the result of `ask`, called only if this transaction did not call it yet or has written since.

    `key` names the query and all it depends on besides the database.
    """
    known: dict[Hashable, Any] = db.session().info.setdefault(_ASKED, {})
    if key not in known:
        known[key] = ask()
    result: Result = known[key]
    return result


@event.listens_for(Session, "after_flush")
def _forget(session: Session, _context: Any) -> None:
    session.info.pop(_ASKED, None)


@event.listens_for(Session, "after_transaction_end")
def _forget_at_end(session: Session, _transaction: SessionTransaction) -> None:
    session.info.pop(_ASKED, None)
