"""Questions about appeals: may one be lodged, who may answer it, those that wait, what hangs on one."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, func, select

from grants.appeals import rules
from grants.appeals.lifecycle import LIFECYCLE, OPEN, AppealState
from grants.appeals.models import Appeal, AppealFile
from grants.appeals.rules import Period
from grants.applications.models import Application
from grants.deliberation import queries as deliberation
from grants.deliberation.models import Decision
from grants.kernel import clock
from grants.kernel.db import db
from grants.kernel.journal import Entry
from grants.kernel.machine import Text
from grants.kernel.money import Money
from grants.kernel.pages import day
from grants.kernel.paging import Order, Page
from grants.kernel.uploads import StoredFile
from grants.kernel.words import LazyString, _, _l
from grants.people.models import Organisation
from grants.programme import queries as programme

Rows = Select[*tuple[Any, ...]]
Found = Row[*tuple[Any, ...]]
MOST_SHOWN = 20  # appeals on the home page of an association
DECIDED_IT = _l(
    "Vous avez enregistré l’avis ou l’acte que ce recours conteste : une autre personne de la gestion doit répondre."
)


# ---- lodging -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Contest:
    """What an organisation may do about its published decision: the period, and why it may not, if so."""

    decision: Decision
    period: Period
    why_not: Text | None


def contest_of(application: Application) -> Contest | None:
    """The decision on an application as its organisation may contest it; None before its publication."""
    decision = deliberation.published_decision_of(application.id)
    if decision is None:
        return None
    period = period_of(decision)
    return Contest(decision, period, _why_not(application, decision, period))


def _why_not(application: Application, decision: Decision, period: Period) -> Text | None:
    requested = requested_of(application, decision)
    if not rules.is_contestable(granted=decision.granted, amount=decision.amount, requested=requested):
        return _("Cette décision accorde tout ce que vous avez demandé.")
    if standing_of(application.id) is not None:
        return _("Un recours est déjà déposé sur cette décision.")
    if not period.takes(clock.today(application.call.fund.zone)):
        return _("Le délai de recours est passé depuis le %(day)s.", day=day(period.at_latest))
    return None


def period_of(decision: Decision) -> Period:
    """Until when a published decision may be contested, by the dated law of its publication."""
    meeting = decision.meeting
    published_on = clock.day_of(meeting.published_at or clock.now(), meeting.call.fund.zone)
    days = programme.law_number(rules.NOTICE, published_on)
    return Period(
        until=programme.due_on(rules.APPEAL, published_on),
        at_latest=programme.due_on(rules.APPEAL, rules.last_notified(published_on, days)),
    )


def requested_of(application: Application, decision: Decision) -> Money:
    """What the application asked for."""
    return application.requested or decision.amount


def standing_of(application_id: UUID) -> Appeal | None:
    """The appeal on an application that was not withdrawn, open or answered."""
    standing = Appeal.application_id == application_id, Appeal.state != AppealState.WITHDRAWN
    return db.session.scalar(select(Appeal).where(*standing))


def appeals_of(application_id: UUID) -> Sequence[Appeal]:
    """Every appeal on an application, the last one first."""
    mine = select(Appeal).where(Appeal.application_id == application_id)
    return db.session.scalars(mine.order_by(Appeal.lodged_at.desc(), Appeal.id)).all()


def lodged_since(application_id: UUID, since: datetime) -> int:
    """How many appeals were lodged on an application since an instant, those withdrawn included."""
    lodged = Appeal.application_id == application_id, Appeal.lodged_at > since
    return db.session.scalar(select(func.count(Appeal.id)).where(*lodged)) or 0


# ---- one appeal ----------------------------------------------------------------------------------------------------


def files_of(appeal_id: UUID) -> Sequence[StoredFile]:
    """The files joined to an appeal, in the order they were given."""
    joined = select(StoredFile).join(AppealFile, AppealFile.file_id == StoredFile.id)
    mine = joined.where(AppealFile.appeal_id == appeal_id)
    return db.session.scalars(mine.order_by(StoredFile.given_at, StoredFile.id)).all()


def is_of_appeal(file_id: UUID) -> bool:
    """Whether a stored file is joined to an appeal."""
    return db.session.scalar(select(AppealFile.id).where(AppealFile.file_id == file_id)) is not None


def is_silent(appeal: Appeal) -> bool:
    """Whether the silence kept on an appeal means rejection already; an answer may still come, and counts."""
    today = clock.today(appeal.application.call.fund.zone)
    return rules.is_silent(is_open=appeal.is_open, answer_due_on=appeal.answer_due_on, today=today)


def why_not_answer(actor_id: UUID | None, appeal: object) -> LazyString | None:
    """Why a person may not answer an appeal, or None: they gave the recommendation or recorded the act it contests."""
    if not isinstance(appeal, Appeal) or actor_id is None:
        return None
    recommendation = deliberation.recommendation_of(appeal.application_id)
    gave = recommendation is not None and recommendation.made_by == actor_id
    recorded = select(Entry.seq).where(
        Entry.subject_id == appeal.decision_id, Entry.event == "decision.recorded", Entry.actor_id == actor_id
    )
    return DECIDED_IT if gave or db.session.scalar(recorded.limit(1)) is not None else None


def unsure_clocks() -> list[str]:
    """The titles of the dated rules that an appeal counts by and that no manager confirmed yet."""
    return [row.title for row in programme.unconfirmed_law() if row.code in rules.CLOCKS]


# ---- those that wait -----------------------------------------------------------------------------------------------


def waiting_count(hidden: Collection[UUID]) -> Select[int]:
    """How many appeals wait for an answer, without those about dossiers kept from a person: a statement for a page
    that counts more."""
    return select(func.count(Appeal.id)).where(Appeal.state.in_(OPEN), *_known(hidden))


def _known(hidden: Collection[UUID]) -> list[Any]:
    return [Appeal.application_id.not_in(hidden)] if hidden else []


_LISTED: Rows = (
    select(
        Appeal.id,
        Appeal.state,
        Appeal.lodged_at,
        Appeal.answer_due_on,
        Appeal.answered_at,
        Application.reference,
        Application.title,
        Organisation.name.label("organisation"),
    )
    .join(Application, Application.id == Appeal.application_id)
    .join(Organisation, Organisation.id == Application.organisation_id)
)


def listed(hidden: Collection[UUID], *, is_open: bool, after: str | None = None, before: str | None = None) -> Page:
    """A page of the appeals that wait, the answer due first before the others; or of the closed ones, newest first."""
    wanted = Appeal.state.in_(OPEN) if is_open else Appeal.state.not_in(OPEN)
    order = Order(Appeal.answer_due_on, Appeal.id) if is_open else Order(Appeal.lodged_at, Appeal.id, descending=True)
    return order.page(_LISTED.where(wanted, *_known(hidden)), after=after, before=before)


def words_of_state(state: AppealState) -> Text:
    """The word of a state for the people of the fund."""
    return LIFECYCLE.states[state].label


def open_of_organisations(organisations: Collection[UUID]) -> Sequence[Found]:
    """The open appeals of organisations, the answer due first before the others; at most one query. Columns: id, state,
    answer_due_on, title, organisation."""
    if not organisations:
        return []
    mine = Application.organisation_id.in_(list(organisations)), Appeal.state.in_(OPEN)
    return db.session.execute(
        select(
            Appeal.id, Appeal.state, Appeal.answer_due_on, Application.title, Organisation.name.label("organisation")
        )
        .join(Application, Application.id == Appeal.application_id)
        .join(Organisation, Organisation.id == Application.organisation_id)
        .where(*mine)
        .order_by(Appeal.answer_due_on, Appeal.id)
        .limit(MOST_SHOWN)
    ).all()


# ---- what is kept about a person -----------------------------------------------------------------------------------


def lodged_by(account_id: UUID, hidden: Collection[UUID]) -> Rows:
    """The appeals a person lodged, without those about `hidden` dossiers."""
    return (
        select(Appeal.lodged_at, Application.reference, Appeal.reasons)
        .join(Application, Application.id == Appeal.application_id)
        .where(Appeal.lodged_by == account_id, Application.id.not_in(hidden))
        .order_by(Appeal.lodged_at, Appeal.id)
    )
