"""The writing space: what each page holds and offers, and how far a dossier is."""

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import joinedload

from grants.applications import rules
from grants.applications.models import (
    Application,
    Attachment,
    FieldState,
    PastValue,
    Writer,
)
from grants.applications.parts import PARTS, asked_parts
from grants.applications.parts.budget import LINES, is_account_asked
from grants.applications.parts.fields import (
    Content,
    Field,
    OfferedChoice,
    PerCode,
    Picks,
    RowTable,
    Shares,
)
from grants.applications.parts.part import AskedField, DossierPart, Missing, Part
from grants.applications.parts.questions import QUESTIONS, begun_sections
from grants.applications.queries.content import asked_of, files_of, statement_values, statements_version
from grants.applications.rules import PageData, Path, Typed
from grants.calls import queries as calls
from grants.calls.models import Question, QuestionKind, Section
from grants.calls.rules import Asked
from grants.kernel import clock
from grants.kernel.db import db
from grants.kernel.pages import url_path
from grants.kernel.transaction_cache import cached_in_transaction
from grants.kernel.uploads import file_note
from grants.kernel.words import _, in_words_of, language
from grants.people.models import Account
from grants.programme import queries as programme
from grants.programme.models import (
    FieldOfIntervention,
    RelatedPlan,
)


def parts_of(application: Application) -> Mapping[str, DossierPart]:
    """The pages of declared fields that an application is asked, each with the fields it is asked."""
    return asked_parts(asked_of(application))


def is_asked(application: Application, section: str, path: Path, typed: Typed | None = None) -> bool:
    """Whether a field of a page is asked of an application; of a line of a table, whether each column is in which
    something is typed, and its account if it has one."""
    asked = asked_of(application)
    if section in PARTS:
        name = ".".join((section, path[0]))
        cells = {item: given for item, given in (typed or {}).items() if any(given) and len(path) > 1}
        items = [*cells, *cells.get("account", [])]
        return asked.has(".".join((section, *path))) and all(asked.has(f"{name}.{item}") for item in items)
    rows = calls.questions_of(application.call_id)
    return path[-1] in {str(row.id) for row in rows if asked.takes(row.instruments)}


def is_asked_whole(application: Application, section: str) -> bool:
    """Whether an application is asked all that its call asks of anybody on a page."""
    if section in PARTS:
        accounts = not any(place.startswith(f"{Part.BUDGET}.") for place in asked_of(application).left_out)
        return parts_of(application).get(section) is PARTS[section] and (section != Part.BUDGET or accounts)
    asked, rows = asked_of(application), calls.questions_of(application.call_id)
    return all(asked.takes(row.instruments) for row in rows if f"{QUESTIONS}{row.section.code}" == section)


def section_values(application: Application, section: str, asked: Asked | None = None) -> PageData:
    """What a section says now, in the shape its form gives and `actions.save_section` takes; of the fields that are
    asked of the application, or that `asked` tells.

    The stamp of these values (`rules.stamp_of`) tells whether somebody else changed the section since it was shown.
    """
    if section == Part.STATEMENTS:
        made = {row.statement_id: row.choice for row in application.signatures}
        return {"choices": {str(row.id): made.get(row.id) for row in calls.statements_of(application.call_id)}}
    if section in PARTS:
        part = asked_parts(asked or asked_of(application)).get(section)
        return {field.name: _value_of(application, field) for field in part.fields} if part is not None else {}
    given = {row.question_id: row.value for row in application.answers}
    rows = [row for row in questions_on(application, section, asked) if row.kind is not QuestionKind.FILE]
    return {"answers": {str(row.id): given.get(row.id) for row in rows}}


