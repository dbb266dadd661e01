"""Questions about awards: what waits for whom, what a body received, what the ledger says."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Row,
    Select,
    Uuid,
    and_,
    case,
    exists,
    extract,
    func,
    literal,
    or_,
    select,
    type_coerce,
    union_all,
)
from sqlalchemy.orm import aliased, joinedload

from grants.applications.lifecycle import ApplicationState
from grants.applications.models import Allocation, Application, AxisShare, Dimension
from grants.applications.parts.budget import IN_KIND, is_in_kind
from grants.applications.queries import found_by
from grants.awards import rules
from grants.awards.lifecycle import (
    AWARD,
    BANK,
    INSTALMENT,
    RECEIVABLE,
    REPORT,
    AwardState,
    BankState,
    InstalmentState,
    ReceivableState,
    ReportState,
)
from grants.awards.models import (
    Agreement,
    Amendment,
    Award,
    BankDetails,
    Instalment,
    InstalmentKind,
    LedgerAllocation,
    LedgerEntry,
    LedgerKind,
    Receivable,
    ReceivableKind,
    Report,
    ReportFile,
    ReportLine,
)
from grants.awards.models.disbursement import REVERSALS
from grants.awards.rules import AgreementNeed, Hand, Link, NextStep, Progress, Readiness, Settlement
from grants.calls.models import Call
from grants.deliberation import queries as deliberation
from grants.deliberation.lifecycle import MeetingState
from grants.deliberation.models import Decision, Meeting
from grants.kernel import clock
from grants.kernel.actor import Actor
from grants.kernel.db import Cents, db
from grants.kernel.journal import Entry
from grants.kernel.money import Money
from grants.kernel.paging import Order, Page
from grants.kernel.transaction_cache import cached_in_transaction
from grants.kernel.words import LazyString, _l
from grants.people import queries as people
from grants.people.models import Account, Membership, Organisation
from grants.permissions import P
from grants.programme import queries as programme
from grants.programme.models import Axis, FundingForm, Instrument, Law
from grants.reviewing import queries as reviewing

Statement = Select[*tuple[Any, ...]]
Found = Row[*tuple[Any, ...]]
ZERO = Money(0)
UNPAID = (InstalmentState.ORDERED, InstalmentState.SUSPENDED)
STILL_OPEN = (InstalmentState.PLANNED, InstalmentState.PREPARED, InstalmentState.APPROVED)
OWED = (ReceivableState.PLANNED, ReceivableState.DUE, ReceivableState.SETTLED)
BANK_WAITING = (BankState.GIVEN, BankState.CHECKED)
_OVER = (ReceivableState.SETTLED, ReceivableState.CANCELLED)
_FAR = date(9999, 12, 31)

_given, _handed = aliased(Entry), aliased(Entry)
_GIVEN_SEQ = func.coalesce(
    select(func.max(_given.seq))
    .where(_given.event == "bank_details.given", _given.subject_id == BankDetails.id)
    .correlate(BankDetails)
    .scalar_subquery(),
    0,
)
# The lines say which came first, whatever the clocks said.
_HANDED_OVER = (
    exists()
    .where(
        _handed.event == "organisation.handed_over",
        _handed.subject_id == BankDetails.organisation_id,
        _handed.seq > _GIVEN_SEQ,
    )
    .correlate(BankDetails)
)
IN_USE = and_(BankDetails.state == BankState.CONFIRMED, ~_HANDED_OVER)


def visible_to(actor: Actor) -> ColumnElement[bool]:
    """The awards a member of staff may know: none they have a link with."""
    return Award.application_id.not_in(reviewing.linked_to(actor.id))


# ---- one award -----------------------------------------------------------------------------------------------------


def decisions_without_award(by: Actor) -> Sequence[Decision]:
    """Granted and published decisions that no award was opened for yet, as far as the person may know them.

    A dossier withdrawn between the act and its publication is none: its money went back to the envelope.
    """
    statement = (
        select(Decision)
        .join(Meeting)
        .join(Application, Decision.application_id == Application.id)
        .outerjoin(Award, Award.decision_id == Decision.id)
        .where(Decision.granted, Meeting.state == MeetingState.PUBLISHED, Award.id.is_(None))
        .where(Application.state == ApplicationState.AWARDED)
        .where(Decision.application_id.not_in(reviewing.linked_to(by.id)))
        .options(joinedload(Decision.meeting), joinedload(Decision.application).joinedload(Application.organisation))
        .order_by(Decision.decided_at, Decision.id)
    )
    return db.session.scalars(statement).all()


@dataclass(frozen=True)
class Counted:
    """An amount that counts towards the yearly threshold of a body; without a name when the reader may not know it."""

    reference: str | None
    title: str | None
    amount: Money
    act_on: date
    award_id: UUID | None


def granted_in_year(organisation_id: UUID, year: int, by: Actor) -> list[Counted]:
    """What acts of a calendar year granted to a body, award opened or not, by the day of the act.

    What a person has a link with counts once it is published, without its name.
    """
    hidden = Application.id.in_(reviewing.linked_to(by.id))
    rows = db.session.execute(
        select(
            Application.reference, Application.title, Decision.amount, Meeting.act_on, Award.id,
            hidden.label("hidden"),
        )
        .join(Decision, Decision.application_id == Application.id)
        .join(Meeting, Meeting.id == Decision.meeting_id)
        .outerjoin(Award, Award.decision_id == Decision.id)
        .where(Application.organisation_id == organisation_id, *_acts_of(year))
        .where(or_(~hidden, Meeting.state == MeetingState.PUBLISHED))
        .order_by(Meeting.act_on, Application.reference)
    )  # fmt: skip
    return [
        Counted(None, None, row.amount, row.act_on, None)
        if row.hidden
        else Counted(row.reference, row.title, row.amount, row.act_on, row.id)
        for row in rows
    ]


def _acts_of(year: int) -> tuple[ColumnElement[bool], ...]:
    return Decision.granted.is_(True), Meeting.act_on >= date(year, 1, 1), Meeting.act_on <= date(year, 12, 31)


def received_in_year(organisation_id: UUID, year: int) -> Money:
    """What acts of a calendar year granted to a body, all awards together."""
    granted = _granted_by_year(frozenset({organisation_id})).get((organisation_id, year))
    return granted[0] if granted else ZERO


def _granted_by_year(organisation_ids: frozenset[UUID]) -> dict[tuple[UUID, int], tuple[Money, date]]:
    """What acts granted to some bodies in each calendar year, and the day of the first; asked once in a transaction."""
    year = extract("year", Meeting.act_on)
    statement = (
        select(
            Application.organisation_id, year.label("year"), func.sum(Decision.amount).label("total"),
            func.min(Meeting.act_on).label("first_on"),
        )
        .join(Decision, Decision.application_id == Application.id)
        .join(Meeting, Meeting.id == Decision.meeting_id)
        .where(Application.organisation_id.in_(organisation_ids), Decision.granted, Meeting.act_on.is_not(None))
        .group_by(Application.organisation_id, year)
    )  # fmt: skip
    return cached_in_transaction(
        ("granted", organisation_ids),
        lambda: {
            (row.organisation_id, int(row.year)): (row.total, row.first_on) for row in db.session.execute(statement)
        },
    )


def is_advance(award: Award) -> bool:
    """Whether the award is to be repaid."""
    instrument = award.application.instrument
    return instrument is not None and instrument.form is FundingForm.REPAYABLE_ADVANCE


def act_day(award: Award) -> date:
    """The day of the act that gave the award."""
    return award.decision.meeting.act_on or clock.today()


def agreement_need(award: Award) -> AgreementNeed:
    """Whether an agreement is due, by the law of the day of the act."""
    on = act_day(award)
    threshold = Money.euros(programme.law_number("agreement_threshold", on))
    received = received_in_year(award.organisation_id, on.year)
    return rules.agreement_need(received, threshold, is_advance=is_advance(award))


def load_surroundings(award: Award) -> None:
    """Read in one statement what pages and papers tell of an award: its act, its application, its organisation."""
    application, decision = joinedload(Award.application), joinedload(Award.decision)
    about = (
        application.joinedload(Application.instrument),
        application.joinedload(Application.call).joinedload(Call.fund),
        decision.joinedload(Decision.meeting),
        joinedload(Award.organisation),
    )
    db.session.scalars(select(Award).where(Award.id == award.id).options(*about)).one()


def agreement_of(award_id: UUID) -> Agreement | None:
    """The agreement of an award."""
    return db.session.scalar(select(Agreement).where(Agreement.award_id == award_id))


def instalments_of(award_id: UUID) -> Sequence[Instalment]:
    """The instalments of an award, in order; asked once in a transaction."""
    statement = select(Instalment).where(Instalment.award_id == award_id).order_by(Instalment.position)
    return cached_in_transaction(("instalments", award_id), lambda: db.session.scalars(statement).all())


def schedule_engaged_on(award: Award) -> date | None:
    """Since when an amendment alone changes the schedule of payments: None while it is free.

    The day of the signature; without an agreement, the day of the engagement once there are instalments.
    """
    agreement = agreement_of(award.id)
    if agreement is not None and agreement.signed_on is not None:
        return agreement.signed_on
    return award.engaged_on if instalments_of(award.id) else None


def open_instalments(award_id: UUID) -> Sequence[Instalment]:
    """Instalments not ordered yet and not cancelled."""
    return [row for row in instalments_of(award_id) if row.state in STILL_OPEN]


def report_of(award_id: UUID) -> Report | None:
    """The report of an award; asked once in a transaction."""
    report = select(Report).where(Report.award_id == award_id)
    return cached_in_transaction(("report", award_id), lambda: db.session.scalar(report))


def is_of_unsent_report(file_id: UUID) -> bool:
    """Whether a file was given with a report that its association still writes or corrects."""
    unsent = (ReportState.EXPECTED, ReportState.RETURNED)
    named = select(ReportFile.id).join(Report).where(ReportFile.file_id == file_id, Report.state.in_(unsent))
    return db.session.scalar(named) is not None


def weights_of(application_id: UUID) -> dict[Dimension, list[tuple[UUID | None, int]]]:
    """The weights by which an application's euros are read, by dimension, in a stable order."""
    rows = db.session.execute(
        select(Allocation.dimension, Allocation.key_id, Allocation.weight)
        .where(Allocation.application_id == application_id)
        .order_by(Allocation.id)
    )
    weights: dict[Dimension, list[tuple[UUID | None, int]]] = {}
    for row in rows:
        weights.setdefault(row.dimension, []).append((row.key_id, row.weight))
    return weights


