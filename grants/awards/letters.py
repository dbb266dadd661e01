"""What we write about awards: letters at each step, the terms of an agreement and its printed paper."""

import re
from collections.abc import Sequence
from datetime import date
from fractions import Fraction
from typing import Any

from grants.awards import queries, rules
from grants.awards.models import (
    Agreement,
    Award,
    BankDetails,
    Ground,
    Instalment,
    InstalmentKind,
    Receivable,
    Report,
)
from grants.awards.models.recovery import GROUND_LABELS
from grants.kernel import clock, papers
from grants.kernel.actor import Actor
from grants.kernel.money import Money, percentage
from grants.kernel.outbox import write
from grants.kernel.pages import colon, day, decimal, money, percent
from grants.kernel.words import _, force_locale, in_words_of
from grants.people.models import Organisation
from grants.programme import queries as programme

AGREEMENT = "agreement"
TO_COMPLETE = "[à compléter]"
CLAUSES = (
    "clause_purpose", "clause_duration", "clause_amount", "clause_payment", "clause_repayment", "clause_accounts",
    "clause_control", "clause_evaluation", "clause_change", "clause_unspent", "clause_no_pass_on", "clause_publicity",
    "clause_commitment", "clause_termination", "clause_court",
)  # fmt: skip


def opened(award: Award) -> None:
    """The support was decided: what comes next, and what to do now."""
    _to_members("awards_opened", award, award.id, amount=award.amount, act=award.decision.meeting.act_number,
                act_on=queries.act_day(award), need=queries.agreement_need(award).is_due,
                is_advance=queries.is_advance(award))  # fmt: skip


def agreement_to_sign(agreement: Agreement) -> None:
    """The agreement is ready to be read and signed."""
    key = f"{agreement.id}:{agreement.prepared_at.isoformat()}"
    _to_members("awards_agreement", agreement.award, key, number=agreement.number)


def engaged(award: Award, report: Report) -> None:
    """The award is engaged: payments to come, and the day the report is due."""
    _to_members("awards_engaged", award, award.id, amount=award.amount, due_on=report.due_on)


def bank_details_given(details: BankDetails, organisation: Organisation, giver: str) -> None:
    """New bank details were given: everybody who could tell that it was not them is warned."""
    for address, locale in queries.warned_of_bank_details(organisation):
        write("awards_bank_given", to=address, locale=locale, dedup=f"awards_bank_given:{details.id}:{address}",
              organisation=organisation.name, giver=giver, last4=details.iban_last4, at=details.given_at)  # fmt: skip


def bank_details_settled(details: BankDetails) -> None:
    """Bank details were confirmed by two people, or refused with a reason."""
    for address, locale in queries.members_of(details.organisation_id):
        write("awards_bank_settled", to=address, locale=locale, dedup=f"awards_bank_settled:{details.id}:{address}",
              organisation=details.organisation, last4=details.iban_last4, is_confirmed=not details.is_refused,
              note=details.note)  # fmt: skip


def ordered(instalment: Instalment) -> None:
    """The payment order was issued; the accountant checks it and pays."""
    key = f"{instalment.id}:{instalment.attempt}"
    _to_members("awards_ordered", instalment.award, key, label=instalment.label, amount=instalment.amount,
                number=instalment.order_number, on=instalment.ordered_on)  # fmt: skip


def paid(instalment: Instalment) -> None:
    """The public accountant paid, on the day of the accounts."""
    _to_members("awards_paid", instalment.award, instalment.id, label=instalment.label, amount=instalment.amount,
                on=instalment.paid_on)  # fmt: skip


def order_stopped(instalment: Instalment, how: str, note: str, *, number: str) -> None:
    """A payment order told before does not lead to a payment now: suspended, rejected or cancelled, and why."""
    key = f"{instalment.id}:{instalment.attempt}:{how}:{clock.now().isoformat()}"
    _to_members("awards_order_stopped", instalment.award, key, label=instalment.label, amount=instalment.amount,
                number=number, how=how, note=note)  # fmt: skip


def recovery_issued(receivable: Receivable) -> None:
    """Money is asked back: how much, why, by when and under which number."""
    _to_members("awards_recovery", receivable.award, receivable.id, amount=receivable.amount,
                due_on=receivable.due_on, number=receivable.number, reason=receivable.reason)  # fmt: skip


def received(receivable: Receivable, amount: Money, on: date, *, at: str) -> None:
    """A repayment or a recovery was received, in whole or in part."""
    _to_members("awards_received", receivable.award, f"{receivable.id}:{at}", amount=amount, on=on,
                left=receivable.left)  # fmt: skip


def receipt_reversed(receivable: Receivable, amount: Money, on: date, reason: str, *, at: str) -> None:
    """A receipt was recorded by mistake: which, why, and what is owed again."""
    _to_members("awards_receipt_reversed", receivable.award, f"{receivable.id}:{at}", amount=amount, on=on,
                reason=reason, left=receivable.left)  # fmt: skip


