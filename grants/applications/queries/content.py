"""What a dossier says: from its rows while it is a draft, from its frozen text once it was submitted."""

from collections import Counter
from collections.abc import Container, Iterable, Mapping, Sequence
from datetime import date, datetime
from functools import cache
from typing import Any, NamedTuple, Protocol, TypedDict
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    BindParameter,
    Boolean,
    ColumnElement,
    Date,
    Integer,
    Select,
    String,
    Table,
    Text,
    Uuid,
    bindparam,
    cast,
    literal,
    null,
    select,
    union_all,
)
from sqlalchemy.orm import QueryableAttribute
from sqlalchemy.orm.interfaces import ORMOption
from sqlalchemy.types import TypeEngine

from grants.applications import rules
from grants.applications.models import (
    Answer,
    Application,
    ApplicationVersion,
    Attachment,
    AxisShare,
    BudgetLine,
    Signature,
    application_action,
    application_area,
    application_commune,
    application_field,
    application_plan,
    model_of,
)
from grants.applications.parts import PARTS, TABLES, complete, leave_out
from grants.applications.parts.budget import LINES, is_in_kind, totals
from grants.applications.parts.fields import (
    Amount,
    Content,
    Day,
    Field,
    Json,
    JsonObject,
    PerCode,
    RowTable,
    Tick,
    Whole,
)
from grants.applications.parts.part import Part
from grants.applications.parts.questions import answer_details, is_asked, is_empty
from grants.calls import queries as calls
from grants.calls.models import CallInstrument, Question, QuestionKind, Statement
from grants.calls.rules import AUTHORITY_TO_SIGN, FIRST_REQUEST, Asked
from grants.kernel.db import Keyed, db, get_held, is_held
from grants.kernel.money import Money
from grants.kernel.pages import money
from grants.kernel.uploads import StoredFile
from grants.kernel.words import in_words_of
from grants.people.models import Account, Organisation
from grants.programme.models import (
    Action,
    Axis,
    BudgetAccount,
    Commune,
    FieldOfIntervention,
    FundingForm,
    Instrument,
    Orientation,
    PriorityArea,
    RelatedPlan,
)

FORMAT = 1


class FileRow(Protocol):
    """The columns read of a file."""

    id: UUID
    name: str
    size: int
    sha256: str
    media_type: str
    given_at: datetime
    signed: bool
    copy_sha256: str | None


class AnswerRow(FileRow, Protocol):
    """The columns read of an answer, with those of its file."""

    question_id: UUID
    value: Json


class PieceFileRow(FileRow, Protocol):
    """The columns read of a file given for a piece."""

    piece_id: UUID


class SignatureRow(Protocol):
    """The columns read of a statement that was made; `name` is that of whoever made it."""

    statement_id: UUID
    choice: str
    signed_at: datetime
    name: str | None


class LineRow(Protocol):
    """The columns read of a budget line, with the titles of its account."""

    side: str
    account: str
    amount: Money
    is_request: bool
    title: str | None
    title_en: str | None


class AskedForRow(Protocol):
    """The columns read of an axis served, beside those of the instrument chosen; None where there is none."""

    id: UUID | None
    code: str
    colour: str
    percent: int | None
    instrument: str | None
    form: FundingForm
    minimum: Money
    maximum: Money
    max_rate: int | None


Answers = Mapping[UUID, AnswerRow]  # by question
Signed = Mapping[UUID, SignatureRow]  # by statement


class Picked(NamedTuple):
    """A row of a list that an application names: of a framework's lists, or of the territory's."""

    list: str
    id: UUID
    code: str
    title: str
    more: str | None
    axis: str | None
    orientation: str | None
    orientation_id: UUID | None


PickedRow = tuple[str, UUID, str, str, str | None, str | None, str | None, UUID | None]
Columns = Sequence[QueryableAttribute[Any] | ColumnElement[Any]]


class FactsForPieces(TypedDict):
    """What decides which documents are due."""

    has_rna: bool
    first_request: str | None
    authority: str | None


# ---- content -------------------------------------------------------------------------------------------------------


