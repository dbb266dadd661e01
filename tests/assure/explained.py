"""What each of the 44 figures counts, which nothing measures and why; the cases of abuse. For docs/assurance.md."""

import re
from collections.abc import Iterator

from tests.assure.abuse import CASES, CODES
from tests.assure.figures import FIGURES

TITLE = "## Les 44 chiffres"
COUNTED = {
    1: "réponses autres que déclarées, sur chaque route et méthode, pour douze personnes et trois liens avec l’objet",
    2: "centimes promis au-delà d’une enveloppe par des personnes qui agissent au même instant",
    3: "échéances mandatées ou payées deux fois",
    4: "paiements vers un compte que deux personnes n’ont pas confirmé, sur des suites d’actes tirées au hasard",
    5: "actes acquittés puis perdus, doublés ou mal numérotés après un arrêt brutal",
    6: "pannes d’un catalogue de vingt (disque plein, horloge, base absente…) auxquelles le service ne survit pas",
    7: "dossiers perdus ou doublés et erreurs du serveur, le soir de la clôture",
    8: "dépôts mal jugés autour de l’instant de clôture",
    9: "pages, listes, totaux et fichiers où une personne déportée voit encore le dossier",
    10: "octets qui distinguent « retenu » de « refusé » avant la publication",
    11: "cas d’abus dont la réponse, le journal ou les effets ne sont pas ceux attendus",
    12: "saisies perdues dans dix mille modifications faites à deux",
    13: "reçus ou effets en double après un double clic, un rechargement, un retour, deux onglets",
    14: "notes, évaluations et avis qui changent encore une fois figés",
    15: "écarts après une restauration, et minutes qu’elle prend",
    16: "lignes qui contredisent une règle permanente des données, sur une copie de production",
    17: "fichiers hostiles gardés, fichiers honnêtes refusés",
    18: "routes qui écrivent sans jeton, lectures qui écrivent",
    19: "violations relevées par axe, sur les pages de chaque rôle",
    20: "tâches principales des rôles qui échouent au clavier seul",
    21: "critères du RGAA sans constat",
    22: "points d’une grille de vingt que chaque formulaire ne tient pas",
    23: "étapes qui échouent sans JavaScript, de l’appel au registre",
    24: "erreurs du serveur quand chaque route reçoit des valeurs tirées au hasard, pour chaque rôle",
    25: "textes hostiles altérés, actifs ou fatals, de chaque champ à chaque sortie",
    26: "cellules exportées qu’un tableur prendrait pour une formule",
    27: "centimes perdus dans cent mille partages ; rangs qui changent avec l’ordre des évaluateurs",
    28: "pas d’une marche au hasard où le service et son modèle diffèrent",
    29: "cookies copiés qui ouvrent encore après la fin d’une session",
    30: "différences de réponse ou de durée qui disent si un compte existe",
    31: "données personnelles retrouvées dans les traces, les erreurs et les adresses",
    32: "colonnes sans règle de confidentialité, de durée ni d’export",
    33: "données échues qui restent après une purge",
    34: "contrôles du référentiel ASVS, niveau 2, qui ne sont pas tenus",
    35: "changements d’état sans ligne au journal, lignes altérées que la vérification ne voit pas",
    36: "écarts entre migrations et modèles, à l’aller, au retour, après une coupure",
    37: "tests qui ne donnent pas le même résultat sur SQLite et PostgreSQL",
    38: "constats nouveaux d’outils d’attaque généraux sur le service en marche",
    39: "protections retirées sans qu’aucun test ne le voie",
    40: "requêtes et durées au-delà du budget des pages que l’on attend",
    41: "plaintes de la politique de contenu dans le navigateur",
    42: "dépendances qui ont une faille connue",
    43: "pages au HTML invalide, textes qui débordent à 320 pixels",
    44: "mentions et pages obligatoires absentes",
}
NOT_MEASURED = {
    4: "pas de suites au hasard ; `tests/awards/test_chain.py` essaie chaque acte de la chaîne",
    6: "seul l’arrêt brutal est essayé, par le chiffre 5",
    12: "le cas d’abus A34 n’essaie qu’une rencontre",
    15: "`tests/kernel/test_restored.py` essaie une base restaurée, sans mesurer la durée",
    16: "`grants verify` contrôle une base ; aucune copie de production n’existe ici",
    21: "une personne doit remplir la grille ; le chiffre 19 ne couvre que ce qu’un outil voit",
    22: "pas d’instrument",
    24: "pas de tirage au hasard ; l’instrument `parameters` essaie des valeurs choisies",
    27: "pas de chiffre : ce sont des essais de la suite ordinaire",
    28: "pas de modèle à comparer",
    30: "le cas d’abus A26 compare les réponses, pas les durées",
    31: "pas d’instrument",
    32: "pas d’instrument",
    33: "aucun dossier ne s’efface de lui-même à ce jour",
    34: "pas de relevé tenu dans le projet",
    37: "c’est `make test` qui fait la suite sur les deux bases",
    38: "ces outils ne font pas partie du projet",
    40: "c’est `make bench` qui mesure ; voir [performance.md](performance.md)",
    42: "demande un accès au réseau que les essais n’ont pas",
    44: "pas d’instrument",
}
ABUSE = {
    "A01": "lire le dossier d’une autre association",
    "A02": "ouvrir la pièce ou le reçu d’une autre association par son adresse",
    "A03": "écrire dans le dossier d’une autre association",
    "A04": "prendre, par l’adresse de son propre dossier, le fichier d’un autre",
    "A05": "recenser organisations et dossiers par la recherche",
    "A06": "changer le compte bancaire depuis un compte volé",
    "A07": "donner ou confirmer seul des coordonnées bancaires, comme agent",
    "A08": "faire approuver un paiement par une personne que l’on a nommée",
    "A09": "payer sur un compte changé après la préparation",
    "A10": "relire un dossier après s’être déporté",
    "A11": "envoyer des notes d’une page ouverte avant le déport",
    "A12": "changer une note une fois les notes figées",
    "A13": "lire les évaluations des autres avant d’envoyer la sienne",
    "A14": "deviner une décision avant sa publication",
    "A15": "glisser une formule de tableur dans un titre",
    "A16": "glisser un script dans un nom",
    "A17": "déposer un fichier au nom piégé",
    "A18": "déposer un programme sous le nom d’un PDF",
    "A19": "déposer un petit fichier qui en déplie un énorme",
    "A20": "déposer un fichier qui se lit comme deux formats",
    "A21": "sortir du dossier des fichiers par un chemin",
    "A22": "faire ouvrir une adresse par le serveur",
    "A23": "réutiliser un cookie copié",
    "A24": "envoyer un formulaire forgé depuis un autre site",
    "A25": "renvoyer la personne vers un autre site",
    "A26": "apprendre si une adresse a un compte",
    "A27": "deviner un mot de passe",
    "A28": "ajouter à un formulaire des champs qu’il n’a pas",
    "A29": "déposer après la clôture",
    "A30": "payer deux fois la même échéance",
    "A31": "promettre plus que l’enveloppe",
    "A32": "donner un montant qui n’en est pas un",
    "A33": "envoyer deux fois le même formulaire",
    "A34": "écraser la saisie d’une autre personne",
    "A35": "lire dans un cache la page d’une personne connectée",
    "A36": "envoyer des courriels indésirables par les invitations",
    "A37": "ouvrir des comptes en masse",
    "A38": "changer le nom du site dans les liens envoyés",
    "A39": "emporter un grand volume de données avec un compte permis",
    "A40": "envoyer des octets que personne ne tape",
}