def ledger_of(award_id: UUID) -> Sequence[Found]:
    """The ledger lines of an award, oldest first: kind, amount, day, when and by whom written, instalment, reason.

    The number is that of the order now, corrected or not; for an order that came back, the one its line says.
    """
    return db.session.execute(
        select(
            LedgerEntry.kind, LedgerEntry.amount, LedgerEntry.day, LedgerEntry.written_at, Account.name,
            Instalment.label, LedgerEntry.reason, LedgerEntry.ground,
            case((LedgerEntry.attempt == Instalment.attempt, Instalment.order_number), else_=LedgerEntry.number)
            .label("order_number"),
        )
        .outerjoin(Account, Account.id == LedgerEntry.written_by)
        .outerjoin(Instalment, Instalment.id == LedgerEntry.instalment_id)
        .where(LedgerEntry.award_id == award_id)
        .order_by(LedgerEntry.id)
    ).all()  # fmt: skip


def last_line(subject: Any) -> Entry | None:
    """The latest journal line about a thing."""
    return db.session.scalar(select(Entry).where(Entry.subject_id == subject.id).order_by(Entry.seq.desc()).limit(1))


def names_of(account_ids: Iterable[UUID | None]) -> dict[UUID, str]:
    """The names of people, by id, in one statement."""
    wanted = {account_id for account_id in account_ids if account_id is not None}
    return {
        row.id: row.name for row in db.session.execute(select(Account.id, Account.name).where(Account.id.in_(wanted)))
    }


def shares_of(application_ids: Iterable[UUID]) -> dict[UUID, list[tuple[Axis, int]]]:
    """The shares by axis of some applications, in one statement."""
    rows = db.session.execute(
        select(AxisShare.application_id, Axis, AxisShare.percent)
        .join(Axis, Axis.id == AxisShare.axis_id)
        .where(AxisShare.application_id.in_(list(application_ids)))
        .order_by(AxisShare.application_id, Axis.position)
    )
    shares: dict[UUID, list[tuple[Axis, int]]] = {}
    for row in rows:
        shares.setdefault(row.application_id, []).append((row.Axis, row.percent))
    return shares


# ---- lists of awards -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class AwardLine:
    """An award in a list, with what comes next."""

    id: UUID
    state: AwardState
    reference: str
    title: str
    organisation: str
    call: str
    shares: list[tuple[Axis, int]]
    amount: Money
    engaged: Money
    ordered: Money
    paid: Money
    released: Money
    report_due_on: date | None
    report_state: ReportState | None
    progress: Progress
    step: NextStep
    opened_at: datetime
    organisation_id: UUID
    bank_given: bool
    owed: Money
    is_advance: bool

    @property
    def left(self) -> Money:
        """What is still to be ordered."""
        return self.amount - self.released - self.ordered


TO_ENGAGE = "to_engage"  # among the states: voted, with an agreement or not yet
REPORT_LABELS = {"submitted": _l("À examiner"), "late": _l("En retard")}


