"""The lives of what follows a decision: award, bank details, instalment, report."""

from enum import StrEnum

from grants.kernel.machine import Machine, Move, State
from grants.kernel.words import _l
from grants.permissions import P


class AwardState(StrEnum):
    """States of an award."""

    VOTED = "voted"
    AGREEMENT = "agreement"
    RUNNING = "running"
    CLOSED = "closed"


class BankState(StrEnum):
    """States of bank details: given by the association, confirmed by two different people."""

    GIVEN = "given"
    CHECKED = "checked"
    CONFIRMED = "confirmed"
    REFUSED = "refused"
    REPLACED = "replaced"


class InstalmentState(StrEnum):
    """States of an instalment."""

    PLANNED = "planned"
    PREPARED = "prepared"
    APPROVED = "approved"
    ORDERED = "ordered"
    SUSPENDED = "suspended"
    PAID = "paid"
    CANCELLED = "cancelled"


class ReceivableState(StrEnum):
    """States of what an association owes back: a planned repayment, or a recovery prepared, approved, then issued."""

    PLANNED = "planned"
    PREPARED = "prepared"
    APPROVED = "approved"
    DUE = "due"
    SETTLED = "settled"
    CANCELLED = "cancelled"


class ReportState(StrEnum):
    """States of a final report."""

    EXPECTED = "expected"
    SUBMITTED = "submitted"
    RETURNED = "returned"
    ACCEPTED = "accepted"


A, B, T, R, V = AwardState, BankState, InstalmentState, ReportState, ReceivableState

AWARD = Machine(
    "award",
    states={
        A.VOTED: State(_l("Votée"), _l("Soutien accordé"), "info"),
        A.AGREEMENT: State(_l("Convention à signer"), _l("Convention à signer"), "warn"),
        A.RUNNING: State(_l("En cours"), _l("En cours"), "good", needs=("engaged_on",)),
        A.CLOSED: State(_l("Soldée"), _l("Soldé"), "neutral", needs=("engaged_on", "closed_on"), final=True),
    },
    moves=(
        Move("prepare_agreement", frozenset({A.VOTED, A.AGREEMENT}), A.AGREEMENT, P.AGREEMENT_PREPARE,
             _l("Préparer la convention"), "awards.agreement"),
        Move("sign_agreement", frozenset({A.AGREEMENT}), A.RUNNING, P.AGREEMENT_SIGN, _l("Enregistrer la signature"),
             "awards.sign"),
        Move("engage", frozenset({A.VOTED}), A.RUNNING, P.AGREEMENT_SIGN, _l("Engager sans convention"),
             "awards.engage"),
        # A later award of the year may carry the body over the threshold: an engaged award then gets its agreement too.
        Move("prepare_late_agreement", frozenset({A.RUNNING}), None, P.AGREEMENT_PREPARE,
             _l("Préparer la convention devenue obligatoire"), "awards.agreement"),
        Move("sign_late_agreement", frozenset({A.RUNNING}), None, P.AGREEMENT_SIGN, _l("Enregistrer la signature"),
             "awards.sign"),
        Move("plan", frozenset({A.VOTED, A.AGREEMENT, A.RUNNING}), None, P.INSTALMENT_PLAN, _l("Établir l’échéancier"),
             "awards.schedule"),
        Move("close", frozenset({A.RUNNING}), A.CLOSED, P.AWARD_CLOSE, _l("Clore l’attribution"), "awards.close"),
    ),
)  # fmt: skip

BANK = Machine(
    "bank_details",
    states={
        B.GIVEN: State(_l("À vérifier"), _l("En cours de vérification"), "warn"),
        B.CHECKED: State(_l("Vérifiées une fois"), _l("En cours de vérification"), "warn", needs=("first_by",)),
        B.CONFIRMED: State(_l("Confirmées"), _l("Confirmées"), "good", needs=("first_by", "second_by")),
        B.REFUSED: State(_l("Refusées"), _l("Refusées"), "bad", final=True),
        B.REPLACED: State(_l("Remplacées"), _l("Remplacées"), "neutral", final=True),
    },
    moves=(
        Move(
            "check",
            frozenset({B.GIVEN}),
            B.CHECKED,
            P.BANK_DETAILS_CONFIRM,
            _l("Enregistrer la première vérification"),
            "awards.check_bank",
        ),
        Move(
            "confirm",
            frozenset({B.CHECKED}),
            B.CONFIRMED,
            P.BANK_DETAILS_CONFIRM,
            _l("Confirmer ces coordonnées"),
            "awards.confirm_bank",
        ),
        Move(
            "refuse",
            frozenset({B.GIVEN, B.CHECKED}),
            B.REFUSED,
            P.BANK_DETAILS_CONFIRM,
            _l("Refuser ces coordonnées"),
            "awards.refuse_bank",
        ),
        Move("replace", frozenset({B.GIVEN, B.CHECKED, B.CONFIRMED}), B.REPLACED, P.BANK_DETAILS_GIVE, _l("Remplacer")),
    ),
)

