"""The forms of the writing space: one per page, each turning what people type into the plain values actions take."""

import json
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol, cast
from uuid import UUID, uuid4

from flask_wtf.file import FileField, MultipleFileField
from werkzeug.datastructures import MultiDict
from wtforms import BooleanField, FormField, HiddenField, RadioField, SelectField
from wtforms.fields.choices import SelectChoice
from wtforms.fields.core import Label
from wtforms.validators import Regexp

from grants.applications.parts import PARTS, asked_parts
from grants.applications.parts.budget import FUNDERS, LINES, AccountField, budget_gaps, shares, subsidies, totals
from grants.applications.parts.effort import Effort, Lists, of_field, of_part, total
from grants.applications.parts.fields import (
    Amount,
    Cells,
    CodeValue,
    Day,
    Field,
    FieldValue,
    Json,
    LongText,
    OfferedChoice,
    OneOf,
    PerCode,
    Picks,
    RowTable,
    Scalar,
    Several,
    Shares,
    ShortText,
    Tick,
    UploadField,
    Whole,
    is_blank,
    words_of,
)
from grants.applications.parts.part import AskedField, DossierPart, InOrder, Part
from grants.applications.parts.questions import QUESTIONS, field_of, is_empty, labels_of
from grants.applications.parts.statements import code_of_statement, said_of
from grants.applications.parts.statements import field_of as field_of_statement
from grants.applications.parts.vocabulary import FundingStatus
from grants.applications.queries import OfferedRow
from grants.applications.rules import (
    LONGEST_PATH,
    FieldData,
    PageData,
    PageValue,
    Path,
    Typed,
    codes_in,
    fields_in,
    name_of_path,
    path_of,
    rows_in,
)
from grants.calls.models import Question, Statement
from grants.calls.rules import EVERYTHING, Asked
from grants.kernel.errors import InvalidError, MissingError
from grants.kernel.formats import SUFFIXES
from grants.kernel.forms import (
    ChoicesField,
    DayField,
    Form,
    LineField,
    LinesField,
    LongField,
    MoneyField,
    Required,
    ValidationError,
    WholeField,
    keep_valid,
    options,
)
from grants.kernel.money import Money
from grants.kernel.paging import key_in
from grants.kernel.stored_forms import normalised
from grants.kernel.text import bare
from grants.kernel.uploads import Given
from grants.kernel.words import LazyString, _, _l, in_words_of
from grants.programme.models import Axis, BudgetAccount, Commune

ChoiceList = Sequence[tuple[str, Any]]
ListedPart = Question | Statement  # what a call lists, that a page asks
FormValues = dict[str, Any]


class Control(Protocol):
    """What is used of a control: WTForms carries no type hints."""

    name: str
    short_name: str
    data: FieldValue
    raw_data: Sequence[object] | None
    errors: Sequence[str]
    choices: Sequence[SelectChoice]

    def process(self, formdata: object, data: object) -> None:
        """Read what was typed."""


Validator = Callable[[object, Control], None]


class OneOfField(RadioField):
    """One choice or none, as radio buttons; nothing is chosen beforehand."""

    def pre_validate(self, form: Any) -> None:
        """Refuse what was not offered; no choice at all is a draft, not a mistake."""
        if self.data and self.data not in {choice.value for choice in self.iter_choices()}:
            raise ValidationError(_("Ce choix n’est pas proposé."))

    def process_data(self, value: Any) -> None:
        """Keep "nothing" as None, never as a word."""
        self.data = value or None


class OneInListField(SelectField):
    """One choice or none, in a list that begins with an empty line."""

    def __init__(self, label: Any, *, choices: ChoiceList, empty: Any = "—", **kwargs: Any) -> None:
        super().__init__(label, choices=options([("", empty), *choices]), **kwargs)

    def pre_validate(self, form: Any) -> None:
        """Refuse what was not offered."""
        if self.data and self.data not in {choice.value for choice in self.iter_choices()}:
            raise ValidationError(_("Ce choix n’est pas proposé."))

    def process_data(self, value: Any) -> None:
        """Keep "nothing" as the empty line."""
        self.data = value or ""


# ---- the controls of declared fields -------------------------------------------------------------------------------


