"""Looking for things: whatever way their words are written, on every list, under the names they have today."""

import re
from urllib.parse import urlencode

import pytest
from flask import Flask
from flask_migrate import downgrade, upgrade
from sqlalchemy import select, text, update

from grants.applications.lifecycle import ApplicationState
from grants.applications.models import Application, ApplicationWord
from grants.applications.queries import found_by
from grants.kernel.db import db, unit_of_work
from grants.kernel.search import search_key
from grants.people import actions
from grants.people.forms import OrganisationForm
from tests.client import Page
from tests.factories import Make

TITLE = "Été : l’œuvre du \u00ab\u00a0Frais\u00a0\u00bb – R&D / co\u00adopération & Łódź"


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("Été : l’œuvre", "ETE L OEUVRE"), ("e\u0301te\u0301", "ETE"), ("Straße STRAẞE", "STRASSE STRASSE"),
        ("Łódź Ørsted Đorđe Þór", "LODZ ORSTED DORDE THOR"), ("ﬁn ofﬁce œuf æther", "FIN OFFICE OEUF AETHER"),
        ("co\u00adopé\u200bra\u2060tion", "COOPERATION"), ("R&D – a\u00a0:\u202fb", "R D A B"), ("Ⅳ x²", "IV X2"),
        ("Привет, Ελλάδα", "ПРИВЕТ ΕΛΛΑΔΑ"), (" : & - ", ""), ("FIS‑2019‑0042", "FIS 2019 0042"), ("l\u0131r", "LIR"),
    ],
)  # fmt: skip
def test_a_key_says_the_words_alone(text: str, key: str) -> None:
    assert search_key(text) == key


ASKED = (
    TITLE, "ete", "ÉTÉ", "Été :", "oeuvre", "ŒUVRE", "cooperation", "co\u00adopération", "lodz", "Łódź", "R & D", "r&d",
    "l'oeuvre du frais", "frais été", "« frais »", "strasse", "Straße", "353 384 027 00036", "353\u00a0384\u202f027",
    "35338402700036",
)  # fmt: skip


@pytest.fixture
def found(make: Make) -> Application:
    """A dossier of an organisation with a name and a number, published and paid for, among others."""
    organisation = make.organisation(make.account(), name="Straße des Œillets")
    with unit_of_work():
        organisation.siret = "35338402700036"
    application = make.application(state=ApplicationState.ELIGIBLE, organisation=organisation, title=TITLE)
    other = make.application(state=ApplicationState.ELIGIBLE, call=application.call, title="Un autre projet")
    make.decided(application, other)
    for each in (application, other):
        make.award(each)
    return application


LISTS = (
    "/gestion/dossiers?mots", "/registre?mots", "/attributions?q", "/gestion/journal?dossier",
)  # fmt: skip


def said(page: Page, address: str, asked: str) -> str:
    """What a list shows of a search."""
    where, _, name = address.partition("?")
    return page.get(f"{where}?{urlencode({name: asked})}").words


@pytest.mark.parametrize("address", LISTS)
def test_a_dossier_is_found_however_it_is_asked_for(make: Make, page: Page, found: Application, address: str) -> None:
    page.sign_in(make.account("manager", "auditor"))
    _code, year, number = str(found.reference).split("-")
    for asked in (*ASKED, str(found.reference), f"{year}-{number}", str(found.reference).replace("-", "")):
        shown = said(page, address, asked)
        assert str(found.reference) in shown, asked
        assert "Un autre projet" not in shown, asked
    for asked in ("ete introuvable", " : & ", "%", "_", "été zzz"):
        assert str(found.reference) not in said(page, address, asked), asked


def test_a_dossier_to_assign_is_found_however_it_is_asked_for(make: Make, page: Page) -> None:
    make.account("reviewer")
    application = make.application(state=ApplicationState.ELIGIBLE, title=TITLE)
    make.application(state=ApplicationState.ELIGIBLE, call=application.call, title="Un autre projet")
    page.sign_in(make.account("manager"))
    for asked in (*ASKED[:15], str(application.reference)):
        shown = said(page, f"/evaluations/affecter/{application.call_id}?mots", asked)
        assert (str(application.reference) in shown, "Un autre projet" in shown) == (True, False), asked


def words_of(application: Application) -> set[str]:
    """The indexed words of a dossier."""
    of_this = select(ApplicationWord.word).where(ApplicationWord.application_id == application.id)
    return set(db.session.scalars(of_this))


def wanted_words(application: Application) -> set[str]:
    """What its key says should be indexed."""
    return {word[:24] for word in application.search_key.split() if len(word) >= 3}


