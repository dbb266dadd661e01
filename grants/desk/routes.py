"""Views that join the packages: home, help, legal pages, the list of dossiers and the page of one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from flask import Blueprint, Response, current_app, flash, g, jsonify, redirect, render_template, request
from flask.blueprints import BlueprintSetupState
from werkzeug.wrappers import Response as BaseResponse

from grants.appeals import queries as appeals
from grants.applications import actions as dossier_actions
from grants.applications import exports as papers
from grants.applications import queries as applications
from grants.applications.lifecycle import ApplicationState
from grants.applications.models import Application
from grants.applications.parts import leavable
from grants.applications.parts import places as places_of_dossier
from grants.calls import actions as call_actions
from grants.calls import queries as calls
from grants.calls.models import Call, CallInstrument, Criterion
from grants.calls.rules import QUESTION, reserved_in
from grants.deliberation import queries as deliberation
from grants.desk import exports, queries
from grants.desk.forms import APART, ApplicantForm, ExtensionForm, PaperForm, SpecimenForm, asked_form
from grants.desk.queries import DossierFilters, JournalFilters
from grants.desk.rules import FAMILIES
from grants.documents import queries as documents
from grants.kernel import chunks, clock, head, jobs, reference_files, sheets, uploads
from grants.kernel.access import (
    actor,
    hidden_dossiers,
    holds_subject,
    may_know,
    prepared_by,
    public,
    repeatable,
    requires,
)
from grants.kernel.actor import Actor
from grants.kernel.bodies import takes_files
from grants.kernel.days import parse_day
from grants.kernel.db import db
from grants.kernel.errors import InvalidError, MissingError
from grants.kernel.forms import done, form_page
from grants.kernel.jobs import Job
from grants.kernel.machine import Text
from grants.kernel.money import Money
from grants.kernel.outbox import Letter, body_of, enclosure_of
from grants.kernel.pages import address, link, safe_path, zone
from grants.kernel.paging import asked, places
from grants.kernel.search import search_key
from grants.kernel.versions import refuse_stale
from grants.kernel.words import LANGUAGES, _, _l, force_locale, in_words_of
from grants.messages import queries as messages
from grants.observatory import queries as observatory
from grants.people import actions as people_actions
from grants.people import queries as people
from grants.people.forms import OrganisationForm
from grants.people.models import Account, Organisation, Role
from grants.people.rules import is_rna, number_of
from grants.permissions import P
from grants.programme import queries as programme
from grants.reviewing import queries as reviewing

bp = Blueprint("desk", __name__)
A_YEAR = 31_536_000
MANAGERS_FOR_PAPER = 2  # one enters a dossier, another one decides whether it is eligible


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
    (_l("Fichiers préparés"), "desk.jobs"),
)
OFFICE = ((_l("Mes liens d’intérêt"), "reviewing.links"),)
ASSOCIATION, COMMITTEE, MANAGEMENT = _l("Association"), _l("Comité"), _l("Gestion")
PAYMENTS, SETTINGS = _l("Paiements"), _l("Réglages")
EVERY_STAFF = frozenset({"manager", "finance", "authorising_officer", "administrator", "auditor"})
MENU = (
    (ASSOCIATION, _l("Mes dossiers"), "applications.index", None),
    (ASSOCIATION, _l("Mes attributions"), "awards.mine", None),
    (COMMITTEE, _l("Mes évaluations"), "reviewing.index", frozenset({"reviewer"})),
    (COMMITTEE, _l("Délibérations"), "deliberation.index", frozenset({"reviewer", "manager", "auditor"})),
    (MANAGEMENT, _l("Dossiers"), "desk.dossiers", EVERY_STAFF),
    (MANAGEMENT, _l("Messages"), "messages.index", frozenset({"manager", "auditor"})),
    (MANAGEMENT, _l("Recours"), "appeals.index", frozenset({"manager", "auditor"})),
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


HELP: dict[str, tuple[str, Text]] = {
    "association": ("association", _l("Association")),
    "comite": ("committee", _l("Membre du comité")),
    "gestion": ("manager", _l("Gestion du fonds")),
    "paiements": ("payments", _l("Paiements")),
    "administration": ("administration", _l("Administration et audit")),
    "citoyen": ("citizen", _l("Habitante, habitant")),
}


def navigation() -> list[MenuLink]:
    """The menus of the person of this request; the head of a page and its side ask for them in turn."""
    links: list[MenuLink] | None = g.get("navigation")
    if links is None:
        links = g.navigation = _navigation()
    return links


def _navigation() -> list[MenuLink]:
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
    account = (*ACCOUNT, *OFFICE) if who.roles else ACCOUNT
    links += [_link(label, endpoint, "account") for label, endpoint in account if _exists(endpoint)]
    return [*links, _link(_l("Se déconnecter"), "people.sign_out", "leave")] if _exists("people.sign_out") else links


def _exists(endpoint: str) -> bool:
    return endpoint in current_app.view_functions


def _link(label: Text, endpoint: str, group: Text) -> MenuLink:
    return MenuLink(str(label), address(endpoint), request.endpoint == endpoint, str(group))


@bp.record_once
def _give_navigation(state: BlueprintSetupState) -> None:
    state.app.jinja_env.globals["navigation"] = navigation


# ---- pages for everybody ------------------------------------------------------------------------------------------


@bp.get("/")
@public
def home() -> str:
    """The home page: what the fund is, what is open, until when."""
    at = clock.now()
    count, amount = observatory.register_total()
    framework = programme.frameworks()[0]
    axes = programme.axes(framework.id)
    return render_template(
        "desk/home.html",
        fund=programme.fund(),
        framework=framework,
        axes=axes,
        bands=[(axis, 100 // len(axes)) for axis in axes],
        open_calls=calls.open_calls(at),
        coming=calls.coming_calls(at),
        instruments=programme.instruments(),
        count=count,
        amount=amount,
    )


@bp.get("/aide")
@public
def help_index() -> str:
    """Help, by role."""
    return render_template("desk/help_index.html", roles=HELP)


@bp.get("/aide/<role>")
@public
def help_page(role: str) -> str:
    """The help page of a role."""
    if role not in HELP:
        raise MissingError
    return render_template(f"desk/help_{HELP[role][0]}.html", title=HELP[role][1], roles=HELP)


@bp.get("/mentions-legales")
@public
def legal() -> str:
    """Legal notice."""
    return render_template("desk/legal.html", fund=programme.fund())


@bp.get("/journal/tete")
@public
def journal_head() -> str:
    """The head of the journal, signed: whoever keeps it can later tell a chain that was cut or rewritten."""
    return render_template("desk/journal_head.html", head=head.now())


@bp.get("/journal/tete.txt")
@public
def journal_head_text() -> Response:
    """The same as a file, for `grants verify --head`."""
    return Response(head.now().text, content_type="text/plain; charset=utf-8")


@bp.get("/confidentialite")
@public
def privacy() -> str:
    """Privacy notice, from the configured text."""
    fund = programme.fund()
    dpo = _("délégué à la protection des données")
    body = programme.text_body("privacy", body=fund.body_name, dpo=dpo, dpo_email=fund.dpo_email)
    return render_template("desk/privacy.html", fund=fund, body=body)


@bp.get("/accessibilite")
@public
def accessibility() -> str:
    """The accessibility statement, which tells the truth."""
    return render_template("desk/accessibility.html", fund=programme.fund())


@bp.get("/plan-du-site")
@public
def sitemap() -> str:
    """Every public page."""
    return render_template("desk/sitemap.html", roles=HELP, frameworks=programme.frameworks())


@bp.get("/styleguide")
@public
def styleguide() -> str:
    """The living style guide, one of its two parts, in the theme of the address."""
    theme = "dark" if request.args.get("theme") == "dark" else "light"
    part = "figures" if request.args.get("partie") == "figures" else "formulaires"
    return render_template("styleguide.html", sample=_specimens(theme) | {"part": part}, euros=Money.euros)


def _specimens(theme: str) -> dict[str, Any]:
    names = {commune.insee: commune.name for commune in programme.communes()}
    tiles = [
        {
            "code": tile["insee"],
            "name": names[tile["insee"]],
            "col": int(tile["col"]),
            "row": int(tile["row"]),
            "short": tile["short"],
            "value": Money.euros(int(tile["insee"]) % 7 * 1000),
        }
        for tile in reference_files.rows("commune_tiles.csv")
        if tile["insee"] in names and 4 <= int(tile["row"]) <= 7  # Lyon and its neighbours say enough of the element
    ]
    form = SpecimenForm(prefix=f"{theme}-")
    form.title.errors = [_("Donnez un titre à votre projet.")]
    form.first.errors = [_("Répondez par oui ou par non.")]
    return {
        "theme": theme,
        "form": form,
        "apart": [f"{theme}-{name}" for name in APART],
        "closes_at": clock.now() + timedelta(days=3),
        "tiles": tiles,
    }


@bp.post("/langue")
@public
@repeatable
def set_language() -> BaseResponse:
    """Keep the reader's language in a cookie and go back to the page."""
    response: Response | BaseResponse = redirect(safe_path(request.form.get("back")) or "/")
    chosen = request.form.get("language", "")
    if chosen in LANGUAGES:
        secure = current_app.config["SETTINGS"].secure
        response.set_cookie("language", chosen, max_age=A_YEAR, httponly=True, samesite="Lax", secure=secure)
    return response


