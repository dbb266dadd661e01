"""What a first visit of each public page weighs: the page, its style, its scripts and its images, as they are sent."""

import gzip
import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

from flask import Flask
from lxml import html

from grants.kernel.access import ViewAccess
from tests.bench.meters import Client
from tests.bench.scenarios import Subjects

HEAVIEST = 40_000
ASSETS = "//link[@rel='stylesheet' or @rel='icon']/@href | //script[@src]/@src | //img[@src]/@src"
# What a module asks at once; what it asks when somebody acts is no part of a visit.
IMPORTED = re.compile(r"""(?:from|import)\s*["'](\.{1,2}/[^"']+|/[^"']+)["']""")


@dataclass(frozen=True)
class Weight:
    """The bytes of a first visit, packed as sent and unpacked."""

    path: str
    packed: int
    raw: int


def public_pages(app: Flask, subjects: Subjects, samples: dict[str, str]) -> Iterator[str]:
    """The address of every page anyone may open; a page about one thing needs a sample of what its address names."""
    known = {"code": subjects.call, "role": "citoyen", "filename": "", **samples}
    for rule in app.url_map.iter_rules():
        place: ViewAccess | None = getattr(app.view_functions[rule.endpoint], "__access__", None)
        if place is None or place.permission is not None or "GET" not in (rule.methods or ()):
            continue
        if unknown := rule.arguments - set(known):
            if place.subject is not None or unknown & {"token", "secret"}:
                continue  # a page of one's own, behind a link received by mail
            raise LookupError(f"{rule.rule}: give a sample of {sorted(unknown)}")
        yield app.url_map.bind("").build(rule.endpoint, {name: known[name] for name in rule.arguments})


def weight(line: Client, path: str) -> Weight | None:
    """What a browser that was never here receives; None for what is not a page."""
    page = line.send("GET", path)
    if page.status != 200 or not page.headers.get("content-type", "").startswith("text/html"):
        return None
    tree = html.fromstring(page.text)
    waiting = [urljoin(path, str(found)) for found in tree.xpath(ASSETS)]
    # A page names the small modules that enhance it: main.js fetches them.
    main = next((address for address in waiting if address.endswith("/main.js")), "/static/js/main.js")
    waiting += [urljoin(main, f"{name}.js") for names in tree.xpath("//@data-behaviour") for name in str(names).split()]
    seen: set[str] = set()
    # What signed-in people read is packed by the operator's proxy.
    is_packed = "content-encoding" in page.headers
    packed, raw = len(page.body if is_packed else gzip.compress(page.body, 5)), len(page.content)
    while waiting:
        address = waiting.pop()
        if address in seen or urlsplit(address).scheme == "data":
            continue
        seen.add(address)
        asset = line.send("GET", address)
        if asset.status != 200:
            raise RuntimeError(f"{address}, asked for by {path}: {asset.status}")
        packed, raw = packed + len(asset.body), raw + len(asset.content)
        if urlsplit(address).path.endswith(".js"):
            waiting += [urljoin(address, found) for found in IMPORTED.findall(asset.text)]
    return Weight(path, packed, raw)
