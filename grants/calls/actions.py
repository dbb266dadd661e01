"""Acts on calls: made from the reference files or from last year's call, opened, extended, archived."""

from datetime import datetime
from typing import Any

from grants.calls.lifecycle import CallState
from grants.calls.models import (
    Block,
    Call,
    CallInstrument,
    Criterion,
    Gate,
    Piece,
    Question,
    QuestionKind,
    Section,
    Statement,
)
from grants.kernel import journal, shelf
from grants.kernel.actor import Actor
from grants.kernel.db import db
from grants.kernel.money import Money
from grants.programme import queries as programme
from grants.programme.models import Framework, Fund


def create_from_reference(
    fund: Fund,
    framework: Framework,
    *,
    code: str,
    title: str,
    opens_at: datetime,
    closes_at: datetime,
    envelope: Money,
    by: Actor,
    title_en: str = "",
    theme: str = "",
    theme_en: str = "",
) -> Call:
    """A draft call with the default texts, instruments, questions, criteria, pieces, statements and gates."""
    rubric = shelf.toml("rubric.toml")
    call = Call(
        fund_id=fund.id,
        framework_id=framework.id,
        code=code,
        state=CallState.DRAFT,
        title=title,
        title_en=title_en,
        theme=theme,
        theme_en=theme_en,
        texts=_default_texts(),
        opens_at=opens_at,
        closes_at=closes_at,
        envelope=envelope,
        threshold=rubric["rules"]["threshold"],
        minimum_reviewers=rubric["rules"]["minimum_reviewers"],
        scale_top=rubric["rules"]["maximum_level"],
    )
    db.session.add(call)
    db.session.flush()
    for instrument in programme.instruments():
        db.session.add(
            CallInstrument(
                call_id=call.id,
                instrument_id=instrument.id,
                minimum=instrument.minimum,
                maximum=instrument.maximum,
                max_rate=instrument.max_rate,
            )
        )
    criteria = _add_rubric(call, rubric)
    _add_questions(call, criteria)
    _add_pieces(call)
    _add_statements(call)
    _add_gates(call)
    db.session.flush()
    journal.record("call.created", call, by=by, code=code)
    return call


def _text(row: dict[str, Any], *names: str) -> dict[str, Any]:
    return {key: str(row[key]).strip() for name in names for key in (name, f"{name}_en") if row.get(key) is not None}


def _default_texts() -> dict[str, Any]:
    """The texts of a call, by code: {"fr": …, "en": …}."""
    return {
        row["code"]: {"fr": row["body"].strip(), "en": row["body_en"].strip()}
        for row in shelf.toml("texts.toml")["texts"]
        if row["use"] == "call"
    }


def _add_rubric(call: Call, rubric: dict[str, Any]) -> dict[str, Criterion]:
    blocks: dict[str, Block] = {}
    for row in rubric["blocks"]:
        threshold = row.get("threshold")
        blocks[row["code"]] = Block(
            call_id=call.id,
            code=row["code"],
            **_text(row, "title"),
            weight=row["weight"],
            minimum_level=None if threshold is None else threshold * 10,
            tie_rank=row.get("tie_rank"),
            position=row["position"],
        )
    db.session.add_all(blocks.values())
    db.session.flush()
    criteria: dict[str, Criterion] = {}
    for position, row in enumerate(rubric["items"]):
        criteria[row["code"]] = Criterion(
            call_id=call.id,
            block_id=blocks[row["block"]].id,
            code=row["code"],
            **_text(row, "title", "guidance", "applicant_hint"),
            weight=row["weight"],
            anchors=list(row["anchors"]),
            anchors_en=list(row["anchors_en"]),
            position=position,
        )
    db.session.add_all(criteria.values())
    db.session.flush()
    return criteria


def _add_questions(call: Call, criteria: dict[str, Criterion]) -> None:
    data = shelf.toml("questions.toml")
    sections = {
        row["code"]: Section(
            call_id=call.id, code=row["code"], **_text(row, "title", "intro"), position=row["position"]
        )
        for row in data["sections"]
    }
    db.session.add_all(sections.values())
    db.session.flush()
    for row in data["questions"]:
        item = row.get("item")
        db.session.add(
            Question(
                call_id=call.id,
                section_id=sections[row["section"]].id,
                criterion_id=criteria[item].id if item else None,
                code=row["code"],
                kind=QuestionKind(row["kind"]),
                **_text(row, "label", "help"),
                required=row["required"],
                max_length=row.get("max_length"),
                minimum=row.get("minimum"),
                choices=row.get("choices", []),
                asked_when=row.get("when"),
                position=row["position"],
            )
        )


def _add_pieces(call: Call) -> None:
    for row in shelf.toml("pieces.toml")["pieces"]:
        db.session.add(
            Piece(
                call_id=call.id,
                code=row["code"],
                **_text(row, "label", "help", "condition"),
                rule=row["rule"],
                blocks=row["blocks"],
                once_for_all=row["once_for_all"],
                required=row["required"],
                position=row["position"],
            )
        )


def _add_statements(call: Call) -> None:
    data = shelf.toml("declarations.toml")
    annexes = {row["code"]: row for row in data.get("annexes", ())}
    for row in data["declarations"]:
        annex = annexes.get(row.get("annex", ""))
        db.session.add(
            Statement(
                call_id=call.id,
                code=row["code"],
                kind=row["kind"],
                **_text(row, "title", "text"),
                annex=_annex(annex) if annex else None,
                edition=str(row["version"]),
                choices=row.get("choices", []),
                required=row["required"],
                position=row["position"],
            )
        )


def _annex(row: dict[str, Any]) -> dict[str, Any]:
    items = [{**_text(item, "title"), "number": item["number"]} for item in row["items"]]
    return {**_text(row, "title", "intro"), "items": items}


def _add_gates(call: Call) -> None:
    for row in shelf.toml("texts.toml")["gates"]:
        db.session.add(
            Gate(
                call_id=call.id,
                code=row["code"],
                **_text(row, "title", "explanation", "refusal"),
                computed=row["how"] == "computed",
                position=row["position"],
            )
        )
