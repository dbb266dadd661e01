"""No page or act that people wait for reads a growing table from end to end or sends many statements, on either
database."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine

from grants.applications import queries
from grants.applications.models import Application
from grants.demo.volume import add_volume
from grants.kernel.actor import system
from grants.kernel.db import Base, db
from tests.bench.meters import aimed
from tests.bench.scenarios import SCENARIOS, Scenario, Subjects, at, by_writer, subjects
from tests.bench.test_bench import inside
from tests.databases import Databases
from tests.site import Site

# What a fund loads or sets up once. Every other table grows with calls, dossiers, people or what they do.
STEADY = {
    "action_field", "axis", "budget_account", "call", "commune", "configured_text", "counter", "field_of_intervention",
    "framework", "framework_action", "fund", "instrument", "law", "orientation", "paper_template", "priority_area",
    "related_plan",
}  # fmt: skip
WAITED_FOR = (
    "application", "save_draft", "submit", "marks_grid", "save_marks", "list", "list_filtered", "list_by_score",
    "list_last", "dossier", "tracking_cold", "scdl",
)  # fmt: skip
SUMMED = {"tracking_cold": {"application"}, "scdl": {"decision", "instalment"}}  # what is added up whole
# All dossiers that were never submitted are a part of the table that grows as well.
DRAFTS = r"SEARCH(?= application USING INDEX ix_application_listed \(submitted_at=\?\))"
SCANNED = {
    "sqlite": re.compile(rf"^(?:SCAN|{DRAFTS}) (\w+?)(?:_\d+)?(?: |$)", re.MULTILINE),
    "postgresql": re.compile(r"Seq Scan on (\w+)"),
}
LAST_LINE = re.compile(r"FROM journal_entry ORDER BY (?:journal_entry\.)?seq DESC\s+LIMIT")
Sent = list[tuple[str, Any]]


@pytest.fixture(scope="module")
def grown_subjects(
    installed: tuple[str, Path], store: Databases, own: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Subjects]:
    """Give a small fund with dossiers in every state."""
    template, files = installed
    folder: Path = tmp_path_factory.mktemp("plans") / "files"
    shutil.copytree(files, folder)
    site = Site(store.create(f"{own}plans", template=template), folder)
    with site.app.app_context():
        add_volume(20, 1, by=system("bench"))
        db.session.remove()
    yield subjects(site, submissions=1)
    site.close()
    store.drop(f"{own}plans")


def form_pages(grown_subjects: Subjects) -> list[Scenario]:
    """Every page of the writing space, and the page where a dossier is read again."""
    with grown_subjects.site.app.app_context():
        codes = queries.section_codes(db.session.get_one(Application, grown_subjects.edited_draft.application))
        db.session.remove()
    places = [*(f"rediger/{code}" for code in codes), "relire", "deposer"]
    return [
        Scenario(place, place, by_writer, at(f"/dossiers/{{one.application}}/{place}"), at(""),
                 subject=Subjects.own_draft)
        for place in places
    ]  # fmt: skip


def sent_by(grown_subjects: Subjects, scenario: Scenario) -> Sent:
    """The statements of one request of a scenario, each with its parameters; what a list adds up is known by then,
    unless it is asked cold."""
    ready, sent = aimed(scenario, grown_subjects, lambda email: inside(grown_subjects.site, email)), Sent()

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_rest: Any) -> None:
        if not statement.startswith(("BEGIN", "SAVEPOINT", "RELEASE")):
            sent.append((statement, parameters[0] if isinstance(parameters, list) else parameters))

    if scenario.form is None and not scenario.cold:
        ready.send()
    event.listen(Engine, "before_cursor_execute", note)
    try:
        ready.send()
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    return sent


def plans_of(grown_subjects: Subjects, sent: Sent, dialect: str) -> Iterator[tuple[str, str]]:
    """Each statement with how the database answers it."""
    with grown_subjects.site.engine.connect() as connection:
        if dialect == "postgresql":  # small tables are always read whole, unless that is forbidden
            connection.exec_driver_sql("SET enable_seqscan = off")
        for statement, parameters in sent:
            if not statement.startswith("INSERT"):  # a row is written where it belongs, without a plan
                explain = "EXPLAIN QUERY PLAN " if dialect == "sqlite" else "EXPLAIN "
                plan = connection.exec_driver_sql(explain + statement, parameters).all()
                yield statement, "\n".join(str(row[-1]) for row in plan)


def scanned(grown_subjects: Subjects, sent: Sent, dialect: str) -> set[str]:
    """The growing tables that these statements read whole; the first row in an order is not the whole."""
    growing = {table.name for table in Base.metadata.sorted_tables} - STEADY
    found = set()
    for statement, plan in plans_of(grown_subjects, sent, dialect):
        names = set(SCANNED[dialect].findall(plan)) & growing
        if LAST_LINE.search(statement):
            names.discard("journal_entry")
        found |= {f"{name}: {statement[-300:]}" for name in names}
    return found


def test_no_act_reads_a_growing_table_whole_or_sends_many_statements(grown_subjects: Subjects, dialect: str) -> None:
    chosen = [scenario for scenario in SCENARIOS if scenario.name in WAITED_FOR]
    assert len(chosen) == len(WAITED_FOR)
    found = {}
    for scenario in chosen:
        sent = sent_by(grown_subjects, scenario)
        assert len(sent) <= scenario.most_queries, (scenario.name, len(sent))
        read = scanned(grown_subjects, sent, dialect)
        found[scenario.name] = {one for one in read if one.split(":")[0] not in SUMMED.get(scenario.name, ())}
    assert {name: read for name, read in found.items() if read} == {}


def test_no_page_of_the_writing_space_reads_a_growing_table_whole(grown_subjects: Subjects, dialect: str) -> None:
    found = {
        one.name: scanned(grown_subjects, sent_by(grown_subjects, one), dialect) for one in form_pages(grown_subjects)
    }
    assert len(found) >= 14
    assert {name: read for name, read in found.items() if read} == {}


def test_tracking_adds_up_the_euros_asked_from_one_index(grown_subjects: Subjects, dialect: str) -> None:
    tracking = next(scenario for scenario in SCENARIOS if scenario.name == "tracking_cold")
    plans = plans_of(grown_subjects, sent_by(grown_subjects, tracking), dialect)
    asked = [each for each in plans if "sum(allocation" in each[0]]
    assert len(asked) == 1
    assert "ix_allocation_tracked" in asked[0][1]
    assert "JOIN application" not in asked[0][0]
