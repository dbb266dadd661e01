"""Sheets that leave the house as CSV, streamed: open data as their standard says, and sheets for people.

Open data say exactly what was written: comma, point, UTF-8. A sheet for people opens in one click where decimals take a
comma: semicolon, byte order mark, decimal comma, the fund's clock; no cell of it is taken for a formula.
"""

import csv
import io
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from flask import Response, stream_with_context

from grants.kernel.money import Money

_UNSEEN = frozenset('"\u00ad\u061c\u180e\ufeff') | frozenset(
    chr(code)
    for first, last in ((0, 0x1F), (0x7F, 0x9F), (0x200B, 0x200F), (0x202A, 0x202E), (0x2060, 0x206F),
                        (0xFFF9, 0xFFFB), (0xE0000, 0xE007F))
    for code in range(first, last + 1)
)  # fmt: skip
_SIGNS = frozenset("=+-@−＝＋－＠﹦﹢﹣﹫⁼⁺⁻₌₊₋")
BOM = "\ufeff"


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
    """The sheet line by line, fields quoted where needed; for people when their `zone` is given, else open data."""
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


def download(
    name: str, head: Iterable[str], rows: Iterable[Iterable[Any]], *, zone: ZoneInfo | None = None
) -> Response:
    """The sheet as a streamed download; `zone` as for `lines`."""
    response = Response(stream_with_context(lines(head, rows, zone=zone)), mimetype="text/csv")
    response.headers["Content-Type"] = "text/csv; charset=utf-8"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
