"""Answers kept within one transaction until something is written: for rules that one page asks many times."""

from collections.abc import Callable, Hashable
from typing import Any, TypeVar

from sqlalchemy import event
from sqlalchemy.orm import Session, SessionTransaction

from grants.kernel.db import db

Answer = TypeVar("Answer")
_ASKED = "asked_once"


def once(key: Hashable, ask: Callable[[], Answer]) -> Answer:
    """Give the answer to `ask`, asked only if this transaction did not ask it or has written since.

    `key` names the question and all it depends on besides the database.
    """
    known: dict[Hashable, Any] = db.session().info.setdefault(_ASKED, {})
    if key not in known:
        known[key] = ask()
    answer: Answer = known[key]
    return answer


@event.listens_for(Session, "after_flush")
def _forget(session: Session, _context: Any) -> None:
    session.info.pop(_ASKED, None)


@event.listens_for(Session, "after_transaction_end")
def _forget_at_end(session: Session, _transaction: SessionTransaction) -> None:
    session.info.pop(_ASKED, None)
