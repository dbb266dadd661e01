"""Questions about assignments, interests and marks."""

from uuid import UUID

from sqlalchemy import select

from grants.kernel.db import db
from grants.reviewing.lifecycle import AssignmentState
from grants.reviewing.models import Assignment, Interest, InterestNature


def is_interested(account_id: UUID, application_id: UUID) -> bool:
    """Whether the person declared a link with the application, whenever that was."""
    declared = select(Interest.id).where(
        Interest.account_id == account_id,
        Interest.application_id == application_id,
        Interest.nature != InterestNature.NONE,
    )
    return db.session.scalar(declared.limit(1)) is not None


def is_assigned(account_id: UUID, application_id: UUID) -> bool:
    """Whether the person reads the application for the committee and opened it with a declaration."""
    assigned = select(Assignment.id).where(
        Assignment.reviewer_id == account_id,
        Assignment.application_id == application_id,
        Assignment.state.in_((AssignmentState.OPEN, AssignmentState.SUBMITTED)),
    )
    return db.session.scalar(assigned.limit(1)) is not None
