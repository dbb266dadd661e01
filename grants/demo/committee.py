"""The fund's side of a call: screening, pieces asked for, reviews, recusals, recommendations, the act."""

from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from uuid import UUID

from sqlalchemy import select

from grants.awards import queries as awards
from grants.awards.actions import agreement
from grants.calls import queries as calls
from grants.deliberation import actions as deliberation
from grants.deliberation import queries as meetings
from grants.deliberation.models import Meeting
from grants.deliberation.rules import Act, RecommendationInput, Verdict
from grants.demo.applicants import Applicant
from grants.demo.content import Row
from grants.demo.stage import Stage
from grants.kernel import clock
from grants.kernel.db import db
from grants.kernel.money import Money
from grants.reviewing import actions as reviewing
from grants.reviewing.models import Assignment, InterestNature
from grants.reviewing.rules import Draft
from grants.screening import actions, queries, rules
from grants.screening.rules import Judgement

DOUBLE = "no_double_request"
MISASSIGNED = ("nounous-au-frais", "r2")  # given to a reviewer by mistake, and taken back
ASSIGNED_AFTER, READ_AFTER, DUE_AFTER = 24, 27, 66  # days from the closing
MEETING_AFTER, ACT_AFTER, PUBLISHED_AFTER = 70, 88, 92


def schedule_screening(stage: Stage, applicant: Applicant) -> None:
    """Put the screening of a submitted dossier into the script; what is freshly submitted waits."""
    state, span = applicant.dossier.state, stage.spans[applicant.dossier.call]
    if applicant.dossier.is_draft or state == "submitted":
        return
    script, day = stage.script, span.closes + 5 + applicant.place
    screening = applicant.dossier.part("screening")
    if "piece" in screening:
        script.add(script.at_work(day, 9, 20), lambda: ask_piece(stage, applicant))
        if screening["piece"]["answered"]:
            script.add(script.at(day + 6, 19, 35), lambda: give_piece(stage, applicant))
            script.add(script.at_work(day + 9, 11, 10), lambda: accept(stage, applicant))
    elif state == "ineligible":
        script.add(script.at_work(day, 10, 45), lambda: exclude(stage, applicant))
    else:
        script.add(script.at_work(day, 9 + applicant.place % 3, 15 + applicant.place), lambda: accept(stage, applicant))
    if state == "withdrawn":
        script.add(script.at(day + 20, 20, 10), applicant.withdraw)


def _judge(stage: Stage, applicant: Applicant, *, failing: str | None = None, note: str = "") -> None:
    """Tick what the system cannot compute; `failing` is the one condition that is not met, with its reason."""
    application = applicant.application
    gates = {gate.code: gate for gate in queries.gates_of(application.call_id)}
    pending = rules.pending(queries.outcomes_of([application.id], list(gates.values()))[application.id])
    judged = {gates[code].id: Judgement(True) for code in pending}
    if failing is not None:
        judged[gates[failing].id] = Judgement(False, note)
    actions.judge(application, judged, version=application.version, by=stage.actor("manager"))
    db.session.flush()


def accept(stage: Stage, applicant: Applicant) -> None:
    """Declare the dossier eligible."""
    _judge(stage, applicant)
    actions.accept(applicant.application, by=stage.actor("manager"))


def exclude(stage: Stage, applicant: Applicant) -> None:
    """Declare the dossier ineligible, with the written reason."""
    reason = applicant.dossier.part("screening")["reason"]
    _judge(stage, applicant, failing=DOUBLE, note="Même action, mêmes dépenses : voir le motif.")
    application = applicant.application
    actions.exclude(application, reason=reason, version=application.version, by=stage.actor("manager"))


def ask_piece(stage: Stage, applicant: Applicant) -> None:
    """Ask for a document that is missing or not the right one."""
    told = applicant.dossier.part("screening")["piece"]
    piece = next(row for row in calls.pieces_of(applicant.call.id) if row.code == told["code"])
    actions.request_piece(
        applicant.application, piece=piece, label="", message=told["message"],
        due_on=clock.today() + timedelta(days=21), by=stage.actor("manager"),
    )  # fmt: skip


