"""What the fields of a draft held before they were changed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import aliased

from grants.applications import rules
from grants.applications.models import Application, PastValue
from grants.applications.parts import PARTS
from grants.applications.parts.fields import Json
from grants.applications.rules import FieldContent, Path
from grants.kernel.db import db
from grants.kernel.paging import Order, Page
from grants.people.models import Account

IN_ORDER = Order(PastValue.replaced_at, PastValue.id, descending=True)
Row = tuple[PastValue, str | None, str | None]
_WRITERS, _REPLACERS = aliased(Account), aliased(Account)


@dataclass(frozen=True)
class Past:
    """What a field held: who wrote it and when, where that is known, and who changed it and when."""

    id: UUID
    path: Path
    content: FieldContent
    writer: str
    written_at: datetime | None
    replacer: str
    replaced_at: datetime


_PAST = (
    select(PastValue, _WRITERS.name.label("writer"), _REPLACERS.name.label("replacer"))
    .outerjoin(_WRITERS, _WRITERS.id == PastValue.written_by)
    .outerjoin(_REPLACERS, _REPLACERS.id == PastValue.replaced_by)
)


def past_values(
    application: Application, section: str, *, after: str | None, before: str | None
) -> tuple[list[Past], Page]:
    """The past values of the fields of a page of the draft that one page of the list shows, the last changed first."""
    wanted = _PAST.where(PastValue.application_id == application.id, PastValue.section == section)
    page = IN_ORDER.page(wanted, after=after, before=before)
    rows: Sequence[Row] = page.rows
    return [_past(*row[:3]) for row in rows], page


def past_value(application: Application, section: str, past_id: UUID) -> Past | None:
    """A past value of a page of this draft, and of no other."""
    here = PastValue.id == past_id, PastValue.application_id == application.id, PastValue.section == section
    row = db.session.execute(_PAST.where(*here)).one_or_none()
    return _past(*row) if row is not None else None


def _past(row: PastValue, writer: str | None, replacer: str | None) -> Past:
    path, value = rules.path_of(row.path), rules.alive_of(cast(Json, row.value))
    if isinstance(value, list) and row.section in PARTS and len(path) > 1:  # several fields of one code
        value = tuple(value)
    content = FieldContent(value, row.wrong)
    return Past(row.id, path, content, writer or "", row.written_at, replacer or "", row.replaced_at)
