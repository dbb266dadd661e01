"""The figures of trust: what each one measures, on which databases, and what it found."""

from collections.abc import Callable
from dataclasses import dataclass, field

from tests.site import Workspace


@dataclass(frozen=True)
class Reading:
    """What a measure found: how much it tried, and a line for each fault. `value` is told when it is not their number;
    `notes` say, in French, what it does not measure and why.

    Too little tried is a fault as well: an instrument that looks at nothing finds nothing.
    """

    tried: int
    faults: list[str] = field(default_factory=list)
    value: int | None = None
    least: int = 1
    unit: str = ""
    notes: list[str] = field(default_factory=list)

    @property
    def found(self) -> int:
        """The figure itself; 0 is wanted."""
        return len(self.faults) if self.value is None else self.value

    @property
    def passes(self) -> bool:
        """Whether nothing was found after enough was tried."""
        return not self.faults and not self.found and self.tried >= self.least


@dataclass(frozen=True)
class Figure:
    """One line of the table. `number` is the one of the bar of 44 figures; `minutes` is its share of a full run."""

    name: str
    number: str
    says: str
    minutes: float
    measure: Callable[[Workspace], Reading]
    databases: tuple[str, ...]
    short: bool
    once: str | None = None


FIGURES: list[Figure] = []


def figure(
    name: str,
    *,
    number: str,
    says: str,
    minutes: float,
    databases: tuple[str, ...] = ("sqlite", "postgresql"),
    short: bool = True,
    once: str | None = None,
) -> Callable[[Callable[[Workspace], Reading]], Callable[[Workspace], Reading]]:
    """Add a measure to the table. `says` is what is counted, in French; `short` tells whether `make test` runs it.

    `once` is the one database on which `make test` runs it, when what it finds cannot depend on the database.
    """

    def add(measure: Callable[[Workspace], Reading]) -> Callable[[Workspace], Reading]:
        assert all(one.name != name for one in FIGURES), f"two figures are named {name}"
        FIGURES.append(Figure(name, number, says, minutes, measure, databases, short, once))
        return measure

    return add
