"""Questions about meetings: who stands where, what money is left, what was decided and may be told."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, and_, func, or_, select
from sqlalchemy.orm import joinedload

from grants.applications.lifecycle import ApplicationState
from grants.applications.models import Answer, Application
from grants.calls.lifecycle import CallState
from grants.calls.models import Block, Call, CallInstrument, Question
from grants.calls.rules import ECONOMIC_ACTIVITY
from grants.deliberation.lifecycle import MeetingState
from grants.deliberation.models import Calibration, Decision, Meeting, Recommendation
from grants.deliberation.rules import Ranks, Verdict
from grants.kernel import clock
from grants.kernel.access import hidden_dossiers, hidden_money
from grants.kernel.actor import Actor
from grants.kernel.db import db
from grants.kernel.machine import Text
from grants.kernel.money import Money
from grants.kernel.paging import PAGE, Order, Page, Places, cursor
from grants.kernel.papers import canonical, sha256
from grants.kernel.words import _, _l, in_words_of
from grants.people.models import Account, Membership, Organisation
from grants.programme.models import Fund, FundingForm, Instrument
from grants.reviewing import queries as reviewing
from grants.reviewing.lifecycle import AssignmentState
from grants.reviewing.models import Assignment, Interest, InterestNature, Standing
from grants.reviewing.rules import ApplicationResult, Grid, RankPosition, ranking

S = ApplicationState
UNSCREENED = (S.SUBMITTED, S.PIECES_REQUESTED)
RANKED_STATES = reviewing.REVIEWED_STATES
PENDING = (AssignmentState.OFFERED, AssignmentState.OPEN)
NOTHING = Money(0)


# ---- for other chapters --------------------------------------------------------------------------------------------


def decision_of(application_id: UUID) -> Decision | None:
    """What the act decided for an application, published or not: never show it outside before its meeting is."""
    return db.session.scalar(select(Decision).where(Decision.application_id == application_id))


def published_decision_of(application_id: UUID) -> Decision | None:
    """What may be told about an application; None before the publication, and for who gave up meanwhile."""
    statement = (
        select(Decision)
        .join(Decision.meeting)
        .join(Decision.application)
        .where(
            Decision.application_id == application_id,
            Meeting.state == MeetingState.PUBLISHED,
            Application.state.in_((S.AWARDED, S.DECLINED)),
        )
        .options(joinedload(Decision.meeting).joinedload(Meeting.call).joinedload(Call.fund))
    )
    return db.session.scalar(statement)


def announced_decisions() -> Select[UUID]:
    """The ids of the decisions that were told to their applicants: a subquery."""
    return (
        select(Decision.id)
        .join(Decision.meeting)
        .join(Decision.application)
        .where(Meeting.state == MeetingState.PUBLISHED, Application.state.in_((S.AWARDED, S.DECLINED)))
    )


def problems(released: Mapping[UUID, Money] | None = None) -> Iterator[str]:
    """For `grants verify`: each call and each fund whose committed money is not what recommendations and acts hold.

    `released` says, by call, what awards gave back to the envelope.
    """
    held = held_by_call()
    by_fund: dict[UUID, Money] = {}
    for call in db.session.execute(select(Call.id, Call.code, Call.fund_id, Call.committed).order_by(Call.code)):
        expected = held.get(call.id, NOTHING) - (released or {}).get(call.id, NOTHING)
        by_fund[call.fund_id] = by_fund.get(call.fund_id, NOTHING) + expected
        if call.committed != expected:
            yield _(
                "Appel %(code)s : %(committed)s centimes réservés, %(expected)s d’après les avis et les actes.",
                code=call.code, committed=call.committed.cents, expected=expected.cents,
            )  # fmt: skip
    for fund in db.session.execute(select(Fund.id, Fund.code, Fund.committed).order_by(Fund.code)):
        expected = by_fund.get(fund.id, NOTHING)
        if fund.committed != expected:
            yield _(
                "Fonds %(code)s : %(committed)s centimes réservés, %(expected)s d’après les avis et les actes.",
                code=fund.code, committed=fund.committed.cents, expected=expected.cents,
            )  # fmt: skip


def held_by_call(*only: ColumnElement[bool]) -> dict[UUID, Money]:
    """The money reserved in each call: by recommendations until the act, by decisions after it; of `only`, if given."""
    recommended = (
        select(Meeting.call_id, func.sum(Recommendation.amount))
        .join(Meeting, Recommendation.meeting_id == Meeting.id)
        .join(Application, Recommendation.application_id == Application.id)
        .where(Meeting.state.in_((MeetingState.PREPARING, MeetingState.FROZEN)), *only)
        .group_by(Meeting.call_id)
    )
    decided = (
        select(Meeting.call_id, func.sum(Decision.amount))
        .join(Meeting, Decision.meeting_id == Meeting.id)
        .join(Application, Decision.application_id == Application.id)
        .where(or_(Meeting.state == MeetingState.VOTED, Application.state != S.WITHDRAWN), *only)
        .group_by(Meeting.call_id)
    )
    return {call_id: amount for each in (recommended, decided) for call_id, amount in db.session.execute(each)}


# ---- meetings ------------------------------------------------------------------------------------------------------


def hidden_from(actor: Actor) -> ColumnElement[bool]:
    """The applications that do not exist for a person in a meeting: those they have a link with."""
    return Application.id.in_(reviewing.linked_to(actor.id))


def hidden_in(call_id: UUID, actor: Actor) -> frozenset[str]:
    """The ids of the applications of a call that do not exist for a person."""
    found = select(Application.id).where(Application.call_id == call_id, hidden_from(actor))
    return frozenset(str(each) for each in db.session.scalars(found))


def calls_to_decide(actor: Actor) -> Sequence[Any]:
    """The calls with a meeting, or closed with eligible applications; the most recent first.

    Columns: call_id, code, title, title_en, closes_at, meeting_id, meeting_title, held_on, state, eligible,
    recommended, unscreened. Counts leave out what does not exist for the person.
    """
    visible = ~hidden_from(actor)
    eligible = func.count(Application.id).filter(Application.state.in_(RANKED_STATES), visible)
    statement = (
        select(
            Call.id.label("call_id"), Call.code, Call.title, Call.title_en, Call.closes_at,
            Meeting.id.label("meeting_id"), Meeting.title.label("meeting_title"), Meeting.held_on, Meeting.state,
            eligible.label("eligible"),
            func.count(Recommendation.id).filter(Application.state.in_(RANKED_STATES), visible).label("recommended"),
            func.count(Application.id).filter(Application.state.in_(UNSCREENED), visible).label("unscreened"),
        )
        .join(Application, Application.call_id == Call.id, isouter=True)
        .join(Meeting, Meeting.call_id == Call.id, isouter=True)
        .join(Recommendation, Recommendation.application_id == Application.id, isouter=True)
        .where(or_(Meeting.id.is_not(None), and_(Call.state == CallState.OPENED, Call.closes_at < clock.now())))
        .group_by(Call.id, Meeting.id)
        .having(or_(Meeting.id.is_not(None), func.count(Application.id).filter(Application.state == S.ELIGIBLE) > 0))
        .order_by(Call.closes_at.desc(), Call.code)
    )  # fmt: skip
    return db.session.execute(statement).all()


def meeting_of(call_id: UUID) -> Meeting | None:
    """The meeting on a call, if it was prepared."""
    return db.session.scalar(select(Meeting).where(Meeting.call_id == call_id))


def recommendation_of(application_id: UUID) -> Recommendation | None:
    """The committee's recommendation on an application."""
    return db.session.scalar(select(Recommendation).where(Recommendation.application_id == application_id))


