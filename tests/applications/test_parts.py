"""A field that a part declares is asked, kept, frozen, compared and shown, whatever its kind."""

import re
from datetime import date
from typing import Any
from uuid import uuid4

import pytest
from jsonschema import Draft202012Validator

from grants.applications import actions, queries, rules
from grants.applications.forms import section_form
from grants.applications.models import Application, model_of
from grants.applications.parts import PARTS, TABLES, complete
from grants.applications.parts.budget import LINES, AccountField
from grants.applications.parts.fields import (
    Amount,
    Choice,
    Day,
    Field,
    OfferedChoice,
    PerCode,
    Picks,
    RowTable,
    Shares,
    ShortText,
    Tick,
    Whole,
)
from grants.applications.parts.part import AskedField, DossierPart
from grants.applications.parts.schema import dossier_schema
from grants.kernel.db import db, unit_of_work
from grants.kernel.money import Money

EVERY = [pytest.param(part, id=code) for code, part in PARTS.items() if part.fields]


def sample(field: Field, number: int) -> Any:
    """Something a person may say in a field; `number` makes it unlike the others."""
    match field:
        case AccountField():
            return "74"  # of a funder: it alone has a status
        case ShortText():
            return f"Mot {number} de {field.name}"
        case Amount():
            return Money.euros(6_000 + number)
        case Day():
            return date(2027, 1, 1 + number)
        case Whole():
            return 40 + number
        case Choice():
            return list(field.labels)[number % len(field.labels)]
        case Tick():
            return True
    raise TypeError(f"no sample for {type(field).__name__}")


@pytest.fixture
def draft(make):
    return make.application()


def samples(draft: Application, part: DossierPart) -> dict[str, Any]:
    """The values of a part where everything is said."""
    values: dict[str, Any] = {}
    for number, field in enumerate(part.fields):
        match field:
            case OfferedChoice():
                values[field.name] = queries.offers_of(draft, field.name)[0].key
            case Picks():
                values[field.name] = [offer.key for offer in queries.offers_of(draft, field.name)[:2]]
            case Shares():
                percents = [60, 40, *[None] * 20]
                keys = (offer.key for offer in queries.offers_of(draft, field.name))
                values[field.name] = dict(zip(keys, percents, strict=False))
            case Field():
                values[field.name] = sample(field, number)
            case RowTable():
                values[field.name] = [
                    {"id": str(uuid4()), **{one.name: sample(one, n) for one in field.fields}} for n in range(2)
                ]
            case PerCode():
                said = [(code, {one.name: sample(one, n) for one in field.fields})
                        for n, code in enumerate(field.code.labels)]  # fmt: skip
                values[field.name] = {code: field.value(row) for code, row in said}
    return values


def fill(make, draft: Application, part: DossierPart) -> dict[str, Any]:
    """Say everything a part asks."""
    values = samples(draft, part)
    with unit_of_work():
        actions.save_section(draft, part.code, values, by=make.actor_of(make.member_of(draft.organisation)))
    db.session.expire_all()
    return values


def sorted_picks(part: DossierPart, values: dict[str, Any]) -> dict[str, Any]:
    """Values as a page gives them: picked rows sorted."""
    picks = {field.name for field in part.fields if isinstance(field, Picks)}
    return {name: sorted(value) if name in picks else value for name, value in values.items()}


@pytest.mark.parametrize("part", EVERY)
def test_what_a_part_declares_is_kept_and_frozen(make, draft, part):
    values = fill(make, draft, part)
    assert queries.section_values(draft, part.code) == sorted_picks(part, values)
    content = queries.draft_content(draft)
    for field in part.fields:
        if isinstance(field, OfferedChoice):
            continue
        if isinstance(field, Picks | Shares):
            assert len(field.rows_in(content)) == 2
            continue
        if isinstance(field, Field):
            assert content[part.group][field.name] == values[field.name]
            continue
        rows = [{one.name: row[one.name] for one in field.columns} for row in field.rows_in(content)
                if not row.get("is_request")]  # fmt: skip
        said = values[field.name]
        if isinstance(field, RowTable):
            assert rows == [{one.name: row[one.name] for one in field.columns} for row in said]
        else:
            assert rows == [{field.code.name: code, **field.row(one)} for code, one in said.items()]
    assert [
        item for item in part.missing(content) if item.field in {one.name for one in part.fields if one is not LINES}
    ] == []


