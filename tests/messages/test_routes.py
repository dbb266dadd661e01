"""The messages about an application through their pages: who reads and writes them, what waits, what is joined."""

import io

import pytest
from sqlalchemy import select

from grants.applications import actions as applications
from grants.applications.lifecycle import ApplicationState
from grants.awards.actions import reporting
from grants.awards.lifecycle import AwardState, InstalmentState, ReportState
from grants.kernel.db import db, unit_of_work
from grants.kernel.outbox import Letter
from grants.messages import actions
from grants.messages.models import Conversation, Message
from grants.messages.rules import LONGEST, PAGE
from grants.people.models import MemberRole, Membership
from grants.reviewing import actions as reviewing
from grants.reviewing.lifecycle import AssignmentState
from grants.reviewing.models import InterestNature
from grants.screening import actions as screening
from tests.kernel import corpus

QUESTION = "Faut-il joindre les comptes de 2025 ?"


@pytest.fixture
def draft(make):
    return make.application(title="Bains d’ombre")


@pytest.fixture
def member(make, draft):
    return make.member_of(draft.organisation)


@pytest.fixture
def manager(make):
    return make.account("manager", name="Claire Gestion")


def write(page, application, text=QUESTION, *, as_=None, **values):
    """Write from the page of the dossier, or from that of its conversation once it is known there."""
    page.get("messages.of_dossier", application, as_=as_)
    page.follow(page.get("messages.of_dossier", application))
    return page.submit({"text": text, **values})


def conversation():
    return db.session.scalars(select(Conversation)).one()


def texts():
    return db.session.scalars(select(Message.text).order_by(Message.sent_at)).all()


def letters():
    return db.session.scalars(select(Letter).where(Letter.kind.startswith("messages_")).order_by(Letter.created_at))


def main_of(answer):
    return " ".join(answer.tree.xpath("//main")[0].text_content().split())


def test_a_volunteer_asks_from_a_draft_a_manager_answers_and_neither_letter_says_what(page, draft, member, manager):
    page.get("applications.show", draft, as_=member)
    assert "/messages" in " ".join(page.last.tree.xpath("//main//a/@href"))
    answer = write(page, draft, as_=member)
    assert "Votre message est envoyé." in answer.words
    assert "Pas encore lu." in answer.words
    page.get("desk.work", as_=manager)
    (row,) = page.last.tree.xpath("//ul[@class='tasks']/li[contains(., 'Messages à lire')]")
    assert row.xpath("string(.//strong)") == "1"
    listed = page.get(row.xpath(".//a/@href")[0])
    assert "Brouillon" in main_of(listed)
    shown = page.get(listed.tree.xpath("//main//table//a/@href")[0])
    assert QUESTION in main_of(shown)
    assert "Bains d’ombre" not in shown.text  # the draft itself stays with its authors
    assert page.get("desk.dossier", draft).status == 404
    page.get("messages.show", conversation())
    page.submit(action="/lu")
    assert "Lu par Claire Gestion le" in page.last.words
    answered = page.submit({"text": "Oui, ceux de 2025."})
    assert "Votre message est envoyé." in answered.words
    assert "Bains d’ombre" in page.get("desk.work", as_=member).words
    assert "1 message non lu" in page.last.words
    page.get("messages.show", conversation())
    assert "Lu par Claire Gestion le" in page.last.words
    page.submit(action="/lu")
    assert "Messages à lire" not in page.get("desk.work").words
    told = {letter.recipient: letter for letter in letters()}
    assert set(told) == {manager.email, member.email}
    for letter in told.values():
        assert page.url("messages.show", conversation()) in letter.body
        assert "2025" not in letter.subject + letter.body
    assert "Bains d’ombre" not in told[manager.email].subject + told[manager.email].body


