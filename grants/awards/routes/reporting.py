"""Views on the final report: written by the association, examined by the fund."""

from typing import Any
from uuid import UUID

from flask import flash, redirect, request, url_for
from werkzeug.wrappers import Response

from grants.applications.parts.budget import Totals, budget_gaps, is_in_kind
from grants.awards import letters, queries
from grants.awards.actions import reporting as actions
from grants.awards.forms.reporting import ReturnForm, report_form, report_values
from grants.awards.lifecycle import ReportState
from grants.awards.models import Report
from grants.awards.routes.blueprint import Answer, bp
from grants.kernel import stored_forms, uploads
from grants.kernel.access import actor, may_know, prepared_by, requires
from grants.kernel.bodies import takes_files
from grants.kernel.db import db
from grants.kernel.errors import InvalidError, MissingError
from grants.kernel.forms import form_page, keep_valid, mark
from grants.kernel.pages import colon
from grants.kernel.uploads import StoredFile
from grants.kernel.versions import as_shown
from grants.kernel.words import _, in_words_of
from grants.permissions import P
from grants.programme import queries as programme

WRITABLE = (ReportState.EXPECTED, ReportState.RETURNED)


def _titles() -> dict[str, str]:
    """The names of the accounts, in the reader's language."""
    return {account.code: in_words_of(account, "title") for account in programme.budget_accounts()}


@bp.route("/mes-bilans/<uuid:report_id>", methods=["GET", "POST"])
@requires(P.REPORT_WRITE, Report)
@prepared_by(uploads.examine_sent)
@takes_files
def report(report: Report) -> Answer:
    """Write the report: keep it as it is, or send it."""
    if report.state not in WRITABLE and request.method == "GET":
        return redirect(url_for("awards.report_read", report_id=report.id))
    is_typed = request.method == "GET" and stored_forms.recall_draft(actor().id, "version", str(report.version))
    form = report_form(report, _titles())
    if request.method == "POST" and (form.validate() or "submit" not in request.form):
        answer = _keep(report, form)
        if answer is not None:
            return answer
    elif is_typed:
        mark(form)
    return form_page("awards/report.html", form, **_sides(report), **_context(report))


def _keep(report: Report, form: Any) -> Response | None:
    """Save what is right, with its documents; send it when that button was pressed. None when it cannot be taken.

    What is wrong in a report that is not sent stays on the page as it was typed, for its author.
    """
    is_right, is_sent = not form.errors, "submit" in request.form
    if not is_right:
        keep_valid(form, report_form(report, _titles(), formdata=None))
    try:
        files, refusals = _files_of(report, form, is_sent=is_sent)
        actions.save(report, **report_values(form, report), files=files, version=form.version.data, by=actor())
        if is_sent:
            actions.submit(report, by=actor())
    except InvalidError as error:
        form.refuse(error.field, error.message)
        return None
    for message in refusals:
        flash(message, "error")
    return _kept(report, is_right=is_right and not refusals)


def _files_of(report: Report, form: Any, *, is_sent: bool) -> tuple[list[StoredFile], list[str]]:
    """The documents that could be taken, and why each of the others could not; a report that is sent takes them all."""
    taken, refusals = [], []
    place = {"organisation_id": report.award.organisation_id, "dossier_id": report.award.application_id}
    for file in form.given_files():
        try:
            taken.append(uploads.accept(file, by=actor(), field="files", **place))
        except InvalidError as error:
            if is_sent:
                raise
            refusals.append(f"{file.filename}{colon()} {error.message}")
    return taken, refusals


def _kept(report: Report, *, is_right: bool) -> Response:
    who = actor().id
    if who is not None and is_right:
        stored_forms.forget_draft(who, request.path)
    elif who is not None:
        db.session.flush()
        edition = str(report.version)
        stored_forms.keep_draft(
            who, request.path, [(n, edition if n == "version" else value) for n, value in stored_forms.said()]
        )
        flash(_("Enregistré, sauf ce qui est marqué : corrigez-le, puis enregistrez de nouveau."), "warning")
        return redirect(url_for("awards.report", report_id=report.id), 303)
    if report.state is ReportState.SUBMITTED:
        flash(_("Votre bilan est envoyé. Merci."), "success")
        return redirect(url_for("awards.own", award_id=report.award_id))
    flash(_("Votre bilan est enregistré."), "success")
    return redirect(url_for("awards.report", report_id=report.id))


def _context(report: Report) -> dict[str, Any]:
    return {
        "report": report,
        "award": report.award,
        "titles": _titles(),
        "balance": queries.settlement_of(report),
        "is_advance": queries.is_advance(report.award),
        "rate": letters.rate_of(report.award),
        "to_explain": {line.id for line in queries.lines_to_explain(report)},
        "files": [
            {
                "name": row.file.name,
                "href": url_for("awards.report_file", report_id=report.id, file=row.file_id),
                "note": uploads.file_note(row.file),
                "stored": row.file,
            }
            for row in report.files
        ],
    }


def _sides(report: Report) -> dict[str, Any]:
    """The totals of both sides, in money and in kind, as last saved, and what differs between them."""
    names = ("charges", "resources")
    money = dict(zip(names, actions.sides_of(report, in_kind=False), strict=True))
    kind = dict(zip((f"{name}_in_kind" for name in names), actions.sides_of(report, in_kind=True), strict=True))
    found = Totals(*money.values(), *kind.values())
    gaps = budget_gaps(found)
    verdict = {"balanced": not gaps if found.charges or gaps else None, "message": " ".join(gaps)}
    return {"sides": {**money, **kind, **verdict}, "is_in_kind": is_in_kind}


# ---- reading and deciding ------------------------------------------------------------------------------------------


@bp.get("/bilans/<uuid:report_id>")
@requires(P.FILE_READ, Report)
def report_read(report: Report) -> Answer:
    """The report as it was sent, planned and real side by side."""
    return _read_page(report)


def _read_page(report: Report, form: ReturnForm | None = None) -> Answer:
    forms = (form,) if form else ()
    released = report.award.released if report.is_accepted else queries.settlement_of(report).released
    return form_page(
        "awards/report_read.html",
        *forms,
        form=form or ReturnForm(),
        released=released,
        **_sides(report),
        **_context(report),
    )


@bp.post("/bilans/<uuid:report_id>/accepter")
@requires(P.REPORT_DECIDE, Report)
@as_shown
def accept_report(report: Report) -> Response:
    """Accept the report; the balance follows."""
    actions.accept(report, by=actor())
    flash(_("Le bilan est accepté et le solde est calculé. L’association est prévenue."), "success")
    return redirect(url_for("awards.show", award_id=report.award_id))


@bp.post("/bilans/<uuid:report_id>/renvoyer")
@requires(P.REPORT_DECIDE, Report)
@as_shown
def return_report(report: Report) -> Answer:
    """Ask the association for a correction."""
    form = ReturnForm()
    if form.validate_on_submit():
        actions.send_back(report, form.note.data, by=actor())
        flash(_("La correction est demandée. L’association est prévenue et lira votre message."), "success")
        return redirect(url_for("awards.show", award_id=report.award_id))
    return _read_page(report, form)


@bp.get("/bilans/<uuid:report_id>/documents/<uuid:file>")
@requires(P.FILE_READ, Report)
def report_file(report: Report, file: UUID) -> Response:
    """A document given with the report; to the fund once that is sent."""
    for row in report.files:
        if row.file_id == file and may_know(row.file):
            return uploads.send(row.file, to=actor())
    raise MissingError
