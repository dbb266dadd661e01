"""Questions about assignments, interests and marks."""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from fractions import Fraction
from functools import cache
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    CompoundSelect,
    Select,
    Uuid,
    and_,
    bindparam,
    case,
    exists,
    func,
    literal,
    null,
    or_,
    select,
    union_all,
)
from sqlalchemy.orm import joinedload

from grants.applications.lifecycle import ApplicationState
from grants.applications.models import Application, ApplicationAddress
from grants.applications.queries import found_by
from grants.calls.lifecycle import CallState
from grants.calls.models import Block, Call, Criterion
from grants.calls.queries import items_of
from grants.kernel import clock
from grants.kernel.actor import Actor
from grants.kernel.db import db
from grants.kernel.machine import StatusWord
from grants.kernel.paging import Order, Page
from grants.kernel.papers import canonical, sha256
from grants.kernel.transaction_cache import cached_in_transaction
from grants.people.models import Account, Appointment, FormerMembership, Membership, Organisation, Role
from grants.people.queries import held_on
from grants.reviewing.lifecycle import LIFECYCLE, AssignmentState
from grants.reviewing.models import Assignment, Interest, InterestNature, Mark, Standing
from grants.reviewing.rules import ApplicationResult, Grid, GridBlock, GridItem, hundredths, own_total, result

S = AssignmentState
SEEN, OWED = (S.OFFERED, S.OPEN, S.SUBMITTED), (S.OFFERED, S.OPEN)
PRESENT_ADDRESSES = (Organisation.email, Organisation.representative_email)
Person = (
    UUID | BindParameter[UUID] | None
)  # whom a statement is about: an account, or one that is named when it is sent
REVIEWED_STATES = (ApplicationState.ELIGIBLE, ApplicationState.AWARDED, ApplicationState.DECLINED)


def _links(whose: Callable[[Any], ColumnElement[bool]]) -> CompoundSelect[UUID, UUID]:
    """The one rule of interest: every pair (application, person) with a link, of the people `whose` keeps.

    A link is what the person declared about the application; or acting for its organisation today, or having done so
    since the application was begun; or an account under an address that a submitted version gives as the applicant's or
    its representative's: an organisation that changes its address afterwards undoes no link and makes none. Of what
    was never submitted, the organisation's present addresses count. Names are not compared: two people may bear the
    same one.
    """
    declared = select(Interest.application_id.label("application_id"), Interest.account_id.label("account_id")).where(
        Interest.nature != InterestNature.NONE, whose(Interest.account_id)
    )
    members = (
        select(Application.id, Membership.account_id)
        .join(Membership, Membership.organisation_id == Application.organisation_id)
        .where(whose(Membership.account_id))
    )
    former = (
        select(Application.id, FormerMembership.account_id)
        .join(FormerMembership, FormerMembership.organisation_id == Application.organisation_id)
        .where(FormerMembership.ended_at >= Application.created_at, whose(FormerMembership.account_id))
    )
    addressed = (
        select(ApplicationAddress.application_id, Account.id)
        .join(Account, Account.email == ApplicationAddress.address)
        .where(whose(Account.id))
    )
    # Asked in a form that no index serves: SQLite would walk every draft, instead of those of an address.
    unsubmitted = func.coalesce(Application.submitted_at, null()).is_(None)
    drafts = [
        select(Application.id, Account.id)
        .join(Organisation, Organisation.id == Application.organisation_id)
        .join(Account, Account.email == address)
        .where(unsubmitted, whose(Account.id))
        for address in PRESENT_ADDRESSES
    ]
    return union_all(declared, members, former, addressed, *drafts)


def _addressed(whose: Callable[[Any], ColumnElement[bool]]) -> CompoundSelect[UUID, UUID]:
    """Every pair (organisation, person) such that the first gives the address of the second, of the people kept.

    What counts is what it submitted; its present addresses as long as it has submitted nothing.
    """
    submitted = (
        select(Application.organisation_id.label("organisation_id"), Account.id.label("account_id"))
        .join(ApplicationAddress, ApplicationAddress.application_id == Application.id)
        .join(Account, Account.email == ApplicationAddress.address)
        .where(whose(Account.id))
    )
    has_submitted = exists().where(
        Application.organisation_id == Organisation.id, Application.submitted_at.is_not(None)
    )
    present = [
        select(Organisation.id, Account.id)
        .join(Account, Account.email == address)
        .where(~has_submitted, whose(Account.id))
        for address in PRESENT_ADDRESSES
    ]
    return union_all(submitted, *present)