def given_up(receivable: Receivable, amount: Money, ground: Ground, reason: str, *, at: str) -> None:
    """A sum is not asked any more: on what ground, and why."""
    _to_members("awards_given_up", receivable.award, f"{receivable.id}:{at}", amount=amount,
                ground=GROUND_LABELS[ground], reason=reason, left=receivable.left)  # fmt: skip


def repayment_expected(receivable: Receivable, days: int) -> None:
    """A sum owed back will be due, or is late."""
    key = f"{receivable.id}:{receivable.due_on}:{days}"
    _to_members("awards_repayment_expected", receivable.award, key, amount=receivable.left, due_on=receivable.due_on,
                late=days < 0)  # fmt: skip


def report_expected(report: Report, days: int) -> None:
    """The report will be due, or is."""
    _to_members("awards_report_expected", report.award, f"{report.id}:{report.due_on}:{days}", report=report,
                due_on=report.due_on)  # fmt: skip


def report_returned(report: Report) -> None:
    """The report calls for a correction."""
    key = f"{report.id}:{report.submitted_at.isoformat() if report.submitted_at else ''}"
    _to_members("awards_report_returned", report.award, key, report=report, note=report.decision_note)


def report_accepted(report: Report, balance: rules.Settlement) -> None:
    """The report is accepted: what the award finally is, what is still to come."""
    award = report.award
    advance = queries.is_advance(award)
    _to_members("awards_report_accepted", award, report.id, balance=balance, is_advance=advance)


def _to_members(template: str, award: Award, key: object, **facts: Any) -> None:
    for address, locale in queries.members_of(award.organisation_id):
        write(
            template,
            to=address,
            locale=locale,
            dedup=f"{template}:{key}:{address}",
            dossier_id=award.application_id,
            award=award,
            title=award.application.title,
            reference=award.application.reference,
            **facts,
        )


# ---- the agreement -------------------------------------------------------------------------------------------------


def rate_of(award: Award) -> str:
    """The share of the eligible base that the award covers, with two decimals when it needs them."""
    rate: Fraction = percentage(award.amount, award.eligible_base)
    return f"{decimal(rate, 0 if rate.denominator == 1 else 2)} %"


def terms_of(award: Award, instalments: Sequence[Instalment], *, at: date | None = None) -> str:
    """The terms of an agreement composed from the configured clauses, in French, ready to be completed.

    What no table knows is marked TO_COMPLETE.
    """
    with force_locale("fr"):
        facts = _facts_of(award, instalments, at or clock.today())
        codes = [code for code in CLAUSES if code != "clause_repayment" or queries.is_advance(award)]
        clauses = programme.texts_of_codes(codes)
        titled = [
            (in_words_of(clauses[code], "title"), in_words_of(clauses[code], "body").format_map(facts))
            for code in codes
        ]
        if award.decision.conditions:
            titled.insert(3, (_("Conditions particulières"), award.decision.conditions))
    return "\n\n".join(
        f"Article {number} – {title}\n{_spaced(body)}" for number, (title, body) in enumerate(titled, start=1)
    )


def _spaced(body: str) -> str:
    """A clause with one empty line between paragraphs, whatever its placeholders brought."""
    return re.sub(r"\n\s*\n\s*", "\n\n", body).strip()


def _facts_of(award: Award, instalments: Sequence[Instalment], at: date) -> dict[str, str]:
    application, fund = award.application, award.application.call.fund
    ends_on = application.ends_on or at
    report_due = programme.report_due_on(ends_on, award.organisation.year_end_month)
    repayments = [repayment_line(row) for row in queries.repayments_of(award.id)]
    return {
        "association": award.organisation.name,
        "title": application.title,
        "reference": application.reference or "",
        "starts_on": day(application.starts_on),
        "ends_on": day(application.ends_on),
        "body": fund.body_name,
        "court": fund.court or TO_COMPLETE,
        "agreement_ends_on": day(clock.add_months(report_due, 6)),
        "amount": money(award.amount),
        "rate": rate_of(award),
        "eligible_base": money(award.eligible_base),
        "schedule": _listing([schedule_line(row) for row in instalments] or [TO_COMPLETE]),
        "repayment_schedule": _listing(repayments or [TO_COMPLETE]),
        "unspent_limit": _("%(rate)s de l’aide versée", rate=percent(programme.law_number("unspent_limit", at))),
        # A dossier tells what partners bring, never that money is passed on to them: the list of exceptions is empty.
        "partners": _("aucun partenaire."),
    }


