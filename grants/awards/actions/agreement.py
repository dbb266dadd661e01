"""Acts on the award and its agreement, and on the bank details money may be ordered to."""

from collections.abc import Sequence
from datetime import date

from grants.applications.models import BudgetLine
from grants.awards import queries, rules
from grants.awards.actions import ledger
from grants.awards.lifecycle import AWARD, BANK, BankState, ReportState
from grants.awards.models import Agreement, Award, BankDetails, LedgerKind, Report, ReportIndicator, ReportLine
from grants.deliberation.models import Decision
from grants.kernel import clock, journal, seal
from grants.kernel.actor import Actor
from grants.kernel.db import db, next_number
from grants.kernel.errors import InvalidError, RefusedError
from grants.kernel.money import Money
from grants.kernel.vault import StoredFile
from grants.kernel.words import _
from grants.people.models import Organisation
from grants.programme import queries as programme


def open_awards(decisions: Sequence[Decision], *, by: Actor) -> list[Award]:
    """Open the award of each granted, published decision; a second time is refused by the database."""
    awards = []
    for decision in decisions:
        application = decision.application
        award = Award(
            application_id=application.id,
            decision_id=decision.id,
            organisation_id=application.organisation_id,
            amount=decision.amount,
            eligible_base=application.total or decision.amount,
            opened_at=clock.now(),
            notified_on=clock.today(),
        )
        db.session.add(award)
        db.session.flush()
        act_on = decision.meeting.act_on or clock.today()
        ledger.move(award, LedgerKind.VOTED, award.amount, on=act_on, by=by)
        journal.record("award.opened", award, by=by, amount=award.amount.cents, act=decision.meeting.act_number)
        awards.append(award)
    return awards


def needs_agreement(award: Award) -> bool:
    """Whether the year's total for this body calls for a written agreement, by the law of the day of the act."""
    act_on = award.decision.meeting.act_on or clock.today()
    threshold = Money.euros(programme.law_number("agreement_threshold", act_on))
    return rules.agreement_required(queries.received_in_year(award.organisation_id, act_on.year), threshold)


def prepare_agreement(award: Award, terms: str, *, by: Actor) -> Agreement:
    """Write, or write again, the agreement to be signed."""
    agreement = queries.agreement_of(award.id)
    journal.advance(AWARD, award, "prepare_agreement", by=by)
    if agreement is None:
        year = clock.today().year
        number = f"CONV-{year}-{next_number(f'agreement-{year}'):04d}"
        agreement = Agreement(award_id=award.id, number=number, terms=terms, prepared_at=clock.now())
        db.session.add(agreement)
    else:
        agreement.terms, agreement.prepared_at = terms, clock.now()
    db.session.flush()
    return agreement


def sign_agreement(award: Award, *, signed_on: date, file: StoredFile | None, by: Actor) -> None:
    """Record the signature and engage the award. Raises InvalidError for an impossible day."""
    agreement = queries.agreement_of(award.id)
    if agreement is None:
        raise RefusedError(_("Préparez d’abord la convention."))
    act_on = award.decision.meeting.act_on
    if signed_on > clock.today() or (act_on is not None and signed_on < act_on):
        raise InvalidError(_("La signature ne peut être ni avant l’acte ni dans le futur."), field="signed_on")
    agreement.signed_on = signed_on
    agreement.file_id = file.id if file else None
    _engage(award, on=signed_on, by=by, verb="sign_agreement")


def engage(award: Award, *, by: Actor) -> None:
    """Engage an award that needs no agreement. Raises RefusedError when it needs one."""
    if needs_agreement(award):
        raise RefusedError(
            _("Une convention signée est obligatoire : l’organisation reçoit plus que le seuil cette année.")
        )
    _engage(award, on=clock.today(), by=by, verb="engage")


def _engage(award: Award, *, on: date, by: Actor, verb: str) -> None:
    award.engaged_on = on
    award.publication_due_on = clock.add_months(on, programme.law_number("publication_delay", on))
    journal.advance(AWARD, award, verb, by=by, amount=award.amount.cents)
    ledger.move(award, LedgerKind.ENGAGED, award.amount, on=on, by=by)
    _expect_report(award)


def _expect_report(award: Award) -> None:
    """The report to come, half filled: planned lines and indicators from the application."""
    application = award.application
    ends_on = application.ends_on or clock.today()
    months = programme.law_number("report_due", ends_on)
    report = Report(
        award_id=award.id,
        state=ReportState.EXPECTED,
        due_on=rules.report_due_on(ends_on, award.organisation.year_end_month, months),
    )
    report.lines = [_line(position, line) for position, line in enumerate(application.budget_lines)]
    report.indicators = [
        ReportIndicator(position=position, label=row.label, unit=row.unit, target=row.target)
        for position, row in enumerate(application.indicators)
    ]
    db.session.add(report)


def _line(position: int, line: BudgetLine) -> ReportLine:
    return ReportLine(position=position, side=line.side, account=line.account, label=line.label, planned=line.amount)


# ---- bank details ------------------------------------------------------------------------------------------------


def give_bank_details(organisation: Organisation, *, iban: str, bic: str, holder: str, by: Actor) -> BankDetails:
    """Give new bank details; what was confirmed stays in use until two people confirm these.

    Raises InvalidError for a wrong IBAN, RIB key or BIC.
    """
    number, code = rules.compact(iban), rules.compact(bic)
    if reason := rules.why_not_iban(number):
        raise InvalidError(str(reason), field="iban")
    if reason := rules.why_not_bic(code):
        raise InvalidError(str(reason), field="bic")
    for earlier in queries.bank_details_of(organisation.id):
        if earlier.state in {BankState.GIVEN, BankState.CHECKED}:
            earlier.settled_at = clock.now()
            journal.advance(BANK, earlier, "replace", by=by)
    details = BankDetails(
        organisation_id=organisation.id,
        holder=holder,
        iban_sealed=seal.seal(number),
        iban_last4=number[-4:],
        iban_digest=seal.fingerprint(number),
        bic=code,
        given_by=by.id,
        given_at=clock.now(),
    )
    db.session.add(details)
    db.session.flush()
    journal.record("bank_details.given", details, by=by, last4=details.iban_last4)
    return details


def check_bank_details(details: BankDetails, *, by: Actor) -> None:
    """A first person compared the details with the bank statement."""
    details.first_by = by.id
    journal.advance(BANK, details, "check", by=by)


def confirm_bank_details(details: BankDetails, *, by: Actor) -> None:
    """A second, different person confirms; earlier confirmed details are replaced."""
    if by.id in {details.first_by, details.given_by}:
        raise RefusedError(_("Une autre personne doit confirmer ces coordonnées."))
    for earlier in queries.bank_details_of(details.organisation_id):
        if earlier.state is BankState.CONFIRMED:
            earlier.settled_at = clock.now()
            journal.advance(BANK, earlier, "replace", by=by)
    details.second_by, details.settled_at = by.id, clock.now()
    journal.advance(BANK, details, "confirm", by=by)


def refuse_bank_details(details: BankDetails, note: str, *, by: Actor) -> None:
    """The details are not used; the association is told why."""
    details.note, details.settled_at = note, clock.now()
    journal.advance(BANK, details, "refuse", by=by)
