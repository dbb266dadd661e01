"""What every test stands on: the database asked for with --db, no network, and no way to skip."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from tests.databases import DIALECTS, Databases, databases, postgresql_server

SERVER = pytest.StashKey[str]()
RUNNING = pytest.StashKey[ExitStack]()


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
def store(dialect: str, pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Databases:
    """Give the place where databases are made. Names are shared between workers on PostgreSQL: see `own`."""
    if dialect == "postgresql":
        return databases(dialect, pytestconfig.stash[SERVER])
    return databases(dialect, tmp_path_factory.mktemp("databases"))


@pytest.fixture(scope="session")
def own(pytestconfig: pytest.Config) -> str:
    """Give the prefix that keeps this worker's databases apart from those of its neighbours."""
    return getattr(pytestconfig, "workerinput", {}).get("workerid", "main") + "_"


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
