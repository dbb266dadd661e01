"""The demonstration, planted once for all the tests that only read it."""

from collections.abc import Iterator
from typing import NamedTuple

import pytest
from flask import Flask

from grants.app import create_app
from grants.demo.plant import Shown
from grants.kernel.db import db
from tests.browsing import Demonstration
from tests.databases import Databases
from tests.site import settings_for


class Planted(NamedTuple):
    """The application on the planted database, and the accounts that planting gave."""

    app: Flask
    shown: list[Shown]


@pytest.fixture(scope="session")
def planted_once(demonstration: Demonstration, store: Databases, own: str) -> Iterator[Planted]:
    """Open a copy of the demonstration."""
    url = store.create(f"{own}shown", template=demonstration.name)
    app = create_app(settings_for(url, demonstration.folder), TESTING=True)
    yield Planted(app, demonstration.shown)
    with app.app_context():
        db.engine.dispose()


@pytest.fixture
def planted(planted_once: Planted) -> Iterator[Planted]:
    """Give the planted demonstration, to be read only, its application context pushed."""
    with planted_once.app.app_context():
        yield planted_once
        db.session.remove()
