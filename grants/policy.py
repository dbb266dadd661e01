"""Who may do what, and who may know what exists: the whole fund on one page."""

from collections.abc import Mapping
from uuid import UUID

from grants.appeals import queries as appeals
from grants.appeals.models import Appeal
from grants.applications import queries as applications
from grants.applications.models import Application
from grants.awards import queries as awards
from grants.awards.models import Agreement, Award, BankDetails, Instalment, Receivable, Report
from grants.calls.lifecycle import CallState
from grants.calls.models import Block, Call, Criterion, Gate, Piece, PublicQuestion, Question, Section, Statement
from grants.deliberation.models import Decision, Meeting, Recommendation
from grants.documents import queries as documents
from grants.documents.models import OrganisationDocument
from grants.kernel import jobs
from grants.kernel.access import AccessRule, Policy, reasoned
from grants.kernel.actor import Actor
from grants.kernel.jobs import Job
from grants.kernel.machine import Text
from grants.kernel.money import Money
from grants.kernel.stored_forms import StoredForm
from grants.kernel.uploads import StoredFile
from grants.kernel.words import _l
from grants.messages import queries as messages
from grants.messages.models import Conversation, Message
from grants.people import queries as people
from grants.people.models import Account, Appointment, Invitation, Membership, Nomination, Organisation, SignIn
from grants.people.rules import incompatible
from grants.permissions import P
from grants.programme.models import Action, Axis, ConfiguredText, Framework, Fund, Law, Orientation
from grants.reviewing import queries as reviewing
from grants.reviewing.lifecycle import AssignmentState
from grants.reviewing.models import Assignment
from grants.screening.models import PieceRequest

NOT_OPEN = _l("Cette action n’est pas ouverte à votre compte.")
STAFF = ("manager", "finance", "authorising_officer", "administrator", "auditor")


def role(*names: str) -> AccessRule:
    """Whoever holds one of the offices today: enough to read what has no dossier."""
    return AccessRule(lambda actor, _: actor.has_role(*names), NOT_OPEN)


def reads(*names: str) -> AccessRule:
    """Whoever holds one of the offices and has no link with the dossier or the organisation."""
    return role(*names) & ~interested


def acts(*names: str) -> AccessRule:
    """The same, who holds no office that is incompatible with another of theirs: the rule of every act of an office."""
    return role(*names) & compatible & ~interested


def application_id_of(subject: object) -> UUID | None:
    """The application a thing hangs on."""
    found: UUID | None = getattr(subject, "dossier_id", None)
    return found


def organisation_id_of(subject: object) -> UUID | None:
    """The organisation a thing belongs to."""
    if isinstance(subject, Organisation):
        return subject.id
    if isinstance(subject, Recommendation | Decision | Appeal | Assignment | PieceRequest | Conversation | Message):
        return subject.application.organisation_id
    if isinstance(subject, Agreement | Instalment | Receivable | Report):
        return subject.award.organisation_id
    found: UUID | None = getattr(subject, "organisation_id", None)
    return found


def _member(actor: Actor, subject: object) -> bool:
    return organisation_id_of(subject) in actor.organisations


def _owner(actor: Actor, subject: object) -> bool:
    organisation_id = organisation_id_of(subject)
    return organisation_id is not None and actor.organisations.get(organisation_id) == "owner"


def _interested(actor: Actor, subject: object) -> bool:
    if actor.id is None or not actor.roles:
        return False
    application_id = application_id_of(subject)
    if application_id is not None:
        is_unseen = isinstance(subject, Application) and subject.is_unseen
        is_of_messages = isinstance(subject, Conversation | Message | StoredFile) or is_unseen
        if reviewing.is_interested(actor.id, application_id):
            return True
        if not is_of_messages or applications.is_submitted(application_id):
            return False
        # Nobody can tell a link with a draft: that with its organisation counts.
    organisation_id = organisation_id_of(subject)
    return organisation_id is not None and reviewing.is_tied(actor.id, organisation_id)


def _assigned(actor: Actor, subject: object) -> bool:
    application_id = application_id_of(subject)
    return actor.id is not None and application_id is not None and reviewing.is_assigned(actor.id, application_id)


def _own_assignment(actor: Actor, subject: object) -> bool:
    return isinstance(subject, Assignment) and subject.reviewer_id == actor.id


