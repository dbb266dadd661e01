"""Background jobs: what takes longer than a person should wait is done by the worker, under a lease.

A package registers what it can do as a `JobKind`. A person asks for it; the worker does it with their rights of that
moment and tells how far it is; the file it makes is kept for them alone, for some days.
"""

import json
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field, is_dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import IO, Any, Generic, TypeVar, cast, get_type_hints
from uuid import UUID, uuid4

from flask import current_app
from sqlalchemy import CheckConstraint, Integer, Row, String, Table, Text, delete, func, or_, select, text, update
from sqlalchemy.orm import Mapped, mapped_column

from grants.kernel import access, clock, files, journal
from grants.kernel.actor import Actor, system
from grants.kernel.db import Keyed, Model, access_mode, db, text_enum, unit_of_work
from grants.kernel.errors import AppError, ForbiddenError, MissingError, RefusedError, ThrottledError
from grants.kernel.machine import StatusWord
from grants.kernel.machine import Text as Words
from grants.kernel.papers import canonical, sha256
from grants.kernel.words import LANGUAGES, _, _l, force_locale, language

LEASE = timedelta(minutes=2)  # without a sign of life for so long, a job is taken by another worker
LONGEST_WAIT = timedelta(hours=1)  # a lease beyond it was taken before the clock went back
MAX_ATTEMPTS = 3
MOST = 3  # jobs of one person that wait or run
MOST_STORED = 20  # jobs of one person, results included; the oldest makes room
RETENTION = timedelta(days=7)
SETTLING = timedelta(hours=1)  # how long a result may be on its way before one without a row is destroyed
PULSE = 1.0  # seconds between two signs of life
GROUP = "results"
BY = system("travaux")
Arguments = TypeVar("Arguments")
Of = TypeVar("Of")


