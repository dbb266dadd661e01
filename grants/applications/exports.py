"""A dossier on paper: as it stands, at any time, and the blank one of a call, to prepare one's answers."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, cast

from flask import current_app

from grants.applications import queries, rules
from grants.applications.lifecycle import ApplicationState
from grants.applications.models import Application, ApplicationVersion
from grants.applications.parts import PARTS, asked_parts
from grants.applications.parts.budget import is_account_asked, is_in_kind
from grants.applications.parts.fields import (
    Content,
    Field,
    LongText,
    OfferedChoice,
    OneOf,
    PerCode,
    Picks,
    RowTable,
    Shares,
    ShortText,
)
from grants.applications.parts.part import AskedField, Part
from grants.calls import queries as calls
from grants.calls import rules as call_rules
from grants.calls.models import Call, CallInstrument, Question, QuestionKind
from grants.calls.rules import Asked
from grants.kernel import clock, papers
from grants.kernel.blocks import Block, blocks_of
from grants.kernel.errors import RefusedError
from grants.kernel.pages import colon, instant, link, money, number
from grants.kernel.words import _, in_words_of, language
from grants.programme import queries as programme
from grants.programme.models import BudgetAccount

TEMPLATE = "dossier"
MOST = 400_000  # characters: measured at 93 pages, 1 to 2 s and 85 MB more than a short one
BLANK_ROWS = 5  # to fill by hand in a table without an end


# ---- a dossier -------------------------------------------------------------------------------------------------------


def dossier_pdf(application: Application, version: ApplicationVersion | None = None) -> bytes:
    """What a dossier says, in the reader's language: a submitted version, the latest unless told, or the draft as it
    stands, marked as not submitted. A version comes with its digest and those of its files, always in the same bytes.

    Raises RefusedError for a dossier of more than MOST characters.
    """
    version = version or queries.latest_version(application.id)
    content = queries.draft_content(application) if version is None else queries.content_in(version)
    is_draft = version is None
    page = {
        "reference": content["reference"] or "",
        "watermark": _("BROUILLON — non déposé") if is_draft else "",
        "facts": _facts(content),
        "digest_title": _("Empreinte SHA-256 du dossier tel qu’il a été déposé :"),
        "digest": content["digest"] or "",
        "contents_title": _("Sommaire"),
        "blocks": blocks_of(_page_of(content)),
        "files_title": _("Empreintes des fichiers"),
        "files_head": [_("Fichier"), _("Empreinte SHA-256")],
        "files": [] if is_draft else [[file["name"], file["sha256"]] for file in queries.files_in(content)],
    }
    if len(papers.canonical(page)) > MOST:
        raise RefusedError(_("Ce dossier est trop long pour être mis en PDF : lisez-le en ligne."))
    at = clock.now() if is_draft else content["submitted_at"]
    title = content["project"]["title"] or _("Dossier sans titre")
    return papers.render(TEMPLATE, page, at=at, title=title, language=language(), notice=_notice(application, is_draft))


def name_of(application: Application, version: ApplicationVersion | None = None) -> str:
    """The name of that file."""
    number = f"-v{version.number}" if version is not None else ""
    return f"dossier-{application.reference or 'brouillon'}{number}.pdf"


@dataclass(frozen=True)
class Change:
    """What two versions of a dossier say differently under a heading."""

    heading: str
    removed: list[str]
    added: list[str]


def changes(before: Content, after: Content) -> list[Change]:
    """What a version of a dossier says that the one before does not, and the other way round, heading by heading."""
    old, new = _lines_by_heading(before), _lines_by_heading(after)
    found = [
        Change(heading, _left(old.get(heading, []), new.get(heading, [])),
               _left(new.get(heading, []), old.get(heading, [])))
        for heading in dict.fromkeys((*new, *old))
    ]  # fmt: skip
    return [change for change in found if change.removed or change.added]


def _left(lines: list[str], others: list[str]) -> list[str]:
    """The lines that are not among others, each as often as it is there more often."""
    count = Counter(others)
    left = []
    for line in lines:
        if count[line]:
            count[line] -= 1
        else:
            left.append(line)
    return left


def _lines_by_heading(content: Content) -> dict[str, list[str]]:
    """What a dossier says, line by line, under the heading of its page."""
    heading = _("Projet")
    found: dict[str, list[str]] = {heading: [content["project"]["title"]]}
    for block in blocks_of(_page_of(content)):
        if block["kind"] == "heading":
            heading = str(block["text"])
        found.setdefault(heading, []).extend(_lines_of(block))
    return found


def _lines_of(block: Block) -> list[str]:
    """What a block of a page says, line by line; its heading is said elsewhere."""
    match block:
        case {"kind": "text", "text": text}:
            return str(text).splitlines()
        case {"kind": "list", "items": items}:
            return [line for item in cast(list[str], items) for line in item.splitlines()]
        case {"kind": "facts", "pairs": pairs}:
            return [f"{label}{colon()} {value}" for label, value in cast(list[tuple[str, str]], pairs)]
        case {"kind": "table", "rows": rows, "total": total}:
            told = [*cast(list[list[str]], rows), *([cast(list[str], total)] if total else [])]
            return [" · ".join(" ".join(cell.split()) for cell in row if cell) for row in told]
    return []


def _page_of(content: Content) -> str:
    """The dossier as its page says it, so that the paper never says anything else."""
    page: Any = current_app.jinja_env.get_template("applications/_content.html").make_module()
    return str(page.application_content(content, links=False))


def _facts(content: Content) -> list[tuple[str, str]]:
    told = [
        (_("Numéro du dossier"), content["reference"] or ""),
        (_("Organisation"), content["organisation"]["name"]),
        (_("Appel"), in_words_of(content["call"], "title")),
        (_("Reçu le"), instant(content["submitted_at"]) if content["submitted_at"] else ""),
    ]
    return [(label, value) for label, value in told if value]


def _notice(application: Application, is_draft: bool) -> str:
    if is_draft:
        at = instant(clock.now())
        return _("Brouillon au %(at)s, non déposé : ce document ne vaut pas dépôt d’une demande.", at=at)
    if application.state is ApplicationState.WITHDRAWN:
        return _("Dossier retiré le %(at)s à la demande de l’organisation.", at=instant(application.withdrawn_at))
    return ""


# ---- a blank one -----------------------------------------------------------------------------------------------------


def blank_pdf(call: Call) -> bytes:
    """Everything the dossier of a call asks, in the reader's language, with room to write."""
    page = {
        "watermark": "",
        "facts": [(_("Appel"), in_words_of(call, "title")), (_("Clôture"), instant(call.closes_at))],
        "digest": "",
        "contents_title": _("Sommaire"),
        "blocks": list(_asked(call)),
        "files": [],
    }
    notice = _(
        "Ce document sert à préparer vos réponses à plusieurs ; la demande se dépose en ligne : %(address)s.",
        address=link("calls.show", code=call.code),
    )
    at = call.opened_at or clock.now()
    return papers.render(TEMPLATE, page, at=at, title=_("Dossier vierge"), language=language(), notice=notice)


