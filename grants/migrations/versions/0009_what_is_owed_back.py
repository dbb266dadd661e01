"""What an association owes back: repayments of advances and recoveries, received, cancelled or given up.

On the way down the ledger keeps its wider constraints when it holds lines of the new kinds, which an older version
cannot read.
"""

from collections.abc import Iterable

import sqlalchemy as sa
from alembic import op

from grants import evidence
from grants.kernel import db as house
from grants.kernel.guards import append_only, kept

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

KINDS = ("voted", "engaged", "ordered", "order_rejected", "order_cancelled", "paid", "released")
NEW_KINDS = ("claimed", "claim_cancelled", "received", "given_up")
REVERSALS = ("order_rejected", "order_cancelled")
GROUNDS = ("cancellation", "write_off", "remission", "kept")
SUMS = ("claimed_cents", "received_cents", "given_up_cents")
GUARDED = ("award", "ledger_entry")
SETTLED = "OLD.state IN ('settled', 'cancelled')"
KEPT = (
    "OLD.state <> 'planned' AND (NEW.award_id <> OLD.award_id OR NEW.kind <> OLD.kind "
    "OR NEW.due_on <> OLD.due_on OR NEW.amount_cents > OLD.amount_cents OR NEW.received_cents < OLD.received_cents "
    "OR NEW.given_up_cents < OLD.given_up_cents OR NEW.cancelled_cents < OLD.cancelled_cents)"
)
TRIGGERS = {
    "award": ("no_update", "no_delete"),
    "ledger_entry": ("no_update", "no_delete"),
    "receivable": ("no_update", "no_delete", "kept"),
}


def upgrade() -> None:
    _lift(GUARDED)
    _create_receivable()
    for name in SUMS:
        op.add_column("award", sa.Column(name, house.Cents(), nullable=False, server_default="0"))
    for name, kinds in zip(SUMS, (("claimed", "claim_cancelled"), ("received",), ("given_up",)), strict=True):
        _count_again(name, kinds)
    with op.batch_alter_table("award") as batch:
        for name in SUMS:
            batch.alter_column(name, server_default=None)
        batch.create_check_constraint(
            op.f("ck_award_claimed_within_paid"), "claimed_cents >= 0 AND claimed_cents <= paid_cents"
        )
        batch.create_check_constraint(
            op.f("ck_award_given_back_within_paid"),
            "received_cents >= 0 AND given_up_cents >= 0 AND received_cents + given_up_cents <= paid_cents",
        )
    known = {str(one["name"]) for one in sa.inspect(op.get_bind()).get_check_constraints("ledger_entry")}
    with op.batch_alter_table("ledger_entry") as batch:
        batch.add_column(sa.Column("receivable_id", sa.Uuid(), nullable=True))
        batch.add_column(sa.Column("ground", sa.String(length=32), nullable=True))
        for name in ("ck_ledger_entry_ledgerkind", "ck_ledger_entry_amount_has_its_sign"):
            if name in known:
                batch.drop_constraint(op.f(name), type_="check")
        _constrain(batch, (*KINDS, *NEW_KINDS), (*REVERSALS, "claim_cancelled"))
        batch.create_check_constraint(op.f("ck_ledger_entry_ground"), f"ground IN ({_listed(GROUNDS)})")
        batch.create_foreign_key(
            op.f("fk_ledger_entry_receivable_id"), "receivable", ["receivable_id"], ["id"], ondelete="RESTRICT"
        )
        batch.create_index(op.f("ix_ledger_entry_receivable_id"), ["receivable_id"])
    _put(GUARDED)
    dialect = op.get_bind().dialect.name
    for statement in (*append_only("receivable", dialect, when=SETTLED), *kept("receivable", dialect, when=KEPT)):
        op.get_bind().exec_driver_sql(statement)


def _count_again(name: str, kinds: Iterable[str]) -> None:
    """The running sum of each award, from the lines that a way down may have left."""
    awards = sa.table("award", sa.column("id", sa.Uuid), sa.column(name, sa.BigInteger))
    lines = sa.table(
        "ledger_entry", sa.column("award_id", sa.Uuid), sa.column("kind", sa.String),
        sa.column("amount_cents", sa.BigInteger),
    )  # fmt: skip
    total = sa.select(sa.func.sum(lines.c.amount_cents)).where(lines.c.award_id == awards.c.id, lines.c.kind.in_(kinds))
    found = sa.exists().where(lines.c.award_id == awards.c.id, lines.c.kind.in_(kinds))
    op.get_bind().execute(sa.update(awards).where(found).values({name: total.scalar_subquery()}))


