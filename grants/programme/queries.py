"""Questions about the fund, its frameworks, its territory and the law in force."""

from collections.abc import Collection, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import case, func, select
from sqlalchemy.orm import contains_eager

from grants.kernel import clock
from grants.kernel.db import db
from grants.kernel.transaction_cache import cached_in_transaction
from grants.kernel.words import in_words_of
from grants.programme import rules
from grants.programme.models import (
    Action,
    Axis,
    BudgetAccount,
    Commune,
    ConfiguredText,
    FieldOfIntervention,
    Framework,
    Fund,
    Instrument,
    Law,
    Orientation,
    PriorityArea,
    RelatedPlan,
    Trust,
    action_field,
)

UNSURE = (Trust.MEMORY, Trust.PROPOSAL)


def fund() -> Fund:
    """The fund of this installation. Raises LookupError before `grants init`."""
    found = db.session.scalar(select(Fund).order_by(Fund.code).limit(1))
    if found is None:
        raise LookupError("no fund yet: run grants init")
    return found


def frameworks() -> Sequence[Framework]:
    """Every framework, in order."""
    return db.session.scalars(select(Framework).order_by(Framework.position, Framework.code)).all()


def framework(code: str) -> Framework | None:
    """A framework by its code."""
    return db.session.scalar(select(Framework).where(Framework.code == code))


def framework_by_id(framework_id: UUID) -> Framework:
    """A framework by its key; it exists, because something points to it."""
    return db.session.get_one(Framework, framework_id)


def axes(framework_id: UUID) -> Sequence[Axis]:
    """The axes of a framework, in order."""
    return db.session.scalars(select(Axis).where(Axis.framework_id == framework_id).order_by(Axis.position)).all()


def orientations(framework_id: UUID) -> Sequence[Orientation]:
    """The orientations of a framework, axis by axis."""
    statement = (
        select(Orientation)
        .join(Axis)
        .where(Axis.framework_id == framework_id)
        .order_by(Axis.position, Orientation.position, Orientation.code)
    )
    return db.session.scalars(statement).all()


def actions(framework_id: UUID) -> Sequence[Action]:
    """The actions of a framework, each with its axis, by number."""
    statement = select(Action).join(Action.axis).options(contains_eager(Action.axis))
    return db.session.scalars(statement.where(Action.framework_id == framework_id).order_by(Action.sort_key)).all()


def fields(framework_id: UUID) -> Sequence[FieldOfIntervention]:
    """The fields of intervention of a framework, in order."""
    statement = select(FieldOfIntervention).where(FieldOfIntervention.framework_id == framework_id)
    return db.session.scalars(statement.order_by(FieldOfIntervention.position)).all()


def plans(framework_id: UUID) -> Sequence[RelatedPlan]:
    """The related plans of a framework, in order."""
    statement = select(RelatedPlan).where(RelatedPlan.framework_id == framework_id)
    return db.session.scalars(statement.order_by(RelatedPlan.position)).all()


def communes() -> Sequence[Commune]:
    """The communes of the territory, in French order."""
    return db.session.scalars(select(Commune).order_by(Commune.sort_key)).all()


def commune_choices() -> list[tuple[str, str]]:
    """The communes of the territory for a list of choices: key and name."""
    rows = db.session.execute(select(Commune.id, Commune.name).order_by(Commune.sort_key))
    return [(str(row.id), row.name) for row in rows]


def axis_choices() -> list[tuple[str, list[tuple[str, str]]]]:
    """The axes for a list of choices, under the name of their framework: key, and code with title.

    Two frameworks may use the same code: an axis is never asked by its code alone.
    """
    statement = select(Framework, Axis).join(Axis, Axis.framework_id == Framework.id)
    rows = db.session.execute(statement.order_by(Framework.position, Framework.code, Axis.position))
    groups: dict[str, list[tuple[str, str]]] = {}
    for framework, axis in rows:
        choice = (str(axis.id), f"{axis.code} — {in_words_of(axis, 'title')}")
        groups.setdefault(in_words_of(framework, "name"), []).append(choice)
    return list(groups.items())


def instrument_choices() -> list[tuple[str, str]]:
    """The fund's instruments for a list of choices: code and name."""
    rows = db.session.execute(
        select(Instrument.code, Instrument.name, Instrument.name_en).order_by(Instrument.position, Instrument.code)
    )
    return [(row.code, in_words_of(row, "name")) for row in rows]


def priority_areas() -> Sequence[PriorityArea]:
    """The priority neighbourhoods, each with its commune, by commune and name."""
    statement = select(PriorityArea).join(PriorityArea.commune).options(contains_eager(PriorityArea.commune))
    return db.session.scalars(statement.order_by(Commune.sort_key, PriorityArea.name)).all()


def instruments() -> Sequence[Instrument]:
    """The fund's instruments, in order."""
    return db.session.scalars(select(Instrument).order_by(Instrument.position, Instrument.code)).all()


def budget_accounts() -> Sequence[BudgetAccount]:
    """The accounts of the Cerfa grid, in the form's order."""
    return db.session.scalars(select(BudgetAccount).order_by(BudgetAccount.position)).all()