def test_what_is_sent_twice_is_one_message(page, draft, member):
    page.get("messages.of_dossier", draft, as_=member)
    form = page.last
    page.submit({"text": QUESTION})
    page.last = form
    again = page.submit({"text": QUESTION})
    assert "C’était déjà fait" in again.words
    assert texts() == [QUESTION]
    page.last = form
    page.submit({"text": "Autre question."})
    assert texts() == [QUESTION, "Autre question."]
    assert len(db.session.scalars(select(Conversation)).all()) == 1


def test_who_has_no_part_in_it_finds_nothing(page, make, draft, member, manager):
    submitted = make.application(state=ApplicationState.ELIGIBLE, organisation=draft.organisation)
    reviewer = make.assignment(submitted, state=AssignmentState.OPEN).reviewer
    pdf = (io.BytesIO(corpus.pdf()), "comptes.pdf")
    for application in (draft, submitted):
        write(page, application, as_=member, files=pdf if application is submitted else [])
    first, second = db.session.scalars(select(Conversation).order_by(Conversation.opened_at)).all()
    message = db.session.scalars(select(Message).where(Message.conversation_id == second.id)).one()
    page.get("messages.show", second)
    file, *_original = [link for link in page.last.tree.xpath("//main//a/@href") if link.startswith("/fichiers/")]
    auditor, finance = make.account("auditor"), make.account("finance")
    stranger = make.member_of(make.organisation())
    readers = {
        stranger: (404, 404, 404), reviewer: (404, 404, 404), member: (200, 200, 200), manager: (200, 200, 200),
        auditor: (200, 200, 200), finance: (404, 200, 200),
    }  # fmt: skip
    for person, expected in readers.items():
        found = (
            page.get("messages.show", first, as_=person).status,
            page.get("messages.show", second).status,
            page.get(file).status,
        )
        assert found == expected, person.email
    for person, refused in ((stranger, 404), (reviewer, 404), (auditor, 403), (finance, 403)):
        assert page.post("messages.write", second, data={"text": "Je passe."}, as_=person).status == refused
        assert page.post("messages.begin", submitted, data={"text": "Je passe."}).status == refused
        assert page.post("messages.read", message).status == refused
    assert texts() == [QUESTION, QUESTION]
    assert "écrivent ici" in main_of(page.get("messages.show", second, as_=auditor))
    assert not page.last.tree.xpath("//main//form[@method='post']")


def test_a_manager_with_a_link_sees_and_gets_nothing_of_it(page, make, manager):
    application = make.application(state=ApplicationState.SUBMITTED)
    with unit_of_work():
        reviewing.tell_link(application.reference, InterestNature.FAMILY, "", by=make.actor_of(manager))
    other = make.account("manager")
    write(page, application, as_=make.member_of(application.organisation))
    assert [letter.recipient for letter in letters()] == [other.email]
    assert page.get("messages.show", conversation(), as_=manager).status == 404
    assert "Aucun message à lire." in page.get("messages.index").words
    assert QUESTION not in page.get("desk.dossiers").words
    assert "1 message à lire" in page.get("desk.dossiers", as_=other).words


def test_a_manager_with_a_link_to_the_organisation_gets_nothing_of_its_draft(page, make, draft, member, manager):
    before = make.application(state=ApplicationState.SUBMITTED, organisation=draft.organisation, call=make.call())
    with unit_of_work():
        reviewing.tell_link(before.reference, InterestNature.FAMILY, "", by=make.actor_of(manager))
    other = make.account("manager")
    write(page, draft, as_=member, files=(io.BytesIO(corpus.pdf()), "comptes.pdf"))
    page.get("messages.show", conversation())
    (file, *_original) = [link for link in page.last.tree.xpath("//main//a/@href") if link.startswith("/fichiers/")]
    for person, status in ((manager, 404), (other, 200)):
        assert page.get("messages.show", conversation(), as_=person).status == status
        assert page.get(file).status == status
        assert (draft.organisation.name in main_of(page.get("messages.index"))) is (status == 200)
        count = page.get("desk.work").tree.xpath("string(//ul/li[contains(., 'Messages à lire')]//strong)")
        assert count == ("1" if status == 200 else "0")
    assert [letter.recipient for letter in letters()] == [other.email]


