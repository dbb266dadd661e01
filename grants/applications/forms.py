"""The forms of the writing space: one per page, each turning what people type into the plain values actions take."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from functools import cache
from typing import Any

from flask_wtf.file import FileField
from wtforms import BooleanField, FormField, HiddenField, RadioField, SelectField
from wtforms.fields.choices import SelectChoice
from wtforms.fields.core import Label
from wtforms.validators import Regexp

from grants.applications.parts import PARTS
from grants.applications.parts.fields import (
    MOST_ROWS,
    Amount,
    Choice,
    Day,
    Field,
    Line,
    Offered,
    Paragraph,
    PerCode,
    Rows,
    Scalar,
    Tick,
    Whole,
    is_blank,
)
from grants.applications.parts.part import DossierPart, InOrder, Part
from grants.applications.parts.vocabulary import FUNDING_LABELS
from grants.applications.rules import QUESTIONS, budget_gaps, totals
from grants.calls.models import Question, QuestionKind, Statement
from grants.kernel.errors import MissingError
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
from grants.kernel.money import Money, percentage
from grants.kernel.pages import day, money, percent
from grants.kernel.text import bare
from grants.kernel.words import _, _l, in_words_of
from grants.programme.models import Action, Axis, BudgetAccount, Commune, PriorityArea

Choices = Sequence[tuple[str, Any]]
Values = dict[str, Any]


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

    def __init__(self, label: Any, *, choices: Choices, empty: Any = "—", **kwargs: Any) -> None:
        super().__init__(label, choices=options([("", empty), *choices]), **kwargs)

    def pre_validate(self, form: Any) -> None:
        """Refuse what was not offered."""
        if self.data and self.data not in {choice.value for choice in self.iter_choices()}:
            raise ValidationError(_("Ce choix n’est pas proposé."))

    def process_data(self, value: Any) -> None:
        """Keep "nothing" as the empty line."""
        self.data = value or ""


# ---- the controls of declared fields -------------------------------------------------------------------------------


def _control(field: Field, label: Any = None) -> Any:
    """The control in which a declared field is typed."""
    told: dict[str, Any] = {"label": label or field.label, "description": field.hint or ""}
    match field:
        case Paragraph():
            return LongField(**told, limit=field.limit)
        case Line():
            return LineField(**told, limit=field.limit)
        case Amount():
            return MoneyField(**told)
        case Day():
            return DayField(**told)
        case Whole():
            return WholeField(**told, minimum=field.minimum, maximum=field.maximum)
        case Tick():
            return BooleanField(**told)
        case Offered():
            return OneOfField(**told, choices=[])
        case Choice(default=str()):
            return SelectField(**told, choices=options(field.labels.items()), default=field.default)
        case Choice(listed=True):
            return OneInListField(**told, choices=list(field.labels.items()))
        case Choice():
            return OneOfField(**told, choices=options(field.labels.items()))
    raise TypeError(f"no control is known for {type(field).__name__}")


def _typed(field: Field, control: Any) -> Scalar:
    """What a control holds, as values say it."""
    value: Scalar = control.data
    if isinstance(field, Tick):
        return bool(value)
    return field.blank if is_blank(value) else value


class RowForm(Form):
    """A line of a table: no keys of its own, its page has them. `known_by` is the field that tells two lines apart."""

    known_by = "label"

    class Meta:
        csrf = False


class DeclaredRow(RowForm):
    """A line of a declared table."""

    table: Rows

    def validate(self, extra_validators: Any = None) -> bool:
        """Check each field, and that the numbers no line can be kept without are there."""
        needed = (field for field in self.table.fields if isinstance(field, Whole) and field.needed)
        return bool(super().validate({field.name: [self._is_there(field)] for field in needed}))

    def _is_there(self, field: Whole) -> Callable[[Any, Any], None]:
        def check(_form: Any, control: Any) -> None:
            others = (one for one in self.table.fields if one.tells and one is not field)
            if control.data is None and not control.errors and any(self[one.name].data for one in others):
                raise ValidationError(str(field.needed))

        return check

    def values(self) -> dict[str, Scalar] | None:
        """The line, or None when nothing is written on it."""
        return self.table.row({field.name: _typed(field, self[field.name]) for field in self.table.fields})


def _row_form(table: Rows) -> type[DeclaredRow]:
    controls = {field.name: _control(field) for field in table.fields}
    return type("DeclaredRow", (DeclaredRow,), {**controls, "table": table, "known_by": table.known_by})


class SectionForm(Form):
    """A page of the writing space. `names` words the keys and codes of its values for people."""

    stamp = HiddenField()
    names: Mapping[str, Any] = {}

    def values(self) -> Values:
        """What was typed, in the shape of `queries.section_values`."""
        raise NotImplementedError

    def keep_valid(self, kept: Any) -> None:
        """Put back what is stored wherever something was refused; `kept` is this page's form of what is stored."""
        keep_valid(self, kept)

    def add_row(self, data: Values | None) -> None:
        """One more line of the page's table."""
        if len(self.rows.entries) < (self.rows.max_entries or MOST_ROWS):
            self.rows.append_entry(data)

    def drop_row(self, place: str) -> None:
        """Take a line out of the page's table, by its place; what names no line is left alone."""
        if "rows" in self and place.isascii() and place.isdigit() and int(place) < len(self.rows.entries):
            del self.rows.entries[int(place)]

    def told(self, values: Values) -> list[tuple[str, str]]:
        """Values in words, one line per thing a person filled: to set two versions side by side."""
        lines: list[tuple[str, str]] = []
        for key, value in values.items():
            if isinstance(value, dict):
                lines += [(str(self.names.get(name, name)), self._text(one)) for name, one in value.items()]
            else:
                lines.append((str(self.names.get(key, key)), self._text(value)))
        return lines

    def _text(self, value: Any) -> str:
        match value:
            case None:
                return ""
            case bool():
                return _("oui") if value else _("non")
            case Money():
                return money(value)
            case date():
                return day(value)
            case dict():
                return " · ".join(filter(None, (self._text(one) for one in value.values())))
            case tuple():
                return " · ".join(filter(None, (self._text(one) for one in value)))
            case list():
                return "\n".join(self._text(one) for one in value)
            case _:
                return str(self.names.get(str(value), value))

    def differences(self, theirs: Values) -> list[dict[str, str]]:
        """What differs between what was typed and what is kept, in words."""
        kept = dict(self.told(theirs))
        return [
            {"label": label, "mine": mine, "theirs": kept.get(label, "")}
            for label, mine in self.told(self.values())
            if mine != kept.get(label, "")
        ]


