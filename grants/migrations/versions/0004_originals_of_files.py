"""The bytes that came are kept, with what is shown in their place beside them; removed files wait for their end.

Files that came before were rewritten on arrival (PDF and pictures): they are marked, and their digest stays that of the
bytes that are stored.
"""

import sqlalchemy as sa
from alembic import op

from grants.kernel import db as house

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_REWRITTEN = ("application/pdf", "image/jpeg", "image/png")
_WHOLE = (
    "(copy_place IS NULL) = (copy_name IS NULL) AND (copy_place IS NULL) = (copy_size IS NULL) "
    "AND (copy_place IS NULL) = (copy_sha256 IS NULL)"
)


def upgrade() -> None:
    with op.batch_alter_table("stored_file", schema=None) as batch_op:
        batch_op.add_column(sa.Column("copy_name", sa.String(length=200), nullable=True))
        batch_op.add_column(sa.Column("copy_size", sa.BigInteger(), nullable=True))
        batch_op.add_column(sa.Column("copy_sha256", sa.String(length=64), nullable=True))
        batch_op.add_column(sa.Column("copy_place", sa.String(length=80), nullable=True))
        batch_op.add_column(sa.Column("signed", sa.Boolean(), nullable=False, server_default=sa.false()))
        batch_op.add_column(sa.Column("rewritten", sa.Boolean(), nullable=False, server_default=sa.false()))
        batch_op.add_column(sa.Column("removed_at", house.Instant(timezone=True), nullable=True))
        batch_op.create_unique_constraint(batch_op.f("uq_stored_file_copy_place"), ["copy_place"])
        batch_op.create_check_constraint(batch_op.f("ck_stored_file_copy_whole"), _WHOLE)
        for column, length in (("copy_name", 200), ("copy_sha256", 64), ("copy_place", 80)):
            name = batch_op.f(f"ck_stored_file_{column}_length")
            batch_op.create_check_constraint(name, f"length({column}) <= {length}")
        batch_op.create_index("ix_stored_file_given_by_given_at", ["given_by", "given_at"], unique=False)
    file = sa.table("stored_file", sa.column("media_type"), sa.column("rewritten", sa.Boolean()))
    op.execute(file.update().where(file.c.media_type.in_(_REWRITTEN)).values(rewritten=True))
    with op.batch_alter_table("stored_file", schema=None) as batch_op:
        batch_op.alter_column("signed", existing_type=sa.Boolean(), existing_nullable=False, server_default=None)
        batch_op.alter_column("rewritten", existing_type=sa.Boolean(), existing_nullable=False, server_default=None)


def downgrade() -> None:
    op.execute("DELETE FROM stored_file WHERE removed_at IS NOT NULL")
    with op.batch_alter_table("stored_file", schema=None) as batch_op:
        batch_op.drop_index("ix_stored_file_given_by_given_at")
        batch_op.drop_constraint(batch_op.f("ck_stored_file_copy_whole"), type_="check")
        for column in ("copy_name", "copy_sha256", "copy_place"):
            batch_op.drop_constraint(batch_op.f(f"ck_stored_file_{column}_length"), type_="check")
        batch_op.drop_constraint(batch_op.f("uq_stored_file_copy_place"), type_="unique")
        for column in ("removed_at", "rewritten", "signed", "copy_place", "copy_sha256", "copy_size", "copy_name"):
            batch_op.drop_column(column)
