"""One rule of interest: whoever acts for the applicant, or said to have a link with it, holds no office over it."""

import pytest
from flask_migrate import downgrade, upgrade
from werkzeug.datastructures import FileStorage

from grants.applications import queries as applications
from grants.applications.lifecycle import ApplicationState
from grants.awards import queries as awards
from grants.awards.lifecycle import AwardState, BankState, InstalmentState, ReportState
from grants.kernel import clock, journal, uploads
from grants.kernel.db import db, unit_of_work
from grants.kernel.money import Money
from grants.people import actions as people
from grants.people.models import MemberRole, Membership, Organisation, Role
from grants.reviewing import queries
from grants.reviewing.lifecycle import AssignmentState
from grants.reviewing.models import Interest
from tests.architecture.test_access import blank_pdf

pytestmark = pytest.mark.neutral(on="postgresql")

S = ApplicationState
ELIGIBLE = S.ELIGIBLE
GONE = {403, 404}


def joins(account, organisation):
    with unit_of_work() as session:
        session.add(
            Membership(
                account_id=account.id, organisation_id=organisation.id, role=MemberRole.EDITOR, since_at=clock.now()
            )
        )


def leaves(make, account, organisation):
    with unit_of_work():
        own = people.queries.membership(account.id, organisation.id)
        people.leave(own, by=make.actor_of(account))


def gives(organisation, field, address):
    with unit_of_work():
        setattr(db.session.merge(organisation), field, address)


# ---- every office --------------------------------------------------------------------------------------------------


@pytest.fixture
def paid_for(make):
    """An award with something of it before every office: a payment, an account, a report, an agreement."""
    award = make.award(state=AwardState.RUNNING)
    return {
        "award": award,
        "application": award.application,
        "instalment": make.instalment(award, Money.euros(1_000), state=InstalmentState.PREPARED),
        "report": make.report(award, state=ReportState.SUBMITTED),
        "details": make.bank_details(award.organisation, state=BankState.CHECKED),
    }


READ = [("desk.dossier", "application"), ("awards.show", "award"), ("awards.instalment", "instalment")]
ACTS = {
    "manager": [("screening.show", "application"), ("screening.judge", "application"), ("awards.engage", "award"),
                ("awards.agreement", "award"), ("awards.schedule", "award"), ("awards.accept_report", "report"),
                ("awards.close", "award"), ("desk.dossier_journal", "application"),
                ("deliberation.letter", "application"), ("deliberation.recommend", "application")],
    "finance": [("awards.prepare", "instalment"), ("awards.order", "instalment"), ("awards.pay", "instalment"),
                ("awards.bank", "details"), ("awards.reveal_bank", "details"), ("awards.confirm_bank", "details"),
                ("awards.refuse_bank", "details")],
    "authorising_officer": [("awards.approve", "instalment"), ("awards.send_back", "instalment"),
                            ("awards.confirm_bank", "details")],
    "auditor": [("desk.dossier_journal", "application"), ("awards.bank", "details"),
                ("screening.show", "application")],
}  # fmt: skip


@pytest.mark.parametrize("office", ACTS)
def test_an_office_gives_nothing_over_ones_own_organisation(page, make, paid_for, office):
    organisation = paid_for["award"].organisation
    member, addressed = make.account(office), make.account(office, email=organisation.representative_email)
    joins(member, organisation)
    rules = {rule.endpoint: rule.methods for rule in page.app.url_map.iter_rules()}
    for person in (member, addressed):
        page.sign_in(person)
        for endpoint, thing in READ + ACTS[office]:
            for method in rules[endpoint] & {"GET", "POST"}:
                answer = (
                    page.get(endpoint, paid_for[thing]) if method == "GET" else page.post(endpoint, paid_for[thing])
                )
                assert answer.status in GONE, f"{method} {endpoint}"
        assert paid_for["application"].title not in page.get("desk.dossiers").words
    page.sign_in(make.account(office))
    assert page.get("desk.dossier", paid_for["application"]).status == 200, "somebody else of the office may"


