"""The blueprint of awards, and how its pages with forms are shown."""

from typing import Any

from flask import Blueprint, render_template, request
from werkzeug.wrappers import Response

bp = Blueprint("awards", __name__)
Answer = str | Response | tuple[str, int]


def show(template: str, *forms: Any, **context: Any) -> tuple[str, int]:
    """A page with a form: 422 when what was sent did not pass, with everything still in it."""
    wrong = any(form.errors for form in forms)
    status = 422 if request.method == "POST" and wrong else 200
    return render_template(f"awards/{template}.html", has_errors=wrong, **context), status
