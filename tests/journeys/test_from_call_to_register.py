"""The whole story in a real browser: from the opening of a call to the public register, through every role.

One thing is not done by hand: time. The call is published with a closing a month ahead; once the dossier is in, the
closing is moved to now in the database, because no page lets anybody bring a published closing forward.
"""

import csv
import io
import re
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from playwright.sync_api import expect
from sqlalchemy import select

from grants.applications import queries as applications
from grants.awards import queries as awards
from grants.calls.models import Call
from grants.deliberation import queries as deliberation
from grants.kernel import clock, journal
from grants.kernel.db import db, unit_of_work
from grants.kernel.pages import day
from grants.people.models import College, Role
from tests.factories.awards import iban
from tests.factories.make import siret
from tests.journeys.cast import PASSWORD, Participants, Person, called
from tests.journeys.dossier import (
    TITLE,
    document,
    volunteer_balances_the_budget,
    volunteer_shares_by_axis,
    volunteer_submits,
    volunteer_writes_the_dossier,
)

pytestmark = pytest.mark.neutral(on="postgresql")

CALL = "Innover pour les solidarités, premier appel"
CODE = "FIS-1"
ASSOCIATION = "Les Cours ouvertes (fictive)"
VOLUNTEER = "leila.haddad@cours-ouvertes.example"
REVIEWERS = (
    ("Anne Vial", "anne.vial@comite.example", College.ELECTED),
    ("Boris Petit", "boris.petit@comite.example", College.AGENT),
    ("Clara Diop", "clara.diop@comite.example", College.EXPERT),
    ("Denis Roche", "denis.roche@comite.example", College.USER),
)


def test_from_the_call_to_the_register(first_day: Participants, tmp_path: Path) -> None:
    participants = first_day
    manager = participants.serves("Maud Ferrand", "maud.ferrand@fonds.example", Role.MANAGER)
    manager_confirms_a_rule_and_a_text(manager)
    manager_confirms_the_fund(manager)
    manager_prepares_and_opens_the_call(manager)

    volunteer = participants.enters("Leïla Haddad", VOLUNTEER)
    volunteer_signs_up_and_confirms(volunteer, participants)
    volunteer_registers_the_association(volunteer)
    volunteer_begins_a_dossier(volunteer)
    volunteer_sees_what_is_missing(volunteer)
    volunteer_writes_the_dossier(volunteer, document(tmp_path, "rapport-d-activite.pdf"), instead=SEEN_LIVE)
    reference = volunteer_submits(volunteer)
    volunteer_keeps_the_receipt(volunteer, participants, reference)

    manager_requests_a_piece(manager)
    volunteer_sends_the_piece(volunteer, participants, document(tmp_path, "comptes-2025.pdf"))
    manager_declares_the_dossier_eligible(manager, reference)

    reviewers = [participants.serves(name, email, Role.REVIEWER, college) for name, email, college in REVIEWERS]
    manager_assigns(manager, [person.name for person in reviewers[:3]])
    reviewer_recuses(reviewers[0])
    manager_assigns(manager, [reviewers[3].name])
    for person, level in zip(reviewers[1:], (3, 4, 3), strict=True):
        reviewer_marks_and_sends(person, level)
    reviewer_reads_the_others(reviewers[1], reviewers[2].name)

    the_call_closes(participants)
    manager_prepares_the_meeting(manager)
    manager_records_the_recommendation(manager)
    manager_freezes(manager)
    volunteer_sees_nothing_of_it(volunteer)
    manager_records_the_act(manager)
    manager_publishes(manager)
    volunteer_reads_the_decision(volunteer, participants)

    finance = participants.serves("Farid Morel", "farid.morel@fonds.example", Role.FINANCE)
    officer = participants.serves("Odile Granger", "odile.granger@fonds.example", Role.AUTHORISING_OFFICER)
    manager_opens_the_award(manager)
    volunteer_gives_bank_details(volunteer)
    volunteer_gives_the_bank_document(volunteer, document(tmp_path, "rib.pdf"))
    finance_checks_the_bank_details(finance)
    a_second_person_confirms_the_bank_details(
        participants.serves("Jeanne Vidal", "jeanne.vidal@fonds.example", Role.FINANCE)
    )
    manager_plans_the_instalments(manager)
    manager_plans_the_repayments(manager)
    manager_prepares_the_agreement(manager)
    manager_records_the_signature(manager, document(tmp_path, "convention-signee.pdf"))
    pay(finance, officer, "Avance", order="M-1001", amount="15 000 €")
    volunteer_writes_the_report(volunteer)
    manager_accepts_the_report(manager)
    pay(finance, officer, "Solde", order="M-1002", amount="15 000 €")
    manager_reads_what_is_still_owed(manager)
    finance_records_a_receipt(finance, reference, "3 000")
    finance_finds_it_mistyped(finance)
    officer_reverses_the_receipt(officer, reference)
    finance_records_a_receipt(finance, reference, "30 000")
    manager_closes_the_award(manager)

    manager_reads_the_money_by_axis(manager)
    anybody_finds_the_award(participants.enters("Quelqu’un", ""), reference)

    everything_holds(participants)
    assert participants.complaints() == []