def _value_of(application: Application, field: AskedField) -> Any:
    """What a declared field holds, as its form gives it."""
    stored = getattr(application, field.attribute)
    match field:
        case Field():
            return field.read(stored)
        case Picks():
            return sorted(str(getattr(row, field.key)) for row in stored)
        case Shares():
            given = {str(getattr(row, field.key)): row.percent for row in stored}
            return {offer.key: given.get(offer.key) for offer in offers_of(application, field.name)}
    if field is LINES:
        asked = asked_of(application)
        lines = [line for line in application.budget_lines if not line.is_request]
        stored = [line for line in lines if is_account_asked(asked, line.account)]
    rows = [
        {"id": str(row.id), **{one.name: one.read(getattr(row, one.attribute)) for one in field.columns}}
        for row in stored
    ]
    if isinstance(field, RowTable):
        return rows
    by_code = {row[field.code.name]: row for row in rows}
    return {code: field.value(by_code.get(code, {})) for code in field.code.labels}


# ---- the fields of a page ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Change:
    """Who last changed a field, since when and when last, and from which open page while it was typed; `wrong` is what
    is typed there that cannot be taken, `past_values` how many its page has."""

    wrong: Typed | None
    at: datetime
    name: str
    writer: UUID | None
    by: UUID | None
    began_at: datetime | None
    past_values: int


def changes_in(application: Application, section: str) -> dict[Path, Change]:
    """The last change of each field of a page that was saved field by field; asked once in a transaction."""
    return cached_in_transaction(
        ("changes", application.id, section),
        lambda: {rules.path_of(path): change for path, change in _changes(application.id, section)},
    )


def _changes(application_id: UUID, section: str) -> Iterator[tuple[str, Change]]:
    here = PastValue.application_id == application_id, PastValue.section == section
    kept: ColumnElement[int] = select(func.count()).where(*here).scalar_subquery()
    changes = (
        select(
            FieldState.path, FieldState.wrong, FieldState.saved_at, Account.name, FieldState.writer,
            FieldState.saved_by, FieldState.began_at, kept,
        )
        .outerjoin(Account, Account.id == FieldState.saved_by)
        .where(FieldState.application_id == application_id, FieldState.section == section)
    )  # fmt: skip
    for path, wrong, saved_at, name, writer, by, began_at, past_values in db.session.execute(changes):
        yield path, Change(wrong, saved_at, name or "", writer, by, began_at, past_values)


def wrong_in(application: Application, section: str) -> dict[Path, Typed]:
    """What is typed on a page that cannot be taken, by field."""
    wrong = {path: change.wrong for path, change in changes_in(application, section).items()}
    return {path: typed for path, typed in wrong.items() if typed is not None and is_asked(application, section, path)}


PRESENT = timedelta(seconds=45)  # how long an open page that is not heard of is taken as open


@dataclass(frozen=True)
class Present:
    """Somebody else who has a page of the dossier open."""

    name: str
    section: str


def others_in(application: Application, who: UUID | None) -> list[Present]:
    """Who else has a page of this dossier open now, each person once."""
    rows = db.session.execute(
        select(Account.id, Account.name, Writer.section)
        .join(Account, Account.id == Writer.account_id)
        .where(Writer.application_id == application.id, Writer.account_id != who)
        .where(Writer.seen_at > clock.now() - PRESENT)
        .order_by(Writer.seen_at)
    )
    return list({row.id: Present(row.name, row.section) for row in rows}.values())


def wrong_answers(application: Application) -> list[Missing]:
    """The fields of a draft where something is typed that cannot be taken, each to be corrected before submitting."""
    waiting = FieldState.application_id == application.id, FieldState.wrong.is_not(None)
    rows = db.session.execute(
        select(FieldState.section, FieldState.path).where(*waiting).order_by(FieldState.section, FieldState.path)
    )
    return [
        Missing(
            section, path.partition(".")[0],
            _("« %(field)s » : ce qui est saisi ne peut pas être pris. Corrigez-le.",
              field=name_of(application, section, rules.path_of(path))),
        )
        for section, path in rows
        if is_asked(application, section, rules.path_of(path))
    ]  # fmt: skip