def _control(field: Field, label: LazyString | str | None = None) -> object:
    """The control in which a declared field is typed."""
    label, note = label or field.label, field.hint or ""
    match field:
        case LongText():
            return LongField(label, limit=field.limit, description=note)
        case ShortText():
            return LineField(label, limit=field.limit, description=note)
        case Amount():
            return MoneyField(label, description=note)
        case Day():
            return DayField(label, description=note)
        case Whole():
            return WholeField(label, minimum=field.minimum, maximum=field.maximum, description=note)
        case Tick():
            return BooleanField(label, description=note)
        case AccountField():
            return HiddenField(validators=[Regexp(r"\A[0-9A-Z]{1,12}\Z")])
        case UploadField():
            return FileField(label, description=note, render_kw={"accept": SUFFIXES})
        case Several() | OneOf():
            return _choice(field, label, note)
        case OfferedChoice():
            return OneOfField(label, choices=[], description=note)
    raise TypeError(f"no control is known for {type(field).__name__}")


def _choice(field: Several | OneOf, label: LazyString | str, note: LazyString | str) -> object:
    labels = list(field.labels.items())
    match field:
        case Several():
            return ChoicesField(label, choices=options(labels), description=note)
        case OneOf(default=str()):
            return SelectField(label, choices=options(labels), default=field.default, description=note)
        case OneOf(listed=True):
            return OneInListField(label, choices=labels, description=note)
    return OneOfField(label, choices=options(labels), description=note)


def _typed(field: Field, control: Control) -> Scalar:
    """What a control holds, as values say it."""
    value = cast(Scalar, control.data)
    if isinstance(field, Tick):
        return bool(value)
    return field.blank if is_blank(value) else value


class RowForm(Form):
    """A line of a declared table: no keys of its own, its page has them."""

    class Meta:
        csrf = False

    id = HiddenField()
    table: RowTable

    @property
    def key(self) -> str:
        """The id of the line, a new one where the page tells none."""
        control = self.at("id")
        control.data = str(key_in(str(control.data or "")) or uuid4())
        return control.data

    @property
    def controls(self) -> list[Control]:
        """What is typed on the line."""
        return [self.at(field.name) for field in self.table.fields]

    def at(self, name: str) -> Control:
        """The control of a name."""
        found: Control = self[name]
        return found

    def validate(self, extra_validators: Any = None) -> bool:
        """Check each field, and that the numbers no line can be kept without are there."""
        needed = (field for field in self.table.fields if isinstance(field, Whole) and field.needed)
        return bool(super().validate({field.name: [self._is_there(field)] for field in needed}))

    def _is_there(self, field: Whole) -> Validator:
        def check(_form: object, control: Control) -> None:
            others = (one for one in self.table.fields if one.tells and one is not field)
            if control.data is None and not control.errors and any(self.at(one.name).data for one in others):
                raise ValidationError(str(field.needed))

        return check

    def values(self) -> dict[str, Scalar] | None:
        """The line, or None when nothing is written on it."""
        values = self.table.row({field.name: _typed(field, self.at(field.name)) for field in self.table.fields})
        return None if values is None else {"id": self.key, **values}


def _row_form(table: RowTable) -> type[RowForm]:
    controls = {field.name: _control(field) for field in table.fields}
    return type("RowForm", (RowForm,), {**controls, "table": table})


