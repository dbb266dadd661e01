"""All instruments: importing this module fills the table of figures, in the order of their file names."""

from importlib import import_module
from pathlib import Path

from tests.assure.figures import FIGURES, Figure

_FRAME = {"__main__", "everything", "figures", "sharing", "test_short"}

for _path in sorted(Path(__file__).parent.glob("*.py")):
    if _path.stem not in _FRAME:
        import_module(f"tests.assure.{_path.stem}")


def figures(dialect: str, *, short: bool) -> list[Figure]:
    """Give the figures to measure on a database."""
    return [one for one in FIGURES if dialect in one.databases and (one.short or not short)]