def is_submitted(application_id: UUID) -> bool:
    """Whether an application was ever submitted; nobody outside its organisation reads what was not."""
    found = select(Application.id).where(Application.id == application_id, Application.submitted_at.is_not(None))
    return db.session.scalar(found) is not None


def content_of(application_id: UUID) -> Content:
    """What was submitted: the latest frozen version, as plain values. Raises LookupError for a draft.

    Amounts are Money under `x` (and whole cents under `x_cents`), keys in `_on` are days, keys in `_at` instants; each
    French text `x` may have its English `x_en`. Codes are those of the models' enums; templates word them with the
    global `word_of(group, code)`, groups as in `rules.LABELS`. Keys, all present but two:

    - left_out: the pages, and fields of pages (`calls.rules.Asked`), that were not asked; blank here
    - unasked: of a draft, what is kept and neither shown nor sent, because it is not asked, by title
    - format, reference, submitted_at, number (of the version), digest (SHA-256 of the frozen text)
    - call {id, code, title}, fund {code, name, body}, author {name}
    - organisation {id, name, acronym, siret, rna, legal_form, purpose, address, postcode, city, website, phone, email,
      founded_on, representative {name, role, email}}
    - project {title, summary, instrument {code, name, form, minimum, maximum, max_rate} or None, requested, total,
      starts_on, ends_on, rate: Fraction, percent of the resources, or None}
    - axes [{id, code, title, short, colour, percent}], actions [{id, number, title, axis (code), orientation (code or
      None)}], fields [{id, code, title}], plans [{id, code, title}]
    - communes [{id, insee, name}], areas [{id, name, commune}]
    - audiences [{kind, number, detail}], participation {level, text}, justice [{kind, text}]
    - climate [{axis, rating, proof}], partners [{name, kind, role, committed, amount}]
    - milestones [{label, due_on}], indicators [{label, unit, target}]
    - budget {charges, resources: [{account, title, label, amount, status, is_request, in_kind}], totals {charges,
      resources, in_kind_charges, in_kind_resources}}
    - sections [{code, title, questions [{code, label, kind, criterion (code or None), required, asked, value, and by
      kind: chosen [{code, label}], amount, day_on, communes [{insee, name}], file}]}]
    - pieces [{code, label, expected, blocks, files [file]}], statements [{code, title, text, edition, kind, choice,
      chosen {code, label} or None, amount or None, required, annex, signed_by, signed_at}]; choice None: not made
    - paper, only of a version that was entered from paper {received_on, postmarked_on or None when it was brought by
      hand, entered_by (name), scan (a file)}
    - approval, only of a version that the legal representative approved {name, role, approved_at}
    - a file is {id, name, size, sha256, media_type} and, since originals are kept, {given_at, signed, copy_sha256 or
      None: the digest of what is shown in its place}
    """
    version = latest_version(application_id)
    if version is None:
        raise LookupError(f"application {application_id} was never submitted")
    return content_in(version)


def content_in(version: ApplicationVersion) -> Content:
    """What a frozen version says, in the same shape."""
    content = _finished(rules.read(version.content))
    content["digest"], content["number"] = version.digest, version.number
    return content


def draft_content(application: Application) -> Content:
    """The same shape for what the application says now, read from its tables; digest and number are None."""
    plain, unasked = content_and_rest(application)
    content = _finished(rules.read(rules.canonical(plain)), unasked)
    content["digest"] = content["number"] = None
    return content


def _finished(content: Content, unasked: Sequence[str] = ()) -> Content:
    complete(content)
    content["unasked"] = list(unasked)
    content["project"]["rate"] = rules.rate_of(content)
    return content


def latest_version(application_id: UUID) -> ApplicationVersion | None:
    """The frozen version that counts."""
    return db.session.scalar(
        select(ApplicationVersion)
        .where(ApplicationVersion.application_id == application_id)
        .order_by(ApplicationVersion.number.desc())
        .limit(1)
    )


def lock(application: Application) -> None:
    """Hold an application's row until the transaction ends, read anew with its call, fund and organisation."""
    if not is_held(application):
        get_held(Application, application.id)


