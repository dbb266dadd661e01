"""One way to look for things by their words: the key that is stored, and what a list asks of it.

A key holds no accent, case, ligature or punctuation, so that a title copied from anywhere finds its dossier on both
databases, without their help.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from sqlalchemy import ColumnElement, false, literal, select

from grants.kernel.text import composed

MOST_WORDS = 12
SHORTEST, LONGEST = 3, 24  # letters of a word that is indexed; no more of it is compared there
LAST = "\U0010ffff"  # after every letter
IDENTIFIERS = (9, 14)  # digits of a SIREN and of a SIRET
_BETWEEN = re.compile(r"[\s,;:/|()\[\]«»“”\"]+")  # what stands between words that are looked for apart
# Letters that Unicode takes for letters of their own: people who cannot type them type these.
_SPREAD = str.maketrans({
    "œ": "oe", "Œ": "OE", "æ": "ae", "Æ": "AE", "ß": "ss", "ẞ": "SS", "ø": "o", "Ø": "O", "ł": "l", "Ł": "L", "đ": "d",
    "Đ": "D", "ð": "d", "Ð": "D", "þ": "th", "Þ": "TH", "ħ": "h", "Ħ": "H", "ŧ": "t", "Ŧ": "T", "ŋ": "n", "Ŋ": "N",
    "ı": "i", "ĸ": "k", "ə": "e", "Ə": "E",
})  # fmt: skip


@dataclass(frozen=True)
class WordIndex:
    """A table of words: the key of the rows that are looked for, then the table's word and the key it stands for."""

    row: ColumnElement[Any]
    word: ColumnElement[str]
    owner: ColumnElement[Any]


def search_key(*texts: str) -> str:
    """The words of some texts as they are looked for and sorted: capitals without accents, one space between words.

    What is written but not seen (soft hyphens, joiners, marks of direction) cuts no word.
    """
    seen = "".join(c for c in " ".join(texts) if unicodedata.category(c) != "Cf")
    plain = composed(seen.translate(_SPREAD), "NFKD").translate(_SPREAD).upper()
    characters = (c for c in plain if not unicodedata.category(c).startswith("M"))
    return " ".join("".join(c if c.isalnum() else " " for c in characters).split())


def matches(asked: str, key: Any, index: WordIndex | None = None) -> list[ColumnElement[bool]]:
    """What a row must fulfil to be found: each word that is asked begins a word of its key.

    What is written together (FIS-2026-0001, R&D) is looked for together; a SIREN or SIRET in groups is one word.
    Nothing is asked by an empty text; a text without letter or digit finds nothing. `index` spares the reading of every
    key: it changes what is read, never what is found.
    """
    words = _numbers_joined(list(filter(None, map(search_key, _BETWEEN.split(asked)))))[:MOST_WORDS]
    if not words:
        return [false()] if asked.strip() else []
    found = [literal(" ").concat(key).contains(f" {word}", autoescape=True) for word in words]
    return [*_narrowed(words, index), *found] if index else found


def _numbers_joined(words: list[str]) -> list[str]:
    """The same words, digits that follow each other written as one where they are as many as a SIREN or a SIRET has."""
    joined: list[str] = []
    for is_number, some in groupby(words, str.isdigit):
        together = list(some)
        joined += ["".join(together)] if is_number and len("".join(together)) in IDENTIFIERS else together
    return joined


def _narrowed(words: list[str], index: WordIndex) -> Iterator[ColumnElement[bool]]:
    """The rows that hold the longest part of each asked word, by the table of words."""
    for word in words:
        longest = max(word.split(), key=len)[:LONGEST]
        if len(longest) >= SHORTEST:
            yield index.row.in_(select(index.owner).where(index.word >= longest, index.word < longest + LAST))


# The words of the search key of a row `{row}`, and how to name one of them.
_WORDS = {
    "sqlite": ("json_each('[\"' || replace({row}.search_key, ' ', '\",\"') || '\"]') AS part", "part.value"),
    "postgresql": ("unnest(string_to_array({row}.search_key, ' ')) AS part", "part"),
}


def indexed(table: str, words: str, owner: str, dialect: str) -> list[str]:
    """The statements that fill a table of words (`word`, `owner`) from a table’s column `search_key`, then keep it.

    The database does it, whoever writes: an act, a rename, a migration, a copy in bulk.
    """
    source, word = _WORDS[dialect]
    start, is_long = f"substr({word}, 1, {LONGEST})", f"length({word}) >= {SHORTEST}"
    put = f"INSERT INTO {words} (word, {owner}) SELECT DISTINCT {start}, NEW.id FROM {source.format(row='NEW')}"
    put += f" WHERE {is_long};"
    # By the words it had: the table is in the order of words, and needs no second index.
    had = f"SELECT {start} FROM {source.format(row='OLD')}"
    take = f"DELETE FROM {words} WHERE {owner} = OLD.id AND word IN ({had});"
    fill = f"INSERT INTO {words} (word, {owner}) SELECT DISTINCT {start}, {table}.id "
    fill += f"FROM {table}, {source.format(row=table)} WHERE {is_long}"
    return [
        fill,
        *_follow(f"{words}_insert", f"INSERT ON {table}", "NEW.search_key <> ''", put, dialect),
        *_follow(
            f"{words}_update",
            f"UPDATE OF search_key ON {table}",
            "NEW.search_key <> OLD.search_key",
            f"{take} {put}",
            dialect,
        ),
        *_follow(f"{words}_delete", f"DELETE ON {table}", "OLD.search_key <> ''", take, dialect),
    ]


def _follow(name: str, event: str, when: str, body: str, dialect: str) -> list[str]:
    head = f"CREATE TRIGGER {name} AFTER {event} FOR EACH ROW WHEN ({when})"
    if dialect == "sqlite":
        return [f"{head} BEGIN {body} END"]
    function = f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$"
    return [f"{function} BEGIN {body} RETURN NULL; END $$", f"{head} EXECUTE FUNCTION {name}()"]
