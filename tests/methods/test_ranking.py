"""Expected ranks: what they find again of known parts, what they owe neither to order nor to names, odd cases."""

import json
import subprocess
import sys
from collections import defaultdict
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest

from grants.cli import main
from grants.kernel.money import Money
from grants.methods import effects, standings
from grants.methods.ranking import (
    Line,
    Mark,
    alpha,
    is_to_discuss,
    median,
    qualities,
    rank,
    read_amounts,
    read_marks,
    spread,
)
from grants.methods.tables import UnreadableError
from tests.methods.marks import drawn_marks

pytestmark = pytest.mark.neutral


def marks_of(*rows):
    """Marks from (proposal, assessor, mark) written short."""
    return [Mark(proposal, assessor, Fraction(str(mark))) for proposal, assessor, mark in rows]


def full(table):
    """Marks of a full design: one line of marks by proposal, one column by assessor."""
    return marks_of(
        *((name, f"r{at}", mark) for name, marks in table.items() for at, mark in enumerate(marks))
    )  # fmt: skip


def by_name(ranked):
    """What was found, by proposal."""
    return {each.proposal: each for each in ranked}


# ---- what it finds ---------------------------------------------------------------------------------------------------


def test_known_qualities_are_found_again_and_better_than_by_plain_means():
    known, marks = drawn_marks(1, leniency=0.9)
    found = by_name(rank(marks))
    truth = [known[name] for name in found]
    plain, calibrated = ([getattr(each, kind) for each in found.values()] for kind in ("mean", "calibrated"))
    assert np.corrcoef(truth, calibrated)[0, 1] > 0.85
    assert np.corrcoef(truth, calibrated)[0, 1] > np.corrcoef(truth, plain)[0, 1] + 0.02
    ranks = {name: 1 + at for at, name in enumerate(sorted(known, key=known.__getitem__, reverse=True))}
    held = [found[name].rank_low <= ranks[name] <= found[name].rank_high for name in known]
    assert 0.8 <= np.mean(held) <= 1
    assert sum(each.expected_rank for each in found.values()) == pytest.approx(80 * 81 / 2, abs=1e-3)


@pytest.mark.parametrize("leniency", [0.3, 0.9])
def test_intervals_hold_the_qualities_as_often_as_they_say(leniency):
    held, tried = {Fraction(1, 2): 0, Fraction(9, 10): 0}, 0
    for turn in range(12):
        known, marks = drawn_marks(100 + turn, leniency=leniency)
        tried += len(known)
        for level in held:
            held[level] += sum(each.low <= known[each.proposal] <= each.high for each in qualities(marks, level=level))
    for level, number in held.items():
        assert abs(number / tried - float(level)) < 0.07


def reference(marks, rounds=3_000):
    """Expected ranks by another way: Metropolis over the variances, the whole covariance of all marks inverted."""
    draw = np.random.default_rng(5)
    proposals, assessors = (sorted({each[at] for each in marks}) for at in (0, 1))
    of = np.array([[each.proposal == name for name in proposals] for each in marks], dtype=float)
    by = np.array([[each.assessor == name for name in assessors] for each in marks], dtype=float)
    values, one = np.array([float(each.mark) for each in marks]), np.ones(len(marks))

    def look(logs):
        quality, leniency, noise = np.exp(logs)
        inverse = np.linalg.inv(quality * of @ of.T + leniency * by @ by.T + noise * np.eye(len(marks)))
        mean = one @ inverse @ values / (one @ inverse @ one)
        rest = values - mean
        density = 0.5 * (np.linalg.slogdet(inverse)[1] - np.log(one @ inverse @ one) - rest @ inverse @ rest)
        # Uniform shares of a total whose logarithm is uniform, in logarithms of the variances.
        return density + logs.sum() - 3 * np.log(np.exp(logs).sum()), (inverse, rest, quality)

    logs, total, number = np.zeros(3), np.zeros(len(proposals)), 0
    density, state = look(logs)
    for turn in range(rounds):
        moved = logs + 0.9 * draw.standard_normal(3)
        other, there = look(moved)
        if np.log(draw.random()) < other - density:
            logs, density, state = moved, other, there
        if turn >= rounds // 10:
            inverse, rest, quality = state
            project = inverse - np.outer(inverse @ one, one @ inverse) / (one @ inverse @ one)
            covariance = quality * np.eye(len(proposals)) - quality**2 * of.T @ project @ of
            found = draw.multivariate_normal(quality * of.T @ inverse @ rest, covariance, size=4, method="eigh")
            total += 4 + (found[:, :, None] < found[:, None, :]).sum(axis=2).sum(axis=0)
            number += 4
    return dict(zip(proposals, total / number, strict=True))


