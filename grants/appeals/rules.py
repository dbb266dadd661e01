"""When an appeal may be lodged, when its answer is due, and what a new vote makes of it: on plain facts."""

from dataclasses import dataclass
from datetime import date, timedelta

from grants.kernel.machine import Text
from grants.kernel.money import Money
from grants.kernel.words import _l

LONGEST = 8_000  # characters of the reasons of an appeal
LONGEST_ANSWER = 4_000
MOST_FILES = 5
MOST_A_DAY = 3  # appeals lodged and withdrawn on one dossier: each writes to the managers
APPEAL, SILENCE, NOTICE = "appeal", "implicit_rejection", "electronic_notification"  # the dated rules read here
CLOCKS = (APPEAL, SILENCE, NOTICE)


@dataclass(frozen=True)
class NewVote:
    """What the deliberative body voted on an appeal: its act, all that it gives to the project, and why."""

    act_number: str
    act_on: date
    act_body: str
    amount: Money
    reason: str


@dataclass(frozen=True)
class Period:
    """Until when a decision may be contested. Days, both included.

    `until` counts from the day the decision was published, `at_latest` from the last day on which its notification may
    be deemed received: what comes between is taken, since nothing here tells on which day it was read.
    """

    until: date
    at_latest: date

    def takes(self, on: date) -> bool:
        """Whether an appeal that comes on a day is taken."""
        return on <= self.at_latest


def last_notified(published_on: date, days: int) -> date:
    """The last day on which a notification that was made available on a day may be deemed received."""
    return published_on + timedelta(days=days)


def is_contestable(*, granted: bool, amount: Money, requested: Money) -> bool:
    """Whether a decision leaves something to ask for: refused, or less than what was asked."""
    return not granted or amount < requested


def is_silent(*, is_open: bool, answer_due_on: date, today: date) -> bool:
    """Whether the silence kept on an appeal is a rejection already: its last day is over without an answer."""
    return is_open and today > answer_due_on


def why_not_vote(amount: Money, *, decided: Money, requested: Money) -> Text | None:
    """None when the body may have voted an amount on an appeal, else the reason."""
    if amount < decided:
        return _l("Ce montant est inférieur à celui de la décision contestée : un recours ne sert pas à la réduire.")
    if amount > requested:
        return _l("Ce montant dépasse la demande.")
    return None


def verb_of(amount: Money, *, decided: Money, requested: Money) -> str:
    """What a vote does to an appeal: it confirms the decision, grants all that was asked, or a part."""
    if amount == decided:
        return "confirm"
    return "uphold" if amount >= requested else "uphold_part"


def why_not_act_day(on: date, *, referred_on: date, today: date) -> Text | None:
    """None when the body may have voted on a day: once the appeal was sent to it, and not in the future."""
    if on > today:
        return _l("Cette date est dans l’avenir. Enregistrez le vote une fois qu’il a eu lieu.")
    if on < referred_on:
        return _l("Cette date précède le renvoi à l’assemblée : le vote ne peut venir qu’après.")
    return None