def test_the_words_of_a_dossier_follow_its_key_whoever_writes_it(make: Make, found: Application) -> None:
    draft = make.application(call=found.call)
    long = "Z" * 60
    assert (words_of(found), words_of(draft)) == (wanted_words(found), set())
    assert {"OEUVRE", "STRASSE", "35338402700036"} <= words_of(found)
    with unit_of_work() as session:
        session.execute(update(Application).where(Application.id == found.id).values(search_key=f"UN DE {long} {long}"))
    assert words_of(found) == {"Z" * 24}
    with unit_of_work() as session:
        session.execute(update(Application).where(Application.id == found.id).values(search_key=""))
    assert words_of(found) == set()


def test_words_are_indexed_again_by_the_way_up(app: Flask, make: Make, found: Application) -> None:
    wanted = words_of(found)
    db.session.remove()
    downgrade(revision="0019")
    upgrade()
    found = db.session.merge(found)
    assert words_of(found) == wanted


@pytest.mark.parametrize(
    ("asked", "is_found"),
    [
        ("oeuv", True), ("euvre", False), ("353384027", True), ("353 384 027", True), ("353 384", False), ("o", True),
        ("zzz oeuvre", False), ("x" * 40, False), ("strasse des oeillets", True), ("oeillets-strasse", False),
    ],
)  # fmt: skip
def test_a_word_is_asked_by_its_beginning(found: Application, asked: str, is_found: bool) -> None:
    of_these = select(Application.id).where(*found_by(asked))
    assert (found.id in db.session.scalars(of_these).all()) == is_found


def test_a_search_reads_the_index_and_no_whole_table(app: Flask, found: Application, dialect: str) -> None:
    statement = select(Application.reference).where(*found_by("oeuvre 353 384 027 00036"))
    compiled = statement.compile(db.engine, compile_kwargs={"literal_binds": True})
    explain = "EXPLAIN QUERY PLAN" if dialect == "sqlite" else "EXPLAIN"
    if dialect == "postgresql":
        db.session.execute(text("SET enable_seqscan = off"))  # of so few rows it would read the whole table
    plan = "\n".join(str(row) for row in db.session.execute(text(f"{explain} {compiled}")))
    assert "application_word" in plan
    assert not re.search(r"SCAN (a\b|application)|Seq Scan", plan), plan


def test_a_dossier_is_found_by_the_name_its_organisation_has_today(make: Make, page: Page, found: Application) -> None:
    organisation = found.organisation
    version, dossier_version = organisation.version, found.version
    values = {name: getattr(organisation, name) for name in OrganisationForm.__dict__ if hasattr(organisation, name)}
    by = make.actor_of(make.member_of(organisation))
    with unit_of_work():
        actions.edit_organisation(
            organisation, {**values, "name": "Le Cèdre bleu", "acronym": "LCB"}, version=version, by=by
        )
    page.sign_in(make.account("manager"))
    for address in LISTS[:3]:
        for asked in ("cedre", "LCB", "Cèdre été", "353 384 027 00036"):
            assert str(found.reference) in said(page, address, asked), asked
        assert str(found.reference) not in said(page, address, "Straße")
    db.session.refresh(found)
    assert found.version == dossier_version


def test_people_are_found_by_any_way_of_writing_them(make: Make, page: Page) -> None:
    make.account(name="Zoë Łukasz-Œuvrard", email="z.lukasz@exemple.example")
    page.sign_in(make.account("administrator", name="Admin"))
    for asked in (
        "zoe",
        "ŁUKASZ",
        "lukasz oeuvrard",
        "Zoë Łukasz\u2011Œuvrard",
        "z.lukasz@exemple.example",
        "zoe exemple",
    ):
        assert "Łukasz" in said(page, "/personnes?q", asked), asked
    for asked in ("zoe durand", "—", "%"):
        assert "Łukasz" not in said(page, "/personnes?q", asked), asked


def test_the_totals_of_the_register_are_those_of_what_it_shows(make: Make, page: Page, found: Application) -> None:
    assert "16 000 €" in page.get("/registre").words
    shown = said(page, "/registre?mots", "lodz")
    assert ("16 000 €" in shown, shown.count("8 000 €")) == (False, 2)
    assert "8 000 €" not in said(page, "/registre?mots", "introuvable")


def test_the_keys_of_before_are_written_again(app: Flask, make: Make) -> None:
    application = make.application(state=ApplicationState.SUBMITTED, title=TITLE)
    draft, person = make.application(), make.account(name="Łukasz")
    key = search_key(application.organisation.name)
    wanted = application.search_key, key, draft.search_key, person.sort_key
    with unit_of_work() as session:
        for table in ("account", "organisation"):
            session.execute(text(f"UPDATE {table} SET sort_key = 'OLD'"))
        session.execute(text("UPDATE application SET search_key = 'OLD' WHERE reference IS NOT NULL"))
    db.session.remove()
    downgrade(revision="0006")
    upgrade()
    application, draft, person = (db.session.merge(each) for each in (application, draft, person))
    for each in (application, application.organisation, draft, person):
        db.session.refresh(each)
    assert (application.search_key, application.organisation.sort_key, draft.search_key, person.sort_key) == wanted
