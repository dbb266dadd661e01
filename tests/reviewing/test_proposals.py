"""A proposal of who reads what: asked for, computed by the worker, adjusted by hand, accepted whole or not at all."""

from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import select

from grants.applications.actions import withdraw
from grants.applications.lifecycle import ApplicationState
from grants.kernel import clock, jobs, journal
from grants.kernel.db import db, unit_of_work
from grants.kernel.errors import InvalidError
from grants.kernel.jobs import Job
from grants.kernel.outbox import Letter
from grants.people.models import MemberRole, Membership
from grants.reviewing import actions, exports, queries
from grants.reviewing.actions import tell_link
from grants.reviewing.lifecycle import AssignmentState
from grants.reviewing.models import Assignment, InterestNature
from grants.reviewing.rules import Wanted, clash_in_words
from tests.crowd import at_once

S = AssignmentState
ELIGIBLE = ApplicationState.ELIGIBLE


@pytest.fixture
def manager(make):
    return make.account("manager")


@pytest.fixture
def committee(make):
    """Four people: two users, an expert, an elected member."""
    people = [("Ana Roux", "user"), ("Bruno Petit", "user"), ("Chloé Morel", "expert"), ("Denis Faure", "elected")]
    return [make.account("reviewer", name=name, college=college) for name, college in people]


@pytest.fixture
def ask(page, manager):
    """Give a function that asks for a proposal about a call, lets the worker make it, and opens its page."""

    def asked(call, by=manager, **said):
        page.get("reviewing.propose", call, as_=by)
        assert page.submit({"readers": "2", **said}).status == 200
        assert jobs.run_waiting() == 1
        return page.get("reviewing.proposal", job())

    return asked


def job():
    db.session.rollback()
    return db.session.scalars(select(Job).order_by(Job.asked_at.desc()).limit(1)).one()


def wanted(call, readers=2, most=None, seats=None, bounds=None):
    return Wanted(str(call.id), readers, most, seats or {}, bounds or {})


def made(call, *about, hidden=(), **more):
    return exports.proposed(queries.assignment_ground(call.id, hidden), wanted(call, *about, **more))


def pairs(proposal):
    return {(pair.application_id, pair.reviewer_id) for pair in proposal.pairs}


def assigned():
    db.session.rollback()
    rows = db.session.scalars(select(Assignment).where(Assignment.state == S.OFFERED))
    return {(row.application_id, row.reviewer_id) for row in rows}


def test_a_proposal_is_asked_for_computed_and_accepted_whole(make, page, committee, ask):
    call = make.call()
    dossiers = [make.application(state=ELIGIBLE, call=call) for _ in range(4)]
    answer = ask(call, seats_user="1", most="3")
    assert "Proposition d’affectation" in answer.words
    assert "siège du collège « Usagers » : 2 dossiers en tout" in answer.words
    assert assigned() == set()
    due_on = clock.today() + timedelta(days=20)
    answer = page.submit({"due_on": due_on.isoformat()})
    assert "8 affectations faites." in answer.words
    found = assigned()
    assert len(found) == 8
    assert {person for _dossier, person in found} == {person.id for person in committee}
    users = {person.id for person in committee if person.name in {"Ana Roux", "Bruno Petit"}}
    assert all(any((dossier.id, user) in found for user in users) for dossier in dossiers)
    assert {row.due_on for row in db.session.scalars(select(Assignment))} == {due_on}
    sent = db.session.scalars(select(Letter).where(Letter.kind == "reviewing_assigned")).all()
    assert sorted(letter.recipient for letter in sent) == sorted(person.email for person in committee)
    events = [entry.event for entry in journal.of(db.session.scalars(select(Assignment)).first())]
    assert events == ["assignment.offered"]
    assert page.post("reviewing.proposal", job(), data={"pairs": [str(rank) for rank in range(8)]}).status == 302
    assert len(assigned()) == 8
    assert "Chaque dossier a déjà autant de personnes que demandé." in ask(call).words


@pytest.mark.neutral
def test_what_is_ticked_and_added_by_hand_is_what_is_assigned(make, page, committee, ask):
    call = make.call()
    one = make.application(state=ELIGIBLE, call=call)
    ask(call, readers="1", **{f"bound_{person.id.hex}": "0" for person in committee[1:]})
    field = f"added_{one.id.hex}"
    for name in ("Personne d’inconnu", "ana"):
        answer = page.submit({field: name, "pairs": []})
        assert answer.status == 422
        assert "Personne au comité ne porte ce nom." in answer.words
    answer = page.submit({field: "", "pairs": []})
    assert "Cochez au moins une affectation." in answer.words
    page.submit({field: " denis  FAURE ", "pairs": []})
    assert assigned() == {(one.id, committee[3].id)}
    answer = page.post("reviewing.proposal", job(), data={"pairs": ["7"]})
    assert (answer.status, assigned()) == (422, {(one.id, committee[3].id)})