def _create_receivable() -> None:
    op.create_table(
        "receivable",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("award_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.Column("amount_cents", house.Cents(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("number", sa.String(length=40), nullable=True),
        sa.Column("order_year", sa.SmallInteger(), nullable=True),
        sa.Column("issued_on", sa.Date(), nullable=True),
        sa.Column("received_cents", house.Cents(), nullable=False),
        sa.Column("given_up_cents", house.Cents(), nullable=False),
        sa.Column("cancelled_cents", house.Cents(), nullable=False),
        sa.Column("prepared_by", sa.Uuid(), nullable=True),
        sa.Column("prepared_at", house.Instant(timezone=True), nullable=True),
        sa.Column("approved_by", sa.Uuid(), nullable=True),
        sa.Column("approved_at", house.Instant(timezone=True), nullable=True),
        sa.Column("note", sa.String(length=500), nullable=False),
        sa.Column("waiver_ground", sa.String(length=32), nullable=True),
        sa.Column("waiver_cents", house.Cents(), nullable=True),
        sa.Column("waiver_reason", sa.String(length=500), nullable=False),
        sa.Column("waiver_by", sa.Uuid(), nullable=True),
        sa.Column("waiver_at", house.Instant(timezone=True), nullable=True),
        sa.CheckConstraint("kind IN ('repayment', 'recovery')", name=op.f("ck_receivable_receivablekind")),
        sa.CheckConstraint(
            "state IN ('planned', 'prepared', 'approved', 'due', 'settled', 'cancelled')",
            name=op.f("ck_receivable_receivablestate"),
        ),
        sa.CheckConstraint(f"waiver_ground IN ({_listed(GROUNDS)})", name=op.f("ck_receivable_ground")),
        sa.CheckConstraint("amount_cents > 0", name=op.f("ck_receivable_amount_positive")),
        sa.CheckConstraint(
            "received_cents >= 0 AND given_up_cents >= 0 AND cancelled_cents >= 0",
            name=op.f("ck_receivable_sums_positive"),
        ),
        sa.CheckConstraint(
            "received_cents + given_up_cents + cancelled_cents <= amount_cents",
            name=op.f("ck_receivable_sums_within_amount"),
        ),
        sa.CheckConstraint("approved_by IS NULL OR approved_by <> prepared_by", name=op.f("ck_receivable_four_eyes")),
        sa.CheckConstraint(
            "kind <> 'recovery' OR prepared_by IS NOT NULL", name=op.f("ck_receivable_recovery_needs_prepared_by")
        ),
        sa.CheckConstraint(
            "kind <> 'recovery' OR state NOT IN ('approved', 'due', 'settled') OR approved_by IS NOT NULL",
            name=op.f("ck_receivable_recovery_needs_approved_by"),
        ),
        sa.CheckConstraint(
            "kind <> 'recovery' OR state NOT IN ('due', 'settled') OR (number IS NOT NULL AND issued_on IS NOT NULL)",
            name=op.f("ck_receivable_recovery_needs_number"),
        ),
        sa.CheckConstraint(
            "state <> 'settled' OR received_cents + given_up_cents + cancelled_cents = amount_cents",
            name=op.f("ck_receivable_settled_is_nothing_left"),
        ),
        *(
            sa.CheckConstraint(f"length({name}) <= {limit}", name=op.f(f"ck_receivable_{name}_length"))
            for name, limit in (("reason", 500), ("number", 40), ("note", 500), ("waiver_reason", 500))
        ),
        sa.ForeignKeyConstraint(["award_id"], ["award.id"], name=op.f("fk_receivable_award_id"), ondelete="RESTRICT"),
        *(
            sa.ForeignKeyConstraint([name], ["account.id"], name=op.f(f"fk_receivable_{name}"), ondelete="RESTRICT")
            for name in ("prepared_by", "approved_by", "waiver_by")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_receivable")),
        sa.UniqueConstraint("order_year", "number", name=op.f("uq_receivable_order_year_number")),
    )
    op.create_index(op.f("ix_receivable_award_id"), "receivable", ["award_id"])


def downgrade() -> None:
    _lift((*GUARDED, "receivable"))
    lines = sa.table("ledger_entry", sa.column("kind", sa.String))
    count = sa.select(sa.func.count()).select_from(lines).where(lines.c.kind.in_(NEW_KINDS))
    needed = op.get_bind().execute(count).scalar_one()
    with op.batch_alter_table("ledger_entry") as batch:
        batch.drop_index(op.f("ix_ledger_entry_receivable_id"))
        batch.drop_constraint(op.f("fk_ledger_entry_receivable_id"), type_="foreignkey")
        batch.drop_constraint(op.f("ck_ledger_entry_ground"), type_="check")
        batch.drop_column("receivable_id")
        batch.drop_column("ground")
        if not needed:
            batch.drop_constraint(op.f("ck_ledger_entry_ledgerkind"), type_="check")
            batch.drop_constraint(op.f("ck_ledger_entry_amount_has_its_sign"), type_="check")
            _constrain(batch, KINDS, REVERSALS)
    with op.batch_alter_table("award") as batch:
        batch.drop_constraint(op.f("ck_award_claimed_within_paid"), type_="check")
        batch.drop_constraint(op.f("ck_award_given_back_within_paid"), type_="check")
        for name in SUMS:
            batch.drop_column(name)
    op.drop_table("receivable")
    _put(GUARDED)


def _constrain(batch: "op.BatchOperations", kinds: Iterable[str], negative: Iterable[str]) -> None:
    batch.create_check_constraint(op.f("ck_ledger_entry_ledgerkind"), f"kind IN ({_listed(kinds)})")
    batch.create_check_constraint(
        op.f("ck_ledger_entry_amount_has_its_sign"),
        f"amount_cents <> 0 AND (amount_cents < 0) = (kind IN ({_listed(negative)}))",
    )


def _listed(words: Iterable[str]) -> str:
    return ", ".join(f"'{word}'" for word in words)


def _lift(tables: Iterable[str]) -> None:
    """Take the guards of some tables away while their columns change; SQLite rebuilds them without."""
    on_postgresql = op.get_bind().dialect.name == "postgresql"
    for table in tables:
        for name in TRIGGERS[table]:
            op.execute(f"DROP TRIGGER IF EXISTS {table}_{name}" + (f" ON {table}" if on_postgresql else ""))
            if on_postgresql:
                op.execute(f"DROP FUNCTION IF EXISTS {table}_{name}()")


def _put(tables: Iterable[str]) -> None:
    for statement in evidence.statements(op.get_bind().dialect.name, tuple(tables)):
        op.get_bind().exec_driver_sql(statement)
