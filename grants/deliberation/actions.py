"""Acts of the committee and after it: prepare, recommend within the envelope, freeze, record, publish, archive."""

from collections.abc import Mapping
from datetime import date
from uuid import UUID

from sqlalchemy import select

from grants.applications import queries as applications
from grants.applications.lifecycle import LIFECYCLE as APPLICATION
from grants.applications.lifecycle import UNDER_WAY, ApplicationState
from grants.applications.models import Application
from grants.calls.actions import begin_examination, move_envelope
from grants.calls.lifecycle import LIFECYCLE as CALL
from grants.calls.lifecycle import CallState
from grants.calls.models import Call
from grants.deliberation import letters, queries, rules
from grants.deliberation.lifecycle import LIFECYCLE, MeetingState
from grants.deliberation.models import Decision, Meeting, Recommendation
from grants.deliberation.rules import Act, RecommendationInput, Vote
from grants.kernel import clock, journal
from grants.kernel.actor import Actor
from grants.kernel.db import db
from grants.kernel.errors import ForbiddenError, InvalidError, RefusedError
from grants.kernel.money import Money, round_half_up
from grants.kernel.pages import day, instant
from grants.kernel.versions import refuse_changed
from grants.kernel.words import _, _l, n_
from grants.reviewing import queries as reviewing

NOTHING = Money(0)
_ANOTHER_PERSON = _l("Un dossier avec lequel vous avez un lien attend encore : une autre personne doit s’en charger.")


# ---- the meeting ---------------------------------------------------------------------------------------------------


def prepare(call: Call, *, title: str, held_on: date, by: Actor) -> Meeting:
    """Make the one meeting of a closed call. Raises RefusedError when there is nothing to decide yet."""
    db.session.refresh(call, with_for_update=True)
    if queries.meeting_of(call.id) is not None:
        raise RefusedError(_("La séance de cet appel existe déjà."))
    if call.state is not CallState.OPENED or call.closes_at is None or call.closes_at >= clock.now():
        raise RefusedError(_("L’appel n’est pas encore clos : la séance se prépare après la clôture."))
    if not queries.count_of(call.id, ApplicationState.ELIGIBLE):
        raise RefusedError(_("Aucun dossier de cet appel n’est recevable : il n’y a rien à examiner."))
    _check_day(call, held_on)
    begin_examination(call)
    meeting = Meeting(call_id=call.id, title=title, held_on=held_on, state=MeetingState.PREPARING)
    db.session.add(meeting)
    db.session.flush()
    journal.record("meeting.prepared", meeting, by=by, call=call.code, held_on=held_on.isoformat())
    return meeting


def edit(
    meeting: Meeting, *, title: str, held_on: date, version: int | None, by: Actor, calibrated: bool = False
) -> None:
    """Change the title or the day, while the committee deliberates, and whether it is shown expected ranks."""
    _hold(meeting)
    refuse_changed(meeting.version, version)
    _check_day(meeting.call, held_on)
    journal.advance(LIFECYCLE, meeting, "edit", by=by, held_on=held_on.isoformat(), calibrated=calibrated)
    meeting.title, meeting.held_on, meeting.calibrated = title, held_on, calibrated


def _check_day(call: Call, held_on: date) -> None:
    if call.closes_at is not None and held_on < clock.day_of(call.closes_at, call.fund.zone):
        raise InvalidError(
            _("La séance ne peut pas précéder la clôture de l’appel, le %(day)s.", day=day(call.closes_at)),
            field="held_on",
        )
    extended = applications.last_extension_end(call.id)
    if extended is not None and held_on <= clock.day_of(extended, call.fund.zone):
        raise InvalidError(
            _("Un délai accordé à un dossier court jusqu’au %(end)s : la séance vient après.", end=instant(extended)),
            field="held_on",
        )


# ---- recommendations -------------------------------------------------------------------------------------------------


