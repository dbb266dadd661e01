"""The public directory: it fills the page of an organisation, and never holds anybody up."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from grants.config import settings_from
from grants.kernel import clock, outgoing
from grants.kernel.db import db, unit_of_work
from grants.kernel.outbox import Letter
from grants.kernel.outgoing import ServiceTrouble
from grants.people import directory
from grants.people.models import DirectoryEntry, Organisation
from tests.directory import public_directory, unit
from tests.factories.make import siret

NUMBER = siret(778)
TOLD = {
    "name": "LES COURS OUVERTES", "acronym": "LCO", "siret": NUMBER, "rna": "W691234567", "legal_form": "association",
    "founded_on": "2012-05-04", "address": "12 RUE DE L'EXEMPLE", "postcode": "69100", "city": "VILLEURBANNE",
}  # fmt: skip
REST = {"purpose": "Ouvrir les cours.", "representative_name": "Leïla Exemple", "representative_role": "Présidence"}


@pytest.fixture
def told(app, monkeypatch):
    """A directory that the application asks."""
    with public_directory() as one:
        one.says(unit(NUMBER))
        monkeypatch.setitem(app.config, "SETTINGS", replace(app.config["SETTINGS"], directory_url=one.url))
        yield one


def types_number(page, number=NUMBER, **more):
    page.get("people.organisation_new", **more)
    return page.submit({"number": number})


def values(answer):
    return {name: answer.form().fields.get(name) for name in TOLD}


def test_a_number_fills_the_page_and_each_fact_keeps_its_source(page, make, told):
    page.sign_in(make.account())
    answer = types_number(page, f"SIRET : {NUMBER[:9]} {NUMBER[9:]}")
    assert values(answer) == TOLD
    assert "D’après l’annuaire public, le" in answer.tree.xpath("string(//*[@id='name-hint'])")
    assert told.asked == [f"/search?q={NUMBER}&page=1&per_page=5"]
    seen = page.submit({**REST, "city": "Villeurbanne"})
    assert seen.title == "LES COURS OUVERTES"
    organisation = db.session.scalar(select(Organisation))
    today = clock.today().isoformat()
    assert organisation.sources["name"] == {"source": "directory", "on": today}
    assert {organisation.sources[name]["source"] for name in ("city", "purpose")} == {"member"}
    assert seen.words.count("d’après l’annuaire public, le") == len(TOLD) - 2  # not the commune, nor its postcode
    page.get("people.organisation_edit", organisation)
    page.submit({"name": "Les Cours ouvertes"})
    db.session.expire_all()
    assert organisation.sources["name"] == {"source": "member", "on": today}
    assert organisation.sources["acronym"]["source"] == "directory"


def test_an_answer_is_asked_once_and_forgotten_in_time(page, make, told):
    page.sign_in(make.account())
    types_number(page)
    types_number(page)
    assert len(told.asked) == 1
    with clock.fixed(clock.now() + directory.FOUND_KEPT + timedelta(seconds=1)):
        assert directory.entry_of(NUMBER) is None
        with unit_of_work():
            assert directory.forget_entries() == 1


BAD = {
    "too many": {"status": "429 Too Many Requests", "more": "Retry-After: 120\r\n"},
    "failing": {"status": "500 Internal Server Error"},
    "elsewhere": {"status": "302 Found", "more": "Location: http://127.0.0.1:1/\r\n"},
    "cut": {"cut": True},
    "no json": {"body": b"<html>"},
    "a list": {"body": b"[]"},
    "no results": {"body": b'{"results": "none"}'},
    "deep": {"body": b"[" * 200_000},
    "huge": {"body": b'{"results": [' + b" " * outgoing.LARGEST + b"]}"},
}


@pytest.mark.parametrize("how", BAD)
def test_a_directory_that_fails_leaves_the_page_to_be_filled_by_hand(page, make, told, how):
    vars(told).update(BAD[how])
    page.sign_in(make.account())
    answer = types_number(page)
    assert answer.status == 200
    assert "ne répond pas en ce moment" in answer.words
    assert values(answer)["siret"] == NUMBER
    assert not values(answer)["name"]
    assert db.session.scalar(select(func.count()).select_from(DirectoryEntry)) == 0


@pytest.mark.parametrize("where", ["head", "body"])
def test_a_directory_that_drips_is_hung_up_on(app, monkeypatch, told, where):
    monkeypatch.setattr(outgoing, "STEP", 0.2)
    monkeypatch.setattr(outgoing, "WHOLE", 0.2)
    told.pace = 0.05 if where == "head" else 0.0
    told.body, told.cut = (told.body, False) if where == "head" else (b" " * 1000, True)
    with pytest.raises(outgoing.UnavailableError):
        directory.RechercheEntreprises(told.url, "tests").find(NUMBER)


def test_a_directory_that_fails_thrice_is_left_alone_then_tried_once(app, told):
    asked = directory.RechercheEntreprises(told.url, "tests")
    told.status = "500 Internal Server Error"

    def fails():
        with pytest.raises(outgoing.UnavailableError):
            asked.find(NUMBER)
        return len(told.asked)

    assert [fails() for _time in range(5)] == [1, 2, 3, 3, 3]
    with clock.fixed(clock.now() + outgoing.REST + timedelta(seconds=1)):
        assert [fails(), fails()] == [4, 4], "one question finds out whether it answers again"
    with clock.fixed(clock.now() + 3 * outgoing.REST):
        told.status = "200 OK"
        assert asked.find(NUMBER).facts == TOLD
    assert db.session.scalar(select(ServiceTrouble.name)) is None


@pytest.mark.parametrize(
    ("said", "seconds"), [("30", 30), ("0", 1), ("999999", 3600), ("demain", 300), ("", 300), ("9" * 5000, 3600)]
)
def test_retry_after_is_kept_by_all_processes(app, told, said, seconds):
    told.status, told.more = "429 Too Many Requests", f"Retry-After: {said}\r\n"
    asked = directory.RechercheEntreprises(told.url, "tests")
    start = clock.now()
    with clock.fixed(start), pytest.raises(outgoing.UnavailableError):
        asked.find(NUMBER)
    assert db.session.scalar(select(ServiceTrouble.until)) == start + timedelta(seconds=seconds)
    db.session.rollback()
    with clock.fixed(start + timedelta(seconds=seconds - 1)), pytest.raises(outgoing.UnavailableError):
        asked.find(NUMBER)
    assert len(told.asked) == 1


def test_no_service_is_asked_while_a_transaction_is_open(app, told):
    db.session.execute(select(Organisation.id))
    with pytest.raises(RuntimeError):
        directory.RechercheEntreprises(told.url, "tests").find(NUMBER)
    db.session.rollback()
    assert told.asked == []


HEAD = unit(NUMBER)["siege"]


@pytest.mark.parametrize(
    "changed",
    [
        {"statut_diffusion": "P"},
        {"siege": HEAD | {"statut_diffusion_etablissement": "N"}},
        {"nom_raison_sociale": "[NON-DIFFUSIBLE]"},
        {"nature_juridique": "1000", "nom_raison_sociale": None, "nom_complet": "CAMILLE EXEMPLE"},
        {"siege": HEAD | {"siret": siret(1)}},
        {"siege": None, "matching_etablissements": {"a": 1}},
    ],
)
def test_what_is_not_published_or_not_asked_for_is_unknown(page, make, told, changed):
    told.says(unit(NUMBER, **changed), "no unit", None)
    page.sign_in(make.account())
    answer = types_number(page)
    assert "ne dit rien de ce numéro" in answer.words
    assert not values(answer)["name"]
    assert db.session.scalars(select(DirectoryEntry.facts)).one() == {}


def test_a_closed_place_is_told_and_may_go_on(page, make, told):
    told.says(unit(NUMBER, siege=HEAD | {"etat_administratif": "F"}))
    page.sign_in(make.account())
    assert "l’activité est fermée" in types_number(page).words
    assert page.submit(REST).title == "LES COURS OUVERTES"


def test_another_place_than_the_head_office_has_its_own_address(page, make, told):
    place = HEAD | {"adresse": "3 QUAI 69007 LYON", "code_postal": "69007", "libelle_commune": "LYON"}
    told.says(unit(NUMBER, siege=HEAD | {"siret": siret(1)}, matching_etablissements=[None, place]))
    page.sign_in(make.account())
    found = values(types_number(page))
    assert (found["siret"], found["address"], found["postcode"]) == (NUMBER, "3 QUAI", "69007")


def test_what_could_not_be_typed_is_not_filled_in(page, make, told):
    bad = HEAD | {"code_postal": "6900X", "libelle_commune": "x" * 200}
    told.says(unit(NUMBER, nom_raison_sociale="www.exemple.example", sigle=["LCO"], date_creation="2012", siege=bad))
    page.sign_in(make.account())
    found = values(types_number(page))
    assert [found[name] for name in ("name", "acronym", "postcode", "city", "founded_on")] == [""] * 5


def test_an_rna_number_leads_to_the_organisation_known_by_its_siret(page, make, told):
    owner = make.account()
    known = make.organisation(owner, name="Les Cours")
    told.says(unit(known.siret))
    page.sign_in(make.account())
    answer = types_number(page, "w69 1234567")
    assert answer.status == 422
    assert "déjà connue du fonds" in answer.words
    assert page.submit(action="/organisations/rejoindre").status == 200
    assert db.session.scalar(select(Letter.recipient)) == owner.email


def test_a_known_number_tells_the_name_alone(page, make, told):
    owner = make.account(name="Olga Responsable", email="olga@exemple.example")
    known = make.organisation(owner, name="Les Paliers")
    page.sign_in(make.account())
    answer = types_number(page, known.siret)
    assert "Les Paliers" in answer.words
    for secret in ("Olga", "olga@", known.address, known.representative_name, str(known.id)):
        assert secret not in answer.text
    assert "Votre demande est partie" in page.submit(action="/organisations/rejoindre").words


def test_a_known_number_asks_nobody_and_whoever_acts_for_it_is_led_there(page, make, told):
    owner = make.account()
    known = make.organisation(owner)
    page.sign_in(owner)
    answer = types_number(page, known.siret)
    assert answer.tree.xpath(f"//main//a[@href='/organisations/{known.id}']")
    assert "rejoindre" not in answer.words
    assert told.asked == []


@pytest.mark.parametrize(
    ("typed", "word"),
    [
        ("", "Écrivez"),
        ("732 829 320 00079", "clé"),
        ("W69", "W691234567"),
        ("123456782", "SIREN"),
        ("x" * 60, "trop long"),
    ],
)
def test_a_wrong_number_is_told_and_nobody_is_asked(page, make, told, typed, word):
    page.sign_in(make.account())
    answer = types_number(page, typed)
    assert answer.status == 422
    assert word in answer.tree.xpath("string(//*[@id='number-error'])")
    assert told.asked == []


def test_numbers_are_asked_for_a_limited_number_of_times(page, make):
    page.sign_in(make.account())
    answers = [page.post("people.organisation_number", data={"number": siret(n)}).status for n in range(31)]
    assert answers == [302] * 30 + [429]


def test_without_an_address_the_page_is_filled_by_hand(page, make):
    page.sign_in(make.account())
    answer = types_number(page, next="/appels")
    assert "annuaire" not in answer.words
    assert page.submit({**TOLD, **REST}, follow=False).location == "/appels"
    assert {each["source"] for each in db.session.scalar(select(Organisation.sources)).values()} == {"member"}


@pytest.mark.parametrize(
    "address",
    ["http://annuaire.example", "https://u:p@annuaire.example", "ftp://127.0.0.1", "https://", "https://a.example?q=",
     "https://a.example:99999", "file:///etc/passwd", "https://a b.example"],
)  # fmt: skip
def test_a_wrong_address_of_the_operator_is_refused(tmp_path, address):
    with pytest.raises(ValueError, match="DIRECTORY_URL"):
        settings_from({"GRANTS_INSTANCE": str(tmp_path), "DIRECTORY_URL": address})
