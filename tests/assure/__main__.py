"""`make assure`: measures every figure of trust, writes the table down, and fails when one does not hold.

python -m tests.assure              all figures, on both databases
python -m tests.assure crash races  these alone; the other lines of the table stay as they were measured

Two processes share the figures, the longest first, each with databases of its own.
"""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import date
from multiprocessing import get_context
from multiprocessing.queues import Queue
from pathlib import Path
from queue import Empty

from flask_migrate import upgrade
from playwright.sync_api import Browser, sync_playwright

from grants.app import create_app
from grants.demo.plant import plant
from grants.kernel.actor import system
from grants.kernel.db import db, unit_of_work
from grants.programme.actions import load_reference
from tests.assure.everything import FIGURES, figures
from tests.assure.figures import Figure, Reading
from tests.browsing import chromium
from tests.databases import DIALECTS, Databases, databases, fill_template, postgresql_server
from tests.site import ROOT, Place, end_on_terminate, settings_for

TABLE = ROOT / "docs" / "assurance.md"
RECORD = ROOT / "instance" / "assure.json"
COLUMNS = 10
AT_ONCE = 2
HEAD = """# Ce qui est prouvé

Écrit par `make assure` : ne pas modifier à la main. Chaque ligne dit le jour et le commit de sa mesure ; un commit
suivi de « -dirty » avait des fichiers modifiés.

Chaque chiffre compte des fautes : le seuil est zéro. « Essais » dit combien de fois l’instrument a regardé ; trop peu
d’essais fait échouer la mesure. Le numéro renvoie à la liste des 44 chiffres que le projet s’est donnés.

| n° | chiffre | ce qui est compté | base | essais | valeur | seuil | | secondes | mesuré |
|---|---|---|---|--:|--:|--:|---|--:|---|
"""
NOT_YET = "## Ce qui ne s’applique pas encore"
Key = tuple[str, str]
Told = tuple[Key, Reading, float]


def prepared(url: str, folder: Path, *, planted: bool) -> None:
    """Fill a template: migrated, reference data loaded, the demonstration planted when asked."""
    app = create_app(settings_for(url, folder), TESTING=True)
    with app.app_context():
        upgrade()
        with unit_of_work():
            load_reference(by=system("assurance"))
        if planted:
            plant(by=system("assurance"))
        db.session.remove()
        db.engine.dispose()


@contextmanager
def place(dialect: str) -> Iterator[Place]:
    """Open the databases of a kind and fill the two funds that instruments copy."""
    with ExitStack() as running:
        folder = Path(running.enter_context(tempfile.TemporaryDirectory(prefix="traboule-assure-")))
        (folder / "databases").mkdir()
        where = running.enter_context(postgresql_server()) if dialect == "postgresql" else folder / "databases"
        store: Databases = databases(dialect, where)
        files = folder / "planted"
        files.mkdir()
        fill_template(store, "assure_bare", lambda url: prepared(url, folder, planted=False))
        fill_template(store, "assure_planted", lambda url: prepared(url, files, planted=True))
        opened: list[Browser] = []

        def browser() -> Browser:
            if not opened:
                opened.append(running.enter_context(chromium(running.enter_context(sync_playwright()))))
            return opened[0]

        templates = {"bare": ("assure_bare", None), "planted": ("assure_planted", files)}
        yield Place(dialect, store, "assure_", folder, templates, browser, full=True)


def measured(figure: Figure, where: Place) -> tuple[Reading, float]:
    """Measure one figure; a measure that breaks is a fault like another."""
    start = time.monotonic()
    try:
        reading = figure.measure(where)
    except Exception as error:  # noqa: BLE001 - the other figures are still to be measured
        reading = Reading(0, [f"the measure broke: {type(error).__name__}: {error}"])
    return reading, time.monotonic() - start


