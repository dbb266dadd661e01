"""What could not be sent is kept on the device for its author alone: found again, sent once, erased at sign-out."""

import json
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect
from sqlalchemy import delete, select

from grants.kernel.db import unit_of_work
from grants.people.models import Account, Membership
from tests.journeys.cast import PATIENCE, Participants, Person
from tests.journeys.worlds import TITLE, two_volunteers_with_a_draft

pytestmark = pytest.mark.neutral

SAVED, KEPT = "Enregistré à", "Pas encore envoyé, gardé sur cet appareil"
OFFLINE, LAST = "Écrit sans connexion, à Oullins.", "Le dernier texte, jamais parti."
ROWS = """() => new Promise((resolve) => {
  indexedDB.open("unsent").onsuccess = ({ target }) => {
    target.result.transaction("pages").objectStore("pages").getAll().onsuccess = (found) => {
      target.result.close();
      const latin = (buffer) => String.fromCharCode(...new Uint8Array(buffer));
      resolve(found.target.result.map((row) => ({ ...row, iv: latin(row.iv), sealed: latin(row.sealed) })));
    };
  };
})"""


def state(page: Page) -> Locator:
    """The line that says whether what one writes is saved."""
    return page.locator("[data-save-state]")


def rows(page: Page) -> list[dict[str, Any]]:
    """What the browser keeps, as it lies on the disk."""
    return list(page.evaluate(ROWS))


def comes_back(person: Person, path: str) -> None:
    """Close the tab without a word; once the line is back, open an address in another."""
    closed, person.page = person.page, person.page.context.new_page()
    closed.close()
    person.page.context.set_offline(False)
    person.opens(path)


def test_what_could_not_be_sent_waits_for_its_author_alone(participants: Participants) -> None:
    awa, noa = two_volunteers_with_a_draft(participants, "Awa Diop", "Noa Perret")
    awa.signs_in().goes_to("Mes dossiers")
    awa.follows(TITLE)
    dossier = f"/dossiers/{awa.page.url.removeprefix(awa.address).split('/')[2]}"
    place, context = f"{dossier}/rediger/projet", awa.page.context
    awa.opens(place)
    awa.page.locator("[name=title]").fill("Un banc, puis deux")
    expect(state(awa.page)).to_contain_text(SAVED, timeout=PATIENCE)

    # The line is cut and the tab is closed: the text is in the page when it opens again, and leaves.
    context.set_offline(True)
    awa.page.locator("[name=summary]").fill(OFFLINE)
    awa.page.locator("[name=requested]").fill("beaucoup")
    expect(state(awa.page)).to_contain_text(KEPT, timeout=PATIENCE)
    (row,) = rows(awa.page)
    assert set(row) == {"writer", "who", "at", "iv", "sealed"}
    assert not [word for word in ("Oullins", "summary", "beaucoup", "dossiers") if word in json.dumps(row)]
    comes_back(awa, place)
    expect(awa.page.locator("[name=summary]")).to_have_value(OFFLINE)
    expect(state(awa.page)).to_contain_text(SAVED, timeout=PATIENCE)
    expect(awa.page.locator(".field.invalid")).to_contain_text("Montant invalide")
    assert rows(awa.page) == []

    # Any of one's pages sends what another left.
    context.set_offline(True)
    awa.page.locator("[name=summary]").fill(LAST)
    expect(state(awa.page)).to_contain_text(KEPT, timeout=PATIENCE)
    comes_back(awa, "/dossiers")
    expect(awa.page.locator("[data-waiting]")).to_contain_text("vient d’être enregistrée", timeout=PATIENCE)
    assert rows(awa.page) == []
    awa.opens(place)
    expect(awa.page.locator("[name=summary]")).to_have_value(LAST)

    # Somebody else on the same device finds nothing; its author is warned before it is erased.
    context.route("**/champs", lambda route: route.fulfill(status=422, json={"message": "Le service se repose."}))
    awa.page.locator("[name=summary]").fill("Un secret d’Awa.")
    expect(state(awa.page)).to_contain_text(f"{KEPT}. Le service se repose.", timeout=PATIENCE)
    cookies = context.cookies()
    context.clear_cookies()
    awa.page.goto("about:blank")
    awa.signs_in(noa.email)
    awa.opens(place)
    expect(awa.page.locator("[name=summary]")).to_have_value(LAST)
    awa.opens("/dossiers")
    expect(awa.page.locator("[data-waiting]")).to_be_empty()
    assert len(rows(awa.page)) == 1
    context.clear_cookies()
    context.add_cookies(cookies)
    awa.opens(place)
    expect(awa.page.locator("[name=summary]")).to_have_value("Un secret d’Awa.")
    leaves(awa)
    awa.presses("Rester connecté", within=awa.page.get_by_role("dialog"))
    assert len(rows(awa.page)) == 1
    leaves(awa)
    awa.presses("Se déconnecter et effacer", within=awa.page.get_by_role("dialog"))
    expect(awa.page.get_by_text("Vous êtes déconnecté.")).to_be_visible()
    assert rows(awa.page) == []

    # Who is no longer a member is told, and finds the text to copy.
    noa.signs_in().opens(place)
    noa.page.wait_for_load_state("networkidle")
    noa.page.context.set_offline(True)
    noa.page.locator("[name=summary]").fill("Un mot de Noa.")
    expect(state(noa.page)).to_contain_text(KEPT, timeout=PATIENCE)
    account = select(Account.id).where(Account.email == noa.email).scalar_subquery()
    with participants.making(), unit_of_work() as session:
        session.execute(delete(Membership).where(Membership.account_id == account))
    comes_back(noa, "/dossiers")
    expect(noa.page.locator("[data-waiting]")).to_contain_text("vous n’avez plus accès à ce dossier", timeout=PATIENCE)
    expect(noa.page.locator("[data-waiting]")).to_contain_text("Le projet en bref · Un banc, puis deux")
    expect(noa.page.locator("[data-waiting]")).to_contain_text("Un mot de Noa.")
    noa.presses("Effacer de cet appareil")
    expect(noa.page.locator("[data-waiting]")).to_be_empty()
    assert rows(noa.page) == []


def leaves(person: Person) -> None:
    """Ask to sign out; the page warns."""
    menu = person.page.locator("details.menu")
    if not menu.evaluate("menu => menu.open"):
        menu.locator("summary").click()
    menu.get_by_role("button", name="Se déconnecter").click()
    expect(person.page.get_by_role("dialog")).to_contain_text("Ce que vous avez écrit n’a pas encore été envoyé")
