"""Tracking adds up the euros asked from one index, without opening a row."""

from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

BEFORE = "ix_allocation_dimension_key", ["dimension", "key_id"]
AFTER = "ix_allocation_tracked", ["dimension", "key_id", "application_id", "amount_cents"]


def upgrade() -> None:
    op.create_index(AFTER[0], "allocation", AFTER[1])
    op.drop_index(BEFORE[0], table_name="allocation")


def downgrade() -> None:
    op.create_index(BEFORE[0], "allocation", BEFORE[1])
    op.drop_index(AFTER[0], table_name="allocation")
