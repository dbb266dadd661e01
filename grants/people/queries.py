"""Questions about people: who is acting, what they hold, whom they act for."""

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Date,
    Select,
    Subquery,
    Uuid,
    and_,
    bindparam,
    exists,
    func,
    literal,
    or_,
    select,
    union_all,
)
from sqlalchemy.orm import InstrumentedAttribute, aliased, joinedload

from grants.kernel import clock
from grants.kernel.actor import Actor
from grants.kernel.db import db
from grants.kernel.journal import Entry
from grants.kernel.outbox import Letter
from grants.kernel.paging import Order, Page
from grants.kernel.refusals import RefusedAddress
from grants.kernel.search import MOST_WORDS, matches
from grants.kernel.text import clean_line
from grants.people import rules
from grants.people.models import (
    Account,
    Appointment,
    CalendarLink,
    FormerMembership,
    Invitation,
    MemberRole,
    Membership,
    Nomination,
    Organisation,
    Role,
    SignIn,
)

MOST_REFUSED = 500  # addresses shown on one page

# ---- who is acting -------------------------------------------------------------------------------------------------


def held_on(day: date | BindParameter[date]) -> ColumnElement[bool]:
    """The appointments in force on a day."""
    return (Appointment.since_on <= day) & or_(Appointment.until_on.is_(None), Appointment.until_on >= day)


# Asked by every request: the statements are told once.
_FACTS = (
    select(Appointment.role.label("office"), Membership.organisation_id, Membership.role.label("member_role"))
    .select_from(Account)
    .outerjoin(Appointment, (Appointment.account_id == Account.id) & held_on(bindparam("today", type_=Date)))
    .outerjoin(Membership, Membership.account_id == Account.id)
)
_ACTOR = _FACTS.where(Account.id == bindparam("account_id"))
_OPEN_SESSION = (
    _FACTS.add_columns(SignIn.id, SignIn.started_at, SignIn.last_seen_at, Account)
    .join(SignIn, SignIn.account_id == Account.id)
    .where(SignIn.secret == bindparam("secret"), SignIn.ended_at.is_(None))
    .where(Account.fs_uniquifier == bindparam("uniquifier"), Account.active)
)


def actor_of(account: Account) -> Actor:
    """The facts rules need about a person, in one query: offices held today, organisations they act for."""
    return _actor(account, db.session.execute(_ACTOR, {"account_id": account.id, "today": clock.today()}).all())


def actor_by_id(account_id: UUID) -> Actor | None:
    """The same of an open account; None for any other."""
    account = db.session.scalar(select(Account).where(Account.id == account_id, Account.active))
    return actor_of(account) if account is not None else None


def _actor(account: Account, rows: Sequence[Any]) -> Actor:
    return Actor(
        id=account.id,
        name=account.name,
        email=account.email,
        roles=frozenset(row.office.value for row in rows if row.office is not None),
        organisations={row.organisation_id: row.member_role.value for row in rows if row.organisation_id is not None},
        confirmed=account.confirmed_at is not None,
        locale=account.locale,
        generation=_generation(account.fs_uniquifier, account.password),
    )


def generation_of(account_id: UUID) -> str | None:
    """What changes with the password of an open account, and when all its sessions are ended at once."""
    known = select(Account.fs_uniquifier, Account.password).where(Account.id == account_id, Account.active)
    row = db.session.execute(known).one_or_none()
    return _generation(row.fs_uniquifier, row.password) if row is not None else None


def _generation(uniquifier: str, password: str | None) -> str:
    return hashlib.sha256(f"{uniquifier} {password or ''}".encode()).hexdigest()


def roles_of(account_id: UUID) -> list[str]:
    """The offices held today."""
    held = select(Appointment.role).where(Appointment.account_id == account_id, held_on(clock.today()))
    return sorted({role.value for role in db.session.scalars(held)})


def account_by_email(email: str) -> Account | None:
    """The account of an address, however it is typed: it is looked up in the form in which addresses are kept."""
    try:
        address = rules.email_of(clean_line(email, rules.EMAIL_MAX) or "")
    except ValueError:
        return None
    return db.session.scalar(select(Account).where(Account.email == address))


