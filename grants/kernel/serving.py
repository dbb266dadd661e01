"""Serving on this machine: a port tried before anything is begun, and processes that live and end together."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from threading import Event

from grants.kernel.worker import stop_on_signals

HOST = "127.0.0.1"
GRACE = 15.0
_PAUSE = 0.2


def is_free(port: int) -> bool:
    """Whether a server may listen on the port of the loopback address."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((HOST, port))
        except OSError:
            return False
    return True


def web_server(port: int, application: str) -> list[str]:
    """The command of the web server: two processes of four threads, on loopback."""
    return [
        sys.executable, "-m", "gunicorn", application, "--bind", f"{HOST}:{port}",
        "--workers", "2", "--worker-class", "gthread", "--threads", "4", "--timeout", "60", "--graceful-timeout", "10",
        "--keep-alive", "5", "--log-level", "warning", "--no-control-socket",
    ]  # fmt: skip


def run_together(commands: Sequence[Sequence[str]], environment: Mapping[str, str]) -> bool:
    """Run commands side by side until a signal, or until one of them ends; then end the others.

    Returns whether it was a signal: a process that ended by itself is a fault.
    """
    stop = stop_on_signals()
    everything = {**os.environ, **environment}
    # The commands are this program's own, none holds anything typed by a person.
    children = [subprocess.Popen(list(command), env=everything) for command in commands]  # noqa: S603
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
