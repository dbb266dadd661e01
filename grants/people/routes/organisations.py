"""Views of organisations: make one known, keep its facts, say who acts for it."""

from datetime import date
from typing import Any
from uuid import UUID

from flask import current_app, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from grants.kernel.access import actor, prepared_by, public, requires
from grants.kernel.db import access_mode, db
from grants.kernel.errors import InvalidError, MissingError
from grants.kernel.forms import done, form_page
from grants.kernel.pages import safe_path
from grants.kernel.text import clean_line
from grants.kernel.versions import as_shown
from grants.kernel.words import _
from grants.people import actions, directory, queries, rules
from grants.people.forms import (
    MONTHS,
    HandOverForm,
    InvitationForm,
    JoinForm,
    MemberForm,
    NewPasswordForm,
    NumberForm,
    OrganisationForm,
)
from grants.people.models import (
    LEGAL_FORM_LABELS,
    MEMBER_LABELS,
    Account,
    Invitation,
    MemberRole,
    Membership,
    Organisation,
)
from grants.people.routes.blueprint import bp, limited, obvious_words, own_account
from grants.people.routes.signing import enter
from grants.permissions import P

Shown = tuple[str, int] | Response

# ---- the organisation ----------------------------------------------------------------------------------------------


@bp.route("/organisations/nouvelle", methods=["GET", "POST"])
@requires(P.ORGANISATION_CREATE)
def organisation_new() -> Shown:
    """Make an organisation known to the fund: its number first, then what the public directory does not say."""
    number, target = rules.number_of(request.args.get("number", "")[:40]), safe_path(request.args.get("next"))
    if request.method == "GET" and (not number or rules.why_not_number(number) is not None):
        return _number_page(NumberForm(number=number), target)
    entry, taken = directory.entry_of(number), None
    form = _prefilled(number, entry)
    if form.validate_on_submit():
        try:
            organisation = actions.create_organisation(form.values(), by=actor())
        except InvalidError as error:
            form.refuse(error.field, error.message)
            taken = error.facts.get("taken")
        else:
            flash(_("L’organisation est enregistrée. Vous en êtes responsable."), "success")
            return redirect(target or _page_of(organisation.id))
    return form_page(
        "people/organisation_new.html",
        form,
        taken=taken,
        target=target,
        number=number,
        entry=entry,
        is_on=_directory() is not None,
    )


def _prefilled(number: str, entry: directory.DirectoryAnswer | None) -> OrganisationForm:
    """The form of a number, with what the public directory says of it."""
    facts = dict(entry.facts) if entry else {}
    typed = {"rna" if rules.is_rna(number) else "siret": number} if number else {}
    founded_on = {"founded_on": date.fromisoformat(facts["founded_on"])} if "founded_on" in facts else {}
    form = OrganisationForm(data={**facts, **typed, **founded_on})
    if entry:
        form.say_source(facts, entry.read_on)
    return form


def _directory() -> directory.Directory | None:
    """The public directory that the operator named, if any."""
    settings = current_app.config["SETTINGS"]
    if not settings.directory_url:
        return None
    return directory.RechercheEntreprises(settings.directory_url, f"{settings.product} ({settings.base_url})")


def _look_up() -> None:
    """Ask the public directory, where there is one, about the number typed; before any transaction."""
    asked, number = _directory(), rules.number_of(clean_line(request.form.get("number", "")[:400]) or "")
    if asked is None or rules.why_not_number(number) is not None:
        return
    with access_mode(writing=False):
        is_known = queries.organisation_by_number(number) is not None
        db.session.rollback()
    if not is_known:
        directory.look_up(asked, number)


@bp.post("/organisations/numero")
@limited(rules.LOOK_UP)
@requires(P.ORGANISATION_CREATE)
@prepared_by(_look_up, for_files=False)
def organisation_number() -> Shown:
    """Take the number of an organisation to be made known; one that is known leads to a request to join it."""
    form, target = NumberForm(), safe_path(request.args.get("next"))
    if not form.validate_on_submit():
        return _number_page(form, target)
    number: str = form.number.data
    entry = directory.entry_of(number)
    also = [entry.facts.get(kind, "") for kind in ("siret", "rna")] if entry else []
    for carried in filter(None, [number, *also]):
        known = queries.organisation_by_number(carried)
        if known is not None:
            form.refuse("number", _("Une organisation porte déjà ce numéro."))
            return _number_page(form, target, known=known, carried=carried)
    return redirect(url_for("people.organisation_new", number=number, next=target))


