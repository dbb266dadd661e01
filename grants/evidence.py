"""What may never be altered: the tables the database itself guards, on one page."""

from collections.abc import Container, Iterator

from sqlalchemy import Connection, inspect

from grants.kernel.guards import append_only, frozen_by, kept, refused_when
from grants.kernel.search import indexed

APPEND_ONLY = (
    "journal_entry",
    "application_version",
    "application_address",
    "extension",
    "allocation",
    "interest",
    "former_membership",
    "decision",
    "ledger_entry",
    "ledger_allocation",
    "paper_template",
    "issued_paper",
    "paper_copy",
    "amendment",
    "conversation",
    "message_file",
    "appeal_file",
)
_CALL_IS_OPEN = "EXISTS (SELECT 1 FROM call c WHERE c.id = {row}.call_id AND c.state <> 'draft')"
_MARKS_ARE_FROZEN = (
    "EXISTS (SELECT 1 FROM application p JOIN call c ON c.id = p.call_id WHERE p.id = {row}.application_id "
    "AND c.marks_frozen_at IS NOT NULL)"
)
FROZEN = {
    "assignment": _MARKS_ARE_FROZEN,
    # A link told later sets no review aside; none is written as if it had been told before.
    "interest": _MARKS_ARE_FROZEN.replace("IS NOT NULL)", "IS NOT NULL AND {row}.declared_at <= c.marks_frozen_at)"),
    "mark": "EXISTS (SELECT 1 FROM assignment a JOIN application p ON p.id = a.application_id "
    "JOIN call c ON c.id = p.call_id WHERE a.id = {row}.assignment_id AND c.marks_frozen_at IS NOT NULL)",
    "standing": _MARKS_ARE_FROZEN,
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
    "public_question": "OLD.settled_at IS NOT NULL",
}
# What holds the freeze itself, so that nobody thaws it to write and freezes again.
KEPT = {
    "application": "NEW.call_id <> OLD.call_id",
    # Who answered of which text, and what; another may be asked for since.
    "approval": "OLD.decided_at IS NOT NULL AND (NEW.application_id <> OLD.application_id OR NEW.name <> OLD.name "
    "OR NEW.role <> OLD.role OR NEW.email <> OLD.email OR NEW.read IS NULL OR NEW.read <> OLD.read "
    "OR NEW.is_approved IS NULL OR NEW.is_approved <> OLD.is_approved OR NEW.word <> OLD.word "
    "OR NEW.decided_at IS NULL OR NEW.decided_at <> OLD.decided_at)",
    "call": "OLD.marks_frozen_at IS NOT NULL "
    "AND (NEW.marks_frozen_at IS NULL OR NEW.marks_frozen_at <> OLD.marks_frozen_at)",
    "receivable": "OLD.state <> 'planned' AND (NEW.award_id <> OLD.award_id OR NEW.kind <> OLD.kind "
    "OR NEW.due_on <> OLD.due_on OR NEW.amount_cents > OLD.amount_cents OR NEW.given_up_cents < OLD.given_up_cents "
    "OR NEW.cancelled_cents < OLD.cancelled_cents "
    "OR NEW.received_cents < OLD.received_cents AND (OLD.reversal_line IS NULL OR NEW.reversal_line IS NOT NULL))",
    # What a letter says; how it leaves goes on.
    "letter": "NEW.kind <> OLD.kind OR NEW.recipient <> OLD.recipient OR NEW.subject <> OLD.subject "
    "OR NEW.body <> OLD.body OR NEW.locale <> OLD.locale OR NEW.dedup <> OLD.dedup "
    "OR NEW.created_at <> OLD.created_at",
    "meeting": "NEW.call_id <> OLD.call_id OR OLD.frozen_at IS NOT NULL AND (NEW.state = 'preparing' "
    "OR NEW.frozen_at IS NULL OR NEW.frozen_at <> OLD.frozen_at)",
}


