"""The schema: what migrations make is what the models say, there and back with rows in place, and cut off half-way."""

import random
import time
from itertools import pairwise
from typing import Any

from alembic.script import ScriptDirectory
from flask_migrate import downgrade, upgrade
from sqlalchemy import Connection, Engine, create_engine, inspect, text

from grants import evidence
from grants.kernel.db import Base
from tests.assure.figures import Reading, figure
from tests.site import Site, Workspace, cut_off

CUTS = 6
LAST = 6  # revisions that the short form goes down and up again
VERSION = "alembic_version"
# What a schema may hold beside tables; PostgreSQL makes a type of each table by itself.
OTHERS = {
    "sqlite": "SELECT type, name, sql FROM sqlite_master WHERE type IN ('trigger', 'view')",
    "postgresql": "SELECT 'trigger', tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal UNION ALL "
    "SELECT 'function', proname, pg_get_functiondef(oid) FROM pg_proc WHERE pronamespace = 'public'::regnamespace "
    "UNION ALL SELECT 'other', relname, relkind::text FROM pg_class "
    "WHERE relnamespace = 'public'::regnamespace AND relkind IN ('S', 'v', 'm', 'f') UNION ALL "
    "SELECT 'type', typname, '' FROM pg_type WHERE typnamespace = 'public'::regnamespace AND typtype IN ('e', 'd')",
}
Values = dict[str, list[dict[str, Any]]]
KNOWN: dict[tuple[str, ...], set[str]] = {}  # the lines of tables that were read, by name and statements (SQLite)


@figure("migrations", number="36", says="écarts entre migrations et modèles, aller, retour, coupure", minutes=2)
def migrations(workspace: Workspace) -> Reading:
    """Zero to head is the models; each way down and up again keeps rows, the last leaves nothing; a cut is healed."""
    tried, faults = there_and_back(workspace)
    more, found = cuts(workspace, CUTS if workspace.full else 1)
    return Reading(tried + more, faults + found, least=1500)


# ---- there and back ------------------------------------------------------------------------------------------------


def there_and_back(workspace: Workspace) -> tuple[int, list[str]]:
    """Compare the demonstration's schema with one the models make at once, then take it down and up with its rows.

    For each revision but the first, the last ones alone in the short form: rows of tables and columns that exist below
    it come back as they were, up to the head in the long form, up to the next revision in the short one. Below the
    first there is nothing: there the rows go with their tables, the way down must not break on them, and the way up
    give the same schema again.
    """
    with workspace.site(demo=True) as site, site.app.app_context():
        scripts = ScriptDirectory.from_config(site.app.extensions["migrate"].migrate.get_config())
        heads = scripts.get_heads()
        if len(heads) != 1:
            return 1, [f"several heads: {heads}"]
        wanted, found, before = shape_of_models(workspace), shape(site.engine), values(site.engine)
        faults = [f"only in the models: {line}" for line in sorted(wanted - found)]
        faults += [f"only in the migrations: {line}" for line in sorted(found - wanted)]
        revisions = [script.revision for script in scripts.walk_revisions()]
        for upper, lower in pairwise(revisions if workspace.full else revisions[: LAST + 1]):
            faults += round_trip(site.engine, revisions[0] if workspace.full else upper, lower)
            if not workspace.full:
                downgrade(revision=lower)
        downgrade(revision="base")
        faults += [f"left behind by the way down to nothing: {line}" for line in sorted(shape(site.engine))]
        upgrade()
        faults += [f"another schema the second time: {line}" for line in sorted(found ^ shape(site.engine))]
        return len(found) + sum(map(len, before.values())), faults


def round_trip(engine: Engine, upper: str, lower: str) -> list[str]:
    """What a way down from one revision to another and up again changed."""
    before, schema = values(engine), shape(engine)
    downgrade(revision=lower)
    below = values(engine)
    upgrade(revision=upper)
    faults = [f"{lower} and back: {fault}" for fault in lost(before, below, values(engine))]
    return faults + [f"{lower} and back: another schema: {line}" for line in sorted(schema ^ shape(engine))]


def shape_of_models(workspace: Workspace) -> set[str]:
    """The schema that the models and the guards of the evidence ask for, made without any migration."""
    name = f"{workspace.own}models"
    engine = create_engine(workspace.store.create(name))
    with engine.begin() as connection:
        Base.metadata.create_all(connection)
        evidence.put(connection)
    lines = shape(engine)
    engine.dispose()
    workspace.store.drop(name)
    return lines


def shape(engine: Engine) -> set[str]:
    """Every column, key, check, index, trigger and function of a database, as lines."""
    with engine.connect() as connection:
        others = connection.execute(text(OTHERS[connection.dialect.name]))
        lines = {f"{kind} {name}: {' '.join(definition.split())}" for kind, name, definition in others}
        return lines.union(*lines_of_tables(connection).values())


