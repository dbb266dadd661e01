"""Holds the number of untyped expressions of each package that `[tool.untyped]` names: it may only fall.

Reads the report that `mypy --any-exprs-report` writes in the folder given.
"""

import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def counted(report: Path) -> dict[str, int]:
    """The untyped expressions of each module."""
    rows = (line.split() for line in report.read_text(encoding="utf-8").splitlines())
    return {row[0]: int(row[1]) for row in rows if len(row) == 4 and row[1].isdigit()}


def main() -> None:
    """Print what is over its bound, and leave with 1 if anything is."""
    bounds: dict[str, int] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["untyped"]
    modules = counted(Path(sys.argv[1]) / "any-exprs.txt")
    over = 0
    for package, most in bounds.items():
        found = sum(number for name, number in modules.items() if f"{name}.".startswith(f"{package}."))
        over += found > most
        print(f"expressions sans type : {package}, {found} ({most} au plus)")
    sys.exit(bool(over) or not modules)


if __name__ == "__main__":
    main()
