"""Runs migrations: on SQLite with foreign keys off and checked afterwards, on both with typed columns."""

from alembic import context
from flask import current_app
from sqlalchemy import text

from grants.kernel.db import access_mode

target = current_app.extensions["migrate"].db.metadata


def run() -> None:
    """Migrate over one connection; SQLite rebuilds tables, so its foreign keys rest meanwhile (children survive)."""
    engine = current_app.extensions["migrate"].db.engine
    with access_mode(writing=True), engine.connect() as connection:
        sqlite = connection.dialect.name == "sqlite"
        if sqlite:
            connection.connection.driver_connection.execute("PRAGMA foreign_keys=OFF")
        context.configure(
            connection=connection,
            target_metadata=target,
            render_as_batch=True,
            compare_type=True,
            user_module_prefix="house.",
        )
        try:
            with context.begin_transaction():
                context.run_migrations()
                if sqlite and connection.execute(text("PRAGMA foreign_key_check")).first():
                    raise RuntimeError("the migration would leave rows without their parent")
        finally:
            if sqlite:
                connection.connection.driver_connection.execute("PRAGMA foreign_keys=ON")


run()
