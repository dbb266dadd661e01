"""The framework the public reads, and the pages where managers keep the fund’s data."""

import io

import pytest

from grants.kernel.db import db
from grants.kernel.money import Money
from grants.programme import queries, rules
from tests.programme.test_rules import CSV, TOML


@pytest.fixture
def manager(make):
    return make.account("manager")


def test_the_public_reads_each_framework_with_its_source_and_what_is_missing(page):
    listed = page.get("programme.frameworks")
    for framework in queries.frameworks():
        assert framework.name in listed.words
        answer = page.get("programme.framework", code=framework.code)
        assert answer.title == framework.name
        for axis in queries.axes(framework.id):
            assert axis.title in answer.words
        for action in queries.actions(framework.id):
            assert action.title in answer.words
    pms = page.get("programme.framework", code="PMS").words
    assert "intitulé coupé dans la source" in pms
    assert "sur 80 annoncées" in pms
    assert page.get("programme.framework", code="ABSENT").status == 404


def test_a_framework_costs_the_same_with_one_action_or_thirty(page, queries):
    page.get("programme.framework", code="PMS")
    assert queries.count(lambda: page.get("programme.framework", code="PMS")) == queries.count(
        lambda: page.get("programme.framework", code="SDR")
    )


@pytest.mark.parametrize(
    "endpoint", ["fund", "frameworks_desk", "create_framework", "import_framework", "law", "texts"]
)
def test_the_pages_of_managers_are_for_managers(make, page, endpoint, manager):
    assert page.get(f"programme.{endpoint}").status == 302
    assert page.get(f"programme.{endpoint}", as_=make.account("finance")).status == 403
    assert page.get(f"programme.{endpoint}", as_=manager).status == 200


def test_the_fund_is_edited_and_its_bad_input_told(page, manager):
    page.get("programme.fund", as_=manager)
    for changed, field in (
        ({"envelope": "-1"}, "envelope"), ({"service_email": "pas une adresse"}, "service_email"),
        ({"service_name": ""}, "service_name"), ({"court": "x" * 201}, "court"),
    ):  # fmt: skip
        page.get("programme.fund")
        answer = page.submit(changed)
        assert answer.status == 422
        assert answer.tree.xpath("//*[@id=$id]", id=f"{field}-error")
    page.get("programme.fund")  # filled with what was refused: the whole of it is mended
    before = {name: getattr(queries.fund(), name) for name in ("service_email", "service_name", "court")}
    page.submit({**before, "envelope": "900 000", "service_phone": "04 65 71 00 10", "confirmed": "y"})
    db.session.expire_all()
    assert (queries.fund().envelope, queries.fund().service_phone) == (Money.euros(900_000), "04 65 71 00 10")
    assert "à confirmer" not in page.get("programme.fund").words


def test_a_framework_is_made_by_hand_axis_by_axis(page, manager):
    page.get("programme.create_framework", as_=manager)
    answer = page.submit({"code": "NEW", "name": "Un cadre", "valid_from": "2024-01-01", "source": "Délibération"})
    made = queries.framework("NEW")
    assert "pas encore d’axe" in answer.words
    page.get("programme.add_axis", made)
    page.submit({"code": "N1", "title": "Premier", "short": "Un", "colour": "2"})
    page.get("programme.add_orientation", made)
    page.submit({"code": "N1.O1", "title": "Une orientation"})
    page.get("programme.add_action", made)
    answer = page.submit({"number": "12"})
    assert "intitulé à compléter" in answer.words
    action = queries.actions(made.id)[0]
    page.get("programme.edit_action", action)
    bad = page.submit({"title": "Lu quelque part"})
    assert bad.status == 422
    assert bad.tree.xpath("//*[@id='source-error']")
    page.get("programme.edit_action", action)
    page.submit({"title": "Lu dans le livret", "source": "Livret, 2024"})
    assert "Lu dans le livret" in page.get("programme.framework", code="NEW").words
    page.get("programme.create_framework")
    again = page.submit({"code": "NEW", "name": "Encore", "valid_from": "2024-01-01", "source": "x"})
    assert again.tree.xpath("//*[@id='code-error']")


