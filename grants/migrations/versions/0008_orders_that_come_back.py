"""Orders that come back (rejected, suspended, cancelled), conditions attested with proof, schedules amended.

The way down restores the narrower constraints unless rows need the wider ones: an order that was reversed stays in the
ledger, which an older version cannot read.
"""

from collections.abc import Iterable

import sqlalchemy as sa
from alembic import op

from grants import evidence
from grants.kernel import db as house

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

KINDS = ("voted", "engaged", "ordered", "paid", "released")
REVERSALS = ("order_rejected", "order_cancelled")
STATES = ("planned", "prepared", "approved", "ordered", "paid", "cancelled")
NEEDS = {
    "prepared_by": ("prepared", "approved", "ordered", "suspended", "paid"),
    "bank_details_id": ("prepared", "approved", "ordered", "suspended", "paid"),
    "approved_by": ("approved", "ordered", "suspended", "paid"),
    "order_number": ("ordered", "suspended", "paid"),
    "ordered_on": ("ordered", "suspended", "paid"),
}
GUARDED = ("instalment", "ledger_entry")
TRIGGERS = {
    "instalment": ("no_update", "no_delete", "signed_insert", "signed_update", "signed_delete"),
    "ledger_entry": ("no_update", "no_delete"),
    "amendment": ("no_update", "no_delete"),
}
# A text of a letter that promised a signature in the applicant's space, where nothing can be signed.
NEW_TEXTS = {
    ("body", "et, si une convention est nécessaire, signez-la dans votre espace. Vous y verrez chaque échéance."): (
        "et, si une convention est nécessaire, téléchargez-la dans votre espace, faites-la signer par la personne qui "
        "représente l’association, puis renvoyez-la au service du fonds, à l’adresse de cette lettre. Chaque échéance "
        "se suit dans votre espace."
    ),
    ("body_en", "and, if an agreement is needed, sign it in your space. You will see each instalment there."): (
        "and, if an agreement is needed, download it from your space, have it signed by the person who represents the "
        "association, then return it to the fund’s office, at the address of this letter. Each instalment can be "
        "followed in your space."
    ),
}


