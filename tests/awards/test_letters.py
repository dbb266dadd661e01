"""What associations are told of their money, sentence by sentence, with the facts of each."""

from dataclasses import replace

import pytest
from flask import Flask
from sqlalchemy import select

from grants.awards import queries
from grants.awards.actions import disbursement, recovery
from grants.awards.lifecycle import AwardState, InstalmentState
from grants.awards.models import Award, Ground
from grants.kernel import clock, papers
from grants.kernel.actor import system
from grants.kernel.db import db, unit_of_work
from grants.kernel.money import Money
from grants.kernel.outbox import Letter
from grants.kernel.pages import day, money
from grants.programme import queries as programme
from grants.programme.actions import load_reference
from tests.awards.test_actions import overpaid
from tests.client import Page
from tests.factories import Make, copies


def last(kind: str) -> str:
    """What the newest letter of a kind says."""
    written = select(Letter.body).where(Letter.kind == kind).order_by(Letter.created_at.desc(), Letter.id)
    found = db.session.scalars(written).first()
    assert found is not None, kind
    return " ".join(found.split())


def project(award: Award) -> str:
    """How letters name a project."""
    return " ".join(
        f"pour votre projet «\u00a0{award.application.title}\u00a0» ({award.application.reference})".split()
    )


def plain(text: str) -> str:
    """A text with ordinary spaces."""
    return " ".join(text.split())


def test_an_award_is_told_with_its_act_and_its_amount(app: Flask, make: Make) -> None:
    award = make.award(state=AwardState.RUNNING)
    meeting, amount = award.decision.meeting, plain(money(award.amount))
    assert f"Par la décision {meeting.act_number} du {plain(day(meeting.act_on))}" in last("awards_opened")
    assert f"reçoit {amount} au plus." in last("awards_opened")
    assert f"Les {amount} accordés à votre projet" in last("awards_engaged")


def test_a_paper_and_a_page_say_the_names_that_the_operator_gives(
    app: Flask, make: Make, page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = {"body_name": "Ville d’exemple", "fund_name": "Fonds d’essai"}
    monkeypatch.setitem(app.config, "SETTINGS", replace(app.config["SETTINGS"], **names))
    monkeypatch.setattr(copies, "KNOWN", {})  # the dossier is written under these names
    for _time in range(2):  # grants init may be run again
        with unit_of_work():
            load_reference(by=system("tests"))
    agreement = make.agreement(make.award())
    paper = papers.latest("agreement", agreement.id)
    assert paper is not None
    member = make.member_of(agreement.award.organisation)
    pages = [page.get(view, as_=member).text for view in ("desk.home", "desk.legal", "calls.index", "awards.mine")]
    for text in (paper.content, agreement.terms, last("awards_opened"), *pages):
        assert "Métropole de Lyon" not in text
        assert "Fonds d’innovation sociale" not in text
    for text in (paper.content, last("awards_opened"), *pages):
        assert all(name in text for name in names.values())
    monkeypatch.undo()
    with unit_of_work():
        load_reference(by=system("tests"))
    assert programme.fund().name_en == "Social innovation fund"


@pytest.mark.parametrize(
    ("verb", "says"),
    [
        (
            "suspend",
            "Le comptable public a suspendu le paiement du versement « {label} » de {amount} {project}, mandat {n}.",
        ),
        ("reject", "Le comptable public a rejeté le mandat {n} du versement « {label} » de {amount} {project}."),
        ("cancel_order", "Le mandat {n} du versement « {label} » de {amount} {project} est annulé."),
    ],
)  # fmt: skip
def test_an_order_is_told_and_so_is_what_becomes_of_it(app: Flask, make: Make, verb: str, says: str) -> None:
    award = make.award(state=AwardState.RUNNING)
    row = make.instalment(award, state=InstalmentState.ORDERED)
    facts = {"label": row.label, "amount": plain(money(row.amount)), "project": project(award), "n": row.order_number}
    today = plain(day(clock.today()))
    assert (
        f"Le versement « {row.label} » de {facts['amount']} {project(award)} a été mandaté le {today}, "
        f"sous le numéro {row.order_number}."
    ) in last("awards_ordered")
    with unit_of_work():
        getattr(disbursement, verb)(row, "Le RIB ne correspond pas.", by=make.actor("finance"))
    letter = last("awards_order_stopped")
    assert says.format(**facts) in letter
    assert "Le RIB ne correspond pas." in letter
    assert ("Rien n’a été payé pour ce versement." in letter) is (verb != "suspend")


def test_a_payment_is_told_with_the_day_of_the_accounts(app: Flask, make: Make) -> None:
    award = make.award(state=AwardState.RUNNING)
    row = make.instalment(award, state=InstalmentState.PAID)
    today = plain(day(clock.today()))
    assert (
        f"Le comptable public a payé le versement « {row.label} » de {plain(money(row.amount))} {project(award)} : "
        f"date comptable du {today}."
    ) in last("awards_paid")


def test_what_is_owed_back_is_told_until_nothing_is(app: Flask, make: Make) -> None:
    award, excess = overpaid(make)
    amount, finance = plain(money(excess)), make.actor("finance")
    payable = plain(money(award.amount - excess))
    assert f"l’aide est donc de {payable}." in last("awards_report_accepted")
    assert f"{amount} ont été mandatés de plus" in last("awards_report_accepted")
    claim = make.recovery(award, excess)
    assert f"l’association doit reverser {amount}, avant le {plain(day(claim.due_on))}." in last("awards_recovery")
    assert f"Le titre porte le numéro {claim.number}" in last("awards_recovery")
    half = Money(excess.cents // 2)
    with unit_of_work():
        recovery.receive(claim, amount=half, on=clock.today(), version=claim.version, by=finance)
    today = plain(day(clock.today()))
    assert f"Le comptable public a reçu {plain(money(half))} de l’association le {today}" in last("awards_received")
    assert f"Il reste {plain(money(claim.left))} à payer sur cette échéance." in last("awards_received")
    left = claim.left
    with unit_of_work():
        recovery.propose_waiver(claim, ground=Ground.REMISSION, amount=left, reason="Délibération.", by=finance)
    with unit_of_work():
        recovery.confirm_waiver(claim, by=make.actor("authorising_officer"))
    assert f"{plain(money(left))} ne sont plus réclamés à l’association" in last("awards_given_up")
    assert "Cette échéance est soldée." in last("awards_given_up")
    assert list(queries.problems()) == []


def test_the_last_sum_received_says_that_nothing_is_left(app: Flask, make: Make) -> None:
    award, excess = overpaid(make)
    claim = make.recovery(award, excess)
    with unit_of_work():
        recovery.receive(claim, amount=excess, on=clock.today(), version=claim.version, by=make.actor("finance"))
    assert "Cette échéance est soldée." in last("awards_received")
