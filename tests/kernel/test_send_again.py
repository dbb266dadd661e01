"""A form that cannot be taken now (no database, too many attempts) stays in the page that says so."""

import io
from contextlib import contextmanager
from datetime import timedelta

import pytest
from flask_security.utils import hash_password
from sqlalchemy import event, func, select, text, update
from sqlalchemy.exc import OperationalError

from grants.applications.lifecycle import ApplicationState as S
from grants.kernel import clock, stored_forms
from grants.kernel.access import RequestKey
from grants.kernel.db import access_mode, db, unit_of_work
from grants.kernel.stored_forms import StoredForm
from grants.people import rules
from grants.people.models import Role, SignIn
from grants.people.rules import INVITATIONS_TO_AN_ADDRESS_A_DAY, JOIN, SIGN_UP, password_of
from grants.reviewing.lifecycle import AssignmentState
from tests.client import Page

PASSWORD = "la-pluie-du-soir-sur-les-toits"
TEXT = "Des paliers frais pour les aînés.\nEt un banc."


@contextmanager
def listening(name, hear):
    """Hear what the engine does for a while; its connections are forgotten afterwards."""
    db.session.rollback()
    event.listen(db.engine, name, hear)
    try:
        yield
    finally:
        event.remove(db.engine, name, hear)
        db.session.rollback()
        db.engine.dispose()


@contextmanager
def locked(dialect):
    """Somebody else holds what every writing needs, longer than these connections wait; reading goes on."""

    def impatient(connection, _record, _proxy):
        connection.execute("PRAGMA busy_timeout=20" if dialect == "sqlite" else "SET lock_timeout = '20ms'")

    tables = "LOCK TABLE request_key, held_form, attempt IN SHARE ROW EXCLUSIVE MODE"
    with listening("checkout", impatient), access_mode(writing=True), db.engine.connect() as other:
        other.execute(text("SELECT 1" if dialect == "sqlite" else tables))
        yield
        other.rollback()


@contextmanager
def away():
    """The database answers nothing at all."""

    def gone(*_statement):
        raise OperationalError("SELECT 1", {}, Exception("the server closed the connection"))

    with listening("before_cursor_execute", gone):
        yield


def again(answer):
    """The form that a page holds to be sent again."""
    forms = answer.tree.xpath("//main//form[@method='post']")
    (found,) = [form for form in forms if "Envoyer de nouveau" in form.text_content()]
    return found


def holds(answer, name):
    """The values a page would send again of a field."""
    return again(answer).xpath(".//input[@type='hidden'][@name=$name]/@value", name=name)


def resend(page, answer, **values):
    page.last = answer
    return page.submit(values, action=again(answer).get("action"))


def rows(kind):
    db.session.rollback()
    return db.session.scalar(select(func.count()).select_from(kind))


# ---- the database does not answer -----------------------------------------------------------------------------------


@pytest.mark.parametrize("role", [None, *Role])
def test_whoever_writes_sends_again_what_a_locked_database_did_not_take(page, make, dialect, role):
    person = make.account(*([role] if role else []))
    page.get("people.account", as_=person)
    with locked(dialect):
        refused = page.submit({"name": "Zoé Écrite-Une-Fois"}, action="/mon-compte")
    assert (refused.status, holds(refused, "name")) == (503, ["Zoé Écrite-Une-Fois"])
    assert refused.response.headers["Cache-Control"] == "no-store"
    assert (resend(page, refused).status, rows(RequestKey)) == (200, 1)
    assert "déjà fait" in resend(page, refused).words
    db.session.expire_all()
    assert (person.name, rows(RequestKey)) == ("Zoé Écrite-Une-Fois", 1)


def test_the_marks_of_a_reviewer_are_sent_again(page, make, dialect):
    reviewer = make.account("reviewer")
    assignment = make.assignment(make.application(state=S.ELIGIBLE), reviewer, state=AssignmentState.OPEN)
    page.get("reviewing.review", assignment, as_=reviewer)
    action = f"/evaluations/{assignment.id}"
    with locked(dialect):
        refused = page.submit({"committee_comment": TEXT}, action=action)
    resend(page, refused)
    db.session.expire_all()
    assert assignment.committee_comment == TEXT


def test_a_database_that_is_away_leaves_the_form_too(page, make):
    person = make.account()
    page.get("people.account", as_=person)
    with away():
        refused = page.submit({"name": "Écrit pendant la panne"}, action="/mon-compte")
    assert (refused.status, refused.title) == (503, "Le service est interrompu quelques minutes")
    assert resend(page, refused).status == 200
    db.session.expire_all()
    assert person.name == "Écrit pendant la panne"


