"""Where the bytes of files are kept, behind one interface: a folder of this machine today.

Another store (an object store) is one more class that keeps the promises of `FileStore`, and one line of `store`.
"""

import hashlib
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Protocol

from flask import current_app

_KEY = re.compile(r"[0-9a-z-]{1,40}/[0-9A-Za-z_-][0-9A-Za-z._-]{0,199}")


@dataclass(frozen=True)
class FileInfo:
    """What a store has under a key: its bytes, and since when they are there."""

    key: str
    size: int
    since: datetime

    @property
    def name(self) -> str:
        """The key without its group."""
        return self.key.partition("/")[2]


class FileStore(Protocol):
    """Bytes under keys of the form `group/name`.

    Each method raises OSError when the store does not answer or refuses, FileNotFoundError (an OSError) for a key that
    has nothing, ValueError for a text that is no key.
    """

    def put(self, key: str, content: IO[bytes]) -> None:
        """Keep what can be read of `content`; once this returns, it outlives the machine's sudden stop.

        What is under the key already is an error. After a failure the key may hold a part: its owner deletes it.
        """
        ...

    def move(self, key: str, to: str) -> None:
        """Give bytes another key, all at once and safe as `put` is; they are there since now."""
        ...

    def open(self, key: str) -> IO[bytes]:
        """The bytes, to be read from their beginning; the caller closes."""
        ...

    def delete(self, key: str) -> None:
        """Destroy the bytes of a key; a key that has none is no error."""
        ...

    def exists(self, key: str) -> bool:
        """Whether a key has bytes."""
        ...

    def list(self, group: str) -> Iterator[FileInfo]:
        """What the keys of a group have, in order of key; nothing for a group that has none."""
        ...

    def groups(self, beginning: str) -> Iterator[str]:
        """The groups whose names begin with a text, in their order; those without keys may be left out."""
        ...

    def digest(self, key: str) -> str:
        """The SHA-256 of the bytes, in hexadecimal."""
        ...


@dataclass(frozen=True)
class FolderStore:
    """A store in a folder of this machine: one file per key, one folder per group."""

    folder: Path

    def put(self, key: str, content: IO[bytes]) -> None:
        """Write a new file and wait until the disk has it."""
        path = self._path(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as stream:
            shutil.copyfileobj(content, stream)
            stream.flush()
            os.fsync(stream.fileno())
        self._sync(path)

    def move(self, key: str, to: str) -> None:
        """Rename a file; its time of change says since when it is there."""
        path, target = self._path(key), self._path(to)
        target.parent.mkdir(parents=True, exist_ok=True)
        path.rename(target)
        os.utime(target)
        self._sync(target)

    def open(self, key: str) -> IO[bytes]:
        """The file, open for reading."""
        return self._path(key).open("rb")

    def delete(self, key: str) -> None:
        """Remove the file."""
        self._path(key).unlink(missing_ok=True)

    def exists(self, key: str) -> bool:
        """Whether the file is there."""
        return self._path(key).is_file()

    def list(self, group: str) -> Iterator[FileInfo]:
        """The files of a folder, those left out whose name is no key."""
        for path in sorted(self._path(f"{group}/-").parent.glob("*")):
            if not path.is_file() or not _KEY.fullmatch(f"{group}/{path.name}"):
                continue
            status = path.stat()
            yield FileInfo(f"{group}/{path.name}", status.st_size, datetime.fromtimestamp(status.st_mtime, UTC))

    def groups(self, beginning: str) -> Iterator[str]:
        """The folders with such a name."""
        yield from sorted(path.name for path in self.folder.glob(f"{beginning}*") if path.is_dir())

    def digest(self, key: str) -> str:
        """Read the file bit by bit."""
        with self._path(key).open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()

    def _path(self, key: str) -> Path:
        if not _KEY.fullmatch(key):
            raise ValueError(f"no key of a store: {key!r}")
        return self.folder / key

    def _sync(self, path: Path) -> None:
        """Wait until the disk knows the name of a file, and that of its folder."""
        for folder in (path.parent, path.parent.parent):
            descriptor = os.open(folder, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)


def store() -> FileStore:
    """The store of this application; which one it is, is decided here alone."""
    return FolderStore(current_app.config["SETTINGS"].instance / "files")
