"""The logic of an application: what is missing, what must balance, how its euros are read, what is frozen."""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, TypeVar

from grants.applications.parts import PARTS
from grants.applications.parts.part import Content, Missing, Part
from grants.kernel.money import Money, percentage
from grants.kernel.pages import money, percent
from grants.kernel.search import search_key
from grants.kernel.words import LazyString, _, _l, in_words_of

Key = TypeVar("Key")


PART_TITLES: dict[str, LazyString] = {
    Part.PROJECT: PARTS[Part.PROJECT].title,
    Part.AXES: _l("Axes et actions"),
    Part.TERRITORY: _l("Territoire"),
    **{code: PARTS[code].title for code in (Part.PEOPLE, Part.CLIMATE, Part.PARTNERS, Part.CALENDAR, Part.INDICATORS)},
    Part.BUDGET: _l("Budget du projet"),
    Part.PIECES: _l("Pièces jointes"),
    Part.STATEMENTS: _l("Déclarations"),
}
QUESTIONS = "questions-"  # what precedes the code of a section of the call in the address of its page
BEFORE_QUESTIONS = tuple(part for part in Part if part not in {Part.PIECES, Part.STATEMENTS})
AFTER_QUESTIONS = (Part.PIECES, Part.STATEMENTS)


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


def _alive(pairs: dict[str, Any]) -> dict[str, Any]:
    read_pairs: dict[str, Any] = {}
    for key, value in pairs.items():
        if key.endswith("_cents"):
            read_pairs[key.removesuffix("_cents")] = None if value is None else Money(value)
        reader = {"_on": date.fromisoformat, "_at": datetime.fromisoformat}.get(key[-3:])
        read_pairs[key] = value if reader is None or value is None else reader(value)
    return read_pairs


def stamp_of(values: Any) -> str:
    """A short mark of a section as it was shown, so that a save over somebody else's work is noticed."""
    return digest(json.dumps(values, ensure_ascii=False, sort_keys=True, default=repr))[:20]


_PLACE = re.compile(r"\{([a-z_]+)\}")


def fill(text: str, values: Mapping[str, str]) -> str:
    """A text with its placeholders filled, once; an unknown one, or a brace somebody typed, stays as it is."""
    return _PLACE.sub(lambda match: values.get(match[1], match[0]), text)


# ---- budget --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Totals:
    """The four totals of a budget: what is paid on each side, and contributions in kind on each side."""

    charges: Money
    resources: Money
    in_kind_charges: Money
    in_kind_resources: Money

    @property
    def is_balanced(self) -> bool:
        """Whether both pairs of totals are equal."""
        return self.charges == self.resources and self.in_kind_charges == self.in_kind_resources


def is_in_kind(account: str) -> bool:
    """Whether an account is of the groups 86 and 87, counted apart."""
    return account.startswith(("86", "87"))


def totals(lines: Iterable[tuple[str, str, Money]]) -> Totals:
    """The totals of lines given as (side, account, amount)."""
    sums = dict.fromkeys(("charge", "resource", "in_kind_charge", "in_kind_resource"), Money(0))
    for side, account, amount in lines:
        sums[f"in_kind_{side}" if is_in_kind(account) else side] += amount
    return Totals(sums["charge"], sums["resource"], sums["in_kind_charge"], sums["in_kind_resource"])


def is_over_rate(requested: Money, resources: Money, max_rate: int | None) -> bool:
    """Whether the request is more than a whole percentage of the project's resources; None is no cap."""
    return max_rate is not None and requested.cents * 100 > resources.cents * max_rate


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
        *PARTS[Part.PROJECT].missing(content),
        *_missing_axes(content["axes"]),
        *_missing_territory(content),
        *(item for code, part in PARTS.items() if code != Part.PROJECT for item in part.missing(content)),
        *_missing_budget(content["project"], content["budget"]),
        *_missing_answers(content["sections"]),
        *_missing_statements(content["statements"]),
    ]


def _missing_axes(axes: Sequence[Content]) -> Iterable[Missing]:
    total = sum(axis["percent"] for axis in axes)
    if not axes:
        yield Missing(Part.AXES, "shares", _("Choisissez au moins un axe."))
    elif total != 100:
        yield Missing(Part.AXES, "shares", shares_gap(total))


def shares_gap(total: int) -> str:
    """How far the shares are from a hundred, in words."""
    if total < 100:
        return _("Les parts font %(total)s sur 100 : il manque %(gap)s.", total=total, gap=100 - total)
    return _("Les parts font %(total)s sur 100 : il y a %(gap)s de trop.", total=total, gap=total - 100)