def recommend(
    application: Application, recommendation: RecommendationInput, *, version: int | None, by: Actor
) -> Recommendation:
    """Keep the committee's recommendation and reserve its money, or give back what it no longer asks.

    `version` is that of the recommendation the person saw, 0 when they saw none. Raises InvalidError on the field at
    fault, ConflictError when somebody else wrote meanwhile, RefusedError when the envelope or the state of things says
    no.
    """
    meeting, known = _open_meeting(application, by)
    _refuse_stale(known, version, recommendation)
    _check(application, recommendation)
    amount = recommendation.amount or NOTHING
    already = known.amount if known else NOTHING
    move_envelope(meeting.call, amount - already, already=already, tells=not reviewing.linked_ids(_person(by)))
    total = reviewing.result_of(application).total
    verb = "changed" if known else "made"
    if known is None:
        known = Recommendation(meeting_id=meeting.id, application_id=application.id)
        db.session.add(known)
    known.verdict, known.amount = recommendation.verdict, amount
    known.conditions, known.reason = recommendation.conditions, recommendation.reason
    known.score_hundredths = None if total is None else round_half_up(total * 100)
    known.made_by, known.made_at = _person(by), clock.now()
    journal.advance(LIFECYCLE, meeting, "recommend", by=by, application=str(application.id), amount=amount.cents)
    db.session.flush()
    journal.record(f"recommendation.{verb}", known, by=by, verdict=recommendation.verdict.value, amount=amount.cents)
    return known


def withdraw_recommendation(application: Application, *, version: int | None, by: Actor) -> None:
    """Take a recommendation back and release what it reserved."""
    meeting, known = _open_meeting(application, by)
    _refuse_stale(known, version)
    if known is None:
        raise RefusedError(_("Aucun avis n’est enregistré sur ce dossier."))
    journal.advance(LIFECYCLE, meeting, "recommend", by=by, application=str(application.id), amount=0)
    _drop(meeting, known, by)


def _open_meeting(application: Application, by: Actor) -> tuple[Meeting, Recommendation | None]:
    """The meeting that may still deal with an application, locked until the end of the transaction; what it says."""
    meeting = queries.meeting_of(application.call_id)
    if meeting is None:
        raise RefusedError(_("La séance de cet appel n’est pas encore préparée."))
    _hold(meeting)
    if meeting.state is not MeetingState.PREPARING:
        raise RefusedError(_("Les avis sont figés depuis le %(day)s.", day=day(meeting.frozen_at)))
    db.session.refresh(application, with_for_update=True)
    if by.id is not None and reviewing.is_interested(by.id, application.id):
        raise ForbiddenError(_("Vous avez un lien d’intérêt avec cette organisation : une autre personne doit agir."))
    known = queries.recommendation_of(application.id)
    if application.state is not ApplicationState.ELIGIBLE and known is None:
        raise RefusedError(_("Ce dossier n’est plus à examiner : il n’est pas, ou plus, recevable."))
    return meeting, known


def _refuse_stale(
    known: Recommendation | None, version: int | None, recommendation: RecommendationInput | None = None
) -> None:
    """Raise ConflictError, with both texts, when the recommendation is no longer the one the person saw."""
    refuse_changed(
        known.version if known else 0,
        version,
        (_("Raison de l’avis"), recommendation.reason if recommendation else "", known.reason if known else ""),
        (_("Conditions"), recommendation.conditions if recommendation else "", known.conditions if known else ""),
    )


def _check(application: Application, recommendation: RecommendationInput) -> None:
    requested = application.requested or NOTHING
    if application.state is not ApplicationState.ELIGIBLE:
        raise RefusedError(_("L’association a retiré ce dossier : retirez l’avis pour libérer le montant."))
    reasons = {
        "amount": rules.why_not_amount(recommendation.verdict, recommendation.amount, requested),
        "conditions": rules.why_not_conditions(recommendation.verdict, recommendation.conditions),
        "reason": rules.why_not_reason(
            recommendation.verdict,
            recommendation.amount,
            recommendation.reason,
            requested=requested,
            minimum=queries.minimum_of(application),
        ),
    }
    for field, reason in reasons.items():
        if reason is not None:
            raise InvalidError(str(reason), field=field)


def _drop(meeting: Meeting, recommendation: Recommendation, by: Actor) -> None:
    move_envelope(meeting.call, -recommendation.amount)
    journal.record("recommendation.removed", recommendation, by=by, amount=recommendation.amount.cents)
    db.session.delete(recommendation)
    db.session.flush()


def _person(by: Actor) -> UUID:
    if by.id is None:
        raise ForbiddenError(_("Un avis est enregistré par une personne."))
    return by.id


def _hold(meeting: Meeting) -> None:
    """Read the meeting as it is now and keep others from moving it until this transaction ends."""
    db.session.refresh(meeting, with_for_update=True)


def _hold_dossiers(meeting: Meeting) -> None:
    """Read the dossiers of a meeting as they are now and keep their associations from withdrawing them meanwhile."""
    recommended = select(Recommendation.application_id).where(Recommendation.meeting_id == meeting.id)
    held = select(Application).where(Application.id.in_(recommended)).order_by(Application.id).with_for_update()
    db.session.scalars(held.execution_options(populate_existing=True)).all()


# ---- the freezing --------------------------------------------------------------------------------------------------


