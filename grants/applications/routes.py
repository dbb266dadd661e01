"""Views of the application: one's dossiers, the writing space, submission, receipt, and its public verification."""

import hashlib
import re
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import wraps
from typing import Any, Protocol
from uuid import UUID

from flask import Blueprint, flash, jsonify, redirect, render_template, request, url_for
from werkzeug.datastructures import FileStorage
from werkzeug.wrappers import Response

from grants.applications import actions, exports, letters, queries, rules
from grants.applications.forms import (
    Control,
    FieldSave,
    PieceForm,
    QuestionsForm,
    SectionForm,
    Sent,
    StartForm,
    StatementsForm,
    SubmitForm,
    VerifyForm,
    WithdrawForm,
    read_sent,
    section_form,
    stored_form,
)
from grants.applications.lifecycle import UNDER_WAY, ApplicationState
from grants.applications.models import Application, ApplicationVersion, Approval
from grants.applications.parts import PARTS, TABLES, effort
from grants.applications.parts.budget import LINES
from grants.applications.parts.effort import Effort
from grants.applications.parts.fields import Content
from grants.applications.parts.part import MADE_ANEW, Part
from grants.applications.parts.questions import QUESTIONS
from grants.applications.parts.vocabulary import LABELS
from grants.applications.rules import NOTHING, FieldContent, FieldData, PageData, Path, Typed
from grants.calls import queries as calls
from grants.calls import rules as call_rules
from grants.calls.lifecycle import CallState
from grants.calls.models import ApprovalRule, Call, Piece
from grants.calls.rules import EVERYTHING
from grants.documents import actions as documents
from grants.documents import queries as kept_documents
from grants.kernel import clock, previews, stored_forms, throttle, uploads
from grants.kernel.access import (
    actor,
    can,
    holds_subject,
    may_know,
    note_refusal,
    prepared_by,
    public,
    received_at,
    repeatable,
    requires,
    unless_made_for_another,
)
from grants.kernel.bodies import takes_files, takes_texts
from grants.kernel.db import db
from grants.kernel.errors import ConflictError, InvalidError, MissingError, RefusedError, error_page, for_scripts
from grants.kernel.forms import Form, mark, options
from grants.kernel.pages import percent, second, titled
from grants.kernel.paging import key_in
from grants.kernel.query_cache import cached_query
from grants.kernel.text import clean_text, digits_of
from grants.kernel.uploads import Given, StoredFile
from grants.kernel.versions import as_shown
from grants.kernel.words import _, _l, in_words_of, language, n_
from grants.permissions import P

bp = Blueprint("applications", __name__)
Answer = str | Response | tuple[str, int]


class LinkView(Protocol):
    """A view whose address holds the secret of a link."""

    __name__: str

    def __call__(self, secret: str) -> Answer: ...


ROWS_PAGE = "applications/edit_rows.html"
PAGES: dict[str, str] = {
    Part.PROJECT: "applications/edit_project.html",
    Part.AXES: "applications/edit_axes.html",
    Part.TERRITORY: "applications/edit_territory.html",
    Part.PEOPLE: "applications/edit_people.html",
    Part.CLIMATE: "applications/edit_climate.html",
    Part.PARTNERS: ROWS_PAGE,
    Part.CALENDAR: ROWS_PAGE,
    Part.INDICATORS: ROWS_PAGE,
    Part.BUDGET: "applications/edit_budget.html",
    Part.PIECES: "applications/edit_pieces.html",
    Part.STATEMENTS: "applications/edit_statements.html",
}
QUESTIONS_PAGE = "applications/edit_questions.html"
WORDS_CHANGED = _l("Le titre ou le montant du projet a changé depuis que vous avez lu ces déclarations. Relisez-les.")


@bp.app_template_global("word_of")
def word_of(group: str, code: str | None) -> str:
    """The word for a code of a content: groups are those of `vocabulary.LABELS`."""
    return str(LABELS[group].get(code, code)) if code else "—"


@bp.app_template_global("blank_version")
def blank_version() -> str:
    """The version of a line that is not there yet."""
    return NOTHING.version


@bp.app_template_global("other_fields")
def other_fields(place: str, row: Any, *shown: str) -> list[tuple[str, str]]:
    """What a row, or a group of fields, of a content says in fields that the page does not show itself."""
    groups = [part for part in PARTS.values() if part.group == place]
    if groups:
        return groups[0].besides(row, *shown)
    return next(table for table in (*TABLES, LINES) if table.place == place).besides(row, *shown)


@bp.app_template_global("efforts_of")
def efforts_of(call: Call) -> list[queries.OfferEffort]:
    """How much a call asks, by kind of support and by page."""
    return queries.efforts_of(call)


@bp.app_template_global("effort_basis")
def effort_basis() -> str:
    """What the announced minutes rest on."""
    return _(
        "Une estimation, mesurée sur les dossiers de la démonstration : %(reading)s secondes pour lire une question, "
        "%(typing)s caractères écrits par minute, et des textes qui prennent %(written)s de la place permise.",
        reading=effort.READING, typing=effort.TYPING, written=percent(effort.WRITTEN),
    )  # fmt: skip


@bp.app_template_filter("about")
def about(minutes: int) -> str:
    """A duration in words: minutes, or hours and tens of minutes."""
    if minutes < 60:
        return n_("%(num)s minute", "%(num)s minutes", minutes)
    hours, rest = divmod(round(minutes, -1), 60)
    return _("%(hours)s h %(minutes)s", hours=hours, minutes=f"{rest:02d}") if rest else _("%(hours)s h", hours=hours)


@bp.app_template_global("is_asked")
def is_asked(content: Content, *places: str) -> bool:
    """Whether one of some pages, or fields of pages, was asked of a dossier, by its content."""
    asked = rules.asked_in(content)
    return any(map(asked.has, places))


@bp.app_template_global("version_words")
def version_words(receipt: queries.SubmissionReceipt) -> str:
    """Which version a receipt is of, and which one it replaces."""
    return letters.version_words(receipt)


@bp.app_template_global("list_of")
def list_of(application: Application) -> tuple[str, str]:
    """Where a dossier is found again, as (words, address): one's dossiers, or those of its call that came on paper."""
    if application.is_on_paper and application.organisation_id not in actor().organisations:
        return _("Dossiers papier"), url_for("desk.paper", call_id=application.call_id)
    return _("Mes dossiers"), url_for(".index")


@bp.app_template_global("paper_words")
def paper_words(content: Content) -> list[tuple[str, str]]:
    """What is said of the paper that a content was entered from; nothing for one that came by the pages."""
    facts = queries.paper_facts(content)
    return letters.paper_words(facts) if facts is not None else []


