"""The access table: every route × every kind of person, observed by requests and compared with docs/access.md.

A new route without a row fails. After a wanted change of rights: UPDATE_ACCESS=1 make test-sqlite TESTS=tests/architecture/test_access.py
"""

import os
from collections.abc import Iterator
from contextvars import Context
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from lxml import html
from werkzeug.routing import Rule

from grants.applications.lifecycle import ApplicationState
from grants.applications.models import Application, Attachment
from grants.awards.lifecycle import AwardState
from grants.calls import models as calls
from grants.calls.lifecycle import CallState
from grants.kernel import clock
from grants.kernel.access import Door
from grants.kernel.db import db, unit_of_work
from grants.kernel.vault import StoredFile
from grants.people.models import Account
from grants.programme import models as programme
from grants.reviewing.lifecycle import AssignmentState
from tests.client import Page
from tests.factories import Make

TABLE = Path(__file__).resolve().parents[2] / "docs" / "access.md"
SIGN_IN, MISSING, REFUSED, OPEN = "connexion", "404", "403", "oui"
PERSONAS = (
    "anonyme",
    "non confirmé",
    "autre équipe",
    "équipe",
    "affecté",
    "non affecté",
    "déporté",
    "gestion",
    "finances",
    "ordonnateur",
    "administration",
    "audit",
)
HEAD = """# Qui peut ouvrir quoi

Observé par des requêtes, route par route et personne par personne, puis comparé à ce fichier à chaque essai
(`tests/architecture/test_access.py`). L’objet de la route appartient à l’équipe ; il est déposé et recevable, sauf mention.

- **oui** : la porte s’ouvre (l’acte peut encore être refusé par l’état des choses) ;
- **403** : la personne sait que l’objet existe, mais ne peut pas faire cela ;
- **404** : pour elle, l’objet n’existe pas ;
- **connexion** : il faut d’abord se connecter.

"""


@dataclass
class World:
    """People and things that are related to one another in every way the rights distinguish."""

    people: dict[str, Account | None]
    things: dict[type, Any]
    words: dict[str, str]


def world(make: Make) -> World:
    """One application with everything that may hang on it, and people around it."""
    team = make.account(name="Équipe")
    organisation = make.organisation(team)
    call = make.call()
    draft_call = make.call(state=CallState.DRAFT)
    application = make.application(state=ApplicationState.ELIGIBLE, call=call, organisation=organisation)
    assigned, unassigned, recused = (make.account("reviewer") for _ in range(3))
    assignment = make.assignment(application, assigned, state=AssignmentState.OPEN)
    make.assignment(application, recused, state=AssignmentState.RECUSED)
    other = make.account(name="Autre")
    make.organisation(other)
    second = make.application(state=ApplicationState.ELIGIBLE, call=make.call(), organisation=organisation)
    meeting = make.decided(second)
    award = make.award(second, state=AwardState.RUNNING)
    people: dict[str, Account | None] = {
        "anonyme": None,
        "non confirmé": make.account(confirmed=False),
        "autre équipe": other,
        "équipe": team,
        "affecté": assigned,
        "non affecté": unassigned,
        "déporté": recused,
        "gestion": make.account("manager"),
        "finances": make.account("finance"),
        "ordonnateur": make.account("authorising_officer"),
        "administration": make.account("administrator"),
        "audit": make.account("auditor"),
    }
    with unit_of_work() as session:
        file = StoredFile(
            name="statuts.pdf", media_type="application/pdf", size=10, sha256="0" * 64, place="nowhere",
            organisation_id=organisation.id, dossier_id=application.id, given_at=clock.now(),
        )  # fmt: skip
        session.add(file)
    things = found_things(team, call, draft_call, application, assignment, meeting, award, file, make)
    words = {
        "code": call.code,
        "reference": str(application.reference),
        "role": "association",
        "section": "project",
        "filename": "css/tokens.css",
    }
    return World(people, things, words)


