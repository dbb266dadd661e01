"""Uploaded files: stored under random names, after a process with limits has read them."""

import hashlib
import re
import secrets
import time
import unicodedata
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from io import BytesIO
from typing import IO, ClassVar, Protocol
from urllib.parse import quote
from uuid import UUID

from flask import current_app, g, has_request_context, request
from sqlalchemy import BigInteger, CheckConstraint, Index, String, event, func, inspect, select
from sqlalchemy.orm import Mapped, Session, mapped_column
from werkzeug.datastructures import FileStorage
from werkzeug.wrappers import Response
from werkzeug.wsgi import FileWrapper

from grants.kernel import bounded, clock, files, journal, pages
from grants.kernel.actor import ANONYMOUS, Actor, system
from grants.kernel.db import Keyed, Model, before_commit, db, noted_in_transaction, text_enum
from grants.kernel.errors import AppError, InvalidError, MissingError, RefusedError
from grants.kernel.examining.found import FileFacts, UnfitError
from grants.kernel.files import FileInfo
from grants.kernel.formats import ENVELOPES, FORMATS, LABELS, UNFIT
from grants.kernel.rowdigests import Recorded
from grants.kernel.text import composed
from grants.kernel.words import _

SETTLING = timedelta(hours=1)  # how long a file may be on its way before it counts as forgotten
_INCOMING = "incoming"
_ASIDE = "set-aside"
_PENDING = "uploads_pending"
_GONE = "uploads_gone"
noted_in_transaction(_GONE, list)
_OUTCOMES = "upload_outcomes"
RETENTION = timedelta(days=30)  # how long a removed file, or one without a row, waits before it is destroyed
DOSSIER_MOST = 300_000_000  # bytes of one dossier, copies and removed files included
DAY_MOST = 600_000_000  # bytes one person gives in a day
MOST_SENT = 20  # files of one request
ALL_SENT = 40.0  # seconds for all of them
_PLACE = re.compile(r"[0-9a-f]{2}/[0-9a-f]{32}")
LONGEST_NAME = 1000  # characters of a file name that are looked at: its beginning and its end
_BREAKERS = re.compile(r'[<>:"|?*\x00]')


class Clearance(StrEnum):
    """Whether a file was checked by an antivirus; without one it stays pending and says so."""

    PENDING = "pending"
    CLEAN = "clean"
    REFUSED = "refused"


class StoredFile(Recorded, Keyed, Model):
    """What is known of a stored file. It belongs to an application's dossier, an organisation, or both.

    `name`, `size`, `sha256` and `place` speak of the bytes that came, kept as they came; `copy_*` of what is shown in
    their place when they are not fit for it, derived from them. `signed`: it carries an electronic signature, which
    nobody here verified. `rewritten`: it came before originals were kept, so that `sha256` is that of the bytes
    rewritten on arrival. `removed_at`: taken out by its people, destroyed after `RETENTION`.
    """

    __tablename__ = "stored_file"
    not_recorded: ClassVar = frozenset({"clearance"})
    __table_args__ = (
        CheckConstraint("size > 0", name="size_positive"),
        CheckConstraint(
            "(copy_place IS NULL) = (copy_name IS NULL) AND (copy_place IS NULL) = (copy_size IS NULL) "
            "AND (copy_place IS NULL) = (copy_sha256 IS NULL)",
            name="copy_whole",
        ),
        Index("ix_stored_file_given_by_given_at", "given_by", "given_at"),
    )

    name: Mapped[str] = mapped_column(String(200))
    media_type: Mapped[str] = mapped_column(String(100))
    size: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str] = mapped_column(String(64))
    place: Mapped[str] = mapped_column(String(80), unique=True)
    clearance: Mapped[Clearance] = mapped_column(text_enum(Clearance), default=Clearance.PENDING)
    organisation_id: Mapped[UUID | None] = mapped_column(index=True)
    dossier_id: Mapped[UUID | None] = mapped_column(index=True)
    given_by: Mapped[UUID | None]
    given_at: Mapped[datetime]
    copy_name: Mapped[str | None] = mapped_column(String(200))
    copy_size: Mapped[int | None] = mapped_column(BigInteger)
    copy_sha256: Mapped[str | None] = mapped_column(String(64))
    copy_place: Mapped[str | None] = mapped_column(String(80), unique=True)
    signed: Mapped[bool] = mapped_column(default=False)
    rewritten: Mapped[bool] = mapped_column(default=False)
    removed_at: Mapped[datetime | None]


