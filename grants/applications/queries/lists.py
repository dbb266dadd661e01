"""Lists of dossiers, how a dossier is found, and its story as the applicant reads it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from typing import cast as cast_to
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    select,
)
from sqlalchemy.orm import aliased

from grants.applications.lifecycle import LIFECYCLE, ApplicationState
from grants.applications.models import (
    Application,
    ApplicationWord,
    Correction,
)
from grants.applications.queries.corrections import is_correction, is_entering
from grants.applications.queries.gates import refused_form
from grants.calls.models import Call
from grants.kernel import journal
from grants.kernel.db import db
from grants.kernel.machine import StatusWord
from grants.kernel.money import Money
from grants.kernel.search import WordIndex, matches
from grants.kernel.words import LazyString, _l, in_words_of
from grants.people.models import Organisation

# ---- lists ---------------------------------------------------------------------------------------------------------


_WORDS = WordIndex(
    cast_to(ColumnElement[UUID], Application.id),
    cast_to(ColumnElement[str], ApplicationWord.word),
    cast_to(ColumnElement[UUID], ApplicationWord.application_id),
)


def found_by(asked: str) -> list[ColumnElement[bool]]:
    """What an application must fulfil to be found by its reference, its title or its organisation."""
    return matches(asked, Application.search_key, _WORDS)


@dataclass(frozen=True)
class ListedApplication:
    """An application as its applicants see it in a list."""

    id: UUID
    title: str
    reference: str | None
    state: ApplicationState
    status: StatusWord
    organisation: str
    call: str
    submitted_at: datetime | None
    on_paper_since: datetime | None
    touched_at: datetime
    requested: Money | None
    correction_id: UUID | None  # the draft that corrects it, when one is begun


class ListedColumns(Protocol):
    """The columns read of them."""

    id: UUID
    title: str
    reference: str | None
    state: ApplicationState
    organisation: str
    submitted_at: datetime | None
    on_paper_since: datetime | None
    touched_at: datetime
    requested: Money | None
    correction_id: UUID | None


def of_organisations(organisation_ids: Iterable[UUID]) -> list[ListedApplication]:
    """The applications of some organisations, the last touched first; corrections stand with what they correct."""
    wanted = list(organisation_ids)
    if not wanted:
        return []
    draft = aliased(Application)
    begun = (
        select(Correction.corrects_id, Correction.application_id)
        .join(draft, (draft.id == Correction.application_id) & (draft.state == ApplicationState.DRAFT))
        .where(draft.on_paper_since.is_(None))
        .subquery()
    )
    found = db.session.execute(
        select(
            Application.id, Application.title, Application.reference, Application.state, Application.submitted_at,
            Application.on_paper_since, Application.touched_at, Application.requested,
            Organisation.name.label("organisation"),
            Call.title.label("call"), Call.title_en.label("call_en"),
            begun.c.application_id.label("correction_id"),
        )
        .join(Organisation, Organisation.id == Application.organisation_id)
        .join(Call, Call.id == Application.call_id)
        .outerjoin(begun, begun.c.corrects_id == Application.id)
        .where(Application.organisation_id.in_(wanted), ~is_correction(), ~is_entering())
        .order_by(Application.touched_at.desc(), Application.id)
    )  # fmt: skip
    rows = cast_to(Sequence[ListedColumns], found.all())
    return [
        ListedApplication(
            id=row.id,
            title=row.title,
            reference=row.reference,
            state=row.state,
            status=LIFECYCLE.status(row, public=True),
            organisation=row.organisation,
            call=in_words_of(row, "call"),
            submitted_at=row.submitted_at,
            on_paper_since=row.on_paper_since,
            touched_at=row.touched_at,
            requested=row.requested,
            correction_id=row.correction_id,
        )
        for row in rows
    ]


@dataclass(frozen=True)
class Candidate:
    """An organisation that may apply, with the application it already has in the call."""

    id: UUID
    name: str
    refused: str  # why the call does not help organisations of its legal form, empty when it does
    application_id: UUID | None
    reference: str | None


def candidates(call: Call, organisation_ids: Iterable[UUID]) -> list[Candidate]:
    """The organisations a person acts for, by name, each with its application to the call unless withdrawn."""
    wanted = list(organisation_ids)
    if not wanted:
        return []
    here = select(Application.id, Application.reference, Application.organisation_id).where(
        Application.call_id == call.id, Application.state != ApplicationState.WITHDRAWN, ~is_correction(),
        ~is_entering(),
    )  # fmt: skip
    found = db.session.execute(here.where(Application.organisation_id.in_(wanted)))
    begun = {organisation_id: (key, reference) for key, reference, organisation_id in found}
    rows = db.session.execute(
        select(Organisation.id, Organisation.name, Organisation.legal_form)
        .where(Organisation.id.in_(wanted))
        .order_by(Organisation.sort_key, Organisation.id)
    )
    return [
        Candidate(key, name, refused_form(call, legal_form.value), *begun.get(key, (None, None)))
        for key, name, legal_form in rows
    ]


def current(call_id: UUID, organisation_id: UUID) -> Application | None:
    """The application of an organisation to a call, unless withdrawn: the submitted one first, never one that an agent
    is still entering from paper."""
    return db.session.scalar(
        select(Application)
        .where(
            Application.call_id == call_id,
            Application.organisation_id == organisation_id,
            Application.state != ApplicationState.WITHDRAWN,
            ~is_correction(),
            ~is_entering(),
        )
        .order_by(Application.submitted_at.is_(None), Application.created_at, Application.id)
        .limit(1)
    )


# ---- the story as the applicant reads it -----------------------------------------------------------------------------

_EVENTS: dict[str, tuple[LazyString, str]] = {
    "application.started": (_l("Brouillon commencé"), "neutral"),
    "application.extended": (_l("Délai accordé pour le dépôt"), "info"),
    "application.paper_begun": (_l("Dossier reçu sur papier, saisie commencée"), "neutral"),
    "application.submit": (_l("Dossier déposé, reçu envoyé"), "good"),
    "application.correct": (_l("Nouvelle version déposée, reçu envoyé"), "good"),
    "application.request_piece": (_l("Une pièce vous a été demandée"), "warn"),
    "application.complete": (_l("Pièce envoyée"), "info"),
    "application.accept": (_l("Dossier déclaré recevable"), "good"),
    "application.exclude": (_l("Dossier déclaré irrecevable"), "bad"),
    "application.award": (_l("Soutien accordé"), "good"),
    "application.decline": (_l("Dossier non retenu"), "neutral"),
    "application.withdraw": (_l("Dossier retiré"), "neutral"),
    "appeal.lodged": (_l("Recours déposé, accusé de réception envoyé"), "info"),
    "appeal.refer": (_l("Recours renvoyé à l’assemblée délibérante"), "info"),
    "appeal.confirm": (_l("Recours rejeté par l’assemblée"), "neutral"),
    "appeal.reject": (_l("Recours rejeté"), "neutral"),
    "appeal.uphold": (_l("Recours accueilli"), "good"),
    "appeal.uphold_part": (_l("Recours accueilli en partie"), "good"),
    "appeal.withdraw": (_l("Recours retiré"), "neutral"),
}


def story_of(application: Application) -> list[dict[str, object]]:
    """What happened to an application, latest first, without anything the fund keeps to itself."""
    story: list[dict[str, object]] = [
        {"at": line.at, "title": str(_EVENTS[line.event][0]), "tone": _EVENTS[line.event][1]}
        for line in journal.of_dossier(application.id)
        if line.event in _EVENTS
    ]
    return story[::-1]
