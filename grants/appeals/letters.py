"""What is written about an appeal: the receipt that tells its clock, the answer, and the letters that announce them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from grants.appeals import queries, rules
from grants.appeals.lifecycle import LIFECYCLE
from grants.appeals.models import Appeal
from grants.deliberation.rules import act_in_words
from grants.kernel import outbox, papers
from grants.kernel.access import may_know
from grants.kernel.actor import Actor
from grants.kernel.pages import day, instant, money, number
from grants.kernel.uploads import StoredFile
from grants.kernel.words import LANGUAGES, _, force_locale, in_words_of
from grants.people import queries as people
from grants.people.models import Account, Role
from grants.programme import queries as programme

RECEIPT, ANSWER = "appeal_receipt", "appeal_answer"
Part = tuple[str, str]
Said = Mapping[str, Any]


# ---- papers --------------------------------------------------------------------------------------------------------


def _issue(kind: str, appeal: Appeal, *, at: datetime, by: Actor, files: Sequence[StoredFile] = ()) -> None:
    """Keep a paper about an appeal in every language, as it reads now."""
    texts = {}
    for language in LANGUAGES:
        with force_locale(language):
            said = _receipt(appeal, files) if kind == RECEIPT else _answer(appeal)
        texts[language] = {"sheet": _sheet(appeal, said, at=at, language=language), "said": said}
    papers.issue(kind, appeal, texts, by=by)


def _sheet(appeal: Appeal, said: Said, *, at: datetime, language: str) -> dict[str, Any]:
    fund, organisation = appeal.application.call.fund, appeal.application.organisation
    letterhead = (fund.service_name, fund.service_address, fund.service_email, fund.service_phone)
    place = f"{organisation.postcode} {organisation.city}".strip()
    to = (organisation.name, organisation.representative_name, organisation.address, place)
    data = {
        "reference": appeal.application.reference or "",
        "letterhead": {"lines": [line for line in letterhead if line]},
        "recipient": [line for line in to if line],
        "facts": said["facts"],
        "parts": said["parts"],
    }
    return papers.sheet("decision", data, at=at, title=said["title"], language=language)


def _receipt(appeal: Appeal, files: Sequence[StoredFile]) -> dict[str, Any]:
    """What the receipt says: that the appeal is here, until when an answer is due, what silence means then."""
    fund = appeal.application.call.fund
    opening = _(
        "Nous avons reçu votre recours gracieux contre la décision prise sur votre projet « %(title)s » "
        "(dossier n° %(reference)s).",
        title=appeal.application.title, reference=appeal.application.reference,
    )  # fmt: skip
    given = "\n".join(f"- {file.name} ({file.sha256})" for file in files)
    parts: list[Part] = [
        ("", opening),
        (_("Quand vous aurez une réponse"), _clock_in_words(appeal)),
        (_("Vos raisons"), appeal.reasons),
        (_("Fichiers reçus et leur empreinte SHA-256"), given),
        (_("Saisir le tribunal"), programme.text_body("remedy_court", court=in_words_of(fund, "court"))),
    ]
    facts = [
        *_decided(appeal),
        (_("Recours reçu le"), instant(appeal.lodged_at)),
        (_("Sans réponse, réputé rejeté après le"), day(appeal.answer_due_on)),
    ]
    return _said(_("Accusé de réception de votre recours gracieux"), parts, facts)


def _clock_in_words(appeal: Appeal) -> str:
    law = programme.law(rules.SILENCE, appeal.lodged_at.date())
    return _(
        "Le service du fonds vous répond, ou renvoie votre recours à l’assemblée délibérante, qui vote. Sans réponse "
        "au plus tard le %(day)s, votre recours est réputé rejeté : %(months)s mois de silence (%(law)s). Une réponse "
        "peut encore venir après ce jour.",
        day=day(appeal.answer_due_on), months=number(int(law.value)), law=law.reference,
    )  # fmt: skip


def _answer(appeal: Appeal) -> dict[str, Any]:
    """What the answer says: the outcome, the act where the body voted, the reasons, what can still be done."""
    fund = appeal.application.call.fund
    opening = _(
        "Le %(lodged)s, vous avez demandé à la %(body)s de revoir la décision prise sur votre projet « %(title)s » "
        "(dossier n° %(reference)s).",
        lodged=day(appeal.lodged_at), body=fund.body_name, title=appeal.application.title,
        reference=appeal.application.reference,
    )  # fmt: skip
    parts: list[Part] = [("", opening), (_("La réponse"), _outcome(appeal)), (_("Pourquoi"), appeal.answer or "")]
    if appeal.grants_more:
        following = _("Le service du fonds vous écrira pour mettre ce nouvel acte en œuvre.")
        parts.append((_("La suite"), following))
    if appeal.voted is None or appeal.voted < queries.requested_of(appeal.application, appeal.decision):
        court = programme.text_body("remedy_court", court=in_words_of(fund, "court"))
        parts.append((_("Si vous n’êtes pas d’accord"), court))
    facts = [*_decided(appeal), (_("Recours reçu le"), instant(appeal.lodged_at))]
    if appeal.voted is not None:
        facts += [(_("Nouvel acte"), _act(appeal)), (_("Montant après le recours"), money(appeal.voted))]
    return _said(_("Réponse à votre recours gracieux"), parts, facts)


def _outcome(appeal: Appeal) -> str:
    state = LIFECYCLE.states[appeal.state]
    return f"{state.public or state.label}. {_what_changes(appeal)}"


def _what_changes(appeal: Appeal) -> str:
    if appeal.voted is None:
        return _("La décision ne change pas.")
    if appeal.voted == appeal.decided:
        return _("Par %(act)s, l’assemblée confirme sa décision.", act=_act(appeal))
    return _("Par %(act)s, l’assemblée accorde %(amount)s en tout.", act=_act(appeal), amount=money(appeal.voted))


def _act(appeal: Appeal) -> str:
    return _("%(act)s du %(day)s", act=act_in_words(appeal.act_number or ""), day=day(appeal.act_on))


def _decided(appeal: Appeal) -> list[Part]:
    meeting = appeal.decision.meeting
    act = _("%(act)s du %(day)s", act=act_in_words(meeting.act_number or ""), day=day(meeting.act_on))
    outcome = money(appeal.decided) if appeal.decided else _("non retenu")
    return [(_("Décision contestée"), f"{meeting.act_body}, {act}"), (_("Ce qu’elle accorde"), outcome)]


def _said(title: str, parts: Sequence[Part], facts: Sequence[Part]) -> dict[str, Any]:
    kept = [[title, text] for title, text in parts if text]
    return {"title": title, "parts": kept, "facts": [list(fact) for fact in facts]}


def paper(kind: str, appeal: Appeal, language: str) -> bytes | None:
    """A paper about an appeal, the same bytes as when it was issued; None while it is not."""
    issued = papers.latest(kind, appeal.id)
    return None if issued is None else papers.given(issued, language)


def said(kind: str, appeal: Appeal, language: str) -> dict[str, Any] | None:
    """What a paper about an appeal says (title, parts, facts), for its page; None while it is not issued."""
    issued = papers.latest(kind, appeal.id)
    return None if issued is None else papers.said(issued, language)


# ---- out -----------------------------------------------------------------------------------------------------------


def lodged(appeal: Appeal, files: Sequence[StoredFile], *, by: Actor) -> None:
    """Issue the receipt; tell the members of the organisation, and the managers who may know the dossier."""
    _issue(RECEIPT, appeal, at=appeal.lodged_at, by=by, files=files)
    _to_members("appeals_receipt", appeal)
    _to_managers("appeals_lodged", appeal)


def referred(appeal: Appeal) -> None:
    """Tell the members that the deliberative body will vote."""
    _to_members("appeals_referred", appeal)


def answered(appeal: Appeal, *, by: Actor) -> None:
    """Issue the answer and tell the members."""
    if appeal.answered_at is None:
        raise ValueError("an appeal without an answer")
    _issue(ANSWER, appeal, at=appeal.answered_at, by=by)
    _to_members("appeals_answered", appeal)


def withdrawn(appeal: Appeal) -> None:
    """Tell the managers that there is nothing to answer any more."""
    _to_managers("appeals_withdrawn", appeal)


def _to_members(template: str, appeal: Appeal) -> None:
    for account in people.active_members(appeal.application.organisation_id):
        _write(template, appeal, account)


def _to_managers(template: str, appeal: Appeal) -> None:
    for account in people.in_office(Role.MANAGER):
        if may_know(appeal, people.actor_of(account)):
            _write(template, appeal, account)


def _write(template: str, appeal: Appeal, account: Account) -> None:
    application = appeal.application
    outbox.write(
        template, to=account.email, dedup=f"{template}:{appeal.id}:{account.id}", locale=account.locale,
        dossier_id=application.id, application=application, fund=application.call.fund, appeal=appeal,
    )  # fmt: skip
