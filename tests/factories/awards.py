"""Makes awards and all that follows them through the chapter's own acts, so that no test holds an impossible one."""

from datetime import date, timedelta
from fractions import Fraction
from typing import Any
from uuid import UUID

from sqlalchemy import select

from grants.applications.models import Application
from grants.awards import letters, queries
from grants.awards.actions import agreement, disbursement, recovery, reporting
from grants.awards.actions.amending import AmendmentGiven
from grants.awards.lifecycle import AwardState, BankState, InstalmentState, ReceivableState, ReportState
from grants.awards.models import Award, BankDetails, Instalment, Receivable, Report
from grants.awards.models.disbursement import InstalmentKind
from grants.deliberation.models import Decision
from grants.kernel import clock
from grants.kernel.actor import Actor
from grants.kernel.db import db, unit_of_work
from grants.kernel.money import Money
from grants.people.models import Account, Organisation
from grants.screening import queries as screening
from grants.screening.actions import waive

LINE = (InstalmentState.PREPARED, InstalmentState.APPROVED, InstalmentState.ORDERED, InstalmentState.PAID)


def iban(number: int) -> str:
    """A French IBAN with right keys (RIB key and check digits) on a bank that does not exist."""
    bank, branch, account = "99999", "00001", f"{number:011d}"
    key = 97 - (89 * int(bank) + 15 * int(branch) + 3 * int(account)) % 97
    bban = f"{bank}{branch}{account}{key:02d}"
    return f"FR{98 - int(bban + '152700') % 97:02d}{bban}"