# ---- the call --------------------------------------------------------------------------------------------------------


def manager_confirms_a_rule_and_a_text(manager: Person) -> None:
    manager.goes_to("Droit et textes")
    manager.follows("À confirmer")
    confirm_one(manager)
    manager.follows("Textes")
    manager.reads_title("Textes du fonds")
    confirm_one(manager)


def confirm_one(manager: Person) -> None:
    waiting = manager.page.get_by_role("button", name="Confirmer")
    left = waiting.count() - 1
    waiting.first.click()
    expect(waiting).to_have_count(left)


def manager_confirms_the_fund(manager: Person) -> None:
    manager.goes_to("Fonds")
    manager.writes("Adresse postale", "20 rue du Lac, 69003 Lyon")
    manager.ticks("Ces coordonnées sont exactes")
    manager.presses("Enregistrer le fonds")
    expect(manager.page.get_by_text("Coordonnées à confirmer")).to_have_count(0)


def manager_prepares_and_opens_the_call(manager: Person) -> None:
    manager.goes_to("Appels")
    manager.follows("Préparer un appel")
    manager.chooses("Partir de", "Le modèle de départ du fonds")
    manager.writes("Titre", CALL)
    manager.writes("Thème, en une phrase", "Des lieux frais, des liens solides")
    manager.writes("Code", CODE)
    manager.writes("Ouverture : jour", clock.today() - timedelta(days=1))
    manager.writes("Clôture : jour", clock.today() + timedelta(days=30))
    manager.writes("Clôture : heure", "17:00")
    manager.writes("Enveloppe de l’appel", "200 000")
    manager.presses("Créer l’appel", shows="L’appel est créé.")
    manager.follows("Publier l’appel…")
    manager.reads(f"{day(clock.today() + timedelta(days=30))} à 17 h 00")
    manager.reads("Ce que personne n’a encore confirmé")
    manager.ticks("J’ouvre l’appel en sachant", "J’ai relu l’ouverture et la clôture")
    manager.presses("Publier l’appel", shows="L’appel est publié. Ses règles sont désormais figées.")


# ---- the dossier -----------------------------------------------------------------------------------------------------


def volunteer_signs_up_and_confirms(volunteer: Person, participants: Participants) -> None:
    volunteer.opens("/")
    volunteer.follows(CALL)
    volunteer.reads("Comment il est jugé", "Les pièces à préparer")
    volunteer.follows("Préparer un dossier")
    volunteer.follows("Créer un compte")
    volunteer.writes("Prénom et nom", volunteer.name)
    volunteer.writes("Adresse électronique", volunteer.email)
    volunteer.presses("Créer mon compte", shows="Un message vient de partir")
    volunteer.opens(participants.link_in_last_mail_to(VOLUNTEER))
    volunteer.writes("Nouveau mot de passe", PASSWORD)
    volunteer.presses("Confirmer mon adresse", shows="confirmée")
    volunteer.signs_in()


