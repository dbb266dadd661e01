"""What a letter says never changes: the database refuses it, as for the rest of the evidence."""

from alembic import op

from grants import evidence

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    downgrade()  # a new base has the guard from its first migration
    for statement in evidence.statements(op.get_bind().dialect.name, ("letter",)):
        op.execute(statement)


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TRIGGER IF EXISTS letter_kept")
    else:
        op.execute("DROP TRIGGER IF EXISTS letter_kept ON letter")
        op.execute("DROP FUNCTION IF EXISTS letter_kept()")
