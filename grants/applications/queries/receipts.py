"""The proof of reception, and the files it names."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import (
    func,
    select,
)

from grants.applications import rules
from grants.applications.lifecycle import SUBMITTED_STATES
from grants.applications.models import (
    Application,
    ApplicationVersion,
)
from grants.applications.parts.fields import (
    Content,
)
from grants.applications.queries.approvals import ApprovalFacts, approval_facts
from grants.applications.queries.content import content_of
from grants.applications.queries.corrections import version_of
from grants.kernel.db import db
from grants.kernel.pages import day, instant
from grants.kernel.words import _, in_words_of
from grants.programme import queries as programme
from grants.programme.models import (
    ConfiguredText,
)

REMEDIES = ("remedy_gracious", "remedy_court")
Texts = Mapping[str, ConfiguredText]


# ---- the receipt ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class PaperFacts:
    """What a receipt says of a dossier that came on paper: its two days, and who entered it here."""

    received_on: date
    postmarked_on: date | None
    entered_by: str


@dataclass(frozen=True)
class SubmissionReceipt:
    """The proof of reception (CRPA, art. L112-3, L112-11, R112-5), in the reader's language.

    `number` is that of the version it is of, `replaced_at` when the version before was submitted; `attempted_at` when
    it was attempted before the closing, for one that the grace of its call let in; `extension_ends_at` when the
    extension ends that let it in after the closing of its call; `paper` for one that came on paper, whose
    `submitted_at` is the instant at which it was entered here.
    """

    reference: str
    title: str
    organisation: str
    call: str
    submitted_at: datetime
    digest: str
    files: Sequence[Content]
    text: str
    complete: bool
    completeness: str
    lacking: Sequence[str]
    silence: str
    remedies: Sequence[tuple[str, str]]
    service: Sequence[tuple[str, str]]
    number: int = 1
    replaced_at: datetime | None = None
    attempted_at: datetime | None = None
    extension_ends_at: datetime | None = None
    paper: "PaperFacts | None" = None
    approval: ApprovalFacts | None = None


def texts_of_receipts() -> Texts:
    """What the fund says on its receipts, in both languages. Raises LookupError when a text is missing."""
    return programme.texts_of_codes(("receipt", "implicit_rejection", *REMEDIES))


def receipt_of(
    application: Application, content: Content | None = None, texts: Texts | None = None
) -> SubmissionReceipt:
    """The receipt of a submitted application: of `content` when it is known what was frozen. LookupError for a draft.

    `texts` are those of `texts_of_receipts`, for whoever tells a receipt in several languages.
    """
    content = content_of(application.id) if content is None else content
    texts = texts or texts_of_receipts()
    call, fund = application.call, application.call.fund
    submitted_at: datetime = content["submitted_at"]
    number: int = content["number"]
    paper = paper_facts(content)
    values = {
        "address": fund.service_address,
        "association": content["organisation"]["name"],
        "body": fund.body_name,
        "call": in_words_of(call, "title"),
        "court": in_words_of(fund, "court"),
        "email": fund.service_email,
        "phone": fund.service_phone,
        "reference": str(application.reference),
        "service": fund.service_name,
        "silence_on": day(application.silence_on),
        "submitted_at": instant(submitted_at) if paper is None else day(paper.received_on),
        "title": content["project"]["title"],
    }
    lacking = [in_words_of(piece, "label") for piece in content["pieces"] if piece["expected"] and not piece["files"]]
    return SubmissionReceipt(
        reference=str(application.reference),
        title=content["project"]["title"],
        organisation=content["organisation"]["name"],
        call=values["call"],
        submitted_at=submitted_at,
        digest=content["digest"],
        files=files_in(content),
        text=_filled(texts["receipt"], values),
        complete=not lacking,
        completeness=_completeness(lacking),
        lacking=lacking,
        silence=_filled(texts["implicit_rejection"], values),
        remedies=[(in_words_of(texts[code], "title"), _filled(texts[code], values)) for code in REMEDIES],
        service=[
            (_("Service"), fund.service_name),
            (_("Adresse"), fund.service_address),
            (_("Téléphone"), fund.service_phone),
            (_("Courriel"), fund.service_email),
        ],
        number=number,
        replaced_at=_replaced_at(application, number),
        attempted_at=content.get("attempted_at"),
        extension_ends_at=content.get("extension_ends_at"),
        paper=paper,
        approval=approval_facts(content),
    )


def paper_facts(content: Content) -> PaperFacts | None:
    """What a content says of the paper it was entered from; None for one that came by the pages."""
    paper: Content | None = content.get("paper")
    return PaperFacts(paper["received_on"], paper["postmarked_on"], paper["entered_by"]) if paper else None


def _replaced_at(application: Application, number: int) -> datetime | None:
    before = version_of(application.id, number - 1) if number > 1 else None
    return before.frozen_at if before is not None else None


def _completeness(lacking: Sequence[str]) -> str:
    if not lacking:
        return _("Toutes les pièces attendues sont jointes.")
    return _("Des pièces attendues manquent. Elles n’empêchent pas l’examen du dossier ; elles vous seront demandées.")


def _filled(text: ConfiguredText, values: Mapping[str, str]) -> str:
    return rules.fill(in_words_of(text, "body"), values)


def files_in(content: Content) -> list[Content]:
    """Every file of a content, pieces first, with what it was given for."""
    found = (
        [{**content["paper"]["scan"], "given_for": _("Dossier papier, tel qu’il a été reçu")}]
        if "paper" in content
        else []
    )
    found += [
        {**file, "given_for": in_words_of(piece, "label")} for piece in content["pieces"] for file in piece["files"]
    ]
    found += [
        {**question["file"], "given_for": in_words_of(question, "label")}
        for section in content["sections"]
        for question in section["questions"]
        if question.get("file")
    ]
    return found


def is_authentic(reference: str, digest: str) -> bool:
    """Whether a reference and a digest stand on the same receipt."""
    found = db.session.scalar(
        select(func.count())
        .select_from(ApplicationVersion)
        .join(Application, Application.id == ApplicationVersion.application_id)
        .where(
            Application.reference == reference,
            ApplicationVersion.digest == digest,
            Application.state.in_(SUBMITTED_STATES),
        )
    )
    return bool(found)
