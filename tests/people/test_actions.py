"""What people do with accounts, organisations and offices, and what each act leaves behind."""

from datetime import date, timedelta

import pytest
from sqlalchemy import select

from grants.kernel import clock, journal
from grants.kernel.actor import system
from grants.kernel.db import db, unit_of_work
from grants.kernel.errors import ConflictError, ForbiddenError, InvalidError, RefusedError, ThrottledError
from grants.kernel.outbox import Letter, body_of
from grants.people import actions, queries
from grants.people.models import Account, College, Invitation, MemberRole, Membership, Organisation, Role, SignIn
from tests.factories.make import siret

PASSWORD = "nuage vélo pistache"
SYSTEM = system("tests")


def facts(**changed):
    return {
        "siret": siret(901), "rna": "", "name": "Les Paliers", "acronym": "", "legal_form": "association",
        "purpose": "Aller vers les voisins.", "address": "1 rue de l’Exemple", "postcode": "69007", "city": "Lyon",
        "website": "", "phone": "", "email": "", "founded_on": None, "year_end_month": 12,
        "representative_name": "Camille Exemple", "representative_role": "Présidence", "representative_email": "",
        **changed,
    }  # fmt: skip


def events(subject):
    return [entry.event for entry in journal.of(subject)]


def letters(kind):
    return db.session.scalars(select(Letter).where(Letter.kind == kind).order_by(Letter.created_at)).all()


def new_account(**changed):
    values = {"email": "camille@exemple.example", "name": "Camille", "password": PASSWORD, "confirmed": True, **changed}
    with unit_of_work():
        return actions.create_account(
            values.pop("email"), values.pop("name"), values.pop("password"), by=SYSTEM, **values
        )


# ---- accounts ------------------------------------------------------------------------------------------------------


def test_an_account_keeps_a_slow_hash_and_no_password(app):
    account = new_account()
    assert account.password.startswith("$argon2id$")
    assert PASSWORD not in account.password
    assert events(account) == ["account.created"]
    assert actions.authenticate("Camille@Exemple.example ", PASSWORD) is account


def test_the_same_password_typed_with_combining_accents_opens(app):
    account = new_account()
    assert actions.authenticate(account.email, "nuage ve\u0301lo pistache") is account


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"email": "pas une adresse"}, "email"),
        ({"name": " "}, "name"),
        ({"name": "Gagnez sur www.exemple.example"}, "name"),
        ({"name": "x" * 121}, "name"),
        ({"password": "trop court"}, "password"),
        ({"password": "camille2026!!"}, "password"),
    ],
)
def test_an_account_is_refused_on_the_field_at_fault(app, changed, field):
    with pytest.raises(InvalidError) as refusal:
        new_account(**changed)
    assert refusal.value.field == field
    assert db.session.scalar(select(Account.id)) is None


def test_an_address_has_one_account(app):
    new_account()
    with pytest.raises(InvalidError) as refusal:
        new_account(email="CAMILLE@exemple.example")
    assert refusal.value.field == "email"


@pytest.mark.parametrize(
    ("email", "password", "reason"),
    [
        ("inconnue@exemple.example", PASSWORD, "unknown"),
        ("camille@exemple.example", "un autre mot de passe", "password"),
        ("camille@exemple.example", PASSWORD + "x" * 200, "password"),
        ("ferme@exemple.example", PASSWORD, "closed"),
        ("camille@exemple.example", "", "password"),
        ("\x00", "\x00", "unknown"),
    ],
)
def test_every_refusal_has_the_same_words(app, email, password, reason):
    new_account()
    closed = new_account(email="ferme@exemple.example")
    with unit_of_work():
        actions.deactivate(closed, by=SYSTEM)
    email = email.replace("\x00", "")
    with pytest.raises(InvalidError) as refusal:
        actions.authenticate(email, password)
    assert refusal.value.facts["reason"] == reason
    assert refusal.value.message == "L’adresse ou le mot de passe ne convient pas."


def test_signing_up_with_a_known_address_writes_to_its_holder_alone(app):
    account = new_account()
    with unit_of_work():
        actions.sign_up(account.email, "Quelqu’un", locale="fr")
    (letter,) = letters("people_known")
    assert letter.recipient == account.email
    assert db.session.scalars(select(Account)).all() == [account]
    assert actions.authenticate(account.email, PASSWORD) is account


def test_a_letter_to_an_unknown_address_does_not_carry_the_name_typed(app):
    with unit_of_work():
        actions.sign_up("cible@exemple.example", "Achetez chez nous", locale="fr")
    (letter,) = letters("people_confirm")
    assert "Achetez" not in letter.body
    assert "http://localhost/confirmation/" in letter.body


