"""The register, the open data and the tracking, as the public and the staff see them."""

import csv
import io
import re
from dataclasses import replace

import pytest
from flask import Flask
from frictionless import Resource, Schema, fields
from stdnum.fr import siret

from grants.applications.lifecycle import ApplicationState
from grants.awards.models import Award
from grants.calls.lifecycle import CallState
from grants.kernel import paging
from grants.kernel.db import unit_of_work
from grants.kernel.money import Money
from grants.kernel.paging import cursor
from grants.observatory import queries as observatory
from grants.observatory import routes
from grants.observatory.queries import Behind
from grants.observatory.rules import SCDL_COLUMNS, Breakdown, Figure, TrackingFilters
from grants.programme import queries as programme
from grants.reviewing.lifecycle import AssignmentState
from tests.client import Page
from tests.conftest import Queries
from tests.factories import Make

SCHEMA = Schema(
    fields=[
        fields.StringField(name="nomAttribuant", constraints={"required": True}),
        fields.StringField(name="idAttribuant", constraints={"required": True, "pattern": r"^\d{14}$"}),
        fields.DateField(name="dateConvention", format="%Y-%m-%d", constraints={"required": True}),
        fields.StringField(name="referenceDecision"),
        fields.StringField(name="nomBeneficiaire", constraints={"required": True}),
        fields.StringField(name="idBeneficiaire"),
        fields.StringField(name="rnaBeneficiaire", constraints={"pattern": r"^W\d{9}$"}),
        fields.StringField(name="objet", constraints={"required": True, "maxLength": 256}),
        fields.NumberField(name="montant", constraints={"required": True}),
        fields.StringField(name="nature", constraints={"required": True, "enum": ["aide en numéraire"]}),
        fields.StringField(name="conditionsVersement", constraints={"required": True, "maxLength": 256}),
        fields.StringField(
            name="datesPeriodeVersement",
            constraints={"required": True, "pattern": r"^\d{4}-\d{2}-\d{2}(/\d{4}-\d{2}-\d{2})?$"},
        ),
        fields.StringField(name="idRAE", constraints={"maxLength": 5}),
        fields.BooleanField(
            name="notificationUE", true_values=["oui"], false_values=["non"], constraints={"required": True}
        ),
        fields.NumberField(
            name="pourcentageSubvention", constraints={"required": True, "minimum": "0.01", "maximum": "1"}
        ),
        fields.StringField(name="dispositifAide"),
    ]
)


def awarded(make: Make, count: int = 2) -> list[Award]:
    call = make.call()
    applications = [
        make.application(state=ApplicationState.ELIGIBLE, call=call, requested=Money.euros(8_001 + n))
        for n in range(count)
    ]
    make.decided(*applications)
    return [make.award(application) for application in applications]


def test_the_register_shows_published_awards_and_nothing_else(make: Make, page: Page) -> None:
    call = make.call()
    won = make.application(state=ApplicationState.ELIGIBLE, call=call, title="Les paliers au frais")
    make.decided(won)
    other = make.call()
    secret = make.application(state=ApplicationState.ELIGIBLE, call=other, title="Encore secret")
    make.decided(secret, published=False)
    words = page.get("observatory.register").words
    assert "Les paliers au frais" in words
    assert "Encore secret" not in words
    assert page.get("/registre?mots=paliers").words.count("Les paliers au frais") == 1
    assert "Aucune aide ne correspond" in page.get("/registre?mots=introuvable%25").words
    assert page.get("observatory.record", reference=won.reference).status == 200
    assert page.get("observatory.record", reference=secret.reference).status == 404
    assert "Encore secret" not in page.get("observatory.laureates").words
    assert "Encore secret" not in page.get("observatory.scdl").text


def test_the_register_pages_without_losing_or_repeating(make: Make, page: Page, app: Flask) -> None:
    awarded(make, 5)
    seen: list[str] = []
    after = None
    while True:
        shown = observatory.register(after=after, size=2)
        after = shown.following
        seen += [row.reference for row in shown.rows]
        if after is None:
            break
    assert len(seen) == len(set(seen)) == 5


