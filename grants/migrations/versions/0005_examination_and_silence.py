"""Since when the dossiers of a call are examined; the texts about silence say that a missing piece suspends the time."""

import sqlalchemy as sa
from alembic import op

from grants.kernel import db as house

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

LATER = (
    "Le délai au terme duquel le silence vaut rejet est suspendu jusqu’à la réception de ce qui manque, et au plus tard"
)
LATER_EN = (
    "The period after which silence means rejection is suspended until what is missing is received, and until that"
)
DURING = (
    "Ce délai est suspendu pendant le temps qui vous serait laissé pour fournir une pièce manquante (article L114-5)."
)
DURING_EN = "This period is suspended during the time you would be given to supply a missing document (article L114-5)."
# By table, row and column: what the reference data said, what it says now. A text that a manager has changed is left.
RESTARTED = {
    ("configured_text", "receipt_incomplete", "body"): (
        "Lorsque le dossier est incomplet, le délai au terme duquel le silence vaut rejet part de la réception des pièces manquantes (article L114-5).",
        f"{LATER} jusqu’à cette date (article L114-5).",
    ),
    ("configured_text", "receipt_incomplete", "body_en"): (
        "When the file is incomplete, the period after which silence means rejection starts on reception of the missing documents (article L114-5).",
        f"{LATER_EN} date at the latest (article L114-5).",
    ),
    ("configured_text", "implicit_rejection", "body"): ("l’administration).", f"l’administration). {DURING}"),
    ("configured_text", "implicit_rejection", "body_en"): ("the administration).", f"the administration). {DURING_EN}"),
    ("law", "implicit_rejection", "note"): (
        "; pour un dossier incomplet, de la réception des pièces manquantes (art.\u00a0L114-5).",
        "; il est suspendu pendant le temps laissé pour fournir une pièce manquante (art.\u00a0L114-5).",
    ),
    ("law", "implicit_rejection", "note_en"): (
        "; for an incomplete file, from reception of the missing items (art.\u00a0L114-5).",
        "; it is suspended during the time given to supply a missing item (art.\u00a0L114-5).",
    ),
}


def upgrade() -> None:
    op.add_column("call", sa.Column("examined_at", house.Instant(timezone=True), nullable=True))
    op.execute(
        "UPDATE call SET examined_at = (SELECT min(a.assigned_at) FROM assignment a "
        "JOIN application p ON p.id = a.application_id WHERE p.call_id = call.id)"
    )
    op.execute(
        "UPDATE call SET examined_at = closes_at WHERE examined_at IS NULL "
        "AND EXISTS (SELECT 1 FROM meeting m WHERE m.call_id = call.id)"
    )
    _say(RESTARTED)


def downgrade() -> None:
    _say({key: (after, before) for key, (before, after) in RESTARTED.items()})
    op.drop_column("call", "examined_at")


def _say(changes: dict[tuple[str, str, str], tuple[str, str]]) -> None:
    for (name, code, column), (before, after) in changes.items():
        row = sa.table(name, sa.column("code"), sa.column(column))
        said = sa.func.replace(row.c[column], before, after)
        known = row.c[column].like(f"%{before}%") if before not in after else ~row.c[column].like(f"%{after}%")
        op.get_bind().execute(sa.update(row).where(row.c.code == code, known).values({column: said}))
