"""Appeals through their pages: who lodges, answers and reads them, their clock, and what is refused."""

import io
from datetime import timedelta

import pytest
from sqlalchemy import select

from grants.appeals import actions
from grants.appeals.lifecycle import AppealState
from grants.appeals.models import Appeal
from grants.applications.lifecycle import ApplicationState
from grants.deliberation import queries as deliberation
from grants.kernel import clock, journal
from grants.kernel.db import db, unit_of_work
from grants.kernel.outbox import Letter
from grants.kernel.pages import day
from grants.people.models import MemberRole, Membership
from grants.reviewing import actions as reviewing
from grants.reviewing.lifecycle import AssignmentState
from grants.reviewing.models import InterestNature
from tests.kernel import corpus

WHY = "Le comité n’a pas lu la lettre de la commune, qui finance la moitié du projet."
S = AppealState


@pytest.fixture
def refused(make):
    application = make.application(state=ApplicationState.ELIGIBLE, title="Bains d’ombre")
    make.decided(application, granted=False)
    return application


@pytest.fixture
def member(make, refused):
    return make.member_of(refused.organisation)


@pytest.fixture
def manager(make):
    return make.account("manager", name="Claire Gestion")


def lodge(page, application, why=WHY, *, as_=None, **values):
    page.get("appeals.of_dossier", application, as_=as_)
    return page.submit({"reasons": why, **values})


def appeal():
    return db.session.scalars(select(Appeal).order_by(Appeal.lodged_at.desc())).first()


def answer(page, outcome, *, as_=None, **values):
    page.get("appeals.answer", appeal(), as_=as_)
    return page.submit({"outcome": outcome, "text": "La lettre était au dossier et a été lue.", **values})


def vote(page, amount, *, as_=None, **values):
    page.get("appeals.vote", appeal(), as_=as_)
    typed = {"act_number": "2026-0412", "act_on": clock.today().isoformat(), "amount": amount, "text": "Au vu de la "
             "lettre, le conseil accorde l’aide.", **values}  # fmt: skip
    return page.submit(typed)


def letters(kind):
    written = db.session.scalars(select(Letter).where(Letter.kind == kind).order_by(Letter.created_at)).all()
    return {letter.recipient: letter for letter in written}


def main_of(found):
    return " ".join(found.tree.xpath("//main")[0].text_content().split())


def task(page, as_):
    page.get("desk.work", as_=as_)
    return page.last.tree.xpath("string(//ul/li[contains(., 'Recours à répondre')]//strong)")


def test_an_organisation_contests_a_refusal_and_gets_a_receipt_that_tells_the_clock(page, refused, member, manager):
    decision = page.get("deliberation.decision", refused, as_=member)
    assert "Demander que la décision soit revue" in main_of(decision)
    assert "Demander que la décision soit revue" in main_of(page.get("applications.show", refused))
    shown = lodge(page, refused, files=(io.BytesIO(corpus.pdf()), "lettre-de-la-commune.pdf"))
    due = clock.add_months(clock.today(), 2)
    assert f"Réponse attendue au plus tard le {day(due)}." in main_of(shown)
    assert "lettre-de-la-commune.pdf" in main_of(shown)
    assert WHY in main_of(shown)
    assert appeal().answer_due_on == due
    assert page.get("appeals.receipt_pdf", appeal()).response.data.startswith(b"%PDF")
    mail = letters("appeals_receipt")[member.email]
    assert day(due) in mail.body
    assert page.url("appeals.show", appeal()) in mail.body
    assert manager.email in letters("appeals_lodged")
    assert WHY not in letters("appeals_lodged")[manager.email].body
    page.get("applications.show", refused)
    assert "Recours reçu, réponse attendue" in main_of(page.last)
    assert "Demander que la décision" not in main_of(page.last)
    assert "Recours en cours" in main_of(page.get("desk.work"))
    assert page.get("appeals.of_dossier", refused).location == page.url("appeals.show", appeal())


