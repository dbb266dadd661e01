"""What somebody typed when their session was over: kept for them alone, found again, sent once."""

import io
from base64 import b64decode
from contextvars import Context
from dataclasses import replace
from datetime import timedelta

import pytest
from flask_security.utils import hash_password
from sqlalchemy import func, select, update

from grants.applications.lifecycle import ApplicationState as S
from grants.applications.models import ApplicationVersion
from grants.awards import queries as awards
from grants.awards.lifecycle import AwardState
from grants.calls.lifecycle import CallState
from grants.calls.models import Call
from grants.kernel import clock, stored_forms
from grants.kernel.db import db, unit_of_work
from grants.kernel.pages import instant
from grants.kernel.stored_forms import StoredForm
from grants.people import actions
from grants.people.models import Account, SignIn
from grants.people.rules import password_of
from grants.reviewing.lifecycle import AssignmentState
from tests.client import Page

pytestmark = pytest.mark.neutral(on="postgresql")

PASSWORD = "la-pluie-du-soir-sur-les-toits"
TEXT = "Des paliers frais pour les aînés.\nEt un banc."


@pytest.fixture(scope="module")
def password(shared_app):
    with shared_app.app_context():
        return hash_password(password_of(PASSWORD))


@pytest.fixture
def writer(make, password, page):
    """A person with a password, signed in."""
    person = make.account(password=password)
    page.sign_in(person)
    return person


@pytest.fixture
def draft(make, writer):
    return make.application(organisation=make.organisation(writer))


def lapses():
    """Every session was last seen too long ago."""
    with unit_of_work() as session:
        session.execute(update(SignIn).values(last_seen_at=clock.now() - timedelta(hours=2)))


def is_revoked():
    with unit_of_work() as session:
        session.execute(update(SignIn).values(ended_at=clock.now()))


def loses_its_cookie(page):
    with page.client.session_transaction() as cookie:
        cookie.clear()


def enter(page, account):
    """Come in by the form, as a person does."""
    assert page.last.url == "/connexion", page.last.url
    return page.submit({"email": account.email, "password": PASSWORD})


def stored_form():
    return db.session.scalar(select(func.count()).select_from(StoredForm))


def send_after(page, ending, **values):
    """Send the last page's form once its session has ended in one way."""
    {"lapsed": lapses, "revoked": is_revoked, "without cookie": lambda: loses_its_cookie(page)}[ending]()
    return page.submit(values)


# ---- the way back ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ending", ["lapsed", "revoked", "without cookie"])
def test_what_was_typed_is_sent_after_signing_in_and_then_destroyed(page, writer, draft, ending):
    page.get("applications.edit", draft, section="projet")
    answer = send_after(page, ending, summary=TEXT)
    assert "gardé une heure" in answer.words
    assert TEXT not in db.session.scalar(select(StoredForm.sealed))
    again = enter(page, writer)
    assert again.title == "Ce que vous aviez saisi est là"
    assert "Des paliers frais pour les aînés." in again.words
    saved = page.submit({}, action="/rediger/projet")
    assert (saved.status, "Enregistré" in saved.words) == (200, True)
    db.session.expire_all()
    assert (draft.summary, stored_form()) == (TEXT, 0)
    assert "gardé" not in page.get("applications.edit", draft, section="projet").words


def test_the_page_shows_what_was_written_and_no_code_of_ours(page, writer, draft):
    page.get("applications.edit", draft, section="budget")
    send_after(page, "lapsed", **{"rows-0-label": "Loyer du local"})
    enter(page, writer)
    (found,) = stored_forms.waiting(writer.id)
    assert "Loyer du local" in found.typed
    assert not {"64", "860", "OWN"} & set(found.typed)