@bp.get("/demonstration/courriels")
@requires(P.DEMO_MAIL_READ)
def demo_mails() -> str:
    """The mails of the demonstration; elsewhere this page does not exist."""
    _only_in_the_demonstration()
    return render_template("desk/demo_mails.html", letters=queries.letters())


@bp.get("/demonstration/courriels/<uuid:letter_id>")
@requires(P.DEMO_MAIL_READ)
def demo_mail(letter_id: Any) -> str:
    """One mail of the demonstration."""
    _only_in_the_demonstration()
    letter = db.session.get(Letter, letter_id)
    if letter is None:
        raise MissingError
    enclosed = enclosure_of(letter)
    return render_template(
        "desk/demo_mail.html", letter=letter, body=body_of(letter), enclosed=enclosed.name if enclosed else None
    )


def _only_in_the_demonstration() -> None:
    if not current_app.config["SETTINGS"].is_demo:
        raise MissingError


# ---- the work of each role -----------------------------------------------------------------------------------------


@bp.get("/mon-espace")
@requires(P.DESK_HOME)
def work() -> str:
    """What waits for the person, by role."""
    who = actor()
    own = queries.own_drafts(who) if who.organisations else []
    return render_template(
        "desk/work.html",
        own=own,
        windows=applications.windows_of([row.id for row in own if row.is_draft]),
        open_calls=_to_prepare(own, who),
        unread=messages.unread_of_organisations(who.organisations),
        appeals=appeals.open_of_organisations(who.organisations),
        today=clock.today(),
        lapsing=documents.lapsing(who.organisations),
        reviews=queries.reviewer_tasks(who) if who.has_role("reviewer") else [],
        manager=queries.manager_tasks(who, hidden_dossiers()) if who.has_role("manager") else [],
        payments=queries.payment_tasks(who) if who.has_role("finance", "authorising_officer") else [],
    )


