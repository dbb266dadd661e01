"""What a legal representative answered never changes: the database refuses it, as for the rest of the evidence."""

from alembic import op

from grants import evidence

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None


def upgrade() -> None:
    downgrade()  # a new base has the guard from its first migration
    for statement in evidence.statements(op.get_bind().dialect.name, ("approval",)):
        op.execute(statement)


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TRIGGER IF EXISTS approval_kept")
    else:
        op.execute("DROP TRIGGER IF EXISTS approval_kept ON approval")
        op.execute("DROP FUNCTION IF EXISTS approval_kept()")