class JobState(StrEnum):
    """Where a job stands."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


UNDER_WAY = frozenset({JobState.WAITING, JobState.RUNNING})
STATUS = {
    JobState.WAITING: StatusWord(_l("En attente"), "neutral", "waiting"),
    JobState.RUNNING: StatusWord(_l("En cours"), "info", "running"),
    JobState.DONE: StatusWord(_l("Prêt"), "good", "done"),
    JobState.FAILED: StatusWord(_l("Pas abouti"), "bad", "failed"),
    JobState.CANCELLED: StatusWord(_l("Annulé"), "neutral", "cancelled"),
}
BROKEN = _l(
    "Une erreur imprévue a interrompu la préparation. Réessayez ; si cela se reproduit, prévenez l’administration."
)
INTERRUPTED = _l("La préparation a été interrompue plusieurs fois. Réessayez plus tard.")
UNKNOWN = _l("Cette préparation n’existe plus dans cette version du service.")
ACCOUNT_CLOSED = _l("Ce compte est fermé.")
CHANGED = _l(
    "Vos fonctions, vos organisations ou vos liens d’intérêt ont changé depuis que ce fichier a été préparé : "
    "demandez-le de nouveau."
)


class Job(Keyed, Model):
    """One thing that was asked for, where it stands, and its result.

    `arguments` is canonical JSON. `lease` names the worker that has it until `lease_until`; of a job that waits,
    `lease_until` tells when it may be tried again. `total` is None while nobody has counted. `error` is JSON, the
    reason by language. `standing` is the digest of the offices and links of the person when the result was made. The
    result is kept in the file store under `place`, until `until`.
    """

    __tablename__ = "job"
    __table_args__ = (
        CheckConstraint(
            "state <> 'done' OR (place IS NOT NULL AND name IS NOT NULL AND size IS NOT NULL AND sha256 IS NOT NULL "
            "AND standing IS NOT NULL)",
            name="done_has_its_result",
        ),
        CheckConstraint("state <> 'failed' OR error IS NOT NULL", name="failed_says_why"),
        CheckConstraint("(state = 'running') = (lease IS NOT NULL)", name="running_is_leased"),
    )

    kind: Mapped[str] = mapped_column(String(60))
    account_id: Mapped[UUID] = mapped_column(index=True)
    locale: Mapped[str] = mapped_column(String(2))
    arguments: Mapped[str] = mapped_column(Text)
    state: Mapped[JobState] = mapped_column(text_enum(JobState), default=JobState.WAITING, index=True)
    asked_at: Mapped[datetime]
    done: Mapped[int] = mapped_column(Integer, default=0)
    total: Mapped[int | None]
    attempts: Mapped[int] = mapped_column(default=0)
    lease: Mapped[UUID | None]
    lease_until: Mapped[datetime | None]
    until: Mapped[datetime] = mapped_column(index=True)
    error: Mapped[str | None] = mapped_column(Text)
    standing: Mapped[str | None] = mapped_column(String(64))
    name: Mapped[str | None] = mapped_column(String(200))
    size: Mapped[int | None]
    sha256: Mapped[str | None] = mapped_column(String(64))
    place: Mapped[str | None] = mapped_column(String(80), unique=True)

    @property
    def status(self) -> StatusWord:
        """The word and tone of its state."""
        return STATUS[self.state]

    @property
    def is_under_way(self) -> bool:
        """Whether it waits or runs."""
        return self.state in UNDER_WAY

    @property
    def is_running(self) -> bool:
        """Whether a worker makes it."""
        return self.state is JobState.RUNNING

    @property
    def is_done(self) -> bool:
        """Whether its result can be downloaded."""
        return self.state is JobState.DONE

    @property
    def label(self) -> Words:
        """What it makes."""
        return label_of(self.kind)

    @property
    def page(self) -> str:
        """The endpoint of the page that shows its result, by `job_id`; empty when the result is a file to take away."""
        known = _kinds.get(self.kind)
        return known.page if known else ""


# Written to as a table by the worker: each statement says which state and lease it expects.
_JOBS = cast(Table, Job.__table__)


# ---- what can be done ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class JobKind(Generic[Arguments]):
    """Something that can be asked for: its label, the permission of whoever asks, what it is told, how it is made.

    `arguments` is a dataclass of texts, numbers, ticks and days, and of numbers by name. `make` writes the result into
    `work.file` and gives the name of the file; it only reads the database, and may be begun again from nothing. `page`
    is the endpoint that shows the result, for a result that is no file for people. What is to be kept in the database
    besides goes into `work.at_the_end`.
    """

    name: str
    label: Words
    permission: StrEnum
    arguments: type[Arguments]
    make: Callable[["Work[Arguments]"], str]
    page: str = ""


@dataclass
class Work(Generic[Arguments]):
    """A job under way, as its kind sees it: for whom, with which arguments, and where the result is written.

    `at_the_end` writes to the database in the transaction that ends the job: once, and only if it is still held.
    """

    actor: Actor
    arguments: Arguments
    file: IO[bytes]
    sign_of_life: Callable[[int, int | None], None]
    total: int | None = None
    at_the_end: Callable[[], None] = lambda: None
    _last: float = field(default=0.0, init=False)

    def counted(self, rows: Iterable[Of]) -> Iterator[Of]:
        """The rows one by one, telling how many were taken; ends the job when it was cancelled meanwhile."""
        number = 0
        self._tell(number)
        for number, row in enumerate(rows, start=1):
            yield row
            if time.monotonic() - self._last >= PULSE:
                self._tell(number)
        self._tell(number)

    def _tell(self, done: int) -> None:
        self.sign_of_life(done, self.total)
        self._last = time.monotonic()


_kinds: dict[str, JobKind[Any]] = {}


def label_of(kind: str) -> Words:
    """What a kind of job makes; its name where no package registers it now."""
    known = _kinds.get(kind)
    return known.label if known else kind


def register(kind: JobKind[Arguments]) -> JobKind[Arguments]:
    """Let a kind be asked for. Raises ValueError for arguments that are no dataclass, and for a name taken twice."""
    if not is_dataclass(kind.arguments) or kind.name in _kinds:
        raise ValueError(kind.name)
    _kinds[kind.name] = kind
    return kind


def kind_of(name: str) -> JobKind[Any]:
    """The kind of a name. Raises RefusedError when this version of the service has none."""
    if name not in _kinds:
        raise RefusedError(str(UNKNOWN))
    return _kinds[name]


def _typed(kind: JobKind[Arguments], text: str) -> Arguments:
    """The arguments as they were asked with. Raises FailedError when the kind takes others by now."""
    hints = get_type_hints(kind.arguments)
    days = {name for name, hint in hints.items() if hint in {date, date | None}}
    values = json.loads(text)
    read = {name: date.fromisoformat(value) if name in days and value else value for name, value in values.items()}
    try:
        return kind.arguments(**read)
    except TypeError as error:
        raise FailedError(UNKNOWN) from error


# ---- for the person ------------------------------------------------------------------------------------------------


def ask(kind: JobKind[Arguments], arguments: Arguments, *, by: Actor) -> Job:
    """Put a job in the queue, in the transaction of the request.

    Raises ForbiddenError without the permission of the kind, ThrottledError when MOST of the person's are under way.
    """
    job = Job(
        id=uuid4(), kind=kind.name, account_id=_allowed(kind, by), locale=language(),
        arguments=canonical(asdict(cast(Any, arguments))), asked_at=clock.now(), until=clock.now() + RETENTION,
    )  # fmt: skip
    _make_room(job)
    db.session.add(job)
    journal.record("job.asked", job, by=by, kind=kind.name)
    return job


def _allowed(kind: JobKind[Any], who: Actor) -> UUID:
    """The account of somebody who may have the kind made. Raises ForbiddenError with the reason."""
    reason = access.why_not(kind.permission, None, who)
    if who.id is None or reason is not None:
        raise ForbiddenError(str(reason or access.NOT_YOURS))
    return who.id


def _make_room(job: Job) -> None:
    """Forget a person's oldest jobs beside one, beyond MOST_STORED; raises ThrottledError when MOST are under way.

    Requests of one person made at the same moment are counted one after the other.
    """
    if db.session.get_bind().dialect.name == "postgresql":
        key = int.from_bytes(job.account_id.bytes[:8], signed=True)
        db.session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": key})
    theirs = db.session.scalars(_of(job.account_id).where(Job.id != job.id)).all()
    if sum(other.is_under_way for other in theirs) >= MOST:
        words = _("Vous avez déjà %(most)s fichiers en préparation. Attendez l’un d’eux, ou annulez-le.", most=MOST)
        raise ThrottledError(words, retry_after=60)
    for over in [other for other in theirs if not other.is_under_way][MOST_STORED - 1 :]:
        db.session.delete(over)


def _of(account_id: UUID | None) -> Any:
    return select(Job).where(Job.account_id == account_id).order_by(Job.asked_at.desc(), Job.id)


def of_person(who: Actor) -> list[Job]:
    """The jobs a person asked for and that are still kept, the latest first."""
    return list(db.session.scalars(_of(who.id).where(or_(Job.until > clock.now(), Job.state.in_(UNDER_WAY)))))


def cancel(job: Job, *, by: Actor) -> None:
    """Stop a job: one that waits is not begun, one that runs is given up at its next sign of life.

    Raises RefusedError when it is over.
    """
    db.session.refresh(job, with_for_update=True)
    if not job.is_under_way:
        raise RefusedError(_("Cette préparation est déjà terminée : il n’y a plus rien à annuler."))
    job.state, job.lease, job.lease_until = JobState.CANCELLED, None, None
    journal.record("job.cancelled", job, by=by, kind=job.kind)


def retry(job: Job, *, by: Actor) -> None:
    """Put a job that failed or was cancelled in the queue again, as it was asked.

    Raises RefusedError in another state, and as `ask` does.
    """
    db.session.refresh(job, with_for_update=True)
    if job.state not in {JobState.FAILED, JobState.CANCELLED}:
        raise RefusedError(_("Cette préparation n’est pas à reprendre."))
    _allowed(kind_of(job.kind), by)
    _make_room(job)
    job.state, job.attempts, job.done, job.total, job.error = JobState.WAITING, 0, 0, None, None
    job.asked_at, job.until, job.lease_until = clock.now(), clock.now() + RETENTION, None
    journal.record("job.retried", job, by=by, kind=job.kind)


def why_not_given(who: Actor, job: Job) -> Words | None:
    """Why the result of a job is not given to whoever asked for it, or None: their rights are those of now, and what is
    kept from them is what was kept from them when it was made."""
    kind = _kinds.get(job.kind)
    reason = access.why_not(kind.permission, None, who) if kind else UNKNOWN
    if reason is not None or job.state is not JobState.DONE:
        return reason
    return CHANGED if job.standing != standing_of(who) else None


def standing_of(who: Actor) -> str:
    """The digest of what a result depends on besides the data: offices, organisations, and the dossiers kept from the
    person."""
    hidden, theirs = access.hidden_dossiers(who), who.organisations
    return sha256(canonical([sorted(who.roles), sorted(map(str, hidden)), sorted(map(str, theirs))]))


@dataclass(frozen=True)
class JobResult:
    """What a job made: a stream of its bytes, to be closed, the name of the file, and how many bytes they are."""

    content: IO[bytes]
    name: str
    size: int


def result(job: Job) -> JobResult:
    """What a job made. Raises MissingError when there is nothing or its time is over, RefusedError when the store has
    other bytes than were made."""
    if job.place is None or job.name is None or job.size is None or job.until <= clock.now():
        raise MissingError
    store = files.store()
    try:
        if store.digest(job.place) != job.sha256:
            raise RefusedError(_("Ce fichier a été altéré : il n’est plus remis. Demandez-le de nouveau."))
        return JobResult(store.open(job.place), job.name, job.size)
    except FileNotFoundError as error:
        raise MissingError from error


def reason_of(job: Job) -> str:
    """Why a job failed, in the reader's language; empty for one that did not."""
    return str(json.loads(job.error)[language()]) if job.error else ""


