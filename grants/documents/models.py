"""Documents that an organisation keeps for its applications."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from grants.kernel.db import Keyed, Model, Versioned
from grants.kernel.rowdigests import Recorded
from grants.kernel.uploads import StoredFile
from grants.kernel.words import _l
from grants.people.models import Organisation


class OrganisationDocument(Recorded, Keyed, Versioned, Model):
    """A document of an organisation. `kind` is the code of the pieces it answers, `label` what they are called.

    `valid_until` is its last day of validity, `replaces_id` the document it was given in place of: that one is kept.
    """

    __tablename__ = "organisation_document"
    __table_args__ = (
        UniqueConstraint(
            "replaces_id", info={"says": _l("Ce document vient d’être remplacé par une autre personne."), "field": None}
        ),
        CheckConstraint("dated_on IS NULL OR valid_until IS NULL OR dated_on <= valid_until", name="dates_in_order"),
    )

    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisation.id", ondelete="RESTRICT"), index=True)
    kind: Mapped[str] = mapped_column(String(40))
    label: Mapped[str] = mapped_column(String(200))
    label_en: Mapped[str] = mapped_column(String(200), default="")
    file_id: Mapped[UUID] = mapped_column(ForeignKey("stored_file.id", ondelete="RESTRICT"), unique=True)
    dated_on: Mapped[date | None]
    valid_until: Mapped[date | None] = mapped_column(index=True)
    replaces_id: Mapped[UUID | None] = mapped_column(ForeignKey("organisation_document.id", ondelete="RESTRICT"))
    given_at: Mapped[datetime]
    file: Mapped[StoredFile] = relationship()
    organisation: Mapped[Organisation] = relationship()
