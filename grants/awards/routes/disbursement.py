"""Doors on the schedule and on payment orders: prepared, approved, ordered, paid by the accountant."""

from typing import Any

from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from grants.awards import queries
from grants.awards.actions import disbursement as actions
from grants.awards.forms.disbursement import OrderForm, PayForm, ScheduleForm
from grants.awards.lifecycle import InstalmentState
from grants.awards.models import Award, Instalment
from grants.awards.models.disbursement import KIND_LABELS
from grants.awards.routes.blueprint import Answer, bp, show
from grants.awards.rules import masked
from grants.kernel.access import actor, door
from grants.kernel.bodies import takes_texts
from grants.kernel.errors import InvalidError
from grants.kernel.money import Money
from grants.kernel.paging import places
from grants.kernel.versions import as_shown
from grants.kernel.words import _
from grants.permissions import P
from grants.programme import queries as programme


@bp.route("/attributions/<uuid:award_id>/echeancier", methods=["GET", "POST"])
@door(P.INSTALMENT_PLAN, Award)
@takes_texts
def schedule(award: Award) -> Answer:
    """Plan what is still to be ordered; the sum must be right."""
    form = _schedule_form(award)
    to_plan = actions.left_to_plan(award)
    if request.method == "POST" and "add" in request.form:
        form.add_line()
    elif form.validate_on_submit():
        try:
            steps = [actions.Step(**values) for values in form.values()]
            actions.plan(award, steps, by=actor(), version=form.version.data)
        except InvalidError as error:
            form.refuse(None, error.message)
        else:
            flash(_("L’échéancier est enregistré."), "success")
            return redirect(url_for("awards.show", award_id=award.id))
    kept = [row for row in queries.instalments_of(award.id) if row.state is not InstalmentState.PLANNED]
    return show("schedule", form, form=form, award=award, to_plan=to_plan, kept=kept, kinds=KIND_LABELS,
                gap=form.total() - to_plan, ceiling=Money.euros(programme.law_number("single_payment_ceiling",
                queries.act_day(award))))  # fmt: skip


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
@door(P.AWARD_LIST)
def payments() -> str:
    """What waits: to prepare, to approve, to record as ordered, to record as paid."""
    counts = queries.payment_counts(actor())
    view: str = request.args.get("vue", "")
    if view not in queries.PAYMENT_VIEWS:
        view = _first_view(counts)
    return render_template(
        "awards/payments.html",
        view=view,
        counts=counts,
        page=queries.payments(actor(), view, **places()),
    )


def _first_view(counts: dict[str, tuple[int, Money]]) -> str:
    """The first list that waits for the person, else the first that waits for anybody."""
    mine: tuple[str, ...] = ("approve",) if actor().has_role("authorising_officer") else ()
    if actor().has_role("finance"):
        mine = (*mine, "prepare", "order", "pay")
    for view in (*mine, "prepare", "approve", "order", "pay", "later"):
        if counts[view][0]:
            return view
    return mine[0] if mine else "prepare"


@bp.get("/echeances/<uuid:instalment_id>")
@door(P.AWARD_READ, Instalment)
def instalment(instalment: Instalment) -> Answer:
    """One instalment: amount, account, papers to join, who did what, and the next act."""
    return _instalment_page(instalment)


def _instalment_page(instalment: Instalment, **forms: Any) -> Answer:
    award = instalment.award
    return show(
        "instalment",
        *forms.values(),
        instalment=instalment,
        award=award,
        order_form=forms.get("order_form") or OrderForm(),
        pay_form=forms.get("pay_form") or PayForm(),
        reason=queries.why_not_prepare(instalment) if instalment.state is InstalmentState.PLANNED else None,
        bank=instalment.bank_details or queries.confirmed_bank_details(award.organisation_id),
        agreement=queries.agreement_of(award.id),
        need=queries.agreement_need(award),
        report=queries.report_of(award.id),
        names=queries.names_of([instalment.prepared_by, instalment.approved_by]),
        states=InstalmentState,
        kinds=KIND_LABELS,
        masked=masked,
    )


@bp.post("/echeances/<uuid:instalment_id>/preparer")
@door(P.PAYMENT_PREPARE, Instalment)
@as_shown
def prepare(instalment: Instalment) -> Response:
    """Prepare the payment order."""
    actions.prepare(instalment, by=actor())
    flash(_("Le mandat est préparé. Une autre personne doit l’approuver."), "success")
    return redirect(url_for("awards.payments"))


@bp.post("/echeances/<uuid:instalment_id>/approuver")
@door(P.PAYMENT_APPROVE, Instalment)
@as_shown
def approve(instalment: Instalment) -> Response:
    """Approve a payment order that somebody else prepared."""
    actions.approve(instalment, by=actor())
    flash(_("Le mandat est approuvé. Le service des finances peut l’émettre."), "success")
    return redirect(url_for("awards.payments"))


@bp.post("/echeances/<uuid:instalment_id>/renvoyer")
@door(P.PAYMENT_APPROVE, Instalment)
@as_shown
def send_back(instalment: Instalment) -> Response:
    """Send a payment order back to its preparation."""
    actions.send_back(instalment, by=actor())
    flash(_("Le mandat est renvoyé à la préparation."), "success")
    return redirect(url_for("awards.instalment", instalment_id=instalment.id))


@bp.post("/echeances/<uuid:instalment_id>/mandater")
@door(P.PAYMENT_RECORD, Instalment)
@as_shown
def order(instalment: Instalment) -> Answer:
    """Record the payment order issued in the finance software."""
    form = OrderForm()
    if form.validate_on_submit():
        try:
            actions.order(instalment, number=form.number.data, on=form.data["ordered_on"], by=actor())
        except InvalidError as error:
            form.refuse(error.field, error.message)
        else:
            flash(_("Le mandat est enregistré. L’association est prévenue."), "success")
            return redirect(url_for("awards.payments"))
    return _instalment_page(instalment, order_form=form)


@bp.post("/echeances/<uuid:instalment_id>/payer")
@door(P.PAYMENT_RECORD, Instalment)
@as_shown
def pay(instalment: Instalment) -> Answer:
    """Record the day on which the public accountant paid."""
    form = PayForm()
    if form.validate_on_submit():
        try:
            actions.pay(instalment, on=form.data["paid_on"], by=actor())
        except InvalidError as error:
            form.refuse(error.field, error.message)
        else:
            flash(_("La date comptable est enregistrée. L’association est prévenue."), "success")
            return redirect(url_for("awards.payments"))
    return _instalment_page(instalment, pay_form=form)
