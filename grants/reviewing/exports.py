"""A proposal of who reads what, made by the worker: the solver is never loaded by what serves pages."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import TypedDict, cast
from uuid import UUID

from grants.calls.models import Call
from grants.kernel import jobs
from grants.kernel.access import hidden_dossiers
from grants.kernel.db import db
from grants.kernel.jobs import Job
from grants.kernel.papers import canonical
from grants.kernel.words import _l
from grants.methods.assignment import Dossier, Reader, Rules, TooLargeError, assign
from grants.permissions import P
from grants.reviewing import queries
from grants.reviewing.queries import AssignmentGround
from grants.reviewing.rules import Proposal, ProposedPair, Wanted

FROZEN = _l("Les notes de cet appel sont figées : les affectations ne changent plus.")
NOTHING = _l("Aucun dossier recevable, ou personne au comité : il n’y a rien à proposer.")
TOO_LARGE = _l("Il y a trop de dossiers et de personnes pour les affecter d’un coup. Affectez-en une partie à la main.")


class _Wanted(TypedDict):
    call: str
    readers: int
    most: int | None
    seats: dict[str, int]
    bounds: dict[str, int]


class _Stored(TypedDict):
    wanted: _Wanted
    pairs: list[tuple[str, str, str]]
    before: dict[str, int]
    after: dict[str, int]
    unseated: list[str]
    clash: list[str]
    given: str


def _propose(work: jobs.Work[Wanted]) -> str:
    """Write the proposal as JSON: what whoever asked may know of, beside what is assigned already."""
    wanted = work.arguments
    call = db.session.get(Call, UUID(wanted.call))
    if call is None or call.marks_frozen_at is not None:
        raise jobs.FailedError(FROZEN)
    hidden = hidden_dossiers(work.actor)
    given, ground = queries.given_digest(call.id, hidden), queries.assignment_ground(call.id, hidden)
    if not ground.dossiers or not ground.reviewers:
        raise jobs.FailedError(NOTHING)
    try:
        made = replace(proposed(ground, wanted), given=given)
    except TooLargeError as error:
        raise jobs.FailedError(TOO_LARGE) from error
    work.file.write(_written(made).encode())
    return "proposition.json"


PROPOSAL = jobs.register(
    jobs.JobKind(
        "assignment_proposal", _l("Proposition d’affectation"), P.REVIEW_ASSIGN, Wanted, _propose, "reviewing.proposal"
    )
)


def proposed(ground: AssignmentGround, wanted: Wanted) -> Proposal:
    """Who should read what: what is assigned is kept, a removed assignment is not proposed again.

    Raises TooLargeError for more pairs than the calculation takes.
    """
    readers = [
        Reader(str(person.id), person.college or "", wanted.bounds.get(str(person.id))) for person in ground.reviewers
    ]
    readers += [Reader(str(person), "", 0) for person in sorted(ground.away)]
    rules = Rules(
        wanted.readers,
        wanted.most,
        {college: seats for college, seats in sorted(wanted.seats.items()) if seats},
        conflicts=frozenset((str(dossier), str(person)) for dossier, person in ground.closed),
        kept=frozenset((str(dossier), str(person)) for dossier, person in ground.kept),
    )
    found = assign([Dossier(str(key)) for key in ground.dossiers], readers, rules)
    pairs = (ProposedPair(UUID(one.dossier), UUID(one.reader), one.seat) for one in found.pairs if not one.kept)
    before = {person.id: sum(person.id == who for _dossier, who in ground.kept) for person in ground.reviewers}
    after = {person: found.loads[str(person)] for person in before}
    return Proposal(
        wanted, tuple(pairs), before, before if found.clash else after, _unseated(ground, wanted), tuple(found.clash)
    )


def _unseated(ground: AssignmentGround, wanted: Wanted) -> tuple[UUID, ...]:
    """The dossiers that have as many readers as asked for, and not the seats."""
    college = {person.id: person.college for person in ground.reviewers}
    on_dossier: dict[UUID, Counter[str | None]] = {dossier: Counter() for dossier in ground.dossiers}
    for dossier, person in ground.kept:
        on_dossier[dossier][college.get(person)] += 1
    return tuple(
        dossier
        for dossier, there in on_dossier.items()
        if there.total() >= wanted.readers and any(there[name] < seats for name, seats in wanted.seats.items())
    )


def proposal_of(job: Job) -> Proposal:
    """The proposal that a job made. Raises MissingError or RefusedError as `jobs.result` does."""
    with jobs.result(job).content as content:
        stored = cast(_Stored, json.load(content))
    return Proposal(
        Wanted(**stored["wanted"]),
        tuple(ProposedPair(UUID(dossier), UUID(person), seat) for dossier, person, seat in stored["pairs"]),
        _by_key(stored["before"]),
        _by_key(stored["after"]),
        tuple(map(UUID, stored["unseated"])),
        tuple(stored["clash"]),
        stored["given"],
    )


def _written(made: Proposal) -> str:
    return canonical(
        {
            "wanted": asdict(made.wanted),
            "pairs": [[str(one.application_id), str(one.reviewer_id), one.seat] for one in made.pairs],
            "before": _by_text(made.before),
            "after": _by_text(made.after),
            "unseated": [str(dossier) for dossier in made.unseated],
            "clash": list(made.clash),
            "given": made.given,
        }
    )


def _by_text(numbers: Mapping[UUID, int]) -> dict[str, int]:
    return {str(key): number for key, number in numbers.items()}


def _by_key(numbers: Mapping[str, int]) -> dict[UUID, int]:
    return {UUID(key): number for key, number in numbers.items()}
