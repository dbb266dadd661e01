"""Assignments: who reads which application, what they declared, and what they found."""

from datetime import date, datetime
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, SmallInteger, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from grants.applications.models import Application
from grants.calls.models import Criterion
from grants.kernel import clock
from grants.kernel.db import Keyed, Model, Versioned, text_enum
from grants.kernel.machine import Machine
from grants.kernel.rowdigests import Recorded
from grants.kernel.words import _l
from grants.people.models import Account
from grants.reviewing.lifecycle import LIFECYCLE, AssignmentState


class InterestNature(StrEnum):
    """Natures of a link with an applicant; `none` is the declaration that there is no link."""

    NONE = "none"
    LEADER = "leader"
    EMPLOYEE = "employee"
    MEMBER = "member"
    DONOR = "donor"
    COMPETITOR = "competitor"
    FAMILY = "family"
    REPRESENTATIVE = "representative"
    OTHER = "other"


class Interest(Recorded, Keyed, Model):
    """A reviewer's declaration about one application. Append-only; the latest holds."""

    __tablename__ = "interest"

    application_id: Mapped[UUID] = mapped_column(ForeignKey("application.id", ondelete="RESTRICT"), index=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("account.id", ondelete="RESTRICT"), index=True)
    nature: Mapped[InterestNature] = mapped_column(text_enum(InterestNature))
    text: Mapped[str] = mapped_column(String(1000), default="")
    declared_at: Mapped[datetime]

    @property
    def dossier_id(self) -> UUID:
        """Filed under the application."""
        return self.application_id


class Assignment(Recorded, Keyed, Versioned, Model):
    """One reviewer's reading of one application."""

    __tablename__ = "assignment"
    lifecycle: ClassVar[Machine] = LIFECYCLE

    application_id: Mapped[UUID] = mapped_column(ForeignKey("application.id", ondelete="RESTRICT"))
    reviewer_id: Mapped[UUID] = mapped_column(ForeignKey("account.id", ondelete="RESTRICT"), index=True)
    state: Mapped[AssignmentState] = mapped_column(text_enum(AssignmentState), default=AssignmentState.OFFERED)
    assigned_at: Mapped[datetime]
    due_on: Mapped[date | None]
    declared_at: Mapped[datetime | None]
    saved_at: Mapped[datetime | None]
    submitted_at: Mapped[datetime | None]
    committee_comment: Mapped[str] = mapped_column(Text, default="")
    applicant_comment: Mapped[str] = mapped_column(Text, default="")
    application: Mapped[Application] = relationship()
    reviewer: Mapped[Account] = relationship()
    marks: Mapped[list["Mark"]] = relationship(cascade="all, delete-orphan")

    __table_args__ = (
        UniqueConstraint(
            "application_id", "reviewer_id",
            info={"says": _l("Cette personne évalue déjà ce dossier."), "field": "reviewer"},
        ),
        *LIFECYCLE.checks(),
    )  # fmt: skip

    @property
    def is_offered(self) -> bool:
        """Whether the reviewer did not say yet whether they have a link."""
        return self.state is AssignmentState.OFFERED

    @property
    def is_submitted(self) -> bool:
        """Whether the marks are sent."""
        return self.state is AssignmentState.SUBMITTED

    @property
    def is_overdue(self) -> bool:
        """Whether the day by which it was asked for is over."""
        return self.due_on is not None and self.due_on < clock.today()

    @property
    def dossier_id(self) -> UUID:
        """Filed under the application."""
        return self.application_id


class Mark(Recorded, Keyed, Model):
    """A level on one criterion, or "not applicable"; a criterion without a mark is missing, never zero."""

    __tablename__ = "mark"
    recorded_by: ClassVar = "assignment_id"
    __table_args__ = (
        UniqueConstraint("assignment_id", "criterion_id"),
        CheckConstraint("(points IS NULL) = not_applicable", name="points_or_not_applicable"),
        CheckConstraint("points IS NULL OR (points >= 0 AND points <= 4)", name="points_on_scale"),
    )

    assignment_id: Mapped[UUID] = mapped_column(ForeignKey("assignment.id", ondelete="CASCADE"))
    criterion_id: Mapped[UUID] = mapped_column(ForeignKey("criterion.id", ondelete="RESTRICT"), index=True)
    level: Mapped[int | None] = mapped_column("points", SmallInteger)
    not_applicable: Mapped[bool] = mapped_column(default=False)
    criterion: Mapped[Criterion] = relationship()


class Standing(Model):
    """What the reviews of an application come to, kept beside it so that lists show it and sort by it.

    Written whenever a review begins or ceases to count. `score` is in hundredths of a point out of 100, absent while
    nothing is marked; `queries.result_of` stays the exact truth, and `queries.problems` compares the two.
    """

    __tablename__ = "standing"
    __table_args__ = (
        CheckConstraint("score IS NULL OR (score >= 0 AND score <= 10000)", name="score_out_of_100"),
        CheckConstraint("reviews >= 0", name="reviews_counted"),
        Index("ix_standing_score", "score", "application_id"),
    )

    application_id: Mapped[UUID] = mapped_column(ForeignKey("application.id", ondelete="RESTRICT"), primary_key=True)
    score: Mapped[int | None] = mapped_column(SmallInteger)
    reviews: Mapped[int] = mapped_column(SmallInteger)
