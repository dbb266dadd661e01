"""The floor: what showing the same rows costs at least: bare Flask, SQLAlchemy Core and Jinja on the same database.

No permissions, forms, translations, journal or design: a page gives the rows and columns that the application's page
shows, fifty at a time by key where it does, with its counts; a write is the bare updates and inserts.
"""

import csv
import io
import json
import os
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID, uuid4

import typst
from flask import Flask, Response, render_template, request
from sqlalchemy import MetaData, Table, Uuid, and_, case, create_engine, event, func, select, tuple_, update
from sqlalchemy.dialects import sqlite

PAGE = 50
PARTS = (
    "answer", "attachment", "audience", "axis_share", "budget_line", "climate_effect", "indicator", "justice_effect",
    "milestone", "partner", "signature", "application_action", "application_field", "application_commune",
)  # fmt: skip
TABLES = (
    *PARTS,
    "account", "allocation", "application", "application_version", "assignment", "award", "axis", "axis_share", "call",
    "call_instrument", "commune", "counter", "criterion", "criterion_block", "decision", "finding", "gate",
    "instalment", "instrument", "ledger_allocation", "ledger_entry", "letter", "mark", "meeting", "membership",
    "organisation", "piece", "question", "section", "standing", "statement", "application_commune",
)  # fmt: skip


engine = create_engine(os.environ["DATABASE_URL"], pool_pre_ping=True)
is_sqlite = engine.dialect.name == "sqlite"


@event.listens_for(engine, "connect")
def _as_the_application(connection: Any, _record: Any) -> None:
    """The same care for what is written as the application takes."""
    if is_sqlite:
        for pragma in ("journal_mode=wal", "synchronous=full", "busy_timeout=15000", "foreign_keys=on"):
            connection.execute(f"PRAGMA {pragma}")


metadata = MetaData()


@event.listens_for(metadata, "column_reflect")
def _keys(_inspector: Any, _table: Any, column: Any) -> None:
    """SQLite has no type for keys: they come as text of 32 characters."""
    if is_sqlite and isinstance(column["type"], sqlite.CHAR):
        column["type"] = Uuid()


metadata.reflect(engine, only=TABLES)
T: dict[str, Table] = dict(metadata.tables)
account, application, assignment, award, axis = (
    T[name] for name in ("account", "application", "assignment", "award", "axis")
)
axis_share, call, organisation, instrument = (T[name] for name in ("axis_share", "call", "organisation", "instrument"))
version, standing, meeting, decision = (T[name] for name in ("application_version", "standing", "meeting", "decision"))
# The server imports this program once, then starts its workers: each opens connections of its own.
engine.dispose()
app = Flask(__name__)
app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True


def euros(cents: int | None) -> str:
    """An amount as people read it."""
    return "—" if cents is None else f"{cents // 100:,}".replace(",", " ") + " €"


def listed(title: str, summary: str, columns: Iterable[str], rows: Iterable[Any], following: str = "") -> str:
    """A table."""
    return render_template("list.html", title=title, summary=summary, columns=columns, rows=rows, following=following)


def sheet(title: str, *parts: tuple[str, Iterable[Any]]) -> str:
    """A page of several short tables."""
    return render_template("sheet.html", title=title, parts=parts)


def content_of(connection: Any, application_id: UUID) -> Any:
    """What was frozen at submission."""
    found = select(version.c.content).where(version.c.application_id == application_id)
    content = connection.execute(found.order_by(version.c.number.desc()).limit(1)).scalar()
    return json.loads(content) if isinstance(content, str) else content


# ---- pages -----------------------------------------------------------------------------------------------------------


