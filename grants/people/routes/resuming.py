"""The doors where what was typed is found again after a session has lapsed, and how long the session lasts."""

from typing import Any

from flask import flash, jsonify, redirect, render_template, url_for
from werkzeug.wrappers import Response

from grants.kernel import held as kernel
from grants.kernel.access import actor, door, public
from grants.kernel.errors import MissingError
from grants.kernel.held import Held, HeldForm
from grants.kernel.words import _
from grants.people.routes.blueprint import bp
from grants.people.routes.signing import session_left
from grants.permissions import P


@bp.get("/reprise/<uuid:held_id>")
@door(P.ACCOUNT_OWN, HeldForm)
def held(row: HeldForm) -> str:
    """What one had typed, ready to be sent again to the same address."""
    found = _opened(row)
    others = [one for one in kernel.waiting(actor().id) if one.id != found.id]
    return render_template("people/held.html", held=found, others=others)


@bp.post("/reprise/<uuid:held_id>/oublier")
@door(P.ACCOUNT_OWN, HeldForm)
def forget_held(row: HeldForm) -> Response:
    """Throw away what was kept."""
    found = _opened(row)
    kernel.forget(found.id, actor().id)
    flash(_("Ce qui était gardé est effacé."), "success")
    return redirect(found.page or url_for("desk.work"))


def _opened(row: HeldForm) -> Held:
    found = kernel.opened(row, actor().id)
    if found is None:
        raise MissingError
    return found


@bp.get("/connexion/etat")
@public
def session_state() -> Any:
    """How many seconds the session of this request lasts, and whose it is; asking is a sign of life."""
    return jsonify(left=session_left(), who=str(actor().id or ""))
