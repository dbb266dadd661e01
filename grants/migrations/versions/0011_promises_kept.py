"""Texts that said more than the system does, and the day from which a wording of the penal code is known to apply."""

from datetime import date, timedelta

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

# By text and column: each of what the reference data said, then what it says now. A text changed by a manager stays.
BODIES = {
    ("privacy", "body"): (
        (
            "La {body} traite les données de ce dossier pour instruire la demande, suivre l’aide et remplir "
            "ses obligations légales (règlement (UE) 2016/679, article 6, paragraphe 1, points c et e).\n\n"
            "- Les données lues\u00a0: identité et coordonnées des personnes qui agissent pour l’association, "
            "contenu du dossier. Aucune date de naissance, nationalité ou numéro de sécurité sociale n’est "
            "demandé.\n"
            "- Les personnes qui les lisent\u00a0: le service, les membres du comité sans lien avec "
            "l’association, l’assemblée délibérante, le comptable public, les personnes chargées du "
            "contrôle.\n"
            "- La durée\u00a0: dossiers aidés, 10 ans après le solde\u00a0; dossiers refusés ou retirés, 5 ans\u00a0; "
            "brouillons, 12 mois sans activité. Les règles des archives publiques s’appliquent ensuite.\n"
            "- Ce qui est publié\u00a0: le nom de l’association aidée, l’objet et le montant. Jamais le nom de "
            "son représentant.\n"
            "- Vos droits\u00a0: accès, rectification, limitation et opposition. Écrivez à {dpo_email} ({dpo}). "
            "Vous pouvez aussi saisir la CNIL."
        ),
        (
            "La {body} traite les données de ce dossier pour instruire la demande, suivre l’aide et remplir "
            "ses obligations légales (règlement (UE) 2016/679, article 6, paragraphe 1, points c et e).\n\n"
            "- Les données lues\u00a0: identité et coordonnées des personnes qui agissent pour l’association, "
            "contenu du dossier\u00a0; dates et navigateur de vos connexions, pour la sécurité. Aucune date de "
            "naissance, nationalité ou numéro de sécurité sociale n’est demandé.\n"
            "- Les personnes qui les lisent\u00a0: le service, les membres du comité sans lien avec "
            "l’association, l’assemblée délibérante, le comptable public, les personnes chargées du "
            "contrôle.\n"
            "- La durée prévue\u00a0: dossiers aidés, 10 ans après le solde\u00a0; dossiers refusés ou retirés, 5 "
            "ans\u00a0; brouillons, 12 mois sans activité. Rien ne s’efface de soi-même à ces dates\u00a0: le service "
            "décide de l’élimination, selon les règles des archives publiques.\n"
            "- Ce qui est publié\u00a0: le nom de l’association aidée et ses numéros SIRET et RNA, le titre, le "
            "résumé, les axes et les communes du projet, le montant, la forme de l’aide et l’acte. Le nom de "
            "son représentant ne l’est pas.\n"
            "- Vos droits\u00a0: accès, rectification, limitation et opposition. Écrivez à {dpo_email} ({dpo}). "
            "Vous pouvez aussi saisir la CNIL."
        ),
    ),
    ("privacy", "body_en"): (
        (
            "The {body} processes the data in this file to examine the request, follow the support and meet "
            "its legal duties (regulation (EU) 2016/679, article 6, paragraph 1, points c and e).\n\n"
            "- The data read: identity and contact details of those who act for the association, contents of "
            "the file. No date of birth, nationality or social security number is asked for.\n"
            "- Those who read it: the service, committee members with no link to the association, the "
            "deliberative assembly, the public accountant, those in charge of control.\n"
            "- How long: supported files, 10 years after the balance; refused or withdrawn files, 5 years; "
            "drafts, 12 months without activity. The rules on public archives then apply.\n"
            "- What is published: the name of the supported association, the purpose and the amount. Never "
            "the name of its representative.\n"
            "- Your rights: access, rectification, restriction and objection. Write to {dpo_email} ({dpo}). "
            "You may also refer the matter to the CNIL, the French data protection authority."
        ),
        (
            "The {body} processes the data in this file to examine the request, follow the support and meet "
            "its legal duties (regulation (EU) 2016/679, article 6, paragraph 1, points c and e).\n\n"
            "- The data read: identity and contact details of those who act for the association, contents of "
            "the file; dates and browser of your sessions, for security. No date of birth, nationality or "
            "social security number is asked for.\n"
            "- Those who read it: the service, committee members with no link to the association, the "
            "deliberative assembly, the public accountant, those in charge of control.\n"
            "- How long, as planned: supported files, 10 years after the balance; refused or withdrawn "
            "files, 5 years; drafts, 12 months without activity. Nothing is erased by itself on those dates: "
            "the service decides on disposal, under the rules on public archives.\n"
            "- What is published: the name of the supported association and its SIRET and RNA numbers, the "
            "title, summary, axes and municipalities of the project, the amount, the form of the support and "
            "the act. The name of its representative is not.\n"
            "- Your rights: access, rectification, restriction and objection. Write to {dpo_email} ({dpo}). "
            "You may also refer the matter to the CNIL, the French data protection authority."
        ),
    ),
    ("refusal_next", "body"): (
        (
            "Vous pouvez en parler avec nous\u00a0: {service}, {phone}, {email}. Votre dossier reste disponible "
            "pour préparer une autre demande, ici ou ailleurs, pendant {retention_years} ans."
        ),
        (
            "Vous pouvez en parler avec nous\u00a0: {service}, {phone}, {email}. Votre dossier reste lisible dans "
            "votre espace\u00a0; le fonds le garde {retention_years} ans."
        ),
        (
            "Vous pouvez en parler avec nous\u00a0: {service}, {phone}, {email}. Votre dossier reste lisible dans "
            "votre espace\u00a0; le fonds prévoit de le garder {retention_years} ans."
        ),
    ),
    ("refusal_next", "body_en"): (
        (
            "You can talk it over with us: {service}, {phone}, {email}. Your file remains available for "
            "{retention_years} years to prepare another request, here or elsewhere."
        ),
        (
            "You can talk it over with us: {service}, {phone}, {email}. Your application can still be read "
            "in your space; the fund keeps it for {retention_years} years."
        ),
        (
            "You can talk it over with us: {service}, {phone}, {email}. Your application can still be read "
            "in your space; the fund plans to keep it for {retention_years} years."
        ),
    ),
    ("award_next", "body"): (
        (
            "Pour que le versement puisse être préparé\u00a0: vérifiez vos coordonnées bancaires et, si une "
            "convention est nécessaire, téléchargez-la dans votre espace, faites-la signer par la personne "
            "qui représente l’association, puis renvoyez-la au service du fonds, à l’adresse de cette lettre. "
            "Chaque échéance se suit dans votre espace. Le paiement est fait par le comptable public.\n\n"
            "Un compte rendu financier est à remettre au plus tard le {report_due_on}\u00a0; il sera déjà en "
            "partie rempli."
        ),
        (
            "Pour que le versement puisse être préparé\u00a0: donnez vos coordonnées bancaires dans votre espace "
            "et, si une convention est nécessaire, téléchargez-la dans votre espace, faites-la signer par la "
            "personne qui représente l’association, puis renvoyez-la au service du fonds, à l’adresse de "
            "cette lettre. Chaque échéance se suit dans votre espace. Le paiement est fait par le comptable "
            "public.\n\n"
            "Un compte rendu financier est à remettre au plus tard le {report_due_on}\u00a0; il sera déjà en "
            "partie rempli."
        ),
    ),
    ("award_next", "body_en"): (
        (
            "So that payment can be prepared: check your bank details and, if an agreement is needed, "
            "download it from your space, have it signed by the person who represents the association, then "
            "return it to the fund’s office, at the address of this letter. Each instalment can be followed "
            "in your space. Payment is made by the public accountant.\n\n"
            "A financial report is due by {report_due_on} at the latest; it will already be partly filled in."
        ),
        (
            "So that payment can be prepared: give your bank details in your space and, if an agreement is "
            "needed, download it from your space, have it signed by the person who represents the "
            "association, then return it to the fund’s office, at the address of this letter. Each "
            "instalment can be followed in your space. Payment is made by the public accountant.\n\n"
            "A financial report is due by {report_due_on} at the latest; it will already be partly filled in."
        ),
    ),
    ("clause_no_pass_on", "body"): (
        (
            "L’association ne reverse aucune part de l’aide à un autre organisme, sauf aux partenaires "
            "nommés ici et pour les montants indiqués\u00a0: {partners}"
        ),
        (
            "L’association ne reverse aucune part de l’aide à un autre organisme. Ce que des partenaires "
            "apportent au projet n’est pas un reversement."
        ),
    ),
    ("clause_no_pass_on", "body_en"): (
        (
            "The association passes no part of the support on to any other body, except to the partners "
            "named here and for the amounts stated: {partners}"
        ),
        (
            "The association passes no part of the support on to any other body. What partners contribute to "
            "the project is not passed on."
        ),
    ),
    ("how_judged", "body"): (
        (
            "Au moins {minimum_reviewers} personnes lisent votre dossier, sans connaître les notes des "
            "autres\u00a0: élus, agents, experts et usagers. Celles qui ont un lien avec votre association ne le "
            "voient pas.\n\n"
            "Chacune note chaque critère de 0 à 4. Les critères, leur poids et le sens de chaque niveau sont "
            "publiés ci-dessous. Un projet doit atteindre {threshold} points sur 100, et le niveau 2 en "
            "innovation sociale et en justice sociale.\n\n"
            "Le comité propose\u00a0; l’assemblée délibérante de la {body} décide."
        ),
        (
            "Le comité réunit des élus, des agents, des experts et des usagers. Il prévoit au moins "
            "{minimum_reviewers} lectures de chaque dossier\u00a0; chaque personne note sans connaître les notes "
            "des autres. Celles dont le lien avec votre association est connu ou déclaré ne voient pas le "
            "dossier.\n\n"
            "Chacune note chaque critère de 0 à 4. Les critères, leur poids et le sens de chaque niveau sont "
            "publiés ci-dessous. Le seuil attendu est de {threshold} points sur 100, avec le niveau 2 en "
            "innovation sociale et en justice sociale.\n\n"
            "Le comité propose\u00a0; l’assemblée délibérante de la {body} décide."
        ),
    ),
    ("how_judged", "body_en"): (
        (
            "At least {minimum_reviewers} people read your application without knowing each other’s marks: "
            "elected members, staff, experts and users. Those with a link to your association do not see "
            "it.\n\n"
            "Each marks every criterion from 0 to 4. The criteria, their weight and the meaning of each "
            "level are published below. A project must reach {threshold} points out of 100, and level 2 in "
            "social innovation and social justice.\n\n"
            "The committee recommends; the deliberative assembly of the {body} decides."
        ),
        (
            "The committee brings together elected members, staff, experts and users. It plans at least "
            "{minimum_reviewers} readings of each application; each person marks without knowing the marks "
            "of the others. Those whose link to your association is known or declared do not see the "
            "application.\n\n"
            "Each marks every criterion from 0 to 4. The criteria, their weight and the meaning of each "
            "level are published below. The threshold expected is {threshold} points out of 100, with level "
            "2 in social innovation and social justice.\n\n"
            "The committee recommends; the deliberative assembly of the {body} decides."
        ),
    ),
    ("how_to_apply", "body"): (
        (
            "- Munissez-vous de votre numéro SIRET ou RNA\u00a0: ce que le fonds connaît déjà se remplit seul.\n"
            "- Écrivez à plusieurs et à votre rythme\u00a0: tout est enregistré au fil de la saisie.\n"
            "- Construisez un budget équilibré\u00a0: le total des charges égale le total des produits.\n"
            "- Joignez les pièces demandées\u00a0; celles que le fonds détient ne sont pas redemandées.\n"
            "- Relisez, puis déposez avant le {closes_at}.\n\n"
            "Tant que vous n’avez pas déposé, votre dossier est un brouillon\u00a0: il n’est pas une demande. Si "
            "vous ne pouvez pas utiliser ce site, appelez le {phone} ou écrivez à {address}."
        ),
        (
            "- Munissez-vous de votre numéro SIRET ou RNA, de votre budget et des pièces demandées.\n"
            "- Écrivez à plusieurs et à votre rythme\u00a0: chaque page se garde quand vous l’enregistrez, "
            "complète ou non.\n"
            "- Construisez un budget équilibré\u00a0: le total des charges égale le total des produits.\n"
            "- Joignez les pièces demandées.\n"
            "- Relisez, puis déposez avant le {closes_at}.\n\n"
            "Tant que vous n’avez pas déposé, votre dossier est un brouillon\u00a0: il n’est pas une demande. Si "
            "vous ne pouvez pas utiliser ce site, appelez le {phone} ou écrivez à {address}."
        ),
    ),
    ("how_to_apply", "body_en"): (
        (
            "- Have your SIRET or RNA number ready: what the fund already knows fills itself in.\n"
            "- Write with others and at your own pace: everything is saved as you type.\n"
            "- Build a balanced budget: total charges equal total resources.\n"
            "- Attach the documents requested; those the fund holds are not asked for again.\n"
            "- Read it through, then submit before {closes_at}.\n\n"
            "Until you have submitted, your application is a draft: it is not a request. If you cannot use "
            "this site, call {phone} or write to {address}."
        ),
        (
            "- Have your SIRET or RNA number, your budget and the documents requested ready.\n"
            "- Write with others and at your own pace: each page is kept when you save it, complete or "
            "not.\n"
            "- Build a balanced budget: total charges equal total resources.\n"
            "- Attach the documents requested.\n"
            "- Read it through, then submit before {closes_at}.\n\n"
            "Until you have submitted, your application is a draft: it is not a request. If you cannot use "
            "this site, call {phone} or write to {address}."
        ),
    ),
    ("after_submission", "body"): (
        (
            "- Tout de suite\u00a0: vous recevez un accusé de réception daté, que chacun peut vérifier.\n"
            "- Dans les semaines qui suivent\u00a0: le service vérifie votre dossier. S’il manque une pièce, il "
            "vous la demande, et vous répondez sans rien redéposer d’autre.\n"
            "- Ensuite\u00a0: le comité lit, note et délibère\u00a0; il peut vous inviter à présenter votre projet.\n"
            "- Enfin\u00a0: l’assemblée délibérante vote, et vous recevez la décision et ses raisons.\n\n"
            "Sans réponse de notre part dans les deux mois qui suivent le dépôt, la demande est réputée "
            "rejetée\u00a0; le fonds s’efforce de toujours répondre."
        ),
        (
            "- Tout de suite\u00a0: vous recevez un accusé de réception daté, que chacun peut vérifier.\n"
            "- Dans les semaines qui suivent\u00a0: le service vérifie votre dossier. S’il manque une pièce, il "
            "vous la demande, et vous répondez sans rien redéposer d’autre.\n"
            "- Ensuite\u00a0: le comité lit, note et délibère\u00a0; il peut vous inviter à présenter votre projet.\n"
            "- Enfin\u00a0: l’assemblée délibérante vote, et vous recevez la décision et ses raisons.\n\n"
            "Sans réponse de notre part dans les deux mois qui suivent le dépôt, la demande est réputée "
            "rejetée\u00a0; ce délai est suspendu pendant le temps laissé pour fournir une pièce manquante."
        ),
    ),
    ("after_submission", "body_en"): (
        (
            "- Straight away: you receive a dated receipt that anyone can check.\n"
            "- In the following weeks: the service checks your application. If a document is missing, it "
            "asks you for it, and you answer without submitting anything else again.\n"
            "- Then: the committee reads, marks and deliberates; it may invite you to present your "
            "project.\n"
            "- Finally: the deliberative assembly votes, and you receive the decision and its reasons.\n\n"
            "If you receive no answer within two months of submission, the request is deemed rejected; the "
            "fund endeavours always to answer."
        ),
        (
            "- Straight away: you receive a dated receipt that anyone can check.\n"
            "- In the following weeks: the service checks your application. If a document is missing, it "
            "asks you for it, and you answer without submitting anything else again.\n"
            "- Then: the committee reads, marks and deliberates; it may invite you to present your "
            "project.\n"
            "- Finally: the deliberative assembly votes, and you receive the decision and its reasons.\n\n"
            "If you receive no answer within two months of submission, the request is deemed rejected; this "
            "period is suspended during the time given to supply a missing document."
        ),
    ),
}
CODES = tuple(dict.fromkeys(code for code, _column in BODIES))
ONE_DAY = timedelta(days=1)
WORDING = "interest_wording"
# Both rows of the wording of article 432-12: the day that parts them, how sure it is, and their notes in order.
BEFORE = (date(2025, 12, 23), "confirmed")
AFTER = (date(2025, 12, 24), "secondary")
NOTES_BEFORE = (
    (
        "Rédaction antérieure à la loi n°\u00a02025-1249.",
        "Wording before law no. 2025-1249.",
    ),
    (
        "Intention requise\u00a0; l’intérêt public est exclu. Jour d’entrée en vigueur à vérifier.",
        "Intention required; public interests are excluded. Day of entry into force to be checked.",
    ),
)
NOTES_AFTER = (
    (
        (
            "Rédaction antérieure à la loi n°\u00a02025-1249. À vérifier\u00a0: le dernier jour, et les mots d’une "
            "rédaction intermédiaire de décembre 2021."
        ),
        (
            "Wording before law no. 2025-1249. To be checked: the last day, and the words of an intermediate "
            "wording of December 2021."
        ),
    ),
    (
        (
            "Intention requise\u00a0; l’intérêt public est exclu. Jour d’entrée en vigueur à vérifier\u00a0: le "
            "lendemain d’une publication au Journal officiel du 23 décembre 2025, selon des sources "
            "secondaires."
        ),
        (
            "Intention required; public interests are excluded. Day of entry into force to be checked: the "
            "day after publication in the Journal officiel of 23 December 2025, according to secondary "
            "sources."
        ),
    ),
)
TEXT = sa.table("configured_text", sa.column("code"), sa.column("body"), sa.column("body_en"))
LAW = sa.table(
    "law", sa.column("code"), sa.column("valid_from", sa.Date()), sa.column("valid_to", sa.Date()),
    sa.column("note"), sa.column("note_en"), sa.column("status"), sa.column("confirmed_at"),
)  # fmt: skip