@app.get("/call/<code>")
def call_page(code: str) -> str:
    with engine.connect() as connection:
        found = connection.execute(select(call).where(call.c.code == code)).one()

        def rows(name: str, *columns: str) -> Any:
            table = T[name]
            order = [table.c.position] if "position" in table.c else [table.c.id]
            return connection.execute(
                select(*(table.c[column] for column in columns)).where(table.c.call_id == found.id).order_by(*order)
            ).all()

        return sheet(
            found.title,
            ("Appel", [(found.theme, found.opens_at, found.closes_at, euros(found.envelope_cents), found.texts)]),
            ("Montants", rows("call_instrument", "minimum_cents", "maximum_cents", "max_rate")),
            ("Sections", rows("section", "title", "intro")),
            ("Questions", rows("question", "label", "help")),
            ("Blocs", rows("criterion_block", "title", "weight")),
            ("Critères", rows("criterion", "title", "weight", "guidance")),
            ("Pièces", rows("piece", "label", "help")),
            ("Déclarations", rows("statement", "title", "text")),
        )


@app.get("/mine/<email>")
def mine(email: str) -> str:
    membership = T["membership"]
    statement = (
        select(application.c.title, application.c.reference, application.c.state, application.c.requested_cents,
               application.c.submitted_at, application.c.touched_at, organisation.c.name,
               call.c.title.label("call"), call.c.closes_at)
        .join(organisation, organisation.c.id == application.c.organisation_id)
        .join(call, call.c.id == application.c.call_id)
        .join(membership, membership.c.organisation_id == organisation.c.id)
        .join(account, account.c.id == membership.c.account_id)
        .where(account.c.email == email)
        .order_by(application.c.created_at.desc())
    )  # fmt: skip
    with engine.connect() as connection:
        return listed("Mes dossiers", "", statement.selected_columns.keys(), connection.execute(statement).all())


@app.get("/form/<uuid:application_id>")
def form_page(application_id: UUID) -> str:
    """The project of a draft, as its form shows it: what was typed, the instruments to choose from, and how far each
    other part is."""
    instrument, offered = T["instrument"], T["call_instrument"]
    with engine.connect() as connection:
        found = connection.execute(select(application).where(application.c.id == application_id)).one()
        choices = connection.execute(
            select(instrument.c.name, offered.c.minimum_cents, offered.c.maximum_cents, offered.c.max_rate)
            .join(instrument, instrument.c.id == offered.c.instrument_id).where(offered.c.call_id == found.call_id)
        ).all()  # fmt: skip
        typed = [(found.title, found.summary, euros(found.requested_cents), euros(found.total_cents), found.starts_on,
                  found.ends_on, found.instrument_id)]  # fmt: skip
        parts = [
            (name, connection.execute(select(func.count()).where(T[name].c.application_id == application_id)).scalar())
            for name in PARTS
        ]
        about = connection.execute(
            select(organisation.c.name, call.c.title, call.c.closes_at)
            .join(call, call.c.id == found.call_id).where(organisation.c.id == found.organisation_id)
        ).all()  # fmt: skip
        return sheet(
            found.title, ("Dossier", about), ("Projet", typed), ("Type de soutien", choices), ("Parties", parts)
        )


@app.get("/application/<uuid:application_id>")
def application_page(application_id: UUID) -> str:
    with engine.connect() as connection:
        found = connection.execute(select(application).where(application.c.id == application_id)).one()
        content = content_of(connection, application_id)
        return sheet(found.title, ("Dossier", [(found.state, found.submitted_at)]), ("Contenu", [(content,)]))


@app.get("/readings/<email>")
def readings(email: str) -> str:
    statement = (
        select(assignment.c.state, assignment.c.due_on, assignment.c.saved_at, assignment.c.submitted_at,
               application.c.reference, application.c.title, organisation.c.name, call.c.title.label("call"))
        .join(application, application.c.id == assignment.c.application_id)
        .join(organisation, organisation.c.id == application.c.organisation_id)
        .join(call, call.c.id == application.c.call_id)
        .join(account, account.c.id == assignment.c.reviewer_id)
        .where(account.c.email == email, assignment.c.state.in_(("offered", "open", "submitted")))
    )  # fmt: skip
    part = case({"open": 0, "offered": 1}, value=assignment.c.state, else_=2)
    due_on = func.coalesce(assignment.c.due_on, date.max)
    page = statement.order_by(part, due_on, application.c.submitted_at, assignment.c.id).limit(PAGE)
    with engine.connect() as connection:
        rows = connection.execute(page).all()
        count = connection.execute(select(func.count()).select_from(statement.subquery())).scalar_one()
        return listed("Mes évaluations", str(count), statement.selected_columns.keys(), rows)


