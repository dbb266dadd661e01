"""What the pages of awards show: which acts, sentences and sums. Templates draw it and decide nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from grants.awards import queries
from grants.awards.actions import reporting
from grants.awards.lifecycle import AwardState, BankState, InstalmentState, ReceivableState, ReportState
from grants.awards.models import Agreement, Award, BankDetails, Instalment, InstalmentKind, Receivable, Report
from grants.awards.queries import AwardLine, ReceivedSum
from grants.awards.queries.award import Counted
from grants.awards.rules import NEED_LABELS, AgreementNeed, NextStep, Settlement
from grants.calls.rules import BLOCKS_PAYMENT
from grants.kernel.access import actor, can
from grants.kernel.machine import Text
from grants.kernel.money import Money
from grants.kernel.pages import OfferedMove, barred, day, offered, relative
from grants.kernel.words import _, _l
from grants.permissions import P
from grants.screening import queries as screening
from grants.screening.models import PieceRequest

# ---- one award, for the fund's staff -------------------------------------------------------------------------------


class AwardAct(StrEnum):
    """What the page of an award can offer: to make an act, or to open the page where it is made."""

    PREPARE_AGREEMENT = "prepare_agreement"
    EDIT_AGREEMENT = "edit_agreement"
    ENGAGE = "engage"
    SIGN = "sign"
    PLAN = "plan"
    SEE_ACCOUNT = "see_account"
    SEE_ORDERS = "see_orders"
    READ_REPORT = "read_report"
    PLAN_REPAYMENTS = "plan_repayments"
    AMEND_REPAYMENTS = "amend_repayments"
    CLAIM = "claim"
    CLOSE = "close"


# The acts that each next step calls for; the page offers those that are possible, to whom may make them.
STEP_ACTS: dict[NextStep, frozenset[AwardAct]] = {
    NextStep.ENGAGE: frozenset({AwardAct.PREPARE_AGREEMENT, AwardAct.ENGAGE}),
    NextStep.PREPARE_AGREEMENT: frozenset({AwardAct.PREPARE_AGREEMENT}),
    NextStep.SIGN: frozenset({AwardAct.SIGN}),
    NextStep.PLAN: frozenset({AwardAct.PLAN}),
    NextStep.BANK_CONFIRM: frozenset({AwardAct.SEE_ACCOUNT}),
    NextStep.PREPARE: frozenset({AwardAct.SEE_ORDERS}),
    NextStep.APPROVE: frozenset({AwardAct.SEE_ORDERS}),
    NextStep.ORDER: frozenset({AwardAct.SEE_ORDERS}),
    NextStep.PAY: frozenset({AwardAct.SEE_ORDERS}),
    NextStep.EXAMINE: frozenset({AwardAct.READ_REPORT}),
    NextStep.RECOVER: frozenset({AwardAct.CLAIM}),
    NextStep.CLOSE: frozenset({AwardAct.CLOSE}),
}
_IN_ORDERS = _l("Ouvrez l’échéance concernée dans l’échéancier ci-dessous, ou la liste des mandats.")
# What a next step says, where it says the same of every award.
STEP_NOTES = {
    NextStep.SIGN: _l(
        "La convention est chez l’association. Quand elle revient signée, enregistrez la date et joignez le document."
    ),
    NextStep.PLAN: _l("Un échéancier est proposé ; vous pouvez le changer avant de l’enregistrer."),
    NextStep.BANK_GIVE: _l("L’association n’a pas encore donné ses coordonnées bancaires. Elle le voit sur sa page."),
    NextStep.BANK_CONFIRM: _l(
        "Deux personnes différentes du service des finances ou de l’ordonnateur doivent les vérifier."
    ),
    NextStep.PIECE_GIVE: _l("Elle est demandée à l’association, qui la donne depuis son attribution."),
    NextStep.PREPARE: _IN_ORDERS,
    NextStep.APPROVE: _IN_ORDERS,
    NextStep.ORDER: _IN_ORDERS,
    NextStep.PAY: _IN_ORDERS,
    NextStep.CLOSE: _l("Tout est mandaté, payé et justifié."),
}


@dataclass(frozen=True)
class AwardShown:
    """One award as the fund's staff see it.

    `bank` is the account given last and `account` the one in use; `counted` is what the beneficiary was granted in the
    year of the act, and `offers` the moves that the person of this request may make, by verb.
    """

    award: Award
    line: AwardLine
    need: AgreementNeed
    agreement: Agreement | None
    counted: list[Counted]
    bank: BankDetails | None
    bank_reason: Text | None
    account: BankDetails | None
    instalments: Sequence[Instalment]
    report: Report | None
    receivables: Sequence[Receivable]
    awaited: Sequence[PieceRequest]
    why_not_close: Text | None
    offers: dict[str, OfferedMove]

    @property
    def is_settled(self) -> bool:
        """Whether nothing is left to do."""
        return self.line.step is NextStep.NOTHING

    @property
    def year_total(self) -> Money:
        """What the beneficiary was granted in the year."""
        return sum((row.amount for row in self.counted), Money(0))

    @property
    def lists_year(self) -> bool:
        """Whether the grants of the year are listed one by one: they reach the threshold, or are several."""
        return self.need in {AgreementNeed.AT_THRESHOLD, AgreementNeed.ABOVE_THRESHOLD} or len(self.counted) > 1

    @property
    def lists_receivables(self) -> bool:
        """Whether the page says what is owed back: an advance, and any award of which something was paid."""
        return self.line.is_advance or bool(self.receivables) or bool(self.award.paid)

    @property
    def barred(self) -> list[str]:
        """Why the person may not make acts here that their office makes."""
        return barred(self.award, *([P.PAYMENT_PREPARE] if self._is_claimable else []))

    @property
    def next_acts(self) -> frozenset[AwardAct]:
        """The acts beside the next step; a first claim only, since others are among what is owed back."""
        asked = self.acts & STEP_ACTS.get(self.line.step, frozenset())
        return asked - {AwardAct.CLAIM} if self.award.claimed else asked

    @cached_property
    def acts(self) -> frozenset[AwardAct]:
        """The acts that are possible now and that the person may make."""
        agreement, report = self.agreement, self.report
        may_prepare, may_plan = can(P.AGREEMENT_PREPARE, self.award), self._may_plan_repayments
        is_free = not self.receivables or self.receivables[0].state is ReceivableState.PLANNED
        is_due = any(row.state is ReceivableState.DUE for row in self.receivables)
        possible = {
            AwardAct.PREPARE_AGREEMENT: may_prepare,
            AwardAct.EDIT_AGREEMENT: may_prepare and agreement is not None and agreement.signed_on is None,
            AwardAct.ENGAGE: "engage" in self.offers and not self.need.is_due,
            AwardAct.SIGN: can(P.AGREEMENT_SIGN, self.award),
            AwardAct.PLAN: "plan" in self.offers,
            AwardAct.SEE_ACCOUNT: self.bank is not None and can(P.BANK_DETAILS_LIST),
            AwardAct.SEE_ORDERS: True,
            AwardAct.READ_REPORT: report is not None and report.submitted_at is not None,
            AwardAct.PLAN_REPAYMENTS: may_plan and is_free,
            AwardAct.AMEND_REPAYMENTS: may_plan and not is_free and is_due,
            AwardAct.CLAIM: self._is_claimable and can(P.PAYMENT_PREPARE, self.award),
            AwardAct.CLOSE: "close" in self.offers and self.why_not_close is None,
        }
        return frozenset(act for act, is_possible in possible.items() if is_possible)

    @property
    def note(self) -> Text:
        """What the next step asks, in a sentence or two."""
        step = self.line.step
        if self.award.state is AwardState.VOTED:
            return NEED_LABELS[self.need]
        if step is NextStep.BANK_GIVE and self.bank_reason:
            return self.bank_reason
        if step in {NextStep.CLOSE, NextStep.RECOVER} and self.why_not_close:
            return self.why_not_close
        if step is NextStep.EXAMINE and self.report is not None:
            return _("L’association a envoyé son bilan le %(day)s.", day=day(self.report.submitted_at))
        if step is NextStep.REPORT and self.report is not None:
            asked = (
                _("Une correction est demandée à l’association.")
                if self.report.is_returned
                else _("Il est attendu le %(day)s au plus tard.", day=day(self.report.due_on))
            )
            return f"{asked} {relative(self.report.due_on)}"
        return STEP_NOTES.get(step) or _("L’attribution est soldée depuis le %(day)s.", day=day(self.award.closed_on))

    @property
    def _is_claimable(self) -> bool:
        """Whether an order to pay money back makes sense: something was paid, and no schedule of an advance says it."""
        return self.award.state is AwardState.RUNNING and bool(self.award.paid) and not self.line.is_advance

    @property
    def _may_plan_repayments(self) -> bool:
        is_open = self.award.state is not AwardState.CLOSED
        return self.line.is_advance and is_open and can(P.INSTALMENT_PLAN, self.award)


def award_shown(award: Award) -> AwardShown:
    """What the page of an award shows to the person of this request."""
    details = queries.bank_details_of(award.organisation_id)
    bank = next(iter(details), None)
    confirmed = next((row for row in details if row.state is BankState.CONFIRMED), None)
    reasons = {row.id: queries.why_not_use(row) for row in {bank, confirmed} if row is not None}
    return AwardShown(
        award,
        line=queries.award_line(award),
        need=queries.agreement_need(award),
        agreement=queries.agreement_of(award.id),
        counted=queries.granted_in_year(award.organisation_id, queries.act_day(award).year, actor()),
        bank=bank,
        bank_reason=reasons[bank.id] if bank is not None else None,
        account=confirmed if confirmed is not None and reasons[confirmed.id] is None else None,
        instalments=queries.instalments_of(award.id),
        report=queries.report_of(award.id),
        receivables=queries.receivables_of(award.id),
        awaited=_awaited(award),
        why_not_close=reporting.why_not_close(award),
        offers=offered(award),
    )


# ---- one award, for its beneficiary --------------------------------------------------------------------------------


@dataclass(frozen=True)
class OwnAwardShown:
    """One award as its beneficiary sees it; `bank` and `account` as in `AwardShown`."""

    award: Award
    line: AwardLine
    agreement: Agreement | None
    bank: BankDetails | None
    bank_reason: Text | None
    account: BankDetails | None
    instalments: Sequence[Instalment]
    report: Report | None
    receivables: Sequence[Receivable]
    awaited: Sequence[PieceRequest]
    balance: Settlement | None

    @property
    def must_sign(self) -> bool:
        """Whether the association has an agreement to sign."""
        return self.agreement is not None and self.agreement.signed_on is None

    @property
    def is_bank_new(self) -> bool:
        """Whether bank details are to be given, and not corrected."""
        return self.bank is None or self.bank_reason is not None

    @property
    def must_give_bank(self) -> bool:
        """Whether bank details are to be given or corrected."""
        return self.bank is None or self.bank_reason is not None or self.bank.state is BankState.REFUSED

    @cached_property
    def may_give_bank(self) -> bool:
        """Whether the person is among those who give bank details."""
        return can(P.BANK_DETAILS_GIVE, self.award.organisation)

    @property
    def must_report(self) -> bool:
        """Whether a report is to be written or corrected."""
        return self.report is not None and self.report.is_owed

    @property
    def nothing_to_do(self) -> Text | None:
        """Why the association has nothing to do, or None."""
        if self.must_sign or self.must_give_bank or self.awaited or self.must_report:
            return None
        if self.award.state is AwardState.CLOSED:
            return _("Plus rien : votre aide est soldée. Merci pour ce que vous avez fait.")
        if self.report is not None and self.report.state is ReportState.SUBMITTED:
            return _("Rien pour l’instant : nous lisons votre bilan.")
        return _("Rien pour l’instant : nous nous occupons de la suite et vous écrivons à chaque étape.")


def own_award_shown(award: Award) -> OwnAwardShown:
    """What the page of an award shows to its beneficiary."""
    report = queries.report_of(award.id)
    bank = next(iter(queries.bank_details_of(award.organisation_id)), None)
    return OwnAwardShown(
        award,
        line=queries.award_line(award),
        agreement=queries.agreement_of(award.id),
        bank=bank,
        bank_reason=queries.why_not_use(bank),
        account=queries.confirmed_bank_details(award.organisation_id),
        instalments=queries.instalments_of(award.id),
        report=report,
        receivables=[row for row in queries.receivables_of(award.id) if row.state in queries.OWED],
        awaited=_awaited(award),
        balance=queries.settlement_of(report) if report and report.submitted_at else None,
    )


def _awaited(award: Award) -> list[PieceRequest]:
    """The pieces without which nothing is paid, asked for and not come; none any more once the award is closed."""
    if award.state is AwardState.CLOSED:
        return []
    return screening.awaited_before(award.application_id, BLOCKS_PAYMENT)


# ---- one instalment ------------------------------------------------------------------------------------------------

_RETURNED = frozenset({InstalmentState.PLANNED, InstalmentState.PREPARED, InstalmentState.SUSPENDED})
_ON_THEIR_PAGES = ("attest", "send_back", "suspend", "reject", "cancel_order", "correct_order")
_PAY_THE_ACCOUNT = frozenset({"approve", "resume", "order"})  # refused while nothing may be paid to the account


@dataclass(frozen=True)
class InstalmentShown:
    """One instalment, and the moves that the person of this request may make, by verb.

    `reason` is why no order can be prepared, `bank_reason` why nothing may be paid to the account.
    """

    instalment: Instalment
    offers: dict[str, OfferedMove]
    reason: Text | None
    bank: BankDetails | None
    bank_reason: Text | None
    report: Report | None

    @cached_property
    def acts(self) -> dict[str, OfferedMove]:
        """The moves that are possible now, by verb."""
        barred_verbs = {"prepare"} if self.reason else set()
        if self.bank_reason:
            barred_verbs |= _PAY_THE_ACCOUNT
        if not self.instalment.condition:
            barred_verbs.add("attest")
        return {verb: offer for verb, offer in self.offers.items() if verb not in barred_verbs}

    @property
    def pages(self) -> list[OfferedMove]:
        """The possible moves that have a page of their own."""
        return [self.acts[verb] for verb in _ON_THEIR_PAGES if verb in self.acts]

    @property
    def is_suspended(self) -> bool:
        """Whether the accountant suspended the payment."""
        return self.instalment.state is InstalmentState.SUSPENDED

    @property
    def is_returned(self) -> bool:
        """Whether the page says why the order came back."""
        return bool(self.instalment.returned_note) and self.instalment.state in _RETURNED

    @property
    def must_give_bank(self) -> bool:
        """Whether the association has to give its bank details again."""
        return self.bank_reason is not None and self.bank is not None and self.bank.state is not BankState.REPLACED

    @property
    def needs_report(self) -> bool:
        """Whether an accepted report is among the papers of the order."""
        return self.instalment.kind is InstalmentKind.BALANCE


def instalment_shown(instalment: Instalment) -> InstalmentShown:
    """What the page of an instalment shows to the person of this request."""
    return InstalmentShown(
        instalment,
        offers=offered(instalment),
        reason=queries.why_not_prepare(instalment) if instalment.state is InstalmentState.PLANNED else None,
        bank=instalment.bank_details or queries.confirmed_bank_details(instalment.award.organisation_id),
        bank_reason=queries.why_not_pay_to(instalment),
        report=queries.report_of(instalment.award_id),
    )


# ---- one sum owed back ---------------------------------------------------------------------------------------------

_UNLESS_PROPOSED = frozenset({"receive", "propose_waiver", "propose_reversal"})


@dataclass(frozen=True)
class ReceivableShown:
    """One sum owed back, its receipts, and the moves that the person of this request may make, by verb."""

    receivable: Receivable
    offers: dict[str, OfferedMove]
    receipts: list[ReceivedSum]

    @property
    def disputed(self) -> ReceivedSum | None:
        """The receipt that somebody proposes to reverse."""
        return next((one for one in self.receipts if one.id == self.receivable.reversal_line), None)

    @property
    def pages(self) -> list[OfferedMove]:
        """The possible moves that have a page of their own; while something is proposed, it is answered first."""
        is_proposed = self.receivable.waiver_amount is not None or self.receivable.reversal_line is not None
        is_reversible = bool(self.receivable.received) and self.receivable.award.state is AwardState.RUNNING
        excluded = _UNLESS_PROPOSED if is_proposed else frozenset[str]()
        if not is_reversible:
            excluded |= {"propose_reversal"}
        verbs = ("issue", "receive", "propose_waiver", "propose_reversal", "refuse")
        return [self.offers[verb] for verb in verbs if verb in self.offers and verb not in excluded]


def receivable_shown(receivable: Receivable) -> ReceivableShown:
    """What the page of a sum owed back shows to the person of this request."""
    return ReceivableShown(receivable, offered(receivable), queries.receipts_of(receivable.id))
