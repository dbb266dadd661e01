"""What is written to applicants after a vote: one letter per dossier, the same on the page, by mail and on paper."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from fractions import Fraction
from typing import Any
from uuid import UUID

from grants.deliberation import queries
from grants.deliberation.lifecycle import MeetingState
from grants.deliberation.models import Decision, Meeting
from grants.deliberation.queries import LetterFacts, RankingLine
from grants.deliberation.rules import VERDICT_LABELS, act_in_words
from grants.kernel import clock, outbox, papers
from grants.kernel.actor import ANONYMOUS, Actor
from grants.kernel.money import Money
from grants.kernel.pages import day, decimal, instant, money, number
from grants.kernel.words import LANGUAGES, _, force_locale, in_words_of
from grants.programme import queries as programme

DECISION, MINUTES = "decision", "minutes"
TEXTS = (
    "award_opening", "award_partial", "award_reserve", "award_next", "de_minimis_notice",
    "refusal_opening", "refusal_reasons", "refusal_next", "remedy_gracious", "remedy_court",
)  # fmt: skip


@dataclass(frozen=True)
class LetterPart:
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
    parts: tuple[LetterPart, ...]


def compose(decision: Decision) -> DecisionLetter:
    """The letter of a decision, from its own facts and the configured texts. Raises LookupError when one is missing."""
    application = decision.application
    facts = queries.facts_of(application)
    parts = _granted(decision, facts) if decision.granted else _refused(decision, facts)
    comments = queries.comments_for_applicant(application.id)
    if comments:
        listed = "\n".join(f"- {comment}" for comment in comments)
        parts.insert(2, LetterPart(_("Ce que les évaluateurs vous disent"), listed))
    if not decision.granted or decision.amount < _requested(decision):
        parts.append(LetterPart(_("Si vous n’êtes pas d’accord"), _remedies(facts)))
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


def _address(facts: LetterFacts) -> tuple[str, ...]:
    organisation = facts.organisation
    place = f"{organisation.postcode} {organisation.city}".strip()
    lines = (organisation.name, organisation.representative_name, organisation.address, place)
    return tuple(line for line in lines if line)


def _requested(decision: Decision) -> Money:
    return decision.application.requested or decision.amount


def _facts(decision: Decision, facts: LetterFacts) -> list[tuple[str, str]]:
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


def _granted(decision: Decision, facts: LetterFacts) -> list[LetterPart]:
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
    parts = [LetterPart("", opening), LetterPart(_("Pourquoi"), why)]
    if decision.conditions:
        reserve = programme.text_body("award_reserve", conditions=_inline(decision.conditions))
        parts.append(LetterPart(_("Les conditions"), reserve))
    parts.append(LetterPart(_("La suite"), _what_happens_next(decision, facts)))
    if facts.is_economic:
        parts.append(LetterPart(_("Aide « de minimis »"), _de_minimis(decision, facts)))
    return parts


def _what_happens_next(decision: Decision, facts: LetterFacts) -> str:
    due_on = programme.report_due_on(facts.ends_on or _act_day(decision.meeting), facts.organisation.year_end_month)
    text = programme.text_body("award_next", report_due_on=day(due_on))
    if facts.is_advance:
        repaid = _("Cette aide est une avance : la convention fixera l’échéancier de son remboursement.")
        return f"{repaid}\n\n{text}"
    return text


def _de_minimis(decision: Decision, facts: LetterFacts) -> str:
    """The notice due with de minimis aid; what an advance is worth as a grant depends on its rate, set later."""
    worth = _("précisé dans la convention") if facts.is_advance else money(decision.amount)
    regulation = programme.law("de_minimis_general", _act_day(decision.meeting)).reference
    return programme.text_body(
        "de_minimis_notice",
        amount=money(decision.amount),
        gross_grant_equivalent=worth,
        regulation=regulation[:1].lower() + regulation[1:],
    )


def _refused(decision: Decision, facts: LetterFacts) -> list[LetterPart]:
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
    return [LetterPart("", opening), LetterPart(_("Les raisons"), why), LetterPart(_("Et maintenant"), following)]


def _remedies(facts: LetterFacts) -> str:
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


def letter_of(decision: Decision, language: str) -> DecisionLetter:
    """The letter as it was issued, in a language; as it would be written today while it is a draft."""
    paper = papers.latest(DECISION, decision.id)
    if paper is not None:
        return _letter_from(papers.said(paper, language))
    with force_locale(language):
        return compose(decision)


def _letter_from(said: Mapping[str, Any]) -> DecisionLetter:
    return DecisionLetter(
        granted=said["granted"],
        subject=said["subject"],
        reference=said["reference"],
        to=tuple(said["to"]),
        letterhead=tuple(said["letterhead"]),
        facts=tuple((label, value) for label, value in said["facts"]),
        parts=tuple(LetterPart(**part) for part in said["parts"]),
    )


def locale_of(decision: Decision) -> str:
    """The language of who will read a letter; French when nobody is left to."""
    reader = queries.reader_of(decision.application)
    return reader.locale if reader is not None else "fr"


def unconfirmed_texts() -> list[str]:
    """The titles of the letters' texts that nobody confirmed yet, for managers."""
    unsure = {code for kind, code in programme.unconfirmed() if kind == "text"}
    return [in_words_of(programme.text_of_code(code), "title") for code in TEXTS if code in unsure]


