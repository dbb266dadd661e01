"""Moves of the chain of a payment or of a sum to be received: each asks first who acted on it before."""

from enum import StrEnum
from typing import Any

from grants.awards import queries
from grants.kernel import journal
from grants.kernel.actor import Actor
from grants.kernel.db import db
from grants.kernel.errors import ForbiddenError
from grants.kernel.machine import Machine


def ask(thing: Any, permission: StrEnum, *, by: Actor) -> None:
    """Raise ForbiddenError, with the reason, when who acted on a thing before bars this person from acting on it."""
    with db.session.no_autoflush:  # what the act has written so far is not to be refused by a constraint first
        reason = queries.why_not_act(by.id, thing, permission)
    if reason is not None:
        raise ForbiddenError(str(reason))


def advance(machine: Machine, thing: Any, verb: str, *, by: Actor, **data: Any) -> None:
    """Make a move, as `journal.advance`, unless who acted on the thing before bars this person (ForbiddenError)."""
    ask(thing, machine.move(verb).permission, by=by)
    journal.advance(machine, thing, verb, by=by, **data)
