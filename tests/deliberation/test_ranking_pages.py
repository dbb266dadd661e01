"""The ranking in pages: the same places, sums and order as the whole, and no more statements however long it is."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import update

from grants.applications.lifecycle import ApplicationState
from grants.calls.models import Call
from grants.deliberation import queries as deliberation
from grants.deliberation.queries import Ranking
from grants.kernel import clock
from grants.kernel.db import db, unit_of_work
from grants.reviewing.models import Standing

POINTS = ((4, 4, 4), (3, 3, 2), (3, 3, 2), (3, 2, 2), (1, 2, 1), (), (3, 3, 3))
FIRST = {"after": None, "before": None}


@pytest.fixture
def call(make) -> Call:
    """Give a call in which two dossiers are tied and one was not read."""
    call = make.call(closes_at=clock.now() - timedelta(days=3))
    for points in POINTS:
        add(make, call, *points)
    make.meeting(call)
    return call


def add(make, call: Call, *points: int) -> None:
    application = make.application(state=ApplicationState.ELIGIBLE, call=call)
    if points:
        make.reviewed(application, *points)


def shown(ranking: Ranking) -> list:
    return [replace(line, result=None) for line in ranking.lines]


def in_pages(call: Call, actor, *, size: int, monkeypatch) -> list:
    """Every line, one page after the other; the way back gives the same pages."""
    monkeypatch.setattr(deliberation, "PAGE", size)
    pages = [deliberation.ranking_of(call, actor, at=FIRST)]
    while after := pages[-1].page.following:
        pages.append(deliberation.ranking_of(call, actor, at={"after": after, "before": None}))
    back = [pages[-1]]
    while before := back[-1].page.previous:
        back.append(deliberation.ranking_of(call, actor, at={"after": None, "before": before}))
    assert [shown(page) for page in reversed(back)] == [shown(page) for page in pages]
    return [line for page in pages for line in shown(page)]


@pytest.mark.parametrize("size", [1, 2, 3])
def test_pages_hold_the_lines_of_the_whole_ranking(call, make, monkeypatch, size: int) -> None:
    actor = make.actor("manager")
    whole = deliberation.ranking_of(call, actor)
    assert [line.place.rank for line in whole.lines] == [1, 2, 3, 3, 5, 6, None]
    assert in_pages(call, actor, size=size, monkeypatch=monkeypatch) == shown(whole)
    for line in whole.lines:
        alone = deliberation.ranking_of(call, actor, about=line.application_id)
        assert alone.lines == (line,)


def test_what_a_rounded_score_does_not_part_the_exact_totals_order(call, make, monkeypatch) -> None:
    actor = make.actor("manager")
    whole = shown(deliberation.ranking_of(call, actor))
    with unit_of_work():
        db.session.execute(update(Standing).values(score=5_000))
    assert in_pages(call, actor, size=2, monkeypatch=monkeypatch) == whole


def test_sums_are_of_every_page_and_statements_do_not_follow_the_number(call, make, monkeypatch, queries) -> None:
    monkeypatch.setattr(deliberation, "PAGE", 2)
    actor = make.actor("manager")
    counts = []
    for _time in range(2):
        add(make, call, 4, 4, 3)
        deliberation.ranking_of(call, actor, at=FIRST)
        with queries.watched() as sent:
            page = deliberation.ranking_of(call, actor, at=FIRST)
        counts.append(len(sent))
    assert counts[0] == counts[1]
    assert (len(page.lines), page.number) == (2, len(POINTS) + 2)
    assert page.requested == deliberation.ranking_of(call, actor).requested