def _number_page(
    form: NumberForm, target: str | None, *, known: Organisation | None = None, carried: str = ""
) -> tuple[str, int]:
    return form_page(
        "people/organisation_number.html", form, target=target, known=known, carried=carried,
        is_own=known is not None and known.id in actor().organisations,
    )  # fmt: skip


@bp.post("/organisations/rejoindre")
@limited(rules.JOIN)
@requires(P.ORGANISATION_CREATE)
def organisation_join() -> Response:
    """Ask those responsible for a known organisation to be let in; they stay unknown."""
    form = JoinForm()
    to_team = False
    if form.validate_on_submit():
        to_team = queries.is_orphaned(form.number.data)
        actions.ask_to_join(form.number.data, by=actor())
    flash(
        _("Votre demande est partie à l’équipe du fonds : plus personne n’est responsable de cette organisation.")
        if to_team
        else _("Votre demande est partie aux responsables de l’organisation, si le fonds la connaît. S’ils "
               "l’acceptent, vous recevrez une invitation par courriel."),
        "success",
    )  # fmt: skip
    return redirect(url_for("people.account"))


@bp.get("/organisations/<uuid:organisation_id>")
@requires(P.ORGANISATION_READ, Organisation)
def organisation(subject: Organisation) -> str:
    """What the fund knows of an organisation."""
    return render_template(
        "people/organisation.html",
        organisation=subject,
        legal_form=LEGAL_FORM_LABELS[subject.legal_form],
        year_end=MONTHS[subject.year_end_month - 1],
        siret=rules.spaced_siret(subject.siret) if subject.siret else None,
        told=rules.days_in_directory(subject.sources),
        members=queries.members_of(subject.id),
        member_labels=MEMBER_LABELS,
    )


@bp.route("/organisations/<uuid:organisation_id>/modifier", methods=["GET", "POST"])
@requires(P.ORGANISATION_EDIT, Organisation)
def organisation_edit(subject: Organisation) -> Any:
    """Correct what the fund knows of an organisation."""
    form = OrganisationForm(obj=subject)
    if form.validate_on_submit():
        try:
            unchanged = actions.edit_organisation(subject, form.values(), version=form.version.data, by=actor())
        except InvalidError as error:
            form.refuse(error.field, error.message)
        else:
            flash(_("C’est enregistré."), "success")
            for number in unchanged:
                flash(
                    _(
                        "Le numéro %(number)s n’a pas changé : les coordonnées bancaires en dépendent."
                        " S’il est faux, écrivez au fonds, qui le corrigera.",
                        number=number,
                    ),
                    "warning",
                )
            return redirect(_page_of(subject.id))
    return form_page("people/organisation_edit.html", form, organisation=subject)


@bp.route("/organisations/<uuid:organisation_id>/remettre", methods=["GET", "POST"])
@requires(P.ORGANISATION_HAND_OVER, Organisation)
def hand_over(subject: Organisation) -> Any:
    """Give an organisation to whoever may represent it, when its number was taken or nobody is left."""
    form = HandOverForm()
    if done(
        form,
        lambda: actions.hand_over(
            subject, form.email.data, keeps=form.before.data == "keep", reason=form.reason.data, by=actor()
        ),
    ):
        flash(_("L’organisation est remise. Les deux parties en sont averties par courriel."), "success")
        return redirect(_page_of(subject.id))
    return form_page("people/hand_over.html", form, organisation=subject, owners=queries.owners_of(subject.id))


def _page_of(organisation_id: UUID) -> str:
    return url_for("people.organisation", organisation_id=organisation_id)


# ---- its members ---------------------------------------------------------------------------------------------------


@bp.route("/organisations/<uuid:organisation_id>/membres", methods=["GET"])
@requires(P.ORGANISATION_READ, Organisation)
def members(subject: Organisation) -> Any:
    """Who acts for an organisation."""
    return _members_page(subject, InvitationForm())


