"""Questions across the whole fund: figures by axis and the like, their rows, and what the public may read."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Row,
    Select,
    String,
    and_,
    cast,
    exists,
    extract,
    func,
    or_,
    select,
)

from grants.applications.lifecycle import SUBMITTED_STATES, ApplicationState
from grants.applications.models import Allocation, Answer, Application, AxisShare, Dimension, application_commune
from grants.applications.queries import found_by
from grants.awards.models import Agreement, Award, Instalment, LedgerAllocation, LedgerEntry, LedgerKind
from grants.awards.models.disbursement import REVERSALS
from grants.calls.lifecycle import CallState
from grants.calls.models import Call, Question
from grants.calls.rules import ECONOMIC_ACTIVITY
from grants.deliberation.lifecycle import MeetingState
from grants.deliberation.models import Decision, Meeting
from grants.kernel.db import db
from grants.kernel.money import Money
from grants.kernel.paging import Order, Page, key_in
from grants.kernel.query_cache import cached_query
from grants.kernel.words import _, in_words_of, language
from grants.observatory.rules import Breakdown, Figure, Sums, TrackingFilters, TrackingLine
from grants.people.models import Organisation
from grants.programme import queries as programme
from grants.programme.models import (
    Action,
    Axis,
    Commune,
    FieldOfIntervention,
    Framework,
    FundingForm,
    Instrument,
    Orientation,
    RelatedPlan,
)

Rows = Select[*tuple[Any, ...]]
Found = Row[*tuple[Any, ...]]
# The column each movement counts in; a reversal takes away from that of what it reverses, what comes back has none.
FIGURES: dict[LedgerKind, Figure] = {
    kind: Figure(name) for kind in LedgerKind if (name := REVERSALS.get(kind, kind).value) in set(Figure)
}
COUNTED = SUBMITTED_STATES - {ApplicationState.WITHDRAWN}
_TITLED: dict[Breakdown, Any] = {
    Breakdown.AXIS: Axis,
    Breakdown.ORIENTATION: Orientation,
    Breakdown.ACTION: Action,
    Breakdown.FIELD: FieldOfIntervention,
    Breakdown.COMMUNE: Commune,
    Breakdown.PLAN: RelatedPlan,
    Breakdown.INSTRUMENT: Instrument,
}


def _narrowed(statement: Rows, filters: TrackingFilters, key: Any = Application.id) -> Rows:
    """Only the applications the filters keep; `key` is their id in the tables the statement selects from."""
    if filters.call_id is not None:
        statement = statement.where(key.in_(select(Application.id).where(Application.call_id == filters.call_id)))
    if filters.commune_id is not None:
        served = select(application_commune.c.application_id).where(
            application_commune.c.commune_id == filters.commune_id
        )
        statement = statement.where(key.in_(served))
    if filters.axis_id is not None:
        statement = statement.where(
            key.in_(select(AxisShare.application_id).where(AxisShare.axis_id == filters.axis_id))
        )
    if filters.hidden:
        statement = statement.where(key.not_in(filters.hidden))
    return statement


def _is_split(reading: Breakdown) -> bool:
    """Whether an application falls under several lines of the reading, a part under each."""
    return reading not in {Breakdown.INSTRUMENT, Breakdown.YEAR}


def _key_of(reading: Breakdown) -> Any:
    """The column an application is filed under when the reading is not a split."""
    if reading is Breakdown.INSTRUMENT:
        return Application.instrument_id
    return extract("year", Call.closes_at)


def _kinds(figure: Figure) -> list[LedgerKind]:
    """The kinds of movement that add up to a column."""
    return [kind for kind, counted in FIGURES.items() if counted is figure]


def _asked(reading: Breakdown, filters: TrackingFilters) -> Rows:
    if not _is_split(reading):
        key = _key_of(reading)
        statement = select(key.label("key"), func.sum(Application.requested).label("amount")).join(Call)
        return _narrowed(statement.where(Application.state.in_(COUNTED)), filters).group_by(key)
    # Only what was submitted is split. The few that no longer count are left out: opening each application to see
    # whether it counts costs eight times as much on SQLite.
    left = select(Application.id).where(Application.submitted_at.is_not(None), Application.state.not_in(COUNTED))
    statement = select(Allocation.key_id.label("key"), func.sum(Allocation.amount).label("amount")).where(
        Allocation.dimension == Dimension(reading.value), Allocation.application_id.not_in(left)
    )
    return _narrowed(statement, filters, Allocation.application_id).group_by(Allocation.key_id)


def _moved(reading: Breakdown, filters: TrackingFilters) -> Rows:
    split = _is_split(reading)
    key = LedgerAllocation.key_id if split else _key_of(reading)
    amount = LedgerAllocation.amount if split else LedgerEntry.amount
    statement = (
        select(key.label("key"), LedgerEntry.kind.label("kind"), func.sum(amount).label("amount"))
        .select_from(LedgerEntry)
        .join(Award, Award.id == LedgerEntry.award_id)
        .join(Application, Application.id == Award.application_id)
        .join(Call, Call.id == Application.call_id)
    )
    if split:
        statement = statement.join(LedgerAllocation, LedgerAllocation.entry_id == LedgerEntry.id).where(
            LedgerAllocation.dimension == Dimension(reading.value)
        )
    return _narrowed(statement.where(LedgerEntry.kind.in_(FIGURES)), filters).group_by(key, LedgerEntry.kind)


def tracking(reading: Breakdown, filters: TrackingFilters) -> list[TrackingLine]:
    """The lines of a reading, "non précisé" last, only when it has money; added up once until the next change."""
    return cached_query(("tracking", reading, filters, language()), lambda: _tracking(reading, filters))


def _tracking(reading: Breakdown, filters: TrackingFilters) -> list[TrackingLine]:
    sums: dict[Any, Sums] = {}
    for row in db.session.execute(_asked(reading, filters)):
        sums.setdefault(row.key, Sums()).add(Figure.ASKED, row.amount)
    for row in db.session.execute(_moved(reading, filters)):
        sums.setdefault(row.key, Sums()).add(FIGURES[row.kind], row.amount)
    lines = list(_titles(reading, sums))
    unsaid = sums.get(None)
    return lines if unsaid is None else [*lines, TrackingLine(None, "—", _("Non précisé"), unsaid)]


def _titles(reading: Breakdown, sums: dict[Any, Sums]) -> Iterator[TrackingLine]:
    if reading is Breakdown.YEAR:
        for year in sorted(key for key in sums if key is not None):
            yield TrackingLine(str(int(year)), str(int(year)), _("Appels clos en %(year)s", year=int(year)), sums[year])
        return
    model = _TITLED[reading]
    keys = [key for key in sums if key is not None]
    statement = select(model)
    if reading is Breakdown.AXIS:
        statement = statement.join(Framework).where(
            or_(Axis.id.in_(keys), Framework.position == 0)
        ).order_by(Framework.position, Axis.position)  # fmt: skip
    else:
        statement = statement.where(model.id.in_(keys)).order_by(*_order(model))
    for row in db.session.scalars(statement):
        yield TrackingLine(
            str(row.id),
            str(getattr(row, "code", None) or getattr(row, "number", None) or getattr(row, "insee", "")),
            title_of(row),
            sums.get(row.id) or Sums(),
            getattr(row, "colour", None),
        )


def _order(model: Any) -> tuple[Any, ...]:
    if model in {Action, Commune}:
        return (model.sort_key, model.id)
    return (model.position, model.code)


def title_of(row: Any) -> str:
    """The title of a row of a framework or of the territory, in the reader's language."""
    if isinstance(row, Commune):
        return row.name
    if isinstance(row, Instrument):
        return in_words_of(row, "name")
    return in_words_of(row, "title") or _("intitulé à compléter")


