"""Grows a volume of invented applications, for trying the system at its real size: fast, repeatable, and sound."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Table, event, func, inspect, or_, select, update

from grants.applications import actions as applications
from grants.applications import queries
from grants.applications.lifecycle import ApplicationState
from grants.applications.models import (
    Allocation,
    Answer,
    Application,
    ApplicationAddress,
    ApplicationVersion,
    Audience,
    AxisShare,
    BudgetLine,
    ClimateEffect,
    Indicator,
    JusticeEffect,
    Milestone,
    Partner,
    Signature,
    application_action,
    application_area,
    application_commune,
    application_field,
    application_plan,
)
from grants.awards.lifecycle import InstalmentState
from grants.awards.models import Award, Instalment
from grants.calls import actions as calls
from grants.calls import queries as calls_queries
from grants.calls.actions import move_envelope
from grants.calls.models import Call
from grants.calls.rules import Asked
from grants.deliberation import actions as deliberation
from grants.deliberation.models import Meeting
from grants.demo.awarded import Awards, DrawnVote, Known
from grants.demo.generator import Frame, Generated, Generator, RowsByTable, line, moved, table_of
from grants.demo.script import Script
from grants.demo.voted import Committee
from grants.kernel import clock, journal, pages
from grants.kernel.actor import Actor
from grants.kernel.db import Counter, Keyed, db, next_number, unit_of_work
from grants.kernel.errors import RefusedError
from grants.kernel.money import Money
from grants.kernel.words import _, force_locale
from grants.people import actions as people
from grants.people import queries as people_queries
from grants.people.models import Account, Appointment, College, Membership, Organisation, Role
from grants.programme import queries as programme
from grants.programme.actions import edit_fund
from grants.reviewing import queries as reviewing
from grants.reviewing.models import Assignment, Interest, Mark, Standing
from grants.screening.models import Finding

CHUNK = 500  # applications written at once: one transaction each, so that an interruption leaves whole ones
ENVELOPE = Money.euros(250_000)
A_DOSSIER = 5_000  # euros of the envelope of a past call, for each of its applications
CLOSES, LASTS = -60, 90  # days: when the call under way closed, how long calls last
BEFORE, APART = 75, 182  # days between the closings: of the last past call and that one, of two past calls
PAST_SHARE, CALL, MOST_CALLS = 60, 300, 12  # percent of the applications, their least number in a call, calls
UNARCHIVED = 2  # past calls that are not put away yet
REVIEWERS = 12
ORDER: tuple[Table, ...] = (
    *(table_of(model) for model in (Account, Organisation, Membership, Application)),
    application_action, application_field, application_plan, application_commune, application_area,
    *(table_of(model) for model in (
        AxisShare, Audience, ClimateEffect, JusticeEffect, Partner, Milestone, Indicator, BudgetLine, Answer, Signature,
        ApplicationVersion, ApplicationAddress, Allocation, Finding, Assignment, Interest, Mark, Standing,
    )),
)  # fmt: skip


@dataclass(frozen=True)
class VolumeAdded:
    """What was grown: the code of the call under way, and how many of each thing stand in each state."""

    call: str
    states: dict[ApplicationState, int]
    meetings: int
    awards: int
    payments: int


@dataclass(frozen=True)
class Staff:
    """The people of the fund that the volume has of its own; without a password, so that nobody signs in as them.

    `by` is the manager as the rules see them, the others are plain values.
    """

    by: Actor
    manager: Any
    finance: Any
    checker: Any
    officer: Any
    reviewers: Sequence[Any]


@dataclass(frozen=True)
class Volume:
    """What the calls of a volume share: its seed, the calendar, the people, and the keys to come."""

    seed: int
    script: Script
    staff: Staff
    keys: Iterator[UUID]


def add_volume(number: int, seed: int, *, by: Actor) -> VolumeAdded:
    """Grow so many applications, three in five of them in past calls that were decided and are being paid.

    The same seed on the same day grows the same ones. Each past call adds its own envelope to that of the fund, and
    each call holds one more draft, hardly begun. Transactions of its own, one per chunk. Raises RefusedError when this
    seed was grown before, or when the fund has nothing left to open a call with. Nobody can sign in with the accounts
    made here, and no letter is written.
    """
    with force_locale("fr"):
        sizes = _sizes(number)
        with unit_of_work():
            taken, script = _begin(seed)
            keys = Generator.keys(seed)
            with _keyed_by(keys), clock.fixed(script.at(_closing(len(sizes) - 1) - LASTS - 20, 9)):
                staff = _staff(seed, keys)
        for age, size in reversed(list(enumerate(sizes))):
            _add_call(Volume(seed, script, staff, keys), age, size, taken)
            taken += size
        with unit_of_work():
            journal.tell_rows(by=by)  # they were written in bulk
    return _added(seed)


def _sizes(number: int) -> list[int]:
    """How many applications each call takes: the one under way first, then the past ones, the latest first."""
    past = number * PAST_SHARE // 100
    calls = max(1, min(MOST_CALLS, past // CALL)) if past else 0
    parts = [past // calls + (place < past % calls) for place in range(calls)]
    return [number - past, *parts]


def _closing(age: int) -> int:
    """When a call closes, in days from today: the one under way is of age 0, the past ones half a year apart."""
    return CLOSES - BEFORE - APART * (age - 1) if age else CLOSES


def _code(seed: int, age: int) -> str:
    return f"volume-{seed}" if age == 0 else f"volume-{seed}-{age:02d}"


def _begin(seed: int) -> tuple[int, Script]:
    """How many organisations stand in the range this module draws from (the next ones come after), and the calendar."""
    known = select(Call.id).where(or_(Call.code == _code(seed, 0), Call.code.startswith(f"volume-{seed}-")))
    if db.session.scalar(known.limit(1)) is not None:
        raise RefusedError(_("Ce volume est déjà là : choisissez une autre graine."))
    if calls_queries.left_for(programme.fund(), None) < Money.euros(1):
        raise RefusedError(_("Le fonds n’a plus rien à offrir à un nouvel appel."))
    drawn = select(func.count()).select_from(Organisation).where(Organisation.rna.startswith("W699"))
    return int(db.session.scalar(drawn) or 0), Script(programme.fund().zone)


def _added(seed: int) -> VolumeAdded:
    """What a volume holds."""

    def count(table: Any, *where: Any) -> int:
        return int(db.session.scalar(select(func.count()).select_from(table).where(*where)) or 0)

    own = select(Call.id).where(or_(Call.code == _code(seed, 0), Call.code.startswith(f"volume-{seed}-")))
    applications_ = select(Application.id).where(Application.call_id.in_(own))
    awards = select(Award.id).where(Award.application_id.in_(applications_))
    states = db.session.execute(
        select(Application.state, func.count()).where(Application.call_id.in_(own)).group_by(Application.state)
    )
    return VolumeAdded(
        call=_code(seed, 0),
        states={row[0]: row[1] for row in states},
        meetings=count(Meeting, Meeting.call_id.in_(own)),
        awards=count(Award, Award.application_id.in_(applications_)),
        payments=count(Instalment, Instalment.award_id.in_(awards), Instalment.state == InstalmentState.PAID),
    )


# ---- the calls -------------------------------------------------------------------------------------------------------


def _add_call(volume: Volume, age: int, size: int, taken: int) -> None:
    """Write a call and its applications; then the committee of the one under way, or the whole life of a past one."""
    with unit_of_work():
        frame = _frame(volume, age, size)
    generator, eligible = Generator(frame, volume.seed, size, is_past=age > 0), []
    for start in range(0, size, CHUNK):
        with unit_of_work():
            generated = _add_chunk(generator, range(start, min(start + CHUNK, size)), taken)
            eligible += [each for each in generated if each.facts is not None]
    with unit_of_work(), _keyed_by(volume.keys):
        committee = Committee(frame, volume.seed, volume.script, by=volume.staff.by)
        if age == 0:
            committee.begin(eligible)
        else:
            _award(volume, frame, committee.decide(eligible))
        if age > UNARCHIVED:
            with clock.fixed(committee.at(APART)):
                deliberation.archive(db.session.get_one(Call, frame.call_id), by=volume.staff.by)


def _award(volume: Volume, frame: Frame, votes: Sequence[DrawnVote]) -> None:
    """Open the awards of a call, and lead each to where it would be today."""
    if not votes:
        return
    orders = f"volume-{volume.seed}"
    known = Known(
        threshold=Money.euros(programme.law_number("agreement_threshold", votes[0].act_on)),
        due_on=cache(programme.due_on),
        report_due_on=cache(programme.report_due_on),
        agreement_number=lambda year: f"CONV-{year}-{next_number(f'agreement-{year}'):04d}",
        order_number=lambda year: f"{year}-V{volume.seed}-{next_number(orders):05d}",
    )
    awards = Awards(frame, volume.seed, known, today=volume.script.today)
    for vote in votes:
        awards.follow(vote)
    db.session.flush()
    awards.write(db.session.connection())
    move_envelope(db.session.get_one(Call, frame.call_id), -awards.released)
    journal.append(db.session.connection(), sorted(awards.lines, key=lambda line: line.at))


def _frame(volume: Volume, age: int, size: int) -> Frame:
    script, closes = volume.script, _closing(age)
    with _keyed_by(volume.keys):
        with clock.fixed(script.at(closes - LASTS - 10, 9)):
            call = _call(volume, age, size)
            calls.open_call(call, acknowledged=True, version=call.version, by=volume.staff.by)
        with clock.fixed(script.at(closes - LASTS + 1, 9)):
            model = _model(call, volume, age)
        db.session.flush()
    return _loaded(call, model, volume.staff)


@contextmanager
def _keyed_by(keys: Iterator[UUID]) -> Iterator[None]:
    """Give new rows drawn keys instead of chance ones: frozen contents name them."""

    def give(session: Any, _context: Any, _instances: Any) -> None:
        for row in session.new:
            if isinstance(row, Keyed) and row.id is None:
                row.id = next(keys)

    session = db.session()
    event.listen(session, "before_flush", give)
    try:
        yield
    finally:
        event.remove(session, "before_flush", give)


def _staff(seed: int, keys: Iterator[UUID]) -> Staff:
    """The fund's people and a committee of their own."""
    offices = (
        ("gestion", "Gestion", Role.MANAGER), ("finances", "Finances", Role.FINANCE),
        ("controle", "Contrôle des comptes", Role.FINANCE), ("ordonnateur", "Ordonnateur", Role.AUTHORISING_OFFICER),
    )  # fmt: skip
    people_ = [_account(f"{name}-{seed}", f"{title} du volume {seed}", keys) for name, title, _role in offices]
    reviewers = [_account(f"comite-{seed}-{n}", f"Membre {n} du volume {seed}", keys) for n in range(1, REVIEWERS + 1)]
    colleges = list(College)
    today = clock.today()
    db.session.add_all(
        Appointment(account_id=row.id, role=role, since_on=today)
        for row, (_name, _title, role) in zip(people_, offices, strict=True)
    )
    db.session.add_all(
        Appointment(account_id=row.id, role=Role.REVIEWER, college=colleges[n % len(colleges)], since_on=today)
        for n, row in enumerate(reviewers)
    )
    db.session.flush()
    by = people_queries.actor_of(people_[0])
    manager, finance, checker, officer = (_copy(row) for row in people_)
    return Staff(by, manager, finance, checker, officer, [_copy(row) for row in reviewers])


