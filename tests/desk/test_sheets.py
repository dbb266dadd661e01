"""The lists that the fund's people take away: a workbook and a CSV that say what the page says, for whom it says it."""

import csv
import io
from datetime import date, datetime

import pytest
from python_calamine import CalamineWorkbook

from grants.applications.lifecycle import ApplicationState
from grants.awards.lifecycle import AwardState, InstalmentState
from grants.kernel import pages, sheets
from grants.kernel.money import Money
from grants.people.models import Account
from tests.client import Answer, Page
from tests.conftest import Queries
from tests.factories import Make

LISTS = (
    "/gestion/dossiers", "/suivi?par=instrument", "/attributions", "/mandats?vue=paid", "/mandats?vue=later",
    "/recouvrements",
)  # fmt: skip


def of_money(make: Make) -> Account:
    """Dossiers, and awards with something in each list of money; gives a manager that no dossier is kept from."""
    manager = make.account("manager")
    call = make.call()
    make.application(state=ApplicationState.SUBMITTED, call=call, title="=1+1 Café")
    seconds = [make.application(state=ApplicationState.ELIGIBLE, call=call) for _number in range(2)]
    make.decided(*seconds)
    paid, _waiting = (make.award(one) for one in seconds)
    make.instalment(paid, Money(1_234_56), state=InstalmentState.PAID)
    make.recovery(paid, Money(100_00))
    return manager


def links(answer: Answer) -> dict[str, str]:
    """The sheets that a page offers, by their ending."""
    found = answer.tree.xpath("//a[@download]/@href")
    return {href.partition("?")[0].rpartition(".")[2]: href for href in found}


def rows_of_csv(page: Page, href: str) -> list[list[str]]:
    text = page.get(href).text
    assert text.startswith(sheets.BOM)
    return list(csv.reader(io.StringIO(text.removeprefix(sheets.BOM), newline=""), delimiter=";"))


def rows_of_workbook(page: Page, href: str) -> list[list[object]]:
    response = page.get(href).response
    assert (response.status_code, response.mimetype) == (200, sheets.XLSX)
    assert "attachment" in response.headers["Content-Disposition"]
    content = response.get_data()
    assert response.content_length == len(content)
    return CalamineWorkbook.from_object(io.BytesIO(content)).get_sheet_by_index(0).to_python()


def as_csv(value: object) -> str:
    """What the CSV says of a value read in the workbook, its minutes only."""
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else str(value)
    return f"{value:%Y-%m-%d %H:%M}" if isinstance(value, datetime) else str(value)


def plain(text: str) -> str:
    """What a cell of the CSV says, as `as_csv` says it."""
    text = text.removeprefix("'")
    try:
        return as_csv(float(text.replace(",", ".")))
    except ValueError:
        return text[:16] if text[10:11] == " " and text[4:5] == "-" else text


def test_every_list_is_offered_as_a_workbook_and_as_csv_that_say_the_same(page: Page, make: Make) -> None:
    page.sign_in(of_money(make))
    for path in LISTS:
        shown = page.get(path)
        offered = links(shown)
        assert set(offered) == {"xlsx", "csv"}, path
        head, *rows = rows_of_csv(page, offered["csv"])
        typed_head, *typed = rows_of_workbook(page, offered["xlsx"])
        assert typed_head == head
        assert [[as_csv(cell) for cell in row] for row in typed] == [[plain(cell) for cell in row] for row in rows]
        assert len(rows) == len(shown.tree.xpath("(//table)[last()]/tbody/tr")), path


def test_the_heads_of_a_sheet_are_in_the_language_of_its_reader(page: Page, make: Make) -> None:
    page.sign_in(make.account("manager"))
    assert rows_of_csv(page, "/attributions.csv")[0][:2] == ["Référence", "Projet"]
    page.post("/langue", data={"language": "en"})
    for path in ("/attributions.xlsx", "/gestion/dossiers.xlsx", "/mandats.xlsx?vue=pay", "/recouvrements.xlsx"):
        assert rows_of_workbook(page, path)[0][0] == "Reference"
    assert rows_of_csv(page, "/suivi.csv?par=commune")[0][:3] == ["Municipality", "Name", "Requested"]


def test_amounts_are_numbers_and_days_are_days_in_a_workbook(page: Page, make: Make) -> None:
    page.sign_in(of_money(make))
    head, row = rows_of_workbook(page, "/mandats.xlsx?vue=paid")
    cells = dict(zip(head, row, strict=True))
    assert cells["Montant"] == 1234.56
    assert type(cells["Payé le"]) is date
    head, *rows = rows_of_workbook(page, "/gestion/dossiers.xlsx?mots=Café")
    (cells,) = (dict(zip(head, row, strict=True)) for row in rows)
    assert cells["Titre"] == "=1+1 Café"
    assert isinstance(cells["Déposé le"], datetime)