def test_a_session_that_is_over_while_the_database_is_locked_loses_nothing(page, make, dialect):
    person = make.account(password=hash_password(password_of(PASSWORD)))
    page.get("people.account", as_=person)
    with unit_of_work() as session:
        session.execute(update(SignIn).values(last_seen_at=clock.now() - timedelta(hours=2)))
    with locked(dialect):
        refused = page.submit({"name": "Écrit après la fin"}, action="/mon-compte")
    assert (refused.status, holds(refused, "name")) == (503, ["Écrit après la fin"])
    assert "gardé une heure" in resend(page, refused).words
    assert "Écrit après la fin" in page.submit({"email": person.email, "password": PASSWORD}).words


def test_a_file_is_named_and_may_be_chosen_again(page, make, dialect):
    draft = make.application()
    page.get("applications.edit", draft, section="pieces", as_=make.member_of(draft.organisation))
    name = page.last.tree.xpath("//input[@type='file']/@name")[0]
    with locked(dialect):
        refused = page.submit({name: (io.BytesIO(b"%PDF-1.4 secret contents"), "statuts signés.pdf")})
    form = again(refused)
    assert form.get("enctype") == "multipart/form-data"
    assert form.xpath(".//input[@type='file']/@name") == [name]
    assert "statuts signés.pdf" in form.text_content()
    assert "secret contents" not in refused.text


def test_it_is_sent_to_the_whole_address_and_says_its_lines(page, make, dialect):
    person = make.account()
    page.get("people.organisation_new", as_=person, number="73282932000074", next="/appels")
    with locked(dialect):
        refused = page.submit({"purpose": "Un\x0bdeux\r\ntrois <b>&"}, action="/organisations/nouvelle")
    assert again(refused).get("action") == "/organisations/nouvelle?number=73282932000074&next=/appels"
    assert [value.replace("\r\n", "\n") for value in holds(refused, "purpose")] == ["Un\ndeux\ntrois <b>&"]


@pytest.fixture
def closing(make, page):
    """A complete draft whose call closes in half an hour, on its page for submitting."""
    call = make.call(closes_at=clock.now() + timedelta(minutes=30))
    application = make.application(call=call)
    page.get("applications.submit", application, as_=make.member_of(application.organisation))
    return application


def refused_just_before(page, dialect, application):
    """Press « Déposer » ten seconds before the closing, while the database is locked."""
    arrival = application.call.closes_at - timedelta(seconds=10)
    with clock.fixed(arrival), locked(dialect):
        refused = page.submit({})
    assert refused.status == 503
    return arrival, refused


def test_a_submission_that_the_database_did_not_take_is_judged_by_when_it_arrived(page, dialect, closing):
    arrival, refused = refused_just_before(page, dialect, closing)
    with clock.fixed(arrival + timedelta(minutes=5)), locked(dialect):
        once_more = resend(page, refused)
    with clock.fixed(arrival + timedelta(minutes=10)):
        receipt = resend(page, once_more)
    assert receipt.title.startswith("Reçu du dossier")
    db.session.expire_all()
    assert (closing.state, closing.submitted_at) == (S.SUBMITTED, arrival)


@pytest.mark.parametrize(
    "changed", [{"more": "x"}, {"_came": "1.x"}, {"_came": "é"}, {"_came": "²." + "0" * 64}], ids=str
)
def test_other_words_and_a_forged_proof_prove_nothing(page, dialect, closing, changed):
    arrival, refused = refused_just_before(page, dialect, closing)
    with clock.fixed(arrival + timedelta(minutes=5)):
        assert resend(page, refused, **changed).status == 409
    db.session.expire_all()
    assert closing.state is S.DRAFT


def test_a_proof_is_good_for_as_long_as_a_form_is_kept(page, dialect, closing, monkeypatch):
    arrival, refused = refused_just_before(page, dialect, closing)
    monkeypatch.setattr(stored_forms, "RETENTION", timedelta(minutes=4))
    with clock.fixed(arrival + timedelta(minutes=5)):
        assert resend(page, refused).status == 409


# ---- what is not given back -----------------------------------------------------------------------------------------


def test_no_password_is_written_in_the_page_and_it_is_asked_again(page, make):
    email = make.account(password=hash_password(password_of(PASSWORD))).email
    page.get("people.sign_in")
    with away():
        refused = page.submit({"email": email, "password": PASSWORD})
    assert (refused.status, holds(refused, "email")) == (503, [email])
    assert PASSWORD not in refused.text
    assert again(refused).xpath(".//input[@type='password']/@name") == ["password"]
    assert resend(page, refused, password=PASSWORD).url == "/mon-espace"


