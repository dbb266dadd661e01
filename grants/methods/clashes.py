"""The smallest set of rules that nothing satisfies: what to tell when there is no answer."""

from collections.abc import Callable
from functools import cache
from itertools import combinations


def smallest_clash(number: int, holds: Callable[[frozenset[int]], bool]) -> tuple[int, ...]:
    """The ranks of a smallest set of rules that nothing satisfies together; of several, the first in the rules' order.

    `holds` says whether something satisfies these rules (and no other); fewer rules never make it harder. Empty when
    all rules hold together. Whatever holds is extended as far as it goes: its parts need not be asked again.
    """
    holds = cache(holds)
    everything = frozenset(range(number))
    if holds(everything):
        return ()
    known: list[frozenset[int]] = []
    for size in range(number + 1):
        for ranks in combinations(range(number), size):
            wanted = frozenset(ranks)
            if any(wanted <= largest for largest in known):
                continue
            if not holds(wanted):
                return ranks
            known.append(_extended(wanted, everything, holds))
    raise AssertionError("all rules were said not to hold together")


def _extended(
    wanted: frozenset[int], everything: frozenset[int], holds: Callable[[frozenset[int]], bool]
) -> frozenset[int]:
    for rank in sorted(everything - wanted):
        if holds(wanted | {rank}):
            wanted |= {rank}
    return wanted
