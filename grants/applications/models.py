"""An application: its structured parts, answers, files, statements, and the frozen versions that were submitted."""

from collections.abc import Sequence
from datetime import date, datetime
from enum import StrEnum
from typing import Any, ClassVar, cast
from uuid import UUID

from sqlalchemy import (
    JSON,
    Boolean,
    CheckConstraint,
    Column,
    ColumnElement,
    Date,
    ForeignKey,
    Index,
    Integer,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
    event,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import VARCHAR
from sqlalchemy.orm import Mapped, MappedColumn, Session, joinedload, mapped_column, relationship
from sqlalchemy.orm.attributes import get_history
from sqlalchemy.orm.interfaces import ORMOption

from grants.applications import rules
from grants.applications.lifecycle import LIFECYCLE, UNDER_WAY, ApplicationState
from grants.applications.parts import PARTS, budget, calendar, climate, indicators, partners, people
from grants.applications.parts.fields import (
    Amount,
    Choice,
    Day,
    Field,
    PerCode,
    RowTable,
    Shares,
    ShortText,
    Tick,
    Whole,
)
from grants.applications.parts.vocabulary import FundingStatus, Participation, PartnerKind
from grants.calls.models import Call, Piece, Question, Statement
from grants.calls.rules import WithGrace
from grants.kernel.db import BigKey, Cents, Keyed, Model, Versioned, text_enum
from grants.kernel.machine import Machine
from grants.kernel.money import Money
from grants.kernel.rowdigests import Recorded
from grants.kernel.search import LONGEST
from grants.kernel.uploads import StoredFile
from grants.kernel.words import _l
from grants.people.models import Organisation
from grants.programme.models import Action, Axis, Commune, FieldOfIntervention, Instrument, PriorityArea, RelatedPlan


class Dimension(StrEnum):
    """The ways euros are read: each euro of an application falls once in each dimension."""

    AXIS = "axis"
    ORIENTATION = "orientation"
    ACTION = "action"
    FIELD = "field"
    COMMUNE = "commune"
    PLAN = "plan"


def _link(name: str, column: str, target: str) -> Table:
    return Table(
        name,
        Model.metadata,
        Column("application_id", ForeignKey("application.id", ondelete="CASCADE"), primary_key=True),
        Column(column, ForeignKey(target, ondelete="RESTRICT"), primary_key=True, index=True),
    )


application_action = _link("application_action", "action_id", "framework_action.id")
application_field = _link("application_field", "field_id", "field_of_intervention.id")
application_plan = _link("application_plan", "plan_id", "related_plan.id")
application_commune = _link("application_commune", "commune_id", "commune.id")
application_area = _link("application_area", "area_id", "priority_area.id")


def _column(field: Field, *, is_code: bool = False) -> MappedColumn[Any]:
    """The column of a declared field; the code of a row is always there."""
    may_be_empty = field.blank is None and field.instead is None and not is_code
    match field:
        case ShortText():
            return mapped_column(String(field.limit), default="", nullable=False)
        case budget.AccountField():
            return mapped_column(String(12))
        case Amount():
            return mapped_column(field.key, Cents)
        case Day():
            return mapped_column(Date)
        case Whole():
            return mapped_column(Integer, nullable=may_be_empty and field.needed is None)
        case Choice():
            return mapped_column(text_enum(field.codes), default=field.default, nullable=may_be_empty)
        case Tick():
            return mapped_column(Boolean, default=False, nullable=False)
    raise TypeError(f"no column is known for {type(field).__name__}")


class Declared:
    """The columns of the application that parts declare and the class does not write out itself."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        for field in (field for part in PARTS.values() for field in part.columns):
            if field.attribute not in cls.__dict__:
                setattr(cls, field.attribute, _column(field))
        super().__init_subclass__(**kwargs)


_COUNTS = "submitted_at IS NOT NULL AND withdrawn_at IS NULL"


class Application(Declared, Recorded, Keyed, Versioned, Model):
    """A project put to a call. `silence_on` is the day of implicit rejection (CRPA L231-4)."""

    __tablename__ = "application"
    not_recorded: ClassVar = frozenset({"touched_at", "search_key"})
    lifecycle: ClassVar[Machine] = LIFECYCLE

    call_id: Mapped[UUID] = mapped_column(ForeignKey("call.id", ondelete="RESTRICT"))
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisation.id", ondelete="RESTRICT"), index=True)
    author_id: Mapped[UUID] = mapped_column(ForeignKey("account.id", ondelete="RESTRICT"))
    state: Mapped[ApplicationState] = mapped_column(text_enum(ApplicationState), default=ApplicationState.DRAFT)
    reference: Mapped[str | None] = mapped_column(String(24), unique=True)
    title: Mapped[str]
    summary: Mapped[str]
    instrument_id: Mapped[UUID | None] = mapped_column(ForeignKey("instrument.id", ondelete="RESTRICT"))
    requested: Mapped[Money | None]
    total: Mapped[Money | None] = mapped_column("total_cents")
    starts_on: Mapped[date | None]
    ends_on: Mapped[date | None]
    participation_level: Mapped[Participation | None]
    participation_text: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime]
    touched_at: Mapped[datetime]
    submitted_at: Mapped[datetime | None]
    silence_on: Mapped[date | None]
    screened_at: Mapped[datetime | None]
    screening_reason: Mapped[str | None] = mapped_column(Text)
    withdrawn_at: Mapped[datetime | None]
    withdrawal_reason: Mapped[str | None] = mapped_column(String(1000))
    search_key: Mapped[str] = mapped_column(Text, default="")
    extension_ends_at: Mapped[datetime | None]  # of the extension that counts, the last one given
    on_paper_since: Mapped[datetime | None]  # when an agent began to enter it from paper; None: it came by the pages

    call: Mapped[Call] = relationship()
    organisation: Mapped[Organisation] = relationship()
    instrument: Mapped[Instrument | None] = relationship()
    actions: Mapped[list[Action]] = relationship(secondary=application_action, order_by=Action.sort_key)
    fields: Mapped[list[FieldOfIntervention]] = relationship(
        secondary=application_field, order_by=FieldOfIntervention.position
    )
    plans: Mapped[list[RelatedPlan]] = relationship(secondary=application_plan, order_by=RelatedPlan.position)
    communes: Mapped[list[Commune]] = relationship(secondary=application_commune, order_by=Commune.sort_key)
    areas: Mapped[list[PriorityArea]] = relationship(secondary=application_area, order_by=PriorityArea.name)
    axis_shares: Mapped[list["AxisShare"]] = relationship(
        cascade="all, delete-orphan", order_by="AxisShare.position", back_populates="application"
    )
    audiences: Mapped[list["Audience"]] = relationship(cascade="all, delete-orphan", order_by="Audience.position")
    climate_effects: Mapped[list["ClimateEffect"]] = relationship(
        cascade="all, delete-orphan", order_by="ClimateEffect.position"
    )
    justice_effects: Mapped[list["JusticeEffect"]] = relationship(
        cascade="all, delete-orphan", order_by="JusticeEffect.position"
    )
    partners: Mapped[list["Partner"]] = relationship(cascade="all, delete-orphan", order_by="Partner.position")
    milestones: Mapped[list["Milestone"]] = relationship(cascade="all, delete-orphan", order_by="Milestone.position")
    indicators: Mapped[list["Indicator"]] = relationship(cascade="all, delete-orphan", order_by="Indicator.position")
    budget_lines: Mapped[list["BudgetLine"]] = relationship(
        cascade="all, delete-orphan", order_by="BudgetLine.position"
    )
    answers: Mapped[list["Answer"]] = relationship(cascade="all, delete-orphan")
    attachments: Mapped[list["Attachment"]] = relationship(cascade="all, delete-orphan")
    signatures: Mapped[list["Signature"]] = relationship(cascade="all, delete-orphan")
    # The submitted application that a correction corrects; None for a dossier of its own.
    corrects: Mapped["Application | None"] = relationship(
        secondary="correction", primaryjoin="Application.id == Correction.application_id",
        secondaryjoin="Correction.corrects_id == Application.id", viewonly=True,
    )  # fmt: skip

    # What is known of the paper it was entered from; None for a dossier that came by the pages.
    paper: Mapped["PaperDossier | None"] = relationship(back_populates="application")

    __table_args__ = (
        CheckConstraint("starts_on IS NULL OR ends_on IS NULL OR starts_on <= ends_on", name="dates_in_order"),
        CheckConstraint("requested_cents IS NULL OR requested_cents > 0", name="requested_positive"),
        Index("ix_application_call_state", "call_id", "state", "submitted_at"),
        # What the list of dossiers is ordered and counted by, without opening a row.
        Index("ix_application_listed", "submitted_at", "id", "state", "requested_cents"),
        # One that came by the pages and one that came by post may be submitted at the same moment.
        Index(
            "uq_application_submitted",
            "call_id",
            "organisation_id",
            unique=True,
            sqlite_where=text(_COUNTS),
            postgresql_where=text(_COUNTS),
            info={
                "says": _l("Cette organisation a déjà un dossier déposé pour cet appel, en ligne ou sur papier."),
                "field": None,
            },
        ),
        *LIFECYCLE.checks(),
    )

    @classmethod
    def not_yet(cls) -> ColumnElement[bool]:
        """A draft is evidence of nothing: it is saved every second, and told when it is submitted or withdrawn."""
        return cls.state == ApplicationState.DRAFT

    @classmethod
    def opened_with(cls) -> Sequence[ORMOption]:
        """Its call with the call's fund, and its organisation."""
        return (
            joinedload(cls.call, innerjoin=True).joinedload(Call.fund, innerjoin=True),
            joinedload(cls.organisation, innerjoin=True),
        )

    @property
    def dossier_id(self) -> UUID:
        """The journal files everything under the application."""
        return self.id

    @property
    def dates(self) -> WithGrace:
        """The dates of its call, with its own closing."""
        return rules.dates_for(self.call, self.extension_ends_at)

    @property
    def is_draft(self) -> bool:
        """Whether it is not submitted."""
        return self.state is ApplicationState.DRAFT

    @property
    def is_on_paper(self) -> bool:
        """Whether it came on paper, and an agent enters it here or did."""
        return self.on_paper_since is not None

    @property
    def is_being_entered(self) -> bool:
        """Whether an agent is still entering it from paper: its organisation does not see it yet."""
        return self.is_on_paper and self.is_draft

    @property
    def is_unseen(self) -> bool:
        """Whether its organisation does not see it: an agent is entering it from paper, or gave it up."""
        return self.is_on_paper and self.submitted_at is None

    @property
    def is_submitted(self) -> bool:
        """Whether it was submitted and nobody checked it yet."""
        return self.state is ApplicationState.SUBMITTED

    @property
    def is_withdrawn(self) -> bool:
        """Whether its association took it back."""
        return self.state is ApplicationState.WITHDRAWN

    @property
    def is_eligible(self) -> bool:
        """Whether it met the conditions and waits for a decision."""
        return self.state is ApplicationState.ELIGIBLE

    @property
    def is_ineligible(self) -> bool:
        """Whether it did not meet the conditions."""
        return self.state is ApplicationState.INELIGIBLE

    @property
    def is_awarded(self) -> bool:
        """Whether a published decision granted it."""
        return self.state is ApplicationState.AWARDED

    @property
    def is_decided(self) -> bool:
        """Whether a published decision says what became of it."""
        return self.state in {ApplicationState.AWARDED, ApplicationState.DECLINED}

    @property
    def is_piece_requested(self) -> bool:
        """Whether the fund waits for a document of the association."""
        return self.state is ApplicationState.PIECES_REQUESTED

    @property
    def is_in_screening(self) -> bool:
        """Whether its conditions are being checked."""
        return self.state in {ApplicationState.SUBMITTED, ApplicationState.PIECES_REQUESTED}

    @property
    def is_under_way(self) -> bool:
        """Whether it was submitted and waits for its decision."""
        return self.state in UNDER_WAY


class PartRow(Keyed):
    """A row of a structured part, in the order the applicant gave; its columns are those of the table it `stores`."""

    def __init_subclass__(cls, *, stores: RowTable | PerCode | None = None, **kwargs: Any) -> None:
        for field in stores.columns if stores is not None else ():
            setattr(cls, field.attribute, _column(field, is_code=isinstance(stores, PerCode) and field is stores.code))
        super().__init_subclass__(**kwargs)

    application_id: Mapped[UUID] = mapped_column(ForeignKey("application.id", ondelete="CASCADE"), index=True)
    position: Mapped[int] = mapped_column(SmallInteger, default=0)


class AxisShare(PartRow, Model):
    """The share of the project, in whole percent, that serves an axis."""

    __tablename__ = "axis_share"
    __table_args__ = (
        UniqueConstraint("application_id", "axis_id"),
        CheckConstraint("percent > 0 AND percent <= 100", name="percent_in_range"),
    )

    axis_id: Mapped[UUID] = mapped_column(ForeignKey("axis.id", ondelete="RESTRICT"), index=True)
    percent: Mapped[int] = mapped_column(SmallInteger)
    axis: Mapped[Axis] = relationship()
    application: Mapped[Application] = relationship(back_populates="axis_shares")


class Audience(PartRow, Model, stores=people.AUDIENCES):
    """How many people of a kind the project reaches."""

    __tablename__ = "audience"
    __table_args__ = (
        UniqueConstraint("application_id", "kind"),
        CheckConstraint("number >= 0", name="number_positive"),
    )


class ClimateEffect(PartRow, Model, stores=climate.EFFECTS):
    """What the project does on one environmental axis, and how one can tell."""

    __tablename__ = "climate_effect"
    __table_args__ = (UniqueConstraint("application_id", "axis"),)


class JusticeEffect(PartRow, Model, stores=people.JUSTICE):
    """A social-justice effect and how one can tell."""

    __tablename__ = "justice_effect"
    __table_args__ = (UniqueConstraint("application_id", "kind"),)


class Partner(PartRow, Model, stores=partners.ROWS):
    """A partner of the project."""

    __tablename__ = "partner"

    name: Mapped[str]
    kind: Mapped[PartnerKind]


class Milestone(PartRow, Model, stores=calendar.ROWS):
    """A step of the calendar."""

    __tablename__ = "milestone"


class Indicator(PartRow, Model, stores=indicators.ROWS):
    """What will be counted, and the target."""

    __tablename__ = "indicator"

    label: Mapped[str]
    unit: Mapped[str]
    target: Mapped[int]


class BudgetLine(PartRow, Model, stores=budget.LINES):
    """A line of the project's budget; `is_request` marks the one line of account 74 that is this request."""

    __tablename__ = "budget_line"
    __table_args__ = (
        CheckConstraint("side IN ('charge', 'resource')", name="side_known"),
        CheckConstraint("amount_cents >= 0", name="amount_positive"),
    )

    side: Mapped[str] = mapped_column(String(8))
    account: Mapped[str]
    label: Mapped[str]
    amount: Mapped[Money]
    funding_status: Mapped[FundingStatus | None]
    is_request: Mapped[bool] = mapped_column(default=False)


def model_of(table: RowTable | PerCode | Shares) -> type[PartRow]:
    """The model of the rows of a declared table."""
    kind: type[PartRow] = getattr(Application, table.attribute).property.mapper.class_
    return kind


class Answer(Keyed, Model):
    """The answer to one question: text, code, list of codes, number, cents, ISO day or file id, by its kind."""

    __tablename__ = "answer"
    __table_args__ = (UniqueConstraint("application_id", "question_id"),)

    application_id: Mapped[UUID] = mapped_column(ForeignKey("application.id", ondelete="CASCADE"))
    question_id: Mapped[UUID] = mapped_column(ForeignKey("question.id", ondelete="RESTRICT"), index=True)
    value: Mapped[Any] = mapped_column(JSON)
    file_id: Mapped[UUID | None] = mapped_column(ForeignKey("stored_file.id", ondelete="RESTRICT"))
    question: Mapped[Question] = relationship()


class FieldState(Model):
    """Who last changed a field of a page of a draft, and when; `wrong` is what is typed there that cannot be taken.

    `began_at` is when this person began to change it, or when one of its past values was last kept.
    """

    __tablename__ = "field_state"

    application_id: Mapped[UUID] = mapped_column(ForeignKey("application.id", ondelete="CASCADE"), primary_key=True)
    section: Mapped[str] = mapped_column(String(60), primary_key=True)
    path: Mapped[str] = mapped_column(String(rules.LONGEST_PATH), primary_key=True)
    saved_by: Mapped[UUID | None] = mapped_column(ForeignKey("account.id", ondelete="RESTRICT"))
    saved_at: Mapped[datetime]
    writer: Mapped[UUID | None]  # the open page that saved it while it was typed
    wrong: Mapped[rules.Typed | None] = mapped_column(JSON(none_as_null=True))
    began_at: Mapped[datetime | None]


class PastValue(Keyed, Model):
    """What a field of a draft held before it was changed: who wrote it and when, who changed it and when.

    `value` has the shape of `rules.plain_of`, `wrong` is what was typed there that could not be taken.
    """

    __tablename__ = "past_value"
    __table_args__ = (Index("ix_past_value_field", "application_id", "section", "path"),)

    application_id: Mapped[UUID] = mapped_column(ForeignKey("application.id", ondelete="CASCADE"))
    section: Mapped[str] = mapped_column(String(60))
    path: Mapped[str] = mapped_column(String(rules.LONGEST_PATH))
    value: Mapped[object] = mapped_column(JSON)
    wrong: Mapped[rules.Typed | None] = mapped_column(JSON(none_as_null=True))
    written_by: Mapped[UUID | None] = mapped_column(ForeignKey("account.id", ondelete="RESTRICT"))
    written_at: Mapped[datetime | None]
    replaced_by: Mapped[UUID | None] = mapped_column(ForeignKey("account.id", ondelete="RESTRICT"))
    replaced_at: Mapped[datetime]


class Writer(Model):
    """A page of a draft that is open in a browser: who has it, when it was heard of, its last save that was received.

    `recorded_at` is when the journal last took a line of this person's sitting.
    """

    __tablename__ = "writer"

    application_id: Mapped[UUID] = mapped_column(ForeignKey("application.id", ondelete="CASCADE"), primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("account.id", ondelete="RESTRICT"))
    section: Mapped[str] = mapped_column(String(60))
    seen_at: Mapped[datetime] = mapped_column(index=True)
    received: Mapped[int] = mapped_column(default=0)
    previous: Mapped[int] = mapped_column(default=0)
    recorded_at: Mapped[datetime | None]
    minute_at: Mapped[datetime]
    in_minute: Mapped[int] = mapped_column(default=0)


class Attachment(Keyed, Model):
    """A file given for a piece. A dossier and its correction may have the same file."""

    __tablename__ = "attachment"
    __table_args__ = (UniqueConstraint("application_id", "file_id"),)

    application_id: Mapped[UUID] = mapped_column(ForeignKey("application.id", ondelete="CASCADE"), index=True)
    piece_id: Mapped[UUID] = mapped_column(ForeignKey("piece.id", ondelete="RESTRICT"))
    file_id: Mapped[UUID] = mapped_column(ForeignKey("stored_file.id", ondelete="RESTRICT"), index=True)
    given_at: Mapped[datetime]
    piece: Mapped[Piece] = relationship()
    file: Mapped[StoredFile] = relationship()


class Signature(Keyed, Model):
    """A statement made by a person, with the edition of its text."""

    __tablename__ = "signature"
    __table_args__ = (UniqueConstraint("application_id", "statement_id"),)

    application_id: Mapped[UUID] = mapped_column(ForeignKey("application.id", ondelete="CASCADE"))
    statement_id: Mapped[UUID] = mapped_column(ForeignKey("statement.id", ondelete="RESTRICT"))
    choice: Mapped[str] = mapped_column(String(40), default="")
    signed_by: Mapped[UUID] = mapped_column(ForeignKey("account.id", ondelete="RESTRICT"))
    signed_at: Mapped[datetime]
    statement: Mapped[Statement] = relationship()


class ApplicationVersion(Recorded, Keyed, Model):
    """What was submitted, frozen: canonical JSON and its SHA-256. Append-only."""

    __tablename__ = "application_version"
    __table_args__ = (
        UniqueConstraint(
            "application_id", "number", info={"says": _l("Ce dossier vient d’être déposé."), "field": None}
        ),
    )

    application_id: Mapped[UUID] = mapped_column(ForeignKey("application.id", ondelete="RESTRICT"))
    number: Mapped[int] = mapped_column(SmallInteger)
    content: Mapped[str] = mapped_column(Text)
    digest: Mapped[str] = mapped_column(String(64))
    frozen_at: Mapped[datetime]
    frozen_by: Mapped[UUID | None] = mapped_column(ForeignKey("account.id", ondelete="RESTRICT"))
    application: Mapped[Application] = relationship()

    @property
    def dossier_id(self) -> UUID:
        """Filed under the application."""
        return self.application_id


class Correction(Model):
    """A draft that corrects a submitted application; `became` is the number of the version it was submitted as.

    The draft is an application of its own, with a copy of what was submitted. Nothing of the submitted application
    changes until the draft is submitted.
    """

    __tablename__ = "correction"

    application_id: Mapped[UUID] = mapped_column(ForeignKey("application.id", ondelete="CASCADE"), primary_key=True)
    corrects_id: Mapped[UUID] = mapped_column(ForeignKey("application.id", ondelete="RESTRICT"), index=True)
    became: Mapped[int | None] = mapped_column(SmallInteger)


class Extension(Recorded, Keyed, Model):
    """A later closing that an agent gives one dossier, and why. Append-only: the last one counts, all stay."""

    __tablename__ = "extension"
    __table_args__ = (UniqueConstraint("application_id", "number"),)

    application_id: Mapped[UUID] = mapped_column(ForeignKey("application.id", ondelete="RESTRICT"))
    number: Mapped[int] = mapped_column(SmallInteger)
    ends_at: Mapped[datetime]
    reason: Mapped[str] = mapped_column(Text)
    given_by: Mapped[UUID | None] = mapped_column(ForeignKey("account.id", ondelete="RESTRICT"))
    given_at: Mapped[datetime]

    @property
    def dossier_id(self) -> UUID:
        """Filed under the application."""
        return self.application_id


class PaperDossier(Recorded, Model):
    """The paper that an agent enters a dossier from: the day the fund received it, that of the postmark (None when it
    was brought by hand), its scan, and who enters it. What was submitted stands in the frozen version."""

    __tablename__ = "paper_dossier"
    recorded_by = "application_id"
    __table_args__ = (CheckConstraint("postmarked_on IS NULL OR postmarked_on <= received_on", name="days_in_order"),)

    application_id: Mapped[UUID] = mapped_column(ForeignKey("application.id", ondelete="RESTRICT"), primary_key=True)
    received_on: Mapped[date]
    postmarked_on: Mapped[date | None]
    scan_id: Mapped[UUID] = mapped_column(ForeignKey("stored_file.id", ondelete="RESTRICT"))
    entered_by: Mapped[UUID] = mapped_column(ForeignKey("account.id", ondelete="RESTRICT"))
    application: Mapped[Application] = relationship(back_populates="paper")
    scan: Mapped[StoredFile] = relationship()

    @property
    def days(self) -> rules.PaperDays:
        """Its two days."""
        return rules.PaperDays(self.received_on, self.postmarked_on)


class Approval(Recorded, Keyed, Model):
    """The approval of a draft that was asked of the legal representative, by a link whose digest alone is kept.

    `name`, `role` and `email` are those of the organisation when it was asked. `code` is the digest of the code that
    was last sent to that address, forgotten once used. `read` is the digest of what was read and approved, or refused.
    `ended_at`: another one was asked for since.
    """

    __tablename__ = "approval"
    not_recorded = frozenset({"code", "code_expires_at"})
    __table_args__ = (
        CheckConstraint("(decided_at IS NULL) = (is_approved IS NULL)", name="decided_whole"),
        CheckConstraint("decided_at IS NULL OR read IS NOT NULL", name="decided_on_text"),
    )

    application_id: Mapped[UUID] = mapped_column(ForeignKey("application.id", ondelete="RESTRICT"), index=True)
    name: Mapped[str] = mapped_column(String(120))
    role: Mapped[str] = mapped_column(String(120))
    email: Mapped[str] = mapped_column(String(254))
    secret: Mapped[str] = mapped_column(String(64), unique=True)
    asked_by: Mapped[UUID] = mapped_column(ForeignKey("account.id", ondelete="RESTRICT"))
    asked_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    code: Mapped[str | None] = mapped_column(String(64))
    code_expires_at: Mapped[datetime | None]
    read: Mapped[str | None] = mapped_column(String(64))
    is_approved: Mapped[bool | None]
    decided_at: Mapped[datetime | None]
    word: Mapped[str] = mapped_column(String(1000), default="")
    ended_at: Mapped[datetime | None]
    application: Mapped[Application] = relationship()

    @property
    def dossier_id(self) -> UUID:
        """Filed under the application."""
        return self.application_id


class ApplicationAddress(Model):
    """An e-mail address that a submitted version gives as the applicant's own or its representative's. Append-only.

    `grants verify` compares it with the version.
    """

    __tablename__ = "application_address"

    application_id: Mapped[UUID] = mapped_column(ForeignKey("application.id", ondelete="RESTRICT"), primary_key=True)
    address: Mapped[str] = mapped_column(String(254), primary_key=True, index=True)


class ApplicationWord(Model):
    """A word of the search key of a submitted application, kept by triggers (`search.indexed`): nobody writes it."""

    __tablename__ = "application_word"
    __table_args__ = ({"sqlite_with_rowid": False},)

    # In the order of code points on both databases, so that what begins alike stands together.
    word: Mapped[str] = mapped_column(
        String(LONGEST).with_variant(VARCHAR(LONGEST, collation="C"), "postgresql"), primary_key=True
    )
    application_id: Mapped[UUID] = mapped_column(primary_key=True)


class Allocation(Recorded, Model):
    """The requested euros of a submitted application, split by dimension; `key_id` None is "non précisé".

    For each application and dimension the amounts add up to the amount requested. `version` is the number of the
    submitted version they are of, the last one: the rows of one that was replaced are deleted.
    """

    __tablename__ = "allocation"
    recorded_by: ClassVar = "application_id"
    # What tracking adds up, without opening a row.
    __table_args__ = (Index("ix_allocation_tracked", "dimension", "key_id", "application_id", "amount_cents"),)

    id: Mapped[int] = mapped_column(BigKey, primary_key=True, autoincrement=True)
    application_id: Mapped[UUID] = mapped_column(ForeignKey("application.id", ondelete="RESTRICT"), index=True)
    dimension: Mapped[Dimension] = mapped_column(text_enum(Dimension))
    key_id: Mapped[UUID | None]
    weight: Mapped[int] = mapped_column(SmallInteger)
    amount: Mapped[Money] = mapped_column("amount_cents")
    version: Mapped[int] = mapped_column(SmallInteger, default=1)


# What an application says: in columns of its own row, and in tables that go with it; not what is known of its writing.
CORRECTED = tuple(dict.fromkeys((*(field.attribute for part in PARTS.values() for field in part.columns), "total")))
_OF_WRITING = {FieldState.__tablename__, Writer.__tablename__, Correction.__tablename__}
CONTENTS: tuple[Table, ...] = tuple(
    table
    for table in Model.metadata.sorted_tables
    if table.name not in _OF_WRITING
    and any(key.ondelete == "CASCADE" for key in table.foreign_keys if key.parent.name == "application_id")
)


@event.listens_for(Session, "before_flush")
def _keep_found(session: Session, _context: Any, _instances: Any) -> None:
    """Let the dossiers of an organisation that changes its name or numbers be found by the new ones.

    Past the versions of those dossiers: nobody who writes to one of them needs to know.
    """
    table = cast(Table, Application.__table__)
    for organisation in session.dirty:
        if not isinstance(organisation, Organisation):
            continue
        if not any(get_history(organisation, name).has_changes() for name in rules.NAMES):
            continue
        found = select(table.c.id, table.c.reference, table.c.title)
        for row in session.execute(found.where(table.c.organisation_id == organisation.id, table.c.search_key != "")):
            key = rules.search_key_of(row.reference, row.title, organisation)
            session.execute(update(table).where(table.c.id == row.id).values(search_key=key))