def test_the_open_data_follow_the_schema_to_the_byte(make: Make, page: Page) -> None:
    awarded(make, 3)
    answer = page.get("observatory.scdl")
    raw = answer.response.get_data()
    text = raw.decode("utf-8", errors="strict")
    assert not raw.startswith(b"\xef\xbb\xbf")
    assert text.splitlines()[0] == ",".join(SCDL_COLUMNS)
    rows = list(csv.DictReader(io.StringIO(text)))
    assert len(rows) == 3
    assert [row["montant"] for row in rows] == ["8001.00", "8002.00", "8003.00"]
    for row in rows:
        assert siret.is_valid(row["idBeneficiaire"])
        assert siret.is_valid(row["idAttribuant"])
        assert row["idBeneficiaire"] or row["rnaBeneficiaire"]
    report = Resource(data=raw, format="csv", encoding="utf-8", schema=SCHEMA).validate()
    assert report.valid, report.flatten(["rowNumber", "fieldName", "message"])


def followed(reading: Breakdown, key: str | None, figure: Figure) -> list[Behind]:
    """Every row behind a figure, two at a time."""
    rows: list[Behind] = []
    after: str | None = None
    while True:
        page = observatory.behind(reading, key, figure, TrackingFilters(), after=after, size=2)
        assert len(page.rows) <= 2
        rows += page.rows
        after = page.following
        if after is None:
            return rows


@pytest.mark.parametrize("reading", list(Breakdown))
def test_every_reading_adds_up_to_the_ledger(make: Make, app: Flask, reading: Breakdown) -> None:
    awarded(make, 3)
    make.application(state=ApplicationState.SUBMITTED, shares=(("A2", 34), ("A3", 33), ("A4", 33)))
    make.application(state=ApplicationState.WITHDRAWN)
    table = observatory.tracking(reading, TrackingFilters())
    ledger = observatory.ledger_totals()
    for figure in Figure:
        assert sum((line.sums[figure] for line in table), Money(0)) == ledger[figure]
        for line in table:
            rows = followed(reading, line.key, figure)
            amount = sum((row.part for row in rows), Money(0))
            assert amount == line.sums[figure]
            assert observatory.behind_total(reading, line.key, figure, TrackingFilters()) == (len(rows), amount)
    assert ledger[Figure.ASKED] == Money.euros(8_001 + 8_002 + 8_003 + 8_000)


def test_the_tracking_page_opens_every_figure(make: Make, page: Page) -> None:
    awarded(make)
    manager = make.account("manager")
    answer = page.get("observatory.tracking", as_=manager)
    assert "égaux au grand livre" in answer.words
    links = [href for href in answer.tree.xpath("//td//a/@href") if href.startswith("/suivi/lignes")]
    assert links
    for link in links:
        assert page.get(link).status == 200
    assert page.get("/suivi?par=nimporte").status == 404
    assert page.get("/suivi/lignes?par=axis&montant=voted&cle=pas-un-uuid").status == 404


@pytest.mark.parametrize("reading", [Breakdown.INSTRUMENT, Breakdown.AXIS])
@pytest.mark.parametrize("figure", [Figure.ASKED, Figure.VOTED])
def test_the_rows_behind_a_figure_follow_one_another_without_loss_or_repetition(
    make: Make, app: Flask, reading: Breakdown, figure: Figure
) -> None:
    awards = awarded(make, 5)
    (line, *_) = [line for line in observatory.tracking(reading, TrackingFilters()) if line.sums[figure]]
    rows = followed(reading, line.key, figure)
    assert len(rows) == len(awards)
    assert [row.application_id for row in rows] == [award.application_id for award in awards]
    assert [row.day for row in rows] == sorted(row.day for row in rows)


