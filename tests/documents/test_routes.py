"""The documents of an organisation through its pages: kept once, joined by one button, read by those who may."""

import io
from datetime import timedelta

import pytest
from sqlalchemy import select
from werkzeug.datastructures import MultiDict

from grants.applications.lifecycle import ApplicationState
from grants.applications.models import Attachment
from grants.calls import queries as calls
from grants.documents.models import OrganisationDocument
from grants.kernel import clock
from grants.kernel.db import db, unit_of_work
from grants.people.models import MemberRole, Membership
from grants.screening import actions as screening
from tests.kernel import corpus

PDF = corpus.pdf()


@pytest.fixture
def draft(make):
    return make.application(call=make.call(closes_at=clock.now() + timedelta(minutes=30)))


@pytest.fixture
def owner(make, draft, page):
    person = make.member_of(draft.organisation)
    page.sign_in(person)
    return person


def editor_of(make, draft):
    """A member who is not responsible for the organisation."""
    person = make.account()
    with unit_of_work() as session:
        session.add(Membership(account_id=person.id, organisation_id=draft.organisation_id, role=MemberRole.EDITOR,
                               since_at=clock.now()))  # fmt: skip
    return person


def keep(page, draft, *, content=PDF, name="statuts.pdf", kind="statutes", **values):
    page.get("documents.add", draft.organisation_id)
    return page.submit({"kind": kind, "file": (io.BytesIO(content), name), **values})


def kept():
    return db.session.scalars(select(OrganisationDocument).order_by(OrganisationDocument.given_at)).all()


def pieces_page(page, draft):
    return page.get("applications.edit", draft, section="pieces")


def piece_of(draft, code="statutes"):
    return next(piece for piece in calls.pieces_of(draft.call_id) if piece.code == code)


def ticked(piece):
    """A file for a piece, to be kept among the documents of the organisation as well."""
    prefix = f"p{piece.id.hex}"
    file = (f"{prefix}-file", (io.BytesIO(PDF), "a.pdf"))
    return MultiDict([("piece", str(piece.id)), file, (f"{prefix}-keep", "y")])


def test_a_document_given_once_is_joined_to_two_dossiers_by_one_button_each(make, page, draft, owner):
    answer = keep(page, draft, dated_on="01/02/2020", valid_until="")
    assert "Le document est gardé" in answer.words
    assert "daté du 1er février 2020" in answer.words
    (document,) = kept()
    for application in (draft, make.application(organisation=draft.organisation)):
        place = pieces_page(page, application).tree.xpath("//*[@id='piece-statutes']")[0]
        assert "Joindre ce document" in place.text_content()
        data = {"piece": str(piece_of(application).id), "document": str(document.id)}
        answer = page.post("applications.edit", application, section="pieces", data=data, follow=True)
        assert "Joint au dossier : « statuts.pdf »" in answer.words
        assert "Joindre ce document" not in answer.tree.xpath("//*[@id='piece-statutes']")[0].text_content()
    assert len(db.session.scalars(select(Attachment.id)).all()) == 2
    listed = page.get("documents.index", draft.organisation_id)
    assert "Un dossier le contient." in listed.words
    assert "Supprimer" not in listed.tree.xpath("//main")[0].text_content()


def test_a_file_of_a_dossier_is_kept_for_the_next_ones_by_one_tick(make, page, draft, owner):
    piece, one_off = piece_of(draft), piece_of(draft, "quotes")
    answer = pieces_page(page, draft)
    ticks = [name for name in answer.tree.xpath("//input[@type='checkbox']/@name") if name.endswith("-keep")]
    assert ticks == [f"p{row.id.hex}-keep" for row in calls.pieces_of(draft.call_id) if row.once_for_all]
    for asked in (piece, one_off):
        data = ticked(asked)
        page.post("applications.edit", draft, section="pieces", data=data, follow=True)
    assert [(row.kind, row.file.name, row.file.dossier_id) for row in kept()] == [("statutes", "a.pdf", None)]
    editor = editor_of(make, draft)
    page.sign_in(editor)
    assert "-keep" not in pieces_page(page, draft).text
    other = piece_of(draft, "accounts")
    page.post("applications.edit", draft, section="pieces", data=ticked(other))
    assert len(kept()) == 1


def test_members_read_owners_write_and_the_staff_reads_only_what_a_dossier_holds(make, page, draft, owner):
    keep(page, draft)
    (document,) = kept()
    editor, manager = editor_of(make, draft), make.account("manager")
    assert "statuts.pdf" in page.get("documents.index", draft.organisation_id, as_=editor).words
    assert page.get("applications.file", document.file_id).status == 200
    assert page.get("documents.add", draft.organisation_id).status == 403
    assert page.post("documents.remove", document, data={}).status == 403
    for stranger, answer in ((manager, 403), (make.account("administrator"), 403), (make.account(), 404)):
        assert page.get("documents.index", draft.organisation_id, as_=stranger).status == answer
        assert page.get("applications.file", document.file_id).status == 404
        assert page.get("applications.original", document.file_id).status == 404
        assert page.get("documents.dates", document).status == 404


