"""The closing instant: what is received at it or before counts, to the microsecond, whatever the clocks on walls say.

The clock of a served fund cannot be set from outside, so that most submissions go through the whole application in this
process, by WSGI, with its clock stopped at the instant. A last part is in real time and by HTTP: a call that
closes in a few seconds, and people who send across its closing. There, a request whose first byte left after the
closing must be refused, and every answer must agree with the instant that the journal keeps.

A third part is a call with a grace of some minutes: only those whose submission was refused at the closing or before
may submit within it. In a fourth, every other dossier was given an extension, at whose end it closes.
"""

import random
import threading
import time
from collections.abc import Iterator, Sequence
from contextvars import Context
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from flask.testing import FlaskClient
from lxml import html
from sqlalchemy import select

from grants.applications import actions
from grants.applications.lifecycle import ApplicationState
from grants.applications.models import Application
from grants.calls.models import Call
from grants.kernel import clock
from grants.kernel.actor import system
from grants.kernel.db import db, unit_of_work
from grants.people.models import Account
from grants.programme.models import Fund
from tests.assure.figures import Reading, figure
from tests.client import LIGHT
from tests.drafts import Draft, drafts
from tests.factories.people import session_of
from tests.rush import is_done, ready, verified
from tests.site import Site, Workspace

ZONES = ("Europe/Paris", "America/Martinique", "Pacific/Auckland")
EDGE = timedelta(seconds=2)
BLINK = timedelta(microseconds=1)
EXACT = (timedelta(0), BLINK, -BLINK, EDGE, -EDGE, timedelta(minutes=45), timedelta(minutes=-45))
GRACE = timedelta(minutes=7)
EXTENSION = timedelta(days=3)
AROUND = (-EDGE, -BLINK, timedelta(0), BLINK, EDGE)
WRITERS = 10
SEED = 8


@dataclass(frozen=True)
class Closing:
    """A call's last instant, in the zone it is shown in."""

    zone: str
    at: datetime

    def __str__(self) -> str:
        return f"{self.at.astimezone(ZoneInfo(self.zone)).isoformat()} ({self.zone})"


@figure(
    "deadline",
    number="8",
    says="dépôts mal jugés autour de la clôture : ± 2 s, 3 fuseaux, les deux nuits de changement d’heure",
    minutes=2,
    once="postgresql",
)
def deadline(workspace: Workspace) -> Reading:
    """A submission counts if it was received at the closing instant or before, and never otherwise."""
    stopped, running, graced, extended = (2_000, 48, 250, 250) if workspace.full else (200, 12, 25, 20)
    total = stopped + running + graced + extended
    with workspace.site() as site:
        with site.making() as make:
            call_id = make.call().id
        written = drafts(site, call_id, total, writers=WRITERS)
        faults = [
            *_with_a_stopped_clock(site, call_id, written[:stopped]),
            *_in_real_time(site, call_id, written[stopped : stopped + running]),
            *_within_a_grace(site, call_id, written[stopped + running : total - extended]),
            *_within_an_extension(site, call_id, written[total - extended :]),
            *verified(site),
        ]
        return Reading(len(written), faults, least=total)


# ---- the clock stopped ---------------------------------------------------------------------------------------------


def closings(year: int) -> list[Closing]:
    """In each zone: an ordinary evening, and both sides of every change of the hour that the year holds."""
    found = []
    for zone in ZONES:
        local = ZoneInfo(zone)
        found.append(Closing(zone, datetime(year, 5, 14, 17, 0, tzinfo=local).astimezone(UTC)))
        # Auckland changes its clocks on other nights than Paris; Martinique never does, and closes in the Paris nights.
        changes = list(_changes(local, year)) or list(_changes(ZoneInfo(ZONES[0]), year))
        for change in changes:
            found += [Closing(zone, change + timedelta(minutes=minutes)) for minutes in (-30, 0, 30)]
    return found