@bp.app_template_global("received_words")
def received_words(receipt: queries.SubmissionReceipt) -> str:
    """What the instant of a receipt is."""
    return letters.received_words(receipt)


@bp.app_template_global("let_in_words")
def let_in_words(receipt: queries.SubmissionReceipt) -> list[tuple[str, str]]:
    """What let a dossier in after the closing of its call."""
    return letters.let_in_words(receipt)


@bp.app_template_global("words_in")
def words_in(row: Any, name: str) -> str:
    """The text of a content's row in the reader's language."""
    return in_words_of(row, name)


# ---- one's dossiers ------------------------------------------------------------------------------------------------


@bp.get("/dossiers")
@requires(P.ACCOUNT_OWN)
def index() -> str:
    """The dossiers of the organisations one acts for."""
    rows = queries.of_organisations(actor().organisations)
    drafts = [row for row in rows if row.state is ApplicationState.DRAFT]
    others = [row for row in rows if row.state is not ApplicationState.DRAFT]
    windows = queries.windows_of([row.id for row in drafts])
    return render_template("applications/index.html", drafts=drafts, others=others, windows=windows)


@bp.route("/appels/<uuid:call_id>/dossier", methods=["GET", "POST"])
@requires(P.APPLICATION_START, Call)
def start(call: Call) -> Answer:
    """Begin a dossier for one of one's organisations."""
    candidates = queries.candidates(call, actor().organisations)
    form = StartForm()
    form.organisation.choices = options((row.id, row.name) for row in candidates if row.application_id is None)
    if len(form.organisation.choices) == 1 and request.method == "GET":
        form.organisation.data = form.organisation.choices[0].value
    if form.validate_on_submit():
        try:
            application = actions.start(call, UUID(form.organisation.data), by=actor())
        except InvalidError as error:
            form.refuse(error.field, error.message)
        else:
            flash(_("Votre brouillon est prêt. Il se garde à chaque enregistrement."), "success")
            if queries.earlier_dossiers(application):
                return redirect(url_for(".take_up", application_id=application.id))
            return redirect(url_for(".edit", application_id=application.id, section=Part.PROJECT.value))
    is_open = call_rules.is_open(call, clock.now())
    page = render_template(
        "applications/start.html",
        call=call,
        form=form,
        candidates=candidates,
        is_open=is_open,
        has_errors=bool(form.errors),
    )
    return _shown(page)


@bp.route("/dossiers/<uuid:application_id>/reprendre", methods=["GET", "POST"])
@requires(P.APPLICATION_EDIT, Application)
@holds_subject
@takes_texts
def take_up(application: Application) -> Answer:
    """Start from an earlier dossier of the same organisation: choose it, then its answers one by one."""
    if application.is_on_paper:
        raise MissingError
    if application.state is not ApplicationState.DRAFT:
        flash(_("Ce dossier n’est plus un brouillon : il ne se modifie plus."), "info")
        return redirect(url_for(".show", application_id=application.id))
    dossiers, said = queries.earlier_dossiers(application), request.values.get("de", "")[:40]
    earlier = next((one for one in dossiers if str(one.id) == said), None)
    if said and earlier is None:
        raise MissingError
    has_errors = False
    if request.method == "POST" and earlier is not None:
        chosen = set(request.form.getlist("take"))
        if chosen:
            return _taken_up(application, earlier, chosen)
        has_errors = True
    page = render_template(
        "applications/take_up.html",
        application=application,
        dossiers=dossiers,
        earlier=earlier,
        pages=_earlier_pages(application, earlier) if earlier is not None else [],
        has_errors=has_errors,
    )
    return page, 422 if has_errors else 200


def _taken_up(application: Application, earlier: Application, chosen: set[str]) -> Response:
    amounts = "amounts" in request.form
    taken, left = actions.take_up(application, earlier, chosen, with_amounts=amounts, by=actor())
    flash(
        n_("%(num)s réponse reprise. Relisez-la.", "%(num)s réponses reprises. Relisez-les.", taken),
        "success" if taken else "warning",
    )
    if left:
        flash(_("Ce qui a changé entre-temps dans ce dossier n’a pas été remplacé."), "warning")
    return redirect(url_for(".edit", application_id=application.id, section=Part.PROJECT.value))


@dataclass
class ShownAnswer:
    """An answer of an earlier dossier, in words, and what the draft holds in its place."""

    name: str
    label: str
    words: str
    held: str
    is_held: bool


def _earlier_pages(application: Application, earlier: Application) -> list[tuple[str, list[ShownAnswer]]]:
    """The answers of an earlier dossier that may be taken, by page, in words."""
    answers, titles = queries.answers_from(application, earlier), dict(queries.titles_of(application))
    pages: list[tuple[str, list[ShownAnswer]]] = []
    for section in dict.fromkeys(answer.section for answer in answers):
        values = queries.section_values(application, section)
        form = stored_form(section, queries.options_of(application, section), values)
        held = rules.fields_in(values)
        shown = [
            ShownAnswer(
                answer.name,
                queries.name_of(application, section, answer.path),
                form.words_at(answer.path, answer.value),
                form.words_at(answer.path, held[answer.path]) if held.get(answer.path) is not None else "",
                answer.is_held,
            )
            for answer in answers
            if answer.section == section
        ]
        pages.append((titles[section], shown))
    return pages


def _shown(page: str) -> tuple[str, int]:
    return page, 422 if request.method == "POST" else 200


# ---- the writing space ---------------------------------------------------------------------------------------------


@bp.get("/dossiers/<uuid:application_id>/rediger")
@requires(P.APPLICATION_EDIT, Application)
def write(application: Application) -> Response:
    """The writing space, at the first page that is not complete."""
    steps = queries.steps(application, queries.draft_content(application))
    first = next((step for step in steps if step.state != "done"), steps[0])
    return redirect(url_for(".edit", application_id=application.id, section=first.code))


@bp.route("/dossiers/<uuid:application_id>/rediger/<section>", methods=["GET", "POST"])
@requires(P.APPLICATION_EDIT, Application)
@holds_subject
@prepared_by(uploads.examine_sent)
@takes_files
def edit(application: Application, section: str) -> Answer:
    """A page of the writing space: shown, saved complete or not."""
    if application.state is not ApplicationState.DRAFT:
        flash(_("Ce dossier n’est plus un brouillon : il ne se modifie plus."), "info")
        return redirect(url_for(".show", application_id=application.id))
    if section == Part.PIECES:
        return _edit_pieces(application)
    if section not in queries.section_codes(application):
        return _not_asked(application, section)
    offered = _offered(application, section)
    form = _form(application, section, offered)
    if request.method == "POST":
        if unasked := _typed_unasked(application, section, form):
            return error_page(409, str(actions.NOT_ASKED), versions=unasked)
        if isinstance(form, StatementsForm) and form.read.data not in {None, offered["version"]}:
            return _words_changed(form, queries.section_values(application, section))
        answer = _save(application, section, form, offered)
        if answer is not None:
            return answer
    return _shown(_edit_page(application, section, form, offered))


