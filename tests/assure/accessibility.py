"""Every page of every role in a real browser: axe, valid HTML, reflow, and a content policy nothing complains of."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import cycle, groupby
from types import SimpleNamespace
from typing import Any

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Browser
from playwright.sync_api import Page as BrowserPage

from grants.demo import content
from tests.assure.figures import Reading, figure
from tests.client import check_page
from tests.crawl import KEYS, NOW
from tests.site import Server, Site, Visitor, Workspace, tree_of
from tests.walk import Screen, people, walk

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "RGAAv4", "best-practice"]
OPTIONS = {"runOnly": {"type": "tag", "values": TAGS}, "resultTypes": ["violations"]}
VIOLATIONS = """([options, colours]) => {
  const others = axe.getRules().filter(rule => colours && !rule.tags.includes("cat.color"));
  const rules = Object.fromEntries(others.map(rule => [rule.ruleId, {enabled: false}]));
  return axe.run({...options, rules}).then(result => result.violations.map(one => [one.id, one.nodes[0].html]));
}"""
# Where every element stands and whether it shows: all that rules can read of a style, colours apart.
BOXES = """() => Array.from(document.body.querySelectorAll("*"), element => {
  const {x, y, width, height} = element.getBoundingClientRect();
  const {display, visibility, opacity, position} = getComputedStyle(element);
  return [x, y, width, height, display, visibility, opacity, position].join();
}).join(";")"""
NAMES = {str(row["email"]): str(row["name"]) for row in content.people()}
SECONDS = re.compile(r'\d+\sh\s\d+\smin\s\d+|(?:data-at|datetime)="[^"]*"')
OPENED = 16  # pages that the short form opens in the browser
Looks = tuple[tuple[int, str], ...]
LOOKS: Looks = ((1280, "light"), (1280, "dark"), (320, "dark"), (320, "light"))
# WCAG 1.4.12: readers may space their text this much. Set through the style sheets' own interface, which the content
# policy leaves to the page's scripts.
SPACED = """() => {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`* { line-height: 1.5 !important; letter-spacing: .12em !important;
    word-spacing: .16em !important; } p { margin-block-end: 2em !important; }`);
  document.adoptedStyleSheets = [sheet];
}"""
TALL = "document.scrollingElement.scrollHeight"
TOO_WIDE = "document.scrollingElement.scrollWidth - window.innerWidth"


def pages_of(site: Site, visitor: Visitor, who: str, met: Counter[str] | None) -> list[Screen]:
    """One page for each route and set of filters that links lead a person to; with `met`, where nobody went yet."""
    adapter = site.app.url_map.bind("localhost")
    screens = walk(visitor, who, adapter, most=1, start=("/", "/mon-espace", "/styleguide"), met=met)
    found = {(screen.rule, screen.path.partition("?")[2] != ""): screen for screen in screens if screen.is_page}
    return [screen for screen in found.values() if screen.answer.status_code == 200]


def opened(browser: Browser, server: Server, visitor: Visitor, heard: list[str]) -> BrowserPage:
    """A window with the visitor's session, whose complaints are heard."""
    context = browser.new_context(locale="fr-FR", viewport={"width": 1280, "height": 900})
    context.add_cookies(
        [{"name": str(one.name), "value": str(one.value), "url": server.address} for one in visitor.session.cookies]
    )
    page = context.new_page()
    page.on("console", lambda said: heard.append(f"{page.url}: {said.text}") if said.type == "error" else None)
    page.on("pageerror", lambda error: heard.append(f"{page.url}: {error}"))
    return page


def looked_at(page: BrowserPage, name: str, looks: Looks) -> Iterator[str]:
    """The faults of the open page, in each width and theme.

    A second theme is read by the rules about colours alone where it moved nothing: the others would find the same.
    """
    page.evaluate(AXE_SCRIPT)
    before = (0, "")
    for width, theme in looks:
        page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
        if width != before[0]:
            page.set_viewport_size({"width": width, "height": 900})
            # As tall as the page: a bar that stays at the foot of the window would half hide what it passes over.
            page.set_viewport_size({"width": width, "height": max(900, page.evaluate(TALL))})
        here = (width, page.evaluate(BOXES))
        for rule, element in page.evaluate(VIOLATIONS, [OPTIONS, here == before]):
            yield f"{name} {theme} {width}: {rule} {element[:160]}"
        if (wide := page.evaluate(TOO_WIDE)) > 0:
            yield f"{name} {theme} {width}: {wide} px too wide"
        before = here
    page.set_viewport_size({"width": 320, "height": 900})
    page.evaluate(SPACED)
    if (wide := page.evaluate(TOO_WIDE)) > 0:
        yield f"{name}: {wide} px too wide once the text is spaced"


