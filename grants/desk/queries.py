"""Questions across all chapters: the list of dossiers, what waits for each role, and everything about one dossier."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Any, Protocol, cast
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Row, Select, and_, bindparam, func, or_, select, union
from sqlalchemy.orm import InstrumentedAttribute, joinedload

from grants.appeals import queries as appeals
from grants.appeals.models import Appeal
from grants.applications import queries as applications
from grants.applications.lifecycle import LIFECYCLE, SUBMITTED_STATES, UNDER_WAY, ApplicationState
from grants.applications.models import Application, AxisShare, application_commune
from grants.awards import queries as awards
from grants.awards.lifecycle import ReportState
from grants.awards.models import Award, Report
from grants.awards.queries import AwardFilters
from grants.calls import queries as calls
from grants.calls.lifecycle import CallState
from grants.calls.models import Call, Gate, Piece
from grants.deliberation.lifecycle import MeetingState
from grants.deliberation.models import Decision, Meeting
from grants.desk import rules
from grants.kernel import clock, jobs, journal
from grants.kernel.actor import Actor
from grants.kernel.db import db
from grants.kernel.journal import Entry
from grants.kernel.machine import Text
from grants.kernel.money import Money
from grants.kernel.outbox import Letter
from grants.kernel.pages import address_of
from grants.kernel.paging import Order, Page, key_in
from grants.kernel.query_cache import cached_query
from grants.kernel.refusals import RefusedAddress
from grants.kernel.search import matches
from grants.kernel.words import LazyString, _, _l, in_words_of, language
from grants.messages import queries as messages
from grants.people import queries as people
from grants.people.models import Account, Appointment, CalendarLink, Membership, Organisation, SignIn
from grants.programme import queries as programme
from grants.programme.models import Axis, Instrument, Law
from grants.programme.models import ConfiguredText as Texts
from grants.programme.rules import Strands, strands_of
from grants.reviewing import queries as reviewing
from grants.reviewing.lifecycle import AssignmentState
from grants.reviewing.models import Assignment, Standing
from grants.screening import queries as screening
from grants.screening.models import Finding, PieceRequest

Rows = Select[*tuple[Any, ...]]
Found = Row[*tuple[Any, ...]]


@dataclass(frozen=True)
class DossierFilters:
    """What narrows the list of dossiers, as it stands in the URL."""

    words: str = ""
    call: str = ""
    state: str = ""
    instrument: str = ""
    axis: str = ""
    commune: str = ""
    silence: str = ""
    sort: str = "-submitted"

    def chosen(self) -> dict[str, str]:
        """The URL parameters that are set, without the default sort."""
        named = {
            "mots": self.words,
            "appel": self.call,
            "etat": self.state,
            "instrument": self.instrument,
            "axe": self.axis,
            "commune": self.commune,
            "silence": self.silence,
            "sort": "" if self.sort == "-submitted" else self.sort,
        }
        return {name: value for name, value in named.items() if value}


SORTS: dict[str, Any] = {
    "submitted": Application.submitted_at,
    "reference": Application.reference,
    "organisation": Organisation.sort_key,
    "requested": Application.requested,
    "state": Application.state,
}
TO_CONFIRM = {"etat": "a-confirmer"}
SOON = timedelta(days=15)
SILENCE_LABELS = {"late": _l("Vaut déjà rejet"), "near": _l("Vaudra rejet sous quinze jours")}
ANY_UNDER_WAY = "under_way"  # among the states: every dossier that waits for a decision
UNSCORED = -1
SCORE = func.coalesce(Standing.score, UNSCORED)


def _seen_by(actor: Actor) -> ColumnElement[bool]:
    """Submitted, and not one the person has a link with: the same rule as the page of a dossier.

    The links of one person are few: they are asked apart, by a statement that is built once.
    """
    linked = reviewing.linked_ids(actor.id) if actor.id is not None else frozenset[UUID]()
    return and_(
        Application.state != ApplicationState.DRAFT,
        Application.submitted_at.is_not(None),
        *([Application.id.not_in(linked)] if linked else []),
    )


def _filtered(statement: Rows, filters: DossierFilters, actor: Actor) -> Rows:
    return statement.where(_seen_by(actor), *_conditions(filters))


def _conditions(filters: DossierFilters) -> Iterator[ColumnElement[bool]]:
    """What a dossier of the list must meet, asked of the applications alone: no other table need be joined."""
    yield from applications.found_by(filters.words)
    if filters.call:
        yield Application.call_id.in_(select(Call.id).where(Call.code == filters.call))
    if filters.state in set(SUBMITTED_STATES):
        yield Application.state == ApplicationState(filters.state)
    elif filters.state == ANY_UNDER_WAY:
        yield Application.state.in_(UNDER_WAY)
    if filters.instrument:
        yield Application.instrument_id.in_(select(Instrument.id).where(Instrument.code == filters.instrument))
    if filters.axis:
        yield Application.id.in_(select(AxisShare.application_id).where(AxisShare.axis_id == key_in(filters.axis)))
    if filters.commune:
        served = select(application_commune.c.application_id)
        yield Application.id.in_(served.where(application_commune.c.commune_id == key_in(filters.commune)))
    if filters.silence in SILENCE_LABELS:
        yield Application.state.in_(UNDER_WAY)
        yield from _silent(late=filters.silence == "late")


def _silent(*, late: bool) -> tuple[ColumnElement[bool], ...]:
    """Whose silence is a refusal already, or will be within SOON."""
    today = clock.today()
    if late:
        return (Application.silence_on < today,)
    return Application.silence_on >= today, Application.silence_on <= today + SOON


_LISTED: Rows = (
    select(
        Application.id,
        Application.reference,
        Application.title,
        Application.state,
        Application.requested,
        Application.submitted_at,
        Application.extension_ends_at,
        Application.on_paper_since,
        Application.silence_on,
        Organisation.name.label("organisation"),
        Organisation.sort_key.label("organisation_key"),
        Call.code.label("call"),
        Instrument.name.label("instrument"),
        Award.amount.label("awarded"),
        Standing.score,
        Standing.reviews,
    )
    .select_from(Application)
    .join(Call, Call.id == Application.call_id)
    .join(Organisation, Organisation.id == Application.organisation_id)
    .join(Instrument, Instrument.id == Application.instrument_id)
    .outerjoin(Standing, Standing.application_id == Application.id)
    .outerjoin(Award, Award.application_id == Application.id)
)


def dossiers(
    filters: DossierFilters, actor: Actor, *, after: str | None = None, before: str | None = None, scores: bool = False
) -> Page:
    """A page of the list, in two statements: the dossiers and their threads. Rows are (dossier, strands).

    `scores` tells that the person may see what reviews come to; without it, asking for that order gives the usual one.
    The page is found on narrow rows first, by an index where there is one: its cost does not follow the fund's age.
    """
    column, descending = _sort(filters.sort, scores=scores)
    narrow = select(Application.id).select_from(Application)
    if column is Organisation.sort_key:
        narrow = narrow.join(Organisation, Organisation.id == Application.organisation_id)
    elif column is SCORE:
        narrow = narrow.outerjoin(Standing, Standing.application_id == Application.id)
    page = Order(column, Application.id, descending=descending).page(
        _filtered(narrow, filters, actor),
        after=after,
        before=before,
        widened=lambda rows: _LISTED.join(rows, rows.c.id == Application.id),
    )
    return replace(page, rows=_with_strands(page.rows))


def _sort(sort: str, *, scores: bool) -> tuple[Any, bool]:
    sorts = SORTS | {"score": SCORE} if scores else SORTS
    return sorts.get(sort.removeprefix("-"), Application.submitted_at), sort.startswith("-")


_SHARES = (
    select(AxisShare.application_id, Axis.code, Axis.colour, AxisShare.percent)
    .join(Axis, Axis.id == AxisShare.axis_id)
    .where(AxisShare.application_id.in_(bindparam("ids", expanding=True)))
    .order_by(Axis.position)
)


def _with_strands(rows: Sequence[Found]) -> list[tuple[Found, Strands]]:
    """The dossiers with the strands of their threads: all that a row of the list shows of its axes."""
    shares: dict[UUID, list[tuple[Any, int]]] = {}
    for share in db.session.execute(_SHARES, {"ids": [row.id for row in rows]}):
        shares.setdefault(share.application_id, []).append((share, share.percent))
    return [(row, strands_of(shares.get(row.id, ()))) for row in rows]


def totals(filters: DossierFilters, actor: Actor) -> tuple[int, Money, Money]:
    """How many dossiers the list holds, what they ask, and what they were awarded; counted once until the next change,
    as it is the one part of the page whose cost follows the number of dossiers."""
    return cached_query(("totals", actor.id, filters), lambda: _totals(filters, actor))


def _totals(filters: DossierFilters, actor: Actor) -> tuple[int, Money, Money]:
    listed = _filtered(select(Application.id).where(Application.id == Award.application_id), filters, actor)
    given = select(func.sum(Award.amount)).where(listed.correlate(Award).exists())
    statement = _filtered(
        select(func.count(Application.id), func.sum(Application.requested), given.scalar_subquery()), filters, actor
    )
    count, requested, awarded = db.session.execute(statement).one()
    return int(count), requested or Money(0), awarded or Money(0)


def dossier_counts(lists: Iterable[DossierFilters], actor: Actor) -> Sequence[int]:
    """How many dossiers each of some lists holds, in one statement."""
    columns = [func.count().filter(*_conditions(filters)) for filters in lists]
    return db.session.execute(select(*columns).select_from(Application).where(_seen_by(actor))).one()


class ListedDossier(Protocol):
    """The columns read of a dossier of the list."""

    reference: str
    title: str
    state: ApplicationState
    requested: Money
    submitted_at: datetime
    extension_ends_at: datetime | None
    on_paper_since: datetime | None
    organisation: str
    call: str
    instrument: str
    awarded: Money | None
    score: int | None
    reviews: int | None


def every_dossier(filters: DossierFilters, actor: Actor, *, scores: bool = False) -> Iterator[ListedDossier]:
    """The whole list, streamed, for the sheet; `scores` as for `dossiers`."""
    column, descending = _sort(filters.sort, scores=scores)
    statement = _filtered(_LISTED, filters, actor)
    for rows in Order(column, Application.id, descending=descending).slices(statement):
        yield from cast(Sequence[ListedDossier], rows)


@dataclass(frozen=True)
class FilterChoices:
    """What the list offers to narrow it by, each as (value, words), in the reader's language."""

    states: list[tuple[str, str]]
    calls: list[tuple[str, str]]
    instruments: list[tuple[str, str]]
    axes: list[tuple[str, list[tuple[str, str]]]]
    communes: list[tuple[str, str]]
    silences: list[tuple[str, str]]


