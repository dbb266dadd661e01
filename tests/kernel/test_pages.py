"""Words, numbers and addresses as pages show them: the short ways give what the long ways give."""

import gzip
import json
import re
import shutil
from contextvars import Context
from dataclasses import replace
from datetime import UTC, date, datetime
from html import unescape
from pathlib import Path
from uuid import uuid4

import brotli
import pytest
from babel.dates import format_date
from babel.numbers import format_decimal
from flask import Flask, render_template_string, url_for
from flask.testing import FlaskClient
from playwright.sync_api import Browser
from werkzeug.test import TestResponse

from grants.kernel import pages
from grants.kernel.pages import version_of
from grants.kernel.words import _, _l, force_locale, language, n_
from tests.client import Answer, Page, check_page, wrong_autocomplete
from tests.factories import Make

pytestmark = pytest.mark.neutral


@pytest.mark.parametrize("code", ["fr", "en"])
@pytest.mark.parametrize("value", [0, 7, -1234, 999, 1000, 12_345_678])
def test_numbers_are_grouped_as_the_language_has_it(app: Flask, code: str, value: int) -> None:
    with force_locale(code):
        assert pages.number(value) == format_decimal(value, locale=code)


def test_days_are_written_in_the_language_of_the_moment(app: Flask) -> None:
    written = date(2026, 3, 2)
    for code in ("fr", "en", "fr"):
        with force_locale(code):
            assert pages.day(written) == format_date(written, "d MMMM y", locale=code)


@pytest.mark.parametrize(
    ("code", "zone", "said"),
    [
        ("fr", "Europe/Paris", "2 mars 2026 à 18\u00a0h\u00a005 (heure de Paris)"),
        ("en", "Europe/Paris", "2 March 2026 at 18:05 (Paris time)"),
        ("fr", "America/Martinique", "2 mars 2026 à 13\u00a0h\u00a005 (heure locale, Martinique)"),
        ("en", "America/Martinique", "2 March 2026 at 13:05 (local time, Martinique)"),
    ],
)
def test_an_instant_says_whose_clocks_it_is_read_on(
    app: Flask, monkeypatch: pytest.MonkeyPatch, code: str, zone: str, said: str
) -> None:
    monkeypatch.setitem(app.config, "SETTINGS", replace(app.config["SETTINGS"], zone=zone))
    with force_locale(code):
        assert pages.instant(datetime(2026, 3, 2, 17, 5, tzinfo=UTC)) == said


SIZES = json.loads(Path(__file__).with_name("sizes.json").read_text(encoding="utf-8"))
SIZES_SCRIPT = (Path(__file__).parents[2] / "static" / "js" / "sizes.js").read_text(encoding="utf-8")


@pytest.mark.parametrize(("size", "french", "english"), SIZES)
def test_a_size_is_told_in_the_unit_that_fits(app: Flask, size: int, french: str, english: str) -> None:
    assert pages.file_size(size) == french
    with force_locale("en"):
        assert pages.file_size(size) == english


def test_the_script_tells_sizes_as_the_server_does(app: Flask, browser: Browser) -> None:
    page = browser.new_page()
    for place, code in ((1, "fr"), (2, "en")):
        with force_locale(code):
            words = {"kilobytes": _("{size}\u00a0Ko"), "megabytes": _("{size}\u00a0Mo")}
        read = f"{SIZES_SCRIPT.replace('export ', '')} return sizes.map((size) => fileSize(size, words, code));"
        written = page.evaluate(f"([sizes, words, code]) => {{ {read} }}", [[row[0] for row in SIZES], words, code])
        assert written == [row[place] for row in SIZES]
    page.close()


def test_a_label_takes_a_colon_unless_it_ends_a_sentence(app: Flask) -> None:
    assert pages.titled("Montant") == "Montant\u00a0:"
    for label in ("À quel besoin répondez-vous\u00a0?", "À vous\u00a0!", "Vos mots\u00a0:"):
        assert pages.titled(label) == label
    with force_locale("en"):
        assert pages.titled("Amount") == "Amount:"


@pytest.mark.parametrize(("code", "said"), [("fr", "12\u202f000 dossiers"), ("en", "12,000 applications")])
def test_a_number_in_a_sentence_is_grouped(app: Flask, code: str, said: str) -> None:
    with force_locale(code):
        assert n_("%(num)s dossier", "%(num)s dossiers", 12_000) == said


def test_a_colon_has_its_space_in_french_only(app: Flask) -> None:
    assert pages.colon() == "\u00a0:"
    with force_locale("en"):
        assert pages.colon() == ":"


def test_a_forced_language_ends_with_its_block(app: Flask) -> None:
    assert language() == "fr"
    with force_locale("en"):
        assert (language(), _("Se connecter")) == ("en", "Sign in")
        with force_locale("fr"):
            assert _("Se connecter") == "Se connecter"
        assert language() == "en"
    assert _("Se connecter") == "Se connecter"