def test_it_may_be_taken_up_again_on_its_own_page_instead(page, writer, draft):
    page.get("applications.edit", draft, section="projet")
    page.client.environ_base["HTTP_REFERER"] = f"http://localhost/dossiers/{draft.id}/rediger/projet"
    send_after(page, "lapsed", summary=TEXT)
    enter(page, writer)
    form = page.get("applications.edit", draft, section="projet").form()
    assert form.fields["summary"].strip() == TEXT
    page.submit({"title": "Repris"})
    db.session.expire_all()
    assert (draft.summary, draft.title, stored_form()) == (TEXT, "Repris", 0)


def test_another_account_reads_nothing_and_is_told_nothing(page, make, writer, draft, password):
    page.get("applications.edit", draft, section="projet")
    send_after(page, "lapsed", summary=TEXT)
    row = db.session.scalar(select(StoredForm.id))
    other = make.account(password=password)
    answer = enter(page, other)
    assert (answer.url, "gardé" in answer.words) == ("/mon-espace", False)
    assert page.get("people.stored_form", row).status == 404
    assert page.post(page.url("people.forget_stored_form", row)).status == 404
    stolen = page.post("applications.edit", draft, section="projet", data={"_held": str(row), "summary": "x"})
    assert (stolen.status, stored_form()) == (404, 1)
    assert stored_forms.opened(db.session.get(StoredForm, row), other.id) is None


def test_a_row_given_to_another_account_does_not_open(page, make, writer, draft):
    page.get("applications.edit", draft, section="projet")
    send_after(page, "lapsed", summary=TEXT)
    other = make.account()
    with unit_of_work() as session:
        session.execute(update(StoredForm).values(account_id=other.id))
    row = db.session.scalars(select(StoredForm)).one()
    assert page.get("people.stored_form", row.id, as_=other).status == 404


def test_it_is_kept_for_an_hour_and_purged(page, writer, draft):
    page.get("applications.edit", draft, section="projet")
    send_after(page, "lapsed", summary=TEXT)
    row = db.session.scalar(select(StoredForm.id))
    with clock.fixed(clock.now() + timedelta(minutes=61)):
        assert page.get("people.stored_form", row, as_=writer).status == 404
        with unit_of_work():
            assert stored_forms.purge() == 1
    assert stored_form() == 0


def test_it_is_thrown_away_at_a_wish(page, writer, draft):
    page.get("applications.edit", draft, section="projet")
    send_after(page, "lapsed", summary=TEXT)
    enter(page, writer)
    page.submit({}, action="/oublier")
    assert stored_form() == 0


# ---- every office ---------------------------------------------------------------------------------------------------


def test_the_marks_of_a_reviewer_are_kept(page, make, password):
    reviewer = make.account("reviewer", password=password)
    assignment = make.assignment(make.application(state=S.ELIGIBLE), reviewer, state=AssignmentState.OPEN)
    page.get("reviewing.review", assignment, as_=reviewer)
    send_after(page, "lapsed", committee_comment=TEXT)
    enter(page, reviewer)
    page.submit({}, action=f"/evaluations/{assignment.id}")
    db.session.expire_all()
    assert (assignment.committee_comment, stored_form()) == (TEXT, 0)


def test_the_words_of_a_manager_are_kept(page, make, password):
    manager = make.account("manager", password=password)
    text = page.get("programme.texts", as_=manager).tree.xpath("//main//a[contains(@href, '/textes/')]/@href")[0]
    page.get(text)
    send_after(page, "lapsed", body=TEXT)
    assert TEXT.splitlines()[0] in enter(page, manager).words


# ---- what is never kept, and bounds ---------------------------------------------------------------------------------


def test_passwords_are_never_kept(page, writer):
    page.get("people.password")
    send_after(page, "lapsed", current=PASSWORD, password="un-nouveau-mot-de-passe")
    assert stored_form() == 0
    enter(page, writer)
    page.get("people.password")
    assert page.submit({"current": "pas-celui-ci-du-tout", "password": "court"}).status == 422
    assert stored_form() == 0


def test_every_field_of_a_password_is_known_to_the_keeper(app, page, writer):
    names = set()
    for address in ("/connexion", "/mon-compte/mot-de-passe"):
        tree = (page.get(address) if "mon-" in address else Page(app).get(address)).tree
        names |= set(tree.xpath("//input[@type='password']/@name"))
    assert names == stored_forms.PASSWORDS


