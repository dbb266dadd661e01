"""Views of the committee’s meetings and of the decisions that follow."""

from typing import Any

from flask import Blueprint, flash, redirect, render_template, url_for
from werkzeug.wrappers import Response

from grants.applications.models import Application
from grants.calls.models import Call
from grants.calls.rules import CLIMATE, JUSTICE
from grants.deliberation import actions, exports, letters, queries
from grants.deliberation.forms import ActForm, ConfirmForm, MeetingForm, RecommendationForm, RemovalForm
from grants.deliberation.lifecycle import MeetingState
from grants.deliberation.models import Decision, Meeting
from grants.deliberation.rules import VERDICT_LABELS, VERDICT_SHORT, VERDICT_TONES
from grants.kernel import clock, jobs, uploads
from grants.kernel.access import actor, note_refusal, requires
from grants.kernel.bodies import takes_texts
from grants.kernel.errors import InvalidError, MissingError, RefusedError
from grants.kernel.forms import done, form_page
from grants.kernel.paging import places
from grants.kernel.versions import as_shown
from grants.kernel.words import _, language, n_
from grants.permissions import P

bp = Blueprint("deliberation", __name__)
Page = str | Response | tuple[str, int]
DECIDED = (MeetingState.VOTED, MeetingState.PUBLISHED)


def _words() -> dict[str, Any]:
    return {"verdicts": VERDICT_LABELS, "short_verdicts": VERDICT_SHORT, "tones": VERDICT_TONES}


# ---- the meeting ---------------------------------------------------------------------------------------------------


@bp.get("/deliberation")
@requires(P.MEETING_READ)
def index() -> str:
    """The calls with a meeting, or ready for one."""
    return render_template("deliberation/index.html", calls=queries.calls_to_decide(actor()), machine=Meeting.lifecycle)


@bp.route("/deliberation/preparer/<uuid:call_id>", methods=["GET", "POST"])
@requires(P.MEETING_EDIT, Call)
def prepare(call: Call) -> Page:
    """Make the meeting of a call."""
    form = MeetingForm(title=_("Comité de sélection"), held_on=clock.today())
    if form.validate_on_submit():
        try:
            data = form.data
            meeting = actions.prepare(call, title=data["title"], held_on=data["held_on"], by=actor())
        except InvalidError as error:
            form.refuse(error.field, error.message)
        else:
            flash(_("La séance est prête. Vous pouvez enregistrer les avis."), "success")
            return redirect(url_for("deliberation.meeting", meeting_id=meeting.id))
    return form_page("deliberation/prepare.html", form, call=call)


@bp.get("/deliberation/<uuid:meeting_id>")
@requires(P.MEETING_READ, Meeting)
def meeting(meeting: Meeting) -> str:
    """The dossiers by rank, the recommendations and what is left of the envelope."""
    ranking = queries.ranking_of(meeting.call, actor(), at=places())
    return render_template(
        "deliberation/meeting.html",
        meeting=meeting,
        ranking=ranking,
        intervals=_intervals(ranking),
        points=_points(ranking),
        blocks=queries.block_titles(meeting.call_id),
        **_calibration(meeting, ranking),
        **_words(),
    )


def _calibration(meeting: Meeting, ranking: queries.Ranking) -> dict[str, Any]:
    """The expected ranks, or why they are not shown; whether the person's own calculation is under way."""
    if not meeting.calibrated:
        return {}
    reason = queries.why_not_calibrated(meeting, ranking.owed)
    shown = None if reason else queries.calibration_of(meeting, ranking, actor())
    is_current = shown is not None and shown.is_current
    return {
        "calibration": shown,
        "calibration_refused": reason,
        "calibration_job": None if reason or is_current else exports.under_way(meeting, actor()),
    }


@bp.post("/deliberation/<uuid:meeting_id>/rang-attendu")
@requires(P.MEETING_CALIBRATE, Meeting)
def calibrate(meeting: Meeting) -> Response:
    """Ask the worker for the expected ranks, among the dossiers that exist for the person."""
    reason = queries.why_not_calibrated(meeting, queries.owed_by(actor(), meeting.call))
    if reason is not None:
        raise RefusedError(str(reason))
    jobs.ask(exports.CALIBRATION, exports.OfMeeting(str(meeting.id)), by=actor())
    flash(_("Le calcul est demandé : il paraît sous le classement quelques secondes plus tard."), "success")
    return redirect(url_for("deliberation.meeting", meeting_id=meeting.id))


def _intervals(ranking: queries.Ranking) -> list[dict[str, Any]]:
    """Where the reviewers of each dossier agree."""
    return [
        {"label": _label(line), "low": found.lowest, "mean": found.total, "high": found.highest}
        for line in ranking.lines
        if (found := line.result) is not None and found.total is not None
    ]