class UploadedFile(Protocol):
    """A file as a form hands it over (Werkzeug's FileStorage is one)."""

    @property
    def filename(self) -> str | None: ...

    @property
    def stream(self) -> IO[bytes]: ...


class StoreError(AppError):
    """The store cannot take or give the file now (503): full disk, too many files at once, file missing or altered."""

    status = 503


# ---- in ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Examined:
    """A file that was read by a process with limits and may be kept."""

    name: str
    media_type: str
    content: bytes
    found: FileFacts


Given = UploadedFile | Examined


def read_within_limits(reader: str, content: bytes) -> FileFacts:
    """What a reader finds in a file, in a process with limits. Raises UnfitError, BusyError: see `bounded.examine`."""
    return bounded.examine(reader, content, folder=current_app.config["SETTINGS"].instance / "examining")


def examine(upload: UploadedFile) -> Examined:
    """Read a file in a process with limits (`bounded`); nothing may be open in the database meanwhile.

    Raises InvalidError with what is wrong and the formats accepted; StoreError when too many files came at once.
    """
    name = clean_name(upload.filename or "")
    suffix = name.rpartition(".")[2].lower()
    settings = current_app.config["SETTINGS"]
    upload.stream.seek(0)
    content = upload.stream.read(settings.max_upload + 1)
    reason = _why_not(name, suffix, content, settings.max_upload)
    if reason is not None:
        raise InvalidError(reason)
    known = FORMATS[suffix]
    try:
        found = read_within_limits(known.reader, content)
    except bounded.BusyError as error:
        raise StoreError(
            _("Votre fichier n’a pas pu être contrôlé à temps : rien n’a été enregistré. Envoyez-le dans une minute."),
            title=_("Beaucoup de fichiers arrivent en ce moment"), retry_after=60,
        ) from error  # fmt: skip
    except UnfitError as error:
        current_app.logger.info("file refused: %s %s", suffix, error.code)
        raise InvalidError(f"{UNFIT[error.code]} {_formats()}", reason=error.code) from error
    return Examined(name, known.media_type, content, found)


def examine_sent() -> None:
    """Examine every file of this request before its transaction begins; `accept` then finds what was told of each.

    Said on a view by `@prepared_by(examine_sent)`. Raises RuntimeError when a transaction is open, StoreError when too
    many files came at once: the whole request is to be sent again.
    """
    if db.session().in_transaction():
        raise RuntimeError("a file is never examined while a transaction is open")
    limit = time.monotonic() + ALL_SENT
    outcomes: dict[int, Examined | InvalidError] = g.setdefault(_OUTCOMES, {})
    for file in _sent():
        if len(outcomes) >= MOST_SENT or time.monotonic() > limit:
            outcomes[id(file)] = InvalidError(_("Trop de fichiers à la fois : envoyez celui-ci à part."))
        else:
            outcomes[id(file)] = _outcome(file)


def _sent() -> list[FileStorage]:
    """The files of this request that have a name."""
    return [file for files in request.files.listvalues() for file in files if file.filename]


def _outcome(upload: UploadedFile) -> Examined | InvalidError:
    try:
        return examine(upload)
    except InvalidError as error:
        return error


def accept(
    upload: Given,
    *,
    by: Actor,
    organisation_id: UUID | None = None,
    dossier_id: UUID | None = None,
    field: str | None = None,
) -> StoredFile:
    """Keep a file that was examined, if the transaction commits.

    Raises InvalidError on `field` with what is wrong and the formats accepted; nothing is kept then. In a request,
    files are examined before the transaction (`examine_sent`): a view that forgot to say so gets RuntimeError. The
    command line and tests may give a file that was not examined yet.
    """
    outcome = upload if isinstance(upload, Examined) else _outcome_of(upload)
    if isinstance(outcome, InvalidError):
        raise InvalidError(outcome.message, field=field, **outcome.facts) from outcome
    _check_room(len(outcome.content) + len(outcome.found.copy or b""), by=by, dossier_id=dossier_id, field=field)
    return keep(
        outcome.content,
        name=outcome.name,
        media_type=outcome.media_type,
        found=outcome.found,
        by=by,
        organisation_id=organisation_id,
        dossier_id=dossier_id,
    )