def test_another_sampler_finds_the_same():
    marks = drawn_marks(7, proposals=9, assessors=4, leniency=0.6)[1]
    expected = reference(marks)
    for each in rank(marks):
        assert each.expected_rank == pytest.approx(expected[each.proposal], abs=0.25)


def test_the_sampler_for_many_readers_finds_the_same(monkeypatch):
    marks = drawn_marks(8, proposals=12, assessors=5)[1]
    line = Line(Money.euros(50), {each.proposal: Money.euros(10) for each in marks})
    first, intervals = by_name(rank(marks, line)), qualities(marks)
    monkeypatch.setattr(standings, "DENSE", 0)
    again = by_name(rank(marks, line))
    for name, each in first.items():
        assert again[name].expected_rank == pytest.approx(each.expected_rank, abs=0.3)
        assert again[name].calibrated == pytest.approx(each.calibrated, abs=0.05)
        assert again[name].above_line == pytest.approx(each.above_line, abs=0.06)
    for one, other in zip(intervals, qualities(marks), strict=True):
        assert (other.low, other.high) == pytest.approx((one.low, one.high), abs=0.2)


def test_more_kinds_than_are_compared_two_by_two_have_the_same_ranks(monkeypatch):
    marks = drawn_marks(9, proposals=60)[1]
    first = by_name(rank(marks))
    monkeypatch.setattr(standings, "PAIRED", 0)
    for each in rank(marks):
        assert each.expected_rank == pytest.approx(first[each.proposal].expected_rank, abs=1)


# ---- what it owes to nothing -----------------------------------------------------------------------------------------


def test_neither_the_order_of_rows_nor_a_second_run_changes_anything():
    marks = drawn_marks(2, proposals=30, assessors=6)[1]
    line = Line(Money.euros(100), {each.proposal: Money.euros(7 + len(each.proposal)) for each in marks})
    shuffled = [marks[at] for at in np.random.default_rng(3).permutation(len(marks))]
    assert rank(marks, line) == rank(shuffled, line) == rank(marks, line)
    assert qualities(marks) == qualities(shuffled)
    assert rank(marks, line, seed=5) == rank(shuffled, line, seed=5)
    assert rank(marks, line, seed=5) != rank(marks, line)


def test_other_names_change_nothing():
    marks = drawn_marks(4, proposals=30, assessors=6)[1]
    renamed = [Mark(f"x{hash((each.proposal, 7))}", each.assessor[::-1] + "!", each.mark) for each in marks]
    names = {each.proposal: other.proposal for each, other in zip(marks, renamed, strict=True)}
    again = by_name(rank(renamed))
    for each in rank(marks):
        assert again[names[each.proposal]] == each._replace(proposal=names[each.proposal])


def test_another_scale_moves_the_marks_and_no_rank():
    marks = drawn_marks(6, proposals=20, assessors=5)[1]
    scaled = [each._replace(mark=40 + 5 * each.mark) for each in marks]
    for one, other in zip(rank(marks), rank(scaled), strict=True):
        assert other[3:] == one[3:]
        assert other.calibrated == pytest.approx(40 + 5 * one.calibrated, abs=1e-4)