class SectionForm(Form):
    """A page of the writing space; its stamp is that of what was stored when the page was made."""

    stamp = HiddenField()

    def at(self, name: str) -> Control:
        """The control of a name."""
        found: Control = self[name]
        return found

    @property
    def shown(self) -> str | None:
        """The stamp that came back: the versions of the fields when the page was made."""
        stamp: str | None = self.stamp.data
        return stamp

    @property
    def lines(self) -> list[RowForm]:
        """The lines of the page's table."""
        return [entry.form for entry in self.rows]

    @abstractmethod
    def values(self) -> PageData:
        """What was typed, in the shape of `queries.section_values`."""

    def keep_valid(self, stored: "SectionForm") -> None:
        """Put back what is stored wherever something was refused; `stored` is the form of this page as stored."""
        keep_valid(self, stored)

    @abstractmethod
    def controls_of(self, path: Path) -> list[Control]:
        """The controls in which a field of `rules.fields_in` these values is typed."""

    @abstractmethod
    def paths(self) -> list[Path]:
        """The fields of the page, each line of its table with them (`rules.fields_in`)."""

    @property
    def effort(self) -> Effort:
        """How much the page asks."""
        return Effort()

    @property
    def table(self) -> str:
        """For the page's script: the name of its table, if it has one."""
        return ""

    @property
    def places(self) -> dict[str, str]:
        """For the page's script: the field of each control; those of a table are found by the ids of its lines."""
        apart = [path for path in self.paths() if path[0] != self.table]
        return {control.name: name_of_path(path) for path in apart for control in self.controls_of(path)}

    def names(self) -> set[str]:
        """The names of all the controls of the page, those of the lines of its table with them."""
        return {control.name for control in self} | {
            control.name for path in self.paths() for control in self.controls_of(path)
        }

    def errors_of(self, path: Path) -> list[str]:
        """What is wrong in one field, once the form was validated."""
        return [str(message) for control in self.controls_of(path) for message in control.errors]

    def wrong(self) -> dict[Path, Typed]:
        """What was typed in the fields that are wrong, once the form was validated."""
        return {path: self._typed_in(path) for path in self.paths() if self.errors_of(path)}

    def _typed_in(self, path: Path) -> Typed:
        controls = [control for control in self.controls_of(path) if not isinstance(control, FileField)]
        return {control.short_name: [normalised(str(one)) for one in control.raw_data or ()] for control in controls}

    def type_in(self, path: Path, typed: Typed) -> None:
        """Fill the controls of a field with what was typed in them; what names none of them is left alone."""
        for control in self.controls_of(path):
            if control.short_name in typed:
                given = MultiDict((control.name, value) for value in typed[control.short_name])
                control.process(given, control.data)

    def drop_row(self, place: str) -> None:
        """Take a line out of the page's table, by its place; what names no line is left alone."""
        if "rows" in self and place.isascii() and place.isdigit() and int(place) < len(self.rows.entries):
            del self.rows.entries[int(place)]

    @abstractmethod
    def label_of(self, path: Path) -> str:
        """What people read of a field."""

    @abstractmethod
    def words_at(self, path: Path, value: FieldData) -> str:
        """What a field says, in words; empty when it says nothing."""

    def differences(self, theirs: PageData) -> list[dict[str, str]]:
        """What differs between what was typed and what is stored, field by field and line by line, in words."""
        mine, stored = fields_in(self.values()), fields_in(theirs)
        found = [self.difference(path, mine, stored) for path in {**stored, **mine}]
        return [words for words in found if words["mine"] != words["theirs"]]

    def difference(
        self, path: Path, mine: Mapping[Path, FieldData], theirs: Mapping[Path, FieldData]
    ) -> dict[str, str]:
        """A field in words, as it was typed and as it is stored."""
        return {
            "label": self.label_of(path),
            "mine": self._words_in(mine, path),
            "theirs": self._words_in(theirs, path),
        }

    def _words_in(self, fields: Mapping[Path, FieldData], path: Path) -> str:
        value = fields.get(path)
        return self.words_at(path, value) if value is not None else ""


