"""The night of a deadline, short: associations that open, save, upload and submit within a minute on a served fund."""

import os
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from statistics import quantiles
from typing import Any

from requests import RequestException, Response
from sqlalchemy import func, select

from grants.applications.models import Application, ApplicationVersion, Attachment
from grants.applications.rules import Part
from grants.calls.models import Piece
from grants.kernel.db import db
from grants.kernel.outbox import Letter
from tests.drafts import Draft, drafts
from tests.kernel.corpus import pdf
from tests.rush import insisted, is_done, verified
from tests.site import Server, Site, Visitor, filled, written

STEPS = ("open", "save", "upload", "submit", "receipt")
FILE_SIZE = 1_000_000
ARRIVING = 0.7  # the part of the time in which people arrive; the rest is left to finish
SEED = 7


Step = tuple[str, list[Response], float]


@dataclass
class StormResult:
    """What happened: how long each step took, in seconds, and what went wrong."""

    associations: int
    seconds: float = 0.0
    requests: int = 0
    submitted: int = 0
    lost: int = 0
    doubled: int = 0
    errors: int = 0
    times: dict[str, list[float]] = field(default_factory=lambda: {step: [] for step in STEPS})
    faults: list[str] = field(default_factory=list)

    def percentiles(self, step: str) -> tuple[float, float]:
        """The median and the 95th percentile of a step, in milliseconds."""
        found = self.times[step] * 2 if len(self.times[step]) == 1 else self.times[step]
        cuts = quantiles(found, n=20, method="inclusive") if found else [0.0] * 19
        return cuts[9] * 1000, cuts[18] * 1000


def run_storm(
    site: Site,
    server: Server,
    associations: int,
    seconds: float,
    *,
    tell: Callable[[StormResult], None] = lambda _: None,
) -> StormResult:
    """Let so many associations come within so many seconds, wait for the last one, then count in the database."""
    outcome, lock, chance = StormResult(associations), threading.Lock(), random.Random(SEED)
    with site.making() as make:
        call = make.call()
        call_id = call.id
        piece = db.session.scalars(select(Piece.id).where(Piece.call_id == call_id).order_by(Piece.position)).first()
    document = heavy_pdf()
    written_by = drafts(site, call_id, associations)
    people = [(draft, site.visitor(server, draft.email)) for draft in written_by]
    arrivals = [chance.uniform(0.0, seconds * ARRIVING) for _ in people]
    start = time.monotonic()

    def association(draft: Draft, visitor: Visitor, arrives: float) -> None:
        time.sleep(max(0.0, arrives - (time.monotonic() - start)))
        try:
            for step, answers, took in _journey(visitor, draft, piece, document):
                with lock:
                    outcome.times[step].append(took)
                    outcome.requests += len(answers)
                    outcome.errors += sum(answer.status_code >= 500 for answer in answers)
                    outcome.submitted += step == "submit" and is_done(answers[-1])
                    outcome.faults += [
                        f"{step}: {answer.status_code} on {answer.url}"
                        for answer in answers
                        if answer.status_code >= 400
                    ]
                tell(outcome)
        except (RequestException, AssertionError) as error:
            with lock:
                outcome.faults.append(f"{type(error).__name__}: {str(error)[:200]}")

    crowd = [threading.Thread(target=association, args=(*pair, at)) for pair, at in zip(people, arrivals, strict=True)]
    for one in crowd:
        one.start()
    for one in crowd:
        one.join()
    outcome.seconds = time.monotonic() - start
    for draft in written_by:
        _count(site, draft, outcome)
    outcome.faults += verified(site)
    return outcome


def heavy_pdf() -> bytes:
    """An honest PDF of one megabyte that does not compress."""
    noise = os.urandom(FILE_SIZE)

    def carry(document: Any) -> None:
        document.Root.Noise = document.make_stream(noise)

    return pdf(carry)


def _journey(
    visitor: Visitor, draft: Draft, piece: Any, document: bytes
) -> Iterator[tuple[str, list[Response], float]]:
    """What an association does that night, step by step, with its answers and how long it waited for them."""
    space = f"/dossiers/{draft.application}"

    def timed(step: str, *acts: Callable[[list[Response]], Response]) -> Step:
        began, answers = time.monotonic(), []
        for act in acts:
            answers.append(act(answers))
        return step, answers, time.monotonic() - began

    def send(page: Response, values: dict[str, Any], files: Any = None) -> Response:
        address, fields = filled(page)
        return insisted(lambda: visitor.post(address, written(fields, values), files=files))

    summary = {"summary": "Un été au frais pour les aînés, relu une dernière fois."}
    given = {f"p{piece.hex}-file": ("rapport.pdf", document, "application/pdf")}
    yield timed("open", lambda _: visitor.get("/dossiers"), lambda _: visitor.get(space))
    yield timed("save", lambda _: visitor.get(f"{space}/rediger/{Part.PROJECT}"), lambda seen: send(seen[0], summary))
    yield timed(
        "upload",
        lambda _: visitor.get(f"{space}/rediger/{Part.PIECES}"),
        lambda seen: send(seen[0], {"piece": str(piece)}, given),
    )
    yield timed("submit", lambda _: visitor.get(f"{space}/deposer"), lambda seen: send(seen[0], {}))
    yield timed("receipt", lambda _: visitor.get(f"{space}/recu"))


def _count(site: Site, draft: Draft, outcome: StormResult) -> None:
    """Look a dossier up: submitted with its file, its one version, and one receipt for each address."""
    key = draft.application
    with site.engine.connect() as connection:
        reference = connection.execute(select(Application.reference).where(Application.id == key)).scalar_one()
        versions, files = (
            connection.execute(select(func.count()).select_from(model).where(model.application_id == key)).scalar_one()
            for model in (ApplicationVersion, Attachment)
        )
        receipts = select(Letter.recipient).where(Letter.dossier_id == key, Letter.kind == "applications_receipt")
        letters = Counter(connection.execute(receipts).scalars())
    if reference is None or not versions or not files or set(letters) != draft.letters_to:
        outcome.lost += 1
        outcome.faults.append(
            f"lost: {key}: {reference}, {versions} versions, {files} files, {sum(letters.values())} letters"
        )
    elif versions > 1 or files > 1 or letters.total() > len(draft.letters_to):
        outcome.doubled += 1
        outcome.faults.append(f"doubled: {reference}: {versions} versions, {files} files, {letters.total()} letters")
