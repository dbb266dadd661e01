"""Receipts recorded by mistake, reversed by a line of their own once two people say so; repayments under an amendment.

On the way down the ledger keeps its wider constraints when it holds such lines, which an older version cannot read.
"""

from collections.abc import Iterable

import sqlalchemy as sa
from alembic import op

from grants import evidence
from grants.kernel import db as house
from grants.kernel.guards import append_only, kept

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

KINDS = ("voted", "engaged", "ordered", "order_rejected", "order_cancelled", "paid", "released", "claimed",
         "claim_cancelled", "received", "given_up")  # fmt: skip
REVERSALS = ("order_rejected", "order_cancelled", "claim_cancelled")
NEW_KIND = "receipt_reversed"
SETTLED = "OLD.state IN ('settled', 'cancelled')"
KEPT = (
    "OLD.state <> 'planned' AND (NEW.award_id <> OLD.award_id OR NEW.kind <> OLD.kind "
    "OR NEW.due_on <> OLD.due_on OR NEW.amount_cents > OLD.amount_cents OR NEW.received_cents < OLD.received_cents "
    "OR NEW.given_up_cents < OLD.given_up_cents OR NEW.cancelled_cents < OLD.cancelled_cents)"
)
TRIGGERS = {
    "ledger_entry": ("no_update", "no_delete"),
    "receivable": ("no_update", "no_delete", "kept", "settled_update", "settled_delete"),
}


def upgrade() -> None:
    _lift()
    with op.batch_alter_table("ledger_entry") as batch:
        batch.add_column(sa.Column("reverses_id", house.BigKey, nullable=True))
        _constrain(batch, (*KINDS, NEW_KIND), (*REVERSALS, NEW_KIND))
        batch.create_foreign_key(
            op.f("fk_ledger_entry_reverses_id"), "ledger_entry", ["reverses_id"], ["id"], ondelete="RESTRICT"
        )
        batch.create_unique_constraint(op.f("uq_ledger_entry_reverses_id"), ["reverses_id"])
    _name_again()
    with op.batch_alter_table("receivable") as batch:
        batch.add_column(sa.Column("reversal_line", house.BigKey, nullable=True))
        batch.add_column(sa.Column("reversal_reason", sa.String(length=500), nullable=False, server_default=""))
        batch.add_column(sa.Column("reversal_by", sa.Uuid(), nullable=True))
        batch.add_column(sa.Column("reversal_at", house.Instant(timezone=True), nullable=True))
        batch.add_column(sa.Column("amendment_id", sa.Uuid(), nullable=True))
        batch.create_check_constraint(op.f("ck_receivable_reversal_reason_length"), "length(reversal_reason) <= 500")
        batch.create_foreign_key(
            op.f("fk_receivable_reversal_by"), "account", ["reversal_by"], ["id"], ondelete="RESTRICT"
        )
        batch.create_foreign_key(
            op.f("fk_receivable_amendment_id"), "amendment", ["amendment_id"], ["id"], ondelete="RESTRICT"
        )
    with op.batch_alter_table("receivable") as batch:
        batch.alter_column("reversal_reason", server_default=None)
    for statement in evidence.statements(op.get_bind().dialect.name, tuple(TRIGGERS)):
        op.get_bind().exec_driver_sql(statement)


def _name_again() -> None:
    """The line that each reversal left by a way down reverses: the last receipt of the same sum before it."""
    op.execute(
        "UPDATE ledger_entry SET reverses_id = (SELECT max(r.id) FROM ledger_entry r WHERE r.kind = 'received' AND "
        "r.receivable_id = ledger_entry.receivable_id AND r.amount_cents = -ledger_entry.amount_cents AND "
        "r.id < ledger_entry.id) WHERE kind = 'receipt_reversed' AND NOT EXISTS (SELECT 1 FROM ledger_entry o WHERE "
        "o.kind = 'receipt_reversed' AND o.receivable_id = ledger_entry.receivable_id AND "
        "o.amount_cents = ledger_entry.amount_cents AND o.id < ledger_entry.id)"
    )


def downgrade() -> None:
    _lift()
    with op.batch_alter_table("receivable") as batch:
        batch.drop_constraint(op.f("fk_receivable_reversal_by"), type_="foreignkey")
        batch.drop_constraint(op.f("fk_receivable_amendment_id"), type_="foreignkey")
        batch.drop_constraint(op.f("ck_receivable_reversal_reason_length"), type_="check")
        for name in ("reversal_line", "reversal_reason", "reversal_by", "reversal_at", "amendment_id"):
            batch.drop_column(name)
    lines = sa.table("ledger_entry", sa.column("kind", sa.String))
    count = sa.select(sa.func.count()).select_from(lines).where(lines.c.kind == NEW_KIND)
    needed = op.get_bind().execute(count).scalar_one()
    with op.batch_alter_table("ledger_entry") as batch:
        batch.drop_constraint(op.f("uq_ledger_entry_reverses_id"), type_="unique")
        batch.drop_constraint(op.f("fk_ledger_entry_reverses_id"), type_="foreignkey")
        batch.drop_column("reverses_id")
        if not needed:
            _constrain(batch, KINDS, REVERSALS)
    dialect = op.get_bind().dialect.name
    for statement in (
        *evidence.statements(dialect, ("ledger_entry",)),
        *append_only("receivable", dialect, when=SETTLED),
        *kept("receivable", dialect, when=KEPT),
    ):
        op.get_bind().exec_driver_sql(statement)


def _constrain(batch: "op.BatchOperations", kinds: Iterable[str], negative: Iterable[str]) -> None:
    for name in ("ledgerkind", "amount_has_its_sign"):
        batch.drop_constraint(op.f(f"ck_ledger_entry_{name}"), type_="check")
    batch.create_check_constraint(op.f("ck_ledger_entry_ledgerkind"), f"kind IN ({_listed(kinds)})")
    batch.create_check_constraint(
        op.f("ck_ledger_entry_amount_has_its_sign"),
        f"amount_cents <> 0 AND (amount_cents < 0) = (kind IN ({_listed(negative)}))",
    )


def _listed(words: Iterable[str]) -> str:
    return ", ".join(f"'{word}'" for word in words)


def _lift() -> None:
    """Take the guards away while columns change; SQLite rebuilds the tables without."""
    on_postgresql = op.get_bind().dialect.name == "postgresql"
    for table, names in TRIGGERS.items():
        for name in names:
            op.execute(f"DROP TRIGGER IF EXISTS {table}_{name}" + (f" ON {table}" if on_postgresql else ""))
            if on_postgresql:
                op.execute(f"DROP FUNCTION IF EXISTS {table}_{name}()")
