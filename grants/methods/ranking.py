"""Expected ranks of dossiers marked by different readers, and what the marks are worth: spread, agreement, band.

Expected rank as in Heyard, Ott, Salanti, Egger 2022 (doi 10.1080/2330443X.2022.2086190). Rank 1 is the best. numpy is
loaded when ranks are asked for, not with this module: pages may use the rest.
"""

import math
import re
from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

from grants.kernel.money import Money
from grants.methods.tables import Row, each_row, euros, read_table, refuse

SEED = 2022
LEVEL = Fraction(9, 10)  # of the intervals
BAND = (0.2, 0.8)  # chances of being above the line between which a dossier is to be discussed
DIGITS = 6  # of what is computed, in answers
MARKS, AMOUNTS = ("proposal", "assessor", "mark"), ("proposal", "amount")
# A program writes 3.6666666666666665 or 4.5e-05.
_MARK = re.compile(r"-?\d{1,9}(?:[.,]\d{1,30})?(?:[eE]-\d{1,2})?", re.ASCII)


class Mark(NamedTuple):
    """The mark that an assessor gave to a proposal."""

    proposal: str
    assessor: str
    mark: Fraction


class Ranked(NamedTuple):
    """Where a proposal stands. `mean` is that of its marks; `calibrated`, the mark that an average reader would give.

    `rank_low` and `rank_high` hold its rank with a chance of 90 %, and its expected rank. `above_line` is the chance
    that money is left for it, None without a budget.
    """

    proposal: str
    mean: float
    calibrated: float
    expected_rank: float
    rank_low: int
    rank_high: int
    above_line: float | None


class Quality(NamedTuple):
    """What a proposal is worth above the average of all, in units of the marks, with the bounds of its interval."""

    proposal: str
    effect: float
    low: float
    high: float


class Line(NamedTuple):
    """What there is to give, and what each proposal asks: all that are marked have an amount."""

    budget: Money
    amounts: Mapping[str, Money]


# ---- what needs no draw --------------------------------------------------------------------------------------------


def is_to_discuss(above_line: float | None) -> bool:
    """Whether a dossier is in the discussion band: chances from 20 to 80 % of being above the line."""
    return above_line is not None and BAND[0] <= above_line <= BAND[1]


def median(marks: Sequence[Fraction]) -> Fraction:
    """The middle mark, or half-way between both; of one mark at least."""
    ordered = sorted(marks)
    return (ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) / 2


def spread(marks: Sequence[Fraction]) -> Fraction:
    """From the lowest mark to the highest; of one mark at least."""
    return max(marks) - min(marks)


def alpha(marks: Sequence[Mark]) -> float | None:
    """Krippendorff's alpha for interval scales: 1 when readers agree, 0 when as much as by chance, down to -1.

    Dossiers with one mark say nothing of it. None when no dossier has two, or when all those marks are equal.
    """
    by_proposal: dict[str, list[Fraction]] = {}
    for each in marks:
        by_proposal.setdefault(each.proposal, []).append(each.mark)
    paired = [values for values in by_proposal.values() if len(values) > 1]
    number = sum(map(len, paired))
    among = _squares([value for values in paired for value in values])
    if not among:
        return None
    within = sum((_squares(values) / (len(values) - 1) for values in paired), Fraction(0))
    return float(1 - (number - 1) * within / among)


def _squares(values: Sequence[Fraction]) -> Fraction:
    """The number of values times the sum of their squared distances from their mean."""
    return len(values) * sum((value**2 for value in values), Fraction(0)) - sum(values, Fraction(0)) ** 2


# ---- what is drawn -------------------------------------------------------------------------------------------------


