"""Choices under linear rules in whole numbers: HiGHS proposes, exact arithmetic disposes.

A program has groups of options, of which each group takes at most one. HiGHS computes in floating point: whatever it
proposes is counted again in whole numbers, and what breaks a rule by one unit is refused and asked for again.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import accumulate
from math import gcd, prod
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import highspy

    from grants.methods.solver import Solver

Chosen = frozenset[int]

LARGEST = 1 << 34  # up to it, a number is exact whatever the scale: beyond it, it is rounded, and rules are let loose
ROWS, COSTS = 10, 20  # powers of two to which the largest numbers are brought: tolerances then mean something
LOOSE = 1 << 40  # one part in so many, by which a rule in such numbers is let loose
FINEST = 1 << 14  # the largest weight of a search for the first choice
TOLERANCE = 1e-9
FREE, NEAR_NODES, NEAR_GAP = 40, 500, 1e-3  # groups left to decide after a relaxation, and the effort to do so
REFUSED = 500  # proposals that exact arithmetic may refuse before we give up


class UnprovedError(RuntimeError):
    """The answer could not be proved within the bounds of effort."""


class Row(NamedTuple):
    """A rule: the sum of its terms over the options chosen is at least, at most. An option not named counts for 0."""

    terms: Mapping[int, int]
    least: int | None = None
    most: int | None = None

    def holds(self, chosen: Iterable[int]) -> bool:
        """Whether these options respect it, exactly."""
        total = self.total(chosen)
        return (self.least is None or total >= self.least) and (self.most is None or total <= self.most)

    def total(self, chosen: Iterable[int]) -> int:
        """The sum of its terms over these options."""
        return sum(self.terms.get(option, 0) for option in chosen)

    @property
    def packing(self) -> bool:
        """Whether taking less never breaks it."""
        return self.least is None and all(term >= 0 for term in self.terms.values())


@dataclass(frozen=True)
class Program:
    """Groups of options, the best of each first, the last the least demanding of every rule that packs; rules.

    `required` are the groups of which an option must be taken, `closed` those of which none may, `decided` those of
    which this very option is taken, or none.
    """

    groups: Sequence[Sequence[int]]
    rows: Sequence[Row] = ()
    required: frozenset[int] = frozenset()
    closed: frozenset[int] = frozenset()
    decided: Mapping[int, int | None] = field(default_factory=dict[int, int | None])

    @cached_property
    def size(self) -> int:
        """The number of its options."""
        return sum(len(group) for group in self.groups)

    def holds(self, chosen: Chosen) -> bool:
        """Whether these options respect every rule, exactly."""
        for rank, group in enumerate(self.groups):
            taken = [option for option in group if option in chosen]
            if len(taken) > (rank not in self.closed) or len(taken) < (rank in self.required):
                return False
            if rank in self.decided and taken != [each for each in (self.decided[rank],) if each is not None]:
                return False
        return all(row.holds(chosen) for row in self.rows)

    def of(self, chosen: Chosen) -> Chosen:
        """The groups of which an option is chosen."""
        return frozenset(rank for rank, group in enumerate(self.groups) if any(each in chosen for each in group))

    def plus(self, *rows: Row) -> "Program":
        """The program with these rules as well."""
        return replace(self, rows=[*self.rows, *rows])

    def places(self, chosen: Chosen) -> list[int]:
        """The place of the option chosen in each group, or their number: the first choice has the least."""
        return [
            next((place for place, each in enumerate(group) if each in chosen), len(group)) for group in self.groups
        ]

    def refusal(self, chosen: Chosen) -> Row:
        """The rule that refuses this very choice."""
        terms = {option: 1 if option in chosen else -1 for group in self.groups for option in group}
        return Row(terms, most=len(chosen) - 1)

    def without(self, chosen: Chosen) -> Row:
        """The rule that refuses every choice of these same groups."""
        taken = self.of(chosen)
        terms = {each: 1 if rank in taken else -1 for rank, group in enumerate(self.groups) for each in group}
        return Row(terms, most=len(taken) - 1)


def total(weights: Sequence[int], chosen: Iterable[int]) -> int:
    """The sum of the weights of these options."""
    return sum(weights[option] for option in chosen)


# ---- the best choice -----------------------------------------------------------------------------------------------


def best(program: Program, weights: Sequence[int], *, nodes: int = 0, gap: float = 0.0) -> Chosen | None:
    """A choice of the largest total weight; None when nothing respects the rules.

    With a gap, it may fall short by that part. Raises UnprovedError beyond `nodes` nodes, if a bound is given.
    """
    if program.required & program.closed:
        return None
    if not program.size:
        return frozenset() if program.holds(frozenset()) else None
    held: list[Row] = []
    for _ in range(REFUSED):
        chosen = _proposed(program.plus(*held), weights, nodes, gap)
        if chosen is None or program.holds(chosen):
            return chosen
        held.append(program.refusal(chosen))
    raise UnprovedError


def feasible(program: Program) -> Chosen | None:
    """A choice that respects the rules, or None."""
    if not program.required and all(row.holds(()) for row in program.rows):
        return frozenset()
    return best(program, [0] * program.size)


def near(program: Program, weights: Sequence[int]) -> tuple[Chosen | None, float]:
    """A choice that respects the rules, and by what part at most its weight falls short of the largest.

    Options are first taken in part, which is quick; the groups that are then the least settled are decided exactly. The
    choice is the best one, and the part 0, where nothing fits so.
    """
    relaxed = None if program.required & program.closed or not program.size else _relaxed(program, weights)
    if relaxed is None:
        return best(program, weights), 0.0
    values, costs = relaxed
    settled = sorted(
        range(len(program.groups)), key=lambda rank: (_hesitation(program.groups[rank], values, costs), rank)
    )
    decided = {
        rank: next((each for each in program.groups[rank] if values[each] > 0.5), None) for rank in settled[FREE:]
    }
    try:
        chosen = best(replace(program, decided=decided), weights, nodes=NEAR_NODES, gap=NEAR_GAP)
    except UnprovedError:
        chosen = None
    if chosen is None:
        return best(program, weights), 0.0
    bound = sum(value * weight for value, weight in zip(values, weights, strict=True))
    return chosen, max(0.0, 1 - total(weights, chosen) / bound) if bound > 0 else 0.0


def _hesitation(group: Sequence[int], values: Sequence[float], costs: Sequence[float]) -> float:
    """How near a group is to another choice: below 0 when it is taken in part, else what changing it costs least."""
    if any(1e-6 < values[option] < 1 - 1e-6 for option in group):
        return -1.0
    return min(abs(costs[option]) for option in group)


def _relaxed(program: Program, weights: Sequence[int]) -> tuple[list[float], list[float]] | None:
    """The shares of each option in the best choice, when options may be taken in part, and what the objective loses
    when each is changed; None when there is none."""
    import highspy  # noqa: PLC0415

    solver, model = _solver(0, 0.0), _model(program, _reduced(weights))
    model.integrality_ = []
    solver.passModel(model)
    solver.run()
    if solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
        return None
    found = solver.getSolution()
    return list(found.col_value), list(found.col_dual)


def _solver(nodes: int, gap: float) -> "Solver":
    """HiGHS, as exact as it can be, within a bound of effort if one is given."""
    from grants.methods.solver import Solver  # noqa: PLC0415  the web processes never load it

    solver = Solver()
    options: dict[str, int | float] = {"mip_rel_gap": gap, "mip_abs_gap": 0.0}
    options |= dict.fromkeys(
        ("mip_feasibility_tolerance", "primal_feasibility_tolerance", "dual_feasibility_tolerance"), TOLERANCE
    )
    if nodes:
        options["mip_max_nodes"] = nodes
    for name, value in options.items():
        solver.setOptionValue(name, value)
    return solver


def _proposed(program: Program, weights: Sequence[int], nodes: int, gap: float) -> Chosen | None:
    import highspy  # noqa: PLC0415  the web processes never load it

    solver, costs = _solver(nodes, gap), _reduced(weights)
    solver.passModel(_model(program, costs))
    solver.run()
    status = solver.getModelStatus()
    if status in {highspy.HighsModelStatus.kInfeasible, highspy.HighsModelStatus.kUnboundedOrInfeasible}:
        return None
    if status not in {highspy.HighsModelStatus.kOptimal, highspy.HighsModelStatus.kModelEmpty}:
        raise UnprovedError
    found = solver.getSolution().col_value
    chosen = frozenset(option for option in range(program.size) if found[option] > 0.5)
    counted, told = sum(costs[option] for option in chosen), solver.getObjectiveValue()
    if abs(counted - told) > 1e-6 * max(1.0, abs(told)):
        raise UnprovedError  # started from a known set, HiGHS 1.16 can tell one objective and give another set
    return chosen


def _model(program: Program, costs: Sequence[float]) -> "highspy.HighsLp":
    import highspy  # noqa: PLC0415
    import numpy as np  # noqa: PLC0415

    rows = [_scaled(row) for row in _all_rows(program)]
    lp = highspy.HighsLp()
    lp.num_col_, lp.num_row_ = program.size, len(rows)
    lp.sense_ = highspy.ObjSense.kMaximize
    lp.col_cost_ = np.array(costs)
    held = frozenset(option for rank in program.closed | program.decided.keys() for option in program.groups[rank])
    taken = frozenset(program.decided.values())
    lp.col_lower_ = np.array([float(option in taken) for option in range(program.size)])
    lp.col_upper_ = np.array([float(option in taken or option not in held) for option in range(program.size)])
    lp.integrality_ = [highspy.HighsVarType.kInteger] * program.size
    lp.row_lower_ = np.array([row[1] for row in rows])
    lp.row_upper_ = np.array([row[2] for row in rows])
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    lp.a_matrix_.start_ = np.array([0, *accumulate(len(row[0]) for row in rows)], dtype=np.int32)
    lp.a_matrix_.index_ = np.array([option for row in rows for option in row[0]], dtype=np.int32)
    lp.a_matrix_.value_ = np.array([value for row in rows for value in row[0].values()])
    return lp


def _all_rows(program: Program) -> Iterable[Row]:
    for rank, group in enumerate(program.groups):
        if rank in program.decided or rank in program.closed:
            continue
        if rank in program.required or len(group) > 1:
            yield Row(dict.fromkeys(group, 1), least=1 if rank in program.required else None, most=1)
    yield from program.rows


def _reduced(weights: Sequence[int]) -> list[float]:
    """Weights divided by what they share, and scaled down if they are still too large to add up as floats."""
    shared = gcd(*weights) or 1
    reduced = [weight // shared for weight in weights]
    scale = _scale(reduced, COSTS)
    return [weight / scale for weight in reduced]


def _scale(numbers: Iterable[int], power: int) -> int:
    """The power of two that brings these numbers to at most that of `power`: floats divide by it exactly."""
    return 1 << max(0, max(map(abs, numbers), default=0).bit_length() - power)


def _scaled(row: Row) -> tuple[dict[int, float], float, float]:
    """A rule in floats: exact when its numbers are small; otherwise scaled down and let loose a little, since what is
    then proposed is counted again."""
    terms = {option: term for option, term in row.terms.items() if term}
    shared = gcd(*terms.values()) or 1
    least = None if row.least is None else -(-row.least // shared)
    most = None if row.most is None else row.most // shared
    terms = {option: term // shared for option, term in terms.items()}
    largest = max(map(abs, terms.values()), default=0)
    loose = 0 if largest <= LARGEST else 1 + len(terms) * largest // LOOSE
    scale = _scale(terms.values(), ROWS)
    low = -math.inf if least is None else (least - loose) / scale
    high = math.inf if most is None else (most + loose) / scale
    return {option: term / scale for option, term in terms.items()}, low, high


# ---- the first of several ------------------------------------------------------------------------------------------


def first(program: Program, *, start: Chosen | None = None, nodes: int = 0) -> Chosen | None:
    """The first choice that respects the rules, group by group: the best option of the first group, otherwise the next
    one, otherwise none; then the same for the second group, and so on. None when nothing respects the rules.

    `start` is a choice known to respect them.
    """
    greedy = _greedy(program)
    if greedy is not None and program.holds(greedy):
        return greedy  # the first one under fewer rules respects them all
    if start is None:
        start = feasible(program)
    return None if start is None else _searched(program, start, nodes)


def _greedy(program: Program) -> Chosen | None:
    """The first choice under the rules that pack alone, room being kept for the groups that are required."""
    if program.required & program.closed:
        return None
    rows = _by_option([row for row in program.rows if row.packing])
    room = [row.most or 0 for row in program.rows if row.packing]
    for rank in program.required:
        _take(room, rows, program.groups[rank][-1], 1)
    if min(room, default=0) < 0:
        return None
    chosen = []
    for rank, group in enumerate(program.groups):
        if rank in program.closed:
            continue
        if rank in program.required:
            _take(room, rows, group[-1], -1)
        fits = (each for each in group if all(room[row] >= term for row, term in rows.get(each, ())))
        option = next(fits, None)
        if option is not None:
            _take(room, rows, option, 1)
            chosen.append(option)
    return frozenset(chosen)


def _by_option(rows: Sequence[Row]) -> dict[int, list[tuple[int, int]]]:
    found: dict[int, list[tuple[int, int]]] = {}
    for rank, row in enumerate(rows):
        for option, term in row.terms.items():
            found.setdefault(option, []).append((rank, term))
    return found


def _take(room: list[int], rows: Mapping[int, Sequence[tuple[int, int]]], option: int, times: int) -> None:
    for row, term in rows.get(option, ()):
        room[row] -= times * term


def _searched(program: Program, found: Chosen, nodes: int) -> Chosen:
    """The first choice, several groups at a time: as many as their weights let a solve tell apart."""
    decided = dict(program.decided)
    rank, number = 0, len(program.groups)
    while rank < number:
        if rank in decided or rank in program.closed or program.groups[rank][0] in found:
            decided[rank] = _taken(program, rank, found)
            rank += 1
            continue
        end = rank + 1
        while end < number and prod(len(program.groups[each]) + 1 for each in range(rank, end + 1)) <= FINEST:
            end += 1
        weights = _digits(program, rank, end)
        better = best(replace(program, decided=decided), weights, nodes=nodes)
        if better is None:
            raise UnprovedError
        found = better
        decided |= {each: _taken(program, each, found) for each in range(rank, end)}
        rank = end
    return found


def _digits(program: Program, begin: int, end: int) -> list[int]:
    """Weights whose largest total is the first choice among these groups."""
    weights, unit = [0] * program.size, 1
    for rank in reversed(range(begin, end)):
        group = program.groups[rank]
        for place, option in enumerate(group):
            weights[option] = unit * (len(group) - place)
        unit *= len(group) + 1
    return weights


def _taken(program: Program, rank: int, found: Chosen) -> int | None:
    return next((option for option in program.groups[rank] if option in found), None)