def linked_to(account_id: Person) -> Select[UUID]:
    """The ids of the applications a person has a link with: a subquery that lists and totals leave out."""
    links = _links(lambda person: person == account_id).subquery()
    return select(links.c.application_id)


def linked_ids(account_id: UUID) -> frozenset[UUID]:
    """The same as a set, for the chapters that come before this one; asked once in a transaction."""
    return cached_in_transaction(
        ("linked", account_id), lambda: frozenset(db.session.scalars(_LINKED, {"person": account_id}))
    )


def tied_to(account_id: Person) -> Select[UUID]:
    """The ids of the organisations a person has a link with, by themselves or by what they submitted."""
    linked = select(Application.organisation_id).where(Application.id.in_(linked_to(account_id)))
    parts = (
        select(Membership.organisation_id.label("organisation_id")).where(Membership.account_id == account_id),
        _bodies_addressing(account_id),
        linked.where(Application.submitted_at.is_not(None)),
    )
    return select(union_all(*parts).subquery().c.organisation_id)


def _bodies_addressing(account_id: Person) -> Select[UUID]:
    return select(_addressed(lambda person: person == account_id).subquery().c.organisation_id)


# Asked on every page of whoever holds an office: built once, since building one costs more than sending it.
_PERSON: BindParameter[UUID] = bindparam("person", type_=Uuid())
_THING: BindParameter[UUID] = bindparam("thing", type_=Uuid())
_LINKED = linked_to(_PERSON)
_IS_LINKED = select(literal(value=True)).where(_THING.in_(_LINKED))
_IS_TIED = select(literal(value=True)).where(_THING.in_(tied_to(_PERSON)))
_GIVEN = select(Assignment.id).where(Assignment.reviewer_id == _PERSON, Assignment.application_id == _THING).limit(1)
_ASSIGNED, _OWED = _GIVEN.where(Assignment.state.in_((S.OPEN, S.SUBMITTED))), _GIVEN.where(Assignment.state.in_(OWED))


def is_interested(account_id: UUID, application_id: UUID) -> bool:
    """Whether the person has a link with the application; asked once in a transaction."""
    return _asked_once(account_id, application_id, _IS_LINKED)


def is_tied(account_id: UUID, organisation_id: UUID) -> bool:
    """Whether the person has a link with the organisation; asked once in a transaction."""
    return _asked_once(account_id, organisation_id, _IS_TIED)


def _asked_once(account_id: UUID, thing_id: UUID, found: Select[bool]) -> bool:
    key = {"person": account_id, "thing": thing_id}
    return cached_in_transaction(("linked", account_id, thing_id), lambda: db.session.scalar(found, key) is not None)


def is_assigned(account_id: UUID, application_id: UUID) -> bool:
    """Whether the person reads the application for the committee and opened it with a declaration."""
    return _has_one(_ASSIGNED, account_id, application_id)


def owes_review(account_id: UUID | None, application_id: UUID) -> bool:
    """Whether the person still has to send a review of the application: until then the others' stay hidden."""
    return _has_one(_OWED, account_id, application_id)


def _has_one(found: Select[UUID], account_id: UUID | None, application_id: UUID) -> bool:
    return db.session.scalar(found, {"person": account_id, "thing": application_id}) is not None


def sees_results(who: Actor, application_id: UUID) -> bool:
    """Whether the person may see what the reviews of an application come to: not before their own is in."""
    return who.has_role("manager", "auditor") and not owes_review(who.id, application_id)


def sees_scores(who: Actor) -> bool:
    """The same for a whole list: an order tells as much as a number, so whoever owes one review sees neither."""
    if not who.has_role("manager", "auditor"):
        return False
    owed = select(Assignment.id).where(Assignment.reviewer_id == who.id, Assignment.state.in_((S.OFFERED, S.OPEN)))
    return db.session.scalar(owed.limit(1)) is None


@dataclass(frozen=True)
class KnownLink:
    """A link of a person: what they declared about a dossier (its reference), or an organisation they are tied to.

    `is_addressed`: the organisation gave the address of their account as its own or its representative's.
    """

    name: str
    nature: InterestNature | None
    at: datetime | None
    is_addressed: bool = False


