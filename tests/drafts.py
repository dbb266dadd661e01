"""Many complete drafts in a moment: one is made through the application's own acts, the others are copies of its rows.

A draft is not evidence yet, so its rows may be copied. Every table that refers to an application is copied, whichever
it is, and each copy belongs to an association of its own.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Connection, Table, select

from grants.applications.models import Application
from grants.calls.models import Call
from grants.kernel.db import Base, db
from grants.people.models import Account, Membership, Organisation
from tests.factories.make import SIRETS, siret
from tests.site import Site


@dataclass(frozen=True)
class Draft:
    """A complete draft, the association that writes it, and who writes."""

    application: UUID
    organisation: UUID
    email: str
    letters_to: frozenset[str]
    version: int


def drafts(site: Site, call_id: UUID, number: int, *, writers: int | None = None) -> list[Draft]:
    """Put so many complete drafts into a call, written by as many people unless `writers` says how many."""
    with site.making() as make:
        author = make.account(email=f"modele-{uuid4().hex[:8]}@exemple.example")
        organisation = make.organisation(author)
        model = make.application(call=db.session.get_one(Call, call_id), organisation=organisation).id
    with site.engine.begin() as connection:
        made = _copies(connection, model, number, writers or number)
    site.tell_rows()
    return made


def _copies(connection: Connection, model: UUID, number: int, writers: int) -> list[Draft]:
    """Write the copies, table after table in the order in which they refer to one another."""
    application = _row(connection, table_of(Application), "id", model)
    organisation = _row(connection, table_of(Organisation), "id", application["organisation_id"])
    account = _row(connection, table_of(Account), "id", application["author_id"])
    membership = _row(connection, table_of(Membership), "organisation_id", organisation["id"])
    hanging = [
        (table, column, _rows(connection, table, column, model))
        for table, column in referring_to(table_of(Application))
    ]
    found: dict[Table, list[dict[str, Any]]] = {}

    def put(table: Table, row: Mapping[str, Any], **changes: Any) -> dict[str, Any]:
        fresh = {"id": uuid4()} if "id" in table.c else {}
        made = {**row, **fresh, **changes}
        found.setdefault(table, []).append(made)
        return made

    people = [
        put(table_of(Account), account, email=f"depot{place}-{uuid4().hex[:8]}@exemple.example",
            fs_uniquifier=uuid4().hex)
        for place in range(writers)
    ]  # fmt: skip
    made = []
    for place in range(number):
        person, rank = people[place % writers], next(SIRETS)
        address = f"bureau-{uuid4().hex[:12]}@exemple.example"
        own = put(table_of(Organisation), organisation, siret=siret(rank), rna=f"W69{rank:07d}",
                  representative_email=address, sort_key=f"COPIE {rank:08d}")  # fmt: skip
        put(table_of(Membership), membership, account_id=person["id"], organisation_id=own["id"])
        one = put(table_of(Application), application, organisation_id=own["id"], author_id=person["id"])
        for table, column, rows in hanging:
            for row in rows:
                put(table, row, **{column: one["id"]})
        heard = frozenset({person["email"], address})
        made.append(Draft(one["id"], own["id"], person["email"], heard, one["version"]))
    for table in Base.metadata.sorted_tables:
        if table in found:
            connection.execute(table.insert(), found[table])
    return made


def table_of(model: Any) -> Table:
    """The table of a model."""
    return model.__table__  # type: ignore[no-any-return]


def referring_to(target: Table) -> list[tuple[Table, str]]:
    """Every table with a column that names a row of `target`, and that column."""
    return [
        (table, key.parent.name)
        for table in Base.metadata.sorted_tables
        for key in table.foreign_keys
        if key.column.table is target
    ]


def _rows(connection: Connection, table: Table, column: str, value: UUID) -> list[dict[str, Any]]:
    return [dict(row) for row in connection.execute(select(table).where(table.c[column] == value)).mappings()]


def _row(connection: Connection, table: Table, column: str, value: UUID) -> dict[str, Any]:
    return _rows(connection, table, column, value)[0]
