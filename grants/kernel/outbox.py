"""The outbox: letters are rows written with the act that causes them, and leave afterwards under a lease."""

import smtplib
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from typing import Any, ClassVar, Protocol, cast
from urllib.parse import unquote, urlsplit
from uuid import UUID

from flask import current_app, render_template
from sqlalchemy import String, Table, Text, UniqueConstraint, func, or_, select, update
from sqlalchemy.orm import Mapped, mapped_column

from grants.kernel import clock, papers, refusals
from grants.kernel.actor import system
from grants.kernel.db import Keyed, Model, db, unit_of_work
from grants.kernel.encryption import decrypt, encrypt
from grants.kernel.refusals import RefusalSource
from grants.kernel.rowdigests import Recorded
from grants.kernel.words import force_locale

LEASE = timedelta(minutes=5)  # longer than the slowest conversation with a relay
MAX_ATTEMPTS = 8
TROUBLE_WAIT = timedelta(minutes=1)
LONGEST_WAIT = timedelta(minutes=2**MAX_ATTEMPTS)  # a lease beyond it was taken before the clock went back
SMTP_TIMEOUT = 20
SECRET = "[lien personnel]"  # noqa: S105 - what stands for one
SECRETS_RETENTION = timedelta(days=30)
# What concerns one letter; everything else (no relay, wrong password, sender not allowed) concerns them all.
_REFUSALS = (smtplib.SMTPDataError, smtplib.SMTPRecipientsRefused, smtplib.SMTPNotSupportedError, ValueError)
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}


class Letter(Recorded, Keyed, Model):
    """One message to one address. `dedup` makes the act that writes it safe to repeat.

    `secret` is what opens an account or an invitation, sealed; SECRET stands for it in `body`, and it is forgotten once
    the letter has left. What a letter says never changes, and the journal has its digest; how it leaves has none.
    """

    __tablename__ = "letter"
    not_recorded: ClassVar = frozenset({"lease_until", "attempts", "sent_at", "error", "secret"})
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
    secret: Mapped[str | None] = mapped_column(Text)


@dataclass(frozen=True)
class Enclosure:
    """An issued paper that leaves with a letter, as PDF under a name."""

    paper_id: UUID
    name: str


# By kind of letter: what is enclosed in it, None when there is nothing. A chapter names its own.
_ENCLOSURES: dict[str, Callable[[Letter], Enclosure | None]] = {}

# Written to as a table, without asking which rows are reached: these columns have no digest.
_OUTBOX = cast(Table, Letter.__table__)


def write(
    template: str,
    *,
    to: str,
    dedup: str,
    locale: str = "fr",
    dossier_id: UUID | None = None,
    secret: str | None = None,
    **context: Any,
) -> Letter:
    """Put a letter in the outbox, in the transaction of the act. Sent once the act is committed.

    `template` is a text file of templates/letters/: its first line is the subject, a blank line, then the body. A
    `secret` (the end of a link that opens something) is given to the template under that name, and kept apart.
    """
    with force_locale(locale):
        text = render_template(f"letters/{template}.txt", secret=secret, **context)
    subject, _, body = text.strip().partition("\n")
    if secret is not None:
        body = body.replace(secret, SECRET)
    letter = Letter(
        kind=template,
        recipient=to,
        subject=" ".join(subject.split())[:250],
        body=body.strip() + "\n",
        locale=locale,
        dossier_id=dossier_id,
        dedup=dedup[:200],
        created_at=clock.now(),
        secret=None if secret is None else encrypt(secret),
    )
    db.session.add(letter)
    return letter


def enclose(template: str, find: Callable[[Letter], Enclosure | None]) -> None:
    """Let a paper leave with each letter of a kind: `find` names it, in a transaction of its own."""
    _ENCLOSURES[template] = find


def enclosure_of(letter: Letter) -> Enclosure | None:
    """What leaves with a letter beside its text."""
    find = _ENCLOSURES.get(letter.kind)
    return find(letter) if find is not None else None


def body_of(letter: Letter) -> str:
    """The body as it leaves: with its secret, as long as that is kept."""
    return letter.body if letter.secret is None else letter.body.replace(SECRET, decrypt(letter.secret))


