"""The list of dossiers as a sheet: for the desk, and for whoever keeps the machine."""

from collections.abc import Iterator
from typing import Any

from grants.desk import queries
from grants.desk.queries import Sieve
from grants.kernel.actor import Actor

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
)


def dossier_rows(sieve: Sieve, actor: Actor) -> Iterator[tuple[Any, ...]]:
    """One row per dossier of the list, in its order, states in the staff's words; none the actor must not know."""
    words = dict(queries.state_choices())
    for row in queries.every_dossier(sieve, actor):
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
        )
