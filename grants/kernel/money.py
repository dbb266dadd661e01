"""Money is whole cents: it adds, compares, splits without losing a cent, and refuses floats."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from grants.kernel.text import bare

LIMIT_CENTS = 10**13
LONGEST = 60  # characters of a text that may be an amount
_UNIT = re.compile(r"\A(?:€|eur) ?| ?(?:€|euros?|eur)\Z", re.IGNORECASE)
_AMOUNT = re.compile(r"(\d{1,3}(?: \d{3})+|\d+)(?:[,.](\d{1,2}))?", re.ASCII)
_TWO_READINGS = re.compile(r"\d{1,3}(?:[.,]\d{3})+", re.ASCII)
_WHOLE = re.compile(r"\d{1,3}(?: \d{3})+|\d+", re.ASCII)


@dataclass(frozen=True, order=True, slots=True)
class Money:
    """An amount in whole cents of the fund's one currency."""

    cents: int

    def __post_init__(self) -> None:
        if type(self.cents) is not int:
            raise TypeError(f"Money takes whole cents, not {type(self.cents).__name__}")

    @classmethod
    def euros(cls, amount: int) -> "Money":
        """Whole euros (the Cerfa forms ask for no cents)."""
        return cls(amount * 100)

    def __add__(self, other: "Money") -> "Money":
        return Money(self.cents + other.cents) if isinstance(other, Money) else NotImplemented

    def __radd__(self, other: object) -> "Money":
        return self if other == 0 else NotImplemented

    def __sub__(self, other: "Money") -> "Money":
        return Money(self.cents - other.cents) if isinstance(other, Money) else NotImplemented

    def __neg__(self) -> "Money":
        return Money(-self.cents)

    def __bool__(self) -> bool:
        return self.cents != 0

    def percent(self, rate: int) -> "Money":
        """A whole percentage of the amount, half a cent rounded up."""
        return Money(round_half_up(Fraction(self.cents * rate, 100)))

    def share(self, weights: Sequence[int]) -> list["Money"]:
        """Split in proportion to whole weights by largest remainder: the parts always add up to the amount.

        Equal remainders go to the earlier part. Raises ValueError without a positive weight.
        """
        total = sum(weights)
        if total <= 0 or any(weight < 0 for weight in weights):
            raise ValueError("weights must be non-negative and not all zero")
        sign = -1 if self.cents < 0 else 1
        amount = abs(self.cents)
        floors = [amount * weight // total for weight in weights]
        order = sorted(range(len(weights)), key=lambda i: (-(amount * weights[i] % total), i))
        for i in order[: amount - sum(floors)]:
            floors[i] += 1
        return [Money(sign * part) for part in floors]


def round_half_up(value: Fraction) -> int:
    """The one rounding rule of the project."""
    return (value.numerator * 2 + value.denominator) // (value.denominator * 2)


def percentage(part: Money, whole: Money) -> Fraction:
    """part ÷ whole in percent, exact; zero of zero is zero."""
    return Fraction(part.cents * 100, whole.cents) if whole.cents else Fraction(0)


class AmbiguousError(ValueError):
    """An amount that can be read in two ways: "12.500", a little more than twelve, or twelve thousand five hundred."""


def parse_money(text: str) -> Money:
    """Read an amount as people type or paste it: "1 234,56", "1234,5", "12 500 €", "12 500 euros".

    Raises AmbiguousError for "12.500", ValueError for anything else that is no amount ("1e5", "NaN", "1 2500", signs,
    digits of other scripts). `static/js/amounts.js` reads the same, so that no page says what the server will not.
    """
    if len(text) > LONGEST:
        raise ValueError("too long")
    plain = _UNIT.sub("", bare(text))
    match = _AMOUNT.fullmatch(plain)
    if match is None:
        raise AmbiguousError(text) if _TWO_READINGS.fullmatch(plain) else ValueError("not an amount")
    whole, decimals = match.groups()
    cents = int(whole.replace(" ", "")) * 100 + int((decimals or "0").ljust(2, "0"))
    if cents > LIMIT_CENTS:
        raise ValueError("out of range")
    return Money(cents)


def parse_whole(text: str) -> int:
    """Read a whole number as people type it: "1 200", "1200". Raises ValueError for anything else."""
    plain = bare(text)
    if len(text) > LONGEST or not _WHOLE.fullmatch(plain):
        raise ValueError("not a whole number")
    return int(plain.replace(" ", ""))