def _account(name: str, title: str, keys: Iterator[UUID]) -> Account:
    at = clock.now()
    account = Account(
        id=next(keys), email=f"{name}@volume.example", name=title, password=None, fs_uniquifier=uuid4().hex,
        confirmed_at=at, created_at=at,
    )  # fmt: skip
    db.session.add(account)
    journal.record("account.created", account, by=Actor(id=account.id, name=account.name), confirmed=True)
    return account


def _call(volume: Volume, age: int, size: int) -> Call:
    """A call like the fund's; a past one brought an envelope of its own, as large as its applications are many."""
    fund, script, closes, seed = programme.fund(), volume.script, _closing(age), volume.seed
    envelope = min(calls_queries.left_for(fund, None), ENVELOPE)
    if age:
        envelope = Money.euros(A_DOSSIER * max(size, 4))
        columns = {"envelope": fund.envelope + envelope, "service_email": fund.service_email}
        edit_fund(fund, columns, confirmed=False, version=fund.version, by=volume.staff.by)
        db.session.flush()
    which = f", appel clos le {pages.day(script.at(closes, 17))}" if age else ""
    which_en = f", call closed on {script.day(closes).isoformat()}" if age else ""
    return calls.create_from_reference(
        fund,
        programme.frameworks()[0],
        code=_code(seed, age),
        title=f"Volume d’essai nº {seed}{which} : dossiers inventés",
        title_en=f"Trial volume no. {seed}{which_en}: invented applications",
        opens_at=script.at(closes - LASTS, 9),
        closes_at=script.at(closes, 17),
        envelope=envelope,
        by=Actor(name="volume"),
    )