def test_a_manager_who_acts_for_the_organisation_is_not_told_of_its_own_messages(page, make, draft, member, manager):
    with unit_of_work() as session:
        session.add(Membership(account_id=manager.id, organisation_id=draft.organisation_id, role=MemberRole.EDITOR,
                               since_at=draft.created_at))  # fmt: skip
    other = make.account("manager")
    write(page, draft, as_=member)
    assert [letter.recipient for letter in letters()] == [other.email]


def test_who_left_the_organisation_reads_nothing_and_gets_no_letter(page, make, draft, member, manager):
    left = make.account()
    with unit_of_work() as session:
        membership = Membership(account_id=left.id, organisation_id=draft.organisation_id, role=MemberRole.EDITOR,
                                since_at=draft.created_at)  # fmt: skip
        session.add(membership)
    write(page, draft, as_=left)
    with unit_of_work() as session:
        session.delete(session.get(Membership, membership.id))
    page.get("messages.show", conversation(), as_=manager)
    page.submit({"text": "Voici la réponse."})
    assert [letter.recipient for letter in letters() if letter.kind == "messages_from_fund"] == [member.email]
    assert page.get("messages.show", conversation(), as_=left).status == 404
    assert page.get("messages.of_dossier", draft).status == 404


def test_what_cannot_be_sent_comes_back_as_it_was_typed(page, draft, member):
    page.get("messages.of_dossier", draft, as_=member)
    for typed, file, said in (
        ("x" * (LONGEST + 1), None, "Ce texte est trop long"),
        ("   ", None, "Écrivez votre message."),
        (QUESTION, (io.BytesIO(b"MZ not a document"), "virus.exe"), "Ce type de fichier n’est pas accepté."),
        (QUESTION, (io.BytesIO(b"not a picture"), "photo.pdf"), "Formats acceptés"),
        (QUESTION, [(io.BytesIO(corpus.pdf()), f"{number}.pdf") for number in range(6)], "Joignez 5 fichiers au plus."),
    ):
        answer = page.submit({"text": typed, "files": file or []})
        assert answer.status == 422
        assert said in main_of(answer)
        (field,) = answer.tree.xpath("//textarea[@name='text']")
        assert field.text.strip() == typed.strip()
        page.get("messages.of_dossier", draft)
    assert texts() == []
    assert db.session.scalars(select(Conversation)).all() == []


def test_the_files_of_a_message_that_comes_back_are_named(page, draft, member):
    page.get("messages.of_dossier", draft, as_=member)
    pair = [(io.BytesIO(corpus.pdf()), name) for name in ("comptes.pdf", "plan.pdf")]
    answer = page.submit({"text": "", "files": pair})
    assert answer.status == 422
    assert "Ces fichiers n’ont pas pu être gardés, choisissez-les de nouveau : comptes.pdf, plan.pdf" in main_of(answer)
    (field,) = answer.tree.xpath("//input[@name='files']")
    assert "files-lost" in field.get("aria-describedby")
    alone = page.submit({"text": "", "files": (io.BytesIO(corpus.pdf()), "comptes.pdf")})
    assert "Ce fichier n’a pas pu être gardé, choisissez-le de nouveau : comptes.pdf" in main_of(alone)
    refused = page.submit({"text": QUESTION, "files": (io.BytesIO(b"MZ not a document"), "virus.exe")})
    assert "choisissez-le" not in main_of(refused)


