"""The letter that tells the other side of a message. It never says what the message says."""

from grants.kernel import outbox
from grants.kernel.access import may_know
from grants.messages import queries
from grants.messages.models import Message
from grants.people import queries as people
from grants.people.models import Account, Role


def tell(message: Message) -> None:
    """Write to the members of the organisation that the fund sent a message, or to the managers that it got one."""
    if message.from_fund:
        for account in queries.members_to_tell(message.application.organisation_id):
            _write("messages_from_fund", message, account)
        return
    for account in people.in_office(Role.MANAGER):
        manager = people.actor_of(account)
        is_of_fund = message.application.organisation_id not in manager.organisations
        if is_of_fund and may_know(message.conversation, manager):
            _write("messages_from_organisation", message, account)


def _write(template: str, message: Message, account: Account) -> None:
    application = message.application
    outbox.write(
        template, to=account.email, dedup=f"message:{message.id}:{account.id}", locale=account.locale,
        dossier_id=application.id, application=application, fund=application.call.fund,
        conversation_id=message.conversation_id,
    )  # fmt: skip
