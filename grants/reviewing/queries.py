"""Questions about assignments, interests and marks."""

from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, case, func, select
from sqlalchemy.orm import joinedload

from grants.applications.lifecycle import ApplicationState
from grants.applications.models import Application
from grants.calls.lifecycle import CallState
from grants.calls.models import Block, Call, Criterion
from grants.kernel import clock
from grants.kernel.actor import Actor
from grants.kernel.db import db
from grants.kernel.machine import StatusWord
from grants.people.models import Account, Appointment, Membership, Organisation, Role
from grants.people.queries import held_on
from grants.reviewing.lifecycle import LIFECYCLE, AssignmentState
from grants.reviewing.models import Assignment, Interest, InterestNature, Mark, Standing
from grants.reviewing.rules import Grid, GridBlock, GridItem, Result, hundredths, result

S = AssignmentState
SEEN = (S.OFFERED, S.OPEN, S.SUBMITTED)
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


def owes_review(account_id: UUID | None, application_id: UUID) -> bool:
    """Whether the person still has to send a review of the application: until then the others' stay hidden."""
    owed = select(Assignment.id).where(
        Assignment.reviewer_id == account_id,
        Assignment.application_id == application_id,
        Assignment.state.in_((S.OFFERED, S.OPEN)),
    )
    return db.session.scalar(owed.limit(1)) is not None


def sees_results(who: Actor, application_id: UUID) -> bool:
    """Whether the person may see what the reviews of an application come to: not before their own is in."""
    return who.has_role("manager", "auditor") and not owes_review(who.id, application_id)


def sees_scores(who: Actor) -> bool:
    """The same for a whole list: an order tells as much as a number, so whoever owes one review sees neither."""
    if not who.has_role("manager", "auditor"):
        return False
    owed = select(Assignment.id).where(Assignment.reviewer_id == who.id, Assignment.state.in_((S.OFFERED, S.OPEN)))
    return db.session.scalar(owed.limit(1)) is None


def linked_to(account_id: UUID | None) -> Select[UUID]:
    """The ids of the applications a person declared a link with: a subquery that lists and totals leave out."""
    return select(Interest.application_id).where(
        Interest.account_id == account_id, Interest.nature != InterestNature.NONE
    )


def linked_ids(account_id: UUID) -> frozenset[UUID]:
    """The same as a set, for the chapters that come before this one."""
    return frozenset(db.session.scalars(linked_to(account_id)))


def linked_to_actor(who: Actor) -> frozenset[UUID]:
    """The same for whoever acts; the house itself has no links."""
    return linked_ids(who.id) if who.id is not None else frozenset()


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


def problems() -> Iterator[str]:
    """Applications whose kept standing is not what their reviews come to."""
    kept = {
        row.application_id: (row.score, row.reviews)
        for row in db.session.execute(select(Standing.application_id, Standing.score, Standing.reviews))
    }
    for call_id in db.session.scalars(select(Call.id).order_by(Call.code)).all():
        for application_id, found in results_of(call_id).items():
            stands = kept.get(application_id, (None, 0))
            if stands != (hundredths(found.total), found.reviews):
                yield f"dossier {application_id} : note gardée {stands}, évaluations {found.total}"


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


# ---- the reviewer's desk -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Reading:
    """A line of a reviewer's list: nothing of the content, only what tells one file from another."""

    id: UUID
    state: AssignmentState
    status: StatusWord
    reference: str
    title: str
    organisation: str
    call_title: str
    call_title_en: str
    due_on: date | None
    saved_at: datetime | None
    submitted_at: datetime | None


