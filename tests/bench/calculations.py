"""What the committee's calculations take: seconds of processor, imports apart, the median of a few times."""

import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from grants.kernel.money import Money
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


def _seconds(calculate: Callable[[], object]) -> float:
    calculate()
    taken = []
    for _time in range(TIMES):
        start = time.process_time()
        calculate()
        taken.append(time.process_time() - start)
    return statistics.median(taken)