class PartForm(SectionForm):
    """The page of a declared part: its controls are made from its fields by `_part_form_of`."""

    part: DossierPart

    def validate(self, extra_validators: Any = None) -> bool:
        """Check each field, the days that follow each other, and the amounts that are more than zero."""
        checks: dict[str, list[Any]] = {rule.second: [self._in_order(rule)] for rule in self.part.in_order}
        for field in self.part.columns:
            if isinstance(field, Amount) and field.positive is not None:
                checks.setdefault(field.name, []).append(_is_positive(field))
        return bool(super().validate(checks))

    def _in_order(self, rule: InOrder) -> Callable[[Any, Any], None]:
        def check(_form: Any, _control: Any) -> None:
            if rule.is_broken(self.data):
                raise ValidationError(str(rule.message))

        return check

    def keep_valid(self, kept: Any) -> None:
        """Days that do not follow each other both stay as they are stored; lines are known again one by one."""
        super().keep_valid(kept)
        for rule in self.part.in_order:
            if rule.is_broken(self.data):
                self[rule.first].data = kept[rule.first].data
        for table in self.part.tables:
            if isinstance(table, Rows):
                _keep_rows_valid(self[table.name], kept[table.name])

    def values(self) -> Values:
        """The page's values."""
        return {field.name: self._value(field) for field in self.part.fields}

    def _value(self, field: Field | Rows | PerCode) -> Any:
        match field:
            case Field():
                return _typed(field, self[field.name])
            case Rows():
                return [told for entry in self[field.name] if (told := entry.form.values()) is not None]
        return {
            code: field.value({one.name: _typed(one, control) for one, control in controls})
            for code, controls in self._codes(field)
        }

    def _codes(self, table: PerCode) -> list[tuple[str, list[tuple[Field, Any]]]]:
        return [
            (code, [(field, self[table.control(field, code)]) for field in table.fields]) for code in table.code.labels
        ]

    def codes(self, name: str) -> list[tuple[str, dict[str, Any]]]:
        """For the page: each code of a table with its controls by name."""
        table = next(one for one in self.part.tables if one.name == name and isinstance(one, PerCode))
        return [(code, {field.name: control for field, control in controls}) for code, controls in self._codes(table)]

    def others(self, *shown: str) -> list[Any]:
        """For a page written by hand: the controls of the columns that it does not show itself."""
        return [self[field.name] for field in self.part.columns if field.name not in shown]

    def told(self, values: Values) -> list[tuple[str, str]]:
        """Values in words, one line per thing a person filled."""
        lines: list[tuple[str, str]] = []
        for field in self.part.fields:
            value = values[field.name]
            match field:
                case Offered():
                    lines.append((str(field.label), str(self.names.get(value, value or ""))))
                case Field():
                    lines.append((str(field.label), field.words(value)))
                case Rows():
                    lines.append((str(field.label), "\n".join(map(field.words, value))))
                case _:
                    lines += [(field.label_of(code), field.words(one)) for code, one in value.items()]
        return lines


