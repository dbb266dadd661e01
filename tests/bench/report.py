"""The tables of `make bench`: what was measured, what was wanted, and whether it was reached."""

import os
import subprocess
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import date
from pathlib import Path
from typing import Any

from tests.bench.calculations import Calculation
from tests.bench.pages import MOST, Opened
from tests.bench.scenarios import SCENARIOS
from tests.bench.weights import HEAVIEST, Weight
from tests.site import ROOT

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
    floor_cpu_ms: float = 0.0
    first_ms: float = 0.0
    last_ms: float = 0.0

    def as_dict(self) -> dict[str, Any]:
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
Requêtes par seconde : 8 connexions à la fois ; une seule pour les écritures. Données de `grants demo --seed 1`.
« À froid » : une ligne vient d’être écrite au journal, ce que l’application gardait jusque-là ne vaut plus."""
COLUMNS = "scénario dossiers médiane p95 req/s SQL octets envoyés CPU Mio plancher son¤CPU rapport"
TABLE = f"| {COLUMNS.replace(' ', ' | ').replace('¤', ' ')} |"
OPENED = """Chaque page, ouverte par chaque rôle sur des données de chaque état, au plus grand volume mesuré (10 000
dossiers au plus), une fois, dans le processus de la mesure : l’ouverture la plus coûteuse de chaque page."""
HEAD = (
    f"{'scénario':16} {'base':10} {'dossiers':>8} {'médiane':>8} {'p95':>8} {'req/s':>7} {'req. SQL':>8} "
    f"{'octets':>9} {'envoyés':>9} {'CPU ms':>7} {'Mio':>5} {'plancher':>8} {'son CPU':>7} {'rapport':>7}"
)


def client(one: Figure) -> str:
    """A figure as a line of the terminal."""
    return (
        f"{one.scenario:16} {one.database:10} {one.applications:8} {one.median_ms:8.1f} {one.p95_ms:8.1f} "
        f"{one.rps:7.1f} {one.queries:8} {one.bytes:9} {one.bytes_compressed:9} {one.cpu_ms:7.1f} {one.peak_mb:5.0f} "
        f"{one.floor_ms:8.1f} {one.floor_cpu_ms:7.1f} {one.ratio:7.2f}"
    )


# What each thing people wait for may take beside its floor, at every volume; the list from 10,000 applications on.
RATIOS = {
    "form": 3.0, "form_cold": 3.0, "save_draft": 3.0, "save_marks": 3.0, "submit": 4.0, "call": 1.5, "call_cold": 1.5,
    "list": 1.5, "application": 1.5, "dossier": 1.5, "tracking": 1.5, "tracking_cold": 1.5,
}  # fmt: skip
FROM = {"list": 10_000}
FLAT = 1.25  # times the processor of the smallest volume that submitting may take at the largest up to 10,000
CALL_BYTES = 20_000


def near_floor(figures: list[Figure]) -> Iterator[Verdict]:
    """Each thing beside its floor, at the volume where it is dearest."""
    for name, limit in RATIOS.items():
        for base in dict.fromkeys(one.database for one in figures):
            found = [one for one in figures if (one.scenario, one.database) == (name, base)]
            found = [one for one in found if one.applications >= FROM.get(name, 0)]
            if found:
                worst = max(found, key=lambda one: one.ratio)
                text = (
                    f"{worst.ratio:.2f} fois à {worst.applications} dossiers ({worst.median_ms:.1f} ms ; plancher "
                    f"{worst.floor_ms:.1f} ms ; processeur {worst.cpu_ms:.1f} et {worst.floor_cpu_ms:.1f} ms)"
                )
                yield Verdict(f"{SAYS[name]}, {base} : au plus {limit:g} fois le plancher", text, worst.ratio <= limit)


def flat(figures: list[Figure]) -> Iterator[Verdict]:
    """Whether submitting costs the same whatever was submitted before; and what the page of a call weighs."""
    for base in dict.fromkeys(one.database for one in figures):
        found = sorted(
            (one for one in figures
             if (one.scenario, one.database) == ("submit", base) and one.applications <= 10_000),
            key=lambda one: one.applications,
        )  # fmt: skip
        if len(found) > 1:
            times = found[-1].cpu_ms / max(found[0].cpu_ms, 0.001)
            text = f"{times:.2f} fois ({found[0].cpu_ms:.1f} et {found[-1].cpu_ms:.1f} ms de processeur)"
            sizes = f"à {found[-1].applications} dossiers et à {found[0].applications}"
            yield Verdict(f"déposer {sizes}, {base} : le même prix, à un quart près", text, times <= FLAT)
    sent = [one.bytes_compressed for one in figures if one.scenario == "call"]
    if sent:
        text = f"{max(sent) / 1000:.1f} ko"
        yield Verdict("page publique d’un appel : au plus 20 ko envoyés", text, max(sent) <= CALL_BYTES)


def crawled(pages: list[Opened]) -> Iterator[Verdict]:
    """Whether every page of every role asks few statements."""
    if pages:
        over = sorted({f"{one.rule} ({one.role}) : {one.statements}" for one in pages if one.statements > MOST})
        text = ", ".join(over) or f"aucun dépassement sur {len({one.rule for one in pages})} pages"
        yield Verdict(f"requêtes SQL de chaque page, pour chaque rôle : au plus {MOST}", text, not over)


def calculated(found: list[Calculation]) -> Iterator[Verdict]:
    """Whether the committee's calculations take as little as wanted."""
    for one in found:
        yield Verdict(
            f"{one.says} : au plus {one.most:g} s de processeur".replace(".", ","),
            f"{one.seconds:.2f} s".replace(".", ","),
            one.seconds <= one.most,
        )