@app.get("/review/<uuid:assignment_id>")
def review(assignment_id: UUID) -> str:
    mark, criterion, block = T["mark"], T["criterion"], T["criterion_block"]
    with engine.connect() as connection:
        found = connection.execute(
            select(assignment, application.c.title, application.c.call_id)
            .join(application, application.c.id == assignment.c.application_id)
            .where(assignment.c.id == assignment_id)
        ).one()
        rubric = connection.execute(
            select(block.c.title.label("block"), criterion.c.title, criterion.c.weight, criterion.c.guidance,
                   criterion.c.anchors, mark.c.points)
            .join(criterion, criterion.c.block_id == block.c.id)
            .outerjoin(mark, and_(mark.c.criterion_id == criterion.c.id, mark.c.assignment_id == assignment_id))
            .where(block.c.call_id == found.call_id).order_by(block.c.position, criterion.c.position)
        ).all()  # fmt: skip
        content = content_of(connection, found.application_id)
        return sheet(found.title, ("Notes", rubric), ("Contenu", [(content,)]))


COLUMNS = (
    application.c.id, application.c.reference, application.c.title, application.c.state,
    application.c.requested_cents, application.c.submitted_at, organisation.c.name.label("organisation"),
    call.c.code.label("call"), instrument.c.name.label("instrument"), award.c.amount_cents.label("awarded"),
    standing.c.score, standing.c.reviews,
)  # fmt: skip
SORTS = {"-submitted": application.c.submitted_at, "-score": func.coalesce(standing.c.score, -1)}


def joined(*columns: Any) -> Any:
    """The dossiers with what their list shows of other tables."""
    return (
        select(*columns)
        .join(call, call.c.id == application.c.call_id)
        .join(organisation, organisation.c.id == application.c.organisation_id)
        .join(instrument, instrument.c.id == application.c.instrument_id)
        .outerjoin(standing, standing.c.application_id == application.c.id)
        .outerjoin(award, award.c.application_id == application.c.id)
        .where(application.c.submitted_at.is_not(None))
    )


@app.get("/dossiers")
def dossiers() -> str:
    state, sort, after = (request.args.get(name, "") for name in ("etat", "sort", "after"))
    column = SORTS[sort or "-submitted"]
    counted = select(func.count(), func.sum(application.c.requested_cents)).where(
        application.c.submitted_at.is_not(None)
    )
    given = select(func.sum(award.c.amount_cents)).join(application, application.c.id == award.c.application_id)
    narrow = select(application.c.id, column.label("sorted_by")).where(application.c.submitted_at.is_not(None))
    if sort == "-score":
        narrow = narrow.outerjoin(standing, standing.c.application_id == application.c.id)
    if state:
        counted, given, narrow = (each.where(application.c.state == state) for each in (counted, given, narrow))
    if after:
        instant, key = after.split("_")
        narrow = narrow.where(tuple_(column, application.c.id) < tuple_(datetime.fromisoformat(instant), UUID(key)))
    narrow_rows = narrow.order_by(column.desc(), application.c.id.desc()).limit(PAGE + 1).subquery()
    with engine.connect() as connection:
        count, requested = connection.execute(counted).one()
        awarded = connection.execute(given).scalar()
        found = connection.execute(
            joined(*COLUMNS, narrow_rows.c.sorted_by)
            .join(narrow_rows, narrow_rows.c.id == application.c.id)
            .order_by(narrow_rows.c.sorted_by.desc(), narrow_rows.c.id.desc())
        ).all()
        rows = found[:PAGE]
        shares: dict[Any, list[str]] = {}
        for share in connection.execute(
            select(axis_share.c.application_id, axis.c.code, axis_share.c.percent)
            .join(axis, axis.c.id == axis_share.c.axis_id)
            .where(axis_share.c.application_id.in_([row.id for row in rows]))
            .order_by(axis.c.position)
        ):
            shares.setdefault(share.application_id, []).append(f"{share.code} {share.percent}")
    shown = [
        (row.title, row.reference, row.organisation, " · ".join(shares.get(row.id, ())), row.state,
         f"{row.submitted_at:%d/%m/%Y}", euros(row.requested_cents), euros(row.awarded), row.score)
        for row in rows
    ]  # fmt: skip
    following = f"/dossiers?after={rows[-1].sorted_by}_{rows[-1].id}" if len(found) > PAGE else ""
    summary = f"{count} dossiers, {euros(requested)}, {euros(awarded)}"
    heads = ("Dossier", "Référence", "Organisation", "Axes", "État", "Déposé", "Demandé", "Attribué", "Note")
    return listed("Dossiers", summary, heads, shown, following)


