"""Questions about calls: which are open, what one of them asks, and how it judges."""

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import Any, TypeVar, cast
from uuid import UUID

from sqlalchemy import Select, func, inspect, literal, select, union_all
from sqlalchemy.orm import joinedload

from grants.calls import rules
from grants.calls.lifecycle import CallState
from grants.calls.models import (
    Block,
    Call,
    CallInstrument,
    Criterion,
    Gate,
    Piece,
    PublicQuestion,
    Question,
    Section,
    Statement,
)
from grants.kernel.access import hidden_money
from grants.kernel.actor import Actor
from grants.kernel.db import db
from grants.kernel.money import Money
from grants.kernel.paging import Order, Page
from grants.kernel.query_cache import frozen_rows
from grants.kernel.words import _, in_words_of, language
from grants.programme import queries as programme
from grants.programme.models import Fund, Instrument

EXTENSIONS = "extensions"
ENVELOPES = "envelopes"
DECIDED = frozenset({EXTENSIONS, ENVELOPES})  # what `Call.texts` holds besides words: what was decided since
CallPart = TypeVar("CallPart", Section, Question, Block, Criterion, Piece, Statement, Gate, CallInstrument)


@dataclass(frozen=True)
class BlockOfItems:
    """A block of criteria and its items, in order."""

    block: Block
    items: tuple[Criterion, ...]

    @property
    def minimum(self) -> Fraction | None:
        """The mean level the block must reach, on the scale of its items; None when any will do."""
        return None if self.block.minimum_level is None else Fraction(self.block.minimum_level, 10)


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


def call_by_id(call_id: UUID) -> Call | None:
    """A call by its key."""
    return db.session.get(Call, call_id)


def counts_of(call_id: UUID) -> dict[str, int]:
    """How many parts of each kind a call holds, by name of table. One query."""
    kinds = (Question, Criterion, Piece, Statement, Gate, CallInstrument)
    parts = [select(func.count()).select_from(kind).where(kind.call_id == call_id).scalar_subquery() for kind in kinds]
    row = db.session.execute(select(*parts)).one()
    return {kind.__tablename__: number for kind, number in zip(kinds, row, strict=True)}


def all_calls() -> Sequence[Call]:
    """Every call, the latest to close first, drafts without dates on top."""
    rows = db.session.scalars(select(Call).order_by(Call.code)).all()
    dated = [row for row in rows if row.closes_at is not None]
    return [row for row in rows if row.closes_at is None] + sorted(
        dated, key=lambda row: (row.closes_at, row.code), reverse=True
    )


def instruments_of(call_id: UUID) -> Sequence[CallInstrument]:
    """What a call offers, each with its instrument loaded, in the fund's order."""
    return db.session.scalars(_instruments(call_id)).all()


def asked_of(call_id: UUID, instrument_id: UUID | None) -> rules.Asked:
    """What a call asks of an application to an instrument; of one without an instrument, what it asks of any."""
    offers = offers_of(call_id)
    offered = next((row for row in offers if row.instrument_id == instrument_id), None)
    return rules.asked_by_any(list(map(asked_in, offers))) if offered is None else asked_in(offered)


def asked_in(offered: CallInstrument) -> rules.Asked:
    """What is asked of an application to an instrument that a call offers."""
    return rules.Asked(offered.instrument.code, frozenset(offered.left_out))


def spared(call_id: UUID, places: Collection[str], instruments: Collection[str] = ()) -> list[str]:
    """The names of the instruments whose applications are asked none of some pages or fields of pages, or are not put
    a question that is put to some instruments."""
    return [
        in_words_of(row.instrument, "name")
        for row in instruments_of(call_id)
        if (places and not any(map(asked_in(row).has, places))) or not asked_in(row).takes(instruments)
    ]


def offers_of(call_id: UUID) -> Sequence[CallInstrument]:
    """The same as `instruments_of`, asked once when the call is open: only what the opening froze is to be read."""
    return _parts_of(call_id, CallInstrument, _instruments(call_id))


def _instruments(call_id: UUID) -> Select[CallInstrument]:
    return (
        select(CallInstrument)
        .join(Instrument)
        .where(CallInstrument.call_id == call_id)
        .options(joinedload(CallInstrument.instrument))
        .order_by(Instrument.position, Instrument.code)
    )


