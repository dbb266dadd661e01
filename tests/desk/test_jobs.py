"""What the worker makes: asked from a page, followed on another, fetched by whoever asked."""

import io
import json
from datetime import timedelta
from hashlib import sha256
from zipfile import ZipFile

import pytest
from python_calamine import CalamineWorkbook
from sqlalchemy import delete, select, update
from werkzeug.datastructures import FileStorage

from grants.applications import exports as printed
from grants.applications import queries as applications
from grants.applications.letters import receipt_pdf
from grants.applications.lifecycle import ApplicationState
from grants.awards.lifecycle import AwardState, InstalmentState
from grants.desk.exports import ARCHIVE, OrganisationDossiers
from grants.documents import actions as documents
from grants.kernel import clock, jobs, sheets, workbooks
from grants.kernel.db import db, unit_of_work
from grants.kernel.errors import ForbiddenError
from grants.kernel.jobs import Job, JobState
from grants.kernel.money import Money
from grants.kernel.outbox import Letter
from grants.kernel.words import force_locale
from grants.people import actions
from grants.people.models import Appointment, Membership
from grants.reviewing.actions import tell_link
from grants.reviewing.models import InterestNature
from tests.applications.test_corrections import begin, change, submit
from tests.kernel import corpus

FETCH = "/preparations/{}/fichier"


@pytest.fixture
def manager(make):
    """A manager with a dossier in their list."""
    make.application(state=ApplicationState.SUBMITTED, title="Café solidaire")
    return make.account("manager")