def test_a_form_made_for_another_account_is_not_given_back(page, make, dialect):
    old = page.get("people.account", as_=make.account())
    token = page.get("people.account", as_=make.account()).form("/mon-compte").fields["csrf_token"]
    page.last = old
    with locked(dialect):
        refused = page.submit({"name": "Écrit par la première", "csrf_token": token}, action="/mon-compte")
    assert (refused.status, "Écrit par la première" in refused.text) == (503, False)


def test_a_form_of_another_site_is_not_given_back(page, make):
    page.get("people.account", as_=make.account())
    with away():
        refused = page.submit({"name": "Écrit ailleurs", "csrf_token": "x", "_key": "x"}, action="/mon-compte")
    assert refused.status >= 400
    assert "Écrit ailleurs" not in refused.text


@pytest.mark.parametrize(
    "values", [{"name": "x" * 90_000}, {f"f{number}": "" for number in range(2_000)}], ids=["long", "many"]
)
def test_a_form_too_long_is_only_loaded_again(page, make, dialect, monkeypatch, values):
    monkeypatch.setattr(stored_forms, "LARGEST", 80_000)
    page.get("people.account", as_=make.account())
    with locked(dialect):
        refused = page.submit(values, action="/mon-compte")
    assert (refused.status, len(refused.text) < 80_000) == (503, True)
    assert "Recharger cette page renvoie ce que vous avez écrit" in refused.words
    assert "Envoyer de nouveau" not in refused.words


def test_a_page_that_is_only_read_holds_no_form(page, make):
    page.sign_in(make.account())
    with away():
        assert "Envoyer de nouveau" not in page.get("people.account").words


# ---- too many attempts ----------------------------------------------------------------------------------------------


def test_a_stranger_waits_then_sends_again(app):
    start = clock.now()
    typed = {"name": "Zoé Roy", "email": "zoe@exemple.example"}
    with clock.fixed(start):
        for _number in range(SIGN_UP.by_account + 1):
            visitor = Page(app)
            visitor.get("people.sign_up")
            refused = visitor.submit(typed, action="/inscription")
    assert (refused.status, refused.response.headers["Retry-After"]) == (429, str(60 * 60))
    assert (holds(refused, "name"), holds(refused, "email")) == (["Zoé Roy"], ["zoe@exemple.example"])
    assert "Réessayez dans 60 min." in refused.words
    with clock.fixed(start + timedelta(hours=1, minutes=1)):
        assert resend(visitor, refused).title == "Consultez votre messagerie"


def test_somebody_signed_in_finds_it_in_its_page_as_well(page, make):
    organisation = make.organisation()
    page.sign_in(make.member_of(organisation))
    page.client.environ_base["HTTP_REFERER"] = f"http://localhost/organisations/{organisation.id}/membres"
    for _number in range(INVITATIONS_TO_AN_ADDRESS_A_DAY + 1):
        page.get("people.members", organisation)
        refused = page.submit({"email": "encore@exemple.example"}, action="/membres")
    assert (refused.status, holds(refused, "email")) == (429, ["encore@exemple.example"])
    assert rows(StoredForm) == 1
    assert page.get("people.members", organisation).form("/membres").fields["email"] == "encore@exemple.example"


def test_what_is_refused_before_its_view_is_kept_as_well(page, make):
    page.sign_in(make.account())
    for number in range(JOIN.by_account + 1):
        key = page.get("people.account").form("/mon-compte").fields["_key"]
        refused = page.post("people.organisation_join", data={"number": f"80000000{number:06}", "_key": key})
    assert (refused.status, holds(refused, "number")) == (429, [f"80000000{JOIN.by_account:06}"])
    assert rows(StoredForm) == 1


def test_passwords_are_asked_again_and_kept_nowhere(page, make):
    page.sign_in(make.account(password=hash_password(password_of(PASSWORD))))
    page.get("people.password")
    for _number in range(rules.PASSWORD.by_account + 1):
        refused = page.submit({"current": "pas-celui-ci-du-tout", "password": "un-tout-autre-mot-de-passe"})
    assert (refused.status, rows(StoredForm)) == (429, 0)
    assert "pas-celui-ci" not in refused.text
    assert again(refused).xpath(".//input[@type='password']/@name") == ["current", "password"]
    assert "demandez-en un nouveau" in refused.words
