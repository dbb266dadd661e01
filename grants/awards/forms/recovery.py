"""Forms of what an association owes back: repayments, recoveries, receipts, and what is not asked any more."""

from collections.abc import Iterable
from typing import Any

from wtforms import Field, FormField, SelectField
from wtforms import Form as PlainForm

from grants.awards.forms.amendment import AmendedForm
from grants.awards.models.recovery import GROUND_LABELS, Ground
from grants.kernel.forms import (
    DayField,
    Form,
    LineField,
    LinesField,
    LongField,
    MoneyField,
    Required,
    ValidationError,
    options,
)
from grants.kernel.money import Money
from grants.kernel.text import bare
from grants.kernel.versions import VersionField
from grants.kernel.words import _, _l

MOST_DUES = 40


class DueForm(PlainForm):
    """One repayment; a line left empty does not count."""

    amount = MoneyField(_l("Montant"), whole=False)
    due_on = DayField(_l("Date"))

    def is_empty(self) -> bool:
        """Whether nothing was written on this line."""
        return not any(str(text).strip() for field in (self.amount, self.due_on) for text in field.raw_data or [])

    def validate_amount(self, field: Field) -> None:
        """A line that holds something has an amount."""
        if field.data is None and not field.process_errors and not self.is_empty():
            raise ValidationError(_("Donnez un montant."))

    def validate_due_on(self, field: Field) -> None:
        """A line that holds something has a day."""
        if field.data is None and not field.process_errors and not self.is_empty():
            raise ValidationError(_("Indiquez la date."))


class RepaymentsForm(AmendedForm):
    """The repayment schedule of an advance; a line is added without scripts."""

    version = VersionField()
    dues = LinesField(FormField(DueForm), label=_l("Remboursements"), min_entries=1, max_entries=MOST_DUES)

    def values(self) -> list[dict[str, Any]]:
        """What was planned, line by line."""
        lines = (entry.form for entry in self.dues.entries if not entry.form.is_empty())
        return [{"amount": line.amount.data, "due_on": line.due_on.data} for line in lines]

    def total(self) -> Money:
        """What the lines add up to, as far as they can be read."""
        return sum((entry.form.amount.data for entry in self.dues.entries if entry.form.amount.data), Money(0))

    def add_line(self) -> None:
        """One more empty line."""
        if len(self.dues.entries) < MOST_DUES:
            self.dues.append_entry()


class RecoveryForm(Form):
    """What is asked back, by when and why."""

    amount = MoneyField(_l("Somme à reverser"), [Required(_l("Donnez un montant."))], whole=False)
    due_on = DayField(_l("À payer avant le"), [Required(_l("Indiquez la date."))])
    reason = LongField(
        _l("Le motif"), [Required(_l("Écrivez le motif."))], limit=500,
        description=_l("L’association lira ce texte."),
    )  # fmt: skip


class IssueForm(Form):
    """The order to pay back, issued in the finance software."""

    number = LineField(
        _l("Numéro du titre"), [Required()], limit=40, read=bare, description=_l("Celui du logiciel financier.")
    )
    issued_on = DayField(_l("Date du titre"), [Required(_l("Indiquez la date."))])


class ReceiveForm(Form):
    """What the public accountant says was received."""

    version = VersionField()
    amount = MoneyField(_l("Somme reçue"), [Required(_l("Donnez un montant."))], whole=False)
    day = DayField(
        _l("Date comptable"), [Required(_l("Indiquez la date."))],
        description=_l("La date d’encaissement donnée par le comptable public."),
    )  # fmt: skip
    number = LineField(_l("Référence de l’encaissement"), limit=40)


class ReversalForm(Form):
    """A receipt that was recorded by mistake: which one, and why."""

    line = SelectField(_l("Encaissement à annuler"), [Required()])
    reason = LongField(
        _l("Le motif"), [Required(_l("Écrivez le motif."))], limit=500,
        description=_l("Ce qui était faux, et d’où vient la correction. L’association lira ce texte."),
    )  # fmt: skip

    def offer(self, receipts: Iterable[tuple[int, str]]) -> None:
        """The receipts that stand: their lines and their words."""
        self.line.choices = options(receipts)


class WaiverForm(Form):
    """A sum that is not asked any more: on what ground, and by which decision."""

    ground = SelectField(_l("Nature de la décision"), [Required()], choices=options(GROUND_LABELS.items()))
    amount = MoneyField(_l("Somme qui n’est plus réclamée"), [Required(_l("Donnez un montant."))], whole=False)
    reason = LongField(
        _l("La décision et son motif"), [Required(_l("Dites quelle décision, et pourquoi."))], limit=500,
        description=_l("Qui a décidé, quand, et pourquoi. L’association lira ce texte."),
    )  # fmt: skip

    def values(self) -> dict[str, Any]:
        """What was written."""
        return {"ground": Ground(self.ground.data), "amount": self.amount.data, "reason": self.reason.data}