def count_of(call_id: UUID, *states: ApplicationState, seen_by: Actor | None = None) -> int:
    """How many applications of a call are in one of some states; for a person, only what exists for them."""
    counted = select(func.count()).where(Application.call_id == call_id, Application.state.in_(states))
    if seen_by is not None:
        counted = counted.where(~hidden_from(seen_by))
    return int(db.session.scalar(counted.select_from(Application)) or 0)


def without_recommendation(call_id: UUID, *, seen_by: Actor | None = None) -> int:
    """On how many eligible applications the committee said nothing yet; for a person, only what exists for them."""
    said = select(Recommendation.id).where(Recommendation.application_id == Application.id).exists()
    statement = select(func.count()).where(Application.call_id == call_id, Application.state == S.ELIGIBLE, ~said)
    if seen_by is not None:
        statement = statement.where(~hidden_from(seen_by))
    return int(db.session.scalar(statement.select_from(Application)) or 0)


def recommendations_of(meeting_id: UUID) -> Sequence[Recommendation]:
    """Every recommendation of a meeting with its application, by reference."""
    statement = (
        select(Recommendation)
        .join(Recommendation.application)
        .where(Recommendation.meeting_id == meeting_id)
        .options(joinedload(Recommendation.application))
        .order_by(Application.reference, Recommendation.id)
    )
    return db.session.scalars(statement).unique().all()