def choices() -> FilterChoices:
    """The filters of the list, looked for once until the next change."""
    return cached_query(("choices", language()), _choices)


def _choices() -> FilterChoices:
    opened = select(Call.code, Call.title, Call.title_en).where(Call.state != CallState.DRAFT)
    calls = db.session.execute(opened.order_by(Call.closes_at.desc(), Call.code)).all()
    states = [
        (str(state), str(state_words.label))
        for state, state_words in LIFECYCLE.states.items()
        if state in SUBMITTED_STATES
    ]
    return FilterChoices(
        states=[(ANY_UNDER_WAY, _("En cours d’examen")), *states],
        calls=[(row.code, f"{row.code} — {in_words_of(row, 'title')}") for row in calls],
        instruments=programme.instrument_choices(),
        axes=programme.axis_choices(),
        communes=programme.commune_choices(),
        silences=[(code, str(word)) for code, word in SILENCE_LABELS.items()],
    )


# ---- one dossier -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class DossierPage:
    """Everything hanging on one application that a member of staff may see."""

    shares: list[tuple[Axis, int]]
    findings: Sequence[Finding]
    requests: Sequence[PieceRequest]
    assignments: Sequence[Assignment]
    decision: Decision | None
    award: Award | None
    appeals: Sequence[Appeal]
    refused: Sequence[people.RefusedLetters]
    letters: Sequence[Letter]


