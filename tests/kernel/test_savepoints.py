"""What was undone with a savepoint leaves neither a line nor a digest; what was done before it keeps both."""

import io

import pytest
from sqlalchemy import select
from werkzeug.datastructures import FileStorage

from grants.kernel import journal, uploads
from grants.kernel.db import db, unit_of_work
from grants.kernel.errors import InvalidError
from grants.people import actions, queries
from grants.people.models import Account, Role
from tests.screening.test_routes import PNG


def opened(make, address):
    return actions.create_account(address, "Ada", None, confirmed=False, by=make.by)


def undone(make, address, *, within=()):
    savepoint = db.session.begin_nested()
    opened(make, address)
    for inner in within:
        undone(make, inner)
    savepoint.rollback()


def accepted(files, by):
    with db.session.begin_nested():
        for each in files:
            uploads.accept(each, by=by)
            db.session.flush()


def test_lines_follow_their_savepoint(app, make):
    with unit_of_work():
        before = opened(make, "avant@exemple.example")
        undone(make, "defait@exemple.example", within=["dedans@exemple.example"])
        with db.session.begin_nested():
            opened_in_savepoint = opened(make, "garde@exemple.example")
            undone(make, "defait-aussi@exemple.example")
        after = opened(make, "apres@exemple.example")
    lines = select(journal.Entry.subject_id).where(journal.Entry.event == "account.created")
    entries = db.session.scalars(lines.order_by(journal.Entry.seq)).all()
    assert entries[-3:] == [before.id, opened_in_savepoint.id, after.id]
    assert set(entries) <= set(db.session.scalars(select(Account.id)))
    assert list(journal.wrong_rows()) == []


def test_of_files_refused_together_none_is_told(app, make):
    """The page saves what it can in a savepoint, and tries again without the file that was refused."""
    given = [FileStorage(io.BytesIO(PNG), "a.png"), FileStorage(io.BytesIO(b"MZ"), "b.exe")]
    with unit_of_work():
        with pytest.raises(InvalidError):
            accepted(given, make.by)
        first = uploads.accept(given[0], by=make.by)
    assert db.session.scalars(select(uploads.StoredFile.id)).all() == [first.id]
    stored = select(journal.Entry.subject_id).where(journal.Entry.event == "file.stored")
    assert db.session.scalars(stored).all() == [first.id]
    assert list(journal.wrong_rows()) == []


def test_rows_changed_before_an_undone_savepoint_are_told(app, make):
    account, administrator = make.account(), make.actor("administrator")
    with unit_of_work():
        actions.appoint(account, Role.MANAGER, by=administrator)
        undone(make, "defait@exemple.example")
    assert [office.role for office in queries.appointments_of(account.id)] == [Role.MANAGER]
    assert list(journal.wrong_rows()) == []
