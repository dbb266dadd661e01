"""Panels crossed enough to compare readers: exchanges of two readers that change neither topics nor loads."""

from collections import defaultdict

import numpy as np
from numpy.typing import NDArray

from grants.methods.assignment import Problem

MOST_COMPARED = 200_000_000

Whole = NDArray[np.int64]
Truth = NDArray[np.bool_]
Pairs = list[tuple[int, int]]


def parts(pairs: Pairs, readers: int) -> list[frozenset[int]]:
    """The readers who have dossiers, in parts that dossiers in common join, in the order of their first reader."""
    head = list(range(readers))

    def find(reader: int) -> int:
        while head[reader] != reader:
            head[reader] = head[head[reader]]
            reader = head[reader]
        return reader

    first: dict[int, int] = {}
    for dossier, reader in pairs:
        low, high = sorted((find(first.setdefault(dossier, reader)), find(reader)))
        head[high] = low
    members: defaultdict[int, set[int]] = defaultdict(set)
    for _, reader in pairs:
        members[find(reader)].add(reader)
    return [frozenset(members[one]) for one in sorted(members)]


def joined(pairs: Pairs, readers: int) -> bool:
    """Whether dossiers in common join all who have dossiers."""
    return len(parts(pairs, readers)) <= 1


def crossed(problem: Problem, pairs: Pairs) -> Pairs:
    """The pairs after exchanges that lessen the sum, over two readers, of the square of their dossiers in common.

    Two readers of two dossiers take each other's place where the rules let them and topics lose nothing: loads stay as
    they are. It ends where no exchange helps, or after MOST_COMPARED comparisons: the same pairs give the same answer.
    """
    table = _Table(problem, sorted(pairs))
    budget = MOST_COMPARED
    while budget > 0:
        exchanged = False
        for slot in range(len(table.readers)):
            exchanged |= table.exchange(slot)
            budget -= len(table.readers)
        if not exchanged:
            break
    return sorted(zip(table.dossiers.tolist(), table.readers.tolist(), strict=True))


class _Table:
    """An assignment as slots (a dossier and who reads it), and what exchanges are judged by."""

    def __init__(self, problem: Problem, pairs: Pairs) -> None:
        number, readers = len(problem.least), len(problem.bounds)
        self.dossiers: Whole = np.array([dossier for dossier, _ in pairs], dtype=np.int64)
        self.readers: Whole = np.array([reader for _, reader in pairs], dtype=np.int64)
        self.kept: Truth = np.array([pair in problem.kept for pair in pairs], dtype=np.bool_)
        self.weights: Whole = np.array(problem.weights, dtype=np.int64).reshape(number, readers)
        self.open: Truth = np.ones((number, readers), dtype=np.bool_)
        for pair in problem.closed:
            self.open[pair] = False
        self.reads: Whole = np.zeros((number, readers), dtype=np.int64)
        self.reads[self.dossiers, self.readers] = 1
        self.college: Whole = np.array(problem.college, dtype=np.int64)
        self.seats: Whole = np.array([*problem.seats, 0], dtype=np.int64)  # the last is that of readers without a seat
        self._count()

    def _count(self) -> None:
        self.common: Whole = self.reads.T @ self.reads
        np.fill_diagonal(self.common, 0)
        self.beside: Whole = self.reads @ self.common
        of_college = np.equal.outer(self.college, np.arange(len(self.seats) - 1)).astype(np.int64)
        spare = np.zeros((len(self.reads), len(self.seats)), dtype=np.int64)
        spare[:, :-1] = self.reads @ of_college - self.seats[:-1]
        spare[:, -1] = 1
        self.spare: Whole = spare

    def exchange(self, slot: int) -> bool:
        """Make the exchange of this slot that helps most, the first of several; whether there was one."""
        dossier, reader = int(self.dossiers[slot]), int(self.readers[slot])
        if self.kept[slot]:
            return False
        gains = np.where(self._allowed(dossier, reader), self._gains(dossier, reader), 0)
        other = int(gains.argmin())
        if gains[other] >= 0:
            return False
        there, who = int(self.dossiers[other]), int(self.readers[other])
        self.readers[slot], self.readers[other] = who, reader
        self.reads[dossier, reader] = self.reads[there, who] = 0
        self.reads[dossier, who] = self.reads[there, reader] = 1
        self._count()
        return True

    def _allowed(self, dossier: int, reader: int) -> Truth:
        """Which slots this reader of this dossier may be exchanged with."""
        there, who = self.dossiers, self.readers
        allowed: Truth = ~self.kept & (self.reads[dossier, who] == 0) & (self.reads[there, reader] == 0)
        allowed &= self.open[dossier, who] & self.open[there, reader]
        before = self.weights[dossier, reader] + self.weights[there, who]
        allowed &= self.weights[dossier, who] + self.weights[there, reader] == before
        alike = self.college[who] == self.college[reader]
        spared = (self.spare[dossier, self.college[reader]] > 0) & (self.spare[there, self.college[who]] > 0)
        allowed &= alike | spared
        return allowed

    def _gains(self, dossier: int, reader: int) -> Whole:
        """Half of what each exchange adds to the sum of squares.

        Who leaves loses a dossier in common with each of the others of the panel, who comes wins one; those who sit on
        both panels change nothing.
        """
        there, who = self.dossiers, self.readers
        here = self.beside[dossier, who] - self.common[who, reader] - self.beside[dossier, reader]
        beyond = self.beside[there, who] - self.beside[there, reader] + self.common[reader, who]
        on_both = (self.reads @ self.reads[dossier])[there]
        left = int(self.reads[dossier].sum()) - 1 - on_both
        came = self.reads.sum(axis=1)[there] - 1 - on_both
        gains: Whole = here - beyond + left + came
        return gains
