"""Forms: one way to parse what people type, with the same words for the same mistake everywhere."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, datetime
from functools import partial
from typing import Any, Protocol
from uuid import UUID

from flask import g, render_template, request
from flask_wtf import FlaskForm
from flask_wtf.form import _Auto
from flask_wtf.i18n import translations
from wtforms import (
    DateField,
    Field,
    FieldList,
    FileField,
    FormField,
    IntegerField,
    SelectMultipleField,
    StringField,
    TextAreaField,
    TimeField,
)
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length, StopValidation, ValidationError
from wtforms.widgets import CheckboxInput, ListWidget, TextInput

from grants.kernel import access, stored_forms
from grants.kernel.days import NoSuchDayError, ShortYearError, local_instant, parse_day, parse_hour
from grants.kernel.errors import InvalidError
from grants.kernel.money import AmbiguousError, Money, parse_money, parse_whole
from grants.kernel.text import ROOM, clean_line, clean_text
from grants.kernel.words import _, _l, grouped, language

NOT_OFFERED = _l("Ce choix n’est pas proposé.")
OWN_WORDS = {"Not a valid choice.": NOT_OFFERED, "Invalid Choice: could not coerce.": NOT_OFFERED}


class Translations(Protocol):
    """What translates the messages of the library of forms."""

    def gettext(self, message: str) -> str:
        """Translate a message."""

    def ngettext(self, singular: str, plural: str, number: int) -> str:
        """Translate a message that counts."""


LIBRARY: Translations = translations


class _Words:
    """What the library of forms says, in our words or with our typography."""

    def gettext(self, message: str) -> str:
        """Translate a message of the library."""
        own = OWN_WORDS.get(message)
        return str(own) if own is not None else _typographic(LIBRARY.gettext(message))

    def ngettext(self, singular: str, plural: str, number: int) -> str:
        """Translate a message of the library that counts."""
        return _typographic(LIBRARY.ngettext(singular, plural, number))


def _typographic(text: str) -> str:
    """A text of a library with the apostrophe of ours."""
    return text.replace("'", "’")


class Form(FlaskForm):
    """The base of every form; CSRF on, French words.

    On a page that is opened again after a refusal, it is filled with what the person had typed in it.
    """

    class Meta(FlaskForm.Meta):
        """What a form is filled with, and the words of its library."""

        def get_translations(self, form: object) -> _Words:
            """The words of the library, as ours."""
            return _Words()

        def wrap_formdata(self, form: FlaskForm, formdata: object) -> object:
            """The fields of the request, else those kept of this page when they are this form's."""
            found = super().wrap_formdata(form, formdata)
            stored = stored_forms.recalled(access.actor().id) if found is None and formdata is _Auto else None
            if stored is None or stored.reason is stored_forms.Reason.CONFLICT:
                return found
            names = {field.name for field in form}
            said = {name.partition("-")[0] for name, _value in stored.fields} | {name for name, _value in stored.fields}
            return stored.values if (said - stored_forms.UNTYPED) & names else found

    def refuse(self, field: str | None, message: str) -> None:
        """Put an error from an action on its field, or on the whole form."""
        if field is not None and field in self._fields:
            bound = self._fields[field]
            bound.errors = [*bound.errors, message]
        else:
            self.form_errors.append(message)


def form_page(template: str, *forms: FlaskForm, **facts: Any) -> tuple[str, int]:
    """A page with forms, 422 when what was sent did not pass, with everything still in it.

    A form that is the only one is named `form`.
    """
    has_errors = any(form.errors for form in forms)
    facts = {"form": forms[0], **facts} if len(forms) == 1 else facts
    status = 422 if request.method == "POST" and has_errors else 200
    return render_template(template, has_errors=has_errors, **facts), status


def done(form: Form, act: Callable[[], Any]) -> bool:
    """Whether the form that was sent is right and its act was made; else the form says what is wrong."""
    if not form.validate_on_submit():
        return False
    try:
        act()
    except InvalidError as error:
        form.refuse(error.field, error.message)
        return False
    return True


