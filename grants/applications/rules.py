"""The logic of an application: what is missing, what must balance, how its euros are read, what is frozen."""

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from difflib import SequenceMatcher
from fractions import Fraction
from typing import TypeAlias, TypeVar, cast
from uuid import uuid4

from grants.applications.parts import PARTS, asked_parts
from grants.applications.parts.budget import Totals, budget_gaps, is_in_kind, is_over_rate, totals
from grants.applications.parts.fields import (
    Cells,
    CodeValue,
    Content,
    FieldValue,
    Json,
    JsonObject,
    RowTable,
    Scalar,
    is_blank,
)
from grants.applications.parts.part import Missing, Part
from grants.applications.parts.questions import QUESTIONS, is_asked, is_empty, missing_answers
from grants.calls.rules import DE_MINIMIS_TOTAL, ECONOMIC_ACTIVITY, Asked, WithGrace
from grants.kernel.money import Money, percentage
from grants.kernel.search import search_key
from grants.kernel.text import bare
from grants.kernel.words import LazyString, _l

__all__ = [
    "QUESTIONS", "Missing", "Part", "Totals", "budget_gaps", "is_asked", "is_empty", "is_in_kind", "is_over_rate",
    "totals",
]  # fmt: skip

Key = TypeVar("Key")
FieldData: TypeAlias = "FieldValue | CodeValue | Cells | Json"  # what one field of a page says
# What a page says, by field: one value, one for each code, or the rows of a table; see `queries.section_values`.
PageValue: TypeAlias = "FieldData | Mapping[str, FieldData] | Sequence[Cells]"
PageData: TypeAlias = Mapping[str, PageValue]
PART_TITLES: dict[str, LazyString] = {code: part.title for code, part in PARTS.items()}
AFTER_QUESTIONS = (Part.PIECES, Part.STATEMENTS)
BEFORE_QUESTIONS = tuple(part for part in Part if part not in AFTER_QUESTIONS)

# ---- the closing of a dossier --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class DossierDates:
    """The dates of a call as they are for one dossier, whose closing is later."""

    opens_at: datetime | None
    closes_at: datetime | None
    opened_at: datetime | None
    results_published_at: datetime | None
    grace_minutes: int


def dates_for(call: WithGrace, extension_ends_at: datetime | None) -> WithGrace:
    """The dates of a call for a dossier: those of the call, with the end of its extension for a closing when that is
    later. Whatever asks until when a dossier may be submitted asks them, never those of the call."""
    if extension_ends_at is None or call.closes_at is None or extension_ends_at <= call.closes_at:
        return call
    return DossierDates(call.opens_at, extension_ends_at, call.opened_at, call.results_published_at, call.grace_minutes)


# ---- a dossier on paper ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class PaperDays:
    """The day the fund received a dossier on paper, and that of its postmark: None when it was brought by hand."""

    received_on: date
    postmarked_on: date | None

    @property
    def sent_on(self) -> date:
        """The day that counts against the closing: the postmark decides (CRPA, art. L112-1)."""
        return self.received_on if self.postmarked_on is None else self.postmarked_on


def why_not_days(days: PaperDays, *, opened_on: date, closed_on: date, today: date) -> tuple[str, LazyString] | None:
    """The field at fault of the days of a dossier on paper, and what is wrong; None when it is in time.

    A postmark says a day: what was posted on the day of the closing is in time, whatever the hour of the closing.
    """
    sent = "received_on" if days.postmarked_on is None else "postmarked_on"
    if days.received_on > today:
        return "received_on", _l("Ce jour est à venir : écrivez celui où le dossier est arrivé.")
    if days.sent_on > days.received_on:
        return sent, _l("Le cachet de la poste ne peut pas être d’un jour après l’arrivée.")
    if days.sent_on < opened_on:
        return sent, _l("L’appel n’était pas encore ouvert ce jour-là.")
    if days.sent_on > closed_on:
        return sent, _l("Ce jour est après la clôture : le dossier est hors délai, il ne peut pas être enregistré.")
    return None


# ---- frozen content ------------------------------------------------------------------------------------------------


