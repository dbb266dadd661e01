"""What every test stands on: the database asked for with --db, no network, and no way to skip."""

import gc
import shutil
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask_migrate import upgrade
from sqlalchemy import event
from sqlalchemy.engine import Engine

from grants.app import create_app
from grants.kernel.actor import system
from grants.kernel.db import db, set_access_mode, unit_of_work
from grants.programme.actions import load_reference
from tests.client import Page
from tests.databases import DIALECTS, Databases, databases, fill_template, made_once, postgresql_server
from tests.factories import Make
from tests.factories.remembered import Memory, RememberingMake, forget_answers
from tests.site import settings_for

# One browser for the whole run, as Playwright starts once in a process; what is made once; what each part costs;
# what is loaded once.
pytest_plugins = ("tests.browsing", "tests.once", "tests.meter", "tests.loaded")

SERVER = pytest.StashKey[str]()
RUNNING = pytest.StashKey[ExitStack]()
# A test with one of these changes the program, or lets other processes use its database.
APART = {"monkeypatch", "free_port"}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--db", choices=DIALECTS, default="sqlite", help="the database the suite runs on (default: sqlite)"
    )


# ------------------------------------------------------------------------------------------------------ nothing skipped


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[Any]:
    return not_skipped((yield))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Iterator[Any]:
    return not_skipped((yield))


def not_skipped(report: Any) -> Any:
    """Turn a skip or an expected failure into a failure: a test that did not run proves nothing."""
    if report.skipped:
        report.outcome = "failed"
        report.longrepr = f"skipped, and nothing may be skipped here: {report.longrepr}"
        vars(report).pop("wasxfail", None)
    return report


# --------------------------------------------------------------------------------------------------------------- memory


def pytest_collection_finish() -> None:
    """Look for garbage less often, and not in what stays for good: the tests and all that they import."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


# ------------------------------------------------------------------------------------------------------------ databases


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Start one PostgreSQL server for the whole run; the workers of xdist are told where it is."""
    config = session.config
    if config.getoption("--db") != "postgresql":
        return
    if hasattr(config, "workerinput"):
        config.stash[SERVER] = config.workerinput["server"]
        return
    running = config.stash[RUNNING] = ExitStack()
    config.stash[SERVER] = running.enter_context(postgresql_server())


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    node.workerinput["server"] = node.config.stash.get(SERVER, None)


def pytest_unconfigure(config: pytest.Config) -> None:
    if running := config.stash.get(RUNNING, None):
        running.close()


@pytest.fixture(scope="session")
def dialect(pytestconfig: pytest.Config) -> str:
    """Give the dialect of this run: sqlite or postgresql."""
    return pytestconfig.getoption("--db")


@pytest.fixture(scope="session")
def common(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder that all the processes of the run share."""
    folder = tmp_path_factory.getbasetemp()
    return folder.parent if hasattr(pytestconfig, "workerinput") else folder


@pytest.fixture(scope="session")
def store(dialect: str, pytestconfig: pytest.Config, common: Path) -> Iterator[Databases]:
    """Give the place where databases are made. Names are shared between workers: see `own`."""
    folder = common / "databases"
    folder.mkdir(exist_ok=True)
    where = pytestconfig.stash[SERVER] if dialect == "postgresql" else folder
    with closing(databases(dialect, where)) as opened:
        yield opened


@pytest.fixture(scope="session")
def own(pytestconfig: pytest.Config) -> str:
    """Give the prefix that keeps this worker's databases apart from those of its neighbours."""
    return getattr(pytestconfig, "workerinput", {}).get("workerid", "main") + "_"


# ---------------------------------------------------------------------------------------------------------- application


@pytest.fixture(scope="session")
def shared_app(store: Databases, own: str, common: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """Give the application, built once, and the template its tests start from: migrated, reference data loaded.

    The first process of a run fills it; each has a copy, which nobody else reads while it is copied.
    """
    folder = tmp_path_factory.mktemp("instance")

    def fill(url: str) -> None:
        app = create_app(settings_for(url, folder), TESTING=True)
        with app.app_context():
            upgrade()
            with unit_of_work():
                load_reference(by=system("tests"))
            db.session.remove()
            db.engine.dispose()

    made_once(common / "filled", lambda: fill_template(store, "filled", fill))
    store.create(f"{own}template", template="filled")
    app = create_app(settings_for(store.url(f"{own}test"), folder), TESTING=True)
    yield app
    with app.app_context():
        db.engine.dispose()


@pytest.fixture
def app(shared_app: Flask, store: Databases, own: str, dialect: str) -> Iterator[Flask]:
    """Give the application on a fresh copy of the template, its context pushed for the test's own questions."""
    store.renew(f"{own}test", template=f"{own}template")
    forget(shared_app)
    set_access_mode(writing=True)  # a request made in this very thread may have left its own
    with shared_app.app_context():
        yield shared_app
        db.session.remove()
        if dialect == "sqlite":
            db.engine.dispose()


def forget(shared_app: Flask) -> None:
    """Take away what an earlier test left beside the database: files, answers, a proxy that was noticed."""
    shared_app.extensions.pop("proxy_seen", None)
    forget_answers(shared_app)
    folder = shared_app.config["SETTINGS"].instance
    for left in folder.iterdir():
        shutil.rmtree(left) if left.is_dir() else left.unlink()


@pytest.fixture(scope="session")
def memory(store: Databases, own: str) -> Memory:
    """Give what this process remembers of the states that tests start from."""
    return Memory(store, f"{own}test")


@pytest.fixture
def make(app: Flask, memory: Memory, request: pytest.FixtureRequest) -> Make:
    """Give the maker of things; without its memory where a test changes the program or shares its database."""
    return Make() if APART.intersection(request.fixturenames) else RememberingMake(memory)


@pytest.fixture
def page(app: Flask) -> Page:
    """Give the page client, nobody signed in."""
    return Page(app)


class Queries:
    """Counts the statements the application sends."""

    def __init__(self) -> None:
        self.statements: list[str] = []

    @contextmanager
    def watched(self) -> Iterator[list[str]]:
        """Collect the statements sent while the block lasts."""
        self.statements = []

        def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
            self.statements.append(statement)

        event.listen(Engine, "before_cursor_execute", note)
        try:
            yield self.statements
        finally:
            event.remove(Engine, "before_cursor_execute", note)

    def count(self, act: Callable[[], Any]) -> int:
        """How many statements an act sends."""
        with self.watched() as statements:
            act()
        return len(statements)


@pytest.fixture
def queries() -> Queries:
    """Give the counter of statements."""
    return Queries()


# -------------------------------------------------------------------------------------------------------------- network


@pytest.fixture(scope="session", autouse=True)
def no_network() -> Iterator[None]:
    """Refuse every address outside this machine, so that no test depends on what lies beyond."""
    with pytest.MonkeyPatch.context() as patch:
        for verb in ("connect", "connect_ex", "sendto"):
            patch.setattr(socket.socket, verb, on_this_machine(getattr(socket.socket, verb)))
        yield


def on_this_machine(verb: Any) -> Any:
    """Wrap a method of sockets so that it knows loopback and files alone."""

    def guarded(self: socket.socket, *arguments: Any) -> Any:
        address = arguments[-1]
        if isinstance(address, tuple) and not (
            str(address[0]).startswith("127.") or address[0] in {"localhost", "::1"}
        ):
            raise ConnectionRefusedError(f"a test tried to reach {address}")
        return verb(self, *arguments)

    return guarded