@pytest.mark.parametrize("field", ["email", "representative_email"])
def test_who_is_kept_out_by_an_address_reads_it_and_the_administration_too(page, make, field):
    organisation, manager, member = make.organisation(), make.account("manager"), make.account("manager")
    joins(member, organisation)
    page.sign_in(make.account("administrator"))
    assert "Écartés par une adresse" not in page.get("people.people").words
    gives(organisation, field, manager.email)
    answer = page.get("people.people")
    assert "Écartés par une adresse (1)" in answer.words
    assert answer.tree.xpath(f"//section//a[contains(@href, '{manager.id}')]/..")[0].text_content().endswith(
        organisation.name
    )  # fmt: skip
    for person, says in ((manager, "Elle a donné l’adresse de votre compte"), (member, "Votre compte agit pour elle")):
        page.sign_in(person)
        (row,) = page.get("reviewing.links").tree.xpath("//tbody/tr")
        assert organisation.name in row.text_content()
        assert says in row.text_content()


def edits_its_address(page, owner, organisation, field, address):
    """As somebody responsible does, by the page of the organisation."""
    page.get("people.organisation_edit", organisation, as_=owner)
    assert page.submit({field: address}).status == 200
    assert getattr(db.session.get(Organisation, organisation.id), field) == address


@pytest.mark.parametrize("field", ["email", "representative_email"])
def test_an_address_changed_after_the_submission_undoes_no_link_and_makes_none(page, make, field):
    """What counts is what was submitted: nobody comes in, nor is pushed out, by a change of the organisation's card."""
    owner = make.account()
    organisation = make.organisation(owner)
    linked, other = make.account("manager"), make.account("manager")
    officer = make.account("finance")
    gives(organisation, field, linked.email)
    application = make.application(state=ELIGIBLE, organisation=organisation)
    details = make.bank_details(organisation, state=BankState.CHECKED)
    for address in (other.email, officer.email):
        edits_its_address(page, owner, organisation, field, address)
        assert page.get("desk.dossier", application, as_=linked).status == 404
        assert application.title not in page.get("desk.dossiers").words
        assert organisation.name in page.get("reviewing.links").words
        assert page.get("desk.dossier", application, as_=other).status == 200
        assert application.title in page.get("desk.dossiers").words
        assert organisation.name not in page.get("reviewing.links").words
        assert page.get("awards.bank", details, as_=officer).status == 200
        assert details.iban_last4 in page.get("awards.bank_inbox").text
        make.application(organisation=organisation)  # nor by a draft that would give it
    answer = page.get("people.people", as_=make.account("administrator"))
    assert "Écartés par une adresse (1)" in answer.words
    assert [each.account_id for each in queries.addressed_in_office()] == [linked.id]


def test_each_dossier_keeps_the_addresses_it_was_submitted_with(make):
    organisation, person = make.organisation(), make.account("reviewer")
    before = make.application(state=ELIGIBLE, organisation=organisation)
    gives(organisation, "email", person.email)
    after, draft = (make.application(state=state, organisation=organisation) for state in (ELIGIBLE, S.DRAFT))
    assert queries.linked_ids(person.id) == {after.id, draft.id}
    gives(organisation, "email", "")
    assert queries.linked_ids(person.id) == {after.id}
    assert queries.links_between([before.id, after.id], [person.id]) == {(after.id, person.id)}
    assert queries.is_tied(person.id, organisation.id)


def test_versions_of_before_give_their_addresses(app, make):
    organisation, person = make.organisation(), make.account("manager")
    gives(organisation, "email", person.email)
    application = make.application(state=S.SUBMITTED, organisation=organisation)
    gives(organisation, "email", "autre@exemple.example")
    person_id, application_id = person.id, application.id
    db.session.remove()
    downgrade(revision="0015")
    upgrade()
    assert queries.linked_ids(person_id) == {application_id}
    assert list(applications.problems()) == []


