"""What the fields of a draft held before they were changed."""

import sqlalchemy as sa
from alembic import op

from grants.kernel import db as house

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "past_value",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column("section", sa.String(length=60), nullable=False),
        sa.Column("path", sa.String(length=120), nullable=False),
        sa.Column("value", sa.JSON(), nullable=False),
        sa.Column("wrong", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("written_by", sa.Uuid(), nullable=True),
        sa.Column("written_at", house.Instant(timezone=True), nullable=True),
        sa.Column("replaced_by", sa.Uuid(), nullable=True),
        sa.Column("replaced_at", house.Instant(timezone=True), nullable=False),
        sa.CheckConstraint("length(section) <= 60", name=op.f("ck_past_value_section_length")),
        sa.CheckConstraint("length(path) <= 120", name=op.f("ck_past_value_path_length")),
        sa.ForeignKeyConstraint(
            ["application_id"], ["application.id"], name=op.f("fk_past_value_application_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["written_by"], ["account.id"], name=op.f("fk_past_value_written_by"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["replaced_by"], ["account.id"], name=op.f("fk_past_value_replaced_by"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_past_value")),
    )
    with op.batch_alter_table("past_value", schema=None) as batch:
        batch.create_index("ix_past_value_field", ["application_id", "section", "path"], unique=False)
    op.add_column("field_state", sa.Column("began_at", house.Instant(timezone=True), nullable=True))


def downgrade() -> None:
    op.drop_column("field_state", "began_at")
    op.drop_table("past_value")
