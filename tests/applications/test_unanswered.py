"""A database that does not answer on closing night: an honest page, and nothing typed is lost."""

import pytest

from grants.applications import queries
from grants.kernel.db import db
from tests.kernel.test_send_again import away, locked


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
    with locked(dialect):
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
    address = page.url("applications.edit", draft, section="projet")
    with away():
        answer = page.get(address)
    assert answer.status == 503
    assert answer.title == "Le service est interrompu quelques minutes"
    assert "Vos dossiers sont en sécurité." in answer.words
