"""One way to look for things by their words: the key that is stored, and what a list asks of it.

A key holds no accent, case, ligature or punctuation, so that a title copied from anywhere finds its dossier on both
databases, without their help.
"""

import re
import unicodedata
from typing import Any

from sqlalchemy import ColumnElement, false, or_

from grants.kernel.text import composed

MOST_WORDS = 12
_BETWEEN = re.compile(r"[\s,;:/|()\[\]«»“”\"]+")  # what stands between words that are looked for apart
# Letters that Unicode takes for letters of their own: people who cannot type them type these.
_SPREAD = str.maketrans({
    "œ": "oe", "Œ": "OE", "æ": "ae", "Æ": "AE", "ß": "ss", "ẞ": "SS", "ø": "o", "Ø": "O", "ł": "l", "Ł": "L", "đ": "d",
    "Đ": "D", "ð": "d", "Ð": "D", "þ": "th", "Þ": "TH", "ħ": "h", "Ħ": "H", "ŧ": "t", "Ŧ": "T", "ŋ": "n", "Ŋ": "N",
    "ı": "i", "ĸ": "k", "ə": "e", "Ə": "E",
})  # fmt: skip


def search_key(*texts: str) -> str:
    """The words of some texts as they are looked for and sorted: capitals without accents, one space between words.

    What is written but not seen (soft hyphens, joiners, marks of direction) cuts no word.
    """
    seen = "".join(c for c in " ".join(texts) if unicodedata.category(c) != "Cf")
    plain = composed(seen.translate(_SPREAD), "NFKD").translate(_SPREAD).upper()
    kept = (c for c in plain if not unicodedata.category(c).startswith("M"))
    return " ".join("".join(c if c.isalnum() else " " for c in kept).split())


def matches(asked: str, *keys: Any) -> list[ColumnElement[bool]]:
    """What a row must fulfil to be found: each word that is asked stands in one of these keys.

    What is written together (FIS-2026-0001, R&D) is looked for together. Nothing is asked by an empty text; a text
    without letter or digit finds nothing.
    """
    words = list(filter(None, map(search_key, _BETWEEN.split(asked))))[:MOST_WORDS]
    if not words:
        return [false()] if asked.strip() else []
    return [or_(*(key.contains(word, autoescape=True) for key in keys)) for word in words]
