"""The secret of a letter (the end of a link that opens something) is kept apart from its body, sealed, until it leaves."""

import re

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

PLACE = "[lien personnel]"
# What the letters of these kinds held before: the end of the address that opens something.
LINKS = re.compile(r"(/(?:confirmation|nouveau-mot-de-passe|invitations)/)[^\s/]{16,}")
KINDS = ("people_confirm", "people_known", "people_reset", "people_invitation")


def upgrade() -> None:
    op.add_column("letter", sa.Column("secret", sa.Text(), nullable=True))
    connection = op.get_bind()
    letter = sa.table("letter", sa.column("id"), sa.column("kind"), sa.column("body"), sa.column("sent_at"))
    sent = sa.select(letter.c.id, letter.c.body).where(letter.c.kind.in_(KINDS), letter.c.sent_at.is_not(None))
    for row in connection.execute(sent).all():
        without = LINKS.sub(rf"\1{PLACE}", row.body)
        connection.execute(sa.update(letter).where(letter.c.id == row.id).values(body=without))


def downgrade() -> None:
    op.drop_column("letter", "secret")