def test_the_fund_finds_it_in_its_lists_and_rejects_it_with_its_reasons(page, refused, member, manager):
    assert task(page, manager) == "0"
    lodge(page, refused, as_=member)
    assert task(page, manager) == "1"
    listed = page.get("appeals.index")
    assert "Bains d’ombre" in main_of(listed)
    assert "Recours à répondre" in main_of(page.get("desk.dossier", refused))
    page.get(listed.tree.xpath("//main//table//a/@href")[0])
    assert "Répondre au recours" in main_of(page.last)
    shown = answer(page, "reject")
    assert "Recours rejeté" in main_of(shown)
    assert appeal().state is S.REJECTED
    assert task(page, manager) == "0"
    assert "Bains d’ombre" in main_of(page.get("appeals.index", etat="clos"))
    read = page.get("appeals.show", appeal(), as_=member)
    assert "La décision ne change pas." in main_of(read)
    assert "La lettre était au dossier et a été lue." in main_of(read)
    assert page.get("appeals.answer_pdf", appeal()).response.data.startswith(b"%PDF")
    assert "a été lue" not in letters("appeals_answered")[member.email].body
    events = [line.event for line in journal.of_dossier(refused.id) if line.event.startswith("appeal.")]
    assert events == ["appeal.lodged", "appeal.reject"]
    assert all(WHY not in line.data for line in journal.of_dossier(refused.id))
    assert page.get("appeals.answer", appeal(), as_=manager).status == 409
    assert lodge_again(page, refused, member).status == 409


def lodge_again(page, application, who):
    return page.post("appeals.lodge", application, data={"reasons": "Encore."}, as_=who)


