"""What is written to applicants after a vote: one letter per dossier, the same on the page, by mail and on paper."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from typing import Any
from uuid import UUID

from grants.deliberation import queries
from grants.deliberation.models import Decision, Meeting
from grants.deliberation.queries import Facts, Line, Ranking
from grants.deliberation.rules import VERDICT_LABELS, act_in_words
from grants.kernel import clock, papers, post
from grants.kernel.money import Money
from grants.kernel.pages import day, decimal, money, number
from grants.kernel.words import _, force_locale, in_words_of, language
from grants.programme import queries as programme

TEXTS = (
    "award_opening", "award_partial", "award_reserve", "award_next", "de_minimis_notice",
    "refusal_opening", "refusal_reasons", "refusal_next", "remedy_gracious", "remedy_court",
)  # fmt: skip


@dataclass(frozen=True)
class Part:
    """A passage of a letter; an empty line begins a paragraph, lines beginning with "- " make a list."""

    title: str
    text: str

    @property
    def blocks(self) -> list[tuple[bool, list[str]]]:
        """The text as (is a list, its paragraphs or items), for a page."""
        found: list[tuple[bool, list[str]]] = []
        for line in (line.strip() for line in self.text.splitlines()):
            is_item = line.startswith("- ")
            if not line:
                found.append((False, []))
            elif found and found[-1][0] == is_item:
                found[-1][1].append(line.removeprefix("- "))
            else:
                found.append((is_item, [line.removeprefix("- ")]))
        return [block for block in found if block[1]]


@dataclass(frozen=True)
class DecisionLetter:
    """A letter ready to be shown, sent or printed, in the reader's language."""

    granted: bool
    subject: str
    reference: str
    to: tuple[str, ...]
    letterhead: tuple[str, ...]
    facts: tuple[tuple[str, str], ...]
    parts: tuple[Part, ...]


def compose(decision: Decision) -> DecisionLetter:
    """The letter of a decision, from its own facts and the configured texts. Raises LookupError when one is missing."""
    application = decision.application
    facts = queries.facts_of(application)
    parts = _granted(decision, facts) if decision.granted else _refused(decision, facts)
    comments = queries.comments_for_applicant(application.id)
    if comments:
        listed = "\n".join(f"- {comment}" for comment in comments)
        parts.insert(2, Part(_("Ce que les évaluateurs vous disent"), listed))
    if not decision.granted or decision.amount < _requested(decision):
        parts.append(Part(_("Si vous n’êtes pas d’accord"), _remedies(facts)))
    return DecisionLetter(
        granted=decision.granted,
        subject=_subject(decision),
        reference=application.reference or "",
        to=_address(facts),
        letterhead=tuple(line for line in (facts.fund.service_name, facts.fund.service_address,
                                           facts.fund.service_email, facts.fund.service_phone) if line),
        facts=tuple(_facts(decision, facts)),
        parts=tuple(part for part in parts if part.text),
    )  # fmt: skip


def _subject(decision: Decision) -> str:
    title = decision.application.title
    if decision.granted:
        return _("Votre projet « %(title)s » est soutenu", title=title)
    return _("Votre projet « %(title)s » n’est pas retenu", title=title)


def _address(facts: Facts) -> tuple[str, ...]:
    organisation = facts.organisation
    place = f"{organisation.postcode} {organisation.city}".strip()
    lines = (organisation.name, organisation.representative_name, organisation.address, place)
    return tuple(line for line in lines if line)


def _requested(decision: Decision) -> Money:
    return decision.application.requested or decision.amount


def _facts(decision: Decision, facts: Facts) -> list[tuple[str, str]]:
    meeting = decision.meeting
    pairs = [(_("Appel"), in_words_of(facts.call, "title"))]
    if decision.granted:
        form = _("avance remboursable") if facts.is_advance else _("subvention")
        pairs += [
            (_("Montant accordé"), money(decision.amount)),
            (_("Montant demandé"), money(_requested(decision))),
            (_("Forme de l’aide"), f"{form} ({in_words_of(facts.instrument, 'name')})"),
        ]
    else:
        pairs.append((_("Montant demandé"), money(_requested(decision))))
    act = _("%(act)s du %(day)s", act=act_in_words(meeting.act_number or ""), day=day(meeting.act_on))
    pairs.append((_("Décision"), f"{meeting.act_body}, {act}"))
    if meeting.act_receipt:
        pairs.append((_("Reçu en préfecture"), meeting.act_receipt))
    return pairs