@app.get("/dossier/<uuid:application_id>")
def dossier(application_id: UUID) -> str:
    finding, gate, letter = T["finding"], T["gate"], T["letter"]
    with engine.connect() as connection:
        found = connection.execute(joined(*COLUMNS).where(application.c.id == application_id)).one()
        findings = connection.execute(
            select(gate.c.title, finding.c.passed)
            .join(gate, gate.c.id == finding.c.gate_id)
            .where(finding.c.application_id == application_id)
        ).all()
        readers = connection.execute(
            select(account.c.name, assignment.c.state)
            .join(account, account.c.id == assignment.c.reviewer_id)
            .where(assignment.c.application_id == application_id)
        ).all()
        letters = connection.execute(
            select(letter.c.subject, letter.c.created_at).where(letter.c.dossier_id == application_id)
        ).all()
        content = content_of(connection, application_id)
    return sheet(
        found.title, ("Dossier", [tuple(found)]), ("Contenu", [(content,)]), ("Recevabilité", findings),
        ("Lecteurs", readers), ("Courriers", letters),
    )  # fmt: skip


@app.get("/tracking")
def tracking() -> str:
    allocation, entry, part = T["allocation"], T["ledger_entry"], T["ledger_allocation"]
    counted = application.c.state.not_in(("draft", "withdrawn"))
    with engine.connect() as connection:
        asked = connection.execute(
            select(allocation.c.key_id, func.sum(allocation.c.amount_cents).label("amount"))
            .join(application, application.c.id == allocation.c.application_id)
            .where(allocation.c.dimension == "axis", counted).group_by(allocation.c.key_id)
        ).all()  # fmt: skip
        moved = connection.execute(
            select(part.c.key_id, entry.c.kind, func.sum(part.c.amount_cents).label("amount"))
            .join(entry, entry.c.id == part.c.entry_id)
            .where(part.c.dimension == "axis").group_by(part.c.key_id, entry.c.kind)
        ).all()  # fmt: skip
        whole = connection.execute(select(func.sum(application.c.requested_cents)).where(counted)).scalar()
        axes = connection.execute(select(axis.c.id, axis.c.code, axis.c.title).order_by(axis.c.position)).all()
    sums: dict[Any, dict[str, int]] = {row.key_id: {"asked": row.amount} for row in asked}
    for row in moved:
        sums.setdefault(row.key_id, {})[row.kind] = row.amount
    kinds = ("asked", "voted", "engaged", "ordered", "paid", "released")
    rows = [(row.code, row.title, *(euros(sums[row.id].get(kind)) for kind in kinds)) for row in axes if row.id in sums]
    return listed("Suivi", euros(int(whole or 0)), ("Axe", "Titre", *kinds), rows)


