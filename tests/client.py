"""The page client: every HTML answer is checked as a page before a test sees it."""

import hashlib
import re
from contextvars import Context
from itertools import pairwise
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import html5lib
from flask import Flask, session, url_for
from flask_wtf.csrf import generate_csrf
from lxml import html as lxml_html
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import MethodNotAllowed, NotFound
from werkzeug.routing import MapAdapter, RequestRedirect
from werkzeug.test import TestResponse

from grants.kernel import bodies
from grants.kernel.db import Versioned, db
from grants.people.models import Account
from tests.factories.people import session_of

NO_BODY = {301, 302, 303, 304}
# Where everybody finds a token of their session: among the lightest pages, and open to all.
LIGHT = "/mentions-legales"
TOLERATED: set[str] = set()


class Answer:
    """An answer and, when it is a page, its tree."""

    def __init__(self, response: TestResponse, url: str) -> None:
        self.response = response
        self.status = response.status_code
        self.url = url
        self.text = response.get_data(as_text=True) if response.mimetype.startswith("text/") else ""
        self.tree = lxml_html.fromstring(self.text) if response.mimetype == "text/html" and self.text else None

    @property
    def location(self) -> str:
        """Where the answer leads."""
        return self.response.headers.get("Location", "")

    @property
    def words(self) -> str:
        """The text of the page, white space folded."""
        return " ".join(self.tree.text_content().split()) if self.tree is not None else self.text

    @property
    def title(self) -> str:
        """The first heading."""
        return " ".join(self.tree.xpath("//h1")[0].text_content().split())

    def form(self, action: str | None = None) -> Any:
        """The form that posts to `action` (a path or its end), or the last form of the main part."""
        forms = self.tree.xpath("//main//form[@method='post']")
        if action is not None:
            forms = [f for f in forms if urlsplit(f.get("action") or self.url).path.endswith(action)]
        assert forms, f"no form to {action} on {self.url}: {self.words[:300]}"
        return forms[-1]


class Page:
    """A browser without a window, for one person at a time."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.client = app.test_client()
        self.last: Answer | None = None

    def sign_in(self, account: Account | None) -> "Page":
        """Open a session for a person (None signs out) without passing by the form."""
        facts = session_of(account) if account is not None else {}
        with self.client.session_transaction() as session:
            session.clear()
            session.update(facts)
        return self

    def url(self, endpoint: str, *subject: Any, **values: Any) -> str:
        """The path of an endpoint; a subject gives its id to the endpoint's one id parameter."""
        if endpoint.startswith("/"):
            return endpoint
        if subject:
            rule = next(self.app.url_map.iter_rules(endpoint))
            names = [name for name in rule.arguments if name.endswith("_id") and name not in values]
            values[names[0]] = subject[0] if isinstance(subject[0], UUID | str) else subject[0].id
        with self.app.test_request_context():
            return url_for(endpoint, **values)

    def get(self, endpoint: str, *subject: Any, as_: Account | None = None, **values: Any) -> Answer:
        """Open a page."""
        return self._ask("GET", self.url(endpoint, *subject, **values), as_=as_)

    def post(
        self,
        endpoint: str,
        *subject: Any,
        data: Any = None,
        as_: Account | None = None,
        follow: bool = False,
        **values: Any,
    ) -> Answer:
        """Post raw data with valid keys, and the version its subject has now."""
        url = self.url(endpoint, *subject, **values)
        if as_ is not None:
            self.sign_in(as_)
        payload = MultiDict(data or {})
        payload.setdefault("csrf_token", self.token())
        payload.setdefault("_key", f"test-{uuid4().hex}")
        if isinstance(next(iter(subject), None), Versioned):
            payload.setdefault("version", str(fresh(subject[0]).version))
        answer = self._ask("POST", url, data=payload)
        return self.follow(answer) if follow else answer

    def token(self) -> str:
        """A token of the visitor's session, as its pages hold it."""
        # A context of its own: a token is made once in each.
        with (
            self.client.session_transaction() as stored_session,
            self.app.app_context(),
            self.app.test_request_context(),
        ):
            session.update(stored_session)
            token = generate_csrf()
            stored_session.update(session)
        return token

    def submit(
        self,
        values: dict[str, Any] | None = None,
        *,
        action: str | None = None,
        button: str | None = None,
        follow: bool = True,
    ) -> Answer:
        """Fill and send a form of the last page, as a person without JavaScript would."""
        assert self.last is not None
        form = self.last.form(action)
        data = MultiDict(form_values(form))
        for name, value in (values or {}).items():
            data.setlist(name, list(value) if isinstance(value, list | tuple) and not _is_file(value) else [value])
        if button is not None:
            data[button] = "1"
        url = form.get("action") or self.last.url
        answer = self._ask("POST", url, data=data)
        return self.follow(answer) if follow else answer

    def follow(self, answer: Answer) -> Answer:
        """Follow redirects to a page."""
        while answer.status in NO_BODY:
            answer = self._ask("GET", answer.location)
        return answer

    def _ask(self, method: str, url: str, *, data: Any = None, as_: Account | None = None) -> Answer:
        if as_ is not None:
            self.sign_in(as_)
        db.session.rollback()
        response = Context().run(self.client.open, url, method=method, data=data, buffered=True)
        answer = Answer(response, urlsplit(url).path)
        if answer.tree is not None:
            check_page(self.app, answer)
        if method == "GET" or answer.status not in NO_BODY:
            self.last = answer
        return answer