def test_the_page_behind_a_figure_shows_a_page_of_rows_and_keeps_the_total(
    make: Make, page: Page, queries: Queries, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paging, "PAGE", 5)
    call = make.call()
    for number in range(2):
        make.application(state=ApplicationState.ELIGIBLE, call=call, requested=Money.euros(8_000 + number))
    page.sign_in(make.account("manager"))
    link = next(href for href in page.get("/suivi?par=year").tree.xpath("//td//a/@href") if "montant=asked" in href)
    few = queries.count(lambda: page.get(link))
    for number in range(2, 7):
        make.application(state=ApplicationState.ELIGIBLE, call=call, requested=Money.euros(8_000 + number))
    total = format(sum(range(8_000, 8_007)), "_").replace("_", "\u202f")
    first = page.get(link)
    assert queries.count(lambda: page.get(link)) == few
    assert (len(first.tree.xpath("//tbody/tr")), first.text.count(total)) == (5, 2)
    assert "7 lignes" in first.words
    (following,) = first.tree.xpath("//a[@rel='next']/@href")
    assert "par=year" in following
    assert "montant=asked" in following
    last = page.get(following)
    assert (len(last.tree.xpath("//tbody/tr")), last.text.count(total)) == (2, 2)
    assert last.tree.xpath("//a[@rel='next']") == []
    seen = [href for answer in (first, last) for href in answer.tree.xpath("//tbody//th/a/@href")]
    assert len(set(seen)) == 7


@pytest.mark.parametrize(
    "place",
    [
        "zzz",
        cursor([]),
        cursor(["hier", "1"]),
        cursor(["2026-01-01", "x"]),
        cursor(["2026-01-01", "9" * 40]),
        cursor(["2026-01-01T00:00:00", "1"]),
        cursor(["2026-01-01T00:00:00+00:00", "9" * 40]),
        cursor(["0001-01-01T00:00:00+14:00", "1"]),
    ],
)
@pytest.mark.parametrize("figure", ["asked", "voted"])
def test_a_damaged_place_shows_the_first_rows(make: Make, page: Page, place: str, figure: str) -> None:
    awarded(make, 1)
    manager = make.account("manager")
    for reading in ("instrument", "axis"):
        answer = page.get(f"/suivi?par={reading}", as_=manager)
        link = next(href for href in answer.tree.xpath("//td//a/@href") if f"montant={figure}" in href)
        assert len(page.get(f"{link}&after={place}").tree.xpath("//tbody/tr")) == 1


def test_tracking_counts_and_lists_nothing_of_a_dossier_one_has_a_link_with(make: Make, page: Page) -> None:
    call, manager = make.call(), make.account("manager", "reviewer")
    make.application(state=ApplicationState.ELIGIBLE, call=call, requested=Money.euros(8_000))
    linked = make.application(state=ApplicationState.ELIGIBLE, call=call, requested=Money.euros(7_777))
    make.assignment(linked, manager, state=AssignmentState.RECUSED)
    seen = [page.get("/suivi?par=instrument", as_=manager), page.get("/suivi.csv?par=instrument")]
    link = next(href for href in seen[0].tree.xpath("//td//a/@href") if "montant=asked" in href)
    seen.append(page.get(link))
    words = [answer.words.replace(" ", "") for answer in seen]
    assert all("8000" in said for said in words)
    assert not any("7777" in said or "15777" in said or linked.reference in said for said in words)
    assert observatory.ledger_totals(frozenset({linked.id})).amounts[Figure.ASKED] == Money.euros(8_000)


def test_tracking_is_added_up_once_until_the_next_change(make: Make, app: Flask, queries: Queries) -> None:
    def asked() -> Money:
        return sum(
            (line.sums[Figure.ASKED] for line in observatory.tracking(Breakdown.AXIS, TrackingFilters())), Money(0)
        )

    make.application(state=ApplicationState.SUBMITTED, requested=Money.euros(8_000))
    assert asked() == observatory.ledger_totals().amounts[Figure.ASKED] == Money.euros(8_000)
    assert queries.count(asked) == 1, "the last line of the journal"
    make.application(state=ApplicationState.SUBMITTED, requested=Money.euros(7_000))
    assert asked() == observatory.ledger_totals().amounts[Figure.ASKED] == Money.euros(15_000)


def test_the_filters_of_tracking_hold_a_call_from_its_opening_on(make: Make, page: Page) -> None:
    manager, draft = make.account("manager"), make.call(state=CallState.DRAFT)
    draft_id = str(draft.id)
    assert draft_id not in page.get("observatory.tracking", as_=manager).text
    opened_id = str(make.call().id)
    text = page.get("observatory.tracking").text
    assert opened_id in text
    assert draft_id not in text


