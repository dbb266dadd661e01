"""What is written beside a choice: no form says that it may stay empty when one is always made."""

import importlib
import pkgutil

import pytest
from wtforms import Form, RadioField, SelectChoice, SelectField
from wtforms.fields.core import UnboundField

import grants

pytestmark = pytest.mark.neutral
ONE = SelectChoice("1" * 32, "Une")
EMPTY = SelectChoice("", "Aucune")


def choices():
    """Every list and group of buttons of every form, by its place."""
    for module in pkgutil.walk_packages(grants.__path__, "grants."):
        if ".forms" not in module.name:
            continue
        for cls in vars(importlib.import_module(module.name)).values():
            if isinstance(cls, type) and cls.__module__ == module.name:
                for name, field in vars(cls).items():
                    if isinstance(field, UnboundField) and field.field_class in (SelectField, RadioField):
                        yield f"{cls.__name__}.{name}", field


def test_nothing_says_that_a_choice_which_is_always_made_is_optional(app):
    found = dict(choices())
    assert len(found) > 25
    with app.test_request_context():
        draw = app.jinja_env.get_template("components/field.html", globals=app.jinja_env.globals).module.field
        for place, field in found.items():
            bound = type("One", (Form,), {"one": field})().one
            known = list(bound.choices or [ONE])
            bound.choices = [choice for choice in known if choice.value]
            assert "facultatif" not in draw(bound), place
            if bound.coerce is not str:
                continue
            bound.choices = [EMPTY, *bound.choices]
            assert ("facultatif" in draw(bound)) is not bool(bound.flags.required), place
