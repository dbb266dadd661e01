"""Uploaded files: honest files come out sound, hostile ones never come in, and no row is ever without its file."""

import hashlib
import io
import os
import time
import zipfile
from datetime import timedelta
from uuid import uuid4

import pikepdf
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from sqlalchemy import func, select
from werkzeug.datastructures import FileStorage

from grants.kernel import bounded, clock, journal, uploads
from grants.kernel.actor import ANONYMOUS, Actor, system
from grants.kernel.db import db, unit_of_work
from grants.kernel.errors import InvalidError, MissingError, RefusedError
from grants.kernel.examining import process
from grants.kernel.uploads import Clearance, StoredFile, StoreError, clean_name
from grants.people.queries import actor_of
from tests.kernel import corpus

pytestmark = pytest.mark.neutral

BY = system("tests")


def offer(name, content):
    return uploads.accept(FileStorage(io.BytesIO(content), name), by=BY, field="file")


def stored(name="statuts.pdf", content=None):
    with unit_of_work():
        return offer(name, corpus.pdf() if content is None else content)


@pytest.fixture(autouse=True)
def in_this_process(monkeypatch):
    """Read files here rather than in a process each: what that process adds is tried in test_bounded.py."""
    monkeypatch.setattr(bounded, "examine", lambda reader, content, folder: process.examine(reader, content))


@pytest.fixture
def folder(app, tmp_path, monkeypatch):
    """Give the folder of the store, this test's own."""
    settings = app.config["SETTINGS"]
    monkeypatch.setitem(app.config, "SETTINGS", type(settings)(**{**vars(settings), "instance": tmp_path}))
    return tmp_path / "files"


