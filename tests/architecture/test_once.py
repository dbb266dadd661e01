"""Each neutral test is made on one of the databases, every other test on both, and a wrong mark is refused."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.databases import DIALECTS
from tests.once import made_on, misuses, pytest_collection_modifyitems

pytestmark = pytest.mark.neutral


def item(function: Any, mark: pytest.MarkDecorator | None = None) -> Any:
    """What pytest makes of a test function."""
    return SimpleNamespace(
        nodeid="test", path=Path("test_it.py"), function=function, get_closest_marker=lambda _name: mark and mark.mark
    )


def test_every_test_is_made_on_a_database_at_least_and_neutral_ones_on_one() -> None:
    marks = (None, pytest.mark.neutral, pytest.mark.neutral(on="sqlite"), pytest.mark.neutral(on="postgresql"))
    items = [item(lambda make: make, mark) for mark in marks]
    made = [{dialect for dialect in DIALECTS if one in list(made_on(dialect, items))} for one in items]
    assert made == [set(DIALECTS), {"sqlite"}, {"sqlite"}, {"postgresql"}]


@pytest.mark.parametrize("function", [lambda store: store, lambda make, dialect: (make, dialect)])
def test_a_neutral_test_may_not_ask_for_the_database(function: Any) -> None:
    assert not list(misuses(item(function)))
    assert list(misuses(item(function, pytest.mark.neutral)))
    with pytest.raises(pytest.UsageError, match="marked neutral"):
        pytest_collection_modifyitems(None, [item(function, pytest.mark.neutral)])  # type: ignore[arg-type]
