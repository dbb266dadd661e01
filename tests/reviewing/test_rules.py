"""Marks add up as published: nothing missing is zero, no order matters, ties are shown."""

from fractions import Fraction
from uuid import UUID, uuid5

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grants.reviewing.rules import (
    Grid,
    GridBlock,
    GridItem,
    hundredths,
    own_total,
    ranking,
    result,
    unmarked,
    why_not_on_scale,
)

SPACE = UUID("00000000-0000-0000-0000-00000000cafe")


def key(name: str) -> UUID:
    return uuid5(SPACE, name)


GRID = Grid(
    blocks=(
        GridBlock(key("A"), "innovation", 50, minimum_level=20, tie_rank=2),
        GridBlock(key("B"), "justice", 30, tie_rank=1),
        GridBlock(key("C"), "climate", 20),
    ),
    items=(
        GridItem(key("a1"), key("A"), 3),
        GridItem(key("a2"), key("A"), 1),
        GridItem(key("b1"), key("B"), 1),
        GridItem(key("c1"), key("C"), 1),
    ),
    minimum_reviewers=2,
)
LEVELS = st.one_of(st.none(), st.integers(0, 4))
REVIEW = st.dictionaries(st.sampled_from([item.id for item in GRID.items]), LEVELS)


def review(a1=None, a2=None, b1=None, c1=None):
    return {key("a1"): a1, key("a2"): a2, key("b1"): b1, key("c1"): c1}


def test_full_marks_are_a_hundred_and_zeros_are_zero():
    assert result([review(4, 4, 4, 4)], GRID).total == 100
    assert result([review(0, 0, 0, 0)], GRID).total == 0


def test_weights_hold_inside_the_block_and_between_blocks():
    found = result([review(4, 0, 2, 1)], GRID)
    assert found.level_of("innovation") == 3
    assert found.total == Fraction(3, 4) * 50 + Fraction(2, 4) * 30 + Fraction(1, 4) * 20


def test_the_mean_is_over_those_who_marked():
    found = result([review(a1=4, a2=4, b1=4, c1=4), review(a1=2, a2=4, b1=None, c1=4)], GRID)
    assert found.items[key("a1")].mean == 3
    assert found.items[key("b1")].mean == 4
    assert found.items[key("b1")].marks == 1
    assert found.items[key("a1")].spread == 2


def test_not_applicable_and_missing_drop_out_within_the_block():
    with_na = result([review(a1=4, a2=None, b1=4, c1=4)], GRID)
    missing = result([{key("a1"): 4, key("b1"): 4, key("c1"): 4}], GRID)
    assert with_na.total == missing.total == 100
    assert result([review(a1=4, a2=0, b1=4, c1=4)], GRID).total < 100


def test_a_block_with_nothing_left_is_flagged_and_never_zero():
    found = result([review(a1=4, a2=4, b1=4)], GRID)
    assert found.flagged == ("climate",)
    assert found.level_of("climate") is None
    assert found.total == 100
    assert found.reaches_threshold
    assert not found.passes


def test_without_any_mark_there_is_no_total():
    found = result([], GRID)
    assert (found.total, found.reviews, found.flagged, found.passes) == (None, 0, (), False)
    assert result([review()], GRID).total is None


def test_a_block_below_its_minimum_fails_above_the_threshold():
    found = result([review(a1=1, a2=4, b1=4, c1=4)], GRID)
    assert found.total > 60
    assert found.below_minimum == ("innovation",)
    assert not found.passes
    assert result([review(a1=2, a2=2, b1=4, c1=4)], GRID).passes


def test_the_threshold_itself_passes():
    grid = Grid(GRID.blocks[1:2], GRID.items[2:3], threshold=75)
    assert result([{key("b1"): 3}], grid).passes
    assert not result([{key("b1"): 2}], grid).passes


def test_reviewers_disagreement_is_told():
    found = result([review(4, 4, 4, 4), review(0, 0, 0, 0), review(2, 2, 2, 2)], GRID)
    assert (found.lowest, found.median, found.highest, found.spread) == (0, 50, 100, 100)
    assert found.enough_reviews
    assert result([review(4, 4, 4, 4), review(2, 2, 2, 2)], GRID).median == 75


