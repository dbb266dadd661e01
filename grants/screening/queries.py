"""Questions of screening: what waits, what the gates find for any number of applications, what was asked for."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, Protocol, TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Select, and_, func, select
from sqlalchemy.orm import joinedload

from grants.applications.lifecycle import LIFECYCLE, SUBMITTED_STATES, ApplicationState
from grants.applications.models import (
    Answer,
    Application,
    Attachment,
    AxisShare,
    BudgetLine,
    Signature,
    application_commune,
)
from grants.applications.parts.budget import is_in_kind
from grants.applications.rules import is_expected
from grants.calls.lifecycle import CallState
from grants.calls.models import Call, CallInstrument, Gate, Piece, Question, Statement
from grants.calls.rules import (
    AUTHORITY_TO_SIGN,
    DE_MINIMIS_TOTAL,
    ECONOMIC_ACTIVITY,
    FIRST_REQUEST,
    REPUBLICAN_COMMITMENT,
)
from grants.kernel.db import db
from grants.kernel.machine import StatusWord
from grants.kernel.money import Money
from grants.kernel.pages import zone
from grants.kernel.paging import Order, Page, Rows
from grants.kernel.transaction_cache import cached_in_transaction
from grants.people.models import Account, Membership, Organisation
from grants.programme import queries as programme
from grants.programme.models import Commune, Law
from grants.programme.rules import holds
from grants.screening import rules
from grants.screening.models import Finding, PieceRequest
from grants.screening.rules import Outcome, ScreeningFacts

S = ApplicationState
Gathered = TypeVar("Gathered")
WAITING = (S.SUBMITTED, S.PIECES_REQUESTED)
IS_OPEN = and_(PieceRequest.answered_at.is_(None), PieceRequest.waived_at.is_(None))
CEILING = "de_minimis_general"
FILTERS: Mapping[str, tuple[ApplicationState, ...]] = {
    "waiting": WAITING,
    "submitted": (S.SUBMITTED,),
    "pieces": (S.PIECES_REQUESTED,),
    "eligible": (S.ELIGIBLE, S.AWARDED, S.DECLINED),
    "ineligible": (S.INELIGIBLE,),
}

# ---- the inbox -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class CallLine:
    """A call and how many of its applications wait for a decision."""

    id: UUID
    code: str
    title: str
    title_en: str
    waiting: int


@dataclass(frozen=True)
class InboxLine:
    """A row of the inbox: the application and where its gates stand."""

    id: UUID
    reference: str
    title: str
    organisation: str
    requested: Money
    submitted_at: datetime
    is_extended: bool  # given a later closing than its call
    is_on_paper: bool  # entered by an agent from paper
    silence_on: date
    status: StatusWord
    met: int
    failed: tuple[Gate, ...]
    pending: tuple[Gate, ...]
    open_requests: int


class WaitingRow(Protocol):
    """The columns read of an application that waits in the inbox."""

    id: UUID
    reference: str
    title: str
    organisation: str
    requested: Money
    submitted_at: datetime
    extension_ends_at: datetime | None
    on_paper_since: datetime | None
    silence_on: date
    state: ApplicationState


def calls_to_screen(hidden: Collection[UUID]) -> list[CallLine]:
    """The calls that took applications, the one whose dossier waits longest first."""
    waiting = (
        _kept(
            hidden, Application.call_id, func.count().label("number"), func.min(Application.silence_on).label("first")
        )
        .where(Application.state.in_(WAITING))
        .group_by(Application.call_id)
        .subquery()
    )
    rows = db.session.execute(
        select(Call.id, Call.code, Call.title, Call.title_en, func.coalesce(waiting.c.number, 0).label("waiting"))
        .outerjoin(waiting, waiting.c.call_id == Call.id)
        .where(Call.state != CallState.DRAFT)
        .order_by(waiting.c.first.is_(None), waiting.c.first, Call.closes_at.desc(), Call.code)
    )
    return [CallLine(row.id, row.code, row.title, row.title_en, row.waiting) for row in rows]


def counts_by_filter(call_id: UUID, hidden: Collection[UUID]) -> dict[str, int]:
    """How many applications of a call each filter of the inbox shows."""
    columns = [func.count().filter(Application.state.in_(states)).label(name) for name, states in FILTERS.items()]
    return dict(db.session.execute(_kept(hidden, *columns).where(Application.call_id == call_id)).mappings().one())


def _kept(hidden: Collection[UUID], *columns: Any) -> Rows:
    """The applications, but for those kept from a person: what each list of screening and each of its counts is of."""
    return select(*columns).select_from(Application).where(Application.id.not_in(hidden))


def inbox(
    call_id: UUID,
    only: str,
    hidden: Collection[UUID],
    *,
    after: str | None = None,
    before: str | None = None,
) -> Page:
    """A page of the applications of a call, oldest first, with what their gates find; a fixed number of statements."""
    page = _IN_TURN.page(_waiting(call_id, FILTERS.get(only, WAITING), hidden), after=after, before=before)
    gates = gates_of(call_id)
    found = outcomes_of([row.id for row in page.rows], gates)
    asked = open_requests_of([row.id for row in page.rows])
    return replace(page, rows=[_line(row, gates, found[row.id], asked.get(row.id, 0)) for row in page.rows])


_IN_TURN = Order(Application.submitted_at, Application.id)


def _waiting(call_id: UUID, states: Sequence[ApplicationState], hidden: Collection[UUID]) -> Rows:
    return (
        _kept(
            hidden,
            Application.id, Application.reference, Application.title, Application.requested, Application.submitted_at,
            Application.extension_ends_at, Application.on_paper_since, Application.silence_on, Application.state,
            Organisation.name.label("organisation"),
        )
        .join(Organisation, Application.organisation_id == Organisation.id)
        .where(Application.call_id == call_id, Application.state.in_(states))
    )  # fmt: skip


def _line(row: WaitingRow, gates: Sequence[Gate], outcomes: Sequence[Outcome], asked: int) -> InboxLine:
    failed, pending = set(rules.failed(outcomes)), set(rules.pending(outcomes))
    return InboxLine(
        id=row.id,
        reference=row.reference,
        title=row.title,
        organisation=row.organisation,
        requested=row.requested,
        submitted_at=row.submitted_at,
        is_extended=row.extension_ends_at is not None,
        is_on_paper=row.on_paper_since is not None,
        silence_on=row.silence_on,
        status=LIFECYCLE.status(row),
        met=len(outcomes) - len(failed) - len(pending),
        failed=tuple(gate for gate in gates if gate.code in failed),
        pending=tuple(gate for gate in gates if gate.code in pending),
        open_requests=asked,
    )


@dataclass(frozen=True)
class Neighbours:
    """Where an application stands among those of its call that wait: its place (None when it does not wait)."""

    place: int | None
    waiting: int
    previous: UUID | None
    following: UUID | None


def neighbours_of(application: Application, hidden: Collection[UUID]) -> Neighbours:
    """The waiting applications around this one, oldest first; after the last comes the first again."""
    rows = db.session.execute(
        select(Application.id, Application.submitted_at)
        .where(Application.id.not_in(hidden))
        .where(Application.call_id == application.call_id, Application.state.in_(WAITING))
        .order_by(Application.submitted_at, Application.id)
    ).all()
    ids = [key for key, _at in rows]
    if application.id in ids:
        place = ids.index(application.id)
        return Neighbours(
            place + 1,
            len(ids),
            ids[place - 1] if place else None,
            ids[place + 1] if place + 1 < len(ids) else (ids[0] if place else None),
        )
    own = application.submitted_at
    later = (key for key, at in rows if own is not None and at is not None and at >= own)
    return Neighbours(None, len(ids), None, next(later, ids[0] if ids else None))


# ---- gates ---------------------------------------------------------------------------------------------------------


def gates_of(call_id: UUID) -> Sequence[Gate]:
    """The gates of a call, in order."""
    return db.session.scalars(select(Gate).where(Gate.call_id == call_id).order_by(Gate.position, Gate.code)).all()


def findings_of(ids: Collection[UUID]) -> dict[UUID, dict[UUID, Finding]]:
    """What was found and kept, by application and gate."""
    found: dict[UUID, dict[UUID, Finding]] = defaultdict(dict)
    for row in db.session.scalars(select(Finding).where(Finding.application_id.in_(ids)).order_by(Finding.id)):
        found[row.application_id][row.gate_id] = row
    return found


def outcomes_of(ids: Sequence[UUID], gates: Sequence[Gate]) -> dict[UUID, list[Outcome]]:
    """Where each gate of a call stands, for any number of its applications."""
    facts = facts_of(ids)
    stored = findings_of(ids)
    return {
        application_id: [_outcome(gate, facts[application_id], stored[application_id].get(gate.id)) for gate in gates]
        for application_id in ids
    }


def _outcome(gate: Gate, facts: ScreeningFacts, finding: Finding | None) -> Outcome:
    computed = rules.compute(gate.code, facts) if gate.computed else None
    by_person = finding is not None and finding.found_by is not None
    return Outcome(
        code=gate.code,
        computed=computed,
        found=finding.passed if finding is not None and by_person else None,
        note=finding.note if finding is not None and by_person else "",
        is_found=by_person,
    )


# ---- facts ---------------------------------------------------------------------------------------------------------


def facts_of(ids: Sequence[UUID]) -> dict[UUID, ScreeningFacts]:
    """What the gates look at, for any number of submitted applications, in a constant number of statements."""
    communes = _gathered(
        select(application_commune.c.application_id, Commune.name)
        .join(Commune, application_commune.c.commune_id == Commune.id)
        .where(application_commune.c.application_id.in_(ids))
        .order_by(Commune.sort_key, Commune.id)
    )
    shares = _gathered(
        select(AxisShare.application_id, AxisShare.percent)
        .where(AxisShare.application_id.in_(ids))
        .order_by(AxisShare.position, AxisShare.id)
    )
    sums = _sums_of(ids)
    signed = _gathered(
        select(Signature.application_id, func.coalesce(func.nullif(Signature.choice, ""), "signed"))
        .join(Statement, Signature.statement_id == Statement.id)
        .where(Signature.application_id.in_(ids), Statement.code == REPUBLICAN_COMMITMENT)
        .order_by(Signature.id)
    )
    answers = _answers_of(ids)
    law = db.session.scalars(
        select(Law).where(Law.code.in_((REPUBLICAN_COMMITMENT, CEILING))).order_by(Law.valid_from)
    ).all()
    return {
        row.id: _facts(
            row,
            communes=tuple(communes[row.id]),
            shares=tuple(shares[row.id]),
            sums=sums[row.id],
            commitment=next(iter(signed[row.id]), None),
            answers=answers[row.id],
            law=law,
        )
        for row in db.session.execute(_columns().where(Application.id.in_(ids)))
    }


def _columns() -> Any:
    return (
        select(
            Application.id, Application.requested, Application.starts_on, Application.ends_on, Application.submitted_at,
            Organisation.legal_form, Organisation.rna, Call.closes_at, CallInstrument.minimum, CallInstrument.maximum,
            CallInstrument.max_rate,
        )
        .join(Organisation, Application.organisation_id == Organisation.id)
        .join(Call, Application.call_id == Call.id)
        .outerjoin(
            CallInstrument,
            (CallInstrument.call_id == Application.call_id)
            & (CallInstrument.instrument_id == Application.instrument_id),
        )
    )  # fmt: skip


def _gathered(statement: Select[UUID, Gathered]) -> dict[UUID, list[Gathered]]:
    found: dict[UUID, list[Gathered]] = defaultdict(list)
    for key, value in db.session.execute(statement):
        found[key].append(value)
    return found


def _sums_of(ids: Sequence[UUID]) -> dict[UUID, dict[str, Money]]:
    sums: dict[UUID, dict[str, Money]] = defaultdict(lambda: defaultdict(lambda: Money(0)))
    rows = db.session.execute(
        select(
            BudgetLine.application_id, BudgetLine.side, BudgetLine.account, BudgetLine.is_request,
            func.sum(BudgetLine.amount, type_=BudgetLine.amount.type).label("amount"),
        )
        .where(BudgetLine.application_id.in_(ids))
        .group_by(BudgetLine.application_id, BudgetLine.side, BudgetLine.account, BudgetLine.is_request)
    )  # fmt: skip
    for application_id, side, account, is_request, amount in rows:
        of_one = sums[application_id]
        of_one[f"in_kind_{side}" if is_in_kind(account) else side] += amount
        if is_request:
            of_one["request"] += amount
    return sums


def _answers_of(ids: Sequence[UUID]) -> dict[UUID, dict[str, Any]]:
    """The answers that gates and pieces depend on, by application and code; asked once in a transaction."""
    statement = (
        select(Answer.application_id, Question.code, Answer.value)
        .join(Question, Answer.question_id == Question.id)
        .where(Answer.application_id.in_(ids), Question.code.in_((ECONOMIC_ACTIVITY, DE_MINIMIS_TOTAL, FIRST_REQUEST)))
    )
    rows = cached_in_transaction(("gate answers", *ids), lambda: db.session.execute(statement).all())
    found: dict[UUID, dict[str, Any]] = defaultdict(dict)
    for application_id, code, value in rows:
        found[application_id][code] = value
    return found


def _facts(
    row: Any,
    *,
    communes: tuple[str, ...],
    shares: tuple[int, ...],
    sums: Mapping[str, Money],
    commitment: str | None,
    answers: Mapping[str, Any],
    law: Sequence[Law],
) -> ScreeningFacts:
    submitted_on = row.submitted_at.astimezone(zone()).date()
    in_force = {each.code: each for each in law if holds(submitted_on, each.valid_from, each.valid_to)}
    received = answers.get(DE_MINIMIS_TOTAL)
    return ScreeningFacts(
        legal_form=row.legal_form.value,
        rna=row.rna,
        communes=communes,
        requested=row.requested,
        minimum=row.minimum,
        maximum=row.maximum,
        max_rate=row.max_rate,
        starts_on=row.starts_on,
        ends_on=row.ends_on,
        closes_on=row.closes_at.astimezone(zone()).date() if row.closes_at else None,
        submitted_on=submitted_on,
        commitment_since=in_force[REPUBLICAN_COMMITMENT].valid_from if REPUBLICAN_COMMITMENT in in_force else None,
        commitment=commitment,
        economic_activity=answers.get(ECONOMIC_ACTIVITY),
        de_minimis_received=Money(received) if isinstance(received, int) else None,
        de_minimis_ceiling=Money.euros(int(in_force[CEILING].value)) if CEILING in in_force else None,
        shares=shares,
        charges=sums["charge"],
        resources=sums["resource"],
        in_kind_charges=sums["in_kind_charge"],
        in_kind_resources=sums["in_kind_resource"],
        requested_line=sums["request"],
    )


# ---- pieces --------------------------------------------------------------------------------------------------------


def silence_day_of(application: Application) -> date:
    """The day of implicit rejection of a submitted application, with what its requested pieces suspended."""
    zone = ZoneInfo(application.call.fund.zone)
    if application.submitted_at is None:
        raise ValueError("time runs from the reception of an application")
    received_on = application.submitted_at.astimezone(zone).date()
    due = programme.due_on("implicit_rejection", received_on)
    return rules.silence_day(due, [_suspension(request, zone) for request in requests_of(application.id)])


def _suspension(request: PieceRequest, zone: ZoneInfo) -> tuple[date, date]:
    given = request.answered_at or request.waived_at
    ends = request.due_on if given is None else min(given.astimezone(zone).date(), request.due_on)
    return request.requested_at.astimezone(zone).date(), ends


def requests_of(application_id: UUID) -> Sequence[PieceRequest]:
    """Every piece asked for, the first first, with its piece and the file given."""
    return db.session.scalars(
        select(PieceRequest)
        .where(PieceRequest.application_id == application_id)
        .options(joinedload(PieceRequest.piece), joinedload(PieceRequest.file))
        .order_by(PieceRequest.requested_at, PieceRequest.id)
    ).all()


def awaited_before(application_id: UUID, step: str) -> list[PieceRequest]:
    """The pieces asked for that hold up a step of a dossier and have not come, the first asked for first."""
    return [row for row in requests_of(application_id) if row.holds_up(step)]


def open_requests_of(ids: Collection[UUID]) -> dict[UUID, int]:
    """How many pieces each application still owes."""
    rows = db.session.execute(
        select(PieceRequest.application_id, func.count().label("number"))
        .where(PieceRequest.application_id.in_(ids), IS_OPEN)
        .group_by(PieceRequest.application_id)
    )
    return {row.application_id: row.number for row in rows}


def missing_pieces(application: Application) -> list[Piece]:
    """The pieces the call expects of this application that nobody gave, in order."""
    given = select(Attachment.piece_id).where(Attachment.application_id == application.id)
    first = _answers_of([application.id])[application.id].get(FIRST_REQUEST)
    authority = db.session.scalar(
        select(Signature.choice)
        .join(Statement, Signature.statement_id == Statement.id)
        .where(Signature.application_id == application.id, Statement.code == AUTHORITY_TO_SIGN)
    )
    pieces = db.session.scalars(
        select(Piece)
        .where(Piece.call_id == application.call_id, Piece.required, Piece.id.not_in(given))
        .order_by(Piece.position, Piece.code)
    )
    return [
        piece
        for piece in pieces
        if is_expected(piece.rule, has_rna=bool(application.organisation.rna), first_request=first, authority=authority)
    ]


def pieces_of(call_id: UUID) -> Sequence[Piece]:
    """The pieces a call may ask for, in order."""
    return db.session.scalars(select(Piece).where(Piece.call_id == call_id).order_by(Piece.position, Piece.code)).all()


@dataclass(frozen=True)
class Other:
    """Another application of the same organisation."""

    id: UUID
    reference: str
    title: str
    status: StatusWord
    submitted_at: datetime


def others_of(application: Application, hidden: Collection[UUID]) -> list[Other]:
    """The other submitted applications of the same organisation, the latest first: a double request shows here."""
    rows = db.session.execute(
        select(Application.id, Application.reference, Application.title, Application.state, Application.submitted_at)
        .where(Application.organisation_id == application.organisation_id, Application.id != application.id)
        .where(Application.state.in_(SUBMITTED_STATES), Application.submitted_at.is_not(None))
        .where(Application.id.not_in(hidden))
        .order_by(Application.submitted_at.desc(), Application.id)
        .limit(20)
    )
    return [Other(row.id, row.reference, row.title, LIFECYCLE.status(row), row.submitted_at) for row in rows]


# ---- people --------------------------------------------------------------------------------------------------------


def recipients_of(application: Application) -> Sequence[Account]:
    """Who hears about an application: those who act for it and confirmed their address, else its author."""
    members = db.session.scalars(
        select(Account)
        .join(Membership, Membership.account_id == Account.id)
        .where(Membership.organisation_id == application.organisation_id)
        .where(Account.active, Account.confirmed_at.is_not(None))
        .order_by(Account.email)
    ).all()
    return members or [db.session.get_one(Account, application.author_id)]
