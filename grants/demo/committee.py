"""The fund's side of a call: screening, pieces asked for, reviews, recusals, recommendations, the act."""

from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from uuid import UUID

from sqlalchemy import select

from grants.appeals import actions as appeals
from grants.appeals.queries import standing_of as standing_appeal
from grants.awards import queries as awards
from grants.awards.actions import agreement
from grants.calls import queries as calls
from grants.deliberation import actions as deliberation
from grants.deliberation import queries as meetings
from grants.deliberation.models import Meeting
from grants.deliberation.rules import Act, RecommendationInput, Verdict
from grants.demo.applicants import Applicant
from grants.demo.content import TableRow
from grants.demo.context import Context
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


def schedule_screening(context: Context, applicant: Applicant) -> None:
    """Put the screening of a submitted dossier into the script; what is freshly submitted waits."""
    state, span = applicant.dossier.state, context.spans[applicant.dossier.call]
    if applicant.dossier.is_draft or state == "submitted":
        return
    script, day = context.script, span.closes + 5 + applicant.place
    screening = applicant.dossier.part("screening")
    if "piece" in screening:
        script.add(script.at_work(day, 9, 20), lambda: ask_piece(context, applicant))
        if screening["piece"]["answered"]:
            script.add(script.at(day + 6, 19, 35), lambda: give_piece(context, applicant))
            script.add(script.at_work(day + 9, 11, 10), lambda: accept(context, applicant))
    elif state == "ineligible":
        script.add(script.at_work(day, 10, 45), lambda: exclude(context, applicant))
    else:
        script.add(
            script.at_work(day, 9 + applicant.place % 3, 15 + applicant.place), lambda: accept(context, applicant)
        )
    if state == "withdrawn":
        script.add(script.at(day + 20, 20, 10), applicant.withdraw)


def _judge(context: Context, applicant: Applicant, *, failing: str | None = None, note: str = "") -> None:
    """Tick what the system cannot compute; `failing` is the one condition that is not met, with its reason."""
    application = applicant.application
    gates = {gate.code: gate for gate in queries.gates_of(application.call_id)}
    pending = rules.pending(queries.outcomes_of([application.id], list(gates.values()))[application.id])
    judged = {gates[code].id: Judgement(True) for code in pending}
    if failing is not None:
        judged[gates[failing].id] = Judgement(False, note)
    actions.judge(application, judged, version=application.version, by=context.actor("manager"))
    db.session.flush()


def accept(context: Context, applicant: Applicant) -> None:
    """Declare the dossier eligible."""
    _judge(context, applicant)
    actions.accept(applicant.application, by=context.actor("manager"))


def exclude(context: Context, applicant: Applicant) -> None:
    """Declare the dossier ineligible, with the written reason."""
    reason = applicant.dossier.part("screening")["reason"]
    _judge(context, applicant, failing=DOUBLE, note="Même action, mêmes dépenses : voir le motif.")
    application = applicant.application
    actions.exclude(application, reason=reason, version=application.version, by=context.actor("manager"))


def ask_piece(context: Context, applicant: Applicant) -> None:
    """Ask for a document that is missing or not the right one."""
    request = applicant.dossier.part("screening")["piece"]
    piece = next(row for row in calls.pieces_of(applicant.call.id) if row.code == request["code"])
    actions.request_piece(
        applicant.application, piece=piece, label="", message=request["message"],
        due_on=clock.today() + timedelta(days=21), by=context.actor("manager"),
    )  # fmt: skip


def give_piece(context: Context, applicant: Applicant) -> None:
    """The association sends what was asked."""
    for request in queries.requests_of(applicant.application.id):
        actions.give_piece(
            request, context.document(applicant.dossier.part("screening")["piece"]["code"]), by=applicant.actor()
        )


# ---- reviews -------------------------------------------------------------------------------------------------------


def schedule_reviews(context: Context, name: str, applicants: Sequence[Applicant]) -> None:
    """Put the assignments of a call, and what each reviewer did with them, into the script."""
    script, span = context.script, context.spans[name]
    reviewers = sorted({row["reviewer"] for each in applicants for row in _readings(each)})
    for turn, reviewer in enumerate(reviewers):
        script.add(
            script.at_work(span.closes + ASSIGNED_AFTER, 14, 3 * turn),
            partial(assign, context, name, reviewer, applicants),
        )
    for applicant in applicants:
        if applicant.dossier.slug == MISASSIGNED[0]:
            script.add(script.at_work(span.closes + ASSIGNED_AFTER, 16, 45), partial(take_back, context, applicant))
        for turn, row in enumerate(_readings(applicant)):
            _schedule_reading(context, applicant, row, turn)


