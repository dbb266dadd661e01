"""What a dossier says, declared once: a module per part. Tables, forms, pages, checks and frozen content are read here.

To add a field to a part: declare it in the part's module, write the migration of its column, translate its words.
"""

from grants.applications.parts.calendar import CALENDAR
from grants.applications.parts.climate import CLIMATE
from grants.applications.parts.fields import PerCode, Rows
from grants.applications.parts.indicators import INDICATORS
from grants.applications.parts.part import Content, DossierPart
from grants.applications.parts.partners import PARTNERS
from grants.applications.parts.people import PEOPLE
from grants.applications.parts.project import PROJECT

PARTS: dict[str, DossierPart] = {part.code: part for part in (PROJECT, PEOPLE, CLIMATE, PARTNERS, CALENDAR, INDICATORS)}
TABLES: tuple[Rows | PerCode, ...] = tuple(table for part in PARTS.values() for table in part.tables)


def complete(content: Content) -> None:
    """Give what was frozen before a field existed that field, blank, so that every reader finds it."""
    for part in PARTS.values():
        for field in part.columns:
            content[part.group].setdefault(field.name, field.blank)
    for table in TABLES:
        for row in content[table.place]:
            for field in table.columns:
                row.setdefault(field.name, field.blank)
