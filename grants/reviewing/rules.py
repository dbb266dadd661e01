"""What marks add up to: exact fractions, missing marks that weigh nothing, ties that are shown."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import TypeVar
from uuid import UUID

from grants.kernel.words import LazyString, _, _l, n_
from grants.methods.assignment import COLLEGES, CONFLICTS, LOAD, READERS

Key = TypeVar("Key", bound=Hashable)
Marks = Mapping[UUID, int | None]
TOTAL = 100

NATURE_LABELS: dict[str, LazyString] = {
    "leader": _l("J’y exerce une responsabilité (bureau, conseil, direction)"),
    "employee": _l("J’y travaille ou j’y ai travaillé"),
    "member": _l("J’en suis membre"),
    "donor": _l("Je lui ai donné ou prêté de l’argent"),
    "competitor": _l("Je participe à un projet concurrent"),
    "family": _l("Un proche y est lié"),
    "representative": _l("J’y représente une collectivité ou un organisme"),
    "other": _l("Un autre lien"),
}
COLLEGE_LABELS: dict[str, LazyString] = {
    "elected": _l("Élus"),
    "agent": _l("Agents"),
    "expert": _l("Experts"),
    "user": _l("Usagers"),
}


@dataclass(frozen=True)
class Draft:
    """What a reviewer wrote, sent or not: marks by criterion (None is "not applicable") and the two comments."""

    marks: Marks
    committee_comment: str
    applicant_comment: str


@dataclass(frozen=True)
class GridBlock:
    """A block of the grid; `minimum_level` in tenths of a level (20 = level 2), as the call keeps it."""

    id: UUID
    code: str
    weight: int
    minimum_level: int | None = None
    tie_rank: int | None = None


@dataclass(frozen=True)
class GridItem:
    """An item that reviewers mark, and what it weighs inside its block."""

    id: UUID
    block_id: UUID
    weight: int


@dataclass(frozen=True)
class Grid:
    """The rubric of a call, as arithmetic sees it: `top` is the highest level, `threshold` is out of 100."""

    blocks: tuple[GridBlock, ...]
    items: tuple[GridItem, ...]
    top: int = 4
    threshold: int = 60
    minimum_reviewers: int = 3


@dataclass(frozen=True)
class ItemResult:
    """What an item received: the mean level over those who marked it (None when nobody did) and its two ends."""

    mean: Fraction | None
    lowest: int | None
    highest: int | None
    marks: int

    @property
    def spread(self) -> int:
        """Levels between the lowest and the highest mark."""
        return 0 if self.lowest is None or self.highest is None else self.highest - self.lowest


@dataclass(frozen=True)
class BlockResult:
    """What a block received: `level` from 0 to the top and `points` out of `weight`; both None when nothing is left."""

    code: str
    weight: int
    level: Fraction | None
    points: Fraction | None
    reaches_minimum: bool | None


@dataclass(frozen=True)
class ApplicationResult:
    """What an application received, all reviews together.

    `total` is out of 100, None without any mark. `flagged` names the blocks in which nothing was marked: they do not
    count as zero (what the other blocks weigh is brought to 100), and the application does not pass before the
    committee has looked. `lowest`, `median`, `highest` are those of the reviewers' own totals.
    """

    reviews: int
    total: Fraction | None
    lowest: Fraction | None
    median: Fraction | None
    highest: Fraction | None
    blocks: tuple[BlockResult, ...]
    items: Mapping[UUID, ItemResult] = field(hash=False)
    flagged: tuple[str, ...]
    below_minimum: tuple[str, ...]
    reaches_threshold: bool
    enough_reviews: bool

    @property
    def spread(self) -> Fraction:
        """Points out of 100 between the lowest and the highest reviewer."""
        return Fraction(0) if self.lowest is None or self.highest is None else self.highest - self.lowest

    @property
    def passes(self) -> bool:
        """Threshold and block minima are met, and no block is without marks."""
        return self.reaches_threshold and not self.below_minimum and not self.flagged

    def level_of(self, code: str) -> Fraction | None:
        """The level of a block, None when nothing was marked there or no such block exists."""
        return next((block.level for block in self.blocks if block.code == code), None)


@dataclass(frozen=True)
class RankPosition:
    """A place in the ranking.

    `rank` is by total alone, so that a tie shows as a tie (`is_tie`); `order` is after the published tie-break, and is
    still shared by what even the tie-break cannot part (`is_undecided`). Both are None for what has no total.
    """

    rank: int | None
    order: int | None
    is_tie: bool = False
    is_undecided: bool = False

    def after(self, others: int) -> "RankPosition":
        """The same position behind so many better ones."""
        if not others or self.rank is None or self.order is None:
            return self
        return replace(self, rank=self.rank + others, order=self.order + others)


def why_not_on_scale(marks: Marks, grid: Grid) -> UUID | None:
    """The first item whose mark is unknown to the grid or outside its levels, or None when all are right."""
    known = {item.id for item in grid.items}
    for item_id, level in marks.items():
        if item_id not in known or (level is not None and not 0 <= level <= grid.top):
            return item_id
    return None


def unmarked(marks: Marks, grid: Grid) -> list[UUID]:
    """The items with neither a level nor "not applicable", in the grid's order."""
    return [item.id for item in grid.items if item.id not in marks]


