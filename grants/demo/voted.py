"""Takes a call of invented applications through its committee: recommendations, freeze, act, publication.

Recommendations and results are written in bulk; the meeting itself moves by the actions that people use, so that the
envelope, the guards and the minutes are theirs.
"""

import random
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select, update

from grants.applications.lifecycle import ApplicationState
from grants.applications.models import Application
from grants.calls.actions import move_envelope
from grants.calls.models import Call
from grants.deliberation import actions
from grants.deliberation.lifecycle import LIFECYCLE, MeetingState
from grants.deliberation.models import Decision, Meeting, Recommendation
from grants.deliberation.rules import Act, Verdict, Vote
from grants.demo import awarded
from grants.demo.generator import Frame, Generated, TableRow, line, moved, table_of, texts_of_volume
from grants.demo.script import Script
from grants.kernel import clock, journal
from grants.kernel.actor import Actor
from grants.kernel.db import db
from grants.kernel.money import Money

TITLE = "Comité de l’innovation sociale (volume d’essai)"
PREPARED, HELD, FROZEN, VOTED, RECORDED, PUBLISHED = 35, 45, 48, 58, 59, 62  # days from the closing of the call
AT_ONCE = 500
S = ApplicationState


class Committee:
    """The committee of one call, from the same seed always the same."""

    def __init__(self, frame: Frame, seed: int, script: Script, *, by: Actor) -> None:
        self.frame, self.script, self.by = frame, script, by
        self.rng = random.Random(f"volume {seed} {frame.model['call']['code']} votes")
        self.sentences = texts_of_volume()["sentences"]

    def at(self, days: int) -> datetime:
        """An instant so many days after the closing."""
        return self.script.at((self.frame.closes_on - self.script.today).days + days, 10)

    def on(self, days: int) -> date:
        """The day so many days after the closing."""
        return self.frame.closes_on + timedelta(days=days)

    def decide(self, eligible: Sequence[Generated]) -> list[awarded.DrawnVote]:
        """Hold the meeting of a past call, and publish what the body decided; what was granted."""
        if not eligible:
            return []
        call = db.session.get_one(Call, self.frame.call_id)
        meeting = self._recommend(call, eligible, held=HELD)
        with clock.fixed(self.at(FROZEN)):
            actions.freeze(meeting, by=self.by)
        db.session.flush()
        with clock.fixed(self.at(RECORDED)):
            act = Act(f"{self.on(VOTED).year}-V{call.code[-7:]}", self.on(VOTED), self.frame.fund.body_name, "")
            actions.record_act(meeting, act, self._departures(meeting), by=self.by)
        db.session.flush()
        decisions = {
            row.application_id: row
            for row in db.session.execute(
                select(Decision.application_id, Decision.id, Decision.amount).where(Decision.meeting_id == meeting.id)
            )
        }
        with clock.fixed(self.at(PUBLISHED)):
            self._publish(call, meeting, {key: bool(row.amount) for key, row in decisions.items()})
        return [
            awarded.DrawnVote(each, found.id, found.amount, act.number, act.on, self.on(PUBLISHED))
            for each in eligible
            if (found := decisions[each.application.id]).amount
        ]

    def begin(self, eligible: Sequence[Generated]) -> None:
        """Prepare the meeting of a call under way; the best of what was read has its recommendation already."""
        if not eligible:
            return
        read = [each for each in eligible if each.facts and each.facts.score is not None]
        self._recommend(db.session.get_one(Call, self.frame.call_id), read[: len(read) // 2], held=71)

    # ---- recommendations -------------------------------------------------------------------------------------------

    def _recommend(self, call: Call, eligible: Sequence[Generated], *, held: int) -> Meeting:
        """Recommend the best first, as long as the envelope lasts."""
        with clock.fixed(self.at(PREPARED)):
            meeting = actions.prepare(call, title=TITLE, held_on=self.on(held), by=self.by)
            db.session.flush()
            made_at, left, rows = clock.now() + timedelta(hours=4), call.envelope, []
            for each in sorted(eligible, key=lambda one: -(one.facts.score or 0) if one.facts else 0):
                rows.append(self._recommendation(meeting, each, left, made_at))
                left -= rows[-1]["amount_cents"]
            move_envelope(call, call.envelope - left)
        if rows:
            db.session.connection().execute(table_of(Recommendation).insert(), rows)
            journal.append(db.session.connection(), list(self._said(meeting, rows)))
        return meeting

    def _recommendation(self, meeting: Meeting, each: Generated, left: Money, made_at: datetime) -> TableRow:
        rng, facts = self.rng, each.facts
        if facts is None:
            raise LookupError(f"{each.application.id} is not eligible")
        share = facts.requested.cents * rng.choice((100, 100, 90, 80, 70)) // 100 // 10_000 * 10_000
        amount = Money(max(facts.minimum.cents, share))
        if amount > min(left, facts.requested) or rng.random() < 0.08:
            amount = Money(0)
        verdict = Verdict.UNFAVOURABLE
        if amount:
            verdict = Verdict.FAVOURABLE if rng.random() < 0.8 else Verdict.FAVOURABLE_WITH_CONDITIONS
        has_conditions = verdict is Verdict.FAVOURABLE_WITH_CONDITIONS
        return {
            "id": UUID(int=rng.getrandbits(128), version=4), "meeting_id": meeting.id,
            "application_id": each.application.id, "verdict": verdict, "amount_cents": amount,
            "conditions": rng.choice(self.sentences["condition"]) if has_conditions else "",
            "reason": rng.choice(self.sentences["favourable" if amount else "unfavourable"]),
            "score_hundredths": facts.score, "made_by": self.frame.manager.id, "made_at": made_at, "version": 1,
        }  # fmt: skip

    def _said(self, meeting: Meeting, rows: Sequence[TableRow]) -> Iterator[Any]:
        for row in rows:
            amount = row["amount_cents"].cents
            known = Recommendation(id=row["id"], application_id=row["application_id"])
            yield line("meeting.recommend", meeting, self.by, row["made_at"],
                       **moved(MeetingState.PREPARING, MeetingState.PREPARING),
                       application=str(row["application_id"]), amount=amount)  # fmt: skip
            yield line("recommendation.made", known, self.by, row["made_at"], verdict=row["verdict"].value,
                       amount=amount)  # fmt: skip

    # ---- the act and its publication -------------------------------------------------------------------------------

    def _departures(self, meeting: Meeting) -> dict[UUID, Vote]:
        """The few dossiers to which the body gives less than was recommended."""
        rows = db.session.execute(
            select(Recommendation.application_id, Recommendation.amount)
            .where(Recommendation.meeting_id == meeting.id, Recommendation.amount > Money.euros(6_000))
            .order_by(Recommendation.id)
        )
        reason = self.sentences["body"][0]
        return {row.application_id: Vote(row.amount - Money.euros(500), reason) for row in rows
                if self.rng.random() < 0.03}  # fmt: skip

    def _publish(self, call: Call, meeting: Meeting, granted: dict[UUID, bool]) -> None:
        """What publishing does, without a letter."""
        journal.advance(LIFECYCLE, meeting, "publish", by=self.by, recused=[])
        meeting.published_at = call.results_published_at = clock.now()
        for state, verb in ((S.AWARDED, "award"), (S.DECLINED, "decline")):
            announced = [key for key, is_granted in granted.items() if is_granted is (state is S.AWARDED)]
            for start in range(0, len(announced), AT_ONCE):
                db.session.connection().execute(
                    update(table_of(Application))
                    .where(table_of(Application).c.id.in_(announced[start : start + AT_ONCE]))
                    .values(state=state, version=table_of(Application).c.version + 1)
                )
            for key in announced:
                journal.record(f"application.{verb}", Application(id=key), by=self.by, **moved(S.ELIGIBLE, state))
        journal.record("call.results_published", call, by=self.by, letters=0)
