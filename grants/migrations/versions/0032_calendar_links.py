"""The private address of a person's calendar, of which the digest alone is kept."""

import sqlalchemy as sa
from alembic import op

from grants.kernel import db as house

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "calendar_link",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("secret", sa.String(length=64), nullable=False),
        sa.Column("made_at", house.Instant(timezone=True), nullable=False),
        sa.CheckConstraint("length(secret) <= 64", name=op.f("ck_calendar_link_secret_length")),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_calendar_link_account_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_calendar_link")),
        sa.UniqueConstraint("secret", name=op.f("uq_calendar_link_secret")),
    )


def downgrade() -> None:
    op.drop_table("calendar_link")