@dataclass(frozen=True)
class AwardFilters:
    """What a list of awards is narrowed to."""

    state: str = ""
    call: str = ""
    words: str = ""
    report: str = ""

    def chosen(self) -> dict[str, str]:
        """The URL parameters that are set."""
        named = {"state": self.state, "call": self.call, "q": self.words, "report": self.report}
        return {name: value for name, value in named.items() if value}


def _conditions(filters: AwardFilters) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if filters.state in set(AwardState):
        found.append(Award.state == AwardState(filters.state))
    elif filters.state == TO_ENGAGE:
        found.append(Award.state.in_((AwardState.VOTED, AwardState.AGREEMENT)))
    if filters.call:
        found.append(Call.code == filters.call)
    if filters.report == "submitted":
        found.append(Report.state == ReportState.SUBMITTED)
    elif filters.report == "late":
        found.append(Report.state.in_((ReportState.EXPECTED, ReportState.RETURNED)))
        found.append(Report.due_on < clock.today())
    return [*found, *found_by(filters.words)]


def _listed(columns: Statement) -> Statement:
    return (
        columns.join(Application, Application.id == Award.application_id)
        .join(Organisation, Organisation.id == Award.organisation_id)
        .join(Call, Call.id == Application.call_id)
        .outerjoin(Report, Report.award_id == Award.id)
    )


def _lines(where: Sequence[ColumnElement[bool]]) -> Statement:
    parts = (
        select(
            Instalment.award_id,
            func.sum(Instalment.amount).filter(Instalment.state != InstalmentState.CANCELLED).label("planned_sum"),
            *(func.count().filter(Instalment.state == state).label(state.value) for state in STILL_OPEN),
            func.count().filter(Instalment.state.in_(UNPAID)).label("ordered"),
            func.count()
            .filter(Instalment.state == InstalmentState.PLANNED, Instalment.kind != InstalmentKind.BALANCE)
            .label("before_balance"),
        )
        .group_by(Instalment.award_id)
        .subquery()
    )
    cost = (
        select(ReportLine.report_id, func.sum(ReportLine.actual).label("realised"))
        .where(ReportLine.side == "charge", func.substr(ReportLine.account, 1, 2).not_in(IN_KIND))
        .group_by(ReportLine.report_id)
        .subquery()
    )
    bank = (
        select(
            BankDetails.organisation_id,
            func.count().filter(BankDetails.state == BankState.CONFIRMED).label("confirmed"),
            func.count().filter(BankDetails.state.in_(BANK_WAITING)).label("waiting"),
        )
        .where(~_HANDED_OVER)
        .group_by(BankDetails.organisation_id)
        .subquery()
    )
    return (
        _listed(
            select(
                Award.id, Award.state, Award.amount, Award.engaged, Award.ordered, Award.paid, Award.released,
                Award.opened_at, Award.application_id, Award.organisation_id, Application.reference, Application.title,
                Organisation.name, Call.title.label("call"), Instrument.form, Meeting.act_on,
                Agreement.id.label("agreement_id"), Agreement.signed_on,
                Report.state.label("report_state"), Report.due_on, parts.c.planned_sum, parts.c.planned,
                parts.c.prepared, parts.c.approved, parts.c.ordered.label("to_pay"), parts.c.before_balance,
                bank.c.confirmed, bank.c.waiting, Award.eligible_base, Award.claimed, Award.received, Award.given_up,
                cost.c.realised,
            )
        )
        .join(Decision, Decision.id == Award.decision_id)
        .join(Meeting, Meeting.id == Decision.meeting_id)
        .outerjoin(Instrument, Instrument.id == Application.instrument_id)
        .outerjoin(Agreement, Agreement.award_id == Award.id)
        .outerjoin(parts, parts.c.award_id == Award.id)
        .outerjoin(cost, cost.c.report_id == Report.id)
        .outerjoin(bank, bank.c.organisation_id == Award.organisation_id)
        .where(*where)
    )  # fmt: skip


def _line(row: Any, dues: Mapping[tuple[UUID, int], AgreementNeed], shares: list[tuple[Axis, int]]) -> AwardLine:
    need = dues.get((row.organisation_id, row.act_on.year), AgreementNeed.NOT_DUE)
    advance = row.form is FundingForm.REPAYABLE_ADVANCE
    excess = ZERO
    if row.report_state is ReportState.ACCEPTED:
        cost = row.realised or ZERO
        excess = rules.settlement(row.amount, row.released, row.ordered, row.eligible_base, cost).excess
    owed = rules.owed_back(row.paid, excess, row.claimed, row.received + row.given_up, is_advance=advance)
    progress = Progress(
        state=row.state.value,
        agreement_due=need.is_due or advance,
        agreement_prepared=row.agreement_id is not None,
        agreement_signed=row.signed_on is not None,
        is_planned=(row.planned_sum or ZERO) == row.amount - row.released,
        bank_confirmed=bool(row.confirmed),
        bank_waiting=bool(row.waiting),
        planned=row.planned or 0,
        planned_before_balance=row.before_balance or 0,
        prepared=row.prepared or 0,
        approved=row.approved or 0,
        ordered=row.to_pay or 0,
        report=row.report_state.value if row.report_state else "",
        owes=bool(owed),
    )
    return AwardLine(
        id=row.id, state=row.state, reference=row.reference or "", title=row.title, organisation=row.name,
        call=row.call, shares=shares, amount=row.amount, engaged=row.engaged, ordered=row.ordered, paid=row.paid,
        released=row.released, report_due_on=row.due_on, report_state=row.report_state, progress=progress,
        step=rules.next_step(progress), opened_at=row.opened_at, organisation_id=row.organisation_id,
        bank_given=bool(row.confirmed or row.waiting), owed=owed, is_advance=advance,
    )  # fmt: skip


def _award_lines(rows: Sequence[Found]) -> list[AwardLine]:
    dues = _needs({row.organisation_id for row in rows})
    shares = shares_of(row.application_id for row in rows)
    return [_line(row, dues, shares.get(row.application_id, [])) for row in rows]


def _needs(organisation_ids: set[UUID]) -> dict[tuple[UUID, int], AgreementNeed]:
    """What the yearly totals of some bodies call for, in two statements."""
    limits = db.session.execute(
        select(Law.value, Law.valid_from, Law.valid_to)
        .where(Law.code == "agreement_threshold")
        .order_by(Law.valid_from.desc())
    ).all()
    needs = {}
    for (organisation_id, year), (total, first_on) in _granted_by_year(frozenset(organisation_ids)).items():
        in_force = next(
            law for law in limits if law.valid_from <= first_on and (law.valid_to is None or first_on <= law.valid_to)
        )
        needs[organisation_id, year] = rules.agreement_need(total, Money.euros(int(in_force.value)))
    return needs


_LATEST_OPENED = Order(Award.opened_at, Award.id, descending=True)


