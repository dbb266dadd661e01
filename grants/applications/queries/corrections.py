"""The corrections of a submitted application, and the versions it was submitted in."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, and_, exists, select

from grants.applications.lifecycle import ApplicationState
from grants.applications.models import Application, ApplicationAddress, ApplicationVersion, Correction
from grants.kernel.db import db


def is_correction() -> ColumnElement[bool]:
    """Whether an application corrects another one: it is no dossier of its own, and stands in no list."""
    return exists().where(Correction.application_id == Application.id)


def is_entering() -> ColumnElement[bool]:
    """Whether an agent is entering an application from paper, or gave it up: its organisation does not see it."""
    return and_(Application.on_paper_since.is_not(None), Application.submitted_at.is_(None))


def correction_of(application: Application) -> Application | None:
    """The draft that corrects an application, when one is begun."""
    return db.session.scalar(
        select(Application)
        .join(Correction, Correction.application_id == Application.id)
        .where(Correction.corrects_id == application.id, Application.state == ApplicationState.DRAFT)
    )


def versions_of(application_id: UUID) -> Sequence[ApplicationVersion]:
    """The versions an application was submitted in, the last one, which counts, first."""
    wanted = select(ApplicationVersion).where(ApplicationVersion.application_id == application_id)
    return db.session.scalars(wanted.order_by(ApplicationVersion.number.desc())).all()


def version_of(application_id: UUID, number: int) -> ApplicationVersion | None:
    """The version of a number."""
    wanted = select(ApplicationVersion).where(ApplicationVersion.application_id == application_id)
    return db.session.scalar(wanted.where(ApplicationVersion.number == number))


def version_at(application_id: UUID, at: datetime) -> ApplicationVersion | None:
    """The version that counted at an instant."""
    wanted = select(ApplicationVersion).where(ApplicationVersion.application_id == application_id)
    counted = wanted.where(ApplicationVersion.frozen_at <= at)
    return db.session.scalar(counted.order_by(ApplicationVersion.number.desc()).limit(1))


def addresses_of(application_id: UUID) -> set[str]:
    """The addresses that its versions gave."""
    wanted = select(ApplicationAddress.address).where(ApplicationAddress.application_id == application_id)
    return set(db.session.scalars(wanted))