@pytest.mark.parametrize("part", EVERY)
def test_what_a_part_declares_stands_in_a_conflict_and_on_the_page_that_is_read(app, make, page, draft, part):
    blank = queries.section_values(make.application(complete=False, call=draft.call), part.code)
    values = fill(make, draft, part)
    with app.test_request_context():
        form = section_form(part.code, queries.options_of(draft, part.code), values)
        assert form.values() == sorted_picks(part, values)
        differences = form.differences(blank)
    words = [word for field in part.fields for word in said_words(draft, field, values[field.name])]
    page.sign_in(make.member_of(draft.organisation))
    shown = page.get("applications.review", draft).words.replace("\u202f", " ").replace("\xa0", " ")
    plain = [word.replace("\u202f", " ").replace("\xa0", " ") for word in words]
    assert [word for word in plain if word not in shown] == []
    both = "\n".join(line["mine"] for line in differences)
    assert [word for word in words if word not in both] == []


def said_words(draft: Application, field: AskedField, value: Any) -> list[str]:
    """The words of a value that no other field says."""
    if isinstance(field, Picks | Shares):
        offers = {offer.key: offer for offer in queries.offers_of(draft, field.name)}
        return [getattr(offers[key].row, "name", "") for key in value if value is not dict]
    if isinstance(field, Field):
        return [] if isinstance(field, OfferedChoice) else [field.words(value)]
    rows = value if isinstance(field, RowTable) else [field.row(one) for one in value.values()]
    # A box is told by words of the page's own.
    return [one.words(row[one.name]) for row in rows for one in field.fields if not isinstance(one, Tick)]


@pytest.mark.parametrize("part", EVERY)
def test_each_page_asks_every_field_its_part_declares(page, make, draft, part):
    page.sign_in(make.member_of(draft.organisation))
    shown = page.get("applications.edit", draft, section=part.code).form().fields
    names = {re.sub(r"^rows-\d+-", "rows-0-", name) for name in shown}
    for field in part.fields:
        if isinstance(field, Field):
            asked = {field.name}
        elif isinstance(field, RowTable):
            asked = {f"rows-0-{one.name}" for one in field.fields}
        elif isinstance(field, Shares):
            asked = {f"share_{offer.row.code}" for offer in queries.offers_of(draft, field.name)}
        elif isinstance(field, Picks):
            # Boxes are asked when there is something to tick.
            is_offered = field.lists or queries.offers_of(draft, field.name)
            asked = {name for name, _label in field.lists} or ({field.name} if is_offered else set())
        else:
            asked = {field.control(one, code) for one in field.fields for code in field.code.labels}
        assert asked <= names


@pytest.mark.parametrize("table", [*TABLES, LINES], ids=lambda table: table.place)
def test_what_was_frozen_before_a_field_existed_is_read_with_that_field_blank(make, draft, table):
    last = table.fields[-1]
    for part in PARTS.values():
        if part.fields:
            fill(make, draft, part)
    content = rules.read(rules.canonical(queries.plain_content(draft)))
    for row in table.rows_in(content):
        for key in {last.key, last.name}:
            row.pop(key, None)
    complete(content)
    assert {row[last.name] for row in table.rows_in(content)} == {last.blank}
    assert isinstance(rules.missing(content), list)


def test_frozen_content_is_as_its_schema_says(make, draft):
    schema = dossier_schema()
    Draft202012Validator.check_schema(schema)
    judge = Draft202012Validator(schema)
    empty = make.application(complete=False, call=draft.call)
    for part in PARTS.values():
        if part.fields:
            fill(make, draft, part)
    for application in (draft, empty):
        assert list(judge.iter_errors(queries.plain_content(application))) == []
    wrong = queries.plain_content(draft)
    wrong["partners"][0]["kind"], wrong["project"]["title"] = "friends", "x" * 201
    del wrong["milestones"][0]["due_on"]
    assert {error.json_path for error in judge.iter_errors(wrong)} == {
        "$.partners[0].kind",
        "$.project.title",
        "$.milestones[0]",
    }


def test_a_column_is_as_wide_as_its_field_says():
    declared = [(model_of(table), field) for table in TABLES for field in table.columns]
    declared += [(Application, field) for part in PARTS.values() for field in part.columns]
    bounded = [(model, field) for model, field in declared if isinstance(field, ShortText)]
    widths = [(getattr(model, field.attribute).type.length or field.limit, field.limit) for model, field in bounded]
    assert [pair for pair in widths if pair[0] != pair[1]] == []
    assert len(widths) > 8
