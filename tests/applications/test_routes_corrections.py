"""Pages of a correction: what stands is always said, and what is typed shows to nobody at the fund."""

import io
from datetime import timedelta

import pytest
from werkzeug.datastructures import FileStorage

from grants.applications import actions, queries
from grants.applications.lifecycle import ApplicationState as S
from grants.applications.rules import Part
from grants.calls import queries as calls
from grants.kernel import clock
from grants.kernel.db import db, unit_of_work
from grants.kernel.pages import file_size, instant
from grants.people.models import MemberRole, Membership
from tests.applications.test_actions import PDF
from tests.applications.test_corrections import begin, change, sign, submit


@pytest.fixture
def dossier(make):
    """A submitted dossier in a call that closes before the session of whoever corrects it lapses."""
    return make.application(state=S.SUBMITTED, call=make.call(closes_at=clock.now() + timedelta(minutes=30)))


@pytest.fixture
def owner(make, dossier, page):
    person = make.member_of(dossier.organisation)
    page.sign_in(person)
    return person


@pytest.fixture
def by(make, owner):
    return make.actor_of(owner)


def test_a_dossier_is_corrected_from_its_page_without_a_script(app, page, dossier, owner):
    title, stands = dossier.title, dossier.submitted_at
    shown = page.get("applications.show", dossier)
    assert shown.tree.xpath(f"//a[@href='/dossiers/{dossier.id}/corriger']")
    before = page.get("applications.correct", dossier)
    assert f"Votre version du {say(app, stands)} reste déposée." in before.words
    page.submit({})
    draft = queries.correction_of(dossier)
    edited = page.get("applications.edit", draft, section=str(Part.PROJECT))
    assert f"Correction pas encore déposée · votre version du {say(app, stands)} reste déposée" in edited.words
    page.submit({"title": "Un titre corrigé"})
    sign_all(page, draft)
    db.session.expire_all()
    assert dossier.title == title
    confirm = page.get("applications.submit", draft)
    assert "reste déposée" in confirm.words
    receipt = page.submit({})
    assert "2, elle remplace celle du " + say(app, stands) in receipt.words
    db.session.expire_all()
    assert (dossier.title, dossier.state) == ("Un titre corrigé", S.SUBMITTED)
    again = page.follow(page.get("applications.edit", draft, section=str(Part.PROJECT)))
    assert dossier.reference in again.words


def say(app, at):
    with app.test_request_context():
        return " ".join(instant(at).split())


def sign_all(page, draft):
    """Make every statement on its page, as a person would."""
    shown = page.get("applications.edit", draft, section=str(Part.STATEMENTS))
    made = {}
    for field in shown.tree.xpath("//form[contains(@class, 'writing-form')]//input[@type='checkbox' or @type='radio']"):
        made.setdefault(field.get("name"), field.get("value"))
    page.submit(made)


def test_the_versions_are_listed_with_dates_digests_receipts_and_what_changed(app, page, dossier, owner, by):
    draft = begin(dossier, by)
    change(draft, by, title="Un titre corrigé")
    submit(draft, by)
    last, first = queries.versions_of(dossier.id)
    listed = page.get("applications.versions", dossier)
    for version in (last, first):
        assert version.digest in listed.words
        assert say(app, version.frozen_at) in listed.words
    assert "voir toutes les versions" in page.get("applications.show", dossier).words
    changed = page.get("applications.version", dossier, number=2)
    assert changed.tree.xpath("//ins")[0].text_content() == "Un titre corrigé"
    earlier = page.get("applications.version", dossier, number=1)
    assert "Une version déposée depuis l’a remplacée" in earlier.words
    old = page.get("applications.receipt", dossier, version=1)
    assert first.digest in old.words
    assert "Une version déposée depuis l’a remplacée" in old.words
    assert last.digest in page.get("applications.receipt", dossier).words
    for number, name in ((1, f"recu-{dossier.reference}.pdf"), (2, f"recu-{dossier.reference}-v2.pdf")):
        pdf = page.get("applications.receipt_pdf", dossier, version=number).response
        assert name in pdf.headers["Content-Disposition"]
    pdf = page.get("applications.dossier_pdf", dossier, version=1).response
    assert f"dossier-{dossier.reference}-v1.pdf" in pdf.headers["Content-Disposition"]