def _model(call: Call, volume: Volume, age: int) -> dict[str, Any]:
    """The content of an empty draft: begun by an association of its own, and left at that."""
    seed = volume.seed
    name = f"{seed}-{age}" if age else f"{seed}"
    account = _account(f"brouillon-{name}", f"Brouillon du volume {name}", volume.keys)
    db.session.flush()
    values = {
        "name": f"Brouillon vide du volume {name} (fictive)", "rna": f"W698{(seed + 61 * age) % 1_000_000:06d}",
        "siret": None, "legal_form": "association", "purpose": "Montrer un dossier à peine commencé.",
    }  # fmt: skip
    organisation = people.create_organisation(values, by=people_queries.actor_of(account))
    draft = applications.start(call, organisation.id, by=people_queries.actor_of(account))
    return queries.plain_content(draft)


def _loaded(call: Call, model: dict[str, Any], staff: Staff) -> Frame:
    """Everything applications are drawn from, read once and kept apart from the session."""
    framework_id, opens_at, closes_at = call.framework_id, call.opens_at, call.closes_at
    if opens_at is None or closes_at is None:
        raise LookupError("a call that was opened has its dates")
    zone = Script(call.fund.zone).zone
    return Frame(
        fund=_copy(call.fund),
        call_id=call.id,
        zone=zone,
        opens_at=opens_at,
        closes_at=closes_at,
        closes_on=closes_at.astimezone(zone).date(),
        model=model,
        offered=[_copy(row, "instrument") for row in calls_queries.instruments_of(call.id)],
        asked=_asked(call.id),
        questions={row.code: _copy(row) for row in calls_queries.questions_of(call.id)},
        statements=[_copy(row) for row in calls_queries.statements_of(call.id)],
        pieces=[_copy(row) for row in calls_queries.pieces_of(call.id)],
        gates=[_copy(row) for row in calls_queries.gates_of(call.id)],
        criteria=[row.id for row in calls_queries.items_of(call.id)],
        grid=reviewing.grid_of(call.id),
        axes={row.code: _copy(row) for row in programme.axes(framework_id)},
        actions=[_copy(row, "axis", "orientation") for row in programme.actions(framework_id)],
        fields=[_copy(row) for row in programme.fields(framework_id)],
        plans=[_copy(row) for row in programme.plans(framework_id)],
        communes=[_copy(row) for row in programme.communes()],
        areas=[_copy(row, "commune") for row in programme.priority_areas()],
        accounts={row.code: _copy(row) for row in programme.budget_accounts()},
        manager=staff.manager,
        finance=staff.finance,
        checker=staff.checker,
        officer=staff.officer,
        reviewers=staff.reviewers,
        silence_months=programme.law_number("implicit_rejection", opens_at.astimezone(zone).date()),
    )