def test_who_all_read_everything_order_as_plain_means_and_equal_means_are_tied():
    draw = np.random.default_rng(11)
    table = {f"d{at:02}": draw.integers(1, 6, size=4).tolist() for at in range(40)}
    marks = full(table)
    line = Line(Money.euros(100), {name: Money.euros(10) for name in table})
    ranked = rank(marks, line)
    groups = defaultdict(set)
    for each in ranked:
        groups[each.mean].add(each[2:])
    assert len(groups) < 30
    assert all(len(found) == 1 for found in groups.values())
    for one, other in pairwise(ranked):
        assert one.mean > other.mean or (one.mean == other.mean and one.proposal < other.proposal)


def test_marks_that_add_to_the_same_in_another_order_are_tied():
    ranked = by_name(rank(full({"a": ["0.1", "0.2", "0.3"], "b": ["0.3", "0.2", "0.1"], "c": ["0.4", "0", "0.4"]})))
    assert ranked["a"][1:] == ranked["b"][1:]


def test_groups_that_mirror_each_other_are_tied():
    rows = [("a", "r", 3), ("a", "s", 4), ("b", "r", 4), ("b", "s", 5)]
    mirror = [(p.upper(), r.upper(), mark) for p, r, mark in rows]
    ranked = by_name(rank(marks_of(*rows, *mirror)))
    assert ranked["a"][1:] == ranked["A"][1:]
    assert ranked["b"][1:] == ranked["B"][1:]
    assert ranked["b"].expected_rank < ranked["a"].expected_rank


# ---- odd cases -------------------------------------------------------------------------------------------------------

ODD = {
    "one mark": marks_of(("a", "r", 3)),
    "one proposal": marks_of(("a", "r", 3), ("a", "s", 4)),
    "one reader": marks_of(("a", "r", 3), ("b", "r", 4), ("c", "r", 4)),
    "one mark each": marks_of(("a", "r", 3), ("b", "s", 4), ("c", "t", 5)),
    "all equal": full({name: [3, 3, 3] for name in "abcd"}),
    "no overlap": marks_of(("a", "r", 3), ("b", "r", 4), ("c", "s", 4), ("d", "s", 1)),
    "readers who agree": full({name: [at, at, at] for at, name in enumerate("abcd")}),
    "readers who differ by as much": full({name: [at, at + 2, at + 5] for at, name in enumerate("abcd")}),
    "below zero, and far": marks_of(("a", "r", -3), ("b", "r", 4), ("a", "s", 999999999), ("b", "s", "0.000001")),
}


@pytest.mark.parametrize(("dense", "within"), [(effects.DENSE, 0.001), (0, 0.5)])
@pytest.mark.parametrize("case", ODD)
def test_odd_cases_have_a_sensible_answer(case, dense, within, monkeypatch):
    monkeypatch.setattr(standings, "DENSE", dense)
    monkeypatch.setattr(effects, "DRAWS", 300)
    monkeypatch.setattr(effects, "BURNT", 50)
    marks = ODD[case]
    names = {each.proposal for each in marks}
    ranked = rank(marks, Line(Money.euros(25), dict.fromkeys(names, Money.euros(10))))
    json.dumps(ranked, allow_nan=False)
    assert sum(each.expected_rank for each in ranked) == pytest.approx(len(names) * (len(names) + 1) / 2, abs=within)
    lowest, highest = ranked[-1].mean, ranked[0].mean
    for each in ranked:
        assert 1 <= each.rank_low <= each.expected_rank <= each.rank_high <= len(names)
        assert lowest - within * (highest or 1) <= each.calibrated <= highest + within * (highest or 1)
        assert 0 <= each.above_line <= 1


def test_equal_marks_tell_nothing_and_those_that_agree_tell_all():
    assert {each.expected_rank for each in rank(ODD["all equal"])} == {2.5}
    assert [each[3:6] for each in rank(ODD["readers who agree"])] == [(at, at, at) for at in range(1, 5)]