def _is_positive(field: Amount) -> Callable[[Any, Any], None]:
    def check(_form: Any, control: Any) -> None:
        if control.data is not None and not control.data:
            raise ValidationError(str(field.positive))

    return check


@cache
def _part_form_of(code: str) -> type[PartForm]:
    """The form of a part's page."""
    controls: dict[str, Any] = {}
    for field in PARTS[code].fields:
        match field:
            case Field():
                controls[field.name] = _control(field)
            case Rows():
                controls[field.name] = LinesField(FormField(_row_form(field)), max_entries=MOST_ROWS)
            case _:
                for one in field.code.labels:
                    label = field.code.labels[one] if len(field.fields) == 1 else None
                    controls |= {field.control(each, one): _control(each, label) for each in field.fields}
    return type("PartForm", (PartForm,), {**controls, "part": PARTS[code]})


def _part_form(code: str, offered: Mapping[str, Any], values: Values, more: int, given: Values) -> PartForm:
    part = PARTS[code]
    data: Values = {}
    names: Values = {}
    for field in part.fields:
        value = values[field.name]
        match field:
            case Field():
                data[field.name] = value
            case Rows():
                data[field.name] = (value + [{}] * max(more, 1 if value else 2))[:MOST_ROWS]
            case _:
                for one, said in value.items():
                    row = field.row(said)
                    data |= {field.control(each, one): row[each.name] for each in field.fields}
    form = _part_form_of(code)(data=data, **given)
    for field in part.columns:
        if isinstance(field, Offered):
            choices = [(str(row.instrument_id), in_words_of(row.instrument, "name")) for row in offered["instruments"]]
            form[field.name].choices = options(choices)
            names |= dict(choices)
    form.names = names
    return form


def _keep_rows_valid(entries: Any, kept: Any) -> None:
    """Line by line: a stored line is known again by the field that tells lines apart."""
    stored: dict[str, list[Any]] = {}
    for entry in kept:
        stored.setdefault(entry.form[entry.form.known_by].data or "", []).append(entry.form)
    for entry in entries:
        same = stored.get(entry.form[entry.form.known_by].data or "")
        keep_valid(entry.form, same.pop(0) if same else None)


class BudgetRow(RowForm):
    """A line of the budget."""

    known_by = "account"
    account = HiddenField(validators=[Regexp(r"\A[0-9A-Z]{1,12}\Z")])
    label = LineField(_l("Détail"), limit=200)
    status = OneInListField(_l("État"), choices=list(FUNDING_LABELS.items()))
    amount = MoneyField(_l("Montant"))

    def values(self) -> Values | None:
        """The line, or None when nothing is written on it; a line named without an amount counts zero."""
        label, amount = self.label.data or "", self.amount.data
        if not label and not amount:
            return None
        return {"account": self.account.data, "label": label, "status": self.status.data or None,
                "amount": amount or Money(0)}  # fmt: skip


