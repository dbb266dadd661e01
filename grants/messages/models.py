"""Messages about an application, and the files joined to them: written once, never changed."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, joinedload, mapped_column, relationship
from sqlalchemy.orm.interfaces import ORMOption

from grants.applications.models import Application
from grants.calls.models import Call
from grants.kernel.db import Keyed, Model
from grants.kernel.rowdigests import Recorded
from grants.kernel.uploads import StoredFile
from grants.messages.rules import LONGEST


class Conversation(Recorded, Keyed, Model):
    """All messages about one application; the first message opens it."""

    __tablename__ = "conversation"

    application_id: Mapped[UUID] = mapped_column(ForeignKey("application.id", ondelete="RESTRICT"), unique=True)
    opened_at: Mapped[datetime]
    application: Mapped[Application] = relationship()

    @classmethod
    def opened_with(cls) -> Sequence[ORMOption]:
        """Its application, with the call, the fund and the organisation."""
        application = joinedload(cls.application, innerjoin=True)
        return (
            application.joinedload(Application.call, innerjoin=True).joinedload(Call.fund, innerjoin=True),
            application.joinedload(Application.organisation, innerjoin=True),
        )

    @property
    def dossier_id(self) -> UUID:
        """Filed under the application."""
        return self.application_id


class Message(Recorded, Keyed, Model):
    """A message. `from_fund` tells the side of its author; `read_by` said for the other side that it was read."""

    __tablename__ = "message"
    __table_args__ = (
        CheckConstraint("(read_by IS NULL) = (read_at IS NULL)", name="reading_whole"),
        Index("ix_message_conversation_id_sent_at", "conversation_id", "sent_at", "id"),
        Index("ix_message_unread", "from_fund", "read_at", "sent_at", "id"),
        Index("ix_message_author_id_sent_at", "author_id", "sent_at"),
    )

    conversation_id: Mapped[UUID] = mapped_column(ForeignKey("conversation.id", ondelete="RESTRICT"))
    author_id: Mapped[UUID] = mapped_column(ForeignKey("account.id", ondelete="RESTRICT"))
    from_fund: Mapped[bool]
    text: Mapped[str] = mapped_column(String(LONGEST))
    sent_at: Mapped[datetime]
    read_by: Mapped[UUID | None] = mapped_column(ForeignKey("account.id", ondelete="RESTRICT"))
    read_at: Mapped[datetime | None]
    conversation: Mapped[Conversation] = relationship()

    @classmethod
    def opened_with(cls) -> Sequence[ORMOption]:
        """Its conversation with the application."""
        return (joinedload(cls.conversation, innerjoin=True).joinedload(Conversation.application, innerjoin=True),)

    @property
    def application(self) -> Application:
        """The application it is about."""
        return self.conversation.application

    @property
    def dossier_id(self) -> UUID:
        """Filed under the application."""
        return self.conversation.application_id


class MessageFile(Recorded, Keyed, Model):
    """A file joined to a message."""

    __tablename__ = "message_file"

    message_id: Mapped[UUID] = mapped_column(ForeignKey("message.id", ondelete="RESTRICT"), index=True)
    file_id: Mapped[UUID] = mapped_column(ForeignKey("stored_file.id", ondelete="RESTRICT"), unique=True)
    file: Mapped[StoredFile] = relationship()
