"""A draft that starts from an earlier dossier: what it may take, what it never takes, what it does not overwrite."""

from datetime import timedelta

import pytest

from grants.applications import actions, queries
from grants.applications.lifecycle import ApplicationState
from grants.applications.models import Application
from grants.applications.parts.part import Part
from grants.calls import queries as calls
from grants.calls import rules as call_rules
from grants.kernel import clock, journal
from grants.kernel.db import unit_of_work
from grants.kernel.errors import RefusedError
from grants.kernel.money import Money
from tests.client import form_values


@pytest.fixture
def earlier(make):
    return make.application(state=ApplicationState.SUBMITTED)


@pytest.fixture
def by(make, earlier):
    return make.actor_of(make.member_of(earlier.organisation))


@pytest.fixture
def draft(make, earlier, by):
    call = make.call(closes_at=clock.now() + timedelta(minutes=30))
    with unit_of_work():
        return actions.start(call, earlier.organisation_id, by=by)


def names(draft, earlier, *, but=()):
    return {answer.name for answer in queries.answers_from(draft, earlier) if answer.path[0] not in but}


def take(draft, earlier, by, *, chosen=None, with_amounts=False):
    with unit_of_work():
        wanted = names(draft, earlier) if chosen is None else chosen
        return actions.take_up(draft, earlier, wanted, with_amounts=with_amounts, by=by)


def values(application, section):
    return queries.section_values(application, section)


def test_everything_that_may_be_taken_is_saved_as_if_it_was_typed(draft, earlier, by):
    before = len(journal.of(draft))
    taken, left = take(draft, earlier, by, with_amounts=True)
    assert taken > 20
    assert left == 0
    for section in (Part.AXES, Part.TERRITORY, Part.PEOPLE, Part.CLIMATE):
        assert values(draft, section) == values(earlier, section)
    assert draft.title == earlier.title
    assert [(line.account, line.amount) for line in draft.budget_lines] == [
        (line.account, line.amount) for line in earlier.budget_lines if not line.is_request
    ]
    assert [entry.event for entry in journal.of(draft)][before:] == ["application.taken_up"]
    assert names(draft, earlier) == set()
    assert queries.changes_in(draft, Part.PROJECT)[("title",)].name == by.name


def test_dates_the_amount_asked_for_sums_statements_and_files_are_never_taken(draft, earlier, by):
    take(draft, earlier, by)
    assert (draft.requested, draft.starts_on, draft.ends_on, draft.signatures) == (None, None, None, [])
    assert [line.amount for line in draft.budget_lines] == [Money(0)] * 2
    assert [line.funding_status for line in draft.budget_lines] == [None] * 2
    assert [(row.label, row.due_on) for row in draft.milestones] == [("Démarrage", None)]
    asked = {question.id: question for question in calls.questions_of(draft.call_id)}
    kinds = {asked[answer.question_id].kind.value for answer in draft.answers}
    assert kinds.isdisjoint({"file", "date", "money"})
    assert call_rules.FIRST_REQUEST not in {asked[answer.question_id].code for answer in draft.answers}


def test_what_is_typed_already_is_replaced_only_when_ticked_and_as_it_was_shown(draft, earlier, by):
    with unit_of_work():
        actions.save_section(draft, Part.PROJECT, {"title": "Le mien"}, by=by)
    (title,) = [answer for answer in queries.answers_from(draft, earlier) if answer.path == ("title",)]
    assert title.is_held
    take(draft, earlier, by, chosen=names(draft, earlier, but=("title",)))
    assert draft.title == "Le mien"
    with unit_of_work():
        actions.save_section(draft, Part.PROJECT, {"title": "Le mien, relu"}, by=by)
    assert take(draft, earlier, by, chosen={title.name, "projet|title|0"}) == (0, 2)
    assert draft.title == "Le mien, relu"
    (title,) = [answer for answer in queries.answers_from(draft, earlier) if answer.path == ("title",)]
    assert take(draft, earlier, by, chosen={title.name}) == (1, 0)
    assert draft.title == earlier.title


def test_a_line_of_the_budget_taken_again_without_amounts_keeps_the_amount_typed(draft, earlier, by):
    take(draft, earlier, by)
    lines = values(draft, Part.BUDGET)["lines"]
    with unit_of_work():
        changed = [{**line, "label": "Autre", "amount": Money.euros(500)} for line in lines]
        actions.save_section(draft, Part.BUDGET, {"lines": changed}, by=by)
    take(draft, earlier, by)
    assert [(line.label, line.amount) for line in draft.budget_lines] == [
        ("Animation", Money.euros(500)), ("Fonds propres", Money.euros(500)),
    ]  # fmt: skip


def test_nothing_is_taken_from_another_organisation_nor_into_a_submitted_dossier(make, draft, earlier, by):
    stranger = make.application()
    assert stranger not in queries.earlier_dossiers(draft)
    with pytest.raises(RefusedError):
        take(draft, stranger, by)
    with pytest.raises(RefusedError):
        take(earlier, draft, by, chosen=set())


def test_a_correction_is_not_a_dossier_to_start_from(make, draft, earlier, by):
    assert list(queries.earlier_dossiers(draft)) == [earlier]
    with unit_of_work():
        correction = actions.begin_correction(earlier, by=by)
    assert correction.id != earlier.id
    assert list(queries.earlier_dossiers(draft)) == [earlier]


def test_an_answer_that_the_new_call_does_not_take_is_not_offered(make, earlier, by):
    call = make.call(state="draft")
    shorter = next(row for row in calls.questions_of(call.id) if row.kind == "long" and row.required)
    with unit_of_work():
        shorter.max_length = 1
    draft = Application(call_id=call.id, organisation_id=earlier.organisation_id, author_id=by.id,
                        created_at=clock.now(), touched_at=clock.now())  # fmt: skip
    with unit_of_work() as session:
        session.add(draft)
    assert ("answers", str(shorter.id)) not in {answer.path for answer in queries.answers_from(draft, earlier)}
    assert len(queries.answers_from(draft, earlier)) > 20


def test_a_second_dossier_asks_no_administrative_fact_again(make, page, draft, earlier, by):
    """Counted in the forms themselves: no field of any page asks what the organisation's own page holds."""
    facts = ("siret", "rna", "legal_form", "address", "postcode", "city", "phone", "founded_on", "representative_name",
             "representative_role", "representative_email", "iban", "purpose", "acronym")  # fmt: skip
    held = {text for name in facts if len(text := str(getattr(draft.organisation, name, None) or "")) > 11}
    page.sign_in(make.member_of(earlier.organisation))
    take(draft, earlier, by)
    asked, typed_again = set(), 0
    for section in queries.section_codes(draft):
        answer = page.get("applications.edit", draft, section=section)
        for form in answer.tree.xpath("//main//form[@method='post']"):
            fields = {name.rpartition("-")[2]: value for name, value in form_values(form)}
            asked |= set(fields)
            typed_again += sum(len(value) for value in fields.values() if isinstance(value, str) and value in held)
    assert asked.isdisjoint(facts)
    assert typed_again == 0
    content = queries.draft_content(draft)
    assert content["organisation"]["siret"] == draft.organisation.siret
    left = {item.field for item in queries.missing(draft, content) if item.section == "questions-organisation"}
    assert left == {call_rules.FIRST_REQUEST, call_rules.DE_MINIMIS_TOTAL}  # what changes from one request to the next
