"""The forms of the writing space: one per page, each turning what people type into the plain values actions take."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from flask_wtf.file import FileField
from wtforms import BooleanField, FormField, HiddenField, RadioField, SelectField
from wtforms.fields.choices import SelectChoice
from wtforms.fields.core import Label
from wtforms.validators import Regexp

from grants.applications.rules import (
    AUDIENCE_LABELS,
    CLIMATE_LABELS,
    FUNDING_LABELS,
    JUSTICE_LABELS,
    MOST_ROWS,
    PARTICIPATION_LABELS,
    PARTNER_LABELS,
    QUESTIONS,
    RATING_LABELS,
    Part,
    budget_gaps,
    totals,
)
from grants.calls.models import Question, QuestionKind, Statement
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
from grants.kernel.pages import colon, day, money, percent
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


class RowForm(Form):
    """A line of a table: no keys of its own, its page has them. `known_by` is the field that tells two lines apart."""

    known_by = "label"

    class Meta:
        csrf = False


class PartnerRow(RowForm):
    """A partner."""

    known_by = "name"
    name = LineField(_l("Nom"), limit=200)
    kind = SelectField(_l("Nature"), choices=options(PARTNER_LABELS.items()), default="association")
    role = LineField(_l("Rôle dans le projet"), limit=500)
    amount = MoneyField(_l("Apport en argent"))
    committed = BooleanField(_l("Engagement écrit"))

    def values(self) -> Values | None:
        """The line, or None when nothing is written on it."""
        told = {"name": self.name.data or "", "kind": self.kind.data, "role": self.role.data or "",
                "committed": bool(self.committed.data), "amount": self.amount.data}  # fmt: skip
        return told if told["name"] or told["role"] or told["amount"] is not None else None


class MilestoneRow(RowForm):
    """A step of the calendar."""

    label = LineField(_l("Étape"), limit=300)
    due_on = DayField(_l("Date"))

    def values(self) -> Values | None:
        """The line, or None when nothing is written on it."""
        told = {"label": self.label.data or "", "due_on": self.due_on.data}
        return told if any(told.values()) else None


class IndicatorRow(RowForm):
    """What will be counted."""

    label = LineField(_l("Ce que vous compterez"), limit=300)
    target = WholeField(_l("Cible"))
    unit = LineField(_l("Unité"), limit=60)

    def validate_target(self, field: WholeField) -> None:
        """A named indicator has a target: the table cannot keep it otherwise."""
        if field.data is None and not field.errors and (self.label.data or self.unit.data):
            raise ValidationError(_("Donnez une cible en chiffres."))

    def values(self) -> Values | None:
        """The line, or None when nothing is written on it."""
        if self.target.data is None:
            return None
        return {"label": self.label.data or "", "unit": self.unit.data or "", "target": self.target.data}


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


class RowsForm(SectionForm):
    """A page that is one table."""

    names = {"rows": _l("Lignes du tableau"), **PARTNER_LABELS}

    def values(self) -> Values:
        """The lines where something is written."""
        return {"rows": [told for entry in self.rows if (told := entry.form.values()) is not None]}

    def keep_valid(self, kept: Any) -> None:
        """Line by line: a stored line is known again by its account, its name or its label."""
        stored: dict[str, list[Any]] = {}
        for entry in kept.rows:
            stored.setdefault(entry.form[entry.form.known_by].data or "", []).append(entry.form)
        for entry in self.rows:
            same = stored.get(entry.form[entry.form.known_by].data or "")
            keep_valid(entry.form, same.pop(0) if same else None)

    def add_row(self, data: Values | None) -> None:
        """One more line."""
        if len(self.rows.entries) < (self.rows.max_entries or MOST_ROWS):
            self.rows.append_entry(data)

    def drop_row(self, place: str) -> None:
        """Take a line out, by its place in the table; what names no line is left alone."""
        if place.isascii() and place.isdigit() and int(place) < len(self.rows.entries):
            del self.rows.entries[int(place)]


class PartnersForm(RowsForm):
    """The partners."""

    rows = LinesField(FormField(PartnerRow), max_entries=MOST_ROWS)


class CalendarForm(RowsForm):
    """The calendar."""

    rows = LinesField(FormField(MilestoneRow), max_entries=MOST_ROWS)


class IndicatorsForm(RowsForm):
    """The indicators."""

    rows = LinesField(FormField(IndicatorRow), max_entries=MOST_ROWS)


class BudgetForm(RowsForm):
    """The budget, line by line in the accounts of the national form."""

    names = {"lines": _l("Lignes du budget"), **FUNDING_LABELS}
    rows = LinesField(FormField(BudgetRow), max_entries=MOST_ROWS * 3)

    def values(self) -> Values:
        """The lines where something is written."""
        return {"lines": super().values()["rows"]}

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


class ProjectBase(SectionForm):
    """The project in short; the instruments are those of the call."""

    names = {
        "title": _l("Titre du projet"),
        "summary": _l("Résumé"),
        "instrument": _l("Type de soutien"),
        "requested": _l("Montant demandé"),
        "starts_on": _l("Début"),
        "ends_on": _l("Fin"),
    }
    title = LineField(_l("Titre du projet"), limit=200)
    summary = LongField(
        _l("Résumé"),
        limit=1000,
        description=_l("Pour qui, où, quoi, et ce qui changera : ce texte sera publié si le projet est soutenu."),
    )
    requested = MoneyField(_l("Montant demandé"), description=_l("En euros entiers."))
    starts_on = DayField(_l("Début"))
    ends_on = DayField(_l("Fin"))

    def validate_requested(self, field: MoneyField) -> None:
        """A request of nothing is not a request."""
        if field.data is not None and not field.data:
            raise ValidationError(_("Le montant demandé doit être plus grand que zéro."))

    def validate_ends_on(self, field: DayField) -> None:
        """The end does not come before the beginning."""
        if field.data and self.starts_on.data and field.data < self.starts_on.data:
            raise ValidationError(_("La fin vient avant le début. Corrigez l’une des deux dates."))

    def keep_valid(self, kept: Any) -> None:
        """The two dates go together: when they do not, both stay as they were."""
        super().keep_valid(kept)
        if self.starts_on.data and self.ends_on.data and self.ends_on.data < self.starts_on.data:
            self.starts_on.data = kept.starts_on.data

    def values(self) -> Values:
        """The page's values."""
        return {
            "title": self.title.data or "",
            "summary": self.summary.data or "",
            "instrument": self.instrument.data or None,
            "requested": self.requested.data,
            "starts_on": self.starts_on.data,
            "ends_on": self.ends_on.data,
        }


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