def canonical(content: Content) -> str:
    """The one text of a content: keys sorted, no spaces, so that the same facts have the same digest."""
    return json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def digest(text: str) -> str:
    """SHA-256 of a text in UTF-8, in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


def read(text: str) -> Content:
    """A canonical text, its values alive: `x_cents` also read as `x` (Money), `…_on` as days, `…_at` as instants."""
    content: Content = json.loads(text, object_hook=_alive)
    return content


_READERS: dict[str, Callable[[str], date]] = {"_on": date.fromisoformat, "_at": datetime.fromisoformat}


def _alive(pairs: dict[str, object]) -> dict[str, object]:
    found: dict[str, object] = {}
    for key, value in pairs.items():
        if key.endswith("_cents"):
            found[key.removesuffix("_cents")] = Money(value) if isinstance(value, int) else None
        reader = _READERS.get(key[-3:])
        found[key] = reader(value) if reader is not None and isinstance(value, str) else value
    return found


# ---- versions of fields ----------------------------------------------------------------------------------------------

Path = tuple[str, ...]  # a field of a page; one code of a field that holds one value for each; a row of a table, by id
Typed = dict[str, list[str]]  # what was typed in each control of a field
Fields = Mapping[Path, "FieldContent"]
Run = tuple[str, bool]  # a piece of a text, and whether the other text lacks it
Step = tuple[bool, int, int, int, int]  # whether two texts differ there, and where that is in the words of each


@dataclass(frozen=True)
class FieldContent:
    """What a field of a page holds: its value, and what is typed there that cannot be taken, if anything."""

    value: FieldData = None
    wrong: Typed | None = None

    @property
    def version(self) -> str:
        """What the field holds, shortened: the same words again are the same version."""
        return version_of(self.value if self.wrong is None else [self.value, self.wrong])


KEPT_EVERY = timedelta(minutes=10)  # of one person's writing
KEPT_AGAIN = timedelta(seconds=10)  # at the soonest, when a text is replaced by another one
LEAST_LOST = 40  # characters that are taken out of a text
MOST_KEPT = 40  # past values of one field
MOST_KEPT_OF_A_PAGE = 1_000  # past values of all its fields, lines that are gone included
MOST_COMPARED = 1_200  # words and spaces of a text: the work grows with their cube
LONGEST_PATH = 120  # characters of the name of a field on the page
NOTHING = FieldContent()  # a row that is not there
TABLES_OF_ROWS = {field.name for part in PARTS.values() for field in part.fields if isinstance(field, RowTable)}


def version_of(value: object) -> str:
    """The version of a value: what it is, shortened."""
    return digest(json.dumps(value, ensure_ascii=False, sort_keys=True, default=repr))[:10]


def contents_of(values: PageData, wrong: Mapping[Path, Typed]) -> dict[Path, FieldContent]:
    """What each field of a page holds; a row of which nothing could be taken is there too."""
    right = fields_in(values)
    return {path: FieldContent(right.get(path), wrong.get(path)) for path in {**right, **wrong}}


def stamp_of(values: PageData, wrong: Mapping[Path, Typed] | None = None) -> str:
    """The versions of all fields of a page as it was shown, so that a save over somebody else's work is noticed."""
    return stamp_in(contents_of(values, wrong or {}))


def stamp_in(held: Fields) -> str:
    """The same of what each field of a page holds."""
    return " ".join(f"{name_of_path(path)}:{held[path].version}" for path in sorted(held))


def versions_in(stamp: str) -> dict[Path, str]:
    """The versions that a stamp tells, by field; whatever else somebody sends tells none."""
    pairs = (word.rpartition(":") for word in stamp.split())
    return {path_of(path): version for path, colon, version in pairs if colon}


def path_of(name: str) -> Path:
    """The path of a field by its name on the page (`title`, `audiences.youth`)."""
    return tuple(name.split(".", 1))


def name_of_path(path: Path) -> str:
    """The name on the page of the field at a path."""
    return ".".join(path)


def merged(stored: Fields, typed: Fields, shown: Mapping[Path, str]) -> tuple[dict[Path, FieldContent], list[Path]]:
    """What the typed fields of a page become, and those that two people changed, to different things.

    `shown` are the versions of the page when it was made. A field that was not touched there keeps what somebody else
    made of it meanwhile; one that both changed keeps what is stored.
    """
    result, conflicts = {}, []
    for path, mine in typed.items():
        theirs, base = stored.get(path, NOTHING), shown.get(path, NOTHING.version)
        if theirs.version != base != mine.version != theirs.version:
            conflicts.append(path)
        result[path] = theirs if mine.version == base or path in conflicts else mine
    return result, conflicts


