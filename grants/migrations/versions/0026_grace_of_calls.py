"""A call gives a grace, in minutes, to dossiers whose submission was attempted before its closing."""

from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

# The constraint comes and goes with its column: to rebuild the table would lose the guards that read it.
GRACE = (
    "grace_minutes SMALLINT DEFAULT '0' NOT NULL "
    "CONSTRAINT ck_call_grace_in_range CHECK (grace_minutes >= 0 AND grace_minutes <= 120)"
)


def upgrade() -> None:
    op.execute(f"ALTER TABLE call ADD COLUMN {GRACE}")


def downgrade() -> None:
    op.execute("ALTER TABLE call DROP COLUMN grace_minutes")
