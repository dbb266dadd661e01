"""The reviewer's evening and the manager's morning, by real pages: assign, declare, mark, send, read the others."""

from datetime import timedelta

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from grants.applications.lifecycle import ApplicationState
from grants.applications.models import Application
from grants.calls.actions import begin_examination
from grants.calls.models import Criterion
from grants.kernel import clock, journal, paging
from grants.kernel.db import db, unit_of_work
from grants.kernel.outbox import Letter
from grants.kernel.paging import cursor
from grants.people.models import MemberRole, Membership
from grants.reviewing import queries as reviewing
from grants.reviewing.lifecycle import AssignmentState
from grants.reviewing.models import Assignment, Interest, InterestNature, Mark
from tests.client import Page

S = AssignmentState
ELIGIBLE = ApplicationState.ELIGIBLE
CANARY = "CANARI-QUE-NUL-NE-DOIT-VOIR"


@pytest.fixture
def manager(make):
    return make.account("manager")


@pytest.fixture
def reviewer(make):
    return make.account("reviewer", name="Ousmane Diallo", college="user")


def criteria_of(application):
    return db.session.scalars(select(Criterion).where(Criterion.call_id == application.call_id)).all()


def fresh(assignment):
    db.session.expire_all()
    return db.session.get(Assignment, assignment.id)


def full(application, level="3", **comments):
    marks = {criterion.id.hex: level for criterion in criteria_of(application)}
    return {**marks, "committee_comment": "Solide.", "applicant_comment": "Clair.", **comments}


def freeze(call):
    with unit_of_work():
        call.marks_frozen_at = clock.now()


# ---- declaration ---------------------------------------------------------------------------------------------------


def test_the_content_stays_closed_until_the_declaration(make, page, reviewer):
    application = make.application(state=ELIGIBLE)
    summary = application.summary
    assignment = make.assignment(application, reviewer)
    assert summary not in page.get("reviewing.index", as_=reviewer).text
    answer = page.get("reviewing.review", assignment)
    assert answer.status == 302
    answer = page.follow(answer)
    assert summary not in answer.text
    assert application.organisation.name in answer.words
    assert page.get("reviewing.others", assignment).status == 404
    page.get("reviewing.declare", assignment)
    answer = page.submit({"link": "no"})
    assert summary in answer.text
    assert fresh(assignment).state is S.OPEN
    interest = db.session.scalars(select(Interest)).one()
    assert (interest.nature, interest.account_id) == (InterestNature.NONE, reviewer.id)
    assert journal.of(assignment)[-1].event == "assignment.declare_none"


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({}, "link"),
        ({"link": "peut-être"}, "link"),
        ({"link": "yes"}, "nature"),
        ({"link": "yes", "nature": "neighbour"}, "nature"),
        ({"link": "yes", "nature": "other"}, "text"),
        ({"link": "yes", "nature": "family", "text": "x" * 1001}, "text"),
    ],
)
def test_a_declaration_that_says_nothing_is_refused_on_its_field(make, page, reviewer, values, field):
    assignment = make.assignment(make.application(state=ELIGIBLE), reviewer)
    page.get("reviewing.declare", assignment, as_=reviewer)
    answer = page.submit(values)
    assert answer.status == 422
    assert answer.tree.xpath(f"//*[@id='{field}-error']")
    assert fresh(assignment).state is S.OFFERED
    assert db.session.scalars(select(Interest)).all() == []


@pytest.mark.parametrize("state", [S.OFFERED, S.OPEN, S.SUBMITTED])
def test_a_recused_reviewer_meets_the_file_nowhere(make, page, reviewer, state):
    call = make.call()
    application = make.application(state=ELIGIBLE, call=call, title=CANARY)
    other = make.application(state=ELIGIBLE, call=call)
    make.assignment(other, reviewer, state=S.OPEN)
    make.reviewed(application, 4)
    assignment = make.assignment(application, reviewer, state=state)
    page.get("reviewing.declare", assignment, as_=reviewer)
    values = {"link": "yes", "nature": "family", "text": "Ma sœur préside l’association."}
    answer = page.submit(values, follow=False)
    assert answer.status == 302
    assert fresh(assignment).state is S.RECUSED
    assert page.follow(answer).status == 200
    assert journal.of(assignment)[-1].facts["nature"] == "family"
    assert "sœur" not in "".join(entry.data for entry in journal.of(assignment))
    seen = [page.get("reviewing.index")]
    subjects = {"assignment_id": assignment.id, "application_id": application.id, "call_id": call.id}
    for rule in page.app.url_map.iter_rules():
        if rule.endpoint.split(".")[0] not in {"reviewing", "screening"} or not rule.arguments:
            continue
        (name,) = rule.arguments
        if name in subjects and "GET" in rule.methods:
            answer = page.get(rule.endpoint, **{name: subjects[name]})
            assert answer.status in {403, 404}, rule.endpoint
            assert answer.status == 404 or name != "assignment_id", rule.endpoint
            seen.append(answer)
    assert not [answer.url for answer in seen if CANARY in answer.text or application.organisation.name in answer.text]
    assert "Il vous reste 1 dossier" in seen[0].words
    assert len(seen) > 5