def _granted(decision: Decision, facts: Facts) -> list[Part]:
    meeting = decision.meeting
    opening = programme.text_body(
        "award_opening",
        act=act_in_words(meeting.act_number or ""),
        act_on=day(meeting.act_on),
        amount=money(decision.amount),
        association=facts.organisation.name,
        body=facts.fund.body_name,
        reference=decision.application.reference,
        title=decision.application.title,
    )
    if decision.amount < _requested(decision):
        why = programme.text_body(
            "award_partial", requested=money(_requested(decision)), reasons=_inline(decision.reason)
        )
    else:
        why = decision.reason
    parts = [Part("", opening), Part(_("Pourquoi"), why)]
    if decision.conditions:
        reserve = programme.text_body("award_reserve", conditions=_inline(decision.conditions))
        parts.append(Part(_("Les conditions"), reserve))
    parts.append(Part(_("La suite"), _what_happens_next(decision, facts)))
    if facts.is_economic:
        parts.append(Part(_("Aide « de minimis »"), _de_minimis(decision, facts)))
    return parts


def _what_happens_next(decision: Decision, facts: Facts) -> str:
    due_on = _report_due_on(facts.ends_on or _act_day(decision.meeting), facts.organisation.year_end_month)
    text = programme.text_body("award_next", report_due_on=day(due_on))
    if facts.is_advance:
        repaid = _("Cette aide est une avance : la convention fixera l’échéancier de son remboursement.")
        return f"{repaid}\n\n{text}"
    return text


def _de_minimis(decision: Decision, facts: Facts) -> str:
    """The notice due with de minimis aid; what an advance is worth as a grant depends on its rate, set later."""
    worth = _("précisé dans la convention") if facts.is_advance else money(decision.amount)
    regulation = programme.law("de_minimis_general", _act_day(decision.meeting)).reference
    return programme.text_body(
        "de_minimis_notice",
        amount=money(decision.amount),
        gross_grant_equivalent=worth,
        regulation=regulation[:1].lower() + regulation[1:],
    )


def _refused(decision: Decision, facts: Facts) -> list[Part]:
    meeting, fund = decision.meeting, facts.fund
    opening = programme.text_body(
        "refusal_opening",
        act=act_in_words(meeting.act_number or ""),
        act_on=day(meeting.act_on),
        amount=money(_requested(decision)),
        body=fund.body_name,
        call=in_words_of(facts.call, "title"),
        reference=decision.application.reference,
        submitted_on=day(facts.submitted_at),
        title=decision.application.title,
    )
    why = programme.text_body("refusal_reasons", reasons=_inline(decision.reason)) if decision.reason else ""
    years = programme.law_number("retention_refused", _act_day(meeting))
    following = programme.text_body(
        "refusal_next",
        email=fund.service_email,
        phone=fund.service_phone,
        retention_years=number(years),
        service=fund.service_name,
    )
    return [Part("", opening), Part(_("Les raisons"), why), Part(_("Et maintenant"), following)]


def _remedies(facts: Facts) -> str:
    fund = facts.fund
    gracious = programme.text_body(
        "remedy_gracious", address=fund.service_address, body=fund.body_name, email=fund.service_email
    )
    return f"{gracious}\n\n{programme.text_body('remedy_court', court=in_words_of(fund, 'court'))}"


def _inline(text: str) -> str:
    """What people wrote, after a colon: one line stays in the sentence, several become a list."""
    lines = [line.strip().removeprefix("- ") for line in text.splitlines() if line.strip()]
    return lines[0] if len(lines) == 1 else "".join(f"\n- {line}" for line in lines)


def _act_day(meeting: Meeting) -> date:
    return meeting.act_on or clock.today()


def _report_due_on(ends_on: date, year_end_month: int) -> date:
    """The day the final report is due: so many months after the end of the financial year in which the project ends."""
    year = ends_on.year + (ends_on.month > year_end_month)
    year_end = clock.add_months(date(year, year_end_month, 1), 1) - timedelta(days=1)
    return clock.add_months(year_end, programme.law_number("report_due", ends_on))


def for_reader(decision: Decision) -> DecisionLetter:
    """The letter in the language of who will read it."""
    with force_locale(locale_of(decision)):
        return compose(decision)


def locale_of(decision: Decision) -> str:
    """The language of who will read a letter; French when nobody is left to."""
    reader = queries.reader_of(decision.application)
    return reader.locale if reader is not None else "fr"


def unconfirmed_texts() -> list[str]:
    """The titles of the letters' texts that nobody confirmed yet, for managers."""
    unsure = {code for kind, code in programme.unconfirmed() if kind == "text"}
    return [in_words_of(programme.text_of_code(code), "title") for code in TEXTS if code in unsure]


# ---- out -----------------------------------------------------------------------------------------------------------


def announce(decision: Decision) -> bool:
    """Put the letter of a published decision in the outbox; False when the organisation has nobody left to read it."""
    reader = queries.reader_of(decision.application)
    if reader is None:
        return False
    post.write(
        "deliberation_decision",
        to=reader.email,
        dedup=f"decision:{decision.id}",
        locale=reader.locale,
        dossier_id=decision.application_id,
        letter=for_reader(decision),
        application_id=decision.application_id,
    )
    return True


