"""Forms of the schedule and of payment orders."""

from collections.abc import Iterator
from typing import Any

from wtforms import Field, FormField, SelectChoice, SelectField
from wtforms import Form as PlainForm

from grants.awards.forms.amendment import AmendedForm
from grants.awards.models.disbursement import KIND_LABELS, InstalmentKind
from grants.kernel.forms import DayField, Form, LineField, LinesField, LongField, MoneyField, Required, ValidationError
from grants.kernel.money import Money
from grants.kernel.text import bare
from grants.kernel.versions import VersionField
from grants.kernel.words import _, _l

MOST_STEPS = 12


class StepForm(PlainForm):
    """One instalment; a line left empty does not count."""

    label = LineField(_l("Intitulé"), limit=120)
    kind = SelectField(_l("Nature"), choices=[SelectChoice(kind.value, word) for kind, word in KIND_LABELS.items()])
    amount = MoneyField(_l("Montant"), whole=False)
    due_on = DayField(_l("Date prévue"))
    condition = LineField(_l("Condition ou événement"), limit=500)

    def is_empty(self) -> bool:
        """Whether nothing was written on this line."""
        typed = self.amount.raw_data and str(self.amount.raw_data[0]).strip()
        return not (self.label.data or typed or self.condition.data)

    def validate_label(self, field: Field) -> None:
        """A line that holds something has a name."""
        if not field.data and not self.is_empty():
            raise ValidationError(_("Donnez un nom à cette échéance."))

    def validate_amount(self, field: Field) -> None:
        """A line that holds something has an amount."""
        if field.data is None and not field.process_errors and not self.is_empty():
            raise ValidationError(_("Donnez un montant."))


class ScheduleForm(AmendedForm):
    """A schedule: as many lines as needed; « Ajouter une ligne » works without scripts."""

    version = VersionField()
    steps = LinesField(FormField(StepForm), label=_l("Échéances"), min_entries=1, max_entries=MOST_STEPS)

    def written(self) -> Iterator[Any]:
        """The lines that hold something."""
        return (entry.form for entry in self.steps.entries if not entry.form.is_empty())

    def values(self) -> list[dict[str, Any]]:
        """What was planned, line by line."""
        return [
            {
                "label": line.label.data,
                "kind": InstalmentKind(line.kind.data),
                "amount": line.amount.data,
                "due_on": line.due_on.data,
                "condition": line.condition.data or "",
            }
            for line in self.written()
        ]

    def total(self) -> Money:
        """What the lines add up to, as far as they can be read."""
        return sum((line.amount.data for line in self.written() if line.amount.data), Money(0))

    def add_line(self) -> None:
        """One more empty line."""
        if len(self.steps.entries) < MOST_STEPS:
            self.steps.append_entry()


class ReasonForm(Form):
    """Why a payment order is stopped or sent back."""

    note = LongField(_l("Le motif"), [Required(_l("Écrivez le motif."))], limit=500)


class AttestForm(Form):
    """The condition of an instalment is met: since when, and what proves it."""

    attested_on = DayField(_l("Remplie depuis le"), [Required(_l("Indiquez la date."))])
    proof = LongField(
        _l("Ce qui le prouve"), [Required(_l("Dites ce qui le prouve."))], limit=500,
        description=_l("Le document ou la constatation, et où on les trouve. Le comptable public peut les demander."),
    )  # fmt: skip


class OrderForm(Form):
    """A payment order issued in the finance software."""

    number = LineField(
        _l("Numéro du mandat"), [Required()], limit=40, read=bare, description=_l("Celui du logiciel financier.")
    )
    ordered_on = DayField(_l("Date du mandat"), [Required(_l("Indiquez la date."))])


class PayForm(Form):
    """The day on which the public accountant says to have paid."""

    paid_on = DayField(
        _l("Date comptable"), [Required(_l("Indiquez la date."))],
        description=_l("La date de paiement donnée par le comptable public."),
    )  # fmt: skip
