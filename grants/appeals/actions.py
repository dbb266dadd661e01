"""What people do with appeals: lodge, withdraw, reject, send to the deliberative body, record what it voted."""

from collections.abc import Sequence
from datetime import timedelta

from grants.appeals import letters, queries, rules
from grants.appeals.lifecycle import LIFECYCLE
from grants.appeals.models import Appeal, AppealFile
from grants.appeals.rules import NewVote
from grants.applications.models import Application
from grants.kernel import clock, journal, uploads
from grants.kernel.actor import Actor
from grants.kernel.db import db
from grants.kernel.errors import ForbiddenError, InvalidError, MissingError, RefusedError, ThrottledError
from grants.kernel.uploads import Given
from grants.kernel.versions import refuse_changed
from grants.kernel.words import _
from grants.programme import queries as programme


def lodge(application: Application, reasons: str, files: Sequence[Given] = (), *, by: Actor) -> Appeal:
    """Lodge an appeal on the published decision of an application; its receipt tells when its answer is due.

    Raises MissingError before the publication, RefusedError when it is too late, or there is nothing to contest;
    InvalidError on the field at fault (files).
    """
    db.session.refresh(application, with_for_update=True)
    contest = queries.contest_of(application)
    if contest is None or by.id is None:
        raise MissingError
    if contest.why_not is not None:
        raise RefusedError(str(contest.why_not))
    if queries.lodged_since(application.id, clock.now() - timedelta(days=1)) >= rules.MOST_A_DAY:
        raise ThrottledError(_("Trop de recours retirés aujourd’hui. Réessayez demain."), retry_after=3600)
    if len(files) > rules.MOST_FILES:
        raise InvalidError(_("Joignez %(most)s fichiers au plus.", most=rules.MOST_FILES), field="files")
    place = {"organisation_id": application.organisation_id, "dossier_id": application.id}
    stored = [uploads.accept(file, by=by, field="files", **place) for file in files]
    at = clock.now()
    appeal = Appeal(
        application_id=application.id, application=application, decision_id=contest.decision.id,
        decision=contest.decision, decided=contest.decision.amount, reasons=reasons, lodged_at=at, lodged_by=by.id,
        answer_due_on=programme.due_on(rules.SILENCE, clock.day_of(at, application.call.fund.zone)),
    )  # fmt: skip
    db.session.add(appeal)
    db.session.flush()
    db.session.add_all(AppealFile(appeal_id=appeal.id, file_id=file.id) for file in stored)
    db.session.flush()
    journal.record("appeal.lodged", appeal, by=by, answer_due_on=appeal.answer_due_on, files=len(stored))
    letters.lodged(appeal, stored, by=by)
    return appeal


def withdraw(appeal: Appeal, *, by: Actor) -> None:
    """Take an appeal back; another may be lodged while the period lasts. Raises RefusedError once it is answered."""
    _hold(appeal)
    journal.advance(LIFECYCLE, appeal, "withdraw", by=by)
    appeal.withdrawn_at = clock.now()
    db.session.flush()
    letters.withdrawn(appeal)


def reject(appeal: Appeal, answer: str, *, version: int | None, by: Actor) -> None:
    """Answer that the decision stands. Raises ForbiddenError for whoever decided it, RefusedError once answered,
    ConflictError on a stale page."""
    _begin(appeal, answer, version, by)
    journal.advance(LIFECYCLE, appeal, "reject", by=by, late=queries.is_silent(appeal))
    _answered(appeal, answer, by)


def refer(appeal: Appeal, why: str, *, version: int | None, by: Actor) -> None:
    """Send an appeal to the deliberative body, which alone changes its decision. Raises as `reject`."""
    _begin(appeal, why, version, by)
    journal.advance(LIFECYCLE, appeal, "refer", by=by, late=queries.is_silent(appeal))
    appeal.referral, appeal.referred_at, appeal.referred_by = why, clock.now(), by.id
    db.session.flush()
    letters.referred(appeal)


def record_vote(appeal: Appeal, vote: NewVote, *, version: int | None, by: Actor) -> None:
    """Record what the deliberative body voted on an appeal that was sent to it, and answer the organisation.

    Raises InvalidError on the field at fault (amount, act_on), and as `reject`.
    """
    _begin(appeal, vote.reason, version, by)
    if appeal.referred_at is None or not appeal.is_referred:
        raise RefusedError(_("Ce recours n’est pas renvoyé à l’assemblée : il n’y a pas de vote à enregistrer."))
    zone = appeal.application.call.fund.zone
    wrong_day = rules.why_not_act_day(
        vote.act_on, referred_on=clock.day_of(appeal.referred_at, zone), today=clock.today(zone)
    )
    if wrong_day is not None:
        raise InvalidError(str(wrong_day), field="act_on")
    decided, requested = appeal.decided, queries.requested_of(appeal.application, appeal.decision)
    wrong = rules.why_not_vote(vote.amount, decided=decided, requested=requested)
    if wrong is not None:
        raise InvalidError(str(wrong), field="amount")
    verb = rules.verb_of(vote.amount, decided=decided, requested=requested)
    journal.advance(
        LIFECYCLE, appeal, verb, by=by, number=vote.act_number, on=vote.act_on.isoformat(), amount=vote.amount.cents
    )
    appeal.act_number, appeal.act_on, appeal.act_body = vote.act_number, vote.act_on, vote.act_body
    appeal.voted = vote.amount
    _answered(appeal, vote.reason, by)


def _begin(appeal: Appeal, text: str, version: int | None, by: Actor) -> None:
    """Hold an appeal for an answer of a person who may give one."""
    _hold(appeal)
    reason = queries.why_not_answer(by.id, appeal)
    if reason is not None:
        raise ForbiddenError(str(reason))
    if appeal.is_open:
        refuse_changed(appeal.version, version, (_("Raisons"), text, appeal.referral or ""))


def _hold(appeal: Appeal) -> None:
    """Read an appeal as it is now and keep others from moving it until this transaction ends."""
    db.session.refresh(appeal, with_for_update=True)


def _answered(appeal: Appeal, answer: str, by: Actor) -> None:
    appeal.answer, appeal.answered_at, appeal.answered_by = answer, clock.now(), by.id
    db.session.flush()
    letters.answered(appeal, by=by)
