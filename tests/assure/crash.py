"""Power failures in the middle of acts, and people who press twice: every act told as done happened exactly once."""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import urljoin, urlsplit
from uuid import UUID

from requests import RequestException
from sqlalchemy import func, literal, select, union_all

from grants.applications.lifecycle import ApplicationState
from grants.applications.models import ApplicationVersion, Attachment
from grants.awards.lifecycle import AwardState
from grants.calls.models import Piece
from grants.kernel import clock, uploads
from grants.kernel.db import Base, db, unit_of_work
from grants.kernel.journal import Entry
from grants.kernel.money import Money
from grants.kernel.outbox import MAX_ATTEMPTS, Letter, carrier_for, deliver
from tests.assure.figures import Reading, figure
from tests.drafts import Draft, drafts
from tests.factories import Make
from tests.filling import plausible
from tests.kernel.corpus import pdf
from tests.relay import Relay, relay
from tests.rush import Envelope, broken, insisted, is_done, ready, sent_together, times, verified
from tests.site import PATIENCE, Server, Site, Visitor, Workspace, tree_of
from tests.walk import Form, Screen, forms_of, rule_of, texts_of, walks

CROWD = 4
SEED = 20_190_708
SUBMIT = "/dossiers/{}/deposer"
REASON = "Le projet répond aux deux priorités du fonds."


# ---- the crash -----------------------------------------------------------------------------------------------------


@dataclass
class Act:
    """Something a person does: the form to send, and how often the database says that it was done."""

    what: str
    envelope: Envelope
    count: Callable[[], int]


@dataclass
class Storm:
    """The cycles so far: the server that is cut off, how long a wave lasts, and what was found."""

    site: Site
    server: Server
    chance: random.Random
    span: float = 0.6
    cut: int = 0
    tried: int = 0
    acts: list[Act] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def cycle(self, acts: Sequence[Act]) -> None:
        """Send forms at once, kill everything meanwhile, start again; whoever got no answer sends the same again."""
        self.acts += acts
        self.tried += 1
        up, answers, missed = threading.Event(), [], []

        def person(act: Act) -> None:
            try:
                answers.append(insisted(act.envelope.send))
            except RequestException:
                missed.append(act)
                up.wait(PATIENCE)
                answers.append(insisted(act.envelope.send))

        people = [threading.Thread(target=person, args=(act,)) for act in acts]
        for one in people:
            one.start()
        time.sleep(self.chance.uniform(0.0, self.span))
        self.server.kill()
        self.server.start(worker=True)
        up.set()
        for one in people:
            one.join()
        # The moments of the kill follow what the machine takes today: neither before everything nor after.
        self.span = min(5.0, max(0.1, self.span * (1.25 if len(missed) == len(acts) else 0.8 if not missed else 1.0)))
        self.cut += bool(missed)
        self.faults += broken(answers)
        if len(answers) < len(acts):
            self.faults.append(f"{len(acts) - len(answers)} people got no answer after the restart")
        self.faults += [f"{act.what}: done {done} times" for act in acts if (done := act.count()) != 1]


@figure(
    "crash",
    number="5",
    says="actes acquittés perdus, doublés ou mal numérotés, lettres ou fichiers qui manquent, après des kill -9",
    minutes=5,
)
def crash(workspace: Workspace) -> Reading:
    """Killed at any moment of a submission, an upload, a decision, a payment, the fund keeps each act exactly once."""
    each = 10 if workspace.full else 1
    with workspace.site() as site, relay() as post:
        subjects = _subjects(site, each)
        server = site.server(environment={"MAIL_URL": post.url}).start(worker=True)
        storm = Storm(site, server, random.Random(SEED))
        visitors = {email: site.visitor(server, email) for email in subjects.emails()}
        for turn in range(each):
            for wave in (_submissions, _uploads, _decisions, _payments):
                storm.cycle(wave(site, subjects, visitors, turn))
        server.stop()
        faults = storm.faults
        faults += [f"{act.what}: done {done} times in the end" for act in storm.acts if (done := act.count()) != 1]
        faults += [*_references(site), *_files(site), *_letters(site, subjects, post), *verified(site)]
        if not storm.cut:
            faults.append("no request was cut off: the instrument kills at the wrong moments")
        return Reading(storm.tried, faults, least=4 * each)


@dataclass
class Subjects:
    """What the cycles work on, by turn."""

    submitting: list[list[Draft]]
    uploading: list[list[Draft]]
    pieces: list[UUID]
    meetings: list[tuple[UUID, list[UUID]]]
    instalments: list[list[UUID]]
    managers: list[str]
    finance: list[str]
    officers: list[str]

    def emails(self) -> list[str]:
        """Everybody who comes."""
        waves = (*self.submitting, *self.uploading)
        return [*(draft.email for wave in waves for draft in wave), *self.managers, *self.finance, *self.officers]


