"""Says where the processor time of a run goes: by folder, by figure, by journey, and by fixture of the session.

A test spends what its process and everything it started spend while it runs: servers, browsers, commands. With several
processes of tests, the PostgreSQL server is shared between them and has a line of its own.
"""

import ctypes
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

TICKS = os.sysconf("SC_CLK_TCK")
PR_SET_CHILD_SUBREAPER = 36
TEST = ""  # the account of the test itself, beside those of fixtures
ALONE = ("tests/assure/test_short.py", "tests/journeys/")  # each test has a line of its own
REST = "départ et collecte"
SERVER = "serveur PostgreSQL"


# ---- the processor time of a process and of all it started


def adopt_orphans() -> None:
    """Become the parent of processes whose own parent dies, so that `spent` counts them to their end (Linux)."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def spent() -> float:
    """Give the processor seconds used so far by this process, by what it started, and by what these started."""
    running = sum(_ticks(child) for child in children())
    own = os.times()  # read last: an orphan that was just waited for is in it
    return own.user + own.system + own.children_user + own.children_system + running / TICKS


def children(pid: int | None = None) -> list[int]:
    """Give the processes started by any thread of a process, by this one if none is named."""
    found: list[int] = []
    with suppress(OSError):
        for thread in Path(f"/proc/{pid or os.getpid()}/task").iterdir():
            found += map(int, (thread / "children").read_text().split())
    return found


def _ticks(pid: int) -> int:
    """The ticks used by a process, by those it waited for, and by those that run under it."""
    name, fields = _stat(pid)
    if not name:
        return 0
    state, parent, group = fields[0], int(fields[1]), int(fields[2])
    is_orphan = parent == os.getpid() and group not in {pid, os.getpgrp()}
    if state == "Z" and is_orphan:  # nobody else waits for it
        with suppress(OSError):
            os.waitpid(pid, os.WNOHANG)
        return 0
    return sum(map(int, fields[11:15])) + sum(_ticks(child) for child in children(pid))


def _stat(pid: int) -> tuple[str, list[str]]:
    """The name of a process and the fields that follow it in /proc; nothing of a process that is no more."""
    with suppress(OSError):
        before, _, after = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")
        return before.partition("(")[2], after.split()
    return "", []


# ---- what each test spends


class Meter:
    """Charges the time that passes to one account at a time: the test, or the fixture of the session being made."""

    def __init__(self) -> None:
        self.accounts = [TEST]
        self.charged: Counter[str] = Counter()
        self.last = spent()

    def charge(self) -> None:
        """Charge what was spent since the last time to the account that is open."""
        now = spent()
        self.charged[self.accounts[-1]] += now - self.last
        self.last = now

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: pytest.FixtureDef[Any]) -> Iterator[Any]:
        if fixturedef.scope != "session":
            return (yield)
        self.charge()
        self.accounts.append(fixturedef.argname)
        try:
            return (yield)
        finally:
            self.charge()
            self.accounts.pop()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self) -> Iterator[Any]:
        report = yield
        self.charge()
        report.spent = dict(self.charged)
        self.charged.clear()
        return report


class Account:
    """Adds up what the tests of a run spent, and tells it at the end."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.parts: Counter[str] = Counter()
        self.alone: Counter[str] = Counter()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        for account, seconds in getattr(report, "spent", {}).items():
            self.parts[part_of(report.nodeid, account)] += seconds
            if account == TEST and report.nodeid.startswith(ALONE):
                self.alone[report.nodeid.rpartition("::")[2]] += seconds

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        total = spent()
        if is_shared(self.config):
            self.parts[SERVER] = sum(_ticks(pid) for pid in children() if _stat(pid)[0] == "postgres") / TICKS
        self.parts[REST] = total - sum(self.parts.values())
        terminalreporter.section(f"secondes de processeur : {total:.0f} ({self.config.getoption('--db')})")
        for line in [*lines(self.parts, total), "", *lines(self.alone, total)]:
            terminalreporter.write_line(line)
        if path := os.environ.get("PROCESSOR_TIMES"):
            with Path(path).open("a", encoding="utf-8") as file:
                file.writelines(
                    f"{self.config.getoption('--db')}\t{part}\t{seconds:.1f}\n"
                    for part, seconds in self.parts.most_common()
                )


def part_of(test: str, account: str) -> str:
    """The part of the run that pays: the folder of the test, or what the session is given once."""
    return "/".join(test.split("/")[:2]) if account == TEST else f"une fois par processus : {account}"


def lines(spent_by: Mapping[str, float], total: float) -> list[str]:
    """A line for each part that spent a second or more, the greatest first."""
    order = sorted(spent_by.items(), key=lambda pair: -pair[1])
    return [f"{seconds:7.1f} s {100 * seconds / total:5.1f} %  {name}" for name, seconds in order if seconds >= 1]


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put the longest tests first in what each process begins with, so that none runs alone at the end of a run."""
    shares = int(getattr(config, "workerinput", {}).get("workercount", 1))
    items[:] = longest_first(items, shares)


def longest_first(items: Sequence[pytest.Item], shares: int) -> list[pytest.Item]:
    """The tests in as many equal shares, in each of them those of figures and journeys before the others."""
    long = [item for item in items if item.nodeid.startswith(ALONE)]
    others = [item for item in items if not item.nodeid.startswith(ALONE)]
    return [item for share in range(shares) for item in (*long[share::shares], *others[share::shares])]


def is_shared(config: pytest.Config) -> bool:
    """Whether other processes run the tests of this one (pytest-xdist)."""
    return bool(config.getoption("numprocesses", None))


def pytest_configure(config: pytest.Config) -> None:
    """Count in the processes that run tests, add up in the one that tells."""
    adopt_orphans()
    if not is_shared(config):
        config.pluginmanager.register(Meter())
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Account(config))
