"""Views on the schedule and on payment orders: prepared, approved, ordered, paid by the accountant."""

from typing import Any

from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from grants.awards import exports, queries
from grants.awards.actions import disbursement as actions
from grants.awards.actions.amending import AmendmentGiven
from grants.awards.forms.disbursement import AttestForm, OrderForm, PayForm, ReasonForm, ScheduleForm
from grants.awards.lifecycle import INSTALMENT, InstalmentState
from grants.awards.models import Award, Instalment
from grants.awards.models.disbursement import KIND_LABELS
from grants.awards.routes.blueprint import Answer, bp
from grants.awards.routes.shown import instalment_shown
from grants.awards.rules import masked
from grants.kernel import jobs, sheets
from grants.kernel.access import actor, requires
from grants.kernel.bodies import takes_texts
from grants.kernel.errors import InvalidError
from grants.kernel.forms import done, form_page
from grants.kernel.money import Money
from grants.kernel.pages import zone
from grants.kernel.paging import places
from grants.kernel.versions import as_shown
from grants.kernel.words import _
from grants.permissions import P
from grants.programme import queries as programme


@bp.route("/attributions/<uuid:award_id>/echeancier", methods=["GET", "POST"])
@requires(P.INSTALMENT_PLAN, Award)
@takes_texts
def schedule(award: Award) -> Answer:
    """Plan what is still to be ordered; the sum must be right."""
    form = _schedule_form(award)
    is_engaged = queries.schedule_engaged_on(award) is not None
    to_plan = actions.left_to_plan(award)
    if request.method == "POST" and "add" in request.form:
        form.add_line()
    elif form.validate_on_submit():
        try:
            steps = [actions.PlannedInstalment(**values) for values in form.values()]
            given = form.amendment() if is_engaged else None
            if given or not is_engaged:
                amendment = AmendmentGiven(**given) if given else None
                actions.plan(award, steps, by=actor(), version=form.version.data, amendment=amendment)
                flash(_("L’échéancier est enregistré."), "success")
                return redirect(url_for("awards.show", award_id=award.id))
        except InvalidError as error:
            form.refuse(None if error.field == "steps" else error.field, error.message)
    free = (InstalmentState.PLANNED, InstalmentState.CANCELLED)
    under_way = [row for row in queries.instalments_of(award.id) if row.state not in free]
    ceiling = Money.euros(programme.law_number("single_payment_ceiling", queries.act_day(award)))
    return form_page(
        "awards/schedule.html", form, award=award, to_plan=to_plan, under_way=under_way, is_engaged=is_engaged,
        kinds=KIND_LABELS, gap=form.total() - to_plan, ceiling=ceiling,
    )  # fmt: skip


def _schedule_form(award: Award) -> ScheduleForm:
    """The schedule as it stands, or as it is proposed."""
    planned = [row for row in queries.instalments_of(award.id) if row.state is InstalmentState.PLANNED]
    rows: list[Any] = list(planned) or list(actions.proposal(award))
    steps = [
        {"label": r.label, "kind": r.kind.value, "amount": r.amount, "due_on": r.due_on, "condition": r.condition}
        for r in rows
    ]
    return ScheduleForm(data={"steps": steps, "version": award.version})


# ---- the lists of whoever pays -------------------------------------------------------------------------------------


@bp.get("/mandats")
@requires(P.AWARD_LIST)
def payments() -> str:
    """What waits: to prepare, to approve, to record as ordered, to record as paid."""
    counts = queries.payment_counts(actor())
    view = _view(counts)
    return render_template(
        "awards/payments.html",
        view=view,
        counts=counts,
        page=queries.payments(actor(), view, **places()),
    )


@bp.get("/mandats.csv")
@requires(P.EXPORT_MAKE)
def payments_csv() -> Response:
    """A view of the payments as a sheet, whole."""
    return sheets.download_csv(exports.payments(actor(), _view(queries.payment_counts(actor()))), zone())


@bp.get("/mandats.xlsx")
@requires(P.EXPORT_MAKE)
def payments_xlsx() -> Response:
    """A view of the payments as a workbook, whole."""
    return sheets.download_workbook(exports.payments(actor(), _view(queries.payment_counts(actor()))), zone())


@bp.post("/mandats.xlsx")
@requires(P.EXPORT_MAKE)
def payments_job() -> Response:
    """Have that workbook made by the worker, however long it is."""
    asked_for = exports.PaymentView(_view(queries.payment_counts(actor())))
    return redirect(url_for("desk.job", job_id=jobs.ask(exports.PAYMENTS, asked_for, by=actor()).id))


