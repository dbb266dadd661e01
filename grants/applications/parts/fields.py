"""The kinds of field a dossier is made of. A part declares fields as data; everything that knows a field reads it here.

A field says what it holds, in which words, and when it is complete. `models` makes its column, `forms` its control,
`queries` its place in frozen content; this module knows neither the database nor the web.
"""

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, replace
from datetime import date
from enum import StrEnum
from typing import Any, Literal, Self, TypeAlias, cast

from grants.kernel.money import Money
from grants.kernel.pages import colon, day, money
from grants.kernel.words import LazyString, _, _l, grouped, language

Json: TypeAlias = "bool | int | str | Sequence[Json] | Mapping[str, Json] | None"
JsonObject: TypeAlias = dict[str, Json]
Scalar: TypeAlias = "bool | int | str | Money | date | None"  # what one field holds
FieldValue: TypeAlias = "Scalar | Sequence[str]"  # the same, with lists of codes
Cells: TypeAlias = Mapping[str, Scalar]  # the fields of one row, by name
StoredRow: TypeAlias = dict[str, Scalar]  # the same, of a content
Content: TypeAlias = dict[str, Any]  # what a dossier says: see `queries.content_of`
CodeValue: TypeAlias = "Scalar | tuple[Scalar, ...]"  # what is said of one code, see PerCode
Width = Literal["", "short", "full"]
MOST_ROWS = 40  # rows of one table
LINES = _l("Lignes du tableau")


@dataclass(frozen=True)
class Field:
    """One thing a person fills in, in a column of the application or of a row.

    `required` is what to do while it is empty; None: it may stay empty. `stored` is the attribute of the model when it
    is not `name`. `instead` is stored for a blank in a row that is kept, where the column takes no null.
    """

    name: str
    label: LazyString | str
    _: KW_ONLY
    required: LazyString | None = None
    hint: LazyString | None = None
    width: Width = ""
    stored: str = ""
    instead: int | str | None = None

    @property
    def attribute(self) -> str:
        """The attribute of the model that holds it."""
        return self.stored or self.name

    @property
    def key(self) -> str:
        """Where it stands in frozen content."""
        return self.name

    @property
    def blank(self) -> Scalar:
        """What it holds when nothing was said."""
        return ""

    @property
    def tells(self) -> bool:
        """Whether something in this field alone makes a row worth keeping."""
        return True

    def keep(self, value: Scalar) -> Scalar:
        """A value as the column takes it."""
        return self.blank if is_blank(value) else value

    def read(self, stored: Scalar) -> Scalar:
        """A stored value as forms take it: codes and keys as text."""
        return stored.value if isinstance(stored, StrEnum) else stored

    def plain(self, value: FieldValue) -> Json:
        """A value as frozen content says it."""
        match value:
            case Money():
                return value.cents
            case date():
                return value.isoformat()
            case StrEnum():
                return value.value
        return value

    def alive(self, plain: Json) -> FieldValue:
        """A value that frozen content says."""
        return plain if isinstance(plain, bool | int | str) else None

    def words(self, value: FieldValue) -> str:
        """A value for people, empty when nothing was said."""
        return words_of(value)

    def schema(self) -> JsonObject:
        """Its JSON Schema (draft 2020-12) in frozen content."""
        return {"type": "string"}


@dataclass(frozen=True)
class ShortText(Field):
    """One line of text of at most `limit` characters."""

    _: KW_ONLY
    limit: int = 200

    def schema(self) -> JsonObject:
        """Bounded text."""
        return {"type": "string", "maxLength": self.limit}


@dataclass(frozen=True)
class LongText(ShortText):
    """Several lines of text of at most `limit` characters."""


