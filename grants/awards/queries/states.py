"""States that the questions about awards count together, and who sees which award."""

from typing import Any

from sqlalchemy import ColumnElement, Row, Select, select

from grants.awards.lifecycle import InstalmentState, ReceivableState
from grants.awards.models import Award
from grants.calls.models import Piece
from grants.calls.rules import BLOCKS_PAYMENT
from grants.kernel.actor import Actor
from grants.kernel.money import Money
from grants.reviewing import queries as reviewing
from grants.screening import queries as screening
from grants.screening.models import PieceRequest

Statement = Select[*tuple[Any, ...]]
Found = Row[*tuple[Any, ...]]
ZERO = Money(0)
UNPAID = (InstalmentState.ORDERED, InstalmentState.SUSPENDED)
STILL_OPEN = (InstalmentState.PLANNED, InstalmentState.PREPARED, InstalmentState.APPROVED)
OWED = (ReceivableState.PLANNED, ReceivableState.DUE, ReceivableState.SETTLED)
OVER = (ReceivableState.SETTLED, ReceivableState.CANCELLED)


# The piece that holds up the payments of an award: asked for, and neither given nor given up.
_awaited = (
    select(Piece)
    .join(PieceRequest, PieceRequest.piece_id == Piece.id)
    .where(PieceRequest.application_id == Award.application_id, Piece.blocks == BLOCKS_PAYMENT, screening.IS_OPEN)
    .order_by(Piece.position, Piece.code)
    .correlate(Award)
)
AWAITS_PIECE = _awaited.exists()
AWAITED_PIECE = _awaited.with_only_columns(Piece.label).limit(1).scalar_subquery()
AWAITED_PIECE_EN = _awaited.with_only_columns(Piece.label_en).limit(1).scalar_subquery()


def visible_to(actor: Actor) -> ColumnElement[bool]:
    """The awards a member of staff may know: none they have a link with."""
    return Award.application_id.not_in(reviewing.linked_to(actor.id))