_ORDER = ("prepared_by", "approved_by", "bank_details_id")

INSTALMENT = Machine(
    "instalment",
    states={
        T.PLANNED: State(_l("Prévue"), _l("Prévue"), "neutral"),
        T.PREPARED: State(_l("À approuver"), _l("En préparation"), "info", needs=("prepared_by", "bank_details_id")),
        T.APPROVED: State(_l("Approuvée"), _l("En préparation"), "info", needs=_ORDER),
        T.ORDERED: State(_l("Mandatée"), _l("Mandatée"), "info", needs=(*_ORDER, "order_number", "ordered_on")),
        T.SUSPENDED: State(_l("Suspendue par le comptable"), _l("Paiement suspendu"), "warn",
                           needs=(*_ORDER, "order_number", "ordered_on")),
        T.PAID: State(_l("Payée (date comptable)"), _l("Payée par le comptable public"), "good",
                      needs=(*_ORDER, "order_number", "ordered_on", "paid_on"), final=True),
        T.CANCELLED: State(_l("Annulée"), _l("Annulée"), "neutral", final=True),
    },
    moves=(
        Move("prepare", frozenset({T.PLANNED}), T.PREPARED, P.PAYMENT_PREPARE, _l("Préparer le mandat"),
             "awards.prepare"),
        Move("approve", frozenset({T.PREPARED}), T.APPROVED, P.PAYMENT_APPROVE, _l("Approuver le mandat"),
             "awards.approve"),
        Move("send_back", frozenset({T.PREPARED, T.APPROVED}), T.PLANNED, P.PAYMENT_STOP,
             _l("Renvoyer à la préparation"), "awards.send_back"),
        Move("order", frozenset({T.APPROVED}), T.ORDERED, P.PAYMENT_RECORD, _l("Enregistrer le mandat émis"),
             "awards.order"),
        Move("pay", frozenset({T.ORDERED}), T.PAID, P.PAYMENT_RECORD, _l("Enregistrer la date comptable"),
             "awards.pay"),
        Move("suspend", frozenset({T.ORDERED}), T.SUSPENDED, P.PAYMENT_RECORD, _l("Enregistrer une suspension"),
             "awards.suspend"),
        Move("resume", frozenset({T.SUSPENDED}), T.ORDERED, P.PAYMENT_RECORD, _l("Lever la suspension"),
             "awards.resume"),
        Move("reject", frozenset({T.ORDERED, T.SUSPENDED}), T.PLANNED, P.PAYMENT_RECORD, _l("Enregistrer un rejet"),
             "awards.reject"),
        Move("cancel_order", frozenset({T.ORDERED, T.SUSPENDED}), T.PLANNED, P.PAYMENT_STOP,
             _l("Annuler le mandat"), "awards.cancel_order"),
        Move("correct_order", frozenset({T.ORDERED, T.SUSPENDED}), None, P.PAYMENT_RECORD,
             _l("Corriger le numéro ou la date"), "awards.correct_order"),
        Move("attest", frozenset({T.PLANNED, T.PREPARED, T.APPROVED}), None, P.INSTALMENT_PLAN,
             _l("Attester la condition"), "awards.attest"),
        Move("cancel", frozenset({T.PLANNED}), T.CANCELLED, P.AWARD_CLOSE, _l("Annuler")),
    ),
)  # fmt: skip

