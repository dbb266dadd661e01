"""Portfolios at random, and their best sets by trying every one: what the calculation is compared with."""

import itertools
import random
from collections import Counter
from collections.abc import Iterator
from fractions import Fraction
from math import prod

from grants.methods.portfolio import AtMost, Bound, Candidate, Limit, Objective, Rules, solve

Set = list[tuple[Candidate, int]]

AMOUNTS = {  # cents
    "coarse": lambda r: r.randint(1, 20) * 500_000,
    "cents": lambda r: r.randint(1, 3_000_000),
    "hundreds": lambda r: r.randint(0, 100) * 10_000,
    "large": lambda r: r.randint(10**8, 10**11),
}
SCORES = {
    "marks": lambda r: Fraction(r.randint(-1, 5)),
    "decimals": lambda r: Fraction(r.randint(100, 500), 100),
    "thirds": lambda r: Fraction(r.randint(3, 15), 3),
    "long": lambda r: Fraction(str(r.random() * 100)),
}


def drawn(seed: int, most: int = 5_000) -> tuple[list[Candidate], Rules]:
    """Candidates, at most fifteen, and rules of every kind; at most so many sets to try."""
    r = random.Random(seed)
    while True:
        candidates, rules = _drawn(r)
        if prod(len(each.amounts) + 1 for each in candidates) <= most:
            return candidates, rules


def _drawn(r: random.Random) -> tuple[list[Candidate], Rules]:
    number = r.choice([1, 2, 4, 7, 10, 12, 15])
    amount, score = r.choice(list(AMOUNTS.values())), r.choice(list(SCORES.values()))
    candidates = [_candidate(r, rank, number, amount(r), score(r)) for rank in range(number)]
    everything = sum(each.amounts[0] for each in candidates)
    budget = int(everything * r.choice([0, 0.1, 0.3, 0.5, 0.7, 1.1]))
    limits = tuple(_limit(r, budget) for _ in range(r.choice([0, 0, 1, 2, 3])))
    at_most = tuple(AtMost("org", r.randint(0, 2)) for _ in range(r.choice([0, 0, 1])))
    locks = [_some(r, candidates) if r.random() < 0.25 else None for _ in range(2)]
    return candidates, Rules(budget, r.choice(list(Objective)), locks[0], locks[1], limits, at_most)


def _candidate(r: random.Random, rank: int, number: int, amount: int, score: Fraction) -> Candidate:
    parts = r.sample([4, 5, 6, 7, 8, 9], r.choice([1, 2])) if r.random() < 0.35 else []
    levels = sorted({max(1, amount * part // 10) for part in parts if amount > 1} - {amount}, reverse=True)
    return Candidate(
        f"d{rank}", score, (amount, *levels), {"axis": r.choice("abc"), "org": f"o{r.randint(0, number // 2)}"}
    )


def _limit(r: random.Random, budget: int) -> Limit:
    bound = r.choice(list(Bound))
    number = {
        Bound.MIN_EUROS: lambda: Fraction(int(budget * r.random() * 0.6)),
        Bound.MAX_EUROS: lambda: Fraction(int(budget * r.random())),
        Bound.MIN_COUNT: lambda: Fraction(r.randint(0, 3)),
        Bound.MAX_COUNT: lambda: Fraction(r.randint(0, 4)),
        Bound.MIN_SHARE: lambda: Fraction(str(round(r.random() * 0.8, r.choice([1, 2, 16])))),
    }[bound]()
    return Limit("axis", r.choice("abc"), bound, number)


def _some(r: random.Random, candidates: list[Candidate]) -> tuple[str, ...]:
    return tuple(each.id for each in r.sample(candidates, min(len(candidates), r.choice([1, 1, 2]))))


# ---- by trying every set -------------------------------------------------------------------------------------------


def best_by_trying(candidates: list[Candidate], rules: Rules, names: tuple[str, ...] | None = None) -> Set | None:
    """The best set under the rules so named (all of them otherwise), the first of equal ones."""
    ordered = sorted(candidates, key=lambda each: (-each.score, each.id))
    found = None
    for places in itertools.product(*(range(len(each.amounts) + 1) for each in ordered)):
        tried = [(each, each.amounts[p]) for each, p in zip(ordered, places, strict=True) if p < len(each.amounts)]
        if all(_holds(tried, rules, name) for name in (rules.names if names is None else names)):
            key = (0 if rules.objective is Objective.RANK else -objective(tried, rules), places)
            found = (key, tried) if found is None or key < found[0] else found
    return found and found[1]


def clash_by_trying(candidates: list[Candidate], rules: Rules) -> list[str]:
    """The smallest set of rules that nothing satisfies, the first of its size."""
    subsets = (each for size in range(len(rules.names) + 1) for each in itertools.combinations(rules.names, size))
    return list(next(each for each in subsets if best_by_trying(candidates, rules, each) is None))


def objective(tried: Set, rules: Rules) -> Fraction:
    """The objective of a set."""
    if rules.objective is Objective.COUNT:
        return Fraction(len(tried))
    if rules.objective is Objective.VALUE:
        return sum((each.score * Fraction(cents, 100) for each, cents in tried), Fraction(0))
    return sum((each.score for each, _ in tried), Fraction(0))


def _holds(tried: Set, rules: Rules, name: str) -> bool:
    ids = {each.id for each, _ in tried}
    if name == "budget":
        return sum(cents for _, cents in tried) <= rules.budget
    if name == "locked_in":
        return set(rules.locked_in or ()) <= ids
    if name == "locked_out":
        return not set(rules.locked_out or ()) & ids
    kind, rank = name.rstrip("]").split("[")
    if kind == "at_most":
        most = rules.at_most[int(rank)]
        return max(Counter(each.cells[most.column] for each, _ in tried).values(), default=0) <= most.count
    limit = rules.limits[int(rank)]
    inside = [cents for each, cents in tried if each.cells[limit.column] == limit.equals]
    return {
        Bound.MIN_EUROS: sum(inside) >= limit.number,
        Bound.MAX_EUROS: sum(inside) <= limit.number,
        Bound.MIN_COUNT: len(inside) >= limit.number,
        Bound.MAX_COUNT: len(inside) <= limit.number,
        Bound.MIN_SHARE: sum(inside) >= limit.number * sum(cents for _, cents in tried),
    }[limit.bound]


def differences(seed: int, most: int = 5_000) -> Iterator[str]:
    """What the calculation finds otherwise than by trying every set; prices too, once in five."""
    candidates, rules = drawn(seed, most)
    wanted = best_by_trying(candidates, rules)
    answer = solve(random.Random(seed).sample(candidates, len(candidates)), rules)
    if wanted is None:
        if answer.clash != (clash := clash_by_trying(candidates, rules)) or answer.portfolio.amounts:
            yield f"case {seed}: clash {answer.clash} instead of {clash}"
        return
    reached = objective(wanted, rules)
    if answer.clash or (answer.portfolio.amounts, answer.portfolio.objective) != (_amounts(wanted), reached):
        yield f"case {seed}: {answer} instead of {_amounts(wanted)}"
    for name in rules.names if seed % 5 == 0 else ():
        without = best_by_trying(candidates, rules, tuple(each for each in rules.names if each != name))
        if answer.prices[name] != objective(without or [], rules) - reached:
            yield f"case {seed}: price of {name}, {answer.prices[name]}"


def _amounts(tried: Set) -> dict[str, int]:
    return {each.id: cents for each, cents in tried}
