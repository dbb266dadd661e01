"""Sheets: open data say what was written; those for people open in one click, have types, and compute nothing."""

import csv
import io
import zipfile
from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from python_calamine import CalamineWorkbook

from grants.kernel.errors import RefusedError
from grants.kernel.money import Money
from grants.kernel.sheets import BOM, Column, ColumnKind, Sheet, cell, is_formula, lines, lines_of, write_workbook

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


COLUMNS = (
    Column("Référence", ColumnKind.WORD, lambda row: row[0]),
    Column("Demandé", ColumnKind.MONEY, lambda row: row[1]),
    Column("Prévue le", ColumnKind.DAY, lambda row: row[2]),
    Column("Déposé le", ColumnKind.INSTANT, lambda row: row[3]),
    Column("Note", ColumnKind.DECIMAL, lambda row: row[4]),
    Column("Évaluations", ColumnKind.COUNT, lambda row: row[5]),
)
ROW = (
    "FIS-1", Money(-123_456), date(2026, 3, 1), datetime(2026, 7, 1, 22, 30, tzinfo=UTC), Decimal("66.67"), 3,
)  # fmt: skip


def written(rows, columns=COLUMNS, most=None):
    file = io.BytesIO()
    write_workbook(file, Sheet("dossiers", "Dossiers", columns, rows), PARIS, most=most)
    return file


def part(file, name):
    return zipfile.ZipFile(file).read(name).decode()


def read(file):
    file.seek(0)
    return CalamineWorkbook.from_object(file).get_sheet_by_index(0).to_python()


def test_the_cells_of_a_workbook_have_the_types_of_what_they_hold(app):
    head, row, empty = read(written([ROW, (None,) * 6]))
    assert head == ["Référence", "Demandé", "Prévue le", "Déposé le", "Note", "Évaluations"]
    assert row == ["FIS-1", -1234.56, date(2026, 3, 1), datetime.fromisoformat("2026-07-02 00:30"), 66.67, 3.0]
    assert empty == [""] * 6


def test_a_workbook_and_its_csv_have_the_same_columns(app):
    text = "".join(lines_of(Sheet("dossiers", "Dossiers", COLUMNS, [ROW]), PARIS))
    assert text == (
        f"{BOM}Référence;Demandé;Prévue le;Déposé le;Note;Évaluations\n"
        "FIS-1;-1234,56;2026-03-01;2026-07-02 00:30:00;66,67;3\n"
    )


def test_the_heads_of_a_workbook_stay_in_sight_and_filter_and_its_columns_are_wide_enough(app):
    file = written([ROW, ROW])
    page, styles = part(file, "xl/worksheets/sheet1.xml"), part(file, "xl/styles.xml")
    assert 'ySplit="1"' in page
    assert '<autoFilter ref="A1:F3"/>' in page
    assert page.count("customWidth") == len(COLUMNS)
    assert "#,##0.00\\ &quot;€&quot;" in styles


@pytest.mark.parametrize("text", [*FORMULAS, "=HYPERLINK(A1)", "http://exemple.fr", "{=1}", "00042", "_x0041_", "a\vb"])
def test_a_text_is_text_in_a_workbook_whatever_it_begins_with(app, text):
    file = written([(text,)], COLUMNS[:1])
    assert read(file)[1] == [text]
    assert "<f>" not in part(file, "xl/worksheets/sheet1.xml")
    assert "hyperlink" not in part(file, "xl/worksheets/sheet1.xml")
    assert 'formatCode="@"' in part(file, "xl/styles.xml")


def test_a_workbook_that_would_be_too_long_is_refused_and_one_row_less_is_not(app):
    assert len(read(written([ROW] * 3, most=3))) == 4
    with pytest.raises(RefusedError, match="plus de 3 lignes"):
        written(iter([ROW] * 1_000_000), most=3)


def test_the_longest_text_a_cell_may_hold_is_cut_and_the_file_still_opens(app):
    assert len(read(written([("é" * 40_000,)], COLUMNS[:1]))[1][0]) == 32_767
