"""The schema of the database in hand: where it stands, how it is copied before it changes, and how it is brought up."""

import contextlib
import sqlite3
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from flask import current_app

from grants.kernel import clock
from grants.kernel.db import access_mode, db
from grants.kernel.errors import RefusedError
from grants.kernel.guards import present
from grants.kernel.words import _


def current() -> str | None:
    """The revision the database stands at; None when it has never been migrated."""
    with access_mode(writing=False), db.engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def latest() -> str:
    """The revision this version of the program brings."""
    return str(ScriptDirectory.from_config(_config()).get_current_head())


def upgrade() -> tuple[str | None, str, Path | None]:
    """Bring the database to the latest revision: (before, after, the copy made before it changed, for SQLite).

    Nothing is done when it stands there already. Raises RefusedError when it comes from a later version of the program.
    """
    before, after = current(), latest()
    if before == after:
        return before, after, None
    try:
        if before is not None:
            ScriptDirectory.from_config(_config()).get_revision(before)
    except CommandError as error:
        raise RefusedError(
            _("Cette base vient d’une version plus récente de Traboule (%(revision)s).", revision=before)
        ) from error
    copy = _copy(before) if before is not None else None
    command.upgrade(_config(), "head")
    db.session.remove()
    return before, after, copy


def _copy(revision: str) -> Path | None:
    """A copy of the SQLite file beside it, named after what it holds; none for a server, whose operator backs it up."""
    path = db.engine.url.database
    if db.engine.dialect.name != "sqlite" or not path:
        return None
    source = Path(path)
    copy = source.with_name(f"{source.stem}-{revision}-{clock.now():%Y%m%dT%H%M%SZ}{source.suffix}")
    with contextlib.closing(sqlite3.connect(source)) as live, contextlib.closing(sqlite3.connect(copy)) as target:
        live.backup(target)
    return copy


def missing_triggers(expected: set[str]) -> set[str]:
    """Which of the expected guards the database lacks."""
    with access_mode(writing=False), db.engine.connect() as connection:
        return expected - present(connection)


def _config() -> Config:
    config: Config = current_app.extensions["migrate"].migrate.get_config()
    return config
