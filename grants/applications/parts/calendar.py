"""The steps of the project."""

from grants.applications.parts.fields import Day, RowTable, ShortText
from grants.applications.parts.part import DossierPart, Part
from grants.kernel.words import _l

_COMPLETE = _l("Chaque étape a besoin d’un nom et d’une date.")

ROWS = RowTable(
    "rows",
    "milestones",
    (
        ShortText("label", _l("Étape"), limit=300, required=_COMPLETE),
        Day("due_on", _l("Date"), required=_COMPLETE, width="short"),
    ),
    item=_l("Étape"),
    add=_l("Ajouter une étape"),
    required=_l("Indiquez au moins une étape."),
)
CALENDAR = DossierPart(
    Part.CALENDAR,
    _l("Calendrier"),
    (ROWS,),
    intro=_l("Trois ou quatre étapes suffisent : ce qui sera fait, et quand."),
)
