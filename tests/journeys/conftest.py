"""A fund on its first day: reference data, a server, a browser, nobody yet."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from grants.app import create_app
from grants.kernel.db import db
from tests.browsing import serving
from tests.conftest import settings_for
from tests.databases import Databases
from tests.journeys.cast import PATIENCE, Troupe


@pytest.fixture
def troupe(browser: Browser, store: Databases, own: str, house: object, tmp_path: Path) -> Iterator[Troupe]:
    """Give those who will take part, on a database of their own that holds the reference data and nothing else."""
    expect.set_options(timeout=PATIENCE)
    url = store.create(f"{own}journey", template=f"{own}template")
    app = create_app(settings_for(url, tmp_path), TESTING=True)
    with serving(url, tmp_path) as server, Troupe(browser, server, app) as troupe:
        yield troupe
    with app.app_context():
        db.engine.dispose()
