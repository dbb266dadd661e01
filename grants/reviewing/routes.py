"""Views of reviewing: who reads what, the declaration, the marks beside the dossier, the others' reviews."""

from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from grants.applications import exports as papers
from grants.applications import queries as applications
from grants.applications.models import Application
from grants.calls.models import Call
from grants.kernel import jobs, journal, stored_forms, uploads
from grants.kernel.access import actor, hidden_dossiers, requires
from grants.kernel.bodies import takes_texts
from grants.kernel.db import db
from grants.kernel.errors import InvalidError, MissingError, RefusedError
from grants.kernel.forms import done, form_page, keep_valid, mark
from grants.kernel.jobs import Job
from grants.kernel.paging import asked, places
from grants.kernel.versions import as_shown, read_version
from grants.kernel.words import _, n_
from grants.permissions import P
from grants.reviewing import actions, exports, queries
from grants.reviewing.forms import (
    AssignForm,
    DeclareForm,
    LinkForm,
    ReviewForm,
    proposal_form,
    replace_form,
    review_form,
    wanted_form,
)
from grants.reviewing.lifecycle import AssignmentState
from grants.reviewing.models import Assignment, InterestNature
from grants.reviewing.queries import AssignmentFilters, GridPart, Reviewer
from grants.reviewing.rules import COLLEGE_LABELS, NATURE_LABELS, ProposedPair, clash_in_words

bp = Blueprint("reviewing", __name__)
bp.add_app_template_global(queries.addressed_in_office)
Answer = str | Response | tuple[str, int]
S = AssignmentState


@bp.before_request
def tell_late_marks() -> None:
    """An old tab that sends marks after a recusal is told so (409); every page of that file stays unknown (404)."""
    if request.endpoint not in {"reviewing.save", "reviewing.submit"} or request.view_args is None:
        return
    late = queries.own_assignment(request.view_args["assignment_id"], actor().id) if actor().is_authenticated else None
    g.own_assignment = late  # stored for the permission check, which needs it again
    if late is None or not queries.is_interested(late.reviewer_id, late.application_id):
        return
    line = journal.line_of("assignment.late_marks_refused", late, actor(), {})
    db.session.rollback()
    journal.note(line)
    raise RefusedError(_("Vous avez un lien d’intérêt avec ce dossier. Votre évaluation n’a pas été enregistrée."))


# ---- the manager ---------------------------------------------------------------------------------------------------


@bp.get("/evaluations/affecter")
@requires(P.REVIEW_ASSIGN)
def assign_index() -> Answer:
    """The calls whose dossiers are to be read."""
    calls = queries.calls_to_assign(hidden_dossiers())
    if len(calls) == 1:
        return redirect(url_for("reviewing.assign", call_id=calls[0].id))
    return render_template("reviewing/assign_index.html", calls=calls)


@bp.route("/evaluations/affecter/<uuid:call_id>", methods=["GET", "POST"])
@requires(P.REVIEW_ASSIGN, Call)
@takes_texts
@as_shown
def assign(call: Call) -> Answer:
    """Who reads what, page by page, with each person's load; several assignments at once."""
    form, reviewers = AssignForm(), queries.reviewers_of(call.id, hidden_dossiers())
    form.offer(reviewers)
    if form.validate_on_submit():
        try:
            outcome = actions.assign(call, **form.values(), by=actor())
        except InvalidError as error:
            form.refuse(error.field, error.message)
        else:
            for message, tone in actions.messages_of(outcome):
                flash(message, tone)
            return redirect(url_for("reviewing.assign", call_id=call.id, **_where()))
    return _who_reads(call, form, reviewers)


def _filters() -> AssignmentFilters:
    words, fewer = asked("mots", "moins")
    return AssignmentFilters(words, read_version(fewer))


def _where() -> dict[str, Any]:
    """The place in the list, with its filters: where one comes back to after an act."""
    return _filters().chosen() | {name: place for name, place in places().items() if place}


def _few_readers(call: Call) -> list[tuple[int, str]]:
    """The choices of the filter by readers: up to the number the call asks for."""
    fewer = range(2, call.minimum_reviewers + 1)
    return [(1, _("Aucun évaluateur")), *((n, _("Moins de %(number)s évaluateurs", number=n)) for n in fewer)]