def _to_prepare(own: Sequence[Application], who: Actor) -> list[Call]:
    """The open calls for which one of the person's organisations has no dossier: it may have one for each."""
    taken = {(row.call_id, row.organisation_id) for row in own if row.state is not ApplicationState.WITHDRAWN}
    found = calls.open_calls(clock.now())
    return [call for call in found if any((call.id, key) not in taken for key in who.organisations)]


@bp.get("/gestion/dossiers")
@requires(P.DOSSIER_LIST)
def dossiers() -> str:
    """The list of dossiers: search, filters and sort in the URL, totals of what is shown."""
    filters, scores, choices = _dossier_filters(), reviewing.sees_scores(actor()), queries.choices()
    count, requested, awarded = queries.totals(filters, actor())
    page = queries.dossiers(filters, actor(), **places(), scores=scores)
    ids = [row.id for row, _strands in page.rows]
    return render_template(
        "desk/dossiers.html",
        selected=filters,
        chosen=filters.chosen(),
        page=page,
        unread=messages.unread_in(ids) if actor().has_role("manager") else {},
        scores=scores,
        count=count,
        requested=requested,
        awarded=awarded,
        choices=choices,
        words=dict(choices.states),
    )


def _dossier_filters() -> DossierFilters:
    words, call, state, instrument, axis, commune, silence, sort = asked(
        "mots", "appel", "etat", "instrument", "axe", "commune", "silence", "sort"
    )
    return DossierFilters(words, call, state, instrument, axis, commune, silence, sort or DossierFilters.sort)


