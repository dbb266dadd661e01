"""How pages say things: no code where a title is meant, nothing said twice, no colon after a question."""

import pytest

from grants.applications.lifecycle import ApplicationState
from grants.applications.rules import QUESTIONS, Part
from grants.calls import queries as calls
from grants.calls.lifecycle import CallState
from grants.programme import queries as programme

pytestmark = pytest.mark.neutral
OF_A_CALL = (
    "manage", "edit", "texts", "instruments", "questions", "criteria", "conditions", "open_call", "add_section",
    "add_question", "add_block", "add_criterion", "add_piece", "add_statement", "add_gate",
)  # fmt: skip


def crumbs(answer):
    return answer.tree.xpath("string(//nav[@class='breadcrumb'])")


@pytest.fixture
def draft(page, make):
    draft = make.application(state=ApplicationState.DRAFT)
    page.sign_in(make.member_of(draft.organisation))
    return draft


def sections(draft):
    return [*Part, *(f"{QUESTIONS}{row.code}" for row in calls.sections_of(draft.call_id))]


def test_crumbs_name_calls_and_frameworks_by_their_titles(page, make):
    page.sign_in(make.account("manager"))
    call, framework = make.call(state=CallState.DRAFT), programme.frameworks()[0]
    trails = [crumbs(page.get(f"calls.{name}", call)) for name in OF_A_CALL]
    trails.append(crumbs(page.get("calls.show", code=make.call().code)))
    assert [one for one in trails if call.title not in one and "Appels" not in one] == []
    assert [one for one in trails if call.code in one] == []
    shown = page.get("programme.framework", code=framework.code), page.get("programme.manage_framework", framework)
    for answer in shown:
        assert framework.name in crumbs(answer)
        assert framework.code not in crumbs(answer).replace(framework.name, "")
    action = programme.actions(framework.id)[0]
    assert f"Action {action.number}" in crumbs(page.get("programme.edit_action", action))


def test_what_is_optional_is_said_so_once(page, draft):
    parts = "//main//*[contains(concat(' ', @class, ' '), ' field ')] | //main//section[contains(@class, 'piece')]"
    said = []
    for section in sections(draft):
        tree = page.get("applications.edit", draft, section=section).tree
        said += [(section, part.text_content()) for part in tree.xpath(parts)]
    assert len(said) > 50
    assert [one for one in said if one[1].lower().count("facultati") > 1] == []


def test_a_question_takes_no_colon_and_a_limit_is_grouped(page, draft):
    question = next(row for row in calls.questions_of(draft.call_id) if row.label.endswith("?") and row.kind == "long")
    section = next(row.code for row in calls.sections_of(draft.call_id) if row.id == question.section_id)
    page.get("applications.edit", draft, section=f"{QUESTIONS}{section}")
    answer = page.submit({f"q_{question.id}": "x" * (question.max_length + 1)})
    (line,) = answer.tree.xpath("//*[@id='erreurs']//li")
    limit = f"{question.max_length:,}".replace(",", "\u202f")
    assert line.text_content() == f"{question.label} Ce texte est trop long\u00a0: {limit} caractères au plus."
    assert f"{limit} caractères au plus" in answer.text


def test_the_words_of_climate_of_the_rate_and_of_conditions_agree(page, draft):
    assert "Pour chaque thème" in page.get("applications.edit", draft, section="climat").words
    met = page.get("calls.self_check", code=draft.call.code, legal_form="no")
    assert "condition non remplie" in met.words
    assert "produits" not in " ".join(row.explanation for row in calls.gates_of(draft.call_id))
