"""How much a request may hold, by what its page can ask: told before anything reads it, and while it is read."""

from collections.abc import Callable
from typing import Any, TypeVar

from flask import Flask, abort, request

ADDRESS = 8_000  # bytes of a path and its query
HEADERS = 32_000  # bytes of all headers together
SMALL = 128_000  # bytes of a form of a few fields
TEXTS = 2_000_000  # bytes of a form of long texts, or of a table

View = TypeVar("View", bound=Callable[..., Any])


def takes_texts(view: View) -> View:
    """A view whose form holds long texts or a table: up to TEXTS. Without this, a body of more than SMALL is 413."""
    view.__body__ = "texts"  # type: ignore[attr-defined]
    return view


def takes_files(view: View) -> View:
    """A view whose form holds files: up to the size the settings give, its texts up to TEXTS."""
    view.__body__ = "files"  # type: ignore[attr-defined]
    return view


def room_of(view: Any) -> int:
    """How many bytes of fields the body of a request to a view may hold."""
    return TEXTS if hasattr(view, "__body__") else SMALL


def install(app: Flask) -> None:
    """Bound every request. Installed before whatever reads a body.

    The length a request announces is compared at once; what comes without one is read up to the bound, then refused.
    """

    @app.before_request
    def _bound() -> None:
        headers = sum(len(value) for name, value in request.environ.items() if name.startswith("HTTP_"))
        if headers > HEADERS:
            abort(431)
        if len(request.environ.get("PATH_INFO", "")) + len(request.query_string) > ADDRESS:
            abort(414)
        view = app.view_functions.get(request.endpoint or "")
        request.max_form_memory_size = room = room_of(view)
        # Only files may make a body longer than its fields; they are never held in memory.
        has_files = getattr(view, "__body__", "") == "files" and request.mimetype == "multipart/form-data"
        request.max_content_length = app.config["MAX_CONTENT_LENGTH"] if has_files else room
        if request.content_length is None and request.environ.get("wsgi.input_terminated"):
            request.form  # noqa: B018 - read now: Werkzeug ends a body at the bound without a word
            if getattr(request.stream, "is_exhausted", False):
                abort(413)
