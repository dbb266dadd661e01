"""The dossier of a volunteer, page by page, as any browser can fill it."""

import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path

from grants.kernel import clock
from tests.journeys.cast import Person
from tests.kernel.corpus import pdf

TITLE = "Des cours d’école ouvertes et fraîches"
Step = Callable[[Person], None]


def document(folder: Path, name: str) -> Path:
    """A document of the association."""
    path = folder / name
    path.write_bytes(pdf())
    return path


def volunteer_writes_the_dossier(volunteer: Person, document: Path, instead: Mapping[str, Step] | None = None) -> None:
    """Fill every page until nothing is missing; `instead` fills some, by title, in another way."""
    for title, write in (PAGES | dict(instead or {})).items():
        volunteer.reads_title(title)
        write(volunteer)
        volunteer.presses("Enregistrer et continuer", shows="Enregistré.")
    volunteer.reads_title("Pièces jointes")
    volunteer_attaches(volunteer, "Dernier rapport d’activité approuvé", document)
    volunteer.follows("Continuer")
    volunteer.reads_title("Déclarations")
    volunteer_declares(volunteer)
    volunteer.presses("Enregistrer et continuer")
    volunteer.reads_title("Relire le dossier")
    volunteer.reads("Le dossier est complet")


def volunteer_tells_the_project(volunteer: Person) -> None:
    volunteer.writes("Résumé", "Quatre cours d’école plantées s’ouvrent le soir et l’été aux familles du quartier.")
    volunteer.ticks("Changement d’échelle")
    volunteer.writes("Montant demandé", "30 000")
    volunteer.writes("Début", clock.today() + timedelta(days=60))
    volunteer.writes("Fin", clock.today() + timedelta(days=400))


def volunteer_shares_by_axis(volunteer: Person) -> None:
    volunteer.ticks("Développement social")
    volunteer.page.get_by_label(re.compile("^A1 ")).fill("60")
    volunteer.page.get_by_label(re.compile("^A4 ")).fill("40")


def volunteer_chooses_the_communes(volunteer: Person) -> None:
    volunteer.unfolds("Villeurbanne")
    volunteer.ticks("Villeurbanne")


def volunteer_says_for_whom(volunteer: Person) -> None:
    volunteer.writes("Nombre de personnes", "220", within=volunteer.part("Familles"))
    volunteer.ticks("Elles décident avec vous")
    volunteer.writes("Comment elles participent", "Un conseil de cour réunit chaque mois parents, enfants et voisins.")
    volunteer.writes(
        "Personnes à faibles revenus", "Tout est gratuit : aucune famille n’y renonce pour des raisons d’argent."
    )


def volunteer_rates_the_climate_effects(volunteer: Person) -> None:
    adaptation = volunteer.part("Adaptation au changement climatique")
    volunteer.chooses("Effet du projet", "Favorable", within=adaptation)
    volunteer.writes("Ce qui le montre", "Six degrés de moins au sol en juillet sur la cour pilote.", within=adaptation)


def volunteer_names_a_partner(volunteer: Person) -> None:
    first = volunteer.part("Partenaire 1")
    volunteer.writes("Nom", "École des Tilleuls (fictive)", within=first)
    volunteer.chooses("Nature", "Organisme public", within=first)
    volunteer.writes("Rôle dans le projet", "Ouvre sa cour et garde les clés", within=first)


def volunteer_plans_the_steps(volunteer: Person) -> None:
    first = volunteer.part("Étape 1")
    volunteer.writes("Étape", "Ouverture de la première cour", within=first)
    volunteer.writes("Date", clock.today() + timedelta(days=90), within=first)
    volunteer.presses("Ajouter une étape")
    third = volunteer.part("Étape 3")
    volunteer.writes("Étape", "Fête des quatre cours", within=third)
    volunteer.writes("Date", clock.today() + timedelta(days=380), within=third)


def volunteer_sets_targets(volunteer: Person) -> None:
    first = volunteer.part("Indicateur 1")
    volunteer.writes("Ce que vous compterez", "Familles venues au moins trois fois", within=first)
    volunteer.writes("Cible", "90", within=first)
    volunteer.writes("Unité", "familles", within=first)


def volunteer_balances_the_budget(volunteer: Person) -> None:
    volunteer.writes("60 Achats", "12 000")
    volunteer.writes("64 Charges de personnel", "28 000")
    volunteer.writes("+ Ressources propres affectées au projet", "10 000")


