"""What the dates and the rubric of a call say by themselves: its phase, and whether its weights add up."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol

from grants.kernel.machine import Text
from grants.kernel.money import Money
from grants.kernel.search import search_key
from grants.kernel.words import _l

WHOLE = 100
LONGEST_QUESTION = 1_000  # characters of a question about a call
LONGEST_ANSWER = 4_000  # characters of its answer
LONGEST_GRACE = 120  # minutes


class Phase(StrEnum):
    """Where a call stands at an instant. Read from its dates, never stored."""

    DRAFT = "draft"
    COMING = "coming"
    OPEN = "open"
    CLOSED = "closed"
    RESULTS = "results"


OVER = frozenset({Phase.CLOSED, Phase.RESULTS})
PHASE_LABELS = {
    Phase.DRAFT: _l("En préparation"),
    Phase.COMING: _l("À venir"),
    Phase.OPEN: _l("Ouvert"),
    Phase.CLOSED: _l("Clos, examen en cours"),
    Phase.RESULTS: _l("Résultats publiés"),
}
PHASE_TONES = {
    Phase.DRAFT: "neutral",
    Phase.COMING: "info",
    Phase.OPEN: "good",
    Phase.CLOSED: "warn",
    Phase.RESULTS: "neutral",
}


LEVEL_LABELS = (_l("Absent"), _l("Faible"), _l("Acceptable"), _l("Bon"), _l("Remarquable"))
KIND_LABELS = {
    "short": _l("Texte court"),
    "long": _l("Texte"),
    "choice": _l("Un choix"),
    "choices": _l("Plusieurs choix"),
    "number": _l("Nombre"),
    "money": _l("Montant en euros"),
    "date": _l("Date"),
    "communes": _l("Communes"),
    "file": _l("Fichier"),
}
STATEMENT_LABELS = {"tick": _l("Case à cocher"), "choice": _l("Un choix"), "money": _l("Montant en euros")}
PIECE_RULE_LABELS = {
    "always": _l("Toujours"),
    "no_rna": _l("Si l’association n’a pas de numéro RNA"),
    "first_or_changed": _l("À la première demande, ou en cas de changement"),
    "signatory_differs": _l("Si la personne qui signe n’est pas le représentant légal"),
    "subsidies_over_153000": _l("Au-delà de 153 000 € de subventions dans l’année"),
    "renewal": _l("En cas de renouvellement"),
    "optional": _l("Facultative"),
}
BLOCKS_SCREENING, BLOCKS_PAYMENT = "screening", "payment"
PIECE_BLOCKS_LABELS = {
    "nothing": _l("Aucune étape"),
    BLOCKS_SCREENING: _l("La décision de recevabilité"),
    BLOCKS_PAYMENT: _l("Le versement"),
}


class Dated(Protocol):
    """The facts a phase is read from: a call, or a row with the same columns."""

    @property
    def opens_at(self) -> datetime | None: ...

    @property
    def closes_at(self) -> datetime | None: ...

    @property
    def opened_at(self) -> datetime | None: ...

    @property
    def results_published_at(self) -> datetime | None: ...


def phase(call: Dated, at: datetime) -> Phase:
    """The phase at an instant; a submission at the closing instant itself is on time."""
    if call.opened_at is None or call.opens_at is None or call.closes_at is None:
        return Phase.DRAFT
    if at < call.opens_at:
        return Phase.COMING
    if at <= call.closes_at:
        return Phase.OPEN
    return Phase.CLOSED if call.results_published_at is None or at < call.results_published_at else Phase.RESULTS


def is_open(call: Dated, at: datetime) -> bool:
    """Whether a complete application received at the instant is on time."""
    return phase(call, at) is Phase.OPEN


class WithGrace(Dated, Protocol):
    """A call with its grace, in minutes."""

    @property
    def grace_minutes(self) -> int: ...


def end_of_grace(call: WithGrace) -> datetime | None:
    """The last instant of the grace that a call gives after its closing; None when it gives none."""
    if call.closes_at is None or not call.grace_minutes:
        return None
    return call.closes_at + timedelta(minutes=call.grace_minutes)


def last_instant(call: WithGrace, attempted_at: datetime | None) -> datetime | None:
    """The last instant at which an application may be submitted, None while no closing is set.

    It is the closing; the end of the grace for an application whose submission was attempted while the call was open.
    """
    if attempted_at is None or not is_open(call, attempted_at):
        return call.closes_at
    return end_of_grace(call) or call.closes_at


def ends_at(call: WithGrace, at: datetime, attempted_at: datetime | None) -> datetime | None:
    """When submitting ends, as people are told at an instant: the closing, then `last_instant`."""
    return last_instant(call, None if is_open(call, at) else attempted_at)


def takes(call: WithGrace, at: datetime, attempted_at: datetime | None) -> bool:
    """Whether a complete application received at the instant may be submitted: on time, or within the grace."""
    last = last_instant(call, attempted_at)
    return is_open(call, at) or (last is not None and phase(call, at) in OVER and at <= last)


class Weighted(Protocol):
    """Anything with a weight: a block, an item."""

    @property
    def weight(self) -> int: ...


def total_weight(things: Sequence[Weighted]) -> int:
    """The sum of the weights."""
    return sum(thing.weight for thing in things)


def why_not_dates(opens_at: datetime | None, closes_at: datetime | None) -> Text | None:
    """What is wrong with the dates of a call, or None."""
    if opens_at is None or closes_at is None:
        return _l("Donnez les deux dates : l’ouverture et la clôture.")
    if opens_at >= closes_at:
        return _l("La clôture doit venir après l’ouverture.")
    return None


def promised(
    rows: Iterable[tuple[Money, Money, bool]],
) -> Money:
    """What other calls hold of the fund: rows of (envelope, committed, whether its results are published).

    A call whose results are out holds what it committed; one still running holds its whole envelope.
    """
    return sum((committed if settled else envelope for envelope, committed, settled in rows), Money(0))


# ---- reserved parts --------------------------------------------------------------------------------------------------

FIRST_REQUEST, ECONOMIC_ACTIVITY, DE_MINIMIS_TOTAL = "first_request", "economic_activity", "de_minimis_total"
REPUBLICAN_COMMITMENT, AUTHORITY_TO_SIGN = "republican_commitment", "authority_to_sign"
CLIMATE, JUSTICE = "climate", "justice"


@dataclass(frozen=True)
class Reserved:
    """A part that every call has, because something else reads it by its code; and the choices that are read.

    `name` and `use` tell a manager what is missing and what reads it.
    """

    name: Text
    use: Text
    choices: frozenset[str] = frozenset()


_YES_OR_NO = frozenset({"yes", "no"})
_STATE_AID = _l("le contrôle des aides « de minimis » et les données ouvertes")
_ACROSS = _l("la figure qui place les dossiers entre climat et justice sociale")
RESERVED: Mapping[tuple[str, str], Reserved] = {
    ("question", FIRST_REQUEST): Reserved(
        _l("la question de la première demande"), _l("le choix des pièces à joindre"), _YES_OR_NO
    ),
    ("question", ECONOMIC_ACTIVITY): Reserved(_l("la question de l’activité économique"), _STATE_AID, _YES_OR_NO),
    ("question", DE_MINIMIS_TOTAL): Reserved(_l("la question du total des aides « de minimis »"), _STATE_AID),
    ("statement", REPUBLICAN_COMMITMENT): Reserved(
        _l("la déclaration du contrat d’engagement républicain"), _l("la condition vérifiée à la recevabilité")
    ),
    ("statement", AUTHORITY_TO_SIGN): Reserved(
        _l("la déclaration de la qualité du signataire"),
        _l("le pouvoir à joindre"),
        frozenset({"representative", "mandate"}),
    ),
    ("criterion_block", CLIMATE): Reserved(_l("le bloc du climat"), _ACROSS),
    ("criterion_block", JUSTICE): Reserved(_l("le bloc de la justice sociale"), _ACROSS),
}


def reserved_left_out(present: Collection[tuple[str, str]]) -> list[Reserved]:
    """The reserved parts that are not among those of a call, given as (table, code)."""
    return [part for key, part in RESERVED.items() if key not in present]


# ---- what is asked, by kind of support -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Asked:
    """What a call asks of an application to one of its instruments, by code; None while none is chosen: everything.

    `left_out` names pages of a dossier (`climat`), fields of pages (`publics.justice`) and what a table of a page has
    for each code, account or column (`publics.justice.pricing`) that are not asked.
    """

    instrument: str | None = None
    left_out: frozenset[str] = frozenset()

    def takes(self, instruments: Collection[str]) -> bool:
        """Whether a question is asked that is put to some instruments, by code; to all when it names none."""
        return not instruments or self.instrument is None or self.instrument in instruments

    def has(self, place: str) -> bool:
        """Whether a page, a field of a page, or a part of a field, is asked."""
        names = place.split(".")
        return not any(".".join(names[: number + 1]) in self.left_out for number in range(len(names)))


EVERYTHING = Asked()
# The conditions that what is typed tells, before anybody looks at the dossier.
TOLD_WHEN_TYPED = frozenset({
    "legal_form", "territory", "amount", "rate", "not_started", "commitment", "de_minimis", "axis_chosen",
    "budget_balanced",
})  # fmt: skip
QUESTION = "questions."  # what comes before the code of a question in the places where a criterion is judged
_DECISION = _l("la décision et l’attribution")
# What every dossier is asked, whatever the instrument: the pages and fields that other rules read.
RESERVED_PLACES: Mapping[str, Reserved] = {
    "projet": Reserved(_l("le projet en bref"), _DECISION),
    "axes.shares": Reserved(_l("les parts du projet par axe"), _l("la condition de l’axe choisi et le suivi par axe")),
    "territoire.communes": Reserved(_l("les communes du projet"), _l("la condition du territoire")),
    "budget.lines.74": Reserved(_l("le compte 74 du budget du projet"), _l("les conditions de l’équilibre et du taux")),
    "pieces": Reserved(_l("les pièces jointes"), _l("la recevabilité et le versement")),
    "declarations": Reserved(_l("les déclarations"), _l("la recevabilité")),
}


def reserved_in(places: Iterable[str]) -> list[Reserved]:
    """What must stay asked among pages and fields that would be left out, whole or in part."""
    named = list(places)
    return [
        reserved
        for code, reserved in RESERVED_PLACES.items()
        if any(f"{one}.".startswith(f"{code}.") or f"{code}.".startswith(f"{one}.") for one in named)
    ]


def asked_by_any(offers: Sequence[Asked]) -> Asked:
    """What is asked of an application to one instrument at least."""
    named = {place for asked in offers for place in asked.left_out}
    return Asked(left_out=frozenset(place for place in named if not any(asked.has(place) for asked in offers)))


def unjudged(
    criteria: Iterable[tuple[str, Collection[str], Sequence[Collection[str]]]], offers: Sequence[Asked]
) -> list[tuple[str, str]]:
    """The criteria that nothing lets judge for an instrument, each as (title, code of the instrument).

    A criterion is given as (title, the pages and fields where it is judged, the instruments of each of its questions).
    """
    return [
        (title, str(asked.instrument))
        for title, places, questions in criteria
        for asked in offers
        if not any(map(asked.has, places)) and not any(map(asked.takes, questions))
    ]


# ---- the checklist ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Check:
    """A line of the checklist before opening; `missing` is what remains to be done, None when it holds."""

    code: str
    label: Text
    missing: Text | None


def opening_checks(
    *,
    dates: Text | None,
    closes_later: bool,
    weight: int,
    uneven_blocks: Sequence[str],
    instruments: int,
    envelope: Money,
    left: Money,
    questions: int,
    statements: int,
    contact: bool,
    left_out: Sequence[Reserved],
    unjudged: Sequence[tuple[str, str]],
    strangers: Sequence[str],
) -> list[Check]:
    """What a call must satisfy before it opens; its texts and rules from memory are a matter of acknowledgement."""
    uneven = _l("À reprendre : %(blocks)s.", blocks=", ".join(uneven_blocks)) if uneven_blocks else None
    return [
        Check("dates", _l("Les dates sont dans l’ordre"), dates),
        Check(
            "closes_later",
            _l("La clôture est à venir"),
            None if closes_later else _l("La date de clôture est déjà passée."),
        ),
        Check(
            "weights",
            _l("Les poids des blocs font 100"),
            None if weight == WHOLE else _l("Ils font %(sum)s.", sum=weight),
        ),
        Check("items", _l("Dans chaque bloc, les poids des critères font le poids du bloc"), uneven),
        Check(
            "instruments",
            _l("Au moins une forme d’aide est proposée"),
            None if instruments else _l("Choisissez au moins une forme d’aide."),
        ),
        Check(
            "envelope",
            _l("L’enveloppe tient dans ce qui reste au fonds"),
            None if Money(0) < envelope <= left else _l("L’enveloppe est vide ou dépasse ce qui reste au fonds."),
        ),
        Check(
            "questions", _l("Des questions sont posées"), None if questions else _l("Ajoutez au moins une question.")
        ),
        Check(
            "statements",
            _l("Des déclarations sont demandées"),
            None if statements else _l("Ajoutez au moins une déclaration."),
        ),
        Check(
            "reserved",
            _l("Les parties dont d’autres règles dépendent sont là"),
            _l("Il manque %(names)s.", names=", ".join(str(part.name) for part in left_out)) if left_out else None,
        ),
        Check(
            "judged",
            _l("Chaque critère se juge sur une réponse, pour chaque forme d’aide"),
            _l(
                "Rien n’est demandé qui laisse juger %(names)s.",
                names=", ".join(f"« {title} » ({instrument})" for title, instrument in unjudged),
            )
            if unjudged
            else None,
        ),
        Check(
            "put_to",
            _l("Chaque question est posée pour une forme d’aide proposée au moins"),
            _l("N’est posée à personne : %(names)s.", names=", ".join(f"« {one} »" for one in strangers))
            if strangers
            else None,
        ),
        Check(
            "contact",
            _l("Le service à joindre est renseigné"),
            None if contact else _l("Renseignez l’adresse et le courriel du service à la page du fonds."),
        ),
    ]


def uneven_blocks(blocks: Iterable[tuple[str, int, Sequence[Weighted]]]) -> list[str]:
    """The titles of blocks, given as (title, weight, items), whose items do not add up to the weight of the block."""
    return [title for title, weight, items in blocks if total_weight(items) != weight]


def code_of(title: str, taken: Collection[str]) -> str:
    """A code for a new part, read from its title, that no other part of the call has."""
    words = search_key(title).encode("ascii", "ignore").decode().lower().replace(" ", "_")[:32].strip("_") or "x"
    if words not in taken:
        return words
    return next(f"{words}_{number}" for number in range(2, len(taken) + 3) if f"{words}_{number}" not in taken)


def choices_of(lines: Sequence[tuple[str, str]], before: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    """The choices of a question from (French, English) lines; a choice that was there keeps its code.

    A label that did not change keeps its code wherever it moved; one renamed in place keeps it too.
    """
    by_label = {row["label"]: row["code"] for row in before}
    known = {by_label[label] for label, _english in lines if label in by_label}
    choices: list[dict[str, str]] = []
    for index, (label, english) in enumerate(lines):
        code = by_label.get(label)
        if code is None and index < len(before) and before[index]["code"] not in known:
            code = before[index]["code"]
        if code is None:
            code = code_of(label, known | {row["code"] for row in choices} | {row["code"] for row in before})
        choices.append({"code": code, "label": label, "label_en": english})
    return choices


# ---- the two-minute check ------------------------------------------------------------------------------------------


class CheckVerdict(StrEnum):
    """What the answers say of one condition."""

    MET = "met"
    UNSURE = "unsure"
    UNMET = "unmet"


@dataclass(frozen=True)
class Bounds:
    """What a call offers in one instrument."""

    minimum: Money
    maximum: Money
    max_rate: int | None


def amount_verdict(amount: Money | None, bounds: Bounds | None) -> CheckVerdict:
    """Whether an amount fits the bounds; unsure while either is missing."""
    if amount is None or bounds is None:
        return CheckVerdict.UNSURE
    return CheckVerdict.MET if bounds.minimum <= amount <= bounds.maximum else CheckVerdict.UNMET


def rate_verdict(amount: Money | None, total: Money | None, bounds: Bounds | None) -> CheckVerdict:
    """Whether the share of the project's cost fits the highest rate; no rate is always met."""
    if bounds is not None and bounds.max_rate is None:
        return CheckVerdict.MET
    if amount is None or not total or bounds is None or bounds.max_rate is None:
        return CheckVerdict.UNSURE
    return CheckVerdict.MET if amount.cents * WHOLE <= total.cents * bounds.max_rate else CheckVerdict.UNMET


def overall(verdicts: Iterable[CheckVerdict]) -> CheckVerdict:
    """The whole answer: one condition unmet settles it, one unsure leaves it open."""
    found = set(verdicts)
    if CheckVerdict.UNMET in found:
        return CheckVerdict.UNMET
    return CheckVerdict.UNSURE if CheckVerdict.UNSURE in found else CheckVerdict.MET
