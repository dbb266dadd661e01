"""Text as people send it: what may be sent at all, and what is made of it, at a cost that follows its length."""

import unicodedata
from itertools import groupby

import pytest

from grants.kernel import bodies, text
from grants.kernel.forms import Form, LineField, LongField
from grants.people import actions, queries, rules
from tests.client import Page
from tests.factories import Make

pytestmark = pytest.mark.neutral

MARKS = "\u0301\u0316" * 5000  # in the order that makes sorting them slowest
HALFWIDTH = "\uff9e\uff9f" * 3000  # no marks, until they are decomposed
LIMIT = 4 * 4000


class Spy:
    """What was handed to Unicode's normalisation, by whatever code."""

    def __init__(self) -> None:
        self.longest, self.longest_run = 0, 0

    def normalize(self, form, value):
        """Note a text, then do the work."""
        runs = (len(list(run)) for is_mark, run in groupby(map(self._is_mark, value)) if is_mark)
        self.longest, self.longest_run = max(self.longest, len(value)), max(self.longest_run, *runs, 0)
        return NORMALIZE(form, value)

    def _is_mark(self, character):
        return unicodedata.combining(character) > 0 or character in "\uff9e\uff9f"


NORMALIZE = unicodedata.normalize


@pytest.fixture
def spy(monkeypatch: pytest.MonkeyPatch) -> Spy:
    watching = Spy()
    monkeypatch.setattr(unicodedata, "normalize", watching.normalize)
    return watching


# ---- nothing long is normalised ------------------------------------------------------------------------------------

VISITORS = ("people.sign_in", "people.sign_up", "people.forgot")
MEMBERS = ("people.account", "people.password", "people.organisation_new")
STAFF = ("/personnes", "/gestion/dossiers", "/attributions", "/gestion/journal")
SEARCHED = {"q": MARKS[:400], "mots": MARKS[:400], "personne": MARKS[:400], "after": MARKS[:10], "next": MARKS[:10]}


def fill(page: Page, endpoint: str, value: str) -> list[int]:
    """Send each field of the last form of a page full of a value; the statuses."""
    form = page.get(endpoint).form()
    names = [
        control.get("name")
        for control in form.xpath(".//input[not(@type='hidden' or @type='radio' or @type='submit')] | .//textarea")
    ]
    assert names
    return [page.post(endpoint, data={**dict.fromkeys(names, "x"), name: value}).status for name in names]


@pytest.mark.parametrize("value", [MARKS, HALFWIDTH, "e" + MARKS])
@pytest.mark.parametrize("endpoint", VISITORS)
def test_no_field_a_visitor_fills_is_normalised_before_it_is_measured(page, make: Make, spy, endpoint, value) -> None:
    make.account()
    assert set(fill(page, endpoint, value)) <= {422, 429}
    assert spy.longest <= 4 * rules.EMAIL_MAX
    assert spy.longest_run <= text.MARKS


@pytest.mark.parametrize("endpoint", MEMBERS)
def test_no_field_a_member_fills_is_normalised_before_it_is_measured(page, make: Make, spy, endpoint) -> None:
    page.sign_in(make.account())
    assert set(fill(page, endpoint, MARKS)) == {422}
    assert spy.longest <= LIMIT
    assert spy.longest_run <= text.MARKS


def test_neither_token_nor_search_hands_over_more_than_it_shows(page, make: Make, spy) -> None:
    page.sign_in(make.account("administrator"))
    for path in STAFF:
        assert page.client.get(path, query_string=SEARCHED).status_code in {200, 400, 403}
    assert spy.longest <= LIMIT
    assert spy.longest_run <= text.MARKS


@pytest.mark.parametrize("password", [MARKS, HALFWIDTH, "a" * 100_000 + "é"])
def test_a_password_is_measured_before_it_is_normalised(make: Make, spy, password) -> None:
    account = make.account()
    assert "au plus 128" in str(rules.why_not_password(password))
    with pytest.raises(actions.InvalidError):
        actions.authenticate(account.email, password)
    with pytest.raises(actions.InvalidError):
        actions.reset_password(account, password)
    assert spy.longest <= 4 * rules.PASSWORD_MAX
    assert spy.longest_run <= text.MARKS


def test_a_password_of_many_marks_is_that_password_only() -> None:
    written = "e\u0301" * 120
    assert rules.password_of(written) == "é" * 120
    assert rules.why_not_password("un e\u0301le\u0301phant rose") is None


@pytest.mark.parametrize("kind", [LineField, LongField])
def test_a_text_beyond_its_limit_is_refused_as_typed(app, spy, kind) -> None:
    class Written(Form):
        field = kind(limit=50)

    with app.test_request_context(method="POST", data={"field": "e" + MARKS}):
        form = Written(meta={"csrf": False})
        assert not form.validate()
        assert form.field.data == "e" + MARKS
        assert "50 caractères au plus" in str(form.field.errors)
    with app.test_request_context(method="POST", data={"field": " " * 5000 + "e\u0301" * 50 + "\0" * 5000}):
        form = Written(meta={"csrf": False})
        assert form.validate()
        assert form.field.data == "é" * 50
    assert spy.longest <= 200