class PeopleBase(SectionForm):
    """Whom the project reaches and what changes for them; fields by kind are added by code."""

    names = {
        "level": _l("Participation des personnes concernées"),
        "text": _l("Comment elles participent"),
        **PARTICIPATION_LABELS,
    }
    level = OneOfField(_l("Participation des personnes concernées"), choices=options(PARTICIPATION_LABELS.items()))
    text = LongField(
        _l("Comment elles participent"),
        limit=2000,
        description=_l("Ce qu’elles ont décidé, et ce qui a changé grâce à elles."),
    )

    @property
    def audiences(self) -> list[tuple[str, Any, Any]]:
        """Each kind of public with its number and its detail."""
        return [(kind, self[f"number_{kind}"], self[f"detail_{kind}"]) for kind in AUDIENCE_LABELS]

    @property
    def justice(self) -> list[Any]:
        """The fields of the effects."""
        return [self[f"justice_{kind}"] for kind in JUSTICE_LABELS]

    def values(self) -> Values:
        """The page's values."""
        return {
            "audiences": {kind: (number.data, detail.data or "") for kind, number, detail in self.audiences},
            "level": self.level.data or None,
            "text": self.text.data or "",
            "justice": {kind: self[f"justice_{kind}"].data or "" for kind in JUSTICE_LABELS},
        }

    def told(self, values: Values) -> list[tuple[str, str]]:
        """The kinds of public and of effects have codes of their own: each is worded from its table."""
        lines = [(str(AUDIENCE_LABELS[kind]), self._text(one)) for kind, one in values["audiences"].items()]
        lines += [(str(self.names[key]), self._text(values[key])) for key in ("level", "text")]
        effect = _("Effet") + colon()
        return lines + [(f"{effect} {JUSTICE_LABELS[kind]}", text) for kind, text in values["justice"].items()]


