"""What a draft may take from an earlier dossier of its organisation, answer by answer."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import cast
from uuid import NAMESPACE_URL, uuid5

from sqlalchemy import select

from grants.applications import rules
from grants.applications.models import Application
from grants.applications.parts import PARTS
from grants.applications.parts.budget import LINES, is_account_asked
from grants.applications.parts.fields import (
    Amount,
    Cells,
    Day,
    Json,
    OfferedChoice,
    Picks,
    RowTable,
    Shares,
)
from grants.applications.parts.part import MADE_ANEW, AskedField
from grants.applications.parts.questions import is_empty
from grants.applications.queries.content import asked_of
from grants.applications.queries.corrections import is_correction, is_entering
from grants.applications.queries.writing import (
    is_asked,
    offers_of,
    parts_of,
    questions_on,
    section_codes,
    section_values,
    wrong_in,
)
from grants.applications.rules import FieldData, Path
from grants.calls import queries as calls
from grants.calls import rules as call_rules
from grants.calls.models import Question, QuestionKind
from grants.calls.rules import Asked
from grants.kernel.db import db
from grants.programme import queries as programme

MOST_SHOWN = 20  # earlier dossiers
LONGEST: Mapping[QuestionKind, int] = {QuestionKind.SHORT: 200, QuestionKind.LONG: 4000}  # where a call says nothing
NEVER_ASKED_AGAIN = frozenset({QuestionKind.FILE, QuestionKind.DATE, QuestionKind.MONEY})


@dataclass(frozen=True)
class EarlierAnswer:
    """An answer of an earlier dossier that a field of a draft may take.

    `shown` is the version of what the draft holds in that field, `is_held` whether it holds something there; of shares,
    in any of them: together they make a hundred.
    """

    section: str
    path: Path
    value: FieldData
    shown: str
    is_held: bool

    @property
    def name(self) -> str:
        """What names the answer and the version it would replace, in a form."""
        return "|".join((self.section, rules.name_of_path(self.path), self.shown))


def earlier_dossiers(application: Application) -> Sequence[Application]:
    """The other dossiers of the organisation, without their corrections, the last touched first."""
    return db.session.scalars(
        select(Application)
        .where(Application.organisation_id == application.organisation_id, Application.id != application.id)
        .where(~is_correction(), ~is_entering())
        .options(*Application.opened_with())
        .order_by(Application.touched_at.desc(), Application.id)
        .limit(MOST_SHOWN)
    ).all()


def answers_from(application: Application, earlier: Application) -> list[EarlierAnswer]:
    """The answers of an earlier dossier that the draft may take and does not hold, page by page.

    Dates, amounts outside the budget, statements, files and the answer to "is it your first request?" are never among
    them. A line of the budget comes without its status.
    """
    return [
        answer
        for section in section_codes(application)
        if section not in MADE_ANEW
        for answer in _answers_on(application, earlier, section)
    ]


def _answers_on(application: Application, earlier: Application, section: str) -> Iterator[EarlierAnswer]:
    values = section_values(application, section)
    said, held = rules.fields_in(values), rules.contents_of(values, wrong_in(application, section))
    rows = [_without_id(row) for path, row in said.items() if path[0] in rules.TABLES_OF_ROWS]
    has_shares = any(path[0] == "shares" and value is not None for path, value in said.items())
    offer = _of_part if section in PARTS else _of_questions
    for path, value in offer(application, earlier, section).items():
        mine = held.get(path, rules.NOTHING)
        if mine.value == value or (path[0] in rules.TABLES_OF_ROWS and _without_id(value) in rows):
            continue
        says_nothing = mine.wrong is None and rules.says_nothing(mine.value)
        is_held = not says_nothing or (path[0] == "shares" and has_shares)
        yield EarlierAnswer(section, path, value, mine.version, is_held=is_held)


def _without_id(row: FieldData) -> dict[str, object]:
    return {name: value for name, value in cast(Cells, row).items() if name != "id"}


def _of_part(application: Application, earlier: Application, section: str) -> dict[Path, FieldData]:
    said = section_values(earlier, section)
    fields = {field.name: field for field in parts_of(application)[section].fields}
    taken = {path: value for path, value in rules.fields_in(said).items() if is_asked(application, section, path)}
    fitted = {path: _fitted(application, fields[path[0]], path, value) for path, value in taken.items()}
    found: dict[Path, FieldData] = {}
    for path, value in fitted.items():
        if rules.says_nothing(value):
            continue
        is_row = isinstance(fields[path[0]], RowTable)
        found[(path[0], str(cast(Cells, value)["id"])) if is_row else path] = value
    return found


def _fitted(application: Application, field: AskedField, path: Path, value: FieldData) -> FieldData:
    """What of a value the draft's own call takes; None when nothing of it does."""
    match field:
        case Day() | Amount():
            return None
        case OfferedChoice():
            return value if value in _keys(application, field.name) else None
        case Picks():
            return [key for key in cast(Sequence[str], value) if key in _keys(application, field.name)]
        case Shares():
            return value if path[1] in _keys(application, field.name) else None
        case RowTable():
            return _row(application, field, cast(Cells, value))
    return value


def _keys(application: Application, name: str) -> set[str]:
    return {offer.key for offer in offers_of(application, name)}


def _row(application: Application, field: RowTable, row: Cells) -> Cells | None:
    """A line with the id that it has in this draft, without its days; one of the budget without its status."""
    if field is LINES and str(row["account"]) not in _accounts(asked_of(application)):
        return None
    days = {one.name: one.blank for one in field.fields if isinstance(one, Day)}
    status = {"status": None} if field is LINES else {}
    return {**row, **days, **status, "id": str(uuid5(NAMESPACE_URL, f"{application.id} {row['id']}"))}


def _accounts(asked: Asked) -> set[str]:
    """The accounts of which a draft takes lines."""
    return {row.code for row in programme.budget_accounts() if not row.header and is_account_asked(asked, row.code)}


def _of_questions(application: Application, earlier: Application, section: str) -> dict[Path, FieldData]:
    """The answers to questions of the same code and kind, as far as this call takes them."""
    before = {question.code: question for question in calls.questions_of(earlier.call_id)}
    given = {answer.question_id: answer.value for answer in earlier.answers}
    found: dict[Path, FieldData] = {}
    for question in questions_on(application, section):
        same = before.get(question.code)
        value = given.get(same.id) if same is not None and same.kind is question.kind else None
        if not is_empty(value) and _is_taken(question, value):
            found["answers", str(question.id)] = value
    return found


def _is_taken(question: Question, value: Json) -> bool:
    """Whether an answer to the same question of another call is an answer here."""
    if question.kind in NEVER_ASKED_AGAIN or question.code == call_rules.FIRST_REQUEST:
        return False
    codes = {str(choice["code"]) for choice in question.choices}
    match question.kind:
        case QuestionKind.CHOICE:
            return value in codes
        case QuestionKind.CHOICES:
            return isinstance(value, list) and codes.issuperset(map(str, value))
        case QuestionKind.NUMBER:
            return isinstance(value, int) and value >= (question.minimum or 0)
        case QuestionKind.COMMUNES:
            return True
    return len(str(value)) <= (question.max_length or LONGEST[question.kind])