def freeze(meeting: Meeting, *, by: Actor) -> None:
    """Freeze marks and recommendations for good. Raises RefusedError while a dossier waits for its recommendation or
    its screening, or has an extension to come."""
    _hold(meeting)
    call = meeting.call
    reason = why_not_freeze(meeting, by)
    if reason is not None:
        raise RefusedError(reason)
    if queries.count_of(call.id, *queries.UNSCREENED) or queries.without_recommendation(call.id):
        raise RefusedError(str(_ANOTHER_PERSON))
    _hold_dossiers(meeting)
    for recommendation in queries.recommendations_of(meeting.id):
        if recommendation.application.state is not ApplicationState.ELIGIBLE:
            _drop(meeting, recommendation, by)
    db.session.refresh(call, with_for_update=True)
    extended = _why_extended(call)  # again: one may have been given until the call was held
    if extended is not None:
        raise RefusedError(extended)
    at = clock.now()
    journal.advance(CALL, call, "freeze_marks", by=by)
    call.marks_frozen_at = at
    journal.advance(
        LIFECYCLE, meeting, "freeze", by=by, committed=call.committed.cents, recused=_recused_from(call, by)
    )
    meeting.frozen_at = at
    db.session.flush()
    letters.issue_minutes(meeting, by=by)


def _recused_from(call: Call, by: Actor) -> list[str]:
    """The dossiers of a call that somebody has a link with and an act of theirs covers: the journal says so."""
    linked = reviewing.linked_to(by.id)
    covered = select(Application.id).where(Application.call_id == call.id, Application.id.in_(linked))
    return [str(found) for found in db.session.scalars(covered.order_by(Application.id))]


def why_not_freeze(meeting: Meeting, by: Actor) -> str | None:
    """None when nothing that the person may know of prevents the freeze, else what is still to do.

    What waits among the dossiers they have a link with is told by the act alone, without a number.
    """
    reason = LIFECYCLE.why_not(meeting, "freeze")
    if reason is not None:
        return str(reason)
    if meeting.call.closes_at is None or meeting.call.closes_at >= clock.now():
        return _("L’appel n’est pas clos : les avis se figent une fois que tous les dossiers sont là.")
    extended = _why_extended(meeting.call)
    if extended is not None:
        return extended
    if meeting.held_on > clock.today():
        return _("La séance est prévue le %(day)s : les avis se figent une fois qu’elle a eu lieu.",
                 day=day(meeting.held_on))  # fmt: skip
    unscreened = queries.count_of(meeting.call_id, *queries.UNSCREENED, seen_by=by)
    if unscreened:
        return n_(
            "%(num)s dossier attend encore une décision de recevabilité.",
            "%(num)s dossiers attendent encore une décision de recevabilité.",
            unscreened,
        )
    missing = queries.without_recommendation(meeting.call_id, seen_by=by)
    if missing:
        return n_(
            "%(num)s dossier recevable attend encore un avis.",
            "%(num)s dossiers recevables attendent encore un avis.",
            missing,
        )
    return None


def _why_extended(call: Call) -> str | None:
    """What to say while a dossier has an extension that is not over, or is being entered from paper: it may still
    come."""
    extended = applications.last_extension_end(call.id)
    if extended is None and applications.is_one_being_entered(call.id):
        return _("Un dossier papier est en cours de saisie : il peut encore arriver.")
    if extended is None:
        return None
    return _("Un délai accordé à un dossier court jusqu’au %(end)s : il peut encore arriver.", end=instant(extended))


# ---- the act -------------------------------------------------------------------------------------------------------


