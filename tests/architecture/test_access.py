"""The access table: every route × every kind of person, observed by requests and compared with docs/access.md.

A new route without a row fails. After a wanted change of rights, write the table again:
UPDATE_ACCESS=1 make test-sqlite TESTS=tests/architecture/test_access.py
"""

import os
from collections.abc import Iterator
from contextvars import Context
from dataclasses import dataclass
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import UUID

import pikepdf
from flask import Flask
from flask.testing import FlaskClient
from lxml import html
from werkzeug.datastructures import FileStorage
from werkzeug.routing import Rule

from grants.applications.lifecycle import ApplicationState
from grants.applications.models import Application
from grants.awards.lifecycle import AwardState
from grants.awards.models import Agreement
from grants.calls.lifecycle import CallState
from grants.kernel import clock, vault
from grants.kernel.access import Door
from grants.kernel.db import Base, db, unit_of_work
from grants.people.models import Account, Invitation, MemberRole
from grants.reviewing.lifecycle import AssignmentState
from grants.screening.models import PieceRequest
from tests.client import Page
from tests.factories import Make
from tests.factories.people import session_of

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
(`tests/architecture/test_access.py`). L’objet de la route appartient à l’équipe ; il est déposé et recevable.

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
        file = vault.accept(
            FileStorage(blank_pdf(), "statuts.pdf"),
            by=make.actor_of(team), organisation_id=organisation.id, dossier_id=application.id,
        )  # fmt: skip
        request = PieceRequest(
            application_id=application.id, label="Comptes", due_on=clock.today(), requested_at=clock.now(),
            requested_by=made(people["gestion"]).id,
        )  # fmt: skip
        invitation = Invitation(
            organisation_id=organisation.id, email="invitee@exemple.example", role=MemberRole.EDITOR, secret="0" * 64,
            invited_by=team.id, invited_at=clock.now(), expires_at=clock.now() + timedelta(days=1),
        )  # fmt: skip
        agreement = Agreement(award_id=award.id, number="CONV-1", terms="Article 1", prepared_at=clock.now())
        session.add_all([file, request, invitation, agreement])
    session_of(team)
    things = [team, organisation, draft_call, application, assignment, meeting, award, file, request, invitation]
    things += [agreement, make.instalment(award), make.bank_details(organisation)]
    words = {
        "code": call.code,
        "reference": str(application.reference),
        "role": "association",
        "section": "project",
        "filename": "css/tokens.css",
        "token": "pas-un-jeton",
        "secret": "pas-un-secret",
        "file": str(file.id),
    }
    return World(people, found_things(things, draft_call.id, organisation.id), words)


def blank_pdf() -> BytesIO:
    """The smallest honest PDF."""
    stream = BytesIO()
    document = pikepdf.new()
    document.add_blank_page()
    document.save(stream)
    stream.seek(0)
    return stream


def made(person: Account | None) -> Account:
    """The person, who exists."""
    assert person is not None
    return person


def found_things(given: list[Any], draft_call_id: UUID, organisation_id: UUID) -> dict[type, Any]:
    """One thing of every type: those given, and for the others the row nearest to the team's."""
    things = {type(thing): thing for thing in given}
    for mapper in Base.registry.mappers:
        kind = mapper.class_
        if kind in things:
            continue
        query = db.select(kind)
        if hasattr(kind, "call_id"):
            query = query.where(kind.call_id == draft_call_id)
        if hasattr(kind, "organisation_id"):
            query = query.where(kind.organisation_id == organisation_id)
        found = db.session.scalars(query.limit(1)).first()
        if found is not None:
            things[kind] = found
    return things


def routes(app: Flask) -> Iterator[tuple[str, Rule, Door]]:
    """Every method and rule, with the door it declares."""
    for rule in sorted(app.url_map.iter_rules(), key=lambda rule: rule.rule):
        if rule.endpoint == "static":
            continue
        told: Door = app.view_functions[rule.endpoint].__door__  # type: ignore[attr-defined]
        for method in sorted((rule.methods or set()) & {"GET", "POST"}):
            yield method, rule, told


def address(app: Flask, rule: Rule, told: Door, place: World) -> str:
    """The URL of a route about the world's own thing."""
    values: dict[str, Any] = {}
    for name in sorted(rule.arguments):
        if name.endswith("_id"):
            kind = told.subject or Application
            assert kind in place.things, f"{rule.rule}: give the world a {kind.__name__}"
            values[name] = place.things[kind].id
        else:
            assert name in place.words, f"{rule.rule}: give a sample for « {name} » in World.words"
            values[name] = place.words[name]
    return app.url_map.bind("localhost").build(rule.endpoint, values)


def observed(client: FlaskClient, method: str, url: str, token: str) -> str:
    """How the door answers. A POST without its key is stopped just behind the door, before it can write."""
    data = {"csrf_token": token} if method == "POST" else None
    response = Context().run(client.open, url, method=method, data=data, buffered=True)
    if response.status_code == 302 and "/connexion" in response.headers["Location"]:
        return SIGN_IN
    if response.status_code in {403, 404}:
        return str(response.status_code)
    assert response.status_code < 500, f"{method} {url}: {response.status_code}"
    return OPEN


def observe(app: Flask, make: Make) -> list[str]:
    """The table's rows."""
    place = world(make)
    asked = [(method, rule, address(app, rule, told, place)) for method, rule, told in routes(app)]
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
