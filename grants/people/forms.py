"""What people type about themselves, their organisation and the offices they give."""

from collections.abc import Callable, Iterable
from datetime import date
from typing import Any

from wtforms import PasswordField, RadioField, SelectField
from wtforms.fields.choices import SelectChoice

from grants.kernel.forms import DayField, Form, LineField, LongField, Required, ValidationError
from grants.kernel.pages import day
from grants.kernel.versions import VersionField
from grants.kernel.words import LANGUAGES, LazyString, _, _l
from grants.people.models import (
    COLLEGE_LABELS,
    LEGAL_FORM_LABELS,
    MEMBER_LABELS,
    ROLE_LABELS,
    College,
    LegalForm,
    MemberRole,
    Role,
)
from grants.people.rules import (
    EMAIL_MAX,
    PASSWORD_MIN,
    email_of,
    holds_a_link,
    number_of,
    phone_of,
    postcode_of,
    website_of,
    why_not_number,
    why_not_password,
    why_not_phone,
    why_not_postcode,
    why_not_rna,
    why_not_siret,
    why_not_website,
)

LANGUAGE_NAMES = {"fr": "Français", "en": "English"}
MONTHS = (
    _l("janvier"), _l("février"), _l("mars"), _l("avril"), _l("mai"), _l("juin"), _l("juillet"), _l("août"),
    _l("septembre"), _l("octobre"), _l("novembre"), _l("décembre"),
)  # fmt: skip
PASSWORD_HINT = _l(
    "%(least)s caractères au moins. Trois ou quatre mots sans lien entre eux se retiennent mieux que des signes.",
    least=PASSWORD_MIN,
)


class NoLink:
    """Refuses a name or a function that tries to be a link: it is written in letters to other people."""

    def __init__(self, message: Any = None) -> None:
        self.message = message or _l("Écrivez un nom, sans adresse ni lien.")

    def __call__(self, _form: Any, field: Any) -> None:
        if field.data and holds_a_link(field.data):
            raise ValidationError(str(self.message))


NO_LINK = _l("Écrivez une fonction, sans adresse ni lien.")


class Address:
    """Refuses an address nobody could write to."""

    def __call__(self, _form: Any, field: Any) -> None:
        try:
            if field.data:
                email_of(field.data)
        except ValueError as error:
            raise ValidationError(
                _("Cette adresse n’est pas valable. Écrivez-la sous la forme nom@exemple.fr.")
            ) from error


class HardToGuess:
    """Refuses a password that is too short or too common; the action also knows the names of the fund and of its
    body."""

    def __call__(self, _form: Any, field: Any) -> None:
        reason = why_not_password(field.data or "")
        if reason is not None:
            raise ValidationError(str(reason))


class Sound:
    """Refuses what cannot be such a number or address, with the reason."""

    def __init__(self, why_not: Callable[[str], LazyString | None]) -> None:
        self.why_not = why_not

    def __call__(self, _form: Any, field: Any) -> None:
        reason = self.why_not(field.data) if field.data else None
        if reason is not None:
            raise ValidationError(str(reason))


def _email(*validators: Any, label: Any = None, **kwargs: Any) -> LineField:
    return LineField(label or _l("Adresse électronique"), [*validators, Address()], limit=EMAIL_MAX, **kwargs)


def _new_password(label: Any) -> PasswordField:
    return PasswordField(label, [Required(_l("Choisissez un mot de passe.")), HardToGuess()], description=PASSWORD_HINT)


class SignInForm(Form):
    """An address and its password; nothing is said about either before both are right."""

    email = LineField(
        _l("Adresse électronique"), [Required(_l("Écrivez votre adresse électronique."))], limit=EMAIL_MAX
    )
    password = PasswordField(_l("Mot de passe"), [Required(_l("Écrivez votre mot de passe."))])