class BudgetForm(SectionForm):
    """The budget, line by line in the accounts of the national form."""

    names = {"lines": _l("Lignes du budget"), **FUNDING_LABELS}
    rows = LinesField(FormField(BudgetRow), max_entries=MOST_ROWS * 3)

    def values(self) -> Values:
        """The lines where something is written."""
        return {"lines": [told for entry in self.rows if (told := entry.form.values()) is not None]}

    def keep_valid(self, kept: Any) -> None:
        """Line by line, known again by their account."""
        _keep_rows_valid(self.rows, kept.rows)

    def name_lines(self, accounts: Sequence[BudgetAccount]) -> None:
        """Call each amount by its account, so that a mistake says where it is."""
        names = {account.code: f"{account.code} {in_words_of(account, 'title')}" for account in accounts}
        for entry in self.rows:
            amount, code = entry.form.amount, entry.form.account.data
            amount.label = Label(amount.id, names.get(code, amount.label.text))

    def sides(self, accounts: Sequence[BudgetAccount], requested: Money | None) -> Values:
        """The table as it stands, mistakes included: both sides, contributions apart, totals, and what differs."""
        sides: Values = {"charges": [], "resources": [], "in_kind_charges": [], "in_kind_resources": []}
        for account in accounts:
            if account.header:
                continue
            side = sides[("in_kind_" if account.in_kind else "") + f"{account.side}s"]
            if account.by_funder and requested is not None:
                side.append({"code": account.code, "label": _("Cette demande au fonds"), "amount": requested})
            side += self._lines_of(account)
        amounts = [(row["account"], row["amount"]) for row in self.values()["lines"]]
        names = {account.code: account.side for account in accounts}
        lines = [(names[code], code, amount) for code, amount in amounts if code in names]
        found = totals([*lines, ("resource", "74", requested or Money(0))])
        gaps = budget_gaps(found) if found.charges else []
        rate = percentage(requested, found.resources) if requested and found.resources else None
        told = _("Le montant demandé fait %(rate)s des ressources.", rate=percent(rate, 1)) if rate is not None else ""
        return sides | {
            "totals": found,
            "balanced": (found.is_balanced and bool(found.charges)) or None if not gaps else False,
            "message": " ".join(gaps),
            "rate": told,
        }

    def _lines_of(self, account: BudgetAccount) -> list[Values]:
        lines: list[Values] = []
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
                        "extra": [row.label, row.status] if account.by_funder else [row.label],
                    }
                )
        return lines


class AxesBase(SectionForm):
    """The axes the project serves; the fields of the axes are added by code."""

    axes: Sequence[Axis] = ()
    fields = ChoicesField(_l("Champs d’intervention"))
    plans = ChoicesField(_l("Plans liés"), description=_l("Cochez un plan seulement si le projet y contribue."))

    @property
    def shares(self) -> list[tuple[Axis, Any]]:
        """Each axis with the field of its share."""
        return [(axis, self[f"share_{axis.code}"]) for axis in self.axes]

    @property
    def choices_of_actions(self) -> list[Any]:
        """The fields of the actions."""
        return [self[name] for name in ("action_1", "action_2", "action_3")]

    def values(self) -> Values:
        """The page's values; the same action chosen twice counts once."""
        chosen = dict.fromkeys(field.data for field in self.choices_of_actions if field.data)
        return {
            "shares": {str(axis.id): field.data or None for axis, field in self.shares},
            "actions": list(chosen),
            "fields": self.fields.data or [],
            "plans": self.plans.data or [],
        }


class TerritoryForm(SectionForm):
    """Where the project takes place."""

    communes = ChoicesField(_l("Communes du projet"))
    areas = ChoicesField(_l("Quartiers prioritaires"))

    def values(self) -> Values:
        """The page's values."""
        return {"communes": self.communes.data or [], "areas": self.areas.data or []}


class QuestionsBase(SectionForm):
    """A section of the call's own questions; the fields are added by code."""

    questions: Sequence[Question] = ()
    others: Sequence[Question] = ()

    def condition_of(self, question: Question) -> dict[str, str] | None:
        """When a question is asked only after an answer: that answer in words, and its field if it is on this page."""
        told = question.asked_when
        source = next((row for row in self.others if told and row.code == told["question"]), None)
        if told is None or source is None:
            return None
        choice = next((one for one in source.choices if one["code"] == told["equals"]), None)
        here = source.id in {row.id for row in self.questions}
        return {
            "name": f"q_{source.id}" if here else "",
            "value": told["equals"],
            "label": in_words_of(source, "label"),
            "choice": _label_of(choice) if choice else told["equals"],
        }

    @property
    def asked(self) -> list[tuple[Question, Any]]:
        """Each question with its field."""
        return [(question, self[f"q_{question.id}"]) for question in self.questions]

    def values(self) -> Values:
        """The answers by question, and the files newly given."""
        told = {str(question.id): _plain(field) for question, field in self.asked if question.kind != "file"}
        return {"answers": told}

    def uploads(self) -> dict[str, Any]:
        """The files newly given, by question."""
        return {
            str(question.id): field.data for question, field in self.asked if question.kind == "file" and field.data
        }


