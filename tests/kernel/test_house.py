"""The ground itself: a page is answered, the journal chains, money and evidence hold."""

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from grants.applications.lifecycle import ApplicationState
from grants.kernel import journal
from grants.kernel.db import db, unit_of_work
from tests.factories import Make


def test_the_journal_chains_and_refuses_to_be_changed(app: Flask, make: Make) -> None:
    call = make.call()
    make.call()
    assert list(journal.broken_links()) == []
    with pytest.raises(DBAPIError), unit_of_work() as session:
        session.execute(text("UPDATE journal_entry SET actor = 'x' WHERE seq = 1"))
    assert [entry.event for entry in journal.of(call)] == ["call.created"]


@pytest.mark.parametrize("column", ["at", "actor", "event", "subject_type", "data"])
def test_a_line_of_the_journal_changed_past_its_guard_is_found(
    app: Flask, make: Make, dialect: str, column: str
) -> None:
    make.call()
    make.call()
    on = " ON journal_entry" if dialect == "postgresql" else ""
    value = "'2020-01-01 00:00:00'" if column == "at" else "'x'"
    with unit_of_work() as session:
        session.execute(text(f"DROP TRIGGER journal_entry_no_update{on}"))
        session.execute(text(f"UPDATE journal_entry SET {column} = {value} WHERE seq = 1"))
    assert list(journal.broken_links()) == [(1, "digest")]


def test_a_line_cut_off_the_end_of_the_journal_is_found(app: Flask, make: Make, dialect: str) -> None:
    make.call()
    make.call()
    last, _digest = journal.head()
    on = " ON journal_entry" if dialect == "postgresql" else ""
    with unit_of_work() as session:
        session.execute(text(f"DROP TRIGGER journal_entry_no_delete{on}"))
        session.execute(text("DELETE FROM journal_entry WHERE seq = :last"), {"last": last})
    assert list(journal.broken_links()) == [(last, "end")]


@pytest.mark.parametrize("state", list(ApplicationState))
def test_an_application_can_be_made_in_every_state(app: Flask, make: Make, state: ApplicationState) -> None:
    application = make.application(state=state)
    db.session.expire_all()
    assert application.state is state


def test_the_chain_of_makers_reaches_an_award(app: Flask, make: Make) -> None:
    application = make.application(state=ApplicationState.ELIGIBLE)
    make.reviewed(application, 2, 3, 4)
    make.decided(application)
    award = make.award(application)
    assert make.instalment(award).amount == award.amount == application.requested
