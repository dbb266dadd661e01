"""What a dossier says, declared once: a module per part. Tables, forms, pages, checks and frozen content are read here.

To add a field to a part: declare it in the part's module, write the migration of its column, translate its words.
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import cast

from grants.applications.parts.axes import AXES
from grants.applications.parts.budget import BUDGET, LINES, leave_accounts_out
from grants.applications.parts.calendar import CALENDAR
from grants.applications.parts.climate import CLIMATE
from grants.applications.parts.fields import Content, Field, Json, PerCode, RowTable
from grants.applications.parts.indicators import INDICATORS
from grants.applications.parts.part import AskedField, DossierPart
from grants.applications.parts.partners import PARTNERS
from grants.applications.parts.people import PEOPLE
from grants.applications.parts.project import PROJECT
from grants.applications.parts.statements import PIECES, STATEMENTS
from grants.applications.parts.territory import TERRITORY
from grants.calls.rules import Asked, reserved_in
from grants.kernel.pages import colon

PARTS: dict[str, DossierPart] = {
    part.code: part
    for part in (
        PROJECT, AXES, TERRITORY, PEOPLE, CLIMATE, PARTNERS, CALENDAR, INDICATORS, BUDGET, PIECES, STATEMENTS,
    )
}  # fmt: skip
# The tables whose rows stand in frozen content one after another; the lines of a budget stand side by side.
TABLES: tuple[RowTable | PerCode, ...] = tuple(
    table for part in PARTS.values() for table in part.tables if table is not LINES
)


@cache
def asked_parts(asked: Asked) -> Mapping[str, DossierPart]:
    """The pages that are asked, each with the fields that are."""
    found = ((code, part.within(asked)) for code, part in PARTS.items())
    return {code: part for code, part in found if part is not None}


def not_asked(asked: Asked) -> Iterator[tuple[DossierPart, AskedField]]:
    """The fields that are not asked at all, each with its page."""
    for part in PARTS.values():
        yield from ((part, field) for field in part.fields if not asked.has(part.place_of(field)))


def asked_items(part: DossierPart, table: RowTable | PerCode, asked: Asked) -> set[str]:
    """The items of a table (`Table.items`) that are asked."""
    return {name for name in table.items if asked.has(f"{part.place_of(table)}.{name}")}


def leave_out(content: Content, asked: Asked) -> list[str]:
    """Blank in frozen content what is not asked; gives the words of what said something."""
    said = leave_accounts_out(content, asked)
    for part, field in not_asked(asked):
        if isinstance(field, Field):
            group, blank = cast(dict[str, Json], content[part.group]), field.plain(field.blank)
            is_said, group[field.key] = group[field.key] != blank, blank
        else:
            nothing: list[Json] = []
            is_said, content[field.place] = bool(field.rows_in(content)), nothing
        said += [str(part.title if len(part.fields) == 1 else field.label)] if is_said else []
    for part in asked_parts(asked).values():
        for table in PARTS[part.code].tables:
            if part.has(table.name) and table is not LINES:
                said += table.leave_out(table.rows_in(content), asked_items(part, table, asked))
    return said


def places() -> list[tuple[str, str]]:
    """What a call may speak of: the pages, and the fields of pages that have several, each by code with its words."""
    found = []
    for part in PARTS.values():
        fields = [(part.place_of(field), f"{part.title}{colon()} {field.label}") for field in part.fields]
        found += [(str(part.code), str(part.title)), *(fields if len(fields) > 1 else [])] if fields else []
    return found


def leavable(accounts: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """What of a dossier a call may leave out for some instruments, which no other rule reads: pages, fields, and items
    of fields; `accounts` are those of the budget, by code with their titles."""
    found = places()
    for part in PARTS.values():
        for table in part.tables:
            name = part.title if len(part.fields) == 1 else table.label
            items = accounts if table is LINES else table.items.items()
            found += [(f"{part.place_of(table)}.{item}", f"{name}{colon()} {words}") for item, words in items]
    return [(place, words) for place, words in found if not reserved_in([place])]


def complete(content: Content) -> None:
    """Give what was frozen before a field existed that field, blank, so that every reader finds it."""
    content.setdefault("left_out", [])
    for part in PARTS.values():
        for field in part.columns:
            content[part.group].setdefault(field.name, field.blank)
    for table in (*TABLES, LINES):
        for row in table.rows_in(content):
            for field in table.columns:
                row.setdefault(field.name, field.blank)
