"""The public directory of organisations: asked by number, its answers kept for a time. It helps, and holds nobody up.

The one adapter speaks to the public interface "Recherche d'entreprises", at the address the operator gave. Units that
are not published, and natural persons, are as unknown: nothing of them is kept.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Protocol

from sqlalchemy import delete
from sqlalchemy.dialects import postgresql, sqlite

from grants.kernel import clock, outgoing
from grants.kernel.db import access_mode, db
from grants.kernel.outgoing import JsonObject
from grants.kernel.text import clean_line
from grants.people import rules
from grants.people.models import DirectoryEntry, LegalForm

FOUND_KEPT = timedelta(days=30)
UNKNOWN_KEPT = timedelta(days=1)
_LIMITS = {"name": 200, "acronym": 40, "address": 250, "city": 120}
_UNPUBLISHED = "[NON-DIFFUSIBLE]"


@dataclass(frozen=True)
class Found:
    """What a directory says of a number: values as forms take them, by field. `is_closed`: it ended its activity."""

    facts: Mapping[str, str]
    is_closed: bool


class Directory(Protocol):
    """Something that knows organisations by their number."""

    def find(self, number: str) -> Found | None:
        """What it says of a SIRET or RNA number, None when it knows none. Raises outgoing.UnavailableError."""


class RechercheEntreprises:
    """The public interface "Recherche d'entreprises" (open, no key; at most 7 questions a second from one address)."""

    def __init__(self, address: str, agent: str) -> None:
        self.service = outgoing.Service("recherche_entreprises", f"{address.rstrip('/')}/search", agent)

    def find(self, number: str) -> Found | None:
        """What it says of the one unit that carries a number. Raises outgoing.UnavailableError."""
        answer = outgoing.ask(self.service, {"q": number, "page": "1", "per_page": "5"})
        results = answer.get("results")
        if not isinstance(results, list):
            raise outgoing.UnavailableError("no results")
        places = (_place_of(unit, number) for unit in results if isinstance(unit, dict))
        return next((_found(unit, place) for unit, place in places if _is_told(unit, place)), None)


@dataclass(frozen=True)
class DirectoryAnswer:
    """What was kept of an answer, and the day of it. Without facts, the directory knew no such number."""

    facts: Mapping[str, str]
    is_closed: bool
    read_on: date


def entry_of(*numbers: str) -> DirectoryAnswer | None:
    """What is kept of the first of some numbers that was asked lately; None when none was, or no answer came."""
    for number in filter(None, numbers):
        row = db.session.get(DirectoryEntry, number)
        if row is not None and row.until > clock.now():
            return DirectoryAnswer(row.facts or {}, row.is_closed, clock.day_of(row.read_at))
    return None


def look_up(directory: Directory, number: str) -> None:
    """Ask a directory about a number unless its answer is kept, and keep what it says. No answer is no error.

    Raises RuntimeError when a transaction is open.
    """
    with access_mode(writing=False):
        is_kept = entry_of(number) is not None
        db.session.rollback()
    if is_kept:
        return
    try:
        found = directory.find(number)
    except outgoing.UnavailableError:
        return
    _keep(number, found, clock.now())


def forget_entries() -> int:
    """Forget answers whose time is over; returns how many."""
    gone = db.session.execute(delete(DirectoryEntry).where(DirectoryEntry.until < clock.now()))
    return int(gone.rowcount)  # type: ignore[attr-defined]


def _keep(number: str, found: Found | None, at: datetime) -> None:
    values = {
        "facts": dict(found.facts) if found else {},
        "is_closed": found is not None and found.is_closed,
        "read_at": at,
        "until": at + (FOUND_KEPT if found else UNKNOWN_KEPT),
    }
    with access_mode(writing=True), db.engine.begin() as connection:
        insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
        row = insert(DirectoryEntry).values(number=number, **values)
        connection.execute(row.on_conflict_do_update(index_elements=["number"], set_=values))


# ---- what an answer of "Recherche d'entreprises" says ----------------------------------------------------------------


def _place_of(unit: JsonObject, number: str) -> tuple[JsonObject, JsonObject | None]:
    """A unit with its establishment that carries a number; the head office for an RNA number."""
    head = _part(unit, "siege")
    if _text(_part(unit, "complements"), "identifiant_association") == number:
        return unit, head
    others = unit.get("matching_etablissements")
    listed = [head, *(others if isinstance(others, list) else [])]
    return unit, next((each for each in listed if isinstance(each, dict) and _text(each, "siret") == number), None)


def _is_told(unit: JsonObject, place: JsonObject | None) -> bool:
    """Whether it is the unit that was asked for, a legal person, and all of it is published."""
    if place is None or _text(unit, "nature_juridique").startswith("1"):
        return False
    statuses = {_text(unit, "statut_diffusion"), _text(place, "statut_diffusion_etablissement")}
    return statuses <= {"", "O"} and _UNPUBLISHED not in {_name(unit), _text(place, "adresse")}


def _found(unit: JsonObject, place: JsonObject | None) -> Found:
    place = place or {}
    postcode, city = _text(place, "code_postal"), _text(place, "libelle_commune")
    told = {
        "name": _name(unit),
        "acronym": _text(unit, "sigle"),
        "siret": _text(place, "siret"),
        "rna": _text(_part(unit, "complements"), "identifiant_association"),
        "legal_form": _legal_form(_text(unit, "nature_juridique")),
        "founded_on": _day(_text(unit, "date_creation")),
        "address": _street(_text(place, "adresse"), postcode, city),
        "postcode": postcode,
        "city": city,
    }
    is_closed = _text(unit, "etat_administratif") == "C" or _text(place, "etat_administratif") == "F"
    return Found({name: text for name, text in told.items() if text and _may_be_kept(name, text)}, is_closed)


def _may_be_kept(name: str, text: str) -> bool:
    """Whether a text could have been typed in its field: a directory is believed no more than a person."""
    checks = {"siret": rules.why_not_siret, "rna": rules.why_not_rna, "postcode": rules.why_not_postcode}
    if name in checks:
        return checks[name](text) is None
    return _UNPUBLISHED not in text and len(text) <= _LIMITS.get(name, 40) and not rules.holds_a_link(text)


def _part(whole: JsonObject, name: str) -> JsonObject:
    part = whole.get(name)
    return part if isinstance(part, dict) else {}


def _text(whole: JsonObject, name: str) -> str:
    text = whole.get(name)
    return (clean_line(text, 300) or "") if isinstance(text, str) else ""


def _name(unit: JsonObject) -> str:
    return _text(unit, "nom_raison_sociale") or _text(unit, "nom_complet")


def _street(address: str, postcode: str, city: str) -> str:
    """The number and street of an address that ends with its postcode and commune."""
    end = f"{postcode} {city}".strip()
    return address.removesuffix(end).strip() if end else address


def _day(text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        return ""


# The beginnings of codes of the nomenclature of legal categories (Insee), the longest first.
_FORMS = (
    ("93", LegalForm.FOUNDATION),
    ("92", LegalForm.ASSOCIATION),
    ("51", LegalForm.COOPERATIVE),
    ("7", LegalForm.PUBLIC_BODY),
    ("4", LegalForm.PUBLIC_BODY),
)


def _legal_form(code: str) -> str:
    return next((form.value for start, form in _FORMS if code.startswith(start)), "")
