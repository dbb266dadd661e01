"""Many people at the same instant before a served fund: forms opened beforehand, sent together, with their answers."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from secrets import token_urlsafe
from typing import Any, TypeVar
from urllib.parse import urlsplit
from uuid import UUID

import requests
from sqlalchemy import func, select

from grants.cli import VERIFICATIONS
from grants.kernel.db import db
from grants.kernel.journal import Entry
from tests.site import Site, Visitor, filled, written

T = TypeVar("T")
BUSY = "Beaucoup de fichiers arrivent en ce moment"


@dataclass(frozen=True)
class Envelope:
    """A form filled and ready to leave: who sends it, where to, and its exact body, so that it can leave again."""

    visitor: Visitor
    address: str
    fields: tuple[tuple[str, Any], ...]
    files: Any = None

    def send(self) -> requests.Response:
        """Send it, from a connection of its own; sending it again is what a reload does."""
        return self.visitor.copy().post(self.address, list(self.fields), files=self.files)

    def in_another_tab(self, visitor: Visitor | None = None) -> "Envelope":
        """The same form opened once more: same content, a key of its own."""
        fields = tuple((name, token_urlsafe(16) if name == "_key" else value) for name, value in self.fields)
        return replace(self, fields=fields, visitor=visitor or self.visitor)


def ready(
    visitor: Visitor,
    page: str,
    values: Mapping[str, Any] | None = None,
    *,
    action: str | None = None,
    files: Any = None,
) -> Envelope:
    """Open a page and fill its form, without sending it."""
    answer = visitor.get(page)
    address, fields = filled(answer, action)
    return Envelope(visitor, urlsplit(address).path, tuple(written(fields, values or {})), files)


def together(acts: Sequence[Callable[[], T]]) -> list[T]:
    """Do all acts from the same instant, a thread each; give what each gave, in order. Raises the first error."""
    gate = threading.Barrier(len(acts))
    given: list[Any] = [None] * len(acts)
    errors: list[BaseException] = []

    def run(place: int, act: Callable[[], T]) -> None:
        try:
            gate.wait(120)
            given[place] = act()
        except BaseException as error:  # noqa: BLE001 - a thread has nobody else to tell
            errors.append(error)

    threads = [threading.Thread(target=run, args=each) for each in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return given


def sent_together(envelopes: Sequence[Envelope]) -> list[requests.Response]:
    """Send forms at the same instant."""
    return together([envelope.send for envelope in envelopes])


def insisted(send: Callable[[], requests.Response]) -> requests.Response:
    """Send, and again each second for as long as the fund says that too many files come at once, a minute at most."""
    for _ in range(60):
        answer = send()
        if answer.status_code != 422 or BUSY not in answer.text:
            break
        time.sleep(1.0)
    return answer


def is_done(answer: requests.Response) -> bool:
    """Whether an answer acknowledges an act: it leads on, and not to the sign-in form."""
    return answer.status_code in {302, 303} and "/connexion" not in answer.headers.get("Location", "")


def broken(answers: Iterable[requests.Response]) -> list[str]:
    """What no crowd may cause: a server error, or somebody signed in who is sent to sign in."""
    counts = Counter(
        f"POST {urlsplit(answer.request.url or '').path.replace('//', '/')}: {answer.status_code}"
        for answer in answers
        if answer.status_code >= 500 or (answer.status_code in {302, 303} and not is_done(answer))
    )
    return [f"{what} ({times} times)" for what, times in sorted(counts.items())]


def verified(site: Site) -> list[str]:
    """What `grants verify` finds."""
    with site.app.app_context():
        found = [f"grants verify, {subject}: {problem}" for subject, verify in VERIFICATIONS for problem in verify()]
        db.session.remove()
    return found


def times(site: Site, event: str, subject: UUID, *, column: str = "subject_id") -> int:
    """How many lines of the journal tell an event about a thing (`column` may be dossier_id)."""
    counted = select(func.count()).select_from(Entry).where(Entry.event == event, getattr(Entry, column) == subject)
    with site.engine.connect() as connection:
        return int(connection.execute(counted).scalar_one())