def links_known(account_id: UUID | None) -> list[KnownLink]:
    """What is known of a person's links: declarations, the latest first, then organisations by name."""
    declared = db.session.execute(
        select(Application.reference, Interest.nature, Interest.declared_at)
        .join(Application, Application.id == Interest.application_id)
        .where(Interest.account_id == account_id, Interest.nature != InterestNature.NONE)
        .order_by(Interest.declared_at.desc(), Interest.id)
    )
    own_links = select(Interest.application_id).where(Interest.account_id == account_id)
    addressed = Organisation.id.in_(_bodies_addressing(account_id))
    tied = db.session.execute(
        select(Organisation.name, addressed.label("is_addressed"))
        .where(
            Organisation.id.in_(tied_to(account_id)),
            or_(
                addressed,
                Organisation.id.in_(select(Membership.organisation_id).where(Membership.account_id == account_id)),
                Organisation.id.not_in(select(Application.organisation_id).where(Application.id.in_(own_links))),
            ),
        )
        .order_by(Organisation.sort_key, Organisation.id)
    )
    return [
        *(KnownLink(row.reference or "", row.nature, row.declared_at) for row in declared),
        *(KnownLink(row.name, None, None, row.is_addressed) for row in tied),
    ]


@dataclass(frozen=True)
class Addressed:
    """Somebody in office whose address an organisation gave as its own or its representative's."""

    account_id: UUID
    name: str
    organisation: str


def addressed_in_office() -> list[Addressed]:
    """Everybody in office today who is kept from an organisation's dossiers by an address it wrote, by name."""
    office = select(Appointment.account_id).where(held_on(clock.today()))
    pairs = _addressed(lambda person: person.in_(office)).subquery()
    acts_for = exists().where(
        Membership.account_id == pairs.c.account_id, Membership.organisation_id == pairs.c.organisation_id
    )
    rows = db.session.execute(
        select(Account.id, Account.name, Organisation.name.label("organisation"))
        .join(pairs, pairs.c.account_id == Account.id)
        .join(Organisation, Organisation.id == pairs.c.organisation_id)
        .where(Account.active, ~acts_for)
        .group_by(Account.id, Account.name, Account.sort_key, Organisation.id, Organisation.name)
        .order_by(Account.sort_key, Account.id, Organisation.name, Organisation.id)
    )
    return [Addressed(row.id, row.name, row.organisation) for row in rows]


def submitted_application(reference: str) -> Application | None:
    """The application that carries a reference, once it was sent."""
    wanted = select(Application).where(Application.reference == reference)
    return db.session.scalar(wanted.where(Application.state != ApplicationState.DRAFT))


def open_assignment(application_id: UUID, account_id: UUID) -> Assignment | None:
    """What somebody was given to review of an application and may still be recused from."""
    return db.session.scalar(
        select(Assignment).where(
            Assignment.application_id == application_id,
            Assignment.reviewer_id == account_id,
            Assignment.state.in_(SEEN),
        )
    )


# ---- results -------------------------------------------------------------------------------------------------------


def grid_of(call_id: UUID) -> Grid:
    """The rubric of a call, for arithmetic."""
    return grid_in(rubric_of(call_id), db.session.get_one(Call, call_id))


def results_of(
    call_id: UUID, grid: Grid | None = None, *, only: Collection[UUID] | None = None
) -> dict[UUID, ApplicationResult]:  # fmt: skip
    """What each eligible application of a call (or some `only`) received, oldest first, also those without a review.

    Only submitted reviews count; one by a person who declared a link never does, nor one that was removed. The number
    of statements is the same for one application and for thousands.
    """
    reviewed = [Application.call_id == call_id, Application.state.in_(REVIEWED_STATES)]
    if only is not None:
        reviewed.append(Application.id.in_(only))
    reviews: dict[UUID, dict[UUID, dict[UUID, int | None]]] = {
        application_id: {}
        for application_id in db.session.scalars(
            select(Application.id).where(*reviewed).order_by(Application.submitted_at, Application.id)
        )
    }
    for application_id, assignment_id, criterion_id, level in db.session.execute(
        select(Assignment.application_id, Assignment.id, Mark.criterion_id, Mark.level)
        .join(Application, Assignment.application_id == Application.id)
        .outerjoin(Mark, Mark.assignment_id == Assignment.id)
        .where(*reviewed, *counted())
        .order_by(Assignment.id)
    ):
        marks = reviews[application_id].setdefault(assignment_id, {})
        if criterion_id is not None:
            marks[criterion_id] = level
    grid = grid or grid_of(call_id)
    return {application_id: result(list(each.values()), grid) for application_id, each in reviews.items()}


class ReviewerTotal(NamedTuple):
    """What one reviewer gave to one application, out of 100."""

    application_id: UUID
    reviewer_id: UUID
    total: Fraction


