"""Addresses that refused a letter for good, until somebody proves that letters arrive there again."""

import sqlalchemy as sa
from alembic import op

from grants.kernel import db as house

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "refused_address",
        sa.Column("address", sa.String(length=254), nullable=False),
        sa.Column("since_at", house.Instant(timezone=True), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("source", sa.String(length=32), nullable=False),
        sa.Column("cleared_at", house.Instant(timezone=True), nullable=True),
        sa.Column("check_digest", sa.String(length=64), nullable=True),
        sa.Column("check_sent_at", house.Instant(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(check_digest IS NULL) = (check_sent_at IS NULL)", name=op.f("ck_refused_address_check_whole")
        ),
        sa.CheckConstraint("source IN ('relay', 'report')", name=op.f("ck_refused_address_refusalsource")),
        sa.CheckConstraint("length(address) <= 254", name=op.f("ck_refused_address_address_length")),
        sa.CheckConstraint("length(status) <= 20", name=op.f("ck_refused_address_status_length")),
        sa.CheckConstraint("length(check_digest) <= 64", name=op.f("ck_refused_address_check_digest_length")),
        sa.PrimaryKeyConstraint("address", name=op.f("pk_refused_address")),
        sa.UniqueConstraint("check_digest", name=op.f("uq_refused_address_check_digest")),
    )


def downgrade() -> None:
    op.drop_table("refused_address")
