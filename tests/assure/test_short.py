"""The short form of `make assure`: every figure on fewer rounds, on the database of the run."""

import pytest

from tests.assure.everything import figures
from tests.assure.figures import Figure
from tests.assure.mutants import MUTANTS, misplaced
from tests.site import ROOT, Workspace


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test for each figure of this database that has a short form."""
    chosen = figures(metafunc.config.getoption("--db"), short=True)
    if "figure" in metafunc.fixturenames:
        marks = {one.name: [pytest.mark.neutral(on=one.once)] if one.once else [] for one in chosen}
        metafunc.parametrize("figure", [pytest.param(one, id=one.name, marks=marks[one.name]) for one in chosen])


def test_a_figure_of_trust_is_held(figure: Figure, workspace: Workspace) -> None:
    reading = figure.measure(workspace)
    assert not reading.faults, "\n".join(reading.faults[:40])
    assert reading.passes, f"{reading.found} found, {reading.tried} tried, {reading.least} wanted"


def test_the_protections_that_mutants_remove_are_where_they_look() -> None:
    assert not [fault for mutant in MUTANTS for fault in misplaced(mutant, ROOT)]
