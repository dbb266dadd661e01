"""Access control: who may open a view, what is committed, and what a second press does."""

from contextvars import Context
from datetime import timedelta
from enum import StrEnum
from uuid import uuid4

import pytest
from flask import Flask, redirect, request
from flask_babel import Babel
from sqlalchemy import delete, func, select, update

from grants.kernel import access, clock, journal
from grants.kernel.access import AccessRule, Policy, RequestKey, check_views, public, repeatable, requires
from grants.kernel.actor import ANONYMOUS, Actor
from grants.kernel.db import db, unit_of_work
from grants.kernel.errors import AppError, ForbiddenError, InvalidError, RefusedError
from grants.people.models import Membership, Organisation

pytestmark = pytest.mark.neutral


class W(StrEnum):
    """The permissions of the small_app application."""

    READ = "thing:read"
    WRITE = "thing:write"
    OPEN = "thing:open"


NOBODY = AccessRule(lambda who, _: False, "no way")
ANYBODY = AccessRule(lambda who, _: True, for_all=True)
SIGNED = AccessRule(lambda who, _: who.is_authenticated, "sign in")
WRITER = AccessRule(lambda who, _: "writer" in who.roles, "writers only", "not for writers")
MAY = {W.READ: SIGNED, W.WRITE: WRITER, W.OPEN: ANYBODY}
KNOW = {Organisation: AccessRule(lambda who, thing: "stranger" not in who.roles)}
READER, WRITES, STRANGER = (
    Actor(id=uuid4(), name=name, roles=frozenset({name})) for name in ("reader", "writer", "stranger")
)


class SmallApp:
    """A small application with real access control on the test's database."""

    def __init__(self, app: Flask) -> None:
        self.who, self.runs = READER, 0
        self.flask = small_app = Flask("small_app")
        small_app.config.update(
            SECRET_KEY="k" * 40,
            SQLALCHEMY_DATABASE_URI=app.config["SQLALCHEMY_DATABASE_URI"],
            PROPAGATE_EXCEPTIONS=True,
        )
        db.init_app(small_app)
        Babel(small_app)
        access.install(small_app, Policy(MAY, KNOW), lambda: self.who, "sign_in")

        @small_app.errorhandler(AppError)
        def refused(error: AppError):
            return error.message, error.status

        @small_app.get("/in")
        @public
        def sign_in():
            return "in"

        @small_app.get("/things/<uuid:thing_id>/<int:page>")
        @requires(W.READ, Organisation)
        def read(thing, page):
            return f"{thing.name} {page}"

        @small_app.get("/open")
        @requires(W.OPEN)
        def opened():
            return "open"

        @small_app.get("/writes-on-get")
        @public
        def writes_on_get():
            db.session.execute(update(Organisation).values(city="GET"))
            return "never"

        @small_app.post("/things/<uuid:thing_id>/city")
        @requires(W.WRITE, Organisation)
        def write(thing):
            self.runs += 1
            thing.city = request.form["city"]
            journal.record("thing.written", thing, by=self.who)
            if request.form["city"] == "wrong":
                access.note_refusal("thing.refused", thing, reason="wrong")
                return "wrong", 422
            if request.form["city"] == "refused":
                access.note_refusal("thing.refused", thing, reason="refused")
                raise RefusedError("refused")
            if request.form["city"] == "forbidden":
                raise ForbiddenError("not you")
            if request.form["city"] == "taken":
                raise_taken(thing)
            return redirect(f"/done/{self.runs}")

        @small_app.post("/again")
        @public
        @repeatable
        def again():
            self.runs += 1
            return redirect(f"/done/{self.runs}")

        check_views(small_app, W)

    def ask(self, method, url, **values):
        db.session.rollback()
        client = self.flask.test_client()
        return Context().run(client.open, url, method=method, **values)

    def post(self, url, key="key", **values):
        return self.ask("POST", url, data={"_key": key, **values})


def raise_taken(thing):
    db.session.add(
        Organisation(**{c.key: getattr(thing, c.key) for c in Organisation.__table__.columns if c.key != "id"})
    )
    db.session.flush()


@pytest.fixture
def small_app(app):
    small = SmallApp(app)
    yield small
    with small.flask.app_context():
        db.session.remove()
        db.engine.dispose()


@pytest.fixture
def thing(make):
    return make.organisation(name="La chose")


def noted():
    lines = db.session.scalars(select(journal.Entry).order_by(journal.Entry.seq))
    return [line.event for line in lines if line.event.startswith(("thing", "access"))]


def city(thing):
    db.session.expire_all()
    return thing.city


# ---- who -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "who", "reason"),
    [
        (SIGNED, READER, None),
        (SIGNED, ANONYMOUS, "sign in"),
        (SIGNED & WRITER, WRITES, None),
        (SIGNED & WRITER, READER, "writers only"),
        (SIGNED & WRITER, ANONYMOUS, "sign in"),
        (WRITER | SIGNED, READER, None),
        (WRITER | NOBODY, READER, "writers only"),
        (~WRITER, WRITES, "not for writers"),
        (~WRITER, READER, None),
        (~~WRITER, READER, "writers only"),
        ((SIGNED & ~WRITER) | NOBODY, READER, None),
        (SIGNED & (WRITER | NOBODY) & ~NOBODY, READER, "writers only"),
    ],
)
def test_rules_combine_and_give_the_first_reason(rule, who, reason):
    assert rule.why_not(who, None) == reason
    assert rule.test(who, None) is (reason is None)


