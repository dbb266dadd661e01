"""Database triggers that keep evidence append-only, the same promise on SQLite and PostgreSQL."""

from collections.abc import Iterable, Mapping

from sqlalchemy import Connection, text


def append_only(table: str, dialect: str, *, when: str = "", acts: Iterable[str] = ("UPDATE", "DELETE")) -> list[str]:
    """The statements that make a table refuse update and delete.

    `when` is an SQL condition on OLD under which the refusal holds (empty: always).
    """
    statements = []
    condition = f"WHEN ({when})" if when else ""
    for act in acts:
        name = f"{table}_no_{act.lower()}"
        if dialect == "sqlite":
            statements.append(
                f"CREATE TRIGGER {name} BEFORE {act} ON {table} FOR EACH ROW {condition} "
                f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            )
        else:
            statements.append(
                f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ "
                f"BEGIN RAISE EXCEPTION '{table} is append-only' USING ERRCODE = 'check_violation'; END $$"
            )
            statements.append(
                f"CREATE TRIGGER {name} BEFORE {act} ON {table} FOR EACH ROW {condition} EXECUTE FUNCTION {name}()"
            )
    return statements


def frozen_by(table: str, dialect: str, *, frozen: str) -> list[str]:
    """The statements that refuse writing rows of a table while the SQL condition holds.

    `frozen` names the row as `{row}`; it must be true when the row may not change any more.
    """
    rows_of = {"INSERT": ("NEW",), "UPDATE": ("OLD", "NEW"), "DELETE": ("OLD",)}
    when = {act: " OR ".join(f"({frozen.format(row=row)})" for row in rows) for act, rows in rows_of.items()}
    return refused_when(table, dialect, name="frozen", when=when)


def refused_when(table: str, dialect: str, *, name: str, when: Mapping[str, str]) -> list[str]:
    """The statements that refuse each act (INSERT, UPDATE, DELETE) on a table under its SQL condition on OLD and NEW.

    The triggers are called `{table}_{name}_{act}`. A condition may hold a subquery.
    """
    statements = []
    for act, condition in when.items():
        trigger = f"{table}_{name}_{act.lower()}"
        if dialect == "sqlite":
            statements.append(
                f"CREATE TRIGGER {trigger} BEFORE {act} ON {table} FOR EACH ROW WHEN ({condition}) "
                f"BEGIN SELECT RAISE(ABORT, '{table} is {name}'); END"
            )
        else:
            returned = "OLD" if act == "DELETE" else "NEW"
            statements.append(
                f"CREATE OR REPLACE FUNCTION {trigger}() RETURNS trigger LANGUAGE plpgsql AS $$ "
                f"BEGIN IF {condition} THEN RAISE EXCEPTION '{table} is {name}' USING ERRCODE = 'check_violation'; "
                f"END IF; RETURN {returned}; END $$"
            )
            statements.append(
                f"CREATE TRIGGER {trigger} BEFORE {act} ON {table} FOR EACH ROW EXECUTE FUNCTION {trigger}()"
            )
    return statements


def kept(table: str, dialect: str, *, when: str) -> list[str]:
    """The statements that refuse an update of a table's row under an SQL condition on OLD and NEW."""
    name = f"{table}_kept"
    if dialect == "sqlite":
        return [
            (
                f"CREATE TRIGGER {name} BEFORE UPDATE ON {table} FOR EACH ROW WHEN ({when}) "
                f"BEGIN SELECT RAISE(ABORT, '{table} keeps what was frozen'); END"
            )
        ]
    return [
        (
            f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ "
            f"BEGIN RAISE EXCEPTION '{table} keeps what was frozen' USING ERRCODE = 'check_violation'; END $$"
        ),
        f"CREATE TRIGGER {name} BEFORE UPDATE ON {table} FOR EACH ROW WHEN ({when}) EXECUTE FUNCTION {name}()",
    ]


def present(connection: Connection) -> set[str]:
    """The names of the triggers the database holds."""
    if connection.dialect.name == "sqlite":
        rows = connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'trigger'"))
    else:
        rows = connection.execute(text("SELECT tgname FROM pg_trigger WHERE NOT tgisinternal"))
    return {row[0] for row in rows}
