"""The words on the page: French is the source language of every message, the catalogues translate it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import flask_babel
from flask import Flask, current_app, g, has_app_context, has_request_context, request
from flask_babel import speaklater
from jinja2 import pass_eval_context
from jinja2.nodes import EvalContext
from markupsafe import Markup, escape

LANGUAGES = ("fr", "en")


class LazyString(speaklater.LazyString):
    """A message translated when it is shown. A page escapes it like any text: what people wrote may stand in it."""

    def __html__(self) -> str:
        return str(escape(str(self)))


def _(message: str, **values: Any) -> str:
    """The message in the reader's language."""
    said = _said(message)
    return said % values if values else said


def _l(message: str, **values: Any) -> LazyString:
    """The message, translated when it is shown (for module level)."""
    return LazyString(_, message, **values)  # type: ignore[no-untyped-call]


def n_(one: str, many: str, number: int, **values: Any) -> str:
    """The message in the singular or the plural; its number is `%(num)s`, grouped as the reader expects."""
    return _said_of(one, many, number) % {"num": _Count(number), **values}


class _Count(int):
    """A number that says itself grouped."""

    def __str__(self) -> str:
        return grouped(int(self), language())


def grouped(value: int, code: str) -> str:
    """A whole number grouped as the readers of a language expect: "12 000" with narrow no-break spaces, "12,000"."""
    digits = f"{value:,}"
    return digits.replace(",", "\u202f") if code == "fr" else digits


def language() -> str:
    """The reader's language code, one of LANGUAGES; found once per request."""
    try:
        code: str | None = g.get("language")
    except RuntimeError:  # outside the application there is no reader yet
        return LANGUAGES[0]
    if code is None:
        locale = flask_babel.get_locale()
        code = locale.language if locale is not None and locale.language in LANGUAGES else LANGUAGES[0]
        g.language = code
    return code


@contextmanager
def force_locale(code: str) -> Iterator[None]:
    """Write in a language for a while, whatever the reader's: for letters and papers."""
    if not has_app_context():
        yield
        return
    before = g.pop("language", None)
    try:
        with flask_babel.force_locale(code):
            yield
    finally:
        g.pop("language", None)
        if before is not None:
            g.language = before


def _said(message: str) -> str:
    """French is written in the code itself: only the other languages ask their catalogue."""
    return message if language() == LANGUAGES[0] else str(_catalogue().gettext(message))


def _said_of(one: str, many: str, number: int) -> str:
    """French counts by the plural from two on, nothing and a part of one being singular; others by their catalogue."""
    if language() == LANGUAGES[0]:
        return one if abs(number) < 2 else many
    return str(_catalogue().ngettext(one, many, number))


def _catalogue() -> Any:
    """The messages of the reader's language, read from their file once per application."""
    cached: dict[str, Any] = current_app.extensions.setdefault("catalogues", {})
    code = language()
    if code not in cached:
        cached[code] = flask_babel.get_translations()
    return cached[code]


@pass_eval_context
def _in_template(context: EvalContext, message: str, **values: Any) -> str:
    said = _said(message)
    return (Markup(said) if context.autoescape else said) % values  # noqa: S704 - a message of ours, values escaped


@pass_eval_context
def _n_in_template(context: EvalContext, one: str, many: str, number: int, **values: Any) -> str:
    said = _said_of(one, many, number)
    values_of_message = {"num": _Count(number), **values}
    return (Markup(said) if context.autoescape else said) % values_of_message  # noqa: S704 - as above


def install(app: Flask) -> None:
    """Give templates the same words; Flask-Babel's own ask five questions per message, a page has hundreds."""
    app.jinja_env.globals.update(_=_in_template, gettext=_in_template, ngettext=_n_in_template)


def best_language(preferred: str | None) -> str:
    """An explicit choice first, then what the browser asks for, then French."""
    if preferred in LANGUAGES:
        return str(preferred)
    if has_request_context():
        return request.accept_languages.best_match(LANGUAGES) or LANGUAGES[0]
    return LANGUAGES[0]


def in_words_of(row: object, name: str) -> str:
    """A row's text in the reader's language: `title_en` when it has one and English is read, else `title`."""
    wanted = (f"{name}_en", name) if language() == "en" else (name,)
    for key in wanted:
        text = row.get(key) if isinstance(row, Mapping) else getattr(row, key, None)
        if text:
            return str(text)
    return ""


__all__ = ["LANGUAGES", "LazyString", "_", "_l", "best_language", "force_locale", "in_words_of", "language", "n_"]