def _readings(applicant: Applicant) -> list[TableRow]:
    """Who was given the dossier to read, recusals and mistakes included."""
    found = applicant.dossier.rows("reviews") + applicant.dossier.rows("recusals")
    return [*found, {"reviewer": MISASSIGNED[1]}] if applicant.dossier.slug == MISASSIGNED[0] else found


def _schedule_reading(context: Context, applicant: Applicant, row: TableRow, turn: int) -> None:
    script, closes = context.script, context.spans[applicant.dossier.call].closes
    day = closes + READ_AFTER + 2 * applicant.place + 5 * turn
    minute = 4 * applicant.place
    if "reason" in row:
        script.add(script.at(day, 8, minute), lambda: recuse(context, applicant, row))
    elif row.get("status") in {"submitted", "in_progress"}:
        script.add(script.at(day, 20, minute), lambda: begin(context, applicant, row))
        if row["status"] == "submitted":
            script.add(script.at(day + 2, 21, minute), lambda: send(context, applicant, row))


def assign(context: Context, name: str, reviewer: str, applicants: Sequence[Applicant]) -> None:
    """Give a reviewer all their dossiers of a call at once."""
    chosen = [each.application.id for each in applicants if reviewer in {row["reviewer"] for row in _readings(each)}]
    due_on = context.script.day(context.spans[name].closes + DUE_AFTER)
    reviewing.assign(
        context.calls[name], chosen, [context.people[reviewer].id], due_on=due_on, by=context.actor("manager")
    )


def _assignment(context: Context, applicant: Applicant, reviewer: str) -> Assignment:
    return db.session.scalars(
        select(Assignment).where(
            Assignment.application_id == applicant.application.id,
            Assignment.reviewer_id == context.people[reviewer].id,
        )
    ).one()


def take_back(context: Context, applicant: Applicant) -> None:
    """Remove an assignment made by mistake."""
    reviewing.remove(_assignment(context, applicant, MISASSIGNED[1]), by=context.actor("manager"))


def recuse(context: Context, applicant: Applicant, row: TableRow) -> None:
    """A reviewer declares a link and steps aside."""
    assignment = _assignment(context, applicant, row["reviewer"])
    reviewing.declare(assignment, nature=InterestNature.FAMILY, text=row["reason"], by=context.actor(row["reviewer"]))


def begin(context: Context, applicant: Applicant, row: TableRow) -> None:
    """A reviewer declares no link, reads, and keeps a first draft of the marks."""
    assignment, by = _assignment(context, applicant, row["reviewer"]), context.actor(row["reviewer"])
    reviewing.declare(assignment, nature=InterestNature.NONE, text="", by=by)
    db.session.flush()
    marks = _marks(applicant, row)
    given = marks if row["status"] == "in_progress" else dict(list(marks.items())[:9])
    reading = Draft(given, row.get("comment", ""), row.get("applicant_comment", ""))
    reviewing.record_marks(assignment, reading, version=assignment.version, by=by)


def send(context: Context, applicant: Applicant, row: TableRow) -> None:
    """The reviewer completes and sends the review."""
    assignment = _assignment(context, applicant, row["reviewer"])
    reading = Draft(_marks(applicant, row), row["comment"], row["applicant_comment"])
    reviewing.submit(assignment, reading, version=assignment.version, by=context.actor(row["reviewer"]))


def _marks(applicant: Applicant, row: TableRow) -> dict[UUID, int | None]:
    ids = {item.code: item.id for item in calls.items_of(applicant.call.id)}
    return {ids[code]: None if level == "na" else level for code, level in row["marks"].items()}


# ---- the meeting and the act ---------------------------------------------------------------------------------------