def test_a_recusal_after_submission_sets_the_review_aside(make, page, reviewer):
    application = make.application(state=ELIGIBLE)
    make.reviewed(application, 2)
    assignment = make.assignment(application, reviewer, state=S.SUBMITTED, level=4)
    assert reviewing.result_of(application).total == 75
    page.get("reviewing.declare", assignment, as_=reviewer)
    page.submit({"link": "yes", "nature": "employee"})
    db.session.expire_all()
    assert reviewing.result_of(application).total == 50
    assert len(reviewing.reviews_of(application.id)) == 1


def test_marks_sent_from_an_old_tab_after_a_recusal_are_refused(make, page, reviewer):
    application = make.application(state=ELIGIBLE)
    assignment = make.assignment(application, reviewer, state=S.OPEN)
    page.get("reviewing.review", assignment, as_=reviewer)
    old_tab = page.last
    page.get("reviewing.declare", assignment)
    page.submit({"link": "yes", "nature": "donor"})
    for action in (f"/evaluations/{assignment.id}", f"/evaluations/{assignment.id}/envoyer"):
        answer = page.post(action, data={**full(application), "version": "1", "_key": action[:40]})
        assert answer.status == 409
        assert "Vous avez un lien d’intérêt avec ce dossier" in answer.words
        assert application.title not in answer.text
    assert old_tab.status == 200
    assert db.session.scalars(select(Mark)).all() == []
    assert journal.of(assignment)[-1].event == "assignment.late_marks_refused"


def test_one_declares_for_oneself_only(make, page, reviewer):
    assignment = make.assignment(make.application(state=ELIGIBLE))
    for endpoint in ("declare", "review", "others"):
        assert page.get(f"reviewing.{endpoint}", assignment, as_=reviewer).status == 404
    for endpoint in ("save", "submit"):
        assert page.post(f"reviewing.{endpoint}", assignment, data={"version": "1"}).status == 404


# ---- marks ---------------------------------------------------------------------------------------------------------


def test_a_draft_is_kept_as_it_is_and_found_again(make, page, reviewer):
    application = make.application(state=ELIGIBLE)
    assignment = make.assignment(application, reviewer, state=S.OPEN)
    first, second, *_ = criteria_of(application)
    page.get("reviewing.review", assignment, as_=reviewer)
    page.submit({first.id.hex: "0", second.id.hex: "na", "committee_comment": "À revoir\nligne 2"})
    assert reviewing.marks_of(assignment.id) == {first.id: 0, second.id: None}
    answer = page.get("reviewing.review", assignment)
    assert answer.tree.xpath(f"//input[@name='{first.id.hex}'][@checked]/@value") == ["0"]
    assert answer.tree.xpath(f"//input[@name='{second.id.hex}'][@checked]/@value") == ["na"]
    assert "À revoir" in answer.text
    page.submit({first.id.hex: "4"})
    assert reviewing.marks_of(assignment.id) == {first.id: 4, second.id: None}
    assert fresh(assignment).state is S.OPEN
    assert [e.event for e in journal.of(assignment)] == ["assignment.record_marks"] * 2


def test_an_incomplete_review_is_not_sent_and_says_what_is_left(make, page, reviewer):
    application = make.application(state=ELIGIBLE)
    assignment = make.assignment(application, reviewer, state=S.OPEN)
    first, second, *_ = criteria_of(application)
    page.get("reviewing.review", assignment, as_=reviewer)
    data = {**full(application), "applicant_comment": " ", "version": "1"}
    del data[first.id.hex]
    answer = page.post("reviewing.submit", assignment, data=data)
    assert answer.status == 422
    lines = answer.tree.xpath("//*[@id='erreurs']//a/@href")
    assert set(lines) == {f"#{first.id.hex}", "#applicant_comment"}
    assert answer.tree.xpath(f"//input[@name='{second.id.hex}'][@checked]/@value") == ["3"]
    assert fresh(assignment).state is S.OPEN
    assert reviewing.marks_of(assignment.id) == {}


