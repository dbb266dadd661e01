"""Forms of reviewing: who reads what, the declaration before the content opens, the marks."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from wtforms import Field, RadioField, SelectField
from wtforms.validators import ValidationError
from wtforms.widgets import HiddenInput

from grants.applications.rules import reference_of
from grants.kernel.forms import ChoicesField, DayField, Form, LineField, LongField, Required, key_of, options
from grants.kernel.versions import VersionField
from grants.kernel.words import _, _l
from grants.reviewing.models import Assignment, InterestNature
from grants.reviewing.queries import GridPart, Reviewer
from grants.reviewing.rules import NATURE_LABELS, Draft

NOT_APPLICABLE = "na"


class AssignForm(Form):
    """Several dossiers to several people at once. Dossiers are ids here: the action asks the database about them."""

    applications = ChoicesField(
        _l("Dossiers"), [Required(_l("Choisissez au moins un dossier."))], coerce=key_of, validate_choice=False
    )
    reviewers = ChoicesField(_l("Membres du comité"), [Required(_l("Choisissez au moins une personne."))])
    due_on = DayField(_l("À envoyer avant le"), description=_l("Chaque personne verra cette date dans sa liste."))

    def offer(self, reviewers: Sequence[Reviewer]) -> None:
        """Offer the people who sit today."""
        self.reviewers.choices = options((row.id, row.name) for row in reviewers)

    def values(self) -> dict[str, Any]:
        """The ids chosen and the day."""
        chosen: dict[str, Any] = {
            "application_ids": list(self.applications.data),
            "reviewer_ids": [UUID(value) for value in self.reviewers.data],
        }
        due_on: date | None = self.due_on.data
        return {**chosen, "due_on": due_on}


class DeclareForm(Form):
    """The declaration made before a file opens."""

    link = RadioField(
        _l("Avez-vous un lien avec cette association ou avec ce projet ?"),
        choices=options([("no", _l("Je n’ai aucun lien")), ("yes", _l("J’ai un lien : je me déporte"))]),
    )
    nature = SelectField(
        _l("Quel lien ?"),
        choices=options([("", _l("Choisissez")), *NATURE_LABELS.items()]),
        description=_l("Seulement si vous avez un lien."),
    )
    text = LongField(
        _l("En une phrase"),
        limit=1000,
        description=_l("Lu par les gestionnaires du fonds seulement. Utile pour le procès-verbal."),
    )

    def validate_nature(self, bound: SelectField) -> None:
        """A link has a nature."""
        if self.link.data == "yes" and not bound.data:
            raise ValidationError(_("Dites de quelle nature est ce lien."))

    def values(self) -> dict[str, Any]:
        """The nature declared and the text that explains it."""
        is_linked = self.link.data == "yes"
        return {
            "nature": InterestNature(self.nature.data) if is_linked else InterestNature.NONE,
            "text": (self.text.data or "") if is_linked else "",
        }


class LinkForm(Form):
    """A link that somebody with an office tells of by themselves, whenever it arises."""

    reference = LineField(
        _l("Référence du dossier"), [Required(_l("Écrivez la référence du dossier."))], limit=40, read=reference_of,
        description=_l("Celle de la liste des dossiers, par exemple FIS-2026-0042."),
    )  # fmt: skip
    nature = SelectField(
        _l("Quel lien ?"),
        [Required(_l("Dites de quelle nature est ce lien."))],
        choices=options([("", _l("Choisissez")), *NATURE_LABELS.items()]),
    )
    text = LongField(_l("En une phrase"), limit=1000, description=_l("Lu par les gestionnaires du fonds seulement."))


class LevelField(Field):
    """A level of the scale, "na", or nothing yet; refuses anything else."""

    widget = HiddenInput()

    def __init__(self, label: Any = None, validators: Sequence[Any] = (), *, top: int = 4, **kwargs: Any) -> None:
        super().__init__(label, validators, **kwargs)
        self.levels = {str(level): level for level in range(top + 1)}

    def process_formdata(self, valuelist: list[Any]) -> None:
        text = str(valuelist[0]) if valuelist else ""
        self.data = text or None
        if text and text != NOT_APPLICABLE and text not in self.levels:
            self.data = None
            raise ValueError(_("Cette note n’est pas sur l’échelle."))


class ReviewForm(Form):
    """The marks and the two comments. Build it with `review_form`; a criterion's field is its id in hexadecimal."""

    version = VersionField()
    committee_comment = LongField(
        _l("Pour le comité"),
        limit=4000,
        description=_l("Ce qui fonde vos notes, ce qui vous fait hésiter. Lu par le comité, jamais par l’association."),
    )
    applicant_comment = LongField(
        _l("Pour l’association"),
        limit=2000,
        description=_l("Un point fort, un point à améliorer. L’association le lira après la décision."),
    )
    parts: Sequence[GridPart] = ()

    def reading(self) -> Draft:
        """What was marked and written; a criterion without a level is left out."""
        fields = {c.id: self[c.id.hex].data for part in self.parts for c in part.criteria}
        return Draft(
            marks={
                criterion_id: None if text == NOT_APPLICABLE else int(text)
                for criterion_id, text in fields.items()
                if text is not None
            },
            committee_comment=self.committee_comment.data or "",
            applicant_comment=self.applicant_comment.data or "",
        )


def review_form(
    parts: Sequence[GridPart], assignment: Assignment, marks: Mapping[UUID, int | None], top: int, **given: Any
) -> ReviewForm:
    """The form of a rubric, filled with what was kept so far; `given` goes to the form itself."""
    fields: dict[str, Any] = {"parts": parts}
    for part in parts:
        for criterion in part.criteria:
            mark = marks.get(criterion.id)
            typed = NOT_APPLICABLE if criterion.id in marks and mark is None else None if mark is None else str(mark)
            fields[criterion.id.hex] = LevelField(criterion.title, top=top, default=typed)
    built = type("BoundReviewForm", (ReviewForm,), fields)
    stored_texts = {name: getattr(assignment, name) for name in ("version", "committee_comment", "applicant_comment")}
    form: ReviewForm = built(data=stored_texts, **given)
    return form
