"""A morning of screening by real pages: the inbox, one dossier, each decision, and the applicant's answer."""

import io
from datetime import timedelta

import pytest
from sqlalchemy import select

from grants.applications.lifecycle import ApplicationState
from grants.applications.models import Application, Attachment
from grants.calls.models import Gate, Piece
from grants.kernel import clock, journal
from grants.kernel.db import db, unit_of_work
from grants.kernel.money import Money
from grants.kernel.outbox import Letter
from grants.kernel.uploads import StoredFile
from grants.reviewing.models import Interest, InterestNature
from grants.screening.models import Finding, PieceRequest
from tests.client import Page

S = ApplicationState
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360606060000000050001a5f64540"
    "0000000049454e44ae426082"
)


@pytest.fixture
def manager(make):
    return make.account("manager", name="Gaëlle Rivoire")


def letters(kind=None):
    found = db.session.scalars(select(Letter).order_by(Letter.created_at, Letter.id)).all()
    return [letter for letter in found if kind is None or letter.kind == kind]


def gate_of(application, code):
    return db.session.scalars(select(Gate).where(Gate.call_id == application.call_id, Gate.code == code)).one()


def ticked(application, **found):
    """What a manager fills for the ticked gates: yes everywhere unless told otherwise."""
    values = {}
    for gate in db.session.scalars(select(Gate).where(Gate.call_id == application.call_id, Gate.computed.is_(False))):
        values[f"gate-{gate.id.hex}"] = found.get(gate.code, "yes")
    return values


def decide(page, application, then, **values):
    page.get("screening.show", application)
    return page.submit({**values, "then": then}, action=f"/recevabilite/{application.id}", follow=False)


def state_of(application):
    db.session.expire_all()
    return db.session.get(Application, application.id).state


def test_the_inbox_shows_submitted_dossiers_oldest_first_with_their_gates(make, page, manager):
    call = make.call()
    with clock.fixed(clock.now() - timedelta(hours=3)):
        first = make.application(state=S.SUBMITTED, call=call, title="Le premier projet")
    second = make.application(state=S.SUBMITTED, call=call, title="Le second projet")
    make.application(call=call, title="Un brouillon secret")
    broken(first)
    answer = page.get("screening.inbox", as_=manager)
    assert answer.words.index("Le premier projet") < answer.words.index("Le second projet")
    assert "brouillon secret" not in answer.words
    rows = answer.tree.xpath("//tbody/tr")
    assert "Budget équilibré" in rows[0].text_content()
    assert "Budget équilibré" not in rows[1].text_content()
    assert "à juger : Obligations à jour, Pièces, Pas de double demande" in " ".join(rows[1].text_content().split())
    assert second.reference in answer.words


def broken(application):
    """Make the budget of a submitted application unbalanced, as a rule of another day would have let it be."""
    with unit_of_work():
        line = next(line for line in application.budget_lines if line.side == "charge")
        line.amount += Money.euros(100)


def test_the_inbox_costs_the_same_for_one_and_for_three(make, page, manager, queries):
    call = make.call()
    make.application(state=S.SUBMITTED, call=call)
    page.sign_in(manager)
    page.get("screening.inbox")
    one = queries.count(lambda: page.get("screening.inbox"))
    for _ in range(2):
        make.application(state=S.SUBMITTED, call=call)
    assert queries.count(lambda: page.get("screening.inbox")) == one
    assert len(page.last.tree.xpath("//tbody/tr")) == 3


def test_the_inbox_pages_by_key_without_losing_a_row(make, page, manager, monkeypatch):
    monkeypatch.setattr("grants.kernel.paging.PAGE", 2)
    call = make.call()
    titles = [f"Projet {letter}" for letter in "ABCDE"]
    for number, title in enumerate(titles):
        with clock.fixed(clock.now() - timedelta(hours=9 - number)):
            make.application(state=S.SUBMITTED, call=call, title=title)

    def shown():
        return [link.text for link in page.last.tree.xpath("//tbody//a[@class='row-link']")]

    page.get("screening.inbox", as_=manager)
    seen = shown()
    while page.last.tree.xpath("//a[@rel='next']"):
        page.get(page.last.tree.xpath("//a[@rel='next']/@href")[0])
        seen += shown()
    assert seen == titles
    page.get(page.last.tree.xpath("//a[@rel='prev']/@href")[0])
    assert shown() == titles[2:4]
    assert page.get("/recevabilite?after=zzz&before=W10").status == 200


