"""`make bench`: measures what people do beside the floor, in alternation, and writes the tables down.

SIZES="100 1000" DATABASES=sqlite SCENARIOS="list dossier" measure a part; FULL=1 adds 100,000 applications.
A target that is missed is said in the table; only a figure that could not be measured makes the command fail.
"""

import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import select

from grants.demo.volume import add_volume
from grants.kernel.actor import system
from grants.kernel.db import db
from grants.people.models import Account
from tests.assure.__main__ import commit
from tests.assure.sharing import prepared
from tests.bench import report
from tests.bench.calculations import Calculation, calculations
from tests.bench.meters import (
    Client,
    Costs,
    HttpClient,
    Inside,
    aimed,
    aimed_at_floor,
    forget_peaks,
    p95,
    peak_mb,
    per_second,
    statements,
)
from tests.bench.pages import Opened, every_page
from tests.bench.report import Figure, Interval
from tests.bench.scenarios import SCENARIOS, Scenario, Subjects, subjects
from tests.bench.weights import Weight, public_pages, weight
from tests.databases import DIALECTS, Databases, databases, fill_template, postgresql_server
from tests.factories.people import session_of
from tests.site import ROOT, Server, Site, end_on_terminate

SIZES, FULL = (100, 1_000, 10_000), (100_000,)
SUBMISSIONS = 80
PATIENCE_MS = 5_000  # for both sides of one scenario, in rounds; a slow page is asked for less often
ROUNDS, EACH = 6, 10
CROWD, CROWD_SECONDS = 8, 1.0
PAIRS = 24
COMPARED = 10_000  # the volume whose list is compared with that of the smallest
FLOOR = ROOT / "tests" / "bench"


@dataclass
class ServedSize:
    """One database at one size, served by the application and by the floor."""

    dialect: str
    size: int
    subjects: Subjects
    server: Server
    floor: Server
    open_clients: dict[str | None, HttpClient] = field(default_factory=dict)

    def cookie(self, email: str | None) -> str:
        """What the browser of a person sends."""
        jar = self.subjects.site.visitor(self.server, email).session.cookies
        return "; ".join(f"{one.name}={one.value}" for one in jar)

    def client(self, email: str | None) -> Client:
        """The kept connection of a person."""
        if email not in self.open_clients:
            self.open_clients[email] = HttpClient(self.server.address, self.cookie(email))
        return self.open_clients[email]

    def inside(self, email: str | None) -> Client:
        """The same person inside this process."""
        facts: dict[str, Any] = {}
        if email is not None:
            with self.subjects.site.app.app_context():
                facts = session_of(db.session.scalars(select(Account).where(Account.email == email)).one())
                db.session.remove()
        return Inside(self.subjects.site.app, facts)


@contextmanager
def store_of(dialect: str, folder: Path) -> Iterator[Databases]:
    """Open the databases of a kind; PostgreSQL keeps what it is told, as in production."""
    with ExitStack() as running:
        (folder / "databases").mkdir(exist_ok=True)
        where = (
            running.enter_context(postgresql_server(durable=True)) if dialect == "postgresql" else folder / "databases"
        )
        yield databases(dialect, where)


@contextmanager
def served_sizes(dialect: str, sizes: list[int], folder: Path) -> Iterator[dict[int, ServedSize]]:
    """Grow a database for each size and serve them all."""
    with ExitStack() as running:
        store = running.enter_context(store_of(dialect, folder))
        demo_files = folder / f"{dialect}-demo_files"
        demo_files.mkdir()
        fill_template(store, "bench_demo", lambda url: prepared(url, demo_files, demo=True))
        found = {}
        for size in sizes:
            start = time.monotonic()
            files = folder / f"{dialect}-{size}"
            shutil.copytree(demo_files, files)
            site = Site(store.create(f"bench{size}", template="bench_demo"), files)
            running.callback(site.close)
            with site.app.app_context():
                add_volume(size, 1, by=system("bench"))
                db.session.remove()
            if dialect == "postgresql":
                with site.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                    connection.exec_driver_sql("VACUUM ANALYZE")
            grown = subjects(site, submissions=SUBMISSIONS)
            server, floor = site.server(afresh=True).start(), site.server(root=FLOOR).start()
            found[size] = ServedSize(dialect, size, grown, server, floor)
            say(f"{dialect}, {size} dossiers : prêt en {time.monotonic() - start:.0f} s")
        yield found


def say(text: str) -> None:
    """A line of progress."""
    print(text, flush=True)


# ---- one scenario ----------------------------------------------------------------------------------------------------


