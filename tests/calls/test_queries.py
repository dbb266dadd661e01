"""Which calls are open, and what one holds, at a constant number of statements."""

from datetime import timedelta

import pytest

from grants.calls import queries as calls
from grants.calls.lifecycle import CallState
from grants.kernel import clock
from grants.kernel.db import db, unit_of_work
from grants.kernel.money import Money
from grants.programme import queries as programme


def test_calls_are_open_coming_or_past_by_their_dates_and_drafts_are_none(make):
    at = clock.now()
    day = timedelta(days=1)
    opened = make.call()
    coming = make.call(opens_at=at + day, closes_at=at + 9 * day)
    past = make.call(opens_at=at - 9 * day, closes_at=at - day)
    make.call(state=CallState.DRAFT)
    assert [call.code for call in calls.open_calls(at)] == [opened.code]
    assert [call.code for call in calls.coming_calls(at)] == [coming.code]
    assert [call.code for call in calls.past_calls(at)] == [past.code]
    assert len(calls.all_calls()) == 4


def test_a_call_gives_its_parts_in_order(make):
    call = make.call()
    assert [row.instrument.code for row in calls.instruments_of(call.id)] == ["emergence", "development", "scale_up"]
    blocks = calls.criteria_of(call.id)
    assert [row.block.weight for row in blocks] == [25, 20, 15, 10, 10, 10, 10]
    assert sum(len(row.items) for row in blocks) == 15
    sections = [question.section.position for question in calls.questions_of(call.id)]
    assert sections == sorted(sections)
    assert {question.code for question in calls.questions_of(call.id)} >= {"need", "first_request", "diagnosis"}
    assert len(calls.gates_of(call.id)) == 12


def test_the_questions_of_a_call_cost_one_statement_with_their_sections_and_criteria(make, queries):
    in_preparation = make.call(state=CallState.DRAFT)

    def read():
        for question in calls.questions_of(in_preparation.id):
            assert question.section.title
            assert question.criterion is None or question.criterion.title

    read()
    assert queries.count(read) == 1


PARTS = (
    calls.sections_of, calls.questions_of, calls.blocks_of, calls.items_of, calls.pieces_of, calls.statements_of,
    calls.gates_of,
)  # fmt: skip


@pytest.mark.parametrize("parts", PARTS, ids=lambda parts: parts.__name__)
def test_the_parts_of_a_call_are_asked_once_when_it_is_open_and_each_time_before(make, queries, parts):
    opened, in_preparation = make.call(), make.call(state=CallState.DRAFT)
    known = [row.code for row in parts(opened.id)]
    assert queries.count(lambda: parts(opened.id)) == 0
    assert [row.code for row in parts(opened.id)] == known
    first = parts(in_preparation.id)[0]
    with unit_of_work():
        first.code = "changed"
    db.session.expire_all()
    assert "changed" in {row.code for row in parts(in_preparation.id)}


def test_the_parts_of_a_call_that_another_act_opened_are_asked_again(make, queries):
    """As in an earlier copy of the database, restored while the process runs, in which the call was opened later."""
    opened = make.call()
    calls.questions_of(opened.id)
    with unit_of_work():
        opened.opened_at += timedelta(microseconds=1)
    assert opened.opened_at  # read again
    assert queries.count(lambda: calls.questions_of(opened.id)) == 1


def test_what_is_left_counts_published_calls_but_neither_drafts_nor_the_call_itself(make):
    fund = programme.fund()
    first = make.call(envelope=Money.euros(300_000))
    make.call(envelope=Money.euros(500_000), state=CallState.DRAFT)
    assert calls.left_for(fund, None) == Money.euros(700_000)
    assert calls.left_for(fund, first) == Money.euros(1_000_000)
    with unit_of_work():
        first.committed, first.results_published_at = Money.euros(120_000), clock.now()
    assert calls.left_for(fund, None) == Money.euros(880_000)
