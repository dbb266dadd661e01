"""The databases under the tests: copies are whole, apart from one another, and really of the dialect asked for."""

import socket

import pytest
import sqlalchemy as sa

from grants.kernel import clock, journal
from grants.kernel.actor import system
from grants.kernel.db import Counter, unit_of_work
from grants.kernel.throttle import Attempt
from tests.databases import fill_template


def run(url, *statements):
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(sa.text(statement))


def rows(url, query):
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(sa.text(query))]


@pytest.fixture
def template(store, own):
    name = f"{own}tools"
    fill_template(store, name, lambda url: run(url, "create table axis (code text)", "insert into axis values ('A1')"))
    yield name
    store.drop(name)


def test_a_copy_holds_what_the_template_holds_and_shares_nothing(store, own, template):
    one, two = (store.create(f"{own}copy_{i}", template=template) for i in (1, 2))
    run(one, "insert into axis values ('A2')")
    assert rows(one, "select code from axis order by code") == [("A1",), ("A2",)]
    assert rows(two, "select code from axis") == [("A1",)]
    assert rows(store.url(template), "select code from axis") == [("A1",)]


def test_a_database_made_again_forgets_the_first(store, own, template):
    url = store.create(f"{own}again", template=template)
    run(url, "insert into axis values ('A2')")
    assert rows(store.create(f"{own}again", template=template), "select code from axis") == [("A1",)]
    run(store.create(f"{own}again"), "create table axis (code text)")


def test_a_database_renewed_is_as_the_template_whatever_was_done_to_it(store, own, template):
    url = store.renew(f"{own}renewed", template=template)
    for statement in (
        "insert into axis values ('A2')",
        "delete from axis",
        "update axis set code = 'A3'",
        "alter table axis add column title text",
        "drop table axis",
    ):
        run(url, statement)
        assert store.renew(f"{own}renewed", template=template) == url
        assert rows(url, "select * from axis") == [("A1",)], statement
    store.create(f"{own}renewed")
    store.renew(f"{own}renewed", template=template)
    assert rows(url, "select * from axis") == [("A1",)], "made anew by somebody else"


def test_a_renewal_puts_back_guarded_rows_and_the_numbers_that_were_given(app, store, own):
    with unit_of_work() as session:
        session.execute(sa.update(Counter).values(value=Counter.value + 40))
        session.execute(sa.insert(Attempt).values(act="sign-in", who="somebody", at=clock.now()))
        journal.record("fund.edited", None, by=system("test"))
    before = (
        "select (select count(*) from journal_entry), (select sum(value) from counter), (select max(id) from attempt)"
    )
    url = store.renew(f"{own}test", template=f"{own}template")
    assert rows(url, before) == rows(store.create(f"{own}compared", template=f"{own}template"), before)
    run(url, "insert into attempt (act, who, at) values ('sign-in', 'somebody', '2019-01-01')")
    assert rows(url, "select max(id) from attempt") == [(1,)]
    store.drop(f"{own}compared")


def test_a_mark_changes_when_a_row_of_its_own_database_is_written(store, own, template):
    url = store.renew(f"{own}copy", template=template)
    before = store.mark(f"{own}copy")
    other = store.create(f"{own}other", template=template)
    run(other, "insert into axis values ('A2')")
    assert store.mark(f"{own}copy") == before
    run(url, "insert into axis values ('A2')")
    assert store.mark(f"{own}copy") != before
    store.drop(f"{own}other")


def test_a_transaction_that_ends_later_than_others_changes_the_mark(store, own, template):
    engine = sa.create_engine(store.renew(f"{own}copy", template=template), poolclass=sa.NullPool)
    other = store.create(f"{own}other", template=template)
    with engine.begin() as connection:
        connection.execute(sa.text("insert into axis values ('A2')"))
        run(other, "insert into axis values ('A2')")
        before = store.mark(f"{own}copy")
    assert store.mark(f"{own}copy") != before
    engine.dispose()
    store.drop(f"{own}other")


def test_the_dialect_is_the_one_asked_for(store, own, dialect):
    assert sa.make_url(store.create(f"{own}dialect")).get_backend_name() == dialect


def test_the_world_outside_is_out_of_reach():
    with (
        socket.socket(socket.AF_INET, socket.SOCK_STREAM) as outside,
        pytest.raises(ConnectionRefusedError, match="tried"),
    ):
        outside.connect(("192.0.2.1", 80))
