"""Views of the documents of an organisation: the list, one more, its dates, its removal."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from grants.documents import actions, queries
from grants.documents.forms import DatesForm, DocumentForm
from grants.documents.models import OrganisationDocument
from grants.kernel import uploads
from grants.kernel.access import actor, prepared_by, requires
from grants.kernel.bodies import takes_files
from grants.kernel.db import db
from grants.kernel.errors import MissingError
from grants.kernel.forms import done, form_page, options
from grants.kernel.paging import key_in
from grants.kernel.versions import as_shown
from grants.kernel.words import _, in_words_of
from grants.people.models import Organisation
from grants.permissions import P

bp = Blueprint("documents", __name__)
Answer = tuple[str, int] | Response


@bp.get("/organisations/<uuid:organisation_id>/documents")
@requires(P.DOCUMENT_READ, Organisation)
def index(organisation: Organisation) -> str:
    """The documents that an organisation keeps for its applications."""
    found = queries.documents_of(organisation.id)
    return render_template(
        "documents/index.html",
        organisation=organisation,
        current=[kept for kept in found if kept.is_current],
        replaced=[kept for kept in found if not kept.is_current],
    )


@bp.route("/organisations/<uuid:organisation_id>/documents/ajouter", methods=["GET", "POST"])
@requires(P.DOCUMENT_KEEP, Organisation)
@prepared_by(uploads.examine_sent)
@takes_files
def add(organisation: Organisation) -> Answer:
    """Keep one more document, or one in place of another."""
    replaces = _replaced(organisation)
    kinds = queries.kinds()
    form = DocumentForm(data={"kind": replaces.kind if replaces is not None else None, "version": 0})
    form.kind.choices = options((code, in_words_of(piece, "label")) for code, piece in kinds.items())
    if done(
        form,
        lambda: actions.keep(
            organisation.id, form.kind.data, form.file.data, dates=form.dates(), replaces=replaces, by=actor()
        ),
    ):
        flash(_("Le document est gardé : vos dossiers le proposent."), "success")
        return _to_list(organisation)
    return form_page("documents/add.html", form, organisation=organisation, replaces=replaces)


def _replaced(organisation: Organisation) -> OrganisationDocument | None:
    """The document that is to be replaced. Raises MissingError for one of another organisation."""
    said = request.values.get("remplace", "")[:40]
    if not said:
        return None
    key = key_in(said)
    document = db.session.get(OrganisationDocument, key) if key is not None else None
    if document is None or document.organisation_id != organisation.id:
        raise MissingError
    return document


@bp.route("/documents/<uuid:document_id>/dates", methods=["GET", "POST"])
@requires(P.DOCUMENT_KEEP, OrganisationDocument)
def dates(document: OrganisationDocument) -> Answer:
    """Correct the dates of a document."""
    form = DatesForm(obj=document)
    if done(form, lambda: actions.change_dates(document, form.dates(), version=form.version.data, by=actor())):
        flash(_("Les dates sont enregistrées."), "success")
        return _to_list(document.organisation)
    return form_page("documents/dates.html", form, document=document)


@bp.post("/documents/<uuid:document_id>/supprimer")
@requires(P.DOCUMENT_KEEP, OrganisationDocument)
@as_shown
def remove(document: OrganisationDocument) -> Response:
    """Take a document out."""
    organisation = document.organisation
    actions.remove(document, by=actor())
    flash(_("Le document est supprimé. Son fichier est détruit dans trente jours."), "success")
    return _to_list(organisation)


def _to_list(organisation: Organisation) -> Response:
    return redirect(url_for("documents.index", organisation_id=organisation.id))
