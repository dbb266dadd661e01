"""Serving on this machine: a port tried before anything is begun, and processes that live and end together."""

import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from threading import Event

from grants.kernel.worker import stop_on_signals

HOST = "127.0.0.1"
GRACE = 15.0
_PAUSE = 0.2


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
        "--workers", "2", "--worker-class", "gthread", "--threads", "4", "--timeout", "60", "--graceful-timeout", "10",
        "--keep-alive", "75", "--log-level", "warning", "--no-control-socket", "--preload",
    ]  # fmt: skip


def run_together(commands: Sequence[Sequence[str]], *, keep: socket.socket | None = None) -> bool:
    """Run commands side by side until a signal, or until one of them ends; then end the others.

    `keep` is a socket they inherit. Returns whether it was a signal: a process that ended by itself is a fault.
    """
    stop = stop_on_signals()
    kept = () if keep is None else (keep.fileno(),)
    # The commands are this program's own, none holds anything typed by a person.
    children = [subprocess.Popen(list(command), pass_fds=kept) for command in commands]  # noqa: S603
    _wait(children, stop)
    for child in children:
        child.terminate()
    limit = time.monotonic() + GRACE
    for child in children:
        try:
            child.wait(max(0.1, limit - time.monotonic()))
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
    return stop.is_set()


def _wait(children: Sequence[subprocess.Popen[bytes]], stop: Event) -> None:
    while not stop.wait(_PAUSE) and all(child.poll() is None for child in children):
        pass