# ---- out -----------------------------------------------------------------------------------------------------------


def announce(decision: Decision, *, by: Actor) -> bool:
    """Issue the letter of a published decision and put it in the outbox; False when the organisation has nobody left to
    read it, so that the paper goes by post."""
    issue_decision(decision, by=by)
    reader = queries.reader_of(decision.application)
    if reader is None:
        return False
    outbox.write(
        "deliberation_decision",
        to=reader.email,
        dedup=f"decision:{decision.id}",
        locale=reader.locale,
        dossier_id=decision.application_id,
        letter=letter_of(decision, reader.locale),
        application_id=decision.application_id,
    )
    return True


def issue_decision(decision: Decision, *, by: Actor, recomposed: bool = False) -> None:
    """Keep the letter of a published decision, in every language, as it is written now."""
    mark = papers.recomposed_notice if recomposed else str
    texts = {language: _decision_text(decision, language, mark) for language in LANGUAGES}
    papers.issue(DECISION, decision, texts, by=by, recomposed=recomposed)


def decision_paper(decision: Decision, language: str) -> bytes:
    """The letter on paper: the same bytes as when it was issued; a draft, and marked so, until then."""
    paper = papers.latest(DECISION, decision.id)
    if paper is not None:
        return papers.given(paper, language)
    was_announced = queries.published_decision_of(decision.application_id) is not None
    mark = papers.recomposed_notice if was_announced else _draft_notice
    return papers.draw(_decision_text(decision, language, mark)["sheet"])


def _draft_notice() -> str:
    return _("Projet de courrier, non publié")


def _decision_text(decision: Decision, language: str, mark: Callable[[], str]) -> dict[str, Any]:
    """What the letter says in a language, dated from the publication, or from now before it."""
    with force_locale(language):
        letter, notice = compose(decision), mark()
    at = decision.meeting.published_at or clock.now()
    data = {
        "reference": letter.reference,
        "letterhead": {"lines": list(letter.letterhead)},
        "recipient": list(letter.to),
        "facts": [list(pair) for pair in letter.facts],
        "parts": [[part.title, part.text] for part in letter.parts],
    }
    page = papers.sheet("decision", data, at=at, title=letter.subject, language=language, notice=notice)
    return {"sheet": page, "said": asdict(letter)}


def recompose(limit: int, *, by: Actor) -> int:
    """Keep the decisions and minutes that left before papers were kept, marked with the day of today; returns how
    many."""
    announced = queries.announced_decisions()
    decisions = papers.never_issued(DECISION, Decision, limit, Decision.id.in_(announced))
    for decision in decisions:
        issue_decision(decision, by=by, recomposed=True)
    meetings = papers.never_issued(MINUTES, Meeting, limit, Meeting.state != MeetingState.PREPARING)
    for meeting in meetings:
        issue_minutes(meeting, by=by, recomposed=True)
    return len(decisions) + len(meetings)


# ---- minutes -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class MinutesLine:
    """A dossier in the minutes."""

    application_id: str
    rank: int | None
    is_tie: bool
    reference: str
    title: str
    organisation: str
    score: str
    verdict: str
    requested_cents: int
    advised_cents: int  # the key of stored minutes
    reason: str
    conditions: str
    recused: tuple[str, ...]

    @property
    def requested(self) -> Money:
        """What the dossier asks."""
        return Money(self.requested_cents)

    @property
    def recommended(self) -> Money:
        """What the committee proposes."""
        return Money(self.advised_cents)