def test_a_review_is_sent_for_good_and_the_next_file_opens(make, page, reviewer):
    call = make.call()
    application = make.application(state=ELIGIBLE, call=call)
    assignment = make.assignment(application, reviewer, state=S.OPEN)
    following = make.assignment(make.application(state=ELIGIBLE, call=call), reviewer)
    page.get("reviewing.review", assignment, as_=reviewer)
    values = {**full(application), criteria_of(application)[0].id.hex: "na", "version": "1", "_key": "one"}
    answer = page.post("reviewing.submit", assignment, data=values)
    assert answer.location.endswith(f"/evaluations/{following.id}")
    sent = fresh(assignment)
    assert sent.state is S.SUBMITTED
    assert sent.submitted_at is not None
    assert [e.event for e in journal.of(assignment)][-1] == "assignment.submit"
    assert page.post("reviewing.submit", assignment, data=values).status == 302
    again = page.post("reviewing.save", assignment, data={**full(application, "0"), "version": str(sent.version)})
    assert again.status == 409
    assert reviewing.results_of(call.id)[application.id].total == 75
    answer = page.get("reviewing.review", assignment)
    assert answer.tree.xpath("//main//input[@type='radio'][not(@disabled)]") == []


@pytest.mark.parametrize("mark", ["5", "-1", "4.0", "٣", "3\x00", "four", " 3"])
def test_a_mark_off_the_scale_is_refused_on_its_criterion_and_the_rest_is_saved(make, page, reviewer, mark):
    application = make.application(state=ELIGIBLE)
    assignment = make.assignment(application, reviewer, state=S.OPEN)
    first = criteria_of(application)[0]
    page.sign_in(reviewer)
    data = {"version": "1", first.id.hex: mark, "committee_comment": "Gardé"}
    answer = page.post("reviewing.save", assignment, data=data, follow=True)
    assert mark == "3\x00" or answer.tree.xpath(f"//*[@id='{first.id.hex}-error']")
    assert fresh(assignment).committee_comment == "Gardé"
    assert reviewing.marks_of(assignment.id) == {}


def test_a_stale_tab_shows_both_texts_and_overwrites_nothing(make, page, reviewer):
    application = make.application(state=ELIGIBLE)
    assignment = make.assignment(application, reviewer, state=S.OPEN)
    first = criteria_of(application)[0]
    page.get("reviewing.review", assignment, as_=reviewer)
    phone = Page(page.app)
    phone.get("reviewing.review", assignment, as_=reviewer)
    phone.submit({first.id.hex: "4", "committee_comment": "Écrit sur le téléphone"})
    answer = page.submit({first.id.hex: "1", "committee_comment": "Écrit sur l’ordinateur"})
    assert answer.status == 409
    assert "Écrit sur le téléphone" in answer.text
    assert "Écrit sur l’ordinateur" in answer.text
    assert fresh(assignment).committee_comment == "Écrit sur le téléphone"
    assert reviewing.marks_of(assignment.id) == {first.id: 4}


def test_two_drafts_of_the_same_moment_never_both_win(make, app, reviewer):
    """The version in the UPDATE itself refuses the second, whatever each one read."""
    application = make.application(state=ELIGIBLE)
    assignment = make.assignment(application, reviewer, state=S.OPEN)
    with unit_of_work() as session:
        session.execute(text("UPDATE assignment SET version = version + 1"))
    page = Page(app)
    page.sign_in(reviewer)
    first = criteria_of(application)[0]
    assert page.post("reviewing.save", assignment, data={"version": "1", first.id.hex: "2"}).status == 409
    assert page.post("reviewing.save", assignment, data={"version": "2", first.id.hex: "2"}).status == 302