def _asked(call_id: UUID) -> dict[str, tuple[Asked, frozenset[str]]]:
    """What a call asks, by instrument, and which of its questions it does not put."""
    offers = [calls_queries.asked_in(row) for row in calls_queries.instruments_of(call_id)]
    questions = calls_queries.questions_of(call_id)
    return {
        str(asked.instrument): (asked, frozenset(row.code for row in questions if not asked.takes(row.instruments)))
        for asked in offers
    }


def _copy(row: Any, *relations: str) -> Any:
    """A row as plain values, with some of the rows it points to: read thousands of times, it must cost nothing."""
    if row is None:
        return None
    values = {column.key: getattr(row, column.key) for column in inspect(type(row)).column_attrs}
    return SimpleNamespace(**values, **{name: _copy(getattr(row, name)) for name in relations})


# ---- the applications ------------------------------------------------------------------------------------------------


def _add_chunk(generator: Generator, places: range, taken: int) -> list[Generated]:
    """Weave some applications and write them: rows in bulk, numbers from the counter, lines in the journal."""
    frame = generator.frame
    series = f"application:{frame.fund.code}-{frame.closes_on.year}"
    first = next_number(series)
    following, generated = first, []
    for place in places:
        made = generator.generate(place, taken + place + 1, following)
        following += made.submitted_at is not None
        generated.append(made)
    db.session.execute(update(Counter).where(Counter.name == series).values(value=following - 1))
    _write(generator.rows)
    journal.append(db.session.connection(), sorted(_lines(generated, frame), key=lambda line: line.at))
    generator.rows.clear()
    return generated


