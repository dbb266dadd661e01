"""Addresses that refuse our letters: since when, by whose word, until somebody proves that letters arrive again."""

import hashlib
import re
import secrets
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from sqlalchemy import CheckConstraint, String, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, mapped_column

from grants.kernel import clock, journal
from grants.kernel.actor import Actor
from grants.kernel.db import Model, db, text_enum

CHECK_LASTS = timedelta(days=1)
BETWEEN_CHECKS = timedelta(minutes=10)
# Answers to RCPT that speak of our commands or our rights with the relay, never of an address.
_OF_OURS = frozenset({500, 501, 502, 503, 504, 521, 530, 534, 535, 538})
_STATUS = re.compile(r"(?<![\d.])[245]\.\d{1,3}\.\d{1,3}(?![\d.])", re.ASCII)


class RefusalSource(StrEnum):
    """Who said that an address refuses: the relay while a letter left, or a delivery report that came back."""

    RELAY = "relay"
    REPORT = "report"


class SentLetter(Protocol):
    """What is asked of a letter that was refused."""

    id: UUID
    created_at: datetime


class RefusedAddress(Model):
    """An address that refused a letter for good. `cleared_at` ends it; letters written before it mark it no more.

    `check_digest` is the digest of the secret in the last letter that asked whether letters arrive again.
    """

    __tablename__ = "refused_address"
    __table_args__ = (CheckConstraint("(check_digest IS NULL) = (check_sent_at IS NULL)", name="check_whole"),)

    address: Mapped[str] = mapped_column(String(254), primary_key=True)
    since_at: Mapped[datetime]
    status: Mapped[str] = mapped_column(String(20))
    source: Mapped[RefusalSource] = mapped_column(text_enum(RefusalSource))
    cleared_at: Mapped[datetime | None]
    check_digest: Mapped[str | None] = mapped_column(String(64), unique=True)
    check_sent_at: Mapped[datetime | None]


def status_in(text: str) -> str | None:
    """The first enhanced status of a text (RFC 3463: 5.1.1), or None."""
    found = _STATUS.search(text[:2000])
    return found[0] if found else None


def permanent_status(code: int, text: str) -> str | None:
    """The status of an answer of the relay that refuses an address for good; None for one that may pass, or that speaks
    of us: our commands, our rights with the relay, its policy (5.7)."""
    status = status_in(text)
    if not 500 <= code <= 599 or code in _OF_OURS or (status or "").startswith(("2.", "4.", "5.7.")):
        return None
    return status or str(code)


def mark(address: str, *, status: str, source: RefusalSource, letter: SentLetter, by: Actor) -> bool:
    """Say that an address refused a letter for good, with a line in the journal that names the letter, not the address.

    False when it was known, or when letters were found to arrive again after this one was written.
    """
    address, at = address.strip().lower(), clock.now()
    insert = postgresql.insert if db.session.get_bind().dialect.name == "postgresql" else sqlite.insert
    added = insert(RefusedAddress).values(address=address, since_at=at, status=status[:20], source=source)
    added = added.on_conflict_do_nothing(index_elements=["address"])
    is_new = db.session.scalar(added.returning(RefusedAddress.address)) is not None
    if not is_new:
        known = db.session.get_one(RefusedAddress, address, with_for_update=True, populate_existing=True)
        if known.cleared_at is None or letter.created_at <= known.cleared_at:
            return False
        known.since_at, known.status, known.source, known.cleared_at = at, status[:20], source, None
        known.check_digest = known.check_sent_at = None
    journal.record("letter.refused", letter, by=by, status=status[:20], how=source.value)
    return True


def refused(address: str) -> RefusedAddress | None:
    """What is known of an address that refuses letters now; None for any other."""
    found = db.session.get(RefusedAddress, address.strip().lower())
    return found if found is not None and found.cleared_at is None else None


def begin_check(known: RefusedAddress) -> str | None:
    """A secret for a letter that asks whether letters arrive again; None while the last one is a few minutes old."""
    at = clock.now()
    db.session.refresh(known, with_for_update=True)
    if known.check_sent_at is not None and at - known.check_sent_at < BETWEEN_CHECKS:
        return None
    secret = secrets.token_urlsafe(32)
    known.check_digest, known.check_sent_at = _digest(secret), at
    return secret


def checked(secret: str) -> RefusedAddress | None:
    """The address whose letter carried a secret, while that is worth something."""
    found = db.session.scalar(select(RefusedAddress).where(RefusedAddress.check_digest == _digest(secret)))
    if found is None or found.cleared_at is not None or found.check_sent_at is None:
        return None
    return found if clock.now() - found.check_sent_at < CHECK_LASTS else None


def clear(known: RefusedAddress, *, by: Actor) -> None:
    """Say that letters arrive again at an address."""
    known.cleared_at, known.check_digest, known.check_sent_at = clock.now(), None, None
    journal.record("letter.arrives_again", None, by=by)


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
