"""Arithmetic and logic of awards: agreement threshold, schedules, balances, next steps. No clock, no database."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

from schwifty import IBAN
from schwifty.exceptions import InvalidLength, SchwiftyException
from stdnum import bic as bic_numbers

from grants.kernel.money import Money, round_half_up
from grants.kernel.text import compact
from grants.kernel.words import LazyString, _l


class PlannedKind(StrEnum):
    """Parts of a schedule, as instalment kinds."""

    ADVANCE = "advance"
    BALANCE = "balance"
    SINGLE = "single"


@dataclass(frozen=True)
class Planned:
    """One planned instalment."""

    kind: PlannedKind
    amount: Money


class AgreementNeed(StrEnum):
    """Whether a written agreement is due, and why."""

    NOT_DUE = "not_due"
    AT_THRESHOLD = "at_threshold"
    ABOVE_THRESHOLD = "above_threshold"
    ADVANCE = "advance"

    @property
    def is_due(self) -> bool:
        """Whether nothing may be engaged without a signed agreement."""
        return self in {AgreementNeed.ABOVE_THRESHOLD, AgreementNeed.ADVANCE}


NEED_LABELS: dict[AgreementNeed, LazyString] = {
    AgreementNeed.NOT_DUE: _l("Facultative : le total de l’année ne dépasse pas le seuil."),
    AgreementNeed.AT_THRESHOLD: _l("Facultative, de justesse : le total de l’année est égal au seuil."),
    AgreementNeed.ABOVE_THRESHOLD: _l("Obligatoire : le total de l’année dépasse le seuil."),
    AgreementNeed.ADVANCE: _l("Nécessaire : une avance remboursable a besoin d’un échéancier de remboursement écrit."),
}


def agreement_need(received_in_year: Money, threshold: Money, *, is_advance: bool = False) -> AgreementNeed:
    """Whether an agreement is due: strictly above the threshold, all awards of the year to the body together.

    Loi 2000-321, article 10; décret 2001-495, article 1. A repayable advance always has one: our own rule.
    """
    if received_in_year > threshold:
        return AgreementNeed.ABOVE_THRESHOLD
    if is_advance:
        return AgreementNeed.ADVANCE
    return AgreementNeed.AT_THRESHOLD if received_in_year == threshold else AgreementNeed.NOT_DUE


def default_schedule(amount: Money, *, single_ceiling: Money, advance_percent: int) -> list[Planned]:
    """One payment up to the ceiling; above, an advance and a balance that add up to the amount."""
    if amount <= single_ceiling:
        return [Planned(PlannedKind.SINGLE, amount)]
    advance, balance = amount.share([advance_percent, 100 - advance_percent])
    return [Planned(PlannedKind.ADVANCE, advance), Planned(PlannedKind.BALANCE, balance)]


def gap_of_schedule(to_plan: Money, parts: Sequence[Money]) -> Money:
    """What instalments have too much (positive) or too little (negative) against what is to plan."""
    return sum(parts, Money(0)) - to_plan


def payable(amount: Money, eligible_base: Money, realised: Money) -> Money:
    """What the award finally gives: its rate applied to the realised cost, never more than voted.

    The rate is amount ÷ eligible base, exact; half a cent is rounded up.
    """
    if eligible_base.cents <= 0:
        return amount
    due = round_half_up(Fraction(amount.cents * realised.cents, eligible_base.cents))
    return min(amount, Money(due))


@dataclass(frozen=True)
class Settlement:
    """What a realised cost makes of an award: what is due in the end, still to order, released, or paid too much."""

    realised: Money
    payable: Money
    ordered: Money
    to_order: Money
    released: Money
    excess: Money


def settlement(amount: Money, released: Money, ordered: Money, eligible_base: Money, realised: Money) -> Settlement:
    """The balance of an award on its realised cost; what was ordered beyond it is told as an excess."""
    due = min(payable(amount, eligible_base, realised), amount - released)
    final = max(due, ordered)
    return Settlement(
        realised=realised,
        payable=due,
        ordered=ordered,
        to_order=final - ordered,
        released=amount - released - final,
        excess=final - due,
    )


def owed_back(paid: Money, excess: Money, claimed: Money, settled: Money, *, is_advance: bool) -> Money:
    """What an association still owes: all that was paid of an advance, else the excess paid or what was claimed.

    An excess is of what was ordered: while an order is not paid, only what was paid can come back.
    `settled` is what was received or given up. The greater of excess and claim counts: a claim that was cancelled
    does not wipe out an excess, and a claim for another reason than an excess is owed all the same.
    """
    return (paid if is_advance else max(min(excess, paid), claimed)) - settled


def split(amount: Money, weights: Sequence[int]) -> list[Money]:
    """A ledger line split by an application's weights; nothing is lost or made."""
    return amount.share(weights)


