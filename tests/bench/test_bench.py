"""The short form of the benchmark: both sides show the same dossiers, and no count grows with the volume."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from lxml import html
from sqlalchemy import select

from grants.demo.volume import add_volume
from grants.kernel.actor import system
from grants.kernel.db import db
from grants.people.models import Account
from tests.bench.meters import HttpClient, Inside, aimed, aimed_at_floor, statements
from tests.bench.pages import MOST, every_page
from tests.bench.scenarios import SCENARIOS, Draft, Scenario, Subjects, subjects
from tests.bench.weights import HEAVIEST, public_pages, weight
from tests.databases import Databases
from tests.factories.people import session_of
from tests.site import ROOT, Site

pytestmark = pytest.mark.neutral

SMALL, LARGE = 60, 140


@pytest.fixture(scope="module")
def grown(
    installed: tuple[str, Path], store: Databases, own: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[int, Subjects]]:
    """Give two funds of the same seed, one more than twice as full as the other."""
    template, files = installed
    sites: dict[int, Site] = {}
    found: dict[int, Subjects] = {}
    for size in (SMALL, LARGE):
        folder: Path = tmp_path_factory.mktemp(f"site{size}") / "files"
        shutil.copytree(files, folder)
        site = sites[size] = Site(store.create(f"{own}bench{size}", template=template), folder)
        with site.app.app_context():
            add_volume(size, 1, by=system("bench"))
            db.session.remove()
        found[size] = subjects(site, submissions=4)
    yield found
    for size, site in sites.items():
        site.close()
        store.drop(f"{own}bench{size}")


def inside(site: Site, email: str | None) -> Inside:
    """The application in this process, as one person."""
    facts: dict[str, Any] = {}
    if email is not None:
        with site.app.app_context():
            facts = session_of(db.session.scalars(select(Account).where(Account.email == email)).one())
            db.session.remove()
    return Inside(site.app, facts)


def request_of(subjects: Subjects, scenario: Scenario) -> Any:
    """A request of a scenario, ready to be sent in this process."""
    return aimed(scenario, subjects, lambda email: inside(subjects.site, email))


def test_both_sides_show_the_same_dossiers(grown: dict[int, Subjects]) -> None:
    subjects = grown[LARGE]
    with subjects.site.serve(root=ROOT / "tests" / "bench") as floor, HttpClient(floor.address) as line:
        for scenario in SCENARIOS:
            shown = request_of(subjects, scenario).send()
            same = aimed_at_floor(scenario, subjects, line).send()
            if scenario.form is None and not shown.headers["content-type"].startswith("application/pdf"):
                seen = scenario.shows(shown.text, subjects)
                assert seen, f"{scenario.name} shows nothing that can be compared"
                assert seen == scenario.shows(same.text, subjects), scenario.name


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_the_number_of_statements_does_not_follow_the_volume(grown: dict[int, Subjects], scenario: Scenario) -> None:
    counts = {}
    for size, one in grown.items():
        request_of(one, scenario).send()
        ready = request_of(one, scenario)
        with statements() as sent:
            ready.send()
        counts[size] = len(sent)
    assert counts[SMALL] == counts[LARGE]
    assert counts[LARGE] <= scenario.most_queries


def test_no_page_of_anybody_asks_many_statements(grown: dict[int, Subjects]) -> None:
    pages = every_page(grown[SMALL], ("manager", "association, draft", "association, award running"))
    assert {one.role for one in pages} == {"manager", "association, draft", "association, award running"}
    assert len({one.rule for one in pages}) >= 90
    assert {(one.rule, one.role): one.statements for one in pages if one.statements > MOST} == {}


def writing_pages(line: HttpClient, one: Draft) -> list[str]:
    """The address of each page of a draft."""
    first = html.fromstring(line.send("GET", f"/dossiers/{one.application}/rediger/projet").text)
    return sorted({str(href) for href in first.xpath("//aside//a[contains(@href, '/rediger/')]/@href")})


def test_a_first_visit_is_light(grown: dict[int, Subjects]) -> None:
    subjects = grown[SMALL]
    published = subjects.site.scalar(
        "SELECT min(application.reference) FROM application JOIN decision ON decision.application_id = application.id "
        "JOIN meeting ON meeting.id = decision.meeting_id WHERE decision.granted AND meeting.state = 'published'"
    )
    one = subjects.own_draft()
    cookie = inside(subjects.site, one.email).client.get_cookie("session")
    assert cookie is not None
    with (
        subjects.site.serve() as server,
        HttpClient(server.address) as line,
        HttpClient(server.address, f"{cookie.key}={cookie.value}") as signed,
    ):
        pages = public_pages(subjects.site.app, subjects, {"reference": str(published)})
        weights = [found for path in pages if (found := weight(line, path)) is not None]
        weights += [found for path in writing_pages(signed, one) if (found := weight(signed, path)) is not None]
    assert len(weights) >= 32
    assert {found.path: found.packed for found in weights if found.packed > HEAVIEST} == {}
