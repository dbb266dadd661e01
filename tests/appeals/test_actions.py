"""What the database keeps of appeals: never changed once said, one at a time, in what leaves for their people."""

import io
import json
import threading
import zipfile
from uuid import uuid4

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DatabaseError
from werkzeug.datastructures import FileStorage

from grants.appeals import actions
from grants.appeals.lifecycle import AppealState
from grants.appeals.models import Appeal
from grants.applications.lifecycle import ApplicationState
from grants.desk import exports as desk
from grants.kernel import jobs, journal, papers
from grants.kernel.db import db, unit_of_work
from grants.people.models import MemberRole, Membership
from tests.client import Page
from tests.kernel import corpus

WHY = "Le comité n’a pas lu la lettre de la commune."


@pytest.fixture
def refused(make):
    application = make.application(state=ApplicationState.ELIGIBLE)
    make.decided(application, granted=False)
    return application


@pytest.fixture
def by(make, refused):
    return make.actor_of(make.member_of(refused.organisation))


def lodge(application, by, *names) -> Appeal:
    files = [FileStorage(io.BytesIO(corpus.pdf()), name) for name in names]
    with unit_of_work():
        return actions.lodge(application, WHY, files, by=by)


def refuse(statement) -> None:
    """A statement that the database itself refuses."""
    db.session.rollback()
    with pytest.raises(DatabaseError, match=r"append-only|is lodged"), db.engine.begin() as connection:
        connection.execute(text(statement))


def test_what_was_said_is_never_changed_and_a_closed_appeal_stays_so(make, refused, by):
    appeal = lodge(refused, by, "lettre.pdf")
    for statement in (
        "UPDATE appeal SET reasons = 'Autre chose'",
        "UPDATE appeal SET answer_due_on = '2030-01-01'",
        "UPDATE appeal SET decided_cents = 1",
        "DELETE FROM appeal_file",
        "UPDATE appeal_file SET appeal_id = appeal_id",
        "DELETE FROM appeal",
    ):
        refuse(statement)
    with unit_of_work():
        actions.reject(appeal, "La lettre a été lue.", version=appeal.version, by=make.actor("manager"))
    refuse("UPDATE appeal SET answer = 'Autre chose'")
    refuse("UPDATE appeal SET state = 'lodged'")
    assert list(journal.wrong_rows()) == []
    assert list(papers.problems()) == []


def test_two_people_at_the_same_moment_lodge_one_appeal(app, make, refused):
    people = [make.member_of(refused.organisation), make.account()]
    with unit_of_work() as session:
        session.add(
            Membership(account_id=people[1].id, organisation_id=refused.organisation_id, role=MemberRole.EDITOR,
                       since_at=refused.created_at)
        )  # fmt: skip
    pages = [Page(app).sign_in(person) for person in people]
    url, gate, answers = pages[0].url("appeals.lodge", refused), threading.Barrier(2), list[int]()
    forms = [{"csrf_token": page.token(), "_key": uuid4().hex, "reasons": WHY} for page in pages]

    def send(page: Page, form: dict[str, str]) -> None:
        gate.wait(60)
        answers.append(page.client.post(url, data=form).status_code)

    db.session.rollback()
    threads = [threading.Thread(target=send, args=each) for each in zip(pages, forms, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [302, 409]
    assert [found.state for found in db.session.scalars(select(Appeal))] == [AppealState.LODGED]


def test_it_is_in_the_archive_of_the_organisation_and_in_the_data_of_who_lodged_it(make, refused, by):
    appeal = lodge(refused, by, "lettre.pdf")
    with unit_of_work():
        actions.reject(appeal, "La lettre a été lue.", version=appeal.version, by=make.actor("manager"))
        archive = jobs.ask(desk.ARCHIVE, desk.OrganisationDossiers(str(refused.organisation_id)), by=by).id
        own = jobs.ask(desk.OWN_DATA, desk.Nothing(), by=by).id
    while jobs.run_waiting():
        pass
    with zipfile.ZipFile(io.BytesIO(made(archive))) as kept:
        names = [name.rpartition("/recours/")[2] for name in kept.namelist() if "/recours/" in name]
    assert {"accuse-de-reception-1.pdf", "reponse-1.pdf"} < set(names)
    assert [name for name in names if name.endswith("lettre.pdf")]
    assert [found["reasons"] for found in json.loads(made(own))["appeals"]] == [WHY]


def made(job_id) -> bytes:
    with jobs.result(db.session.get(jobs.Job, job_id)).content as content:
        return content.read()
