"""The store of files: what every store promises, and that nothing depends on which one it is."""

import hashlib
import io
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from werkzeug.datastructures import FileStorage

from grants.kernel import bounded, clock, files, jobs, uploads
from grants.kernel.actor import system
from grants.kernel.db import unit_of_work
from grants.kernel.examining import process
from grants.kernel.files import FileInfo, FolderStore
from grants.kernel.uploads import StoreError
from tests.kernel import corpus

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class MemoryStore:
    """Another store than a folder: what an object store would be."""

    contents: dict[str, tuple[bytes, datetime]] = field(default_factory=dict)

    def put(self, key, content):
        if key in self.contents:
            raise FileExistsError(key)
        self.contents[key] = content.read(), datetime.now(UTC)

    def move(self, key, to):
        self.contents[to] = self._of(key)[0], datetime.now(UTC)
        del self.contents[key]

    def open(self, key):
        return io.BytesIO(self._of(key)[0])

    def delete(self, key):
        self.contents.pop(key, None)

    def exists(self, key):
        return key in self.contents

    def list(self, group):
        found = sorted((key, entry) for key, entry in self.contents.items() if key.startswith(f"{group}/"))
        return (FileInfo(key, len(content), since) for key, (content, since) in found)

    def groups(self, beginning):
        return iter(sorted({key.partition("/")[0] for key in self.contents if key.startswith(beginning)}))

    def digest(self, key):
        return hashlib.sha256(self._of(key)[0]).hexdigest()

    def _of(self, key):
        if key not in self.contents:
            raise FileNotFoundError(key)
        return self.contents[key]


@pytest.fixture(params=["folder", "memory"])
def either(request, tmp_path):
    """Give each store in turn: what holds of one holds of the other."""
    return FolderStore(tmp_path / "files") if request.param == "folder" else MemoryStore()


@pytest.mark.neutral
def test_what_is_put_is_read_listed_moved_and_destroyed(either):
    before = datetime.now(UTC) - timedelta(seconds=2)
    either.put("aa/1", io.BytesIO(b"un"))
    either.put("aa/0", io.BytesIO(b""))
    either.put("ab/0", io.BytesIO(b""))
    assert (list(either.groups("a")), list(either.groups("ab")), list(either.groups("b"))) == (["aa", "ab"], ["ab"], [])
    with either.open("aa/1") as stream:
        assert stream.read() == b"un"
    assert [(info.key, info.name, info.size) for info in either.list("aa")] == [("aa/0", "0", 0), ("aa/1", "1", 2)]
    assert all(before < info.since < before + timedelta(minutes=1) for info in either.list("aa"))
    assert either.digest("aa/1") == hashlib.sha256(b"un").hexdigest()
    either.move("aa/1", "bb/1")
    assert (either.exists("aa/1"), either.exists("bb/1")) == (False, True)
    either.delete("bb/1")
    either.delete("bb/1")
    assert (either.exists("bb/1"), list(either.list("bb")), list(either.list("cc"))) == (False, [], [])


@pytest.mark.neutral
def test_what_is_not_there_is_said_and_nothing_is_written_over(either):
    for ask in (either.open, either.digest, lambda key: either.move(key, "aa/2")):
        with pytest.raises(FileNotFoundError):
            ask("aa/1")
    either.put("aa/1", io.BytesIO(b"un"))
    with pytest.raises(OSError, match="aa/1"):
        either.put("aa/1", io.BytesIO(b"deux"))
    with either.open("aa/1") as stream:
        assert stream.read() == b"un"


@pytest.mark.neutral
@pytest.mark.parametrize("key", ["", "aa", "/etc/passwd", "aa/../b", "../aa/b", "aa/.", "aa/b/c", "aa/b\x00", "aa\\b"])
def test_a_key_never_leads_out_of_the_folder(tmp_path, key):
    folder = FolderStore(tmp_path / "files")
    acts = (folder.open, folder.delete, folder.exists, folder.digest, lambda key: folder.put(key, io.BytesIO()),
            lambda key: folder.move(key, "aa/1"), lambda key: folder.move("aa/1", key))  # fmt: skip
    for act in acts:
        with pytest.raises(ValueError, match="no key of a store"):
            act(key)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.neutral
def test_what_somebody_laid_in_the_folder_under_no_key_is_left_alone(tmp_path):
    store = FolderStore(tmp_path)
    store.put("aa/1", io.BytesIO(b"un"))
    (tmp_path / "aa" / ".nfs0001").touch()
    (tmp_path / "aa" / "un dossier").mkdir()
    assert [info.key for info in store.list("aa")] == ["aa/1"]


@pytest.fixture
def memory(app, monkeypatch):
    """Give a store that is no folder, in place of the application's."""
    other = MemoryStore()
    monkeypatch.setattr(files, "store", lambda: other)
    monkeypatch.setattr(bounded, "examine", lambda reader, content, folder: process.examine(reader, content))
    return other


def test_files_and_results_live_in_whatever_the_store_is(app, memory, make):
    by, content = system("tests"), corpus.pdf()
    with unit_of_work():
        row = uploads.accept(FileStorage(io.BytesIO(content), "statuts.pdf"), by=by)
    assert set(memory.contents) == {row.place, row.copy_place}
    assert uploads.read(row) == content
    assert uploads.read_shown(row)
    assert (list(uploads.problems()), uploads.why_not_writable(), uploads.sweep()) == ([], None, 0)
    memory.put("00/lost", io.BytesIO(b"x"))
    memory.put("results/lost", io.BytesIO(b"x"))
    with clock.fixed(clock.now() + timedelta(hours=2)):
        assert (uploads.sweep(), jobs.sweep()) == (1, 1)
    with clock.fixed(clock.now() + uploads.RETENTION + timedelta(hours=3)), unit_of_work():
        assert uploads.purge() == 1
    with unit_of_work():
        uploads.remove(row, by=by)
    with clock.fixed(clock.now() + uploads.RETENTION + timedelta(minutes=1)), unit_of_work():
        assert uploads.purge() == 1
    assert memory.contents == {}
    with pytest.raises(StoreError):
        uploads.read(row)
    assert not (app.config["SETTINGS"].instance / "files").exists()


@pytest.mark.neutral
def test_nothing_else_opens_the_folder_of_files():
    sources = {path: path.read_text(encoding="utf-8") for path in (ROOT / "grants").rglob("*.py")}
    named = {path.name for path, code in sources.items() if re.search(r"/ [\"']files\b|FolderStore", code)}
    assert named == {"files.py"}
    for name in ("uploads.py", "jobs.py"):
        code = sources[ROOT / "grants" / "kernel" / name]
        assert not re.search(
            r"^(import|from) (os|pathlib|shutil)\b|(?<![.\w])open\(|instance /(?! \"examining\")", code, re.MULTILINE
        )
