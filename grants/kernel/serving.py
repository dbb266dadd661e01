"""Serving on this machine: a port taken before anything is begun, and processes kept running until they are ended."""

import gc
import multiprocessing
import signal
import socket
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.context import ForkProcess

from gunicorn.app import wsgiapp

from grants.kernel.worker import stop_on_signals

HOST = "127.0.0.1"
GRACE = 15.0
SOON = 30.0  # seconds: a command that ends sooner after its start may never run
FALLS = 5
_PAUSE = 0.2
_FORKS = multiprocessing.get_context("fork")
Command = Callable[[], object]


def listen(port: int) -> socket.socket | None:
    """Take the port of the loopback address, to be handed to the web server; None when somebody else holds it.

    Taken before anything else is done, so that a second start is refused at once and a browser waits for the first.
    """
    taken = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        taken.bind((HOST, port))
        taken.listen(128)
    except OSError:
        taken.close()
        return None
    return taken


def web_server(listening: socket.socket, application: str) -> list[str]:
    """The command of the web server on a port already taken: two processes of four threads.

    The application is loaded once, before the processes part: it starts in half the work and shares its memory. It may
    therefore hold no connection and no thread once it is loaded.
    A connection is kept longer than proxies keep theirs (a minute is usual), so that it is never closed while the next
    request is on its way; a kept connection holds no thread.
    """
    return [
        sys.executable, "-m", "gunicorn", application, "--bind", f"fd://{listening.fileno()}",
        "--workers", "2", "--worker-class", "grants.kernel.receiving.ReceivingWorker", "--threads", "4",
        "--timeout", "60", "--graceful-timeout", "10", "--keep-alive", "75", "--log-level", "warning",
        "--no-control-socket", "--preload",
    ]  # fmt: skip


def serve_web(listening: socket.socket, application: str) -> None:
    """Be the web server of `web_server`, in this process; ends with SystemExit."""
    sys.argv = web_server(listening, application)[2:]
    wsgiapp.run()


@dataclass
class _Part:
    """One command that is kept running, and how often it ended soon after its start."""

    command: Command
    process: ForkProcess
    began: float
    falls: int = 0
    again_at: float = 0.0


def run_together(commands: Sequence[Command]) -> bool:
    """Run commands side by side until a signal; one that ends by itself is started again, later each time.

    Each runs in a process forked from this one: what this one has imported need not be imported again, and its memory
    is shared. This one may hold no connection and no thread. Returns whether it was a signal: false when a command
    ended FALLS times in a row within SOON seconds of its start, which starting it again will not mend. The other
    commands are then ended too.
    """
    stop = stop_on_signals()
    gc.freeze()  # looking for garbage later would copy the memory that is shared
    parts = [_Part(command, _start(command), time.monotonic()) for command in commands]
    while not stop.wait(_PAUSE) and all(_keep_running(part) for part in parts):
        pass
    _end([part.process for part in parts])
    return stop.is_set()


def run_apart(command: Command) -> bool:
    """Run a command to its end in a process forked from this one; whether it ended well.

    Whatever it loads, and the threads it begins (printing a paper begins some), are gone with it: processes forked
    from this one later would wait for ever for threads that they do not have.
    """
    process = _start(command)
    process.join()
    return process.exitcode == 0


def _start(command: Command) -> ForkProcess:
    process = _FORKS.Process(target=_run, args=(command,))
    process.start()
    return process


def _run(command: Command) -> None:
    for each in (signal.SIGTERM, signal.SIGINT):  # those of the process this one was forked from
        signal.signal(each, signal.SIG_DFL)
    command()


def _keep_running(part: _Part) -> bool:
    """See that a command runs; false when it has ended too often to be started again."""
    if part.process.is_alive():
        return True
    now = time.monotonic()
    if not part.again_at:
        part.falls = part.falls + 1 if now - part.began < SOON else 1
        part.again_at = now + min(2.0 ** (part.falls - 1), SOON)
        return part.falls < FALLS
    if now >= part.again_at:
        part.process, part.began, part.again_at = _start(part.command), now, 0.0
    return True


def _end(processes: Sequence[ForkProcess]) -> None:
    """End processes decently, and by force after GRACE seconds."""
    for process in processes:
        process.terminate()
    limit = time.monotonic() + GRACE
    for process in processes:
        process.join(max(0.1, limit - time.monotonic()))
        process.kill()
        process.join()
