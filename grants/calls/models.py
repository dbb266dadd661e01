"""A call and all it asks: instruments, sections, questions, criteria with anchors, pieces, statements, gates."""

from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, SmallInteger, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from grants.calls.lifecycle import LIFECYCLE, CallState
from grants.calls.rules import LONGEST_ANSWER, LONGEST_GRACE, LONGEST_QUESTION, end_of_grace
from grants.kernel.db import Keyed, Model, Versioned, text_enum
from grants.kernel.machine import Machine
from grants.kernel.money import Money
from grants.kernel.rowdigests import Recorded
from grants.kernel.words import _l
from grants.programme.models import Framework, Fund, Instrument


class QuestionKind(StrEnum):
    """The kinds of answer a question takes."""

    SHORT = "short"
    LONG = "long"
    CHOICE = "choice"
    CHOICES = "choices"
    NUMBER = "number"
    MONEY = "money"
    DATE = "date"
    COMMUNES = "communes"
    FILE = "file"


class ApprovalRule(StrEnum):
    """Whether the legal representative of an organisation approves its dossier by a link before it is submitted."""

    NONE = "none"
    OFFERED = "offered"
    REQUIRED = "required"


class Call(Recorded, Keyed, Versioned, Model):
    """A call for applications. `closes_at` is the last instant at which a complete submission is on time.

    `grace_minutes` are given after it to a dossier whose submission was attempted before.

    `texts` holds {"fr", "en"} by code of text and, under "extensions" and "envelopes", each later closing and each
    larger envelope with its reason.
    """

    __tablename__ = "call"
    not_recorded: ClassVar = frozenset({"committed_cents"})
    lifecycle: ClassVar[Machine] = LIFECYCLE

    fund_id: Mapped[UUID] = mapped_column(ForeignKey("fund.id", ondelete="RESTRICT"))
    framework_id: Mapped[UUID] = mapped_column(ForeignKey("framework.id", ondelete="RESTRICT"))
    code: Mapped[str] = mapped_column(String(24))
    state: Mapped[CallState] = mapped_column(text_enum(CallState), default=CallState.DRAFT)
    title: Mapped[str] = mapped_column(String(200))
    title_en: Mapped[str] = mapped_column(String(200), default="")
    theme: Mapped[str] = mapped_column(String(200), default="")
    theme_en: Mapped[str] = mapped_column(String(200), default="")
    texts: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    opens_at: Mapped[datetime | None]
    closes_at: Mapped[datetime | None] = mapped_column(index=True)
    grace_minutes: Mapped[int] = mapped_column(SmallInteger, default=0, server_default="0")
    approval: Mapped[ApprovalRule] = mapped_column(
        text_enum(ApprovalRule), default=ApprovalRule.NONE, server_default="none"
    )
    opened_at: Mapped[datetime | None]
    examined_at: Mapped[datetime | None]  # first given to a reviewer or to a meeting: no closing comes back after that
    envelope: Mapped[Money] = mapped_column("envelope_cents")
    committed: Mapped[Money] = mapped_column("committed_cents", default=Money(0))
    threshold: Mapped[int] = mapped_column(SmallInteger, default=60)
    minimum_reviewers: Mapped[int] = mapped_column(SmallInteger, default=3)
    scale_top: Mapped[int] = mapped_column(SmallInteger, default=4)
    marks_frozen_at: Mapped[datetime | None]
    results_published_at: Mapped[datetime | None]
    fund: Mapped[Fund] = relationship()
    framework: Mapped[Framework] = relationship()

    __table_args__ = (
        CheckConstraint("committed_cents >= 0 AND committed_cents <= envelope_cents", name="committed_within_envelope"),
        CheckConstraint("opens_at IS NULL OR closes_at IS NULL OR opens_at < closes_at", name="dates_in_order"),
        CheckConstraint(f"grace_minutes >= 0 AND grace_minutes <= {LONGEST_GRACE}", name="grace_in_range"),
        UniqueConstraint("code", info={"says": _l("Un autre appel porte déjà ce code."), "field": "code"}),
        *LIFECYCLE.checks(),
    )

    @property
    def grace_ends_at(self) -> datetime | None:
        """The last instant of its grace; None when it gives none."""
        return end_of_grace(self)

    @property
    def is_draft(self) -> bool:
        """Whether it is not published: everything of it may change."""
        return self.state is CallState.DRAFT

    @property
    def is_opened(self) -> bool:
        """Whether it is published and not archived, whatever its dates."""
        return self.state is CallState.OPENED

    @property
    def is_archived(self) -> bool:
        """Whether its work is over."""
        return self.state is CallState.ARCHIVED


