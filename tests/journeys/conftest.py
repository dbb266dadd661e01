"""The stages of journeys: a fund on its first day for the whole story, another that shorter journeys share."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from grants.app import create_app
from grants.kernel.db import db
from tests.browsing import serving
from tests.databases import Databases
from tests.factories import Make
from tests.journeys.cast import PATIENCE, Participants, ServedFund
from tests.site import settings_for


@contextmanager
def staged(url: str, folder: Path) -> Iterator[ServedFund]:
    """Serve a database for as long as the block lasts."""
    expect.set_options(timeout=PATIENCE)
    app = create_app(settings_for(url, folder), TESTING=True)
    with serving(url, folder) as server:
        yield ServedFund(server, app, Make())
    with app.app_context():
        db.engine.dispose()


@pytest.fixture
def first_day(
    browser: Browser, store: Databases, own: str, shared_app: object, tmp_path: Path
) -> Iterator[Participants]:
    """Give a fund of its own that holds the reference data and nothing else, nobody there yet."""
    url = store.create(f"{own}journey", template=f"{own}template")
    with staged(url, tmp_path) as fund, Participants(browser, fund) as participants:
        yield participants


@pytest.fixture(scope="session")
def fund(
    store: Databases, own: str, shared_app: object, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ServedFund]:
    """Serve the fund that shorter journeys share; each brings its own people and dossiers."""
    url = store.create(f"{own}journeys", template=f"{own}template")
    with staged(url, tmp_path_factory.mktemp("journeys")) as fund:
        yield fund


@pytest.fixture
def participants(browser: Browser, fund: ServedFund) -> Iterator[Participants]:
    """Give those who will take part in a short journey; no browser may complain."""
    with Participants(browser, fund) as participants:
        yield participants
        assert participants.complaints() == []
