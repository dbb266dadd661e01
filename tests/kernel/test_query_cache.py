"""Answers are kept until the journal has a new line, and not a moment longer; frozen rows while connections last."""

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import object_session

from grants.kernel import journal
from grants.kernel.actor import system
from grants.kernel.db import db, unit_of_work
from grants.kernel.query_cache import MOST, cached_query, frozen_rows
from grants.people.models import Account
from tests.databases import Databases


class Question:
    """Counts how often it is asked."""

    def __init__(self) -> None:
        self.asked = 0

    def __call__(self) -> int:
        self.asked += 1
        return self.asked


def change() -> None:
    with unit_of_work():
        journal.record("fund.edited", None, by=system("test"))


def test_an_answer_holds_until_the_next_line_of_the_journal(app: Flask) -> None:
    question = Question()
    assert [cached_query("one", question), cached_query("one", question)] == [1, 1]
    change()
    assert [cached_query("one", question), cached_query("one", question)] == [2, 2]


def test_each_key_has_its_answer(app: Flask) -> None:
    question = Question()
    assert [cached_query(("a", 1), question), cached_query(("a", 2), question), cached_query(("a", 1), question)] == [
        1,
        2,
        1,
    ]


def test_a_change_that_is_undone_changes_no_answer(app: Flask) -> None:
    question = Question()
    cached_query("one", question)
    journal.record("fund.edited", None, by=system("test"))
    db.session.rollback()
    assert cached_query("one", question) == 1


def test_a_database_restored_under_the_process_is_asked_again(app: Flask, store: Databases, own: str) -> None:
    question = Question()
    change()
    before = journal.head()
    assert cached_query("one", question) == 1
    db.session.connection().invalidate()
    db.session.remove()
    store.create(f"{own}test", template=f"{own}template")
    change()
    assert journal.head()[0] == before[0], "as many lines as before"
    assert cached_query("one", question) == 2


def test_no_answer_outlives_the_connections(app: Flask) -> None:
    question = Question()
    cached_query("one", question)
    db.session.remove()
    db.engine.dispose()
    assert cached_query("one", question) == 2


def test_what_is_kept_is_bounded(app: Flask) -> None:
    for number in range(MOST + 10):
        cached_query(number, lambda: 0)
    assert len(app.extensions["query_cache"][1]) <= MOST


def test_frozen_rows_are_asked_once_and_belong_to_no_session(make, queries) -> None:
    make.account()
    key = object()
    assert queries.count(lambda: frozen_rows(key, select(Account))) > 0
    assert queries.count(lambda: frozen_rows(key, select(Account))) == 0
    assert [object_session(row) for row in frozen_rows(key, select(Account))] == [None]


def test_frozen_rows_hold_what_this_transaction_wrote_before(make) -> None:
    account = make.account()
    account.name = "Nom changé"
    assert [row.name for row in frozen_rows(object(), select(Account))] == ["Nom changé"]
    db.session.rollback()


def test_no_frozen_row_outlives_the_connections(make, queries) -> None:
    make.account()
    key = object()
    frozen_rows(key, select(Account))
    db.session.remove()
    db.engine.dispose()
    assert queries.count(lambda: frozen_rows(key, select(Account))) > 0


def test_frozen_rows_are_bounded(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("grants.kernel.query_cache.MOST", 3)
    for number in range(10):
        frozen_rows(number, select(Account))
    assert len(app.extensions["frozen_rows"][1]) <= 3