def files_in(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


# ------------------------------------------------------------------------------------------------------------ accepting


@pytest.mark.parametrize("name", corpus.HONEST)
def test_an_honest_file_is_kept_and_read_back(folder, name):
    filename, content = corpus.HONEST[name]
    row = stored(filename, content)
    assert row.name == filename
    assert (uploads.read(row), row.size, row.sha256) == (content, len(content), hashlib.sha256(content).hexdigest())
    assert files_in(folder) == sorted(filter(None, [row.place, row.copy_place]))
    assert list(uploads.problems()) == []


@pytest.mark.parametrize("name", corpus.HOSTILE)
def test_a_hostile_file_is_refused_in_french_and_leaves_nothing(folder, name):
    filename, content = corpus.HOSTILE[name]
    with pytest.raises(InvalidError) as refusal, unit_of_work():
        offer(filename, content)
    assert refusal.value.field == "file"
    assert "PDF, JPEG, PNG, DOCX, XLSX, ODT, ODS" in refusal.value.message
    assert files_in(folder) == []
    assert db.session.scalar(select(func.count()).select_from(StoredFile)) == 0


def test_scripts_actions_and_passengers_are_removed_from_a_pdf(folder):
    def everything(document):
        corpus.with_script(document)
        corpus.with_attachment(document)
        corpus.with_dynamic_form(document)

    given = corpus.pdf(everything, compress_streams=False, object_stream_mode=pikepdf.ObjectStreamMode.disable)
    assert all(word in given for word in (b"scripted", b"calc.exe", b"SubmitForm", b"MZ-passenger", b"xfa-passenger"))
    with pikepdf.open(io.BytesIO(uploads.read_shown(stored(content=given)))) as pdf:
        out = io.BytesIO()
        pdf.save(out, compress_streams=False, stream_decode_level=pikepdf.StreamDecodeLevel.generalized)
    for word in (b"scripted", b"JavaScript", b"calc.exe", b"SubmitForm", b"MZ-passenger", b"xfa-passenger"):
        assert word not in out.getvalue(), word
    assert b"Bonjour" in out.getvalue()


def test_a_photograph_is_turned_upright_and_forgets_who_took_it(folder):
    given = corpus.image("JPEG", size=(40, 20), exif=corpus.exif(6))
    assert b"MarqueDuTelephone" in given
    content = uploads.read_shown(stored("photo.jpg", given + b"<script>passenger</script>"))
    assert b"MarqueDuTelephone" not in content
    assert b"passenger" not in content
    with Image.open(io.BytesIO(content)) as image:
        assert image.size == (20, 40)
        assert not image.getexif()


def test_a_png_keeps_what_one_sees_through_it_and_no_text(folder):
    extra = PngInfo()
    extra.add_text("Author", "MarqueDuTelephone")
    content = uploads.read_shown(stored("plan.png", corpus.image("PNG", mode="RGBA", pnginfo=extra)))
    with Image.open(io.BytesIO(content)) as image:
        assert image.mode == "RGBA"
        assert "Author" not in image.info


def test_a_large_photograph_is_reduced_not_refused(folder):
    with Image.open(io.BytesIO(uploads.read_shown(stored(*corpus.HONEST["jpeg of a recent telephone"])))) as image:
        assert image.width * image.height <= 25_000_000
        assert image.width / image.height == pytest.approx(8000 / 6000, rel=0.01)


@pytest.mark.parametrize(("extra", "taken"), [(-1, True), (0, True), (1, False)])
def test_the_size_is_counted_to_the_byte(app, folder, monkeypatch, extra, taken):
    content = corpus.docx()
    settings = app.config["SETTINGS"]
    limited = type(settings)(**{**vars(settings), "max_upload": len(content) - extra})
    monkeypatch.setitem(app.config, "SETTINGS", limited)
    if taken:
        assert stored("projet.docx", content).size == len(content)
    else:
        with pytest.raises(InvalidError, match="trop lourd"):
            stored("projet.docx", content)


def test_no_file_chosen_is_said_plainly(folder):
    with pytest.raises(InvalidError, match="Choisissez un fichier"), unit_of_work():
        offer("", b"")


def test_what_was_already_read_is_read_again(folder):
    upload = FileStorage(io.BytesIO(corpus.pdf()), "statuts.pdf")
    upload.stream.read()
    with unit_of_work():
        assert uploads.accept(upload, by=BY).size > 0


# ---------------------------------------------------------------------------------------------------------------- names


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("../../etc/passwd.pdf", "passwd.pdf"),
        ("C:\\Users\\Inès\\statuts.pdf", "statuts.pdf"),
        ("statuts\r\nSet-Cookie: a=b.pdf", "statutsSet-Cookie_ a=b.pdf"),
        ("a\x00b\x07.pdf", "ab.pdf"),
        ("rapport\u202efdp.pdf", "rapportfdp.pdf"),
        ("zero\u200bwidth\ufeff.pdf", "zerowidth.pdf"),
        ('"><img src=x>.pdf', "___img src=x_.pdf"),
        ("e\u0301te\u0301.pdf", "été.pdf"),
        ("  bilan   2018 .pdf  ", "bilan 2018.pdf"),
        (".pdf", "document.pdf"),
        ("...pdf", "document.pdf"),
        ("👩‍🌾 jardin.pdf", "👩🌾 jardin.pdf"),
        ("ligne\u2028suite.pdf", "ligne suite.pdf"),
        ("", ""),
        ("/", ""),
    ],
)
def test_a_name_is_made_fit_to_be_shown(given, shown):
    assert clean_name(given) == shown


def test_a_long_name_is_cut_and_keeps_its_suffix():
    assert clean_name("é" * 300 + ".docx") == "é" * 195 + ".docx"
    assert len(clean_name("a" * 300)) == 200


@given(st.text(max_size=400))
def test_no_name_leads_anywhere_or_runs_over(given):
    name = clean_name(given)
    assert len(name) <= 200
    assert not set(name) & set('/\\\r\n\0<>"')
    assert name.isprintable()
    assert clean_name(name) == name


# ------------------------------------------------------------------------------------------------ row and file together


def test_a_file_takes_its_place_only_when_the_transaction_commits(folder):
    with unit_of_work():
        row = offer("statuts.docx", corpus.docx())
        assert files_in(folder) == [f"incoming/{row.place[3:]}"]
    assert files_in(folder) == [row.place]
    assert [entry.event for entry in journal.of(row)] == ["file.stored"]
    assert journal.of(row)[0].facts["sha256"] == row.sha256


def fail_after(act):
    act()
    raise ZeroDivisionError