def schedule_meeting(context: Context, name: str, applicants: Sequence[Applicant]) -> None:
    """Put the deliberation of a closed call into the script, up to the publication and the awards."""
    script, closes = context.script, context.spans[name].closes
    recommended = [each for each in applicants if each.dossier.part("recommendation")]
    script.add(
        script.at_work(closes + MEETING_AFTER - 14, 11, 0),
        lambda: prepare_meeting(context, name, closes + MEETING_AFTER),
    )
    for applicant in recommended:
        minute = 4 * applicant.place
        script.add(script.at_work(closes + MEETING_AFTER, 15, minute), partial(recommend, context, applicant))
    script.add(script.at_work(closes + MEETING_AFTER + 3, 9, 30), lambda: freeze(context, name))
    script.add(script.at_work(closes + ACT_AFTER + 1, 10, 0), lambda: record_act(context, name))
    script.add(script.at_work(closes + PUBLISHED_AFTER, 10, 30), lambda: publish(context, name))
    script.add(script.at_work(closes + PUBLISHED_AFTER + 3, 9, 15), lambda: open_awards(context))
    for applicant in applicants:
        if applicant.dossier.part("appeal"):
            script.add(script.at_work(closes + PUBLISHED_AFTER + 12, 18, 40), partial(lodge_appeal, applicant))
            script.add(
                script.at_work(closes + PUBLISHED_AFTER + 33, 11, 20), partial(answer_appeal, context, applicant)
            )


def schedule_preparation(context: Context, name: str, held: int) -> None:
    """Put the preparation of a meeting to come, which shows expected ranks, into the script."""
    script = context.script
    script.add(script.at_work(-6, 11, 30), lambda: prepare_meeting(context, name, held))
    script.add(script.at_work(-6, 11, 40), lambda: show_expected_ranks(context, name))


def prepare_meeting(context: Context, name: str, held: int) -> None:
    """Make the meeting of a call."""
    held_on = context.script.at_work(held, 14).date()
    title = "Comité de l’innovation sociale"
    deliberation.prepare(context.calls[name], title=title, held_on=held_on, by=context.actor("manager"))


def show_expected_ranks(context: Context, name: str) -> None:
    """Have a meeting show expected ranks under its ranking."""
    meeting, by = _meeting(context, name), context.actor("manager")
    deliberation.edit(
        meeting, title=meeting.title, held_on=meeting.held_on, version=meeting.version, by=by, calibrated=True
    )


def recommend(context: Context, applicant: Applicant) -> None:
    """Keep the committee's recommendation on a dossier."""
    written = applicant.dossier.part("recommendation")
    recommendation = RecommendationInput(
        verdict=Verdict(written["verdict"]),
        amount=Money.euros(written["amount"]) if written["amount"] else None,
        conditions=written.get("conditions", ""),
        reason=written["reason"],
    )
    deliberation.recommend(applicant.application, recommendation, version=0, by=context.actor("manager"))


def _meeting(context: Context, name: str) -> Meeting:
    meeting = meetings.meeting_of(context.calls[name].id)
    if meeting is None:
        raise LookupError(f"no meeting on the call {name} yet")
    return meeting


def freeze(context: Context, name: str) -> None:
    """Freeze the marks and the recommendations."""
    deliberation.freeze(_meeting(context, name), by=context.actor("manager"))


def record_act(context: Context, name: str) -> None:
    """Record the act of the deliberative body, voted the day before."""
    on = clock.today() - timedelta(days=1)
    act = Act(number=f"{on.year}-1407", on=on, body="Conseil de la Métropole de Lyon", receipt="")
    deliberation.record_act(_meeting(context, name), act, {}, by=context.actor("manager"))


def publish(context: Context, name: str) -> None:
    """Publish the results; the letters leave."""
    deliberation.publish(_meeting(context, name), by=context.actor("manager"))


def lodge_appeal(applicant: Applicant) -> None:
    """An association asks for its refusal to be looked at again."""
    reasons = str(applicant.dossier.part("appeal")["reasons"]).strip()
    appeals.lodge(applicant.application, reasons, by=applicant.actor())


def answer_appeal(context: Context, applicant: Applicant) -> None:
    """The manager who recorded neither the recommendation nor the act answers that the decision stands."""
    appeal = standing_appeal(applicant.application.id)
    if appeal is None:
        raise LookupError(f"no appeal of {applicant.dossier.slug} yet")
    answer = str(applicant.dossier.part("appeal")["answer"]).strip()
    appeals.reject(appeal, answer, version=appeal.version, by=context.actor("manager_2"))


def open_awards(context: Context) -> None:
    """Open the award of each granted decision."""
    by = context.actor("manager")
    agreement.open_awards(awards.decisions_without_award(by), by=by)