class AwardMaker:
    """The makers of awards; `Make` inherits them."""

    by: Actor
    _numbers: Any

    def award(
        self,
        application: Application | None = None,
        *,
        state: AwardState = AwardState.VOTED,
        lacks_pieces: bool = False,
    ) -> Award:
        """An award of a published decision, carried to a state; no piece holds up its payments unless told so."""
        if application is None:
            application = self.application(state="eligible")  # type: ignore[attr-defined]
            self.decided(application)  # type: ignore[attr-defined]
        decision = db.session.scalars(select(Decision).where(Decision.application_id == application.id)).one()
        with unit_of_work():
            (award,) = agreement.open_awards([decision], by=self.by)
            for asked in screening.requests_of(award.application_id) if not lacks_pieces else ():
                waive(asked, "Sans objet dans cet essai.", by=self.by)
        if state is AwardState.AGREEMENT:
            self.agreement(award)
        elif state is not AwardState.VOTED:
            self.engaged(award)
        if state is AwardState.CLOSED:
            self.instalment(award, state=InstalmentState.PAID)
            self.report(award, state=ReportState.ACCEPTED)
            with unit_of_work():
                reporting.close(award, by=self.by)
        return award

    def agreement(self, award: Award, *, signed: bool = False) -> Any:
        """The agreement of an award, prepared or signed today; an advance gets its repayments first."""
        if queries.is_advance(award) and not queries.repayments_of(award.id):
            self.repayments(award, award.amount)
        with unit_of_work():
            terms = letters.terms_of(award, queries.instalments_of(award.id)).replace(letters.TO_COMPLETE, "en 5 ans")
            made = agreement.prepare_agreement(award, terms, version=0, by=self.by)
        if signed:
            with unit_of_work():
                agreement.sign_agreement(award, signed_on=clock.today(), file=None, version=made.version, by=self.by)
        return made

    def engaged(self, award: Award) -> Award:
        """The award engaged, with a signed agreement where one is due."""
        if queries.agreement_need(award).is_due:
            self.agreement(award, signed=True)
        else:
            with unit_of_work():
                agreement.engage(award, by=self.by)
        return award

    def bank_details(
        self,
        organisation: Organisation,
        *,
        state: BankState = BankState.CONFIRMED,
        number: str | None = None,
        owner: Account | None = None,
    ) -> BankDetails:
        """Bank details given by an owner, and checked by as many people as the state asks."""
        giver = self.actor_of(owner or self.member_of(organisation))  # type: ignore[attr-defined]
        with unit_of_work():
            details = agreement.give_bank_details(
                organisation, iban=number or iban(next(self._numbers)), bic="", holder=organisation.name, by=giver
            )
        if state in {BankState.CHECKED, BankState.CONFIRMED}:
            with unit_of_work():
                agreement.check_bank_details(details, by=self.actor("finance"))  # type: ignore[attr-defined]
        if state is BankState.CONFIRMED:
            with unit_of_work():
                agreement.confirm_bank_details(details, by=self.actor("finance"))  # type: ignore[attr-defined]
        if state is BankState.REFUSED:
            with unit_of_work():
                agreement.refuse_bank_details(details, "Le titulaire n’est pas l’association.", by=self.by)
        return details

    def schedule(self, award: Award, *amounts: Money, **columns: Any) -> list[Instalment]:
        """A schedule of these amounts; the last of several is the balance."""
        kinds = [InstalmentKind.ADVANCE] * len(amounts)
        kinds[-1] = InstalmentKind.BALANCE if len(amounts) > 1 else InstalmentKind.SINGLE
        steps = [
            disbursement.PlannedInstalment(f"Versement {place}", kind, amount, **columns)
            for place, (kind, amount) in enumerate(zip(kinds, amounts, strict=True), start=1)
        ]
        with unit_of_work():
            return disbursement.plan(award, steps, version=award.version, by=self.by, amendment=self._amendment(award))

    def repayments(self, award: Award, *amounts: Money, first_in: int = 365) -> list[Receivable]:
        """The repayment schedule of an advance: these amounts, a year after another, the first in so many days."""
        dues = [
            recovery.Due(amount, clock.today() + timedelta(first_in + 365 * place))
            for place, amount in enumerate(amounts)
        ]
        with unit_of_work():
            return recovery.plan_repayments(award, dues, version=award.version, by=self.by)

    def recovery(self, award: Award, amount: Money, *, state: ReceivableState = ReceivableState.DUE) -> Receivable:
        """A recovery of an award on which money was paid, carried to a state by two people."""
        finance, officer = self.actor("finance"), self.actor("authorising_officer")  # type: ignore[attr-defined]
        today = clock.today()
        with unit_of_work():
            made = recovery.prepare_recovery(
                award, amount=amount, due_on=today + timedelta(60), reason="Le bilan est inférieur.", by=finance
            )
        if state is not ReceivableState.PREPARED:
            with unit_of_work():
                recovery.approve(made, by=officer)
        if state is ReceivableState.DUE:
            with unit_of_work():
                recovery.issue(made, number=f"T{next(self._numbers)}", on=today, by=finance)
        return made

    def _amendment(self, award: Award) -> AmendmentGiven | None:
        """The amendment that an engaged schedule asks for."""
        if queries.schedule_engaged_on(award) is None:
            return None
        return AmendmentGiven(f"A{next(self._numbers)}", clock.today(), "Autre échéancier.")

    def instalment(
        self,
        award: Award,
        amount: Money | None = None,
        *,
        state: InstalmentState = InstalmentState.PLANNED,
        due_on: date | None = None,
        kind: InstalmentKind | None = None,
    ) -> Instalment:
        """The next instalment of an award, carried to a state; what it leaves is planned as one more."""
        left = disbursement.left_to_plan(award)
        amount = amount or left
        kind = kind or (InstalmentKind.SINGLE if amount == left else InstalmentKind.ADVANCE)
        steps = [disbursement.PlannedInstalment("Versement", kind, amount, due_on)]
        if amount != left:
            steps.append(disbursement.PlannedInstalment("Solde", InstalmentKind.BALANCE, left - amount))
        with unit_of_work():
            made = disbursement.plan(award, steps, version=award.version, by=self.by, amendment=self._amendment(award))[
                0
            ]
        return self.carried(made, state)

    def carried(self, instalment: Instalment, state: InstalmentState) -> Instalment:
        """An instalment carried along the line of payment, by two different people."""
        if state not in LINE:
            return instalment
        award = instalment.award
        if award.state is not AwardState.RUNNING:
            self.engaged(award)
        if queries.confirmed_bank_details(award.organisation_id) is None:
            self.bank_details(award.organisation)
        finance, officer = self.actor("finance"), self.actor("authorising_officer")  # type: ignore[attr-defined]
        today = clock.today()
        acts = {
            InstalmentState.PREPARED: lambda: disbursement.prepare(instalment, by=finance),
            InstalmentState.APPROVED: lambda: disbursement.approve(instalment, by=officer),
            InstalmentState.ORDERED: lambda: disbursement.order(
                instalment, number=f"M{next(self._numbers)}", on=today, by=finance
            ),
            InstalmentState.PAID: lambda: disbursement.pay(instalment, on=today, by=finance),
        }
        for step in LINE[: LINE.index(state) + 1]:
            with unit_of_work():
                acts[step]()
        return instalment

    def report(
        self, award: Award, *, state: ReportState = ReportState.SUBMITTED, spent: Fraction | int = 1, **changes: Any
    ) -> Report:
        """The report of an engaged award, every line spent in the same proportion, carried to a state."""
        report = queries.report_of(award.id)
        assert report is not None
        if state is ReportState.EXPECTED:
            return report
        writer = self.actor_of(self.member_of(award.organisation))  # type: ignore[attr-defined]
        with unit_of_work():
            reporting.save(
                report, **{**self.report_values(report, spent), **changes}, version=report.version, by=writer
            )
            reporting.submit(report, by=writer)
        if state is ReportState.RETURNED:
            with unit_of_work():
                reporting.send_back(report, "Précisez les charges de personnel.", by=self.actor("manager"))  # type: ignore[attr-defined]
        if state is ReportState.ACCEPTED:
            with unit_of_work():
                reporting.accept(report, by=self.actor("manager"))  # type: ignore[attr-defined]
        return report

    def report_values(self, report: Report, spent: Fraction | int = 1) -> dict[str, Any]:
        """What a complete report says; charges and resources balance."""
        lines: dict[UUID, Money | None] = {}
        for side in ("charge", "resource"):
            rows = [line for line in report.lines if line.side == side]
            total = sum((line.planned for line in rows), Money(0))
            parts = Money(int(total.cents * spent)).share([line.planned.cents for line in rows]) if total else []
            lines |= {line.id: part for line, part in zip(rows, parts, strict=True)}
        return {
            "narrative": "Nous avons ouvert trois lieux frais.",
            "gaps": "Le matériel a coûté moins cher." if spent != 1 else "",
            "people_reached": 58,
            "lines": lines,
            "indicators": {row.id: row.target for row in report.indicators},
        }
