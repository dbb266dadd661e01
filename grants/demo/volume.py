"""Grows a volume of invented applications, for trying the system at its real size: fast, repeatable, and sound."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Table, event, func, inspect, select, update

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
from grants.calls import actions as calls
from grants.calls import queries as calls_queries
from grants.calls.models import Call
from grants.demo.loom import Frame, Loom, Rows, Woven, table_of
from grants.demo.script import Script
from grants.kernel import clock, journal
from grants.kernel.actor import Actor
from grants.kernel.db import Counter, Keyed, db, next_number, unit_of_work
from grants.kernel.errors import RefusedError
from grants.kernel.money import Money
from grants.kernel.words import _, force_locale
from grants.people import actions as people
from grants.people import queries as people_queries
from grants.people.models import Account, Appointment, College, Membership, Organisation, Role
from grants.programme import queries as programme
from grants.reviewing import queries as reviewing
from grants.reviewing.models import Assignment, Interest, Mark, Standing
from grants.screening.models import Finding

CHUNK = 500  # applications written at once: one transaction each, so that an interruption leaves whole ones
ENVELOPE = Money.euros(250_000)
OPENS, CLOSES = -150, -60
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
class Grown:
    """What was grown: the code of the call, and how many applications stand in each state."""

    call: str
    states: dict[ApplicationState, int]


def grow(number: int, seed: int, *, by: Actor) -> Grown:
    """Grow so many applications in a call of their own; the same seed on the same day grows the same ones.

    Transactions of its own, one per chunk. Raises RefusedError when this seed was grown before, or when the fund has
    nothing left to open a call with. Nobody can sign in with the accounts made here, and no letter is written.
    """
    with force_locale("fr"):
        with unit_of_work():
            frame = _frame(seed, by)
            taken = _taken()
        loom = Loom(frame, seed, number)
        for start in range(0, number, CHUNK):
            with unit_of_work():
                _grow_chunk(loom, range(start, min(start + CHUNK, number)), taken)
        with unit_of_work():
            journal.tell_rows(by=by)  # they were written in bulk
    counted = select(Application.state, func.count()).where(Application.call_id == frame.call_id)
    states = db.session.execute(counted.group_by(Application.state).order_by(Application.state))
    return Grown(str(frame.model["call"]["code"]), {row[0]: row[1] for row in states})


def _taken() -> int:
    """How many organisations stand in the range this module draws from: the next ones come after."""
    drawn = select(func.count()).select_from(Organisation).where(Organisation.rna.startswith("W699"))
    return int(db.session.scalar(drawn) or 0)


# ---- the call --------------------------------------------------------------------------------------------------------


def _frame(seed: int, by: Actor) -> Frame:
    code = f"volume-{seed}"
    if calls_queries.call_by_code(code) is not None:
        raise RefusedError(_("Ce volume est déjà là : choisissez une autre graine."))
    fund = programme.fund()
    script = Script(fund.zone)
    keys = Loom.keys(seed)
    with _keyed_by(keys):
        with clock.fixed(script.at(OPENS - 10, 9)):
            manager, reviewers = _staff(seed, keys)
            call = _call(code, seed, script)
            calls.open_call(call, acknowledged=True, version=call.version, by=people_queries.actor_of(manager))
        with clock.fixed(script.at(OPENS + 1, 9)):
            model = _model(call, seed, keys)
        db.session.flush()
    return _loaded(call, model, manager, reviewers)


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


def _staff(seed: int, keys: Iterator[UUID]) -> tuple[Account, list[Account]]:
    """A manager and a committee of their own; without a password, so that nobody signs in as them."""
    manager = _account(f"gestion-{seed}", f"Gestion du volume {seed}", keys)
    reviewers = [_account(f"comite-{seed}-{n}", f"Membre {n} du volume {seed}", keys) for n in range(1, REVIEWERS + 1)]
    colleges = list(College)
    today = clock.today()
    db.session.add(Appointment(account_id=manager.id, role=Role.MANAGER, since_on=today))
    db.session.add_all(
        Appointment(account_id=row.id, role=Role.REVIEWER, college=colleges[n % len(colleges)], since_on=today)
        for n, row in enumerate(reviewers)
    )
    db.session.flush()
    return manager, reviewers


def _account(name: str, title: str, keys: Iterator[UUID]) -> Account:
    at = clock.now()
    account = Account(
        id=next(keys), email=f"{name}@volume.example", name=title, password=None, fs_uniquifier=uuid4().hex,
        confirmed_at=at, created_at=at,
    )  # fmt: skip
    db.session.add(account)
    journal.record("account.created", account, by=Actor(id=account.id, name=account.name), confirmed=True)
    return account


def _call(code: str, seed: int, script: Script) -> Call:
    fund = programme.fund()
    left = calls_queries.left_for(fund, None)
    if left < Money.euros(1):
        raise RefusedError(_("Le fonds n’a plus rien à offrir à un nouvel appel."))
    return calls.create_from_reference(
        fund,
        programme.frameworks()[0],
        code=code,
        title=f"Volume d’essai nº {seed} : dossiers inventés",
        title_en=f"Trial volume no. {seed}: invented applications",
        opens_at=script.at(OPENS, 9),
        closes_at=script.at(CLOSES, 17),
        envelope=min(left, ENVELOPE),
        by=Actor(name="volume"),
    )


def _model(call: Call, seed: int, keys: Iterator[UUID]) -> dict[str, Any]:
    """The content of an empty draft: begun by an association of its own, and left at that."""
    account = _account(f"brouillon-{seed}", f"Brouillon du volume {seed}", keys)
    db.session.flush()
    values = {
        "name": f"Brouillon vide du volume {seed} (fictive)", "rna": f"W698{seed % 1_000_000:06d}", "siret": None,
        "legal_form": "association", "purpose": "Montrer un dossier à peine commencé.",
    }  # fmt: skip
    organisation = people.create_organisation(values, by=people_queries.actor_of(account))
    draft = applications.start(call, organisation.id, by=people_queries.actor_of(account))
    return queries.plain_content(draft)


def _loaded(call: Call, model: dict[str, Any], manager: Account, reviewers: Sequence[Account]) -> Frame:
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
        manager=_copy(manager),
        reviewers=[_copy(row) for row in reviewers],
        silence_months=programme.law_number("implicit_rejection", opens_at.astimezone(zone).date()),
    )


def _copy(row: Any, *relations: str) -> Any:
    """A row as plain values, with some of the rows it points to: read thousands of times, it must cost nothing."""
    if row is None:
        return None
    values = {column.key: getattr(row, column.key) for column in inspect(type(row)).column_attrs}
    return SimpleNamespace(**values, **{name: _copy(getattr(row, name)) for name in relations})


# ---- the applications ------------------------------------------------------------------------------------------------


def _grow_chunk(loom: Loom, places: range, taken: int) -> None:
    """Weave some applications and write them: rows in bulk, numbers from the counter, lines in the journal."""
    frame = loom.frame
    series = f"application:{frame.fund.code}-{frame.closes_on.year}"
    first = next_number(series)
    following, woven = first, []
    for place in places:
        made = loom.weave(place, taken + place + 1, following)
        following += made.submitted_at is not None
        woven.append(made)
    db.session.execute(update(Counter).where(Counter.name == series).values(value=following - 1))
    _write(loom.rows)
    journal.append(db.session.connection(), sorted(_lines(woven, frame), key=lambda line: line.at))
    loom.rows.clear()


def _write(rows: Rows) -> None:
    unknown = set(rows) - set(ORDER)
    if unknown:
        raise LookupError(f"no place in the order for {unknown}")
    for table in ORDER:
        if rows.get(table):
            db.session.connection().execute(table.insert(), rows[table])


def _lines(woven: Sequence[Woven], frame: Frame) -> Iterator[Any]:
    """What the journal would have told of these applications, had each act been done by hand."""
    manager = Actor(id=frame.manager.id, name=frame.manager.name)
    code = frame.model["call"]["code"]
    for each in woven:
        author = Actor(id=each.author.id, name=each.author.name)
        yield _line("account.created", each.author, author, each.started_at, confirmed=True)
        yield _line(
            "organisation.created", each.organisation, author, each.started_at,
            siret=each.organisation.siret, rna=each.organisation.rna,
        )  # fmt: skip
        yield _line("application.started", each.application, author, each.started_at, call=code)
        if each.submitted_at is not None:
            yield _line(
                "application.submit", each.application, author, each.submitted_at, **_moved("draft", "submitted"),
                reference=each.application.reference, digest=each.digest, received_at=each.submitted_at.isoformat(),
            )  # fmt: skip
        if each.decided_at is not None:
            yield _decision(each, manager, each.decided_at)
        for assignment, reviewer in each.assignments:
            yield from _reading(assignment, reviewer, manager)


def _decision(each: Woven, manager: Actor, at: datetime) -> Any:
    if each.gates:
        return _line(
            "application.exclude",
            each.application,
            manager,
            at,
            **_moved("submitted", "ineligible"),
            gates=list(each.gates),
        )
    return _line(
        "application.accept",
        each.application,
        manager,
        at,
        **_moved("submitted", "eligible"),
        overruled=[],
        open_requests=0,
    )


def _reading(assignment: Assignment, reviewer: Any, manager: Actor) -> Iterator[Any]:
    by = Actor(id=reviewer.id, name=reviewer.name)
    yield _line("assignment.offered", assignment, manager, assignment.assigned_at, reviewer=reviewer.id, due_on=None)
    if assignment.declared_at is not None:
        yield _line(
            "assignment.declare_none",
            assignment,
            by,
            assignment.declared_at,
            **_moved("offered", "open"),
            nature="none",
        )
    if assignment.submitted_at is not None:
        at = assignment.submitted_at
        yield _line("assignment.record_marks", assignment, by, at - timedelta(seconds=1), **_moved("open", "open"))
        yield _line("assignment.submit", assignment, by, at, **_moved("open", "submitted"))


def _moved(before: str, after: str) -> dict[str, Any]:
    return {"from": before, "to": after}


def _line(event: str, subject: Any, by: Actor, at: datetime, **facts: Any) -> Any:
    return journal.line_of(event, subject, by, facts, at)
