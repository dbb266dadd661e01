"""Accounts, the organisations they act for, and the offices they hold."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from flask_security.core import UserMixin
from sqlalchemy import JSON, CheckConstraint, ForeignKey, SmallInteger, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship, validates

from grants.kernel import clock
from grants.kernel.db import Keyed, Model, Versioned, text_enum
from grants.kernel.rowdigests import Recorded
from grants.kernel.search import search_key
from grants.kernel.words import LazyString, _l


class Role(StrEnum):
    """Offices of the fund's staff and committee."""

    REVIEWER = "reviewer"
    MANAGER = "manager"
    FINANCE = "finance"
    AUTHORISING_OFFICER = "authorising_officer"
    ADMINISTRATOR = "administrator"
    AUDITOR = "auditor"


class College(StrEnum):
    """The part of the committee a reviewer sits in."""

    ELECTED = "elected"
    AGENT = "agent"
    EXPERT = "expert"
    USER = "user"


class MemberRole(StrEnum):
    """What a person may do for an organisation: owners also invite and give bank details."""

    OWNER = "owner"
    EDITOR = "editor"


class LegalForm(StrEnum):
    """Legal forms an organisation may have."""

    ASSOCIATION = "association"
    FOUNDATION = "foundation"
    COOPERATIVE = "cooperative"
    SOCIAL_ENTERPRISE = "social_enterprise"
    PUBLIC_BODY = "public_body"
    OTHER = "other"


ROLE_LABELS: dict[Role, LazyString] = {
    Role.REVIEWER: _l("Membre du comité"),
    Role.MANAGER: _l("Gestionnaire du fonds"),
    Role.FINANCE: _l("Service des finances"),
    Role.AUTHORISING_OFFICER: _l("Ordonnateur"),
    Role.ADMINISTRATOR: _l("Administration du service"),
    Role.AUDITOR: _l("Audit"),
}
COLLEGE_LABELS: dict[College, LazyString] = {
    College.ELECTED: _l("Personnes élues"),
    College.AGENT: _l("Agents de la collectivité"),
    College.EXPERT: _l("Personnes qualifiées"),
    College.USER: _l("Personnes concernées"),
}
MEMBER_LABELS: dict[MemberRole, LazyString] = {
    MemberRole.OWNER: _l("Responsable"),
    MemberRole.EDITOR: _l("Membre"),
}
LEGAL_FORM_LABELS: dict[LegalForm, LazyString] = {
    LegalForm.ASSOCIATION: _l("Association"),
    LegalForm.FOUNDATION: _l("Fondation ou fonds de dotation"),
    LegalForm.COOPERATIVE: _l("Coopérative"),
    LegalForm.SOCIAL_ENTERPRISE: _l("Entreprise solidaire d’utilité sociale"),
    LegalForm.PUBLIC_BODY: _l("Organisme public"),
    LegalForm.OTHER: _l("Autre"),
}


LONGEST_KEY = 220


def _key_of_name(context: Any) -> str:
    return search_key(context.get_current_parameters()["name"])[:LONGEST_KEY]


def _sort_by_name(row: Any, _field: str, name: str) -> str:
    row.sort_key = search_key(name)[:LONGEST_KEY]
    return name


class Account(Keyed, Model, UserMixin):  # type: ignore[misc]
    """A person who signs in. `fs_uniquifier` changes to end every session at once."""

    __tablename__ = "account"

    email: Mapped[str] = mapped_column(String(254), unique=True)
    name: Mapped[str] = mapped_column(String(120))
    title: Mapped[str] = mapped_column(String(120), default="")
    password: Mapped[str | None] = mapped_column(String(255))
    active: Mapped[bool] = mapped_column(default=True)
    fs_uniquifier: Mapped[str] = mapped_column(String(64), unique=True)
    confirmed_at: Mapped[datetime | None]
    locale: Mapped[str] = mapped_column(String(2), default="fr")
    created_at: Mapped[datetime]
    sort_key: Mapped[str] = mapped_column(String(LONGEST_KEY), default=_key_of_name, index=True)

    _sorted_by_name = validates("name")(_sort_by_name)

    @property
    def roles(self) -> list[Any]:  # type: ignore[override]
        """Flask-Security's own roles are not used: see Appointment."""
        return []


class SignIn(Keyed, Model):
    """One open session: revocable, listed to its owner. Only a digest of its secret is kept."""

    __tablename__ = "sign_in"

    account_id: Mapped[UUID] = mapped_column(ForeignKey("account.id", ondelete="RESTRICT"), index=True)
    secret: Mapped[str] = mapped_column(String(64), unique=True)
    started_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    browser: Mapped[str] = mapped_column(String(200), default="")


class CalendarLink(Model):
    """The private address of a person's calendar: whoever has it reads their deadlines. Only its digest is kept."""

    __tablename__ = "calendar_link"

    account_id: Mapped[UUID] = mapped_column(ForeignKey("account.id", ondelete="RESTRICT"), primary_key=True)
    secret: Mapped[str] = mapped_column(String(64), unique=True)
    made_at: Mapped[datetime]


class Appointment(Recorded, Keyed, Model):
    """An office held by a person for a time."""

    __tablename__ = "appointment"
    __table_args__ = (CheckConstraint("until_on IS NULL OR until_on >= since_on", name="dates_in_order"),)

    account_id: Mapped[UUID] = mapped_column(ForeignKey("account.id", ondelete="RESTRICT"), index=True)
    role: Mapped[Role] = mapped_column(text_enum(Role))
    college: Mapped[College | None] = mapped_column(text_enum(College))
    since_on: Mapped[date]
    until_on: Mapped[date | None]
    account: Mapped[Account] = relationship()

    @property
    def is_open(self) -> bool:
        """Whether the office is held or will be."""
        return self.until_on is None or self.until_on >= clock.today()


