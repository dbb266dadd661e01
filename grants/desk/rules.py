"""The journal in its readers' words: what each line says happened, and what each of its facts is."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from grants.appeals.lifecycle import LIFECYCLE as APPEAL
from grants.applications.lifecycle import LIFECYCLE as APPLICATION
from grants.applications.rules import PART_TITLES
from grants.awards.lifecycle import AWARD, BANK, INSTALMENT, RECEIVABLE, REPORT
from grants.awards.models.recovery import GROUND_LABELS
from grants.calls.lifecycle import LIFECYCLE as CALL
from grants.deliberation.lifecycle import LIFECYCLE as MEETING
from grants.deliberation.rules import VERDICT_LABELS
from grants.kernel.machine import Machine, Text
from grants.kernel.money import Money
from grants.kernel.pages import day, instant, money, number
from grants.kernel.words import LazyString, _, _l
from grants.people.models import MEMBER_LABELS, ROLE_LABELS
from grants.people.rules import FACT_LABELS
from grants.reviewing.lifecycle import LIFECYCLE as ASSIGNMENT
from grants.reviewing.rules import COLLEGE_LABELS, NATURE_LABELS

MACHINES: Mapping[str, Machine] = {
    machine.name: machine
    for machine in (CALL, APPLICATION, ASSIGNMENT, MEETING, APPEAL, AWARD, BANK, INSTALMENT, RECEIVABLE, REPORT)
}

# What a line is about: the part of its event before the point.
FAMILIES: Mapping[str, LazyString] = {
    "access": _l("Accès"),
    "account": _l("Compte"),
    "appeal": _l("Recours"),
    "application": _l("Dossier"),
    "assignment": _l("Évaluation"),
    "auth": _l("Connexion"),
    "award": _l("Attribution"),
    "bank_details": _l("Coordonnées bancaires"),
    "budget": _l("Enveloppe"),
    "call": _l("Appel"),
    "decision": _l("Décision"),
    "document": _l("Document de l’organisation"),
    "file": _l("Fichier"),
    "framework": _l("Cadre"),
    "fund": _l("Fonds"),
    "instalment": _l("Versement"),
    "interest": _l("Lien d’intérêt"),
    "job": _l("Fichier préparé"),
    "journal": _l("Journal"),
    "law": _l("Règle de droit"),
    "letter": _l("Lettre"),
    "meeting": _l("Séance"),
    "message": _l("Message"),
    "office": _l("Fonction"),
    "organisation": _l("Organisation"),
    "paper": _l("Document"),
    "programme": _l("Données de référence"),
    "question": _l("Question sur un appel"),
    "receivable": _l("Somme à recevoir"),
    "recommendation": _l("Avis"),
    "report": _l("Bilan"),
    "row": _l("Enregistrement"),
    "screening": _l("Recevabilité"),
    "session": _l("Session"),
    "text": _l("Texte"),
}

# What happened. A move of a lifecycle is told as done: its button says what to do.
EVENTS: Mapping[str, LazyString] = {
    "access.denied": _l("Accès refusé"),
    "access.unknown": _l("Page demandée sans y avoir droit"),
    "account.calendar_ended": _l("Adresse d’agenda supprimée"),
    "account.calendar_made": _l("Adresse d’agenda créée"),
    "account.changed": _l("Coordonnées changées"),
    "account.closed": _l("Compte fermé"),
    "account.confirmed": _l("Adresse confirmée"),
    "account.created": _l("Compte créé"),
    "account.password_changed": _l("Mot de passe changé"),
    "account.reopened": _l("Compte rouvert"),
    "account.reset_asked": _l("Nouveau mot de passe demandé"),
    "appeal.confirm": _l("Vote sur un recours : décision confirmée"),
    "appeal.lodged": _l("Recours déposé"),
    "appeal.refer": _l("Recours renvoyé à l’assemblée"),
    "appeal.reject": _l("Recours rejeté"),
    "appeal.uphold": _l("Vote sur un recours : tout est accordé"),
    "appeal.uphold_part": _l("Vote sur un recours : une partie est accordée"),
    "appeal.withdraw": _l("Recours retiré"),
    "application.accept": _l("Dossier déclaré recevable"),
    "application.approval_asked": _l("Accord du représentant légal demandé"),
    "application.approved": _l("Dossier approuvé par le représentant légal"),
    "application.approval_refused": _l("Accord refusé par le représentant légal"),
    "application.attempted": _l("Dépôt demandé avant la clôture, refusé"),
    "application.award": _l("Publié : accordé"),
    "application.complete": _l("Pièce envoyée"),
    "application.correct": _l("Nouvelle version du dossier déposée"),
    "application.correction_begun": _l("Correction d’un dossier commencée"),
    "application.decline": _l("Publié : non retenu"),
    "application.exclude": _l("Dossier déclaré irrecevable"),
    "application.extended": _l("Délai accordé à un dossier"),
    "application.file_removed": _l("Fichier retiré"),
    "application.late": _l("Dépôt refusé après la clôture"),
    "application.paper_begun": _l("Dossier papier : saisie commencée"),
    "application.paper_changed": _l("Dossier papier : jours ou numérisation corrigés"),
    "application.replace": _l("Correction déposée, devenue la version du dossier"),
    "application.request_piece": _l("Pièce demandée"),
    "application.save": _l("Brouillon enregistré"),
    "application.restored": _l("Version précédente d’un champ remise"),
    "application.taken_up": _l("Réponses reprises d’un dossier précédent"),
    "application.started": _l("Dossier commencé"),
    "application.submit": _l("Dossier déposé"),
    "application.withdraw": _l("Dossier retiré"),
    "assignment.declare_none": _l("Absence de lien déclarée"),
    "assignment.late_marks_refused": _l("Notes refusées après le gel"),
    "assignment.offer_again": _l("Évaluation proposée de nouveau"),
    "assignment.offered": _l("Évaluation proposée"),
    "assignment.record_marks": _l("Notes enregistrées"),
    "assignment.recuse": _l("Lien déclaré, déport"),
    "assignment.reminded": _l("Rappel envoyé"),
    "assignment.remove": _l("Affectation annulée"),
    "assignment.submit": _l("Évaluation envoyée"),
    "auth.throttled": _l("Trop d’essais : tentative écartée"),
    "award.amended": _l("Avenant enregistré"),
    "award.close": _l("Attribution close"),
    "award.engage": _l("Engagée sans convention"),
    "award.opened": _l("Attribution ouverte"),
    "award.plan": _l("Échéancier établi"),
    "award.prepare_agreement": _l("Convention préparée"),
    "award.prepare_late_agreement": _l("Convention devenue obligatoire préparée"),
    "award.released": _l("Reliquat rendu"),
    "award.repayments_planned": _l("Remboursements établis"),
    "award.sign_agreement": _l("Signature enregistrée"),
    "award.sign_late_agreement": _l("Signature enregistrée"),
    "bank_details.check": _l("Première vérification"),
    "bank_details.confirm": _l("Coordonnées confirmées"),
    "bank_details.given": _l("Coordonnées données"),
    "bank_details.refuse": _l("Coordonnées refusées"),
    "bank_details.replace": _l("Coordonnées remplacées"),
    "bank_details.revealed": _l("IBAN affiché en entier"),
    "budget.refused": _l("Montant refusé : il dépasse le reste"),
    "call.archive": _l("Appel archivé"),
    "call.created": _l("Appel créé"),
    "call.edit": _l("Appel modifié"),
    "call.extend": _l("Clôture reportée"),
    "call.widen": _l("Enveloppe augmentée"),
    "call.discarded": _l("Appel supprimé avant d’être publié"),
    "call.freeze_marks": _l("Notes figées"),
    "call.open": _l("Appel publié"),
    "call.results_published": _l("Résultats publiés"),
    "call.texts_changed": _l("Textes changés"),
    "call.words_changed": _l("Titre ou thème changé"),
    "decision.recorded": _l("Décision enregistrée"),
    "decision.released": _l("Réserve rendue"),
    "document.dated": _l("Dates d’un document changées"),
    "document.kept": _l("Document de l’organisation gardé"),
    "document.removed": _l("Document de l’organisation supprimé"),
    "file.destroyed": _l("Fichier retiré, détruit après délai"),
    "file.removed": _l("Fichier retiré, gardé trente jours"),
    "file.stored": _l("Fichier reçu"),
    "framework.action_added": _l("Action ajoutée"),
    "framework.action_edited": _l("Action changée"),
    "framework.axis_added": _l("Axe ajouté"),
    "framework.created": _l("Cadre créé"),
    "framework.imported": _l("Actions importées"),
    "framework.orientation_added": _l("Orientation ajoutée"),
    "fund.edited": _l("Fonds changé"),
    "instalment.approve": _l("Mandat approuvé"),
    "instalment.attest": _l("Condition attestée"),
    "instalment.cancel": _l("Versement annulé"),
    "instalment.cancel_order": _l("Mandat annulé"),
    "instalment.correct_order": _l("Mandat corrigé"),
    "instalment.lowered": _l("Montant abaissé"),
    "instalment.order": _l("Mandat émis"),
    "instalment.pay": _l("Date comptable enregistrée"),
    "instalment.prepare": _l("Mandat préparé"),
    "instalment.reject": _l("Mandat rejeté par le comptable"),
    "instalment.resume": _l("Suspension levée"),
    "instalment.send_back": _l("Mandat renvoyé à la préparation"),
    "interest.told": _l("Lien d’intérêt déclaré"),
    "job.asked": _l("Préparation d’un fichier demandée"),
    "job.cancelled": _l("Préparation d’un fichier annulée"),
    "job.done": _l("Fichier préparé"),
    "job.failed": _l("Préparation d’un fichier non aboutie"),
    "job.retried": _l("Préparation d’un fichier reprise"),
    "journal.rows_told": _l("Enregistrements repris tels quels"),
    "instalment.suspend": _l("Paiement suspendu par le comptable"),
    "law.added": _l("Valeur ajoutée"),
    "law.confirmed": _l("Valeur confirmée"),
    "letter.arrives_again": _l("Courriels arrivés de nouveau à une adresse"),
    "letter.refused": _l("Courriel refusé pour de bon"),
    "letter.written": _l("Lettre écrite"),
    "meeting.calibrated": _l("Rangs attendus calculés"),
    "meeting.edit": _l("Séance modifiée"),
    "meeting.freeze": _l("Avis figés"),
    "meeting.prepared": _l("Séance préparée"),
    "meeting.publish": _l("Résultats publiés"),
    "meeting.recommend": _l("Avis enregistré"),
    "meeting.record_act": _l("Acte enregistré"),
    "message.read": _l("Message lu"),
    "message.sent": _l("Message envoyé"),
    "office.ended": _l("Fonction terminée"),
    "office.given": _l("Fonction confiée"),
    "office.proposed": _l("Fonction proposée"),
    "office.refused": _l("Proposition retirée"),
    "organisation.created": _l("Organisation créée"),
    "organisation.edited": _l("Fiche changée"),
    "organisation.handed_over": _l("Organisation remise"),
    "organisation.invitation_cancelled": _l("Invitation annulée"),
    "organisation.invited": _l("Invitation envoyée"),
    "organisation.join_asked": _l("Demande à rejoindre"),
    "organisation.joined": _l("Membre arrivé"),
    "organisation.member_changed": _l("Rôle d’un membre changé"),
    "organisation.member_removed": _l("Membre retiré"),
    "paper.composed": _l("Document mis en page"),
    "paper.issued": _l("Document émis"),
    "programme.loaded": _l("Données de référence chargées"),
    "question.asked": _l("Question posée sur un appel"),
    "question.declined": _l("Question sur un appel écartée"),
    "question.published": _l("Réponse publiée sur la page d’un appel"),
    "receivable.approve": _l("Reversement approuvé"),
    "receivable.confirm_reversal": _l("Encaissement annulé"),
    "receivable.confirm_waiver": _l("Abandon confirmé : la somme n’est plus réclamée"),
    "receivable.drop": _l("Remboursement retiré"),
    "receivable.fall_due": _l("Remboursement exigible"),
    "receivable.issue": _l("Titre de reversement émis"),
    "receivable.lowered": _l("Remboursement abaissé"),
    "receivable.prepared": _l("Reversement préparé"),
    "receivable.propose_reversal": _l("Annulation d’un encaissement proposée"),
    "receivable.propose_waiver": _l("Abandon proposé"),
    "receivable.receive": _l("Somme reçue"),
    "receivable.refuse": _l("Reversement sans suite"),
    "receivable.refuse_reversal": _l("Encaissement gardé"),
    "receivable.refuse_waiver": _l("Abandon écarté"),
    "receivable.replace": _l("Remboursement remplacé par un avenant"),
    "receivable.settle": _l("Somme soldée"),
    "recommendation.changed": _l("Avis changé"),
    "recommendation.made": _l("Avis donné"),
    "recommendation.released": _l("Réserve rendue"),
    "recommendation.removed": _l("Avis retiré"),
    "report.accept": _l("Bilan accepté"),
    "report.return": _l("Correction demandée"),
    "report.save": _l("Bilan enregistré"),
    "report.submit": _l("Bilan envoyé"),
    "row.changed": _l("Enregistrement changé sans acte"),
    "screening.judged": _l("Conditions examinées"),
    "screening.piece_asked": _l("Pièce demandée avant le versement"),
    "screening.piece_waived": _l("Demande de pièce abandonnée"),
    "screening.piece_given": _l("Pièce remise"),
    "session.all_closed": _l("Toutes les sessions fermées"),
    "session.closed": _l("Session fermée"),
    "session.opened": _l("Connexion"),
    "session.refused": _l("Connexion refusée"),
    "text.confirmed": _l("Texte confirmé"),
    "text.edited": _l("Texte changé"),
}

# What each fact is, where it is told in other words than its own.
FACTS: Mapping[str, LazyString] = {
    "account": _l("personne"),
    "about": _l("objet"),
    "acknowledged": _l("à confirmer, publié en l’état"),
    "act": _l("acte"),
    "added": _l("ajouté"),
    "after": _l("désormais"),
    "approval": _l("accord du représentant légal"),
    "amount": _l("montant"),
    "answer_due_on": _l("réponse attendue le"),
    "answers": _l("réponses"),
    "application": _l("dossier"),
    "attempted_at": _l("dépôt demandé"),
    "before": _l("auparavant"),
    "by_cents": _l("en moins"),
    "calibrated": _l("rang attendu montré"),
    "call": _l("appel"),
    "changed": _l("changé"),
    "closes_at": _l("clôture"),
    "code": _l("code"),
    "college": _l("collège"),
    "committed": _l("réservé"),
    "confirmed": _l("confirmé"),
    "copied_from": _l("copié de"),
    "dated_on": _l("daté du"),
    "digest": _l("empreinte"),
    "document": _l("document de l’organisation"),
    "due_on": _l("attendu le"),
    "edition": _l("édition"),
    "endpoint": _l("page"),
    "envelope": _l("enveloppe"),
    "envelope_before": _l("enveloppe auparavant"),
    "extension_ends_at": _l("délai accordé jusqu’au"),
    "fields": _l("champs"),
    "file": _l("fichier"),
    "files": _l("pièces jointes"),
    "from_directory": _l("repris de l’annuaire public"),
    "gates": _l("conditions"),
    "grace_minutes": _l("délai de grâce, en minutes"),
    "granted": _l("accordé"),
    "ground": _l("nature"),
    "held_on": _l("séance du"),
    "how": _l("manière"),
    "invitation": _l("invitation"),
    "kind": _l("genre"),
    "kept": _l("restent membres"),
    "late": _l("après le silence"),
    "last4": _l("IBAN finissant par"),
    "letters": _l("lettres"),
    "line": _l("ligne du grand livre"),
    "marks": _l("notes"),
    "moved": _l("déplacé"),
    "nature": _l("lien"),
    "number": _l("numéro"),
    "on_paper": _l("sur papier"),
    "offered": _l("instruments proposés"),
    "on": _l("du"),
    "open_requests": _l("pièces encore attendues"),
    "opens_at": _l("ouverture"),
    "organisation": _l("organisation"),
    "orphan": _l("sans responsable"),
    "outcome": _l("suite"),
    "overruled": _l("jugé autrement que le calcul"),
    "part": _l("partie"),
    "payable": _l("à verser"),
    "permission": _l("droit demandé"),
    "postmarked_on": _l("cachet de la poste"),
    "piece": _l("pièce"),
    "place": _l("emplacement"),
    "realised": _l("réalisé"),
    "reason": _l("motif"),
    "received_at": _l("reçu"),
    "recomposed": _l("recomposé"),
    "recused": _l("dossiers de déport"),
    "reference": _l("référence"),
    "released": _l("rendu"),
    "removed": _l("retiré"),
    "reviewer": _l("évaluatrice ou évaluateur"),
    "reviewers": _l("évaluatrices et évaluateurs"),
    "rna": _l("RNA"),
    "replaces": _l("à la place de"),
    "role": _l("rôle"),
    "rows": _l("lignes"),
    "seed": _l("graine"),
    "section": _l("partie"),
    "sha256": _l("empreinte"),
    "silence_on": _l("silence le"),
    "since": _l("depuis le"),
    "siret": _l("SIRET"),
    "size": _l("octets"),
    "source": _l("repris de"),
    "state": _l("état"),
    "status": _l("code de refus"),
    "steps": _l("versements"),
    "template": _l("modèle"),
    "texts": _l("textes"),
    "titled": _l("intitulé connu"),
    "until": _l("jusqu’au"),
    "up": _l("vers le haut"),
    "valid_from": _l("à partir du"),
    "value": _l("valeur"),
    "verdict": _l("avis"),
    "why": _l("raison"),
}
# What a permission is about, and what it lets one do there: `call:edit` is « appel – modifier ».
THINGS: Mapping[str, LazyString] = {
    "account": _l("compte"),
    "act": _l("acte"),
    "agreement": _l("convention"),
    "appeal": _l("recours"),
    "application": _l("dossier"),
    "award": _l("attribution"),
    "bank_details": _l("coordonnées bancaires"),
    "call": _l("appel"),
    "decision": _l("décision"),
    "demo_mail": _l("courriels de démonstration"),
    "desk": _l("espace de travail"),
    "document": _l("document de l’organisation"),
    "dossier": _l("dossier déposé"),
    "export": _l("tableau"),
    "extension": _l("délai accordé à un dossier"),
    "file": _l("fichier"),
    "instalment": _l("échéancier"),
    "interest": _l("lien d’intérêt"),
    "job": _l("fichier préparé"),
    "journal": _l("journal"),
    "law": _l("règle de droit"),
    "meeting": _l("séance"),
    "message": _l("messages"),
    "organisation": _l("organisation"),
    "paper": _l("dossier papier"),
    "payment": _l("mandat"),
    "people": _l("personnes"),
    "piece": _l("pièce demandée"),
    "programme": _l("cadre et fonds"),
    "recommendation": _l("avis"),
    "report": _l("bilan"),
    "results": _l("résultats"),
    "review": _l("évaluation"),
    "screening": _l("recevabilité"),
    "tracking": _l("suivi"),
}
ACTS: Mapping[str, LazyString] = {
    "answer": _l("répondre"),
    "appoint": _l("confier une fonction"),
    "approve": _l("approuver"),
    "archive": _l("tout emporter"),
    "ask": _l("poser une question"),
    "assign": _l("confier"),
    "calibrate": _l("calculer les rangs attendus"),
    "close": _l("clore"),
    "confirm": _l("confirmer"),
    "create": _l("créer"),
    "decide": _l("décider"),
    "declare": _l("déclarer"),
    "edit": _l("modifier"),
    "enter": _l("saisir"),
    "freeze": _l("figer"),
    "give": _l("donner"),
    "hand_over": _l("remettre à d’autres"),
    "home": _l("ouvrir"),
    "invite": _l("inviter"),
    "keep": _l("garder"),
    "list": _l("voir la liste"),
    "lodge": _l("déposer"),
    "make": _l("établir"),
    "mark": _l("noter"),
    "open": _l("publier"),
    "own": _l("voir le sien"),
    "plan": _l("établir"),
    "prepare": _l("préparer"),
    "publish": _l("publier"),
    "read": _l("lire"),
    "read_own": _l("lire le sien"),
    "record": _l("enregistrer"),
    "result": _l("télécharger"),
    "reveal": _l("afficher en entier"),
    "send": _l("envoyer"),
    "sign": _l("enregistrer la signature"),
    "start": _l("commencer"),
    "stop": _l("arrêter"),
    "submit": _l("envoyer"),
    "withdraw": _l("retirer"),
    "write": _l("écrire"),
}
_AMOUNTS = {
    "amount",
    "by_cents",
    "committed",
    "envelope",
    "envelope_before",
    "payable",
    "realised",
    "released",
    "steps",
}
_COLUMNS: Mapping[str, LazyString] = {
    "body_name": _l("collectivité"),
    "court": _l("juridiction des recours"),
    "court_en": _l("juridiction, en anglais"),
    "dpo_email": _l("courriel du délégué à la protection des données"),
    "envelope": _l("enveloppe"),
    "name": _l("nom"),
    "name_en": _l("nom en anglais"),
    "service_address": _l("adresse du service"),
    "service_email": _l("courriel du service"),
    "service_name": _l("nom du service"),
    "service_phone": _l("téléphone du service"),
    "zone": _l("fuseau horaire"),
}
# Codes that facts hold, in words.
WORDS: Mapping[str, Mapping[Any, Text]] = {
    "college": COLLEGE_LABELS,
    "ground": GROUND_LABELS,
    "nature": {**NATURE_LABELS, "none": _l("aucun")},
    "act": {
        "confirmation": _l("confirmer l’adresse"),
        "join": _l("rejoindre une organisation"),
        "address_check": _l("faire vérifier une adresse"),
        "look_up": _l("interroger l’annuaire public"),
        "password": _l("donner le mot de passe"),
        "reset": _l("demander un nouveau mot de passe"),
        "sign_in": _l("se connecter"),
        "sign_up": _l("créer un compte"),
    },
    "changed": _COLUMNS,
    "fields": FACT_LABELS,
    "how": {
        "change": _l("depuis le compte"),
        "relay": _l("réponse du relais"),
        "report": _l("avis de non-remise"),
        "reset": _l("par le lien d’un courriel"),
    },
    "kind": {
        "agreement": _l("convention"),
        "decision": _l("courrier de décision"),
        "minutes": _l("procès-verbal"),
        "receipt": _l("accusé de réception"),
    },
    "outcome": {"changed": _l("modifié depuis la relecture"), "incomplete": _l("incomplet")},
    "part": {
        "asked": _l("ce qui est demandé"),
        "criterion": _l("critère"),
        "criterion_block": _l("bloc de critères"),
        "gate": _l("condition"),
        "identity": _l("présentation, dates, enveloppe"),
        "instruments": _l("montants"),
        "piece": _l("pièce"),
        "question": _l("question"),
        "section": _l("section"),
        "statement": _l("déclaration"),
    },
    "piece": {"other": _l("autre")},
    "reason": {
        "closed": _l("compte fermé"),
        "password": _l("mot de passe faux"),
        "unknown": _l("compte inconnu"),
    },
    "state": {str(code): state.label for code, state in CALL.states.items()},
    "why": {
        "closed": _l("compte fermé"),
        "confirmation": _l("adresse confirmée"),
        "office": _l("fonction changée"),
        "owner": _l("à sa demande"),
        "password_change": _l("mot de passe changé"),
        "password_reset": _l("nouveau mot de passe"),
    },
    "role": {**ROLE_LABELS, **MEMBER_LABELS},
    "section": PART_TITLES,
    "verdict": VERDICT_LABELS,
}


def event_words(event: str) -> Text:
    """What a line says happened; its code where no words are known for it."""
    return EVENTS.get(event, event)


def permission_words(permission: str) -> str:
    """What a permission lets one do, in words; its text where it is none of today's."""
    thing, _colon, act = permission.partition(":")
    return f"{THINGS[thing]} – {ACTS[act]}" if thing in THINGS and act in ACTS else permission


