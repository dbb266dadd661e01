"""States that the questions about awards count together, and who sees which award."""

from typing import Any

from sqlalchemy import ColumnElement, Row, Select

from grants.awards.lifecycle import InstalmentState, ReceivableState
from grants.awards.models import Award
from grants.kernel.actor import Actor
from grants.kernel.money import Money
from grants.reviewing import queries as reviewing

Statement = Select[*tuple[Any, ...]]
Found = Row[*tuple[Any, ...]]
ZERO = Money(0)
UNPAID = (InstalmentState.ORDERED, InstalmentState.SUSPENDED)
STILL_OPEN = (InstalmentState.PLANNED, InstalmentState.PREPARED, InstalmentState.APPROVED)
OWED = (ReceivableState.PLANNED, ReceivableState.DUE, ReceivableState.SETTLED)
OVER = (ReceivableState.SETTLED, ReceivableState.CANCELLED)


def visible_to(actor: Actor) -> ColumnElement[bool]:
    """The awards a member of staff may know: none they have a link with."""
    return Award.application_id.not_in(reviewing.linked_to(actor.id))
