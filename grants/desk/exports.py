"""The list of dossiers as a sheet: for the desk, and for whoever keeps the machine."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from grants.desk import queries
from grants.desk.queries import Sieve
from grants.kernel.actor import Actor
from grants.reviewing import queries as reviewing

DOSSIER_COLUMNS = (
    "reference",
    "titre",
    "organisation",
    "appel",
    "instrument",
    "etat",
    "depose_le",
    "demande",
    "attribue",
    "note",
    "evaluations",
)


def dossier_rows(sieve: Sieve, actor: Actor) -> Iterator[tuple[Any, ...]]:
    """One row per dossier of the list, in its order, states in the staff's words; none the actor must not know.

    The score is out of 100; it and the number of reviews are left empty for those who may not see them.
    """
    words = dict(queries.state_choices())
    scores = reviewing.sees_scores(actor)
    for row in queries.every_dossier(sieve, actor, scores=scores):
        yield (
            row.reference,
            row.title,
            row.organisation,
            row.call,
            row.instrument,
            str(words[str(row.state)]),
            row.submitted_at,
            row.requested,
            row.awarded,
            Decimal(row.score).scaleb(-2) if scores and row.score is not None else None,
            (row.reviews or 0) if scores else None,
        )
