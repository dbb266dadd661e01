"""The glossary: each of its words is a name of the code, and each table of the database has its word."""

import ast
import re
from collections import Counter
from pathlib import Path

import pytest
from flask import Flask

from grants.kernel.db import Base

pytestmark = pytest.mark.neutral

ROOT = Path(__file__).resolve().parents[2]


def words() -> list[str]:
    """The names that the glossary gives, in the column of the code."""
    found: list[str] = []
    column = 0
    for line in (ROOT / "docs/glossary.md").read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if "In the code" in cells:
            column = cells.index("In the code")
        elif line.startswith("|"):
            found += re.findall(r"`(\w+)`", cells[column])
    return found


def names() -> set[str]:
    """What the code declares: modules, classes, functions, parameters, attributes, and the codes of its data."""
    found: set[str] = set()
    for data in (ROOT / "grants/reference").glob("*.toml"):
        found |= set(re.findall(r"\"(\w+)\"", data.read_text(encoding="utf-8")))
    for path in (ROOT / "grants").rglob("*.py"):
        if "migrations" in path.parts:
            continue
        found |= {path.stem, path.parent.name}
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.ClassDef(name=name) | ast.FunctionDef(name=name) | ast.arg(arg=name) | ast.Name(id=name):
                    found.add(name)
                case ast.Constant(value=str(code)):
                    found.add(code)
    return found


def test_each_word_of_the_glossary_is_a_name_of_the_code() -> None:
    assert set(words()) - names() == set()


def test_each_word_is_said_once() -> None:
    assert [word for word, times in Counter(words()).items() if times > 1] == []


def test_each_table_has_its_word(app: Flask) -> None:
    models = {mapper.class_.__name__ for mapper in Base.registry.mappers}
    assert models - set(words()) == set()
