import itertools
import re
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
from flask_security.utils import verify_password
from sqlalchemy import func, select

from grants.applications import queries as applications
from grants.applications import rules
from grants.applications.lifecycle import LIFECYCLE as APPLICATION
from grants.applications.models import Allocation, Application, ApplicationVersion, BudgetLine
from grants.awards import queries as awards
from grants.awards import rules as award_rules
from grants.awards.lifecycle import AWARD, BANK, INSTALMENT, REPORT
from grants.awards.models import Award, BankDetails, Instalment, Report
from grants.calls import rules as calls
from grants.calls.lifecycle import LIFECYCLE as CALL
from grants.calls.models import Call
from grants.deliberation import queries as deliberation
from grants.deliberation.lifecycle import LIFECYCLE as MEETING
from grants.deliberation.models import Meeting
from grants.demo import content
from grants.demo.install import PASSWORD
from grants.demo.payments import fictitious_iban
from grants.kernel import clock, encryption, journal, uploads
from grants.kernel.db import db
from grants.kernel.machine import Machine
from grants.kernel.money import Money
from grants.kernel.outbox import Letter
from grants.people import queries as people
from grants.people.models import Account, Organisation, Role
from grants.people.rules import why_not_password, why_not_rna, why_not_siret
from grants.programme import queries as programme
from grants.reviewing.lifecycle import LIFECYCLE as ASSIGNMENT
from grants.reviewing.models import Assignment, Interest, InterestNature
from grants.screening.models import PieceRequest
from tests.demo.conftest import Installed
from tests.site import ROOT

pytestmark = [pytest.mark.usefixtures("installed"), pytest.mark.neutral]
LIVES = (
    (APPLICATION, Application), (CALL, Call), (ASSIGNMENT, Assignment), (MEETING, Meeting), (AWARD, Award),
    (BANK, BankDetails), (INSTALMENT, Instalment), (REPORT, Report),
)  # fmt: skip
DRAFTS = {"graines-de-marmots", "frais-chez-soi", "velo-ecole-saint-fons"}


def lines() -> list[journal.Entry]:
    return list(db.session.scalars(select(journal.Entry).order_by(journal.Entry.seq)))


def by_slug() -> dict[str, Application]:
    """Find each dossier's application by its title."""
    titles = {dossier.part("project")["title"]: dossier.slug for dossier in content.dossiers()}
    return {titles[row.title]: row for row in db.session.scalars(select(Application))}


# ---- nothing is missing --------------------------------------------------------------------------------------------


def test_every_written_dossier_stands_in_the_state_its_file_tells() -> None:
    after_the_grant = ("report_submitted", "in_execution", "report_due", "closed", "agreement_to_sign")
    stands_for = {**dict.fromkeys(after_the_grant, "awarded"), "under_review": "eligible"}
    found = {slug: row.state.value for slug, row in by_slug().items()}
    expected = {dossier.slug: stands_for.get(dossier.state, dossier.state) for dossier in content.dossiers()}
    assert len(expected) >= 24
    assert found == expected


@pytest.mark.parametrize(("machine", "model"), LIVES, ids=[machine.name for machine, _ in LIVES])
def test_every_state_of_every_life_is_there_or_was_passed_through(machine: Machine, model: Any) -> None:
    standing = {str(state) for state in db.session.scalars(select(model.state).distinct())}
    recorded = [line.facts for line in lines() if line.event.startswith(f"{machine.name}.")]
    passed = {facts[end] for facts in recorded for end in ("from", "to") if end in facts}
    assert standing | passed == {str(state) for state in machine.states}
    assert len(standing) >= len(machine.states) / 2


def test_each_of_the_three_calls_is_in_its_phase() -> None:
    found = {calls.phase(call, clock.now()).value for call in db.session.scalars(select(Call))}
    assert found == {"results", "closed", "open", "draft"}


def test_what_makes_a_story_is_there() -> None:
    slugs = by_slug()
    recused = db.session.scalars(select(Interest).where(Interest.nature != InterestNature.NONE)).one()
    assert recused.application_id == slugs["un-toit-deux-ages"].id
    assert recused.text
    pieces = {row.application_id: row.answered_at is not None for row in db.session.scalars(select(PieceRequest))}
    assert pieces == {slugs["eau-courante"].id: False, slugs["triporteurs-de-la-saulaie"].id: True}
    partly = db.session.scalars(select(Assignment).where(Assignment.state == "open")).one()
    assert 0 < len(partly.marks) < 15
    assert slugs["deuxieme-marche"].withdrawal_reason
    assert slugs["cafe-des-relais"].screening_reason


def test_each_role_has_an_account_that_opens_with_the_shared_password(installed: Installed) -> None:
    assert why_not_password(PASSWORD) is None
    assert {shown.role for shown in installed.shown} == {*(role.value for role in Role), "association"}
    for shown in installed.shown:
        account = people.account_by_email(shown.email)
        assert account is not None
        assert account.name == shown.name
        assert account.confirmed_at is not None
        assert people.roles_of(account.id) == ([] if shown.role == "association" else [shown.role])
        assert bool(people.actor_of(account).organisations) is (shown.role == "association")
    passwords = set(db.session.scalars(select(Account.password)))
    assert len(passwords) == 1
    assert verify_password(PASSWORD, passwords.pop())


def test_the_nearly_complete_draft_lacks_one_answer_and_two_declarations() -> None:
    lacking = rules.missing(applications.draft_content(by_slug()["frais-chez-soi"]))
    assert [item.field for item in lacking] == ["spread", "bank_account", "privacy"]


# ---- everything holds ----------------------------------------------------------------------------------------------


