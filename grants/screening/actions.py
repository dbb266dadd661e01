"""Acts of screening: find, overrule, accept, exclude, ask for a piece, take the answer."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from uuid import UUID

from sqlalchemy import select, update

from grants.applications.lifecycle import LIFECYCLE, ApplicationState
from grants.applications.models import Application, Attachment
from grants.calls.models import Gate, Piece
from grants.calls.rules import BLOCKS_PAYMENT, BLOCKS_SCREENING
from grants.kernel import clock, journal, uploads
from grants.kernel.access import may_know
from grants.kernel.actor import Actor
from grants.kernel.db import db
from grants.kernel.errors import ConflictError, InvalidError, RefusedError
from grants.kernel.uploads import Given
from grants.kernel.versions import conflict
from grants.kernel.words import _, in_words_of, n_
from grants.people import queries as people
from grants.people.models import Account
from grants.screening import letters, queries, rules
from grants.screening.models import Finding, PieceRequest
from grants.screening.queries import WAITING
from grants.screening.rules import Judgement, Outcome

S = ApplicationState
BEFORE_PAYMENT = timedelta(days=30)  # until when it is asked for; payment waits as long as it takes
STILL_WANTED = (S.PIECES_REQUESTED, S.SUBMITTED, S.ELIGIBLE)


def judge(application: Application, judgements: Mapping[UUID, Judgement], *, version: int | None, by: Actor) -> None:
    """Keep what a manager found, gate by gate. `version` is the application's when the page was shown.

    Raises RefusedError once decided, ConflictError on a stale page, InvalidError on a gate without its note.
    """
    if application.state not in WAITING:
        raise RefusedError(_("Ce dossier n’attend plus de décision de recevabilité."))
    gates = {gate.id: gate for gate in queries.gates_of(application.call_id)}
    if application.version != version:
        raise _stale(application, list(gates.values()), judgements)
    facts = queries.facts_of([application.id])[application.id]
    for gate_id, judgement in judgements.items():
        gate = gates[gate_id]
        computed = rules.compute(gate.code, facts).passed if gate.computed else None
        if not judgement.note and rules.needs_note(computed=computed, found=judgement.passed):
            raise InvalidError(_("Dites pourquoi en quelques mots."), field=f"note-{gate_id.hex}")
    stored = queries.findings_of([application.id])[application.id]
    changed = [
        gates[gate_id].code
        for gate_id, judgement in judgements.items()
        if _keep(application, gates[gate_id], stored.get(gate_id), judgement, by)
    ]
    if changed:
        application.touched_at = clock.now()
        journal.record("screening.judged", application, by=by, gates=changed)


def _stale(application: Application, gates: Sequence[Gate], mine: Mapping[UUID, Judgement]) -> ConflictError:
    stored = queries.findings_of([application.id])[application.id]
    words = {True: _("remplie"), False: _("non remplie"), None: _("non jugée")}

    def verdict(passed: bool | None, note: str) -> str:
        return f"{words[passed]}. {note}".strip()

    texts = []
    for gate in gates:
        own, theirs = mine.get(gate.id, Judgement(None)), stored.get(gate.id)
        known = verdict(theirs.passed, theirs.note) if theirs is not None else verdict(None, "")
        texts.append((in_words_of(gate, "title"), verdict(own.passed, own.note), known))
    return conflict(*texts)


def _keep(application: Application, gate: Gate, finding: Finding | None, judgement: Judgement, by: Actor) -> bool:
    """Write a finding when it differs from what is kept; returns whether it does."""
    if finding is None:
        if judgement.passed is None and not judgement.note:
            return False
        finding = Finding(application_id=application.id, gate_id=gate.id)
        db.session.add(finding)
    elif finding.found_by is not None and (finding.passed, finding.note) == (judgement.passed, judgement.note):
        return False
    if judgement.passed is None and not judgement.note:
        db.session.delete(finding)
        return True
    finding.passed, finding.note = judgement.passed, judgement.note
    finding.found_by, finding.found_at = by.id, clock.now()
    return True


def accept(application: Application, *, by: Actor) -> None:
    """Declare the application eligible; every gate must be met. Of the pieces still asked for, only those that the call
    says to hold up this decision stop it (CRPA, art. L114-5-1).

    Raises InvalidError naming the gates that are not met or not judged, or the pieces; RefusedError once decided.
    """
    gates = queries.gates_of(application.call_id)
    outcomes = _outcomes(application, gates)
    short = [*rules.failed(outcomes), *rules.pending(outcomes)]
    if short and application.state in WAITING:
        raise InvalidError(_not_met([gate for gate in gates if gate.code in short]))
    awaited = queries.awaited_before(application.id, BLOCKS_SCREENING)
    if awaited and application.state in WAITING:
        raise InvalidError(_awaited(awaited))
    journal.advance(
        LIFECYCLE, application, "accept", by=by,
        overruled=[outcome.code for outcome in outcomes if outcome.is_overruled],
        open_requests=queries.open_requests_of([application.id]).get(application.id, 0),
    )  # fmt: skip
    application.screened_at = clock.now()
    _keep_computed(application, gates, outcomes)
    letters.eligible(application)


def _not_met(gates: Sequence[Gate]) -> str:
    titles = ", ".join(f"« {in_words_of(gate, 'title')} »" for gate in gates)
    return n_(
        "Une condition n’est pas remplie ou pas jugée : %(titles)s. Jugez-la, passez outre avec une note, ou déclarez "
        "le dossier irrecevable.",
        "Des conditions ne sont pas remplies ou pas jugées : %(titles)s. Jugez-les, passez outre avec une note, ou "
        "déclarez le dossier irrecevable.",
        len(gates),
        titles=titles,
    )


def _awaited(requests: Sequence[PieceRequest]) -> str:
    labels = ", ".join(f"« {letters.label_of(request)} »" for request in requests)
    return n_(
        "Une pièce demandée bloque la recevabilité et n’est pas arrivée : %(labels)s. Attendez-la, ou abandonnez "
        "cette demande avec un motif.",
        "Des pièces demandées bloquent la recevabilité et ne sont pas arrivées : %(labels)s. Attendez-les, ou "
        "abandonnez ces demandes avec un motif.",
        len(requests),
        labels=labels,
    )


def _outcomes(application: Application, gates: Sequence[Gate]) -> list[Outcome]:
    db.session.flush()
    return queries.outcomes_of([application.id], gates)[application.id]


def _keep_computed(application: Application, gates: Sequence[Gate], outcomes: Sequence[Outcome]) -> None:
    """Write what the system found beside what people found, so that the decision shows all it stood on."""
    stored = queries.findings_of([application.id])[application.id]
    for gate, outcome in zip(gates, outcomes, strict=True):
        if gate.id not in stored:
            db.session.add(
                Finding(application_id=application.id, gate_id=gate.id, passed=outcome.passed, found_at=clock.now())
            )


def proposed_reason(application: Application) -> str:
    """The reason composed from the sentences of the gates that are not met."""
    gates = queries.gates_of(application.call_id)
    short = set(rules.failed(queries.outcomes_of([application.id], gates)[application.id]))
    return rules.reason_of([in_words_of(gate, "refusal") for gate in gates if gate.code in short])


def exclude(application: Application, *, reason: str, version: int | None, by: Actor) -> None:
    """Declare the application ineligible and write to the applicant, with the reason and the remedies.

    Raises RefusedError once decided, ConflictError on a stale page.
    """
    gates = queries.gates_of(application.call_id)
    outcomes = _outcomes(application, gates)
    if application.state in WAITING and application.version != version:
        theirs = ", ".join(in_words_of(gate, "title") for gate in gates if gate.code in rules.failed(outcomes))
        raise conflict((_("Motif"), reason, theirs or _("Aucune condition n’est en échec.")))
    journal.advance(LIFECYCLE, application, "exclude", by=by, gates=rules.failed(outcomes))
    application.screened_at = clock.now()
    application.screening_reason = reason
    _keep_computed(application, gates, outcomes)
    letters.ineligible(application, reason)


def request_piece(
    application: Application, *, piece: Piece | None, label: str, message: str, due_on: date, by: Actor
) -> PieceRequest:
    """Ask the applicant for a piece of the call, or for another one named freely.

    Raises InvalidError on what is wrong with the request, RefusedError when the application is decided.
    """
    if piece is None and not label:
        raise InvalidError(_("Choisissez une pièce, ou nommez celle que vous demandez."), field="label")
    if due_on <= clock.today(application.call.fund.zone):
        raise InvalidError(
            _("Donnez une date à venir : l’association doit avoir le temps de répondre."), field="due_on"
        )
    if piece is not None and piece.call_id != application.call_id:
        raise InvalidError(_("Cette pièce n’est pas de cet appel."), field="piece")
    already = [row for row in queries.requests_of(application.id) if row.is_open]
    if any((piece and row.piece_id == piece.id) or (not piece and row.label == label) for row in already):
        raise InvalidError(_("Cette pièce est déjà demandée : la réponse est attendue."), field="piece")
    request = PieceRequest(
        application_id=application.id,
        piece_id=piece.id if piece else None,
        label=piece.label if piece else label,
        message=message,
        due_on=due_on,
        requested_at=clock.now(),
        requested_by=by.id,
    )
    db.session.add(request)
    db.session.flush()
    silence_on = queries.silence_day_of(application)
    journal.advance(
        LIFECYCLE, application, "request_piece", by=by, piece=piece.code if piece else "other", due_on=due_on,
        silence_on=silence_on,
    )  # fmt: skip
    application.touched_at, application.silence_on = clock.now(), silence_on
    db.session.flush()
    letters.piece_requested(request)
    return request


def ask_before_payment(application: Application, *, by: Actor) -> list[PieceRequest]:
    """Ask for the pieces without which nothing is paid, when an application is granted: those that are missing, and
    were neither asked for nor given up before."""
    known = {row.piece_id for row in queries.requests_of(application.id)}
    lacking = [piece for piece in queries.missing_pieces(application) if piece.blocks == BLOCKS_PAYMENT]
    requests = [
        PieceRequest(
            application_id=application.id, piece_id=piece.id, label=piece.label, message="",
            due_on=clock.today(application.call.fund.zone) + BEFORE_PAYMENT, requested_at=clock.now(),
            requested_by=by.id,
        )
        for piece in lacking
        if piece.id not in known
    ]  # fmt: skip
    db.session.add_all(requests)
    db.session.flush()
    for request in requests:
        journal.record("screening.piece_asked", request, by=by, piece=request.piece.code if request.piece else "")
        letters.piece_before_payment(request)
    return requests


def is_wanted(request: PieceRequest) -> bool:
    """Whether the dossier of a request still has a use for the piece: under way, or granted and held up by it."""
    state = request.application.state
    return state in STILL_WANTED or (state is S.AWARDED and request.holds_up(BLOCKS_PAYMENT))


def waive(request: PieceRequest, reason: str, *, by: Actor) -> None:
    """Give up a piece that was asked for: nothing waits for it any more, and the applicant reads why.

    Raises RefusedError when it came meanwhile, was given up, or the dossier waits for no piece any more.
    """
    application = request.application
    db.session.refresh(application, with_for_update=True)
    db.session.refresh(request)
    if not is_wanted(request) or not request.is_open:
        raise RefusedError(_("Cette pièce n’est plus attendue : il n’y a rien à abandonner."))
    request.waived_at, request.waived_by, request.waiver = clock.now(), by.id, reason
    db.session.flush()
    application.silence_on = queries.silence_day_of(application)
    journal.record("screening.piece_waived", request, by=by, silence_on=application.silence_on)
    _complete(application, by)
    letters.piece_waived(request)


def give_piece(request: PieceRequest, upload: Given, *, by: Actor) -> None:
    """Take the applicant's answer; the last one sends the application back to be screened.

    What was awaited no longer suspends the time after which silence means rejection (CRPA, art. L114-5). Raises
    RefusedError when it was answered already or is no longer wanted, InvalidError when the file is refused.
    """
    application = request.application
    db.session.refresh(application, with_for_update=True)
    if not is_wanted(request):
        raise RefusedError(_("Ce dossier n’attend plus de pièce."))
    stored = uploads.accept(
        upload, by=by, organisation_id=application.organisation_id, dossier_id=application.id, field="file"
    )
    db.session.flush()
    taken = db.session.scalar(
        update(PieceRequest)
        .where(PieceRequest.id == request.id, queries.IS_OPEN)
        .values(answered_at=clock.now(), answered_by=by.id, file_id=stored.id)
        .returning(PieceRequest.id)
        .execution_options(synchronize_session=False)
    )
    if taken is None:
        raise RefusedError(_("Cette pièce vient d’être envoyée par une autre personne, ou n’est plus attendue."))
    db.session.refresh(request)
    if request.piece_id is not None:
        db.session.add(
            Attachment(
                application_id=application.id, piece_id=request.piece_id, file_id=stored.id, given_at=stored.given_at
            )
        )
    application.silence_on = queries.silence_day_of(application)
    journal.record("screening.piece_given", request, by=by, file=stored.id, silence_on=application.silence_on)
    _complete(application, by)
    requester = db.session.get(Account, request.requested_by) if request.requested_by is not None else None
    if requester is not None and may_know(application, people.actor_of(requester)):
        letters.piece_given(request, requester)


def _complete(application: Application, by: Actor) -> None:
    still_open = db.session.scalar(
        select(PieceRequest.id).where(PieceRequest.application_id == application.id, queries.IS_OPEN).limit(1)
    )
    if still_open is not None or application.state is not S.PIECES_REQUESTED:
        return
    journal.advance(LIFECYCLE, application, "complete", by=by, silence_on=application.silence_on)