# ---- sessions ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class OpenSession:
    """What a cookie stands for: the account, the person as rules see them, the session, when that was last seen."""

    id: UUID
    account: Account
    actor: Actor
    started_at: datetime
    last_seen_at: datetime

    @property
    def is_staff(self) -> bool:
        """Whether the person holds an office today."""
        return bool(self.actor.roles)


def digest_of(secret: str) -> str:
    """What the database keeps of a secret that somebody else holds."""
    return hashlib.sha256(secret.encode()).hexdigest()


def open_session(secret: str, uniquifier: str) -> OpenSession | None:
    """The session of a cookie, in one query; None when it was ended, has lapsed, or its account is closed."""
    cookie = {"secret": digest_of(secret), "uniquifier": uniquifier, "today": clock.today()}
    rows = db.session.execute(_OPEN_SESSION, cookie).all()
    if not rows:
        return None
    row = rows[0]
    found = OpenSession(row.id, row.Account, _actor(row.Account, rows), row.started_at, row.last_seen_at)
    has_lapsed = rules.has_lapsed(found.started_at, found.last_seen_at, clock.now(), is_staff=found.is_staff)
    return None if has_lapsed else found


def open_sign_ins(account_id: UUID) -> list[SignIn]:
    """The sessions of a person that still live, the last used first."""
    is_staff, at = bool(roles_of(account_id)), clock.now()
    rows = db.session.scalars(
        select(SignIn)
        .where(SignIn.account_id == account_id, SignIn.ended_at.is_(None))
        .where(SignIn.started_at > at - rules.APPLICANT_SESSION.absolute)
        .order_by(SignIn.last_seen_at.desc(), SignIn.id)
    )
    return [row for row in rows if not rules.has_lapsed(row.started_at, row.last_seen_at, at, is_staff=is_staff)]


def calendar_link_of(account_id: UUID | None) -> CalendarLink | None:
    """The address of a person's calendar, when they made one."""
    return db.session.get(CalendarLink, account_id) if account_id is not None else None


def account_of_calendar(secret: str) -> Account | None:
    """Whose calendar an address is; None for an address that is none any more, and for a closed account."""
    known = select(CalendarLink.account_id).where(CalendarLink.secret == digest_of(secret))
    return db.session.scalar(select(Account).where(Account.id.in_(known), Account.active))


# ---- addresses that refuse our letters ------------------------------------------------------------------------------


@dataclass(frozen=True)
class RefusedLetters:
    """An address of an organisation at which letters do not arrive: whose it is ("" for the organisation's own)."""

    organisation_id: UUID
    organisation: str
    person: str
    address: str
    since_at: datetime
    status: str


def refused_letters(organisations: Collection[UUID] | None = None) -> list[RefusedLetters]:
    """Where letters to organisations do not arrive, of the people who act for them or their own addresses, the oldest
    first; of some organisations, else of all. One statement, none for no organisation."""
    if organisations is not None and not organisations:
        return []
    rows = _refused_rows(*([] if organisations is None else [Organisation.id.in_(list(organisations))]))
    ordered = select(rows).order_by(rows.c.since_at, rows.c.organisation, rows.c.person.desc()).limit(MOST_REFUSED)
    return [RefusedLetters(*row) for row in db.session.execute(ordered)]


def _refused_rows(*only: ColumnElement[bool]) -> Subquery:
    """The addresses of organisations that refuse our letters, as rows of `RefusedLetters`."""
    columns = Organisation.id, Organisation.name.label("organisation")
    found = RefusedAddress.address, RefusedAddress.since_at, RefusedAddress.status
    refusing = RefusedAddress.cleared_at.is_(None)
    of_people = (
        select(*columns, Account.name.label("person"), *found)
        .join(Membership, Membership.organisation_id == Organisation.id)
        .join(Account, Account.id == Membership.account_id)
        .join(RefusedAddress, RefusedAddress.address == Account.email)
        .where(refusing, Account.active)
    )
    own = func.lower(Organisation.email), func.lower(Organisation.representative_email)
    of_cards = select(*columns, literal("").label("person"), *found).join(
        RefusedAddress, RefusedAddress.address.in_(own)
    )
    return union_all(of_people.where(*only), of_cards.where(refusing, *only)).subquery()


