"""Views of an account: open it, confirm its address, find back in, keep it."""

from typing import Any

from flask import flash, redirect, render_template, url_for
from werkzeug.wrappers import Response

from grants.kernel.access import actor, public, requires
from grants.kernel.forms import done, form_page
from grants.kernel.words import _, language
from grants.people import actions, queries, rules
from grants.people.forms import AccountForm, AddressForm, NewPasswordForm, PasswordForm, SignUpForm
from grants.people.models import MEMBER_LABELS, ROLE_LABELS, Role, SignIn
from grants.people.routes.blueprint import bp, limited, obvious_words, own_account
from grants.people.routes.signing import current_sign_in, enter
from grants.permissions import P

A_YEAR = 31_536_000


# ---- open an account -----------------------------------------------------------------------------------------------


@bp.route("/inscription", methods=["GET", "POST"])
@limited(rules.SIGN_UP)
@public
def sign_up() -> Any:
    """Open an account; the answer is the same whether the address is known or not."""
    if actor().is_authenticated:
        return redirect(url_for("people.account"))
    form = SignUpForm()
    if done(form, lambda: actions.sign_up(form.email.data, form.name.data, locale=language())):
        return redirect(url_for("people.sign_up_sent"))
    return form_page("people/sign_up.html", form)


@bp.get("/inscription/message-envoye")
@public
def sign_up_sent() -> str:
    """What to do next: read one's mail."""
    return render_template("people/sign_up_sent.html")


@bp.route("/confirmation/<token>", methods=["GET", "POST"])
@public
def confirm(token: str) -> Any:
    """The page a confirmation link opens: looking changes nothing; choosing the password confirms."""
    account = actions.confirmable(token)
    if account is None:
        return render_template("people/dead_link.html", kind="confirm"), 410
    form = NewPasswordForm()
    if account.confirmed_at is None and done(
        form, lambda: actions.confirm(account, form.password.data, known=obvious_words())
    ):
        flash(_("Votre adresse est confirmée et votre mot de passe enregistré. Connectez-vous."), "success")
        return redirect(url_for("people.sign_in"))
    return form_page("people/confirm.html", form, account=account)


@bp.post("/mon-compte/confirmation")
@limited(rules.CONFIRMATION)
@requires(P.ACCOUNT_OWN)
def confirm_again() -> Response:
    """Ask for the confirmation link again."""
    actions.ask_confirmation(own_account())
    flash(_("Un nouveau message vient de partir. Ouvrez le lien qu’il contient."), "success")
    return redirect(url_for("people.account"))


# ---- find back in --------------------------------------------------------------------------------------------------


@bp.route("/mot-de-passe-oublie", methods=["GET", "POST"])
@limited(rules.RESET)
@public
def forgot() -> Any:
    """Ask for a link to choose a new password; the answer never tells whether there is an account."""
    form = AddressForm()
    if form.validate_on_submit():
        actions.ask_reset(form.email.data)
        return redirect(url_for("people.forgot_sent"))
    return form_page("people/forgot.html", form)


@bp.get("/mot-de-passe-oublie/message-envoye")
@public
def forgot_sent() -> str:
    """What to do next: read one's mail."""
    return render_template("people/forgot_sent.html")


@bp.route("/nouveau-mot-de-passe/<token>", methods=["GET", "POST"])
@public
def reset(token: str) -> Any:
    """Choose a new password; the link serves once, and every session ends."""
    account = actions.resettable(token)
    if account is None:
        return render_template("people/dead_link.html", kind="reset"), 410
    form = NewPasswordForm()
    if done(form, lambda: actions.reset_password(account, form.password.data, known=obvious_words())):
        flash(_("Votre nouveau mot de passe est enregistré. Connectez-vous."), "success")
        return redirect(url_for("people.sign_in"))
    return form_page("people/reset.html", form, account=account)


# ---- keep it -------------------------------------------------------------------------------------------------------


@bp.route("/mon-compte", methods=["GET", "POST"])
@requires(P.ACCOUNT_OWN)
def account() -> Any:
    """One's own account: name, language, organisations, offices."""
    own = own_account()
    form = AccountForm(obj=own)
    if done(
        form,
        lambda: actions.change_account(
            own, name=form.name.data, title=form.title.data or "", locale=form.locale.data, by=actor()
        ),
    ):
        flash(_("C’est enregistré."), "success")
        response = redirect(url_for("people.account"))
        response.set_cookie("language", own.locale, max_age=A_YEAR, httponly=True, samesite="Lax")
        return response
    facts = {
        "organisations": queries.memberships_of(own.id),
        "offices": [ROLE_LABELS[Role(role)] for role in sorted(actor().roles)],
        "member_labels": MEMBER_LABELS,
    }
    return form_page("people/account.html", form, account=own, **facts)


@bp.route("/mon-compte/mot-de-passe", methods=["GET", "POST"])
@limited(rules.PASSWORD)
@requires(P.ACCOUNT_OWN)
def password() -> Any:
    """Change one's password; other sessions end, this one goes on under a new secret."""
    own, form = own_account(), PasswordForm()
    if done(
        form,
        lambda: actions.change_password(own, form.current.data, form.password.data, by=actor(), known=obvious_words()),
    ):
        enter(own)
        flash(_("Votre mot de passe est changé. Vos autres connexions sont fermées."), "success")
        return redirect(url_for("people.account"))
    return form_page("people/password.html", form, account=own)


@bp.get("/mon-compte/connexions")
@requires(P.ACCOUNT_OWN)
def sessions() -> str:
    """One's open sessions."""
    own, current = own_account(), current_sign_in()
    return render_template("people/sessions.html", sign_ins=queries.open_sign_ins(own.id), current=current)


@bp.post("/mon-compte/connexions/<uuid:sign_in_id>/fermer")
@requires(P.ACCOUNT_OWN, SignIn)
def close_session(sign_in: SignIn) -> Response:
    """End one of one's sessions."""
    actions.close_session(sign_in, by=actor())
    flash(_("Cette connexion est fermée."), "success")
    return redirect(url_for("people.sessions"))


@bp.post("/mon-compte/connexions/fermer-les-autres")
@requires(P.ACCOUNT_OWN)
def close_other_sessions() -> Response:
    """End all of one's sessions but this one."""
    current = current_sign_in()
    actions.end_sessions(own_account(), by=actor(), why="owner", besides=current.id if current else None)
    flash(_("Toutes vos autres connexions sont fermées."), "success")
    return redirect(url_for("people.sessions"))
