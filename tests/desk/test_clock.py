"""Time that does not run as it should: the clock goes back between two acts, an hour is skipped or counted twice."""

import io
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest
from flask import Flask, g
from sqlalchemy import select
from werkzeug.datastructures import FileStorage

from grants import cli
from grants.applications import actions as applications
from grants.applications.lifecycle import ApplicationState as S
from grants.applications.models import Application
from grants.awards.actions import disbursement
from grants.awards.lifecycle import InstalmentState, ReportState
from grants.calls.models import Call
from grants.deliberation import actions as deliberation
from grants.kernel import access, clock, journal, outbox, pages, stored_forms, throttle
from grants.kernel.db import db, unit_of_work
from grants.kernel.errors import InvalidError, RefusedError
from grants.kernel.outbox import Letter
from grants.kernel.words import force_locale
from grants.people.models import SignIn
from grants.reviewing import actions as reviewing
from grants.reviewing import queries as reviews
from grants.reviewing.lifecycle import AssignmentState
from grants.reviewing.models import Interest, InterestNature
from grants.screening import actions as screening
from tests.client import Page
from tests.factories import Make
from tests.kernel import corpus

pytestmark = pytest.mark.neutral(on="postgresql")

HOUR, DAY, MINUTE = timedelta(hours=1), timedelta(days=1), timedelta(minutes=1)
back = pytest.mark.parametrize("back", [HOUR, DAY], ids=["an hour", "a day"])


@pytest.fixture(autouse=True)
def at() -> Iterator[datetime]:
    """Noon of today, for as long as the test says nothing else."""
    noon = clock.now().replace(hour=12, minute=0, second=0, microsecond=0)
    with clock.fixed(noon):
        yield noon


def verified() -> list[str]:
    """What `grants verify` finds."""
    return [f"{subject}: {each}" for subject, problems in cli.VERIFICATIONS for each in problems()]


# ---- the clock goes back


@back
def test_acts_stay_in_the_order_they_were_made_in(make: Make, page: Page, at: datetime, back: timedelta) -> None:
    application = make.application(state=S.SUBMITTED)
    with clock.fixed(at - back), unit_of_work():
        applications.withdraw(application, reason="Abandon", by=make.actor_of(make.member_of(application.organisation)))
    entries = journal.of_dossier(application.id)
    assert entries[-1].event == "application.withdraw"
    assert entries[-1].at == entries[-2].at - back
    assert verified() == []
    rows = page.get("desk.dossier_journal", application, as_=make.account("auditor")).tree.xpath("//main//tbody/tr")
    assert "Dossier retiré" in rows[-1].text_content()


@back
def test_a_receipt_says_the_instant_its_request_came_in(make: Make, page: Page, at: datetime, back: timedelta) -> None:
    application = make.application()
    member = make.member_of(application.organisation)
    with clock.fixed(at):
        page.get("applications.submit", application, as_=member)
    with clock.fixed(at - back):
        page.sign_in(member)
        page.get("applications.submit", application)
        assert page.submit({}).status == 200
    db.session.expire_all()
    assert application.submitted_at == at - back
    assert application.silence_on == clock.add_months(clock.day_of(at - back), 2)
    assert verified() == []


def test_a_call_that_is_open_again_takes_dossiers_until_its_marks_are_frozen(make: Make, at: datetime) -> None:
    call = make.call(closes_at=at - 30 * MINUTE)
    judged = make.application(state=S.ELIGIBLE, call=call)
    one, other = (make.application(call=call) for _ in range(2))
    meeting = make.meeting(call)
    make.recommendation(meeting, judged)
    manager = make.actor("manager")

    with pytest.raises(RefusedError, match="clos"):
        deposit(make, one, at)
    deposit(make, one, at - HOUR)
    with pytest.raises(RefusedError, match="recevabilité"), unit_of_work():
        deliberation.freeze(meeting, by=manager)
    with unit_of_work():
        screening.exclude(one, reason="Hors du territoire.", version=one.version, by=manager)
    with unit_of_work():
        deliberation.freeze(meeting, by=manager)
    with pytest.raises(RefusedError, match="terminé"):
        deposit(make, other, at - HOUR)


def deposit(make: Make, application: Application, instant: datetime) -> None:
    """Submit a draft at an instant, by a member of its organisation."""
    by = make.actor_of(make.member_of(application.organisation))
    with clock.fixed(instant), unit_of_work():
        applications.submit(application, by=by, received_at=instant)


@pytest.mark.parametrize("roles", [(), ("manager",)])
def test_a_session_left_alone_ends_whatever_the_clock_does(
    make: Make, page: Page, at: datetime, roles: tuple[str, ...]
) -> None:
    page.sign_in(make.account(*roles))
    with clock.fixed(at - 20 * MINUTE):
        assert page.get("/mon-compte").status == 200
        assert db.session.scalars(select(SignIn.last_seen_at)).one() == at - 20 * MINUTE
    with clock.fixed(at + 41 * MINUTE):
        assert page.get("/mon-compte").status == 302
    page.sign_in(make.account(*roles))
    with clock.fixed(at - DAY):
        assert page.get("/mon-compte").status == 302


