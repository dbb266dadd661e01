"""Who may open what, asked of the served fund: every route and method, twelve people, three relations to the thing.

What the views answer is compared with docs/access.md. A thing one may not know answers as one that does not exist, byte
for byte. Words planted in three dossiers are looked for in every answer, in what lists, searches and exports lead to,
and in documents. What is refused is asked with a valid key, and the dossiers must stand as they did.
"""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urljoin, urlsplit
from uuid import UUID, uuid4

import requests
from flask import Flask
from werkzeug.routing import Rule

from grants.kernel.access import ViewAccess
from grants.kernel.db import db
from grants.people.models import Organisation
from tests.architecture.test_access import (
    PERSONAS,
    RELATIONS,
    RelatedThings,
    address,
    declared,
    routes,
    seen_by,
    verdict,
    worlds,
)
from tests.assure.figures import Reading, figure
from tests.canaries import UNIQUE, Canaries, Secret, plant, rows_of, text_of, ways_from
from tests.client import LIGHT
from tests.crawl import bare, demonstrations
from tests.site import Server, Site, Visitor, Workspace, tree_of

METHODS = {"GET", "POST", "PUT", "PATCH", "DELETE"}
TEAM, OTHER, RECUSED = "équipe", "autre équipe", "déporté"
OWN_LINKS = "/mes-liens"
STAFF = {"gestion", "finances", "ordonnateur", "administration", "audit"}
READS = {"équipe": {"own"}, "autre équipe": {"related"}, "affecté": {"own"}, "déporté": {"related"}}
# What a published decision makes known to everybody, and what an applicant never reads of their own pending dossier.
PUBLISHED = {("organisation", "name"), ("organisation", "siret"), ("organisation", "rna"), ("organisation", "id")}
PUBLISHED |= {("application", "title"), ("application", "summary"), ("application", "reference"), ("application", "id")}
COMMITTEE_ONLY = {"interest", "assignment", "mark", "recommendation", "finding", "decision", "standing"}
# Whoever sits on the committee reads its minutes, which are made once the recommendations are frozen.
MINUTES = re.compile(r"/deliberation/[-0-9a-f]+/proces-verbal(\.pdf)?")
COMMITTEE = {"affecté", "non affecté", "déporté"}
BANK = {"équipe", "autre équipe", "finances", "ordonnateur", "audit"}
FAR = 150  # links followed by each person in a full run


@dataclass
class Walk:
    """One person's walk through the fund: who they are, what they asked, what was wrong."""

    persona: str
    visitor: Visitor
    token: str = ""
    asked: int = 0
    faults: list[str] = field(default_factory=list)
    links: dict[str, None] = field(default_factory=dict)
    visited: set[str] = field(default_factory=set)

    def ask(self, method: str, url: str, *, key: str | None = None) -> requests.Response:
        """Ask for an address once; a POST carries its token, and a key only when it is to be taken seriously."""
        data = {"csrf_token": self.token} | ({"_key": key} if key else {}) if method not in {"GET", "HEAD"} else None
        self.asked += 1
        self.visited.add(url)
        answer = self.visitor.session.request(
            method, urljoin(self.visitor.address, url), data=data, allow_redirects=False, timeout=60
        )
        if answer.status_code >= 500:
            self.faults.append(f"{method} {url}, {self.persona}: {answer.status_code}")
        if answer.is_redirect and "Set-Cookie" in answer.headers:
            self.visitor.get(LIGHT)  # what was left to say is said there, not on the next page asked
        return answer


@dataclass
class Ground:
    """What every walk shares: the site, the words planted, the declared table, and each person's addresses by row."""

    site: Site
    canaries: Canaries
    organisations: dict[str, UUID]
    pending: set[UUID]
    table: dict[str, list[list[str]]]
    addresses: dict[str, dict[str, list[str]]]
    unknown: dict[str, str]
    mixed: list[str]
    demonstration: tuple[str, ...]