def is_worth_keeping(
    past: FieldContent, fresh: FieldContent, *, is_own: bool, began_at: datetime | None, now: datetime
) -> bool:
    """Whether what a field held is kept once it is changed: what somebody else wrote, what was there before ten
    minutes of writing, and a text of which half is taken out.

    `is_own`: the same person wrote what stands, since `began_at`.
    """
    if past.wrong is None and says_nothing(past.value):
        return False
    if not is_own or began_at is None or now - began_at >= KEPT_EVERY:
        return True
    before = _text_in(past)
    lost = len(before) - _left(before, _text_in(fresh))
    return now - began_at >= KEPT_AGAIN and lost >= max(LEAST_LOST, len(before) / 2)


def says_nothing(value: FieldData) -> bool:
    """Whether a field is empty."""
    if isinstance(value, tuple):  # what is said of one code, in several fields
        return all(map(is_blank, cast(Sequence[Scalar], value)))
    return value is None or value in ("", [])


def _text_in(content: FieldContent) -> str:
    """What a field holds as one text: what is typed there, or its value."""
    if content.wrong is not None:
        return "\n".join(line for lines in content.wrong.values() for line in lines)
    if isinstance(content.value, str):
        return content.value
    return "" if content.value is None else json.dumps(plain_of(content.value), sort_keys=True, ensure_ascii=False)


def _left(before: str, after: str) -> int:
    """How many characters a text keeps at its beginning and at its end."""
    beginning = _shared(before, after)
    return beginning + _shared(before[beginning:][::-1], after[beginning:][::-1])