def _plain(field: Any) -> Any:
    """An answer in values JSON knows: cents, ISO day, codes."""
    value = field.data
    match value:
        case Money():
            return value.cents
        case date():
            return value.isoformat()
        case "" | []:
            return None
        case _:
            return value


class StatementsBase(SectionForm):
    """The statements, one by one; the fields are added by code."""

    statements: Sequence[Statement] = ()

    @property
    def made(self) -> list[tuple[Statement, Any]]:
        """Each statement with its field."""
        return [(statement, self[f"s_{statement.id}"]) for statement in self.statements]

    def values(self) -> Values:
        """What was declared, by statement; None for what was not."""
        return {"choices": {str(statement.id): _choice(field) for statement, field in self.made}}


def _choice(field: Any) -> str | None:
    if isinstance(field.data, Money):
        return str(field.data.cents)
    return ("yes" if field.data is True else field.data) or None


# ---- each page's form ----------------------------------------------------------------------------------------------


def stored_form(section: str, offered: Mapping[str, Any], values: Values) -> Any:
    """The form of a page as it is stored, whatever this request says."""
    return section_form(section, offered, values, formdata=None)


def section_form(
    section: str, offered: Mapping[str, Any], values: Values, *, more: int = 1, account: str = "", **given: Any
) -> Any:
    """The form of a page, filled with what is kept; `more` empty lines wait under a table, `account` gets one more.

    `given` goes to the form itself (see `stored_form`).
    """
    if section.startswith(QUESTIONS):
        return _questions_form(offered, values, given)
    if section in PARTS:
        return _part_form(section, offered, values, more, given)
    match section:
        case Part.AXES:
            return _axes_form(offered, values, given)
        case Part.TERRITORY:
            return _territory_form(offered["communes"], offered["areas"], values, given)
        case Part.BUDGET:
            form = BudgetForm(data={"rows": _budget_rows(offered["accounts"], values["lines"], account)}, **given)
            form.name_lines(offered["accounts"])
            return form
        case Part.STATEMENTS:
            return _statements_form(offered["statements"], values, given)
    raise MissingError


def _made(base: type[SectionForm], fields: Mapping[str, Any], names: Mapping[str, Any], **facts: Any) -> Any:
    return type(base.__name__, (base,), {**fields, **facts, "names": names})


def _axes_form(offered: Mapping[str, Any], values: Values, given: Values) -> Any:
    axes, actions = offered["axes"], offered["actions"]
    titles = {str(action.id): _action_title(action, offered["placeholder"]) for action in actions}
    groups = {axis.id: f"{axis.code} · {in_words_of(axis, 'short') or in_words_of(axis, 'title')}" for axis in axes}
    grouped = [SelectChoice("", "—", optgroup="")]
    for axis in axes:
        here = [action for action in actions if action.axis_id == axis.id]
        grouped += [SelectChoice(str(row.id), titles[str(row.id)], optgroup=groups[axis.id]) for row in here]
    fields: dict[str, Any] = {f"share_{axis.code}": WholeField(axis.code, maximum=100) for axis in axes}
    for number in (1, 2, 3):
        fields[f"action_{number}"] = _ActionField(_l("Fiche action %(number)s", number=number), choices=grouped)
    names = {
        "actions": _l("Fiches actions"),
        "fields": _l("Champs d’intervention"),
        "plans": _l("Plans liés"),
        **{str(axis.id): axis.code for axis in axes},
        **titles,
        **{str(row.id): in_words_of(row, "title") for row in (*offered["fields"], *offered["plans"])},
    }
    chosen = {f"action_{number}": key for number, key in enumerate(values["actions"], 1)}
    shares = {f"share_{axis.code}": values["shares"].get(str(axis.id)) for axis in axes}
    form = _made(AxesBase, fields, names, axes=axes)
    data = {**shares, **chosen, "fields": values["fields"], "plans": values["plans"]}
    return _with_choices(form(data=data, **given), fields=offered["fields"], plans=offered["plans"])


def _with_choices(form: Any, **rows_of: Sequence[Any]) -> Any:
    for name, rows in rows_of.items():
        form[name].choices = options((row.id, in_words_of(row, "title")) for row in rows)
    return form


class _ActionField(SelectField):
    """An action among those of the framework, grouped by axis, or none."""

    def process_data(self, value: Any) -> None:
        """Keep "nothing" as the empty line."""
        self.data = value or ""


def _action_title(action: Action, placeholder: str) -> str:
    title = in_words_of(action, "title") or placeholder
    return f"{action.number} · {title}"


