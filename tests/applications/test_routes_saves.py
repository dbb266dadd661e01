"""Fields saved one by one while they are typed: what a script sends, and what it is answered."""

import json
from uuid import uuid4

import pytest

from grants.applications import actions, queries, rules
from grants.applications.forms import LONGEST_SAVE, MOST_SAVES
from grants.applications.parts import PARTS
from grants.applications.rules import Part
from grants.calls import queries as calls
from grants.kernel.db import db, unit_of_work
from grants.kernel.stored_forms import StoredForm
from grants.people.models import Membership
from tests.applications.test_routes import colleague_of

KEY = "5c1d3b86-6f0e-4a55-9d0c-0d5a5c3c7a11"


@pytest.fixture
def draft(make):
    return make.application()


@pytest.fixture
def owner(make, page, draft):
    account = make.member_of(draft.organisation)
    page.sign_in(account)
    return account


class OpenPage:
    """A page of a draft as its script knows it."""

    def __init__(self, page, draft, section):
        self.page, self.draft_id, self.section = page, draft.id, str(section)
        self.form = page.get("applications.edit", draft, section=self.section).form().fields
        self.versions = rules.versions_in(self.form["stamp"])
        self.writer, self.number = str(uuid4()), 0

    def save(self, field, version=None, **typed):
        """What is to be sent of one field."""
        self.number += 1
        version = self.versions.get(rules.path_of(field), rules.NOTHING.version) if version is None else version
        values = {name: [value] if isinstance(value, str) else value for name, value in typed.items()}
        return {"n": self.number, "field": field, "version": version, "typed": values}

    def send(self, *saves, **more):
        """Send saves; the answer."""
        sent = {"writer": self.writer, "saves": list(saves)}
        data = {"saves": json.dumps(sent), "_key": self.form["_key"], "read": self.form.get("read") or "", **more}
        return self.page.post("applications.save_fields", self.draft_id, section=self.section, data=data)

    def type(self, field, **typed):
        """Save one field; what is answered of it."""
        answer = self.send(self.save(field, **typed))
        assert answer.status == 200, answer.response.json
        (answered,) = answer.response.json["saves"]
        self.versions[rules.path_of(field)] = answered["version"]
        return answered


@pytest.fixture
def opened(page, draft, owner):
    return lambda section=Part.PROJECT: OpenPage(page, draft, section)


def stored(draft, section=Part.PROJECT):
    db.session.expire_all()
    return queries.section_values(draft, str(section))


@pytest.mark.parametrize(
    ("section", "field", "typed"),
    [
        (Part.PROJECT, "title", {"title": "Un titre tout neuf"}),
        (Part.PROJECT, "requested", {"requested": "7 500"}),
        (Part.PEOPLE, "audiences.youth", {"number_youth": "35", "detail_youth": "Lycéens"}),
        (Part.PEOPLE, "audiences.youth", {"number_youth": "", "detail_youth": "Lycéens"}),
        (Part.CLIMATE, "effects.water", {"rating_water": "neutral"}),
        (Part.CLIMATE, "effects.water", {"rating_water": "", "proof_water": "Une étude."}),
        (Part.TERRITORY, "communes", {"communes": ["69123"]}),
        (Part.PARTNERS, f"rows.{KEY}", {"name": "  Ville   de Lyon ", "amount": ""}),
        (Part.BUDGET, f"lines.{KEY}", {"account": "64", "label": "", "amount": "1200"}),
        (Part.BUDGET, f"lines.{KEY}", {"account": "64", "label": "Achats", "amount": ""}),
    ],
)
def test_one_field_is_saved_alone_and_the_others_stay(opened, draft, section, field, typed):
    before, page = rules.fields_in(stored(draft, section)), opened(section)
    answer = page.send(page.save(field, **typed))
    answered = answer.response.json
    assert [(one["field"], one["state"]) for one in answered["saves"]] == [(field, "saved")]
    after = rules.fields_in(stored(draft, section))
    assert {path for path in {*before, *after} if after.get(path) != before.get(path)} == {rules.path_of(field)}
    assert answered["stamp"] == rules.stamp_of(stored(draft, section))
    assert page.page.get("applications.edit", draft, section=str(section)).form().fields["stamp"] == answered["stamp"]


