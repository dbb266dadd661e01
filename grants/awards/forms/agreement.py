"""Forms of the agreement and of bank details."""

from typing import Any

from flask_wtf.file import FileField
from wtforms import Field, RadioField, SelectChoice
from wtforms.validators import AnyOf, ValidationError

from grants.awards.rules import bic_of, iban_of
from grants.kernel.forms import DayField, Form, LineField, LongField, Required
from grants.kernel.versions import VersionField
from grants.kernel.words import _l

REVEAL_CHOICES = [
    ("compare", _l("Comparer avec le RIB")),
    ("enter", _l("Saisir un mandat dans le logiciel financier")),
    ("accountant", _l("Répondre au comptable public")),
    ("fraud", _l("Vérifier un doute sur un changement de compte")),
]


class TermsForm(Form):
    """The terms of an agreement, composed then completed by hand."""

    version = VersionField()
    terms = LongField(_l("Texte de la convention"), [Required()], limit=40_000)

    def __init__(self, *args: Any, marker: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.marker = marker

    def validate_terms(self, field: Field) -> None:
        """Nothing leaves with a passage still to be written."""
        if self.marker in (field.data or ""):
            raise ValidationError(_l("Complétez d’abord chaque passage marqué « %(marker)s ».", marker=self.marker))


class SignForm(Form):
    """The signature: its day and the signed document."""

    version = VersionField()
    signed_on = DayField(
        _l("Date de la dernière signature"), [Required(_l("Indiquez la date."))],
        description=_l("Celle de la personne qui a signé en dernier."),
    )  # fmt: skip
    file = FileField(
        _l("Convention signée, numérisée"),
        [Required(_l("Joignez la convention signée : le comptable public la demande."))],
        description=_l("Un seul fichier, PDF de préférence."),
    )


class BankForm(Form):
    """Bank details as they stand on the bank's own paper."""

    holder = LineField(
        _l("Titulaire du compte"), [Required()], limit=200,
        description=_l("Exactement comme sur le RIB : c’est le nom de l’association."),
    )  # fmt: skip
    iban = LineField(
        _l("IBAN"), [Required()], limit=50, read=iban_of,
        description=_l("Avec ou sans espaces. En France : FR, puis 25 chiffres ou lettres."),
    )  # fmt: skip
    bic = LineField(_l("BIC"), limit=40, read=bic_of, description=_l("8 ou 11 caractères ; il est aussi sur le RIB."))


class RefuseForm(Form):
    """Why bank details cannot be used, for the association."""

    note = LongField(
        _l("Ce qui ne va pas"), [Required(_l("Dites à l’association ce qu’il faut corriger."))], limit=500,
        description=_l("L’association lira ce texte."),
    )  # fmt: skip


class RevealForm(Form):
    """Why somebody needs to read the whole account number."""

    reason = RadioField(
        _l("Pourquoi avez-vous besoin du numéro complet ?"),
        [Required(_l("Choisissez une raison.")), AnyOf([code for code, _word in REVEAL_CHOICES])],
        choices=[SelectChoice(code, word) for code, word in REVEAL_CHOICES],
        validate_choice=False,
    )
