"""Acts on the award and its agreement, and on the bank details money may be ordered to."""

from collections.abc import Sequence
from datetime import date

from grants.applications.models import BudgetLine
from grants.awards import letters, queries, rules
from grants.awards.actions import chain, ledger, recovery
from grants.awards.lifecycle import AWARD, BANK, AwardState, BankState, ReportState
from grants.awards.models import Agreement, Award, BankDetails, LedgerKind, Report, ReportIndicator, ReportLine
from grants.deliberation.models import Decision
from grants.kernel import clock, encryption, journal
from grants.kernel.actor import Actor
from grants.kernel.db import db, next_number
from grants.kernel.errors import ForbiddenError, InvalidError, RefusedError
from grants.kernel.uploads import StoredFile
from grants.kernel.versions import refuse_changed
from grants.kernel.words import _
from grants.people import queries as people
from grants.people.models import Organisation
from grants.programme import queries as programme
from grants.screening import actions as screening

REASONS_TO_REVEAL = ("compare", "enter", "accountant", "fraud")


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
        letters.opened(award)
        screening.ask_before_payment(application, by=by)
        awards.append(award)
    return awards


def prepare_agreement(award: Award, terms: str, *, by: Actor, version: int | None) -> Agreement:
    """Write, or write again, the agreement to be signed; the association is told that it is ready.

    Raises RefusedError once it is signed or not due any more, ConflictError when somebody rewrote it meanwhile.
    """
    ledger.hold(award)
    agreement = queries.agreement_of(award.id)
    if agreement is not None and agreement.signed_on is not None:
        raise RefusedError(_("Cette convention est signée : elle ne change plus."))
    known = agreement.terms if agreement else ""
    refuse_changed(agreement.version if agreement else 0, version, (_("Texte de la convention"), terms, known))
    is_late = award.state is AwardState.RUNNING
    if is_late and not queries.agreement_need(award).is_due:
        raise RefusedError(_("Cette attribution est déjà engagée et n’a pas besoin de convention."))
    journal.advance(AWARD, award, "prepare_late_agreement" if is_late else "prepare_agreement", by=by)
    if agreement is None:
        year = clock.today().year
        number = f"CONV-{year}-{next_number(f'agreement-{year}'):04d}"
        agreement = Agreement(award_id=award.id, award=award, number=number, terms=terms, prepared_at=clock.now())
        db.session.add(agreement)
    else:
        agreement.terms, agreement.prepared_at = terms, clock.now()
    db.session.flush()
    letters.issue_agreement(agreement, by=by)
    letters.agreement_to_sign(agreement)
    return agreement


def sign_agreement(award: Award, *, signed_on: date, file: StoredFile | None, version: int | None, by: Actor) -> None:
    """Record the signature of the agreement as `version` says it, and engage the award.

    Raises InvalidError for an impossible day, ConflictError when the agreement was rewritten since it was shown.
    """
    ledger.hold(award)
    agreement = queries.agreement_of(award.id)
    if agreement is None:
        raise RefusedError(_("Préparez d’abord la convention."))
    if agreement.signed_on is not None:
        raise RefusedError(_("La signature de cette convention est déjà enregistrée."))
    refuse_changed(agreement.version, version)
    if not queries.act_day(award) <= signed_on <= clock.today():
        raise InvalidError(_("La signature ne peut être ni avant l’acte ni dans le futur."), field="signed_on")
    if queries.is_advance(award):
        recovery.fall_due(award, by=by)
    agreement.signed_on = signed_on
    agreement.file_id = file.id if file else None
    if award.state is AwardState.RUNNING:
        journal.advance(AWARD, award, "sign_late_agreement", by=by)
    else:
        _engage(award, on=signed_on, by=by, verb="sign_agreement")


def engage(award: Award, *, by: Actor) -> None:
    """Engage an award that needs no agreement. Raises RefusedError when it needs one."""
    ledger.hold(award)
    need = queries.agreement_need(award)
    if need.is_due:
        raise RefusedError(
            _("Une avance remboursable a besoin d’une convention signée.")
            if need is rules.AgreementNeed.ADVANCE
            else _("Une convention signée est obligatoire : l’organisation reçoit plus que le seuil cette année.")
        )
    _engage(award, on=clock.today(), by=by, verb="engage")


def _engage(award: Award, *, on: date, by: Actor, verb: str) -> None:
    publication_due_on = programme.due_on("publication_delay", on)
    journal.advance(AWARD, award, verb, by=by, amount=award.amount.cents)
    award.engaged_on, award.publication_due_on = on, publication_due_on
    ledger.move(award, LedgerKind.ENGAGED, award.amount, on=on, by=by)
    letters.engaged(award, _expect_report(award))


