"""Files of strangers are read in a process of its own: limited, few at once, with nothing open in the database."""

import contextlib
import io
import json
import resource
import subprocess
import sys
import threading
import time
from contextvars import copy_context

import pytest
from werkzeug.datastructures import MultiDict

from grants.applications.lifecycle import ApplicationState as S
from grants.applications.rules import Part
from grants.calls import queries as calls
from grants.kernel import bounded, uploads
from grants.kernel.db import db
from grants.kernel.examining import image, office, process
from grants.kernel.examining.found import FileFacts, UnfitError
from grants.kernel.examining.xmlparts import XmlPart
from grants.kernel.uploads import StoredFile
from tests.kernel import corpus
from tests.kernel.test_uploads import BY

pytestmark = pytest.mark.neutral

IMPORTED = "from grants.kernel.examining.process import main; main(sys.argv[2])"


def output_of(code):
    """What a process started as `bounded` starts its own says when it runs this code."""
    start = bounded._START.replace(IMPORTED, code)
    assert start != bounded._START
    command = [sys.executable, "-s", "-P", "-c", start, str(bounded._PACKAGE)]
    return json.loads(subprocess.run(command, env={}, cwd="/", capture_output=True, check=True).stdout)


def test_the_process_is_limited_and_loads_neither_the_application_nor_its_secrets():
    output = output_of(
        "import json, os, resource; from grants.kernel.examining import process; process.limit(); "
        "print(json.dumps([[resource.getrlimit(getattr(resource, 'RLIMIT_' + name))[0] "
        "for name in ('CPU', 'AS', 'FSIZE', 'NOFILE', 'CORE')], sorted(sys.modules), sorted(os.environ)]))"
    )
    limits, modules, names = output
    assert limits == [process.SECONDS, process.MEMORY, process.OUTPUT, process.DESCRIPTORS, 0]
    assert not {"flask", "sqlalchemy", "grants.app", "pikepdf", "PIL"} & set(modules)
    assert not {name for name in names if name not in {"LC_CTYPE", "PWD", "SHLVL", "_"}}
    assert resource.getrlimit(resource.RLIMIT_CPU)[0] != process.SECONDS


@pytest.mark.parametrize(
    "code",
    [
        "from grants.kernel.examining.process import limit; limit(); bytearray(2 << 30)",
        "from grants.kernel.examining.process import limit; limit(); sys.stdout.buffer.write(bytes(60 << 20))",
        "sys.exit(3)",
        "print('nothing a reader says')",
        "import time; time.sleep(60)",
    ],
    ids=["memory", "output", "death", "nonsense", "time"],
)
def test_a_process_that_exceeds_its_limits_or_dies_refuses_the_file(tmp_path, monkeypatch, code):
    monkeypatch.setattr(bounded, "_START", bounded._START.replace(IMPORTED, code))
    monkeypatch.setattr(bounded, "WALL", 1.5 if "sleep" in code else 30)
    with pytest.raises(UnfitError) as refusal:
        bounded.examine("pdf", corpus.pdf(), folder=tmp_path)
    assert refusal.value.code == "limits"


@pytest.mark.parametrize("name", ["pdf", "jpeg", "png", "docx", "odt"])
def test_what_the_process_tells_is_what_its_reader_found(tmp_path, name):
    filename, content = corpus.HONEST[name]
    reader = uploads.FORMATS[filename.rpartition(".")[2]].reader
    assert bounded.examine(reader, content, folder=tmp_path) == process.examine(reader, content)


@pytest.fixture
def held_up(monkeypatch):
    """Processes that end when they are told to; the numbers of those that began."""
    begun, go = [], threading.Event()

    def hold(_reader, _given, output):
        begun.append(1)
        go.wait(30)
        output.write(b'{"copy": false, "suffix": "", "signed": false}\n')
        return 0

    monkeypatch.setattr(bounded, "_run", hold)
    return begun, go


@contextlib.contextmanager
def examined(folder, number, held_up):
    """So many are given at once: what is told of each, once the block is over."""
    begun, go = held_up
    outcomes = []
    workers = [
        threading.Thread(target=lambda: outcomes.append(bounded.examine("pdf", b"x", folder=folder)))
        for _ in range(number)
    ]
    for worker in workers:
        worker.start()
    limit = time.monotonic() + 30
    while (len(begun) < bounded.AT_ONCE or bounded._in_hand._value > bounded.IN_HAND - number) and limit > 0:
        assert time.monotonic() < limit
        time.sleep(0.01)
    yield outcomes
    go.set()
    for worker in workers:
        worker.join(30)


