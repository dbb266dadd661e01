"""The outbox: letters are rows written with the act that causes them, and leave afterwards under a lease."""

import smtplib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit
from uuid import UUID

from flask import current_app, render_template
from sqlalchemy import String, Text, UniqueConstraint, select, update
from sqlalchemy.orm import Mapped, mapped_column

from grants.kernel import clock
from grants.kernel.db import Keyed, Model, db, unit_of_work
from grants.kernel.words import force_locale

LEASE = timedelta(seconds=60)
MAX_ATTEMPTS = 8


class Letter(Keyed, Model):
    """One message to one address. `dedup` makes the act that writes it safe to repeat."""

    __tablename__ = "letter"
    __table_args__ = (UniqueConstraint("dedup"),)

    kind: Mapped[str] = mapped_column(String(60))
    recipient: Mapped[str] = mapped_column(String(254))
    subject: Mapped[str] = mapped_column(String(250))
    body: Mapped[str] = mapped_column(Text)
    locale: Mapped[str] = mapped_column(String(2))
    dossier_id: Mapped[UUID | None] = mapped_column(index=True)
    dedup: Mapped[str] = mapped_column(String(200))
    created_at: Mapped[datetime] = mapped_column(index=True)
    lease_until: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(default=0)
    sent_at: Mapped[datetime | None] = mapped_column(index=True)
    error: Mapped[str | None] = mapped_column(String(500))


def write(
    template: str, *, to: str, dedup: str, locale: str = "fr", dossier_id: UUID | None = None, **context: Any
) -> Letter:
    """Put a letter in the outbox, in the transaction of the act. Sent once the act is committed.

    `template` is a text file of templates/letters/: its first line is the subject, a blank line, then the body.
    """
    with force_locale(locale):
        text = render_template(f"letters/{template}.txt", **context)
    subject, _, body = text.strip().partition("\n")
    letter = Letter(
        kind=template,
        recipient=to,
        subject=" ".join(subject.split())[:250],
        body=body.strip() + "\n",
        locale=locale,
        dossier_id=dossier_id,
        dedup=dedup[:200],
        created_at=clock.now(),
    )
    db.session.add(letter)
    return letter


class Carrier(Protocol):
    """What takes a message away; raises OSError when it cannot."""

    def __call__(self, message: EmailMessage) -> None: ...


@dataclass(frozen=True)
class SmtpCarrier:
    """An SMTP relay given as smtp://[user:password@]host[:port] or smtps://…"""

    url: str

    def __call__(self, message: EmailMessage) -> None:
        parts = urlsplit(self.url)
        kind = smtplib.SMTP_SSL if parts.scheme == "smtps" else smtplib.SMTP
        with kind(
            parts.hostname or "localhost", parts.port or (465 if parts.scheme == "smtps" else 25), timeout=20
        ) as c:
            if parts.username:
                c.login(unquote(parts.username), unquote(parts.password or ""))
            c.send_message(message)


@dataclass(frozen=True)
class FolderCarrier:
    """Files in a folder, one per message: the demonstration, and machines without a relay."""

    folder: Path

    def __call__(self, message: EmailMessage) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        name = str(message["Message-ID"]).strip("<>").split("@")[0]
        (self.folder / f"{name}.eml").write_bytes(message.as_bytes(policy=SMTP))


def message_of(letter: Letter, sender: str) -> EmailMessage:
    """The letter as a mail; its Message-ID comes from its key, so that a repeated sending is recognised."""
    message = EmailMessage()
    message["From"] = sender
    message["To"] = letter.recipient
    message["Subject"] = letter.subject
    message["Message-ID"] = f"<{letter.id}@{sender.rpartition('@')[2].rstrip('>')}>"
    message["Date"] = letter.created_at
    message["Auto-Submitted"] = "auto-generated"
    message["Content-Language"] = letter.locale
    message.set_content(letter.body)
    return message


def claim(limit: int = 20) -> Sequence[UUID]:
    """Take a lease on letters that wait; two workers never hold the same one."""
    at = clock.now()
    ready = (
        select(Letter.id)
        .where(Letter.sent_at.is_(None), Letter.attempts < MAX_ATTEMPTS)
        .where((Letter.lease_until.is_(None)) | (Letter.lease_until < at))
        .order_by(Letter.created_at, Letter.id)
        .limit(limit)
    )
    if db.session.get_bind().dialect.name == "postgresql":
        ready = ready.with_for_update(skip_locked=True)
    with unit_of_work() as session:
        taken = session.execute(
            update(Letter)
            .where(Letter.id.in_(ready))
            .values(lease_until=at + LEASE, attempts=Letter.attempts + 1)
            .returning(Letter.id)
            .execution_options(synchronize_session=False)
        )
        return list(taken.scalars())


def deliver(carrier: Carrier, sender: str, limit: int = 20) -> int:
    """Send what waits; returns how many left. A failure is kept with the letter and tried again after its lease."""
    sent = 0
    for letter_id in claim(limit):
        letter = db.session.get(Letter, letter_id)
        if letter is None:
            continue
        error = None
        try:
            carrier(message_of(letter, sender))
        except (OSError, smtplib.SMTPException, ValueError) as problem:
            error = f"{type(problem).__name__}: {problem}"[:500]
            current_app.logger.warning("letter %s not sent: %s", letter_id, error)
        with unit_of_work():
            letter.error = error
            if error is None:
                letter.sent_at = clock.now()
                sent += 1
    return sent


def waiting() -> int:
    """How many letters have not left yet."""
    return len(db.session.execute(select(Letter.id).where(Letter.sent_at.is_(None))).all())