def test_a_closed_award_leaves_its_messages_to_read_and_takes_no_more(page, make, manager):
    award = make.award(state=AwardState.RUNNING)
    application = award.application
    member = make.member_of(application.organisation)
    write(page, application, as_=member)
    page.get("messages.show", conversation())
    form = page.last
    make.instalment(award, state=InstalmentState.PAID)
    make.report(award, state=ReportState.ACCEPTED)
    with unit_of_work():
        reporting.close(award, by=make.actor_of(manager))
    shown = page.get("messages.show", conversation())
    assert QUESTION in shown.words
    assert "ne s’écrivent plus" in main_of(shown)
    assert not shown.tree.xpath("//main//textarea")
    page.last = form
    assert page.submit({"text": "Encore une chose."}).status == 409
    assert texts() == [QUESTION]


def test_an_open_request_has_its_link_there_and_nothing_more(page, make, manager):
    application = make.application(state=ApplicationState.SUBMITTED)
    with unit_of_work():
        screening.request_piece(
            application, piece=None, label="Budget signé", message="Le budget n’est pas signé.",
            due_on=application.call.closes_at.date(), by=make.actor_of(manager),
        )  # fmt: skip
    shown = page.get("messages.of_dossier", application, as_=make.member_of(application.organisation))
    assert page.url("screening.answer", application) in shown.tree.xpath("//main//a/@href")
    assert "Budget signé" not in shown.text
    shown = page.get("messages.of_dossier", application, as_=manager)
    assert page.url("screening.show", application) in shown.tree.xpath("//main//a/@href")


def test_one_says_that_one_read_what_the_other_side_wrote_once(page, make, draft, member, manager):
    write(page, draft, as_=member)
    message = db.session.scalars(select(Message)).one()
    assert page.post("messages.read", message).status == 409
    assert "Lu par Claire Gestion" in page.post("messages.read", message, as_=manager, follow=True).words
    other = make.account("manager", name="Paul Gestion")
    assert "l’avait déjà dit" in page.post("messages.read", message, as_=other, follow=True).words
    assert "Lu par Claire Gestion" in page.last.words
    assert page.get("messages.read", message).status == 405


def test_a_conversation_costs_the_same_however_long_it_is(page, make, draft, member, queries):
    write(page, draft, as_=member, files=(io.BytesIO(corpus.pdf()), "plan.pdf"))
    shown = conversation()
    page.get("messages.show", shown)
    before = queries.count(lambda: page.get("messages.show", shown))
    with unit_of_work():
        for rank in range(PAGE + 2):
            actions.write(draft, f"Message {rank}.", by=make.actor_of(member))
    assert queries.count(lambda: page.get("messages.show", shown)) == before
    articles = page.last.tree.xpath("//main//article")
    assert len(articles) == PAGE
    assert f"Message {PAGE + 1}." in articles[0].text_content()
    page.get(page.last.tree.xpath("//a[@rel='next']/@href")[0])
    assert QUESTION in page.last.words


def test_a_correction_leads_to_the_messages_of_its_dossier(page, make):
    application = make.application(state=ApplicationState.SUBMITTED)
    member = make.member_of(application.organisation)
    with unit_of_work():
        correction = applications.begin_correction(application, by=make.actor_of(member))
    write(page, correction, as_=member)
    assert conversation().application_id == application.id
    assert page.get("messages.of_dossier", correction).location == page.url("messages.show", conversation())
    assert page.post("messages.begin", correction, data={"text": "Encore."}).status == 404


def test_a_member_without_a_confirmed_address_reads_and_does_not_write(page, make, draft, member):
    write(page, draft, as_=member)
    with unit_of_work():
        member.confirmed_at = None
    shown = page.get("messages.show", conversation(), as_=member)
    assert QUESTION in shown.words
    assert not shown.tree.xpath("//main//textarea")
    refused = page.post("messages.write", conversation(), data={"text": "Encore."})
    assert refused.status == 403
    assert "Confirmez d’abord votre adresse" in refused.words


def test_its_pages_speak_english(page, draft, member):
    write(page, draft, as_=member)
    page.post("/langue", data={"language": "en"})
    shown = page.get("messages.show", conversation())
    for words in ("Write a message", "Not read yet.", "The office reads what you write here, not your draft."):
        assert words in shown.words