class PartForm(SectionForm):
    """The page of a declared part: its controls are made from its fields by `_part_form_of`."""

    part: DossierPart
    offers: Mapping[str, Sequence[OfferedRow]] = {}

    def validate(self, extra_validators: Any = None) -> bool:
        """Check each field, the days that follow each other, and the amounts that are more than zero."""
        checks: dict[str, list[Validator]] = {rule.second: [self._in_order(rule)] for rule in self.part.in_order}
        for field in self.part.columns:
            if isinstance(field, Amount) and field.positive is not None:
                checks.setdefault(field.name, []).append(_is_positive(field))
        return bool(super().validate(checks))

    def _in_order(self, rule: InOrder) -> Validator:
        def check(_form: object, _control: Control) -> None:
            if self._is_broken(rule):
                raise ValidationError(str(rule.message))

        return check

    def keep_valid(self, stored: SectionForm) -> None:
        """Days that do not follow each other both stay as they are stored; lines are known again one by one."""
        super().keep_valid(stored)
        for rule in self.part.in_order:
            if self._is_broken(rule):
                self.at(rule.first).data = stored.at(rule.first).data
        if "rows" in self:
            stored_lines = {line.key: line for line in stored.lines}
            for line in self.lines:
                keep_valid(line, stored_lines.get(line.key))

    def _is_broken(self, rule: InOrder) -> bool:
        return rule.is_broken({field.name: _typed(field, self.at(field.name)) for field in self.part.columns})

    def values(self) -> PageData:
        """The page's values."""
        return {field.name: self._value(field) for field in self.part.fields}

    def _value(self, field: AskedField) -> PageValue:
        match field:
            case Field():
                return _typed(field, self.at(field.name))
            case RowTable():
                return [row for line in self.lines if (row := line.values()) is not None]
            case Shares():
                return {offer.key: cast(Scalar, control.data) or None for offer, control in self._shares(field)}
            case Picks():
                return sorted(set(self._picked(field)))
        return {
            code: field.value({one.name: _typed(one, control) for one, control in controls})
            for code, controls in self._codes(field)
        }

    def controls_of(self, path: Path) -> list[Control]:
        """The controls in which a field of `rules.fields_in` these values is typed."""
        field = next(one for one in self.part.fields if one.name == path[0])
        match field:
            case Field():
                return [self.at(field.name)]
            case RowTable():
                return [control for line in self.lines if line.key == path[1] for control in line.controls]
            case Picks():
                return self._picks(field)
            case Shares():
                return [control for offer, control in self._shares(field) if offer.key == path[1]]
        return [self.at(field.control(one, path[1])) for one in field.fields]

    def paths(self) -> list[Path]:
        """The fields of the page, each line of its table with them."""
        found: list[Path] = []
        for field in self.part.fields:
            match field:
                case RowTable():
                    found += [(field.name, line.key) for line in self.lines]
                case Shares():
                    found += [(field.name, offer.key) for offer in self.offers[field.name]]
                case PerCode():
                    found += [(field.name, code) for code in field.code.labels]
                case _:
                    found.append((field.name,))
        return found

    @property
    def effort(self) -> Effort:
        """How much the page asks, each account of a budget once."""
        accounts: list[str] = []
        if self.part.code is Part.BUDGET:
            accounts = list(dict.fromkeys(str(line.at("account").data) for line in self.lines))
        lists = Lists(len(self.shares), [(code, code == FUNDERS) for code in accounts])
        return of_part(self.part, EVERYTHING, lists)

    def errors_of(self, path: Path) -> list[str]:
        """What is wrong in one field; of two days that do not follow each other, both are."""
        broken = [str(rule.message) for rule in self.part.in_order if path == (rule.first,) and self._is_broken(rule)]
        return super().errors_of(path) + broken

    @property
    def table(self) -> str:
        """For the page's script: the name of its table, if it has one."""
        return next((field.name for field in self.part.fields if isinstance(field, RowTable)), "")

    def _picks(self, field: Picks) -> list[Control]:
        return [self.at(name) for name, _label in field.lists] or [self.at(field.name)]

    def _picked(self, field: Picks) -> list[str]:
        if field.lists:
            return [str(control.data) for control in self._picks(field) if control.data]
        return list(cast(Sequence[str], self.at(field.name).data or ()))

    def _shares(self, field: Shares) -> list[tuple[OfferedRow, Control]]:
        return [(offer, self.at(_share(offer))) for offer in self.offers[field.name]]

    @property
    def shares(self) -> list[tuple[Axis, Control]]:
        """For the page: each row that takes a share, with its control."""
        return [
            (offer.row, control)
            for field in self.part.fields
            if isinstance(field, Shares)
            for offer, control in self._shares(field)
        ]

    def lists(self, name: str) -> list[Control]:
        """For the page: the lists in which rows are picked one by one."""
        field = next(one for one in self.part.fields if one.name == name and isinstance(one, Picks))
        return self._picks(field)

    def _codes(self, table: PerCode) -> list[tuple[str, list[tuple[Field, Control]]]]:
        return [
            (code, [(field, self.at(table.control(field, code))) for field in table.fields])
            for code in table.code.labels
        ]

    def codes(self, name: str) -> list[tuple[str, dict[str, Control]]]:
        """For the page: each code of a table with its controls by name."""
        table = next(one for one in self.part.tables if one.name == name and isinstance(one, PerCode))
        return [(code, {field.name: control for field, control in controls}) for code, controls in self._codes(table)]

    def others(self, *shown: str) -> list[Control]:
        """For a page written by hand: the controls of the columns that it does not show itself."""
        return [self.at(field.name) for field in self.part.columns if field.name not in shown]

    def label_of(self, path: Path) -> str:
        """What people read of a field; a line by its place."""
        name, *code = path
        field = next(one for one in self.part.fields if one.name == name)
        match field:
            case Shares():
                return next((offer.label for offer in self.offers[name] if offer.key == code[0]), "")
            case RowTable():
                places = [line.key for line in self.lines]
                return f"{field.item} {places.index(code[0]) + 1 if code[0] in places else len(places) + 1}"
            case PerCode():
                return field.label_of(code[0])
        return str(field.label)

    def words_at(self, path: Path, value: FieldData) -> str:
        """What a field says, in words."""
        field = next(one for one in self.part.fields if one.name == path[0])
        match field:
            case OfferedChoice():
                return self._named(field, cast(str | None, value))
            case Picks():
                return "\n".join(offer.label for offer in self._chosen(field, cast(Sequence[str], value)))
            case Shares():
                return words_of(cast(int | None, value))
            case RowTable():
                return field.words(cast(Cells, value))
            case PerCode():
                return field.words(cast(CodeValue, value))
        return field.words(cast(FieldValue, value))

    def _chosen(self, field: Picks, keys: Sequence[str]) -> list[OfferedRow]:
        return [offer for offer in self.offers[field.name] if offer.key in keys]

    def _named(self, field: OfferedChoice, key: str | None) -> str:
        return next((offer.label for offer in self.offers[field.name] if offer.key == key), key or "")