def ledger_totals(hidden: frozenset[UUID] = frozenset()) -> Sums:
    """The ledger's own sums and the amounts asked, besides dossiers one may not know of: what readings add up to; added
    up once until the next change."""
    return cached_query(("ledger totals", hidden), lambda: _ledger_totals(hidden))


def _ledger_totals(hidden: frozenset[UUID]) -> Sums:
    foot = Sums()
    asked = select(func.sum(Application.requested)).where(Application.state.in_(COUNTED))
    moved = select(LedgerEntry.kind, func.sum(LedgerEntry.amount)).group_by(LedgerEntry.kind)
    moved = moved.where(LedgerEntry.kind.in_(FIGURES))
    if hidden:
        asked = asked.where(Application.id.not_in(hidden))
        moved = moved.join(Award, Award.id == LedgerEntry.award_id).where(Award.application_id.not_in(hidden))
    foot.add(Figure.ASKED, db.session.scalar(asked) or Money(0))
    for kind, amount in db.session.execute(moved):
        foot.add(FIGURES[kind], amount)
    return foot


# ---- the rows behind a figure ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Behind:
    """A row behind a figure: the part that counts there, and the whole it is part of."""

    application_id: UUID
    reference: str
    title: str
    organisation: str
    day: date | datetime
    part: Money
    whole: Money


