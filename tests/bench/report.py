"""The tables of `make bench`: what was measured, what was wanted, and whether it was reached."""

import os
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import date
from pathlib import Path
from typing import Any

from tests.bench.scenarios import SCENARIOS
from tests.bench.weights import HEAVIEST, Weight

SAYS = {one.name: one.says for one in SCENARIOS} | {
    "cold_start": "démarrage à froid, jusqu’à la première page", "import": "import de l’application",
}  # fmt: skip
UNLISTED = ("first_ms", "last_ms")


@dataclass(frozen=True)
class Figure:
    """A scenario at a size on a database. Times in milliseconds, memory in MiB of the largest process."""

    scenario: str
    database: str
    applications: int
    median_ms: float
    p95_ms: float
    rps: float
    queries: int
    bytes: int
    bytes_compressed: int
    cpu_ms: float
    peak_mb: float
    floor_ms: float
    ratio: float
    first_ms: float = 0.0
    last_ms: float = 0.0

    def told(self) -> dict[str, Any]:
        """As it is recorded."""
        values = {one.name: getattr(self, one.name) for one in fields(self) if one.name not in UNLISTED}
        return {name: round(value, 3) if isinstance(value, float) else value for name, value in values.items()}


@dataclass(frozen=True)
class Interval:
    """How many times the processor time of the list at one volume is that at another, with its interval at 95 %."""

    database: str
    small: int
    large: int
    ratio: float
    low: float
    high: float


@dataclass(frozen=True)
class Verdict:
    """A target, what was found, and whether it is reached."""

    target: str
    found: str
    met: bool


HEADED = (
    "Écrit par `make bench` : ne pas modifier à la main. Mesuré le {day} sur le commit `{commit}`, en {minutes:.0f} "
    "minutes, sur une machine de {machine}."
)
METHOD = """Chaque scénario est mesuré à côté de son **plancher**, en alternance, dans la même exécution : un programme
minimal (`tests/bench/floor.py` : Flask, SQLAlchemy Core et Jinja) qui montre les mêmes lignes de la même base, servi
par la même commande (2 processus de 4 fils), sans droits, formulaires, traductions ni journal. Les temps sont en
millisecondes ; le processeur compte l’application et la base ; la mémoire est le sommet du plus gros processus.
Requêtes par seconde : 8 connexions à la fois ; une seule pour les écritures. Données de `grants demo --seed 1`."""
HEAD = (
    f"{'scénario':16} {'base':10} {'dossiers':>8} {'médiane':>8} {'p95':>8} {'req/s':>7} {'req. SQL':>8} "
    f"{'octets':>9} {'envoyés':>9} {'CPU ms':>7} {'Mio':>5} {'plancher':>8} {'rapport':>7}"
)


def line(one: Figure) -> str:
    """A figure as a line of the terminal."""
    return (
        f"{one.scenario:16} {one.database:10} {one.applications:8} {one.median_ms:8.1f} {one.p95_ms:8.1f} "
        f"{one.rps:7.1f} {one.queries:8} {one.bytes:9} {one.bytes_compressed:9} {one.cpu_ms:7.1f} {one.peak_mb:5.0f} "
        f"{one.floor_ms:8.1f} {one.ratio:7.2f}"
    )


def judged(figures: list[Figure], weights: list[Weight], intervals: list[Interval]) -> Iterator[Verdict]:
    """Each target with what was found."""
    for one in figures:
        if one.scenario == "list" and one.applications == 10_000:
            told = f"{one.ratio:.2f} fois ({one.median_ms:.1f} ms ; plancher {one.floor_ms:.1f} ms)"
            yield Verdict(f"liste des dossiers à 10 000, {one.database} : au plus 2 fois le plancher", told,
                          one.ratio <= 2)  # fmt: skip
    for each in intervals:
        yield Verdict(
            f"processeur de la liste à {each.large} et à {each.small} dossiers, {each.database} : dans le bruit",
            f"{each.ratio:.3f} fois, intervalle à 95 % de {each.low:.3f} à {each.high:.3f}",
            each.low <= 1 <= each.high or each.high <= 1,
        )
    counts: dict[tuple[str, str], set[int]] = defaultdict(set)
    for one in figures:
        counts[one.scenario, one.database].add(one.queries)
    growing = [f"{name} ({base}) : {sorted(found)}" for (name, base), found in counts.items() if len(found) > 1]
    yield Verdict("requêtes SQL : le même nombre à tous les volumes", ", ".join(growing) or "le même", not growing)
    over = sorted(
        {f"{one.scenario} : {one.queries}" for one in figures if one.queries > (28 if one.scenario == "submit" else 15)}
    )
    yield Verdict("requêtes SQL : au plus 15, 28 pour déposer", ", ".join(over) or "aucun dépassement", not over)
    if weights:
        heaviest = max(weights, key=lambda found: found.packed)
        yield Verdict(
            f"première visite : au plus {HEAVIEST // 1000} ko envoyés",
            f"la plus lourde de {len(weights)} : {heaviest.path}, {heaviest.packed / 1000:.1f} ko",
            heaviest.packed <= HEAVIEST,
        )
    yield from streams(figures)


