"""The committee's pages, from the ranking to the letters, as each person may see them."""

import re
from datetime import date, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from grants.applications import actions as applications
from grants.applications.lifecycle import ApplicationState
from grants.applications.models import Application
from grants.calls.lifecycle import CallState
from grants.calls.models import Call
from grants.deliberation import queries
from grants.deliberation.lifecycle import MeetingState
from grants.deliberation.models import Meeting
from grants.kernel import clock, journal
from grants.kernel.db import db, unit_of_work
from grants.kernel.money import Money
from grants.kernel.outbox import Letter
from grants.kernel.pages import money
from grants.people.models import Account
from grants.reviewing.lifecycle import AssignmentState
from tests.client import Page
from tests.factories import Make

S = ApplicationState
ACT = {"act_number": "CP-2019-3620", "act_body": "Commission permanente"}


@pytest.fixture
def manager(make: Make) -> Account:
    return make.account("manager")


@pytest.fixture
def closed(make: Make) -> Call:
    """A closed call."""
    return make.call(closes_at=clock.now() - timedelta(days=3))


def dossier(make: Make, call: Call, *levels: int, title: str | None = None, **columns: Any) -> Application:
    """An eligible application with its reviews."""
    application = make.application(state=S.ELIGIBLE, call=call, title=title, **columns)
    if levels:
        make.reviewed(application, *levels)
    return application


def recommend(
    page: Page, application: Application, verdict: str = "favourable", amount: str = "8000", **values: Any
) -> Any:
    """Give a recommendation through its page."""
    page.get("deliberation.recommend", application)
    typed = {"verdict": verdict, "amount": amount, "reason": "Répond aux deux priorités.", **values}
    return page.submit(typed, action=f"/avis/{application.id}", follow=False)


def act_values(day: date | None = None, **values: Any) -> dict[str, Any]:
    return {**ACT, "act_on": (day or clock.today()).isoformat(), **values}


def carry_to(page: Page, meeting: Meeting, state: MeetingState, **votes: Any) -> None:
    """Take a meeting with all its recommendations further, by its pages."""
    page.get("deliberation.freeze", meeting)
    assert page.submit(action="/figer").status == 200
    if state is MeetingState.FROZEN:
        return
    page.get("deliberation.record_act", meeting)
    assert page.submit(act_values(**votes), action="/acte").status == 200
    if state is MeetingState.VOTED:
        return
    page.get("deliberation.publish", meeting)
    assert page.submit(action="/publication").status == 200


def fresh(thing: Any) -> Any:
    db.session.expire_all()
    return db.session.get(type(thing), thing.id)


# ---- the whole way -------------------------------------------------------------------------------------------------


def test_a_call_goes_from_its_closing_to_the_letters(
    app: Flask, make: Make, page: Page, manager: Account, closed: Call
) -> None:
    won = dossier(make, closed, 3, 3, 4, title="Cour fraîche")
    lost = dossier(make, closed, 1, 1, 2, title="Jardin suspendu")
    page.sign_in(manager)
    assert "Préparer la séance" in page.get("deliberation.index").words
    page.get("deliberation.prepare", closed)
    answer = page.submit({"title": "Comité d’octobre", "held_on": clock.today().isoformat()}, action=str(closed.id))
    assert answer.title == "Comité d’octobre"
    meeting = queries.meeting_of(closed.id)
    assert meeting is not None
    assert recommend(page, won, "favourable_with_conditions", "7000", conditions="Ouvrir le samedi").status == 302
    assert recommend(page, lost, "unfavourable", "", reason="Projet encore trop vague.").status == 302
    words = page.get("deliberation.meeting", meeting).words
    assert "2 sur 2" in words
    assert words.index("Cour fraîche") < words.index("Jardin suspendu")
    carry_to(page, meeting, MeetingState.PUBLISHED)
    assert fresh(won).state is S.AWARDED
    assert fresh(lost).state is S.DECLINED
    assert fresh(closed).committed == Money.euros(7000)
    assert fresh(closed).results_published_at is not None
    letters = {row.dossier_id: row for row in db.session.scalars(select(Letter).where(Letter.kind.like("delib%")))}
    assert set(letters) == {won.id, lost.id}
    assert "7 000 €" in letters[won.id].body.replace("\u202f", " ").replace("\u00a0", " ")
    assert "Ouvrir le samedi" in letters[won.id].body
    assert "Projet encore trop vague." in letters[lost.id].body
    assert "tribunal" in letters[lost.id].body
    page.sign_in(make.member_of(won.organisation))
    answer = page.get("deliberation.decision", won)
    assert answer.title == "Votre projet « Cour fraîche » est soutenu"
    assert "Ouvrir le samedi" in answer.words
    page.sign_in(make.member_of(lost.organisation))
    assert "Projet encore trop vague." in page.get("deliberation.decision", lost).words
    events = [entry.event for entry in journal.of_dossier(won.id)]
    assert [e for e in events if e.split(".")[0] in {"recommendation", "decision"}] == [
        "recommendation.made",
        "decision.recorded",
    ]
    assert [entry.event for entry in journal.of(meeting)] == [
        "meeting.prepared", "meeting.recommend", "meeting.recommend", "meeting.freeze", "meeting.record_act",
        "meeting.publish",
    ]  # fmt: skip
    assert list(queries.problems()) == []
    assert list(journal.broken_links()) == []