def test_links_and_assignments_of_today_are_respected(make, committee):
    call = make.call()
    one, two = (make.application(state=ELIGIBLE, call=call) for _ in range(2))
    ana, bruno, chloe, denis = committee
    make.assignment(one, ana)
    make.assignment(one, bruno, state=S.REMOVED)
    make.assignment(two, bruno, state=S.RECUSED)
    make.assignment(two, chloe, state=S.OPEN)
    found = made(call)
    assert pairs(found) in ({(one.id, denis.id), (two.id, ana.id)}, {(one.id, chloe.id), (two.id, denis.id)},
                            {(one.id, denis.id), (two.id, denis.id)})  # fmt: skip
    assert sum(found.after.values()) == 4
    assert (found.before[ana.id], found.before[bruno.id], found.after[bruno.id]) == (1, 0, 0)
    assert pairs(made(call, hidden=[one.id])) < {(two.id, person.id) for person in committee}


def test_who_reads_without_sitting_any_more_counts_and_is_given_nothing(make, committee):
    call = make.call()
    one = make.application(state=ELIGIBLE, call=call)
    gone = make.account()
    make.assignment(one, gone)
    found = made(call)
    assert len(found.pairs) == 1
    assert gone.id not in found.after


@pytest.mark.neutral
def test_rules_that_clash_are_told_in_words(make, page, committee, ask):
    call = make.call()
    make.application(state=ELIGIBLE, call=call)
    answer = ask(call, readers="1", seats_user="1", seats_expert="1")
    assert "Ces règles ne peuvent pas être respectées ensemble" in answer.words
    assert "au moins 1 personne du collège « Experts » sur chaque dossier" in answer.words
    assert not answer.tree.xpath("//main//input[@name='pairs']")
    clash = ["readers_per_dossier", "max_load", "conflicts", "kept"]
    with page.app.test_request_context():
        assert len(set(clash_in_words(clash, wanted(call, most=4)))) == 4
        assert "certaines personnes" in clash_in_words(["max_load"], wanted(call))[0]


def test_what_became_impossible_is_told_line_by_line_and_nothing_is_written(make, page, committee, ask):
    call = make.call()
    linked, withdrawn, fine = (make.application(state=ELIGIBLE, call=call) for _ in range(3))
    ask(call, readers="4")
    with unit_of_work():
        tell_link(linked.reference, InterestNature.FAMILY, "", by=make.actor_of(committee[0]))
    with unit_of_work():
        withdraw(db.session.merge(withdrawn), reason="Trop tôt.", by=make.actor_of(make.account()))
    answer = page.submit()
    assert answer.status == 422
    assert "Rien n’a été affecté : 2 affectations ne sont plus possibles." in answer.words
    assert f"{linked.reference}, Ana Roux : un lien est connu." in answer.words
    assert "Un dossier de la proposition n’est plus à évaluer." in answer.words
    assert assigned() == set()
    assert db.session.scalars(select(Letter).where(Letter.kind == "reviewing_assigned")).all() == []
    assert fine.reference in answer.words


def test_nothing_is_proposed_nor_accepted_after_the_freeze(make, page, committee, ask):
    call = make.call()
    make.application(state=ELIGIBLE, call=call)
    ask(call)
    with unit_of_work():
        db.session.merge(call).marks_frozen_at = clock.now()
    assert page.post("reviewing.proposal", job(), data={"pairs": ["0"]}).status == 409
    assert page.post("reviewing.propose", call, data={"readers": "2"}).status == 409
    assert "figées" in page.get("reviewing.proposal", job()).words
    assert assigned() == set()


@pytest.mark.neutral
@pytest.mark.parametrize(
    ("field", "value"),
    [("readers", ""), ("readers", "0"), ("readers", "deux"), ("readers", "21"), ("most", "-1"), ("most", "1,5"),
     ("seats_user", "21"), ("seats_user", "NaN")],
)  # fmt: skip
def test_what_is_asked_wrongly_is_refused_on_its_field(make, page, manager, committee, field, value):
    call = make.call()
    page.get("reviewing.propose", call, as_=manager)
    answer = page.submit({"readers": "2", field: value})
    assert answer.status == 422
    assert answer.tree.xpath(f"//*[@id='{field}-error']")
    assert db.session.scalars(select(Job)).all() == []