def test_a_file_vanishes_with_its_transaction(folder):
    with pytest.raises(ZeroDivisionError), unit_of_work():
        fail_after(lambda: offer("statuts.docx", corpus.docx()))
    assert files_in(folder) == []
    assert stored().size > 0
    assert len(files_in(folder)) == 2


def test_a_file_undone_inside_its_transaction_vanishes_too(folder):
    with unit_of_work() as session:
        first = offer("un.docx", corpus.docx())
        session.flush()
        with pytest.raises(ZeroDivisionError), session.begin_nested():
            fail_after(lambda: (offer("deux.docx", corpus.docx()), session.flush()))
    assert files_in(folder) == [first.place]


def test_a_full_disk_refuses_the_file_and_keeps_nothing(folder, monkeypatch):
    def full(_descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreError) as refusal, unit_of_work():
        offer("statuts.docx", corpus.docx())
    assert refusal.value.status == 503
    assert files_in(folder) == []


# -------------------------------------------------------------------------------------------------------------- sending


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("statuts.pdf", "attachment; filename=statuts.pdf"),
        ("bilan 2018.pdf", 'attachment; filename="bilan 2018.pdf"'),
        ("été.pdf", "attachment; filename=ete.pdf; filename*=UTF-8''%C3%A9t%C3%A9.pdf"),
        ("漢.pdf", "attachment; filename=.pdf; filename*=UTF-8''%E6%BC%A2.pdf"),
    ],
)
def test_a_file_leaves_as_an_attachment_in_a_sandbox(app, folder, name, header):
    response = uploads.send(stored(name))
    assert response.headers["Content-Disposition"] == header
    assert response.headers["Content-Type"] == "application/octet-stream"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Content-Security-Policy"].startswith("sandbox;")
    assert response.headers["Cache-Control"] == "no-store"
    with app.test_request_context():
        response = app.process_response(response)
        assert response.headers["Content-Security-Policy"].startswith("sandbox;")


@pytest.fixture
def sent(make, folder):
    """Give a file that carries a script, sent by a member of an organisation, and that person."""
    organisation = make.organisation()
    person = actor_of(make.member_of(organisation))
    content = corpus.pdf(corpus.with_script)
    upload = FileStorage(io.BytesIO(content), "statuts.pdf")
    with unit_of_work():
        row = uploads.accept(upload, by=person, organisation_id=organisation.id)
    return row, person, content


def test_those_who_sent_it_get_their_bytes_and_others_the_copy_unless_they_ask(sent):
    row, person, content = sent
    copy = uploads.read_shown(row)
    assert b"scripted" not in copy
    assert hashlib.sha256(copy).hexdigest() == row.copy_sha256 != row.sha256
    assert uploads.send(row, to=person).data == content
    colleague = Actor(id=uuid4(), organisations={row.organisation_id: "editor"})
    assert uploads.send(row, to=colleague).data == content
    for other in (ANONYMOUS, Actor(id=uuid4()), Actor(id=uuid4(), organisations={uuid4(): "owner"})):
        assert uploads.send(row, to=other).data == copy
        asked = uploads.send(row, to=other, original=True)
        assert asked.data == content
        assert asked.headers["Content-Security-Policy"].startswith("sandbox;")
        assert asked.headers["Content-Disposition"] == "attachment; filename=statuts.pdf"


def test_a_signature_is_told_and_its_bytes_are_kept(folder):
    given = corpus.pdf(corpus.with_signature)
    row = stored("convention.pdf", given)
    assert row.signed
    assert uploads.read(row) == given
    with pikepdf.open(io.BytesIO(uploads.read_shown(row))) as copy:
        assert "/V" not in copy.Root.AcroForm.Fields[0]
        assert copy.Root.AcroForm.Fields[0].T == "Signature1"
    assert not stored().signed


def test_the_digest_of_the_journal_is_that_of_the_bytes_that_came(sent):
    row, _person, content = sent
    facts = journal.of(row)[0].facts
    assert facts["sha256"] == hashlib.sha256(content).hexdigest()
    assert facts["copy_sha256"] == row.copy_sha256


