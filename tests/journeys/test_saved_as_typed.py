"""What one writes is saved while it is typed; a cut, a wrong answer and another's text are shown, none is lost."""

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.journeys.cast import PATIENCE, Participants
from tests.journeys.worlds import TITLE, two_volunteers_with_a_draft

pytestmark = pytest.mark.neutral

SAVED = "Enregistré à"
AWA, NOA = "Awa Diop", "Noa Perret"


def state(page: Page) -> Locator:
    """The line that says whether what one writes is saved."""
    return page.locator("[data-save-state]")


def test_what_two_people_type_is_saved_shown_and_never_lost(participants: Participants) -> None:
    awa, noa = two_volunteers_with_a_draft(participants, AWA, NOA)
    awa.signs_in().goes_to("Mes dossiers")
    awa.follows(TITLE)
    place = f"/dossiers/{awa.page.url.removeprefix(awa.address).split('/')[2]}/rediger/projet"
    awa.opens(place)
    noa.signs_in().opens(place)
    mine, theirs = (person.page.locator("[name=summary]") for person in (awa, noa))

    mine.fill("Écrit sans bouton.")
    expect(state(awa.page)).to_contain_text(SAVED, timeout=PATIENCE)
    expect(theirs).to_have_value("Écrit sans bouton.", timeout=PATIENCE)
    expect(noa.page.get_by_text(f"Modifié par {AWA} à")).to_be_visible()

    # What is wrong stays as typed, marked for both; the page that only one of them wrote follows the other.
    awa.page.locator("[name=requested]").fill("beaucoup")
    expect(awa.page.locator(".field.invalid")).to_contain_text("Montant invalide", timeout=PATIENCE)
    expect(noa.page.locator("[name=requested]")).to_have_value("beaucoup", timeout=PATIENCE)
    expect(awa.page.locator("[data-live=lacking]")).to_contain_text("Montant demandé", timeout=PATIENCE)

    # The line is cut while both write the same answer: the second to arrive is asked which text stays.
    awa.page.context.set_offline(True)
    mine.fill("Le texte d’Awa.")
    expect(state(awa.page)).to_contain_text("Pas encore envoyé", timeout=PATIENCE)
    theirs.fill("Le texte de Noa.")
    expect(state(noa.page)).to_contain_text(SAVED, timeout=PATIENCE)
    awa.page.context.set_offline(False)
    expect(state(awa.page)).to_contain_text("choisissez", timeout=PATIENCE)
    expect(awa.page.get_by_text(f"{NOA} a écrit à")).to_contain_text("Le texte de Noa.")
    awa.presses("Garder les deux")
    expect(state(awa.page)).to_contain_text(SAVED, timeout=PATIENCE)
    awa.opens(place)
    expect(mine).to_have_value("Le texte d’Awa.\n\nLe texte de Noa.")
    expect(awa.page.locator("[name=requested]")).to_have_value("beaucoup")