def behind(
    reading: Breakdown,
    key: str | None,
    figure: Figure,
    filters: TrackingFilters,
    *,
    after: str | None = None,
    before: str | None = None,
    size: int | None = None,
) -> Page:
    """A page of the rows whose parts add up to a figure of the tracking page, oldest first, in one statement.

    The page is found on narrow rows; titles and names are read for what it shows only.
    """
    day, tie = _order_behind(reading, figure)
    narrow = _narrow(reading, key, figure, filters).add_columns(
        Application.id.label("application_id"), day.label("day"), _whole(figure).label("whole")
    )
    page = Order(day, tie).page(
        narrow,
        after=after,
        before=before,
        size=size,
        widened=lambda rows: (
            select(rows, Application.reference, Application.title, Organisation.name)
            .join(Application, Application.id == rows.c.application_id)
            .join(Organisation, Organisation.id == Application.organisation_id)
        ),
    )
    shown = [
        Behind(row.application_id, row.reference or "", row.title, row.name, row.day, row.part, row.whole)
        for row in page.rows
    ]
    return replace(page, rows=shown)


def behind_total(reading: Breakdown, key: str | None, figure: Figure, filters: TrackingFilters) -> tuple[int, Money]:
    """How many rows are behind a figure and what their parts add up to: the figure itself, whatever the page."""
    parts = _narrow(reading, key, figure, filters).subquery()
    count, amount = db.session.execute(select(func.count(), func.sum(parts.c.part)).select_from(parts)).one()
    return int(count), amount or Money(0)


def _order_behind(reading: Breakdown, figure: Figure) -> tuple[Any, Any]:
    """The day rows are told by, and what parts two rows of one day: the key of the row that carries the part."""
    if figure is Figure.ASKED:
        return Application.submitted_at, Allocation.id if _is_split(reading) else Application.id
    return LedgerEntry.day, LedgerAllocation.id if _is_split(reading) else LedgerEntry.id


def _whole(figure: Figure) -> Any:
    return Application.requested if figure is Figure.ASKED else LedgerEntry.amount


def _key_is(column: Any, reading: Breakdown, key: str | None) -> Any:
    if key is None:
        return column.is_(None)
    if reading is Breakdown.YEAR:
        return column == int(key)
    return column == UUID(key)


def _narrow(reading: Breakdown, key: str | None, figure: Figure, filters: TrackingFilters) -> Rows:
    """The parts that add up to a figure, and nothing else of their rows."""
    statement = _parts_asked(reading, key) if figure is Figure.ASKED else _parts_moved(reading, key, figure)
    return _narrowed(statement, filters)


def _parts_asked(reading: Breakdown, key: str | None) -> Rows:
    part = Allocation.amount if _is_split(reading) else Application.requested
    statement = (
        select(part.label("part"))
        .select_from(Application)
        .join(Call, Call.id == Application.call_id)
        .where(Application.state.in_(COUNTED))
    )
    if not _is_split(reading):
        return statement.where(_key_is(_key_of(reading), reading, key))
    return statement.join(Allocation, Allocation.application_id == Application.id).where(
        Allocation.dimension == Dimension(reading.value), _key_is(Allocation.key_id, reading, key)
    )


def _parts_moved(reading: Breakdown, key: str | None, figure: Figure) -> Rows:
    part = LedgerAllocation.amount if _is_split(reading) else LedgerEntry.amount
    statement = (
        select(part.label("part"))
        .select_from(LedgerEntry)
        .join(Award, Award.id == LedgerEntry.award_id)
        .join(Application, Application.id == Award.application_id)
        .join(Call, Call.id == Application.call_id)
        .where(LedgerEntry.kind.in_(_kinds(figure)))
    )
    if not _is_split(reading):
        return statement.where(_key_is(_key_of(reading), reading, key))
    return statement.join(LedgerAllocation, LedgerAllocation.entry_id == LedgerEntry.id).where(
        LedgerAllocation.dimension == Dimension(reading.value), _key_is(LedgerAllocation.key_id, reading, key)
    )


def title_of_key(reading: Breakdown, key: str | None) -> str:
    """The title of a line of tracking. Raises LookupError when there is no such line."""
    if key is None:
        return _("Non précisé")
    if reading is Breakdown.YEAR:
        return key
    row = db.session.get(_TITLED[reading], UUID(key))
    if row is None:
        raise LookupError(key)
    return title_of(row)


