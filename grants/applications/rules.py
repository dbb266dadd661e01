"""The logic of an application: what is missing, what must balance, how its euros are read, what is frozen."""

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from fractions import Fraction
from typing import Any, TypeVar, cast

from grants.applications.parts import PARTS
from grants.applications.parts.budget import Totals, budget_gaps, is_in_kind, is_over_rate, totals
from grants.applications.parts.fields import Content, JsonObject
from grants.applications.parts.part import Missing, Part
from grants.applications.parts.questions import QUESTIONS, is_asked, is_empty, missing_answers
from grants.kernel.money import Money, percentage
from grants.kernel.search import search_key
from grants.kernel.text import bare
from grants.kernel.words import LazyString

__all__ = [
    "QUESTIONS", "Missing", "Part", "Totals", "budget_gaps", "is_asked", "is_empty", "is_in_kind", "is_over_rate",
    "totals",
]  # fmt: skip

Key = TypeVar("Key")
Values = Mapping[str, Any]  # what a page says, by field: see `queries.section_values`
PART_TITLES: dict[str, LazyString] = {code: part.title for code, part in PARTS.items()}
AFTER_QUESTIONS = (Part.PIECES, Part.STATEMENTS)
BEFORE_QUESTIONS = tuple(part for part in Part if part not in AFTER_QUESTIONS)

# ---- frozen content ------------------------------------------------------------------------------------------------


def canonical(content: Content) -> str:
    """The one text of a content: keys sorted, no spaces, so that the same facts have the same digest."""
    return json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def digest(text: str) -> str:
    """SHA-256 of a text in UTF-8, in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


def read(text: str) -> Content:
    """A canonical text, its values alive: `x_cents` also read as `x` (Money), `…_on` as days, `…_at` as instants."""
    content: Content = json.loads(text, object_hook=_alive)
    return content


_READERS: dict[str, Callable[[str], date]] = {"_on": date.fromisoformat, "_at": datetime.fromisoformat}


def _alive(pairs: dict[str, object]) -> dict[str, object]:
    found: dict[str, object] = {}
    for key, value in pairs.items():
        if key.endswith("_cents"):
            found[key.removesuffix("_cents")] = Money(value) if isinstance(value, int) else None
        reader = _READERS.get(key[-3:])
        found[key] = reader(value) if reader is not None and isinstance(value, str) else value
    return found


# ---- versions of fields ----------------------------------------------------------------------------------------------

Path = tuple[str, ...]  # a field of a page, or one code of a field that holds one value for each


def version_of(value: object) -> str:
    """The version of a field: what it holds, shortened. The same words again are the same version."""
    return digest(json.dumps(value, ensure_ascii=False, sort_keys=True, default=repr))[:10]


def stamp_of(values: Values) -> str:
    """The versions of all fields of a page as it was shown, so that a save over somebody else's work is noticed."""
    return ".".join(version_of(value) for _path, value in sorted(fields_in(values).items()))


def merged(stored: Values, typed: Values, stamp: str) -> Values | None:
    """What a page of this stamp becomes of the values typed in it: its own changes, on what is stored now.

    A field that was not touched keeps what somebody else made of it meanwhile; None when both changed one field, and
    not to the same.
    """
    changed, now, shown = fields_in(typed), fields_in(stored), stamp.split(".")
    if stamp == stamp_of(stored):
        return typed
    if len(shown) != len(now) or changed.keys() != now.keys():
        return None if stamp_of(typed) != stamp_of(stored) else stored
    result = typed
    for path, version in zip(sorted(now), shown, strict=True):
        mine, theirs = version_of(changed[path]), version_of(now[path])
        if version not in {mine, theirs} and mine != theirs:
            return None
        if mine == version:
            result = with_field(result, path, now[path])
    return result


def version_in(stamp: str, values: Values, path: Path) -> str:
    """The version that a stamp tells of one field of a page; empty when it tells of another page."""
    shown, paths = stamp.split("."), sorted(fields_in(values))
    return shown[paths.index(path)] if len(shown) == len(paths) and path in paths else ""


def fields_in(values: Values) -> dict[Path, object]:
    """The fields of a page, each by its path: a field that holds one value for each code is told code by code."""
    found: dict[Path, object] = {}
    for name, value in values.items():
        if isinstance(value, dict):
            found |= {(name, key): one for key, one in value.items()}
        else:
            found[name,] = value
    return found