def test_as_many_as_may_be_in_hand_wait_for_their_turn_and_get_it(tmp_path, held_up):
    with examined(tmp_path, bounded.IN_HAND, held_up) as outcomes:
        assert (len(held_up[0]), outcomes) == (bounded.AT_ONCE, [])
        with pytest.raises(bounded.BusyError):
            bounded.examine("pdf", b"x", folder=tmp_path)
    assert outcomes == [FileFacts()] * bounded.IN_HAND


def test_a_turn_that_never_comes_is_said(tmp_path, monkeypatch, held_up):
    with examined(tmp_path, bounded.AT_ONCE, held_up) as outcomes:
        monkeypatch.setattr(bounded, "PATIENCE", 0.1)
        with pytest.raises(bounded.BusyError):
            bounded.examine("pdf", b"x", folder=tmp_path)
    assert outcomes == [FileFacts()] * bounded.AT_ONCE
    assert bounded.examine("pdf", b"x", folder=tmp_path) == FileFacts()


def test_a_thread_that_other_visitors_need_does_not_wait(tmp_path, monkeypatch, held_up):
    monkeypatch.setattr(bounded.time, "sleep", lambda _seconds: pytest.fail("it waits"))

    def hurried():
        bounded.may_wait.set(False)
        return bounded.examine("pdf", b"x", folder=tmp_path)

    with bounded._turn(tmp_path), bounded._turn(tmp_path), pytest.raises(bounded.BusyError):
        copy_context().run(hurried)
    held_up[1].set()
    assert copy_context().run(hurried) == FileFacts()


# ---- scans ---------------------------------------------------------------------------------------------------------


def repeated_scans(count):
    """A progressive picture whose last scan comes again and again."""
    content = corpus.image("JPEG", size=(64, 64), progressive=True)
    last = content.rindex(b"\xff\xda")
    return content[:-2] + content[last:-2] * count + b"\xff\xd9"


def test_scans_are_counted_before_anything_is_decoded(monkeypatch):
    decoded = []
    monkeypatch.setattr(image, "_fit", lambda content, *_: decoded.append(len(content)) or FileFacts())
    plain = image.scans(corpus.image("JPEG", size=(64, 64)))
    progressive = image.scans(corpus.image("JPEG", size=(64, 64), progressive=True))
    assert plain == 1
    assert 1 < progressive <= 14
    image.fit_jpeg(repeated_scans(image.SCANS - progressive))
    assert len(decoded) == 1
    for many in (image.SCANS - progressive + 1, 100, 5_000):
        with pytest.raises(UnfitError) as refusal:
            image.fit_jpeg(repeated_scans(many))
        assert refusal.value.code == "scans"
    assert len(decoded) == 1


def test_markers_may_be_filled_up_with_any_number_of_bytes():
    content = corpus.image("JPEG", size=(64, 64), progressive=True)
    assert image.scans(content.replace(b"\xff\xda", b"\xff" * 500 + b"\xda")) == image.scans(content)


@pytest.mark.parametrize(
    ("name", "is_active"),
    [
        ("word/vbaProject.bin", True), ("VBAproject.BIN", True), ("word/embeddings/oleObject1.bin", True),
        ("word/OleObject.bin", True), ("xl/macrosheets/sheet1.xml", True), ("Basic/Standard/x.xml", True),
        ("word/activeX/a.xml", True), ("word/embeddings/", True), ("word/embeddings/a.pdf", True),
        ("embeddings/a/b.doc", True), ("word/\u017fcripts/a.xml", True), ("word/embeddings/a.xlsx", False),
        ("word/embeddings/a.DOCX", False), ("word/document.xml", False), ("word/vba.xml", False),
        ("word/media/image.bin", False), ("activeX", False), ("my-scripts/a.xml", False),
    ],
)  # fmt: skip
def test_entries_that_programs_run_are_known_by_their_names(name, is_active):
    assert office._is_active(name) is is_active