@dataclass(frozen=True)
class Choices:
    """What tracking is narrowed by, each as (key, words), in the reader's language."""

    calls: list[tuple[str, str]]
    communes: list[tuple[str, str]]
    axes: list[tuple[str, list[tuple[str, str]]]]


def choices() -> Choices:
    """The filters of tracking, looked for once until the next change."""
    return cached_query(("tracking choices", language()), _choices)


def _choices() -> Choices:
    """Of the calls, those that were opened, newest closing first."""
    opened = select(Call).where(Call.state != CallState.DRAFT).order_by(Call.closes_at.desc(), Call.code)
    calls = [(str(row.id), f"{row.code} — {in_words_of(row, 'title')}") for row in db.session.scalars(opened)]
    return Choices(calls, programme.commune_choices(), programme.axis_choices())


# ---- what the public may read ------------------------------------------------------------------------------------

_PUBLISHED = and_(Decision.granted, Meeting.state == MeetingState.PUBLISHED)


@dataclass(frozen=True)
class Laureate:
    """A line of the public register: legal persons only, never the representative."""

    application_id: UUID
    reference: str
    title: str
    summary: str
    organisation: str
    siret: str | None
    rna: str | None
    amount: Money
    form: FundingForm
    instrument: str
    instrument_en: str
    call_code: str
    act_number: str
    act_on: date
    decision_id: UUID
    shares: tuple[tuple[Axis, int], ...] = ()
    communes: tuple[str, ...] = ()


_LAUREATE_FIELDS = {each.name for each in fields(Laureate)}


def _laureates() -> Rows:
    return (
        select(
            Decision.id.label("decision_id"),
            Decision.amount,
            Application.id.label("application_id"),
            Application.reference,
            Application.title,
            Application.summary,
            Organisation.name.label("organisation"),
            Organisation.siret,
            Organisation.rna,
            Instrument.form,
            Instrument.name.label("instrument"),
            Instrument.name_en.label("instrument_en"),
            Call.code.label("call_code"),
            Meeting.act_number,
            Meeting.act_on,
        )
        .join(Meeting, Meeting.id == Decision.meeting_id)
        .join(Application, Application.id == Decision.application_id)
        .join(Organisation, Organisation.id == Application.organisation_id)
        .join(Instrument, Instrument.id == Application.instrument_id)
        .join(Call, Call.id == Application.call_id)
        .where(_PUBLISHED)
    )


@dataclass(frozen=True)
class RegisterFilters:
    """What narrows the register, as it stands in the URL."""

    words: str = ""
    call: str = ""
    axis: str = ""


def _kept(statement: Rows, asked: RegisterFilters) -> Rows:
    """What a search keeps of published awards."""
    statement = statement.where(*found_by(asked.words))
    if asked.call:
        statement = statement.where(Call.code == asked.call)
    if asked.axis:
        serving = select(AxisShare.application_id).where(AxisShare.axis_id == key_in(asked.axis))
        statement = statement.where(Application.id.in_(serving))
    return statement


def register(
    asked: RegisterFilters = RegisterFilters(),
    *,
    after: str | None = None,
    before: str | None = None,
    size: int | None = None,
) -> Page:
    """A page of the register, newest act first; three statements."""
    order = Order(Meeting.act_on, Application.reference, descending=(True, False))
    page = order.page(_kept(_laureates(), asked), after=after, before=before, size=size)
    return replace(page, rows=_with_shares(page.rows))


def laureates(*, after: str | None = None, before: str | None = None, size: int | None = None) -> Page:
    """A page of the published awards call by call, the call published last first; three statements."""
    order = Order(Call.results_published_at, Call.code, Application.reference, descending=(True, False, False))
    page = order.page(_laureates(), after=after, before=before, size=size)
    return replace(page, rows=_with_shares(page.rows))


def register_total(asked: RegisterFilters = RegisterFilters()) -> tuple[int, Money]:
    """How many awards the register shows of a search, on all its pages, and what they add up to."""
    statement = (
        select(func.count(Decision.id), func.sum(Decision.amount))
        .join(Meeting, Meeting.id == Decision.meeting_id)
        .join(Application, Application.id == Decision.application_id)
        .join(Call, Call.id == Application.call_id)
        .where(_PUBLISHED)
    )
    count, amount = db.session.execute(_kept(statement, asked)).one()
    return int(count), amount or Money(0)