def name_of(application: Application, section: str, path: Path) -> str:
    """What people read of a field of a page."""
    name, *code = path
    if section in PARTS and section != Part.STATEMENTS:
        field = next(one for one in PARTS[section].fields if one.name == name)
        match field:
            case PerCode():
                return field.label_of(code[0])
            case Shares():
                return next((offer.label for offer in offers_of(application, name) if offer.key == code[0]), "")
            case RowTable():
                return str(field.label if field is LINES else PARTS[section].title)
        return str(field.label)
    key = UUID(code[0])
    if section == Part.STATEMENTS:
        return next(
            (in_words_of(row, "title") for row in calls.statements_of(application.call_id) if row.id == key), ""
        )
    rows = cached_in_transaction(("questions", application.id, section), lambda: questions_on(application, section))
    return next((in_words_of(row, "label") for row in rows if row.id == key), "")


def missing(application: Application, content: Content) -> list[Missing]:
    """Everything that stops a draft with this content from being submitted, what is typed wrong included."""
    wrong = cached_in_transaction(("wrong", application.id, language()), lambda: wrong_answers(application))
    return [*rules.missing(content), *wrong]


# ---- what a page offers --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class OfferedRow:
    """A row one may choose: the key that values name it by, what people read, and its group in a long list."""

    key: str
    label: str
    row: Any
    group: str = ""


def offers_of(application: Application, name: str) -> list[OfferedRow]:
    """What the field of a name offers to choose from, in order, in the reader's language; asked once in a request."""
    return cached_in_transaction(("offers", application.id, name, language()), lambda: _offered(application, name))


def _offered(application: Application, name: str) -> list[OfferedRow]:
    match name:
        case "instrument":
            rows = calls.instruments_of(application.call_id)
            return [OfferedRow(str(row.instrument_id), in_words_of(row.instrument, "name"), row) for row in rows]
        case "shares":
            return [OfferedRow(str(row.id), row.code, row) for row in programme.axes(application.call.framework_id)]
        case "actions":
            return _offered_actions(application)
        case "fields":
            return _titled(programme.fields(application.call.framework_id))
        case "plans":
            return _titled(programme.plans(application.call.framework_id))
        case "communes":
            return [OfferedRow(row.insee, row.name, row) for row in programme.communes()]
        case "areas":
            areas = programme.priority_areas()
            return [OfferedRow(str(row.id), f"{row.name} ({row.commune.name})", row) for row in areas]
    raise KeyError(name)


def _titled(rows: Iterable[FieldOfIntervention | RelatedPlan]) -> list[OfferedRow]:
    return [OfferedRow(str(row.id), in_words_of(row, "title"), row) for row in rows]


def _offered_actions(application: Application) -> list[OfferedRow]:
    """The actions of the framework, axis by axis; one whose title is not known yet says so."""
    framework = application.call.framework
    untitled = in_words_of(framework, "placeholder")
    rows = sorted(programme.actions(framework.id), key=lambda row: row.axis.position)
    return [
        OfferedRow(
            str(row.id),
            f"{row.number} · {in_words_of(row, 'title') or untitled}",
            row,
            f"{row.axis.code} · {in_words_of(row.axis, 'short') or in_words_of(row.axis, 'title')}",
        )
        for row in rows
    ]


def options_of(
    application: Application, section: str, names: Container[str] | None = None, asked: Asked | None = None
) -> dict[str, Any]:
    """What a page of the writing space offers to choose from, and what it asks (`asked`, as `section_values`); `names`,
    when told, are the only fields to be filled."""
    asked = asked or asked_of(application)
    return {"asked": asked, **_options(application, section, names, asked)}


def _options(application: Application, section: str, names: Container[str] | None, asked: Asked) -> dict[str, Any]:
    call_id = application.call_id
    match section:
        case Part.BUDGET:
            return {"accounts": [row for row in programme.budget_accounts() if is_account_asked(asked, row.code)]}
        case Part.STATEMENTS:
            statements, values = calls.statements_of(call_id), statement_values(application)
            words = {row.code: rules.fill(in_words_of(row, "text"), values) for row in statements}
            return {"statements": statements, "words": words, "version": statements_version(application)}
        case _ if section in PARTS:
            part = asked_parts(asked).get(section)
            fields = part.fields if part is not None else ()
            offering = (field for field in fields if isinstance(field, OfferedChoice | Picks | Shares))
            is_filled = [(field.name, names is None or field.name in names) for field in offering]
            return {"offers": {name: offers_of(application, name) if wanted else [] for name, wanted in is_filled}}
        case _:
            everything = calls.questions_of(call_id)
            code = section.removeprefix(QUESTIONS)
            return {
                "questions": [row for row in everything if row.section.code == code and asked.takes(row.instruments)],
                "all_questions": everything,
                "communes": programme.communes(),
                "files_of": _given_files(application, everything),
            }


