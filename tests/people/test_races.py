"""Two administrators who put each other out at the same moment: one of them stays."""

import pytest

from grants.kernel import journal
from grants.kernel.db import db
from grants.people import actions, queries
from grants.people.models import Account, Appointment, Role
from tests.crowd import at_once


def ended(account_id, by):
    (office,) = queries.appointments_of(account_id)
    actions.end_appointment(db.session.get_one(Appointment, office.id), by=by)


def closed(account_id, by):
    actions.deactivate(db.session.get_one(Account, account_id), by=by)


@pytest.mark.parametrize("first", [ended, closed])
@pytest.mark.parametrize("then", [ended, closed])
def test_one_administrator_stays(app, make, first, then):
    one, other = make.actor("administrator"), make.actor("administrator")
    db.session.remove()
    passed = at_once(app, lambda: first(other.id, one), lambda: then(one.id, other))
    assert len(passed) == 1
    assert [account.id for account in queries.in_office(Role.ADMINISTRATOR)] == [(one, other)[passed[0]].id]
    assert list(journal.broken_links()) == []
