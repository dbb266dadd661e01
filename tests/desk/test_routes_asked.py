"""The page where a manager says what a call asks of each kind of support."""

import pytest
from werkzeug.datastructures import MultiDict

from grants.calls import queries as calls
from grants.calls.lifecycle import CallState
from grants.kernel.db import db
from tests.client import form_values


@pytest.fixture
def draft(make, page):
    page.sign_in(make.account("manager"))
    return make.call(state=CallState.DRAFT)


def typed(answer, **lists):
    """What the form of a page posts with other boxes ticked."""
    sent = MultiDict(form_values(answer.form()))
    for name, values in lists.items():
        sent.setlist(name, values)
    return sent


def left_out(draft):
    db.session.expire_all()
    return [sorted(row.left_out) for row in calls.instruments_of(draft.id)]


def test_a_manager_says_what_is_not_asked_and_where_criteria_are_judged(draft, page):
    places = ["climat", "budget.lines.66", "publics.justice.pricing"]
    sent = typed(page.get("desk.asked_by", draft), emergence_left_out=places, frugality_judged_in=["budget"])
    answer = page.post("desk.asked_by", draft, data=sent)
    assert answer.status == 302
    assert left_out(draft)[0] == ["budget.lines.66", "climat", "publics.justice.pricing"]
    shown = page.get("calls.manage", draft).words
    assert "Ce qui est demandé, par forme d’aide" in shown


def test_a_criterion_left_without_anything_is_said_at_once_and_on_the_page(draft, page):
    sent = typed(page.get("desk.asked_by", draft), emergence_left_out=["climat"], frugality_judged_in=["climat"])
    answer = page.post("desk.asked_by", draft, data=sent)
    words = page.follow(answer).words
    assert "Rien ne laisse juger « Sobriété de la mise en œuvre » (Émergence)" in words
    assert "Des critères ne se jugent sur rien" in words
    assert "Rien n’est demandé qui laisse juger" in page.get("calls.manage", draft).words


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("axes.shares", "les parts du projet par axe sert ailleurs"),
        ("budget.lines.74", "le compte 74 du budget du projet sert ailleurs"),
        ("indicateurs.rows.target", "Ce choix n’est pas proposé"),
        ("n’importe quoi", "Ce choix n’est pas proposé"),
    ],
)
def test_what_cannot_be_left_out_is_refused_in_a_sentence(draft, page, place, said):
    sent = typed(page.get("desk.asked_by", draft), emergence_left_out=[place])
    answer = page.post("desk.asked_by", draft, data=sent)
    assert answer.status == 422
    assert said in answer.words
    assert left_out(draft) == [[], [], []]


def test_a_stale_page_is_a_conflict_and_an_open_call_is_refused(make, draft, page):
    shown = page.get("desk.asked_by", draft)
    page.post("desk.asked_by", draft, data=typed(shown, emergence_left_out=["climat"]))
    key = page.get("desk.asked_by", draft).form().fields["_key"]
    stale = typed(shown, emergence_left_out=["axes.plans"], _key=[key])
    assert page.post("desk.asked_by", draft, data=stale).status == 409
    assert left_out(draft)[0] == ["climat"]
    opened = make.call()
    shown = page.get("desk.asked_by", opened)
    assert "figé depuis la publication" in shown.words
    answer = page.post("desk.asked_by", opened, data={"version": opened.version, "emergence_left_out": ["climat"]})
    assert answer.status == 409
    assert left_out(opened) == [[], [], []]


def test_a_question_is_put_to_some_kinds_of_support_on_its_own_page(draft, page):
    question = next(row for row in calls.questions_of(draft.id) if row.code == "spread")
    shown = page.get("calls.edit_question", question)
    assert page.post("calls.edit_question", question, data=typed(shown, instruments=["scale_up"])).status == 302
    assert "pour : Changement d’échelle" in page.get("calls.questions", draft).words
    shown = page.get("calls.edit_question", question)
    assert MultiDict(form_values(shown.form())).getlist("instruments") == ["scale_up"]
    assert page.post("calls.edit_question", question, data=typed(shown, instruments=["rien"])).status == 422