def fresh(thing: Any) -> Any:
    """A row as the database has it now."""
    db.session.rollback()
    db.session.refresh(thing)
    return thing


def _is_file(value: Any) -> bool:
    return isinstance(value, tuple) and len(value) >= 2 and hasattr(value[0], "read")


def form_values(form: Any) -> list[tuple[str, str]]:
    """What a browser would send for a form left as it is."""
    values: list[tuple[str, str]] = []
    for control in form.xpath(".//input[@name] | .//select[@name] | .//textarea[@name]"):
        if control.get("disabled") is not None:
            continue
        name, kind = control.get("name"), control.get("type", "text")
        if control.tag == "textarea":
            values.append((name, (control.text or "").removeprefix("\n")))
        elif control.tag == "select":
            chosen = control.xpath(".//option[@selected]") or (
                [] if control.get("multiple") else control.xpath(".//option")[:1]
            )
            values += [(name, option.get("value", option.text or "")) for option in chosen]
        elif kind in {"checkbox", "radio"}:
            if control.get("checked") is not None:
                values.append((name, control.get("value", "on")))
        elif kind not in {"submit", "button", "file", "image", "reset"}:
            values.append((name, control.get("value", "")))
    return values


def check_page(app: Flask, answer: Answer) -> None:
    """Refuse a page that is not valid, not titled, not labelled, or that carries inline code or dead links."""
    tree, where = answer.tree, answer.url
    faults = invalid(answer.text)
    assert not faults, f"{where}: invalid HTML {faults[:5]}"
    empty = tree.xpath("//*[@action='' or @formaction='' or @href='' or @src='' or @poster='']")
    assert not empty, f"{where}: an empty address: {[(each.tag, dict(each.attrib)) for each in empty]}"
    for control in tree.xpath("//*[@autocomplete]"):
        said = wrong_autocomplete(control.tag, control.get("type", "text"), control.get("autocomplete"))
        assert not said, f"{where}: autocomplete of {control.get('name')}: {said}"
    headings = tree.xpath("//h1")
    assert len(headings) == 1, f"{where}: {len(headings)} h1"
    assert tree.get("lang") in {"fr", "en"}, f"{where}: no language"
    heading = " ".join(headings[0].text_content().split())
    title = " ".join(tree.xpath("//title")[0].text_content().split())
    assert heading, f"{where}: empty h1"
    assert title, f"{where}: empty title"
    ids = tree.xpath("//@id")
    assert len(ids) == len(set(ids)), f"{where}: an id is given twice: {[i for i in ids if ids.count(i) > 1]}"
    for reference in tree.xpath("//label/@for | //*/@aria-describedby | //*/@aria-labelledby | //*/@aria-controls"):
        for one in reference.split():
            assert one in ids, f"{where}: {one} is named but absent"
    for control in tree.xpath(
        "//input[not(@type='hidden' or @type='submit' or @type='button')] | //select | //textarea"
    ):
        labelled = (
            control.get("aria-label")
            or control.get("aria-labelledby")
            or control.xpath("ancestor::label")
            or (control.get("id") and tree.xpath("//label[@for=$id]", id=control.get("id")))
        )
        assert labelled, f"{where}: {control.get('name')} has no label"
    regions = [name_of(region) for region in tree.xpath("//section | //*[@role='region']")]
    twice = {name for name in regions if name and regions.count(name) > 1}
    assert not twice, f"{where}: two landmarks bear one name: {twice}"
    assert not tree.xpath("//*[@style]"), f"{where}: inline style"
    assert not tree.xpath("//style"), f"{where}: style element"
    assert not tree.xpath("//script[not(@src)][not(@type='application/json')]"), f"{where}: inline script"
    assert not [
        a for e in tree.iter() for a in (e.attrib if isinstance(e.tag, str) else ()) if re.match(r"on[a-z]+$", a)
    ], f"{where}: inline handler"
    for form in tree.xpath("//form[@method='post']"):
        names = form.xpath(".//input/@name")
        assert "csrf_token" in names, f"{where}: a form without its CSRF token: {form.get('action')}"
        assert "_key" in names, f"{where}: a form without its key: {form.get('action')}"
        _check_room(app, where, form)
    for image in tree.xpath("//img[not(@alt)]"):
        raise AssertionError(f"{where}: an image without alt: {image.get('src')}")
    links = tree.xpath("//a/@href | //form/@action | //link/@href | //script/@src | //img/@src")
    adapter = app.url_map.bind("localhost")
    for link in dict.fromkeys(links):
        _check_link(adapter, where, link)


