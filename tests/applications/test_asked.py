"""What the kind of support of a dossier does not ask is kept while a draft, neither shown nor sent, and says so."""

import io
import json
from uuid import uuid4

import pytest
from sqlalchemy import func, select
from werkzeug.datastructures import FileStorage

from grants.applications import actions, exports, queries, rules
from grants.applications.lifecycle import ApplicationState as S
from grants.applications.models import (
    Answer,
    Application,
    ApplicationVersion,
    BudgetLine,
    ClimateEffect,
    JusticeEffect,
    Partner,
)
from grants.applications.parts.part import Part
from grants.calls import queries as calls
from grants.kernel import clock
from grants.kernel.db import db, unit_of_work
from grants.kernel.errors import ConflictError, InvalidError
from grants.kernel.money import Money
from tests.kernel import corpus

LEFT_OUT = [
    "climat",
    "publics.justice.income",
    "partenaires.rows.amount",
    "axes.actions",
    "budget.lines.66",
    "calendrier",
]
PUT_TO = {"governance": ["scale_up"], "evaluation": ["development", "scale_up"], "spread": ["scale_up"],
          "continuity": ["scale_up"]}  # fmt: skip


@pytest.fixture
def call(make):
    return make.call(left_out={"emergence": LEFT_OUT}, put_to=PUT_TO)


@pytest.fixture
def draft(make, call):
    """A whole draft of the kind that asks everything."""
    draft = make.application(call=call, instrument="scale_up")
    by = make.actor_of(make.member_of(draft.organisation))
    with unit_of_work():
        actions.save_section(draft, Part.PEOPLE, {"justice": {"income": "Le revenu.", "territory": "La rive."}}, by=by)
        rows = [{"name": "Ville de Lyon", "amount": Money.euros(500), "role": "Prête un local"}]
        actions.save_section(draft, Part.PARTNERS, {"rows": rows}, by=by)
        values = queries.section_values(draft, Part.BUDGET)
        lines = [*values["lines"], {"account": "66", "label": "Agios", "amount": Money.euros(40), "status": None}]
        actions.save_section(draft, Part.BUDGET, {"lines": lines}, by=by)
    return draft


def choose(make, draft, code):
    """Choose another kind of support for a draft."""
    chosen = next(row for row in calls.instruments_of(draft.call_id) if row.instrument.code == code)
    with unit_of_work():
        actions.save_section(draft, Part.PROJECT, {"instrument": str(chosen.instrument_id)}, by=by_of(make, draft))
    db.session.expire_all()


def by_of(make, draft):
    return make.actor_of(make.member_of(draft.organisation))


def question(call, code):
    return next(row for row in calls.questions_of(call.id) if row.code == code)


def test_another_kind_of_support_hides_what_it_does_not_ask_and_gives_it_back(make, call, draft):
    before = queries.draft_content(draft)
    assert before["unasked"] == []
    choose(make, draft, "emergence")
    content = queries.draft_content(draft)
    assert content["climate"] == []
    assert [row["kind"] for row in content["justice"]] == ["territory"]
    assert [row["amount"] for row in content["partners"]] == [None]
    assert "66" not in {line["account"] for line in content["budget"]["charges"]}
    assert content["budget"]["totals"]["charges"] == before["budget"]["totals"]["charges"] - Money.euros(40)
    assert content["project"]["total"] == content["budget"]["totals"]["charges"]
    codes = {row["code"] for section in content["sections"] for row in section["questions"]}
    assert not codes & {"governance", "evaluation", "spread", "continuity"}
    assert "future" not in {section["code"] for section in content["sections"]}
    assert content["left_out"] == sorted(LEFT_OUT)
    pages = queries.section_codes(draft)
    assert not {"climat", "calendrier", "questions-future"} & set(pages)
    assert not {"climat", "calendrier", "questions-future"} & {item.section for item in queries.missing(draft, content)}
    assert {"Calendrier", "Effet : Personnes à faibles revenus", "Apport en argent"} <= {
        title.replace("\xa0", " ") for title in content["unasked"]
    }
    choose(make, draft, "scale_up")
    after = queries.draft_content(draft)
    assert {**after, "project": None} == {**before, "project": None}