@pytest.mark.parametrize(
    ("section", "name"), [(Part.AXES, "actions"), (Part.TERRITORY, "communes"), (Part.TERRITORY, "areas")]
)
def test_rows_that_are_picked_are_one_value_whatever_their_order(opened, draft, section, name):
    keys = [offer.key for offer in queries.offers_of(draft, name)][:3][::-1]
    field = next(one for one in PARTS[section].fields if one.name == name)
    typed = dict(zip((control for control, _label in field.lists), keys, strict=False)) or {name: keys}
    page = opened(section)
    first = page.type(name, **typed)
    assert first["state"] == "saved"
    assert page.type(name, **typed)["version"] == first["version"]
    assert stored(draft, section)[name] == sorted(keys)


def test_what_is_wrong_is_kept_as_typed_and_marked_until_it_is_right(opened, draft):
    page, before = opened(), stored(draft)
    answered = page.type("requested", requested="beaucoup")
    assert (answered["state"], "Montant invalide" in answered["message"]) == ("wrong", True)
    assert stored(draft) == before
    shown = page.page.get("applications.edit", draft, section="projet")
    assert shown.form().fields["requested"] == "beaucoup"
    assert shown.tree.xpath("//input[@name='requested'][@aria-invalid='true']")
    assert page.type("title", title="Un autre titre")["state"] == "saved"
    assert page.type("requested", requested="7 500")["state"] == "saved"
    assert not page.page.get("applications.edit", draft, section="projet").tree.xpath("//*[@aria-invalid='true']")


def test_two_days_the_wrong_way_round_are_both_right_once_one_is_corrected(opened, draft):
    page = opened()
    assert page.type("ends_on", ends_on="2020-01-01")["state"] == "wrong"
    assert page.type("starts_on", starts_on="2019-01-01")["state"] == "saved"
    assert [str(stored(draft)[name]) for name in ("starts_on", "ends_on")] == ["2019-01-01", "2020-01-01"]
    assert queries.wrong_in(draft, "projet") == {}


def test_a_line_of_which_nothing_can_be_taken_is_shown_again_as_typed(opened, draft):
    page, key = opened(Part.INDICATORS), str(uuid4())
    assert page.type(f"rows.{key}", label="Repas", target="mille")["state"] == "wrong"
    form = page.page.get("applications.edit", draft, section="indicateurs").form().fields
    place = next(name for name, value in form.items() if value == key).removesuffix("id")
    assert (form[f"{place}label"], form[f"{place}target"]) == ("Repas", "mille")
    assert page.type(f"rows.{key}", label="Repas", target="1 000")["state"] == "saved"
    assert page.type(f"rows.{key}", label="", unit="", target="")["state"] == "saved"
    assert key not in {row["id"] for row in stored(draft, Part.INDICATORS)["rows"]}


def test_a_save_that_is_sent_again_has_no_second_effect(opened, draft, owner):
    page, other = opened(), opened()
    first = page.save("title", title="Un")
    assert page.send(first).response.json["saves"][0]["state"] == "saved"
    assert page.send(first).response.json["saves"][0]["state"] == "saved"
    # Its answer was lost, and what follows it was typed on the version before it.
    second = page.save("title", version=first["version"], title="Un titre")
    assert [one["state"] for one in page.send(first, second).response.json["saves"]] == ["saved", "saved"]
    assert stored(draft)["title"] == "Un titre"
    other.versions = rules.versions_in(page.send().response.json["stamp"])
    assert other.type("title", title=other.form["title"])["state"] == "saved"
    answered = page.send(first, second).response.json["saves"]
    assert [one["state"] for one in answered] == ["conflict", "conflict"]
    assert stored(draft)["title"] == other.form["title"]


def test_a_conflict_tells_both_texts_who_and_when_and_is_told_again(opened, draft, owner):
    mine, theirs = opened(), opened()
    theirs.type("summary", summary="Le texte de l’une.")
    lost = mine.save("summary", summary="Le texte de l’autre.")
    for _time in range(2):
        (answered,) = mine.send(lost).response.json["saves"]
        assert (answered["state"], answered["theirs"], answered["name"]) == (
            "conflict",
            "Le texte de l’une.",
            owner.name,
        )
        assert len(answered["when"].split(":")) == 3
    assert mine.type("title", title="Un autre champ")["state"] == "saved"
    assert mine.type("summary", version=answered["version"], summary="Les deux textes.")["state"] == "saved"
    assert stored(draft)["summary"] == "Les deux textes."


