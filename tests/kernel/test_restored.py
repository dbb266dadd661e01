"""A copy of the database put back under a running process, and a database of the first version brought up to date."""

import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import urlsplit

import pytest
from click.testing import CliRunner
from flask import Flask
from flask_migrate import downgrade
from sqlalchemy import Connection, delete, insert, select, update

from grants import cli
from grants.app import create_app
from grants.applications.lifecycle import ApplicationState as S
from grants.awards.models import Award
from grants.kernel import journal
from grants.kernel.db import Counter, db
from grants.kernel.journal import Entry
from grants.people.models import Account
from tests.cli.test_verify import lived
from tests.client import Page
from tests.databases import Databases
from tests.factories import Make
from tests.site import settings_for
from tests.tampering import tampered


def verified() -> list[str]:
    """What `grants verify` finds."""
    return [f"{subject}: {each}" for subject, problems in cli.VERIFICATIONS for each in problems()]


@pytest.fixture
def running(shared_app: Flask, store: Databases, own: str, tmp_path: Path) -> Iterator[Flask]:
    """Give an application on a database of its own, which nobody else holds open, its context pushed."""
    name = f"{own}running"
    app = create_app(settings_for(store.create(name, template=f"{own}template"), tmp_path), TESTING=True)
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()
    store.drop(name)


def test_a_copy_restored_under_a_running_process_is_what_it_shows_and_goes_on(
    running: Flask, store: Databases, own: str, tmp_path: Path
) -> None:
    make, here, other = Make(), Page(running), Page(running)
    manager, member = make.account("manager"), make.account()
    make.application(state=S.SUBMITTED, title="Avant la copie")
    here.sign_in(manager)
    before = journal.head()
    db.session.rollback()
    db.engine.dispose()
    store.create(f"{own}copy", template=f"{own}running")
    here.get("desk.dossiers")

    make.application(state=S.SUBMITTED, title="Après la copie")
    other.sign_in(member)
    assert "2 dossiers" in here.get("desk.dossiers").words
    assert other.get("/mon-compte").status == 200
    head_file = tmp_path / "head.txt"
    head_file.write_bytes(other.get("desk.journal_head_text").response.data)
    assert list(cli.head_problems(head_file)) == []

    db.session.connection().invalidate()
    db.session.rollback()
    store.create(f"{own}running", template=f"{own}copy")
    store.drop(f"{own}copy")
    assert journal.head() == before
    words = here.get("desk.dossiers").words
    assert "1 dossier " in words
    assert "Après la copie" not in words
    assert other.get("/mon-compte").status == 302, "a session opened since is not known any more"
    assert "coupé" in " ".join(cli.head_problems(head_file))
    assert verified() == []

    make.application(state=S.SUBMITTED, title="Après le retour")
    assert "Après le retour" in here.get("desk.dossiers").words
    assert list(cli.head_problems(head_file)) != []
    assert verified() == []


# ---- from the first version


# What the journal of the first version did not tell.
SINCE = ("paper.", "letter.", "row.", "journal.rows_told")


def as_in_the_first_version(connection: Connection) -> None:
    """Write the journal again without the lines and the digests that came later: it holds together."""
    table = Entry.__table__
    lines = connection.execute(select(table).order_by(Entry.seq)).mappings().all()
    connection.execute(delete(Entry))
    previous, seq = journal.GENESIS, 0
    for line in lines:
        if not line["event"].startswith(SINCE):
            seq += 1
            data = json.dumps(journal.facts_in(line["data"]), ensure_ascii=False, sort_keys=True)
            entry = {**line, "seq": seq, "data": data, "previous": previous}
            previous = entry["digest"] = journal.digest_of(seq, SimpleNamespace(**entry), previous)
            connection.execute(insert(Entry), [entry])
    connection.execute(update(Counter).where(Counter.name == journal.SERIES).values(value=seq))


def pages_of(page: Page, *, most: int) -> dict[str, int]:
    """The pages that somebody's own space leads to, with their answers."""
    found = {"/mon-espace": page.get("/mon-espace").status}
    links = page.last.tree.xpath("//a/@href") if page.last is not None else []
    for url in dict.fromkeys(urlsplit(link).path for link in links if link.startswith("/")):
        if len(found) < most and not url.startswith(("/static/", "/deconnexion")):
            found.setdefault(url, page.get(url).status)
            links += page.last.tree.xpath("//main//a/@href") if page.last is not None else []
    return found


def test_a_database_of_the_first_version_is_brought_up_with_its_rows(app: Flask, make: Make, page: Page) -> None:
    lived(make)
    people = [make.account(role) for role in ("manager", "reviewer", "finance", "auditor")]
    people.append(make.member_of(db.session.scalars(select(Award)).one().organisation))
    ids = [person.id for person in people]
    db.session.rollback()
    downgrade(revision="0001")
    with tampered() as connection:
        as_in_the_first_version(connection)

    result = CliRunner().invoke(cli.init)
    assert result.exit_code == 0, result.output
    assert "Enregistrements repris au journal" in result.output
    assert verified() == []
    for key in ids:
        opened = pages_of(page.sign_in(db.session.get_one(Account, key)), most=12)
        assert len(opened) > 8
        assert {url: status for url, status in opened.items() if status not in {200, 302}} == {}
