"""The figures shared between processes, each with funds of its own to copy."""

import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from multiprocessing import get_context
from multiprocessing.queues import Queue
from pathlib import Path
from queue import Empty

from flask_migrate import upgrade
from playwright.sync_api import Browser, sync_playwright

from grants.app import create_app
from grants.demo.install import install
from grants.kernel.actor import system
from grants.kernel.db import db, unit_of_work
from grants.programme.actions import load_reference
from tests.assure.everything import FIGURES
from tests.assure.figures import Figure, Reading
from tests.browsing import chromium
from tests.databases import Databases, databases, fill_template, postgresql_server
from tests.meter import adopt_orphans, spent
from tests.site import Workspace, end_on_terminate, settings_for

AT_ONCE = 3  # for two cores: there is always one that waits, for a page or for the clock
Key = tuple[str, str]  # the name of a figure and the database it is measured on
Measured = tuple[Key, Reading, float, float]


def prepared(url: str, folder: Path, *, demo: bool) -> None:
    """Fill a template: migrated, reference data loaded, the demonstration installed when asked."""
    app = create_app(settings_for(url, folder), TESTING=True)
    with app.app_context():
        upgrade()
        with unit_of_work():
            load_reference(by=system("assurance"))
        if demo:
            install(by=system("assurance"))
        db.session.remove()
        db.engine.dispose()


@contextmanager
def workspace(dialect: str) -> Iterator[Workspace]:
    """Open the databases of a kind and fill the two funds that instruments copy."""
    with ExitStack() as running:
        folder = Path(running.enter_context(tempfile.TemporaryDirectory(prefix="traboule-assure-")))
        (folder / "databases").mkdir()
        where = running.enter_context(postgresql_server()) if dialect == "postgresql" else folder / "databases"
        store: Databases = databases(dialect, where)
        files = folder / "demo"
        files.mkdir()
        fill_template(store, "assure_bare", lambda url: prepared(url, folder, demo=False))
        fill_template(store, "assure_demo", lambda url: prepared(url, files, demo=True))
        opened: list[Browser] = []

        def browser() -> Browser:
            if not opened:
                opened.append(running.enter_context(chromium(running.enter_context(sync_playwright()))))
            return opened[0]

        templates = {"bare": ("assure_bare", None), "demo": ("assure_demo", files)}
        yield Workspace(dialect, store, "assure_", folder, templates, browser, full=True)


def measured(figure: Figure, workspace: Workspace) -> tuple[Reading, float, float]:
    """Measure one figure; give its seconds and those of processor. A measure that breaks is a fault like another."""
    start, before = time.monotonic(), spent()
    try:
        reading = figure.measure(workspace)
    except Exception as error:  # noqa: BLE001 - the other figures are still to be measured
        reading = Reading(0, [f"the measure broke: {type(error).__name__}: {error}"])
    return reading, time.monotonic() - start, spent() - before


def at_work(tasks: "Queue[Key | None]", results: "Queue[Measured]") -> None:
    """Measure the figures that wait, one after another; a database's funds are filled when its first figure comes."""
    end_on_terminate()
    adopt_orphans()
    named = {one.name: one for one in FIGURES}
    places: dict[str, Workspace] = {}
    with ExitStack() as opened:
        while (key := tasks.get()) is not None:
            name, dialect = key
            if dialect not in places:
                places[dialect] = opened.enter_context(workspace(dialect))
            results.put((key, *measured(named[name], places[dialect])))


def measures(wanted: Sequence[Key]) -> Iterator[Measured]:
    """Share the figures between the processes; give each reading as it comes. A process that dies is a fault."""
    apart = get_context("spawn")
    tasks: Queue[Key | None] = apart.Queue()
    results: Queue[Measured] = apart.Queue()
    # Daemons: when this process ends, however it ends, they are told to end, and their servers with them.
    workers = [apart.Process(target=at_work, args=(tasks, results), daemon=True) for _ in range(AT_ONCE)]
    for worker in workers:
        worker.start()
    for key in [*wanted, *[None] * AT_ONCE]:
        tasks.put(key)
    missing = set(wanted)
    while missing:
        try:
            key, reading, seconds, processor = results.get(timeout=5)
        except Empty:
            if any(worker.is_alive() for worker in workers):
                continue
            yield from ((key, Reading(0, ["the process that measured it died"]), 0.0, 0.0) for key in sorted(missing))
            return
        missing.discard(key)
        yield key, reading, seconds, processor
    for worker in workers:
        worker.join()
