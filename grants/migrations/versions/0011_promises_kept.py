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
            "convention est nécessaire, signez-la dans votre espace. Vous y verrez chaque échéance. Le "
            "paiement est fait par le comptable public.\n\n"
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
            "So that payment can be prepared: check your bank details and, if an agreement is needed, sign "
            "it in your space. You will see each instalment there. Payment is made by the public "
            "accountant.\n\n"
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
}
# What a replaced text is worth until a manager confirms its new words.
STATUS = {"privacy": "memory", "refusal_next": "proposal", "award_next": "proposal", "clause_no_pass_on": "memory"}
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
TEXT = sa.table(
    "configured_text", sa.column("code"), sa.column("body"), sa.column("body_en"), sa.column("status"),
    sa.column("confirmed_at"), sa.column("confirmed_by"),
)  # fmt: skip
LAW = sa.table(
    "law", sa.column("code"), sa.column("valid_from", sa.Date()), sa.column("valid_to", sa.Date()),
    sa.column("note"), sa.column("note_en"), sa.column("status"), sa.column("confirmed_at"),
)  # fmt: skip


def upgrade() -> None:
    for code in STATUS:
        _say(code, {column: BODIES[code, column] for column in ("body", "body_en")})
    _date(BEFORE, NOTES_BEFORE, AFTER, NOTES_AFTER)


def downgrade() -> None:
    for code in STATUS:
        _say(code, {column: BODIES[code, column][::-1] for column in ("body", "body_en")})
    _date(AFTER, NOTES_AFTER, BEFORE, NOTES_BEFORE)


def _say(code: str, bodies: dict[str, tuple[str, ...]]) -> None:
    """Put the last of the bodies in the place of the others; who confirmed the earlier words did not confirm these."""
    known = [TEXT.c[column].in_(said[:-1]) for column, said in bodies.items()]
    values = {column: said[-1] for column, said in bodies.items()}
    op.get_bind().execute(
        sa.update(TEXT)
        .where(TEXT.c.code == code, *known)
        .values(**values, status=STATUS[code], confirmed_at=None, confirmed_by=None)
    )


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