def _submitted(actor: Actor, subject: object) -> bool:
    if isinstance(subject, StoredFile):
        is_sent = subject.dossier_id is None or applications.is_submitted(subject.dossier_id)
        is_private = subject.dossier_id is None and documents.is_kept_file(subject.id)
        return is_sent and not is_private and not awards.is_of_unsent_report(subject.id)
    application = subject.application if isinstance(subject, Conversation | Message) else subject
    return not isinstance(application, Application) or application.submitted_at is not None


def _of_appeal(_actor: Actor, subject: object) -> bool:
    return isinstance(subject, StoredFile) and appeals.is_of_appeal(subject.id)


def _of_message(_actor: Actor, subject: object) -> bool:
    return isinstance(subject, StoredFile) and messages.is_of_message(subject.id)


anyone = AccessRule(lambda actor, _: True, for_all=True)
signed_in = AccessRule(lambda actor, _: actor.is_authenticated, _l("Connectez-vous d’abord."))
confirmed = AccessRule(
    lambda actor, _: actor.confirmed, _l("Confirmez d’abord votre adresse : un lien vous a été envoyé.")
)
of_an_organisation = AccessRule(
    lambda actor, _: bool(actor.organisations), _l("Créez d’abord votre organisation, ou rejoignez-la.")
)
member = AccessRule(_member, _l("Seuls les membres de l’organisation peuvent le faire."))
owner = AccessRule(_owner, _l("Seuls les responsables de l’organisation peuvent le faire."))
interested = AccessRule(
    _interested, otherwise=_l("Vous avez un lien d’intérêt avec cette organisation : une autre personne doit agir.")
)
compatible = AccessRule(
    lambda actor, _: incompatible(actor.roles) is None,
    _l("Vous exercez deux fonctions incompatibles : tant que l’une n’est pas terminée, vous ne pouvez que lire."),
)
own_assignment = AccessRule(_own_assignment, NOT_OPEN)
submitted = AccessRule(_submitted, NOT_OPEN)
assigned = reads("reviewer") & AccessRule(_assigned, NOT_OPEN)
of_message = AccessRule(_of_message)
of_appeal = AccessRule(_of_appeal)
gave_or_checked_it = AccessRule(
    lambda actor, subject: actor.id in {getattr(subject, "given_by", None), getattr(subject, "first_by", None)},
    otherwise=_l("Vous ne pouvez pas valider une modification que vous avez demandée ou déjà vérifiée."),
)


def in_chain(permission: P, *names: str) -> AccessRule:
    """The rule of every act on a payment or a sum to be received: an act of an office, by nobody whom those who acted
    before bar from it."""
    return acts(*names) & reasoned(lambda actor, subject: awards.why_not_act(actor.id, subject, permission))


def _why_not_write_dossier(actor: Actor, subject: object) -> Text | None:
    """A member writes the dossiers of their organisation, a manager those that are being entered from paper."""
    is_entered = isinstance(subject, Application) and subject.is_being_entered
    return (acts("manager") if is_entered else own_work).why_not(actor, subject)


def _being_entered(_actor: Actor, subject: object) -> bool:
    """A dossier that a manager enters from paper, or gave up, or a file of it: its organisation does not see it."""
    if isinstance(subject, StoredFile):
        return applications.is_unseen(subject.dossier_id)
    return isinstance(subject, Application) and subject.is_unseen


def _on_paper(_actor: Actor, subject: object) -> bool:
    return isinstance(subject, Application) and subject.is_on_paper


def _entered_it(actor: Actor, subject: object) -> bool:
    """Whoever wrote anything of a dossier that came on paper does not decide whether it is eligible."""
    application = subject.application if isinstance(subject, PieceRequest) else subject
    if actor.id is None or not isinstance(application, Application) or not application.is_on_paper:
        return False
    return applications.has_entered(actor.id, application)


def _never_had_members(_actor: Actor, subject: object) -> bool:
    return isinstance(subject, Organisation) and not people.had_members(subject.id)


own_work = confirmed & member
own_dossier = reasoned(_why_not_write_dossier)
being_entered = AccessRule(_being_entered, NOT_OPEN)
own_or_entered = (member & ~being_entered) | (reads("manager") & being_entered)
on_paper = AccessRule(_on_paper, NOT_OPEN)
entered_it = AccessRule(
    _entered_it, otherwise=_l("Vous avez saisi ce dossier papier : une autre personne décide de sa recevabilité.")
)
without_members = AccessRule(_never_had_members, NOT_OPEN)
own_review = acts("reviewer") & own_assignment
# A member may write about a draft before it is submitted: who answers and who audits read the messages all the same,
# and no other part of the draft.
message_reader = member | reads("manager", "auditor") | (reads(*STAFF) & submitted)
# An appeal is read by whoever answers and whoever audits: the committee and the money offices have no part in it.
file_reader = (
    (member & ~being_entered)
    | (reads("manager") & being_entered)
    | (assigned & submitted & ~of_message & ~of_appeal)
    | (reads("manager", "auditor") & (submitted | of_message))
    | (reads(*STAFF) & submitted & ~of_appeal)
)
appeal_reader = member | reads("manager", "auditor")