@bp.get("/gestion/dossiers.csv")
@requires(P.EXPORT_MAKE)
def dossiers_csv() -> Response:
    """The same list as a sheet, whole."""
    return sheets.download_csv(exports.dossiers(_dossier_filters(), actor()), zone())


@bp.get("/gestion/dossiers.xlsx")
@requires(P.EXPORT_MAKE)
def dossiers_xlsx() -> Response:
    """The same list as a workbook, whole."""
    return sheets.download_workbook(exports.dossiers(_dossier_filters(), actor()), zone())


@bp.post("/gestion/dossiers.xlsx")
@requires(P.EXPORT_MAKE)
def dossiers_job() -> BaseResponse:
    """Have that workbook made by the worker, however long it is."""
    return redirect(address("desk.job", job_id=jobs.ask(exports.DOSSIERS, _dossier_filters(), by=actor()).id))


# ---- what a call asks, by kind of support ---------------------------------------------------------------------------


@bp.route("/gestion/appels/<uuid:call_id>/demande", methods=["GET", "POST"])
@requires(P.CALL_EDIT, Call)
def asked_by(call: Call) -> tuple[str, int] | BaseResponse:
    """What a call does not ask of each instrument, and where each criterion is judged."""
    if request.method == "POST":
        refuse_stale(call)
        call_actions.refuse_frozen(call)
    offers, items = calls.instruments_of(call.id), calls.items_of(call.id)
    free = leavable(_accounts())
    form = asked_form(offers, items, free, _judgeable(call))
    if done(form, lambda: _set_asked(call, offers, items, {code for code, _words in free})):
        lacking = calls.unjudged(call.id)
        for title, instrument in lacking:
            flash(
                _("Rien ne laisse juger « %(title)s » (%(instrument)s).", title=title, instrument=instrument), "warning"
            )
        flash(_("C’est enregistré."), "success")
        return redirect(
            address("desk.asked_by", call_id=call.id) if lacking else address("calls.manage", call_id=call.id)
        )
    return form_page(
        "desk/asked_by.html", form, call=call, offers=offers, blocks=calls.criteria_of(call.id),
        questions=calls.questions_of(call.id), unjudged=calls.unjudged(call.id),
    )  # fmt: skip


def _judgeable(call: Call) -> list[tuple[str, str]]:
    """Where a criterion of a call may be judged: the pages of a dossier, their fields, and the questions."""
    questions = [(f"{QUESTION}{row.code}", f"« {in_words_of(row, 'label')} »") for row in calls.questions_of(call.id)]
    return [*places_of_dossier(), *questions]


def _accounts() -> list[tuple[str, str]]:
    """The accounts of the budget, by code, with their titles."""
    rows = programme.budget_accounts()
    return [(row.code, f"{row.code} {in_words_of(row, 'title')}") for row in rows if not row.header]