RECEIVABLE = Machine(
    "receivable",
    begins=frozenset({V.PLANNED, V.PREPARED}),  # an instalment of an advance to repay, or a recovery
    states={
        V.PLANNED: State(_l("Prévu"), _l("Prévu"), "neutral"),
        V.PREPARED: State(_l("À approuver"), _l("En préparation"), "info"),
        V.APPROVED: State(_l("Approuvé, titre à émettre"), _l("En préparation"), "info"),
        V.DUE: State(_l("À recevoir"), _l("À payer"), "warn"),
        V.SETTLED: State(_l("Soldé"), _l("Soldé"), "good"),
        V.CANCELLED: State(_l("Sans suite"), _l("Sans suite"), "neutral", final=True),
    },
    moves=(
        Move("fall_due", frozenset({V.PLANNED}), V.DUE, P.AGREEMENT_SIGN, _l("Rendre exigible")),
        Move("approve", frozenset({V.PREPARED}), V.APPROVED, P.PAYMENT_APPROVE, _l("Approuver le reversement"),
             "awards.approve_recovery"),
        Move("refuse", frozenset({V.PREPARED, V.APPROVED}), V.CANCELLED, P.PAYMENT_STOP,
             _l("Ne pas donner suite"), "awards.refuse_recovery"),
        Move("issue", frozenset({V.APPROVED}), V.DUE, P.PAYMENT_RECORD, _l("Enregistrer le titre émis"),
             "awards.issue_recovery"),
        Move("receive", frozenset({V.DUE}), None, P.PAYMENT_RECORD, _l("Enregistrer une somme reçue"),
             "awards.receive"),
        Move("propose_waiver", frozenset({V.DUE}), None, P.PAYMENT_PREPARE, _l("Proposer de ne plus réclamer"),
             "awards.propose_waiver"),
        Move("confirm_waiver", frozenset({V.DUE}), None, P.PAYMENT_APPROVE, _l("Confirmer la proposition"),
             "awards.confirm_waiver"),
        Move("refuse_waiver", frozenset({V.DUE}), None, P.PAYMENT_STOP, _l("Écarter la proposition"),
             "awards.refuse_waiver"),
        Move("propose_reversal", frozenset({V.DUE, V.SETTLED}), None, P.PAYMENT_PREPARE,
             _l("Proposer d’annuler un encaissement"), "awards.propose_reversal"),
        Move("confirm_reversal", frozenset({V.DUE, V.SETTLED}), V.DUE, P.PAYMENT_APPROVE,
             _l("Annuler cet encaissement"), "awards.confirm_reversal"),
        Move("refuse_reversal", frozenset({V.DUE, V.SETTLED}), None, P.PAYMENT_STOP,
             _l("Garder cet encaissement"), "awards.refuse_reversal"),
        Move("drop", frozenset({V.DUE}), V.CANCELLED, P.REPORT_DECIDE, _l("Retirer : la somme n’a pas été payée")),
        Move("replace", frozenset({V.DUE}), V.CANCELLED, P.INSTALMENT_PLAN, _l("Remplacer par un avenant")),
        Move("settle", frozenset({V.DUE}), V.SETTLED, P.PAYMENT_RECORD, _l("Solder")),
    ),
)  # fmt: skip

REPORT = Machine(
    "report",
    states={
        R.EXPECTED: State(_l("Attendu"), _l("À rendre"), "warn", needs=("due_on",)),
        R.SUBMITTED: State(_l("À examiner"), _l("Reçu"), "info", needs=("submitted_at",)),
        R.RETURNED: State(_l("À corriger"), _l("À corriger"), "warn", needs=("submitted_at", "decision_note")),
        R.ACCEPTED: State(_l("Accepté"), _l("Accepté"), "good", needs=("submitted_at", "decided_at"), final=True),
    },
    moves=(
        Move("save", frozenset({R.EXPECTED, R.RETURNED}), None, P.REPORT_WRITE, _l("Enregistrer"), "awards.report"),
        Move(
            "submit",
            frozenset({R.EXPECTED, R.RETURNED}),
            R.SUBMITTED,
            P.REPORT_WRITE,
            _l("Envoyer le bilan"),
            "awards.report",
        ),
        Move(
            "return",
            frozenset({R.SUBMITTED}),
            R.RETURNED,
            P.REPORT_DECIDE,
            _l("Demander une correction"),
            "awards.return_report",
        ),
        Move(
            "accept",
            frozenset({R.SUBMITTED}),
            R.ACCEPTED,
            P.REPORT_DECIDE,
            _l("Accepter le bilan"),
            "awards.accept_report",
        ),
    ),
)
