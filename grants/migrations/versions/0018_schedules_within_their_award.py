"""An engaged schedule takes no instalment beyond what its award gives, even while no instalment of it has moved."""

from alembic import op

from grants import evidence
from grants.kernel.guards import refused_when

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _put(evidence.ENGAGED["INSERT"])


def downgrade() -> None:
    _put(evidence.ENGAGED_ONCE_MOVED)


def _put(condition: str) -> None:
    """Put the guard on additions to a schedule, in place of the one that stands there."""
    dialect = op.get_bind().dialect.name
    op.execute("DROP TRIGGER instalment_engaged_insert" + ("" if dialect == "sqlite" else " ON instalment"))
    for statement in refused_when("instalment", dialect, name="engaged", when={"INSERT": condition}):
        op.get_bind().exec_driver_sql(statement)
