"""What a piece holds up once it is asked for, a decision or a payment, until it comes or is given up."""

import io

import pytest
from sqlalchemy import select
from werkzeug.datastructures import FileStorage

from grants.applications.lifecycle import ApplicationState as S
from grants.awards import queries as awards
from grants.awards.actions import disbursement
from grants.awards.lifecycle import AwardState, InstalmentState
from grants.calls.models import Piece
from grants.desk import queries as desk
from grants.desk.queries import DeadlineKind
from grants.documents import actions as documents
from grants.documents import queries as document_queries
from grants.kernel import journal
from grants.kernel.db import db, unit_of_work
from grants.kernel.errors import InvalidError, RefusedError
from grants.kernel.outbox import Letter
from grants.screening import actions, queries
from grants.screening.rules import Judgement
from tests.kernel import corpus

PDF = corpus.pdf()


def piece_of(application, code):
    return db.session.scalars(select(Piece).where(Piece.call_id == application.call_id, Piece.code == code)).one()


def ask(make, application, code=None, label=""):
    with unit_of_work():
        piece = piece_of(application, code) if code else None
        day = application.silence_on
        return actions.request_piece(application, piece=piece, label=label, message="", due_on=day, by=make.by_manager)


def judged(make, application):
    found = {gate.id: Judgement(passed=True, note="Vu.") for gate in queries.gates_of(application.call_id)}
    with unit_of_work():
        actions.judge(application, found, version=application.version, by=make.by_manager)


@pytest.fixture
def dossier(make):
    """A submitted dossier whose conditions are all met, in a call whose accounts hold up the decision."""
    make.by_manager = make.actor("manager")
    application = make.application(state=S.SUBMITTED)
    judged(make, application)
    return application


def letters(kind):
    return db.session.scalars(select(Letter).where(Letter.kind == kind)).all()


def test_a_piece_that_holds_up_the_decision_does_so_once_asked_for_until_it_comes(make, page, dossier):
    request = ask(make, dossier, "accounts")
    with pytest.raises(InvalidError, match="Derniers comptes annuels approuvés"), unit_of_work():
        actions.accept(dossier, by=make.by_manager)
    assert dossier.state is S.PIECES_REQUESTED
    page.sign_in(make.account("manager"))
    assert "ne peut pas être déclaré recevable" in page.get("screening.show", dossier).words
    page.get("screening.answer", dossier, as_=make.member_of(dossier.organisation))
    page.submit({f"{request.id.hex}-file": (io.BytesIO(PDF), "comptes.pdf")})
    with unit_of_work():
        actions.accept(dossier, by=make.by_manager)
    assert dossier.state is S.ELIGIBLE


def test_given_up_with_a_reason_it_holds_up_nothing_and_the_association_reads_why(make, page, dossier):
    request = ask(make, dossier, "accounts")
    page.sign_in(make.account("manager"))
    page.get("screening.waive", request_id=request.id)
    assert page.submit({"reason": "  "}).status == 422
    assert "abandonnée" in page.submit({"reason": "Association créée cette année."}).words
    db.session.expire_all()
    assert dossier.state is S.SUBMITTED
    line = next(line for line in journal.of_dossier(dossier.id) if line.event == "screening.piece_waived")
    assert line.actor_id is not None
    assert "Association créée cette année." in letters("screening_piece_waived")[0].body
    answer = page.get("screening.answer", dossier, as_=make.member_of(dossier.organisation))
    assert "Association créée cette année." in answer.words
    with unit_of_work():
        actions.accept(dossier, by=make.by_manager)
    assert dossier.state is S.ELIGIBLE
    with pytest.raises(RefusedError), unit_of_work():
        actions.waive(request, "Encore", by=make.by_manager)


def test_what_is_given_up_is_no_deadline_of_the_association_any_more(make, dossier):
    request = ask(make, dossier, "accounts")
    member = make.actor_of(make.member_of(dossier.organisation))
    assert DeadlineKind.PIECE in {each.kind for each in desk.deadlines_of(member)}
    with unit_of_work():
        actions.waive(request, "Association créée cette année.", by=make.by_manager)
    assert DeadlineKind.PIECE not in {each.kind for each in desk.deadlines_of(member)}


def test_what_was_never_asked_for_or_holds_up_nothing_stops_no_decision(make, dossier):
    assert "accounts" in [piece.code for piece in queries.missing_pieces(dossier)]
    ask(make, dossier, "quotes")
    ask(make, dossier, label="Une lettre de la mairie")
    with unit_of_work():
        actions.accept(dossier, by=make.by_manager)
    assert dossier.state is S.ELIGIBLE


@pytest.mark.parametrize("role", ["auditor", "finance", "reviewer"])
def test_only_a_manager_gives_a_piece_up(make, page, dossier, role):
    request = ask(make, dossier, "accounts")
    page.sign_in(make.account(role))
    assert page.get("screening.waive", request_id=request.id).status in {403, 404}
    page.sign_in(make.member_of(dossier.organisation))
    assert page.get("screening.waive", request_id=request.id).status == 403


