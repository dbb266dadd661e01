"""A real server and a real browser: the demonstration planted once, served by gunicorn, read through Chromium."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from grants.app import create_app
from grants.demo.plant import PASSWORD, plant
from grants.kernel.actor import system
from grants.kernel.db import db
from tests.conftest import settings_for
from tests.databases import Databases

ROOT = Path(__file__).resolve().parents[1]
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-dev-shm-usage",
]


@dataclass
class Server:
    """A running server."""

    address: str

    def sign_in(self, page: Page, email: str) -> None:
        """Pass by the sign-in form, as a person does."""
        page.goto(f"{self.address}/connexion")
        page.fill("input[name=email]", email)
        page.fill("input[name=password]", PASSWORD)
        page.click("main form button[type=submit]")
        page.wait_for_load_state()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def planted(store: Databases, own: str, house: object, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """Give a database with the demonstration in it, and its instance folder."""
    folder = tmp_path_factory.mktemp("demonstration")
    url = store.create(f"{own}planted", template=f"{own}template")
    app = create_app(settings_for(url, folder), TESTING=True)
    with app.app_context():
        plant(by=system("tests"))
        db.session.remove()
        db.engine.dispose()
    return url, folder


@pytest.fixture(scope="session")
def server(planted: tuple[str, Path]) -> Iterator[Server]:
    """Serve the demonstration as production would, for the whole session; its pages are read, not changed."""
    url, folder = planted
    with serving(url, folder) as running:
        yield running


class serving:  # noqa: N801 - read as a verb
    """A gunicorn on a database, ended with the block."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url, self.folder = url, folder

    def __enter__(self) -> Server:
        port = free_port()
        environment = {
            **os.environ,
            "DATABASE_URL": self.url,
            "GRANTS_INSTANCE": str(self.folder),
            "GRANTS_DEMO": "1",
            "PORT": str(port),
            "SECRET_KEY": "a secret for tests, long enough to be taken",
            "FIELD_KEY": "another secret for tests, long enough as well",
        }
        self.log = (self.folder / "server.log").open("w", encoding="utf-8")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", "--no-control-socket", "-w", "1", "--threads", "4", "-k", "gthread",
             "-b", f"127.0.0.1:{port}", "wsgi:app"],
            cwd=ROOT, env=environment, stdout=self.log, stderr=subprocess.STDOUT,
        )  # fmt: skip
        for _ in range(300):
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                return Server(f"http://127.0.0.1:{port}")
            except OSError:
                assert self.process.poll() is None, (self.folder / "server.log").read_text()
                time.sleep(0.1)
        raise AssertionError("the server did not start")

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.wait(20)
        self.log.close()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Give a headless Chromium."""
    program = os.environ.get("CHROMIUM") or shutil.which("chromium")
    assert program, "Chromium is missing: make test installs it"
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
        yield chromium
        chromium.close()
