"""State machines told once: buttons, status words, database checks, tests and diagrams all read the same table."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint

from grants.kernel.words import LazyString

Text = str | LazyString


@dataclass(frozen=True)
class State:
    """A state: the staff's word, the applicant's word, a tone, and the columns it needs filled."""

    label: Text
    public: Text | None = None
    tone: str = "neutral"
    needs: tuple[str, ...] = ()
    final: bool = False


@dataclass(frozen=True)
class Move:
    """An act that takes a thing from one of some states to another, or keeps it where it is (target None)."""

    verb: str
    sources: frozenset[StrEnum]
    target: StrEnum | None
    permission: StrEnum
    label: Text
    endpoint: str | None = None
    unless: Callable[[Any], Text | None] | None = None


@dataclass(frozen=True)
class StatusWord:
    """What a page shows of a state."""

    word: Text
    tone: str
    code: str


@dataclass(frozen=True)
class Machine:
    """The life of one kind of thing."""

    name: str
    states: Mapping[StrEnum, State]
    moves: Sequence[Move]
    column: str = "state"
    begins: frozenset[StrEnum] = frozenset()  # the states a thing may be made in, where it is not the first alone
    _by_verb: dict[str, Move] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        verbs = {move.verb: move for move in self.moves}
        if len(verbs) != len(self.moves):
            raise ValueError(f"{self.name}: a verb is told twice")
        object.__setattr__(self, "_by_verb", verbs)

    def move(self, verb: str) -> Move:
        """The move of a verb; KeyError when there is none."""
        return self._by_verb[verb]

    @property
    def beginnings(self) -> frozenset[StrEnum]:
        """The states a thing may be made in."""
        return self.begins or frozenset({next(iter(self.states))})

    def why_not(self, thing: Any, verb: str) -> Text | None:
        """The reason why the move cannot be made now, or None."""
        move = self.move(verb)
        state = getattr(thing, self.column)
        if state not in move.sources:
            return self.states[state].label
        return move.unless(thing) if move.unless else None

    def moves_from(self, state: StrEnum) -> list[Move]:
        """The moves that start in a state, in the order told."""
        return [move for move in self.moves if state in move.sources]

    def impossible(self) -> list[tuple[str, StrEnum]]:
        """Every (verb, state) that must be refused."""
        return [(move.verb, state) for move in self.moves for state in self.states if state not in move.sources]

    def status(self, thing: Any, *, public: bool = False) -> StatusWord:
        """The word and tone of a thing's state, for staff or for the applicant."""
        code = getattr(thing, self.column)
        state = self.states[code]
        return StatusWord(state.public or state.label if public else state.label, state.tone, str(code))

    def checks(self) -> list[CheckConstraint]:
        """One CHECK per column a state needs: no state without its companion."""
        needed: dict[str, list[str]] = {}
        for code, state in self.states.items():
            for column in state.needs:
                needed.setdefault(column, []).append(str(code))
        return [
            CheckConstraint(
                f"{self.column} NOT IN ({', '.join(repr(code) for code in codes)}) OR {column} IS NOT NULL",
                name=f"{self.column}_needs_{column}",
            )
            for column, codes in needed.items()
        ]

    def mermaid(self) -> str:
        """The diagram of this life, for docs/lifecycle.md."""
        lines = ["stateDiagram-v2"]
        lines += [f"    {code} : {state.label}" for code, state in self.states.items()]
        lines += [f"    [*] --> {code}" for code in self.states if code in self.beginnings]
        for move in self.moves:
            for source in sorted(move.sources):
                lines.append(f"    {source} --> {move.target or source} : {move.verb}")
        lines += [f"    {code} --> [*]" for code, state in self.states.items() if state.final]
        return "\n".join(lines)
