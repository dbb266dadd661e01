"""Views on what an association owes back: repayments of an advance, recoveries, receipts."""

from typing import Any

from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from grants.awards import exports, queries
from grants.awards.actions import recovery as actions
from grants.awards.actions.amending import AmendmentGiven
from grants.awards.forms.disbursement import ReasonForm
from grants.awards.forms.recovery import (
    IssueForm,
    ReceiveForm,
    RecoveryForm,
    RepaymentsForm,
    ReversalForm,
    WaiverForm,
)
from grants.awards.lifecycle import RECEIVABLE, ReceivableState
from grants.awards.models import Award, Receivable
from grants.awards.models.recovery import GROUND_LABELS, RECEIVABLE_LABELS
from grants.awards.routes.blueprint import Answer, bp
from grants.awards.routes.shown import receivable_shown
from grants.kernel import clock, jobs, sheets
from grants.kernel.access import actor, requires
from grants.kernel.errors import InvalidError
from grants.kernel.forms import done, form_page
from grants.kernel.pages import day, money, zone
from grants.kernel.paging import places
from grants.kernel.versions import as_shown
from grants.kernel.words import _
from grants.permissions import P


@bp.route("/attributions/<uuid:award_id>/remboursements", methods=["GET", "POST"])
@requires(P.INSTALMENT_PLAN, Award)
def repayments(award: Award) -> Answer:
    """Plan the repayments of an advance, or what is left of them by an amendment; the sum must be exact."""
    standing = queries.repayments_of(award.id)
    is_signed = any(row.state is not ReceivableState.PLANNED for row in standing)
    to_repay = actions.left_to_repay(standing) if is_signed else award.amount - award.released
    dues = [{"amount": row.left, "due_on": row.due_on} for row in standing if row.left]
    form = RepaymentsForm(data={"dues": dues, "version": award.version})
    if request.method == "POST" and "add" in request.form:
        form.add_line()
    elif form.validate_on_submit():
        try:
            planned = [actions.Due(**values) for values in form.values()]
            given = form.amendment() if is_signed else None
            if given or not is_signed:
                amendment = AmendmentGiven(**given) if given else None
                actions.plan_repayments(award, planned, by=actor(), version=form.version.data, amendment=amendment)
                flash(_("L’échéancier de remboursement est enregistré."), "success")
                return redirect(url_for("awards.show", award_id=award.id))
        except InvalidError as error:
            form.refuse(None if error.field == "dues" else error.field, error.message)
    return form_page("awards/repayments.html", form, award=award, to_repay=to_repay, gap=form.total() - to_repay,
                is_signed=is_signed)  # fmt: skip


@bp.route("/attributions/<uuid:award_id>/reversement", methods=["GET", "POST"])
@requires(P.PAYMENT_PREPARE, Award)
@as_shown
def recovery(award: Award) -> Answer:
    """Prepare an order to pay money back."""
    form = RecoveryForm(data={"amount": queries.left_to_claim(award) or None})
    if form.validate_on_submit():
        try:
            made = actions.prepare_recovery(
                award, amount=form.data["amount"], due_on=form.data["due_on"], reason=form.reason.data, by=actor()
            )
        except InvalidError as error:
            form.refuse(error.field, error.message)
        else:
            flash(_("Le reversement est préparé. Une autre personne doit l’approuver."), "success")
            return _back(made)
    return form_page("awards/recovery.html", form, award=award, subject=award, refused=None,
                title=_("Demander un reversement"),
                lede=_("Une autre personne l’approuve, puis le service des finances émet le titre."),
                back=url_for("awards.show", award_id=award.id))  # fmt: skip


@bp.get("/recouvrements")
@requires(P.AWARD_LIST)
def receivables() -> str:
    """What is to be received, the first due first."""
    late = _is_late()
    page = queries.receivables(actor(), late=late, **places())
    return render_template(
        "awards/receivables.html",
        page=page,
        totals=queries.receivable_totals(actor()),
        late=late,
        today=clock.today(),
        kinds=RECEIVABLE_LABELS,
    )


def _is_late() -> bool:
    return request.args.get("vue") == "retard"


