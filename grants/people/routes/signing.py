"""Views of signing in and out, and how the application finds the account of a session."""

import hashlib
import hmac
from contextlib import suppress
from typing import Any

from flask import Flask, Request, flash, g, redirect, request, session, url_for
from flask_login import current_user, login_user, logout_user
from flask_security import RoleMixin, Security, SQLAlchemyUserDatastore
from itsdangerous import TimestampSigner, URLSafeTimedSerializer
from sqlalchemy.exc import OperationalError
from werkzeug.wrappers import Response

from grants.kernel import clock, stored_forms
from grants.kernel.access import SAFE, actor, note_refusal, public, repeatable
from grants.kernel.actor import ANONYMOUS, Actor
from grants.kernel.db import db
from grants.kernel.errors import InvalidError
from grants.kernel.forms import form_page
from grants.kernel.pages import safe_path
from grants.kernel.words import _
from grants.people import actions, queries, rules
from grants.people.forms import SignInForm
from grants.people.models import Account, SignIn
from grants.people.routes.blueprint import bp, limited

# ---- knowing people again ------------------------------------------------------------------------------------------


class _ClockSigner(TimestampSigner):
    """Links live by the one clock."""

    def get_timestamp(self) -> int:
        return int(clock.now().timestamp())


def install(app: Flask) -> None:
    """Wire Flask-Login and Flask-Security into the application, as libraries: every view is ours."""
    key = str(app.config["SECRET_KEY"])
    app.config.update(
        SECURITY_PASSWORD_HASH="argon2",  # noqa: S106 - the name of a scheme
        SECURITY_PASSWORD_SCHEMES=["argon2"],
        # OWASP's second setting for argon2id: as hard to guess, a fifth of the time and of the memory of a worker.
        SECURITY_PASSWORD_HASH_PASSLIB_OPTIONS={
            "argon2__type": "ID", "argon2__memory_cost": 19_456, "argon2__time_cost": 2, "argon2__parallelism": 1,
        },
        SECURITY_PASSWORD_SALT=hmac.new(key.encode(), b"passwords", hashlib.sha256).hexdigest(),
        SECURITY_HASHING_SCHEMES=["hex_sha512"],  # of random tokens only: the default takes 0.4 s each
        SECURITY_CONFIRM_EMAIL_WITHIN=rules.CONFIRMATION_LASTS,
        SECURITY_RESET_PASSWORD_WITHIN=rules.RESET_LASTS,
        SECURITY_JOIN_USER_ROLES=False,
        SECURITY_CLI_USERS_NAME=None,
        SECURITY_CLI_ROLES_NAME=None,
    )  # fmt: skip
    security: Any = Security(app, SQLAlchemyUserDatastore(db, Account, RoleMixin), register_blueprint=False)
    security.confirm_serializer, security.reset_serializer = _serializer(key, "confirm"), _serializer(key, "reset")
    # Its second way of knowing people would ask the database before access control has said whether the request may
    # write.
    security.principal.identity_loaders.clear()
    manager = security.login_manager
    manager.session_protection = None  # each session has its own secret; phones change address all day
    manager.user_loader(_load)
    manager.request_loader(_nobody)
    app.after_request(_keep_alive)


def _serializer(key: str, purpose: str) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(key, salt=f"people-{purpose}", signer=_ClockSigner)


def _load(uniquifier: str) -> Account | None:
    """The account of a cookie whose session still lives; a dead cookie is emptied of what it claims."""
    secret = session.get("sign_in")
    found = queries.open_session(secret, uniquifier) if isinstance(secret, str) else None
    if found is None:
        session.pop("sign_in", None)
        session.pop("_user_id", None)
        return None
    g.open_session, g.loaded_actor = found, found.actor
    return found.account


def _nobody(_request: Request) -> None:
    """Nobody signs in by a token in an address."""
    return


def current_actor() -> Actor:
    """The person of this request: read with their session; asked again later, as they are then."""
    person: Any = current_user
    if not person.is_authenticated:
        return ANONYMOUS
    loaded: Actor | None = g.pop("loaded_actor", None)
    return loaded if loaded is not None and loaded.id == person.id else queries.actor_of(person)


def _keep_alive(response: Any) -> Any:
    """Note that the session is used, every few minutes, when the request holds no writing transaction any more."""
    found: queries.OpenSession | None = g.get("open_session")
    is_over = request.method in SAFE or response.status_code < 400
    if found is not None and is_over and rules.is_to_be_noted(found.last_seen_at, clock.now()):
        # A page that was found is given, even when the database has no turn left for this.
        with suppress(OperationalError):
            actions.touch_session(found.id)
    return response


@bp.app_template_global("session_left")
def session_left() -> int:
    """The seconds the session of this request will last once it is answered; 0 for nobody."""
    found: queries.OpenSession | None = g.get("open_session") if actor().is_authenticated else None
    if found is None:
        return 0
    at = clock.now()
    seen_at = at if rules.is_to_be_noted(found.last_seen_at, at) else found.last_seen_at
    return int((rules.lapses_at(found.started_at, seen_at, is_staff=found.is_staff) - at).total_seconds())


def enter(account: Account) -> None:
    """Give this browser a session of its own. Its anti-forgery token stays: pages open in other tabs still hold it."""
    token = session.get("csrf_token")
    opened = actions.open_session(account, user_agent=request.user_agent.string)
    session.clear()
    login_user(account)
    session["sign_in"] = opened.secret
    if token is not None:
        session["csrf_token"] = token


def current_sign_in() -> SignIn | None:
    """The session of this request."""
    found: queries.OpenSession | None = g.get("open_session") if actor().is_authenticated else None
    return db.session.get(SignIn, found.id) if found is not None else None


# ---- views ---------------------------------------------------------------------------------------------------------


@bp.route("/connexion", methods=["GET", "POST"])
@limited(rules.SIGN_IN)
@public
@repeatable
def sign_in() -> Any:
    """Come in."""
    if actor().is_authenticated:
        return redirect(_destination())
    form = SignInForm()
    if form.validate_on_submit():
        try:
            account = actions.authenticate(form.email.data, form.password.data)
        except InvalidError as error:
            form.refuse(None, error.message)
            note_refusal("session.refused", error.facts["account"], reason=error.facts["reason"])
        else:
            enter(account)
            return redirect(_stored_form_page(account) or _destination(account))
    target = safe_path(request.args.get("next"))
    return form_page("people/sign_in.html", form, target=target)


def _stored_form_page(account: Account) -> str | None:
    """Where a person finds what they sent while they were not signed in; its page is filled with it too."""
    waiting = stored_forms.waiting(account.id)
    for found in reversed(waiting):
        stored_forms.remember(found, found.page)
    return url_for("people.stored_form", form_id=waiting[0].id) if waiting else None


def _destination(account: Account | None = None) -> str:
    """Where the person wanted to go, when that is on this site; whoever must confirm an address is told first."""
    target = safe_path(request.args.get("next"))
    if target is not None and not target.startswith((url_for("people.sign_in"), url_for("people.sign_out"))):
        return target
    if account is not None and account.confirmed_at is None:
        return url_for("people.account")
    return url_for("desk.work")


@bp.post("/deconnexion")
@public
@repeatable
def sign_out() -> Response:
    """Go out: the session ends, here and wherever its cookie was copied to."""
    living = current_sign_in()
    if living is not None:
        actions.close_session(living, by=actor())
    logout_user()
    session.clear()
    flash(_("Vous êtes déconnecté."), "success")
    response = redirect(url_for("desk.home"))
    response.headers["Clear-Site-Data"] = '"cache"'
    return response