def test_a_dossier_is_shown_with_its_facts_and_its_neighbours(make, page, manager):
    call = make.call()
    with clock.fixed(clock.now() - timedelta(hours=3)):
        first = make.application(state=S.SUBMITTED, call=call)
    second = make.application(state=S.SUBMITTED, call=call, requested=Money.euros(9_000))
    answer = page.get("screening.show", second, as_=manager)
    assert "2 sur 2 à décider" in answer.words
    assert "Demandé : 9 000 €" in answer.words.replace("\u202f", " ").replace("\u00a0", " ")
    assert str(first.id) in answer.text


def test_a_dossier_is_declared_eligible_in_one_click_and_the_next_one_opens(make, page, manager):
    call = make.call()
    with clock.fixed(clock.now() - timedelta(hours=3)):
        first = make.application(state=S.SUBMITTED, call=call)
    second = make.application(state=S.SUBMITTED, call=call)
    page.sign_in(manager)
    answer = decide(page, first, "accept", **ticked(first))
    assert answer.status == 302
    assert answer.location.endswith(f"/recevabilite/{second.id}")
    assert state_of(first) is S.ELIGIBLE
    findings = db.session.scalars(select(Finding).where(Finding.application_id == first.id)).all()
    assert len(findings) == len(db.session.scalars(select(Gate).where(Gate.call_id == call.id)).all())
    assert all(finding.passed for finding in findings)
    assert {f.found_by for f in findings} == {manager.id, None}
    assert [line.event for line in journal.of(first)][-2:] == ["screening.judged", "application.accept"]
    (letter,) = letters("screening_eligible")
    assert first.reference in letter.subject
    assert letter.recipient == make.member_of(first.organisation).email


def test_a_gate_nobody_judged_keeps_the_dossier_and_what_was_typed(make, page, manager):
    application = make.application(state=S.SUBMITTED)
    page.sign_in(manager)
    gate = gate_of(application, "pieces")
    answer = decide(
        page, application, "accept",
        **{**ticked(application, no_double_request=""), f"note-{gate.id.hex}": "Statuts lisibles"},
    )  # fmt: skip
    assert answer.status == 422
    assert "Pas de double demande" in answer.tree.xpath("//*[@id='erreurs']")[0].text_content()
    assert answer.tree.xpath(f"//input[@name='note-{gate.id.hex}']/@value") == ["Statuts lisibles"]
    assert state_of(application) is S.SUBMITTED
    assert db.session.scalars(select(Finding)).all() == []


def test_a_failed_gate_is_passed_over_only_with_a_note(make, page, manager):
    application = make.application(state=S.SUBMITTED)
    broken(application)
    gate = gate_of(application, "budget_balanced")
    page.sign_in(manager)
    values = ticked(application)
    assert "Budget équilibré" in decide(page, application, "accept", **values).words
    assert state_of(application) is S.SUBMITTED
    answer = decide(page, application, "accept", **{**values, f"gate-{gate.id.hex}": "yes"})
    assert answer.status == 422
    assert "Dites pourquoi" in answer.tree.xpath(f"//*[@id='note-{gate.id.hex}-error']")[0].text_content()
    answer = decide(
        page, application, "accept",
        **{**values, f"gate-{gate.id.hex}": "yes", f"note-{gate.id.hex}": "Écart de 100 € corrigé par écrit"},
    )  # fmt: skip
    assert answer.status == 302
    assert state_of(application) is S.ELIGIBLE
    assert journal.of(application)[-1].facts["overruled"] == ["budget_balanced"]


