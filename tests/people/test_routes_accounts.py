"""Opening an account, confirming it, finding back in: by the pages, and by whoever tries them out."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from grants.kernel import clock, journal
from grants.kernel.actor import system
from grants.kernel.db import db, unit_of_work
from grants.kernel.outbox import Letter, body_of
from grants.people import actions
from grants.people.models import Account, SignIn
from tests.client import Page

PASSWORD = "nuage vélo pistache"
NEW = {"name": "Zoé N’Diaye", "email": "zoe@exemple.example"}


def link_in(kind, part):
    letter = db.session.scalars(select(Letter).where(Letter.kind == kind).order_by(Letter.created_at.desc())).first()
    return f"/{part}/" + body_of(letter).split(f"/{part}/")[1].split()[0]


def counted():
    return {model: db.session.scalar(select(func.count()).select_from(model)) for model in (Account, Letter, SignIn)}


def test_from_signing_up_to_a_confirmed_address(page, app):
    page.get("people.sign_up")
    answer = page.submit(NEW)
    assert answer.title == "Consultez votre messagerie"
    account = db.session.scalar(select(Account))
    assert (account.name, account.email, account.confirmed_at) == ("Zoé N’Diaye", "zoe@exemple.example", None)
    link = link_in("people_confirm", "confirmation")
    page.get(link)
    page.get(link)
    db.session.expire_all()
    assert account.confirmed_at is None
    assert page.submit({"password": "court"}).status == 422
    db.session.expire_all()
    assert account.confirmed_at is None
    answer = page.submit({"password": "trois autres mots longs"})
    assert answer.title == "Connexion"
    assert "Votre adresse est confirmée" in answer.words
    db.session.expire_all()
    assert account.confirmed_at is not None
    assert "C’est déjà fait" in page.get(link).words
    assert [entry.event for entry in journal.of(account)] == [
        "account.created", "session.all_closed", "account.confirmed"
    ]  # fmt: skip


def test_whoever_signed_up_with_somebody_elses_address_is_out_when_she_confirms(page, app):
    """The address is its holder's: neither the password nor the session of whoever was there first goes on.

    Nobody chooses a password when signing up any more; accounts opened before may have one.
    """
    with unit_of_work():
        account = actions.create_account(NEW["email"], NEW["name"], PASSWORD, confirmed=False, by=system("tests"))
        actions.ask_confirmation(account)
    page.get("people.sign_in")
    page.submit({"email": NEW["email"], "password": PASSWORD})
    assert page.get("people.account").status == 200
    holder = Page(app)
    holder.get(link_in("people_confirm", "confirmation"))
    holder.submit({"password": "trois autres mots longs"})
    assert page.get("people.account").status == 302
    page.get("people.sign_in")
    assert page.submit({"email": NEW["email"], "password": PASSWORD}).status == 422
    holder.get("people.sign_in")
    assert holder.submit({"email": NEW["email"], "password": "trois autres mots longs"}, follow=False).status == 302
    assert db.session.scalar(select(Account)).confirmed_at is not None


def test_whoever_signs_up_with_an_address_gets_nothing_of_it_before_its_holder(page, app):
    """A password that is sent all the same is not taken: the first one is chosen from the mail."""
    page.get("people.sign_up")
    assert not page.last.tree.xpath("//input[@type='password']")
    page.submit({**NEW, "password": PASSWORD})
    for typed in (PASSWORD, ""):
        page.get("people.sign_in")
        assert page.submit({"email": NEW["email"], "password": typed}).status == 422
    assert db.session.scalar(select(Account.password)) is None
    holder = Page(app)
    holder.get(link_in("people_confirm", "confirmation"))
    holder.submit({"password": "trois autres mots longs"})
    assert page.submit({"email": NEW["email"], "password": PASSWORD}).status == 422
    holder.get("people.sign_in")
    assert holder.submit({"email": NEW["email"], "password": "trois autres mots longs"}, follow=False).status == 302


def test_the_link_of_a_known_address_sets_the_password_too(page, app):
    """Signing up twice: the letter to the address carries the same link."""
    for _time in range(2):
        page.get("people.sign_up")
        page.submit(NEW)
    page.get(link_in("people_known", "confirmation"))
    page.submit({"password": "trois autres mots longs"})
    page.get("people.sign_in")
    assert page.submit({"email": NEW["email"], "password": "trois autres mots longs"}, follow=False).status == 302


def test_signing_up_looks_the_same_for_a_known_address(page, make):
    make.account(email="connue@exemple.example")
    answers = []
    for email in ("connue@exemple.example", "inconnue@exemple.example"):
        page.get("people.sign_up")
        sent = page.submit({**NEW, "email": email}, follow=False)
        answers.append((sent.status, sent.location, page.follow(sent).words))
    assert answers[0] == answers[1]
    kinds = dict(db.session.execute(select(Letter.recipient, Letter.kind)).all())
    assert kinds == {"connue@exemple.example": "people_known", "inconnue@exemple.example": "people_confirm"}


@pytest.mark.parametrize(
    "password", ["", "onze signes", "é" * 129, "zoe@exemple.example", "Traboule2026", "motdepasse2026"]
)
def test_a_weak_password_confirms_nothing(page, app, password):
    page.get("people.sign_up")
    page.submit(NEW)
    page.get(link_in("people_confirm", "confirmation"))
    answer = page.submit({"password": password})
    assert answer.status == 422
    assert answer.tree.xpath("//*[@id='password'][@aria-invalid='true']")
    assert answer.tree.xpath("//input[@type='password']/@value") == [""]
    assert db.session.scalar(select(Account.confirmed_at)) is None


def test_asking_for_a_new_password_looks_the_same_for_an_unknown_address(page, make):
    make.account(email="connue@exemple.example")
    answers = []
    for email in ("connue@exemple.example", "inconnue@exemple.example"):
        page.get("people.forgot")
        sent = page.submit({"email": email}, follow=False)
        answers.append((sent.status, sent.location, page.follow(sent).words))
    assert answers[0] == answers[1]
    assert [letter.recipient for letter in db.session.scalars(select(Letter))] == ["connue@exemple.example"]


def test_a_forgotten_password_is_replaced_and_the_link_dies(page, app):
    with unit_of_work():
        actions.create_account(NEW["email"], NEW["name"], PASSWORD, confirmed=True, by=system("tests"))
    page.get("people.forgot")
    page.submit({"email": "ZOE@exemple.example "})
    link = link_in("people_reset", "nouveau-mot-de-passe")
    page.get(link)
    assert page.submit({"password": "court"}).status == 422
    answer = page.submit({"password": "trois autres mots longs"})
    assert "Votre nouveau mot de passe est enregistré" in answer.words
    answer = page.submit({"email": NEW["email"], "password": "trois autres mots longs"}, follow=False)
    assert answer.status == 302
    assert page.get(link).status == 410
    assert db.session.scalar(select(Letter.kind).order_by(Letter.created_at.desc())) == "people_password"


@pytest.mark.parametrize(
    "link",
    ["/confirmation/xyz", "/nouveau-mot-de-passe/xyz", "/confirmation/%F0%9F%98%80%01", "/nouveau-mot-de-passe/a.b.c"],
)
def test_a_damaged_link_says_so(page, app, link):
    answer = page.get(link)
    assert (answer.status, answer.title) == (410, "Ce lien ne fonctionne plus")
    assert page.post(link).status == 410


def test_an_old_link_says_so(page, make):
    account = make.account(email="zoe@exemple.example", confirmed=False)
    with unit_of_work():
        actions.ask_confirmation(account)
    link = link_in("people_confirm", "confirmation")
    with clock.fixed(clock.now() + timedelta(days=4)):
        assert page.get(link).status == 410


def test_a_link_is_not_weakened_by_a_changed_character(page, make):
    account = make.account(email="zoe@exemple.example", confirmed=False)
    with unit_of_work():
        actions.ask_confirmation(account)
    link = link_in("people_confirm", "confirmation")
    swapped = "A" if link[-10] != "A" else "B"
    assert page.get(link[:-10] + swapped + link[-9:]).status == 410
    assert page.get(link).status == 200


def test_the_confirmation_can_be_asked_again_until_it_is_done(page, make):
    account = make.account(confirmed=False)
    page.sign_in(account)
    page.get("people.account")
    page.submit(action="/mon-compte/confirmation")
    assert db.session.scalar(select(func.count()).select_from(Letter)) == 1
    page.get(link_in("people_confirm", "confirmation"))
    page.submit({"password": PASSWORD})
    page.sign_in(account)
    assert page.post("people.confirm_again").status == 409


def test_mails_are_not_a_weapon(page, app):
    statuses = []
    for _time in range(6):
        page.get("people.sign_up")
        statuses.append(page.submit(NEW, follow=False).status)
    assert statuses == [302] * 5 + [429]
    assert db.session.scalar(select(func.count()).select_from(Letter)) == 5


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"email": "zoe"}, "email"),
        ({"email": "zoe@exemple.example\r\nBcc: x@exemple.example"}, "email"),
        ({"email": "z" * 300 + "@exemple.example"}, "email"),
        ({"email": "zoé@exemple.example"}, "email"),
        ({"email": "٣@exemple.example"}, "email"),
        ({"email": ""}, "email"),
        ({"name": ""}, "name"),
        ({"name": "\x00\x01"}, "name"),
        ({"name": "é" * 121}, "name"),
        ({"name": "Gagnez sur http://exemple.example"}, "name"),
    ],
)
def test_what_is_wrong_is_said_on_its_field_and_nothing_is_written(page, app, changed, field):
    before = counted()
    page.get("people.sign_up")
    answer = page.submit({**NEW, **changed})
    assert answer.status == 422
    assert answer.tree.xpath(f"//*[@id='{field}'][@aria-invalid='true']")
    assert answer.tree.xpath("//*[@id='erreurs']//a[@href=$to]", to=f"#{field}")
    assert answer.tree.xpath("//title")[0].text_content().startswith("Erreur")
    assert counted() == before
    for name in {"name", "email"} - {field}:
        assert answer.tree.xpath(f"string(//*[@id='{name}']/@value)") == NEW[name]


def test_everything_wrong_is_said_at_once(page, app):
    page.get("people.sign_up")
    answer = page.submit({"name": "", "email": "zoe"})
    assert answer.tree.xpath("//*[@id='erreurs']//a/@href") == ["#name", "#email"]


def test_emoji_and_accents_in_a_name_are_kept(page, app):
    page.get("people.sign_up")
    page.submit({**NEW, "name": "  Zoe\u0301 🌻  N’Diaye\t "})
    assert db.session.scalar(select(Account.name)) == "Zoé 🌻 N’Diaye"


def test_a_script_in_a_name_is_text(page, make):
    account = make.account(name="x</title><script>alert(1)</script>")
    page.sign_in(account)
    answer = page.get("people.account")
    assert not answer.tree.xpath("//script[not(@src)]")


def test_more_fields_than_asked_change_nothing_more(page, make):
    account = make.account(confirmed=False)
    page.sign_in(account)
    page.get("people.account")
    page.post("people.account", data={
        "name": "Nouveau nom", "title": "Trésorière", "locale": "en", "active": "", "email": "autre@exemple.example",
        "confirmed_at": "2020-01-01", "password": "x", "fs_uniquifier": "x", "roles": "administrator",
    })  # fmt: skip
    db.session.expire_all()
    assert (account.name, account.title, account.locale) == ("Nouveau nom", "Trésorière", "en")
    assert (account.confirmed_at, account.active, account.password) == (None, True, None)
    assert account.email != "autre@exemple.example"
    assert account.sort_key == "NOUVEAU NOM"


def test_the_language_chosen_is_the_one_shown(page, make):
    page.sign_in(make.account())
    page.get("people.account")
    assert page.submit({"locale": "en"}).tree.get("lang") == "en"
    page.get("people.account")
    assert page.submit({"locale": "xx"}, follow=False).status == 422


def test_changing_the_password_wants_the_present_one(page, app):
    with unit_of_work():
        account = actions.create_account(NEW["email"], NEW["name"], PASSWORD, confirmed=True, by=system("tests"))
    page.sign_in(account)
    page.get("people.password")
    before = account.password
    answer = page.submit({"current": "pas celui-là du tout", "password": "trois autres mots longs"})
    assert answer.tree.xpath("//*[@id='current'][@aria-invalid='true']")
    answer = page.submit({"current": PASSWORD, "password": "court"})
    assert answer.tree.xpath("//*[@id='password'][@aria-invalid='true']")
    db.session.expire_all()
    assert account.password == before


def test_guessing_the_present_password_is_throttled(page, app):
    with unit_of_work():
        account = actions.create_account(NEW["email"], NEW["name"], PASSWORD, confirmed=True, by=system("tests"))
    page.sign_in(account)
    data = {"current": "pas celui-là du tout", "password": "trois autres mots longs"}
    statuses = [page.post("people.password", data=data).status for _time in range(11)]
    assert statuses == [422] * 10 + [429]


@pytest.mark.parametrize("endpoint", ["people.sign_in", "people.sign_up"])
def test_whoever_is_in_is_not_asked_again(page, make, endpoint):
    page.sign_in(make.account())
    assert page.get(endpoint).status == 302


@pytest.mark.parametrize(
    ("endpoint", "tokens"),
    [
        ("people.sign_in", ["username", "current-password"]),
        ("people.sign_up", ["name", "username"]),
        ("people.forgot", ["username"]),
    ],
)
def test_password_managers_are_told_what_is_what(page, app, endpoint, tokens):
    assert page.get(endpoint).tree.xpath("//main//input/@autocomplete") == tokens


def test_pages_of_an_account_are_not_kept_by_browsers(page, make):
    page.sign_in(make.account())
    assert page.get("people.account").response.headers["Cache-Control"] == "no-store"


def test_getting_writes_nothing(page, make):
    account = make.account(confirmed=False)
    with unit_of_work():
        actions.ask_confirmation(account)
        actions.ask_reset(account.email)
    links = [link_in("people_confirm", "confirmation"), link_in("people_reset", "nouveau-mot-de-passe")]
    page.sign_in(account)
    before, lines = counted(), db.session.scalar(select(func.count()).select_from(journal.Entry))
    for place in ("people.account", "people.sessions", "people.password", *links):
        assert page.get(place).status == 200
    assert counted() == before
    assert db.session.scalar(select(func.count()).select_from(journal.Entry)) == lines