def awards(by: Actor, filters: AwardFilters, *, after: str | None = None, before: str | None = None) -> Page:
    """A page of awards, the latest opened first, in four statements whatever their number."""
    page = _LATEST_OPENED.page(_awards(by, filters), after=after, before=before)
    return replace(page, rows=_award_lines(page.rows))


def every_award(by: Actor, filters: AwardFilters) -> Iterator[AwardLine]:
    """The whole list of awards, for the sheet."""
    for rows in _LATEST_OPENED.slices(_awards(by, filters)):
        yield from _award_lines(rows)


def _awards(by: Actor, filters: AwardFilters) -> Statement:
    return _lines([visible_to(by), *_conditions(filters)])


def award_totals(by: Actor, filters: AwardFilters) -> Found:
    """How many awards a list holds, and their amounts: voted, engaged, ordered, paid, released."""
    sums = select(
        func.count().label("number"),
        *(
            func.sum(column).label(column.key)
            for column in (Award.amount, Award.engaged, Award.ordered, Award.paid, Award.released)
        ),
    )
    return db.session.execute(_listed(sums).where(visible_to(by), *_conditions(filters))).one()


def award_counts(lists: Iterable[AwardFilters], by: Actor) -> Sequence[int]:
    """How many awards each of some lists holds, in one statement."""
    columns = [func.count().filter(*_conditions(filters)) for filters in lists]
    return db.session.execute(_listed(select(*columns).select_from(Award)).where(visible_to(by))).one()


def left_of(totals: Found) -> Money:
    """What is still to be ordered of the awards that were added up."""
    return (totals.amount or ZERO) - (totals.released or ZERO) - (totals.ordered or ZERO)


def calls_with_awards(by: Actor) -> Sequence[Found]:
    """The calls awards come from: code and title, the latest first."""
    statement = (
        select(Call.code, Call.title, Call.closes_at)
        .join(Application, Application.call_id == Call.id)
        .join(Award, Award.application_id == Application.id)
        .where(visible_to(by))
        .distinct()
    )
    return db.session.execute(statement.order_by(Call.closes_at.desc(), Call.code)).all()


def award_line(award: Award) -> AwardLine:
    """One award as lists show it."""
    return _award_lines(db.session.execute(_lines([Award.id == award.id])).all())[0]


def awards_of(by: Actor) -> list[AwardLine]:
    """The awards of the organisations a person acts for, the latest first."""
    statement = _lines([Award.organisation_id.in_(list(by.organisations))])
    return _award_lines(db.session.execute(statement.order_by(Award.opened_at.desc(), Award.id)).all())


# ---- payments ------------------------------------------------------------------------------------------------------

_earlier = aliased(Instalment)
_BANK_READY = exists().where(BankDetails.organisation_id == Award.organisation_id, IN_USE)
_BANK_HANDED_OVER = exists().where(BankDetails.organisation_id == Award.organisation_id, _HANDED_OVER)
_FOLLOWS_OPEN = exists().where(
    _earlier.award_id == Instalment.award_id,
    _earlier.position < Instalment.position,
    _earlier.state.in_(STILL_OPEN),
)
_REPORT_READY = exists().where(Report.award_id == Award.id, Report.state == ReportState.ACCEPTED)
_SIGNED = exists().where(Agreement.award_id == Award.id, Agreement.signed_on.is_not(None))
_READY = and_(
    Instalment.state == InstalmentState.PLANNED,
    Award.state == AwardState.RUNNING,
    _BANK_READY,
    ~_FOLLOWS_OPEN,
    or_(Instalment.kind != InstalmentKind.BALANCE, _REPORT_READY),
    or_(Instalment.condition == "", Instalment.attested_on.is_not(None)),
)
PAYMENT_VIEWS: dict[str, ColumnElement[bool]] = {
    "prepare": _READY,
    "approve": Instalment.state == InstalmentState.PREPARED,
    "order": Instalment.state == InstalmentState.APPROVED,
    "pay": Instalment.state.in_(UNPAID),
    "later": and_(Instalment.state == InstalmentState.PLANNED, ~_READY),
    "paid": Instalment.state == InstalmentState.PAID,
}


@dataclass(frozen=True)
class PaymentLine:
    """An instalment in the list of payments; `reason` says why its order cannot be prepared yet."""

    id: UUID
    award_id: UUID
    reference: str
    organisation: str
    label: str
    amount: Money
    due_on: date | None
    prepared_by: str
    approved_by: str
    order_number: str
    ordered_on: date | None
    paid_on: date | None
    reason: LazyString | None
    returned: str
    is_suspended: bool


_preparer, _approver = aliased(Account), aliased(Account)


def _payments() -> Statement:
    return (
        select(
            Instalment.id, Instalment.award_id, Instalment.label, Instalment.kind, Instalment.amount,
            Instalment.due_on, Instalment.state, Instalment.returned_note,
            Instalment.order_number, Instalment.ordered_on, Instalment.paid_on,
            Award.state.label("award_state"), Award.organisation_id, Application.reference, Organisation.name,
            Meeting.act_on, Instrument.form, _preparer.name.label("preparer"), _approver.name.label("approver"),
            _BANK_READY.label("bank_ready"), _BANK_HANDED_OVER.label("handed_over"),
            _FOLLOWS_OPEN.label("follows_open"), _REPORT_READY.label("report_ready"), _SIGNED.label("signed"),
            and_(Instalment.condition != "", Instalment.attested_on.is_(None)).label("lacks_proof"),
        )
        .join(Award, Award.id == Instalment.award_id)
        .join(Decision, Decision.id == Award.decision_id)
        .join(Meeting, Meeting.id == Decision.meeting_id)
        .join(Application, Application.id == Award.application_id)
        .join(Organisation, Organisation.id == Award.organisation_id)
        .outerjoin(Instrument, Instrument.id == Application.instrument_id)
        .outerjoin(_preparer, _preparer.id == Instalment.prepared_by)
        .outerjoin(_approver, _approver.id == Instalment.approved_by)
    )  # fmt: skip


def _readiness(row: Any, needs: Mapping[tuple[UUID, int], AgreementNeed]) -> Readiness:
    need = needs.get((row.organisation_id, row.act_on.year), AgreementNeed.NOT_DUE)
    due = need.is_due or row.form is FundingForm.REPAYABLE_ADVANCE
    return Readiness(
        is_running=row.award_state is AwardState.RUNNING,
        lacks_agreement=due and not row.signed,
        has_bank_details=bool(row.bank_ready),
        follows_open_one=bool(row.follows_open),
        is_balance=row.kind is InstalmentKind.BALANCE,
        has_accepted_report=bool(row.report_ready),
        lacks_proof=bool(row.lacks_proof),
        was_handed_over=bool(row.handed_over),
    )


_FIRST_DUE = Order(case((Instalment.due_on.is_(None), literal(_FAR)), else_=Instalment.due_on), Instalment.id)


