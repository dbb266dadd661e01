"""How much a call asks of a dossier, page by page."""

from collections.abc import Iterator
from dataclasses import dataclass

from grants.applications import rules
from grants.applications.parts import asked_parts, effort
from grants.applications.parts.effort import Effort, Lists
from grants.applications.parts.fields import UploadField
from grants.applications.parts.part import Part
from grants.applications.parts.questions import QUESTIONS
from grants.applications.parts.questions import field_of as field_of_question
from grants.applications.parts.statements import field_of as field_of_statement
from grants.calls import queries as calls
from grants.calls.models import Call
from grants.calls.rules import Asked
from grants.kernel.words import in_words_of
from grants.programme import queries as programme


@dataclass(frozen=True)
class PageEffort:
    """A page that is asked, and how much it asks."""

    code: str
    title: str
    effort: Effort


@dataclass(frozen=True)
class OfferEffort:
    """What an instrument of a call asks, page by page."""

    name: str
    pages: tuple[PageEffort, ...]

    @property
    def effort(self) -> Effort:
        """All its pages together."""
        return effort.total(page.effort for page in self.pages)


def efforts_of(call: Call) -> list[OfferEffort]:
    """What a call asks of an application to each of its instruments, in order."""
    return [
        OfferEffort(in_words_of(row.instrument, "name"), tuple(pages_asked(call, calls.asked_in(row))))
        for row in calls.instruments_of(call.id)
    ]


def pages_asked(call: Call, asked: Asked) -> Iterator[PageEffort]:
    """The pages of the writing space, in order, each with how much it asks."""
    accounts = [(row.code, row.by_funder) for row in programme.budget_accounts() if not row.header]
    lists, parts = Lists(len(programme.axes(call.framework_id)), accounts), asked_parts(asked)
    for code in (code for code in rules.BEFORE_QUESTIONS if code in parts):
        yield PageEffort(code, str(parts[code].title), effort.of_part(parts[code], asked, lists))
    questions = [row for row in calls.questions_of(call.id) if asked.takes(row.instruments)]
    for section in calls.sections_of(call.id):
        here = [field_of_question(row, {}) for row in questions if row.section_id == section.id]
        if here:
            yield PageEffort(f"{QUESTIONS}{section.code}", in_words_of(section, "title"),
                             effort.total(map(effort.of_field, here)))  # fmt: skip
    files = [UploadField(row.code, "") for row in calls.pieces_of(call.id)]
    declared = [field_of_statement(row) for row in calls.statements_of(call.id)]
    for code, fields in ((Part.PIECES, files), (Part.STATEMENTS, declared)):
        yield PageEffort(code, str(parts[code].title), effort.total(map(effort.of_field, fields)))