def decisions_of(meeting_id: UUID, actor: Actor | None = None) -> Sequence[Decision]:
    """Every decision of a meeting with its application, by reference; for a person, only what exists for them."""
    statement = (
        select(Decision)
        .join(Decision.application)
        .where(Decision.meeting_id == meeting_id)
        .options(
            joinedload(Decision.application).joinedload(Application.organisation),
            joinedload(Decision.application).joinedload(Application.instrument),
        )
        .order_by(Application.reference, Decision.id)
    )
    if actor is not None:
        statement = statement.where(~hidden_from(actor))
    return db.session.scalars(statement).unique().all()


# ---- the ranking ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class RankingLine:
    """A dossier in the ranking. `result` is None while the reader still owes their own review of it.

    `running` adds up, from the best down, what is recommended (or asked where nothing is yet); `fits` says whether that
    is still within what the meeting can give.
    """

    application_id: UUID
    reference: str
    title: str
    organisation: str
    instrument: str
    state: ApplicationState
    requested: Money
    result: ApplicationResult | None
    place: RankPosition
    verdict: Verdict | None
    recommended: Money | None
    conditions: str
    reason: str
    score_hundredths: int | None
    granted: bool | None
    voted: Money | None
    decided_reason: str
    running: Money
    fits: bool

    @property
    def is_withdrawn(self) -> bool:
        """Whether its association took it back."""
        return self.state is ApplicationState.WITHDRAWN


@dataclass(frozen=True)
class Ranking:
    """What a person sees of a meeting's dossiers and its money; what does not exist for them is nowhere in it.

    `lines` are those that were asked for; numbers and sums are of all the ranked dossiers, as they are stored; so is
    what each of them asks. `hidden` are the ids of the dossiers that do not exist for the person, `owed` those of the
    dossiers whose review they still owe.
    """

    lines: tuple[RankingLine, ...]
    page: Page
    given_up: tuple[RankingLine, ...]
    grid: Grid
    hidden: frozenset[str]
    owed: frozenset[UUID]
    number: int
    done: int
    requested: Money
    recommended: Money
    voted: Money
    is_decided: bool
    call_envelope: Money
    fund_envelope: Money
    held: Money
    elsewhere: Money
    asked: Mapping[UUID, Money]

    @property
    def hides_some(self) -> bool:
        """Whether a dossier of the call does not exist for the person."""
        return bool(self.hidden)

    @property
    def available(self) -> Money:
        """What the meeting can give in all: the call's envelope, or less when the fund has less."""
        return min(self.call_envelope, self.fund_envelope - self.elsewhere)

    @property
    def left(self) -> Money:
        """What is still to give: never more than the call or the fund has."""
        return max(NOTHING, self.available - self.held)

    @property
    def fund_left(self) -> Money:
        """What is left of the fund, all calls together."""
        return max(NOTHING, self.fund_envelope - self.elsewhere - self.held)


