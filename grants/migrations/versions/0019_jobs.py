"""Background jobs: what a person asked the worker for, where it stands, and where its result is kept."""

import sqlalchemy as sa
from alembic import op

from grants.kernel import db as house

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

STATES = ("waiting", "running", "done", "failed", "cancelled")
INDEXED = ("account_id", "state", "until")


def upgrade() -> None:
    op.create_table(
        "job",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=60), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("locale", sa.String(length=2), nullable=False),
        sa.Column("arguments", sa.Text(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(*STATES, name="jobstate", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("asked_at", house.Instant(timezone=True), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("lease", sa.Uuid(), nullable=True),
        sa.Column("lease_until", house.Instant(timezone=True), nullable=True),
        sa.Column("until", house.Instant(timezone=True), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("standing", sa.String(length=64), nullable=True),
        sa.Column("name", sa.String(length=200), nullable=True),
        sa.Column("size", sa.Integer(), nullable=True),
        sa.Column("sha256", sa.String(length=64), nullable=True),
        sa.Column("place", sa.String(length=80), nullable=True),
        sa.CheckConstraint(
            "state <> 'done' OR (place IS NOT NULL AND name IS NOT NULL AND size IS NOT NULL AND sha256 IS NOT NULL "
            "AND standing IS NOT NULL)",
            name=op.f("ck_job_done_has_its_result"),
        ),
        sa.CheckConstraint("state <> 'failed' OR error IS NOT NULL", name=op.f("ck_job_failed_says_why")),
        sa.CheckConstraint("(state = 'running') = (lease IS NOT NULL)", name=op.f("ck_job_running_is_leased")),
        sa.CheckConstraint("length(kind) <= 60", name=op.f("ck_job_kind_length")),
        sa.CheckConstraint("length(locale) <= 2", name=op.f("ck_job_locale_length")),
        sa.CheckConstraint("length(standing) <= 64", name=op.f("ck_job_standing_length")),
        sa.CheckConstraint("length(name) <= 200", name=op.f("ck_job_name_length")),
        sa.CheckConstraint("length(sha256) <= 64", name=op.f("ck_job_sha256_length")),
        sa.CheckConstraint("length(place) <= 80", name=op.f("ck_job_place_length")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job")),
        sa.UniqueConstraint("place", name=op.f("uq_job_place")),
    )
    with op.batch_alter_table("job", schema=None) as batch:
        for column in INDEXED:
            batch.create_index(op.f(f"ix_job_{column}"), [column], unique=False)


def downgrade() -> None:
    op.drop_table("job")