def readings_of(account_id: UUID | None) -> list[Reading]:
    """What a reviewer has to read: begun first, then to open by due day, then sent; nothing they have a link with."""
    order = case((Assignment.state == S.OPEN, 0), (Assignment.state == S.OFFERED, 1), else_=2)
    no_day = date(9999, 12, 31)
    rows = db.session.execute(
        select(
            Assignment.id, Assignment.state, Assignment.due_on, Assignment.saved_at, Assignment.submitted_at,
            Application.reference, Application.title, Organisation.name.label("organisation"),
            Call.title.label("call_title"), Call.title_en.label("call_title_en"),
        )
        .join(Application, Assignment.application_id == Application.id)
        .join(Organisation, Application.organisation_id == Organisation.id)
        .join(Call, Application.call_id == Call.id)
        .where(Assignment.reviewer_id == account_id, Assignment.state.in_(SEEN))
        .where(Application.state.in_(REVIEWED_STATES), Application.id.not_in(linked_to(account_id)))
        .order_by(order, func.coalesce(Assignment.due_on, no_day), Application.submitted_at, Assignment.id)
    )  # fmt: skip
    return [
        Reading(
            id=row.id,
            state=row.state,
            status=LIFECYCLE.status(row),
            reference=row.reference or "",
            title=row.title,
            organisation=row.organisation,
            call_title=row.call_title,
            call_title_en=row.call_title_en,
            due_on=row.due_on,
            saved_at=row.saved_at,
            submitted_at=row.submitted_at,
        )
        for row in rows
    ]


def next_reading(account_id: UUID | None, besides: UUID | None = None) -> Reading | None:
    """Where a reviewer goes on: the first file that is not sent yet."""
    waiting = (row for row in readings_of(account_id) if row.state is not S.SUBMITTED and row.id != besides)
    return next(waiting, None)


@dataclass(frozen=True)
class GridPart:
    """A block of the rubric and its items, in order, as pages show them."""

    block: Block
    criteria: tuple[Criterion, ...]


def rubric_of(call_id: UUID) -> list[GridPart]:
    """The rubric of a call with its words."""
    rows = db.session.execute(
        select(Block, Criterion)
        .join(Criterion, Criterion.block_id == Block.id)
        .where(Block.call_id == call_id)
        .order_by(Block.position, Block.code, Criterion.position, Criterion.code)
    )
    parts: dict[UUID, tuple[Block, list[Criterion]]] = {}
    for block, criterion in rows:
        parts.setdefault(block.id, (block, []))[1].append(criterion)
    return [GridPart(block, tuple(criteria)) for block, criteria in parts.values()]


def marks_of(assignment_id: UUID) -> dict[UUID, int | None]:
    """What a reviewer marked: a level, or None for "not applicable"; the rest is missing."""
    rows = db.session.execute(select(Mark.criterion_id, Mark.points).where(Mark.assignment_id == assignment_id))
    return {row.criterion_id: row.points for row in rows}


@dataclass(frozen=True)
class Review:
    """A submitted review as the committee reads it."""

    id: UUID
    reviewer: str
    title: str
    committee_comment: str
    applicant_comment: str
    submitted_at: datetime
    marks: dict[UUID, int | None]


def reviews_of(application_id: UUID, *, besides: UUID | None = None) -> list[Review]:
    """The reviews of an application that count, the first sent first, in two statements."""
    marks: dict[UUID, dict[UUID, int | None]] = defaultdict(dict)
    for assignment_id, criterion_id, points in db.session.execute(
        select(Mark.assignment_id, Mark.criterion_id, Mark.points)
        .join(Assignment, Mark.assignment_id == Assignment.id)
        .where(Assignment.application_id == application_id, *_counted())
    ):
        marks[assignment_id][criterion_id] = points
    rows = db.session.execute(
        select(
            Assignment.id, Assignment.committee_comment, Assignment.applicant_comment, Assignment.submitted_at,
            Account.name, Account.title,
        )
        .join(Account, Assignment.reviewer_id == Account.id)
        .where(Assignment.application_id == application_id, *_counted())
        .order_by(Assignment.submitted_at, Assignment.id)
    )  # fmt: skip
    return [
        Review(
            row.id, row.name, row.title, row.committee_comment, row.applicant_comment, row.submitted_at, marks[row.id]
        )
        for row in rows
        if row.id != besides
    ]  # fmt: skip


