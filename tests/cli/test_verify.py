"""`grants verify`: whatever is changed behind the journal is named, on a database that holds one of everything."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from sqlalchemy import Connection, delete, func, insert, select, update

from grants import cli
from grants.applications.lifecycle import ApplicationState
from grants.applications.models import Allocation, Application, ApplicationAddress, ApplicationVersion
from grants.awards.lifecycle import InstalmentState
from grants.awards.models import Agreement, Award, BankDetails, Instalment, LedgerAllocation, LedgerEntry
from grants.calls.models import Call
from grants.cli import VERIFICATIONS, head_problems
from grants.deliberation import actions as deliberation
from grants.deliberation.models import Decision, Meeting, Recommendation
from grants.deliberation.rules import Act
from grants.kernel import clock, head, journal, uploads
from grants.kernel.db import Counter, access_mode, db, unit_of_work
from grants.kernel.journal import Entry
from grants.kernel.money import Money
from grants.kernel.outbox import Letter
from grants.kernel.papers import IssuedPaper, sha256
from grants.kernel.uploads import StoredFile
from grants.people import actions as people
from grants.people.models import Appointment, Membership, Nomination, Role
from grants.reviewing.lifecycle import AssignmentState
from grants.reviewing.models import Assignment, Interest, Mark, Standing
from tests.client import Page
from tests.databases import unguard
from tests.factories import Make
from tests.kernel import corpus
from tests.tampering import tampered

S = ApplicationState


def lived(make: Make) -> None:
    """A fund where a dossier was submitted, reviewed, voted and paid, and where somebody declared a link."""
    call = make.call(closes_at=clock.now() - timedelta(days=3))
    application = make.application(state=S.ELIGIBLE, call=call)
    make.reviewed(application, 3)
    other = make.application(state=S.ELIGIBLE, call=call)
    make.assignment(other, make.account("reviewer"), state=AssignmentState.RECUSED)
    meeting = make.meeting(call)
    for each in (application, other):
        make.recommendation(meeting, each)
    manager = make.actor("manager")
    with unit_of_work():
        deliberation.freeze(meeting, by=manager)
    with unit_of_work():
        deliberation.record_act(meeting, Act("CP-2026-1", clock.today(), "Commission permanente", ""), {}, by=manager)
    with unit_of_work():
        deliberation.publish(meeting, by=manager)
    award = make.award(application)
    make.agreement(award, signed=True)
    make.carried(make.instalment(award), InstalmentState.PAID)
    make.bank_details(other.organisation)
    with unit_of_work():
        people.appoint(make.account(), Role.AUTHORISING_OFFICER, by=make.actor("administrator"))
    with unit_of_work():
        uploads.keep(corpus.pdf(), name="statuts.pdf", media_type="application/pdf", by=manager)


def first(connection: Connection, table: Any, *columns: Any, **where: Any) -> Any:
    """A row of a table, or what some columns of it hold."""
    found = select(*(columns or table.c)).where(*(table.c[name] == value for name, value in where.items()))
    return connection.execute(found.limit(1)).one()


def changes(kind: Any, **values: Any) -> Callable[[Connection], None]:
    """Change one row of a kind."""
    table = kind.__table__

    def forge(connection: Connection) -> None:
        key = next(iter(table.primary_key))
        row = connection.execute(select(key).limit(1)).scalar_one()
        connection.execute(update(table).where(key == row).values(values))

    return forge


def removes(kind: Any) -> Callable[[Connection], None]:
    """Take away one row of a kind."""
    table = kind.__table__

    def forge(connection: Connection) -> None:
        key = next(iter(table.primary_key))
        connection.execute(delete(table).where(key == connection.execute(select(key).limit(1)).scalar_one()))

    return forge


def adds(kind: Any, **values: Any) -> Callable[[Connection], None]:
    """Add a row like one that is there."""
    table = kind.__table__

    def forge(connection: Connection) -> None:
        row = dict(first(connection, table)._mapping)
        connection.execute(insert(table).values({**row, "id": uuid4(), **values}))

    return forge


def moves_an_iban(connection: Connection) -> None:
    """Give the account of one association to another."""
    one, two = connection.execute(select(BankDetails.__table__)).all()
    for row, taken in ((one, two), (two, one)):
        values = {name: getattr(taken, name) for name in ("iban_sealed", "iban_last4", "iban_digest")}
        connection.execute(update(BankDetails.__table__).where(BankDetails.__table__.c.id == row.id).values(values))


def exchanges_two_people(connection: Connection) -> None:
    """Let the one who prepared have approved, and the other way round."""
    table = Instalment.__table__
    row = connection.execute(select(table).where(table.c.approved_by.is_not(None))).one()
    swapped = {"prepared_by": row.approved_by, "approved_by": row.prepared_by}
    connection.execute(update(table).where(table.c.id == row.id).values(swapped))


def exchanges_two_axes(connection: Connection) -> None:
    """Let two axes exchange their euros: the sum stays."""
    for table in (Allocation.__table__, LedgerAllocation.__table__):
        parent = "application_id" if table is Allocation.__table__ else "entry_id"
        row = first(connection, table, dimension="axis")
        rows = connection.execute(
            select(table).where(table.c[parent] == getattr(row, parent), table.c.dimension == "axis")
        ).all()
        one, two = rows[:2]
        for mine, theirs in ((one, two), (two, one)):
            connection.execute(update(table).where(table.c.id == mine.id).values(amount_cents=theirs.amount_cents))


FORGED = "{}"
FORGERIES: dict[str, tuple[str, Callable[[Connection], None]]] = {
    "submitted text with its digest": ("application_version", changes(ApplicationVersion, content=FORGED,
                                                                      digest=sha256(FORGED))),
    "file with its digest": ("stored_file", changes(StoredFile, sha256="0" * 64)),
    "IBAN moved": ("bank_details", moves_an_iban),
    "account of another": ("bank_details", changes(BankDetails, holder="Jean Dupont")),
    "recusal removed": ("interest", removes(Interest)),
    "recusal altered": ("interest", changes(Interest, nature="family")),
    "preparer and approver exchanged": ("instalment", exchanges_two_people),
    "appointment added": ("appointment", adds(Appointment, role=Role.AUTHORISING_OFFICER)),
    "office proposed for another": ("nomination", changes(Nomination, role=Role.FINANCE)),
    "proposal of an office removed": ("nomination", removes(Nomination)),
    "membership added": ("membership", removes(Membership)),
    "state of a dossier": ("application", changes(Application, state="declined", withdrawn_at=clock.now())),
    "state of a review": ("assignment", changes(Assignment, state="removed")),
    "reason of a recommendation": ("recommendation", changes(Recommendation, reason="Autre raison")),
    "reason of a decision": ("decision", changes(Decision, reason="Autre raison")),
    "number of an act": ("meeting", changes(Meeting, act_number="CP-2026-9")),
    "day of an act": ("meeting", changes(Meeting, act_on=clock.today() - timedelta(days=40))),
    "day of a ledger line": ("ledger_entry", changes(LedgerEntry, day=clock.today() - timedelta(days=400))),
    "axes exchanged": ("allocation", exchanges_two_axes),
    "axes of a ledger line exchanged": ("ledger_allocation", exchanges_two_axes),
    "terms of an agreement": ("agreement", changes(Agreement, terms="Autre texte")),
    "amount of an award": ("award", changes(Award, eligible_base_cents=Money(1))),
    "marks": ("mark", changes(Mark, points=1)),
    "text of a letter": ("letter", changes(Letter, body="Autre texte\n")),
    "recipient of a letter": ("letter", changes(Letter, recipient="autre@exemple.example")),
    "letter removed": ("letter", removes(Letter)),
    "letter added": ("letter", adds(Letter, dedup="autre")),
}  # fmt: skip


def found() -> str:
    """What `grants verify` finds, as it tells it."""
    return "\n".join(f"{subject} : {each}" for subject, problems in VERIFICATIONS for each in problems())


def found_after(forge: Callable[[Connection], None]) -> str:
    """What it finds once somebody with the password of the database did this; undone afterwards."""
    db.session.rollback()
    connection = db.session.connection()
    unguard(connection)
    forge(connection)
    problems = found()
    db.session.rollback()
    return problems


def test_every_forgery_is_named(make: Make) -> None:
    lived(make)
    assert found() == ""
    for name, (table, forge) in FORGERIES.items():
        assert f"enregistrements : {table} " in found_after(forge), name
    assert found() == ""


# What each of the other subjects finds by itself, whatever the journal says of the row.
FOUND_BY = {
    "dossiers déposés": changes(ApplicationVersion, content=FORGED),
    "notes": changes(Standing, score=1),
    "enveloppes": changes(Call, committed_cents=Money(1)),
    "écritures": changes(LedgerAllocation, amount_cents=Money(1)),
    "documents": changes(IssuedPaper, content=FORGED),
    "fichiers": changes(StoredFile, sha256="0" * 64),
}


def test_each_subject_finds_what_does_not_add_up(make: Make) -> None:
    lived(make)
    assert FOUND_BY.keys() == {name for name, _problems in VERIFICATIONS} - {"journal", "enregistrements", "états"}
    for subject, forge in FOUND_BY.items():
        assert f"{subject} : " in found_after(forge), subject


def address_added(connection: Connection) -> None:
    """Push somebody out by an address that no submitted version gives."""
    table = ApplicationAddress.__table__
    row = first(connection, table)
    connection.execute(insert(table).values(application_id=row.application_id, address="autre@exemple.example"))


@pytest.mark.parametrize("forge", [address_added, removes(ApplicationAddress)])
def test_addresses_that_are_not_those_submitted_are_found(make: Make, forge: Callable[[Connection], None]) -> None:
    reference = make.application(state=S.SUBMITTED).reference
    assert found() == ""
    assert f"dossiers déposés : Dossier {reference}" in found_after(forge)


@pytest.mark.parametrize("end", [people.confirm_nomination, people.refuse_nomination])
def test_a_proposal_that_was_answered_is_gone_with_a_line(make: Make, end: Callable[..., Any]) -> None:
    with unit_of_work():
        proposal = people.appoint(make.account(), Role.FINANCE, by=make.actor("administrator"))
    with unit_of_work():
        end(proposal, by=make.actor("administrator"))
    assert found() == ""


def test_a_forgery_is_told_with_what_was_expected_and_what_was_found(make: Make) -> None:
    lived(make)
    award = db.session.scalars(select(Award)).one()
    seq = db.session.scalars(select(Entry.seq).where(Entry.subject_id == award.id).order_by(Entry.seq.desc())).first()
    problems = found_after(changes(Award, state="closed", closed_on=clock.today()))
    assert f"award {award.id} : attendu : tel que la ligne " in problems
    assert "trouvé : closed_on = " in problems
    assert f"états : award {award.id} : attendu : running, d’après la ligne {seq} ; trouvé : closed" in problems


def test_fifty_lines_cut_with_the_counter_leave_rows_without_their_line(make: Make) -> None:
    lived(make)

    problems = found_after(cut_fifty)
    assert "journal :" not in problems
    assert "ledger_entry 1 : aucune ligne du journal ne l’annonce" in problems


def test_rows_are_told_again_after_a_change_of_schema(make: Make) -> None:
    lived(make)
    with tampered() as connection:
        connection.execute(update(Decision).values(reason="Réécrit par une migration"))
    assert found() != ""
    with unit_of_work():
        assert journal.tell_rows(by=make.by) == 2
    assert found() == ""
    with unit_of_work():
        assert journal.tell_rows(by=make.by) == 0


def test_rows_told_again_and_rows_changed_in_one_transaction_are_both_known(make: Make) -> None:
    lived(make)
    with tampered() as connection:
        connection.execute(update(Decision).values(reason="Réécrit par une migration"))
        connection.execute(update(Award).values({Award.eligible_base: Money(1)}))
    assert found() != ""
    with unit_of_work() as session:
        journal.tell_rows(by=make.by)
        session.scalars(select(Award)).one().eligible_base = Money(2)  # told, then changed
        session.scalars(select(Meeting)).one().act_number = "CP-2026-2"  # of a kind that was not told
    assert found() == ""


def test_an_act_asks_one_question_more_for_each_kind_of_row_it_changes(make: Make, queries: Any) -> None:
    people = [make.account() for _ in range(3)]
    organisation = make.organisation(*people[:1])

    def join(*accounts: Any) -> None:
        with unit_of_work() as session:
            for account in accounts:
                session.add(
                    Membership(
                        account_id=account.id, organisation_id=organisation.id, role="editor", since_at=clock.now()
                    )
                )

    assert queries.count(lambda: join(people[1])) == queries.count(lambda: join(people[2]))
    assert found() == ""


# ---- a head kept elsewhere


@pytest.fixture
def head_file(make: Make, page: Page, tmp_path: Path) -> Path:
    """The head of the journal of a small fund, as its public page hands it out."""
    make.application(state=S.SUBMITTED)
    path = tmp_path / "head.txt"
    path.write_bytes(page.get("desk.journal_head_text").response.data)
    return path


def problem_of_head(path: Path) -> str:
    """What `grants verify --head` finds."""
    return " ".join(head_problems(path))


def test_a_head_kept_elsewhere_is_continued_by_the_journal(make: Make, head_file: Path, page: Page) -> None:
    assert problem_of_head(head_file) == ""
    make.application(state=S.SUBMITTED)
    assert problem_of_head(head_file) == ""
    seq, digest = journal.head()
    words = page.get("desk.journal_head").words
    assert digest in words
    assert head.public_key() in words
    assert head.read(page.get("desk.journal_head_text").response.text).seq == seq


def cut_fifty(connection: Connection) -> None:
    """Cut lines off the end, and set the counter to what is left."""
    last = max(1, journal.head()[0] - 50)
    connection.execute(delete(Entry).where(Entry.seq > last))
    connection.execute(update(Counter).where(Counter.name == journal.SERIES).values(value=last))


def rewrite(connection: Connection) -> None:
    """Write the whole chain again with another name in each line: it holds."""
    previous = journal.GENESIS
    for line in connection.execute(select(Entry.__table__).order_by(Entry.seq)).all():
        forged = SimpleNamespace(**{**line._mapping, "actor": "Quelqu’un d’autre"})
        digest = journal.digest_of(line.seq, forged, previous)
        connection.execute(
            update(Entry)
            .where(Entry.seq == line.seq)
            .values(actor=forged.actor, previous=previous, digest=digest)
            .execution_options(synchronize_session=False)
        )
        previous = digest


@pytest.mark.parametrize(("forge", "word"), [(cut_fifty, "coupé"), (rewrite, "récrit")])
def test_a_chain_cut_or_rewritten_since_is_found(
    head_file: Path, forge: Callable[[Connection], None], word: str
) -> None:
    db.session.rollback()
    connection = db.session.connection()
    unguard(connection)
    forge(connection)
    assert list(journal.broken_links()) == []
    message = problem_of_head(head_file)
    db.session.rollback()
    assert word in message
    assert "attendu" in message or "devrait" in message


@pytest.mark.parametrize("line", ["line", "digest", "at", "signature"])
def test_a_head_that_was_altered_is_refused(head_file: Path, line: str) -> None:
    text = head_file.read_text(encoding="utf-8")
    altered = re.sub(
        rf"^({line}: .*)(\d)", lambda found: f"{found[1]}{(int(found[2]) + 1) % 10}", text, flags=re.MULTILINE
    )
    assert altered != text
    head_file.write_text(altered, encoding="utf-8")
    assert "signature valable" in problem_of_head(head_file)


def test_a_head_of_another_key_or_no_head_is_refused(
    app: Flask, head_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = replace(app.config["SETTINGS"], journal_key="k" * 40)
    monkeypatch.setitem(app.config, "SETTINGS", settings)
    assert "une autre clé" in problem_of_head(head_file)
    head_file.write_text("line: one", encoding="utf-8")
    assert "Aucune tête" in problem_of_head(head_file)


def test_the_key_is_made_once_outside_the_database_for_its_owner_alone(app: Flask, make: Make) -> None:
    first = head.public_key()
    path = app.config["SETTINGS"].instance / "journal_key"
    assert path.stat().st_mode & 0o777 == 0o600
    assert head.public_key() == first


def test_auditors_receive_the_head_once_a_day(app: Flask, make: Make) -> None:
    auditor = make.account("auditor")
    make.account("manager")
    assert (cli.tell_head(), cli.tell_head()) == (1, 0)
    letter = db.session.scalars(select(Letter).where(Letter.kind == "people_journal_head")).one()
    assert letter.recipient == auditor.email
    assert head.read(letter.body).is_signed
    with clock.fixed(clock.now() + timedelta(days=1)):
        assert (cli.tell_head(), cli.tell_head()) == (1, 0)


def test_proofs_are_read_at_one_instant_and_keep_nobody_from_writing(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    def problems() -> Iterator[str]:
        before = db.session.scalar(select(func.count()).select_from(Counter))
        with access_mode(writing=True), db.engine.begin() as other:  # somebody goes on meanwhile
            other.execute(insert(Counter).values(name="meanwhile", value=1))
        if db.session.scalar(select(func.count()).select_from(Counter)) != before:
            yield "two instants"

    monkeypatch.setattr(cli, "VERIFICATIONS", (("essai", problems),))
    result = app.test_cli_runner().invoke(cli.commands, ["verify"])
    assert result.output.startswith("essai : intact"), result.output
    assert db.session.get(Counter, "meanwhile") is not None
