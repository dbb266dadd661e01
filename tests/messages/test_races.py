"""Messages sent at the same moment."""

import threading
from uuid import uuid4

from flask import Flask
from sqlalchemy import select

from grants.kernel.db import db, unit_of_work
from grants.messages.models import Conversation, Message
from grants.people.models import MemberRole, Membership
from tests.client import Page
from tests.factories import Make

WRITERS = 4


def test_first_messages_at_the_same_moment_open_one_conversation(app: Flask, make: Make) -> None:
    draft = make.application()
    people = [make.member_of(draft.organisation), *(make.account() for _number in range(WRITERS - 1))]
    with unit_of_work() as session:
        session.add_all(
            Membership(account_id=person.id, organisation_id=draft.organisation_id, role=MemberRole.EDITOR,
                       since_at=draft.created_at)
            for person in people[1:]
        )  # fmt: skip
    pages = [Page(app).sign_in(person) for person in people]
    url, gate, answers = pages[0].url("messages.begin", draft), threading.Barrier(WRITERS), list[int]()
    forms = [{"csrf_token": page.token(), "_key": uuid4().hex, "text": "Une question."} for page in pages]

    def send(page: Page, form: dict[str, str]) -> None:
        gate.wait(60)
        answers.append(page.client.post(url, data=form).status_code)

    db.session.rollback()
    threads = [threading.Thread(target=send, args=each) for each in zip(pages, forms, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [302] * WRITERS
    assert len(db.session.scalars(select(Conversation)).all()) == 1
    assert len(db.session.scalars(select(Message)).all()) == WRITERS