def _set_asked(call: Call, offers: Sequence[CallInstrument], items: Sequence[Criterion], free: set[str]) -> None:
    left_out = {row.instrument_id: request.form.getlist(f"{row.instrument.code}_left_out") for row in offers}
    judged_in = {row.id: request.form.getlist(f"{row.code}_judged_in") for row in items}
    known = {code for code, _words in _judgeable(call)}
    ticked = [(f"{row.instrument.code}_left_out", place) for row in offers for place in left_out[row.instrument_id]
              if place not in free and not reserved_in([place])]  # fmt: skip
    ticked += [(f"{row.code}_judged_in", place) for row in items for place in judged_in[row.id] if place not in known]
    if ticked:
        raise InvalidError(_("Ce choix n’est pas proposé."), field=ticked[0][0])
    call_actions.set_asked(call, left_out, judged_in, by=actor())


# ---- a later closing for one dossier -------------------------------------------------------------------------------


@bp.get("/gestion/appels/<uuid:call_id>/delais")
@requires(P.CALL_LIST, Call)
def extensions(call: Call) -> BaseResponse | tuple[str, int]:
    """The later closings that dossiers of a call were given, and the way to give one, by the number of who asks."""
    form = ApplicantForm(request.args)
    if "numero" in request.args and form.validate():
        organisation = people.organisation_by_number(number_of(form.numero.data or ""))
        if organisation is not None:
            return redirect(address("desk.give_extension", organisation_id=organisation.id, code=call.code))
        form.refuse("numero", _("Le fonds ne connaît pas d’organisation de ce numéro."))
    given = applications.extensions_in(call, reviewing.tied_to(actor().id))
    return form_page("desk/extensions.html", form, call=call, given=given)


@bp.route("/organisations/<uuid:organisation_id>/delais/<code>", methods=["GET", "POST"])
@requires(P.EXTENSION_GIVE, Organisation)
def give_extension(organisation: Organisation, code: str) -> BaseResponse | tuple[str, int]:
    """Give the dossier of an organisation in a call a later closing. Nothing of what it says is shown."""
    call = calls.call_by_code(code)
    if call is None or not may_know(call):
        raise MissingError
    application, meeting = applications.current(call.id, organisation.id), deliberation.meeting_of(call.id)
    given = applications.extensions_of(application.id) if application is not None else []
    form, sits_on = ExtensionForm(data={"version": len(given)}), meeting.held_on if meeting is not None else None
    if application is not None and form.validate_on_submit() and (ends_at := form.instant(call.fund.zone)) is not None:
        reason, seen = form.reason.data or "", form.version.data
        try:
            dossier_actions.give_extension(
                application, ends_at=ends_at, reason=reason, sits_on=sits_on, seen=seen, by=actor()
            )
        except InvalidError as error:
            form.refuse(error.field, error.message)
        else:
            flash(_("Le délai est accordé. L’équipe du dossier en est avertie par courriel."), "success")
            return redirect(address("desk.extensions", call_id=call.id))
    return form_page(
        "desk/give_extension.html", form, call=call, organisation=organisation, given=given, sits_on=sits_on,
        application=application, why_not=application and dossier_actions.why_not_extended(application),
    )  # fmt: skip


# ---- dossiers that came on paper -----------------------------------------------------------------------------------


@bp.get("/gestion/appels/<uuid:call_id>/papier")
@requires(P.CALL_LIST, Call)
def paper(call: Call) -> BaseResponse | tuple[str, int]:
    """The dossiers of a call that came on paper, and the way to enter one, by the number of its organisation."""
    form = ApplicantForm(request.args)
    unknown = ""
    if "numero" in request.args and form.validate():
        number = number_of(form.numero.data or "")
        organisation = people.organisation_by_number(number)
        if organisation is not None:
            return redirect(address("desk.enter_paper", organisation_id=organisation.id, code=call.code))
        form.refuse("numero", _("Le fonds ne connaît pas d’organisation de ce numéro."))
        unknown = number
    rows = applications.entered_in(call, reviewing.tied_to(actor().id))
    return form_page(
        "desk/paper.html", form, call=call, rows=rows, unknown=unknown, why_not=applications.why_not_entered(call)
    )


