"""What shorter journeys start from: an open call, and a dossier, a review or an instalment that waits for somebody."""

from uuid import UUID

from grants.awards.lifecycle import InstalmentState
from tests.journeys.cast import Person, Troupe, hashed

TITLE = "Un banc à l’ombre"


def volunteer_with_an_open_call(troupe: Troupe, **context: bool) -> tuple[Person, str]:
    """A volunteer whose association is known, and the path of an open call."""
    with troupe.making() as make:
        account = make.account(password=hashed())
        make.organisation(account)
        return troupe.enters(account.name, account.email, **context), f"/appels/{make.call().code}"


def volunteer_with_a_complete_draft(troupe: Troupe, **context: bool) -> Person:
    """A volunteer whose dossier only waits to be submitted."""
    with troupe.making() as make:
        account = make.account(password=hashed())
        make.application(organisation=make.organisation(account), title=TITLE)
        return troupe.enters(account.name, account.email, **context)


def reviewer_with_a_dossier(troupe: Troupe, **context: bool) -> Person:
    """A reviewer to whom one dossier was given, not opened yet."""
    with troupe.making() as make:
        account = make.account("reviewer", college="user", password=hashed())
        make.assignment(make.application(state="eligible", title=TITLE), account)
        return troupe.enters(account.name, account.email, **context)


def officer_with_a_payment_order(troupe: Troupe, **context: bool) -> tuple[Person, UUID]:
    """An authorising officer, and the instalment that somebody prepared for approval."""
    with troupe.making() as make:
        account = make.account("authorising_officer", password=hashed())
        application = make.application(state="eligible", title=TITLE)
        make.decided(application)
        instalment = make.instalment(make.award(application), state=InstalmentState.PREPARED)
        return troupe.enters(account.name, account.email, **context), instalment.id
