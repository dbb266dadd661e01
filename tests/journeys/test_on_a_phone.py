"""The pages of a dossier on a phone of 390 × 844: writing begins in the first screen."""

import pytest

from tests.journeys.cast import Participants
from tests.journeys.worlds import TITLE, volunteer_with_a_complete_draft

pytestmark = pytest.mark.neutral

PHONE = {"width": 390, "height": 844}
FIRST_FIELD = """() => {
  const fields = [...document.querySelectorAll("main input:not([type=hidden]), main textarea, main select")];
  return fields.find((field) => field.checkVisibility()).getBoundingClientRect().top;
}"""


def test_the_first_field_of_every_writing_page_is_in_the_first_screen(participants: Participants) -> None:
    volunteer = volunteer_with_a_complete_draft(participants, java_script_enabled=True)
    volunteer.signs_in()
    volunteer.follows(TITLE)
    volunteer.follows("Relire et déposer")
    volunteer.page.set_viewport_size(PHONE)
    steps = volunteer.page.locator("main a[href*='/rediger/']")
    links = steps.evaluate_all("links => links.map(link => link.href.split('#')[0])")
    tops = {}
    for place in sorted(set(links)):
        volunteer.page.goto(place)
        tops[place.rpartition("/")[2]] = volunteer.page.evaluate(FIRST_FIELD)
    assert len(tops) >= 10
    assert {page: top for page, top in tops.items() if top >= PHONE["height"]} == {}