def test_blanks_between_attributes_are_passed_over():
    content = b"<a" + b" " * 5_000 + b'href="x"' + b"\n" * 5_000 + b'title = "y"' + b" " * 5_000 + b"/>"
    part = XmlPart(content)
    part.read(wanted=lambda _name, _attributes: True, closed=lambda element: part.blank(element, ("href",), b"z"))
    assert part.changed() == content.replace(b'"x"', b'"z"')


def test_a_scan_inside_the_thumbnail_of_a_photograph_does_not_count():
    content = corpus.image("JPEG")
    thumbnail = b"Exif\0\0" + repeated_scans(50)
    segment = b"\xff\xe1" + (len(thumbnail) + 2).to_bytes(2) + thumbnail
    assert image.scans(content[:2] + segment + content[2:]) == 1


# ---- the transaction -----------------------------------------------------------------------------------------------


def sending(piece):
    """What the form of a piece posts."""
    return MultiDict([("piece", str(piece.id)), (f"p{piece.id.hex}-file", (io.BytesIO(corpus.pdf()), "statuts.pdf"))])


def test_a_file_is_examined_while_others_can_write_and_its_sender_is_asked_for_again(app, make, page, monkeypatch):
    draft = make.application(state=S.DRAFT)
    piece = calls.pieces_of(draft.call_id)[0]
    page.sign_in(make.member_of(draft.organisation))
    seen = []

    def examine(_reader, _content, *, folder):
        seen.append(db.session().in_transaction())
        with db.engine.connect() as other:
            if other.dialect.name == "sqlite":
                other.exec_driver_sql("ROLLBACK")
                other.exec_driver_sql("PRAGMA busy_timeout=0")
                other.exec_driver_sql("BEGIN IMMEDIATE")
                other.exec_driver_sql("ROLLBACK")
                other.exec_driver_sql("PRAGMA busy_timeout=60000")
                other.exec_driver_sql("BEGIN")
            other.rollback()
        return FileFacts()

    monkeypatch.setattr(bounded, "examine", examine)
    page.get("applications.edit", draft, section=Part.PIECES)
    data = sending(piece)
    answer = page.post("applications.edit", draft, section="pieces", data=data)
    assert (answer.status, seen) == (302, [False])
    stranger = make.member_of(make.organisation())
    data = sending(piece)
    assert page.post("applications.edit", draft, section="pieces", data=data, as_=stranger).status == 404
    assert seen == [False]


def test_nothing_is_examined_inside_a_transaction(app, make):
    with app.test_request_context(method="POST", data={"file": (io.BytesIO(corpus.pdf()), "statuts.pdf")}):
        make.organisation()
        db.session.scalar(db.select(StoredFile.id).limit(1))
        with pytest.raises(RuntimeError, match="while a transaction is open"):
            uploads.examine_sent()


def test_a_view_that_takes_files_without_saying_so_is_told(app):
    request = app.test_request_context(method="POST", data={"file": (io.BytesIO(corpus.pdf()), "a.pdf")})
    with request as context, pytest.raises(RuntimeError, match="prepared_by"):
        uploads.accept(context.request.files["file"], by=BY)


def test_whoever_sends_one_file_too_many_at_once_is_asked_to_send_it_again(make, page, monkeypatch):
    def busy(*_arguments, **_options):
        raise bounded.BusyError

    draft = make.application(state=S.DRAFT)
    page.get("applications.edit", draft, section=Part.PIECES, as_=make.member_of(draft.organisation))
    name = page.last.tree.xpath("//input[@type='file']/@name")[-1]
    with monkeypatch.context() as crowd:
        crowd.setattr(bounded, "examine", busy)
        answer = page.submit({name: (io.BytesIO(corpus.pdf()), "statuts.pdf")})
    assert (answer.status, answer.title) == (503, "Beaucoup de fichiers arrivent en ce moment")
    assert answer.response.headers["Retry-After"] == "60"
    assert "Envoyez-le dans une minute." in answer.words
    assert db.session.scalar(db.select(StoredFile.id).limit(1)) is None
    again = page.submit({name: (io.BytesIO(corpus.pdf()), "statuts.pdf")}, action="/rediger/pieces")
    assert again.status == 200
    assert "statuts.pdf" in again.text
