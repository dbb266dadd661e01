"""The main task of each role by keyboard alone, the focus visible at every stop."""

import pytest
from playwright.sync_api import Locator, expect

from tests.journeys.cast import PASSWORD, Participants, Person, called, named
from tests.journeys.worlds import (
    TITLE,
    administrator_and_somebody_to_appoint,
    auditor_with_a_dossier,
    finance_with_an_instalment,
    manager_with_a_dossier_to_screen,
    officer_with_a_payment_order,
    reviewer_with_a_dossier,
    volunteer_with_a_complete_draft,
)

pytestmark = pytest.mark.neutral

MOST_STOPS = 80
# A ring on the element itself, on the label of a circle or a card, or on the row a link stands for; and on the screen.
RING = """() => {
  const here = document.activeElement;
  const drawn = (style) => style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
  const near = [getComputedStyle(here), getComputedStyle(here, "::after")];
  if (here.labels && here.labels.length) near.push(getComputedStyle(here.labels[0]));
  const place = (here.labels && here.labels.length ? here.labels[0] : here).getBoundingClientRect();
  const onScreen = place.bottom > 0 && place.top < innerHeight && place.width > 0;
  return here !== document.body && onScreen && near.some(drawn) ? "" : here.outerHTML.slice(0, 200);
}"""


class Keys:
    """Somebody without a mouse."""

    def __init__(self, person: Person) -> None:
        self.person, self.page = person, person.page
        self.keyboard = person.page.keyboard

    def reaches(self, wanted: Locator) -> None:
        """Go on with Tab until the focus is there; it shows at every stop."""
        expect(wanted).to_be_attached()
        for _stop in range(MOST_STOPS):
            self.keyboard.press("Tab")
            assert self.page.evaluate(RING) == "", "a stop shows no focus"
            if wanted.evaluate("found => found === document.activeElement"):
                return
        raise AssertionError(f"{wanted} is not reached in {MOST_STOPS} stops")

    def skips_to_the_content(self) -> None:
        """Take the link that passes by the menus."""
        self.reaches(self.page.get_by_role("link", name="Aller au contenu"))
        self.keyboard.press("Enter")
        # The jump itself takes a moment, and the focus follows it; a Tab before both would start again from the top.
        self.page.wait_for_function("document.activeElement.matches('main:target')")

    def follows(self, link: str, *, to: object = "") -> None:
        """Reach a link of the content, by its words and perhaps the end of its address, and open it."""
        self.skips_to_the_content()
        wanted = self.page.get_by_role("main").get_by_role("link", name=named(link))
        self.reaches(wanted.and_(self.page.locator(f"[href$='{to}']")).first if to else wanted.first)
        with self.page.expect_navigation():
            self.keyboard.press("Enter")

    def presses(self, button: str, *, shows: str = "", key: str = "Enter") -> None:
        """Reach a button and press it."""
        self.reaches(self.page.get_by_role("main").get_by_role("button", name=named(button)))
        self.keyboard.press(key)
        self.person.reads(shows)

    def answers(self, question: str, *, shows: str) -> None:
        """Open a question asked before an act that counts, and press the button that bears the same words."""
        self.reaches(self.page.get_by_role("main").locator("summary", has_text=named(question)))
        self.keyboard.press("Enter")
        dialog = self.page.get_by_role("dialog")
        expect(dialog).to_be_visible()
        button = dialog.get_by_role("button", name=named(question))
        if not button.evaluate("found => found === document.activeElement"):
            self.reaches(button)
        self.keyboard.press("Enter")
        self.person.reads(shows)

    def types(self, label: str, text: str) -> None:
        """Reach a field and type."""
        self.reaches(self.page.get_by_label(called(label)))
        self.keyboard.type(text)

    def signs_in(self) -> None:
        """Pass by the sign-in form."""
        self.person.opens("/connexion")
        self.types("Adresse électronique", self.person.email)
        self.types("Mot de passe", PASSWORD)
        self.keyboard.press("Enter")
        expect(self.page.get_by_role("navigation", name="Mon espace")).to_be_visible()


def test_a_volunteer_submits(participants: Participants) -> None:
    keys = Keys(volunteer_with_a_complete_draft(participants))
    keys.signs_in()
    keys.follows(TITLE)
    keys.follows("Relire et déposer")
    keys.follows("Aller au dépôt")
    keys.skips_to_the_content()
    keys.presses("Déposer le dossier", shows="Votre dossier est déposé.", key="Space")
    keys.person.reads_title("Reçu du dossier")