def test_a_sheet_holds_what_its_list_is_narrowed_to(page: Page, make: Make) -> None:
    page.sign_in(of_money(make))
    offered = links(page.get("/attributions?state=voted"))
    assert [row[4] for row in rows_of_workbook(page, offered["xlsx"])[1:]] == ["Votée"]
    assert len(rows_of_workbook(page, "/attributions.xlsx")) == 3
    assert rows_of_csv(page, "/mandats.csv?vue=autre") == rows_of_csv(page, links(page.get("/mandats"))["csv"])
    assert rows_of_workbook(page, "/recouvrements.xlsx?vue=retard")[1:] == []


def test_a_sheet_is_for_those_who_may_take_it_and_without_what_is_kept_from_them(page: Page, make: Make) -> None:
    manager = make.account("manager", "reviewer")
    linked = make.application(state=ApplicationState.ELIGIBLE, organisation=make.organisation(manager))
    make.decided(linked)
    make.award(linked, state=AwardState.RUNNING)
    officer = make.account("authorising_officer")
    assert links(page.get("/attributions", as_=officer)) == {}
    assert page.get("/attributions.xlsx").status == page.get("/attributions.csv").status == 403
    page.sign_in(manager)
    for path in ("/attributions.xlsx", "/gestion/dossiers.xlsx", "/mandats.xlsx?vue=prepare"):
        assert rows_of_workbook(page, path)[1:] == []
    assert len(rows_of_workbook(page.sign_in(make.account("finance")), "/attributions.xlsx")) == 2


def test_the_journal_is_taken_away_as_it_is_read(page: Page, make: Make) -> None:
    manager = make.account("manager")
    make.award(state=AwardState.RUNNING)
    linked = make.application(state=ApplicationState.SUBMITTED, organisation=make.organisation(manager))
    shown = page.get("/gestion/journal?objet=award", as_=make.account("administrator"))
    head, *rows = rows_of_csv(page, links(shown)["csv"])
    typed_head, *typed = rows_of_workbook(page, links(shown)["xlsx"])
    assert typed_head == head
    assert [[as_csv(cell) for cell in row] for row in typed] == [[plain(cell) for cell in row] for row in rows]
    lines = shown.tree.xpath("//table/tbody/tr")
    assert [row[4] for row in rows] == [line.xpath("./th/code")[0].text for line in lines]
    for row, line in zip(rows, lines, strict=True):
        assert [span.text_content() for span in line.xpath("./td[@class='facts']/span")] == row[6].split("; ")
    assert linked.reference in page.get("/gestion/journal.csv").text
    assert linked.reference not in page.get("/gestion/journal.csv", as_=manager).text
    assert page.get("/gestion/journal.csv", as_=make.account("finance")).status == 403
    assert page.get("/gestion/journal.xlsx").status == 403


def test_scores_have_no_column_for_who_may_not_see_them(page: Page, make: Make) -> None:
    make.reviewed(make.application(state=ApplicationState.ELIGIBLE), 4)
    head, row = rows_of_workbook(page.sign_in(make.account("manager")), "/gestion/dossiers.xlsx")
    assert (head[-2:], row[-2:]) == (["Note sur 100", "Évaluations"], [100.0, 1.0])
    head, row = rows_of_workbook(page.sign_in(make.account("finance")), "/gestion/dossiers.xlsx")
    assert head[-1] == "Attribué"


def test_a_list_too_long_for_a_workbook_offers_its_csv_alone(
    page: Page, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    page.sign_in(of_money(make))
    monkeypatch.setattr(sheets, "MOST_ROWS", 2)
    assert set(links(page.get("/gestion/dossiers"))) == {"csv"}
    assert "Un classeur de plus de 2 lignes est préparé à part" in page.last.words.replace(pages.NBSP, " ")
    refused = page.get("/gestion/dossiers.xlsx")
    assert refused.status == 409
    assert "plus de 2 lignes" in refused.words
    assert len(rows_of_workbook(page, "/attributions.xlsx")) == 3


def test_a_sheet_costs_as_many_statements_for_one_row_as_for_many(page: Page, make: Make, queries: Queries) -> None:
    page.sign_in(of_money(make))
    paths = ("/gestion/dossiers.xlsx", "/attributions.xlsx", "/mandats.xlsx?vue=later", "/recouvrements.xlsx")
    one = {path: queries.count(lambda path=path: page.get(path)) for path in paths}
    of_money(make)
    assert {path: queries.count(lambda path=path: page.get(path)) for path in paths} == one