# What a parser looks at no further: plain values of attributes and plain runs of text. `type` is kept (a hidden input
# in a table is judged by it), and so is every text that holds a reference or a character outside plain writing.
_VALUE = re.compile(r"""(?<! type)="[^"&<>]*\"""")
_RUN = re.compile(r">([^<>&]*[^<>&\s][^<>&]*)(?=<)")
_UNUSUAL = re.compile("[^\t\n\r\x20-\x7e\xa0-\ud7ff\ue000-\ufdcf\ufdf0-\ufffd]")
_VALID: set[bytes] = set()


def invalid(page: str) -> list[str]:
    """What makes a page invalid HTML. A page that differs from a valid one by plain words alone is not parsed again."""
    shape = shape_of(page)
    if shape in _VALID:
        return []
    parser = html5lib.HTMLParser(strict=False)
    parser.parse(page)
    faults = [f"{position}: {code} {data}" for position, code, data in parser.errors if code not in TOLERATED]
    faults += skipped_headings(page)
    if shape is not None and not faults:
        _VALID.add(shape)
    return faults


def skipped_headings(page: str) -> list[str]:
    """The headings that come more than one level under the one before (RGAA 9.1): h3 after h1."""
    levels = [int(level) for level in re.findall(r"<h([1-6])[\s>]", page)]
    return [f"h{level} comes after h{before}" for before, level in pairwise(levels) if level > before + 1]


def shape_of(page: str) -> bytes | None:
    """The digest of all that decides whether a page is valid: its tags and attributes, not its plain words.

    None for a page with unusual characters, which is always parsed.
    """
    if _UNUSUAL.search(page):
        return None
    return hashlib.sha256(_RUN.sub(">x", _VALUE.sub('=""', page)).encode()).digest()