def _who_reads(call: Call, form: AssignForm, reviewers: list[Reviewer]) -> Answer:
    filters, hidden = _filters(), hidden_dossiers()
    return form_page(
        "reviewing/assign.html", form, call=call, reviewers=reviewers, colleges=COLLEGE_LABELS, selected=filters,
        page=queries.dossiers_to_assign(call.id, hidden, filters, **places()),
        count=queries.number_to_assign(call.id, hidden, filters), few_readers=_few_readers(call),
    )  # fmt: skip


@bp.route("/evaluations/affecter/<uuid:call_id>/proposition", methods=["GET", "POST"])
@requires(P.REVIEW_ASSIGN, Call)
def propose(call: Call) -> Answer:
    """What a proposal of assignments is asked for; the worker makes it."""
    reviewers = queries.reviewers_of(call.id, hidden_dossiers())
    form = wanted_form(reviewers, call.minimum_reviewers)
    if form.validate_on_submit():
        actions.refuse_when_frozen(call.id)
        job = jobs.ask(exports.PROPOSAL, form.wanted(call.id), by=actor())
        return redirect(url_for("desk.job", job_id=job.id))
    return form_page("reviewing/propose.html", form, call=call, labels=COLLEGE_LABELS)


@bp.route("/evaluations/propositions/<uuid:job_id>", methods=["GET", "POST"])
@requires(P.JOB_RESULT, Job)
@takes_texts
def proposal(job: Job) -> Answer:
    """Who is proposed for what and why; adjusted by hand, then accepted whole."""
    if job.kind != exports.PROPOSAL.name or not job.is_done:
        return redirect(url_for("desk.job", job_id=job.id))
    made, hidden = exports.proposal_of(job), hidden_dossiers()
    call = db.session.get_one(Call, UUID(made.wanted.call))
    dossiers = queries.dossiers_to_read({pair.application_id for pair in made.pairs}, hidden)
    reviewers = queries.reviewers_of(call.id, hidden)
    form = proposal_form(dossiers, reviewers, made.pairs)
    refused: list[str] = []
    if form.validate_on_submit():
        try:
            outcome = actions.accept(
                call, form.chosen(made.pairs), due_on=form.due_on.data, given=made.given, hidden=hidden, by=actor()
            )
        except InvalidError as error:
            form.refuse(error.field, error.message)
            refused = error.facts.get("refused", [])
        else:
            for message, tone in actions.messages_of(outcome):
                flash(message, tone)
            return redirect(url_for("reviewing.assign", call_id=call.id))
    return form_page(
        "reviewing/proposal.html", form, call=call, proposal=made, dossiers=dossiers, reviewers=reviewers,
        colleges=COLLEGE_LABELS, refused=refused, clash=clash_in_words(made.clash, made.wanted),
        by_dossier=_by_dossier(made.pairs), unseated=queries.dossiers_to_read(made.unseated, hidden),
    )  # fmt: skip


def _by_dossier(pairs: Sequence[ProposedPair]) -> dict[UUID, list[tuple[int, ProposedPair]]]:
    """The pairs proposed for each dossier, with their rank in the proposal."""
    found: dict[UUID, list[tuple[int, ProposedPair]]] = {}
    for rank, pair in enumerate(pairs):
        found.setdefault(pair.application_id, []).append((rank, pair))
    return found


@bp.post("/evaluations/affecter/<uuid:call_id>/relancer")
@requires(P.REVIEW_ASSIGN, Call)
def remind(call: Call) -> Response:
    """Write to those who still owe reviews."""
    number = actions.remind(call, late_only="late" in request.form, by=actor())
    if number:
        flash(n_("%(num)d relance envoyée.", "%(num)d relances envoyées.", number), "success")
    else:
        flash(_("Personne à relancer : tout est envoyé, ou les relances d’aujourd’hui sont déjà parties."), "info")
    return redirect(url_for("reviewing.assign", call_id=call.id))


@bp.route("/evaluations/<uuid:assignment_id>/retirer", methods=["GET", "POST"])
@requires(P.REVIEW_ASSIGN, Assignment)
@as_shown
def remove(assignment: Assignment) -> Answer:
    """Take an assignment back, asked once."""
    if request.method == "GET":
        return render_template("reviewing/remove.html", assignment=assignment)
    actions.remove(assignment, by=actor())
    flash(_("Affectation annulée."), "success")
    return redirect(url_for("reviewing.assign", call_id=assignment.application.call_id))