def measured() -> dict[int, list[str]]:
    """The instruments that measure each figure, by number; one without a number is beside the list."""
    found: dict[int, list[str]] = {}
    for one in FIGURES:
        for number in re.findall(r"\d+", one.number):
            found.setdefault(int(number), []).append(one.name)
    return found


def explained() -> str:
    """The part of docs/assurance.md that explains the table."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    instruments = measured()
    yield from (
        TITLE,
        "",
        "Ce que compte chacun, et l’instrument de `make assure` qui le mesure, ou pourquoi aucun ne le fait.",
        "",
    )
    for number, counted in COUNTED.items():
        names = ", ".join(f"`{name}`" for name in instruments.get(number, []))
        yield f"{number}. {counted} : {names or f'**non mesuré** ({NOT_MEASURED[number]})'}."
    beside = [f"`{one.name}` ({one.says})" for one in FIGURES if not re.search(r"\d", one.number)]
    if beside:
        yield from ("", f"Hors de la liste : {' ; '.join(beside)}.")
    yield from ("", "## Les cas d’abus", "", "Ce que le chiffre 11 essaie contre un service en marche.", "")
    for code in CODES:
        yield f"- {code} : {ABUSE[code]}{'' if code in CASES else ' — **non essayé**, voir « À savoir »'}."