def keep_valid(form: Any, stored: Any | None) -> None:
    """Give every field that was refused the value it has in `kept`, a form of what is stored (its default without one).

    What remains may be saved: a draft keeps all that is right of a page.
    """
    for name, field in form._fields.items():
        if field.errors and not isinstance(field, FieldList | FormField | FileField):
            field.data = stored[name].data if stored is not None and name in stored else field.default


def mark(form: FlaskForm) -> None:
    """Say again what is wrong in a form filled with what was typed before; nothing is sent, so no token is asked."""
    g.csrf_valid = True
    form.validate()


class Required(InputRequired):
    """A field that must be filled, refused with words that say what to do. Blanks alone fill nothing."""

    def __init__(self, message: Any = None) -> None:
        super().__init__(message or _l("Remplissez ce champ."))

    def __call__(self, form: Any, field: Field) -> None:
        super().__call__(form, field)
        if field.data in (None, "") and not field.errors:
            raise StopValidation(self.message)


class AtMost(Length):
    """No longer than the column. What is longer is looked at no further: no other rule sees it."""

    def __init__(self, maximum: int) -> None:
        super().__init__(max=maximum)

    def __call__(self, form: Any, field: Field) -> None:
        try:
            super().__call__(form, field)
        except ValidationError as error:
            most = grouped(self.max, language())
            raise StopValidation(_("Ce texte est trop long : %(max)s caractères au plus.", max=most)) from error