# ---- for the worker ------------------------------------------------------------------------------------------------


class FailedError(Exception):
    """The job cannot be done, for a reason that its page tells in the language of its reader."""

    def __init__(self, reason: Words) -> None:
        super().__init__(str(reason))
        self.reason = reason


class _GivenUpError(Exception):
    """The job is no longer this worker's: cancelled, or taken by another after the lease lapsed."""


class _StoppingError(Exception):
    """The worker was told to stop: the job goes back to the queue."""


def run_waiting(is_stopping: Callable[[], bool] = lambda: False) -> int:
    """Do the job that waits longest; returns how many were taken (0 or 1), so that letters leave between two jobs.

    A job whose worker was killed is begun again once its lease has lapsed, MAX_ATTEMPTS times in all.
    """
    lease = uuid4()
    job = _claim(lease)
    if job is None:
        return 0
    try:
        _finish(job, lease, *_make(job, lease, is_stopping))
    except _GivenUpError:
        current_app.logger.info("job %s given up", job.id)
    except _StoppingError:
        _settle(job, lease, state=JobState.WAITING, attempts=job.attempts - 1)
    except FailedError as refusal:
        _fail(job, lease, refusal.reason)
    except AppError as refusal:
        _fail(job, lease, refusal.message)
    except Exception:  # whatever a kind does wrong, the worker goes on
        current_app.logger.exception("job %s (%s) failed", job.id, job.kind)
        db.session.rollback()
        _try_later(job, lease)
    return 1