def volunteer_registers_the_association(volunteer: Person) -> None:
    volunteer.opens(f"/appels/{CODE}")
    volunteer.follows("Préparer un dossier")
    volunteer.follows("Enregistrer une organisation")
    volunteer.writes("Numéro SIRET ou RNA", "12345678901234")
    volunteer.presses("Continuer")
    expect(volunteer.page.get_by_label(called("Numéro SIRET ou RNA"))).to_have_attribute("aria-invalid", "true")
    volunteer.writes("Numéro SIRET ou RNA", siret(4711))
    volunteer.presses("Continuer")
    volunteer.writes("Nom", ASSOCIATION)
    volunteer.writes("Objet", "Ouvrir aux habitants les cours d’école plantées, hors du temps scolaire.")
    volunteer.writes("Numéro et rue", "12 rue de l’Exemple")
    volunteer.writes("Code postal", "69100")
    volunteer.writes("Commune", "Villeurbanne")
    volunteer.writes("Nom du représentant légal", "Leïla Haddad")
    volunteer.writes("Sa fonction", "présidente")
    volunteer.presses("Enregistrer l’organisation")
    volunteer.reads_title("Préparer un dossier")


def volunteer_begins_a_dossier(volunteer: Person) -> None:
    volunteer.ticks(ASSOCIATION)
    volunteer.presses("Commencer le dossier", shows="Votre brouillon est prêt.")


def volunteer_sees_what_is_missing(volunteer: Person) -> None:
    volunteer.writes("Titre du projet", TITLE)
    volunteer.presses("Enregistrer et continuer", shows="Ce dossier n’est pas encore déposé.")
    volunteer.follows("Relire et déposer")
    volunteer.reads("avant de pouvoir déposer", "Indiquez le montant demandé.", "Choisissez au moins une commune.")
    expect(volunteer.page.get_by_role("link", name="Aller au dépôt")).to_have_count(0)
    volunteer.follows("Indiquez le montant demandé.")


def volunteer_sees_the_shares_add_up(volunteer: Person) -> None:
    shares = volunteer.page.get_by_role("group", name="Parts du projet par axe")
    volunteer.page.get_by_label(re.compile("^A1 ")).fill("60")
    expect(shares).to_contain_text(re.compile(r"60\s%"))
    volunteer_shares_by_axis(volunteer)
    expect(shares).to_contain_text(re.compile(r"100\s%"))


def volunteer_looks_for_a_commune(volunteer: Person) -> None:
    volunteer.writes("Chercher une commune", "vill")
    volunteer.ticks("Villeurbanne")
    volunteer.reads("1 commune choisie")


def volunteer_sees_the_budget_balance(volunteer: Person) -> None:
    volunteer_balances_the_budget(volunteer)
    volunteer.writes("64 Charges de personnel", "27 000")
    volunteer.reads("Les ressources dépassent les charges de 1 000 €")
    volunteer.writes("64 Charges de personnel", "28 000")
    volunteer.reads("Le budget est équilibré.")


SEEN_LIVE = {
    "Axes et actions": volunteer_sees_the_shares_add_up,
    "Territoire": volunteer_looks_for_a_commune,
    "Budget du projet": volunteer_sees_the_budget_balance,
}


def volunteer_keeps_the_receipt(volunteer: Person, participants: Participants, reference: str) -> None:
    volunteer.reads_title(f"Reçu du dossier {reference}")
    volunteer.reads("Empreinte SHA-256", "rapport-d-activite.pdf", "Derniers comptes annuels approuvés")
    digest = volunteer.page.locator("code.digest").first.inner_text()
    assert volunteer.downloads("Télécharger le reçu (PDF)").startswith(b"%PDF-")
    letter = participants.mail_to(VOLUNTEER)[-1]
    assert reference in letter.subject + letter.body
    assert digest in letter.body
    volunteer.follows("Vérifier ce reçu")
    volunteer.reads("Ce reçu est authentique")
    volunteer.writes("Empreinte SHA-256", "0" + digest[1:] if digest[0] != "0" else "1" + digest[1:])
    volunteer.presses("Vérifier", shows="Ce reçu n’est pas reconnu")


