"""Views on awards and their agreements: the lists, the page of one, its agreement, for staff and association."""

from typing import Any

from flask import flash, redirect, render_template, url_for
from werkzeug.wrappers import Response

from grants.awards import exports, letters, queries
from grants.awards.actions import agreement as actions
from grants.awards.actions import reporting
from grants.awards.forms.agreement import SignForm, TermsForm
from grants.awards.lifecycle import AWARD, AwardState
from grants.awards.models import Agreement, Award
from grants.awards.models.disbursement import LEDGER_LABELS
from grants.awards.models.recovery import GROUND_LABELS, RECEIVABLE_LABELS
from grants.awards.queries import AwardFilters
from grants.awards.routes.blueprint import Answer, bp
from grants.awards.routes.shown import award_shown, own_award_shown
from grants.awards.rules import NEED_LABELS, STEP_LABELS, masked
from grants.kernel import clock, jobs, sheets, uploads
from grants.kernel.access import actor, prepared_by, requires
from grants.kernel.bodies import takes_files, takes_texts
from grants.kernel.errors import InvalidError, MissingError, RefusedError
from grants.kernel.forms import form_page
from grants.kernel.money import Money
from grants.kernel.pages import zone
from grants.kernel.paging import asked, places
from grants.kernel.versions import as_shown
from grants.kernel.words import _, n_
from grants.permissions import P
from grants.programme import queries as programme

WORDS: dict[str, Any] = {
    "step_labels": STEP_LABELS,
    "need_labels": NEED_LABELS,
    "ledger_labels": LEDGER_LABELS,
    "masked": masked,
}


# ---- staff ---------------------------------------------------------------------------------------------------------


@bp.get("/attributions")
@requires(P.AWARD_LIST)
def index() -> str:
    """Awards, what comes next for each, and the decisions that wait for theirs."""
    filters = _filters()
    totals = queries.award_totals(actor(), filters)
    return render_template(
        "awards/index.html",
        waiting=queries.decisions_without_award(actor()),
        page=queries.awards(actor(), filters, **places()),
        totals=totals,
        selected=filters,
        chosen=filters.chosen(),
        calls=[(row.code, row.title) for row in queries.calls_with_awards(actor())],
        states=[
            (queries.TO_ENGAGE, _("À engager")),
            *((state.value, AWARD.states[state].label) for state in AwardState),
        ],
        reports=queries.REPORT_LABELS.items(),
        machine=AWARD,
        left=queries.left_of(totals),
        zero=Money(0),
        today=clock.today(),
        **WORDS,
    )


def _filters() -> AwardFilters:
    return AwardFilters(*asked("state", "call", "q", "report"))


@bp.get("/attributions.csv")
@requires(P.EXPORT_MAKE)
def index_csv() -> Response:
    """The same list as a sheet, whole."""
    return sheets.download_csv(exports.awards(actor(), _filters()), zone())


@bp.get("/attributions.xlsx")
@requires(P.EXPORT_MAKE)
def index_xlsx() -> Response:
    """The same list as a workbook, whole."""
    return sheets.download_workbook(exports.awards(actor(), _filters()), zone())


@bp.post("/attributions.xlsx")
@requires(P.EXPORT_MAKE)
def index_job() -> Response:
    """Have that workbook made by the worker, however long it is."""
    asked_for = _filters()
    return redirect(url_for("desk.job", job_id=jobs.ask(exports.AWARDS, asked_for, by=actor()).id))


@bp.post("/attributions/ouvrir")
@requires(P.AGREEMENT_PREPARE)
def open_waiting() -> Response:
    """Open the award of every granted and published decision that waits for one."""
    opened = actions.open_awards(queries.decisions_without_award(actor()), by=actor())
    if opened:
        flash(n_("%(num)s attribution est ouverte.", "%(num)s attributions sont ouvertes.", len(opened)), "success")
    else:
        flash(_("Toutes les décisions publiées ont déjà leur attribution."), "info")
    return redirect(url_for("awards.index"))


@bp.get("/attributions/<uuid:award_id>", endpoint="show")
@requires(P.AWARD_READ, Award)
def award_page(award: Award) -> str:
    """One award: figures, papers, schedule, report, every movement of money."""
    queries.load_surroundings(award)
    return render_template(
        "awards/show.html",
        award=award,
        shown=award_shown(award),
        threshold=Money.euros(programme.law_number("agreement_threshold", queries.act_day(award))),
        receivable_kinds=RECEIVABLE_LABELS,
        grounds=GROUND_LABELS,
        amendments=queries.amendments_of(award.id),
        entries=queries.ledger_of(award.id),
        **WORDS,
    )