def _not_asked(application: Application, section: str) -> Answer:
    """A page that the kind of support does not ask: what was typed there is shown, and nothing is written."""
    form, stored = _whole_form(application, section)
    if request.method == "POST":
        return error_page(409, str(actions.NOT_ASKED), versions=form.differences(stored))
    flash(_("Cette page n’est pas demandée pour le type de soutien choisi."), "info")
    return redirect(url_for(".edit", application_id=application.id, section=Part.PROJECT.value))


def _whole_form(application: Application, section: str) -> tuple[SectionForm, PageData]:
    """The form of a page with everything that the call asks of anybody, and what it holds. Raises MissingError for a
    page that nobody is asked."""
    pages = {f"{QUESTIONS}{row.section.code}" for row in calls.questions_of(application.call_id)}
    if section not in {*PAGES, *pages}:
        raise MissingError
    offered = queries.options_of(application, section, asked=EVERYTHING)
    stored = queries.section_values(application, section, EVERYTHING)
    return section_form(section, offered, stored), stored


def _typed_unasked(application: Application, section: str, form: SectionForm) -> list[dict[str, str]]:
    """What another open page still sends in fields of this page that are not asked any more, and what they hold."""
    if queries.is_asked_whole(application, section):
        return []
    whole, stored = _whole_form(application, section)
    asked = form.names()
    typed, held = rules.fields_in(whole.values()), rules.fields_in(stored)
    files = [{"label": str(control.label.text), "mine": sent.filename, "theirs": ""} for control in whole
             if control.name not in asked and (sent := request.files.get(control.name)) and sent.filename]  # fmt: skip
    return files + [
        whole.difference(path, typed, held)
        for path in whole.paths()
        if (gone := [one for one in whole.controls_of(path) if one.name not in asked])
        and any(request.form.get(control.name, "").strip() for control in gone)
        and _cells(typed.get(path), gone) != _cells(held.get(path), gone)
    ]


def _cells(value: FieldData, controls: list[Control]) -> object:
    """Of a line of a table, what stands in these controls; of anything else, the whole."""
    return [value.get(control.short_name) for control in controls] if isinstance(value, Mapping) else value


@bp.post("/dossiers/<uuid:application_id>/rediger/<section>/champs")
@requires(P.APPLICATION_EDIT, Application)
@holds_subject
@repeatable
@for_scripts
@takes_texts
def save_fields(application: Application, section: str) -> Response:
    """Save the fields of a page as they are typed, each once whatever is sent again, and tell who else writes.

    `saves` holds what `read_sent` reads. The answer tells of each save: saved, wrong (kept as typed), conflict (with
    what the other wrote), closed (no longer a draft), long or unknown (not kept).
    """
    unless_made_for_another()
    sent = read_sent(request.form.get("saves", ""))
    last = max((save.number for save in sent.saves), default=0)
    received, is_recorded = actions.receive(application, section, sent.writer, last, by=actor())
    answer = SavesAnswer(second(clock.now()), is_open=queries.window_of(application).is_open)
    if application.state is not ApplicationState.DRAFT:
        answer.is_draft = False
        answer.saves = [SaveOutcome(save.number, rules.name_of_path(save.path), state="closed") for save in sent.saves]
    elif section not in queries.section_codes(application):
        answer.saves = [SaveOutcome(save.number, rules.name_of_path(save.path), state="unknown",
                                    message=str(actions.NOT_ASKED)) for save in sent.saves]  # fmt: skip
    elif section != Part.PIECES:
        _save_sent(application, section, sent, answer, received, is_recorded=is_recorded)
    if not sent.saves and answer.is_draft:
        titles = dict(queries.titles_of(application))
        present = queries.others_in(application, actor().id)
        answer.others = [_("%(name)s est sur « %(page)s »", name=one.name, page=titles.get(one.section, ""))
                         for one in present]  # fmt: skip
    return jsonify(answer)


@dataclass
class SaveOutcome:
    """What a save of a field came to; `theirs`, `name` and `when` say what somebody else wrote there in a conflict."""

    number: int
    field: str
    version: str = ""
    state: str = "saved"
    message: str = ""
    theirs: str = ""
    name: str = ""
    when: str = ""


@dataclass
class LastChange:
    """Who last changed a field, and when."""

    name: str
    when: str


@dataclass
class SavesAnswer:
    """What a script is answered: the versions of all fields of the page (`stamp`), who changed them from another page,
    and the people on the pages of the dossier."""

    at: str
    is_open: bool
    is_draft: bool = True
    saves: list[SaveOutcome] = field(default_factory=list)
    stamp: str = ""
    changes: dict[str, LastChange] = field(default_factory=dict)
    others: list[str] = field(default_factory=list)


def _save_sent(
    application: Application, section: str, sent: Sent, answer: SavesAnswer, received: int, *, is_recorded: bool
) -> None:
    """Save what was not received before, and answer what each save came to."""
    offered = _offered(application, section, {save.path[0] for save in sent.saves})
    if sent.saves and offered.get("version") not in {None, request.form.get("read")}:
        raise ConflictError(str(WORDS_CHANGED))
    values, changes = queries.section_values(application, section), queries.changes_in(application, section)
    wrong = queries.wrong_in(application, section)
    held, refused = rules.contents_of(values, wrong), ""
    unasked = {save.path for save in sent.saves if not queries.is_asked(application, section, save.path, save.typed)}
    taken = {save.path: save for save in sent.saves if not save.is_too_long and save.path not in unasked}
    typed = {**wrong, **{path: save.typed for path, save in taken.items()}}
    form = stored_form(section, offered, rules.with_lines(values, typed))
    known = typed.keys() & set(form.paths())
    mine = _mine(form, stored_form(section, offered, values), {path: typed[path] for path in known}) if taken else {}
    again = {path for path, save in taken.items() if save.number <= received}
    own = {path for path, change in changes.items() if change.writer == sent.writer}
    shown = {path: content.version for path, content in held.items()}
    shown |= {path: save.version for path, save in taken.items() if path not in own}
    conflicts: list[Path] = []
    try:
        with db.session.begin_nested():
            fresh = {path: content for path, content in mine.items() if path not in again}
            conflicts, held = actions.save_fields(
                application, section, fresh, shown, by=actor(), writer=sent.writer, is_recorded=is_recorded
            )  # fmt: skip
    except InvalidError as error:
        refused = error.message
    # What came before and is no longer there was never taken, or was changed since: both texts are shown.
    lost = {path for path in again - own if mine.get(path, NOTHING).version != held.get(path, NOTHING).version}
    for save in sent.saves:
        outcome = _outcome(form, save, held.get(save.path, NOTHING), refused)
        if save.is_too_long or save.path in unasked or save.path not in known:
            outcome.state = "long" if save.is_too_long else "unknown"
            if save.path in unasked:
                outcome.message = str(actions.NOT_ASKED)
        if save.path in {*conflicts, *lost}:
            _tell_theirs(outcome, form, held.get(save.path, NOTHING), save.path, changes.get(save.path))
        answer.saves.append(outcome)
    answer.stamp = rules.stamp_in(held)
    answer.changes = {rules.name_of_path(path): LastChange(change.name, second(change.at))
                      for path, change in changes.items() if change.writer != sent.writer}  # fmt: skip