@pytest.mark.parametrize("field", ["committee_comment", "applicant_comment"])
def test_an_over_long_comment_stays_on_the_page_and_the_marks_are_saved(make, page, reviewer, field):
    application = make.application(state=ELIGIBLE)
    assignment, first = make.assignment(application, reviewer, state=S.OPEN), criteria_of(application)[0]
    page.get("reviewing.review", assignment, as_=reviewer)
    answer = page.submit({field: "é" * 4001, first.id.hex: "3"})
    assert answer.status == 200
    assert reviewing.marks_of(assignment.id) == {first.id: 3}
    assert answer.form().get("data-unsaved") is not None
    assert answer.tree.xpath(f"//*[@id='{field}-error']")
    assert "é" * 4001 in answer.text


def test_strange_characters_are_kept_and_control_ones_dropped(make, page, reviewer):
    assignment = make.assignment(make.application(state=ELIGIBLE), reviewer, state=S.OPEN)
    page.get("reviewing.review", assignment, as_=reviewer)
    page.submit({"committee_comment": "<script>alert(1)</script> 🌻\x00 e\u0301"})
    assert fresh(assignment).committee_comment == "<script>alert(1)</script> 🌻 é"
    assert "<script>alert" not in page.get("reviewing.review", assignment).text


def test_after_the_freeze_every_write_is_refused(make, page, reviewer, manager):
    application = make.application(state=ELIGIBLE)
    opened = make.assignment(application, reviewer, state=S.OPEN)
    offered = make.assignment(application)
    freeze(application.call)
    page.sign_in(reviewer)
    for endpoint in ("save", "submit"):
        answer = page.post(f"reviewing.{endpoint}", opened, data={**full(application), "version": "1"})
        assert answer.status == 409
        assert "Les notes sont figées." in answer.words
    declared = {"link": "yes", "nature": "member"}
    assert page.post("reviewing.declare", opened, data=declared).status == 409
    page.sign_in(manager)
    assert page.post("reviewing.remove", offered).status == 409
    assert page.post("reviewing.remind", application.call).status == 409
    chosen = {"applications": str(application.id), "reviewers": str(reviewer.id)}
    assert page.post("reviewing.assign", application.call, data=chosen).status == 409
    assert fresh(opened).state is S.OPEN
    assert db.session.scalars(select(Mark)).all() == []


def test_after_the_freeze_the_database_itself_refuses_a_mark(make, app):
    application = make.application(state=ELIGIBLE)
    make.reviewed(application, 2)
    freeze(application.call)
    for statement in ("UPDATE mark SET points = 4", "DELETE FROM mark"):
        with pytest.raises(IntegrityError), unit_of_work() as session:
            session.execute(text(statement))


def test_a_withdrawn_dossier_is_not_marked_any_more(make, page, reviewer):
    application = make.application(state=ELIGIBLE)
    assignment = make.assignment(application, reviewer, state=S.OPEN)
    with unit_of_work():
        application.withdrawn_at, application.state = clock.now(), ApplicationState.WITHDRAWN
    page.sign_in(reviewer)
    assert page.post("reviewing.save", assignment, data={"version": "1"}).status == 409
    assert application.title not in page.get("reviewing.index").text


# ---- the others ----------------------------------------------------------------------------------------------------


def test_the_others_are_hidden_until_ones_own_is_in(make, page, reviewer):
    application = make.application(state=ELIGIBLE)
    someone = make.account("reviewer", name="Hélène Vasseur")
    other = make.assignment(application, someone, state=S.SUBMITTED, level=1)
    own = make.assignment(application, reviewer, state=S.OPEN)
    answer = page.get("reviewing.review", own, as_=reviewer)
    assert "Hélène Vasseur" not in answer.text
    assert page.get("reviewing.others", own).status == 404
    assert page.get("reviewing.review", other).status == 404
    with unit_of_work():
        own.state, own.submitted_at = S.SUBMITTED, clock.now()
    answer = page.get("reviewing.others", own)
    assert answer.status == 200
    assert "Hélène Vasseur" in answer.words
    assert "Projet solide." in answer.words


def test_a_manager_who_still_owes_a_review_does_not_read_the_others(make, page):
    both = make.account("manager", "reviewer")
    application = make.application(state=ELIGIBLE)
    make.reviewed(application, 3)
    assert page.get("reviewing.results", application, as_=both).status == 200
    make.assignment(application, both, state=S.OPEN)
    assert page.get("reviewing.results", application).status == 404


# ---- the manager ---------------------------------------------------------------------------------------------------


def chosen(dossiers, people, due_on=""):
    return {"applications": [str(d.id) for d in dossiers], "reviewers": [str(p.id) for p in people], "due_on": due_on}


