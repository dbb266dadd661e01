"""A session that ends while somebody writes: told in time, opened again over the page, and nothing typed is lost."""

import pytest
from playwright.sync_api import expect

from tests.journeys.cast import PASSWORD, Participants, Person
from tests.journeys.worlds import TITLE, volunteer_with_a_complete_draft

pytestmark = pytest.mark.neutral

MINUTE = 60_000  # milliseconds


def writes_a_summary(volunteer: Person) -> None:
    """Open the first page of the draft and write there."""
    volunteer.goes_to("Mes dossiers")
    volunteer.follows(TITLE)
    dossier = volunteer.page.url.removeprefix(volunteer.address).split("/")[2]
    volunteer.opens(f"/dossiers/{dossier}/rediger/projet")
    volunteer.writes("Résumé", "Des paliers frais, écrits pendant une heure.")


def comes_back(volunteer: Person) -> None:
    """Sign in over the page."""
    dialog = volunteer.page.get_by_role("dialog", name="Reconnectez-vous sans quitter la page")
    expect(dialog).to_be_visible()
    for password in ("pas le bon mot de passe", PASSWORD):
        volunteer.writes("Adresse électronique", volunteer.email, within=dialog)
        volunteer.writes("Mot de passe", password, within=dialog)
        volunteer.presses("Se connecter", within=dialog)
        if password != PASSWORD:
            expect(dialog.get_by_role("alert")).to_contain_text("ne convient pas")


def test_somebody_signs_in_over_the_page_and_goes_on(participants: Participants) -> None:
    volunteer = volunteer_with_a_complete_draft(participants)
    volunteer.page.clock.install()
    volunteer.signs_in()
    writes_a_summary(volunteer)
    volunteer.page.clock.fast_forward(56 * MINUTE)
    warning = volunteer.page.get_by_role("alert").filter(has_text="se termine dans cinq minutes")
    expect(warning).to_be_visible()
    volunteer.presses("Rester connecté", within=warning)
    expect(warning).to_be_hidden()
    volunteer.page.context.clear_cookies()
    volunteer.page.get_by_role("main").get_by_role("button", name="Enregistrer", exact=True).click()
    comes_back(volunteer)
    volunteer.reads("Enregistré. Ce dossier n’est pas encore déposé.")
    volunteer.holds("Résumé", "Des paliers frais, écrits pendant une heure.")


def test_a_file_too_large_is_told_of_before_it_leaves(participants: Participants) -> None:
    volunteer = volunteer_with_a_complete_draft(participants).signs_in()
    writes_a_summary(volunteer)
    volunteer.opens(volunteer.page.url.removeprefix(volunteer.address).rpartition("/")[0] + "/pieces")
    field = volunteer.page.locator("form").filter(has=volunteer.page.locator("input[type=file]")).first
    heavy = {"name": "comptes.pdf", "mimeType": "application/pdf", "buffer": b"x" * 10_000_001}
    field.locator("input[type=file]").set_input_files(heavy)
    expect(field).to_contain_text("c’est plus que")
    volunteer.presses("Joindre", within=field)
    expect(field.locator("input[type=file]")).to_be_focused()
    expect(field).to_contain_text("votre saisie est toujours là")


def test_somebody_without_scripts_finds_what_was_typed(participants: Participants) -> None:
    volunteer = volunteer_with_a_complete_draft(participants, java_script_enabled=False).signs_in()
    writes_a_summary(volunteer)
    volunteer.page.context.clear_cookies()
    volunteer.page.get_by_role("main").get_by_role("button", name="Enregistrer", exact=True).click()
    volunteer.reads("gardé une heure")
    volunteer.writes("Adresse électronique", volunteer.email)
    volunteer.writes("Mot de passe", PASSWORD)
    volunteer.presses("Se connecter")
    volunteer.reads_title("Ce que vous aviez saisi est là")
    volunteer.presses("Envoyer maintenant", shows="Enregistré. Ce dossier n’est pas encore déposé.")
    volunteer.holds("Résumé", "Des paliers frais, écrits pendant une heure.")
