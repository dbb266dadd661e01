"""Text as people send it: bounded first, then put into one form, at a cost that only follows its length."""

import re
import unicodedata
from collections.abc import Iterable
from typing import Literal

MARKS = 30  # combining marks in a row that any script needs at most (Unicode Standard Annex #15, stream-safe text)
ROOM = 4  # times longer than its limit that a text may be before it is normalised: composing shortens it at most so

# Characters that are no combining marks, but become some when they are decomposed.
_MARKS_TO_BE = frozenset("\u0f73\u0f75\u0f81\uff9e\uff9f")
# What ends a line in office documents, beside the line feed.
_ENDS = dict.fromkeys(map(ord, "\r\v\f\x85\u2028\u2029"), "\n")
# The signs of symbol fonts in office documents (U+F020 to U+F0FF): other fonts show an empty box for them.
_BULLETS = dict.fromkeys(map(ord, "\uf06c\uf06e\uf06f\uf071\uf075\uf076\uf09f\uf0a7\uf0a8\uf0b7\uf0d8"), "•")
_PLAIN = _ENDS | _BULLETS | {0xF02D: "–", 0xF0E0: "→", 0xF0E8: "→", 0xF0FC: "✓"}
_FIRST_SIGN = re.compile(r"^([ \t]*)[\uf020-\uf0ff]", re.MULTILINE)
_ALLOWED_CONTROLS = {"\n", "\t"}
_NO_CHARACTERS = {"\ufffe", "\uffff"}  # no XML may hold them, hence no workbook (XML 1.0, 2.2)
_UNSEEN = {"Cc", "Cf", "Cs", "Zl", "Zp", "Zs"}
_FILLERS = frozenset("\u115f\u1160\u2800\u3164\uffa0")  # letters and signs that are drawn as nothing
_SPACES = re.compile(r"[^\S\u00a0\u202f]+")


def composed(text: str, form: Literal["NFC", "NFKC", "NFD", "NFKD"] = "NFC") -> str:
    """The text in a normalisation form of Unicode, in time that follows its length.

    Normalising sorts each run of combining marks, at the square of its length: what comes after 30 is dropped.
    The caller has bounded the text: nothing longer than what a field or a column may hold is normalised.
    """
    return text if text.isascii() else unicodedata.normalize(form, _short_runs(text))


def _short_runs(text: str) -> str:
    characters, run = [], 0
    for character in text:
        run = run + 1 if unicodedata.combining(character) or character in _MARKS_TO_BE else 0
        if run <= MARKS:
            characters.append(character)
    return "".join(characters)


def showable(text: str) -> str:
    """The text without what no page or workbook may hold: control characters, lone surrogates, U+FFFE and U+FFFF.

    What ends a line is "\\n".
    """
    plain = _FIRST_SIGN.sub(r"\1•", text.replace("\r\n", "\n").translate(_PLAIN))
    return "".join(c for c in plain if c in _ALLOWED_CONTROLS or not _is_unfit(c))


def _is_unfit(character: str) -> bool:
    return unicodedata.category(character) in {"Cc", "Cs"} or character in _NO_CHARACTERS


def clean_text(value: str | None, most: int | None = None) -> str | None:
    """The one form of text: NFC, `\\n` line ends, nothing that `showable` takes out, trimmed.

    The bullets, dashes and arrows of symbol fonts become ordinary ones. A text of which nothing can be seen (zero-width
    characters, marks of direction) is empty, as is one of blanks. A text that cannot come within `most`
    characters is not normalised: it stays longer than that, for its field to refuse.
    """
    return None if value is None else _within(most, showable(value).strip())


def clean_line(value: str | None, most: int | None = None) -> str | None:
    """The same for a single line: inner white space becomes one space; no-break spaces, which French needs, stay."""
    return None if value is None else _within(most, _SPACES.sub(" ", showable(value).strip()))


def _within(most: int | None, text: str) -> str:
    if not any(_is_seen(character) for character in text):
        return ""
    return text if most is not None and len(text) > ROOM * most else composed(text)


def _is_seen(character: str) -> bool:
    return unicodedata.category(character) not in _UNSEEN and character not in _FILLERS


# ---- what machines read --------------------------------------------------------------------------------------------

# People put these between the groups of a number, and between the name of a field and what they copied with it.
_BETWEEN = frozenset(" .,:;·'’_/|")
_AFTER_NAME = " .:;=°#/-"
_DASH = "Pd"


def bare(text: str, *names: str) -> str:
    """A text as a machine reads it: no format character, each kind of space one plain space, each kind of dash one "-".

    `names`, in lower case, are what people copy before it ("IBAN : …"); they are left out, however many there are.
    """
    seen = (c for c in text if unicodedata.category(c) != "Cf")
    plain = "".join("-" if unicodedata.category(c) == _DASH or c == "\u2212" else c for c in seen)
    rest = " ".join(plain.split())
    while (shorter := _without_name(rest, names)) != rest:
        rest = shorter
    return rest


def _without_name(text: str, names: Iterable[str]) -> str:
    for name in names:
        rest = text[len(name) :]
        if text[: len(name)].casefold() == name and not (name[-1].isalpha() and rest[:1].isalpha()):
            return rest.lstrip(_AFTER_NAME)
    return text


def digits_of(text: str) -> str:
    """The digits of a code as it is kept, whatever was copied between them."""
    return "".join(character for character in text if character in "0123456789")


def compact(text: str, *names: str) -> str:
    """A number as a machine reads it: `bare`, without what stands between its groups, in capitals."""
    return "".join(c for c in bare(text, *names) if c not in _BETWEEN and c != "-").upper()