def _check_room(size: int, *, by: Actor, dossier_id: UUID | None, field: str | None) -> None:
    """Raises InvalidError when a dossier, or what one person gave in a day, would exceed its share of the disk.

    What was removed counts until it is destroyed.
    """
    held = func.coalesce(func.sum(StoredFile.size + func.coalesce(StoredFile.copy_size, 0)), 0)
    if dossier_id is not None:
        of_dossier = db.session.scalar(select(held).where(StoredFile.dossier_id == dossier_id)) or 0
        if of_dossier + size > DOSSIER_MOST:
            most = pages.file_size(DOSSIER_MOST)
            message = _("Ce dossier a reçu trop de fichiers : %(most)s au plus, fichiers retirés compris.", most=most)
            raise InvalidError(message, field=field)
    if by.id is not None:
        since = clock.now() - timedelta(days=1)
        of_person = select(held).where(StoredFile.given_by == by.id, StoredFile.given_at > since)
        if (db.session.scalar(of_person) or 0) + size > DAY_MOST:
            message = _("Vous avez envoyé trop de fichiers depuis hier : réessayez demain.")
            raise InvalidError(message, field=field)


def _outcome_of(upload: UploadedFile) -> Examined | InvalidError:
    outcome: Examined | InvalidError | None = g.get(_OUTCOMES, {}).get(id(upload))
    if outcome is not None:
        return outcome
    if has_request_context() and any(file is upload for file in _sent()):
        raise RuntimeError("this view takes files: it must say @prepared_by(uploads.examine_sent)")
    return _outcome(upload)


def _why_not(name: str, suffix: str, content: bytes, limit: int) -> str | None:
    if not name:
        return _("Choisissez un fichier.")
    if suffix in ENVELOPES:
        return _("Ce fichier est une enveloppe de signature : déposez le PDF signé qu’elle contient.")
    if suffix not in FORMATS or "." not in name:
        return " ".join((_("Ce type de fichier n’est pas accepté."), _formats()))
    if not content:
        return " ".join((_("Ce fichier est vide."), _formats()))
    if len(content) > limit:
        most = pages.file_size(limit)
        return " ".join((_("Ce fichier est trop lourd : %(most)s au plus.", most=most), _formats()))
    return None


def _formats() -> str:
    return _("Formats acceptés : %(formats)s.", formats=LABELS)