def _subjects(site: Site, each: int) -> Subjects:
    """Drafts to submit and to add files to, meetings to decide, instalments to pay: so many for each turn."""
    with site.making() as make:
        managers, finance, officers = (
            [make.account(role).email for _ in range(CROWD)] for role in ("manager", "finance", "authorising_officer")
        )
        rounds = -(-each // 4)
        meetings = [_meeting(make) for _ in range(rounds)]
        instalments = [[_instalment(make) for _ in range(CROWD)] for _ in range(rounds)]
        call = make.call()
        call_id = call.id
        pieces = list(db.session.scalars(select(Piece.id).where(Piece.call_id == call_id)))
    written = drafts(site, call_id, 2 * CROWD * each)
    waves = [written[start : start + CROWD] for start in range(0, len(written), CROWD)]
    return Subjects(waves[:each], waves[each:], pieces, meetings, instalments, managers, finance, officers)


def _meeting(make: Make) -> tuple[UUID, list[UUID]]:
    """A closed call whose dossiers wait for a recommendation."""
    call = make.call(closes_at=clock.now() + timedelta(days=1), envelope=Money.euros(100_000))
    dossiers = [make.application(call=call, state=ApplicationState.ELIGIBLE).id for _ in range(CROWD)]
    with unit_of_work():
        call.closes_at = clock.now() - timedelta(hours=1)
    return make.meeting(call).id, dossiers


def _instalment(make: Make) -> UUID:
    """The first instalment of a running award, to bank details that two people checked."""
    award = make.award(state=AwardState.RUNNING)
    make.bank_details(award.organisation)
    half = Money(award.amount.cents // 2)
    return make.schedule(award, half, award.amount - half)[0].id


# ---- the acts ------------------------------------------------------------------------------------------------------


def _submissions(site: Site, subjects: Subjects, visitors: dict[str, Visitor], turn: int) -> list[Act]:
    def act(draft: Draft) -> Act:
        form = ready(visitors[draft.email], SUBMIT.format(draft.application))
        return Act(f"submission of {draft.application}", form, lambda: _submitted(site, draft))

    return [act(draft) for draft in subjects.submitting[turn]]


def _submitted(site: Site, draft: Draft) -> int:
    """How often a draft was submitted: its lines, its versions and its letters must say the same, else -1."""
    counts = {times(site, "application.submit", draft.application), _count(site, ApplicationVersion, draft)}
    return counts.pop() if len(counts) == 1 else -1


def _count(site: Site, model: Any, draft: Draft) -> int:
    counted = select(func.count()).select_from(model).where(model.application_id == draft.application)
    with site.engine.connect() as connection:
        return int(connection.execute(counted).scalar_one())


def _uploads(site: Site, subjects: Subjects, visitors: dict[str, Visitor], turn: int) -> list[Act]:
    content = pdf()

    def act(draft: Draft) -> Act:
        piece = subjects.pieces[turn % len(subjects.pieces)]
        page = f"/dossiers/{draft.application}/rediger/pieces"
        form = ready(
            visitors[draft.email], page, {"piece": str(piece)},
            files={f"p{piece.hex}-file": ("rapport.pdf", content, "application/pdf")},
        )  # fmt: skip
        return Act(f"file given to {draft.application}", form, lambda: _count(site, Attachment, draft))

    return [act(draft) for draft in subjects.uploading[turn]]


def _decisions(site: Site, subjects: Subjects, visitors: dict[str, Visitor], turn: int) -> list[Act]:
    """In turn: recommendations on every dossier, the freeze, the act, the publication."""
    meeting, dossiers = subjects.meetings[turn // 4]
    managers = [visitors[email] for email in subjects.managers]
    if turn % 4 == 0:
        values = {"verdict": "favourable", "amount": "8000", "reason": REASON}

        def recommendation(manager: Visitor, dossier: UUID) -> Act:
            form = ready(manager, f"/deliberation/avis/{dossier}", values, action=str(dossier))
            return Act(
                f"recommendation on {dossier}",
                form,
                lambda: times(site, "recommendation.made", dossier, column="dossier_id"),
            )

        return [recommendation(*pair) for pair in zip(managers, dossiers, strict=True)]
    act = {"act_number": "2019-3620", "act_on": clock.today().isoformat(), "act_body": "Conseil de la Métropole"}
    path, verb, typed = (("figer", "freeze", {}), ("acte", "record_act", act), ("publication", "publish", {}))[
        turn % 4 - 1
    ]
    return [
        Act(
            f"{verb} of {meeting}",
            ready(manager, f"/deliberation/{meeting}/{path}", typed),
            lambda: times(site, f"meeting.{verb}", meeting),
        )
        for manager in managers
    ]


def _payments(site: Site, subjects: Subjects, visitors: dict[str, Visitor], turn: int) -> list[Act]:
    """In turn: every instalment prepared, approved, ordered, paid."""
    today = clock.today().isoformat()
    path, verb, people, values = (
        ("preparer", "prepare", subjects.finance, {}),
        ("approuver", "approve", subjects.officers, {}),
        ("mandater", "order", subjects.finance, {"ordered_on": today}),
        ("payer", "pay", subjects.finance, {"paid_on": today}),
    )[turn % 4]

    def act(email: str, instalment: UUID) -> Act:
        own = {**values, "number": f"M-{instalment.hex[-8:]}"} if path == "mandater" else values
        form = ready(visitors[email], f"/echeances/{instalment}", own, action=f"/{path}")
        return Act(f"{verb} of {instalment}", form, lambda: times(site, f"instalment.{verb}", instalment))

    return [act(*pair) for pair in zip(people, subjects.instalments[turn // 4], strict=True)]


# ---- what must hold afterwards -------------------------------------------------------------------------------------


def _references(site: Site) -> list[str]:
    """Numbers of a series that are missing or given twice."""
    rows = site.rows("SELECT reference FROM application WHERE reference IS NOT NULL")
    series: dict[str, list[int]] = {}
    for (reference,) in rows:
        name, _, number = str(reference).rpartition("-")
        series.setdefault(name, []).append(int(number))
    return [
        f"the numbers of {name} are {sorted(found)}"
        for name, found in series.items()
        if sorted(found) != list(range(1, len(found) + 1))
    ]


def _files(site: Site) -> list[str]:
    """Files without their row once swept, and temporary files left behind; rows without a file are for `verify`."""
    with site.app.app_context(), clock.fixed(clock.now() + 2 * uploads.SETTLING):
        with unit_of_work():
            uploads.sweep()
        db.session.remove()
    names = site.rows("SELECT place, copy_place FROM stored_file")
    rows = {place for row in names for place in row if place is not None}
    store = site.folder / "files"
    on_disk = {str(path.relative_to(store)) for path in store.glob("[0-9a-f][0-9a-f]/*")}
    left = [path.name for path in (store / "incoming").glob("*")]
    return [
        *(f"the file {place} has no row" for place in sorted(on_disk - rows)),
        *(f"the row {place} has no file" for place in sorted(rows - on_disk)),
        *(f"{name} was left in the way" for name in left),
    ]


def _letters(site: Site, subjects: Subjects, post: Relay) -> list[str]:
    """Receipts that are missing or doubled, and letters that left more often than their leases allow."""
    faults = []
    for draft in (draft for wave in subjects.submitting for draft in wave):
        faults += _receipts(site, draft)
    with site.app.app_context(), clock.fixed(clock.now() + timedelta(hours=2)):
        while deliver(carrier_for(post.url, site.folder), "Fonds <fonds@exemple.example>"):
            pass
        for letter in db.session.scalars(select(Letter)):
            left = post.received[str(letter.id)]
            if not 1 <= left <= min(letter.attempts, MAX_ATTEMPTS) or letter.sent_at is None:
                faults.append(f"letter {letter.kind}: left {left} times in {letter.attempts} attempts")
        db.session.remove()
    return faults


def _receipts(site: Site, draft: Draft) -> list[str]:
    """What is wrong with the receipts of a submitted dossier: one for each address, neither less nor more."""
    wanted = select(Letter.recipient).where(
        Letter.dossier_id == draft.application, Letter.kind == "applications_receipt"
    )
    with site.engine.connect() as connection:
        found = Counter(connection.execute(wanted).scalars())
    return [] if found == Counter(draft.letters_to) else [f"receipts of {draft.application}: {dict(found)}"]


# ---- pressed twice -------------------------------------------------------------------------------------------------


@figure(
    "one-receipt",
    number="13",
    says="reçus ou effets en double : double clic, rechargement, retour, deux onglets, sur tous les formulaires",
    minutes=3,
)
def one_receipt(workspace: Workspace) -> Reading:
    """However often people press, one act happens once: submissions first, then every form of the demonstration."""
    with workspace.site() as site:
        faults, tried = _pressed_again(site, 24 if workspace.full else 4)
    acted, found = _every_form(workspace)
    return Reading(tried + acted, faults + found, least=tried + (20 if workspace.full else 1))


def _pressed_again(site: Site, number: int) -> tuple[list[str], int]:
    """Each draft sent by eight threads from two tabs, its answer opened again, the form sent again afterwards."""
    with site.making() as make:
        call_id = make.call().id
    faults, tried = [], 0
    with site.serve() as server:
        for draft in drafts(site, call_id, number):
            visitor = site.visitor(server, draft.email)
            one = ready(visitor, SUBMIT.format(draft.application))
            other = ready(visitor, SUBMIT.format(draft.application))
            answers = sent_together([one] * 4 + [other] * 4)
            places = {answer.headers.get("Location", "") for answer in answers}
            tried += len(answers)
            faults += broken(answers)
            faults += [f"pressed together: {answer.status_code}" for answer in answers if not is_done(answer)]
            again = [one.send(), visitor.get(f"/dossiers/{draft.application}/recu"), one.send(), other.send()]
            faults += [f"pressed again: {answer.status_code}" for answer in again if answer.status_code >= 400]
            if _submitted(site, draft) != 1:
                faults.append(f"{draft.application}: submitted {_submitted(site, draft)} times, {sorted(places)}")
            faults += _receipts(site, draft)
    return [*faults, *_references(site), *verified(site)], tried


# ---- every form ----------------------------------------------------------------------------------------------------

NOT_COMPARED = {"request_key", "sign_in", "attempt", "held_form"}  # a refused form is kept at each press, ten at most
TABS = 4


@dataclass
class PairedSites:
    """Two funds that start equal: in one each form is sent once, in the other by several threads at once."""

    once: tuple[Site, Server]
    often: tuple[Site, Server]
    faults: list[str] = field(default_factory=list)
    acted: set[str] = field(default_factory=set)

    def press(self, form: Form) -> bool:
        """Fill and send a form in both; False when one of them no longer shows it."""
        found = [self._filled(form, *twin) for twin in (self.once, self.often)]
        if found[0] is None or found[1] is None:
            return False
        responses = []
        for twin, envelope, tabs in ((self.once, found[0], 1), (self.often, found[1], TABS)):
            before = _state(twin[0])
            answers = sent_together([envelope] * tabs)
            self.faults += [f"{form.name}: {what}" for what in broken(answers) if ": 5" in what]
            after = _state(twin[0])
            responses.append({name: after[name] - before[name] for name in after if after[name] != before[name]})
        if responses[0] != responses[1]:
            self.faults.append(f"{form.name}: once {responses[0]}, {TABS} times at once {responses[1]}")
        if responses[0]:
            self.acted.add(form.rule)
        return True

    @staticmethod
    def _filled(form: Form, site: Site, server: Server) -> Envelope | None:
        who, path, _index = form.seen[0]
        visitor = site.visitor(server, who or None)
        answer = visitor.get(path)
        adapter = site.app.url_map.bind("localhost")
        for one in tree_of(answer).xpath("//form[@method='post']") if answer.status_code == 200 else ():
            target = urlsplit(urljoin(answer.url, one.get("action") or "")).path
            if rule_of(adapter, target, "POST") == form.rule and texts_of(one) == form.texts:
                fields, files = plausible(one)
                return Envelope(visitor, target, tuple(fields), files or None)
        return None


def _state(site: Site) -> Counter[str]:
    """How many rows each table holds, and how many lines of the journal tell each event."""
    tables = [table for table in Base.metadata.sorted_tables if table.name not in NOT_COMPARED]
    parts = [select(literal(table.name), func.count()).select_from(table) for table in tables]
    parts.append(select(Entry.event, func.count()).group_by(Entry.event))
    with site.engine.connect() as connection:
        return Counter({name: int(number) for name, number in connection.execute(union_all(*parts))})


def _every_form(workspace: Workspace) -> tuple[int, list[str]]:
    """Send every form that somebody is led to, in twins; a form that an earlier one took away gets fresh twins.

    Gives how many different forms changed something: those are the ones that were tried.
    """
    whos = None if workspace.full else ["finances@demo.example"]
    left: list[Form] | None = None
    faults: list[str] = []
    acted: set[str] = set()
    for _ in range(4):
        with workspace.site(demo=True) as once, workspace.site(demo=True) as often:
            with once.serve() as first, often.serve() as second:
                if left is None:
                    left = _forms(once, walks(once, first, most=2 if workspace.full else 1, whos=whos))
                twins = PairedSites((once, first), (often, second))
                left = [form for form in left if not twins.press(form)]
            faults += [*twins.faults, *verified(often)]
            acted |= twins.acted
        if not left:
            break
    faults += [f"{form.name}: no longer on {form.seen[0][1]}" for form in left or ()]
    return len(acted), faults


def _forms(site: Site, screens: list[Screen]) -> list[Form]:
    """The forms that act, one place each; signing in may happen twice, so says its view."""
    adapter = site.app.url_map.bind("localhost")
    views = {rule.rule: site.app.view_functions[rule.endpoint] for rule in adapter.map.iter_rules() if rule.methods}
    return [
        form
        for form in forms_of(screens, site, places=1)
        if form.method == "POST" and not getattr(views.get(form.rule), "__repeatable__", False)
    ]