# ---- screening -------------------------------------------------------------------------------------------------------


def manager_requests_a_piece(manager: Person) -> None:
    manager.goes_to("Recevabilité")
    manager.follows(TITLE)
    manager.presses("Demander une pièce")
    manager.chooses("Pièce", "Derniers comptes annuels approuvés (absente du dossier)")
    manager.writes(
        "Message à l’association", "Les comptes de 2025 manquent : ils montrent l’équilibre de l’association."
    )
    manager.presses("Envoyer la demande", shows="La demande est partie.")


def volunteer_sends_the_piece(volunteer: Person, participants: Participants, document: Path) -> None:
    assert "Les comptes de 2025 manquent" in participants.mail_to(VOLUNTEER)[-1].body
    volunteer.goes_to("Mes dossiers")
    volunteer.follows(TITLE)
    volunteer.follows("Envoyer la pièce demandée")
    volunteer.attaches("Fichier", document)
    volunteer.presses("Envoyer la pièce", shows="Pièce reçue.")


def manager_declares_the_dossier_eligible(manager: Person, reference: str) -> None:
    manager.goes_to("Recevabilité")
    manager.follows(TITLE)
    manager.reads("comptes-2025.pdf")
    for judged in manager.page.get_by_role("radiogroup", name="Votre jugement").all():
        if judged.is_visible():
            judged.get_by_label("Remplie", exact=True).check()
    manager.presses("Déclarer recevable", shows=f"Dossier {reference} déclaré recevable.")


# ---- reviews ---------------------------------------------------------------------------------------------------------


def manager_assigns(manager: Person, names: list[str]) -> None:
    manager.goes_to("Affectations")
    manager.ticks(TITLE)
    manager.ticks(*names)
    manager.writes("À envoyer avant le", clock.today() + timedelta(days=45))
    manager.presses("Affecter")
    row = manager.page.get_by_role("row").filter(has_text=TITLE)
    for name in names:
        expect(row).to_contain_text(name)


def reviewer_recuses(reviewer: Person) -> None:
    reviewer.goes_to("Mes évaluations")
    reviewer.follows(TITLE)
    reviewer.ticks("J’ai un lien")
    reviewer.chooses("Quel lien ?", "J’en suis membre")
    reviewer.presses("Enregistrer ma déclaration", shows="Votre déport est enregistré.")
    expect(reviewer.page.get_by_text(TITLE)).to_have_count(0)


def reviewer_marks_and_sends(reviewer: Person, level: int) -> None:
    reviewer.goes_to("Mes évaluations")
    reviewer.follows(TITLE)
    reviewer.reads_title("Avant d’ouvrir ce dossier")
    expect(reviewer.page.get_by_text("conseil de cour")).to_have_count(0)
    reviewer.ticks("Je n’ai aucun lien")
    reviewer.presses("Enregistrer ma déclaration", shows="Un conseil de cour réunit chaque mois")
    for criterion in reviewer.criteria():
        criterion.get_by_role("radio", name=re.compile(rf"^{level}\b")).check()
    reviewer.presses("Enregistrer le brouillon", shows="Brouillon enregistré.")
    reviewer.writes("Pour le comité", f"{reviewer.name} : un projet que les familles portent elles-mêmes.")
    reviewer.writes("Pour l’association", "Point fort : les clés partagées. À préciser : l’entretien en hiver.")
    reviewer.presses("Envoyer l’évaluation", shows="Évaluation envoyée.")


def reviewer_reads_the_others(reviewer: Person, other: str) -> None:
    reviewer.goes_to("Mes évaluations")
    reviewer.follows(TITLE)
    reviewer.follows("Lire les autres évaluations")
    reviewer.reads(f"{other} : un projet que les familles portent elles-mêmes.")


# ---- the decision ----------------------------------------------------------------------------------------------------


def the_call_closes(participants: Participants) -> None:
    with participants.fund.app.app_context(), unit_of_work() as session:
        call = session.scalars(select(Call).where(Call.code == CODE)).one()
        call.closes_at = clock.now()


