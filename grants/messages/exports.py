"""The messages about an application as one text file."""

from grants.applications.models import Application
from grants.kernel.pages import colon, instant
from grants.kernel.words import _
from grants.messages import queries
from grants.messages.queries import ShownMessage


def transcript(application: Application) -> str:
    """All messages about an application, the oldest first; empty when there is none."""
    said = [_told(shown, application) for shown in queries.every_message(application.id)]
    return "\r\n".join(line for lines in said for line in lines)


def _told(shown: ShownMessage, application: Application) -> list[str]:
    message = shown.message
    side = application.call.fund.service_name if message.from_fund else application.organisation.name
    read = [_("Lu par %(name)s le %(at)s", name=shown.reader, at=instant(message.read_at))] if message.read_at else []
    files = [_("Pièces jointes") + colon() + " " + ", ".join(file.name for file in shown.files)] if shown.files else []
    head = f"{instant(message.sent_at)} · {shown.author} ({side})"
    return [head, "", *message.text.split("\n"), "", *files, *read, "-" * 40, ""]