@figure(
    "access",
    number="1",
    says="réponses d’une page autres que déclarées, et mots du dossier d’autrui vus (route × méthode × 12 × 3)",
    minutes=5,
    once="sqlite",
)
def access(workspace: Workspace) -> Reading:
    """Ask everything, as everybody, about one's own, a neighbour's and a stranger's things."""
    with workspace.site() as site:
        server = site.server()
        ground, walks = prepared(site, server)
        before = standing(ground)
        server.start()
        shares = [None if workspace.full else number for number in range(len(walks))]
        with ThreadPoolExecutor(6) as pool:
            list(pool.map(lambda walk, share: walk_through(walk, ground, share), walks, shares))
        faults = undeclared(ground) + [fault for walk in walks for fault in walk.faults]
        faults += changed(before, standing(ground))
        return Reading(sum(walk.asked for walk in walks), faults, least=9_000 if workspace.full else 500)


# ---- the ground


def prepared(site: Site, server: Server) -> tuple[Ground, list[Walk]]:
    """Make the three worlds, sign everybody in, write every address down, and plant the words."""
    app, views = site.app, list(routes(site.app))
    with site.making() as make:
        places = worlds(make)
        people = {name: account.email if account else None for name, account in places["own"].people.items()}
        organisations = {relation: place.things[Organisation].id for relation, place in places.items()}
        pending = {place.application.id for place in places.values()}
        db.session.rollback()
        walks = [Walk(persona, site.visitor(server, people[persona])) for persona in PERSONAS]
        addresses = {}
        for persona in PERSONAS:
            seen = [seen_by(persona, relation, places) for relation in RELATIONS]
            addresses[persona] = {
                row_of(method, rule): [address(app, rule, access, place) for place in seen]
                for method, rule, access in views
            }
        mixed = [url for _method, rule, access in views for url in mixed_addresses(app, rule, access, places)]
        db.session.rollback()
    unknown = {
        row_of(method, rule): unknown_address(app, rule, access) for method, rule, access in views if access.subject
    }
    words, shown = plant(site, organisations), demonstrations(app)
    return Ground(site, words, organisations, pending, declared(), addresses, unknown, mixed, shown), walks


def row_of(method: str, rule: Rule) -> str:
    """The name of a row of the table."""
    return f"{method} `{rule.rule}`"


def unknown_address(app: Flask, rule: Rule, access: ViewAccess) -> str:
    """The address of a thing that does not exist."""
    values: dict[str, Any] = {
        name: str(uuid4()) if name in ids_of(rule) else 1 if f"<int:{name}>" in rule.rule else "project"
        for name in rule.arguments
    }
    return app.url_map.bind("localhost").build(rule.endpoint, values)


def ids_of(rule: Rule) -> list[str]:
    """The parts of an address that are ids, the first of which is the subject's."""
    return re.findall(r"<uuid:(\w+)>", rule.rule)


def mixed_addresses(app: Flask, rule: Rule, access: ViewAccess, places: dict[str, RelatedThings]) -> Iterator[str]:
    """The team's own thing with a part that is somebody else's."""
    if len(ids_of(rule)) < 2:
        return
    own = address(app, rule, access, places["own"])
    for relation in RELATIONS[1:]:
        theirs = address(app, rule, access, places[relation])
        mine, others = UNIQUE.findall(own), UNIQUE.findall(theirs)
        for place in range(1, len(mine)):
            yield own.replace(mine[place], others[place])


def standing(ground: Ground) -> dict[str, Any]:
    """Every row of the three dossiers."""
    with ground.site.engine.connect() as connection:
        return {
            f"{table} of {relation}": rows
            for relation, organisation in ground.organisations.items()
            for table, rows in rows_of(connection, organisation).items()
        }


