"""What must not be seen, and what must not move: a recused reviewer, an embargo, frozen marks.

Nobody lists the surfaces here: pages are crawled, addresses are built from the routes and the rows of the dossier, and
the frozen tables are found by their foreign keys.
"""

import inspect
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urljoin, urlsplit
from uuid import UUID, uuid4

from sqlalchemy import Connection, Table, delete, select, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm.exc import StaleDataError
from werkzeug.datastructures import FileStorage

from grants.applications.lifecycle import ApplicationState
from grants.applications.models import Application
from grants.calls.models import Call, Criterion
from grants.deliberation import actions as deliberation
from grants.deliberation.models import Meeting, Recommendation
from grants.deliberation.rules import Act, RecommendationInput, Verdict
from grants.kernel import clock, uploads
from grants.kernel.actor import Actor
from grants.kernel.db import Base, db
from grants.kernel.db import unit_of_work as work
from grants.kernel.errors import AppError
from grants.kernel.money import Money
from grants.messages.models import Conversation, Message
from grants.people.models import Account
from grants.programme.models import Fund
from grants.reviewing import actions as reviewing
from grants.reviewing.lifecycle import AssignmentState
from grants.reviewing.models import Assignment, InterestNature
from grants.reviewing.rules import Draft
from grants.screening.models import PieceRequest
from tests.architecture.test_access import blank_pdf
from tests.assure.figures import Reading, figure
from tests.canaries import Canaries, Rows, plant, rows_of, text_of
from tests.client import form_values
from tests.crawl import Answers, addresses, bare, crawl, demonstrations
from tests.factories import Make
from tests.inside import inside
from tests.kernel.test_papers import words_of
from tests.site import Server, Site, Visitor, Workspace, filled, token_of, tree_of

ELIGIBLE, OPEN = ApplicationState.ELIGIBLE, AssignmentState.OPEN
READER, CLERK = "lecture@exemple.example", "gestion@exemple.example"
# Every office, spread over as few people as the offices that are incompatible allow.
HOLDERS = {
    "gestion-et-finances@exemple.example": ("reviewer", "manager", "finance"),
    "administration@exemple.example": ("reviewer", "manager", "administrator"),
    "ordonnateur@exemple.example": ("reviewer", "authorising_officer"),
    "audit@exemple.example": ("auditor",),
}
# Between them they read whatever any office reads: enough for the short form.
READERS = ("gestion-et-finances@exemple.example", "audit@exemple.example")
OWN_LINKS = "/mes-liens"  # where people read which dossiers they declared a link with
FAR = {True: 250, False: 25}
STARTS = (
    "/",
    "/mon-espace",
    "/evaluations",
    "/deliberation",
    "/gestion/dossiers",
    "/recevabilite",
    "/suivi",
    "/dossiers",
)

# What is not the dossier's alone.
APART = {"organisation", "account", "membership"}
# What calls and the fund hold, from the recommendations of meetings that are not frozen.
HELD = (
    (
        "UPDATE call SET committed_cents = (SELECT COALESCE(SUM(r.amount_cents), 0) FROM recommendation r "
        "JOIN meeting m ON m.id = r.meeting_id WHERE m.call_id = call.id)"
    ),
    "UPDATE fund SET committed_cents = (SELECT SUM(c.committed_cents) FROM call c WHERE c.fund_id = fund.id)",
)


# ---- recusal


