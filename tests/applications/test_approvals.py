"""The approval of the legal representative: by a link and a code, of one text, before the dossier is submitted."""

import re

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from grants.applications import actions, letters, queries
from grants.applications.lifecycle import ApplicationState as S
from grants.applications.models import Approval
from grants.applications.queries import Standing
from grants.applications.rules import Part
from grants.calls import queries as calls
from grants.calls.lifecycle import CallState
from grants.calls.models import ApprovalRule
from grants.kernel import clock, journal
from grants.kernel.access import RequestKey, why_not
from grants.kernel.db import db, unit_of_work
from grants.kernel.errors import ConflictError, InvalidError, RefusedError, ThrottledError
from grants.kernel.outbox import Letter, body_of
from grants.people.models import Membership
from grants.permissions import P
from tests.tampering import tampered


@pytest.fixture
def draft(make):
    """A complete draft of a call that requires the approval."""
    call = make.call()
    with unit_of_work():
        call.approval = ApprovalRule.REQUIRED
    return make.application(call=call)


@pytest.fixture
def writer(make, draft):
    return make.member_of(draft.organisation)


def letter_of(kind):
    """The body of the last letter of a kind, as it leaves."""
    found = db.session.scalars(select(Letter).where(Letter.kind == kind).order_by(Letter.created_at.desc())).first()
    return body_of(found)


def ask(make, draft, writer):
    """Ask for the approval; the secret of the link, as the letter has it."""
    with unit_of_work():
        asked = actions.ask_approval(draft, by=make.actor_of(writer))
    return asked, re.search(r"/accord/(\S+)", letter_of("applications_approval"))[1]


def code(approval, secret):
    with unit_of_work():
        actions.send_code(approval, secret)
    return re.search(r"^(\d{8})$", letter_of("applications_approval_code"), re.MULTILINE)[1]


def decide(draft, approval, secret, typed, *, is_approved=True, word="", read=None):
    with unit_of_work():
        actions.decide_approval(
            approval, secret, code=typed, read=read or queries.digest_to_read(draft), is_approved=is_approved, word=word
        )


def submit(make, draft, writer):
    with unit_of_work():
        return actions.submit(draft, by=make.actor_of(writer), received_at=clock.now())


def change(make, draft, writer, title="Un autre titre"):
    said = {str(one.id): one.choices[0]["code"] if one.choices else "yes" for one in calls.statements_of(draft.call_id)}
    with unit_of_work():
        by = make.actor_of(writer)
        actions.save_section(draft, Part.PROJECT, {"title": title}, by=by)
        actions.save_section(draft, Part.STATEMENTS, {"choices": said}, by=by)


def test_the_representative_reads_by_the_link_approves_with_the_code_and_the_receipt_says_so(make, page, draft, writer):
    page.sign_in(writer)
    page.get("applications.submit", draft)
    refused = page.submit({})
    assert "L’accord du représentant légal est exigé" in refused.words
    page.get("applications.approval", draft)
    asked = page.submit({})
    assert f"Le lien est parti à {draft.organisation.representative_email}" in asked.words
    secret = re.search(r"/accord/(\S+)", letter_of("applications_approval"))[1]
    page.sign_in(None)
    read = page.get(f"/accord/{secret}")
    assert draft.title in read.words or "Un été au frais" in read.words
    assert "Vous lisez ce dossier comme représentant légal" in read.words
    page.submit({}, action="/code")
    typed = re.search(r"^(\d{8})$", letter_of("applications_approval_code"), re.MULTILINE)[1]
    page.get(f"/accord/{secret}")
    wrong = page.submit({"answer": "approve", "code": "00000000"})
    assert "Ce code n’est pas le dernier envoyé" in wrong.words
    done = page.submit({"answer": "approve", "code": f"{typed[:4]} {typed[4:]}", "word": "Très bien."})
    assert "Votre accord est enregistré" in done.words
    assert "Vous avez déjà répondu" in done.words
    assert draft.title not in page.get(f"/accord/{secret}").words
    page.sign_in(writer)
    shown = page.get("applications.approval", draft)
    assert "le dossier n’a pas changé depuis" in shown.words
    assert "Très bien." in shown.words
    page.get("applications.submit", draft)
    receipt = page.submit({})
    assert receipt.title.startswith("Reçu du dossier"), receipt.words[:600]
    assert "Approuvé parCamille Exemple, présidence" in receipt.words
    version = queries.latest_version(draft.id)
    assert queries.content_in(version)["approval"]["name"] == "Camille Exemple"
    assert letters.receipt_of(version, "en").approval.role == "présidence"
    assert "Approuvé par le représentant légal" in page.get("applications.show", draft).words
    events = [line.event for line in journal.of(draft)]
    assert {"application.approval_asked", "application.approved"} <= set(events)
    assert not list(journal.broken_links())