def test_an_ineligible_dossier_gets_its_reason_composed_then_a_letter_with_remedies(make, page, manager):
    application = make.application(state=S.SUBMITTED)
    page.sign_in(manager)
    gate = gate_of(application, "no_double_request")
    answer = decide(
        page, application, "exclude",
        **{**ticked(application, no_double_request="no"), f"note-{gate.id.hex}": "Déjà aidé en mars"},
    )  # fmt: skip
    answer = page.follow(answer)
    assert gate.refusal in answer.tree.xpath("//textarea[@name='reason']")[0].text
    assert "Recours contentieux" in answer.words
    answer = page.submit({"reason": "Ce projet reçoit déjà une aide <b>du même fonds</b>."})
    assert state_of(application) is S.INELIGIBLE
    assert application.screening_reason == "Ce projet reçoit déjà une aide <b>du même fonds</b>."
    (letter,) = letters("screening_ineligible")
    assert "Ce projet reçoit déjà une aide <b>du même fonds</b>." in letter.body
    assert "Tribunal administratif de Lyon".lower() in letter.body.lower()
    assert "deux mois" in letter.body
    assert journal.of(application)[-1].event == "application.exclude"
    assert journal.of(application)[-1].facts["gates"] == ["no_double_request"]
    assert "<b>" not in page.get("screening.show", application).tree.xpath("string(//h1)")


@pytest.mark.parametrize("reason", ["", "   ", "é" * 4001])
def test_a_refusal_without_a_fit_reason_is_not_sent(make, page, manager, reason):
    application = make.application(state=S.SUBMITTED)
    page.get("screening.exclude", application, as_=manager)
    answer = page.submit({"reason": reason})
    assert answer.status == 422
    assert answer.tree.xpath("//*[@id='reason-error']")
    assert state_of(application) is S.SUBMITTED
    assert letters("screening_ineligible") == []


def ask(page, application, **values):
    page.get("screening.request_piece", application)
    due_on = clock.today() + timedelta(days=10)
    return page.submit({"piece": "", "label": "Devis du chantier", "message": "Le total est illisible.",
                        "due_on": due_on.isoformat(), **values}, follow=False)  # fmt: skip


def test_a_piece_is_asked_answered_in_one_upload_and_the_manager_is_told(make, page, manager):
    application = make.application(state=S.SUBMITTED)
    member = make.member_of(application.organisation)
    piece = db.session.scalars(
        select(Piece).where(Piece.call_id == application.call_id, Piece.code == "accounts")
    ).one()
    silence = application.silence_on
    page.sign_in(manager)
    assert ask(page, application, piece=str(piece.id), label="").status == 302
    assert ask(page, application).status == 302
    assert state_of(application) is S.PIECES_REQUESTED
    assert application.silence_on == silence + timedelta(days=10)
    asked = letters("screening_piece")
    assert [letter.recipient for letter in asked] == [member.email] * 2
    assert "Le total est illisible." in asked[0].body
    assert f"/dossiers/{application.id}/pieces" in asked[0].body
    assert "L114-5-1" in asked[0].body

    page.get("screening.answer", application, as_=member)
    first, second = db.session.scalars(select(PieceRequest).order_by(PieceRequest.requested_at)).all()
    with clock.fixed(clock.now() + timedelta(days=5)):
        page.sign_in(member).get("screening.answer", application)
        upload = {f"{first.id.hex}-file": (io.BytesIO(PNG), "comptes.png")}
        page.submit(upload, action=f"/pieces-demandees/{first.id}")
        assert state_of(application) is S.PIECES_REQUESTED
        upload = {f"{second.id.hex}-file": (io.BytesIO(PNG), "devis.png")}
        answer = page.submit(upload, action=f"/pieces-demandees/{second.id}")
        assert "Pièce reçue" in answer.words
    assert state_of(application) is S.SUBMITTED
    assert application.silence_on == silence + timedelta(days=5)
    assert first.answered_by == member.id
    assert [a.piece_id for a in db.session.scalars(select(Attachment))] == [piece.id]
    assert {f.dossier_id for f in db.session.scalars(select(StoredFile))} == {application.id}
    sent = letters("screening_piece_given")
    assert {letter.recipient for letter in sent} == {manager.email}
    assert len(sent) == 2
    events = [line.event for line in journal.of_dossier(application.id)]
    assert events.count("screening.piece_given") == 2
    assert "application.complete" in events


