"""What will be counted, and the targets."""

from grants.applications.parts.fields import RowTable, ShortText, Whole
from grants.applications.parts.part import DossierPart, Part
from grants.kernel.words import _l

ROWS = RowTable(
    "rows",
    "indicators",
    (
        ShortText("label", _l("Ce que vous compterez"), limit=300, required=_l("Un indicateur n’a pas de nom.")),
        Whole("target", _l("Cible"), needed=_l("Donnez une cible en chiffres."), width="short"),
        ShortText("unit", _l("Unité"), limit=60, width="short"),
    ),
    item=_l("Indicateur"),
    add=_l("Ajouter un indicateur"),
    required=_l("Indiquez au moins un indicateur."),
)
INDICATORS = DossierPart(
    Part.INDICATORS,
    _l("Indicateurs"),
    (ROWS,),
    intro=_l("Ce que vous compterez pour savoir si le projet réussit. Le bilan reprendra ces lignes."),
)