def refused_of(actor: Actor) -> list[RefusedAddress]:
    """The addresses that refuse our letters and that a person may have checked: their own, and those on the card of
    the organisations they act for. One statement."""
    card = Organisation.id.in_(list(actor.organisations))
    mine = union_all(
        select(Account.email).where(Account.id == actor.id),
        select(func.lower(Organisation.email)).where(card),
        select(func.lower(Organisation.representative_email)).where(card),
    )
    known = select(RefusedAddress).where(RefusedAddress.cleared_at.is_(None), RefusedAddress.address.in_(mine))
    return list(db.session.scalars(known.order_by(RefusedAddress.since_at, RefusedAddress.address)))


def refused_organisations() -> Select[int]:
    """How many organisations letters do not reach, at one of their addresses at least: a statement, for a page that
    counts more."""
    return select(func.count(func.distinct(_refused_rows().c.id)))


# ---- organisations -------------------------------------------------------------------------------------------------


def memberships_of(account_id: UUID) -> Sequence[Any]:
    """The organisations a person acts for: id, name, city, role."""
    return db.session.execute(
        select(Organisation.id, Organisation.name, Organisation.city, Membership.role)
        .join(Membership, Membership.organisation_id == Organisation.id)
        .where(Membership.account_id == account_id)
        .order_by(Organisation.sort_key, Organisation.id)
    ).all()


def members_of(organisation_id: UUID) -> Sequence[Any]:
    """Who acts for an organisation: membership id, account id, name, email, role, since when."""
    return db.session.execute(
        select(
            Membership.id,
            Membership.account_id,
            Membership.role,
            Membership.since_at,
            Membership.version,
            Account.name,
            Account.email,
        )
        .join(Account, Account.id == Membership.account_id)
        .where(Membership.organisation_id == organisation_id)
        .order_by(Account.sort_key, Account.id)
    ).all()


def active_members(organisation_id: UUID) -> Sequence[Account]:
    """The people who act for an organisation and can still sign in."""
    return db.session.scalars(
        select(Account)
        .join(Membership, Membership.account_id == Account.id)
        .where(Membership.organisation_id == organisation_id, Account.active)
        .order_by(Account.id)
    ).all()


def owners_of(organisation_id: UUID) -> Sequence[Account]:
    """The people responsible for an organisation who can still sign in."""
    return db.session.scalars(
        select(Account)
        .join(Membership, Membership.account_id == Account.id)
        .where(Membership.organisation_id == organisation_id, Membership.role == MemberRole.OWNER, Account.active)
        .order_by(Account.id)
    ).all()


def places_of_owners(organisation_id: UUID) -> Sequence[Membership]:
    """The places of the people responsible for an organisation, also of those whose account is closed."""
    return db.session.scalars(
        select(Membership)
        .options(joinedload(Membership.account))
        .where(Membership.organisation_id == organisation_id, Membership.role == MemberRole.OWNER)
        .order_by(Membership.account_id)
    ).all()


def pending_invitations(organisation_id: UUID) -> Sequence[Invitation]:
    """The invitations that wait for an answer, the latest first."""
    return db.session.scalars(
        select(Invitation)
        .where(Invitation.organisation_id == organisation_id, Invitation.accepted_at.is_(None))
        .where(Invitation.expires_at > clock.now())
        .order_by(Invitation.invited_at.desc(), Invitation.id)
    ).all()


@dataclass(frozen=True)
class Reached:
    """Since when each limit of a day on invitations is reached, None while it is not: the instant of the invitation
    that must be a day old before another one may leave."""

    by_organisation: datetime | None
    by_person: datetime | None
    to_address: datetime | None