def _shared(one: Sequence[str], other: Sequence[str]) -> int:
    """How many characters, or words, two texts begin with alike."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((place for place, (mine, theirs) in pairs if mine != theirs), min(len(one), len(other)))


def plain_of(value: FieldData) -> Json:
    """A value of a field as JSON; `alive_of` gives it back. Lists and tuples are the same."""
    match value:
        case Money():
            return {"$cents": value.cents}
        case date():
            return {"$day": value.isoformat()}
        case str() | int() | None:  # a boolean is one of these numbers
            return value
        case Mapping():
            return {name: plain_of(one) for name, one in value.items()}
    return [plain_of(one) for one in value]


def alive_of(plain: Json) -> FieldData:
    """The value that `plain_of` made JSON of."""
    match plain:
        case {"$cents": int() as cents}:
            return Money(cents)
        case {"$day": str() as day}:
            return date.fromisoformat(day)
        case Mapping():
            return cast(Cells, {name: alive_of(one) for name, one in plain.items()})
        case str() | int() | None:
            return plain
    return cast("Sequence[str]", [alive_of(one) for one in plain])


def compared(past: str, present: str) -> tuple[list[Run], list[Run]]:
    """Two texts cut in runs, each with whether the other text lacks it. Between what they share at both ends, texts of
    more than MOST_COMPARED words and spaces are not compared: the other one lacks all of it."""
    before, after = _words_in(past), _words_in(present)
    beginning = _shared(before, after)
    end = _shared(before[beginning:][::-1], after[beginning:][::-1])
    ends = beginning, len(before) - end, beginning, len(after) - end
    runs: tuple[list[Run], list[Run]] = [], []
    for is_lacking, start, stop, first, last in _steps(before, after, *ends):
        for run, words in zip(runs, (before[start:stop], after[first:last]), strict=True):
            if words:
                run.append(("".join(words), is_lacking))
    return runs


def _steps(before: Sequence[str], after: Sequence[str], start: int, stop: int, first: int, last: int) -> list[Step]:
    """What two lists of words share and lack, from where they part (`start`, `first`) to where they meet again."""
    middle = [(True, start, stop, first, last)]
    if max(stop - start, last - first) <= MOST_COMPARED:
        found = SequenceMatcher(None, before[start:stop], after[first:last]).get_opcodes()
        middle = [(kind != "equal", start + a, start + b, first + c, first + d) for kind, a, b, c, d in found]
    return [(False, 0, start, 0, first), *middle, (False, stop, len(before), last, len(after))]


def _words_in(text: str) -> list[str]:
    """The words of a text, and the spaces between them."""
    return re.findall(r"\S+|\s+", text)


def rows_in(values: PageData, name: str) -> Sequence[Cells]:
    """The rows of a table of a page, each with its id."""
    return cast(Sequence[Cells], values[name])


def codes_in(values: PageData, name: str) -> Mapping[str, FieldData]:
    """What a field of a page says of each code."""
    return cast(Mapping[str, FieldData], values[name])


def fields_in(values: PageData) -> dict[Path, FieldData]:
    """The fields of a page, each by its path: one field for each code, and for each row of a table."""
    found: dict[Path, FieldData] = {}
    for name, value in values.items():
        if isinstance(value, Mapping):
            found |= {(name, key): one for key, one in codes_in(values, name).items()}
        elif name in TABLES_OF_ROWS:
            found |= {(name, str(row["id"])): row for row in rows_in(values, name)}
        else:
            found[name,] = cast(FieldData, value)
    return found


def with_lines(values: PageData, wrong: Mapping[Path, Typed]) -> PageData:
    """The same values, with an empty line for each of which nothing could be taken, in its account if it has one."""
    known, found = fields_in(values), dict(values)
    for (name, *key), typed in wrong.items():
        if name in TABLES_OF_ROWS & found.keys() and (name, *key) not in known:
            account = typed.get("account")
            line: Cells = {"id": key[0], **({"account": account[0]} if account else {})}
            found[name] = [*rows_in(found, name), line]
    return found


def identified(values: PageData) -> PageData:
    """The same values, each row of a table with an id: a new one where it has none."""
    names = TABLES_OF_ROWS & values.keys()
    return {**values, **{name: [{"id": str(uuid4()), **row} for row in rows_in(values, name)] for name in names}}


def with_fields(values: PageData, fields: Mapping[Path, FieldData]) -> PageData:
    """The same values with those of some fields; a row is added, or taken out where it is None."""
    found = dict(values)
    for (name, *key), value in fields.items():
        if not key:
            found[name] = value
        elif name in TABLES_OF_ROWS:
            found[name] = _with_row(rows_in(found, name), key[0], cast(Cells | None, value))
        else:
            found[name] = {**codes_in(found, name), key[0]: value}
    return found


def _with_row(rows: Sequence[Cells], key: str, row: Cells | None) -> list[Cells]:
    """The rows of a table with one of them changed where it stands, added after them, or taken out."""
    if row is None:
        return [one for one in rows if one["id"] != key]
    if all(one["id"] != key for one in rows):
        return [*rows, row]
    return [row if one["id"] == key else one for one in rows]


_PLACE = re.compile(r"\{([a-z_]+)\}")


def fill(text: str, values: Mapping[str, str]) -> str:
    """A text with its placeholders filled, once; an unknown one, or a brace somebody typed, stays as it is."""
    return _PLACE.sub(lambda match: values.get(match[1], match[0]), text)


# ---- how euros are read ----------------------------------------------------------------------------------------------


def allocate(amount: Money, weights: Sequence[tuple[Key, int]]) -> list[tuple[Key, int, Money]]:
    """Each key's part of an amount, by largest remainder: the parts add up to the amount, to the cent.

    A key told twice gets one part for both. Raises ValueError without a positive weight.
    """
    gathered: dict[Key, int] = {}
    for key, weight in weights:
        gathered[key] = gathered.get(key, 0) + weight
    parts = amount.share(list(gathered.values()))
    return [(key, weight, part) for (key, weight), part in zip(gathered.items(), parts, strict=True)]


def equally(keys: Iterable[Key]) -> list[tuple[Key | None, int]]:
    """The same weight for every key, or all to "not said" (None) when there is none."""
    found: list[tuple[Key | None, int]] = [(key, 1) for key in keys]
    return found or [(None, 1)]


# ---- what is missing -------------------------------------------------------------------------------------------------


def missing(content: Content) -> list[Missing]:
    """Everything that stops a draft from being submitted, page by page; takes what `queries.draft_content` gives.

    A missing document never appears here: it cannot stop a request (CRPA, art. L114-5-1), it is asked for afterwards.
    """
    asked = asked_in(content)
    before, after = ([part for code, part in asked_parts(asked).items() if code in codes]
                     for codes in (BEFORE_QUESTIONS, AFTER_QUESTIONS))  # fmt: skip
    return [
        *(item for part in before for item in part.missing(content, asked)),
        *missing_answers(content),
        *(item for part in after for item in part.missing(content, asked)),
    ]


def asked_in(content: Content) -> Asked:
    """What was asked of a dossier, as its content tells; its questions are those that it lists."""
    return Asked(left_out=frozenset(content.get("left_out", ())))


# ---- conditions that are known while one writes ----------------------------------------------------------------------

ASSOCIATION = "association"


def ends_too_early(ends_on: date, closes_on: date) -> bool:
    """Whether a project ends before its call closes."""
    return ends_on < closes_on


def is_over_ceiling(received: Money, requested: Money, ceiling: Money) -> bool:
    """Whether the aid received and the request are together more than the « de minimis » ceiling."""
    return received + requested > ceiling


def unmet(content: Content, *, closes_on: date | None, ceiling: Money | None) -> list[str]:
    """The conditions of a call that a dossier does not meet as it is written, by code.

    None stops it from being submitted. What does (amount, rate, balance, communes, shares, statements) is among what is
    `missing`.
    """
    project = cast(Mapping[str, Scalar], content["project"])
    ends_on, requested, received = project["ends_on"], project["requested"], de_minimis_in(content)
    is_early = isinstance(ends_on, date) and closes_on is not None and ends_too_early(ends_on, closes_on)
    is_over = (
        isinstance(requested, Money)
        and received is not None
        and ceiling is not None
        and is_over_ceiling(received, requested, ceiling)
    )
    found = {
        "legal_form": content["organisation"]["legal_form"] != ASSOCIATION,
        "not_started": is_early,
        "de_minimis": is_over,
    }
    return [code for code, is_unmet in found.items() if is_unmet]


def de_minimis_in(content: Content) -> Money | None:
    """The « de minimis » aid that a dossier with an economic activity declares; None where it tells of none."""
    sections = cast(Sequence[Mapping[str, Sequence[JsonObject]]], content["sections"])
    said = {str(row["code"]): row["value"] for section in sections for row in section["questions"]}
    cents = said.get(DE_MINIMIS_TOTAL)
    return Money(cents) if said.get(ECONOMIC_ACTIVITY) == "yes" and isinstance(cents, int) else None


# ---- pieces --------------------------------------------------------------------------------------------------------


def is_expected(rule: str, *, has_rna: bool, first_request: str | None, authority: str | None) -> bool:
    """Whether a document is due with this application, from what the dossier says of itself.

    The threshold of public grants (`subsidies_over_153000`) cannot be told from the dossier: the applicant judges.
    """
    due = {
        "always": True,
        "no_rna": not has_rna,
        "first_or_changed": first_request != "no",
        "signatory_differs": authority == "mandate",
        "renewal": first_request == "no",
    }
    return due.get(rule, False)


# ---- words ---------------------------------------------------------------------------------------------------------


def rate_of(content: Content) -> Fraction | None:
    """The request in percent of the project's resources, exact; None while one of the two is missing."""
    requested: Money | None = content["project"]["requested"]
    resources: Money = content["budget"]["totals"]["resources"]
    return percentage(requested, resources) if requested is not None and resources else None