def test_a_proposal_is_for_whoever_asked_and_hides_what_they_may_not_know(make, page, manager, committee, ask):
    call = make.call()
    seen, hidden = (make.application(state=ELIGIBLE, call=call) for _ in range(2))
    linked = make.account("manager")
    make.assignment(hidden, linked, state=S.RECUSED)
    answer = ask(call, by=linked)
    assert seen.reference in answer.words
    assert hidden.reference not in answer.words
    theirs = job()
    assert {pair.application_id for pair in exports.proposal_of(theirs).pairs} == {seen.id}
    assert page.get("reviewing.proposal", theirs, as_=manager).status == 404
    with unit_of_work():
        tell_link(seen.reference, InterestNature.FAMILY, "", by=make.actor_of(linked))
    answer = page.get("reviewing.proposal", theirs, as_=linked)
    assert answer.status == 403
    assert seen.reference not in answer.words


@pytest.mark.neutral
def test_without_dossiers_or_committee_the_job_says_so(make, page, manager, committee):
    call = make.call()
    page.get("reviewing.propose", call, as_=manager)
    page.submit({"readers": "2"})
    assert jobs.run_waiting() == 1
    assert "il n’y a rien à proposer" in page.get("desk.job", job()).words
    page.get("reviewing.proposal", job())
    assert page.last.status == 302


def test_two_managers_who_accept_at_once_make_each_assignment_once(app, make, committee):
    call = make.call()
    keys = [make.application(state=ELIGIBLE, call=call).id for _ in range(2)]
    chosen = [(key, person.id) for key in keys for person in committee]
    managers = [make.actor("manager") for _ in range(3)]
    call_id, given = call.id, queries.given_digest(call.id, frozenset())
    db.session.remove()

    def accept(by):
        actions.accept(
            db.session.get_one(type(call), call_id), chosen, due_on=None, given=given, hidden=frozenset(), by=by
        )

    assert at_once(app, *[lambda by=by: accept(by) for by in managers])
    assert assigned() == set(chosen)
    assert len(db.session.scalars(select(Letter).where(Letter.kind == "reviewing_assigned")).all()) == 4


def test_a_proposal_made_before_somebody_else_assigned_is_not_taken_any_more(make, page, committee, ask):
    call = make.call()
    one = make.application(state=ELIGIBLE, call=call)
    ask(call)
    make.assignment(one, make.account("reviewer"))
    page.get("reviewing.proposal", job())
    page.submit({})
    assert page.last.status == 422
    assert "Les affectations ont changé" in page.last.words
    assert len(assigned()) == 1


def test_the_action_refuses_strangers(make, committee):
    call = make.call()
    one = make.application(state=ELIGIBLE, call=call)
    pairs = [(one.id, uuid4()), (uuid4(), committee[0].id)]
    with pytest.raises(InvalidError) as refused, unit_of_work():
        actions.accept(call, pairs, due_on=None, given="", hidden=frozenset(), by=make.actor("manager"))
    assert len(refused.value.facts["refused"]) == 2


# ---- somebody replaced, late reviews ---------------------------------------------------------------------------------


def letters(kind):
    db.session.rollback()
    return db.session.scalars(select(Letter).where(Letter.kind == kind).order_by(Letter.recipient)).all()


def replaced(page, manager, assignment, person, **more):
    page.get("reviewing.replace", assignment, as_=manager)
    return page.submit({"reviewer": str(person.id), **more})


def test_a_reviewer_is_replaced_in_one_act_and_both_are_written_to(make, page, manager, committee):
    application = make.application(state=ELIGIBLE)
    due_on = clock.today() + timedelta(days=9)
    first = make.assignment(application, committee[0], state=S.OPEN, due_on=due_on)
    answer = replaced(page, manager, first, committee[1])
    assert "Dossier confié à quelqu’un d’autre." in answer.words
    assert queries.result_of(db.session.merge(application)).reviews == 0
    assert assigned() == {(application.id, committee[1].id)}
    assert db.session.get(Assignment, first.id).state is S.REMOVED
    assert db.session.scalars(select(Assignment.due_on).where(Assignment.state == S.OFFERED)).one() == due_on
    (told,) = letters("reviewing_taken_back")
    assert told.recipient == committee[0].email
    assert application.reference in told.body
    assert application.title not in told.body
    assert [letter.recipient for letter in letters("reviewing_assigned")] == [committee[1].email]
    assert page.get("reviewing.review", first, as_=committee[0]).status == 404


