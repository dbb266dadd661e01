"""The doors of accounts and organisations: sign up, confirm, sign in, members, offices."""

from flask import Blueprint, Flask, session
from flask_login import LoginManager, current_user

from grants.kernel.access import public
from grants.kernel.actor import ANONYMOUS, Actor
from grants.people import queries

bp = Blueprint("people", __name__)


def install(app: Flask) -> None:
    """Wire sign-in into the application."""
    LoginManager(app)


def current_actor() -> Actor:
    """The person of this request."""
    return queries.actor_of(current_user) if current_user.is_authenticated else ANONYMOUS


@bp.get("/connexion")
@public
def sign_in() -> str:
    """The sign-in page."""
    return str(session.get("_"))
