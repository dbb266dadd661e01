"""One award: its agreement, instalments, ledger, and what its beneficiary receives in a year."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, case, exists, extract, func, or_, select
from sqlalchemy.orm import joinedload

from grants.applications.lifecycle import ApplicationState
from grants.applications.models import Allocation, Application, AxisShare, Dimension
from grants.awards import rules
from grants.awards.models import Agreement, Amendment, Award, Instalment, LedgerEntry
from grants.awards.queries.states import STILL_OPEN, ZERO, Found
from grants.awards.rules import AgreementNeed
from grants.calls.models import Call
from grants.deliberation.lifecycle import MeetingState
from grants.deliberation.models import Decision, Meeting
from grants.kernel import clock
from grants.kernel.actor import Actor
from grants.kernel.db import db
from grants.kernel.journal import Entry
from grants.kernel.money import Money
from grants.kernel.transaction_cache import cached_in_transaction
from grants.people.models import Account
from grants.programme import queries as programme
from grants.programme.models import Axis, FundingForm
from grants.reviewing import queries as reviewing


def decisions_without_award(by: Actor) -> Sequence[Decision]:
    """Granted and published decisions that no award was opened for yet, as far as the person may know them.

    A dossier withdrawn between the act and its publication is none: its money went back to the envelope.
    """
    statement = (
        select(Decision)
        .join(Meeting)
        .join(Application, Decision.application_id == Application.id)
        .outerjoin(Award, Award.decision_id == Decision.id)
        .where(Decision.granted, Meeting.state == MeetingState.PUBLISHED, Award.id.is_(None))
        .where(Application.state == ApplicationState.AWARDED)
        .where(Decision.application_id.not_in(reviewing.linked_to(by.id)))
        .options(joinedload(Decision.meeting), joinedload(Decision.application).joinedload(Application.organisation))
        .order_by(Decision.decided_at, Decision.id)
    )
    return db.session.scalars(statement).all()


@dataclass(frozen=True)
class Counted:
    """An amount that counts towards the yearly threshold of a body; without a name when the reader may not know it."""

    reference: str | None
    title: str | None
    amount: Money
    act_on: date
    award_id: UUID | None


def granted_in_year(organisation_id: UUID, year: int, by: Actor) -> list[Counted]:
    """What acts of a calendar year granted to a body, award opened or not, by the day of the act.

    What a person has a link with counts once it is published, without its name.
    """
    hidden = Application.id.in_(reviewing.linked_to(by.id))
    rows = db.session.execute(
        select(
            Application.reference, Application.title, Decision.amount, Meeting.act_on, Award.id,
            hidden.label("hidden"),
        )
        .join(Decision, Decision.application_id == Application.id)
        .join(Meeting, Meeting.id == Decision.meeting_id)
        .outerjoin(Award, Award.decision_id == Decision.id)
        .where(Application.organisation_id == organisation_id, *_acts_of(year))
        .where(or_(~hidden, Meeting.state == MeetingState.PUBLISHED))
        .order_by(Meeting.act_on, Application.reference)
    )  # fmt: skip
    return [
        Counted(None, None, row.amount, row.act_on, None)
        if row.hidden
        else Counted(row.reference, row.title, row.amount, row.act_on, row.id)
        for row in rows
    ]


def _acts_of(year: int) -> tuple[ColumnElement[bool], ...]:
    return Decision.granted.is_(True), Meeting.act_on >= date(year, 1, 1), Meeting.act_on <= date(year, 12, 31)


def received_in_year(organisation_id: UUID, year: int) -> Money:
    """What acts of a calendar year granted to a body, all awards together."""
    granted = granted_by_year(frozenset({organisation_id})).get((organisation_id, year))
    return granted[0] if granted else ZERO


def granted_by_year(organisation_ids: frozenset[UUID]) -> dict[tuple[UUID, int], tuple[Money, date]]:
    """What acts granted to some bodies in each calendar year, and the day of the first; asked once in a transaction."""
    year = extract("year", Meeting.act_on)
    statement = (
        select(
            Application.organisation_id, year.label("year"), func.sum(Decision.amount).label("total"),
            func.min(Meeting.act_on).label("first_on"),
        )
        .join(Decision, Decision.application_id == Application.id)
        .join(Meeting, Meeting.id == Decision.meeting_id)
        .where(Application.organisation_id.in_(organisation_ids), Decision.granted, Meeting.act_on.is_not(None))
        .group_by(Application.organisation_id, year)
    )  # fmt: skip
    return cached_in_transaction(
        ("granted", organisation_ids),
        lambda: {
            (row.organisation_id, int(row.year)): (row.total, row.first_on) for row in db.session.execute(statement)
        },
    )


def is_advance(award: Award) -> bool:
    """Whether the award is to be repaid."""
    instrument = award.application.instrument
    return instrument is not None and instrument.form is FundingForm.REPAYABLE_ADVANCE


def act_day(award: Award) -> date:
    """The day of the act that gave the award."""
    return award.decision.meeting.act_on or clock.today()


def agreement_need(award: Award) -> AgreementNeed:
    """Whether an agreement is due, by the law of the day of the act."""
    on = act_day(award)
    threshold = threshold_on(on)
    received = received_in_year(award.organisation_id, on.year)
    return rules.agreement_need(received, threshold, is_advance=is_advance(award))


def threshold_on(on: date) -> Money:
    """The yearly total above which an agreement is due, on a day."""
    return Money.euros(programme.law_number("agreement_threshold", on))


def load_surroundings(award: Award) -> None:
    """Read in one statement what pages and papers tell of an award: its act, its application, its organisation."""
    application, decision = joinedload(Award.application), joinedload(Award.decision)
    about = (
        application.joinedload(Application.instrument),
        application.joinedload(Application.call).joinedload(Call.fund),
        decision.joinedload(Decision.meeting),
        joinedload(Award.organisation),
    )
    db.session.scalars(select(Award).where(Award.id == award.id).options(*about)).one()


def agreement_of(award_id: UUID) -> Agreement | None:
    """The agreement of an award, with its file."""
    found = select(Agreement).where(Agreement.award_id == award_id)
    return db.session.scalar(found.options(joinedload(Agreement.file)))


def instalments_of(award_id: UUID) -> Sequence[Instalment]:
    """The instalments of an award, in order; asked once in a transaction."""
    statement = select(Instalment).where(Instalment.award_id == award_id).order_by(Instalment.position)
    return cached_in_transaction(("instalments", award_id), lambda: db.session.scalars(statement).all())


def schedule_engaged_on(award: Award) -> date | None:
    """Since when an amendment alone changes the schedule of payments: None while it is free.

    The day of the signature; without an agreement, the day of the engagement once there are instalments.
    """
    agreement = agreement_of(award.id)
    if agreement is not None and agreement.signed_on is not None:
        return agreement.signed_on
    return award.engaged_on if instalments_of(award.id) else None


def open_instalments(award_id: UUID) -> Sequence[Instalment]:
    """Instalments not ordered yet and not cancelled."""
    return [row for row in instalments_of(award_id) if row.state in STILL_OPEN]


def weights_of(application_id: UUID) -> dict[Dimension, list[tuple[UUID | None, int]]]:
    """The weights by which an application's euros are read, by dimension, in a stable order."""
    rows = db.session.execute(
        select(Allocation.dimension, Allocation.key_id, Allocation.weight)
        .where(Allocation.application_id == application_id)
        .order_by(Allocation.id)
    )
    weights: dict[Dimension, list[tuple[UUID | None, int]]] = {}
    for row in rows:
        weights.setdefault(row.dimension, []).append((row.key_id, row.weight))
    return weights


