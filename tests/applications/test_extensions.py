"""An extension: one dossier, and no other, may be submitted after the closing of its call, until its own."""

import json
from datetime import timedelta
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from grants.applications import actions, letters, queries
from grants.applications.lifecycle import ApplicationState as S
from grants.applications.models import Application
from grants.applications.rules import Part
from grants.calls import actions as calls
from grants.deliberation import actions as deliberation
from grants.kernel import clock, journal
from grants.kernel.db import db, unit_of_work
from grants.kernel.errors import ConflictError, InvalidError, RefusedError
from grants.kernel.outbox import Letter
from grants.kernel.pages import instant

BLINK = timedelta(microseconds=1)
DAY = timedelta(days=1)
REASON = "Panne du service le jour de la clôture."


def told(at):
    """An instant as the words of a page have it."""
    return " ".join(instant(at).split())


@pytest.fixture
def draft(make):
    """A complete draft of a call that closes soon."""
    return make.application(call=make.call(closes_at=clock.now() + timedelta(minutes=10)))


def extend(make, application, ends_at, *, sits_on=None, seen=None, reason=REASON):
    with unit_of_work():
        known = len(queries.extensions_of(application.id))
        actions.give_extension(
            application, ends_at=ends_at, reason=reason, sits_on=sits_on, seen=known if seen is None else seen,
            by=make.actor("manager"),
        )  # fmt: skip


def submit(make, application, at=None):
    with unit_of_work():
        by = make.actor_of(make.member_of(application.organisation))
        return actions.submit(application, by=by, received_at=at or clock.now())


def letters_of(application, kind):
    return db.session.scalars(select(Letter).where(Letter.dossier_id == application.id, Letter.kind == kind)).all()


def test_after_the_closing_a_manager_gives_it_and_the_team_submits_until_its_last_instant(make, page, draft):
    closes_at, number = draft.call.closes_at, draft.organisation.siret
    ends_at = (closes_at + 2 * DAY).replace(second=0, microsecond=0)
    writer = make.member_of(draft.organisation)
    with clock.fixed(closes_at + timedelta(hours=1)):
        page.sign_in(writer)
        assert "ne peut plus être déposé" in page.get("applications.index").words
        assert "ne peut plus être déposé" in page.get("desk.work").words
        page.sign_in(make.account("manager", name="Awa Gestion"))
        page.get("calls.manage", draft.call)
        assert page.get("desk.extensions", call_id=draft.call_id, numero=number).status == 302
        page.get("desk.give_extension", organisation_id=draft.organisation_id, code=draft.call.code)
        here = ends_at.astimezone(ZoneInfo(draft.call.fund.zone))
        given = page.submit(
            {"ends_on": here.strftime("%d/%m/%Y"), "ends_hour": here.strftime("%H:%M"), "reason": REASON}
        )
        assert "Accordé par Awa Gestion" in given.words
        assert REASON in given.words
        page.sign_in(writer)
        until = told(ends_at)
        for shown in (
            page.get("applications.show", draft),
            page.get("applications.edit", draft, section=str(Part.PROJECT)),
        ):
            assert f"Un délai est accordé à ce dossier, jusqu’au {until}. Motif : {REASON}" in shown.words
            assert f"dépôt possible jusqu’au {until}" in shown.words
        for shown in (page.get("applications.index"), page.get("desk.work")):
            assert f"Délai accordé : à déposer avant le {until}" in shown.words
        page.get("applications.submit", draft)
    with clock.fixed(ends_at):
        page.sign_in(writer)
        page.get("applications.submit", draft)
        receipt = page.submit({})
    assert receipt.title.startswith("Reçu du dossier")
    assert f"Délai accordé jusqu’au{until}" in receipt.words
    db.session.expire_all()
    assert (draft.state, draft.submitted_at) == (S.SUBMITTED, ends_at)
    line = next(line for line in journal.of(draft) if line.event == "application.submit")
    assert line.facts["extension_ends_at"] == ends_at.isoformat()
    assert letters.receipt_of(queries.latest_version(draft.id), "en").extension_ends_at == ends_at
    assert not list(journal.broken_links())
    page.sign_in(make.account("manager"))
    for shown in (page.get("desk.dossier", draft), page.get("desk.dossiers"), page.get("screening.inbox")):
        assert "élai accordé" in shown.words