def needs_explanation(planned: Money, actual: Money, *, percent: int, amount: Money) -> bool:
    """Whether the gap between planned and real on a line calls for a word."""
    gap = Money(abs(actual.cents - planned.cents))
    return gap > amount or gap.cents * 100 > planned.cents * percent


_IBAN_NAMES = ("numéro", "n°", "compte", "iban", "rib")
_BIC_NAMES = ("code", "bic", "swift")
# Countries whose banks keep accounts under the IBAN of another (IBAN registry): the French overseas territories, the
# Channel Islands and the Isle of Man, the Åland Islands.
_SHARED_IBAN = {
    "FR": {"GF", "GP", "MQ", "RE", "PF", "TF", "YT", "NC", "BL", "MF", "PM", "WF"},
    "GB": {"GG", "JE", "IM"},
    "FI": {"AX"},
}


def iban_of(text: str) -> str:
    """An IBAN as it is kept: its letters and digits, whatever was copied with them."""
    return compact(text, *_IBAN_NAMES).removeprefix("IBAN")


def bic_of(text: str) -> str:
    """A BIC as it is kept: its letters and digits, whatever was copied with them."""
    return compact(text, *_BIC_NAMES)


def why_not_iban(number: str) -> LazyString | None:
    """The reason why an IBAN cannot be right, or None; the French RIB key is checked too. Takes `iban_of` a text."""
    try:
        IBAN(number, validate_bban=True)
    except InvalidLength:
        return _l(
            "Cet IBAN compte %(found)s caractères, ce qui n’est pas sa longueur : en France, un IBAN en compte 27.",
            found=len(number),
        )
    except SchwiftyException:
        return _l("Cet IBAN n’est pas valide : vérifiez chaque caractère sur votre RIB.")
    return None


def why_not_bic(code: str, iban: str = "") -> LazyString | None:
    """The reason why a BIC cannot be right beside an IBAN, or None; empty is allowed. Takes `bic_of` a text."""
    if not code:
        return None
    if not bic_numbers.is_valid(code):
        return _l("Ce BIC n’est pas valide : 8 ou 11 caractères, comme sur votre RIB.")
    country, bank = iban[:2], code[4:6]
    if country and bank != country and bank not in _SHARED_IBAN.get(country, ()):
        return _l("Ce BIC et cet IBAN sont de deux pays différents : vérifiez-les sur votre RIB.")
    return None


def masked(last4: str) -> str:
    """An IBAN as people may read it on a screen: its last four characters."""
    return f"•••• •••• •••• {last4}"


def grouped(iban: str) -> str:
    """An IBAN in groups of four, as it is written on paper."""
    return " ".join(iban[i : i + 4] for i in range(0, len(iban), 4))


_ARTICLE = re.compile(r"Article \d+\b.*")


def articles_of(terms: str) -> list[tuple[str, str]]:
    """The terms of an agreement by article: a line « Article N … » alone opens one; what precedes has no title."""
    articles: list[tuple[str, list[str]]] = []
    for line in terms.split("\n"):
        if _ARTICLE.fullmatch(line.strip()):
            articles.append((line.strip(), []))
        elif articles:
            articles[-1][1].append(line)
        elif line.strip():
            articles.append(("", [line]))
    return [(title, "\n".join(lines).strip()) for title, lines in articles]