@pytest.mark.parametrize("number", ["0", "3", "-1", "abc", "²", "99999999999", "1e3", ""])
def test_a_version_that_is_not_there_is_not_found(page, dossier, owner, number):
    answer = page.get("applications.receipt", dossier, version=number)
    assert answer.status == (404 if number else 200)
    if number in {"0", "3", "99999999999"}:
        assert page.get("applications.version", dossier, number=int(number)).status == 404


def test_what_is_corrected_shows_to_nobody_at_the_fund_before_it_is_submitted(make, page, dossier, by):
    draft = begin(dossier, by)
    change(draft, by, title="Un titre secret")
    manager = make.account("manager")
    for endpoint in ("desk.dossier", "screening.show", "desk.dossier_pdf", "applications.show", "applications.review"):
        assert page.get(endpoint, draft, as_=manager).status in {403, 404}
    shown = [page.get("desk.dossier", dossier, as_=manager), page.get("desk.dossiers", as_=manager),
             page.get("screening.show", dossier, as_=manager), page.get("screening.inbox", as_=manager)]  # fmt: skip
    assert not any("secret" in answer.words for answer in shown)
    with unit_of_work():
        actions.withdraw(draft, reason="", by=by)
    for endpoint in ("desk.dossier", "screening.show", "desk.dossier_pdf"):
        assert page.get(endpoint, draft, as_=manager).status == 404


def test_the_fund_reads_the_last_version_and_is_told_that_it_replaced_one(make, page, dossier, by):
    draft = begin(dossier, by)
    change(draft, by, title="Un titre corrigé")
    submit(draft, by)
    manager = make.account("manager")
    for endpoint in ("desk.dossier", "screening.show"):
        shown = page.get(endpoint, dossier, as_=manager)
        assert "Un titre corrigé" in shown.words
        assert "version 2" in shown.words.lower()


def test_who_judged_what_is_replaced_meanwhile_is_told(make, page, dossier, by):
    manager = make.account("manager")
    page.get("screening.show", dossier, as_=manager)
    stale = page.last
    draft = begin(dossier, by)
    change(draft, by, title="Un titre corrigé")
    submit(draft, by)
    page.last = stale
    assert page.submit({}).status == 409


def test_a_correction_after_the_closing_is_kept_readable_and_said_not_to_count(app, page, dossier, owner, by):
    draft = begin(dossier, by)
    change(draft, by, title="Écrit trop tard")
    stands = say(app, dossier.submitted_at)
    confirm = page.get("applications.submit", draft)
    assert confirm.status == 200
    with clock.fixed(dossier.call.closes_at + timedelta(seconds=1)):
        assert page.submit({}).status == 409
        shown = page.get("applications.show", draft)
        assert f"Votre version du {stands} reste déposée : c’est elle qui compte." in shown.words
        assert "Écrit trop tard" in shown.words
        told = page.get("applications.show", dossier)
        assert "Lire la correction" in told.words
        assert not told.tree.xpath("//a[contains(@href, '/corriger')]")
        assert "Correction pas déposée" in page.follow(page.get("applications.correct", dossier)).words


def test_an_abandoned_correction_leads_back_to_what_stands(page, dossier, owner, by):
    draft = begin(dossier, by)
    asked = page.get("applications.withdraw", draft)
    assert "Abandonner la correction" in asked.words
    assert "reste déposée" in asked.words
    done = page.submit({})
    assert "La correction est abandonnée. La version déposée reste celle qui compte." in done.words
    assert dossier.reference in done.words
    assert page.get("applications.correct", dossier).status == 200


