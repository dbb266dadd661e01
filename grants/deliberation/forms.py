"""What managers type about meetings: a day, a recommendation, an act and its votes."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from wtforms import BooleanField, RadioField
from wtforms.fields.choices import SelectChoice

from grants.deliberation.models import Recommendation
from grants.deliberation.queries import RankingLine
from grants.deliberation.rules import VERDICT_LABELS, Act, RecommendationInput, Verdict, Vote
from grants.kernel.forms import DayField, Form, LineField, LongField, MoneyField, Required
from grants.kernel.text import bare
from grants.kernel.versions import VersionField
from grants.kernel.words import _l


def _text(value: object) -> str | None:
    return None if value is None else str(value)


class MeetingForm(Form):
    """A meeting: what it is called and when it is held."""

    title = LineField(_l("Nom de la séance"), [Required()], limit=200)
    held_on = DayField(_l("Jour de la séance"), [Required()])
    calibrated = BooleanField(
        _l("Montrer le rang attendu et les dossiers à débattre"),
        description=_l(
            "Un calcul à part, sous le classement. La note décide ; le procès-verbal dit s’il a été montré."
        ),
    )
    version = VersionField()


class RecommendationForm(Form):
    """The committee's recommendation on one dossier."""

    verdict = RadioField(
        _l("Avis du comité"),
        [Required(_l("Choisissez l’avis du comité."))],
        choices=[SelectChoice(verdict.value, label) for verdict, label in VERDICT_LABELS.items()],
        coerce=_text,
    )
    amount = MoneyField(_l("Montant proposé"))
    conditions = LongField(
        _l("Conditions"), limit=2000, description=_l("Une par ligne. L’association les lira si l’aide est votée.")
    )
    reason = LongField(
        _l("Raison de l’avis"),
        limit=3000,
        description=_l("L’association la lira dans la lettre : écrivez-la pour elle, sans nommer personne."),
    )
    version = VersionField()

    @classmethod
    def about(cls, known: Recommendation | None) -> "RecommendationForm":
        """The form filled with the recommendation already given, if any."""
        if known is None:
            return cls(version=0)
        return cls(
            verdict=known.verdict.value,
            amount=known.amount or None,
            conditions=known.conditions,
            reason=known.reason,
            version=known.version,
        )

    def recommendation(self) -> RecommendationInput:
        """What was typed."""
        return RecommendationInput(
            Verdict(self.verdict.data), self.amount.data, self.conditions.data or "", self.reason.data or ""
        )


class RemovalForm(Form):
    """The version of a recommendation somebody takes back."""

    version = VersionField()


class ConfirmForm(Form):
    """A page that says what will happen, and one button."""


class ActForm(Form):
    """The act of the deliberative body; `with_votes` adds what it gives dossier by dossier."""

    act_number = LineField(
        _l("Numéro de l’acte"),
        [Required()],
        limit=40,
        read=bare,
        description=_l(
            "Par exemple 2019-3620 ou CP-2019-3620 pour une délibération, 2019-07-08-R-0162 pour un arrêté."
        ),
    )
    act_on = DayField(_l("Jour de l’acte"), [Required()])
    act_body = LineField(
        _l("Assemblée ou autorité"),
        [Required()],
        limit=200,
        description=_l("Par exemple Conseil de la Métropole, ou Commission permanente."),
    )
    act_receipt = LineField(
        _l("Numéro du reçu en préfecture"),
        limit=80,
        read=bare,
        description=_l(
            "Vous le trouvez sur l’acte transmis. Il est écrit dans les lettres et sur la page des mandats ; "
            "le système ne vérifie pas que l’acte est exécutoire."
        ),
    )

    @classmethod
    def with_votes(cls, lines: Iterable[RankingLine], **values: Any) -> "ActForm":
        """The form with an amount and a reason for each dossier the committee recommended to support."""
        fields: dict[str, Any] = {}
        for line in lines:
            if line.recommended:
                fields[f"amount_{line.application_id}"] = MoneyField(
                    _l("Montant voté pour %(reference)s", reference=line.reference),
                    [Required(_l("Écrivez le montant voté, ou 0 si l’acte refuse."))],
                    default=line.recommended,
                )
                fields[f"reason_{line.application_id}"] = LineField(
                    _l("Raison de l’écart pour %(reference)s", reference=line.reference), limit=1000
                )
        made: ActForm = type("ActFormOfMeeting", (cls,), fields)(**values)
        return made

    def act(self) -> Act:
        """The act as it was typed."""
        data = self.data
        return Act(data["act_number"], data["act_on"], data["act_body"], data["act_receipt"] or "")

    def votes(self) -> dict[UUID, Vote]:
        """What the act gives, by application."""
        return {
            UUID(name.removeprefix("amount_")): Vote(
                field.data, self[f"reason_{name.removeprefix('amount_')}"].data or ""
            )
            for name, field in self._fields.items()
            if name.startswith("amount_")
        }