def read_with(application: Application, *parts: ORMOption) -> None:
    """Read parts of an application that were not read yet, with what they point to, in one query."""
    db.session.scalars(select(Application).where(Application.id == application.id).options(*parts)).unique().one()


def plain_content(application: Application, picked: Sequence[Picked] | None = None) -> JsonObject:
    """Everything an application says, in values JSON knows: what a version freezes. A fixed number of queries.

    `picked` are the rows of `picked_by`, for whoever read them already.
    """
    return content_and_rest(application, picked)[0]


def asked_of(application: Application) -> Asked:
    """What the call asks of an application, by the instrument that it chose."""
    return calls.asked_of(application.call_id, application.instrument_id)


def content_and_rest(application: Application, picked: Sequence[Picked] | None = None) -> tuple[JsonObject, list[str]]:
    """The same, and the titles of what the application keeps beside it that it is not asked."""
    asked = asked_of(application)
    plain, answers = _everything(application, picked, asked)
    said = leave_out(plain, asked)
    plain["left_out"] = sorted(asked.left_out)
    return plain, said + answers


def _everything(
    application: Application, picked: Sequence[Picked] | None, asked: Asked
) -> tuple[JsonObject, list[str]]:
    """What an application keeps, its questions those that are asked; and the other questions that it answers."""
    call, fund = application.call, application.call.fund
    lines: Sequence[LineRow] = _read(_lines(), application.id)
    found = totals((line.side, line.account, line.amount) for line in lines)
    author = db.session.get(Account, application.author_id)
    answers: Sequence[AnswerRow] = _read(_answers(), application.id)
    signatures: Sequence[SignatureRow] = _read(_signatures(), application.id)
    given, signed = {row.question_id: row for row in answers}, {row.statement_id: row for row in signatures}
    questions, statements = calls.questions_of(call.id), calls.statements_of(call.id)
    unasked = [row for row in questions if not asked.takes(row.instruments)]
    kept = [in_words_of(row, "label") for row in unasked if row.id in given and not is_empty(given[row.id].value)]
    questions = [row for row in questions if row not in unasked]
    asked_for: Sequence[AskedForRow] = _read(_instrument_and_axes(), application.id)
    plain: JsonObject = {
        "format": FORMAT,
        "reference": application.reference,
        "submitted_at": _iso(application.submitted_at),
        "call": {"id": str(call.id), "code": call.code, **both_languages(call, "title")},
        "fund": {"code": fund.code, **both_languages(fund, "name"), "body": fund.body_name},
        "author": {"name": author.name if author else ""},
        "organisation": organisation_content(application.organisation),
        **_paper(application),
        "project": _project(application, asked_for[0]),
        "axes": [_axis(row) for row in asked_for if row.id is not None],
        **_picked(picked_by(application.id) if picked is None else picked),
        "participation": _columns_of(application, Part.PEOPLE),
        **_rows_in(application.id),
        "budget": {
            "charges": [_line(line) for line in lines if line.side == "charge"],
            "resources": [_line(line) for line in lines if line.side == "resource"],
            "totals": {f"{side}_cents": amount.cents for side, amount in found.by_name()},
        },
        "sections": _sections(call.id, questions, given, {row.section_id for row in unasked}),
        "pieces": _pieces(application, _facts_for_pieces(application, questions, given, statements, signed)),
        "statements": _statements(application, statements, signed),
    }
    return plain, kept


def _paper(application: Application) -> JsonObject:
    """What is said of the paper that a dossier was entered from; nothing for one that came by the pages."""
    paper = application.paper if application.is_on_paper else None
    if paper is None:
        return {}
    agent = db.session.get(Account, paper.entered_by)
    return {
        "paper": {
            "received_on": paper.received_on.isoformat(),
            "postmarked_on": paper.postmarked_on.isoformat() if paper.postmarked_on is not None else None,
            "entered_by": agent.name if agent else "",
            "scan": _file(paper.scan),
        }
    }