def ledger_of(award_id: UUID) -> Sequence[Found]:
    """The ledger lines of an award, oldest first: kind, amount, day, when and by whom written, instalment, reason.

    The number is that of the order now, corrected or not; for an order that came back, the one its line says.
    """
    return db.session.execute(
        select(
            LedgerEntry.kind, LedgerEntry.amount, LedgerEntry.day, LedgerEntry.written_at, Account.name,
            Instalment.label, LedgerEntry.reason, LedgerEntry.ground,
            case((LedgerEntry.attempt == Instalment.attempt, Instalment.order_number), else_=LedgerEntry.number)
            .label("order_number"),
        )
        .outerjoin(Account, Account.id == LedgerEntry.written_by)
        .outerjoin(Instalment, Instalment.id == LedgerEntry.instalment_id)
        .where(LedgerEntry.award_id == award_id)
        .order_by(LedgerEntry.id)
    ).all()  # fmt: skip


def last_line(subject: Any) -> Entry | None:
    """The latest journal line about a thing."""
    return db.session.scalar(select(Entry).where(Entry.subject_id == subject.id).order_by(Entry.seq.desc()).limit(1))


def names_of(account_ids: Iterable[UUID | None]) -> dict[UUID, str]:
    """The names of people, by id, in one statement."""
    wanted = {account_id for account_id in account_ids if account_id is not None}
    return {
        row.id: row.name for row in db.session.execute(select(Account.id, Account.name).where(Account.id.in_(wanted)))
    }


def shares_of(application_ids: Iterable[UUID]) -> dict[UUID, list[tuple[Axis, int]]]:
    """The shares by axis of some applications, in one statement."""
    rows = db.session.execute(
        select(AxisShare.application_id, Axis, AxisShare.percent)
        .join(Axis, Axis.id == AxisShare.axis_id)
        .where(AxisShare.application_id.in_(list(application_ids)))
        .order_by(AxisShare.application_id, Axis.position)
    )
    shares: dict[UUID, list[tuple[Axis, int]]] = {}
    for row in rows:
        shares.setdefault(row.application_id, []).append((row.Axis, row.percent))
    return shares


def is_amendment_known(award_id: UUID, number: str) -> bool:
    """Whether an amendment of this number was recorded for an award."""
    return bool(db.session.scalar(select(exists().where(Amendment.award_id == award_id, Amendment.number == number))))


def amendments_of(award_id: UUID) -> Sequence[Amendment]:
    """The amendments of an award's agreement, the first recorded first."""
    statement = select(Amendment).where(Amendment.award_id == award_id)
    return db.session.scalars(statement.order_by(Amendment.written_at, Amendment.id)).all()
