"""States that many tests start from, made once in each process and put back: an open call, an eligible dossier.

A test that begins with the same acts of the maker as others is given the rows that these acts made before. What is put
back is what was made, down to its ids; whatever a test writes otherwise ends this for the rest of the test.
`tests/architecture/test_remembered.py` compares the two.
"""

from collections import Counter
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from fractions import Fraction
from functools import wraps
from itertools import count
from pathlib import Path
from typing import Any

from flask import Flask, current_app
from sqlalchemy import inspect

from grants.kernel import clock
from grants.kernel.actor import Actor
from grants.kernel.db import db
from grants.kernel.money import Money
from tests.databases import Databases, Snapshot
from tests.factories.make import Make

# Acts whose outcome follows from what they are told and from the rows that stand.
ACTS = (
    "account", "actor", "agreement", "application", "assignment", "award", "bank_details", "call", "carried",
    "decided", "engaged", "instalment", "meeting", "organisation", "recommendation", "recovery", "repayments",
    "report", "reviewed", "schedule",
)  # fmt: skip
MOST_STATES = 300
FROM_THE_START = 0
PLAIN = (str, int, Money, Fraction, Enum, Actor, type(None))


class UnknownError(Exception):
    """Something that cannot be told from one test to another: a day, an instant, a function."""


@dataclass(frozen=True)
class State:
    """What an act led to: its rows, the next number of the maker, and what it gave."""

    snapshot: Snapshot
    number: int
    given: Any


class Memory:
    """The states that the tests of a process have met, for one database."""

    def __init__(self, store: Databases, name: str) -> None:
        self.store, self.name = store, name
        self.states: dict[int, State] = {}
        self.led_to: dict[Hashable, int] = {}
        self.met: Counter[Hashable] = Counter()
        self.times_put = 0

    def begin(self) -> None:
        """A test begins, its database as the template."""
        self.place: int | None = FROM_THE_START
        self.mark = self.store.mark(self.name)
        self.is_at_work = False

    def act(self, make: Make, method: Callable[..., Any], args: tuple[Any, ...], keywords: Mapping[str, Any]) -> Any:
        """Give what an act gives: from its rows if they are known, by the act itself otherwise."""
        step = None if self.is_at_work else self._step(make, method, args, keywords)
        if step is None:
            return method(make, *args, **keywords)
        if step in self.led_to:
            return self._put(make, self.led_to[step])
        given = self._made(make, method, args, keywords)
        self.met[step] += 1
        self.place = self._kept(make, step, given) if self.met[step] > 1 else None
        db.session.expire_all()
        return given

    def _step(
        self, make: Make, method: Callable[..., Any], args: tuple[Any, ...], keywords: Mapping[str, Any]
    ) -> Hashable | None:
        """What names the act and where it begins; None, for the rest of the test, once something else was written."""
        if self.place is None:
            return None
        is_alone = is_now(clock.now()) and not db.session.new and not db.session.dirty
        if not is_alone or self.store.mark(self.name) != self.mark:
            self.place = None
            return None
        try:
            return (self.place, clock.today(), method.__name__, plain(make.by), plain(args), plain(dict(keywords)))
        except UnknownError:
            self.place = None
            return None

    def _made(self, make: Make, method: Callable[..., Any], args: tuple[Any, ...], keywords: Mapping[str, Any]) -> Any:
        self.is_at_work = True
        try:
            return method(make, *args, **keywords)
        except BaseException:
            self.place = None
            raise
        finally:
            self.is_at_work = False

    def _kept(self, make: Make, step: Hashable, given: Any) -> int | None:
        """Keep the state an act led to; files beside the database are not kept, nor what is given but is no row."""
        folder: Path = current_app.config["SETTINGS"].instance
        if any(folder.iterdir()) or len(self.states) >= MOST_STATES:
            return None
        try:
            rows = reference_of(given)
        except UnknownError:
            return None
        self._let_go()
        number, following = len(self.states) + 1, next(make._numbers)
        make._numbers = count(following)
        self.states[number] = State(self.store.keep(self.name), following, rows)
        self.led_to[step] = number
        self.mark = self.store.mark(self.name)
        return number

    def _put(self, make: Make, number: int) -> Any:
        """Put a state back and give what its act gave."""
        state, before = self.states[number], self.states.get(self.place or FROM_THE_START)
        self._let_go()
        self.store.put(self.name, state.snapshot, before and before.snapshot)
        forget_answers(current_app)
        make._numbers = count(state.number)
        self.place, self.mark = number, self.store.mark(self.name)
        self.times_put += 1
        db.session.expire_all()
        return given_again(state.given)

    def _let_go(self) -> None:
        """Leave the database to the store; what a test holds of it is read again when it is asked for."""
        db.session.rollback()
        if db.engine.dialect.name == "sqlite":
            db.engine.dispose()


def is_now(instant: datetime) -> bool:
    """Whether a clock that shows this instant is neither stopped nor set."""
    return abs(datetime.now(UTC) - instant) < timedelta(seconds=1)


def forget_answers(app: Flask) -> None:
    """Take away the answers kept by an application whose rows have changed behind it."""
    app.extensions.pop("query_cache", None)


def is_row(value: Any) -> bool:
    """Whether a value is a row of the database."""
    return inspect(type(value), raiseerr=False) is not None


def plain(value: Any) -> Hashable:
    """A value as a key; a row by its class and id. Raises UnknownError for what has another value in the next test."""
    if is_row(value):
        identity = inspect(value).identity
        if identity is None:
            raise UnknownError
        return (type(value), identity)
    if isinstance(value, PLAIN):
        return (type(value), value)
    if isinstance(value, list | tuple):
        return tuple(plain(one) for one in value)
    if isinstance(value, dict):
        return tuple((name, plain(one)) for name, one in sorted(value.items()))
    raise UnknownError


def reference_of(given: Any) -> Any:
    """What an act gave, its rows by their class and id."""
    if isinstance(given, list):
        return [reference_of(one) for one in given]
    if is_row(given):
        return (type(given), inspect(given).identity)
    if given is None or isinstance(given, Actor):
        return given
    raise UnknownError


def given_again(reference: Any) -> Any:
    """What an act gave, read from the rows."""
    if isinstance(reference, list):
        return [given_again(one) for one in reference]
    if isinstance(reference, tuple):
        return db.session.get_one(*reference)
    return reference


class RememberingMake(Make):
    """The maker, with a memory of what it made for other tests."""

    def __init__(self, memory: Memory) -> None:
        super().__init__()
        self.memory = memory
        memory.begin()


def remembering(method: Callable[..., Any]) -> Callable[..., Any]:
    """An act that asks the memory first."""

    @wraps(method)
    def act(self: RememberingMake, *args: Any, **keywords: Any) -> Any:
        return self.memory.act(self, method, args, keywords)

    return act


for _name in ACTS:
    setattr(RememberingMake, _name, remembering(getattr(Make, _name)))