def test_after_its_last_instant_the_dossier_is_late(make, page, draft):
    ends_at = draft.call.closes_at + DAY
    extend(make, draft, ends_at)
    with clock.fixed(ends_at + BLINK):
        page.sign_in(make.member_of(draft.organisation))
        assert f"Le délai accordé est passé depuis le {told(ends_at)}" in page.get("applications.index").words
        with pytest.raises(RefusedError, match="Le délai accordé à ce dossier est passé"):
            submit(make, draft)
        with pytest.raises(RefusedError):
            extend(make, make.application(state=S.SUBMITTED), ends_at + DAY)


def test_no_other_dossier_comes_in_and_none_is_begun(make, draft):
    other = make.application(call=draft.call)
    extend(make, draft, draft.call.closes_at + DAY)
    with clock.fixed(draft.call.closes_at + BLINK):
        with pytest.raises(RefusedError):
            submit(make, other)
        stranger = make.organisation()
        newcomer = make.actor_of(make.member_of(stranger))
        own = make.actor_of(make.member_of(draft.organisation))
        with pytest.raises(RefusedError), unit_of_work():
            actions.start(draft.call, stranger.id, by=newcomer)
        with unit_of_work():
            actions.withdraw(draft, reason="", by=own)
        with pytest.raises(RefusedError), unit_of_work():
            actions.start(draft.call, draft.organisation_id, by=own)


def test_the_last_one_given_counts_and_all_are_kept(make, draft):
    closes_at = draft.call.closes_at
    extend(make, draft, closes_at + 3 * DAY)
    with pytest.raises(ConflictError):
        extend(make, draft, closes_at + 4 * DAY, seen=0)
    extend(make, draft, closes_at + DAY, reason="Finalement un jour suffit.")
    assert draft.dates.closes_at == closes_at + DAY
    assert [row.number for row in queries.extensions_of(draft.id)] == [2, 1]
    facts = [line.facts for line in journal.of(draft) if line.event == "application.extended"]
    assert [row["after"] for row in facts] == [(closes_at + 3 * DAY).isoformat(), (closes_at + DAY).isoformat()]
    assert facts[1]["before"] == (closes_at + 3 * DAY).isoformat()
    with pytest.raises(DBAPIError), unit_of_work() as session:
        session.execute(text("UPDATE extension SET reason = 'autre'"))
    bodies = [letter.body for letter in letters_of(draft, "applications_extension_given")]
    assert len(bodies) == 2
    assert any("Finalement un jour suffit." in body and "Il remplace celui" in body for body in bodies)


@pytest.mark.parametrize("hours", [-48, 0])
def test_an_end_before_the_closing_or_at_it_is_refused(make, draft, hours):
    with pytest.raises(InvalidError):
        extend(make, draft, draft.call.closes_at + timedelta(hours=hours))


def test_an_end_in_the_past_on_the_day_of_the_committee_or_much_later_is_refused(make, draft):
    closes_at = draft.call.closes_at
    with clock.fixed(closes_at + 2 * DAY):
        for ends_at in (closes_at + DAY, closes_at + 2 * DAY, closes_at + 63 * DAY):
            with pytest.raises(InvalidError):
                extend(make, draft, ends_at)
        day = clock.day_of(closes_at + 4 * DAY, draft.call.fund.zone)
        with pytest.raises(InvalidError, match="Le comité siège"):
            extend(make, draft, closes_at + 4 * DAY, sits_on=day)
        extend(make, draft, closes_at + 3 * DAY, sits_on=day)


