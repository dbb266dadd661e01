"""A fund that runs as it does for people: a database, its files, the production server, visitors who come by HTTP.

Everything a test or an instrument needs to drive the application from outside: `Site.serve()` starts the very command
of `grants run`, `Server.kill()` cuts it off without warning, `Visitor` is a person with cookies, `Site.rows()` asks
the database without passing by the application.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests
from flask import Flask
from lxml import html
from playwright.sync_api import Browser
from playwright.sync_api import Page as BrowserPage
from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.engine import Row, make_url

from grants.app import create_app
from grants.cli import APPLICATION
from grants.config import Settings
from grants.demo.install import PASSWORD
from grants.kernel import journal
from grants.kernel.actor import system
from grants.kernel.db import db, unit_of_work
from grants.kernel.private import OTHERS
from grants.kernel.serving import listen, web_server
from grants.people.models import Account
from tests import starting
from tests.client import LIGHT, form_values
from tests.databases import Databases, unguarded
from tests.factories import Make
from tests.factories.people import session_of
from tests.starting import Forked

ROOT = Path(__file__).resolve().parents[1]
SECRETS = {
    "SECRET_KEY": "a secret for tests, long enough to be taken",
    "FIELD_KEY": "another secret for tests, long enough as well",
}
PATIENCE = 180.0


def settings_for(
    url: str, folder: Path, *, base_url: str = "http://localhost", is_demo: bool = False, mail_url: str = ""
) -> Settings:
    """Give the settings of an application under test: as in service, or a demonstration."""
    return Settings(
        instance=folder,
        database_url=url,
        own_database=False,
        secret_key=SECRETS["SECRET_KEY"],
        field_key=SECRETS["FIELD_KEY"],
        base_url=base_url,
        mail_url=mail_url,
        mail_from="Fonds <ne-pas-repondre@exemple.example>",
        secure=base_url.startswith("https://"),
        is_demo=is_demo,
    )


# ---- the server


class Server:
    """The production server on a database, started by the same command as `grants run`: two processes, four threads.

    An application of another `root` is started from nothing, and so is this one when asked for `afresh`: its start and
    its memory are then those of service. The port is held by this process, so that a server killed and started again
    keeps its address and visitors wait instead of being refused.
    """

    def __init__(
        self,
        url: str,
        folder: Path,
        *,
        root: Path = ROOT,
        environment: Mapping[str, str] = {},
        afresh: bool = False,
    ) -> None:
        found = next(filter(None, (listen(free_port()) for _ in range(20))), None)
        assert found is not None, "no port is free"
        self.socket, self.folder, self.root = found, folder, root
        self.address = f"http://127.0.0.1:{found.getsockname()[1]}"
        self.environment = {
            **os.environ,
            **SECRETS,
            "DATABASE_URL": url,
            "GRANTS_INSTANCE": str(folder),
            "GRANTS_DEMO": "0",
            "BASE_URL": self.address,
            **environment,
        }
        self.log = folder / "server.log"
        self.afresh = afresh or root != ROOT
        self.processes: list[subprocess.Popen[bytes] | Forked] = []

    def start(self, *, worker: bool = False) -> "Server":
        """Start the web server, and the worker of the outbox when asked; return when it answers."""
        self.processes = self._started(worker) if self.afresh else self._forked(worker)
        limit = time.monotonic() + PATIENCE
        while time.monotonic() < limit:
            assert self.processes[0].poll() is None, self.log.read_text(encoding="utf-8")
            try:
                if requests.get(f"{self.address}/static/css/tokens.css", timeout=PATIENCE).status_code < 500:
                    return self
            except requests.RequestException:
                time.sleep(0.05)
        raise AssertionError("the server did not start")

    def _started(self, worker: bool) -> list[subprocess.Popen[bytes] | Forked]:
        # The file for WSGI servers refuses a demonstration that is not served as one, as many here are.
        commands = [web_server(self.socket, f"{APPLICATION}()" if self.root == ROOT else "wsgi:app")]
        if worker:
            commands.append([sys.executable, "-c", "from grants.cli import main; main()", "worker"])
        with self.log.open("a", encoding="utf-8") as log:
            return [
                subprocess.Popen(
                    command, cwd=self.root, env=self.environment, stdout=log, stderr=subprocess.STDOUT,
                    pass_fds=(self.socket.fileno(),), start_new_session=True, umask=OTHERS,
                )
                for command in commands
            ]  # fmt: skip

    def _forked(self, worker: bool) -> list[subprocess.Popen[bytes] | Forked]:
        place: Any = {"folder": self.root, "environment": self.environment, "log": self.log}
        web = Forked(starting.web, self.socket, **place)
        return [web, Forked(starting.command, "worker", **place)] if worker else [web]

    def kill(self) -> None:
        """Cut every process off as a power failure would: kill -9, workers included."""
        for process in self.processes:
            cut_off(process)
        self.processes = []

    def stop(self) -> None:
        """End the server as an operator would."""
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                cut_off(process)
        self.processes = []

    def close(self) -> None:
        """End the server at once and give the port back; use `stop` first where a decent end matters."""
        self.kill()
        self.socket.close()

    def sign_in(self, page: BrowserPage, email: str) -> None:
        """Pass by the sign-in form in a real browser, as a person does."""
        page.goto(f"{self.address}/connexion")
        page.fill("input[name=email]", email)
        page.fill("input[name=password]", PASSWORD)
        page.click("main form button[type=submit]")
        page.wait_for_load_state()


def cut_off(process: subprocess.Popen[bytes] | Forked) -> None:
    """End a process and all of its group without warning."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:  # it ended, or it was started so lately that it has no group yet
        with suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)
    process.wait(PATIENCE)