def dossier_of(application: Application) -> DossierPage:
    """The parts of a dossier, one statement each."""
    key = application.id
    shares = select(Axis, AxisShare.percent).join(AxisShare, AxisShare.axis_id == Axis.id)
    return DossierPage(
        shares=[
            (axis, percent)
            for axis, percent in db.session.execute(
                shares.where(AxisShare.application_id == key).order_by(AxisShare.position, AxisShare.id)
            )
        ],
        findings=db.session.scalars(select(Finding).where(Finding.application_id == key)).all(),
        requests=db.session.scalars(
            select(PieceRequest).where(PieceRequest.application_id == key).order_by(PieceRequest.requested_at)
        ).all(),
        assignments=db.session.scalars(
            select(Assignment)
            .where(Assignment.application_id == key, Assignment.state != AssignmentState.REMOVED)
            .options(joinedload(Assignment.reviewer, innerjoin=True))
            .order_by(Assignment.assigned_at, Assignment.id)
        ).all(),
        decision=db.session.scalar(
            select(Decision).join(Meeting).where(
                Decision.application_id == key, Meeting.state == MeetingState.PUBLISHED
            )
        ),
        award=db.session.scalar(select(Award).where(Award.application_id == key)),
        appeals=appeals.appeals_of(key) if application.is_decided else [],
        refused=people.refused_letters([application.organisation_id]),
        letters=db.session.scalars(
            select(Letter).where(Letter.dossier_id == key).order_by(Letter.created_at.desc(), Letter.id)
        ).all(),
    )  # fmt: skip


