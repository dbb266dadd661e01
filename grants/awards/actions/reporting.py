"""Acts on the final report, and the balance and closing that follow it."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy.orm.attributes import flag_modified

from grants.applications.parts.budget import is_in_kind
from grants.awards import letters, queries
from grants.awards.actions import chain, ledger, reminding, settling
from grants.awards.lifecycle import AWARD, REPORT, ReportState
from grants.awards.models import Award, Report, ReportFile
from grants.kernel import clock, journal
from grants.kernel.actor import Actor
from grants.kernel.errors import InvalidError, RefusedError
from grants.kernel.money import Money
from grants.kernel.pages import money
from grants.kernel.uploads import StoredFile
from grants.kernel.versions import refuse_changed
from grants.kernel.words import _

REMINDERS = (60, 30, 0)  # days before the day a report is due


def save(
    report: Report,
    *,
    narrative: str,
    gaps: str,
    people_reached: int | None,
    lines: Mapping[UUID, Money | None],
    indicators: Mapping[UUID, int | None],
    by: Actor,
    files: Sequence[StoredFile] = (),
    version: int | None,
) -> None:
    """Keep what the association wrote, complete or not. Raises ConflictError when a colleague wrote meanwhile."""
    refuse_changed(
        report.version,
        version,
        (_("Ce qui a été fait"), narrative, report.narrative),
        (_("Explication des écarts"), gaps, report.gaps),
    )
    journal.advance(REPORT, report, "save", by=by)
    report.narrative, report.gaps, report.people_reached = narrative, gaps, people_reached
    flag_modified(report, "narrative")  # its lines are part of what the version protects
    for line in report.lines:
        if line.id in lines:
            line.actual = lines[line.id]
    for indicator in report.indicators:
        if indicator.id in indicators:
            indicator.actual = indicators[indicator.id]
    for file in files:
        report.files.append(ReportFile(file_id=file.id, file=file, given_at=clock.now()))


def submit(report: Report, *, by: Actor) -> None:
    """Send the report. Raises InvalidError naming what is missing or does not balance."""
    if not report.narrative.strip():
        raise InvalidError(_("Racontez ce qui a été fait."), field="narrative")
    if report.people_reached is None:
        raise InvalidError(_("Dites combien de personnes ont été touchées, 0 si personne."), field="people_reached")
    if any(line.actual is None for line in report.lines):
        raise InvalidError(_("Donnez le montant réel de chaque ligne, 0 si rien n’a été dépensé."), field="lines")
    if any(row.actual is None for row in report.indicators):
        raise InvalidError(_("Donnez le résultat de chaque indicateur."), field="indicators")
    for in_kind in (False, True):
        charges, resources = sides_of(report, in_kind=in_kind)
        if charges != resources:
            raise InvalidError(
                _("Les contributions en nature doivent avoir le même total des deux côtés.")
                if in_kind
                else _("Le total des charges doit être égal au total des ressources."),
                field="lines",
            )
    if queries.lines_to_explain(report) and not report.gaps.strip():
        raise InvalidError(_("Expliquez les écarts marqués dans le budget."), field="gaps")
    report.submitted_at, report.submitted_by = clock.now(), by.id
    journal.advance(REPORT, report, "submit", by=by, realised=queries.realised(report).cents)


def sides_of(report: Report, *, in_kind: bool) -> tuple[Money, Money]:
    """The real charges and resources of a report, either in money or in kind."""
    sums = {"charge": Money(0), "resource": Money(0)}
    for line in report.lines:
        if is_in_kind(line.account) is in_kind:
            sums[line.side] += line.actual or Money(0)
    return sums["charge"], sums["resource"]


def send_back(report: Report, note: str, *, by: Actor) -> None:
    """Ask for a correction, with the reason."""
    chain.advance(REPORT, report, "return", by=by)
    report.decision_note, report.decided_by = note, by.id
    letters.report_returned(report)


def accept(report: Report, *, by: Actor) -> None:
    """Accept the report and settle: what the real cost does not justify is released to the envelope."""
    ledger.hold(report.award)
    balance = queries.settlement_of(report)
    chain.advance(REPORT, report, "accept", by=by, payable=balance.payable.cents)
    report.decided_at, report.decided_by = clock.now(), by.id
    settling.settle(report.award, balance, by=by)
    letters.report_accepted(report, balance)


def why_not_close(award: Award) -> str | None:
    """The reason why an award cannot be closed now, or None."""
    report = queries.report_of(award.id)
    if report is None or report.state is not ReportState.ACCEPTED:
        return _("Le bilan n’est pas encore accepté.")
    if queries.open_instalments(award.id) or award.ordered != award.paid:
        return _("Il reste une échéance à mandater ou un mandat à payer.")
    if award.ordered + award.released != award.amount:
        return _("Les échéances ne couvrent pas le montant attribué : complétez l’échéancier.")
    if owed := queries.owed_back(award, report):
        return (
            _("L’association a encore %(amount)s de l’avance à rembourser.", amount=money(owed))
            if queries.is_advance(award)
            else _("L’association doit reverser %(amount)s, payés de trop au vu du bilan accepté.", amount=money(owed))
        )
    if queries.awaits_answer(award.id):
        return _("Quelqu’un propose d’annuler un encaissement : confirmez-le ou gardez-le d’abord.")
    if queries.unissued(award.id):
        return _("Un reversement est en préparation : émettez-le, ou ne lui donnez pas suite.")
    return None


def close(award: Award, *, by: Actor) -> None:
    """Close an award: report accepted, everything ordered was paid, nothing left to order, nothing owed back."""
    ledger.hold(award)
    if reason := why_not_close(award):
        raise RefusedError(reason)
    award.closed_on = clock.today()
    journal.advance(AWARD, award, "close", by=by)


def remind() -> int:
    """Remind of the reports due in two months, in one month, today; returns how many letters. For the worker.

    Safe to repeat: each reminder of a report is written once.
    """
    due = queries.reports_due(clock.today() + timedelta(days=max(REMINDERS)))
    return reminding.remind(due, REMINDERS, "awards_report_expected", letters.report_expected)
