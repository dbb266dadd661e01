"""Forms of reviewing: who reads what, the declaration before the content opens, the marks."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from wtforms import Field, RadioField, SelectField
from wtforms.validators import ValidationError
from wtforms.widgets import HiddenInput

from grants.applications.rules import reference_of
from grants.kernel.errors import InvalidError
from grants.kernel.forms import (
    ChoicesField,
    DayField,
    Form,
    LineField,
    LongField,
    Required,
    WholeField,
    key_of,
    options,
)
from grants.kernel.versions import VersionField
from grants.kernel.words import _, _l, n_
from grants.reviewing.models import Assignment, InterestNature
from grants.reviewing.queries import DossierToAssign, GridPart, Reviewer
from grants.reviewing.rules import COLLEGE_LABELS, NATURE_LABELS, Draft, ProposedPair, Wanted

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


class ReplaceForm(Form):
    """Who takes a file over from a reviewer. Build it with `replace_form`."""

    reviewer = SelectField(_l("À qui confier ce dossier ?"), [Required(_l("Choisissez une personne."))])
    due_on = DayField(_l("À envoyer avant le"), description=_l("Chaque personne verra cette date dans sa liste."))


def replace_form(reviewers: Sequence[Reviewer], due_on: date | None) -> ReplaceForm:
    """The form of a replacement: those who may read the file, who reads least first."""
    form = ReplaceForm(data={"due_on": due_on})
    ordered = sorted(reviewers, key=lambda person: person.load)
    form.reviewer.choices = options([("", _("Choisissez")), *((row.id, _with_load(row)) for row in ordered)])
    return form


def _with_load(person: Reviewer) -> str:
    load = n_("%(num)d dossier", "%(num)d dossiers", person.load)
    college = str(COLLEGE_LABELS[person.college]) if person.college in COLLEGE_LABELS else ""
    return " · ".join(part for part in (person.name, college, load) if part)


class WantedForm(Form):
    """What a proposal of assignments is asked for. Build it with `wanted_form`: a field of bound for each person."""

    readers = WholeField(_l("Personnes par dossier"), [Required()], minimum=1, maximum=20)
    most = WholeField(
        _l("Dossiers par personne, au plus"), maximum=10_000,
        description=_l("Dans cet appel, ce qui est déjà affecté compris. Vide : sans limite."),
    )  # fmt: skip
    colleges: Mapping[str, str] = {}
    people: Mapping[str, Reviewer] = {}

    def wanted(self, call_id: UUID) -> Wanted:
        """What was asked for."""
        numbers: dict[str, int | None] = self.data
        seats = {college: numbers[name] or 0 for name, college in self.colleges.items()}
        said = {str(person.id): numbers[name] for name, person in self.people.items()}
        bounds = {person: bound for person, bound in said.items() if bound is not None}
        return Wanted(str(call_id), numbers["readers"] or 1, numbers["most"], seats, bounds)


def wanted_form(reviewers: Sequence[Reviewer], readers: int) -> WantedForm:
    """The form of a proposal: seats of the colleges that somebody sits in, and a bound for each person."""
    sitting = {person.college for person in reviewers}
    colleges = {f"seats_{college}": college for college in COLLEGE_LABELS if college in sitting}
    people = {f"bound_{person.id.hex}": person for person in reviewers}
    fields: dict[str, Any] = {"colleges": colleges, "people": people}
    for name, college in colleges.items():
        fields[name] = WholeField(COLLEGE_LABELS[college], maximum=20, default=0)
    for name, person in people.items():
        fields[name] = WholeField(person.name, maximum=10_000)
    form: WantedForm = type("BoundWantedForm", (WantedForm,), fields)(data={"readers": readers})
    return form


class ProposalForm(Form):
    """A proposal, as the manager keeps it. Build it with `proposal_form`: a field of addition for each dossier."""

    pairs = ChoicesField(_l("Affectations proposées"), coerce=int, validate_choice=False)
    due_on = DayField(_l("À envoyer avant le"), description=_l("Chaque personne verra cette date dans sa liste."))
    additions: Mapping[str, UUID] = {}
    people: Mapping[str, Sequence[UUID]] = {}

    def chosen(self, proposed: Sequence[ProposedPair]) -> set[tuple[UUID, UUID]]:
        """The pairs (application, person) ticked or added. Raises InvalidError for what is not of this proposal."""
        said: dict[str, str | None] = self.data
        ranks: list[int] = self.pairs.data or []
        if any(not 0 <= rank < len(proposed) for rank in ranks):
            raise InvalidError(_("Une affectation cochée n’est pas de cette proposition."), field="pairs")
        added = {(key, self.people[spoken(typed)][0]) for name, key in self.additions.items() if (typed := said[name])}
        return {(proposed[rank].application_id, proposed[rank].reviewer_id) for rank in ranks} | added

    def validate(self, extra_validators: Any = None) -> bool:
        """Each name added is that of one person of the committee."""
        is_right: bool = super().validate(extra_validators)
        said: dict[str, str | None] = self.data
        for name in self.additions:
            typed = said[name] or ""
            found = self.people.get(spoken(typed), ())
            if typed and name not in self.errors and len(found) != 1:
                message = _("Plusieurs personnes portent ce nom : ajoutez-la depuis « Qui lit quoi ».")
                self.refuse(name, message if found else _("Personne au comité ne porte ce nom."))
                is_right = False
        return is_right


def spoken(name: str) -> str:
    """A name as it is compared: without case, blanks drawn together."""
    return " ".join(name.casefold().split())


def proposal_form(
    dossiers: Sequence[DossierToAssign], reviewers: Sequence[Reviewer], proposed: Sequence[ProposedPair]
) -> ProposalForm:
    """The form of a proposal, everything ticked."""
    people: dict[str, list[UUID]] = {}
    for person in reviewers:
        people.setdefault(spoken(person.name), []).append(person.id)
    fields: dict[str, Any] = {"additions": {f"added_{row.id.hex}": row.id for row in dossiers}, "people": people}
    for row in dossiers:
        label = _("Ajouter une personne à %(reference)s", reference=row.reference)
        fields[f"added_{row.id.hex}"] = LineField(label, limit=200)
    form: ProposalForm = type("BoundProposalForm", (ProposalForm,), fields)(data={"pairs": range(len(proposed))})
    return form


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
