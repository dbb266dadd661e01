"""Sheets that leave the house as CSV: streamed, and with no cell a spreadsheet program would take for a formula."""

import csv
import io
import re
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from flask import Response, stream_with_context

from grants.kernel.money import Money

_UNSEEN = (
    r"[\s\"\x00-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    r"\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]*"
)
# A cell begins with the text; and also after a semicolon, a tab or a line end, for a program that cuts the line there.
_FORMULA = re.compile(rf"(\A|[;\t\n])(?={_UNSEEN}[=+\-@−＝＋－＠﹦﹢﹣﹫⁼⁺⁻₌₊₋]|(?<=\A)[\t\n])")


def cell(value: Any) -> str:
    """A value as the text of a cell: dot decimals, ISO days, formulas neutralised by an apostrophe."""
    match value:
        case None:
            return ""
        case bool():
            return "oui" if value else "non"
        case Money():
            sign = "-" if value.cents < 0 else ""
            return f"{sign}{abs(value.cents) // 100}.{abs(value.cents) % 100:02d}"
        case int() | float() | Decimal():
            return str(value)
        case datetime():
            return value.isoformat(timespec="seconds")
        case date():
            return value.isoformat()
    text = str(value).replace("\x00", "").replace("\r\n", "\n").replace("\r", "\n")
    return _FORMULA.sub(r"\1'", text)


def lines(head: Iterable[str], rows: Iterable[Iterable[Any]], *, separator: str = ",") -> Iterator[str]:
    """The sheet line by line, UTF-8 without BOM, fields quoted where needed."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=separator, lineterminator="\n")
    writer.writerow(list(head))
    for row in rows:
        writer.writerow([cell(value) for value in row])
        if buffer.tell() > 16_000:
            yield buffer.getvalue()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue()


def download(name: str, head: Iterable[str], rows: Iterable[Iterable[Any]], *, separator: str = ",") -> Response:
    """The sheet as a streamed download."""
    response = Response(stream_with_context(lines(head, rows, separator=separator)), mimetype="text/csv")
    response.headers["Content-Type"] = "text/csv; charset=utf-8"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
