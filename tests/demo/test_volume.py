from collections import Counter, defaultdict
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select

from grants.app import create_app
from grants.applications import queries as applications
from grants.applications import rules
from grants.applications.models import Allocation, Application, ApplicationVersion
from grants.awards import queries as awards
from grants.calls import queries as calls
from grants.calls.models import Call
from grants.deliberation import queries as deliberation
from grants.demo.generator import siret_of
from grants.demo.volume import VolumeAdded, add_volume
from grants.kernel import clock, journal
from grants.kernel.actor import system
from grants.kernel.db import db, next_number, unit_of_work
from grants.kernel.errors import RefusedError
from grants.kernel.outbox import Letter
from grants.kernel.words import force_locale
from grants.people.models import Account, Organisation
from grants.people.rules import why_not_rna, why_not_siret
from grants.reviewing import queries as reviewing
from grants.screening import queries as screening
from grants.screening import rules as gates
from tests.databases import Databases
from tests.site import settings_for

pytestmark = pytest.mark.neutral(on="postgresql")

BY = system("tests")
NUMBER, CALLS = 160, 2


@pytest.fixture(scope="module")
def grown_once(shared_app: Flask, store: Databases, own: str, tmp_path_factory: pytest.TempPathFactory):
    """Grow a volume once on a copy of the template (`shared_app` has filled it)."""
    url = store.create(f"{own}grown", template=f"{own}template")
    app = create_app(settings_for(url, tmp_path_factory.mktemp("grown")), TESTING=True)
    with app.app_context():
        at = clock.now()
        result = add_volume(NUMBER, 7, by=BY)
        db.session.remove()
    yield app, result, at
    with app.app_context():
        db.engine.dispose()


@pytest.fixture
def grown(grown_once):
    """Give the grown volume, its application context pushed."""
    app, result, _at = grown_once
    with app.app_context(), force_locale("fr"):
        yield result
        db.session.remove()


def digests() -> list[tuple[str, str]]:
    rows = select(Application.reference, ApplicationVersion.digest).join(
        ApplicationVersion, ApplicationVersion.application_id == Application.id
    )
    return [tuple(row) for row in db.session.execute(rows.order_by(Application.reference))]


def volume() -> Call:
    call = calls.call_by_code("volume-7")
    assert call is not None
    return call


def test_as_many_as_asked_stand_in_a_call_that_says_what_it_is(grown: VolumeAdded) -> None:
    assert sum(grown.states.values()) == NUMBER + CALLS  # and, in each call, one draft that is hardly begun
    assert set(grown.states) == {"draft", "submitted", "eligible", "ineligible", "awarded", "declined"}
    assert min(grown.states.values()) > NUMBER // 20
    assert grown.call == "volume-7"
    assert "inventés" in volume().title


def test_the_same_seed_on_the_same_day_gives_the_same_content(grown_once, app: Flask, grown: VolumeAdded) -> None:
    with grown_once[0].app_context():
        expected = digests()
    with app.app_context():
        with clock.fixed(grown_once[2] + timedelta(seconds=1)):
            add_volume(NUMBER, 7, by=BY)
        assert digests() == expected
        with clock.fixed(grown_once[2] + timedelta(seconds=1)):
            add_volume(60, 8, by=BY)
        assert not {digest for _reference, digest in expected} & {digest for _, digest in digests()[len(expected) :]}
        with pytest.raises(RefusedError):
            add_volume(10, 7, by=BY)
        assert list(journal.broken_links()) == []
        db.session.remove()


def test_a_frozen_version_is_what_the_tables_say(grown: VolumeAdded) -> None:
    versions = db.session.scalars(select(ApplicationVersion).order_by(ApplicationVersion.id).limit(80)).all()
    for version in versions:
        application = db.session.get_one(Application, version.application_id)
        assert rules.canonical(applications.plain_content(application)) == version.content
        assert rules.digest(version.content) == version.digest


def test_a_submitted_application_could_have_been_submitted_by_hand(grown: VolumeAdded) -> None:
    submitted = select(Application).where(Application.submitted_at.is_not(None)).order_by(Application.id).limit(60)
    for application in db.session.scalars(submitted):
        assert rules.missing(applications.draft_content(application)) == []
        assert application.silence_on is not None