def _points(ranking: queries.Ranking) -> list[dict[str, Any]]:
    """Each dossier between climate and social justice, both out of 100."""
    points = []
    for line in ranking.lines:
        across = line.result.level_of(CLIMATE) if line.result else None
        up = line.result.level_of(JUSTICE) if line.result else None
        if across is not None and up is not None:
            top = ranking.grid.top
            points.append({"label": _label(line), "x": across * 100 / top, "y": up * 100 / top})
    return points


def _label(line: queries.RankingLine) -> str:
    return f"{line.reference} {line.title}"


@bp.route("/deliberation/<uuid:meeting_id>/modifier", methods=["GET", "POST"])
@requires(P.MEETING_EDIT, Meeting)
def edit(meeting: Meeting) -> Page:
    """Change the title or the day of the meeting."""
    form = MeetingForm(obj=meeting)
    values = {name: form[name].data for name in ("title", "held_on", "calibrated", "version")}
    if done(form, lambda: actions.edit(meeting, **values, by=actor())):
        flash(_("La séance est modifiée."), "success")
        return redirect(url_for("deliberation.meeting", meeting_id=meeting.id))
    return form_page("deliberation/edit.html", form, meeting=meeting)


# ---- recommendations -------------------------------------------------------------------------------------------------


@bp.route("/deliberation/avis/<uuid:application_id>", methods=["GET", "POST"])
@requires(P.RECOMMENDATION_MAKE, Application)
def recommend(application: Application) -> Page:
    """Give or change the committee's recommendation on one dossier."""
    form, status = RecommendationForm.about(queries.recommendation_of(application.id)), 0
    if form.validate_on_submit():
        try:
            recommendation = actions.recommend(
                application, form.recommendation(), version=form.version.data, by=actor()
            )
        except InvalidError as error:
            form.refuse(error.field, error.message)
        except RefusedError as error:
            if error.field is None:
                raise
            note_refusal("budget.refused", application, **error.facts)
            form.refuse(error.field, error.message)
            status = error.status
        else:
            flash(_("L’avis est enregistré."), "success")
            return redirect(url_for("deliberation.meeting", meeting_id=recommendation.meeting_id))
    page, usual = form_page("deliberation/recommend.html", form, **_about(application))
    return page, status or usual


def _about(application: Application) -> dict[str, Any]:
    """What the committee needs to see of one dossier."""
    found = queries.meeting_of(application.call_id)
    if found is None:
        raise RefusedError(_("La séance de cet appel n’est pas encore préparée."))
    ranking = queries.ranking_of(found.call, actor(), about=application.id)
    lines = {line.application_id: line for line in (*ranking.lines, *ranking.given_up)}
    if application.id not in lines:
        raise RefusedError(_("Ce dossier n’est plus à examiner : il n’est pas, ou plus, recevable."))
    line = lines[application.id]
    return {
        "application": application,
        "meeting": found,
        "ranking": ranking,
        "line": line,
        "blocks": queries.block_titles(application.call_id),
        "reviews": queries.reviews_of(application.id) if line.result is not None else [],
        "minimum": queries.minimum_of(application),
        **_words(),
    }


@bp.post("/deliberation/avis/<uuid:application_id>/retirer")
@requires(P.RECOMMENDATION_MAKE, Application)
def withdraw_recommendation(application: Application) -> Response:
    """Take a recommendation back."""
    actions.withdraw_recommendation(application, version=RemovalForm().version.data, by=actor())
    flash(_("L’avis est retiré ; le montant réservé est libéré."), "success")
    return redirect(url_for("deliberation.recommend", application_id=application.id))


# ---- freezing, act, publication ------------------------------------------------------------------------------------


@bp.route("/deliberation/<uuid:meeting_id>/figer", methods=["GET", "POST"])
@requires(P.MEETING_FREEZE, Meeting)
@as_shown
def freeze(meeting: Meeting) -> Page:
    """Say what freezing does, then freeze."""
    form = ConfirmForm()
    if form.validate_on_submit():
        actions.freeze(meeting, by=actor())
        flash(_("Les notes et les avis sont figés."), "success")
        return redirect(url_for("deliberation.meeting", meeting_id=meeting.id))
    ranking = queries.ranking_of(meeting.call, actor(), at=places())
    return form_page(
        "deliberation/freeze.html",
        form,
        meeting=meeting,
        ranking=ranking,
        reason=actions.why_not_freeze(meeting, actor()),
        **_words(),
    )


@bp.route("/deliberation/<uuid:meeting_id>/acte", methods=["GET", "POST"])
@requires(P.ACT_RECORD, Meeting)
@as_shown
@takes_texts
def record_act(meeting: Meeting) -> Page:
    """Record what the deliberative body decided."""
    if meeting.state is not MeetingState.FROZEN:
        raise RefusedError(_("L’acte s’enregistre une fois les avis figés, et une seule fois."))
    ranking = queries.ranking_of(meeting.call, actor())
    form = ActForm.with_votes(ranking.lines)
    if done(form, lambda: actions.record_act(meeting, form.act(), form.votes(), by=actor())):
        flash(_("L’acte est enregistré. Relisez les courriers, puis publiez."), "success")
        return redirect(url_for("deliberation.publish", meeting_id=meeting.id))
    return form_page("deliberation/record_act.html", form, meeting=meeting, ranking=ranking, **_words())