def test_the_view_receives_the_thing_and_then_the_rest_of_the_address(small_app, thing):
    assert small_app.ask("GET", f"/things/{thing.id}/7").text == "La chose 7"


def test_whoever_is_not_signed_in_is_led_there_and_back(small_app, thing):
    small_app.who = ANONYMOUS
    answer = small_app.ask("GET", f"/things/{thing.id}/7?x=1")
    assert answer.status_code == 302
    assert answer.location == f"/in?next=/things/{thing.id}/7?x%3D1"
    assert small_app.post(f"/things/{thing.id}/city", city="Bron").location == "/in"
    assert small_app.ask("GET", "/open").text == "open"


def test_unknown_and_not_to_be_known_are_the_same_bytes(small_app, thing):
    small_app.who = STRANGER
    hidden, missing = (small_app.ask("GET", f"/things/{key}/7") for key in (thing.id, uuid4()))
    assert (hidden.status_code, hidden.data) == (missing.status_code, missing.data) == (404, b"")
    assert noted() == ["access.unknown"]


def test_known_but_not_allowed_says_why_and_leaves_a_line(small_app, thing):
    answer = small_app.post(f"/things/{thing.id}/city", city="Bron")
    assert (answer.status_code, answer.text) == (403, "writers only")
    assert city(thing) == "Lyon"
    (line,) = journal.of(thing)
    assert (line.event, line.actor_id) == ("access.denied", READER.id)
    assert line.facts == {"endpoint": "write", "permission": "thing:write"}


def test_an_act_that_forbids_itself_leaves_a_line_as_a_denied_view_does(small_app, thing):
    small_app.who = WRITES
    answer = small_app.post(f"/things/{thing.id}/city", city="forbidden")
    assert (answer.status_code, answer.text) == (403, "not you")
    assert city(thing) == "Lyon"
    (line,) = journal.of(thing)
    assert (line.event, line.actor_id, line.facts) == ("access.denied", WRITES.id, {"endpoint": "write"})


# ---- what is committed ---------------------------------------------------------------------------------------------


def test_the_wrapper_commits_an_answer_below_400(small_app, thing):
    small_app.who = WRITES
    assert small_app.post(f"/things/{thing.id}/city", city="Bron").status_code == 302
    assert city(thing) == "Bron"
    assert noted() == ["thing.written"]


@pytest.mark.parametrize(("value", "status"), [("wrong", 422), ("refused", 409), ("taken", 409)])
def test_the_wrapper_undoes_everything_else_and_keeps_the_refusal(small_app, thing, value, status):
    small_app.who = WRITES
    answer = small_app.post(f"/things/{thing.id}/city", city=value)
    assert answer.status_code == status
    assert city(thing) == "Lyon"
    assert noted() == ([] if value == "taken" else ["thing.refused"])
    assert db.session.scalar(select(func.count()).select_from(RequestKey)) == 0


def test_a_broken_promise_is_told_in_its_words(small_app, thing):
    small_app.who = WRITES
    answer = small_app.post(f"/things/{thing.id}/city", city="taken")
    assert answer.text.startswith("Une organisation porte déjà ce numéro")


def test_reading_never_writes(small_app, thing):
    with pytest.raises(RuntimeError, match="must not write"):
        small_app.ask("GET", "/writes-on-get")
    assert city(thing) == "Lyon"


# ---- a second press ------------------------------------------------------------------------------------------------


def test_a_form_without_its_key_is_refused(small_app, thing):
    small_app.who = WRITES
    assert small_app.ask("POST", f"/things/{thing.id}/city", data={"city": "Bron"}).status_code == 422
    assert small_app.runs == 0


def test_a_second_press_gets_the_first_answer(small_app, thing):
    small_app.who = WRITES
    first, second = (small_app.post(f"/things/{thing.id}/city", city="Bron") for _press in range(2))
    assert first.location == second.location == "/done/1"
    assert small_app.runs == 1
    assert noted() == ["thing.written"]


def test_a_form_corrected_after_a_refusal_or_after_going_back_counts_anew(small_app, thing):
    small_app.who = WRITES
    assert small_app.post(f"/things/{thing.id}/city", city="wrong").status_code == 422
    assert small_app.post(f"/things/{thing.id}/city", city="Bron").location == "/done/2"
    assert small_app.post(f"/things/{thing.id}/city", city="Vaulx").location == "/done/3"
    assert small_app.post(f"/things/{thing.id}/city", city="Vaulx").location == "/done/3"
    assert city(thing) == "Vaulx"


