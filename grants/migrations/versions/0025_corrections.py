"""A submitted dossier may be corrected by a new version: a draft of its own, files that both have, euros by version."""

import sqlalchemy as sa
from alembic import op

from grants.kernel.guards import append_only, refused_when

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

# The euros of a version go once a later version counts.
LAST = (
    "NOT EXISTS (SELECT 1 FROM application_version v WHERE v.application_id = OLD.application_id "
    "AND v.number > OLD.version)"
)


def upgrade() -> None:
    op.create_table(
        "correction",
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column("corrects_id", sa.Uuid(), nullable=False),
        sa.Column("became", sa.SmallInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["application_id"], ["application.id"], name=op.f("fk_correction_application_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["corrects_id"], ["application.id"], name=op.f("fk_correction_corrects_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("application_id", name=op.f("pk_correction")),
    )
    with op.batch_alter_table("correction") as batch:
        batch.create_index(op.f("ix_correction_corrects_id"), ["corrects_id"], unique=False)
    with op.batch_alter_table("attachment") as batch:
        batch.drop_constraint(op.f("uq_attachment_file_id"), type_="unique")
        batch.create_unique_constraint(op.f("uq_attachment_application_id_file_id"), ["application_id", "file_id"])
        batch.create_index(op.f("ix_attachment_file_id"), ["file_id"], unique=False)
    _lift("allocation_no_update", "allocation_no_delete")
    with op.batch_alter_table("allocation") as batch:
        batch.add_column(sa.Column("version", sa.SmallInteger(), nullable=False, server_default="1"))
    with op.batch_alter_table("allocation") as batch:
        batch.alter_column("version", server_default=None)
    dialect = op.get_bind().dialect.name
    _put(append_only("allocation", dialect, acts=("UPDATE",)))
    _put(refused_when("allocation", dialect, name="counted", when={"DELETE": LAST}))


def downgrade() -> None:
    """Corrections that were begun are drafts of the same organisation again; files they share stay with the first."""
    _lift("allocation_no_update", "allocation_counted_delete")
    with op.batch_alter_table("allocation") as batch:
        batch.drop_column("version")
    _put(append_only("allocation", op.get_bind().dialect.name))
    op.execute(
        "DELETE FROM attachment WHERE EXISTS (SELECT 1 FROM attachment o WHERE o.file_id = attachment.file_id "
        "AND o.application_id <> attachment.application_id "
        "AND NOT EXISTS (SELECT 1 FROM correction k WHERE k.application_id = o.application_id))"
    )
    with op.batch_alter_table("attachment") as batch:
        batch.drop_index(op.f("ix_attachment_file_id"))
        batch.drop_constraint(op.f("uq_attachment_application_id_file_id"), type_="unique")
        batch.create_unique_constraint(op.f("uq_attachment_file_id"), ["file_id"])
    op.drop_table("correction")


def _put(statements: list[str]) -> None:
    for statement in statements:
        op.get_bind().exec_driver_sql(statement)


def _lift(*triggers: str) -> None:
    """Take guards of the euros away while their table changes; SQLite rebuilds it without."""
    on_postgresql = op.get_bind().dialect.name == "postgresql"
    for name in triggers:
        op.execute(f"DROP TRIGGER {name}" + (" ON allocation" if on_postgresql else ""))
        if on_postgresql:
            op.execute(f"DROP FUNCTION {name}()")