@figure(
    "recusal",
    number="9",
    says="surfaces où qui s’est déporté voit encore le dossier ou son effet",
    minutes=2,
    once="sqlite",
)
def recusal(workspace: Workspace) -> Reading:
    """Declare a link in every office, and as a reviewer alone: the dossier vanishes from every surface they see."""
    with workspace.site() as site:
        organisations = deliberating(site)
        hidden = organisations["hidden"]
        canaries = plant(site, organisations)
        secrets = Canaries(*({w: s for w, s in secret.items() if s.dossier != "other" and s.application}
                             for secret in (canaries.words, canaries.natural)))  # fmt: skip
        starts = [*addresses(site.app, rows_in(site, hidden), reference="2020-1", code="aucun"), *STARTS]
        shown = demonstrations(site.app)
        holders = HOLDERS if workspace.full else READERS
        people = {email: inside(site, email) for email in (*holders, READER)}
        before = {
            email: seen_on(crawl(people[email], starts, far=FAR[workspace.full]), secrets, shown) for email in holders
        }
        linked = [organisation for name, organisation in organisations.items() if name != "other"]
        faults = [fault for email in people for each in linked for fault in declared(site, people[email], email, each)]
        write_to_reviewers(site)
        surfaces = {url for seen in before.values() for url in seen}
        for person in people.values():
            person.get(OWN_LINKS)  # what was to be told once is told
        with clock.fixed(clock.now()):  # nothing but the dossiers changes any more
            opened = {
                email: crawl(person, [*starts, *surfaces], far=FAR[workspace.full])
                for email, person in people.items()
                if email != READER or workspace.full  # in short, a reader whose pages the others open as well
            }
            for email, answers in opened.items():
                faults += [f"{url}, {email}: {what}" for url, what in seen_on(answers, secrets, shown).items()]
            faults += [f"a letter to the recused: {what}" for what in letters_to(site, people, secrets)]
            faults += without_influence(site, people, linked, {email: opened[email] for email in holders})
        tried = sum(len(each) for each in (*before.values(), *opened.values()))
        return Reading(tried, faults + blind(before), least=150)


def deliberating(site: Site) -> dict[str, UUID]:
    """Committees at work; by name, the organisations to be recused from and another.

    `hidden` has everything a dossier may have, `waiting` is to be screened again, `elsewhere` is of another call.
    """
    with site.making() as make:
        holders = [make.account(*offices, email=email) for email, offices in HOLDERS.items()]
        reader = make.account("reviewer", email=READER)
        make.account("manager", email=CLERK)
        dossiers = committee(make)
        for dossier in dossiers:
            for holder in holders:
                if "reviewer" in HOLDERS[holder.email]:
                    make.assignment(dossier, holder, state=OPEN)
            make.assignment(dossier, reader)
        first = dossiers[0]
        with work() as session:
            organisation = first.organisation_id
            file = uploads.accept(FileStorage(blank_pdf(), "budget.pdf"), by=make.by, organisation_id=organisation,
                                dossier_id=first.id)  # fmt: skip
            session.add(PieceRequest(application_id=first.id, label="Comptes", due_on=clock.today(), file=file,
                                     requested_at=clock.now(), requested_by=holders[0].id))  # fmt: skip
            session.add(Message(conversation=Conversation(application_id=first.id, opened_at=clock.now()),
                                author_id=make.member_of(first.organisation).id, from_fund=False,
                                text="Une question.", sent_at=clock.now()))  # fmt: skip
        names = ("hidden", "waiting", "other", "elsewhere")
        return {name: each.organisation_id for name, each in zip(names, (*dossiers, *committee(make, 1)), strict=True)}


def declared(site: Site, person: Visitor, email: str, organisation: UUID) -> list[str]:
    """Let a person declare a link, where they read the dossier or in the list of their links; what an old tab does."""
    (dossier,) = rows_in(site, organisation)["application"]
    with site.engine.connect() as connection:
        assignment = connection.execute(
            select(Assignment.id, Assignment.state).join(Account, Account.id == Assignment.reviewer_id)
            .where(Account.email == email, Assignment.application_id == dossier["id"])
        ).one_or_none()  # fmt: skip
    if assignment is None:
        answer = person.send(OWN_LINKS, {"reference": dossier["reference"], "nature": "family"}, action=OWN_LINKS)
        assert answer.status_code == 302, answer.text
        return []
    tab = person.get(f"/evaluations/{assignment.id}") if assignment.state is OPEN else None
    link = f"/evaluations/{assignment.id}/lien"
    answer = person.send(link, {"link": "yes", "nature": "family"}, action="/lien")
    assert answer.status_code == 302, answer.text
    return old_tab(site, person, tab, assignment.id) if tab is not None else []


