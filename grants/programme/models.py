"""The fund and its envelope, strategic frameworks, territory, dated law and configured texts."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, CheckConstraint, Column, ForeignKey, SmallInteger, String, Table, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from grants.kernel.db import Keyed, Model, Versioned, text_enum
from grants.kernel.money import Money


class Trust(StrEnum):
    """How sure a fact of reference is; memory and proposals must be confirmed before a call opens."""

    CONFIRMED = "confirmed"
    SECONDARY = "secondary"
    MEMORY = "memory"
    PROPOSAL = "proposal"
    CUT = "cut"


class FundingForm(StrEnum):
    """How money is given."""

    GRANT = "grant"
    REPAYABLE_ADVANCE = "repayable_advance"


class Fund(Keyed, Versioned, Model):
    """A fund and its envelope. `committed` is what frozen recommendations reserve and awards hold."""

    __tablename__ = "fund"
    __table_args__ = (
        CheckConstraint("committed_cents >= 0 AND committed_cents <= envelope_cents", name="committed_within_envelope"),
    )

    code: Mapped[str] = mapped_column(String(12), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    name_en: Mapped[str] = mapped_column(String(200), default="")
    summary: Mapped[str] = mapped_column(Text, default="")
    summary_en: Mapped[str] = mapped_column(Text, default="")
    purpose: Mapped[str] = mapped_column(Text, default="")
    purpose_en: Mapped[str] = mapped_column(Text, default="")
    envelope: Mapped[Money] = mapped_column("envelope_cents")
    committed: Mapped[Money] = mapped_column("committed_cents", default=Money(0))
    announced_on: Mapped[date | None]
    zone: Mapped[str] = mapped_column(String(40), default="Europe/Paris")
    body_name: Mapped[str] = mapped_column(String(200))
    body_siret: Mapped[str] = mapped_column(String(14))
    service_name: Mapped[str] = mapped_column(String(200), default="")
    service_address: Mapped[str] = mapped_column(String(300), default="")
    service_email: Mapped[str] = mapped_column(String(254), default="")
    service_phone: Mapped[str] = mapped_column(String(60), default="")
    dpo_email: Mapped[str] = mapped_column(String(254), default="")
    court: Mapped[str] = mapped_column(String(200), default="")
    court_en: Mapped[str] = mapped_column(String(200), default="")
    contact_status: Mapped[Trust] = mapped_column(text_enum(Trust), default=Trust.PROPOSAL)


class Instrument(Keyed, Model):
    """A way of funding, with its bounds; `max_rate` in whole percent of the project's resources, None for no cap."""

    __tablename__ = "instrument"
    __table_args__ = (
        CheckConstraint("minimum_cents >= 0 AND maximum_cents >= minimum_cents", name="bounds_in_order"),
        CheckConstraint("max_rate IS NULL OR (max_rate > 0 AND max_rate <= 100)", name="rate_in_percent"),
    )

    code: Mapped[str] = mapped_column(String(32), unique=True)
    name: Mapped[str] = mapped_column(String(120))
    name_en: Mapped[str] = mapped_column(String(120), default="")
    form: Mapped[FundingForm] = mapped_column(text_enum(FundingForm))
    minimum: Mapped[Money] = mapped_column("minimum_cents")
    maximum: Mapped[Money] = mapped_column("maximum_cents")
    max_rate: Mapped[int | None] = mapped_column(SmallInteger)
    description: Mapped[str] = mapped_column(Text, default="")
    description_en: Mapped[str] = mapped_column(Text, default="")
    position: Mapped[int] = mapped_column(SmallInteger, default=0)
    status: Mapped[Trust] = mapped_column(text_enum(Trust))


