"""Offices that two people give, memberships that ended, and links told after the marks are frozen."""

import sqlalchemy as sa
from alembic import op

from grants.kernel import db as house
from grants.kernel.guards import append_only, frozen_by

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

FROZEN = (
    "EXISTS (SELECT 1 FROM application p JOIN call c ON c.id = p.call_id WHERE p.id = {row}.application_id "
    "AND c.marks_frozen_at IS NOT NULL)"
)
FROZEN_BEFORE = FROZEN.replace("IS NOT NULL)", "IS NOT NULL AND {row}.declared_at <= c.marks_frozen_at)")
ROLES = ("reviewer", "manager", "finance", "authorising_officer", "administrator", "auditor")
INDEXES = (("invitation", "email"), ("invitation", "invited_by"), ("organisation", "email"),
           ("organisation", "representative_email"))  # fmt: skip


def upgrade() -> None:
    op.create_table(
        "former_membership",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("since_at", house.Instant(timezone=True), nullable=False),
        sa.Column("ended_at", house.Instant(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_former_membership_account_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisation.id"],
            name=op.f("fk_former_membership_organisation_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_former_membership")),
    )
    op.create_index(op.f("ix_former_membership_account_id"), "former_membership", ["account_id"])
    op.create_table(
        "nomination",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column(
            "role",
            sa.Enum(*ROLES, name="role", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("since_on", sa.Date(), nullable=False),
        sa.Column("until_on", sa.Date(), nullable=True),
        sa.Column("proposed_by", sa.Uuid(), nullable=False),
        sa.Column("proposed_at", house.Instant(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_nomination_account_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["proposed_by"], ["account.id"], name=op.f("fk_nomination_proposed_by"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_nomination")),
        sa.UniqueConstraint("account_id", "role", name=op.f("uq_nomination_account_id_role")),
    )
    for table, column in INDEXES:
        op.create_index(op.f(f"ix_{table}_{column}"), table, [column])
    for statement in append_only("former_membership", op.get_bind().dialect.name):
        op.execute(statement)
    _guard_interests(FROZEN_BEFORE)


def downgrade() -> None:
    _guard_interests(FROZEN)
    for table, column in INDEXES:
        op.drop_index(op.f(f"ix_{table}_{column}"), table)
    op.drop_table("nomination")
    op.drop_index(op.f("ix_former_membership_account_id"), "former_membership")
    op.drop_table("former_membership")
    if op.get_bind().dialect.name == "postgresql":
        for act in ("update", "delete"):
            op.execute(f"DROP FUNCTION former_membership_no_{act}()")


def _guard_interests(frozen: str) -> None:
    """Put the guard on declarations again, whichever stands there."""
    dialect = op.get_bind().dialect.name
    for act in ("insert", "update", "delete"):
        op.execute(f"DROP TRIGGER interest_frozen_{act}" + ("" if dialect == "sqlite" else " ON interest"))
    for statement in frozen_by("interest", dialect, frozen=frozen):
        op.execute(statement)