def unsound(site: Site, screen: Screen) -> Iterator[str]:
    """Why the HTML of a page is not valid."""
    path = screen.path.partition("?")[0]
    try:
        check_page(site.app, SimpleNamespace(tree=tree_of(screen.answer), url=path, text=screen.answer.text))  # type: ignore[arg-type]
    except AssertionError as fault:
        yield f"{screen.who}: {fault}"


@figure(
    "pages",
    number="19, 41, 43",
    says="violations axe (RGAA, WCAG 2.2 AA), HTML invalide, débordements, plaintes de la politique de contenu",
    minutes=12,
    databases=("sqlite",),
)
def pages(workspace: Workspace) -> Reading:
    """Every page × role × theme × width; in the short form each route, some of them in one look.

    A page that says the same to several people, their names apart, is looked at for the first of them.
    """
    with workspace.site(demo=True) as site, site.serve() as server:
        if not workspace.full:
            return each_route(site, server, workspace.browser())
        known: set[str] = set()
        read = [every_look(site, server, who, workspace.browser(), known) for who in people()]
    return Reading(sum(one.tried for one in read), [fault for one in read for fault in one.faults], least=600)


def every_look(site: Site, server: Server, who: str, browser: Browser, known: set[str]) -> Reading:
    """Every page one person is led to that is not `known`, in every look, in a window of their own."""
    faults: list[str] = []
    visitor = site.visitor(server, who or None)
    said = {said_by(screen): screen for screen in pages_of(site, visitor, who, None)}
    fresh = [screen for words, screen in said.items() if words not in known]
    known.update(said)
    page = opened(browser, server, visitor, faults)
    for screen in fresh:
        faults += [*unsound(site, screen), *look(server, page, screen, LOOKS)]
    page.context.close()
    return Reading(len(fresh) * len(LOOKS), faults)


def said_by(screen: Screen) -> str:
    """What a page says, its route included, without the keys of its forms, the time, and the name of who reads it."""
    words = SECONDS.sub("", NOW.sub("", KEYS.sub(r"\1", screen.answer.text)))
    for own in filter(None, (NAMES.get(screen.who), screen.who)):
        words = words.replace(own, "")
    return f"{screen.rule} {words}"


def each_route(site: Site, server: Server, browser: Browser) -> Reading:
    """Each route once, for the first person led there; in the browser, and its HTML, the pages with most that is new.

    Tests of routes read the HTML of every page they open (`tests/client.py`). The looks are taken in turn: an element
    is looked at once, and not on every page in every look.
    """
    met: Counter[str] = Counter()
    routes: dict[str, Screen] = {}
    visitors = {who: site.visitor(server, who or None) for who in people()}
    for who, visitor in visitors.items():
        for screen in pages_of(site, visitor, who, met):
            routes.setdefault(screen.rule, screen)
    chosen = [routes[rule] for rule in covering({rule: kinds_of(screen) for rule, screen in routes.items()})[:OPENED]]
    faults = [fault for screen in chosen for fault in unsound(site, screen)]
    looks = dict(zip((screen.rule for screen in chosen), cycle(LOOKS), strict=False))
    for who, screens in groupby(sorted(chosen, key=lambda screen: screen.who), key=lambda screen: screen.who):
        page = opened(browser, server, visitors[who], faults)
        for screen in screens:
            faults += look(server, page, screen, (looks[screen.rule],))
        page.context.close()
    return Reading(len(routes), faults, least=80)


def kinds_of(screen: Screen) -> set[tuple[str | None, ...]]:
    """The kinds of element a page is made of: what each is, and the classes that style it."""
    kinds: set[tuple[str | None, ...]] = set()
    for element in tree_of(screen.answer).iter():
        if isinstance(element.tag, str):
            kinds.add((element.tag, element.get("role"), element.get("type")))
            kinds.update((element.tag, one) for one in element.get("class", "").split())
    return kinds


def covering(kinds: Mapping[str, set[Any]]) -> list[str]:
    """Few names, among which every kind is met: at each step the name that adds most."""
    left = set().union(*kinds.values())
    chosen: list[str] = []
    while left:
        chosen.append(max(kinds, key=lambda name: len(kinds[name] & left)))
        left -= kinds[chosen[-1]]
    return chosen


def look(server: Server, page: BrowserPage, screen: Screen, looks: Looks) -> list[str]:
    """Open a page and give its faults."""
    page.goto(server.address + screen.path)
    return list(looked_at(page, f"{screen.who or 'public'} {screen.path}", looks))
