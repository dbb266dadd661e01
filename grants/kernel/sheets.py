"""Sheets that leave the house as CSV: streamed, and with no cell a spreadsheet program would take for a formula."""

import csv
import io
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from typing import Any

from flask import Response, stream_with_context

from grants.kernel.money import Money

_STARTS = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")


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
        case int():
            return str(value)
        case datetime():
            return value.isoformat(timespec="seconds")
        case date():
            return value.isoformat()
    text = str(value).replace("\x00", "")
    return f"'{text}" if text.lstrip(" \u00a0").startswith(_STARTS) else text


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