@bp.post("/organisations/<uuid:organisation_id>/membres")
@requires(P.ORGANISATION_INVITE, Organisation)
def invite(subject: Organisation) -> Any:
    """Invite somebody to act for an organisation."""
    form = InvitationForm()
    if done(
        form,
        lambda: actions.invite(subject, form.email.data, MemberRole(form.role.data), by=actor(), locale=actor().locale),
    ):
        flash(_("L’invitation est partie à %(email)s.", email=form.email.data), "success")
        return redirect(url_for("people.members", organisation_id=subject.id))
    return _members_page(subject, form)


def _members_page(subject: Organisation, form: InvitationForm) -> Any:
    return form_page(
        "people/members.html",
        form,
        organisation=subject,
        members=queries.members_of(subject.id),
        invitations=queries.pending_invitations(subject.id),
        member_labels=MEMBER_LABELS,
    )


@bp.post("/invitations/<uuid:invitation_id>/annuler")
@requires(P.ORGANISATION_INVITE, Invitation)
def cancel_invitation(invitation: Invitation) -> Response:
    """Take an invitation back."""
    actions.cancel_invitation(invitation, by=actor())
    flash(_("L’invitation est annulée : son lien ne fonctionne plus."), "success")
    return redirect(url_for("people.members", organisation_id=invitation.organisation_id))


@bp.post("/membres/<uuid:membership_id>/role")
@requires(P.ORGANISATION_INVITE, Membership)
@as_shown
def change_member(membership: Membership) -> Response:
    """Change what a member may do."""
    form = MemberForm()
    if form.validate_on_submit():
        actions.change_member(membership, MemberRole(form.role.data), by=actor())
        flash(_("Le rôle est changé."), "success")
    return redirect(url_for("people.members", organisation_id=membership.organisation_id))


@bp.post("/membres/<uuid:membership_id>/retirer")
@requires(P.ORGANISATION_INVITE, Membership)
@as_shown
def remove_member(membership: Membership) -> Response:
    """Take a person off an organisation."""
    organisation_id, is_self = membership.organisation_id, membership.account_id == actor().id
    actions.remove_member(membership, by=actor())
    flash(_("Cette personne n’agit plus pour l’organisation."), "success")
    return redirect(url_for("people.account" if is_self else "people.members", **_of(organisation_id, is_self=is_self)))


def _of(organisation_id: UUID, *, is_self: bool) -> dict[str, Any]:
    return {} if is_self else {"organisation_id": organisation_id}


@bp.post("/membres/<uuid:membership_id>/quitter")
@requires(P.ORGANISATION_READ, Membership)
@as_shown
def leave(membership: Membership) -> Response:
    """Leave an organisation."""
    actions.leave(membership, by=actor())
    flash(_("Vous n’agissez plus pour cette organisation."), "success")
    return redirect(url_for("people.account"))


@bp.get("/invitations/<secret>")
@public
def invitation(secret: str) -> Any:
    """The page an invitation opens: looking changes nothing, the button joins."""
    return _invitation_page(_invitation(secret), secret, NewPasswordForm())


def _invitation_page(found: Invitation, secret: str, form: NewPasswordForm) -> Any:
    email = actor().email if actor().is_authenticated else None
    return form_page(
        "people/invitation.html", form, invitation=found, secret=secret,
        reason=actions.why_not_accept(found, email), inviter=queries.name_of(found.invited_by),
    )  # fmt: skip


@bp.post("/invitations/<secret>")
@requires(P.ACCOUNT_OWN)
def accept_invitation(secret: str) -> Any:
    """Join the organisation; whoever confirms an address by it chooses the password, and goes on in this session."""
    found, form = _invitation(secret), NewPasswordForm()
    own: Account = own_account()
    is_new = own.confirmed_at is None
    if is_new and not form.validate_on_submit():
        return _invitation_page(found, secret, form)
    try:
        actions.accept(found, own, by=actor(), password=form.password.data, known=obvious_words())
    except InvalidError as error:
        form.refuse(error.field, error.message)
        return _invitation_page(found, secret, form)
    if is_new:
        enter(own)
    flash(_("Vous agissez désormais pour « %(name)s ».", name=found.organisation.name), "success")
    return redirect(_page_of(found.organisation_id))


def _invitation(secret: str) -> Invitation:
    found = queries.invitation_by_secret(secret)
    if found is None:
        raise MissingError(_("Cette invitation n’existe pas, ou plus. Vérifiez que le lien est entier."))
    return found