class Nomination(Recorded, Keyed, Model):
    """An office one administrator proposes for a person, until another one confirms it. It gives nothing by itself."""

    __tablename__ = "nomination"
    __table_args__ = (
        UniqueConstraint(
            "account_id", "role",
            info={"says": _l("Cette fonction est déjà proposée pour cette personne."), "field": "role"},
        ),
    )  # fmt: skip

    account_id: Mapped[UUID] = mapped_column(ForeignKey("account.id", ondelete="RESTRICT"))
    role: Mapped[Role] = mapped_column(text_enum(Role))
    since_on: Mapped[date]
    until_on: Mapped[date | None]
    proposed_by: Mapped[UUID] = mapped_column(ForeignKey("account.id", ondelete="RESTRICT"))
    proposed_at: Mapped[datetime]
    account: Mapped[Account] = relationship(foreign_keys=[account_id])


class Organisation(Keyed, Versioned, Model):
    """A body that applies. It is known by a SIRET, an RNA number, or both.

    `sources` says where facts come from, by field: {"source": "directory" or "member", "on": day}.
    """

    __tablename__ = "organisation"
    __table_args__ = (
        UniqueConstraint("siret", info={"says": _l("Une organisation porte déjà ce numéro SIRET."), "field": "siret"}),
        UniqueConstraint("rna", info={"says": _l("Une organisation porte déjà ce numéro RNA."), "field": "rna"}),
        CheckConstraint("siret IS NOT NULL OR rna IS NOT NULL", name="siret_or_rna"),
    )

    name: Mapped[str] = mapped_column(String(200))
    acronym: Mapped[str] = mapped_column(String(40), default="")
    siret: Mapped[str | None] = mapped_column(String(14))
    rna: Mapped[str | None] = mapped_column(String(10))
    legal_form: Mapped[LegalForm] = mapped_column(text_enum(LegalForm))
    purpose: Mapped[str] = mapped_column(Text, default="")
    address: Mapped[str] = mapped_column(String(250), default="")
    postcode: Mapped[str] = mapped_column(String(5), default="")
    city: Mapped[str] = mapped_column(String(120), default="")
    website: Mapped[str] = mapped_column(String(200), default="")
    phone: Mapped[str] = mapped_column(String(30), default="")
    email: Mapped[str] = mapped_column(String(254), default="", index=True)
    founded_on: Mapped[date | None]
    year_end_month: Mapped[int] = mapped_column(SmallInteger, default=12)
    representative_name: Mapped[str] = mapped_column(String(120), default="")
    representative_role: Mapped[str] = mapped_column(String(120), default="")
    representative_email: Mapped[str] = mapped_column(String(254), default="", index=True)
    created_at: Mapped[datetime]
    sort_key: Mapped[str] = mapped_column(String(LONGEST_KEY), default=_key_of_name, index=True)
    sources: Mapped[dict[str, dict[str, str]] | None] = mapped_column(JSON)

    _sorted_by_name = validates("name")(_sort_by_name)


class DirectoryEntry(Model):
    """What the public directory said of a SIRET or RNA number, kept for a time; no facts: it knew no such number."""

    __tablename__ = "directory_entry"

    number: Mapped[str] = mapped_column(String(14), primary_key=True)
    facts: Mapped[dict[str, str]] = mapped_column(JSON)
    is_closed: Mapped[bool]
    read_at: Mapped[datetime]
    until: Mapped[datetime]


class Membership(Recorded, Keyed, Versioned, Model):
    """A person acting for an organisation."""

    __tablename__ = "membership"
    __table_args__ = (
        UniqueConstraint(
            "account_id", "organisation_id", info={"says": _l("Cette personne est déjà membre."), "field": "email"}
        ),
    )

    account_id: Mapped[UUID] = mapped_column(ForeignKey("account.id", ondelete="RESTRICT"))
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisation.id", ondelete="RESTRICT"), index=True)
    role: Mapped[MemberRole] = mapped_column(text_enum(MemberRole))
    since_at: Mapped[datetime]
    account: Mapped[Account] = relationship()
    organisation: Mapped[Organisation] = relationship()


class FormerMembership(Recorded, Keyed, Model):
    """Somebody acted for an organisation until a day: leaving it undoes no link with what it applied for before."""

    __tablename__ = "former_membership"

    account_id: Mapped[UUID] = mapped_column(ForeignKey("account.id", ondelete="RESTRICT"), index=True)
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisation.id", ondelete="RESTRICT"))
    since_at: Mapped[datetime]
    ended_at: Mapped[datetime]


class Invitation(Keyed, Model):
    """An invitation to act for an organisation; the link in the letter opens a page with a button."""

    __tablename__ = "invitation"

    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisation.id", ondelete="RESTRICT"), index=True)
    email: Mapped[str] = mapped_column(String(254), index=True)
    role: Mapped[MemberRole] = mapped_column(text_enum(MemberRole))
    secret: Mapped[str] = mapped_column(String(64), unique=True)
    invited_by: Mapped[UUID] = mapped_column(ForeignKey("account.id", ondelete="RESTRICT"), index=True)
    invited_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    accepted_at: Mapped[datetime | None]
    organisation: Mapped[Organisation] = relationship()
