"""What scripts say of numbers while one types: what the server says once they are sent, or nothing."""

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Route
from playwright.sync_api import Page as BrowserPage

from grants.applications.lifecycle import ApplicationState
from grants.applications.rules import Part
from grants.kernel import chunks
from tests.client import Page
from tests.factories import Make

pytestmark = pytest.mark.neutral

STATIC = Path(__file__).parents[2] / "static"
PLACE = "http://localhost/page"
BALANCED = "Le budget est équilibré."


@pytest.fixture
def screen(browser: Browser) -> Iterator[BrowserPage]:
    """Give a browser page without a server: its scripts come from their files."""
    opened = browser.new_page()
    yield opened
    opened.close()


def show(screen: BrowserPage, html: str) -> None:
    """Show a page of the application in the browser."""

    def answer(route: Route) -> None:
        path = urlsplit(route.request.url).path
        if path == urlsplit(PLACE).path:
            route.fulfill(body=html, content_type="text/html; charset=utf-8")
        elif path.endswith(".js"):
            route.fulfill(path=STATIC / "js" / path.rpartition("/js/")[2], content_type="text/javascript")
        else:
            route.fulfill(body="", content_type="text/css")

    screen.route("**/*", answer)
    screen.goto(PLACE, wait_until="networkidle")


def plain(text: str | None) -> str:
    return " ".join(re.sub(r"\s", " ", text or "").split())


def amounts(screen: BrowserPage, side: str) -> list[str]:
    """The names of the amounts of one side."""
    fields = screen.locator(f'[data-side="{side}"] [data-amount]').all()
    return [str(field.get_attribute("name")) for field in fields]


def fill(screen: BrowserPage, values: dict[str, str]) -> None:
    for name, value in values.items():
        screen.fill(f"[name='{name}']", value)


def texts_of(screen: BrowserPage, *sides: str) -> list[str]:
    """The totals of sides as the page shows them."""
    return [plain(screen.text_content(f'[data-total="{side}"]')) for side in sides]


def verdict(screen: BrowserPage) -> str:
    """What the page says of the balance; empty when it says nothing."""
    line = screen.locator("[data-balance]")
    return "" if line.is_hidden() else plain(line.text_content())


@pytest.fixture
def budget(make: Make, page: Page) -> Page:
    """Give the client, signed in before the budget of a draft that asks for 15 000 €."""
    draft = make.application(state=ApplicationState.DRAFT)
    page.sign_in(make.member_of(draft.organisation))
    page.get("applications.edit", draft, section=Part.BUDGET)
    return page


def emptied(page: Page) -> Page:
    """Save the budget with nothing in it."""
    form = page.last.form()
    page.submit({name: "" for name in form.fields if name.endswith("-amount")}, follow=False)
    page.get(page.last.url)
    return page


def test_the_live_budget_says_what_the_server_says_or_nothing(screen, budget) -> None:
    show(screen, emptied(budget).last.text)
    charge, resource = amounts(screen, "charges")[0], amounts(screen, "resources")[0]
    kind_charge, kind_resource = amounts(screen, "in-kind-charges")[0], amounts(screen, "in-kind-resources")[0]
    fixed = sum(int(field.get_attribute("value")) for field in screen.locator("[data-fixed]").all()) // 100
    tried = (
        {charge: "5\u202f600,00 €", resource: ""},
        {charge: str(fixed + 100), resource: "\u200b100 euros"},
        {charge: str(fixed + 100), resource: "100", kind_charge: "50", kind_resource: ""},
        {charge: str(fixed + 100), resource: "100", kind_charge: "50", kind_resource: "50"},
        {charge: str(fixed + 300), resource: "500", kind_charge: "", kind_resource: "40"},
    )
    for values in tried:
        fill(screen, values)
        live = texts_of(screen, "charges", "resources"), verdict(screen)
        budget.submit(values, follow=False)
        answer = budget.get(budget.last.url)
        server = [plain(answer.tree.xpath(f"string(//*[@data-total='{side}'])")) for side in ("charges", "resources")]
        assert live == (server, plain(answer.tree.xpath("string(//*[@data-balance])")))
    for text in ("1 2500", "12.500", "12,50", "beaucoup"):
        fill(screen, {charge: text})
        assert (texts_of(screen, "charges"), verdict(screen)) == (["—"], "")


