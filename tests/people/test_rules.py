"""Numbers, passwords, sessions and addresses: the logic without a database."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum import luhn

from grants.kernel.pages import safe_path
from grants.kernel.search import search_key
from grants.people import rules
from grants.people.models import Account

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    "text", ["73282932000074", "732 829 320 00074", "732\u00a0829\u00a0320\u202f00074", "732.829.320.00074"]
)
def test_a_siret_is_taken_with_the_spaces_people_write(text):
    assert rules.number_of(text) == "73282932000074"
    assert rules.why_not_siret(rules.number_of(text)) is None


def test_the_post_office_has_a_rule_of_its_own():
    assert not luhn.is_valid("35600000009075")
    assert rules.why_not_siret("35600000009075") is None
    assert rules.why_not_siret("35600000000048") is None
    assert rules.why_not_siret("35600000009076") is not None


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("73282932000079", "clé"),
        ("73282932000000", "tableur"),
        ("7,32829E+13", "tableur"),
        ("732829320", "SIREN"),
        ("7328293200007", "13"),
        ("٧٣٢٨٢٩٣٢٠٠٠٠٧٤", "14 chiffres"),
        ("7328293200007A", "14 chiffres"),
        ("😀", "14 chiffres"),
    ],
)
def test_a_wrong_siret_is_refused_with_its_reason(shared_app, text, word):
    with shared_app.test_request_context():
        assert word in str(rules.why_not_siret(rules.number_of(text)))


@given(st.integers(min_value=10**7, max_value=10**8 - 1), st.integers(min_value=1, max_value=9999))
def test_one_wrong_digit_never_passes(siren, office):
    first = str(siren) + luhn.calc_check_digit(str(siren))
    number = f"{first}{office:04d}"
    number += luhn.calc_check_digit(number)
    if number.endswith("00000") or number.startswith("356000000"):
        return
    assert rules.why_not_siret(number) is None
    wrong = number[:5] + str((int(number[5]) + 1) % 10) + number[6:]
    assert rules.why_not_siret(wrong) is not None


@pytest.mark.parametrize("text", ["W691234567", "w69 1234567", "W9C1000001"])
def test_an_rna_number_is_taken(text):
    assert rules.why_not_rna(rules.number_of(text)) is None


@pytest.mark.parametrize("text", ["W69123456", "691234567", "W6912345678", "W٦٩١٢٣٤٥٦٧", "W69123456\n7X"])
def test_a_wrong_rna_number_is_refused(text):
    assert rules.why_not_rna(rules.number_of(text)) is not None


@pytest.mark.parametrize(
    "password",
    [
        "onze signes",
        "motdepasse2024!",
        "MotDePasse1234",
        "Changez-moi 2026",
        "aaaaaaaaaaaaaaaa",
        "azertyuiop12",
        "abcabcabcabc",
        "1234567890123",
        "camille.martin1",
        "FondsInnovationSociale",
        "traboule2026",
        "x" * 129,
    ],
)
def test_a_password_one_would_try_first_is_refused(password):
    known = rules.words_of("camille.martin@exemple.fr", "Camille Martin", "Fonds d’innovation sociale", "Traboule")
    assert rules.why_not_password(password, known=known) is not None


@pytest.mark.parametrize(
    "password",
    [
        "nuage vélo pistache",
        "Tr4boule et cascades",
        "pâte-à-modeler-verte",
        "Ж" * 3 + "лампа и облако",
        "x7" + "k9Qw!zR4tL",
    ],
)
def test_a_long_password_is_taken_whatever_it_is_made_of(password):
    assert rules.why_not_password(password, known=rules.words_of("camille.martin@exemple.fr", "Traboule")) is None


def test_a_password_is_the_same_on_every_keyboard():
    assert rules.password_of("e\u0301te\u0301") == rules.password_of("été")


@pytest.mark.parametrize(
    ("is_staff", "idle", "age", "over"),
    [
        (False, 59, 60, False), (False, 61, 70, True), (False, 1, 12 * 60, False), (False, 1, 12 * 60 + 1, True),
        (True, 29, 60, False), (True, 31, 60, True), (True, 1, 10 * 60, False), (True, 1, 10 * 60 + 1, True),
    ],
)  # fmt: skip
def test_a_session_lapses(is_staff, idle, age, over):
    started, seen = AT - timedelta(minutes=age), AT - timedelta(minutes=idle)
    assert rules.has_lapsed(started, seen, AT, is_staff=is_staff) is over


@pytest.mark.parametrize("target", ["/", "/bureau", "/appels/fis-2026?x=1#y", "/%2f%2fevil.example"])
def test_a_place_on_this_site_is_followed(target):
    assert safe_path(target) == target


@pytest.mark.parametrize(
    "target",
    [
        None, "", "//evil.example", "/\\evil.example", "/\t/evil.example", "/\n/evil.example", "https://evil.example",
        "https:evil.example", "javascript:alert(1)", "evil.example", "\\\\evil.example", "/a\u00a0b", " /bureau",
        "/\x00", "/" + "a" * 900, "\u2028/evil",
    ],
)  # fmt: skip
def test_any_other_place_is_not(target):
    assert safe_path(target) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Camille@Exemple.FR", "camille@exemple.fr"),
        ("a@xn--caf-dma.fr", "a@xn--caf-dma.fr"),
        ("a@café.fr", "a@xn--caf-dma.fr"),
    ],
)
def test_an_address_is_kept_in_one_form(text, expected):
    assert rules.email_of(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a",
        "a@b",
        "é@exemple.fr",
        "a@exemple.fr\r\nBcc: b@exemple.fr",
        "a b@exemple.fr",
        "a@[127.0.0.1]",
        "a" * 250 + "@b.fr",
        "٣@b.fr",
        "a@b.fr\x00",
    ],
)
def test_an_address_nobody_could_write_to_is_refused(text):
    with pytest.raises(ValueError):
        rules.email_of(text)


@pytest.mark.parametrize(
    "name",
    ["Gagnez http://x.example", "www.x.example", "a@b.fr", "<b>Jo</b>", "Cliquez bit.ly/gagnez", "mailto:a@b.fr",
     "Jo <jo@x.example>", "HTTPS:x.example", "javascript:alert(1)", "<a href=x>Jo", "contact@maison-des-aidés.fr"],
)  # fmt: skip
def test_a_name_is_not_a_link(name):
    assert rules.holds_a_link(name)


@pytest.mark.parametrize(
    "name",
    ["Zoé N’Diaye-Lévêque & fils (SARL) 2.0", "L@ Ruche", "Asso < 25 ans", "C@fé des aidants", "<3 Solidaires",
     "Réseau <Les Voisins>", "Données\u00a0: pour tous", "A.D.E.S. / Lyon", "Moins de 25 ans > 2 jours"],
)  # fmt: skip
def test_a_name_is_not_refused_for_a_sign(name):
    assert not rules.holds_a_link(name)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("SIRET : 732 829 320 00074", "73282932000074"),
        ("N° SIRET\u00a0: 732.829.320.00074", "73282932000074"),
        ("73282932000074.0", "73282932000074"),
        ("73282932000074,00", "73282932000074"),
        ("\u200e732\u202f829\u2009320\u200b00074\u200f", "73282932000074"),
        ("732-829-320\u201100074", "73282932000074"),
        ("siren 732829320", "732829320"),
        ("RNA\u00a0: w69 123 4567", "W691234567"),
        ("n°rna W691234567", "W691234567"),
    ],
)
def test_a_number_is_kept_without_what_was_copied_with_it(text, number):
    assert rules.number_of(text) == number


@pytest.mark.parametrize("text", ["69 002", "69\u00a0002", "F-69002", "CP : 69002", "\u200b69002", "Code postal 69002"])
def test_a_postcode_is_kept_as_five_digits(text):
    assert rules.postcode_of(text) == "69002"
    assert rules.why_not_postcode("69002") is None


@pytest.mark.parametrize("text", ["6900", "690020", "٦٩٠٠٧", "2A004"])
def test_a_wrong_postcode_is_refused(text):
    assert rules.why_not_postcode(rules.postcode_of(text)) is not None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("04\u00a072\u202f00\u200900 00", "04 72 00 00 00"),
        ("Tél. : 04 72 00 00 00", "04 72 00 00 00"),
        ("+33\u00a0(0)4\u201172\u201100\u201100\u201100", "+33 (0)4-72-00-00-00"),
        ("04/72/00/00/00", "04 72 00 00 00"),
        ("\u202a04.72.00.00.00\u202c", "04.72.00.00.00"),
    ],
)
def test_a_telephone_number_is_kept_as_people_dial_it(text, expected):
    assert rules.phone_of(text) == expected
    assert rules.why_not_phone(expected) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("www.exemple.fr", "https://www.exemple.fr"),
        ("exemple.fr/nous", "https://exemple.fr/nous"),
        ("http://exemple.fr", "http://exemple.fr"),
        ("Site : https://exemple.fr\u200b", "https://exemple.fr"),
        ("maison-des-aidés.fr", "https://maison-des-aidés.fr"),
        ("HTTPS://exemple.fr:8443/a?b=c", "HTTPS://exemple.fr:8443/a?b=c"),
        ("", ""),
    ],
)
def test_a_web_address_is_kept_with_its_scheme(text, expected):
    assert rules.website_of(text) == expected
    assert not expected or rules.why_not_website(expected) is None


@pytest.mark.parametrize(
    "text",
    ["javascript:alert(1)", "ftp://exemple.fr", "exemple", "https://exemple", "https://a..fr",
     "https://exemple.fr autre", "https://a@exemple.fr", "https://exemple.fr:x", "a@exemple.fr", "a." * 4000, "https://127.0.0.1"],
)  # fmt: skip
def test_what_leads_to_no_site_is_refused(text):
    assert rules.why_not_website(rules.website_of(text)) is not None


@pytest.mark.parametrize(
    "text",
    ["contact@maison-des-aidés.fr", "Contact@Maison-Des-Aide\u0301s.fr", "E-mail : contact@maison-des-aidés.fr",
     "mailto:contact@maison-des-aidés.fr", "\u200bcontact@maison-des-aidés.fr\u00a0"],
)  # fmt: skip
def test_an_address_has_one_form_however_it_is_typed(text):
    assert rules.email_of(text) == rules.email_of("contact@maison-des-aidés.fr")
    assert rules.email_of(rules.email_of(text)) == rules.email_of(text)


def test_accents_do_not_change_the_order():
    assert sorted(["Zoé", "Élan", "Eau", "Œuvre", "Ouest"], key=search_key) == [
        "Eau",
        "Élan",
        "Œuvre",
        "Ouest",
        "Zoé",
    ]
    account = Account(name="Œ" * 200)
    assert account.sort_key == "OE" * 110


def test_a_browser_is_told_in_two_words():
    agent = (
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0 Safari/537.36"
    )
    assert rules.browser_of(agent) == "Chrome, Windows"
    assert rules.browser_of(agent + " Edg/156.0") == "Edge, Windows"
    assert rules.browser_of("curl") == ""


def test_nothing_is_founded_tomorrow():
    assert rules.why_not_founded(date(2026, 3, 3), date(2026, 3, 2)) is not None
    assert rules.why_not_founded(date(2026, 3, 2), date(2026, 3, 2)) is None
