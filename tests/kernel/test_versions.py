"""Optimistic locking: whatever is not the version a page showed is a conflict, on every form and every act."""

from collections.abc import Callable
from typing import Any

import pytest

from grants.applications.lifecycle import ApplicationState
from grants.awards import queries as awards
from grants.awards.lifecycle import AwardState, BankState, InstalmentState, ReportState
from grants.calls.lifecycle import CallState
from grants.deliberation.lifecycle import MeetingState
from grants.kernel.versions import read_version
from grants.people.models import Account
from grants.programme import queries as programme
from tests.client import Page, form_values, fresh
from tests.factories import Make

pytestmark = pytest.mark.neutral(on="postgresql")

NO_VERSIONS = (None, "", " ", "²", "٣", "-1", "+1", "01", "1.0", "1e3", "null", "True", "1 ", "9" * 10, "9" * 5000, "7")


@pytest.mark.parametrize("text", [each for each in NO_VERSIONS if each != "7"])
def test_what_no_page_says_is_no_version(text: Any) -> None:
    assert read_version(text) is None


def test_what_a_page_says_is_read() -> None:
    assert [read_version(text) for text in ("0", "1", "123456789")] == [0, 1, 123_456_789]


def running(make: Make) -> Any:
    """An award that runs."""
    return make.award(state=AwardState.RUNNING)


def sent(make: Make) -> Any:
    """A report that was sent."""
    return make.report(running(make), state=ReportState.SUBMITTED)


def eligible(make: Make) -> Any:
    """A dossier whose meeting is prepared."""
    application = make.application(state=ApplicationState.ELIGIBLE)
    make.meeting(application.call)
    return application


def read_by(make: Make, application: Any) -> Any:
    """The dossier, once somebody sits on the committee."""
    make.account("reviewer")
    return application


def own(make: Make, thing: Any) -> Account:
    """Somebody of the organisation a thing belongs to."""
    return make.member_of(thing.award.organisation if hasattr(thing, "award") else thing)


# The page that shows the act, what it is about, who does it, and the end of the address it posts to.
ACTS: list[tuple[str, Callable[[Make], Any], str | None, str]] = [
    ("awards.show", lambda make: make.award(), "manager", "/engager"),
    ("awards.agreement", lambda make: make.award(state=AwardState.AGREEMENT), "manager", "/convention"),
    ("awards.sign", lambda make: make.award(state=AwardState.AGREEMENT), "manager", "/signature"),
    ("awards.schedule", running, "manager", "/echeancier"),
    ("awards.bank", lambda make: make.bank_details(make.organisation(), state=BankState.GIVEN), "finance", "/verifier"),
    ("awards.bank", lambda make: make.bank_details(make.organisation(), state=BankState.CHECKED), "finance",
     "/confirmer"),
    ("awards.bank", lambda make: make.bank_details(make.organisation(), state=BankState.GIVEN), "finance", "/refuser"),
    ("awards.instalment", lambda make: make.instalment(running(make), state=InstalmentState.PREPARED),
     "authorising_officer", "/approuver"),
    ("awards.send_back", lambda make: make.instalment(running(make), state=InstalmentState.PREPARED),
     "authorising_officer", ""),
    ("awards.reject", lambda make: make.instalment(running(make), state=InstalmentState.ORDERED), "finance", ""),
    ("awards.correct_order", lambda make: make.instalment(running(make), state=InstalmentState.ORDERED), "finance", ""),
    ("awards.instalment", lambda make: make.instalment(running(make), state=InstalmentState.APPROVED), "finance",
     "/mandater"),
    ("awards.instalment", lambda make: make.instalment(running(make), state=InstalmentState.ORDERED), "finance",
     "/payer"),
    ("awards.report", lambda make: awards.report_of(running(make).id), None, ""),
    ("awards.report_read", sent, "manager", "/accepter"),
    ("awards.report_read", sent, "manager", "/renvoyer"),
    ("screening.show", lambda make: make.application(state=ApplicationState.SUBMITTED), "manager", ""),
    ("screening.exclude", lambda make: make.application(state=ApplicationState.SUBMITTED), "manager", ""),
    ("screening.request_piece", lambda make: make.application(state=ApplicationState.SUBMITTED), "manager", ""),
    ("reviewing.remove", lambda make: make.assignment(eligible(make)), "manager", ""),
    ("deliberation.recommend", eligible, "manager", "/avis/"),
    ("deliberation.edit", lambda make: make.meeting(make.call()), "manager", ""),
    ("deliberation.record_act", lambda make: make.meeting(make.call(), state=MeetingState.FROZEN), "manager", ""),
    ("deliberation.publish", lambda make: make.meeting(make.call(), state=MeetingState.VOTED), "manager", ""),
    ("calls.edit", lambda make: make.call(state=CallState.DRAFT), "manager", ""),
    ("calls.edit", lambda make: make.call(), "manager", ""),
    ("calls.texts", lambda make: make.call(state=CallState.DRAFT), "manager", ""),
    ("calls.instruments", lambda make: make.call(state=CallState.DRAFT), "manager", ""),
    ("calls.open_call", lambda make: make.call(state=CallState.DRAFT), "manager", ""),
    ("calls.extend", lambda make: make.call(), "manager", ""),
    ("people.organisation_edit", lambda make: make.organisation(make.account()), None, ""),
    ("people.members", lambda make: make.organisation(make.account(), make.account()), None, "/role"),
    ("people.members", lambda make: make.organisation(make.account(), make.account()), None, "/retirer"),
    ("programme.edit_action", lambda make: programme.actions(programme.frameworks()[0].id)[0], "manager", ""),
    ("reviewing.assign", lambda make: read_by(make, eligible(make)).call, "manager", ""),
]  # fmt: skip


@pytest.mark.parametrize(
    ("endpoint", "made", "role", "end"), ACTS, ids=lambda each: each if isinstance(each, str) else ""
)
def test_an_act_is_made_on_the_version_that_was_shown(
    make: Make, page: Page, endpoint: str, made: Callable[[Make], Any], role: str | None, end: str
) -> None:
    thing = made(make)
    page.sign_in(make.account(role) if role else own(make, thing))
    url = page.url(endpoint, thing)
    forms = page.get(url).tree.xpath("//main//form[@method='post'][.//input[@name='version']]")
    form = next(each for each in forms if end in (each.get("action") or url))
    (version,) = form.xpath(".//input[@name='version']/@value")
    before = fresh(thing).version
    for number, wrong in enumerate((None, "", "²", "-1", "1e3", "null", str(int(version) + 1))):
        values = {name: value for name, value in form_values(form) if name != "version"}
        values |= {"_key": f"{number}-{thing.id}"} | ({} if wrong is None else {"version": wrong})
        answer = page._ask("POST", form.get("action") or url, data=values)
        assert answer.status in {409, 422}, wrong
        assert answer.status == 409 or answer.tree.xpath("//*[@aria-invalid='true'] | //*[contains(@class, 'error')]")
    assert fresh(thing).version == before