def result(reviews: Sequence[Marks], grid: Grid) -> ApplicationResult:
    """Add up the submitted reviews of one application; the order of the reviewers changes nothing.

    A mark of None is "not applicable"; an absent one is missing. Neither counts as zero.
    """
    items = {item.id: _item_result([review.get(item.id) for review in reviews]) for item in grid.items}
    blocks = tuple(_block_result(block, items, grid) for block in grid.blocks)
    total = _total(blocks)
    totals = sorted(own for own in (own_total(review, grid) for review in reviews) if own is not None)
    return ApplicationResult(
        reviews=len(reviews),
        total=total,
        lowest=totals[0] if totals else None,
        median=_median(totals),
        highest=totals[-1] if totals else None,
        blocks=blocks,
        items=items,
        flagged=tuple(block.code for block in blocks if block.level is None) if reviews else (),
        below_minimum=tuple(block.code for block in blocks if block.reaches_minimum is False),
        reaches_threshold=total is not None and total >= grid.threshold,
        enough_reviews=len(reviews) >= grid.minimum_reviewers,
    )


def own_total(marks: Marks, grid: Grid) -> Fraction | None:
    """One reviewer's own total out of 100, by the same arithmetic; None when nothing was marked."""
    levels: list[tuple[Fraction, int]] = []  # of each block that holds a mark, with the weight of the block
    for block in grid.blocks:
        given = [
            (mark, item.weight)
            for item in grid.items
            if item.block_id == block.id and (mark := marks.get(item.id)) is not None
        ]
        if weights := sum(weight for _mark, weight in given):
            levels.append((Fraction(sum(mark * weight for mark, weight in given), weights), block.weight))
    weights = sum(weight for _level, weight in levels)
    return (
        sum((level * weight for level, weight in levels), Fraction(0)) * TOTAL / (weights * grid.top)
        if weights
        else None
    )


def hundredths(total: Fraction | None) -> int | None:
    """A total in hundredths of a point, halves up, as lists keep it; rankings compare the exact totals."""
    return None if total is None else (total * 200 + 1).__floor__() // 2


def ranking(results: Mapping[Key, ApplicationResult], grid: Grid) -> dict[Key, RankPosition]:
    """The place of each application, best first; what has no total comes last, without a rank."""
    deciders = sorted((b for b in grid.blocks if b.tie_rank is not None), key=lambda b: b.tie_rank or 0)

    def strength(found: ApplicationResult) -> tuple[Fraction, ...]:
        levels = (found.level_of(block.code) for block in deciders)
        return (found.total or Fraction(0), *(Fraction(-1) if level is None else level for level in levels))

    ranked = sorted(
        (key for key, found in results.items() if found.total is not None),
        key=lambda key: strength(results[key]),
        reverse=True,
    )
    strengths = [strength(results[key]) for key in ranked]
    totals = [each[0] for each in strengths]
    first_of_total = _first_index(totals)
    first_of_strength = _first_index(strengths)
    places = {
        key: RankPosition(
            rank=first_of_total[total] + 1,
            order=first_of_strength[each] + 1,
            is_tie=_is_shared(totals, index),
            is_undecided=_is_shared(strengths, index),
        )
        for index, (key, total, each) in enumerate(zip(ranked, totals, strengths, strict=True))
    }
    without = {key: RankPosition(None, None) for key, found in results.items() if found.total is None}
    return {**places, **without}