def test_attempts_of_tomorrow_do_not_count_today(make: Make, at: datetime) -> None:
    def tries(instant: datetime, number: int) -> None:
        with clock.fixed(instant):
            for _ in range(number):
                throttle.attempt("tests", {"somebody": 3}, window=15 * MINUTE)

    tries(at, 3)
    tries(at - DAY, 3)
    with pytest.raises(throttle.ThrottledError):
        tries(at - DAY, 1)
    with pytest.raises(throttle.ThrottledError) as refusal:
        tries(at - 10 * MINUTE, 1)  # so near that it may be the same window
    assert refusal.value.facts["retry_after"] <= 30 * 60


def test_what_was_kept_before_the_clock_went_back_did_not_come_later_than_now(
    app: Flask, make: Make, at: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = make.actor()
    monkeypatch.setattr(stored_forms, "first_arrival", lambda _account: at)
    for now, received in ((at + HOUR, at), (at - HOUR, at - HOUR)):
        with app.test_request_context(), clock.fixed(now):
            g.actor, g.received_at = person, clock.now()
            assert access.received_at() == received


@pytest.mark.parametrize(("back", "sent"), [(HOUR, 0), (DAY, 1)])
def test_a_letter_whose_lease_lies_far_ahead_leaves(make: Make, at: datetime, back: timedelta, sent: int) -> None:
    """One that lies an hour ahead may be another worker's: it is waited for, and the letter leaves once."""
    messages: list[object] = []
    with clock.fixed(at):
        with unit_of_work() as session:
            session.add(Letter(kind="t", recipient="a@b.example", subject="s", body="b\n", locale="fr", dedup="d",
                               created_at=at))  # fmt: skip
        assert outbox.claim() is not None
    with clock.fixed(at - back):
        assert outbox.deliver(messages.append, "Fonds <fonds@exemple.example>") == sent
    with clock.fixed(at + outbox.LEASE + MINUTE):
        outbox.deliver(messages.append, "Fonds <fonds@exemple.example>")
    assert len(messages) == 1


@back
def test_a_link_is_told_after_the_freeze_when_the_clock_went_back_since(
    make: Make, at: datetime, back: timedelta
) -> None:
    call = make.call(closes_at=at - 3 * DAY)
    application = make.application(state=S.ELIGIBLE, call=call)
    make.reviewed(application, 3)
    reader = make.account("reviewer")
    make.assignment(application, reader, state=AssignmentState.SUBMITTED)
    meeting = make.meeting(call)
    make.recommendation(meeting, application)
    with unit_of_work():
        deliberation.freeze(meeting, by=make.actor("manager"))
    before = reviews.result_of(application).total
    with clock.fixed(at - back), unit_of_work():
        reviewing.tell_link(str(application.reference), InterestNature.FAMILY, "", by=make.actor_of(reader))
    interest = db.session.scalars(select(Interest).where(Interest.nature == InterestNature.FAMILY)).one()
    frozen_at = db.session.scalar(select(Call.marks_frozen_at).where(Call.id == call.id))
    assert frozen_at is not None
    assert interest.declared_at > frozen_at
    assert reviews.result_of(application).total == before
    assert reviews.is_interested(reader.id, application.id)
    assert verified() == []


@back
def test_time_never_runs_backwards_for_the_silence(make: Make, at: datetime, back: timedelta) -> None:
    application = make.application(state=S.SUBMITTED)
    manager, member = make.actor("manager"), make.actor_of(make.member_of(application.organisation))
    silence = application.silence_on
    with unit_of_work():
        asked = screening.request_piece(
            application, piece=None, label="Devis", message="", due_on=clock.today() + 10 * DAY, by=manager
        )
    assert application.silence_on == silence + 10 * DAY
    with clock.fixed(at - back), unit_of_work():
        screening.give_piece(asked, FileStorage(io.BytesIO(corpus.pdf()), "devis.pdf"), by=member)
    assert application.silence_on == silence
    assert verified() == []


@back
def test_the_ledger_adds_up_whatever_its_days(make: Make, at: datetime, back: timedelta) -> None:
    award = make.award()
    with clock.fixed(at - back):
        instalment = make.instalment(award, state=InstalmentState.ORDERED)
    with unit_of_work():
        disbursement.pay(instalment, on=clock.today(), by=make.actor("finance"))
    with clock.fixed(at - back):
        make.report(award, state=ReportState.ACCEPTED)
    assert verified() == []


# ---- the two nights of the year


SPRING, AUTUMN = date(2031, 3, 30), date(2031, 10, 26)


@pytest.fixture
def night(make: Make) -> Call:
    """A call that closes at 2:30, the first of the two, on the night when the clocks go back."""
    with clock.fixed(datetime(2031, 10, 20, 12, tzinfo=UTC)):
        return make.call(closes_at=datetime(2031, 10, 26, 0, 30, tzinfo=UTC))


@pytest.mark.parametrize(
    ("second", "is_on_time"), [(-1, True), (0, True), (1, False), (45 * 60, False), (60 * 60, False)]
)
def test_a_closing_at_an_hour_that_comes_twice_is_the_first(
    make: Make, night: Call, second: int, *, is_on_time: bool
) -> None:
    assert night.closes_at is not None
    instant = night.closes_at + timedelta(seconds=second)
    with clock.fixed(night.closes_at - DAY):
        application = make.application(call=night)
    if is_on_time:
        deposit(make, application, instant)
        return
    with pytest.raises(RefusedError) as late:
        deposit(make, application, instant)
    assert "26 octobre 2031 à 2 h 30 (heure de Paris, heure d’été)" in late.value.message.replace("\u00a0", " ")


def test_an_hour_that_comes_twice_says_which(app: Flask, page: Page, night: Call) -> None:
    instants = [datetime(2031, 10, 26, hour, 30, tzinfo=UTC) for hour in (0, 1, 2)]
    with app.test_request_context(), force_locale("fr"):
        hours = [pages.instant(instant).replace("\u00a0", " ").partition(" à ")[2] for instant in instants]
        bare = [pages.instant(instant, with_zone=False).replace("\u00a0", " ") for instant in instants]
    assert hours == [
        "2 h 30 (heure de Paris, heure d’été)", "2 h 30 (heure de Paris, heure d’hiver)", "3 h 30 (heure de Paris)",
    ]  # fmt: skip
    assert bare == [
        f"26 octobre 2031 à {hour}" for hour in ("2 h 30 (heure d’été)", "2 h 30 (heure d’hiver)", "3 h 30")
    ]
    with clock.fixed(datetime(2031, 10, 21, tzinfo=UTC)):
        assert "heure d’été" in page.get("calls.show", code=night.code).words


@pytest.mark.parametrize(
    ("received", "silence"),
    [
        (datetime(2031, 3, 29, 22, 59, tzinfo=UTC), date(2031, 5, 29)),
        (datetime(2031, 3, 29, 23, 0, tzinfo=UTC), date(2031, 5, 30)),
        (datetime(2031, 3, 30, 21, 59, tzinfo=UTC), date(2031, 5, 30)),
        (datetime(2031, 10, 25, 21, 59, tzinfo=UTC), date(2031, 12, 25)),
        (datetime(2031, 10, 25, 22, 0, tzinfo=UTC), date(2031, 12, 26)),
        (datetime(2031, 10, 26, 22, 59, tzinfo=UTC), date(2031, 12, 26)),
        (datetime(2031, 10, 26, 23, 0, tzinfo=UTC), date(2031, 12, 27)),
    ],
)
def test_silence_counts_from_the_day_of_paris_on_a_day_of_23_or_25_hours(
    make: Make, received: datetime, silence: date
) -> None:
    with clock.fixed(received):
        application = make.application(state=S.SUBMITTED)
        assert application.silence_on == silence
        letter = db.session.scalars(select(Letter.body).where(Letter.dossier_id == application.id)).first()
    assert pages_day(silence) in (letter or "")


def pages_day(day: date) -> str:
    """A day as letters write it."""
    with force_locale("fr"):
        return pages.day(day)


@pytest.mark.parametrize("night_of", [SPRING, AUTUMN])
def test_a_piece_awaited_over_the_night_suspends_whole_days(make: Make, night_of: date) -> None:
    noon = datetime(night_of.year, night_of.month, night_of.day - 2, 11, tzinfo=UTC)
    with clock.fixed(noon):
        application = make.application(state=S.SUBMITTED)
        silence = application.silence_on
        with unit_of_work():
            asked = screening.request_piece(
                application, piece=None, label="Devis", message="", due_on=night_of + 9 * DAY, by=make.actor("manager")
            )
    # Half past midnight in Paris, two days after the night.
    late = datetime(night_of.year, night_of.month, night_of.day + 1, 22 if night_of is SPRING else 23, 30, tzinfo=UTC)
    assert clock.day_of(late) == night_of + 2 * DAY
    with clock.fixed(late), unit_of_work():
        screening.give_piece(
            asked,
            FileStorage(io.BytesIO(corpus.pdf()), "devis.pdf"),
            by=make.actor_of(make.member_of(application.organisation)),
        )
    assert application.silence_on == silence + 4 * DAY


def test_a_meeting_is_not_held_on_the_day_before_its_closing_in_paris(make: Make) -> None:
    with clock.fixed(datetime(2031, 3, 20, tzinfo=UTC)):
        call = make.call(closes_at=datetime(2031, 3, 29, 23, 30, tzinfo=UTC))  # half past midnight on the 30th
        make.application(state=S.ELIGIBLE, call=call)
    with clock.fixed(datetime(2031, 4, 1, tzinfo=UTC)):
        manager = make.actor("manager")
        with pytest.raises(InvalidError, match="clôture"), unit_of_work():
            deliberation.prepare(call, title="Comité", held_on=date(2031, 3, 29), by=manager)
        with unit_of_work():
            deliberation.prepare(call, title="Comité", held_on=SPRING, by=manager)