def _asked(call: Call) -> Iterator[Block]:
    """The parts of a dossier in order, each with what it asks."""
    yield from _organisation()
    asked = calls.asked_of(call.id, None)
    parts = asked_parts(asked)
    for part in (parts[code] for code in rules.BEFORE_QUESTIONS if code in parts):
        yield _heading(str(part.title))
        yield from _spared(call, [part.code])
        if part.intro is not None:
            yield _text(str(part.intro))
        if part.code is Part.BUDGET:
            yield from _budget(asked)
        else:
            for field in part.fields:
                yield from _asked_by(call, field, part.place_of(field), alone=len(part.fields) == 1)
    yield from _questions(call)
    yield from _pieces(call)
    yield from _statements(call)


def _organisation() -> Iterator[Block]:
    yield _heading(_("L’organisation"))
    for label in (_("Nom"), _("SIRET"), _("RNA"), _("Adresse"), _("Représentant légal")):
        yield _text(label)
        yield _lines(1)


def _spared(call: Call, places: Sequence[str], instruments: Sequence[str] = ()) -> Iterator[Block]:
    """The kinds of support that are not asked a page, a field of a page, or a question put to some instruments."""
    names = calls.spared(call.id, places, instruments)
    if names:
        yield _text(_("Pas demandé pour : %(names)s.", names=", ".join(names)))


def _asked_by(call: Call, field: AskedField, place: str, *, alone: bool) -> Iterator[Block]:
    """What a part asks: its label, how to answer, and room for it; the part's title names a table that stands alone."""
    if isinstance(field, RowTable | PerCode):
        if not alone:
            yield from _spared(call, [place])
        yield _table("" if alone else str(field.label), field)
        return
    is_optional = isinstance(field, Field) and field.required is None
    yield _heading(str(field.label) + (_(" (facultatif)") if is_optional else ""), 3)
    yield from _spared(call, [place])
    hint = None if isinstance(field, Shares) else field.hint
    if hint is not None:
        yield _text(str(hint))
    yield _room(call, field)


def _room(call: Call, field: Field | Picks | Shares) -> Block:
    """Where to answer: boxes when there are few choices, lines otherwise."""
    match field:
        case Shares():
            titles = [f"{axis.code} {in_words_of(axis, 'title')}" for axis in programme.axes(call.framework_id)]
            return _grid("", [(_("Axe"), "left"), (_("Part sur 100"), "left")], [[title, ""] for title in titles])
        case Picks(name="fields"):
            return _boxes([in_words_of(row, "title") for row in programme.fields(call.framework_id)])
        case Picks(name="plans"):
            return _boxes([in_words_of(row, "title") for row in programme.plans(call.framework_id)])
        case OfferedChoice():
            return _boxes([_offer(row) for row in calls.instruments_of(call.id)])
        case OneOf():
            return _boxes([str(label) for label in field.labels.values()])
        case ShortText():
            return _lines(_lines_for(field))
    return _lines(3 if isinstance(field, Picks) else 1)