def test_what_somebody_typed_wrong_is_not_written_over_unseen(opened, draft):
    mine, theirs = opened(), opened()
    theirs.type("requested", requested="beaucoup")
    answered = mine.type("requested", requested="7 500")
    assert (answered["state"], answered["theirs"]) == ("conflict", "beaucoup")


@pytest.mark.parametrize("field", ["state", "title.more", "", "lines.x", "answers.x", "é" * 100])
def test_a_field_that_a_page_does_not_have_is_told_and_the_others_are_saved(opened, draft, field):
    page = opened()
    answered = page.send(page.save(field, title="x"), page.save("summary", summary="Suite.")).response.json["saves"]
    assert [one["state"] for one in answered] == ["unknown", "saved"]
    assert stored(draft)["summary"] == "Suite."


def test_what_is_too_long_is_told_and_not_kept(opened, draft):
    page, before = opened(), stored(draft)
    assert page.type("summary", summary="x" * (LONGEST_SAVE + 1))["state"] == "long"
    assert (stored(draft), queries.wrong_in(draft, "projet")) == (before, {})
    assert page.type("summary", summary="x" * LONGEST_SAVE)["state"] == "wrong"


@pytest.mark.parametrize(
    "sent",
    ["", "[]", "null", "{}", '{"writer": "x", "saves": []}', '{"writer": 5, "saves": 5}', "[" * 5000,
     '{"writer": "0c8ad2f4-9d2c-4d39-8f0a-1c3f6f0a9d11", "saves": [{}]}',
     ('{"writer": "0c8ad2f4-9d2c-4d39-8f0a-1c3f6f0a9d11", "saves": [{"n": 1, "field": "title", "version": 5, '
     '"typed": {}}]}'),
     ('{"writer": "0c8ad2f4-9d2c-4d39-8f0a-1c3f6f0a9d11", "saves": [{"n": -1, "field": "title", "version": "", '
     '"typed": {"title": ["x"]}}]}'),
     ('{"writer": "0c8ad2f4-9d2c-4d39-8f0a-1c3f6f0a9d11", "saves": [{"n": 1, "field": "title", "version": "", '
     '"typed": {"title": "x"}}]}')],
)  # fmt: skip
def test_what_our_script_does_not_send_is_refused(opened, draft, sent):
    before, page = stored(draft), opened()
    answer = page.send(saves=sent)
    assert (answer.status, answer.response.is_json) == (422, True)
    assert stored(draft) == before
    many = [page.save("title", title="x") for _n in range(MOST_SAVES + 1)]
    assert page.send(*many).status == 422


def test_a_statement_is_not_made_on_words_that_changed_since_they_were_read(opened, draft):
    key = next(str(row.id) for row in calls.statements_of(draft.call_id) if row.code == "amount")
    page = opened(Part.STATEMENTS)
    with unit_of_work():
        values = queries.section_values(draft, Part.PROJECT) | {"title": "Un autre titre"}
        actions.save_section(draft, Part.PROJECT, values, by=actions.Actor(name="collègue"))
    answer = page.send(page.save(f"choices.{key}", **{f"s_{key}": "y"}))
    assert (answer.status, "Relisez-les" in answer.response.json["message"]) == (409, True)
    assert opened(Part.STATEMENTS).type(f"choices.{key}", **{f"s_{key}": "y"})["state"] == "saved"


def test_answers_to_questions_are_saved_one_by_one(opened, draft):
    question = next(row for row in calls.questions_of(draft.call_id) if row.kind == "long")
    section = f"{rules.QUESTIONS}{question.section.code}"
    page = opened(section)
    field, name = f"answers.{question.id}", f"q_{question.id}"
    assert page.type(field, **{name: "Une réponse neuve."})["state"] == "saved"
    assert stored(draft, section)["answers"][str(question.id)] == "Une réponse neuve."
    assert page.type(field, **{name: "x" * ((question.max_length or 4000) + 1)})["state"] == "wrong"
    assert page.type(field, **{name: ""})["state"] == "saved"
    assert stored(draft, section)["answers"][str(question.id)] is None


def test_after_the_deposit_a_save_is_told_and_changes_nothing(opened, make, draft, owner):
    page = opened()
    with unit_of_work():
        actions.submit(draft, by=make.actor_of(owner), received_at=draft.created_at)
    before = stored(draft)
    answer = page.send(page.save("title", title="Trop tard"))
    assert (answer.status, answer.response.json["is_draft"]) == (200, False)
    assert [one["state"] for one in answer.response.json["saves"]] == ["closed"]
    assert stored(draft) == before