def _parts_of(call_id: UUID, kind: type[CallPart], statement: Select[CallPart]) -> Sequence[CallPart]:
    """The parts of a call that a statement asks for; asked once when the call is open, since the database then refuses
    to change them (`grants.evidence.FROZEN`)."""
    call = db.session.get(Call, call_id)
    if call is None or call.state is CallState.DRAFT:
        return db.session.scalars(statement).all()
    return frozen_rows((kind.__name__, call.id, call.opened_at), statement)


def sections_of(call_id: UUID) -> Sequence[Section]:
    """The sections of the questions, in order."""
    return _parts_of(
        call_id, Section, select(Section).where(Section.call_id == call_id).order_by(Section.position, Section.code)
    )


def questions_of(call_id: UUID) -> Sequence[Question]:
    """The questions of a call, section by section, each with its section and criterion loaded."""
    statement = (
        select(Question)
        .join(Section)
        .where(Question.call_id == call_id)
        .options(joinedload(Question.section), joinedload(Question.criterion))
        .order_by(Section.position, Section.code, Question.position, Question.code)
    )
    return _parts_of(call_id, Question, statement)


def condition_of(question: Question, questions: Sequence[Question]) -> str:
    """When a question is asked, in the reader's language, `questions` being those of its call; empty for always."""
    when = question.asked_when
    if not when:
        return ""
    asked = next((row for row in questions if row.code == when["question"]), None)
    choices = asked.choices if asked is not None else []
    choice = next((row for row in choices if row["code"] == when["equals"]), {"label": when["equals"]})
    return _(
        "Seulement si vous répondez « %(choice)s » à « %(question)s »",
        choice=in_words_of(choice, "label"),
        question=in_words_of(asked, "label"),
    )


def blocks_of(call_id: UUID) -> Sequence[Block]:
    """The blocks of criteria, in order."""
    statement = select(Block).where(Block.call_id == call_id)
    return _parts_of(call_id, Block, statement.order_by(Block.position, Block.code))


def items_of(call_id: UUID) -> Sequence[Criterion]:
    """The items reviewers mark, block by block, each with its block loaded."""
    statement = (
        select(Criterion)
        .join(Block)
        .where(Criterion.call_id == call_id)
        .options(joinedload(Criterion.block))
        .order_by(Block.position, Block.code, Criterion.position, Criterion.code)
    )
    return _parts_of(call_id, Criterion, statement)


def criteria_of(call_id: UUID) -> list[BlockOfItems]:
    """The blocks with their items, in order; a block without items is there too. Two queries."""
    items = items_of(call_id)
    return [
        BlockOfItems(block, tuple(item for item in items if item.block_id == block.id)) for block in blocks_of(call_id)
    ]


def pieces_of(call_id: UUID) -> Sequence[Piece]:
    """The supporting documents a call asks for, in order."""
    return _parts_of(call_id, Piece, select(Piece).where(Piece.call_id == call_id).order_by(Piece.position, Piece.code))


def statements_of(call_id: UUID) -> Sequence[Statement]:
    """The statements an applicant makes, in order."""
    statement = select(Statement).where(Statement.call_id == call_id)
    return _parts_of(call_id, Statement, statement.order_by(Statement.position, Statement.code))


def gates_of(call_id: UUID) -> Sequence[Gate]:
    """The conditions a file must meet before it is judged, in order."""
    return _parts_of(call_id, Gate, select(Gate).where(Gate.call_id == call_id).order_by(Gate.position, Gate.code))


# ---- money and opening ---------------------------------------------------------------------------------------------


def committed_of(rows: Iterable[Call], seen_by: Actor) -> dict[UUID, Money]:
    """What of each envelope is reserved or awarded, without what the dossiers hidden from a person hold."""
    hidden = hidden_money(seen_by)
    return {call.id: call.committed - hidden.get(call.id, Money(0)) for call in rows}


def left_for(fund: Fund, call: Call | None, *, seen_by: Actor | None = None) -> Money:
    """What the fund can still give a call: its envelope, less what the other published calls hold.

    For a person, without what the dossiers hidden from them hold.
    """
    hidden = hidden_money(seen_by) if seen_by is not None else {}
    rows = db.session.execute(
        select(Call.id, Call.envelope, Call.committed, Call.results_published_at).where(
            Call.fund_id == fund.id, Call.state != CallState.DRAFT
        )
    )
    others = [
        (row.envelope, row.committed - hidden.get(row.id, Money(0)), row.results_published_at is not None)
        for row in rows
        if call is None or row.id != call.id
    ]
    return fund.envelope - rules.promised(others)


