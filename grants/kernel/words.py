"""The words on the page: French is the source language of every message, the catalogues translate it."""

from collections.abc import Mapping
from typing import Any

from flask import has_request_context, request
from flask_babel import force_locale, get_locale, gettext, lazy_gettext, ngettext
from flask_babel.speaklater import LazyString

LANGUAGES = ("fr", "en")


def _(message: str, **values: Any) -> str:
    """The message in the reader's language."""
    return str(gettext(message, **values))


def _l(message: str, **values: Any) -> LazyString:
    """The message, translated when it is shown (for module level)."""
    return lazy_gettext(message, **values)


def n_(one: str, many: str, number: int, **values: Any) -> str:
    """The message in the singular or the plural."""
    return str(ngettext(one, many, number, **values))


def language() -> str:
    """The reader's language code, one of LANGUAGES."""
    locale = get_locale()
    return locale.language if locale is not None and locale.language in LANGUAGES else LANGUAGES[0]


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
