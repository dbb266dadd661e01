"""A real server and a real browser: the demonstration, served as in production, read through Chromium."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest
from playwright.sync_api import Browser, Playwright, sync_playwright

from grants.app import create_app
from grants.demo.install import ShownAccount, install
from grants.kernel.actor import system
from grants.kernel.db import db, set_access_mode
from tests.databases import Databases, made_once
from tests.site import Server, Workspace, settings_for

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-dev-shm-usage",
]


class Demonstration(NamedTuple):
    """A database with the demonstration in it, to be copied; its instance folder, and the accounts that were given."""

    name: str
    folder: Path
    shown: list[ShownAccount]


@pytest.fixture(scope="session")
def demonstration(store: Databases, own: str, shared_app: object, common: Path) -> Demonstration:
    """Plant the demonstration, once for all the tests of a run."""

    def install_now() -> Demonstration:
        name, folder = "demo", common / "demonstration"
        folder.mkdir()
        app = create_app(settings_for(store.create(name, template=f"{own}template"), folder), TESTING=True)
        set_access_mode(writing=True)  # a request made in this very thread may have left its own
        with app.app_context():
            shown = install(by=system("tests"))
            db.session.remove()
            db.engine.dispose()
        return Demonstration(name, folder, shown)

    return made_once(common / "demo", install_now)


@pytest.fixture(scope="session")
def installed(demonstration: Demonstration) -> tuple[str, Path]:
    """Give the name of a database with the demonstration in it, to be copied, and its instance folder."""
    return demonstration.name, demonstration.folder


@pytest.fixture(scope="session")
def server(installed: tuple[str, Path], store: Databases, own: str) -> Iterator[Server]:
    """Serve the demonstration as production would, for the whole session; its pages are read, not changed."""
    template, folder = installed
    with serving(store.create(f"{own}served", template=template), folder) as running:
        yield running


@contextmanager
def serving(url: str, folder: Path) -> Iterator[Server]:
    """Serve a database for as long as the block lasts."""
    server = Server(url, folder).start()
    try:
        yield server
    finally:
        server.close()


@contextmanager
def chromium(playwright: Playwright) -> Iterator[Browser]:
    """Give a headless Chromium for as long as the block lasts."""
    program = os.environ.get("CHROMIUM") or shutil.which("chromium-headless-shell") or shutil.which("chromium")
    assert program, "Chromium is missing: make test installs it"
    browser = playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
    yield browser
    browser.close()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Give a headless Chromium."""
    with sync_playwright() as playwright, chromium(playwright) as opened:
        yield opened


@pytest.fixture(scope="session")
def workspace(
    dialect: str,
    store: Databases,
    own: str,
    installed: tuple[str, Path],
    tmp_path_factory: pytest.TempPathFactory,
    request: pytest.FixtureRequest,
) -> Workspace:
    """Give the place where instruments work, in their short form."""
    templates = {"bare": (f"{own}template", None), "demo": installed}
    folder = tmp_path_factory.mktemp("sites")
    return Workspace(dialect, store, own, folder, templates, lambda: request.getfixturevalue("browser"), full=False)