class CallInstrument(Keyed, Model):
    """An instrument as this call offers it: the bounds that hold for its applications, and what they are not asked.

    `left_out` is a list of pages of a dossier and of fields of pages (see `rules.Asked`).
    """

    __tablename__ = "call_instrument"
    __table_args__ = (UniqueConstraint("call_id", "instrument_id"),)

    call_id: Mapped[UUID] = mapped_column(ForeignKey("call.id", ondelete="RESTRICT"))
    instrument_id: Mapped[UUID] = mapped_column(ForeignKey("instrument.id", ondelete="RESTRICT"))
    minimum: Mapped[Money] = mapped_column("minimum_cents")
    maximum: Mapped[Money] = mapped_column("maximum_cents")
    max_rate: Mapped[int | None] = mapped_column(SmallInteger)
    left_out: Mapped[list[str]] = mapped_column(JSON, default=list, server_default="[]")
    instrument: Mapped[Instrument] = relationship()


class Block(Keyed, Model):
    """A group of criteria; `minimum_level` in tenths of a level (20 = 2 out of 4), `tie_rank` orders the tie-break."""

    __tablename__ = "criterion_block"
    __table_args__ = (UniqueConstraint("call_id", "code"), CheckConstraint("weight > 0", name="weight_positive"))

    call_id: Mapped[UUID] = mapped_column(ForeignKey("call.id", ondelete="RESTRICT"))
    code: Mapped[str] = mapped_column(String(40))
    title: Mapped[str] = mapped_column(String(200))
    title_en: Mapped[str] = mapped_column(String(200), default="")
    weight: Mapped[int] = mapped_column(SmallInteger)
    minimum_level: Mapped[int | None] = mapped_column(SmallInteger)
    tie_rank: Mapped[int | None] = mapped_column(SmallInteger)
    position: Mapped[int] = mapped_column(SmallInteger)


class Criterion(Keyed, Model):
    """An item reviewers mark on levels 0 to 4, each with a written anchor.

    `judged_in` is a list of the pages of a dossier, and fields of pages, where it is judged beside its questions; and
    of questions that another criterion has for its own (`questions.need`).
    """

    __tablename__ = "criterion"
    __table_args__ = (UniqueConstraint("call_id", "code"), CheckConstraint("weight > 0", name="weight_positive"))

    call_id: Mapped[UUID] = mapped_column(ForeignKey("call.id", ondelete="RESTRICT"))
    block_id: Mapped[UUID] = mapped_column(ForeignKey("criterion_block.id", ondelete="RESTRICT"))
    code: Mapped[str] = mapped_column(String(40))
    title: Mapped[str] = mapped_column(String(200))
    title_en: Mapped[str] = mapped_column(String(200), default="")
    weight: Mapped[int] = mapped_column(SmallInteger)
    guidance: Mapped[str] = mapped_column(Text, default="")
    guidance_en: Mapped[str] = mapped_column(Text, default="")
    applicant_hint: Mapped[str] = mapped_column(Text, default="")
    applicant_hint_en: Mapped[str] = mapped_column(Text, default="")
    anchors: Mapped[list[Any]] = mapped_column(JSON)
    anchors_en: Mapped[list[Any]] = mapped_column(JSON, default=list)
    judged_in: Mapped[list[str]] = mapped_column(JSON, default=list, server_default="[]")
    position: Mapped[int] = mapped_column(SmallInteger)
    block: Mapped[Block] = relationship()


class Section(Keyed, Model):
    """A page of questions in the application."""

    __tablename__ = "section"
    __table_args__ = (UniqueConstraint("call_id", "code"),)

    call_id: Mapped[UUID] = mapped_column(ForeignKey("call.id", ondelete="RESTRICT"))
    code: Mapped[str] = mapped_column(String(40))
    title: Mapped[str] = mapped_column(String(200))
    title_en: Mapped[str] = mapped_column(String(200), default="")
    intro: Mapped[str] = mapped_column(Text, default="")
    intro_en: Mapped[str] = mapped_column(Text, default="")
    position: Mapped[int] = mapped_column(SmallInteger)


class Question(Keyed, Model):
    """A question of the call. `choices` is a list of {code, label, label_en}; `max_length` counts characters.

    `asked_when` is {"question": code, "equals": choice code}, or None when the question is always asked. `instruments`
    is a list of codes: it is put to applications to these instruments alone; to all when the list is empty.
    """

    __tablename__ = "question"
    __table_args__ = (UniqueConstraint("call_id", "code"),)

    call_id: Mapped[UUID] = mapped_column(ForeignKey("call.id", ondelete="RESTRICT"))
    section_id: Mapped[UUID] = mapped_column(ForeignKey("section.id", ondelete="RESTRICT"))
    criterion_id: Mapped[UUID | None] = mapped_column(ForeignKey("criterion.id", ondelete="RESTRICT"))
    code: Mapped[str] = mapped_column(String(40))
    kind: Mapped[QuestionKind] = mapped_column(text_enum(QuestionKind))
    label: Mapped[str] = mapped_column(String(300))
    label_en: Mapped[str] = mapped_column(String(300), default="")
    help: Mapped[str] = mapped_column(Text, default="")
    help_en: Mapped[str] = mapped_column(Text, default="")
    required: Mapped[bool] = mapped_column(default=False)
    max_length: Mapped[int | None]
    minimum: Mapped[int | None]
    asked_when: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    choices: Mapped[list[Any]] = mapped_column(JSON, default=list)
    instruments: Mapped[list[str]] = mapped_column(JSON, default=list, server_default="[]")
    position: Mapped[int] = mapped_column(SmallInteger)
    section: Mapped[Section] = relationship()
    criterion: Mapped[Criterion | None] = relationship()


