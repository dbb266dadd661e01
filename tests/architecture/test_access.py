"""The access table: every route × every kind of person, observed by requests and compared with docs/access.md.

A new route without a row fails. After a wanted change of rights, write the table again:
UPDATE_ACCESS=1 make test-sqlite TESTS=tests/architecture/test_access.py
"""

import json
import os
from collections.abc import Iterator, Mapping
from contextvars import Context
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pikepdf
import pytest
from flask import Flask
from flask.testing import FlaskClient
from jinja2 import Template
from werkzeug.datastructures import FileStorage
from werkzeug.routing import Rule

from grants.appeals.models import Appeal
from grants.applications.lifecycle import ApplicationState
from grants.applications.models import Application
from grants.awards import queries as awards
from grants.awards.lifecycle import AwardState, ReceivableState, ReportState
from grants.awards.models import Agreement, Receivable, ReceivableKind, ReportFile
from grants.calls.lifecycle import CallState
from grants.calls.models import Call, PublicQuestion
from grants.documents.models import OrganisationDocument
from grants.kernel import clock, files, jobs, uploads
from grants.kernel.access import ViewAccess
from grants.kernel.db import Base, db, unit_of_work
from grants.kernel.encryption import encrypt
from grants.kernel.jobs import Job, JobState
from grants.kernel.stored_forms import Reason, StoredForm
from grants.messages.models import Conversation, Message
from grants.people import rules
from grants.people.models import (
    ROLE_LABELS,
    Account,
    Invitation,
    MemberRole,
    Membership,
    Nomination,
    Organisation,
    Role,
    SignIn,
)
from grants.reviewing.lifecycle import AssignmentState
from grants.reviewing.models import Assignment
from grants.screening.models import PieceRequest
from tests.client import Page
from tests.factories import Make
from tests.factories.people import session_of

pytestmark = pytest.mark.neutral

TABLE = Path(__file__).resolve().parents[2] / "docs" / "access.md"
SIGN_IN, MISSING, REFUSED, OPEN = "connexion", "404", "403", "oui"
RELATIONS = ("own", "related", "foreign")
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
(`tests/architecture/test_access.py`, `make assure`). L’objet de la route est déposé et recevable.

Une case donne trois réponses quand elles diffèrent : pour le dossier de l’équipe (et ce que chacun a en propre : son
compte, ses connexions, ses affectations, sa saisie gardée) / pour celui d’une autre équipe du même appel / pour celui
d’inconnus, dans un autre appel. Pour « autre équipe », le sien vient en premier. « Déporté » l’est du premier et lit
le deuxième.

- **oui** : la porte s’ouvre (l’acte peut encore être refusé par l’état des choses) ;
- **409** : la personne a déclaré un lien : ce qu’elle envoie d’un vieil onglet est refusé ;
- **403** : la personne sait que l’objet existe, mais ne peut pas faire cela ;
- **404** : pour elle, l’objet n’existe pas ;
- **connexion** : il faut d’abord se connecter.

"""


OFFICES = """
## Qui peut exercer quoi

Une même personne peut exercer ensemble deux fonctions marquées « oui ». Le tableau est celui de
`grants/people/rules.py`, demandé quand une fonction est confiée, et à chaque acte : qui exercerait deux fonctions
incompatibles ne peut que lire.

{table}

- Il faut au moins, par fonction : {needed}. Soit {number} personnes :
{people}
- Personne ne se nomme soi-même ; il faut une adresse confirmée.
- Se confient à deux (une personne de l’administration propose, une autre confirme, et aucune n’a nommé l’autre) :
  {two}. Les premières sont confiées depuis la machine : `grants user create --role`, puis `grants user appoint`.
- Un paiement passe par : qui dit qu’il est dû (échéancier, condition, bilan), qui donne le compte, deux personnes qui
  le vérifient, qui prépare, qui approuve, qui enregistre ce que dit le comptable. Qui approuve n’a rien fait d’autre de
  cette liste ; et nul n’y agit avec quelqu’un qui l’a nommé, ou qu’il a nommé, sauf à lui succéder dans le même rôle.
  La même règle vaut pour une somme à recevoir. Chaque acte la demande, de l’échéancier au dernier encaissement ; la
  page dit pourquoi à la place du bouton.

