"""Documents that an organisation keeps for its applications."""

import sqlalchemy as sa
from alembic import op

from grants.kernel import db as house

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "organisation_document",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("label", sa.String(length=200), nullable=False),
        sa.Column("label_en", sa.String(length=200), nullable=False),
        sa.Column("file_id", sa.Uuid(), nullable=False),
        sa.Column("dated_on", sa.Date(), nullable=True),
        sa.Column("valid_until", sa.Date(), nullable=True),
        sa.Column("replaces_id", sa.Uuid(), nullable=True),
        sa.Column("given_at", house.Instant(timezone=True), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "dated_on IS NULL OR valid_until IS NULL OR dated_on <= valid_until",
            name=op.f("ck_organisation_document_dates_in_order"),
        ),
        sa.CheckConstraint("length(kind) <= 40", name=op.f("ck_organisation_document_kind_length")),
        sa.CheckConstraint("length(label) <= 200", name=op.f("ck_organisation_document_label_length")),
        sa.CheckConstraint("length(label_en) <= 200", name=op.f("ck_organisation_document_label_en_length")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_organisation_document_organisation_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["file_id"], ["stored_file.id"], name=op.f("fk_organisation_document_file_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["replaces_id"], ["organisation_document.id"], name=op.f("fk_organisation_document_replaces_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_organisation_document")),
        sa.UniqueConstraint("file_id", name=op.f("uq_organisation_document_file_id")),
        sa.UniqueConstraint("replaces_id", name=op.f("uq_organisation_document_replaces_id")),
    )  # fmt: skip
    with op.batch_alter_table("organisation_document", schema=None) as batch:
        batch.create_index(op.f("ix_organisation_document_organisation_id"), ["organisation_id"], unique=False)
        batch.create_index(op.f("ix_organisation_document_valid_until"), ["valid_until"], unique=False)


def downgrade() -> None:
    op.drop_table("organisation_document")
