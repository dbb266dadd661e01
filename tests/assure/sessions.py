"""What a stolen cookie and a forged form are worth: nothing.

Whatever ends sessions is done to a person whose cookie somebody copied. Every unsafe route is asked without its token
and with another's, and every page is asked for reading: the whole database must stand as it did.
"""

import hashlib
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import urljoin
from uuid import uuid4

from flask_security.utils import hash_password
from sqlalchemy import select

from grants.demo.install import PASSWORD
from grants.kernel import clock
from grants.kernel.access import SAFE
from grants.kernel.db import Base, db, unit_of_work
from grants.people import actions, rules
from grants.people.models import Account, Appointment
from grants.people.rules import password_of
from tests.architecture.test_access import OPEN, PERSONAS, address, declared, routes, seen_by, worlds
from tests.assure.figures import Reading, figure
from tests.site import Server, Site, Visitor, Workspace, token_of, tree_of

NEW_PASSWORD = "la-pluie-du-soir-sur-les-toits"
ADMINISTRATOR = "administration@exemple.example"
# What a question may leave behind: attempts that are counted, refusals and sensitive readings in the journal.
TRACES = {"attempt", "journal_entry", "counter"}
READINGS = ("access.",)


# ---- sessions


@figure(
    "sessions",
    number="29",
    says="cookies copiés qui ouvrent encore après la fin des sessions",
    minutes=1,
    once="postgresql",
)
def sessions(workspace: Workspace) -> Reading:
    """Copy a cookie, end the session in each way there is, and try the copy on a page that needs a person."""
    faults = []
    with workspace.site() as site, site.serve() as server:
        with site.making() as make:
            make.account("administrator", email=ADMINISTRATOR)
            for name in ENDINGS:
                make.account("manager", email=email_of(name), password=hash_password(password_of(PASSWORD)))
        for name, (act, path) in ENDINGS.items():
            owner, elsewhere = (site.visitor(server, email_of(name)) for _ in range(2))
            thief = owner.copy()
            if not opens(thief, path):
                faults.append(f"{name}: the copied cookie opened nothing to begin with")
            act(site, server, owner if name in BY_OWNER else elsewhere, email_of(name))
            if opens(thief, path):
                faults.append(f"after {name} the copied cookie still opens {path}")
    return Reading(len(ENDINGS), faults, least=9)


def email_of(name: str) -> str:
    """The address of the person to whom an ending happens."""
    return f"{name.replace(' ', '-')}@exemple.example"


def opens(visitor: Visitor, path: str) -> bool:
    """Whether a page opens for a visitor."""
    return visitor.get(path, allow_redirects=False).status_code == 200


def press(visitor: Visitor, path: str, **values: str) -> None:
    """Send a form with its keys."""
    answer = visitor.post(path, {**values, "csrf_token": token_of(visitor), "_key": uuid4().hex})
    assert answer.status_code == 302, f"{path}: {answer.status_code}"


def signs_out(_site: Site, _server: Server, visitor: Visitor, _email: str) -> None:
    """The person leaves."""
    press(visitor, "/deconnexion")


def changes_password(_site: Site, _server: Server, visitor: Visitor, _email: str) -> None:
    """The person, on another machine, changes their password."""
    press(visitor, "/mon-compte/mot-de-passe", current=PASSWORD, password=NEW_PASSWORD)


def resets_password(site: Site, _server: Server, _visitor: Visitor, email: str) -> None:
    """The person follows the link of a letter."""
    with site.app.test_request_context(), unit_of_work():
        actions.reset_password(db.session.scalars(select(Account).where(Account.email == email)).one(), NEW_PASSWORD)


def closes_the_others(_site: Site, _server: Server, visitor: Visitor, _email: str) -> None:
    """The person closes every session but the one they are in."""
    press(visitor, "/mon-compte/connexions/fermer-les-autres")


def closes_that_one(_site: Site, _server: Server, visitor: Visitor, _email: str) -> None:
    """The person closes each other session from the list."""
    for path in tree_of(visitor.get("/mon-compte/connexions")).xpath("//form/@action[contains(., '/fermer')]"):
        if not path.endswith("fermer-les-autres"):
            press(visitor, path)


def takes_office(site: Site, server: Server, _visitor: Visitor, email: str) -> None:
    """The administrator gives the person one more office."""
    path = f"/personnes/{account_id(site, email)}/fonctions"
    press(site.visitor(server, ADMINISTRATOR), path, role="reviewer", college="expert")


def leaves_office(site: Site, server: Server, _visitor: Visitor, email: str) -> None:
    """The administrator ends the person's office."""
    with site.engine.connect() as connection:
        held = select(Appointment.id).join(Account).where(Account.email == email)
        appointment = connection.execute(held).scalar_one()
    press(site.visitor(server, ADMINISTRATOR), f"/fonctions/{appointment}/terminer")


def is_shut_out(site: Site, server: Server, _visitor: Visitor, email: str) -> None:
    """The administrator closes the account."""
    press(site.visitor(server, ADMINISTRATOR), f"/personnes/{account_id(site, email)}/desactiver")


def account_id(site: Site, email: str) -> Any:
    """The id of an account."""
    with site.engine.connect() as connection:
        return connection.execute(select(Account.id).where(Account.email == email)).scalar_one()


