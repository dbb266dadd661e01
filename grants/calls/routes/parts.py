"""What a call is made of: questions by section, criteria by block, pieces, statements and conditions."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from grants.calls import actions, queries, rules
from grants.calls.forms import FORMS, MoveForm
from grants.calls.lifecycle import CallState
from grants.calls.models import Block, Call, Criterion, Gate, Piece, Question, Section, Statement
from grants.calls.routes.board import bp
from grants.kernel.access import actor, requires
from grants.kernel.bodies import takes_texts
from grants.kernel.errors import InvalidError
from grants.kernel.forms import done, form_page
from grants.kernel.machine import Text
from grants.kernel.versions import refuse_stale
from grants.kernel.words import _, _l
from grants.permissions import P

Answer = Response | tuple[str, int]


@bp.get("/gestion/appels/<uuid:call_id>/questions")
@requires(P.CALL_LIST, Call)
def questions(call: Call) -> str:
    """The questions, section by section."""
    return render_template(
        "calls/questions.html",
        call=call,
        reserved_as=queries.reserved_as,
        editable=call.state is CallState.DRAFT,
        sections=queries.sections_of(call.id),
        questions=queries.questions_of(call.id),
        kinds=rules.KIND_LABELS,
        offers=queries.instruments_of(call.id),
    )


@bp.get("/gestion/appels/<uuid:call_id>/criteres")
@requires(P.CALL_LIST, Call)
def criteria(call: Call) -> str:
    """The blocks and their items, with the sum of the weights."""
    blocks = queries.criteria_of(call.id)
    return render_template(
        "calls/criteria.html",
        call=call,
        reserved_as=queries.reserved_as,
        editable=call.state is CallState.DRAFT,
        blocks=[(row, rules.total_weight(row.items)) for row in blocks],
        total=rules.total_weight([row.block for row in blocks]),
        whole=rules.WHOLE,
        levels=rules.LEVEL_LABELS,
    )


@bp.get("/gestion/appels/<uuid:call_id>/conditions")
@requires(P.CALL_LIST, Call)
def conditions(call: Call) -> str:
    """The pieces asked for, the statements made, the conditions checked."""
    return render_template(
        "calls/conditions.html",
        call=call,
        reserved_as=queries.reserved_as,
        editable=call.state is CallState.DRAFT,
        pieces=queries.pieces_of(call.id),
        statements=queries.statements_of(call.id),
        gates=queries.gates_of(call.id),
        rules=rules.PIECE_RULE_LABELS,
        blocks=rules.PIECE_BLOCKS_LABELS,
    )


SHAPED = frozenset({"choices", "asked_when", "criterion_id", "minimum_level"})  # a form shows them in its own way


@dataclass(frozen=True)
class PartKind:
    """A kind of part: its model, its place in addresses, the page that lists it, and the words of its own page."""

    model: type[actions.CallPart]
    word: str
    slug: str
    listed: str
    new: Text
    one: Text


KINDS = (
    PartKind(Section, "section", "sections", "calls.questions", _l("Ajouter une section"), _l("Section")),
    PartKind(Question, "question", "questions", "calls.questions", _l("Ajouter une question"), _l("Question")),
    PartKind(Block, "block", "blocs", "calls.criteria", _l("Ajouter un bloc"), _l("Bloc de critères")),
    PartKind(Criterion, "criterion", "criteres", "calls.criteria", _l("Ajouter un critère"), _l("Critère")),
    PartKind(Piece, "piece", "pieces", "calls.conditions", _l("Ajouter une pièce"), _l("Pièce")),
    PartKind(
        Statement, "statement", "declarations", "calls.conditions", _l("Ajouter une déclaration"), _l("Déclaration")
    ),
    PartKind(Gate, "gate", "conditions", "calls.conditions", _l("Ajouter une condition"), _l("Condition")),
)


def _form(kind: PartKind, call: Call, part: actions.CallPart | None) -> Any:
    """The form of a part, its lists filled; shown with the part's columns on a first visit."""
    columns = {} if part is None else queries.columns_of(part)
    form = FORMS[kind.model](data={name: value for name, value in columns.items() if name not in SHAPED})
    form.offer(
        part=part,
        sections=queries.sections_of(call.id),
        questions=queries.questions_of(call.id),
        blocks=queries.blocks_of(call.id),
        items=queries.items_of(call.id),
        offers=queries.instruments_of(call.id),
    )
    if part is not None and request.method == "GET":
        form.show(part)
        form.seen.data = queries.fingerprint(part)
    group = {"question": "section_id", "criterion": "block_id"}.get(kind.word)
    if part is None and group and request.method == "GET":
        wanted = request.args.get("dans", "")
        known = {choice.value for choice in form[group].choices}
        form[group].data = UUID(wanted) if wanted in known else None
    return form


