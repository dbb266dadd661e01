"""Starting from an earlier dossier through its pages, without scripts."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from grants.applications.lifecycle import ApplicationState
from grants.applications.models import Application
from grants.kernel import clock
from grants.kernel.db import db


@pytest.fixture
def earlier(make):
    return make.application(state=ApplicationState.SUBMITTED, title="Un été au frais")


@pytest.fixture
def call(make):
    return make.call(closes_at=clock.now() + timedelta(minutes=30))


@pytest.fixture
def owner(make, page, earlier):
    person = make.member_of(earlier.organisation)
    page.sign_in(person)
    return person


def begun(call):
    db.session.expire_all()
    return db.session.scalars(select(Application).where(Application.call_id == call.id)).one()


def start(page, call):
    page.get("applications.start", call)
    return page.submit()


def test_a_second_dossier_is_offered_the_answers_of_the_first(page, earlier, call, owner):
    answer = start(page, call)
    assert "Reprendre un dossier précédent" in answer.title
    assert "Un été au frais" in answer.words
    draft = begun(call)
    answer = page.get("applications.take_up", draft, de=str(earlier.id))
    boxes = answer.tree.xpath("//input[@name='take']")
    assert len(boxes) == len(answer.tree.xpath("//input[@name='take'][@checked]")) > 20
    assert "Ne sont jamais repris" in answer.words
    assert "réponses reprises" in page.submit({"take": [box.get("value") for box in boxes], "amounts": "1"}).words
    assert begun(call).title == "Un été au frais"
    assert "Aucune réponse de ce dossier ne manque" in page.get("applications.take_up", draft, de=str(earlier.id)).words


def test_an_answer_typed_already_is_shown_unticked_beside_what_it_would_replace(page, earlier, call, owner):
    start(page, call)
    draft = begun(call)
    page.get("applications.edit", draft, section="projet")
    page.submit({"title": "Le mien"}, button="save")
    answer = page.get("applications.take_up", draft, de=str(earlier.id))
    assert "Remplacerait : Le mien" in answer.words
    box = answer.tree.xpath("//input[@name='take'][starts-with(@value, 'projet|title|')]")[0]
    assert box.get("checked") is None
    assert page.submit({"take": []}).status == 422
    assert begun(call).title == "Le mien"


def test_a_dossier_of_others_is_unknown_here_and_a_stranger_does_not_get_in(make, page, earlier, call, owner):
    start(page, call)
    draft, theirs = begun(call), make.application()
    for said in (str(theirs.id), "rien", str(draft.id)):
        assert page.get("applications.take_up", draft, de=said).status == 404
        assert page.post("applications.take_up", draft, data={"de": said, "take": "projet|title|0"}).status == 404
    assert page.get("applications.take_up", draft, as_=make.member_of(theirs.organisation)).status == 404


def test_a_first_dossier_begins_on_its_first_page(make, page, call):
    page.sign_in(make.member_of(make.organisation()))
    assert "Le projet en bref" in start(page, call).title