def schedule_line(instalment: Instalment) -> str:
    """An instalment as a line of the agreement."""
    parts = [f"{instalment.label}{colon()} {money(instalment.amount)}"]
    if instalment.due_on:
        parts.append(_("prévu le %(day)s", day=day(instalment.due_on)))
    if instalment.kind is InstalmentKind.BALANCE:
        parts.append(_("après l’acceptation du bilan"))
    if instalment.condition:
        parts.append(instalment.condition)
    return ", ".join(parts)


def repayment_line(repayment: Receivable) -> str:
    """A repayment of an advance as a line of the agreement."""
    return _("%(amount)s le %(day)s", amount=money(repayment.amount), day=day(repayment.due_on))


def _listing(lines: Sequence[str]) -> str:
    return "".join(f"\n- {line}" for line in lines) + "\n\n" if lines else ""


def issue_agreement(agreement: Agreement, *, by: Actor, recomposed: bool = False) -> None:
    """Keep the agreement to be signed, in French, as it is prepared now; prepared again, it is the next edition."""
    papers.issue(AGREEMENT, agreement, {"fr": _agreement_text(agreement, recomposed=recomposed)}, by=by,
                 recomposed=recomposed)  # fmt: skip


def recompose(limit: int, *, by: Actor) -> int:
    """Keep the agreements that left before papers were kept, marked with the day of today; returns how many."""
    left = papers.never_issued(AGREEMENT, Agreement, limit)
    for agreement in left:
        issue_agreement(agreement, by=by, recomposed=True)
    return len(left)


def agreement_paper(agreement: Agreement) -> bytes:
    """The agreement as an archive PDF: the same bytes as when it was last prepared."""
    paper = papers.latest(AGREEMENT, agreement.id)
    if paper is None:
        return papers.draw(_agreement_text(agreement, recomposed=True)["sheet"])
    return papers.given(paper, "fr")


def _agreement_text(agreement: Agreement, *, recomposed: bool) -> dict[str, Any]:
    with force_locale("fr"):
        data, title = _paper_of(agreement), _("Convention d’attribution n° %(number)s", number=agreement.number)
        notice = papers.recomposed_notice() if recomposed else ""
    page = papers.sheet("agreement", data, at=agreement.prepared_at, title=title, language="fr", notice=notice)
    return {"sheet": page, "said": {"number": agreement.number, "terms": agreement.terms}}


def _paper_of(agreement: Agreement) -> dict[str, Any]:
    award = agreement.award
    application, organisation, fund = award.application, award.organisation, award.application.call.fund
    meeting = award.decision.meeting
    sides = {side: [line for line in application.budget_lines if line.side == side] for side in ("charge", "resource")}
    return {
        "reference": agreement.number,
        "letterhead": {"body": fund.body_name, "fund": fund.name, "lines": [fund.service_name, fund.service_address]},
        "recipient": [organisation.name, organisation.address, f"{organisation.postcode} {organisation.city}".strip()],
        "project": application.title,
        "facts": [
            [_("Entre"), _("%(body)s, qui attribue l’aide", body=fund.body_name)],
            [_("et"), _party(organisation)],
            [_("Projet"), f"{application.title} ({application.reference})"],
            [_("Acte"), f"{meeting.act_body}, {meeting.act_number}, {day(meeting.act_on)}"],
            [_("Montant"), money(award.amount)],
        ],
        "shares_title": _("Les axes que sert le projet"),
        "shares": [
            [share.axis.code, share.axis.title, share.axis.colour, share.percent] for share in application.axis_shares
        ],
        "articles": [{"title": title, "text": text} for title, text in rules.articles_of(agreement.terms)],
        "signatures_title": _("Signatures"),
        "signatures": [
            [fund.body_name, [_("Fait à … le …"), _("Signature")]],
            [
                organisation.name,
                [f"{organisation.representative_name}, {organisation.representative_role}", _("Fait à … le …")],
            ],
        ],
        "annex_title": _("Annexe : budget prévisionnel du projet"),
        "columns": [[_("Compte"), "left", 1], [_("Intitulé"), "left", 5], [_("Prévu"), "right", 2]],
        "budget": [
            {
                "caption": _("Charges") if side == "charge" else _("Ressources"),
                "rows": [
                    [line.account if line.account.isdigit() else "", line.label, money(line.amount)] for line in lines
                ],
                "total": ["", _("Total"), money(sum((line.amount for line in lines), Money(0)))],
            }
            for side, lines in sides.items()
        ],
    }


def _party(organisation: Organisation) -> str:
    numbers = [f"SIRET {organisation.siret}"] if organisation.siret else []
    numbers += [f"RNA {organisation.rna}"] if organisation.rna else []
    who = _("représentée par %(name)s, %(role)s", name=organisation.representative_name or "…",
            role=organisation.representative_role or "…")  # fmt: skip
    return f"{organisation.name} ({', '.join(numbers)}), {who}"
