"""The vault: files people give, kept under random names, recognised by structure and rewritten where possible."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, String
from sqlalchemy.orm import Mapped, mapped_column

from grants.kernel.db import Keyed, Model, text_enum


class Clearance(StrEnum):
    """Whether a file was checked by an antivirus; without one it stays pending and says so."""

    PENDING = "pending"
    CLEAN = "clean"
    REFUSED = "refused"


class StoredFile(Keyed, Model):
    """What is known of a stored file. `owner_id` is the application, organisation or award it was given for."""

    __tablename__ = "stored_file"
    __table_args__ = (CheckConstraint("size > 0", name="size_positive"),)

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
