"""Papers kept as they were issued: what each says, the sources it is set by, and its PDF."""

import sqlalchemy as sa
from alembic import op

from grants.kernel import db as house
from grants.kernel.guards import append_only

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

TABLES = ("paper_template", "issued_paper", "paper_copy")


def upgrade() -> None:
    op.create_table(
        "paper_template",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("sources", sa.Text(), nullable=False),
        sa.CheckConstraint("length(digest) <= 64", name=op.f("ck_paper_template_digest_length")),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_paper_template")),
    )
    op.create_table(
        "issued_paper",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("edition", sa.SmallInteger(), nullable=False),
        sa.Column("dossier_id", sa.Uuid(), nullable=True),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("template", sa.String(length=64), nullable=False),
        sa.Column("issued_at", house.Instant(timezone=True), nullable=False),
        sa.Column("recomposed", sa.Boolean(), nullable=False),
        sa.CheckConstraint("length(kind) <= 40", name=op.f("ck_issued_paper_kind_length")),
        sa.CheckConstraint("length(digest) <= 64", name=op.f("ck_issued_paper_digest_length")),
        sa.CheckConstraint("length(template) <= 64", name=op.f("ck_issued_paper_template_length")),
        sa.ForeignKeyConstraint(
            ["template"], ["paper_template.digest"], name=op.f("fk_issued_paper_template"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_issued_paper")),
        sa.UniqueConstraint("subject_id", "kind", "edition", name=op.f("uq_issued_paper_subject_id_kind_edition")),
    )
    op.create_index(op.f("ix_issued_paper_dossier_id"), "issued_paper", ["dossier_id"])
    op.create_index(op.f("ix_issued_paper_issued_at"), "issued_paper", ["issued_at"])
    op.create_table(
        "paper_copy",
        sa.Column("paper_id", sa.Uuid(), nullable=False),
        sa.Column("language", sa.String(length=2), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("composed_at", house.Instant(timezone=True), nullable=False),
        sa.CheckConstraint("length(language) <= 2", name=op.f("ck_paper_copy_language_length")),
        sa.CheckConstraint("length(sha256) <= 64", name=op.f("ck_paper_copy_sha256_length")),
        sa.ForeignKeyConstraint(
            ["paper_id"], ["issued_paper.id"], name=op.f("fk_paper_copy_paper_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("paper_id", "language", name=op.f("pk_paper_copy")),
    )
    for table in TABLES:
        for statement in append_only(table, op.get_bind().dialect.name):
            op.execute(sa.text(statement))


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)
        if op.get_bind().dialect.name == "postgresql":
            for act in ("update", "delete"):
                op.execute(f"DROP FUNCTION {table}_no_{act}()")
