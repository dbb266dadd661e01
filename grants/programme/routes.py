"""The framework pages the public reads, and the pages where managers keep the fund’s data."""

from itertools import groupby
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.blueprints import BlueprintSetupState
from werkzeug.wrappers import Response

from grants.kernel.access import actor, hidden_money, public, requires
from grants.kernel.bodies import takes_files, takes_texts
from grants.kernel.errors import InvalidError, MissingError
from grants.kernel.forms import done, form_page
from grants.kernel.money import Money
from grants.kernel.versions import as_shown
from grants.kernel.words import _
from grants.permissions import P
from grants.programme import actions, queries, rules
from grants.programme.forms import (
    AxisForm,
    CompleteActionForm,
    FrameworkForm,
    FundForm,
    ImportForm,
    LawValueForm,
    NewActionForm,
    OrientationForm,
    TextForm,
)
from grants.programme.models import Action, ConfiguredText, Framework, Law

bp = Blueprint("programme", __name__)


@bp.record_once
def _give_strands(state: BlueprintSetupState) -> None:
    state.app.jinja_env.globals["strands_of"] = rules.strands_of


Answer = Response | tuple[str, int]
FILE_LIMIT = 300_000


# ---- public --------------------------------------------------------------------------------------------------------


@bp.get("/cadres")
@public
def frameworks() -> str:
    """Every framework the fund is read by."""
    return render_template("programme/frameworks.html", frameworks=queries.frameworks(), sizes=queries.sizes())


@bp.get("/cadres/<code>")
@public
def framework(code: str) -> str:
    """One framework: its axes as threads, its orientations, actions, fields and related plans."""
    found = queries.framework(code)
    if found is None:
        raise MissingError
    return render_template("programme/framework.html", framework=found, **_contents(found))


def _contents(framework: Framework) -> dict[str, Any]:
    return {
        "axes": queries.axes(framework.id),
        "orientations": queries.orientations(framework.id),
        "actions": queries.actions(framework.id),
        "fields": queries.fields(framework.id),
        "plans": queries.plans(framework.id),
        "held": queries.fields_of_actions(framework.id),
        "trust": rules.TRUST_LABELS,
        "tones": rules.TRUST_TONES,
    }


# ---- the fund ------------------------------------------------------------------------------------------------------


@bp.route("/gestion/fonds", methods=["GET", "POST"])
@requires(P.PROGRAMME_EDIT)
def fund() -> Answer:
    """The fund's envelope, what is committed of it, and the contacts of its service."""
    held = queries.fund()
    form = FundForm(obj=held)
    sure = bool(form.confirmed.data)
    if done(
        form, lambda: actions.edit_fund(held, form.values(), confirmed=sure, version=form.version.data, by=actor())
    ):
        flash(_("Le fonds est enregistré."), "success")
        return redirect(url_for("programme.fund"))
    unsure = held.contact_status in queries.UNSURE
    committed = held.committed - sum(hidden_money().values(), Money(0))
    return form_page(
        "programme/fund.html", form, fund=held, committed=committed, instruments=queries.instruments(), unsure=unsure
    )


# ---- frameworks ----------------------------------------------------------------------------------------------------


@bp.get("/gestion/cadres")
@requires(P.PROGRAMME_EDIT)
def frameworks_desk() -> str:
    """The frameworks, with how complete each is."""
    return render_template("programme/frameworks_desk.html", frameworks=queries.frameworks(), sizes=queries.sizes())


@bp.route("/gestion/cadres/nouveau", methods=["GET", "POST"])
@requires(P.PROGRAMME_EDIT)
def create_framework() -> Answer:
    """An empty framework, to be filled by hand."""
    form = FrameworkForm()
    if form.validate_on_submit():
        try:
            made = actions.create_framework(form.values(), by=actor())
        except InvalidError as error:
            form.refuse(error.field, error.message)
        else:
            flash(_("Le cadre est créé. Ajoutez ses axes."), "success")
            return redirect(url_for("programme.manage_framework", framework_id=made.id))
    return form_page("programme/create_framework.html", form)