def decision_paper(decision: Decision, *, locale: str, is_draft: bool = False) -> bytes:
    """The letter on paper, in a language; dated from the publication, or from now while it is a draft."""
    with force_locale(locale):
        letter = compose(decision)
        draft = _("Projet de courrier, non publié") if is_draft else ""
    at = decision.meeting.published_at or clock.now()
    data: dict[str, Any] = {
        "reference": letter.reference,
        "letterhead": {"lines": list(letter.letterhead)},
        "recipient": list(letter.to),
        "draft": draft,
        "facts": [list(pair) for pair in letter.facts],
        "parts": [[part.title, part.text] for part in letter.parts],
    }
    return papers.render("decision", data, at=at, title=letter.subject, language=locale)


def minutes_paper(meeting: Meeting, ranking: Ranking, recusals: dict[UUID, list[str]]) -> bytes:
    """The minutes on paper, dated from the freezing of the advices."""
    data: dict[str, Any] = {
        "reference": meeting.call.code,
        "facts": [list(pair) for pair in minutes_facts(meeting, ranking)],
        "columns": [
            [_("Rang"), "left"], [_("Dossier"), "left", 5], [_("Note"), "right"], [_("Avis"), "left", 3],
            [_("Demandé"), "right"], [_("Proposé"), "right"],
        ],
        "rows": [_minutes_row(line) for line in ranking.lines],
        "total": ["", _("Total"), "", "", money(ranking.requested), money(_advised(ranking.lines))],
        "caption": _("Avis du comité, par rang"),
        "details_title": _("Raisons, conditions et déports"),
        "details": [_minutes_detail(line, recusals.get(line.application_id, [])) for line in ranking.lines],
        "partial": _("Cet exemplaire ne mentionne pas les dossiers avec lesquels la personne qui l’a édité a un lien.")
        if ranking.hides_some
        else "",
        "closing": _("Le comité rend un avis ; la décision appartient à l’assemblée délibérante."),
        "signatures": [[_("La présidence de séance"), []], [_("Le secrétariat de séance"), []]],
    }  # fmt: skip
    at = meeting.frozen_at or clock.now()
    title = _("Procès-verbal — %(title)s", title=meeting.title)
    return papers.render("minutes", data, at=at, title=title, language=language())


def minutes_facts(meeting: Meeting, ranking: Ranking) -> list[tuple[str, str]]:
    """What minutes say first: which meeting, on what, with which money, and the act that followed."""
    pairs = [
        (_("Appel"), in_words_of(meeting.call, "title")),
        (_("Séance du comité"), day(meeting.held_on)),
        (_("Avis figés le"), day(meeting.frozen_at)),
        (_("Dossiers examinés"), number(len(ranking.lines))),
        (_("Enveloppe de l’appel"), money(ranking.call_envelope)),
        (_("Montants demandés"), money(ranking.requested)),
        (_("Montants proposés"), money(_advised(ranking.lines))),
    ]
    if meeting.act_number:
        act = _("%(act)s du %(day)s", act=act_in_words(meeting.act_number), day=day(meeting.act_on))
        pairs += [(_("Décision"), f"{meeting.act_body}, {act}"), (_("Montants votés"), money(ranking.voted))]
    return pairs


def _advised(lines: Sequence[Line]) -> Money:
    return sum((line.advised or Money(0) for line in lines), Money(0))


def _minutes_row(line: Line) -> list[str]:
    return [
        number(line.place.rank),
        f"{line.reference} {line.title}\n{line.organisation}",
        score(line),
        str(VERDICT_LABELS[line.verdict]) if line.verdict else "—",
        money(line.requested),
        money(line.advised),
    ]


def score(line: Line) -> str:
    """The score as minutes keep it: the one that stood when the advice was given."""
    if line.score_hundredths is None:
        return "—"
    return decimal(Fraction(line.score_hundredths, 100), 1)


def _minutes_detail(line: Line, recused: list[str]) -> dict[str, Any]:
    return {
        "title": f"{line.reference} — {line.title}",
        "reason": line.reason,
        "conditions": _("Conditions : %(text)s", text=_inline(line.conditions)) if line.conditions else "",
        "recused": _("Déport : %(names)s", names=", ".join(recused)) if recused else "",
        "decided": _decided(line),
    }


def _decided(line: Line) -> str:
    """How the act departed from the advice, when it did."""
    if line.granted is None or line.voted == line.advised:
        return ""
    return _("L’acte a voté %(amount)s : %(reason)s", amount=money(line.voted), reason=line.decided_reason)
