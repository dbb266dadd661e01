"""Marks as overall + quality of the dossier + leniency of the reader + noise: what the marks say of each part.

The three effects are Gaussian. Nothing is assumed of the scale: adding to all marks, or multiplying them, does the same
to what is found. The prior: the overall mark and the logarithm of the total variance are uniform; the shares that
quality, leniency and noise have in it are uniform over all that they can be (Dirichlet(1, 1, 1)).

Up to 400 readers the ratios of variances are weighed on a grid, every effect integrated out exactly, and draws are
independent. Above, a Gibbs sampler draws the effects and the variances in turn: a round costs as many steps as marks.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from grants.methods.ranking import Mark

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]

DENSE = 400  # readers, at most, whose effects are held in one matrix
DRAWS = 2_000
CELLS = 10_000_000  # draws × dossiers kept at once, at most
CHUNK = 1_000_000  # draws × dossiers worked on at once, at most
WIDEST = 14.0  # a ratio of variances lies between exp(-14) and exp(14)
SMALLEST = 1e-12  # a variance, in the marks' own: marks that agree exactly have no smaller noise
COARSE, FINE, ZOOMS = 29, 13, 9
MANY, LESS_FINE = 200, 9  # above so many proposals, ratios are known so well that fewer points do
NEGLIGIBLE = 1e-4  # of the largest weight
BURNT = 500  # rounds of the Gibbs sampler before its first draw
GIBBS_CELLS = 4_001


@dataclass(frozen=True)
class Design:
    """Marks in an order that names do not make, centred on their mean and in units of their standard deviation.

    `of` and `by` are the proposal and the assessor of each mark; `numbers` and `sums` are of each proposal. Proposals
    of one `kind` have the same assessors and the same sum: nothing tells them apart.
    """

    proposals: list[str]
    assessors: list[str]
    of: Whole
    by: Whole
    marks: Floats
    numbers: Floats
    sums: Floats
    kinds: Whole
    centre: float
    scale: float


class Chunk(NamedTuple):
    """Draws of all but the qualities, and what each leaves to the qualities: independent Gaussians.

    `overall` has a value for each draw; `mean` and `deviation` one for each draw and proposal.
    """

    overall: Floats
    mean: Floats
    deviation: Floats


# ---- the marks -----------------------------------------------------------------------------------------------------


def design(marks: Sequence[Mark]) -> Design:
    """Put marks in order; each pair of a proposal and an assessor is there once at most, and there is a mark."""
    proposals, assessors = _ordered(marks)
    place = {name: at for at, name in enumerate(proposals)}
    reader = {name: at for at, name in enumerate(assessors)}
    rows = sorted((place[each.proposal], reader[each.assessor], each.mark) for each in marks)
    of = np.array([row[0] for row in rows], dtype=np.int64)
    by = np.array([row[1] for row in rows], dtype=np.int64)
    values = [row[2] for row in rows]
    centre = sum(values, Fraction(0)) / len(values)
    centred = np.array([float(value - centre) for value in values])
    spread = float(np.sqrt(np.mean(centred**2)))
    unit = spread or 1.0
    totals = [Fraction(0)] * len(proposals)
    read: list[list[int]] = [[] for _ in proposals]
    for proposal, assessor, value in rows:
        totals[proposal] += value
        read[proposal].append(assessor)
    seen: dict[tuple[Fraction, tuple[int, ...]], int] = {}
    kinds = [seen.setdefault((total, tuple(who)), len(seen)) for total, who in zip(totals, read, strict=True)]
    return Design(
        proposals=proposals,
        assessors=assessors,
        of=of,
        by=by,
        marks=centred / unit,
        numbers=np.bincount(of, minlength=len(proposals)).astype(np.float64),
        sums=np.array([float(total - len(who) * centre) for total, who in zip(totals, read, strict=True)]) / unit,
        kinds=np.array(kinds, dtype=np.int64),
        centre=float(centre),
        scale=spread,
    )


def _ordered(marks: Sequence[Mark]) -> tuple[list[str], list[str]]:
    """Proposals and assessors ordered by what they gave and were given, then by name where that is all alike.

    Each round tells apart those whose marks, or the partners of their marks, were told apart before.
    """
    steps = {mark: at for at, mark in enumerate(sorted({each.mark for each in marks}))}
    given: list[dict[str, list[tuple[str, int]]]] = [{}, {}]
    for each in marks:
        given[0].setdefault(each.proposal, []).append((each.assessor, steps[each.mark]))
        given[1].setdefault(each.assessor, []).append((each.proposal, steps[each.mark]))
    colours: list[dict[str, int]] = [dict.fromkeys(side, 0) for side in given]
    for _round in range(4):
        before = [len(set(side.values())) for side in colours]
        for side, other in ((0, 1), (1, 0)):
            keys = {
                name: (colours[side][name], sorted((step, colours[other][partner]) for partner, step in pairs))
                for name, pairs in given[side].items()
            }
            colours[side] = _numbered(keys)
        if before == [len(set(side.values())) for side in colours]:
            break
    proposals, assessors = (sorted(side, key=lambda name: (side[name], name)) for side in colours)
    return proposals, assessors


def _numbered(keys: dict[str, tuple[int, list[tuple[int, int]]]]) -> dict[str, int]:
    """The rank of each key among those that differ."""
    numbered, last, number = {}, None, -1
    for name in sorted(keys, key=keys.__getitem__):
        if keys[name] != last:
            last, number = keys[name], number + 1
        numbered[name] = number
    return numbered


# ---- the ratios of variances, weighed on a grid --------------------------------------------------------------------


@dataclass(frozen=True)
class Node:
    """What a pair of ratios (variance of quality, then of leniency, by that of noise) leaves to the effects.

    `weight` is its posterior probability; `noise` the squared scale of the noise, whose posterior has `freedom`. The
    leniencies have mean `vectors @ means` and covariance noise × vectors diag(spreads) vectors'. The overall mark given
    them is `level - slope @ leniencies`, with variance noise / `precision`. `shrink` is of each proposal.
    """

    weight: float
    noise: float
    freedom: int
    shrink: Floats
    vectors: Floats
    means: Floats
    spreads: Floats
    level: float
    slope: Floats
    precision: float


class _Reduced(NamedTuple):
    """What is left of the marks for one ratio of quality, the qualities and the overall mark integrated out."""

    shrink: Floats
    values: Floats
    vectors: Floats
    turned: Floats
    left: float
    constant: float
    level: float
    slope: Floats
    precision: float


def nodes(given: Design) -> list[Node]:
    """The pairs of ratios that count, the grid drawn closer around them until it fits, and their weights."""
    counts = counted(given)
    table = _table(given, counts, [(-WIDEST, WIDEST), (-WIDEST, WIDEST)], COARSE)
    for _zoom in range(ZOOMS):
        ranges = [
            _closer(table.quality, table.weights.sum(axis=1)),
            _closer(table.leniency, table.weights.sum(axis=0)),
        ]
        widths = (table.quality[-1] - table.quality[0], table.leniency[-1] - table.leniency[0])
        if all(high - low > 0.7 * width for (low, high), width in zip(ranges, widths, strict=True)):
            break
        table = _table(given, counts, ranges, FINE if len(given.proposals) <= MANY else LESS_FINE)
    weights = np.where(table.weights < NEGLIGIBLE, 0, table.weights)
    weights /= weights.sum()
    freedom = _freedom(given)
    return [
        _node(table.reduced[row], float(np.exp(table.leniency[column])), float(weights[row, column]), freedom)
        for row, column in np.argwhere(weights)
    ]


class _Table(NamedTuple):
    """The density, the largest 1, at points of the logarithms of both ratios."""

    quality: Floats
    leniency: Floats
    reduced: list["_Reduced"]
    weights: Floats


def _table(given: Design, counts: Floats, ranges: Sequence[tuple[float, float]], number: int) -> _Table:
    quality, leniency = (np.linspace(low, high, number) for low, high in ranges)
    reduced = [_reduced(given, counts, float(np.exp(each))) for each in quality]
    logs = np.array([
        _log_density(each, float(np.exp(at)), np.exp(leniency), _freedom(given))
        for at, each in zip(quality, reduced, strict=True)
    ])  # fmt: skip
    return _Table(quality, leniency, reduced, np.exp(logs - logs.max()))


def _freedom(given: Design) -> int:
    return max(1, len(given.marks) - 1)


def counted(given: Design) -> Floats:
    """Whether each assessor marked each proposal: 1 or 0."""
    counts = np.zeros((len(given.proposals), len(given.assessors)))
    counts[given.of, given.by] = 1
    return counts


def _closer(points: Floats, weights: Floats) -> tuple[float, float]:
    """The part of a range that counts, and a step on each side."""
    kept = np.flatnonzero(weights >= NEGLIGIBLE * weights.max())
    return float(points[max(0, kept[0] - 1)]), float(points[min(len(points) - 1, kept[-1] + 1)])


def _reduced(given: Design, counts: Floats, ratio: float) -> _Reduced:
    shrink = ratio / (1 + ratio * given.numbers)
    weighted = counts * shrink[:, None]
    among = np.diag(counts.sum(axis=0)) - counts.T @ weighted
    kept = 1 - shrink * given.numbers
    beside = kept @ counts
    precision = float(kept @ given.numbers)
    rests = np.bincount(given.by, weights=given.marks, minlength=len(given.assessors)) - weighted.T @ given.sums
    total = float(kept @ given.sums)
    slope = beside / precision
    values, vectors = np.linalg.eigh(among - np.outer(beside, slope))
    left = float(given.marks @ given.marks - shrink @ given.sums**2 - total**2 / precision)
    constant = float(-0.5 * np.log1p(ratio * given.numbers).sum() - 0.5 * np.log(precision))
    return _Reduced(
        shrink, np.maximum(values, 0), vectors, vectors.T @ (rests - slope * total),
        left, constant, total / precision, slope, precision,
    )  # fmt: skip


def _log_density(reduced: _Reduced, quality: float, leniency: Floats, freedom: int) -> Floats:
    """The logarithm of the posterior density of the logarithms of both ratios, but for a constant."""
    spreads = leniency[:, None] / (1 + leniency[:, None] * reduced.values)
    squares = np.maximum(reduced.left - spreads @ reduced.turned**2, SMALLEST * freedom)
    determinant = np.log1p(leniency[:, None] * reduced.values).sum(axis=1)
    prior = np.log(quality * leniency) - 3 * np.log1p(quality + leniency)
    density: Floats = reduced.constant - 0.5 * determinant - 0.5 * freedom * np.log(squares) + prior
    return density


def _node(reduced: _Reduced, leniency: float, weight: float, freedom: int) -> Node:
    spreads = leniency / (1 + leniency * reduced.values)
    squares = max(reduced.left - float(spreads @ reduced.turned**2), SMALLEST * freedom)
    return Node(
        weight, squares / freedom, freedom, reduced.shrink, reduced.vectors, spreads * reduced.turned, spreads,
        reduced.level, reduced.slope, reduced.precision,
    )  # fmt: skip


def resampled(found: Sequence[Node], number: int) -> list[int]:
    """How many of `number` draws fall to each node: its weight, to within one."""
    edges = np.cumsum([0.0, *(each.weight for each in found)])
    places = np.clip(np.floor(edges / edges[-1] * number + 0.5), 0, number)
    return [int(each) for each in np.diff(places)]


# ---- draws ---------------------------------------------------------------------------------------------------------


def chunks(given: Design, found: Sequence[Node] | None, draw: np.random.Generator) -> Iterator[Chunk]:
    """Draws of everything but the qualities, a part at a time; `found` is None above 400 readers."""
    number = max(1, min(DRAWS, CELLS // max(len(given.proposals), len(given.assessors))))
    if found is None:
        yield from _gibbs(given, number, draw)
        return
    counts = counted(given)
    most = max(1, CHUNK // len(given.proposals))
    for node, asked in zip(found, resampled(found, number), strict=True):
        for first in range(0, asked, most):
            yield _drawn(given, counts, node, min(most, asked - first), draw)


def _drawn(given: Design, counts: Floats, node: Node, number: int, draw: np.random.Generator) -> Chunk:
    noise = np.sqrt(node.noise * node.freedom / draw.chisquare(node.freedom, number))[:, None]
    turned = node.means + noise * np.sqrt(node.spreads) * draw.standard_normal((number, len(node.means)))
    leniency = turned @ node.vectors.T
    overall = node.level - leniency @ node.slope + noise[:, 0] * draw.standard_normal(number) / np.sqrt(node.precision)
    mean = node.shrink * (given.sums - overall[:, None] * given.numbers - leniency @ counts.T)
    return Chunk(overall, mean, noise * np.sqrt(node.shrink))


def _gibbs(given: Design, number: int, draw: np.random.Generator) -> Iterator[Chunk]:
    """Effects and variances in turn, each from its distribution given all others; the first rounds are left aside."""
    proposals, assessors = len(given.proposals), len(given.assessors)
    read = np.bincount(given.by, minlength=assessors).astype(np.float64)
    sums = np.bincount(given.by, weights=given.marks, minlength=assessors)
    leniency, quality_ratio, leniency_ratio, noise = np.zeros(assessors), 1.0, 1.0, 1.0
    kept: list[tuple[float, Floats, Floats]] = []
    most = max(1, CHUNK // proposals)
    for turn in range(BURNT + 2 * number):
        # The overall mark and the qualities together, given the leniencies.
        rests = given.sums - np.bincount(given.of, weights=leniency[given.by], minlength=proposals)
        shrink = quality_ratio / (1 + quality_ratio * given.numbers)
        weights = 1 - shrink * given.numbers
        precision = float(weights @ given.numbers)
        overall = float(weights @ rests) / precision + np.sqrt(noise / precision) * draw.standard_normal()
        mean, deviation = shrink * (rests - overall * given.numbers), np.sqrt(noise * shrink)
        quality = mean + deviation * draw.standard_normal(proposals)
        if turn >= BURNT and turn % 2:
            kept.append((overall, mean, deviation))
            if len(kept) == most:
                yield _gathered(kept)
                kept = []
        # The leniencies, then what both they and the overall mark could be moved by without changing any mark.
        shrunk = leniency_ratio / (1 + leniency_ratio * read)
        others = sums - np.bincount(given.by, weights=(overall + quality)[given.of], minlength=assessors)
        leniency = shrunk * others + np.sqrt(noise * shrunk) * draw.standard_normal(assessors)
        moved = leniency.mean() + np.sqrt(noise * leniency_ratio / assessors) * draw.standard_normal()
        leniency, overall = leniency - moved, overall + moved
        # The variances.
        left = given.marks - overall - quality[given.of] - leniency[given.by]
        squares = float(quality @ quality), float(leniency @ leniency)
        rest = (float(left @ left) + squares[0] / quality_ratio + squares[1] / leniency_ratio) / 2
        noise = max(rest / draw.gamma((len(left) + proposals + assessors) / 2), SMALLEST)
        quality_ratio = _ratio(proposals, squares[0] / noise, leniency_ratio, draw)
        leniency_ratio = _ratio(assessors, squares[1] / noise, quality_ratio, draw)
    if kept:
        yield _gathered(kept)


def _gathered(kept: Sequence[tuple[float, Floats, Floats]]) -> Chunk:
    return Chunk(np.array([one[0] for one in kept]), np.stack([one[1] for one in kept]),
                 np.stack([one[2] for one in kept]))  # fmt: skip


def _ratio(number: int, squares: float, other: float, draw: np.random.Generator) -> float:
    """A ratio of variances given so many effects, the sum of their squares by the noise and the other ratio."""
    points = np.linspace(-WIDEST, WIDEST, GIBBS_CELLS)
    ratios = np.exp(points)
    logs = (1 - number / 2) * points - squares / (2 * ratios) - 3 * np.log1p(ratios + other)
    edges = np.cumsum(np.exp(logs - logs.max()))
    at = int(np.searchsorted(edges, draw.random() * edges[-1]))
    return float(np.exp(points[at] + (draw.random() - 0.5) * (points[1] - points[0])))