def test_a_dossier_that_does_not_fit_ends_the_line():
    marks = full({"best": [9, 9, 9], "large": [5, 5, 5], "small": [1, 1, 1]})
    line = Line(Money.euros(100), {"best": Money.euros(60), "large": Money.euros(50), "small": Money.euros(1)})
    assert [each.above_line for each in rank(marks, line)] == [1, 0, 0]
    assert [each.above_line for each in rank(marks, line._replace(budget=Money.euros(110)))] == [1, 1, 0]
    assert [each.above_line for each in rank(marks)] == [None, None, None]


# ---- what needs no draw ----------------------------------------------------------------------------------------------


def test_the_agreement_of_readers_is_krippendorffs():
    # The example of Krippendorff (2011), "Computing Krippendorff's alpha-reliability": four observers, twelve units.
    table = {
        "A": "1 2 3 3 2 1 4 1 2 . . .", "B": "1 2 3 3 2 2 4 1 2 5 . 3",
        "C": ". 3 3 3 2 3 4 2 2 5 1 .", "D": "1 2 3 3 2 4 4 1 2 5 1 .",
    }  # fmt: skip
    marks = marks_of(
        *((f"u{at}", name, mark) for name, line in table.items() for at, mark in enumerate(line.split()) if mark != ".")
    )
    assert alpha(marks) == pytest.approx(0.849, abs=0.001)
    assert alpha(ODD["readers who agree"]) == 1
    assert alpha(full({"a": [1, 5], "b": [5, 1]})) < 0
    assert alpha(ODD["all equal"]) is None
    assert alpha(ODD["one mark each"]) is None


def test_the_middle_and_the_spread_of_marks():
    assert median([Fraction(5), Fraction(1), Fraction(2)]) == 2
    assert median([Fraction(5), Fraction(1), Fraction(2), Fraction(3)]) == Fraction(5, 2)
    assert spread([Fraction(5), Fraction(1), Fraction(2)]) == 4


@pytest.mark.parametrize(("chance", "held"), [(None, False), (0.19, False), (0.2, True), (0.8, True), (0.81, False)])
def test_the_band_is_what_is_neither_surely_above_nor_surely_below(chance, held):
    assert is_to_discuss(chance) is held


def test_ranking_is_loaded_without_numpy():
    code = "import sys, grants.methods.commands; sys.exit(any(name == 'numpy' for name in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# ---- files -----------------------------------------------------------------------------------------------------------

GOOD = "proposal;assessor;mark\nA;r1;12,5\nA;r2;14\nB;r1;9\nB;r3;11.25\n"


@pytest.fixture
def file(tmp_path):
    """Give a function that writes a file and gives its path."""

    def written(content, name="marks.csv"):
        path = tmp_path / name
        path.write_text(content, encoding="utf-8")
        return path

    return written


def test_the_command_says_where_each_stands(file, capsys):
    marks, amounts = file(GOOD), file('proposal,amount\nA,12000\nB,"8 000"\n', "amounts.csv")
    main(["rank", str(marks), "--json"])
    first = json.loads(capsys.readouterr().out)
    assert [each["proposal"] for each in first] == ["A", "B"]
    assert list(first[0]) == [
        "proposal", "mean", "calibrated", "expected_rank", "rank_low", "rank_high", "above_line",
    ]  # fmt: skip
    assert first[0]["mean"] == 13.25
    assert first[0]["above_line"] is None
    main(["rank", str(marks), "--amounts", str(amounts), "--budget", "12 000,00", "--seed", "4"])
    table = capsys.readouterr().out.splitlines()
    assert table[0].split() == ["dossier", "moyenne", "calibrée", "rang", "attendu", "de", "à", "au-dessus", "zone"]
    assert table[1].split()[:2] == ["A", "13,25"]
    assert table[-1] == "Accord des évaluateurs (alpha) : 0,59"