@dataclass(frozen=True)
class Amount(Field):
    """An amount in whole euros, kept in cents. `positive` is what to say of zero; None: zero is an amount.

    With `zero_is_nothing`, frozen content says null of zero.
    """

    _: KW_ONLY
    positive: LazyString | None = None
    zero_is_nothing: bool = False

    @property
    def key(self) -> str:
        """Frozen content says cents."""
        return f"{self.name}_cents"

    @property
    def blank(self) -> Scalar:
        """Nothing, which is not zero."""
        return None

    def plain(self, value: FieldValue) -> Json:
        """Cents."""
        return None if self.zero_is_nothing and not value else super().plain(value)

    def alive(self, plain: Json) -> FieldValue:
        """The amount."""
        return Money(plain) if isinstance(plain, int) else None

    def schema(self) -> JsonObject:
        """Cents, or null."""
        return {"type": ["integer", "null"], "minimum": 0 if self.positive is None else 1}


@dataclass(frozen=True)
class Day(Field):
    """A day. Its name ends with `_on`: frozen content is read by that ending."""

    @property
    def blank(self) -> Scalar:
        """No day."""
        return None

    def alive(self, plain: Json) -> FieldValue:
        """The day."""
        return date.fromisoformat(plain) if isinstance(plain, str) else None

    def schema(self) -> JsonObject:
        """An ISO day, or null."""
        return {"type": ["string", "null"], "format": "date"}


@dataclass(frozen=True)
class Whole(Field):
    """A whole number. `needed` is what to say of a row that has anything but this number: the table cannot keep it."""

    _: KW_ONLY
    minimum: int = 0
    maximum: int = 10**9
    needed: LazyString | None = None

    @property
    def blank(self) -> Scalar:
        """Nothing, which is not zero."""
        return None

    def schema(self) -> JsonObject:
        """A bounded number."""
        kind: Json = ["integer", "null"] if self.needed is None and self.instead is None else "integer"
        return {"type": kind, "minimum": self.minimum, "maximum": self.maximum}


@dataclass(frozen=True)
class OneOf(Field):
    """One code among labelled ones; `default` is chosen beforehand, None leaves the choice open.

    Shown as buttons, or as a list when `listed`.
    """

    labels: Mapping[str, LazyString | str]
    _: KW_ONLY
    default: str | None = None
    listed: bool = False

    @property
    def blank(self) -> Scalar:
        """The code chosen beforehand, if any."""
        return self.default

    @property
    def tells(self) -> bool:
        """A code chosen beforehand says nothing of the person."""
        return self.default is None

    def words(self, value: FieldValue) -> str:
        """The label of the code."""
        return str(self.labels.get(str(value), value)) if value else ""

    def schema(self) -> JsonObject:
        """One of the codes, or null."""
        is_open = self.default is None and self.instead is None
        return {"enum": [*self.labels, None] if is_open else [*self.labels]}


@dataclass(frozen=True)
class Choice(OneOf):
    """One code of a closed vocabulary, which its column refuses to leave."""

    _: KW_ONLY
    codes: type[StrEnum]

    def keep(self, value: Scalar) -> Scalar:
        """The code. Raises ValueError for one that is unknown."""
        return self.codes(str(value)) if value else self.blank


@dataclass(frozen=True)
class Several(Field):
    """Several codes among labelled ones."""

    labels: Mapping[str, LazyString | str]

    @property
    def blank(self) -> Scalar:
        """No code."""
        return None

    def words(self, value: FieldValue) -> str:
        """The labels of the codes, one per line."""
        codes = value if isinstance(value, Sequence) and not isinstance(value, str) else ()
        return "\n".join(str(self.labels.get(code, code)) for code in codes)

    def alive(self, plain: Json) -> FieldValue:
        """The codes."""
        return [str(code) for code in plain] if isinstance(plain, Sequence) and not isinstance(plain, str) else None

    def schema(self) -> JsonObject:
        """A list of codes."""
        return {"type": ["array", "null"], "items": {"enum": [*self.labels]}}


@dataclass(frozen=True)
class UploadField(Field):
    """A file."""

    def schema(self) -> JsonObject:
        """The key of the file, or null."""
        return {"type": ["string", "null"], "format": "uuid"}