def _page(kind: PartKind, call: Call, form: Any, part: actions.CallPart | None) -> tuple[str, int]:
    return form_page(
        "calls/part.html",
        form,
        call=call,
        part=part,
        name=queries.name_of(part) if part is not None else None,
        kind=kind,
        back=url_for(kind.listed, call_id=call.id),
    )


def _adding(kind: PartKind) -> Callable[[Call], Answer]:
    def add(call: Call) -> Answer:
        actions.refuse_frozen(call)
        form = _form(kind, call, None)
        if form.validate_on_submit():
            refuse_stale(call)
            part = actions.add_part(call, kind.model, form.values(), by=actor())
            flash(_("« %(name)s » est ajouté.", name=queries.name_of(part)), "success")
            return redirect(url_for(kind.listed, call_id=call.id, _anchor=f"{kind.word}-{part.code}"))
        return _page(kind, call, form, None)

    return add


def _editing(kind: PartKind) -> Callable[[actions.CallPart], Answer]:
    def edit(part: actions.CallPart) -> Answer:
        call = queries.call_of(part)
        actions.refuse_frozen(call)
        form = _form(kind, call, part)
        if done(form, lambda: actions.edit_part(part, form.values(), seen=form.seen.data or "", by=actor())):
            flash(_("C’est enregistré."), "success")
            return redirect(url_for(kind.listed, call_id=call.id, _anchor=f"{kind.word}-{part.code}"))
        return _page(kind, call, form, part)

    return edit


def _moving(kind: PartKind) -> Callable[[actions.CallPart], Answer]:
    def move(part: actions.CallPart) -> Answer:
        form = MoveForm()
        if not form.validate_on_submit():
            raise InvalidError(_("Choisissez « monter » ou « descendre »."))
        refuse_stale(queries.call_of(part))
        actions.move_part(part, up=form.way.data == "up", by=actor())
        return redirect(url_for(kind.listed, call_id=part.call_id, _anchor=f"{kind.word}-{part.code}"))

    return move


def _removing(kind: PartKind) -> Callable[[actions.CallPart], Answer]:
    def remove(part: actions.CallPart) -> Answer:
        name, call_id = queries.name_of(part), part.call_id
        refuse_stale(queries.call_of(part))
        actions.remove_part(part, by=actor())
        flash(_("« %(name)s » est retiré de l’appel.", name=name), "success")
        return redirect(url_for(kind.listed, call_id=call_id))

    return remove


def _add_views(kind: PartKind) -> None:
    """Add the four views of a kind of part, each with its own endpoint and permission."""
    part = f"/gestion/{kind.slug}/<uuid:{kind.word}_id>"
    add = f"/gestion/appels/<uuid:call_id>/{kind.slug}/ajouter"
    both, post = ["GET", "POST"], ["POST"]
    views: tuple[tuple[str, str, Any, type, list[str]], ...] = (
        ("add", add, _adding(kind), Call, both),
        ("edit", part, _editing(kind), kind.model, both),
        ("move", f"{part}/deplacer", _moving(kind), kind.model, post),
        ("remove", f"{part}/retirer", _removing(kind), kind.model, post),
    )
    for verb, path, view, subject, methods in views:
        guarded = requires(P.CALL_EDIT, subject)(takes_texts(view))
        bp.add_url_rule(path, endpoint=f"{verb}_{kind.word}", view_func=guarded, methods=methods)


for _kind in KINDS:
    _add_views(_kind)
