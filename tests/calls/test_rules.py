"""What dates, weights and choices say by themselves."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from grants.calls import rules
from grants.calls.rules import Bounds, CheckVerdict, Phase
from grants.kernel.days import local_instant
from grants.kernel.money import Money
from grants.programme.rules import strange_placeholders

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
LATER = NOON + timedelta(days=30)


@dataclass
class Dates:
    opens_at: datetime | None = NOON
    closes_at: datetime | None = LATER
    opened_at: datetime | None = NOON
    results_published_at: datetime | None = None
    grace_minutes: int = 0


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        (NOON - timedelta(seconds=1), Phase.COMING),
        (NOON, Phase.OPEN),
        (LATER, Phase.OPEN),
        (LATER + timedelta(microseconds=1), Phase.CLOSED),
    ],
)
def test_the_closing_instant_itself_is_on_time(at, expected):
    assert rules.phase(Dates(), at) is expected
    assert rules.is_open(Dates(), at) is (expected is Phase.OPEN)


def test_the_closing_is_an_instant_in_the_night_when_an_hour_comes_twice():
    paris = ZoneInfo("Europe/Paris")
    closing = datetime(2026, 10, 25, 2, 10, tzinfo=paris, fold=1)
    earlier = datetime(2026, 10, 25, 2, 30, tzinfo=paris, fold=0)
    call = Dates(closes_at=closing.astimezone(UTC))
    assert rules.is_open(call, earlier.astimezone(UTC))
    assert not rules.is_open(call, closing.astimezone(UTC) + timedelta(microseconds=1))
    sooner = Dates(closes_at=earlier.astimezone(UTC))
    assert not rules.is_open(sooner, closing.astimezone(UTC))


@pytest.mark.parametrize(
    ("attempted", "after", "expected"),
    [
        (timedelta(0), 0, True),
        (timedelta(0), 15 * 60, True),
        (timedelta(0), 15 * 60 + 0.000001, False),
        (timedelta(microseconds=-1), 1, True),
        (timedelta(microseconds=1), 1, False),
        (None, 0, True),
        (None, 0.000001, False),
    ],
)
def test_the_grace_is_for_what_was_attempted_at_the_closing_or_before(attempted, after, expected):
    call = Dates(grace_minutes=15)
    tried = None if attempted is None else LATER + attempted
    assert rules.takes(call, LATER + timedelta(seconds=after), tried) is expected


def test_no_grace_is_given_before_the_opening_nor_by_a_call_without_one():
    assert not rules.takes(Dates(), LATER + timedelta(microseconds=1), LATER)
    assert not rules.takes(Dates(grace_minutes=15), NOON - timedelta(seconds=1), LATER)
    assert rules.last_instant(Dates(grace_minutes=15), NOON - timedelta(seconds=1)) == LATER


def test_a_call_never_opened_is_a_draft_whatever_its_dates():
    assert rules.phase(Dates(opened_at=None), LATER) is Phase.DRAFT


def test_published_results_show_from_their_instant_on():
    call = Dates(results_published_at=LATER + timedelta(days=9))
    assert rules.phase(call, LATER + timedelta(days=8)) is Phase.CLOSED
    assert rules.phase(call, LATER + timedelta(days=9)) is Phase.RESULTS


def test_an_hour_of_paris_becomes_utc_in_winter_and_in_summer():
    assert local_instant(date(2026, 1, 15), time(17), "Europe/Paris") == datetime(2026, 1, 15, 16, tzinfo=UTC)
    assert local_instant(date(2026, 7, 15), time(17), "Europe/Paris") == datetime(2026, 7, 15, 15, tzinfo=UTC)


def test_an_hour_the_clocks_skip_is_refused_and_one_they_repeat_is_the_first():
    with pytest.raises(ValueError, match="skip"):
        local_instant(date(2026, 3, 29), time(2, 30), "Europe/Paris")
    assert local_instant(date(2026, 10, 25), time(2, 30), "Europe/Paris") == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


def test_a_running_call_holds_its_envelope_and_a_settled_one_what_it_committed():
    rows = [(Money.euros(300), Money.euros(100), False), (Money.euros(500), Money.euros(120), True)]
    assert rules.promised(rows) == Money.euros(420)


def test_codes_come_from_titles_and_never_collide():
    assert rules.code_of("Étes-vous prêts ?", set()) == "etes_vous_prets"
    assert rules.code_of("Étes-vous prêts ?", {"etes_vous_prets", "etes_vous_prets_2"}) == "etes_vous_prets_3"
    assert rules.code_of("???", set()) == "x"


def test_a_choice_keeps_its_code_when_it_moves_or_is_renamed_in_place():
    before = [{"code": "yes", "label": "Oui", "label_en": ""}, {"code": "no", "label": "Non", "label_en": ""}]
    moved = rules.choices_of([("Non", ""), ("Oui", "Yes")], before)
    assert [row["code"] for row in moved] == ["no", "yes"]
    renamed = rules.choices_of([("Oui, déjà", ""), ("Non", ""), ("Peut-être", "")], before)
    assert [row["code"] for row in renamed] == ["yes", "no", "peut_etre"]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("Le {fund} et la {body}", []),
        ("Le {found}", ["found"]),
        ("Une { seule", None),
        ("{fund!r}", None),
        ("{fund:>9}", None),
        ("{fund.envelope}", ["fund.envelope"]),
    ],
)
def test_placeholders_of_a_text_are_known_words_and_nothing_else(body, expected):
    assert strange_placeholders(body, {"fund", "body"}) == expected


def test_amount_and_rate_are_met_at_the_bound_and_unmet_past_it():
    bounds = Bounds(Money.euros(5_000), Money.euros(15_000), 50)
    assert rules.amount_verdict(Money.euros(15_000), bounds) is CheckVerdict.MET
    assert rules.amount_verdict(Money(1_500_001), bounds) is CheckVerdict.UNMET
    assert rules.amount_verdict(None, bounds) is CheckVerdict.UNSURE
    assert rules.rate_verdict(Money.euros(10_000), Money.euros(20_000), bounds) is CheckVerdict.MET
    assert rules.rate_verdict(Money.euros(10_001), Money.euros(20_000), bounds) is CheckVerdict.UNMET
    assert rules.rate_verdict(Money.euros(10_000), Money(0), bounds) is CheckVerdict.UNSURE
    assert rules.rate_verdict(None, None, Bounds(Money(0), Money(1), None)) is CheckVerdict.MET


def test_one_condition_unmet_settles_the_answer():
    assert rules.overall([CheckVerdict.MET, CheckVerdict.UNSURE, CheckVerdict.UNMET]) is CheckVerdict.UNMET
    assert rules.overall([CheckVerdict.MET, CheckVerdict.UNSURE]) is CheckVerdict.UNSURE
    assert rules.overall([CheckVerdict.MET]) is CheckVerdict.MET


@pytest.mark.parametrize(
    ("place", "is_asked"),
    [
        ("climat", False), ("climat.effects", False), ("climat.effects.water", False), ("publics", True),
        ("publics.justice", True), ("publics.justice.pricing", False), ("publics.justice.income", True),
        ("climatique", True),
    ],
)  # fmt: skip
def test_what_is_left_out_is_left_out_with_all_that_it_holds(place, is_asked):
    asked = rules.Asked("emergence", frozenset({"climat", "publics.justice.pricing"}))
    assert asked.has(place) is is_asked


def test_a_question_is_put_to_all_to_some_or_while_no_instrument_is_chosen():
    asked = rules.Asked("emergence")
    assert asked.takes([])
    assert asked.takes(["emergence", "scale_up"])
    assert not asked.takes(["scale_up"])
    assert rules.EVERYTHING.takes(["scale_up"])


def test_what_no_instrument_is_asked_is_not_asked_before_one_is_chosen():
    offers = [rules.Asked("a", frozenset({"climat", "publics.justice.pricing"})),
              rules.Asked("b", frozenset({"climat.effects", "publics.justice.pricing"}))]  # fmt: skip
    assert rules.asked_by_any(offers).left_out == {"climat.effects", "publics.justice.pricing"}
    assert rules.asked_by_any([]).left_out == frozenset()


@pytest.mark.parametrize(
    ("place", "names"),
    [
        ("projet", 1), ("projet.title", 1), ("axes", 1), ("axes.shares", 1), ("axes.actions", 0), ("budget", 1),
        ("budget.lines", 1), ("budget.lines.74", 1), ("budget.lines.66", 0), ("climat", 0), ("territoire.areas", 0),
        ("territoire", 1), ("declarations", 1), ("axes.sharesx", 0),
    ],
)  # fmt: skip
def test_what_another_rule_reads_cannot_be_left_out(place, names):
    assert len(rules.reserved_in([place])) == names


def test_a_criterion_keeps_something_to_be_judged_on_for_each_instrument():
    offers = [rules.Asked("emergence", frozenset({"climat"})), rules.Asked("scale_up")]
    criteria = [
        ("Climat", ["climat"], []),
        ("Accès", ["climat", "budget"], []),
        ("Suite", [], [["scale_up"]]),
        ("Besoin", [], [["scale_up"], ["emergence"]]),
    ]
    assert rules.unjudged(criteria, offers) == [("Climat", "emergence"), ("Suite", "emergence")]
