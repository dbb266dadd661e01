"""The demonstration, installed once for all the tests that only read it."""

from collections.abc import Iterator
from typing import NamedTuple

import pytest
from flask import Flask

from grants.app import create_app
from grants.demo.install import ShownAccount
from grants.kernel.db import db
from tests.browsing import Demonstration
from tests.databases import Databases
from tests.site import settings_for


class Installed(NamedTuple):
    """The application on the installed database, and the accounts that it gave."""

    app: Flask
    shown: list[ShownAccount]


@pytest.fixture(scope="session")
def installed_once(demonstration: Demonstration, store: Databases, own: str) -> Iterator[Installed]:
    """Open a copy of the demonstration."""
    url = store.create(f"{own}shown", template=demonstration.name)
    app = create_app(settings_for(url, demonstration.folder), TESTING=True)
    yield Installed(app, demonstration.shown)
    with app.app_context():
        db.engine.dispose()


@pytest.fixture
def installed(installed_once: Installed) -> Iterator[Installed]:
    """Give the installed demonstration, to be read only, its application context pushed."""
    with installed_once.app.app_context():
        yield installed_once
        db.session.remove()