def end_on_terminate() -> None:
    """Let a plain `kill` end an instrument as Ctrl-C does: the servers it started end with it."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))


def free_port() -> int:
    """Give the number of a port that nobody holds at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


# ---- the visitors


class Visitor:
    """A person with cookies who comes by HTTP and knows forms, but no JavaScript. One thread at a time."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.session = requests.Session()
        self.session.trust_env = False

    def get(self, path: str, **options: Any) -> requests.Response:
        """Open a page; redirections are followed unless `allow_redirects=False`."""
        return self.session.get(urljoin(self.address, path), timeout=PATIENCE, **options)

    def post(self, path: str, data: Any = None, **options: Any) -> requests.Response:
        """Send exactly these data: no key is added. Redirections are not followed unless asked."""
        options = {"allow_redirects": False, **options}
        return self.session.post(urljoin(self.address, path), data=data, timeout=PATIENCE, **options)

    def form(self, path: str, action: str | None = None) -> tuple[str, list[tuple[str, str]]]:
        """Open a page; give the address and the fields of its form to `action` (the end of a path), or of its last."""
        return filled(self.get(path), action)

    def send(
        self,
        path: str,
        values: Mapping[str, Any] | None = None,
        *,
        action: str | None = None,
        files: Any = None,
        **options: Any,
    ) -> requests.Response:
        """Fill and send a form of a page, as a person would; a list gives a name several times."""
        address, fields = self.form(path, action)
        return self.post(address, written(fields, values or {}), files=files, **options)

    def sign_in(self, email: str, password: str = PASSWORD) -> requests.Response:
        """Pass by the sign-in form."""
        return self.send("/connexion", {"email": email, "password": password}, allow_redirects=True)

    def copy(self) -> "Visitor":
        """Give the same person in another tab or on another machine: same cookies, own connections."""
        other = Visitor(self.address)
        other.session.cookies.update(self.session.cookies)
        return other


def tree_of(answer: requests.Response) -> Any:
    """Give the tree of a page."""
    return html.fromstring(answer.text)


def token_of(visitor: Visitor) -> str:
    """A token of the visitor's session."""
    return str(tree_of(visitor.get(LIGHT)).xpath("//input[@name='csrf_token']/@value")[0])


def filled(answer: requests.Response, action: str | None = None) -> tuple[str, list[tuple[str, str]]]:
    """Give the address and the fields of a page's form as it stands: its form to `action`, or its last."""
    forms = tree_of(answer).xpath("//main//form[@method='post']")
    if action is not None:
        forms = [form for form in forms if urlsplit(form.get("action") or answer.url).path.endswith(action)]
    assert forms, f"no form to {action} on {answer.url} ({answer.status_code})"
    return urljoin(answer.url, forms[-1].get("action") or ""), form_values(forms[-1])


