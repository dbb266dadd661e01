"""Questions about messages: those of an application, those that wait to be read, who may still write."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, func, or_, select
from sqlalchemy.orm import aliased

from grants.applications.models import Application
from grants.awards.lifecycle import AwardState
from grants.awards.models import Award
from grants.calls.models import Call
from grants.kernel import clock
from grants.kernel.db import db
from grants.kernel.paging import Order, Page
from grants.kernel.uploads import StoredFile
from grants.kernel.words import LazyString, _l
from grants.messages.models import Conversation, Message, MessageFile
from grants.messages.rules import DAY, MOST_SHOWN, PAGE
from grants.people.models import Account, Membership, Organisation
from grants.reviewing import queries as reviewing

CLOSED = _l("Le dossier de cette aide est clos : les messages se lisent encore, mais ne s’écrivent plus.")
Rows = Select[*tuple[Any, ...]]
Found = Row[*tuple[Any, ...]]


def conversation_of(application_id: UUID) -> Conversation | None:
    """The conversation about an application, once a first message was sent."""
    return db.session.scalar(select(Conversation).where(Conversation.application_id == application_id))


def why_not_write(application_id: UUID) -> LazyString | None:
    """Why no message is written about an application any more, or None."""
    closed = select(Award.id).where(Award.application_id == application_id, Award.state == AwardState.CLOSED)
    return CLOSED if db.session.scalar(closed) is not None else None


def sent_today(account_id: UUID | None) -> int:
    """How many messages a person sent within a day."""
    recent = Message.author_id == account_id, Message.sent_at > clock.now() - DAY
    return db.session.scalar(select(func.count()).select_from(Message).where(*recent)) or 0


def members_to_tell(organisation_id: UUID) -> Sequence[Account]:
    """The members of an organisation who can sign in and confirmed their address."""
    members = select(Membership.account_id).where(Membership.organisation_id == organisation_id)
    able = Account.id.in_(members), Account.active, Account.confirmed_at.is_not(None)
    return db.session.scalars(select(Account).where(*able).order_by(Account.id)).all()


# ---- one conversation ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ShownMessage:
    """A message with the names of its author and of who said it was read, and its files."""

    message: Message
    author: str
    reader: str | None
    files: Sequence[StoredFile]


_READER = aliased(Account)
_SHOWN: Rows = (
    select(Message, Account.name.label("author"), _READER.name.label("reader"))
    .join(Account, Account.id == Message.author_id)
    .outerjoin(_READER, _READER.id == Message.read_by)
)
_NEWEST = Order(Message.sent_at, Message.id, descending=True)


def messages_of(conversation_id: UUID, *, after: str | None = None, before: str | None = None) -> Page:
    """A page of a conversation, the newest message first, in two statements however many there are."""
    mine = _SHOWN.where(Message.conversation_id == conversation_id)
    page = _NEWEST.page(mine, after=after, before=before, size=PAGE)
    return replace(page, rows=_with_files(page.rows))


def every_message(application_id: UUID) -> list[ShownMessage]:
    """All messages about an application, the oldest first."""
    mine = _SHOWN.join(Conversation).where(Conversation.application_id == application_id)
    return _with_files(db.session.execute(mine.order_by(Message.sent_at, Message.id)).all())


def _with_files(rows: Sequence[Found]) -> list[ShownMessage]:
    files = _files_of([row.Message.id for row in rows])
    return [ShownMessage(row.Message, row.author, row.reader, files.get(row.Message.id, [])) for row in rows]


def _files_of(message_ids: Collection[UUID]) -> dict[UUID, list[StoredFile]]:
    joined = (
        select(MessageFile.message_id, StoredFile)
        .join(StoredFile, StoredFile.id == MessageFile.file_id)
        .where(MessageFile.message_id.in_(message_ids))
        .order_by(StoredFile.given_at, StoredFile.id)
    )
    found: dict[UUID, list[StoredFile]] = {}
    for row in db.session.execute(joined):
        found.setdefault(row.message_id, []).append(row.StoredFile)
    return found


def is_of_message(file_id: UUID) -> bool:
    """Whether a stored file is joined to a message."""
    return db.session.scalar(select(MessageFile.id).where(MessageFile.file_id == file_id)) is not None


# ---- what waits to be read -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Unread:
    """How many messages of an application's conversation one side has not said it read."""

    conversation_id: UUID
    application_id: UUID
    title: str
    reference: str | None
    organisation: str
    count: int