@pytest.mark.parametrize("bar", ["link", "reading", "recused"])
def test_who_may_not_read_a_dossier_takes_nobodys_place(make, page, manager, committee, bar):
    application = make.application(state=ELIGIBLE)
    first, other = make.assignment(application, committee[0], state=S.OPEN), committee[1]
    page.get("reviewing.replace", first, as_=manager)
    if bar == "link":
        with unit_of_work():
            tell_link(application.reference, InterestNature.FAMILY, "", by=make.actor_of(other))
    else:
        make.assignment(application, other, state=S.OPEN if bar == "reading" else S.RECUSED)
    answer = page.submit({"reviewer": str(other.id)})
    assert answer.status == 422
    assert answer.tree.xpath("//*[@id='reviewer-error']")
    assert str(other.id) not in answer.tree.xpath("//select[@name='reviewer']/option/@value")
    assert db.session.get(Assignment, first.id).state is S.OPEN
    assert letters("reviewing_taken_back") == letters("reviewing_assigned") == []


@pytest.mark.neutral
def test_a_sent_review_and_frozen_marks_are_not_replaced(make, page, manager, committee):
    sent = make.reviewed(make.application(state=ELIGIBLE), 3)[0]
    assert replaced(page, manager, sent, committee[1]).status == 409
    application = make.application(state=ELIGIBLE)
    first = make.assignment(application, committee[0])
    with unit_of_work():
        db.session.merge(application.call).marks_frozen_at = clock.now()
    assert replaced(page, manager, first, committee[1]).status == 409
    assert letters("reviewing_taken_back") == []


def test_somebody_with_a_link_is_not_written_to_about_the_dossier(make, page, manager, committee):
    application = make.application(state=ELIGIBLE)
    first = make.assignment(application, committee[0])
    with unit_of_work() as session:
        session.add(Membership(account_id=committee[0].id, organisation_id=application.organisation_id,
                               role=MemberRole.EDITOR, since_at=clock.now()))  # fmt: skip
    replaced(page, manager, first, committee[1])
    assert assigned() == {(application.id, committee[1].id)}
    assert letters("reviewing_taken_back") == []


def test_two_managers_replace_once(app, make, committee):
    application = make.application(state=ELIGIBLE)
    key = make.assignment(application, committee[0]).id
    managers, others = [make.actor("manager") for _ in range(2)], [person.id for person in committee[1:3]]
    db.session.remove()

    def replace(by, other):
        actions.replace(db.session.get_one(Assignment, key), other, due_on=None, by=by)

    (winner,) = at_once(app, *[lambda p=pair: replace(*p) for pair in zip(managers, others, strict=True)])
    assert {person for _dossier, person in assigned()} == {others[winner]}
    assert len(letters("reviewing_taken_back")) == 1


def test_late_reviewers_are_seen_and_reminded_alone(make, page, manager, committee):
    call, ago = make.call(), clock.today() - timedelta(days=1)
    dossiers = [make.application(state=ELIGIBLE, call=call) for _ in range(3)]
    make.assignment(dossiers[0], committee[0], due_on=ago)
    make.assignment(dossiers[1], committee[0])
    make.assignment(dossiers[0], committee[1], due_on=clock.today())
    make.assignment(dossiers[0], committee[2], state=S.SUBMITTED, due_on=ago)
    make.assignment(dossiers[2], committee[3], state=S.RECUSED, due_on=ago)
    answer = page.get("reviewing.assign", call, as_=manager)
    assert answer.words.count("1 en retard") == 1
    assert "3 / 31 envoyée" in answer.words
    for _ in range(2):
        page.get("reviewing.assign", call)
        page.post("reviewing.remind", call, data={"late": "1"})
    (sent,) = letters("reviewing_reminder")
    assert sent.recipient == committee[0].email
    assert "2 évaluations" in sent.body
    assert "1 était attendue avant aujourd’hui." in sent.body
    page.post("reviewing.remind", call)
    assert [letter.recipient for letter in letters("reviewing_reminder")] == [committee[0].email, committee[1].email]
    assert "attendue" not in letters("reviewing_reminder")[1].body