def test_files_are_named_as_lost(page, make, writer, draft):
    answer = page.get("applications.edit", draft, section="pieces")
    name = answer.tree.xpath("//input[@type='file']/@name")[0]
    lapses()
    page.submit({name: (io.BytesIO(b"%PDF-1.4 contents"), "statuts signés.pdf")})
    again = enter(page, writer)
    assert "statuts signés.pdf" in again.words
    assert "choisir de nouveau" in again.words
    (found,) = stored_forms.waiting(writer.id)
    assert not any("%PDF" in value for _name, value in found.fields)


def test_a_form_too_long_is_not_kept_and_the_page_says_so(page, writer, draft):
    page.get("applications.edit", draft, section="projet")
    answer = send_after(page, "lapsed", summary="x" * (stored_forms.LARGEST + 1))
    assert (stored_form(), "rien n’a été enregistré" in answer.words) == (0, True)


def test_only_so_many_forms_are_kept(page, writer, draft, monkeypatch):
    monkeypatch.setattr(stored_forms, "MOST", 2)
    page.get("applications.edit", draft, section="projet")
    form = page.last
    for number in range(4):
        page.last = form
        send_after(page, "lapsed", summary=f"essai numéro {number}")
    assert [found.values["summary"] for found in stored_forms.waiting(writer.id)].count("essai numéro 3") == 1
    assert stored_form() == 2


def test_only_so_many_forms_are_kept_in_an_hour(page, writer, draft, monkeypatch):
    monkeypatch.setattr(stored_forms, "BY_ACCOUNT", 1)
    page.get("applications.edit", draft, section="projet")
    form = page.last
    for number in range(3):
        page.last = form
        send_after(page, "lapsed", summary=f"essai numéro {number}")
    assert stored_form() == 1


@pytest.mark.parametrize("key", ["x" * 40, "A" * 59, "", "é"])
def test_a_key_that_is_not_ours_names_nobody(page, writer, draft, key):
    page.get("applications.edit", draft, section="projet")
    send_after(page, "lapsed", summary=TEXT, _key=key)
    assert stored_form() == 0


def test_a_key_names_its_account_for_a_day(app, writer):
    with app.test_request_context():
        key = stored_forms.form_key(writer.id)
        assert (stored_forms.key_owner(key), stored_forms.key_owner(stored_forms.form_key(None))) == (writer.id, None)
        with clock.fixed(clock.now() + timedelta(hours=25)):
            assert stored_forms.key_owner(key) is None


def resets(account):
    with unit_of_work():
        actions.reset_password(db.session.merge(account), "un-autre-soir-sans-pluie-ici")


def is_confirmed(account):
    """The holder of an address confirms it; somebody else had opened the account."""
    with unit_of_work():
        own = db.session.merge(account)
        own.confirmed_at = None
        actions.confirm(own, PASSWORD)


@pytest.mark.parametrize("change", [resets, is_confirmed])
@pytest.mark.parametrize("sender", ["nobody", "another", "its author"])
def test_a_page_opened_before_the_password_was_chosen_leaves_nothing(page, make, writer, change, sender):
    """A copy of such a page, in the hands of somebody else, plants no form that its account would find."""
    old = page.get("people.account")
    change(writer)
    loses_its_cookie(page)
    people = {"nobody": None, "another": make.account(), "its author": db.session.get(Account, writer.id)}
    page.sign_in(people[sender])
    page.last = old
    answer = page.submit({"name": "Écrit par quelqu’un"}, action="/mon-compte")
    assert (stored_form(), answer.status) == (0, {"nobody": 200, "another": 409, "its author": 400}[sender])
    page.sign_in(people["its author"])
    page.get("people.account")
    lapses()
    page.submit({"name": "Écrit par la personne"}, action="/mon-compte")
    assert [found.values["name"] for found in stored_forms.waiting(writer.id)] == ["Écrit par la personne"]