def _view(counts: dict[str, tuple[int, Money]]) -> str:
    """The view asked for; else the first list that waits for the person, else the first that waits for anybody."""
    asked: str = request.args.get("vue", "")
    if asked in queries.PAYMENT_VIEWS:
        return asked
    mine: tuple[str, ...] = ("approve",) if actor().has_role("authorising_officer") else ()
    if actor().has_role("finance"):
        mine = (*mine, "prepare", "order", "pay")
    for view in (*mine, "prepare", "approve", "order", "pay", "later"):
        if counts[view][0]:
            return view
    return mine[0] if mine else "prepare"


@bp.get("/echeances/<uuid:instalment_id>")
@requires(P.AWARD_READ, Instalment)
def instalment(instalment: Instalment) -> Answer:
    """One instalment: amount, account, papers to join, who did what, and the next act."""
    return _instalment_page(instalment)


def _instalment_page(instalment: Instalment, **forms: Any) -> Answer:
    award = instalment.award
    return form_page(
        "awards/instalment.html",
        *forms.values(),
        instalment=instalment,
        award=award,
        order_form=forms.get("order_form") or OrderForm(),
        pay_form=forms.get("pay_form") or PayForm(),
        shown=instalment_shown(instalment),
        agreement=queries.agreement_of(award.id),
        need=queries.agreement_need(award),
        names=queries.names_of(
            [instalment.prepared_by, instalment.approved_by, instalment.attested_by, instalment.returned_by]
        ),
        kinds=KIND_LABELS,
        masked=masked,
    )


@bp.post("/echeances/<uuid:instalment_id>/preparer")
@requires(P.PAYMENT_PREPARE, Instalment)
@as_shown
def prepare(instalment: Instalment) -> Response:
    """Prepare the payment order."""
    actions.prepare(instalment, by=actor())
    flash(_("Le mandat est préparé. Une autre personne doit l’approuver."), "success")
    return redirect(url_for("awards.payments"))


@bp.post("/echeances/<uuid:instalment_id>/approuver")
@requires(P.PAYMENT_APPROVE, Instalment)
@as_shown
def approve(instalment: Instalment) -> Response:
    """Approve a payment order that somebody else prepared."""
    actions.approve(instalment, by=actor())
    flash(_("Le mandat est approuvé. Le service des finances peut l’émettre."), "success")
    return redirect(url_for("awards.payments"))


# ---- what stops an order, and what makes one possible --------------------------------------------------------------


def _stop(instalment: Instalment, verb: str, act: Any, words: dict[str, str]) -> Answer:
    """Ask for the reason of an act that stops an order, then make it."""
    form = ReasonForm()
    if form.validate_on_submit():
        act(instalment, form.note.data, by=actor())
        flash(words["done"], "success")
        return redirect(url_for("awards.instalment", instalment_id=instalment.id))
    return _act_page(instalment, verb, form, words)


def _act_page(instalment: Instalment, verb: str, form: Any, words: dict[str, str]) -> Answer:
    refused = INSTALMENT.why_not(instalment, verb)
    return form_page(
        "awards/act.html", form, instalment=instalment, award=instalment.award, words=words, refused=refused
    )


@bp.route("/echeances/<uuid:instalment_id>/renvoyer", methods=["GET", "POST"])
@requires(P.PAYMENT_STOP, Instalment)
@as_shown
def send_back(instalment: Instalment) -> Answer:
    """Send a payment order back to its preparation, with the reason."""
    return _stop(instalment, "send_back", actions.send_back, {
        "title": _("Renvoyer à la préparation"),
        "lede": _("L’échéance redevient prévue. Le service des finances lit votre motif."),
        "done": _("Le mandat est renvoyé à la préparation."),
    })  # fmt: skip


@bp.route("/echeances/<uuid:instalment_id>/suspendre", methods=["GET", "POST"])
@requires(P.PAYMENT_RECORD, Instalment)
@as_shown
def suspend(instalment: Instalment) -> Answer:
    """Record that the accountant suspended the payment."""
    return _stop(instalment, "suspend", actions.suspend, {
        "title": _("Enregistrer une suspension"),
        "lede": _("Le comptable public a suspendu le paiement. L’association lira le motif."),
        "done": _("La suspension est enregistrée. L’association est prévenue."),
    })  # fmt: skip