def test_laureates_that_their_page_does_not_hold_are_in_the_register(
    make: Make, page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    awarded(make, 3)
    assert "dans le registre" not in page.get("/laureats").words
    monkeypatch.setattr(routes, "SHOWN", 2)
    link = page.get("/laureats").tree.xpath("//a[contains(., 'Voir les 3 projets dans le registre')]/@href")
    assert len(page.get(link[0]).tree.xpath("//table/tbody/tr")) == 3


def test_laureates_come_in_pages_and_none_is_lost(make: Make, page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    awarded(make, 5)
    monkeypatch.setattr(routes, "SHOWN", 2)
    seen: list[str] = []
    maps = 0
    address = "/laureats"
    for _step in range(9):
        shown = page.get(address)
        seen += shown.tree.xpath("//main//ul[contains(@class, 'columns')]//h3/a/@href")
        maps += "Une case par commune" in shown.words
        following = shown.tree.xpath("//a[@rel='next']/@href")
        if not following:
            break
        address = following[0]
    assert len(seen) == len(set(seen)) == 5
    assert maps == 1
    assert page.get("/laureats?after=x").tree.xpath("//main//h3/a/@href") == seen[:2]
    back = page.get(address).tree.xpath("//a[@rel='prev']/@href")
    assert page.get(back[0]).tree.xpath("//main//h3/a/@href") == seen[2:4]


def test_a_first_visit_of_the_laureates_stays_within_20_kb(make: Make, page: Page) -> None:
    """A full page of laureates, its style and its scripts, as they are sent."""
    awarded(make, 1)
    (one,) = observatory.laureates().rows
    texts = [f"{one.summary[n * 7 :]} {n} {one.summary[: n * 7]}" for n in range(routes.SHOWN)]
    rows = [replace(one, reference=f"X-{n}", title=words[:60], summary=words) for n, words in enumerate(texts)]
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(observatory, "laureates", lambda **_places: paging.Page(rows))
        shown = page.client.get("/laureats", headers={"Accept-Encoding": "br, gzip"})
    style = page.client.get("/static/site.css", headers={"Accept-Encoding": "br, gzip"})
    assert len(shown.data) + len(style.data) + 2_500 < 20_000


def test_tracking_is_for_staff(make: Make, page: Page) -> None:
    assert page.get("observatory.tracking").status == 302
    assert page.get("observatory.tracking", as_=make.account()).status == 403
    assert page.get("observatory.tracking_csv", as_=make.account("finance")).status == 200


def test_lists_cost_the_same_for_one_and_for_three(make: Make, page: Page, queries: Queries) -> None:
    manager = make.account("manager")
    awarded(make, 1)
    page.sign_in(manager)
    paths = ["/registre", "/laureats", "/suivi", "/suivi?par=commune", "/donnees/subventions.csv", "/gestion/dossiers"]
    page.get("/registre")
    one = {path: queries.count(lambda path=path: page.get(path)) for path in paths}
    awarded(make, 3)
    assert {path: queries.count(lambda path=path: page.get(path)) for path in paths} == one
    assert max(one.values()) <= 15


def test_amounts_keep_their_cents_in_the_sheet(make: Make, page: Page) -> None:
    awarded(make, 1)
    text = page.get("observatory.tracking_csv", as_=make.account("manager")).text
    assert re.search(r"A1;.*;4800,60;", text), text


@pytest.mark.parametrize("address", ["/registre", "/gestion/dossiers", "/suivi"])
def test_an_axis_is_asked_within_its_framework(make: Make, page: Page, address: str) -> None:
    [award] = awarded(make, 1)
    mine, other = (programme.axes(framework.id)[0] for framework in programme.frameworks()[:2])
    with unit_of_work():
        other.code = mine.code
    page.sign_in(make.account("manager"))
    shown = page.get(address)
    groups = shown.tree.xpath("//select[@name='axe']/optgroup/@label")
    assert groups == [framework.name for framework in programme.frameworks()[:2]]
    reference = "8 001 €" if address == "/suivi" else award.application.reference
    for axis, is_found in ((mine, True), (other, False)):
        found = page.get(f"{address}?axe={axis.id}")
        assert (reference in found.words.replace("\u202f", " ").replace("\xa0", " ")) == is_found, axis
        assert found.tree.xpath("//select[@name='axe']//option[@selected]/@value") == [str(axis.id)]
    assert page.get(f"{address}?axe=A1").status == 200