def volunteer_tells_the_association(volunteer: Person) -> None:
    volunteer.ticks("Oui, c’est la première")
    volunteer.writes("Nombre de bénévoles au 31 décembre dernier", "34")
    volunteer.writes("Nombre de salariés au 31 décembre dernier", "1")
    volunteer.writes("Nombre d’adhérents au 31 décembre dernier", "120")
    volunteer.ticks("Non", within=volunteer.part("Le projet comporte-t-il une activité économique ?"))


def volunteer_answers_about_the_need(volunteer: Person) -> None:
    volunteer.writes("À quel besoin répondez-vous ?", "L’été, 800 enfants du quartier n’ont aucun lieu frais à pied.")
    volunteer.writes("Que voulez-vous faire ?", "Ouvrir quatre cours plantées, de 17 h à 21 h et tout l’été.")
    volunteer.writes("Qu’essayez-vous de nouveau ?", "Les familles tiennent elles-mêmes les clés et le planning.")
    volunteer.writes("Date de début des premières dépenses du projet", clock.today() + timedelta(days=60))


def volunteer_answers_about_justice_and_climate(volunteer: Person) -> None:
    volunteer.writes(
        "En quoi votre projet sert-il à la fois le climat et la justice sociale ?",
        "Le sol désimperméabilisé rafraîchit d’abord ceux qui n’ont ni jardin ni vacances.",
    )
    volunteer.writes("Qu’est-ce qui permet à chacun de venir ?", "À moins de dix minutes à pied, sans inscription.")
    volunteer.ticks("Rien, c’est gratuit")


def volunteer_answers_about_the_team(volunteer: Person) -> None:
    volunteer.writes("Qui réalisera le projet ?", "Une coordinatrice à mi-temps et trente-quatre bénévoles.")
    volunteer.writes("Comment votre association décide-t-elle ?", "Le conseil de cour vote, une voix par famille.")


def volunteer_answers_about_what_follows(volunteer: Person) -> None:
    volunteer.writes("Comment saurez-vous que le projet réussit ?", "On compte les familles qui reviennent.")
    volunteer.writes("Que pourront reprendre les autres ?", "Le guide des clés partagées, écrit avec l’école.")
    volunteer.writes("Que se passe-t-il après l’aide ?", "La commune reprend la coordination dans ses écoles.")


def volunteer_attaches(volunteer: Person, piece: str, document: Path) -> None:
    section = volunteer.part(piece)
    volunteer.attaches("Choisir un ou plusieurs fichiers", document, within=section)
    volunteer.presses("Joindre", within=section, shows="Fichier reçu")
    volunteer.reads(document.name)


def volunteer_declares(volunteer: Person) -> None:
    for box in volunteer.page.get_by_label("Je le déclare").all():
        box.check()
    volunteer.ticks(
        "L’association souscrit le contrat", "500 000 € ou moins", "Représentant légal ou représentante légale"
    )


def volunteer_submits(volunteer: Person) -> str:
    """Submit from the page that shows the whole dossier; gives the number of the dossier."""
    volunteer.follows("Aller au dépôt")
    volunteer.reads("vous pourrez déposer une version corrigée.")
    volunteer.presses("Déposer le dossier", shows="Votre dossier est déposé.")
    title = volunteer.page.get_by_role("heading", level=1).inner_text()
    return title.rsplit(" ", 1)[-1]


PAGES: dict[str, Step] = {
    "Le projet en bref": volunteer_tells_the_project,
    "Axes et actions": volunteer_shares_by_axis,
    "Territoire": volunteer_chooses_the_communes,
    "Publics et justice sociale": volunteer_says_for_whom,
    "Climat et environnement": volunteer_rates_the_climate_effects,
    "Partenaires": volunteer_names_a_partner,
    "Calendrier": volunteer_plans_the_steps,
    "Indicateurs": volunteer_sets_targets,
    "Budget du projet": volunteer_balances_the_budget,
    "Votre association et cette demande": volunteer_tells_the_association,
    "Le besoin et le projet": volunteer_answers_about_the_need,
    "Justice sociale et climat": volunteer_answers_about_justice_and_climate,
    "Les personnes et l’organisation": volunteer_answers_about_the_team,
    "Les résultats et la suite": volunteer_answers_about_what_follows,
}
