"""The life of an assignment: offered, opened by a declaration of no interest, marked, submitted; recused or removed."""

from enum import StrEnum

from grants.kernel.machine import Machine, Move, State
from grants.kernel.words import _l
from grants.permissions import P


class AssignmentState(StrEnum):
    """States of an assignment."""

    OFFERED = "offered"
    OPEN = "open"
    SUBMITTED = "submitted"
    RECUSED = "recused"
    REMOVED = "removed"


S = AssignmentState

LIFECYCLE = Machine(
    "assignment",
    states={
        S.OFFERED: State(_l("À ouvrir"), tone="neutral"),
        S.OPEN: State(_l("En cours"), tone="info", needs=("declared_at",)),
        S.SUBMITTED: State(_l("Envoyée"), tone="good", needs=("declared_at", "submitted_at"), final=True),
        S.RECUSED: State(_l("Déport"), tone="warn", needs=("declared_at",), final=True),
        S.REMOVED: State(_l("Annulée"), tone="neutral"),
    },
    moves=(
        Move("declare_none", frozenset({S.OFFERED}), S.OPEN, P.INTEREST_DECLARE, _l("Je n’ai aucun lien")),
        Move("recuse", frozenset({S.OFFERED, S.OPEN, S.SUBMITTED}), S.RECUSED, P.INTEREST_DECLARE,
             _l("Déclarer un lien et me déporter")),
        Move("record_marks", frozenset({S.OPEN}), None, P.REVIEW_MARK, _l("Enregistrer")),
        Move("submit", frozenset({S.OPEN}), S.SUBMITTED, P.REVIEW_SUBMIT, _l("Envoyer l’évaluation")),
        Move("remove", frozenset({S.OFFERED, S.OPEN}), S.REMOVED, P.REVIEW_ASSIGN, _l("Annuler l’affectation")),
        Move("offer_again", frozenset({S.REMOVED}), S.OFFERED, P.REVIEW_ASSIGN, _l("Affecter de nouveau")),
    ),
)  # fmt: skip