def test_saving_what_is_asked_keeps_what_is_not(make, draft):
    choose(make, draft, "emergence")
    by = by_of(make, draft)
    with unit_of_work():
        actions.save_section(draft, Part.PEOPLE, {"justice": {"territory": "Autre."}}, by=by)
        rows = queries.section_values(draft, Part.PARTNERS)["rows"]
        assert "amount" not in rows[0]
        actions.save_section(draft, Part.PARTNERS, {"rows": [*rows, {"name": "Régie"}]}, by=by)
        lines = queries.section_values(draft, Part.BUDGET)["lines"]
        assert "66" not in {line["account"] for line in lines}
        actions.save_section(draft, Part.BUDGET, {"lines": lines}, by=by)
    choose(make, draft, "scale_up")
    content = queries.draft_content(draft)
    assert {row["kind"]: row["text"] for row in content["justice"]} == {"income": "Le revenu.", "territory": "Autre."}
    assert {row["name"]: row["amount"] for row in content["partners"]} == {
        "Ville de Lyon": Money.euros(500),
        "Régie": None,
    }
    assert "66" in {line["account"] for line in content["budget"]["charges"]}


def test_a_page_a_question_or_an_account_that_is_not_asked_is_not_saved(make, call, draft):
    choose(make, draft, "emergence")
    by, spread = by_of(make, draft), question(call, "governance")
    for section in ("climat", "questions-future"):
        with pytest.raises(ConflictError), unit_of_work():
            actions.save_section(draft, section, {}, by=by)
    with unit_of_work():
        actions.save_section(draft, "questions-delivery", {"answers": {str(spread.id): "Autrement."}}, by=by)
        actions.save_fields(
            draft, "questions-delivery", {("answers", str(spread.id)): rules.FieldContent("Autrement.")}, {}, by=by
        )
    kept = select(Answer.value).where(Answer.application_id == draft.id, Answer.question_id == spread.id)
    assert db.session.scalar(kept) != "Autrement."
    line = {"account": "66", "label": "", "amount": Money.euros(1), "status": None}
    with pytest.raises(InvalidError, match="66"), unit_of_work():
        actions.save_section(draft, Part.BUDGET, {"lines": [line]}, by=by)


def test_what_is_submitted_holds_and_keeps_nothing_that_was_not_asked(make, call, draft):
    choose(make, draft, "emergence")
    by = by_of(make, draft)
    assert queries.missing(draft, queries.draft_content(draft)) == []
    with unit_of_work():
        version = actions.submit(draft, by=by, received_at=clock.now())
    db.session.expire_all()
    content = queries.content_of(draft.id)
    assert rules.digest(version.content) == version.digest
    assert content["left_out"] == sorted(LEFT_OUT)
    assert db.session.scalar(select(func.count()).where(ClimateEffect.application_id == draft.id)) == 0
    assert set(db.session.scalars(select(JusticeEffect.kind).where(JusticeEffect.application_id == draft.id))) == {
        "territory"
    }
    assert db.session.scalars(select(Partner.amount).where(Partner.application_id == draft.id)).all() == [None]
    assert "66" not in db.session.scalars(select(BudgetLine.account).where(BudgetLine.application_id == draft.id)).all()
    strange = [question(call, code).id for code in PUT_TO]
    asked = select(Answer).where(Answer.application_id == draft.id, Answer.question_id.in_(strange))
    assert db.session.scalars(asked).all() == []
    assert draft.total == content["budget"]["totals"]["charges"]


def test_a_version_that_was_frozen_before_reads_as_asked_everything(make):
    application = make.application(state=S.SUBMITTED)
    version = db.session.scalars(
        select(ApplicationVersion).where(ApplicationVersion.application_id == application.id)
    ).one()
    plain = json.loads(version.content)
    del plain["left_out"]
    old = ApplicationVersion(content=rules.canonical(plain), digest=rules.digest(rules.canonical(plain)), number=1)
    content = queries.content_in(old)
    assert content["left_out"] == []
    assert content["digest"] == rules.digest(old.content)
    assert rules.asked_in(content).has("climat")