@bp.get("/recouvrements.csv")
@requires(P.EXPORT_MAKE)
def receivables_csv() -> Response:
    """The same list as a sheet, whole."""
    return sheets.download_csv(exports.receivables(actor(), late=_is_late()), zone())


@bp.get("/recouvrements.xlsx")
@requires(P.EXPORT_MAKE)
def receivables_xlsx() -> Response:
    """The same list as a workbook, whole."""
    return sheets.download_workbook(exports.receivables(actor(), late=_is_late()), zone())


@bp.post("/recouvrements.xlsx")
@requires(P.EXPORT_MAKE)
def receivables_job() -> Response:
    """Have that workbook made by the worker, however long it is."""
    asked_for = exports.ReceivableView(_is_late())
    return redirect(url_for("desk.job", job_id=jobs.ask(exports.RECEIVABLES, asked_for, by=actor()).id))


@bp.get("/recouvrements/<uuid:receivable_id>")
@requires(P.AWARD_READ, Receivable)
def receivable(receivable: Receivable) -> Answer:
    """One sum owed back: what was asked, received or given up, and what may be done."""
    people = [receivable.prepared_by, receivable.approved_by, receivable.waiver_by, receivable.reversal_by]
    return form_page(
        "awards/receivable.html", receivable=receivable, award=receivable.award, kinds=RECEIVABLE_LABELS,
        grounds=GROUND_LABELS, names=queries.names_of(people), shown=receivable_shown(receivable),
    )  # fmt: skip


@bp.post("/recouvrements/<uuid:receivable_id>/approuver")
@requires(P.PAYMENT_APPROVE, Receivable)
@as_shown
def approve_recovery(receivable: Receivable) -> Response:
    """Approve a recovery that somebody else prepared."""
    actions.approve(receivable, by=actor())
    flash(_("Le reversement est approuvé. Le service des finances peut émettre le titre."), "success")
    return _back(receivable)


@bp.route("/recouvrements/<uuid:receivable_id>/refuser", methods=["GET", "POST"])
@requires(P.PAYMENT_STOP, Receivable)
@as_shown
def refuse_recovery(receivable: Receivable) -> Answer:
    """Give no sequel to a recovery that is not issued."""
    form = ReasonForm()
    if form.validate_on_submit():
        actions.refuse(receivable, form.note.data, by=actor())
        flash(_("Il n’est pas donné suite à ce reversement."), "success")
        return _back(receivable)
    return _act(receivable, "refuse", form, _("Ne pas donner suite"), _("Le service des finances lit votre motif."))


@bp.route("/recouvrements/<uuid:receivable_id>/emettre", methods=["GET", "POST"])
@requires(P.PAYMENT_RECORD, Receivable)
@as_shown
def issue_recovery(receivable: Receivable) -> Answer:
    """Record the order to pay back that was issued in the finance software."""
    form = IssueForm()
    if done(form, lambda: actions.issue(receivable, number=form.number.data, on=form.data["issued_on"], by=actor())):
        flash(_("Le titre est enregistré. L’association est prévenue."), "success")
        return _back(receivable)
    return _act(receivable, "issue", form, _("Enregistrer le titre émis"),
                _("L’association reçoit la demande, son motif et sa date limite."))  # fmt: skip


@bp.route("/recouvrements/<uuid:receivable_id>/recu", methods=["GET", "POST"])
@requires(P.PAYMENT_RECORD, Receivable)
def receive(receivable: Receivable) -> Answer:
    """Record what the accountant received."""
    form = ReceiveForm(data={"version": receivable.version, "amount": receivable.left or None})
    if done(
        form,
        lambda: actions.receive(
            receivable,
            amount=form.data["amount"],
            on=form.data["day"],
            number=form.number.data or "",
            by=actor(),
            version=form.version.data,
        ),
    ):
        flash(_("La somme reçue est enregistrée. L’association est prévenue."), "success")
        return _back(receivable)
    return _act(receivable, "receive", form, _("Enregistrer une somme reçue"),
                _("Le comptable public encaisse. Vous enregistrez ce qu’il a reçu."))  # fmt: skip