def test_once_the_marks_are_frozen_none_is_given(make, draft):
    with clock.fixed(draft.call.closes_at + DAY):
        with unit_of_work():
            draft.call.marks_frozen_at = clock.now()
        with pytest.raises(RefusedError, match="déjà arrêté ses notes"):
            extend(make, draft, clock.now() + DAY)


def test_the_committee_waits_for_the_dossier(make, draft):
    make.application(call=draft.call, state=S.ELIGIBLE)
    ends_at = draft.call.closes_at + 3 * DAY
    extend(make, draft, ends_at)
    manager = make.actor("manager")
    with clock.fixed(draft.call.closes_at + DAY):
        day = clock.day_of(ends_at, draft.call.fund.zone)
        with pytest.raises(InvalidError, match="la séance vient après"), unit_of_work():
            deliberation.prepare(draft.call, title="Comité", held_on=day, by=manager)
        assert "il peut encore arriver" in deliberation.why_not_archive(draft.call, manager)
        with unit_of_work():
            meeting = deliberation.prepare(draft.call, title="Comité", held_on=day + DAY, by=manager)
        assert "il peut encore arriver" in deliberation.why_not_freeze(meeting, manager)
        submit(make, draft)
        assert "il peut encore arriver" not in deliberation.why_not_freeze(meeting, manager)


def test_a_dossier_submitted_within_its_extension_is_corrected_until_its_end(make, draft):
    ends_at = draft.call.closes_at + DAY
    extend(make, draft, ends_at)
    with clock.fixed(draft.call.closes_at + BLINK):
        submit(make, draft)
        with unit_of_work():
            correction = actions.begin_correction(draft, by=make.actor_of(make.member_of(draft.organisation)))
        assert correction.dates.closes_at == ends_at
        assert queries.window_of(correction).extension.reason == REASON
        extend(make, draft, ends_at + DAY)
        db.session.refresh(correction)
        assert correction.dates.closes_at == ends_at + DAY
    with clock.fixed(ends_at + DAY + BLINK):
        assert actions.why_not_corrected(draft, clock.now()) is not None


def test_a_submitted_dossier_that_nobody_corrects_is_given_none(make, draft):
    submit(make, draft)
    with pytest.raises(RefusedError, match="personne ne le corrige"):
        extend(make, draft, draft.call.closes_at + DAY)


def test_the_grace_of_the_call_follows_the_closing_of_the_dossier(make, page, draft):
    with unit_of_work():
        draft.call.grace_minutes = 15
    ends_at = draft.call.closes_at + DAY
    extend(make, draft, ends_at)
    with clock.fixed(ends_at - timedelta(minutes=1)):
        page.sign_in(make.member_of(draft.organisation))
        page.get("applications.edit", draft, section=str(Part.PROJECT))
        page.submit({"summary": ""})
        page.get("applications.submit", draft)
        page.submit({})
        page.get("applications.edit", draft, section=str(Part.PROJECT))
        page.submit({"summary": "Complété"})
    with clock.fixed(ends_at + timedelta(minutes=15)):
        assert "le délai accordé est passé depuis le" in page.get("applications.show", draft).words
        version = submit(make, draft)
    content = queries.content_in(version)
    assert (content["attempted_at"], content["extension_ends_at"]) == (ends_at - timedelta(minutes=1), ends_at)


def test_reminders_follow_the_closing_of_the_dossier(make):
    call = make.call(closes_at=clock.now() + 20 * DAY)
    extended, other = make.application(call=call), make.application(call=call)
    ends_at = call.closes_at + 10 * DAY
    extend(make, extended, ends_at)

    def reminded(application):
        return [letter.subject for letter in letters_of(application, "applications_unsubmitted")]

    with clock.fixed(call.closes_at - timedelta(hours=1)), unit_of_work():
        letters.reminders()
    assert len(reminded(other)) == 1
    assert reminded(extended) == []
    for before in (7, 2, 0):
        with clock.fixed(ends_at - before * DAY), unit_of_work():
            letters.reminders()
            letters.reminders()
    assert len(reminded(other)) == 1
    assert len(reminded(extended)) == 3
    assert all(told(ends_at) in " ".join(subject.split()) for subject in reminded(extended))