# ---- who may act ---------------------------------------------------------------------------------------------------


class Link(StrEnum):
    """The links of the chain of a payment or of a sum to be received, each held by other people."""

    DUE = "due"  # who says that it is due: the schedule, a condition met, a report accepted
    ACCOUNT = "account"  # who gives the account
    CHECK = "check"  # who checks the account: two people
    PREPARE = "prepare"
    APPROVE = "approve"
    RECORD = "record"  # what finance records: orders, payments, receipts


@dataclass(frozen=True)
class PastAct:
    """Somebody who acted in the chain: in which link, and what they are to the person who asks.

    `is_tied`: one of the two proposed or gave an office to the other.
    """

    link: Link
    is_same: bool
    is_tied: bool


def why_not_act(link: Link, past_acts: Iterable[PastAct], *, approves: bool) -> LazyString | None:
    """The reason why somebody may not act in a link of a chain, because of past acts in it, or None.

    Who approves holds no other link. Nobody holds a link of a chain where another one is held by somebody who appointed
    them, or whom they appointed; those who follow one another in the same link do not control each other, save for the
    two who check an account.
    """
    others = [act for act in past_acts if act.link is not link or link is Link.CHECK]
    if approves and any(act.is_same and act.link is Link.PREPARE for act in others):
        return _l("Vous avez préparé ce mandat ou cette demande : une autre personne doit l’approuver.")
    if approves and any(act.is_same for act in others):
        return _l(
            "Vous avez déjà agi pour cette somme, par exemple sur le compte : une autre personne doit l’approuver."
        )
    if any(act.is_tied for act in others):
        return _l("Une personne qui a nommé l’autre ne la contrôle pas : quelqu’un d’autre doit agir sur cette somme.")
    return None


# ---- what may happen, and what comes next --------------------------------------------------------------------------


@dataclass(frozen=True)
class Readiness:
    """What decides whether the payment order of an instalment can be prepared."""

    is_running: bool
    lacks_agreement: bool
    has_bank_details: bool
    follows_open_one: bool
    is_balance: bool
    has_accepted_report: bool
    lacks_proof: bool = False
    was_handed_over: bool = False
    awaited_piece: str = ""  # what the call says to hold up payment, asked for and neither given nor given up


HANDED_OVER = _l(
    "L’organisation a été remise à une autre personne depuis que ces coordonnées bancaires ont été données. "
    "Une personne responsable de l’organisation doit en donner de nouveau, puis deux personnes du service les "
    "vérifient."
)
REPLACED = _l(
    "Les coordonnées bancaires ont changé depuis la préparation. Renvoyez ce mandat, puis préparez-le de nouveau."
)
REPLACED_SINCE_ORDERED = _l(
    "Les coordonnées bancaires ont changé depuis que ce mandat est émis. Annulez-le, ou enregistrez son rejet, puis "
    "préparez-le de nouveau."
)


def why_not_prepare(facts: Readiness) -> LazyString | None:
    """The reason why a payment order cannot be prepared now, or None."""
    if not facts.is_running:
        return _l("L’attribution n’est pas engagée : enregistrez d’abord la convention ou l’engagement.")
    if facts.lacks_agreement:
        return _l("Une convention signée est devenue obligatoire : le total de l’année dépasse le seuil.")
    if not facts.has_bank_details and facts.was_handed_over:
        return HANDED_OVER
    if not facts.has_bank_details:
        return _l("Les coordonnées bancaires ne sont pas confirmées par deux personnes.")
    if facts.awaited_piece:
        return _l(
            "Il manque « %(piece)s » : l’association donne cette pièce depuis son attribution, à la page « Pièces "
            "demandées ».",
            piece=facts.awaited_piece,
        )
    if facts.follows_open_one:
        return _l("Une échéance précédente n’est pas encore mandatée.")
    if facts.is_balance and not facts.has_accepted_report:
        return _l("Le solde se prépare après l’acceptation du bilan.")
    if facts.lacks_proof:
        return _l("La condition de cette échéance n’est pas encore attestée, avec sa preuve.")
    return None