# ---- the manager's desk --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class CallProgress:
    """A call and how far its reviews are."""

    id: UUID
    code: str
    title: str
    title_en: str
    applications: int
    assigned: int
    submitted: int


def calls_to_assign(hidden: Collection[UUID]) -> list[CallProgress]:
    """The published calls with eligible applications, the latest first."""
    counts: dict[UUID, Any] = {
        row.call_id: row
        for row in db.session.execute(
            select(
                Application.call_id,
                func.count(Application.id.distinct()).label("applications"),
                func.count(case((Assignment.state.in_(SEEN), 1))).label("assigned"),
                func.count(case((Assignment.state == S.SUBMITTED, 1))).label("submitted"),
            )
            .outerjoin(Assignment, Assignment.application_id == Application.id)
            .where(Application.state.in_(REVIEWED_STATES), Application.id.not_in(hidden))
            .group_by(Application.call_id)
        )
    }
    calls = db.session.execute(
        select(Call.id, Call.code, Call.title, Call.title_en)
        .where(Call.state != CallState.DRAFT)
        .order_by(Call.closes_at.desc(), Call.code)
    )
    return [
        CallProgress(
            call.id, call.code, call.title, call.title_en,
            *((n.applications, n.assigned, n.submitted) if (n := counts.get(call.id)) else (0, 0, 0)),
        )
        for call in calls
    ]  # fmt: skip


@dataclass(frozen=True)
class Reviewer:
    """A reviewer in office and their load over a call."""

    id: UUID
    name: str
    title: str
    college: str | None
    offered: int
    opened: int
    submitted: int

    @property
    def remaining(self) -> int:
        """Files still to be sent."""
        return self.offered + self.opened

    @property
    def load(self) -> int:
        """Files in all."""
        return self.remaining + self.submitted


def reviewers_of(call_id: UUID) -> list[Reviewer]:
    """The reviewers in office today with their load over a call, in French order of their names."""
    loads = {
        row.reviewer_id: row
        for row in db.session.execute(
            select(
                Assignment.reviewer_id,
                func.count(case((Assignment.state == S.OFFERED, 1))).label("offered"),
                func.count(case((Assignment.state == S.OPEN, 1))).label("opened"),
                func.count(case((Assignment.state == S.SUBMITTED, 1))).label("submitted"),
            )
            .join(Application, Assignment.application_id == Application.id)
            .where(Application.call_id == call_id)
            .group_by(Assignment.reviewer_id)
        )
    }
    people = db.session.execute(
        select(
            Account.id, Account.name, Account.title, Account.sort_key, func.max(Appointment.college).label("college")
        )
        .join(Appointment, Appointment.account_id == Account.id)
        .where(Appointment.role == Role.REVIEWER, held_on(clock.today()), Account.active)
        .group_by(Account.id, Account.name, Account.title, Account.sort_key)
        .order_by(Account.sort_key, Account.id)
    )
    return [
        Reviewer(
            row.id, row.name, row.title, str(row.college) if row.college else None,
            *((n.offered, n.opened, n.submitted) if (n := loads.get(row.id)) else (0, 0, 0)),
        )
        for row in people
    ]  # fmt: skip


@dataclass(frozen=True)
class Place:
    """A reviewer's place on an application, as the manager sees it."""

    id: UUID
    reviewer_id: UUID
    reviewer: str
    state: AssignmentState
    status: StatusWord
    due_on: date | None

    @property
    def is_removable(self) -> bool:
        """Whether the manager may still take it back."""
        return self.state in {S.OFFERED, S.OPEN}


