"""The arithmetic of awards holds for every amount, not only for the round ones."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grants.awards import rules
from grants.awards.rules import AgreementNeed, Link, NextStep, PastAct, Progress, Readiness
from grants.kernel.money import Money
from tests.factories.awards import iban

AMOUNTS = st.integers(1, 10_000_000).map(Money)
LIMIT = Money.euros(23_000)


@pytest.mark.parametrize(
    ("received", "need"),
    [
        (Money(2_299_999), AgreementNeed.NOT_DUE),
        (Money(2_300_000), AgreementNeed.AT_THRESHOLD),
        (Money(2_300_001), AgreementNeed.ABOVE_THRESHOLD),
    ],
)
def test_the_threshold_is_strict(received, need):
    assert rules.agreement_need(received, LIMIT) is need
    assert need.is_due is (received > LIMIT)


def test_an_advance_always_has_an_agreement():
    assert rules.agreement_need(Money(1), LIMIT, is_advance=True).is_due


@given(AMOUNTS, st.integers(1, 99))
def test_a_proposed_schedule_adds_up(amount, percent):
    parts = [part.amount for part in rules.default_schedule(amount, single_ceiling=LIMIT, advance_percent=percent)]
    assert sum(parts) == amount
    assert len(parts) == (1 if amount <= LIMIT else 2)
    assert not rules.gap_of_schedule(amount, parts)


@given(AMOUNTS, st.lists(AMOUNTS, min_size=1, max_size=6))
def test_the_gap_of_a_schedule_is_what_one_reads(to_plan, parts):
    assert to_plan + rules.gap_of_schedule(to_plan, parts) == sum(parts)


@given(AMOUNTS, AMOUNTS, st.integers(0, 20_000_000).map(Money), st.data())
def test_a_settlement_loses_and_makes_no_cent(amount, extra, cost, data):
    base = amount + extra
    released = Money(data.draw(st.integers(0, amount.cents)))
    ordered = Money(data.draw(st.integers(0, amount.cents - released.cents)))
    found = rules.settlement(amount, released, ordered, base, cost)
    assert found.ordered + found.to_order + found.released + released == amount
    assert min(found.to_order.cents, found.released.cents, found.excess.cents) >= 0
    assert found.payable <= amount
    assert found.payable + found.excess == found.ordered + found.to_order
    assert not (found.to_order and found.excess)


@given(AMOUNTS, AMOUNTS, st.integers(0, 20_000_000), st.integers(0, 1_000_000))
def test_the_more_a_project_costs_the_more_is_payable_up_to_the_award(amount, extra, cost, more):
    base = amount + extra
    low, high = (rules.payable(amount, base, Money(each)) for each in (cost, cost + more))
    assert Money(0) <= low <= high <= amount
    assert rules.payable(amount, base, base) == amount


def test_half_a_cent_is_rounded_up():
    assert rules.payable(Money(100), Money(200), Money(1)) == Money(1)


@pytest.mark.parametrize(
    ("planned", "actual", "asked"),
    [(10_000, 11_000, False), (10_000, 11_001, True), (10_000, 8_999, True), (0, 1, True), (0, 0, False)],
)
def test_a_gap_beyond_a_tenth_calls_for_a_word(planned, actual, asked):
    found = rules.needs_explanation(Money(planned), Money(actual), percent=10, amount=Money.euros(1000))
    assert found is asked


def test_a_large_gap_calls_for_a_word_on_a_large_line():
    assert rules.needs_explanation(Money.euros(50_000), Money.euros(51_001), percent=10, amount=Money.euros(1000))


@given(st.integers(0, 99_999_999_999))
def test_a_right_iban_is_taken_and_one_wrong_digit_is_not(number):
    good = iban(number)
    assert rules.why_not_iban(good) is None
    place = 14
    wrong = good[:place] + str((int(good[place]) + 1) % 10) + good[place + 1 :]
    assert rules.why_not_iban(wrong) is not None


def test_the_rib_key_is_checked_beyond_the_check_digits():
    bban = "99999000010000000000100"
    check = 98 - int(bban + "152700") % 97
    assert rules.why_not_iban(f"FR{check:02d}{bban}") is not None


@pytest.mark.parametrize("text", ["", "FR76", "FR7612345", "٣" * 27, "DE89370400440532013001", "<b>" * 9])
def test_what_is_not_an_iban_is_refused(text):
    assert rules.why_not_iban(text) is not None


@pytest.mark.parametrize(("text", "fine"), [("", True), ("AGRIFRPP882", True), ("AGRIFRPP", True), ("AGRI", False)])
def test_a_bic_is_8_or_11_characters(text, fine):
    assert (rules.why_not_bic(text) is None) is fine


@pytest.mark.parametrize(
    ("bic", "country", "fine"),
    [("AGRIFRPP", "FR", True), ("AGRIMQMX", "FR", True), ("AGRIDEFF", "FR", False), ("BARCJESH", "GB", True),
     ("PSSTFRPP", "DE", False), ("AGRIREPP", "DE", False)],
)  # fmt: skip
def test_a_bic_is_of_the_country_of_its_iban(bic, country, fine):
    assert (rules.why_not_bic(bic, f"{country}00") is None) is fine


def test_an_iban_of_a_wrong_length_is_told_its_length():
    assert "26" in str(rules.why_not_iban(iban(1)[:-1]))


def test_terms_are_read_by_article():
    terms = "Préambule\nArticle 1 – Objet\nUn.\n\nDeux.\n\nArticle 2 – Durée\nTrois. Article 3 cité ici."
    assert rules.articles_of(terms) == [
        ("", "Préambule"),
        ("Article 1 – Objet", "Un.\n\nDeux."),
        ("Article 2 – Durée", "Trois. Article 3 cité ici."),
    ]


def test_an_order_is_ready_in_one_case_and_every_other_has_its_reason():
    ready = Readiness(
        is_running=True,
        lacks_agreement=False,
        has_bank_details=True,
        follows_open_one=False,
        is_balance=True,
        has_accepted_report=True,
    )
    assert rules.why_not_prepare(ready) is None
    for facts in product((True, False), repeat=6):
        found = Readiness(*facts)
        fine = found.is_running and not found.lacks_agreement and found.has_bank_details
        fine = fine and not found.follows_open_one and (not found.is_balance or found.has_accepted_report)
        assert (rules.why_not_prepare(found) is None) is fine


def test_who_may_act_follows_from_who_acted_before():
    for link, held, same, tied in product(Link, Link, (True, False), (True, False)):
        past = PastAct(held, is_same=same, is_tied=tied)
        is_other = held is not link or link is Link.CHECK
        approves = link is Link.APPROVE
        barred = is_other and (tied or (approves and same))
        assert (rules.why_not_act(link, [past], approves=approves) is not None) is barred
        assert rules.why_not_act(link, [], approves=approves) is None


def progress(**changes):
    facts = {
        "state": "running",
        "agreement_due": False,
        "agreement_prepared": False,
        "agreement_signed": False,
        "is_planned": True,
        "bank_confirmed": True,
        "bank_waiting": False,
        "planned": 0,
        "planned_before_balance": 0,
        "prepared": 0,
        "approved": 0,
        "ordered": 0,
        "report": "expected",
    }
    return Progress(**{**facts, **changes})


@pytest.mark.parametrize(
    ("changes", "step"),
    [
        ({"state": "voted"}, NextStep.ENGAGE),
        ({"state": "voted", "agreement_due": True}, NextStep.PREPARE_AGREEMENT),
        ({"state": "agreement"}, NextStep.SIGN),
        ({"agreement_due": True}, NextStep.PREPARE_AGREEMENT),
        ({"agreement_due": True, "agreement_prepared": True}, NextStep.SIGN),
        ({"is_planned": False}, NextStep.PLAN),
        ({"planned": 1, "planned_before_balance": 1, "bank_confirmed": False}, NextStep.BANK_GIVE),
        ({"planned": 1, "bank_confirmed": False, "bank_waiting": True}, NextStep.BANK_CONFIRM),
        ({"planned": 2, "planned_before_balance": 1}, NextStep.PREPARE),
        ({"planned": 1, "prepared": 1}, NextStep.APPROVE),
        ({"approved": 1}, NextStep.ORDER),
        ({"ordered": 1, "report": "submitted"}, NextStep.PAY),
        ({"planned": 1}, NextStep.REPORT),
        ({"planned": 1, "report": "submitted"}, NextStep.EXAMINE),
        ({"planned": 1, "report": "accepted"}, NextStep.PREPARE),
        ({"report": "accepted"}, NextStep.CLOSE),
        ({"state": "closed"}, NextStep.NOTHING),
    ],
)
def test_one_thing_comes_next(changes, step):
    assert rules.next_step(progress(**changes)) is step


def test_an_account_number_is_shown_by_its_end():
    assert rules.masked("2055") == "•••• •••• •••• 2055"
    assert rules.grouped("FR7630006000011234567890189") == "FR76 3000 6000 0112 3456 7890 189"
    assert rules.compact(" fr76 3000\u00a06000 ") == "FR7630006000"