def test_the_page_says_where_the_form_comes_from_and_what_to_do(page, writer, draft):
    page.get("applications.edit", draft, section="projet")
    send_after(page, "lapsed", summary=TEXT)
    assert "effacez-le et changez votre mot de passe" in enter(page, writer).words


# ---- another account, another token ---------------------------------------------------------------------------------


def test_a_page_made_for_another_account_is_refused_and_kept_for_its_author(page, make, writer):
    old = page.get("people.account")
    other = make.account()
    page.sign_in(other)
    token = page.get("people.account").form("/mon-compte").fields["csrf_token"]
    page.last = old
    answer = page.submit({"name": "Écrit par la première", "csrf_token": token}, action="/mon-compte")
    assert (answer.status, "autre compte" in answer.words) == (409, True)
    db.session.expire_all()
    assert other.name != "Écrit par la première"
    assert [found.values["name"] for found in stored_forms.waiting(writer.id)] == ["Écrit par la première"]


def test_a_page_of_an_earlier_session_of_another_account_is_refused_in_words(page, make, writer):
    old = page.get("people.account")
    loses_its_cookie(page)
    page.sign_in(make.account())
    page.last = old
    answer = page.submit({"name": "Écrit par la première"}, action="/mon-compte")
    assert (answer.status, "autre compte" in answer.words) == (409, True)
    assert [found.values["name"] for found in stored_forms.waiting(writer.id)] == ["Écrit par la première"]


def test_a_page_of_an_earlier_session_is_confirmed_first(page, writer, draft):
    old = page.get("applications.edit", draft, section="projet")
    loses_its_cookie(page)
    page.sign_in(writer)
    page.last = old
    again = page.submit({"summary": TEXT})
    assert again.title == "Ce que vous aviez saisi est là"
    page.submit({}, action="/rediger/projet")
    db.session.expire_all()
    assert draft.summary == TEXT


# ---- at the closing -------------------------------------------------------------------------------------------------


@pytest.fixture
def closing(make, writer):
    """A complete draft whose call closes in half an hour."""
    call = make.call(closes_at=clock.now() + timedelta(minutes=30))
    return make.application(call=call, organisation=make.organisation(writer))


def sent_just_before(page, writer, application):
    """Press « Déposer » ten seconds before the closing with a lapsed session, and sign in after it."""
    arrival = application.call.closes_at - timedelta(seconds=10)
    page.get("applications.submit", application)
    lapses()
    with clock.fixed(arrival):
        page.submit({})
    return arrival


def test_a_submission_is_judged_by_when_it_arrived(page, writer, closing):
    arrival = sent_just_before(page, writer, closing)
    with clock.fixed(closing.call.closes_at + timedelta(minutes=5)):
        enter(page, writer)
        receipt = page.submit({}, action="/deposer")
    assert receipt.title.startswith("Reçu du dossier")
    db.session.expire_all()
    assert (closing.state, closing.submitted_at, stored_form()) == (S.SUBMITTED, arrival, 0)


def test_a_refused_submission_that_came_before_the_closing_is_an_attempt(page, writer, closing):
    with unit_of_work():
        closing.call.grace_minutes = 15
    page.get("applications.edit", closing, section="projet")
    page.submit({"summary": ""})
    arrival = sent_just_before(page, writer, closing)
    with clock.fixed(closing.call.closes_at + timedelta(minutes=5)):
        enter(page, writer)
        assert page.submit({}, action="/deposer").status == 422
        page.get("applications.edit", closing, section="projet")
        page.submit({"summary": "Complété dans le délai"})
        page.get("applications.submit", closing)
        receipt = page.submit({})
    assert receipt.title.startswith("Reçu du dossier")
    assert " ".join(instant(arrival).split()) in receipt.words