def found_things(team: Account, call: Any, draft_call: Any, application: Any, assignment: Any, *rest: Any) -> Any:
    """One thing of every type a route may name: those given, and for the others any row there is."""
    meeting, award, file, make = rest
    given = [team, draft_call, application, assignment, meeting, award, file, make.instalment(award)]
    things = {type(thing): thing for thing in given}
    for module in (calls, programme):
        for name in dir(module):
            kind = getattr(module, name)
            if isinstance(kind, type) and hasattr(kind, "__table__") and kind not in things:
                query = db.select(kind)
                if hasattr(kind, "call_id"):
                    query = query.where(kind.call_id == draft_call.id)
                found = db.session.scalars(query.limit(1)).first()
                if found is not None:
                    things[kind] = found
    things.pop(Attachment, None)
    return things


def routes(app: Flask) -> Iterator[tuple[str, Rule, Door]]:
    """Every method and rule, with the door it declares."""
    for rule in sorted(app.url_map.iter_rules(), key=lambda rule: rule.rule):
        if rule.endpoint == "static":
            continue
        told: Door = app.view_functions[rule.endpoint].__door__  # type: ignore[attr-defined]
        for method in sorted((rule.methods or set()) & {"GET", "POST"}):
            yield method, rule, told


def address(app: Flask, rule: Rule, told: Door, place: World, make: Make) -> str:
    """The URL of a route about the world's own thing."""
    values: dict[str, Any] = {}
    for name in sorted(rule.arguments):
        if name.endswith("_id") and told.subject is not None and not any(key.endswith("_id") for key in values):
            thing = place.things.get(told.subject) or make_one(told.subject, place, make)
            values[name] = thing.id
        elif name.endswith("_id"):
            values[name] = place.things[Application].id
        else:
            assert name in place.words, f"{rule.rule}: give a sample for « {name} » in World.words"
            values[name] = place.words[name]
    return app.url_map.bind("localhost").build(rule.endpoint, values)


def make_one(kind: type, place: World, make: Make) -> Any:
    """A thing the makers know by its table's name; a new type needs a maker."""
    maker = getattr(make, f"any_{kind.__tablename__}", None)  # type: ignore[attr-defined]
    assert maker is not None, f"no maker for {kind.__name__}: write Make.any_{kind.__tablename__}"  # type: ignore[attr-defined]
    thing = maker(place.things[Application], place.things)
    place.things[kind] = thing
    return thing


def observed(client: FlaskClient, method: str, url: str, token: str) -> str:
    """How the door answers. A POST without its key is stopped just behind the door, before it can write."""
    data = {"csrf_token": token} if method == "POST" else None
    response = Context().run(client.open, url, method=method, data=data)
    if response.status_code == 302 and "/connexion" in response.headers["Location"]:
        return SIGN_IN
    if response.status_code in {403, 404}:
        return str(response.status_code)
    assert response.status_code < 500, f"{method} {url}: {response.status_code}"
    return OPEN


def observe(app: Flask, make: Make) -> list[str]:
    """The table's rows."""
    place = world(make)
    asked = [(method, rule, address(app, rule, told, place, make)) for method, rule, told in routes(app)]
    columns: list[list[str]] = []
    for persona in PERSONAS:
        page = Page(app).sign_in(place.people[persona])
        db.session.rollback()
        token = html.fromstring(Context().run(page.client.get, "/styleguide").text).xpath(
            "//input[@name='csrf_token']/@value"
        )[0]
        columns.append([observed(page.client, method, url, token) for method, _rule, url in asked])
    rows = []
    for index, (method, rule, _url) in enumerate(asked):
        cells = " | ".join(column[index] for column in columns)
        rows.append(f"| {method} `{rule.rule}` | {cells} |")
    return rows


def test_the_doors_answer_as_the_table_says(app: Flask, make: Make) -> None:
    head = f"| route | {' | '.join(PERSONAS)} |\n|{'---|' * (len(PERSONAS) + 1)}\n"
    text = HEAD + head + "\n".join(observe(app, make)) + "\n"
    if os.environ.get("UPDATE_ACCESS"):
        TABLE.write_text(text, encoding="utf-8")
    assert TABLE.read_text(encoding="utf-8") == text