def opening_checks(call: Call, at: datetime, *, seen_by: Actor | None = None) -> list[rules.Check]:
    """The checklist of a call before it opens; for a person, as far as they may know what the fund has left."""
    blocks, offers, questions = criteria_of(call.id), instruments_of(call.id), questions_of(call.id)
    return rules.opening_checks(
        dates=rules.why_not_dates(call.opens_at, call.closes_at),
        closes_later=call.closes_at is not None and call.closes_at > at,
        weight=rules.total_weight([row.block for row in blocks]),
        uneven_blocks=rules.uneven_blocks((in_words_of(r.block, "title"), r.block.weight, r.items) for r in blocks),
        instruments=len(offers),
        envelope=call.envelope,
        left=left_for(call.fund, call, seen_by=seen_by),
        questions=len(questions),
        statements=_count(call.id),
        contact=bool(call.fund.service_email and call.fund.service_address),
        left_out=rules.reserved_left_out(_codes_of(call.id)),
        unjudged=_unjudged(offers, questions, [item for row in blocks for item in row.items]),
        strangers=_put_to_nobody(offers, questions),
    )


def unjudged(call_id: UUID) -> list[tuple[str, str]]:
    """The criteria that nothing lets judge for an instrument, by title, each with the name of the instrument."""
    return _unjudged(instruments_of(call_id), questions_of(call_id), items_of(call_id))


def _unjudged(
    offers: Sequence[CallInstrument], questions: Sequence[Question], items: Sequence[Criterion]
) -> list[tuple[str, str]]:
    names = {row.instrument.code: in_words_of(row.instrument, "name") for row in offers}
    criteria = [
        (
            in_words_of(item, "title"),
            [place for place in item.judged_in if not place.startswith(rules.QUESTION)],
            [row.instruments for row in questions
             if row.criterion_id == item.id or f"{rules.QUESTION}{row.code}" in item.judged_in],
        )
        for item in items
    ]  # fmt: skip
    return [(title, names[code]) for title, code in rules.unjudged(criteria, list(map(asked_in, offers)))]


def _put_to_nobody(offers: Sequence[CallInstrument], questions: Sequence[Question]) -> list[str]:
    """The questions put to instruments alone that the call does not offer."""
    asked = list(map(asked_in, offers))
    strange = [row for row in questions if asked and not any(one.takes(row.instruments) for one in asked)]
    return [in_words_of(row, "label") for row in strange]


def _codes_of(call_id: UUID) -> set[tuple[str, str]]:
    """The parts of a call of the kinds that may be reserved, as (table, code)."""
    of_each = (select(literal(kind.__tablename__), kind.code).where(kind.call_id == call_id)
               for kind in (Question, Statement, Block))  # fmt: skip
    return {(table, code) for table, code in db.session.execute(union_all(*of_each))}


def reserved_as(part: Any) -> rules.Reserved | None:
    """What reads a part of a call by its code, None when it may leave the call."""
    return rules.RESERVED.get((type(part).__tablename__, part.code))


def _count(call_id: UUID) -> int:
    """How many statements a call asks for."""
    return db.session.scalar(select(func.count()).select_from(Statement).where(Statement.call_id == call_id)) or 0


# ---- texts ---------------------------------------------------------------------------------------------------------


def placeholders_of_texts() -> dict[str, frozenset[str]]:
    """The words in braces the system can fill in, by code of text."""
    return {row.code: frozenset(row.placeholders) for row in programme.texts_of_use("call")}


def text_of_call(call: Call, code: str) -> str:
    """A text of a call in the reader's language, French when it has no English, its placeholders as they stand."""
    text = call.texts.get(code) or {}
    return str((language() == "en" and text.get("en")) or text.get("fr") or "")


def decided(call: Call, kind: str) -> list[dict[str, str]]:
    """What was decided of a published call, of one kind (`DECIDED`), the first first, as it is stored."""
    stored: object = call.texts.get(kind, [])
    return cast(list[dict[str, str]], stored)


@dataclass(frozen=True)
class Extension:
    """A closing put later: from when to when, decided when, and why, in the reader's language."""

    before: datetime
    after: datetime
    at: datetime
    reason: str


def extensions(call: Call) -> list[Extension]:
    """The times the closing of a call was put later, the first first."""
    return [
        Extension(
            before=datetime.fromisoformat(row["before"]),
            after=datetime.fromisoformat(row["after"]),
            at=datetime.fromisoformat(row["at"]),
            reason=(language() == "en" and row["en"]) or row["fr"],
        )
        for row in decided(call, EXTENSIONS)
    ]