NO_MARKS = ["", "douze", "NaN", "inf", "-inf", "1e5", "١٢", "1_0", "+3", "12,5,1", "0x1", "9" * 30]


@pytest.mark.parametrize("mark", ["3.6666666666666665", "-0.12345678901234568", "4.5e-05", "3.0"])
def test_a_mark_may_be_what_a_program_writes(file, mark):
    path = file(f"proposal,assessor,mark\nA,r1,{mark}\nB,r1,3\n")
    assert read_marks(path)[0].mark == Fraction(mark)


@pytest.mark.parametrize("mark", NO_MARKS)
def test_what_is_no_mark_is_refused_with_its_line(file, mark, capsys):
    path = file(f"proposal;assessor;mark\nA;r1;3\nA;r2;{mark}\n")
    with pytest.raises(SystemExit):
        main(["rank", str(path)])
    said = capsys.readouterr()
    assert not said.out
    assert said.err.startswith("marks.csv, ligne 3 : ")


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("proposal,assessor,mark\nA,r1,3\nB,r1,3\nA,r1,4\n", "ligne 4 : « r1 » a déjà noté « A », ligne 2"),
        ("proposal,assessor,mark\n,r1,3\n", "ligne 2 : le dossier et l’évaluateur"),
        ("proposal,assessor,mark\nA, ,3\n", "ligne 2 : le dossier et l’évaluateur"),
        ("proposal,mark\nA,3\n", "ligne 1 : il manque la colonne « assessor »"),
        ("proposal,assessor,mark\n", "aucune ligne"),
    ],
)
def test_rows_that_cannot_be_marks_are_refused(file, content, problem):
    with pytest.raises(UnreadableError, match=problem):
        read_marks(file(content))


def test_a_million_rows_are_refused_in_words(file, capsys):
    path = file("proposal,assessor,mark\n" + "A,r,3\n" * 1_000_000)
    with pytest.raises(SystemExit):
        main(["rank", str(path)])
    said = capsys.readouterr()
    assert not said.out
    assert "plus de 100000 lignes" in said.err


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("A,10\nB,x\n", "ligne 3 : « x » n’est pas un montant"),
        ("A,10\nB,0\n", "ligne 3 : un montant est supérieur à zéro"),
        ("A,10\nB,-4\n", "ligne 3 : « -4 » n’est pas un montant"),
        ("A,10\nB,5\nA,10\n", "ligne 4 : « A » a déjà un montant"),
        ("A,10\nB,5\nC,10\n", "ligne 4 : « C » n’a aucune note"),
        ("A,10\n,5\n", "ligne 3 : le dossier a un identifiant"),
        ("A,10\n", "« B » n’a pas de montant"),
    ],
)
def test_amounts_that_cannot_be_used_are_refused(file, content, problem):
    marks = read_marks(file(GOOD))
    with pytest.raises(UnreadableError, match=problem):
        read_amounts(file("proposal,amount\n" + content, "amounts.csv"), marks)


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (["--budget", "10"], "vont ensemble"),
        (["--amounts", "amounts.csv"], "vont ensemble"),
        (["--amounts", "amounts.csv", "--budget", "0"], "supérieur à zéro"),
        (["--amounts", "amounts.csv", "--budget=-5"], "n’est pas un montant"),
        (["--amounts", "amounts.csv", "--budget", "1e5"], "n’est pas un montant"),
        (["--amounts", "absent.csv", "--budget", "5"], "ne s’ouvre pas"),
        (["--seed", "-1"], "--seed"),
    ],
)
def test_options_that_cannot_be_used_are_refused(file, options, problem, capsys, monkeypatch):
    marks, amounts = file(GOOD), file("proposal,amount\nA,1\nB,2\n", "amounts.csv")
    monkeypatch.chdir(amounts.parent)
    with pytest.raises(SystemExit):
        main(["rank", str(marks), *options])
    said = capsys.readouterr()
    assert not said.out
    assert problem in said.err