def test_plurals_follow_the_number(app: Flask) -> None:
    one, many = "%(num)d relance envoyée.", "%(num)d relances envoyées."
    assert [n_(one, many, number) for number in (0, 1, 2)] == [
        "0 relance envoyée.", "1 relance envoyée.", "2 relances envoyées.",
    ]  # fmt: skip
    with force_locale("en"):
        assert n_(one, many, 2) not in {one % {"num": 2}, many % {"num": 2}}


def test_what_is_put_into_a_message_is_escaped_in_a_page(app: Flask) -> None:
    with app.test_request_context():
        shown = render_template_string('{{ _("%(product)s, retour à l’accueil", product="<b>") }}')
        html = render_template_string("{% trans n=2, name='<i>' %}{{ n }} de {{ name }}{% endtrans %}")
        later = render_template_string("{{ said }}", said=_l("%(product)s, retour à l’accueil", product="<b>"))
    assert shown == later == "&lt;b&gt;, retour à l’accueil"
    assert html == "2 de &lt;i&gt;"


def test_addresses_filled_from_a_pattern_are_those_flask_builds(app: Flask) -> None:
    first, second = uuid4(), uuid4()
    with app.test_request_context():
        shown = [
            render_template_string("{{ url_for('desk.dossier', application_id=key) }}", key=key)
            for key in (first, second)
        ]
        several = render_template_string("{{ url_for('desk.dossiers', commune=key, par=key) }}", key=first)
        plain = render_template_string("{{ url_for('desk.dossiers', mots='a b', etat='eligible') }}")
        assert shown == [url_for("desk.dossier", application_id=key) for key in (first, second)]
        assert several == url_for("desk.dossiers", commune=first, par=first).replace("&", "&amp;")
        assert plain == url_for("desk.dossiers", mots="a b", etat="eligible").replace("&", "&amp;")
    with app.test_request_context(base_url="http://localhost/ailleurs"):
        below = render_template_string("{{ url_for('desk.dossier', application_id=key) }}", key=first)
        assert below == f"/ailleurs/gestion/dossiers/{first}"


def test_the_style_sheet_is_sent_packed_to_whoever_can_unpack_it(app: Flask) -> None:
    client = app.test_client()
    plain = asked(client, "/static/site.css")
    assert "Content-Encoding" not in plain.headers
    for asked_for, coding, unpack in (("br, gzip", "br", brotli.decompress), ("gzip", "gzip", gzip.decompress)):
        packed = asked(client, "/static/site.css", asked_for)
        assert packed.headers["Content-Encoding"] == coding
        assert unpack(packed.data) == plain.data
        assert len(packed.data) * 3 < len(plain.data)
    assert "Content-Encoding" not in asked(client, "/static/site.css", "br;q=0, gzip;q=0").headers


def test_scripts_are_sent_packed_to_whoever_can_unpack_them(app: Flask) -> None:
    client = app.test_client()
    plain = asked(client, "/static/js/session.js")
    packed = asked(client, "/static/js/session.js", "br, gzip")
    assert ("Content-Encoding" in plain.headers, packed.headers["Content-Encoding"]) == (False, "gzip")
    assert gzip.decompress(packed.data) == plain.data
    assert len(packed.data) * 2 < len(plain.data) == int(plain.headers["Content-Length"])
    assert packed.headers["Vary"] == "Accept-Encoding"
    assert asked(client, "/static/js/nowhere.js", "gzip").status_code == 404


def test_the_style_sheet_is_kept_under_the_address_of_its_content_alone(app: Flask) -> None:
    client = app.test_client()
    address = re.search(r'href="(/static/site.css[^"]*)"', asked(client, "/").text)
    assert address is not None
    assert "immutable" in asked(client, address[1]).headers["Cache-Control"]
    for other in ("/static/site.css", "/static/site.css?v=x"):
        assert asked(client, other).headers["Cache-Control"] == "no-cache"


def test_what_a_page_loads_and_what_that_imports_is_of_one_version(app: Flask) -> None:
    client, version = app.test_client(), app.config["STATIC_VERSION"]
    page = asked(client, "/").text
    loaded = re.findall(r'(?:src|href)="(/static/[^"]+\.(?:js|svg))"', page)
    assert len(loaded) > 2
    assert all(address.startswith(f"/static/{version}/") for address in loaded)
    modules = sorted(path.name for path in Path(str(app.static_folder), "js").glob("*.js"))
    assert {"main.js", "counter.js"} < set(modules)
    for name in modules:
        answer = asked(client, f"/static/{version}/js/{name}")
        assert "immutable" in answer.headers["Cache-Control"]
        # Relative addresses stay under the version of whoever names them.
        named = re.findall(r"""(?:from|import\()\s*["'`]([^"'`]+)""", answer.text)
        assert all(each.startswith("./") and "?" not in each for each in named)
        plain = asked(client, f"/static/js/{name}")
        assert (plain.status_code, "immutable" in plain.headers["Cache-Control"]) == (200, False)
        assert "max-age=0" in plain.headers["Cache-Control"]
    assert asked(client, "/static/anotherone00/js/counter.js").status_code == 404


