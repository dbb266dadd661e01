"""The approval of a dossier by the legal representative of its organisation, and whether it is of what stands."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import func, select

from grants.applications import rules
from grants.applications.models import Application, Approval, Correction
from grants.applications.parts.fields import Content
from grants.applications.queries.content import plain_content
from grants.calls.models import ApprovalRule
from grants.kernel import clock
from grants.kernel.db import db
from grants.people import queries as people
from grants.people.models import Organisation


class Standing(StrEnum):
    """Where the approval of a dossier stands."""

    NONE = "none"
    WAITING = "waiting"
    EXPIRED = "expired"
    REFUSED = "refused"
    STALE = "stale"
    APPROVED = "approved"


@dataclass(frozen=True)
class ApprovalState:
    """The approval that was last asked for, and where it stands."""

    rule: ApprovalRule
    standing: Standing
    approval: Approval | None

    @property
    def holds_up(self) -> bool:
        """Whether the dossier cannot be submitted for want of it."""
        return self.rule is ApprovalRule.REQUIRED and self.standing is not Standing.APPROVED


def digest_to_read(application: Application) -> str:
    """The digest of what a draft says now: an approval is of one text, and of no other."""
    return rules.digest(rules.canonical(plain_content(application)))


def last_approval(application_id: UUID) -> Approval | None:
    """The approval of a draft that was last asked for."""
    wanted = select(Approval).where(Approval.application_id == application_id, Approval.ended_at.is_(None))
    return db.session.scalar(wanted.order_by(Approval.asked_at.desc(), Approval.id).limit(1))


def correction_and_approval(application: Application) -> tuple[Correction | None, Approval | None]:
    """What says that an application corrects another one, and the approval last asked for; None for what there is not.
    One statement, for the submission."""
    wanted = select(Approval.id).where(Approval.application_id == application.id, Approval.ended_at.is_(None))
    last = wanted.order_by(Approval.asked_at.desc(), Approval.id).limit(1).scalar_subquery()
    correction, approval = db.session.execute(
        select(Correction, Approval)
        .select_from(Application)
        .outerjoin(Correction, Correction.application_id == Application.id)
        .outerjoin(Approval, Approval.id == last)
        .where(Application.id == application.id)
    ).one()
    return correction, approval


def approval_of_link(secret: str) -> Approval | None:
    """The approval of a link, whatever became of it."""
    return db.session.scalar(select(Approval).where(Approval.secret == people.digest_of(secret)))


def approval_state(application: Application) -> ApprovalState:
    """Where the approval of a draft stands. Nothing is read where the call does not ask for it."""
    rule = _rule_of(application)
    return approval_state_of(application, None if rule is ApprovalRule.NONE else last_approval(application.id))


def approval_state_of(application: Application, found: Approval | None) -> ApprovalState:
    """Where the approval of a draft stands, `found` being the last one; one that came on paper was signed there."""
    rule = _rule_of(application)
    if rule is ApprovalRule.NONE:
        return ApprovalState(rule, Standing.NONE, None)
    return ApprovalState(rule, _standing(application, found), found)


def _rule_of(application: Application) -> ApprovalRule:
    return ApprovalRule.NONE if application.is_on_paper else application.call.approval


def _standing(application: Application, found: Approval | None) -> Standing:
    if found is None:
        return Standing.NONE
    if found.decided_at is None:
        return Standing.WAITING if found.expires_at > clock.now() else Standing.EXPIRED
    if not found.is_approved:
        return Standing.REFUSED
    is_of_now = is_of_representative(found, application.organisation) and found.read == digest_to_read(application)
    return Standing.APPROVED if is_of_now else Standing.STALE


def is_of_representative(approval: Approval, organisation: Organisation) -> bool:
    """Whether an approval was asked of the person and the address that the card of the organisation names now."""
    now = organisation.representative_name, organisation.representative_email
    return (approval.name, approval.email) == now


def approvals_asked(organisation_id: UUID, *, since: datetime) -> int:
    """How many approvals were asked for the dossiers of an organisation since an instant."""
    asked = select(func.count(Approval.id)).join(Application, Application.id == Approval.application_id)
    mine = Application.organisation_id == organisation_id, Approval.asked_at > since
    return db.session.scalar(asked.where(*mine)) or 0


@dataclass(frozen=True)
class ApprovalFacts:
    """What a receipt says of an approval: who gave it, and when."""

    name: str
    role: str
    approved_at: datetime


def approval_facts(content: Content) -> ApprovalFacts | None:
    """The approval that a content was submitted with; None without one."""
    given: Content | None = content.get("approval")
    return ApprovalFacts(given["name"], given["role"], given["approved_at"]) if given else None