def committee(make: Make, number: int = 3) -> list[Application]:
    """Dossiers of a closed call, each with two reviews sent and a recommendation of the meeting that prepares."""
    at = clock.now()
    call = make.call(opens_at=at - timedelta(days=30), closes_at=at - timedelta(days=3))
    dossiers = [make.application(state=ELIGIBLE, call=call) for _ in range(number)]
    meeting = make.meeting(call)
    for dossier in dossiers:
        make.reviewed(dossier, 2, 3)
        make.recommendation(meeting, dossier)
    return dossiers


def rows_in(site: Site, organisation: UUID) -> Rows:
    """The rows of an organisation."""
    with site.engine.connect() as connection:
        return rows_of(connection, organisation)


def seen_on(answers: Answers, secrets: Canaries, shown: tuple[str, ...]) -> dict[str, str]:
    """The pages that hold a word of the dossier, with one of these. The reference one declared is one's own to read."""
    found = {
        url: [secret for secret in secrets.seen_in(text_of(answer), besides=[url]).values()
              if urlsplit(url).path != OWN_LINKS or (secret.table, secret.column) != ("application", "reference")]
        for url, answer in answers.items()
        if not url.startswith(shown)
    }  # fmt: skip
    return {url: str(seen[0]) for url, seen in found.items() if seen}


def blind(before: Mapping[str, Mapping[str, str]]) -> list[str]:
    """An instrument that sees nothing beforehand proves nothing."""
    return [f"only {len(seen)} surfaces showed {email} the dossier before the declaration"
            for email, seen in before.items() if len(seen) < 8]  # fmt: skip


def old_tab(site: Site, person: Visitor, tab: Any, assignment: UUID) -> list[str]:
    """Marks sent from a page opened before: 409, nothing kept."""
    address, fields = filled(tab, str(assignment))
    data = [(name, value) for name, value in fields if name not in {"committee_comment", "applicant_comment"}]
    data += [("committee_comment", "Après coup"), ("applicant_comment", "Après coup")]
    data += [(row[0].hex, "4") for row in site_ids(site, Criterion)]
    faults = []
    before = guarded(site)
    for path in (address, f"{address}/envoyer"):
        answer = person.post(path, [*((n, v) for n, v in data if n != "_key"), ("_key", uuid4().hex)])
        if answer.status_code != 409:
            faults.append(f"marks sent from an old tab to {path}: {answer.status_code}, 409 expected")
    return faults + [f"an old tab changed {table}" for table in differing(before, guarded(site))]


def site_ids(site: Site, kind: Any) -> list[Any]:
    """The ids of a table."""
    with site.engine.connect() as connection:
        return list(connection.execute(select(kind.__table__.c.id)))


def write_to_reviewers(site: Site) -> None:
    """Let the manager remind everybody of what they owe."""
    clerk = inside(site, CLERK)
    owed = "JOIN assignment r ON r.application_id = a.id AND r.state = 'offered'"
    for row in site.rows(f"SELECT DISTINCT a.call_id FROM application a {owed}"):
        answer = clerk.send(f"/evaluations/affecter/{UUID(str(row.call_id))}", action="/relancer")
        assert answer.status_code == 302, answer.text


def letters_to(site: Site, people: Iterable[str], secrets: Canaries) -> list[str]:
    """What letters written to people say of the dossier."""
    found = []
    for address in people:
        for row in site.rows("SELECT subject, body FROM letter WHERE recipient = :to", to=address):
            found += [str(secret) for secret in secrets.seen_in(f"{row.subject} {row.body}").values()]
    return found