def letters(kind):
    return db.session.scalars(select(Letter).where(Letter.kind == kind).order_by(Letter.recipient)).all()


def test_several_dossiers_are_given_to_several_people_at_once(make, page, manager, reviewer):
    call = make.call()
    dossiers = [make.application(state=ELIGIBLE, call=call) for _ in range(3)]
    second = make.account("reviewer")
    due_on = clock.today() + timedelta(days=20)
    page.get("reviewing.assign", call, as_=manager)
    answer = page.submit(chosen(dossiers, [reviewer, second], due_on.isoformat()))
    assert "6 affectations faites." in answer.words
    rows = db.session.scalars(select(Assignment)).all()
    assert {(r.application_id, r.reviewer_id) for r in rows} == {
        (d.id, p.id) for d in dossiers for p in (reviewer, second)
    }
    assert {row.due_on for row in rows} == {due_on}
    sent = letters("reviewing_assigned")
    assert {letter.recipient for letter in sent} == {reviewer.email, second.email}
    assert sent[0].subject.startswith("3 dossiers")
    assert "Il vous reste 3 dossiers" in page.get("reviewing.index", as_=reviewer).words
    page.sign_in(manager).get("reviewing.assign", call)
    answer = page.submit(chosen(dossiers, [reviewer]))
    assert "3 existaient déjà." in answer.words
    assert len(db.session.scalars(select(Assignment)).all()) == 6


def test_a_declared_link_or_a_membership_refuses_the_assignment(make, page, manager, reviewer):
    call = make.call()
    linked = make.application(state=ELIGIBLE, call=call)
    free = make.application(state=ELIGIBLE, call=call)
    make.assignment(linked, reviewer, state=S.RECUSED)
    page.get("reviewing.assign", call, as_=manager)
    answer = page.submit(chosen([linked], [reviewer]))
    assert answer.status == 422
    assert f"Ousmane Diallo · {linked.reference}" in answer.tree.xpath("//*[@id='reviewers-error']")[0].text_content()
    insider = make.account("reviewer")
    with unit_of_work() as session:
        session.add(Membership(account_id=insider.id, organisation_id=linked.organisation_id, role=MemberRole.EDITOR,
                               since_at=clock.now()))  # fmt: skip
    page.get("reviewing.assign", call)
    answer = page.submit(chosen([linked, free], [reviewer, insider]))
    assert "2 affectations faites." in answer.words
    assert "Laissées de côté" in answer.words
    rows = db.session.scalars(select(Assignment).where(Assignment.state == S.OFFERED)).all()
    assert {(row.application_id, row.reviewer_id) for row in rows} == {(free.id, reviewer.id), (free.id, insider.id)}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"applications": []}, "applications"),
        ({"reviewers": []}, "reviewers"),
        ({"due_on": "2019-01-01"}, "due_on"),
        ({"due_on": "demain"}, "due_on"),
        ({"applications": ["not-a-uuid"]}, "applications"),
        ({"reviewers": ["11111111-1111-1111-1111-111111111111"]}, "reviewers"),
    ],
)
def test_a_bad_choice_is_refused_on_its_field(make, page, manager, reviewer, change, field):
    application = make.application(state=ELIGIBLE)
    page.sign_in(manager)
    data = {**chosen([application], [reviewer]), **change}
    answer = page.post("reviewing.assign", application.call, data=data)
    assert answer.status == 422
    assert answer.tree.xpath(f"//*[@id='{field}-error']")
    assert db.session.scalars(select(Assignment)).all() == []


def test_only_eligible_dossiers_of_this_call_may_be_given(make, page, manager, reviewer):
    call = make.call()
    eligible = make.application(state=ELIGIBLE, call=call)
    waiting = make.application(state=ApplicationState.SUBMITTED, call=call)
    elsewhere = make.application(state=ELIGIBLE)
    page.sign_in(manager)
    for stranger in (waiting, elsewhere):
        assert page.post("reviewing.assign", call, data=chosen([eligible, stranger], [reviewer])).status == 422
    assert db.session.scalars(select(Assignment)).all() == []


def test_an_assignment_is_taken_back_and_offered_again(make, page, manager, reviewer):
    application = make.application(state=ELIGIBLE)
    assignment = make.assignment(application, reviewer, state=S.OPEN)
    page.get("reviewing.remove", assignment, as_=manager)
    page.submit()
    assert fresh(assignment).state is S.REMOVED
    assert page.get("reviewing.review", assignment, as_=reviewer).status == 404
    page.sign_in(manager).get("reviewing.assign", application.call)
    page.submit(chosen([application], [reviewer]))
    assert fresh(assignment).state is S.OFFERED
    events = [entry.event for entry in journal.of(assignment)]
    assert events == ["assignment.remove", "access.unknown", "assignment.offer_again"]