def totals_of(call_id: UUID, grid: Grid, only: Collection[UUID]) -> list[ReviewerTotal]:
    """The totals of the reviewers of some applications of a call; by the rules of `results_of`, and without those who
    marked nothing."""
    found = (
        select(Assignment.application_id, Assignment.reviewer_id, Mark.criterion_id, Mark.level)
        .join(Application, Assignment.application_id == Application.id)
        .join(Mark, Mark.assignment_id == Assignment.id)
        .where(Application.call_id == call_id, Application.state.in_(REVIEWED_STATES), *counted())
        .order_by(Assignment.id)
    )
    reviews: dict[tuple[UUID, UUID], dict[UUID, int | None]] = defaultdict(dict)
    for application_id, reviewer_id, criterion_id, level in db.session.execute(found):
        if application_id in only:
            reviews[application_id, reviewer_id][criterion_id] = level
    totals = ((key, own_total(marks, grid)) for key, marks in reviews.items())
    return [ReviewerTotal(*key, total) for key, total in totals if total is not None]


def result_of(application: Application) -> ApplicationResult:
    """What one application received, by the same rules."""
    marks: dict[UUID, dict[UUID, int | None]] = defaultdict(dict)
    for assignment_id, criterion_id, level in db.session.execute(_counted_marks(), {"thing": application.id}):
        review = marks[assignment_id]
        if criterion_id is not None:
            review[criterion_id] = level
    return result(list(marks.values()), grid_of(application.call_id))


@cache
def _counted_marks() -> Select[UUID, UUID, int | None]:
    return (
        select(Assignment.id, Mark.criterion_id, Mark.level)
        .outerjoin(Mark, Mark.assignment_id == Assignment.id)
        .where(Assignment.application_id == _THING, *counted())
        .order_by(Assignment.id)
    )


def problems() -> Iterator[str]:
    """Applications whose kept standing is not what their reviews come to."""
    stored = {
        row.application_id: (row.score, row.reviews)
        for row in db.session.execute(select(Standing.application_id, Standing.score, Standing.reviews))
    }
    for call_id in db.session.scalars(select(Call.id).order_by(Call.code)).all():
        for application_id, found in results_of(call_id).items():
            stands = stored.get(application_id, (None, 0))
            if stands != (hundredths(found.total), found.reviews):
                yield f"dossier {application_id} : note gardée {stands}, évaluations {found.total}"


def counted() -> tuple[ColumnElement[bool], ...]:
    """Submitted, and no link declared before the marks were frozen: the recusal of a later day sets the review aside,
    and one told after the freeze changes nothing of what was decided."""
    linked = (
        select(Interest.id)
        .join(Application, Application.id == Interest.application_id)
        .join(Call, Call.id == Application.call_id)
        .where(
            Interest.application_id == Assignment.application_id,
            Interest.account_id == Assignment.reviewer_id,
            Interest.nature != InterestNature.NONE,
            or_(Call.marks_frozen_at.is_(None), Interest.declared_at <= Call.marks_frozen_at),
        )
        .correlate(Assignment)
        .exists()
    )
    return Assignment.state == AssignmentState.SUBMITTED, ~linked


# ---- the reviewer's desk -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ReviewerTask:
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

    @property
    def is_submitted(self) -> bool:
        """Whether the marks are sent."""
        return self.state is S.SUBMITTED


_PART = case((Assignment.state == S.OPEN, 0), (Assignment.state == S.OFFERED, 1), else_=2)
_NO_DAY = date(9999, 12, 31)
_DUE = func.coalesce(Assignment.due_on, literal(_NO_DAY, Assignment.due_on.type))
_READ_ORDER = Order(_PART, _DUE, Application.submitted_at, Assignment.id)


def _to_read(account_id: UUID | None, *columns: Any) -> Select[*tuple[Any, ...]]:
    """What a reviewer was given and may know of."""
    return (
        select(*columns)
        .select_from(Assignment)
        .join(Application, Assignment.application_id == Application.id)
        .where(Assignment.reviewer_id == account_id, Assignment.state.in_(SEEN))
        .where(Application.state.in_(REVIEWED_STATES), Application.id.not_in(linked_to(account_id)))
    )


