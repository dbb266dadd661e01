"""What the fund writes to applicants about a dossier they submitted or withdrew."""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import date, datetime, timedelta
from typing import Any, cast

from grants.applications import queries
from grants.applications.models import Application, ApplicationVersion, Approval, Extension
from grants.calls import queries as calls
from grants.calls.models import Call
from grants.kernel import clock, outbox, papers
from grants.kernel.actor import Actor
from grants.kernel.db import db
from grants.kernel.pages import day, instant, link
from grants.kernel.words import LANGUAGES, _, force_locale
from grants.people import queries as people

RECEIPT = "receipt"
REMINDERS = (0, 2, 7)  # days before the closing


def receipt(application: Application, version: ApplicationVersion, *, by: Actor) -> None:
    """Issue the receipt; it goes to whoever submitted and to the organisation's address: one letter per address.

    That of a dossier on paper goes to those who act for the organisation, not to the agent who entered it.
    """
    receipt_text = issue_receipt(version, by=by, texts=queries.texts_of_receipts())[by.locale]
    for address in _addresses(application, by) if receipt_text.paper is None else _addresses_of_team(application):
        outbox.write(
            "applications_receipt",
            to=address,
            dedup=f"receipt:{application.id}:{address}" + (f":{version.number}" if version.number > 1 else ""),
            locale=by.locale,
            dossier_id=application.id,
            receipt=receipt_text,
            application_id=application.id,
        )


def _enclosed_receipt(letter: outbox.Letter) -> outbox.Enclosure | None:
    """The receipt of the version a letter is about; None for one that left before papers were kept."""
    version = queries.version_at(letter.dossier_id, letter.created_at) if letter.dossier_id is not None else None
    paper = papers.latest(RECEIPT, version.id) if version is not None else None
    if version is None or paper is None:
        return None
    return outbox.Enclosure(paper.id, receipt_name(version))


outbox.enclose("applications_receipt", _enclosed_receipt)


def receipt_name(version: ApplicationVersion) -> str:
    """The name of the file of a receipt."""
    number = f"-v{version.number}" if version.number > 1 else ""
    return f"recu-{version.application.reference}{number}.pdf"


def approval_asked(application: Application, approval: Approval, secret: str, *, by: Actor) -> None:
    """To the legal representative: the link that approves a draft."""
    outbox.write(
        "applications_approval",
        to=approval.email,
        dedup=f"approval:{approval.id}",
        locale=by.locale,
        dossier_id=application.id,
        secret=secret,
        organisation=application.organisation.name,
        asker=by.name,
        days=(approval.expires_at - approval.asked_at).days,
    )


def approval_code(approval: Approval, code: str) -> None:
    """To the legal representative: the code that goes with the link."""
    outbox.write(
        "applications_approval_code",
        to=approval.email,
        dedup=f"approval:{approval.id}:{approval.code_expires_at}",
        dossier_id=approval.application_id,
        secret=code,
    )


def approval_settled(approval: Approval) -> None:
    """To whoever asked for the approval: what became of it; what the representative wrote stands on the page."""
    asker = people.account(approval.asked_by)
    outbox.write(
        "applications_approval_settled",
        to=asker.email,
        dedup=f"approval:{approval.id}:settled",
        locale=asker.locale,
        dossier_id=approval.application_id,
        is_approved=approval.is_approved,
        name=approval.name,
        application_id=approval.application_id,
    )


def withdrawal(application: Application, *, by: Actor) -> None:
    """The withdrawal of a submitted dossier, to the same addresses and to everybody responsible for it."""
    owners = [owner.email for owner in people.owners_of(application.organisation_id)]
    for address in dict.fromkeys((*_addresses(application, by), *owners)):
        outbox.write(
            "applications_withdrawal",
            to=address,
            dedup=f"withdrawal:{application.id}:{address}",
            locale=by.locale,
            dossier_id=application.id,
            application=application,
            name=by.name,
        )