@dataclass(frozen=True)
class JournalLine:
    """A line of the journal as its readers see it; `reference` is that of the dossier it is about, once submitted."""

    entry: Entry
    event: Text
    facts: Sequence[tuple[Text, str]]
    reference: str


def _journal_lines(entries: Sequence[Entry], *, without_totals: bool) -> list[JournalLine]:
    """Lines in words: the people and dossiers they name by id are looked for once for all of them."""
    left_out = _TOTALS if without_totals else ()
    read = [(entry, {name: fact for name, fact in entry.facts.items() if name not in left_out}) for entry in entries]
    ids = {found for _entry, facts in read for name in _NAMED for found in _ids(facts.get(name))}
    dossiers = ids | {entry.dossier_id for entry in entries if entry.dossier_id}
    named = select(Account.id, Account.name).where(Account.id.in_(ids))
    filed = select(Application.id, Application.reference).where(
        Application.id.in_(dossiers), Application.submitted_at.is_not(None)
    )
    words: dict[UUID, str] = {key: str(name) for key, name in [*db.session.execute(named), *db.session.execute(filed)]}
    titles = _titles_of(code for entry, facts in read for code in _codes(entry.event, facts))
    return [
        JournalLine(
            entry,
            rules.event_words(entry.event),
            [
                (name, rules.fact_words(value))
                for name, value in rules.described_facts(
                    entry.event, {name: _in_clear(name, value, words, titles) for name, value in facts.items()}
                )
            ],
            words.get(entry.dossier_id, "") if entry.dossier_id else "",
        )
        for entry, facts in read
    ]


_NAMED = ("account", "application", "recused", "removed", "reviewer", "reviewers")
_TITLED = ("acknowledged", "gates", "overruled", "piece", "texts")
_TOTALS = ("committed", "left", "letters", "released", "reviewers")  # what several dossiers hold together


def _listed(value: object) -> list[str]:
    """The texts of a fact, one or several."""
    if value is None:
        return []
    return list(map(str, value)) if isinstance(value, list) else [str(value)]


def _ids(value: object) -> list[UUID]:
    return [found for one in _listed(value) if (found := key_in(one))]


def _codes(event: str, facts: Mapping[str, Any]) -> list[str]:
    """The codes in the facts of a line: of conditions, pieces, rules of law and texts."""
    names = (*_TITLED, "code") if event.startswith(("law.", "text.")) else _TITLED
    return [code for name in names for code in _listed(facts.get(name))]


def _titles_of(codes: Iterable[str]) -> dict[str, str]:
    """The titles that codes stand for, in the reader's language; one statement."""
    asked = set(codes)
    rows = db.session.execute(union(
        select(Gate.code, Gate.title, Gate.title_en).where(Gate.code.in_(asked)),
        select(Piece.code, Piece.label, Piece.label_en).where(Piece.code.in_(asked)),
        select(Law.code, Law.title, Law.title_en).where(Law.code.in_(asked)),
        select(Texts.code, Texts.title, Texts.title_en).where(Texts.code.in_(asked)),
    ))  # fmt: skip
    is_english = language() == "en"
    return {code: (title_en if is_english else "") or title for code, title, title_en in rows}


def _in_clear(name: str, value: object, words: Mapping[UUID, str], titles: Mapping[str, str]) -> object:
    """The value of a fact; names, titles and addresses in place of ids and codes."""
    if name in _NAMED:
        return ", ".join(words.get(key, str(key)) for key in _ids(value)) or value
    if name == "endpoint":
        return ", ".join(map(address_of, _listed(value)))
    if name == "kind":
        return ", ".join(str(jobs.label_of(kind)) for kind in _listed(value))
    if name in _TITLED or name == "code":
        return [titles.get(code, code) for code in _listed(value)]
    return value


