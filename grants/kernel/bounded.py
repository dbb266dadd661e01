"""Files of strangers are read in a process of their own, a few at once, with limits of time and memory.

A process costs 0.05 s (office documents) to 0.15 s (PDF) of processor before it reads anything; it knows neither the
settings nor the database.
"""

import contextlib
import fcntl
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextvars import ContextVar
from pathlib import Path
from typing import IO

from grants.kernel.examining.found import FileFacts, UnfitError
from grants.kernel.examining.process import OUTPUT

AT_ONCE = 2  # processes on this machine, whatever the number of web processes
IN_HAND = 12  # requests of one web process that may wait or be examined; they have threads of their own (receiving.py)
PATIENCE = 30.0  # seconds to wait for a turn
WALL = 45.0  # seconds for one file, waiting for the processor included

_PACKAGE = Path(__file__).resolve().parent.parent
# The package's own `__init__` loads the whole application: the process takes its name without running it.
_START = (
    "import sys, types; grants = types.ModuleType('grants'); grants.__path__ = [sys.argv[1]]; "
    "sys.modules['grants'] = grants; from grants.kernel.examining.process import main; main(sys.argv[2])"
)
_in_hand = threading.BoundedSemaphore(IN_HAND)

may_wait: ContextVar[bool] = ContextVar("may_wait", default=True)
"""Whether this thread may wait for a turn: false for one that other visitors need."""


class BusyError(Exception):
    """Too many files came at once: this one was not looked at, and is as good as before."""


def examine(reader: str, content: bytes, *, folder: Path) -> FileFacts:
    """What the file holds, as `reader` (a name of `process.READERS`) tells. `folder` holds the turns.

    Raises UnfitError with the reader's code, "limits" when the process died or exceeded its time, memory or output;
    BusyError when IN_HAND others wait already or no turn came in time.
    """
    with _turn(folder), tempfile.TemporaryFile() as content_file, tempfile.TemporaryFile() as output:
        content_file.write(content)
        content_file.seek(0)
        if _run(reader, content_file, output) != 0:
            raise UnfitError("limits")
        output.seek(0)
        line = output.readline(1000)
        try:
            facts = json.loads(line)
        except ValueError as error:
            raise UnfitError("limits") from error
        if "unfit" in facts:
            raise UnfitError(facts["unfit"])
        copy = output.read(OUTPUT) if facts["copy"] else None
        return FileFacts(copy, suffix=facts["suffix"], signed=facts["signed"])


def _run(reader: str, given: IO[bytes], output: IO[bytes]) -> int:
    """Run the process to its end or to the limit; returns its code, -1 when it was stopped."""
    command = [sys.executable, "-s", "-P", "-c", _START, str(_PACKAGE), reader]
    try:
        # The command is this program's own; nothing a person typed is in it, and no secret in its environment.
        done = subprocess.run(  # noqa: S603
            command, stdin=given, stdout=output, stderr=subprocess.DEVNULL, env={}, cwd="/", timeout=WALL, check=False
        )
    except subprocess.TimeoutExpired:
        return -1
    return done.returncode


@contextlib.contextmanager
def _turn(folder: Path) -> Iterator[None]:
    """One of the turns of this machine, held while the block lasts; a process that dies gives its own back."""
    if not _in_hand.acquire(blocking=False):
        raise BusyError
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = _taken(folder)
        try:
            yield
        finally:
            os.close(descriptor)
    finally:
        _in_hand.release()


def _taken(folder: Path) -> int:
    """The descriptor of a locked turn. Raises BusyError when none was free for as long as one waits."""
    limit = time.monotonic() + (PATIENCE if may_wait.get() else 0)
    while True:
        for number in range(AT_ONCE):
            descriptor = os.open(folder / f"turn-{number}", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(descriptor)
            else:
                return descriptor
        if time.monotonic() >= limit:
            raise BusyError
        time.sleep(0.05)
