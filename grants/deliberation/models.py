"""Meetings, the committee's recommendations, and what the deliberative body decided."""

from datetime import date, datetime
from typing import ClassVar
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, String, Text, UniqueConstraint, literal_column
from sqlalchemy.orm import Mapped, mapped_column, relationship

from grants.applications.models import Application
from grants.calls.models import Call
from grants.deliberation.lifecycle import LIFECYCLE, MeetingState
from grants.deliberation.rules import Verdict
from grants.kernel.db import Keyed, Model, Versioned, text_enum
from grants.kernel.machine import Machine
from grants.kernel.money import Money
from grants.kernel.rowdigests import Recorded
from grants.kernel.words import _l


class Meeting(Recorded, Keyed, Versioned, Model):
    """A meeting of the committee on the eligible applications of a call, and the act that followed it.

    `calibrated` says whether its ranking shows expected ranks beside the scores.
    """

    __tablename__ = "meeting"
    lifecycle: ClassVar[Machine] = LIFECYCLE

    call_id: Mapped[UUID] = mapped_column(ForeignKey("call.id", ondelete="RESTRICT"))
    title: Mapped[str] = mapped_column(String(200))
    held_on: Mapped[date]
    state: Mapped[MeetingState] = mapped_column(text_enum(MeetingState), default=MeetingState.PREPARING)
    frozen_at: Mapped[datetime | None]
    act_number: Mapped[str | None] = mapped_column(String(40))
    act_on: Mapped[date | None]
    act_body: Mapped[str | None] = mapped_column(String(200))
    act_receipt: Mapped[str | None] = mapped_column(String(80))
    published_at: Mapped[datetime | None]
    calibrated: Mapped[bool] = mapped_column(default=False, server_default=literal_column("false"))
    call: Mapped[Call] = relationship()

    __table_args__ = (
        UniqueConstraint("call_id", info={"says": _l("La séance de cet appel vient d’être créée."), "field": None}),
        *LIFECYCLE.checks(),
    )

    @property
    def is_preparing(self) -> bool:
        """Whether the recommendations may change."""
        return self.state is MeetingState.PREPARING


class Recommendation(Recorded, Keyed, Versioned, Model):
    """The committee's recommendation on one application; a favourable one reserves its amount of the envelope.

    `score_hundredths` is the weighted score out of 100, times 100, as it stood when the recommendation was given.
    """

    __tablename__ = "recommendation"
    __table_args__ = (
        UniqueConstraint(
            "application_id",
            info={"says": _l("Un avis vient d’être enregistré sur ce dossier. Rechargez la page."), "field": None},
        ),
        CheckConstraint("amount_cents >= 0", name="amount_positive"),
        CheckConstraint("(verdict = 'unfavourable') = (amount_cents = 0)", name="amount_follows_verdict"),
    )

    meeting_id: Mapped[UUID] = mapped_column(ForeignKey("meeting.id", ondelete="RESTRICT"), index=True)
    application_id: Mapped[UUID] = mapped_column(ForeignKey("application.id", ondelete="RESTRICT"))
    verdict: Mapped[Verdict] = mapped_column(text_enum(Verdict))
    amount: Mapped[Money] = mapped_column("amount_cents")
    conditions: Mapped[str] = mapped_column(Text, default="")
    reason: Mapped[str] = mapped_column(Text)
    score_hundredths: Mapped[int | None]
    made_by: Mapped[UUID] = mapped_column(ForeignKey("account.id", ondelete="RESTRICT"))
    made_at: Mapped[datetime]
    meeting: Mapped[Meeting] = relationship()
    application: Mapped[Application] = relationship()

    @property
    def dossier_id(self) -> UUID:
        """Filed under the application."""
        return self.application_id


class Decision(Recorded, Keyed, Model):
    """What the act of the deliberative body decided for one application. Append-only; known to nobody outside
    before the meeting is published."""

    __tablename__ = "decision"
    __table_args__ = (
        UniqueConstraint("application_id"),
        CheckConstraint("granted = (amount_cents > 0)", name="amount_follows_grant"),
    )

    meeting_id: Mapped[UUID] = mapped_column(ForeignKey("meeting.id", ondelete="RESTRICT"), index=True)
    application_id: Mapped[UUID] = mapped_column(ForeignKey("application.id", ondelete="RESTRICT"))
    granted: Mapped[bool]
    amount: Mapped[Money] = mapped_column("amount_cents")
    conditions: Mapped[str] = mapped_column(Text, default="")
    reason: Mapped[str] = mapped_column(Text, default="")
    decided_at: Mapped[datetime]
    meeting: Mapped[Meeting] = relationship()
    application: Mapped[Application] = relationship()

    @property
    def dossier_id(self) -> UUID:
        """Filed under the application."""
        return self.application_id


class Calibration(Recorded, Keyed, Model):
    """Expected ranks of a meeting's dossiers, as they were computed once; never changed after.

    It is for those from whom the same dossiers are kept: `hidden` is the digest of these, which are not in it. `basis`
    is the digest of what it depends on: dossiers, amounts, money, reviews sent; `digest` that of the marks themselves.
    `content` is canonical JSON, see `rules.Ranks`.
    """

    __tablename__ = "calibration"
    __table_args__ = (CheckConstraint("seed >= 0", name="seed_positive"),)

    meeting_id: Mapped[UUID] = mapped_column(ForeignKey("meeting.id", ondelete="RESTRICT"), index=True)
    made_by: Mapped[UUID] = mapped_column(ForeignKey("account.id", ondelete="RESTRICT"))
    made_at: Mapped[datetime]
    seed: Mapped[int]
    budget: Mapped[Money] = mapped_column("budget_cents")
    hidden: Mapped[str] = mapped_column(String(64))
    basis: Mapped[str] = mapped_column(String(64))
    digest: Mapped[str] = mapped_column(String(64))
    content: Mapped[str] = mapped_column(Text)
    meeting: Mapped[Meeting] = relationship()