@dataclass(frozen=True)
class Minutes:
    """What the committee recommended, as it stood when the recommendations were frozen, in one language."""

    title: str
    call: str
    code: str
    head: tuple[tuple[str, str], ...]
    envelope_cents: int
    lines: tuple[MinutesLine, ...]
    hides_some: bool = False

    @property
    def requested(self) -> Money:
        """What the dossiers ask, all together."""
        return sum((line.requested for line in self.lines), Money(0))

    @property
    def recommended(self) -> Money:
        """What the committee proposes, all together."""
        return sum((line.recommended for line in self.lines), Money(0))

    @property
    def facts(self) -> list[tuple[str, str]]:
        """What minutes say first: which meeting, on what, with which money."""
        return [
            *self.head,
            (_("Dossiers examinés"), number(len(self.lines))),
            (_("Enveloppe de l’appel"), money(Money(self.envelope_cents))),
            (_("Montants demandés"), money(self.requested)),
            (_("Montants proposés"), money(self.recommended)),
        ]

    def without(self, hidden: Collection[str]) -> "Minutes":
        """The copy of a person for whom some dossiers do not exist: ranks and totals are those of the others."""
        if not hidden:
            return self
        visible = [line for line in self.lines if line.application_id not in hidden]
        ranks = [line.rank for line in visible if line.rank is not None]
        lines = (
            line
            if line.rank is None
            else replace(
                line,
                rank=1 + sum(rank < line.rank for rank in ranks),
                is_tie=ranks.count(line.rank) > 1,
            )
            for line in visible
        )
        return replace(self, lines=tuple(lines), hides_some=True)


MinutesFacts = tuple[queries.Ranking, Mapping[UUID, Sequence[str]], queries.CalibrationShown | None]


def issue_minutes(meeting: Meeting, *, by: Actor, recomposed: bool = False) -> None:
    """Store the minutes of a frozen meeting in every language: what comes after never enters."""
    facts = _minutes_facts(meeting)
    texts = {language: _minutes_text(meeting, facts, language, recomposed=recomposed) for language in LANGUAGES}
    papers.issue(MINUTES, meeting, texts, by=by, recomposed=recomposed)


def minutes_of(meeting: Meeting, language: str, who: Actor) -> Minutes:
    """The minutes as a person may read them, in a language."""
    paper = papers.latest(MINUTES, meeting.id)
    whole = (
        _minutes_now(meeting, _minutes_facts(meeting), language)
        if paper is None
        else _minutes_from(papers.said(paper, language))
    )
    return whole.without(queries.hidden_in(meeting.call_id, who))


def minutes_paper(meeting: Meeting, language: str, who: Actor) -> bytes:
    """The minutes on paper: the same bytes as when they were issued, or an extract for who may not know of some
    dossiers."""
    paper, read = papers.latest(MINUTES, meeting.id), minutes_of(meeting, language, who)
    if paper is not None and not read.hides_some:
        return papers.given(paper, language)
    with force_locale(language):
        notice = papers.recomposed_notice() if paper is None or paper.recomposed else ""
    return papers.draw(_minutes_sheet(meeting, read, language, notice))


def _minutes_text(meeting: Meeting, facts: MinutesFacts, language: str, *, recomposed: bool) -> dict[str, Any]:
    minutes = _minutes_now(meeting, facts, language)
    with force_locale(language):
        notice = papers.recomposed_notice() if recomposed else ""
    return {"sheet": _minutes_sheet(meeting, minutes, language, notice), "said": asdict(minutes)}


def _minutes_from(said: Mapping[str, Any]) -> Minutes:
    lines = tuple(MinutesLine(**{**line, "recused": tuple(line["recused"])}) for line in said["lines"])
    return Minutes(**{**said, "head": tuple((label, value) for label, value in said["head"]), "lines": lines})


def _minutes_facts(meeting: Meeting) -> MinutesFacts:
    """The ranking and who stepped aside: the same in every language."""
    ranking = queries.ranking_of(meeting.call, ANONYMOUS)
    calibration = queries.calibration_of(meeting, ranking, ANONYMOUS) if meeting.calibrated else None
    return ranking, queries.recusals_of(meeting.call_id, ANONYMOUS), calibration