def test_every_budget_balances_and_every_euro_is_read_once_in_each_dimension(grown: VolumeAdded) -> None:
    requested = {}
    for application in db.session.scalars(select(Application).where(Application.requested.is_not(None))):
        found = rules.totals((line.side, line.account, line.amount) for line in application.budget_lines)
        assert found.is_balanced
        assert found.charges == application.total
        if application.submitted_at is not None:
            requested[application.id] = application.requested
    sums = db.session.execute(
        select(Allocation.application_id, func.sum(Allocation.amount)).group_by(
            Allocation.application_id, Allocation.dimension
        )
    ).all()
    assert len(sums) == 6 * len(requested)
    assert all(amount == requested[application_id] for application_id, amount in sums)


def test_references_follow_one_another_in_the_order_of_arrival(grown: VolumeAdded) -> None:
    rows = db.session.execute(
        select(Application.reference, Application.submitted_at)
        .where(Application.reference.is_not(None))
        .order_by(Application.submitted_at, Application.reference)
    ).all()
    numbers: dict[str, list[int]] = defaultdict(list)  # by year
    for row in rows:
        series, _dash, number = row.reference.rpartition("-")
        numbers[series].append(int(number))
    assert all(each == list(range(1, len(each) + 1)) for each in numbers.values())
    with unit_of_work():
        for series, each in numbers.items():
            assert next_number(f"application:{series}") == len(each) + 1
        db.session.rollback()


def test_decided_ones_hold_to_their_gates(grown: VolumeAdded) -> None:
    own = select(Application.id, Application.state).where(Application.call_id == volume().id)
    states = {row.id: row.state.value for row in db.session.execute(own)}
    decided = [key for key, state in states.items() if state in {"eligible", "ineligible"}]
    outcomes = screening.outcomes_of(decided, screening.gates_of(volume().id))
    for application_id, found in outcomes.items():
        assert gates.pending(found) == []
        expected = ["no_double_request"] if states[application_id] == "ineligible" else []
        assert gates.failed(found) == expected


def test_some_reviews_count_and_the_money_holds(grown: VolumeAdded) -> None:
    results = reviewing.results_of(volume().id)
    assert len(results) == grown.states["eligible"]
    counted = Counter(result.reviews for result in results.values())
    assert counted[0] > counted[3] > 0
    assert list(deliberation.problems(awards.released_by_call())) == []
    assert list(awards.problems()) == []


def test_the_journal_tells_each_life_in_an_unbroken_chain(grown: VolumeAdded) -> None:
    assert list(journal.broken_links()) == []
    events = Counter(db.session.scalars(select(journal.Entry.event)))
    submitted = NUMBER + CALLS - grown.states["draft"]
    decided = grown.states["awarded"] + grown.states["declined"]
    assert events["application.submit"] == submitted
    assert events["application.accept"] == grown.states["eligible"] + decided
    assert events["application.exclude"] == grown.states["ineligible"]
    assert events["application.started"] == NUMBER + CALLS
    assert events["application.award"] == events["award.opened"] == grown.awards == grown.states["awarded"]
    assert events["instalment.pay"] == grown.payments


def test_nobody_is_real_nobody_signs_in_and_nothing_is_mailed(grown: VolumeAdded) -> None:
    assert db.session.scalar(select(func.count()).select_from(Letter)) == 0
    assert set(db.session.scalars(select(Account.password))) == {None}
    assert all(email.endswith("@volume.example") for email in db.session.scalars(select(Account.email)))
    for organisation in db.session.scalars(select(Organisation)):
        assert organisation.name.endswith("(fictive)")
        assert organisation.siret is None or why_not_siret(organisation.siret) is None
        assert why_not_rna(organisation.rna) is None


def test_a_siret_is_right_and_never_twice_the_same() -> None:
    numbers = [siret_of(number) for number in range(2000)]
    assert len(set(numbers)) == len(numbers)
    assert all(why_not_siret(number) is None for number in numbers)
