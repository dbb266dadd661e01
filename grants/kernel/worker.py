"""The worker's loop: small tasks, each on its own rhythm, that outlive a hiccup of the database and stop when told."""

import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from threading import Event
from types import FrameType

from flask import current_app
from sqlalchemy.exc import SQLAlchemyError

from grants.kernel.db import access_mode, db
from grants.kernel.errors import AppError

LONGEST_WAIT = 60.0


@dataclass(frozen=True)
class WorkerTask:
    """Something to do again and again, safe to do twice: several workers may run side by side."""

    name: str
    every: timedelta
    act: Callable[[], object]


def work(tasks: Sequence[WorkerTask], stop: Event) -> None:
    """Do each task when it is due, until told to stop; a task that fails is tried again, later each time."""
    due = {task.name: 0.0 for task in tasks}
    failures = dict.fromkeys(due, 0)
    while not stop.is_set():
        for task in tasks:
            if stop.is_set() or due[task.name] > time.monotonic():
                continue
            wait = task.every.total_seconds()
            if _done(task):
                failures[task.name] = 0
            else:
                failures[task.name] += 1
                wait = max(wait, min(2.0 ** failures[task.name], LONGEST_WAIT))
            due[task.name] = time.monotonic() + wait
        stop.wait(max(0.0, min(due.values()) - time.monotonic()))


def _done(task: WorkerTask) -> bool:
    """Whether the task went well; what it left open in the session is always closed."""
    try:
        with access_mode(writing=True):
            task.act()
    except (SQLAlchemyError, OSError, AppError):
        current_app.logger.exception("task %s failed", task.name)
        return False
    finally:
        db.session.remove()
    return True


def stop_on_signals() -> Event:
    """An event set by SIGTERM or Ctrl-C: the act under way is finished, nothing new is begun."""
    stop = Event()

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, on_signal)
    signal.signal(signal.SIGINT, on_signal)
    return stop
