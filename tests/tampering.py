"""Changes what the database guards, as somebody who holds its password would."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection

from grants.kernel.db import db
from tests.databases import unguarded


@contextmanager
def tampered() -> Iterator[Connection]:
    """A connection that no trigger watches, on the database of a test; what the test's session knew is forgotten."""
    db.session.rollback()
    with unguarded(db.engine) as connection:
        yield connection
    db.session.expire_all()