def ranking_of(call: Call, actor: Actor, *, at: Places | None = None, about: UUID | None = None) -> Ranking:
    """The dossiers of a call as one person may see them, in a constant number of statements.

    All of them, or those of the page `at` a place, or the one that it is `about`: marks are added up for these alone,
    and for those of the same score, whose order the exact totals decide. Ranks, totals and what is left are those of
    the dossiers that exist for the person, so that nothing can be inferred about the others. A reader who owes a review
    sees neither the score nor the place of that dossier.
    """
    grid = reviewing.grid_of(call.id)
    owed = owed_by(actor, call)
    is_whole = at is None and about is None
    columns = (*_PLACED, *_DETAILS) if is_whole else _PLACED
    rows = db.session.execute(_rows(call.id, columns).where(~hidden_from(actor))).all()
    ranked = [_Placed(row, None if row.id in owed else row.score) for row in rows if row.state in RANKED_STATES]
    ranked.sort(key=lambda each: (each.score is None, -(each.score or 0), each.row.reference or ""))
    part = _part(ranked, at, about)
    stretch = ranked[part.first : part.last]
    results = reviewing.results_of(
        call.id, grid, only=None if is_whole else [each.row.id for each in stretch if each.row.id not in owed]
    )
    shown = {
        each.row.id: results[each.row.id] for each in stretch if each.row.id in results and each.row.id not in owed
    }
    ranks = ranking(shown, grid)
    stretch.sort(key=lambda each: _order(ranks.get(each.row.id), each.row.reference or ""))
    hidden = hidden_money(actor)
    held = call.committed - hidden.get(call.id, NOTHING)
    elsewhere = call.fund.committed - sum(hidden.values(), NOTHING) - held
    available = min(call.envelope, call.fund.envelope - elsewhere)
    page = part.of(stretch, len(ranked))
    given_up = [row for row in rows if row.state is S.WITHDRAWN and row.verdict is not None]
    if is_whole:
        full = {row.id: row for row in rows}
    else:
        wanted = [*(each.row.id for each in page.rows), *(row.id for row in given_up)]
        detailed = db.session.execute(_rows(call.id, (*_PLACED, *_DETAILS)).where(Application.id.in_(wanted)))
        full = {row.id: row for row in detailed}
    asked: dict[UUID, Money] = {each.row.id: each.row.requested for each in ranked}
    lines, running = {}, sum((each.counted for each in ranked[: part.first]), NOTHING)
    for each in stretch:
        running += each.counted
        place = ranks.get(each.row.id, RankPosition(None, None)).after(part.first)
        if each.row.id in full:
            lines[each.row.id] = _line(
                full[each.row.id], shown.get(each.row.id), place, running, fits=not each.counted or running <= available
            )
    return Ranking(
        lines=tuple(lines[each.row.id] for each in page.rows),
        page=page,
        given_up=tuple(_line(full[row.id], None, RankPosition(None, None), NOTHING, fits=True) for row in given_up),
        grid=grid,
        hidden=hidden_in(call.id, actor),
        owed=frozenset(owed),
        number=len(ranked),
        done=sum(each.row.verdict is not None for each in ranked),
        requested=sum(asked.values(), NOTHING),
        recommended=sum((each.row.recommended or NOTHING for each in ranked), NOTHING),
        voted=sum((each.row.voted or NOTHING for each in ranked), NOTHING),
        is_decided=any(each.row.granted is not None for each in ranked),
        call_envelope=call.envelope,
        fund_envelope=call.fund.envelope,
        held=held,
        elsewhere=elsewhere,
        asked=asked,
    )


class _PlacedRow(Protocol):
    """The columns of `_PLACED`."""

    id: UUID
    reference: str | None
    state: ApplicationState
    requested: Money
    score: int | None
    verdict: Verdict | None
    recommended: Money | None
    granted: bool | None
    voted: Money | None


@dataclass(frozen=True)
class _Placed:
    """A dossier in the order of the scores that are stored, `score` None for who may not see it."""

    row: _PlacedRow
    score: int | None

    @property
    def counted(self) -> Money:
        """What it counts in the running sum: what was voted, else what is recommended, else what it asks."""
        counted = self.row.voted if self.row.granted is not None else self.row.recommended
        return self.row.requested if counted is None else counted


