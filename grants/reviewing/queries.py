"""Questions about assignments, interests and marks."""

from collections import defaultdict
from uuid import UUID

from sqlalchemy import ColumnElement, Select, select

from grants.applications.lifecycle import ApplicationState
from grants.applications.models import Application
from grants.calls.models import Block, Call, Criterion
from grants.kernel.db import db
from grants.reviewing.lifecycle import AssignmentState
from grants.reviewing.models import Assignment, Interest, InterestNature, Mark
from grants.reviewing.rules import Grid, GridBlock, GridItem, Result, result

REVIEWED_STATES = (ApplicationState.ELIGIBLE, ApplicationState.AWARDED, ApplicationState.DECLINED)


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


def linked_to(account_id: UUID | None) -> Select[UUID]:
    """The ids of the applications a person declared a link with: a subquery that lists and totals leave out."""
    return select(Interest.application_id).where(
        Interest.account_id == account_id, Interest.nature != InterestNature.NONE
    )


def linked_ids(account_id: UUID) -> frozenset[UUID]:
    """The same as a set, for the chapters that come before this one."""
    return frozenset(db.session.scalars(linked_to(account_id)))


# ---- results -------------------------------------------------------------------------------------------------------


def grid_of(call_id: UUID) -> Grid:
    """The rubric of a call, for arithmetic; two statements."""
    call = db.session.execute(
        select(Call.scale_top, Call.threshold, Call.minimum_reviewers).where(Call.id == call_id)
    ).one()
    rows = db.session.execute(
        select(Block.id, Block.code, Block.weight, Block.minimum_level, Block.tie_rank, Criterion.id, Criterion.weight)
        .join(Criterion, Criterion.block_id == Block.id)
        .where(Block.call_id == call_id)
        .order_by(Block.position, Block.code, Criterion.position, Criterion.code)
    ).all()
    blocks = {row[0]: GridBlock(*row[:5]) for row in rows}
    items = tuple(GridItem(row[5], row[0], row[6]) for row in rows)
    return Grid(tuple(blocks.values()), items, call.scale_top, call.threshold, call.minimum_reviewers)


def results_of(call_id: UUID, grid: Grid | None = None) -> dict[UUID, Result]:
    """What each eligible application of a call received, oldest first, also those nobody reviewed yet.

    Only submitted reviews count; one by a person who declared a link never does, nor one that was removed. The number
    of statements is the same for one application and for thousands.
    """
    reviews: dict[UUID, dict[UUID, dict[UUID, int | None]]] = {
        application_id: {}
        for application_id in db.session.scalars(
            select(Application.id)
            .where(Application.call_id == call_id, Application.state.in_(REVIEWED_STATES))
            .order_by(Application.submitted_at, Application.id)
        )
    }
    for application_id, assignment_id, criterion_id, points in db.session.execute(
        select(Assignment.application_id, Assignment.id, Mark.criterion_id, Mark.points)
        .join(Application, Assignment.application_id == Application.id)
        .outerjoin(Mark, Mark.assignment_id == Assignment.id)
        .where(Application.call_id == call_id, Application.state.in_(REVIEWED_STATES), *_counted())
        .order_by(Assignment.id)
    ):
        marks = reviews[application_id].setdefault(assignment_id, {})
        if criterion_id is not None:
            marks[criterion_id] = points
    grid = grid or grid_of(call_id)
    return {application_id: result(list(each.values()), grid) for application_id, each in reviews.items()}


def result_of(application: Application) -> Result:
    """What one application received, by the same rules."""
    marks: dict[UUID, dict[UUID, int | None]] = defaultdict(dict)
    for assignment_id, criterion_id, points in db.session.execute(
        select(Assignment.id, Mark.criterion_id, Mark.points)
        .outerjoin(Mark, Mark.assignment_id == Assignment.id)
        .where(Assignment.application_id == application.id, *_counted())
        .order_by(Assignment.id)
    ):
        review = marks[assignment_id]
        if criterion_id is not None:
            review[criterion_id] = points
    return result(list(marks.values()), grid_of(application.call_id))


def _counted() -> tuple[ColumnElement[bool], ...]:
    """Submitted, and no link declared: the recusal of a later day sets the review aside."""
    linked = (
        select(Interest.id)
        .where(
            Interest.application_id == Assignment.application_id,
            Interest.account_id == Assignment.reviewer_id,
            Interest.nature != InterestNature.NONE,
        )
        .exists()
    )
    return Assignment.state == AssignmentState.SUBMITTED, ~linked
