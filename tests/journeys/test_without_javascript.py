"""Every main task is done with a browser that runs no script."""

import re
from pathlib import Path

import pytest

from tests.journeys.cast import Participants
from tests.journeys.dossier import TITLE as DOSSIER
from tests.journeys.dossier import document, volunteer_submits, volunteer_writes_the_dossier
from tests.journeys.worlds import (
    TITLE,
    administrator_and_somebody_to_appoint,
    auditor_with_a_dossier,
    finance_with_an_instalment,
    manager_with_a_dossier_to_screen,
    officer_with_a_payment_order,
    reviewer_with_a_dossier,
    volunteer_with_an_open_call,
)

pytestmark = pytest.mark.neutral


def test_a_volunteer_goes_from_signing_in_to_the_receipt(participants: Participants, tmp_path: Path) -> None:
    volunteer, call = volunteer_with_an_open_call(participants, java_script_enabled=False)
    volunteer.signs_in()
    volunteer.opens(call)
    volunteer.follows("Préparer un dossier")
    volunteer.presses("Commencer le dossier", shows="Votre brouillon est prêt.")
    volunteer.writes("Titre du projet", DOSSIER)
    volunteer_writes_the_dossier(volunteer, document(tmp_path, "rapport-d-activite.pdf"))
    reference = volunteer_submits(volunteer)
    volunteer.reads_title(f"Reçu du dossier {reference}")
    assert volunteer.downloads("Télécharger le reçu (PDF)").startswith(b"%PDF-")
    volunteer.follows("Vérifier ce reçu")
    volunteer.reads("Ce reçu est authentique")


def test_a_mistake_is_told_and_nothing_written_is_lost(participants: Participants) -> None:
    volunteer, call = volunteer_with_an_open_call(participants, java_script_enabled=False)
    volunteer.signs_in()
    volunteer.opens(call)
    volunteer.follows("Préparer un dossier")
    volunteer.presses("Commencer le dossier", shows="Votre brouillon est prêt.")
    volunteer.writes("Titre du projet", DOSSIER)
    volunteer.writes("Montant demandé", "beaucoup")
    volunteer.presses("Enregistrer et continuer", shows="Montant invalide.")
    volunteer.reads_title("Le projet en bref")
    volunteer.holds("Titre du projet", DOSSIER)
    volunteer.holds("Montant demandé", "beaucoup")


def test_a_reviewer_marks_and_sends(participants: Participants) -> None:
    reviewer = reviewer_with_a_dossier(participants, java_script_enabled=False).signs_in()
    reviewer.goes_to("Mes évaluations")
    reviewer.follows(TITLE)
    reviewer.ticks("Je n’ai aucun lien")
    reviewer.presses("Enregistrer ma déclaration")
    first, *others = reviewer.criteria()
    first.get_by_role("radio", name=re.compile(r"^s\. o\.")).check()
    for criterion in others:
        criterion.get_by_role("radio", name=re.compile(r"^3\b")).check()
    reviewer.presses("Enregistrer le brouillon", shows="Brouillon enregistré.")
    reviewer.writes("Pour le comité", "Un besoin réel, une équipe solide.")
    reviewer.writes("Pour l’association", "Point fort : l’ombre. À préciser : l’entretien.")
    reviewer.presses("Envoyer l’évaluation", shows="Évaluation envoyée.")


def test_an_officer_approves_a_payment_order(participants: Participants) -> None:
    officer, _instalment = officer_with_a_payment_order(participants, java_script_enabled=False)
    officer.signs_in()
    officer.goes_to("Mandats")
    officer.follows("Versement")
    officer.confirms("Approuver le mandat", "Approuver le mandat", shows="Le mandat est approuvé.")


def test_a_manager_declares_a_dossier_eligible(participants: Participants) -> None:
    manager, title = manager_with_a_dossier_to_screen(participants, java_script_enabled=False)
    manager.signs_in()
    manager.goes_to("Recevabilité")
    manager.follows(title)
    for judged in manager.page.get_by_role("radiogroup", name="Votre jugement").all():
        judged.get_by_label("Remplie", exact=True).check()
    manager.presses("Déclarer recevable", shows="déclaré recevable.")


def test_the_finances_prepare_a_payment_order(participants: Participants) -> None:
    finance, _instalment = finance_with_an_instalment(participants, java_script_enabled=False)
    finance.signs_in()
    finance.goes_to("Mandats")
    finance.follows("Versement")
    finance.confirms("Préparer le mandat", "Préparer le mandat", shows="Une autre personne doit l’approuver.")


def test_an_administrator_gives_an_office(participants: Participants) -> None:
    administrator, name = administrator_and_somebody_to_appoint(participants, java_script_enabled=False)
    administrator.signs_in()
    administrator.goes_to("Personnes")
    administrator.follows(name)
    administrator.chooses("Fonction", "Audit")
    administrator.presses("Confier la fonction", shows="Audit")


def test_an_auditor_reads_the_journal_of_a_dossier(participants: Participants) -> None:
    auditor = auditor_with_a_dossier(participants, java_script_enabled=False).signs_in()
    auditor.goes_to("Dossiers")
    auditor.follows(TITLE)
    auditor.follows("Journal")
    auditor.reads_title("Journal")
