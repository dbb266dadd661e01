"""A piece asked for may be given up with a reason; one that holds up payment may be asked for by nobody in particular."""

import sqlalchemy as sa
from alembic import op

from grants.kernel import db as house

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("piece_request") as batch:
        batch.add_column(sa.Column("waived_at", house.Instant(timezone=True), nullable=True))
        batch.add_column(sa.Column("waived_by", sa.Uuid(), nullable=True))
        batch.add_column(sa.Column("waiver", sa.Text(), nullable=True))
        batch.create_foreign_key(
            op.f("fk_piece_request_waived_by"), "account", ["waived_by"], ["id"], ondelete="RESTRICT"
        )
        batch.alter_column("requested_by", existing_type=sa.Uuid(), nullable=True)


def downgrade() -> None:
    """What was given up is awaited again; what nobody in particular asked for goes."""
    op.execute("DELETE FROM piece_request WHERE requested_by IS NULL")
    with op.batch_alter_table("piece_request") as batch:
        batch.alter_column("requested_by", existing_type=sa.Uuid(), nullable=False)
        batch.drop_constraint(op.f("fk_piece_request_waived_by"), type_="foreignkey")
        batch.drop_column("waiver")
        batch.drop_column("waived_by")
        batch.drop_column("waived_at")
