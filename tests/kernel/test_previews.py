"""Small pictures of files: made once, within limits, gone with their file, and given to whoever may read it."""

import io

import pikepdf
import pytest
from PIL import Image
from werkzeug.datastructures import FileStorage

from grants.kernel import bounded, previews, uploads
from grants.kernel.actor import system
from grants.kernel.db import db, unit_of_work
from grants.kernel.errors import MissingError, RefusedError
from grants.kernel.examining import process
from grants.kernel.examining.found import UnfitError
from grants.kernel.previews import FilePreview
from grants.kernel.uploads import Clearance
from tests.kernel import corpus

BY = system("tests")


@pytest.fixture(autouse=True)
def in_this_process(monkeypatch):
    """Read files here rather than in a process each; the last test tries that process."""
    monkeypatch.setattr(bounded, "examine", lambda reader, content, folder: process.examine(reader, content))


def stored(name, content):
    with unit_of_work():
        return uploads.accept(FileStorage(io.BytesIO(content), name), by=BY, field="file")


def picture(kind, size=(900, 300), mode="RGB", colour="green"):
    content = io.BytesIO()
    Image.new(mode, size, colour).save(content, format=kind)
    return content.getvalue()


def made_of(row):
    return db.session.get(FilePreview, row.id, populate_existing=True)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("plan.png", picture("PNG", mode="RGBA", colour=(0, 90, 0, 0))),
        ("photo.JPEG", picture("JPEG", mode="L", colour=9)),
        ("statuts.pdf", corpus.pdf()),
    ],
)
def test_a_file_has_a_small_picture(app, name, content):
    row = stored(name, content)
    assert previews.previewed([row.id]) == set()
    assert previews.make_waiting() == 1
    assert previews.previewed([row.id]) == {row.id}
    answer = previews.send(row)
    with Image.open(io.BytesIO(answer.get_data())) as small:
        assert (small.format, max(small.size)) == ("JPEG", 320)
    assert (answer.content_type, answer.headers["Cache-Control"]) == ("image/jpeg", "private, max-age=3600")
    assert previews.make_waiting() == 0


@pytest.mark.neutral
def test_a_file_without_a_picture_is_not_looked_at_again(app):
    row = stored("vide.pdf", corpus.pdf())
    with unit_of_work():
        row.copy_sha256 = "0" * 64  # its bytes cannot be given any more
    assert (previews.make_waiting(), made_of(row).content, previews.make_waiting()) == (1, None, 0)
    with pytest.raises(MissingError):
        previews.send(row)


@pytest.mark.neutral
def test_what_was_refused_or_removed_is_not_shown(app):
    refused, removed = stored("a.pdf", corpus.pdf()), stored("b.pdf", corpus.pdf())
    previews.make_waiting()
    with unit_of_work():
        refused.clearance = Clearance.REFUSED
        uploads.remove(removed, by=BY)
    with pytest.raises(RefusedError):
        previews.send(refused)
    with pytest.raises(MissingError):
        previews.send(removed)
    with unit_of_work():
        db.session.delete(removed)
    assert made_of(removed) is None


@pytest.mark.neutral
def test_too_many_files_at_once_are_tried_again_later(app, monkeypatch):
    def busy(*_asked, **_options):
        raise bounded.BusyError

    row = stored("a.pdf", corpus.pdf())
    monkeypatch.setattr(bounded, "examine", busy)
    assert (previews.make_waiting(), made_of(row)) == (0, None)


@pytest.mark.neutral
def test_a_page_of_any_size_costs_a_small_picture():
    def widen(pdf):
        pdf.pages[0].MediaBox = pikepdf.Array([0, 0, 14_400, 1])

    with Image.open(io.BytesIO(process.examine("preview_pdf", corpus.pdf(widen)).copy)) as small:
        assert small.size == (320, 1)


@pytest.mark.neutral
@pytest.mark.parametrize("content", [b"", b"%PDF-1.7\n", corpus.pdf()[:400], picture("PNG")])
def test_what_is_no_pdf_has_no_picture(content):
    with pytest.raises(UnfitError):
        process.examine("preview_pdf", content)


@pytest.mark.neutral
def test_the_limits_of_the_process_leave_room_for_a_page(tmp_path):
    """In a process of its own, with its limits: the library that draws pages fits in them."""
    command = bounded._run
    with (tmp_path / "in").open("w+b") as given, (tmp_path / "out").open("w+b") as output:
        given.write(corpus.pdf())
        given.seek(0)
        assert command("preview_pdf", given, output) == 0
        assert output.seek(0, io.SEEK_END) > 500