@dataclass(frozen=True)
class Tick(Field):
    """Yes or no, no unless said."""

    @property
    def blank(self) -> Scalar:
        """No."""
        return False

    @property
    def tells(self) -> bool:
        """A box on an empty row says nothing."""
        return False

    def schema(self) -> JsonObject:
        """True or false."""
        return {"type": "boolean"}


def words_of(value: FieldValue) -> str:
    """A value for people, empty when there is none."""
    match value:
        case None:
            return ""
        case bool():
            return _("oui") if value else _("non")
        case Money():
            return money(value)
        case date():
            return day(value)
        case int():
            return grouped(value, language())
        case str():
            return str(value)
    return "\n".join(value)


def is_blank(value: Scalar) -> bool:
    """Whether nothing was said; zero is something."""
    return value is None or value == ""


@dataclass(frozen=True)
class OfferedChoice(Field):
    """The key of one of the rows that the call offers."""

    @property
    def blank(self) -> Scalar:
        """None of them."""
        return None

    def read(self, stored: object) -> Scalar:
        """The key as text."""
        return None if stored is None else str(stored)


# ---- links to reference rows -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Picks:
    """Several rows among those offered: a sorted list of keys in values, a list of described rows in frozen content.

    `key` is the column a row is known by. With `lists`, names of that many controls, as many rows at most may be picked
    and `too_many` is what to say of more; otherwise each row offered is a box.
    """

    name: str
    label: LazyString
    _: KW_ONLY
    key: str = "id"
    hint: LazyString | None = None
    required: LazyString | None = None
    lists: tuple[tuple[str, LazyString], ...] = ()
    too_many: LazyString | None = None

    @property
    def attribute(self) -> str:
        """The relation of the application."""
        return self.name

    @property
    def place(self) -> str:
        """Its key in frozen content."""
        return self.name

    def rows_in(self, content: Content) -> list[StoredRow]:
        """What a content says."""
        rows: list[StoredRow] = content[self.place]
        return rows

    def lacking(self, rows: Sequence[Cells]) -> Iterator[str]:
        """What is still to be done."""
        if not rows and self.required is not None:
            yield str(self.required)

    def schema(self) -> JsonObject:
        """A list of described rows."""
        return {"type": "array", "items": {"type": "object", "required": ["id"]}}


@dataclass(frozen=True)
class Shares:
    """A whole percentage for each row offered: by key in values, a list of described rows in frozen content."""

    name: str
    attribute: str
    label: LazyString
    _: KW_ONLY
    key: str
    place: str

    def rows_in(self, content: Content) -> list[StoredRow]:
        """What a content says."""
        rows: list[StoredRow] = content[self.place]
        return rows

    def lacking(self, rows: Sequence[Cells]) -> Iterator[str]:
        """What is still to be done."""
        total = sum(percent for row in rows if isinstance(percent := row["percent"], int))
        if not rows:
            yield _("Choisissez au moins un axe.")
        elif total != 100:
            yield shares_gap(total)

    def schema(self) -> JsonObject:
        """A list of described rows with their percentage."""
        percent: JsonObject = {"type": "integer", "minimum": 1, "maximum": 100}
        row: JsonObject = {"type": "object", "properties": {"percent": percent}, "required": ["id", "percent"]}
        return {"type": "array", "items": row}


def shares_gap(total: int) -> str:
    """How far the shares are from a hundred, in words."""
    if total < 100:
        return _("Les parts font %(total)s sur 100 : il manque %(gap)s.", total=total, gap=100 - total)
    return _("Les parts font %(total)s sur 100 : il y a %(gap)s de trop.", total=total, gap=total - 100)