# ---- payment ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def instalment(make):
    """The payment of an award that is ready but for the bank document that its dossier lacks."""
    make.by_manager = make.actor("manager")
    award = make.award(state=AwardState.RUNNING, lacks_pieces=True)
    make.bank_details(award.organisation)
    return make.schedule(award, award.amount)[0]


def prepare(make, instalment):
    with unit_of_work():
        disbursement.prepare(instalment, by=make.actor("finance"))


def asked_in(instalment):
    (request,) = queries.requests_of(instalment.award.application_id)
    return request


def views(make):
    found = awards.payment_counts(make.actor("finance"))
    return found["prepare"][0], found["later"][0]


def test_payment_waits_for_the_piece_which_is_asked_for_when_the_award_is_opened(make, page, instalment):
    award = instalment.award
    assert "Relevé d’identité bancaire (RIB)" in awards.why_not_prepare(instalment)
    with pytest.raises(RefusedError, match="Relevé d’identité bancaire"):
        prepare(make, instalment)
    assert views(make) == (0, 1)
    assert "Relevé d’identité bancaire" in letters("screening_piece_before_payment")[0].body
    page.sign_in(make.account("finance"))
    assert "Relevé d’identité bancaire" in page.get("awards.payments", vue="later").words
    assert "Attendre une pièce" in page.get("awards.show", award).words
    page.sign_in(make.member_of(award.organisation))
    assert "Donner une pièce nécessaire au versement" in page.get("awards.mine").words
    assert "Donnez la pièce qui manque" in page.get("awards.own", award).words
    page.get("screening.answer", award.application)
    given = page.submit({f"{asked_in(instalment).id.hex}-file": (io.BytesIO(PDF), "rib.pdf")})
    assert "Pièce reçue" in given.words
    assert "Donnez la pièce qui manque" not in page.get("awards.own", award).words
    assert views(make) == (1, 0)
    prepare(make, instalment)
    assert instalment.state is InstalmentState.PREPARED


def test_a_document_kept_by_the_organisation_is_enough(make, page, instalment):
    organisation = instalment.award.organisation
    with unit_of_work():
        owner = make.actor_of(make.member_of(organisation))
        document = documents.keep(organisation.id, "bank_details", FileStorage(io.BytesIO(PDF), "rib.pdf"), by=owner)
    page.sign_in(make.member_of(organisation))
    page.get("screening.answer", instalment.award.application)
    assert "Pièce reçue" in page.submit({"document": str(document.id)}).words
    assert awards.why_not_prepare(instalment) is None


def kept(award):
    return [row.document.kind for row in document_queries.documents_of(award.organisation_id)]


def test_what_is_given_is_kept_for_the_next_dossiers_when_that_is_ticked(make, page, instalment):
    award, asked = instalment.award, asked_in(instalment)
    page.sign_in(make.member_of(award.organisation))
    page.get("screening.answer", award.application)
    given = page.submit({f"{asked.id.hex}-file": (io.BytesIO(PDF), "rib.pdf"), f"{asked.id.hex}-keep": "y"})
    assert "Pièce reçue" in given.words
    assert "Gardé aussi dans les documents de l’organisation" in given.words
    assert kept(award) == ["bank_details"]


def test_it_is_not_kept_unless_ticked_nor_offered_for_a_piece_of_one_dossier(make, page, instalment, dossier):
    award, asked = instalment.award, asked_in(instalment)
    page.sign_in(make.member_of(award.organisation))
    page.get("screening.answer", award.application)
    page.submit({f"{asked.id.hex}-file": (io.BytesIO(PDF), "rib.pdf")})
    assert kept(award) == []
    quotes = ask(make, dossier, "quotes")
    page.sign_in(make.member_of(dossier.organisation))
    assert f"{quotes.id.hex}-keep" not in page.get("screening.answer", dossier).text
    page.submit({f"{quotes.id.hex}-file": (io.BytesIO(PDF), "devis.pdf"), f"{quotes.id.hex}-keep": "y"})
    assert document_queries.documents_of(dossier.organisation_id) == []


def test_given_up_by_a_manager_payment_goes_on(make, page, instalment):
    page.sign_in(make.account("manager"))
    shown = page.get("awards.show", instalment.award)
    assert "Une pièce bloque les versements" in shown.words
    page.get("screening.waive", request_id=asked_in(instalment).id)
    page.submit({"reason": "Le compte est connu du comptable."})
    assert awards.why_not_prepare(instalment) is None
    prepare(make, instalment)


def test_in_english_the_piece_has_its_english_name(make, page, instalment):
    page.sign_in(make.account("finance"))
    page.client.set_cookie("language", "en")
    assert "Bank account details (RIB)" in page.get("awards.instalment", instalment_id=instalment.id).words


def test_an_award_opened_before_goes_on_as_it_was(make, instalment):
    with unit_of_work() as session:
        session.delete(asked_in(instalment))
    prepare(make, instalment)
