"""What the journal is worth: no change of state without its entry, no line altered that `grants verify` does not see.

Lives are found by the models (whatever has a lifecycle), columns by the table: nothing is listed here.
"""

import random
from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Connection, Enum, select, true

from grants.kernel import journal, rowdigests
from grants.kernel.db import Base, db
from grants.kernel.journal import Entry
from grants.kernel.machine import Machine
from tests.assure.figures import Reading, figure
from tests.site import Site, Workspace

ENTRIES = Entry.__table__
FORGERIES = {True: 100, False: 16}
ROUNDS = {True: 6, False: 1}


@figure(
    "journal",
    number="35",
    says="changements d’état sans ligne au journal, et lignes altérées que la vérification ne voit pas",
    minutes=3,
)
def journal_figure(workspace: Workspace) -> Reading:
    """Read every life of the demonstration back from the journal, then forge lines."""
    with workspace.site(demo=True) as site:
        lived, faults = state_histories(site)
        forged, unseen = forgeries(site, FORGERIES[workspace.full])
        rows, unnamed = forged_rows(site, ROUNDS[workspace.full])
    return Reading(lived + forged + rows, faults + unseen + unnamed, least=FORGERIES[workspace.full] + 100)


# ---- lives told again


def lives() -> dict[str, tuple[type, Machine]]:
    """Every kind of thing that has a life, by table."""
    kinds = {mapper.class_.__tablename__: mapper.class_ for mapper in Base.registry.mappers}
    return {name: (kind, kind.lifecycle) for name, kind in sorted(kinds.items()) if hasattr(kind, "lifecycle")}


def state_histories(site: Site) -> tuple[int, list[str]]:
    """Walk every thing's entries: each move starts where the one before ended, and the last leads to its state."""
    moves: dict[Any, list[tuple[str, dict[str, Any]]]] = defaultdict(list)
    faults, number = [], 0
    with site.app.app_context():
        for entry in db.session.scalars(select(Entry).order_by(Entry.seq)):
            moves[entry.subject_type, entry.subject_id].append((entry.event, entry.facts))
        subjects = {subject_id for _table, subject_id in moves}
        for table, (kind, machine) in lives().items():
            for thing in db.session.scalars(select(kind)):
                number += 1
                has_line = any(getattr(thing, key.parent.key) in subjects for key in kind.__table__.foreign_keys)
                faults += [
                    f"{table}: {what}" for what in gaps(machine, thing, moves[table, thing.id], has_line=has_line)
                ]
        db.session.remove()
    return number, sorted(set(faults))


def gaps(machine: Machine, thing: Any, entries: list[tuple[str, dict[str, Any]]], *, has_line: bool) -> Iterator[str]:
    """What is missing between the entries of a thing and its state. What it hangs on may tell of its beginning."""
    state = None
    if not entries and not has_line:
        yield f"{getattr(thing, machine.column)}, and the journal says nothing of it"
        return
    for happened, facts in entries:
        if not happened.startswith(f"{machine.name}.") or "to" not in facts:
            continue
        if state is not None and facts["from"] != state:
            yield f"{happened} starts from {facts['from']}, but the entry before led to {state}"
        state = facts["to"]
    now = str(getattr(thing, machine.column))
    first = str(next(iter(machine.states)))
    if now != (state or first):
        yield f"is {now}, but the journal leads to {state or first}"


# ---- forgeries


Lines = list[dict[str, Any]]
Forgery = Callable[[Connection, Lines, int], None]