def _read(statement: Select[*tuple[Any, ...]], application_id: UUID) -> Sequence[Any]:
    """The rows of an application that a statement reads."""
    return db.session.execute(statement, {"application_id": application_id}).all()


# Statements built once: building one costs more than sending it.
_OWN: BindParameter[UUID] = bindparam("application_id", type_=Uuid())


@cache
def _lines() -> Select[*tuple[Any, ...]]:
    """The lines of a budget, each with its account."""
    columns = (getattr(BudgetLine, field.attribute) for field in LINES.fields)
    return (
        select(*columns, BudgetLine.side, BudgetLine.is_request, BudgetAccount.title, BudgetAccount.title_en)
        .outerjoin(BudgetAccount, BudgetAccount.code == BudgetLine.account)
        .where(BudgetLine.application_id == _OWN)
        .order_by(BudgetLine.position, BudgetLine.id)
    )


@cache
def _answers() -> Select[*tuple[Any, ...]]:
    """The answers given, each with its file."""
    return (
        select(Answer.question_id, Answer.value, *_FILE)
        .outerjoin(StoredFile, (StoredFile.id == Answer.file_id) & StoredFile.removed_at.is_(None))
        .where(Answer.application_id == _OWN)
    )


@cache
def _files_for_pieces() -> Select[*tuple[Any, ...]]:
    """The files given for the pieces the call asks for, in the order they came."""
    return (
        select(Attachment.piece_id, *_FILE)
        .join(StoredFile, (StoredFile.id == Attachment.file_id) & StoredFile.removed_at.is_(None))
        .where(Attachment.application_id == _OWN)
        .order_by(Attachment.given_at, Attachment.id)
    )


@cache
def _signatures() -> Select[*tuple[Any, ...]]:
    """The statements made, each with the name of whoever made it."""
    return (
        select(Signature.statement_id, Signature.choice, Signature.signed_at, Account.name)
        .outerjoin(Account, Account.id == Signature.signed_by)
        .where(Signature.application_id == _OWN)
    )


def picked_by(application_id: UUID) -> list[Picked]:
    """The actions, fields, plans, communes and neighbourhoods an application names, each in its order; one query."""
    rows: Iterable[PickedRow] = db.session.execute(_picked_statement(), {"application_id": application_id})
    return [Picked._make(row) for row in rows]


def _picked(rows: Iterable[Picked]) -> dict[str, list[JsonObject]]:
    found: dict[str, list[JsonObject]] = {"actions": [], "fields": [], "plans": [], "communes": [], "areas": []}
    for row in rows:
        match row.list:
            case "actions":
                facts: JsonObject = {"number": row.code, "title": row.title, "title_en": row.more, "axis": row.axis,
                                     "orientation": row.orientation}  # fmt: skip
            case "communes":
                facts = {"insee": row.code, "name": row.title}
            case "areas":
                facts = {"name": row.title, "commune": row.more}
            case _:
                facts = {"code": row.code, "title": row.title, "title_en": row.more}
        found[row.list].append({"id": str(row.id), **facts})
    return found


