"""Where the project takes place."""

from grants.applications.parts.fields import Picks
from grants.applications.parts.part import DossierPart, Part
from grants.kernel.words import _l

TERRITORY = DossierPart(
    Part.TERRITORY,
    _l("Territoire"),
    (
        Picks("communes", _l("Communes du projet"), key="insee", required=_l("Choisissez au moins une commune.")),
        Picks("areas", _l("Quartiers prioritaires")),
    ),
)
