"""Questions about calls: which are open, what one of them asks, and how it judges."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.orm import joinedload

from grants.calls.lifecycle import CallState
from grants.calls.models import (
    Block,
    Call,
    CallInstrument,
    Criterion,
    Gate,
    Piece,
    Question,
    Section,
    Statement,
)
from grants.kernel.db import db
from grants.programme.models import Instrument


@dataclass(frozen=True)
class BlockOfItems:
    """A block of criteria and its items, in order."""

    block: Block
    items: tuple[Criterion, ...]


def _published() -> Select[Call]:
    return select(Call).where(Call.state != CallState.DRAFT)


def open_calls(at: datetime) -> Sequence[Call]:
    """The calls that take applications at an instant, the first to close first."""
    statement = _published().where(Call.opens_at <= at, Call.closes_at >= at)
    return db.session.scalars(statement.order_by(Call.closes_at, Call.code)).all()


def coming_calls(at: datetime) -> Sequence[Call]:
    """The calls announced and not yet open, the first to open first."""
    return db.session.scalars(_published().where(Call.opens_at > at).order_by(Call.opens_at, Call.code)).all()


def past_calls(at: datetime) -> Sequence[Call]:
    """The calls that are closed, the last to close first."""
    statement = _published().where(Call.closes_at < at)
    return db.session.scalars(statement.order_by(Call.closes_at.desc(), Call.code)).all()


def call_by_code(code: str) -> Call | None:
    """A call by its code, with its fund and framework, drafts included: the caller asks whether it may be known."""
    statement = select(Call).where(Call.code == code).options(joinedload(Call.fund), joinedload(Call.framework))
    return db.session.scalar(statement)


def all_calls() -> Sequence[Call]:
    """Every call, the latest to close first, drafts without dates on top."""
    rows = db.session.scalars(select(Call).order_by(Call.code)).all()
    dated = [row for row in rows if row.closes_at is not None]
    return [row for row in rows if row.closes_at is None] + sorted(
        dated, key=lambda row: (row.closes_at, row.code), reverse=True
    )


def instruments_of(call_id: UUID) -> Sequence[CallInstrument]:
    """What a call offers, each with its instrument loaded, in the fund's order."""
    statement = (
        select(CallInstrument)
        .join(Instrument)
        .where(CallInstrument.call_id == call_id)
        .options(joinedload(CallInstrument.instrument))
        .order_by(Instrument.position, Instrument.code)
    )
    return db.session.scalars(statement).all()


def sections_of(call_id: UUID) -> Sequence[Section]:
    """The sections of the questions, in order."""
    return db.session.scalars(
        select(Section).where(Section.call_id == call_id).order_by(Section.position, Section.code)
    ).all()


def questions_of(call_id: UUID) -> Sequence[Question]:
    """The questions of a call, section by section, each with its section and criterion loaded."""
    statement = (
        select(Question)
        .join(Section)
        .where(Question.call_id == call_id)
        .options(joinedload(Question.section), joinedload(Question.criterion))
        .order_by(Section.position, Section.code, Question.position, Question.code)
    )
    return db.session.scalars(statement).all()


def blocks_of(call_id: UUID) -> Sequence[Block]:
    """The blocks of criteria, in order."""
    return db.session.scalars(select(Block).where(Block.call_id == call_id).order_by(Block.position, Block.code)).all()


def items_of(call_id: UUID) -> Sequence[Criterion]:
    """The items reviewers mark, block by block, each with its block loaded."""
    statement = (
        select(Criterion)
        .join(Block)
        .where(Criterion.call_id == call_id)
        .options(joinedload(Criterion.block))
        .order_by(Block.position, Block.code, Criterion.position, Criterion.code)
    )
    return db.session.scalars(statement).all()


def criteria_of(call_id: UUID) -> list[BlockOfItems]:
    """The blocks with their items, in order; a block without items is there too. Two queries."""
    items = items_of(call_id)
    return [
        BlockOfItems(block, tuple(item for item in items if item.block_id == block.id)) for block in blocks_of(call_id)
    ]


def pieces_of(call_id: UUID) -> Sequence[Piece]:
    """The supporting documents a call asks for, in order."""
    return db.session.scalars(select(Piece).where(Piece.call_id == call_id).order_by(Piece.position, Piece.code)).all()


def statements_of(call_id: UUID) -> Sequence[Statement]:
    """The statements an applicant makes, in order."""
    statement = select(Statement).where(Statement.call_id == call_id)
    return db.session.scalars(statement.order_by(Statement.position, Statement.code)).all()


def gates_of(call_id: UUID) -> Sequence[Gate]:
    """The conditions a file must meet before it is judged, in order."""
    return db.session.scalars(select(Gate).where(Gate.call_id == call_id).order_by(Gate.position, Gate.code)).all()
