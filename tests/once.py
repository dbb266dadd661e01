"""Makes the tests that cannot depend on the database once, when the suite runs on both (`--once`).

A test is declared so by `@pytest.mark.neutral`, alone or as the `pytestmark` of a module; `neutral(on="postgresql")`
names the database it is made on, SQLite otherwise. Modules of rules and of routes are neutral by their names.
"""

from collections.abc import Iterable
from inspect import signature

import pytest

# Rules know no database (lint-imports sees to it). What pages say is asked of the database that costs least: the acts
# and queries behind them have tests of their own, on both, and the figures `parameters` and `embargo` open every page
# on PostgreSQL, which refuses most.
BY_NAME = {"test_rules": "sqlite", "test_routes": "sqlite"}
# What a neutral test may not ask for: with these it would speak of the database it runs on.
OF_A_DATABASE = {"store", "dialect"}


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add --once."""
    parser.addoption(
        "--once", action="store_true", help="leave out the neutral tests that the run on the other database makes"
    )


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Refuse marks that are wrong; with --once, leave out what the run on the other database makes."""
    for item in items:
        for name, dialect in BY_NAME.items():
            if item.path.name.startswith(name):
                item.add_marker(pytest.mark.neutral(on=dialect))
    if faults := [fault for item in items for fault in misuses(item)]:
        raise pytest.UsageError("\n".join(faults))
    if config.getoption("--once"):
        here = list(made_on(config.getoption("--db"), items))
        config.hook.pytest_deselected(items=list(set(items) - set(here)))
        items[:] = here


def home_of(item: pytest.Item) -> str | None:
    """The one database a neutral test is made on; None for a test that is made on both."""
    mark = item.get_closest_marker("neutral")
    return mark and mark.kwargs.get("on", "sqlite")


def misuses(item: pytest.Item) -> Iterable[str]:
    """Why a test cannot be neutral."""
    asked = OF_A_DATABASE.intersection(signature(item.function).parameters)  # type: ignore[attr-defined]
    if home_of(item) and asked:
        yield f"{item.nodeid} is marked neutral and asks for {', '.join(sorted(asked))}"


def made_on(dialect: str, items: Iterable[pytest.Item]) -> Iterable[pytest.Item]:
    """The tests that a run on this database makes when there is one on the other as well."""
    return (item for item in items if home_of(item) in {None, dialect})
