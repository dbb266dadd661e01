"""Instalments and the ledger: every movement of money is one line, split by dimension, never changed."""

from datetime import date, datetime
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, SmallInteger, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from grants.applications.models import Dimension
from grants.awards.lifecycle import INSTALMENT, InstalmentState
from grants.awards.models.agreement import Award, BankDetails
from grants.awards.models.recovery import Ground
from grants.kernel.db import BigKey, Keyed, Model, Versioned, text_enum
from grants.kernel.machine import Machine
from grants.kernel.money import Money
from grants.kernel.rowdigests import Recorded
from grants.kernel.words import LazyString, _l


class InstalmentKind(StrEnum):
    """Kinds of instalment."""

    ADVANCE = "advance"
    INTERIM = "interim"
    BALANCE = "balance"
    SINGLE = "single"


KIND_LABELS: dict[InstalmentKind, LazyString] = {
    InstalmentKind.ADVANCE: _l("Avance"),
    InstalmentKind.INTERIM: _l("Acompte"),
    InstalmentKind.BALANCE: _l("Solde"),
    InstalmentKind.SINGLE: _l("Versement unique"),
}


class Amendment(Recorded, Keyed, Model):
    """An amendment to a signed agreement: what alone changes its schedule. The replaced instalments stay, cancelled."""

    __tablename__ = "amendment"
    __table_args__ = (
        UniqueConstraint(
            "award_id", "number", info={"says": _l("Un avenant de ce numéro est déjà enregistré."), "field": "number"}
        ),
    )

    award_id: Mapped[UUID] = mapped_column(ForeignKey("award.id", ondelete="RESTRICT"))
    number: Mapped[str] = mapped_column(String(40))
    signed_on: Mapped[date]
    reason: Mapped[str] = mapped_column(String(1000))
    written_at: Mapped[datetime]
    written_by: Mapped[UUID | None] = mapped_column(ForeignKey("account.id", ondelete="RESTRICT"))
    award: Mapped[Award] = relationship()

    @property
    def dossier_id(self) -> UUID:
        """Filed under the application."""
        return self.award.application_id


class Instalment(Recorded, Keyed, Versioned, Model):
    """A part of an award to be ordered; what is not cancelled adds up to the award less what was released.

    `attempt` counts its payment orders: one that was rejected or cancelled stays in the ledger, and the next one counts
    one more.
    """

    __tablename__ = "instalment"
    lifecycle: ClassVar[Machine] = INSTALMENT

    award_id: Mapped[UUID] = mapped_column(ForeignKey("award.id", ondelete="RESTRICT"))
    position: Mapped[int] = mapped_column(SmallInteger)
    label: Mapped[str] = mapped_column(String(120))
    kind: Mapped[InstalmentKind] = mapped_column(text_enum(InstalmentKind))
    amount: Mapped[Money] = mapped_column("amount_cents")
    due_on: Mapped[date | None]
    condition: Mapped[str] = mapped_column(String(500), default="")
    state: Mapped[InstalmentState] = mapped_column(text_enum(InstalmentState), default=InstalmentState.PLANNED)
    bank_details_id: Mapped[UUID | None] = mapped_column(ForeignKey("bank_details.id", ondelete="RESTRICT"))
    prepared_by: Mapped[UUID | None] = mapped_column(ForeignKey("account.id", ondelete="RESTRICT"))
    prepared_at: Mapped[datetime | None]
    approved_by: Mapped[UUID | None] = mapped_column(ForeignKey("account.id", ondelete="RESTRICT"))
    approved_at: Mapped[datetime | None]
    attempt: Mapped[int] = mapped_column(SmallInteger, default=1)
    order_number: Mapped[str | None] = mapped_column(String(40))
    order_year: Mapped[int | None] = mapped_column(SmallInteger)
    ordered_on: Mapped[date | None]
    paid_on: Mapped[date | None]
    amendment_id: Mapped[UUID | None] = mapped_column(ForeignKey("amendment.id", ondelete="RESTRICT"))
    attested_on: Mapped[date | None]
    attested_by: Mapped[UUID | None] = mapped_column(ForeignKey("account.id", ondelete="RESTRICT"))
    proof: Mapped[str] = mapped_column(String(500), default="")
    returned_note: Mapped[str] = mapped_column(String(500), default="")
    returned_at: Mapped[datetime | None]
    returned_by: Mapped[UUID | None] = mapped_column(ForeignKey("account.id", ondelete="RESTRICT"))
    award: Mapped[Award] = relationship()
    amendment: Mapped[Amendment | None] = relationship()
    bank_details: Mapped[BankDetails | None] = relationship()

    __table_args__ = (
        UniqueConstraint(
            "award_id", "position", info={"says": _l("Quelqu’un vient de changer cet échéancier. Rechargez la page.")}
        ),
        UniqueConstraint(
            "order_year",
            "order_number",
            info={"says": _l("Ce numéro de mandat est déjà enregistré pour cette année."), "field": "number"},
        ),
        CheckConstraint("amount_cents > 0", name="amount_positive"),
        CheckConstraint("attempt >= 1", name="attempt_positive"),
        CheckConstraint("approved_by IS NULL OR approved_by <> prepared_by", name="four_eyes"),
        *INSTALMENT.checks(),
    )

    @property
    def dossier_id(self) -> UUID:
        """Filed under the application."""
        return self.award.application_id


