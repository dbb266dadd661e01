"""What shorter journeys start from: an open call, and a dossier, a review or an instalment that waits for somebody."""

from uuid import UUID, uuid4

from grants.awards.lifecycle import InstalmentState
from grants.kernel import clock
from grants.kernel.db import unit_of_work
from grants.people.models import MemberRole, Membership
from tests.journeys.cast import Participants, Person, hashed

TITLE = "Un banc à l’ombre"


def unlike_others(name: str) -> str:
    """A name of its own: journeys share one fund, and each leaves there what it did."""
    return f"{name} {uuid4().hex[:6]}"


def volunteer_with_an_open_call(participants: Participants, **context: bool) -> tuple[Person, str]:
    """A volunteer whose association is known, and the path of an open call."""
    with participants.making() as make:
        account = make.account(password=hashed())
        make.organisation(account)
        return participants.enters(account.name, account.email, **context), f"/appels/{make.call().code}"


def volunteer_with_a_complete_draft(participants: Participants, **context: bool) -> Person:
    """A volunteer whose dossier only waits to be submitted."""
    with participants.making() as make:
        account = make.account(password=hashed())
        make.application(organisation=make.organisation(account), title=TITLE)
        return participants.enters(account.name, account.email, **context)


def two_volunteers_with_a_draft(participants: Participants, *names: str) -> list[Person]:
    """People of one organisation, who write one dossier together; each has a window of their own."""
    with participants.making() as make:
        first, *others = [make.account(name=name, password=hashed()) for name in names]
        organisation = make.organisation(first)
        with unit_of_work() as session:
            session.add_all(
                Membership(
                    account_id=one.id, organisation_id=organisation.id, role=MemberRole.EDITOR, since_at=clock.now()
                )
                for one in others
            )
        make.application(organisation=organisation, title=TITLE)
        return [participants.enters(one.name, one.email) for one in (first, *others)]


def reviewer_with_a_dossier(participants: Participants, **context: bool) -> Person:
    """A reviewer to whom one dossier was given, not opened yet."""
    with participants.making() as make:
        account = make.account("reviewer", college="user", password=hashed())
        make.assignment(make.application(state="eligible", title=TITLE), account)
        return participants.enters(account.name, account.email, **context)


def officer_with_a_payment_order(participants: Participants, **context: bool) -> tuple[Person, UUID]:
    """An authorising officer, and the instalment that somebody prepared for approval."""
    with participants.making() as make:
        account = make.account("authorising_officer", password=hashed())
        application = make.application(state="eligible", title=TITLE)
        make.decided(application)
        instalment = make.instalment(make.award(application), state=InstalmentState.PREPARED)
        return participants.enters(account.name, account.email, **context), instalment.id


def manager_with_a_dossier_to_screen(participants: Participants, **context: bool) -> tuple[Person, str]:
    """A manager, and the title of a dossier that was just submitted."""
    with participants.making() as make:
        account = make.account("manager", password=hashed())
        dossier = make.application(state="submitted", title=unlike_others(TITLE))
        return participants.enters(account.name, account.email, **context), dossier.title


def finance_with_an_instalment(participants: Participants, **context: bool) -> tuple[Person, UUID]:
    """Somebody of the finances, and an instalment whose order is to be prepared."""
    with participants.making() as make:
        account = make.account("finance", password=hashed())
        application = make.application(state="eligible", title=TITLE)
        make.decided(application)
        award = make.engaged(make.award(application))
        make.bank_details(award.organisation)
        instalment = make.instalment(award)
        return participants.enters(account.name, account.email, **context), instalment.id


def administrator_and_somebody_to_appoint(participants: Participants, **context: bool) -> tuple[Person, str]:
    """An administrator, and the name of somebody without an office yet."""
    with participants.making() as make:
        account = make.account("administrator", password=hashed())
        other = make.account(name=unlike_others("Nadia Solal"))
        return participants.enters(account.name, account.email, **context), other.name


def auditor_with_a_dossier(participants: Participants, **context: bool) -> Person:
    """An auditor, and a dossier whose journal can be read."""
    with participants.making() as make:
        account = make.account("auditor", password=hashed())
        make.application(state="eligible", title=TITLE)
        return participants.enters(account.name, account.email, **context)
