"""Draws what follows the vote on invented applications: awards, agreements, orders, payments, reports, recoveries.

Each award lives until today: an act whose day is still to come is not made. The amounts are those that the rules of
awards give, and the rows those that their actions write.
"""

import random
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Table, bindparam, insert, update

from grants.applications.models import Dimension
from grants.applications.parts.budget import is_in_kind
from grants.applications.rules import fill
from grants.awards import rules
from grants.awards.lifecycle import AwardState, BankState, InstalmentState, ReceivableState, ReportState
from grants.awards.models import (
    Agreement,
    Award,
    BankDetails,
    Instalment,
    InstalmentKind,
    LedgerAllocation,
    LedgerEntry,
    LedgerKind,
    Receivable,
    ReceivableKind,
    Report,
    ReportIndicator,
    ReportLine,
)
from grants.demo.generator import (
    DrawnFacts,
    Frame,
    Generated,
    RowsByTable,
    TableRow,
    line,
    moved,
    table_of,
    texts_of_volume,
)
from grants.demo.payments import BIC, fictitious_iban
from grants.kernel import clock, encryption
from grants.kernel.actor import Actor
from grants.kernel.money import Money
from grants.kernel.pages import money

NOTHING = Money(0)
ACCOUNTS = 5_000_000  # the accounts of the volume begin here: those of the written dossiers come before
WRITTEN: tuple[Table, ...] = tuple(
    table_of(model)
    for model in (Award, BankDetails, Instalment, Receivable, Report, ReportLine, ReportIndicator, Agreement)
)
SUMS = {
    LedgerKind.ENGAGED: "engaged_cents", LedgerKind.ORDERED: "ordered_cents", LedgerKind.PAID: "paid_cents",
    LedgerKind.RELEASED: "released_cents", LedgerKind.CLAIMED: "claimed_cents", LedgerKind.RECEIVED: "received_cents",
}  # fmt: skip
A, B, T, R, V = AwardState, BankState, InstalmentState, ReportState, ReceivableState


@dataclass(frozen=True)
class DrawnVote:
    """What the act gave to one application of a call, and when it was published."""

    generated: Generated
    decision_id: UUID
    amount: Money
    act_number: str
    act_on: date
    published_on: date


@dataclass(frozen=True)
class Known:
    """What the law says of awards, and the numbers of the orders and agreements to come."""

    threshold: Money
    due_on: Callable[[str, date], date]
    report_due_on: Callable[[date, int], date]
    agreement_number: Callable[[int], str]
    order_number: Callable[[int], str]


@dataclass
class AwardHistory:
    """One award while it is drawn."""

    vote: DrawnVote
    facts: DrawnFacts
    award: Award
    row: TableRow
    ledger: list[TableRow] = field(default_factory=list)
    instalments: list[tuple[Instalment, TableRow]] = field(default_factory=list)
    repayments: list[tuple[Receivable, TableRow]] = field(default_factory=list)
    bank: UUID | None = None
    usable_on: date | None = None

    @property
    def paid_on(self) -> date | None:
        """The day the first instalment was paid."""
        days = [row["paid_on"] for _instalment, row in self.instalments[:1]]
        return days[0] if days else None