def measured(scenario: Scenario, served: ServedSize) -> Figure:
    """Measure a scenario beside its floor: warm up, then rounds in alternation."""
    with HttpClient(served.floor.address) as below:
        ours = lambda: aimed(scenario, served.subjects, served.client)  # noqa: E731 - the two sides of one comparison
        theirs = lambda: aimed_at_floor(scenario, served.subjects, below)  # noqa: E731 - the same
        warm = [ready().send().ms for _ in range(3) for ready in (ours, theirs)]
        each = EACH if scenario.form is None else 5
        each = max(1, min(each, int(PATIENCE_MS / ROUNDS / (warm[-1] + warm[-2]))))
        costs, bare_costs = (Costs(server, served.subjects.site.url) for server in (served.server, served.floor))
        forget_peaks(costs.pids)
        times: list[float] = []
        bare: list[float] = []
        spent = bare_spent = 0.0
        for _round in range(ROUNDS):
            all_ready = [] if scenario.is_single else [ours() for _ in range(each)]
            before = costs.spent()
            if all_ready:
                times += [ready.send().ms for ready in all_ready]
                spent += costs.spent() - before
            else:  # opening the form, or moving the journal, costs too, and is not what is measured
                for _one in range(each):
                    ready = ours()
                    before = costs.spent()
                    times.append(ready.send().ms)
                    spent += costs.spent() - before
            before = bare_costs.spent()
            bare += [theirs().send().ms for _ in range(each)]
            bare_spent += bare_costs.spent() - before
        peak = peak_mb(costs.pids)
        reply = ours().send()
        rps = 1000 / statistics.median(times)
        if not scenario.is_single:
            ready = ours()
            email = scenario.who(served.subjects, scenario.subject(served.subjects))
            cookie = served.cookie(email)
            lines = [HttpClient(served.server.address, cookie) for _ in range(CROWD)]
            rps = per_second(lines, ready.path, CROWD_SECONDS)
            for line in lines:
                line.connection.close()
    ready = aimed(scenario, served.subjects, served.inside)
    with statements() as sent:
        ready.send()
    return Figure(
        scenario=scenario.name,
        database=served.dialect,
        applications=served.size,
        median_ms=statistics.median(times),
        p95_ms=p95(times),
        rps=rps,
        queries=len(sent),
        bytes=len(reply.content),
        bytes_compressed=len(reply.body),
        cpu_ms=spent / len(times),
        peak_mb=peak,
        floor_ms=statistics.median(bare),
        floor_cpu_ms=bare_spent / len(bare),
        ratio=statistics.median(times) / statistics.median(bare),
        first_ms=reply.first_ms,
        last_ms=reply.ms,
    )


def started(served: ServedSize) -> tuple[Figure, Figure]:
    """Cold start, from the command to the first page, and the import of the application, beside the floor's."""
    starts: dict[Path, list[float]] = {ROOT: [], FLOOR: []}
    imports: dict[Path, list[float]] = {ROOT: [], FLOOR: []}
    for _round in range(3):
        for root in (ROOT, FLOOR):
            server = served.subjects.site.server(root=root, afresh=True)
            begin = time.perf_counter()
            server.start()
            with HttpClient(server.address) as line:
                line.send("GET", "/" if root is ROOT else "/register")
            starts[root].append((time.perf_counter() - begin) * 1000)
            environment = server.environment
            server.close()
            begin = time.perf_counter()
            loading = "from grants.app import create_app; create_app()" if root is ROOT else "import wsgi"
            subprocess.run([sys.executable, "-c", loading], cwd=root, env=environment, check=True)
            imports[root].append((time.perf_counter() - begin) * 1000)

    def figure(name: str, times: dict[Path, list[float]]) -> Figure:
        ours, bare = statistics.median(times[ROOT]), statistics.median(times[FLOOR])
        return Figure(
            name,
            served.dialect,
            served.size,
            ours,
            max(times[ROOT]),
            1000 / ours,
            0,
            0,
            0,
            ours,
            0.0,
            bare,
            ours / bare,
            bare,
        )

    return figure("cold_start", starts), figure("import", imports)


def weighed(served: ServedSize) -> list[Weight]:
    """The first visit of every public page."""
    grown = served.subjects
    published = grown.site.scalar(
        "SELECT min(application.reference) FROM application JOIN decision ON decision.application_id = application.id "
        "JOIN meeting ON meeting.id = decision.meeting_id WHERE decision.granted AND meeting.state = 'published'"
    )
    with HttpClient(served.server.address) as line:
        pages = public_pages(grown.site.app, grown, {"reference": str(published)})
        return [found for path in pages if (found := weight(line, path)) is not None]


