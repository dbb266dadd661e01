"""What the public directory said of a number, how services failed lately, and where facts of organisations come from."""

import sqlalchemy as sa
from alembic import op

from grants.kernel import db as house

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "directory_entry",
        sa.Column("number", sa.String(length=14), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("is_closed", sa.Boolean(), nullable=False),
        sa.Column("read_at", house.Instant(timezone=True), nullable=False),
        sa.Column("until", house.Instant(timezone=True), nullable=False),
        sa.CheckConstraint("length(number) <= 14", name=op.f("ck_directory_entry_number_length")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_directory_entry")),
    )
    op.create_table(
        "service_trouble",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("until", house.Instant(timezone=True), nullable=True),
        sa.CheckConstraint("length(name) <= 40", name=op.f("ck_service_trouble_name_length")),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_service_trouble")),
    )
    op.add_column("organisation", sa.Column("sources", sa.JSON(), nullable=True))


def downgrade() -> None:
    op.drop_column("organisation", "sources")
    op.drop_table("service_trouble")
    op.drop_table("directory_entry")