def test_a_dossier_changed_since_it_was_sent_is_not_submitted(page, writer, closing):
    sent_just_before(page, writer, closing)
    with clock.fixed(closing.call.closes_at + timedelta(minutes=5)):
        again = enter(page, writer)
        page.get("applications.edit", closing, section="projet")
        page.submit({"title": "Corrigé après la clôture"})
        page.last = again
        answer = page.submit({}, action="/deposer")
    db.session.expire_all()
    assert (answer.status, closing.state) == (409, S.DRAFT)


def test_a_version_written_after_the_closing_is_not_submitted_by_a_form_that_named_it_before(page, writer, closing):
    page.get("applications.submit", closing)
    lapses()
    with clock.fixed(closing.call.closes_at - timedelta(seconds=10)):
        page.submit({"seen": str(closing.version + 1)})
    with clock.fixed(closing.call.closes_at + timedelta(minutes=5)):
        again = enter(page, writer)
        page.get("applications.edit", closing, section="projet")
        page.submit({"title": "Écrit après la clôture"})
        page.last = again
        answer = page.submit({}, action="/deposer")
    db.session.expire_all()
    assert (answer.status, closing.state, closing.title) == (409, S.DRAFT, "Écrit après la clôture")


def test_a_file_of_the_organisation_changed_since_is_not_submitted(page, writer, closing):
    sent_just_before(page, writer, closing)
    with clock.fixed(closing.call.closes_at + timedelta(minutes=5)):
        again = enter(page, writer)
        page.get("people.organisation_edit", closing.organisation)
        page.submit({"purpose": "Un autre objet, écrit après la clôture"})
        page.last = again
        answer = page.submit({}, action="/deposer")
    db.session.expire_all()
    assert (answer.status, closing.state) == (409, S.DRAFT)


@pytest.mark.parametrize("done", [{"marks_frozen_at": clock.now()}, {"state": CallState.ARCHIVED}])
def test_a_submission_enters_no_call_whose_examination_is_over(page, writer, closing, done):
    sent_just_before(page, writer, closing)
    with clock.fixed(closing.call.closes_at + timedelta(minutes=50)):
        with unit_of_work() as session:
            session.execute(update(Call).values(done))
        enter(page, writer)
        answer = page.submit({}, action="/deposer")
    db.session.expire_all()
    assert (answer.status, closing.state) == (409, S.DRAFT)
    assert "ne peut plus y entrer" in answer.words


def test_other_words_are_not_those_that_arrived(page, writer, closing):
    sent_just_before(page, writer, closing)
    with clock.fixed(closing.call.closes_at + timedelta(minutes=5)):
        enter(page, writer)
        answer = page.submit({"seen": str(closing.version + 1)}, action="/deposer")
        db.session.expire_all()
        assert (answer.status, closing.state) == (409, S.DRAFT)
    assert db.session.scalar(select(func.count()).select_from(ApplicationVersion)) == 0


def test_a_submission_that_arrived_after_the_closing_is_late(page, writer, closing):
    page.get("applications.submit", closing)
    lapses()
    with clock.fixed(closing.call.closes_at + timedelta(seconds=1)):
        page.submit({})
        enter(page, writer)
        assert page.submit({}, action="/deposer").status == 409
    db.session.expire_all()
    assert closing.state is S.DRAFT


# ---- the keys of what browsers keep ----------------------------------------------------------------------------------

OPEN_PAGES = "0c8ad2f4-9d2c-4d39-8f0a-1c3f6f0a9d11", "5c1d3b86-6f0e-4a55-9d0c-0d5a5c3c7a11"


def key_of(page, open_page):
    return Context().run(page.client.get, f"/connexion/cle/{open_page}")