def _given_files(application: Application, questions: Sequence[Question]) -> dict[str, list[Content]]:
    """The files that answer questions, by question code, each with where to get it."""
    files = {row.id: row for row in db.session.scalars(files_of(application.id))}
    by_id = {answer.question_id: answer.file_id for answer in application.answers if answer.file_id}
    given = {row.code: files[by_id[row.id]] for row in questions if row.id in by_id}
    return {
        code: [{"name": file.name, "href": url_path("applications.file", file_id=file.id), "note": file_note(file)}]
        for code, file in given.items()
    }


def questions_on(application: Application, section: str, asked: Asked | None = None) -> list[Question]:
    """The call's questions on a page of the writing space that are asked, in order (`asked`, as `section_values`)."""
    asked = asked or asked_of(application)
    statement = (
        select(Question)
        .join(Section)
        .where(Question.call_id == application.call_id, Section.code == section.removeprefix(QUESTIONS))
        .options(joinedload(Question.section), joinedload(Question.criterion))
        .order_by(Question.position, Question.code)
    )
    return [row for row in db.session.scalars(statement) if asked.takes(row.instruments)]


@dataclass(frozen=True)
class WritingPage:
    """A page of the writing space: where it is and how complete."""

    code: str
    label: str
    state: str
    lacking: int


def steps(application: Application, content: Content) -> list[WritingPage]:
    """The pages of the writing space in order, each with what is left to do there."""
    left: dict[str, int] = {}
    for item in missing(application, content):
        left[item.section] = left.get(item.section, 0) + 1
    begun = {code for code, part in PARTS.items() if part.is_begun(content)} | begun_sections(content)
    return [
        WritingPage(code, label, _step_state(left.get(code, 0), code in begun), left.get(code, 0))
        for code, label in titles_of(application)
    ]


def titles_of(application: Application) -> list[tuple[str, str]]:
    """The pages of the writing space that are asked, in order, each with its title."""
    parts = parts_of(application)
    titles: list[tuple[str, str]] = [(part, str(parts[part].title)) for part in rules.BEFORE_QUESTIONS if part in parts]
    titles += _question_pages(application)
    return [*titles, *((part, str(parts[part].title)) for part in rules.AFTER_QUESTIONS if part in parts)]


def _question_pages(application: Application) -> list[tuple[str, str]]:
    """The pages of the call's own questions that ask something of this application."""
    asked, questions = asked_of(application), calls.questions_of(application.call_id)
    asking = {row.section_id for row in questions if asked.takes(row.instruments)}
    rows = (row for row in calls.sections_of(application.call_id) if row.id in asking)
    return [(f"{QUESTIONS}{row.code}", in_words_of(row, "title")) for row in rows]


def section_codes(application: Application) -> list[str]:
    """The pages of the writing space that are asked, in order."""
    return [code for code, _title in titles_of(application)]


def _step_state(left: int, begun: bool) -> str:
    if not begun:
        return "todo"
    return "started" if left else "done"


def attachments_of(application_id: UUID) -> dict[UUID, list[Attachment]]:
    """The files given for each piece, in the order they came, with what is known of each."""
    found: dict[UUID, list[Attachment]] = {}
    statement = (
        select(Attachment)
        .where(Attachment.application_id == application_id)
        .options(joinedload(Attachment.file))
        .order_by(Attachment.given_at, Attachment.id)
    )
    for row in db.session.scalars(statement):
        found.setdefault(row.piece_id, []).append(row)
    return found


def attachment_of(application: Application, attachment_id: UUID) -> Attachment | None:
    """A file of this application, and of no other."""
    row = db.session.get(Attachment, attachment_id)
    return row if row is not None and row.application_id == application.id else None
