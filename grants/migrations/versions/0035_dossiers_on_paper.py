"""A dossier that came on paper is entered by an agent; an organisation has one submitted dossier in a call."""

import sqlalchemy as sa
from alembic import op

from grants.kernel import db as house

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "paper_dossier",
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column("received_on", sa.Date(), nullable=False),
        sa.Column("postmarked_on", sa.Date(), nullable=True),
        sa.Column("scan_id", sa.Uuid(), nullable=False),
        sa.Column("entered_by", sa.Uuid(), nullable=False),
        sa.CheckConstraint(
            "postmarked_on IS NULL OR postmarked_on <= received_on", name=op.f("ck_paper_dossier_days_in_order")
        ),
        sa.ForeignKeyConstraint(
            ["application_id"], ["application.id"], name=op.f("fk_paper_dossier_application_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["scan_id"], ["stored_file.id"], name=op.f("fk_paper_dossier_scan_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["entered_by"], ["account.id"], name=op.f("fk_paper_dossier_entered_by"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("application_id", name=op.f("pk_paper_dossier")),
    )
    # Added as it is: to rebuild the table would lose the guards that read it.
    op.add_column("application", sa.Column("on_paper_since", house.Instant(timezone=True), nullable=True))
    counts = sa.text("submitted_at IS NOT NULL AND withdrawn_at IS NULL")
    op.create_index(
        "uq_application_submitted", "application", ["call_id", "organisation_id"], unique=True, sqlite_where=counts,
        postgresql_where=counts,
    )  # fmt: skip


def downgrade() -> None:
    op.drop_index("uq_application_submitted", table_name="application")
    op.execute("ALTER TABLE application DROP COLUMN on_paper_since")
    op.drop_table("paper_dossier")
