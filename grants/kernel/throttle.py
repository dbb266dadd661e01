"""Too many attempts: counted in the database, per account and per network, shared by all workers."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from ipaddress import ip_address, ip_network

from sqlalchemy import String, delete, func, insert, select
from sqlalchemy.orm import Mapped, mapped_column

from grants.kernel import clock
from grants.kernel.db import BigKey, Model, access_mode, db
from grants.kernel.errors import ThrottledError
from grants.kernel.words import _

RETENTION = timedelta(days=1)


class Attempt(Model):
    """One attempt at a guarded act. `who` is a digest or a network, never an address or a name."""

    __tablename__ = "attempt"

    id: Mapped[int] = mapped_column(BigKey, primary_key=True, autoincrement=True)
    act: Mapped[str] = mapped_column(String(40), index=True)
    who: Mapped[str] = mapped_column(String(254), index=True)
    at: Mapped[datetime] = mapped_column(index=True)


def attempt(act: str, limits: Mapping[str, int], *, window: timedelta) -> None:
    """Count an attempt by each of `limits` in turn, then raise ThrottledError when one is too many within the window.

    It is counted before the work is done and in small transactions of its own: what the request then does cannot undo
    it, and attempts made at the same moment all see each other. The caller holds no open writing transaction.
    Those that follow the one refused are not counted: a person who insists does not close the door to a whole network.
    The error's `retry_after` is the longest wait of all; `facts["first"]` tells the first refusal of this window.
    What is older than a day is forgotten on the way. What lies ahead by more than the window was counted before the
    clock went back, and counts no more.
    """
    at, refused = clock.now(), list[tuple[int, datetime]]()
    for who, limit in limits.items():
        is_counted = not refused
        if is_counted:
            _count(act, who[:254], at)
        over = _over(act, who[:254], limit, at, window, ahead=0 if is_counted else 1)
        if over is not None:
            refused.append(over)
    if not refused:
        return
    wait = max(1, *(int((leaving + window - at).total_seconds()) for _over_by, leaving in refused))
    message = _("Trop de tentatives. Réessayez dans %(minutes)s min.", minutes=-(-wait // 60))
    raise ThrottledError(message, retry_after=wait, first=refused[0][0] == 1)


def _count(act: str, who: str, at: datetime) -> None:
    with access_mode(writing=True), db.engine.begin() as connection:
        connection.execute(delete(Attempt).where(Attempt.at < at - RETENTION))
        connection.execute(insert(Attempt).values(act=act, who=who, at=at))


def _over(
    act: str, who: str, limit: int, at: datetime, window: timedelta, *, ahead: int
) -> tuple[int, datetime] | None:
    """By how many the attempts are over the limit, `ahead` more being made, and the one that must leave the window."""
    made = [Attempt.act == act, Attempt.who == who, Attempt.at > at - window, Attempt.at <= at + window]
    with access_mode(writing=False), db.engine.begin() as connection:
        count = connection.scalar(select(func.count()).select_from(Attempt).where(*made)) or 0
        if count + ahead <= limit:
            return None
        last = select(Attempt.at).where(*made).order_by(Attempt.at.desc()).offset(limit - 1).limit(1)
        return count + ahead - limit, connection.scalars(last).one()


def forget(act: str, who: str) -> None:
    """A success clears the slate of one person, in the caller's transaction."""
    db.session.execute(delete(Attempt).where(Attempt.act == act, Attempt.who == who))


def network_of(address: str | None) -> str:
    """The network an address stands for: its /24 (IPv4) or /48 (IPv6), so that one machine does not count as many."""
    try:
        found = ip_address(address or "")
    except ValueError:
        return "unknown"
    mapped = getattr(found, "ipv4_mapped", None)
    if mapped is not None:
        found = mapped
    return str(ip_network(f"{found}/{24 if found.version == 4 else 48}", strict=False))