def without_influence(
    site: Site, people: Mapping[str, Visitor], organisations: Iterable[UUID], opened: Mapping[str, Answers]
) -> list[str]:
    """Whether amounts, marks and states of hidden dossiers change a single byte of what people see: totals included.

    The clock stands still; what changed for another reason (a line of the journal) is no other once they are as before.
    """
    read = {email: [url for url, answer in answers.items() if answer.ok and not answer.is_redirect]
            for email, answers in opened.items()}  # fmt: skip
    with otherwise(site, organisations):
        changed = {email: asked(people[email], urls) for email, urls in read.items()}
    differ = {email: [url for url, answer in answers.items() if answer != bare(opened[email][url])]
              for email, answers in changed.items()}  # fmt: skip
    after = {email: asked(people[email], urls) for email, urls in differ.items()}
    return [f"{url}, {email}, changes with the dossier: {difference(after[email][url], changed[email][url])}"
            for email, urls in differ.items() for url in urls if after[email][url] != changed[email][url]]  # fmt: skip


@contextmanager
def otherwise(site: Site, organisations: Iterable[UUID]) -> Iterator[None]:
    """Other amounts, marks and recommendations of dossiers for as long as the block lasts; the second one is not
    screened."""
    with site.unguarded() as connection:
        found = [rows_of(connection, organisation) for organisation in organisations]
        before = [(Base.metadata.tables[table], row) for rows in found for table, lines in rows.items()
                for row in lines if table not in APART]  # fmt: skip
        for table, row in before:
            shift(connection, table, row)
        waiting = found[1]["application"][0]["id"]
        connection.execute(
            update(Application).where(Application.id == waiting).values(state=ApplicationState.SUBMITTED)
        )
        hold(site, connection)
    yield
    with site.unguarded() as connection:
        for table, row in before:
            keys = {key.name for key in table.primary_key}
            if values := {name: value for name, value in row.items() if name not in keys}:
                connection.execute(table.update().where(*(table.c[name] == row[name] for name in keys)).values(values))
        hold(site, connection)


def hold(site: Site, connection: Connection) -> None:
    """Let calls and the fund hold what the recommendations say, and the application count it anew."""
    for statement in HELD:
        connection.exec_driver_sql(statement)
    site.app.extensions.pop("query_cache", None)


def asked(person: Visitor, urls: list[str]) -> dict[str, Any]:
    """What a person is answered now."""
    return {url: bare(person.get(url, allow_redirects=False)) for url in urls}


def shift(connection: Connection, table: Table, row: Mapping[str, Any]) -> None:
    """Change the amounts and marks of a row where the rules of the database let it."""
    keys = [key == row[key.name] for key in table.primary_key]
    for column in table.columns:
        value = row[column.name]
        if column.primary_key or column.foreign_keys or column.name == "version":
            continue
        if isinstance(value, Money):
            value = value + value
        elif isinstance(value, int) and not isinstance(value, bool):
            value = value + 1 if value < 4 else value - 1
        else:
            continue
        try:
            with connection.begin_nested():
                connection.execute(table.update().where(*keys).values({column: value}))
        except DBAPIError:
            continue


def difference(one: Any, other: Any) -> str:
    """The first place where two answers differ."""
    if one[:2] != other[:2]:
        return f"{one[:2]} / {other[:2]}"
    place = next((n for n, pair in enumerate(zip(one[2], other[2], strict=False)) if pair[0] != pair[1]), 0)
    return " / ".join(each[2][max(0, place - 60) : place + 60].decode("utf-8", "replace") for each in (one, other))


# ---- the embargo

# Printed pages name the site: both worlds have the same name, whatever the port they listen on.
NAME = {"BASE_URL": "http://127.0.0.1"}


