"""The schedule of an engaged award is guarded without an agreement too: an amendment alone changes it."""

from alembic import op

from grants import evidence
from grants.kernel.guards import refused_when

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Additions are guarded further from 0018 on.
    when = evidence.ENGAGED | {"INSERT": evidence.ENGAGED_ONCE_MOVED}
    for statement in refused_when("instalment", op.get_bind().dialect.name, name="engaged", when=when):
        op.get_bind().exec_driver_sql(statement)


def downgrade() -> None:
    on_postgresql = op.get_bind().dialect.name == "postgresql"
    for act in ("insert", "update", "delete"):
        op.execute(f"DROP TRIGGER instalment_engaged_{act}" + (" ON instalment" if on_postgresql else ""))
        if on_postgresql:
            op.execute(f"DROP FUNCTION instalment_engaged_{act}()")