def test_who_is_both_reads_their_dossier_as_a_member_only(page, make, paid_for):
    both = make.account("manager")
    joins(both, paid_for["award"].organisation)
    page.sign_in(both)
    assert page.get("applications.show", paid_for["application"]).status == 200
    assert page.get("awards.own", paid_for["award"]).status == 200
    assert page.get("desk.dossier", paid_for["application"]).status == 403


def test_leaving_the_organisation_opens_nothing_of_what_it_applied_for_before(page, make, paid_for):
    officer, organisation = make.account("authorising_officer"), paid_for["award"].organisation
    joins(officer, organisation)
    leaves(make, officer, organisation)
    assert page.post("awards.approve", paid_for["instalment"], as_=officer).status == 404
    later = make.application(state=ELIGIBLE, organisation=organisation)
    assert page.get("desk.dossier", later, as_=officer).status == 200, "what came after they left is not theirs"


def test_lists_counters_and_totals_leave_out_what_one_has_a_link_with(page, make, paid_for):
    finance, manager, officer = make.account("finance"), make.account("manager"), make.account("authorising_officer")
    for person in (finance, manager, officer):
        joins(person, paid_for["award"].organisation)
    number = paid_for["details"].iban_last4
    assert number in page.get("awards.bank_inbox", as_=make.account("finance")).text
    assert number not in page.get("awards.bank_inbox", as_=finance).text
    assert sum(awards.bank_counts(make.actor_of(finance)).values()) == 0
    assert not any(number for number, _sum in awards.payment_counts(make.actor_of(officer)).values())
    filters = ({"report": "submitted"}, {"report": "late"}, {"state": awards.TO_ENGAGE})
    wanted = [awards.AwardFilters(**each) for each in filters]
    assert list(awards.award_counts(wanted, make.actor_of(manager))) == [0, 0, 0]
    assert awards.decisions_without_award(make.actor_of(manager)) == []
    assert list(awards.award_counts(wanted, make.actor("manager"))) == [1, 0, 0]


# ---- the committee -------------------------------------------------------------------------------------------------


def test_a_reviewer_who_joins_after_the_assignment_marks_nothing(page, make):
    application, reviewer = make.application(state=ELIGIBLE), make.account("reviewer")
    assignment = make.assignment(application, reviewer, state=AssignmentState.OPEN)
    joins(reviewer, application.organisation)
    page.sign_in(reviewer)
    assert page.get("reviewing.review", assignment).status == 404
    assert page.post("reviewing.save", assignment, data={"version": assignment.version}).status == 409
    assert page.post("reviewing.submit", assignment, data={"version": assignment.version}).status == 409
    assert assignment.saved_at is None
    assert application.title not in page.get("reviewing.index").words
    assert queries.remaining_by_reviewer(application.call_id) == {}


def test_a_former_member_of_the_committee_reads_no_file(page, make):
    application, reviewer = make.application(state=ELIGIBLE), make.account("reviewer")
    make.assignment(application, reviewer, state=AssignmentState.OPEN)
    with unit_of_work() as session:
        file = uploads.accept(
            FileStorage(blank_pdf(), "statuts.pdf"), by=make.actor_of(make.member_of(application.organisation)),
            organisation_id=application.organisation_id, dossier_id=application.id,
        )  # fmt: skip
        session.add(file)
    page.sign_in(reviewer)
    assert page.get("applications.file", file.id).status == 200
    with unit_of_work():
        (office,) = people.queries.appointments_of(reviewer.id)
        people.end_appointment(office, by=make.by)
    page.sign_in(reviewer)
    assert page.get("applications.file", file.id).status == 404


@pytest.mark.parametrize("office", ["manager", "finance", "authorising_officer", "auditor", "administrator"])
def test_nobody_of_the_fund_reads_the_file_of_a_draft(page, make, office):
    draft = make.application()
    with unit_of_work() as session:
        file = uploads.accept(
            FileStorage(blank_pdf(), "statuts.pdf"), by=make.actor_of(make.member_of(draft.organisation)),
            organisation_id=draft.organisation_id, dossier_id=draft.id,
        )  # fmt: skip
        session.add(file)
    page.sign_in(make.account(office))
    assert page.get("applications.file", file.id).status == 404
    page.sign_in(make.member_of(draft.organisation))
    assert page.get("applications.file", file.id).status == 200


