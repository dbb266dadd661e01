"""What leaves in files: the list of dossiers and the journal as sheets, all the dossiers of an organisation, and
what is kept about a person."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID
from zipfile import ZIP_DEFLATED, ZipFile

from icalendar import Calendar, Event
from sqlalchemy import select

from grants.appeals import letters as appeal_papers
from grants.appeals import queries as appeals
from grants.applications import exports as papers
from grants.applications import letters as receipts
from grants.applications import queries as applications
from grants.applications.lifecycle import LIFECYCLE
from grants.applications.models import Application, ApplicationVersion
from grants.awards import letters as agreements
from grants.awards.models import Agreement, Award
from grants.deliberation import letters as decisions
from grants.deliberation import queries as deliberation
from grants.desk import queries
from grants.desk.queries import DeadlineKind, DossierFilters, JournalFilters, JournalLine, ListedDossier
from grants.documents import queries as documents
from grants.kernel import clock, jobs, uploads, workbooks
from grants.kernel.access import NOT_YOURS, hidden_dossiers, why_not
from grants.kernel.actor import Actor
from grants.kernel.db import db
from grants.kernel.errors import ForbiddenError, RefusedError
from grants.kernel.pages import colon, instant, link, zone
from grants.kernel.sheets import Column, ColumnKind, Sheet
from grants.kernel.uploads import Clearance, StoredFile
from grants.kernel.words import LazyString, _, _l, language
from grants.messages import exports as messages
from grants.messages.queries import is_of_message
from grants.people.models import Account, Organisation
from grants.permissions import P
from grants.reviewing import queries as reviewing

_DOSSIER: tuple[Column[ListedDossier], ...] = (
    Column(_l("Référence"), ColumnKind.WORD, lambda row: row.reference),
    Column(_l("Titre"), ColumnKind.TEXT, lambda row: row.title),
    Column(_l("Organisation"), ColumnKind.TEXT, lambda row: row.organisation),
    Column(_l("Appel"), ColumnKind.WORD, lambda row: row.call),
    Column(_l("Instrument"), ColumnKind.WORD, lambda row: row.instrument),
    Column(_l("État"), ColumnKind.WORD, lambda row: LIFECYCLE.states[row.state].label),
    Column(_l("Déposé le"), ColumnKind.INSTANT, lambda row: row.submitted_at),
    Column(_l("Déposé sur papier"), ColumnKind.WORD, lambda row: _("oui") if row.on_paper_since else None),
    Column(_l("Délai accordé jusqu’au"), ColumnKind.INSTANT, lambda row: row.extension_ends_at),
    Column(_l("Demandé"), ColumnKind.MONEY, lambda row: row.requested),
    Column(_l("Attribué"), ColumnKind.MONEY, lambda row: row.awarded),
)
_SCORE: tuple[Column[ListedDossier], ...] = (
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


def dossiers(filters: DossierFilters, actor: Actor) -> Sheet[ListedDossier]:
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


# ---- all the dossiers of an organisation -----------------------------------------------------------------------------


@dataclass(frozen=True)
class OrganisationDossiers:
    """Whose dossiers, by the id of the organisation."""

    organisation: str


def _archive(work: jobs.Work[OrganisationDossiers]) -> str:
    """Write a ZIP of all that an organisation has in the fund, a folder for each dossier.

    Raises ForbiddenError for who is no longer one of its members.
    """
    key = UUID(work.arguments.organisation)
    if key not in work.actor.organisations:
        raise ForbiddenError(str(NOT_YOURS))
    rows = applications.of_organisations([key])
    work.total = len(rows)
    left: list[str] = []
    with ZipFile(work.file, "w", ZIP_DEFLATED) as archive:
        for number, row in enumerate(work.counted(rows), start=1):
            folder = f"{number:03d}-{row.reference or 'brouillon'}"
            application = db.session.get_one(Application, row.id)
            for name, content in _dossier(application, work.actor, left):
                archive.writestr(f"{folder}/{name}", content)
            db.session.expunge_all()
        for place, kept in enumerate(documents.documents_of(key), start=1):
            for name, content in _file(f"documents/{place:02d}", kept.document.file, _("Documents"), left):
                archive.writestr(name, content)
        organisation = db.session.get_one(Organisation, key)
        archive.writestr("LISEZMOI.txt", _read_me(organisation, left))
    return f"dossiers-{clock.today().isoformat()}.zip"


ARCHIVE = jobs.register(
    jobs.JobKind(
        "organisation_dossiers", _l("Archive des dossiers"), P.APPLICATION_START, OrganisationDossiers, _archive
    )
)


def _dossier(application: Application, actor: Actor, left: list[str]) -> Iterator[tuple[str, bytes | str]]:
    """The files of one dossier, by name; why one is left out goes to `left`."""
    about = application.reference or application.title or _("Dossier sans titre")
    yield from _printed("dossier.pdf", application, about, left)
    versions = select(ApplicationVersion).where(ApplicationVersion.application_id == application.id)
    for version in db.session.scalars(versions.order_by(ApplicationVersion.number)):
        yield f"depot-{version.number}.json", version.content
        yield f"accuse-de-reception-{version.number}.pdf", receipts.receipt_pdf(version, language())
    correction = applications.correction_of(application)
    if correction is not None:
        yield from _printed("correction-non-deposee.pdf", correction, about, left)
    decision = deliberation.published_decision_of(application.id)
    if decision is not None:
        yield "decision.pdf", decisions.decision_paper(decision, language())
        yield from _appeals(application)
    signed = select(Agreement).join(Award, Award.id == Agreement.award_id).where(Award.application_id == application.id)
    for agreement in db.session.scalars(signed.order_by(Agreement.number)):
        yield f"{agreement.number}.pdf", agreements.agreement_paper(agreement)
    said = messages.transcript(application)
    if said:
        yield "messages.txt", said
    for place, stored in enumerate(db.session.scalars(applications.files_of(application.id)), start=1):
        if why_not(P.FILE_READ, stored, actor) is None:
            yield from _file(f"{_folder_of(stored)}/{place:02d}", stored, about, left)


def _folder_of(stored: StoredFile) -> str:
    """The folder of a file of a dossier, by what it is joined to."""
    if is_of_message(stored.id):
        return "messages"
    return "recours" if appeals.is_of_appeal(stored.id) else "pieces"


def _appeals(application: Application) -> Iterator[tuple[str, bytes]]:
    """The papers of the appeals on a dossier, the last one lodged first."""
    for place, appeal in enumerate(appeals.appeals_of(application.id), start=1):
        for kind, name in ((appeal_papers.RECEIPT, "accuse-de-reception"), (appeal_papers.ANSWER, "reponse")):
            content = appeal_papers.paper(kind, appeal, language())
            if content is not None:
                yield f"recours/{name}-{place}.pdf", content


def _printed(name: str, application: Application, about: str, left: list[str]) -> Iterator[tuple[str, bytes]]:
    """A dossier on paper, unless it is too long to be printed."""
    try:
        yield name, papers.dossier_pdf(application)
    except RefusedError as refusal:
        left.append(f"{about}{colon()} {refusal.message}")


def _file(place: str, stored: StoredFile, about: str, left: list[str]) -> Iterator[tuple[str, bytes]]:
    """One file as it was sent, under a name that begins with its place: no other has it."""
    if stored.clearance is Clearance.REFUSED:
        left.append(_("%(dossier)s : l’antivirus a refusé « %(name)s ».", dossier=about, name=stored.name))
        return
    yield f"{place}-{stored.name}", uploads.read(stored)


def _read_me(organisation: Organisation, left: list[str]) -> str:
    lines = [
        _("Dossiers de %(name)s, au %(at)s.", name=organisation.name, at=instant(clock.now())),
        "",
        _("Un répertoire par dossier :"),
        _("– dossier.pdf : ce que dit le dossier ;"),
        _("– depot-1.json : ce qui a été déposé ; son empreinte SHA-256 est celle de l’accusé de réception ;"),
        _("– accuse-de-reception-1.pdf, decision.pdf, la convention : tels qu’ils ont été remis ;"),
        _("– pieces : les fichiers, tels qu’ils ont été envoyés ;"),
        _("– recours : les accusés de réception et les réponses aux recours, et les fichiers joints ;"),
        _("– messages.txt, messages : ce que l’organisation et le service se sont écrit, et les fichiers joints."),
        _("Le répertoire « documents » : ceux que l’organisation garde, remplacés compris."),
        *(["", _("Ce qui n’y est pas :"), *(f"– {why}" for why in left)] if left else []),
    ]
    return "\r\n".join(map(str, lines)) + "\r\n"


# ---- the calendar of a person ----------------------------------------------------------------------------------------

_DUE: Mapping[DeadlineKind, tuple[LazyString, str, str]] = {
    DeadlineKind.CLOSING: (_l("À déposer : %(title)s"), "applications.show", "application_id"),
    DeadlineKind.PIECE: (_l("Pièce à envoyer : %(title)s"), "screening.answer", "application_id"),
    DeadlineKind.REPORT: (_l("Bilan à rendre : %(title)s"), "awards.report", "report_id"),
}


def calendar(person: Actor) -> bytes:
    """The deadlines of a person's organisations as an iCalendar file (RFC 5545), in the language of the context; of a
    dossier, the title alone."""
    file = Calendar()
    file.add("prodid", "-//Traboule//Traboule//FR")
    file.add("version", "2.0")
    file.add("x-wr-calname", _("Échéances"))
    at = clock.now()
    for due in queries.deadlines_of(person):
        words, endpoint, name = _DUE[due.kind]
        entry = Event()
        entry.add("uid", f"{due.kind}-{due.id}@traboule")
        entry.add("dtstamp", at)
        entry.add("dtstart", due.at)
        entry.add("summary", str(words) % {"title": due.title or _("Dossier sans titre")})
        entry.add("url", link(endpoint, **{name: due.key}))
        entry.add("transp", "TRANSPARENT")
        file.add_component(entry)
    return bytes(file.to_ical())


# ---- what is kept about a person -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Nothing:
    """No argument: it is about whoever asks."""


def _own_data(work: jobs.Work[Nothing]) -> str:
    """Write what the service keeps about whoever asks, as JSON (Regulation (EU) 2016/679, art. 15 and 20).

    Letters and acts about a dossier that is kept from the person are left out.
    """
    account = db.session.get_one(Account, work.actor.id)
    known = {
        "account": {
            name: _plain(getattr(account, name))
            for name in ("email", "name", "title", "locale", "created_at", "confirmed_at", "active")
        },
        **{
            name: [{key: _plain(value) for key, value in row._asdict().items()} for row in db.session.execute(rows)]
            for name, rows in queries.kept_about(account, hidden_dossiers(work.actor)).items()
        },
        "links_of_interest": [
            {"name": link.name, "nature": _plain(link.nature), "declared_at": _plain(link.at)}
            for link in reviewing.links_known(account.id)
        ],
    }
    work.file.write(json.dumps(known, ensure_ascii=False, indent=1).encode())
    return f"donnees-{clock.today().isoformat()}.json"


def _plain(value: object) -> str | bool | None:
    if value is None or isinstance(value, bool):
        return value
    return value.isoformat() if isinstance(value, date) else str(value)


OWN_DATA = jobs.register(
    jobs.JobKind("own_data", _l("Ce que le service garde sur vous"), P.ACCOUNT_OWN, Nothing, _own_data)
)