def _share(offer: OfferedRow) -> str:
    """The name of the control of a share: rows that take one have a code."""
    return f"share_{offer.row.code}"


def _is_positive(field: Amount) -> Validator:
    def check(_form: object, control: Control) -> None:
        if control.data is not None and not control.data:
            raise ValidationError(str(field.positive))

    return check


def _asked_in(offered: Mapping[str, Any]) -> Asked:
    """What a page asks, as `queries.options_of` tells."""
    asked: Asked = offered.get("asked", EVERYTHING)
    return asked


@cache
def _part_form_of(code: str, asked: Asked) -> type[PartForm]:
    """The form of a part's page; the controls of shares are those of each framework, added by `_part_form`."""
    controls: dict[str, Any] = {}
    part = asked_parts(asked)[code]
    for field in part.fields:
        match field:
            case Field():
                controls[field.name] = _control(field)
            case RowTable():
                controls["rows"] = LinesField(FormField(_row_form(field)), max_entries=field.most)
            case PerCode():
                for one in field.code.labels:
                    label = field.code.labels[one] if len(field.fields) == 1 else None
                    controls |= {field.control(each, one): _control(each, label) for each in field.fields}
            case Picks(lists=()):
                controls[field.name] = ChoicesField(field.label, description=field.hint or "")
            case Picks():
                controls |= {name: _PickField(label) for name, label in field.lists}
    base = BudgetForm if code == Part.BUDGET else PartForm
    return type(base.__name__, (base,), {**controls, "part": part})


def _part_form(
    code: str, offered: Mapping[str, Any], values: PageData, given: FormValues, *, more: int | None = 1
) -> PartForm:
    """The form of a part's page, filled with values."""
    offers: Mapping[str, Sequence[OfferedRow]] = offered.get("offers", {})
    kind = _part_form_of(code, _asked_in(offered))
    data: FormValues = {}
    for field in kind.part.fields:
        data |= _data_of(field, values[field.name], offers, more)
        if isinstance(field, Shares):
            controls = {_share(offer): WholeField(offer.label, maximum=100) for offer in offers[field.name]}
            kind = type(kind.__name__, (kind,), controls)
    form = kind(data=data, **given)
    form.offers = offers
    for field in kind.part.fields:
        if isinstance(field, OfferedChoice) or (isinstance(field, Picks) and not field.lists):
            form[field.name].choices = options((offer.key, offer.label) for offer in offers[field.name])
        elif isinstance(field, Picks):
            grouped = [SelectChoice(offer.key, offer.label, optgroup=offer.group) for offer in offers[field.name]]
            for name, _label in field.lists:
                form[name].choices = [SelectChoice("", "—", optgroup=""), *grouped]
    return form


def _data_of(
    field: AskedField, value: object, offers: Mapping[str, Sequence[OfferedRow]], more: int | None
) -> dict[str, object]:
    """What the controls of a field are filled with; `more` empty lines wait under a table, None: no line at all."""
    match field:
        case RowTable():
            rows = cast(list[Cells], value)
            empty = 0 if more is None else max(more, 1 if rows else 2)
            return {"rows": [*rows, *({"id": str(uuid4())} for _line in range(empty))][: field.most]}
        case PerCode():
            said = {code: field.row(one) for code, one in cast(dict[str, CodeValue], value).items()}
            return {field.control(one, code): row[one.name] for code, row in said.items() for one in field.fields}
        case Shares():
            given = cast(dict[str, int | None], value)
            return {_share(offer): given.get(offer.key) for offer in offers[field.name]}
        case Picks() if field.lists:
            chosen = [offer.key for offer in offers[field.name] if offer.key in cast(list[str], value)]
            return {name: key for (name, _label), key in zip(field.lists, chosen, strict=False)}
    return {field.name: value}


