"""The deadlines of a person in their calendar: what it holds, for whom, and the address that gives it."""

from datetime import UTC, timedelta

import pytest
from icalendar import Calendar
from sqlalchemy import select

from grants.applications.lifecycle import ApplicationState
from grants.awards.lifecycle import AwardState, ReportState
from grants.kernel import clock, journal
from grants.kernel.db import db, unit_of_work
from grants.people import actions
from grants.people.models import CalendarLink, Membership
from grants.screening import actions as screening

TITLE = "Pain, paix ; jardins \\ potagers" + " et fleurs d’été" * 8


@pytest.fixture
def draft(make):
    return make.application(title=TITLE)


@pytest.fixture
def member(make, draft):
    return make.member_of(draft.organisation)


def made(page, person):
    """The path of a new address, as its page shows it once."""
    page.get("desk.own_calendar", as_=person)
    page.submit()
    return page.last.tree.xpath("//input[@id='adresse']/@value")[0].partition("://")[2].partition("/")[2]


def entries(answer):
    found = Calendar.from_ical(answer.response.get_data()).walk("VEVENT")
    return {str(entry["summary"]): entry["dtstart"].dt for entry in found}


def test_it_holds_what_is_to_be_done_and_of_a_dossier_the_title_alone(page, make, draft, member):
    asked = make.application(state=ApplicationState.SUBMITTED, organisation=draft.organisation, title="Halte")
    due_on = clock.today() + timedelta(days=9)
    with unit_of_work():
        screening.request_piece(
            asked, piece=None, label="Budget signé", message="", due_on=due_on, by=make.actor("manager")
        )
    decided = make.application(state=ApplicationState.ELIGIBLE, organisation=draft.organisation, title="Serre")
    make.decided(decided)
    report = make.report(make.award(decided, state=AwardState.RUNNING), state=ReportState.EXPECTED)
    make.application(title="D’une autre organisation")
    answer = page.get("/" + made(page, member))
    assert answer.response.content_type == "text/calendar; charset=utf-8"
    found = entries(answer)
    assert found == {
        f"À déposer\xa0: {TITLE}": draft.call.closes_at.astimezone(UTC).replace(microsecond=0),
        "Pièce à envoyer\xa0: Halte": due_on,
        "Bilan à rendre\xa0: Serre": report.due_on,
    }
    lines = answer.response.get_data().split(b"\r\n")
    assert all(len(line) <= 75 for line in lines)
    said = answer.response.get_data().replace(b"\r\n ", b"").decode()
    assert "Pain\\, paix \\; jardins \\\\ potagers" in said
    for word in ("Budget signé", draft.summary, draft.organisation.name):
        assert word not in said


def test_its_address_is_shown_once_and_ends_with_a_new_one_a_new_password_and_the_account(page, make, member):
    first = made(page, member)
    assert first not in page.get("desk.own_calendar").text
    kept = db.session.scalars(select(CalendarLink)).one()
    assert kept.secret not in first
    assert first.rpartition("/")[2].removesuffix(".ics") not in kept.secret
    page.sign_in(None)
    assert page.get("/" + first).status == 200
    second = made(page, member)
    assert (page.get("/" + first).status, page.get("/" + second).status) == (404, 200)
    page.get("desk.own_calendar")
    page.submit(button="end")
    assert page.get("/" + second).status == 404
    for act in (
        lambda: actions.reset_password(member, "une-longue-phrase-de-passe"),
        lambda: actions.deactivate(member, by=make.actor("administrator")),
    ):
        with unit_of_work():
            address = "/calendrier/" + actions.make_calendar(member, by=make.actor_of(member)) + ".ics"
        assert page.get(address).status == 200
        with unit_of_work():
            act()
        assert page.get(address).status == 404
    events = [line.event for line in journal.of(member)]
    assert (events.count("account.calendar_made"), events.count("account.calendar_ended")) == (4, 1)


def test_who_left_the_organisation_and_what_is_over_are_not_in_it(page, draft, member):
    address = "/" + made(page, member)
    with clock.fixed(draft.call.closes_at + timedelta(seconds=1)):
        assert entries(page.get(address)) == {}
    with unit_of_work() as session:
        session.delete(session.scalars(select(Membership)).one())
    assert entries(page.get(address)) == {}


def test_it_speaks_the_language_of_its_person(page, draft, member):
    with unit_of_work():
        member.locale = "en"
    (summary,) = entries(page.get("/" + made(page, member)))
    assert summary.startswith("To submit: Pain, paix ;")