def compared(small: ServedSize, large: ServedSize, scenario: Scenario) -> Interval:
    """The processor time of a page at two volumes, in pairs of rounds that alternate; a bootstrap interval at 95 %."""
    pairs = []
    for _pair in range(PAIRS):
        spent = []
        for served in (large, small):
            costs = Costs(served.server, served.subjects.site.url)
            all_ready = [aimed(scenario, served.subjects, served.client) for _ in range(EACH)]
            before = costs.spent()
            for ready in all_ready:
                ready.send()
            spent.append((costs.spent() - before) / EACH)
        pairs.append((spent[0], spent[1]))
    rng = random.Random(1)
    drawn = sorted(ratio([rng.choice(pairs) for _ in pairs]) for _ in range(2000))
    return Interval(large.dialect, small.size, large.size, ratio(pairs), drawn[50], drawn[-51])


def ratio(pairs: list[tuple[float, float]]) -> float:
    """What the first of each pair costs for what the second does."""
    return sum(pair[0] for pair in pairs) / max(sum(pair[1] for pair in pairs), 0.001)


# ---- everything ------------------------------------------------------------------------------------------------------


@dataclass
class Run:
    """What is asked for, and what was found."""

    wanted: frozenset[str]
    figures: list[Figure] = field(default_factory=list)
    weights: list[Weight] = field(default_factory=list)
    intervals: list[Interval] = field(default_factory=list)
    pages: list[Opened] = field(default_factory=list)
    calculations: list[Calculation] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def wants(self, *names: str) -> bool:
        """Whether one of these is measured in this run."""
        return not self.wanted or not self.wanted.isdisjoint(names)

    def attempt(self, name: str, act: Callable[[], None]) -> None:
        """Measure; what cannot be measured is told, and the other figures are still to come."""
        try:
            act()
        except Exception as error:  # noqa: BLE001 - see above
            self.failures.append(f"{name} : {type(error).__name__}: {error}")
            say(f"  n’a pas pu être mesuré : {self.failures[-1]}")

    def keep(self, *figures: Figure) -> None:
        """Note figures and show them."""
        self.figures += figures
        for figure in figures:
            say(report.client(figure))

    def measure(self, found: dict[int, ServedSize], *, weigh: bool) -> None:
        """Everything about the databases of one kind."""
        chosen = {one.name: one for one in SCENARIOS if self.wants(one.name)}
        for served in found.values():
            for name, scenario in chosen.items():
                self.attempt(name, partial(self._scenario, scenario, served))
        small, large = found[min(found)], found[max(size for size in found if size <= COMPARED or size == min(found))]
        if small is not large and "list" in chosen:
            self.attempt("interval", lambda: self.intervals.append(compared(small, large, chosen["list"])))
        if self.wants("cold_start", "import"):
            self.attempt("cold_start", lambda: self.keep(*started(small)))
        if weigh and self.wants("weights"):
            self.attempt("weights", lambda: self.weights.extend(weighed(small)))
        if weigh and self.wants("pages"):
            self.attempt("pages", lambda: self.pages.extend(every_page(large.subjects)))
        if weigh and self.wants("calculations"):
            self.attempt("calculations", lambda: self.calculations.extend(calculations()))

    def _scenario(self, scenario: Scenario, served: ServedSize) -> None:
        self.keep(measured(scenario, served))


def main() -> int:
    """Measure, print, write; give the exit code."""
    sizes = [int(size) for size in os.environ.get("SIZES", "").split()] or [
        *SIZES,
        *FULL * bool(os.environ.get("FULL")),
    ]
    dialects = os.environ.get("DATABASES", "").split() or list(DIALECTS)
    run = Run(frozenset(os.environ.get("SCENARIOS", "").split()))
    whole = not any(os.environ.get(name) for name in ("SIZES", "DATABASES", "SCENARIOS"))
    start, measured = time.monotonic(), commit()
    for dialect in dialects:
        with (
            tempfile.TemporaryDirectory(prefix="traboule-bench-") as folder,
            served_sizes(dialect, sizes, Path(folder)) as found,
        ):
            say(report.HEAD)
            run.measure(found, weigh=dialect == dialects[0])
        # After each database, so that a run that is cut off keeps what it has.
        write(run, measured, (time.monotonic() - start) / 60, page=whole)
    say(report.verdicts(run.figures, run.weights, run.intervals, run.pages, run.calculations))
    say(report.worst(run.pages))
    return 1 if run.failures else 0


def write(run: Run, measured: str, minutes: float, *, page: bool) -> None:
    """Write down what was measured so far."""
    if page:
        text = report.page(
            run.figures, run.weights, run.intervals, run.pages, run.calculations, run.failures,
            day=date.today(),  # noqa: DTZ011 - a civil day
            commit=measured, minutes=minutes,
        )  # fmt: skip
        (ROOT / "docs" / "performance.md").write_text(text, encoding="utf-8")
    record = ROOT / "instance" / "bench.json"
    record.parent.mkdir(exist_ok=True)
    record.write_text(json.dumps([one.as_dict() for one in run.figures], indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    end_on_terminate()
    sys.exit(main())
