"""Views of administration: who has an account, which offices they hold, who may no longer come in."""

from typing import Any

from flask import flash, redirect, render_template, url_for
from werkzeug.wrappers import Response

from grants.kernel.access import actor, requires
from grants.kernel.errors import InvalidError, RefusedError
from grants.kernel.forms import form_page
from grants.kernel.paging import asked, places
from grants.kernel.words import _
from grants.people import actions, queries, rules
from grants.people.forms import OfficeForm
from grants.people.models import (
    COLLEGE_LABELS,
    MEMBER_LABELS,
    ROLE_LABELS,
    Account,
    Appointment,
    College,
    Nomination,
    Role,
)
from grants.people.routes.blueprint import bp
from grants.permissions import P


@bp.get("/personnes")
@requires(P.PEOPLE_LIST)
def people() -> str:
    """Everybody who has an account."""
    words, role, only = asked("q", "role", "only")
    page = queries.people(words=words, role=role, only=only, **places())
    return render_template(
        "people/people.html", page=page, words=words, role=role, only=only, role_labels=ROLE_LABELS,
        nominations=queries.nominations(),
    )  # fmt: skip


@bp.get("/personnes/<uuid:account_id>")
@requires(P.PEOPLE_LIST, Account)
def person(account: Account) -> tuple[str, int]:
    """What the fund knows of a person."""
    return _person_page(account, OfficeForm())


@bp.post("/personnes/<uuid:account_id>/fonctions")
@requires(P.PEOPLE_APPOINT, Account)
def appoint(account: Account) -> Any:
    """Give an office to a person."""
    form = OfficeForm()
    if form.validate_on_submit():
        college = College(form.college.data) if form.college.data else None
        try:
            made = actions.appoint(
                account, Role(form.role.data), by=actor(), college=college,
                since_on=form.since_on.data, until_on=form.until_on.data,
            )  # fmt: skip
        except InvalidError as error:
            form.refuse(error.field, error.message)
        else:
            flash(
                _("La fonction est proposée : une autre personne de l’administration doit la confirmer.")
                if isinstance(made, Nomination)
                else _("La fonction est confiée. Les connexions de cette personne sont fermées."),
                "success",
            )
            return redirect(url_for("people.person", account_id=account.id))
    return _person_page(account, form)


def _person_page(account: Account, form: OfficeForm) -> tuple[str, int]:
    return form_page(
        "people/person.html",
        form,
        account=account,
        appointments=queries.appointments_of(account.id),
        nominations=[
            (row, queries.name_of(row.proposed_by), actions.why_not_confirm(row, actor()))
            for row in queries.nominations()
            if row.account_id == account.id
        ],
        given_by_two=[ROLE_LABELS[Role(role)] for role in sorted(rules.GIVEN_BY_TWO)],
        organisations=queries.memberships_of(account.id),
        open_sessions=len(queries.open_sign_ins(account.id)),
        role_labels=ROLE_LABELS,
        college_labels=COLLEGE_LABELS,
        member_labels=MEMBER_LABELS,
    )


@bp.post("/fonctions/proposees/<uuid:nomination_id>/confirmer")
@requires(P.PEOPLE_APPOINT, Nomination)
def confirm_nomination(nomination: Nomination) -> Response:
    """Give an office that another administrator proposed."""
    account_id = nomination.account_id
    try:
        actions.confirm_nomination(nomination, by=actor())
    except InvalidError as error:
        raise RefusedError(error.message) from error
    flash(_("La fonction est confiée. Les connexions de cette personne sont fermées."), "success")
    return redirect(url_for("people.person", account_id=account_id))


@bp.post("/fonctions/proposees/<uuid:nomination_id>/refuser")
@requires(P.PEOPLE_APPOINT, Nomination)
def refuse_nomination(nomination: Nomination) -> Response:
    """Drop an office that was proposed."""
    account_id = nomination.account_id
    actions.refuse_nomination(nomination, by=actor())
    flash(_("La proposition est retirée : rien n’a été donné."), "success")
    return redirect(url_for("people.person", account_id=account_id))


@bp.post("/fonctions/<uuid:appointment_id>/terminer")
@requires(P.PEOPLE_APPOINT, Appointment)
def end_appointment(appointment: Appointment) -> Response:
    """End an office."""
    account_id = appointment.account_id
    actions.end_appointment(appointment, by=actor())
    flash(_("La fonction est terminée. Les connexions de cette personne sont fermées."), "success")
    return redirect(url_for("people.person", account_id=account_id))


@bp.post("/personnes/<uuid:account_id>/desactiver")
@requires(P.PEOPLE_APPOINT, Account)
def deactivate(account: Account) -> Response:
    """Close an account."""
    actions.deactivate(account, by=actor())
    flash(_("Le compte est désactivé. Ses connexions sont fermées."), "success")
    return redirect(url_for("people.person", account_id=account.id))


@bp.post("/personnes/<uuid:account_id>/reactiver")
@requires(P.PEOPLE_APPOINT, Account)
def reactivate(account: Account) -> Response:
    """Open a closed account again."""
    actions.reactivate(account, by=actor())
    flash(_("Le compte est réactivé."), "success")
    return redirect(url_for("people.person", account_id=account.id))