@bp.route("/gestion/cadres/import", methods=["GET", "POST"])
@requires(P.PROGRAMME_EDIT)
@takes_files
def import_framework() -> Answer:
    """A framework from its files: read, shown with what is wrong by line, then imported."""
    form = ImportForm()
    if request.method == "GET" or not form.validate():
        return form_page("programme/import_framework.html", form, problems=[], file=None)
    toml, table = _text_of(form, "toml"), _text_of(form, "csv")
    file, problems = rules.read_framework(toml, table) if toml.strip() else (None, [])
    if not toml.strip() and not form.errors:
        form.refuse("toml", _("Choisissez le fichier TOML du cadre."))
    if file is not None and not form.errors and request.form.get("step") == "import":
        try:
            made = actions.import_framework(file, by=actor())
        except InvalidError as error:
            form.refuse(error.field, error.message)
        else:
            flash(_("Le cadre est importé."), "success")
            return redirect(url_for("programme.manage_framework", framework_id=made.id))
    form.toml_text.data, form.csv_text.data = toml, table
    shown = file if not form.errors else None
    page, _status = form_page("programme/import_framework.html", form, problems=problems, file=shown)
    return page, 200 if shown else 422


def _text_of(form: ImportForm, name: str) -> str:
    """The text of an uploaded file, or of the step before; what cannot be read is refused on its field."""
    upload = request.files.get(name)
    if upload is None or not upload.filename:
        return _lines_as_they_stand(request.form.get(f"{name}_text", "")[: 2 * FILE_LIMIT])
    content = upload.stream.read(FILE_LIMIT + 1)
    if len(content) > FILE_LIMIT:
        form.refuse(name, _("Ce fichier est trop lourd : 300 Ko au plus."))
        return ""
    try:
        return _lines_as_they_stand(content.decode("utf-8-sig"))
    except UnicodeDecodeError:
        form.refuse(name, _("Ce fichier n’est pas un texte UTF-8."))
        return ""


def _lines_as_they_stand(text: str) -> str:
    """The text of a file with its line numbers intact, so that an error names the line its author sees."""
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "")


@bp.get("/gestion/cadres/<uuid:framework_id>")
@requires(P.PROGRAMME_EDIT, Framework)
def manage_framework(framework: Framework) -> str:
    """One framework at work: axes, orientations, actions, and what remains to be completed."""
    return render_template("programme/manage_framework.html", framework=framework, **_contents(framework))


@bp.route("/gestion/cadres/<uuid:framework_id>/axes/ajouter", methods=["GET", "POST"])
@requires(P.PROGRAMME_EDIT, Framework)
def add_axis(framework: Framework) -> Answer:
    """A new axis."""
    return _add(framework, AxisForm(), actions.add_axis, _("Ajouter un axe"), _("L’axe est ajouté."))


@bp.route("/gestion/cadres/<uuid:framework_id>/orientations/ajouter", methods=["GET", "POST"])
@requires(P.PROGRAMME_EDIT, Framework)
def add_orientation(framework: Framework) -> Answer:
    """A new orientation."""
    form = OrientationForm()
    form.offer(queries.axes(framework.id))
    title, done = _("Ajouter une orientation"), _("L’orientation est ajoutée.")
    return _add(framework, form, actions.add_orientation, title, done)


@bp.route("/gestion/cadres/<uuid:framework_id>/actions/ajouter", methods=["GET", "POST"])
@requires(P.PROGRAMME_EDIT, Framework)
def add_action(framework: Framework) -> Answer:
    """A new action, with or without its title."""
    form = NewActionForm()
    form.offer(queries.orientations(framework.id), queries.fields(framework.id))
    form.offer_axes(queries.axes(framework.id))
    return _add(framework, form, actions.add_action, _("Ajouter une action"), _("L’action est ajoutée."))


def _add(framework: Framework, form: Any, act: Any, title: str, said: str) -> Answer:
    """Show a form of something new in a framework, and add it."""
    if done(form, lambda: act(framework, form.values(), by=actor())):
        flash(said, "success")
        return redirect(url_for("programme.manage_framework", framework_id=framework.id))
    return form_page("programme/add_to_framework.html", form, framework=framework, title=title)


@bp.route("/gestion/actions/<uuid:action_id>", methods=["GET", "POST"])
@requires(P.PROGRAMME_EDIT, Action)
def edit_action(action: Action) -> Answer:
    """Complete or correct an action."""
    held = queries.framework_by_id(action.framework_id)
    chosen = str(action.orientation_id or "")
    columns = {"title": action.title, "title_en": action.title_en, "source": action.source, "version": action.version}
    form = CompleteActionForm(data={**columns, "orientation_id": chosen, "fields": [row.id for row in action.fields]})
    own = [row for row in queries.orientations(held.id) if row.axis_id == action.axis_id]
    form.offer(own, queries.fields(held.id))
    if done(form, lambda: actions.edit_action(action, form.values(), version=form.version.data, by=actor())):
        flash(_("L’action est enregistrée."), "success")
        return redirect(url_for("programme.manage_framework", framework_id=held.id))
    return form_page("programme/edit_action.html", form, framework=held, action=action)


