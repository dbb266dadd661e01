"""The vault: honest files come out sound, hostile ones never come in, and no row is ever without its file."""

import io
import os
import time

import pikepdf
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from sqlalchemy import func, select

from grants.kernel import bounded, journal, vault
from grants.kernel.actor import system
from grants.kernel.db import db, unit_of_work
from grants.kernel.errors import InvalidError, RefusedError
from grants.kernel.examining import process
from grants.kernel.vault import Clearance, Offered, StoredFile, StoreError, clean_name
from tests.kernel import corpus

BY = system("tests")


def offer(name, content):
    return vault.accept(Offered(name, io.BytesIO(content)), by=BY, field="file")


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
    kept = vault.read(row)
    assert row.name == filename
    assert row.size == len(kept)
    assert files_in(folder) == [row.place]
    assert list(vault.problems()) == []


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
    with pikepdf.open(io.BytesIO(vault.read(stored(content=given)))) as pdf:
        out = io.BytesIO()
        pdf.save(out, compress_streams=False, stream_decode_level=pikepdf.StreamDecodeLevel.generalized)
    for word in (b"scripted", b"JavaScript", b"calc.exe", b"SubmitForm", b"MZ-passenger", b"xfa-passenger"):
        assert word not in out.getvalue(), word
    assert b"Bonjour" in out.getvalue()


def test_a_photograph_is_turned_upright_and_forgets_who_took_it(folder):
    given = corpus.image("JPEG", size=(40, 20), exif=corpus.exif(6))
    assert b"MarqueDuTelephone" in given
    kept = vault.read(stored("photo.jpg", given + b"<script>passenger</script>"))
    assert b"MarqueDuTelephone" not in kept
    assert b"passenger" not in kept
    with Image.open(io.BytesIO(kept)) as image:
        assert image.size == (20, 40)
        assert not image.getexif()


def test_a_png_keeps_what_one_sees_through_it_and_no_text(folder):
    extra = PngInfo()
    extra.add_text("Author", "MarqueDuTelephone")
    kept = vault.read(stored("plan.png", corpus.image("PNG", mode="RGBA", pnginfo=extra)))
    with Image.open(io.BytesIO(kept)) as image:
        assert image.mode == "RGBA"
        assert "Author" not in image.info


def test_a_large_photograph_is_reduced_not_refused(folder):
    with Image.open(io.BytesIO(vault.read(stored(*corpus.HONEST["jpeg of a recent telephone"])))) as image:
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
    upload = Offered("statuts.pdf", io.BytesIO(corpus.pdf()))
    upload.stream.read()
    with unit_of_work():
        assert vault.accept(upload, by=BY).size > 0


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
        row = offer("statuts.pdf", corpus.pdf())
        assert files_in(folder) == [f"incoming/{row.place[3:]}"]
    assert files_in(folder) == [row.place]
    assert [entry.event for entry in journal.of(row)] == ["file.stored"]
    assert journal.of(row)[0].facts["sha256"] == row.sha256


def fail_after(act):
    act()
    raise ZeroDivisionError


def test_a_file_vanishes_with_its_transaction(folder):
    with pytest.raises(ZeroDivisionError), unit_of_work():
        fail_after(lambda: offer("statuts.pdf", corpus.pdf()))
    assert files_in(folder) == []
    assert stored().size > 0
    assert len(files_in(folder)) == 1


def test_a_file_undone_inside_its_transaction_vanishes_too(folder):
    with unit_of_work() as session:
        first = offer("un.pdf", corpus.pdf())
        session.flush()
        with pytest.raises(ZeroDivisionError), session.begin_nested():
            fail_after(lambda: (offer("deux.pdf", corpus.pdf()), session.flush()))
    assert files_in(folder) == [first.place]


def test_a_full_disk_refuses_the_file_and_keeps_nothing(folder, monkeypatch):
    def full(_descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreError) as refusal, unit_of_work():
        offer("statuts.pdf", corpus.pdf())
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
    response = vault.send(stored(name))
    assert response.headers["Content-Disposition"] == header
    assert response.headers["Content-Type"] == "application/octet-stream"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Content-Security-Policy"].startswith("sandbox;")
    assert response.headers["Cache-Control"] == "no-store"
    with app.test_request_context():
        response = app.process_response(response)
        assert response.headers["Content-Security-Policy"].startswith("sandbox;")


def test_a_changed_byte_keeps_the_file_from_leaving_and_is_told(folder):
    row = stored()
    path = folder / row.place
    content = bytearray(path.read_bytes())
    content[40] ^= 1
    path.write_bytes(content)
    with pytest.raises(StoreError, match="altéré"):
        vault.send(row)
    assert [str(row.id) in problem for problem in vault.problems()] == [True]


def test_a_missing_file_is_said_and_told(folder):
    row = stored()
    (folder / row.place).unlink()
    with pytest.raises(StoreError, match="introuvable"):
        vault.read(row)
    assert len(list(vault.problems())) == 1


def test_a_place_that_leads_elsewhere_is_never_read(folder):
    row = stored()
    row.place = "../../../../etc/passwd"
    with pytest.raises(StoreError):
        vault.read(row)
    db.session.rollback()


def test_a_file_the_antivirus_refused_does_not_leave(folder):
    row = stored()
    row.clearance = Clearance.REFUSED
    with pytest.raises(RefusedError):
        vault.send(row)
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
    assert vault.sweep() == 1
    assert files_in(folder) == sorted([row.place, "incoming/fresh"])


def test_a_file_without_a_row_is_told_then_set_aside_never_destroyed(folder):
    row = stored()
    stray = folder / row.place[:2] / ("0" * 32)
    stray.write_bytes(b"kept by a transaction whose answer was lost")
    assert list(vault.problems()) == []
    age(stray, 2)
    assert len(list(vault.problems())) == 1
    assert vault.sweep() == 1
    assert list(vault.problems()) == []
    assert (folder / "set-aside" / stray.name).read_bytes().startswith(b"kept by")
