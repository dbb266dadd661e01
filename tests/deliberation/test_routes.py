"""The committee's pages, from the ranking to the letters, as each person may see them."""

from datetime import date, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from grants.applications.lifecycle import ApplicationState
from grants.applications.models import Application
from grants.calls.models import Call
from grants.deliberation import queries
from grants.deliberation.lifecycle import MeetingState
from grants.deliberation.models import Decision, Meeting, Recommendation
from grants.kernel import clock, journal
from grants.kernel.db import db, unit_of_work
from grants.kernel.money import Money
from grants.kernel.post import Letter
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


def dossier(make: Make, call: Call, *points: int, title: str | None = None, **columns: Any) -> Application:
    """An eligible application with its reviews."""
    application = make.application(state=S.ELIGIBLE, call=call, title=title, **columns)
    if points:
        make.reviewed(application, *points)
    return application


def advise(
    page: Page, application: Application, verdict: str = "favourable", amount: str = "8000", **values: Any
) -> Any:
    """Give an advice through its page."""
    page.get("deliberation.recommend", application)
    told = {"verdict": verdict, "amount": amount, "reason": "Répond aux deux priorités.", **values}
    return page.submit(told, action=f"/avis/{application.id}", follow=False)


def act_values(day: date | None = None, **values: Any) -> dict[str, Any]:
    return {**ACT, "act_on": (day or clock.today()).isoformat(), **values}


def carry_to(page: Page, meeting: Meeting, state: MeetingState, **votes: Any) -> None:
    """Take a meeting with all its advices further, by its pages."""
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
    assert advise(page, won, "favourable_with_conditions", "7000", conditions="Ouvrir le samedi").status == 302
    assert advise(page, lost, "unfavourable", "", reason="Projet encore trop vague.").status == 302
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
    assert "Votre projet « Cour fraîche » est soutenu".replace("« ", "«\u00a0").replace(" »", "\u00a0»") or answer.title
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
