"""Messages between an organisation and the fund about an application, and the files joined to them."""

import sqlalchemy as sa
from alembic import op

from grants.kernel import db as house
from grants.kernel.guards import append_only, refused_when

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

SENT = {
    "UPDATE": "NEW.conversation_id <> OLD.conversation_id OR NEW.author_id <> OLD.author_id "
    "OR NEW.from_fund <> OLD.from_fund OR NEW.text <> OLD.text OR NEW.sent_at <> OLD.sent_at "
    "OR OLD.read_at IS NOT NULL",
    "DELETE": "1 = 1",
}
TRIGGERS = ("conversation_no_update", "conversation_no_delete", "message_sent_update", "message_sent_delete",
            "message_file_no_update", "message_file_no_delete")  # fmt: skip


def upgrade() -> None:
    op.create_table(
        "conversation",
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column("opened_at", house.Instant(timezone=True), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["application_id"], ["application.id"], name=op.f("fk_conversation_application_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_conversation")),
        sa.UniqueConstraint("application_id", name=op.f("uq_conversation_application_id")),
    )
    op.create_table(
        "message",
        sa.Column("conversation_id", sa.Uuid(), nullable=False),
        sa.Column("author_id", sa.Uuid(), nullable=False),
        sa.Column("from_fund", sa.Boolean(), nullable=False),
        sa.Column("text", sa.String(length=4000), nullable=False),
        sa.Column("sent_at", house.Instant(timezone=True), nullable=False),
        sa.Column("read_by", sa.Uuid(), nullable=True),
        sa.Column("read_at", house.Instant(timezone=True), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("(read_by IS NULL) = (read_at IS NULL)", name=op.f("ck_message_reading_whole")),
        sa.CheckConstraint("length(text) <= 4000", name=op.f("ck_message_text_length")),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversation.id"], name=op.f("fk_message_conversation_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(["author_id"], ["account.id"], name=op.f("fk_message_author_id"), ondelete="RESTRICT"),
        sa.ForeignKeyConstraint(["read_by"], ["account.id"], name=op.f("fk_message_read_by"), ondelete="RESTRICT"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_message")),
    )
    with op.batch_alter_table("message") as batch:
        batch.create_index("ix_message_conversation_id_sent_at", ["conversation_id", "sent_at", "id"], unique=False)
        batch.create_index("ix_message_unread", ["from_fund", "read_at", "sent_at", "id"], unique=False)
        batch.create_index("ix_message_author_id_sent_at", ["author_id", "sent_at"], unique=False)
    op.create_table(
        "message_file",
        sa.Column("message_id", sa.Uuid(), nullable=False),
        sa.Column("file_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["message_id"], ["message.id"], name=op.f("fk_message_file_message_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["file_id"], ["stored_file.id"], name=op.f("fk_message_file_file_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_message_file")),
        sa.UniqueConstraint("file_id", name=op.f("uq_message_file_file_id")),
    )
    with op.batch_alter_table("message_file") as batch:
        batch.create_index(op.f("ix_message_file_message_id"), ["message_id"], unique=False)
    dialect = op.get_bind().dialect.name
    for statement in (
        *append_only("conversation", dialect),
        *refused_when("message", dialect, name="sent", when=SENT),
        *append_only("message_file", dialect),
    ):
        op.get_bind().exec_driver_sql(statement)


def downgrade() -> None:
    for table in ("message_file", "message", "conversation"):
        op.drop_table(table)
    if op.get_bind().dialect.name == "postgresql":
        for name in TRIGGERS:
            op.execute(f"DROP FUNCTION {name}()")