class Piece(Keyed, Model):
    """A supporting document the call asks for: `rule` says when, `blocks` what its absence holds up once it is asked
    for; it never holds up submission."""

    __tablename__ = "piece"
    __table_args__ = (UniqueConstraint("call_id", "code"),)

    call_id: Mapped[UUID] = mapped_column(ForeignKey("call.id", ondelete="RESTRICT"))
    code: Mapped[str] = mapped_column(String(40))
    label: Mapped[str] = mapped_column(String(200))
    label_en: Mapped[str] = mapped_column(String(200), default="")
    help: Mapped[str] = mapped_column(Text, default="")
    help_en: Mapped[str] = mapped_column(Text, default="")
    condition: Mapped[str] = mapped_column(Text, default="")
    condition_en: Mapped[str] = mapped_column(Text, default="")
    rule: Mapped[str] = mapped_column(String(32), default="optional")
    blocks: Mapped[str] = mapped_column(String(16), default="nothing")
    once_for_all: Mapped[bool] = mapped_column(default=False)
    required: Mapped[bool] = mapped_column(default=False)
    position: Mapped[int] = mapped_column(SmallInteger)


class Statement(Keyed, Model):
    """A declaration the applicant makes one by one; `kind` is tick, choice or money."""

    __tablename__ = "statement"
    __table_args__ = (UniqueConstraint("call_id", "code"),)

    call_id: Mapped[UUID] = mapped_column(ForeignKey("call.id", ondelete="RESTRICT"))
    code: Mapped[str] = mapped_column(String(40))
    kind: Mapped[str] = mapped_column(String(8), default="tick")
    title: Mapped[str] = mapped_column(String(200), default="")
    title_en: Mapped[str] = mapped_column(String(200), default="")
    text: Mapped[str] = mapped_column(Text)
    text_en: Mapped[str] = mapped_column(Text, default="")
    annex: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    edition: Mapped[str] = mapped_column(String(40), default="")
    choices: Mapped[list[Any]] = mapped_column(JSON, default=list)
    required: Mapped[bool] = mapped_column(default=True)
    position: Mapped[int] = mapped_column(SmallInteger)


class PublicQuestion(Recorded, Keyed, Versioned, Model):
    """A question that somebody put about a call. Once settled it is published as `wording` with its `answer`, or kept
    from the page, `answer` then saying why to whoever asked; nothing public names them."""

    __tablename__ = "public_question"
    __table_args__ = (
        CheckConstraint(
            "(settled_at IS NULL) = (is_published IS NULL) AND (settled_at IS NULL) = (settled_by IS NULL)",
            name="settled_whole",
        ),
        Index("ix_public_question_settled_at", "settled_at", "asked_at", "id"),
    )

    call_id: Mapped[UUID] = mapped_column(ForeignKey("call.id", ondelete="RESTRICT"), index=True)
    asked_by: Mapped[UUID] = mapped_column(ForeignKey("account.id", ondelete="RESTRICT"), index=True)
    text: Mapped[str] = mapped_column(String(LONGEST_QUESTION))
    asked_at: Mapped[datetime]
    wording: Mapped[str] = mapped_column(String(LONGEST_QUESTION), default="")
    answer: Mapped[str] = mapped_column(String(LONGEST_ANSWER), default="")
    is_published: Mapped[bool | None]
    settled_by: Mapped[UUID | None] = mapped_column(ForeignKey("account.id", ondelete="RESTRICT"))
    settled_at: Mapped[datetime | None]
    call: Mapped[Call] = relationship()


class Gate(Keyed, Model):
    """An eligibility gate of the call: computed by the system or ticked by a manager."""

    __tablename__ = "gate"
    __table_args__ = (UniqueConstraint("call_id", "code"),)

    call_id: Mapped[UUID] = mapped_column(ForeignKey("call.id", ondelete="RESTRICT"))
    code: Mapped[str] = mapped_column(String(40))
    title: Mapped[str] = mapped_column(String(200))
    title_en: Mapped[str] = mapped_column(String(200), default="")
    explanation: Mapped[str] = mapped_column(Text, default="")
    explanation_en: Mapped[str] = mapped_column(Text, default="")
    refusal: Mapped[str] = mapped_column(Text, default="")
    refusal_en: Mapped[str] = mapped_column(Text, default="")
    computed: Mapped[bool] = mapped_column(default=False)
    position: Mapped[int] = mapped_column(SmallInteger)