def with_version(stamp: str, values: Values, path: Path, version: str) -> str:
    """A stamp that tells another version of one field; the same stamp when it tells of another page."""
    shown, paths = stamp.split("."), sorted(fields_in(values))
    if len(shown) != len(paths):
        return stamp
    shown[paths.index(path)] = version
    return ".".join(shown)


def with_field(values: Values, path: Path, value: object) -> Values:
    """The same values, with another value at a path."""
    name, *code = path
    return {**values, name: {**values[name], code[0]: value} if code else value}


_PLACE = re.compile(r"\{([a-z_]+)\}")


def fill(text: str, values: Mapping[str, str]) -> str:
    """A text with its placeholders filled, once; an unknown one, or a brace somebody typed, stays as it is."""
    return _PLACE.sub(lambda match: values.get(match[1], match[0]), text)


# ---- how euros are read ----------------------------------------------------------------------------------------------


def allocate(amount: Money, weights: Sequence[tuple[Key, int]]) -> list[tuple[Key, int, Money]]:
    """Each key's part of an amount, by largest remainder: the parts add up to the amount, to the cent.

    A key told twice gets one part for both. Raises ValueError without a positive weight.
    """
    gathered: dict[Key, int] = {}
    for key, weight in weights:
        gathered[key] = gathered.get(key, 0) + weight
    parts = amount.share(list(gathered.values()))
    return [(key, weight, part) for (key, weight), part in zip(gathered.items(), parts, strict=True)]


def equally(keys: Iterable[Key]) -> list[tuple[Key | None, int]]:
    """The same weight for every key, or all to "not said" (None) when there is none."""
    found: list[tuple[Key | None, int]] = [(key, 1) for key in keys]
    return found or [(None, 1)]


# ---- what is missing -------------------------------------------------------------------------------------------------


def missing(content: Content) -> list[Missing]:
    """Everything that stops a draft from being submitted, page by page; takes what `queries.draft_content` gives.

    A missing document never appears here: it cannot stop a request (CRPA, art. L114-5-1), it is asked for afterwards.
    """
    return [
        *(item for code in BEFORE_QUESTIONS for item in PARTS[code].missing(content)),
        *missing_answers(content),
        *(item for code in AFTER_QUESTIONS for item in PARTS[code].missing(content)),
    ]


# ---- pieces --------------------------------------------------------------------------------------------------------


def is_expected(rule: str, *, has_rna: bool, first_request: str | None, authority: str | None) -> bool:
    """Whether a document is due with this application, from what the dossier says of itself.

    The threshold of public grants (`subsidies_over_153000`) cannot be told from the dossier: the applicant judges.
    """
    due = {
        "always": True,
        "no_rna": not has_rna,
        "first_or_changed": first_request != "no",
        "signatory_differs": authority == "mandate",
        "renewal": first_request == "no",
    }
    return due.get(rule, False)


# ---- words ---------------------------------------------------------------------------------------------------------


def rate_of(content: Content) -> Fraction | None:
    """The request in percent of the project's resources, exact; None while one of the two is missing."""
    requested: Money | None = content["project"]["requested"]
    resources: Money = content["budget"]["totals"]["resources"]
    return percentage(requested, resources) if requested is not None and resources else None


def reference(fund: str, year: int, number: int) -> str:
    """The number people read: FIS-2019-0042."""
    return f"{fund}-{year}-{number:04d}"


def reference_of(text: str) -> str:
    """The number of a dossier as it is kept, whatever spaces, dashes, capitals and words people copied with it."""
    return "".join(bare(text, "référence", "dossier", "numéro", "n°").split()).upper()


def as_written(reference_text: str, digest_text: str) -> tuple[str, str]:
    """A number and a digest as they are kept, whatever people copied with them."""
    return reference_of(reference_text), "".join(digest_text.split()).lower()


NAMES = ("name", "acronym", "siret", "rna")  # what an organisation's dossiers are found by


def addresses_of(content: Content) -> set[str]:
    """The e-mail addresses that a content gives as the applicant's own or its representative's, as they are kept."""
    applicant: JsonObject = content.get("organisation", {})
    representative = cast(JsonObject, applicant.get("representative", {}))
    return {str(one["email"]) for one in (applicant, representative) if one.get("email")}


def search_key_of(reference: str, title: str, organisation: object) -> str:
    """What a submitted application is found by: its reference, with and without hyphens, its title, whose it is."""
    names: list[str] = [getattr(organisation, name) or "" for name in NAMES]
    return search_key(reference, reference.replace("-", ""), title, *names)
