"""Questions about the documents of organisations: which are kept, which are valid, what they may be."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ColumnElement, exists, select
from sqlalchemy.orm import InstrumentedAttribute, aliased, joinedload

from grants.calls.lifecycle import CallState
from grants.calls.models import Call, Piece
from grants.documents.models import OrganisationDocument
from grants.documents.rules import WARNED_BEFORE, Validity, validity
from grants.kernel import clock
from grants.kernel.db import db
from grants.kernel.outbox import Letter
from grants.kernel.uploads import Clearance, StoredFile
from grants.people.models import Account, Membership

MOST_SHOWN = 20  # documents to renew on the home page


def kinds() -> dict[str, Piece]:
    """What documents may be kept, by code: the pieces that published calls ask for once; the last call names them."""
    asked = db.session.scalars(
        select(Piece)
        .join(Call)
        .where(Piece.once_for_all, Call.state != CallState.DRAFT)
        .order_by(Call.opened_at, Piece.position, Piece.code)
    )
    found = {piece.code: piece for piece in asked}
    return dict(sorted(found.items(), key=lambda item: (item[1].position, item[0])))


def _is_current() -> ColumnElement[bool]:
    """The documents that none was given in place of."""
    later = aliased(OrganisationDocument)
    return ~exists().where(later.replaces_id == OrganisationDocument.id)


@dataclass(frozen=True)
class KeptDocument:
    """A document of an organisation, and what is known of it today."""

    document: OrganisationDocument
    validity: Validity
    is_current: bool
    is_used: bool

    @property
    def is_lapsing(self) -> bool:
        """Whether its validity ends soon."""
        return self.is_current and self.validity is Validity.LAPSING

    @property
    def is_lapsed(self) -> bool:
        """Whether its validity has ended."""
        return self.validity is Validity.LAPSED


def documents_of(organisation_id: UUID) -> list[KeptDocument]:
    """The documents of an organisation by kind, the last given first, replaced ones included. One query."""
    used = _in_dossiers(OrganisationDocument.organisation_id, StoredFile.sha256)
    rows = db.session.execute(
        select(OrganisationDocument, _is_current().label("is_current"), used.label("is_used"))
        .join(StoredFile, StoredFile.id == OrganisationDocument.file_id)
        .where(OrganisationDocument.organisation_id == organisation_id)
        .options(joinedload(OrganisationDocument.file, innerjoin=True))
        .order_by(OrganisationDocument.kind, OrganisationDocument.given_at.desc(), OrganisationDocument.id)
    )
    today = clock.today()
    return [
        KeptDocument(row.OrganisationDocument, validity(row.OrganisationDocument.valid_until, today),
                     is_current=row.is_current, is_used=row.is_used)
        for row in rows
    ]  # fmt: skip


def offered(organisation_id: UUID, pieces: Iterable[Piece]) -> dict[str, list[KeptDocument]]:
    """The current documents of an organisation that these pieces may be, by code of piece. At most one query."""
    codes = {piece.code for piece in pieces if piece.once_for_all}
    found: dict[str, list[KeptDocument]] = {}
    for kept in documents_of(organisation_id) if codes else []:
        is_refused = kept.document.file.clearance is Clearance.REFUSED
        if kept.is_current and not is_refused and kept.document.kind in codes:
            found.setdefault(kept.document.kind, []).append(kept)
    return found


def offered_one(organisation_id: UUID, piece: Piece | None, document_id: UUID | None) -> OrganisationDocument | None:
    """The document of an organisation that may be this piece, None for any other."""
    kept = offered(organisation_id, [piece] if piece is not None else []).values()
    return next((one.document for each in kept for one in each if one.document.id == document_id), None)


def _in_dossiers(
    organisation_id: InstrumentedAttribute[UUID] | UUID, sha256: InstrumentedAttribute[str] | str
) -> ColumnElement[bool]:
    """Whether a file with these bytes stands in a dossier of the organisation."""
    joined = aliased(StoredFile)
    return exists().where(
        joined.organisation_id == organisation_id, joined.dossier_id.is_not(None),
        joined.sha256 == sha256, joined.removed_at.is_(None),
    )  # fmt: skip


def is_used(document: OrganisationDocument) -> bool:
    """Whether a dossier of its organisation holds the same file."""
    return bool(db.session.scalar(select(_in_dossiers(document.organisation_id, document.file.sha256))))


def is_kept(organisation_id: UUID, kind: str, sha256: str) -> bool:
    """Whether an organisation keeps a current document of a kind with these bytes."""
    same = (
        select(OrganisationDocument.id)
        .join(StoredFile, StoredFile.id == OrganisationDocument.file_id)
        .where(OrganisationDocument.organisation_id == organisation_id, OrganisationDocument.kind == kind)
        .where(StoredFile.sha256 == sha256, _is_current())
    )
    return db.session.scalar(same.limit(1)) is not None


def is_replaced(document: OrganisationDocument) -> bool:
    """Whether another document was given in its place."""
    return successor_of(document) is not None


def successor_of(document: OrganisationDocument) -> OrganisationDocument | None:
    """The document that was given in place of one."""
    return db.session.scalar(select(OrganisationDocument).where(OrganisationDocument.replaces_id == document.id))


def is_kept_file(file_id: UUID) -> bool:
    """Whether a stored file is a document that an organisation keeps for itself."""
    return db.session.scalar(select(OrganisationDocument.id).where(OrganisationDocument.file_id == file_id)) is not None


def lapsing(organisations: Collection[UUID]) -> list[tuple[OrganisationDocument, bool]]:
    """The current documents of organisations whose validity ends soon or has ended, the first to end first; each with
    whether it has ended. At most one query."""
    if not organisations:
        return []
    today = clock.today()
    rows = db.session.scalars(
        select(OrganisationDocument)
        .where(OrganisationDocument.organisation_id.in_(list(organisations)), _is_current())
        .where(OrganisationDocument.valid_until <= today + WARNED_BEFORE)
        .options(joinedload(OrganisationDocument.organisation, innerjoin=True))
        .order_by(OrganisationDocument.valid_until, OrganisationDocument.id)
        .limit(MOST_SHOWN)
    )
    return [(row, validity(row.valid_until, today) is Validity.LAPSED) for row in rows]


def members_to_warn() -> Sequence[tuple[OrganisationDocument, Account]]:
    """Each current document whose validity ends soon, with each member of its organisation who can sign in."""
    today = clock.today()
    rows = db.session.execute(
        select(OrganisationDocument, Account)
        .join(Membership, Membership.organisation_id == OrganisationDocument.organisation_id)
        .join(Account, Account.id == Membership.account_id)
        .where(OrganisationDocument.valid_until.between(today, today + WARNED_BEFORE), _is_current(), Account.active)
        .options(joinedload(OrganisationDocument.organisation, innerjoin=True))
        .order_by(OrganisationDocument.id, Account.id)
    )
    return [(document, account) for document, account in rows]


def letters_written(start: str) -> set[str]:
    """The keys of the letters that begin like this."""
    return set(db.session.scalars(select(Letter.dedup).where(Letter.dedup.startswith(start, autoescape=True))))
