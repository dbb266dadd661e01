"""Walks a served fund as each of its people: every page they are led to, and every form found on the way."""

import re
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests
from werkzeug.exceptions import HTTPException
from werkzeug.routing import MapAdapter, RequestRedirect

from grants.demo import content
from tests.site import Server, Site, Visitor, tree_of

KEYS = {"csrf_token", "_key", "version"}
LINES = {"text", "search", "email", "url", "tel"}


@dataclass(frozen=True)
class Screen:
    """A page as one person saw it."""

    who: str
    path: str
    rule: str
    answer: requests.Response

    @property
    def is_page(self) -> bool:
        """Whether it is HTML."""
        return self.answer.headers.get("Content-Type", "").startswith("text/html")


@dataclass
class Form:
    """A form people meet: what it posts to, the controls it holds, and the places where it was seen."""

    method: str
    rule: str
    texts: tuple[str, ...]
    others: tuple[str, ...]
    seen: list[tuple[str, str, int]] = field(default_factory=list)

    @property
    def name(self) -> str:
        """How a fault speaks of it."""
        return f"{self.method} {self.rule} ({self.seen[0][0]})"


def people() -> list[str]:
    """The addresses of the demonstration's accounts, one for each role, and "" for nobody."""
    return ["", *dict.fromkeys(str(row["email"]) for row in content.people())]


def rule_of(adapter: MapAdapter, path: str, method: str = "GET") -> str | None:
    """The rule an address falls under, or None."""
    try:
        found, _values = adapter.match(path, method=method, return_rule=True)
    except (HTTPException, RequestRedirect):
        return None
    return str(found.rule)


def room(rule: str, most: int) -> int:
    """How many addresses of a route to open: pages named by a word differ more from one another than things do."""
    return most * 8 if re.search(r"<(?!uuid:)", rule) else most


def walk(
    visitor: Visitor,
    who: str,
    adapter: MapAdapter,
    *,
    most: int,
    start: Iterable[str] = ("/",),
    met: Counter[Any] | None = None,
) -> Iterator[Screen]:
    """Follow every link from the first pages, `most` addresses of each route and each set of filters.

    With `met`, several walks together open that many.
    """
    met = Counter() if met is None else met
    known, waiting = set(start), deque(start)
    while waiting:
        address = waiting.popleft()
        answer = visitor.get(address)
        path = urlsplit(answer.url).path
        screen = Screen(who, address, rule_of(adapter, path) or path, answer)
        yield screen
        if not screen.is_page or not answer.text:
            continue
        for link in tree_of(answer).xpath("//a/@href"):
            parts = urlsplit(urljoin(answer.url, link))
            target = parts.path + (f"?{parts.query}" if parts.query else "")
            if not parts.geturl().startswith(visitor.address) or target in known:
                continue
            rule = rule_of(adapter, parts.path)
            kind = (rule or parts.path, *sorted(pair.partition("=")[0] for pair in parts.query.split("&")))
            met[kind] += 1
            if met[kind] <= room(kind[0], most):
                known.add(target)
                waiting.append(target)


def walks(
    site: Site, server: Server, *, most: int, whos: Iterable[str] | None = None, together: bool = False
) -> list[Screen]:
    """Walk as each person at the same time; give every screen, in the order of the people.

    `together` opens an address once for all: quicker, where what matters is each page and not who sees it.
    """
    met: Counter[Any] | None = Counter() if together else None
    adapter = site.app.url_map.bind("localhost")
    visitors = [(who, site.visitor(server, who or None)) for who in (people() if whos is None else whos)]
    with ThreadPoolExecutor(4) as pool:
        found = pool.map(
            lambda pair: list(walk(pair[1], pair[0], adapter, most=most, start=("/", "/mon-espace"), met=met)), visitors
        )
        return [screen for screens in found for screen in screens]


def texts_of(form: Any) -> tuple[str, ...]:
    """The names of the fields of a form where people write freely."""
    found = [
        control.get("name")
        for control in form.xpath(".//input[@name] | .//textarea[@name]")
        if (control.tag == "textarea" or control.get("type", "text") in LINES)
        and control.get("disabled") is None
        and control.get("readonly") is None
        and control.get("name") not in KEYS
    ]
    return tuple(dict.fromkeys(found))


def others_of(form: Any) -> tuple[str, ...]:
    """The names of what else a form sends: choices, numbers, days, what it hides."""
    texts = texts_of(form)
    names = form.xpath(".//input[@name]/@name | .//select[@name]/@name | .//button[@name]/@name")
    return tuple(dict.fromkeys(name for name in names if name not in KEYS and name not in texts))


def forms_of(screens: Iterable[Screen], site: Site, *, places: int = 4) -> list[Form]:
    """The different forms of these pages, each with a few places where it stands."""
    adapter = site.app.url_map.bind("localhost")
    found: dict[tuple[Any, ...], Form] = {}
    for screen in screens:
        if not screen.is_page or screen.answer.status_code != 200:
            continue
        for index, form in enumerate(tree_of(screen.answer).xpath("//form")):
            method = form.get("method", "get").upper()
            path = urlsplit(urljoin(screen.answer.url, form.get("action") or "")).path
            rule = rule_of(adapter, path, method) or path
            texts, others = texts_of(form), others_of(form)
            one = found.setdefault((method, rule, texts), Form(method, rule, texts, others))
            if len(one.seen) < places:
                one.seen.append((screen.who, screen.path, index))
    return list(found.values())