Value = TypeVar("Value", bound=Hashable)


def _first_index(values: Sequence[Value]) -> dict[Value, int]:
    return {value: index for index, value in reversed(list(enumerate(values)))}


def _is_shared(values: Sequence[Value], index: int) -> bool:
    """Whether a neighbour in a sorted list has the same value."""
    before = index > 0 and values[index - 1] == values[index]
    return before or (index + 1 < len(values) and values[index + 1] == values[index])


def _item_result(marks: Sequence[int | None]) -> ItemResult:
    given = [mark for mark in marks if mark is not None]
    if not given:
        return ItemResult(None, None, None, 0)
    return ItemResult(Fraction(sum(given), len(given)), min(given), max(given), len(given))


def _block_result(block: GridBlock, items: Mapping[UUID, ItemResult], grid: Grid) -> BlockResult:
    weighed = [
        (mean, item.weight)
        for item in grid.items
        if item.block_id == block.id and (mean := items[item.id].mean) is not None
    ]
    weights = sum(weight for _, weight in weighed)
    if not weights:
        return BlockResult(block.code, block.weight, None, None, None)
    level = sum((mean * weight for mean, weight in weighed), Fraction(0)) / weights
    reaches = None if block.minimum_level is None else level * 10 >= block.minimum_level
    return BlockResult(block.code, block.weight, level, level * block.weight / grid.top, reaches)


def _total(blocks: Sequence[BlockResult]) -> Fraction | None:
    counted = [(block.points, block.weight) for block in blocks if block.points is not None]
    weights = sum(weight for _, weight in counted)
    return sum((points for points, _ in counted), Fraction(0)) * TOTAL / weights if weights else None


def _median(ordered: Sequence[Fraction]) -> Fraction | None:
    if not ordered:
        return None
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


# ---- a proposal of who reads what ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Wanted:
    """What a manager asks of a proposal: readers of each dossier, dossiers of each reader at most, seats by college.

    `call` and the keys of `bounds` (dossiers at most, of one person) are ids as texts.
    """

    call: str
    readers: int
    most: int | None
    seats: dict[str, int]
    bounds: dict[str, int]


@dataclass(frozen=True)
class ProposedPair:
    """Somebody proposed for a dossier, and the college whose seat they hold there (empty when none is)."""

    application_id: UUID
    reviewer_id: UUID
    seat: str


@dataclass(frozen=True)
class Proposal:
    """What was asked, who is proposed beside what is assigned already, and each person's dossiers before and after.

    `unseated`: dossiers that are complete already, without a seat that was asked for. `clash` names the rules that
    nothing satisfies together (`grants.methods.assignment`); then nobody is proposed. `given`: the digest of who read
    what then (`queries.given_digest`).
    """

    wanted: Wanted
    pairs: tuple[ProposedPair, ...]
    before: Mapping[UUID, int]
    after: Mapping[UUID, int]
    unseated: tuple[UUID, ...]
    clash: tuple[str, ...]
    given: str = ""


def clash_in_words(clash: Sequence[str], wanted: Wanted) -> list[str]:
    """The rules that clash, a sentence each."""
    return [_rule_in_words(name, wanted) for name in clash]


def _rule_in_words(name: str, wanted: Wanted) -> str:
    kind, _dot, college = name.partition(".")
    if kind == COLLEGES:
        seats = wanted.seats[college]
        words = n_("au moins %(num)d personne du collège « %(college)s » sur chaque dossier",
                   "au moins %(num)d personnes du collège « %(college)s » sur chaque dossier", seats,
                   college=COLLEGE_LABELS[college])  # fmt: skip
    elif kind == READERS:
        words = n_("%(num)d personne sur chaque dossier", "%(num)d personnes différentes sur chaque dossier",
                   wanted.readers)  # fmt: skip
    elif kind == LOAD and wanted.most is not None:
        words = n_("%(num)d dossier au plus par personne, ou sa propre limite",
                   "%(num)d dossiers au plus par personne, ou sa propre limite", wanted.most)  # fmt: skip
    elif kind == LOAD:
        words = _("les limites données à certaines personnes")
    elif kind == CONFLICTS:
        words = _("personne ne lit un dossier avec lequel elle ou il a un lien, ni dont l’affectation a été annulée")
    else:
        words = _("ce qui est déjà affecté le reste")
    return words