class _PickField(SelectField):
    """A row among those offered, or none."""

    def __init__(self, label: Any, **kwargs: Any) -> None:
        super().__init__(label, choices=[], **kwargs)

    def process_data(self, value: Any) -> None:
        """Keep "nothing" as the empty line."""
        self.data = value or ""


class BudgetForm(PartForm):
    """The budget, line by line in the accounts of the national form."""

    def name_lines(self, accounts: Sequence[BudgetAccount]) -> None:
        """Call each amount by its account, so that a mistake says where it is."""
        names = {account.code: f"{account.code} {in_words_of(account, 'title')}" for account in accounts}
        for entry in self.rows:
            amount, code = entry.form.amount, entry.form.account.data
            amount.label = Label(amount.id, names.get(code, amount.label.text))

    def sides(self, accounts: Sequence[BudgetAccount], requested: Money | None, max_rate: int | None) -> FormValues:
        """The table as it stands, mistakes included: both sides, contributions apart, totals, and what differs."""
        sides: FormValues = {"charges": [], "resources": [], "in_kind_charges": [], "in_kind_resources": []}
        for account in accounts:
            if account.header:
                continue
            side = sides[("in_kind_" if account.in_kind else "") + f"{account.side}s"]
            if account.by_funder and requested is not None:
                side.append({"code": account.code, "label": _("Cette demande au fonds"), "amount": requested})
            side += self._lines_of(account)
        rows, asked = rows_in(self.values(), LINES.name), requested or Money(0)
        names = {account.code: account.side for account in accounts}
        amounts = [(str(row["account"]), row["status"], cast(Money, row["amount"])) for row in rows]
        lines = [(names[account], account, amount) for account, _status, amount in amounts if account in names]
        found = totals([*lines, ("resource", "74", asked)])
        gaps = budget_gaps(found) if found.charges else []
        funders = {account.code for account in accounts if account.by_funder}
        funded = [(status, amount) for account, status, amount in amounts if account in funders]
        granted = sum((amount for status, amount in funded if status == FundingStatus.GRANTED), Money(0))
        return sides | {
            "totals": found,
            "balanced": (found.is_balanced and bool(found.charges)) or None if not gaps else False,
            "message": " ".join(gaps),
            "shares": " ".join(shares(asked, found.resources, max_rate)),
            "subsidies": subsidies(granted, sum((amount for _status, amount in funded), asked), found.resources),
        }

    def _lines_of(self, account: BudgetAccount) -> list[FormValues]:
        lines: list[FormValues] = []
        for entry in self.rows:
            row = entry.form
            if row.account.data == account.code:
                name = in_words_of(account, "title")
                lines.append(
                    {
                        "code": account.code,
                        "label": f"{name} ({len(lines) + 1})" if lines else name,
                        "level": 2 if account.parent and not account.in_kind else 1,
                        "hint": "" if lines else in_words_of(account, "examples"),
                        "field": row.amount,
                        "extra": [
                            row[field.name]
                            for field in LINES.fields
                            if field.name not in {"account", "amount"} and (account.by_funder or field.name != "status")
                        ],
                    }
                )
        return lines


class ListedForm(SectionForm):
    """A page that asks what the call lists: each row is a field. The controls are added by `_listed_form`."""

    fields: Sequence[tuple[ListedPart, Field]] = ()
    group = ""  # the name, in the values of the page, of what is said of its rows

    @property
    def asked(self) -> list[tuple[ListedPart, Control]]:
        """For the page: each row with its control."""
        return [(row, self.at(field.name)) for row, field in self.fields]

    @property
    def effort(self) -> Effort:
        """How much the page asks."""
        return total(of_field(field) for _row, field in self.fields)

    def controls_of(self, path: Path) -> list[Control]:
        """The control of a row, by its key."""
        return [control for row, control in self.asked if str(row.id) == path[1]]

    def field_at(self, path: Path) -> Field:
        """The field of a row, by its key."""
        return next(field for row, field in self.fields if str(row.id) == path[1])

    def label_of(self, path: Path) -> str:
        """What people read of a row."""
        row = next(row for row, _field in self.fields if str(row.id) == path[1])
        return in_words_of(row, "title" if isinstance(row, Statement) else "label")

    def paths(self) -> list[Path]:
        """The rows that are answered in words or by a choice."""
        return [(self.group, str(row.id)) for row, field in self.fields if not isinstance(field, UploadField)]


