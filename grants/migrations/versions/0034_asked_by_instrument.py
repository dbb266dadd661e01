"""A call says, by instrument, which pages, fields and questions it asks, and where each criterion is judged."""

from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None

COLUMNS = (("call_instrument", "left_out"), ("question", "instruments"), ("criterion", "judged_in"))


def upgrade() -> None:
    """Calls of before ask everything of everybody; their tables are not rebuilt, which would lose their guards."""
    for table, column in COLUMNS:
        op.execute(f"ALTER TABLE {table} ADD COLUMN {column} JSON DEFAULT '[]' NOT NULL")


def downgrade() -> None:
    for table, column in COLUMNS:
        op.execute(f"ALTER TABLE {table} DROP COLUMN {column}")
