"""The words by which a dossier is looked for have a table of their own, kept by the database."""

import sqlalchemy as sa
from alembic import op

from grants.kernel.search import indexed

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

WORD = sa.String(24).with_variant(sa.VARCHAR(24, collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "application_word",
        sa.Column("word", WORD, nullable=False),
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("length(word) <= 24", name=op.f("ck_application_word_word_length")),
        sa.PrimaryKeyConstraint("word", "application_id", name=op.f("pk_application_word")),
        sqlite_with_rowid=False,
    )
    connection = op.get_bind()
    for statement in indexed("application", "application_word", "application_id", connection.dialect.name):
        connection.exec_driver_sql(statement)


def downgrade() -> None:
    on_table = "" if op.get_bind().dialect.name == "sqlite" else " ON application"
    for act in ("insert", "update", "delete"):
        op.execute(f"DROP TRIGGER application_word_{act}{on_table}")
        if on_table:
            op.execute(f"DROP FUNCTION application_word_{act}()")
    op.drop_table("application_word")
