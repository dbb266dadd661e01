"""The closed vocabularies of a dossier: each code is stored, frozen and exported; its label is what people read."""

from enum import StrEnum

from grants.kernel.words import LazyString, _l

Labels = dict[str, LazyString]


class Participation(StrEnum):
    """How far the people concerned take part."""

    INFORMED = "informed"
    CONSULTED = "consulted"
    CO_DESIGNED = "co_designed"
    CO_GOVERNED = "co_governed"


class AudienceKind(StrEnum):
    """Kinds of public reached."""

    CHILDREN = "children"
    YOUTH = "youth"
    FAMILIES = "families"
    OLDER_PEOPLE = "older_people"
    DISABILITY = "disability"
    POVERTY = "poverty"
    EXILE = "exile"
    CARERS = "carers"
    PRIORITY_AREA_RESIDENTS = "priority_area_residents"
    GENERAL_PUBLIC = "general_public"


class ClimateAxis(StrEnum):
    """The six environmental axes of the legal annex (LF 2024, article 191)."""

    MITIGATION = "mitigation"
    ADAPTATION = "adaptation"
    WATER = "water"
    CIRCULAR = "circular"
    POLLUTION = "pollution"
    BIODIVERSITY = "biodiversity"


class ClimateRating(StrEnum):
    """The five ratings of the same annex."""

    FAVOURABLE = "favourable"
    MIXED = "mixed"
    NEUTRAL = "neutral"
    UNFAVOURABLE = "unfavourable"
    NOT_RATED = "not_rated"


class JusticeKind(StrEnum):
    """Kinds of social-justice effect."""

    PRIORITY_AREAS = "priority_areas"
    INCOME = "income"
    PRICING = "pricing"
    GOVERNANCE = "governance"
    TERRITORY = "territory"
    EQUALITY = "equality"
    DIGITAL = "digital"
    OTHER = "other"


class PartnerKind(StrEnum):
    """Kinds of partner."""

    PUBLIC = "public"
    ASSOCIATION = "association"
    COMPANY = "company"
    RESIDENTS = "residents"


class FundingStatus(StrEnum):
    """How sure a line of account 74 is."""

    REQUESTED = "requested"
    GRANTED = "granted"
    PLANNED = "planned"


AUDIENCE_LABELS: Labels = {
    "children": _l("Enfants"),
    "youth": _l("Jeunes"),
    "families": _l("Familles"),
    "older_people": _l("Personnes âgées"),
    "disability": _l("Personnes en situation de handicap"),
    "poverty": _l("Personnes en situation de précarité"),
    "exile": _l("Personnes exilées"),
    "carers": _l("Aidants"),
    "priority_area_residents": _l("Habitants des quartiers prioritaires"),
    "general_public": _l("Grand public"),
}
PARTICIPATION_LABELS: Labels = {
    "informed": _l("Informées"),
    "consulted": _l("Consultées"),
    "co_designed": _l("Elles conçoivent le projet avec vous"),
    "co_governed": _l("Elles décident avec vous"),
}
JUSTICE_LABELS: Labels = {
    "priority_areas": _l("Quartiers prioritaires"),
    "income": _l("Personnes à faibles revenus"),
    "pricing": _l("Tarifs et reste à charge"),
    "governance": _l("Place dans les décisions"),
    "territory": _l("Égalité entre territoires"),
    "equality": _l("Égalité entre les femmes et les hommes"),
    "digital": _l("Accès au numérique"),
    "other": _l("Autre effet"),
}
CLIMATE_LABELS: Labels = {
    "mitigation": _l("Atténuation du changement climatique"),
    "adaptation": _l("Adaptation au changement climatique"),
    "water": _l("Gestion de l’eau"),
    "circular": _l("Économie circulaire et déchets"),
    "pollution": _l("Lutte contre les pollutions"),
    "biodiversity": _l("Biodiversité et espaces naturels"),
}
RATING_LABELS: Labels = {
    "favourable": _l("Favorable"),
    "mixed": _l("Mixte"),
    "neutral": _l("Neutre"),
    "unfavourable": _l("Défavorable"),
    "not_rated": _l("Non coté"),
}
PARTNER_LABELS: Labels = {
    "public": _l("Organisme public"),
    "association": _l("Association"),
    "company": _l("Entreprise"),
    "residents": _l("Habitants"),
}
FUNDING_LABELS: Labels = {
    "requested": _l("Demandé"),
    "granted": _l("Obtenu"),
    "planned": _l("Envisagé"),
}
LEGAL_FORM_LABELS: Labels = {
    "association": _l("Association"),
    "foundation": _l("Fondation"),
    "cooperative": _l("Coopérative"),
    "social_enterprise": _l("Entreprise solidaire d’utilité sociale"),
    "public_body": _l("Organisme public"),
    "other": _l("Autre forme"),
}
LABELS: dict[str, Labels] = {
    "audience": AUDIENCE_LABELS,
    "participation": PARTICIPATION_LABELS,
    "justice": JUSTICE_LABELS,
    "climate": CLIMATE_LABELS,
    "rating": RATING_LABELS,
    "partner": PARTNER_LABELS,
    "funding": FUNDING_LABELS,
    "legal_form": LEGAL_FORM_LABELS,
}