def rank(marks: Sequence[Mark], line: Line | None = None, *, seed: int = SEED) -> list[Ranked]:
    """Where each proposal stands, by expected rank then by name; the same for the same marks, line and seed.

    Wants a mark at least, and each pair of a proposal and an assessor once.
    """
    from grants.methods import standings  # noqa: PLC0415 - loads numpy

    found = standings.standings(marks, line, seed=seed)
    means = _means(marks)
    ranked = [
        Ranked(
            proposal=each.proposal,
            mean=float(means[each.proposal]),
            calibrated=round(each.calibrated, DIGITS) + 0.0,
            expected_rank=round(each.expected_rank, DIGITS),
            rank_low=min(each.low, math.floor(round(each.expected_rank, DIGITS))),
            rank_high=max(each.high, math.ceil(round(each.expected_rank, DIGITS))),
            above_line=None if each.above_line is None else round(each.above_line, DIGITS),
        )
        for each in found
    ]
    return sorted(ranked, key=lambda each: (each.expected_rank, each.proposal))


def qualities(marks: Sequence[Mark], *, level: Fraction = LEVEL, seed: int = SEED) -> list[Quality]:
    """What each proposal is worth above the average, with intervals that hold it with a chance of `level`, by name."""
    from grants.methods import standings  # noqa: PLC0415 - loads numpy

    return sorted(standings.effects(marks, level=float(level), seed=seed))


def _means(marks: Sequence[Mark]) -> dict[str, Fraction]:
    given: dict[str, list[Fraction]] = {}
    for each in marks:
        given.setdefault(each.proposal, []).append(each.mark)
    return {proposal: sum(values, Fraction(0)) / len(values) for proposal, values in given.items()}


# ---- files ---------------------------------------------------------------------------------------------------------


def read_marks(path: Path) -> list[Mark]:
    """The marks of a file. Raises UnreadableError, by line number, for what is no mark and for a pair given twice."""
    rows = read_table(path, MARKS)
    marks = each_row(path, rows, _read_mark)
    first: dict[tuple[str, str], int] = {}
    problems = []
    for row, each in zip(rows, marks, strict=True):
        before = first.setdefault((each.proposal, each.assessor), row.line)
        if before != row.line:
            pair = f"« {_short(each.assessor)} » a déjà noté « {_short(each.proposal)} »"
            problems.append(f"ligne {row.line} : {pair}, ligne {before}")
    refuse(path, problems)
    return marks


def read_amounts(path: Path, marks: Sequence[Mark]) -> dict[str, Money]:
    """The amounts of a file. Raises UnreadableError, by line number, for what is no amount and for a proposal that is
    there twice or has no mark; and for marked proposals that have no amount."""
    rows = read_table(path, AMOUNTS)
    read = each_row(path, rows, _read_amount)
    marked = {each.proposal for each in marks}
    amounts: dict[str, Money] = {}
    problems = []
    for row, (proposal, amount) in zip(rows, read, strict=True):
        if proposal in amounts:
            problems.append(f"ligne {row.line} : « {_short(proposal)} » a déjà un montant")
        elif proposal not in marked:
            problems.append(f"ligne {row.line} : « {_short(proposal)} » n’a aucune note")
        amounts[proposal] = amount
    problems += [f"« {_short(each)} » n’a pas de montant" for each in sorted(marked - amounts.keys())]
    refuse(path, problems)
    return amounts


def _read_mark(row: Row) -> Mark:
    text = row.cells["mark"]
    if not row.cells["proposal"] or not row.cells["assessor"]:
        raise ValueError("le dossier et l’évaluateur ont chacun un identifiant")
    if not _MARK.fullmatch(text):
        raise ValueError(f"« {_short(text)} » n’est pas une note : un nombre de moins d’un milliard")
    return Mark(row.cells["proposal"], row.cells["assessor"], Fraction(text.replace(",", ".")))


def _read_amount(row: Row) -> tuple[str, Money]:
    if not row.cells["proposal"]:
        raise ValueError("le dossier a un identifiant")
    amount = euros(row.cells["amount"])
    if not amount:
        raise ValueError("un montant est supérieur à zéro")
    return row.cells["proposal"], amount


def _short(text: str) -> str:
    return text[:40]