class LedgerKind(StrEnum):
    """Kinds of movement, in the order money leaves. A reversal takes away from the sum of another kind."""

    VOTED = "voted"
    ENGAGED = "engaged"
    ORDERED = "ordered"
    ORDER_REJECTED = "order_rejected"
    ORDER_CANCELLED = "order_cancelled"
    PAID = "paid"
    RELEASED = "released"
    CLAIMED = "claimed"
    CLAIM_CANCELLED = "claim_cancelled"
    RECEIVED = "received"
    GIVEN_UP = "given_up"
    RECEIPT_REVERSED = "receipt_reversed"


# The kinds whose lines are negative, and the kind from whose sum they take away.
REVERSALS: dict[LedgerKind, LedgerKind] = {
    LedgerKind.ORDER_REJECTED: LedgerKind.ORDERED,
    LedgerKind.ORDER_CANCELLED: LedgerKind.ORDERED,
    LedgerKind.CLAIM_CANCELLED: LedgerKind.CLAIMED,
    LedgerKind.RECEIPT_REVERSED: LedgerKind.RECEIVED,
}
_NEGATIVE = ", ".join(repr(kind.value) for kind in REVERSALS)

LEDGER_LABELS: dict[LedgerKind, LazyString] = {
    LedgerKind.VOTED: _l("Voté"),
    LedgerKind.ENGAGED: _l("Engagé"),
    LedgerKind.ORDERED: _l("Mandaté"),
    LedgerKind.ORDER_REJECTED: _l("Mandat rejeté"),
    LedgerKind.ORDER_CANCELLED: _l("Mandat annulé"),
    LedgerKind.PAID: _l("Payé (date comptable)"),
    LedgerKind.RELEASED: _l("Rendu à l’enveloppe"),
    LedgerKind.CLAIMED: _l("Reversement demandé"),
    LedgerKind.CLAIM_CANCELLED: _l("Reversement annulé"),
    LedgerKind.RECEIVED: _l("Reçu de l’association"),
    LedgerKind.GIVEN_UP: _l("N’est plus réclamé"),
    LedgerKind.RECEIPT_REVERSED: _l("Encaissement annulé"),
}


class LedgerEntry(Recorded, Model):
    """One movement of money of an award. Append-only; each kind happens once per attempt to pay an instalment.

    The amount is positive, and negative for a reversal. `number` and `reason` say which order, and why; the reversal of
    a receipt names the line it `reverses`, which no other line does.
    """

    __tablename__ = "ledger_entry"
    __table_args__ = (
        UniqueConstraint(
            "instalment_id",
            "kind",
            "attempt",
            info={"says": _l("Cette échéance vient d’être traitée. Rechargez la page.")},
        ),
        UniqueConstraint("reverses_id", info={"says": _l("Cet encaissement est déjà annulé.")}),
        CheckConstraint(
            f"amount_cents <> 0 AND (amount_cents < 0) = (kind IN ({_NEGATIVE}))",
            name="amount_has_its_sign",
        ),
        Index("ix_ledger_entry_kind_day", "kind", "day"),
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True, autoincrement=True)
    award_id: Mapped[UUID] = mapped_column(ForeignKey("award.id", ondelete="RESTRICT"), index=True)
    instalment_id: Mapped[UUID | None] = mapped_column(ForeignKey("instalment.id", ondelete="RESTRICT"))
    receivable_id: Mapped[UUID | None] = mapped_column(ForeignKey("receivable.id", ondelete="RESTRICT"), index=True)
    kind: Mapped[LedgerKind] = mapped_column(text_enum(LedgerKind))
    amount: Mapped[Money] = mapped_column("amount_cents")
    attempt: Mapped[int] = mapped_column(SmallInteger, default=1)
    number: Mapped[str] = mapped_column(String(40), default="")
    reason: Mapped[str] = mapped_column(String(500), default="")
    ground: Mapped[Ground | None] = mapped_column(text_enum(Ground))
    reverses_id: Mapped[int | None] = mapped_column(BigKey, ForeignKey("ledger_entry.id", ondelete="RESTRICT"))
    day: Mapped[date]
    written_at: Mapped[datetime]
    written_by: Mapped[UUID | None] = mapped_column(ForeignKey("account.id", ondelete="RESTRICT"))
    award: Mapped[Award] = relationship()
    instalment: Mapped[Instalment | None] = relationship()


class LedgerAllocation(Recorded, Model):
    """A ledger line split by dimension with the application's weights; adds up to the line in each dimension."""

    __tablename__ = "ledger_allocation"
    recorded_by: ClassVar = "entry_id"
    __table_args__ = (Index("ix_ledger_allocation_dimension_key", "dimension", "key_id"),)

    id: Mapped[int] = mapped_column(BigKey, primary_key=True, autoincrement=True)
    entry_id: Mapped[int] = mapped_column(ForeignKey("ledger_entry.id", ondelete="RESTRICT"), index=True)
    dimension: Mapped[Dimension] = mapped_column(text_enum(Dimension))
    key_id: Mapped[UUID | None]
    amount: Mapped[Money] = mapped_column("amount_cents")
