"""What an address or a form says beside words: places in lists, numbers, days, keys, choices, the page to go back to.

Whatever is put there, the answer is a page that says so: no server error, and no way out of the site.
"""

import random
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from contextvars import Context
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote, urlencode, urljoin, urlsplit

from flask import Flask
from flask.testing import FlaskClient
from lxml import html
from werkzeug.datastructures import ImmutableMultiDict
from werkzeug.routing import MapAdapter
from werkzeug.test import TestResponse

from grants.applications.rules import Part
from grants.kernel.db import Base, db
from grants.kernel.paging import cursor
from grants.people.models import Account
from tests.assure.figures import Reading, figure
from tests.canaries import Rows
from tests.client import LIGHT, form_values
from tests.crawl import addresses
from tests.factories.people import session_of
from tests.kernel.test_paging import PLACES
from tests.site import Site, Workspace
from tests.walk import people, room, rule_of

ODD = (
    "", " ", "²", "٣", "-1", "0", "1e3", "1.5", "NaN", "null", "None", "true", "9" * 30, str(2**31), str(2**63),
    "0001-01-01", "9999-12-31", "2026-02-30", "2026-W01-1", "00000000-0000-0000-0000-000000000000",
    "{ffffffff-ffff-ffff-ffff-ffffffffffff}", "urn:uuid:ffffffff-ffff-ffff-ffff-ffffffffffff", "[]", "{}", "'", "%",
    "_", "\\", "a\nb", "a\tb", "\u202e", "é" * 3_000, "-submitted", "--score", "budget", cursor(["x"]),
)  # fmt: skip
RAW = ("%00", "%ff", "%ED%A0%80", "%F0%9F%98%80", "%")  # what an address may say that is no text, as it is sent
NAMES = ("_external", "_scheme", "_anchor", "_method", "endpoint", "name", "self")  # words of the tools underneath
WAYS_OUT = (
    "//evil.example", "/\\evil.example", "/\t/evil.example", "/\n/evil.example", "\\\\evil.example", "/a\r\nX-Y: z",
    "https://evil.example", "https:evil.example", "javascript:alert(1)", "/\u2028/evil.example", "//user@evil.example",
    " //evil.example", "/%09/evil.example", "/%2f/evil.example", "/..//evil.example", "/.//evil.example",
)  # fmt: skip
KEYS = {"csrf_token", "_key"}
KEEN = 26  # how often somebody else is asked to open an address of a route that nobody could open lately


class Noted(ImmutableMultiDict[str, str]):
    """What a request says, which remembers the names it was asked for."""

    asked: set[str] = set()

    def __getitem__(self, key: str) -> str:
        self.asked.add(key)
        return super().__getitem__(key)

    def getlist(self, key: str, *rest: Any, **named: Any) -> list[Any]:
        self.asked.add(key)
        return super().getlist(key, *rest, **named)


class Asker:
    """Sends requests to an application of this process, as one person after another, and keeps what broke."""

    def __init__(self, app: Flask) -> None:
        self.app, self.tried = app, 0
        self.faults: list[str] = []
        self.clients: dict[str, FlaskClient] = {}
        app.request_class = type("Noting", (app.request_class,), {"parameter_storage_class": Noted})

    def client(self, who: str) -> FlaskClient:
        """A browser where somebody is signed in."""
        if who not in self.clients:
            client = self.clients[who] = self.app.test_client()
            with self.app.app_context(), client.session_transaction() as session:
                if who:
                    session.update(session_of(db.session.scalars(db.select(Account).filter_by(email=who)).one()))
                db.session.remove()
        return self.clients[who]

    def token(self, who: str) -> str:
        """The token of somebody's session, which signing out or a new password may have ended."""
        for _again in range(2):
            page = Context().run(self.client(who).get, "/mon-compte" if who else LIGHT)
            if page.status_code == 200:
                break
            self.clients.pop(who)
        return str(html.fromstring(page.get_data(as_text=True)).xpath("//input[@name='csrf_token']/@value")[0])

    def ask(self, who: str, url: str, data: dict[str, str] | None = None) -> TestResponse | None:
        """The answer to a request, None when it broke."""
        self.tried += 1
        method = "GET" if data is None else "POST"
        try:
            answer = Context().run(self.client(who).open, url, method=method, data=data, buffered=True)
        except Exception as error:  # noqa: BLE001 - what is raised here would be a server error
            self.fault(f"{method} {url[:90]} {_short(data)} raised {error!r:.150}")
            return None
        if answer.status_code >= 500:
            self.fault(f"{method} {url[:90]} {_short(data)} answered {answer.status_code}")
        where = urlsplit(urljoin("http://localhost/", _read_by_a_browser(answer.headers.get("Location", ""))))
        if where.netloc != "localhost":
            self.fault(f"{method} {url[:90]} {_short(data)} leads to {where.geturl()!r}")
        return answer

    def fault(self, what: str) -> None:
        """Keep what broke."""
        self.faults.append(what)


def _short(data: dict[str, str] | None) -> str:
    return str({name: value[:40] for name, value in (data or {}).items() if name not in KEYS})[:200]


def _read_by_a_browser(location: str) -> str:
    """An address as browsers take it: blanks around it and line ends dropped, a backslash for a slash."""
    return "".join(c for c in location.strip() if c not in "\t\r\n").replace("\\", "/")


def rows_of(site: Site) -> Rows:
    """A row of every table that an address can name, and of each state where it has some."""
    found: Rows = {}
    with site.engine.connect() as connection:
        for table in Base.metadata.sorted_tables:
            rows = [dict(row) for row in connection.execute(table.select()).mappings()] if "id" in table.c else []
            found[table.name] = list({str(row.get("state")): row for row in rows}.values())
    return found


