"""What we write to people about their accounts and organisations."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any
from uuid import uuid4

from grants.kernel.actor import Actor
from grants.kernel.head import Head
from grants.kernel.outbox import write
from grants.people.models import Account, Appointment, Invitation, Membership, Nomination, Organisation
from grants.people.rules import CONFIRMATION_LASTS, INVITATION_LASTS, RESET_LASTS

NAME_SHOWN = 80


def confirmation(account: Account, token: str) -> None:
    """The link that confirms an address. The name is left out: nobody has checked yet whose address it is."""
    write("people_confirm", secret=token, days=_days(CONFIRMATION_LASTS), **_to(account))


def already_known(account: Account, token: str | None) -> None:
    """Somebody tried to sign up with a known address: only its holder learns it, with a link when unconfirmed."""
    write("people_known", secret=token, **_to(account))


def reset(account: Account, token: str) -> None:
    """The link that lets a new password be chosen."""
    write("people_reset", secret=token, hours=RESET_LASTS // timedelta(hours=1), **_to(account))


def address_checked(address: str, secret: str, *, locale: str) -> None:
    """The link that shows that letters arrive again at an address."""
    write("people_address", to=address, dedup=f"address:{uuid4()}", locale=locale, secret=secret)


def password_changed(account: Account) -> None:
    """The password was changed: whoever did not do it must act."""
    write("people_password", name=account.name, **_to(account))


def invited(invitation: Invitation, secret: str, *, locale: str, by: Actor) -> None:
    """An invitation to act for an organisation, in the language of whoever invites."""
    write(
        "people_invitation",
        to=invitation.email,
        dedup=f"invitation:{invitation.id}",
        locale=locale,
        secret=secret,
        organisation=bounded(invitation.organisation.name),
        inviter=bounded(by.name),
        days=_days(INVITATION_LASTS),
    )


def joined(membership: Membership, owners: Sequence[Account]) -> None:
    """Somebody accepted an invitation: those responsible for the organisation know who acts for it."""
    for owner in owners:
        write("people_joined", member=membership.account, organisation=membership.organisation, **_to(owner))


def removed(account: Account, organisation: Organisation) -> None:
    """Somebody may no longer act for an organisation."""
    write("people_removed", name=account.name, organisation=organisation.name, **_to(account))


def join_asked(organisation: Organisation, owners: Sequence[Account], *, by: Actor) -> None:
    """Somebody asks to act for an organisation; its owners decide by inviting them, or not."""
    for owner in owners:
        write("people_join", organisation=organisation, name=bounded(organisation.name), asker=bounded(by.name),
              address=by.email, **_to(owner))  # fmt: skip


def orphan_asked(organisation: Organisation, managers: Sequence[Account], *, by: Actor) -> None:
    """Somebody asks to act for an organisation nobody is responsible for any more: the fund's team decides."""
    for manager in managers:
        write("people_orphan", organisation=organisation, name=bounded(organisation.name), asker=bounded(by.name),
              address=by.email, **_to(manager))  # fmt: skip


def handed_over(
    organisation: Organisation, account: Account, before: Sequence[Account], *, keeps: bool, reason: str
) -> None:
    """The fund made somebody responsible for an organisation: that person and those who were are told why."""
    for person in (account, *before):
        write("people_handed_over", is_given=person is account, keeps=keeps, name=bounded(organisation.name),
              reason=reason, **_to(person))  # fmt: skip


def bounded(text: str) -> str:
    """A name as letters to other people carry it: on one line, cut after eighty characters."""
    return text if len(text) <= NAME_SHOWN else f"{text[: NAME_SHOWN - 1]}…"


def appointed(appointment: Appointment, title: str) -> None:
    """An office of the fund was given to somebody."""
    write("people_appointed", name=appointment.account.name, title=title, since=appointment.since_on,
          **_to(appointment.account))  # fmt: skip


def nominated(nomination: Nomination, title: str, others: Sequence[Account], *, by: Actor) -> None:
    """An office waits for a second administrator."""
    for other in others:
        write("people_nominated", person=nomination.account, title=title, proposer=by.name, **_to(other))


def journal_head(account: Account, head: Head, day: date) -> None:
    """The head of the journal, once a day to each auditor."""
    write("people_journal_head", to=account.email, locale=account.locale, dedup=head_key(account, day), head=head,
          day=day)  # fmt: skip


def head_key(account: Account, day: date) -> str:
    """What makes the head of a day one letter for an auditor."""
    return f"journal_head:{day.isoformat()}:{account.id}"


def _to(account: Account) -> dict[str, Any]:
    """Each of these letters answers one act: it is never written twice for the same one."""
    return {"to": account.email, "locale": account.locale, "dedup": f"people:{account.id}:{uuid4().hex}"}


def _days(lasts: timedelta) -> int:
    return lasts // timedelta(days=1)