def aged(column: str, age: timedelta) -> Callable[[Site, Server, Visitor, str], None]:
    """Time passes: a session's column is set back."""

    def act(site: Site, _server: Server, _visitor: Visitor, email: str) -> None:
        table = Base.metadata.tables["sign_in"]
        with site.engine.begin() as connection:
            theirs = table.c.account_id == account_id_in(connection, email)
            connection.execute(table.update().where(theirs).values({column: clock.now() - age - timedelta(minutes=1)}))

    return act


def account_id_in(connection: Any, email: str) -> Any:
    """The id of an account, in a transaction."""
    return connection.execute(select(Account.id).where(Account.email == email)).scalar_one()


def office_lapses(site: Site, _server: Server, _visitor: Visitor, email: str) -> None:
    """The last day of the office is past."""
    table, yesterday = Base.metadata.tables["appointment"], clock.today() - timedelta(days=1)
    with site.engine.begin() as connection:
        theirs = table.c.account_id == account_id_in(connection, email)
        connection.execute(table.update().where(theirs).values(until_on=yesterday))


INNER, STAFF = "/mon-compte", "/gestion/dossiers"
ENDINGS: dict[str, tuple[Callable[[Site, Server, Visitor, str], None], str]] = {
    "sign out": (signs_out, INNER),
    "password change": (changes_password, INNER),
    "password reset": (resets_password, INNER),
    "others closed": (closes_the_others, INNER),
    "that one closed": (closes_that_one, INNER),
    "office given": (takes_office, INNER),
    "office ended": (leaves_office, STAFF),
    "account closed": (is_shut_out, INNER),
    "idle": (aged("last_seen_at", rules.STAFF_SESSION.idle), INNER),
    "absolute": (aged("started_at", rules.STAFF_SESSION.absolute), INNER),
    "office lapsed": (office_lapses, STAFF),
}
BY_OWNER = {"sign out"}


# ---- forged forms, and readings that write


@figure(
    "csrf",
    number="18",
    says="routes qui écrivent sans le jeton de la session, lectures qui écrivent",
    minutes=2,
    once="sqlite",
)
def csrf(workspace: Workspace) -> Reading:
    """Ask every unsafe route without a token, with an invented one and with another session's; read every page."""
    with workspace.site() as site:
        server = site.server()
        asked, people = addresses_by_person(site)
        visitors = {name: site.visitor(server, email) for name, email in people.items()}
        stranger = site.visitor(server, people["audit"])
        server.start()
        tokens = {"no token": None, "an invented token": "x" * 40, "another session's token": token_of(stranger)}
        before, faults, tried = everything(site), [], 0
        for name, method, url in asked:
            visitor = visitors[name]
            if method in SAFE:
                for safe in (method, "HEAD"):
                    tried += 1
                    visitor.session.request(safe, urljoin(visitor.address, url), allow_redirects=False, timeout=60)
                continue
            for what, token in list(tokens.items())[:: 1 if workspace.full else 2]:
                tried += 1
                data = {"_key": uuid4().hex} | ({"csrf_token": token} if token else {})
                answer = visitor.session.request(
                    method, urljoin(visitor.address, url), data=data, allow_redirects=False, timeout=60
                )
                if answer.status_code != 400:
                    faults.append(f"{method} {url} as {name} with {what}: {answer.status_code}, 400 expected")
        after = everything(site)
        faults += [f"written without a token, or by reading: {table}" for table in after
                   if table != "length" and before[table] != after[table]]  # fmt: skip
        faults += [f"a reading left {row.event} in the journal" for row in
                   site.rows("SELECT DISTINCT event FROM journal_entry WHERE seq > :seq", seq=before["length"])
                   if not row.event.startswith(READINGS)]  # fmt: skip
    return Reading(tried, faults, least=600 if workspace.full else 400)


def addresses_by_person(site: Site) -> tuple[list[tuple[str, str, str]], dict[str, str | None]]:
    """Every route with somebody who has its permission, so that nothing but the token stands in the way."""
    table, app = declared(), site.app
    with site.making() as make:
        places = worlds(make)
        people = {name: account.email if account else None for name, account in places["own"].people.items()}
        asked = []
        for method, rule, access in routes(app):
            answers = [cell[0] for cell in table.get(f"{method} `{rule.rule}`", [])]
            person = PERSONAS[answers.index(OPEN)] if OPEN in answers else "gestion"
            asked.append((person, method, address(app, rule, access, seen_by(person, "own", places))))
        db.session.rollback()
    return asked, people


def everything(site: Site) -> dict[str, Any]:
    """A digest of each table, besides what a question may leave behind."""
    digests: dict[str, Any] = {"length": site.scalar("SELECT coalesce(max(seq), 0) FROM journal_entry")}
    with site.engine.connect() as connection:
        for table in Base.metadata.sorted_tables:
            columns = [column for column in table.columns if column.name != "last_seen_at"]
            if table.name not in TRACES:
                rows = sorted(repr(tuple(row)) for row in connection.execute(select(*columns)))
                digests[table.name] = hashlib.sha256("\n".join(rows).encode()).hexdigest()
    return digests