@dataclass(frozen=True)
class _Slice:
    """The stretch of a ranking that has to be ordered exactly (`first` to `last`), and what of it is shown."""

    first: int
    last: int
    after: UUID | None = None
    before: UUID | None = None
    about: UUID | None = None
    size: int | None = None

    def of(self, stretch: Sequence[_Placed], number: int) -> Page:
        """What is shown, once the stretch is in its exact order."""
        ids = [each.row.id for each in stretch]
        start, end = 0, len(stretch)
        if self.about is not None:
            start = ids.index(self.about) if self.about in ids else end
            return Page(stretch[start : start + 1])
        if self.size is None:
            return Page(stretch)
        if self.after is not None:
            start = ids.index(self.after) + 1
        elif self.before is not None:
            start = max(0, ids.index(self.before) - self.size)
        end = min(end, start + self.size)
        rows = stretch[start:end]
        has_more, has_less = self.first + end < number, self.first + start > 0
        following = cursor([rows[-1].row.id]) if rows and has_more else None
        return Page(rows, following, cursor([rows[0].row.id]) if rows and has_less else None)


def _part(ranked: Sequence[_Placed], at: Places | None, about: UUID | None) -> _Slice:
    """Which stretch holds what is asked for, widened to whole groups of equal scores."""
    index = {each.row.id: place for place, each in enumerate(ranked)}
    if about is not None:
        place = index.get(about, 0)
        return _Slice(*_widened(ranked, place, min(place + 1, len(ranked))), about=about)
    if at is None:
        return _Slice(0, len(ranked))
    order = Order(Application.id)
    after, before = (found[0] if (found := order.read(text)) else None for text in (at["after"], at["before"]))
    if after in index:
        first, last = _widened(ranked, index[after], index[after] + 1)
        return _Slice(*_widened(ranked, first, min(last + PAGE, len(ranked))), after=after, size=PAGE)
    if before in index:
        first, last = _widened(ranked, index[before], index[before] + 1)
        return _Slice(*_widened(ranked, max(0, first - PAGE), last), before=before, size=PAGE)
    return _Slice(*_widened(ranked, 0, min(PAGE, len(ranked))), size=PAGE)


def _widened(ranked: Sequence[_Placed], first: int, last: int) -> tuple[int, int]:
    """A stretch that parts no group of equal scores; dossiers without a score follow by reference, as they stand."""
    while 0 < first < last and ranked[first].score is not None and ranked[first - 1].score == ranked[first].score:
        first -= 1
    while 0 < last < len(ranked) and ranked[last].score is not None and ranked[last].score == ranked[last - 1].score:
        last += 1
    return first, last


_PLACED: tuple[Any, ...] = (
    Application.id, Application.reference, Application.state, Application.requested, Standing.score,
    Recommendation.verdict, Recommendation.amount.label("recommended"),
    Decision.granted, Decision.amount.label("voted"),
)  # fmt: skip
_DETAILS: tuple[Any, ...] = (
    Application.title, Organisation.name.label("organisation"), Instrument.name, Instrument.name_en,
    Recommendation.conditions, Recommendation.reason, Recommendation.score_hundredths,
    Decision.reason.label("decided_reason"),
)  # fmt: skip


def _rows(call_id: UUID, columns: Sequence[Any]) -> Any:
    """Some columns of the dossiers of a meeting, ranked or given up."""
    found = (
        select(*columns)
        .select_from(Application)
        .join(Recommendation, Recommendation.application_id == Application.id, isouter=True)
        .join(Decision, Decision.application_id == Application.id, isouter=True)
        .join(Standing, Standing.application_id == Application.id, isouter=True)
        .where(Application.call_id == call_id, Application.state.in_((*RANKED_STATES, S.WITHDRAWN)))
        .order_by(Application.reference, Application.id)
    )
    if len(columns) > len(_PLACED):
        found = found.join(Organisation, Application.organisation_id == Organisation.id).join(
            Instrument, Application.instrument_id == Instrument.id
        )
    return found


