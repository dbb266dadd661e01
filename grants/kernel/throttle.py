"""Too many attempts: counted in the database, per account and per network, shared by all workers."""

from datetime import datetime, timedelta

from sqlalchemy import String, delete, func, select
from sqlalchemy.orm import Mapped, mapped_column

from grants.kernel import clock
from grants.kernel.db import BigKey, Model, access_mode, db
from grants.kernel.errors import ThrottledError
from grants.kernel.words import _


class Attempt(Model):
    """One attempt at a guarded act."""

    __tablename__ = "attempt"

    id: Mapped[int] = mapped_column(BigKey, primary_key=True, autoincrement=True)
    act: Mapped[str] = mapped_column(String(40), index=True)
    who: Mapped[str] = mapped_column(String(254), index=True)
    at: Mapped[datetime] = mapped_column(index=True)


def guard(act: str, who: str, *, limit: int, window: timedelta) -> None:
    """Raise ThrottledError when `who` made `limit` attempts at the act within the window."""
    since = clock.now() - window
    count = select(func.count()).select_from(Attempt).where(Attempt.act == act, Attempt.who == who, Attempt.at > since)
    if (db.session.scalar(count) or 0) >= limit:
        minutes = int(window.total_seconds() // 60)
        raise ThrottledError(
            _("Trop de tentatives. Réessayez dans %(minutes)s minutes.", minutes=minutes), retry_after=minutes * 60
        )


def count(act: str, who: str) -> None:
    """Remember an attempt, in a small transaction of its own: it counts even when the request fails.

    The caller holds no open writing transaction.
    """
    with access_mode(writing=True), db.engine.begin() as connection:
        connection.execute(Attempt.__table__.insert().values(act=act, who=who[:254], at=clock.now()))


def forget(act: str, who: str) -> None:
    """A success clears the slate of one person, in the caller's transaction."""
    db.session.execute(delete(Attempt).where(Attempt.act == act, Attempt.who == who))