def readings_of(
    account_id: UUID | None, *, after: str | None = None, before: str | None = None, size: int | None = None
) -> Page:
    """A page of what a reviewer has to read: begun first, then to open by due day, then sent.

    Nothing they declared a link with is there. One statement.
    """
    statement = (
        _to_read(
            account_id,
            Assignment.id, Assignment.state, Assignment.due_on, Assignment.saved_at, Assignment.submitted_at,
            Application.reference, Application.title, Organisation.name.label("organisation"),
            Call.title.label("call_title"), Call.title_en.label("call_title_en"),
        )
        .join(Organisation, Application.organisation_id == Organisation.id)
        .join(Call, Application.call_id == Call.id)
    )  # fmt: skip
    page = _READ_ORDER.page(statement, after=after, before=before, size=size)
    return replace(page, rows=[_reading(row) for row in page.rows])


def _reading(row: Any) -> ReviewerTask:
    return ReviewerTask(
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


def reading_counts(account_id: UUID | None) -> dict[AssignmentState, int]:
    """How many files of a reviewer are to open, begun and sent, on all pages of the list."""
    rows = db.session.execute(_to_read(account_id, Assignment.state, func.count()).group_by(Assignment.state))
    counted = {row[0]: row[1] for row in rows}
    return {state: counted.get(state, 0) for state in SEEN}


@dataclass(frozen=True)
class NextReading:
    """Where a reviewer goes on."""

    id: UUID
    state: AssignmentState

    @property
    def is_open(self) -> bool:
        """Whether it was opened before."""
        return self.state is S.OPEN


def next_reading(account_id: UUID | None, besides: UUID | None = None) -> NextReading | None:
    """Where a reviewer goes on: the first file that is not sent yet, and nothing else is read."""
    statement = _to_read(account_id, Assignment.id, Assignment.state).where(Assignment.state != S.SUBMITTED)
    if besides is not None:
        statement = statement.where(Assignment.id != besides)
    row = db.session.execute(statement.order_by(*_READ_ORDER.columns).limit(1)).first()
    return NextReading(row.id, row.state) if row is not None else None


@dataclass(frozen=True)
class GridPart:
    """A block of the rubric and its items, in order, as pages show them."""

    block: Block
    criteria: tuple[Criterion, ...]


def rubric_of(call_id: UUID) -> list[GridPart]:
    """The rubric of a call with its words."""
    parts: dict[UUID, tuple[Block, list[Criterion]]] = {}
    for criterion in items_of(call_id):
        parts.setdefault(criterion.block_id, (criterion.block, []))[1].append(criterion)
    return [GridPart(block, tuple(criteria)) for block, criteria in parts.values()]


def grid_in(parts: Sequence[GridPart], call: Call) -> Grid:
    """The same rubric for arithmetic, from what was read for a page."""
    blocks = tuple(
        GridBlock(row.block.id, row.block.code, row.block.weight, row.block.minimum_level, row.block.tie_rank)
        for row in parts
    )
    items = tuple(GridItem(row.id, row.block_id, row.weight) for part in parts for row in part.criteria)
    return Grid(blocks, items, call.scale_top, call.threshold, call.minimum_reviewers)


def marks_of(assignment_id: UUID) -> dict[UUID, int | None]:
    """What a reviewer marked: a level, or None for "not applicable"; the rest is missing."""
    rows = db.session.execute(select(Mark.criterion_id, Mark.level).where(Mark.assignment_id == assignment_id))
    return {row.criterion_id: row.level for row in rows}


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
    for assignment_id, criterion_id, level in db.session.execute(
        select(Mark.assignment_id, Mark.criterion_id, Mark.level)
        .join(Assignment, Mark.assignment_id == Assignment.id)
        .where(Assignment.application_id == application_id, *counted())
    ):
        marks[assignment_id][criterion_id] = level
    rows = db.session.execute(
        select(
            Assignment.id, Assignment.committee_comment, Assignment.applicant_comment, Assignment.submitted_at,
            Account.name, Account.title,
        )
        .join(Account, Assignment.reviewer_id == Account.id)
        .where(Assignment.application_id == application_id, *counted())
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
    minimum_reviewers: int
    applications: int
    lacking: int
    assigned: int
    submitted: int


_given = select(func.count()).where(Assignment.application_id == Application.id).correlate(Application)
_readers = _given.where(Assignment.state.in_(SEEN)).scalar_subquery()
_sent = _given.where(Assignment.state == S.SUBMITTED).scalar_subquery()


def _eligible(hidden: Collection[UUID], *columns: Any) -> Select[*tuple[Any, ...]]:
    """The dossiers to be read, but for some."""
    statement = select(*columns).select_from(Application).where(Application.state == ApplicationState.ELIGIBLE)
    return statement.where(Application.id.not_in(hidden)) if hidden else statement


def calls_to_assign(hidden: Collection[UUID]) -> list[CallProgress]:
    """The published calls, the latest first, and how many dossiers their lists hold (`dossiers_to_assign`): all of
    them, and those that fewer people read than the call asks for, none once its marks are frozen."""
    lacking = func.count().filter(_readers < Call.minimum_reviewers, Call.marks_frozen_at.is_(None))
    counts = _eligible(
        hidden, Application.call_id, func.count().label("applications"), lacking.label("lacking"),
        func.sum(_readers).label("assigned"), func.sum(_sent).label("submitted"),
    ).join(Call, Call.id == Application.call_id).group_by(Application.call_id).subquery()  # fmt: skip
    numbers = (counts.c.applications, counts.c.lacking, counts.c.assigned, counts.c.submitted)
    calls = db.session.execute(
        select(
            Call.id, Call.code, Call.title, Call.title_en, Call.minimum_reviewers,
            *(func.coalesce(number, 0) for number in numbers),
        )
        .outerjoin(counts, counts.c.call_id == Call.id)
        .where(Call.state != CallState.DRAFT)
        .order_by(Call.closes_at.desc(), Call.code)
    )  # fmt: skip
    return [CallProgress(*call) for call in calls]


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
    late: int

    @property
    def remaining(self) -> int:
        """Files still to be sent."""
        return self.offered + self.opened

    @property
    def load(self) -> int:
        """Files in all."""
        return self.remaining + self.submitted


def _is_late() -> ColumnElement[bool]:
    """Whether the day by which a review was asked for is over, and it was not sent."""
    return and_(Assignment.state.in_(OWED), Assignment.due_on < clock.today())


def reviewers_of(call_id: UUID, hidden: Collection[UUID] = ()) -> list[Reviewer]:
    """The reviewers in office today with their load over a call, but for some dossiers, in French order of names."""
    loads = {
        row.reviewer_id: row
        for row in db.session.execute(
            select(
                Assignment.reviewer_id,
                func.count(case((Assignment.state == S.OFFERED, 1))).label("offered"),
                func.count(case((Assignment.state == S.OPEN, 1))).label("opened"),
                func.count(case((Assignment.state == S.SUBMITTED, 1))).label("submitted"),
                func.count(case((and_(_is_late(), Application.state == ApplicationState.ELIGIBLE), 1))).label("late"),
            )
            .join(Application, Assignment.application_id == Application.id)
            .where(Application.call_id == call_id, Application.id.not_in(hidden))
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
            *((n.offered, n.opened, n.submitted, n.late) if (n := loads.get(row.id)) else (0, 0, 0, 0)),
        )
        for row in people
    ]  # fmt: skip


@dataclass(frozen=True)
class AssignedReviewer:
    """A reviewer of an application, as the manager sees it."""

    id: UUID
    reviewer_id: UUID
    reviewer: str
    state: AssignmentState
    status: StatusWord
    due_on: date | None
    is_late: bool

    @property
    def is_removable(self) -> bool:
        """Whether the manager may still take it back."""
        return self.state in {S.OFFERED, S.OPEN}

    @property
    def is_reading(self) -> bool:
        """Whether they read it or have read it."""
        return self.state in SEEN


@dataclass(frozen=True)
class DossierToAssign:
    """An eligible application and who reads it."""

    id: UUID
    reference: str
    title: str
    organisation: str
    reviewers: tuple[AssignedReviewer, ...]

    @property
    def readers(self) -> int:
        """How many people read it or have read it."""
        return sum(each.is_reading for each in self.reviewers)

    @property
    def sent(self) -> int:
        """How many reviews were sent."""
        return sum(each.state is S.SUBMITTED for each in self.reviewers)


@dataclass(frozen=True)
class AssignmentFilters:
    """What narrows the dossiers to assign, as it stands in the URL: words, and fewer readers than a number."""

    words: str = ""
    fewer_than: int | None = None

    def chosen(self) -> dict[str, str]:
        """The URL parameters that are set."""
        fewer = "" if self.fewer_than is None else str(self.fewer_than)
        return {name: value for name, value in (("mots", self.words), ("moins", fewer)) if value}


def _to_assign(
    call_id: UUID, hidden: Collection[UUID], filters: AssignmentFilters, *columns: Any
) -> Select[*tuple[Any, ...]]:
    statement = _eligible(hidden, *columns).where(Application.call_id == call_id)
    statement = statement.where(*found_by(filters.words))
    return statement if filters.fewer_than is None else statement.where(_readers < filters.fewer_than)


def dossiers_to_assign(
    call_id: UUID,
    hidden: Collection[UUID],
    filters: AssignmentFilters = AssignmentFilters(),
    *,
    after: str | None = None,
    before: str | None = None,
    size: int | None = None,
) -> Page:
    """A page of the eligible applications of a call, oldest first, with who reads each; two statements."""
    page = Order(Application.submitted_at, Application.id).page(
        _to_assign(call_id, hidden, filters, Application.id),
        after=after,
        before=before,
        size=size,
        widened=lambda rows: (
            select(Application.id, Application.reference, Application.title, Organisation.name.label("organisation"))
            .join(rows, rows.c.id == Application.id)
            .join(Organisation, Application.organisation_id == Organisation.id)
        ),
    )
    reviewers = _reviewers_of([row.id for row in page.rows])
    return replace(
        page,
        rows=[
            DossierToAssign(row.id, row.reference or "", row.title, row.organisation, reviewers[row.id])
            for row in page.rows
        ],
    )


def _reviewers_of(application_ids: Collection[UUID]) -> dict[UUID, tuple[AssignedReviewer, ...]]:
    """Who reads each of these applications, in French order of their names; one statement."""
    reviewers: dict[UUID, tuple[AssignedReviewer, ...]] = dict.fromkeys(application_ids, ())
    today = clock.today()
    for row in db.session.execute(
        select(
            Assignment.id, Assignment.application_id, Assignment.reviewer_id, Assignment.state, Assignment.due_on,
            Account.name,
        )
        .join(Account, Assignment.reviewer_id == Account.id)
        .where(Assignment.application_id.in_(application_ids), Assignment.state != S.REMOVED)
        .order_by(Account.sort_key, Assignment.id)
    ):  # fmt: skip
        key, application_id, reviewer_id, state, due_on, name = row
        is_late = due_on is not None and due_on < today and state in OWED
        each = AssignedReviewer(key, reviewer_id, name, state, LIFECYCLE.status(row), due_on, is_late)
        reviewers[application_id] += (each,)
    return reviewers


@dataclass(frozen=True)
class AssignmentGround:
    """What a proposal starts from: the dossiers to be read, who sits today, and pairs (application, person).

    `kept`: assigned, and nothing bars it. `closed`: a link, or an assignment that was taken back. `away`: who reads a
    dossier and sits no more.
    """

    dossiers: tuple[UUID, ...]
    reviewers: tuple[Reviewer, ...]
    away: frozenset[UUID]
    kept: frozenset[tuple[UUID, UUID]]
    closed: frozenset[tuple[UUID, UUID]]


def assignment_ground(call_id: UUID, hidden: Collection[UUID]) -> AssignmentGround:
    """What a proposal for a call starts from, but for some dossiers; the same number of statements for any size."""
    reviewers = tuple(reviewers_of(call_id, hidden))
    statement = select(Application.id).where(
        Application.state == ApplicationState.ELIGIBLE, Application.call_id == call_id, Application.id.not_in(hidden)
    )
    dossiers = tuple(db.session.scalars(statement.order_by(Application.submitted_at, Application.id)))
    rows = db.session.execute(
        select(Assignment.application_id, Assignment.reviewer_id, Assignment.state).where(
            Assignment.application_id.in_(statement)
        )
    ).all()
    given = {(application_id, person) for application_id, person, state in rows if state in SEEN}
    removed = {(application_id, person) for application_id, person, state in rows if state is S.REMOVED}
    sitting = {person.id for person in reviewers}
    links = links_between(dossiers, sitting | {person for _application, person in given})
    kept = given - links
    return AssignmentGround(
        dossiers,
        reviewers,
        frozenset(person for _application, person in kept) - sitting,
        frozenset(kept),
        frozenset(pair for pair in links | removed if pair[1] in sitting),
    )


def given_digest(call_id: UUID, hidden: Collection[UUID]) -> str:
    """The digest of who reads what in a call today, but for some dossiers: what a proposal goes with."""
    given = select(Assignment.application_id, Assignment.reviewer_id).join(Application)
    given = given.where(
        Application.call_id == call_id, Application.state == ApplicationState.ELIGIBLE, Application.id.not_in(hidden),
        Assignment.state.in_(SEEN),
    )  # fmt: skip
    return sha256(canonical(sorted((str(one), str(who)) for one, who in db.session.execute(given))))


def dossiers_to_read(application_ids: Collection[UUID], hidden: Collection[UUID]) -> list[DossierToAssign]:
    """Of these applications, those to be read, by reference, with who reads each; but for some; two statements."""
    rows = db.session.execute(
        select(Application.id, Application.reference, Application.title, Organisation.name)
        .join(Organisation, Application.organisation_id == Organisation.id)
        .where(Application.id.in_(application_ids), Application.id.not_in(hidden))
        .where(Application.state == ApplicationState.ELIGIBLE)
        .order_by(Application.reference)
    ).all()
    reviewers = _reviewers_of([key for key, _reference, _title, _organisation in rows])
    return [
        DossierToAssign(key, reference or "", title, organisation, reviewers[key])
        for key, reference, title, organisation in rows
    ]


def number_to_assign(call_id: UUID, hidden: Collection[UUID], filters: AssignmentFilters = AssignmentFilters()) -> int:
    """How many dossiers meet the filters, on all pages."""
    return int(db.session.scalar(_to_assign(call_id, hidden, filters, func.count())) or 0)


def assignable(call_id: UUID, application_ids: Collection[UUID], by: Actor) -> dict[UUID, str]:
    """Of these applications, those of the call a manager may give to read today: their references by id."""
    rows = db.session.execute(
        select(Application.id, Application.reference).where(
            Application.id.in_(application_ids),
            Application.call_id == call_id,
            Application.state == ApplicationState.ELIGIBLE,
            Application.id.not_in(linked_to(by.id)),
        )
    )
    return {key: reference or "" for key, reference in rows}


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


def replacements(application_id: UUID, call_id: UUID, hidden: Collection[UUID]) -> list[Reviewer]:
    """Who may take over a file: they sit today, have no link with it and do not read it."""
    reviewers = reviewers_of(call_id, hidden)
    keys = {person.id for person in reviewers}
    linked = {who for _application, who in links_between([application_id], keys)}
    reading = select(Assignment.reviewer_id).where(
        Assignment.application_id == application_id, Assignment.state != S.REMOVED
    )
    barred = linked | set(db.session.scalars(reading))
    return [person for person in reviewers if person.id not in barred]


def links_between(application_ids: Collection[UUID], reviewer_ids: Collection[UUID]) -> set[tuple[UUID, UUID]]:
    """The pairs (application, person) with a link."""
    links = _links(lambda person: person.in_(reviewer_ids)).subquery()
    found: Select[UUID, UUID] = select(links).where(links.c.application_id.in_(application_ids))
    return {(application_id, person) for application_id, person in db.session.execute(found)}


def remaining_by_reviewer(
    call_id: UUID, *, seen_by: Actor | None = None, late_only: bool = False
) -> dict[Account, int]:
    """Who still owes reviews of a call, and how many; what somebody has a link with is not theirs to review.

    For a person, of the dossiers they may know of. `late_only`: reviews whose day is over.
    """
    owed = (
        select(Assignment.application_id, Assignment.reviewer_id)
        .join(Application, Assignment.application_id == Application.id)
        .where(Application.call_id == call_id, Application.state == ApplicationState.ELIGIBLE)
        .where(Assignment.state.in_((S.OFFERED, S.OPEN)))
    )
    if seen_by is not None:
        owed = owed.where(Application.id.not_in(linked_to(seen_by.id)))
    if late_only:
        owed = owed.where(_is_late())
    pairs = {(application_id, reviewer_id) for application_id, reviewer_id in db.session.execute(owed)}
    numbers = Counter(reviewer for _application, reviewer in pairs - _linked_pairs(owed))
    accounts = select(Account).where(Account.id.in_(numbers), Account.active).order_by(Account.email)
    return {account: numbers[account.id] for account in db.session.scalars(accounts)}


def _linked_pairs(assignments: Select[UUID, UUID]) -> set[tuple[UUID, UUID]]:
    given = assignments.subquery()
    links = _links(lambda person: person.in_(select(given.c.reviewer_id))).subquery()
    found: Select[UUID, UUID] = select(links).where(links.c.application_id.in_(select(given.c.application_id)))
    return {(application_id, person) for application_id, person in db.session.execute(found)}


def own_assignment(assignment_id: UUID, account_id: UUID | None) -> Assignment | None:
    """A person's own assignment, whatever its state, with its dossier, its call and its marks."""
    around = joinedload(Assignment.application, innerjoin=True).joinedload(Application.call, innerjoin=True)
    statement = select(Assignment).where(Assignment.id == assignment_id, Assignment.reviewer_id == account_id)
    return db.session.scalars(statement.options(around, joinedload(Assignment.marks))).unique().one_or_none()
