"""Files given to the calculations: tables (CSV) and rules (TOML), read strictly, refused by line number."""

import csv
import io
import tomllib
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple, TypeVar

from grants.kernel.money import AmbiguousError, Money, parse_money

MOST_SHOWN = 20
MOST_ROWS = 100_000
LARGEST_BYTES = 50_000_000
SEPARATORS = ",;\t"

T = TypeVar("T")


class UnreadableError(ValueError):
    """A file that cannot be used; each problem is a sentence that says where it is."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = list(problems)


class Row(NamedTuple):
    """A line of a table: its number in the file (the heading is line 1) and its cells, spaces around taken off."""

    line: int
    cells: dict[str, str]


def read_table(path: Path, columns: Iterable[str], *, least: int = 1, most: int = MOST_ROWS) -> list[Row]:
    """The rows of a CSV file in UTF-8, separated by commas, semicolons or tabs, with at least these columns.

    Empty lines are passed over. Raises UnreadableError for a file that is too large or not text, a column that is
    missing or there twice, a row with more or fewer cells than the heading, no heading, fewer rows than `least`.
    """
    text = _text(path)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_separator(text), strict=True)
    rows: list[Row] = []
    problems: list[str] = []
    heading: list[str] | None = None
    begins = 1
    try:
        for read in reader:
            line, begins = begins, reader.line_num + 1
            cells = [cell.strip() for cell in read]
            if not any(cells):
                continue
            if heading is None:
                heading = cells
                _check_heading(path, heading, columns)
            elif len(cells) != len(heading):
                problems.append(f"ligne {line} : {len(cells)} cellules, {len(heading)} attendues")
            else:
                rows.append(Row(line, dict(zip(heading, cells, strict=True))))
            if len(rows) > most:
                raise UnreadableError([f"{path.name} : plus de {most} lignes"])
    except csv.Error as error:
        problems.append(f"ligne {begins} : guillemets ou caractères illisibles ({error})")
    refuse(path, problems)
    if heading is None or len(rows) < least:
        raise UnreadableError([f"{path.name} : aucune ligne"])
    return rows


def read_rules(path: Path, known: Iterable[str]) -> dict[str, object]:
    """The keys of a TOML file. Raises UnreadableError when it is not TOML or has a key that is not known."""
    text = _text(path)
    try:
        rules: dict[str, object] = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # a number of thousands of digits, a thousand brackets
        raise UnreadableError([f"{path.name} : ce n’est pas du TOML ({error})"]) from error
    refuse(path, [f"« {key} » n’est pas connu" for key in rules if key not in set(known)])
    return rules


def refuse(path: Path, problems: Sequence[str]) -> None:
    """Raise UnreadableError if there are problems: the first twenty, and how many more."""
    if not problems:
        return
    shown = [f"{path.name}, {problem}" for problem in problems[:MOST_SHOWN]]
    more = len(problems) - len(shown)
    raise UnreadableError([*shown, *([f"et {more} autres lignes refusées"] if more else [])])


def each_row(path: Path, rows: Iterable[Row], reading: Callable[[Row], T]) -> list[T]:
    """What `reading` makes of each row; its ValueErrors, whose words are told, are gathered by line number.

    Raises UnreadableError if there is one.
    """
    read, problems = [], []
    for row in rows:
        try:
            read.append(reading(row))
        except ValueError as error:
            problems.append(f"ligne {row.line} : {error}")
    refuse(path, problems)
    return read


def euros(text: str) -> Money:
    """An amount of a cell, in euros with at most two decimals. Raises ValueError, in words, for anything else."""
    try:
        return parse_money(text)
    except AmbiguousError as error:
        raise ValueError(f"« {text[:40]} » se lit de deux façons : écrivez-le sans séparateur de milliers") from error
    except ValueError as error:
        raise ValueError(f"« {text[:40]} » n’est pas un montant en euros") from error


def _check_heading(path: Path, heading: Sequence[str], columns: Iterable[str]) -> None:
    twice = {name for name in heading if name and heading.count(name) > 1}
    problems = [f"ligne 1 : la colonne « {name} » est écrite deux fois" for name in sorted(twice)]
    problems += [f"ligne 1 : il manque la colonne « {name} »" for name in columns if name not in heading]
    refuse(path, problems)


def _separator(text: str) -> str:
    """The one of the heading: whichever of the three it holds most of."""
    heading = text.lstrip().partition("\n")[0]
    return max(SEPARATORS, key=heading.count)


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > LARGEST_BYTES:
            raise UnreadableError([f"{path.name} : plus de {LARGEST_BYTES // 1_000_000} Mo"])
        return path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise UnreadableError([f"{path.name} : ce fichier ne s’ouvre pas ({error.strerror})"]) from error
    except UnicodeDecodeError as error:
        raise UnreadableError([f"{path.name} : ce n’est pas un texte en UTF-8"]) from error