class QuestionsForm(ListedForm):
    """A section of the call's own questions."""

    others: Sequence[Question] = ()
    group = "answers"

    def condition_of(self, question: Question) -> dict[str, str] | None:
        """When a question is asked only after an answer: that answer in words, and its field if it is on this page."""
        condition: Mapping[str, str] | None = question.asked_when
        source = next((row for row in self.others if condition and row.code == condition["question"]), None)
        if condition is None or source is None:
            return None
        here = source.id in {row.id for row, _field in self.fields}
        return {
            "name": f"q_{source.id}" if here else "",
            "value": condition["equals"],
            "label": in_words_of(source, "label"),
            "choice": labels_of(source.choices).get(condition["equals"], condition["equals"]),
        }

    def values(self) -> PageData:
        """The answers by question, in values JSON knows."""
        said = {str(row.id): field for row, field in self.fields if not isinstance(field, UploadField)}
        return {"answers": {key: _answer(field, self.at(field.name).data) for key, field in said.items()}}

    def uploads(self) -> dict[str, Given]:
        """The files newly given, by question."""
        files = [(row, self.at(field.name).data) for row, field in self.fields if isinstance(field, UploadField)]
        return {str(row.id): cast(Given, given) for row, given in files if given}

    def words_at(self, path: Path, value: FieldData) -> str:
        """An answer in words."""
        field = self.field_at(path)
        return field.words(field.alive(cast(Json, value)))


def _answer(field: Field, value: FieldValue) -> Json:
    return None if is_empty(value) else field.plain(value)


class StatementsForm(ListedForm):
    """The statements, one by one; `read` is the version of what their words told when the page was made."""

    read = HiddenField()
    group = "choices"

    def values(self) -> PageData:
        """What was declared, by statement; None for what was not."""
        return {
            "choices": {
                str(row.id): code_of_statement(cast(Scalar, self.at(field.name).data)) for row, field in self.fields
            }
        }

    def words_at(self, path: Path, value: FieldData) -> str:
        """What was declared, in words."""
        field = self.field_at(path)
        return field.words(said_of(field, cast(str | None, value)))


# ---- each page's form ----------------------------------------------------------------------------------------------


def stored_form(section: str, offered: Mapping[str, Any], values: PageData) -> SectionForm:
    """The form of a page as it is stored, whatever this request says."""
    return section_form(section, offered, values, formdata=None)


def section_form(
    section: str, offered: Mapping[str, Any], values: PageData, *, more: int = 1, account: str = "", **given: Any
) -> SectionForm:
    """The form of a page, filled with what is kept; `more` empty lines wait under a table, `account` gets one more.

    `given` goes to the form itself (see `stored_form`).
    """
    if section.startswith(QUESTIONS):
        return _questions_form(offered, values, given)
    match section:
        case Part.BUDGET:
            rows = _budget_rows(offered["accounts"], rows_in(values, LINES.name), account)
            form = _part_form(section, offered, {"lines": rows}, given, more=None)
            cast(BudgetForm, form).name_lines(offered["accounts"])
            return form
        case Part.STATEMENTS:
            return _statements_form(offered, values, given)
        case _ if section in PARTS:
            return _part_form(section, offered, values, given, more=more)
    raise MissingError


def _budget_rows(accounts: Sequence[BudgetAccount], lines: Sequence[Cells], more: str) -> list[Cells]:
    """Every account in the form's order, with its lines, at least one, and one more where asked."""
    rows: list[Cells] = []
    for account in accounts:
        if account.header:
            continue
        here = [line for line in lines if line["account"] == account.code]
        rows += here or [{"id": str(uuid4()), "account": account.code}]
        if account.code == more and here:
            rows.append({"id": str(uuid4()), "account": account.code})
    return rows


def _listed_form(
    base: type[ListedForm], fields: Sequence[tuple[ListedPart, Field]], data: FormValues, given: FormValues
) -> ListedForm:
    controls = {field.name: _control(field) for _row, field in fields}
    form: ListedForm = type(base.__name__, (base,), {**controls, "fields": fields})(data=data, **given)
    return form