@figure(
    "embargo",
    number="10",
    says="octets qui distinguent « retenu » de « refusé » avant la publication",
    minutes=2,
    once="postgresql",
)
def embargo(workspace: Workspace) -> Reading:
    """Copy one database; grant a dossier in one world and refuse it in the other; compare all that applicants see."""
    at = clock.now()
    with workspace.site() as seed:
        people, organisation, meeting, application = awaiting(seed, at)
        cookies = {name: cookie_of(seed, email, at) for name, email in people.items()}
        with workspace.twin(seed) as granted, workspace.twin(seed) as refused:
            decide(granted, meeting, application, at, grants_it=True)
            decide(refused, meeting, application, at, grants_it=False)
            faults = [f"letters differ: {one}" for one in letters_of(granted, people) ^ letters_of(refused, people)]
            starts = starts_in(granted, organisation) | starts_in(refused, organisation)
            tried = 0
            with granted.serve(environment=NAME) as one, refused.serve(environment=NAME) as other:
                for name, cookie in list(cookies.items())[: None if workspace.full else 2]:
                    pages = crawl(with_cookie(granted, one, cookie), sorted(starts), far=FAR[workspace.full])
                    tried += len(pages)
                    twin = with_cookie(refused, other, cookie)
                    same = {url: twin.get(url, allow_redirects=False) for url in pages}
                    apart = [url for url in pages if without_address(pages[url]) != without_address(same[url])]
                    time.sleep(1.1)  # what tells the time to the second now tells another
                    person = with_cookie(granted, one, cookie)
                    for url in apart:
                        leaks = telling(pages[url], person.get(url, allow_redirects=False), same[url])
                        faults += [f"{url} as {name}: {leaks}"] if leaks else []
    return Reading(tried, faults, least=150)


def awaiting(site: Site, at: datetime) -> tuple[dict[str, str | None], UUID, UUID, UUID]:
    """A call whose meeting still prepares; its applicants, and the dossier that will be decided both ways."""
    with clock.fixed(at), site.making() as make:
        dossiers = committee(make)
        members = [make.member_of(dossier.organisation).email for dossier in dossiers]
        people = {"nobody": None, "the applicant": members[0], "a rival": members[1]}
        newcomer = make.account(email="nouvelle@exemple.example")
        with work() as session:
            for dossier in dossiers:
                session.execute(delete(Recommendation).where(Recommendation.application_id == dossier.id))
            for kind in (Call, Fund):
                session.execute(update(kind).values(committed=Money(0)))
        meeting = db.session.scalars(select(Meeting.id)).one()
        people["a newcomer"] = newcomer.email
        return people, dossiers[0].organisation_id, meeting, dossiers[0].id


def decide(site: Site, meeting_id: UUID, application_id: UUID, at: datetime, *, grants_it: bool) -> None:
    """The committee recommends, the recommendations are frozen, the act is recorded: all but the publication."""
    with clock.fixed(at), site.making() as make:
        clerk = make.actor("manager")
        for application in db.session.scalars(select(Application).order_by(Application.id)).all():
            grants_one = grants_it or application.id != application_id
            verdict, amount = Verdict.FAVOURABLE if grants_one else Verdict.UNFAVOURABLE, application.requested
            with work():
                recommendation = RecommendationInput(
                    verdict, amount if grants_one else None, "", "Le comité en a débattu."
                )
                deliberation.recommend(application, recommendation, version=0, by=clerk)
        meeting = db.session.get_one(Meeting, meeting_id)
        with work():
            deliberation.freeze(meeting, by=clerk)
        with work():
            deliberation.record_act(meeting, Act("CP-2026-1", clock.today(), "Commission permanente", ""), {}, by=clerk)


def cookie_of(site: Site, email: str | None, at: datetime) -> str | None:
    """The cookie of a session opened before the worlds part, so that both know it."""
    with clock.fixed(at):
        found = site.visitor(site.server(), email).session.cookies
    return found.get(site.app.config["SESSION_COOKIE_NAME"])


def with_cookie(site: Site, server: Server, cookie: str | None) -> Visitor:
    """The same person in one of the worlds."""
    visitor = Visitor(server.address)
    if cookie is not None:
        visitor.session.cookies.set(site.app.config["SESSION_COOKIE_NAME"], cookie, domain="127.0.0.1")
    return visitor


def starts_in(site: Site, organisation: UUID) -> set[str]:
    """Every address about the rows of a dossier, and about what decides it."""
    rows = rows_in(site, organisation)
    with site.engine.connect() as connection:
        for kind in (Meeting, Call):
            found = connection.execute(select(*kind.__table__.columns))
            rows[kind.__tablename__] = [dict(row._mapping) for row in found]
    reference, code = rows["application"][0]["reference"], rows["call"][0]["code"]
    return set(addresses(site.app, rows, reference=reference, code=code)) | set(STARTS)