@bp.route("/evaluations/<uuid:assignment_id>/remplacer", methods=["GET", "POST"])
@requires(P.REVIEW_ASSIGN, Assignment)
@as_shown
def replace(assignment: Assignment) -> Answer:
    """Give the file to somebody else, in one act."""
    application = assignment.application
    people = queries.replacements(application.id, application.call_id, hidden_dossiers())
    form = replace_form(people, None if assignment.is_overdue else assignment.due_on)

    def act() -> None:
        actions.replace(assignment, UUID(form.reviewer.data), due_on=form.due_on.data, by=actor())

    if done(form, act):
        flash(_("Dossier confié à quelqu’un d’autre."), "success")
        return redirect(url_for("reviewing.assign", call_id=application.call_id))
    return form_page("reviewing/replace.html", form, assignment=assignment, people=people)


@bp.get("/evaluations/dossier/<uuid:application_id>")
@requires(P.SCREENING_READ, Application)
def results(application: Application) -> str:
    """What the committee found of one dossier, review by review; not for somebody whose own review is due."""
    if queries.owes_review(actor().id, application.id):
        raise MissingError
    return render_template(
        "reviewing/results.html",
        application=application,
        result=queries.result_of(application),
        parts=queries.rubric_of(application.call_id),
        reviews=queries.reviews_of(application.id),
    )


# ---- anybody with an office ----------------------------------------------------------------------------------------


@bp.route("/mes-liens", methods=["GET", "POST"])
@requires(P.INTEREST_OWN)
def links() -> Answer:
    """The links that are known of the person, and a form to tell another one."""
    form = LinkForm(reference=request.args.get("reference", "")[:40])
    data = form.data
    if done(
        form,
        lambda: actions.tell_link(data["reference"], InterestNature(data["nature"]), data["text"] or "", by=actor()),
    ):
        flash(_("Votre lien est enregistré. Ce dossier ne vous sera plus présenté. Merci de l’avoir dit."), "success")
        return redirect(url_for("reviewing.links"))
    known = queries.links_known(actor().id)
    return form_page("reviewing/links.html", form, known=known, natures=NATURE_LABELS)


# ---- the reviewer --------------------------------------------------------------------------------------------------


@bp.get("/evaluations")
@requires(P.REVIEW_LIST)
def index() -> str:
    """What a reviewer has to read, where they left off first."""
    counts = queries.reading_counts(actor().id)
    return render_template(
        "reviewing/index.html",
        page=queries.readings_of(actor().id, **places()),
        counts=counts,
        remaining=counts[S.OPEN] + counts[S.OFFERED],
        following=queries.next_reading(actor().id),
        S=S,
    )


@bp.route("/evaluations/<uuid:assignment_id>/lien", methods=["GET", "POST"])
@requires(P.INTEREST_DECLARE, Assignment)
@as_shown
def declare(assignment: Assignment) -> Answer:
    """Say before the content opens whether there is a link; with one, the file no longer exists for the person."""
    form = DeclareForm()
    if done(form, lambda: actions.declare(assignment, **form.values(), by=actor())):
        return _declared(assignment)
    return form_page("reviewing/declare.html", form, assignment=assignment)


def _declared(assignment: Assignment) -> Response:
    if assignment.state is S.OPEN:
        return redirect(url_for("reviewing.review", assignment_id=assignment.id))
    flash(_("Votre déport est enregistré. Ce dossier ne vous sera plus présenté. Merci de l’avoir dit."), "success")
    return redirect(url_for("reviewing.index"))


@bp.get("/evaluations/<uuid:assignment_id>")
@requires(P.REVIEW_READ, Assignment)
def review(assignment: Assignment) -> Answer:
    """The dossier on the left, the marks on the right; the declaration first."""
    if assignment.state is S.OFFERED:
        return redirect(url_for("reviewing.declare", assignment_id=assignment.id))
    is_typed = stored_forms.recall_draft(actor().id, "version", str(assignment.version))
    form = _form_of(assignment)
    if is_typed:
        mark(form)
    return _review(assignment, form)


def _form_of(assignment: Assignment, parts: Sequence[GridPart] | None = None, **given: Any) -> ReviewForm:
    parts = parts or queries.rubric_of(assignment.application.call_id)
    marks = {mark.criterion_id: mark.level for mark in assignment.marks}
    return review_form(parts, assignment, marks, assignment.application.call.scale_top, **given)