def test_the_journal_holds_and_tells_things_in_the_order_they_happened() -> None:
    assert list(journal.broken_links()) == []
    happened = [line for line in lines() if line.event != "programme.loaded"]
    assert all(before.at <= after.at for before, after in itertools.pairwise(happened))
    assert happened[-1].at <= clock.now()
    assert len(happened) > 1000


def test_money_reconciles_to_the_cent() -> None:
    assert list(awards.problems()) == []
    released: dict[Any, Money] = defaultdict(lambda: Money(0))
    for award in db.session.scalars(select(Award)):
        released[award.application.call_id] += award.released
    assert list(deliberation.problems(released)) == []
    assert sum(released.values(), Money(0)) == Money.euros(400)
    fund = programme.fund()
    given = db.session.scalars(select(Award.amount)).all()
    assert sum(given, Money(0)) == Money.euros(176_500)
    assert fund.committed == Money.euros(176_500 - 400)


def test_envelopes_of_the_calls_stay_within_the_funds() -> None:
    assert sum(db.session.scalars(select(Call.envelope)), Money(0)) <= programme.fund().envelope


def test_every_budget_balances_and_carries_the_request() -> None:
    for slug, row in by_slug().items():
        found = rules.totals((line.side, line.account, line.amount) for line in row.budget_lines)
        if slug != "graines-de-marmots":
            assert found.is_balanced, slug
        assert [line.amount for line in row.budget_lines if line.is_request] == [row.requested], slug


def test_the_euros_of_a_dossier_are_read_whole_in_each_dimension() -> None:
    sums = db.session.execute(
        select(Allocation.application_id, Allocation.dimension, func.sum(Allocation.amount)).group_by(
            Allocation.application_id, Allocation.dimension
        )
    ).all()
    requested = {row.id: row.requested for row in by_slug().values()}
    assert len(sums) == 6 * (len(requested) - len(DRAFTS))
    assert all(amount == requested[application_id] for application_id, _dimension, amount in sums)


def test_references_are_numbered_without_gap_and_versions_hold_their_digest() -> None:
    numbers: dict[str, list[int]] = defaultdict(list)
    for reference in db.session.scalars(select(Application.reference).where(Application.reference.is_not(None))):
        fund, year, number = reference.split("-")
        numbers[f"{fund}-{year}"].append(int(number))
    assert all(sorted(found) == list(range(1, len(found) + 1)) for found in numbers.values())
    versions = db.session.scalars(select(ApplicationVersion)).all()
    assert len(versions) == len(by_slug()) - len(DRAFTS)
    assert all(rules.digest(row.content) == row.digest for row in versions)


def test_every_submitted_dossier_has_its_receipt_and_its_files() -> None:
    assert list(uploads.problems()) == []
    for slug, row in by_slug().items():
        if slug in DRAFTS:
            continue
        receipt = applications.receipt_of(row)
        assert receipt.reference == row.reference
        assert receipt.files, slug


def test_letters_were_sent_in_their_time() -> None:
    letters = db.session.scalars(select(Letter)).all()
    assert all(letter.sent_at == letter.created_at for letter in letters)
    kinds = {letter.kind.partition("_")[0] for letter in letters}
    assert kinds == {
        "people", "applications", "screening", "reviewing", "deliberation", "awards", "appeals", "messages", "calls",
    }  # fmt: skip


def test_every_reviewed_dossier_of_the_past_call_has_three_reviews_that_count() -> None:
    past = db.session.scalars(select(Meeting).where(Meeting.state == "published")).one().call_id
    found = deliberation.ranking_of(db.session.get_one(Call, past), people.actor_of(_account("gestion@demo.example")))
    assert [line.result.reviews for line in found.lines if line.result] == [3] * 12
    granted = [line.result.total for line in found.lines if line.granted and line.result]
    declined = [line.result.total for line in found.lines if not line.granted and line.result]
    assert min(granted) > max(declined)


def _account(email: str) -> Account:
    account = people.account_by_email(email)
    assert account is not None
    return account


# ---- the words ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", sorted((ROOT / "grants" / "demo").rglob("*.toml")), ids=lambda path: path.name)
def test_french_punctuation_is_never_parted_from_its_word(path: Path) -> None:
    said = path.read_text(encoding="utf-8")
    assert re.findall(r"[^\s=] [:;?!»].{0,20}|« .{0,20}", said) == []


# ---- nobody real ---------------------------------------------------------------------------------------------------


def test_every_organisation_says_that_it_is_fictitious_and_no_address_could_be_delivered() -> None:
    for organisation in db.session.scalars(select(Organisation)):
        assert organisation.name.endswith("(fictive)")
        assert organisation.siret.startswith("999000")
        assert why_not_siret(organisation.siret) is None
        assert why_not_rna(organisation.rna) is None
        assert organisation.website.endswith(".example")
    addresses = [*db.session.scalars(select(Account.email)), *db.session.scalars(select(Letter.recipient))]
    assert all(re.search(r"[@.][a-z-]+\.example$", address) for address in addresses)


def test_bank_accounts_are_well_formed_and_at_no_bank() -> None:
    ibans = [encryption.decrypt(row) for row in db.session.scalars(select(BankDetails.iban_sealed))]
    assert len(set(ibans)) == len(ibans)
    assert all(iban[4:9] == "99999" and award_rules.why_not_iban(iban) is None for iban in ibans)
    assert fictitious_iban(1000) == "FR7699999000010000000100025"


def test_budget_lines_name_the_funders() -> None:
    unnamed = select(func.count()).select_from(BudgetLine).where(BudgetLine.account == "74", BudgetLine.label == "")
    assert db.session.scalar(unnamed) == 0