def _expect_report(award: Award) -> Report:
    """The report to come, half filled: planned lines and indicators from the application."""
    application = award.application
    report = Report(
        award_id=award.id,
        award=award,
        state=ReportState.EXPECTED,
        due_on=programme.report_due_on(application.ends_on or clock.today(), award.organisation.year_end_month),
    )
    report.lines = [_line(position, line) for position, line in enumerate(application.budget_lines)]
    report.indicators = [
        ReportIndicator(position=position, label=row.label, unit=row.unit, target=row.target)
        for position, row in enumerate(application.indicators)
    ]
    db.session.add(report)
    db.session.flush()
    return report


def _line(position: int, line: BudgetLine) -> ReportLine:
    return ReportLine(position=position, side=line.side, account=line.account, label=line.label, planned=line.amount)


# ---- bank details --------------------------------------------------------------------------------------------------


def give_bank_details(organisation: Organisation, *, iban: str, bic: str, holder: str, by: Actor) -> BankDetails:
    """Give new bank details; what is in use stays so until two people confirm these.

    Raises InvalidError for a wrong IBAN, RIB key or BIC, ForbiddenError for whoever is responsible for the body no
    longer. Everybody who could tell a theft is warned.
    """
    # Locked, so that a hand-over at the same moment comes wholly before or wholly after.
    db.session.get(Organisation, organisation.id, with_for_update=True, populate_existing=True)
    if by.id is None or not people.is_responsible(by.id, organisation.id):
        raise ForbiddenError(_("Seule une personne responsable de l’organisation peut les donner."))
    number, code = rules.iban_of(iban), rules.bic_of(bic)
    if reason := rules.why_not_iban(number):
        raise InvalidError(str(reason), field="iban")
    if reason := rules.why_not_bic(code, number):
        raise InvalidError(str(reason), field="bic")
    fingerprint = encryption.fingerprint(number)
    in_use = queries.confirmed_bank_details(organisation.id)
    if in_use is not None and (in_use.iban_digest, in_use.bic, in_use.holder) == (fingerprint, code, holder):
        raise InvalidError(_("Ce compte est déjà celui que deux personnes ont confirmé."), field="iban")
    for earlier in queries.bank_details_of(organisation.id):
        if earlier.state in queries.BANK_WAITING:
            earlier.settled_at = clock.now()
            journal.advance(BANK, earlier, "replace", by=by)
    details = BankDetails(
        organisation_id=organisation.id,
        organisation=organisation,
        holder=holder,
        iban_sealed=encryption.encrypt(number),
        iban_last4=number[-4:],
        iban_digest=fingerprint,
        bic=code,
        given_by=by.id,
        given_at=clock.now(),
    )
    db.session.add(details)
    db.session.flush()
    journal.record("bank_details.given", details, by=by, last4=details.iban_last4, organisation=organisation.id)
    letters.bank_details_given(details, organisation, by.name)
    return details


def reveal_bank_details(details: BankDetails, reason: str, *, by: Actor) -> str:
    """The whole IBAN, in groups of four; who looked and why is journalled. Raises InvalidError for another reason."""
    if reason not in REASONS_TO_REVEAL:
        raise InvalidError(_("Choisissez pourquoi vous avez besoin du numéro complet."), field="reason")
    journal.record("bank_details.revealed", details, by=by, reason=reason)
    return rules.grouped(encryption.decrypt(details.iban_sealed))


def check_bank_details(details: BankDetails, *, by: Actor) -> None:
    """A first person compared the details with the bank statement.

    Raises ForbiddenError for who gave them, RefusedError when the body was handed over since.
    """
    if by.id == details.given_by:
        raise ForbiddenError(_("Vous ne pouvez pas valider une modification que vous avez demandée."))
    _not_handed_over(details)
    chain.advance(BANK, details, "check", by=by)
    details.first_by = by.id


def confirm_bank_details(details: BankDetails, *, by: Actor) -> None:
    """A second, different person confirms; earlier confirmed details are replaced.

    Raises ForbiddenError for whoever gave or checked them, or owes their office to the one who checked; RefusedError
    when the body was handed over since they were given.
    """
    if by.id in {details.first_by, details.given_by}:
        raise ForbiddenError(_("Une autre personne doit confirmer ces coordonnées."))
    if reason := BANK.why_not(details, "confirm"):
        raise RefusedError(str(reason))
    _not_handed_over(details)
    for earlier in queries.bank_details_of(details.organisation_id):
        if earlier.state is not BankState.CONFIRMED:
            continue
        earlier.settled_at = clock.now()
        journal.advance(BANK, earlier, "replace", by=by)
        db.session.flush()
    chain.advance(BANK, details, "confirm", by=by)
    details.second_by, details.settled_at = by.id, clock.now()
    db.session.flush()
    letters.bank_details_settled(details)


def _not_handed_over(details: BankDetails) -> None:
    if reason := queries.why_not_use(details):
        raise RefusedError(str(reason))


def refuse_bank_details(details: BankDetails, note: str, *, by: Actor) -> None:
    """The details are not used; the association is told why."""
    chain.advance(BANK, details, "refuse", by=by)
    details.note, details.settled_at = note, clock.now()
    letters.bank_details_settled(details)