class Awards:
    """Draws the awards of a call, from the same seed always the same."""

    def __init__(self, frame: Frame, seed: int, known: Known, *, today: date) -> None:
        self.frame, self.known, self.today = frame, known, today
        self.rng = random.Random(f"volume {seed} {frame.model['call']['code']} awards")
        self.sentences: Mapping[str, Sequence[str]] = texts_of_volume()["sentences"]
        self.manager, self.finance, self.checker, self.officer = (
            Actor(id=row.id, name=row.name) for row in (frame.manager, frame.finance, frame.checker, frame.officer)
        )
        self.rows: RowsByTable = defaultdict(list)
        self.ledger: list[TableRow] = []
        self.lines: list[Any] = []

    def key(self) -> UUID:
        """The next key, drawn like everything else."""
        return UUID(int=self.rng.getrandbits(128), version=4)

    @property
    def released(self) -> Money:
        """What these awards gave back to the envelope."""
        return sum((row["released_cents"] for row in self.rows[table_of(Award)]), NOTHING)

    # ---- writing ---------------------------------------------------------------------------------------------------

    def write(self, connection: Connection) -> None:
        """Write everything in bulk, in an order that the guards of the tables accept.

        A schedule comes before the engagement of its award, the lines of a report before its acceptance.
        """
        final: dict[type, list[TableRow]] = {
            Award: _held_back(self.rows[table_of(Award)], A.VOTED, "engaged_on", "closed_on"),
            Report: _held_back(self.rows[table_of(Report)], R.SUBMITTED, only=R.ACCEPTED),
        }
        for table in WRITTEN:
            if self.rows[table]:
                connection.execute(table.insert(), self.rows[table])
        for model, rows in final.items():
            if rows:
                table = table_of(model)
                names = [name for name in rows[0] if name != "key"]
                changed = update(table).where(table.c.id == bindparam("key"))
                connection.execute(changed.values({name: bindparam(f"to_{name}") for name in names}), [
                    {"key": row["key"], **{f"to_{name}": row[name] for name in names}} for row in rows
                ])  # fmt: skip
        self._write_ledger(connection)

    def _write_ledger(self, connection: Connection) -> None:
        entries = sorted(self.ledger, key=lambda row: row["written_at"])
        if not entries:
            return
        table = table_of(LedgerEntry)
        statement = insert(table).returning(table.c.id, sort_by_parameter_order=True)
        weights = [row.pop("weights") for row in entries]
        ids = connection.scalars(statement, entries).all()
        parts = [
            {"entry_id": entry_id, "dimension": dimension, "key_id": key, "amount_cents": part}
            for entry_id, row, each in zip(ids, entries, weights, strict=True)
            for dimension in Dimension
            for key, part in _split(row["amount_cents"], each.get(dimension) or [(None, 1)])
        ]
        connection.execute(table_of(LedgerAllocation).insert(), parts)

    # ---- one award -------------------------------------------------------------------------------------------------

    def follow(self, vote: DrawnVote) -> None:
        """Draw the award of a vote and what became of it until today."""
        facts = vote.generated.facts
        opened_on = vote.published_on + timedelta(days=3)
        if facts is None or opened_on >= self.today:
            return
        application = vote.generated.application
        award = Award(id=self.key(), application_id=application.id, organisation_id=application.organisation_id)
        row: TableRow = {
            "id": award.id, "application_id": application.id, "decision_id": vote.decision_id,
            "organisation_id": application.organisation_id, "state": A.VOTED, "amount_cents": vote.amount,
            "eligible_base_cents": facts.total, **dict.fromkeys(SUMS.values(), NOTHING), "given_up_cents": NOTHING,
            "opened_at": at(opened_on, 9), "notified_on": opened_on, "engaged_on": None, "publication_due_on": None,
            "closed_on": None, "version": 1,
        }  # fmt: skip
        self.rows[table_of(Award)].append(row)
        history = AwardHistory(vote, facts, award, row)
        self._say("award.opened", award, self.manager, row["opened_at"], amount=vote.amount.cents, act=vote.act_number)
        self._move(history, LedgerKind.VOTED, vote.amount, vote.act_on, row["opened_at"], self.manager)
        self._give_account(history, opened_on)
        self._plan(history, opened_on + timedelta(days=self.rng.randint(2, 9)))
        self.ledger += history.ledger

    def _say(self, event: str, subject: Any, by: Actor, instant: datetime, **facts: Any) -> None:
        self.lines.append(line(event, subject, by, instant, **facts))

    def _move(
        self, history: AwardHistory, kind: LedgerKind, amount: Money, day: date, instant: datetime, by: Actor, **about: Any
    ) -> None:  # fmt: skip
        """A line of the ledger, and the running sum of the award that follows it."""
        if kind in SUMS:
            history.row[SUMS[kind]] += amount
        history.ledger.append({
            "award_id": history.award.id, "instalment_id": None, "receivable_id": None, "kind": kind,
            "amount_cents": amount, "attempt": 1, "number": "", "reason": "", "ground": None, "reverses_id": None,
            "day": day, "written_at": instant, "written_by": by.id, "weights": history.facts.weights, **about,
        })  # fmt: skip

    def _after(self, day: date, least: int, most: int) -> date:
        return day + timedelta(days=self.rng.randint(least, most))

    def _author(self, history: AwardHistory) -> Actor:
        author = history.vote.generated.author
        return Actor(id=author.id, name=author.name)

    # ---- the account -----------------------------------------------------------------------------------------------

    def _give_account(self, history: AwardHistory, opened_on: date) -> None:
        """Most associations give an account; two people of the finance department check it, one after the other."""
        rng, generated = self.rng, history.vote.generated
        given_on = self._after(opened_on, 1, 15)
        is_given, checked_on = rng.random() >= 0.04, self._after(given_on, 1, 4)
        confirmed_on = self._after(checked_on, 1, 3)
        if not is_given or given_on >= self.today:
            return
        iban = fictitious_iban(ACCOUNTS + generated.number)
        details = BankDetails(id=self.key(), organisation_id=generated.organisation.id)
        row: TableRow = {
            "id": details.id, "organisation_id": generated.organisation.id, "holder": generated.organisation.name,
            "iban_sealed": encryption.encrypt(iban), "iban_last4": iban[-4:],
            "iban_digest": encryption.fingerprint(iban), "bic": BIC,
            "state": B.GIVEN, "given_by": generated.author.id, "given_at": at(given_on, 17), "first_by": None,
            "second_by": None, "settled_at": None, "note": "", "version": 1,
        }  # fmt: skip
        self.rows[table_of(BankDetails)].append(row)
        self._say("bank_details.given", details, self._author(history), row["given_at"], last4=iban[-4:],
                  organisation=generated.organisation.id)  # fmt: skip
        if checked_on < self.today:
            row |= {"state": B.CHECKED, "first_by": self.finance.id}
            self._say("bank_details.check", details, self.finance, at(checked_on, 9), **moved(B.GIVEN, B.CHECKED))
        if confirmed_on < self.today:
            row |= {"state": B.CONFIRMED, "second_by": self.checker.id, "settled_at": at(confirmed_on, 15)}
            self._say("bank_details.confirm", details, self.checker, at(confirmed_on, 15),
                      **moved(B.CHECKED, B.CONFIRMED))  # fmt: skip
            history.bank, history.usable_on = details.id, confirmed_on

    # ---- schedule and engagement -----------------------------------------------------------------------------------

    def _plan(self, history: AwardHistory, planned_on: date) -> None:
        """The schedule, one payment or two, and the repayments of an advance; then the engagement."""
        if planned_on >= self.today:
            return
        amount, is_advance = history.vote.amount, history.facts.is_advance
        first_due = self._after(planned_on, 20, 60)
        if is_advance or self.rng.random() < 0.4:
            steps = [("Versement unique", InstalmentKind.SINGLE, amount, first_due)]
        else:
            percent = self.rng.choice((50, 60, 70))
            advance, balance = amount.share([percent, 100 - percent])
            steps = [("Avance à la signature", InstalmentKind.ADVANCE, advance, first_due),
                     ("Solde", InstalmentKind.BALANCE, balance, history.facts.ends_on + timedelta(days=30))]  # fmt: skip
        self._say("award.plan", history.award, self.manager, at(planned_on, 10), **moved(A.VOTED, A.VOTED),
                  steps=[part.cents for _label, _kind, part, _due in steps])  # fmt: skip
        for position, (label, kind, part, due_on) in enumerate(steps):
            self._instalment(history, position, label, kind, part, due_on)
        if is_advance:
            self._plan_repayments(history, planned_on)
        self._engage(history, planned_on)

    def _instalment(
        self, history: AwardHistory, position: int, label: str, kind: InstalmentKind, amount: Money, due_on: date
    ) -> None:  # fmt: skip
        instalment = Instalment(id=self.key(), award_id=history.award.id, award=history.award)
        row: TableRow = {
            "id": instalment.id, "award_id": history.award.id, "position": position, "label": label, "kind": kind,
            "amount_cents": amount, "due_on": due_on, "condition": "", "state": T.PLANNED, "bank_details_id": None,
            "prepared_by": None, "prepared_at": None, "approved_by": None, "approved_at": None, "attempt": 1,
            "order_number": None, "order_year": None, "ordered_on": None, "paid_on": None, "amendment_id": None,
            "attested_on": None, "attested_by": None, "proof": "", "returned_note": "", "returned_at": None,
            "returned_by": None, "version": 1,
        }  # fmt: skip
        self.rows[table_of(Instalment)].append(row)
        history.instalments.append((instalment, row))

    def _plan_repayments(self, history: AwardHistory, planned_on: date) -> None:
        parts = history.vote.amount.share([1] * 4)
        for position, part in enumerate(parts):
            due_on = clock.add_months(history.vote.act_on, 12 * (position + 1))
            history.repayments.append(self._receivable(
                history, kind=ReceivableKind.REPAYMENT, state=V.PLANNED, position=position, amount_cents=part,
                due_on=due_on,
            ))  # fmt: skip
        self._say("award.repayments_planned", history.award, self.manager, at(planned_on, 11),
                  steps=[part.cents for part in parts])  # fmt: skip

    def _receivable(self, history: AwardHistory, **values: Any) -> tuple[Receivable, TableRow]:
        made = Receivable(id=self.key(), award_id=history.award.id, award=history.award)
        row: TableRow = {
            "id": made.id, "award_id": history.award.id, "position": 0, "reason": "", "number": None, "order_year": None,
            "issued_on": None, "received_cents": NOTHING, "given_up_cents": NOTHING, "cancelled_cents": NOTHING,
            "prepared_by": None, "prepared_at": None, "approved_by": None, "approved_at": None, "note": "",
            "waiver_ground": None, "waiver_cents": None, "waiver_reason": "", "waiver_by": None, "waiver_at": None,
            "reversal_line": None, "reversal_reason": "", "reversal_by": None, "reversal_at": None,
            "amendment_id": None, "version": 1, **values,
        }  # fmt: skip
        self.rows[table_of(Receivable)].append(row)
        return made, row

    def _engage(self, history: AwardHistory, planned_on: date) -> None:
        """By a signed agreement where one is due, and for some of the others; else by the manager alone."""
        need = rules.agreement_need(history.vote.amount, self.known.threshold, is_advance=history.facts.is_advance)
        if not need.is_due and self.rng.random() < 0.75:
            engaged_on = self._after(planned_on, 1, 10)
            if engaged_on < self.today:
                self._engaged(history, engaged_on, "engage", A.VOTED)
            return
        prepared_on = self._after(planned_on, 1, 3)
        signed_on = self._after(prepared_on, 5, 40) if self.rng.random() >= 0.03 else None
        if prepared_on >= self.today:
            return
        is_signed = signed_on is not None and signed_on < self.today
        self._agreement(history, prepared_on, signed_on if is_signed else None)
        if signed_on is not None and is_signed:
            for repayment, row in history.repayments:
                row["state"] = V.DUE
                self._say("receivable.fall_due", repayment, self.manager, at(signed_on, 11), **moved(V.PLANNED, V.DUE),
                          amount=row["amount_cents"].cents, due_on=row["due_on"].isoformat())  # fmt: skip
            self._engaged(history, signed_on, "sign_agreement", A.AGREEMENT)

    def _agreement(self, history: AwardHistory, prepared_on: date, signed_on: date | None) -> None:
        history.row["state"] = A.AGREEMENT
        values = {"amount": money(history.vote.amount), "title": history.vote.generated.title}
        self.rows[table_of(Agreement)].append({
            "id": self.key(), "award_id": history.award.id, "number": self.known.agreement_number(prepared_on.year),
            "terms": fill(self.sentences["terms"][0], values), "prepared_at": at(prepared_on, 14),
            "signed_on": signed_on, "file_id": None, "version": 1,
        })  # fmt: skip
        self._say("award.prepare_agreement", history.award, self.manager, at(prepared_on, 14),
                  **moved(A.VOTED, A.AGREEMENT))  # fmt: skip

    def _engaged(self, history: AwardHistory, on: date, verb: str, before: AwardState) -> None:
        history.row |= {
            "state": A.RUNNING, "engaged_on": on, "publication_due_on": self.known.due_on("publication_delay", on),
        }  # fmt: skip
        amount = history.vote.amount
        self._say(f"award.{verb}", history.award, self.manager, at(on, 11), **moved(before, A.RUNNING),
                  amount=amount.cents)  # fmt: skip
        self._move(history, LedgerKind.ENGAGED, amount, on, at(on, 11), self.manager)
        report, row = self._expect_report(history)
        self._pay(history, 0, on)
        self._repay(history)
        self._report(history, report, row)

    # ---- payments --------------------------------------------------------------------------------------------------

    def _pay(self, history: AwardHistory, position: int, ready_on: date) -> None:
        """Prepare, approve, order and pay an instalment, as far as today."""
        instalment, row = history.instalments[position]
        if history.usable_on is None or row["state"] is not T.PLANNED:
            return
        prepared_on = max(ready_on + timedelta(days=1), history.usable_on + timedelta(days=1),
                          row["due_on"] - timedelta(days=4))  # fmt: skip
        approved_on = self._after(prepared_on, 1, 3)
        ordered_on = max(self._after(approved_on, 1, 4), row["due_on"])
        paid_on = self._after(ordered_on, 8, 25)
        amount = row["amount_cents"]
        if prepared_on < self.today:
            row |= {
                "state": T.PREPARED, "bank_details_id": history.bank, "prepared_by": self.finance.id,
                "prepared_at": at(prepared_on, 9),
            }  # fmt: skip
            self._say("instalment.prepare", instalment, self.finance, at(prepared_on, 9),
                      **moved(T.PLANNED, T.PREPARED), amount=amount.cents)  # fmt: skip
        if approved_on < self.today:
            row |= {"state": T.APPROVED, "approved_by": self.officer.id, "approved_at": at(approved_on, 14)}
            self._say("instalment.approve", instalment, self.officer, at(approved_on, 14),
                      **moved(T.PREPARED, T.APPROVED), amount=amount.cents)  # fmt: skip
        if ordered_on >= self.today:
            return
        number = self.known.order_number(ordered_on.year)
        row |= {"state": T.ORDERED, "order_number": number, "order_year": ordered_on.year, "ordered_on": ordered_on}
        self._say("instalment.order", instalment, self.finance, at(ordered_on, 10), **moved(T.APPROVED, T.ORDERED),
                  amount=amount.cents, number=number)  # fmt: skip
        about = {"instalment_id": instalment.id, "number": number}
        self._move(history, LedgerKind.ORDERED, amount, ordered_on, at(ordered_on, 10), self.finance, **about)
        if paid_on >= self.today:
            return
        row |= {"state": T.PAID, "paid_on": paid_on}
        self._say("instalment.pay", instalment, self.finance, at(paid_on, 16), **moved(T.ORDERED, T.PAID),
                  amount=amount.cents)  # fmt: skip
        self._move(history, LedgerKind.PAID, amount, paid_on, at(paid_on, 16), self.finance, **about)

    def _repay(self, history: AwardHistory) -> None:
        """Most repayments come within some weeks of their day; once paid, an advance is not lowered any more."""
        for repayment, row in history.repayments:
            received_on = self._after(row["due_on"], -10, 25)
            if history.paid_on is None or self.rng.random() < 0.1 or not history.paid_on < received_on < self.today:
                continue
            self._receive(history, repayment, row, row["amount_cents"], received_on)

    def _receive(self, history: AwardHistory, receivable: Receivable, row: TableRow, amount: Money, on: date) -> None:
        row["received_cents"] += amount
        self._say("receivable.receive", receivable, self.finance, at(on, 10), **moved(V.DUE, V.DUE),
                  amount=amount.cents, on=on.isoformat())  # fmt: skip
        about = {"receivable_id": receivable.id}
        self._move(history, LedgerKind.RECEIVED, amount, on, at(on, 10), self.finance, **about)
        if row["received_cents"] == row["amount_cents"]:
            row["state"] = V.SETTLED
            self._say("receivable.settle", receivable, self.finance, at(on, 10), **moved(V.DUE, V.SETTLED))

    # ---- report ----------------------------------------------------------------------------------------------------

    def _expect_report(self, history: AwardHistory) -> tuple[Report, TableRow]:
        report = Report(id=self.key(), award_id=history.award.id, award=history.award)
        row: TableRow = {
            "id": report.id, "award_id": history.award.id, "state": R.EXPECTED,
            "due_on": self.known.report_due_on(history.facts.ends_on, 12), "narrative": "", "gaps": "",
            "people_reached": None, "submitted_at": None, "submitted_by": None, "decided_at": None,
            "decided_by": None, "decision_note": None, "version": 1,
        }  # fmt: skip
        self.rows[table_of(Report)].append(row)
        return report, row

    def _report(self, history: AwardHistory, report: Report, row: TableRow) -> None:
        """Written some weeks after the end of the project, by most; accepted, then settled."""
        rng, author = self.rng, self._author(history)
        written_on = self._after(history.facts.ends_on, 20, 200)
        is_written = rng.random() >= 0.08 and written_on < self.today
        saved = self._actuals(history) if is_written else None
        self._lines_of_report(history, report, saved)
        if saved is None:
            return
        sent = {"submitted_at": at(written_on, 18), "submitted_by": author.id}
        row |= sent | {
            "state": R.SUBMITTED, "narrative": self.sentences["narrative"][0], "gaps": self.sentences["gaps"][0],
            "people_reached": rng.randint(3, 60) * 10,
        }  # fmt: skip
        realised = _realised(history, saved)
        self._say("report.save", report, author, at(written_on, 17), **moved(R.EXPECTED, R.EXPECTED))
        self._say("report.submit", report, author, at(written_on, 18), **moved(R.EXPECTED, R.SUBMITTED),
                  realised=realised.cents)  # fmt: skip
        accepted_on = max(self._after(written_on, 5, 60), (history.paid_on or written_on) + timedelta(days=1))
        if rng.random() < 0.05 and written_on + timedelta(days=4) < self.today:
            self._return(report, row, written_on + timedelta(days=4))
        elif history.paid_on is not None and accepted_on < self.today:
            self._accept(history, report, row, realised, accepted_on)

    def _return(self, report: Report, row: TableRow, on: date) -> None:
        row |= {"state": R.RETURNED, "decision_note": self.sentences["correction"][0], "decided_by": self.manager.id}
        self._say("report.return", report, self.manager, at(on, 9), **moved(R.SUBMITTED, R.RETURNED))

    def _actuals(self, history: AwardHistory) -> list[Money]:
        """What each line of the budget really was: as planned, or less on both sides; contributions in kind as told."""
        spent = 100 if history.facts.is_advance else self.rng.choice((100, 100, 100, 97, 92, 85))
        saved = Money(history.facts.total.cents // 100 * (100 - spent))
        left = {"charge": saved, "resource": saved}
        actual = []
        for line_ in reversed(history.facts.budget):  # the request, first of the resources, comes down last
            side, planned = line_["side"], line_["amount_cents"]
            less = NOTHING if is_in_kind(line_["account"]) else min(planned, left[side])
            left[side] -= less
            actual.append(planned - less)
        return actual[::-1]

    def _lines_of_report(self, history: AwardHistory, report: Report, actual: Sequence[Money] | None) -> None:
        amounts: Sequence[Money | None] = actual or [None] * len(history.facts.budget)
        self.rows[table_of(ReportLine)] += [
            {
                "id": self.key(), "report_id": report.id, "position": position, "side": line_["side"],
                "account": line_["account"], "label": line_["label"], "planned_cents": line_["amount_cents"],
                "actual_cents": amount,
            }
            for position, (line_, amount) in enumerate(zip(history.facts.budget, amounts, strict=True))
        ]  # fmt: skip
        self.rows[table_of(ReportIndicator)] += [
            {
                "id": self.key(), "report_id": report.id, "position": position, "label": indicator["label"],
                "unit": indicator["unit"], "target": indicator["target"],
                "actual": None if actual is None else indicator["target"] * self.rng.randint(60, 130) // 100,
            }
            for position, indicator in enumerate(history.facts.indicators)
        ]  # fmt: skip

    def _accept(self, history: AwardHistory, report: Report, row: TableRow, realised: Money, on: date) -> None:
        """Accept a report and settle: the balance comes down, or what was paid in excess is claimed."""
        award = history.row
        found = rules.settlement(award["amount_cents"], NOTHING, award["ordered_cents"], history.facts.total, realised)
        row |= {"state": R.ACCEPTED, "decided_at": at(on, 9), "decided_by": self.manager.id}
        self._say("report.accept", report, self.manager, at(on, 9), **moved(R.SUBMITTED, R.ACCEPTED),
                  payable=found.payable.cents)  # fmt: skip
        if found.released:
            self._release(history, found.released, on)
        if len(history.instalments) > 1:
            self._pay(history, 1, on)
        if found.excess:
            self._recover(history, found.excess, on)
        self._close(history, found.excess, on)

    def _close(self, history: AwardHistory, excess: Money, accepted_on: date) -> None:
        """Most awards are closed some days after their last payment, once nothing is owed either way."""
        award, rows = history.row, [row for _instalment, row in history.instalments if row["state"] is not T.CANCELLED]
        owed = award["paid_cents"] if history.facts.is_advance else excess
        if award["received_cents"] != owed or any(row["state"] is not T.PAID for row in rows):
            return
        closed_on = self._after(max(accepted_on, *(entry["day"] for entry in history.ledger)), 3, 40)
        if closed_on < self.today and self.rng.random() < 0.9:
            award |= {"state": A.CLOSED, "closed_on": closed_on}
            self._say("award.close", history.award, self.manager, at(closed_on, 16), **moved(A.RUNNING, A.CLOSED))

    def _release(self, history: AwardHistory, released: Money, on: date) -> None:
        balance, row = history.instalments[-1]
        if row["amount_cents"] <= released:
            row["state"] = T.CANCELLED
            self._say("instalment.cancel", balance, self.manager, at(on, 9), **moved(T.PLANNED, T.CANCELLED),
                      amount=row["amount_cents"].cents)  # fmt: skip
        else:
            row["amount_cents"] -= released
            self._say("instalment.lowered", balance, self.manager, at(on, 9), by_cents=released.cents)
        self._move(history, LedgerKind.RELEASED, released, on, at(on, 9), self.manager)
        self._say("award.released", history.award, self.manager, at(on, 9), amount=released.cents)

    def _recover(self, history: AwardHistory, excess: Money, on: date) -> None:
        """Ask for what was paid in excess; most of it was received some weeks later."""
        prepared_on, approved_on, issued_on = (on + timedelta(days=days) for days in (5, 8, 11))
        if issued_on >= self.today:
            return
        number, reason = self.known.order_number(issued_on.year), self.sentences["excess"][0]
        due_on = issued_on + timedelta(days=60)
        recovery, row = self._receivable(
            history, kind=ReceivableKind.RECOVERY, state=V.DUE, amount_cents=excess, due_on=due_on, reason=reason,
            number=number, order_year=issued_on.year, issued_on=issued_on, prepared_by=self.finance.id,
            prepared_at=at(prepared_on, 9), approved_by=self.officer.id, approved_at=at(approved_on, 14),
        )  # fmt: skip
        amount = excess.cents
        self._say("receivable.prepared", recovery, self.finance, at(prepared_on, 9), amount=amount,
                  due_on=due_on.isoformat())  # fmt: skip
        self._say("receivable.approve", recovery, self.officer, at(approved_on, 14), **moved(V.PREPARED, V.APPROVED),
                  amount=amount)  # fmt: skip
        self._say("receivable.issue", recovery, self.finance, at(issued_on, 10), **moved(V.APPROVED, V.DUE),
                  amount=amount, number=number)  # fmt: skip
        about = {"receivable_id": recovery.id, "number": number, "reason": reason}
        self._move(history, LedgerKind.CLAIMED, excess, issued_on, at(issued_on, 10), self.finance, **about)
        received_on = self._after(issued_on, 15, 90)
        drawn = self.rng.random()
        if drawn < 0.8 and received_on < self.today:
            part = excess if drawn < 0.6 else Money(-(-excess.cents // 2))
            self._receive(history, recovery, row, part, received_on)


def _held_back(rows: Sequence[TableRow], state: Any, *names: str, only: Any = None) -> list[TableRow]:
    """Put rows into an earlier state to be inserted; give what brings each to its own afterwards."""
    final = []
    for row in rows:
        if row["state"] is state or (only is not None and row["state"] is not only):
            continue
        final.append({"key": row["id"], "state": row["state"], **{name: row[name] for name in names}})
        row |= {"state": state, **dict.fromkeys(names)}
    return final


def _split(amount: Money, weighted: Sequence[tuple[UUID | None, int]]) -> Iterator[tuple[UUID | None, Money]]:
    parts = rules.split(amount, [weight for _key, weight in weighted])
    return zip((key for key, _weight in weighted), parts, strict=True)


def _realised(history: AwardHistory, actual: Sequence[Money]) -> Money:
    """What the project really cost, without contributions in kind."""
    charges = zip(history.facts.budget, actual, strict=True)
    return sum(
        (amount for row, amount in charges if row["side"] == "charge" and not is_in_kind(row["account"])), NOTHING
    )


def at(day: date, hour: int) -> datetime:
    """An instant of a day, by universal time."""
    return datetime.combine(day, time(hour), UTC)