@bp.route("/deliberation/<uuid:meeting_id>/publication", methods=["GET", "POST"])
@requires(P.RESULTS_PUBLISH, Meeting)
@as_shown
def publish(meeting: Meeting) -> Page:
    """List what publishing does, then publish."""
    form = ConfirmForm()
    if form.validate_on_submit():
        letters_written = actions.publish(meeting, by=actor())
        flash(n_("Les résultats sont publiés : %(num)s courrier part.",
                 "Les résultats sont publiés : %(num)s courriers partent.", letters_written), "success")  # fmt: skip
        return redirect(url_for("deliberation.meeting", meeting_id=meeting.id))
    if meeting.state not in DECIDED:
        raise RefusedError(_("Enregistrez d’abord l’acte de l’assemblée délibérante."))
    decisions = queries.decisions_of(meeting.id, actor())
    return form_page(
        "deliberation/publish.html", form, meeting=meeting, decisions=decisions, unsure=letters.unconfirmed_texts()
    )


@bp.get("/deliberation/courriers/<uuid:application_id>")
@requires(P.RESULTS_PUBLISH, Application)
def letter(application: Application) -> str:
    """The letter of a decision as its reader gets it, before or after it left."""
    decision = _voted(application)
    text = letters.letter_of(decision, letters.locale_of(decision))
    reader = queries.reader_of(application)
    return render_template("deliberation/letter.html", decision=decision, letter=text, reader=reader)


@bp.get("/deliberation/courriers/<uuid:application_id>.pdf")
@requires(P.RESULTS_PUBLISH, Application)
def letter_pdf(application: Application) -> Response:
    """The same letter on paper, marked as a draft until it is published."""
    decision = _voted(application)
    paper = letters.decision_paper(decision, letters.locale_of(decision))
    return uploads.attachment(paper, f"courrier-{application.reference}.pdf")


def _voted(application: Application) -> Decision:
    decision = queries.decision_of(application.id)
    if decision is None:
        raise MissingError
    return decision


# ---- minutes -------------------------------------------------------------------------------------------------------


@bp.get("/deliberation/<uuid:meeting_id>/proces-verbal")
@requires(P.MEETING_READ, Meeting)
def minutes(meeting: Meeting) -> str:
    """The minutes of a meeting whose recommendations are frozen."""
    _refuse_unfrozen(meeting)
    content = letters.minutes_of(meeting, language(), actor())
    return render_template("deliberation/minutes.html", meeting=meeting, minutes=content)


@bp.get("/deliberation/<uuid:meeting_id>/proces-verbal.pdf")
@requires(P.MEETING_READ, Meeting)
def minutes_pdf(meeting: Meeting) -> Response:
    """The minutes on paper."""
    _refuse_unfrozen(meeting)
    paper = letters.minutes_paper(meeting, language(), actor())
    return uploads.attachment(paper, f"proces-verbal-{meeting.call.code}.pdf")


def _refuse_unfrozen(meeting: Meeting) -> None:
    if meeting.state is MeetingState.PREPARING:
        raise RefusedError(_("Le procès-verbal s’établit quand les avis sont figés."))


# ---- the applicant -------------------------------------------------------------------------------------------------


@bp.get("/dossiers/<uuid:application_id>/decision")
@requires(P.DECISION_READ_OWN, Application)
def decision(application: Application) -> str:
    """Won or lost, why, and what can be done; unknown to everybody before the publication."""
    found = _published(application)
    text = letters.letter_of(found, language())
    return render_template("deliberation/decision.html", application=application, decision=found, letter=text)


@bp.get("/dossiers/<uuid:application_id>/decision.pdf")
@requires(P.DECISION_READ_OWN, Application)
def decision_pdf(application: Application) -> Response:
    """The letter on paper."""
    paper = letters.decision_paper(_published(application), language())
    return uploads.attachment(paper, f"decision-{application.reference}.pdf")


def _published(application: Application) -> Decision:
    found = queries.published_decision_of(application.id)
    if found is None:
        raise MissingError
    return found


# ---- the end of the call -------------------------------------------------------------------------------------------


@bp.route("/gestion/appels/<uuid:call_id>/archive", methods=["GET", "POST"])
@requires(P.CALL_OPEN, Call)
@as_shown
def archive(call: Call) -> Page:
    """Put a call away once its results are known."""
    form = ConfirmForm()
    if form.validate_on_submit():
        actions.archive(call, by=actor())
        flash(_("L’appel est archivé. Sa page publique reste en ligne."), "success")
        return redirect(url_for("calls.manage", call_id=call.id))
    return form_page("deliberation/archive.html", form, call=call, reason=actions.why_not_archive(call, actor()))