def journal_of(application: Application, hidden: frozenset[UUID]) -> list[JournalLine]:
    """The journal of a dossier, oldest first; without totals for somebody who may not know of some dossiers."""
    return _journal_lines(journal.of_dossier(application.id), without_totals=bool(hidden))


@dataclass(frozen=True)
class JournalFilters:
    """What narrows the journal, as it stands in the URL: words of a name, of a dossier, what it is about, two days."""

    person: str = ""
    dossier: str = ""
    family: str = ""
    since: date | None = None
    until: date | None = None

    def chosen(self) -> dict[str, str]:
        """The URL parameters that are set."""
        named = {
            "personne": self.person,
            "dossier": self.dossier,
            "objet": self.family,
            "du": self.since.isoformat() if self.since else "",
            "au": self.until.isoformat() if self.until else "",
        }
        return {name: value for name, value in named.items() if value}


def _filtered_entries(filters: JournalFilters, zone: ZoneInfo) -> Select[Entry]:
    statement = select(Entry)
    if filters.person:
        known = select(Account.id).where(*matches(filters.person, Account.sort_key))
        statement = statement.where(
            or_(Entry.actor_id.in_(known), Entry.actor.contains(filters.person, autoescape=True))
        )
    if filters.dossier:
        found = select(Application.id).where(*applications.found_by(filters.dossier))
        statement = statement.where(Entry.dossier_id.in_(found))
    if filters.family in rules.FAMILIES:
        statement = statement.where(Entry.event.startswith(f"{filters.family}.", autoescape=True))
    if filters.since:
        statement = statement.where(Entry.at >= _midnight(filters.since, zone))
    if filters.until:
        statement = statement.where(Entry.at < _midnight(filters.until + timedelta(days=1), zone))
    return statement


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)


def journal_page(
    filters: JournalFilters,
    *,
    zone: ZoneInfo,
    after: str | None = None,
    before: str | None = None,
    hidden: frozenset[UUID] = frozenset(),
    size: int = 100,
) -> Page:
    """The journal, newest first, without lines about dossiers one may not know of, nor totals that hold them.

    The days of `filters` are those of `zone`.
    """
    page = _NEWEST.page(_open_lines(filters, zone, hidden), after=after, before=before, size=size)
    return replace(page, rows=_journal_lines([row.Entry for row in page.rows], without_totals=bool(hidden)))


def every_line(filters: JournalFilters, *, zone: ZoneInfo, hidden: frozenset[UUID]) -> Iterator[JournalLine]:
    """All lines of the journal that a page of it would show, for the sheet."""
    for rows in _NEWEST.slices(_open_lines(filters, zone, hidden)):
        yield from _journal_lines([row.Entry for row in rows], without_totals=bool(hidden))


def line_count(filters: JournalFilters, *, zone: ZoneInfo, hidden: frozenset[UUID]) -> int:
    """How many lines that is."""
    lines = _open_lines(filters, zone, hidden).order_by(None).subquery()
    return db.session.scalar(select(func.count()).select_from(lines)) or 0


_NEWEST = Order(Entry.seq, descending=True)


def _open_lines(filters: JournalFilters, zone: ZoneInfo, hidden: frozenset[UUID]) -> Rows:
    statement: Rows = _filtered_entries(filters, zone)
    for dossier in hidden:
        filed = or_(Entry.dossier_id.is_(None), Entry.dossier_id != dossier)
        statement = statement.where(filed, ~Entry.data.contains(str(dossier)))
    return statement


# ---- what waits ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class CountedTask:
    """Something to do: its words, how many, the list that counts them (endpoint, parameters), and perhaps its call."""

    words: Text
    count: int
    endpoint: str
    chosen: Mapping[str, Any] = field(default_factory=dict)
    about: str = ""


def own_drafts(actor: Actor) -> Sequence[Application]:
    """What one's organisations are writing or waiting for, closest closing first."""
    statement = (
        select(Application)
        .join(Call, Call.id == Application.call_id)
        .where(Application.organisation_id.in_(list(actor.organisations)))
        .where(~applications.is_correction(), ~applications.is_entering())
        .order_by(Call.closes_at.desc(), Application.created_at.desc())
        .limit(20)
    )
    return db.session.scalars(statement).all()


