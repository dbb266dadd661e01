"""Races for money: parallel people never promise above an envelope, nor order or pay an instalment twice."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from requests import Response

from grants.applications.lifecycle import ApplicationState
from grants.awards.lifecycle import AwardState
from grants.kernel import clock
from grants.kernel.db import unit_of_work
from grants.kernel.money import Money
from tests.assure.figures import Reading, figure
from tests.factories import Make
from tests.rush import Envelope, broken, is_done, ready, sent_together, times, verified
from tests.site import Site, Visitor, Workspace

ASKED = 8_000_00
REASON = "Le projet répond aux deux priorités du fonds."


# ---- the envelope --------------------------------------------------------------------------------------------------


@dataclass
class Table:
    """Two calls of one fund after their closing, their dossiers, and the managers who sit at the table."""

    site: Site
    calls: list[UUID]
    dossiers: dict[UUID, list[UUID]]
    meetings: dict[UUID, UUID]
    managers: list[Visitor]
    over: int = 0
    tried: int = 0
    faults: list[str] = field(default_factory=list)

    def seen(self, answers: Sequence[Response]) -> list[Response]:
        """Count the answers of a round and keep what no crowd may cause."""
        self.tried += len(answers)
        self.faults += broken(answers)
        return list(answers)

    def judge(self, when: str) -> None:
        """Ask the database what stands promised, for each call and for the fund."""
        rows = self.site.rows(
            "SELECT c.code, c.envelope_cents, c.committed_cents, coalesce(sum(r.amount_cents), 0) FROM call c "
            "LEFT JOIN meeting m ON m.call_id = c.id LEFT JOIN recommendation r ON r.meeting_id = m.id "
            "GROUP BY c.id, c.code, c.envelope_cents, c.committed_cents"
        )
        ((fund, held),) = self.site.rows("SELECT envelope_cents, committed_cents FROM fund")
        bounds = [(code, bound, promised, value) for code, bound, value, promised in rows]
        bounds.append(("fund", fund, sum(row[3] for row in rows), held))
        for name, bound, promised, value in bounds:
            over = max(0, int(promised) - bound)
            self.over += over
            if over:
                self.faults.append(f"{when}: {name} promises {over} cents above its envelope")
            if int(promised) != value:
                self.faults.append(
                    f"{when}: {name} says {value} cents are promised, its recommendations say {promised}"
                )


@figure(
    "envelope-race",
    number="2",
    says="centimes promis au-delà de l’enveloppe d’un appel ou du fonds, 64 clients à la fois",
    minutes=2.5,
)
def envelope_race(workspace: Workspace) -> Reading:
    """Managers who recommend at the same instant never promise a cent above what is left, whoever freezes meanwhile."""
    with workspace.site() as site:
        each, rounds = (32, 3) if workspace.full else (8, 1)
        with site.making() as make:
            found = _tables(site, make, each)
            accounts = [make.account("manager").email for _ in range(2 * each)]
        with site.serve() as server:
            found.managers = [site.visitor(server, email) for email in accounts]
            for turn in range(rounds):
                _twice_what_is_left(found, turn)
                _more_for_each(found, turn)
            _raised_while_frozen(found)
            _voted_and_published_once(found)
        return Reading(found.tried, found.faults + verified(site), found.over or None, least=each * 8)


def _tables(site: Site, make: Make, each: int) -> Table:
    """Two closed calls with so many eligible dossiers, and a meeting each."""
    later = clock.now() + timedelta(days=1)
    calls, dossiers, meetings = [], {}, {}
    for _ in range(2):
        call = make.call(closes_at=later, envelope=Money(ASKED * each))
        dossiers[call.id] = [
            make.application(call=call, state=ApplicationState.ELIGIBLE, requested=Money(ASKED)).id for _ in range(each)
        ]
        with unit_of_work():
            call.closes_at = clock.now() - timedelta(hours=1)
        meetings[call.id] = make.meeting(call).id
        calls.append(call.id)
    return Table(site, calls, dossiers, meetings, [])


def _recommendation(visitor: Visitor, dossier: UUID, cents: int) -> Envelope:
    values = {"verdict": "favourable", "amount": str(cents // 100), "reason": REASON}
    return ready(visitor, f"/deliberation/avis/{dossier}", values, action=str(dossier))


def _bounds(table: Table, call: int, fund: int) -> None:
    """Empty the table and set what each call and the fund may promise."""
    table.site.rows("DELETE FROM recommendation")
    table.site.rows("UPDATE call SET committed_cents = 0, envelope_cents = :cents", cents=call)
    table.site.rows("UPDATE fund SET committed_cents = 0, envelope_cents = :cents", cents=fund)
    table.site.tell_rows()


def _everyone(table: Table, cents: int) -> list[Envelope]:
    """Every manager before a dossier of their own, the two calls in turn."""
    dossiers = [one for pair in zip(*table.dossiers.values(), strict=True) for one in pair]
    return [_recommendation(manager, dossier, cents) for manager, dossier in zip(table.managers, dossiers, strict=True)]


def _twice_what_is_left(table: Table, turn: int) -> None:
    """All ask together twice what is left, where the calls are the bound, then where the fund is."""
    each = len(table.managers) // 2
    half = ASKED * each // 2
    for name, call, fund in (("calls", half, 4 * half), ("fund", 2 * half, 2 * half)):
        _bounds(table, call, fund)
        answers = table.seen(sent_together(_everyone(table, ASKED)))
        table.judge(f"round {turn}, bound by the {name}")
        done = sum(map(is_done, answers))
        if done != each:
            table.faults.append(f"round {turn}, bound by the {name}: {done} recommendations kept, {each} fit")


def _more_for_each(table: Table, turn: int) -> None:
    """Several tabs raise, lower and take back the same recommendations, from pages that grow stale as they answer."""
    each = len(table.managers) // 2
    _bounds(table, ASKED * each * 3 // 4, ASKED * each * 5 // 4)
    for cents in (ASKED // 2, ASKED):
        envelopes = _everyone(table, cents)
        few = envelopes[: max(2, len(envelopes) // 4)]
        crowd = [one.in_another_tab(manager) for one in few for manager in table.managers[:4]]
        table.seen(sent_together([_theirs(one) for one in crowd]))
        table.judge(f"round {turn}, {len(crowd)} stale tabs at {cents} cents")


def _theirs(envelope: Envelope) -> Envelope:
    """The form as its sender would have it: with the token of their own session."""
    _address, fields = envelope.visitor.form(envelope.address, envelope.address)
    token = next(value for name, value in fields if name == "csrf_token")
    own_fields = tuple((name, token if name == "csrf_token" else value) for name, value in envelope.fields)
    return Envelope(envelope.visitor, envelope.address, own_fields)


def _raised_while_frozen(table: Table) -> None:
    """Half raise their recommendation while the others freeze: one freeze, and no recommendation changed after it."""
    each = len(table.managers) // 2
    _bounds(table, ASKED * each * 3 // 4, ASKED * each * 2)
    table.seen(sent_together(_everyone(table, ASKED // 2)))
    raising = _everyone(table, ASKED)[::2]
    freezing = [
        ready(manager, f"/deliberation/{meeting}/figer")
        for manager, meeting in zip(table.managers, list(table.meetings.values()) * each, strict=True)
    ][: len(raising)]
    table.seen(sent_together([one for pair in zip(raising, freezing, strict=True) for one in pair]))
    table.judge("raised while frozen")
    table.faults += _each_once(table, "meeting.freeze")
    late = table.site.scalar(
        "SELECT count(*) FROM recommendation r JOIN meeting m ON m.id = r.meeting_id WHERE r.made_at > m.frozen_at"
    )
    if late:
        table.faults.append(f"{late} recommendations were changed after the freeze")


def _voted_and_published_once(table: Table) -> None:
    """Many record the act, then many publish: one of each for each meeting, one decision and one letter a dossier."""
    act = {"act_number": "2019-3620", "act_on": clock.today().isoformat(), "act_body": "Conseil de la Métropole"}
    few = table.managers[:8]
    for verb, path, values in (("record_act", "acte", act), ("publish", "publication", {})):
        envelopes = [
            ready(manager, f"/deliberation/{meeting}/{path}", values)
            for meeting in table.meetings.values()
            for manager in few
        ]
        table.seen(sent_together(envelopes))
        table.judge(verb)
        table.faults += _each_once(table, f"meeting.{verb}")
    decided = table.site.scalar("SELECT count(*) FROM decision")
    announced = table.site.scalar("SELECT count(*) FROM journal_entry WHERE event = 'application.award'")
    expected = sum(map(len, table.dossiers.values()))
    if (decided, announced) != (expected, expected):
        table.faults.append(f"{decided} decisions, {announced} announced, for {expected} dossiers")


def _each_once(table: Table, event: str) -> Iterator[str]:
    for meeting in table.meetings.values():
        happened = times(table.site, event, meeting)
        if happened != 1:
            yield f"{event} happened {happened} times"


# ---- the instalments -----------------------------------------------------------------------------------------------

MOVES = (
    ("preparer", "prepare", "finance"),
    ("approuver", "approve", "officer"),
    ("mandater", "order", "finance"),
    ("payer", "pay", "finance"),
)


@figure(
    "instalment-race",
    number="3",
    says="échéances mandatées ou payées deux fois, 64 clients à la fois sur des pages périmées",
    minutes=2.5,
)
def instalment_race(workspace: Workspace) -> Reading:
    """Two finance people, two tabs each, on every instalment at once: each is ordered once and paid once."""
    waves, crowd, tabs = (2, 16, 2) if workspace.full else (1, 4, 2)
    with workspace.site() as site:
        with site.making() as make:
            instalments = [[_instalment(make) for _ in range(crowd + 1)] for _ in range(waves)]
            finance = [make.account("finance").email for _ in range(2)]
            officers = [make.account("authorising_officer").email for _ in range(2)]
        faults: list[str] = []
        tried = 0
        with site.serve() as server:
            people = {
                "finance": [site.visitor(server, email) for email in finance],
                "officer": [site.visitor(server, email) for email in officers],
            }
            for *wave, contested in instalments:
                for path, verb, role in MOVES:
                    envelopes = _tabs(wave, path, people[role], tabs)
                    if path != "payer":
                        envelopes += _tabs([contested], path, people[role][:1], tabs)
                    if path == "mandater":
                        envelopes += _tabs([contested], "renvoyer", people["officer"], tabs)
                    answers = sent_together(envelopes)
                    tried += len(answers)
                    faults += broken(answers)
                    counts = ((one, times(site, f"instalment.{verb}", one)) for one in wave)
                    faults += [f"instalment.{verb} of {one}: {found} times" for one, found in counts if found != 1]
        doubled = _doubled(site)
        faults += [f"instalment {key}: {what} {times} times" for key, what, times in doubled]
        return Reading(
            tried, faults + verified(site), len(doubled) or None, least=waves * crowd * len(MOVES) * 2 * tabs
        )


def _instalment(make: Make) -> UUID:
    """The first instalment of a running award, to bank details that two people checked."""
    award = make.award(state=AwardState.RUNNING)
    make.bank_details(award.organisation)
    half = Money(award.amount.cents // 2)
    return make.schedule(award, half, award.amount - half)[0].id


def _tabs(instalments: Sequence[UUID], path: str, people: Sequence[Visitor], tabs: int) -> list[Envelope]:
    """The same move open in so many tabs of each person, for each instalment, all from one state of things."""
    today = clock.today().isoformat()
    envelopes = []
    for instalment in instalments:
        values = {"mandater": {"number": f"M-{instalment}", "ordered_on": today}, "payer": {"paid_on": today}}
        values["renvoyer"] = {"note": "À revoir."}
        own = f"/{path}" if path == "renvoyer" else ""
        for person in people:
            page = ready(
                person, f"/echeances/{instalment}{own}", values.get(path, {}), action=None if own else f"/{path}"
            )
            envelopes += [page.in_another_tab() for _ in range(tabs)]
    return envelopes


def _doubled(site: Site) -> list[tuple[str, str, int]]:
    """Each instalment with more than one line of a kind in the ledger, or more than one letter that tells of it."""
    lines = site.rows(
        "SELECT instalment_id, kind, count(*) FROM ledger_entry WHERE instalment_id IS NOT NULL "
        "GROUP BY instalment_id, kind HAVING count(*) > 1"
    )
    letters = site.rows(
        "SELECT dossier_id, kind, count(*) - count(DISTINCT dedup) FROM letter GROUP BY dossier_id, kind "
        "HAVING count(*) > count(DISTINCT dedup)"
    )
    return [(str(row[0]), str(row[1]), int(row[2])) for row in (*lines, *letters)]
