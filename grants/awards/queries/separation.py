"""Who acted on a sum before, and who may therefore not act on it now (decision 15)."""

from enum import StrEnum
from typing import TypeAlias
from uuid import UUID

from sqlalchemy import Select, Uuid, literal, select, union_all

from grants.awards import rules
from grants.awards.lifecycle import AWARD, BANK, INSTALMENT, RECEIVABLE, REPORT, BankState
from grants.awards.models import Award, BankDetails, Instalment, Receivable, Report
from grants.awards.queries.states import OVER, STILL_OPEN, UNPAID
from grants.awards.rules import Link, PastAct
from grants.kernel.db import db
from grants.kernel.journal import Entry
from grants.kernel.transaction_cache import cached_in_transaction
from grants.kernel.words import LazyString
from grants.people import queries as people
from grants.permissions import P

Followed: TypeAlias = Award | BankDetails | Instalment | Receivable | Report
# The link of a chain that each permission is.
LINKS: dict[str, Link] = {
    P.INSTALMENT_PLAN: Link.DUE,
    P.REPORT_DECIDE: Link.DUE,
    P.BANK_DETAILS_GIVE: Link.ACCOUNT,
    P.BANK_DETAILS_CONFIRM: Link.CHECK,
    P.PAYMENT_PREPARE: Link.PREPARE,
    P.PAYMENT_APPROVE: Link.APPROVE,
    P.PAYMENT_STOP: Link.APPROVE,
    P.PAYMENT_RECORD: Link.RECORD,
}
# The link that each line of the journal was an act of; a move without a page of its own follows from another one.
ACTS: dict[str, Link] = {
    f"{machine.name}.{move.verb}": LINKS[move.permission]
    for machine in (AWARD, BANK, INSTALMENT, RECEIVABLE, REPORT)
    for move in machine.moves
    if move.endpoint is not None and move.permission in LINKS
} | {
    "award.repayments_planned": Link.DUE,
    "bank_details.given": Link.ACCOUNT,
    "receivable.prepared": Link.PREPARE,
}


def why_not_act(account_id: UUID | None, thing: object, permission: StrEnum) -> LazyString | None:
    """The reason why a person may not act under a permission on a sum, because of who acted on it before, or None.

    The one rule of every act from the schedule to the last receipt, asked by the view's permission, by the page and by
    the act.
    """
    if account_id is None or not isinstance(thing, Followed):
        return None
    past_acts = cached_in_transaction(("past_acts", account_id, thing.id), lambda: _past_acts_of(thing, account_id))
    return rules.why_not_act(LINKS[permission], past_acts, approves=permission == P.PAYMENT_APPROVE)


def _past_acts_of(thing: Followed, account_id: UUID) -> list[PastAct]:
    """Who acted on a thing and on what it follows from, as the journal says, in one statement."""
    ids = union_all(*_followed(thing)).subquery()
    rows = db.session.execute(
        select(Entry.event, Entry.actor_id, people.is_office_between(account_id, Entry.actor_id).label("is_tied"))
        .join(ids, ids.c.id == Entry.subject_id)
        .where(Entry.actor_id.is_not(None), Entry.event.in_(ACTS))
        .distinct()
    )
    return [PastAct(ACTS[row.event], row.actor_id == account_id, row.is_tied) for row in rows]


def _followed(thing: Followed) -> list[Select[UUID]]:
    """The ids of a thing and of what it follows from or decides: the award and its report, the account, open sums."""
    ids = [select(literal(thing.id, Uuid()).label("id"))]
    if isinstance(thing, BankDetails):
        return ids
    award_id = thing.id if isinstance(thing, Award) else thing.award_id
    ids += [select(literal(award_id, Uuid())), select(Report.id).where(Report.award_id == award_id)]
    if isinstance(thing, Award | Report):
        open_states = (*STILL_OPEN, *UNPAID)
        ids += [
            select(Instalment.id).where(Instalment.award_id == award_id, Instalment.state.in_(open_states)),
            select(Receivable.id).where(Receivable.award_id == award_id, Receivable.state.not_in(OVER)),
        ]
    if isinstance(thing, Instalment) and thing.bank_details_id is not None:
        return [*ids, select(literal(thing.bank_details_id, Uuid()))]
    if not isinstance(thing, Receivable):
        organisation_id = (thing if isinstance(thing, Award) else thing.award).organisation_id
        account = select(BankDetails.id).where(BankDetails.organisation_id == organisation_id)
        ids.append(account.where(BankDetails.state == BankState.CONFIRMED))
    return ids
