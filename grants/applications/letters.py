"""What the fund writes to applicants about a dossier they submitted or withdrew."""

from grants.applications import queries
from grants.applications.models import Application
from grants.kernel import post
from grants.kernel.actor import Actor
from grants.kernel.words import force_locale


def receipt(application: Application, *, by: Actor) -> None:
    """The receipt, to whoever submitted and to the organisation's address: one letter per address."""
    for address in _addresses(application, by):
        with force_locale(by.locale):
            told = queries.receipt_of(application)
        post.write(
            "applications_receipt",
            to=address,
            dedup=f"receipt:{application.id}:{address}",
            locale=by.locale,
            dossier_id=application.id,
            receipt=told,
            application_id=application.id,
        )


def withdrawal(application: Application, *, by: Actor) -> None:
    """The withdrawal of a submitted dossier, confirmed to the same addresses."""
    for address in _addresses(application, by):
        post.write(
            "applications_withdrawal",
            to=address,
            dedup=f"withdrawal:{application.id}:{address}",
            locale=by.locale,
            dossier_id=application.id,
            application=application,
            name=by.name,
        )


def _addresses(application: Application, by: Actor) -> list[str]:
    organisation = application.organisation
    given = (by.email, organisation.email or organisation.representative_email)
    return list(dict.fromkeys(address.strip().lower() for address in given if address.strip()))
