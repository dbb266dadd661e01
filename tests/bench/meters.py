"""Measures: what a request costs in time, processor and memory, on the wire or inside this process."""

import gzip
import http.client
import os
import statistics
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import Context
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, Self
from urllib.parse import parse_qs, urlencode, urlsplit

from flask import Flask
from sqlalchemy import event
from sqlalchemy.engine import Engine, make_url

from grants.kernel import journal
from grants.kernel.actor import system
from grants.kernel.db import db
from tests.bench.scenarios import Scenario, Subjects, fields_of
from tests.site import Server

TICK = os.sysconf("SC_CLK_TCK")
HEADERS = {"Accept-Encoding": "br, gzip", "Accept-Language": "fr"}


@dataclass(frozen=True)
class Reply:
    """An answer, with the time to its first byte and to its last, in milliseconds."""

    status: int
    headers: dict[str, str]
    body: bytes
    first_ms: float = 0.0
    ms: float = 0.0

    @property
    def content(self) -> bytes:
        """The body, unpacked."""
        return gzip.decompress(self.body) if self.headers.get("content-encoding") == "gzip" else self.body

    @property
    def text(self) -> str:
        """The body as text."""
        return self.content.decode("utf-8", "replace")


class Client(Protocol):
    """Somewhere requests are sent."""

    def send(self, method: str, path: str, fields: Iterable[tuple[str, Any]] = ()) -> Reply:
        """Send a request and read the whole answer."""


class HttpClient:
    """One kept connection to a served program: as cheap a client as there is."""

    def __init__(self, address: str, cookie: str = "") -> None:
        self.place = urlsplit(address).netloc
        self.cookies = dict(part.split("=", 1) for part in cookie.split("; ") if part)
        self.connection = http.client.HTTPConnection(self.place, timeout=120)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_what: object) -> None:
        self.connection.close()

    def send(self, method: str, path: str, fields: Iterable[tuple[str, Any]] = ()) -> Reply:
        body = urlencode(list(fields)) if method == "POST" else None
        headers = dict(HEADERS)
        if body is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        if self.cookies:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        for attempt in (1, 2):
            start = time.perf_counter()
            try:
                self.connection.request(method, path, body, headers)
                answer = self.connection.getresponse()
                break
            except (http.client.RemoteDisconnected, ConnectionError):  # an idle connection the server closed
                self.connection.close()
                if attempt == 2:
                    raise
        first = time.perf_counter()
        content = answer.read()
        end = time.perf_counter()
        for cookie in answer.headers.get_all("Set-Cookie", ()):
            name, value = cookie.split(";")[0].split("=", 1)
            self.cookies[name] = value
        received = {name.lower(): value for name, value in answer.getheaders()}
        return Reply(answer.status, received, content, (first - start) * 1000, (end - start) * 1000)


class Inside:
    """The same, inside this process."""

    def __init__(self, app: Flask, facts: dict[str, Any]) -> None:
        self.client = app.test_client()
        if facts:
            with self.client.session_transaction() as session:
                session.update(facts)

    def send(self, method: str, path: str, fields: Iterable[tuple[str, Any]] = ()) -> Reply:
        data = parse_qs(urlencode(list(fields)), keep_blank_values=True)
        sent = data if method == "POST" else None
        answer = Context().run(self.client.open, path, method=method, data=sent, headers=HEADERS, buffered=True)
        return Reply(answer.status_code, {k.lower(): v for k, v in answer.headers.items()}, answer.data)


# ---- one request of a scenario ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class PreparedRequest:
    """A request made ready: what comes before it (opening the form) is done and not measured."""

    client: Client
    method: str
    path: str
    fields: list[tuple[str, Any]]

    def send(self) -> Reply:
        """Send it; whatever is not an answer of success is a fault of the measure."""
        reply = self.client.send(self.method, self.path, self.fields)
        if reply.status not in {200, 204, 302, 303}:
            raise RuntimeError(f"{self.method} {self.path}: {reply.status} {reply.text[:300]}")
        return reply