def test_a_tie_is_shown_then_broken_by_the_published_blocks():
    results = {
        "x": result([review(2, 2, 4, 0)], GRID),
        "y": result([review(2, 2, 2, 3)], GRID),
        "best": result([review(4, 4, 4, 4)], GRID),
        "none": result([], GRID),
    }
    assert results["x"].total == results["y"].total
    places = ranking(results, GRID)
    assert list(places) == ["best", "x", "y", "none"]
    assert [(p.rank, p.order, p.is_tie) for p in places.values()] == [
        (1, 1, False),
        (2, 2, True),
        (2, 3, True),
        (None, None, False),
    ]
    assert not places["x"].is_undecided


def test_what_the_tie_break_cannot_part_stays_together():
    same = result([review(2, 2, 4, 0)], GRID)
    places = ranking({"x": same, "y": same, "z": result([review(1, 1, 1, 1)], GRID)}, GRID)
    assert (places["x"].order, places["y"].order, places["z"].order) == (1, 1, 3)
    assert places["x"].is_undecided
    assert not places["z"].is_undecided


def test_marks_off_the_scale_and_unknown_items_are_found():
    assert why_not_on_scale(review(4, 0, None, 2), GRID) is None
    assert why_not_on_scale({key("a1"): 5}, GRID) == key("a1")
    assert why_not_on_scale({key("a1"): -1}, GRID) == key("a1")
    assert why_not_on_scale({key("zz"): 1}, GRID) == key("zz")


def test_not_applicable_is_a_mark_and_silence_is_not():
    assert unmarked({key("a1"): None, key("a2"): 0}, GRID) == [key("b1"), key("c1")]


@given(st.lists(REVIEW, max_size=5), st.randoms())
def test_permuting_reviewers_changes_nothing(reviews, random):
    shuffled = list(reviews)
    random.shuffle(shuffled)
    assert result(reviews, GRID) == result(shuffled, GRID)


@given(st.lists(REVIEW, min_size=1, max_size=5))
def test_every_number_stays_on_its_scale(reviews):
    found = result(reviews, GRID)
    assert found.total is None or 0 <= found.total <= 100
    assert all(block.level is None or 0 <= block.level <= 4 for block in found.blocks)
    assert found.spread >= 0


@given(REVIEW, st.sampled_from([item.id for item in GRID.items]))
def test_not_applicable_weighs_exactly_what_a_missing_mark_weighs(marks, item_id):
    without = {k: v for k, v in marks.items() if k != item_id}
    assert own_total({**without, item_id: None}, GRID) == own_total(without, GRID)


@given(st.lists(REVIEW, min_size=1, max_size=4), st.integers(1, 4))
def test_a_better_mark_never_lowers_the_total(reviews, better):
    marked = [(n, item) for n, each in enumerate(reviews) for item, level in each.items() if level == better]
    if not marked:
        return
    number, item = marked[0]
    worse = [dict(each) for each in reviews]
    worse[number][item] = better - 1
    assert result(worse, GRID).total < result(reviews, GRID).total


@pytest.mark.parametrize("order", [("x", "y", "z"), ("z", "y", "x"), ("y", "z", "x")])
def test_a_rank_never_depends_on_the_order_of_rows(order):
    results = {
        "x": result([review(2, 2, 4, 0)], GRID),
        "y": result([review(2, 2, 2, 3)], GRID),
        "z": result([review(3, 3, 3, 3)], GRID),
    }
    assert ranking({k: results[k] for k in order}, GRID) == ranking(results, GRID)


@pytest.mark.parametrize(
    ("total", "expected"),
    [(None, None), (Fraction(0), 0), (Fraction(200, 3), 6667), (Fraction(12345, 1000), 1235), (Fraction(100), 10000)],
)
def test_a_total_is_kept_in_hundredths_halves_up(total, expected):
    assert hundredths(total) == expected