def manager_prepares_the_meeting(manager: Person) -> None:
    manager.goes_to("Délibérations")
    manager.follows("Préparer la séance")
    manager.writes("Nom de la séance", "Comité de sélection")
    manager.writes("Jour de la séance", clock.today())
    manager.presses("Créer la séance", shows="La séance est prête.")


def manager_records_the_recommendation(manager: Person) -> None:
    manager.follows(TITLE)
    manager.ticks("Favorable avec conditions")
    manager.writes("Montant proposé", "30 000")
    manager.writes("Conditions", "Publier le guide des clés partagées")
    manager.writes(
        "Raison de l’avis", "Le projet répond à un besoin pressant et sert le climat et la justice ensemble."
    )
    manager.presses("Enregistrer l’avis")
    manager.reads_title("Comité de sélection")
    manager.reads("Avec conditions", "170 000 €")


def manager_freezes(manager: Person) -> None:
    manager.follows("Figer les avis")
    manager.reads("Les notes des évaluateurs ne changent plus")
    manager.presses("Figer les notes et les avis")
    manager.reads_title("Comité de sélection")
    manager.reads("Avis figés")


def volunteer_sees_nothing_of_it(volunteer: Person) -> None:
    volunteer.goes_to("Mes dossiers")
    volunteer.follows(TITLE)
    expect(volunteer.page.get_by_text("Lire la décision")).to_have_count(0)
    expect(volunteer.page.get_by_role("main")).not_to_contain_text("Favorable avec conditions")


def manager_records_the_act(manager: Person) -> None:
    manager.follows("Enregistrer l’acte")
    manager.writes("Numéro de l’acte", "2026-0417")
    manager.writes("Jour de l’acte", clock.today())
    manager.writes("Assemblée ou autorité", "Conseil de la Métropole")
    manager.presses("Enregistrer l’acte", shows="L’acte est enregistré.")


def manager_publishes(manager: Person) -> None:
    manager.reads_title("Publier les résultats")
    manager.presses("Publier les résultats", shows="Les résultats sont publiés")


def volunteer_reads_the_decision(volunteer: Person, participants: Participants) -> None:
    volunteer.opens(participants.link_in_last_mail_to(VOLUNTEER))
    volunteer.reads("30 000 €", "Publier le guide des clés partagées", "2026-0417")
    assert volunteer.downloads("PDF").startswith(b"%PDF-")


# ---- the award -------------------------------------------------------------------------------------------------------


def manager_opens_the_award(manager: Person) -> None:
    manager.goes_to("Attributions")
    manager.reads("Décisions publiées sans attribution")
    manager.presses("Ouvrir l’attribution", shows="1 attribution est ouverte.")


def volunteer_gives_bank_details(volunteer: Person) -> None:
    volunteer.goes_to("Mes attributions")
    volunteer.follows(TITLE)
    volunteer.follows("Donner les coordonnées")
    volunteer.writes("IBAN", "FR76 3000 6000 0112 3456 7890 188")
    volunteer.presses("Envoyer ces coordonnées")
    expect(volunteer.page.get_by_label(called("IBAN"))).to_have_attribute("aria-invalid", "true")
    volunteer.writes("IBAN", iban(4711))
    volunteer.presses("Envoyer ces coordonnées", shows="Vos coordonnées sont enregistrées.")


def volunteer_gives_the_bank_document(volunteer: Person, document: Path) -> None:
    volunteer.goes_to("Mes attributions")
    volunteer.follows(TITLE)
    volunteer.follows("Donner la pièce")
    volunteer.reads("Aucun versement ne peut être préparé sans elle.")
    volunteer.attaches("Fichier", document)
    volunteer.presses("Envoyer la pièce", shows="Pièce reçue.")


def finance_checks_the_bank_details(finance: Person) -> None:
    finance.goes_to("Coordonnées bancaires")
    finance.follows(ASSOCIATION)
    finance.ticks("Comparer avec le RIB")
    finance.presses("Afficher l’IBAN", shows="FR")
    finance.presses("Enregistrer la première vérification", shows="Une autre personne doit confirmer.")