# The schedule of a signed agreement: an amendment alone adds to it, nothing leaves it, amounts only come down.
_SIGNED = "EXISTS (SELECT 1 FROM agreement a WHERE a.award_id = {row}.award_id AND a.signed_on IS NOT NULL)"
SCHEDULE = {
    "INSERT": f"NEW.amendment_id IS NULL AND {_SIGNED.format(row='NEW')}",
    "UPDATE": "(NEW.award_id <> OLD.award_id OR NEW.position <> OLD.position OR NEW.label <> OLD.label "
    "OR NEW.kind <> OLD.kind OR NEW.amount_cents > OLD.amount_cents OR NEW.condition <> OLD.condition "
    "OR COALESCE(NEW.due_on, '0001-01-01') <> COALESCE(OLD.due_on, '0001-01-01') "
    f"OR (OLD.amendment_id IS NULL) <> (NEW.amendment_id IS NULL)) AND {_SIGNED.format(row='OLD')}",
    "DELETE": _SIGNED.format(row="OLD"),
}
# The same of an engaged award without an agreement; its first schedule may come after the engagement.
_ENGAGED = "EXISTS (SELECT 1 FROM award w WHERE w.id = {row}.award_id AND w.engaged_on IS NOT NULL)"
ENGAGED = {act: when.replace(_SIGNED.format(row=row), _ENGAGED.format(row=row))
           for (act, when), row in zip(SCHEDULE.items(), ("NEW", "OLD", "OLD"), strict=True)}  # fmt: skip
_MOVED = "EXISTS (SELECT 1 FROM instalment i WHERE i.award_id = NEW.award_id AND i.state <> 'planned')"
_BEYOND = (
    "NEW.amount_cents + (SELECT COALESCE(SUM(i.amount_cents), 0) FROM instalment i WHERE i.award_id = NEW.award_id "
    "AND i.state <> 'cancelled') > (SELECT w.amount_cents - w.released_cents FROM award w WHERE w.id = NEW.award_id)"
)
ENGAGED_ONCE_MOVED = f"{ENGAGED['INSERT']} AND {_MOVED}"
ENGAGED["INSERT"] += f" AND ({_MOVED} OR {_BEYOND})"


# A settled receivable only takes a proposal to reverse a receipt, and becomes due again by that reversal.
_SAME = [f"NEW.{name} = OLD.{name}" for name in ("award_id", "kind", "amount_cents", "given_up_cents",
                                                 "cancelled_cents", "due_on", "reason", "note")]  # fmt: skip
_SAME += [
    f"COALESCE(CAST(NEW.{name} AS VARCHAR(40)), '') = COALESCE(CAST(OLD.{name} AS VARCHAR(40)), '')"
    for name in ("number", "order_year", "issued_on", "prepared_by", "approved_by")
]
RECEIVABLE = {
    "UPDATE": f"OLD.state = 'cancelled' OR OLD.state = 'settled' AND NOT ({' AND '.join(_SAME)} AND "
    "(NEW.state = 'settled' AND NEW.received_cents = OLD.received_cents "
    "OR NEW.state = 'due' AND NEW.received_cents < OLD.received_cents))",
    "DELETE": "OLD.state IN ('settled', 'cancelled')",
}

# The euros of a version go once a later version counts. Put with corrections: until then none ever went.
_BEFORE_CORRECTIONS = "allocation_no_delete"
COUNTED = {
    "DELETE": "NOT EXISTS (SELECT 1 FROM application_version v WHERE v.application_id = OLD.application_id "
    "AND v.number > OLD.version)"
}

# A message only takes, once, who of the other side read it.
MESSAGE = {
    "UPDATE": "NEW.conversation_id <> OLD.conversation_id OR NEW.author_id <> OLD.author_id "
    "OR NEW.from_fund <> OLD.from_fund OR NEW.text <> OLD.text OR NEW.sent_at <> OLD.sent_at "
    "OR OLD.read_at IS NOT NULL",
    "DELETE": "1 = 1",
}