@pytest.fixture
def short(manager):
    """No list is short enough for a workbook at once. What `make` makes does not depend on it, and is remembered."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(sheets, "MOST_ROWS", 0)
        yield patched


def job():
    db.session.rollback()
    return db.session.scalars(select(Job).order_by(Job.asked_at.desc()).limit(1)).one()


def rows(answer):
    assert answer.status == 200
    return CalamineWorkbook.from_object(io.BytesIO(answer.response.get_data())).get_sheet_by_index(0).to_python()


def fetched(page):
    link = page.last.tree.xpath("//main//a[@download]/@href")
    return rows(page.get(link[0]))


LISTS = {
    "/gestion/dossiers?mots=Café&sort=reference": "manager",
    "/attributions?state=running": "manager",
    "/mandats?vue=paid": "finance",
    "/recouvrements": "finance",
    "/gestion/journal?objet=award": "auditor",
}


def test_each_list_too_long_at_once_is_made_by_the_worker_as_it_would_be_at_once(page, make, manager, short):
    second = make.application(state=ApplicationState.ELIGIBLE)
    make.decided(second)
    award = make.award(second, state=AwardState.RUNNING)
    make.instalment(award, Money(1_234_56), state=InstalmentState.PAID)
    make.recovery(award, Money(100_00))
    for path, office in LISTS.items():
        page.get(path, as_=make.account(office))
        waiting = page.submit(action=".xlsx")
        jobs.run_waiting()
        page.get(waiting.url)
        assert "Prêt" in page.last.words, path
        made = fetched(page)
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(sheets, "MOST_ROWS", 20_000)
            assert made == rows(page.get(path.replace("?", ".xlsx?") if "?" in path else f"{path}.xlsx")), path
        assert len(made) > 1, path


def test_a_list_that_fits_is_given_at_once(page, manager):
    page.sign_in(manager)
    shown = page.get("/gestion/dossiers")
    assert not shown.tree.xpath("//main//form[contains(@action, '.xlsx')]")
    assert rows(page.get("/gestion/dossiers.xlsx"))


def test_its_page_says_where_it_stands_and_survives_a_reload(page, manager, short):
    page.sign_in(manager)
    page.get("/gestion/dossiers")
    page.submit(action=".xlsx")
    where = page.last.url
    refresh = "//head/noscript/meta[@http-equiv='refresh']/@content"
    assert page.last.tree.xpath(refresh) == ["5"]
    assert "En attente" in page.last.title + page.last.words
    with unit_of_work() as session:
        session.execute(update(Job).values(state=JobState.RUNNING, lease=job().id, done=1200, total=87000))
    for _reload in range(2):
        shown = page.get(where)
        (bar,) = shown.tree.xpath("//main//progress")
        assert (bar.get("value"), bar.get("max")) == ("1200", "87000")
        assert "1 200 sur 87 000" in shown.words.replace("\u202f", " ")
        assert shown.tree.xpath("//main//*[@data-behaviour='job']")
    page.post("/langue", data={"language": "en"})
    english = page.get(where)
    assert "1,200 of 87,000" in english.words
    assert "This page updates itself" in english.words


def test_it_is_found_again_in_the_menu_of_the_account(page, manager, short):
    page.sign_in(manager)
    page.get("/gestion/dossiers")
    page.submit(action=".xlsx")
    where = page.last.url
    assert "/preparations" in page.last.tree.xpath("//header//a/@href")
    listed = page.get("/preparations")
    assert listed.tree.xpath("//main//table//a/@href") == [where]


def test_it_is_cancelled_and_taken_up_again(page, manager, short):
    page.sign_in(manager)
    page.get("/gestion/dossiers")
    page.submit(action=".xlsx")
    assert "Annulé" in page.submit(action="/annuler").words
    assert jobs.run_waiting() == 0
    assert "En attente" in page.submit(action="/reprendre").words
    jobs.run_waiting()
    assert "Prêt" in page.get(page.last.url).words
    assert page.post(page.last.url + "/annuler").status == 409


def test_a_failure_is_told_in_words_in_the_language_of_the_reader(page, manager, short):
    page.sign_in(manager)
    page.get("/gestion/dossiers")
    page.submit(action=".xlsx")
    where = page.last.url
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(workbooks, "MOST_ROWS", 0)
        jobs.run_waiting()
    assert "Un classeur n’a pas assez de place" in page.get(where).words
    page.post("/langue", data={"language": "en"})
    assert "A workbook has no room for so many rows" in page.get(where).words
    page.submit(action="/reprendre")
    jobs.run_waiting()
    assert len(page.get(where).tree.xpath("//main//a[@download]")) == 1


def asked_and_made(page, person):
    page.sign_in(person)
    page.get("/gestion/dossiers")
    page.submit(action=".xlsx")
    jobs.run_waiting()
    return job().id


def test_nobody_else_knows_it(page, make, manager, short):
    key = asked_and_made(page, manager)
    for other in (make.account("manager"), make.account("administrator"), make.account("auditor")):
        page.sign_in(other)
        assert page.get(f"/preparations/{key}").status == page.get(FETCH.format(key)).status == 404
        assert page.post(f"/preparations/{key}/annuler").status == 404
        assert page.post(f"/preparations/{key}/reprendre").status == 404
    assert page.get(FETCH.format(key), as_=manager).status == 200


def test_whoever_lost_the_office_does_not_get_the_result(page, make, manager, short):
    key = asked_and_made(page, manager)
    with unit_of_work() as session:
        held = session.scalars(select(Appointment).where(Appointment.account_id == manager.id)).one()
        actions.end_appointment(held, by=make.actor("administrator"))
    page.sign_in(manager)
    assert page.get(FETCH.format(key)).status == 403
    shown = page.get(f"/preparations/{key}")
    assert (shown.status, shown.tree.xpath("//main//a[@download]")) == (200, [])
    assert "pas ouverte à votre compte" in shown.words


def test_another_office_in_its_place_does_not_give_the_result(page, make, manager, short):
    key = asked_and_made(page, manager)
    with unit_of_work() as session:  # finance may take the list away, without the scores that a manager reads
        session.execute(update(Appointment).where(Appointment.account_id == manager.id).values(role="finance"))
    assert page.get(FETCH.format(key)).status == 403
    assert "demandez-le de nouveau" in page.get(f"/preparations/{key}").words


def test_a_dossier_one_has_a_link_with_is_in_no_result(page, make, manager, short):
    linked = make.application(state=ApplicationState.SUBMITTED)
    key = asked_and_made(page, manager)
    assert page.get(FETCH.format(key)).status == 200
    with unit_of_work():
        tell_link(linked.reference, InterestNature.FAMILY, "Ma sœur.", by=make.actor_of(manager))
    assert page.get(FETCH.format(key)).status == 403
    again = asked_and_made(page, manager)
    assert linked.reference not in {row[0] for row in rows(page.get(FETCH.format(again)))}


def test_a_result_is_an_attachment_kept_by_nobody_between(page, manager, short):
    answer = page.get(FETCH.format(asked_and_made(page, manager))).response
    assert answer.content_length == len(answer.get_data()) == job().size
    headers = answer.headers
    assert headers["Content-Disposition"] == "attachment; filename=dossiers.xlsx"
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Content-Type-Options"] == "nosniff"


def test_a_result_whose_time_is_over_is_gone(page, manager, short):
    key = asked_and_made(page, manager)
    with unit_of_work() as session:
        session.execute(update(Job).values(until=clock.now() - timedelta(days=1)))
    assert page.get(FETCH.format(key)).status == 404


def test_too_many_at_once_is_told(page, manager, short):
    page.sign_in(manager)
    for _number in range(jobs.MOST):
        page.get("/gestion/dossiers")
        assert page.submit(action=".xlsx").status == 200
    page.get("/gestion/dossiers")
    refused = page.submit(action=".xlsx")
    assert refused.status == 429
    assert "déjà 3 fichiers en préparation" in refused.words


def test_a_double_click_asks_once(page, manager, short):
    page.sign_in(manager)
    shown = page.get("/gestion/dossiers")
    for _click in range(2):
        page.last = shown
        assert page.submit(action=".xlsx").status == 200
    db.session.rollback()
    assert len(db.session.scalars(select(Job)).all()) == 1


# ---- all the dossiers of an organisation ---------------------------------------------------------------------------


def archived(page, organisation, person):
    """The archive of an organisation, by the names of its files."""
    page.get(f"/organisations/{organisation.id}", as_=person)
    page.submit(action="/archive")
    jobs.run_waiting()
    link = page.get(page.last.url).tree.xpath("//main//a[@download]/@href")
    with ZipFile(io.BytesIO(page.get(link[0]).response.get_data())) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def test_a_member_takes_all_the_dossiers_of_their_organisation_in_one_file(page, make):
    member = make.account()
    theirs = make.organisation(member)
    make.application(organisation=theirs, title="Brouillon du printemps")
    given = make.application(state=ApplicationState.SUBMITTED, organisation=theirs)
    make.application(state=ApplicationState.SUBMITTED, title="Dossier d’un autre")
    files = archived(page, theirs, member)
    folders = {name.partition("/")[0] for name in files if "/" in name}
    (of_draft,) = [folder for folder in folders if folder.endswith("brouillon")]
    (of_given,) = [folder for folder in folders if folder.endswith(given.reference)]
    assert folders == {of_draft, of_given}
    assert files[f"{of_draft}/dossier.pdf"].startswith(b"%PDF")
    assert not any(name.startswith(f"{of_draft}/depot") for name in files)
    version = applications.latest_version(given.id)
    assert sha256(files[f"{of_given}/depot-1.json"]).hexdigest() == version.digest
    with force_locale("fr"):
        assert files[f"{of_given}/accuse-de-reception-1.pdf"] == receipt_pdf(version, "fr")
    sent = [files[name] for name in sorted(files) if name.startswith(f"{of_given}/pieces/")]
    assert [sha256(content).hexdigest() for content in sent] == [
        stored.sha256 for stored in db.session.scalars(applications.files_of(given.id))
    ]
    said = files["LISEZMOI.txt"].decode()
    assert theirs.name in said
    assert "Dossier d’un autre" not in said


def test_each_version_and_the_correction_that_is_begun_are_in_the_archive(page, make):
    member = make.account()
    given = make.application(state=ApplicationState.SUBMITTED, organisation=make.organisation(member))
    by = make.actor_of(member)
    draft = begin(given, by)
    change(draft, by, title="Deuxième")
    submit(draft, by)
    begin(given, by)
    files = archived(page, given.organisation, member)
    names = {name.partition("/")[2] for name in files if "/" in name and "pieces" not in name}
    assert names == {
        "dossier.pdf", "depot-1.json", "depot-2.json", "accuse-de-reception-1.pdf", "accuse-de-reception-2.pdf",
        "correction-non-deposee.pdf",
    }  # fmt: skip
    digests = {sha256(files[name]).hexdigest() for name in files if "depot-" in name}
    assert digests == {version.digest for version in applications.versions_of(given.id)}


def test_what_is_too_long_to_be_printed_is_told_and_stops_no_archive(page, make, monkeypatch):
    member = make.account()
    given = make.application(state=ApplicationState.SUBMITTED, organisation=make.organisation(member))
    begin(given, make.actor_of(member))
    monkeypatch.setattr(printed, "MOST", 10)
    files = archived(page, given.organisation, member)
    assert not [name for name in files if name.endswith(("dossier.pdf", "correction-non-deposee.pdf"))]
    assert f"001-{given.reference}/depot-1.json" in files
    assert files["LISEZMOI.txt"].decode().count("trop long pour être mis en PDF") == 2


def test_the_documents_that_an_organisation_keeps_are_in_its_archive(page, make):
    member = make.account()
    theirs, content = make.organisation(member), corpus.pdf()
    make.application(state=ApplicationState.SUBMITTED, organisation=theirs)
    with unit_of_work():
        file = FileStorage(io.BytesIO(content), "statuts.pdf")
        documents.keep(theirs.id, "statutes", file, by=make.actor_of(member))
    assert archived(page, theirs, member)["documents/01-statuts.pdf"] == content


def test_a_decision_is_in_the_archive_once_it_is_published(page, make):
    member = make.account()
    theirs = make.organisation(member)
    make.decided(make.application(state=ApplicationState.ELIGIBLE, organisation=theirs), published=False)
    assert not [name for name in archived(page, theirs, member) if name.endswith("decision.pdf")]
    other = make.account()
    lauded = make.organisation(other)
    make.decided(make.application(state=ApplicationState.ELIGIBLE, organisation=lauded))
    (name,) = [name for name in archived(page, lauded, other) if name.endswith("decision.pdf")]
    assert name.startswith("001-")


def test_the_archive_is_for_members_of_the_organisation_alone(page, make):
    theirs = make.organisation()
    for person in (make.account(), make.account("manager"), make.account("administrator")):
        page.sign_in(person)
        assert page.post(f"/organisations/{theirs.id}/archive").status in {403, 404}
        with pytest.raises(ForbiddenError), unit_of_work():
            raise_unless_made(ARCHIVE, OrganisationDossiers(str(theirs.id)), make.actor_of(person))


def raise_unless_made(kind, arguments, who):
    """Make a job at once, as the worker does."""
    kind.make(jobs.Work(who, arguments, io.BytesIO(), lambda _done, _total: None))


def test_who_left_the_organisation_gets_its_archive_no_more(page, make):
    member = make.account()
    theirs = make.organisation(make.account(), member)
    make.application(organisation=theirs)
    page.get(f"/organisations/{theirs.id}", as_=member)
    page.submit(action="/archive")
    jobs.run_waiting()
    key = job().id
    assert page.get(FETCH.format(key)).status == 200
    with unit_of_work() as session:
        session.execute(delete(Membership).where(Membership.account_id == member.id))
    assert page.get(FETCH.format(key)).status == 403
    assert "demandez-le de nouveau" in page.get(f"/preparations/{key}").words


# ---- what is kept about a person -----------------------------------------------------------------------------------


def taken(page, person):
    """What is kept about a person, as they take it."""
    page.get("/mon-compte/donnees", as_=person)
    page.submit()
    jobs.run_waiting()
    link = page.get(page.last.url).tree.xpath("//main//a[@download]/@href")
    return json.loads(page.get(link[0]).response.get_data())


def test_a_person_takes_what_is_kept_about_them(page, make):
    member, other = make.account(), make.account()
    theirs = make.organisation(member, name="Les Paliers")
    make.application(organisation=theirs)
    make.organisation(other)
    found = taken(page, member)
    assert (found["account"]["email"], found["account"]["name"]) == (member.email, member.name)
    assert [row["name"] for row in found["organisations"]] == ["Les Paliers"]
    assert found["sign_ins"]
    assert found["acts"][-1]["event"] == "job.asked"
    assert not {member.fs_uniquifier, other.email, other.name}.intersection(texts_in(found))


def test_what_is_kept_from_a_person_is_not_in_what_they_take(page, make):
    manager = make.account("manager")
    dossier = make.application(state=ApplicationState.SUBMITTED)
    with unit_of_work():
        outbox_letter(manager, dossier)
    before = taken(page, manager)
    assert [row["subject"] for row in before["letters"]] == ["Un dossier"]
    with unit_of_work():
        tell_link(dossier.reference, InterestNature.FAMILY, "Ma sœur.", by=make.actor_of(manager))
    after = taken(page, manager)
    assert after["letters"] == []
    assert [link["name"] for link in after["links_of_interest"]] == [dossier.reference]


def outbox_letter(account, dossier):
    """A letter to somebody about a dossier."""
    db.session.add(
        Letter(
            kind="test", recipient=account.email, subject="Un dossier", body="…", locale="fr", dossier_id=dossier.id,
            dedup="test", created_at=clock.now(),
        )
    )  # fmt: skip


def texts_in(value):
    """Every text of a JSON value."""
    if isinstance(value, dict | list):
        return {text for one in (value.values() if isinstance(value, dict) else value) for text in texts_in(one)}
    return {value}
