"""Questions about people: who is acting, what they hold, whom they act for."""

from uuid import UUID

from sqlalchemy import or_, select

from grants.kernel import clock
from grants.kernel.actor import Actor
from grants.kernel.db import db
from grants.people.models import Account, Appointment, Membership


def actor_of(account: Account) -> Actor:
    """The facts rules need about a person, in two queries: offices held today, organisations they act for."""
    return Actor(
        id=account.id,
        name=account.name,
        email=account.email,
        roles=frozenset(str(role) for role in roles_of(account.id)),
        organisations=organisations_of(account.id),
        confirmed=account.confirmed_at is not None,
        locale=account.locale,
    )


def roles_of(account_id: UUID) -> list[str]:
    """The offices held today."""
    today = clock.today()
    held = select(Appointment.role).where(
        Appointment.account_id == account_id,
        Appointment.since_on <= today,
        or_(Appointment.until_on.is_(None), Appointment.until_on >= today),
    )
    return sorted({role.value for role in db.session.scalars(held)})


def organisations_of(account_id: UUID) -> dict[UUID, str]:
    """The organisations a person acts for, with their role there."""
    rows = db.session.execute(
        select(Membership.organisation_id, Membership.role).where(Membership.account_id == account_id)
    )
    return {row.organisation_id: row.role.value for row in rows}


def account_by_email(email: str) -> Account | None:
    """The account of an address, compared without case."""
    return db.session.scalar(select(Account).where(Account.email == email.strip().lower()))
