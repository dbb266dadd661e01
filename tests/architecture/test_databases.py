"""The databases under the tests: copies are whole, apart from one another, and really of the dialect asked for."""

import socket

import pytest
import sqlalchemy as sa

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


def test_the_dialect_is_the_one_asked_for(store, own, dialect):
    assert sa.make_url(store.create(f"{own}dialect")).get_backend_name() == dialect


def test_the_world_outside_is_out_of_reach():
    with (
        socket.socket(socket.AF_INET, socket.SOCK_STREAM) as outside,
        pytest.raises(ConnectionRefusedError, match="tried"),
    ):
        outside.connect(("192.0.2.1", 80))
