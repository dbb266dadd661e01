"""What a form of a schedule asks for once the award is engaged: the amendment."""

from typing import Any

from grants.kernel.forms import DayField, Form, LineField, LongField
from grants.kernel.words import _, _l


class AmendedForm(Form):
    """A form whose schedule changes by an amendment alone once the award is engaged."""

    number = LineField(_l("Numéro de l’avenant"), limit=40)
    signed_on = DayField(_l("Signé le"))
    reason = LongField(_l("Ce que change l’avenant, et pourquoi"), limit=1000)

    def amendment(self) -> dict[str, Any] | None:
        """The amendment that was written, when it is whole; else None, and what is missing is marked."""
        given = {"number": self.number.data, "signed_on": self.data["signed_on"], "reason": self.reason.data}
        for name, value in given.items():
            if not value and not self[name].errors:
                self.refuse(name, _("Remplissez ce champ : un échéancier engagé ne change que par un avenant."))
        return given if all(given.values()) else None