@cache
def _picked_statement() -> Select[*PickedRow]:
    """What an application names of each list, one list under another.

    Each begins at the rows of the application: SQLite would read a whole association table from its other end.
    """
    none, unplaced, nowhere = cast(null(), String), cast(literal(0), Integer), (cast(null(), Uuid),)
    names = (*Picked._fields[2:], "position", "first", "second")

    def chosen(
        kind: str, table: Table, row: type[Keyed], texts: Columns, order: Columns, orientation: Columns = nowhere
    ) -> Select[str, UUID, *tuple[Any, ...]]:
        key = next(column for column in table.c if column.name != "application_id")
        labelled = zip((*texts, *(none,) * (5 - len(texts)), *orientation, *order), names, strict=True)
        listed = select(
            literal(kind).label("list"), row.id.label("id"), *(column.label(name) for column, name in labelled)
        )
        mine = table.c.application_id == _OWN
        return listed.select_from(table).join(row, key == row.id).where(mine)

    field, plan, commune, area = FieldOfIntervention, RelatedPlan, Commune, PriorityArea
    all_of_them = union_all(
        chosen("actions", application_action, Action,
               (Action.number, Action.title, Action.title_en, Axis.code, Orientation.code),
               (unplaced, Action.sort_key, none), (Orientation.id,))
        .join(Axis, Axis.id == Action.axis_id).outerjoin(Orientation, Orientation.id == Action.orientation_id),
        chosen("fields", application_field, field, (field.code, field.title, field.title_en),
               (field.position, none, none)),
        chosen("plans", application_plan, plan, (plan.code, plan.title, plan.title_en), (plan.position, none, none)),
        chosen("communes", application_commune, commune, (commune.insee, commune.name),
               (unplaced, commune.sort_key, none)),
        chosen("areas", application_area, area, (area.code, area.name, commune.name),
               (unplaced, commune.sort_key, area.name)).join(commune, commune.id == area.commune_id),
    ).subquery()  # fmt: skip
    columns = all_of_them.c
    listed = select(*(columns[name] for name in Picked._fields))
    return listed.order_by(columns.list, columns.position, columns.first, columns.second, columns.id)


def _columns_of(application: Application, code: str) -> JsonObject:
    """What frozen content says of the fields of a part that are columns of the application."""
    part = PARTS[code]
    return part.plain({field.name: getattr(application, field.attribute) for field in part.columns})


def _rows_in(application_id: UUID) -> dict[str, list[dict[str, Json]]]:
    """The rows of every declared table, in the order given, as frozen content says them; one query."""
    found: dict[str, list[dict[str, Json]]] = {table.place: [] for table in TABLES}
    by_place = {table.place: (table, _placed(table)) for table in TABLES}
    for row in db.session.execute(_rows_statement(), {"application_id": application_id}).mappings():
        table, placed = by_place[row["list"]]
        found[table.place].append(table.plain({field.name: row[column] for field, column in placed}))
    return found


@cache
def _rows_statement() -> Select[Any]:
    """The rows of all declared tables, one under another: their columns stand side by side by the family they are
    compared in (text, number, day, yes or no)."""
    placed = [column for table in TABLES for _field, column in _placed(table)]
    names = sorted(set(placed))

    def listed(table: RowTable | PerCode) -> Select[Any]:
        kind = model_of(table)
        taken = {column: getattr(kind, field.attribute) for field, column in _placed(table)}
        columns = (_like(taken.get(name), name.partition(" ")[0]).label(name) for name in names)
        head = literal(table.place).label("list"), kind.position.label("position"), kind.id.label("id")
        return select(*head, *columns).where(kind.application_id == _OWN)

    listed_rows = union_all(*map(listed, TABLES)).subquery()
    return select(listed_rows).order_by(listed_rows.c.list, listed_rows.c.position, listed_rows.c.id)


_FAMILIES: dict[str, type[TypeEngine[Any]]] = {"text": Text, "number": BigInteger, "day": Date, "yes": Boolean}


def _like(column: Any, family: str) -> ColumnElement[Any]:
    """A column, or null, as its family is compared; SQLite makes numbers of the days it casts."""
    is_plain = column is not None and family in {"day", "yes"}
    return column if is_plain else cast(null() if column is None else column, _FAMILIES[family])


def _family(field: Field) -> str:
    match field:
        case Amount() | Whole():
            return "number"
        case Day():
            return "day"
        case Tick():
            return "yes"
    return "text"


def _placed(table: RowTable | PerCode) -> list[tuple[Field, str]]:
    """The fields of a table, each with its column: the family, and a number in it."""
    taken = Counter[str]()
    placed = []
    for field in table.columns:
        family = _family(field)
        placed.append((field, f"{family} {taken[family]}"))
        taken[family] += 1
    return placed


def files_of(application_id: UUID) -> Select[StoredFile]:
    mine = StoredFile.dossier_id == application_id, StoredFile.removed_at.is_(None)
    return select(StoredFile).where(*mine).order_by(StoredFile.given_at, StoredFile.id)


def _iso(value: date | None) -> str | None:
    return None if value is None else value.isoformat()


