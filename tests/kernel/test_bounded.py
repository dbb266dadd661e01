"""Files of strangers are read in a process of its own: limited, few at once, with nothing open in the database."""

import io
import json
import resource
import subprocess
import sys
import threading

import pytest
from werkzeug.datastructures import MultiDict

from grants.applications.lifecycle import ApplicationState as S
from grants.applications.rules import Part
from grants.calls import queries as calls
from grants.kernel import bounded, vault
from grants.kernel.db import db
from grants.kernel.examining import image, process
from grants.kernel.examining.found import Found, UnfitError
from grants.kernel.vault import StoredFile
from tests.kernel import corpus
from tests.kernel.test_vault import BY

IMPORTED = "from grants.kernel.examining.process import main; main(sys.argv[2])"


def told_by(code):
    """What a process started as `bounded` starts its own says when it runs this code."""
    start = bounded._START.replace(IMPORTED, code)
    assert start != bounded._START
    command = [sys.executable, "-s", "-P", "-c", start, str(bounded._PACKAGE)]
    return json.loads(subprocess.run(command, env={}, cwd="/", capture_output=True, check=True).stdout)


def test_the_process_is_limited_and_loads_neither_the_application_nor_its_secrets():
    told = told_by(
        "import json, os, resource; from grants.kernel.examining import process; process.limit(); "
        "print(json.dumps([[resource.getrlimit(getattr(resource, 'RLIMIT_' + name))[0] "
        "for name in ('CPU', 'AS', 'FSIZE', 'NOFILE', 'CORE')], sorted(sys.modules), sorted(os.environ)]))"
    )
    limits, modules, names = told
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
    reader = vault.FORMATS[filename.rpartition(".")[2]].reader
    assert bounded.examine(reader, content, folder=tmp_path) == process.examine(reader, content)


def test_few_are_examined_at_once_and_a_turn_that_never_comes_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr(bounded, "PATIENCE", 0.1)
    inside, go = threading.Semaphore(0), threading.Event()
    most = []

    def hold(_reader, _given, told):
        inside.release()
        go.wait(30)
        told.write(b'{"copy": false, "suffix": "", "signed": false}\n')
        return 0

    monkeypatch.setattr(bounded, "_run", hold)
    workers = [
        threading.Thread(target=lambda: most.append(bounded.examine("pdf", b"x", folder=tmp_path)))
        for _ in range(bounded.AT_ONCE)
    ]
    for worker in workers:
        worker.start()
        assert inside.acquire(timeout=30)
    with pytest.raises(UnfitError) as refusal:
        bounded.examine("pdf", b"x", folder=tmp_path)
    assert refusal.value.code == "busy"
    go.set()
    for worker in workers:
        worker.join(30)
    assert most == [Found()] * bounded.AT_ONCE
    assert bounded.examine("pdf", b"x", folder=tmp_path) == Found()


def test_one_thread_is_left_for_other_visitors(tmp_path, monkeypatch):
    monkeypatch.setattr(bounded, "_in_hand", threading.BoundedSemaphore(1))
    monkeypatch.setattr(bounded, "_run", lambda *_: pytest.fail("no second one is begun"))
    with bounded._turn(tmp_path), pytest.raises(UnfitError) as refusal:
        bounded.examine("pdf", b"x", folder=tmp_path)
    assert refusal.value.code == "busy"


# ---- scans ---------------------------------------------------------------------------------------------------------


def repeated_scans(count):
    """A progressive picture whose last scan comes again and again."""
    content = corpus.image("JPEG", size=(64, 64), progressive=True)
    last = content.rindex(b"\xff\xda")
    return content[:-2] + content[last:-2] * count + b"\xff\xd9"


def test_scans_are_counted_before_anything_is_decoded(monkeypatch):
    decoded = []
    monkeypatch.setattr(image, "_fit", lambda content, *_: decoded.append(len(content)) or Found())
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
        return Found()

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
            vault.examine_sent()


def test_a_view_that_takes_files_without_saying_so_is_told(app):
    request = app.test_request_context(method="POST", data={"file": (io.BytesIO(corpus.pdf()), "a.pdf")})
    with request as context, pytest.raises(RuntimeError, match="prepared_by"):
        vault.accept(context.request.files["file"], by=BY)