def letters_of(site: Site, people: Mapping[str, str | None]) -> set[str]:
    """What letters say to these people."""
    found: set[str] = set()
    for address in filter(None, people.values()):
        rows = site.rows("SELECT kind, subject, body FROM letter WHERE recipient = :to", to=address)
        found |= {f"{row.kind} to {address}: {row.subject} {row.body}" for row in rows}
    return found


HEAD_OF_JOURNAL = "/journal/tete"


def without_address(answer: Any) -> tuple[int, dict[str, str], bytes]:
    """An answer byte for byte, whichever server gave it."""
    status, headers, body = bare(answer)
    address = "{0.scheme}://{0.netloc}".format(urlsplit(answer.url))
    headers = {name: value.replace(address, "") for name, value in headers.items()}
    if HEAD_OF_JOURNAL in answer.url:  # digests of everything, which nobody can turn back, and the hour of any act
        body = re.sub(rb"[0-9a-f]{64,128}|(?:\xc2\xa0min\xc2\xa0|:)?\d", b"", body)  # no seconds are told of a minute
    return status, headers, body.replace(address.encode(), b"")


def telling(first: Any, again: Any, other: Any) -> str:
    """What tells two worlds apart beyond what one world never says twice; empty when nothing does."""
    one, two, three = (without_address(each) for each in (first, again, other))
    if one[0] != three[0]:
        return f"{one[0]} / {three[0]}"
    for name in one[1].keys() | three[1].keys():
        if one[1].get(name) == two[1].get(name) != three[1].get(name):
            return f"{name}: {one[1].get(name)} / {three[1].get(name)}"
    lines = [parts_of(each) for each in (one, two, three)]
    if len(lines[0]) == len(lines[1]) != len(lines[2]):
        return f"{len(lines[0])} / {len(lines[2])} lines"
    apart = [(a, c) for a, b, c in zip(*lines, strict=False) if a == b != c]
    return f"{apart[0]}" if apart else ""


def parts_of(answer: tuple[int, dict[str, str], bytes]) -> list[str]:
    """The lines of an answer; the words of a printed page, without the hour at which it was printed."""
    if answer[2].startswith(b"%PDF"):
        return [re.sub(r"\d+h\d*(min\d+)?", "", words_of(answer[2]))]
    return answer[2].decode("utf-8", "replace").splitlines()


# ---- the tables of a committee's work


def frozen_tables() -> list[Table]:
    """Reviews, recommendations, and every table that hangs on them, or that says what they come to."""
    names = {"assignment", "recommendation", "interest", "standing"}
    for table in Base.metadata.sorted_tables:
        if any(key.column.table.name in names for key in table.foreign_keys):
            names.add(table.name)
    return [table for table in Base.metadata.sorted_tables if table.name in names]


def guarded(site: Site) -> dict[str, list[Any]]:
    """Every row of these tables."""
    with site.engine.connect() as connection:
        return {
            table.name: list(connection.execute(select(*table.columns).order_by(*table.primary_key.columns)))
            for table in frozen_tables()
        }


