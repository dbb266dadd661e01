"""The demonstration, planted once for all the tests that only read it."""

from collections.abc import Iterator
from typing import NamedTuple

import pytest
from flask import Flask

from grants.app import create_app
from grants.demo.plant import Shown, plant
from grants.kernel.actor import system
from grants.kernel.db import db
from tests.databases import Databases
from tests.site import settings_for


class Planted(NamedTuple):
    """The application on the planted database, and the accounts that planting gave."""

    app: Flask
    shown: list[Shown]


@pytest.fixture(scope="session")
def planted_once(
    house: Flask, store: Databases, own: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Planted]:
    """Plant the demonstration on a copy of the template (`house` has filled it)."""
    url = store.create(f"{own}planted", template=f"{own}template")
    app = create_app(settings_for(url, tmp_path_factory.mktemp("planted")), TESTING=True)
    with app.app_context():
        shown = plant(by=system("tests"))
        db.session.remove()
    yield Planted(app, shown)
    with app.app_context():
        db.engine.dispose()


@pytest.fixture
def planted(planted_once: Planted) -> Iterator[Planted]:
    """Give the planted demonstration, to be read only, its application context pushed."""
    with planted_once.app.app_context():
        yield planted_once
        db.session.remove()