# ---- law and texts -------------------------------------------------------------------------------------------------


@bp.get("/gestion/droit")
@requires(P.PROGRAMME_EDIT)
def law() -> str:
    """The dated table of law, with its sources and how sure each row is."""
    only, waiting = request.args.get("etat", ""), queries.unconfirmed_law()
    shown = waiting if only == "a-confirmer" else queries.all_law()
    return render_template(
        "programme/law.html",
        groups=[list(group) for _code, group in groupby(shown, key=lambda row: row.code)],
        waiting={row.id for row in waiting},
        only=only,
        ever=actions.EVER,
        applied=rules.APPLIED,
        trust=rules.TRUST_LABELS,
        tones=rules.TRUST_TONES,
        units=rules.UNIT_LABELS,
        values=rules.VALUE_LABELS,
    )


@bp.post("/gestion/droit/<uuid:law_id>/confirmer")
@requires(P.LAW_CONFIRM, Law)
def confirm_law(law: Law) -> Response:
    """Say that a rule was read against its source."""
    actions.confirm_law(law, by=actor())
    flash(_("« %(title)s » est confirmé.", title=law.title), "success")
    return redirect(url_for("programme.law", etat=request.args.get("etat") or None, _anchor=law.code))


@bp.route("/gestion/droit/<uuid:law_id>/valeur", methods=["GET", "POST"])
@requires(P.LAW_CONFIRM, Law)
def add_law_value(law: Law) -> Answer:
    """A new value of a rule from a day on."""
    form = LawValueForm()
    if done(form, lambda: actions.add_law_value(law, form.values(), by=actor())):
        flash(_("La nouvelle valeur est enregistrée."), "success")
        return redirect(url_for("programme.law", _anchor=law.code))
    facts = {
        "rows": queries.law_of_code(law.code),
        "ever": actions.EVER,
        "unit": rules.UNIT_LABELS.get(law.unit, ""),
        "values": rules.VALUE_LABELS,
    }
    return form_page("programme/add_law_value.html", form, law=law, **facts)


@bp.get("/gestion/textes")
@requires(P.PROGRAMME_EDIT)
def texts() -> str:
    """The configured texts by use, with those that wait to be confirmed."""
    only, waiting = request.args.get("etat", ""), queries.unconfirmed_texts()
    rows = waiting if only == "a-confirmer" else queries.all_texts()
    return render_template(
        "programme/texts.html",
        groups=[(rules.USE_LABELS.get(use, use), list(group)) for use, group in groupby(rows, key=lambda row: row.use)],
        waiting={row.id for row in waiting},
        only=only,
        trust=rules.TRUST_LABELS,
        tones=rules.TRUST_TONES,
        models=rules.MODELS,
    )


@bp.route("/gestion/textes/<uuid:text_id>", methods=["GET", "POST"])
@requires(P.PROGRAMME_EDIT, ConfiguredText)
@takes_texts
def edit_text(text: ConfiguredText) -> Answer:
    """Read, correct and confirm one text."""
    shown = {"body": text.body, "body_en": text.body_en, "version": text.version}
    form = TextForm(data={**shown, "confirmed": text.confirmed_at is not None})
    sure = bool(form.confirmed.data)
    if done(
        form,
        lambda: actions.edit_text(
            text, form.body.data or "", form.body_en.data or "", confirmed=sure, version=form.version.data, by=actor()
        ),
    ):
        flash(_("Le texte est enregistré."), "success")
        return redirect(url_for("programme.texts", _anchor=text.code))
    return form_page("programme/edit_text.html", form, text=text)


@bp.post("/gestion/textes/<uuid:text_id>/confirmer")
@requires(P.LAW_CONFIRM, ConfiguredText)
@as_shown
def confirm_text(text: ConfiguredText) -> Response:
    """Say that a text may be shown as it is."""
    actions.confirm_text(text, by=actor())
    flash(_("« %(title)s » est confirmé.", title=text.title), "success")
    return redirect(url_for("programme.texts", etat=request.args.get("etat") or None, _anchor=text.code))
