"""The six environmental axes: a rating, and what shows it."""

from collections.abc import Iterator

from grants.applications.parts.fields import Choice, Content, LongText, PerCode
from grants.applications.parts.part import DossierPart, Part
from grants.applications.parts.vocabulary import CLIMATE_LABELS, RATING_LABELS, ClimateAxis, ClimateRating
from grants.kernel.words import _, _l

TO_PROVE = frozenset({"favourable", "mixed", "unfavourable"})


def _proved(content: Content) -> Iterator[tuple[str, str]]:
    """A rating other than neutral says what it rests on."""
    for effect in content["climate"]:
        if effect["rating"] in TO_PROVE and not effect["proof"]:
            name = str(CLIMATE_LABELS[effect["axis"]])
            yield f"proof_{effect['axis']}", _("Dites sur quoi repose la cotation « %(axis)s ».", axis=name)


EFFECTS = PerCode(
    "effects",
    "climate_effects",
    (
        Choice("rating", _l("Effet du projet"), RATING_LABELS, codes=ClimateRating, listed=True, instead="not_rated"),
        LongText("proof", _l("Ce qui le montre"), limit=1500),
    ),
    content="climate",
    label=_l("Climat et environnement"),
    code=Choice("axis", _l("Axe environnemental"), CLIMATE_LABELS, codes=ClimateAxis),
    required=_l("Donnez une cotation à un axe environnemental au moins."),
)
CLIMATE = DossierPart(
    Part.CLIMATE,
    _l("Climat et environnement"),
    (EFFECTS,),
    intro=_l(
        "Pour chaque thème, dites si l’effet du projet est favorable ou non, et ce qui le montre. « Neutre » est une "
        "réponse honnête."
    ),
    rules=(_proved,),
)