class Carrier(Protocol):
    """What takes a message away; raises OSError when it cannot."""

    def __call__(self, message: EmailMessage) -> None: ...


@dataclass(frozen=True)
class SmtpCarrier:
    """An SMTP relay given as smtp://, smtp+starttls:// or smtps://[user:password@]host[:port].

    Raises ValueError for anything else, and for a password that would cross a network in clear.
    """

    url: str

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme not in {"smtp", "smtp+starttls", "smtps"} or not parts.hostname:
            raise ValueError("MAIL_URL: smtp://, smtp+starttls:// or smtps://[user:password@]host[:port]")
        if parts.username and parts.scheme == "smtp" and parts.hostname not in _LOOPBACK:
            raise ValueError("MAIL_URL: a password needs smtp+starttls:// or smtps://")

    def __call__(self, message: EmailMessage) -> None:
        parts = urlsplit(self.url)
        host = parts.hostname or "localhost"
        with self._open(parts.scheme, host, parts.port) as relay:
            if parts.scheme == "smtp+starttls":
                relay.starttls(context=ssl.create_default_context())
            if parts.username:
                relay.login(unquote(parts.username), unquote(parts.password or ""))
            relay.send_message(message)

    @staticmethod
    def _open(scheme: str, host: str, port: int | None) -> smtplib.SMTP:
        if scheme == "smtps":
            return smtplib.SMTP_SSL(host, port or 465, timeout=SMTP_TIMEOUT, context=ssl.create_default_context())
        return smtplib.SMTP(host, port or (587 if scheme == "smtp+starttls" else 25), timeout=SMTP_TIMEOUT)


@dataclass(frozen=True)
class FolderCarrier:
    """Files in a folder, one per message: the demonstration, and machines without a relay."""

    folder: Path

    def __call__(self, message: EmailMessage) -> None:
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        name = str(message["Message-ID"]).strip("<>").split("@")[0]
        part = self.folder / f"{name}.part"
        part.touch(mode=0o600)
        part.write_bytes(message.as_bytes(policy=SMTP))
        part.replace(self.folder / f"{name}.eml")


def carrier_for(mail_url: str, instance: Path) -> Carrier:
    """The relay of MAIL_URL, or the folder `mail` of the instance without one. Raises ValueError as SmtpCarrier."""
    return SmtpCarrier(mail_url) if mail_url else FolderCarrier(instance / "mail")


def message_of(letter: Letter, sender: str) -> EmailMessage:
    """The letter as a mail; its Message-ID comes from its key, so that a repeated sending is recognised."""
    message = EmailMessage()
    message["From"] = sender
    message["To"] = letter.recipient
    message["Subject"] = letter.subject
    message["Message-ID"] = f"<{letter.id}@{sender.rpartition('@')[2].rstrip('>')}>"
    message["Date"] = letter.created_at
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(body_of(letter))
    message["Content-Language"] = letter.locale  # set_content drops the headers of an earlier content
    return message


def claim() -> UUID | None:
    """Take a lease on the letter that waits longest; two workers never hold the same one."""
    at, each = clock.now(), _OUTBOX.c
    ready = (
        select(each.id)
        .where(each.sent_at.is_(None), each.attempts < MAX_ATTEMPTS)
        .where(or_(each.lease_until.is_(None), each.lease_until < at, each.lease_until > at + LONGEST_WAIT))
        .order_by(each.created_at, each.id)
        .limit(1)
    )
    if db.session.get_bind().dialect.name == "postgresql":
        ready = ready.with_for_update(skip_locked=True)
    taken = update(_OUTBOX).where(each.id.in_(ready)).values(lease_until=at + LEASE, attempts=each.attempts + 1)
    with unit_of_work() as session:
        found: UUID | None = session.scalar(taken.returning(each.id))
    return found