def aimed(scenario: Scenario, subjects: Subjects, client_of: Callable[[str | None], Client]) -> PreparedRequest:
    """Make ready a request to the application."""
    one = scenario.subject(subjects)
    line, path = client_of(scenario.who(subjects, one)), scenario.path(subjects, one)
    if scenario.cold:
        move_journal(subjects)
    if scenario.form is None:
        return PreparedRequest(line, "GET", path, [])
    page = line.send("GET", scenario.form(subjects, one))
    if page.status != 200:
        raise RuntimeError(f"the form of {scenario.name} answers {page.status}")
    return PreparedRequest(line, "POST", path, scenario.fill(subjects, fields_of(page.text, path)))


def move_journal(subjects: Subjects) -> None:
    """Write a line: whatever the program keeps until the journal moves has to be asked again."""
    with subjects.site.app.app_context():
        journal.note(journal.line_of("bench.moved", None, system("bench"), {}))
        db.session.remove()


def aimed_at_floor(scenario: Scenario, subjects: Subjects, line: Client) -> PreparedRequest:
    """Make ready the same request to the floor."""
    method = "GET" if scenario.form is None else "POST"
    return PreparedRequest(
        line, method, scenario.floor(subjects, scenario.subject(subjects)), scenario.floor_fields(subjects)
    )


# ---- processor and memory --------------------------------------------------------------------------------------------


def family(pid: int) -> list[int]:
    """A process and its children."""
    found = [pid]
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
            except (OSError, IndexError):
                continue
            if parent == pid:
                found.append(int(entry.name))
    return found


def cpu_ms(pids: Iterable[int]) -> float:
    """What processes used of the processor so far: user and system time."""
    ticks = 0
    for pid in pids:
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        ticks += int(fields[11]) + int(fields[12])
    return ticks * 1000 / TICK


def forget_peaks(pids: Iterable[int]) -> None:
    """Let the peak of memory be counted from now on."""
    for pid in pids:
        Path(f"/proc/{pid}/clear_refs").write_text("5")


def peak_mb(pids: Iterable[int]) -> float:
    """The highest resident memory of the largest of these processes."""
    peaks = []
    for pid in pids:
        status = Path(f"/proc/{pid}/status").read_text()
        peaks.append(int(status.split("VmHWM:")[1].split()[0]) / 1024)
    return max(peaks)


def database_server(url: str) -> int | None:
    """The process of the PostgreSQL server behind a socket in a folder of ours; None where it cannot be seen."""
    url_parts = make_url(url)
    file = Path(str(url_parts.query.get("host", ""))) / "data" / "postmaster.pid"
    return int(file.read_text().split()[0]) if url_parts.get_backend_name() == "postgresql" and file.exists() else None


class Costs:
    """The processes that answer a request: the workers of one server, and the database's own."""

    def __init__(self, server: Server, url: str) -> None:
        self.pids = family(server.processes[0].pid)
        self.database = database_server(url)

    def spent(self) -> float:
        """Processor time used so far, in milliseconds."""
        return cpu_ms([*self.pids, *(family(self.database) if self.database else ())])


# ---- statements ------------------------------------------------------------------------------------------------------


@contextmanager
def statements() -> Iterator[list[str]]:
    """Collect the statements sent in this process; what only opens a transaction is none."""
    sent: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if not statement.startswith(("BEGIN", "SAVEPOINT", "RELEASE")):
            sent.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(Engine, "before_cursor_execute", note)


# ---- throughput ------------------------------------------------------------------------------------------------------


def per_second(lines: list[Client], path: str, seconds: float) -> float:
    """Requests answered per second while each connection asks again and again."""
    counts, limit = [0] * len(lines), time.perf_counter() + seconds

    def ask(place: int) -> None:
        while time.perf_counter() < limit:
            if lines[place].send("GET", path).status == 200:
                counts[place] += 1

    start = time.perf_counter()
    threads = [threading.Thread(target=ask, args=(place,)) for place in range(len(lines))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / (time.perf_counter() - start)


def p95(values: list[float]) -> float:
    """The value that nineteen in twenty stay under."""
    return statistics.quantiles(values, n=20, method="inclusive")[-1] if len(values) > 1 else values[0]