def a_second_person_confirms_the_bank_details(finance: Person) -> None:
    finance.goes_to("Coordonnées bancaires")
    finance.follows(ASSOCIATION)
    finance.presses("Confirmer ces coordonnées", shows="Les coordonnées sont confirmées.")


def manager_plans_the_instalments(manager: Person) -> None:
    open_award(manager)
    manager.follows("Établir l’échéancier")
    first, second = manager.part("Échéance 1"), manager.part("Échéance 2")
    manager.writes("Intitulé", "Avance", within=first)
    manager.writes("Montant", "15 000", within=first)
    manager.writes("Intitulé", "Solde", within=second)
    manager.writes("Montant", "15 000,01", within=second)
    manager.presses("Enregistrer l’échéancier", shows="de trop")
    manager.writes("Montant", "15 000", within=manager.part("Échéance 2"))
    manager.presses("Enregistrer l’échéancier", shows="L’échéancier est enregistré.")


def manager_plans_the_repayments(manager: Person) -> None:
    open_award(manager)
    manager.follows("Établir les remboursements")
    only = manager.part("Remboursement 1")
    manager.writes("Montant", "30 000", within=only)
    manager.writes("Date", clock.today() + timedelta(days=730), within=only)
    manager.presses("Enregistrer l’échéancier", shows="L’échéancier de remboursement est enregistré.")


def manager_prepares_the_agreement(manager: Person) -> None:
    open_award(manager)
    manager.follows("Préparer la convention")
    terms = manager.page.get_by_label(called("Texte de la convention"))
    text = terms.input_value()
    assert "30 000 €" in " ".join(text.split())
    terms.fill(text.replace("[à compléter]", "en cinq annuités égales"))
    manager.presses("Enregistrer et prévenir l’association", shows="La convention est prête.")
    assert manager.downloads("Convention (PDF)").startswith(b"%PDF-")


def manager_records_the_signature(manager: Person, document: Path) -> None:
    manager.follows("Enregistrer la signature")
    manager.writes("Date de la dernière signature", clock.today())
    manager.attaches("Convention signée, numérisée", document)
    manager.presses("Enregistrer la signature", shows="La signature est enregistrée")


def pay(finance: Person, officer: Person, instalment: str, *, order: str, amount: str) -> None:
    open_instalment(finance, "À préparer", instalment)
    finance.reads(amount)
    finance.confirms("Préparer le mandat", "Préparer le mandat", shows="Une autre personne doit l’approuver.")
    open_instalment(officer, "À approuver", instalment)
    officer.confirms("Approuver le mandat", "Approuver le mandat", shows="Le mandat est approuvé.")
    open_instalment(finance, "À mandater", instalment)
    finance.writes("Numéro du mandat", order)
    finance.writes("Date du mandat", clock.today())
    finance.presses("Enregistrer le mandat", shows="Le mandat est enregistré.")
    open_instalment(finance, "En attente de paiement", instalment)
    finance.writes("Date comptable", clock.today())
    finance.presses("Enregistrer la date de paiement", shows="La date comptable est enregistrée.")


def open_instalment(person: Person, tab: str, instalment: str) -> None:
    person.goes_to("Mandats")
    person.follows(tab)
    person.follows(instalment)
    person.reads_title(instalment)


def open_award(person: Person) -> None:
    person.goes_to("Attributions")
    person.follows(TITLE)
    person.reads_title(TITLE)


def volunteer_writes_the_report(volunteer: Person) -> None:
    volunteer.goes_to("Mes attributions")
    volunteer.follows(TITLE)
    volunteer.reads("15 000 €")
    volunteer.follows("Ouvrir le bilan")
    volunteer.writes("Ce qui a été fait", "Quatre cours ouvertes 210 soirs ; les familles ont tenu les clés.")
    volunteer.presses("Enregistrer sans envoyer", shows="Votre bilan est enregistré.")
    volunteer.writes("Personnes touchées", "240")
    volunteer.writes("Familles venues au moins trois fois", "96")
    for account, amount in (("60 Achats", "12 000"), ("64 Charges de personnel", "28 000")):
        volunteer.writes(account, amount)
    volunteer.page.get_by_label(re.compile("^74 ")).fill("30 000")
    volunteer.writes("+ Ressources propres affectées au projet", "10 000")
    volunteer.presses("Envoyer le bilan", shows="Votre bilan est envoyé.")


