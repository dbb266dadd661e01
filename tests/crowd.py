"""Several people at the same moment, each in a transaction of their own."""

import threading
from collections.abc import Callable

from flask import Flask
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm.exc import StaleDataError

from grants.kernel.db import db, unit_of_work
from grants.kernel.errors import ConflictError, InvalidError, RefusedError

BEATEN = (RefusedError, ConflictError, InvalidError, StaleDataError, IntegrityError)


def at_once(app: Flask, *acts: Callable[[], object]) -> list[int]:
    """Run the acts together, on no more connections than the pool holds; give the numbers of those that passed."""
    gate, passed, strange = threading.Barrier(len(acts)), [], []

    def run(number: int, act: Callable[[], object]) -> None:
        with app.app_context():
            try:
                gate.wait(60)
                with unit_of_work():
                    act()
                passed.append(number)
            except BEATEN:
                pass
            except Exception as error:  # noqa: BLE001 - a thread has nobody else to tell
                strange.append(error)
            finally:
                db.session.remove()

    threads = [threading.Thread(target=run, args=each) for each in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not strange, strange
    return sorted(passed)