def test_after_the_closing_a_save_is_kept_in_the_draft_and_told(opened, make, page):
    from_before = make.application()
    page.sign_in(make.member_of(from_before.organisation))
    opened_page = OpenPage(page, from_before, Part.PROJECT)
    with unit_of_work():
        from_before.call.closes_at = from_before.created_at
    answer = opened_page.send(opened_page.save("title", title="Après la clôture"))
    assert (answer.response.json["is_open"], answer.response.json["saves"][0]["state"]) == (False, "saved")
    assert stored(from_before)["title"] == "Après la clôture"


def test_who_lapsed_left_or_is_another_is_told_and_nothing_is_kept(opened, make, page, draft, owner):
    opened_page, before = opened(), stored(draft)
    save = opened_page.save("title", title="Perdu ?")
    page.sign_in(None)
    assert (opened_page.send(save).status, opened_page.send(save).response.is_json) == (401, True)
    page.sign_in(make.account())
    assert opened_page.send(save).status == 404
    page.sign_in(colleague_of(make, draft))
    assert opened_page.send(save).status == 409
    page.sign_in(owner)
    assert opened_page.send(save, csrf_token="wrong").status in {400, 401}
    with unit_of_work() as session:
        session.query(Membership).filter_by(account_id=owner.id).delete()
    answer = opened_page.send(save)
    assert (answer.status in {403, 404}, answer.response.is_json) == (True, True)
    assert stored(draft) == before
    assert db.session.query(StoredForm).count() == 0


def test_who_else_writes_is_told_when_nothing_is_sent(opened, make, page, draft, owner):
    mine = opened()
    assert mine.send().response.json["others"] == []
    page.sign_in(colleague_of(make, draft, name="Awa Diop"))
    OpenPage(page, draft, Part.BUDGET).send()
    page.sign_in(owner)
    assert opened().send().response.json["others"] == ["Awa Diop est sur «\u00a0Budget du projet\u00a0»"]


@pytest.mark.parametrize("typed", [{"summary": "Un autre texte."}, {"title": "Un autre titre"}])
def test_a_field_is_saved_in_few_statements(request, opened, draft, typed):
    page = opened()
    field = next(iter(typed))
    page.type(field, **{field: "D’abord."})
    save = page.save(field, **typed)
    with request.getfixturevalue("queries").watched() as statements:
        page.send(save)
    asked = [one for one in statements if not one.startswith(("BEGIN", "SAVEPOINT", "RELEASE"))]
    assert len(asked) <= 8, asked


def test_the_page_saved_by_its_button_is_not_in_conflict_with_what_it_saved_while_one_typed(opened, draft):
    mine, theirs = opened(), opened()
    save = mine.save("summary", summary="Le début.")
    mine.send(save)  # the answer is lost: the page still tells the version of before
    shown = mine.page.get("applications.edit", draft, section="projet").form("/rediger/projet").fields
    sent = {"summary": "Le début et la fin.", "stamp": mine.form["stamp"], "writer": mine.writer}
    answer = mine.page.post("applications.edit", draft, section="projet", data={**shown, **sent})
    assert (answer.status, stored(draft)["summary"]) == (302, "Le début et la fin.")
    late = theirs.page.post("applications.edit", draft, section="projet",
                            data={**shown, **sent, "summary": "Autre chose.", "writer": theirs.writer})  # fmt: skip
    assert (late.status, stored(draft)["summary"]) == (409, "Le début et la fin.")


def test_every_control_of_a_page_is_known_to_its_script(opened, draft):
    for section in queries.section_codes(draft):
        if section == Part.PIECES:
            continue
        form = opened(section).page.last.form(f"/rediger/{section}")
        versions, places = rules.versions_in(form.fields["stamp"]), json.loads(form.get("data-paths"))
        assert set(places.values()) <= {rules.name_of_path(path) for path in versions}
        controls = form.xpath(
            ".//*[self::input[not(@type='hidden' or @type='file')] or self::textarea or self::select]/@name"
        )
        table = form.get("data-table")
        others = {name for name in controls if name not in places and not (table and name.startswith("rows-"))}
        assert others <= {"account"}  # where one more budget line is to be put