def payments(by: Actor, view: str, *, after: str | None = None, before: str | None = None) -> Page:
    """A page of instalments in a view of the payments, the first due first, in three statements."""
    page = _FIRST_DUE.page(_in_view(by, view), after=after, before=before)
    return replace(page, rows=_payment_lines(page.rows))


def every_payment(by: Actor, view: str) -> Iterator[PaymentLine]:
    """The whole of a view of the payments, for the sheet."""
    for rows in _FIRST_DUE.slices(_in_view(by, view)):
        yield from _payment_lines(rows)


def _in_view(by: Actor, view: str) -> Statement:
    return _payments().where(visible_to(by), PAYMENT_VIEWS[view])


def _payment_lines(rows: Sequence[Found]) -> list[PaymentLine]:
    needs = _needs({row.organisation_id for row in rows})
    return [
        PaymentLine(
            id=row.id, award_id=row.award_id, reference=row.reference or "", organisation=row.name, label=row.label,
            amount=row.amount, due_on=row.due_on, prepared_by=row.preparer or "", approved_by=row.approver or "",
            order_number=row.order_number or "", ordered_on=row.ordered_on, paid_on=row.paid_on,
            reason=rules.why_not_prepare(_readiness(row, needs)) if row.state is InstalmentState.PLANNED else None,
            returned=row.returned_note, is_suspended=row.state is InstalmentState.SUSPENDED,
        )
        for row in rows
    ]  # fmt: skip


def payment_counts(by: Actor) -> dict[str, tuple[int, Money]]:
    """How many instalments each view of the payments holds, and their amount, in one statement."""
    columns: list[Any] = []
    for name, condition in PAYMENT_VIEWS.items():
        columns += [
            func.count().filter(condition).label(f"{name}_number"),
            func.sum(Instalment.amount).filter(condition).label(f"{name}_amount"),
        ]
    counted = select(*columns).select_from(Instalment).join(Award, Award.id == Instalment.award_id)
    found = db.session.execute(counted.where(visible_to(by))).mappings().one()
    return {name: (found[f"{name}_number"], found[f"{name}_amount"] or ZERO) for name in PAYMENT_VIEWS}


def is_order_known(number: str, year: int, *, besides: Instalment) -> bool:
    """Whether another order of a year bears a number, or bore it before it was rejected or cancelled."""
    current = exists().where(
        Instalment.order_number == number, Instalment.order_year == year, Instalment.id != besides.id
    )
    ordered = aliased(LedgerEntry)  # the order that was reversed: the number is of its year, not of the reversal's
    reversed_ = exists().where(
        LedgerEntry.kind.in_(REVERSALS), LedgerEntry.number == number,
        ordered.instalment_id == LedgerEntry.instalment_id, ordered.attempt == LedgerEntry.attempt,
        ordered.kind == LedgerKind.ORDERED, extract("year", ordered.day) == year,
    )  # fmt: skip
    return bool(db.session.scalar(select(or_(current, reversed_))))


def is_amendment_known(award_id: UUID, number: str) -> bool:
    """Whether an amendment of this number was recorded for an award."""
    return bool(db.session.scalar(select(exists().where(Amendment.award_id == award_id, Amendment.number == number))))


def amendments_of(award_id: UUID) -> Sequence[Amendment]:
    """The amendments of an award's agreement, the first recorded first."""
    statement = select(Amendment).where(Amendment.award_id == award_id)
    return db.session.scalars(statement.order_by(Amendment.written_at, Amendment.id)).all()


def why_not_prepare(instalment: Instalment) -> str | None:
    """The reason why a payment order cannot be prepared now, or None."""
    row = db.session.execute(_payments().where(Instalment.id == instalment.id)).one()
    reason = rules.why_not_prepare(_readiness(row, _needs({row.organisation_id})))
    return str(reason) if reason else None


# ---- bank details --------------------------------------------------------------------------------------------------


def bank_details_of(organisation_id: UUID) -> Sequence[BankDetails]:
    """A body's bank details, newest first."""
    statement = select(BankDetails).where(BankDetails.organisation_id == organisation_id)
    return db.session.scalars(statement.order_by(BankDetails.given_at.desc(), BankDetails.id)).all()


def confirmed_bank_details(organisation_id: UUID) -> BankDetails | None:
    """The bank details in use: two people confirmed them, and the body was not handed over since; or None."""
    return db.session.scalar(select(BankDetails).where(BankDetails.organisation_id == organisation_id, IN_USE))


def why_not_use(details: BankDetails | None) -> LazyString | None:
    """The reason why nothing may be paid to bank details, nor a check of them count: their body was handed over since
    they were given."""
    if (
        details is None
        or db.session.scalar(select(BankDetails.id).where(BankDetails.id == details.id, _HANDED_OVER)) is None
    ):
        return None
    return rules.HANDED_OVER


def why_not_pay_to(instalment: Instalment) -> LazyString | None:
    """The reason why a payment under way goes no further: the account it was prepared for was replaced, or its body
    was handed over, since."""
    details = instalment.bank_details
    if details is None or instalment.state is InstalmentState.PAID:
        return None
    if details.state is BankState.CONFIRMED:
        return why_not_use(details)
    return rules.REPLACED_SINCE_ORDERED if instalment.state in UNPAID else rules.REPLACED


def unused_since(details: BankDetails) -> date | None:
    """The day from which nothing may be paid to an account: it was replaced, or its body handed over; None in use."""
    handed_over = db.session.scalar(
        select(func.min(Entry.at))
        .join(BankDetails, BankDetails.organisation_id == Entry.subject_id)
        .where(BankDetails.id == details.id, Entry.event == "organisation.handed_over")
        .where(Entry.seq > _GIVEN_SEQ)
    )
    replaced = details.settled_at if details.state is BankState.REPLACED else None
    known = [at for at in (handed_over, replaced) if at is not None]
    return clock.day_of(min(known)) if known else None


BANK_VIEWS: dict[str, ColumnElement[bool]] = {
    "waiting": and_(BankDetails.state.in_(BANK_WAITING), ~_HANDED_OVER),
    "confirmed": IN_USE,
    "past": or_(BankDetails.state.in_((BankState.REFUSED, BankState.REPLACED)), _HANDED_OVER),
}


def bank_inbox(by: Actor, view: str, *, after: str | None = None, before: str | None = None) -> Page:
    """A page of bank details: those that wait, those in use, or those of the past; the first given first.

    Those given before their body was handed over are of the past.
    """
    giver, first, second = aliased(Account), aliased(Account), aliased(Account)
    statement = (
        select(
            BankDetails.id, BankDetails.holder, BankDetails.iban_last4, BankDetails.state, BankDetails.given_at,
            BankDetails.given_by, BankDetails.first_by, Organisation.name, giver.name.label("giver"),
            first.name.label("first"), second.name.label("second"),
        )
        .join(Organisation, Organisation.id == BankDetails.organisation_id)
        .join(giver, giver.id == BankDetails.given_by)
        .outerjoin(first, first.id == BankDetails.first_by)
        .outerjoin(second, second.id == BankDetails.second_by)
        .where(BANK_VIEWS[view], BankDetails.organisation_id.not_in(reviewing.tied_to(by.id)))
    )  # fmt: skip
    return Order(BankDetails.given_at, BankDetails.id).page(statement, after=after, before=before)


