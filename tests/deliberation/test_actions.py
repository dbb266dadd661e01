"""Acts of the committee: money reserved to the cent, recommendations frozen for good, what a decision refuses
released."""

import random
import threading
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm.exc import StaleDataError

from grants.applications import actions as applications
from grants.applications.lifecycle import ApplicationState
from grants.applications.models import Application
from grants.awards import queries as awards
from grants.calls.models import Call
from grants.deliberation import actions, queries
from grants.deliberation.lifecycle import LIFECYCLE, MeetingState
from grants.deliberation.models import Decision, Meeting, Recommendation
from grants.deliberation.rules import Act, RecommendationInput, Verdict, Vote
from grants.kernel import clock, journal
from grants.kernel.actor import Actor
from grants.kernel.db import db, unit_of_work
from grants.kernel.errors import ConflictError, ForbiddenError, InvalidError, RefusedError
from grants.kernel.money import Money
from grants.kernel.outbox import Letter
from grants.reviewing import actions as reviewing
from grants.reviewing.models import InterestNature
from tests.factories import Make

S, V = ApplicationState, Verdict
EUROS = Money.euros


@pytest.fixture
def by(make: Make) -> Actor:
    return make.actor("manager")


@pytest.fixture
def call(make: Make) -> Call:
    return make.call(closes_at=clock.now() - timedelta(days=2), envelope=EUROS(20_000))


def yes(amount: int, conditions: str = "", reason: str = "Répond au besoin.") -> RecommendationInput:
    verdict = V.FAVOURABLE_WITH_CONDITIONS if conditions else V.FAVOURABLE
    return RecommendationInput(verdict, EUROS(amount), conditions, reason)


NO = RecommendationInput(V.UNFAVOURABLE, None, "", "Trop vague.")


def recommend(
    application: Application, recommendation: RecommendationInput, by: Actor, version: int | None = 0
) -> Recommendation:
    with unit_of_work():
        return actions.recommend(application, recommendation, version=version, by=by)


def prepared(call: Call, by: Actor) -> Meeting:
    with unit_of_work():
        return actions.prepare(call, title="Comité", held_on=clock.today(), by=by)


def frozen(call: Call, by: Actor, *recommendations: tuple[Application, RecommendationInput]) -> Meeting:
    meeting = prepared(call, by)
    for application, recommendation in recommendations:
        recommend(application, recommendation, by)
    with unit_of_work():
        actions.freeze(meeting, by=by)
    return meeting


def act(meeting: Meeting, by: Actor, votes: dict[Any, Vote] | None = None, **values: Any) -> None:
    typed = {"number": "2019-3620", "on": clock.today(), "body": "Conseil", "receipt": "", **values}
    with unit_of_work():
        actions.record_act(meeting, Act(**typed), votes or {}, by=by)


def committed(call: Call) -> tuple[int, int]:
    """What the call and the fund hold, in euros."""
    db.session.expire_all()
    return call.committed.cents // 100, call.fund.committed.cents // 100


def eligible(make: Make, call: Call, **columns: Any) -> Application:
    return make.application(state=S.ELIGIBLE, call=call, **columns)


# ---- preparing -----------------------------------------------------------------------------------------------------


def test_a_meeting_waits_for_the_closing_and_for_something_to_examine(app: Flask, make: Make, by: Actor) -> None:
    with pytest.raises(RefusedError, match="clos"), unit_of_work():
        actions.prepare(make.call(), title="Comité", held_on=clock.today(), by=by)
    empty = make.call(closes_at=clock.now() - timedelta(days=1))
    with pytest.raises(RefusedError, match="recevable"), unit_of_work():
        actions.prepare(empty, title="Comité", held_on=clock.today(), by=by)
    eligible(make, empty)
    with pytest.raises(InvalidError) as early, unit_of_work():
        actions.prepare(empty, title="Comité", held_on=clock.today() - timedelta(days=9), by=by)
    assert early.value.field == "held_on"
    prepared(empty, by)
    with pytest.raises(RefusedError, match="existe"), unit_of_work():
        actions.prepare(empty, title="Comité", held_on=clock.today(), by=by)


