"""Who reads which dossier: readers assigned within bounds, by a documented order of aims, solved exactly.

What is wanted, in this order, each aim without giving up anything of those before it:

1. all rules: as many readers as each dossier needs, no reader above their bound, the seats of each college on each
   dossier, no reader on a dossier they have a link with, what is already assigned kept;
2. topics: the largest sum, over the pairs, of the reader's confidence in each topic of the dossier;
3. loads as even as possible: the smallest sum of their squares, hence also the smallest of the largest loads;
4. panels that let readers be compared: any two readers are joined by a chain of dossiers read in common where that is
   possible, and the same two sit together as seldom as possible.

The first three are proved best (a flow, of which the linear program has whole solutions). The fourth is improved from
there by exchanges of two readers, and by a search of bounded length for a joined whole: it is good, not proved best.

Dossiers and readers are taken in the order of their identifiers: the order they are given in changes nothing. Nothing
here loads the solver before an assignment is asked for.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from grants.methods.clashes import smallest_clash

READERS, LOAD, COLLEGES, CONFLICTS, KEPT = "readers_per_dossier", "max_load", "colleges", "conflicts", "kept"
MOST_PAIRS = 200_000


class TooLargeError(ValueError):
    """More possible pairs of a dossier and a reader than this calculation takes (MOST_PAIRS)."""


class Dossier(NamedTuple):
    """A dossier to be read; its topics are words that readers may share."""

    id: str
    topics: frozenset[str] = frozenset()


class Reader(NamedTuple):
    """Somebody who reads: their college (empty when none), how many dossiers they take at most (None: as the rules say)
    and their confidence in each of their topics, a whole number, 1 unless they say otherwise."""

    id: str
    college: str = ""
    max_load: int | None = None
    topics: Mapping[str, int] = {}


@dataclass(frozen=True)
class Rules:
    """What must hold. `max_load` None: no bound but the readers' own; a reader's own bound never widens it.

    `colleges`: seats on each dossier, at least that many readers of that college. `conflicts` and `kept` are pairs
    (dossier, reader). A dossier that has as many kept readers as it needs or more, or a reader as many kept dossiers
    as their bound or more, keeps them all and is given no more; seats are not asked of such a dossier.
    """

    readers_per_dossier: int
    max_load: int | None = None
    colleges: Mapping[str, int] = field(default_factory=dict)
    conflicts: frozenset[tuple[str, str]] = frozenset()
    kept: frozenset[tuple[str, str]] = frozenset()


class Pair(NamedTuple):
    """A reader on a dossier, and why: already assigned, topics in common, the college whose seat they hold (empty when
    the dossier would have enough of that college without them)."""

    dossier: str
    reader: str
    kept: bool
    topics: tuple[str, ...]
    seat: str


class Assignment(NamedTuple):
    """The pairs in the order of dossier then reader, how many dossiers each reader has, and the rules that clash.

    `clash` is a smallest set of rules that nothing satisfies, empty when there is an answer; then there is no pair.
    """

    pairs: list[Pair]
    loads: dict[str, int]
    clash: list[str]


class Problem(NamedTuple):
    """The same by ranks: dossiers and readers sorted by identifier, colleges in the order of `seats`.

    `least` and `most` bound the readers of each dossier, `bounds` the dossiers of each reader (None: none).
    `college` is the rank of each reader's college, -1 when it has no seat. Dossiers that are `complete` by what is
    kept are asked no seat. Pairs are (dossier, reader).
    """

    weights: list[list[int]]
    least: list[int]
    most: list[int]
    bounds: list[int | None]
    college: list[int]
    seats: list[int]
    complete: frozenset[int]
    closed: frozenset[tuple[int, int]]
    kept: frozenset[tuple[int, int]]


def rule_names(rules: Rules, readers: Iterable[Reader]) -> list[str]:
    """The names of the rules there are: the order in which the first of several smallest clashes is told."""
    bounded = rules.max_load is not None or any(reader.max_load is not None for reader in readers)
    return [
        READERS,
        *([LOAD] if bounded else []),
        *(f"{COLLEGES}.{name}" for name in rules.colleges),
        *([CONFLICTS] if rules.conflicts else []),
        *([KEPT] if rules.kept else []),
    ]


def assign(
    dossiers: Sequence[Dossier], readers: Sequence[Reader], rules: Rules, *, order: Sequence[str] | None = None
) -> Assignment:
    """Who reads what, or the rules that clash; `order` is that of the rules' names, `rule_names` unless it is given.

    Identifiers are distinct, those of conflicts and kept pairs are known, numbers are not negative, and a reader has
    at least one dossier in reach. Raises TooLargeError above MOST_PAIRS possible pairs.
    """
    if len(dossiers) * len(readers) > MOST_PAIRS:
        raise TooLargeError(
            f"{len(dossiers)} dossiers × {len(readers)} lecteurs : plus de {MOST_PAIRS} couples possibles"
        )
    dossiers, readers = sorted(dossiers), sorted(readers, key=lambda reader: reader.id)
    names = list(order or rule_names(rules, readers))
    problem = _problem(dossiers, readers, rules)
    pairs = _solve(problem)
    if pairs is None:
        clash = smallest_clash(
            len(names), lambda ranks: _feasible(_with_only(problem, rules, {names[rank] for rank in ranks}))
        )
        return Assignment([], {reader.id: 0 for reader in readers}, [names[rank] for rank in clash])
    loads = Counter(reader for _, reader in pairs)
    told = _told(dossiers, readers, rules, pairs)
    return Assignment(told, {reader.id: loads[rank] for rank, reader in enumerate(readers)}, [])


def _problem(dossiers: Sequence[Dossier], readers: Sequence[Reader], rules: Rules) -> Problem:
    rank_of = {dossier.id: rank for rank, dossier in enumerate(dossiers)}
    reader_rank = {reader.id: rank for rank, reader in enumerate(readers)}
    seats = {name: min(seats, len(readers) + 1) for name, seats in sorted(rules.colleges.items()) if seats}
    college_rank = {name: rank for rank, name in enumerate(seats)}
    kept = frozenset((rank_of[dossier], reader_rank[reader]) for dossier, reader in rules.kept)
    on_dossier, on_reader = Counter(dossier for dossier, _ in kept), Counter(reader for _, reader in kept)
    needed = min(rules.readers_per_dossier, len(readers) + 1)
    return Problem(
        weights=[[_weight(dossier, reader) for reader in readers] for dossier in dossiers],
        least=[needed] * len(dossiers),
        most=[max(needed, on_dossier[rank]) for rank in range(len(dossiers))],
        bounds=[_bound(reader, rules, on_reader[rank]) for rank, reader in enumerate(readers)],
        college=[college_rank.get(reader.college, -1) for reader in readers],
        seats=list(seats.values()),
        complete=frozenset(rank for rank in range(len(dossiers)) if on_dossier[rank] >= needed),
        closed=frozenset((rank_of[dossier], reader_rank[reader]) for dossier, reader in rules.conflicts),
        kept=kept,
    )


def _weight(dossier: Dossier, reader: Reader) -> int:
    return sum(reader.topics.get(topic, 0) for topic in dossier.topics)


def _bound(reader: Reader, rules: Rules, kept: int) -> int | None:
    said = [bound for bound in (reader.max_load, rules.max_load) if bound is not None]
    return max(min(said), kept) if said else None


def _with_only(problem: Problem, rules: Rules, names: set[str]) -> Problem:
    """The same problem, without the rules that are not named."""
    number = len(problem.bounds)
    colleges = [name for name in sorted(rules.colleges) if rules.colleges[name]]
    if READERS not in names:
        problem = problem._replace(least=[0] * len(problem.least), most=[number] * len(problem.most))
    if LOAD not in names:
        problem = problem._replace(bounds=[None] * number)
    if CONFLICTS not in names:
        problem = problem._replace(closed=frozenset())
    if KEPT not in names:
        problem = problem._replace(kept=frozenset())
    held = [seats if f"{COLLEGES}.{name}" in names else 0 for name, seats in zip(colleges, problem.seats, strict=True)]
    return problem._replace(seats=held)


def _told(
    dossiers: Sequence[Dossier], readers: Sequence[Reader], rules: Rules, pairs: Sequence[tuple[int, int]]
) -> list[Pair]:
    on_dossier = Counter((dossier, readers[reader].college) for dossier, reader in pairs)
    told = []
    for rank, reader_rank in sorted(pairs):
        dossier, reader = dossiers[rank], readers[reader_rank]
        college = reader.college
        needed = bool(rules.colleges.get(college)) and on_dossier[rank, college] <= rules.colleges[college]
        common = tuple(sorted(topic for topic in dossier.topics if reader.topics.get(topic)))
        kept = (dossier.id, reader.id) in rules.kept
        told.append(Pair(dossier.id, reader.id, kept, common, college if needed else ""))
    return told


def _solve(problem: Problem) -> list[tuple[int, int]] | None:
    from grants.methods import assignment_model  # noqa: PLC0415 - the solver is loaded where something is solved

    return assignment_model.solve(problem)


def _feasible(problem: Problem) -> bool:
    from grants.methods import assignment_model  # noqa: PLC0415 - the same

    return assignment_model.feasible(problem)