# ---- who sees what -------------------------------------------------------------------------------------------------


def test_a_person_with_a_link_never_finds_the_dossier_nor_its_money(
    app: Flask, make: Make, page: Page, manager: Account, closed: Call
) -> None:
    """Absent from the list, the ranks, the totals and what is left; its own pages do not exist."""
    known = dossier(make, closed, 2, 2, 2, title="Cour fraîche")
    hidden = dossier(make, closed, 4, 4, 4, title="Jardin suspendu")
    judge, linked = make.account("reviewer"), make.account("manager", "reviewer")
    make.assignment(hidden, judge, state=AssignmentState.RECUSED)
    make.assignment(hidden, linked, state=AssignmentState.RECUSED)
    meeting = make.meeting(closed)
    page.sign_in(manager)
    recommend(page, known, amount="5000")
    recommend(page, hidden, amount="7000")
    full = page.get("deliberation.meeting", meeting).words.replace("\u202f", " ").replace("\u00a0", " ")
    assert "12 000 €" in full
    for person in (judge, linked):
        page.sign_in(person)
        answer = page.get("deliberation.meeting", meeting)
        words = answer.words.replace("\u202f", " ").replace("\u00a0", " ")
        assert "Jardin suspendu" not in words
        assert "12 000 €" not in words
        assert "7 000 €" not in words
        assert "5 000 €" in words
        assert answer.tree.xpath("//td[@class='narrow']")[0].text_content().strip() == "1"
        assert "ne figurent ni dans cette page" in words
    for endpoint in ("deliberation.recommend", "deliberation.letter", "deliberation.letter_pdf"):
        assert page.get(endpoint, hidden, as_=linked).status == 404
    assert page.post("deliberation.withdraw_recommendation", hidden, data={"version": 1}, as_=linked).status == 404
    page.sign_in(manager)
    carry_to(page, meeting, MeetingState.FROZEN)
    page.sign_in(linked)
    assert "Jardin suspendu" not in page.get("deliberation.minutes", meeting).words
    assert "Jardin suspendu" not in page.get("deliberation.record_act", meeting).words
    assert page.submit(act_values(), action="/acte").status == 200
    decision = queries.decision_of(hidden.id)
    assert decision is not None
    assert decision.amount == Money.euros(7000)