@bp.route("/gestion/appels/<uuid:call_id>/papier/organisation", methods=["GET", "POST"])
@requires(P.PAPER_ENTER, Call)
def paper_organisation(call: Call) -> BaseResponse | tuple[str, int]:
    """Enter an organisation that has no account, as its paper says."""
    number = number_of(request.args.get("numero", "")[:40])
    form = OrganisationForm(data={"rna" if is_rna(number) else "siret": number} if number else {})
    organisation: list[Organisation] = []
    if done(
        form, lambda: organisation.append(people_actions.create_organisation(form.values(), by=actor(), on_paper=True))
    ):
        flash(_("L’organisation est enregistrée. Personne n’agit encore pour elle."), "success")
        return redirect(address("desk.enter_paper", organisation_id=organisation[0].id, code=call.code))
    return form_page("desk/paper_organisation.html", form, call=call)


@bp.route("/organisations/<uuid:organisation_id>/papier/<code>", methods=["GET", "POST"])
@requires(P.PAPER_ENTER, Organisation)
@prepared_by(uploads.examine_sent)
@takes_files
def enter_paper(organisation: Organisation, code: str) -> BaseResponse | tuple[str, int]:
    """Begin to enter the dossier of an organisation that came on paper: its days and its scan, then its parts."""
    call = calls.call_by_code(code)
    if call is None or not may_know(call):
        raise MissingError
    begun = applications.entered_of(call.id, organisation.id)
    if begun is not None:
        return redirect(address("applications.write", application_id=begun.id))
    form, entered = PaperForm(data={"version": 0}), list[Application]()
    if done(form, lambda: entered.append(
        dossier_actions.begin_paper(call, organisation, form.days(), form.file(), by=actor())
    )):  # fmt: skip
        flash(_("Reportez maintenant ce que dit le papier, page par page."), "success")
        return redirect(address("applications.write", application_id=entered[0].id))
    why_not = applications.why_not_entered(call)
    is_submitted = applications.submitted_of(call.id, organisation.id) is not None
    return form_page(
        "desk/enter_paper.html", form, call=call, organisation=organisation, why_not=why_not, is_submitted=is_submitted,
        is_alone=len(people.in_office(Role.MANAGER)) < MANAGERS_FOR_PAPER,
    )  # fmt: skip


@bp.route("/gestion/dossiers/<uuid:application_id>/papier", methods=["GET", "POST"])
@requires(P.PAPER_ENTER, Application)
@prepared_by(uploads.examine_sent)
@holds_subject
@takes_files
def paper_facts(application: Application) -> BaseResponse | tuple[str, int]:
    """The days and the scan of a dossier that is being entered, corrected."""
    known = application.paper
    if known is None or not application.is_being_entered:
        raise MissingError
    form = PaperForm(obj=known, data={"version": application.version})
    if done(form, lambda: dossier_actions.change_paper(
        application, form.days(), form.file(), version=form.version.data, by=actor()
    )):  # fmt: skip
        flash(_("C’est enregistré."), "success")
        return redirect(address("applications.write", application_id=application.id))
    return form_page("desk/paper_facts.html", form, application=application, paper=known)


@bp.post("/gestion/dossiers/<uuid:application_id>/papier/corriger")
@requires(P.PAPER_ENTER, Application)
@holds_subject
def correct_paper(application: Application) -> BaseResponse:
    """Correct what was entered of a dossier from paper, by a new version."""
    if application.is_draft:
        raise MissingError
    draft = dossier_actions.begin_paper_correction(application, by=actor())
    return redirect(address("applications.write", application_id=draft.id))