def test_a_piece_given_is_not_told_to_a_manager_who_has_a_link_since(make, page, manager):
    application = make.application(state=S.SUBMITTED)
    page.sign_in(manager)
    ask(page, application)
    page.get("reviewing.links", reference=application.reference)
    page.submit({"nature": "donor"})
    page.get("screening.answer", application, as_=make.member_of(application.organisation))
    (request,) = db.session.scalars(select(PieceRequest)).all()
    upload = {f"{request.id.hex}-file": (io.BytesIO(PNG), "comptes.png")}
    assert "Pièce reçue" in page.submit(upload, action=f"/pieces-demandees/{request.id}").words
    assert letters("screening_piece_given") == []


def test_a_piece_still_missing_does_not_stop_an_eligible_dossier(make, page, manager):
    application = make.application(state=S.SUBMITTED)
    page.sign_in(manager)
    ask(page, application)
    assert "n’empêche pas" in page.get("screening.show", application).words
    decide(page, application, "accept", **ticked(application))
    assert state_of(application) is S.ELIGIBLE
    assert journal.of(application)[-1].facts["open_requests"] == 1
    request = db.session.scalars(select(PieceRequest)).one()
    page.get("screening.answer", application, as_=make.member_of(application.organisation))
    answer = page.submit({f"{request.id.hex}-file": (io.BytesIO(PNG), "devis.png")})
    assert "Pièce reçue" in answer.words
    assert state_of(application) is S.ELIGIBLE


def test_a_wrong_file_is_refused_on_its_field_and_nothing_is_kept(make, page, manager):
    application = make.application(state=S.SUBMITTED)
    ask(page.sign_in(manager), application)
    request = db.session.scalars(select(PieceRequest)).one()
    page.get("screening.answer", application, as_=make.member_of(application.organisation))
    for content, name in ((b"<html>", "devis.pdf"), (b"MZ", "devis.exe"), (b"", "vide.png")):
        answer = page.submit({f"{request.id.hex}-file": (io.BytesIO(content), name)})
        assert answer.status == 422
        assert answer.tree.xpath(f"//*[@id='{request.id.hex}-file-error']")
    page.get("screening.answer", application)
    assert page.submit().status == 422
    db.session.expire_all()
    assert request.answered_at is None
    assert db.session.scalars(select(StoredFile)).all() == []
    assert state_of(application) is S.PIECES_REQUESTED


def test_a_piece_is_answered_once(make, page, manager):
    application = make.application(state=S.SUBMITTED)
    ask(page.sign_in(manager), application)
    request = db.session.scalars(select(PieceRequest)).one()
    page.get("screening.answer", application, as_=make.member_of(application.organisation))
    old_tab = page.last
    page.submit({f"{request.id.hex}-file": (io.BytesIO(PNG), "devis.png")})
    page.last = old_tab
    values = {f"{request.id.hex}-file": (io.BytesIO(PNG), "encore.png"), "_key": "another-tab"}
    assert page.submit(values).status == 409
    assert len(db.session.scalars(select(StoredFile)).all()) == 1


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"label": ""}, "label"),
        ({"due_on": "2019-01-01"}, "due_on"),
        ({"due_on": ""}, "due_on"),
        ({"due_on": "٢٠٢٦-01-01"}, "due_on"),
        ({"label": "x" * 201}, "label"),
        ({"message": "x" * 2001}, "message"),
        ({"piece": "11111111-1111-1111-1111-111111111111"}, "piece"),
    ],
)
def test_a_bad_request_of_a_piece_is_refused_on_its_field(make, page, manager, values, field):
    application = make.application(state=S.SUBMITTED)
    answer = ask(page.sign_in(manager), application, **values)
    assert answer.status == 422
    assert answer.tree.xpath(f"//*[@id='{field}-error']")
    assert state_of(application) is S.SUBMITTED
    assert letters("screening_piece") == []


def test_the_same_piece_is_not_asked_twice(make, page, manager):
    application = make.application(state=S.SUBMITTED)
    page.sign_in(manager)
    ask(page, application)
    assert "déjà demandée" in ask(page, application).words
    assert len(db.session.scalars(select(PieceRequest)).all()) == 1


