"""A state that is put back is the state that was made; what a test writes itself is never taken away."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, text

from grants.applications.models import Application
from grants.awards.lifecycle import AwardState
from grants.cli import VERIFICATIONS
from grants.kernel.db import Base, db, unit_of_work
from tests.databases import Databases
from tests.factories.remembered import Memory, RememberingMake

Fresh = Callable[[], RememberingMake]


@pytest.fixture
def fresh(app: Flask, store: Databases, own: str) -> Fresh:
    """Give what a new test begins with, the memory kept from one to the next."""
    memory = Memory(store, f"{own}test")

    def begun() -> RememberingMake:
        db.session.remove()
        if db.engine.dialect.name == "sqlite":
            db.engine.dispose()
        store.renew(f"{own}test", template=f"{own}template")
        return RememberingMake(memory)

    return begun


def rows() -> dict[str, list[Any]]:
    """Every row of every table."""
    found = {
        table.name: sorted(map(str, db.session.execute(select(table)).all())) for table in Base.metadata.sorted_tables
    }
    db.session.rollback()
    return found


def test_what_is_put_back_is_what_was_made(fresh: Fresh) -> None:
    def state() -> tuple[Any, ...]:
        make = fresh()
        make.call()
        award = make.award(state=AwardState.RUNNING)
        return make.memory.times_put, str(award.id), rows()

    *_learning, made, again = [state() for _ in range(6)]
    assert again[0] - made[0] == 2
    assert again[1:] == made[1:]
    assert not [problem for _subject, verify in VERIFICATIONS for problem in verify()]


def test_numbers_go_on_where_they_stood(fresh: Fresh) -> None:
    emails = []
    for _ in range(4):
        make = fresh()
        make.application()
        emails.append(make.account().email)
        make.organisation(make.account())
    assert len(set(emails)) == 1
    assert make.memory.times_put


@pytest.mark.parametrize("write", ["UPDATE fund SET name = 'Autre'", "DELETE FROM budget_account WHERE code = '86'"])
def test_what_a_test_writes_stays(fresh: Fresh, write: str) -> None:
    for _ in range(4):
        make = fresh()
        with unit_of_work() as session:
            session.execute(text(write))
        written = rows()
        make.account()
        assert make.memory.times_put == 0
        assert {name: content for name, content in rows().items() if name in {"fund", "budget_account"}}.items() <= (
            written.items()
        )


def test_an_act_that_speaks_of_another_instant_is_made(fresh: Fresh) -> None:
    for _ in range(3):
        make = fresh()
        call = make.call()
        closing = call.closes_at
        make.call(closes_at=closing)
        make.application(call=call)
        assert len(db.session.scalars(select(Application)).all()) == 1
