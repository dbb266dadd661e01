"""Appeals against decisions, and the files joined to them."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import ClassVar
from uuid import UUID

from sqlalchemy import ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, joinedload, mapped_column, relationship
from sqlalchemy.orm.interfaces import ORMOption

from grants.appeals.lifecycle import LIFECYCLE, OPEN, AppealState
from grants.appeals.rules import LONGEST, LONGEST_ANSWER
from grants.applications.models import Application
from grants.calls.models import Call
from grants.deliberation.models import Decision
from grants.kernel.db import Keyed, Model, Versioned, text_enum
from grants.kernel.machine import Machine
from grants.kernel.money import Money
from grants.kernel.rowdigests import Recorded
from grants.kernel.uploads import StoredFile


class Appeal(Recorded, Keyed, Versioned, Model):
    """An appeal of an organisation against the decision on its application; one at a time, one answered for good.

    `decided` is what the contested decision gave; `answer_due_on` is the last day of the time after which silence means
    rejection.
    """

    __tablename__ = "appeal"
    lifecycle: ClassVar[Machine] = LIFECYCLE

    application_id: Mapped[UUID] = mapped_column(ForeignKey("application.id", ondelete="RESTRICT"), index=True)
    decision_id: Mapped[UUID] = mapped_column(ForeignKey("decision.id", ondelete="RESTRICT"))
    state: Mapped[AppealState] = mapped_column(text_enum(AppealState), default=AppealState.LODGED)
    reasons: Mapped[str] = mapped_column(String(LONGEST))
    lodged_at: Mapped[datetime]
    lodged_by: Mapped[UUID] = mapped_column(ForeignKey("account.id", ondelete="RESTRICT"))
    decided: Mapped[Money] = mapped_column("decided_cents")
    answer_due_on: Mapped[date]
    referral: Mapped[str | None] = mapped_column(String(LONGEST_ANSWER))
    referred_at: Mapped[datetime | None]
    referred_by: Mapped[UUID | None] = mapped_column(ForeignKey("account.id", ondelete="RESTRICT"))
    answer: Mapped[str | None] = mapped_column(String(LONGEST_ANSWER))
    answered_at: Mapped[datetime | None]
    answered_by: Mapped[UUID | None] = mapped_column(ForeignKey("account.id", ondelete="RESTRICT"))
    act_number: Mapped[str | None] = mapped_column(String(40))
    act_on: Mapped[date | None]
    act_body: Mapped[str | None] = mapped_column(String(200))
    voted: Mapped[Money | None] = mapped_column("voted_cents")
    withdrawn_at: Mapped[datetime | None]
    application: Mapped[Application] = relationship()
    decision: Mapped[Decision] = relationship()

    __table_args__ = (
        Index(
            "uq_appeal_decision_id",
            "decision_id",
            unique=True,
            sqlite_where=text("state <> 'withdrawn'"),
            postgresql_where=text("state <> 'withdrawn'"),
        ),
        Index("ix_appeal_state_answer_due_on", "state", "answer_due_on", "id"),
        *LIFECYCLE.checks(),
    )

    @classmethod
    def opened_with(cls) -> Sequence[ORMOption]:
        """Its application, with the call, the fund and the organisation, and the decision with its meeting."""
        application = joinedload(cls.application, innerjoin=True)
        return (
            application.joinedload(Application.call, innerjoin=True).joinedload(Call.fund, innerjoin=True),
            application.joinedload(Application.organisation, innerjoin=True),
            joinedload(cls.decision, innerjoin=True).joinedload(Decision.meeting, innerjoin=True),
        )

    @property
    def dossier_id(self) -> UUID:
        """Filed under the application."""
        return self.application_id

    @property
    def is_open(self) -> bool:
        """Whether it waits for an answer."""
        return self.state in OPEN

    @property
    def is_referred(self) -> bool:
        """Whether the deliberative body is to vote on it."""
        return self.state is AppealState.REFERRED

    @property
    def grants_more(self) -> bool:
        """Whether the body voted more than the contested decision gave."""
        return self.voted is not None and self.voted > self.decided

    @property
    def is_withdrawn(self) -> bool:
        """Whether its organisation took it back."""
        return self.state is AppealState.WITHDRAWN


class AppealFile(Recorded, Keyed, Model):
    """A file joined to an appeal."""

    __tablename__ = "appeal_file"

    appeal_id: Mapped[UUID] = mapped_column(ForeignKey("appeal.id", ondelete="RESTRICT"), index=True)
    file_id: Mapped[UUID] = mapped_column(ForeignKey("stored_file.id", ondelete="RESTRICT"), unique=True)
    file: Mapped[StoredFile] = relationship()