class SignUpForm(Form):
    """Who opens an account; the password is chosen where the address is confirmed."""

    name = LineField(
        _l("Prénom et nom"), [Required(_l("Écrivez votre prénom et votre nom.")), NoLink()], limit=120,
        description=_l("Comme il sera écrit dans les courriers."),
    )  # fmt: skip
    email = _email(
        Required(_l("Écrivez votre adresse électronique.")),
        description=_l("La vôtre, pas celle de l’association : vous pourrez agir pour plusieurs organisations."),
    )  # fmt: skip


class AddressForm(Form):
    """An address to write to."""

    email = _email(Required(_l("Écrivez votre adresse électronique.")))


class NewPasswordForm(Form):
    """A new password, chosen by mail."""

    password = _new_password(_l("Nouveau mot de passe"))


class PasswordForm(Form):
    """A new password, chosen by somebody who knows the present one."""

    current = PasswordField(_l("Mot de passe actuel"), [Required(_l("Écrivez votre mot de passe actuel."))])
    password = _new_password(_l("Nouveau mot de passe"))


class AccountForm(Form):
    """How a person is called and in which language they are written to."""

    name = LineField(_l("Prénom et nom"), [Required(_l("Écrivez votre prénom et votre nom.")), NoLink()], limit=120)
    title = LineField(
        _l("Fonction"), [NoLink(NO_LINK)], limit=120, description=_l("Par exemple : trésorière, chargé de projet.")
    )
    locale = RadioField(
        _l("Langue des pages et des courriers"),
        choices=[SelectChoice(code, LANGUAGE_NAMES[code]) for code in LANGUAGES],
    )


class NumberForm(Form):
    """The number of an organisation to be made known, asked before anything else."""

    number = LineField(
        _l("Numéro SIRET ou RNA"),
        [Required(_l("Écrivez le numéro SIRET ou le numéro RNA.")), Sound(why_not_number)],
        limit=40, read=number_of,
        description=_l("SIRET : 14 chiffres, sur l’avis de situation de l’Insee. RNA : W et 9 chiffres, sur le "
                       "récépissé de la préfecture. Les espaces ne gênent pas."),
    )  # fmt: skip


class OrganisationForm(Form):
    """What the fund keeps of an organisation, asked once."""

    siret = LineField(
        _l("Numéro SIRET"), [Sound(why_not_siret)], limit=40, read=number_of,
        description=_l("14 chiffres, sur l’avis de situation de l’Insee. Les espaces ne gênent pas."),
    )  # fmt: skip
    rna = LineField(
        _l("Numéro RNA"), [Sound(why_not_rna)], limit=40, read=number_of,
        description=_l("Pour une association : W et 9 chiffres, sur le récépissé de la préfecture."),
    )  # fmt: skip
    name = LineField(_l("Nom"), [Required(_l("Écrivez le nom de l’organisation.")), NoLink()], limit=200,
                     description=_l("Tel qu’il figure dans les statuts."))  # fmt: skip
    acronym = LineField(_l("Sigle"), [NoLink()], limit=40)
    legal_form = SelectField(
        _l("Forme juridique"), choices=[SelectChoice(form.value, LEGAL_FORM_LABELS[form]) for form in LegalForm]
    )
    founded_on = DayField(_l("Date de création"), description=_l("Celle de la publication, pour une association."))
    year_end_month = SelectField(
        _l("Fin de l’exercice comptable"),
        coerce=int,
        default=12,
        choices=[SelectChoice(str(number), month) for number, month in enumerate(MONTHS, 1)],
        description=_l("Le mois où vos comptes sont arrêtés."),
    )
    purpose = LongField(
        _l("Objet"), [Required(_l("Dites en quelques mots ce que fait l’organisation."))], limit=1500,
        description=_l("Ce que fait l’organisation, en quelques lignes : l’objet des statuts convient."),
    )  # fmt: skip
    address = LineField(_l("Numéro et rue"), [Required(_l("Écrivez l’adresse du siège."))], limit=250)
    postcode = LineField(
        _l("Code postal"),
        [
            Required(_l("Écrivez le code postal du siège.")),
            Sound(why_not_postcode),
        ],
        limit=10,
        read=postcode_of,
    )
    city = LineField(_l("Commune"), [Required(_l("Écrivez la commune du siège."))], limit=120)
    website = LineField(_l("Site internet"), [Sound(why_not_website)], limit=200, read=website_of)
    phone = LineField(_l("Téléphone"), [Sound(why_not_phone)], limit=30, read=phone_of)
    email = _email(description=_l("Celle de l’organisation, pour les courriers."))
    representative_name = LineField(
        _l("Nom du représentant légal"),
        [Required(_l("Écrivez le nom du représentant légal.")), NoLink()],
        limit=120,
        description=_l("La personne qui engage l’organisation : présidence, gérance, direction…"),
    )
    representative_role = LineField(
        _l("Sa fonction"), [Required(_l("Écrivez la fonction du représentant légal.")), NoLink(NO_LINK)], limit=120
    )
    representative_email = _email(label=_l("Son adresse électronique"))
    version = VersionField()

    def say_source(self, fields: Iterable[str], read_on: date) -> None:
        """Say beside some fields that they were filled from the public directory, and when."""
        source = _("D’après l’annuaire public, le %(day)s.", day=day(read_on))
        for name in fields:
            self[name].description = f"{self[name].description} {source}".strip()

    def values(self) -> dict[str, Any]:
        """The facts as plain values; texts left empty are empty, never None."""
        values = {name: value for name, value in self.data.items() if name not in {"version", "csrf_token"}}
        return {name: value if value is not None or name == "founded_on" else "" for name, value in values.items()}