def _minutes_now(meeting: Meeting, facts: MinutesFacts, language: str) -> Minutes:
    ranking, recusals, calibration = facts
    with force_locale(language):
        return Minutes(
            title=_("Procès-verbal — %(title)s", title=meeting.title),
            call=in_words_of(meeting.call, "title"),
            code=meeting.call.code,
            head=(
                (_("Appel"), in_words_of(meeting.call, "title")),
                (_("Séance du comité"), day(meeting.held_on)),
                (_("Avis figés le"), day(meeting.frozen_at)),
                (_("Rang attendu"), _calibration_in_words(meeting, calibration)),
            ),
            envelope_cents=ranking.call_envelope.cents,
            lines=tuple(_minutes_line(line, recusals.get(line.application_id, ())) for line in ranking.lines),
        )


def _calibration_in_words(meeting: Meeting, shown: queries.CalibrationShown | None) -> str:
    """Whether the committee was shown expected ranks, and from what."""
    if not meeting.calibrated:
        return _("non montré au comité")
    if shown is None:
        return _("montré au comité, sans calcul sur l’ensemble des dossiers")
    made = shown.calibration
    said = _(
        "montré au comité à côté de la note, qui décide ; calculé le %(at)s, graine %(seed)s, notes d’empreinte "
        "%(digest)s",
        at=instant(made.made_at), seed=made.seed, digest=made.digest[:12],
    )  # fmt: skip
    return said if shown.is_current else _("%(said)s ; les évaluations ou l’enveloppe ont changé depuis", said=said)


def _minutes_line(line: RankingLine, recused: Sequence[str]) -> MinutesLine:
    return MinutesLine(
        application_id=str(line.application_id),
        rank=line.place.rank,
        is_tie=line.place.is_tie,
        reference=line.reference,
        title=line.title,
        organisation=line.organisation,
        score=score(line),
        verdict=str(VERDICT_LABELS[line.verdict]) if line.verdict else "—",
        requested_cents=line.requested.cents,
        advised_cents=line.recommended.cents if line.recommended else 0,
        reason=line.reason,
        conditions=line.conditions,
        recused=tuple(recused),
    )


def score(line: RankingLine) -> str:
    """The score as minutes keep it: the one that stood when the recommendation was given."""
    if line.score_hundredths is None:
        return "—"
    return decimal(Fraction(line.score_hundredths, 100), 1)


def _minutes_sheet(meeting: Meeting, minutes: Minutes, language: str, notice: str) -> dict[str, Any]:
    """The minutes on paper, dated from the freezing of the recommendations."""
    with force_locale(language):
        data: dict[str, Any] = {
            "reference": minutes.code,
            "facts": [list(pair) for pair in minutes.facts],
            "columns": [
                [_("Rang"), "left"], [_("Dossier"), "left", 5], [_("Note"), "right"], [_("Avis"), "left", 3],
                [_("Demandé"), "right"], [_("Proposé"), "right"],
            ],
            "rows": [_minutes_row(line) for line in minutes.lines],
            "total": ["", _("Total"), "", "", money(minutes.requested), money(minutes.recommended)],
            "caption": _("Avis du comité, par rang"),
            "details_title": _("Raisons, conditions et déports"),
            "details": [_minutes_detail(line) for line in minutes.lines],
            "partial": _(
                "Cet exemplaire ne mentionne pas les dossiers avec lesquels la personne qui l’a édité a un lien."
            )
            if minutes.hides_some
            else "",
            "closing": _("Le comité rend un avis ; la décision appartient à l’assemblée délibérante."),
            "signatures": [[_("La présidence de séance"), []], [_("Le secrétariat de séance"), []]],
        }  # fmt: skip
    at = meeting.frozen_at or clock.now()
    return papers.sheet("minutes", data, at=at, title=minutes.title, language=language, notice=notice)


def _minutes_row(line: MinutesLine) -> list[str]:
    return [
        number(line.rank),
        f"{line.reference} {line.title}\n{line.organisation}",
        line.score,
        line.verdict,
        money(line.requested),
        money(line.recommended),
    ]


def _minutes_detail(line: MinutesLine) -> dict[str, Any]:
    return {
        "title": f"{line.reference} — {line.title}",
        "reason": line.reason,
        "conditions": _("Conditions : %(text)s", text=_inline(line.conditions)) if line.conditions else "",
        "recused": _("Déport : %(names)s", names=", ".join(line.recused)) if line.recused else "",
    }
