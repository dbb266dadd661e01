"""Expected ranks of the dossiers of a meeting, computed by the worker and kept with what they were made from."""

import json
from dataclasses import dataclass
from functools import partial
from uuid import UUID

from grants.deliberation import queries
from grants.deliberation.models import Calibration, Meeting
from grants.kernel import clock, jobs, journal
from grants.kernel.actor import Actor
from grants.kernel.db import db
from grants.kernel.errors import MissingError
from grants.kernel.money import Money
from grants.kernel.papers import canonical, sha256
from grants.kernel.words import _l
from grants.methods.ranking import SEED, Line, Mark, Ranked, alpha, rank
from grants.permissions import P
from grants.reviewing import queries as reviewing

NO_MARKS = _l("Aucune évaluation envoyée ne porte de note : il n’y a rien à calculer.")


@dataclass(frozen=True)
class OfMeeting:
    """Which meeting, by its id."""

    meeting: str


def _calibrate(work: jobs.Work[OfMeeting]) -> str:
    """Compute the expected ranks among the dossiers that exist for the person, from their reviews alone.

    Raises FailedError without a mark, and where the person may not see them.
    """
    meeting = db.session.get(Meeting, UUID(work.arguments.meeting))
    if meeting is None:
        raise MissingError
    call, ranking = meeting.call, queries.ranking_of(meeting.call, work.actor)
    reason = queries.why_not_calibrated(meeting, ranking.owed)
    if reason is not None:
        raise jobs.FailedError(reason)
    totals = reviewing.totals_of(call.id, ranking.grid, ranking.asked.keys())
    marks = [Mark(str(each.application_id), str(each.reviewer_id), each.total) for each in totals]
    if not marks:
        raise jobs.FailedError(NO_MARKS)
    work.sign_of_life(0, None)
    asked = {str(key): amount for key, amount in ranking.asked.items()}
    line = Line(ranking.available, asked) if ranking.available.cents > 0 else None
    ranked = rank(marks, line, seed=SEED)
    made = {
        "hidden": queries.hidden_digest(ranking, work.actor),
        "basis": queries.basis_of(call, ranking, work.actor),
        "digest": sha256(canonical(sorted((*each[:2], str(each.mark)) for each in marks))),
        "content": canonical({"alpha": alpha(marks), "ranks": [_kept(each) for each in ranked]}),
    }
    work.at_the_end = partial(_keep, meeting.id, work.actor, ranking.available.cents, made)
    references = {str(each.application_id): each.reference for each in ranking.lines}
    named = (each._replace(proposal=references[each.proposal]) for each in ranked)
    said = [dict(zip(Ranked._fields, each, strict=True)) for each in named]
    work.file.write(json.dumps(said, ensure_ascii=False, indent=2).encode())
    return f"rangs-attendus-{call.code}.json"


CALIBRATION = jobs.register(
    jobs.JobKind("calibration", _l("Rangs attendus"), P.MEETING_CALIBRATE, OfMeeting, _calibrate)
)


def _kept(each: Ranked) -> tuple[str, float, int, int, float | None]:
    return each.proposal, each.expected_rank, each.rank_low, each.rank_high, each.above_line


def _keep(meeting_id: UUID, by: Actor, budget_cents: int, made: dict[str, str]) -> None:
    """Keep what was computed, once, in the transaction that ends the job."""
    meeting = db.session.get_one(Meeting, meeting_id)
    db.session.add(
        Calibration(
            meeting_id=meeting.id, made_by=by.id, made_at=clock.now(), seed=SEED, budget=Money(budget_cents), **made
        )
    )
    journal.record("meeting.calibrated", meeting, by=by, seed=SEED, digest=made["digest"])


def under_way(meeting: Meeting, who: Actor) -> jobs.Job | None:
    """The calculation that a person asked for about a meeting and that is not over."""
    arguments = canonical({"meeting": str(meeting.id)})
    for job in jobs.of_person(who):
        if job.kind == CALIBRATION.name and job.is_under_way and job.arguments == arguments:
            return job
    return None
