"""Fields of drafts: who changed each and when, what was typed wrong there, and the pages that are open in a browser."""

import sqlalchemy as sa
from alembic import op

from grants.kernel import db as house

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "field_state",
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column("section", sa.String(length=60), nullable=False),
        sa.Column("path", sa.String(length=120), nullable=False),
        sa.Column("saved_by", sa.Uuid(), nullable=True),
        sa.Column("saved_at", house.Instant(timezone=True), nullable=False),
        sa.Column("writer", sa.Uuid(), nullable=True),
        sa.Column("wrong", sa.JSON(none_as_null=True), nullable=True),
        sa.CheckConstraint("length(section) <= 60", name=op.f("ck_field_state_section_length")),
        sa.CheckConstraint("length(path) <= 120", name=op.f("ck_field_state_path_length")),
        sa.ForeignKeyConstraint(
            ["application_id"], ["application.id"], name=op.f("fk_field_state_application_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["saved_by"], ["account.id"], name=op.f("fk_field_state_saved_by"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("application_id", "section", "path", name=op.f("pk_field_state")),
    )  # fmt: skip
    op.create_table(
        "writer",
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("section", sa.String(length=60), nullable=False),
        sa.Column("seen_at", house.Instant(timezone=True), nullable=False),
        sa.Column("received", sa.Integer(), nullable=False),
        sa.Column("previous", sa.Integer(), nullable=False),
        sa.Column("recorded_at", house.Instant(timezone=True), nullable=True),
        sa.Column("minute_at", house.Instant(timezone=True), nullable=False),
        sa.Column("in_minute", sa.Integer(), nullable=False),
        sa.CheckConstraint("length(section) <= 60", name=op.f("ck_writer_section_length")),
        sa.ForeignKeyConstraint(
            ["application_id"], ["application.id"], name=op.f("fk_writer_application_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_writer_account_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("application_id", "id", name=op.f("pk_writer")),
    )  # fmt: skip
    with op.batch_alter_table("writer", schema=None) as batch:
        batch.create_index(op.f("ix_writer_seen_at"), ["seen_at"], unique=False)


def downgrade() -> None:
    op.drop_table("writer")
    op.drop_table("field_state")
