"""The JSON Schema of what a dossier says in its parts, as a version freezes it (draft 2020-12)."""

from grants.applications.parts import PARTS
from grants.applications.parts.budget import LINES
from grants.applications.parts.fields import Field, Json, OfferedChoice, PerCode, Picks, RowTable, Shares
from grants.kernel.words import _l

DRAFT = "https://json-schema.org/draft/2020-12/schema"


def dossier_schema() -> dict[str, Json]:
    """The declared part of frozen content: what else it holds (call, organisation, answers, files) is left open."""
    properties: dict[str, Json] = {}
    for part in PARTS.values():
        if part.columns:
            properties[part.group] = _group(part.columns)
        for field in part.fields:
            if not isinstance(field, Field):
                properties[field.place] = {"title": str(field.label), **_rows(field)}
    left_out: dict[str, Json] = {
        "title": str(_l("Ce qui n’était pas demandé : pages du dossier, et leurs champs")),
        "type": "array",
        "items": {"type": "string"},
    }
    required = list(properties)
    properties["left_out"] = left_out
    return {"$schema": DRAFT, "type": "object", "properties": properties, "required": required}


def _rows(field: RowTable | PerCode | Picks | Shares) -> dict[str, Json]:
    schema = field.schema()
    if field is not LINES:
        return schema
    sides: dict[str, Json] = dict.fromkeys(("charges", "resources"), schema)
    return {"type": "object", "properties": sides, "required": list(sides)}


def _group(fields: list[Field]) -> dict[str, Json]:
    """Fields that stand together; a row that the call offers is described where it stands."""
    properties: dict[str, Json] = {}
    for field in fields:
        kind = {"type": ["object", "null"]} if isinstance(field, OfferedChoice) else field.schema()
        properties[field.key] = {"title": str(field.label), **kind}
    return {"type": "object", "properties": properties, "required": list(properties)}