def test_a_reset_link_serves_once_and_for_an_hour(app):
    account = new_account(confirmed=False)
    with unit_of_work():
        actions.ask_reset(account.email)
    (letter,) = letters("people_reset")
    token = body_of(letter).split("/nouveau-mot-de-passe/")[1].split()[0]
    with clock.fixed(clock.now() + timedelta(minutes=61)):
        assert actions.resettable(token) is None
    assert actions.resettable(token) is account
    with unit_of_work():
        actions.reset_password(account, "un tout autre mot")
    assert actions.resettable(token) is None
    assert account.confirmed_at is not None
    assert actions.authenticate(account.email, "un tout autre mot") is account


def test_a_link_made_for_one_purpose_does_not_serve_another(app):
    account = new_account(confirmed=False)
    with unit_of_work():
        actions.ask_reset(account.email)
        actions.ask_confirmation(account)
    token = body_of(letters("people_reset")[0]).split("/nouveau-mot-de-passe/")[1].split()[0]
    other = body_of(letters("people_confirm")[0]).split("/confirmation/")[1].split()[0]
    assert actions.confirmable(token) is None
    assert actions.resettable(other) is None
    assert actions.confirmable(other) is account
    with clock.fixed(clock.now() + timedelta(days=3, minutes=1)):
        assert actions.confirmable(other) is None


def test_nobody_is_written_to_about_an_unknown_or_closed_account(app):
    account = new_account()
    with unit_of_work():
        actions.deactivate(account, by=SYSTEM)
        actions.ask_reset(account.email)
        actions.ask_reset("inconnue@exemple.example")
        actions.sign_up(account.email, "Camille", locale="fr")
    assert db.session.scalars(select(Letter)).all() == []


def test_the_public_head_of_the_journal_does_not_tell_who_has_an_account(app):
    """A new password is asked for a known address, a closed one and an unknown one: one line each."""
    known, closed = new_account(), new_account(email="close@exemple.example")
    with unit_of_work():
        actions.deactivate(closed, by=SYSTEM)
    lines = []
    for address in (known.email, closed.email, "inconnue@exemple.example"):
        before = journal.head()[0]
        with unit_of_work():
            actions.ask_reset(address)
        lines.append(journal.head()[0] - before)
    assert lines == [1, 1, 1]


# ---- organisations -------------------------------------------------------------------------------------------------


def test_whoever_makes_an_organisation_known_is_responsible_for_it(app, make):
    person = make.account()
    with unit_of_work():
        organisation = actions.create_organisation(facts(), by=make.actor_of(person))
    assert make.actor_of(person).organisations == {organisation.id: "owner"}
    assert organisation.sort_key == "LES PALIERS"
    assert events(organisation) == ["organisation.created"]


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"siret": "", "rna": ""}, "siret"),
        ({"siret": "73282932000079"}, "siret"),
        ({"rna": "69123"}, "rna"),
        ({"email": "pas une adresse"}, "email"),
        ({"representative_email": "a@b\r\nBcc: c@d.fr"}, "representative_email"),
        ({"founded_on": date(2999, 1, 1)}, "founded_on"),
    ],
)
def test_an_organisation_is_refused_on_the_field_at_fault(app, make, changed, field):
    with pytest.raises(InvalidError) as refusal, unit_of_work():
        actions.create_organisation(facts(**changed), by=make.actor())
    assert refusal.value.field == field
    assert db.session.scalar(select(Organisation.id)) is None


@pytest.mark.parametrize("kind", ["siret", "rna"])
def test_a_number_is_borne_by_one_organisation(app, make, kind):
    known = make.organisation()
    number = getattr(known, kind)
    with pytest.raises(InvalidError) as refusal, unit_of_work():
        actions.create_organisation(facts(**{"siret": "", "rna": "", kind: number}), by=make.actor())
    assert (refusal.value.field, refusal.value.facts["taken"]) == (kind, number)


def test_a_stale_sheet_shows_both_texts_and_changes_nothing(app, make):
    organisation = make.organisation()
    by = make.actor_of(make.member_of(organisation))
    seen = organisation.version
    with unit_of_work():
        actions.edit_organisation(organisation, facts(city="Bron"), version=seen, by=by)
    with pytest.raises(ConflictError) as conflict, unit_of_work():
        actions.edit_organisation(organisation, facts(city="Vénissieux"), version=seen, by=by)
    assert {"label": "Commune", "mine": "Vénissieux", "theirs": "Bron"} in conflict.value.facts["versions"]
    assert organisation.city == "Bron"