class Framework(Keyed, Model):
    """A strategic framework in one edition: axes, orientations, actions, fields and related plans."""

    __tablename__ = "framework"

    code: Mapped[str] = mapped_column(String(40), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    name_en: Mapped[str] = mapped_column(String(200), default="")
    valid_from: Mapped[date]
    valid_to: Mapped[date | None]
    expected_actions: Mapped[int | None]
    summary: Mapped[str] = mapped_column(Text, default="")
    summary_en: Mapped[str] = mapped_column(Text, default="")
    placeholder: Mapped[str] = mapped_column(String(120), default="")
    placeholder_en: Mapped[str] = mapped_column(String(120), default="")
    source: Mapped[str] = mapped_column(Text, default="")
    position: Mapped[int] = mapped_column(SmallInteger, default=0)


class Axis(Keyed, Model):
    """A first level of a framework; `colour` is the number of its thread (1 to 6)."""

    __tablename__ = "axis"
    __table_args__ = (UniqueConstraint("framework_id", "code"),)

    framework_id: Mapped[UUID] = mapped_column(ForeignKey("framework.id", ondelete="RESTRICT"))
    code: Mapped[str] = mapped_column(String(12))
    title: Mapped[str] = mapped_column(String(300))
    title_en: Mapped[str] = mapped_column(String(300), default="")
    short: Mapped[str] = mapped_column(String(120), default="")
    short_en: Mapped[str] = mapped_column(String(120), default="")
    position: Mapped[int] = mapped_column(SmallInteger)
    colour: Mapped[int] = mapped_column(SmallInteger)
    framework: Mapped[Framework] = relationship()


class Orientation(Keyed, Model):
    """A second level, under an axis."""

    __tablename__ = "orientation"
    __table_args__ = (UniqueConstraint("axis_id", "code"),)

    axis_id: Mapped[UUID] = mapped_column(ForeignKey("axis.id", ondelete="RESTRICT"))
    code: Mapped[str] = mapped_column(String(12))
    title: Mapped[str] = mapped_column(String(300))
    title_en: Mapped[str] = mapped_column(String(300), default="")
    position: Mapped[int] = mapped_column(SmallInteger, default=0)
    axis: Mapped[Axis] = relationship()


class FieldOfIntervention(Keyed, Model):
    """A field crossing the axes (champ d'intervention)."""

    __tablename__ = "field_of_intervention"
    __table_args__ = (UniqueConstraint("framework_id", "code"),)

    framework_id: Mapped[UUID] = mapped_column(ForeignKey("framework.id", ondelete="RESTRICT"))
    code: Mapped[str] = mapped_column(String(12))
    title: Mapped[str] = mapped_column(String(300))
    title_en: Mapped[str] = mapped_column(String(300), default="")
    position: Mapped[int] = mapped_column(SmallInteger, default=0)


class RelatedPlan(Keyed, Model):
    """Another plan of the body that an application may name (PMI'e, PLU-H…)."""

    __tablename__ = "related_plan"
    __table_args__ = (UniqueConstraint("framework_id", "code"),)

    framework_id: Mapped[UUID] = mapped_column(ForeignKey("framework.id", ondelete="RESTRICT"))
    code: Mapped[str] = mapped_column(String(12))
    title: Mapped[str] = mapped_column(String(300))
    title_en: Mapped[str] = mapped_column(String(300), default="")
    position: Mapped[int] = mapped_column(SmallInteger, default=0)


action_field = Table(
    "action_field",
    Model.metadata,
    Column("action_id", ForeignKey("framework_action.id", ondelete="CASCADE"), primary_key=True),
    Column("field_id", ForeignKey("field_of_intervention.id", ondelete="RESTRICT"), primary_key=True),
)


class Action(Keyed, Versioned, Model):
    """An action of a framework. Its number is text ("41.1"); an empty title is shown as "intitulé à compléter"."""

    __tablename__ = "framework_action"
    __table_args__ = (UniqueConstraint("framework_id", "number"),)

    framework_id: Mapped[UUID] = mapped_column(ForeignKey("framework.id", ondelete="RESTRICT"))
    axis_id: Mapped[UUID] = mapped_column(ForeignKey("axis.id", ondelete="RESTRICT"), index=True)
    orientation_id: Mapped[UUID | None] = mapped_column(ForeignKey("orientation.id", ondelete="RESTRICT"))
    number: Mapped[str] = mapped_column(String(12))
    sort_key: Mapped[str] = mapped_column(String(24))
    title: Mapped[str] = mapped_column(String(400), default="")
    title_en: Mapped[str] = mapped_column(String(400), default="")
    status: Mapped[Trust] = mapped_column(text_enum(Trust))
    source: Mapped[str] = mapped_column(Text, default="")
    axis: Mapped[Axis] = relationship()
    orientation: Mapped[Orientation | None] = relationship()
    fields: Mapped[list[FieldOfIntervention]] = relationship(secondary=action_field)


class Commune(Keyed, Model):
    """A commune of the territory, with the dates it existed under this code."""

    __tablename__ = "commune"

    insee: Mapped[str] = mapped_column(String(5), unique=True)
    name: Mapped[str] = mapped_column(String(120))
    sort_key: Mapped[str] = mapped_column(String(120), index=True)
    postcodes: Mapped[str] = mapped_column(String(120), default="")
    conference: Mapped[str] = mapped_column(String(80), default="")
    valid_from: Mapped[date | None]
    valid_to: Mapped[date | None]
    successor: Mapped[str] = mapped_column(String(5), default="")
    status: Mapped[Trust] = mapped_column(text_enum(Trust))


class PriorityArea(Keyed, Model):
    """A priority neighbourhood (QPV) that applicants pick by name."""

    __tablename__ = "priority_area"
    __table_args__ = (UniqueConstraint("commune_id", "name"),)

    code: Mapped[str] = mapped_column(String(12), default="")
    name: Mapped[str] = mapped_column(String(120))
    kind: Mapped[str] = mapped_column(String(8), default="QPV")
    valid_from: Mapped[date | None]
    valid_to: Mapped[date | None]
    commune_id: Mapped[UUID] = mapped_column(ForeignKey("commune.id", ondelete="RESTRICT"))
    status: Mapped[Trust] = mapped_column(text_enum(Trust))
    commune: Mapped[Commune] = relationship()


class Law(Keyed, Model):
    """A dated rule: its value between two days, its source, and who confirmed it when it came from memory."""

    __tablename__ = "law"
    __table_args__ = (UniqueConstraint("code", "valid_from"),)

    code: Mapped[str] = mapped_column(String(60))
    title: Mapped[str] = mapped_column(String(300))
    title_en: Mapped[str] = mapped_column(String(300), default="")
    value: Mapped[str] = mapped_column(String(400))
    unit: Mapped[str] = mapped_column(String(40), default="")
    valid_from: Mapped[date] = mapped_column(default=date(1, 1, 1))
    valid_to: Mapped[date | None]
    reference: Mapped[str] = mapped_column(String(300), default="")
    note: Mapped[str] = mapped_column(Text, default="")
    note_en: Mapped[str] = mapped_column(Text, default="")
    status: Mapped[Trust] = mapped_column(text_enum(Trust))
    confirmed_at: Mapped[datetime | None]
    confirmed_by: Mapped[UUID | None] = mapped_column(ForeignKey("account.id", ondelete="RESTRICT"))


class ConfiguredText(Keyed, Versioned, Model):
    """A text shown to users that managers may edit (remedies, notices, clauses), with its degree of certainty."""

    __tablename__ = "configured_text"

    code: Mapped[str] = mapped_column(String(60), unique=True)
    use: Mapped[str] = mapped_column(String(16))
    title: Mapped[str] = mapped_column(String(300))
    title_en: Mapped[str] = mapped_column(String(300), default="")
    body: Mapped[str] = mapped_column(Text)
    body_en: Mapped[str] = mapped_column(Text, default="")
    placeholders: Mapped[list[Any]] = mapped_column(JSON, default=list)
    position: Mapped[int] = mapped_column(SmallInteger, default=0)
    status: Mapped[Trust] = mapped_column(text_enum(Trust))
    confirmed_at: Mapped[datetime | None]
    confirmed_by: Mapped[UUID | None] = mapped_column(ForeignKey("account.id", ondelete="RESTRICT"))


class BudgetAccount(Keyed, Model):
    """An account of the Cerfa 12156 grid; `side` is charge or resource, `parent` the code of its group."""

    __tablename__ = "budget_account"
    __table_args__ = (UniqueConstraint("code"), CheckConstraint("side IN ('charge', 'resource')", name="side_known"))

    code: Mapped[str] = mapped_column(String(12))
    side: Mapped[str] = mapped_column(String(8))
    parent: Mapped[str] = mapped_column(String(12), default="")
    title: Mapped[str] = mapped_column(String(200))
    title_en: Mapped[str] = mapped_column(String(200), default="")
    in_kind: Mapped[bool] = mapped_column(default=False)
    by_funder: Mapped[bool] = mapped_column(default=False)
    header: Mapped[bool] = mapped_column(default=False)
    examples: Mapped[str] = mapped_column(String(300), default="")
    examples_en: Mapped[str] = mapped_column(String(300), default="")
    position: Mapped[int] = mapped_column(SmallInteger)