def lines_of_tables(connection: Connection) -> dict[str, set[str]]:
    """The lines of each table. On SQLite, one whose statements were read before is not read again: it is the same."""
    names = [name for name in inspect(connection).get_table_names() if name != VERSION]
    if connection.dialect.name != "sqlite":
        return reflected(connection, names)
    made: dict[str, list[str]] = {name: [] for name in names}
    for table, statement in connection.execute(text("SELECT tbl_name, sql FROM sqlite_master ORDER BY name")):
        if table in made and statement is not None:
            made[table].append(statement)
    keys = {name: (name, *statements) for name, statements in made.items()}
    KNOWN.update(
        {keys[name]: lines for name, lines in reflected(connection, [n for n in names if keys[n] not in KNOWN]).items()}
    )
    return {name: KNOWN[keys[name]] for name in names}


def reflected(connection: Connection, names: list[str]) -> dict[str, set[str]]:
    """The lines of these tables, as the database tells them."""
    lines: dict[str, set[str]] = {name: set() for name in names}
    asked = inspect(connection)
    kinds = {
        "column": asked.get_multi_columns,
        "primary key": asked.get_multi_pk_constraint,
        "foreign key": asked.get_multi_foreign_keys,
        "unique": asked.get_multi_unique_constraints,
        "check": asked.get_multi_check_constraints,
        "index": asked.get_multi_indexes,
    }
    for kind, ask in kinds.items() if names else ():
        tables: Any = ask(filter_names=names)
        for (_schema, table), found in tables.items():
            each = found if isinstance(found, list) else [found]
            lines[table] |= {
                f"{table} {kind} {sorted((key, plain(value)) for key, value in one.items())}" for one in each
            }
    return lines


def plain(fact: Any) -> str:
    """One fact about a column or a key, alike for two databases that agree."""
    return str({key: str(value) for key, value in fact.items()}) if isinstance(fact, dict) else repr(fact)


def values(engine: Engine) -> Values:
    """Every row of every table."""
    with engine.connect() as connection:
        return {name: rows(connection, name) for name in inspect(connection).get_table_names() if name != VERSION}


def rows(connection: Connection, table: str) -> list[dict[str, Any]]:
    """Every row of a table."""
    found = connection.execute(text(f'SELECT * FROM "{table}"'))
    names = list(found.keys())
    return [dict(zip(names, row, strict=True)) for row in found]


def lost(before: Values, below: Values, after: Values) -> list[str]:
    """The tables whose rows differ in what the lower revision could hold."""
    faults = []
    for table in below.keys() & before.keys():
        if before[table] == after.get(table):
            continue
        columns = set(below[table][0]) if below[table] else set()
        first, second = (
            sorted(str([(name, row[name]) for name in sorted(columns & set(row))]) for row in rows.get(table, []))
            for rows in (before, after)
        )
        if first != second:
            faults.append(f"rows of {table} changed ({len(first)}, then {len(second)})")
    return faults


# ---- cut off -------------------------------------------------------------------------------------------------------


def cuts(workspace: Workspace, number: int) -> tuple[int, list[str]]:
    """Kill `grants init` at any moment, then run it again: it finishes, and a further one changes nothing."""
    chance, faults = random.Random(36), []
    with workspace.site() as bare:
        wanted = state(bare.engine)
    for cut in range(number):
        site = cut_short(workspace, chance.uniform(0.0, 1.0))
        faults += [f"cut {cut}: {fault}" for fault in init(site)]
        if state(site.engine) != wanted:
            faults.append(f"cut {cut}: what was cut off and begun again differs from what was not")
        if cut == 0:
            first = values(site.engine)
            faults += init(site)
            if values(site.engine) != first or state(site.engine) != wanted:
                faults.append("a second init changed something")
        site.close()
        workspace.store.drop(f"{workspace.own}cut")
    return number, faults


def cut_short(workspace: Workspace, wait: float) -> Site:
    """A new database where `grants init` was killed, this long after its first words or as late as it still ran."""
    folder = workspace.folder / "cut"
    folder.mkdir(exist_ok=True)
    while True:
        site = Site(workspace.store.create(f"{workspace.own}cut"), folder, afresh=workspace.full)
        child = site.started("init")
        while child.poll() is None and not site.said.stat().st_size:
            time.sleep(0.005)
        time.sleep(wait)
        running = child.poll() is None
        cut_off(child)
        if running:
            return site
        wait /= 2


def init(site: Site) -> list[str]:
    """Run `grants init` to its end; tell when it fails."""
    code, said = site.command("init")
    return [f"grants init failed: {said[-300:]}"] if code else []


def state(engine: Engine) -> tuple[set[str], dict[str, int]]:
    """Where a database stands: its schema, and how many rows each table has."""
    return shape(engine), {name: len(found) for name, found in values(engine).items()}
