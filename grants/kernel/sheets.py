"""Sheets that leave: open data as CSV, exactly as their standard says, and sheets for people, as XLSX or CSV.

Open data say exactly what was written: comma, point, UTF-8. A sheet for people declares its columns once. Its workbook
has cells of types: amounts are numbers, days are dates. Its CSV opens in one click where decimals take a comma:
semicolon, byte order mark, decimal comma, the fund's clock. No cell of either is taken for a formula.
"""

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from enum import Enum
from typing import IO, Any, Generic, TypeVar
from zoneinfo import ZoneInfo

import xlsxwriter
from flask import Response, send_file, stream_with_context
from xlsxwriter.worksheet import Worksheet

from grants.kernel import clock
from grants.kernel.errors import RefusedError
from grants.kernel.machine import Text
from grants.kernel.money import Money
from grants.kernel.words import _l, grouped, language

Of = TypeVar("Of")
_UNSEEN = frozenset('"\u00ad\u061c\u180e\ufeff') | frozenset(
    chr(code)
    for first, last in ((0, 0x1F), (0x7F, 0x9F), (0x200B, 0x200F), (0x202A, 0x202E), (0x2060, 0x206F),
                        (0xFFF9, 0xFFFB), (0xE0000, 0xE007F))
    for code in range(first, last + 1)
)  # fmt: skip
_SIGNS = frozenset("=+-@−＝＋－＠﹦﹢﹣﹫⁼⁺⁻₌₊₋")
BOM = "\ufeff"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MOST_ROWS = 20_000  # of a workbook made while a person waits: some seconds; a CSV is streamed and has no limit
_TOO_LONG = _l(
    "Ce classeur aurait plus de %(most)s lignes. Faites-le préparer depuis la page de sa liste, ou prenez le CSV."
)


class ColumnKind(Enum):
    """What the cells of a column hold, with their width in characters and their number format in a workbook."""

    WORD = 16, "@"
    TEXT = 40, "@"
    MONEY = 15, '#,##0.00\\ "€"'
    COUNT = 12, "0"
    DECIMAL = 12, "0.00"
    DAY = 12, "dd/mm/yyyy"
    INSTANT = 18, "dd/mm/yyyy hh:mm"


@dataclass(frozen=True)
class Column(Generic[Of]):
    """A column of a sheet for people: its head, the kind of its cells, and what a row has in it (None when nothing)."""

    head: Text
    kind: ColumnKind
    value: Callable[[Of], Any]


@dataclass(frozen=True)
class Sheet(Generic[Of]):
    """A list for people, whole; `name` is that of its file, without an ending. The rows are read once."""

    name: str
    title: Text
    columns: Sequence[Column[Of]]
    rows: Iterable[Of]


def cell(value: Any, zone: ZoneInfo | None = None) -> str:
    """A value as the text of a cell: of open data, or with `zone` of a sheet for people, whose clock that is.

    For people, numbers take a comma, instants are told without their offset, and a text that a spreadsheet would
    compute begins with an apostrophe.
    """
    match value:
        case None:
            return ""
        case bool():
            return "oui" if value else "non"
        case Money():
            sign = "-" if value.cents < 0 else ""
            return _number(f"{sign}{abs(value.cents) // 100}.{abs(value.cents) % 100:02d}", zone)
        case int() | float() | Decimal():
            return _number(str(value), zone)
        case datetime():
            if zone is not None:
                return value.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S")
            return value.isoformat(timespec="seconds")
        case date():
            return value.isoformat()
    text = str(value).replace("\x00", "").replace("\r\n", "\n").replace("\r", "\n")
    return f"'{text}" if zone is not None and is_formula(text) else text


def is_formula(text: str) -> bool:
    """Whether a spreadsheet would compute a text, or move it to another cell.

    Told by the first character that is seen, and by a tab or a line end at the beginning; each is looked at once.
    """
    first = next((character for character in text if not (character.isspace() or character in _UNSEEN)), "")
    return first in _SIGNS or text[:1] in {"\t", "\n"}


