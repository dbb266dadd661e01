"""The logic of accounts and organisations: numbers that hold, passwords that resist, sessions that lapse."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise

from email_validator import EmailNotValidError, validate_email
from stdnum.exceptions import ValidationError
from stdnum.fr import siret

from grants.kernel.search import search_key
from grants.kernel.text import ROOM, bare, compact, composed
from grants.kernel.words import LazyString, _l

# ---- what may be tried how often -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Throttle:
    """How many attempts at an act are allowed within a time, by one account and by one network."""

    act: str
    by_account: int
    by_network: int
    window: timedelta


SIGN_IN = Throttle("sign_in", 10, 100, timedelta(minutes=15))
SIGN_UP = Throttle("sign_up", 5, 40, timedelta(hours=1))
RESET = Throttle("reset", 5, 40, timedelta(hours=1))
PASSWORD = Throttle("password", 10, 100, timedelta(minutes=15))
CONFIRMATION = Throttle("confirmation", 5, 40, timedelta(hours=1))
ADDRESS_CHECK = Throttle("address_check", 10, 40, timedelta(hours=1))
LOOK_UP = Throttle("look_up", 30, 120, timedelta(hours=1))
JOIN = Throttle("join", 10, 60, timedelta(days=1))
A_DAY = timedelta(days=1)
INVITATIONS_A_DAY = 10  # by one organisation, and by one person for all of theirs
INVITATIONS_TO_AN_ADDRESS_A_DAY = 3
ORGANISATIONS_A_DAY = 5
SESSIONS_RETENTION = timedelta(days=365)
INVITATION_LASTS = timedelta(days=14)
CONFIRMATION_LASTS = timedelta(days=3)
RESET_LASTS = timedelta(hours=1)

# ---- offices -------------------------------------------------------------------------------------------------------

INCOMPATIBLE = (
    ("finance", "authorising_officer"),  # who prepares a payment and who approves it
    ("manager", "authorising_officer"),  # who says that a payment is due and who approves it
    ("administrator", "finance"),  # who gives offices, and who moves money
    ("administrator", "authorising_officer"),
    *(("auditor", office) for office in ("reviewer", "manager", "finance", "authorising_officer", "administrator")),
)
"""Offices that one person may not hold together. Any others may be."""
GIVEN_BY_TWO = frozenset({"finance", "authorising_officer", "administrator"})
"""Offices that one administrator proposes and another one confirms."""
NEEDED = {"reviewer": 3, "manager": 1, "finance": 2, "authorising_officer": 1, "administrator": 2, "auditor": 0}
"""How many people a fund needs in each office: a payment passes finance twice (the account is checked by two people),
then an authorising officer who did neither; two administrators, since three offices are given by two."""


def incompatible(offices: Iterable[str]) -> tuple[str, str] | None:
    """Two of these offices that one person may not hold together, or None."""
    held = set(offices)
    return next((pair for pair in INCOMPATIBLE if held.issuperset(pair)), None)


# ---- sessions ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class SessionLimits:
    """How long a session lives without a sign of life, and at all (ASVS 5.0, 7.3.1 and 7.3.2)."""

    idle: timedelta
    absolute: timedelta


APPLICANT_SESSION = SessionLimits(timedelta(minutes=60), timedelta(hours=12))
STAFF_SESSION = SessionLimits(timedelta(minutes=30), timedelta(hours=10))
SEEN_EVERY = timedelta(minutes=5)


def has_lapsed(started_at: datetime, last_seen_at: datetime, at: datetime, *, is_staff: bool) -> bool:
    """Whether a session is over at an instant; whoever holds an office has the shorter one.

    After the clock went back, nobody can tell how long a session that was last seen far ahead has been left alone.
    """
    is_ahead = last_seen_at - at > _limits(is_staff=is_staff).idle
    return is_ahead or at > lapses_at(started_at, last_seen_at, is_staff=is_staff)


def lapses_at(started_at: datetime, last_seen_at: datetime, *, is_staff: bool) -> datetime:
    """The last instant of a session that gives no further sign of life."""
    limits = _limits(is_staff=is_staff)
    return min(last_seen_at + limits.idle, started_at + limits.absolute)


def _limits(*, is_staff: bool) -> SessionLimits:
    return STAFF_SESSION if is_staff else APPLICANT_SESSION


def is_to_be_noted(last_seen_at: datetime, at: datetime) -> bool:
    """Whether a session in use is to be noted as seen anew: every few minutes, and when the clock went back."""
    return abs(at - last_seen_at) >= SEEN_EVERY


_BROWSERS = (("Edg", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari"))
_SYSTEMS = (
    ("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad"), ("Windows", "Windows"), ("Mac OS", "macOS"),
    ("Linux", "Linux"),
)  # fmt: skip


def browser_of(user_agent: str) -> str:
    """What a browser says it is, in two words ("Firefox, Windows"), so that its owner recognises it."""
    found = [next((word for mark, word in table if mark in user_agent), "") for table in (_BROWSERS, _SYSTEMS)]
    return ", ".join(word for word in found if word)


# ---- addresses and names -------------------------------------------------------------------------------------------


EMAIL_MAX = 254  # RFC 5321, 4.5.3.1.3
_EMAIL_NAMES = ("adresse", "e-mail", "email", "courriel", "mail", "mél", "mailto")


def email_of(text: str) -> str:
    """An address as it is kept and looked up: lower case, plain ASCII. Raises ValueError when nobody could write to it.

    Names reserved for examples are accepted: the demonstration lives on them.
    """
    typed = bare(text, *_EMAIL_NAMES) if len(text) <= ROOM * EMAIL_MAX else text
    if len(typed) > EMAIL_MAX:
        raise ValueError("too long")
    try:
        found = validate_email(
            composed(typed), check_deliverability=False, allow_smtputf8=False, globally_deliverable=False
        )
    except EmailNotValidError as error:
        raise ValueError(str(error)) from error
    address = (found.ascii_email or "").lower()
    if "." not in address.partition("@")[2] or len(address) > EMAIL_MAX:
        raise ValueError("no such domain")
    return address


def address_part(word: str) -> str:
    """A word as it stands in the addresses that are kept, to look for it: domains have no accent there."""
    try:
        return email_of(word if "@" in word else f"x@{word}").removeprefix("" if "@" in word else "x@")
    except ValueError:
        return word.lower()


# A scheme, an address of the web or of a person, a tag. A sign alone is none: « L@ Ruche », « Moins < 25 ans ».
_LINK = re.compile(
    r"://|\b(?:https?|ftp|mailto|javascript|data|tel):\S|\bwww\.|[^\s./]\.[a-z]{2,}/\S"
    r"|[^\s@]@[^\s@]+\.[^\s@]|</[a-z]|<[a-z][^<>=]*=",
    re.IGNORECASE,
)


def holds_a_link(text: str) -> bool:
    """Whether a name tries to be a link: names are written in letters to other people."""
    return bool(_LINK.search(text))


# ---- passwords -----------------------------------------------------------------------------------------------------

PASSWORD_MIN, PASSWORD_MAX = 12, 128
_COMMON = frozenset({
    "motdepasse", "monmotdepasse", "motdepassesecret", "password", "passwordpassword", "mypassword", "letmein",
    "iloveyou", "jetaime", "jetaimefort", "azerty", "azertyuiop", "azertyazerty", "qwerty", "qwertyuiop",
    "qsdfghjklm", "wxcvbn", "bonjour", "bonjourbonjour", "soleil", "doudou", "chouchou", "loulou", "marseille",
    "olympiquelyonnais", "parisstgermain", "footballclub", "administrateur", "administrator", "admin", "changezmoi",
    "changeme", "changemoi", "bienvenue", "welcome", "welcomewelcome", "secret", "motsecret", "topsecret",
    "nepasoublier", "jesaispas", "nimportequoi", "association", "monassociation", "subvention", "subventions",
    "grandlyon", "metropole", "metropoledelyon", "lyonlyon", "villeurbanne", "princesse", "princess", "dragon",
    "superman", "starwars", "pokemon", "computer", "ordinateur", "internet", "facebook", "whatever", "trustno",
    "abcdefghijkl", "abcdefghijklm", "correcthorsebatterystaple",
})  # fmt: skip
_ROWS = (
    "01234567890123456789", "abcdefghijklmnopqrstuvwxyz", "azertyuiopqsdfghjklmwxcvbn", "qwertyuiopasdfghjklzxcvbnm",
)  # fmt: skip


def password_of(text: str) -> str:
    """A password as it is hashed: one form for what keyboards write in several (é, or e and an accent).

    What cannot come within PASSWORD_MAX characters is left as it is, for its length to be refused.
    """
    return composed(text, "NFKC") if len(text) <= ROOM * PASSWORD_MAX else text


def why_not_password(password: str, *, known: Iterable[str] = ()) -> LazyString | None:
    """None when a password may be used, else the reason. `known` are words an attacker would try first.

    Length and a short list, no rule about kinds of characters (ASVS 5.0, 6.2; recommendation of the CNIL of 2022).
    """
    text = password_of(password)
    if len(text) < PASSWORD_MIN:
        return _l(
            "Choisissez au moins %(least)s caractères : trois ou quatre mots sans lien entre eux conviennent bien.",
            least=PASSWORD_MIN,
        )
    if len(text) > PASSWORD_MAX:
        return _l("Choisissez au plus %(most)s caractères.", most=PASSWORD_MAX)
    bare = _bare(text)
    if bare in _COMMON or bare.strip("0123456789") in _COMMON or _is_monotonous(bare if len(bare) >= 6 else text):
        return _l("Ce mot de passe est l’un des premiers que l’on essaierait. Choisissez d’autres mots.")
    rest = bare
    for word in sorted({_bare(word) for word in known}, key=len, reverse=True):
        if len(word) >= 4:
            rest = rest.replace(word, "")
    if rest != bare and len(rest) < 6:
        return _l("Ce mot de passe reprend votre nom, votre adresse ou le nom du fonds. Choisissez d’autres mots.")
    return None


def words_of(*texts: str) -> list[str]:
    """The words of names and addresses, alone and run together, that a password may not consist of."""
    found: list[str] = []
    for text in texts:
        parts = re.split(r"[^0-9A-Za-zÀ-ÿœŒ]+", text)
        found += [*parts, "".join(parts)]
    return found


def _bare(text: str) -> str:
    return search_key(text).replace(" ", "").lower()


def _is_monotonous(text: str) -> bool:
    """One character or a short pattern again and again, or a walk along the alphabet or the keyboard."""
    if len(set(text)) <= 3:
        return True
    if any(text == (text[:period] * len(text))[: len(text)] for period in range(1, 5)):
        return True
    steps = sum(any(a + b in row or b + a in row for row in _ROWS) for a, b in pairwise(text))
    return steps >= len(text) - 2


# ---- numbers of organisations --------------------------------------------------------------------------------------

_RNA = re.compile(r"W\d[A-Z\d]\d{7}", re.ASCII)
_SPREADSHEET = re.compile(r"\d+E\+?\d+", re.ASCII)
_WITH_DECIMALS = re.compile(r"(\d{9,})[.,]0+", re.ASCII)
_NUMBER_NAMES = ("numéro", "n°", "nº", "no", "siret", "siren", "rna", "waldec")


def number_of(text: str) -> str:
    """A SIRET, SIREN or RNA number as it is kept, without what people, copies and spreadsheets put around it."""
    plain = bare(text, *_NUMBER_NAMES)
    from_a_sheet = _WITH_DECIMALS.fullmatch(plain)
    return compact(from_a_sheet[1] if from_a_sheet else plain)


def why_not_siret(number: str) -> LazyString | None:
    """None when a SIRET holds (length, key, La Poste's own rule), else the reason. Takes `number_of` a text."""
    if _SPREADSHEET.fullmatch(number):
        return _l("Un tableur a abîmé ce numéro. Recopiez les 14 chiffres depuis l’avis de situation de l’Insee.")
    if not (number.isascii() and number.isdigit()):
        return _l("Un numéro SIRET s’écrit avec 14 chiffres, sans lettre ni autre signe.")
    if len(number) == 9:
        return _l("C’est un numéro SIREN (9 chiffres). Ajoutez les 5 chiffres de l’établissement pour former le SIRET.")
    if len(number) != 14:
        return _l("Un numéro SIRET compte 14 chiffres ; celui-ci en compte %(found)s.", found=len(number))
    if number.endswith("00000"):
        return _l(
            "Ce numéro se termine par cinq zéros : un tableur l’a sans doute abîmé. "
            "Recopiez-le depuis l’avis de situation de l’Insee."
        )
    try:
        siret.validate(number)
    except ValidationError:
        return _l("La clé de ce numéro SIRET est fausse : un chiffre est erroné, ou deux chiffres sont inversés.")
    return None


def why_not_rna(number: str) -> LazyString | None:
    """None when an RNA number has its form, else the reason; the number carries no key.

    The pattern is the tolerant one, which overseas numbers such as W9C1000001 need. Takes `number_of` a text.
    """
    if _RNA.fullmatch(number):
        return None
    return _l("Un numéro RNA s’écrit avec la lettre W suivie de 9 chiffres, par exemple W691234567.")


def why_not_number(number: str) -> LazyString | None:
    """None when a number is a SIRET or an RNA number, else the reason. Takes `number_of` a text."""
    return why_not_rna(number) if is_rna(number) else why_not_siret(number)


def is_rna(number: str) -> bool:
    """Whether a number is meant as an RNA number: it begins with a W."""
    return number.startswith("W")


_POSTCODE_NAMES = ("code postal", "cp", "france", "fr", "f")
_PHONE_NAMES = ("téléphone", "telephone", "tél", "tel", "portable", "mobile", "fixe")
_SITE_NAMES = ("site internet", "site web", "site", "internet", "web", "url")
_PHONE = re.compile(r"[0-9+(). -]+")


def postcode_of(text: str) -> str:
    """A postcode as it is kept: its digits."""
    return compact(text, *_POSTCODE_NAMES)


def why_not_postcode(postcode: str) -> LazyString | None:
    """None when a postcode has five digits, else the reason. Takes `postcode_of` a text."""
    is_one = len(postcode) == 5 and postcode.isascii() and postcode.isdigit()
    return None if is_one else _l("Un code postal a cinq chiffres.")


def phone_of(text: str) -> str:
    """A telephone number as it is kept: grouped as it was typed, with plain spaces."""
    return " ".join(bare(text, *_PHONE_NAMES).replace("/", " ").split())


def why_not_phone(phone: str) -> LazyString | None:
    """None when a number can be dialled, else the reason. Takes `phone_of` a text."""
    if _PHONE.fullmatch(phone):
        return None
    return _l("Écrivez le numéro avec des chiffres, par exemple 04 72 00 00 00.")


def website_of(text: str) -> str:
    """A web address as it is kept: with its scheme, https where none was typed."""
    plain = bare(text, *_SITE_NAMES)
    return f"https://{plain}" if plain and "://" not in plain else plain


def why_not_website(address: str) -> LazyString | None:
    """None when an address may lead to a site (http or https, a host with a point), else the reason."""
    scheme, _sign, rest = address.partition("://")
    host, _colon, port = rest.partition("/")[0].partition(":")
    labels = host.split(".")
    is_host = len(labels) > 1 and all(labels) and labels[-1].isalpha() and "@" not in host
    if scheme.lower() in {"http", "https"} and is_host and (port.isdigit() or not port) and " " not in address:
        return None
    return _l("Écrivez l’adresse entière, par exemple https://exemple.fr.")


def spaced_siret(number: str) -> str:
    """A SIRET as people read it: 123 456 789 00012."""
    return str(siret.format(number, "\u00a0"))


def why_not_founded(day: date, today: date) -> LazyString | None:
    """None when an organisation may have been founded on a day, else the reason."""
    if day > today:
        return _l("Cette date est dans l’avenir. Écrivez la date de création de l’organisation.")
    return None


def sources_of(
    facts: Mapping[str, object], told: Mapping[str, str], read_on: date, today: date
) -> dict[str, dict[str, str]]:
    """Where each fact comes from: the public directory, when it is as `told` there on a day, else a member, today."""

    def source_of(name: str) -> dict[str, str]:
        is_told = bool(told.get(name)) and str(facts[name]) == told[name]
        return {"source": "directory", "on": read_on.isoformat()} if is_told else member_on(today)

    return {name: source_of(name) for name, value in facts.items() if value is not None and value != ""}


def member_on(day: date) -> dict[str, str]:
    """The source of a fact that a member typed on a day."""
    return {"source": "member", "on": day.isoformat()}


def told_by_fund(facts: Mapping[str, object], day: date) -> dict[str, dict[str, str]]:
    """The source of each fact that an agent typed from a paper on a day."""
    source = {"source": "fund", "on": day.isoformat()}
    return {name: source for name, value in facts.items() if value is not None and value != ""}


def days_in_directory(sources: Mapping[str, Mapping[str, str]] | None) -> dict[str, date]:
    """The day on which the public directory was read, by field, of the facts that come from it."""
    return {
        name: date.fromisoformat(source["on"])
        for name, source in (sources or {}).items()
        if source["source"] == "directory"
    }


# What is known of an organisation, by column.
FACT_LABELS: Mapping[str, LazyString] = {
    "name": _l("Nom"),
    "acronym": _l("Sigle"),
    "siret": _l("Numéro SIRET"),
    "rna": _l("Numéro RNA"),
    "legal_form": _l("Forme juridique"),
    "purpose": _l("Objet"),
    "address": _l("Adresse"),
    "postcode": _l("Code postal"),
    "city": _l("Commune"),
    "website": _l("Site internet"),
    "phone": _l("Téléphone"),
    "email": _l("Adresse électronique"),
    "founded_on": _l("Date de création"),
    "year_end_month": _l("Fin de l’exercice comptable"),
    "representative_name": _l("Représentant légal : nom"),
    "representative_role": _l("Représentant légal : fonction"),
    "representative_email": _l("Représentant légal : adresse électronique"),
}