def extensions() -> int:
    """To the author of each draft of an open call: its closing was put later, and why. Returns how many were written.

    The calls chapter does not know the dossiers; this one asks it. A closing is told once per dossier, so that the
    worker may ask again and again.
    """
    written = 0
    at = clock.now()
    for call in [call for call in calls.open_calls(at) if calls.extensions(call)]:
        closing = cast(datetime, call.closes_at)  # an open call has one
        known = queries.letters_written(f"extension:{call.id}:")
        for draft in queries.drafts_with_author(call.id):
            dedup = f"extension:{call.id}:{draft.id}:{closing}"
            if dedup in known:
                continue
            with force_locale(draft.locale):
                reason = calls.extensions(call)[-1].reason
            _about_draft("applications_extension", draft, dedup, call=call, closes_at=closing, reason=reason)
            written += 1
    return written


def reminders() -> int:
    """That a draft is not submitted yet: seven days before its own closing, two days before, and on the day. Returns
    how many letters were written.

    Each reminder of a closing is written once to each person, and not for a draft that was begun, or given that
    closing, on that day or later. The worker may ask again and again; a reminder that it missed is left out once a
    later one is due.
    """
    at, written = clock.now(), 0
    for call_id, closing in queries.closings_to_come(at):
        days = next((days for days in REMINDERS if _days_until(closing, at) <= days), None)
        if days is None:
            continue
        key = f"unsubmitted:{call_id}:{days}:{clock.day_of(closing)}:"
        known = queries.letters_written(key)
        for draft in queries.drafts_to_remind_of(call_id, closing, closing - timedelta(days=days + 1)):
            dedup = f"{key}{draft.id}:{draft.email}"[:200]
            if dedup in known:
                continue
            call = db.session.get_one(Call, call_id)
            _about_draft("applications_unsubmitted", draft, dedup, call=call, closes_at=closing)
            written += 1
    return written


def extension_given(application: Application, extension: Extension, before: datetime | None) -> None:
    """To everybody who may submit a dossier: the later closing it was given, and why; `before` is the one that ends."""
    for person in people.active_members(application.organisation_id):
        outbox.write(
            "applications_extension_given",
            to=person.email,
            dedup=f"given:{application.id}:{extension.number}:{person.email}"[:200],
            locale=person.locale,
            dossier_id=application.id,
            application=application,
            extension=extension,
            before=before,
        )


def _about_draft(
    template: str, draft: queries.DraftOf, dedup: str, *, call: Call, closes_at: datetime, reason: str = ""
) -> None:
    """Write a letter about a draft of a call to the person it names."""
    outbox.write(
        template,
        to=draft.email,
        dedup=dedup,
        locale=draft.locale,
        dossier_id=draft.id,
        call=call,
        closes_at=closes_at,
        title=draft.title,
        stands_at=draft.stands_at,
        reason=reason,
        application_id=draft.id,
    )


def _days_until(closing: datetime, at: datetime) -> int:
    return (clock.day_of(closing) - clock.day_of(at)).days


def issue_receipt(
    version: ApplicationVersion, *, by: Actor, texts: queries.Texts, recomposed: bool = False
) -> dict[str, queries.SubmissionReceipt]:
    """Keep the receipt of a frozen version, in every language, as it reads now; returns it by language."""
    receipts = _receipts(version, texts)
    papers.issue(
        RECEIPT,
        version,
        {language: _receipt_text(each, language, recomposed=recomposed) for language, each in receipts.items()},
        by=by,
        recomposed=recomposed,
    )
    return receipts


def _receipts(version: ApplicationVersion, texts: queries.Texts) -> dict[str, queries.SubmissionReceipt]:
    content, receipts = queries.content_in(version), {}
    for language in LANGUAGES:
        with force_locale(language):
            receipts[language] = queries.receipt_of(version.application, content, texts)
    return receipts