def test_neither_the_link_nor_the_code_stands_in_the_database(make, draft, writer):
    approval, secret = ask(make, draft, writer)
    typed = code(approval, secret)
    kept = [str(value) for value in vars(approval).values()]
    letters_kept = [letter.body for letter in db.session.scalars(select(Letter))]
    assert not any(secret in text or typed in text for text in [*kept, *letters_kept])


def test_a_code_serves_once_runs_out_and_ends_with_the_next_one(make, draft, writer):
    approval, secret = ask(make, draft, writer)
    first = code(approval, secret)
    second = code(approval, secret)
    with pytest.raises(InvalidError):
        decide(draft, approval, secret, first)
    with clock.fixed(clock.now() + actions.CODE_LASTS), pytest.raises(InvalidError):
        decide(draft, approval, secret, second)
    for wrong in ("", "12345678"):
        with pytest.raises(InvalidError):
            decide(draft, approval, secret, wrong)
    decide(draft, approval, secret, second)
    with pytest.raises(RefusedError, match="déjà répondu"):
        decide(draft, approval, secret, second, is_approved=False, word="Non")
    with pytest.raises(RefusedError):
        code(approval, secret)


def test_the_code_of_another_dossier_is_worth_nothing(make, draft, writer):
    other = make.application(call=draft.call)
    approval, secret = ask(make, draft, writer)
    foreign, foreign_secret = ask(make, other, make.member_of(other.organisation))
    typed = code(foreign, foreign_secret)
    with pytest.raises(InvalidError):
        decide(draft, approval, secret, typed)
    code(approval, secret)
    with pytest.raises(InvalidError):
        decide(draft, approval, secret, typed)


def test_what_was_approved_is_one_text(make, draft, writer):
    approval, secret = ask(make, draft, writer)
    typed, read = code(approval, secret), queries.digest_to_read(draft)
    change(make, draft, writer)
    with pytest.raises(ConflictError):
        decide(draft, approval, secret, typed, read=read)
    with pytest.raises(ConflictError):
        decide(draft, approval, secret, typed, read="0" * 64)
    decide(draft, approval, secret, typed)
    assert queries.approval_state(draft).standing is Standing.APPROVED
    change(make, draft, writer, "Encore un autre")
    assert queries.approval_state(draft).standing is Standing.STALE
    with pytest.raises(InvalidError, match="pour ce que dit le dossier maintenant"):
        submit(make, draft, writer)
    again, secret = ask(make, draft, writer)
    decide(draft, again, secret, code(again, secret))
    assert submit(make, draft, writer).number == 1


def test_a_refusal_says_why_and_the_writer_is_told(make, draft, writer):
    approval, secret = ask(make, draft, writer)
    typed = code(approval, secret)
    with pytest.raises(InvalidError):
        decide(draft, approval, secret, typed, is_approved=False)
    with pytest.raises(InvalidError):
        decide(draft, approval, secret, typed, is_approved=False, word="m" * 1001)
    decide(draft, approval, secret, typed, is_approved=False, word="Le budget est faux.")
    assert queries.approval_state(draft).standing is Standing.REFUSED
    told = letter_of("applications_approval_settled")
    assert "n’a pas approuvé" in told
    assert "Le budget est faux" not in told
    with pytest.raises(InvalidError):
        submit(make, draft, writer)


def test_a_link_ends(make, page, draft, writer):
    first, secret = ask(make, draft, writer)
    second, newer = ask(make, draft, writer)
    assert "Un autre lien vous a été envoyé depuis" in page.get(f"/accord/{secret}").words
    with pytest.raises(RefusedError):
        code(first, secret)
    with clock.fixed(second.expires_at):
        assert "Ce lien n’est plus valable" in page.get(f"/accord/{newer}").words
        with pytest.raises(RefusedError):
            code(second, newer)
    assert page.get("/accord/nimporte").status == 404
    assert page.get(f"/accord/{newer[:-1]}").status == 404
    with unit_of_work():
        actions.withdraw(draft, reason="", by=make.actor_of(writer))
    assert "n’est plus un brouillon" in page.get(f"/accord/{newer}").words


def test_the_keys_of_forms_do_not_keep_the_link(make, page, draft, writer):
    approval, secret = ask(make, draft, writer)
    typed = code(approval, secret)
    page.sign_in(None)
    page.get(f"/accord/{secret}")
    page.submit({}, action="/code")
    page.get(f"/accord/{secret}")
    page.submit({"answer": "approve", "code": typed})
    kept = db.session.execute(select(RequestKey.path, RequestKey.location)).all()
    assert not any(secret in str(text) for row in kept for text in row)


