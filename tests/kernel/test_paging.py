"""Lists in pages: what is no place of a list is its first page, and no row is seen twice or missed."""

import json
from base64 import urlsafe_b64encode
from datetime import UTC, date, datetime
from itertools import product
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import select

from grants.applications.lifecycle import ApplicationState
from grants.applications.models import Application
from grants.awards.models import Award, LedgerEntry
from grants.deliberation.models import Meeting
from grants.kernel.money import Money
from grants.kernel.paging import Order, cursor
from grants.people.models import Account
from tests.factories import Make

KEY = UUID(int=7)
AT = datetime(2026, 3, 1, 12, 30, 15, 250, tzinfo=UTC)


def written(values: Any) -> str:
    """Anything as the text of a cursor."""
    return coded(json.dumps(values).encode())


def coded(raw: bytes) -> str:
    """Bytes as a cursor is coded."""
    return urlsafe_b64encode(raw).decode().rstrip("=")


NUMBERS = (None, "", "1", "²", 1.5, 1e300, True, 2**63, -(2**63) - 1, 10**40, [1], "\x00", float("nan"))
WRONG: dict[Any, tuple[Any, ...]] = {
    Application.submitted_at: (
        None, "", "hier", 1, [], {}, "2026-03-01", "2026-03-01T00:00:00", "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00", "2026-02-30T00:00:00+00:00", "2026-03-01T00:00:00Z", "\x00",
    ),
    Meeting.act_on: (None, "", 1, "20260301", "2026-W09-7", "2026-02-30", AT.isoformat(), "10000-01-01", "\x00"),
    LedgerEntry.id: NUMBERS,
    Application.requested: NUMBERS,
    Award.version: (*NUMBERS, 2**31, -(2**31) - 1),
    Application.state: (None, "", 1, "Submitted", "²", "\x00"),
    Account.sort_key: (None, 1, [], {}, "A\x00B", "\ud800"),
    Application.id: (None, "", 7, "²", "x" * 36, KEY.hex, f"{{{KEY}}}", [str(KEY)], "\x00", "9" * 40),
}  # fmt: skip
# What no list has written: also used on every list there is, by the figure of strange parameters.
PLACES = (
    "", "x", "é", "=", "%", "a" * 5_000, coded(b"\xff\xfe"), coded(b"[" * 1_400), coded(b'{"a":' * 290),
    coded(b"[" + b"9" * 1_400 + b"]"), *map(written, (None, 1, "x", {}, [], [[]], [1, 2, 3], [["x", "y"]])),
    *(written([each, str(KEY)]) for values in WRONG.values() for each in values),
    *(written([AT.isoformat(), each]) for each in WRONG[Application.id]),
    *(written([day, each]) for day, each in product(("2026-03-01", "0001-01-01"), ("1", 2**63, -1, "²", "A\x00"))),
    *(written([part, "2026-03-01", AT.isoformat(), str(KEY)]) for part in ("²", 2**31, -1, None)),
)  # fmt: skip


def test_a_cursor_gives_back_the_very_values_of_its_columns() -> None:
    values = [AT, date(2026, 3, 1), 2**62, Money(1250), 3, ApplicationState.SUBMITTED, "ÉLAN", KEY]
    assert Order(*WRONG).read(cursor(values)) == values


@pytest.mark.parametrize("column", list(WRONG), ids=lambda column: column.key)
def test_a_value_its_column_does_not_hold_makes_no_place(column: Any) -> None:
    for wrong in WRONG[column]:
        assert Order(column, Account.id).read(written([wrong, str(KEY)])) is None, wrong


def test_the_register_shows_its_first_page_for_what_is_no_place_of_it(app: Flask) -> None:
    client = app.test_client()
    for name, place in product(("after", "before"), PLACES[::2]):
        assert client.get("/registre", query_string={name: place}).status_code == 200, place


@pytest.mark.parametrize("descending", [False, True, (True, False), (False, True)])
def test_pages_there_and_back_show_every_row_once(make: Make, descending: Any) -> None:
    for number in range(7):
        make.account(name=f"Alix {number // 3}")
    order = Order(Account.sort_key, Account.id, descending=descending)
    whole = [row.id for row in order.page(select(Account.id), size=50).rows]
    assert len(whole) >= 7
    ahead, back = [order.page(select(Account.id), size=2)], []
    assert ahead[0].previous is None
    while ahead[-1].following:
        ahead.append(order.page(select(Account.id), size=2, after=ahead[-1].following))
    place = ahead[-1].previous
    while place:
        back.append(order.page(select(Account.id), size=2, before=place))
        place = back[-1].previous
    assert [row.id for page in ahead for row in page.rows] == whole
    assert [row.id for page in reversed(back) for row in page.rows] == whole[: 2 * len(back)]
    assert len(back) == len(ahead) - 1
    assert all(page.following for page in back)
