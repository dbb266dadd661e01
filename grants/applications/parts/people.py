"""Whom the project reaches, how they take part, and what becomes more just."""

from collections.abc import Iterator

from grants.applications.parts.fields import Choice, Content, LongText, PerCode, ShortText, Whole
from grants.applications.parts.part import DossierPart, Part
from grants.applications.parts.vocabulary import (
    AUDIENCE_LABELS,
    JUSTICE_LABELS,
    PARTICIPATION_LABELS,
    AudienceKind,
    JusticeKind,
    Participation,
)
from grants.kernel.words import _, _l


def _described(content: Content) -> Iterator[tuple[str, str]]:
    """A way of taking part is described."""
    participation = content["participation"]
    if participation["level"] is not None and not participation["text"]:
        yield "text", _("Décrivez en quelques phrases cette participation.")


AUDIENCES = PerCode(
    "audiences",
    "audiences",
    (
        Whole("number", _l("Nombre de personnes"), maximum=10_000_000, instead=0, width="short"),
        ShortText("detail", _l("Précision"), limit=300),
    ),
    label=_l("Personnes que le projet touche"),
    code=Choice("kind", _l("Public"), AUDIENCE_LABELS, codes=AudienceKind),
    required=_l("Dites combien de personnes le projet touche, pour un public au moins."),
)
JUSTICE = PerCode(
    "justice",
    "justice_effects",
    (LongText("text", _l("Effet"), limit=1500),),
    content="justice",
    label=_l("Effets de justice sociale"),
    code=Choice("kind", _l("Effet"), JUSTICE_LABELS, codes=JusticeKind),
    said_of=_l("Effet"),
    required=_l("Décrivez au moins un effet de justice sociale."),
)
PEOPLE = DossierPart(
    Part.PEOPLE,
    _l("Publics et justice sociale"),
    (
        AUDIENCES,
        Choice(
            "level",
            _l("Participation des personnes concernées"),
            PARTICIPATION_LABELS,
            codes=Participation,
            stored="participation_level",
            required=_l("Dites comment les personnes concernées participent."),
        ),
        LongText(
            "text",
            _l("Comment elles participent"),
            limit=2000,
            stored="participation_text",
            hint=_l("Ce qu’elles ont décidé, et ce qui a changé grâce à elles."),
        ),
        JUSTICE,
    ),
    group="participation",
    rules=(_described,),
)