def _missing_territory(content: Content) -> Iterable[Missing]:
    if not content["communes"]:
        yield Missing(Part.TERRITORY, "communes", _("Choisissez au moins une commune."))


def _missing_budget(project: Content, budget: Content) -> Iterable[Missing]:
    found = Totals(**{side: budget["totals"][side] for side in Totals.__dataclass_fields__})
    if not found.charges:
        yield Missing(Part.BUDGET, "lines", _("Remplissez le budget du projet."))
        return
    yield from (Missing(Part.BUDGET, "lines", message) for message in budget_gaps(found))
    instrument, requested = project["instrument"], project["requested"]
    if instrument is not None and requested is not None:
        message = rate_gap(requested, found.resources, instrument["max_rate"])
        if message is not None and requested <= found.resources:
            yield Missing(Part.BUDGET, "lines", message)
    if any(line["account"] == "74" and not line["label"] for line in budget["resources"]):
        yield Missing(Part.BUDGET, "lines", _("Nommez le financeur de chaque ligne du compte 74."))


def budget_gaps(found: Totals) -> list[str]:
    """What differs between the two sides, and by how much."""
    gaps = []
    gap = found.charges - found.resources
    if gap.cents > 0:
        gaps.append(_("Il manque %(gap)s de ressources : le total doit égaler celui des charges.", gap=money(gap)))
    elif gap.cents < 0:
        gaps.append(
            _("Les ressources dépassent les charges de %(gap)s : les deux totaux doivent être égaux.", gap=money(-gap))
        )
    gap = found.in_kind_charges - found.in_kind_resources
    if gap:
        message = _(
            "Contributions en nature : les comptes 86 et 87 diffèrent de %(gap)s.", gap=money(Money(abs(gap.cents)))
        )
        gaps.append(message)
    return gaps


def rate_gap(requested: Money, resources: Money, max_rate: int | None) -> str | None:
    """How far the request goes over the instrument's rate, or None when it does not."""
    if max_rate is None or not is_over_rate(requested, resources, max_rate):
        return None
    return _(
        "Le montant demandé dépasse %(rate)s des ressources du projet : %(over)s de trop.",
        rate=percent(max_rate),
        over=money(Money(requested.cents - resources.cents * max_rate // 100)),
    )


def _missing_answers(sections: Sequence[Content]) -> Iterable[Missing]:
    for section in sections:
        for question in section["questions"]:
            if question["required"] and question["asked"] and is_empty(question["value"]):
                message = _("Répondez à la question « %(question)s ».", question=in_words_of(question, "label"))
                yield Missing(f"{QUESTIONS}{section['code']}", question["code"], message)


def is_empty(value: Any) -> bool:
    """Whether a question has no answer; zero is one."""
    return value is None or value in ("", [])


def is_asked(condition: Mapping[str, str] | None, answers: Mapping[str, Any]) -> bool:
    """Whether a question is asked, given the answers by question code."""
    return condition is None or answers.get(condition["question"]) == condition["equals"]


def _missing_statements(statements: Sequence[Content]) -> Iterable[Missing]:
    for statement in statements:
        if statement["required"] and statement["choice"] is None:
            message = _("Il reste une déclaration à faire : %(title)s.", title=in_words_of(statement, "title"))
            yield Missing(Part.STATEMENTS, statement["code"], message)


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


def rate_of(content: Content) -> Any:
    """The request in percent of the project's resources, exact; None while one of the two is missing."""
    requested, resources = content["project"]["requested"], content["budget"]["totals"]["resources"]
    return percentage(requested, resources) if requested is not None and resources else None


def reference(fund: str, year: int, number: int) -> str:
    """The number people read: FIS-2019-0042."""
    return f"{fund}-{year}-{number:04d}"


def as_written(reference_text: str, digest_text: str) -> tuple[str, str]:
    """A number and a digest as they are kept, whatever spaces and capitals people copied with them."""
    return "".join(reference_text.split()).upper(), "".join(digest_text.split()).lower()


NAMES = ("name", "acronym", "siret", "rna")  # what an organisation's dossiers are found by


def addresses_of(content: Content) -> set[str]:
    """The e-mail addresses that a content gives as the applicant's own or its representative's, as they are kept."""
    applicant = content.get("organisation", {})
    return {applicant.get("email", ""), applicant.get("representative", {}).get("email", "")} - {""}


def search_key_of(reference: str, title: str, organisation: Any) -> str:
    """What a submitted application is found by: its reference, with and without hyphens, its title, whose it is."""
    names = (getattr(organisation, name) or "" for name in NAMES)
    return search_key(reference, reference.replace("-", ""), title, *names)