@dataclass(frozen=True)
class Dossier:
    """An eligible application and who reads it."""

    id: UUID
    reference: str
    title: str
    organisation: str
    places: tuple[Place, ...]

    @property
    def readers(self) -> int:
        """How many people read it or have read it."""
        return sum(place.state in SEEN for place in self.places)


def dossiers_to_assign(call_id: UUID, hidden: Collection[UUID]) -> list[Dossier]:
    """The eligible applications of a call, oldest first, with who reads each; two statements."""
    places: dict[UUID, list[Place]] = defaultdict(list)
    for row in db.session.execute(
        select(
            Assignment.id, Assignment.application_id, Assignment.reviewer_id, Assignment.state, Assignment.due_on,
            Account.name,
        )
        .join(Account, Assignment.reviewer_id == Account.id)
        .join(Application, Assignment.application_id == Application.id)
        .where(Application.call_id == call_id, Assignment.state != S.REMOVED)
        .order_by(Account.sort_key, Assignment.id)
    ):  # fmt: skip
        places[row.application_id].append(
            Place(row.id, row.reviewer_id, row.name, row.state, LIFECYCLE.status(row), row.due_on)
        )
    rows = db.session.execute(
        select(Application.id, Application.reference, Application.title, Organisation.name.label("organisation"))
        .join(Organisation, Application.organisation_id == Organisation.id)
        .where(Application.call_id == call_id, Application.state == ApplicationState.ELIGIBLE)
        .where(Application.id.not_in(hidden))
        .order_by(Application.submitted_at, Application.id)
    )
    return [Dossier(row.id, row.reference or "", row.title, row.organisation, tuple(places[row.id])) for row in rows]


def existing_assignments(
    application_ids: Collection[UUID], reviewer_ids: Collection[UUID]
) -> dict[tuple[UUID, UUID], Assignment]:
    """The assignments between these applications and reviewers, whatever their state."""
    rows = db.session.scalars(
        select(Assignment).where(
            Assignment.application_id.in_(application_ids), Assignment.reviewer_id.in_(reviewer_ids)
        )
    )
    return {(row.application_id, row.reviewer_id): row for row in rows}


def links_between(application_ids: Collection[UUID], reviewer_ids: Collection[UUID]) -> set[tuple[UUID, UUID]]:
    """The pairs (application, person) with a link: one that was declared, or the person acts for the organisation."""
    declared = db.session.execute(
        select(Interest.application_id, Interest.account_id).where(
            Interest.application_id.in_(application_ids),
            Interest.account_id.in_(reviewer_ids),
            Interest.nature != InterestNature.NONE,
        )
    )
    members = db.session.execute(
        select(Application.id, Membership.account_id)
        .join(Membership, Membership.organisation_id == Application.organisation_id)
        .where(Application.id.in_(application_ids), Membership.account_id.in_(reviewer_ids))
    )
    return {(row[0], row[1]) for row in (*declared, *members)}


def remaining_by_reviewer(call_id: UUID) -> dict[Account, int]:
    """Who still owes reviews of a call, and how many."""
    rows = db.session.execute(
        select(Assignment.reviewer_id, func.count().label("number"))
        .join(Application, Assignment.application_id == Application.id)
        .where(Application.call_id == call_id, Application.state == ApplicationState.ELIGIBLE)
        .where(Assignment.state.in_((S.OFFERED, S.OPEN)))
        .group_by(Assignment.reviewer_id)
    )
    numbers = {row.reviewer_id: row.number for row in rows}
    accounts = select(Account).where(Account.id.in_(numbers), Account.active).order_by(Account.email)
    return {account: numbers[account.id] for account in db.session.scalars(accounts)}


def own_assignment(assignment_id: UUID, account_id: UUID | None) -> Assignment | None:
    """A person's own assignment, whatever its state."""
    return db.session.scalar(
        select(Assignment)
        .where(Assignment.id == assignment_id, Assignment.reviewer_id == account_id)
        .options(joinedload(Assignment.application))
    )
