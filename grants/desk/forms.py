"""Forms of the desk: a later closing for one dossier, one that came on paper, the specimens of the style guide."""

from collections.abc import Sequence
from datetime import datetime
from typing import TypeAlias

from flask_wtf.file import FileField
from werkzeug.datastructures import FileStorage
from wtforms import BooleanField, EmailField, IntegerField, RadioField, SelectField

from grants.applications.rules import PaperDays
from grants.calls.models import CallInstrument, Criterion
from grants.kernel.formats import SUFFIXES
from grants.kernel.forms import (
    ChoicesField,
    DayField,
    Form,
    HourField,
    LineField,
    LongField,
    MoneyField,
    Required,
    ValidationError,
    instant_in,
    options,
)
from grants.kernel.money import Money
from grants.kernel.uploads import Given
from grants.kernel.versions import VersionField
from grants.kernel.words import LazyString, _l, in_words_of
from grants.people.rules import number_of, why_not_number

YES_NO = (("yes", _l("Oui")), ("no", _l("Non")))
KINDS = (("grant", _l("Subvention")), ("advance", _l("Avance remboursable")))
Places: TypeAlias = Sequence[tuple[str, str]]  # pages of a dossier and fields of pages, by code with their words


class ApplicantForm(Form):
    """The number of an organisation, in the address of the page."""

    class Meta:
        csrf = False

    numero = LineField(
        _l("Numéro SIRET ou RNA de l’organisation"), [Required()], limit=60,
        description=_l("14 chiffres, ou la lettre W et 9 chiffres."),
    )  # fmt: skip

    def validate_numero(self, field: LineField) -> None:
        """Refuse what is no number of an organisation."""
        reason = why_not_number(number_of(field.data or ""))
        if reason is not None:
            raise ValidationError(str(reason))


class ExtensionForm(Form):
    """A later closing for one dossier, and why; `version` is how many it was given before."""

    version = VersionField()
    ends_on = DayField(_l("Fin du délai : jour"), [Required()])
    ends_hour = HourField(_l("Fin du délai : heure"), [Required()])
    reason = LongField(
        _l("Motif"), [Required()], limit=600,
        description=_l("L’équipe du dossier le lit, sur ses pages et par courriel. Le fonds le garde : n’y mettez rien "
                       "de la vie privée de quelqu’un."),
    )  # fmt: skip

    def instant(self, zone: str) -> datetime | None:
        """The end in UTC; None when the hour does not exist, with the error on its field."""
        return instant_in(self.ends_on, self.ends_hour, zone)


class AskedForm(Form):
    """What a call does not ask of each instrument, and where each criterion is judged; its fields are added by
    `asked_form`."""


def asked_form(
    offers: Sequence[CallInstrument], items: Sequence[Criterion], leavable: Places, places: Places
) -> AskedForm:
    """The form of a call: a list of boxes for each instrument, and one for each criterion."""

    class CallAskedForm(AskedForm):
        """The same, with its fields."""

    for row in offers:
        label = _l("Ce qui n’est pas demandé : %(name)s", name=in_words_of(row.instrument, "name"))
        setattr(CallAskedForm, f"{row.instrument.code}_left_out", _boxes(label, leavable, row.left_out))
    for item in items:
        words = in_words_of(item, "title")
        setattr(CallAskedForm, f"{item.code}_judged_in", _boxes(words, places, item.judged_in))
    return CallAskedForm()


def _boxes(label: LazyString | str, places: Places, ticked: Sequence[str]) -> object:
    """A list of boxes; what it does not offer is refused by the view, which knows why."""
    return ChoicesField(label, choices=options(places), default=ticked, validate_choice=False)


class PaperForm(Form):
    """When a dossier came on paper, and its scan; `version` is that of the dossier once it is begun."""

    version = VersionField()
    postmarked_on = DayField(
        _l("Jour du cachet de la poste"),
        description=_l("C’est lui qui compte pour la clôture (CRPA, art. L112-1). Laissez vide pour un dossier remis "
                       "en main propre : le jour d’arrivée compte alors."),
    )  # fmt: skip
    received_on = DayField(_l("Jour d’arrivée au fonds"), [Required()])
    scan = FileField(
        _l("Dossier papier numérisé"), render_kw={"accept": SUFFIXES},
        description=_l("Tel qu’il a été reçu, enveloppe et cachet compris."),
    )  # fmt: skip

    def days(self) -> PaperDays:
        """The two days that were typed."""
        if self.received_on.data is None:
            raise ValueError("the form was validated")
        return PaperDays(self.received_on.data, self.postmarked_on.data)

    def file(self) -> Given | None:
        """The scan that came with the form."""
        sent: object = self.scan.data
        return sent if isinstance(sent, FileStorage) and sent.filename else None


class SpecimenForm(Form):
    """One field of each kind, for the style guide; never submitted."""

    title = LineField(
        _l("Intitulé du projet"), [Required()], limit=120, description=_l("Une phrase que tout le monde comprend.")
    )
    need = LongField(
        _l("À quel besoin répond le projet ?"),
        [Required()],
        limit=1500,
        description=_l("Le comité jugera ici le besoin mal couvert."),
    )
    email = EmailField(_l("Courriel du contact"))
    kind = SelectField(
        _l("Forme de l’aide"),
        [Required()],
        choices=options(KINDS),
    )
    first = RadioField(_l("Est-ce votre première demande ?"), [Required()], choices=options(YES_NO))
    audiences = ChoicesField(
        _l("Publics"),
        choices=options(
            [("children", _l("Enfants")), ("youth", _l("Jeunes")), ("older_people", _l("Personnes âgées"))]
        ),
    )
    attested = BooleanField(_l("J’atteste que ces informations sont exactes"))
    starts = DayField(_l("Début du projet"), [Required()])
    asked = MoneyField(_l("Montant demandé"), [Required()])
    instrument = RadioField(
        _l("Ce que vous demandez"),
        choices=options(
            [
                ("emergence", _l("Émergence")),
                ("development", _l("Développement")),
                ("scale_up", _l("Changement d’échelle")),
            ]
        ),
        default="emergence",
    )
    document = FileField(_l("Statuts"), description=_l("PDF, 10 Mo au plus."))
    share_a1 = IntegerField("A1", default=40)
    share_a2 = IntegerField("A2", default=25)
    share_a3 = IntegerField("A3", default=20)
    share_a4 = IntegerField("A4", default=15)
    line_60 = MoneyField("60", default=Money.euros(4500))
    line_62 = MoneyField("62", default=Money.euros(3500))
    line_64 = MoneyField("64", default=Money.euros(12000))
    line_74 = MoneyField("74", default=Money.euros(15000))
    line_756 = MoneyField("756", default=Money.euros(1500))
    line_own = MoneyField("OWN", default=Money.euros(2000))


APART = (
    "instrument",
    "document",
    "share_a1",
    "share_a2",
    "share_a3",
    "share_a4",
    "line_60",
    "line_62",
    "line_64",
    "line_74",
    "line_756",
    "line_own",
)