def _with_shares(rows: Sequence[Found]) -> list[Laureate]:
    ids = [row.application_id for row in rows]
    shares: dict[UUID, list[tuple[Axis, int]]] = {}
    for share in db.session.execute(
        select(AxisShare.application_id, Axis, AxisShare.percent)
        .join(Axis, Axis.id == AxisShare.axis_id)
        .where(AxisShare.application_id.in_(ids))
        .order_by(Axis.position)
    ):
        shares.setdefault(share.application_id, []).append((share.Axis, share.percent))
    places: dict[UUID, list[str]] = {}
    for place in db.session.execute(
        select(application_commune.c.application_id, Commune.name)
        .join(Commune, Commune.id == application_commune.c.commune_id)
        .where(application_commune.c.application_id.in_(ids))
        .order_by(Commune.sort_key)
    ):
        places.setdefault(place.application_id, []).append(place.name)
    return [
        Laureate(
            **{name: value for name, value in row._asdict().items() if name in _LAUREATE_FIELDS},
            shares=tuple(shares.get(row.application_id, ())),
            communes=tuple(places.get(row.application_id, ())),
        )
        for row in rows
    ]


def laureate(reference: str) -> Laureate | None:
    """One line of the register by its reference."""
    rows = db.session.execute(_laureates().where(Application.reference == reference)).all()
    found = _with_shares(rows)
    return found[0] if found else None


def published_calls() -> Sequence[Found]:
    """Calls with published results: code, titles, how many awards, their sum; newest first."""
    statement = (
        select(
            Call.code,
            Call.title,
            Call.title_en,
            Call.results_published_at,
            func.count(Decision.id).label("count"),
            func.sum(Decision.amount).label("amount"),
        )
        .join(Meeting, Meeting.call_id == Call.id)
        .join(Decision, Decision.meeting_id == Meeting.id)
        .where(_PUBLISHED)
        .group_by(Call.code, Call.title, Call.title_en, Call.results_published_at)
        .order_by(Call.results_published_at.desc(), Call.code)
    )
    return db.session.execute(statement).all()


def awarded_by_commune() -> dict[str, Money]:
    """Published money by commune code, equal shares between the communes a project serves."""
    statement = (
        select(Commune.insee, func.sum(LedgerAllocation.amount).label("amount"))
        .join(LedgerAllocation, LedgerAllocation.key_id == Commune.id)
        .join(LedgerEntry, LedgerEntry.id == LedgerAllocation.entry_id)
        .where(LedgerAllocation.dimension == Dimension.COMMUNE, LedgerEntry.kind == LedgerKind.VOTED)
        .group_by(Commune.insee)
    )
    return {row.insee: row.amount for row in db.session.execute(statement)}


def open_data_rows() -> Iterator[Found]:
    """The published awards with what the open-data schema asks, oldest act first, streamed."""
    economic = exists().where(
        Answer.application_id == Application.id,
        Question.id == Answer.question_id,
        Question.code == ECONOMIC_ACTIVITY,
        cast(Answer.value, String) == '"yes"',
    )
    instalments = (
        select(
            Instalment.award_id,
            func.count(Instalment.id).label("instalments"),
            func.min(func.coalesce(Instalment.paid_on, Instalment.due_on)).label("first_on"),
            func.max(func.coalesce(Instalment.paid_on, Instalment.due_on)).label("last_on"),
        )
        .where(Instalment.state != "cancelled")
        .group_by(Instalment.award_id)
        .subquery()
    )
    statement = (
        select(
            Decision.amount,
            Application.title,
            Application.reference,
            Organisation.name.label("organisation"),
            Organisation.siret,
            Organisation.rna,
            Meeting.act_number,
            Meeting.act_on,
            Agreement.signed_on,
            instalments.c.instalments,
            instalments.c.first_on,
            instalments.c.last_on,
            economic.label("economic"),
            Instrument.code.label("instrument"),
        )
        .join(Meeting, Meeting.id == Decision.meeting_id)
        .join(Application, Application.id == Decision.application_id)
        .join(Organisation, Organisation.id == Application.organisation_id)
        .join(Instrument, Instrument.id == Application.instrument_id)
        .outerjoin(Award, Award.decision_id == Decision.id)
        .outerjoin(Agreement, Agreement.award_id == Award.id)
        .outerjoin(instalments, instalments.c.award_id == Award.id)
        .where(_PUBLISHED)
        .order_by(Meeting.act_on, Application.reference)
        .execution_options(yield_per=500)
    )
    yield from db.session.execute(statement)