# ---- large files, chunk by chunk -----------------------------------------------------------------------------------


@bp.get("/envois/<digest>")
@requires(P.FILE_SEND)
def sent_chunks(digest: str) -> Response:
    """Which chunks of a file are still missing, for a script that sends it."""
    file = _file_on_its_way(digest, request.args.get("size", ""))
    return jsonify(chunk=chunks.CHUNK, missing=chunks.missing(file))


@bp.post("/envois/<digest>/<int:number>")
@requires(P.FILE_SEND)
@repeatable
@takes_files
def send_chunk(digest: str, number: int) -> BaseResponse:
    """Keep one chunk; the same one twice is kept once."""
    given = request.files.get("chunk")
    content = given.stream.read(chunks.CHUNK + 1) if given is not None else b""
    chunks.put(_file_on_its_way(digest, request.form.get("size", "")), number, content)
    return Response(status=204)


def _file_on_its_way(digest: str, size: str) -> chunks.Expected:
    who = actor().id
    if who is None:
        raise MissingError
    return chunks.expected(who, digest, int(size) if size.isascii() and size.isdigit() and len(size) < 12 else 0)


# ---- what the worker makes ---------------------------------------------------------------------------------------


@bp.get("/preparations", endpoint="jobs")
@requires(P.JOB_OWN)
def own_jobs() -> str:
    """What the person asked the worker for."""
    return render_template("desk/jobs.html", jobs=jobs.of_person(actor()))


@bp.get("/preparations/<uuid:job_id>")
@requires(P.JOB_OWN, Job)
def job(job: Job) -> str:
    """How far one of them is, and what to do with it."""
    return render_template("desk/job.html", job=job, reason=jobs.reason_of(job))


@bp.post("/preparations/<uuid:job_id>/annuler")
@requires(P.JOB_OWN, Job)
def cancel_job(job: Job) -> BaseResponse:
    """Stop it."""
    jobs.cancel(job, by=actor())
    return redirect(address("desk.job", job_id=job.id))


@bp.post("/preparations/<uuid:job_id>/reprendre")
@requires(P.JOB_OWN, Job)
def retry_job(job: Job) -> BaseResponse:
    """Try again."""
    jobs.retry(job, by=actor())
    return redirect(address("desk.job", job_id=job.id))


@bp.get("/preparations/<uuid:job_id>/fichier")
@requires(P.JOB_RESULT, Job)
def job_result(job: Job) -> BaseResponse:
    """The file that was made, for whoever asked, with their rights of now."""
    made = jobs.result(job)
    return uploads.attachment(made.content, made.name, made.size)


@bp.route("/mon-compte/donnees", methods=["GET", "POST"])
@requires(P.ACCOUNT_OWN)
def own_data() -> str | BaseResponse:
    """What the service keeps about the person, made into one file for them."""
    if request.method == "GET":
        return render_template("desk/own_data.html")
    return redirect(address("desk.job", job_id=jobs.ask(exports.OWN_DATA, exports.Nothing(), by=actor()).id))


@bp.route("/mon-compte/calendrier", methods=["GET", "POST"])
@requires(P.ACCOUNT_OWN)
def own_calendar() -> str | BaseResponse:
    """The private address of the person's calendar: made, made anew, ended. It is shown once, in the answer."""
    account, secret = db.session.get_one(Account, actor().id), None
    if request.method == "POST" and "end" in request.form:
        people_actions.end_calendar(account, by=actor())
        flash(_("L’adresse d’agenda est supprimée : elle ne donne plus rien."), "success")
        return redirect(address("desk.own_calendar"))
    if request.method == "POST":
        secret = people_actions.make_calendar(account, by=actor())
    return render_template(
        "desk/own_calendar.html", known=people.calendar_link_of(account.id),
        feed=link("desk.calendar", secret=secret) if secret else None,
    )  # fmt: skip