class NextStep(StrEnum):
    """The one thing to do next on an award."""

    ENGAGE = "engage"
    PREPARE_AGREEMENT = "prepare_agreement"
    SIGN = "sign"
    PLAN = "plan"
    BANK_GIVE = "bank_give"
    BANK_CONFIRM = "bank_confirm"
    PIECE_GIVE = "piece_give"
    PREPARE = "prepare"
    APPROVE = "approve"
    ORDER = "order"
    PAY = "pay"
    REPORT = "report"
    EXAMINE = "examine"
    RECOVER = "recover"
    CLOSE = "close"
    NOTHING = "nothing"


STEP_LABELS: dict[NextStep, LazyString] = {
    NextStep.ENGAGE: _l("Engager, ou préparer une convention"),
    NextStep.PREPARE_AGREEMENT: _l("Préparer la convention"),
    NextStep.SIGN: _l("Enregistrer la signature"),
    NextStep.PLAN: _l("Établir l’échéancier"),
    NextStep.BANK_GIVE: _l("Attendre les coordonnées bancaires"),
    NextStep.BANK_CONFIRM: _l("Vérifier les coordonnées bancaires"),
    NextStep.PIECE_GIVE: _l("Attendre une pièce de l’association"),
    NextStep.PREPARE: _l("Préparer un mandat"),
    NextStep.APPROVE: _l("Approuver un mandat"),
    NextStep.ORDER: _l("Enregistrer le mandat émis"),
    NextStep.PAY: _l("Enregistrer la date comptable"),
    NextStep.REPORT: _l("Attendre le bilan"),
    NextStep.EXAMINE: _l("Examiner le bilan"),
    NextStep.RECOVER: _l("Recevoir ce que l’association doit rendre"),
    NextStep.CLOSE: _l("Clore"),
    NextStep.NOTHING: _l("Rien : l’attribution est soldée"),
}


@dataclass(frozen=True)
class Progress:
    """Where an award stands: its state, what its papers lack, how many instalments wait for what."""

    state: str
    agreement_due: bool
    agreement_prepared: bool
    agreement_signed: bool
    is_planned: bool
    bank_confirmed: bool
    bank_waiting: bool
    planned: int
    planned_before_balance: int
    prepared: int
    approved: int
    ordered: int
    report: str
    owes: bool = False
    lacks_piece: bool = False


def next_step(facts: Progress) -> NextStep:
    """What moves the award on; money under way first, then papers, then what others owe us."""
    if facts.state == "closed":
        return NextStep.NOTHING
    if facts.state == "agreement":
        return NextStep.SIGN
    if facts.state == "voted":
        return NextStep.PREPARE_AGREEMENT if facts.agreement_due else NextStep.ENGAGE
    if facts.agreement_due and not facts.agreement_signed:
        return NextStep.SIGN if facts.agreement_prepared else NextStep.PREPARE_AGREEMENT
    for waiting, step in (
        (facts.ordered, NextStep.PAY),
        (facts.approved, NextStep.ORDER),
        (facts.prepared, NextStep.APPROVE),
        (not facts.is_planned, NextStep.PLAN),
        (facts.report == "submitted", NextStep.EXAMINE),
    ):
        if waiting:
            return step
    if facts.planned:
        if not facts.bank_confirmed:
            return NextStep.BANK_CONFIRM if facts.bank_waiting else NextStep.BANK_GIVE
        if facts.lacks_piece:
            return NextStep.PIECE_GIVE
        if facts.planned_before_balance or facts.report == "accepted":
            return NextStep.PREPARE
        return NextStep.REPORT
    if facts.report != "accepted":
        return NextStep.REPORT
    return NextStep.RECOVER if facts.owes else NextStep.CLOSE
