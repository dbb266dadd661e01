"""Bank details: which are in use, which wait for a check, who is warned of a change."""

from collections.abc import Mapping, Sequence
from datetime import date
from uuid import UUID

from sqlalchemy import ColumnElement, and_, exists, func, or_, select
from sqlalchemy.orm import aliased

from grants.awards import rules
from grants.awards.lifecycle import BankState, InstalmentState
from grants.awards.models import BankDetails, Instalment
from grants.awards.queries.states import UNPAID
from grants.kernel import clock
from grants.kernel.actor import Actor
from grants.kernel.db import db
from grants.kernel.journal import Entry
from grants.kernel.paging import Order, Page
from grants.kernel.transaction_cache import cached_in_transaction
from grants.kernel.words import LazyString
from grants.people.models import Account, Membership, Organisation
from grants.reviewing import queries as reviewing

BANK_WAITING = (BankState.GIVEN, BankState.CHECKED)
_given, _handed = aliased(Entry), aliased(Entry)
_GIVEN_SEQ = func.coalesce(
    select(func.max(_given.seq))
    .where(_given.event == "bank_details.given", _given.subject_id == BankDetails.id)
    .correlate(BankDetails)
    .scalar_subquery(),
    0,
)
# The lines say which came first, whatever the clocks said.
HANDED_OVER = (
    exists()
    .where(
        _handed.event == "organisation.handed_over",
        _handed.subject_id == BankDetails.organisation_id,
        _handed.seq > _GIVEN_SEQ,
    )
    .correlate(BankDetails)
)
IN_USE = and_(BankDetails.state == BankState.CONFIRMED, ~HANDED_OVER)


def bank_details_of(organisation_id: UUID) -> Sequence[BankDetails]:
    """A body's bank details, newest first."""
    statement = select(BankDetails).where(BankDetails.organisation_id == organisation_id)
    return db.session.scalars(statement.order_by(BankDetails.given_at.desc(), BankDetails.id)).all()


def confirmed_bank_details(organisation_id: UUID) -> BankDetails | None:
    """The bank details in use: two people confirmed them, and the body was not handed over since; or None."""
    return db.session.scalar(select(BankDetails).where(BankDetails.organisation_id == organisation_id, IN_USE))


def why_not_use(details: BankDetails | None) -> LazyString | None:
    """The reason why nothing may be paid to bank details, nor a check of them count: their body was handed over since
    they were given. One statement a transaction for all those of a body."""
    if details is None:
        return None
    before = select(BankDetails.id).where(BankDetails.organisation_id == details.organisation_id, HANDED_OVER)
    key = "given_before_handed_over", details.organisation_id
    known = cached_in_transaction(key, lambda: set(db.session.scalars(before)))
    return rules.HANDED_OVER if details.id in known else None


def why_not_pay_to(instalment: Instalment) -> LazyString | None:
    """The reason why a payment under way goes no further: the account it was prepared for was replaced, or its body
    was handed over, since."""
    details = instalment.bank_details
    if details is None or instalment.state is InstalmentState.PAID:
        return None
    if details.state is BankState.CONFIRMED:
        return why_not_use(details)
    return rules.REPLACED_SINCE_ORDERED if instalment.state in UNPAID else rules.REPLACED


def unused_since(details: BankDetails) -> date | None:
    """The day from which nothing may be paid to an account: it was replaced, or its body handed over; None in use."""
    handed_over = db.session.scalar(
        select(func.min(Entry.at))
        .join(BankDetails, BankDetails.organisation_id == Entry.subject_id)
        .where(BankDetails.id == details.id, Entry.event == "organisation.handed_over")
        .where(Entry.seq > _GIVEN_SEQ)
    )
    replaced = details.settled_at if details.state is BankState.REPLACED else None
    known = [at for at in (handed_over, replaced) if at is not None]
    return clock.day_of(min(known)) if known else None


BANK_VIEWS: dict[str, ColumnElement[bool]] = {
    "waiting": and_(BankDetails.state.in_(BANK_WAITING), ~HANDED_OVER),
    "confirmed": IN_USE,
    "past": or_(BankDetails.state.in_((BankState.REFUSED, BankState.REPLACED)), HANDED_OVER),
}


def bank_inbox(by: Actor, view: str, *, after: str | None = None, before: str | None = None) -> Page:
    """A page of bank details: those that wait, those in use, or those of the past; the first given first.

    Those given before their body was handed over are of the past.
    """
    giver, first, second = aliased(Account), aliased(Account), aliased(Account)
    statement = (
        select(
            BankDetails.id, BankDetails.holder, BankDetails.iban_last4, BankDetails.state, BankDetails.given_at,
            BankDetails.given_by, BankDetails.first_by, Organisation.name, giver.name.label("giver"),
            first.name.label("first"), second.name.label("second"),
        )
        .join(Organisation, Organisation.id == BankDetails.organisation_id)
        .join(giver, giver.id == BankDetails.given_by)
        .outerjoin(first, first.id == BankDetails.first_by)
        .outerjoin(second, second.id == BankDetails.second_by)
        .where(BANK_VIEWS[view], BankDetails.organisation_id.not_in(reviewing.tied_to(by.id)))
    )  # fmt: skip
    return Order(BankDetails.given_at, BankDetails.id).page(statement, after=after, before=before)


def bank_counts(by: Actor) -> Mapping[str, int]:
    """How many bank details each view holds for a person, in one statement."""
    columns = [func.count().filter(condition).label(view) for view, condition in BANK_VIEWS.items()]
    counted = select(*columns).select_from(BankDetails)
    known = BankDetails.organisation_id.not_in(reviewing.tied_to(by.id))
    return dict(db.session.execute(counted.where(known)).mappings().one())


def others_with(details: BankDetails) -> Sequence[str]:
    """Other organisations that gave the same account: a sign to look twice at."""
    return db.session.scalars(
        select(Organisation.name)
        .join(BankDetails, BankDetails.organisation_id == Organisation.id)
        .where(BankDetails.iban_digest == details.iban_digest, BankDetails.organisation_id != details.organisation_id)
        .distinct()
        .order_by(Organisation.name)
    ).all()


def members_of(organisation_id: UUID) -> list[tuple[str, str]]:
    """The addresses and languages of the people who act for an organisation and can sign in."""
    rows = db.session.execute(
        select(Account.email, Account.locale)
        .join(Membership, Membership.account_id == Account.id)
        .where(Membership.organisation_id == organisation_id, Account.active)
        .order_by(Account.email)
    )
    return [(row.email, row.locale) for row in rows]


def warned_of_bank_details(organisation: Organisation) -> list[tuple[str, str]]:
    """Whom a change of bank details is told to: members, the organisation's own addresses, earlier givers."""
    earlier = db.session.execute(
        select(Account.email, Account.locale)
        .join(BankDetails, BankDetails.given_by == Account.id)
        .where(BankDetails.organisation_id == organisation.id)
        .order_by(Account.email)
    )
    written_to = [
        *members_of(organisation.id),
        *((row.email, row.locale) for row in earlier),
        (organisation.email, "fr"),
        (organisation.representative_email, "fr"),
    ]
    found: dict[str, tuple[str, str]] = {}
    for address, locale in written_to:
        if address:
            found.setdefault(address.lower(), (address, locale))
    return list(found.values())
