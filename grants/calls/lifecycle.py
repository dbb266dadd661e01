"""The life of a call: written, opened once and for all, archived. Whether it is open now is read from its dates."""

from enum import StrEnum

from grants.kernel.machine import Machine, Move, State
from grants.kernel.words import _l
from grants.permissions import P


class CallState(StrEnum):
    """States of a call."""

    DRAFT = "draft"
    OPENED = "opened"
    ARCHIVED = "archived"


S = CallState

LIFECYCLE = Machine(
    "call",
    states={
        S.DRAFT: State(_l("En préparation"), tone="neutral"),
        S.OPENED: State(_l("Publié"), tone="good", needs=("opens_at", "closes_at", "opened_at")),
        S.ARCHIVED: State(_l("Archivé"), tone="neutral", final=True, needs=("opens_at", "closes_at")),
    },
    moves=(
        Move("edit", frozenset({S.DRAFT}), None, P.CALL_EDIT, _l("Modifier")),
        Move("open", frozenset({S.DRAFT}), S.OPENED, P.CALL_OPEN, _l("Publier l’appel"), endpoint="calls.open_call"),
        Move("extend", frozenset({S.OPENED}), None, P.CALL_OPEN, _l("Reporter la clôture"), endpoint="calls.extend"),
        Move("widen", frozenset({S.OPENED}), None, P.CALL_OPEN, _l("Augmenter l’enveloppe"), endpoint="calls.widen"),
        Move("freeze_marks", frozenset({S.OPENED}), None, P.MEETING_FREEZE, _l("Figer les notes")),
        Move(
            "archive", frozenset({S.OPENED}), S.ARCHIVED, P.CALL_OPEN, _l("Archiver"), endpoint="deliberation.archive"
        ),
    ),
)