STATIC = re.compile(r"""(?:src|href|srcset|poster|data|content)=["'](/static/[^"']*)""")


def test_every_static_address_of_a_page_tells_its_content_and_is_kept_for_ever(app: Flask, make: Make) -> None:
    page, version = Page(app), app.config["STATIC_VERSION"]
    pages = ["/", "/connexion", "/aide", "/donnees", "/nulle-part", "/attributions", "/mon-espace", "/preparations"]
    page.sign_in(make.account("manager"))
    texts = [asked(app.test_client(), path).text for path in pages]
    texts += [asked(page.client, path).text for path in [*pages, "/gestion/dossiers", "/gestion/journal"]]
    with app.test_request_context():
        texts.append(app.jinja_env.get_template("errors/unanswered.html").render(message=""))
    found = {unescape(address) for text in texts for address in STATIC.findall(text)}
    assert len(found) >= 4
    for address in found:
        assert address.startswith((f"/static/{version}/", "/static/site.css?v=")), address
        answer = asked(app.test_client(), address)
        assert (answer.status_code, "immutable" in answer.headers["Cache-Control"]) == (200, True), address


def test_static_files_are_named_by_the_words_that_tell_their_content_alone(app: Flask) -> None:
    """Templates name them by `static()` and `stylesheet()`; modules by relative addresses; style sheets not at all."""
    templates = Path(app.root_path, str(app.template_folder)).rglob("*")
    contents = {path.name: path.read_text(encoding="utf-8") for path in templates if path.is_file()}
    assert len(contents) > 100
    assert [name for name, text in contents.items() if "/static/" in text or re.search(r"url_for\(.static", text)] == []
    folder = Path(str(app.static_folder))
    assert [path.name for path in folder.rglob("*.js") if "/static" in path.read_text(encoding="utf-8")] == []
    named = re.findall(r"(?:url\(|@import)[^;)]*", b"".join(map(Path.read_bytes, folder.rglob("*.css"))).decode())
    assert [each for each in named if not re.match(r"""url\(["']?(?:data:|#)""", each)] == []


@pytest.mark.parametrize("changed", ["js/words.js", "js/counter.js", "js/main.js", "img/logo.svg", "css/base.css"])
def test_any_change_of_a_static_file_changes_every_address(app: Flask, tmp_path: Path, changed: str) -> None:
    folder = tmp_path / "static"
    shutil.copytree(str(app.static_folder), folder)
    before = version_of(folder)
    (folder / f"{changed}.gz").write_bytes(b"the same, packed")
    assert version_of(folder) == before == app.config["STATIC_VERSION"]
    (folder / changed).write_bytes((folder / changed).read_bytes() + b" ")
    assert version_of(folder) != before


def test_a_page_is_packed_for_visitors_and_plain_for_whoever_is_signed_in(app: Flask, make: Make) -> None:
    page = Page(app)
    packed = asked(page.client, "/", "gzip")
    assert packed.headers["Content-Encoding"] == "gzip"
    assert "Accept-Encoding" in packed.headers["Vary"]
    assert gzip.decompress(packed.data).startswith(b"<!doctype html>")
    assert "Content-Encoding" not in asked(page.client, "/").headers
    page.sign_in(make.account())
    assert "Content-Encoding" not in asked(page.client, "/", "gzip").headers


def asked(client: FlaskClient, path: str, encodings: str = "identity") -> TestResponse:
    """An answer, asked for in a context of its own."""
    return Context().run(client.get, path, headers={"Accept-Encoding": encodings}, buffered=True)


@pytest.mark.parametrize(
    ("tag", "kind", "purpose", "is_wrong"),
    [
        ("input", "text", "street-address", True), ("textarea", "text", "street-address", False),
        ("input", "text", "address-line1", False), ("input", "text", "new-password", True),
        ("input", "password", "new-password", False), ("input", "email", "username", False),
        ("input", "email", "tel", True), ("input", "text", "section-a shipping postal-code", False),
        ("input", "text", "adresse", True), ("input", "checkbox", "on", True), ("form", "text", "off", False),
    ],
)  # fmt: skip
def test_a_control_takes_the_autocomplete_of_its_kind(tag: str, kind: str, purpose: str, is_wrong: bool) -> None:
    assert bool(wrong_autocomplete(tag, kind, purpose)) is is_wrong


@pytest.mark.parametrize("fault", ['<form action="">', '<a href="">', '<img src="" alt="">', "<p id=a id=b>"])
def test_a_page_with_an_empty_address_is_refused(app: Flask, fault: str) -> None:
    plain = "<!doctype html><html lang=fr><head><title>Un titre</title></head><body><h1>Un titre</h1>{}</body></html>"
    for held, is_refused in (("", False), (fault, True)):
        answer = Answer(app.response_class(plain.format(held), mimetype="text/html"), "/")  # type: ignore[arg-type]
        if not is_refused:
            check_page(app, answer)
            continue
        with pytest.raises(AssertionError):
            check_page(app, answer)