def recompose_receipts(limit: int, *, by: Actor) -> int:
    """Keep the receipts that left before papers were kept, marked with the day of today; returns how many."""
    left = papers.never_issued(RECEIPT, ApplicationVersion, limit)
    texts = queries.texts_of_receipts() if left else {}
    for version in left:
        issue_receipt(version, by=by, texts=texts, recomposed=True)
    return len(left)


def receipt_of(version: ApplicationVersion, language: str) -> queries.SubmissionReceipt:
    """The receipt as it was issued; as it would read today when it left before papers were kept."""
    paper = papers.latest(RECEIPT, version.id)
    if paper is None:
        return queries.receipt_of(version.application, queries.content_in(version))
    said = papers.said(paper, language)
    submitted_at, files = datetime.fromisoformat(said.pop("submitted_at")), said.pop("files")
    said |= {name: read(said.pop(name, None)) for name, read in _WRITTEN.items()}
    return queries.SubmissionReceipt(
        **said, submitted_at=submitted_at, files=[_with_instant(file) for file in files],
    )  # fmt: skip


def _instant_of(written: str | None) -> datetime | None:
    """An instant of a kept receipt; older ones have none."""
    return None if written is None else datetime.fromisoformat(written)


def _approval_of(written: Mapping[str, str] | None) -> queries.ApprovalFacts | None:
    """What a kept receipt says of an approval; None without one."""
    if written is None:
        return None
    at = datetime.fromisoformat(written["approved_at"])
    return queries.ApprovalFacts(written["name"], written["role"], at)


def _paper_of(written: Mapping[str, str | None] | None) -> queries.PaperFacts | None:
    """What a kept receipt says of a dossier on paper; None for any other."""
    if written is None:
        return None
    received_on, postmarked_on = written["received_on"] or "", written["postmarked_on"]
    return queries.PaperFacts(
        date.fromisoformat(received_on), date.fromisoformat(postmarked_on) if postmarked_on else None,
        written["entered_by"] or "",
    )  # fmt: skip


# What a kept receipt does not hold as it is read, or may lack.
_WRITTEN: Mapping[str, Callable[[Any], object]] = {
    "replaced_at": _instant_of,
    "attempted_at": _instant_of,
    "extension_ends_at": _instant_of,
    "paper": _paper_of,
    "approval": _approval_of,
}


def _with_instant(file: Mapping[str, object]) -> dict[str, object]:
    """A file of a kept receipt with its instant read again; older ones have none."""
    given_at = cast(str | None, file.get("given_at"))
    return {**file, "given_at": datetime.fromisoformat(given_at)} if given_at is not None else dict(file)


def receipt_pdf(version: ApplicationVersion, language: str) -> bytes:
    """The receipt on paper, the same bytes as when it was issued."""
    paper = papers.latest(RECEIPT, version.id)
    if paper is None:
        receipt_text = _receipts(version, queries.texts_of_receipts())[language]
        return papers.draw(_receipt_text(receipt_text, language, recomposed=True)["sheet"])
    return papers.given(paper, language)


