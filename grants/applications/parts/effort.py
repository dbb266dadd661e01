"""How much a dossier asks: what there is to fill in, how much may be written, and about how long that takes.

The minutes are an estimate, and said to be one: a question takes `READING` to be read, a text is written at `TYPING`,
and is as long as those of the demonstration's dossiers, which fill `WRITTEN` of what they may
(`tests/demo/test_effort.py` measures it again).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil

from grants.applications.parts.budget import LINES, is_account_asked
from grants.applications.parts.fields import Field, PerCode, Picks, RowTable, Shares, ShortText
from grants.applications.parts.part import AskedField, DossierPart
from grants.calls.rules import Asked

READING = 15  # seconds, for each thing to fill in
TYPING = 90  # characters a minute, of a text that is thought out while it is typed
WRITTEN = 20  # percent of the characters allowed
ROWS = 3  # lines that are filled in a table without an end


@dataclass(frozen=True)
class Effort:
    """Things to fill in, and the most characters that may be written there."""

    inputs: int = 0
    characters: int = 0

    def __add__(self, other: "Effort") -> "Effort":
        return Effort(self.inputs + other.inputs, self.characters + other.characters)

    def times(self, number: int) -> "Effort":
        """The same, several times."""
        return Effort(self.inputs * number, self.characters * number)

    @property
    def seconds(self) -> int:
        """About how long it takes."""
        return self.inputs * READING + self.characters * WRITTEN * 60 // (100 * TYPING)

    @property
    def minutes(self) -> int:
        """The same in whole minutes, at least one."""
        return max(ceil(self.seconds / 60), 1)


@dataclass(frozen=True)
class Lists:
    """What the length of a page depends on beside its declaration: the axes of the framework, the budget accounts by
    code, each with whether its lines have a status."""

    axes: int
    accounts: Iterable[tuple[str, bool]]


def total(efforts: Iterable[Effort]) -> Effort:
    """All of them together."""
    return sum(efforts, Effort())


def of_field(field: Field) -> Effort:
    """One thing to fill in."""
    return Effort(1, field.limit if isinstance(field, ShortText) else 0)


def of_part(part: DossierPart, asked: Asked, lists: Lists) -> Effort:
    """What a page asks; `part` holds the fields that are asked."""
    return total(_of_asked(field, asked, lists) for field in part.fields)


def _of_asked(field: AskedField, asked: Asked, lists: Lists) -> Effort:
    if field is LINES:
        return total(_of_line(has_status) for code, has_status in lists.accounts if is_account_asked(asked, code))
    match field:
        case RowTable():
            return total(map(of_field, field.fields)).times(ROWS)
        case PerCode():
            return total(map(of_field, field.fields)).times(len(field.code.labels))
        case Shares():
            return Effort(lists.axes)
        case Picks():
            return Effort(len(field.lists) or 1)
    return of_field(field)


def _of_line(has_status: bool) -> Effort:
    """A line of the budget: its account is written on the page."""
    asked = [field for field in LINES.fields if field.tells and (has_status or field.name != "status")]
    return total(map(of_field, asked))