def everywhere(site: Site) -> list[str]:
    """The address of every page about these rows, and of every page of a form."""
    rows = rows_of(site)
    values = {"reference": site.scalar("SELECT min(reference) FROM application WHERE state = 'awarded'"),
            "code": site.scalar("SELECT min(code) FROM call")}  # fmt: skip
    found = list(addresses(site.app, rows, **values))
    drafts = {"application": [row for row in rows["application"] if row["state"] == "draft"]}
    found += [url for part in Part for url in addresses(site.app, drafts, section=part.value, **values)]
    return list(dict.fromkeys(found))


@dataclass(frozen=True)
class Opened:
    """A page somebody could open, and the names of what it asks an address for."""

    rule: str
    who: str
    url: str
    text: str
    names: tuple[str, ...]


def pages(asker: Asker, site: Site, most: int) -> Iterator[Opened]:
    """Each address, opened by the first person who may, the last one's first; `most` of each route."""
    met: Counter[str] = Counter()
    refused: Counter[str] = Counter()
    adapter, whos = site.app.url_map.bind("localhost"), people()
    for url in everywhere(site):
        rule = str(adapter.match(url, return_rule=True)[0].rule)
        for who in list(whos) if met[rule] < room(rule, most) and refused[rule] < KEEN * most else ():
            Noted.asked.clear()
            answer = asker.ask(who, url)
            refused[rule] += 1
            if answer is not None and answer.status_code == 200:
                met[rule] += 1
                refused[rule] = 0
                whos.remove(who)
                whos.insert(0, who)
                text = answer.get_data(as_text=True) if answer.mimetype == "text/html" else ""
                yield Opened(rule, who, url, text, tuple(sorted(Noted.asked)))
                break


def ask_oddly(asker: Asker, page: Opened, chance: random.Random, odd: int) -> None:
    """Open a page with strange values for each thing it asks for, one at a time, then as no browser would send them."""
    for name in page.names:
        known = PLACES if name in {"after", "before"} else WAYS_OUT if name == "next" else ODD
        for value in chance.sample(known, min(odd, len(known))):
            asker.ask(page.who, f"{page.url}?{urlencode({name: value})}")
        asker.ask(page.who, f"{page.url}?{name}={chance.choice(RAW)}&{name}=x")
    if page.names:
        asker.ask(page.who, f"{page.url}?{urlencode(dict.fromkeys(NAMES, 'x'))}")
    words = re.findall(r"<(?!uuid:)\w+>", page.rule)
    for value in chance.sample(ODD, min(odd, len(ODD))) if words else ():
        asker.ask(page.who, page.url.rpartition("/")[0] + "/" + quote(value, safe=""))


@dataclass(frozen=True)
class Sent:
    """A form of a page: whose, where it goes, and the pairs it would send as it stands."""

    who: str
    url: str
    pairs: tuple[tuple[str, str], ...]


def forms(found: Iterable[Opened], rules: MapAdapter) -> list[Sent]:
    """The different forms that write, each as the first page that holds it shows it."""
    known: dict[Any, Sent] = {}
    for page in found:
        for form in html.fromstring(page.text).xpath("//form[@method='post']") if page.text else ():
            url = urljoin(page.url, form.get("action") or page.url)
            pairs = form_values(form) + [(name, "1") for name in form.xpath(".//button/@name")]
            names = frozenset(name for name, _value in pairs)
            known.setdefault((rule_of(rules, urlsplit(url).path, "POST"), names), Sent(page.who, url, tuple(pairs)))
    return list(known.values())


def send_oddly(asker: Asker, form: Sent, chance: random.Random, odd: int) -> None:
    """Send a form with a strange value in each thing it says, one at a time, then in all of them and for its lines."""
    form = replace(form, pairs=(*form.pairs, ("csrf_token", asker.token(form.who))))
    names = dict.fromkeys(name for name, _value in form.pairs if name not in KEYS)
    for name in names:
        known = WAYS_OUT if name in {"back", "next"} else ODD
        for value in known if known is WAYS_OUT else chance.sample(known, min(odd, len(known))):
            send(asker, form, {name: value})
    for value in chance.sample(ODD, min(odd, len(ODD))):
        send(asker, form, dict.fromkeys(names, value))
    lines = {re.sub(r"-\d+-", f"-{mark}-", name): "1" for name in names for mark in ("²", "9" * 30, "-1", "")}
    send(asker, form, lines)


def send(asker: Asker, form: Sent, changed: dict[str, str]) -> None:
    """Send a form once, with some of what it says changed and a key of its own."""
    asker.ask(form.who, form.url, dict(form.pairs) | changed | {"_key": f"odd-{asker.tried}"})


@figure(
    "parameters", number="25", says="adresses et formulaires aux valeurs étranges qui répondent 500 ou sortent du site",
    minutes=8, once="postgresql",
)  # fmt: skip
def parameters(workspace: Workspace) -> Reading:
    """Open every page, ask it strangely, and send every form it holds strangely."""
    most, odd = (9, len(ODD)) if workspace.full else (1, 1)
    with workspace.site(demo=True) as site:
        asker, chance = Asker(site.app), random.Random(5)
        found = list(pages(asker, site, most))
        for page in {page.rule: page for page in reversed(found)}.values():
            ask_oddly(asker, page, chance, odd)
        for form in forms(found, site.app.url_map.bind("localhost")):
            send_oddly(asker, form, chance, odd)
        return Reading(asker.tried, asker.faults, least=600)