@bp.post("/echeances/<uuid:instalment_id>/reprendre")
@requires(P.PAYMENT_RECORD, Instalment)
@as_shown
def resume(instalment: Instalment) -> Response:
    """Record that the accountant lifted the suspension."""
    actions.resume(instalment, by=actor())
    flash(_("La suspension est levée : le mandat attend son paiement."), "success")
    return redirect(url_for("awards.instalment", instalment_id=instalment.id))


@bp.route("/echeances/<uuid:instalment_id>/rejeter", methods=["GET", "POST"])
@requires(P.PAYMENT_RECORD, Instalment)
@as_shown
def reject(instalment: Instalment) -> Answer:
    """Record that the accountant rejected the order."""
    return _stop(instalment, "reject", actions.reject, {
        "title": _("Enregistrer un rejet"),
        "lede": _("Le comptable public a rejeté le mandat. Un mouvement contraire le reprend ; l’échéance peut être "
                  "mandatée de nouveau, sous un autre numéro. L’association lira le motif."),
        "done": _("Le rejet est enregistré. L’échéance peut être préparée de nouveau ; l’association est prévenue."),
    })  # fmt: skip


@bp.route("/echeances/<uuid:instalment_id>/annuler-mandat", methods=["GET", "POST"])
@requires(P.PAYMENT_STOP, Instalment)
@as_shown
def cancel_order(instalment: Instalment) -> Answer:
    """Cancel an order before it is paid."""
    return _stop(instalment, "cancel_order", actions.cancel_order, {
        "title": _("Annuler le mandat"),
        "lede": _("Le mandat n’est pas encore payé. Un mouvement contraire le reprend ; l’échéance peut être "
                  "mandatée de nouveau, sous un autre numéro. L’association lira le motif."),
        "done": _("Le mandat est annulé. L’échéance peut être préparée de nouveau ; l’association est prévenue."),
    })  # fmt: skip


@bp.route("/echeances/<uuid:instalment_id>/corriger", methods=["GET", "POST"])
@requires(P.PAYMENT_RECORD, Instalment)
@as_shown
def correct_order(instalment: Instalment) -> Answer:
    """Correct the number or the day of an order that is not paid yet."""
    form = OrderForm(data={"number": instalment.order_number, "ordered_on": instalment.ordered_on})
    if done(
        form, lambda: actions.correct_order(instalment, number=form.number.data, on=form.data["ordered_on"], by=actor())
    ):
        flash(_("Le numéro et la date sont corrigés. Le journal garde les anciens."), "success")
        return redirect(url_for("awards.instalment", instalment_id=instalment.id))
    return _act_page(instalment, "correct_order", form, {
        "title": _("Corriger le numéro ou la date"),
        "lede": _("Ceux du logiciel financier. Après le paiement, ils ne changent plus."),
    })  # fmt: skip


@bp.route("/echeances/<uuid:instalment_id>/condition", methods=["GET", "POST"])
@requires(P.INSTALMENT_PLAN, Instalment)
@as_shown
def attest(instalment: Instalment) -> Answer:
    """Say that the condition of an instalment is met, and what proves it."""
    form = AttestForm(data={"attested_on": instalment.attested_on, "proof": instalment.proof})
    if done(form, lambda: actions.attest(instalment, proof=form.proof.data, on=form.data["attested_on"], by=actor())):
        flash(_("La condition est attestée."), "success")
        return redirect(url_for("awards.instalment", instalment_id=instalment.id))
    return _act_page(instalment, "attest", form, {
        "title": _("Attester la condition"),
        "lede": instalment.condition or _("Cette échéance n’a pas de condition à attester."),
    })  # fmt: skip


@bp.post("/echeances/<uuid:instalment_id>/mandater")
@requires(P.PAYMENT_RECORD, Instalment)
@as_shown
def order(instalment: Instalment) -> Answer:
    """Record the payment order issued in the finance software."""
    form = OrderForm()
    if done(form, lambda: actions.order(instalment, number=form.number.data, on=form.data["ordered_on"], by=actor())):
        flash(_("Le mandat est enregistré. L’association est prévenue."), "success")
        return redirect(url_for("awards.payments"))
    return _instalment_page(instalment, order_form=form)


@bp.post("/echeances/<uuid:instalment_id>/payer")
@requires(P.PAYMENT_RECORD, Instalment)
@as_shown
def pay(instalment: Instalment) -> Answer:
    """Record the day on which the public accountant paid."""
    form = PayForm()
    if done(form, lambda: actions.pay(instalment, on=form.data["paid_on"], by=actor())):
        flash(_("La date comptable est enregistrée. L’association est prévenue."), "success")
        return redirect(url_for("awards.payments"))
    return _instalment_page(instalment, pay_form=form)
