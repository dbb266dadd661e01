"""The doors of the house: home, help, legal pages, the list of dossiers and the page of one."""

from dataclasses import dataclass

from flask import Blueprint, Response, current_app, redirect, render_template, request, url_for
from flask.blueprints import BlueprintSetupState
from werkzeug.wrappers import Response as BaseResponse

from grants.kernel.access import actor, public
from grants.kernel.machine import Text
from grants.kernel.words import LANGUAGES, _l

bp = Blueprint("desk", __name__)
A_YEAR = 31_536_000


@dataclass(frozen=True)
class MenuLink:
    """A line of a menu; `group` "public" is the header, "account" the account menu, "leave" the way out."""

    label: Text
    href: str
    current: bool
    group: Text


PUBLIC = (
    (_l("Appels"), "calls.index"),
    (_l("Cadre"), "programme.frameworks"),
    (_l("Lauréats"), "observatory.laureates"),
    (_l("Registre"), "observatory.register"),
    (_l("Aide"), "desk.help_index"),
)
ACCOUNT = (
    (_l("Mon espace"), "desk.work"),
    (_l("Mon compte"), "people.account"),
    (_l("Mes connexions"), "people.sessions"),
)
ASSOCIATION, COMMITTEE, MANAGEMENT = _l("Association"), _l("Comité"), _l("Gestion")
PAYMENTS, SETTINGS = _l("Paiements"), _l("Réglages")
EVERY_STAFF = frozenset({"manager", "finance", "authorising_officer", "administrator", "auditor"})
MENU = (
    (ASSOCIATION, _l("Mes dossiers"), "applications.index", None),
    (ASSOCIATION, _l("Mes attributions"), "awards.mine", None),
    (COMMITTEE, _l("Mes évaluations"), "reviewing.index", frozenset({"reviewer"})),
    (COMMITTEE, _l("Délibérations"), "deliberation.index", frozenset({"reviewer", "manager", "auditor"})),
    (MANAGEMENT, _l("Dossiers"), "desk.dossiers", EVERY_STAFF),
    (MANAGEMENT, _l("Recevabilité"), "screening.inbox", frozenset({"manager", "auditor"})),
    (MANAGEMENT, _l("Affectations"), "reviewing.assign_index", frozenset({"manager"})),
    (MANAGEMENT, _l("Suivi par axe"), "observatory.tracking", EVERY_STAFF),
    (PAYMENTS, _l("Attributions"), "awards.index", frozenset({"manager", "finance", "authorising_officer", "auditor"})),
    (PAYMENTS, _l("Mandats"), "awards.payments", frozenset({"manager", "finance", "authorising_officer", "auditor"})),
    (
        PAYMENTS,
        _l("Coordonnées bancaires"),
        "awards.bank_inbox",
        frozenset({"finance", "authorising_officer", "auditor"}),
    ),
    (SETTINGS, _l("Appels"), "calls.desk", EVERY_STAFF),
    (SETTINGS, _l("Fonds"), "programme.fund", frozenset({"manager"})),
    (SETTINGS, _l("Cadres et actions"), "programme.frameworks_desk", frozenset({"manager"})),
    (SETTINGS, _l("Droit et textes"), "programme.law", frozenset({"manager"})),
    (SETTINGS, _l("Personnes"), "people.people", frozenset({"manager", "administrator", "auditor"})),
    (SETTINGS, _l("Journal"), "desk.journal", frozenset({"administrator", "auditor"})),
)


def navigation() -> list[MenuLink]:
    """The menus of the person of this request."""
    who = actor()
    links = [_link(label, endpoint, "public") for label, endpoint in PUBLIC if _exists(endpoint)]
    if not who.is_authenticated:
        return links
    links += [
        _link(label, endpoint, group)
        for group, label, endpoint, roles in MENU
        if _exists(endpoint)
        and (not roles.isdisjoint(who.roles) if roles else not who.roles or bool(who.organisations))
    ]
    links += [_link(label, endpoint, "account") for label, endpoint in ACCOUNT if _exists(endpoint)]
    return [*links, _link(_l("Se déconnecter"), "people.sign_out", "leave")] if _exists("people.sign_out") else links


def _exists(endpoint: str) -> bool:
    return endpoint in current_app.view_functions


def _link(label: Text, endpoint: str, group: Text) -> MenuLink:
    return MenuLink(label, url_for(endpoint), request.endpoint == endpoint, group)


@bp.record_once
def _give_navigation(state: BlueprintSetupState) -> None:
    state.app.jinja_env.globals["navigation"] = navigation


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