def test_two_managers_at_once_the_second_sees_both_versions(make, page, manager):
    application = make.application(state=S.SUBMITTED)
    other = make.account("manager")
    gate = gate_of(application, "obligations")
    page.get("screening.show", application, as_=manager)
    elsewhere = Page(page.app)
    elsewhere.get("screening.show", application, as_=other)
    elsewhere.submit(
        {f"gate-{gate.id.hex}": "no", f"note-{gate.id.hex}": "Compte rendu 2024 absent", "then": "save"},
        action=f"/recevabilite/{application.id}",
    )
    answer = page.submit({f"gate-{gate.id.hex}": "yes", "then": "save"}, action=f"/recevabilite/{application.id}")
    assert answer.status == 409
    assert "Compte rendu 2024 absent" in answer.text
    db.session.expire_all()
    assert db.session.scalars(select(Finding)).one().passed is False


def test_a_decided_dossier_cannot_be_decided_again(make, page, manager):
    application = make.application(state=S.SUBMITTED)
    page.get("screening.show", application, as_=manager)
    old_page = page.last
    page.submit({**ticked(application), "then": "accept"}, action=f"/recevabilite/{application.id}")
    page.last = old_page
    values = {**ticked(application), "then": "accept", "_key": "old-tab"}
    assert page.submit(values, action=f"/recevabilite/{application.id}").status == 409
    answer = page.post("screening.exclude", application, data={"reason": "Trop tard", "version": "1"})
    assert answer.status == 409
    assert page.post("screening.request_piece", application,
                     data={"piece": "", "label": "RIB", "due_on": "2199-01-01"}).status == 409  # fmt: skip
    assert state_of(application) is S.ELIGIBLE
    assert len(letters("screening_eligible")) == 1


def test_a_double_click_decides_once(make, page, manager):
    application = make.application(state=S.SUBMITTED)
    page.get("screening.show", application, as_=manager)
    form_page = page.last
    for _ in range(2):
        page.last = form_page
        answer = page.submit({**ticked(application), "then": "accept"},
                             action=f"/recevabilite/{application.id}", follow=False)  # fmt: skip
        assert answer.status == 302
    assert len(letters("screening_eligible")) == 1


@pytest.mark.parametrize("role", ["reviewer", "finance", "administrator", "authorising_officer"])
def test_screening_is_for_managers(make, page, role):
    application = make.application(state=S.SUBMITTED)
    person = make.account(role)
    assert page.get("screening.inbox", as_=person).status == 403
    assert page.get("screening.show", application, as_=person).status in {403, 404}


def test_the_auditor_reads_and_cannot_decide(make, page):
    application = make.application(state=S.SUBMITTED)
    auditor = make.account("auditor")
    answer = page.get("screening.show", application, as_=auditor)
    assert answer.status == 200
    assert not answer.tree.xpath("//main//form[@method='post']")
    assert page.post("screening.judge", application, data={"version": "1", "then": "accept"}).status == 403
    assert page.get("screening.exclude", application).status == 403


def test_a_draft_is_unknown_to_screening(make, page, manager):
    assert page.get("screening.show", make.application(), as_=manager).status == 404


def test_a_stranger_cannot_see_or_answer_a_request(make, page, manager):
    application = make.application(state=S.SUBMITTED)
    ask(page.sign_in(manager), application)
    request = db.session.scalars(select(PieceRequest)).one()
    stranger = make.account()
    assert page.get("screening.answer", application, as_=stranger).status == 404
    assert page.post("screening.give", request, data={}).status == 404


def test_a_manager_with_a_declared_link_finds_the_dossier_nowhere(make, page):
    call = make.call()
    hidden = make.application(state=S.SUBMITTED, call=call, title="CANARI-INVISIBLE")
    make.application(state=S.SUBMITTED, call=call)
    manager = make.account("manager")
    with unit_of_work() as session:
        session.add(Interest(application_id=hidden.id, account_id=manager.id, nature=InterestNature.FAMILY,
                             declared_at=clock.now()))  # fmt: skip
    answer = page.get("screening.inbox", as_=manager)
    assert "CANARI" not in answer.text
    assert len(answer.tree.xpath("//tbody/tr")) == 1
    assert answer.tree.xpath("//nav[@class='tabs']//*[@class='count-mark']")[0].text == "1"
    for endpoint in ("show", "exclude", "request_piece"):
        assert page.get(f"screening.{endpoint}", hidden).status == 404
    assert page.post("screening.judge", hidden, data={"version": "1"}).status == 404
