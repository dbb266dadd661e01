"""Dossiers that came on paper: those of a call, and who entered them."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, Uuid, exists, literal, or_, select, union_all

from grants.applications.lifecycle import LIFECYCLE, ApplicationState
from grants.applications.models import Application, Correction, PaperDossier
from grants.applications.queries.corrections import is_entering
from grants.calls.models import Call
from grants.kernel import journal
from grants.kernel.db import db
from grants.kernel.machine import StatusWord
from grants.kernel.transaction_cache import cached_in_transaction
from grants.people.models import Account, Organisation

_ENTERING = tuple(
    f"application.{verb}"
    for verb in ("paper_begun", "paper_changed", "save", "file_removed", "restored", "submit", "correct",
                 "correction_begun")
)  # fmt: skip


@dataclass(frozen=True)
class EnteredDossier:
    """A dossier that came on paper; `reference` is None while it is being entered."""

    id: UUID
    organisation: str
    reference: str | None
    state: ApplicationState
    paper: PaperDossier
    by: str
    submitted_at: datetime | None

    @property
    def status(self) -> StatusWord:
        """The word and tone of its state."""
        return LIFECYCLE.status(self)

    @property
    def is_being_entered(self) -> bool:
        """Whether it is not submitted."""
        return self.submitted_at is None


def entered_in(call: Call, hidden: Select[UUID]) -> list[EnteredDossier]:
    """The dossiers of a call that came on paper, the last begun first, but for those of `hidden` organisations."""
    rows = db.session.execute(
        select(Application.id, Organisation.name, Application.reference, Application.state, PaperDossier, Account.name,
               Application.submitted_at)
        .join(PaperDossier, PaperDossier.application_id == Application.id)
        .join(Organisation, Organisation.id == Application.organisation_id)
        .join(Account, Account.id == PaperDossier.entered_by)
        .where(Application.call_id == call.id, Organisation.id.not_in(hidden))
        .where(or_(Application.state != ApplicationState.WITHDRAWN, Application.submitted_at.is_not(None)))
        .order_by(Application.on_paper_since.desc(), Application.id)
    )  # fmt: skip
    return [
        EnteredDossier(key, organisation, reference, state, paper, by, at)
        for key, organisation, reference, state, paper, by, at in rows
    ]


def entered_of(call_id: UUID, organisation_id: UUID) -> Application | None:
    """The dossier of an organisation in a call that somebody is entering from paper."""
    return db.session.scalar(
        select(Application)
        .where(Application.call_id == call_id, Application.organisation_id == organisation_id)
        .where(Application.on_paper_since.is_not(None), Application.state == ApplicationState.DRAFT)
        .order_by(Application.id)
        .limit(1)
    )


def submitted_of(call_id: UUID, organisation_id: UUID) -> Application | None:
    """The submitted dossier of an organisation in a call, unless withdrawn."""
    return db.session.scalar(
        select(Application).where(
            Application.call_id == call_id,
            Application.organisation_id == organisation_id,
            Application.submitted_at.is_not(None),
            Application.withdrawn_at.is_(None),
        )
    )


def is_one_being_entered(call_id: UUID) -> bool:
    """Whether somebody is entering a dossier of a call from paper."""
    found = select(literal(value=True)).where(
        Application.call_id == call_id,
        Application.on_paper_since.is_not(None),
        Application.state == ApplicationState.DRAFT,
    )
    return db.session.scalar(found.limit(1)) is not None


def is_unseen(application_id: UUID | None) -> bool:
    """Whether the organisation of this dossier does not see it: see `is_entering`."""
    found = exists().where(Application.id == application_id, is_entering())
    return application_id is not None and bool(db.session.scalar(select(found)))


def has_entered(account_id: UUID, application: Application) -> bool:
    """Whether a person wrote anything of a dossier that came on paper, or of its corrections, as the journal says.
    Asked once in a transaction."""
    drafts = select(Correction.application_id).where(Correction.corrects_id == application.id)
    of_both = union_all(select(literal(application.id, Uuid())), drafts)
    return cached_in_transaction(
        ("has_entered", account_id, application.id),
        lambda: journal.has_acted(account_id, of_both, _ENTERING),
    )
