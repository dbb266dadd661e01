"""A part of a dossier: one page of the writing space, declared once."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import KW_ONLY, dataclass, replace
from datetime import date
from enum import StrEnum
from operator import is_
from typing import TypeAlias

from grants.applications.parts.fields import (
    Cells,
    Content,
    Field,
    JsonObject,
    OfferedChoice,
    PerCode,
    Picks,
    RowTable,
    Shares,
    is_blank,
)
from grants.calls.rules import EVERYTHING, Asked
from grants.kernel.words import LazyString

AskedField: TypeAlias = Field | RowTable | PerCode | Picks | Shares  # what a page may ask


class Part(StrEnum):
    """The parts every dossier has; the value stands in the address of its page."""

    PROJECT = "projet"
    AXES = "axes"
    TERRITORY = "territoire"
    PEOPLE = "publics"
    CLIMATE = "climat"
    PARTNERS = "partenaires"
    CALENDAR = "calendrier"
    INDICATORS = "indicateurs"
    BUDGET = "budget"
    PIECES = "pieces"
    STATEMENTS = "declarations"


# Files, and statements made on the words of today: what these parts held is never put back, nor taken from elsewhere.
MADE_ANEW = frozenset({Part.PIECES, Part.STATEMENTS})


@dataclass(frozen=True)
class Missing:
    """Something to fill or mend before submitting: the page, the field on it, and what to do."""

    section: str
    field: str
    message: str


PartRule: TypeAlias = Callable[[Content], Iterable[tuple[str, str]]]


@dataclass(frozen=True)
class InOrder:
    """Two days of a part of which the second does not come before the first, and what to say otherwise."""

    first: str
    second: str
    message: LazyString

    def is_broken(self, values: Cells) -> bool:
        """Whether both days are told, the wrong way round."""
        first, second = values.get(self.first), values.get(self.second)
        return isinstance(first, date) and isinstance(second, date) and second < first


@dataclass(frozen=True)
class DossierPart:
    """A page of the writing space: what it asks, in order, and the sentence above it.

    Fields stand under `group` in frozen content. `rules` give what else stops a submission: the field and what to do.
    `begun` tells whether somebody wrote something there, where it is not that a field holds something.
    """

    code: Part
    title: LazyString
    fields: tuple[AskedField, ...]
    _: KW_ONLY
    intro: LazyString | None = None
    group: str = ""
    in_order: tuple[InOrder, ...] = ()
    rules: tuple[PartRule, ...] = ()
    begun: Callable[[Content], bool] | None = None

    @property
    def columns(self) -> list[Field]:
        """The fields stored in the application's own row."""
        return [field for field in self.fields if isinstance(field, Field)]

    @property
    def tables(self) -> list[RowTable | PerCode]:
        """The fields stored in rows of their own."""
        return [field for field in self.fields if isinstance(field, RowTable | PerCode)]

    def place_of(self, field: AskedField) -> str:
        """What names a field of this page where a call says what it does not ask."""
        return f"{self.code}.{field.name}"

    def within(self, asked: Asked) -> "DossierPart | None":
        """The same page with the fields that are asked; None when none is."""
        found = (self._asked(field, asked) for field in self.fields)
        fields = tuple(field for field in found if field is not None)
        if len(fields) == len(self.fields) and all(map(is_, fields, self.fields)) and asked.has(self.code):
            return self
        names = {field.name for field in fields}
        in_order = tuple(rule for rule in self.in_order if {rule.first, rule.second} <= names)
        return replace(self, fields=fields, in_order=in_order) if fields else None

    def _asked(self, field: AskedField, asked: Asked) -> AskedField | None:
        place = self.place_of(field)
        if not asked.has(place):
            return None
        if isinstance(field, RowTable | PerCode):
            return field.only({name for name in field.items if asked.has(f"{place}.{name}")})
        return field

    def has(self, name: str) -> bool:
        """Whether a field of that name is asked."""
        return any(field.name == name for field in self.fields)

    def missing(self, content: Content, asked: Asked = EVERYTHING) -> Iterator[Missing]:
        """What stops a draft with this content from being submitted, on this page; `asked` is what the call asks."""
        for field in self.fields:
            if not isinstance(field, Field):
                yield from (Missing(self.code, field.name, gap) for gap in field.lacking(field.rows_in(content)))
            elif field.required is not None and is_blank(content[self.group][field.name]):
                yield Missing(self.code, field.name, str(field.required))
        for rule in self.rules:
            gaps = ((name, gap) for name, gap in rule(content) if asked.has(f"{self.code}.{name}"))
            yield from (Missing(self.code, name, gap) for name, gap in gaps)

    def plain(self, values: Cells) -> JsonObject:
        """The columns as frozen content says them; a field that is not told is blank. What the call offers is told by
        whoever knows it."""
        fields = (field for field in self.columns if not isinstance(field, OfferedChoice))
        return {field.key: field.plain(values.get(field.name, field.blank)) for field in fields}

    def besides(self, values: Cells, *shown: str) -> list[tuple[str, str]]:
        """What the columns say that a hand-written page does not show itself: label and words."""
        left = [field for field in self.columns if field.name not in shown]
        return [(str(field.label), words) for field in left if (words := field.words(values.get(field.name)))]

    def is_begun(self, content: Content) -> bool:
        """Whether somebody wrote something on this page."""
        if self.begun is not None:
            return self.begun(content)
        return any(
            not is_blank(content[self.group][field.name]) if isinstance(field, Field) else bool(field.rows_in(content))
            for field in self.fields
        )