def test_the_script_does_not_overrule_what_the_server_said(screen, budget) -> None:
    form = emptied(budget).last.form()
    names = [name for name in form.fields if name.endswith("-amount")]
    answer = budget.submit({names[0]: "beaucoup"})
    said = plain(answer.tree.xpath("string(//*[@data-balance])"))
    show(screen, answer.text)
    assert verdict(screen) == ("" if answer.tree.xpath("//*[@data-balance]/@hidden") else said)


def of_the_server(answer: Page, line: str) -> str:
    """What the page of the server says in a line; empty when the line is hidden."""
    shown = answer.tree.xpath(f"//*[@data-{line}][not(@hidden)]")
    return plain(shown[0].text_content()) if shown else ""


def test_the_live_share_and_grants_are_those_of_the_server(screen, budget, make) -> None:
    form = emptied(budget).last.form()
    show(screen, budget.last.text)
    row = next(name for name, told in form.fields.items() if name.endswith("-account") and told == "74")[
        : -len("account")
    ]
    other = amounts(screen, "resources")[0]
    tried = (
        {f"{row}amount": "", other: "5000"},
        {f"{row}amount": "10 000", f"{row}label": "Ville de Vaugneray", f"{row}status": "granted", other: "1"},
        {f"{row}amount": "3 333", f"{row}status": "requested", other: "16667"},
    )
    for values in tried:
        for name, value in values.items():
            if name.endswith("status"):
                screen.select_option(f"[name='{name}']", value)
            else:
                screen.fill(f"[name='{name}']", value)
        lines = ("shares", "subsidies")
        live = [plain(screen.text_content(f"[data-{line}]")) for line in lines]
        budget.submit(values, follow=False)
        answer = budget.get(budget.last.url)
        assert live == [of_the_server(answer, line) for line in lines]
        assert all(live)
    screen.fill(f"[name='{other}']", "beaucoup")
    assert screen.locator("[data-shares]").is_hidden()
    assert screen.locator("[data-subsidies]").is_hidden()


def test_the_live_share_says_how_far_over_the_rate(screen, make, page) -> None:
    draft = make.application(state=ApplicationState.DRAFT, instrument="development")
    page.sign_in(make.member_of(draft.organisation))
    page.get("applications.edit", draft, section=Part.BUDGET)
    show(screen, emptied(page).last.text)
    values = {amounts(screen, "resources")[0]: "1 001"}
    fill(screen, values)
    live = plain(screen.text_content("[data-shares]"))
    page.submit(values, follow=False)
    assert live == of_the_server(page.get(page.last.url), "shares")
    assert "de trop" in live


PASTE = """(field, text) => {
  const data = new DataTransfer();
  data.setData("text/plain", text);
  field.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }));
}"""


def test_a_block_of_a_spreadsheet_is_pasted_account_by_account(screen, budget) -> None:
    show(screen, emptied(budget).last.text)
    fields = {plain(line.text_content()): line for line in screen.locator("tr:has([data-amount]) .account").all()}
    first = screen.locator("[data-side=charges] [data-amount]").first
    first.evaluate(
        PASTE, "Compte\tMontant\r\n64 Charges de personnel\t\t10 000 €\r\n60\t1\u202f200\r\n999\t5\r\n61\tbeaucoup"
    )
    screen.wait_for_selector("[data-pasted]:not([hidden])")
    values = {
        code: fields[code].locator("xpath=ancestor::tr").locator("[data-amount]").input_value()
        for code in ("64", "60", "61")
    }
    assert values == {"64": "10 000 €", "60": "1\u202f200", "61": ""}
    assert texts_of(screen, "charges") == ["11 200 €"]
    said = plain(screen.text_content("[data-pasted]"))
    assert said == "Montants collés : 2. Lignes laissées de côté : Compte Montant ; 999 5 ; 61 beaucoup."


