"""Questions about an open call: put by members, published by managers without a name, answered to everybody."""

from datetime import timedelta

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DatabaseError

from grants.calls.models import PublicQuestion
from grants.calls.rules import LONGEST_QUESTION
from grants.desk.queries import kept_about
from grants.kernel import clock
from grants.kernel.db import db
from grants.kernel.outbox import Letter

ASKED = "Ici Les Lilas : un collectif sans statuts peut-il demander ?"
WORDING, ANSWER = "Un collectif sans statuts peut-il demander ?", "Non, mais une association peut le porter."


@pytest.fixture
def call(make):
    return make.call(closes_at=clock.now() + timedelta(minutes=20))


@pytest.fixture
def member(make):
    person = make.account(name="Awa Lilas")
    make.organisation(person, name="Les Lilas")
    return person


@pytest.fixture
def manager(make):
    return make.account("manager")


def ask(page, call, said=ASKED, *, as_=None):
    page.get("calls.ask", call, as_=as_)
    return page.submit({"text": said})


def questions():
    return db.session.scalars(select(PublicQuestion).order_by(PublicQuestion.asked_at)).all()


def letters():
    found = db.session.scalars(select(Letter).where(Letter.kind.startswith("calls_")))
    return [(letter.recipient, letter.subject, letter.body) for letter in found]


def test_a_question_is_published_with_its_answer_and_without_a_name(page, call, member, manager):
    assert page.url("calls.ask", call) in page.get("calls.show", code=call.code).tree.xpath("//main//a/@href")
    assert "Votre question est envoyée." in ask(page, call, as_=member).words
    page.sign_in(None)
    assert "Lilas" not in page.get("calls.show", code=call.code).text
    page.get("desk.work", as_=manager)
    (row,) = page.last.tree.xpath("//ul[@class='tasks']/li[contains(., 'Questions sur les appels')]")
    assert row.xpath("string(.//strong)") == "1"
    listed = page.get(row.xpath(".//a/@href")[0])
    shown = page.get(listed.tree.xpath("//main//table//a/@href")[0])
    assert ASKED in shown.words
    assert "Awa" not in shown.text
    page.submit({"wording": WORDING, "answer": ANSWER})
    assert "La réponse est publiée." in page.last.words
    page.sign_in(None)
    for where in ("calls.show", "calls.text"):
        public = page.get(where, code=call.code)
        assert WORDING in public.words
        assert ANSWER in public.words
        assert "Lilas" not in public.text
    ((recipient, subject, body),) = letters()
    assert (recipient, "a sa réponse" in subject) == (member.email, True)
    assert page.url("calls.show", code=call.code) + "#reponses\n" in body


def test_a_question_that_is_not_published_is_answered_to_one_person(page, call, member, manager):
    ask(page, call, as_=member)
    page.get("calls.settle", questions()[0], as_=manager)
    page.submit({"answer": "Écrivez-nous depuis votre dossier."}, button="decline")
    assert "La question est écartée." in page.last.words
    page.sign_in(None)
    public = page.get("calls.show", code=call.code)
    assert "Lilas" not in public.text
    assert "Écrivez-nous" not in public.text
    ((recipient, _subject, body),) = letters()
    assert recipient == member.email
    assert "Écrivez-nous depuis votre dossier." in body
    kept = db.session.execute(kept_about(member, ())["questions"]).one()
    assert (kept.call, kept.text) == (call.code, ASKED)


def test_what_was_settled_stays_and_the_fund_adds_to_it(page, call, member, manager):
    ask(page, call, as_=member)
    (question,) = questions()
    page.get("calls.settle", question, as_=manager)
    form = page.last
    page.submit({"wording": WORDING, "answer": ANSWER})
    page.last = form
    assert page.submit({"wording": WORDING, "answer": "Oui."}).status == 409
    for statement in ("UPDATE public_question SET answer = 'Oui.'", "DELETE FROM public_question"):
        db.session.rollback()
        with pytest.raises(DatabaseError, match="append-only"), db.engine.begin() as connection:
            connection.execute(text(statement))
    page.get("calls.answer", call)
    page.submit({"wording": "Et une mutuelle ?", "answer": "Oui."})
    public = page.get("calls.show", code=call.code)
    assert WORDING in public.words
    assert "Et une mutuelle ?" in public.words
    assert len(letters()) == 1


def test_only_an_open_call_takes_questions_of_members(page, make, call, member, manager):
    stranger = make.account()
    assert page.get("calls.ask", call, as_=stranger).status == 403
    assert "organisation" in page.last.words
    assert page.get("calls.ask", call, as_=make.account(confirmed=False)).status == 403
    page.get("calls.ask", call, as_=member)
    form = page.last
    with clock.fixed(call.closes_at + timedelta(minutes=1)):
        assert "tant qu’il est ouvert" in page.get("calls.ask", call).words
        page.last = form
        assert page.submit({"text": ASKED}).status == 409
        assert page.url("calls.ask", call) not in page.get("calls.show", code=call.code).text
    assert questions() == []
    assert page.get("calls.asked", as_=member).status == 403


def test_what_is_too_long_or_too_often_comes_back(page, call, member):
    answer = ask(page, call, "x" * (LONGEST_QUESTION + 1), as_=member)
    assert answer.status == 422
    assert answer.tree.xpath("//textarea[@name='text']")[0].text.strip() == "x" * (LONGEST_QUESTION + 1)
    for number in range(9):
        assert "est envoyée" in ask(page, call, f"Question {number} ?").words
    page.get("calls.ask", call)
    assert page.submit({"text": "Encore une ?"}).status == 429
    assert len(questions()) == 9


def test_the_page_of_a_call_costs_the_same_however_many_are_answered(page, call, manager, queries):
    page.sign_in(manager)
    counts = []
    for number in range(3):
        page.get("calls.answer", call)
        page.submit({"wording": f"Question {number} ?", "answer": "Oui."})
        counts.append(queries.count(lambda: page.get("calls.show", code=call.code)))
    assert counts[1] == counts[2]
    page.post("/langue", data={"language": "en"})
    assert "Questions already asked" in page.get("calls.show", code=call.code).words
