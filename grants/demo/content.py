"""The written content of the demonstration, read from the files beside this module: people and dossiers."""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TableRow = dict[str, Any]
FOLDER = Path(__file__).parent


def people() -> list[TableRow]:
    """The accounts shown to whoever tries the demonstration, one per role at least."""
    return list(_toml(FOLDER / "people.toml")["people"])


@dataclass(frozen=True)
class WrittenDossier:
    """One written dossier; `content` is the file as it stands (its conventions are on top of people.toml)."""

    slug: str
    call: str
    state: str
    content: TableRow

    @property
    def is_draft(self) -> bool:
        """Whether it was never submitted."""
        return self.state == "draft"

    def rows(self, name: str) -> list[TableRow]:
        """The rows of a repeated part, none when the dossier does not have it."""
        return list(self.content.get(name, ()))

    def part(self, name: str) -> TableRow:
        """A part written once, empty when the dossier does not have it."""
        return dict(self.content.get(name, {}))


def dossiers() -> list[WrittenDossier]:
    """Every written dossier, by file name."""
    found = [_toml(path) for path in sorted((FOLDER / "dossiers").glob("*.toml"))]
    return [WrittenDossier(row["slug"], row["call"], row["state"], row) for row in found]


def _toml(path: Path) -> TableRow:
    return tomllib.loads(path.read_text(encoding="utf-8"))