@bp.get("/calendrier/<secret>.ics")
@public
def calendar(secret: str) -> Response:
    """The deadlines of whoever made this address, for the program that keeps their calendar."""
    account = people.account_of_calendar(secret[:100])
    if account is None:
        raise MissingError
    with force_locale(account.locale):
        content = exports.calendar(people.actor_of(account))
    return Response(content, content_type="text/calendar; charset=utf-8", headers={"Cache-Control": "no-store"})


@bp.post("/organisations/<uuid:organisation_id>/archive")
@requires(P.APPLICATION_ARCHIVE, Organisation)
def archive(organisation: Organisation) -> BaseResponse:
    """Have all the dossiers of an organisation made into one file."""
    wanted = exports.OrganisationDossiers(str(organisation.id))
    return redirect(address("desk.job", job_id=jobs.ask(exports.ARCHIVE, wanted, by=actor()).id))


@bp.get("/gestion/dossiers/<uuid:application_id>")
@requires(P.DOSSIER_READ, Application)
def dossier(application: Application) -> str:
    """Everything about one application."""
    return render_template(
        "desk/dossier.html",
        application=application,
        content=applications.content_of(application.id),
        parts=queries.dossier_of(application),
        extensions=applications.extensions_of(application.id) if application.extension_ends_at else [],
        why_not_paper=dossier_actions.why_not_paper_corrected(application) if application.is_on_paper else None,
        result=reviewing.result_of(application) if reviewing.sees_results(actor(), application.id) else None,
    )


@bp.get("/gestion/dossiers/<uuid:application_id>/dossier.pdf")
@requires(P.DOSSIER_READ, Application)
def dossier_pdf(application: Application) -> BaseResponse:
    """What was submitted, on paper."""
    return uploads.attachment(papers.dossier_pdf(application), papers.name_of(application))


@bp.get("/gestion/dossiers/<uuid:application_id>/journal")
@requires(P.JOURNAL_READ, Application)
def dossier_journal(application: Application) -> str:
    """The journal of one dossier."""
    return render_template(
        "desk/dossier_journal.html", application=application,
        entries=queries.journal_of(application, hidden_dossiers()),
    )  # fmt: skip


@bp.get("/gestion/journal")
@requires(P.JOURNAL_READ)
def journal() -> str:
    """The whole journal, newest first: person, dossier, object and days in the URL."""
    filters = _journal_filters()
    page = queries.journal_page(filters, zone=zone(), **places(), hidden=hidden_dossiers())
    families = sorted(((code, str(word)) for code, word in FAMILIES.items()), key=lambda each: search_key(each[1]))
    return render_template("desk/journal.html", page=page, selected=filters, chosen=filters.chosen(), families=families)


@bp.get("/gestion/journal.csv")
@requires(P.JOURNAL_READ)
def journal_csv() -> Response:
    """The journal as a sheet, whole."""
    return sheets.download_csv(exports.journal(_journal_filters(), hidden_dossiers()), zone())


@bp.get("/gestion/journal.xlsx")
@requires(P.JOURNAL_READ)
def journal_xlsx() -> Response:
    """The journal as a workbook, whole."""
    return sheets.download_workbook(exports.journal(_journal_filters(), hidden_dossiers()), zone())


@bp.post("/gestion/journal.xlsx")
@requires(P.JOURNAL_READ)
def journal_job() -> BaseResponse:
    """Have that workbook made by the worker, however long it is."""
    return redirect(address("desk.job", job_id=jobs.ask(exports.JOURNAL, _journal_filters(), by=actor()).id))


def _journal_filters() -> JournalFilters:
    person, dossier, family, since, until = asked("personne", "dossier", "objet", "du", "au")
    return JournalFilters(person, dossier, family, _day(since), _day(until))


def _day(text: str) -> date | None:
    """A day of the address, or None when it is none that has a day before and after it."""
    try:
        day = parse_day(text)
    except ValueError:
        return None
    return day if 1900 <= day.year <= 2999 else None