def _why_not_write(actor: Actor, subject: object) -> Text | None:
    """A member of the organisation writes for it, a manager for the fund."""
    return (own_work if member.test(actor, subject) else acts("manager")).why_not(actor, subject)


def _why_not_answer(actor: Actor, subject: object) -> Text | None:
    """Who decided does not answer those who contest it."""
    return appeals.why_not_answer(actor.id, subject)


PEOPLE_READERS = ("administrator", "auditor", "manager")
MONEY_READERS = ("manager", "finance", "authorising_officer", "auditor")
BANK_READERS = ("finance", "authorising_officer", "auditor")

MAY: dict[P, AccessRule] = {
    # people
    P.ACCOUNT_OWN: signed_in,
    P.ORGANISATION_CREATE: confirmed,
    P.ORGANISATION_READ: member | role(*STAFF),
    P.ORGANISATION_EDIT: own_work | (acts("manager") & without_members),
    P.ORGANISATION_INVITE: confirmed & owner,
    P.ORGANISATION_HAND_OVER: acts("manager"),
    P.PEOPLE_LIST: role(*PEOPLE_READERS),
    P.PEOPLE_APPOINT: acts("administrator"),
    # programme
    P.PROGRAMME_EDIT: acts("manager"),
    P.LAW_CONFIRM: acts("manager"),
    # calls
    P.CALL_LIST: role(*STAFF),
    P.CALL_EDIT: acts("manager"),
    P.CALL_OPEN: acts("manager"),
    P.CALL_ASK: confirmed & of_an_organisation,
    P.CALL_ANSWER: acts("manager"),
    # documents
    P.DOCUMENT_READ: member,
    P.DOCUMENT_KEEP: confirmed & owner,
    # applications
    P.APPLICATION_START: confirmed,
    P.APPLICATION_READ_OWN: (member & ~being_entered) | (reads("manager") & on_paper),
    P.APPLICATION_ARCHIVE: confirmed & member,
    P.APPLICATION_EDIT: own_dossier,
    P.APPLICATION_SUBMIT: own_dossier,
    P.APPLICATION_WITHDRAW: own_dossier,
    P.PAPER_ENTER: acts("manager"),
    P.PIECE_ANSWER: own_work,
    P.EXTENSION_GIVE: acts("manager"),
    P.FILE_READ: file_reader,
    # screening
    P.SCREENING_READ: reads("manager", "auditor"),
    P.SCREENING_DECIDE: acts("manager") & ~entered_it,
    # messages
    P.MESSAGE_LIST: role("manager", "auditor"),
    P.MESSAGE_READ: message_reader,
    P.MESSAGE_WRITE: reasoned(_why_not_write),
    # reviewing
    P.INTEREST_OWN: role("reviewer", *STAFF),
    P.REVIEW_ASSIGN: acts("manager"),
    P.REVIEW_LIST: role("reviewer"),
    P.INTEREST_DECLARE: own_review,
    P.REVIEW_READ: reads("reviewer") & own_assignment,
    P.REVIEW_MARK: own_review,
    P.REVIEW_SUBMIT: own_review,
    # deliberation
    P.MEETING_READ: role("manager", "auditor", "reviewer"),
    P.MEETING_EDIT: acts("manager"),
    P.MEETING_CALIBRATE: acts("manager", "reviewer"),
    P.RECOMMENDATION_MAKE: acts("manager"),
    P.MEETING_FREEZE: acts("manager"),
    P.ACT_RECORD: acts("manager"),
    P.RESULTS_PUBLISH: acts("manager"),
    P.DECISION_READ_OWN: member,
    # appeals
    P.APPEAL_LODGE: own_work,
    P.APPEAL_READ: appeal_reader,
    P.APPEAL_WITHDRAW: own_work,
    P.APPEAL_LIST: role("manager", "auditor"),
    P.APPEAL_ANSWER: acts("manager") & reasoned(_why_not_answer),
    # awards
    P.AWARD_LIST: role(*MONEY_READERS),
    P.AWARD_READ: reads(*MONEY_READERS),
    P.AWARD_READ_OWN: member,
    P.AGREEMENT_PREPARE: acts("manager"),
    P.AGREEMENT_SIGN: acts("manager"),
    P.BANK_DETAILS_GIVE: confirmed & owner,
    P.BANK_DETAILS_LIST: reads(*BANK_READERS),
    P.BANK_DETAILS_REVEAL: acts("finance", "authorising_officer"),
    P.BANK_DETAILS_CONFIRM: in_chain(P.BANK_DETAILS_CONFIRM, "finance", "authorising_officer") & ~gave_or_checked_it,
    P.INSTALMENT_PLAN: in_chain(P.INSTALMENT_PLAN, "manager"),
    P.PAYMENT_PREPARE: in_chain(P.PAYMENT_PREPARE, "finance"),
    P.PAYMENT_APPROVE: in_chain(P.PAYMENT_APPROVE, "authorising_officer"),
    P.PAYMENT_STOP: in_chain(P.PAYMENT_STOP, "authorising_officer"),
    P.PAYMENT_RECORD: in_chain(P.PAYMENT_RECORD, "finance"),
    P.REPORT_WRITE: own_work,
    P.REPORT_DECIDE: in_chain(P.REPORT_DECIDE, "manager"),
    P.AWARD_CLOSE: acts("manager"),
    # desk and observatory
    P.DESK_HOME: signed_in,
    P.DOSSIER_LIST: role(*STAFF),
    P.DOSSIER_READ: reads(*STAFF),
    P.JOURNAL_READ: reads("manager", "administrator", "auditor"),
    P.TRACKING_READ: role(*STAFF),
    P.EXPORT_MAKE: role("manager", "finance", "auditor"),
    P.FILE_SEND: signed_in,
    P.JOB_OWN: signed_in,
    P.JOB_RESULT: signed_in & reasoned(jobs.why_not_given),
    P.DEMO_MAIL_READ: anyone,
}

