"""Views of screening: the manager's inbox, one dossier and its gates, a piece asked for and its answer."""

from datetime import timedelta
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from grants.applications import queries as applications
from grants.applications.models import Application
from grants.calls.rules import BLOCKS_SCREENING
from grants.documents import actions as keeping
from grants.documents import queries as documents
from grants.documents.models import OrganisationDocument
from grants.kernel import clock, uploads
from grants.kernel.access import actor, can, hidden_dossiers, prepared_by, requires
from grants.kernel.bodies import takes_files, takes_texts
from grants.kernel.errors import InvalidError, MissingError
from grants.kernel.forms import done, form_page
from grants.kernel.paging import key_in, places
from grants.kernel.uploads import Given
from grants.kernel.versions import as_shown
from grants.kernel.words import _
from grants.permissions import P
from grants.screening import actions, letters, queries
from grants.screening.forms import AnswerForm, ExcludeForm, GatesForm, RequestedPieceForm, WaiverForm, gates_form
from grants.screening.models import PieceRequest

bp = Blueprint("screening", __name__)
DAYS_TO_ANSWER = 15
Answer = str | Response | tuple[str, int]


@bp.get("/recevabilite")
@requires(P.SCREENING_READ)
def inbox() -> str:
    """What waits for a decision, call by call, oldest first."""
    hidden = hidden_dossiers()
    calls = queries.calls_to_screen(hidden)
    code = request.args.get("appel") or (calls[0].code if calls else "")
    call = next((each for each in calls if each.code == code), None)
    if call is None and calls:
        raise MissingError
    only = request.args.get("etat", "")
    only = only if only in queries.FILTERS else "waiting"
    page = queries.inbox(call.id, only, hidden, **places()) if call else None
    counts = queries.counts_by_filter(call.id, hidden) if call else {}
    return render_template("screening/inbox.html", calls=calls, call=call, page=page, only=only, counts=counts)


@bp.get("/recevabilite/<uuid:application_id>")
@requires(P.SCREENING_READ, Application)
def show(application: Application) -> Answer:
    """One dossier beside the gates of its call."""
    return _show(application)


def _show(application: Application, form: GatesForm | None = None) -> Answer:
    hidden = hidden_dossiers()
    gates = queries.gates_of(application.call_id)
    outcomes = queries.outcomes_of([application.id], gates)[application.id]
    form = form or gates_form(gates, outcomes, application.version)
    requests = queries.requests_of(application.id)
    return form_page(
        "screening/show.html",
        form,
        application=application,
        content=applications.content_of(application.id),
        rows=list(zip(gates, outcomes, strict=True)),
        is_waiting=application.state in queries.WAITING,
        neighbours=queries.neighbours_of(application, hidden),
        requests=requests,
        awaited=[letters.label_of(row) for row in requests if row.holds_up(BLOCKS_SCREENING)],
        missing=queries.missing_pieces(application),
        others=queries.others_of(application, hidden),
    )


@bp.post("/recevabilite/<uuid:application_id>")
@requires(P.SCREENING_DECIDE, Application)
@takes_texts
def judge(application: Application) -> Answer:
    """Keep what the manager found, then do what the button said: accept, exclude, ask for a piece, or only save."""
    gates = queries.gates_of(application.call_id)
    outcomes = queries.outcomes_of([application.id], gates)[application.id]
    form = gates_form(gates, outcomes, application.version)
    if form.validate_on_submit():
        try:
            actions.judge(application, form.judgements(), version=form.version.data, by=actor())
            if form.then.data == "accept":
                actions.accept(application, by=actor())
        except InvalidError as error:
            form.refuse(error.field, error.message)
        else:
            return _judged(application, form.then.data)
    return _show(application, form)


def _judged(application: Application, then: str) -> Response:
    if then in {"exclude", "request_piece"}:
        return redirect(url_for(f"screening.{then}", application_id=application.id))
    if then == "accept":
        flash(_("Dossier %(reference)s déclaré recevable.", reference=application.reference), "success")
        return redirect(_after(application))
    flash(_("Contrôle enregistré."), "success")
    return redirect(url_for("screening.show", application_id=application.id))


def _after(application: Application) -> str:
    """The next dossier that waits, or the inbox when none does."""
    following = queries.neighbours_of(application, hidden_dossiers()).following
    if following is None:
        return url_for("screening.inbox", appel=application.call.code)
    return url_for("screening.show", application_id=following)


