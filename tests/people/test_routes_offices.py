"""The list of people and the offices given from it."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from grants.kernel import clock, journal
from grants.kernel.db import db, unit_of_work
from grants.kernel.errors import InvalidError
from grants.kernel.outbox import Letter
from grants.people import actions, queries
from grants.people.models import Appointment, College, Role
from grants.people.rules import INCOMPATIBLE

OFFICE = {"role": "manager", "college": "", "since_on": "", "until_on": ""}


def names(answer):
    return [" ".join(cell.text_content().split()) for cell in answer.tree.xpath("//tbody/tr/th")]


def test_people_are_listed_in_french_order(page, make):
    admin = make.account("administrator", name="Zoé")
    for name in ("Élan", "Eau", "Étoile", "œuf", "Fer"):
        make.account(name=name)
    page.sign_in(admin)
    assert names(page.get("people.people")) == ["Eau", "Élan", "Étoile", "Fer", "œuf", "Zoé"]


def test_people_are_found_by_name_address_office_and_state(page, make):
    page.sign_in(make.account("administrator", name="Admin"))
    make.account("reviewer", name="Inès Évaluatrice", college="expert", email="ines@exemple.example")
    make.account(name="Paul Dupont", email="pdupont@autre.example", confirmed=False)
    for asked, found in [
        ({"q": "evaluatrice ines"}, ["Inès Évaluatrice"]),
        ({"q": "ÉVALU"}, ["Inès Évaluatrice"]),
        ({"q": "autre.example"}, ["Paul Dupont"]),
        ({"role": "reviewer"}, ["Inès Évaluatrice"]),
        ({"role": "staff"}, ["Admin", "Inès Évaluatrice"]),
        ({"only": "unconfirmed"}, ["Paul Dupont"]),
        ({"only": "closed"}, []),
    ]:
        assert names(page.get("people.people", **asked)) == found, asked


@pytest.mark.parametrize("q", ["%", "_", "'; DROP TABLE account; --", "😀" * 300, "\\", "٣"])
def test_strange_searches_find_nothing_and_break_nothing(page, make, q):
    page.sign_in(make.account("administrator", name="Admin"))
    answer = page.get("people.people", q=q, role="x", only="x", after="x", before="€")
    assert answer.status == 200


@pytest.mark.parametrize("cursor", ["x", "WyJcdTAwMDAiLCAiMSJd", "WzEsMiwzXQ", "bnVsbA", "é"])
def test_a_damaged_place_in_the_list_starts_at_the_top(page, make, cursor):
    page.sign_in(make.account("administrator", name="Admin"))
    assert names(page.get("people.people", after=cursor)) == ["Admin"]


def test_the_list_goes_on_without_losing_or_repeating_anybody(page, make, monkeypatch):
    monkeypatch.setattr("grants.kernel.paging.PAGE", 2)
    admin = make.account("administrator", name="A")
    for name in ("B", "C", "C", "D"):
        make.account(name=name)
    page.sign_in(admin)
    seen, answer = [], page.get("people.people")
    while True:
        seen.append(names(answer))
        following = answer.tree.xpath("//a[@rel='next']/@href")
        if not following:
            break
        answer = page.get(following[0])
    assert seen == [["A", "B"], ["C", "C"], ["D"]]
    back = page.get(answer.tree.xpath("//a[@rel='prev']/@href")[0])
    assert names(back) == ["C", "C"]
    assert names(page.get(back.tree.xpath("//a[@rel='prev']/@href")[0])) == ["A", "B"]


def test_the_list_costs_the_same_for_one_and_for_many(page, make, queries):
    page.sign_in(make.account("administrator"))
    page.get("people.people")
    cost = queries.count(lambda: page.get("people.people"))
    for _ in range(3):
        make.account("reviewer", "manager", college="user")
    assert queries.count(lambda: page.get("people.people")) == cost


@pytest.mark.parametrize(
    ("role", "reads", "gives"),
    [
        ("administrator", 200, 302),
        ("auditor", 200, 403),
        ("manager", 200, 403),
        ("finance", 403, 404),
        ("reviewer", 403, 404),
        (None, 403, 404),
    ],
)
def test_who_reads_and_who_appoints(page, make, role, reads, gives):
    person = make.account()
    page.sign_in(make.account(*([role] if role else []), college="user"))
    assert page.get("people.people").status == reads
    assert page.get("people.person", person).status == (
        200 if reads == 200 else 404 if role is None else page.get("people.person", person).status
    )
    assert page.post("people.appoint", person, data=OFFICE).status == gives
    assert bool(queries.appointments_of(person.id)) is (gives == 302)


def test_an_office_is_given_and_ended_from_the_page(page, make):
    person = make.account(name="Fatou")
    page.sign_in(make.account("administrator"))
    page.get("people.person", person)
    answer = page.submit({"role": "reviewer", "college": "elected"}, action="/fonctions")
    assert "Personnes élues" in answer.words
    office = db.session.scalar(select(Appointment).where(Appointment.account_id == person.id))
    answer = page.submit(action=f"/fonctions/{office.id}/terminer")
    assert "La fonction est terminée" in answer.words
    assert make.actor_of(person).roles == frozenset()
    assert [e.event for e in journal.of(person)] == [
        "office.given", "session.all_closed", "office.ended", "session.all_closed"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"role": "emperor"}, "role"),
        ({"role": "reviewer"}, "college"),
        ({"since_on": "2026-02-30"}, "since_on"),
        ({"since_on": "2026-02-02", "until_on": "2026-02-01"}, "until_on"),
    ],
)
def test_a_wrong_office_is_refused_on_its_field(page, make, changed, field):
    person = make.account()
    page.sign_in(make.account("administrator"))
    answer = page.post("people.appoint", person, data={**OFFICE, **changed})
    assert answer.status == 422
    assert answer.tree.xpath(f"//*[@id='{field}-error']")
    assert queries.appointments_of(person.id) == []


def test_an_administrator_keeps_the_last_office_and_the_own_account(page, make):
    admin = make.account("administrator")
    page.sign_in(admin)
    (office,) = queries.appointments_of(admin.id)
    assert page.post("people.end_appointment", office).status == 409
    assert page.post("people.deactivate", admin).status == 409
    assert make.actor_of(admin).roles == {"administrator"}
    assert not page.get("people.person", admin).tree.xpath("//form[contains(@action, '/desactiver')]")


def test_an_account_is_closed_and_opened_again_from_the_page(page, make):
    person = make.account()
    page.sign_in(make.account("administrator"))
    page.get("people.person", person)
    assert "Ce compte est désactivé" in page.submit(action="/desactiver").words
    assert "désactivé" in page.get("people.people", only="closed").words
    page.get("people.person", person)
    page.submit(action="/reactiver")
    db.session.expire_all()
    assert person.active is True


def test_a_future_office_is_shown_but_not_held(page, make):
    person = make.account()
    page.sign_in(make.account("administrator"))
    page.get("people.person", person)
    page.submit(
        {"role": "auditor", "since_on": clock.today().replace(year=clock.today().year + 1).isoformat()},
        action="/fonctions",
    )
    assert make.actor_of(person).roles == frozenset()
    assert "Audit" in page.get("people.person", person).words


# ---- what one person may not hold, and may not give ----------------------------------------------------------------

MONEY = ["finance", "authorising_officer", "administrator"]


def proposed_to(page, person, role, by):
    page.sign_in(by)
    page.get("people.person", person)
    return page.submit({"role": role}, action="/fonctions")


@pytest.mark.parametrize("role", MONEY)
def test_a_money_office_takes_two_administrators(page, make, role):
    person, first, second = make.account(name="Fatou"), make.account("administrator"), make.account("administrator")
    assert "doit la confirmer" in proposed_to(page, person, role, first).words
    assert make.actor_of(person).roles == frozenset()
    assert not page.last.tree.xpath("//form[contains(@action, '/confirmer')]"), "who proposed it does not confirm it"
    (nomination,) = queries.nominations()
    assert page.post("people.confirm_nomination", nomination).status == 403
    assert page.post("people.confirm_nomination", nomination, as_=make.account("manager")).status == 403
    page.get("people.people", as_=second)
    assert "Fonctions à confirmer" in page.last.words
    page.get("people.person", person)
    assert "La fonction est confiée" in page.submit(action="/confirmer").words
    assert make.actor_of(person).roles == {role}
    assert queries.nominations() == []
    offices = [e.event for e in journal.of(person) if e.event.startswith("office.")]
    assert offices == ["office.proposed", "office.given"]
    kinds = {(letter.kind, letter.recipient) for letter in db.session.scalars(select(Letter))}
    assert kinds >= {("people_nominated", second.email), ("people_appointed", person.email)}


def test_two_administrators_of_whom_one_named_the_other_do_not_give_a_money_office(page, make):
    """One administrator who has a second one named could otherwise give every office alone."""
    first, third, straw, person = (
        make.account("administrator"),
        make.account("administrator"),
        make.account(),
        make.account(),
    )
    proposed_to(page, straw, "administrator", first)
    page.post("people.confirm_nomination", queries.nominations()[0], as_=third)
    proposed_to(page, person, "authorising_officer", first)
    (nomination,) = queries.nominations()
    assert page.post("people.confirm_nomination", nomination, as_=straw).status == 403
    assert page.post("people.refuse_nomination", nomination, as_=straw).status == 302
    assert queries.nominations() == []
    assert make.actor_of(person).roles == frozenset()


def test_nobody_confirms_the_renewal_of_their_own_office(page, make):
    first, second, own = (make.account("administrator") for _each in range(3))
    with unit_of_work():
        for held in queries.appointments_of(own.id):
            held.until_on = clock.today() + timedelta(days=10)
        later = clock.today() + timedelta(days=11)
        actions.appoint(own, Role.ADMINISTRATOR, by=make.actor_of(first), since_on=later)
    (nomination,) = queries.nominations()
    refused = page.post("people.confirm_nomination", nomination, as_=own)
    assert (refused.status, "Personne ne se nomme soi-même" in refused.words) == (403, True)
    assert page.post("people.confirm_nomination", nomination, as_=second).status == 302


def test_a_proposal_of_somebody_who_administers_no_longer_gives_nothing(page, make):
    person, first, second = make.account(), make.account("administrator"), make.account("administrator")
    proposed_to(page, person, "finance", first)
    with unit_of_work():
        for held in queries.appointments_of(first.id):
            actions.end_appointment(held, by=make.by)
    (nomination,) = queries.nominations()
    assert page.post("people.confirm_nomination", nomination, as_=second).status == 409
    assert make.actor_of(person).roles == frozenset()


@pytest.mark.parametrize("role", ["manager", "finance", "auditor"])
def test_nobody_appoints_oneself(page, make, role):
    admin = make.account("administrator")
    page.sign_in(admin)
    assert page.post("people.appoint", admin, data={**OFFICE, "role": role}).status == 403
    assert make.actor_of(admin).roles == {"administrator"}
    assert not page.get("people.person", admin).tree.xpath("//form[contains(@action, '/fonctions')][.//select]")


def test_somebody_unconfirmed_or_closed_receives_no_office(page, make):
    admin = make.account("administrator")
    person, closed = make.account(confirmed=False), make.account()
    page.post("people.deactivate", closed, as_=admin)
    for account in (person, closed):
        for role in ("manager", "finance"):
            assert (
                page.post(
                    "people.appoint", account, data={**OFFICE, "role": role, "_key": f"{account.id}{role}"}
                ).status
                == 422
            )
        assert queries.appointments_of(account.id) == []
    assert queries.nominations() == []


@pytest.mark.parametrize(("held", "given"), INCOMPATIBLE + tuple((b, a) for a, b in INCOMPATIBLE))
def test_incompatible_offices_are_not_given_together(make, held, given):
    person = make.account(held, college="user")
    with pytest.raises(InvalidError), unit_of_work():
        actions.appoint(person, Role(given), by=make.by, college=College.USER)
    assert make.actor_of(person).roles == {held}


def test_an_office_that_clashes_when_it_is_confirmed_is_not_given(page, make):
    person, first, second = make.account(), make.account("administrator"), make.account("administrator")
    for role in ("finance", "authorising_officer"):
        proposed_to(page, person, role, first)
    page.sign_in(second)
    assert [page.post("people.confirm_nomination", one).status for one in queries.nominations()] == [302, 409]
    assert make.actor_of(person).roles == {"finance"}


def test_offices_one_after_the_other_are_compatible(make):
    person, today = make.account(), clock.today()
    with unit_of_work():
        actions.appoint(person, Role.FINANCE, by=make.by, until_on=today)
        actions.appoint(person, Role.AUTHORISING_OFFICER, by=make.by, since_on=today + timedelta(days=1))
    assert make.actor_of(person).roles == {"finance"}
