"""The list of dossiers and the journal as sheets: for the desk, and for whoever keeps the machine."""

from decimal import Decimal
from uuid import UUID

from grants.applications.lifecycle import LIFECYCLE
from grants.desk import queries
from grants.desk.queries import DossierFilters, Found, JournalFilters, JournalLine
from grants.kernel import workbooks
from grants.kernel.access import hidden_dossiers
from grants.kernel.actor import Actor
from grants.kernel.pages import colon, zone
from grants.kernel.sheets import Column, ColumnKind, Sheet
from grants.kernel.words import _, _l
from grants.permissions import P
from grants.reviewing import queries as reviewing

_DOSSIER: tuple[Column[Found], ...] = (
    Column(_l("Référence"), ColumnKind.WORD, lambda row: row.reference),
    Column(_l("Titre"), ColumnKind.TEXT, lambda row: row.title),
    Column(_l("Organisation"), ColumnKind.TEXT, lambda row: row.organisation),
    Column(_l("Appel"), ColumnKind.WORD, lambda row: row.call),
    Column(_l("Instrument"), ColumnKind.WORD, lambda row: row.instrument),
    Column(_l("État"), ColumnKind.WORD, lambda row: LIFECYCLE.states[row.state].label),
    Column(_l("Déposé le"), ColumnKind.INSTANT, lambda row: row.submitted_at),
    Column(_l("Demandé"), ColumnKind.MONEY, lambda row: row.requested),
    Column(_l("Attribué"), ColumnKind.MONEY, lambda row: row.awarded),
)
_SCORE: tuple[Column[Found], ...] = (
    Column(
        _l("Note sur 100"), ColumnKind.DECIMAL, lambda row: None if row.score is None else Decimal(row.score).scaleb(-2)
    ),
    Column(_l("Évaluations"), ColumnKind.COUNT, lambda row: row.reviews or 0),
)
_LINE: tuple[Column[JournalLine], ...] = (
    Column(_l("Ligne"), ColumnKind.COUNT, lambda line: line.entry.seq),
    Column(_l("Instant"), ColumnKind.INSTANT, lambda line: line.entry.at),
    Column(_l("Personne"), ColumnKind.TEXT, lambda line: line.entry.actor),
    Column(_l("Événement"), ColumnKind.TEXT, lambda line: line.event),
    Column(_l("Code"), ColumnKind.WORD, lambda line: line.entry.event),
    Column(_l("Dossier"), ColumnKind.WORD, lambda line: line.reference),
    Column(
        _l("Faits"), ColumnKind.TEXT, lambda line: "; ".join(f"{name}{colon()} {value}" for name, value in line.facts)
    ),
    Column(_l("Empreinte"), ColumnKind.TEXT, lambda line: line.entry.digest),
)


def dossiers(filters: DossierFilters, actor: Actor) -> Sheet[Found]:
    """One row per dossier of the list, in its order; none the actor must not know, no score they may not see."""
    scores = reviewing.sees_scores(actor)
    columns = (*_DOSSIER, *_SCORE) if scores else _DOSSIER
    return Sheet("dossiers", _("Dossiers"), columns, queries.every_dossier(filters, actor, scores=scores))


DOSSIERS = workbooks.register(
    "dossiers", _l("Dossiers, en classeur"), P.EXPORT_MAKE, DossierFilters,
    lambda actor, filters: dossiers(filters, actor), lambda actor, filters: queries.totals(filters, actor)[0],
)  # fmt: skip


def journal(filters: JournalFilters, hidden: frozenset[UUID]) -> Sheet[JournalLine]:
    """The lines of the journal, the newest first, without those about dossiers one may not know of."""
    return Sheet("journal", _("Journal"), _LINE, queries.every_line(filters, zone=zone(), hidden=hidden))


JOURNAL = workbooks.register(
    "journal", _l("Journal, en classeur"), P.JOURNAL_READ, JournalFilters,
    lambda actor, filters: journal(filters, hidden_dossiers(actor)),
    lambda actor, filters: queries.line_count(filters, zone=zone(), hidden=hidden_dossiers(actor)),
)  # fmt: skip