def test_a_meeting_edited_by_two_people_keeps_the_first_text(app: Flask, make: Make, call: Call, by: Actor) -> None:
    eligible(make, call)
    meeting = prepared(call, by)
    seen = meeting.version
    with unit_of_work():
        actions.edit(meeting, title="Jury", held_on=clock.today(), version=seen, by=by)
    with pytest.raises(ConflictError), unit_of_work():
        actions.edit(meeting, title="Autre", held_on=clock.today(), version=seen, by=by)
    assert meeting.title == "Jury"


# ---- money ---------------------------------------------------------------------------------------------------------


def test_a_recommendation_reserves_its_amount_and_gives_back_what_it_no_longer_asks(
    app: Flask, make: Make, call: Call, by: Actor
) -> None:
    application = eligible(make, call, requested=EUROS(9_000))
    make.reviewed(application, 2, 3, 4)
    prepared(call, by)
    given = recommend(application, yes(9_000), by)
    assert committed(call) == (9_000, 9_000)
    assert given.score_hundredths == 7500
    recommend(application, yes(6_000), by, given.version)
    assert committed(call) == (6_000, 6_000)
    recommend(application, yes(7_000, "Ouvrir le samedi"), by, given.version)
    assert committed(call) == (7_000, 7_000)
    recommend(application, NO, by, given.version)
    assert committed(call) == (0, 0)
    recommend(application, yes(5_000), by, given.version)
    with unit_of_work():
        actions.withdraw_recommendation(application, version=given.version, by=by)
    assert committed(call) == (0, 0)
    assert queries.recommendation_of(application.id) is None
    events = [entry.event for entry in journal.of_dossier(application.id) if entry.event.startswith("recomm")]
    assert events == ["recommendation.made", *["recommendation.changed"] * 4, "recommendation.removed"]


def test_the_envelope_of_the_call_refuses_with_what_is_left(app: Flask, make: Make, call: Call, by: Actor) -> None:
    first, second = (eligible(make, call, requested=EUROS(10_000)) for _ in range(2))
    third = eligible(make, call, requested=EUROS(6_000))
    prepared(call, by)
    given = recommend(first, yes(8_000), by)
    recommend(second, yes(9_000), by)
    with pytest.raises(RefusedError, match="Enveloppe insuffisante") as refused:
        recommend(third, yes(6_000), by)
    assert refused.value.field == "amount"
    assert refused.value.facts == {"requested": 600_000, "left": 300_000}
    assert committed(call) == (17_000, 17_000)
    assert queries.recommendation_of(third.id) is None
    recommend(first, yes(10_000), by, given.version)
    with pytest.raises(RefusedError) as refused:
        recommend(third, yes(5_000), by)
    assert refused.value.facts["left"] == 100_000
    assert committed(call) == (19_000, 19_000)


def test_the_envelope_of_the_fund_refuses_too_and_the_call_keeps_nothing(
    app: Flask, make: Make, call: Call, by: Actor
) -> None:
    application = eligible(make, call)
    prepared(call, by)
    with unit_of_work():
        call.fund.envelope = EUROS(7_500)
    with pytest.raises(RefusedError, match="Enveloppe insuffisante"):
        recommend(application, yes(8_000), by)
    assert committed(call) == (0, 0)
    recommend(application, yes(7_500), by)
    assert committed(call) == (7_500, 7_500)


def test_the_database_itself_refuses_more_than_the_envelope(app: Flask, make: Make, call: Call) -> None:
    for table in ("call", "fund"):
        with pytest.raises(IntegrityError), unit_of_work() as session:
            session.execute(text(f"UPDATE {table} SET committed_cents = envelope_cents + 1"))