def _offer(offered: CallInstrument) -> str:
    bounds = _("de %(low)s à %(high)s", low=money(offered.minimum), high=money(offered.maximum))
    return f"{in_words_of(offered.instrument, 'name')} ({bounds})"


def _lines_for(field: ShortText) -> int:
    """How many lines a text of so many characters takes by hand, within what a page holds."""
    return min(max(field.limit // 150, 3), 20) if isinstance(field, LongText) else 1


def _table(caption: str, table: RowTable | PerCode) -> Block:
    fields = [(str(field.label), "left") for field in table.fields]
    if isinstance(table, PerCode):
        rows = [[table.label_of(code), *[""] * len(fields)] for code in table.code.labels]
        return _grid(caption, [(str(table.code.label), "left"), *fields], rows)
    return _grid(caption, fields, [[""] * len(fields)] * BLANK_ROWS)


def _budget(asked: Asked) -> Iterator[Block]:
    """The accounts of the two sides, then those of contributions in kind."""
    rows = [row for row in programme.budget_accounts() if not row.header and is_account_asked(asked, row.code)]
    sides = {"charge": _("Charges"), "resource": _("Ressources")}
    for in_kind in (False, True):
        for side, title in sides.items():
            here = [row for row in rows if row.side == side and is_in_kind(row.code) is in_kind]
            yield _accounts(_("%(side)s en nature", side=title) if in_kind else title, here)


def _accounts(caption: str, rows: list[BudgetAccount]) -> Block:
    columns = [(_("Compte"), "left"), (_("Détail"), "left"), (_("Montant"), "left")]
    told = [f"{row.code} {in_words_of(row, 'title')}" if row.code[:1].isdigit() else in_words_of(row, "title")
            for row in rows]  # fmt: skip
    return _grid(caption, columns, [[title, "", ""] for title in told], total=[_("Total"), "", ""])


def _questions(call: Call) -> Iterator[Block]:
    questions = calls.questions_of(call.id)
    for section in calls.sections_of(call.id):
        yield _heading(in_words_of(section, "title"))
        if section.intro:
            yield _text(in_words_of(section, "intro"))
        for question in questions:
            if question.section_id == section.id:
                yield from _question(call, question, calls.condition_of(question, questions))


def _question(call: Call, question: Question, condition: str) -> Iterator[Block]:
    yield _heading(in_words_of(question, "label") + ("" if question.required else _(" (facultatif)")), 3)
    yield from _spared(call, [], question.instruments)
    if question.help:
        yield _text(in_words_of(question, "help"))
    limit = _("%(limit)s caractères au plus", limit=number(question.max_length)) if question.max_length else ""
    yield _text(" · ".join(filter(None, [str(call_rules.KIND_LABELS[question.kind]), limit, condition])))
    if question.choices:
        yield _boxes([in_words_of(choice, "label") for choice in question.choices])
    elif question.kind is QuestionKind.LONG:
        yield _lines(_lines_for(LongText("", "", limit=question.max_length or 4000)))
    elif question.kind is not QuestionKind.FILE:
        yield _lines(1)


def _pieces(call: Call) -> Iterator[Block]:
    yield _heading(str(PARTS[Part.PIECES].title))
    told = ([in_words_of(row, "label"), in_words_of(row, "condition")] for row in calls.pieces_of(call.id))
    yield _boxes([f"{colon()} ".join(filter(None, pair)) for pair in told])


def _statements(call: Call) -> Iterator[Block]:
    yield _heading(str(PARTS[Part.STATEMENTS].title))
    values = {"amount": "…", "title": "…", "body": call.fund.body_name}
    for statement in calls.statements_of(call.id):
        text = rules.fill(in_words_of(statement, "text"), values)
        if statement.choices:
            yield _text(text)
            yield _boxes([in_words_of(choice, "label") for choice in statement.choices])
        else:
            yield _boxes([text])
    yield _text(_("Date, nom, qualité et signature"))
    yield _lines(2)


# ---- blocks, as templates/papers/dossier.typ prints them -------------------------------------------------------------


def _heading(text: str, level: int = 2) -> Block:
    return {"kind": "heading", "level": level, "text": text}


def _text(text: str) -> Block:
    return {"kind": "text", "text": text}


def _lines(count: int) -> Block:
    return {"kind": "lines", "number": count}


def _boxes(items: list[str]) -> Block:
    return {"kind": "boxes", "items": items}


def _grid(
    caption: str, columns: list[tuple[str, str]], rows: list[list[str]], *, total: list[str] | None = None
) -> Block:
    return {"kind": "table", "caption": caption, "columns": columns, "rows": rows, "total": total}
