"""What the views of this package share: the blueprint, the account signed in, and rate limits."""

import hashlib
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from flask import Blueprint, current_app, request
from sqlalchemy.exc import NoResultFound

from grants.kernel import journal, throttle
from grants.kernel.access import SAFE, actor
from grants.kernel.actor import ANONYMOUS
from grants.kernel.db import db
from grants.kernel.errors import ThrottledError
from grants.people import actions
from grants.people.models import Account
from grants.people.rules import Throttle

bp = Blueprint("people", __name__)
View = TypeVar("View", bound=Callable[..., Any])


def own_account() -> Account:
    """The account of whoever is signed in."""
    found = db.session.get(Account, actor().id)
    if found is None:
        raise NoResultFound
    return found


def obvious_words() -> tuple[str, ...]:
    """Words no password may consist of, besides a person's own."""
    settings = current_app.config["SETTINGS"]
    return settings.fund_name, settings.body_name, settings.product


def limited(bound: Throttle) -> Callable[[View], View]:
    """Limit how often one account and one network may act. Placed above `@requires`: counted before access is
    checked."""

    def wrap(view: View) -> View:
        @wraps(view)
        def wrapper(**params: Any) -> Any:
            if request.method not in SAFE:
                _count(bound)
            return view(**params)

        return wrapper  # type: ignore[return-value]

    return wrap


def _count(bound: Throttle) -> None:
    person = actor().id
    db.session.rollback()  # counting holds no transaction of ours
    who = hashlib.sha256(str(person).encode()).hexdigest() if person else actions.who_of(request.form.get("email", ""))
    network = throttle.network_of(request.remote_addr)
    try:
        throttle.attempt(bound.act, {who: bound.by_account, network: bound.by_network}, window=bound.window)
    except ThrottledError as refusal:
        # Saying so asked for the reader's language, and that reading holds SQLite's one place for writers.
        db.session.rollback()
        if refusal.facts["first"]:
            journal.note(journal.line_of("auth.throttled", None, ANONYMOUS, {"act": bound.act}))
        raise
