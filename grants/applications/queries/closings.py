"""Until when a dossier may be submitted: its closing, the extension it was given, the grace of its call."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVarTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Select, case, func, or_, select
from sqlalchemy.orm import aliased

from grants.applications import rules
from grants.applications.lifecycle import ApplicationState
from grants.applications.models import Application, Correction, Extension
from grants.calls import rules as call_rules
from grants.calls.lifecycle import CallState
from grants.calls.models import Call
from grants.calls.rules import WithGrace
from grants.kernel import clock, journal
from grants.kernel.db import db
from grants.kernel.machine import Text
from grants.kernel.words import LazyString, _l
from grants.people.models import Account, Organisation

_ATTEMPTED = "application.attempted"
CORRECTED = aliased(Application)
Columns = TypeVarTuple("Columns")


def attempts_of(application_ids: Collection[UUID]) -> dict[UUID, datetime]:
    """When the submission of some applications was first attempted: the instants at which those requests came in."""
    found = journal.first_facts(_ATTEMPTED, "received_at", application_ids)
    return {key: datetime.fromisoformat(text) for key, text in found.items()}


def attempted_at(application: Application) -> datetime | None:
    """When the submission of an application was first attempted and refused; None when it never was."""
    return attempts_of([application.id]).get(application.id)


# ---- the window ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Window:
    """Whether an application may be submitted now, and until when.

    `closes_at` is its own closing: that of its call, or the end of its `extension` (None where none makes it later).
    `in_grace`: only because it was attempted before its closing, at `attempted_at`. `grace_ends_at` is None where the
    call gives no grace, or gave it.
    """

    is_open: bool
    in_grace: bool
    closes_at: datetime | None
    until: datetime | None
    attempted_at: datetime | None
    grace_ends_at: datetime | None
    extension: Extension | None


def window_of(application: Application, attempted: datetime | None = None) -> Window:
    """The window of an application now; `attempted`: an attempt that is not in the journal yet."""
    dates = application.dates
    if application.is_being_entered:
        return _window_of_paper(application, dates)
    if attempted is None and dates.grace_minutes:
        attempted = attempted_at(application)
    given = extensions_that_count([application.id]) if application.extension_ends_at is not None else {}
    return _window(dates, clock.now(), attempted, given.get(application.id))


def _window_of_paper(application: Application, dates: WithGrace) -> Window:
    """A dossier on paper is submitted whenever it was posted in time, until the examination is over: no instant."""
    is_open = why_not_on_paper(application) is None
    return Window(
        is_open=is_open, in_grace=False, closes_at=dates.closes_at, until=None, attempted_at=None, grace_ends_at=None,
        extension=None,
    )  # fmt: skip


def why_not_on_paper(application: Application, days: rules.PaperDays | None = None) -> tuple[str, Text] | None:
    """The field at fault of a dossier that is entered from paper, and why it cannot be submitted now; None when it can.
    `days`: others than those that are kept."""
    call, dates = application.call, application.dates
    reason = why_not_entered(call)
    if reason is not None or dates.opens_at is None or dates.closes_at is None:
        return "", reason or _l("Cet appel n’est pas publié.")
    kept = days or (application.paper.days if application.paper is not None else None)
    if kept is None:
        raise ValueError("a dossier on paper has its days")
    zone = call.fund.zone
    return rules.why_not_days(
        kept, opened_on=clock.day_of(dates.opens_at, zone), closed_on=clock.day_of(dates.closes_at, zone),
        today=clock.today(),
    )  # fmt: skip


def why_not_entered(call: Call) -> LazyString | None:
    """Why no dossier of a call is entered from paper any more, or yet; None when one is."""
    if call.state is not CallState.OPENED or call.opens_at is None or call.opens_at > clock.now():
        return _l("Cet appel n’a pas commencé, ou il est archivé : aucun dossier papier ne peut y être enregistré.")
    if call.marks_frozen_at is not None:
        return _l("Le comité a déjà arrêté ses notes : aucun autre dossier ne peut plus entrer.")
    return None


def windows_of(application_ids: Collection[UUID]) -> dict[UUID, Window]:
    """The windows of some applications now, in a fixed number of statements."""
    if not application_ids:
        return {}
    at = clock.now()
    joined = select(Application.id, Application.extension_ends_at, Call).join(Call, Call.id == Application.call_id)
    rows = db.session.execute(joined.where(Application.id.in_(application_ids))).all()
    dates: dict[UUID, WithGrace] = {key: rules.dates_for(call, ends_at) for key, ends_at, call in rows}
    over = [key for key, each in dates.items() if each.grace_minutes and not call_rules.is_open(each, at)]
    tried, given = (
        attempts_of(over),
        extensions_that_count([key for key, ends_at, _call in rows if ends_at is not None]),
    )
    return {key: _window(each, at, tried.get(key), given.get(key)) for key, each in dates.items()}


def _window(dates: WithGrace, at: datetime, attempted: datetime | None, extension: Extension | None) -> Window:
    on_time, taken = call_rules.is_open(dates, at), call_rules.takes(dates, at, attempted)
    return Window(
        is_open=taken,
        in_grace=taken and not on_time,
        closes_at=dates.closes_at,
        until=call_rules.ends_at(dates, at, attempted),
        attempted_at=attempted,
        grace_ends_at=call_rules.end_of_grace(dates) if on_time else None,
        extension=extension if extension is not None and extension.ends_at == dates.closes_at else None,
    )


# ---- extensions ------------------------------------------------------------------------------------------------------


def extensions_that_count(application_ids: Collection[UUID]) -> dict[UUID, Extension]:
    """The last extension that was given for some dossiers; a correction has that of the dossier it corrects."""
    if not application_ids:
        return {}
    of = func.coalesce(Correction.corrects_id, Application.id)
    rows = db.session.execute(
        select(Application.id, Extension)
        .outerjoin(Correction, Correction.application_id == Application.id)
        .join(Extension, Extension.application_id == of)
        .where(Application.id.in_(application_ids))
        .order_by(Extension.number)
    )
    return dict(rows.all())


def extensions_of(application_id: UUID) -> Sequence[Extension]:
    """The extensions a dossier was given, the last one, which counts, first."""
    wanted = select(Extension).where(Extension.application_id == application_id)
    return db.session.scalars(wanted.order_by(Extension.number.desc())).all()


@dataclass(frozen=True)
class GivenExtension:
    """An extension that was given, for whom; `reference` is None while the dossier is not submitted."""

    organisation: str
    reference: str | None
    by: str | None
    extension: Extension


def extensions_in(call: Call, hidden: Select[UUID]) -> list[GivenExtension]:
    """The extensions given in a call, the last first, but for those of `hidden` organisations."""
    rows = db.session.execute(
        select(Organisation.name, Application.reference, Account.name, Extension)
        .select_from(Extension)
        .join(Application, Application.id == Extension.application_id)
        .join(Organisation, Organisation.id == Application.organisation_id)
        .outerjoin(Account, Account.id == Extension.given_by)
        .where(Application.call_id == call.id, Organisation.id.not_in(hidden))
        .order_by(Extension.given_at.desc(), Extension.id)
    )
    return [GivenExtension(*row) for row in rows]


# ---- drafts that may still be submitted --------------------------------------------------------------------------


def closing_in_sql() -> ColumnElement[datetime]:
    """The closing of a dossier, among the columns of its call: what `rules.dates_for` says, for a query."""
    later = Application.extension_ends_at > Call.closes_at
    return case((later, Application.extension_ends_at), else_=Call.closes_at)


def of_drafts(wanted: Select[*Columns]) -> Select[*Columns]:
    """What is wanted of the drafts and their calls, but for those that an agent enters from paper, which no closing
    ends, and for the correction of a dossier that is being decided on; `CORRECTED` is the dossier that a correction
    corrects."""
    return (
        wanted.select_from(Application)
        .join(Call, Call.id == Application.call_id)
        .outerjoin(Correction, Correction.application_id == Application.id)
        .outerjoin(CORRECTED, CORRECTED.id == Correction.corrects_id)
        .where(Application.state == ApplicationState.DRAFT, Application.on_paper_since.is_(None))
        .where(or_(CORRECTED.id.is_(None), CORRECTED.state == ApplicationState.SUBMITTED))
    )


def closings_to_come(at: datetime) -> list[tuple[UUID, datetime]]:
    """The closings of drafts that are still to come in calls that began, as (call, instant), the nearest first."""
    closing = closing_in_sql()
    begun = of_drafts(select(Call.id, closing)).where(Call.state == CallState.OPENED, Call.opens_at <= at)
    found = db.session.execute(begun.where(closing >= at).distinct().order_by(closing, Call.id))
    return [(call_id, each) for call_id, each in found]


def last_extension_end(call_id: UUID) -> datetime | None:
    """When the last extension ends that a draft of a call may still use; None when none is to come."""
    running = of_drafts(select(func.max(Application.extension_ends_at))).where(Application.call_id == call_id)
    return db.session.scalar(running.where(Application.extension_ends_at >= clock.now()))
