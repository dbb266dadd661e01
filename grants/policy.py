"""Who may do what, and who may know what exists: the whole fund on one page."""

from typing import Any
from uuid import UUID

from grants.applications.lifecycle import ApplicationState
from grants.applications.models import Application
from grants.awards.models import Agreement, Award, BankDetails, Instalment, Receivable, Report
from grants.calls.lifecycle import CallState
from grants.calls.models import Block, Call, Criterion, Gate, Piece, Question, Section, Statement
from grants.deliberation.models import Decision, Meeting, Recommendation
from grants.kernel.access import Policy, Rule
from grants.kernel.actor import Actor
from grants.kernel.held import HeldForm
from grants.kernel.vault import StoredFile
from grants.kernel.words import _l
from grants.people.models import Account, Appointment, Invitation, Membership, Organisation, SignIn
from grants.permissions import P
from grants.programme.models import Action, Axis, ConfiguredText, Framework, Fund, Law, Orientation
from grants.reviewing import queries as reviewing
from grants.reviewing.lifecycle import AssignmentState
from grants.reviewing.models import Assignment
from grants.screening.models import PieceRequest

NOT_OPEN = _l("Cette action n’est pas ouverte à votre compte.")
STAFF = ("manager", "finance", "authorising_officer", "administrator", "auditor")


def role(*names: str) -> Rule:
    """Whoever holds one of the offices today."""
    return Rule(lambda actor, _: actor.has_role(*names), NOT_OPEN)


def application_id_of(subject: Any) -> UUID | None:
    """The application a thing hangs on."""
    found: UUID | None = getattr(subject, "dossier_id", None)
    return found


def organisation_id_of(subject: Any) -> UUID | None:
    """The organisation a thing belongs to."""
    if isinstance(subject, Organisation):
        return subject.id
    if isinstance(subject, Recommendation | Decision | Assignment | PieceRequest):
        return subject.application.organisation_id
    if isinstance(subject, Agreement | Instalment | Receivable | Report):
        return subject.award.organisation_id
    found: UUID | None = getattr(subject, "organisation_id", None)
    return found


def _member(actor: Actor, subject: Any) -> bool:
    return organisation_id_of(subject) in actor.organisations


def _owner(actor: Actor, subject: Any) -> bool:
    organisation_id = organisation_id_of(subject)
    return organisation_id is not None and actor.organisations.get(organisation_id) == "owner"


def _interested(actor: Actor, subject: Any) -> bool:
    application_id = application_id_of(subject)
    if actor.id is None or application_id is None or not actor.roles:
        return False
    return reviewing.is_interested(actor.id, application_id)


def _assigned(actor: Actor, subject: Any) -> bool:
    application_id = application_id_of(subject)
    return actor.id is not None and application_id is not None and reviewing.is_assigned(actor.id, application_id)


def _own_assignment(actor: Actor, subject: Any) -> bool:
    return isinstance(subject, Assignment) and subject.reviewer_id == actor.id


def _submitted(actor: Actor, subject: Any) -> bool:
    return not isinstance(subject, Application) or subject.state is not ApplicationState.DRAFT


anyone = Rule(lambda actor, _: True, for_all=True)
signed_in = Rule(lambda actor, _: actor.is_authenticated, _l("Connectez-vous d’abord."))
confirmed = Rule(lambda actor, _: actor.confirmed, _l("Confirmez d’abord votre adresse : un lien vous a été envoyé."))
member = Rule(_member, _l("Seuls les membres de l’organisation peuvent le faire."))
owner = Rule(_owner, _l("Seuls les responsables de l’organisation peuvent le faire."))
interested = Rule(_interested, otherwise=_l("Vous avez déclaré un lien d’intérêt avec ce dossier."))
assigned = Rule(_assigned, NOT_OPEN)
own_assignment = Rule(_own_assignment, NOT_OPEN)
submitted = Rule(_submitted, NOT_OPEN)
manager = role("manager")
finance = role("finance")
officer = role("authorising_officer")
administrator = role("administrator")
auditor = role("auditor")
reviewer = role("reviewer")
staff = role(*STAFF)
prepared_it = Rule(
    lambda actor, subject: getattr(subject, "prepared_by", None) == actor.id,
    otherwise=_l("Vous avez préparé ce mandat : une autre personne doit l’approuver."),
)
gave_or_checked_it = Rule(
    lambda actor, subject: actor.id in {getattr(subject, "given_by", None), getattr(subject, "first_by", None)},
    otherwise=_l("Vous ne pouvez pas valider une modification que vous avez demandée ou déjà vérifiée."),
)

own_work = confirmed & member
money_people = manager | finance | officer | auditor

