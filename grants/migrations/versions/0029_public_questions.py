"""Questions that members of organisations put about an open call, and what the fund answers to everybody."""

import sqlalchemy as sa
from alembic import op

from grants.kernel import db as house
from grants.kernel.guards import append_only

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "public_question",
        sa.Column("call_id", sa.Uuid(), nullable=False),
        sa.Column("asked_by", sa.Uuid(), nullable=False),
        sa.Column("text", sa.String(length=1000), nullable=False),
        sa.Column("asked_at", house.Instant(timezone=True), nullable=False),
        sa.Column("wording", sa.String(length=1000), nullable=False),
        sa.Column("answer", sa.String(length=4000), nullable=False),
        sa.Column("is_published", sa.Boolean(), nullable=True),
        sa.Column("settled_by", sa.Uuid(), nullable=True),
        sa.Column("settled_at", house.Instant(timezone=True), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "(settled_at IS NULL) = (is_published IS NULL) AND (settled_at IS NULL) = (settled_by IS NULL)",
            name=op.f("ck_public_question_settled_whole"),
        ),
        sa.CheckConstraint("length(text) <= 1000", name=op.f("ck_public_question_text_length")),
        sa.CheckConstraint("length(wording) <= 1000", name=op.f("ck_public_question_wording_length")),
        sa.CheckConstraint("length(answer) <= 4000", name=op.f("ck_public_question_answer_length")),
        sa.ForeignKeyConstraint(["call_id"], ["call.id"], name=op.f("fk_public_question_call_id"), ondelete="RESTRICT"),
        sa.ForeignKeyConstraint(
            ["asked_by"], ["account.id"], name=op.f("fk_public_question_asked_by"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["settled_by"], ["account.id"], name=op.f("fk_public_question_settled_by"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_public_question")),
    )
    with op.batch_alter_table("public_question") as batch:
        batch.create_index(op.f("ix_public_question_call_id"), ["call_id"], unique=False)
        batch.create_index(op.f("ix_public_question_asked_by"), ["asked_by"], unique=False)
        batch.create_index("ix_public_question_settled_at", ["settled_at", "asked_at", "id"], unique=False)
    dialect = op.get_bind().dialect.name
    for statement in append_only("public_question", dialect, when="OLD.settled_at IS NOT NULL"):
        op.get_bind().exec_driver_sql(statement)


def downgrade() -> None:
    op.drop_table("public_question")
    if op.get_bind().dialect.name == "postgresql":
        for act in ("update", "delete"):
            op.execute(f"DROP FUNCTION public_question_no_{act}()")