def test_a_known_number_stays_and_a_missing_one_can_be_added(app, make):
    person = make.account()
    by = make.actor_of(person)
    with unit_of_work():
        organisation = actions.create_organisation(facts(), by=by)
    number = organisation.siret
    with unit_of_work():
        unchanged = actions.edit_organisation(
            organisation, facts(siret=siret(902), rna="w69 7654321"), version=organisation.version, by=by
        )
    assert unchanged == [number]
    assert (organisation.siret, organisation.rna) == (number, "W697654321")
    assert journal.of(organisation)[-1].facts["fields"] == ["rna"]


def test_asking_to_join_writes_to_the_owners_and_tells_nothing(app, make):
    organisation = make.organisation(make.account(email="owner@exemple.example"))
    asker = make.actor_of(make.account(name="Ask Er", email="asker@exemple.example"))
    with unit_of_work():
        assert actions.ask_to_join(organisation.siret, by=asker) is None
        assert actions.ask_to_join("73282932000074", by=asker) is None
    (letter,) = letters("people_join")
    assert letter.recipient == "owner@exemple.example"
    assert "asker@exemple.example" in letter.body


# ---- members -------------------------------------------------------------------------------------------------------


def test_an_invitation_is_for_one_address_and_serves_once(app, make):
    organisation = make.organisation()
    owner = make.actor_of(make.member_of(organisation))
    guest = make.account(email="guest@exemple.example", confirmed=False)
    other = make.account(email="other@exemple.example")
    with unit_of_work():
        invitation = actions.invite(organisation, "Guest@exemple.example", MemberRole.EDITOR, by=owner)
    with pytest.raises(RefusedError), unit_of_work():
        actions.accept(invitation, other, by=make.actor_of(other))
    with unit_of_work():
        actions.accept(invitation, guest, by=make.actor_of(guest))
    assert make.actor_of(guest).organisations == {organisation.id: "editor"}
    assert guest.confirmed_at is not None
    assert [letter.recipient for letter in letters("people_joined")] == [owner.email]
    with pytest.raises(RefusedError), unit_of_work():
        actions.accept(invitation, guest, by=make.actor_of(guest))


def test_an_invitation_dies_by_time_by_cancelling_and_by_a_newer_one(app, make):
    organisation = make.organisation()
    owner = make.actor_of(make.member_of(organisation))
    with unit_of_work():
        first = actions.invite(organisation, "guest@exemple.example", MemberRole.EDITOR, by=owner)
    with unit_of_work():
        second = actions.invite(organisation, "guest@exemple.example", MemberRole.OWNER, by=owner)
    assert actions.why_not_accept(first, "guest@exemple.example") is not None
    assert actions.why_not_accept(second, "guest@exemple.example") is None
    with clock.fixed(clock.now() + timedelta(days=15)):
        assert actions.why_not_accept(second, "guest@exemple.example") is not None
    with unit_of_work():
        actions.cancel_invitation(second, by=owner)
    assert actions.why_not_accept(second, "guest@exemple.example") is not None


def test_an_organisation_sends_ten_invitations_a_day(app, make):
    organisation = make.organisation()
    owner = make.actor_of(make.member_of(organisation))
    for number in range(10):
        with unit_of_work():
            actions.invite(organisation, f"p{number}@exemple.example", MemberRole.EDITOR, by=owner)
    with pytest.raises(ThrottledError), unit_of_work():
        actions.invite(organisation, "p10@exemple.example", MemberRole.EDITOR, by=owner)
    assert len(db.session.scalars(select(Invitation)).all()) == 10
    with clock.fixed(clock.now() + timedelta(days=1, minutes=1)), unit_of_work():
        actions.invite(organisation, "p10@exemple.example", MemberRole.EDITOR, by=owner)


@pytest.mark.parametrize("act", ["demote", "remove", "leave"])
def test_the_last_owner_stays(app, make, act):
    first, second = make.account(), make.account()
    organisation = make.organisation(first, second)
    by = make.actor_of(first)
    acts = {
        "demote": lambda place: actions.change_member(place, MemberRole.EDITOR, by=by),
        "remove": lambda place: actions.remove_member(place, by=by),
        "leave": lambda place: actions.leave(place, by=make.actor_of(place.account)),
    }
    with unit_of_work():
        acts[act](queries.membership(second.id, organisation.id))
    with pytest.raises(RefusedError), unit_of_work():
        acts[act](queries.membership(first.id, organisation.id))
    assert [owner.id for owner in queries.owners_of(organisation.id)] == [first.id]