def forgeries(site: Site, wanted: int) -> tuple[int, list[str]]:
    """Alter lines far from one another, several at a time, and ask `grants verify`; then cut and lengthen the end."""
    code, output = verified(site)
    faults = [] if code == 0 else [f"verify finds fault with what nobody touched: {output}"]
    with site.engine.connect() as connection:
        lines = [dict(row._mapping) for row in connection.execute(select(*ENTRIES.columns).order_by(ENTRIES.c.seq))]
    kinds = [*(altering(column.name) for column in ENTRIES.columns), ("delete", removed), ("swap", swapped)]
    chance, tried = random.Random(35), 0
    while tried < wanted:
        places = [place + chance.randrange(6) for place in range(3, len(lines) - 12, max(12, len(lines) // 26))]
        batch = [(*kinds[(tried + n) % len(kinds)], place) for n, place in enumerate(places)][: wanted - tried]
        code, output = verified(site, lambda c, batch=batch: [forge(c, lines, place) for _name, forge, place in batch])
        restore(site, lines)
        tried += len(batch)
        for name, _forge, place in batch:
            seqs = {lines[place]["seq"], lines[place]["seq"] + 1}
            if code == 0 or not any(f"ligne {seq} :" in output for seq in seqs):
                faults.append(f"{name} of line {lines[place]['seq']}: not found")
    for name, forge in (("last line cut", cut), ("ten lines cut", cut_ten), ("all cut", cut_all), ("added", added)):
        code, output = verified(site, lambda c, forge=forge: forge(c, lines, 0))
        restore(site, lines)
        tried += 1
        if code == 0 or "journal : intact" in output:
            faults.append(f"{name}: not found")
    return tried, faults


def forged_rows(site: Site, rounds: int) -> tuple[int, list[str]]:
    """Alter one row of each kind whose digest the journal keeps, and ask `grants verify` to name its table."""
    chance, tried, faults = random.Random(36), 0, []
    for _round in range(rounds):
        undo: dict[Any, tuple[Any, dict[str, Any]]] = {}
        code, output = verified(site, lambda c, undo=undo: undo.update(forge_each(c, chance)))
        with site.unguarded() as connection:
            for table, (here, values) in undo.items():
                connection.execute(table.update().where(here).values(values))
        tried += len(undo)
        faults += [
            f"a row of {table.name}: not named" for table in undo if code == 0 or f"  {table.name} " not in output
        ]
    return tried, faults


def forge_each(connection: Connection, chance: random.Random) -> dict[Any, tuple[Any, dict[str, Any]]]:
    """One value of one row of each kind, of a type that has a near one; gives how each is put back, by table."""
    undo: dict[Any, tuple[Any, dict[str, Any]]] = {}
    for kind in rowdigests.recorded_kinds():
        table: Any = kind.__table__  # type: ignore[attr-defined]
        key = next(iter(table.primary_key))
        columns = [each for each in rowdigests.columns_of(kind) if each.type.python_type in {str, datetime}
                   and not isinstance(each.type, Enum) and not each.unique]  # fmt: skip
        waits = kind.not_yet()
        rows = connection.execute(select(table).where(true() if waits is None else ~waits)).mappings().all()
        known = [(row, each) for row in rows for each in columns if row[each] is not None and row[each] != ""]
        if not known:
            continue
        row, column = chance.choice(known)
        undo[table] = (key == row[key], {column.name: row[column]})
        connection.execute(table.update().where(key == row[key]).values({column.name: other(row[column])}))
    return undo


def verified(site: Site, forge: Callable[[Connection], Any] | None = None) -> tuple[int, str]:
    """Forge as somebody with the password of the database, then give the exit code of `grants verify` and its words."""
    if forge is not None:
        with site.unguarded() as connection:
            forge(connection)
    site.engine.dispose()
    return site.command("verify")


def restore(site: Site, lines: Lines) -> None:
    """Put the journal back as it was."""
    with site.unguarded() as connection:
        connection.execute(ENTRIES.delete())
        connection.execute(ENTRIES.insert(), lines)


def altering(column: str) -> tuple[str, Forgery]:
    """Change one value of a line, as little as its type allows."""

    def forge(connection: Connection, lines: Lines, place: int) -> None:
        value = other(lines[place][column])
        if column == "seq":
            value = lines[-1]["seq"] + 1 + place
        here = ENTRIES.c.seq == lines[place]["seq"]
        connection.execute(ENTRIES.update().where(here).values({column: value}))

    return column, forge


def other(value: Any) -> Any:
    """A value near this one."""
    if value is None or isinstance(value, UUID):
        return uuid4()
    if isinstance(value, datetime):
        return value + timedelta(microseconds=1)
    if isinstance(value, int):
        return value + 1
    return ("1" if value[:1] == "0" else "0") + value[1:]


def removed(connection: Connection, lines: Lines, place: int) -> None:
    """Take a line away."""
    connection.execute(ENTRIES.delete().where(ENTRIES.c.seq == lines[place]["seq"]))


def swapped(connection: Connection, lines: Lines, place: int) -> None:
    """Let two neighbours change places, each with its own digests."""
    one, two = lines[place], lines[place + 1]
    for seq in (one["seq"], two["seq"]):
        connection.execute(ENTRIES.delete().where(ENTRIES.c.seq == seq))
    connection.execute(ENTRIES.insert(), [{**one, "seq": two["seq"]}, {**two, "seq": one["seq"]}])


def cut(connection: Connection, lines: Lines, _place: int, number: int = 1) -> None:
    """Cut lines off the end: what is left holds together."""
    connection.execute(ENTRIES.delete().where(ENTRIES.c.seq > lines[-1]["seq"] - number))


def cut_ten(connection: Connection, lines: Lines, place: int) -> None:
    """Cut the last ten."""
    cut(connection, lines, place, 10)


def cut_all(connection: Connection, lines: Lines, place: int) -> None:
    """Leave nothing."""
    cut(connection, lines, place, len(lines))


def added(connection: Connection, lines: Lines, _place: int) -> None:
    """Add a line that is chained as it should."""
    last = lines[-1]
    line = SimpleNamespace(**{**last, "event": "decision.recorded", "at": last["at"]})
    seq = last["seq"] + 1
    digest = journal.digest_of(seq, line, last["digest"])
    connection.execute(
        ENTRIES.insert(), [{**vars(line), "seq": seq, "previous": last["digest"], "digest": digest}]
    )  # fmt: skip