def test_a_column_of_amounts_is_pasted_from_the_field_down(screen, budget) -> None:
    show(screen, emptied(budget).last.text)
    shown = screen.locator("[data-side=charges] [data-amount]").all()
    shown[1].evaluate(PASTE, "100\n200\n")
    screen.wait_for_selector("[data-pasted]:not([hidden])")
    assert [field.input_value() for field in shown[:4]] == ["", "100", "200", ""]
    shown[0].evaluate(PASTE, "7")
    assert shown[0].input_value() == ""


def test_a_large_file_goes_on_where_the_line_dropped(screen, make, page) -> None:
    """A file of 9 MB on a line that drops three times: each chunk is sent once, and the form names the file."""
    draft = make.application(state=ApplicationState.DRAFT)
    page.sign_in(make.member_of(draft.organisation))
    show(screen, page.get("applications.edit", draft, section=Part.PIECES).text)
    content = bytes(range(250)) * 36_000
    whole, sent, forms = range(-(-len(content) // chunks.CHUNK)), [], []
    drops = {3: 1, 9: 2}

    def answer(route: Route) -> None:
        request, path = route.request, urlsplit(route.request.url).path
        if request.method == "GET":
            route.fulfill(json={"chunk": chunks.CHUNK, "missing": list(whole)})
            return
        number = int(path.rpartition("/")[2])
        if drops.get(number):
            drops[number] -= 1
            route.abort()
            return
        sent.append(number)
        route.fulfill(status=204)

    def take(route: Route) -> None:
        forms.append(route.request.post_data_buffer or b"")
        route.fulfill(body="<title>Reçu</title><main><h1>Reçu</h1></main>", content_type="text/html")

    person = {"left": 3600, "who": screen.get_attribute("[data-who]", "data-who")}
    screen.route("**/connexion/etat", lambda route: route.fulfill(json=person))
    screen.route("**/envois/**", answer)
    screen.route("**/page", take)
    field = screen.locator("input[type=file]").first
    field.set_input_files({"name": "étude.pdf", "mimeType": "application/pdf", "buffer": content})
    field.locator("xpath=ancestor::form").locator("button:not([name])").click()
    screen.wait_for_function("document.querySelector('.drop-state')?.textContent.includes('Connexion coupée')")
    for _drop in range(400):
        screen.evaluate("() => dispatchEvent(new Event('online'))")
        screen.wait_for_timeout(25)
        if forms:
            break
    (form,) = forms
    assert sent == list(whole)
    assert b'name="_sent"' in form
    assert f"/{hashlib.sha256(content).hexdigest()}/{len(content)}/étude.pdf".encode() in form
    assert len(form) < 10_000


def test_the_sum_of_the_shares_counts_what_the_server_takes(screen, make, page) -> None:
    draft = make.application(state=ApplicationState.DRAFT)
    page.sign_in(make.member_of(draft.organisation))
    show(screen, page.get("applications.edit", draft, section=Part.AXES).text)
    parts = [str(part.get_attribute("name")) for part in screen.locator("[data-part]").all()]
    fill(screen, dict.fromkeys(parts, ""))
    expected = {"40": "40 % / 100 %", "\u200b60": "60 % / 100 %", "40abc": "—", "1e2": "—", "101": "—", "4 0": "—"}
    for text, said in expected.items():
        fill(screen, {parts[0]: text})
        assert plain(screen.text_content("[data-sum]")) == said
        answer = page.submit({**dict.fromkeys(parts, ""), parts[0]: text, "do": "stay"})
        assert bool(answer.tree.xpath(f"//*[@name='{parts[0]}'][@aria-invalid='true']")) is (said == "—")
        page.get("applications.edit", draft, section=Part.AXES)


def test_an_error_in_the_budget_names_its_account(budget) -> None:
    answer = budget.submit({"rows-0-amount": "beaucoup", "do": "stay"})
    first = answer.tree.xpath("//div[@id='erreurs']//a")[0].text_content()
    account = answer.form().fields["rows-0-account"]
    assert first.startswith(f"{account} ")