KNOW: dict[type, AccessRule] = {
    Account: AccessRule(lambda actor, subject: subject.id == actor.id) | role(*PEOPLE_READERS),
    StoredForm: AccessRule(lambda actor, subject: subject.account_id == actor.id),
    Job: AccessRule(lambda actor, subject: subject.account_id == actor.id),
    SignIn: AccessRule(lambda actor, subject: subject.account_id == actor.id),
    Appointment: role(*PEOPLE_READERS),
    Nomination: role(*PEOPLE_READERS),
    Invitation: anyone,
    Membership: member,
    Organisation: member | role(*STAFF),
    Fund: anyone,
    Framework: anyone,
    Axis: anyone,
    Orientation: anyone,
    Action: anyone,
    Law: role(*STAFF),
    ConfiguredText: role(*STAFF),
    Call: AccessRule(lambda actor, subject: subject.state is not CallState.DRAFT, for_all=True) | role(*STAFF),
    Section: role(*STAFF),
    Question: role(*STAFF),
    Block: role(*STAFF),
    Criterion: role(*STAFF),
    Piece: role(*STAFF),
    Statement: role(*STAFF),
    Gate: role(*STAFF),
    PublicQuestion: role(*STAFF),
    OrganisationDocument: member,
    Application: own_or_entered | (reads(*STAFF) & submitted),
    PieceRequest: member | reads(*STAFF),
    Conversation: message_reader,
    Message: message_reader,
    StoredFile: file_reader,
    Assignment: own_assignment
    & AccessRule(lambda actor, subject: subject.state not in {AssignmentState.REMOVED, AssignmentState.RECUSED})
    & ~interested
    | reads("manager"),
    Meeting: role("manager", "auditor", "reviewer"),
    Appeal: appeal_reader,
    Award: member | reads(*MONEY_READERS),
    Agreement: member | reads(*MONEY_READERS),
    BankDetails: owner | reads(*BANK_READERS),
    Instalment: member | reads(*MONEY_READERS),
    Receivable: member | reads(*MONEY_READERS),
    Report: member | reads(*MONEY_READERS),
}


def _hidden(actor: Actor) -> frozenset[UUID]:
    """What a person with an office has a link with; to people without office this means nothing."""
    return reviewing.linked_ids(actor.id) if actor.id is not None and actor.roles else frozenset()


def _hidden_money(actor: Actor) -> Mapping[UUID, Money]:
    """What those dossiers hold of each call, to be left out of what is reserved."""
    return awards.hidden_money(actor) if actor.id is not None and actor.roles else {}


POLICY = Policy(MAY, KNOW, _hidden, _hidden_money)