def written(fields: list[tuple[str, str]], values: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Give the fields of a form with some of them filled; a list gives a name several times, None takes it away."""
    unchanged = [(name, value) for name, value in fields if name not in values]
    for name, value in values.items():
        many = value if isinstance(value, list | tuple) else [] if value is None else [value]
        unchanged += [(name, one) for one in many]
    return unchanged


# ---- the site


@dataclass
class Site:
    """One fund: its database, its files, and ways to reach both from inside and outside. `afresh`: see Server."""

    url: str
    folder: Path
    afresh: bool = False
    servers: list[Server] = field(default_factory=list)

    @cached_property
    def app(self) -> Flask:
        """The application in this process, to make things and to call actions."""
        return create_app(settings_for(self.url, self.folder), TESTING=True)

    @cached_property
    def engine(self) -> Engine:
        """A connection of our own, past the application."""
        return create_engine(self.url)

    def rows(self, statement: str, **values: Any) -> list[Row[Any]]:
        """Ask the database, or write to it, past the application; a write is committed."""
        with self.engine.begin() as connection:
            found = connection.execute(text(statement), values)
            return list(found) if found.returns_rows else []

    def scalar(self, statement: str, **values: Any) -> Any:
        """Ask the database for one value."""
        return self.rows(statement, **values)[0][0]

    @contextmanager
    def unguarded(self) -> Iterator[Connection]:
        """A connection that the triggers of the database do not watch, as somebody with its password has; committed."""
        with unguarded(self.engine) as connection:
            yield connection

    @contextmanager
    def making(self) -> Iterator[Make]:
        """Make things through the application's own actions, in its context; nothing stays open afterwards."""
        with self.app.app_context():
            yield Make()
            db.session.remove()

    def tell_rows(self) -> None:
        """Let the journal know the rows that were written past the application, as they are now."""
        with self.app.app_context():
            with unit_of_work():
                journal.tell_rows(by=system("tests"))
            db.session.remove()

    def server(self, **options: Any) -> Server:
        """Give a server that is not started yet."""
        server = Server(self.url, self.folder, **{"afresh": self.afresh, **options})
        self.servers.append(server)
        return server

    @contextmanager
    def serve(self, *, worker: bool = False, **options: Any) -> Iterator[Server]:
        """Serve the fund for as long as the block lasts."""
        server = self.server(**options).start(worker=worker)
        try:
            yield server
        finally:
            server.close()

    def started(self, *words: str) -> subprocess.Popen[bytes] | Forked:
        """Start a command of the fund, in a group of processes of its own; what it says is in `said`."""
        environment = {**os.environ, **SECRETS, "DATABASE_URL": self.url, "GRANTS_INSTANCE": str(self.folder)}
        self.said.write_bytes(b"")
        if not self.afresh:
            return Forked(starting.command, *words, folder=ROOT, environment=environment, log=self.said)
        with self.said.open("ab") as said:
            return subprocess.Popen(
                [sys.executable, "-c", "from grants.cli import main; main()", *words],
                cwd=ROOT, env=environment, stdout=said, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip

    def command(self, *words: str) -> tuple[int, str]:
        """Run a command of the fund to its end: its exit code, and what it says."""
        code = self.started(*words).wait(PATIENCE)
        return code, self.said.read_text(encoding="utf-8")

    @property
    def said(self) -> Path:
        """What the last command of the fund said."""
        return self.folder.with_suffix(".said")

    def visitor(self, server: Server, account: Account | str | None = None) -> Visitor:
        """Give a visitor with a session opened for a person, an account or its address, without passing by the form."""
        visitor = Visitor(server.address)
        if account is None:
            return visitor
        with self.app.app_context():
            if isinstance(account, str):
                account = db.session.scalars(db.select(Account).where(Account.email == account)).one()
            facts = session_of(account)
            db.session.remove()
        signer = self.app.session_interface.get_signing_serializer(self.app)  # type: ignore[attr-defined]
        visitor.session.cookies.set(self.app.config["SESSION_COOKIE_NAME"], signer.dumps(facts), domain="127.0.0.1")
        return visitor

    def close(self) -> None:
        """End what runs and let go of the database."""
        for server in self.servers:
            server.close()
        if "engine" in vars(self):
            self.engine.dispose()
        if "app" in vars(self):
            with self.app.app_context():
                db.session.remove()
                db.engine.dispose()


@dataclass
class Workspace:
    """Where instruments work: databases of one kind, two funds to copy, a browser, and how thorough to be.

    `full` is false inside `make test`: the same measure on fewer rounds.
    """

    dialect: str
    store: Databases
    own: str
    folder: Path
    templates: Mapping[str, tuple[str, Path | None]]
    browser: Callable[[], Browser]
    full: bool
    _numbers: Iterator[int] = field(default_factory=count)

    @contextmanager
    def site(self, *, demo: bool = False) -> Iterator[Site]:
        """Give a fund of its own: reference data alone, or with the demonstration installed."""
        template, files = self.templates["demo" if demo else "bare"]
        number = next(self._numbers)
        name, folder = f"{self.own}site{number}", self.folder / f"site{number}"
        if files is not None:
            shutil.copytree(files, folder)
        else:
            folder.mkdir(parents=True)
        site = Site(self.store.create(name, template=template), folder, afresh=self.full)
        try:
            yield site
        finally:
            site.close()
            self.store.drop(name)
            shutil.rmtree(folder, ignore_errors=True)

    @contextmanager
    def twin(self, site: Site) -> Iterator[Site]:
        """Give a fund that was the same until now: a copy of a fund's database and files, which nobody may be using."""
        site.close()
        database = Path(str(make_url(site.url).database)).stem
        name = f"{self.own}site{next(self._numbers)}"
        shutil.copytree(site.folder, self.folder / name, ignore=shutil.ignore_patterns("*.log"))
        twin = Site(self.store.create(name, template=database), self.folder / name, afresh=self.full)
        try:
            yield twin
        finally:
            twin.close()
            self.store.drop(name)
            shutil.rmtree(self.folder / name, ignore_errors=True)
