"""Ranks and qualities of proposals, averaged over what the marks leave open of the effects (effects.py).

Given the variances the qualities are Gaussian: the chance that one is above another is known exactly, and averaged over
the variances instead of being counted over draws. Proposals that nothing tells apart are tied exactly. What has no such
form, the bounds of ranks and the line, is counted over draws, together for those that nothing tells apart.
"""

import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from grants.methods.effects import (
    DENSE,
    Chunk,
    Design,
    Floats,
    Node,
    Whole,
    chunks,
    counted,
    design,
    nodes,
    resampled,
)
from grants.methods.ranking import DIGITS, LEVEL, Line, Mark, Quality

PAIRED = 1_500  # kinds of proposals, at most, that are compared two by two
COMPARISONS = 20_000_000  # between two kinds, at most
TABLE = 4_001


class Standing(NamedTuple):
    """Where a proposal stands, not rounded."""

    proposal: str
    calibrated: float
    expected_rank: float
    low: int
    high: int
    above_line: float | None


def standings(marks: Sequence[Mark], line: Line | None, *, seed: int) -> list[Standing]:
    """Where each proposal stands, in no order that matters."""
    given = design(marks)
    found = nodes(given) if len(given.assessors) <= DENSE else None
    compared = _compared(given, found) if found is not None and given.kinds.max() < PAIRED else None
    size = len(given.proposals)
    number, calibrated, expected, above = 0, np.zeros(size), np.zeros(size), np.zeros(size)
    amounts = np.array([line.amounts[each].cents for each in given.proposals] if line else [], dtype=np.int64)
    ranks = []
    for chunk, quality in _drawn(given, found, seed):
        order = np.argsort(-quality, axis=1, kind="stable")
        ranks.append(_put_back(order, np.arange(1, size + 1, dtype=np.int32)[None, :]))
        number += len(quality)
        calibrated += (chunk.mean + chunk.overall[:, None]).sum(axis=0)
        if compared is None:
            expected += _counted(chunk, quality)
        if line is not None:
            above += _put_back(order, np.cumsum(amounts[order], axis=1) <= line.budget.cents).sum(axis=0)
    if compared is None:
        compared = _together(given.kinds, expected / number), _together(given.kinds, calibrated / number)
    alike = _alike(given.numbers, compared[0].round(DIGITS), compared[1].round(DIGITS))
    low, high = _bounds(alike, np.concatenate(ranks), float(LEVEL))
    chances = _together(_alike(alike, amounts), above / number) if line else above
    return [
        Standing(
            proposal=proposal,
            calibrated=float(compared[1][at]) * given.scale + given.centre,
            expected_rank=float(compared[0][at]),
            low=int(low[at]),
            high=int(high[at]),
            above_line=float(chances[at]) if line else None,
        )
        for at, proposal in enumerate(given.proposals)
    ]


def effects(marks: Sequence[Mark], *, level: float, seed: int) -> list[Quality]:
    """What each proposal is worth above the average and the bounds of its interval, in no order that matters."""
    given = design(marks)
    found = nodes(given) if len(given.assessors) <= DENSE else None
    drawn, means = [], []
    for chunk, quality in _drawn(given, found, seed):
        drawn.append(quality)
        means.append(chunk.mean)
    mean = _together(given.kinds, np.concatenate(means).mean(axis=0))
    table = np.stack([mean, *_bounds(given.kinds, np.concatenate(drawn), level)]) * given.scale + 0.0
    return [Quality(name, *map(float, table[:, at])) for at, name in enumerate(given.proposals)]


def _drawn(given: Design, found: Sequence[Node] | None, seed: int) -> Iterator[tuple[Chunk, Floats]]:
    draw = np.random.default_rng(seed)
    for chunk in chunks(given, found, draw):
        yield chunk, chunk.mean + chunk.deviation * draw.standard_normal(chunk.mean.shape)


# ---- compared two by two -------------------------------------------------------------------------------------------


