import pytest
from click.testing import CliRunner
from sqlalchemy import func, select

from grants.applications.models import Application
from grants.calls import queries as calls
from grants.calls.models import Call
from grants.cli import demo
from grants.kernel.db import db


@pytest.fixture
def type_it(app, make):
    """Give a function that types `grants demo …` on a database where somebody already has an account."""
    make.account()
    return lambda *words: CliRunner().invoke(demo, words)


def test_volume_is_grown_when_asked_for_and_says_what_it_made(type_it) -> None:
    result = type_it("--applications", "25", "--seed", "4")
    assert result.exit_code == 0, result.output
    assert "volume-4" in result.output
    assert "2 séances" in result.output
    assert calls.call_by_code("volume-4") is not None
    counted = select(func.count()).select_from(Application).join(Call).where(Call.code.startswith("volume-4"))
    assert db.session.scalar(counted) == 27


def test_a_volume_of_nothing_is_refused(type_it) -> None:
    assert type_it("--applications", "0").exit_code == 2
