"""Whom a closing concerns, and what the proofs of a dossier are."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    Select,
    exists,
    func,
    or_,
    select,
)

from grants.applications import rules
from grants.applications.models import (
    Allocation,
    Application,
    ApplicationAddress,
    ApplicationVersion,
    Correction,
    Extension,
)
from grants.applications.queries.closings import CORRECTED, closing_in_sql, of_drafts
from grants.calls.models import Call
from grants.kernel import outbox
from grants.kernel.db import db
from grants.kernel.words import _
from grants.people.models import Account, MemberRole, Membership

# ---- the closing -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class DraftOf:
    """A draft and somebody to whom a letter about it goes; `stands_at`, for the correction of a dossier, is when the
    version that stands was submitted."""

    id: UUID
    title: str
    email: str
    locale: str
    stands_at: datetime | None


def drafts_with_author(call_id: UUID) -> list[DraftOf]:
    """The drafts that close with their call, each with its author, the oldest first; closed accounts are left out."""
    drafts = _drafts_of(call_id).where(closing_in_sql() == Call.closes_at)
    return _with_people(
        drafts.join(Account, Account.id == Application.author_id).order_by(Application.created_at, Application.id)
    )


def drafts_to_remind_of(call_id: UUID, closing: datetime, told_before: datetime) -> list[DraftOf]:
    """The drafts of a call that have this closing, known to them before an instant, once for each person to remind: its
    author, if still a member, and those responsible for the organisation; the oldest draft first. Closed accounts are
    left out."""
    told_since = exists().where(
        Extension.application_id == func.coalesce(Correction.corrects_id, Application.id),
        Extension.given_at >= told_before,
    )
    drafts = (
        _drafts_of(call_id)
        .join(Membership, Membership.organisation_id == Application.organisation_id)
        .join(Account, Account.id == Membership.account_id)
        .where(or_(Account.id == Application.author_id, Membership.role == MemberRole.OWNER))
        .where(Application.created_at < told_before, ~told_since, closing_in_sql() == closing)
    )
    return _with_people(drafts.order_by(Application.created_at, Application.id, Account.id))


def _drafts_of(call_id: UUID) -> Select[UUID, str, datetime | None]:
    wanted = select(Application.id, Application.title, CORRECTED.submitted_at)
    return of_drafts(wanted).where(Application.call_id == call_id)


def _with_people(drafts: Select[UUID, str, datetime | None]) -> list[DraftOf]:
    rows = db.session.execute(drafts.add_columns(Account.email, Account.locale).where(Account.active.is_(True)))
    return [DraftOf(row.id, row.title, row.email, row.locale, row.submitted_at) for row in rows]


def letters_written(key: str) -> set[str]:
    """The keys of the letters already written that begin with `key`."""
    return set(
        db.session.scalars(select(outbox.Letter.dedup).where(outbox.Letter.dedup.startswith(key, autoescape=True)))
    )


# ---- proofs --------------------------------------------------------------------------------------------------------


def problems() -> Iterator[str]:
    """For `grants verify`: frozen texts that no longer give their digest, addresses that are not theirs, numbers
    without a text, euros split amiss."""
    frozen = (
        select(Application.reference, ApplicationVersion.number, ApplicationVersion.content, ApplicationVersion.digest)
        .join(Application, Application.id == ApplicationVersion.application_id)
        .order_by(Application.reference, ApplicationVersion.number)
    )
    said: dict[str | None, set[str]] = defaultdict(set)
    for reference, _number, content, digest in db.session.execute(frozen.execution_options(yield_per=200)):
        if rules.digest(content) == digest:
            said[reference] |= rules.addresses_of(rules.read(content))
        else:
            yield _("Dossier %(reference)s : le texte déposé n’a plus son empreinte.", reference=reference)
    yield from _wrong_addresses(said)
    version = select(ApplicationVersion.id).where(ApplicationVersion.application_id == Application.id)
    unfrozen = select(Application.reference).where(Application.reference.is_not(None), ~version.exists())
    for reference in db.session.scalars(unfrozen.order_by(Application.reference)):
        yield _("Dossier %(reference)s : aucun texte déposé n’est conservé.", reference=reference)
    split = (
        select(Application.reference, Allocation.dimension)
        .join(Application, Application.id == Allocation.application_id)
        .group_by(Application.reference, Application.requested, Allocation.dimension)
        .having(func.sum(Allocation.amount) != Application.requested)
        .order_by(Application.reference, Allocation.dimension)
    )
    for reference, dimension in db.session.execute(split):
        yield _(
            "Dossier %(reference)s : la répartition « %(dimension)s » ne fait pas le montant demandé.",
            reference=reference, dimension=dimension,
        )  # fmt: skip


def _wrong_addresses(said: Mapping[str | None, set[str]]) -> Iterator[str]:
    """The dossiers of which the kept addresses are not those that their submitted versions say."""
    addresses = select(Application.reference, ApplicationAddress.address).join(
        ApplicationAddress, ApplicationAddress.application_id == Application.id
    )
    stored: dict[str | None, set[str]] = defaultdict(set)
    for reference, address in db.session.execute(addresses):
        stored[reference].add(address)
    for reference in sorted({*said, *stored}, key=str):
        if said.get(reference, set()) != stored.get(reference, set()):
            yield _(
                "Dossier %(reference)s : les adresses gardées ne sont pas celles du texte déposé.",
                reference=reference,
            )