def reviewer_tasks(actor: Actor) -> list[CountedTask]:
    """What a reviewer has to open and to finish."""
    counted = reviewing.reading_counts(actor.id)
    words = {AssignmentState.OFFERED: _("Dossiers à ouvrir"), AssignmentState.OPEN: _("Évaluations en cours")}
    return [CountedTask(label, counted[state], "reviewing.index", {"_anchor": state}) for state, label in words.items()]


_SILENT: Mapping[LazyString, DossierFilters] = {
    _l("Dossiers dont le silence vaut déjà rejet"): DossierFilters(silence="late", sort="submitted"),
    _l("Dossiers dont le silence vaudra rejet sous quinze jours"): DossierFilters(silence="near", sort="submitted"),
}
_AWARDED: Mapping[LazyString, AwardFilters] = {
    _l("Attributions à engager"): AwardFilters(state=awards.TO_ENGAGE),
    _l("Bilans à examiner"): AwardFilters(report="submitted"),
    _l("Bilans en retard"): AwardFilters(report="late"),
}


def manager_tasks(actor: Actor, hidden: frozenset[UUID]) -> list[CountedTask]:
    """What a manager has to do; `hidden` are the dossiers kept from them."""
    silent = zip(_SILENT.items(), dossier_counts(_SILENT.values(), actor), strict=True)
    awarded = zip(_AWARDED.items(), awards.award_counts(_AWARDED.values(), actor), strict=True)
    unopened = len(awards.decisions_without_award(actor))
    lodged: ColumnElement[int] = appeals.waiting_count(hidden).scalar_subquery()
    unread: ColumnElement[int] = messages.unread_count(actor.id, hidden).scalar_subquery()
    asked: ColumnElement[int] = calls.asked_count().scalar_subquery()
    refused: ColumnElement[int] = people.refused_organisations().scalar_subquery()
    waiting = db.session.execute(select(lodged, unread, asked, refused)).one()
    return [
        *(CountedTask(words, count, "desk.dossiers", filters.chosen()) for (words, filters), count in silent),
        *_of_calls(
            _("Dossiers à décider"),
            [(call, call.waiting, {"appel": call.code}) for call in screening.calls_to_screen(hidden)],
            "screening.inbox",
        ),
        *_of_calls(
            _("Dossiers sans assez d’évaluateurs"),
            [
                (call, call.lacking, {"call_id": call.id, "moins": call.minimum_reviewers})
                for call in reviewing.calls_to_assign(hidden)
            ],
            "reviewing.assign",
            "reviewing.assign_index",
        ),
        CountedTask(_("Recours à répondre"), waiting[0], "appeals.index"),
        CountedTask(_("Messages à lire"), waiting[1], "messages.index"),
        CountedTask(
            _("Organisations que nos courriels n’atteignent plus"),
            waiting[3],
            "people.refused_letters",
        ),
        CountedTask(_("Questions sur les appels, sans réponse"), waiting[2], "calls.asked"),
        CountedTask(_("Décisions sans attribution ouverte"), unopened, "awards.index", {"_anchor": "a-ouvrir"}),
        *(CountedTask(words, count, "awards.index", wanted.chosen()) for (words, wanted), count in awarded),
        CountedTask(_("Règles de droit à confirmer"), len(programme.unconfirmed_law()), "programme.law", TO_CONFIRM),
        CountedTask(_("Textes à confirmer"), len(programme.unconfirmed_texts()), "programme.texts", TO_CONFIRM),
    ]


def _of_calls(
    words: Text, calls: Iterable[tuple[Any, int, Mapping[str, Any]]], endpoint: str, every: str = ""
) -> list[CountedTask]:
    """A task for each call in which something waits, each as (call, how many, parameters); else one that says so."""
    waiting = [
        CountedTask(words, count, endpoint, chosen, in_words_of(call, "title"))
        for call, count, chosen in calls
        if count
    ]
    return waiting or [CountedTask(words, 0, every or endpoint)]


def payment_tasks(by: Actor) -> list[CountedTask]:
    """What the finance people have to do."""
    words = {
        "prepare": _("Échéances à préparer"),
        "approve": _("Mandats à approuver"),
        "order": _("Mandats à enregistrer"),
        "pay": _("Dates comptables à enregistrer"),
    }
    counted = awards.payment_counts(by)
    bank = awards.bank_counts(by)["waiting"]
    return [
        CountedTask(_("Coordonnées bancaires à vérifier"), bank, "awards.bank_inbox"),
        *(CountedTask(label, counted[view][0], "awards.payments", {"vue": view}) for view, label in words.items()),
    ]


