"""What people type about appeals: reasons and files, an answer, a vote of the deliberative body."""

from typing import Any

from flask_wtf.file import MultipleFileField
from wtforms import RadioField
from wtforms.fields.choices import SelectChoice

from grants.appeals.rules import LONGEST, LONGEST_ANSWER, NewVote
from grants.kernel.formats import SUFFIXES
from grants.kernel.forms import DayField, Form, LineField, LongField, MoneyField, Required
from grants.kernel.money import Money
from grants.kernel.versions import VersionField
from grants.kernel.words import _l


class AppealForm(Form):
    """Why the organisation asks for its decision to be looked at again, and the files that support it."""

    reasons = LongField(
        _l("Vos raisons"), [Required(_l("Écrivez pourquoi la décision devrait être revue."))], limit=LONGEST
    )
    files = MultipleFileField(_l("Pièces jointes"), render_kw={"accept": SUFFIXES})

    def given_files(self) -> list[Any]:
        """The files really chosen."""
        return [file for file in self.files.data or [] if getattr(file, "filename", "")]


class ConfirmForm(Form):
    """A button."""


class AnswerForm(Form):
    """What the manager does with an appeal, and why."""

    outcome = RadioField(
        _l("Réponse"),
        [Required(_l("Choisissez la réponse."))],
        choices=[
            SelectChoice("reject", _l("Rejeter : la décision ne change pas")),
            SelectChoice("refer", _l("Renvoyer à l’assemblée délibérante : elle vote de nouveau")),
        ],
        coerce=lambda value: value if value is None else str(value),
    )
    text = LongField(
        _l("Pourquoi"), [Required(_l("Écrivez pourquoi : l’association lira ces raisons."))], limit=LONGEST_ANSWER
    )
    version = VersionField()


class VoteForm(Form):
    """What the deliberative body voted on an appeal."""

    act_number = LineField(_l("Numéro de l’acte"), [Required()], limit=40)
    act_on = DayField(_l("Date de l’acte"), [Required()])
    act_body = LineField(_l("Organe qui a voté"), [Required()], limit=200)
    amount = MoneyField(_l("Montant accordé en tout"), [Required(_l("Écrivez 0 si le refus est confirmé."))])
    text = LongField(
        _l("Pourquoi"), [Required(_l("Écrivez pourquoi : l’association lira ces raisons."))], limit=LONGEST_ANSWER
    )
    version = VersionField()

    def vote(self) -> NewVote:
        """The vote as it was typed; read once the form is valid."""
        typed = self.data
        amount = typed["amount"]
        return NewVote(
            typed["act_number"], typed["act_on"], typed["act_body"], Money(0) if amount is None else amount,
            typed["text"],
        )  # fmt: skip