LONGEST = 9  # bytes of a form for one character of a French text: « ’ » is %E2%80%99


def _check_room(app: Flask, where: str, form: Any) -> None:
    """Refuse a form that may hold more than its address takes, every text as long as it may be."""
    adapter = app.url_map.bind("localhost")
    try:
        rule, _values = adapter.match(urlsplit(form.get("action") or where).path, method="POST", return_rule=True)
    except (MethodNotAllowed, NotFound):  # a specimen in the style guide leads nowhere
        return
    bounds = form.xpath(".//input/@maxlength | .//textarea/@maxlength | .//*/@data-limit")
    held = sum(len(name) + len(value) + 2 for name, value in form_values(form)) + LONGEST * sum(map(int, bounds))
    room = bodies.room_of(app.view_functions[rule.endpoint])
    assert held <= room, f"{where}: {form.get('action')} takes {room} bytes, its form may hold {held}"


AUTOCOMPLETE = {
    "text": "name honorific-prefix given-name additional-name family-name honorific-suffix nickname organization-title "
    "organization address-line1 address-line2 address-line3 address-level1 address-level2 address-level3 "
    "address-level4 country country-name postal-code cc-name cc-given-name cc-family-name cc-number cc-csc cc-type "
    "transaction-currency language sex tel-country-code tel-national tel-area-code tel-local one-time-code",
    "username": "username", "password": "new-password current-password", "lines": "street-address",
    "tel": "tel tel-extension", "url": "url photo impp", "email": "email", "date": "bday", "month": "cc-exp",
    "number": "cc-exp-month cc-exp-year transaction-amount bday-day bday-month bday-year",
}  # fmt: skip
# The kinds of token (https://html.spec.whatwg.org/#autofill) that each control takes; a line holds all but lines.
TAKEN = {
    "text": set(AUTOCOMPLETE) - {"lines", "password"}, "search": set(AUTOCOMPLETE) - {"lines", "password"},
    "password": {"password"}, "url": {"url"}, "email": {"email", "username"}, "tel": {"tel"}, "number": {"number"},
    "month": {"month"}, "date": {"date"},
}  # fmt: skip


def wrong_autocomplete(tag: str, kind: str, purpose: str) -> str:
    """What is wrong with the autocomplete of a control, or nothing."""
    *_sections, token = purpose.split() or [""]
    if tag == "form" or token in {"on", "off"}:
        return "" if token in {"on", "off"} and kind not in {"checkbox", "radio", "file"} else purpose
    kinds = {name for name, tokens in AUTOCOMPLETE.items() if token in tokens.split()}
    takes = TAKEN.get(kind, set()) if tag == "input" else set(AUTOCOMPLETE)
    return "" if kinds & takes or kind == "hidden" else f"{token!r} on {tag} {kind}"


def name_of(element: Any) -> str:
    """The name a screen reader gives an element that is named, or an empty text."""
    if element.get("aria-label"):
        return " ".join(element.get("aria-label").split())
    named = (element.get("aria-labelledby") or "").split()
    found = [one.text_content() for key in named for one in element.xpath("//*[@id=$key]", key=key)]
    return " ".join(" ".join(found).split())


def _check_link(adapter: MapAdapter, where: str, link: str) -> None:
    parts = urlsplit(link)
    if parts.scheme in {"mailto", "tel", "data"} or link.startswith("#") or not parts.path:
        return
    assert not parts.scheme or parts.netloc not in {"", "localhost"}, f"{where}: strange link {link}"
    if parts.netloc:
        return
    try:
        adapter.match(parts.path, method="GET")
    except (MethodNotAllowed, RequestRedirect):
        return
    except NotFound:
        raise AssertionError(f"{where}: dead link {link}") from None
