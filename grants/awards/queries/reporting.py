"""Reports: what was realised, what the settlement is, what is due."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from sqlalchemy import select

from grants.applications.parts.budget import is_in_kind
from grants.awards import rules
from grants.awards.lifecycle import ReportState
from grants.awards.models import Report, ReportFile, ReportLine
from grants.awards.queries.states import ZERO
from grants.awards.rules import Settlement
from grants.kernel import clock
from grants.kernel.db import db
from grants.kernel.money import Money
from grants.kernel.transaction_cache import cached_in_transaction
from grants.programme import queries as programme


def report_of(award_id: UUID) -> Report | None:
    """The report of an award; asked once in a transaction."""
    report = select(Report).where(Report.award_id == award_id)
    return cached_in_transaction(("report", award_id), lambda: db.session.scalar(report))


def is_of_unsent_report(file_id: UUID) -> bool:
    """Whether a file was given with a report that its association still writes or corrects."""
    unsent = (ReportState.EXPECTED, ReportState.RETURNED)
    named = select(ReportFile.id).join(Report).where(ReportFile.file_id == file_id, Report.state.in_(unsent))
    return db.session.scalar(named) is not None


def realised(report: Report) -> Money:
    """What the project really cost so far as told, without contributions in kind."""
    charges = [line for line in report.lines if line.side == "charge" and not is_in_kind(line.account)]
    return sum((line.actual for line in charges if line.actual), ZERO)


def settlement_of(report: Report) -> Settlement:
    """What the report's real cost makes of the award."""
    award = report.award
    return rules.settlement(award.amount, award.released, award.ordered, award.eligible_base, realised(report))


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
