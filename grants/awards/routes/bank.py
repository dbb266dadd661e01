"""Views on bank details: given by the association, read with a reason, confirmed by two different people."""

from typing import Any

from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from grants.awards import queries
from grants.awards.actions import agreement as actions
from grants.awards.forms.agreement import BankForm, RefuseForm, RevealForm
from grants.awards.lifecycle import BANK
from grants.awards.models import BankDetails
from grants.awards.routes.blueprint import Answer, bp
from grants.awards.rules import masked
from grants.kernel.access import actor, repeatable, requires
from grants.kernel.forms import done, form_page
from grants.kernel.paging import places
from grants.kernel.versions import as_shown
from grants.kernel.words import _
from grants.people.models import Organisation
from grants.permissions import P


@bp.route("/organisations/<uuid:organisation_id>/coordonnees-bancaires", methods=["GET", "POST"])
@requires(P.BANK_DETAILS_GIVE, Organisation)
def give_bank(organisation: Organisation) -> Answer:
    """Give the account on which the fund may pay."""
    form = BankForm(data={"holder": organisation.name})
    if done(
        form,
        lambda: actions.give_bank_details(
            organisation, iban=form.iban.data, bic=form.bic.data or "", holder=form.holder.data, by=actor()
        ),
    ):
        flash(_("Vos coordonnées sont enregistrées. Deux personnes du service vont les vérifier."), "success")
        return redirect(url_for("awards.mine"))
    current = [row for row in queries.bank_details_of(organisation.id) if not BANK.states[row.state].final]
    return form_page("awards/give_bank.html", form, organisation=organisation, current=current, masked=masked)


@bp.get("/coordonnees-bancaires")
@requires(P.BANK_DETAILS_LIST)
def bank_inbox() -> str:
    """Bank details that wait for a first or a second check, those in use, those of the past."""
    view = request.args.get("vue", "")
    view = view if view in queries.BANK_VIEWS else "waiting"
    return render_template(
        "awards/bank_inbox.html",
        view=view,
        page=queries.bank_inbox(actor(), view, **places()),
        counts=queries.bank_counts(actor()),
        machine=BANK,
        masked=masked,
    )


@bp.get("/coordonnees-bancaires/<uuid:bank_details_id>")
@requires(P.BANK_DETAILS_LIST, BankDetails)
def bank(details: BankDetails) -> Answer:
    """One set of bank details, masked, and what can be done with it."""
    return _bank_page(details)


def _bank_page(details: BankDetails, *, iban: str = "", **forms: Any) -> Answer:
    refusal, reveal = forms.get("refusal") or RefuseForm(), forms.get("reveal") or RevealForm()
    return form_page(
        "awards/bank.html", *forms.values(), details=details, iban=iban, refusal=refusal, reveal=reveal, masked=masked,
        bank_reason=queries.why_not_use(details),
        names=queries.names_of([details.given_by, details.first_by, details.second_by]),
        others=queries.others_with(details),
        earlier=[row for row in queries.bank_details_of(details.organisation_id) if row.id != details.id],
    )  # fmt: skip


@bp.post("/coordonnees-bancaires/<uuid:bank_details_id>/reveler")
@requires(P.BANK_DETAILS_REVEAL, BankDetails)
@repeatable
def reveal_bank(details: BankDetails) -> Answer:
    """Show the whole account number, once, to somebody who says why."""
    form = RevealForm()
    if form.validate_on_submit():
        return _bank_page(details, iban=actions.reveal_bank_details(details, form.reason.data, by=actor()))
    return _bank_page(details, reveal=form)


@bp.post("/coordonnees-bancaires/<uuid:bank_details_id>/verifier")
@requires(P.BANK_DETAILS_CONFIRM, BankDetails)
@as_shown
def check_bank(details: BankDetails) -> Response:
    """A first person compared the details with the bank's paper."""
    actions.check_bank_details(details, by=actor())
    flash(_("Première vérification enregistrée. Une autre personne doit confirmer."), "success")
    return redirect(url_for("awards.bank_inbox"))


@bp.post("/coordonnees-bancaires/<uuid:bank_details_id>/confirmer")
@requires(P.BANK_DETAILS_CONFIRM, BankDetails)
@as_shown
def confirm_bank(details: BankDetails) -> Response:
    """A second person confirms: money may be ordered to this account."""
    actions.confirm_bank_details(details, by=actor())
    flash(_("Les coordonnées sont confirmées. L’association est prévenue."), "success")
    return redirect(url_for("awards.bank_inbox"))


@bp.post("/coordonnees-bancaires/<uuid:bank_details_id>/refuser")
@requires(P.BANK_DETAILS_CONFIRM, BankDetails)
@as_shown
def refuse_bank(details: BankDetails) -> Answer:
    """The details cannot be used; the association reads why."""
    form = RefuseForm()
    if form.validate_on_submit():
        actions.refuse_bank_details(details, form.note.data, by=actor())
        flash(_("Les coordonnées sont refusées. L’association est prévenue et lira votre message."), "success")
        return redirect(url_for("awards.bank_inbox"))
    return _bank_page(details, refusal=form)
