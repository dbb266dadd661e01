"""Sheets that leave the house as CSV, streamed: open data as their standard says, and sheets for people.

Open data say exactly what was written: comma, point, UTF-8. A sheet for people opens in one click where decimals take a
comma: semicolon, byte order mark, decimal comma, the fund's clock; no cell of it is taken for a formula.
"""

import csv
import io
import re
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from flask import Response, stream_with_context

from grants.kernel.money import Money

_UNSEEN = (
    r"[\s\"\x00-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    r"\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]*"
)
_FORMULA = re.compile(rf"(?={_UNSEEN}[=+\-@−＝＋－＠﹦﹢﹣﹫⁼⁺⁻₌₊₋]|[\t\n])")
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
    return f"'{text}" if zone is not None and _FORMULA.match(text) else text


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