def test_a_key_is_given_to_its_own_account_alone_and_stored_nowhere(page, make):
    people, found = [make.account(), make.account("manager")], set()
    for person in people * 2:
        page.sign_in(person)
        for open_page in OPEN_PAGES:
            answer = key_of(page, open_page)
            told = answer.get_json()
            assert (answer.status_code, answer.headers["Cache-Control"], told["who"]) == (
                200,
                "no-store",
                str(person.id),
            )
            assert len(b64decode(told["key"], validate=True)) == 32
            found.add((person.id, open_page, told["key"]))
    assert len(found) == len({key for _person, _page, key in found}) == 4
    page.sign_in(None)
    answer = key_of(page, OPEN_PAGES[0])
    assert (answer.status_code, answer.is_json, "key" in answer.get_json()) == (401, True, False)


def test_a_key_outlives_the_session_and_the_password_it_was_first_given_under(page, make, writer):
    first = key_of(page, OPEN_PAGES[0]).get_json()["key"]
    with unit_of_work():
        actions.reset_password(db.session.get_one(Account, writer.id), "un-tout-autre-mot-de-passe")
    page.sign_in(writer)
    assert key_of(page, OPEN_PAGES[0]).get_json()["key"] == first


def test_a_key_ends_with_the_session_and_changes_with_the_key_of_the_installation(app, page, writer, monkeypatch):
    first = key_of(page, OPEN_PAGES[0]).get_json()["key"]
    is_revoked()
    assert key_of(page, OPEN_PAGES[0]).status_code == 401
    page.sign_in(writer)
    monkeypatch.setitem(
        app.config, "SETTINGS", replace(app.config["SETTINGS"], field_key="one more secret, as long as is asked")
    )
    assert key_of(page, OPEN_PAGES[0]).get_json()["key"] != first


# ---- how long a session lasts ---------------------------------------------------------------------------------------


def state_of(page):
    return Context().run(page.client.get, "/connexion/etat").get_json()


def test_a_session_says_how_long_it_lasts_and_asking_keeps_it_alive(app, page, make):
    manager = make.account("manager")
    started = clock.now()
    page.sign_in(manager)
    with clock.fixed(started + timedelta(minutes=29)):
        assert state_of(page) == {"left": 1800, "who": str(manager.id)}
    with clock.fixed(started + timedelta(minutes=58)):
        assert state_of(page)["left"] == 1800
    with clock.fixed(started + timedelta(minutes=89)):
        assert state_of(page) == {"left": 0, "who": ""}


def test_no_sign_of_life_goes_beyond_the_hard_limit(page, make):
    manager = make.account("manager")
    started = clock.now()
    page.sign_in(manager)
    with unit_of_work() as session:
        session.execute(update(SignIn).values(last_seen_at=started + timedelta(hours=9, minutes=45)))
    with clock.fixed(started + timedelta(hours=9, minutes=50)):
        assert 590 <= state_of(page)["left"] <= 600


# ---- refused: on going back, on loading again, at an address that only takes forms ----------------------------------


def test_going_back_after_a_refusal_finds_the_words_in_their_page(page, make):
    reviewer = make.account("reviewer")
    assignment = make.assignment(make.application(state=S.ELIGIBLE), reviewer, state=AssignmentState.OPEN)
    page.get("reviewing.review", assignment, as_=reviewer)
    page.client.environ_base["HTTP_REFERER"] = f"http://localhost/evaluations/{assignment.id}"
    page.last.form(f"/evaluations/{assignment.id}").set("action", f"/evaluations/{assignment.id}/envoyer")
    refused = page.submit({"committee_comment": TEXT}, action="/envoyer")
    assert refused.status == 422
    assert page.get(f"/evaluations/{assignment.id}/envoyer").location == f"/evaluations/{assignment.id}"
    back = page.get("reviewing.review", assignment)
    assert "n’a pas été enregistré" in back.words
    form = back.form(f"/evaluations/{assignment.id}")
    assert (form.fields["committee_comment"].strip(), form.get("data-unsaved")) == (TEXT, "")
    page.submit({}, action=f"/evaluations/{assignment.id}")
    assert stored_form() == 0
    assert "n’a pas été enregistré" not in page.get("reviewing.review", assignment).words