def clean_name(given: str) -> str:
    """A name fit to be shown: no folder, no control or direction character, 200 characters at most, suffix kept."""
    last = given.replace("\\", "/").rpartition("/")[2]
    bounded = last if len(last) <= LONGEST_NAME else last[: LONGEST_NAME // 2] + last[-LONGEST_NAME // 2 :]
    spaced = "".join(" " if unicodedata.category(c) in {"Zs", "Zl", "Zp"} else c for c in composed(bounded))
    characters = "".join(c for c in spaced if unicodedata.category(c) not in {"Cc", "Cf", "Cs", "Co", "Cn"})
    tidy = " ".join(_BREAKERS.sub("_", characters).split()).rstrip(". ")
    stem, dot, suffix = tidy.rpartition(".")
    if dot and suffix.isalnum() and len(suffix) <= 10:
        return f"{stem.strip('. ')[: 199 - len(suffix)].rstrip('. ') or 'document'}.{suffix}"
    return tidy.lstrip(". ")[:200].rstrip(". ")


def keep(
    content: bytes,
    *,
    name: str,
    media_type: str,
    by: Actor,
    found: FileFacts | None = None,
    organisation_id: UUID | None = None,
    dossier_id: UUID | None = None,
) -> StoredFile:
    """Store bytes as they are: checked by `accept`, or made by this application itself.

    `found` is what their examination told; its copy is kept beside them. They wait in temporary files, safe on disk,
    and move to their places as the last act before the commit: there is never a row without its files. Raises
    StoreError when the disk refuses.
    """
    found = found or FileFacts()
    token = secrets.token_hex(16)
    stored = StoredFile(
        name=name,
        media_type=media_type,
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        place=_wait(content, token),
        organisation_id=organisation_id,
        dossier_id=dossier_id,
        given_by=by.id,
        given_at=clock.now(),
        signed=found.signed,
    )
    waiting = [(token, stored.place)]
    facts = {"size": stored.size, "sha256": stored.sha256}
    if found.copy is not None:
        token = secrets.token_hex(16)
        stored.copy_name = f"{name.rpartition('.')[0]}.{found.suffix}" if found.suffix else name
        stored.copy_size = len(found.copy)
        stored.copy_sha256 = facts["copy_sha256"] = hashlib.sha256(found.copy).hexdigest()
        stored.copy_place = _wait(found.copy, token)
        waiting.append((token, stored.copy_place))
    db.session.add(stored)
    db.session.info.setdefault(_PENDING, []).append((stored, waiting))
    journal.record("file.stored", stored, by=by, **facts)
    return stored


def _wait(content: bytes, token: str) -> str:
    """Keep bytes under a temporary key; returns the place they will have."""
    store, waiting = files.store(), f"{_INCOMING}/{token}"
    try:
        store.put(waiting, BytesIO(content))
    except OSError as error:
        with suppress(OSError):
            store.delete(waiting)
        current_app.logger.exception("the store refuses a file")
        raise StoreError(_("Le fichier n’a pas pu être enregistré. Réessayez dans quelques minutes.")) from error
    return f"{token[:2]}/{token}"


@before_commit
def _settle() -> None:
    """Move waiting files to their places.

    Should the commit fail after this, `sweep` sets the file aside later: removing it at once could take it from its
    row, if only the answer to the commit was lost.
    """
    for stored, waiting in db.session.info.pop(_PENDING, []):
        for token, place in waiting:
            if inspect(stored).persistent:
                files.store().move(f"{_INCOMING}/{token}", _checked(place))
            else:
                files.store().delete(f"{_INCOMING}/{token}")


@event.listens_for(Session, "after_rollback")
def _forget(session: Session) -> None:
    if session.in_nested_transaction():
        return
    for _stored, waiting in session.info.pop(_PENDING, []):
        for token, _place in waiting:
            files.store().delete(f"{_INCOMING}/{token}")


@event.listens_for(Session, "after_commit")
def _destroy(session: Session) -> None:
    """Destroy the bytes whose rows are gone; should this not happen, `sweep` finds them."""
    for place in session.info.pop(_GONE, ()):
        files.store().delete(_checked(place))


# ---- out -----------------------------------------------------------------------------------------------------------


def read(stored: StoredFile) -> bytes:
    """The bytes that came, exactly. Raises StoreError when they are missing or altered."""
    return _read(stored.id, stored.place, stored.size, stored.sha256)


def read_shown(stored: StoredFile) -> bytes:
    """The bytes to show: the copy, or those that came when they need none. Raises StoreError."""
    if stored.copy_place is None:
        return read(stored)
    return _read(stored.id, stored.copy_place, stored.copy_size, stored.copy_sha256)


def _read(file_id: UUID, place: str, size: int | None, sha256: str | None) -> bytes:
    try:
        with files.store().open(_checked(place)) as stream:
            content = stream.read()
    except OSError as error:
        current_app.logger.exception("a stored file cannot be read: %s", file_id)
        raise StoreError(_("Ce fichier est introuvable. L’équipe du fonds en est avertie.")) from error
    if len(content) != size or hashlib.sha256(content).hexdigest() != sha256:
        current_app.logger.error("a stored file was altered: %s", file_id)
        raise StoreError(_("Ce fichier a été altéré : il n’est plus remis. L’équipe du fonds en est avertie."))
    return content


def again(stored: StoredFile) -> Examined:
    """A stored file, to be kept once more beside another thing: its bytes and their copy, as they are.

    Raises StoreError when they are missing or altered, RefusedError when the antivirus refused the file, MissingError
    when it was removed.
    """
    check_given(stored)
    if stored.copy_place is None:
        return Examined(stored.name, stored.media_type, read(stored), FileFacts(signed=stored.signed))
    suffix = (stored.copy_name or "").rpartition(".")[2]
    found = FileFacts(read_shown(stored), suffix if stored.copy_name != stored.name else "", stored.signed)
    return Examined(stored.name, stored.media_type, read(stored), found)


def check_given(stored: StoredFile) -> None:
    """Raise MissingError for a file that was removed, RefusedError for one that the antivirus refused."""
    if stored.removed_at is not None:
        raise MissingError
    if stored.clearance is Clearance.REFUSED:
        raise RefusedError(_("L’antivirus a refusé ce fichier : il n’est pas remis."))


def file_note(stored: StoredFile) -> str:
    """What tells a file from another of the same name: its size, and when it came."""
    came = _("reçu le %(at)s", at=pages.instant(stored.given_at))
    return f"{pages.file_size(stored.size)}, {came}"


def send(stored: StoredFile, *, to: Actor = ANONYMOUS, original: bool = False) -> Response:
    """The file as an attachment that no browser opens in the name of this site.

    Those it comes from get the bytes they sent; others get the copy, and the original when they ask for it. Raises
    StoreError, RefusedError when the antivirus refused it, MissingError when it was removed.
    """
    check_given(stored)
    theirs = to.id is not None and (to.id == stored.given_by or stored.organisation_id in to.organisations)
    if original or theirs:
        return attachment(read(stored), stored.name)
    return attachment(read_shown(stored), stored.copy_name or stored.name)


def attachment(content: bytes | IO[bytes], name: str, size: int | None = None) -> Response:
    """Bytes offered under a name (RFC 6266), of no type a browser would show, in a sandbox, kept by no cache.

    Those of a stream are sent bit by bit, and it is closed in the end; `size` then tells how many they are.
    """
    body = content if isinstance(content, bytes) else FileWrapper(content, 65_536)
    response = Response(body, content_type="application/octet-stream")
    if size is not None:
        response.content_length = size
    plain = composed(name, "NFKD").encode("ascii", "ignore").decode().replace('"', "_") or "document"
    options = {"filename": plain}
    if plain != name:
        options["filename*"] = f"UTF-8''{quote(name, safe='')}"
    response.headers.set("Content-Disposition", "attachment", **options)
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Content-Security-Policy"] = "sandbox; default-src 'none'"
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    response.headers["Cache-Control"] = "no-store"
    return response


# ---- upkeep --------------------------------------------------------------------------------------------------------


def why_not_writable() -> str | None:
    """The reason why the store takes no file now, or None."""
    trial = f"{_INCOMING}/trial-{secrets.token_hex(8)}"
    try:
        files.store().put(trial, BytesIO(b"trial"))
        files.store().delete(trial)
    except OSError as error:
        return str(error)
    return None


def sweep() -> int:
    """Remove forgotten temporary files and set aside files without a row; returns how many. For the worker."""
    store, before = files.store(), clock.now() - SETTLING
    late = [file for file in store.list(_INCOMING) if file.since < before]
    for file in late:
        store.delete(file.key)
    lost = list(_orphans())
    for file in lost:
        store.move(file.key, f"{_ASIDE}/{file.name}")  # from now on counts how long it is kept
    return len(late) + len(lost)


def remove(stored: StoredFile, *, by: Actor) -> None:
    """Take a file out: nobody gets it any more, and `purge` destroys it after `RETENTION`."""
    stored.removed_at = clock.now()
    journal.record("file.removed", stored, by=by)


def purge() -> int:
    """Destroy what was removed, or set aside without a row, more than `RETENTION` ago. For the worker.

    Returns how many. Each destroyed file leaves a line in the journal.
    """
    by, before = system("uploads"), clock.now() - RETENTION
    removed = db.session.scalars(select(StoredFile).where(StoredFile.removed_at < before)).all()
    for stored in removed:
        journal.record("file.destroyed", stored, by=by, size=stored.size, sha256=stored.sha256)
        gone = (place for place in (stored.place, stored.copy_place) if place is not None)
        db.session.info.setdefault(_GONE, []).extend(gone)
        db.session.delete(stored)
    aside = [file for file in files.store().list(_ASIDE) if file.since < before]
    for file in aside:
        journal.record("file.destroyed", None, by=by, size=file.size, place=file.name)
        files.store().delete(file.key)
    return len(removed) + len(aside)


def _orphans() -> Iterator[FileInfo]:
    """Files that no row knows, older than any running transaction, one group at a time."""
    before = clock.now() - SETTLING
    for group in (f"{number:02x}" for number in range(256)):
        settled = [file for file in files.store().list(group) if file.since < before]
        known: set[str | None] = set()
        for place in (StoredFile.place, StoredFile.copy_place) if settled else ():
            known |= set(db.session.scalars(select(place).where(place.startswith(f"{group}/"))))
        yield from (file for file in settled if file.key not in known)


def problems() -> Iterator[str]:
    """For `grants verify`: each row without its exact file or copy, each file without its row."""
    of = StoredFile
    rows = select(of.id, of.place, of.sha256, of.copy_place, of.copy_sha256)
    for row in db.session.execute(rows.order_by(of.given_at).execution_options(yield_per=500)):
        if not files.store().exists(_checked(row.place)):
            yield _("Fichier %(id)s : absent du stockage.", id=row.id)
        elif not _holds(row.place, row.sha256):
            yield _("Fichier %(id)s : son contenu n’est plus celui qui a été déposé.", id=row.id)
        if row.copy_place is not None and not _holds(row.copy_place, row.copy_sha256):
            yield _("Fichier %(id)s : la copie à montrer est absente ou altérée.", id=row.id)
    for file in _orphans():
        yield _("Fichier %(place)s : il n’appartient à aucun enregistrement.", place=file.key)


def _holds(place: str, sha256: str) -> bool:
    store = files.store()
    return store.exists(_checked(place)) and store.digest(place) == sha256


def _checked(place: str) -> str:
    """A place as `_wait` gives them. Raises StoreError for anything else that a row may say."""
    if not _PLACE.fullmatch(place):
        raise StoreError(_("Ce fichier est introuvable. L’équipe du fonds en est avertie."))
    return place