def give_piece(stage: Stage, applicant: Applicant) -> None:
    """The association sends what was asked."""
    for request in queries.requests_of(applicant.application.id):
        actions.give_piece(
            request, stage.document(applicant.dossier.part("screening")["piece"]["code"]), by=applicant.actor()
        )


# ---- reviews -------------------------------------------------------------------------------------------------------


def schedule_reviews(stage: Stage, name: str, applicants: Sequence[Applicant]) -> None:
    """Put the assignments of a call, and what each reviewer did with them, into the script."""
    script, span = stage.script, stage.spans[name]
    reviewers = sorted({row["reviewer"] for each in applicants for row in _readings(each)})
    for turn, reviewer in enumerate(reviewers):
        script.add(
            script.at_work(span.closes + ASSIGNED_AFTER, 14, 3 * turn),
            partial(assign, stage, name, reviewer, applicants),
        )
    for applicant in applicants:
        if applicant.dossier.slug == MISASSIGNED[0]:
            script.add(script.at_work(span.closes + ASSIGNED_AFTER, 16, 45), partial(take_back, stage, applicant))
        for turn, row in enumerate(_readings(applicant)):
            _schedule_reading(stage, applicant, row, turn)


def _readings(applicant: Applicant) -> list[Row]:
    """Who was given the dossier to read, recusals and mistakes included."""
    found = applicant.dossier.rows("reviews") + applicant.dossier.rows("recusals")
    return [*found, {"reviewer": MISASSIGNED[1]}] if applicant.dossier.slug == MISASSIGNED[0] else found


def _schedule_reading(stage: Stage, applicant: Applicant, row: Row, turn: int) -> None:
    script, closes = stage.script, stage.spans[applicant.dossier.call].closes
    day = closes + READ_AFTER + 2 * applicant.place + 5 * turn
    minute = 4 * applicant.place
    if "reason" in row:
        script.add(script.at(day, 8, minute), lambda: recuse(stage, applicant, row))
    elif row.get("status") in {"submitted", "in_progress"}:
        script.add(script.at(day, 20, minute), lambda: begin(stage, applicant, row))
        if row["status"] == "submitted":
            script.add(script.at(day + 2, 21, minute), lambda: send(stage, applicant, row))


def assign(stage: Stage, name: str, reviewer: str, applicants: Sequence[Applicant]) -> None:
    """Give a reviewer all their dossiers of a call at once."""
    chosen = [each.application.id for each in applicants if reviewer in {row["reviewer"] for row in _readings(each)}]
    due_on = stage.script.day(stage.spans[name].closes + DUE_AFTER)
    reviewing.assign(stage.calls[name], chosen, [stage.people[reviewer].id], due_on=due_on, by=stage.actor("manager"))


def _assignment(stage: Stage, applicant: Applicant, reviewer: str) -> Assignment:
    return db.session.scalars(
        select(Assignment).where(
            Assignment.application_id == applicant.application.id,
            Assignment.reviewer_id == stage.people[reviewer].id,
        )
    ).one()


def take_back(stage: Stage, applicant: Applicant) -> None:
    """Remove an assignment made by mistake."""
    reviewing.remove(_assignment(stage, applicant, MISASSIGNED[1]), by=stage.actor("manager"))


def recuse(stage: Stage, applicant: Applicant, row: Row) -> None:
    """A reviewer declares a link and steps aside."""
    assignment = _assignment(stage, applicant, row["reviewer"])
    reviewing.declare(assignment, nature=InterestNature.FAMILY, text=row["reason"], by=stage.actor(row["reviewer"]))


def begin(stage: Stage, applicant: Applicant, row: Row) -> None:
    """A reviewer declares no link, reads, and keeps a first draft of the marks."""
    assignment, by = _assignment(stage, applicant, row["reviewer"]), stage.actor(row["reviewer"])
    reviewing.declare(assignment, nature=InterestNature.NONE, text="", by=by)
    db.session.flush()
    marks = _marks(applicant, row)
    kept = marks if row["status"] == "in_progress" else dict(list(marks.items())[:9])
    reading = Draft(kept, row.get("comment", ""), row.get("applicant_comment", ""))
    reviewing.record_marks(assignment, reading, version=assignment.version, by=by)