# ---- rows ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Table:
    """Rows of their own table. `attribute` is the relation of the application, `content` its key in frozen content."""

    name: str
    attribute: str
    fields: tuple[Field, ...]
    _: KW_ONLY
    label: LazyString = LINES
    content: str = ""
    required: LazyString | None = None

    @property
    def columns(self) -> tuple[Field, ...]:
        """The fields of a row, as its table stores them."""
        return self.fields

    @property
    def place(self) -> str:
        """Its key in frozen content."""
        return self.content or self.attribute

    @property
    def items(self) -> dict[str, LazyString | str]:
        """What of its rows a call may leave out, with its words."""
        return {}

    def only(self, names: Container[str]) -> Self | None:
        """The same table with these of its items alone; None when nothing is left to say."""
        return self

    def leave_out(self, rows: list[StoredRow], names: Container[str]) -> list[str]:
        """Take other items than these out of rows of frozen content; gives the words of those that said something."""
        return []

    def rows_in(self, content: Content) -> list[StoredRow]:
        """What a content says."""
        rows: list[StoredRow] = content[self.place]
        return rows

    def plain(self, row: Cells) -> JsonObject:
        """A row as frozen content says it; a field the row does not have is blank."""
        return {field.key: field.plain(row.get(field.name, field.blank)) for field in self.columns}

    def besides(self, row: Cells, *shown: str) -> list[tuple[str, str]]:
        """What a row says in the fields that a hand-written page does not show itself: label and words."""
        left = [field for field in self.columns if field.name not in shown]
        described = [(str(field.label), field.words(row.get(field.name, field.blank))) for field in left]
        return [(label, words) for label, words in described if words]

    def schema(self) -> JsonObject:
        """A list of rows that have every field."""
        row: JsonObject = {
            "type": "object",
            "properties": {field.key: {"title": str(field.label), **field.schema()} for field in self.columns},
            "required": [field.key for field in self.columns],
        }
        return {"type": "array", "items": row}


@dataclass(frozen=True)
class RowTable(Table):
    """A table one fills row by row, in the order given: a list of rows. `item` names one row, `add` asks for one more.

    `required` is what to do while there is none.
    """

    _: KW_ONLY
    item: LazyString
    add: LazyString
    most: int = MOST_ROWS

    @property
    def items(self) -> dict[str, LazyString | str]:
        """The columns that a row can be kept without."""
        wanted = (field.required is not None or (isinstance(field, Whole) and field.needed) for field in self.fields)
        return {field.name: field.label for field, is_wanted in zip(self.fields, wanted, strict=True) if not is_wanted}

    def only(self, names: Container[str]) -> Self | None:
        """The same table without some columns."""
        fields = tuple(field for field in self.fields if field.name not in self.items or field.name in names)
        return self if len(fields) == len(self.fields) else replace(self, fields=fields)

    def leave_out(self, rows: list[StoredRow], names: Container[str]) -> list[str]:
        """Blank the other columns."""
        said = []
        for field in (field for field in self.fields if field.name in self.items and field.name not in names):
            blank = cast(Scalar, field.plain(field.blank))
            said += [str(field.label)] if any(row[field.key] != blank for row in rows) else []
            for row in rows:
                row[field.key] = blank
        return said

    def blanks(self) -> dict[str, Scalar]:
        """What a row says that says nothing, as its columns take it."""
        return {field.attribute: field.keep(field.blank) for field in self.fields}

    def row(self, typed: Cells) -> dict[str, Scalar] | None:
        """A row as it was written, or None when nothing worth keeping was."""
        values = {field.name: typed.get(field.name, field.blank) for field in self.fields}
        if any(isinstance(field, Whole) and field.needed and values[field.name] is None for field in self.fields):
            return None
        return values if any(field.tells and not is_blank(values[field.name]) for field in self.fields) else None

    def keep(self, row: Cells) -> dict[str, Scalar]:
        """A row as its columns take it."""
        return {field.attribute: field.keep(row.get(field.name, field.blank)) for field in self.fields}

    def words(self, row: Cells) -> str:
        """A row for people, on one line."""
        return _joined(field.words(row.get(field.name, field.blank)) for field in self.fields)

    def lacking(self, rows: Sequence[Cells]) -> Iterator[str]:
        """What is still to be done, each thing once."""
        if not rows and self.required is not None:
            yield str(self.required)
        wanted = (field for field in self.fields if field.required is not None)
        gaps = (field.required for field in wanted if any(is_blank(row.get(field.name)) for row in rows))
        yield from dict.fromkeys(str(gap) for gap in gaps)

    def schema(self) -> JsonObject:
        """A bounded list."""
        return {**super().schema(), "maxItems": self.most}