def test_a_reviewer_marks_and_sends(participants: Participants) -> None:
    keys = Keys(reviewer_with_a_dossier(participants))
    keys.signs_in()
    keys.person.opens("/evaluations")
    keys.follows(TITLE)
    keys.reaches(keys.page.get_by_label("Je n’ai aucun lien"))
    keys.keyboard.press("Space")
    keys.presses("Enregistrer ma déclaration", shows="Vos notes")
    keys.skips_to_the_content()
    for place, criterion in enumerate(keys.person.criteria()):
        levels = criterion.get_by_role("radio")
        keys.reaches(levels.first)
        if place == 0:
            for _step in range(3):
                keys.keyboard.press("ArrowRight")
        else:
            keys.keyboard.press("3")
        expect(levels.nth(3)).to_be_checked()
    keys.person.reads("Tous les critères sont notés.")
    keys.types("Pour le comité", "Un besoin réel, une équipe solide.")
    keys.types("Pour l’association", "Point fort : l’ombre. À préciser : l’entretien.")
    keys.presses("Envoyer l’évaluation", shows="Évaluation envoyée.")


def test_an_officer_approves_a_payment_order(participants: Participants) -> None:
    officer, instalment = officer_with_a_payment_order(participants)
    keys = Keys(officer)
    keys.signs_in()
    keys.person.opens("/mandats")
    keys.follows("Versement", to=instalment)
    question = keys.page.locator("summary", has_text="Approuver le mandat")
    dialog = keys.page.get_by_role("dialog")
    expect(question).to_have_attribute("aria-haspopup", "dialog")
    keys.skips_to_the_content()
    keys.reaches(question)
    keys.keyboard.press("Enter")
    expect(dialog).to_be_visible()
    keys.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(question).to_be_focused()
    keys.keyboard.press("Space")
    expect(dialog).to_be_visible()
    keys.page.wait_for_function("document.activeElement.closest('dialog')")
    approve = dialog.get_by_role("button", name="Approuver le mandat")
    if not approve.evaluate("found => found === document.activeElement"):
        keys.reaches(approve)
    keys.keyboard.press("Enter")
    keys.person.reads("Le mandat est approuvé.")


def test_a_manager_declares_a_dossier_eligible(participants: Participants) -> None:
    manager, title = manager_with_a_dossier_to_screen(participants)
    keys = Keys(manager)
    keys.signs_in()
    keys.person.opens("/recevabilite")
    keys.follows(title)
    keys.skips_to_the_content()
    for judged in keys.page.get_by_role("radiogroup", name="Votre jugement").all():
        levels, met = judged.get_by_role("radio"), judged.get_by_label("Remplie", exact=True)
        keys.reaches(levels.first)
        for _step in range(levels.count()):
            if not met.is_checked():
                keys.keyboard.press("ArrowDown")
        expect(met).to_be_checked()
    keys.presses("Déclarer recevable", shows="déclaré recevable.")


def test_the_finances_prepare_a_payment_order(participants: Participants) -> None:
    finance, instalment = finance_with_an_instalment(participants)
    keys = Keys(finance)
    keys.signs_in()
    keys.person.opens("/mandats")
    keys.follows("Versement", to=instalment)
    keys.skips_to_the_content()
    keys.answers("Préparer le mandat", shows="Une autre personne doit l’approuver.")


def test_an_administrator_gives_an_office(participants: Participants) -> None:
    administrator, name = administrator_and_somebody_to_appoint(participants)
    keys = Keys(administrator)
    keys.signs_in()
    keys.person.opens("/personnes")
    keys.follows(name)
    keys.skips_to_the_content()
    keys.reaches(keys.page.get_by_label(called("Fonction")))
    keys.keyboard.type("Audit")
    keys.presses("Confier la fonction", shows="Audit")


def test_an_auditor_reads_the_journal_of_a_dossier(participants: Participants) -> None:
    keys = Keys(auditor_with_a_dossier(participants))
    keys.signs_in()
    keys.person.opens("/gestion/dossiers")
    keys.follows(TITLE)
    keys.follows("Journal")
    keys.person.reads_title("Journal")
