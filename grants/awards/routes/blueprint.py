"""The blueprint of awards, and how its pages with forms are shown and their acts made."""

from collections.abc import Callable
from typing import Any

from flask import Blueprint, render_template, request
from werkzeug.wrappers import Response

from grants.kernel.errors import InvalidError

bp = Blueprint("awards", __name__)
Answer = str | Response | tuple[str, int]


def show(template: str, *forms: Any, **context: Any) -> tuple[str, int]:
    """A page with a form: 422 when what was sent did not pass, with everything still in it."""
    wrong = any(form.errors for form in forms)
    status = 422 if request.method == "POST" and wrong else 200
    return render_template(f"awards/{template}.html", has_errors=wrong, **context), status


def done(form: Any, act: Callable[[], Any]) -> bool:
    """Whether the form that was sent is right and its act was made; else the form says what is wrong."""
    if not form.validate_on_submit():
        return False
    try:
        act()
    except InvalidError as error:
        form.refuse(error.field, error.message)
        return False
    return True
