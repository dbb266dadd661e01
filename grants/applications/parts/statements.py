"""The documents and the statements of a dossier: both are listed by the call."""

from collections.abc import Iterator

from grants.applications.parts.fields import Amount, Content, Field, OneOf, Scalar, Tick
from grants.applications.parts.part import DossierPart, Part
from grants.applications.parts.questions import labels_of
from grants.calls.models import Statement
from grants.kernel.money import Money
from grants.kernel.words import _, _l, in_words_of

YES = "yes"  # what is kept of a statement that is ticked


def field_of(statement: Statement) -> Field:
    """The field that a statement is, in the reader's language."""
    name, title = f"s_{statement.id}", in_words_of(statement, "title")
    match statement.kind:
        case "choice":
            return OneOf(name, title, labels_of(statement.choices))
        case "money":
            return Amount(name, title)
    return Tick(name, _l("Je le déclare"))


def said_of(field: Field, code: str | None) -> Scalar:
    """What is kept of a statement, as its field holds it."""
    match field:
        case OneOf():
            return code
        case Amount():
            return Money(int(code)) if code else None
    return code is not None


def code_of_statement(value: Scalar) -> str | None:
    """What is kept of a statement: its choice, cents, or that it was ticked; None for what was not made."""
    if isinstance(value, Money):
        return str(value.cents)
    return YES if value is True else str(value or "") or None


def _made(content: Content) -> Iterator[tuple[str, str]]:
    """Every statement that is required was made."""
    for statement in content["statements"]:
        if statement["required"] and statement["choice"] is None:
            title = in_words_of(statement, "title")
            yield statement["code"], _("Il reste une déclaration à faire : %(title)s.", title=title)


PIECES = DossierPart(
    Part.PIECES, _l("Pièces jointes"), (), begun=lambda content: any(piece["files"] for piece in content["pieces"])
)
STATEMENTS = DossierPart(
    Part.STATEMENTS,
    _l("Déclarations"),
    (),
    rules=(_made,),
    begun=lambda content: any(row["choice"] is not None for row in content["statements"]),
)
