"""What an organisation does with its documents: keep one, date it, replace it, take it out."""

from uuid import UUID

from sqlalchemy import func, select

from grants.documents import queries, rules
from grants.documents.models import OrganisationDocument
from grants.documents.rules import UNDATED, DocumentDates
from grants.kernel import clock, journal, uploads
from grants.kernel.actor import Actor
from grants.kernel.db import db
from grants.kernel.errors import InvalidError, RefusedError
from grants.kernel.uploads import Given
from grants.kernel.versions import refuse_changed
from grants.kernel.words import _


def keep(
    organisation_id: UUID,
    kind: str,
    upload: Given,
    *,
    by: Actor,
    dates: DocumentDates = UNDATED,
    replaces: OrganisationDocument | None = None,
) -> OrganisationDocument:
    """Keep a document of an organisation for its applications, perhaps in place of another one, which stays.

    Raises InvalidError on the field at fault (kind, file, dated_on, valid_until), RefusedError when the other one is
    replaced already or is of another organisation.
    """
    known = queries.kinds().get(kind)
    if known is None:
        raise InvalidError(_("Choisissez ce qu’est ce document."), field="kind")
    _check_dates(dates)
    if replaces is not None and (replaces.organisation_id != organisation_id or queries.is_replaced(replaces)):
        raise RefusedError(_("Ce document est déjà remplacé."))
    _check_number(organisation_id)
    stored = uploads.accept(upload, by=by, organisation_id=organisation_id, field="file")
    db.session.flush()
    if queries.is_kept(organisation_id, kind, stored.sha256):
        raise InvalidError(_("L’organisation garde déjà ce document."), field="file")
    document = OrganisationDocument(
        organisation_id=organisation_id,
        kind=kind,
        label=known.label,
        label_en=known.label_en,
        file_id=stored.id,
        dated_on=dates.dated_on,
        valid_until=dates.valid_until,
        replaces_id=replaces.id if replaces is not None else None,
        given_at=stored.given_at,
    )
    db.session.add(document)
    db.session.flush()
    journal.record(
        "document.kept", document, by=by, kind=kind, file=stored.id, organisation=organisation_id,
        replaces=document.replaces_id,
    )  # fmt: skip
    return document


def keep_also(organisation_id: UUID, kind: str, upload: Given, *, by: Actor) -> str:
    """Keep a file that was given to a dossier among the documents of its organisation too; why it is not, if it is not.

    What was given to the dossier stays given.
    """
    try:
        with db.session.begin_nested():
            keep(organisation_id, kind, upload, by=by)
    except InvalidError as error:
        return error.message
    return ""


def _check_dates(dates: DocumentDates) -> None:
    reason = rules.why_not_dates(dates, clock.today())
    if reason is not None:
        raise InvalidError(str(reason[1]), field=reason[0])


def _check_number(organisation_id: UUID) -> None:
    held = select(func.count()).where(OrganisationDocument.organisation_id == organisation_id)
    if (db.session.scalar(held) or 0) >= rules.MOST_DOCUMENTS:
        message = _("L’organisation garde déjà %(most)s documents : supprimez-en d’abord.", most=rules.MOST_DOCUMENTS)
        raise InvalidError(message, field="file")


def change_dates(document: OrganisationDocument, dates: DocumentDates, *, version: int | None, by: Actor) -> None:
    """Correct the dates of a document.

    Raises InvalidError on the field at fault, ConflictError when somebody changed the document since `version`.
    """
    refuse_changed(document.version, version)
    _check_dates(dates)
    document.dated_on, document.valid_until = dates.dated_on, dates.valid_until
    db.session.flush()
    journal.record("document.dated", document, by=by, dated_on=dates.dated_on, until=dates.valid_until)


def remove(document: OrganisationDocument, *, by: Actor) -> None:
    """Take a document out of those of its organisation; the one it replaced takes its place again.

    Raises RefusedError when a dossier holds the same file.
    """
    if queries.is_used(document):
        raise RefusedError(_("Un dossier contient ce document : il est gardé avec lui. Vous pouvez le remplacer."))
    successor, before = queries.successor_of(document), document.replaces_id
    document.replaces_id = None
    db.session.flush()
    if successor is not None:
        successor.replaces_id = before
        db.session.flush()
    stored = document.file
    journal.record("document.removed", document, by=by, kind=document.kind, organisation=document.organisation_id)
    db.session.delete(document)
    db.session.flush()
    uploads.remove(stored, by=by)
