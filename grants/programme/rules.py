"""What can be said of frameworks and territory without a database: sort keys and dated rules."""

import re
import unicodedata
from datetime import date


def sort_key(text: str) -> str:
    """A key that puts É with E and œ with oe, the same on both databases."""
    expanded = text.replace("œ", "oe").replace("Œ", "OE").replace("æ", "ae").replace("Æ", "AE")
    plain = "".join(c for c in unicodedata.normalize("NFD", expanded) if not unicodedata.combining(c))
    return " ".join(re.sub(r"[^0-9A-Za-z]+", " ", plain).upper().split())


def number_key(number: str) -> str:
    """Sorts action numbers as numbers: 9 before 10, 41 before 41.1."""
    return ".".join(part.zfill(4) for part in number.split("."))


def holds(day: date, valid_from: date | None, valid_to: date | None) -> bool:
    """Whether a dated thing holds on a day; both ends included, None for no limit."""
    return (valid_from is None or valid_from <= day) and (valid_to is None or day <= valid_to)
