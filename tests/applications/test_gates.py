"""What makes a dossier ineligible is told where it is typed, where it can be known; it stops nobody from submitting."""

from datetime import timedelta

import pytest

from grants.applications import actions, queries, rules
from grants.applications.parts.part import Part
from grants.calls import queries as calls
from grants.calls.rules import TOLD_WHEN_TYPED
from grants.kernel import clock
from grants.kernel.db import db, unit_of_work
from grants.kernel.money import Money
from grants.people.models import LegalForm
from grants.screening.rules import COMPUTED


@pytest.fixture
def draft(make):
    return make.application()


def said(draft):
    db.session.expire_all()
    return {gate.title: gate.sections for gate in queries.unmet_gates(draft, queries.draft_content(draft))}


def save(make, draft, section, values):
    with unit_of_work():
        actions.save_section(draft, section, values, by=make.actor_of(make.member_of(draft.organisation)))


def test_a_project_that_ends_before_the_closing_is_told_on_its_page_and_may_be_submitted(make, draft, page):
    assert said(draft) == {}
    closes = draft.call.closes_at.date()
    ends = {"starts_on": closes - timedelta(days=30), "ends_on": closes - timedelta(days=2)}
    save(make, draft, Part.PROJECT, ends)
    assert said(draft) == {"Projet non terminé": {"projet"}}
    page.sign_in(make.member_of(draft.organisation))
    pages = [page.get("applications.edit", draft, section="projet"), page.get("applications.review", draft)]
    for words in (shown.words for shown in (*pages, page.get("applications.submit", draft))):
        assert "Le projet se termine avant la clôture de l’appel." in words
        assert "Rien ne vous empêche de déposer" in words
    assert "se termine avant" not in page.get("applications.edit", draft, section="axes").words
    assert queries.missing(draft, queries.draft_content(draft)) == []
    save(make, draft, Part.PROJECT, {"ends_on": closes + timedelta(days=2)})
    assert said(draft) == {}


def test_the_ceiling_of_aid_is_told_where_the_aid_and_where_the_amount_are_typed(make, draft):
    asked = {row.code: str(row.id) for row in calls.questions_of(draft.call_id)}
    answers = {asked["economic_activity"]: "yes", asked["de_minimis_total"]: 29_950_000}
    save(make, draft, "questions-organisation", {"answers": answers})
    assert list(said(draft).values()) == [{"projet", "questions-organisation"}]
    save(make, draft, "questions-organisation", {"answers": {asked["de_minimis_total"]: 0}})
    assert said(draft) == {}
    save(make, draft, "questions-organisation", {"answers": {**answers, asked["economic_activity"]: "no"}})
    assert said(draft) == {}


def test_an_organisation_that_the_call_does_not_help_is_told_before_it_begins(make, page):
    call, organisation = make.call(), make.organisation()
    page.sign_in(make.member_of(organisation))
    assert "Cet appel s’adresse aux associations" not in page.get("applications.start", call).words
    with unit_of_work():
        organisation.legal_form = LegalForm.COOPERATIVE
    assert "Cet appel s’adresse aux associations déclarées." in page.get("applications.start", call).words
    draft = make.application(call=call, organisation=organisation)
    assert set(said(draft)) == {"Forme juridique"}


@pytest.mark.parametrize(
    ("ends", "received", "codes"),
    [
        (None, None, []), (0, None, []), (-1, None, ["not_started"]), (1, 30_000_000, ["de_minimis"]),
        (1, 29_200_000, []), (-1, 29_200_001, ["not_started", "de_minimis"]),
    ],
)  # fmt: skip
def test_each_condition_holds_at_its_bound(ends, received, codes):
    day = clock.today()
    questions = [{"code": "economic_activity", "value": "yes"}, {"code": "de_minimis_total", "value": received}]
    content = {
        "organisation": {"legal_form": "association"},
        "project": {"ends_on": None if ends is None else day + timedelta(days=ends), "requested": Money.euros(8_000)},
        "sections": [{"code": "organisation", "questions": questions}],
    }
    assert rules.unmet(content, closes_on=day, ceiling=Money.euros(300_000)) == codes


def test_the_call_page_says_which_conditions_are_told_when_typed_and_one_dossier_for_each(make, page):
    assert COMPUTED.keys() == TOLD_WHEN_TYPED
    words = page.get("calls.show", code=make.call().code).words
    assert words.count("Dit dès la saisie.") == len(TOLD_WHEN_TYPED)
    assert "Un seul dossier par organisation pour cet appel." in words
