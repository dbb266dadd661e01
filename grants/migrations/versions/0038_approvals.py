"""The legal representative of an organisation approves its dossier by a link, where the call says so."""

import sqlalchemy as sa
from alembic import op

from grants.kernel import db as house

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None

# The constraint comes and goes with its column: to rebuild the table would lose the guards that read it.
RULE = (
    "approval VARCHAR(32) DEFAULT 'none' NOT NULL "
    "CONSTRAINT ck_call_approvalrule CHECK (approval IN ('none', 'offered', 'required'))"
)


def upgrade() -> None:
    op.execute(f"ALTER TABLE call ADD COLUMN {RULE}")
    op.create_table(
        "approval",
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("role", sa.String(length=120), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("secret", sa.String(length=64), nullable=False),
        sa.Column("asked_by", sa.Uuid(), nullable=False),
        sa.Column("asked_at", house.Instant(timezone=True), nullable=False),
        sa.Column("expires_at", house.Instant(timezone=True), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=True),
        sa.Column("code_expires_at", house.Instant(timezone=True), nullable=True),
        sa.Column("read", sa.String(length=64), nullable=True),
        sa.Column("is_approved", sa.Boolean(), nullable=True),
        sa.Column("decided_at", house.Instant(timezone=True), nullable=True),
        sa.Column("word", sa.String(length=1000), nullable=False),
        sa.Column("ended_at", house.Instant(timezone=True), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("(decided_at IS NULL) = (is_approved IS NULL)", name=op.f("ck_approval_decided_whole")),
        sa.CheckConstraint("decided_at IS NULL OR read IS NOT NULL", name=op.f("ck_approval_decided_on_text")),
        *(
            sa.CheckConstraint(f"length({name}) <= {most}", name=op.f(f"ck_approval_{name}_length"))
            for name, most in (("name", 120), ("role", 120), ("email", 254), ("secret", 64), ("code", 64),
                               ("read", 64), ("word", 1000))
        ),
        sa.ForeignKeyConstraint(
            ["application_id"], ["application.id"], name=op.f("fk_approval_application_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(["asked_by"], ["account.id"], name=op.f("fk_approval_asked_by"), ondelete="RESTRICT"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_approval")),
        sa.UniqueConstraint("secret", name=op.f("uq_approval_secret")),
    )  # fmt: skip
    op.create_index(op.f("ix_approval_application_id"), "approval", ["application_id"])


def downgrade() -> None:
    op.drop_table("approval")
    op.execute("ALTER TABLE call DROP COLUMN approval")