def _mine(form: SectionForm, stored: SectionForm, typed: Mapping[Path, Typed]) -> dict[Path, FieldContent]:
    """What fields hold once they are typed in a form of what is stored; the form then says what is wrong in them."""
    for path, given in typed.items():
        form.type_in(path, given)
    mark(form)
    wrong = form.wrong()
    form.keep_valid(stored)
    contents = rules.contents_of(form.values(), wrong)
    return {path: contents.get(path, NOTHING) for path in typed}


def _outcome(form: SectionForm, save: FieldSave, content: FieldContent, refused: str) -> SaveOutcome:
    """What a save came to: its field holds what was typed, or has it beside, marked."""
    outcome = SaveOutcome(save.number, rules.name_of_path(save.path), content.version)
    if refused:
        outcome.state, outcome.message = "refused", refused
    elif content.wrong is not None:
        outcome.state, outcome.message = "wrong", " ".join(form.errors_of(save.path))
    return outcome


def _tell_theirs(
    outcome: SaveOutcome, form: SectionForm, content: FieldContent, path: Path, change: queries.Change | None
) -> None:
    """Say in an outcome what somebody else wrote in the field, who and when."""
    outcome.state, outcome.theirs = "conflict", _words_of(form, path, content)
    if change is not None:
        outcome.name, outcome.when = change.name, second(change.at)


def _words_of(form: SectionForm, path: Path, content: FieldContent) -> str:
    """What a field holds, in words: what is typed there that cannot be taken, or its value."""
    if content.wrong is not None:
        return "\n".join(value for given in content.wrong.values() for value in given)
    return form.words_at(path, content.value) if content.value is not None else ""


def _offered(application: Application, section: str, names: Container[str] | None = None) -> dict[str, Any]:
    if section not in queries.section_codes(application):
        raise MissingError
    return queries.options_of(application, section, names)


def _form(application: Application, section: str, offered: dict[str, Any]) -> SectionForm:
    """The form of a page: as it is stored, what is typed wrong in it included, or as it was sent."""
    values, wrong = queries.section_values(application, section), queries.wrong_in(application, section)
    stamp, is_read = rules.stamp_of(values, wrong), request.method == "GET"
    is_typed = is_read and stored_forms.recall_draft(actor().id, "stamp", stamp)
    more, account = request.args.get("lignes", ""), request.args.get("compte", "")
    form = section_form(
        section, offered, rules.with_lines(values, wrong), more=int(more) if more in {"1", "2", "3", "4", "5"} else 1,
        account=account,
    )  # fmt: skip
    if is_typed:
        mark(form)
    elif is_read:
        form.stamp.data = stamp
        for path, typed in wrong.items():
            form.type_in(path, typed)
        if wrong:
            mark(form)
    if is_read and isinstance(form, StatementsForm):
        form.read.data = offered["version"]
    return form


def _words_changed(form: StatementsForm, theirs: PageData) -> Answer:
    """A statement is made on the words that were read: not once the title or the amount they tell was changed."""
    return error_page(409, str(WORDS_CHANGED), versions=form.differences(theirs))


def _save(application: Application, section: str, form: SectionForm, offered: dict[str, Any]) -> Answer | None:
    """Save what is right of what was typed; None to show the page again when nothing of it could be taken.

    What is wrong stays on the page as it was typed, until it is corrected.
    """
    dropped = request.form.get("drop", "")[:40]
    form.drop_row(dropped)
    is_right = form.validate()
    wrong = form.wrong()
    if not is_right:
        form.keep_valid(stored_form(section, offered, queries.section_values(application, section)))
    given, taken_out = (form.uploads(), dropped) if isinstance(form, QuestionsForm) else ({}, "")
    asked = queries.asked_of(application)
    try:
        is_right &= _stored(application, section, form, wrong, given, taken_out)
    except InvalidError as error:
        form.refuse(error.field, error.message)
        return None
    except ConflictError as error:
        return error_page(409, error.message, versions=form.differences(error.facts["theirs"]))
    if queries.asked_of(application) != asked:
        flash(
            _("Le dossier demande maintenant ce qu’il faut pour ce type de soutien : sa liste de pages a pu changer.")
        )
    return _saved(application, section, is_right=is_right)


def _stored(
    application: Application,
    section: str,
    form: SectionForm,
    wrong: Mapping[Path, Typed],
    files: dict[str, Given],
    dropped: str,
) -> bool:
    """Save a page's values; a file that cannot be taken is left out and told on its field. Whether all was taken."""
    try:
        with db.session.begin_nested():
            actions.save_section(
                application, section, form.values(), by=actor(), stamp=form.shown,
                writer=key_in(request.form.get("writer", "")), wrong=wrong, uploads=files, dropped=dropped,
            )  # fmt: skip
    except InvalidError as error:
        question = (error.field or "").removeprefix("q_")
        if question not in files:
            raise
        flash(f"{titled(form[error.field].label.text)} {error.message}", "error")
        del files[question]
        _stored(application, section, form, wrong, files, dropped)
        return False
    return True