def _territory_form(communes: Sequence[Commune], areas: Sequence[PriorityArea], values: Values, given: Values) -> Any:
    choices = [(row.insee, row.name) for row in communes]
    names = {row.id: row.name for row in communes}
    quarters = [(str(area.id), f"{area.name} ({names[area.commune_id]})") for area in areas]
    form = TerritoryForm(data=values, **given)
    form.communes.choices, form.areas.choices = options(choices), options(quarters)
    form.names = {
        "communes": _l("Communes du projet"),
        "areas": _l("Quartiers prioritaires"),
        **dict(choices),
        **dict(quarters),
    }
    return form


def _budget_rows(accounts: Sequence[BudgetAccount], lines: Sequence[Values], more: str) -> list[Values]:
    """Every account in the form's order, with its lines, at least one, and one more where asked."""
    rows: list[Values] = []
    for account in accounts:
        if account.header:
            continue
        here = [line for line in lines if line["account"] == account.code]
        blank = {"account": account.code}
        rows += here or [blank]
        if account.code == more and here:
            rows.append(blank)
    return rows


def _questions_form(offered: Mapping[str, Any], values: Values, given: Values) -> Any:
    questions, communes = offered["questions"], offered["communes"]
    fields = {f"q_{question.id}": _question_field(question, communes) for question in questions}
    names = {str(question.id): in_words_of(question, "label") for question in questions}
    names |= {choice["code"]: choice["label"] for question in questions for choice in question.choices}
    data = {
        f"q_{question.id}": _answer_typed(question, values["answers"].get(str(question.id))) for question in questions
    }
    form = _made(QuestionsBase, fields, names, questions=questions, others=offered["all_questions"])
    return form(data=data, **given)


def _answer_typed(question: Question, value: Any) -> Any:
    if value is None:
        return None
    if question.kind is QuestionKind.MONEY:
        return Money(value)
    return date.fromisoformat(value) if question.kind is QuestionKind.DATE else value


def _question_field(question: Question, communes: Sequence[Commune]) -> Any:
    label = in_words_of(question, "label")
    choices = [(choice["code"], _label_of(choice)) for choice in question.choices]
    match question.kind:
        case QuestionKind.SHORT:
            return LineField(label, limit=question.max_length or 200)
        case QuestionKind.LONG:
            return LongField(label, limit=question.max_length or 4000)
        case QuestionKind.CHOICE:
            return OneOfField(label, choices=options(choices))
        case QuestionKind.CHOICES:
            return ChoicesField(label, choices=options(choices))
        case QuestionKind.NUMBER:
            return WholeField(label, minimum=question.minimum or 0)
        case QuestionKind.MONEY:
            return MoneyField(label)
        case QuestionKind.DATE:
            return DayField(label)
        case QuestionKind.COMMUNES:
            return ChoicesField(label, choices=options((row.insee, row.name) for row in communes))
        case QuestionKind.FILE:
            return FileField(label, render_kw={"accept": SUFFIXES})


def _label_of(choice: Mapping[str, str]) -> str:
    row = type("Choice", (), dict(choice))
    return in_words_of(row, "label")


def _statements_form(statements: Sequence[Statement], values: Values, given: Values) -> Any:
    fields: dict[str, Any] = {}
    data: Values = {}
    for statement in statements:
        title = in_words_of(statement, "title")
        choice = values["choices"].get(str(statement.id))
        name = f"s_{statement.id}"
        if statement.kind == "choice":
            choices = [(one["code"], _label_of(one)) for one in statement.choices]
            fields[name] = OneOfField(title, choices=options(choices))
            data[name] = choice
        elif statement.kind == "money":
            fields[name] = MoneyField(title)
            data[name] = Money(int(choice)) if choice else None
        else:
            fields[name] = BooleanField(_l("Je le déclare"))
            data[name] = choice is not None
    names: Values = {str(statement.id): in_words_of(statement, "title") for statement in statements}
    names |= {"yes": _l("Déclaré")}
    names |= {one["code"]: _label_of(one) for statement in statements for one in statement.choices}
    return _made(StatementsBase, fields, names, statements=statements)(data=data, **given)


# ---- other pages ---------------------------------------------------------------------------------------------------


class PieceForm(Form):
    """A file for one piece; each piece has its own form, so that a refused file costs no other."""

    file = FileField(_l("Fichier"), render_kw={"accept": SUFFIXES})


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