def judged(
    figures: list[Figure],
    weights: list[Weight],
    intervals: list[Interval],
    pages: list[Opened],
    calculations: list[Calculation],
) -> Iterator[Verdict]:
    """Each target with what was found."""
    yield from near_floor(figures)
    yield from calculated(calculations)
    yield from flat(figures)
    yield from crawled(pages)
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
                text = (
                    f"mémoire {more:+.0f} Mio de {first.applications} à {last.applications} dossiers ; premier octet "
                    f"à {last.first_ms:.0f} ms sur {last.last_ms:.0f}"
                )
                # A sheet of one chunk has no early byte to show.
                early = last.bytes < 64_000 or last.first_ms <= 0.5 * last.last_ms
                yield Verdict(f"{SAYS[name]}, {base} : au fil de l’eau", text, more <= 16 and early)


def verdicts(
    figures: list[Figure],
    weights: list[Weight],
    intervals: list[Interval],
    pages: list[Opened],
    calculations: list[Calculation],
) -> str:
    """The targets as lines of the terminal."""
    return "\n".join(
        f"{'atteint' if one.met else 'MANQUÉ':8} {one.target} : {one.found}"
        for one in judged(figures, weights, intervals, pages, calculations)
    )


def worst(pages: list[Opened], most: int = 10) -> str:
    """The pages that cost most, of all roles: by statements, by time, by weight."""
    if not pages:
        return ""
    rows = []
    for title, key in (
        ("Le plus de requêtes", lambda one: one.statements),
        ("Le plus de processeur", lambda one: one.cpu_ms),
        ("Les plus lourdes (octets, avant compression)", lambda one: one.bytes),
    ):
        rows += [f"### {title}", "", "| page | rôle | SQL | processeur (ms) | octets |", "|---|---|--:|--:|--:|"]
        dearest: dict[str, Opened] = {}
        for one in sorted(pages, key=key):
            dearest[one.rule] = one
        rows += [
            f"| `{one.rule}` | {one.role} | {one.statements} | {one.cpu_ms:.0f} | {one.bytes} |"
            for one in sorted(dearest.values(), key=key, reverse=True)[:most]
        ]
        rows.append("")
    return "\n".join(rows)


SINCE = "7be365a"  # the floor may only become faster: what changed in it since this commit is shown


def floor_changes() -> str:
    """How the floor differs from the one of the commit that measures are compared with; empty where it is unknown."""
    result = subprocess.run(
        ["git", "diff", SINCE, "--", "tests/bench/floor.py"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return result.stdout if result.returncode == 0 else ""


def machine() -> str:
    """The machine in general words."""
    facts = dict(
        row.split(":", 1) for row in Path("/proc/meminfo").read_text(encoding="ascii").splitlines() if ":" in row
    )
    memory = int(facts["MemTotal"].split()[0]) / 1024 / 1024
    return f"{os.cpu_count()} cœurs, {memory:.0f} Gio de mémoire"


def page(
    figures: list[Figure],
    weights: list[Weight],
    intervals: list[Interval],
    pages: list[Opened],
    calculations: list[Calculation],
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
            for one in judged(figures, weights, intervals, pages, calculations)
        ),
        "",
    ]
    if failures:
        rows += ["## Ce qui n’a pas pu être mesuré", "", *(f"- {failure}" for failure in failures), ""]
    for base in dict.fromkeys(one.database for one in figures):
        rows += [
            f"## {base}",
            "",
            TABLE,
            "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|",
            *(
                f"| {SAYS[one.scenario]} | {one.applications} | {one.median_ms:.1f} | {one.p95_ms:.1f} | {one.rps:.0f} "
                f"| {one.queries} | {one.bytes} | {one.bytes_compressed} | {one.cpu_ms:.1f} | {one.peak_mb:.0f} "
                f"| {one.floor_ms:.1f} | {one.floor_cpu_ms:.1f} | {one.ratio:.2f} |"
                for one in sorted((f for f in figures if f.database == base), key=_order)
            ),
            "",
        ]
    if pages:
        rows += [
            "## Toutes les pages",
            "",
            OPENED,
            "",
            worst(pages),
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
    if changes := floor_changes():
        heading = f"Ce qui a changé dans `tests/bench/floor.py` depuis le commit `{SINCE}`."
        rows += ["## Le plancher", "", heading, "", "```diff", changes.rstrip("\n"), "```", ""]
    return "\n".join(rows)


def _order(one: Figure) -> tuple[int, int]:
    return list(SAYS).index(one.scenario), one.applications
