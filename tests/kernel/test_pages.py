"""Words, numbers and addresses as pages show them: the short ways give what the long ways give."""

import gzip
from contextvars import Context
from dataclasses import replace
from datetime import UTC, date, datetime
from uuid import uuid4

import pytest
from babel.dates import format_date
from babel.numbers import format_decimal
from flask import Flask, render_template_string, url_for
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from grants.kernel import pages
from grants.kernel.words import _, _l, force_locale, language, n_
from tests.client import Page
from tests.factories import Make


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
        told = render_template_string("{% trans n=2, name='<i>' %}{{ n }} de {{ name }}{% endtrans %}")
        later = render_template_string("{{ said }}", said=_l("%(product)s, retour à l’accueil", product="<b>"))
    assert shown == later == "&lt;b&gt;, retour à l’accueil"
    assert told == "2 de &lt;i&gt;"


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
    packed = asked(client, "/static/site.css", "br, gzip")
    assert "Content-Encoding" not in plain.headers
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.data) == plain.data
    assert len(packed.data) * 3 < len(plain.data)


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
    return Context().run(client.get, path, headers={"Accept-Encoding": encodings})
