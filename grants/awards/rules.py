"""Arithmetic of awards: agreement threshold, schedules, balances, due days. Whole cents, no clock, no database."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from fractions import Fraction

from schwifty import IBAN
from schwifty.exceptions import SchwiftyException
from stdnum import bic as bic_numbers

from grants.kernel.clock import add_months
from grants.kernel.money import Money, round_half_up
from grants.kernel.words import LazyString, _l


class Part(StrEnum):
    """Parts of a schedule, as instalment kinds."""

    ADVANCE = "advance"
    BALANCE = "balance"
    SINGLE = "single"


@dataclass(frozen=True)
class Planned:
    """One planned instalment."""

    kind: Part
    amount: Money


def agreement_required(received_in_year: Money, threshold: Money) -> bool:
    """Whether a written agreement is due: strictly above the threshold, all awards of the year to the body together.

    Loi 2000-321, article 10; décret 2001-495, article 1.
    """
    return received_in_year > threshold


def default_schedule(amount: Money, *, single_ceiling: Money, advance_percent: int) -> list[Planned]:
    """One payment up to the ceiling; above, an advance and a balance that add up to the amount."""
    if amount <= single_ceiling:
        return [Planned(Part.SINGLE, amount)]
    advance, balance = amount.share([advance_percent, 100 - advance_percent])
    return [Planned(Part.ADVANCE, advance), Planned(Part.BALANCE, balance)]


def why_not_schedule(to_plan: Money, parts: Sequence[Money]) -> LazyString | None:
    """The reason why instalments cannot stand, or None: each positive, together exactly what is to plan."""
    if not parts or any(part.cents <= 0 for part in parts):
        return _l("Chaque échéance doit avoir un montant supérieur à zéro.")
    total = sum(parts, Money(0))
    if total != to_plan:
        return _l("La somme des échéances doit être égale au montant à verser.")
    return None


def payable(amount: Money, eligible_base: Money, realised: Money) -> Money:
    """What the award finally gives: its rate applied to the realised cost, never more than voted.

    The rate is amount ÷ eligible base, exact; half a cent is rounded up.
    """
    if eligible_base.cents <= 0:
        return amount
    due = round_half_up(Fraction(amount.cents * realised.cents, eligible_base.cents))
    return min(amount, Money(due))


def split(amount: Money, weights: Sequence[int]) -> list[Money]:
    """A ledger line split by an application's weights; nothing is lost or made."""
    return amount.share(weights)


def report_due_on(ends_on: date, year_end_month: int, months: int) -> date:
    """The day a report is due: some months after the end of the fiscal year in which the project ends."""
    year = ends_on.year if ends_on.month <= year_end_month else ends_on.year + 1
    first_of_next = date(year + year_end_month // 12, year_end_month % 12 + 1, 1)
    return add_months(first_of_next - timedelta(days=1), months)


def needs_explanation(planned: Money, actual: Money, *, percent: int, amount: Money) -> bool:
    """Whether the gap between planned and real on a line calls for a word."""
    gap = Money(abs(actual.cents - planned.cents))
    return gap > amount or gap.cents * 100 > planned.cents * percent


def why_not_iban(text: str) -> LazyString | None:
    """The reason why an IBAN cannot be right, or None; the French RIB key is checked as well."""
    try:
        IBAN(text, validate_bban=True)
    except SchwiftyException:
        return _l("Cet IBAN n’est pas valide : vérifiez chaque caractère sur votre RIB.")
    return None


def why_not_bic(text: str) -> LazyString | None:
    """The reason why a BIC cannot be right, or None; empty is allowed."""
    if text and not bic_numbers.is_valid(text):
        return _l("Ce BIC n’est pas valide : 8 ou 11 caractères, comme sur votre RIB.")
    return None


def compact(number: str) -> str:
    """An IBAN or BIC without spaces, in capitals."""
    return "".join(number.split()).upper()


def indicators_met(results: Mapping[str, tuple[int, int | None]]) -> tuple[int, int]:
    """How many indicators reached their target, out of how many; results are label: (target, actual)."""
    reached = sum(1 for target, actual in results.values() if actual is not None and actual >= target)
    return reached, len(results)