def test_another_member_goes_on_with_the_correction_and_a_stranger_does_not_know_of_it(make, page, dossier, by):
    draft, other = begin(dossier, by), make.account()
    with unit_of_work() as session:
        session.add(Membership(organisation_id=dossier.organisation_id, account_id=other.id, role=MemberRole.EDITOR,
                               since_at=clock.now()))  # fmt: skip
    assert str(draft.id) in page.get("applications.correct", dossier, as_=other).location
    page.sign_in(make.account())
    for endpoint, thing in (("correct", dossier), ("versions", dossier), ("show", draft)):
        assert page.get(f"applications.{endpoint}", thing).status == 404


def test_the_list_shows_one_dossier_with_its_correction(page, dossier, owner, by):
    draft = begin(dossier, by)
    listed = page.get("applications.index")
    assert listed.words.count(dossier.title) == 1
    assert listed.tree.xpath(f"//a[@href='/dossiers/{draft.id}']")
    assert page.get("desk.work").words.count(dossier.title) == 1


def test_a_second_correction_begins_from_the_last_version(page, dossier, owner, by):
    first = begin(dossier, by)
    change(first, by, title="Deuxième")
    submit(first, by)
    second = begin(dossier, by)
    assert second.title == "Deuxième"
    sign(second, by)
    submit(second, by)
    assert [version.number for version in queries.versions_of(dossier.id)] == [3, 2, 1]
    assert "Rien n’a changé" not in page.get("applications.version", dossier, number=2).words


def test_the_last_page_lists_what_leaves(app, make, page):
    draft = make.application(call=make.call(closes_at=clock.now() + timedelta(minutes=30)))
    person = make.member_of(draft.organisation)
    piece = calls.pieces_of(draft.call_id)[0]
    with unit_of_work():
        actions.add_file(draft, piece, FileStorage(io.BytesIO(PDF), "statuts.pdf"), by=make.actor_of(person))
    shown = page.get("applications.submit", draft, as_=person)
    with app.test_request_context():
        size = " ".join(file_size(len(PDF)).split())
    for words in ("Ce qui part", "16 pages du dossier", "1 fichier :", "statuts.pdf", size, piece.label,
                  f"Les déclarations, faites par {person.name}.",
                  f"déposé par {person.name}, pour {draft.organisation.name}"):  # fmt: skip
        assert words in shown.words


def test_the_last_page_of_an_empty_draft_says_that_nothing_is_joined_nor_stated(make, page):
    draft = make.application(complete=False)
    shown = page.get("applications.submit", draft, as_=make.member_of(draft.organisation))
    assert "Aucun fichier." in shown.words
    assert "Aucune déclaration n’est encore faite." in shown.words


@pytest.mark.parametrize("state", [S.ELIGIBLE, S.PIECES_REQUESTED, S.WITHDRAWN])
def test_a_correction_that_came_too_late_says_why_and_stays_readable(make, page, dossier, owner, by, state):
    draft = begin(dossier, by)
    change(draft, by, title="Trop tard")
    make._carry(dossier, state)
    words = "le dossier est retiré" if state is S.WITHDRAWN else "reste déposée : c’est elle qui compte."
    for endpoint in ("show", "review", "submit"):
        shown = page.get(f"applications.{endpoint}", draft)
        assert words in shown.words
        assert "Trop tard" in shown.words
    told = page.get("applications.show", dossier)
    assert words in told.words
    assert not told.tree.xpath(f"//a[@href='/dossiers/{draft.id}/rediger']")


def test_pages_of_versions_in_english(page, dossier, owner, by):
    draft = begin(dossier, by)
    change(draft, by, title="A corrected title")
    with unit_of_work():
        owner.locale = "en"
    assert "Correction not yet submitted" in page.get("applications.show", draft, as_=owner).words
    submit(draft, by)
    assert "the one that counts" in page.get("applications.versions", dossier).words
    changed = page.get("applications.version", dossier, number=2)
    assert "What changed since the version of" in changed.words
    assert changed.tree.xpath("//ins")[0].text_content() == "A corrected title"
    assert "which replaces that of" in page.get("applications.receipt", dossier).words
