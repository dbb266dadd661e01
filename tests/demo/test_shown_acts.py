"""What pages show can be done: every form and link of an act on awards, for each officer of the demonstration."""

import shutil
from collections.abc import Iterator
from contextvars import Context
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask.testing import FlaskClient
from lxml import html
from sqlalchemy import select

from grants.awards.models import Award, BankDetails, Instalment, Receivable, Report
from grants.kernel.db import db
from grants.people.models import Account
from tests.browsing import Demonstration
from tests.client import form_values
from tests.databases import Databases
from tests.factories.people import session_of
from tests.site import Site

pytestmark = pytest.mark.neutral

OFFICERS = ("gestion@demo.example", "finances@demo.example", "finances-2@demo.example", "ordonnateur@demo.example",
            "audit@demo.example")  # fmt: skip
LISTS = ["/attributions", "/mandats", "/recouvrements", "/coordonnees-bancaires"]
PAGES = {Award: "/attributions/{}", Instalment: "/echeances/{}", Receivable: "/recouvrements/{}",
         BankDetails: "/coordonnees-bancaires/{}", Report: "/bilans/{}"}  # fmt: skip


@pytest.fixture
def pressed(demonstration: Demonstration, store: Databases, own: str, tmp_path: Path) -> Iterator[Site]:
    """Give a demonstration of one's own, to press everything in."""
    folder = tmp_path / "files"
    shutil.copytree(demonstration.folder, folder)
    site = Site(store.create(f"{own}pressed", template=demonstration.name), folder)
    yield site
    site.close()
    store.drop(f"{own}pressed")


def opened(client: FlaskClient, path: str) -> Any:
    answer = Context().run(client.get, path, buffered=True)
    assert answer.status_code == 200, f"{path}: {answer.status_code}"
    return html.fromstring(answer.text)


def sent(client: FlaskClient, path: str, form: Any) -> int:
    """Send a form as it stands on its page."""
    to = form.get("action") or path
    return int(Context().run(client.post, to, data=dict(form_values(form)), buffered=True).status_code)


def forms(tree: Any) -> list[Any]:
    return list(tree.xpath("//main//form[@method='post']"))


def acts_linked(tree: Any, path: str) -> list[str]:
    """The pages of acts that a page leads to by its buttons."""
    links = tree.xpath("//main//a[contains(@class, 'button')]/@href")
    return [link for link in dict.fromkeys(links) if urlsplit(link).path.startswith(f"{path}/")]


def test_nothing_that_is_shown_is_refused(pressed: Site) -> None:
    with pressed.app.app_context():
        paths = LISTS + [
            where.format(key) for kind, where in PAGES.items() for key in db.session.scalars(select(kind.id))
        ]
        people = {email: session_of(db.session.scalars(select(Account).where(Account.email == email)).one())
                  for email in OFFICERS}  # fmt: skip
        db.session.remove()
    tried, refused = 0, []
    for email, facts in people.items():
        client = pressed.app.test_client()
        with client.session_transaction() as session:
            session.update(facts)
        for path in paths:
            answer = Context().run(client.get, path, buffered=True)
            if answer.status_code in {403, 404}:  # accounts are not for the manager
                continue
            tree = html.fromstring(answer.text)
            for page in (path, *acts_linked(tree, path)):
                number = len(forms(opened(client, page)))
                for index in range(number):
                    here = forms(opened(client, page))
                    if index < len(here):
                        tried += 1
                        if sent(client, page, here[index]) in {403, 404}:
                            refused.append(f"{email} {page}: {here[index].get('action')}")
    assert refused == []
    assert tried >= 60
