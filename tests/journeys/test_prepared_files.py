"""A long list made by the worker while somebody looks on: its page comes to the end by itself, scripts or not."""

import pytest
from playwright.sync_api import expect

from grants.kernel import jobs
from grants.kernel.db import db
from grants.people.models import Role
from tests.journeys.cast import Participants
from tests.journeys.worlds import unlike_others

pytestmark = pytest.mark.neutral


@pytest.mark.parametrize("with_scripts", [True, False], ids=["scripts", "no scripts"])
def test_the_page_of_a_job_comes_to_its_end_by_itself(participants: Participants, *, with_scripts: bool) -> None:
    email = f"{unlike_others('audit').replace(' ', '-')}@exemple.example"
    auditor = participants.serves("Camille Auditrice", email, Role.AUDITOR, java_script_enabled=with_scripts)
    auditor.goes_to("Journal")
    auditor.presses("Faire préparer le classeur", shows="En attente")
    where = auditor.page.url
    with participants.fund.app.app_context():
        assert jobs.run_waiting() == 1
        db.session.remove()
    expect(auditor.page.get_by_role("link", name="Télécharger journal.xlsx")).to_be_visible()
    assert auditor.page.url == where
    assert auditor.downloads("Télécharger journal.xlsx").startswith(b"PK")
