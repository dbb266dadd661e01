"""Coming in and going out: what is said, what is kept, and what a copied cookie is worth."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from grants.kernel import clock, journal
from grants.kernel.actor import system
from grants.kernel.db import db, unit_of_work
from grants.kernel.outbox import Letter
from grants.kernel.throttle import Attempt
from grants.people import actions, queries
from grants.people.models import College, Role, SignIn
from tests.client import Page

PASSWORD = "nuage vélo pistache"
SYSTEM = system("tests")


@pytest.fixture
def camille(app):
    with unit_of_work():
        return actions.create_account("camille@exemple.example", "Camille", PASSWORD, confirmed=True, by=SYSTEM)


def come_in(page, email="camille@exemple.example", password=PASSWORD, url="people.sign_in", **values):
    page.get(url, **values)
    return page.submit({"email": email, "password": password}, follow=False)


def copy_of(page):
    """Another browser with the same cookies."""
    twin = Page(page.app)
    for cookie in page.client._cookies.values():
        twin.client.set_cookie(cookie.key, cookie.value, domain=cookie.domain, path=cookie.path)
    return twin


def is_in(page):
    return page.get("/mon-compte").status == 200


def test_the_form_opens_a_session_and_the_button_ends_it(page, camille):
    answer = come_in(page)
    assert (answer.status, answer.location) == (302, "/mon-espace")
    assert is_in(page)
    (row,) = db.session.scalars(select(SignIn))
    with page.client.session_transaction() as cookie:
        assert cookie["sign_in"] != row.secret
        assert len(cookie["sign_in"]) >= 43
    page.get("/mon-compte")
    answer = page.post("people.sign_out")
    assert answer.response.headers["Clear-Site-Data"] == '"cache"'
    assert not is_in(page)
    assert [entry.event for entry in journal.of(row)] == ["session.opened", "session.closed"]


TYPED = ("contact@maison-des-aidés.fr", "Contact@Maison-des-aide\u0301s.fr ", "E-mail : contact@maison-des-aidés.fr")


@pytest.mark.parametrize("typed", TYPED)
def test_an_address_with_accents_comes_in_as_it_signed_up(page, make, typed):
    with unit_of_work():
        account = actions.create_account(TYPED[0], "Camille", PASSWORD, confirmed=True, by=SYSTEM)
    assert come_in(page, typed).status == 302
    assert is_in(page)
    page.post("people.sign_out")
    page.get("people.forgot")
    page.submit({"email": typed})
    assert db.session.scalar(select(Letter.recipient)) == account.email
    page.sign_in(make.account("administrator"))
    found = page.get("people.people", q="maison-des-aidés.fr")
    assert account.email in found.text


def test_tries_at_one_address_are_counted_together_however_it_is_typed(page, camille):
    signs = ["", " ", "\x01", "\u200b", "\x7f", "\u2060", "\xad", "\x02", "\x03", "\x04", "\x05"]
    statuses = [come_in(page, f"Camille@exemple.example{sign}", "faux").status for sign in signs]
    assert statuses == [422] * 10 + [429]


def test_going_out_twice_is_no_error(page, camille):
    come_in(page)
    page.post("people.sign_out")
    assert page.post("people.sign_out").status == 302


def test_a_copied_cookie_is_dead_after_sign_out(page, camille):
    come_in(page)
    twin = copy_of(page)
    assert is_in(twin)
    page.post("people.sign_out")
    assert not is_in(twin)


def test_a_copied_cookie_is_dead_after_a_new_password_and_the_owner_goes_on(page, camille):
    come_in(page)
    twin = copy_of(page)
    page.get("people.password")
    answer = page.submit({"current": PASSWORD, "password": "trois autres mots longs"})
    assert "Votre mot de passe est changé" in answer.words
    assert is_in(page)
    assert not is_in(twin)


def test_a_copied_cookie_is_dead_after_a_reset(page, camille):
    come_in(page)
    twin = copy_of(page)
    with unit_of_work():
        actions.reset_password(queries.account_by_email(camille.email), "trois autres mots longs")
    assert not is_in(twin)


def test_a_copied_cookie_is_dead_after_an_office_is_given_and_after_it_ends(page, camille):
    come_in(page)
    twin = copy_of(page)
    with unit_of_work():
        office = actions.appoint(camille, Role.REVIEWER, college=College.EXPERT, by=SYSTEM)
    assert not is_in(page)
    assert not is_in(twin)
    come_in(page)
    twin = copy_of(page)
    assert is_in(twin)
    with unit_of_work():
        actions.end_appointment(office, by=SYSTEM)
    assert not is_in(twin)


def test_a_copied_cookie_is_dead_after_the_account_is_closed(page, camille):
    come_in(page)
    twin = copy_of(page)
    with unit_of_work():
        actions.deactivate(camille, by=SYSTEM)
    assert not is_in(twin)
    assert come_in(page).status == 422


def test_the_secret_of_one_person_does_not_open_the_account_of_another(page, camille, make):
    come_in(page)
    other = make.account()
    with page.client.session_transaction() as cookie:
        cookie["_user_id"] = other.fs_uniquifier
    assert not is_in(page)


def test_an_uniquifier_without_a_session_opens_nothing(page, camille):
    with page.client.session_transaction() as cookie:
        cookie.update({"_user_id": camille.fs_uniquifier, "_fresh": True})
    assert not is_in(page)


@pytest.mark.parametrize(("roles", "minutes"), [((), 60), (("manager",), 30)])
def test_an_idle_session_lapses(page, make, roles, minutes):
    page.sign_in(make.account(*roles))
    start = clock.now()
    with clock.fixed(start + timedelta(minutes=minutes - 1)):
        assert is_in(copy_of(page))
    db.session.execute(select(SignIn))
    page.sign_in(make.account(*roles))
    with clock.fixed(clock.now() + timedelta(minutes=minutes + 1)):
        assert not is_in(page)


def test_a_session_in_use_lives_to_its_end_and_no_longer(page, make):
    page.sign_in(make.account())
    start = clock.now()
    for minutes in range(0, 12 * 60, 50):
        with clock.fixed(start + timedelta(minutes=minutes)):
            assert is_in(page)
    with clock.fixed(start + timedelta(hours=12, minutes=1)):
        assert not is_in(page)


def test_the_last_sign_of_life_is_written_every_five_minutes_at_most(page, make):
    page.sign_in(make.account())
    start = db.session.scalar(select(SignIn.last_seen_at))
    seen = []
    for minutes in (1, 4, 6, 10, 12):
        with clock.fixed(start + timedelta(minutes=minutes)):
            page.get("/mon-compte")
        seen.append((db.session.scalar(select(SignIn.last_seen_at)) - start) // timedelta(minutes=1))
    assert seen == [0, 0, 6, 6, 12]


def test_a_refused_form_still_counts_as_a_sign_of_life(page, make):
    page.sign_in(make.account())
    start = db.session.scalar(select(SignIn.last_seen_at))
    with clock.fixed(start + timedelta(minutes=20)):
        page.get("/mon-compte")
    with clock.fixed(start + timedelta(minutes=40)):
        page.submit({"name": "Nouveau nom"}, follow=False)
    assert db.session.scalar(select(SignIn.last_seen_at)) == start + timedelta(minutes=40)


@pytest.mark.parametrize("target", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)"])
def test_nobody_is_sent_to_another_site(page, camille, target):
    values = {"email": camille.email, "password": PASSWORD}
    assert page.post("people.sign_in", data=values, next=target).location == "/mon-espace"
    page.post("people.sign_out")
    assert come_in(page, next=target).location == "/mon-espace"


def test_whoever_asked_for_a_page_gets_there(page, camille):
    asked = page.get("/mon-compte/connexions")
    assert asked.location == "/connexion?next=/mon-compte/connexions"
    page.get(asked.location)
    answer = page.submit({"email": camille.email, "password": PASSWORD}, follow=False)
    assert answer.location == "/mon-compte/connexions"


@pytest.mark.parametrize("target", ["/connexion", "/deconnexion", "/connexion?next=/connexion"])
def test_signing_in_does_not_lead_in_circles(page, camille, target):
    assert come_in(page, next=target).location == "/mon-espace"


def test_whoever_must_confirm_an_address_is_told_first(page, app):
    with unit_of_work():
        actions.create_account("neuve@exemple.example", "Nora", PASSWORD, confirmed=False, by=SYSTEM)
    assert come_in(page, "neuve@exemple.example").location == "/mon-compte"
    answer = page.get("/mon-compte")
    assert "Confirmez votre adresse" in answer.words
    assert page.get("people.organisation_new").status == 403


def test_known_and_unknown_addresses_are_answered_alike(page, camille):
    wrong = come_in(page, password="un autre mot de passe")
    unknown = come_in(page, "inconnue@exemple.example")
    assert (wrong.status, unknown.status) == (422, 422)
    assert wrong.words == unknown.words
    assert "ne convient pas" in wrong.words
    with page.client.session_transaction() as cookie:
        assert "sign_in" not in cookie
    events = [
        entry
        for entry in db.session.scalars(select(journal.Entry).order_by(journal.Entry.seq))
        if entry.event == "session.refused"
    ]
    assert [entry.facts["reason"] for entry in events] == ["password", "unknown"]
    assert not any("exemple" in entry.data for entry in events)


def test_what_was_typed_stays_but_never_the_password(page, camille):
    answer = come_in(page, password="un autre mot de passe")
    assert 'value="camille@exemple.example"' in answer.text
    assert "un autre mot" not in answer.text


def test_the_eleventh_try_is_refused_even_with_the_right_password(page, camille, make):
    for _try in range(10):
        assert come_in(page, password="un autre mot de passe").status == 422
    refused = come_in(page)
    assert refused.status == 429
    assert 0 < int(refused.response.headers["Retry-After"]) <= 900
    with unit_of_work():
        actions.create_account("autre@exemple.example", "Autre", PASSWORD, confirmed=True, by=SYSTEM)
    assert come_in(page, "autre@exemple.example").status == 302
    page.post("people.sign_out")
    with clock.fixed(clock.now() + timedelta(minutes=16)):
        assert come_in(page).status == 302
    assert "auth.throttled" in [entry.event for entry in db.session.scalars(select(journal.Entry))]


def test_an_unknown_address_is_throttled_like_a_known_one(page, app):
    statuses = [come_in(page, "inconnue@exemple.example").status for _try in range(11)]
    assert statuses == [422] * 10 + [429]


def test_one_network_cannot_try_every_account(page, app):
    at = clock.now()
    with unit_of_work() as session:
        session.add_all(Attempt(act="sign_in", who="127.0.0.0/24", at=at) for _try in range(99))
    statuses = [come_in(page, f"p{number}@exemple.example").status for number in range(2)]
    assert statuses == [422, 429]


def test_a_forged_header_does_not_change_the_network(page, camille):
    for number in range(3):
        page.client.environ_base["HTTP_X_FORWARDED_FOR"] = f"198.51.100.{number}"
        come_in(page, password="un autre mot de passe")
    networks = {who for who in db.session.scalars(select(Attempt.who)) if "/" in who}
    assert networks == {"127.0.0.0/24"}


def test_a_success_clears_the_slate(page, camille):
    for _round in range(2):
        for _try in range(6):
            assert come_in(page, password="un autre mot de passe").status == 422
        assert come_in(page).status == 302
        page.post("people.sign_out")


@pytest.mark.parametrize(
    ("email", "password"),
    [
        ("\x00camille@exemple.example", "x"),
        ("😀" * 2000, "😀" * 5000),
        ("a@exemple.example\r\nBcc: b@exemple.example", "x"),
        ("", ""),
        ("' OR 1=1 --", "' OR 1=1 --"),
        ("camille@exemple.example", "\x00"),
    ],
)
def test_strange_input_is_refused_politely(page, camille, email, password):
    answer = come_in(page, email, password)
    assert answer.status == 422
    assert answer.tree.xpath("//*[@id='erreurs']")


def test_a_double_press_signs_in_all_the_same(page, camille):
    page.get("people.sign_in")
    first = page.last
    form = {"email": camille.email, "password": PASSWORD}
    twin = copy_of(page)
    twin.last = first
    assert page.submit(form, follow=False).status == 302
    assert twin.submit(form, follow=False).location == "/mon-espace"
    assert is_in(twin)


def test_the_session_and_the_actor_are_known_in_one_query(page, make, queries):
    page.sign_in(make.account("manager"))
    with queries.watched() as statements:
        page.get("people.sign_in")
    assert len([s for s in statements if s.startswith("SELECT")]) == 1


def test_an_open_form_survives_signing_in_again(page, make):
    """A session that lapses must not cost what was being written: the form of the other tab still posts."""
    account = make.account()
    page.sign_in(account)
    old = page.get("/mon-compte")
    with page.client.session_transaction() as cookie:
        token = cookie["csrf_token"]
    with unit_of_work():
        actions.end_sessions(account, by=SYSTEM, why="tests")
    page.get("people.sign_in")
    with unit_of_work():
        account.password = actions.hash_password(PASSWORD)
    page.submit({"email": account.email, "password": PASSWORD}, follow=False)
    with page.client.session_transaction() as cookie:
        assert cookie["csrf_token"] == token
    page.last = old
    assert page.submit({"name": "Nom gardé"}).status == 200


def test_one_sees_and_ends_ones_sessions(page, make):
    account = make.account()
    elsewhere = Page(page.app).sign_in(account)
    page.sign_in(account)
    answer = page.get("people.sessions")
    assert answer.words.count("Firefox, Linux") >= 2
    assert answer.words.count("celle-ci") == 1
    (form,) = answer.tree.xpath("//form[contains(@action, '/fermer') and not(contains(@action, 'autres'))]")
    page.submit(action=form.get("action"))
    assert not is_in(elsewhere)
    assert is_in(page)


def test_one_ends_all_the_others_at_once(page, make):
    account = make.account()
    others = [Page(page.app).sign_in(account) for _ in range(2)]
    page.sign_in(account)
    page.get("people.sessions")
    page.submit(action="fermer-les-autres")
    assert [is_in(other) for other in others] == [False, False]
    assert is_in(page)


def test_the_sessions_of_another_do_not_exist(page, make):
    other = make.account()
    Page(page.app).sign_in(other)
    row = db.session.scalar(select(SignIn).where(SignIn.account_id == other.id))
    page.sign_in(make.account("administrator"))
    assert page.post("people.close_session", row.id).status == 404
    assert db.session.scalar(select(SignIn.ended_at).where(SignIn.id == row.id)) is None