def deliver(carrier: Carrier, sender: str, *, limit: int = 20, keep_secrets: bool = False) -> int:
    """Send what waits, one letter at a time and outside any transaction; returns how many left.

    The secret of a letter that left is forgotten, except where visitors read the letters themselves (demonstration).

    A letter the relay refuses is tried again after growing waits, MAX_ATTEMPTS times. When the relay itself is in
    trouble the round ends and the attempt does not count: after an outage every letter leaves, once, in order.
    """
    sent = 0
    while sent < limit and (letter_id := claim()) is not None:
        try:
            carrier(_message(letter_id, sender))
        except _REFUSALS as refusal:
            _put_back(letter_id, refusal, counted=True)
            if isinstance(refusal, smtplib.SMTPRecipientsRefused):
                _tell_refused(letter_id, refusal)
        except OSError as trouble:
            _put_back(letter_id, trouble, counted=False)
            break
        else:
            forgotten = {} if keep_secrets else {"secret": None}
            _update(letter_id, sent_at=clock.now(), error=None, **forgotten)
            sent += 1
    return sent


def _message(letter_id: UUID, sender: str) -> EmailMessage:
    with unit_of_work() as session:
        letter = session.get_one(Letter, letter_id)
        message, locale = message_of(letter, sender), letter.locale
        enclosed = enclosure_of(letter)
    pdf = _pdf_of(enclosed.paper_id, locale) if enclosed is not None else None
    if enclosed is not None and pdf is not None:
        message.add_attachment(pdf, maintype="application", subtype="pdf", filename=enclosed.name)
    return message


def _pdf_of(paper_id: UUID, language: str) -> bytes | None:
    """The PDF of a paper, set by now; None for one that was altered: it is given to nobody, and the letter leaves."""
    try:
        papers.keep_copies(paper_id)
        with unit_of_work() as session:
            return papers.given(session.get_one(papers.IssuedPaper, paper_id), language)
    except papers.PaperError:
        return None


def _put_back(letter_id: UUID, problem: Exception, *, counted: bool) -> None:
    """Keep the failure with the letter, and when to try again."""
    with unit_of_work() as session:
        attempts = session.get_one(Letter, letter_id).attempts
    error = f"{type(problem).__name__}: {problem}"[:500]
    current_app.logger.warning("letter %s not sent: %s", letter_id, error)
    wait = timedelta(minutes=2**attempts) if counted else TROUBLE_WAIT
    _update(letter_id, error=error, lease_until=clock.now() + wait, attempts=attempts if counted else attempts - 1)


def _tell_refused(letter_id: UUID, refusal: smtplib.SMTPRecipientsRefused) -> None:
    """Mark the address of a letter that the relay refused for good; it is tried again all the same."""
    with unit_of_work() as session:
        letter = session.get_one(Letter, letter_id)
        code, text = refusal.recipients.get(letter.recipient, (0, b""))
        said = text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)
        status = refusals.permanent_status(code, said)
        if status is not None:
            by = system("relais")
            refusals.mark(letter.recipient, status=status, source=RefusalSource.RELAY, letter=letter, by=by)


def _update(letter_id: UUID, **values: Any) -> None:
    with unit_of_work() as session:
        session.execute(update(_OUTBOX).where(_OUTBOX.c.id == letter_id).values(**values))


def forget_secrets() -> int:
    """Forget the secrets of letters so old that these open nothing any more; returns how many.

    The longest of them, an invitation, lasts less than SECRETS_RETENTION.
    """
    columns = _OUTBOX.c
    old = update(_OUTBOX).where(columns.secret.is_not(None), columns.created_at < clock.now() - SECRETS_RETENTION)
    return int(db.session.execute(old.values(secret=None)).rowcount)  # type: ignore[attr-defined]


def waiting(since: datetime | None = None) -> int:
    """How many letters have not left yet; with `since`, only those written before that instant."""
    unsent = select(func.count()).select_from(Letter).where(Letter.sent_at.is_(None))
    return db.session.scalar(unsent if since is None else unsent.where(Letter.created_at < since)) or 0


def given_up() -> int:
    """How many letters the relay refused for good."""
    refused = select(func.count()).select_from(Letter).where(Letter.sent_at.is_(None), Letter.attempts >= MAX_ATTEMPTS)
    return db.session.scalar(refused) or 0