def test_a_sent_review_cannot_be_taken_back(make, page, manager):
    assignment = make.reviewed(make.application(state=ELIGIBLE), 3)[0]
    page.sign_in(manager)
    assert page.post("reviewing.remove", assignment).status == 409
    assert fresh(assignment).state is S.SUBMITTED


def test_reminders_are_counted_over_the_dossiers_one_knows(make, page, manager, reviewer):
    call, linked = make.call(), make.account("manager")
    seen, hidden = (make.application(state=ELIGIBLE, call=call) for _ in range(2))
    make.assignment(hidden, linked, state=S.RECUSED)
    make.assignment(seen, reviewer)
    for _ in range(2):
        make.assignment(hidden, make.account("reviewer"))
    page.get("reviewing.assign", call, as_=linked)
    assert "1 relance envoyée." in page.submit(action="/relancer").words
    assert len(letters("reviewing_reminder")) == 3
    with clock.fixed(clock.now() + timedelta(days=1)):
        page.get("reviewing.assign", call, as_=manager)
        assert "3 relances envoyées." in page.submit(action="/relancer").words
    auditor = make.account("auditor")
    assert "évaluatrices et évaluateurs" in page.get("desk.journal", as_=auditor).words
    make.assignment(hidden, auditor, state=S.RECUSED)
    text = page.get("desk.journal", as_=auditor).words
    assert ("Rappel envoyé" in text, "évaluatrices et évaluateurs" in text) == (True, False)


def test_those_who_still_owe_are_reminded_once_a_day(make, page, manager, reviewer):
    call = make.call()
    for _ in range(2):
        make.assignment(make.application(state=ELIGIBLE, call=call), reviewer)
    make.reviewed(make.application(state=ELIGIBLE, call=call), 3)
    page.get("reviewing.assign", call, as_=manager)
    assert "1 relance envoyée." in page.submit(action="/relancer").words
    (letter,) = letters("reviewing_reminder")
    assert letter.recipient == reviewer.email
    assert letter.subject == "Il vous reste 2 dossiers à évaluer"
    assert "Personne à relancer" in page.submit(action="/relancer").words
    with clock.fixed(clock.now() + timedelta(days=1)):
        page.sign_in(manager).get("reviewing.assign", call)
        page.submit(action="/relancer")
    assert len(letters("reviewing_reminder")) == 2


def test_the_pages_of_assignment_and_of_the_list_cost_the_same_for_one_and_for_three(
    make, page, manager, reviewer, queries
):
    call = make.call()
    make.assignment(make.application(state=ELIGIBLE, call=call), reviewer)
    counts = []
    for more in (0, 2):
        for _ in range(more):
            make.assignment(make.application(state=ELIGIBLE, call=call), reviewer)
        counts.append(
            (
                queries.count(lambda: page.get("reviewing.assign", call, as_=manager)),
                queries.count(lambda: page.get("reviewing.index", as_=reviewer)),
            )
        )
    assert counts[0] == counts[1]


def many(make, call, number):
    return [make.application(state=ELIGIBLE, call=call) for _ in range(number)]


def walked(page, answer, path):
    """What `path` finds on this page and on every one that follows it."""
    found = []
    while True:
        found.append(answer.tree.xpath(path))
        following = answer.tree.xpath("//a[@rel='next']/@href")
        if not following:
            return found
        answer = page.get(following[0])


def test_the_dossiers_to_assign_come_by_pages_without_loss_or_repetition(
    make, page, manager, reviewer, queries, monkeypatch
):
    monkeypatch.setattr(paging, "PAGE", 5)
    call = make.call()
    first, *_ = many(make, call, 2)
    page.get("reviewing.assign", call, as_=manager)
    few = queries.count(lambda: page.get("reviewing.assign", call))
    ids = [str(first.id), *(str(row.id) for row in many(make, call, 5))]
    for _ in range(2):
        make.assignment(first)
    answer = page.get("reviewing.assign", call)
    assert "7 résultats" in answer.words
    assert queries.count(lambda: page.get("reviewing.assign", call)) == few
    pages = walked(page, answer, "//input[@name='applications']/@value")
    assert [len(ids) for ids in pages] == [5, 2]
    seen = [key for keys in pages for key in keys]
    assert seen == [
        str(row.id) for row in sorted(
            db.session.scalars(select(Application).where(Application.call_id == call.id)),
            key=lambda row: (row.submitted_at, str(row.id)),
        )
    ]  # fmt: skip
    assert set(ids) <= set(seen)


