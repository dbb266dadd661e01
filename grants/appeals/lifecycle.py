"""The life of an appeal: lodged, answered, or sent to the deliberative body and voted on; or withdrawn."""

from enum import StrEnum

from grants.kernel.machine import Machine, Move, State
from grants.kernel.words import _l
from grants.permissions import P


class AppealState(StrEnum):
    """States of an appeal. Its silence is computed from its days, never a state."""

    LODGED = "lodged"
    REFERRED = "referred"
    UPHELD = "upheld"
    PARTLY_UPHELD = "partly_upheld"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"


S = AppealState
OPEN = frozenset({S.LODGED, S.REFERRED})
_ANSWERED = ("answer", "answered_at", "answered_by")
_VOTED = (*_ANSWERED, "act_number", "act_on", "act_body", "voted_cents")

LIFECYCLE = Machine(
    "appeal",
    states={
        S.LODGED: State(_l("Recours à répondre"), _l("Recours reçu, réponse attendue"), "warn"),
        S.REFERRED: State(
            _l("Recours renvoyé à l’assemblée"), _l("Recours renvoyé à l’assemblée délibérante"), "info",
            needs=("referral", "referred_at", "referred_by"),
        ),
        S.UPHELD: State(_l("Recours accueilli"), _l("Recours accueilli"), "good", needs=_VOTED, final=True),
        S.PARTLY_UPHELD: State(
            _l("Recours accueilli en partie"), _l("Recours accueilli en partie"), "good", needs=_VOTED, final=True
        ),
        S.REJECTED: State(_l("Recours rejeté"), _l("Recours rejeté"), "neutral", needs=_ANSWERED, final=True),
        S.WITHDRAWN: State(
            _l("Recours retiré"), _l("Recours retiré à votre demande"), "neutral", needs=("withdrawn_at",), final=True
        ),
    },
    moves=(
        Move("refer", frozenset({S.LODGED}), S.REFERRED, P.APPEAL_ANSWER, _l("Renvoyer à l’assemblée délibérante"),
             endpoint="appeals.answer"),
        Move("reject", frozenset({S.LODGED}), S.REJECTED, P.APPEAL_ANSWER, _l("Rejeter le recours"),
             endpoint="appeals.answer"),
        Move("confirm", frozenset({S.REFERRED}), S.REJECTED, P.APPEAL_ANSWER, _l("Enregistrer que l’acte confirme")),
        Move("uphold", frozenset({S.REFERRED}), S.UPHELD, P.APPEAL_ANSWER, _l("Enregistrer que l’acte accorde tout")),
        Move("uphold_part", frozenset({S.REFERRED}), S.PARTLY_UPHELD, P.APPEAL_ANSWER,
             _l("Enregistrer que l’acte accorde une partie")),
        Move("withdraw", OPEN, S.WITHDRAWN, P.APPEAL_WITHDRAW, _l("Retirer le recours"), endpoint="appeals.withdraw"),
    ),
)  # fmt: skip
