"""What people do with messages: write one, say that one was read."""

from collections.abc import Sequence

from grants.applications.models import Application
from grants.kernel import clock, journal, uploads
from grants.kernel.actor import Actor
from grants.kernel.db import db
from grants.kernel.errors import InvalidError, RefusedError
from grants.kernel.uploads import Given
from grants.kernel.words import _
from grants.messages import letters, queries
from grants.messages.models import Conversation, Message, MessageFile
from grants.messages.rules import MOST_FILES, MOST_SENT


def write(application: Application, text: str, files: Sequence[Given] = (), *, by: Actor) -> Message:
    """Send a message about an application to the other side, which a letter tells, without what it says.

    A member of the organisation writes for it, anybody else for the fund. Raises InvalidError on the field at fault
    (text, files), RefusedError once the award is closed.
    """
    reason = queries.why_not_write(application.id)
    if reason is not None:
        raise RefusedError(str(reason))
    if len(files) > MOST_FILES:
        raise InvalidError(_("Joignez %(most)s fichiers au plus.", most=MOST_FILES), field="files")
    if queries.sent_today(by.id) >= MOST_SENT:
        raise InvalidError(_("Vous avez envoyé trop de messages depuis hier : réessayez demain."), field="text")
    message = Message(
        conversation=_conversation(application), author_id=by.id, from_fund=is_of_fund(application, by), text=text,
        sent_at=clock.now(),
    )  # fmt: skip
    db.session.add(message)
    place = {"organisation_id": application.organisation_id, "dossier_id": application.id}
    stored = [uploads.accept(file, by=by, field="files", **place) for file in files]
    db.session.flush()
    db.session.add_all(MessageFile(message_id=message.id, file_id=file.id) for file in stored)
    journal.record("message.sent", message, by=by, files=len(stored))
    letters.tell(message)
    return message


def is_of_fund(application: Application, by: Actor) -> bool:
    """Whether a person is on the side of the fund: not a member of the organisation that applies."""
    return application.organisation_id not in by.organisations


def _conversation(application: Application) -> Conversation:
    found = queries.conversation_of(application.id)
    if found is None:
        found = Conversation(application_id=application.id, application=application, opened_at=clock.now())
        db.session.add(found)
    return found


def say_read(message: Message, *, by: Actor) -> bool:
    """Say for one's side that a message of the other side was read; False when somebody said it before.

    Raises RefusedError for a message of one's own side.
    """
    if message.from_fund is is_of_fund(message.application, by):
        raise RefusedError(_("Ce message vient de votre côté : l’autre côté dira s’il l’a lu."))
    if message.read_at is not None:
        return False
    message.read_by, message.read_at = by.id, clock.now()
    journal.record("message.read", message, by=by)
    return True