def test_an_owner_whose_account_is_closed_does_not_count(app, make):
    first, second = make.account(), make.account()
    organisation = make.organisation(first, second)
    with unit_of_work():
        actions.deactivate(second, by=SYSTEM)
    with pytest.raises(RefusedError), unit_of_work():
        actions.leave(queries.membership(first.id, organisation.id), by=make.actor_of(first))


def test_nobody_leaves_in_the_place_of_another(app, make):
    first, second = make.account(), make.account()
    organisation = make.organisation(first, second)
    with pytest.raises(ForbiddenError), unit_of_work():
        actions.leave(queries.membership(second.id, organisation.id), by=make.actor_of(first))
    assert len(db.session.scalars(select(Membership)).all()) == 2


# ---- offices -------------------------------------------------------------------------------------------------------


def test_an_office_is_given_told_and_ended(app, make):
    person = make.account()
    with unit_of_work():
        office = actions.appoint(person, Role.MANAGER, by=SYSTEM)
    assert make.actor_of(person).roles == {"manager"}
    assert letters("people_appointed")[0].recipient == person.email
    with clock.fixed(clock.now() + timedelta(days=2)):
        with unit_of_work():
            actions.end_appointment(office, by=SYSTEM)
        assert make.actor_of(person).roles == frozenset()
        with pytest.raises(RefusedError), unit_of_work():
            actions.end_appointment(office, by=SYSTEM)
    assert [event for event in events(person) if event.startswith("office")] == ["office.given", "office.ended"]


def test_an_office_begun_today_ends_today(app, make):
    person = make.account()
    with unit_of_work():
        office = actions.appoint(person, Role.AUDITOR, by=SYSTEM)
    with unit_of_work():
        actions.end_appointment(office, by=SYSTEM)
    assert make.actor_of(person).roles == frozenset()


def test_an_office_holds_between_its_dates(app, make):
    person, today = make.account(), clock.today()
    with unit_of_work():
        actions.appoint(
            person, Role.REVIEWER, college=College.USER, since_on=today + timedelta(days=1),
            until_on=today + timedelta(days=3), by=SYSTEM,
        )  # fmt: skip
    held = []
    for day in range(5):
        with clock.fixed(clock.now() + timedelta(days=day)):
            held.append(bool(make.actor_of(person).roles))
    assert held == [False, True, True, True, False]


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"role": Role.REVIEWER}, "college"),
        ({"role": Role.MANAGER}, "role"),
        ({"role": Role.FINANCE, "until_on": date(2018, 1, 1), "since_on": date(2018, 1, 2)}, "until_on"),
    ],
)
def test_an_office_is_refused_on_the_field_at_fault(app, make, given, field):
    person = make.account("manager")
    with pytest.raises(InvalidError) as refusal, unit_of_work():
        actions.appoint(person, given.pop("role"), by=SYSTEM, **given)
    assert refusal.value.field == field


def test_the_last_administrator_stays(app, make):
    alone = make.account("administrator")
    (office,) = queries.appointments_of(alone.id)
    for by in (make.actor_of(alone), SYSTEM):
        with pytest.raises(RefusedError), unit_of_work():
            actions.end_appointment(office, by=by)
    second = make.account("administrator")
    with pytest.raises(RefusedError), unit_of_work():
        actions.end_appointment(office, by=make.actor_of(alone))
    with unit_of_work():
        actions.end_appointment(office, by=make.actor_of(second))
    assert make.actor_of(alone).roles == frozenset()


def test_an_account_is_closed_and_opened_again(app):
    account = new_account()
    with unit_of_work():
        actions.open_session(account)
    with unit_of_work():
        actions.deactivate(account, by=SYSTEM)
    assert db.session.scalar(select(SignIn.ended_at)) is not None
    for act, by in ((actions.deactivate, SYSTEM), (actions.deactivate, queries.actor_of(account))):
        with pytest.raises(RefusedError), unit_of_work():
            act(account, by=by)
    with unit_of_work():
        actions.reactivate(account, by=SYSTEM)
    assert actions.authenticate(account.email, PASSWORD) is account
    with pytest.raises(RefusedError), unit_of_work():
        actions.reactivate(account, by=SYSTEM)
    assert [event for event in events(account) if "session" not in event] == [
        "account.created", "account.closed", "account.reopened"
    ]  # fmt: skip


def test_sessions_nobody_used_for_a_year_are_forgotten(app, make):
    account = make.account()
    with unit_of_work():
        for days in (366, 364):
            with clock.fixed(clock.now() - timedelta(days=days)):
                actions.open_session(account)
    with unit_of_work():
        assert actions.forget_sessions() == 1
    assert len(db.session.scalars(db.select(SignIn)).all()) == 1
