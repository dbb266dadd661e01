"""What screening writes: to applicants about their file, to the manager when a piece has come."""

from typing import Any

from grants.applications.models import Application
from grants.kernel import outbox
from grants.kernel.pages import day, money
from grants.kernel.words import force_locale, in_words_of
from grants.people.models import Account
from grants.programme import queries as programme
from grants.screening import queries
from grants.screening.models import PieceRequest


def remedies(application: Application) -> list[dict[str, str]]:
    """The ways to appeal, as configured texts in the reader's language: [{title, body}]."""
    return [
        {
            "title": in_words_of(programme.text_of_code(code), "title"),
            "body": programme.text_body(code, **_contacts(application)),
        }
        for code in ("remedy_gracious", "remedy_court")
    ]


def _contacts(application: Application) -> dict[str, str]:
    fund = application.call.fund
    return {
        "body": fund.body_name,
        "service": fund.service_name,
        "address": fund.service_address,
        "email": fund.service_email,
        "phone": fund.service_phone,
        "court": in_words_of(fund, "court"),
    }


def eligible(application: Application) -> None:
    """Tell the applicant that the application goes to the committee."""
    _to_applicant("screening_eligible", application, key="eligible")


def ineligible(application: Application, reason: str) -> None:
    """Tell the applicant why the application is not examined, and how to appeal."""
    for account in queries.recipients_of(application):
        with force_locale(account.locale):
            opening = programme.text_body("refusal_ineligible", reasons=reason)
            ways = remedies(application)
        _write("screening_ineligible", application, account, key="ineligible", opening=opening, remedies=ways)


def piece_requested(request: PieceRequest) -> None:
    """Ask the applicant for a piece, with the day it is due and what silence means meanwhile."""
    application = request.application
    for account in queries.recipients_of(application):
        with force_locale(account.locale):
            label = label_of(request)
            notice = programme.text_body("receipt_incomplete", missing_pieces=label, due_on=day(request.due_on))
        _write(
            "screening_piece", application, account, key=f"piece:{request.id}",
            notice=notice, piece_request=request,
        )  # fmt: skip


def piece_before_payment(request: PieceRequest) -> None:
    """Ask the applicant of a granted application for a piece without which nothing is paid."""
    for account in queries.recipients_of(request.application):
        with force_locale(account.locale):
            label = label_of(request)
        key = f"piece_before_payment:{request.id}"
        _write("screening_piece_before_payment", request.application, account, key=key, label=label)


def piece_waived(request: PieceRequest) -> None:
    """Tell the applicant that a piece is not awaited any more, and why."""
    for account in queries.recipients_of(request.application):
        with force_locale(account.locale):
            label = label_of(request)
        _write(
            "screening_piece_waived", request.application, account, key=f"piece_waived:{request.id}", label=label,
            reason=request.waiver,
        )  # fmt: skip


def piece_given(request: PieceRequest, requester: Account) -> None:
    """Tell the manager who asked that the piece has come."""
    with force_locale(requester.locale):
        label = label_of(request)
    _write("screening_piece_given", request.application, requester, key=f"piece_given:{request.id}", label=label)


def label_of(request: PieceRequest) -> str:
    """What a requested piece is called, in the reader's language."""
    return in_words_of(request.piece, "label") if request.piece is not None else request.label


def _to_applicant(template: str, application: Application, *, key: str) -> None:
    for account in queries.recipients_of(application):
        _write(template, application, account, key=key)


def _write(template: str, application: Application, account: Account, *, key: str, **context: Any) -> None:
    with force_locale(account.locale):
        requested = money(application.requested)
    outbox.write(
        template,
        to=account.email,
        dedup=f"screening:{key}:{application.id}:{account.id}",
        locale=account.locale,
        dossier_id=application.id,
        application=application,
        fund=application.call.fund,
        requested=requested,
        **context,
    )