def test_an_earlier_dossier_gives_only_what_is_asked(make, call, draft):
    fresh = make.application(call=make.call(left_out={"emergence": LEFT_OUT}, put_to=PUT_TO), complete=False,
                             organisation=draft.organisation)  # fmt: skip
    choose(make, fresh, "emergence")
    answers = queries.answers_from(fresh, draft)
    assert not {answer.section for answer in answers} & {"climat", "calendrier", "questions-future"}
    assert ("justice", "income") not in {answer.path for answer in answers}
    everything = [answer.name for answer in answers]
    with unit_of_work():
        taken, left = actions.take_up(fresh, draft, everything, with_amounts=True, by=by_of(make, fresh))
    assert taken + left == len(everything)


def test_taking_the_kind_of_support_of_an_earlier_dossier_leaves_what_it_does_not_ask(make, call):
    organisation = make.organisation()
    earlier = make.application(call=make.call(), organisation=organisation)  # an émergence of a call that asks all
    fresh = make.application(call=call, complete=False, organisation=organisation)
    with unit_of_work():
        actions.save_section(fresh, Part.PROJECT, {"instrument": None}, by=by_of(make, fresh))
    answers = [answer.name for answer in queries.answers_from(fresh, earlier)]
    assert any(name.startswith("climat|") for name in answers)
    with unit_of_work():
        actions.take_up(fresh, earlier, answers, with_amounts=True, by=by_of(make, fresh))
    content = queries.draft_content(fresh)
    assert content["project"]["instrument"]["code"] == "emergence"
    assert content["unasked"] == []


def test_a_correction_starts_from_what_was_sent(make, call, draft):
    choose(make, draft, "emergence")
    with unit_of_work():
        actions.submit(draft, by=by_of(make, draft), received_at=clock.now())
        correction = actions.begin_correction(draft, by=by_of(make, draft))
    assert queries.draft_content(correction)["unasked"] == []


def test_the_pages_the_paper_and_the_compared_versions_show_what_is_asked_alone(app, make, call, draft, page):
    choose(make, draft, "emergence")
    page.sign_in(make.member_of(draft.organisation))
    read = page.get("applications.review", draft).words
    assert "Climat et environnement" not in read
    assert "La rive." in read
    assert "Le revenu." not in read
    shown = page.get("applications.edit", draft, section="projet").words
    assert "Ce type de soutien demande moins" in shown
    assert page.get("applications.edit", draft, section="climat").status == 302
    assert page.get("applications.edit", draft, section="inconnue").status == 404
    assert "Ce type de soutien demande moins" in page.get("applications.submit", draft).words
    with app.test_request_context():
        assert b"%PDF" in exports.dossier_pdf(draft)[:8]
        assert exports.changes(queries.draft_content(draft), queries.draft_content(draft)) == []
        assert b"%PDF" in exports.blank_pdf(call)[:8]
    with unit_of_work():
        actions.submit(db.session.get(Application, draft.id), by=by_of(make, draft), received_at=clock.now())
    page.sign_in(make.account("manager"))
    assert "Climat et environnement" not in page.get("desk.dossier", draft).words


def test_another_tab_that_still_sends_a_field_not_asked_is_told_and_shown_its_words(make, call, draft, page):
    page.sign_in(make.member_of(draft.organisation))
    climate = page.get("applications.edit", draft, section="climat").form().fields
    people = page.get("applications.edit", draft, section="publics").form().fields
    choose(make, draft, "emergence")
    answer = page.post("applications.edit", draft, section="climat", data={**climate, "proof_water": "Une étude."})
    assert answer.status == 409
    assert "Une étude." in answer.text
    sent = {**people, "justice_income": "Un autre texte.", "justice_territory": "Changé."}
    answer = page.post("applications.edit", draft, section="publics", data=sent)
    assert answer.status == 409
    assert "Un autre texte." in answer.text
    db.session.expire_all()
    assert queries.draft_content(draft)["justice"][0]["text"] == "La rive."


