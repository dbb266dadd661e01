"""docs/assurance.md explains what it shows: each figure, those that nothing measures, and each case of abuse."""

from pathlib import Path

import pytest

from tests.assure import everything  # noqa: F401 - fills the table of figures
from tests.assure.abuse import CODES
from tests.assure.explained import ABUSE, COUNTED, NOT_MEASURED, explained, measured

pytestmark = pytest.mark.neutral

PAGE = Path(__file__).parents[2] / "docs" / "assurance.md"


def test_each_figure_is_measured_or_says_why_it_is_not() -> None:
    assert list(COUNTED) == list(range(1, 45))
    assert measured().keys() | NOT_MEASURED.keys() == COUNTED.keys()
    assert measured().keys() & NOT_MEASURED.keys() == set()


def test_each_case_of_abuse_is_said() -> None:
    assert list(ABUSE) == CODES


def test_the_page_explains_the_figures_as_they_are() -> None:
    assert PAGE.read_text(encoding="utf-8").endswith("\n" + explained())