def _changes(zone: ZoneInfo, year: int) -> Iterator[datetime]:
    """The instants of a year at which the clocks of a zone change."""
    hour, instant = timedelta(hours=1), datetime(year, 1, 1, tzinfo=UTC)
    while instant.year == year:
        if (instant - hour).astimezone(zone).utcoffset() != instant.astimezone(zone).utcoffset():
            yield instant
        instant += hour


def _with_a_stopped_clock(site: Site, call_id: UUID, written: Sequence[Draft]) -> Iterator[str]:
    """Share the drafts between the closings; each is submitted at an instant of its own."""
    chance = random.Random(SEED)
    found = closings(clock.today().year + 1)
    for place, closing in enumerate(found):
        _close(site, call_id, closing)
        share = written[place :: len(found)]
        clients = _clients(site, {draft.email for draft in share}, closing)
        for number, draft in enumerate(share):
            offset = EXACT[number % 12] if number % 12 < len(EXACT) else chance.uniform(-1, 1) * EDGE
            yield from _judged(site, clients[draft.email], draft, closing, closing.at + offset)


def _close(site: Site, call_id: UUID, closing: Closing) -> None:
    """Let the call end at an instant, in a fund that shows another zone."""
    with site.app.app_context():
        with unit_of_work() as session:
            call = session.get_one(Call, call_id)
            call.opens_at = call.opened_at = closing.at - timedelta(days=40)
            call.closes_at = closing.at
            session.get_one(Fund, call.fund_id).zone = closing.zone
        db.session.remove()


def _clients(site: Site, emails: set[str], closing: Closing) -> dict[str, tuple[FlaskClient, str]]:
    """People who signed in just before the closing, each with the token of their session."""
    found = {}
    for email in sorted(emails):
        client = site.app.test_client()
        with clock.fixed(closing.at - timedelta(minutes=5)):
            with site.app.app_context():
                facts = session_of(db.session.scalars(select(Account).where(Account.email == email)).one())
                db.session.remove()
            with client.session_transaction() as session:
                session.update(facts)
            page = html.fromstring(Context().run(client.get, LIGHT).text)
        found[email] = client, page.xpath("//input[@name='csrf_token']/@value")[0]
    return found


def _judged(
    site: Site,
    client: tuple[FlaskClient, str],
    draft: Draft,
    closing: Closing,
    received: datetime,
    *,
    is_due: bool | None = None,
) -> Iterator[str]:
    """Submit at an instant; what is wrong with the answer and with what the database keeps.

    `is_due` says whether it is to be taken, when the closing alone does not.
    """
    browser, token = client
    body = {"csrf_token": token, "_key": draft.application.hex, "seen": str(draft.version)}
    with clock.fixed(received):
        answer = browser.post(f"/dossiers/{draft.application}/deposer", data=body)
    is_due = received <= closing.at if is_due is None else is_due
    state, stored_at = _kept(site, draft)
    is_submitted = state is ApplicationState.SUBMITTED
    where = f"closing {closing}, received {(received - closing.at).total_seconds():+.6f} s"
    if is_submitted is not is_due:
        yield f"{where}: {state} ({answer.status_code})"
    if answer.status_code != (302 if is_submitted else 409):
        place = answer.headers.get("Location", "")
        yield f"{where}: {state}, and the answer is {answer.status_code} {place}"
    if is_submitted and stored_at != received:
        yield f"{where}: the receipt says {stored_at}"


def _kept(site: Site, draft: Draft) -> tuple[ApplicationState, datetime | None]:
    found = select(Application.state, Application.submitted_at).where(Application.id == draft.application)
    with site.engine.connect() as connection:
        row = connection.execute(found).one()
    return row.state, row.submitted_at


# ---- the grace -----------------------------------------------------------------------------------------------------


