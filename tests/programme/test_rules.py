"""A framework read from files: what is sound comes whole, what is not is told by line."""

import re
from datetime import date
from pathlib import Path

import pytest

from grants.kernel import reference_files
from grants.programme import rules

TOML = """
[framework]
code = "NEW"
name = "Un cadre"
valid_from = 2024-01-01
source = "Délibération du 1er janvier 2024"

[[axes]]
code = "N1"
title = "Premier axe"

[[axes]]
code = "N2"
title = "Second axe"

[[orientations]]
code = "N1.O1"
axis = "N1"
title = "Une orientation"

[[fields]]
code = "F1"
title = "Un champ"
"""
CSV = "number,title,axis,orientation,fields,status,source\n12,Faire,N1,N1.O1,F1,,Livret\n13,,N2,,,,\n"


@pytest.fixture(autouse=True)
def context(app):
    """The words of the messages need an application."""


def test_a_sound_framework_is_read_whole_and_completed():
    file, problems = rules.read_framework(TOML, CSV)
    assert problems == []
    assert [axis["colour"] for axis in file.data["axes"]] == [1, 2]
    assert file.data["framework"]["placeholder"] == "intitulé à compléter"
    assert [(row["number"], row["status"]) for row in file.actions] == [("12", "confirmed"), ("13", "proposal")]


def test_the_reference_frameworks_are_of_the_shape_the_import_reads():
    for folder in reference_files.folders("frameworks"):
        base = reference_files.FOLDER / "frameworks" / folder
        actions = base / "actions.csv"
        text = actions.read_text(encoding="utf-8") if actions.exists() else ""
        file, problems = rules.read_framework((base / "framework.toml").read_text(encoding="utf-8"), text)
        assert problems == []
        assert file.data["axes"]


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ('code = "N2"', 'code = "N1"', 12),
        ('title = "Second axe"', "", 12),
        ('axis = "N1"', 'axis = "N9"', 16),
        ('title = "Un champ"', 'title = "' + "x" * 301 + '"', 21),
        ('code = "N1.O1"', "code = ", 17),
        ('title = "Premier axe"', 'title = "Premier axe"\ncolour = 9', 8),
    ],
)
def test_a_fault_of_the_framework_is_told_with_its_line(old, new, line):
    file, problems = rules.read_framework(TOML.replace(old, new), "")
    assert file is None
    assert (problems[0].file, problems[0].line) == ("toml", line)


@pytest.mark.parametrize("missing", ["[framework]", 'code = "NEW"', 'source = "', "valid_from"])
def test_a_framework_without_its_head_is_refused(missing):
    text = "\n".join(line for line in TOML.split("\n") if not line.startswith(missing))
    assert rules.read_framework(text, "")[0] is None


@pytest.mark.parametrize(
    "row", ["abc,,N1,,,,", "12,,N9,,,,", "12,,N2,N1.O1,,,", "12,,N1,,F9,,", "12,,N1,,,sure,", "12,Un titre,N1,,,,"]
)
def test_a_fault_of_an_action_is_told_with_its_line(row):
    file, problems = rules.read_framework(
        TOML, f"number,title,axis,orientation,fields,status,source\n11,,N1,,,,\n{row}\n"
    )
    assert file is None
    assert [(problem.file, problem.line) for problem in problems] == [("csv", 3)]


def test_an_action_given_twice_and_a_strange_head_are_refused():
    head = "number,title,axis,orientation,fields,status,source\n"
    assert rules.read_framework(TOML, head + "12,,N1,,,,\n12,,N1,,,,\n")[1][0].line == 3
    assert rules.read_framework(TOML, "nombre;axe\n1;N1\n")[1][0].line == 1


@pytest.mark.parametrize(("value", "unit", "sound"), [
    ("23000", "EUR", True), ("23 000", "EUR", False), ("-1", "day", False), ("١٢", "month", False),
    ("", "count", False), ("tout", "text", True),
])  # fmt: skip
def test_a_value_of_law_is_a_whole_number_unless_it_is_text(value, unit, sound):
    assert (rules.why_not_value(value, unit) is None) is sound


def test_every_rule_of_law_is_read_by_code_or_said_to_be_a_reminder():
    read = set()
    for path in Path(rules.__file__).parents[1].rglob("*.py"):
        read |= set(re.findall(r'(?:law_number|due_on|programme\.law)\(\s*"(\w+)"', path.read_text(encoding="utf-8")))
    assert read == rules.APPLIED
    assert {row["code"] for row in reference_files.toml("law.toml")["law"]} >= rules.APPLIED


def test_every_text_is_read_by_code_or_said_to_be_a_model():
    read = ""
    for path in Path(rules.__file__).parents[1].rglob("*.py"):
        if path.parent.name not in {"versions", "demo"} and path.name != "rules.py":
            read += path.read_text(encoding="utf-8")
    codes = {row["code"] for row in reference_files.toml("texts.toml")["texts"] if row["use"] != "call"}
    assert {code for code in codes if f'"{code}"' not in read} == rules.MODELS


@pytest.mark.parametrize(
    ("ends_on", "month", "closing"),
    [
        (date(2026, 3, 1), 12, date(2026, 12, 31)),
        (date(2026, 9, 1), 8, date(2027, 8, 31)),
        (date(2026, 8, 31), 8, date(2026, 8, 31)),
        (date(2027, 3, 1), 2, date(2028, 2, 29)),
    ],
)
def test_the_fiscal_year_in_which_a_project_ends(ends_on, month, closing):
    assert rules.year_end(ends_on, month) == closing