def _compared(given: Design, found: Sequence[Node]) -> tuple[Floats, Floats]:
    """The expected rank and the calibrated mark of each proposal: every kind with every other, for every node."""
    _kinds, first, sizes = np.unique(given.kinds, return_index=True, return_counts=True)
    counts, numbers, sums = counted(given)[first], given.numbers[first], given.sums[first]
    above, below = np.triu_indices(len(first), 1)
    points, chances = _student(found[0].freedom)
    ranks, marks = np.full(len(first), 1.0), np.zeros(len(first))
    ranks += (sizes - 1) / 2
    most = max(5, COMPARISONS // max(1, len(above)))
    times = resampled(found, most) if most < len(found) else [0] * len(found)
    for node, asked in zip(found, times, strict=True):
        weight = asked / most if most < len(found) else node.weight
        if not weight:
            continue
        shrink = node.shrink[first]
        leniency = node.vectors @ node.means
        overall = node.level - float(node.slope @ leniency)
        mean = shrink * (sums - numbers * overall - counts @ leniency)
        rest = counts - np.outer(numbers, node.slope)
        shared = np.hstack([
            shrink[:, None] * (rest @ node.vectors) * np.sqrt(node.spreads),
            (shrink * numbers / np.sqrt(node.precision))[:, None],
        ])  # fmt: skip
        products = shared @ shared.T
        own = np.diag(products)
        variance = node.noise * np.maximum(
            shrink[above] + shrink[below] + own[above] + own[below] - 2 * products[above, below], 0
        )
        distance = (mean[above] - mean[below]) / np.sqrt(variance)
        won = 0.5 + np.sign(distance) * np.interp(np.abs(distance), points, chances)
        size = len(first)
        ranks += weight * np.bincount(below, weights=won * sizes[above], minlength=size)
        ranks += weight * np.bincount(above, weights=(1 - won) * sizes[below], minlength=size)
        marks += weight * (mean + overall)
    return ranks[given.kinds], marks[given.kinds]


def _student(freedom: int) -> tuple[Floats, Floats]:
    """Points from 0 up, and the chance that a Student variable lies between 0 and each."""
    angles = np.linspace(0, 1, TABLE)
    points = np.sinh(angles * np.arcsinh(1e6))
    # Within each step, the density by Gauss and Legendre at four points.
    places, weights = np.polynomial.legendre.leggauss(4)
    steps = np.diff(points)
    at = points[:-1, None] + steps[:, None] * (places + 1) / 2
    density = np.exp(-(freedom + 1) / 2 * np.log1p(at**2 / freedom))
    below = np.concatenate([[0.0], np.cumsum((density @ weights) * steps / 2)])
    beyond = points[-1] * np.exp(-(freedom + 1) / 2 * np.log1p(points[-1] ** 2 / freedom)) / freedom
    return points, below / (below[-1] + beyond) / 2


# ---- counted over draws --------------------------------------------------------------------------------------------


def _put_back(order: NDArray[np.int64], values: NDArray[Any]) -> NDArray[Any]:
    """What stands at each place of an order, by proposal; a line for each draw."""
    found = np.empty(order.shape, dtype=values.dtype)
    np.put_along_axis(found, order, values, axis=1)
    return found


def _counted(chunk: Chunk, quality: Floats) -> Floats:
    """The sums, over draws, of the rank that each proposal has on average among the qualities drawn of the others."""
    places, weights = np.polynomial.hermite_e.hermegauss(7)
    weights = weights / weights.sum()
    ranks = np.ones(quality.shape[1])
    ranks *= len(quality)
    for drawn, mean, deviation in zip(
        quality, chunk.mean, np.broadcast_to(chunk.deviation, quality.shape), strict=True
    ):
        ordered = np.sort(drawn)
        for place, weight in zip(places, weights, strict=True):
            at = mean + deviation * place
            ranks += weight * (len(drawn) - np.searchsorted(ordered, at, side="right") - (drawn > at))
    return ranks


def _alike(*columns: NDArray[Any]) -> Whole:
    """The number of the group of each proposal: those that all columns say the same of."""
    return np.unique(np.stack(columns), axis=1, return_inverse=True)[1].reshape(-1).astype(np.int64)


def _together(groups: Whole, values: Floats) -> Floats:
    """The mean of each group, for each of its members."""
    mean: Floats = (np.bincount(groups, weights=values) / np.bincount(groups))[groups]
    return mean


def _bounds(kinds: Whole, drawn: NDArray[Any], level: float) -> tuple[NDArray[Any], NDArray[Any]]:
    """The bounds between which draws lie with a chance of `level`; those of one kind are counted together."""
    low, high = _quantiles(drawn, level)
    for kind in np.flatnonzero(np.bincount(kinds) > 1):
        members = np.flatnonzero(kinds == kind)
        low[members], high[members] = _quantiles(drawn[:, members].reshape(-1, 1), level)
    return low, high


def _quantiles(drawn: NDArray[Any], level: float) -> tuple[NDArray[Any], NDArray[Any]]:
    number = len(drawn)
    first = max(0, math.ceil((1 - level) / 2 * number - 1e-9) - 1)
    last = max(0, math.ceil((1 + level) / 2 * number - 1e-9) - 1)
    parted = np.partition(drawn, (first, last), axis=0)
    return parted[first].copy(), parted[last].copy()