def _review(assignment: Assignment, form: ReviewForm) -> Answer:
    return form_page(
        "reviewing/review.html",
        form,
        assignment=assignment,
        application=assignment.application,
        content=applications.content_of(assignment.application_id),
        is_open=assignment.state is S.OPEN and assignment.application.call.marks_frozen_at is None,
        following=queries.next_reading(actor().id, besides=assignment.id),
    )


@bp.get("/evaluations/<uuid:assignment_id>/dossier.pdf")
@requires(P.REVIEW_READ, Assignment)
def dossier_pdf(assignment: Assignment) -> Response:
    """The dossier on paper, once the reviewer declared to have no link."""
    if assignment.state is S.OFFERED:
        return redirect(url_for("reviewing.declare", assignment_id=assignment.id))
    return uploads.attachment(papers.dossier_pdf(assignment.application), papers.name_of(assignment.application))


@bp.post("/evaluations/<uuid:assignment_id>")
@requires(P.REVIEW_MARK, Assignment)
@takes_texts
def save(assignment: Assignment) -> Answer:
    """Keep the marks, complete or not."""
    parts = queries.rubric_of(assignment.application.call_id)
    form = _form_of(assignment, parts)
    is_right = form.validate()
    if not is_right:
        keep_valid(form, _form_of(assignment, parts, formdata=None))
    if form.version.errors or not _taken(actions.record_marks, assignment, form, parts):
        return _review(assignment, form)
    _keep_typed(assignment, is_right=is_right)
    return redirect(url_for("reviewing.review", assignment_id=assignment.id), 302 if is_right else 303)


def _keep_typed(assignment: Assignment, *, is_right: bool) -> None:
    """Tell what was saved; what was refused stays on the page as it was typed, for its author."""
    who, path = assignment.reviewer_id, url_for("reviewing.review", assignment_id=assignment.id)
    if is_right:
        stored_forms.forget_draft(who, path)
        flash(_("Brouillon enregistré."), "success")
        return
    edition = str(assignment.version)
    stored_forms.keep_draft(
        who, path, [(name, edition if name == "version" else value) for name, value in stored_forms.said()]
    )
    flash(_("Enregistré, sauf ce qui est marqué : corrigez-le, puis enregistrez de nouveau."), "warning")


@bp.post("/evaluations/<uuid:assignment_id>/envoyer")
@requires(P.REVIEW_SUBMIT, Assignment)
@takes_texts
def submit(assignment: Assignment) -> Answer:
    """Send the review, and open the next file."""
    parts = queries.rubric_of(assignment.application.call_id)
    form = _form_of(assignment, parts)
    if not form.validate() or not _taken(actions.submit, assignment, form, parts):
        return _review(assignment, form)
    stored_forms.forget_draft(assignment.reviewer_id, url_for("reviewing.review", assignment_id=assignment.id))
    following = queries.next_reading(actor().id, besides=assignment.id)
    if following is None:
        flash(_("Évaluation envoyée. C’était la dernière : merci."), "success")
        return redirect(url_for("reviewing.index"))
    flash(_("Évaluation envoyée. Voici le dossier suivant."), "success")
    return redirect(url_for("reviewing.review", assignment_id=following.id))


def _taken(act: Callable[..., None], assignment: Assignment, form: ReviewForm, parts: Sequence[GridPart]) -> bool:
    """Whether the act was done; else the form holds what is wrong."""
    try:
        grid = queries.grid_in(parts, assignment.application.call)
        act(assignment, form.reading(), version=form.version.data, by=actor(), grid=grid)
    except InvalidError as error:
        for name, message in error.facts.get("missing", {error.field: error.message}).items():
            form.refuse(name, message)
        return False
    return True


@bp.get("/evaluations/<uuid:assignment_id>/autres")
@requires(P.REVIEW_READ, Assignment)
def others(assignment: Assignment) -> str:
    """The other reviews, once one's own is in; before that, the page does not exist."""
    if assignment.state is not S.SUBMITTED:
        raise MissingError
    application = assignment.application
    return render_template(
        "reviewing/others.html",
        assignment=assignment,
        application=application,
        result=queries.result_of(application),
        parts=queries.rubric_of(application.call_id),
        reviews=queries.reviews_of(application.id),
    )