def bank_counts(by: Actor) -> Mapping[str, int]:
    """How many bank details each view holds for a person, in one statement."""
    columns = [func.count().filter(condition).label(view) for view, condition in BANK_VIEWS.items()]
    counted = select(*columns).select_from(BankDetails)
    known = BankDetails.organisation_id.not_in(reviewing.tied_to(by.id))
    return dict(db.session.execute(counted.where(known)).mappings().one())


def others_with(details: BankDetails) -> Sequence[str]:
    """Other organisations that gave the same account: a sign to look twice at."""
    return db.session.scalars(
        select(Organisation.name)
        .join(BankDetails, BankDetails.organisation_id == Organisation.id)
        .where(BankDetails.iban_digest == details.iban_digest, BankDetails.organisation_id != details.organisation_id)
        .distinct()
        .order_by(Organisation.name)
    ).all()


# ---- who acted on a sum --------------------------------------------------------------------------------------------

# The link of a chain that each permission is.
LINKS: dict[str, Link] = {
    P.INSTALMENT_PLAN: Link.DUE,
    P.REPORT_DECIDE: Link.DUE,
    P.BANK_DETAILS_GIVE: Link.ACCOUNT,
    P.BANK_DETAILS_CONFIRM: Link.CHECK,
    P.PAYMENT_PREPARE: Link.PREPARE,
    P.PAYMENT_APPROVE: Link.APPROVE,
    P.PAYMENT_STOP: Link.APPROVE,
    P.PAYMENT_RECORD: Link.RECORD,
}
# The link that each line of the journal was an act of; a move without a page of its own follows from another one.
ACTS: dict[str, Link] = {
    f"{machine.name}.{move.verb}": LINKS[move.permission]
    for machine in (AWARD, BANK, INSTALMENT, RECEIVABLE, REPORT)
    for move in machine.moves
    if move.endpoint is not None and move.permission in LINKS
} | {
    "award.repayments_planned": Link.DUE,
    "bank_details.given": Link.ACCOUNT,
    "receivable.prepared": Link.PREPARE,
}


def why_not_act(account_id: UUID | None, thing: Any, permission: StrEnum) -> LazyString | None:
    """The reason why a person may not act under a permission on a sum, because of who acted on it before, or None.

    The one rule of every act from the schedule to the last receipt, asked by the view's permission, by the page and by
    the act.
    """
    if account_id is None or not isinstance(thing, Award | BankDetails | Instalment | Receivable | Report):
        return None
    hands = cached_in_transaction(("hands", account_id, thing.id), lambda: _hands_of(thing, account_id))
    return rules.why_not_act(LINKS[permission], hands, approves=permission == P.PAYMENT_APPROVE)


def _hands_of(thing: Any, account_id: UUID) -> list[Hand]:
    """Who acted on a thing and on what it follows from, as the journal says, in one statement."""
    ids = union_all(*_followed(thing)).subquery()
    rows = db.session.execute(
        select(Entry.event, Entry.actor_id, people.is_office_between(account_id, Entry.actor_id).label("is_tied"))
        .join(ids, ids.c.id == Entry.subject_id)
        .where(Entry.actor_id.is_not(None), Entry.event.in_(ACTS))
        .distinct()
    )
    return [Hand(ACTS[row.event], row.actor_id == account_id, row.is_tied) for row in rows]


def _followed(thing: Any) -> list[Select[UUID]]:
    """The ids of a thing and of what it follows from or decides: the award and its report, the account, open sums."""
    ids = [select(literal(thing.id, Uuid()).label("id"))]
    if isinstance(thing, BankDetails):
        return ids
    award_id = thing.id if isinstance(thing, Award) else thing.award_id
    ids += [select(literal(award_id, Uuid())), select(Report.id).where(Report.award_id == award_id)]
    if isinstance(thing, Award | Report):
        open_states = (*STILL_OPEN, *UNPAID)
        ids += [
            select(Instalment.id).where(Instalment.award_id == award_id, Instalment.state.in_(open_states)),
            select(Receivable.id).where(Receivable.award_id == award_id, Receivable.state.not_in(_OVER)),
        ]
    if isinstance(thing, Instalment) and thing.bank_details_id is not None:
        return [*ids, select(literal(thing.bank_details_id, Uuid()))]
    if not isinstance(thing, Receivable):
        organisation_id = (thing if isinstance(thing, Award) else thing.award).organisation_id
        account = select(BankDetails.id).where(BankDetails.organisation_id == organisation_id)
        ids.append(account.where(BankDetails.state == BankState.CONFIRMED))
    return ids


# ---- who is written to ---------------------------------------------------------------------------------------------


def members_of(organisation_id: UUID) -> list[tuple[str, str]]:
    """The addresses and languages of the people who act for an organisation and can sign in."""
    rows = db.session.execute(
        select(Account.email, Account.locale)
        .join(Membership, Membership.account_id == Account.id)
        .where(Membership.organisation_id == organisation_id, Account.active)
        .order_by(Account.email)
    )
    return [(row.email, row.locale) for row in rows]


def warned_of_bank_details(organisation: Organisation) -> list[tuple[str, str]]:
    """Whom a change of bank details is told to: members, the organisation's own addresses, earlier givers."""
    earlier = db.session.execute(
        select(Account.email, Account.locale)
        .join(BankDetails, BankDetails.given_by == Account.id)
        .where(BankDetails.organisation_id == organisation.id)
        .order_by(Account.email)
    )
    written_to = [
        *members_of(organisation.id),
        *((row.email, row.locale) for row in earlier),
        (organisation.email, "fr"),
        (organisation.representative_email, "fr"),
    ]
    found: dict[str, tuple[str, str]] = {}
    for address, locale in written_to:
        if address:
            found.setdefault(address.lower(), (address, locale))
    return list(found.values())


# ---- reports -------------------------------------------------------------------------------------------------------


def realised(report: Report) -> Money:
    """What the project really cost so far as told, without contributions in kind."""
    charges = [line for line in report.lines if line.side == "charge" and not is_in_kind(line.account)]
    return sum((line.actual for line in charges if line.actual), ZERO)


def settlement_of(report: Report) -> Settlement:
    """What the report's real cost makes of the award."""
    award = report.award
    return rules.settlement(award.amount, award.released, award.ordered, award.eligible_base, realised(report))