def invitations_reached(
    since: datetime, organisation_id: UUID, person_id: UUID | None, address: str, *, most: int, most_to_address: int
) -> Reached:
    """Whether an organisation and a person have sent, and an address received, as many invitations as they may."""
    found: list[Any] = [
        _the_last_but(select(Invitation.invited_at).where(whose), Invitation.invited_at, since, limit).scalar_subquery()
        for whose, limit in (
            (Invitation.organisation_id == organisation_id, most),
            (Invitation.invited_by == person_id, most),
            (Invitation.email == address, most_to_address),
        )
    ]
    return Reached(*db.session.execute(select(*found)).one())


def organisations_reached(since: datetime, person_id: UUID | None, *, most: int) -> datetime | None:
    """Whether a person has made known as many organisations as they may: the instant of the one that must be older."""
    made = select(Entry.at).where(Entry.event == "organisation.created", Entry.actor_id == person_id)
    return db.session.scalar(_the_last_but(made, Entry.at, since, most))


def _the_last_but(
    statement: Select[datetime], at: InstrumentedAttribute[datetime], since: datetime, limit: int
) -> Select[datetime]:
    """The instant of the first of the last `limit` of some things since an instant; nothing when there are fewer."""
    return statement.where(at > since).order_by(at.desc()).offset(limit - 1).limit(1)


def is_responsible(account_id: UUID, organisation_id: UUID) -> bool:
    """Whether somebody is responsible for an organisation today and can sign in under a confirmed address."""
    return (
        db.session.scalar(
            select(literal(value=True))
            .select_from(Membership)
            .join(Account, Account.id == Membership.account_id)
            .where(Membership.account_id == account_id, Membership.organisation_id == organisation_id)
            .where(Membership.role == MemberRole.OWNER, Account.active, Account.confirmed_at.is_not(None))
        )
        is not None
    )


def had_members(organisation_id: UUID) -> bool:
    """Whether anybody ever acted for an organisation; nobody did for one that the fund entered from paper alone."""
    acted = (select(literal(value=True)).where(kind.organisation_id == organisation_id)
             for kind in (Membership, FormerMembership))  # fmt: skip
    return any(db.session.scalar(each.limit(1)) is not None for each in acted)


def is_orphaned(number: str) -> bool:
    """Whether the organisation that carries a number has nobody left who is responsible for it."""
    organisation = organisation_by_number(rules.number_of(number))
    return organisation is not None and not owners_of(organisation.id)


def invitation_by_secret(secret: str) -> Invitation | None:
    """The invitation of a link, whatever became of it."""
    return db.session.scalar(select(Invitation).where(Invitation.secret == digest_of(secret)))


def organisation_by_number(number: str) -> Organisation | None:
    """The organisation that carries a SIRET or an RNA number."""
    return db.session.scalar(select(Organisation).where(or_(Organisation.siret == number, Organisation.rna == number)))


def membership(account_id: UUID | None, organisation_id: UUID) -> Membership | None:
    """The place of a person in an organisation."""
    return db.session.scalar(
        select(Membership).where(Membership.account_id == account_id, Membership.organisation_id == organisation_id)
    )


def account(account_id: UUID) -> Account:
    """The account of an id. Raises NoResultFound for none."""
    return db.session.get_one(Account, account_id)


def name_of(account_id: UUID) -> str:
    """What a person is called."""
    return db.session.scalar(select(Account.name).where(Account.id == account_id)) or ""


# ---- administration ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Person:
    """A line of the list of people."""

    id: UUID
    name: str
    email: str
    active: bool
    confirmed: bool
    created_at: datetime
    roles: tuple[Role, ...]


def people(
    *, words: str = "", role: str = "", only: str = "", after: str | None = None, before: str | None = None
) -> Page:
    """A page of accounts by name, with the offices held today, in two queries."""
    page = Order(Account.sort_key, Account.id).page(_people_where(words, role, only), after=after, before=before)
    held: dict[UUID, list[Role]] = {}
    for account_id, office in db.session.execute(
        select(Appointment.account_id, Appointment.role)
        .where(Appointment.account_id.in_([row.id for row in page.rows]), held_on(clock.today()))
        .order_by(Appointment.role, Appointment.id)
    ):
        held.setdefault(account_id, []).append(office)
    lines = [
        Person(
            row.id, row.name, row.email, row.active, row.confirmed_at is not None, row.created_at,
            tuple(dict.fromkeys(held.get(row.id, []))),
        )
        for row in page.rows
    ]  # fmt: skip
    return replace(page, rows=lines)