def _saved(application: Application, section: str, *, is_right: bool) -> Response:
    """Where a save leads: the same page, one more line on it, or the page that follows when all is right."""
    place: dict[str, Any] = {"application_id": application.id, "section": section}
    if not is_right:
        flash(_("Enregistré, sauf ce qui est marqué : corrigez-le, puis enregistrez de nouveau."), "warning")
    if "add" in request.form:
        account = request.form.get("account", "")[:12]
        extra: dict[str, Any] = (
            {"compte": account, "_anchor": "budget"} if section == Part.BUDGET else {"lignes": 2, "_anchor": "lignes"}
        )
        return redirect(url_for(".edit", **place, **extra), 302 if is_right else 303)
    if not is_right:
        return redirect(url_for(".edit", **place), 303)
    if application.is_on_paper:
        flash(_("Enregistré. Ce dossier papier n’est pas encore déposé."), "success")
    elif queries.window_of(application).is_open:
        flash(_("Enregistré. Ce dossier n’est pas encore déposé."), "success")
    else:
        flash(_("Enregistré. L’appel n’est pas ouvert : ce dossier ne peut pas être déposé."), "info")
    if request.form.get("do") == "next":
        return redirect(_next(application, section))
    return redirect(url_for(".edit", **place))


def _next(application: Application, section: str) -> str:
    codes = queries.section_codes(application)
    following = codes[codes.index(section) + 1 :]
    if not following:
        return url_for(".review", application_id=application.id)
    return url_for(".edit", application_id=application.id, section=following[0])


def _edit_page(application: Application, section: str, form: Form | None, offered: dict[str, Any]) -> str:
    content = queries.draft_content(application)
    steps = queries.steps(application, content)
    here = next(index for index, step in enumerate(steps) if step.code == section)
    return render_template(
        PAGES.get(section, QUESTIONS_PAGE),
        application=application,
        content=content,
        form=form,
        part=queries.parts_of(application).get(section),
        step=steps[here],
        has_past=section not in MADE_ANEW,
        steps=steps,
        number=here + 1,
        previous=steps[here - 1] if here else None,
        lacking=[item for item in queries.missing(application, content) if item.section == section],
        unmet=[gate for gate in queries.unmet_gates(application, content) if section in gate.sections],
        effort=form.effort if isinstance(form, SectionForm) else Effort(len(calls.pieces_of(application.call_id))),
        window=queries.window_of(application),
        has_errors=bool(form is not None and form.errors),
        is_unsaved=request.method == "POST",
        **offered,
    )


def _edit_pieces(application: Application) -> Answer:
    """The documents: each is sent, joined from those of the organisation, or taken out, by its own button."""
    pieces = calls.pieces_of(application.call_id)
    forms = {piece.id: PieceForm(prefix=f"p{piece.id.hex}-") for piece in pieces}
    if request.method == "POST":
        chosen = next((p for p in pieces if str(p.id) == request.form.get("piece")), None)
        if request.form.get("drop"):
            return _remove_file(application, request.form["drop"])
        if chosen is None:
            raise MissingError
        form = forms[chosen.id]
        if _taken(application, chosen, form):
            return redirect(
                url_for(
                    ".edit", application_id=application.id, section=Part.PIECES.value, _anchor=f"piece-{chosen.code}"
                )
            )
    refused = next((form for form in forms.values() if form.errors), None)
    attachments = queries.attachments_of(application.id)
    offered = {
        "pieces": pieces,
        "forms": forms,
        "attachments": attachments,
        "previewed": previews.previewed(row.file_id for rows in attachments.values() for row in rows),
        # Who enters a dossier from paper does not read the documents of its organisation.
        "documents": {} if application.is_on_paper else kept_documents.offered(application.organisation_id, pieces),
        "may_keep": can(P.DOCUMENT_KEEP, application.organisation),
    }
    return _shown(_edit_page(application, Part.PIECES, refused, offered))


def _taken(application: Application, piece: Piece, form: PieceForm) -> bool:
    """Join the document of the organisation that was chosen, if one was, and the files that came with it."""
    if "document" not in request.form:
        return _attached(application, piece, form)
    is_joined = _joined(application, piece, form)
    return _attached(application, piece, form) or is_joined if _sent_files(form) else is_joined


def _joined(application: Application, piece: Piece, form: PieceForm) -> bool:
    """Join the document of the organisation that the person chose; False when it cannot be: the form says why."""
    key = key_in(request.form["document"][:40])
    try:
        attachment = actions.join_document(application, piece, key, by=actor())
    except InvalidError as error:
        form.refuse("file", error.message)
        return False
    flash(_("Joint au dossier : « %(name)s ».", name=attachment.file.name), "success")
    return True


def _attached(application: Application, piece: Piece, form: PieceForm) -> bool:
    """Keep each file that can be taken and say why the others are not; False when none is: the form says why."""
    given = _sent_files(form)
    if not given:
        form.refuse("file", _("Choisissez d’abord un fichier."))
        return False
    keeps = piece.once_for_all and form.keep.data and can(P.DOCUMENT_KEEP, application.organisation)
    reasons = [(file.filename, _why_not_added(application, piece, file, keeps=keeps)) for file in given]
    refused = [reason if len(given) == 1 else _about(name, reason) for name, reason in reasons if reason]
    if len(refused) == len(given):
        form.refuse("file", " ".join(refused))
        return False
    label, count = in_words_of(piece, "label"), len(given) - len(refused)
    message = _("Fichier reçu : « %(piece)s ».", piece=label)
    flash(
        message if count == 1 else _("%(count)s fichiers reçus : « %(piece)s ».", count=count, piece=label), "success"
    )
    for message in refused:
        flash(message, "error")
    return True


def _sent_files(form: PieceForm) -> list[FileStorage]:
    return [file for file in form.file.data or () if isinstance(file, FileStorage) and file.filename]


def _about(name: str | None, reason: str) -> str:
    return _("« %(name)s » : %(reason)s", name=uploads.clean_name(name or ""), reason=reason)


def _why_not_added(application: Application, piece: Piece, file: FileStorage, *, keeps: bool) -> str:
    """Add a file to a piece, and perhaps to the documents of the organisation; the reason when the piece cannot take
    it, else nothing."""
    try:
        actions.add_file(application, piece, file, by=actor())
    except InvalidError as error:
        return error.message
    if keeps:
        _keep(application, piece, file)
    return ""


def _keep(application: Application, piece: Piece, file: FileStorage) -> None:
    """Keep a file that a piece took among the documents of the organisation, or say why it is not."""
    refused = documents.keep_also(application.organisation_id, piece.code, file, by=actor())
    if refused:
        flash(_about(file.filename, refused), "warning")
    else:
        flash(_("Gardé aussi dans les documents de l’organisation."), "success")


