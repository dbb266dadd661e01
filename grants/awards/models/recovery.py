"""What an association owes back: the repayments of an advance, and recovery orders for money paid in excess."""

from datetime import date, datetime
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, SmallInteger, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from grants.awards.lifecycle import RECEIVABLE, ReceivableState
from grants.awards.models.agreement import Award
from grants.kernel import clock
from grants.kernel.db import BigKey, Keyed, Model, Versioned, text_enum
from grants.kernel.machine import Machine
from grants.kernel.money import Money
from grants.kernel.rowdigests import Recorded
from grants.kernel.words import LazyString, _l


class ReceivableKind(StrEnum):
    """Kinds of receivable: an instalment of the repayment of an advance, or an order to pay money back."""

    REPAYMENT = "repayment"
    RECOVERY = "recovery"


RECEIVABLE_LABELS: dict[ReceivableKind, LazyString] = {
    ReceivableKind.REPAYMENT: _l("Remboursement de l’avance"),
    ReceivableKind.RECOVERY: _l("Reversement"),
}


class Ground(StrEnum):
    """Why money owed is not asked any more, as the decision that says so names it."""

    CANCELLATION = "cancellation"
    WRITE_OFF = "write_off"
    REMISSION = "remission"
    KEPT = "kept"


GROUND_LABELS: dict[Ground, LazyString] = {
    Ground.CANCELLATION: _l("Annulation : la somme n’était pas due"),
    Ground.WRITE_OFF: _l("Admission en non-valeur"),
    Ground.REMISSION: _l("Remise gracieuse"),
    Ground.KEPT: _l("Part non dépensée que la convention laisse à l’association"),
}


class Receivable(Recorded, Keyed, Versioned, Model):
    """A sum an association owes back by a day. What was received, given up or cancelled never passes the amount.

    `reversal_line` is the receipt, a line of the ledger, that somebody proposes to reverse.
    """

    __tablename__ = "receivable"
    not_recorded: ClassVar = frozenset({"received_cents", "given_up_cents", "cancelled_cents"})
    lifecycle: ClassVar[Machine] = RECEIVABLE

    award_id: Mapped[UUID] = mapped_column(ForeignKey("award.id", ondelete="RESTRICT"), index=True)
    kind: Mapped[ReceivableKind] = mapped_column(text_enum(ReceivableKind))
    state: Mapped[ReceivableState] = mapped_column(text_enum(ReceivableState))
    position: Mapped[int] = mapped_column(SmallInteger, default=0)
    amount: Mapped[Money] = mapped_column("amount_cents")
    due_on: Mapped[date]
    reason: Mapped[str] = mapped_column(String(500), default="")
    number: Mapped[str | None] = mapped_column(String(40))
    order_year: Mapped[int | None] = mapped_column(SmallInteger)
    issued_on: Mapped[date | None]
    received: Mapped[Money] = mapped_column("received_cents", default=Money(0))
    given_up: Mapped[Money] = mapped_column("given_up_cents", default=Money(0))
    cancelled: Mapped[Money] = mapped_column("cancelled_cents", default=Money(0))
    prepared_by: Mapped[UUID | None] = mapped_column(ForeignKey("account.id", ondelete="RESTRICT"))
    prepared_at: Mapped[datetime | None]
    approved_by: Mapped[UUID | None] = mapped_column(ForeignKey("account.id", ondelete="RESTRICT"))
    approved_at: Mapped[datetime | None]
    note: Mapped[str] = mapped_column(String(500), default="")
    waiver_ground: Mapped[Ground | None] = mapped_column(text_enum(Ground))
    waiver_amount: Mapped[Money | None] = mapped_column("waiver_cents")
    waiver_reason: Mapped[str] = mapped_column(String(500), default="")
    waiver_by: Mapped[UUID | None] = mapped_column(ForeignKey("account.id", ondelete="RESTRICT"))
    waiver_at: Mapped[datetime | None]
    reversal_line: Mapped[int | None] = mapped_column(BigKey)
    reversal_reason: Mapped[str] = mapped_column(String(500), default="")
    reversal_by: Mapped[UUID | None] = mapped_column(ForeignKey("account.id", ondelete="RESTRICT"))
    reversal_at: Mapped[datetime | None]
    amendment_id: Mapped[UUID | None] = mapped_column(ForeignKey("amendment.id", ondelete="RESTRICT"))
    award: Mapped[Award] = relationship()

    __table_args__ = (
        UniqueConstraint(
            "order_year",
            "number",
            info={"says": _l("Ce numéro de titre est déjà enregistré pour cette année."), "field": "number"},
        ),
        CheckConstraint("amount_cents > 0", name="amount_positive"),
        CheckConstraint("received_cents >= 0 AND given_up_cents >= 0 AND cancelled_cents >= 0", name="sums_positive"),
        CheckConstraint("received_cents + given_up_cents + cancelled_cents <= amount_cents", name="sums_within_amount"),
        CheckConstraint("approved_by IS NULL OR approved_by <> prepared_by", name="four_eyes"),
        CheckConstraint("kind <> 'recovery' OR prepared_by IS NOT NULL", name="recovery_needs_prepared_by"),
        CheckConstraint(
            "kind <> 'recovery' OR state NOT IN ('approved', 'due', 'settled') OR approved_by IS NOT NULL",
            name="recovery_needs_approved_by",
        ),
        CheckConstraint(
            "kind <> 'recovery' OR state NOT IN ('due', 'settled') OR (number IS NOT NULL AND issued_on IS NOT NULL)",
            name="recovery_needs_number",
        ),
        CheckConstraint(
            "state <> 'settled' OR received_cents + given_up_cents + cancelled_cents = amount_cents",
            name="settled_is_nothing_left",
        ),
        *RECEIVABLE.checks(),
    )

    @property
    def dossier_id(self) -> UUID:
        """Filed under the application."""
        return self.award.application_id

    @property
    def left(self) -> Money:
        """What is still owed of it."""
        return self.amount - self.received - self.given_up - self.cancelled

    @property
    def not_claimed(self) -> Money:
        """What of it is not asked any more: given up, or cancelled."""
        return self.given_up + self.cancelled

    @property
    def is_open(self) -> bool:
        """Whether money is still to come: planned or due."""
        return self.state in {ReceivableState.PLANNED, ReceivableState.DUE}

    @property
    def is_late(self) -> bool:
        """Whether it is due and its day has passed."""
        return self.state is ReceivableState.DUE and self.due_on < clock.today()
