"""Views that give back what was typed when a session had ended, say how long a session lasts, and give the keys of
what browsers keep."""

from base64 import b64encode
from typing import Any
from uuid import UUID

from flask import flash, jsonify, redirect, render_template, url_for
from werkzeug.wrappers import Response

from grants.kernel import stored_forms as kernel
from grants.kernel.access import actor, public, requires
from grants.kernel.encryption import device_key
from grants.kernel.errors import MissingError, for_scripts
from grants.kernel.stored_forms import OpenedForm, StoredForm
from grants.kernel.words import _
from grants.people.routes.blueprint import bp
from grants.people.routes.signing import session_left
from grants.permissions import P


@bp.get("/reprise/<uuid:form_id>")
@requires(P.ACCOUNT_OWN, StoredForm)
def stored_form(row: StoredForm) -> str:
    """What one had typed, ready to be sent again to the same address."""
    found = _opened(row)
    others = [one for one in kernel.waiting(actor().id) if one.id != found.id]
    return render_template("people/stored_form.html", stored=found, others=others)


@bp.post("/reprise/<uuid:form_id>/oublier")
@requires(P.ACCOUNT_OWN, StoredForm)
def forget_stored_form(row: StoredForm) -> Response:
    """Throw away what was kept."""
    found = _opened(row)
    kernel.forget(found.id, actor().id)
    flash(_("Ce qui était gardé est effacé."), "success")
    return redirect(found.page or url_for("desk.work"))


def _opened(row: StoredForm) -> OpenedForm:
    found = kernel.opened(row, actor().id)
    if found is None:
        raise MissingError
    return found


@bp.get("/connexion/etat")
@public
def session_state() -> Any:
    """How many seconds the session of this request lasts, and whose it is; asking is a sign of life."""
    return jsonify(left=session_left(), who=str(actor().id or ""))


@bp.get("/connexion/cle/<uuid:page>")
@requires(P.ACCOUNT_OWN)
@for_scripts
def page_key(page: UUID) -> Response:
    """The key under which a browser keeps what could not be sent from an open page: that of the account of this request
    alone, and stored nowhere."""
    who = actor().id
    if who is None:
        raise MissingError
    return jsonify(who=str(who), key=b64encode(device_key(who, page)).decode())
