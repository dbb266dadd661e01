"""Acts on the final report, and the balance and closing that follow it."""

from collections.abc import Mapping
from uuid import UUID

from grants.awards import queries, rules
from grants.awards.actions import ledger
from grants.awards.lifecycle import AWARD, INSTALMENT, REPORT, InstalmentState, ReportState
from grants.awards.models import Award, LedgerKind, Report
from grants.kernel import clock, journal
from grants.kernel.actor import Actor
from grants.kernel.errors import InvalidError, RefusedError
from grants.kernel.money import Money
from grants.kernel.words import _


def save(
    report: Report,
    *,
    narrative: str,
    gaps: str,
    people_reached: int | None,
    lines: Mapping[UUID, Money | None],
    indicators: Mapping[UUID, int | None],
    by: Actor,
) -> None:
    """Keep what the association wrote, complete or not."""
    journal.advance(REPORT, report, "save", by=by)
    report.narrative, report.gaps, report.people_reached = narrative, gaps, people_reached
    for line in report.lines:
        if line.id in lines:
            line.actual = lines[line.id]
    for indicator in report.indicators:
        if indicator.id in indicators:
            indicator.actual = indicators[indicator.id]


def realised(report: Report) -> Money:
    """What the project really cost, without contributions in kind."""
    return sum(
        (
            line.actual
            for line in report.lines
            if line.side == "charge" and line.actual and not line.account.startswith("86")
        ),
        Money(0),
    )


def submit(report: Report, *, by: Actor) -> None:
    """Send the report. Raises InvalidError naming what is missing or does not balance."""
    if not report.narrative.strip():
        raise InvalidError(_("Racontez ce qui a été fait."), field="narrative")
    if any(line.actual is None for line in report.lines):
        raise InvalidError(_("Donnez le montant réel de chaque ligne, 0 si rien n’a été dépensé."), field="lines")
    if any(row.actual is None for row in report.indicators):
        raise InvalidError(_("Donnez le résultat de chaque indicateur."), field="indicators")
    charges, resources = _sides(report)
    if charges != resources:
        raise InvalidError(_("Le total des charges doit être égal au total des ressources."), field="lines")
    report.submitted_at, report.submitted_by = clock.now(), by.id
    journal.advance(REPORT, report, "submit", by=by, realised=realised(report).cents)


def _sides(report: Report) -> tuple[Money, Money]:
    sums = {"charge": Money(0), "resource": Money(0)}
    for line in report.lines:
        sums[line.side] += line.actual or Money(0)
    return sums["charge"], sums["resource"]


def send_back(report: Report, note: str, *, by: Actor) -> None:
    """Ask for a correction, with the reason."""
    report.decision_note, report.decided_by = note, by.id
    journal.advance(REPORT, report, "return", by=by)


def accept(report: Report, *, by: Actor) -> None:
    """Accept the report and settle: what the real cost does not justify is released to the envelope."""
    report.decided_at, report.decided_by = clock.now(), by.id
    journal.advance(REPORT, report, "accept", by=by)
    _settle(report.award, realised(report), by=by)


def _settle(award: Award, cost: Money, *, by: Actor) -> None:
    """Bring the instalments still to come down to what is payable; give the rest back."""
    due = max(rules.payable(award.amount, award.eligible_base, cost), award.ordered)
    surplus = award.amount - award.released - due
    if not surplus:
        return
    left = surplus
    for instalment in reversed(queries.open_instalments(award.id)):
        if instalment.state is not InstalmentState.PLANNED:
            raise RefusedError(_("Un mandat est en préparation : renvoyez-le avant d’accepter le bilan."))
        if not left:
            break
        if instalment.amount <= left:
            left -= instalment.amount
            journal.advance(INSTALMENT, instalment, "cancel", by=by, amount=instalment.amount.cents)
        else:
            instalment.amount -= left
            journal.record("instalment.lowered", instalment, by=by, by_cents=left.cents)
            left = Money(0)
    ledger.move(award, LedgerKind.RELEASED, surplus, on=clock.today(), by=by)
    ledger.give_back(award, surplus)
    journal.record("award.released", award, by=by, amount=surplus.cents)


def close(award: Award, *, by: Actor) -> None:
    """Close an award: report accepted, everything ordered was paid, nothing left to order."""
    report = queries.report_of(award.id)
    if report is None or report.state is not ReportState.ACCEPTED:
        raise RefusedError(_("Le bilan n’est pas encore accepté."))
    if queries.open_instalments(award.id) or award.ordered != award.paid:
        raise RefusedError(_("Il reste une échéance à mandater ou un mandat à payer."))
    if award.ordered + award.released != award.amount:
        raise RefusedError(_("Les échéances ne couvrent pas le montant attribué : complétez l’échéancier."))
    award.closed_on = clock.today()
    journal.advance(AWARD, award, "close", by=by)
