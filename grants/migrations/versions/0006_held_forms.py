"""Forms that could not be taken, kept sealed for their author for a short time."""

import sqlalchemy as sa
from alembic import op

from grants.kernel import db as house

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

REASONS = ("signed_out", "refused", "conflict", "draft")


def upgrade() -> None:
    op.create_table(
        "held_form",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column(
            "reason",
            sa.Enum(*REASONS, name="reason", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("path", sa.String(length=400), nullable=False),
        sa.Column("page", sa.String(length=800), nullable=False),
        sa.Column("until", house.Instant(timezone=True), nullable=False),
        sa.Column("sealed", sa.Text(), nullable=False),
        sa.CheckConstraint("length(page) <= 800", name=op.f("ck_held_form_page_length")),
        sa.CheckConstraint("length(path) <= 400", name=op.f("ck_held_form_path_length")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_held_form")),
    )
    with op.batch_alter_table("held_form", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_held_form_account_id"), ["account_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_held_form_until"), ["until"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("held_form", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_held_form_until"))
        batch_op.drop_index(batch_op.f("ix_held_form_account_id"))

    op.drop_table("held_form")
