"""Assignments of readers found by trying everything: what the solver is compared with."""

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import chain, combinations, product

from grants.methods.assignment import Assignment, Dossier, Reader, Rules, rule_names

Pairs = frozenset[tuple[str, str]]
Case = tuple[list[Dossier], list[Reader], Rules]


def drawn(chance: random.Random) -> Case:
    """A small case, of any kind: two to four dossiers, two to five readers; about half of them have an answer."""
    dossiers = [
        Dossier(f"d{rank}", frozenset(chance.sample("xyz", chance.randint(0, 2))))
        for rank in range(chance.randint(2, 4))
    ]
    readers = [
        Reader(
            f"r{rank}",
            chance.choice(["", "a", "b"]),
            chance.choice([None, None, None, None, 1, 2, 3, 4]),
            {topic: chance.choice([1, 1, 2]) for topic in chance.sample("xyz", chance.randint(0, 2))},
        )
        for rank in range(chance.randint(2, 5))
    ]
    everywhere = [(dossier.id, reader.id) for dossier in dossiers for reader in readers]
    rules = Rules(
        readers_per_dossier=chance.choice([1, 2, 2, 2, 3]),
        max_load=chance.choice([None, None, 2, 3, 3, 4, 4]),
        colleges={name: chance.choice([0, 1, 1, 1, 2]) for name in chance.sample("ab", chance.choice([0, 0, 1, 1, 2]))},
        conflicts=frozenset(pair for pair in everywhere if chance.random() < chance.choice([0, 0.2, 0.4])),
        kept=frozenset(pair for pair in everywhere if chance.random() < chance.choice([0, 0, 0.15])),
    )
    return dossiers, readers, rules


def possible(case: Case, names: Sequence[str]) -> Iterator[Pairs]:
    """Every assignment that holds the rules named."""
    dossiers, readers, rules = case
    kept, loads = rules.kept, Counter(reader for _, reader in rules.kept)
    number = rules.readers_per_dossier
    panels = []
    for dossier in dossiers:
        held = sum(dossier.id == one for one, _ in kept)
        sizes = range(number, max(number, held) + 1) if "readers_per_dossier" in names else range(len(readers) + 1)
        every = chain.from_iterable(combinations(readers, size) for size in sizes)
        panels.append([panel for panel in every if _sits(dossier, panel, rules, names)])
    for chosen in product(*panels):
        pairs = frozenset((one.id, reader.id) for one, panel in zip(dossiers, chosen, strict=True) for reader in panel)
        total = Counter(reader for _, reader in pairs)
        if "max_load" in names and any(total[one.id] > max(_bound(one, rules), loads[one.id]) for one in readers):
            continue
        yield pairs


def _sits(dossier: Dossier, panel: Sequence[Reader], rules: Rules, names: Sequence[str]) -> bool:
    there = {(dossier.id, reader.id) for reader in panel}
    if "conflicts" in names and there & rules.conflicts:
        return False
    if "kept" in names and not {pair for pair in rules.kept if pair[0] == dossier.id} <= there:
        return False
    if sum(pair[0] == dossier.id for pair in rules.kept) >= rules.readers_per_dossier:
        return True
    colleges = Counter(reader.college for reader in panel)
    return all(colleges[name] >= seats for name, seats in rules.colleges.items() if f"colleges.{name}" in names)


def _bound(reader: Reader, rules: Rules) -> float:
    return min(bound for bound in (reader.max_load, rules.max_load, float("inf")) if bound is not None)


def topics(case: Case, pairs: Pairs) -> int:
    """The sum of the confidences of readers in the topics of their dossiers."""
    dossiers = {one.id: one for one in case[0]}
    readers = {one.id: one for one in case[1]}
    return sum(readers[who].topics.get(topic, 0) for what, who in pairs for topic in dossiers[what].topics)


def squares(pairs: Pairs) -> int:
    """The sum of the squares of the loads."""
    return sum(load**2 for load in Counter(reader for _, reader in pairs).values())


def is_joined(pairs: Pairs) -> bool:
    """Whether dossiers in common join all who read."""
    left = {reader for _, reader in pairs}
    reached = {min(left)} if left else set()
    while True:
        seen = {dossier for dossier, reader in pairs if reader in reached}
        wider = {reader for dossier, reader in pairs if dossier in seen}
        if wider <= reached:
            return left <= reached
        reached |= wider


def together(pairs: Pairs) -> int:
    """The sum, over two readers, of the square of their dossiers in common."""
    panels: dict[str, list[str]] = {}
    for dossier, reader in sorted(pairs):
        panels.setdefault(dossier, []).append(reader)
    common = Counter(chain.from_iterable(combinations(panel, 2) for panel in panels.values()))
    return sum(number**2 for number in common.values())


def faults(case: Case, answer: Assignment) -> list[str]:
    """What is wrong with an answer, beside all that is possible."""
    names = rule_names(case[2], case[1])
    every = list(possible(case, names))
    if answer.clash:
        wanted = first_clash(case, names)
        return [] if answer.clash == wanted and not answer.pairs and not every else [f"{answer.clash} is not {wanted}"]
    pairs = frozenset((pair.dossier, pair.reader) for pair in answer.pairs)
    if pairs not in every:
        return ["breaks a rule"]
    if answer.loads != {one.id: sum(one.id == who for _, who in pairs) for one in case[1]}:
        return ["loads are not those of the pairs"]
    best = max(topics(case, each) for each in every)
    if topics(case, pairs) != best:
        return [f"topics: {topics(case, pairs)} of {best}"]
    every = [each for each in every if topics(case, each) == best]
    even = min(map(squares, every))
    if squares(pairs) != even:
        return [f"loads: {squares(pairs)}, {even} possible"]
    every = [each for each in every if squares(each) == even]
    if not is_joined(pairs) and any(map(is_joined, every)):
        return ["readers are not joined, and could be"]
    return []


def crossing(case: Case, answer: Assignment) -> tuple[int, int]:
    """How often the same two sit together in the answer, and the least there is among the best and most joined."""
    pairs = frozenset((pair.dossier, pair.reader) for pair in answer.pairs)
    every = [
        each
        for each in possible(case, rule_names(case[2], case[1]))
        if topics(case, each) == topics(case, pairs) and squares(each) == squares(pairs)
    ]
    return together(pairs), min(together(each) for each in every if is_joined(each) or not is_joined(pairs))


def first_clash(case: Case, names: Sequence[str]) -> list[str]:
    """The first of the smallest sets of rules that nothing satisfies."""
    for size in range(len(names) + 1):
        for some in combinations(names, size):
            if next(possible(case, some), None) is None:
                return list(some)
    return []