def _remove_file(application: Application, attachment_id: str) -> Response:
    key = key_in(attachment_id)
    attachment = queries.attachment_of(application, key) if key is not None else None
    if attachment is None:
        raise MissingError
    actions.remove_file(application, attachment, by=actor())
    flash(_("Le fichier est retiré."), "success")
    return redirect(url_for(".edit", application_id=application.id, section=Part.PIECES.value))


# ---- past values -----------------------------------------------------------------------------------------------------


@dataclass
class ShownPast:
    """A past value of a field, in words."""

    past: queries.Past
    label: str
    words: str


@bp.get("/dossiers/<uuid:application_id>/rediger/<section>/versions")
@requires(P.APPLICATION_EDIT, Application)
def past_values(application: Application, section: str) -> Answer:
    """What the fields of a page held before they were changed, the last one changed first."""
    if application.state is not ApplicationState.DRAFT:
        return redirect(url_for(".show", application_id=application.id))
    form, _values = _past_form(application, section)
    found, page = queries.past_values(
        application, section, after=request.args.get("after"), before=request.args.get("before")
    )
    return render_template(
        "applications/past_values.html",
        application=application,
        section=section,
        title=dict(queries.titles_of(application))[section],
        page=page,
        shown=[
            _shown_past(application, section, form, past)
            for past in found
            if queries.is_asked(application, section, past.path)
        ],
    )


@bp.route("/dossiers/<uuid:application_id>/rediger/<section>/versions/<uuid:past_id>", methods=["GET", "POST"])
@requires(P.APPLICATION_EDIT, Application)
@holds_subject
def past_value(application: Application, section: str, past_id: UUID) -> Answer:
    """One of them beside what the field holds now; put back."""
    if application.state is not ApplicationState.DRAFT:
        flash(_("Ce dossier n’est plus un brouillon : il ne se modifie plus."), "info")
        return redirect(url_for(".show", application_id=application.id))
    stored, values = _past_form(application, section)
    past = queries.past_value(application, section, past_id)
    if past is None or not queries.is_asked(application, section, past.path):
        raise MissingError
    present = rules.contents_of(values, queries.wrong_in(application, section)).get(past.path, NOTHING)
    problem = ""
    if request.method == "POST":
        content, seen = _as_typed_again(application, section, values, past), request.form.get("shown", "")
        try:
            if actions.restore(application, section, content, past.path, seen, by=actor()):
                flash(_("La version choisie est remise. Celle qu’elle remplace reste dans les versions."), "success")
                return redirect(url_for(".edit", application_id=application.id, section=section))
        except InvalidError as error:
            problem = error.message
        else:
            problem = _("Ce champ a changé entre-temps : comparez de nouveau avant de remettre cette version.")
    shown = _shown_past(application, section, stored, past)
    before, now = rules.compared(shown.words, _words_of(stored, past.path, present))
    return _shown(
        render_template(
            "applications/past_value.html", application=application, section=section, shown=shown, past=past,
            title=dict(queries.titles_of(application))[section], problem=problem, before=before, now=now,
            version=present.version, is_same=past.content.version == present.version,
        )
    )  # fmt: skip


def _past_form(application: Application, section: str) -> tuple[SectionForm, PageData]:
    """The form of a page that keeps past values, as it is stored, and its values."""
    if section in MADE_ANEW:
        raise MissingError
    offered, values = _offered(application, section), queries.section_values(application, section)
    return stored_form(section, offered, values), values


def _shown_past(application: Application, section: str, form: SectionForm, past: queries.Past) -> ShownPast:
    label = queries.name_of(application, section, past.path)
    return ShownPast(past, label, _words_of(form, past.path, past.content))


def _as_typed_again(application: Application, section: str, values: PageData, past: queries.Past) -> FieldContent:
    """What a field holds once a past value is typed in it again. Raises MissingError for a field that is no more."""
    offered = _offered(application, section)
    wrong = {past.path: past.content.wrong} if past.content.wrong is not None else {}
    again = values if wrong else rules.with_fields(values, {past.path: past.content.value})
    form = stored_form(section, offered, rules.with_lines(again, wrong))
    if past.path not in set(form.paths()):
        raise MissingError
    if wrong:
        return _mine(form, stored_form(section, offered, values), wrong)[past.path]
    return rules.contents_of(form.values(), {}).get(past.path, NOTHING)


# ---- review and submit ---------------------------------------------------------------------------------------------


@bp.get("/dossiers/<uuid:application_id>/relire")
@requires(P.APPLICATION_READ_OWN, Application)
def review(application: Application) -> Answer:
    """Everything as the committee will read it, and what is missing."""
    if application.state is not ApplicationState.DRAFT:
        return redirect(url_for(".show", application_id=application.id))
    content = queries.draft_content(application)
    return render_template(
        "applications/review.html",
        application=application,
        content=content,
        steps=queries.steps(application, content),
        missing=queries.missing(application, content),
        lacking=[piece for piece in content["pieces"] if piece["expected"] and not piece["files"]],
        unmet=queries.unmet_gates(application, content),
        mistaken=_mistaken(application),
        window=queries.window_of(application),
        approval=queries.approval_state(application),
    )


def _mistaken(application: Application) -> list[str]:
    """The addresses of the pages where a mistake waits: what is typed there is not in the dossier."""
    codes = dict.fromkeys(item.section for item in queries.wrong_answers(application))
    return [url_for(".edit", application_id=application.id, section=code) for code in codes]


@bp.route("/dossiers/<uuid:application_id>/deposer", methods=["GET", "POST"])
@requires(P.APPLICATION_SUBMIT, Application)
@holds_subject
def submit(application: Application) -> Answer:
    """Confirm, then submit once."""
    if application.state is not ApplicationState.DRAFT:
        flash(_("Ce dossier est déjà déposé : voici ce qu’il en est."), "info")
        return redirect(url_for(".show", application_id=application.id))
    form = SubmitForm()
    attempted_at = None
    if form.validate_on_submit():
        try:
            version = actions.submit(application, by=actor(), received_at=received_at(), seen=int(form.seen.data))
        except InvalidError as error:
            form.refuse(None, error.message)
            attempted_at = _note_attempt(application, "incomplete")
        except ConflictError:
            _note_attempt(application, "changed")
            raise
        except RefusedError:
            if not application.is_on_paper and not call_rules.takes(
                application.dates, received_at(), queries.attempted_at(application)
            ):
                note_refusal("application.late", application, received_at=received_at().isoformat())
            raise
        else:
            flash(_submitted_words(version.application), "success")
            return redirect(url_for(".receipt", application_id=version.application_id))
    form.seen.data = str(application.version)
    content = queries.draft_content(application)
    page = render_template(
        "applications/submit.html",
        application=application,
        form=form,
        missing=queries.missing(application, content),
        window=queries.window_of(application, attempted_at),
        mistaken=_mistaken(application),
        steps=queries.steps(application, content),
        files=queries.files_in(content),
        unmet=queries.unmet_gates(application, content),
        content=content,
        approval=queries.approval_state(application),
    )
    return _shown(page)