class DeadlineKind(StrEnum):
    """What a deadline is of."""

    CLOSING = "closing"
    PIECE = "piece"
    REPORT = "report"


@dataclass(frozen=True)
class Deadline:
    """Something that an organisation has to do by an instant or a day, about the dossier of a title; `key` is the id of
    what its page shows."""

    kind: DeadlineKind
    id: UUID
    at: datetime | date
    title: str
    key: UUID


MOST_DEADLINES = 200  # of one kind


def deadlines_of(actor: Actor) -> list[Deadline]:
    """What the organisations of a person still have to do: drafts to submit, pieces asked for, reports owed; three
    statements at most."""
    mine = list(actor.organisations)
    if not mine:
        return []
    closing, kind = applications.closing_in_sql(), DeadlineKind
    drafts = (
        applications.of_drafts(select(Application.id, closing.label("at"), Application.title, Application.id))
        .where(Application.organisation_id.in_(mine), Call.state == CallState.OPENED, closing >= clock.now())
        .order_by(closing, Application.id)
    )
    pieces = (
        select(PieceRequest.id, PieceRequest.due_on, Application.title, Application.id)
        .join(Application, Application.id == PieceRequest.application_id)
        .where(Application.organisation_id.in_(mine), Application.state.in_(UNDER_WAY))
        .where(screening.IS_OPEN)
        .order_by(PieceRequest.due_on, PieceRequest.id)
    )
    reports = (
        select(Report.id, Report.due_on, Application.title, Report.id)
        .join(Award, Award.id == Report.award_id)
        .join(Application, Application.id == Award.application_id)
        .where(Application.organisation_id.in_(mine), Report.due_on.is_not(None))
        .where(Report.state.in_((ReportState.EXPECTED, ReportState.RETURNED)))
        .order_by(Report.due_on, Report.id)
    )
    asked: tuple[tuple[DeadlineKind, Rows], ...] = (
        (kind.CLOSING, drafts), (kind.PIECE, pieces), (kind.REPORT, reports),
    )  # fmt: skip
    return [
        Deadline(of, *row) for of, statement in asked for row in db.session.execute(statement.limit(MOST_DEADLINES))
    ]


def letters(limit: int = 100) -> Sequence[Letter]:
    """The newest letters of the outbox, for the demonstration's mail page."""
    statement = select(Letter).order_by(Letter.created_at.desc(), Letter.id).limit(limit)
    return db.session.scalars(statement).all()


# ---- what is kept about a person -----------------------------------------------------------------------------------


def kept_about(account: Account, hidden: Collection[UUID]) -> dict[str, Rows]:
    """What is kept about a person beside their account, by name; letters and acts about `hidden` dossiers left out."""

    def may_be_told(dossier: InstrumentedAttribute[UUID | None]) -> ColumnElement[bool]:
        return or_(dossier.is_(None), dossier.not_in(hidden))

    return {
        "offices": select(Appointment.role, Appointment.college, Appointment.since_on, Appointment.until_on)
        .where(Appointment.account_id == account.id)
        .order_by(Appointment.since_on, Appointment.id),
        "organisations": select(Organisation.name, Membership.role, Membership.since_at)
        .join(Organisation, Organisation.id == Membership.organisation_id)
        .where(Membership.account_id == account.id)
        .order_by(Membership.since_at, Membership.id),
        "sign_ins": select(SignIn.started_at, SignIn.last_seen_at, SignIn.ended_at, SignIn.browser)
        .where(SignIn.account_id == account.id)
        .order_by(SignIn.started_at, SignIn.id),
        "letters": select(Letter.created_at, Letter.sent_at, Letter.subject)
        .where(Letter.recipient == account.email, may_be_told(Letter.dossier_id))
        .order_by(Letter.created_at, Letter.id),
        "messages": messages.written_by(account.id, hidden),
        "appeals": appeals.lodged_by(account.id, hidden),
        "questions": calls.asked_by(account.id),
        "refused_address": select(RefusedAddress.since_at, RefusedAddress.status, RefusedAddress.cleared_at).where(
            RefusedAddress.address == account.email
        ),
        "calendar": select(CalendarLink.made_at).where(CalendarLink.account_id == account.id),
        "acts": select(Entry.at, Entry.event)
        .where(Entry.actor_id == account.id, may_be_told(Entry.dossier_id))
        .order_by(Entry.seq),
    }
