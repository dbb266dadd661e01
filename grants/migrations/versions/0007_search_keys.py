"""Everything is found by one kind of key: what was written under the earlier ones is written again."""

import sqlalchemy as sa
from alembic import op

from grants.applications.rules import search_key_of
from grants.kernel.search import search_key

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_LONGEST = 220


def upgrade() -> None:
    connection = op.get_bind()
    for name in ("account", "organisation"):
        table = sa.table(name, sa.column("id", sa.Uuid()), sa.column("name"), sa.column("sort_key"))
        for row in connection.execute(sa.select(table)).all():
            _write(connection, table, row, "sort_key", search_key(row.name)[:_LONGEST])
    body = sa.table("organisation", sa.column("id", sa.Uuid()), *map(sa.column, ("name", "acronym", "siret", "rna")))
    bodies = {row.id: row for row in connection.execute(sa.select(body))}
    names = ("reference", "title", "search_key")
    application = sa.table(
        "application",
        sa.column("id", sa.Uuid()),
        sa.column("organisation_id", sa.Uuid()),
        *(sa.column(name) for name in names),
    )
    for row in connection.execute(sa.select(application).where(application.c.reference.is_not(None))).all():
        key = search_key_of(row.reference, row.title, bodies[row.organisation_id])
        _write(connection, application, row, "search_key", key)


def _write(connection: sa.Connection, table: sa.TableClause, row: sa.Row, column: str, key: str) -> None:
    if getattr(row, column) != key:
        connection.execute(sa.update(table).where(table.c.id == row.id).values({column: key}))


def downgrade() -> None:
    """Nothing to undo: the earlier program reads these keys, and writes its own with the next change."""