def both_languages(row: object, *names: str) -> JsonObject:
    """Columns of a row, each with its English."""
    return {key: getattr(row, key) for name in names for key in (name, f"{name}_en")}


# What a content says of a file.
_FILE = (StoredFile.id, StoredFile.name, StoredFile.size, StoredFile.sha256, StoredFile.media_type, StoredFile.given_at,
         StoredFile.signed, StoredFile.copy_sha256)  # fmt: skip


def _file(stored: FileRow) -> JsonObject:
    return {
        "id": str(stored.id),
        "name": stored.name,
        "size": stored.size,
        "sha256": stored.sha256,
        "media_type": stored.media_type,
        "given_at": stored.given_at.isoformat(),
        "signed": stored.signed,
        "copy_sha256": stored.copy_sha256,
    }


def organisation_content(row: Organisation) -> JsonObject:
    """What a dossier says of its organisation."""
    names = (
        "name", "acronym", "siret", "rna", "purpose", "address", "postcode", "city", "website", "phone", "email",
    )  # fmt: skip
    return {
        "id": str(row.id),
        **{name: getattr(row, name) for name in names},
        "legal_form": row.legal_form.value,
        "founded_on": _iso(row.founded_on),
        "representative": {
            "name": row.representative_name,
            "role": row.representative_role,
            "email": row.representative_email,
        },
    }


@cache
def _instrument_and_axes() -> Select[*tuple[Any, ...]]:
    """Each axis served and its share, in order, beside the instrument chosen and what the call offers of it."""
    offered = (CallInstrument.call_id == Application.call_id) & (
        CallInstrument.instrument_id == Application.instrument_id
    )
    return (
        select(Axis.id, Axis.code, Axis.title, Axis.title_en, Axis.short, Axis.short_en, Axis.colour, AxisShare.percent,
               CallInstrument.minimum, CallInstrument.maximum, CallInstrument.max_rate, Instrument.form,
               Instrument.code.label("instrument"), Instrument.name, Instrument.name_en)
        .select_from(Application)
        .outerjoin(CallInstrument, offered)
        .outerjoin(Instrument, Instrument.id == CallInstrument.instrument_id)
        .outerjoin(AxisShare, AxisShare.application_id == Application.id)
        .outerjoin(Axis, Axis.id == AxisShare.axis_id)
        .where(Application.id == _OWN)
        .order_by(AxisShare.position, AxisShare.id)
    )  # fmt: skip


def _project(application: Application, asked_for: AskedForRow) -> JsonObject:
    return {
        **_columns_of(application, Part.PROJECT),
        "instrument": _instrument(asked_for) if asked_for.instrument is not None else None,
        "total_cents": application.total.cents if application.total else None,
    }


def _instrument(row: AskedForRow) -> JsonObject:
    return {
        "code": row.instrument,
        **both_languages(row, "name"),
        "form": str(row.form.value),
        "minimum_cents": row.minimum.cents,
        "maximum_cents": row.maximum.cents,
        "max_rate": row.max_rate,
    }


def _axis(row: AskedForRow) -> JsonObject:
    return {
        "id": str(row.id),
        "code": row.code,
        **both_languages(row, "title", "short"),
        "colour": row.colour,
        "percent": row.percent,
    }


def _line(line: LineRow) -> JsonObject:
    is_known = line.title is not None
    return {
        **LINES.plain({field.name: getattr(line, field.attribute) for field in LINES.fields}),
        "title": line.title if is_known else line.account,
        "title_en": line.title_en if is_known else "",
        "is_request": line.is_request,
        "in_kind": is_in_kind(line.account),
    }