def test_a_second_press_without_the_right_that_the_first_took_is_no_attempt(small_app, thing):
    small_app.who = WRITES
    small_app.post(f"/things/{thing.id}/city", city="Bron")
    small_app.who = Actor(id=WRITES.id, name="writer")
    assert small_app.post(f"/things/{thing.id}/city", city="Bron").location == "/done/1"
    assert noted() == ["thing.written"]
    assert small_app.post(f"/things/{thing.id}/city", city="Vaulx").status_code == 403
    assert noted() == ["thing.written", "access.denied"]


def test_a_second_press_on_what_the_first_one_hid_or_removed_gets_the_first_answer(small_app, thing):
    small_app.who = WRITES
    small_app.post(f"/things/{thing.id}/city", city="Bron")
    small_app.who = Actor(id=WRITES.id, name="writer", roles=frozenset({"stranger", "writer"}))
    assert small_app.post(f"/things/{thing.id}/city", city="Bron").location == "/done/1"
    assert small_app.post(f"/things/{thing.id}/city", "other", city="Bron").status_code == 404
    db.session.execute(delete(Membership).where(Membership.organisation_id == thing.id))
    db.session.execute(delete(Organisation).where(Organisation.id == thing.id))
    db.session.commit()
    assert small_app.post(f"/things/{thing.id}/city", city="Bron").location == "/done/1"


def test_the_key_of_another_person_or_page_opens_nothing(small_app, thing, make):
    small_app.who = WRITES
    small_app.post(f"/things/{thing.id}/city", city="Bron")
    other = make.organisation()
    assert small_app.post(f"/things/{other.id}/city", city="Bron").status_code == 409
    small_app.who = Actor(id=uuid4(), name="second", roles=frozenset({"writer"}))
    assert small_app.post(f"/things/{thing.id}/city", city="Bron").status_code == 409
    assert small_app.runs == 1


def test_a_repeatable_act_is_done_again_and_leaves_no_key(small_app):
    assert [small_app.post("/again").location for _press in range(2)] == ["/done/1", "/done/2"]
    assert db.session.scalar(select(RequestKey.key)) is None


def test_what_a_form_said_is_kept_as_nobody_could_guess_it(small_app, thing):
    small_app.who = WRITES
    small_app.post(f"/things/{thing.id}/city", city="Bron")
    first = db.session.scalar(select(RequestKey.body))
    small_app.flask.secret_key = "another secret key, for the same words"
    small_app.post(f"/things/{thing.id}/city", key="other", city="Bron")
    assert len({*db.session.scalars(select(RequestKey.body)), first}) == 2


# ---- a view without declared access stops the start ------------------------------------------------------------------


def app_with(view, may=MAY):
    small_app = Flask("small_app")
    access.install(small_app, Policy(may, KNOW), lambda: ANONYMOUS, "view")
    small_app.add_url_rule("/view", "view", view)
    return small_app


def test_a_view_without_declared_access_is_refused():
    with pytest.raises(RuntimeError, match="view declares no access"):
        check_views(app_with(lambda: "open"), W)


def test_a_view_with_an_unknown_permission_is_refused():
    with pytest.raises(RuntimeError, match="unknown permission"):
        check_views(app_with(requires("thing:burn")(lambda: "open")), W)


def test_a_word_without_a_rule_is_refused_and_so_is_a_rule_without_a_word():
    with pytest.raises(RuntimeError, match="thing:open"):
        check_views(app_with(public(lambda: "open"), {W.READ: SIGNED, W.WRITE: WRITER}), W)
    with pytest.raises(RuntimeError, match="thing:burn"):
        check_views(app_with(public(lambda: "open"), {**MAY, "thing:burn": SIGNED}), W)
    check_views(app_with(public(lambda: "open")), W)


@pytest.mark.parametrize("address", ["/in%00", "/in?q=%00", "/in?%00=1", "/in?next=/x%00"])
def test_no_address_holds_a_nul(small_app, address):
    assert small_app.ask("GET", address).status_code == 404
    assert small_app.post(address.replace("/in", "/again")).status_code == 404
    assert small_app.runs == 0


@pytest.mark.parametrize("key", ["", "\x00", "a\x00b", "é", "\n"])
def test_a_strange_key_is_refused(small_app, thing, key):
    small_app.who = WRITES
    assert small_app.post(f"/things/{thing.id}/city", key=key, city="Bron").status_code == 422
    assert small_app.runs == 0


def test_an_expired_form_says_that_nothing_was_saved(small_app, thing):
    small_app.who = WRITES
    assert "rien n’a été enregistré" in small_app.ask("POST", f"/things/{thing.id}/city", data={"city": "x"}).text
    assert InvalidError.status == 422


def test_keys_are_forgotten_after_a_month(small_app, thing):
    with unit_of_work() as session:
        for key, days in (("old", 31), ("recent", 29)):
            at = clock.now() - timedelta(days=days)
            session.add(RequestKey(key=key, actor_id=None, path="/", body="", location=None, at=at))
    with unit_of_work():
        assert access.forget_keys() == 1
    assert db.session.scalars(db.select(RequestKey.key)).all() == ["recent"]