def test_a_file_chosen_beside_a_joined_document_is_not_lost(page, draft, owner):
    keep(page, draft)
    piece, (document,) = piece_of(draft), kept()
    file = (f"p{piece.id.hex}-file", (io.BytesIO(corpus.pdf(corpus.with_script)), "annexe.pdf"))
    data = MultiDict([("piece", str(piece.id)), ("document", str(document.id)), file])
    assert page.post("applications.edit", draft, section="pieces", data=data).status == 302
    given = [row.file.name for row in db.session.scalars(select(Attachment).order_by(Attachment.given_at))]
    assert given == ["statuts.pdf", "annexe.pdf"]


def test_a_document_that_is_no_longer_valid_is_offered_with_a_word(page, draft, owner):
    today = clock.today()
    keep(page, draft, valid_until=(today - timedelta(days=1)).isoformat())
    keep(page, draft, content=corpus.pdf(corpus.with_script), name="bilan.pdf", kind="accounts",
         valid_until=(today + timedelta(days=30)).isoformat())  # fmt: skip
    answer = pieces_page(page, draft)
    offered = {
        code: answer.tree.xpath(f"//*[@id='piece-{code}']")[0].text_content() for code in ("statutes", "accounts")
    }
    assert "plus valable depuis le" in offered["statutes"]
    assert "valable jusqu’au" in offered["accounts"]
    home = page.get("desk.work").words
    assert "Documents à renouveler" in home
    assert "Statuts de l’association" in home


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"kind": "mandate"}, "Ce choix n’est pas proposé."),
        ({"file": (io.BytesIO(b"MZ"), "virus.exe")}, "Ce type de fichier n’est pas accepté."),
        ({"dated_on": "31/02/2024"}, "Cette date n’existe pas"),
        ({"dated_on": "01/02/2024", "valid_until": "01/01/2024"}, "La fin de validité vient avant"),
    ],
)
def test_bad_input_is_told_on_its_field_and_keeps_nothing(page, draft, owner, values, message):
    page.get("documents.add", draft.organisation_id)
    answer = page.submit({"kind": "statutes", "file": (io.BytesIO(PDF), "a.pdf"), **values})
    assert answer.status == 422
    assert message in answer.words
    assert kept() == []


def test_a_document_of_another_organisation_is_neither_replaced_nor_joined(make, page, draft, owner):
    theirs = make.application()
    stranger = make.member_of(theirs.organisation)
    page.sign_in(stranger)
    keep(page, theirs)
    (document,) = kept()
    page.sign_in(owner)
    assert page.get("documents.add", draft.organisation_id, remplace=str(document.id)).status == 404
    assert page.get("documents.add", draft.organisation_id, remplace="rien").status == 404
    data = {"piece": str(piece_of(draft).id), "document": str(document.id)}
    answer = page.post("applications.edit", draft, section="pieces", data=data)
    assert answer.status == 422
    assert "n’est pas proposé" in answer.words
    assert db.session.scalars(select(Attachment)).all() == []


def test_a_document_is_replaced_dated_and_deleted_by_its_pages(page, draft, owner):
    keep(page, draft)
    (old,) = kept()
    page.get("documents.add", draft.organisation_id, remplace=str(old.id))
    answer = page.submit({"file": (io.BytesIO(corpus.pdf(corpus.with_script)), "nouveaux.pdf")})
    assert "Remplacés" in answer.words
    new = kept()[-1]
    page.get("documents.dates", new)
    page.submit({"valid_until": "2031-01-01"})
    db.session.expire_all()
    assert str(new.valid_until) == "2031-01-01"
    page.get("documents.index", draft.organisation_id)
    answer = page.submit(action=f"/documents/{new.id}/supprimer")
    assert "Le document est supprimé." in answer.words
    assert "Remplacés" not in answer.words


def test_a_piece_that_the_fund_asks_for_is_answered_by_a_document(make, page):
    application = make.application(state=ApplicationState.SUBMITTED)
    owner, manager = make.member_of(application.organisation), make.account("manager")
    page.sign_in(owner)
    keep(page, application)
    (document,) = kept()
    with unit_of_work():
        request = screening.request_piece(
            application, piece=piece_of(application), label="", message="", due_on=clock.today() + timedelta(days=9),
            by=make.actor_of(manager),
        )  # fmt: skip
    assert "Joindre ce document" in page.get("screening.answer", application).words
    data = {"document": str(document.id)}
    assert "Pièce reçue" in page.post("screening.give", request, data=data, follow=True).words
    db.session.expire_all()
    assert request.file.sha256 == document.file.sha256
    assert page.get("applications.file", request.file_id, as_=manager).status == 200
