"""One word for what pays for a project: the text on how to apply says « ressources », as the pages of a budget do.

Revision ID: 0012
Revises: 0011
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

BEFORE = "le total des charges égale le total des produits."
AFTER = "le total des charges égale le total des ressources."
TEXT = sa.table("configured_text", sa.column("code"), sa.column("body"))


def upgrade() -> None:
    _say(BEFORE, AFTER)


def downgrade() -> None:
    _say(AFTER, BEFORE)


def _say(known: str, said: str) -> None:
    """Change the sentence alone, wherever it stands as the reference wrote it; its meaning and its trust stay."""
    changed = sa.func.replace(TEXT.c.body, known, said)
    op.get_bind().execute(sa.update(TEXT).where(TEXT.c.code == "how_to_apply").values(body=changed))
