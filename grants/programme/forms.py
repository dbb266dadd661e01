"""What managers type about the fund: its envelope and contacts, frameworks, law, texts."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from wtforms import BooleanField, FileField, HiddenField, SelectField
from wtforms.validators import Email, Optional, Regexp

from grants.kernel.forms import (
    ChoicesField,
    DayField,
    Form,
    LineField,
    LongField,
    MoneyField,
    Required,
    WholeField,
    key_of,
    options,
)
from grants.kernel.versions import VersionField
from grants.kernel.words import _, _l, in_words_of
from grants.programme import rules
from grants.programme.models import Axis, FieldOfIntervention, Orientation

CODE = Regexp(
    r"^[A-Za-z0-9]+([.\-][A-Za-z0-9]+)*$", message=_l("Des lettres, des chiffres, des points ou des traits d’union.")
)
ADDRESS = Email(message=_l("Écrivez une adresse de courriel, par exemple fonds@exemple.fr."))


class FundForm(Form):
    """The envelope and the contacts of the service."""

    version = VersionField()
    envelope = MoneyField(_l("Enveloppe du fonds"), [Required()])
    service_name = LineField(_l("Nom du service"), [Required()])
    service_address = LineField(_l("Adresse postale"), [Required()], limit=300)
    service_email = LineField(_l("Courriel du service"), [Required(), ADDRESS], limit=254)
    service_phone = LineField(_l("Téléphone"), limit=60)
    dpo_email = LineField(_l("Courriel du délégué à la protection des données"), [Optional(), ADDRESS], limit=254)
    court = LineField(_l("Juridiction des recours"), [Required()])
    court_en = LineField(_l("Juridiction, en anglais"))
    confirmed = BooleanField(_l("Ces coordonnées sont exactes : elles figureront sur chaque accusé de réception."))

    def values(self) -> dict[str, Any]:
        """What was written, by column."""
        names = [name for name in self._fields if name not in {"csrf_token", "version", "confirmed", "envelope"}]
        return {"envelope": self.envelope.data, **{name: self[name].data or "" for name in names}}


class FrameworkForm(Form):
    """The head of a framework."""

    code = LineField(_l("Code"), [Required(), CODE], limit=40, description=_l("Par exemple PMS-2023."))
    name = LineField(_l("Nom"), [Required()])
    valid_from = DayField(_l("En vigueur à partir du"), [Required()])
    valid_to = DayField(_l("Jusqu’au"), [Optional()])
    expected_actions = WholeField(_l("Nombre d’actions annoncé"), [Optional()], maximum=2000)
    summary = LongField(_l("En quelques phrases"), limit=3000)
    source = LongField(_l("Source"), [Required()], limit=1000, description=_l("Le document et sa date."))
    name_en = LineField(_l("Nom en anglais"))
    summary_en = LongField(_l("En quelques phrases, en anglais"), limit=3000)

    def validate_valid_to(self, field: DayField) -> None:
        """The end comes after the beginning."""
        if field.data and self.valid_from.data and field.data < self.valid_from.data:
            raise ValueError(_("La fin vient avant le début."))

    def values(self) -> dict[str, Any]:
        """What was written, by column."""
        fields = {"valid_from", "valid_to", "expected_actions"}
        names = [name for name in self._fields if name != "csrf_token"]
        return {name: self[name].data if name in fields else self[name].data or "" for name in names}


class AxisForm(Form):
    """A new axis."""

    code = LineField(_l("Code"), [Required(), CODE], limit=12, description=_l("Par exemple A5."))
    title = LineField(_l("Intitulé"), [Required()], limit=300)
    short = LineField(_l("Intitulé court"), [Required()], limit=120)
    colour = SelectField(
        _l("Fil"), coerce=int, choices=options((number, number) for number in range(1, rules.THREADS + 1))
    )
    title_en = LineField(_l("Intitulé en anglais"), limit=300)
    short_en = LineField(_l("Intitulé court en anglais"), limit=120)

    def values(self) -> dict[str, Any]:
        """What was written, by column."""
        return {name: self[name].data or "" for name in self._fields if name != "csrf_token"}


class OrientationForm(Form):
    """A new orientation."""

    axis_id = SelectField(_l("Axe"), validators=[Required()], coerce=key_of)
    code = LineField(_l("Code"), [Required(), CODE], limit=12, description=_l("Par exemple A1.O5."))
    title = LineField(_l("Intitulé"), [Required()], limit=300)
    title_en = LineField(_l("Intitulé en anglais"), limit=300)

    def offer(self, axes: Sequence[Axis]) -> None:
        """Say which axes can be chosen."""
        self.axis_id.choices = options((axis.id, f"{axis.code} · {in_words_of(axis, 'title')}") for axis in axes)

    def values(self) -> dict[str, Any]:
        """What was written, by column."""
        return {name: self[name].data or "" for name in self._fields if name != "csrf_token"}


class CompleteActionForm(Form):
    """The title of an action and where it was read."""

    version = VersionField()
    title = LineField(
        _l("Intitulé"),
        limit=400,
        description=_l("Recopié du document. Vide : l’action est montrée « intitulé à compléter »."),
    )
    source = LongField(
        _l("Source"), limit=1000, description=_l("Le document et sa date. Obligatoire avec un intitulé.")
    )
    orientation_id = SelectField(_l("Orientation"))
    fields = ChoicesField(_l("Champs d’intervention"), coerce=key_of)
    title_en = LineField(_l("Intitulé en anglais"), limit=400)

    def offer(self, orientations: Sequence[Orientation], fields: Sequence[FieldOfIntervention]) -> None:
        """Say which orientations and fields can be chosen."""
        choices = [(str(row.id), f"{row.code} · {in_words_of(row, 'title')}") for row in orientations]
        self.orientation_id.choices = options([("", _("Non précisée")), *choices])
        self["fields"].choices = options((row.id, f"{row.code} · {in_words_of(row, 'title')}") for row in fields)

    def values(self) -> dict[str, Any]:
        """What was written, by column."""
        chosen = self.orientation_id.data
        return {
            "title": self.title.data or "",
            "title_en": self.title_en.data or "",
            "source": self.source.data or "",
            "orientation_id": UUID(chosen) if chosen else None,
            "fields": self["fields"].data or [],
        }


class NewActionForm(CompleteActionForm):
    """A new action of a framework."""

    axis_id = SelectField(_l("Axe"), validators=[Required()], coerce=key_of)
    number = LineField(
        _l("Numéro"), [Required()], limit=12, description=_l("Tel qu’il figure dans le document, par exemple 41.1.")
    )

    def offer_axes(self, axes: Sequence[Axis]) -> None:
        """Say which axes can be chosen."""
        self.axis_id.choices = options((axis.id, f"{axis.code} · {in_words_of(axis, 'title')}") for axis in axes)

    def values(self) -> dict[str, Any]:
        return {**super().values(), "axis_id": self.axis_id.data, "number": self.number.data or ""}


class ImportForm(Form):
    """The two files of a framework, or the texts read from them at the step before."""

    toml = FileField(
        _l("Le cadre, en TOML"),
        description=_l("Une partie [framework], puis [[axes]], [[orientations]], [[fields]], [[plans]]."),
    )
    csv = FileField(
        _l("Les actions, en CSV"),
        description=_l("Colonnes : number, title, axis, orientation, fields, status, source, title_en."),
    )
    toml_text = HiddenField()
    csv_text = HiddenField()


class LawValueForm(Form):
    """A new value of a rule, from a day on."""

    value = LineField(_l("Nouvelle valeur"), [Required()], limit=400)
    valid_from = DayField(_l("À partir du"), [Required()])
    reference = LineField(_l("Référence"), [Required()], limit=300, description=_l("Le texte et l’article."))
    note = LongField(_l("Note"), limit=2000)

    def values(self) -> dict[str, Any]:
        """What was written, by column."""
        return {
            "value": self.value.data or "",
            "valid_from": self.valid_from.data,
            "reference": self.reference.data or "",
            "note": self.note.data or "",
        }


class TextForm(Form):
    """A configured text in both languages."""

    version = VersionField()
    body = LongField(_l("Français"), [Required()], limit=8000)
    body_en = LongField(_l("Anglais"), limit=8000)
    confirmed = BooleanField(_l("J’ai relu ce texte : il peut être montré au public."))
