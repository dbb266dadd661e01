"""What a dossier says, declared once: a module per part. Tables, forms, pages, checks and frozen content are read here.

To add a field to a part: declare it in the part's module, write the migration of its column, translate its words.
"""

from grants.applications.parts.axes import AXES
from grants.applications.parts.budget import BUDGET, LINES
from grants.applications.parts.calendar import CALENDAR
from grants.applications.parts.climate import CLIMATE
from grants.applications.parts.fields import Content, PerCode, RowTable
from grants.applications.parts.indicators import INDICATORS
from grants.applications.parts.part import DossierPart
from grants.applications.parts.partners import PARTNERS
from grants.applications.parts.people import PEOPLE
from grants.applications.parts.project import PROJECT
from grants.applications.parts.statements import PIECES, STATEMENTS
from grants.applications.parts.territory import TERRITORY

PARTS: dict[str, DossierPart] = {
    part.code: part
    for part in (
        PROJECT, AXES, TERRITORY, PEOPLE, CLIMATE, PARTNERS, CALENDAR, INDICATORS, BUDGET, PIECES, STATEMENTS,
    )
}  # fmt: skip
# The tables whose rows stand in frozen content one after another; the lines of a budget stand side by side.
TABLES: tuple[RowTable | PerCode, ...] = tuple(
    table for part in PARTS.values() for table in part.tables if table is not LINES
)


def complete(content: Content) -> None:
    """Give what was frozen before a field existed that field, blank, so that every reader finds it."""
    for part in PARTS.values():
        for field in part.columns:
            content[part.group].setdefault(field.name, field.blank)
    for table in (*TABLES, LINES):
        for row in table.rows_in(content):
            for field in table.columns:
                row.setdefault(field.name, field.blank)