def _submitted_words(application: Application) -> str:
    if not application.is_on_paper or application.organisation_id in actor().organisations:
        return _("Votre dossier est déposé. Le reçu part aussi par courriel.")
    if letters.is_written_to(application):
        return _("Le dossier papier est enregistré. Le reçu part par courriel à l’organisation.")
    return _(
        "Le dossier papier est enregistré. Aucune adresse électronique n’est connue : envoyez le reçu par la poste."
    )


# ---- the approval of the legal representative ----------------------------------------------------------------------


ANSWERS = {"approve": True, "refuse": False}
CODES = {"approval_send": (5, 40), "approval_code": (5, 40)}  # an hour, by one link and by one network


def _counted(act: str) -> Callable[[LinkView], LinkView]:
    """Count each use of a link that opens something, before anything is read. Placed above `@public`."""

    def wrap(view: LinkView) -> LinkView:
        @wraps(view)
        def wrapper(secret: str) -> Answer:
            if request.method == "POST":
                db.session.rollback()  # counting holds no transaction of ours
                by_link, by_network = CODES[act]
                link = hashlib.sha256(secret.encode()).hexdigest()
                network = throttle.network_of(request.remote_addr)
                throttle.attempt(act, {link: by_link, network: by_network}, window=timedelta(hours=1))
            return view(secret=secret)

        return wrapper

    return wrap


@bp.route("/dossiers/<uuid:application_id>/accord", methods=["GET", "POST"])
@requires(P.APPLICATION_EDIT, Application)
@holds_subject
def approval(application: Application) -> Answer:
    """Where the approval of a draft stands; ask for it by a link."""
    if application.state is not ApplicationState.DRAFT:
        return redirect(url_for(".show", application_id=application.id))
    problem = ""
    if request.method == "POST":
        try:
            asked = actions.ask_approval(application, by=actor())
        except InvalidError as error:
            problem = error.message
        else:
            flash(_("Le lien est parti à %(address)s.", address=asked.email), "success")
            return redirect(url_for(".approval", application_id=application.id))
    state = queries.approval_state(application)
    if state.rule is ApprovalRule.NONE:
        raise MissingError
    page = render_template(
        "applications/approval.html", application=application, state=state, problem=problem,
        missing=queries.missing(application, queries.draft_content(application)),
        window=queries.window_of(application),
    )  # fmt: skip
    return page, 422 if problem else 200


def _of_link(secret: str) -> Approval:
    found = queries.approval_of_link(secret[:100])
    if found is None:
        raise MissingError(_("Ce lien n’existe pas, ou plus. Vérifiez qu’il est entier."))
    return found


@dataclass
class SaidOfApproval:
    """What the legal representative typed, and what is wrong with it."""

    answer: str = ""
    word: str = ""
    code: str = ""
    problem: str = ""


@bp.get("/accord/<secret>")
@public
def approve(secret: str) -> Answer:
    """The dossier to be read by the legal representative, and their answer: looking changes nothing."""
    return _approve_page(_of_link(secret), secret, SaidOfApproval())


def _approve_page(found: Approval, secret: str, said: SaidOfApproval) -> tuple[str, int]:
    why_not = actions.why_not_decided(found)
    is_open, application = why_not is None, found.application
    page = render_template(
        "applications/approve.html", approval=found, application=application, secret=secret, said=said, why_not=why_not,
        has_errors=bool(said.problem), read=queries.digest_to_read(application) if is_open else "",
        content=queries.draft_content(application) if is_open else None,
    )  # fmt: skip
    return _shown(page)


@bp.post("/accord/<secret>/code")
@_counted("approval_send")
@public
@repeatable
def approval_code(secret: str) -> Answer:
    """Send a code to the address of the legal representative."""
    actions.send_code(_of_link(secret), secret)
    flash(_("Un code vient de vous être envoyé par courriel. Il vaut vingt minutes."), "success")
    return redirect(url_for(".approve", secret=secret, _anchor="reponse"))


@bp.post("/accord/<secret>")
@_counted("approval_code")
@public
@repeatable
def decide_approval(secret: str) -> Answer:
    """Approve what was read, or refuse, with the code."""
    found, typed = _of_link(secret), request.form
    word = clean_text(typed.get("word", ""), 1000) or ""
    said = SaidOfApproval(typed.get("answer", ""), word, typed.get("code", "")[:40])
    is_approved = ANSWERS.get(said.answer)
    try:
        actions.decide_approval(
            found, secret, code=digits_of(said.code), read=typed.get("read", ""), is_approved=is_approved, word=word
        )
    except InvalidError as error:
        said.problem = error.message
        return _approve_page(found, secret, said)
    flash(_("Votre accord est enregistré. L’équipe du dossier en est avertie.") if is_approved
          else _("Votre refus est enregistré. L’équipe du dossier en est avertie."), "success")  # fmt: skip
    return redirect(url_for(".approve", secret=secret))


def _note_attempt(application: Application, outcome: str) -> datetime | None:
    """Have the first submission that is refused while the call is open written to the journal; returns when it came.

    The line is written once the transaction of this request is undone. A dossier on paper needs no attempt.
    """
    if application.is_on_paper:
        return None
    noted = queries.attempted_at(application)
    if noted is not None or not call_rules.is_open(application.dates, received_at()):
        return noted
    note_refusal("application.attempted", application, received_at=received_at().isoformat(), outcome=outcome)
    return received_at()


@bp.get("/dossiers/<uuid:application_id>/recu")
@requires(P.APPLICATION_READ_OWN, Application)
def receipt(application: Application) -> str:
    """The receipt of a submitted dossier: of the version that counts, or of the one of a number."""
    version = _asked_version(application)
    content = letters.receipt_of(version, language())
    superseded = queries.version_of(application.id, version.number + 1) is not None
    return render_template("applications/receipt.html", application=application, receipt=content, superseded=superseded)


@bp.get("/dossiers/<uuid:application_id>/recu.pdf")
@requires(P.APPLICATION_READ_OWN, Application)
def receipt_pdf(application: Application) -> Response:
    """The same receipt on paper."""
    version = _asked_version(application)
    return uploads.attachment(letters.receipt_pdf(version, language()), letters.receipt_name(version))


