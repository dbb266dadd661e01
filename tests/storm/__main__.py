"""`make storm`: a hundred associations submit within a minute, on the server of `make run`, on both databases."""

import json
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from tests.assure.sharing import prepared
from tests.databases import DIALECTS, databases, fill_template, postgresql_server
from tests.site import ROOT, Site, end_on_terminate
from tests.storm.run import STEPS, StormResult, run_storm

RECORD = ROOT / "instance" / "storm.json"
ASSOCIATIONS, SECONDS = 100, 60.0
WORDS = {
    "open": "ouvrir",
    "save": "enregistrer",
    "upload": "joindre 1 Mo",
    "submit": "déposer",
    "receipt": "lire le reçu",
}


def stormed(dialect: str) -> StormResult:
    """Run one night on a fund of its own; the database keeps what it is told as it would in service."""
    with ExitStack() as running:
        folder = Path(running.enter_context(tempfile.TemporaryDirectory(prefix="traboule-storm-")))
        where = running.enter_context(postgresql_server(durable=True)) if dialect == "postgresql" else folder
        store = databases(dialect, where)
        files = folder / "site"
        files.mkdir()
        site = Site(fill_template(store, "storm", lambda url: prepared(url, files, demo=False)), files)
        running.callback(site.close)
        with site.serve(worker=True) as server:
            return run_storm(site, server, ASSOCIATIONS, SECONDS, tell=_progress)


def _progress(outcome: StormResult) -> None:
    if sys.stdout.isatty():
        print(
            f"\r  {outcome.submitted}/{outcome.associations} déposés, {outcome.requests} requêtes", end="", flush=True
        )


def _shown(dialect: str, outcome: StormResult) -> None:
    print(
        f"\n{dialect} : {outcome.submitted} dossiers déposés en {outcome.seconds:.0f} s, {outcome.requests} requêtes ; "
        f"perdus {outcome.lost}, doublés {outcome.doubled}, erreurs du serveur {outcome.errors}"
    )
    for step in STEPS:
        median, late = outcome.percentiles(step)
        print(f"  {WORDS[step]:14} médiane {median:7.0f} ms   p95 {late:7.0f} ms   ({len(outcome.times[step])} fois)")
    for fault in outcome.faults[:20]:
        print(f"    {fault}")


def _record(dialect: str, outcome: StormResult) -> dict[str, object]:
    steps = {
        step: dict(zip(("p50_ms", "p95_ms"), map(round, outcome.percentiles(step)), strict=True)) for step in STEPS
    }
    return {
        "database": dialect, "associations": outcome.associations, "submitted": outcome.submitted, "lost": outcome.lost,
        "doubled": outcome.doubled, "errors": outcome.errors, "requests": outcome.requests,
        "seconds": round(outcome.seconds, 1),
        "steps": steps, "faults": outcome.faults,
    }  # fmt: skip


def main() -> int:
    """Run, print, write; give the exit code."""
    record = []
    for dialect in DIALECTS:
        print(f"{dialect} : {ASSOCIATIONS} associations en {SECONDS:.0f} s…", flush=True)
        outcome = stormed(dialect)
        _shown(dialect, outcome)
        record.append(_record(dialect, outcome))
    RECORD.parent.mkdir(exist_ok=True)
    RECORD.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return 1 if any(each["faults"] for each in record) else 0


if __name__ == "__main__":
    end_on_terminate()
    sys.exit(main())
