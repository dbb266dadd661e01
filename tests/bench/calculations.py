"""What the committee's calculations take: seconds of processor, imports apart, the median of a few times."""

import random
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from grants.kernel.money import Money
from grants.methods.programs import Program, Row, best
from grants.methods.ranking import Line, rank
from tests.methods.marks import drawn_marks

TIMES = 5


@dataclass(frozen=True)
class Calculation:
    """A calculation, the seconds of processor it took, and how many it may take."""

    says: str
    seconds: float
    most: float


def calculations() -> Iterator[Calculation]:
    """Each calculation on marks drawn once; the first time, which loads numpy, is not counted."""
    for says, proposals, assessors, most in (
        ("rangs attendus, 80 dossiers lus 3 fois", 80, 12, 0.5),
        ("rangs attendus, 500 dossiers lus 3 fois", 500, 40, 2.0),
    ):
        marks = drawn_marks(1, proposals=proposals, assessors=assessors)[1]
        line = Line(Money.euros(4_000 * proposals), {each.proposal: Money.euros(15_000) for each in marks})
        yield Calculation(says, _seconds(partial(rank, marks, line)), most)
    for says, dossiers, levels, floors in (
        ("portefeuille, 80 dossiers à 3 montants", 80, 3, 0),
        ("portefeuille, 500 dossiers sous 12 règles", 500, 1, 12),
    ):
        program, weights = portfolio(dossiers, levels, floors)
        alone = _seconds(partial(bare, program, weights))
        yield Calculation(f"{says}, 1,2 × HiGHS seul", _seconds(partial(best, program, weights)), round(1.2 * alone, 2))


def portfolio(dossiers: int, levels: int, rules: int) -> tuple[Program, list[int]]:
    """Dossiers drawn once, an envelope of a quarter of what they ask, floors and caps in turn on twelve groups."""
    draw = random.Random(1)
    asked = [draw.randint(5_000, 100_000) * 100 for _ in range(dossiers)]
    marks = [draw.randint(100, 500) for _ in range(dossiers)]
    parts = (100, 80, 60)[:levels]
    cents = {rank * levels + n: asked[rank] * part // 100 for rank in range(dossiers) for n, part in enumerate(parts)}
    budget = sum(asked) // 4
    rows = [Row(cents, most=budget)]
    for group in range(rules):
        inside = {option: amount for option, amount in cents.items() if option // levels % 12 == group}
        rows.append(Row(inside, least=budget // 12) if group % 2 else Row(inside, most=budget // 13))
    groups = [list(range(rank * levels, (rank + 1) * levels)) for rank in range(dossiers)]
    return Program(groups, rows), [marks[rank] for rank in range(dossiers) for _ in parts]


def bare(program: Program, weights: list[int]) -> None:
    """The same question put to HiGHS without anything around it, until it has proved its answer."""
    import highspy

    from grants.methods.solver import Solver

    solver = Solver()
    solver.setOptionValue("mip_rel_gap", 0.0)
    for weight in weights:
        solver.addCol(weight, 0.0, 1.0, 0, [], [])
    for column in range(program.size):
        solver.changeColIntegrality(column, highspy.HighsVarType.kInteger)
    solver.changeObjectiveSense(highspy.ObjSense.kMaximize)
    one_of = [Row(dict.fromkeys(group, 1), most=1) for group in program.groups]
    for row in [*one_of, *program.rows]:
        least = -highspy.kHighsInf if row.least is None else row.least
        most = highspy.kHighsInf if row.most is None else row.most
        solver.addRow(least, most, len(row.terms), list(row.terms), list(row.terms.values()))
    solver.run()


def _seconds(calculate: Callable[[], object]) -> float:
    calculate()
    taken = []
    for _time in range(TIMES):
        start = time.process_time()
        calculate()
        taken.append(time.process_time() - start)
    return statistics.median(taken)
