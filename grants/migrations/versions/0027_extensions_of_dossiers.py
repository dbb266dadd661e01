"""An agent gives one dossier a later closing: what was given and why, and the one that counts beside the dossier."""

import sqlalchemy as sa
from alembic import op

from grants.kernel import db as house
from grants.kernel.guards import append_only

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "extension",
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.SmallInteger(), nullable=False),
        sa.Column("ends_at", house.Instant(timezone=True), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("given_by", sa.Uuid(), nullable=True),
        sa.Column("given_at", house.Instant(timezone=True), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["application_id"], ["application.id"], name=op.f("fk_extension_application_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(["given_by"], ["account.id"], name=op.f("fk_extension_given_by"), ondelete="RESTRICT"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_extension")),
        sa.UniqueConstraint("application_id", "number", name=op.f("uq_extension_application_id_number")),
    )
    # Added as it is: to rebuild the table would lose the guards that read it.
    op.add_column("application", sa.Column("extension_ends_at", house.Instant(timezone=True), nullable=True))
    for statement in append_only("extension", op.get_bind().dialect.name):
        op.execute(sa.text(statement))


def downgrade() -> None:
    op.execute("ALTER TABLE application DROP COLUMN extension_ends_at")
    op.drop_table("extension")
    if op.get_bind().dialect.name == "postgresql":
        for act in ("update", "delete"):
            op.execute(f"DROP FUNCTION extension_no_{act}()")