def upgrade() -> None:
    _lift(GUARDED)
    op.create_table(
        "amendment",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("award_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.String(length=40), nullable=False),
        sa.Column("signed_on", sa.Date(), nullable=False),
        sa.Column("reason", sa.String(length=1000), nullable=False),
        sa.Column("written_at", house.Instant(timezone=True), nullable=False),
        sa.Column("written_by", sa.Uuid(), nullable=True),
        sa.CheckConstraint("length(number) <= 40", name=op.f("ck_amendment_number_length")),
        sa.CheckConstraint("length(reason) <= 1000", name=op.f("ck_amendment_reason_length")),
        sa.ForeignKeyConstraint(["award_id"], ["award.id"], name=op.f("fk_amendment_award_id"), ondelete="RESTRICT"),
        sa.ForeignKeyConstraint(
            ["written_by"], ["account.id"], name=op.f("fk_amendment_written_by"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_amendment")),
        sa.UniqueConstraint("award_id", "number", name=op.f("uq_amendment_award_id_number")),
    )
    _upgrade_ledger()
    _upgrade_instalments()
    for (column, old), new in NEW_TEXTS.items():
        texts = sa.table("configured_text", sa.column("code", sa.String), sa.column(column, sa.Text))
        changed = {column: sa.func.replace(texts.c[column], old, new)}
        op.get_bind().execute(sa.update(texts).where(texts.c.code == "award_next").values(changed))
    _put((*GUARDED, "amendment"))


def _upgrade_ledger() -> None:
    op.add_column("ledger_entry", sa.Column("attempt", sa.SmallInteger(), nullable=False, server_default="1"))
    op.add_column("ledger_entry", sa.Column("number", sa.String(length=40), nullable=False, server_default=""))
    op.add_column("ledger_entry", sa.Column("reason", sa.String(length=500), nullable=False, server_default=""))
    op.execute(
        "UPDATE ledger_entry SET attempt = 1 + (SELECT count(*) FROM ledger_entry AS earlier WHERE "
        "earlier.instalment_id = ledger_entry.instalment_id AND earlier.id < ledger_entry.id AND earlier.kind IN "
        "('order_rejected', 'order_cancelled')) WHERE instalment_id IS NOT NULL"
    )
    known = _constraints("ledger_entry")
    # Lines of kinds that a later version writes stay when the schema goes down: theirs is then the wider constraint.
    later = _lines_besides((*KINDS, *REVERSALS))
    with op.batch_alter_table("ledger_entry") as batch:
        if not later:
            batch.drop_constraint(op.f("ck_ledger_entry_ledgerkind"), type_="check")
            batch.create_check_constraint(
                op.f("ck_ledger_entry_ledgerkind"), f"kind IN ({_listed((*KINDS, *REVERSALS))})"
            )
        if "ck_ledger_entry_amount_positive" in known:
            batch.drop_constraint(op.f("ck_ledger_entry_amount_positive"), type_="check")
        if "uq_ledger_entry_instalment_id_kind" in known:
            batch.drop_constraint(op.f("uq_ledger_entry_instalment_id_kind"), type_="unique")
        for column in ("attempt", "number", "reason"):
            batch.alter_column(column, server_default=None)
        if "ck_ledger_entry_amount_has_its_sign" not in known:
            batch.create_check_constraint(
                op.f("ck_ledger_entry_amount_has_its_sign"),
                f"amount_cents <> 0 AND (amount_cents < 0) = (kind IN ({_listed(REVERSALS)}))",
            )
        batch.create_check_constraint(op.f("ck_ledger_entry_number_length"), "length(number) <= 40")
        batch.create_check_constraint(op.f("ck_ledger_entry_reason_length"), "length(reason) <= 500")
        batch.create_unique_constraint(
            op.f("uq_ledger_entry_instalment_id_kind_attempt"), ["instalment_id", "kind", "attempt"]
        )


def _upgrade_instalments() -> None:
    columns = (
        sa.Column("attempt", sa.SmallInteger(), nullable=False, server_default="1"),
        sa.Column("order_year", sa.SmallInteger(), nullable=True),
        sa.Column("amendment_id", sa.Uuid(), nullable=True),
        sa.Column("attested_on", sa.Date(), nullable=True),
        sa.Column("attested_by", sa.Uuid(), nullable=True),
        sa.Column("proof", sa.String(length=500), nullable=False, server_default=""),
        sa.Column("returned_note", sa.String(length=500), nullable=False, server_default=""),
        sa.Column("returned_at", house.Instant(timezone=True), nullable=True),
        sa.Column("returned_by", sa.Uuid(), nullable=True),
    )
    for column in columns:
        op.add_column("instalment", column)
    op.execute(
        "UPDATE instalment SET attempt = 1 + (SELECT count(*) FROM ledger_entry e WHERE e.instalment_id = "
        "instalment.id AND e.kind IN ('order_rejected', 'order_cancelled'))"
    )
    # A number borne twice in a year was possible: the first instalment keeps the year, the others stay out of the rule.
    op.execute(
        "UPDATE instalment SET order_year = CAST(extract(year FROM ordered_on) AS integer) WHERE NOT EXISTS "
        "(SELECT 1 FROM instalment o WHERE o.order_number = instalment.order_number AND o.id < instalment.id AND "
        "extract(year FROM o.ordered_on) = extract(year FROM instalment.ordered_on))"
        if op.get_bind().dialect.name == "postgresql"
        else "UPDATE instalment SET order_year = CAST(substr(ordered_on, 1, 4) AS integer) WHERE ordered_on IS NOT "
        "NULL AND NOT EXISTS (SELECT 1 FROM instalment o WHERE o.order_number = instalment.order_number AND "
        "o.id < instalment.id AND substr(o.ordered_on, 1, 4) = substr(instalment.ordered_on, 1, 4))"
    )
    with op.batch_alter_table("instalment") as batch:
        for name in ("instalmentstate", *(f"state_needs_{column}" for column in NEEDS)):
            batch.drop_constraint(op.f(f"ck_instalment_{name}"), type_="check")
        for name in ("attempt", "proof", "returned_note"):
            batch.alter_column(name, server_default=None)
        batch.create_check_constraint(
            op.f("ck_instalment_instalmentstate"),
            f"state IN ({_listed((*STATES[:4], 'suspended', *STATES[4:]))})",
        )
        for name, states in NEEDS.items():
            batch.create_check_constraint(
                op.f(f"ck_instalment_state_needs_{name}"), f"state NOT IN ({_listed(states)}) OR {name} IS NOT NULL"
            )
        batch.create_check_constraint(op.f("ck_instalment_attempt_positive"), "attempt >= 1")
        batch.create_check_constraint(op.f("ck_instalment_proof_length"), "length(proof) <= 500")
        batch.create_check_constraint(op.f("ck_instalment_returned_note_length"), "length(returned_note) <= 500")
        batch.create_unique_constraint(op.f("uq_instalment_order_year_order_number"), ["order_year", "order_number"])
        for name, parent in (("amendment_id", "amendment"), ("attested_by", "account"), ("returned_by", "account")):
            batch.create_foreign_key(op.f(f"fk_instalment_{name}"), parent, [name], ["id"], ondelete="RESTRICT")


def downgrade() -> None:
    bind = op.get_bind()
    _lift((*GUARDED, "amendment"))
    reversed_ = _lines_besides(KINDS)
    suspended = bind.execute(sa.text("SELECT count(*) FROM instalment WHERE state = 'suspended'")).scalar_one()
    with op.batch_alter_table("instalment") as batch:
        for name in ("attempt_positive", "proof_length", "returned_note_length"):
            batch.drop_constraint(op.f(f"ck_instalment_{name}"), type_="check")
        batch.drop_constraint(op.f("uq_instalment_order_year_order_number"), type_="unique")
        for name in ("amendment_id", "attested_by", "returned_by"):
            batch.drop_constraint(op.f(f"fk_instalment_{name}"), type_="foreignkey")
        for name in ("attempt", "order_year", "amendment_id", "attested_on", "attested_by", "proof",
                     "returned_note", "returned_at", "returned_by"):  # fmt: skip
            batch.drop_column(name)
        if not suspended:
            for name in ("instalmentstate", *(f"state_needs_{column}" for column in NEEDS)):
                batch.drop_constraint(op.f(f"ck_instalment_{name}"), type_="check")
            batch.create_check_constraint(op.f("ck_instalment_instalmentstate"), f"state IN ({_listed(STATES)})")
            for name, states in NEEDS.items():
                narrow = [state for state in states if state != "suspended"]
                batch.create_check_constraint(
                    op.f(f"ck_instalment_state_needs_{name}"), f"state NOT IN ({_listed(narrow)}) OR {name} IS NOT NULL"
                )
    with op.batch_alter_table("ledger_entry") as batch:
        for name in ("number_length", "reason_length"):
            batch.drop_constraint(op.f(f"ck_ledger_entry_{name}"), type_="check")
        batch.drop_constraint(op.f("uq_ledger_entry_instalment_id_kind_attempt"), type_="unique")
        for name in ("attempt", "number", "reason"):
            batch.drop_column(name)
        if not reversed_:
            batch.drop_constraint(op.f("ck_ledger_entry_ledgerkind"), type_="check")
            batch.drop_constraint(op.f("ck_ledger_entry_amount_has_its_sign"), type_="check")
            batch.create_check_constraint(op.f("ck_ledger_entry_ledgerkind"), f"kind IN ({_listed(KINDS)})")
            batch.create_check_constraint(op.f("ck_ledger_entry_amount_positive"), "amount_cents > 0")
            batch.create_unique_constraint(op.f("uq_ledger_entry_instalment_id_kind"), ["instalment_id", "kind"])
    op.drop_table("amendment")
    _put(GUARDED)


def _lines_besides(kinds: Iterable[str]) -> int:
    """How many lines of the ledger are of other kinds than these."""
    lines = sa.table("ledger_entry", sa.column("kind", sa.String))
    counted = sa.select(sa.func.count()).select_from(lines).where(lines.c.kind.not_in(tuple(kinds)))
    return int(op.get_bind().execute(counted).scalar_one())


def _listed(words: Iterable[str]) -> str:
    return ", ".join(f"'{word}'" for word in words)


def _constraints(table: str) -> set[str]:
    inspector = sa.inspect(op.get_bind())
    found = (*inspector.get_check_constraints(table), *inspector.get_unique_constraints(table))
    return {str(one["name"]) for one in found}


def _lift(tables: Iterable[str]) -> None:
    """Take the guards of some tables away while their rows and columns change; SQLite rebuilds them without."""
    on_postgresql = op.get_bind().dialect.name == "postgresql"
    for table in tables:
        for name in TRIGGERS[table]:
            op.execute(f"DROP TRIGGER IF EXISTS {table}_{name}" + (f" ON {table}" if on_postgresql else ""))
            if on_postgresql:
                op.execute(f"DROP FUNCTION IF EXISTS {table}_{name}()")


def _put(tables: Iterable[str]) -> None:
    for statement in evidence.statements(op.get_bind().dialect.name, tuple(tables)):
        op.get_bind().exec_driver_sql(statement)