def test_another_tab_that_still_sends_a_column_or_an_account_not_asked_is_told_and_shown_its_words(make, draft, page):
    page.sign_in(make.member_of(draft.organisation))
    partners = page.get("applications.edit", draft, section="partenaires").form().fields
    budget = page.get("applications.edit", draft, section="budget").form().fields
    amount = next(name for name, value in partners.items() if name.endswith("-amount") and value)
    agios = next(name for name, value in budget.items() if value == "Agios")
    choose(make, draft, "emergence")
    stamp = page.get("applications.edit", draft, section="partenaires").form().fields["stamp"]
    role = {amount.replace("amount", "role"): "Prête deux locaux"}
    answer = page.post("applications.edit", draft, section="partenaires", data={**partners, **role, "stamp": stamp})
    assert answer.status == 302
    for fresh in ({}, {"stamp": stamp}):
        sent = {**partners, amount: "712", **fresh}
        answer = page.post("applications.edit", draft, section="partenaires", data=sent)
        assert answer.status == 409
        assert "712" in answer.text
    answer = page.post("applications.edit", draft, section="budget", data={**budget, agios: "Agios de mars"})
    assert answer.status == 409
    assert "Agios de mars" in answer.text
    db.session.expire_all()
    assert queries.section_values(draft, Part.PARTNERS)["rows"][0]["role"] == "Prête deux locaux"


def test_another_tab_that_still_sends_a_file_for_a_question_not_asked_is_told(make, page):
    call = make.call(put_to={"diagnosis": ["scale_up"]})
    draft = make.application(call=call, instrument="scale_up")
    asked = question(call, "diagnosis")
    section = f"questions-{asked.section.code}"
    page.sign_in(make.member_of(draft.organisation))
    fields = page.get("applications.edit", draft, section=section).form().fields
    choose(make, draft, "emergence")
    sent = {**fields, f"q_{asked.id}": FileStorage(io.BytesIO(corpus.pdf()), "statuts.pdf")}
    answer = page.post("applications.edit", draft, section=section, data=sent)
    assert answer.status == 409
    assert "statuts.pdf" in answer.text


@pytest.mark.parametrize(("section", "path"), [("climat", "effects.water"), ("publics", "justice.income")])
def test_a_script_that_still_sends_a_field_not_asked_is_told(make, draft, page, section, path):
    page.sign_in(make.member_of(draft.organisation))
    form = page.get("applications.edit", draft, section=section).form().fields
    choose(make, draft, "emergence")
    save = {"n": 1, "field": path, "version": rules.NOTHING.version, "typed": {"justice_income": ["Trop."]}}
    sent = json.dumps({"writer": "5c1d3b86-6f0e-4a55-9d0c-0d5a5c3c7a12", "saves": [save]})
    answer = page.post("applications.save_fields", draft, section=section, data={"saves": sent, "_key": form["_key"]})
    (outcome,) = answer.response.json["saves"]
    assert outcome["state"] == "unknown"
    assert "n’est plus demandé" in outcome["message"]


@pytest.mark.parametrize(
    ("section", "table", "typed"),
    [
        ("partenaires", "rows", {"name": ["Ville de Lyon"], "amount": ["712"]}),
        ("budget", "lines", {"account": ["66"], "label": ["Agios de mars"], "amount": ["12"]}),
    ],
)
def test_a_script_that_still_sends_a_column_or_an_account_not_asked_is_told(make, draft, page, section, table, typed):
    page.sign_in(make.member_of(draft.organisation))
    form = page.get("applications.edit", draft, section=section).form().fields
    (line, *_) = queries.section_values(draft, section)[table]
    choose(make, draft, "emergence")
    saves = [
        {"n": 1, "field": f"{table}.{line['id']}", "version": rules.NOTHING.version, "typed": typed},
        {"n": 2, "field": f"{table}.{uuid4()}", "version": rules.NOTHING.version, "typed": typed},
    ]
    sent = json.dumps({"writer": "5c1d3b86-6f0e-4a55-9d0c-0d5a5c3c7a12", "saves": saves})
    answer = page.post("applications.save_fields", draft, section=section, data={"saves": sent, "_key": form["_key"]})
    for outcome in answer.response.json["saves"]:
        assert outcome["state"] == "unknown"
        assert "n’est plus demandé" in outcome["message"]
