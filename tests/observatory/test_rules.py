"""What the figures and the open data say, on plain facts."""

from datetime import date
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from grants.kernel.money import Money
from grants.kernel.sheets import cell, lines
from grants.observatory import rules
from grants.observatory.rules import Figure, Sums, TrackingLine


def test_what_is_left_is_awarded_less_released_less_paid() -> None:
    sums = Sums()
    for figure, cents in ((Figure.VOTED, 1000), (Figure.RELEASED, 150), (Figure.PAID, 600)):
        sums.add(figure, Money(cents))
    assert sums.left == Money(250)


PARIS = ZoneInfo("Europe/Paris")


@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=20))
def test_the_foot_adds_every_line(cents: list[int]) -> None:
    table = []
    for amount in cents:
        sums = Sums()
        sums.add(Figure.ASKED, Money(amount))
        table.append(TrackingLine("k", "c", "t", sums))
    assert rules.total(table)[Figure.ASKED] == Money(sum(cents))


def test_the_rna_is_left_out_when_the_schema_would_refuse_it() -> None:
    assert rules.strict_rna("W691000001", "99900001100018") == "W691000001"
    assert rules.strict_rna("W9C1000001", "99900001100018") == ""
    assert rules.strict_rna("W9C1000001", None) == "W9C1000001"


def test_payment_terms_and_period_follow_the_schema() -> None:
    assert rules.payment_terms(1) == "unique"
    assert rules.payment_terms(2) == "échelonné"
    assert rules.payment_period(date(2019, 9, 1), date(2020, 12, 31)) == "2019-09-01/2020-12-31"
    assert rules.payment_period(date(2019, 9, 1), date(2019, 9, 1)) == "2019-09-01"


def test_a_long_purpose_fits_the_schema() -> None:
    assert len(rules.purpose("mot " * 200)) == 256


@given(st.text(max_size=200))
def test_no_cell_begins_like_a_formula(text: str) -> None:
    assert not cell(text, PARIS).lstrip(" \u00a0").startswith(("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠"))


def test_negative_amounts_stay_numbers_and_days_are_iso() -> None:
    row = [Money(-1250), date(2019, 2, 14), "=1+1"]
    assert "".join(lines(["a", "b", "c"], [row])) == "a,b,c\n-12.50,2019-02-14,=1+1\n"
    assert "".join(lines(["a", "b", "c"], [row], zone=PARIS)) == "\ufeffa;b;c\n-12,50;2019-02-14;'=1+1\n"
