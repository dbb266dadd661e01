"""The e-mail addresses that each submitted version gives: they say who has a link with a dossier, whatever changes."""

import json

import sqlalchemy as sa
from alembic import op

from grants.kernel.guards import append_only

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

ADDRESSES = sa.table("application_address", sa.column("application_id", sa.Uuid()), sa.column("address", sa.String()))
VERSIONS = sa.table("application_version", sa.column("application_id", sa.Uuid()), sa.column("content", sa.Text()))
AT_ONCE = 500


def upgrade() -> None:
    op.create_table(
        "application_address",
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column("address", sa.String(length=254), nullable=False),
        sa.CheckConstraint("length(address) <= 254", name=op.f("ck_application_address_address_length")),
        sa.ForeignKeyConstraint(
            ["application_id"],
            ["application.id"],
            name=op.f("fk_application_address_application_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("application_id", "address", name=op.f("pk_application_address")),
    )
    op.create_index(op.f("ix_application_address_address"), "application_address", ["address"])
    _fill()
    for statement in append_only("application_address", op.get_bind().dialect.name):
        op.execute(sa.text(statement))


def _fill() -> None:
    """Read the addresses in what was submitted, some hundred versions at a time."""
    connection = op.get_bind()
    keys = connection.scalars(sa.select(VERSIONS.c.application_id).distinct()).all()
    for start in range(0, len(keys), AT_ONCE):
        some = keys[start : start + AT_ONCE]
        rows = {
            (version.application_id, address)
            for version in connection.execute(sa.select(VERSIONS).where(VERSIONS.c.application_id.in_(some)))
            for address in _said(version.content)
        }
        if rows:
            connection.execute(
                ADDRESSES.insert(), [{"application_id": key, "address": address} for key, address in rows]
            )


def _said(content: str) -> set[str]:
    applicant = json.loads(content).get("organisation", {})
    return {applicant.get("email", ""), applicant.get("representative", {}).get("email", "")} - {""}


def downgrade() -> None:
    op.drop_index(op.f("ix_application_address_address"), "application_address")
    op.drop_table("application_address")
    if op.get_bind().dialect.name == "postgresql":
        for act in ("update", "delete"):
            op.execute(f"DROP FUNCTION application_address_no_{act}()")