## Qui n’agit pas : les liens d’intérêt

Un lien écarte de tout acte et de toute lecture au titre d’une fonction (dossier, pièces, journal, listes, totaux).
C’est :

- ce que la personne a déclaré elle-même, pour un dossier affecté ou depuis « Mes liens d’intérêt », à tout moment ;
- agir pour l’organisation, ou l’avoir fait depuis que la demande est commencée ;
- un compte à l’adresse de l’organisation ou de son représentant.

Les noms (titulaire d’un compte bancaire, représentant, partenaires) ne sont pas comparés : deux personnes peuvent
porter le même. Qui agit pour l’organisation lit son dossier dans l’espace des associations, comme tout membre.

Les actes sur tout un appel (figer, enregistrer l’acte, publier) restent ouverts à qui a un lien avec un dossier : il
n’est pas montré, suit l’avis tel quel, et le journal note le déport. Un lien déclaré après que les notes sont figées ne
change rien à ce qui a été décidé.

Quand toutes les personnes d’une fonction ont un lien avec un dossier, une autre est nommée pour cette fonction, au
besoin pour quelques jours, par l’administration ou depuis la machine (`grants user appoint`) ; rien ne passe outre un
lien.
"""


@dataclass
class RelatedThings:
    """People and things that are related to one another in every way the rights distinguish."""

    people: dict[str, Account | None]
    things: dict[type, Any]
    words: dict[str, str]

    @property
    def application(self) -> Application:
        """The dossier that was sent; another one of the same organisation was awarded."""
        return self.things[Application]  # type: ignore[no-any-return]


def related_things(make: Make) -> RelatedThings:
    """One application with everything that may hang on it, and people around it."""
    team, other = make.account(name="Équipe"), make.account(name="Autre")
    organisation = make.organisation(team)
    make.organisation(other)
    assigned, unassigned, recused = (make.account("reviewer") for _ in range(3))
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
    place = surroundings(make, people, organisation, make.call(), assigned)
    make.assignment(place.application, recused, state=AssignmentState.RECUSED)
    with unit_of_work() as session:
        session.add_all(stored_form(person) for person in people.values() if person is not None)
        session.add_all(stored_job(make, person) for person in people.values() if person is not None)
    return place


def stored_form(person: Account) -> StoredForm:
    """A form that came while the person was not signed in."""
    at = clock.now()
    content = json.dumps([str(person.id), "/mon-compte", at.isoformat(), [["name", "Nom"]], []])
    return StoredForm(
        account_id=person.id, reason=Reason.SIGNED_OUT, path="/mon-compte", page="/mon-compte",
        until=at + timedelta(hours=1), sealed=encrypt(content),
    )  # fmt: skip


def stored_job(make: Make, person: Account) -> Job:
    """A file that the worker made for the person, with the rights they have."""
    job = Job(id=uuid4(), kind="dossiers", account_id=person.id, locale="fr", arguments="{}", state=JobState.DONE,
              asked_at=clock.now(), until=clock.now() + timedelta(days=1), name="dossiers.xlsx", size=1,
              sha256=sha256(b"x").hexdigest(), place=f"results/{uuid4().hex}",
              standing=jobs.standing_of(make.actor_of(person)))  # fmt: skip
    files.store().put(str(job.place), BytesIO(b"x"))
    return job


def worlds(make: Make) -> dict[str, RelatedThings]:
    """The same people around three dossiers: the team's own, one of another team in the same call, a stranger's.

    Who recused themselves from the team's reads the related one.
    """
    own = related_things(make)
    other, recused = made(own.people["autre équipe"]), made(own.people["déporté"])
    theirs = db.session.scalars(db.select(Organisation).join(Membership).where(Membership.account_id == other.id)).one()
    foreign, reader = make.organisation(make.account(name="Étrangère")), make.account("reviewer")
    return {
        "own": own,
        "related": surroundings(make, own.people, theirs, own.application.call, recused),
        "foreign": surroundings(make, own.people, foreign, make.call(), reader),
    }


def seen_by(persona: str, relation: str, places: dict[str, RelatedThings]) -> RelatedThings:
    """The things of a relation as one person stands to them: to the other team, their own dossier is theirs.

    What everybody has of their own (an account, a session, one's assignment) takes the place of the team's.
    """
    turned = {"own": "related", "related": "own"} if persona == "autre équipe" else {}
    place = places[turned.get(relation, relation)]
    person, theirs = place.people[persona], {}
    if person is not None:
        queries = [
            db.select(Assignment).where(
                Assignment.reviewer_id == person.id, Assignment.application_id == place.application.id
            )
        ]
        if relation == "own":
            queries += [db.select(Account).where(Account.id == person.id)]
            queries += [db.select(StoredForm).where(StoredForm.account_id == person.id)]
            queries += [db.select(Job).where(Job.account_id == person.id)]
            queries += [db.select(SignIn).where(SignIn.account_id == person.id).order_by(SignIn.started_at).limit(1)]
        theirs = {type(found): found for query in queries if (found := db.session.scalars(query).first()) is not None}
    return RelatedThings(place.people, place.things | theirs, place.words)


def surroundings(
    make: Make, people: dict[str, Account | None], organisation: Organisation, call: Call, reader: Account
) -> RelatedThings:
    """Everything that may hang on an organisation: a dossier the committee reads, and one that was awarded."""
    team = make.member_of(organisation)
    draft_call = make.call(state=CallState.DRAFT)
    application = make.application(state=ApplicationState.ELIGIBLE, call=call, organisation=organisation)
    assignment = make.assignment(application, reader, state=AssignmentState.OPEN)
    second = make.application(state=ApplicationState.ELIGIBLE, call=make.call(), organisation=organisation)
    meeting = make.decided(second)
    award = make.award(second, state=AwardState.RUNNING)
    with unit_of_work() as session:
        file = uploads.accept(
            FileStorage(blank_pdf(), "statuts.pdf"),
            by=make.actor_of(team), organisation_id=organisation.id, dossier_id=application.id,
        )  # fmt: skip
        request = PieceRequest(
            application_id=application.id, label="Comptes", due_on=clock.today(), requested_at=clock.now(),
            requested_by=made(people["gestion"]).id,
        )  # fmt: skip
        invitation = Invitation(
            organisation_id=organisation.id, email="invitee@exemple.example", role=MemberRole.EDITOR,
            secret=organisation.id.hex * 2, invited_by=team.id, invited_at=clock.now(),
            expires_at=clock.now() + timedelta(days=1),
        )  # fmt: skip
        agreement = Agreement(
            award_id=award.id, number=f"CONV-{organisation.siret}", terms="Article 1", prepared_at=clock.now()
        )
        receivable = Receivable(
            award_id=award.id, kind=ReceivableKind.REPAYMENT, state=ReceivableState.DUE, amount=award.amount,
            due_on=clock.today(),
        )  # fmt: skip
        report = awards.report_of(award.id)
        report.state, report.submitted_at = ReportState.SUBMITTED, clock.now()
        accounts = uploads.accept(
            FileStorage(blank_pdf(), "comptes.pdf"),
            by=make.actor_of(team), organisation_id=organisation.id, dossier_id=second.id,
        )  # fmt: skip
        given = ReportFile(report_id=report.id, file=accounts, given_at=clock.now())
        nomination = Nomination(
            account_id=team.id, role=Role.FINANCE,
            since_on=clock.today(), proposed_by=made(people["administration"]).id, proposed_at=clock.now(),
        )  # fmt: skip
        session.add_all([file, request, invitation, agreement, given, receivable, nomination])
        statutes = uploads.accept(
            FileStorage(blank_pdf(), "statuts.pdf"), by=make.actor_of(team), organisation_id=organisation.id
        )
        document = OrganisationDocument(
            organisation_id=organisation.id, kind="statutes", label="Statuts", file=statutes, given_at=clock.now()
        )
        conversation = Conversation(application_id=application.id, opened_at=clock.now())
        message = Message(
            conversation=conversation, author_id=team.id, from_fund=False, text="Une question.", sent_at=clock.now()
        )
        asked = PublicQuestion(call_id=call.id, asked_by=team.id, text="Une question ?", asked_at=clock.now())
        appeal = Appeal(
            application_id=second.id, decision_id=award.decision_id, reasons="Une raison.", lodged_at=clock.now(),
            lodged_by=team.id, decided=award.amount, answer_due_on=clock.today(),
        )  # fmt: skip
        session.add_all([document, message, asked, appeal])
    session_of(team)
    with unit_of_work() as session:
        session.add_all([stored_form(team), stored_job(make, team)])
    things = [team, organisation, draft_call, application, assignment, meeting, award, file, request, invitation]
    things += [
        asked,
        conversation,
        message,
        appeal,
        document,
        nomination,
        agreement,
        receivable,
        make.instalment(award),
        make.bank_details(organisation),
    ]
    words = {
        "code": call.code,
        "reference": str(application.reference),
        "role": "association",
        "section": "project",
        "filename": "css/tokens.css",
        "token": "pas-un-jeton",
        "secret": "pas-un-secret",
        "digest": "0" * 64,
        "number": "0",
        "file": str(accounts.id),
        "page": str(accounts.id),
    }
    near = {
        "call_id": [draft_call.id],
        "organisation_id": [organisation.id],
        "application_id": [application.id, second.id],
        "award_id": [award.id],
        "account_id": [team.id],
    }
    return RelatedThings(people, found_things(things, near), words)


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


def found_things(given: list[Any], near: dict[str, list[UUID]]) -> dict[type, Any]:
    """One thing of every type: those given, and for the others the row nearest to the team's."""
    things = {type(thing): thing for thing in given}
    for mapper in Base.registry.mappers:
        kind = mapper.class_
        if kind in things:
            continue
        query = db.select(kind).limit(1)
        tied = [getattr(kind, column).in_(ids) for column, ids in near.items() if hasattr(kind, column)]
        found = db.session.scalars(query.where(*tied)).first() or db.session.scalars(query).first()
        if found is not None:
            things[kind] = found
    return things


def routes(app: Flask) -> Iterator[tuple[str, Rule, ViewAccess]]:
    """Every method and rule, with the access it declares."""
    for rule in sorted(app.url_map.iter_rules(), key=lambda rule: rule.rule):
        if rule.endpoint == "static":
            continue
        access: ViewAccess = app.view_functions[rule.endpoint].__access__  # type: ignore[attr-defined]
        for method in sorted((rule.methods or set()) & {"GET", "POST"}):
            yield method, rule, access


def address(app: Flask, rule: Rule, access: ViewAccess, place: RelatedThings) -> str:
    """The URL of a route about the world's own thing."""
    values: dict[str, Any] = {}
    for name in sorted(rule.arguments):
        if name.endswith("_id"):
            kind = access.subject or Application
            assert kind in place.things, f"{rule.rule}: give the world a {kind.__name__}"
            values[name] = place.things[kind].id
        else:
            assert name in place.words, f"{rule.rule}: give a sample for « {name} » in RelatedThings.words"
            values[name] = place.words[name]
    return app.url_map.bind("localhost").build(rule.endpoint, values)


def observed(client: FlaskClient, method: str, url: str, token: str) -> str:
    """How a view answers. A POST without its key is stopped just after the permission check, before it can write."""
    data = {"csrf_token": token} if method == "POST" else None
    response = Context().run(client.open, url, method=method, data=data, buffered=True)
    assert response.status_code < 500, f"{method} {url}: {response.status_code}"
    return verdict(method, response.status_code, response.headers.get("Location", ""))


def verdict(method: str, status: int, location: str) -> str:
    """The word of the table for an answer. A page may say 409 of the state of things; a POST without key may not."""
    if status == 401 or (status == 302 and "/connexion" in location):
        return SIGN_IN
    return str(status) if status in {403, 404} or (status, method) == (409, "POST") else OPEN


def observe(app: Flask, make: Make, relations: tuple[str, ...]) -> dict[str, list[list[str]]]:
    """What the views answer: for each row of the table a cell for each person, with a word for each relation."""
    places, columns = worlds(make), []
    for persona in PERSONAS:
        page = Page(app).sign_in(places["own"].people[persona])
        columns.append(observed_by(app, page.client, page.token(), persona, places, relations))
    db.session.rollback()
    return {key: [column[key] for column in columns] for key in columns[0]}


def observed_by(
    app: Flask,
    client: FlaskClient,
    token: str,
    persona: str,
    places: dict[str, RelatedThings],
    relations: tuple[str, ...],
) -> dict[str, list[str]]:
    """What one person is answered, row by row; an address that is the same for all relations is asked once."""
    cells: dict[str, list[str]] = {}
    seen = {relation: seen_by(persona, relation, places) for relation in relations}
    asked = [
        (f"{method} `{rule.rule}`", method, [address(app, rule, access, seen[relation]) for relation in relations])
        for method, rule, access in routes(app)
    ]
    db.session.rollback()
    for row, method, urls in asked:
        answers = {url: observed(client, method, url, token) for url in dict.fromkeys(urls)}
        cells[row] = [answers[url] for url in urls]
    return cells


def declared() -> dict[str, list[list[str]]]:
    """The table as it stands: for each row a cell for each person, with a word for each of the three relations."""
    rows: dict[str, list[list[str]]] = {}
    for line in TABLE.read_text(encoding="utf-8").splitlines():
        if line.startswith(("| GET ", "| POST ")):
            row, *cells = line.strip("| ").split(" | ")
            rows[row] = [(cell.split(" / ") * len(RELATIONS))[: len(RELATIONS)] for cell in cells]
    return rows


def least_people(needed: Mapping[str, int]) -> list[tuple[str, ...]]:
    """The fewest people who can hold these offices, as what each of them holds."""
    places = [office for office, number in needed.items() for _ in range(number)]
    for number in range(max(needed.values()), len(places) + 1):
        if found := _seated(places, [()] * number):
            return sorted(found)
    return []


def _seated(places: list[str], people: list[tuple[str, ...]]) -> list[tuple[str, ...]] | None:
    if not places:
        return people
    for index, held in enumerate(people):
        if held in people[:index] or places[0] in held or rules.incompatible((*held, places[0])):
            continue
        found = _seated(places[1:], [*people[:index], (*held, places[0]), *people[index + 1 :]])
        if found is not None:
            return found
    return None


def offices() -> str:
    """What one person may not hold, what takes two, and how few people can run a fund: from the rules themselves."""
    names = {role.value: str(ROLE_LABELS[role]) for role in Role}
    lines = [f"| fonction | {' | '.join(names.values())} |", "|" + "---|" * (len(names) + 1)]
    for one, name in names.items():
        clash = ["—" if one == other else "non" if rules.incompatible((one, other)) else "oui" for other in names]
        lines.append(f"| {name} | {' | '.join(clash)} |")
    seats = [", ".join(names[office] for office in held) for held in least_people(rules.NEEDED)]
    needed = ", ".join(f"{names[office]} {number}" for office, number in rules.NEEDED.items() if number)
    two = ", ".join(names[office] for office in names if office in rules.GIVEN_BY_TWO)
    people = "\n".join(f"  - {seat}" for seat in seats)
    return OFFICES.format(table="\n".join(lines), needed=needed, number=len(seats), people=people, two=two)


def written(rows: dict[str, list[list[str]]]) -> str:
    """The text of the table."""
    lines = [f"| route | {' | '.join(PERSONAS)} |", "|" + "---|" * (len(PERSONAS) + 1)]
    for row, cells in rows.items():
        words = [cell[0] if len(set(cell)) == 1 else " / ".join(cell) for cell in cells]
        lines.append(f"| {row} | {' | '.join(words)} |")
    return HEAD + "\n".join(lines) + "\n" + offices()


def test_what_is_said_of_offices_is_what_the_rules_say() -> None:
    """The second half of the page, without asking any view."""
    assert TABLE.read_text(encoding="utf-8").endswith(offices())
    assert len(least_people(rules.NEEDED)) == 5


def test_the_views_answer_as_the_table_says(app: Flask, make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """The team's own dossier; the figure `access` of tests/assure asks about the others as well, by HTTP.

    Pages are left blank: that each can be drawn is for other tests to show.
    """
    monkeypatch.setattr(Template, "render", lambda *_words, **_named: "")
    if os.environ.get("UPDATE_ACCESS"):
        TABLE.write_text(written(observe(app, make, RELATIONS)), encoding="utf-8")
        return
    table, found = declared(), observe(app, make, RELATIONS[:1])
    assert list(table) == list(found)
    assert {row: [cell[:1] for cell in cells] for row, cells in table.items()} == found
    assert TABLE.read_text(encoding="utf-8") == written(table)