def test_no_other_rule_sees_a_text_that_is_too_long(app) -> None:
    seen: list[str] = []

    class Written(Form):
        field = LineField(validators=[lambda _form, field: seen.append(field.data)], limit=50)

    for typed in ("a." * 4000, "court"):
        with app.test_request_context(method="POST", data={"field": typed}):
            Written(meta={"csrf": False}).validate()
    assert seen == ["court"]


def test_runs_of_marks_are_short_and_writing_is_whole() -> None:
    assert text.composed("a" + MARKS, "NFKD").count("\u0316") <= text.MARKS
    for written in ("Ọ̀yọ́ e\u0301 עִבְרִית བོད་སྐད", "Z" + "\u0300\u0301" * 10):
        assert text.composed(written) == NORMALIZE("NFC", written)


# ---- what a request may hold ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("endpoint", [*VISITORS, "people.sign_out", "desk.set_language"])
def test_a_body_larger_than_its_form_is_refused(page, endpoint) -> None:
    assert page.post(endpoint, data={"email": "x" * bodies.SMALL}).status == 413


def test_a_body_of_unknown_length_is_cut_off_while_it_is_read(app) -> None:
    class Endless:
        """A body that never ends, which counts what was taken of it."""

        taken = 0

        def read(self, size=-1):
            size = size if size > 0 else 1_000_000
            self.taken += size
            return b"x" * size

    body = Endless()
    answer = app.test_client().open(
        "/connexion",
        method="POST",
        content_type="application/x-www-form-urlencoded",
        headers={"Transfer-Encoding": "chunked"},
        environ_overrides={"wsgi.input": body, "wsgi.input_terminated": True},
    )
    assert answer.status_code == 413
    assert body.taken <= 2 * bodies.SMALL


def test_an_address_and_headers_have_their_bounds(app) -> None:
    client = app.test_client()
    assert client.get("/?q=" + "x" * bodies.ADDRESS).status_code == 414
    assert client.get("/", headers={"Accept-Language": "fr," * bodies.HEADERS}).status_code == 431


def test_only_the_pages_of_long_texts_and_of_files_take_more(app) -> None:
    views = {name: view for name, view in app.view_functions.items() if hasattr(view, "__body__")}
    assert {bodies.room_of(view) for view in views.values()} == {bodies.TEXTS}
    assert "applications.edit" in views
    assert not [name for name, view in views.items() if view.__access__.permission is None]


# ---- what comes from office documents ------------------------------------------------------------------------------


@pytest.mark.parametrize("end", ["\r\n", "\r", "\v", "\f", "\x85", "\u2028", "\u2029"])
def test_what_ends_a_line_elsewhere_ends_it_here(end) -> None:
    assert text.clean_text(f"un{end}deux") == "un\ndeux"
    assert text.clean_line(f"un{end}deux") == "un deux"


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("\uf0b7\taccueil", "•\taccueil"),
        ("\uf0a7 accueil", "• accueil"),
        ("\uf02d\u00a0accueil", "–\u00a0accueil"),
        ("un\n  \uf0e8 deux", "un\n  → deux"),
        ("un\n\uf046 deux", "un\n• deux"),
        ("10 \uf0b7 20", "10 • 20"),
        ("\uf0fc fait", "✓ fait"),
        ("logo \ue000", "logo \ue000"),
    ],
)
def test_the_bullets_of_symbol_fonts_are_bullets(typed, expected) -> None:
    assert text.clean_text(typed) == expected


# ---- addresses -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sign", ["\ufffe", "\uffff", "\x00", "\ud800"])
def test_what_no_workbook_may_hold_is_in_no_text(sign: str) -> None:
    assert text.clean_text(f"a{sign}b") == text.clean_line(f"a{sign}b") == "ab"


def test_attempts_at_an_address_are_counted_on_what_is_looked_up() -> None:
    typed = ["a@exemple.example", "A@Exemple.example", " a@exemple.example\x01", "a@exemple.example" + "\0" * 2000]
    assert len({actions.who_of(one) for one in typed}) == 1
    assert actions.who_of("b@exemple.example") != actions.who_of(typed[0])


def test_an_address_is_found_however_it_is_typed(make: Make) -> None:
    account = make.account(email=rules.email_of("contact@maison-des-aidés.fr"))
    for typed in (
        "contact@maison-des-aidés.fr",
        "Contact@Maison-des-Aide\u0301s.fr",
        account.email,
        account.email.upper(),
    ):
        assert queries.account_by_email(typed) == account
    assert queries.account_by_email("contact@") is None
