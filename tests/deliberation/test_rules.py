"""What a committee may recommend and an act may decide, on plain facts."""

from datetime import date

import pytest
from flask import Flask

from grants.deliberation import rules
from grants.deliberation.rules import Verdict
from grants.kernel.money import Money

ASKED = Money.euros(8_000)
V = Verdict


@pytest.mark.parametrize(
    ("verdict", "amount", "fine"),
    [
        (V.FAVOURABLE, 8_000, True),
        (V.FAVOURABLE, 1, True),
        (V.FAVOURABLE, 8_001, False),
        (V.FAVOURABLE, 0, False),
        (V.FAVOURABLE, None, False),
        (V.FAVOURABLE_WITH_CONDITIONS, None, False),
        (V.UNFAVOURABLE, None, True),
        (V.UNFAVOURABLE, 0, True),
        (V.UNFAVOURABLE, 10, False),
    ],
)
def test_an_amount_goes_with_its_verdict_and_stays_within_the_request(
    app: Flask, verdict: Verdict, amount: int | None, fine: bool
) -> None:
    money = None if amount is None else Money.euros(amount)
    assert (rules.why_not_amount(verdict, money, ASKED) is None) is fine


@pytest.mark.parametrize(
    ("verdict", "conditions", "fine"),
    [
        (V.FAVOURABLE, "", True),
        (V.FAVOURABLE, "Ouvrir le samedi", False),
        (V.FAVOURABLE_WITH_CONDITIONS, "", False),
        (V.FAVOURABLE_WITH_CONDITIONS, "Ouvrir le samedi", True),
        (V.UNFAVOURABLE, "Ouvrir le samedi", False),
    ],
)
def test_conditions_are_written_where_the_verdict_announces_them(
    app: Flask, verdict: Verdict, conditions: str, fine: bool
) -> None:
    assert (rules.why_not_conditions(verdict, conditions) is None) is fine


def test_each_recommendation_says_why_in_the_words_its_case_needs(app: Flask) -> None:
    def why(verdict: Verdict, amount: Money | None, reason: str = "") -> str | None:
        found = rules.why_not_reason(verdict, amount, reason, requested=ASKED, minimum=Money.euros(5_000))
        return None if found is None else str(found)

    assert why(V.FAVOURABLE, ASKED, "Solide.") is None
    assert "minimum" in str(why(V.FAVOURABLE, Money.euros(4_999)))
    assert "inférieur" in str(why(V.FAVOURABLE, Money.euros(5_000)))
    assert why(V.UNFAVOURABLE, None) is not None
    assert why(V.FAVOURABLE, ASKED) is not None


def test_an_act_comes_after_the_meeting_and_not_tomorrow(app: Flask) -> None:
    held, today = date(2019, 10, 3), date(2019, 12, 1)
    assert rules.why_not_act_day(held, held_on=held, today=today) is None
    assert rules.why_not_act_day(today, held_on=held, today=today) is None
    assert "avenir" in str(rules.why_not_act_day(date(2019, 12, 2), held_on=held, today=today))
    assert "précède" in str(rules.why_not_act_day(date(2019, 10, 2), held_on=held, today=today))


@pytest.mark.parametrize(
    ("voted", "reason", "fault"),
    [
        (8_000, "", None),
        (8_001, "Tant mieux", "amount"),
        (7_999, "", "reason"),
        (7_999, "Un peu moins.", None),
        (0, "Refusé.", None),
    ],
)
def test_a_body_may_lower_or_refuse_and_never_exceed(app: Flask, voted: int, reason: str, fault: str | None) -> None:
    found = rules.why_not_voted(Money.euros(voted), reason, recommended=ASKED)
    assert (found[0] if found else None) == fault


@pytest.mark.parametrize(
    ("number", "words"),
    [
        ("2019-3620", "délibération n° 2019-3620"),
        ("CP-2019-3620", "délibération n° CP-2019-3620"),
        ("2019-07-08-R-0162", "arrêté n° 2019-07-08-R-0162"),
        ("DÉC/12", "délibération n° DÉC/12"),
    ],
)
def test_a_letter_names_the_act_by_its_number(app: Flask, number: str, words: str) -> None:
    assert rules.act_in_words(number).replace("\u00a0", " ") == words