def test_whatever_is_recommended_the_sums_are_exact_and_within_the_envelope(
    app: Flask, make: Make, call: Call, by: Actor
) -> None:
    dossiers = [eligible(make, call, requested=EUROS(amount)) for amount in (5_000, 7_000, 9_000, 10_000)]
    prepared(call, by)
    chance, refused = random.Random(20190214), 0
    for _ in range(60):
        application = chance.choice(dossiers)
        known = queries.recommendation_of(application.id)
        version = known.version if known else 0
        asked = application.requested.cents // 100 if application.requested else 0
        try:
            if known and chance.random() < 0.2:
                with unit_of_work():
                    actions.withdraw_recommendation(application, version=version, by=by)
            else:
                recommend(application, chance.choice([NO, yes(chance.randint(1, asked)), yes(asked)]), by, version)
        except RefusedError:
            refused += 1
        held = db.session.scalar(select(func.sum(Recommendation.amount))) or Money(0)
        assert committed(call) == (held.cents // 100, held.cents // 100)
        assert held <= call.envelope
        assert list(queries.problems()) == []
    assert refused


def test_thirty_two_people_at_once_never_pass_the_envelope(app: Flask, make: Make, by: Actor) -> None:
    call = make.call(closes_at=clock.now() - timedelta(days=2), envelope=EUROS(30_000))
    ids = [eligible(make, call).id for _ in range(8)]
    prepared(call, by)
    call_id = call.id
    db.session.remove()
    outcomes: list[str] = []
    start = threading.Barrier(32)

    def person(number: int) -> None:
        with app.app_context():
            application_id = ids[number % len(ids)]
            start.wait()
            try:
                with unit_of_work():
                    application = db.session.get_one(Application, application_id)
                    known = queries.recommendation_of(application_id)
                    recommendation = yes(8_000 - 1_000 * (number // 8))
                    actions.recommend(application, recommendation, version=known.version if known else 0, by=by)
                outcomes.append("given")
            except RefusedError as error:
                outcomes.append("refused" if "Enveloppe" in error.message else error.message)
            except (ConflictError, StaleDataError, IntegrityError):
                outcomes.append("conflict")
            finally:
                db.session.remove()

    threads = [threading.Thread(target=person, args=(number,)) for number in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(outcomes) == 32
    assert set(outcomes) <= {"given", "refused", "conflict"}
    assert "given" in outcomes
    assert "refused" in outcomes
    call = db.session.get_one(Call, call_id)
    held = db.session.scalar(select(func.sum(Recommendation.amount)))
    assert Money(0) < held <= call.envelope
    assert call.committed == call.fund.committed == held
    assert list(queries.problems()) == []
    assert list(journal.broken_links()) == []


# ---- what a recommendation must say ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("recommendation", "field"),
    [
        (RecommendationInput(V.FAVOURABLE, EUROS(8_001), "", "Oui."), "amount"),
        (RecommendationInput(V.FAVOURABLE, None, "", "Oui."), "amount"),
        (RecommendationInput(V.UNFAVOURABLE, EUROS(10), "", "Non."), "amount"),
        (RecommendationInput(V.FAVOURABLE_WITH_CONDITIONS, EUROS(8_000), "", "Oui."), "conditions"),
        (RecommendationInput(V.FAVOURABLE, EUROS(4_000), "", ""), "reason"),
        (RecommendationInput(V.UNFAVOURABLE, None, "", ""), "reason"),
    ],
)
def test_an_incomplete_recommendation_is_refused_on_its_field_and_writes_nothing(
    app: Flask, make: Make, call: Call, by: Actor, recommendation: RecommendationInput, field: str
) -> None:
    application = eligible(make, call)
    prepared(call, by)
    with pytest.raises(InvalidError) as refused:
        recommend(application, recommendation, by)
    assert refused.value.field == field
    assert committed(call) == (0, 0)


def test_a_recommendation_written_meanwhile_is_shown_beside_the_other(
    app: Flask, make: Make, call: Call, by: Actor
) -> None:
    application = eligible(make, call)
    prepared(call, by)
    recommend(application, yes(8_000, reason="Premier avis."), by)
    for version in (None, 99):
        with pytest.raises(ConflictError) as stale:
            recommend(application, yes(5_000, reason="Second avis."), by, version)
        assert stale.value.facts["versions"][0]["mine"] == "Second avis."
        assert stale.value.facts["versions"][0]["theirs"] == "Premier avis."
    assert committed(call) == (8_000, 8_000)


def test_nobody_recommends_on_their_own_organisation(app: Flask, make: Make, call: Call) -> None:
    manager = make.account("manager")
    application = eligible(make, call, organisation=make.organisation(manager))
    prepared(call, make.actor("manager"))
    with pytest.raises(ForbiddenError):
        recommend(application, yes(8_000), make.actor_of(manager))
    assert committed(call) == (0, 0)


# ---- freezing ------------------------------------------------------------------------------------------------------


def test_freezing_waits_for_every_recommendation_every_screening_and_the_day(
    app: Flask, make: Make, call: Call, by: Actor
) -> None:
    first, second = eligible(make, call), eligible(make, call)
    waiting = make.application(state=S.SUBMITTED, call=call)
    with unit_of_work():
        meeting = actions.prepare(call, title="Comité", held_on=clock.today() + timedelta(days=4), by=by)

    def refusal() -> str:
        with pytest.raises(RefusedError) as refused, unit_of_work():
            actions.freeze(meeting, by=by)
        return refused.value.message

    assert "prévue" in refusal()
    with unit_of_work():
        actions.edit(meeting, title="Comité", held_on=clock.today(), version=meeting.version, by=by)
    assert "1 dossier attend encore une décision de recevabilité" in refusal()
    with unit_of_work():
        applications.withdraw(waiting, reason="Trop tôt", by=make.actor_of(make.member_of(waiting.organisation)))
    assert "2 dossiers" in refusal()
    recommend(first, yes(8_000), by)
    assert "1 dossier recevable" in refusal()
    recommend(second, NO, by)
    with unit_of_work():
        actions.freeze(meeting, by=by)
    assert meeting.state is MeetingState.FROZEN
    assert call.marks_frozen_at == meeting.frozen_at is not None


def test_an_extension_given_while_marks_are_being_frozen_holds_them_back(
    make: Make, call: Call, by: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    draft, dossier, meeting = make.application(call=call), eligible(make, call), prepared(call, by)
    recommend(dossier, yes(8_000), by)
    held = actions._hold_dossiers

    def given_before(meeting: Meeting) -> None:
        ends_at = clock.now() + timedelta(days=1)
        applications.give_extension(draft, ends_at=ends_at, reason="Panne.", sits_on=None, seen=0, by=by)
        held(meeting)

    monkeypatch.setattr(actions, "_hold_dossiers", given_before)
    with pytest.raises(RefusedError, match="il peut encore arriver"), unit_of_work():
        actions.freeze(meeting, by=by)
    assert call.marks_frozen_at is None


def test_after_the_freezing_action_and_sql_refuse_marks_and_recommendations(
    app: Flask, make: Make, call: Call, by: Actor
) -> None:
    application = eligible(make, call)
    assignment = make.reviewed(application, 3)[0]
    frozen(call, by, (application, yes(8_000)))
    known = queries.recommendation_of(application.id)
    assert known is not None
    with pytest.raises(RefusedError, match="figés"):
        recommend(application, NO, by, known.version)
    with pytest.raises(RefusedError, match="figés"), unit_of_work():
        actions.withdraw_recommendation(application, version=known.version, by=by)
    for statement in (
        "UPDATE recommendation SET amount_cents = 1",
        "DELETE FROM recommendation",
        "UPDATE mark SET points = 4",
        "DELETE FROM mark",
        "UPDATE assignment SET committee_comment = 'Après coup'",
        "DELETE FROM assignment",
        (
            "INSERT INTO interest (id, application_id, account_id, nature, text, declared_at) "
            "SELECT id, application_id, reviewer_id, 'member', '', declared_at FROM assignment"
        ),
        "UPDATE call SET marks_frozen_at = NULL",
        "UPDATE meeting SET state = 'preparing'",
    ):
        with pytest.raises(DBAPIError), unit_of_work() as session:
            session.execute(text(statement))
    assert assignment.marks
    assert committed(call) == (8_000, 8_000)


@pytest.mark.parametrize(("verb", "state"), LIFECYCLE.impossible())
def test_a_meeting_refuses_a_move_outside_its_states(
    app: Flask, make: Make, call: Call, by: Actor, verb: str, state: MeetingState
) -> None:
    meeting = make.meeting(call, state=state)
    with pytest.raises(RefusedError):
        journal.advance(LIFECYCLE, meeting, verb, by=by)
    assert meeting.state is state


# ---- a dossier withdrawn on the way --------------------------------------------------------------------------------


def give_up(make: Make, application: Application) -> None:
    with unit_of_work():
        applications.withdraw(
            application, reason="Projet reporté", by=make.actor_of(make.member_of(application.organisation))
        )


def test_a_dossier_withdrawn_before_the_freezing_gives_its_money_back(
    app: Flask, make: Make, call: Call, by: Actor
) -> None:
    gone, stays = eligible(make, call), eligible(make, call)
    meeting = prepared(call, by)
    recommend(gone, yes(8_000), by)
    recommend(stays, yes(5_000), by)
    give_up(make, gone)
    assert list(queries.problems()) == []
    with unit_of_work():
        actions.freeze(meeting, by=by)
    assert committed(call) == (5_000, 5_000)
    assert list(queries.problems()) == []


def test_a_dossier_withdrawn_before_the_act_gets_no_decision(app: Flask, make: Make, call: Call, by: Actor) -> None:
    gone, stays = eligible(make, call), eligible(make, call)
    meeting = frozen(call, by, (gone, yes(8_000)), (stays, yes(5_000)))
    give_up(make, gone)
    act(meeting, by)
    assert queries.decision_of(gone.id) is None
    assert committed(call) == (5_000, 5_000)
    assert list(queries.problems()) == []


def test_a_dossier_withdrawn_before_the_publication_is_not_announced(
    app: Flask, make: Make, call: Call, by: Actor
) -> None:
    gone, stays = eligible(make, call), eligible(make, call)
    meeting = frozen(call, by, (gone, yes(8_000)), (stays, yes(5_000)))
    act(meeting, by)
    give_up(make, gone)
    assert list(queries.problems()) == []
    with unit_of_work():
        assert actions.publish(meeting, by=by) == 1
    assert gone.state is S.WITHDRAWN
    assert committed(call) == (5_000, 5_000)
    assert list(queries.problems()) == []
    assert [decision.application_id for decision in awards.decisions_without_award(by)] == [stays.id]
    assert queries.published_decision_of(gone.id) is None


def test_what_a_hidden_dossier_gave_back_is_not_taken_away_again(app: Flask, make: Make, call: Call, by: Actor) -> None:
    seen, hidden = eligible(make, call), eligible(make, call)
    linked = make.actor("manager")
    with unit_of_work():
        reviewing.tell_link(str(hidden.reference), InterestNature.FAMILY, "", by=linked)

    def held() -> Money:
        db.session.expire_all()
        return queries.ranking_of(call, linked).held

    meeting = frozen(call, by, (seen, yes(5_000)), (hidden, yes(7_000)))
    found = [held()]
    act(meeting, by)
    found.append(held())
    give_up(make, hidden)
    found.append(held())
    with unit_of_work():
        actions.publish(meeting, by=by)
    found.append(held())
    assert found == [EUROS(5_000)] * 4
    assert queries.ranking_of(call, by).held == EUROS(5_000)


# ---- the act -------------------------------------------------------------------------------------------------------


def test_the_act_follows_the_recommendation_unless_it_lowers_or_refuses(
    app: Flask, make: Make, call: Call, by: Actor
) -> None:
    same, lowered, refused = (eligible(make, call) for _ in range(3))
    unfavourable = eligible(make, call)
    meeting = frozen(
        call, by, (same, yes(6_000, "Ouvrir le samedi")), (lowered, yes(6_000)), (refused, yes(6_000)),
        (unfavourable, NO),
    )  # fmt: skip
    assert committed(call) == (18_000, 18_000)
    votes = {
        lowered.id: Vote(EUROS(4_000), "Une première année plus courte."),
        refused.id: Vote(EUROS(0), "Déjà financé ailleurs."),
    }
    act(meeting, by, votes)
    found = {decision.application_id: decision for decision in queries.decisions_of(meeting.id)}
    assert (found[same.id].amount, found[same.id].conditions) == (EUROS(6_000), "Ouvrir le samedi")
    assert (found[lowered.id].amount, found[lowered.id].reason) == (EUROS(4_000), "Une première année plus courte.")
    assert (found[refused.id].granted, found[refused.id].reason) == (False, "Déjà financé ailleurs.")
    assert (found[unfavourable.id].granted, found[unfavourable.id].reason) == (False, "Trop vague.")
    assert committed(call) == (10_000, 10_000)
    assert list(queries.problems()) == []
    for statement in ("UPDATE decision SET amount_cents = 1 WHERE granted", "DELETE FROM decision"):
        with pytest.raises(DBAPIError), unit_of_work() as session:
            session.execute(text(statement))


@pytest.mark.parametrize(
    ("vote", "field"),
    [(Vote(EUROS(6_001), "Davantage"), "amount"), (Vote(EUROS(5_999)), "reason"), (Vote(EUROS(0)), "reason")],
)
def test_an_act_never_exceeds_and_explains_what_it_lowers(
    app: Flask, make: Make, call: Call, by: Actor, vote: Vote, field: str
) -> None:
    application = eligible(make, call)
    meeting = frozen(call, by, (application, yes(6_000)))
    with pytest.raises(InvalidError) as refused:
        act(meeting, by, {application.id: vote})
    assert refused.value.field == f"{field}_{application.id}"
    db.session.expire_all()
    assert meeting.state is MeetingState.FROZEN
    assert queries.decision_of(application.id) is None
    assert committed(call) == (6_000, 6_000)


def test_whoever_has_a_link_with_a_dossier_records_no_vote_on_it(app: Flask, make: Make, call: Call, by: Actor) -> None:
    own, other = eligible(make, call), eligible(make, call)
    meeting, linked = frozen(call, by, (own, yes(6_000)), (other, yes(6_000))), make.actor("manager")
    with unit_of_work():
        reviewing.tell_link(str(own.reference), InterestNature.FAMILY, "", by=linked)
    less = Vote(EUROS(4_000), "Une première année plus courte.")
    with pytest.raises(ForbiddenError):
        act(meeting, linked, {own.id: less})
    act(meeting, linked, {other.id: less})
    found = {decision.application_id: decision.amount for decision in queries.decisions_of(meeting.id)}
    assert found == {own.id: EUROS(6_000), other.id: EUROS(4_000)}


def test_an_act_is_recorded_once_after_the_meeting_and_not_tomorrow(
    app: Flask, make: Make, call: Call, by: Actor
) -> None:
    application = eligible(make, call)
    meeting = frozen(call, by, (application, yes(6_000)))
    for day in (clock.today() + timedelta(days=1), clock.today() - timedelta(days=1)):
        with pytest.raises(InvalidError) as refused:
            act(meeting, by, on=day)
        assert refused.value.field == "act_on"
    act(meeting, by)
    with pytest.raises(RefusedError):
        act(meeting, by)
    assert db.session.scalar(select(func.count()).select_from(Decision)) == 1


# ---- publication ---------------------------------------------------------------------------------------------------


def test_publishing_tells_each_dossier_once(app: Flask, make: Make, call: Call, by: Actor) -> None:
    won, lost = eligible(make, call), eligible(make, call)
    meeting = frozen(call, by, (won, yes(6_000)), (lost, NO))
    with pytest.raises(RefusedError), unit_of_work():
        actions.publish(meeting, by=by)
    act(meeting, by)
    with unit_of_work():
        assert actions.publish(meeting, by=by) == 2
    with pytest.raises(RefusedError), unit_of_work():
        actions.publish(meeting, by=by)
    notified = db.session.scalars(select(Letter.dossier_id).where(Letter.kind == "deliberation_decision")).all()
    assert sorted(notified, key=str) == sorted([won.id, lost.id], key=str)
    assert (won.state, lost.state) == (S.AWARDED, S.DECLINED)
    assert [decision.application_id for decision in awards.decisions_without_award(by)] == [won.id]


def test_a_sum_that_drifted_is_found(app: Flask, make: Make, call: Call, by: Actor) -> None:
    application = eligible(make, call)
    prepared(call, by)
    recommend(application, yes(6_000), by)
    with unit_of_work() as session:
        session.execute(text("UPDATE call SET committed_cents = committed_cents - 100"))
    found = list(queries.problems())
    assert len(found) == 1
    assert call.code in found[0]
    with unit_of_work() as session:
        session.execute(text("UPDATE fund SET committed_cents = committed_cents + 100"))
    assert len(list(queries.problems())) == 2
    with unit_of_work() as session:
        session.execute(text("UPDATE call SET committed_cents = 500000"))
        session.execute(text("UPDATE fund SET committed_cents = 500000"))
    assert list(queries.problems({call.id: EUROS(1_000)})) == []