def _questions_form(offered: Mapping[str, Any], values: PageData, given: FormValues) -> SectionForm:
    territory: Sequence[Commune] = offered["communes"]
    questions: Sequence[Question] = offered["questions"]
    communes = {row.insee: row.name for row in territory}
    said = codes_in(values, QuestionsForm.group)
    fields: list[tuple[ListedPart, Field]] = [(question, field_of(question, communes)) for question in questions]
    data: FormValues = {field.name: field.alive(cast(Json, said.get(str(question.id)))) for question, field in fields}
    form = _listed_form(QuestionsForm, fields, data, given)
    cast(QuestionsForm, form).others = offered["all_questions"]
    return form


def _statements_form(offered: Mapping[str, Any], values: PageData, given: FormValues) -> SectionForm:
    statements: Sequence[Statement] = offered["statements"]
    fields: list[tuple[ListedPart, Field]] = [(statement, field_of_statement(statement)) for statement in statements]
    made = cast(Mapping[str, str | None], values[StatementsForm.group])
    data: FormValues = {field.name: said_of(field, made.get(str(row.id))) for row, field in fields}
    return _listed_form(StatementsForm, fields, {**data, "read": offered["version"]}, given)


# ---- fields saved as they are typed ---------------------------------------------------------------------------------

MOST_SAVES = 150  # fields in one request
LONGEST_SAVE = 100_000  # characters of one field
NOT_OURS = _l("Cette page a expiré. Rechargez-la, puis recommencez : rien n’a été enregistré.")


@dataclass(frozen=True)
class FieldSave:
    """A field that a script sends: the number of the save, the version the field was shown in, what is typed in it."""

    number: int
    path: Path
    version: str
    typed: Typed

    @property
    def is_too_long(self) -> bool:
        """Whether it holds more than is taken of one field."""
        return sum(len(value) for values in self.typed.values() for value in values) > LONGEST_SAVE


@dataclass(frozen=True)
class Sent:
    """What the script of an open page sends: which page it is, and its saves in order."""

    writer: UUID
    saves: Sequence[FieldSave]


def read_sent(text: str) -> Sent:
    """What a script sent. Raises InvalidError for anything that ours does not send."""
    content: Json = None
    with suppress(ValueError, RecursionError):
        content = json.loads(text)
    match content:
        case {"writer": str(written), "saves": [*listed]} if (writer := key_in(written)) is not None:
            if len(listed) > MOST_SAVES:
                raise InvalidError(_("Trop de réponses à la fois : elles partiront en plusieurs fois."))
            return Sent(writer, sorted(map(_read_save, listed), key=lambda save: save.number))
    raise InvalidError(str(NOT_OURS))


def _read_save(content: Json) -> FieldSave:
    match content:
        case {"n": int(number), "field": str(name), "version": str(version), "typed": {**typed}} if (
            0 < number < 2**31 and len(name) <= LONGEST_PATH
        ):
            return FieldSave(
                number, path_of(name), version, {str(key): _strings(cast(Json, one)) for key, one in typed.items()}
            )
    raise InvalidError(str(NOT_OURS))


def _strings(content: Json) -> list[str]:
    match content:
        case [*listed] if all(isinstance(one, str) for one in listed):
            return [normalised(str(one)) for one in listed]
    raise InvalidError(str(NOT_OURS))


# ---- other pages ---------------------------------------------------------------------------------------------------


class PieceForm(Form):
    """Files for one piece; each piece has its own form, so that a refused file costs no other."""

    file = MultipleFileField(_l("Fichier"), render_kw={"accept": SUFFIXES})
    keep = BooleanField(_l("Garder aussi dans les documents de l’organisation, pour les prochains dossiers"))


class StartForm(Form):
    """Which organisation applies."""

    organisation = RadioField(
        _l("Organisation qui demande l’aide"), validators=[Required(_l("Choisissez une organisation."))]
    )


class SubmitForm(Form):
    """The last confirmation; `seen` is the version of the dossier that was read."""

    seen = HiddenField(validators=[Regexp(r"\A\d{1,9}\Z")])


class WithdrawForm(Form):
    """Why the dossier is withdrawn."""

    reason = LongField(_l("Pourquoi retirez-vous ce dossier ?"), limit=1000)


class VerifyForm(Form):
    """What stands on a receipt."""

    class Meta:
        csrf = False

    reference = LineField(_l("Numéro du dossier"), limit=24, read=bare, description=_l("Par exemple FIS-2026-0042."))
    digest = LineField(
        _l("Empreinte SHA-256"), limit=120, read=bare, description=_l("64 chiffres et lettres de a à f.")
    )