@pytest.mark.parametrize("which", ["place", "copy_place"])
def test_original_and_copy_are_both_verified(sent, folder, which):
    row = sent[0]
    path = folder / getattr(row, which)
    path.write_bytes(path.read_bytes()[:-1] + b"!")
    assert [str(row.id) in problem for problem in uploads.problems()] == [True]
    path.unlink()
    assert [str(row.id) in problem for problem in uploads.problems()] == [True]


def test_an_envelope_of_signature_is_named(folder):
    for name in ("convention.pdf.p7m", "convention.asice"):
        with pytest.raises(InvalidError, match="PDF signé"):
            offer(name, b"0\x80")


def test_a_changed_byte_keeps_the_file_from_leaving_and_is_told(folder):
    row = stored()
    path = folder / row.place
    content = bytearray(path.read_bytes())
    content[40] ^= 1
    path.write_bytes(content)
    with pytest.raises(StoreError, match="altéré"):
        uploads.send(row, original=True)
    assert [str(row.id) in problem for problem in uploads.problems()] == [True]


def test_a_missing_file_is_said_and_told(folder):
    row = stored()
    (folder / row.place).unlink()
    with pytest.raises(StoreError, match="introuvable"):
        uploads.read(row)
    assert len(list(uploads.problems())) == 1


def test_a_place_that_leads_elsewhere_is_never_read(folder):
    row = stored()
    row.place = "../../../../etc/passwd"
    with pytest.raises(StoreError):
        uploads.read(row)
    db.session.rollback()


def test_a_file_the_antivirus_refused_does_not_leave(folder):
    row = stored()
    row.clearance = Clearance.REFUSED
    with pytest.raises(RefusedError):
        uploads.send(row)
    db.session.rollback()


# --------------------------------------------------------------------------------------------------------------- upkeep


def age(path, hours):
    then = time.time() - hours * 3600
    os.utime(path, (then, then))


def test_forgotten_files_are_swept_and_files_on_their_way_are_not(folder):
    row = stored()
    old, fresh = folder / "incoming" / "old", folder / "incoming" / "fresh"
    old.write_bytes(b"x")
    fresh.write_bytes(b"x")
    age(old, 2)
    age(folder / row.place, 2)
    age(folder / row.copy_place, 2)
    assert uploads.sweep() == 1
    assert files_in(folder) == sorted([row.place, row.copy_place, "incoming/fresh"])


def test_a_file_without_a_row_is_told_then_set_aside_never_destroyed(folder):
    row = stored()
    stray = folder / row.place[:2] / ("0" * 32)
    stray.write_bytes(b"kept by a transaction whose answer was lost")
    assert list(uploads.problems()) == []
    age(stray, 2)
    assert len(list(uploads.problems())) == 1
    assert uploads.sweep() == 1
    assert list(uploads.problems()) == []
    assert (folder / "set-aside" / stray.name).read_bytes().startswith(b"kept by")


def destroyed():
    with unit_of_work():
        return uploads.purge()


def test_a_removed_file_leaves_at_once_and_is_destroyed_after_its_delay(sent, folder):
    row, person, _content = sent
    with unit_of_work():
        uploads.remove(row, by=person)
    with pytest.raises(MissingError):
        uploads.send(row, to=person)
    assert (destroyed(), len(files_in(folder))) == (0, 2)
    assert [*uploads.problems(), *journal.wrong_rows()] == []
    file_id, digest = row.id, row.sha256
    with clock.fixed(clock.now() + uploads.RETENTION + timedelta(minutes=1)):
        assert destroyed() == 1
        assert destroyed() == 0
    assert files_in(folder) == []
    assert [*uploads.problems(), *journal.wrong_rows()] == []
    assert db.session.scalars(select(StoredFile)).all() == []
    lines = db.session.scalars(
        select(journal.Entry).where(journal.Entry.subject_id == file_id).order_by(journal.Entry.seq)
    ).all()
    assert [line.event for line in lines] == ["file.stored", "file.removed", "file.destroyed"]
    assert lines[-1].facts["sha256"] == digest