@bp.route("/recevabilite/<uuid:application_id>/irrecevable", methods=["GET", "POST"])
@requires(P.SCREENING_DECIDE, Application)
def exclude(application: Application) -> Answer:
    """Say why the dossier is not examined, see the letter, send it."""
    form = ExcludeForm(data={"version": application.version, "reason": actions.proposed_reason(application)})
    if form.validate_on_submit():
        actions.exclude(application, reason=form.reason.data, version=form.version.data, by=actor())
        flash(_("Dossier %(reference)s déclaré irrecevable.", reference=application.reference), "success")
        return redirect(_after(application))
    return form_page("screening/exclude.html", form, application=application, remedies=letters.remedies(application))


@bp.route("/recevabilite/<uuid:application_id>/piece", methods=["GET", "POST"])
@requires(P.SCREENING_DECIDE, Application)
@as_shown
def request_piece(application: Application) -> Answer:
    """Ask the applicant for a piece."""
    pieces, missing = queries.pieces_of(application.call_id), queries.missing_pieces(application)
    due_on = clock.today(application.call.fund.zone) + timedelta(days=DAYS_TO_ANSWER)
    form = RequestedPieceForm(data={"due_on": due_on, "piece": str(missing[0].id) if missing else ""})
    form.offer(pieces, missing)
    if done(form, lambda: actions.request_piece(application, **form.values(pieces), by=actor())):
        flash(_("La demande est partie. Le dossier revient ici dès que la pièce arrive."), "success")
        return redirect(_after(application))
    return form_page("screening/request_piece.html", form, application=application)


@bp.route("/pieces-demandees/<uuid:request_id>/abandon", methods=["GET", "POST"])
@requires(P.SCREENING_DECIDE, PieceRequest)
def waive(asked: PieceRequest) -> Answer:
    """Give up a piece that was asked for, with the reason."""
    form, application = WaiverForm(), asked.application
    if done(form, lambda: actions.waive(asked, form.reason.data or "", by=actor())):
        flash(_("La demande est abandonnée. L’association en est avertie par courriel."), "success")
        return redirect(url_for("screening.show", application_id=application.id))
    is_wanted = asked.is_open and actions.is_wanted(asked)
    return form_page("screening/waive.html", form, application=application, asked=asked, is_wanted=is_wanted)


@bp.get("/dossiers/<uuid:application_id>/pieces")
@requires(P.PIECE_ANSWER, Application)
def answer(application: Application) -> str:
    """What the applicant is asked for, each with its place to answer."""
    return _answer(application, {})


def _answer(application: Application, given: dict[Any, AnswerForm]) -> str:
    asked = queries.requests_of(application.id)
    forms = {row.id: given.get(row.id) or AnswerForm(prefix=row.id.hex, formdata=None) for row in asked}
    return render_template(
        "screening/answer.html",
        application=application,
        requests=asked,
        forms=forms,
        documents=documents.offered(application.organisation_id, [row.piece for row in asked if row.piece]),
        may_keep=can(P.DOCUMENT_KEEP, application.organisation),
        wanted=[row.id for row in asked if row.is_open and actions.is_wanted(row)],
        has_errors=any(form.errors for form in given.values()),
    )


@bp.post("/pieces-demandees/<uuid:request_id>")
@requires(P.PIECE_ANSWER, PieceRequest)
@prepared_by(uploads.examine_sent)
@takes_files
def give(asked: PieceRequest) -> Answer:
    """Send the file that answers one request, or one of the documents of the organisation."""
    form = AnswerForm(prefix=asked.id.hex)
    if "document" in request.form:
        actions.give_piece(asked, uploads.again(_chosen(asked).file), by=actor())
        return _thanks(asked)
    file: Given = form.file.data
    if done(form, lambda: actions.give_piece(asked, file, by=actor())):
        if form.keep.data:
            _keep(asked, file)
        return _thanks(asked)
    return _answer(asked.application, {asked.id: form}), 422


def _keep(asked: PieceRequest, file: Given) -> None:
    """Keep the file among the documents of the organisation too, where its piece is one of them, or say why not."""
    organisation = asked.application.organisation
    if asked.piece is None or not asked.piece.once_for_all or not can(P.DOCUMENT_KEEP, organisation):
        return
    refused = keeping.keep_also(organisation.id, asked.piece.code, file, by=actor())
    flash(refused or _("Gardé aussi dans les documents de l’organisation."), "warning" if refused else "success")


def _chosen(asked: PieceRequest) -> OrganisationDocument:
    """The document of the organisation that the person chose. Raises MissingError when it is not offered."""
    key = key_in(request.form["document"][:40])
    document = documents.offered_one(asked.application.organisation_id, asked.piece, key)
    if document is None:
        raise MissingError
    return document


def _thanks(asked: PieceRequest) -> Response:
    flash(_("Pièce reçue. Vous n’avez rien d’autre à redéposer."), "success")
    return redirect(url_for("screening.answer", application_id=asked.application_id))
