"""Starts the fund's commands from a process that has imported the application already: importing takes the longest.

All the rest of a start is done as when the command is typed: settings, application, workers.
"""

import multiprocessing
import os
import runpy
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from gunicorn.app import wsgiapp
from sqlalchemy import event
from sqlalchemy.engine import Engine

from grants import cli
from grants.kernel import private
from grants.kernel.serving import web_server

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["gunicorn.app.wsgiapp", "tests.loaded", "grants.kernel.receiving"])


class Forked:
    """A command that runs, with what a server needs of the interface of `subprocess.Popen`."""

    def __init__(
        self, command: Callable[..., Any], *arguments: Any, folder: Path, environment: Mapping[str, str], log: Path
    ) -> None:
        description = (command, arguments, str(folder), dict(environment), str(log))
        self._process = FORKS.Process(target=_run, args=description, daemon=True)
        self._process.start()

    @property
    def pid(self) -> int:
        """The number of the process, and of the group of all that it starts."""
        assert self._process.pid is not None
        return self._process.pid

    def poll(self) -> int | None:
        """The exit code, None while it runs."""
        return self._process.exitcode

    def terminate(self) -> None:
        """Ask it to end."""
        self._process.terminate()

    def wait(self, timeout: float) -> int:
        """The exit code, once it has ended. Raises `subprocess.TimeoutExpired` as Popen does."""
        self._process.join(timeout)
        if self._process.exitcode is None:
            raise subprocess.TimeoutExpired(str(self.pid), timeout)
        return self._process.exitcode


def web(listening: socket.socket) -> None:
    """The web server, on a port already taken; as « grants run » starts it once it has looked at the database."""
    private.by_default()
    sys.argv = web_server(listening, f"{cli.APPLICATION}()")[2:]
    wsgiapp.run()


def command(*words: str) -> None:
    """A command of the fund, as it is typed."""
    sys.argv = ["grants", *words]
    cli.main()


def wsgi_file() -> None:
    """The file that any WSGI server loads, by itself; then how many connections to the database it holds."""
    held: list[Any] = []
    event.listen(Engine, "connect", lambda *connected: held.append(connected))
    event.listen(Engine, "close", lambda *_closed: held.pop())
    runpy.run_path("wsgi.py")
    sys.stdout.write(f"{len(held)}\n")


def _run(
    command: Callable[..., Any], arguments: tuple[Any, ...], folder: str, environment: dict[str, str], log: str
) -> None:
    os.setsid()
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(output, 1)
    os.dup2(output, 2)
    command(*arguments)