def _people_where(words: str, role: str, only: str) -> Any:
    columns = (Account.id, Account.name, Account.email, Account.active, Account.confirmed_at, Account.created_at)
    wanted = select(*columns)
    for word in words.split()[:MOST_WORDS]:
        addressed = Account.email.contains(rules.address_part(word), autoescape=True)
        wanted = wanted.where(or_(and_(*matches(word, Account.sort_key)), addressed))
    office = select(Appointment.account_id).where(held_on(clock.today()))
    if role in {kind.value for kind in Role}:
        wanted = wanted.where(Account.id.in_(office.where(Appointment.role == Role(role))))
    elif role == "staff":
        wanted = wanted.where(Account.id.in_(office))
    if only == "closed":
        wanted = wanted.where(Account.active.is_(False))
    elif only == "unconfirmed":
        wanted = wanted.where(Account.confirmed_at.is_(None))
    return wanted


def appointments_of(account_id: UUID) -> list[Appointment]:
    """Every office a person holds, held or will hold, the latest first."""
    return list(
        db.session.scalars(
            select(Appointment)
            .where(Appointment.account_id == account_id)
            .order_by(Appointment.since_on.desc(), Appointment.role, Appointment.id)
        )
    )


def holds(account_id: UUID, role: Role, *, besides: UUID | None = None) -> bool:
    """Whether a person holds an office today, by another appointment than `besides`."""
    held = select(Appointment.id).where(
        Appointment.account_id == account_id, Appointment.role == role, held_on(clock.today())
    )
    if besides is not None:
        held = held.where(Appointment.id != besides)
    return db.session.scalar(held.limit(1)) is not None


def in_office(role: Role) -> Sequence[Account]:
    """The people who hold an office today and can sign in."""
    held = select(Appointment.account_id).where(Appointment.role == role, held_on(clock.today()))
    return db.session.scalars(select(Account).where(Account.id.in_(held), Account.active).order_by(Account.id)).all()


def nominations() -> Sequence[Nomination]:
    """The offices proposed that wait for a second administrator, the oldest first."""
    return db.session.scalars(
        select(Nomination).options(joinedload(Nomination.account)).order_by(Nomination.proposed_at, Nomination.id)
    ).all()


def is_office_between(
    account_id: UUID, other: ColumnElement[Any] | InstrumentedAttribute[UUID | None]
) -> ColumnElement[bool]:
    """The condition that a person proposed or gave an office to another one, or that one to them."""
    given = aliased(Entry)
    return exists().where(
        given.event.in_(("office.given", "office.proposed")),
        or_(
            (given.actor_id == account_id) & (given.subject_id == other),
            (given.subject_id == account_id) & (given.actor_id == other),
        ),
    )


def office_between(account_id: UUID | None, other_id: UUID | None) -> bool:
    """Whether one of two people proposed or gave an office to the other."""
    if account_id is None or other_id is None:
        return False
    return bool(db.session.scalar(select(is_office_between(account_id, literal(other_id, Uuid())))))


def other_administrators(account_id: UUID) -> int:
    """How many other people who can sign in are administrators today."""
    return (
        db.session.scalar(
            select(func.count(func.distinct(Appointment.account_id)))
            .join(Account, Account.id == Appointment.account_id)
            .where(Appointment.role == Role.ADMINISTRATOR, held_on(clock.today()))
            .where(Appointment.account_id != account_id, Account.active)
        )
        or 0
    )


# ---- the head of the journal ---------------------------------------------------------------------------------------


def auditors() -> Sequence[Account]:
    """The open accounts that hold the auditor's office today."""
    held = select(Appointment.account_id).where(Appointment.role == Role.AUDITOR, held_on(clock.today()))
    return db.session.scalars(select(Account).where(Account.active, Account.id.in_(held)).order_by(Account.id)).all()


def was_written(dedup: str) -> bool:
    """Whether a letter of this key is in the outbox, sent or not."""
    return db.session.scalar(select(Letter.id).where(Letter.dedup == dedup)) is not None