def described_facts(event: str, facts: Mapping[str, object]) -> list[tuple[Text, object]]:
    """The facts of a line, each as (what it is, its value): the states a move goes between first, amounts as Money,
    days and instants as such, codes that have words in words, the rest as it was written."""
    machine = MACHINES.get(event.partition(".")[0])
    moved = machine is not None and {"from", "to"} <= facts.keys()
    shown = {name: value for name, value in facts.items() if not (moved and name in {"from", "to"})}
    described: list[tuple[Text, object]] = [
        (FACTS.get(name, name), _value(name, value)) for name, value in shown.items()
    ]
    if machine is None or not moved or facts["from"] == facts["to"]:
        return described
    return [
        (FACTS["state"], f"{_state(machine, str(facts['from']))} → {_state(machine, str(facts['to']))}"),
        *described,
    ]


def fact_words(value: object) -> str:
    """The value of a fact as its readers read it."""
    match value:
        case None:
            return "—"
        case bool():
            return _("oui") if value else _("non")
        case Money():
            return money(value)
        case datetime():
            return instant(value, with_zone=False)
        case date():
            return day(value)
        case int() if value >= 10_000:
            return number(value)
        case list() | dict():
            return "; ".join(fact_words(one) for one in value) or "—"
    return str(value)


def _value(name: str, value: object) -> object:
    if isinstance(value, list):
        return [_value(name, one) for one in value]
    if name in _AMOUNTS and isinstance(value, int | str):
        return Money(int(value))
    if isinstance(value, bool) or not isinstance(value, str):
        return value
    if name == "permission":
        return permission_words(value)
    return str(WORDS.get(name, {}).get(value, "")) or _time(value)


def _state(machine: Machine, code: str) -> Text:
    return next((state.label for known, state in machine.states.items() if str(known) == code), code)


def _time(text: str) -> date | datetime | str:
    """A day or an instant written by the system; any other text stays what it is."""
    if len(text) < len("2026-01-01") or text[4] != "-":
        return text
    try:
        return date.fromisoformat(text) if len(text) == len("2026-01-01") else datetime.fromisoformat(text)
    except ValueError:
        return text