def _line(
    row: Row[Any], result: ApplicationResult | None, place: RankPosition, running: Money, *, fits: bool
) -> RankingLine:
    return RankingLine(
        application_id=row.id,
        reference=row.reference or "",
        title=row.title,
        organisation=row.organisation,
        instrument=in_words_of(row, "name"),
        state=row.state,
        requested=row.requested,
        result=result,
        place=place,
        verdict=row.verdict,
        recommended=row.recommended,
        conditions=row.conditions or "",
        reason=row.reason or "",
        score_hundredths=row.score_hundredths,
        granted=row.granted,
        voted=row.voted,
        decided_reason=row.decided_reason or "",
        running=running,
        fits=fits,
    )


def _order(place: RankPosition | None, reference: str) -> tuple[bool, int, str]:
    """Best first; what the tie-break cannot part, and what has no score, by reference."""
    order = place.order if place is not None else None
    return order is None, order or 0, reference


# ---- expected ranks ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class CalibrationShown:
    """A calibration as a person may see it, and whether what it was made from is still so."""

    calibration: Calibration
    ranks: Ranks
    is_current: bool


def why_not_calibrated(meeting: Meeting, owed: Collection[UUID]) -> Text | None:
    """None when who owes these reviews may see the expected ranks of a meeting and ask for them, else the reason."""
    if not meeting.calibrated:
        return _l("Cette séance ne montre pas le rang attendu.")
    if owed:
        return _l("Le rang attendu est visible quand toutes vos évaluations de cet appel sont envoyées.")
    return None


def calibration_of(meeting: Meeting, ranking: Ranking, actor: Actor) -> CalibrationShown | None:
    """The last calibration among the very dossiers that exist for a person, in this call and the others, whose money
    counts too; of no other, which would tell of what is hidden from them."""
    found = db.session.scalar(
        select(Calibration)
        .where(Calibration.meeting_id == meeting.id, Calibration.hidden == hidden_digest(ranking, actor))
        .order_by(Calibration.made_at.desc(), Calibration.id)
        .limit(1)
    )
    if found is None:
        return None
    is_current = found.basis == basis_of(meeting.call, ranking, actor)
    return CalibrationShown(found, Ranks.read(found.content), is_current)


def hidden_digest(ranking: Ranking, actor: Actor) -> str:
    """The digest of the dossiers that do not exist for a person, in a call and elsewhere."""
    return sha256(canonical(sorted(ranking.hidden | set(map(str, hidden_dossiers(actor))))))


def basis_of(call: Call, ranking: Ranking, actor: Actor) -> str:
    """The digest of what expected ranks depend on: dossiers, what they ask, the money, the reviews sent and when."""
    sent = (
        select(Assignment.id, Assignment.submitted_at)
        .join(Application, Assignment.application_id == Application.id)
        .where(Application.call_id == call.id, Application.state.in_(RANKED_STATES), ~hidden_from(actor))
        .where(*reviewing.counted())
    )
    reviews = sorted((str(key), str(at)) for key, at in db.session.execute(sent))
    asked = sorted((str(key), amount.cents) for key, amount in ranking.asked.items())
    return sha256(canonical([asked, ranking.available.cents, reviews]))


def owed_by(actor: Actor, call: Call) -> set[UUID]:
    """The dossiers of a call whose score the person may not see yet: their own review is still to come."""
    if actor.id is None or call.marks_frozen_at is not None:
        return set()
    statement = (
        select(Assignment.application_id)
        .join(Application, Assignment.application_id == Application.id)
        .where(Assignment.reviewer_id == actor.id, Assignment.state.in_(PENDING), Application.call_id == call.id)
    )
    return set(db.session.scalars(statement))


# ---- one dossier ---------------------------------------------------------------------------------------------------


