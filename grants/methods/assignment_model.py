"""The assignment of readers as linear programs, given to HiGHS; only what solves an assignment imports this module.

The dossiers, their colleges and the readers are the nodes of a flow: its linear program has whole solutions at its
vertices, and the simplex gives a vertex. The best for topics are a face of it, whose arcs are fixed by their reduced
costs; the most even loads are sought on that face with one arc per unit of load, each dearer than the one before.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol, cast

import highspy

from grants.methods import panels
from grants.methods.assignment import Problem
from grants.methods.solver import Solver

INFINITE = highspy.kHighsInf
MOST_ROUNDS = 30
MOST_NODES = 500


class _Solution(Protocol):
    col_value: list[float]
    col_dual: list[float]
    row_value: list[float]
    row_dual: list[float]


@dataclass
class Program:
    """A linear program by columns, the smallest cost wanted; `whole` columns take whole values alone."""

    rows: list[tuple[float, float]]
    bounds: list[tuple[float, float]]
    costs: list[float]
    entries: list[list[tuple[int, float]]]
    whole: bool = False

    def column(self, bounds: tuple[float, float], cost: float, entries: list[tuple[int, float]]) -> int:
        """Add a column, and give its rank."""
        self.bounds.append(bounds)
        self.costs.append(cost)
        self.entries.append(entries)
        return len(self.bounds) - 1

    def row(self, bounds: tuple[float, float], entries: Iterable[tuple[int, float]]) -> None:
        """Add a row over columns there are."""
        self.rows.append(bounds)
        for column, value in entries:
            self.entries[column].append((len(self.rows) - 1, value))


def feasible(problem: Problem) -> bool:
    """Whether some assignment holds all rules of the problem."""
    if _hopeless(problem):
        return False
    if not problem.bounds or not problem.least:
        return _needs_nobody(problem)
    return _run(_flow(problem)) is not None


def solve(problem: Problem) -> list[tuple[int, int]] | None:
    """The pairs (dossier, reader) wanted, sorted; None when the rules cannot hold together."""
    if _hopeless(problem):
        return None
    if not problem.bounds or not problem.least:
        return [] if _needs_nobody(problem) else None
    program = _flow(problem)
    if any(map(any, problem.weights)):
        program.costs = [-float(weight) for weights in problem.weights for weight in weights]
        best = _run(program)
        if best is None:
            return None
        _keep_to_the_best(program, best)
    _add_loads(problem, program)
    even = _run(program)
    if even is None:
        return None
    return _crossed(problem, program, even)


def _hopeless(problem: Problem) -> bool:
    """Whether a pair is both closed and kept, which a column has no bounds for."""
    return bool(problem.closed & problem.kept)


def _needs_nobody(problem: Problem) -> bool:
    """Whether no pair at all holds the rules: asked where there is no pair, of which no program can be made."""
    return not any(problem.least) and not (problem.least and any(problem.seats))


def _flow(problem: Problem) -> Program:
    """The rules: a column for each pair, dossier by dossier; a row for each dossier, reader, then seat of a dossier."""
    dossiers, readers, colleges = len(problem.least), len(problem.bounds), len(problem.seats)
    rows: list[tuple[float, float]] = [
        (float(least), float(most)) for least, most in zip(problem.least, problem.most, strict=True)
    ]
    rows += [(0.0, INFINITE if bound is None else float(bound)) for bound in problem.bounds]
    rows += [
        (0.0 if dossier in problem.complete else float(seats), INFINITE)
        for dossier in range(dossiers)
        for seats in problem.seats
    ]
    program = Program(rows, [], [], [])
    for dossier in range(dossiers):
        for reader, college in enumerate(problem.college):
            entries = [(dossier, 1.0), (dossiers + reader, 1.0)]
            if college >= 0:
                entries.append((dossiers + readers + dossier * colleges + college, 1.0))
            pair = (dossier, reader)
            bounds = (float(pair in problem.kept), float(pair not in problem.closed))
            program.column(bounds, 0.0, entries)
    return program


def _keep_to_the_best(program: Program, best: _Solution) -> None:
    """Leave in the program its best solutions alone: what has a reduced cost or a price stays where it is.

    Costs are whole numbers, and so are the prices at a vertex of a flow.
    """
    values, prices = list(best.col_value), list(best.col_dual)
    for column, price in enumerate(prices):
        if abs(price) > 0.5:
            program.bounds[column] = (round(values[column]),) * 2
    totals, prices = list(best.row_value), list(best.row_dual)
    for row, price in enumerate(prices):
        if abs(price) > 0.5:
            program.rows[row] = (round(totals[row]),) * 2


def _add_loads(problem: Problem, program: Program) -> None:
    """Make the cost that of the loads: each dossier more of a reader costs more than the one before (1, 3, 5…)."""
    dossiers = len(problem.least)
    program.costs = [0.0] * len(program.costs)
    for reader in range(len(problem.bounds)):
        row = dossiers + reader
        least, most = program.rows[row]
        program.rows[row] = (0.0, 0.0)
        units = dossiers if most == INFINITE else min(dossiers, int(most))
        for unit in range(units):
            program.column((float(unit < least), 1.0), 2.0 * unit + 1.0, [(row, -1.0)])


def _crossed(problem: Problem, program: Program, even: _Solution) -> list[tuple[int, int]]:
    """Cross the panels as far as topics and loads let: exchanges first, a joined whole looked for if there is none."""
    first = panels.crossed(problem, _pairs(problem, even))
    if panels.joined(first, len(problem.bounds)):
        return first
    _keep_to_the_best(program, even)
    whole = _joined(problem, program, first)
    if whole is None:
        return first
    better = panels.crossed(problem, whole)
    return better if panels.joined(better, len(problem.bounds)) else whole


def _joined(problem: Problem, program: Program, pairs: list[tuple[int, int]]) -> list[tuple[int, int]] | None:
    """An assignment of the program in which dossiers in common join all who read; None when none was found.

    Each round asks that some dossier be read on both sides of each part of the last answer, or that one side read
    nothing. The search ends where that cannot be, or after MOST_ROUNDS of MOST_NODES nodes.
    """
    readers = len(problem.bounds)
    reading, read = (len({pair[side] for pair in pairs}) for side in (1, 0))
    if len(pairs) < reading + read - 1:
        return None
    program.whole = True
    program.costs = [0.0] * len(program.costs)
    for _ in range(MOST_ROUNDS):
        for part in panels.parts(pairs, readers):
            _ask_across(problem, program, part)
        found = _run(program)
        if found is None:
            return None
        pairs = _pairs(problem, found)
        if panels.joined(pairs, readers):
            return pairs
    return None


def _ask_across(problem: Problem, program: Program, part: frozenset[int]) -> None:
    dossiers, readers = len(problem.least), len(problem.bounds)
    sides = part, frozenset(range(readers)) - part
    chosen = []
    for dossier in range(dossiers):
        across = program.column((0.0, 1.0), 0.0, [])
        for side in sides:
            columns = [(dossier * readers + reader, 1.0) for reader in sorted(side)]
            program.row((0.0, INFINITE), [*columns, (across, -1.0)])
        chosen.append((across, 1.0))
    for side in sides:
        idle = program.column((0.0, 1.0), 0.0, [])
        columns = [(dossier * readers + reader, 1.0) for reader in sorted(side) for dossier in range(dossiers)]
        program.row((-INFINITE, float(len(columns))), [*columns, (idle, float(len(columns)))])
        chosen.append((idle, 1.0))
    program.row((1.0, INFINITE), chosen)


def _pairs(problem: Problem, solution: _Solution) -> list[tuple[int, int]]:
    readers, number = len(problem.bounds), len(problem.least) * len(problem.bounds)
    values = list(solution.col_value)[:number]
    if any(abs(value - round(value)) > 1e-6 for value in values):
        raise AssertionError("a flow was not solved at a vertex")
    return [divmod(column, readers) for column, value in enumerate(values) if value > 0.5]


def _run(program: Program) -> _Solution | None:
    """Solve a program: its solution, None when it has none (or when a search of bounded length found none)."""
    solver = Solver()
    solver.setOptionValue("solver", "simplex")
    solver.setOptionValue("mip_max_nodes", MOST_NODES)
    solver.passModel(_model(program))
    solver.run()
    status = solver.getModelStatus()
    if status == highspy.HighsModelStatus.kOptimal:
        return cast(_Solution, solver.getSolution())
    stopped = program.whole and status == highspy.HighsModelStatus.kSolutionLimit
    if stopped or status in (highspy.HighsModelStatus.kInfeasible, highspy.HighsModelStatus.kUnboundedOrInfeasible):
        return None
    raise AssertionError(f"the solver says {solver.modelStatusToString(status)}")


def _model(program: Program) -> highspy.HighsLp:
    model = highspy.HighsLp()
    model.num_col_, model.num_row_ = len(program.costs), len(program.rows)
    model.col_cost_ = program.costs
    model.col_lower_, model.col_upper_ = map(list, zip(*program.bounds, strict=True))
    model.row_lower_, model.row_upper_ = map(list, zip(*program.rows, strict=True))
    matrix = model.a_matrix_
    matrix.format_ = highspy.MatrixFormat.kColwise
    starts, rows, values = [0], [], []
    for entries in program.entries:
        for row, value in entries:
            rows.append(row)
            values.append(value)
        starts.append(len(rows))
    matrix.start_, matrix.index_, matrix.value_ = starts, rows, values
    if program.whole:
        model.integrality_ = [highspy.HighsVarType.kInteger] * len(program.costs)
    return model
