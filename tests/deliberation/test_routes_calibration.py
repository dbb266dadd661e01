"""The page of the ranking with expected ranks: switched on, computed, told when it is no longer so."""

from datetime import timedelta

import pytest

from grants.applications.lifecycle import ApplicationState
from grants.applications.models import Application
from grants.deliberation import queries
from grants.kernel import clock, jobs
from grants.kernel.db import db, unit_of_work
from grants.reviewing.lifecycle import AssignmentState


@pytest.fixture
def meeting(make):
    """Give a meeting on two dossiers read by the same people, and one without a mark."""
    call, readers = make.call(closes_at=clock.now() - timedelta(days=3)), [make.account("reviewer") for _ in range(3)]
    for levels in ((4, 3, 4), (3, 4, 3), ()):
        application = make.application(state=ApplicationState.ELIGIBLE, call=call)
        for reader, level in zip(readers, levels, strict=False):
            make.assignment(application, reader, state=AssignmentState.SUBMITTED, level=level)
    return make.meeting(call)


def test_ranks_are_switched_on_computed_and_computed_again(app, make, page, meeting):
    page.sign_in(make.account("manager"))
    assert "Le rang attendu" not in page.get("deliberation.meeting", meeting).words
    assert page.post("deliberation.calibrate", meeting).status == 409
    page.get("deliberation.edit", meeting)
    assert page.submit({"calibrated": "y"}, action="/modifier").status == 200
    words = page.get("deliberation.meeting", meeting).words
    assert "n’est pas encore calculé" in words
    assert "La note décide" in words
    asked = page.submit(action="/rang-attendu").words
    assert "Suivre le calcul" in asked
    assert "En attente" in asked
    jobs.run_waiting()
    answer = page.get("deliberation.meeting", meeting)
    assert "graine 2022" in answer.words
    assert "alpha de Krippendorff" in answer.words
    assert "sans note" in answer.words
    assert "Calculer de nouveau" not in answer.words
    assert len(answer.tree.xpath("//section[@aria-labelledby='rang-attendu-titre']//svg")) == 2
    assert not answer.tree.xpath("//*[@style]")
    make.reviewed(db.session.get_one(Application, queries.ranking_of(meeting.call, make.actor("manager"))
                                     .lines[0].application_id), 1)  # fmt: skip
    words = page.get("deliberation.meeting", meeting).words
    assert "ont changé depuis ce calcul" in words
    assert "Calculer de nouveau" in words


def test_an_auditor_reads_and_does_not_ask(app, make, page, meeting):
    page.sign_in(make.account("manager"))
    page.get("deliberation.edit", meeting)
    page.submit({"calibrated": "y"}, action="/modifier")
    page.sign_in(make.account("auditor"))
    answer = page.get("deliberation.meeting", meeting)
    assert "n’est pas encore calculé" in answer.words
    assert not answer.tree.xpath("//form[contains(@action, 'rang-attendu')]")
    assert page.post("deliberation.calibrate", meeting).status == 403


def test_who_owes_a_review_is_told_when_ranks_will_be_visible(app, make, page, meeting):
    page.sign_in(make.account("manager"))
    page.get("deliberation.edit", meeting)
    page.submit({"calibrated": "y"}, action="/modifier")
    owing = make.account("reviewer")
    first = queries.ranking_of(meeting.call, make.actor("manager")).lines[0].application_id
    make.assignment(db.session.get_one(Application, first), owing)
    page.sign_in(owing)
    assert "quand toutes vos évaluations" in page.get("deliberation.meeting", meeting).words
    assert page.post("deliberation.calibrate", meeting).status == 409


def test_the_page_in_english_has_its_words(app, make, page, meeting):
    manager = make.account("manager")
    with unit_of_work():
        manager.locale = "en"
    page.sign_in(manager)
    page.get("deliberation.edit", meeting)
    page.submit({"calibrated": "y"}, action="/modifier")
    page.get("deliberation.meeting", meeting)
    page.submit(action="/rang-attendu")
    jobs.run_waiting()
    words = page.get("deliberation.meeting", meeting).words
    assert "between 20 and 80%." in words
    assert "nine times out of ten" in words