def test_assigning_from_a_later_page_acts_on_its_ticks_and_comes_back_there(make, page, manager, reviewer, monkeypatch):
    monkeypatch.setattr(paging, "PAGE", 5)
    call = make.call()
    many(make, call, 6)
    answer = page.get("reviewing.assign", call, as_=manager, mots="00")
    following = answer.tree.xpath("//a[@rel='next']/@href")[0]
    assert "mots=00" in following
    (last,) = page.get(following).tree.xpath("//input[@name='applications']/@value")
    data = {"applications": [last], "reviewers": [], "due_on": "", "version": call.version}
    refused = page.post(following, data=data)
    assert refused.status == 422
    assert refused.tree.xpath("//input[@name='applications'][@checked]/@value") == [last]
    done = page.post(following, data={**data, "reviewers": [str(reviewer.id)]})
    assert done.location.split("?")[1].split("&") == following.split("?")[1].split("&")
    assert [str(row.application_id) for row in db.session.scalars(select(Assignment))] == [last]
    assert len(page.get(done.location).tree.xpath("//input[@name='applications']")) == 1


def test_assigning_reads_no_more_dossiers_than_are_ticked(make, page, manager, reviewer, queries):
    call = make.call()
    with unit_of_work():
        begin_examination(call)  # written once, by the first assignment of all
    ticked = many(make, call, 2)
    by = make.actor_of(manager)
    dossiers = [row.id for row in ticked]
    assert set(reviewing.assignable(call.id, dossiers, by)) == set(dossiers)
    page.sign_in(manager)
    page.get("reviewing.assign", call)
    few = queries.count(lambda: page.post("reviewing.assign", call, data=chosen(ticked, [reviewer])))
    others = many(make, call, 3)
    assert set(reviewing.assignable(call.id, dossiers, by)) == set(dossiers)
    second = make.account("reviewer")
    assert queries.count(lambda: page.post("reviewing.assign", call, data=chosen(others[:2], [second]))) == few


def test_a_manager_finds_a_dossier_by_words_and_who_still_needs_readers(make, page, manager, reviewer):
    call = make.call()
    bare = make.application(state=ELIGIBLE, call=call, title="Les paliers au frais")
    read = make.application(state=ELIGIBLE, call=call, title="Le vélo partagé")
    full_house = make.application(state=ELIGIBLE, call=call, title="Une cuisine commune")
    make.assignment(read, reviewer, state=S.OPEN)
    make.assignment(read, state=S.REMOVED)
    make.assignment(read, state=S.RECUSED)
    make.reviewed(full_house)
    page.sign_in(manager)

    def found(**filters):
        answer = page.get("reviewing.assign", call, **filters)
        return answer.tree.xpath("//input[@name='applications']/@value")

    assert found(mots="PALIERS frais") == [str(bare.id)]
    assert found(mots=read.reference) == [str(read.id)]
    assert found(moins="1") == [str(bare.id)]
    assert found(moins="2") == [str(bare.id), str(read.id)]
    assert found(moins="3") == [str(bare.id), str(read.id)]
    assert found(moins="2", mots="velo") == [str(read.id)]
    assert len(found(moins="beaucoup", after="abime")) == 3
    assert found(mots="%") == []
    assert "Aucun dossier ne correspond." in page.get("reviewing.assign", call, mots="introuvable").words
    options = page.get("reviewing.assign", call, moins="2").tree.xpath("//select[@name='moins']/option[@selected]")
    assert [option.text for option in options] == ["Moins de 2 évaluateurs"]


def test_past_the_last_dossier_the_page_leads_back_to_the_first(make, page, manager, reviewer):
    call = make.call()
    make.application(state=ELIGIBLE, call=call)
    after = cursor([(clock.now() + timedelta(days=900)).isoformat(), str(reviewer.id)])
    answer = page.get("reviewing.assign", call, as_=manager, after=after, moins="3")
    (back,) = answer.tree.xpath("//a[normalize-space()='Revenir au début de la liste']/@href")
    assert "moins=3" in back
    assert len(page.get(back).tree.xpath("//input[@name='applications']")) == 1