def owed_back(award: Award, report: Report | None) -> Money:
    """What the association still has to give back, by the ledger and the accepted report."""
    excess = settlement_of(report).excess if report is not None and report.state is ReportState.ACCEPTED else ZERO
    settled = award.received + award.given_up
    return rules.owed_back(award.paid, excess, award.claimed, settled, is_advance=is_advance(award))


def left_to_claim(award: Award) -> Money:
    """What of the excess paid no recovery asks for yet, issued or under way; zero when all is asked."""
    asked = award.claimed - award.received - award.given_up + unissued(award.id)
    return max(ZERO, owed_back(award, report_of(award.id)) - asked)


def receivables_of(award_id: UUID) -> Sequence[Receivable]:
    """What is owed back of an award, cancelled or not: the repayments in order, then the recoveries.

    Asked once in a transaction.
    """
    statement = select(Receivable).where(Receivable.award_id == award_id)
    ordered = statement.order_by(Receivable.kind.desc(), Receivable.position, Receivable.id)
    return cached_in_transaction(("receivables", award_id), lambda: db.session.scalars(ordered).all())


def repayments_of(award_id: UUID) -> list[Receivable]:
    """The repayments of an advance that stand, in order."""
    return [
        row
        for row in receivables_of(award_id)
        if row.kind is ReceivableKind.REPAYMENT and row.state is not ReceivableState.CANCELLED
    ]


def receivables_due(until: date) -> Sequence[Receivable]:
    """The sums to be received whose day is at most `until`, the oldest first."""
    statement = select(Receivable).where(Receivable.state == ReceivableState.DUE, Receivable.due_on <= until)
    return db.session.scalars(statement.order_by(Receivable.due_on, Receivable.id)).all()


@dataclass(frozen=True)
class ReceivedSum:
    """A sum that was received, as its ledger line says; it stands unless another line reverses it."""

    id: int
    amount: Money
    day: date
    number: str
    name: str
    stands: bool


def receipts_of(receivable_id: UUID) -> list[ReceivedSum]:
    """The receipts of a sum owed back, the first recorded first."""
    reversal = aliased(LedgerEntry)
    rows = db.session.execute(
        select(
            LedgerEntry.id, LedgerEntry.amount, LedgerEntry.day, LedgerEntry.number, Account.name,
            reversal.id.is_(None).label("stands"),
        )
        .outerjoin(reversal, reversal.reverses_id == LedgerEntry.id)
        .outerjoin(Account, Account.id == LedgerEntry.written_by)
        .where(LedgerEntry.receivable_id == receivable_id, LedgerEntry.kind == LedgerKind.RECEIVED)
        .order_by(LedgerEntry.id)
    )  # fmt: skip
    return [ReceivedSum(row.id, row.amount, row.day, row.number, row.name or "", row.stands) for row in rows]


def awaits_answer(award_id: UUID) -> bool:
    """Whether somebody proposes to reverse a receipt of an award."""
    return any(row.reversal_line is not None for row in receivables_of(award_id))


def unissued(award_id: UUID) -> Money:
    """What recoveries under way will claim once they are issued."""
    waiting = (ReceivableState.PREPARED, ReceivableState.APPROVED)
    return sum((row.amount for row in receivables_of(award_id) if row.state in waiting), ZERO)


def is_claim_known(number: str, year: int) -> bool:
    """Whether a recovery of a year bears a number."""
    known = exists().where(Receivable.number == number, Receivable.order_year == year)
    return bool(db.session.scalar(select(known)))


_LEFT: ColumnElement[Money] = type_coerce(
    Receivable.amount - Receivable.received - Receivable.given_up - Receivable.cancelled, Cents()
)


@dataclass(frozen=True)
class ReceivableLine:
    """A sum owed back, in the list of those to be received."""

    id: UUID
    reference: str
    organisation: str
    kind: ReceivableKind
    due_on: date
    amount: Money
    left: Money


_SOONEST_DUE = Order(Receivable.due_on, Receivable.id)


def receivables(by: Actor, *, late: bool, after: str | None = None, before: str | None = None) -> Page:
    """A page of the sums to be received, the first due first; only the late ones when asked."""
    page = _SOONEST_DUE.page(_receivables(by, late=late), after=after, before=before)
    return replace(page, rows=_receivable_lines(page.rows))


def every_receivable(by: Actor, *, late: bool) -> Iterator[ReceivableLine]:
    """The whole list of the sums to be received, for the sheet."""
    for rows in _SOONEST_DUE.slices(_receivables(by, late=late)):
        yield from _receivable_lines(rows)


def _receivables(by: Actor, *, late: bool) -> Statement:
    statement = (
        select(
            Receivable.id, Application.reference, Organisation.name, Receivable.kind, Receivable.due_on,
            Receivable.amount, _LEFT.label("left"),
        )
        .join(Award, Award.id == Receivable.award_id)
        .join(Application, Application.id == Award.application_id)
        .join(Organisation, Organisation.id == Award.organisation_id)
        .where(visible_to(by), Receivable.state == ReceivableState.DUE)
    )  # fmt: skip
    return statement.where(Receivable.due_on < clock.today()) if late else statement


def _receivable_lines(rows: Sequence[Found]) -> list[ReceivableLine]:
    return [
        ReceivableLine(row.id, row.reference or "", row.name, row.kind, row.due_on, row.amount, row.left)
        for row in rows
    ]


def receivable_totals(by: Actor) -> dict[str, tuple[int, Money]]:
    """How many sums are to be received and late, and what is left of them, in one statement."""
    late = Receivable.due_on < clock.today()
    row = db.session.execute(
        select(
            func.count().label("number"), func.sum(_LEFT).label("amount"),
            func.count().filter(late).label("late_number"), func.sum(_LEFT).filter(late).label("late_amount"),
        )
        .select_from(Receivable)
        .join(Award, Award.id == Receivable.award_id)
        .where(visible_to(by), Receivable.state == ReceivableState.DUE)
    ).one()  # fmt: skip
    return {"all": (row.number, row.amount or ZERO), "late": (row.late_number, row.late_amount or ZERO)}


def lines_to_explain(report: Report) -> list[ReportLine]:
    """The lines whose gap between planned and real calls for a word, by the law table of the day."""
    today = clock.today()
    percent = programme.law_number("report_line_gap", today)
    amount = Money.euros(programme.law_number("report_line_gap_amount", today))
    return [
        line
        for line in report.lines
        if line.actual is not None
        and rules.needs_explanation(line.planned, line.actual, percent=percent, amount=amount)
    ]


def reports_due(until: date) -> Sequence[Report]:
    """Reports still owed whose day is at most `until`, the oldest first."""
    statement = select(Report).where(
        Report.state.in_((ReportState.EXPECTED, ReportState.RETURNED)), Report.due_on <= until
    )
    return db.session.scalars(statement.order_by(Report.due_on, Report.id)).all()