def send(stage: Stage, applicant: Applicant, row: Row) -> None:
    """The reviewer completes and sends the review."""
    assignment = _assignment(stage, applicant, row["reviewer"])
    reading = Draft(_marks(applicant, row), row["comment"], row["applicant_comment"])
    reviewing.submit(assignment, reading, version=assignment.version, by=stage.actor(row["reviewer"]))


def _marks(applicant: Applicant, row: Row) -> dict[UUID, int | None]:
    ids = {item.code: item.id for item in calls.items_of(applicant.call.id)}
    return {ids[code]: None if level == "na" else level for code, level in row["marks"].items()}


# ---- the meeting and the act ---------------------------------------------------------------------------------------


def schedule_meeting(stage: Stage, name: str, applicants: Sequence[Applicant]) -> None:
    """Put the deliberation of a closed call into the script, up to the publication and the awards."""
    script, closes = stage.script, stage.spans[name].closes
    recommended = [each for each in applicants if each.dossier.part("recommendation")]
    script.add(
        script.at_work(closes + MEETING_AFTER - 14, 11, 0), lambda: prepare_meeting(stage, name, closes + MEETING_AFTER)
    )
    for applicant in recommended:
        minute = 4 * applicant.place
        script.add(script.at_work(closes + MEETING_AFTER, 15, minute), partial(recommend, stage, applicant))
    script.add(script.at_work(closes + MEETING_AFTER + 3, 9, 30), lambda: freeze(stage, name))
    script.add(script.at_work(closes + ACT_AFTER + 1, 10, 0), lambda: record_act(stage, name))
    script.add(script.at_work(closes + PUBLISHED_AFTER, 10, 30), lambda: publish(stage, name))
    script.add(script.at_work(closes + PUBLISHED_AFTER + 3, 9, 15), lambda: open_awards(stage))


def schedule_preparation(stage: Stage, name: str, held: int) -> None:
    """Put the preparation of a meeting to come into the script."""
    script = stage.script
    script.add(script.at_work(-6, 11, 30), lambda: prepare_meeting(stage, name, held))


def prepare_meeting(stage: Stage, name: str, held: int) -> None:
    """Make the meeting of a call."""
    held_on = stage.script.at_work(held, 14).date()
    title = "Comité de l’innovation sociale"
    deliberation.prepare(stage.calls[name], title=title, held_on=held_on, by=stage.actor("manager"))


def recommend(stage: Stage, applicant: Applicant) -> None:
    """Keep the committee's recommendation on a dossier."""
    told = applicant.dossier.part("recommendation")
    recommendation = RecommendationInput(
        verdict=Verdict(told["verdict"]),
        amount=Money.euros(told["amount"]) if told["amount"] else None,
        conditions=told.get("conditions", ""),
        reason=told["reason"],
    )
    deliberation.recommend(applicant.application, recommendation, version=0, by=stage.actor("manager"))


def _meeting(stage: Stage, name: str) -> Meeting:
    meeting = meetings.meeting_of(stage.calls[name].id)
    if meeting is None:
        raise LookupError(f"no meeting on the call {name} yet")
    return meeting


def freeze(stage: Stage, name: str) -> None:
    """Freeze the marks and the recommendations."""
    deliberation.freeze(_meeting(stage, name), by=stage.actor("manager"))


def record_act(stage: Stage, name: str) -> None:
    """Record the act of the deliberative body, voted the day before."""
    on = clock.today() - timedelta(days=1)
    act = Act(number=f"{on.year}-1407", on=on, body="Conseil de la Métropole de Lyon", receipt="")
    deliberation.record_act(_meeting(stage, name), act, {}, by=stage.actor("manager"))


def publish(stage: Stage, name: str) -> None:
    """Publish the results; the letters leave."""
    deliberation.publish(_meeting(stage, name), by=stage.actor("manager"))


def open_awards(stage: Stage) -> None:
    """Open the award of each granted decision."""
    by = stage.actor("manager")
    agreement.open_awards(awards.decisions_without_award(by), by=by)
