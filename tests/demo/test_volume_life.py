"""A volume reaches the last page: sessions, awards and payments, sound on both databases."""

from collections import Counter

import pytest
from flask import Flask
from sqlalchemy import func, select, text

from grants.app import create_app
from grants.awards.models import Award, Instalment, LedgerEntry, Receivable, Report
from grants.calls.models import Call
from grants.cli import VERIFICATIONS
from grants.deliberation.models import Decision, Recommendation
from grants.demo.volume import VolumeAdded, add_volume
from grants.evidence import expected
from grants.kernel.actor import system
from grants.kernel.db import db
from grants.kernel.money import Money
from tests.databases import Databases
from tests.site import settings_for

NUMBER = 60


@pytest.fixture(scope="module")
def grown_once(shared_app: Flask, store: Databases, own: str, tmp_path_factory: pytest.TempPathFactory):
    """Grow a small volume once, on a copy of the template."""
    url = store.create(f"{own}life", template=f"{own}template")
    app = create_app(settings_for(url, tmp_path_factory.mktemp("life")), TESTING=True)
    with app.app_context():
        result = add_volume(NUMBER, 4, by=system("tests"))
        db.session.remove()
    yield app, result
    with app.app_context():
        db.engine.dispose()


@pytest.fixture
def grown(grown_once):
    """Give the volume, its application context pushed."""
    app, result = grown_once
    with app.app_context():
        yield result
        db.session.remove()


def number(model) -> int:
    return db.session.scalar(select(func.count()).select_from(model))


def test_every_proof_holds_under_every_guard(grown: VolumeAdded) -> None:
    assert [f"{subject} : {each}" for subject, problems in VERIFICATIONS for each in problems()] == []
    names = "SELECT name FROM sqlite_master WHERE type = 'trigger'"
    if db.engine.dialect.name == "postgresql":
        names = "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal"
    assert expected() <= set(db.session.scalars(text(names)))


def test_a_part_of_the_applications_went_all_the_way(grown: VolumeAdded) -> None:
    past = NUMBER * 3 // 5
    assert grown.meetings == 2
    assert past // 4 <= grown.awards == number(Award) == grown.states["awarded"] <= past
    assert grown.awards // 3 <= grown.payments
    assert grown.states["awarded"] + grown.states["declined"] == number(Decision)
    assert number(Recommendation) > number(Decision)
    assert number(Report) > grown.awards // 2
    assert number(Receivable) > 0


def test_no_call_gives_more_than_its_envelope_nor_an_award_more_than_was_voted(grown: VolumeAdded) -> None:
    for call in db.session.scalars(select(Call)):
        granted = select(Decision.amount).where(Decision.application.has(call_id=call.id))
        assert sum(db.session.scalars(granted), Money(0)) <= call.envelope
    for award in db.session.scalars(select(Award)):
        assert award.paid <= award.ordered <= award.engaged <= award.amount <= award.application.requested


def test_each_movement_of_money_follows_those_it_needs(grown: VolumeAdded) -> None:
    days: dict[object, dict[str, list[object]]] = {}
    for entry in db.session.scalars(select(LedgerEntry).order_by(LedgerEntry.id)):
        days.setdefault(entry.award_id, {}).setdefault(entry.kind.value, []).append(entry.day)
    for kinds in days.values():
        steps = [
            kinds[kind][0] for kind in ("voted", "engaged", "ordered", "paid", "claimed", "received") if kind in kinds
        ]
        assert steps == sorted(steps)
    kinds = Counter(row.state.value for row in db.session.scalars(select(Instalment)))
    assert kinds["paid"] == grown.payments
    four_eyes = select(Instalment).where(Instalment.approved_by.is_not(None))
    assert all(row.prepared_by != row.approved_by for row in db.session.scalars(four_eyes))