def changed(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """The tables of a dossier that do not stand as they did."""
    return [f"rows changed: {name}" for name in sorted(before | after) if before.get(name) != after.get(name)]


def undeclared(ground: Ground) -> list[str]:
    """Rows that the table lacks, and rows of routes that are no more."""
    return [f"docs/access.md and the routes differ: {row}" for row in ground.table.keys() ^ ground.addresses[OTHER]]


# ---- a walk


def walk_through(walk: Walk, ground: Ground, share: int | None) -> None:
    """Ask for what the table says, then for what the pages lead to. A `share` takes its part of the rows alone."""
    walk.token = tree_of(walk.ask("GET", LIGHT)).xpath("//input[@name='csrf_token']/@value")[0]
    rows = [row for row in ground.table if row in ground.addresses[walk.persona]]
    for row in rows if share is None else rows[share :: 2 * len(PERSONAS)]:
        compare(walk, ground, row)
    for url in ground.mixed if walk.persona == TEAM else ():
        answer = walk.ask("GET", url)
        look(walk, ground, url, answer)
        if answer.status_code != 404:
            walk.faults.append(f"GET {url}, {walk.persona}: ids of two dossiers answer {answer.status_code}")
    if share is None or walk.persona == OTHER:
        refuse_methods(walk, ground)
    follow(walk, ground, FAR if share is None else 12)


def compare(walk: Walk, ground: Ground, row: str) -> None:
    """Ask for one row: own, related, foreign and unknown."""
    method, cells = row.split(maxsplit=1)[0], ground.table[row][PERSONAS.index(walk.persona)]
    answers: dict[str, requests.Response] = {}
    for relation, said, url in zip(RELATIONS, cells, ground.addresses[walk.persona][row], strict=True):
        if url in answers:
            continue
        key = uuid4().hex if said in {"404", "403"} else None  # what is to be refused may be meant in earnest
        answer = answers[url] = walk.ask(method, url, key=key)
        look(walk, ground, url, answer)
        found = verdict(method, answer.status_code, answer.headers.get("Location", ""))
        if found != said:
            walk.faults.append(f"{row}, {walk.persona}, {relation}: declared {said}, answered {found}")
    hidden = [url for url, answer in answers.items() if answer.status_code == 404]
    if hidden and row in ground.unknown:
        nothing = plain(walk.ask(method, ground.unknown[row], key=uuid4().hex), ground.unknown[row])
        leaking = [url for url in hidden if plain(answers[url], url) != nothing]
        walk.faults += [f"{row}, {walk.persona}: {url} answers 404, but unlike what does not exist" for url in leaking]


def plain(answer: requests.Response, url: str) -> tuple[int, dict[str, str], bytes]:
    """An answer byte for byte, without its own address and what is never twice the same."""
    status, headers, body = bare(answer)
    for form in (url, quote(url, safe="")):
        body = body.replace(form.encode(), b"")
    return status, headers, body


def refuse_methods(walk: Walk, ground: Ground) -> None:
    """A method that a route does not declare is refused as such; people take turns, so that each is tried."""
    urls: dict[str, set[str]] = {}
    for row, each in ground.addresses[walk.persona].items():
        urls.setdefault(each[0], set()).add(row.split()[0])
    for place, (url, methods) in enumerate(urls.items(), start=PERSONAS.index(walk.persona)):
        left = sorted(METHODS - methods)
        method = left[place % len(left)]
        answer = walk.ask(method, url, key=uuid4().hex)
        look(walk, ground, url, answer)
        if answer.status_code != 405:
            walk.faults.append(f"{method} {url}, {walk.persona}: {answer.status_code}, 405 expected")


def follow(walk: Walk, ground: Ground, far: int) -> None:
    """Follow the links and searches of the pages seen: filters, next pages, exports, whatever they lead to."""
    for _step in range(far):
        url = next((link for link in walk.links if link not in walk.visited), None)
        if url is None:
            return
        look(walk, ground, url, walk.ask("GET", url))


def look(walk: Walk, ground: Ground, url: str, answer: requests.Response) -> None:
    """Note the words of others in an answer, and where it leads."""
    is_demonstration = urlsplit(url).path.startswith(ground.demonstration)
    for word, secret in ground.canaries.seen_in(text_of(answer), besides=[url]).items():
        if not is_demonstration and not may_see(walk.persona, secret, ground.pending, url):
            walk.faults.append(f"{url}, {walk.persona}: sees {secret} ({word})")
    walk.links |= dict.fromkeys(ways_from(answer))


def may_see(persona: str, secret: Secret, pending: set[UUID], url: str) -> bool:
    """Whether a word of a dossier is for this person, at this address."""
    is_pending = secret.application in pending
    if (secret.table, secret.column) in PUBLISHED and not is_pending:
        return True
    if secret.table == "bank_details" and secret.column != "holder" and persona not in BANK:
        return False
    if persona in STAFF:
        return True
    if secret.table == "recommendation" and persona in COMMITTEE and MINUTES.fullmatch(url):
        return not is_pending
    # Whoever declared a link reads in the list of their own links which dossier they named, and nothing else of it.
    if persona == RECUSED and url == OWN_LINKS and (secret.table, secret.column) == ("application", "reference"):
        return secret.dossier == "own"
    if secret.dossier not in READS.get(persona, ()):
        return False
    return persona not in {TEAM, OTHER} or not is_pending or secret.table not in COMMITTEE_ONLY
