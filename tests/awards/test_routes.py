"""The pages of awards: what each person finds, does, is refused, and what bad input does not do."""

import io
import re
from datetime import timedelta

import pytest
from sqlalchemy import select

from grants.applications.lifecycle import ApplicationState
from grants.awards import letters, queries
from grants.awards.lifecycle import AwardState, BankState, InstalmentState, ReportState
from grants.awards.models import Award, BankDetails, LedgerEntry
from grants.kernel import clock, encryption, journal
from grants.kernel.db import db, unit_of_work
from grants.kernel.money import Money
from grants.people import actions as people
from grants.people.models import Role
from grants.screening import queries as screening
from tests.factories.awards import iban

S, T, R, B = AwardState, InstalmentState, ReportState, BankState
PDF = b"%PDF-1.4\n"


@pytest.fixture
def manager(make):
    return make.account("manager")


def refreshed(thing):
    db.session.rollback()
    db.session.refresh(thing)
    return thing


def document(make, app):
    """A real document: the application's own agreement."""
    award = make.award(state=S.AGREEMENT)
    return letters.agreement_paper(queries.agreement_of(award.id))


# ---- the whole way, page by page -----------------------------------------------------------------------------------


def test_an_award_goes_from_the_decision_to_its_closing_through_the_pages(app, make, page):
    manager, finance, officer = make.account("manager"), make.account("finance"), make.account("authorising_officer")
    owner = make.account()
    application = make.application(state=ApplicationState.ELIGIBLE, organisation=make.organisation(owner))
    make.decided(application)
    signed = document(make, app)
    page.get("awards.index", as_=manager)
    assert application.title in page.last.words
    page.submit(action="/attributions/ouvrir")
    award = db.session.scalars(select(Award).where(Award.application_id == application.id)).one()
    assert "1 attribution est ouverte" in page.last.words

    page.get("awards.schedule", award)
    assert "Versement unique" in page.last.text
    page.submit({"add": "1"}, follow=False)
    values = {"steps-0-label": "Avance", "steps-0-kind": "advance", "steps-0-amount": "3 000",
              "steps-1-label": "Solde", "steps-1-kind": "balance", "steps-1-amount": "1 000"}  # fmt: skip
    wrong = page.submit(values)
    assert wrong.status == 422
    assert "il manque" in wrong.words
    assert 'value="3 000"' in wrong.text
    rest = award.amount - Money.euros(3_000)
    page.submit({**values, "steps-1-amount": str(rest.cents // 100)})
    assert [row.amount for row in queries.instalments_of(award.id)] == [Money.euros(3_000), rest]

    page.get("awards.agreement", award)
    assert "Avance : 3 000 €" in " ".join(page.last.words.split())
    page.submit()
    page.get("awards.sign", award)
    answer = page.submit({"signed_on": clock.today().isoformat(), "file": (io.BytesIO(signed), "signée.pdf")})
    assert "engagée" in answer.words
    agreement = queries.agreement_of(award.id)
    assert page.get("awards.agreement_file", agreement).response.data.startswith(PDF[:5])

    page.get("awards.give_bank", application.organisation, as_=owner)
    number = iban(99)
    grouped = " ".join(number[i : i + 4] for i in range(0, len(number), 4))
    page.submit({"holder": "Association", "iban": grouped, "bic": ""})
    details = db.session.scalars(select(BankDetails)).one()
    page.get("awards.bank", details, as_=finance)
    page.submit(action="/verifier")
    page.get("awards.bank", details, as_=make.account("finance"))
    page.submit(action="/confirmer")
    assert refreshed(details).state is B.CONFIRMED
    asked = screening.requests_of(application.id)[0]
    page.get("screening.answer", application, as_=owner)
    page.submit({f"{asked.id.hex}-file": (io.BytesIO(signed), "rib.pdf")})

    first = queries.instalments_of(award.id)[0]
    carry(page, first, finance, officer)
    page.get("awards.own", award, as_=owner)
    assert "Payée par le comptable public" in page.last.words

    report = queries.report_of(award.id)
    page.get("awards.report", report)
    report_values = make.report_values(report)
    written = {
        "narrative": report_values["narrative"],
        "people_reached": "58",
        **{f"line_{key.hex}": str(amount.cents // 100) for key, amount in report_values["lines"].items()},
        **{f"indicator_{key.hex}": str(number) for key, number in report_values["indicators"].items()},
    }
    assert "enregistré" in page.submit({"narrative": "Un début."}, button="save").words
    assert refreshed(report).narrative == "Un début."
    page.submit(written, button="submit")
    assert refreshed(report).state is R.SUBMITTED
    page.get("awards.report_read", report, as_=manager)
    page.submit(action="/accepter")
    assert refreshed(report).state is R.ACCEPTED
    carry(page, queries.instalments_of(award.id)[1], finance, officer, "2026-2")
    page.get("awards.show", award, as_=manager)
    page.submit(action="/clore")
    assert refreshed(award).state is S.CLOSED
    assert page.get("awards.show", award).status == 200
    assert page.get("awards.own", award, as_=owner).status == 200
    assert list(queries.problems()) == []


def carry(page, instalment, finance, officer, number="2026-1"):
    """Prepare, approve, order and record as paid, through the pages."""
    today = clock.today().isoformat()
    page.get("awards.instalment", instalment, as_=finance)
    page.submit(action="/preparer")
    page.get("awards.instalment", instalment, as_=officer)
    page.submit(action="/approuver")
    page.get("awards.instalment", instalment, as_=finance)
    page.submit({"number": number, "ordered_on": today}, action="/mandater")
    page.get("awards.instalment", instalment)
    page.submit({"paid_on": today}, action="/payer")
    assert refreshed(instalment).state is T.PAID


# ---- who finds what ------------------------------------------------------------------------------------------------


def test_strangers_find_nothing(app, make, page):
    award = make.award(state=S.RUNNING)
    instalment = make.instalment(award, state=T.PREPARED)
    report, details = queries.report_of(award.id), instalment.bank_details
    stranger = make.member_of(make.organisation())
    page.sign_in(stranger)
    for endpoint, thing in (
        ("awards.show", award), ("awards.own", award), ("awards.instalment", instalment),
        ("awards.report", report), ("awards.report_read", report), ("awards.bank", details),
        ("awards.give_bank", award.organisation),
    ):  # fmt: skip
        assert page.get(endpoint, thing).status == 404
    assert page.get("awards.index").status == 403
    assert page.get("awards.bank_inbox").status == 403
    assert "Aucune attribution" in page.get("awards.mine").words


def test_staff_has_no_form_for_an_account(app, make, page):
    organisation = make.organisation()
    for role in ("finance", "authorising_officer", "manager", "administrator"):
        answer = page.get("awards.give_bank", organisation, as_=make.account(role))
        assert answer.status == 403
    before = db.session.scalars(select(BankDetails)).all()
    page.post("awards.give_bank", organisation, data={"holder": "X", "iban": iban(1)})
    assert db.session.scalars(select(BankDetails)).all() == before == []


def test_an_editor_does_not_give_the_account(app, make, page):
    organisation = make.organisation()
    editor = make.account()
    with unit_of_work() as session:
        from grants.people.models import MemberRole, Membership

        session.add(
            Membership(account_id=editor.id, organisation_id=organisation.id, role=MemberRole.EDITOR,
                       since_at=clock.now())
        )  # fmt: skip
    assert page.get("awards.give_bank", organisation, as_=editor).status == 403


def test_the_four_eyes_hold_in_the_permission(app, make, page):
    award = make.award(state=S.RUNNING)
    instalment = make.instalment(award)
    make.bank_details(award.organisation)
    both = make.account("finance")
    page.post("awards.prepare", instalment, as_=both)
    with unit_of_work():  # the same person, in the other office from today
        (office,) = people.queries.appointments_of(both.id)
        people.end_appointment(office, by=make.by)
        people.appoint(both, Role.AUTHORISING_OFFICER, by=make.by)
    page.sign_in(both)
    page.get("awards.instalment", instalment)
    assert "une autre personne doit l’approuver" in page.last.words
    answer = page.post("awards.approve", instalment)
    assert answer.status == 403
    assert refreshed(instalment).state is T.PREPARED
    details = make.bank_details(award.organisation, state=B.GIVEN)
    page.post("awards.check_bank", details)
    assert refreshed(details).state is B.CHECKED
    assert page.post("awards.confirm_bank", details).status == 403
    assert refreshed(details).state is B.CHECKED


def test_a_payment_to_changed_details_is_refused(app, make, page):
    award = make.award(state=S.RUNNING)
    instalment = make.instalment(award, state=T.APPROVED)
    make.bank_details(award.organisation)
    answer = page.post(
        "awards.order", instalment, data={"number": "M1", "ordered_on": clock.today().isoformat()},
        as_=make.account("finance"),
    )  # fmt: skip
    assert answer.status == 409
    assert "ont changé" in answer.words
    assert refreshed(instalment).state is T.APPROVED


def test_a_double_click_orders_once_and_gets_the_first_answer(app, make, page):
    instalment = make.instalment(make.award(state=S.RUNNING), state=T.APPROVED)
    page.sign_in(make.account("finance"))
    data = {
        "number": "M1",
        "ordered_on": clock.today().isoformat(),
        "_key": "the-same-key",
        "version": instalment.version,
    }
    first = page.post("awards.order", instalment, data=data)
    second = page.post("awards.order", instalment, data=data)
    assert first.location == second.location
    late = page.post("awards.order", instalment, data={**data, "_key": "another"})
    assert late.status == 409
    assert "vient de modifier" in late.words
    assert len(db.session.scalars(select(LedgerEntry).where(LedgerEntry.kind == "ordered")).all()) == 1


# ---- accounts ------------------------------------------------------------------------------------------------------


def test_the_whole_number_is_shown_once_for_a_reason(app, make, page):
    number = iban(31_337)
    details = make.bank_details(make.organisation(), number=number, state=B.GIVEN)
    page.get("awards.bank", details, as_=make.account("finance"))
    assert number[-4:] in page.last.words
    assert number[4:20] not in re.sub(r"\s", "", page.last.text)
    refused = page.submit({}, action="/reveler")
    assert refused.status == 422
    assert not [line for line in journal.of(details) if line.event == "bank_details.revealed"]
    page.get("awards.bank", details)
    shown = page.submit({"reason": "compare"}, action="/reveler")
    assert number in re.sub(r"\s", "", shown.words)
    assert shown.response.headers["Cache-Control"] == "no-store"
    assert journal.of(details)[-1].event == "bank_details.revealed"
    assert number not in re.sub(r"\s", "", page.get("awards.bank", details).text)


def test_the_auditor_reads_masked_accounts_and_changes_nothing(app, make, page):
    details = make.bank_details(make.organisation(), state=B.GIVEN)
    page.sign_in(make.account("auditor"))
    assert page.get("awards.bank", details).status == 200
    assert "/reveler" not in page.last.text
    assert page.post("awards.reveal_bank", details, data={"reason": "compare"}).status == 403
    assert page.post("awards.check_bank", details).status == 403


def test_an_account_given_by_two_organisations_is_pointed_out(app, make, page):
    first, number = make.organisation(), iban(5)
    make.bank_details(first, number=number)
    details = make.bank_details(make.organisation(), number=number, state=B.GIVEN)
    assert first.name in page.get("awards.bank", details, as_=make.account("finance")).words


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"iban": "FR76 3000 6000 0112 3456 7890 188"}, "iban"),
        ({"iban": "FR76 3000 6000 01"}, "iban"),
        ({"iban": "FR76\x0030006000"}, "iban"),
        ({"iban": "٣" * 27}, "iban"),
        ({"iban": "🏦" * 60}, "iban"),
        ({"iban": ""}, "iban"),
        ({"bic": "ABC"}, "bic"),
        ({"bic": "PSST-DE-PP"}, "bic"),
        ({"bic": "BIC PSSTDEPP"}, "bic"),
        ({"bic": "PSSTFRPP" * 4}, "bic"),
        ({"holder": ""}, "holder"),
        ({"holder": "x" * 201}, "holder"),
    ],
)
def test_a_wrong_account_is_refused_on_its_field(app, make, page, values, field):
    organisation = make.organisation()
    page.get("awards.give_bank", organisation, as_=make.member_of(organisation))
    answer = page.submit({"holder": "Association", "iban": iban(1), "bic": "", **values})
    assert answer.status == 422
    assert answer.tree.xpath(f"//*[@id='{field}-error']")
    assert db.session.scalars(select(BankDetails)).all() == []


@pytest.mark.parametrize(
    ("before", "bic"),
    [("IBAN ", "PSST-FR-PP-LYO"), ("IBAN\u00a0: ", "BIC\u00a0: PSSTFRPPLYO"), ("\u200b", "psst fr pp lyo"),
     ("N° IBAN ", "Code SWIFT PSSTFRPPLYO")],
)  # fmt: skip
def test_an_account_is_kept_without_what_was_copied_with_it(app, make, page, before, bic):
    organisation, number = make.organisation(), iban(1)
    page.get("awards.give_bank", organisation, as_=make.member_of(organisation))
    grouped = "\u202f".join(number[i : i + 4] for i in range(0, len(number), 4))
    page.submit({"holder": "Association", "iban": before + grouped, "bic": bic})
    details = db.session.scalars(select(BankDetails)).one()
    assert (encryption.decrypt(details.iban_sealed), details.bic) == (number, "PSSTFRPPLYO")


def test_a_refusal_reaches_the_association(app, make, page):
    award = make.award()
    details = make.bank_details(award.organisation, state=B.GIVEN)
    page.get("awards.bank", details, as_=make.account("finance"))
    assert page.submit({"note": ""}, action="/refuser").status == 422
    page.get("awards.bank", details)
    page.submit({"note": "Le titulaire est une personne."}, action="/refuser")
    page.get("awards.own", award, as_=make.member_of(award.organisation))
    assert "Le titulaire est une personne." in page.last.words


def test_the_page_of_an_engaged_schedule_asks_for_the_amendment(app, make, page, manager):
    award = make.award()
    make.schedule(award, Money.euros(2_000), award.amount - Money.euros(2_000))
    make.engaged(award)
    page.get("awards.schedule", award, as_=manager)
    assert "avenant" in page.last.words
    change = {"steps-1-kind": "interim"}
    assert page.submit(change).status == 422
    assert [one.kind.value for one in queries.instalments_of(award.id)] == ["advance", "balance"]
    page.get("awards.schedule", award)
    asked = {"number": "1", "signed_on": clock.today().isoformat(), "reason": "Le projet avance plus vite."}
    assert page.submit(change | asked).status == 200
    assert [one.number for one in queries.amendments_of(award.id)] == ["1"]


# ---- bad input -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("amount", ["-5", "1e9", "NaN", "٣٠٠٠", "1.234", "abc", "99999999999999", "0"])
def test_a_wrong_amount_is_refused_and_kept_on_the_page(app, make, page, manager, amount):
    award = make.award()
    page.get("awards.schedule", award, as_=manager)
    answer = page.submit({"steps-0-amount": amount})
    assert answer.status == 422
    assert amount in answer.text
    assert not queries.instalments_of(award.id)


@pytest.mark.parametrize(
    "values",
    [{"steps-0-label": ""}, {"steps-0-label": "x" * 121}, {"steps-0-kind": "gift"}, {"steps-0-due_on": "2026-02-30"}],
)
def test_a_wrong_line_of_a_schedule_is_refused(app, make, page, manager, values):
    award = make.award()
    page.get("awards.schedule", award, as_=manager)
    assert page.submit(values).status == 422
    assert not queries.instalments_of(award.id)


@pytest.mark.parametrize("day", ["", "demain", "2026-02-30", "1700-01-01"])
def test_a_wrong_day_is_refused_where_it_was_typed(app, make, page, day):
    instalment = make.instalment(make.award(state=S.RUNNING), state=T.APPROVED)
    page.get("awards.instalment", instalment, as_=make.account("finance"))
    answer = page.submit({"number": "M1", "ordered_on": day}, action="/mandater")
    assert answer.status == 422
    assert answer.tree.xpath("//*[@id='ordered_on-error']")
    assert refreshed(instalment).state is T.APPROVED


def test_a_payment_in_the_future_is_refused(app, make, page):
    instalment = make.instalment(make.award(state=S.RUNNING), state=T.ORDERED)
    page.get("awards.instalment", instalment, as_=make.account("finance"))
    answer = page.submit({"paid_on": (clock.today() + timedelta(days=2)).isoformat()}, action="/payer")
    assert answer.status == 422
    assert answer.tree.xpath("//*[@id='paid_on-error']")


def test_terms_still_to_be_written_do_not_leave(app, make, page, manager):
    award = make.award()
    page.get("awards.agreement", award, as_=manager)
    answer = page.submit({"terms": f"Article 1 – Objet\n{letters.TO_COMPLETE}"})
    assert answer.status == 422
    assert queries.agreement_of(award.id) is None


@pytest.mark.parametrize("content", [b"", b"<html>", b"%PDF-1.4 nothing"])
def test_a_signature_needs_a_sound_document(app, make, page, manager, content):
    award = make.award(state=S.AGREEMENT)
    page.get("awards.sign", award, as_=manager)
    answer = page.submit({"signed_on": clock.today().isoformat(), "file": (io.BytesIO(content), "a.pdf")})
    assert answer.status == 422
    assert refreshed(award).state is S.AGREEMENT


def test_a_report_with_wrong_figures_loses_nothing(app, make, page):
    award = make.award(state=S.RUNNING)
    report = queries.report_of(award.id)
    page.get("awards.report", report, as_=make.member_of(award.organisation))
    line = f"line_{report.lines[0].id.hex}"
    answer = page.submit({"narrative": "Mes mots", line: "-4", "people_reached": "beaucoup"}, button="save")
    assert "sauf ce qui est marqué" in answer.words
    assert 'value="-4"' in answer.text
    assert answer.tree.xpath(f"//*[@id='{line}-error']")
    assert refreshed(report).narrative == "Mes mots"
    assert refreshed(report).people_reached is None


def test_a_report_lacking_something_says_what(app, make, page):
    award = make.award(state=S.RUNNING)
    report = queries.report_of(award.id)
    page.get("awards.report", report, as_=make.member_of(award.organisation))
    answer = page.submit({"narrative": "Mes mots", "people_reached": "3"}, button="submit")
    assert answer.status == 422
    assert "montant réel de chaque ligne" in answer.words
    assert refreshed(report).state is R.EXPECTED


def test_documents_of_a_report_reach_both_sides_and_nobody_else(app, make, page, manager):
    award = make.award(state=S.RUNNING)
    report, content = queries.report_of(award.id), document(make, app)
    member = make.member_of(award.organisation)
    page.get("awards.report", report, as_=member)
    page.submit({"files": (io.BytesIO(content), "photos.pdf")}, button="save")
    file = refreshed(report).files[0].file_id

    def given():
        """What a member, the fund's people and a stranger are answered, by both addresses of the document."""
        people = (member, manager, make.account("finance"), make.account())
        return [
            (page.get("awards.report_file", report, file=file, as_=person).status,
             page.get("applications.file", file, as_=person).status)
            for person in people
        ]  # fmt: skip

    assert given() == [(200, 200), (404, 404), (404, 404), (404, 404)]
    make.report(award)
    assert given() == [(200, 200), (200, 200), (200, 200), (404, 404)]
    other = make.award(state=S.RUNNING)
    foreign = queries.report_of(other.id)
    assert page.get("awards.report_file", foreign, file=file, as_=manager).status == 404


def test_a_draft_of_a_report_is_read_by_its_authors_alone(app, make, page, manager):
    award = make.award(state=S.RUNNING)
    report = queries.report_of(award.id)
    page.get("awards.report", report, as_=make.member_of(award.organisation))
    page.submit({"narrative": "Pas encore fini"}, button="save")
    assert "Pas encore fini" not in page.get("awards.report_read", report, as_=manager).words


def test_a_sent_report_is_read_and_not_written(app, make, page):
    award = make.award(state=S.RUNNING)
    report = make.report(award)
    page.sign_in(make.member_of(award.organisation))
    assert page.follow(page.get("awards.report", report)).title.startswith("Bilan : ")
    answer = page.post("awards.report", report, data={"narrative": "Autre chose", "version": str(report.version)})
    assert answer.status == 409


def test_a_correction_is_asked_with_words(app, make, page, manager):
    award = make.award(state=S.RUNNING)
    report = make.report(award)
    page.get("awards.report_read", report, as_=manager)
    assert page.submit({"note": ""}, action="/renvoyer").status == 422
    page.get("awards.report_read", report)
    page.submit({"note": "Détaillez la ligne 64."}, action="/renvoyer")
    assert refreshed(report).state is R.RETURNED
    page.get("awards.report", report, as_=make.member_of(award.organisation))
    assert "Détaillez la ligne 64." in page.last.words


# ---- lists and papers ----------------------------------------------------------------------------------------------


def test_the_list_of_payments_opens_on_what_waits_for_the_reader(app, make, page):
    make.instalment(make.award(state=S.RUNNING), state=T.PREPARED)
    make.instalment(make.award(state=S.RUNNING), state=T.APPROVED)
    page.get("awards.payments", as_=make.account("authorising_officer"))
    assert page.last.tree.xpath("string(//nav[@class='tabs']//a[@aria-current])").startswith("À approuver")
    page.get("awards.payments", as_=make.account("finance"))
    assert page.last.tree.xpath("string(//nav[@class='tabs']//a[@aria-current])").startswith("À mandater")
    for view in (*queries.PAYMENT_VIEWS, "inconnue"):
        assert page.get("awards.payments", vue=view).status == 200


def test_filters_stay_in_the_address(app, make, page, manager):
    award = make.award(state=S.RUNNING)
    page.get("awards.index", as_=manager, state="running", call=award.application.call.code, q=award.organisation.name)
    assert award.application.reference in page.last.words
    page.get("awards.index", state="closed", after="%%%")
    assert award.application.reference not in page.last.words
    assert "Aucune attribution ici" in page.last.words


def test_the_agreement_is_a_document_for_both_sides(app, make, page, manager):
    award = make.award(state=S.AGREEMENT)
    agreement = queries.agreement_of(award.id)
    contents = set()
    for person in (manager, make.member_of(award.organisation)):
        answer = page.get("awards.agreement_pdf", agreement, as_=person)
        assert answer.status == 200
        assert f"{agreement.number}.pdf" in answer.response.headers["Content-Disposition"]
        contents.add(answer.response.data)
    assert len(contents) == 1
    assert contents.pop().startswith(b"%PDF-")
    assert page.get("awards.agreement_file", agreement, as_=manager).status == 404
    assert page.get("awards.agreement_pdf", agreement, as_=make.account()).status == 404


def test_the_papers_to_join_are_listed_with_what_is_missing(app, make, page):
    award = make.award(state=S.RUNNING)
    instalment = make.instalment(award, Money.euros(1_000))
    balance = queries.instalments_of(award.id)[1]
    page.get("awards.instalment", instalment, as_=make.account("finance"))
    assert award.decision.meeting.act_number in page.last.words
    assert "Coordonnées bancaires confirmées : elles manquent" in page.last.words
    assert "Bilan accepté : il manque" in page.get("awards.instalment", balance).words


@pytest.mark.parametrize("state", list(AwardState))
def test_each_state_has_its_page_for_both_sides(app, make, page, manager, state):
    award = make.award(state=state)
    make.instalment(award) if state in {S.VOTED, S.AGREEMENT, S.RUNNING} else None
    assert page.get("awards.show", award, as_=manager).title == award.application.title
    assert page.get("awards.own", award, as_=make.member_of(award.organisation)).title == award.application.title
    assert page.get("awards.mine").status == 200


def test_the_system_never_says_that_it_paid(app, make, page, manager):
    award = make.award(state=S.RUNNING)
    make.instalment(award, state=T.PAID)
    for answer in (
        page.get("awards.own", award, as_=make.member_of(award.organisation)),
        page.get("awards.show", award, as_=manager),
    ):
        assert "virement" not in answer.words.lower()
        assert "comptable" in answer.words


@pytest.mark.parametrize("state", [S.AGREEMENT, S.RUNNING, S.CLOSED])
def test_an_award_is_not_engaged_from_another_state(make, page, manager, state):
    award = make.award(state=state)
    assert page.post("awards.engage", award, as_=manager).status == 409
    assert refreshed(award).state is state


def test_a_line_with_a_strange_number_is_no_line(make, page, manager):
    award = make.award()
    for mark in ("²", "٣", "9" * 5000, "-1", ""):
        page.get("awards.schedule", award, as_=manager)
        answer = page.submit({f"steps-{mark}-label": "Avance", "add": "1"})
        assert (answer.status, len(answer.tree.xpath("//input[contains(@name, '-label')]"))) == (200, 2)