def test_a_call_put_later_is_not_told_to_whom_it_gives_less(make):
    call = make.call(closes_at=clock.now() + DAY)
    extended, other = make.application(call=call), make.application(call=call)
    extend(make, extended, call.closes_at + 10 * DAY)
    for days, told_to in ((2, [other]), (20, [extended, other])):
        with unit_of_work():
            calls.extend(
                call, closes_at=clock.now() + days * DAY, reason="Panne.", reason_en="", by=make.actor("manager")
            )
        with unit_of_work():
            letters.extensions()
        found = db.session.scalars(select(Letter.dossier_id).where(Letter.kind == "applications_extension")).all()
        assert set(found) == {one.id for one in told_to}
    assert extended.dates.closes_at == call.closes_at


def test_a_script_that_saves_is_told_that_the_dossier_may_be_submitted(make, page, draft):
    extend(make, draft, draft.call.closes_at + DAY)
    with clock.fixed(draft.call.closes_at + BLINK):
        page.sign_in(make.member_of(draft.organisation))
        form = page.get("applications.edit", draft, section=str(Part.PROJECT)).form().fields
        data = {"saves": json.dumps({"writer": str(uuid4()), "saves": []}), "_key": form["_key"]}
        answer = page.post("applications.save_fields", draft.id, section=str(Part.PROJECT), data=data)
    assert answer.response.json["is_open"] is True


def test_an_extension_given_on_the_way_is_told_once_not_reminded_of_at_once(make):
    draft = make.application(call=make.call(closes_at=clock.now() + timedelta(minutes=10)))
    with clock.fixed(draft.call.closes_at + DAY):
        extend(make, draft, clock.now() + DAY)
        with unit_of_work():
            letters.reminders()
    assert letters_of(draft, "applications_unsubmitted") == []


def test_only_a_manager_without_a_link_gives_one_and_no_draft_is_shown(make, page, draft):
    where = {"organisation_id": draft.organisation_id, "code": draft.call.code}
    for role in ("auditor", "finance", "administrator", "reviewer"):
        page.sign_in(make.account(role))
        assert page.get("desk.give_extension", **where).status in {403, 404}
    page.sign_in(make.account("auditor"))
    assert "Accorder un délai" not in page.get("desk.extensions", call_id=draft.call_id).words
    page.sign_in(make.member_of(draft.organisation))
    assert page.get("desk.give_extension", **where).status == 403
    page.sign_in(make.account("manager"))
    shown = page.get("desk.give_extension", **where)
    assert shown.status == 200
    assert draft.title not in shown.words
    assert (
        "rien à prolonger"
        in page.get("desk.give_extension", organisation_id=make.organisation().id, code=draft.call.code).words
    )


def test_bad_input_stays_on_the_page(make, page, draft):
    page.sign_in(make.account("manager"))
    assert page.get("desk.extensions", call_id=draft.call_id, numero="12").status == 200
    assert "ne connaît pas" in page.get("desk.extensions", call_id=draft.call_id, numero="W691234567").words
    page.get("desk.give_extension", organisation_id=draft.organisation_id, code=draft.call.code)
    for sent in (
        {"ends_on": "", "ends_hour": "", "reason": ""},
        {"ends_on": "31/02/2030", "ends_hour": "12:00", "reason": REASON},
        {"ends_on": "01/01/2001", "ends_hour": "12:00", "reason": REASON},
        {"ends_on": "01/01/2099", "ends_hour": "12:00", "reason": "   "},
    ):
        assert page.submit(sent).status == 422
    assert db.session.get(Application, draft.id).extension_ends_at is None
