"""A database that does not answer on closing night: an honest page, and nothing typed is lost."""

from contextlib import contextmanager

import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import OperationalError

from grants.applications import queries
from grants.kernel.db import access_mode, db


@contextmanager
def listening(name, hear):
    """Hear what the engine does for a while; its connections are forgotten afterwards."""
    db.session.rollback()
    event.listen(db.engine, name, hear)
    try:
        yield
    finally:
        event.remove(db.engine, name, hear)
        db.session.rollback()
        db.engine.dispose()


@contextmanager
def held(dialect):
    """Somebody else holds what a save needs, longer than these connections wait."""

    def impatient(connection, _record, _proxy):
        connection.execute("PRAGMA busy_timeout=20" if dialect == "sqlite" else "SET lock_timeout = '20ms'")

    with listening("checkout", impatient), access_mode(writing=True), db.engine.connect() as other:
        other.execute(text("SELECT 1" if dialect == "sqlite" else "LOCK TABLE request_key IN ACCESS EXCLUSIVE MODE"))
        yield
        other.rollback()


@pytest.fixture
def draft(make, page):
    """A draft whose first section is on the page."""
    application = make.application()
    page.sign_in(make.member_of(application.organisation))
    return application


def test_a_draft_sent_to_a_locked_database_is_saved_when_the_same_page_is_sent_again(page, draft, dialect):
    before = queries.draft_content(draft)
    shown = page.get("applications.edit", draft, section="projet")
    assert shown.status == 200
    with held(dialect):
        refused = page.submit({"title": "Des toits frais pour tous", "do": "stay"})
    assert refused.status == 503
    assert refused.response.headers["Retry-After"] == "30"
    assert "votre demande n’a pas abouti" in refused.words
    assert "Recharger cette page renvoie ce que vous avez écrit, une seule fois." in refused.words
    db.session.expire_all()
    assert queries.draft_content(draft) == before
    for _again in range(2):
        page.last = shown
        assert page.submit({"title": "Des toits frais pour tous", "do": "stay"}).status == 200
    db.session.expire_all()
    assert draft.title == "Des toits frais pour tous"


def test_a_database_that_is_away_leaves_a_page_that_asks_it_nothing(page, draft):
    def away(*_statement):
        raise OperationalError("SELECT 1", {}, Exception("the server closed the connection"))

    address = page.url("applications.edit", draft, section="projet")
    with listening("before_cursor_execute", away):
        answer = page.get(address)
    assert answer.status == 503
    assert answer.title == "Le service est interrompu quelques minutes"
    assert "Vos dossiers sont en sécurité." in answer.words