def test_a_file_set_aside_is_destroyed_after_its_delay_with_a_line(folder):
    stray = folder / "aa" / ("a" * 32)
    stray.parent.mkdir(parents=True)
    stray.write_bytes(b"of no row")
    age(stray, 24 * 365)
    assert uploads.sweep() == 1
    assert (destroyed(), len(files_in(folder))) == (0, 1)
    with clock.fixed(clock.now() + uploads.RETENTION + timedelta(minutes=1)):
        assert destroyed() == 1
    assert files_in(folder) == []
    (line,) = db.session.scalars(select(journal.Entry).where(journal.Entry.event == "file.destroyed")).all()
    assert line.facts["place"] == "a" * 32


def test_a_dossier_has_its_share_of_the_disk_removed_files_included(folder, monkeypatch):
    dossier, content = uuid4(), corpus.docx()
    monkeypatch.setattr(uploads, "DOSSIER_MOST", 2 * len(content))

    def give(to=dossier):
        with unit_of_work():
            return uploads.accept(FileStorage(io.BytesIO(content), "a.docx"), by=BY, dossier_id=to, field="file")

    first, _second = give(), give()
    with pytest.raises(InvalidError, match="trop de fichiers") as refusal:
        give()
    assert refusal.value.field == "file"
    with unit_of_work():
        uploads.remove(first, by=BY)
    with pytest.raises(InvalidError, match="trop de fichiers"):
        give()
    assert give(uuid4()).size == len(content)


def test_a_person_has_a_share_of_the_disk_a_day(folder, monkeypatch):
    content, person = corpus.docx(), Actor(id=uuid4(), name="Camille")
    monkeypatch.setattr(uploads, "DAY_MOST", len(content))

    def give():
        with unit_of_work():
            return uploads.accept(FileStorage(io.BytesIO(content), "a.docx"), by=person, dossier_id=uuid4())

    give()
    with pytest.raises(InvalidError, match="depuis hier"):
        give()
    with clock.fixed(clock.now() + timedelta(days=1, minutes=1)):
        assert give().size == len(content)


# -------------------------------------------------------------------------------------------------------- what is shown


def parts_of(content):
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.mark.parametrize("name", corpus.REACHING)
def test_what_reaches_outside_is_taken_out_of_the_copy_of_an_office_document(folder, name):
    filename, content, words = corpus.REACHING[name]
    row = stored(filename, content)
    assert uploads.read(row) == content
    before, after = parts_of(content), parts_of(uploads.read_shown(row))
    assert list(before) == list(after)
    assert words in said(before)
    assert words not in said(after)
    assert b"stays" in said(after)


def said(parts):
    """All that parts say, those in UTF-16 too."""
    return b"".join(parts.values()).replace(b"\0", b"")


def test_a_workbook_inside_a_document_is_cleaned_too(folder):
    _name, workbook, words = corpus.REACHING["xlsx linked to a program"]
    row = stored("projet.docx", corpus.docx({"word/embeddings/Feuille1.xlsx": workbook}))
    inside = parts_of(parts_of(uploads.read_shown(row))["word/embeddings/Feuille1.xlsx"])
    assert words not in b"".join(inside.values())
    with pytest.raises(InvalidError, match="macros"):
        offer("projet.docx", corpus.docx({"word/embeddings/a.docx": corpus.docx({"word/vbaProject.bin": b"x"})}))


def test_what_lies_in_another_file_is_not_drawn_by_a_pdf(folder):
    given = corpus.pdf(corpus.with_outside_stream)
    assert b"outside" in given
    with pikepdf.open(io.BytesIO(uploads.read_shown(stored(content=given)))) as pdf:
        out = io.BytesIO()
        pdf.save(out, compress_streams=False, stream_decode_level=pikepdf.StreamDecodeLevel.generalized)
    assert b"outside" not in out.getvalue()
    assert b"Bonjour" in out.getvalue()


def test_a_picture_of_a_recent_telephone_is_shown_as_a_jpeg(folder):
    given = corpus.heic()
    row = stored("IMG_0042.HEIC", given)
    assert (uploads.read(row), row.media_type, row.copy_name) == (given, "image/heic", "IMG_0042.jpg")
    with Image.open(io.BytesIO(uploads.read_shown(row))) as image:
        assert (image.format, image.size) == ("JPEG", (64, 48))
    assert uploads.send(row).headers["Content-Disposition"] == "attachment; filename=IMG_0042.jpg"
    with pytest.raises(InvalidError, match="au format HEIC"):
        offer("photo.jpg", given)
