"""docs/promises.md is true: each sentence it quotes stands where it says, beside a test that exists."""

import re
import tomllib
from pathlib import Path

import pytest

pytestmark = pytest.mark.neutral

ROOT = Path(__file__).parents[2]
TABLE = (ROOT / "docs" / "promises.md").read_text(encoding="utf-8")
PAGES = sorted(
    path.relative_to(ROOT).as_posix()
    for pattern in ("help_*.html", "privacy.html", "legal.html", "accessibility.html")
    for path in (ROOT / "templates" / "desk").glob(pattern)
)
QUOTED = re.compile(r"^\| « (.+) » \| (.+) \|$")
PHRASE = re.compile(r'_\("([^"]*)"')
SENTENCE_END = re.compile(r"(?<=[.!?»])\s+(?=[A-ZÉÀÊ«])")


def plain(text: str) -> str:
    """Give a text with one ordinary space wherever it has some."""
    return re.sub(r"\s+", " ", text).strip()


def promises() -> list[tuple[str, str, list[str]]]:
    """Read the tables of promises: file, sentence, tests."""
    found, file = [], ""
    for line in TABLE.split("\n## What is not promised")[0].splitlines():
        file = line.removeprefix("## ") if line.startswith("## ") else file
        row = QUOTED.match(line)
        if row:
            found.append((file, row[1], re.findall(r"`([^`]+)`", row[2])))
    return found


def source(file: str) -> str:
    """Give the text of a file, phrases that a template cuts over several lines in one piece."""
    text = (ROOT / file).read_text(encoding="utf-8")
    return re.sub(r'"\s*\n\s*"', "", text) if file.endswith(".html") else text


def promises_in(file: str) -> list[str]:
    """Give every whole sentence that a page shows."""
    phrases = PHRASE.findall(source(file))
    return [sentence for phrase in phrases for sentence in sentences(phrase)]


def sentences(text: str) -> list[str]:
    """Cut a text into its whole sentences."""
    lines = (plain(line).removeprefix("- ") for line in text.splitlines())
    return [part for line in lines for part in SENTENCE_END.split(line) if part.endswith((".", ";", "!"))]


def test_each_promise_stands_in_its_file() -> None:
    assert len(promises()) > 200
    texts = {file: plain(source(file)) for file, _sentence, _tests in promises()}
    assert [(file, sentence) for file, sentence, _tests in promises() if sentence not in texts[file]] == []


def test_each_promise_names_a_test_that_exists() -> None:
    missing = []
    for _file, sentence, names in promises():
        assert names, sentence
        for path, name in (each.split("::") for each in names):
            if not re.search(rf"^def {name}\(", (ROOT / path).read_text(encoding="utf-8"), re.MULTILINE):
                missing.append((path, name))
    assert missing == []


def test_each_sentence_of_the_help_and_of_the_notices_is_placed() -> None:
    texts = tomllib.loads((ROOT / "grants" / "reference" / "texts.toml").read_text(encoding="utf-8"))["texts"]
    said = {file: promises_in(file) for file in PAGES}
    said["privacy"] = next(sentences(row["body"]) for row in texts if row["code"] == "privacy")
    assert sum(map(len, said.values())) > 90
    placed = {row[1] for row in map(QUOTED.match, TABLE.splitlines()) if row}
    assert [(file, one) for file, found in said.items() for one in found if one not in placed] == []