def reviews_of(application_id: UUID) -> Sequence[Any]:
    """The counted reviews of a dossier for the committee: reviewer, committee_comment, applicant_comment."""
    statement = (
        select(Account.name.label("reviewer"), Assignment.committee_comment, Assignment.applicant_comment)
        .join(Account, Assignment.reviewer_id == Account.id)
        .where(Assignment.application_id == application_id, *reviewing.counted())
        .order_by(Account.sort_key, Assignment.id)
    )
    return db.session.execute(statement).all()


def comments_for_applicant(application_id: UUID) -> list[str]:
    """What reviewers wrote for the applicant, without names, in an order that tells nothing about who wrote."""
    written = db.session.scalars(
        select(Assignment.applicant_comment)
        .where(Assignment.application_id == application_id, *reviewing.counted(), Assignment.applicant_comment != "")
        .order_by(Assignment.id)
    )
    return list(dict.fromkeys(" ".join(comment.split()) for comment in written))


def block_titles(call_id: UUID) -> dict[str, str]:
    """The titles of a call's blocks of criteria by code, in the reader's language and the grid's order."""
    rows = db.session.execute(
        select(Block.code, Block.title, Block.title_en).where(Block.call_id == call_id).order_by(Block.position)
    )
    return {row.code: in_words_of(row, "title") for row in rows}


def minimum_of(application: Application) -> Money:
    """The least amount the call's instrument gives."""
    found = db.session.scalar(
        select(CallInstrument.minimum).where(
            CallInstrument.call_id == application.call_id, CallInstrument.instrument_id == application.instrument_id
        )
    )
    return found or NOTHING


def recusals_of(call_id: UUID, actor: Actor) -> dict[UUID, list[str]]:
    """Who declared a link, by ranked application, for the minutes; names in French order."""
    statement = (
        select(Interest.application_id, Account.name, Account.sort_key)
        .join(Account, Interest.account_id == Account.id)
        .join(Application, Interest.application_id == Application.id)
        .where(
            Application.call_id == call_id,
            Application.state.in_(RANKED_STATES),
            Interest.nature != InterestNature.NONE,
            ~hidden_from(actor),
        )
        .distinct()
        .order_by(Account.sort_key, Account.name)
    )
    found: dict[UUID, list[str]] = {}
    for row in db.session.execute(statement):
        found.setdefault(row.application_id, []).append(row.name)
    return found


@dataclass(frozen=True)
class Reader:
    """Who receives the letter of an application, and in which language."""

    email: str
    locale: str


def reader_of(application: Application) -> Reader | None:
    """The author, to the address used for the filing, or the first responsible member when the author left."""
    statement = (
        select(Account.id, Account.email, Account.locale)
        .join(Membership, Membership.account_id == Account.id)
        .where(Membership.organisation_id == application.organisation_id, Account.active)
        .order_by((Account.id != application.author_id), (Membership.role != "owner"), Membership.since_at, Account.id)
    )
    row = db.session.execute(statement.limit(1)).first()
    return Reader(row.email, row.locale) if row is not None else None


@dataclass(frozen=True)
class LetterFacts:
    """What a letter says beyond the decision itself."""

    organisation: Organisation
    call: Call
    fund: Fund
    instrument: Instrument
    is_advance: bool
    is_economic: bool
    submitted_at: datetime | None
    ends_on: date | None


def facts_of(application: Application) -> LetterFacts:
    """The facts of a submitted application; `is_economic` is what the applicant declared.

    Raises LookupError for an application without an instrument, which no submitted one is.
    """
    instrument = application.instrument
    if instrument is None:
        raise LookupError(f"application {application.id} has no instrument")
    economic = db.session.scalar(
        select(Answer.value)
        .join(Question, Answer.question_id == Question.id)
        .where(Answer.application_id == application.id, Question.code == ECONOMIC_ACTIVITY)
    )
    return LetterFacts(
        organisation=application.organisation,
        call=application.call,
        fund=application.call.fund,
        instrument=instrument,
        is_advance=instrument.form is FundingForm.REPAYABLE_ADVANCE,
        is_economic=economic == "yes",
        submitted_at=application.submitted_at,
        ends_on=application.ends_on,
    )