def test_a_list_of_readings_comes_by_pages_in_its_order_with_its_totals(make, page, reviewer, queries, monkeypatch):
    monkeypatch.setattr(paging, "PAGE", 10)
    call = make.call()
    begun, offered, sent = (
        [make.assignment(dossier, reviewer, state=state) for dossier in many(make, call, number)]
        for state, number in ((S.OPEN, 3), (S.OFFERED, 7), (S.SUBMITTED, 2))
    )
    with unit_of_work():
        for number, assignment in enumerate(offered[:4]):
            assignment.due_on = clock.today() + timedelta(days=30 - number)
    expected = [f"/evaluations/{row.id}" for row in (*begun, *reversed(offered[:4]), *offered[4:], *sent)]
    first = page.get("reviewing.index", as_=reviewer)
    assert "Il vous reste 10 dossiers à évaluer." in first.words
    cost = queries.count(lambda: page.get("reviewing.index"))
    pages = walked(page, first, "//main//h3/a/@href")
    assert [len(links) for links in pages] == [10, 2]
    assert [link for links in pages for link in links] == expected
    following = first.tree.xpath("//a[@rel='next']/@href")[0]
    later = page.get(following)
    assert queries.count(lambda: page.get(following)) == cost
    assert later.tree.xpath("//main//h2/text()") == ["Envoyées"]
    assert "Il vous reste 10 dossiers à évaluer." in later.words
    assert reviewing.reading_counts(reviewer.id) == {S.OFFERED: 7, S.OPEN: 3, S.SUBMITTED: 2}
    assert page.get("reviewing.index", after="abime").tree.xpath("//main//h3/a/@href") == expected[:10]
    goes_on = reviewing.next_reading(reviewer.id)
    assert (goes_on.id, goes_on.state) == (begun[0].id, S.OPEN)
    assert later.tree.xpath(f"//a[@href='{expected[0]}'][normalize-space()='Reprendre où j’en étais']")
    assert reviewing.next_reading(reviewer.id, besides=begun[0].id).id == begun[1].id


def test_as_many_readings_as_a_page_holds_make_one_page(make, page, reviewer, monkeypatch):
    monkeypatch.setattr(paging, "PAGE", 5)
    call = make.call()
    for dossier in many(make, call, 5):
        make.assignment(dossier, reviewer)
    answer = page.get("reviewing.index", as_=reviewer)
    assert len(answer.tree.xpath("//main//h3/a")) == 5
    assert not answer.tree.xpath("//nav[@class='pagination']")


@pytest.mark.parametrize("part", ["0", "7", "un"])
@pytest.mark.parametrize("received", ["2026-01-01T00:00:00", "0001-01-01T00:00:00+14:00", "hier"])
def test_a_damaged_place_in_the_readings_shows_the_first(make, page, reviewer, part, received):
    assignment = make.assignment(make.application(state=ELIGIBLE), reviewer)
    after = cursor([part, "2026-01-01", received, str(assignment.id)])
    assert page.get("reviewing.index", as_=reviewer, after=after).tree.xpath("//main//h3/a")


def test_a_manager_with_a_link_does_not_assign_that_dossier(make, page, manager, reviewer):
    call = make.call()
    hidden = make.application(state=ELIGIBLE, call=call, title=CANARY)
    shown = make.application(state=ELIGIBLE, call=call)
    assignment = make.assignment(hidden, reviewer)
    with unit_of_work() as session:
        session.add(Interest(application_id=hidden.id, account_id=manager.id, nature=InterestNature.LEADER,
                             declared_at=clock.now()))  # fmt: skip
    answer = page.get("reviewing.assign", call, as_=manager)
    assert CANARY not in answer.text
    assert shown.title in answer.words
    assert page.post("reviewing.assign", call, data=chosen([hidden], [reviewer])).status == 422
    assert page.get("reviewing.remove", assignment).status == 404
    assert page.get("reviewing.results", hidden).status == 404


@pytest.mark.parametrize("role", ["reviewer", "finance", "auditor", "administrator"])
def test_assigning_is_for_managers(make, page, role):
    call = make.call()
    person = make.account(role)
    assert page.get("reviewing.assign_index", as_=person).status == 403
    assert page.get("reviewing.assign", call).status == 403
    assert page.post("reviewing.remind", call).status == 403
