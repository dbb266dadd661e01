"""Installs the demonstration fund on a new database: people, three calls, and every written dossier walked to its
state."""

from dataclasses import dataclass
from datetime import date

from babel.dates import format_date
from flask_security.utils import hash_password
from sqlalchemy import select, update

from grants.calls import actions as calls
from grants.calls.models import ApprovalRule
from grants.deliberation import actions as deliberation
from grants.demo import committee, content
from grants.demo.applicants import Applicant
from grants.demo.context import Context, Span, specimen_documents
from grants.demo.payments import AwardedApplicant
from grants.demo.script import Script
from grants.kernel.actor import Actor
from grants.kernel.db import db, unit_of_work
from grants.kernel.money import Money
from grants.kernel.outbox import Letter
from grants.kernel.words import force_locale
from grants.people import actions as people
from grants.people.models import College, Role
from grants.people.rules import password_of
from grants.programme import actions
from grants.programme import queries as programme
from grants.programme.models import ConfiguredText, Law

PASSWORD = "passage-couvert"  # noqa: S105 - shown to everybody on purpose, and only ever on demonstration data
NEXT = Span(118, 176)  # a call being prepared
SPANS = {"past": Span(-490, -430), "review": Span(-112, -61), "open": Span(-36, 21)}
ENVELOPES = {"past": Money.euros(200_000), "review": Money.euros(120_000), "open": Money.euros(250_000)}
THEMES = {
    "past": ("Le climat change, la solidarité aussi", "The climate is changing, so is solidarity"),
    "review": ("Bien vivre près de chez soi, en toute saison", "Living well close to home, in every season"),
    "open": ("Des lieux frais, des liens solides", "Cool places, strong ties"),
}


@dataclass(frozen=True)
class ShownAccount:
    """An account to try the demonstration with; `role` is a code, `association` for those who apply."""

    role: str
    name: str
    email: str
    title: str


def install(*, by: Actor) -> list[ShownAccount]:
    """Play the demonstration on a database that holds the reference data and nothing else; one transaction of its own.

    Returns the accounts to show, all with the password `PASSWORD`. Nothing is mailed: letters are marked as sent.
    """
    with force_locale("fr"), unit_of_work():
        fund = programme.fund()
        script = Script(fund.zone)
        context = Context(script, fund, by, hash_password(password_of(PASSWORD)))
        context.documents = specimen_documents(script.day(-500))
        script.add(script.at_work(-540, 9, 30), lambda: _take_office(context))
        script.add(script.at_work(-533, 10, 0), lambda: _confirm_reference(context))
        for name in SPANS:
            _schedule_call(context, name)
        script.add(
            script.at_work(-25, 16, 0), lambda: deliberation.archive(context.calls["past"], by=context.actor("manager"))
        )
        script.add(script.at_work(-11, 15, 0), lambda: _prepare_next(context))
        for name in SPANS:
            applicants = _applicants(context, name)
            for applicant in applicants:
                applicant.schedule()
                committee.schedule_screening(context, applicant)
            committee.schedule_reviews(context, name, applicants)
            if name == "past":
                committee.schedule_meeting(context, name, applicants)
            for applicant in applicants:
                if applicant.dossier.part("award"):
                    AwardedApplicant(context, applicant).schedule()
        committee.schedule_preparation(context, "review", held=12)
        script.play()
        db.session.flush()
        _mark_sent()
    return [ShownAccount(row["role"], row["name"], row["email"], row["title"]) for row in content.people()]


# ---- people --------------------------------------------------------------------------------------------------------


def _take_office(context: Context) -> None:
    """The staff and the committee arrive."""
    for row in content.people():
        if row["role"] == "association":
            continue
        account = context.open_account(row["key"], name=row["name"], email=row["email"], title=row["title"])
        college = College(row["college"]) if "college" in row else None
        people.appoint(account, Role(row["role"]), by=context.by, college=college)


def _confirm_reference(context: Context) -> None:
    """The manager writes the contacts of the service, and confirms what came from memory or was only proposed."""
    by, fund = context.actor("manager"), context.fund
    contacts = {
        "service_address": "1 passage de l’Exemple, 69000 Lyon (adresse fictive)",
        "service_phone": "00 00 00 00 00",
        "envelope": fund.envelope,
    }
    actions.edit_fund(
        fund, {**contacts, "service_email": fund.service_email}, confirmed=True, version=fund.version, by=by
    )
    unsure = {code for _kind, code in programme.unconfirmed()}
    for law in db.session.scalars(select(Law).where(Law.code.in_(unsure)).order_by(Law.code, Law.valid_from)):
        actions.confirm_law(law, by=by)
    for text in db.session.scalars(
        select(ConfiguredText)
        .where(ConfiguredText.code.in_(unsure))
        .order_by(ConfiguredText.position, ConfiguredText.code)
    ):
        actions.confirm_text(text, by=by)


def _applicants(context: Context, name: str) -> list[Applicant]:
    """The associations of a call, in the order in which they come."""
    dossiers = [dossier for dossier in content.dossiers() if dossier.call == name]
    return [Applicant(context, dossier, place, len(dossiers)) for place, dossier in enumerate(dossiers)]


# ---- calls ---------------------------------------------------------------------------------------------------------


def _schedule_call(context: Context, name: str) -> None:
    script, span = context.script, SPANS[name]
    context.spans[name] = span
    script.add(script.at_work(span.opens - 12, 14, 0), lambda: _write_call(context, name))
    script.add(script.at_work(span.opens - 3, 16, 30), lambda: _open_call(context, name))


def _write_call(context: Context, name: str) -> None:
    script, span = context.script, SPANS[name]
    closes_on = script.day(span.closes)
    theme, theme_en = THEMES[name]
    framework = programme.frameworks()[0]
    context.calls[name] = calls.create_from_reference(
        context.fund,
        framework,
        code=f"{closes_on:%Y-%m}",
        title=f"Innover pour les solidarités, appel {_of_month(closes_on)}",
        title_en=f"Innovating for solidarity, call of {format_date(closes_on, 'LLLL y', locale='en')}",
        theme=theme,
        theme_en=theme_en,
        opens_at=script.at(span.opens, 9),
        closes_at=script.at(span.closes, 17),
        envelope=ENVELOPES[name],
        by=context.actor("manager"),
    )
    if name == "open":
        context.calls[name].approval = ApprovalRule.OFFERED


def _prepare_next(context: Context) -> None:
    """A draft for the next call, made from the one that is open."""
    script, source = context.script, context.calls["open"]
    closes_on = script.day(NEXT.closes)
    calls.copy_call(
        source,
        source.framework,
        code=f"{closes_on:%Y-%m}",
        title=f"Innover pour les solidarités, appel {_of_month(closes_on)}",
        title_en=f"Innovating for solidarity, call of {format_date(closes_on, 'LLLL y', locale='en')}",
        opens_at=script.at(NEXT.opens, 9),
        closes_at=script.at(NEXT.closes, 17),
        envelope=Money.euros(150_000),
        by=context.actor("manager"),
    )


def _of_month(day: date) -> str:
    month = format_date(day, "LLLL y", locale="fr")
    return f"d’{month}" if month[0] in "ao" else f"de {month}"


def _open_call(context: Context, name: str) -> None:
    call = context.calls[name]
    calls.open_call(call, acknowledged=False, version=call.version, by=context.actor("manager"))


# ---- letters -------------------------------------------------------------------------------------------------------


def _mark_sent() -> None:
    """The letters of the demonstration left in their time; none really leaves."""
    db.session.execute(update(Letter).where(Letter.sent_at.is_(None)).values(sent_at=Letter.created_at, attempts=1))
