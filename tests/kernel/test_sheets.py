"""Sheets: open data say what was written; those for people open in one click, and compute nothing."""

import csv
import io
from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from grants.kernel.money import Money
from grants.kernel.sheets import BOM, cell, is_formula, lines

PARIS = ZoneInfo("Europe/Paris")
FORMULAS = ["=1+1", " =1+1", "\u202f=1", "\u200b=1", "\ufeff@A", "＝1", "﹣1", '"=1"', "\t1", "+ de lien", "\n-1"]

pytestmark = pytest.mark.neutral


@pytest.mark.parametrize("text", FORMULAS)
def test_a_text_that_begins_as_a_formula_is_disarmed_for_people_alone(text):
    assert cell(text, PARIS) == f"'{text}"
    assert cell(text) == text


@pytest.mark.parametrize(
    "text", ["Ateliers, -10 ans", "1 + 1 = 2", "L’été - l’hiver", "a;=1", "a\n- b", "a\t=1", "« -1 »"]
)
def test_other_texts_are_left_alone(text):
    assert cell(text, PARIS) == cell(text) == text


class Read(str):
    """A text that counts how many of its characters are looked at."""

    __slots__ = ("looked_at",)

    def __iter__(self):
        for character in str.__iter__(self):
            self.looked_at += 1
            yield character


@pytest.mark.parametrize("blank", ["\t", "\n", " ", "\u200b", '"', "\u00a0\t\n"])
@pytest.mark.parametrize(("end", "computed"), [("=1", True), ("a", False), ("", False)])
def test_each_character_before_the_first_that_is_seen_is_looked_at_once(blank, end, computed):
    for length in (10, 1_000, 10_000):
        text = Read(blank * length + end)
        text.looked_at = 0
        assert is_formula(text) is (computed or blank[0] in "\t\n")
        assert text.looked_at == len(blank) * length + min(len(end), 1)


@pytest.mark.parametrize(
    ("value", "opened", "people"),
    [
        (-3, "-3", "-3"), (Money(-1250), "-12.50", "-12,50"), (Decimal("-0.50"), "-0.50", "-0,50"),
        (-1.5, "-1.5", "-1,5"), (Money(800_000), "8000.00", "8000,00"), (None, "", ""), (True, "oui", "oui"),
        (date(2026, 3, 1), "2026-03-01", "2026-03-01"),
        (datetime(2026, 7, 1, 22, 30, 5, tzinfo=UTC), "2026-07-01T22:30:05+00:00", "2026-07-02 00:30:05"),
        (datetime(2026, 1, 1, 11, 0, tzinfo=UTC), "2026-01-01T11:00:00+00:00", "2026-01-01 12:00:00"),
    ],
)  # fmt: skip
def test_numbers_and_instants_are_told_as_each_reader_takes_them(value, opened, people):
    assert (cell(value), cell(value, PARIS)) == (opened, people)


def test_a_sheet_for_people_opens_in_one_click():
    sheet = "".join(lines(["intitulé"], [["Été; l’hiver"]], zone=PARIS))
    assert sheet == f'{BOM}intitulé\n"Été; l’hiver"\n'
    assert "".join(lines(["intitulé"], [["Été; l’hiver"]])) == "intitulé\nÉté; l’hiver\n"


def test_a_carriage_return_does_not_cut_a_row():
    sheet = "".join(lines(["a", "b"], [["x\ry", "z"]]))
    assert list(csv.reader(io.StringIO(sheet, newline=""))) == [["a", "b"], ["x\ny", "z"]]
