"""The arithmetic and logic of an application."""

import json
from datetime import UTC, date, datetime
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grants.applications import rules
from grants.applications.rules import Totals
from grants.kernel.money import Money

CENTS = st.integers(min_value=0, max_value=10**12)
WEIGHTS = st.lists(st.tuples(st.integers(0, 9), st.integers(1, 100)), min_size=1, max_size=12)
LINES = st.lists(
    st.tuples(st.sampled_from(["charge", "resource"]), st.sampled_from(["60", "74", "86", "864", "870", "OWN"]), CENTS),
    max_size=20,
)


@given(CENTS, WEIGHTS)
def test_the_parts_of_an_amount_add_up_to_it_to_the_cent(cents, weights):
    parts = rules.allocate(Money(cents), weights)
    assert sum(part.cents for _key, _weight, part in parts) == cents
    assert sorted(key for key, _weight, _part in parts) == sorted({key for key, _weight in weights})


@given(CENTS, WEIGHTS)
def test_a_part_is_never_a_cent_away_from_its_exact_share(cents, weights):
    whole = sum(weight for _key, weight in weights)
    for _key, weight, part in rules.allocate(Money(cents), weights):
        assert abs(part.cents - Fraction(cents * weight, whole)) < 1


@given(CENTS, st.lists(st.uuids(), max_size=8, unique=True))
def test_keys_without_shares_weigh_the_same_and_none_means_not_said(cents, keys):
    parts = rules.allocate(Money(cents), rules.equally(keys))
    amounts = [part.cents for _key, _weight, part in parts]
    assert max(amounts) - min(amounts) <= 1
    assert [key for key, _weight, _part in parts] == (keys or [None])


@given(LINES)
def test_each_line_counts_once_and_contributions_in_kind_apart(lines):
    found = rules.totals((side, account, Money(cents)) for side, account, cents in lines)
    counted = found.charges + found.resources + found.in_kind_charges + found.in_kind_resources
    assert counted.cents == sum(cents for _side, _account, cents in lines)
    kind = sum(cents for side, account, cents in lines if side == "charge" and account[:2] in {"86", "87"})
    assert found.in_kind_charges.cents == kind


@given(CENTS, CENTS, CENTS, CENTS)
def test_a_budget_without_a_gap_is_a_balanced_one(charges, resources, left, right):
    found = Totals(Money(charges), Money(resources), Money(left), Money(right))
    assert found.is_balanced == (not rules.budget_gaps(found))


def test_a_gap_says_which_side_and_how_much(app):
    with app.test_request_context():
        short, over = (
            Totals(*(Money.euros(n) for n in (1250, 1000, 0, 0))),
            Totals(*(Money.euros(n) for n in (1000, 1000, 30, 0))),
        )
        assert "250\u00a0€ de ressources" in rules.budget_gaps(short)[0]
        assert "diffèrent de 30\u00a0€" in rules.budget_gaps(over)[0]


@given(CENTS, CENTS, st.integers(1, 100))
def test_a_rate_is_over_exactly_when_the_share_is(requested, resources, rate):
    assert rules.is_over_rate(Money(requested), Money(resources), rate) == (requested * 100 > resources * rate)
    assert not rules.is_over_rate(Money(requested), Money(resources), None)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=20),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from("abcde"), inner, max_size=4),
    )
)
def test_the_same_facts_have_the_same_text_and_digest(content):
    text = rules.canonical({"content": content})
    again = rules.canonical(json.loads(text))
    assert again == text
    assert rules.digest(again) == rules.digest(text)


def test_a_content_read_again_has_living_values():
    content = rules.read(
        '{"due_on":"2026-09-01","frozen_at":"2026-09-01T10:00:00+00:00","x_cents":1250,"y_cents":null}'
    )
    assert content["due_on"] == date(2026, 9, 1)
    assert content["frozen_at"] == datetime(2026, 9, 1, 10, tzinfo=UTC)
    assert (content["x"], content["y"]) == (Money(1250), None)


def test_a_placeholder_is_filled_once_and_a_typed_brace_stays():
    assert (
        rules.fill("« {title} » {amount} {other}", {"title": "{amount}", "amount": "8 €"}) == "« {amount} » 8 € {other}"
    )


@given(
    st.dictionaries(
        st.text(max_size=5).filter(lambda name: name not in rules.TABLES_OF_ROWS), st.integers() | st.text(max_size=5)
    )
)
def test_the_mark_of_a_page_follows_what_it_says(values):
    assert rules.stamp_of(values) == rules.stamp_of(dict(reversed(values.items())))
    assert rules.stamp_of({**values, "more": 1}) != rules.stamp_of({**values, "more": 2})


@pytest.mark.parametrize(
    ("rule", "facts", "due"),
    [
        ("always", {}, True),
        ("no_rna", {"has_rna": True}, False),
        ("no_rna", {"has_rna": False}, True),
        ("first_or_changed", {"first_request": "no"}, False),
        ("renewal", {"first_request": "no"}, True),
        ("signatory_differs", {"authority": "representative"}, False),
        ("signatory_differs", {"authority": "mandate"}, True),
        ("optional", {}, False),
    ],
)
def test_a_piece_is_due_when_its_rule_applies(rule, facts, due):
    assert rules.is_expected(rule, **({"has_rna": True, "first_request": "yes", "authority": None} | facts)) is due


def test_a_conditional_question_is_asked_after_its_answer_only():
    condition = {"question": "first", "equals": "no"}
    assert rules.is_asked(None, {})
    assert rules.is_asked(condition, {"first": "no"})
    assert not rules.is_asked(condition, {"first": "yes"})
    assert not rules.is_asked(condition, {})


def test_a_copied_number_and_digest_are_read_whatever_their_spaces():
    assert rules.as_written(" fis-2026-0001 ", "AB cd\n12") == ("FIS-2026-0001", "abcd12")


@pytest.mark.parametrize(
    "copied",
    [
        "FIS-2026-0042", " fis-2026-0042 ", "Référence : FIS-2026-0042", "dossier n° fis-2026-0042",
        "FIS-2026-0042\u200b",
        "FIS\u00a0-\u202f2026-0042", "FIS\u20112026\u20130042", "n°FIS-2026-0042",
    ],
)  # fmt: skip
def test_the_number_of_a_dossier_is_read_whatever_was_copied_with_it(copied):
    assert rules.reference_of(copied) == "FIS-2026-0042"