PUBLISHED = (
    select(decision.c.amount_cents, application.c.id, application.c.title, application.c.reference,
           organisation.c.name, organisation.c.siret, instrument.c.name.label("instrument"), call.c.code,
           meeting.c.act_number, meeting.c.act_on)
    .join(meeting, meeting.c.id == decision.c.meeting_id)
    .join(application, application.c.id == decision.c.application_id)
    .join(organisation, organisation.c.id == application.c.organisation_id)
    .join(instrument, instrument.c.id == application.c.instrument_id)
    .join(call, call.c.id == application.c.call_id)
    .where(decision.c.granted, meeting.c.state == "published")
)  # fmt: skip


@app.get("/register")
def register() -> str:
    commune, place = T["commune"], T["application_commune"]
    with engine.connect() as connection:
        rows = connection.execute(
            PUBLISHED.order_by(meeting.c.act_on.desc(), application.c.reference).limit(PAGE)
        ).all()
        keys = [row.id for row in rows]
        count, amount = connection.execute(
            select(func.count(), func.sum(decision.c.amount_cents))
            .join(meeting, meeting.c.id == decision.c.meeting_id)
            .where(decision.c.granted, meeting.c.state == "published")
        ).one()
        by_award: dict[Any, list[str]] = {}
        for share in connection.execute(
            select(axis_share.c.application_id, axis.c.code, axis_share.c.percent)
            .join(axis, axis.c.id == axis_share.c.axis_id).where(axis_share.c.application_id.in_(keys))
        ):  # fmt: skip
            by_award.setdefault(share.application_id, []).append(f"{share.code} {share.percent}")
        for row in connection.execute(
            select(place.c.application_id, commune.c.name)
            .join(commune, commune.c.id == place.c.commune_id).where(place.c.application_id.in_(keys))
        ):  # fmt: skip
            by_award.setdefault(row.application_id, []).append(row.name)
    shown = [
        (row.title, row.reference, row.name, row.instrument, row.code, euros(row.amount_cents), row.act_number,
         row.act_on, " · ".join(by_award.get(row.id, ())))
        for row in rows
    ]  # fmt: skip
    return listed("Registre", f"{count}, {euros(amount)}", ("Projet",) * 9, shown)


# ---- files -----------------------------------------------------------------------------------------------------------


def streamed(statement: Any) -> Response:
    """The rows of a statement as CSV, a chunk at a time."""

    def lines() -> Iterator[str]:
        with engine.connect().execution_options(yield_per=500) as connection:
            buffer = io.StringIO()
            writer = csv.writer(buffer, lineterminator="\n")
            writer.writerow(statement.selected_columns.keys())
            for row in connection.execute(statement):
                writer.writerow(row)
                if buffer.tell() > 16_000:
                    yield buffer.getvalue()
                    buffer.seek(0)
                    buffer.truncate()
            yield buffer.getvalue()

    return Response(lines(), mimetype="text/csv")


@app.get("/dossiers.csv")
def dossiers_csv() -> Response:
    return streamed(joined(*COLUMNS).order_by(application.c.submitted_at.desc(), application.c.id.desc()))


@app.get("/scdl.csv")
def scdl() -> Response:
    instalment = T["instalment"]
    planned = (
        select(instalment.c.award_id, func.count().label("number"), func.min(instalment.c.due_on).label("first_on"))
        .group_by(instalment.c.award_id)
        .subquery()
    )
    return streamed(
        PUBLISHED.outerjoin(award, award.c.decision_id == decision.c.id)
        .outerjoin(planned, planned.c.award_id == award.c.id)
        .add_columns(planned.c.number, planned.c.first_on)
        .order_by(meeting.c.act_on, application.c.reference)
    )


