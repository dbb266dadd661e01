"""Numbers, amounts, days and hours as people type and paste them: what is read, what is refused and why."""

import json
from datetime import date, time
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from grants.kernel.days import parse_day, parse_hour
from grants.kernel.forms import (
    DayField,
    Form,
    HourField,
    LineField,
    LongField,
    MoneyField,
    Required,
    WholeField,
)
from grants.kernel.money import AmbiguousError, Money, parse_money, parse_whole
from grants.kernel.text import bare, compact

pytestmark = pytest.mark.neutral

TABLE = json.loads(Path(__file__).with_name("amounts.json").read_text(encoding="utf-8"))
SCRIPT = (Path(__file__).parents[2] / "static" / "js" / "amounts.js").read_text(encoding="utf-8")


def amount_of(text: str) -> int | None:
    try:
        return parse_money(text).cents
    except ValueError:
        return None


def whole_of(text: str) -> int | None:
    try:
        return parse_whole(text)
    except ValueError:
        return None


# ---- one reading of numbers ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("text", "cents"), TABLE["amounts"])
def test_an_amount_is_read_as_people_type_it_or_refused(text, cents) -> None:
    assert amount_of(text) == cents


@pytest.mark.parametrize(("text", "number"), TABLE["wholes"])
def test_a_whole_number_is_read_as_people_type_it_or_refused(text, number) -> None:
    assert whole_of(text) == number


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize(
    ("cents", "shown"), [(1_500_000, "15\u202f000"), (123_456_705, "1\u202f234\u202f567,05"), (99_900, "999"), (0, "0")]
)
def test_an_amount_kept_is_shown_as_pages_show_it_and_read_again(app, language, cents, shown) -> None:
    class Asked(Form):
        amount = MoneyField("Montant")

    with app.test_request_context(headers={"Cookie": f"language={language}"}):
        assert Asked(data={"amount": Money(cents)}).amount._value() == shown
    assert amount_of(shown) == cents
    assert [shown, cents] in TABLE["amounts"], "the script reads it too"


def test_the_script_reads_what_the_server_reads(browser: Browser) -> None:
    page = browser.new_page()
    read = "{ amounts: table.amounts.map(([text]) => cents(text)), wholes: table.wholes.map(([text]) => whole(text)) }"
    found = page.evaluate(f"(table) => {{ {SCRIPT.replace('export ', '')} return {read}; }}", TABLE)
    page.close()
    for kind, values in found.items():
        differing = [
            (text, expected, said)
            for (text, expected), said in zip(TABLE[kind], values, strict=True)
            if expected != said
        ]
        assert not differing


def test_an_ambiguous_amount_is_told_from_a_wrong_one(app) -> None:
    for text in ("12.500", "12,500", "1.234.567"):
        with pytest.raises(AmbiguousError):
            parse_money(text)
    assert "de deux façons" in refusal(app, MoneyField, "12.500")
    assert "Montant invalide" in refusal(app, MoneyField, "1e5")
    assert "sans centimes" in refusal(app, MoneyField, "12,50")
    assert refusal(app, MoneyField, "5 600,00 €") == ""


def test_a_code_that_is_right_comes_back_as_typed_when_another_field_is_refused(app) -> None:
    class Typed(Form):
        code = LineField(read=compact)
        amount = MoneyField()

    with app.test_request_context(method="POST", data={"code": "psst fr pp", "amount": "1e5"}):
        form = Typed(meta={"csrf": False})
        assert not form.validate()
        assert form.code.data == compact("psst fr pp") != "psst fr pp"
        assert form.code._value() == "psst fr pp"


@pytest.mark.parametrize("kind", [LineField, LongField, MoneyField, WholeField, DayField, HourField])
@pytest.mark.parametrize("blank", ["", " ", "\u00a0", "\u202f", "\t", "\n", "\u200b", "\u2060\u00a0", "\ufeff"])
def test_blanks_alone_do_not_fill_a_field_that_must_be_filled(app, kind, blank) -> None:
    assert refusal(app, kind, blank, rules=[Required()]) == "Remplissez ce champ."