MAY: dict[str, Rule] = {
    # people
    P.ACCOUNT_OWN: signed_in,
    P.ORGANISATION_CREATE: confirmed,
    P.ORGANISATION_READ: member | staff,
    P.ORGANISATION_EDIT: own_work,
    P.ORGANISATION_INVITE: confirmed & owner,
    P.PEOPLE_LIST: administrator | auditor | manager,
    P.PEOPLE_APPOINT: administrator,
    # programme
    P.PROGRAMME_EDIT: manager,
    P.LAW_CONFIRM: manager,
    # calls
    P.CALL_LIST: staff,
    P.CALL_EDIT: manager,
    P.CALL_OPEN: manager,
    # applications
    P.APPLICATION_START: confirmed,
    P.APPLICATION_READ_OWN: member,
    P.APPLICATION_EDIT: own_work,
    P.APPLICATION_SUBMIT: own_work,
    P.APPLICATION_WITHDRAW: own_work,
    P.PIECE_ANSWER: own_work,
    P.FILE_READ: member | assigned | (staff & ~interested),
    # screening
    P.SCREENING_READ: role("manager", "auditor"),
    P.SCREENING_DECIDE: manager & ~interested,
    # reviewing
    P.REVIEW_ASSIGN: manager & ~interested,
    P.REVIEW_LIST: reviewer,
    P.INTEREST_DECLARE: reviewer & own_assignment,
    P.REVIEW_READ: (reviewer & own_assignment) & ~interested,
    P.REVIEW_MARK: (reviewer & own_assignment) & ~interested,
    P.REVIEW_SUBMIT: (reviewer & own_assignment) & ~interested,
    # deliberation
    P.MEETING_READ: role("manager", "auditor", "reviewer"),
    P.MEETING_EDIT: manager,
    P.RECOMMENDATION_MAKE: manager & ~interested,
    P.MEETING_FREEZE: manager,
    P.ACT_RECORD: manager,
    P.RESULTS_PUBLISH: manager,
    P.DECISION_READ_OWN: member,
    # awards
    P.AWARD_LIST: money_people,
    P.AWARD_READ: money_people & ~interested,
    P.AWARD_READ_OWN: member,
    P.AGREEMENT_PREPARE: manager & ~interested,
    P.AGREEMENT_SIGN: manager & ~interested,
    P.BANK_DETAILS_GIVE: confirmed & owner,
    P.BANK_DETAILS_LIST: finance | officer | auditor,
    P.BANK_DETAILS_REVEAL: finance | officer,
    P.BANK_DETAILS_CONFIRM: (finance | officer) & ~gave_or_checked_it,
    P.INSTALMENT_PLAN: manager & ~interested,
    P.PAYMENT_PREPARE: finance & ~interested,
    P.PAYMENT_APPROVE: (officer & ~prepared_it) & ~interested,
    P.PAYMENT_RECORD: finance & ~interested,
    P.REPORT_WRITE: own_work,
    P.REPORT_DECIDE: manager & ~interested,
    P.AWARD_CLOSE: manager & ~interested,
    # desk and observatory
    P.DESK_HOME: signed_in,
    P.DOSSIER_LIST: staff,
    P.DOSSIER_READ: staff & ~interested,
    P.JOURNAL_READ: role("manager", "administrator", "auditor") & ~interested,
    P.TRACKING_READ: staff,
    P.EXPORT_MAKE: role("manager", "finance", "auditor"),
    P.DEMO_MAIL_READ: anyone,
}

KNOW: dict[type, Rule] = {
    Account: Rule(lambda actor, subject: subject.id == actor.id) | role("administrator", "auditor", "manager"),
    HeldForm: Rule(lambda actor, subject: subject.account_id == actor.id),
    SignIn: Rule(lambda actor, subject: subject.account_id == actor.id),
    Appointment: role("administrator", "auditor", "manager"),
    Invitation: anyone,
    Membership: member,
    Organisation: member | staff,
    Fund: anyone,
    Framework: anyone,
    Axis: anyone,
    Orientation: anyone,
    Action: anyone,
    Law: staff,
    ConfiguredText: staff,
    Call: Rule(lambda actor, subject: subject.state is not CallState.DRAFT, for_all=True) | staff,
    Section: staff,
    Question: staff,
    Block: staff,
    Criterion: staff,
    Piece: staff,
    Statement: staff,
    Gate: staff,
    Application: member | (staff & submitted & ~interested),
    PieceRequest: member | (staff & ~interested),
    StoredFile: member | assigned | (staff & ~interested),
    Assignment: own_assignment
    & Rule(lambda actor, subject: subject.state not in {AssignmentState.REMOVED, AssignmentState.RECUSED})
    | (manager & ~interested),
    Meeting: role("manager", "auditor", "reviewer"),
    Award: member | (money_people & ~interested),
    Agreement: member | (money_people & ~interested),
    BankDetails: owner | finance | officer | auditor,
    Instalment: member | (money_people & ~interested),
    Receivable: member | (money_people & ~interested),
    Report: member | (money_people & ~interested),
}


def _hidden(actor: Actor) -> frozenset[UUID]:
    """What a person with an office declared a link with; people without office have nothing to declare."""
    return reviewing.linked_ids(actor.id) if actor.id is not None and actor.roles else frozenset()


POLICY = Policy(MAY, KNOW, _hidden)
