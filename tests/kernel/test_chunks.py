"""Large files arrive in chunks: what a dropped line costs, whose chunks they are, and what a form makes of them."""

import hashlib
import io
from datetime import timedelta

import pytest
from sqlalchemy import select
from werkzeug.datastructures import MultiDict

from grants.applications.lifecycle import ApplicationState
from grants.applications.models import Attachment
from grants.calls import queries as calls
from grants.kernel import chunks, clock, files
from grants.kernel.db import db
from grants.kernel.errors import InvalidError
from tests.applications.test_actions import PDF

DIGEST = hashlib.sha256(PDF).hexdigest()


@pytest.fixture
def draft(make, page):
    """Give a draft whose member is signed in before its documents."""
    found = make.application(state=ApplicationState.DRAFT)
    page.sign_in(make.member_of(found.organisation))
    page.get("applications.edit", found, section="pieces")
    return found


def send(page, content, *, digest="", number=0, size=None):
    told = str(len(content) if size is None else size)
    data = MultiDict([("size", told), ("chunk", (io.BytesIO(content), "chunk"))])
    return page.post("desk.send_chunk", digest=digest or hashlib.sha256(content).hexdigest(), number=number, data=data)


def missing(page):
    return page.get("desk.sent_chunks", digest=DIGEST, size=len(PDF)).response.json["missing"]


def named(draft, *sent, index=0):
    """What the form of a piece says of files that came in chunks."""
    piece = calls.pieces_of(draft.call_id)[index]
    field = f"p{piece.id.hex}-file"
    return MultiDict([("piece", str(piece.id)), *(("_sent", f"{field}/{one}") for one in sent)])


def waiting():
    store = files.store()
    return [kept.name for group in store.groups(chunks.GROUPS) for kept in store.list(group)]


def test_a_file_sent_in_chunks_is_joined_like_any_other(page, draft):
    assert missing(page) == [0]
    assert send(page, PDF).status == send(page, PDF).status == 204
    assert (missing(page), waiting()) == ([], [f"{DIGEST}-0"])
    sent = f"{DIGEST}/{len(PDF)}/comptes 2025.pdf"
    answer = page.post("applications.edit", draft, section="pieces", data=named(draft, sent), follow=True)
    assert "Fichier reçu" in answer.words
    stored = db.session.scalars(select(Attachment)).one().file
    assert (stored.name, stored.sha256, stored.size) == ("comptes 2025.pdf", DIGEST, len(PDF))
    assert waiting() == []


def test_an_act_stands_when_its_chunks_cannot_be_destroyed(page, draft, monkeypatch):
    send(page, PDF)

    def refuse(_store, key):
        raise OSError(key)

    monkeypatch.setattr(files.FolderStore, "delete", refuse)
    answer = page.post("applications.edit", draft, section="pieces", data=named(draft, f"{DIGEST}/{len(PDF)}/a.pdf"))
    assert answer.status == 302
    assert db.session.scalars(select(Attachment)).one().file.sha256 == DIGEST
    assert waiting() == [f"{DIGEST}-0"]


def test_only_what_is_missing_is_sent_again(app, make):
    content = bytes(range(256)) * 1024 * 2 + b"la fin"
    person, other = make.account(), make.account()
    digest = hashlib.sha256(content).hexdigest()
    with app.test_request_context():
        file = chunks.expected(person.id, digest, len(content))
        parts = [content[at : at + chunks.CHUNK] for at in range(0, len(content), chunks.CHUNK)]
        assert chunks.missing(file) == [0, 1, 2]
        chunks.put(file, 2, parts[2])
        chunks.put(file, 0, parts[0])
        assert chunks.missing(file) == [1]
        assert chunks.missing(chunks.expected(other.id, digest, len(content))) == [0, 1, 2]
        for number, part in ((1, b"court"), (2, parts[1]), (3, parts[0]), (-1, parts[0])):
            with pytest.raises(InvalidError):
                chunks.put(file, number, part)
        chunks.put(file, 1, parts[1])
    with app.test_request_context(method="POST", data={"_sent": f"un/{digest}/{len(content)}/a.pdf"}):
        chunks.assemble(person.id)
        from_form = chunks.request.files["un"]
        assert (from_form.filename, from_form.read()) == ("a.pdf", content)
    again = app.test_request_context(method="POST", data={"_sent": f"un/{digest}/{len(content)}/a.pdf"})
    with again, pytest.raises(InvalidError, match=r"a\.pdf"):
        chunks.assemble(other.id)