def test_the_link_is_of_the_person_that_the_card_names(make, page, draft, writer):
    approval, secret = ask(make, draft, writer)
    typed = code(approval, secret)
    with unit_of_work():
        draft.organisation.representative_email = "presidente@nouvelle.example"
    page.sign_in(None)
    assert draft.title not in page.get(f"/accord/{secret}").words
    with pytest.raises(RefusedError):
        decide(draft, approval, secret, typed)


def test_an_approval_ends_with_its_person_and_is_not_asked_again_while_it_holds(make, draft, writer):
    approval, secret = ask(make, draft, writer)
    decide(draft, approval, secret, code(approval, secret))
    with pytest.raises(RefusedError):
        ask(make, draft, writer)
    assert queries.approval_state(draft).standing is Standing.APPROVED
    with unit_of_work():
        draft.organisation.representative_name = "Une autre personne"
    assert queries.approval_state(draft).standing is Standing.STALE


def test_a_day_sends_a_few_links_only(make, draft, writer):
    for _time in range(actions.MOST_APPROVALS_ASKED):
        ask(make, draft, writer)
    with pytest.raises(ThrottledError):
        ask(make, draft, writer)


def test_codes_are_sent_and_tried_a_few_times_only(make, page, draft, writer):
    approval, secret = ask(make, draft, writer)
    typed = code(approval, secret)
    page.sign_in(None)
    for _try in range(5):
        page.get(f"/accord/{secret}")
        assert page.submit({"answer": "approve", "code": "00000000"}).status == 422
    page.get(f"/accord/{secret}")
    assert page.submit({"answer": "approve", "code": typed}).status == 429
    statuses = []
    for _try in range(6):
        page.get(f"/accord/{secret}")
        statuses.append(page.submit({}, action="/code").status)
    assert statuses[-1] == 429
    assert db.session.get_one(Approval, approval.id).decided_at is None


def test_who_left_the_organisation_asks_no_more(make, draft, writer):
    with unit_of_work() as session:
        session.delete(session.scalars(select(Membership).where(Membership.account_id == writer.id)).one())
    assert why_not(P.APPLICATION_EDIT, draft, make.actor_of(writer)) is not None


def test_it_is_asked_only_where_the_call_says_so_and_for_a_complete_dossier(make, page, draft, writer):
    plain = make.application()
    person = make.member_of(plain.organisation)
    with pytest.raises(RefusedError):
        ask(make, plain, person)
    page.sign_in(person)
    assert page.get("applications.approval", plain).status == 404
    assert submit(make, plain, person).number == 1
    incomplete = make.application(call=draft.call, complete=False)
    with pytest.raises(RefusedError, match="Complétez"):
        ask(make, incomplete, make.member_of(incomplete.organisation))
    with unit_of_work():
        draft.organisation.representative_email = ""
    with pytest.raises(InvalidError, match="adresse"):
        ask(make, draft, writer)


def test_where_it_is_offered_a_dossier_goes_without(make, draft, writer):
    with unit_of_work():
        draft.call.approval = ApprovalRule.OFFERED
    version = submit(make, draft, writer)
    assert "approval" not in queries.content_in(version)
    assert draft.state is S.SUBMITTED


def test_a_call_says_it_while_a_draft_and_is_frozen_then(make, page):
    call = make.call(state=CallState.DRAFT)
    page.sign_in(make.account("manager"))
    page.get("calls.edit", call)
    page.submit({"approval": "required"})
    db.session.expire_all()
    assert call.approval is ApprovalRule.REQUIRED
    page.get("calls.edit", call)
    assert page.submit({"approval": "perhaps"}).status == 422
    opened = make.call()
    page.post("calls.edit", opened, data={"title": "T", "theme": "T", "approval": "required"})
    db.session.expire_all()
    assert opened.approval is ApprovalRule.NONE


def test_what_was_answered_is_kept_by_the_database_and_known_to_the_journal(make, draft, writer):
    approval, secret = ask(make, draft, writer)
    decide(draft, approval, secret, code(approval, secret))
    for altered in ({"read": "0" * 64}, {"is_approved": False}, {"name": "Jean Dupont"}, {"decided_at": None}):
        with pytest.raises(IntegrityError), unit_of_work():
            db.session.execute(update(Approval).values(altered))
    assert list(journal.wrong_rows()) == []
    with tampered() as connection:
        connection.execute(update(Approval).values(name="Jean Dupont"))
    (wrong,) = journal.wrong_rows()
    assert wrong.table == "approval"
    assert wrong.columns == {"name": "Jean Dupont"}
    with unit_of_work():
        actions.ask_approval(draft, by=make.actor_of(writer))