def law(code: str, on: date) -> Law:
    """The rule of a code in force on a day; the whole table, which is short, is read once in a transaction.

    Raises LookupError when none is.
    """
    rows = cached_in_transaction("law", lambda: db.session.scalars(select(Law).order_by(Law.valid_from.desc())).all())
    found = next((row for row in rows if row.code == code and row.valid_from <= on), None)
    if found is None or (found.valid_to is not None and found.valid_to < on):
        raise LookupError(f"no rule {code} on {on}")
    return found


def law_number(code: str, on: date) -> int:
    """The value in force on a day, as a whole number (euros, months, days…)."""
    return int(law(code, on).value)


def due_on(code: str, since: date) -> date:
    """So many months after a day, by the rule in force on that day: every due day that the law counts from another."""
    return clock.add_months(since, law_number(code, since))


def report_due_on(ends_on: date, year_end_month: int) -> date:
    """The day the report of a project is due, counted from the end of the financial year in which it ends."""
    return due_on("report_due", rules.year_end(ends_on, year_end_month))


def law_of_code(code: str) -> Sequence[Law]:
    """Every dated row of a rule, the earliest first."""
    return db.session.scalars(select(Law).where(Law.code == code).order_by(Law.valid_from)).all()


_LAW_ORDER = (Law.title, Law.code, Law.valid_from)
_TEXT_ORDER = (ConfiguredText.use, ConfiguredText.position)


def all_law() -> Sequence[Law]:
    """The whole table of law, by title and then by day."""
    return db.session.scalars(select(Law).order_by(*_LAW_ORDER)).all()


def all_texts() -> Sequence[ConfiguredText]:
    """Every configured text, by use and position."""
    return db.session.scalars(select(ConfiguredText).order_by(*_TEXT_ORDER)).all()


def fields_of_actions(framework_id: UUID) -> dict[UUID, list[FieldOfIntervention]]:
    """The fields each action of a framework falls in, in one query."""
    rows = db.session.execute(
        select(action_field.c.action_id, FieldOfIntervention)
        .join(FieldOfIntervention, FieldOfIntervention.id == action_field.c.field_id)
        .where(FieldOfIntervention.framework_id == framework_id)
        .order_by(FieldOfIntervention.position)
    )
    held: dict[UUID, list[FieldOfIntervention]] = {}
    for action_id, field in rows:
        held.setdefault(action_id, []).append(field)
    return held


def sizes() -> dict[UUID, tuple[int, int, int]]:
    """By framework: how many axes, actions, and actions without a title. Two queries."""
    counted = db.session.execute(select(Axis.framework_id, func.count()).group_by(Axis.framework_id))
    axes = {row[0]: int(row[1]) for row in counted}
    untitled = func.sum(case((Action.title == "", 1), else_=0))
    actions = {
        row[0]: (int(row[1]), int(row[2] or 0))
        for row in db.session.execute(select(Action.framework_id, func.count(), untitled).group_by(Action.framework_id))
    }
    return {key: (axes.get(key, 0), *actions.get(key, (0, 0))) for key in {*axes, *actions}}


def text_of_code(code: str) -> ConfiguredText:
    """A configured text by its code, asked once in a transaction. Raises LookupError when it is missing."""
    statement = select(ConfiguredText).where(ConfiguredText.code == code)
    found = cached_in_transaction(("text", code), lambda: db.session.scalar(statement))
    if found is None:
        raise LookupError(f"no text {code}")
    return found


def texts_of_codes(codes: Collection[str]) -> dict[str, ConfiguredText]:
    """Several configured texts by their codes. Raises LookupError when one is missing."""
    rows = db.session.scalars(select(ConfiguredText).where(ConfiguredText.code.in_(codes)))
    found = {row.code: row for row in rows}
    for code in codes:
        if code not in found:
            raise LookupError(f"no text {code}")
    return found


def texts_of_use(use: str) -> Sequence[ConfiguredText]:
    """The configured texts of a use (call, notice, remedy, letter, clause), in order."""
    statement = select(ConfiguredText).where(ConfiguredText.use == use)
    return db.session.scalars(statement.order_by(ConfiguredText.position, ConfiguredText.code)).all()


def text_body(code: str, **values: Any) -> str:
    """A configured text in the reader's language, its placeholders filled."""
    return in_words_of(text_of_code(code), "body").format_map(values)


def unconfirmed_law() -> Sequence[Law]:
    """The dated rules from memory or proposals that no manager has confirmed yet."""
    statement = select(Law).where(Law.status.in_(UNSURE), Law.confirmed_at.is_(None))
    return db.session.scalars(statement.order_by(*_LAW_ORDER)).all()


def unconfirmed_texts() -> Sequence[ConfiguredText]:
    """The configured texts from memory or proposals that no manager has confirmed yet."""
    statement = select(ConfiguredText).where(ConfiguredText.status.in_(UNSURE), ConfiguredText.confirmed_at.is_(None))
    return db.session.scalars(statement.order_by(*_TEXT_ORDER)).all()


def unconfirmed() -> list[tuple[str, str]]:
    """What comes from memory or proposals and no manager has confirmed yet: (kind, code)."""
    contacts = db.session.scalars(select(Fund.code).where(Fund.contact_status.in_(UNSURE)).order_by(Fund.code))
    return [
        *(("contact", code) for code in contacts),
        *(("law", code) for code in sorted({row.code for row in unconfirmed_law()})),
        *(("text", row.code) for row in unconfirmed_texts()),
    ]
