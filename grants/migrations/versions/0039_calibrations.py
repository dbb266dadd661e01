"""Expected ranks of a meeting's dossiers, computed by the worker where the meeting shows them."""

import sqlalchemy as sa
from alembic import op

from grants.kernel import db as house

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Meetings of before show none; their table is not rebuilt, which would lose its guards."""
    op.execute("ALTER TABLE meeting ADD COLUMN calibrated BOOLEAN DEFAULT false NOT NULL")
    op.create_table(
        "calibration",
        sa.Column("meeting_id", sa.Uuid(), nullable=False),
        sa.Column("made_by", sa.Uuid(), nullable=False),
        sa.Column("made_at", house.Instant(timezone=True), nullable=False),
        sa.Column("seed", sa.Integer(), nullable=False),
        sa.Column("budget_cents", house.Cents(), nullable=False),
        sa.Column("hidden", sa.String(length=64), nullable=False),
        sa.Column("basis", sa.String(length=64), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("seed >= 0", name=op.f("ck_calibration_seed_positive")),
        *(
            sa.CheckConstraint(f"length({name}) <= 64", name=op.f(f"ck_calibration_{name}_length"))
            for name in ("hidden", "basis", "digest")
        ),
        sa.ForeignKeyConstraint(
            ["meeting_id"], ["meeting.id"], name=op.f("fk_calibration_meeting_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(["made_by"], ["account.id"], name=op.f("fk_calibration_made_by"), ondelete="RESTRICT"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calibration")),
    )
    op.create_index(op.f("ix_calibration_meeting_id"), "calibration", ["meeting_id"])


def downgrade() -> None:
    op.drop_table("calibration")
    op.execute("ALTER TABLE meeting DROP COLUMN calibrated")