def _claim(lease: UUID) -> Row[Any] | None:
    """Take the job that waits longest, and give what is to be done; two workers never hold the same one."""
    at, each = clock.now(), _JOBS.c
    ready = (
        select(each.id)
        .where(each.state.in_(UNDER_WAY))
        .where(or_(each.lease_until.is_(None), each.lease_until < at, each.lease_until > at + LONGEST_WAIT))
        .order_by(each.asked_at, each.id)
        .limit(1)
    )
    if db.session.get_bind().dialect.name == "postgresql":
        ready = ready.with_for_update(skip_locked=True)
    taken = update(_JOBS).where(each.id.in_(ready)).values(
        state=JobState.RUNNING, lease=lease, lease_until=at + LEASE, attempts=each.attempts + 1, done=0, total=None
    )  # fmt: skip
    with unit_of_work() as session:
        return session.execute(
            taken.returning(each.id, each.kind, each.account_id, each.locale, each.arguments, each.attempts)
        ).one_or_none()


@dataclass(frozen=True)
class _Made:
    name: str
    place: str
    size: int
    sha256: str
    standing: str


def _make(job: Row[Any], lease: UUID, is_stopping: Callable[[], bool]) -> tuple[_Made, Callable[[], None]]:
    """Make the result with the person's rights of now, and put it in the store; with it, what is to be kept besides."""
    kind = _kinds.get(job.kind)
    if kind is None or job.attempts > MAX_ATTEMPTS:
        raise FailedError(UNKNOWN if kind is None else INTERRUPTED)
    with tempfile.TemporaryFile() as file:
        with access_mode(writing=False), force_locale(job.locale):
            who = access.actor_by_id(job.account_id)
            reason = access.why_not(kind.permission, None, who) if who else ACCOUNT_CLOSED
            if who is None or reason is not None:
                raise FailedError(reason or ACCOUNT_CLOSED)
            standing = standing_of(who)
            work = Work(who, _typed(kind, job.arguments), file, _signs(job, lease, is_stopping))
            name = kind.make(work)
            db.session.rollback()
        size = file.seek(0, 2)
        file.seek(0)
        place = f"{GROUP}/{uuid4().hex}"
        store = files.store()
        store.put(place, file)
        return _Made(name, place, size, store.digest(place), standing), work.at_the_end


