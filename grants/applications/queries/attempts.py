"""The first time that the submission of an application was asked for and refused, as the journal keeps it."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from grants.applications.models import Application
from grants.calls import rules as call_rules
from grants.calls.models import Call
from grants.kernel import clock, journal
from grants.kernel.db import db

_ATTEMPTED = "application.attempted"


def attempts_of(application_ids: Collection[UUID]) -> dict[UUID, datetime]:
    """When the submission of some applications was first attempted: the instants at which those requests came in."""
    found = journal.first_facts(_ATTEMPTED, "received_at", application_ids)
    return {key: datetime.fromisoformat(text) for key, text in found.items()}


def attempted_at(application: Application) -> datetime | None:
    """When the submission of an application was first attempted and refused; None when it never was."""
    return attempts_of([application.id]).get(application.id)


def in_grace(application_ids: Collection[UUID]) -> dict[UUID, datetime]:
    """Until when some applications of closed calls may still be submitted; those that may not are left out."""
    tried, at = attempts_of(application_ids), clock.now()
    if not tried:
        return {}
    joined = select(Application.id, Call).join(Call, Call.id == Application.call_id)
    calls = db.session.execute(joined.where(Application.id.in_(tried)))
    ends = {key: call_rules.last_instant(call, tried[key]) for key, call in calls}
    return {key: end for key, end in ends.items() if end is not None and at <= end}