@bp.route("/recouvrements/<uuid:receivable_id>/ne-plus-reclamer", methods=["GET", "POST"])
@requires(P.PAYMENT_PREPARE, Receivable)
@as_shown
def propose_waiver(receivable: Receivable) -> Answer:
    """Propose not to ask for a sum any more."""
    form = WaiverForm(data={"amount": receivable.left or None})
    if done(form, lambda: actions.propose_waiver(receivable, **form.values(), by=actor())):
        flash(_("La proposition est enregistrée. Une autre personne doit la confirmer."), "success")
        return _back(receivable)
    return _act(receivable, "propose_waiver", form, _("Proposer de ne plus réclamer"),
                _("Rien ne change avant qu’une autre personne confirme."))  # fmt: skip


@bp.post("/recouvrements/<uuid:receivable_id>/ne-plus-reclamer/confirmer")
@requires(P.PAYMENT_APPROVE, Receivable)
@as_shown
def confirm_waiver(receivable: Receivable) -> Response:
    """Confirm that a sum is not asked any more."""
    actions.confirm_waiver(receivable, by=actor())
    flash(_("La somme n’est plus réclamée. L’association est prévenue."), "success")
    return _back(receivable)


@bp.post("/recouvrements/<uuid:receivable_id>/ne-plus-reclamer/ecarter")
@requires(P.PAYMENT_STOP, Receivable)
@as_shown
def refuse_waiver(receivable: Receivable) -> Response:
    """Turn down the proposal not to ask for a sum any more."""
    actions.refuse_waiver(receivable, by=actor())
    flash(_("La proposition est écartée. La somme est toujours due."), "success")
    return _back(receivable)


@bp.route("/recouvrements/<uuid:receivable_id>/annuler-encaissement", methods=["GET", "POST"])
@requires(P.PAYMENT_PREPARE, Receivable)
@as_shown
def propose_reversal(receivable: Receivable) -> Answer:
    """Propose to reverse a receipt that was recorded by mistake."""
    form = ReversalForm()
    form.offer((one.id, _receipt_words(one)) for one in queries.receipts_of(receivable.id) if one.stands)
    if done(
        form, lambda: actions.propose_reversal(receivable, int(form.line.data), reason=form.reason.data, by=actor())
    ):
        flash(_("La proposition est enregistrée. Une autre personne doit la confirmer."), "success")
        return _back(receivable)
    return _act(receivable, "propose_reversal", form, _("Proposer d’annuler un encaissement"),
                _("Rien ne change avant qu’une autre personne confirme. Un mouvement contraire reprendra alors "
                  "l’encaissement ; enregistrez ensuite le bon."))  # fmt: skip


def _receipt_words(receipt: queries.ReceivedSum) -> str:
    words = _("%(amount)s reçus le %(day)s", amount=money(receipt.amount), day=day(receipt.day))
    return f"{words} · {receipt.number}" if receipt.number else words


@bp.post("/recouvrements/<uuid:receivable_id>/annuler-encaissement/confirmer")
@requires(P.PAYMENT_APPROVE, Receivable)
@as_shown
def confirm_reversal(receivable: Receivable) -> Response:
    """Reverse a receipt that was recorded by mistake."""
    actions.confirm_reversal(receivable, by=actor())
    flash(_("L’encaissement est annulé. L’association est prévenue."), "success")
    return _back(receivable)


@bp.post("/recouvrements/<uuid:receivable_id>/annuler-encaissement/ecarter")
@requires(P.PAYMENT_STOP, Receivable)
@as_shown
def refuse_reversal(receivable: Receivable) -> Response:
    """Turn down the proposal to reverse a receipt."""
    actions.refuse_reversal(receivable, by=actor())
    flash(_("La proposition est écartée. L’encaissement reste enregistré."), "success")
    return _back(receivable)


def _back(receivable: Receivable) -> Response:
    return redirect(url_for("awards.receivable", receivable_id=receivable.id))


def _act(receivable: Receivable, verb: str, form: Any, title: str, lede: str) -> Answer:
    refused = RECEIVABLE.why_not(receivable, verb)
    return form_page("awards/recovery.html", form, award=receivable.award, subject=receivable, title=title, lede=lede,
                refused=refused, back=url_for("awards.receivable", receivable_id=receivable.id))  # fmt: skip