def _signs(job: Row[Any], lease: UUID, is_stopping: Callable[[], bool]) -> Callable[[int, int | None], None]:
    """What tells how far a job is, beside the transaction that reads, and keeps its lease."""

    def tell(done: int, total: int | None) -> None:
        if is_stopping():
            raise _StoppingError
        held = _held(job, lease).values(done=done, total=total, lease_until=clock.now() + LEASE)
        with access_mode(writing=True), db.engine.begin() as connection:
            if connection.execute(held.returning(_JOBS.c.id)).first() is None:
                raise _GivenUpError

    return tell


def _held(job: Row[Any], lease: UUID) -> Any:
    """A change of a job that this worker still holds."""
    return update(_JOBS).where(_JOBS.c.id == job.id, _JOBS.c.state == JobState.RUNNING, _JOBS.c.lease == lease)


def _settle(job: Row[Any], lease: UUID, tell: Callable[[Job], None] = lambda _job: None, **values: Any) -> bool:
    """End this worker's part in a job and tell it in the journal; False when the job was no longer this worker's."""
    db.session.rollback()
    settled = _held(job, lease).values({"lease": None, "lease_until": None, **values})
    with unit_of_work() as session:
        if session.scalar(settled.returning(_JOBS.c.id)) is None:
            return False
        tell(session.get_one(Job, job.id))
    return True


def _finish(job: Row[Any], lease: UUID, made: _Made, keep: Callable[[], None]) -> None:
    def tell(done: Job) -> None:
        keep()
        journal.record("job.done", done, by=BY, kind=done.kind, size=made.size, sha256=made.sha256)

    if not _settle(job, lease, tell, state=JobState.DONE, until=clock.now() + RETENTION, **asdict(made)):
        files.store().delete(made.place)


def _fail(job: Row[Any], lease: UUID, reason: Words) -> None:
    def tell(failed: Job) -> None:
        journal.record("job.failed", failed, by=BY, kind=failed.kind)

    _settle(job, lease, tell, state=JobState.FAILED, error=_in_each_language(reason))


def _try_later(job: Row[Any], lease: UUID) -> None:
    """After an unforeseen error: again after growing waits, then no more."""
    if job.attempts >= MAX_ATTEMPTS:
        _fail(job, lease, BROKEN)
        return
    _settle(job, lease, state=JobState.WAITING, lease_until=clock.now() + timedelta(seconds=10 * 2**job.attempts))


def _in_each_language(reason: Words) -> str:
    """A reason as JSON, by language."""
    texts = {}
    for code in LANGUAGES:
        with force_locale(code):
            texts[code] = str(reason)
    return canonical(texts)


def waiting(since: datetime) -> int:
    """How many jobs that were asked for before an instant are not over yet."""
    late = select(func.count()).select_from(Job).where(Job.state.in_(UNDER_WAY), Job.asked_at < since)
    return db.session.scalar(late) or 0


# ---- upkeep --------------------------------------------------------------------------------------------------------


def purge() -> int:
    """Forget the jobs whose time is over; returns how many. `sweep` then destroys their results. For the worker."""
    over = delete(Job).where(Job.until <= clock.now(), Job.state.not_in(UNDER_WAY))
    return int(db.session.execute(over).rowcount)  # type: ignore[attr-defined]


def sweep() -> int:
    """Destroy the results that no job knows, older than any running transaction; returns how many. For the worker."""
    with unit_of_work() as session:
        known = set(session.scalars(select(Job.place).where(Job.place.is_not(None))))
    before, store = clock.now() - SETTLING, files.store()
    lost = [file.key for file in store.list(GROUP) if file.key not in known and file.since < before]
    for key in lost:
        store.delete(key)
    return len(lost)
