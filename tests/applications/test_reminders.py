"""Reminders of drafts before a call closes: to whom, when, once, and in words that no one can take for a receipt."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from grants.applications import actions, letters
from grants.applications.lifecycle import ApplicationState
from grants.kernel import clock
from grants.kernel.db import db, unit_of_work
from grants.kernel.outbox import Letter
from grants.people.models import MemberRole, Membership

OPENS = datetime.fromisoformat("2026-03-02T09:00:00+01:00")
CLOSES = datetime.fromisoformat("2026-04-10T17:00:00+02:00")


@pytest.fixture
def call(make):
    with clock.fixed(OPENS):
        return make.call(opens_at=OPENS, closes_at=CLOSES)


def begun(make, call, at, **values):
    with clock.fixed(at):
        return make.application(call=call, **values)


def written(at: datetime) -> int:
    """What the worker writes at an instant, as one transaction."""
    with clock.fixed(at), unit_of_work():
        return letters.reminders()


def reminders_of(draft) -> list[Letter]:
    kind = select(Letter).where(Letter.kind == "applications_unsubmitted", Letter.dossier_id == draft.id)
    return list(db.session.scalars(kind.order_by(Letter.created_at, Letter.recipient)))


def test_a_draft_is_reminded_of_seven_days_two_days_and_no_day_before_the_closing_once_each(make, call):
    draft = begun(make, call, OPENS)
    days = {left: CLOSES - timedelta(days=left) for left in (20, 8, 7, 6, 3, 2, 1, 0)}
    found = {left: (written(at - timedelta(hours=1)), written(at)) for left, at in days.items()}
    assert found == {20: (0, 0), 8: (0, 0), 7: (1, 0), 6: (0, 0), 3: (0, 0), 2: (1, 0), 1: (0, 0), 0: (1, 0)}
    assert written(CLOSES + timedelta(seconds=1)) == 0
    assert [letter.subject for letter in reminders_of(draft)] == [
        "PAS ENCORE DÉPOSÉ : vous avez jusqu’au 10 avril 2026 à 17 h 00 (heure de Paris)"
    ] * 3
    assert f"/dossiers/{draft.id}/relire" in reminders_of(draft)[0].body


def test_what_is_submitted_withdrawn_or_begun_that_same_day_is_not_reminded_of(make, call):
    begun(make, call, OPENS, state=ApplicationState.SUBMITTED)
    begun(make, call, OPENS, state=ApplicationState.WITHDRAWN)
    late = begun(make, call, CLOSES - timedelta(hours=20))
    assert [written(CLOSES - timedelta(days=left)) for left in (7, 2)] == [0, 0]
    assert written(CLOSES) == 0
    assert reminders_of(late) == []


def test_a_reminder_the_worker_missed_is_left_out_when_a_later_one_is_due(make, call):
    draft = begun(make, call, OPENS)
    assert [written(CLOSES - timedelta(days=left)) for left in (1, 0)] == [1, 1]
    assert len(reminders_of(draft)) == 2


def test_a_later_closing_has_reminders_of_its_own(make, call):
    begun(make, call, OPENS)
    assert written(CLOSES - timedelta(days=7)) == 1
    with unit_of_work():
        call.closes_at = CLOSES + timedelta(days=7)
    assert written(CLOSES) == 1


def test_the_author_and_those_responsible_are_reminded_each_in_their_language_and_nobody_else(make, call):
    draft = begun(make, call, OPENS)
    owner = draft.organisation
    second, reader, gone = make.account(), make.account(), make.account()
    with unit_of_work() as session:
        second.locale, gone.active = "en", False
        for account, role in ((second, MemberRole.OWNER), (reader, MemberRole.EDITOR), (gone, MemberRole.OWNER)):
            session.add(Membership(account_id=account.id, organisation_id=owner.id, role=role, since_at=clock.now()))
    assert written(CLOSES - timedelta(days=2)) == 2
    by_language = {letter.locale: letter for letter in reminders_of(draft)}
    assert by_language["en"].recipient == second.email
    assert by_language["en"].subject.startswith("NOT YET SUBMITTED")
    assert reader.email not in {letter.recipient for letter in by_language.values()}


def test_a_draft_without_a_title_has_its_reminder(make, call):
    draft = begun(make, call, OPENS)
    with unit_of_work():
        draft.title = ""
    assert written(CLOSES - timedelta(days=2)) == 1
    assert reminders_of(draft)[0].body.count("«") == 1


def test_who_corrects_a_dossier_is_told_which_version_stands(make, call):
    dossier = begun(make, call, OPENS, state=ApplicationState.SUBMITTED)
    by = make.actor_of(make.member_of(dossier.organisation))
    with clock.fixed(OPENS + timedelta(hours=1)), unit_of_work():
        draft = actions.begin_correction(dossier, by=by)
    assert (written(CLOSES - timedelta(days=7)), written(CLOSES - timedelta(days=6))) == (1, 0)
    (letter,) = reminders_of(draft)
    assert letter.subject.startswith("CORRECTION PAS ENCORE DÉPOSÉE")
    assert "Votre version du 2 mars 2026 à 9 h 00" in letter.body.replace("\u00a0", " ")
    assert "le fonds ne l’a pas reçu" not in letter.body
    make._carry(dossier, ApplicationState.ELIGIBLE)
    assert written(CLOSES - timedelta(days=2)) == 0