def streams(figures: list[Figure]) -> Iterator[Verdict]:
    """Whether exports leave as they are read: memory that does not follow the volume, a first byte that comes early."""
    for name in (one.name for one in SCENARIOS if one.streamed):
        for base in sorted({one.database for one in figures}):
            found = sorted(
                (one for one in figures if (one.scenario, one.database) == (name, base)),
                key=lambda one: one.applications,
            )
            if len(found) > 1:
                first, last = found[0], found[-1]
                more = last.peak_mb - first.peak_mb
                told = (
                    f"mémoire {more:+.0f} Mio de {first.applications} à {last.applications} dossiers ; premier octet "
                    f"à {last.first_ms:.0f} ms sur {last.last_ms:.0f}"
                )
                # A sheet of one chunk has no early byte to show.
                early = last.bytes < 64_000 or last.first_ms <= 0.5 * last.last_ms
                yield Verdict(f"{SAYS[name]}, {base} : au fil de l’eau", told, more <= 16 and early)


def verdicts(figures: list[Figure], weights: list[Weight], intervals: list[Interval]) -> str:
    """The targets as lines of the terminal."""
    return "\n".join(
        f"{'atteint' if one.met else 'MANQUÉ':8} {one.target} : {one.found}"
        for one in judged(figures, weights, intervals)
    )


def machine() -> str:
    """The machine in general words."""
    told = dict(
        row.split(":", 1) for row in Path("/proc/meminfo").read_text(encoding="ascii").splitlines() if ":" in row
    )
    memory = int(told["MemTotal"].split()[0]) / 1024 / 1024
    return f"{os.cpu_count()} cœurs, {memory:.0f} Gio de mémoire"


def page(
    figures: list[Figure],
    weights: list[Weight],
    intervals: list[Interval],
    failures: list[str],
    *,
    day: date,
    commit: str,
    minutes: float,
) -> str:
    """The document that is kept."""
    rows = [
        "# Ce que coûte une page",
        "",
        HEADED.format(day=day.isoformat(), commit=commit, minutes=minutes, machine=machine()),
        "",
        METHOD,
        "",
        "## Objectifs",
        "",
        "| objectif | trouvé | |",
        "|---|---|---|",
        *(
            f"| {one.target} | {one.found} | {'atteint' if one.met else '**manqué**'} |"
            for one in judged(figures, weights, intervals)
        ),
        "",
    ]
    if failures:
        rows += ["## Ce qui n’a pas pu être mesuré", "", *(f"- {failure}" for failure in failures), ""]
    for base in dict.fromkeys(one.database for one in figures):
        rows += [
            f"## {base}",
            "",
            "| scénario | dossiers | médiane | p95 | req/s | SQL | octets | envoyés | CPU | Mio | plancher | rapport |",
            "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|",
            *(
                f"| {SAYS[one.scenario]} | {one.applications} | {one.median_ms:.1f} | {one.p95_ms:.1f} | {one.rps:.0f} "
                f"| {one.queries} | {one.bytes} | {one.bytes_compressed} | {one.cpu_ms:.1f} | {one.peak_mb:.0f} "
                f"| {one.floor_ms:.1f} | {one.ratio:.2f} |"
                for one in sorted((f for f in figures if f.database == base), key=_order)
            ),
            "",
        ]
    if weights:
        rows += [
            "## Première visite",
            "",
            "La page, son style, ses scripts et ses images, tels qu’ils sont envoyés (`Accept-Encoding: br, gzip`).",
            "",
            "| page | envoyés | décompressés |",
            "|---|--:|--:|",
            *(f"| `{one.path}` | {one.packed} | {one.raw} |" for one in sorted(weights, key=lambda w: -w.packed)),
            "",
        ]
    return "\n".join(rows)


def _order(one: Figure) -> tuple[int, int]:
    return list(SAYS).index(one.scenario), one.applications
