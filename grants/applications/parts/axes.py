"""Which axes the project serves, in shares of a hundred; its actions, fields of intervention and related plans."""

from grants.applications.parts.fields import Picks, Shares
from grants.applications.parts.part import DossierPart, Part
from grants.kernel.words import _l

MOST_ACTIONS = 3

AXES = DossierPart(
    Part.AXES,
    _l("Axes et actions"),
    (
        Shares("shares", "axis_shares", _l("Parts du projet par axe"), key="axis_id", place="axes"),
        Picks(
            "actions",
            _l("Fiches actions"),
            lists=tuple((f"action_{n}", _l("Fiche action %(number)s", number=n)) for n in range(1, MOST_ACTIONS + 1)),
            too_many=_l("Choisissez trois fiches actions au plus."),
        ),
        Picks("fields", _l("Champs d’intervention")),
        Picks("plans", _l("Plans liés"), hint=_l("Cochez un plan seulement si le projet y contribue.")),
    ),
    intro=_l("Chaque euro demandé sera suivi par axe, selon les parts que vous donnez ici."),
)