def upgrade() -> None:
    for code in CODES:
        _say(code, {column: BODIES[code, column] for column in ("body", "body_en")})
    _date(BEFORE, NOTES_BEFORE, AFTER, NOTES_AFTER)


def downgrade() -> None:
    for code in CODES:
        _say(code, {column: BODIES[code, column][::-1] for column in ("body", "body_en")})
    _date(AFTER, NOTES_AFTER, BEFORE, NOTES_BEFORE)


def _say(code: str, bodies: dict[str, tuple[str, ...]]) -> None:
    """Put the last of the bodies in the place of the others; these promise less, so that a confirmation stays."""
    known = [TEXT.c[column].in_(said[:-1]) for column, said in bodies.items()]
    values = {column: said[-1] for column, said in bodies.items()}
    op.get_bind().execute(sa.update(TEXT).where(TEXT.c.code == code, *known).values(values))


def _date(
    known: tuple[date, str], known_notes: tuple[tuple[str, str], ...],
    said: tuple[date, str], notes: tuple[tuple[str, str], ...],
) -> None:  # fmt: skip
    """Move the day that parts the two wordings, where nobody confirmed or changed them."""
    for row, (note, note_en), (_old, old_en), days in (
        (LAW.c.valid_to, notes[0], known_notes[0], (known[0] - ONE_DAY, said[0] - ONE_DAY)),
        (LAW.c.valid_from, notes[1], known_notes[1], (known[0], said[0])),
    ):
        op.get_bind().execute(
            sa.update(LAW)
            .where(LAW.c.code == WORDING, row == days[0], LAW.c.note_en == old_en, LAW.c.confirmed_at.is_(None))
            .values({row.name: days[1], "status": said[1], "note": note, "note_en": note_en})
        )