class LineField(StringField):
    """One line of text, normalised. Where a machine reads it, `read` gives what is checked and kept of it."""

    def __init__(
        self,
        label: Any = None,
        validators: Sequence[Any] = (),
        *,
        limit: int = 200,
        read: Callable[[str], str] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(label, [AtMost(limit), *validators], filters=[self._cleaned], **kwargs)
        self.limit, self.read = limit, read

    def _cleaned(self, value: str | None) -> str | None:
        cleaned = clean_line(value, most=self.limit)
        if self.read is None or cleaned is None or len(cleaned) > ROOM * self.limit:
            return cleaned
        return self.read(cleaned)

    def _value(self) -> str:
        return _typed(self) if self.read and self.raw_data else str(super()._value())


class LongField(TextAreaField):
    """Several lines of text, normalised, with a limit shown live."""

    def __init__(self, label: Any = None, validators: Sequence[Any] = (), *, limit: int = 4000, **kwargs: Any) -> None:
        super().__init__(label, [AtMost(limit), *validators], filters=[partial(clean_text, most=limit)], **kwargs)
        self.limit = limit


SHORT = 60  # characters of the longest date, hour or number that is read


def _short(valuelist: Sequence[Any]) -> str:
    """What was typed in a field that is read by a machine, cut one character after the longest that is read."""
    typed = str(valuelist[0]) if valuelist else ""
    return (clean_line(typed) or "") if len(typed) <= SHORT else typed[: SHORT + 1]


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
        text = grouped(euros, "fr")  # in English too: "12,500" could be read in two ways, and is refused
        return f"{text},{cents:02d}" if cents else text

    def process_formdata(self, valuelist: list[Any]) -> None:
        text = _short(valuelist)
        self.data = None
        if not text:
            return
        try:
            amount = parse_money(text)
        except AmbiguousError as error:
            message = _("Ce montant se lit de deux façons. Écrivez 12 500 pour des milliers, 12,50 pour des centimes.")
            raise ValueError(message) from error
        except ValueError as error:
            raise ValueError(_("Montant invalide. Écrivez par exemple 12 500.")) from error
        if self.whole and amount.cents % 100:
            raise ValueError(_("Écrivez un montant en euros entiers, sans centimes."))
        if amount > self.maximum:
            raise ValueError(_("Ce montant est trop grand."))
        self.data = amount


class WholeField(IntegerField):
    """A whole number in ASCII digits, within bounds; empty is None.

    A field of text: one of type "number" sends nothing at all of what it cannot read.
    """

    widget = TextInput()

    def __init__(
        self,
        label: Any = None,
        validators: Sequence[Any] = (),
        *,
        minimum: int = 0,
        maximum: int = 10**9,
        **kwargs: Any,
    ) -> None:
        if "widget" not in kwargs:
            kwargs.setdefault("render_kw", {"inputmode": "numeric", "class": "whole"})
        super().__init__(label, validators, **kwargs)
        self.minimum, self.maximum = minimum, maximum

    def _value(self) -> str:
        return _typed(self) if self.raw_data else str(super()._value())

    def process_formdata(self, valuelist: list[Any]) -> None:
        text = _short(valuelist)
        self.data = None
        if not text:
            return
        try:
            number = parse_whole(text)
        except ValueError as error:
            raise ValueError(_("Écrivez un nombre entier, en chiffres.")) from error
        if not self.minimum <= number <= self.maximum:
            low, high = (grouped(bound, language()) for bound in (self.minimum, self.maximum))
            raise ValueError(_("Écrivez un nombre entre %(low)s et %(high)s.", low=low, high=high))
        self.data = number


class DayField(DateField):
    """A day, between sensible years; a day that was read is shown again as browsers want it."""

    def _value(self) -> str:
        if self.data is None:
            return _typed(self) if self.raw_data else ""
        return str(self.data.isoformat())

    def process_formdata(self, valuelist: list[Any]) -> None:
        text = _short(valuelist)
        if not text:
            self.data = None
            return
        self.data = None
        try:
            self.data = parse_day(text)
        except NoSuchDayError as error:
            message = _("Cette date n’existe pas : vérifiez le jour et le mois. Écrivez par exemple 01/09/2026.")
            raise ValueError(message) from error
        except ShortYearError as error:
            raise ValueError(_("Écrivez l’année en quatre chiffres, par exemple 01/09/2026.")) from error
        except ValueError as error:
            message = _("Cette date ne se lit pas. Écrivez le jour, le mois et l’année, par exemple 01/09/2026.")
            raise ValueError(message) from error
        if self.data is not None and not date(1800, 1, 1) <= self.data <= date(2200, 12, 31):
            self.data = None
            raise ValueError(_("Cette date est hors des bornes acceptées."))


class HourField(TimeField):
    """An hour to the minute; empty is None. An hour that was read is shown again as browsers want it."""

    def _value(self) -> str:
        if self.data is None:
            return _typed(self) if self.raw_data else ""
        return str(self.data.strftime("%H:%M"))

    def process_formdata(self, valuelist: list[Any]) -> None:
        text = _short(valuelist)
        self.data = None
        if not text:
            return
        try:
            self.data = parse_hour(text)
        except ValueError as error:
            raise ValueError(_("Écrivez une heure, par exemple 17:00.")) from error


def instant_in(day: DayField, hour: HourField, zone: str) -> datetime | None:
    """The instant of two fields; the error goes to the hour."""
    if day.data is None or hour.data is None:
        return None
    try:
        return local_instant(day.data, hour.data, zone)
    except ValueError:
        hour.errors = [
            *hour.errors,
            _("Cette heure n’existe pas ce jour-là : l’heure change. Choisissez-en une autre."),
        ]
        return None


class ChoicesField(SelectMultipleField):
    """Several choices as check boxes."""

    widget = ListWidget(prefix_label=False)
    option_widget = CheckboxInput()


class LinesField(FieldList):
    """Lines of a form, numbered in the names of their fields; names with another number are no lines of ours."""

    def _extract_indices(self, prefix: str, formdata: Any) -> Iterator[int]:
        marks = (
            name.removeprefix(f"{prefix}-").partition("-")[0] for name in formdata if name.startswith(f"{prefix}-")
        )
        return (int(mark) for mark in marks if mark.isascii() and mark.isdigit() and len(mark) < 4)


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
    "AtMost", "ChoicesField", "DayField", "Form", "HourField", "LineField", "LinesField", "LongField", "MoneyField",
    "Required", "ValidationError", "WholeField", "clean_line", "clean_text", "done",
    "form_page", "keep_valid", "key_of", "mark", "options", "refuse_when",
]  # fmt: skip
