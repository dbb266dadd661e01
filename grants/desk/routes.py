"""The doors of the house: home, help, legal pages, the list of dossiers and the page of one."""

from flask import Blueprint, Response, redirect, render_template, request
from werkzeug.wrappers import Response as BaseResponse

from grants.kernel.access import public
from grants.kernel.words import LANGUAGES

bp = Blueprint("desk", __name__)
A_YEAR = 31_536_000


@bp.get("/")
@public
def home() -> str:
    """The home page."""
    return render_template("desk/home.html")


@bp.get("/styleguide")
@public
def styleguide() -> str:
    """The living style guide."""
    return render_template("styleguide.html")


@bp.post("/langue")
@public
def set_language() -> BaseResponse:
    """Keep the reader's language in a cookie and go back to the page."""
    back = request.form.get("back", "/")
    safe = back if back.startswith("/") and not back.startswith(("//", "/\\")) else "/"
    response: Response | BaseResponse = redirect(safe)
    chosen = request.form.get("language", "")
    if chosen in LANGUAGES:
        response.set_cookie("language", chosen, max_age=A_YEAR, httponly=True, samesite="Lax")
    return response