def _write(rows: RowsByTable) -> None:
    unknown = set(rows) - set(ORDER)
    if unknown:
        raise LookupError(f"no place in the order for {unknown}")
    for table in ORDER:
        if rows.get(table):
            db.session.connection().execute(table.insert(), rows[table])


def _lines(generated: Sequence[Generated], frame: Frame) -> Iterator[Any]:
    """What the journal would have told of these applications, had each act been done by hand."""
    manager = Actor(id=frame.manager.id, name=frame.manager.name)
    code = frame.model["call"]["code"]
    for each in generated:
        author = Actor(id=each.author.id, name=each.author.name)
        yield line("account.created", each.author, author, each.started_at, confirmed=True)
        yield line(
            "organisation.created", each.organisation, author, each.started_at,
            siret=each.organisation.siret, rna=each.organisation.rna,
        )  # fmt: skip
        yield line("application.started", each.application, author, each.started_at, call=code)
        if each.submitted_at is not None:
            yield line(
                "application.submit", each.application, author, each.submitted_at, **moved("draft", "submitted"),
                reference=each.application.reference, digest=each.digest, received_at=each.submitted_at.isoformat(),
            )  # fmt: skip
        if each.decided_at is not None:
            yield _decision(each, manager, each.decided_at)
        for assignment, reviewer in each.assignments:
            yield from _reading(assignment, reviewer, manager)


def _decision(each: Generated, manager: Actor, at: datetime) -> Any:
    if each.gates:
        return line(
            "application.exclude",
            each.application,
            manager,
            at,
            **moved("submitted", "ineligible"),
            gates=list(each.gates),
        )
    return line(
        "application.accept",
        each.application,
        manager,
        at,
        **moved("submitted", "eligible"),
        overruled=[],
        open_requests=0,
    )


def _reading(assignment: Assignment, reviewer: Any, manager: Actor) -> Iterator[Any]:
    by = Actor(id=reviewer.id, name=reviewer.name)
    yield line("assignment.offered", assignment, manager, assignment.assigned_at, reviewer=reviewer.id, due_on=None)
    if assignment.declared_at is not None:
        yield line(
            "assignment.declare_none",
            assignment,
            by,
            assignment.declared_at,
            **moved("offered", "open"),
            nature="none",
        )
    if assignment.submitted_at is not None:
        at = assignment.submitted_at
        yield line("assignment.record_marks", assignment, by, at - timedelta(seconds=1), **moved("open", "open"))
        yield line("assignment.submit", assignment, by, at, **moved("open", "submitted"))