class ClimateBase(SectionForm):
    """The six environmental axes; the fields are added by code."""

    names = {**CLIMATE_LABELS, **RATING_LABELS}

    @property
    def effects(self) -> list[tuple[str, Any, Any]]:
        """Each axis with its rating and its proof."""
        return [(axis, self[f"rating_{axis}"], self[f"proof_{axis}"]) for axis in CLIMATE_LABELS]

    def values(self) -> Values:
        """The page's values."""
        return {
            "effects": {axis: (rating.data or None, proof.data or "") for axis, rating, proof in self.effects},
        }


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
    match section:
        case Part.PROJECT:
            choices = [(str(row.instrument_id), in_words_of(row.instrument, "name")) for row in offered["instruments"]]
            fields = {"instrument": OneOfField(_l("Type de soutien"), choices=options(choices))}
            names = {**ProjectBase.names, **dict(choices)}
            return _made(ProjectBase, fields, names)(data=values, **given)
        case Part.AXES:
            return _axes_form(offered, values, given)
        case Part.TERRITORY:
            return _territory_form(offered["communes"], offered["areas"], values, given)
        case Part.PEOPLE:
            return _people_form(values, given)
        case Part.CLIMATE:
            return _climate_form(values, given)
        case Part.BUDGET:
            form = BudgetForm(data={"rows": _budget_rows(offered["accounts"], values["lines"], account)}, **given)
            form.name_lines(offered["accounts"])
            return form
        case Part.STATEMENTS:
            return _statements_form(offered["statements"], values, given)
        case _:
            rows = values["rows"] + [{}] * max(more, 1 if values["rows"] else 2)
            return ROWS_FORMS[section](data={"rows": rows[:MOST_ROWS]}, **given)


ROWS_FORMS: dict[str, type[RowsForm]] = {
    Part.PARTNERS: PartnersForm,
    Part.CALENDAR: CalendarForm,
    Part.INDICATORS: IndicatorsForm,
}


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


def _people_form(values: Values, given: Values) -> Any:
    fields: dict[str, Any] = {}
    data: Values = {"level": values["level"], "text": values["text"]}
    for kind, label in AUDIENCE_LABELS.items():
        fields[f"number_{kind}"] = WholeField(_l("Nombre de personnes"), maximum=10_000_000, description=label)
        fields[f"detail_{kind}"] = LineField(_l("Précision"), limit=300)
        data[f"number_{kind}"], data[f"detail_{kind}"] = values["audiences"][kind]
    for kind, label in JUSTICE_LABELS.items():
        fields[f"justice_{kind}"] = LongField(label, limit=1500)
        data[f"justice_{kind}"] = values["justice"][kind]
    return _made(PeopleBase, fields, PeopleBase.names)(data=data, **given)


def _climate_form(values: Values, given: Values) -> Any:
    fields: dict[str, Any] = {}
    data: Values = {}
    for axis in CLIMATE_LABELS:
        fields[f"rating_{axis}"] = OneInListField(_l("Effet du projet"), choices=list(RATING_LABELS.items()))
        fields[f"proof_{axis}"] = LongField(_l("Ce qui le montre"), limit=1500)
        data[f"rating_{axis}"], data[f"proof_{axis}"] = values["effects"][axis]
    return _made(ClimateBase, fields, ClimateBase.names)(data=data, **given)


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
    data = {f"q_{question.id}": _typed(question, values["answers"].get(str(question.id))) for question in questions}
    form = _made(QuestionsBase, fields, names, questions=questions, others=offered["all_questions"])
    return form(data=data, **given)


def _typed(question: Question, value: Any) -> Any:
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
