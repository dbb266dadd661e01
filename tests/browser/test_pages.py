"""Every page the public can reach: no accessibility violation, no CSP violation, no overflow at 320 px, in both themes.

The pages are found by following links, so that a new page is looked at without being listed here.
"""

from collections import deque
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from flask import Flask
from playwright.sync_api import Browser, Page
from playwright.sync_api import Error as DownloadError
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect

from tests.site import Server

ROLES: dict[str, str | None] = {"public": None}
RULES = {
    "runOnly": {
        "type": "tag",
        "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "RGAAv4", "best-practice"],
    }
}
LOOKS = (("light", 1280), ("dark", 320))


def rule_of(app: Flask, path: str) -> str | None:
    """The route a path belongs to, or None for files and what is not ours."""
    try:
        endpoint, _values = app.url_map.bind("localhost").match(path, method="GET")
    except (HTTPException, RequestRedirect):
        return None
    kind = app.url_map._rules_by_endpoint[endpoint][0].rule
    return None if path.endswith((".csv", ".pdf")) or endpoint in {"static", "stylesheet"} else kind


def pages_of(app: Flask, page: Page, address: str) -> list[str]:
    """One path for each route that links lead to, from the home page and one's own space."""
    waiting = deque(["/", "/mon-espace", "/styleguide"])
    seen: dict[str, str] = {}
    while waiting:
        path = waiting.popleft()
        rule = rule_of(app, urlsplit(path).path)
        if rule is None or rule in seen:
            continue
        try:
            response = page.goto(address + path)
        except DownloadError:
            seen[rule] = ""
            continue
        if response is None or response.status != 200 or "text/html" not in response.headers.get("content-type", ""):
            continue
        seen[rule] = path
        links = page.eval_on_selector_all("a[href]:not([download])", "found => found.map(a => a.getAttribute('href'))")
        waiting.extend(link for link in links if link.startswith("/"))
    return [path for path in seen.values() if path]


@pytest.mark.parametrize("role", ROLES)
def test_every_page_a_role_reaches_is_sound(app: Flask, browser: Browser, server: Server, role: str) -> None:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    if ROLES[role]:
        server.sign_in(page, str(ROLES[role]))
        assert "/connexion" not in page.url, f"{role} could not sign in"
    paths = pages_of(app, page, server.address)
    assert len(paths) >= 12
    faults: list[str] = []
    for theme, width in LOOKS:
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=theme)
        for path in paths:
            page.goto(server.address + path)
            found = Axe().run(page, options=RULES)
            faults += [
                f"{path} {theme} {width}: {violation['id']} {violation['nodes'][0]['html'][:160]}"
                for violation in found.response["violations"]
            ]
            wide = page.evaluate("document.scrollingElement.scrollWidth - window.innerWidth")
            if wide > 0:
                faults.append(f"{path} {theme} {width}: {wide} px too wide")
    context.close()
    assert faults == []
    assert complaints == []
