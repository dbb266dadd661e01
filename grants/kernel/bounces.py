"""Delivery reports (RFC 3464) that come back: read within bounds, believed about a letter of ours alone."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import Message
from typing import cast
from uuid import UUID

from grants.kernel import refusals
from grants.kernel.actor import Actor
from grants.kernel.db import db
from grants.kernel.errors import InvalidError
from grants.kernel.outbox import Letter
from grants.kernel.refusals import RefusalSource
from grants.kernel.words import _

LARGEST = 4_000_000  # bytes: a report may carry the whole letter back, with its PDF
MOST_PARTS = 50
MOST_BOUNDARIES = 10
MOST_RECIPIENTS = 50
# What the parser raises for what is no mail: parts within parts without end, headers that break their own rules.
_BROKEN = (RecursionError, ValueError, LookupError, TypeError, AttributeError, AssertionError)
_OURS = re.compile(r"<([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})@[^<>@\s]{1,255}>", re.ASCII)
_MESSAGE_ID = re.compile(r"^message-id:\s*(\S{1,400})", re.ASCII | re.IGNORECASE | re.MULTILINE)
_CODE = re.compile(r"[245]\.\d{1,3}\.\d{1,3}", re.ASCII)


@dataclass(frozen=True)
class Report:
    """What a delivery report says: the letter it is about, and the statuses of the recipients it failed for good."""

    letter_id: UUID
    failed: tuple[str, ...]


@dataclass(frozen=True)
class Outcome:
    """What became of a report: whether it tells a refusal for good, and whether it marked an address by that."""

    is_permanent: bool
    marked: bool


def read(content: bytes) -> Report:
    """Read a delivery report as a mail server gives it. Raises InvalidError, in words, for anything else."""
    if not content.strip():
        raise InvalidError(_("Rien n’a été donné : le retour d’un courriel se lit sur l’entrée standard."))
    # Each part within a part makes every line dearer to read: counted before any is parsed.
    if len(content) > LARGEST or content.lower().count(b"boundary=") > MOST_BOUNDARIES:
        raise InvalidError(_("Ce message est trop grand pour être le retour d’un courriel."))
    try:
        return _report(message_from_bytes(content, policy=policy.compat32))
    except _BROKEN as error:
        raise InvalidError(_("Ce message n’est pas un avis de non-remise (RFC 3464).")) from error


def _report(message: Message) -> Report:
    kind = str(message.get_param("report-type", "")).lower()
    parts = list(_parts(message))
    status = next((part for part in parts if part.get_content_type() == "message/delivery-status"), None)
    if message.get_content_type() != "multipart/report" or kind != "delivery-status" or status is None:
        raise ValueError("no delivery report")
    letter_id = next((found for part in parts if (found := _letter_in(part)) is not None), None)
    if letter_id is None:
        raise InvalidError(_("Cet avis ne désigne aucun courriel de ce service."))
    return Report(letter_id, tuple(_failed(status)))


def _parts(message: Message) -> Iterator[Message]:
    """The parts of a report, not what is inside them."""
    payload = _inside(message)
    if not 0 < len(payload) <= MOST_PARTS:
        raise ValueError("no parts, or too many")
    yield from payload


def _inside(message: Message) -> list[Message]:
    return cast(list[Message], message.get_payload()) if message.is_multipart() else []


def _letter_in(part: Message) -> UUID | None:
    """The key of the letter that a part gives back, whole or by its headers."""
    kind = part.get_content_type()
    if kind == "text/rfc822-headers":
        text = str(part.get_payload())[:20_000]
        written = next(iter(_MESSAGE_ID.findall(text)), "")
    elif kind == "message/rfc822":
        written = next((_header(inner, "Message-ID") for inner in _inside(part)), "")
    else:
        return None
    ours = _OURS.fullmatch(written.strip().lower())
    return UUID(ours[1]) if ours else None


def _header(part: Message, name: str) -> str:
    return str(part.get(name, ""))[:400]


def _failed(status: Message) -> Iterator[str]:
    """The status of each recipient that failed for good; the first block is about the message."""
    for block in _inside(status)[1 : MOST_RECIPIENTS + 1]:
        action = _header(block, "Action").partition(";")[0].strip().lower()
        code = _CODE.match(_header(block, "Status").strip())
        if action == "failed" and code is not None and code[0].startswith("5."):
            yield code[0]


def take(content: bytes, *, by: Actor) -> Outcome:
    """Mark the address of the letter that a report is about, when it failed for good.

    A letter has one address: it is the one that is marked, whatever the report says that its mail was forwarded to.
    Raises InvalidError as `read`, and when the letter is unknown here.
    """
    report = read(content)
    letter = db.session.get(Letter, report.letter_id)
    if letter is None:
        raise InvalidError(_("Cet avis ne désigne aucun courriel de ce service."))
    if not report.failed:
        return Outcome(is_permanent=False, marked=False)
    marked = refusals.mark(letter.recipient, status=report.failed[0], source=RefusalSource.REPORT, letter=letter, by=by)
    return Outcome(is_permanent=True, marked=marked)