@bp.get("/dossiers/<uuid:application_id>/dossier.pdf")
@requires(P.APPLICATION_READ_OWN, Application)
def dossier_pdf(application: Application) -> Response:
    """The whole dossier on paper: the submitted one, perhaps in the version of a number, or the draft as it stands."""
    version = _asked_version(application) if "version" in request.args else None
    return uploads.attachment(exports.dossier_pdf(application, version), exports.name_of(application, version))


@bp.get("/appels/<code>/dossier-vierge.pdf")
@public
def blank_pdf(code: str) -> Response:
    """The questions of a call on paper, with room to write."""
    call = calls.call_by_code(code)
    if call is None or not may_know(call):
        raise MissingError
    if call.state is CallState.DRAFT:
        content = exports.blank_pdf(call)
    else:
        content = cached_query(("blank dossier", call.id, language()), lambda: exports.blank_pdf(call))
    return uploads.attachment(content, f"dossier-vierge-{call.code}.pdf")


def _asked_version(application: Application) -> ApplicationVersion:
    """The version whose number the address tells, else the last one."""
    number = request.args.get("version", "")
    if not number:
        return _frozen(application)
    if not re.fullmatch("[0-9]{1,4}", number):
        raise MissingError
    return _frozen(application, int(number))


def _frozen(application: Application, number: int | None = None) -> ApplicationVersion:
    version = (queries.latest_version(application.id) if number is None
               else queries.version_of(application.id, number))  # fmt: skip
    if version is None:
        raise MissingError
    return version


@bp.get("/verifier")
@public
def verify() -> str:
    """Tell anyone whether a number and a digest stand on one receipt; nothing else."""
    form = VerifyForm(request.args)
    asked = bool(form.reference.data or form.digest.data)
    authentic = asked and queries.is_authentic(*rules.as_written(form.reference.data or "", form.digest.data or ""))
    return render_template("applications/verify.html", form=form, asked=asked, authentic=authentic)


# ---- a dossier as its applicants follow it -------------------------------------------------------------------------


@bp.get("/dossiers/<uuid:application_id>")
@requires(P.APPLICATION_READ_OWN, Application)
def show(application: Application) -> Answer:
    """Where a dossier stands, in the applicant's words; a correction that ended leads to the dossier it corrected."""
    if application.corrects is not None and application.state is not ApplicationState.DRAFT:
        return redirect(url_for(".show", application_id=application.corrects.id))
    frozen = queries.latest_version(application.id)
    content = queries.draft_content(application) if frozen is None else queries.content_of(application.id)
    correction = queries.correction_of(application) if frozen is not None else None
    return render_template(
        "applications/show.html",
        application=application,
        content=content,
        frozen=frozen,
        story=queries.story_of(application),
        left=len(queries.missing(application, content)) if frozen is None else 0,
        has_earlier=application.is_draft
        and not application.is_on_paper
        and bool(queries.earlier_dossiers(application)),
        window=queries.window_of(correction or application),
        correction=correction,
        why_not_corrected=actions.why_not_corrected(application, clock.now()),
    )


@bp.route("/dossiers/<uuid:application_id>/corriger", methods=["GET", "POST"])
@requires(P.APPLICATION_EDIT, Application)
@holds_subject
def correct(application: Application) -> Answer:
    """Begin to correct a submitted dossier by a new version, or go on with it."""
    if application.state is ApplicationState.DRAFT:
        return redirect(url_for(".write", application_id=application.id))
    correction = queries.correction_of(application)
    if request.method == "POST":
        correction = actions.begin_correction(application, by=actor())
    if correction is not None:
        return redirect(url_for(".write", application_id=correction.id))
    reason = actions.why_not_corrected(application, clock.now())
    if reason is not None:
        flash(str(reason), "info")
        return redirect(url_for(".show", application_id=application.id))
    return render_template("applications/correct.html", application=application)


@bp.get("/dossiers/<uuid:application_id>/versions")
@requires(P.APPLICATION_READ_OWN, Application)
def versions(application: Application) -> str:
    """The versions in which a dossier was submitted, the one that counts first."""
    found = queries.versions_of(application.id)
    if not found:
        raise MissingError
    return render_template("applications/versions.html", application=application, versions=found)


@bp.get("/dossiers/<uuid:application_id>/versions/<int:number>")
@requires(P.APPLICATION_READ_OWN, Application)
def version(application: Application, number: int) -> str:
    """One of them: what it says, and what it changed."""
    frozen = _frozen(application, min(number, 9999))
    before = queries.version_of(application.id, frozen.number - 1)
    content = queries.content_in(frozen)
    return render_template(
        "applications/version.html",
        application=application,
        version=frozen,
        is_last=queries.version_of(application.id, frozen.number + 1) is None,
        content=content,
        before=before,
        changes=exports.changes(queries.content_in(before), content) if before is not None else [],
    )


@bp.route("/dossiers/<uuid:application_id>/retirer", methods=["GET", "POST"])
@requires(P.APPLICATION_WITHDRAW, Application)
@as_shown
def withdraw(application: Application) -> Answer:
    """Withdraw, after saying why."""
    if application.state not in UNDER_WAY | {ApplicationState.DRAFT}:
        flash(_("Ce dossier ne peut plus être retiré."), "info")
        return redirect(url_for(".show", application_id=application.id))
    form = WithdrawForm()
    if "reason" in request.form and form.validate_on_submit():
        try:
            actions.withdraw(application, reason=form.reason.data or "", by=actor())
        except InvalidError as error:
            form.refuse(error.field, error.message)
        else:
            flash(
                _("Le dossier est retiré.")
                if application.corrects is None
                else _("La correction est abandonnée. La version déposée reste celle qui compte."),
                "success",
            )
            return redirect(url_for(".show", application_id=application.id))
    page = render_template(
        "applications/withdraw.html", application=application, form=form, has_errors=bool(form.errors)
    )
    return _shown(page)


@bp.get("/fichiers/<uuid:file_id>")
@requires(P.FILE_READ, StoredFile)
def file(stored: StoredFile) -> Response:
    """A stored file, as an attachment: as it came to those it comes from, as it may be shown to others."""
    return uploads.send(stored, to=actor())


@bp.get("/fichiers/<uuid:file_id>/apercu.jpg")
@requires(P.FILE_READ, StoredFile)
def preview(stored: StoredFile) -> Response:
    """The small picture of a stored file, to recognise it."""
    return previews.send(stored)


@bp.get("/fichiers/<uuid:file_id>/original")
@requires(P.FILE_READ, StoredFile)
def original(stored: StoredFile) -> Response:
    """The bytes that came, whoever asks: to check a signature or a digest."""
    return uploads.send(stored, to=actor(), original=True)
