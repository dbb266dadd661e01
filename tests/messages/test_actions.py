"""What is kept of messages: never changed, in the journal without their text, in what leaves for their people."""

import io
import json
import zipfile
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError
from werkzeug.datastructures import FileStorage

from grants.desk import exports as desk
from grants.kernel import clock, jobs, journal
from grants.kernel.db import db, unit_of_work
from grants.kernel.errors import InvalidError
from grants.messages import actions
from grants.messages.models import Message
from grants.messages.rules import MOST_SENT
from tests.kernel import corpus

QUESTION = "Peut-on commencer en mai ?"


@pytest.fixture
def draft(make):
    return make.application()


@pytest.fixture
def by(make, draft):
    return make.actor_of(make.member_of(draft.organisation))


def write(application, by, said=QUESTION, *names) -> Message:
    files = [FileStorage(io.BytesIO(corpus.pdf()), name) for name in names]
    with unit_of_work():
        return actions.write(application, said, files, by=by)


def refused(statement) -> None:
    """A statement that the database itself refuses."""
    db.session.rollback()
    with pytest.raises(DatabaseError, match=r"append-only|is sent"), db.engine.begin() as connection:
        connection.execute(text(statement))


def test_a_message_is_never_changed_or_deleted_and_its_reading_is_said_once(make, draft, by):
    message = write(draft, by, QUESTION, "plan.pdf")
    manager = make.actor("manager")
    for statement in (
        "UPDATE message SET text = 'Autre chose'",
        "UPDATE message SET from_fund = NOT from_fund",
        "DELETE FROM message_file",
        "DELETE FROM message",
        "DELETE FROM conversation",
        "UPDATE conversation SET opened_at = opened_at",
        "UPDATE message_file SET message_id = message_id",
    ):
        refused(statement)
    with unit_of_work():
        assert actions.say_read(message, by=manager)
    assert message.read_by == manager.id
    refused("UPDATE message SET read_by = NULL, read_at = NULL")
    with unit_of_work():
        assert not actions.say_read(message, by=make.actor("manager"))
    assert list(journal.wrong_rows()) == []


def test_the_journal_has_a_line_for_each_message_without_its_text(make, draft, by):
    write(draft, by)
    lines = [line for line in journal.of_dossier(draft.id) if line.event.startswith("message.")]
    assert [(line.event, line.actor_id, line.facts) for line in lines] == [("message.sent", by.id, {"files": 0})]
    assert QUESTION not in lines[0].data


def test_nobody_sends_more_in_a_day_than_people_read(make, draft, by):
    at = clock.now()
    message = write(draft, by)
    with unit_of_work() as session:
        session.add_all(
            Message(conversation_id=message.conversation_id, author_id=by.id, from_fund=False, text="…", sent_at=at)
            for _number in range(MOST_SENT - 1)
        )
    with pytest.raises(InvalidError, match="trop de messages"):
        write(draft, by)
    db.session.rollback()
    write(draft, make.actor("manager"))
    with clock.fixed(at + timedelta(days=1, minutes=1)):
        write(draft, by)


def test_they_are_in_the_archive_of_the_organisation_and_in_the_data_of_who_wrote_them(make, draft, by):
    write(draft, by, QUESTION, "plan.pdf")
    manager = make.actor("manager")
    write(draft, manager, "Oui, dès le 2 mai.")
    with unit_of_work():
        asked = jobs.ask(desk.ARCHIVE, desk.OrganisationDossiers(str(draft.organisation_id)), by=by)
        own = {person.id: jobs.ask(desk.OWN_DATA, desk.Nothing(), by=person).id for person in (by, manager)}
        archive = asked.id
    while jobs.run_waiting():
        pass
    with zipfile.ZipFile(io.BytesIO(made(archive))) as kept:
        names = kept.namelist()
        assert "001-brouillon/messages.txt" in names
        assert [name for name in names if name.endswith("plan.pdf")] == ["001-brouillon/messages/01-plan.pdf"]
        said = kept.read("001-brouillon/messages.txt").decode()
    assert said.index(QUESTION) < said.index("Oui, dès le 2 mai.")
    for person, theirs in ((by, QUESTION), (manager, "Oui, dès le 2 mai.")):
        known = json.loads(made(own[person.id]))
        assert [message["text"] for message in known["messages"]] == [theirs]
        if person is manager:  # who does not read the draft
            assert draft.title not in json.dumps(known, ensure_ascii=False)


def made(job_id) -> bytes:
    with jobs.result(db.session.get(jobs.Job, job_id)).content as content:
        return content.read()