# ---- what must hold ------------------------------------------------------------------------------------------------


def released_by_call(*only: ColumnElement[bool]) -> dict[UUID, Money]:
    """What awards gave back, by call; perhaps of some dossiers only."""
    statement = (
        select(Application.call_id, func.sum(Award.released).label("total"))
        .join(Award, Award.application_id == Application.id)
        .where(*only)
        .group_by(Application.call_id)
    )
    return {row.call_id: row.total for row in db.session.execute(statement)}


def hidden_money(by: Actor) -> dict[UUID, Money]:
    """What the dossiers a person has a link with hold of each call, to be left out of every total they see."""
    if by.id is None or not reviewing.linked_ids(by.id):
        return {}
    hidden = deliberation.hidden_from(by)
    held = deliberation.held_by_call(hidden)
    released = released_by_call(hidden) if held else {}
    return {call_id: amount - released.get(call_id, ZERO) for call_id, amount in held.items()}


def problems() -> Iterator[str]:
    """What does not hold in the ledger: running sums, splits and instalments against their lines."""
    yield from _sums_that_differ()
    split = (
        select(LedgerEntry.id, LedgerAllocation.dimension)
        .join(LedgerAllocation, LedgerAllocation.entry_id == LedgerEntry.id)
        .group_by(LedgerEntry.id, LedgerEntry.amount, LedgerAllocation.dimension)
        .having(func.sum(LedgerAllocation.amount) != LedgerEntry.amount)
        .order_by(LedgerEntry.id)
    )
    for entry_id, dimension in db.session.execute(split):
        yield f"ledger line {entry_id}: its split by {dimension} does not add up"
    unsplit = (
        select(LedgerEntry.id)
        .outerjoin(LedgerAllocation, LedgerAllocation.entry_id == LedgerEntry.id)
        .group_by(LedgerEntry.id)
        .having(func.count(func.distinct(LedgerAllocation.dimension)) != len(Dimension))
        .order_by(LedgerEntry.id)
    )
    for entry_id in db.session.scalars(unsplit):
        yield f"ledger line {entry_id}: it is not split in every dimension"
    planned = (
        select(Award.id)
        .join(Instalment, Instalment.award_id == Award.id)
        .where(Instalment.state != InstalmentState.CANCELLED)
        .group_by(Award.id, Award.amount, Award.released)
        .having(func.sum(Instalment.amount) != Award.amount - Award.released)
        .order_by(Award.id)
    )
    for award_id in db.session.scalars(planned):
        yield f"award {award_id}: its instalments do not add up"
    yield from _instalments_that_differ()
    yield from _receivables_that_differ()


def _sums_that_differ() -> Iterator[str]:
    sums: dict[tuple[UUID, LedgerKind], Money] = {}
    lines = select(LedgerEntry.award_id, LedgerEntry.kind, func.sum(LedgerEntry.amount).label("total"))
    for row in db.session.execute(lines.group_by(LedgerEntry.award_id, LedgerEntry.kind)):
        key = row.award_id, REVERSALS.get(row.kind, row.kind)
        sums[key] = sums.get(key, ZERO) + row.total
    rows = db.session.execute(
        select(
            Award.id, Award.amount, Award.engaged, Award.ordered, Award.paid, Award.released, Award.claimed,
            Award.received, Award.given_up,
        ).order_by(Award.id)
    )  # fmt: skip
    for award in rows:
        recorded = {
            LedgerKind.VOTED: award.amount,
            LedgerKind.ENGAGED: award.engaged,
            LedgerKind.ORDERED: award.ordered,
            LedgerKind.PAID: award.paid,
            LedgerKind.RELEASED: award.released,
            LedgerKind.CLAIMED: award.claimed,
            LedgerKind.RECEIVED: award.received,
            LedgerKind.GIVEN_UP: award.given_up,
        }
        for kind, amount in recorded.items():
            if sums.get((award.id, kind), ZERO) != amount:
                yield f"award {award.id}: {kind} differs from the ledger"


def _instalments_that_differ() -> Iterator[str]:
    """What is ordered of each instalment, net of reversals, is its amount while an order stands; paid likewise."""
    for kind, states in (
        (LedgerKind.ORDERED, (*UNPAID, InstalmentState.PAID)),
        (LedgerKind.PAID, (InstalmentState.PAID,)),
    ):
        kinds = [kind, *(reversal for reversal, reversed_kind in REVERSALS.items() if reversed_kind is kind)]
        line = aliased(LedgerEntry)
        total = func.coalesce(func.sum(line.amount), literal(0, BigInteger))
        mismatched = (
            select(Instalment.id)
            .outerjoin(line, and_(line.instalment_id == Instalment.id, line.kind.in_(kinds)))
            .group_by(Instalment.id, Instalment.state, Instalment.amount)
            .having(total != case((Instalment.state.in_(states), Instalment.amount), else_=literal(0, BigInteger)))
            .order_by(Instalment.id)
        )
        for instalment_id in db.session.scalars(mismatched):
            yield f"instalment {instalment_id}: its {kind} lines differ"


def _receivables_that_differ() -> Iterator[str]:
    """What a receivable says to be claimed, received, given up or cancelled is what its lines add up to."""
    claimed = and_(Receivable.kind == ReceivableKind.RECOVERY, Receivable.number.is_not(None))
    recorded: dict[tuple[LedgerKind, ...], Any] = {
        (LedgerKind.CLAIMED,): case((claimed, Receivable.amount), else_=literal(0, BigInteger)),
        (LedgerKind.RECEIVED, LedgerKind.RECEIPT_REVERSED): Receivable.received,
        (LedgerKind.GIVEN_UP,): Receivable.given_up,
        (LedgerKind.CLAIM_CANCELLED,): -Receivable.cancelled,
    }
    for kinds, column in recorded.items():
        line = aliased(LedgerEntry)
        total = func.coalesce(func.sum(line.amount), literal(0, BigInteger))
        mismatched = (
            select(Receivable.id)
            .outerjoin(line, and_(line.receivable_id == Receivable.id, line.kind.in_(kinds)))
            .group_by(Receivable.id)
            .having(total != column)
            .order_by(Receivable.id)
        )
        for receivable_id in db.session.scalars(mismatched):
            yield f"receivable {receivable_id}: its {kinds[0]} lines differ"
    reversal, reversed_ = aliased(LedgerEntry), aliased(LedgerEntry)
    amiss = (
        select(reversal.id)
        .join(reversed_, reversed_.id == reversal.reverses_id)
        .where(or_(reversal.amount != -reversed_.amount, reversal.receivable_id != reversed_.receivable_id))
        .order_by(reversal.id)
    )
    for entry_id in db.session.scalars(amiss):
        yield f"ledger line {entry_id}: it is not the reverse of the line it names"
