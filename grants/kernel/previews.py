"""Small pictures of stored files, so that one is recognised without opening it. Made by the worker, derived from what
is shown of a file, and gone with it."""

from collections.abc import Iterable
from uuid import UUID

from flask import Response
from sqlalchemy import ForeignKey, LargeBinary, func, or_, select
from sqlalchemy.orm import Mapped, mapped_column

from grants.kernel import bounded, uploads
from grants.kernel.db import Model, db, insert_or, unit_of_work
from grants.kernel.errors import MissingError
from grants.kernel.examining.found import UnfitError
from grants.kernel.uploads import Clearance, StoredFile

READERS = {"pdf": "preview_pdf", "jpg": "preview_picture", "jpeg": "preview_picture", "png": "preview_picture"}


class FilePreview(Model):
    """The small picture (JPEG) of a stored file; no content when none could be made of it."""

    __tablename__ = "file_preview"

    file_id: Mapped[UUID] = mapped_column(ForeignKey("stored_file.id", ondelete="CASCADE"), primary_key=True)
    content: Mapped[bytes | None] = mapped_column(LargeBinary)


def previewed(file_ids: Iterable[UUID]) -> set[UUID]:
    """Which of these files have a small picture; one query."""
    wanted = FilePreview.file_id.in_(list(file_ids)), FilePreview.content.is_not(None)
    return set(db.session.scalars(select(FilePreview.file_id).where(*wanted)))


def send(stored: StoredFile) -> Response:
    """The small picture of a file, kept by the reader's own browser alone: a file never changes.

    Raises MissingError when there is none or the file was removed, RefusedError when the antivirus refused it.
    """
    uploads.check_given(stored)
    content = db.session.scalar(select(FilePreview.content).where(FilePreview.file_id == stored.id))
    if content is None:
        raise MissingError
    response = Response(content, content_type="image/jpeg")
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Content-Security-Policy"] = "sandbox; default-src 'none'"
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    response.headers["Cache-Control"] = "private, max-age=3600"
    return response


def make_waiting(limit: int = 2) -> int:
    """Make the small pictures that are missing, the newest files first, outside any transaction; returns how many files
    were looked at. For the worker. Two workers never keep two."""
    shown = func.lower(func.coalesce(StoredFile.copy_name, StoredFile.name))
    waiting = (
        select(StoredFile.id)
        .where(StoredFile.removed_at.is_(None), StoredFile.clearance != Clearance.REFUSED)
        .where(or_(*(shown.endswith(f".{suffix}") for suffix in READERS)))
        .where(~select(FilePreview.file_id).where(FilePreview.file_id == StoredFile.id).exists())
        .order_by(StoredFile.given_at.desc(), StoredFile.id)
        .limit(limit)
    )
    with unit_of_work() as session:
        ids = session.scalars(waiting).all()
    waits = bounded.may_wait.set(False)  # letters and people who send files come first
    try:
        return sum(_make(file_id) for file_id in ids)
    finally:
        bounded.may_wait.reset(waits)


def _make(file_id: UUID) -> bool:
    """Make one; False when it is to be tried again later."""
    with unit_of_work() as session:
        stored = session.get(StoredFile, file_id)
        if stored is None:
            return False
        reader = READERS[(stored.copy_name or stored.name).rpartition(".")[2].lower()]
        try:
            given = uploads.read_shown(stored)
        except uploads.StoreError:  # `grants verify` tells of it
            given = b""
    try:
        content = uploads.read_within_limits(reader, given).copy
    except bounded.BusyError:
        return False
    except UnfitError:
        content = None
    with unit_of_work() as session:
        if session.get(StoredFile, file_id) is None:
            return False
        adding = insert_or(FilePreview).values(file_id=file_id, content=content)
        session.execute(adding.on_conflict_do_nothing())
    return True
