"""The final report: what was done, the real figures against the planned ones (Cerfa 15059)."""

from datetime import date, datetime
from typing import ClassVar
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, SmallInteger, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from grants.awards.lifecycle import REPORT, ReportState
from grants.awards.models.agreement import Award
from grants.kernel import clock
from grants.kernel.db import Keyed, Model, Versioned, text_enum
from grants.kernel.machine import Machine
from grants.kernel.money import Money
from grants.kernel.rowdigests import Recorded
from grants.kernel.uploads import StoredFile


class Report(Recorded, Keyed, Versioned, Model):
    """The report of an award (loi 2000-321, article 10: within six months of the end of the fiscal year)."""

    __tablename__ = "report"
    lifecycle: ClassVar[Machine] = REPORT

    award_id: Mapped[UUID] = mapped_column(ForeignKey("award.id", ondelete="RESTRICT"), unique=True)
    state: Mapped[ReportState] = mapped_column(text_enum(ReportState), default=ReportState.EXPECTED)
    due_on: Mapped[date | None]
    narrative: Mapped[str] = mapped_column(Text, default="")
    gaps: Mapped[str] = mapped_column(Text, default="")
    people_reached: Mapped[int | None]
    submitted_at: Mapped[datetime | None]
    submitted_by: Mapped[UUID | None] = mapped_column(ForeignKey("account.id", ondelete="RESTRICT"))
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[UUID | None] = mapped_column(ForeignKey("account.id", ondelete="RESTRICT"))
    decision_note: Mapped[str | None] = mapped_column(Text)
    award: Mapped[Award] = relationship()
    lines: Mapped[list["ReportLine"]] = relationship(cascade="all, delete-orphan", order_by="ReportLine.position")
    indicators: Mapped[list["ReportIndicator"]] = relationship(
        cascade="all, delete-orphan", order_by="ReportIndicator.position"
    )

    files: Mapped[list["ReportFile"]] = relationship(cascade="all, delete-orphan", order_by="ReportFile.given_at")

    __table_args__ = (
        CheckConstraint("people_reached IS NULL OR people_reached >= 0", name="people_reached_positive"),
        *REPORT.checks(),
    )

    @property
    def dossier_id(self) -> UUID:
        """Filed under the application."""
        return self.award.application_id

    @property
    def is_owed(self) -> bool:
        """Whether the association has to write or correct it."""
        return self.state in {ReportState.EXPECTED, ReportState.RETURNED}

    @property
    def is_sent(self) -> bool:
        """Whether the fund may read it."""
        return self.state in {ReportState.SUBMITTED, ReportState.ACCEPTED}

    @property
    def is_returned(self) -> bool:
        """Whether the fund asks for a correction."""
        return self.state is ReportState.RETURNED

    @property
    def is_accepted(self) -> bool:
        """Whether the fund accepted it."""
        return self.state is ReportState.ACCEPTED

    @property
    def is_late(self) -> bool:
        """Whether it is owed and its day has passed."""
        return self.is_owed and self.due_on is not None and self.due_on < clock.today()


class ReportLine(Recorded, Keyed, Model):
    """A budget line: planned, and what really happened."""

    __tablename__ = "report_line"
    recorded_by: ClassVar = "report_id"
    __table_args__ = (CheckConstraint("actual_cents IS NULL OR actual_cents >= 0", name="actual_positive"),)

    report_id: Mapped[UUID] = mapped_column(ForeignKey("report.id", ondelete="CASCADE"), index=True)
    position: Mapped[int] = mapped_column(SmallInteger)
    side: Mapped[str] = mapped_column(String(8))
    account: Mapped[str] = mapped_column(String(12))
    label: Mapped[str] = mapped_column(String(200), default="")
    planned: Mapped[Money] = mapped_column("planned_cents")
    actual: Mapped[Money | None] = mapped_column("actual_cents")

    @property
    def percent(self) -> int | None:
        """The real amount in whole percents of the planned one; None where either is not known, or nothing planned."""
        return self.actual.cents * 100 // self.planned.cents if self.planned and self.actual is not None else None


class ReportIndicator(Keyed, Model):
    """An indicator: target, and result."""

    __tablename__ = "report_indicator"
    __table_args__ = (UniqueConstraint("report_id", "position"),)

    report_id: Mapped[UUID] = mapped_column(ForeignKey("report.id", ondelete="CASCADE"))
    position: Mapped[int] = mapped_column(SmallInteger)
    label: Mapped[str] = mapped_column(String(300))
    unit: Mapped[str] = mapped_column(String(60), default="")
    target: Mapped[int]
    actual: Mapped[int | None]


class ReportFile(Keyed, Model):
    """A document given with the report."""

    __tablename__ = "report_file"

    report_id: Mapped[UUID] = mapped_column(ForeignKey("report.id", ondelete="CASCADE"), index=True)
    file_id: Mapped[UUID] = mapped_column(ForeignKey("stored_file.id", ondelete="RESTRICT"), unique=True)
    given_at: Mapped[datetime]
    file: Mapped[StoredFile] = relationship()
