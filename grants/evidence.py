"""What may never be altered: the tables the database itself guards, on one page."""

from collections.abc import Iterator

from sqlalchemy import Connection

from grants.kernel.guards import append_only, frozen_by

APPEND_ONLY = (
    "journal_entry",
    "application_version",
    "allocation",
    "interest",
    "decision",
    "ledger_entry",
    "ledger_allocation",
)
_CALL_IS_OPEN = "EXISTS (SELECT 1 FROM call c WHERE c.id = {row}.call_id AND c.state <> 'draft')"
FROZEN = {
    "mark": "EXISTS (SELECT 1 FROM assignment a JOIN application p ON p.id = a.application_id "
    "JOIN call c ON c.id = p.call_id WHERE a.id = {row}.assignment_id AND c.marks_frozen_at IS NOT NULL)",
    "standing": "EXISTS (SELECT 1 FROM application p JOIN call c ON c.id = p.call_id WHERE p.id = {row}.application_id "
    "AND c.marks_frozen_at IS NOT NULL)",
    "recommendation": "EXISTS (SELECT 1 FROM meeting m WHERE m.id = {row}.meeting_id AND m.state <> 'preparing')",
    "criterion_block": _CALL_IS_OPEN,
    "criterion": _CALL_IS_OPEN,
    "section": _CALL_IS_OPEN,
    "question": _CALL_IS_OPEN,
    "statement": _CALL_IS_OPEN,
    "piece": _CALL_IS_OPEN,
    "gate": _CALL_IS_OPEN,
    "call_instrument": _CALL_IS_OPEN,
}
_REPORT_IS_ACCEPTED = "EXISTS (SELECT 1 FROM report r WHERE r.id = {row}.report_id AND r.state = 'accepted')"
FROZEN |= dict.fromkeys(("report_line", "report_indicator", "report_file"), _REPORT_IS_ACCEPTED)
SETTLED = {
    "instalment": "OLD.state IN ('paid', 'cancelled')",
    "agreement": "OLD.signed_on IS NOT NULL",
    "report": "OLD.state = 'accepted'",
    "award": "OLD.state = 'closed'",
}


def statements(dialect: str) -> Iterator[str]:
    """Every statement that puts the guards on an empty schema."""
    for table in APPEND_ONLY:
        yield from append_only(table, dialect)
    for table, frozen in FROZEN.items():
        yield from frozen_by(table, dialect, frozen=frozen)
    for table, when in SETTLED.items():
        yield from append_only(table, dialect, when=when)


def expected() -> set[str]:
    """The names of the triggers a sound database holds."""
    names = {f"{table}_no_{act}" for table in (*APPEND_ONLY, *SETTLED) for act in ("update", "delete")}
    return names | {f"{table}_frozen_{act}" for table in FROZEN for act in ("insert", "update", "delete")}


def put(connection: Connection) -> None:
    """Put the guards on a connection's database."""
    for statement in statements(connection.dialect.name):
        connection.exec_driver_sql(statement)
