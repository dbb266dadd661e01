"""Large files arrive in chunks, so that a line that drops costs one chunk and not the whole file.

A chunk waits in the file store under the digests of its account and of its file: there is no row, whoever chooses the
same file again goes on where the line dropped, and nobody else finds it. The form that brings the file then names it
instead of carrying it, and its view reads it like any other (`assemble`).
"""

import hashlib
import hmac
import re
import secrets
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from io import BytesIO
from itertools import chain
from math import ceil
from uuid import UUID

from flask import current_app, request
from werkzeug.datastructures import FileStorage, ImmutableMultiDict

from grants.kernel import clock, files
from grants.kernel.errors import AppError, InvalidError
from grants.kernel.files import FileInfo
from grants.kernel.words import _

CHUNK = 256 * 1024  # bytes of each chunk but the last
KEPT = timedelta(hours=24)  # how long chunks wait for their form
WAITING_MOST = 60_000_000  # bytes of one account that wait; the oldest make room
SENT_MOST = 50_000_000  # bytes of the files that one form names
FIELD = "_sent"  # of a form: `field/digest/size/name`, for each file that came in chunks
GROUPS = "chunks-"


@dataclass(frozen=True)
class Expected:
    """A file that comes in chunks: whose it is, the SHA-256 of its bytes in hexadecimal, and their number."""

    account_id: UUID
    digest: str
    size: int

    @property
    def chunks(self) -> int:
        """How many chunks it has."""
        return ceil(self.size / CHUNK)

    @property
    def group(self) -> str:
        """Where its chunks wait: a place of its account that nobody can name from outside."""
        secret = str(current_app.secret_key).encode()
        return GROUPS + hmac.new(secret, b"chunks:" + self.account_id.bytes, hashlib.sha256).hexdigest()[:24]

    def key(self, number: int) -> str:
        """The key of a chunk."""
        return f"{self.group}/{self.digest}-{number}"

    def size_of(self, number: int) -> int:
        """How many bytes a chunk has."""
        return min(CHUNK, self.size - number * CHUNK)


def expected(account_id: UUID, digest: str, size: int) -> Expected:
    """The file somebody is about to send. Raises InvalidError for one that is empty, or larger than any form takes.

    Whether it is too large for its form is said when the form comes.
    """
    if not re.fullmatch("[0-9a-f]{64}", digest) or not 0 < size <= SENT_MOST:
        raise InvalidError(_("Ce fichier est vide ou trop lourd."))
    return Expected(account_id, digest, size)


def missing(file: Expected) -> list[int]:
    """The numbers of the chunks that did not arrive yet, counted from zero; what waits too long is destroyed first."""
    here = {kept.key for kept in _swept(file.group)}
    return [number for number in range(file.chunks) if file.key(number) not in here]


def put(file: Expected, number: int, content: bytes) -> None:
    """Keep a chunk; the same one twice is kept once. Raises InvalidError for one that is not of this file."""
    if not 0 <= number < file.chunks or len(content) != file.size_of(number):
        raise InvalidError(_("Ce morceau n’est pas celui qui était attendu : choisissez de nouveau le fichier."))
    _make_room(file, len(content))
    store, key = files.store(), file.key(number)
    passing = f"{key}.{secrets.token_hex(8)}"  # all at once, also when the process is stopped here
    store.put(passing, BytesIO(content))
    store.move(passing, key)


def _swept(group: str) -> list[FileInfo]:
    """What waits in a group, without what waits for too long, which is destroyed."""
    before, store = clock.now() - KEPT, files.store()
    found = list(store.list(group))
    for kept in found:
        if kept.since < before:
            store.delete(kept.key)
    return [kept for kept in found if kept.since >= before]


def _make_room(file: Expected, size: int) -> None:
    """Destroy other files of the account, those untouched for the longest time first, until there is room."""
    found = _swept(file.group)
    used = sum(kept.size for kept in found) + size
    for kept in sorted(found, key=lambda kept: kept.since):
        if used <= WAITING_MOST:
            return
        if not kept.name.startswith(file.digest):
            files.store().delete(kept.key)
            used -= kept.size
    if used > 2 * WAITING_MOST:
        raise InvalidError(_("Trop de fichiers arrivent à la fois : envoyez-les l’un après l’autre."))


# ---- the form that names them ----------------------------------------------------------------------------------------


def are_named() -> bool:
    """Whether the form of this request names files that came in chunks."""
    return FIELD in request.form


def names() -> list[str]:
    """The names of those files, as their author's machine told them."""
    return [name for _field, _digest, _size, name in _named()]


class Arrived(FileStorage):
    """A file that came in chunks, among those of a request."""

    def __init__(self, source: Expected, content: bytes, *, field: str, name: str) -> None:
        super().__init__(BytesIO(content), filename=name, name=field)
        self.source = source


def _named() -> list[tuple[str, str, int, str]]:
    """What the form says of each: its field, digest, size and name; what is not of that form has no size."""
    found = []
    for told in request.form.getlist(FIELD):
        field, digest, size, name = (*told.split("/", 3), "", "", "")[:4]
        found.append((field, digest, int(size) if size.isascii() and size.isdigit() and len(size) < 10 else 0, name))
    return found


def assemble(account_id: UUID) -> None:
    """Put the files that the form of this request names among those it carries, whole and checked by their digest.

    Raises InvalidError when one is not whole, or when they are too large together. Nothing of the database is read.
    """
    found = [(name, file) for name, sent in request.files.lists() for file in sent if file.filename]
    room = SENT_MOST
    for field, digest, size, name in _named():
        file = expected(account_id, digest, size)
        room -= file.size
        if room < 0:
            raise InvalidError(
                _("Ces fichiers sont trop lourds pour partir ensemble : envoyez-les l’un après l’autre.")
            )
        found.append((field, Arrived(file, _content(file, name), field=field, name=name)))
    request.files = ImmutableMultiDict(found)


def _content(file: Expected, name: str) -> bytes:
    store, read = files.store(), bytearray()
    try:
        for number in range(file.chunks):
            with store.open(file.key(number)) as stream:
                read += stream.read(CHUNK + 1)
    except FileNotFoundError as error:
        raise _incomplete(name) from error
    if len(read) != file.size or hashlib.sha256(read).hexdigest() != file.digest:
        forget(file)
        raise _incomplete(name)
    return bytes(read)


def _incomplete(name: str) -> AppError:
    return InvalidError(_("Ce fichier n’est pas arrivé entier : choisissez-le de nouveau. %(name)s", name=name).strip())


def forget(file: Expected) -> None:
    """Destroy the chunks of a file."""
    for number in range(file.chunks):
        files.store().delete(file.key(number))


def forget_used() -> None:
    """Destroy the chunks of the files that this request used, once its act is committed.

    The act stands whatever the store answers: what stays is destroyed by the worker.
    """
    for file in chain.from_iterable(request.files.listvalues()):
        if isinstance(file, Arrived):
            with suppress(OSError):
                forget(file.source)


def sweep() -> int:
    """Destroy the chunks whose form did not come in time; returns how many. For the worker."""
    store = files.store()
    groups = store.groups(GROUPS)
    return sum(sum(1 for _kept in store.list(group)) - len(_swept(group)) for group in groups)
