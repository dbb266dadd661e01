"""Addresses that refuse our letters: who is told, and what ends it."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import select

from grants.applications.lifecycle import ApplicationState
from grants.kernel import clock, outbox, refusals
from grants.kernel.actor import system
from grants.kernel.db import db, unit_of_work
from grants.kernel.outbox import Letter
from grants.kernel.pages import day
from grants.kernel.refusals import RefusalSource
from grants.people.models import Organisation

BY = system("essai")


@pytest.fixture
def application(make):
    return make.application(state=ApplicationState.ELIGIBLE)


@pytest.fixture
def member(make, application):
    return make.member_of(application.organisation)


def refuse(address):
    with unit_of_work() as session:
        letter = Letter(kind="test", recipient=address, subject="Objet", body="Bonjour.\n", locale="fr",
                        dedup=f"test:{address}", created_at=clock.now())  # fmt: skip
        session.add(letter)
        session.flush()
        refusals.mark(address, status="5.1.1", source=RefusalSource.RELAY, letter=letter, by=BY)


def main_of(found):
    return " ".join(found.tree.xpath("//main")[0].text_content().split())


def count(page, as_):
    page.get("desk.work", as_=as_)
    return page.last.tree.xpath("string(//ul/li[contains(., 'n’atteignent plus')]//strong)")


def link_in(address):
    written = select(Letter).where(Letter.recipient == address, Letter.kind == "people_address")
    letter = db.session.scalars(written.order_by(Letter.created_at.desc())).first()
    return re.search(r"/adresses/\S+", outbox.body_of(letter))[0]


def test_the_fund_is_told_on_its_home_in_a_list_and_on_the_dossier(page, make, application, member):
    manager = make.account("manager")
    assert count(page, manager) == "0"
    refuse(member.email)
    assert count(page, manager) == "1"
    shown = page.get("people.refused_letters")
    for word in (application.organisation.name, member.name, member.email, day(clock.today()), "5.1.1"):
        assert word in main_of(shown)
    assert f"Nos courriels à {member.name} n’arrivent plus" in main_of(page.get("desk.dossier", application))
    other = make.application(state=ApplicationState.ELIGIBLE)
    assert "n’arrivent plus" not in main_of(page.get("desk.dossier", other))
    assert page.get("people.refused_letters", as_=make.account("finance")).status == 403
    assert page.get("people.refused_letters", as_=member).status == 403


def test_the_person_reads_it_and_a_letter_that_arrives_ends_it(page, make, member):
    refuse(member.email)
    assert f"Nos courriels n’arrivent plus à {member.email}" in main_of(page.get("desk.work", as_=member))
    page.get("people.account")
    sent = page.submit(action="/adresse/verifier")
    assert f"Un message vient de partir à {member.email}" in sent.words
    page.get("people.account")
    assert "il y a quelques minutes" in page.submit(action="/adresse/verifier").words
    link = link_in(member.email)
    page.get(link, as_=None)
    assert refusals.refused(member.email) is not None
    page.submit()
    assert refusals.refused(member.email) is None
    assert page.get(link).status == 410
    assert "n’arrivent plus" not in main_of(page.get("desk.work", as_=member))
    assert count(page, make.account("manager")) == "0"


def test_a_link_lasts_a_day_and_means_nothing_to_a_stranger(page, member):
    refuse(member.email)
    page.get("people.account", as_=member)
    page.submit(action="/adresse/verifier")
    link, at = link_in(member.email), clock.now()
    assert page.get("/adresses/pas-un-secret", as_=None).status == 410
    with clock.fixed(at + timedelta(days=1, minutes=1)):
        assert page.get(link).status == 410
    assert refusals.refused(member.email) is not None


def test_nobody_has_the_address_of_others_checked(page, make, member):
    refuse(member.email)
    stranger = make.member_of(make.organisation())
    for address in (member.email, "inconnue@exemple.example", "x" * 5000, ""):
        assert page.post("people.check_address", data={"address": address}, as_=stranger).status == 409
    assert db.session.scalars(select(Letter).where(Letter.kind == "people_address")).all() == []


def test_an_address_of_the_organisation_is_corrected_on_its_card(page, make, application, member):
    organisation = application.organisation
    with unit_of_work():
        db.session.get(Organisation, organisation.id).email = "bureau@exemple.example"
    refuse("bureau@exemple.example")
    manager = make.account("manager")
    assert "L’organisation" in main_of(page.get("people.refused_letters", as_=manager))
    assert "la fiche de votre organisation" in main_of(page.get("desk.work", as_=member))
    with unit_of_work():
        db.session.get(Organisation, organisation.id).email = "contact@exemple.example"
    assert "n’arrivent plus" not in main_of(page.get("desk.work", as_=member))
    assert count(page, manager) == "0"


def test_choosing_a_new_password_by_mail_shows_that_letters_arrive(page, member):
    refuse(member.email)
    page.get("people.forgot", as_=None)
    page.submit({"email": member.email})
    written = select(Letter).where(Letter.recipient == member.email, Letter.kind == "people_reset")
    link = re.search(r"/mot-de-passe/\S+|/nouveau-mot-de-passe/\S+", outbox.body_of(db.session.scalars(written).one()))
    page.get(link[0])
    page.submit({"password": "une phrase longue et neuve"})
    assert refusals.refused(member.email) is None
