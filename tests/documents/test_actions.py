"""What an organisation keeps once: its documents, their dates, what a dossier takes of them, and the warning."""

import io
from datetime import UTC, datetime, time, timedelta

import pytest
from sqlalchemy import select
from werkzeug.datastructures import FileStorage

from grants.applications import actions as applications
from grants.applications.models import Attachment
from grants.calls import queries as calls
from grants.documents import actions, letters, queries
from grants.documents.models import OrganisationDocument
from grants.documents.rules import UNDATED, WARNED_BEFORE, DocumentDates
from grants.kernel import clock, journal, uploads
from grants.kernel.db import db, unit_of_work
from grants.kernel.errors import ConflictError, InvalidError, RefusedError
from grants.kernel.outbox import Letter
from grants.kernel.uploads import StoredFile
from tests.kernel import corpus

PDF = corpus.pdf()
OTHER = corpus.pdf(corpus.with_script)


@pytest.fixture
def draft(make):
    return make.application()


@pytest.fixture
def by(make, draft):
    return make.actor_of(make.member_of(draft.organisation))


def keep(draft, by, content=PDF, kind="statutes", **facts) -> OrganisationDocument:
    with unit_of_work():
        return actions.keep(
            draft.organisation_id, kind, FileStorage(io.BytesIO(content), "statuts.pdf"), by=by, **facts
        )


def piece_of(draft, code="statutes"):
    return next(piece for piece in calls.pieces_of(draft.call_id) if piece.code == code)


def join(draft, document, by, code="statutes") -> Attachment:
    with unit_of_work():
        return applications.join_document(draft, piece_of(draft, code), document.id, by=by)


def shown(draft):
    return [
        (kept.document.file.name, kept.is_current, kept.is_used) for kept in queries.documents_of(draft.organisation_id)
    ]


def test_a_joined_document_stays_in_the_dossier_as_it_was_whatever_becomes_of_it(draft, by):
    document = keep(draft, by, OTHER)
    attachment = join(draft, document, by)
    assert attachment.file_id != document.file_id
    assert (attachment.file.sha256, attachment.file.dossier_id) == (document.file.sha256, draft.id)
    assert attachment.file.copy_sha256 == document.file.copy_sha256 is not None
    assert journal.of(draft)[-1].facts["document"] == str(document.id)
    newer = keep(draft, by, PDF, replaces=document)
    with unit_of_work():
        version = applications.submit(draft, by=by, received_at=clock.now())
        actions.remove(newer, by=by)
    with clock.fixed(clock.now() + uploads.RETENTION + timedelta(days=1)), unit_of_work():
        uploads.purge()
    assert attachment.file.sha256 in version.content
    assert uploads.read(attachment.file) == OTHER
    assert list(uploads.problems()) == []


def test_a_document_is_replaced_and_the_old_one_is_kept(draft, by):
    old = keep(draft, by)
    new = keep(draft, by, OTHER, replaces=old)
    assert shown(draft) == [("statuts.pdf", True, False), ("statuts.pdf", False, False)]
    assert [kept.document.id for kept in queries.offered(draft.organisation_id, [piece_of(draft)])["statutes"]] == [
        new.id
    ]
    with pytest.raises(RefusedError):
        keep(draft, by, corpus.pdf(corpus.with_signature), replaces=old)
    with pytest.raises(InvalidError):
        join(draft, old, by)
    with unit_of_work():
        actions.remove(new, by=by)
    assert shown(draft) == [("statuts.pdf", True, False)]


def test_taking_out_a_replaced_document_leaves_those_around_it_in_order(draft, by):
    first = keep(draft, by)
    second = keep(draft, by, OTHER, replaces=first)
    third = keep(draft, by, corpus.pdf(corpus.with_signature), replaces=second)
    with unit_of_work():
        actions.remove(second, by=by)
    found = {kept.document.id: kept.is_current for kept in queries.documents_of(draft.organisation_id)}
    assert found == {first.id: False, third.id: True}


