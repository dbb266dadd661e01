"""Lists of awards, their filters, counts and totals."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, select

from grants.applications.models import Application
from grants.applications.parts.budget import IN_KIND
from grants.applications.queries import found_by
from grants.awards import rules
from grants.awards.lifecycle import AwardState, BankState, InstalmentState, ReportState
from grants.awards.models import Agreement, Award, BankDetails, Instalment, InstalmentKind, Report, ReportLine
from grants.awards.queries.award import granted_by_year, shares_of, threshold_on
from grants.awards.queries.bank import BANK_WAITING, HANDED_OVER
from grants.awards.queries.states import AWAITS_PIECE, STILL_OPEN, UNPAID, ZERO, Found, Statement, visible_to
from grants.awards.rules import AgreementNeed, NextStep, Progress
from grants.calls.models import Call
from grants.deliberation.models import Decision, Meeting
from grants.kernel import clock
from grants.kernel.actor import Actor
from grants.kernel.db import db
from grants.kernel.machine import Text
from grants.kernel.money import Money
from grants.kernel.pages import day, money
from grants.kernel.paging import Order, Page
from grants.kernel.words import _, _l
from grants.people.models import Organisation
from grants.programme.models import Axis, FundingForm, Instrument

_ORDER_COMES = _l("Rien : un versement se prépare")
# What an association waits for, where that is an act of the fund it is told of.
WAITS = {
    NextStep.PREPARE: _ORDER_COMES,
    NextStep.APPROVE: _ORDER_COMES,
    NextStep.ORDER: _ORDER_COMES,
    NextStep.PAY: _l("Rien : le comptable public va payer"),
}


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

    @property
    def is_report_late(self) -> bool:
        """Whether its report is owed and the day has passed."""
        is_owed = self.report_state in {ReportState.EXPECTED, ReportState.RETURNED}
        return is_owed and self.report_due_on is not None and self.report_due_on < clock.today()

    @property
    def todo(self) -> Text:
        """In a few words, what the association has to do, or what it waits for."""
        if self.state is AwardState.CLOSED:
            return _("Rien : tout est soldé")
        if self.state is AwardState.AGREEMENT or self.step is NextStep.SIGN:
            return _("Signer la convention")
        if self.step is NextStep.RECOVER:
            return _("Rendre %(amount)s", amount=money(self.owed))
        if not self.bank_given:
            return _("Donner vos coordonnées bancaires")
        if self.progress.lacks_piece:
            return _("Donner une pièce nécessaire au versement")
        if self.step is NextStep.REPORT and self.report_state is ReportState.RETURNED:
            return _("Corriger votre bilan")
        if self.step is NextStep.REPORT and self.report_state is ReportState.EXPECTED:
            return _("Rendre votre bilan avant le %(day)s", day=day(self.report_due_on))
        return WAITS.get(self.step) or _("Rien : nous nous en occupons")


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
        .where(~HANDED_OVER)
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
                cost.c.realised, AWAITS_PIECE.label("lacks_piece"),
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
        lacks_piece=bool(row.lacks_piece),
    )
    return AwardLine(
        id=row.id, state=row.state, reference=row.reference or "", title=row.title, organisation=row.name,
        call=row.call, shares=shares, amount=row.amount, engaged=row.engaged, ordered=row.ordered, paid=row.paid,
        released=row.released, report_due_on=row.due_on, report_state=row.report_state, progress=progress,
        step=rules.next_step(progress), opened_at=row.opened_at, organisation_id=row.organisation_id,
        bank_given=bool(row.confirmed or row.waiting), owed=owed, is_advance=advance,
    )  # fmt: skip


def _award_lines(rows: Sequence[Found]) -> list[AwardLine]:
    dues = agreement_needs({row.organisation_id for row in rows})
    shares = shares_of(row.application_id for row in rows)
    return [_line(row, dues, shares.get(row.application_id, [])) for row in rows]


def agreement_needs(organisation_ids: set[UUID]) -> dict[tuple[UUID, int], AgreementNeed]:
    """What the yearly totals of some bodies call for, in two statements."""
    needs = {}
    for (organisation_id, year), (total, first_on) in granted_by_year(frozenset(organisation_ids)).items():
        needs[organisation_id, year] = rules.agreement_need(total, threshold_on(first_on))
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
