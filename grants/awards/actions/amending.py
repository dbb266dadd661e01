"""Records the amendment by which alone a schedule changes once engaged, of payments or of repayments."""

from dataclasses import dataclass
from datetime import date

from grants.awards import queries
from grants.awards.models import Amendment, Award
from grants.kernel import clock, journal
from grants.kernel.actor import Actor
from grants.kernel.db import db
from grants.kernel.errors import InvalidError, RefusedError
from grants.kernel.words import _


@dataclass(frozen=True)
class AmendmentGiven:
    """The amendment that changes an engaged schedule, as somebody recorded it."""

    number: str
    signed_on: date
    reason: str


def recorded(award: Award, given: AmendmentGiven | None, *, by: Actor) -> Amendment | None:
    """Record the amendment that a change of an engaged schedule asks for; None while the schedule is free.

    Raises RefusedError without one, InvalidError for an impossible day or a number that is known.
    """
    since = queries.schedule_engaged_on(award)
    if since is None:
        return None
    if given is None:
        raise RefusedError(
            _(
                "L’attribution est engagée : son échéancier ne change que par un avenant. "
                "Donnez le numéro de l’avenant, la date de sa signature et sa raison."
            )
        )
    if not since <= given.signed_on <= clock.today():
        raise InvalidError(
            _("L’avenant ne peut être signé ni avant la convention ou l’engagement, ni dans le futur."),
            field="signed_on",
        )
    if queries.is_amendment_known(award.id, given.number):
        raise InvalidError(_("Un avenant de ce numéro est déjà enregistré."), field="number")
    made = Amendment(
        award_id=award.id,
        award=award,
        number=given.number,
        signed_on=given.signed_on,
        reason=given.reason,
        written_at=clock.now(),
        written_by=by.id,
    )
    db.session.add(made)
    db.session.flush()
    journal.record("award.amended", award, by=by, number=given.number, on=given.signed_on.isoformat())
    return made
