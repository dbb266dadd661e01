"""Sheets: what a spreadsheet would compute is disarmed, numbers stay numbers, every row stays one row."""

import csv
import io
from decimal import Decimal

import pytest

from grants.kernel.money import Money
from grants.kernel.sheets import cell, lines


@pytest.mark.parametrize("text", ["=1+1", " =1+1", "\u202f=1", "\u200b=1", "\ufeff@A", "＝1", "﹣1", '"=1"', "\t1"])
def test_a_text_that_begins_as_a_formula_is_disarmed(text):
    assert cell(text) == f"'{text}"


@pytest.mark.parametrize(
    ("text", "shown"), [("a;=1", "a;'=1"), ("a\t=1", "a\t'=1"), ("a\n- b", "a\n'- b"), ("\n-1", "'\n'-1")]
)
def test_a_formula_after_another_separator_is_disarmed_too(text, shown):
    assert cell(text) == shown


@pytest.mark.parametrize("text", ["Ateliers, -10 ans", "1 + 1 = 2", "R&D", "L’été - l’hiver"])
def test_other_texts_are_left_alone(text):
    assert cell(text) == text


@pytest.mark.parametrize(
    ("value", "shown"), [(-3, "-3"), (Money(-1250), "-12.50"), (Decimal("-0.50"), "-0.50"), (-1.5, "-1.5")]
)
def test_a_negative_number_stays_a_number(value, shown):
    assert cell(value) == shown


def test_a_carriage_return_does_not_cut_a_row():
    sheet = "".join(lines(["a", "b"], [["x\ry", "z"]]))
    assert list(csv.reader(io.StringIO(sheet, newline=""))) == [["a", "b"], ["x\ny", "z"]]