def _number(text: str, zone: ZoneInfo | None) -> str:
    return text if zone is None else text.replace(".", ",")


def lines(head: Iterable[str], rows: Iterable[Iterable[Any]], *, zone: ZoneInfo | None = None) -> Iterator[str]:
    """A CSV line by line, fields quoted where needed; for people when their `zone` is given, else open data."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter="," if zone is None else ";", lineterminator="\n")
    if zone is not None:
        buffer.write(BOM)
    writer.writerow([cell(each, zone) for each in head])
    for row in rows:
        writer.writerow([cell(value, zone) for value in row])
        if buffer.tell() > 16_000:
            yield buffer.getvalue()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue()


def lines_of(sheet: Sheet[Any], zone: ZoneInfo) -> Iterator[str]:
    """A sheet for people as CSV, line by line."""
    heads = (str(column.head) for column in sheet.columns)
    return lines(heads, ([column.value(row) for column in sheet.columns] for row in sheet.rows), zone=zone)


def write_workbook(file: IO[bytes], sheet: Sheet[Any], zone: ZoneInfo, *, most: int | None = None) -> None:
    """Write a sheet for people as XLSX, its rows kept on disk meanwhile: heads stay in sight and filter the rows.

    Raises RefusedError when it has more rows than `most`.
    """
    with xlsxwriter.Workbook(file, {"constant_memory": True}) as book:
        book.set_properties({"title": str(sheet.title), "created": clock.now()})
        page = book.add_worksheet(str(sheet.title))
        bold = book.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"})
        for rank, column in enumerate(sheet.columns):
            width, number_format = column.kind.value
            page.set_column(rank, rank, width, book.add_format({"num_format": number_format}))
            page.write_string(0, rank, str(column.head), bold)
        count = 0
        for count, row in enumerate(sheet.rows, start=1):
            if most is not None and count > most:
                raise RefusedError(_TOO_LONG % {"most": grouped(most, language())})
            for rank, column in enumerate(sheet.columns):
                _write(page, count, rank, column.value(row), zone)
        page.freeze_panes(1, 0)
        page.autofilter(0, 0, count, len(sheet.columns) - 1)
        page.repeat_rows(0)
        page.set_landscape()
        page.set_paper(9)  # A4
        page.fit_to_pages(1, 0)


def _write(page: Worksheet, row: int, rank: int, value: Any, zone: ZoneInfo) -> None:
    """A value as a cell: a number or a day by its type, anything else as text, which is never computed."""
    match value:
        case Money():
            page.write_number(row, rank, value.cents / 100)
        case int() | float() | Decimal():
            page.write_number(row, rank, float(value))
        case datetime():
            page.write_datetime(row, rank, value.astimezone(zone).replace(tzinfo=None))
        case date():
            page.write_datetime(row, rank, datetime.combine(value, time()))
        case _:
            page.write_string(row, rank, cell(value))


def download(name: str, head: Iterable[str], rows: Iterable[Iterable[Any]]) -> Response:
    """Open data as a streamed CSV."""
    return _streamed(name, lines(head, rows))


def download_csv(sheet: Sheet[Any], zone: ZoneInfo) -> Response:
    """A sheet for people as a streamed CSV."""
    return _streamed(f"{sheet.name}.csv", lines_of(sheet, zone))


def download_workbook(sheet: Sheet[Any], zone: ZoneInfo) -> Response:
    """A sheet for people as XLSX, of MOST_ROWS rows at most: RefusedError beyond."""
    file = io.BytesIO()
    write_workbook(file, sheet, zone, most=MOST_ROWS)
    file.seek(0)
    return send_file(file, mimetype=XLSX, as_attachment=True, download_name=f"{sheet.name}.xlsx")


def _streamed(name: str, written: Iterator[str]) -> Response:
    response = Response(stream_with_context(written), content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