def test_publishing_counts_and_leaves_what_its_author_knows(
    app: Flask, make: Make, page: Page, manager: Account, closed: Call
) -> None:
    """Neither the letters that leave nor what the fund has left tells of a hidden dossier, not even by subtraction."""
    seen, hidden = dossier(make, closed, 3), dossier(make, closed, 3)
    linked = make.account("manager")
    make.assignment(hidden, linked, state=AssignmentState.RECUSED)
    meeting = make.meeting(closed)
    page.sign_in(manager)
    recommend(page, seen, amount="5000")
    recommend(page, hidden, amount="7000")
    carry_to(page, meeting, MeetingState.VOTED)
    assert "1 association reçoit" in page.get("deliberation.publish", meeting, as_=linked).words
    assert "Les résultats sont publiés : 1 courrier part." in page.submit(action="/publication").words
    assert len(db.session.scalars(select(Letter).where(Letter.kind.like("delib%"))).all()) == 2
    draft, envelope = make.call(state=CallState.DRAFT), fresh(closed).fund.envelope
    for person, given in ((linked, 5_000), (manager, 12_000)):
        page.sign_in(person)
        left = money(envelope - Money.euros(given))
        for answer in (page.get("calls.desk"), page.get("calls.create"), page.get("calls.manage", draft)):
            assert spaced(left) in spaced(answer.words)
        page.get("calls.edit", draft)
        too_much = str((envelope - Money.euros(given - 1)).cents // 100)
        refused = page.submit({"envelope": too_much}, action="/presentation")
        assert f"dépasse ce qui reste au fonds : {spaced(left)}" in spaced(refused.words)
    page.get("calls.edit", draft, as_=linked)
    refused = page.submit({"envelope": str((envelope - Money.euros(11_000)).cents // 100)}, action="/presentation")
    assert "L’enveloppe dépasse ce qui reste au fonds." in refused.words
    assert fresh(draft).envelope == Money.euros(300_000)


TOTALS = (
    "calls.desk", "calls.manage", "calls.create", "deliberation.index", "deliberation.meeting", "deliberation.freeze",
    "programme.fund", "observatory.tracking", "observatory.tracking_csv", "reviewing.assign_index", "reviewing.assign",
    "screening.inbox", "desk.work", "desk.dossiers", "desk.dossiers_csv", "awards.index",
)  # fmt: skip


def test_no_total_moves_with_a_dossier_one_has_a_link_with(
    app: Flask, make: Make, page: Page, manager: Account, closed: Call
) -> None:
    """Its recommendation of this call or of another, what it asks, whether it waits: nothing that a total is made
    of."""
    elsewhere = make.call(closes_at=clock.now() - timedelta(days=4))
    seen, hidden, waiting, other = (
        dossier(make, call, 3) for call in (closed, closed, closed, elsewhere)
    )  # fmt: skip
    linked = make.account("manager")
    for one in (hidden, waiting, other):
        make.assignment(one, linked, state=AssignmentState.RECUSED)
    meeting, neighbour = make.meeting(closed), make.meeting(elsewhere)
    page.sign_in(manager)
    for one in (seen, hidden, waiting, other):
        assert recommend(page, one, amount="5000").status == 302
    before, full = (
        {where: dossier_text(page, where, who, closed, meeting) for where in TOTALS} for who in (linked, manager)
    )
    page.sign_in(manager)
    for one in (hidden, other):
        assert recommend(page, one, amount="7000").status == 302
    page.get("deliberation.recommend", waiting)
    page.submit(action="/retirer")
    with unit_of_work():
        db.session.get_one(Application, hidden.id).requested = Money.euros(9_000)
        db.session.get_one(Application, waiting.id).state = S.SUBMITTED
        journal.record("application.made", waiting, by=make.by, to="submitted")
    assert {where for where in TOTALS if dossier_text(page, where, linked, closed, meeting) != before[where]} == set()
    moved = {where for where in TOTALS if dossier_text(page, where, manager, closed, meeting) != full[where]}
    assert moved >= {"calls.desk", "calls.manage", "deliberation.meeting", "programme.fund", "observatory.tracking"}
    assert moved >= {"deliberation.index", "deliberation.freeze", "reviewing.assign", "screening.inbox", "desk.work"}
    assert "5 000 €" not in spaced(page.get("deliberation.meeting", neighbour, as_=linked).words)


def dossier_text(page: Page, where: str, person: Account, call: Call, meeting: Meeting) -> str:
    """What a person reads, one day, on a page of the call or of its meeting, or on one of the whole fund."""
    names = {
        "deliberation.meeting": meeting,
        "deliberation.freeze": meeting,
        "calls.manage": call,
        "reviewing.assign": call,
    }
    with clock.fixed(clock.now().replace(hour=12, minute=0, second=0, microsecond=0)):
        answer = page.get(where, *([names[where]] if where in names else []), as_=person)
    assert answer.status == 200, where
    return answer.words


def spaced(words: str) -> str:
    """Words with ordinary spaces."""
    return words.replace("\u202f", " ").replace("\u00a0", " ")


def test_what_waits_among_hidden_dossiers_is_told_by_the_act_alone(
    app: Flask, make: Make, page: Page, manager: Account, closed: Call
) -> None:
    seen, hidden = dossier(make, closed, 3), dossier(make, closed, 3)
    linked = make.account("manager")
    make.assignment(hidden, linked, state=AssignmentState.RECUSED)
    meeting = make.meeting(closed)
    page.sign_in(manager)
    recommend(page, seen)
    assert "1 dossier recevable attend encore un avis" in page.get("deliberation.freeze", meeting).words
    before = page.get("deliberation.freeze", meeting, as_=linked).words
    assert "attend encore un avis" not in before
    assert "ne sont pas comptés ici" in before
    refused = page.submit(action="/figer")
    assert refused.status == 409
    assert "une autre personne doit s’en charger" in refused.words
    assert fresh(meeting).state is MeetingState.PREPARING
    page.sign_in(manager)
    recommend(page, hidden)
    assert page.get("deliberation.freeze", meeting, as_=linked).words == before
    assert page.submit(action="/figer").status == 200


def test_a_call_is_not_put_away_over_a_hidden_dossier_that_waits(
    app: Flask, make: Make, page: Page, manager: Account, closed: Call
) -> None:
    hidden, linked = make.application(state=S.SUBMITTED, call=closed), make.account("manager")
    make.assignment(hidden, linked, state=AssignmentState.RECUSED)
    assert "1 dossier de cet appel attend encore" in page.get("deliberation.archive", closed, as_=manager).words
    assert "attend encore" not in page.get("deliberation.archive", closed, as_=linked).words
    refused = page.submit(action="/archive")
    assert refused.status == 409
    assert "une autre personne doit s’en charger" in refused.words


def test_a_reviewer_sees_no_score_of_a_dossier_they_still_owe(app: Flask, make: Make, page: Page, closed: Call) -> None:
    application = dossier(make, closed, 3, 3, 3)
    dossier(make, closed, 1, 1, 1)
    owing, free = make.account("reviewer"), make.account("reviewer")
    make.assignment(application, owing)
    meeting = make.meeting(closed)
    assert "75,0" in page.get("deliberation.meeting", meeting, as_=free).words
    words = page.get("deliberation.meeting", meeting, as_=owing).words
    assert "75,0" not in words
    assert "Visible quand votre propre évaluation sera envoyée" in words
    assert page.get("deliberation.minutes", meeting, as_=owing).status == 409


def test_a_manager_who_still_owes_a_review_reads_nothing_of_the_others(
    app: Flask, make: Make, page: Page, closed: Call
) -> None:
    application = dossier(make, closed, 3, 3, 3)
    both = make.account("manager", "reviewer")
    make.assignment(application, both)
    make.meeting(closed)
    words = page.get("deliberation.recommend", application, as_=both).words
    assert "Projet solide." not in words
    assert "75,0" not in words


@pytest.mark.parametrize("role", ["reviewer", "auditor", "finance", "authorising_officer", "administrator"])
def test_only_managers_act(app: Flask, make: Make, page: Page, closed: Call, role: str) -> None:
    application = dossier(make, closed, 3)
    meeting = make.meeting(closed)
    person = make.account(role)
    seen = 200 if role in {"reviewer", "auditor"} else 404
    assert page.get("deliberation.meeting", meeting, as_=person).status == seen
    for endpoint in ("edit", "freeze", "record_act", "publish"):
        refused = {403, 404}
        assert page.get(f"deliberation.{endpoint}", meeting, as_=person).status in refused
        assert page.post(f"deliberation.{endpoint}", meeting, as_=person).status in refused
    assert page.get("deliberation.recommend", application, as_=person).status in {403, 404}


def test_tied_dossiers_share_a_rank_and_the_published_tie_break_orders_them(
    app: Flask, make: Make, page: Page, manager: Account, closed: Call
) -> None:
    dossier(make, closed, 3, 3, 3, title="Premier déposé")
    dossier(make, closed, 3, 3, 3, title="Second déposé")
    meeting = make.meeting(closed)
    words = page.get("deliberation.meeting", meeting, as_=manager).words
    assert words.count("ex æquo") == 2
    assert words.count("égalité entière") == 2


# ---- what is typed -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"verdict": ""}, "Choisissez l’avis du comité."),
        ({"verdict": "splendid"}, "Avis du comité"),
        ({"amount": "-5"}, "Montant invalide"),
        ({"amount": "٣٠٠٠"}, "Montant invalide"),
        ({"amount": "1e3"}, "Montant invalide"),
        ({"amount": "2000000000"}, "trop grand"),
        ({"amount": "8000,50"}, "sans centimes"),
        ({"amount": "8001"}, "dépasse la demande"),
        ({"reason": "x" * 3001}, "trop long"),
        ({"reason": ""}, "Écrivez en une phrase"),
    ],
)
def test_what_cannot_be_a_recommendation_is_said_on_its_field(
    app: Flask, make: Make, page: Page, manager: Account, closed: Call, values: dict[str, str], message: str
) -> None:
    application = dossier(make, closed, 3)
    make.meeting(closed)
    page.sign_in(manager)
    answer = recommend(page, application, **{"reason": "Une raison \x00 écrite 🙂", **values})
    assert answer.status == 422
    assert message in answer.words
    assert queries.recommendation_of(application.id) is None
    if "reason" not in values:
        assert "🙂" in answer.text


def test_a_refused_amount_keeps_what_was_typed_and_leaves_a_line(
    app: Flask, make: Make, page: Page, manager: Account
) -> None:
    call = make.call(closes_at=clock.now() - timedelta(days=3), envelope=Money.euros(5_000))
    application = dossier(make, call, 3)
    make.meeting(call)
    page.sign_in(manager)
    answer = recommend(page, application, amount="8000", reason="Un texte que personne ne veut retaper.")
    assert answer.status == 409
    assert "Enveloppe insuffisante : il reste 5 000 €." in answer.words.replace("\u202f", " ").replace("\u00a0", " ")
    assert "Un texte que personne ne veut retaper." in answer.text
    assert queries.recommendation_of(application.id) is None
    lines = [entry for entry in journal.of(application) if entry.event == "budget.refused"]
    assert [entry.facts for entry in lines] == [{"requested": 800_000, "left": 500_000}]
    assert page.submit({"amount": "5000"}, action=str(application.id), follow=False).status == 302
    assert fresh(call).committed == Money.euros(5_000)


def test_a_stale_page_shows_both_texts(app: Flask, make: Make, page: Page, manager: Account, closed: Call) -> None:
    application = dossier(make, closed, 3)
    make.meeting(closed)
    page.sign_in(manager)
    recommend(page, application, reason="Premier texte.")
    stale = {"verdict": "favourable", "amount": "6000", "reason": "Second texte.", "version": ""}
    answer = page.post("deliberation.recommend", application, data=stale)
    assert answer.status == 409
    assert "Premier texte." in answer.text
    assert "Second texte." in answer.text
    assert fresh(closed).committed == Money.euros(8_000)


def test_a_recommendation_is_taken_back_through_its_page(
    app: Flask, make: Make, page: Page, manager: Account, closed: Call
) -> None:
    application = dossier(make, closed, 3)
    make.meeting(closed)
    page.sign_in(manager)
    recommend(page, application)
    page.get("deliberation.recommend", application)
    assert page.submit(action="/retirer").status == 200
    assert queries.recommendation_of(application.id) is None
    assert fresh(closed).committed == Money(0)


def test_the_page_of_a_meeting_is_edited(app: Flask, make: Make, page: Page, manager: Account, closed: Call) -> None:
    dossier(make, closed, 3)
    meeting = make.meeting(closed)
    page.get("deliberation.edit", meeting, as_=manager)
    assert page.submit({"title": "", "held_on": "2019-02-30"}).status == 422
    assert page.submit({"title": "Jury d’automne", "held_on": clock.today().isoformat()}).title == "Jury d’automne"


def test_an_act_says_on_each_dossier_what_is_wrong_and_keeps_the_rest(
    app: Flask, make: Make, page: Page, manager: Account, closed: Call
) -> None:
    first, second = dossier(make, closed, 3), dossier(make, closed, 3)
    meeting = make.meeting(closed)
    page.sign_in(manager)
    recommend(page, first)
    recommend(page, second)
    carry_to(page, meeting, MeetingState.FROZEN)
    page.get("deliberation.record_act", meeting)
    for values, message in (
        ({f"amount_{first.id}": ""}, "ou 0 si l’acte refuse"),
        ({f"amount_{first.id}": "8001"}, "ne peut pas dépasser"),
        ({f"amount_{first.id}": "7000"}, "pourquoi l’acte s’écarte"),
        ({f"amount_{first.id}": "8000", "act_on": (clock.today() + timedelta(days=1)).isoformat()}, "avenir"),
        ({"act_on": clock.today().isoformat(), "act_number": "x" * 41}, "trop long"),
        # As large as a meeting of some hundred dossiers: what is wrong is told all the same.
        ({f"amount_{first.id}": "7000", f"reason_{first.id}": "é" * 30_000}, "trop long"),
    ):
        answer = page.submit({**act_values(), **values}, action="/acte")
        assert answer.status == 422
        assert message in answer.words
        assert fresh(meeting).state is MeetingState.FROZEN
    typed = {**act_values(), f"amount_{first.id}": "0", f"reason_{first.id}": "Déjà financé."}
    assert page.submit(typed, action="/acte").status == 200
    assert fresh(closed).committed == Money.euros(8_000)
    assert page.get("deliberation.record_act", meeting).status == 409


def test_freezing_is_offered_only_when_nothing_is_left_to_do(
    app: Flask, make: Make, page: Page, manager: Account, closed: Call
) -> None:
    application = dossier(make, closed, 3)
    meeting = make.meeting(closed)
    answer = page.get("deliberation.freeze", meeting, as_=manager)
    assert "1 dossier recevable attend encore un avis" in answer.words
    assert not answer.tree.xpath("//main//form")
    assert page.post("deliberation.freeze", meeting).status == 409
    recommend(page, application)
    assert page.get("deliberation.freeze", meeting).tree.xpath("//main//form")
    carry_to(page, meeting, MeetingState.FROZEN)
    answer = page.post("deliberation.recommend", application, data={"verdict": "unfavourable", "reason": "Non."})
    assert answer.status == 409
    assert "figés depuis" in answer.words


# ---- nothing leaks -------------------------------------------------------------------------------------------------


def applicant_pages(page: Page, application: Application) -> dict[str, tuple[int, str]]:
    """Everything an applicant can open about a dossier, without what changes at each opening."""
    found = {}
    for endpoint in (
        "applications.show", "applications.index", "applications.receipt", "deliberation.decision",
        "deliberation.decision_pdf",
    ):  # fmt: skip
        subject = () if endpoint == "applications.index" else (application,)
        answer = page.get(endpoint, *subject)
        keys = re.sub(r'name="(csrf_token|_key)" value="[^"]*"', "", answer.text)
        found[endpoint] = (answer.status, keys)
    return found


def test_nothing_an_applicant_opens_tells_the_decision_before_the_publication(
    app: Flask, make: Make, page: Page, manager: Account, closed: Call
) -> None:
    won, lost = dossier(make, closed, 4, 4, 4), dossier(make, closed, 1, 1, 1)
    meeting = make.meeting(closed)
    pairs = [(application, make.member_of(application.organisation)) for application in (won, lost)]
    with clock.fixed(clock.now()):
        before = [applicant_pages(page.sign_in(person), application) for application, person in pairs]
        page.sign_in(manager)
        recommend(page, won)
        recommend(page, lost, "unfavourable", "", reason="Trop vague.")
        for state in (MeetingState.PREPARING, MeetingState.FROZEN, MeetingState.VOTED):
            if state is MeetingState.FROZEN:
                carry_to(page.sign_in(manager), meeting, state)
            if state is MeetingState.VOTED:
                page.sign_in(manager).get("deliberation.record_act", meeting)
                page.submit(act_values(), action="/acte")
            after = [applicant_pages(page.sign_in(person), application) for application, person in pairs]
            assert after == before
        assert before[0]["deliberation.decision"][0] == 404
        assert db.session.scalars(select(Letter).where(Letter.kind == "deliberation_decision")).all() == []
        page.sign_in(manager).get("deliberation.publish", meeting)
        page.submit(action="/publication")
        for application, person in pairs:
            assert page.get("deliberation.decision", application, as_=person).status == 200


def test_a_decision_is_for_the_members_of_its_organisation(
    app: Flask, make: Make, page: Page, manager: Account, closed: Call
) -> None:
    application = dossier(make, closed, 3)
    make.decided(application)
    stranger = make.member_of(make.organisation())
    for endpoint in ("deliberation.decision", "deliberation.decision_pdf"):
        assert page.get(endpoint, application, as_=stranger).status == 404
        assert page.get(endpoint, application, as_=manager).status == 403


# ---- on paper, and at any size -------------------------------------------------------------------------------------


def test_letters_and_minutes_are_accessible_papers_that_stay_the_same(
    app: Flask, make: Make, page: Page, manager: Account, closed: Call
) -> None:
    won, lost = dossier(make, closed, 3, title="Cour fraîche"), dossier(make, closed, 1)
    recused = make.account("reviewer", name="Dominique Déport")
    make.assignment(won, recused, state=AssignmentState.RECUSED)
    meeting = make.meeting(closed)
    page.sign_in(manager)
    recommend(page, won, "favourable_with_conditions", "7000", conditions="Ouvrir le samedi\nPrévenir les voisins")
    recommend(page, lost, "unfavourable", "", reason="Trop vague.")
    carry_to(page, meeting, MeetingState.VOTED)
    draft = page.get("deliberation.letter_pdf", won).response
    assert draft.data.startswith(b"%PDF")
    assert draft.headers["Content-Disposition"].startswith("attachment")
    page.get("deliberation.publish", meeting)
    page.submit(action="/publication")
    minutes = page.get("deliberation.minutes", meeting)
    assert "Dominique Déport" in minutes.words
    assert "Ouvrir le samedi" in minutes.words
    for endpoint, subject in (("deliberation.minutes_pdf", meeting), ("deliberation.letter_pdf", won)):
        first, second = (page.get(endpoint, subject).response.data for _ in range(2))
        assert first == second
        assert first != draft.data
    page.sign_in(make.member_of(lost.organisation))
    paper = page.get("deliberation.decision_pdf", lost).response
    assert paper.data.startswith(b"%PDF")
    assert page.get("deliberation.decision_pdf", lost).response.data == paper.data


def test_the_pages_of_a_meeting_cost_the_same_for_one_dossier_and_for_four(
    app: Flask, make: Make, page: Page, manager: Account, closed: Call, queries: Any
) -> None:
    dossier(make, closed, 3, 3)
    meeting = make.meeting(closed)
    page.sign_in(manager)

    def cost() -> list[int]:
        return [
            queries.count(lambda: page.get("deliberation.meeting", meeting)),
            queries.count(lambda: page.get("deliberation.index")),
            queries.count(lambda: page.get("deliberation.freeze", meeting)),
        ]

    cost()
    one = cost()
    for level in (1, 2, 4):
        dossier(make, closed, level, level)
    assert cost() == one


def test_an_empty_desk_says_what_will_appear(app: Flask, page: Page, manager: Account) -> None:
    assert "Aucune délibération en vue" in page.get("deliberation.index", as_=manager).words


def test_a_withdrawn_dossier_stays_in_sight_until_its_money_is_back(
    app: Flask, make: Make, page: Page, manager: Account, closed: Call
) -> None:
    gone, stays = dossier(make, closed, 3), dossier(make, closed, 3)
    meeting = make.meeting(closed)
    page.sign_in(manager)
    recommend(page, gone)
    recommend(page, stays, amount="5000")
    with unit_of_work():
        applications.withdraw(gone, reason="Reporté", by=make.actor_of(make.member_of(gone.organisation)))
    answer = page.get("deliberation.meeting", meeting)
    assert "Dossiers retirés par l’association" in answer.words
    page.get("deliberation.recommend", gone)
    page.submit(action="/retirer")
    assert fresh(closed).committed == Money.euros(5_000)


def test_a_call_without_dossiers_is_put_away_once_closed_and_stays_public(
    make: Make, page: Page, manager: Account, closed: Call
) -> None:
    page.get("deliberation.archive", closed, as_=manager)
    assert "archivé" in page.submit().words
    assert page.get("calls.show", code=closed.code).status == 200
    running = make.call()
    assert not page.get("deliberation.archive", running).tree.xpath("//main//form")
    assert page.post("deliberation.archive", running, data={"version": running.version}).status == 409


def test_a_call_is_not_put_away_while_a_result_is_awaited(
    make: Make, page: Page, manager: Account, closed: Call
) -> None:
    dossier = make.application(call=closed, state=S.ELIGIBLE)
    page.sign_in(manager)
    assert "attend encore" in page.get("deliberation.archive", closed).words
    assert page.post("deliberation.archive", closed, data={"version": closed.version}).status == 409
    meeting = make.meeting(closed)
    make.recommendation(meeting, dossier)
    with unit_of_work():
        applications.withdraw(dossier, reason="Abandon.", by=make.actor_of(make.member_of(dossier.organisation)))
    answer = page.get("deliberation.archive", closed)
    assert "publiez d’abord ses résultats" in answer.words
    assert page.post("deliberation.archive", closed, data={"version": closed.version}).status == 409


def test_a_call_whose_results_are_published_is_put_away(make: Make, page: Page, manager: Account, closed: Call) -> None:
    make.decided(make.application(call=closed, state=S.ELIGIBLE))
    page.get("deliberation.archive", closed, as_=manager)
    assert "archivé" in page.submit().words


def test_no_dossier_enters_a_closed_call_that_is_examined(
    make: Make, page: Page, manager: Account, closed: Call
) -> None:
    dossier = make.application(call=closed, state=S.ELIGIBLE)
    page.sign_in(manager)
    page.get("reviewing.assign", closed)
    reviewer = make.account("reviewer")
    page.post("reviewing.assign", closed, data={"applications": str(dossier.id), "reviewers": str(reviewer.id)})
    later = {"closes_on": (clock.today() + timedelta(days=3)).isoformat(), "closes_hour": "17:00", "reason": "Panne."}
    answer = page.post("calls.extend", closed, data=later | {"version": closed.version})
    assert answer.status == 409
    assert "l’examen des dossiers a commencé" in answer.words


def test_recommendations_of_a_call_that_is_open_are_never_frozen(
    make: Make, page: Page, manager: Account, closed: Call
) -> None:
    meeting = make.meeting(closed)
    make.recommendation(meeting, make.application(call=closed, state=S.ELIGIBLE))
    with unit_of_work():
        closed.closes_at = clock.now() + timedelta(days=2)
    page.sign_in(manager)
    answer = page.post("deliberation.freeze", meeting, data={"version": meeting.version})
    assert answer.status == 409
    assert "n’est pas clos" in answer.words
