"""Asks another service for facts: bounded in time and size, and left alone for a while when it does not answer.

The address is the operator's: no redirect is followed, and nothing that a person types chooses a host. What is known of
a service is kept in the database, so that all processes leave it alone together.
"""

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from socket import SHUT_RDWR, socket
from threading import BoundedSemaphore, Timer
from typing import TypeAlias, cast
from urllib.parse import urlencode, urlsplit

from flask import current_app
from sqlalchemy import String, delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, mapped_column

from grants.kernel import clock
from grants.kernel.db import Model, access_mode, db

STEP = 2.0  # seconds to connect, and for each wait for bytes
WHOLE = 4.0  # seconds for an answer, once connected
LARGEST = 500_000  # bytes of an answer
TOGETHER = 2  # questions that one process asks at once: those that wait for a slow service hold threads
FAILURES = 3  # in a row, after which a service is left alone
REST = timedelta(minutes=5)  # for how long, then; one failure more begins it anew
LONGEST_REST = timedelta(hours=1)  # whatever Retry-After says

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
JsonObject: TypeAlias = dict[str, Json]
_room = BoundedSemaphore(TOGETHER)


class UnavailableError(Exception):
    """Raised when a service gives no answer that can be read: it is left alone, busy, slow, cut or wrong."""


@dataclass(frozen=True)
class Service:
    """A service by its name here and the address the operator gave, which answers GET with JSON."""

    name: str
    address: str
    agent: str


class ServiceTrouble(Model):
    """How a service failed lately: how often in a row, and until when it is left alone."""

    __tablename__ = "service_trouble"

    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    failures: Mapped[int]
    until: Mapped[datetime | None]


class _BusyError(Exception):
    """The service asks to be left alone (429, 503)."""

    def __init__(self, rest: timedelta) -> None:
        super().__init__(rest)
        self.rest = rest


def ask(service: Service, query: Mapping[str, str]) -> JsonObject:
    """The JSON object a service answers. It is asked once: nothing is tried again here.

    Raises UnavailableError for anything else, RuntimeError when a transaction is open: nobody waits for another service
    with a lock in hand. It reads and writes small transactions of its own.
    """
    if db.session().in_transaction():
        raise RuntimeError("another service is never asked while a transaction is open")
    trouble = _trouble(service.name)
    if trouble is not None and _is_left_alone(trouble[1]):
        raise UnavailableError("left alone")
    if not _room.acquire(blocking=False):
        raise UnavailableError("busy here")
    try:
        found = _read(service, query)
    except _BusyError as busy:
        _note(service.name, FAILURES, busy.rest)
        current_app.logger.warning("%s is left alone for %s: it asked to be", service.name, busy.rest)
        raise UnavailableError("busy") from busy
    except (OSError, HTTPException, ValueError, RecursionError) as error:
        failures = (trouble[0] if trouble else 0) + 1
        _note(service.name, failures, REST if failures >= FAILURES else None)
        current_app.logger.warning("%s gave no answer that can be read: %s", service.name, type(error).__name__)
        raise UnavailableError(type(error).__name__) from error
    finally:
        _room.release()
    if trouble is not None:
        _forget(service.name)
    return found


def _read(service: Service, query: Mapping[str, str]) -> JsonObject:
    parts = urlsplit(service.address)
    kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=STEP)
    try:
        connection.connect()
        end = Timer(WHOLE, _hang_up, (connection.sock,))
        end.daemon = True
        end.start()
        try:
            body = _body(connection, f"{parts.path or '/'}?{urlencode(query)}", service.agent)
        finally:
            end.cancel()
    finally:
        connection.close()
    found = cast(Json, json.loads(body))
    if not isinstance(found, dict):
        raise ValueError("no object")  # noqa: TRY004 - what was read is wrong, not the program
    return found


def _body(connection: HTTPConnection, target: str, agent: str) -> bytes:
    headers = {"Accept": "application/json", "User-Agent": agent, "Connection": "close"}
    connection.request("GET", target, headers=headers)
    answer = connection.getresponse()
    if answer.status in {429, 503}:
        raise _BusyError(_rest(answer.headers.get("Retry-After", "")))
    if answer.status != 200:
        raise ValueError(f"status {answer.status}")
    body = answer.read(LARGEST + 1)
    if len(body) > LARGEST:
        raise ValueError("too large")
    return body


def _hang_up(sock: socket) -> None:
    with suppress(OSError, ValueError):
        sock.shutdown(SHUT_RDWR)


def _rest(retry_after: str) -> timedelta:
    """What Retry-After asks for, seconds or a date (RFC 9110, 10.2.3), within a second and an hour."""
    text = retry_after.strip()[:40]
    wait = REST
    if text.isascii() and text.isdigit():
        wait = timedelta(seconds=min(int(text), 86_400))
    elif text:
        with suppress(ValueError, TypeError, OverflowError):
            wait = parsedate_to_datetime(text) - clock.now()
    return max(timedelta(seconds=1), min(wait, LONGEST_REST))


def _is_left_alone(until: datetime | None) -> bool:
    """Whether a service is left alone now. An instant too far ahead was written before the clock went back."""
    return until is not None and timedelta(0) < until - clock.now() <= LONGEST_REST


def _trouble(name: str) -> tuple[int, datetime | None] | None:
    asked = select(ServiceTrouble.failures, ServiceTrouble.until).where(ServiceTrouble.name == name)
    with access_mode(writing=False), db.engine.begin() as connection:
        row = connection.execute(asked).one_or_none()
    if row is None:
        return None
    failures, until = row
    return failures, until


def _note(name: str, failures: int, rest: timedelta | None) -> None:
    values = {"failures": failures, "until": None if rest is None else clock.now() + rest}
    with access_mode(writing=True), db.engine.begin() as connection:
        insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
        row = insert(ServiceTrouble).values(name=name, **values)
        connection.execute(row.on_conflict_do_update(index_elements=["name"], set_=values))


def _forget(name: str) -> None:
    with access_mode(writing=True), db.engine.begin() as connection:
        connection.execute(delete(ServiceTrouble).where(ServiceTrouble.name == name))
