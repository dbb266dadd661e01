"""What follows a grant in the demonstration: agreement, bank details, instalments, report, balance, closing."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

from sqlalchemy import select

from grants.applications.parts.budget import is_in_kind
from grants.awards import letters, queries
from grants.awards.actions import agreement, disbursement, recovery, reporting
from grants.awards.actions.disbursement import PlannedInstalment
from grants.awards.models import Award, BankDetails, Instalment, InstalmentKind, Receivable, Report
from grants.demo.applicants import Applicant
from grants.demo.context import Context
from grants.kernel import clock, uploads
from grants.kernel.db import db
from grants.kernel.money import Money

SIGNED = -320  # the day agreements are signed; instalments count from it
BIC = "DEMOFRPP"
STEPS = ("attested", "prepared", "approved", "ordered", "paid")
ORDER, PAYMENT = STEPS[:4], STEPS[1:]  # an order that comes back, and the one that follows it


class AwardedApplicant:
    """An association that was granted something, and the fund's side of what follows."""

    def __init__(self, context: Context, applicant: Applicant) -> None:
        self.context, self.applicant = context, applicant
        self.written: dict[str, Any] = applicant.dossier.part("award")

    @property
    def award(self) -> Award:
        """The award as it is now."""
        return db.session.scalars(select(Award).where(Award.application_id == self.applicant.application.id)).one()

    @property
    def report(self) -> Report:
        """The report that is owed."""
        report = queries.report_of(self.award.id)
        if report is None:
            raise LookupError(f"{self.applicant.dossier.slug} owes no report yet")
        return report

    @property
    def is_signed(self) -> bool:
        """Whether the agreement came back signed."""
        return self.applicant.dossier.state != "agreement_to_sign"

    def schedule(self) -> None:
        """Put everything after the publication into the script."""
        script, place = self.context.script, self.applicant.place
        script.add(script.at_work(SIGNED - 14, 10, place), self.plan)
        script.add(script.at_work(SIGNED - 13, 14, place), self.prepare_agreement)
        self._schedule_bank_details(SIGNED - 12)
        if not self.is_signed:
            return
        script.add(script.at_work(SIGNED, 11, place), self.sign)
        for index, row in enumerate(self.written["instalments"]):
            due = SIGNED + row["after_days"]
            if index == 0 and "rejected" in self.written:
                self._schedule_payment(index, due, ORDER)
                script.add(script.at_work(due + 4, 11, place), self.suspend)
                script.add(script.at_work(due + 7, 11, place), self.reject)
                self._schedule_payment(index, due + 14, PAYMENT)
            elif index < self.written["paid"]:
                self._schedule_payment(index, due, STEPS)
            elif index == self.written["paid"] and "next" in self.written:
                self._schedule_payment(index, -9, STEPS[: STEPS.index(self.written["next"]) + 1])
        if "report_text" in self.written:
            self._schedule_report()
        if self.applicant.dossier.slug == "jardin-du-repit":
            script.add(script.at(-8, 19, 30), lambda: self.give_bank_details(2))
            script.add(script.at_work(-5, 10, 20), self.check_bank_details)

    # ---- bank details ----------------------------------------------------------------------------------------------

    def _schedule_bank_details(self, given: int) -> None:
        """Most are confirmed at once; one is still to check, one was mistyped, one bore another holder's name."""
        script, place = self.context.script, self.applicant.place
        script.add(script.at(given, 18, place), self.give_bank_details)
        if not self.is_signed:
            return
        if self.applicant.dossier.slug == "habitat-digne-ouest":
            script.add(script.at(given, 18, 50), lambda: self.give_bank_details(1))
        if self.applicant.dossier.slug == "tournees-a-velo":
            script.add(script.at_work(given + 1, 9, 30), self.refuse_bank_details)
            script.add(script.at(given + 3, 18, 0), lambda: self.give_bank_details(1))
        script.add(script.at_work(given + 5, 10, 10 + place), self.check_bank_details)
        script.add(script.at_work(given + 8, 15, 10 + place), self.confirm_bank_details)

    def give_bank_details(self, account: int = 0) -> None:
        """The association gives an account; every IBAN is made up."""
        award = self.award
        refused = account == 0 and self.applicant.dossier.slug == "tournees-a-velo"
        agreement.give_bank_details(
            award.organisation,
            iban=fictitious_iban(1000 * (self.applicant.place + 1) + account),
            bic=BIC,
            holder="Stéphane Guichard" if refused else award.organisation.name,
            by=self.applicant.actor(),
        )

    def _waiting(self) -> BankDetails:
        return queries.bank_details_of(self.award.organisation_id)[0]

    def check_bank_details(self) -> None:
        """Finance compares them with the bank's statement."""
        agreement.check_bank_details(self._waiting(), by=self.context.actor("finance"))

    def confirm_bank_details(self) -> None:
        """A second person confirms."""
        agreement.confirm_bank_details(self._waiting(), by=self.context.actor("finance_2"))

    def refuse_bank_details(self) -> None:
        """Finance refuses an account that is not the association's."""
        note = "Le compte est au nom d’une personne : donnez un compte au nom de l’association."
        agreement.refuse_bank_details(self._waiting(), note, by=self.context.actor("finance"))

    # ---- agreement and schedule ------------------------------------------------------------------------------------

    def plan(self) -> None:
        """Write the schedule."""
        award, rows = self.award, self.written["instalments"]
        parts = award.amount.share([row["share_percent"] for row in rows])
        signed_on = self.context.script.day(SIGNED if self.is_signed else 30)
        steps = [
            PlannedInstalment(
                label=row["label"],
                kind=_kind(index, row["label"], len(rows)),
                amount=amount,
                due_on=signed_on + timedelta(days=row["after_days"]),
                condition=row.get("condition", ""),
            )
            for index, (row, amount) in enumerate(zip(rows, parts, strict=True))
        ]
        disbursement.plan(award, steps, version=award.version, by=self.context.actor("manager"))
        dues = [
            recovery.Due(Money.euros(row["amount"]), signed_on + timedelta(days=row["after_days"]))
            for row in self.written.get("repayments", ())
        ]
        if dues:
            recovery.plan_repayments(award, dues, version=award.version, by=self.context.actor("manager"))

    def prepare_agreement(self) -> None:
        """Write the agreement; what no table knows is completed by hand."""
        award = self.award
        terms = letters.terms_of(award, queries.instalments_of(award.id))
        agreement.prepare_agreement(award, terms, version=0, by=self.context.actor("manager"))

    def sign(self) -> None:
        """Record the signature, with the signed copy."""
        award, by = self.award, self.context.actor("manager")
        shown = queries.agreement_of(award.id)
        file = uploads.accept(
            self.context.document("agreement"),
            by=by,
            organisation_id=award.organisation_id,
            dossier_id=award.dossier_id,
        )
        db.session.flush()
        agreement.sign_agreement(
            award, signed_on=clock.today(), file=file, version=shown.version if shown else 0, by=by
        )

    # ---- payments --------------------------------------------------------------------------------------------------

    def _schedule_payment(self, index: int, due: int, steps: tuple[str, ...]) -> None:
        """Prepared a few days before it is due, approved, ordered, then paid: as far as it went."""
        script, place = self.context.script, self.applicant.place
        acts: dict[str, tuple[int, int, Callable[[int], None]]] = {
            "attested": (-3, 8, self.attest),
            "prepared": (-3, 9, self.prepare),
            "approved": (-1, 14, self.approve),
            "ordered": (2, 10, self.order),
            "paid": (13, 8, self.pay),
        }
        for step in steps:
            days, hour, act = acts[step]
            script.add(script.at_work(due + days, hour, 20 + place), partial(act, index))

    def _instalment(self, index: int) -> Instalment:
        return queries.instalments_of(self.award.id)[index]

    def attest(self, index: int) -> None:
        """The manager says that the condition is met, and what proves it."""
        row = self._instalment(index)
        proof = "Pièce reçue et rangée au dossier de la démonstration."
        disbursement.attest(row, proof=proof, on=clock.today(), by=self.context.actor("manager"))

    def prepare(self, index: int) -> None:
        """Finance prepares the payment order."""
        disbursement.prepare(self._instalment(index), by=self.context.actor("finance"))

    def approve(self, index: int) -> None:
        """The authorising officer approves it."""
        disbursement.approve(self._instalment(index), by=self.context.actor("authorising_officer"))

    def order(self, index: int) -> None:
        """Finance records the order that was issued."""
        number = f"{clock.today().year}-{next(self.context.orders):05d}"
        disbursement.order(self._instalment(index), number=number, on=clock.today(), by=self.context.actor("finance"))

    def pay(self, index: int) -> None:
        """Finance records the accountant's date."""
        on = clock.today() - timedelta(days=1)
        disbursement.pay(self._instalment(index), on=on, by=self.context.actor("finance"))

    def suspend(self) -> None:
        """The accountant suspends the first order, before rejecting it."""
        disbursement.suspend(self._instalment(0), self.written["rejected"], by=self.context.actor("finance"))

    def reject(self) -> None:
        """The accountant rejects the first order."""
        disbursement.reject(self._instalment(0), self.written["rejected"], by=self.context.actor("finance"))

    # ---- what is owed back -----------------------------------------------------------------------------------------

    def _schedule_recovery(self) -> None:
        """What was paid in excess is asked back, and received in part."""
        script, place = self.context.script, self.applicant.place
        script.add(script.at_work(-96, 9, 10 + place), self.prepare_recovery)
        script.add(script.at_work(-94, 14, 10 + place), self.approve_recovery)
        script.add(script.at_work(-92, 10, 10 + place), self.issue_recovery)
        script.add(script.at_work(-40, 10, 10 + place), self.receive)

    def _recovery(self) -> Receivable:
        return queries.receivables_of(self.award.id)[0]

    def prepare_recovery(self) -> None:
        """Finance asks for what the accepted report does not justify."""
        award = self.award
        recovery.prepare_recovery(
            award,
            amount=queries.left_to_claim(award),
            due_on=self.context.script.day(45),
            reason=self.written["recovery"]["reason"],
            by=self.context.actor("finance"),
        )

    def approve_recovery(self) -> None:
        """The authorising officer approves it."""
        recovery.approve(self._recovery(), by=self.context.actor("authorising_officer"))

    def issue_recovery(self) -> None:
        """Finance records the order to pay back."""
        number = f"{clock.today().year}-T{self.applicant.place:03d}"
        recovery.issue(self._recovery(), number=number, on=clock.today(), by=self.context.actor("finance"))

    def receive(self) -> None:
        """Finance records what the accountant received."""
        row, amount = self._recovery(), Money.euros(self.written["recovery"]["received"])
        recovery.receive(row, amount=amount, on=clock.today(), version=row.version, by=self.context.actor("finance"))

    # ---- report ----------------------------------------------------------------------------------------------------

    def _schedule_report(self) -> None:
        """Written after the end of the project; accepted before the balance, or still to examine."""
        script, place = self.context.script, self.applicant.place
        if self.written["report"] != "accepted":
            script.add(script.at(-34, 17, 45), self.write_report)
            script.add(script.at(-34, 18, 10), self.submit_report)
            script.add(script.at_work(-27, 9, 40), self.return_report)
            script.add(script.at(-20, 17, 30), self.submit_report)
            return
        script.add(script.at(-118, 17, 45 + place), self.write_report)
        script.add(script.at(-117, 18, 10 + place), self.submit_report)
        script.add(script.at_work(-100, 9, 40 + place), self.accept_report)
        if "recovery" in self.written:
            self._schedule_recovery()
        else:
            script.add(script.at_work(-52, 16, 5 + place), self.close)

    def write_report(self) -> None:
        """The association tells what was done and what it really cost."""
        report = self.report
        reporting.save(
            report,
            version=report.version,
            narrative=self.written["report_text"],
            gaps=self.written["gaps"],
            people_reached=self.written["people_reached"],
            lines={line.id: self._actual(line) for line in report.lines},
            indicators={row.id: result for row, result in zip(report.indicators, self.written["results"], strict=True)},
            by=self.applicant.actor(),
        )

    def _actual(self, line: Any) -> Money:
        """What a line really was: contributions in kind are as planned, the rest as the dossier tells."""
        if is_in_kind(line.account):
            planned: Money = line.planned
            return planned
        body = self.context.fund.body_name
        for row in self.written["actuals"]:
            is_same = row["account"] == line.account and row["label"] == line.label
            is_request = line.account == "74" and line.label == body and row["label"].startswith(body)
            if is_same or is_request:
                return Money.euros(row["amount"])
        raise LookupError(f"{self.applicant.dossier.slug}: nothing written of {line.account} {line.label}")

    def submit_report(self) -> None:
        """The association sends it."""
        reporting.submit(self.report, by=self.applicant.actor())

    def return_report(self) -> None:
        """The manager asks for a correction."""
        reporting.send_back(self.report, self.written["returned"], by=self.context.actor("manager"))

    def accept_report(self) -> None:
        """The manager accepts it; what the cost does not justify goes back to the envelope."""
        reporting.accept(self.report, by=self.context.actor("manager"))

    def close(self) -> None:
        """The award is over."""
        reporting.close(self.award, by=self.context.actor("manager"))


def _kind(index: int, label: str, number: int) -> InstalmentKind:
    if number == 1:
        return InstalmentKind.SINGLE
    if index == 0:
        return InstalmentKind.ADVANCE
    return InstalmentKind.BALANCE if label.startswith("Solde") else InstalmentKind.INTERIM


def fictitious_iban(account: int) -> str:
    """A French IBAN whose keys are right, at a bank (99999) that does not exist."""
    bank, branch = 99999, 1
    key = 97 - (89 * bank + 15 * branch + 3 * account) % 97
    bban = f"{bank:05d}{branch:05d}{account:011d}{key:02d}"
    check = 98 - int(f"{bban}152700") % 97  # F and R are 15 and 27
    return f"FR{check:02d}{bban}"
