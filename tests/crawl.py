"""What a person can reach of a served fund: every page that links lead to, and every address about given rows."""

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import product
from typing import Any

import requests
from flask import Flask
from werkzeug.routing import Rule

from grants.applications.models import Application
from grants.kernel.db import Base
from grants.permissions import P
from tests.canaries import Rows, ways_from
from tests.site import Visitor

KEYS = re.compile(r'(name="(?:csrf_token|_key)"[^>]*value=)"[^"]*"')
NOW = re.compile(r'data-(?:now|left)="[^"]*"|il y a \d+ \w+|dans \d+ \w+')
# What an address may say beside ids; a route with another word makes `addresses` ask for one.
WORDS = {
    "role": "association", "section": "project", "filename": "css/tokens.css", "token": "x", "secret": "x",
    "page": "0c8ad2f4-9d2c-4d39-8f0a-1c3f6f0a9d11",
    "digest": "0" * 64, "number": "0",
}  # fmt: skip
Answers = dict[str, requests.Response]


def addresses(app: Flask, rows: Rows, method: str = "GET", **words: str) -> Iterator[str]:
    """Every address of a method about every one of the rows, files in every place a file is named."""
    adapter = app.url_map.bind("localhost")
    for rule in sorted(app.url_map.iter_rules(), key=lambda rule: rule.rule):
        if rule.endpoint == "static" or method not in (rule.methods or ()):
            continue
        choices = [_choices(app, rule, name, rows, WORDS | words) for name in sorted(rule.arguments)]
        for chosen in product(*choices):
            yield adapter.build(rule.endpoint, dict(zip(sorted(rule.arguments), chosen, strict=True)))


def _choices(app: Flask, rule: Rule, name: str, rows: Rows, words: Mapping[str, str]) -> list[Any]:
    if name.endswith("_id"):
        access = app.view_functions[rule.endpoint].__access__  # type: ignore[attr-defined]
        table = Base.metadata.tables[(access.subject or Application).__tablename__]
        return [row["id"] for row in rows.get(table.name, ())]
    if name == "file":
        return [row["id"] for row in rows.get("stored_file", ())]
    assert name in words, f"{rule.rule}: give a sample for « {name} » in tests/crawl.py"
    return [words[name]]


def demonstrations(app: Flask) -> tuple[str, ...]:
    """Where a demonstration shows everybody its letters, which is what it is for: no secret is kept there."""
    views = app.view_functions
    views_with_access = [
        (rule.rule, getattr(views[rule.endpoint], "__access__", None)) for rule in app.url_map.iter_rules()
    ]
    return tuple(
        rule.partition("<")[0] for rule, access in views_with_access if access and access.permission == P.DEMO_MAIL_READ
    )


def crawl(visitor: Visitor, starts: Iterable[str], *, far: int, within: Answers | None = None) -> Answers:
    """Open these addresses, then what they lead to, `far` more at most; redirections are read, not followed."""
    answers: Answers = {} if within is None else within
    links: dict[str, None] = {}
    for url in dict.fromkeys(starts):
        answers[url] = visitor.get(url, allow_redirects=False)
        links |= dict.fromkeys(ways_from(answers[url]))
    for _step in range(far):
        url = next((link for link in links if link not in answers), None)
        if url is None:
            break
        answers[url] = visitor.get(url, allow_redirects=False)
        links |= dict.fromkeys(ways_from(answers[url]))
    return answers


def bare(answer: requests.Response) -> tuple[int, dict[str, str], bytes]:
    """An answer byte for byte, without the session's cookie, the keys of its forms and what tells the time."""
    headers = {name: value for name, value in answer.headers.items() if name not in {"Date", "Set-Cookie"}}
    if not answer.headers.get("Content-Type", "").startswith("text/html"):
        return answer.status_code, headers, answer.content
    headers.pop("Content-Length", None)  # keys are not all of one length
    return answer.status_code, headers, NOW.sub("", KEYS.sub(r"\1", answer.text)).encode()