def record_act(meeting: Meeting, act: Act, votes: Mapping[UUID, Vote], *, by: Actor) -> None:
    """Record the body's act and what it decided, dossier by dossier; what it did not give returns to the envelope.

    `votes` holds, by application, what departs from the recommendation; the others follow it, as do those the person
    has a link with. Raises InvalidError on the field at fault (`amount_<id>`, `reason_<id>` for a vote).
    """
    _hold(meeting)
    if LIFECYCLE.why_not(meeting, "record_act") is not None:
        raise RefusedError(_("L’acte s’enregistre une fois les avis figés, et une seule fois."))
    reason = rules.why_not_act_day(act.on, held_on=meeting.held_on, today=clock.today())
    if reason is not None:
        raise InvalidError(str(reason), field="act_on")
    _hold_dossiers(meeting)
    recused = _recused_from(meeting.call, by)
    if not {str(application_id) for application_id in votes}.isdisjoint(recused):
        raise ForbiddenError(_("Vous avez un lien avec un de ces dossiers : une autre personne doit l’enregistrer."))
    recommendations = queries.recommendations_of(meeting.id)
    decisions, released = [], NOTHING
    for recommendation in recommendations:
        if recommendation.application.state is not ApplicationState.ELIGIBLE:
            released += recommendation.amount
            journal.record("recommendation.released", recommendation, by=by, amount=recommendation.amount.cents)
            continue
        vote = votes.get(recommendation.application_id, Vote(recommendation.amount))
        wrong = rules.why_not_voted(vote.amount, vote.reason, recommended=recommendation.amount)
        if wrong is not None:
            raise InvalidError(str(wrong[1]), field=f"{wrong[0]}_{recommendation.application_id}")
        released += recommendation.amount - vote.amount
        decisions.append(_decision(meeting, recommendation, vote))
    meeting.act_number, meeting.act_on = act.number, act.on
    meeting.act_body, meeting.act_receipt = act.body, act.receipt or None
    journal.advance(
        LIFECYCLE, meeting, "record_act", by=by, number=act.number, on=act.on.isoformat(), released=released.cents,
        recused=recused,
    )  # fmt: skip
    db.session.add_all(decisions)
    db.session.flush()
    for decision in decisions:
        journal.record(
            "decision.recorded", decision, by=by, granted=decision.granted, amount=decision.amount.cents
        )  # fmt: skip
    move_envelope(meeting.call, -released)


def _decision(meeting: Meeting, recommendation: Recommendation, vote: Vote) -> Decision:
    granted = bool(vote.amount)
    return Decision(
        meeting_id=meeting.id,
        application_id=recommendation.application_id,
        granted=granted,
        amount=vote.amount,
        conditions=recommendation.conditions if granted else "",
        reason=vote.reason or recommendation.reason,
        decided_at=clock.now(),
    )


# ---- the publication -----------------------------------------------------------------------------------------------


def publish(meeting: Meeting, *, by: Actor) -> int:
    """Tell every applicant what was decided, all in one transaction.

    A dossier withdrawn since the act is not announced, and its money returns to the envelope. Returns how many letters
    wait to leave about the dossiers that the person may know of.
    """
    _hold(meeting)
    call, at, recused = meeting.call, clock.now(), _recused_from(meeting.call, by)
    journal.advance(LIFECYCLE, meeting, "publish", by=by, recused=recused)
    meeting.published_at = at
    released, notified, known = NOTHING, 0, 0
    _hold_dossiers(meeting)
    for decision in queries.decisions_of(meeting.id):
        application = decision.application
        if application.state is not ApplicationState.ELIGIBLE:
            released += decision.amount
            journal.record("decision.released", decision, by=by, amount=decision.amount.cents)
            continue
        journal.advance(APPLICATION, application, "award" if decision.granted else "decline", by=by)
        is_notified = letters.announce(decision, by=by)
        notified += is_notified
        known += is_notified and str(application.id) not in recused
    call.results_published_at = at
    journal.record("call.results_published", call, by=by, letters=notified)
    db.session.flush()
    move_envelope(call, -released)
    return known


# ---- the end of the call -------------------------------------------------------------------------------------------


def archive(call: Call, *, by: Actor) -> None:
    """Put a call away. Raises RefusedError while it is open, and while one of its dossiers waits for its result."""
    db.session.refresh(call, with_for_update=True)
    reason = why_not_archive(call, by)
    if reason is not None:
        raise RefusedError(reason)
    if queries.count_of(call.id, *UNDER_WAY):
        raise RefusedError(str(_ANOTHER_PERSON))
    journal.advance(CALL, call, "archive", by=by, code=call.code)


def why_not_archive(call: Call, by: Actor) -> str | None:
    """None when nothing that the person may know of keeps a call from being put away, else what is still to do."""
    reason = CALL.why_not(call, "archive")
    if reason is not None:
        return str(reason)
    if call.closes_at is None or clock.now() <= call.closes_at:
        return _("Cet appel n’est pas encore clos : il ne peut pas être archivé.")
    extended = _why_extended(call)
    if extended is not None:
        return extended
    meeting = queries.meeting_of(call.id)
    if meeting is not None and meeting.state is not MeetingState.PUBLISHED:
        return _("La séance de cet appel n’est pas terminée : publiez d’abord ses résultats.")
    waiting = queries.count_of(call.id, *UNDER_WAY, seen_by=by)
    if waiting:
        return n_(
            "%(num)s dossier de cet appel attend encore sa décision.",
            "%(num)s dossiers de cet appel attendent encore leur décision.",
            waiting,
        )
    return None
