"""The life of a meeting: prepared, frozen, voted by the deliberative body, published."""

from enum import StrEnum

from grants.kernel.machine import Machine, Move, State
from grants.kernel.words import _l
from grants.permissions import P


class MeetingState(StrEnum):
    """States of a meeting of the committee."""

    PREPARING = "preparing"
    FROZEN = "frozen"
    VOTED = "voted"
    PUBLISHED = "published"


S = MeetingState
_ACT = ("act_number", "act_on", "act_body")

LIFECYCLE = Machine(
    "meeting",
    states={
        S.PREPARING: State(_l("En délibération"), tone="info"),
        S.FROZEN: State(_l("Avis figés"), tone="warn", needs=("frozen_at",)),
        S.VOTED: State(_l("Acte enregistré"), tone="warn", needs=("frozen_at", *_ACT)),
        S.PUBLISHED: State(_l("Publié"), tone="good", needs=("frozen_at", "published_at", *_ACT), final=True),
    },
    moves=(
        Move("edit", frozenset({S.PREPARING}), None, P.MEETING_EDIT, _l("Modifier la séance"),
             endpoint="deliberation.edit"),
        Move("recommend", frozenset({S.PREPARING}), None, P.RECOMMENDATION_MAKE, _l("Enregistrer l’avis")),
        Move("freeze", frozenset({S.PREPARING}), S.FROZEN, P.MEETING_FREEZE, _l("Figer les avis"),
             endpoint="deliberation.freeze"),
        Move("record_act", frozenset({S.FROZEN}), S.VOTED, P.ACT_RECORD, _l("Enregistrer l’acte"),
             endpoint="deliberation.record_act"),
        Move("publish", frozenset({S.VOTED}), S.PUBLISHED, P.RESULTS_PUBLISH, _l("Publier les résultats"),
             endpoint="deliberation.publish"),
    ),
)  # fmt: skip