def reference(fund: str, year: int, number: int) -> str:
    """The number people read: FIS-2019-0042."""
    return f"{fund}-{year}-{number:04d}"


def reference_of(text: str) -> str:
    """The number of a dossier as it is kept, whatever spaces, dashes, capitals and words people copied with it."""
    return "".join(bare(text, "référence", "dossier", "numéro", "n°").split()).upper()


def as_written(reference_text: str, digest_text: str) -> tuple[str, str]:
    """A number and a digest as they are kept, whatever people copied with them."""
    return reference_of(reference_text), "".join(digest_text.split()).lower()


NAMES = ("name", "acronym", "siret", "rna")  # what an organisation's dossiers are found by


def addresses_of(content: Content) -> set[str]:
    """The e-mail addresses that a content gives as the applicant's own or its representative's, as they are kept."""
    applicant: JsonObject = content.get("organisation", {})
    representative = cast(JsonObject, applicant.get("representative", {}))
    return {str(one["email"]) for one in (applicant, representative) if one.get("email")}


def search_key_of(reference: str, title: str, organisation: object) -> str:
    """What a submitted application is found by: its reference, with and without hyphens, its title, whose it is."""
    names: list[str] = [getattr(organisation, name) or "" for name in NAMES]
    return search_key(reference, reference.replace("-", ""), title, *names)