@pytest.mark.parametrize("changed", ["altered", "short", "none", "another name for it"])
def test_a_file_that_is_not_whole_is_refused_and_joined_nowhere(page, draft, changed):
    content = {"altered": PDF[:-1] + b"x", "short": PDF}.get(changed)
    if content is not None:
        send(page, content, digest=DIGEST)
    size = len(PDF) + 1 if changed == "short" else len(PDF)
    sent = "n’importe quoi" if changed == "another name for it" else f"{DIGEST}/{size}/comptes.pdf"
    answer = page.post("applications.edit", draft, section="pieces", data=named(draft, sent))
    said = "vide ou trop lourd" if changed == "another name for it" else "choisissez-le de nouveau"
    assert (answer.status, said in answer.words) == (422, True)
    assert db.session.scalars(select(Attachment)).all() == []
    assert waiting() == []


def test_what_is_too_large_unknown_or_asked_by_nobody_is_refused(app, page, draft):
    for size in (0, chunks.SENT_MOST + 1, "1e3", "", "-1"):
        assert page.get("desk.sent_chunks", digest=DIGEST, size=size).status == 422
    assert page.get("desk.sent_chunks", digest=DIGEST.upper(), size=1).status == 422
    assert send(page, PDF, digest="../" + DIGEST[3:]).status in {404, 422}
    assert send(page, PDF, number=1).status == send(page, PDF, size=len(PDF) + 1).status == 422
    page.sign_in(None)
    assert page.get("desk.sent_chunks", digest=DIGEST, size=len(PDF)).status != 200
    assert send(page, PDF).status != 204
    assert waiting() == []


def test_chunks_that_wait_too_long_and_too_many_are_destroyed(app, make, monkeypatch):
    person, at = make.account(), clock.now()
    with app.test_request_context():
        kept = [chunks.expected(person.id, hashlib.sha256(bytes([n])).hexdigest(), 1) for n in range(4)]
        monkeypatch.setattr(chunks, "WAITING_MOST", 2)
        for number, file in enumerate(kept[:3]):
            chunks.put(file, 0, bytes([number]))
        assert len(waiting()) == 2
        with clock.fixed(at + chunks.KEPT + timedelta(minutes=1)):
            assert chunks.sweep() == 2
    assert waiting() == []


def test_several_files_go_at_once_and_a_wrong_one_costs_no_other(page, draft):
    piece = calls.pieces_of(draft.call_id)[0]
    field = f"p{piece.id.hex}-file"
    data = MultiDict([
        ("piece", str(piece.id)), (field, (io.BytesIO(PDF), "statuts.pdf")), (field, (io.BytesIO(b"MZ"), "outil.exe")),
        (field, (io.BytesIO(PDF), "annexe.pdf")),
    ])  # fmt: skip
    answer = page.post("applications.edit", draft, section="pieces", data=data, follow=True)
    assert "2 fichiers reçus" in answer.words
    assert "outil.exe" in answer.words
    assert {row.file.name for row in db.session.scalars(select(Attachment))} == {"statuts.pdf", "annexe.pdf"}
    wrong = MultiDict(
        [("piece", str(piece.id)), (field, (io.BytesIO(b"MZ"), "a.exe")), (field, (io.BytesIO(b""), "b.pdf"))]
    )
    refused = page.post("applications.edit", draft, section="pieces", data=wrong)
    assert refused.status == 422
    assert "a.exe" in refused.words
    assert "b.pdf" in refused.words


def test_a_file_named_while_nobody_is_signed_in_is_told_as_one_to_choose_again(app, page, draft):
    sent = named(draft, f"{DIGEST}/{len(PDF)}/comptes.pdf")
    with app.test_request_context(method="POST", data=sent):
        assert chunks.names() == ["comptes.pdf"]