class JoinForm(Form):
    """The number of an organisation somebody wants to act for."""

    number = LineField(_l("Numéro SIRET ou RNA"), [Required()], limit=40)


class InvitationForm(Form):
    """Whom to invite, to do what."""

    email = _email(Required(_l("Écrivez l’adresse de la personne à inviter.")))
    role = RadioField(
        _l("Rôle"),
        choices=[SelectChoice(role.value, MEMBER_LABELS[role]) for role in MemberRole],
        default=MemberRole.EDITOR.value,
    )


class HandOverForm(Form):
    """To whom the fund gives an organisation, what becomes of those who were responsible, and why."""

    email = _email(
        Required(_l("Écrivez l’adresse de la personne.")), description=_l("Celle de son compte, déjà confirmée.")
    )
    before = RadioField(
        _l("Les responsables actuels"),
        choices=[
            SelectChoice("leave", _l("n’agissent plus pour l’organisation")),
            SelectChoice("keep", _l("en restent simples membres")),
        ],
        validators=[Required(_l("Dites ce que deviennent les responsables actuels."))],
    )
    reason = LongField(
        _l("Raison"), [Required(_l("Dites pourquoi : les deux parties le liront."))], limit=1000,
        description=_l("Ce que vous avez vérifié : statuts, procès-verbal, avis de situation."),
    )  # fmt: skip


class MemberForm(Form):
    """What a member may do."""

    role = SelectField(_l("Rôle"), choices=[SelectChoice(role.value, MEMBER_LABELS[role]) for role in MemberRole])


class OfficeForm(Form):
    """An office given to a person."""

    role = SelectField(_l("Fonction"), choices=[SelectChoice(role.value, ROLE_LABELS[role]) for role in Role])
    college = SelectField(
        _l("Collège"),
        choices=[SelectChoice("", _l("Sans objet")), *(SelectChoice(c.value, COLLEGE_LABELS[c]) for c in College)],
        description=_l("Pour un membre du comité seulement."),
    )
    since_on = DayField(_l("À partir du"), description=_l("Aujourd’hui, si vous ne précisez rien."))
    until_on = DayField(_l("Jusqu’au"), description=_l("Laissez vide pour une durée indéterminée."))
