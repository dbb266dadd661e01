"""Gracious appeals against published decisions, and the files joined to them."""

import sqlalchemy as sa
from alembic import op

from grants.kernel import db as house
from grants.kernel.guards import append_only, refused_when

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None

LODGED = {
    "UPDATE": "NEW.application_id <> OLD.application_id OR NEW.decision_id <> OLD.decision_id "
    "OR NEW.reasons <> OLD.reasons OR NEW.lodged_at <> OLD.lodged_at OR NEW.lodged_by <> OLD.lodged_by "
    "OR NEW.decided_cents <> OLD.decided_cents OR NEW.answer_due_on <> OLD.answer_due_on "
    "OR OLD.state NOT IN ('lodged', 'referred')",
    "DELETE": "1 = 1",
}
TRIGGERS = ("appeal_lodged_update", "appeal_lodged_delete", "appeal_file_no_update", "appeal_file_no_delete")
STANDING = sa.text("state <> 'withdrawn'")
NEEDED = {
    "state NOT IN ('referred')": ("referral", "referred_at", "referred_by"),
    "state NOT IN ('upheld', 'partly_upheld', 'rejected')": ("answer", "answered_at", "answered_by"),
    "state NOT IN ('upheld', 'partly_upheld')": ("act_number", "act_on", "act_body", "voted_cents"),
    "state NOT IN ('withdrawn')": ("withdrawn_at",),
}
LENGTHS = {"reasons": 8000, "referral": 4000, "answer": 4000, "act_number": 40, "act_body": 200}
POINTS_TO = {
    "application_id": "application", "decision_id": "decision", "lodged_by": "account", "referred_by": "account",
    "answered_by": "account",
}  # fmt: skip


def upgrade() -> None:
    op.create_table(
        "appeal",
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column("decision_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("reasons", sa.String(length=8000), nullable=False),
        sa.Column("lodged_at", house.Instant(timezone=True), nullable=False),
        sa.Column("lodged_by", sa.Uuid(), nullable=False),
        sa.Column("decided_cents", house.Cents(), nullable=False),
        sa.Column("answer_due_on", sa.Date(), nullable=False),
        sa.Column("referral", sa.String(length=4000), nullable=True),
        sa.Column("referred_at", house.Instant(timezone=True), nullable=True),
        sa.Column("referred_by", sa.Uuid(), nullable=True),
        sa.Column("answer", sa.String(length=4000), nullable=True),
        sa.Column("answered_at", house.Instant(timezone=True), nullable=True),
        sa.Column("answered_by", sa.Uuid(), nullable=True),
        sa.Column("act_number", sa.String(length=40), nullable=True),
        sa.Column("act_on", sa.Date(), nullable=True),
        sa.Column("act_body", sa.String(length=200), nullable=True),
        sa.Column("voted_cents", house.Cents(), nullable=True),
        sa.Column("withdrawn_at", house.Instant(timezone=True), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        *(
            sa.CheckConstraint(f"{when} OR {column} IS NOT NULL", name=op.f(f"ck_appeal_state_needs_{column}"))
            for when, columns in NEEDED.items()
            for column in columns
        ),
        *(
            sa.CheckConstraint(f"length({column}) <= {most}", name=op.f(f"ck_appeal_{column}_length"))
            for column, most in LENGTHS.items()
        ),
        sa.CheckConstraint(
            "state IN ('lodged', 'referred', 'upheld', 'partly_upheld', 'rejected', 'withdrawn')",
            name=op.f("ck_appeal_appealstate"),
        ),
        *(
            sa.ForeignKeyConstraint([column], [f"{table}.id"], name=op.f(f"fk_appeal_{column}"), ondelete="RESTRICT")
            for column, table in POINTS_TO.items()
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_appeal")),
    )
    with op.batch_alter_table("appeal") as batch:
        batch.create_index(
            "uq_appeal_decision_id", ["decision_id"], unique=True, sqlite_where=STANDING, postgresql_where=STANDING
        )
        batch.create_index(op.f("ix_appeal_application_id"), ["application_id"], unique=False)
        batch.create_index("ix_appeal_state_answer_due_on", ["state", "answer_due_on", "id"], unique=False)
    op.create_table(
        "appeal_file",
        sa.Column("appeal_id", sa.Uuid(), nullable=False),
        sa.Column("file_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["appeal_id"], ["appeal.id"], name=op.f("fk_appeal_file_appeal_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["file_id"], ["stored_file.id"], name=op.f("fk_appeal_file_file_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_appeal_file")),
        sa.UniqueConstraint("file_id", name=op.f("uq_appeal_file_file_id")),
    )
    with op.batch_alter_table("appeal_file") as batch:
        batch.create_index(op.f("ix_appeal_file_appeal_id"), ["appeal_id"], unique=False)
    dialect = op.get_bind().dialect.name
    for statement in (
        *refused_when("appeal", dialect, name="lodged", when=LODGED),
        *append_only("appeal_file", dialect),
    ):
        op.get_bind().exec_driver_sql(statement)


def downgrade() -> None:
    for table in ("appeal_file", "appeal"):
        op.drop_table(table)
    if op.get_bind().dialect.name == "postgresql":
        for name in TRIGGERS:
            op.execute(f"DROP FUNCTION {name}()")
