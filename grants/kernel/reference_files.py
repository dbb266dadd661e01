"""The reference files that ship with the package: TOML and CSV, read whole, decoded strictly."""

import csv
import tomllib
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent.parent / "reference"


def toml(name: str) -> dict[str, Any]:
    """The content of a reference TOML file, a copy that the caller may alter; a process reads each file once."""
    return deepcopy(_read(FOLDER / name))


@cache
def _read(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text(encoding="utf-8"))


def rows(name: str) -> list[dict[str, str]]:
    """The rows of a reference CSV file, each a dict by column; an absent file has no rows."""
    path = FOLDER / name
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def folders(name: str) -> list[str]:
    """The folders inside a folder of reference files, in order of name."""
    return sorted(path.name for path in (FOLDER / name).iterdir() if path.is_dir())


def texts(row: dict[str, Any], *names: str) -> dict[str, str]:
    """The named texts of a row, trimmed, with their English when the row has it."""
    return {key: str(row[key]).strip() for name in names for key in (name, f"{name}_en") if row.get(key) is not None}