def test_a_document_that_a_dossier_holds_is_not_taken_out(draft, by):
    document = keep(draft, by)
    attachment = join(draft, document, by)
    with pytest.raises(RefusedError), unit_of_work():
        actions.remove(document, by=by)
    with unit_of_work():
        applications.remove_file(draft, attachment, by=by)
        actions.remove(document, by=by)
    assert shown(draft) == []
    assert db.session.scalars(select(StoredFile.removed_at)).all().count(None) == 0


@pytest.mark.parametrize(
    ("about", "field"),
    [
        (lambda today: DocumentDates(dated_on=today + timedelta(days=1)), "dated_on"),
        (lambda today: DocumentDates(today, today - timedelta(days=1)), "valid_until"),
    ],
)
def test_dates_that_cannot_be_are_refused(draft, by, about, field):
    dates = about(clock.today())
    with pytest.raises(InvalidError) as refused:
        keep(draft, by, dates=dates)
    assert refused.value.field == field
    document = keep(draft, by)
    with pytest.raises(InvalidError), unit_of_work():
        actions.change_dates(document, dates, version=document.version, by=by)
    with pytest.raises(ConflictError), unit_of_work():
        actions.change_dates(document, UNDATED, version=document.version + 1, by=by)


def test_only_what_calls_ask_for_once_is_kept_and_each_file_once(draft, by):
    for kind in ("mandate", "quotes", "unknown"):
        with pytest.raises(InvalidError) as refused:
            keep(draft, by, kind=kind)
        assert refused.value.field == "kind"
    keep(draft, by)
    with pytest.raises(InvalidError) as refused:
        keep(draft, by)
    assert refused.value.field == "file"
    keep(draft, by, kind="accounts")


def test_a_document_is_joined_to_its_own_piece_of_its_own_organisation_once(make, draft, by):
    document = keep(draft, by)
    stranger = make.application()
    for where, code in ((draft, "accounts"), (draft, "quotes"), (stranger, "statutes")):
        with pytest.raises(InvalidError):
            join(where, document, make.actor_of(make.member_of(where.organisation)), code)
    join(draft, document, by)
    with pytest.raises(InvalidError):
        join(draft, document, by)


def test_a_file_that_the_antivirus_refused_is_not_offered(draft, by):
    document = keep(draft, by)
    with unit_of_work():
        document.file.clearance = uploads.Clearance.REFUSED
    assert queries.offered(draft.organisation_id, [piece_of(draft)]) == {}
    with pytest.raises(RefusedError):
        uploads.again(document.file)


def warned(at) -> int:
    with clock.fixed(at), unit_of_work():
        return letters.warn_of_lapsing()


def test_members_are_warned_once_before_a_document_lapses(make, draft, by):
    day = clock.today() + timedelta(days=100)
    document = keep(draft, by, dates=DocumentDates(valid_until=day))
    noon = datetime.combine(day, time(11), UTC)  # that day in the fund’s zone, in winter as in summer
    assert [warned(noon - WARNED_BEFORE - timedelta(days=1)), warned(noon - WARNED_BEFORE)] == [0, 1]
    assert [warned(noon), warned(noon + timedelta(days=1))] == [0, 0]
    letter = db.session.scalars(select(Letter).where(Letter.kind == "documents_lapsing")).one()
    assert letter.recipient == make.member_of(draft.organisation).email
    assert f"/organisations/{draft.organisation_id}/documents" in letter.body
    with unit_of_work():
        dates = DocumentDates(valid_until=day + timedelta(days=200))
        actions.change_dates(document, dates, version=document.version, by=by)
    assert warned(noon + timedelta(days=200)) == 1


def test_a_replaced_document_warns_nobody(draft, by):
    soon = DocumentDates(valid_until=clock.today() + timedelta(days=2))
    keep(draft, by, OTHER, replaces=keep(draft, by, dates=soon))
    assert warned(clock.now()) == 0
    assert queries.lapsing([draft.organisation_id]) == []
