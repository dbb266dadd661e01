"""Forms of the final report, made for the lines and indicators of each."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from wtforms import MultipleFileField

from grants.awards.models import Report
from grants.kernel.forms import Form, LongField, MoneyField, Required, WholeField
from grants.kernel.money import Money
from grants.kernel.versions import VersionField
from grants.kernel.words import _l


class ReportForm(Form):
    """What was done, against what was planned. Lines and indicators are added by `report_form`."""

    version = VersionField()
    narrative = LongField(
        _l("Ce qui a été fait"), limit=12_000,
        description=_l("Où, quand, avec qui ; ce qui a marché, ce qui n’a pas marché, ce que vous en retenez."),
    )  # fmt: skip
    people_reached = WholeField(_l("Personnes touchées"), maximum=10_000_000)
    gaps = LongField(
        _l("Explication des écarts"), limit=6000,
        description=_l("Ce qui explique les lignes qui s’éloignent de ce qui était prévu."),
    )  # fmt: skip
    files = MultipleFileField(
        _l("Documents"),
        description=_l("Par exemple le rapport d’activité, les comptes approuvés, des photos."),
    )

    def given_files(self) -> list[Any]:
        """The files really chosen."""
        return [file for file in self.files.data or [] if getattr(file, "filename", "")]

    def line(self, line_id: UUID) -> Any:
        """The field of a budget line."""
        return self[f"line_{line_id.hex}"]

    def indicator(self, indicator_id: UUID) -> Any:
        """The field of an indicator."""
        return self[f"indicator_{indicator_id.hex}"]


def report_form(report: Report, titles: Mapping[str, str], **given: Any) -> ReportForm:
    """The form of one report, filled with what it holds; `titles` are the names of the accounts.

    `given` goes to the form itself.
    """
    fields: dict[str, Any] = {}
    data: dict[str, Any] = {
        "version": report.version,
        "narrative": report.narrative,
        "people_reached": report.people_reached,
        "gaps": report.gaps,
    }
    for line in report.lines:
        name = f"line_{line.id.hex}"
        fields[name] = MoneyField(line.label or titles.get(line.account, line.account))
        data[name] = line.actual
    for row in report.indicators:
        name = f"indicator_{row.id.hex}"
        fields[name] = WholeField(row.label)
        data[name] = row.actual
    form: ReportForm = type("FilledReportForm", (ReportForm,), fields)(data=data, **given)
    return form


def report_values(form: ReportForm, report: Report) -> dict[str, Any]:
    """What was written, by line and indicator."""
    lines: dict[UUID, Money | None] = {line.id: form.line(line.id).data for line in report.lines}
    indicators: dict[UUID, int | None] = {row.id: form.indicator(row.id).data for row in report.indicators}
    return {
        "narrative": form.narrative.data or "",
        "gaps": form.gaps.data or "",
        "people_reached": form.people_reached.data,
        "lines": lines,
        "indicators": indicators,
    }


class ReturnForm(Form):
    """What the association must correct."""

    note = LongField(
        _l("Ce qui est à corriger ou à préciser"), [Required(_l("Dites ce qui est à corriger."))], limit=4000,
        description=_l("L’association lira ce texte."),
    )  # fmt: skip