def commit() -> str:
    """Give the commit that is measured, and say so when files differ from it."""
    told = subprocess.run(
        ["git", "describe", "--always", "--dirty", "--abbrev=10"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return told.stdout.strip() or "inconnu"


def written_rows() -> dict[Key, str]:
    """The lines of the table as it stands, by figure and database."""
    lines = TABLE.read_text(encoding="utf-8").splitlines() if TABLE.exists() else []
    cells = [[cell.strip() for cell in line.split("|")] for line in lines]
    return {(row[2], row[4]): line for line, row in zip(lines, cells, strict=True) if len(row) == COLUMNS + 2}


def written_notes() -> dict[str, list[str]]:
    """What stands under the table as it is, by figure."""
    _table, _title, told = TABLE.read_text(encoding="utf-8").partition(NOT_YET) if TABLE.exists() else ("", "", "")
    notes: dict[str, list[str]] = {}
    for line in told.splitlines():
        name, colon, note = line.removeprefix("- ").partition(" : ")
        if colon:
            notes.setdefault(name, []).append(note)
    return notes


def write(rows: Mapping[Key, str], notes: Mapping[str, Sequence[str]], record: Sequence[Mapping[str, object]]) -> None:
    """Write the table and the record, each new line in its place among those that were not measured this time."""
    every = {**written_rows(), **rows}
    told = {**written_notes(), **notes}
    order = [(one.name, dialect) for dialect in DIALECTS for one in FIGURES if (one.name, dialect) in every]
    under = [f"- {one.name} : {note}" for one in FIGURES for note in told.get(one.name, [])]
    lines = [*(every[key] for key in order), *(["", NOT_YET, "", *under] if under else [])]
    TABLE.write_text(HEAD + "\n".join(lines) + "\n", encoding="utf-8")
    known = {one["name"]: one for one in json.loads(RECORD.read_text(encoding="utf-8"))} if RECORD.exists() else {}
    RECORD.parent.mkdir(exist_ok=True)
    kept = {**known, **{one["name"]: one for one in record}}
    RECORD.write_text(json.dumps(list(kept.values()), indent=1) + "\n", encoding="utf-8")


def at_work(tasks: "Queue[Key | None]", told: "Queue[Told]") -> None:
    """Measure the figures that wait, one after another; a database's funds are filled when its first figure comes."""
    end_on_terminate()
    named = {one.name: one for one in FIGURES}
    places: dict[str, Place] = {}
    with ExitStack() as opened:
        while (key := tasks.get()) is not None:
            name, dialect = key
            if dialect not in places:
                places[dialect] = opened.enter_context(place(dialect))
            told.put((key, *measured(named[name], places[dialect])))


def measures(wanted: Sequence[Key]) -> Iterator[Told]:
    """Share the figures between the processes; give each reading as it comes. A process that dies is a fault."""
    apart = get_context("spawn")
    tasks: Queue[Key | None] = apart.Queue()
    told: Queue[Told] = apart.Queue()
    # Daemons: when this process ends, however it ends, they are told to end, and their servers with them.
    workers = [apart.Process(target=at_work, args=(tasks, told), daemon=True) for _ in range(AT_ONCE)]
    for worker in workers:
        worker.start()
    for key in [*wanted, *[None] * AT_ONCE]:
        tasks.put(key)
    missing = set(wanted)
    while missing:
        try:
            key, reading, seconds = told.get(timeout=5)
        except Empty:
            if any(worker.is_alive() for worker in workers):
                continue
            yield from ((key, Reading(0, ["the process that measured it died"]), 0.0) for key in sorted(missing))
            return
        missing.discard(key)
        yield key, reading, seconds
    for worker in workers:
        worker.join()


def main() -> int:
    """Measure, print, write; give the exit code."""
    wanted, record, rows = set(sys.argv[1:]), [], {}
    notes: dict[str, list[str]] = {}
    named = {one.name: one for one in FIGURES}
    if unknown := wanted - named.keys():
        print(f"inconnu : {', '.join(sorted(unknown))}. Chiffres : {', '.join(named)}")
        return 2
    start = time.monotonic()
    measured_on = f"{date.today().isoformat()} `{commit()}`"  # noqa: DTZ011 - a civil day
    chosen = [(one, dialect) for dialect in DIALECTS for one in figures(dialect, short=False)]
    longest_first = sorted(chosen, key=lambda each: -each[0].minutes)
    keys = [(one.name, dialect) for one, dialect in longest_first if not wanted or one.name in wanted]
    for (figure_name, dialect), reading, seconds in measures(keys):
        figure = named[figure_name]
        verdict = "PASS" if reading.passes else "FAIL"
        name = f"{figure.name}/{dialect}"
        print(f"{name:28} {reading.found} 0 {verdict}  ({reading.tried} essais, {seconds:.0f} s)", flush=True)
        for fault in reading.faults[:20]:
            print(f"    {fault}", flush=True)
        cells = (
            figure.number, figure.name, figure.says, dialect, reading.tried, reading.found, 0, verdict,
            round(seconds), measured_on,
        )  # fmt: skip
        rows[figure.name, dialect] = f"| {' | '.join(map(str, cells))} |"
        notes[figure.name] = reading.notes or notes.get(figure.name, [])
        record.append(
            {"name": name, "value": reading.found, "threshold": 0, "pass": reading.passes,
             "tried": reading.tried, "seconds": round(seconds, 1)}
        )  # fmt: skip
        write(rows, notes, record)
    print(f"{len(record)} chiffres en {(time.monotonic() - start) / 60:.1f} minutes")
    return 0 if all(each["pass"] for each in record) else 1


if __name__ == "__main__":
    end_on_terminate()
    sys.exit(main())