def test_the_body_alone_changes_its_decision(page, refused, member, manager):
    lodge(page, refused, as_=member)
    assert page.get("appeals.vote", appeal(), as_=manager).status == 409
    sent = answer(page, "refer", text="La lettre change ce que le comité savait.")
    assert "Recours renvoyé à l’assemblée" in main_of(sent)
    assert deliberation.decision_of(refused.id).granted is False
    assert "seule peut changer sa décision" in letters("appeals_referred")[member.email].body
    for typed, field, said in (
        ({"amount": "1000000"}, "amount", "dépasse la demande"),
        ({"act_on": (clock.today() + timedelta(days=1)).isoformat()}, "act_on", "dans l’avenir"),
        ({"act_on": (clock.today() - timedelta(days=1)).isoformat()}, "act_on", "précède le renvoi"),
    ):
        wrong = vote(page, **{"amount": "0", **typed})
        assert wrong.status == 422, field
        assert said in main_of(wrong)
    assert appeal().state is S.REFERRED
    done = vote(page, str(refused.requested.cents // 200))
    assert "Recours accueilli en partie" in main_of(done)
    assert appeal().act_number == "2026-0412"
    read = page.get("appeals.show", appeal(), as_=member)
    assert "l’assemblée accorde" in main_of(read)
    assert "2026-0412" in main_of(read)


def test_a_vote_may_confirm_the_decision(page, refused, member, manager):
    lodge(page, refused, as_=member)
    answer(page, "refer", as_=manager)
    vote(page, "0", text="Le conseil confirme son refus.")
    assert appeal().state is S.REJECTED
    read = page.get("appeals.show", appeal(), as_=member)
    assert "l’assemblée confirme sa décision" in main_of(read)
    assert "Si vous n’êtes pas d’accord" in main_of(read)


def test_whoever_decided_does_not_answer(page, make, refused, member, manager):
    lodge(page, refused, as_=member)
    decider = deliberation.recommendation_of(refused.id).made_by
    known = make.actor_of(manager)
    page.get("appeals.answer", appeal(), as_=manager)
    form = page.last
    with unit_of_work():  # the same person, once the journal says that they recorded the act
        journal.record("decision.recorded", deliberation.decision_of(refused.id), by=known)
    assert page.get("appeals.answer", appeal()).status == 403
    page.last = form
    assert page.submit({"outcome": "reject", "text": "Non."}).status == 403
    shown = page.get("appeals.show", appeal())
    assert "une autre personne de la gestion doit répondre" in main_of(shown)
    assert not shown.tree.xpath("//main//a[contains(@href, '/reponse')]")
    recommended = db.session.get(type(manager), decider)
    assert page.get("appeals.answer", appeal(), as_=recommended).status == 403
    assert appeal().state is S.LODGED


def test_silence_is_told_and_an_answer_may_still_come(page, refused, member, manager):
    lodge(page, refused, as_=member)
    last = appeal().answer_due_on
    with clock.fixed(clock.now() + timedelta(days=64)):
        assert last < clock.today()
        for person in (member, manager):
            shown = page.get("appeals.show", appeal(), as_=person)
            assert "ce silence vaut rejet du recours" in main_of(shown)
        assert "vaut rejet" in main_of(page.get("appeals.index", as_=manager))
        assert "sans réponse depuis le" in main_of(page.get("desk.work", as_=member))
        assert appeal().state is S.LODGED
        answer(page, "reject", as_=manager)
        assert appeal().state is S.REJECTED
    (line,) = [line for line in journal.of_dossier(refused.id) if line.event == "appeal.reject"]
    assert line.facts["late"] is True


def test_it_is_withdrawn_by_its_organisation_and_lodged_anew(page, refused, member, manager):
    lodge(page, refused, as_=member)
    page.get("appeals.withdraw", appeal(), as_=member)
    first = appeal()
    assert "Recours retiré" in main_of(page.submit())
    assert manager.email in letters("appeals_withdrawn")
    assert page.get("appeals.answer", first, as_=manager).status == 409
    again = lodge(page, refused, "Une autre raison.", as_=member)
    assert "Une autre raison." in main_of(again)
    assert appeal().id != first.id
    assert "Recours retiré à votre demande" in main_of(page.get("applications.show", refused))


def test_too_late_too_soon_or_nothing_to_contest(page, make, refused, member):
    granted, unpublished, waiting = (
        make.application(state=ApplicationState.ELIGIBLE, organisation=refused.organisation, call=make.call())
        for _number in range(3)
    )
    make.decided(granted)
    make.decided(unpublished, granted=False, published=False)
    for hidden in (unpublished, waiting):
        assert page.get("appeals.of_dossier", hidden, as_=member).status == 404
        assert lodge_again(page, hidden, member).status == 404
    assert "accorde tout ce que vous avez demandé" in main_of(page.get("appeals.of_dossier", granted))
    assert lodge_again(page, granted, member).status == 409
    page.get("appeals.of_dossier", refused)
    form, at = page.last, clock.now()
    until, at_latest = clock.add_months(clock.today(), 2), clock.add_months(clock.today() + timedelta(days=15), 2)
    assert f"au plus tard le {day(until)}" in main_of(form)
    assert f"jusqu’au {day(at_latest)}" in main_of(form)
    with clock.fixed(at + timedelta(days=(at_latest - clock.today()).days + 1)):
        late = page.get("appeals.of_dossier", refused, as_=member)
        assert "Le délai de recours est passé" in main_of(late)
        assert not late.tree.xpath("//main//textarea")
        assert lodge_again(page, refused, member).status == 409
        assert "Demander que la décision" not in main_of(page.get("deliberation.decision", refused))
    assert appeal() is None
    with clock.fixed(at + timedelta(days=(at_latest - clock.today()).days)):
        lodge(page, refused, as_=member)
    assert appeal().state is S.LODGED


def test_sent_twice_it_is_one_appeal(page, refused, member):
    page.get("appeals.of_dossier", refused, as_=member)
    form = page.last
    page.submit({"reasons": WHY})
    page.last = form
    assert "C’était déjà fait" in page.submit({"reasons": WHY}).words
    page.last = form
    assert page.submit({"reasons": "Autre."}).status == 409
    assert [found.reasons for found in db.session.scalars(select(Appeal))] == [WHY]


def test_who_has_no_part_in_it_finds_nothing(page, make, manager):
    refused = make.application(state=ApplicationState.ELIGIBLE, title="Bains d’ombre")
    reviewer = make.assignment(refused, state=AssignmentState.SUBMITTED).reviewer
    make.decided(refused, granted=False)
    member = make.member_of(refused.organisation)
    lodge(page, refused, as_=member, files=(io.BytesIO(corpus.pdf()), "lettre.pdf"))
    page.get("appeals.show", appeal())
    (file, *_original) = [link for link in page.last.tree.xpath("//main//a/@href") if link.startswith("/fichiers/")]
    stranger, finance = make.member_of(make.organisation()), make.account("finance")
    linked, auditor = make.account("manager"), make.account("auditor")
    with unit_of_work():
        reviewing.tell_link(refused.reference, InterestNature.FAMILY, "", by=make.actor_of(linked))
    readers = {stranger: 404, reviewer: 404, finance: 404, linked: 404, auditor: 200, manager: 200, member: 200}
    for person, status in readers.items():
        assert page.get("appeals.show", appeal(), as_=person).status == status, person.email
        assert page.get("appeals.receipt_pdf", appeal()).status == status
        assert (page.get(file).status == 200) is (status == 200), person.email
    for person in (stranger, reviewer, finance, linked, auditor):
        for endpoint in ("appeals.answer", "appeals.vote", "appeals.withdraw"):
            assert page.post(endpoint, appeal(), data={"text": "Non."}, as_=person).status in {403, 404}
        assert lodge_again(page, refused, person).status in {403, 404}
    assert task(page, linked) == "0"
    assert "Bains d’ombre" not in main_of(page.get("appeals.index"))
    assert page.post("appeals.withdraw", appeal(), as_=manager).status == 403
    assert appeal().state is S.LODGED


def test_who_left_the_organisation_or_has_no_confirmed_address_lodges_nothing(page, make, refused, member):
    left = make.account()
    with unit_of_work() as session:
        membership = Membership(account_id=left.id, organisation_id=refused.organisation_id, role=MemberRole.EDITOR,
                                since_at=refused.created_at)  # fmt: skip
        session.add(membership)
    page.get("appeals.of_dossier", refused, as_=left)
    form = page.last
    with unit_of_work() as session:
        session.delete(session.get(Membership, membership.id))
    page.last = form
    assert page.submit({"reasons": WHY}).status == 404
    with unit_of_work():
        member.confirmed_at = None
    assert lodge_again(page, refused, member).status == 403
    assert appeal() is None


def test_what_cannot_be_sent_comes_back_as_it_was_typed(page, refused, member):
    page.get("appeals.of_dossier", refused, as_=member)
    for typed, file, said in (
        ("x" * 8_001, None, "Ce texte est trop long"),
        ("   ", None, "Écrivez pourquoi la décision devrait être revue."),
        (WHY, (io.BytesIO(b"MZ not a document"), "virus.exe"), "Ce type de fichier n’est pas accepté."),
        (WHY, [(io.BytesIO(corpus.pdf()), f"{number}.pdf") for number in range(6)], "Joignez 5 fichiers au plus."),
    ):
        found = page.submit({"reasons": typed, "files": file or []})
        assert found.status == 422, said
        assert said in main_of(found)
        (field,) = found.tree.xpath("//textarea[@name='reasons']")
        assert field.text.strip() == typed.strip()
        page.get("appeals.of_dossier", refused)
    assert appeal() is None


def test_a_stale_page_answers_nothing(page, make, refused, member, manager):
    lodge(page, refused, as_=member)
    page.get("appeals.answer", appeal(), as_=manager)
    form = page.last
    with unit_of_work():
        actions.withdraw(db.session.get(Appeal, appeal().id), by=make.actor_of(member))
    page.last = form
    assert page.submit({"outcome": "reject", "text": "Non."}).status == 409
    assert appeal().state is S.WITHDRAWN


def test_managers_are_told_that_its_clocks_are_not_confirmed(page, refused, member, manager):
    shown = lodge(page, refused, as_=member)
    assert "personne n’a encore confirmées" not in main_of(shown)
    assert "personne n’a encore confirmées" in main_of(page.get("appeals.show", appeal(), as_=manager))


def test_its_pages_speak_english(page, refused, member, manager):
    lodge(page, refused, as_=member)
    page.post("/langue", data={"language": "en"})
    assert "Gracious appeal" in main_of(page.get("appeals.show", appeal()))
    page.get("appeals.answer", appeal(), as_=manager)
    assert "Answer the appeal" in main_of(page.last)
