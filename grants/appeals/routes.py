"""Views of appeals: lodging one, what became of it, its papers, withdrawing it; its answer, a vote, those that wait."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from grants.appeals import actions, letters, queries
from grants.appeals.forms import AnswerForm, AppealForm, ConfirmForm, VoteForm
from grants.appeals.models import Appeal
from grants.applications.models import Application
from grants.kernel import clock, uploads
from grants.kernel.access import actor, hidden_dossiers, prepared_by, requires
from grants.kernel.bodies import takes_files
from grants.kernel.errors import MissingError, RefusedError
from grants.kernel.forms import done, form_page
from grants.kernel.paging import places
from grants.kernel.words import _, language
from grants.permissions import P

bp = Blueprint("appeals", __name__)
bp.add_app_template_global(queries.appeals_of)
bp.add_app_template_global(queries.contest_of)
bp.add_app_template_global(queries.is_silent, "is_silent_appeal")
Answer = str | tuple[str, int] | Response


@bp.get("/dossiers/<uuid:application_id>/recours")
@requires(P.APPEAL_LODGE, Application)
def of_dossier(application: Application) -> Answer:
    """The place to lodge an appeal on the published decision of a dossier, or the appeal that stands."""
    contest, standing = _contest(application), queries.standing_of(application.id)
    if standing is not None:
        return _to(standing)
    return form_page("appeals/lodge.html", AppealForm(), application=application, contest=contest)


@bp.post("/dossiers/<uuid:application_id>/recours")
@requires(P.APPEAL_LODGE, Application)
@prepared_by(uploads.examine_sent)
@takes_files
def lodge(application: Application) -> Answer:
    """Lodge it."""
    form, contest = AppealForm(), _contest(application)
    if done(form, lambda: actions.lodge(application, form.reasons.data or "", form.given_files(), by=actor())):
        flash(_("Votre recours est déposé. Voici son accusé de réception."), "success")
        return redirect(url_for(".of_dossier", application_id=application.id))
    return form_page("appeals/lodge.html", form, application=application, contest=contest)


def _contest(application: Application) -> queries.Contest:
    found = queries.contest_of(application)
    if found is None:
        raise MissingError
    return found


def _to(appeal: Appeal) -> Response:
    return redirect(url_for(".show", appeal_id=appeal.id))


@bp.get("/recours/<uuid:appeal_id>")
@requires(P.APPEAL_READ, Appeal)
def show(appeal: Appeal) -> str:
    """An appeal: its reasons and files, its clock, where it stands, its answer."""
    is_mine = appeal.application.organisation_id in actor().organisations
    return render_template(
        "appeals/show.html",
        appeal=appeal,
        is_mine=is_mine,
        files=queries.files_of(appeal.id),
        silent=queries.is_silent(appeal),
        answer=letters.said(letters.ANSWER, appeal, language()),
        why_not_answer=queries.why_not_answer(actor().id, appeal),
        unsure=[] if is_mine else queries.unsure_clocks(),
    )


@bp.get("/recours/<uuid:appeal_id>/accuse-de-reception.pdf")
@requires(P.APPEAL_READ, Appeal)
def receipt_pdf(appeal: Appeal) -> Response:
    """The acknowledgement of receipt of an appeal."""
    return _paper(letters.RECEIPT, appeal, "recours")


@bp.get("/recours/<uuid:appeal_id>/reponse.pdf")
@requires(P.APPEAL_READ, Appeal)
def answer_pdf(appeal: Appeal) -> Response:
    """The answer to an appeal, as a letter."""
    return _paper(letters.ANSWER, appeal, "reponse-au-recours")


def _paper(kind: str, appeal: Appeal, name: str) -> Response:
    content = letters.paper(kind, appeal, language())
    if content is None:
        raise MissingError
    return uploads.attachment(content, f"{name}-{appeal.application.reference}.pdf")


@bp.route("/recours/<uuid:appeal_id>/retirer", methods=["GET", "POST"])
@requires(P.APPEAL_WITHDRAW, Appeal)
def withdraw(appeal: Appeal) -> Answer:
    """Say what withdrawing does, then withdraw."""
    form = ConfirmForm()
    if form.validate_on_submit():
        actions.withdraw(appeal, by=actor())
        flash(_("Votre recours est retiré."), "success")
        return _to(appeal)
    if not appeal.is_open:
        return _to(appeal)
    contest = queries.contest_of(appeal.application)
    return form_page("appeals/withdraw.html", form, appeal=appeal, contest=contest)


@bp.route("/recours/<uuid:appeal_id>/reponse", methods=["GET", "POST"])
@requires(P.APPEAL_ANSWER, Appeal)
def answer(appeal: Appeal) -> Answer:
    """Reject an appeal, or send it to the deliberative body."""
    form = AnswerForm(data={"version": appeal.version})
    if done(form, lambda: _answer(appeal, form)):
        flash(_("La réponse est enregistrée. L’association en est avertie par courriel."), "success")
        return _to(appeal)
    if request.method == "GET" and (appeal.is_referred or not appeal.is_open):
        raise RefusedError(_("Ce recours n’attend pas de réponse de la gestion."))
    return form_page("appeals/answer.html", form, appeal=appeal, silent=queries.is_silent(appeal))


def _answer(appeal: Appeal, form: AnswerForm) -> None:
    act = actions.refer if form.outcome.data == "refer" else actions.reject
    act(appeal, form.text.data or "", version=form.version.data, by=actor())


@bp.route("/recours/<uuid:appeal_id>/vote", methods=["GET", "POST"])
@requires(P.APPEAL_ANSWER, Appeal)
def vote(appeal: Appeal) -> Answer:
    """Record what the deliberative body voted on an appeal that was sent to it."""
    form = VoteForm(data={"version": appeal.version, "act_body": appeal.decision.meeting.act_body})
    if done(form, lambda: actions.record_vote(appeal, form.vote(), version=form.version.data, by=actor())):
        flash(_("Le vote est enregistré. L’association en est avertie par courriel."), "success")
        return _to(appeal)
    if request.method == "GET" and not appeal.is_referred:
        raise RefusedError(_("Ce recours n’est pas renvoyé à l’assemblée : il n’y a pas de vote à enregistrer."))
    requested = queries.requested_of(appeal.application, appeal.decision)
    return form_page("appeals/vote.html", form, appeal=appeal, requested=requested)


@bp.get("/gestion/recours")
@requires(P.APPEAL_LIST)
def index() -> str:
    """The appeals that wait for an answer, the one due first before the others; or those that are closed."""
    is_open = request.args.get("etat") != "clos"
    page = queries.listed(hidden_dossiers(), is_open=is_open, **places())
    return render_template(
        "appeals/index.html", page=page, is_open=is_open, words=queries.words_of_state, today=clock.today()
    )
