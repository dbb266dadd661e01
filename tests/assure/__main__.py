"""`make assure`: measures every figure of trust, writes the table down, and fails when one does not hold.

python -m tests.assure              all figures, on both databases
python -m tests.assure crash races  these alone; the other lines of the table stay as they were measured

Three processes share the figures, the longest first, each with databases of its own.
"""

import json
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from datetime import date

from tests.assure.everything import FIGURES, figures
from tests.assure.explained import TITLE, explained
from tests.assure.sharing import Key, measures
from tests.databases import DIALECTS
from tests.site import ROOT, end_on_terminate

TABLE = ROOT / "docs" / "assurance.md"
RECORD = ROOT / "instance" / "assure.json"
COLUMNS = 10
MOST_PROCESSOR = 120  # minutes
HEAD = """# Ce qui est prouvé

Écrit par `make assure` : ne pas modifier à la main. Chaque ligne dit le jour et le commit de sa mesure ; un commit
suivi de « -dirty » avait des fichiers modifiés.

Chaque chiffre compte des fautes : le seuil est zéro. « Essais » dit combien de fois l’instrument a regardé ; trop peu
d’essais fait échouer la mesure. Le numéro renvoie à la liste des 44 chiffres, expliqués plus bas.

| n° | chiffre | ce qui est compté | base | essais | valeur | seuil | | secondes | mesuré |
|---|---|---|---|--:|--:|--:|---|--:|---|
"""
NOTES = "## À savoir"


def commit() -> str:
    """Give the commit that is measured, and say so when files differ from it."""
    result = subprocess.run(
        ["git", "describe", "--always", "--dirty", "--abbrev=10"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return result.stdout.strip() or "inconnu"


def written_rows() -> dict[Key, str]:
    """The lines of the table as it stands, by figure and database."""
    lines = TABLE.read_text(encoding="utf-8").splitlines() if TABLE.exists() else []
    cells = [[cell.strip() for cell in line.split("|")] for line in lines]
    return {(row[2], row[4]): line for line, row in zip(lines, cells, strict=True) if len(row) == COLUMNS + 2}


def written_notes() -> dict[str, list[str]]:
    """What stands under the table as it is, by figure."""
    _table, _title, text = TABLE.read_text(encoding="utf-8").partition(NOTES) if TABLE.exists() else ("", "", "")
    notes: dict[str, list[str]] = {}
    for line in text.partition(TITLE)[0].splitlines():
        name, colon, note = line.removeprefix("- ").partition(" : ")
        if colon:
            notes.setdefault(name, []).append(note)
    return notes


def write(rows: Mapping[Key, str], notes: Mapping[str, Sequence[str]], record: Sequence[Mapping[str, object]]) -> None:
    """Write the table and the record, each new line in its place among those that were not measured this time."""
    every = {**written_rows(), **rows}
    merged = {**written_notes(), **notes}
    order = [(one.name, dialect) for dialect in DIALECTS for one in figures(dialect, short=False)]
    under = [f"- {one.name} : {note}" for one in FIGURES for note in merged.get(one.name, [])]
    lines = [
        *(every[key] for key in order if key in every),
        *(["", NOTES, "", *under] if under else []),
        "",
        explained(),
    ]
    TABLE.write_text(HEAD + "\n".join(lines), encoding="utf-8")
    known = {one["name"]: one for one in json.loads(RECORD.read_text(encoding="utf-8"))} if RECORD.exists() else {}
    RECORD.parent.mkdir(exist_ok=True)
    by_name = {**known, **{one["name"]: one for one in record}}
    RECORD.write_text(json.dumps(list(by_name.values()), indent=1) + "\n", encoding="utf-8")


def main() -> int:
    """Measure, print, write; give the exit code."""
    wanted, record, rows = set(sys.argv[1:]), [], {}
    notes: dict[str, list[str]] = {}
    named = {one.name: one for one in FIGURES}
    if unknown := wanted - named.keys():
        print(f"inconnu : {', '.join(sorted(unknown))}. Chiffres : {', '.join(named)}")
        return 2
    start, total = time.monotonic(), 0.0
    measured_on = f"{date.today().isoformat()} `{commit()}`"  # noqa: DTZ011 - a civil day
    chosen = [(one, dialect) for dialect in DIALECTS for one in figures(dialect, short=False)]
    longest_first = sorted(chosen, key=lambda each: -each[0].minutes)
    keys = [(one.name, dialect) for one, dialect in longest_first if not wanted or one.name in wanted]
    for (figure_name, dialect), reading, seconds, processor in measures(keys):
        figure = named[figure_name]
        verdict = "PASS" if reading.passes else "FAIL"
        name = f"{figure.name}/{dialect}"
        cost = f"{seconds:.0f} s, {processor:.0f} s de processeur"
        print(f"{name:28} {reading.found} 0 {verdict}  ({reading.tried} essais, {cost})", flush=True)
        total += processor
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
             "tried": reading.tried, "seconds": round(seconds, 1), "processor": round(processor, 1)}
        )  # fmt: skip
        write(rows, notes, record)
    print(f"{len(record)} chiffres en {(time.monotonic() - start) / 60:.1f} minutes")
    print(f"{total / 60:.1f} minutes de processeur ; tous les chiffres ensemble : {MOST_PROCESSOR} au plus")
    return 0 if all(each["pass"] for each in record) else 1


if __name__ == "__main__":
    end_on_terminate()
    sys.exit(main())
