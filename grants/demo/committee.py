"""The fund's side of a dossier: screening, pieces asked for, reviews, recusals, and the committee's advice."""

from datetime import timedelta

from grants.calls import queries as calls
from grants.demo.applicants import Applicant
from grants.demo.stage import Stage
from grants.kernel import clock
from grants.kernel.db import db
from grants.screening import actions, queries, rules
from grants.screening.actions import Judgement

DOUBLE = "no_double_request"


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