# ---- told by oneself -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("office", ["manager", "finance", "authorising_officer", "auditor", "administrator"])
def test_staff_tell_a_link_at_any_time(page, make, office):
    application, person = make.application(state=ELIGIBLE), make.account(office)
    page.sign_in(person)
    assert page.get("desk.dossier", application).status == 200
    page.get("reviewing.links", reference=application.reference)
    assert page.submit({"nature": "other"}).status == 422, "another link is explained"
    answer = page.submit({"nature": "family"})
    assert application.reference in answer.words
    assert page.get("desk.dossier", application).status == 404
    assert "interest.told" in [line.event for line in journal.of_dossier(application.id)]
    page.get("reviewing.links", reference=application.reference)
    assert page.submit({"nature": "family"}).status == 422, "it is known already"


def test_a_link_is_told_of_a_reference_copied_with_what_stood_around_it(page, make):
    application = make.application(state=ELIGIBLE)
    page.sign_in(make.account("finance"))
    page.get("reviewing.links")
    copied = f"Dossier n° {application.reference}".replace("-", "\u2011").lower()
    assert application.reference in page.submit({"reference": copied, "nature": "family"}).words


def test_a_link_of_an_association_or_of_nobody_is_not_asked(page, make):
    assert page.get("reviewing.links", as_=make.account()).status == 403
    page.get("reviewing.links", as_=make.account("finance"))
    draft = make.application()
    for reference in ("FIS-2000-9999", str(draft.id), "%", ""):
        assert page.submit({"reference": reference, "nature": "family"}).status == 422
        page.get("reviewing.links")
    assert db.session.scalars(db.select(Interest)).all() == []


def test_a_reviewer_who_tells_a_link_is_recused_and_after_the_freeze_changes_nothing(page, make):
    call = make.call()
    before, after = (make.application(state=ELIGIBLE, call=call) for _ in range(2))
    reviewer = make.account("reviewer")
    for application in (before, after):
        make.assignment(application, reviewer, state=AssignmentState.SUBMITTED, level=2)
    page.sign_in(reviewer)
    page.get("reviewing.links", reference=before.reference)
    page.submit({"nature": "donor"})
    assert queries.result_of(before).reviews == 0
    with unit_of_work():
        db.session.merge(call).marks_frozen_at = clock.now()
    page.get("reviewing.links", reference=after.reference)
    assert after.reference in page.submit({"nature": "donor"}).words
    assert queries.is_interested(reviewer.id, after.id)
    assert queries.result_of(after).reviews == 1, "what was decided with it stands"
    assert list(queries.problems()) == []


def test_nobody_writes_a_link_as_if_it_had_been_told_before_the_freeze(make):
    application, reviewer = make.application(state=ELIGIBLE), make.account("reviewer")
    make.assignment(application, reviewer, state=AssignmentState.SUBMITTED)
    earlier = clock.now()
    with unit_of_work():
        db.session.merge(application.call).marks_frozen_at = clock.now()
    with pytest.raises(Exception, match="frozen"), unit_of_work() as session:
        session.add(
            Interest(application_id=application.id, account_id=reviewer.id, nature="family", declared_at=earlier)
        )
    assert not queries.is_interested(reviewer.id, application.id)


def test_offices_that_clash_act_no_more(page, make):
    """Two offices given before they were incompatible: their holder reads, and acts in neither."""
    award = make.award(state=AwardState.RUNNING)
    instalment = make.instalment(award)
    make.bank_details(award.organisation)
    both = make.account("finance", "authorising_officer")
    assert page.get("awards.instalment", instalment, as_=both).status == 200
    assert page.post("awards.prepare", instalment).status == 403
    assert "incompatibles" in page.last.words
    assert Role.FINANCE in make.actor_of(both).roles
