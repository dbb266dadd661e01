"""Optimistic locking: a page says which version of a thing it was filled with, and any other version is a conflict."""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from flask import request
from wtforms import HiddenField

from grants.kernel.errors import ConflictError
from grants.kernel.machine import Text
from grants.kernel.words import _

View = TypeVar("View", bound=Callable[..., Any])


def read_version(text: Any) -> int | None:
    """The version a page names, None for whatever no page of ours says."""
    said = str(text or "")
    return int(said) if said.isascii() and said.isdigit() and len(said) < 10 and said == str(int(said)) else None


class VersionField(HiddenField):
    """The version of what a form was filled with; `data` is None when the form that came back names none.

    A form about a thing that does not exist yet says 0.
    """

    def _value(self) -> str:
        return "" if self.data is None else str(self.data)

    def process_formdata(self, valuelist: list[Any]) -> None:
        self.data = read_version(valuelist[0]) if valuelist else None


def conflict(*texts: tuple[Text, str, str], message: str = "") -> ConflictError:
    """Somebody else wrote meanwhile. `texts` are what the person wrote and what is kept, each after its label."""
    return ConflictError(
        message or _("Quelqu’un d’autre vient de modifier cette page. Rechargez-la pour voir son état."),
        versions=[{"label": label, "mine": mine, "theirs": theirs} for label, mine, theirs in texts if mine != theirs],
    )


def refuse_changed(now: int, read: int | None, *texts: tuple[Text, str, str]) -> None:
    """Raise ConflictError unless the version of a thing now is the one that was read; `texts` as for `conflict`."""
    if read != now:
        raise conflict(*texts)


def refuse_stale(thing: Any) -> None:
    """Raise ConflictError unless the form of this request names the version that a thing has."""
    refuse_changed(thing.version, read_version(request.form.get("version")))


def as_shown(view: View) -> View:
    """For an act on a thing with versions, below `@requires`: made on the version its page showed, or ConflictError.

    The form carries the hidden field of `form_keys(thing)`.
    """

    @wraps(view)
    def wrapper(thing: Any, *rest: Any) -> Any:
        if request.method == "POST":
            refuse_stale(thing)
        return view(thing, *rest)

    return wrapper  # type: ignore[return-value]