@bp.route("/attributions/<uuid:award_id>/convention", methods=["GET", "POST"])
@requires(P.AGREEMENT_PREPARE, Award)
@takes_texts
def agreement(award: Award) -> Answer:
    """Compose the agreement, complete it, and tell the association that it is ready."""
    queries.load_surroundings(award)
    found = queries.agreement_of(award.id)
    terms = found.terms if found else letters.terms_of(award, queries.instalments_of(award.id))
    form = TermsForm(data={"terms": terms, "version": found.version if found else 0}, marker=letters.TO_COMPLETE)
    if form.validate_on_submit():
        actions.prepare_agreement(award, form.terms.data, by=actor(), version=form.version.data)
        flash(_("La convention est prête. L’association est prévenue."), "success")
        return redirect(url_for("awards.show", award_id=award.id))
    return form_page(
        "awards/agreement.html",
        form,
        award=award,
        agreement=found,
        need=queries.agreement_need(award),
        is_incomplete=letters.TO_COMPLETE in (form.terms.data or ""),
        **WORDS,
    )


@bp.route("/attributions/<uuid:award_id>/signature", methods=["GET", "POST"])
@requires(P.AGREEMENT_SIGN, Award)
@prepared_by(uploads.examine_sent)
@takes_files
def sign(award: Award) -> Answer:
    """Record the signature, with the signed document."""
    found = queries.agreement_of(award.id)
    if found is None:
        raise RefusedError(_("Préparez d’abord la convention."))
    form = SignForm(data={"version": found.version})
    if form.validate_on_submit():
        try:
            file = uploads.accept(form.file.data, by=actor(), organisation_id=award.organisation_id,
                                dossier_id=award.application_id, field="file")  # fmt: skip
            actions.sign_agreement(
                award, signed_on=form.data["signed_on"], file=file, version=form.version.data, by=actor()
            )
        except InvalidError as error:
            form.refuse(error.field, error.message)
        else:
            flash(_("La signature est enregistrée et l’attribution est engagée."), "success")
            return redirect(url_for("awards.show", award_id=award.id))
    return form_page("awards/sign.html", form, award=award, agreement=found)


@bp.post("/attributions/<uuid:award_id>/engager")
@requires(P.AGREEMENT_SIGN, Award)
@as_shown
def engage(award: Award) -> Response:
    """Engage an award that needs no agreement."""
    actions.engage(award, by=actor())
    flash(_("L’attribution est engagée."), "success")
    return redirect(url_for("awards.show", award_id=award.id))


@bp.post("/attributions/<uuid:award_id>/clore")
@requires(P.AWARD_CLOSE, Award)
@as_shown
def close(award: Award) -> Response:
    """Close an award that is wholly settled."""
    reporting.close(award, by=actor())
    flash(_("L’attribution est close."), "success")
    return redirect(url_for("awards.show", award_id=award.id))


# ---- both ----------------------------------------------------------------------------------------------------------


@bp.get("/conventions/<uuid:agreement_id>/convention.pdf")
@requires(P.FILE_READ, Agreement)
def agreement_pdf(agreement: Agreement) -> Response:
    """The agreement to be signed, as a document."""
    return uploads.attachment(letters.agreement_paper(agreement), f"{agreement.number}.pdf")


@bp.get("/conventions/<uuid:agreement_id>/signee")
@requires(P.FILE_READ, Agreement)
def agreement_file(agreement: Agreement) -> Response:
    """The signed agreement, as it was recorded."""
    if agreement.file is None:
        raise MissingError
    return uploads.send(agreement.file, to=actor())


# ---- association ---------------------------------------------------------------------------------------------------


@bp.get("/mes-attributions")
@requires(P.ACCOUNT_OWN)
def mine() -> str:
    """What the organisations of the person were awarded."""
    return render_template("awards/mine.html", lines=queries.awards_of(actor()), machine=AWARD, **WORDS)


@bp.get("/mes-attributions/<uuid:award_id>")
@requires(P.AWARD_READ_OWN, Award)
def own(award: Award) -> str:
    """One award as its beneficiary sees it: what to do, what comes, what is left."""
    return render_template(
        "awards/own.html",
        award=award,
        shown=own_award_shown(award),
        receivable_kinds=RECEIVABLE_LABELS,
        rate=letters.rate_of(award),
        **WORDS,
    )