@dataclass(frozen=True)
class Widening:
    """An envelope that was raised: from what to what, when, and why, in the reader's language."""

    before: Money
    after: Money
    at: datetime
    reason: str


def widenings(call: Call) -> list[Widening]:
    """The times the envelope of a call was raised, the first first."""
    return [
        Widening(
            before=Money(int(row["before"])),
            after=Money(int(row["after"])),
            at=datetime.fromisoformat(row["at"]),
            reason=(language() == "en" and row["en"]) or row["fr"],
        )
        for row in decided(call, ENVELOPES)
    ]


# ---- the parts of a call -------------------------------------------------------------------------------------------


def call_of(part: Any) -> Call:
    """The call a part belongs to."""
    return db.session.get_one(Call, part.call_id)


def name_in(values: Mapping[str, Any]) -> str:
    """What a part is called, in the values of its form."""
    return str(values.get("title") or values.get("label") or "")


def name_of(part: Any) -> str:
    """What a part is called, in the reader's language."""
    return in_words_of(part, "label" if hasattr(part, "label") else "title")


def group_of(part: Any) -> UUID:
    """Among whom a part is ordered: its section, its block, or the call."""
    if isinstance(part, Question):
        return part.section_id
    if isinstance(part, Criterion):
        return part.block_id
    call_id: UUID = part.call_id
    return call_id


def neighbours_of(part: Any) -> list[Any]:
    """The parts ordered together with this one, itself included, in order."""
    kind = type(part)
    statement = select(kind).where(kind.call_id == part.call_id).order_by(kind.position, kind.code)
    if kind is Question:
        statement = statement.where(Question.section_id == part.section_id)
    if kind is Criterion:
        statement = statement.where(Criterion.block_id == part.block_id)
    return list(db.session.scalars(statement))


def content_of(part: Section | Block) -> int:
    """How many questions a section holds, or items a block."""
    if isinstance(part, Section):
        statement = select(func.count()).select_from(Question).where(Question.section_id == part.id)
    else:
        statement = select(func.count()).select_from(Criterion).where(Criterion.block_id == part.id)
    return db.session.scalar(statement) or 0


def asked_after(question: Question) -> list[Question]:
    """The questions asked only after a certain answer to this one."""
    return [
        row for row in questions_of(question.call_id) if row.asked_when and row.asked_when["question"] == question.code
    ]


def columns_of(part: Any) -> dict[str, Any]:
    """What the columns of a part hold, by name."""
    return {column.key: getattr(part, column.key) for column in inspect(type(part)).column_attrs}


def fingerprint(part: Any) -> str:
    """What a part says, in sixteen characters, so that a form shown before somebody else's change is noticed."""
    values = {name: str(value) for name, value in columns_of(part).items() if name != "position"}
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:16]


# ---- questions about an open call ----------------------------------------------------------------------------------


def answers_of(call_id: UUID) -> Sequence[PublicQuestion]:
    """The questions about a call that are published with their answer, the first answered first."""
    published = PublicQuestion.call_id == call_id, PublicQuestion.is_published.is_(True)
    order = PublicQuestion.settled_at, PublicQuestion.id
    return db.session.scalars(select(PublicQuestion).where(*published).order_by(*order)).all()


def asked(*, settled: bool, after: str | None = None, before: str | None = None) -> Page:
    """The questions that wait for an answer, the oldest first; or those that are settled, the last one first."""
    questions = select(PublicQuestion).options(joinedload(PublicQuestion.call, innerjoin=True))
    if settled:
        newest = Order(PublicQuestion.settled_at, PublicQuestion.id, descending=True)
        return newest.page(questions.where(PublicQuestion.settled_at.is_not(None)), after=after, before=before)
    oldest = Order(PublicQuestion.asked_at, PublicQuestion.id)
    return oldest.page(questions.where(PublicQuestion.settled_at.is_(None)), after=after, before=before)


def asked_count() -> Select[int]:
    """How many questions wait for an answer: a statement, for a page that counts more."""
    return select(func.count()).select_from(PublicQuestion).where(PublicQuestion.settled_at.is_(None))


def asked_by(account_id: UUID) -> Select[*tuple[Any, ...]]:
    """The questions a person put about calls."""
    return (
        select(PublicQuestion.asked_at, Call.code.label("call"), PublicQuestion.text, PublicQuestion.answer)
        .join(Call, Call.id == PublicQuestion.call_id)
        .where(PublicQuestion.asked_by == account_id)
        .order_by(PublicQuestion.asked_at, PublicQuestion.id)
    )
