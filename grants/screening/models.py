"""What screening found gate by gate, and the pieces it asked for."""

from datetime import date, datetime
from typing import ClassVar
from uuid import UUID

from sqlalchemy import ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from grants.applications.models import Application
from grants.calls.models import Gate, Piece
from grants.kernel.db import Keyed, Model
from grants.kernel.rowdigests import Recorded
from grants.kernel.uploads import StoredFile
from grants.kernel.words import _l


class Finding(Recorded, Keyed, Model):
    """The outcome of a gate for an application; `passed` None means not judged yet."""

    __tablename__ = "finding"
    recorded_by: ClassVar = "application_id"
    __table_args__ = (
        UniqueConstraint(
            "application_id", "gate_id",
            info={"says": _l("Quelqu’un d’autre vient de contrôler ce dossier. Rechargez la page.")},
        ),
    )  # fmt: skip

    application_id: Mapped[UUID] = mapped_column(ForeignKey("application.id", ondelete="RESTRICT"))
    gate_id: Mapped[UUID] = mapped_column(ForeignKey("gate.id", ondelete="RESTRICT"))
    passed: Mapped[bool | None]
    note: Mapped[str] = mapped_column(String(1000), default="")
    found_by: Mapped[UUID | None] = mapped_column(ForeignKey("account.id", ondelete="RESTRICT"))
    found_at: Mapped[datetime]
    gate: Mapped[Gate] = relationship()


class PieceRequest(Recorded, Keyed, Model):
    """A piece asked from the applicant (CRPA L114-5), answered in one click, or given up by the fund with a reason.

    Nobody in particular asked for it (`requested_by`) when an act of the system did: an award that was opened.
    """

    __tablename__ = "piece_request"

    application_id: Mapped[UUID] = mapped_column(ForeignKey("application.id", ondelete="RESTRICT"), index=True)
    piece_id: Mapped[UUID | None] = mapped_column(ForeignKey("piece.id", ondelete="RESTRICT"))
    label: Mapped[str] = mapped_column(String(200))
    message: Mapped[str] = mapped_column(Text, default="")
    due_on: Mapped[date]
    requested_at: Mapped[datetime]
    requested_by: Mapped[UUID | None] = mapped_column(ForeignKey("account.id", ondelete="RESTRICT"))
    answered_at: Mapped[datetime | None]
    answered_by: Mapped[UUID | None] = mapped_column(ForeignKey("account.id", ondelete="RESTRICT"))
    file_id: Mapped[UUID | None] = mapped_column(ForeignKey("stored_file.id", ondelete="RESTRICT"))
    waived_at: Mapped[datetime | None]
    waived_by: Mapped[UUID | None] = mapped_column(ForeignKey("account.id", ondelete="RESTRICT"))
    waiver: Mapped[str | None] = mapped_column(Text)
    application: Mapped[Application] = relationship()
    piece: Mapped[Piece | None] = relationship()
    file: Mapped[StoredFile | None] = relationship()

    @property
    def is_open(self) -> bool:
        """Whether it is neither given nor given up."""
        return self.answered_at is None and self.waived_at is None

    def holds_up(self, step: str) -> bool:
        """Whether a step of the dossier waits for it: one of `calls.rules.PIECE_BLOCKS_LABELS`."""
        return self.is_open and self.piece is not None and self.piece.blocks == step

    @property
    def dossier_id(self) -> UUID:
        """Filed under the application."""
        return self.application_id
