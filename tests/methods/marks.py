"""Marks drawn from known qualities, leniencies and noise."""

from fractions import Fraction

import numpy as np

from grants.methods.ranking import Mark


def drawn_marks(
    seed: int,
    *,
    proposals: int = 80,
    assessors: int = 12,
    readers: int = 3,
    quality: float = 0.8,
    leniency: float = 0.3,
    noise: float = 0.7,
) -> tuple[dict[str, float], list[Mark]]:
    """Each proposal's quality, and the marks that so many readers, drawn among the assessors, give it."""
    draw = np.random.default_rng(seed)
    known, lenient = draw.normal(0, quality, proposals), draw.normal(0, leniency, assessors)
    marks = []
    for at in range(proposals):
        for by in draw.choice(assessors, readers, replace=False):
            value = 3 + known[at] + lenient[by] + draw.normal(0, noise)
            marks.append(Mark(f"d{at:05}", f"r{by:03}", Fraction(f"{value:.6f}")))
    return {f"d{at:05}": float(each) for at, each in enumerate(known)}, marks