# What an organisation said in an appeal stays as it said it, and an answer as it was given.
APPEAL = {
    "UPDATE": "NEW.application_id <> OLD.application_id OR NEW.decision_id <> OLD.decision_id "
    "OR NEW.reasons <> OLD.reasons OR NEW.lodged_at <> OLD.lodged_at OR NEW.lodged_by <> OLD.lodged_by "
    "OR NEW.decided_cents <> OLD.decided_cents OR NEW.answer_due_on <> OLD.answer_due_on "
    "OR OLD.state NOT IN ('lodged', 'referred')",
    "DELETE": "1 = 1",
}

_REFUSED = (
    (("appeal",), "appeal", "lodged", APPEAL),
    (("message",), "message", "sent", MESSAGE),
    (("correction",), "allocation", "counted", COUNTED),
    (("amendment",), "instalment", "signed", SCHEDULE),
    # On a whole schema: SQLite alters no table that a trigger reads.
    (("instalment", "receivable"), "instalment", "engaged", ENGAGED),
    (("receivable",), "receivable", "settled", RECEIVABLE),
)
# Not evidence, but kept by the database all the same: the words that a list looks for, whoever writes a search key.
INDEXED = ("application", "application_word", "application_id")


def statements(dialect: str, tables: Container[str]) -> Iterator[str]:
    """Every statement that puts the guards of some tables, on a schema that has none."""
    for table in APPEND_ONLY:
        if table in tables:
            replaced = table == "allocation" and "correction" in tables
            yield from append_only(table, dialect, acts=("UPDATE",) if replaced else ("UPDATE", "DELETE"))
    for table, frozen in FROZEN.items():
        if table in tables:
            yield from frozen_by(table, dialect, frozen=frozen)
    for table, when in SETTLED.items():
        if table in tables:
            yield from append_only(table, dialect, when=when)
    for table, when in KEPT.items():
        if table in tables:
            yield from kept(table, dialect, when=when)
    for needed, table, name, acts in _REFUSED:
        if all(one in tables for one in needed):
            yield from refused_when(table, dialect, name=name, when=acts)
    if INDEXED[1] in tables:
        yield from indexed(*INDEXED, dialect)


def expected() -> set[str]:
    """The names of the triggers a sound database holds."""
    names = {f"{table}_no_{act}" for table in (*APPEND_ONLY, *SETTLED) for act in ("update", "delete")}
    names = names - {_BEFORE_CORRECTIONS} | {"allocation_counted_delete"}
    names |= {f"{table}_kept" for table in KEPT}
    names |= {f"instalment_signed_{act.lower()}" for act in SCHEDULE}
    names |= {f"instalment_engaged_{act.lower()}" for act in ENGAGED}
    names |= {f"{INDEXED[1]}_{act}" for act in ("insert", "update", "delete")}
    names |= {f"message_sent_{act.lower()}" for act in MESSAGE}
    names |= {f"appeal_lodged_{act.lower()}" for act in APPEAL}
    names |= {f"receivable_settled_{act.lower()}" for act in RECEIVABLE}
    return names | {f"{table}_frozen_{act}" for table in FROZEN for act in ("insert", "update", "delete")}


def put(connection: Connection) -> None:
    """Put the guards of the tables a connection's database has; a later migration guards the tables it adds."""
    for statement in statements(connection.dialect.name, inspect(connection).get_table_names()):
        connection.exec_driver_sql(statement)


def lift(connection: Connection) -> None:
    """Take away what the guards leave once their tables are gone: on PostgreSQL, the functions of the triggers."""
    if connection.dialect.name == "postgresql":
        for name in sorted(expected() | {_BEFORE_CORRECTIONS}):
            connection.exec_driver_sql(f"DROP FUNCTION IF EXISTS {name}()")