def unread_of_organisations(organisations: Collection[UUID]) -> list[Unread]:
    """The conversations of organisations in which messages of the fund wait, the one that waits longest first. At most
    one query."""
    if not organisations:
        return []
    rows = db.session.execute(
        select(
            Conversation.id, Conversation.application_id, Application.title, Application.reference,
            Organisation.name.label("organisation"), func.count(Message.id).label("number"),
        )
        .join(Conversation, Conversation.application_id == Application.id)
        .join(Organisation, Organisation.id == Application.organisation_id)
        .join(Message, Message.conversation_id == Conversation.id)
        .where(Application.organisation_id.in_(list(organisations)), Message.from_fund, Message.read_at.is_(None))
        .group_by(Conversation.id, Application.id, Organisation.id)
        .order_by(func.min(Message.sent_at), Conversation.id)
        .limit(MOST_SHOWN)
    )  # fmt: skip
    return [Unread(row.id, row.application_id, row.title, row.reference, row.organisation, row.number) for row in rows]


def _for_fund(reader_id: UUID | None, hidden: Collection[UUID]) -> Iterable[ColumnElement[bool]]:
    """The messages of organisations that wait, without those about dossiers kept from a person, or about drafts of
    organisations the person has a link with."""
    yield Message.from_fund.is_(False)
    yield Message.read_at.is_(None)
    if reader_id is not None:
        tied = Application.organisation_id.in_(reviewing.tied_to(reader_id))
        yield or_(Application.submitted_at.is_not(None), ~tied)
    if hidden:
        yield Conversation.application_id.not_in(hidden)


def unread_count(reader_id: UUID | None, hidden: Collection[UUID]) -> Select[int]:
    """How many messages wait for the fund, of those a person of it may read: a statement for a page that counts
    more."""
    waiting = select(func.count(Message.id)).join(Conversation, Conversation.id == Message.conversation_id)
    told = waiting.join(Application, Application.id == Conversation.application_id)
    return told.where(*_for_fund(reader_id, hidden))


_WAITING: Rows = (
    select(
        Message.id,
        Message.sent_at,
        Message.conversation_id,
        Account.name.label("author"),
        Organisation.name.label("organisation"),
        Application.submitted_at,
        Application.reference,
        Application.title,
        Call.code.label("call"),
    )
    .join(Conversation, Conversation.id == Message.conversation_id)
    .join(Application, Application.id == Conversation.application_id)
    .join(Call, Call.id == Application.call_id)
    .join(Organisation, Organisation.id == Application.organisation_id)
    .join(Account, Account.id == Message.author_id)
)


def unread(
    reader_id: UUID | None, hidden: Collection[UUID], *, after: str | None = None, before: str | None = None
) -> Page:
    """The messages that wait for the fund, of those a person of it may read, the one that waits longest first."""
    statement = _WAITING.where(*_for_fund(reader_id, hidden))
    return Order(Message.sent_at, Message.id).page(statement, after=after, before=before)


def unread_in(application_ids: Collection[UUID]) -> dict[UUID, int]:
    """How many messages of organisations wait for the fund, by application."""
    rows = db.session.execute(
        select(Conversation.application_id, func.count(Message.id).label("number"))
        .join(Message, Message.conversation_id == Conversation.id)
        .where(Conversation.application_id.in_(application_ids))
        .where(Message.from_fund.is_(False), Message.read_at.is_(None))
        .group_by(Conversation.application_id)
    )
    return {row.application_id: row.number for row in rows}


# ---- what is kept about a person -----------------------------------------------------------------------------------


def written_by(account_id: UUID, hidden: Collection[UUID]) -> Rows:
    """The messages a person wrote, with the dossier they are about; without those about `hidden` dossiers. Not with its
    title: whoever wrote about a draft for the fund, or left its organisation, does not read the draft."""
    return (
        select(Message.sent_at, Application.reference, Organisation.name.label("organisation"), Message.text)
        .join(Conversation, Conversation.id == Message.conversation_id)
        .join(Application, Application.id == Conversation.application_id)
        .join(Organisation, Organisation.id == Application.organisation_id)
        .where(Message.author_id == account_id, Application.id.not_in(hidden))
        .order_by(Message.sent_at, Message.id)
    )
