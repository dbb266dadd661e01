"""The award, its agreement, and the bank details money may be ordered to."""

from datetime import date, datetime
from typing import ClassVar
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from grants.applications.models import Application
from grants.awards.lifecycle import AWARD, BANK, AwardState, BankState
from grants.deliberation.models import Decision
from grants.kernel.db import Keyed, Model, Versioned, text_enum
from grants.kernel.machine import Machine
from grants.kernel.money import Money
from grants.kernel.rowdigests import Recorded
from grants.kernel.uploads import StoredFile
from grants.people.models import Organisation


class Award(Recorded, Keyed, Versioned, Model):
    """What the act gave to an organisation. The running sums follow the ledger and never pass one another."""

    __tablename__ = "award"
    not_recorded: ClassVar = frozenset(
        {
            "engaged_cents", "ordered_cents", "paid_cents", "released_cents", "claimed_cents", "received_cents",
            "given_up_cents",
        }
    )  # fmt: skip
    lifecycle: ClassVar[Machine] = AWARD

    application_id: Mapped[UUID] = mapped_column(ForeignKey("application.id", ondelete="RESTRICT"))
    decision_id: Mapped[UUID] = mapped_column(ForeignKey("decision.id", ondelete="RESTRICT"))
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisation.id", ondelete="RESTRICT"), index=True)
    state: Mapped[AwardState] = mapped_column(text_enum(AwardState), default=AwardState.VOTED)
    amount: Mapped[Money] = mapped_column("amount_cents")
    eligible_base: Mapped[Money] = mapped_column("eligible_base_cents")
    engaged: Mapped[Money] = mapped_column("engaged_cents", default=Money(0))
    ordered: Mapped[Money] = mapped_column("ordered_cents", default=Money(0))
    paid: Mapped[Money] = mapped_column("paid_cents", default=Money(0))
    released: Mapped[Money] = mapped_column("released_cents", default=Money(0))
    claimed: Mapped[Money] = mapped_column("claimed_cents", default=Money(0))
    received: Mapped[Money] = mapped_column("received_cents", default=Money(0))
    given_up: Mapped[Money] = mapped_column("given_up_cents", default=Money(0))
    opened_at: Mapped[datetime]
    notified_on: Mapped[date | None]
    engaged_on: Mapped[date | None]
    publication_due_on: Mapped[date | None]
    closed_on: Mapped[date | None]
    application: Mapped[Application] = relationship()
    decision: Mapped[Decision] = relationship()
    organisation: Mapped[Organisation] = relationship()

    __table_args__ = (
        UniqueConstraint("application_id"),
        UniqueConstraint("decision_id"),
        CheckConstraint("amount_cents > 0", name="amount_positive"),
        CheckConstraint("engaged_cents >= 0 AND engaged_cents <= amount_cents", name="engaged_within_amount"),
        CheckConstraint("ordered_cents >= 0 AND ordered_cents <= engaged_cents", name="ordered_within_engaged"),
        CheckConstraint("paid_cents >= 0 AND paid_cents <= ordered_cents", name="paid_within_ordered"),
        CheckConstraint(
            "released_cents >= 0 AND ordered_cents + released_cents <= amount_cents", name="released_is_left"
        ),
        CheckConstraint("claimed_cents >= 0 AND claimed_cents <= paid_cents", name="claimed_within_paid"),
        CheckConstraint(
            "received_cents >= 0 AND given_up_cents >= 0 AND received_cents + given_up_cents <= paid_cents",
            name="given_back_within_paid",
        ),
        *AWARD.checks(),
    )

    @property
    def dossier_id(self) -> UUID:
        """Filed under the application."""
        return self.application_id


class Agreement(Recorded, Keyed, Versioned, Model):
    """The written agreement (compulsory above the yearly threshold: loi 2000-321, article 10)."""

    __tablename__ = "agreement"
    __table_args__ = (UniqueConstraint("award_id"),)

    award_id: Mapped[UUID] = mapped_column(ForeignKey("award.id", ondelete="RESTRICT"))
    number: Mapped[str] = mapped_column(String(40), unique=True)
    terms: Mapped[str] = mapped_column(Text)
    prepared_at: Mapped[datetime]
    signed_on: Mapped[date | None]
    file_id: Mapped[UUID | None] = mapped_column(ForeignKey("stored_file.id", ondelete="RESTRICT"))
    award: Mapped[Award] = relationship()
    file: Mapped[StoredFile | None] = relationship()

    @property
    def dossier_id(self) -> UUID:
        """Filed under the application."""
        return self.award.application_id


class BankDetails(Recorded, Keyed, Versioned, Model):
    """An organisation's bank details: encrypted, masked, usable once two different people confirmed them."""

    __tablename__ = "bank_details"
    lifecycle: ClassVar[Machine] = BANK

    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisation.id", ondelete="RESTRICT"), index=True)
    holder: Mapped[str] = mapped_column(String(200))
    iban_sealed: Mapped[str] = mapped_column(Text)
    iban_last4: Mapped[str] = mapped_column(String(4))
    iban_digest: Mapped[str] = mapped_column(String(64))
    bic: Mapped[str] = mapped_column(String(11), default="")
    state: Mapped[BankState] = mapped_column(text_enum(BankState), default=BankState.GIVEN)
    given_by: Mapped[UUID] = mapped_column(ForeignKey("account.id", ondelete="RESTRICT"))
    given_at: Mapped[datetime]
    first_by: Mapped[UUID | None] = mapped_column(ForeignKey("account.id", ondelete="RESTRICT"))
    second_by: Mapped[UUID | None] = mapped_column(ForeignKey("account.id", ondelete="RESTRICT"))
    settled_at: Mapped[datetime | None]
    note: Mapped[str] = mapped_column(String(500), default="")
    organisation: Mapped[Organisation] = relationship()

    __table_args__ = (
        CheckConstraint("second_by IS NULL OR second_by <> first_by", name="two_people_confirm"),
        CheckConstraint("first_by IS NULL OR first_by <> given_by", name="giver_does_not_check"),
        CheckConstraint("second_by IS NULL OR second_by <> given_by", name="giver_does_not_confirm"),
        Index(
            "uq_bank_details_confirmed",
            "organisation_id",
            unique=True,
            sqlite_where=text("state = 'confirmed'"),
            postgresql_where=text("state = 'confirmed'"),
        ),
        *BANK.checks(),
    )

    @property
    def is_refused(self) -> bool:
        """Whether somebody who checked them refused them."""
        return self.state is BankState.REFUSED
