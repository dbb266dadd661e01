"""What can go wrong, in four words, and the page that says so without losing anything."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

from flask import Flask, current_app, g, jsonify, render_template, request
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm.exc import StaleDataError
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from grants.kernel.db import db, set_access_mode
from grants.kernel.words import _, _l, best_language


class AppError(Exception):
    """A refusal that has a status and a sentence for the person."""

    status = 500

    def __init__(self, message: str = "", *, field: str | None = None, **facts: Any) -> None:
        super().__init__(message)
        self.message = message
        self.field = field
        self.facts = facts


class InvalidError(AppError):
    """What was given cannot be accepted as it is (422)."""

    status = 422


class RefusedError(AppError):
    """The act is not possible in the present state of things (409)."""

    status = 409


class ConflictError(AppError):
    """Somebody else changed the same thing meanwhile (409); `facts["versions"]` may hold both texts."""

    status = 409


class ForbiddenError(AppError):
    """The person may know the thing but not do this (403)."""

    status = 403


class MissingError(AppError):
    """No such thing, or not for this person to know (404)."""

    status = 404


class ThrottledError(AppError):
    """Too many attempts (429); `facts["retry_after"]` in seconds, `facts["first"]` for the first refusal in a row."""

    status = 429


View = TypeVar("View", bound=Callable[..., Any])
RETRY_AFTER = 30  # seconds, told to who meets a database that does not answer
UNANSWERED = _l("Le service ne répond pas pour l’instant : votre demande n’a pas abouti.")
PAGES = (400, 403, 404, 405, 409, 413, 414, 415, 422, 429, 500, 503)
SHARED = {431: 414}  # statuses that say what another page says


def for_scripts(view: View) -> View:
    """A view that only scripts ask: whatever it answers is JSON, and nothing of what it refuses is kept: the script
    keeps it. Placed below `@requires`."""
    view.__for_scripts__ = True  # type: ignore[attr-defined]
    return view


def is_for_scripts() -> bool:
    """Whether this request is made to a view that only scripts ask."""
    return hasattr(current_app.view_functions.get(request.endpoint or ""), "__for_scripts__")


def error_page(status: int, message: str = "", **facts: Any) -> tuple[str, int]:
    """The page of a status; it says what happened, what to do, and that nothing was lost."""
    g.refused = message
    page = SHARED.get(status, status)
    template = f"errors/{page}.html" if page in PAGES else "errors/500.html"
    shown = {name: facts.get(name) for name in ("versions", "page", "title")}
    return render_template(template, message=message, status=status, stored_form=g.get("stored_form"), **shown), status


def refusal_page(error: AppError) -> Response:
    """The page of a refusal, and when to come back if it says so."""
    response = current_app.make_response(error_page(error.status, error.message, **error.facts))
    if "retry_after" in error.facts:
        response.headers["Retry-After"] = str(error.facts["retry_after"])
    return response


def install(app: Flask) -> None:
    """Hang one handler per kind of refusal."""

    @app.after_request
    def told_to_scripts(response: Response) -> Response:
        """An answer for people, as a script reads it; one that leads elsewhere leads to sign in."""
        if not is_for_scripts() or response.is_json:
            return response
        told = jsonify(message=str(g.get("refused", "")))
        told.status_code = response.status_code if response.status_code >= 400 else 401
        if "Retry-After" in response.headers:
            told.headers["Retry-After"] = response.headers["Retry-After"]
        return told

    @app.errorhandler(AppError)
    def refusal(error: AppError) -> Response:
        return refusal_page(error)

    @app.errorhandler(StaleDataError)
    def stale(_error: StaleDataError) -> tuple[str, int]:
        return error_page(409, _("Quelqu’un d’autre vient de modifier cette page. Rechargez-la pour voir son état."))

    @app.errorhandler(OperationalError)
    def unanswered(error: OperationalError) -> Response:
        """The database is locked, full or away: nothing is half-written, and the same form may be sent again."""
        app.logger.error("the database did not answer", exc_info=error)
        # The page of a failed writing only reads: it must not wait for the same lock.
        set_access_mode(writing=False)
        try:
            db.session.rollback()
            response = app.make_response(error_page(503, str(UNANSWERED)))
        except OperationalError:
            # Not even reading: a page for nobody in particular, which asks the database nothing.
            with suppress(OperationalError):
                db.session.rollback()
            g.language = best_language(request.cookies.get("language"))
            page = app.jinja_env.get_template("errors/unanswered.html").render(message=str(UNANSWERED))
            response = app.make_response((page, 503))
        response.headers["Retry-After"] = str(RETRY_AFTER)
        return response

    @app.errorhandler(HTTPException)
    def http(error: HTTPException) -> Response | tuple[str, int]:
        if error.code is None or error.code < 400:
            return error.get_response()
        return error_page(error.code)

    @app.errorhandler(Exception)
    def unforeseen(error: Exception) -> tuple[str, int]:
        if app.config.get("PROPAGATE_EXCEPTIONS"):
            raise error
        app.logger.error("unforeseen error", exc_info=error)
        return error_page(500)
