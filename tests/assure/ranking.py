"""Whether the intervals of qualities hold them as often as they say, over many drawn sets of marks."""

from collections.abc import Callable, Iterator
from fractions import Fraction

from grants.methods.ranking import Mark, qualities
from tests.assure.figures import Reading, figure
from tests.methods.marks import drawn_marks
from tests.site import Workspace

Drawn = tuple[dict[str, float], list[Mark]]
SIMULATIONS = 200
LEVELS = (50, 90)  # per cent
WITHIN = 3.0  # points
CASES: dict[str, Callable[[int], Drawn]] = {
    "12 évaluateurs": drawn_marks,
    "indulgences fortes": lambda seed: drawn_marks(seed, leniency=0.9),
    "indulgences presque nulles": lambda seed: drawn_marks(seed, leniency=0.05),
    "3 évaluateurs qui lisent tout": lambda seed: drawn_marks(seed, assessors=3),
    "4 évaluateurs, indulgences fortes": lambda seed: drawn_marks(seed, assessors=4, leniency=0.9),
    "2 notes par dossier": lambda seed: drawn_marks(seed, readers=2),
    "qualités proches": lambda seed: drawn_marks(seed, quality=0.4),
}


def held(case: Callable[[int], Drawn]) -> Iterator[tuple[int, float]]:
    """The share of qualities that intervals hold, in per cent, for each level."""
    found, tried = dict.fromkeys(LEVELS, 0), 0
    for seed in range(SIMULATIONS):
        known, marks = case(seed)
        tried += len(known)
        for level in LEVELS:
            intervals = qualities(marks, level=Fraction(level, 100), seed=seed)
            found[level] += sum(each.low <= known[each.proposal] <= each.high for each in intervals)
    yield from ((level, 100 * number / tried) for level, number in found.items())


@figure(
    "ranking",
    number="–",
    says="intervalles des qualités, à 50 et 90 %, à plus de trois points de ce qu’ils disent sur 200 tirages",
    minutes=3,
    databases=("sqlite",),
    short=False,
)
def ranking(_workspace: Workspace) -> Reading:
    """Eighty proposals with three marks each, in several ways; no database."""
    faults, lines = [], []
    for name, case in CASES.items():
        shares = dict(held(case))
        lines.append(f"{name}\u00a0: {' et '.join(f'{share:.1f}' for share in shares.values())}\u00a0%")
        faults += [
            f"{name}: intervals of {level} % hold {share:.1f} %"
            for level, share in shares.items()
            if abs(share - level) > WITHIN
        ]
    tried = len(CASES) * len(LEVELS) * SIMULATIONS
    return Reading(tried, faults, least=tried, notes=["\u00a0; ".join(lines).replace(".", ",")])