def _within_a_grace(site: Site, call_id: UUID, written: Sequence[Draft]) -> Iterator[str]:
    """Attempt around the closing, or not at all, then submit around the end of the grace.

    An attempt names a version that the dossier does not have yet, so that it is refused.
    """
    closing = closings(clock.today().year + 1)[0]
    _close(site, call_id, closing)
    with site.app.app_context():
        with unit_of_work() as session:
            session.get_one(Call, call_id).grace_minutes = GRACE // timedelta(minutes=1)
        db.session.remove()
    clients = _clients(site, {draft.email for draft in written}, closing)
    for number, draft in enumerate(written):
        client = clients[draft.email]
        attempt = (*AROUND[:-1], None)[number // len(AROUND) % len(AROUND)]
        after = AROUND[number % len(AROUND)]
        if attempt is not None:
            yield from _refused(client, draft, closing.at + attempt)
        is_attempted = attempt is not None and attempt <= timedelta(0)
        received = closing.at + GRACE + after
        yield from _judged(site, client, draft, closing, received, is_due=is_attempted and after <= timedelta(0))


def _refused(client: tuple[FlaskClient, str], draft: Draft, at: datetime) -> Iterator[str]:
    browser, token = client
    body = {"csrf_token": token, "_key": uuid4().hex, "seen": str(draft.version + 1)}
    with clock.fixed(at):
        answer = browser.post(f"/dossiers/{draft.application}/deposer", data=body)
    if answer.status_code != 409:
        yield f"an attempt on another version of the dossier: {answer.status_code}"


# ---- an extension --------------------------------------------------------------------------------------------------


def _within_an_extension(site: Site, call_id: UUID, written: Sequence[Draft]) -> Iterator[str]:
    """Give every other dossier an extension once the call is closed, then submit all of them around its end."""
    closing = closings(clock.today().year + 1)[0]
    _close(site, call_id, closing)
    ends = Closing(closing.zone, closing.at + EXTENSION)
    with site.app.app_context(), clock.fixed(closing.at + BLINK):
        with unit_of_work() as session:
            session.get_one(Call, call_id).grace_minutes = 0
            for draft in written[::2]:
                actions.give_extension(
                    session.get_one(Application, draft.application), ends_at=ends.at, reason="Panne.", sits_on=None,
                    seen=0, by=system("assurance"),
                )  # fmt: skip
        db.session.remove()
    clients = _clients(site, {draft.email for draft in written}, ends)
    for number, draft in enumerate(written):
        after = AROUND[number // 2 % len(AROUND)]
        is_due = number % 2 == 0 and after <= timedelta(0)
        yield from _judged(site, clients[draft.email], draft, ends, ends.at + after, is_due=is_due)


# ---- in real time --------------------------------------------------------------------------------------------------


def _in_real_time(site: Site, call_id: UUID, written: Sequence[Draft]) -> list[str]:
    """People at a served fund, before their forms, who send one after another from before the closing to after it."""
    faults: list[str] = []
    with site.serve() as server:
        _close(site, call_id, Closing(ZONES[0], datetime.now(UTC) + timedelta(minutes=10)))
        people = {email: site.visitor(server, email) for email in {draft.email for draft in written}}
        forms = [ready(people[draft.email], f"/dossiers/{draft.application}/deposer") for draft in written]
        closes_at = datetime.now(UTC) + 2 * EDGE
        _close(site, call_id, Closing(ZONES[0], closes_at))

        def person(place: int) -> None:
            leaves = closes_at - EDGE + (2 * EDGE / len(forms)) * place
            time.sleep(max(0.0, (leaves - datetime.now(UTC)).total_seconds()))
            left = datetime.now(UTC)
            answer = forms[place].send()
            state, stored_at = _kept(site, written[place])
            is_submitted = state is ApplicationState.SUBMITTED
            if is_submitted is not is_done(answer) or (not is_submitted and answer.status_code != 409):
                faults.append(f"real time: {state}, and the answer is {answer.status_code}")
            if is_submitted and (left > closes_at or stored_at is None or stored_at > closes_at):
                faults.append(f"real time: left {left}, received {stored_at}, closed {closes_at}, and it was kept")
            if stored_at is not None and stored_at < left:
                faults.append(f"real time: left {left}, said to be received before, {stored_at}")

        crowd = [threading.Thread(target=person, args=(place,)) for place in range(len(forms))]
        for one in crowd:
            one.start()
        for one in crowd:
            one.join()
    return faults
