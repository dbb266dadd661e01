"""The life of an application, from the first draft to what the deliberative body decided."""

from enum import StrEnum

from grants.kernel.machine import Machine, Move, State
from grants.kernel.words import _l
from grants.permissions import P


class ApplicationState(StrEnum):
    """States of an application. Review and deliberation are read from assignments and meetings, never stored here."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    PIECES_REQUESTED = "pieces_requested"
    ELIGIBLE = "eligible"
    INELIGIBLE = "ineligible"
    AWARDED = "awarded"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"


S = ApplicationState
UNDER_WAY = frozenset({S.SUBMITTED, S.PIECES_REQUESTED, S.ELIGIBLE})
SUBMITTED_STATES = frozenset(S) - {S.DRAFT}
_FROZEN = ("submitted_at", "reference", "silence_on", "requested_cents", "instrument_id")

LIFECYCLE = Machine(
    "application",
    states={
        S.DRAFT: State(_l("Brouillon"), _l("Brouillon, pas encore déposé"), "neutral"),
        S.SUBMITTED: State(_l("À instruire"), _l("Déposé"), "info", needs=_FROZEN),
        S.PIECES_REQUESTED: State(_l("Pièce demandée"), _l("Une pièce vous est demandée"), "warn", needs=_FROZEN),
        S.ELIGIBLE: State(_l("Recevable"), _l("Recevable, en cours d’examen"), "info", needs=(*_FROZEN, "screened_at")),
        S.INELIGIBLE: State(
            _l("Irrecevable"), _l("Irrecevable"), "bad", needs=(*_FROZEN, "screened_at", "screening_reason"), final=True
        ),
        S.AWARDED: State(_l("Attribué"), _l("Soutien accordé"), "good", needs=_FROZEN, final=True),
        S.DECLINED: State(_l("Non retenu"), _l("Non retenu"), "neutral", needs=_FROZEN, final=True),
        S.WITHDRAWN: State(_l("Retiré"), _l("Retiré à votre demande"), "neutral", needs=("withdrawn_at",), final=True),
    },
    moves=(
        Move("save", frozenset({S.DRAFT}), None, P.APPLICATION_EDIT, _l("Enregistrer")),
        Move("submit", frozenset({S.DRAFT}), S.SUBMITTED, P.APPLICATION_SUBMIT, _l("Déposer le dossier")),
        Move("correct", frozenset({S.SUBMITTED}), None, P.APPLICATION_SUBMIT, _l("Déposer une nouvelle version")),
        Move("replace", frozenset({S.DRAFT}), S.WITHDRAWN, P.APPLICATION_SUBMIT, _l("Déposer la correction")),
        Move("request_piece", frozenset({S.SUBMITTED, S.PIECES_REQUESTED}), S.PIECES_REQUESTED, P.SCREENING_DECIDE,
             _l("Demander une pièce")),
        Move("complete", frozenset({S.PIECES_REQUESTED}), S.SUBMITTED, P.PIECE_ANSWER, _l("Envoyer la pièce")),
        Move("accept", frozenset({S.SUBMITTED, S.PIECES_REQUESTED}), S.ELIGIBLE, P.SCREENING_DECIDE,
             _l("Déclarer recevable")),
        Move("exclude", frozenset({S.SUBMITTED, S.PIECES_REQUESTED}), S.INELIGIBLE, P.SCREENING_DECIDE,
             _l("Déclarer irrecevable")),
        Move("award", frozenset({S.ELIGIBLE}), S.AWARDED, P.RESULTS_PUBLISH, _l("Publier : accordé")),
        Move("decline", frozenset({S.ELIGIBLE}), S.DECLINED, P.RESULTS_PUBLISH, _l("Publier : non retenu")),
        Move("withdraw", UNDER_WAY | {S.DRAFT}, S.WITHDRAWN, P.APPLICATION_WITHDRAW, _l("Retirer le dossier"),
             endpoint="applications.withdraw"),
    ),
)  # fmt: skip