@dataclass(frozen=True)
class PerCode(Table):
    """At most one row for each code of a closed vocabulary, all shown on the page.

    In values, code by code: what its one field holds, or the tuple of its fields. `required` is what to do while the
    first field of no row says anything. `said_of` goes before the code's label where the label alone is not clear.
    """

    _: KW_ONLY
    code: Choice
    said_of: LazyString | None = None

    @property
    def columns(self) -> tuple[Field, ...]:
        """The code first."""
        return (self.code, *self.fields)

    @property
    def items(self) -> dict[str, LazyString | str]:
        """The codes."""
        return dict(self.code.labels)

    def only(self, names: Container[str]) -> Self | None:
        """The same table for some codes."""
        labels = {code: label for code, label in self.code.labels.items() if code in names}
        if len(labels) == len(self.code.labels):
            return self
        return replace(self, code=replace(self.code, labels=labels)) if labels else None

    def leave_out(self, rows: list[StoredRow], names: Container[str]) -> list[str]:
        """Take out the rows of other codes."""
        said = [self.label_of(str(row[self.code.key])) for row in rows if row[self.code.key] not in names]
        rows[:] = [row for row in rows if row[self.code.key] in names]
        return said

    def control(self, field: Field, code: str) -> str:
        """The name of a field of the form."""
        return f"{field.name if len(self.fields) > 1 else self.name}_{code}"

    def value(self, row: Cells) -> CodeValue:
        """What values say of one code, as it is kept; of an empty row, that nothing was said."""
        values = tuple(row.get(field.name, field.blank) for field in self.fields)
        if not all(map(is_blank, values)):
            values = tuple(self._said(field, value) for field, value in zip(self.fields, values, strict=True))
        return values if len(values) > 1 else values[0]

    def row(self, value: CodeValue) -> dict[str, Scalar]:
        """The fields of one code by name, the ones left out blank."""
        values = value if isinstance(value, tuple) else (value,)
        given = dict(zip((field.name for field in self.fields), values, strict=False))
        return {field.name: given.get(field.name, field.blank) for field in self.fields}

    def keep(self, values: Mapping[str, CodeValue]) -> dict[Scalar, dict[str, Scalar]]:
        """The rows to keep, by code, as their columns take them. Raises ValueError for an unknown code."""
        rows = ((self.code.keep(code), self.row(value)) for code, value in values.items())
        return {code: self._columns_of(row) for code, row in rows if not all(map(is_blank, row.values()))}

    def _columns_of(self, row: Cells) -> dict[str, Scalar]:
        return {field.name: field.keep(self._said(field, row[field.name])) for field in self.fields}

    def _said(self, field: Field, value: Scalar) -> Scalar:
        return field.instead if is_blank(value) and field.instead is not None else value

    def label_of(self, code: str) -> str:
        """What people read of a code."""
        label = self.code.words(code)
        return label if self.said_of is None else f"{self.said_of}{colon()} {label}"

    def words(self, value: CodeValue) -> str:
        """What is said of one code, on one line."""
        row = self.row(value)
        return _joined(field.words(row[field.name]) for field in self.fields)

    def lacking(self, rows: Sequence[Cells]) -> Iterator[str]:
        """What is still to be done."""
        if self.required is not None and not any(row[self.fields[0].name] for row in rows):
            yield str(self.required)


def _joined(words: Iterable[str]) -> str:
    return " · ".join(filter(None, words))
