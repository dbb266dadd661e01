"""The project in short: what it is, what it asks for, when."""

from collections.abc import Iterator

from grants.applications.parts.fields import Amount, Content, Day, LongText, OfferedChoice, ShortText
from grants.applications.parts.part import DossierPart, InOrder, Part
from grants.kernel.pages import money
from grants.kernel.words import _, _l


def _bounds(content: Content) -> Iterator[tuple[str, str]]:
    """The amount stands within the bounds of the kind of support."""
    instrument, requested = content["project"]["instrument"], content["project"]["requested"]
    if instrument is None or requested is None:
        return
    low, high = instrument["minimum"], instrument["maximum"]
    if requested < low:
        yield (
            "requested",
            _("Le montant demandé est trop bas : %(bound)s au moins pour ce type de soutien.", bound=money(low)),
        )
    elif requested > high:
        yield (
            "requested",
            _("Le montant demandé est trop haut : %(bound)s au plus pour ce type de soutien.", bound=money(high)),
        )


PROJECT = DossierPart(
    Part.PROJECT,
    _l("Le projet en bref"),
    (
        ShortText("title", _l("Titre du projet"), limit=200, required=_l("Donnez un titre au projet.")),
        LongText(
            "summary",
            _l("Résumé"),
            limit=1000,
            hint=_l("Pour qui, où, quoi, et ce qui changera : ce texte sera publié si le projet est soutenu."),
            required=_l("Résumez le projet."),
        ),
        OfferedChoice(
            "instrument", _l("Type de soutien"), stored="instrument_id", required=_l("Choisissez le type de soutien.")
        ),
        Amount(
            "requested",
            _l("Montant demandé"),
            positive=_l("Le montant demandé doit être plus grand que zéro."),
            required=_l("Indiquez le montant demandé."),
        ),
        Day("starts_on", _l("Début"), required=_l("Indiquez la date de début.")),
        Day("ends_on", _l("Fin"), required=_l("Indiquez la date de fin.")),
    ),
    group="project",
    in_order=(InOrder("starts_on", "ends_on", _l("La fin vient avant le début. Corrigez l’une des deux dates.")),),
    rules=(_bounds,),
)