@app.get("/receipt/<uuid:application_id>")
def receipt(application_id: UUID) -> Response:
    with engine.connect() as connection:
        row = connection.execute(
            select(application.c.reference, application.c.title, application.c.submitted_at, version.c.digest)
            .join(version, version.c.application_id == application.c.id)
            .where(application.c.id == application_id)
        ).one()
    text = b'#for line in sys.inputs.text.split("|") [#par(line)]'
    content = typst.compile(text, format="pdf", sys_inputs={"text": "|".join(map(str, row))}, pdf_standards=["a-2a"])
    return Response(content, mimetype="application/pdf")


# ---- writes ----------------------------------------------------------------------------------------------------------


@app.post("/draft/<uuid:application_id>")
def draft(application_id: UUID) -> tuple[str, int]:
    with engine.begin() as connection:
        connection.execute(
            update(application)
            .where(application.c.id == application_id)
            .values(title=request.form["title"], touched_at=datetime.now(UTC), version=application.c.version + 1)
        )
    return "", 204


@app.post("/submit/<uuid:application_id>")
def submit(application_id: UUID) -> tuple[str, int]:
    """Take a number, freeze the content, share out the amount, write the letter, change the state."""
    now, counter, allocation, letter = datetime.now(UTC), T["counter"], T["allocation"], T["letter"]
    with engine.begin() as connection:
        series = counter.c.name.like("application:%")
        connection.execute(update(counter).where(series).values(value=counter.c.value + 1))
        number = connection.execute(select(func.max(counter.c.value)).where(series)).scalar()
        found = connection.execute(select(application).where(application.c.id == application_id)).one()
        shares = connection.execute(
            select(axis_share.c.axis_id, axis_share.c.percent).where(axis_share.c.application_id == application_id)
        ).all()
        content = {key: str(value) for key, value in found._mapping.items()}
        connection.execute(
            version.insert().values(id=uuid4(), application_id=application_id, number=1, digest=uuid4().hex * 2,
                                    content=json.dumps(content), frozen_at=now)
        )  # fmt: skip
        connection.execute(
            allocation.insert(),
            [{"application_id": application_id, "dimension": "axis", "key_id": row.axis_id,
              "weight": row.percent, "amount_cents": found.requested_cents * row.percent // 100, "version": 1}
             for row in shares],
        )  # fmt: skip
        connection.execute(
            letter.insert().values(id=uuid4(), kind="receipt", recipient="floor@exemple.example", subject="Reçu",
                                   body="Votre dossier est déposé.", locale="fr", dossier_id=application_id,
                                   dedup=uuid4().hex, created_at=now, attempts=0)
        )  # fmt: skip
        connection.execute(
            update(application).where(application.c.id == application_id)
            .values(state="submitted", submitted_at=now, touched_at=now, reference=f"FLOOR-{number}",
                    silence_on=now.date(), version=application.c.version + 1)
        )  # fmt: skip
    return "", 204


@app.post("/marks/<uuid:assignment_id>")
def marks(assignment_id: UUID) -> tuple[str, int]:
    mark, criterion = T["mark"], T["criterion"]
    with engine.begin() as connection:
        owner = (
            select(application.c.call_id)
            .join(assignment, assignment.c.application_id == application.c.id)
            .where(assignment.c.id == assignment_id)
            .scalar_subquery()
        )
        keys = connection.execute(select(criterion.c.id).where(criterion.c.call_id == owner)).scalars().all()
        connection.execute(mark.delete().where(mark.c.assignment_id == assignment_id))
        connection.execute(
            mark.insert(),
            [{"id": uuid4(), "assignment_id": assignment_id, "criterion_id": key, "points": int(request.form["points"]),
              "not_applicable": False} for key in keys],
        )  # fmt: skip
        connection.execute(
            update(assignment).where(assignment.c.id == assignment_id)
            .values(saved_at=datetime.now(UTC), version=assignment.c.version + 1)
        )  # fmt: skip
    return "", 204