def test_what_is_wrong_is_not_told_to_be_missing(app) -> None:
    assert "Remplissez" not in refusal(app, MoneyField, "1e5", rules=[Required()])
    assert "Remplissez" not in refusal(app, DayField, "demain", rules=[Required()])


def refusal(app, kind, text: str, language: str = "fr", rules=()) -> str:
    """What a field of a kind says of a text; empty when it takes it."""

    class Typed(Form):
        field = kind(validators=rules)

    with app.test_request_context(method="POST", data={"field": text}, headers={"Accept-Language": language}):
        form = Typed(meta={"csrf": False})
        form.validate()
        return " ".join(map(str, form.field.errors))


# ---- days and hours ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    ["2026-12-31", "31/12/2026", "31-12-2026", "31.12.2026", "31 12 2026", " 31/12/2026 ", "31/12/2026\u00a0",
     "\u200e31/12/2026", "31\u201112\u20112026", "2026-12-31\t"],
)  # fmt: skip
def test_a_day_is_read_in_the_order_people_write_it(app, text) -> None:
    assert parse_day(text) == date(2026, 12, 31)
    assert refusal(app, DayField, text) == ""


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("31/02/2026", "n’existe pas"),
        ("2026-02-30", "n’existe pas"),
        ("12/31/2026", "n’existe pas"),
        ("31/12/26", "quatre chiffres"),
        ("demain", "ne se lit pas"),
        ("31/12", "ne se lit pas"),
        ("31/12-2026", "ne se lit pas"),
        ("٣١/١٢/٢٠٢٦", "ne se lit pas"),
        ("1" * 100, "ne se lit pas"),
        ("01/01/1700", "hors des bornes"),
    ],
)
def test_a_day_is_refused_for_the_true_reason(app, text, word) -> None:
    assert word in refusal(app, DayField, text)


def test_a_day_that_was_read_is_shown_as_browsers_want_it(app) -> None:
    class Typed(Form):
        day, hour = DayField(), HourField()

    with app.test_request_context(method="POST", data={"day": "1/2/2026", "hour": "9h05"}):
        form = Typed(meta={"csrf": False})
        assert ('value="2026-02-01"' in str(form.day()), 'value="09:05"' in str(form.hour())) == (True, True)


@pytest.mark.parametrize("text", ["17:00", "17h00", "17 h 00", "17H", "17 h", " 17:00 ", "17:00:00", "\u200e17:00"])
def test_an_hour_is_read_as_people_write_it(text) -> None:
    assert parse_hour(text) == time(17)


@pytest.mark.parametrize("text", ["", "25:00", "17:60", "17", "17h0", "cinq heures", "1" * 100])
def test_what_is_no_hour_is_refused(text) -> None:
    with pytest.raises(ValueError, match=r"hour|minute"):
        parse_hour(text)


def test_the_reasons_are_said_in_english_too(app) -> None:
    assert "does not exist" in refusal(app, DayField, "31/02/2026", "en")


# ---- what is copied with a number ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("353\u00a0384 027\u202f00036", "35338402700036"),
        ("SIRET : 353 384 027 00036", "35338402700036"),
        ("N° SIRET\u00a0: 353.384.027.00036", "35338402700036"),
        ("siret35338402700036", "35338402700036"),
        ("\u200b353-384-027\u201100036\u200e", "35338402700036"),
        ("siretage", "SIRETAGE"),
    ],
)
def test_a_number_is_kept_without_what_was_copied_with_it(text, expected) -> None:
    assert compact(text, "n°", "siret") == expected


def test_a_bare_text_keeps_its_own_signs() -> None:
    assert bare("Tél. :  +33\u00a0(0)4\u201172 00\u200b", "tél") == "+33 (0)4-72 00"