def _sections(call_id: UUID, asked: Sequence[Question], given: Answers, unasked: Container[UUID]) -> list[JsonObject]:
    """The questions asked, section by section; without the sections (`unasked`) of which none is asked any more."""
    by_code: dict[str, Json] = {row.code: given[row.id].value for row in asked if row.id in given}
    names = _names_of_communes(asked, given)
    questions: dict[UUID, list[JsonObject]] = {}
    for question in asked:
        questions.setdefault(question.section_id, []).append({
            "code": question.code,
            **both_languages(question, "label"),
            "kind": question.kind.value,
            "criterion": question.criterion.code if question.criterion else None,
            "required": question.required,
            "asked": is_asked(question.asked_when, by_code),
            **_answer(question, given.get(question.id), names),
        })  # fmt: skip
    return [
        {"code": row.code, **both_languages(row, "title"), "questions": questions.get(row.id, [])}
        for row in calls.sections_of(call_id)
        if row.id in questions or row.id not in unasked
    ]


def _names_of_communes(asked: Iterable[Question], given: Answers) -> dict[str, str]:
    """The names of the communes that answers speak of; no query when none does."""
    found = (given[row.id].value for row in asked if row.kind is QuestionKind.COMMUNES and row.id in given)
    codes = {str(insee) for value in found if isinstance(value, list) for insee in value}
    if not codes:
        return {}
    rows = db.session.execute(select(Commune.insee, Commune.name).where(Commune.insee.in_(codes)))
    return dict(iter(rows))


def _answer(question: Question, answer: AnswerRow | None, communes: Mapping[str, str]) -> JsonObject:
    value: Json = None if answer is None else answer.value
    content: JsonObject = {"value": value, **answer_details(question, value, communes)}
    if question.kind is QuestionKind.FILE:
        content["file"] = _file(answer) if answer is not None and answer.id is not None else None
    return content


def _pieces(application: Application, facts: FactsForPieces) -> list[JsonObject]:
    files: dict[UUID, list[JsonObject]] = {}
    given: Sequence[PieceFileRow] = _read(_files_for_pieces(), application.id)
    for row in given:
        files.setdefault(row.piece_id, []).append(_file(row))
    return [
        {
            "id": str(piece.id),
            "code": piece.code,
            **both_languages(piece, "label"),
            "expected": piece.required and rules.is_expected(piece.rule, **facts),
            "blocks": piece.blocks,
            "files": files.get(piece.id, []),
        }
        for piece in calls.pieces_of(application.call_id)
    ]


def _facts_for_pieces(
    application: Application,
    asked: Sequence[Question],
    given: Answers,
    statements: Sequence[Statement],
    signed: Signed,
) -> FactsForPieces:
    first = (given[row.id].value for row in asked if row.code == FIRST_REQUEST and row.id in given)
    authority = (signed[row.id].choice for row in statements if row.code == AUTHORITY_TO_SIGN and row.id in signed)
    return {
        "has_rna": bool(application.organisation.rna),
        "first_request": str(said) if (said := next(first, None)) is not None else None,
        "authority": next(authority, None),
    }


def _statements(application: Application, statements: Sequence[Statement], signed: Signed) -> list[JsonObject]:
    values = statement_values(application)
    return [
        {
            "code": statement.code,
            **both_languages(statement, "title"),
            "text": rules.fill(statement.text, values),
            "text_en": rules.fill(statement.text_en, values),
            "edition": statement.edition,
            "kind": statement.kind,
            "required": statement.required,
            "annex": statement.annex,
            "chosen": None,
            **_signed(statement, signed.get(statement.id)),
        }
        for statement in statements
    ]


def _signed(statement: Statement, row: SignatureRow | None) -> JsonObject:
    if row is None:
        return {"choice": None, "signed_by": None, "signed_at": None, "amount_cents": None}
    return {
        "choice": row.choice,
        "amount_cents": int(row.choice) if statement.kind == "money" else None,
        "chosen": next((choice for choice in statement.choices if choice["code"] == row.choice), None),
        "signed_by": row.name,
        "signed_at": _iso(row.signed_at),
    }


def statement_values(application: Application) -> dict[str, str]:
    """What fills the placeholders of a statement."""
    return {
        "amount": money(application.requested) if application.requested else "…",
        "title": application.title or "…",
        "body": application.call.fund.body_name,
    }


def statements_version(application: Application) -> str:
    """The version of what the words of statements tell of the project: its title and the amount."""
    return rules.version_of([application.title, application.requested])