def files(toml=TOML, table=CSV):
    uploads = {"toml": (io.BytesIO(toml if isinstance(toml, bytes) else toml.encode()), "cadre.toml")}
    return {**uploads, "csv": (io.BytesIO(table.encode()), "actions.csv")} if table else uploads


def test_a_framework_is_read_shown_and_only_then_imported(page, manager):
    page.get("programme.import_framework", as_=manager)
    shown = page.submit(files())
    assert "Premier axe" in shown.words
    assert queries.framework("NEW") is None
    done = page.submit()
    assert "Le cadre est importé." in done.words
    made = queries.framework("NEW")
    assert [action.number for action in queries.actions(made.id)] == ["12", "13"]
    assert [field.code for field in queries.actions(made.id)[0].fields] == ["F1"]
    page.get("programme.import_framework")
    page.submit(files())
    again = page.submit()
    assert again.status == 422
    assert "porte déjà le code NEW" in again.words


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (files(toml="[framework\nx"), "TOML, ligne 1"),
        (files(toml=TOML.replace('axis = "N1"', 'axis = "N9"')), "TOML, ligne 16"),
        (files(table="number,axis\n1,N9\n"), "CSV, ligne 2"),
        (files(toml=b"\xff\xfe\x00", table=""), "n’est pas un texte UTF-8"),
        (files(toml="x" * 300_001, table=""), "trop lourd"),
        ({}, "Choisissez le fichier TOML"),
    ],
)
def test_files_that_cannot_be_read_are_told_by_line_and_nothing_is_written(page, manager, given, words):
    page.get("programme.import_framework", as_=manager)
    answer = page.submit(given)
    assert answer.status == 422
    assert words in answer.words
    assert queries.framework("NEW") is None


def test_law_is_confirmed_and_given_a_new_value(page, manager):
    row = next(row for row in queries.all_law() if row.status in queries.UNSURE)
    page.get("programme.law", as_=manager, etat="a-confirmer")
    page.submit(action=f"/gestion/droit/{row.id}/confirmer")
    db.session.expire_all()
    assert row.confirmed_at is not None
    threshold = queries.law_of_code("agreement_threshold")[-1]
    page.get("programme.add_law_value", threshold)
    bad = page.submit({"value": "beaucoup", "valid_from": "2030-01-01", "reference": "Loi"})
    assert bad.tree.xpath("//*[@id='value-error']")
    page.get("programme.add_law_value", threshold)
    answer = page.submit({"value": "30000", "valid_from": "2030-01-01", "reference": "Loi"})
    assert "30 000 euros" in answer.words
    assert "1er janvier 2030" in answer.words


def test_no_code_is_shown_where_a_word_is_due(page, manager):
    words = page.get("programme.law", as_=manager).words
    assert "required" not in words
    assert "forbidden" not in words


def test_texts_are_read_edited_and_confirmed(page, manager):
    text = queries.text_of_code("implicit_rejection")
    page.get("programme.edit_text", text, as_=manager)
    bad = page.submit({"body": "Le {demain}."})
    assert bad.status == 422
    assert "{demain}" in bad.tree.xpath("string(//*[@id='body-error'])")
    page.get("programme.edit_text", text)
    stale = page.last
    page.submit({"body": "Au plus tard le {silence_on}.", "confirmed": "y"})
    db.session.expire_all()
    assert (text.body, text.confirmed_at is not None) == ("Au plus tard le {silence_on}.", True)
    page.last = stale
    assert page.submit({"body": "Autre."}).status == 409
    shown = page.get("programme.texts").tree
    models = {row.get("id") for row in shown.xpath("//main//li[.//*[normalize-space()='modèle']]")}
    assert models == rules.MODELS
    other = next(row for row in queries.all_texts() if row.status in queries.UNSURE and row.confirmed_at is None)
    page.submit(action=f"/gestion/textes/{other.id}/confirmer")
    db.session.expire_all()
    assert other.confirmed_at is not None