def test_a_refusal_is_not_found_by_somebody_else(page, make, writer, draft):
    page.get("applications.withdraw", draft)
    page.get("people.account")
    page.submit({"name": "www.exemple.fr"}, action="/mon-compte")
    assert "www.exemple.fr" in page.get("people.account").text
    other = make.account()
    page.sign_in(other)
    assert "www.exemple.fr" not in page.get("people.account").text


def test_a_fault_of_ours_loses_nothing_either(page, writer, monkeypatch):
    def breaks(*_args, **_values):
        raise LookupError("a fault")

    monkeypatch.setattr(actions, "change_account", breaks)
    page.get("people.account")
    assert page.submit({"name": "Un nom tout neuf"}, action="/mon-compte").status == 500
    assert "Un nom tout neuf" in page.get("people.account").text


def test_pages_saved_with_mistakes_do_not_drive_out_what_waits(page, make, monkeypatch):
    monkeypatch.setattr(stored_forms, "MOST", 1)
    reviewer = make.account("reviewer")
    page.sign_in(reviewer)
    for _assignment in range(2):
        assignment = make.assignment(make.application(state=S.ELIGIBLE), reviewer, state=AssignmentState.OPEN)
        page.get("reviewing.review", assignment)
        page.submit({"committee_comment": "x" * 50_000}, action=f"/evaluations/{assignment.id}")
    assert stored_form() == 2
    page.get("people.account")
    send_after(page, "lapsed", name=TEXT)
    assert stored_form() == 3


def test_a_conflict_fills_nothing_and_is_told_of(page, writer, draft):
    stale = page.get("applications.edit", draft, section="projet")
    page.submit({"summary": "Le texte enregistré."})
    page.last = stale
    assert page.submit({"summary": TEXT}).status == 409
    back = page.get("applications.edit", draft, section="projet")
    assert back.form("/rediger/projet").fields["summary"].strip() == "Le texte enregistré."
    (link,) = back.tree.xpath("//a[starts-with(@href, '/reprise/')]/@href")
    assert TEXT.splitlines()[0] in page.get(link).words


# ---- too large ---------------------------------------------------------------------------------------------------


@pytest.fixture
def small(app, monkeypatch):
    """A service that takes forms of 200 kB at most."""
    monkeypatch.setitem(app.config, "MAX_CONTENT_LENGTH", 200_000)


def test_the_words_beside_a_file_that_is_too_large_are_kept(page, make, small):
    award = make.award(state=AwardState.RUNNING)
    report = awards.report_of(award.id)
    page.get("awards.report", report, as_=make.member_of(award.organisation))
    page.client.environ_base["HTTP_REFERER"] = f"http://localhost/mes-bilans/{report.id}"
    answer = page.submit({"narrative": TEXT, "files": (io.BytesIO(b"x" * 300_000), "comptes.pdf")}, button="save")
    assert answer.status == 413
    assert "Mo au plus, et un envoi deux fois autant" in answer.words
    assert "est gardé une heure" in answer.words
    back = page.get("awards.report", report)
    assert back.form(f"/mes-bilans/{report.id}").fields["narrative"].strip() == TEXT
    assert "comptes.pdf" in back.words


def test_a_form_that_is_too_large_and_comes_too_late_is_kept_as_well(page, make, writer, small):
    draft = make.application(organisation=make.organisation(writer))
    page.get("applications.edit", draft, section="pieces")
    name = page.last.tree.xpath("//input[@type='file']/@name")[0]
    lapses()
    page.submit({name: (io.BytesIO(b"x" * 300_000), "énorme.pdf")})
    assert "énorme.pdf" in enter(page, writer).words


def test_the_limit_is_said_beside_every_file(page, make, writer):
    draft = make.application(organisation=make.organisation(writer))
    page.get("applications.edit", draft, section="pieces")
    for control in page.last.tree.xpath("//main//input[@type='file']"):
        assert "Mo au plus" in control.xpath("ancestor::*[contains(@class, 'field')]")[-1].text_content()
        assert control.getparent().get("data-largest") == str(page.app.config["SETTINGS"].max_upload)
