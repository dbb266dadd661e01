"""Forms: one way to parse what people type, with the same words for the same mistake everywhere."""

from collections.abc import Iterable, Sequence
from datetime import date
from functools import partial
from typing import Any
from uuid import UUID

from flask_wtf import FlaskForm
from wtforms import DateField, Field, IntegerField, SelectMultipleField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length, StopValidation, ValidationError
from wtforms.widgets import CheckboxInput, ListWidget, TextInput

from grants.kernel.money import Money, parse_money
from grants.kernel.text import clean_line, clean_text
from grants.kernel.words import _, _l


class Form(FlaskForm):
    """The base of every form; CSRF on, French words."""

    def refuse(self, field: str | None, message: str) -> None:
        """Put an error from an action on its field, or on the whole form."""
        if field is not None and field in self._fields:
            errors = list(self._fields[field].errors)
            errors.append(message)
            self._fields[field].errors = errors
        else:
            self.form_errors.append(message)


class Required(InputRequired):
    """A field that must be filled, refused with words that say what to do."""

    def __init__(self, message: Any = None) -> None:
        super().__init__(message or _l("Remplissez ce champ."))

    def __call__(self, form: Any, field: Field) -> None:
        super().__call__(form, field)
        if field.data == "":
            raise StopValidation(self.message)


class AtMost(Length):
    """No longer than the column. What is longer is looked at no further: no other rule sees it."""

    def __init__(self, maximum: int) -> None:
        super().__init__(max=maximum, message=_l("Ce texte est trop long : %(max)d caractères au plus."))

    def __call__(self, form: Any, field: Field) -> None:
        try:
            super().__call__(form, field)
        except ValidationError as error:
            raise StopValidation(*error.args) from error


class LineField(StringField):
    """One line of text, normalised."""

    def __init__(self, label: Any = None, validators: Sequence[Any] = (), *, limit: int = 200, **kwargs: Any) -> None:
        super().__init__(label, [AtMost(limit), *validators], filters=[partial(clean_line, most=limit)], **kwargs)
        self.limit = limit


class LongField(TextAreaField):
    """Several lines of text, normalised, with a limit shown live."""

    def __init__(self, label: Any = None, validators: Sequence[Any] = (), *, limit: int = 4000, **kwargs: Any) -> None:
        super().__init__(label, [AtMost(limit), *validators], filters=[partial(clean_text, most=limit)], **kwargs)
        self.limit = limit


SHORT = 60  # characters of the longest date, hour or number that is read


def _short(valuelist: Sequence[Any]) -> str:
    """What was typed in a field that is read by a machine, cut one character after the longest that is read."""
    return (clean_line(str(valuelist[0])[: SHORT + 1]) or "") if valuelist else ""


def _typed(field: Field) -> str:
    """What was typed in a field, to be shown again: without the controls that no page may hold."""
    return clean_line(str(field.raw_data[0])[: 10 * SHORT]) or ""


class MoneyField(Field):
    """An amount; empty is None. Refuses what is ambiguous, negative or strange."""

    widget = TextInput()

    def __init__(
        self,
        label: Any = None,
        validators: Sequence[Any] = (),
        *,
        whole: bool = True,
        maximum: Money | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(label, validators, **kwargs)
        self.whole = whole
        self.maximum = maximum or Money.euros(1_000_000_000)

    def _value(self) -> str:
        if self.raw_data:
            return _typed(self)
        if self.data is None:
            return ""
        euros, cents = divmod(self.data.cents, 100)
        return f"{euros},{cents:02d}" if cents else str(euros)

    def process_formdata(self, valuelist: list[Any]) -> None:
        text = _short(valuelist)
        self.data = None
        if not text:
            return
        try:
            amount = parse_money(text)
        except ValueError as error:
            raise ValueError(_("Montant invalide. Écrivez par exemple 12 500.")) from error
        if self.whole and amount.cents % 100:
            raise ValueError(_("Écrivez un montant en euros entiers, sans centimes."))
        if amount > self.maximum:
            raise ValueError(_("Ce montant est trop grand."))
        self.data = amount


class WholeField(IntegerField):
    """A whole number in ASCII digits, within bounds; empty is None."""

    def __init__(
        self,
        label: Any = None,
        validators: Sequence[Any] = (),
        *,
        minimum: int = 0,
        maximum: int = 10**9,
        **kwargs: Any,
    ) -> None:
        super().__init__(label, validators, **kwargs)
        self.minimum, self.maximum = minimum, maximum

    def _value(self) -> str:
        return _typed(self) if self.raw_data else str(super()._value())

    def process_formdata(self, valuelist: list[Any]) -> None:
        text = _short(valuelist)
        for space in (" ", "\u00a0", "\u202f"):
            text = text.replace(space, "")
        self.data = None
        if not text:
            return
        if not (text.isascii() and text.isdigit()) or len(text) > 12:
            raise ValueError(_("Écrivez un nombre entier, en chiffres."))
        number = int(text)
        if not self.minimum <= number <= self.maximum:
            raise ValueError(_("Écrivez un nombre entre %(low)s et %(high)s.", low=self.minimum, high=self.maximum))
        self.data = number


class DayField(DateField):
    """A day, between sensible years."""

    def _value(self) -> str:
        return _typed(self) if self.raw_data else str(super()._value())

    def process_formdata(self, valuelist: list[Any]) -> None:
        text = _short(valuelist)
        if not text:
            self.data = None
            return
        try:
            super().process_formdata([text])
        except ValueError as error:
            self.data = None
            raise ValueError(_("Cette date n’existe pas. Écrivez par exemple 2026-09-01.")) from error
        if self.data is not None and not date(1800, 1, 1) <= self.data <= date(2200, 12, 31):
            self.data = None
            raise ValueError(_("Cette date est hors des bornes acceptées."))


class ChoicesField(SelectMultipleField):
    """Several choices as check boxes."""

    widget = ListWidget(prefix_label=False)
    option_widget = CheckboxInput()


def key_of(value: Any) -> UUID:
    """Coerces the choice of a list to a key; ValueError for what is none."""
    return value if isinstance(value, UUID) else UUID(str(value))


def options(pairs: Iterable[tuple[Any, Any]]) -> list[SelectChoice]:
    """What a list offers, from (value, label) pairs."""
    return [SelectChoice(str(value), label) for value, label in pairs]


def refuse_when(condition: bool, message: str) -> None:
    """Stop the validation of a field with a message."""
    if condition:
        raise StopValidation(message)


__all__ = [
    "AtMost", "ChoicesField", "DayField", "Form", "LineField", "LongField", "MoneyField", "Required", "ValidationError",
    "WholeField", "clean_line", "clean_text", "key_of", "options", "refuse_when",
]  # fmt: skip
