"""The grace of a call: after the closing, only a dossier whose submission was refused before it may be submitted."""

from datetime import timedelta

import pytest

from grants.applications import letters, queries
from grants.applications.lifecycle import ApplicationState as S
from grants.applications.rules import Part
from grants.kernel import clock, journal
from grants.kernel.db import db, unit_of_work
from grants.kernel.pages import instant

GRACE = timedelta(minutes=15)
BLINK = timedelta(microseconds=1)


def told(at):
    """An instant as the words of a page have it."""
    return " ".join(instant(at).split())


def call_with_grace(make, minutes=15):
    """A call that closes before the session of whoever writes lapses."""
    call = make.call(closes_at=clock.now() + timedelta(minutes=10))
    with unit_of_work():
        call.grace_minutes = minutes
    return call


@pytest.fixture
def draft(make, page):
    """A draft that lacks its summary alone, before its writer."""
    draft = make.application(call=call_with_grace(make))
    page.sign_in(make.member_of(draft.organisation))
    summarise(page, draft, "")
    return draft


def summarise(page, draft, summary):
    page.get("applications.edit", draft, section=str(Part.PROJECT))
    return page.submit({"summary": summary})


def ask(page, draft):
    page.get("applications.submit", draft)
    return page.submit({})


def attempts(draft):
    return [line.facts for line in journal.of(draft) if line.event == "application.attempted"]


def test_a_refused_submission_is_noted_once_with_who_and_when_and_what_became_of_it(page, draft):
    page.get("applications.submit", draft)
    other_tab = page.last
    with clock.fixed(draft.call.closes_at):
        first = page.submit({})
        page.last = other_tab
        page.submit({})
    assert first.status == 422
    assert f"jusqu’au {told(draft.call.closes_at + GRACE)}" in first.words
    assert attempts(draft) == [{"received_at": draft.call.closes_at.isoformat(), "outcome": "incomplete"}]
    line = next(line for line in journal.of(draft) if line.event == "application.attempted")
    assert line.actor_id is not None
    assert not list(journal.broken_links())


def test_within_the_grace_an_attempted_dossier_is_completed_and_submitted(page, draft):
    closes_at = draft.call.closes_at
    page.get("applications.submit", draft)
    with clock.fixed(closes_at - timedelta(minutes=1)):
        page.submit({})
    with clock.fixed(closes_at + timedelta(minutes=1)):
        until = told(closes_at + GRACE)
        shown = page.get("applications.edit", draft, section=str(Part.PROJECT)).words
        assert "l’appel est clos depuis le" in shown
        assert f"encore possible jusqu’au {until}" in shown
        assert f"À déposer avant le {until}" in page.get("applications.index").words
        assert "pas encore déposé" in summarise(page, draft, "Complété").words
        page.get("applications.review", draft)
        page.get("applications.submit", draft)
    with clock.fixed(closes_at + GRACE):
        receipt = page.submit({})
    assert receipt.title.startswith("Reçu du dossier")
    assert told(closes_at - timedelta(minutes=1)) in receipt.words
    assert told(closes_at + GRACE) in receipt.words
    db.session.expire_all()
    assert (draft.state, draft.submitted_at) == (S.SUBMITTED, closes_at + GRACE)
    facts = next(line.facts for line in journal.of(draft) if line.event == "application.submit")
    said = (closes_at - timedelta(minutes=1)).isoformat(), (closes_at + GRACE).isoformat()
    assert (facts["attempted_at"], facts["received_at"]) == said
    version = queries.latest_version(draft.id)
    assert letters.receipt_of(version, "en").attempted_at == closes_at - timedelta(minutes=1)


def test_the_grace_ends_at_its_last_instant(page, draft):
    ask(page, draft)
    summarise(page, draft, "Complété")
    page.get("applications.submit", draft)
    with clock.fixed(draft.call.closes_at + GRACE + BLINK):
        assert page.submit({}).status == 409
        assert "ne peut plus être déposé" in page.get("applications.index").words
    assert journal.of(draft)[-1].event == "application.late"


def test_without_an_attempt_before_the_closing_it_stands(page, draft):
    summarise(page, draft, "Complété")
    page.get("applications.submit", draft)
    form = page.last
    with clock.fixed(draft.call.closes_at + BLINK):
        assert page.submit({}).status == 409
        page.last = form
        assert page.submit({}).status == 409
        assert "ne peut plus être déposé" in page.get("applications.show", draft).words
    assert attempts(draft) == []


def test_an_attempt_gives_nothing_where_the_call_gives_no_grace(make, page):
    draft = make.application(call=call_with_grace(make, minutes=0))
    page.sign_in(make.member_of(draft.organisation))
    page.get("applications.submit", draft)
    form = page.last
    summarise(page, draft, "")
    assert "Demander le dépôt" not in page.get("applications.submit", draft).words
    page.last = form
    assert page.submit({}).status == 409
    assert len(attempts(draft)) == 1
    summarise(page, draft, "Complété")
    page.get("applications.submit", draft)
    with clock.fixed(draft.call.closes_at + BLINK):
        assert page.submit({}).status == 409


def test_a_dossier_changed_by_a_colleague_was_attempted_all_the_same(page, draft):
    summarise(page, draft, "Complété")
    page.get("applications.submit", draft)
    form = page.last
    summarise(page, draft, "Changé depuis")
    page.last = form
    assert page.submit({}).status == 409
    assert [facts["outcome"] for facts in attempts(draft)] == ["changed"]


def test_nobody_else_leaves_an_attempt(make, page, draft):
    page.get("applications.submit", draft)
    form = page.last
    page.sign_in(make.member_of(make.organisation()))
    page.last = form
    assert page.submit({}).status in {403, 404, 409}
    assert attempts(draft) == []


def test_the_examination_ends_the_grace(page, draft):
    ask(page, draft)
    summarise(page, draft, "Complété")
    page.get("applications.submit", draft)
    with clock.fixed(draft.call.closes_at + BLINK):
        with unit_of_work():
            draft.call.marks_frozen_at = clock.now()
        answer = page.submit({})
    assert answer.status == 409
    assert "L’examen des dossiers de cet appel est terminé" in answer.words


def test_a_correction_has_the_grace_of_its_own_attempt(make, page):
    dossier = make.application(call=call_with_grace(make), state=S.SUBMITTED)
    page.sign_in(make.member_of(dossier.organisation))
    page.get("applications.correct", dossier)
    page.submit({})
    correction = queries.correction_of(dossier)
    ask(page, correction)  # its statements are not made
    assert len(attempts(correction)) == 1
    with clock.fixed(dossier.call.closes_at + BLINK):
        until = told(dossier.call.closes_at + GRACE)
        assert f"avant le {until}" in page.get("applications.show", dossier).words