def manager_accepts_the_report(manager: Person) -> None:
    open_award(manager)
    manager.follows("Examiner le bilan")
    manager.reads("Quatre cours ouvertes 210 soirs")
    manager.confirms("Accepter le bilan", "Accepter le bilan", shows="accepté")


def manager_reads_what_is_still_owed(manager: Person) -> None:
    open_award(manager)
    manager.reads("Recevoir ce que l’association doit rendre")
    expect(manager.page.get_by_role("button", name=re.compile("Clore"))).to_have_count(0)


def open_repayment(person: Person, reference: str) -> None:
    person.goes_to("Mandats")
    person.follows("Sommes à recevoir")
    person.follows(reference)
    person.reads_title("Remboursement de l’avance")


def finance_records_a_receipt(finance: Person, reference: str, amount: str) -> None:
    open_repayment(finance, reference)
    finance.follows("Enregistrer une somme reçue")
    finance.writes("Somme reçue", amount)
    finance.writes("Date comptable", clock.today())
    finance.presses("Enregistrer une somme reçue", shows="La somme reçue est enregistrée.")


def finance_finds_it_mistyped(finance: Person) -> None:
    finance.reads("27 000 €")
    finance.follows("Proposer d’annuler un encaissement")
    finance.writes("Le motif", "Un zéro manquait : le comptable a reçu 30 000 €.")
    finance.presses("Proposer d’annuler un encaissement", shows="Une autre personne doit la confirmer.")
    expect(finance.page.get_by_role("button", name="Annuler cet encaissement")).to_have_count(0)


def officer_reverses_the_receipt(officer: Person, reference: str) -> None:
    open_repayment(officer, reference)
    officer.reads("Un zéro manquait")
    officer.presses("Annuler cet encaissement", shows="L’encaissement est annulé.")


def manager_closes_the_award(manager: Person) -> None:
    open_award(manager)
    manager.confirms("Clore l’attribution", "Clore l’attribution", shows="L’attribution est close.")


# ---- what everybody can read -----------------------------------------------------------------------------------------


def manager_reads_the_money_by_axis(manager: Person) -> None:
    manager.goes_to("Suivi par axe")
    for axis, amount in (("A1", "18 000 €"), ("A4", "12 000 €")):
        row = manager.page.get_by_role("row").filter(has_text=axis)
        for figure in range(5):
            expect(row.get_by_role("cell").nth(figure)).to_have_text(re.compile(re.sub(" ", r"\\s", amount)))
    manager.reads("Les totaux sont égaux au grand livre, au centime près.")


def anybody_finds_the_award(anybody: Person, reference: str) -> None:
    anybody.opens("/")
    anybody.page.get_by_role("navigation", name="Menu principal").get_by_role("link", name="Registre").click()
    anybody.follows(TITLE)
    anybody.reads(ASSOCIATION, "30 000 €", "Avance remboursable", "2026-0417", "Villeurbanne")
    anybody.opens("/registre")
    anybody.follows("Données ouvertes")
    rows = list(csv.DictReader(io.StringIO(anybody.downloads("CSV").decode("utf-8-sig"))))
    assert [(row["referenceDecision"], row["nomBeneficiaire"], Decimal(row["montant"])) for row in rows] == [
        ("2026-0417", ASSOCIATION, 30_000)
    ]
    assert siret(4711) in rows[0]["idBeneficiaire"]


def everything_holds(participants: Participants) -> None:
    with participants.fund.app.app_context():
        assert list(journal.broken_links()) == []
        assert list(awards.problems()) == []
        assert list(applications.problems()) == []
        assert list(deliberation.problems(awards.released_by_call())) == []
        db.session.remove()