def _receipt_text(receipt_text: queries.SubmissionReceipt, language: str, *, recomposed: bool) -> dict[str, Any]:
    with force_locale(language):
        notice = papers.recomposed_notice() if recomposed else ""
        data = {
            "reference": receipt_text.reference,
            "letterhead": {"lines": [value for _label, value in receipt_text.service if value]},
            "recipient": [receipt_text.organisation],
            "text": receipt_text.text,
            "facts": [
                (_("Numéro du dossier"), receipt_text.reference),
                (_("Projet"), receipt_text.title),
                (received_words(receipt_text), instant(receipt_text.submitted_at)),
                *let_in_words(receipt_text),
                *([(_("Version"), version_words(receipt_text))] if receipt_text.number > 1 else []),
            ],
            "digest_title": _("Empreinte SHA-256 du dossier tel qu’il a été déposé :"),
            "digest": receipt_text.digest,
            "completeness": receipt_text.completeness,
            "lacking": list(receipt_text.lacking),
            "files_title": _("Fichiers reçus"),
            "files_head": [_("Fichier"), _("Donné pour"), _("Empreinte SHA-256")],
            "files": [[file["name"], file["given_for"], file["sha256"]] for file in receipt_text.files],
            "silence_title": _("Si aucune décision ne vous parvient"),
            "silence": receipt_text.silence,
            "remedies": [{"title": title, "text": text} for title, text in receipt_text.remedies],
            "verify_title": _("Vérifier ce reçu"),
            "verify": _(
                "N’importe qui peut vérifier ce reçu à l’adresse %(address)s, avec son numéro et son empreinte.",
                address=link("applications.verify"),
            ),
        }
        title = _("Accusé de réception électronique") if receipt_text.paper is None else _("Accusé de réception")
    page = papers.sheet("receipt", data, at=receipt_text.submitted_at, title=title, language=language, notice=notice)
    return {"sheet": page, "said": asdict(receipt_text)}


def received_words(receipt_text: queries.SubmissionReceipt) -> str:
    """What the instant of a receipt is: when the dossier came, or when it was entered from paper."""
    return _("Reçu le") if receipt_text.paper is None else _("Enregistré le")


def let_in_words(receipt_text: queries.SubmissionReceipt) -> list[tuple[str, str]]:
    """What let a dossier in after the closing of its call, as (label, instant), nothing before it; the two days of one
    that came on paper, and who entered it; who approved it."""
    if receipt_text.paper is not None:
        return paper_words(receipt_text.paper)
    approved = approval_words(receipt_text.approval) if receipt_text.approval is not None else []
    facts = (
        (_("Délai accordé jusqu’au"), receipt_text.extension_ends_at),
        (_("Dépôt demandé avant la clôture"), receipt_text.attempted_at),
    )
    return [*((label, instant(at)) for label, at in facts if at is not None), *approved]


def approval_words(given: queries.ApprovalFacts) -> list[tuple[str, str]]:
    """Who approved a dossier, and when, as (label, words)."""
    who = f"{given.name}, {given.role}" if given.role else given.name
    return [(_("Approuvé par"), _("%(name)s, le %(at)s", name=who, at=instant(given.approved_at)))]


def paper_words(paper: queries.PaperFacts) -> list[tuple[str, str]]:
    """What is said of a dossier that came on paper, as (label, words)."""
    posted = (_("Cachet de la poste"), day(paper.postmarked_on)) if paper.postmarked_on is not None else (
        _("Envoi"), _("remis en main propre")
    )  # fmt: skip
    return [
        (_("Dépôt"), _("déposé sur papier")),
        posted,
        (_("Arrivé au fonds"), day(paper.received_on)),
        (_("Saisi par"), paper.entered_by),
    ]


def version_words(receipt_text: queries.SubmissionReceipt) -> str:
    """Which version a receipt is of, and which one it replaces."""
    return _(
        "%(number)s, elle remplace celle du %(at)s",
        number=receipt_text.number, at=instant(receipt_text.replaced_at),
    )  # fmt: skip


def is_written_to(application: Application) -> bool:
    """Whether anybody can be written to about a dossier that came on paper."""
    return bool(_addresses_of_team(application))


def _addresses_of_team(application: Application) -> list[str]:
    organisation = application.organisation
    members = [person.email for person in people.active_members(application.organisation_id)]
    given = (*members, organisation.email or organisation.representative_email)
    return list(dict.fromkeys(address.strip().lower() for address in given if address.strip()))


def _addresses(application: Application, by: Actor) -> list[str]:
    organisation = application.organisation
    given = (by.email, organisation.email or organisation.representative_email)
    return list(dict.fromkeys(address.strip().lower() for address in given if address.strip()))
