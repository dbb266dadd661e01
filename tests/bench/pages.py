"""Every page, opened by every role about things in every state: what each costs, in statements, processor and bytes."""

import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from grants.applications.models import Application
from grants.awards.models import Award
from grants.calls.models import Call
from grants.kernel.db import Base, db
from grants.people.models import Account, Appointment, Role
from tests.bench.meters import Inside, statements
from tests.bench.scenarios import Subjects
from tests.canaries import Rows
from tests.crawl import WORDS, addresses
from tests.factories.people import session_of

MOST = 20  # statements of a page
FILES = (".csv", ".pdf", ".xlsx", ".zip", ".txt", ".json")  # sheets and papers are scenarios, not pages


@dataclass(frozen=True)
class Opened:
    """The dearest opening of a page by a role: its address, without ids, and what it cost."""

    rule: str
    role: str
    statements: int
    cpu_ms: float
    bytes: int


def every_page(subjects: Subjects, only: Collection[str] = ()) -> list[Opened]:
    """Open every page as everybody, or as some roles; of each page and role, what cost most statements, then time."""
    worst: dict[tuple[str, str], Opened] = {}
    words = WORDS | {"code": subjects.call, "reference": published(subjects)}
    for role, email, rows in visitors(subjects):
        if only and role not in only:
            continue
        client = Inside(subjects.site.app, facts_of(subjects, email))
        for address in addresses(subjects.site.app, rows, **words):
            if address.endswith(FILES) or "/static/" in address:
                continue
            if (found := opened(client, address, role)) is not None:
                known = worst.get((found.rule, role))
                if known is None or (known.statements, known.cpu_ms) < (found.statements, found.cpu_ms):
                    worst[found.rule, role] = found
    return list(worst.values())


def published(subjects: Subjects) -> str:
    """The reference of an application whose grant is public."""
    return str(subjects.site.scalar(
        "SELECT max(application.reference) FROM application JOIN decision ON decision.application_id = application.id "
        "JOIN meeting ON meeting.id = decision.meeting_id WHERE decision.granted AND meeting.state = 'published'"
    ))  # fmt: skip


def opened(client: Inside, address: str, role: str) -> Opened | None:
    """What opening an address costs; None for what is no page for this person."""
    begun = time.process_time()
    with statements() as sent:
        reply = client.send("GET", address)
    spent = (time.process_time() - begun) * 1000
    if reply.status != 200 or not reply.headers.get("content-type", "").startswith("text/html"):
        return None
    return Opened(rule_of(client, address), role, len(sent), spent, len(reply.content))


def rule_of(client: Inside, address: str) -> str:
    """The address without the ids in it."""
    adapter = client.client.application.url_map.bind("localhost")
    rule, _arguments = adapter.match(address, return_rule=True)
    return str(rule.rule)


def facts_of(subjects: Subjects, email: str | None) -> dict[str, Any]:
    """The session of a person, nothing for a visitor."""
    if email is None:
        return {}
    with subjects.site.app.app_context():
        facts = session_of(db.session.scalars(select(Account).where(Account.email == email)).one())
        db.session.remove()
    return facts


# ---- who opens what --------------------------------------------------------------------------------------------------


def visitors(subjects: Subjects) -> Iterator[tuple[str, str | None, Rows]]:
    """(role, address, rows to open pages about): a visitor, one person of each office, applicants in every state."""
    with subjects.site.app.app_context():
        samples = {table.name: _one_per_state(table) for table in Base.metadata.tables.values()}
        offices = {
            role.value: db.session.scalars(
                select(Account.email)
                .join(Appointment, Appointment.account_id == Account.id)
                .where(Appointment.role == role, Appointment.until_on.is_(None), Account.active)
                .order_by(Account.created_at, Account.email)
                .limit(1)
            ).first()
            for role in Role
        }
        applicants = _applicants()
        reviewed = {"assignment": [{"id": subjects.assignment}], "application": [{"id": subjects.application}]}
        db.session.remove()
    yield "public", None, samples
    for role, email in offices.items():
        yield role, email, samples
    yield "reviewer", subjects.reviewer, samples | reviewed
    for state, email, rows in applicants:
        yield f"association, {state}", email, rows


def _one_per_state(table: Any) -> list[dict[str, Any]]:
    """One row of a table in each of its states; the last two of a table without states."""
    if "id" not in table.c:
        return []
    key = table.c.id
    if "state" not in table.c:
        return [{"id": found} for found in db.session.scalars(select(key).order_by(key.desc()).limit(2))]
    try:
        states = db.session.scalars(select(table.c.state).distinct()).all()
    except SQLAlchemyError:
        return []
    return [
        {"id": db.session.scalar(select(key).where(table.c.state == state).order_by(key.desc()).limit(1))}
        for state in states
    ]


def _applicants() -> list[tuple[str, str, Rows]]:
    """The author of one application in each state, of one whose award is in each state, with what hangs on it."""
    found: list[tuple[str, UUID]] = []
    for state in db.session.scalars(select(Application.state).distinct()).all():
        latest = select(Application.id).where(Application.state == state).join(Call).order_by(Call.closes_at.desc())
        found.append((str(state), db.session.scalars(latest.limit(1)).one()))
    for award_state in db.session.scalars(select(Award.state).distinct()).all():
        some = select(Award.application_id).where(Award.state == award_state).order_by(Award.opened_at.desc())
        found.append((f"award {award_state}", db.session.scalars(some.limit(1)).one()))
    applicants = []
    for state, application_id in found:
        application = db.session.get_one(Application, application_id)
        ids = {"application_id": [application.id], "organisation_id": [application.organisation_id]}
        ids["award_id"] = list(db.session.scalars(select(Award.id).where(Award.application_id == application.id)))
        rows: Rows = {"application": [{"id": application.id}], "organisation": [{"id": application.organisation_id}],
                      "call": [{"id": application.call_id}]}  # fmt: skip
        for table in Base.metadata.tables.values():
            column = next((name for name in ("award_id", "application_id", "organisation_id") if name in table.c), None)
            if column is not None and "id" in table.c and table.name not in rows:
                own = select(table.c.id).where(table.c[column].in_(ids[column])).limit(2)
                rows[table.name] = [{"id": key} for key in db.session.scalars(own)]
        author = db.session.get_one(Account, application.author_id)
        applicants.append((state, author.email, rows))
    return applicants