def differing(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """The names of the tables that are not as they were; a link may be told at any time, and is then one row more."""
    return [
        name
        for name in before
        if before[name] != [row for row in after[name] if name != "interest" or row in before[name]]
    ]


# ---- the freeze


@figure("freeze", number="14", says="écritures acceptées sur notes, évaluations et avis une fois figés", minutes=1.5)
def freeze(workspace: Workspace) -> Reading:
    """Freeze a meeting; then try every form seen before, every action, and every statement of SQL."""
    with workspace.site() as site, site.serve() as server:
        with site.making() as make:
            make.account("manager", email=CLERK)
            reader = make.account("reviewer", email=READER)
            first, second, third = committee(make)
            make.assignment(first, reader, state=OPEN)
            make.assignment(second, reader)
            meeting_id, organisation = db.session.scalars(select(Meeting.id)).one(), third.organisation_id
        people = [site.visitor(server, email) for email in (CLERK, READER)]
        forms = [(who, *form) for who in people for form in forms_of(who, FAR[workspace.full])]
        with site.making() as make, work():
            deliberation.freeze(db.session.get_one(Meeting, meeting_id), by=make.by)
        before, journal = guarded(site), site.scalar("SELECT count(*) FROM journal_entry")
        faults = [
            f"the form to {url}, opened before the freeze, changed {table}"
            for who, url, data in forms
            for table in differing(before, after_sending(site, who, url, data))
        ]
        asked = by_every_route(site, people, organisation)
        faults += [f"a POST without content changed {table}" for table in differing(before, guarded(site))]
        tried, lines = by_action(site)
        faults += lines + [f"an action changed {table}" for table in differing(before, guarded(site))]
        written, lines = by_statement(site)
        faults += lines + [f"SQL changed {table}" for table in differing(before, guarded(site))]
        assert site.scalar("SELECT count(*) FROM journal_entry") >= journal
        return Reading(len(forms) + asked + tried + written, faults, least=120)


def forms_of(visitor: Visitor, far: int) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Every form that a person can reach and send: where to, filled as it stands, marks at their highest."""
    seen: set[str] = set()
    answers = crawl(visitor, STARTS, far=far)
    for answer in answers.values():
        if not answer.headers.get("Content-Type", "").startswith("text/html"):
            continue
        for form in tree_of(answer).xpath("//main//form[@method='post']"):
            targets = [form.get("action") or "", *form.xpath(".//button/@formaction")]
            fields = dict(form_values(form))
            for box in form.xpath(".//input[@type='radio'] | .//textarea"):
                fields[box.get("name")] = box.get("value") or "Écrit après coup."
            for url in {urljoin(answer.url, target) for target in targets} - seen:
                seen.add(url)
                yield url, list(fields.items())


def after_sending(site: Site, visitor: Visitor, url: str, data: list[tuple[str, str]]) -> dict[str, list[Any]]:
    """Send an old form with fresh keys; give the tables as they are then."""
    visitor.post(url, {**dict(data), "csrf_token": token_of(visitor), "_key": uuid4().hex})
    return guarded(site)


def by_every_route(site: Site, people: list[Visitor], organisation: UUID) -> int:
    """Send a bare POST to every address about a dossier's rows, as its manager and its reviewer; give their number."""
    with site.engine.connect() as connection:
        rows = rows_of(connection, organisation)
    urls = list(addresses(site.app, rows, "POST", reference="x", code="x"))
    for visitor in people:
        token = token_of(visitor)
        for url in urls:
            if "/deconnexion" not in url:
                visitor.post(url, {"csrf_token": token, "_key": uuid4().hex})
    return len(people) * len(urls)


def by_action(site: Site) -> tuple[int, list[str]]:
    """Call every act of reviewing and of deliberation on every row it may be about; undo what it did."""
    before, tried, faults = guarded(site), 0, []
    for module in (reviewing, deliberation):
        for name, act in inspect.getmembers(module, inspect.isfunction):
            parameters = inspect.signature(act).parameters
            if act.__module__ != module.__name__ or name.startswith("_") or "by" not in parameters:
                continue
            with site.making() as make:
                for subject, given in samples(act, make):
                    tried += 1
                    moved = moved_by(before, act, subject, given)
                    faults += [f"{module.__name__}.{name} wrote {table}" for table in moved]
    return tried, faults


def moved_by(before: Mapping[str, Any], act: Callable[..., Any], subject: Any, given: dict[str, Any]) -> list[str]:
    """The frozen tables that an act writes, before it is undone; none when it is refused."""
    try:
        act(subject, **given)
        db.session.flush()
        return differing(before, in_transaction(db.session.connection()))
    except (AppError, DBAPIError, StaleDataError):
        return []
    finally:
        db.session.rollback()


def in_transaction(connection: Connection) -> dict[str, list[Any]]:
    """The frozen tables as a transaction sees them."""
    return {
        table.name: list(connection.execute(select(*table.columns).order_by(*table.primary_key.columns)))
        for table in frozen_tables()
    }


def samples(act: Callable[..., Any], make: Make) -> Iterator[tuple[Any, dict[str, Any]]]:
    """Arguments for an act: its first is each row of its kind, the others by their name."""
    signature = inspect.signature(act, eval_str=True)
    first, *others = signature.parameters.values()
    clerk = make.actor_of(db.session.scalars(select(Account).where(Account.email == CLERK)).one())
    kind = Application.reference if first.annotation is str else first.annotation  # a dossier may be named in words
    everything = db.session.scalars(select(kind)).all()
    for subject in everything:
        given = {}
        for parameter in others:
            found = sample(parameter.name, subject, clerk)
            assert found is not MISSING, f"{act.__module__}.{act.__name__}: give a sample for « {parameter.name} »"
            given[parameter.name] = found
        yield subject, given


MISSING = object()


def sample(name: str, subject: Any, by: Actor) -> Any:
    """An argument by its name."""
    criteria = db.session.scalars(select(Criterion.id)).all()
    ids = db.session.scalars(select(Application.id)).all()
    given: dict[str, Any] = {
        "by": by,
        "version": getattr(subject, "version", 1),
        "grid": None,
        "reading": Draft(dict.fromkeys(criteria, 4), "Après coup.", "Après coup."),
        "nature": InterestNature.FAMILY,
        "text": "Après coup.",
        "application_ids": ids,
        "reviewer_ids": db.session.scalars(select(Assignment.reviewer_id)).all(),
        "reviewer_id": db.session.scalars(select(Assignment.reviewer_id)).first(),
        "pairs": [(one, who) for one in ids for who in db.session.scalars(select(Assignment.reviewer_id)).all()],
        "due_on": clock.today(),
        "given": "",
        "hidden": frozenset(),
        "late_only": False,
        "title": "Après coup",
        "held_on": clock.today(),
        "calibrated": True,
        "recommendation": RecommendationInput(Verdict.UNFAVOURABLE, None, "", "Après coup."),
        "act": Act("CP-1", clock.today(), "Commission permanente", ""),
        "votes": {},
    }
    if name == "version" and isinstance(subject, Application):
        return db.session.scalar(select(Recommendation.version).where(Recommendation.application_id == subject.id))
    return given.get(name, MISSING)


def by_statement(site: Site) -> tuple[int, list[str]]:
    """Write every column of every frozen row, delete each, add a copy, and thaw what holds the freeze."""
    tried, faults = 0, []
    statements = [(table.name, each) for table in frozen_tables() for each in statements_on(site, table)]
    call, meeting = Call.__table__, Meeting.__table__
    frozen = call.c.marks_frozen_at.is_not(None)
    statements += [
        ("call: thawed", call.update().where(frozen).values(marks_frozen_at=None)),
        ("call: frozen anew", call.update().where(frozen).values(marks_frozen_at=clock.now())),
        ("meeting: reopened", meeting.update().values(state="preparing")),
        ("meeting: frozen anew", meeting.update().values(frozen_at=clock.now())),
    ]
    for name, statement in statements:
        tried += 1
        with site.engine.connect() as connection:
            try:
                found = connection.execute(statement)
            except DBAPIError:
                continue
            if found.rowcount:
                faults.append(f"SQL accepted on {name}: {str(statement).split(chr(10))[0][:90]}")
            connection.rollback()
    return tried, faults


def statements_on(site: Site, table: Table) -> Iterator[Any]:
    """Each row of a table rewritten column by column with what it says already, deleted, and added once more.

    A rule that watches values would let the same value pass: only the freeze itself refuses all of these.
    """
    with site.engine.connect() as connection:
        rows = [dict(zip(table.columns.keys(), row, strict=True)) for row in connection.execute(select(*table.columns))]
    for row in rows[:12]:
        here = [key == row[key.name] for key in table.primary_key]
        for column in table.columns:
            yield table.update().where(*here).values({column: column})
        yield table.delete().where(*here)
        fresh = {key.name: uuid4() for key in table.primary_key if not key.foreign_keys}
        yield table.insert().values(row | fresh)
