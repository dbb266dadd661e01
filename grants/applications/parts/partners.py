"""Who takes part beside the organisation."""

from grants.applications.parts.fields import Amount, Choice, RowTable, ShortText, Tick
from grants.applications.parts.part import DossierPart, Part
from grants.applications.parts.vocabulary import PARTNER_LABELS, PartnerKind
from grants.kernel.words import _l

ROWS = RowTable(
    "rows",
    "partners",
    (
        ShortText("name", _l("Nom"), limit=200, required=_l("Un partenaire n’a pas de nom.")),
        Choice("kind", _l("Nature"), PARTNER_LABELS, codes=PartnerKind, default=PartnerKind.ASSOCIATION),
        ShortText("role", _l("Rôle dans le projet"), limit=500, width="full"),
        Amount("amount", _l("Apport en argent"), zero_is_nothing=True, width="short"),
        Tick("committed", _l("Engagement écrit")),
    ),
    item=_l("Partenaire"),
    add=_l("Ajouter un partenaire"),
)
PARTNERS = DossierPart(
    Part.PARTNERS,
    _l("Partenaires"),
    (ROWS,),
    intro=_l("Qui agit avec vous, et ce que chacun apporte. Sans partenaire, passez à la suite."),
)
