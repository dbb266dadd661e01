"""A dossier on paper: what it says, to whom, and what it is not."""

import io

import pikepdf
import pytest
from werkzeug.datastructures import FileStorage

from grants.applications import actions, exports, queries
from grants.applications.lifecycle import ApplicationState as S
from grants.calls import queries as calls
from grants.calls.lifecycle import CallState
from grants.kernel import clock
from grants.kernel.db import unit_of_work
from grants.kernel.errors import RefusedError
from grants.kernel.words import force_locale
from grants.reviewing.lifecycle import AssignmentState
from tests.applications.test_actions import PDF
from tests.papers import words_of

DRAFT = "BROUILLON—nondéposé"


def squeezed(text):
    return "".join(text.split())


def pdf_of(answer):
    assert answer.status == 200
    assert answer.response.headers["Content-Disposition"].startswith("attachment")
    return answer.response.data


def test_a_draft_is_printed_as_it_stands_and_says_on_each_page_that_it_is_not_submitted(make, page):
    draft = make.application()
    page.sign_in(make.member_of(draft.organisation))
    printed = pdf_of(page.get("applications.dossier_pdf", draft))
    words = words_of(printed)
    with pikepdf.open(io.BytesIO(printed)) as pdf:
        assert words.count(DRAFT) == len(pdf.pages) > 1
        assert pdf.open_metadata()["pdfuaid:part"] == "1"
        assert "/Outlines" in pdf.Root
    for text in (draft.title, "Sommaire", "non déposé : ce document ne vaut pas dépôt", draft.organisation.name):
        assert squeezed(text) in words
    assert "Empreinte" not in words


def test_a_submitted_dossier_is_printed_with_its_digest_and_is_always_the_same(make, page, app):
    submitted = make.application()
    person = make.member_of(submitted.organisation)
    by = make.actor_of(person)
    with unit_of_work():
        actions.add_file(
            submitted, calls.pieces_of(submitted.call_id)[0], FileStorage(io.BytesIO(PDF), "statuts.pdf"), by=by
        )
        actions.submit(submitted, by=by, received_at=clock.now())
    page.sign_in(person)
    printed = pdf_of(page.get("applications.dossier_pdf", submitted))
    words, content = words_of(printed), queries.content_of(submitted.id)
    assert content["digest"] in words
    assert DRAFT not in words
    (file,) = queries.files_in(content)
    assert file["sha256"] in words
    with app.test_request_context(), force_locale("fr"):
        assert exports.dossier_pdf(submitted) == exports.dossier_pdf(submitted) == printed
    with app.test_request_context(), force_locale("en"):
        assert squeezed("Project budget") in words_of(exports.dossier_pdf(submitted))


def test_whatever_was_written_is_printed_on_as_many_pages_as_it_takes(make, app):
    draft = make.application()
    by = make.actor_of(make.member_of(draft.organisation))
    question = next(row for row in calls.questions_of(draft.call_id) if row.kind == "long" and not row.asked_when)
    section = next(code for code in queries.section_codes(draft) if code.endswith(question.section.code))
    text = "#read(x) <b>\n\n" + "\n".join(f"- ligne {n}" for n in range(120))
    with unit_of_work():
        actions.save_section(draft, section, {"answers": {str(question.id): text}}, by=by)
    with app.test_request_context(), force_locale("fr"):
        words = words_of(exports.dossier_pdf(draft))
    assert "#read(x)<b>" in words
    assert "ligne119" in words


def test_a_dossier_too_long_for_a_printer_is_refused_before_it_is_set(make, app, monkeypatch):
    draft = make.application()
    monkeypatch.setattr(exports, "MOST", 1000)
    monkeypatch.setattr(exports.papers, "render", None)
    with app.test_request_context(), force_locale("fr"), pytest.raises(RefusedError, match="trop long"):
        exports.dossier_pdf(draft)


def test_the_fund_prints_what_was_submitted_and_never_a_draft(make, page):
    draft, submitted = make.application(), make.application(state=S.SUBMITTED)
    page.sign_in(make.account("manager"))
    assert page.get("desk.dossier_pdf", draft).status == 404
    assert submitted.reference in words_of(pdf_of(page.get("desk.dossier_pdf", submitted)))
    assert page.get("applications.dossier_pdf", submitted).status == 403


def test_a_reviewer_prints_a_dossier_after_the_declaration_only(make, page):
    dossier = make.application(state=S.ELIGIBLE)
    reader, other = make.account("reviewer"), make.account("reviewer")
    offered = make.assignment(dossier, other, state=AssignmentState.OFFERED)
    opened = make.assignment(dossier, reader, state=AssignmentState.OPEN)
    page.sign_in(other)
    assert not page.get("reviewing.dossier_pdf", offered).response.data.startswith(b"%PDF")
    page.sign_in(reader)
    assert squeezed(dossier.title) in words_of(pdf_of(page.get("reviewing.dossier_pdf", opened)))
    assert page.get("reviewing.dossier_pdf", offered).status == 404


def test_anybody_prints_the_blank_dossier_of_a_published_call(make, page):
    call = make.call()
    offered = page.get("calls.show", code=call.code).tree.xpath("//section[@aria-labelledby='questions']//a/@href")
    assert f"/appels/{call.code}/dossier-vierge.pdf" in offered
    words = words_of(pdf_of(page.get("applications.blank_pdf", code=call.code)))
    for question in calls.questions_of(call.id):
        assert squeezed(question.label) in words
    for text in ("Dossier vierge", "Sommaire", "Seulement si vous répondez", "Date, nom, qualité et signature"):
        assert squeezed(text) in words
    assert page.get("applications.blank_pdf", code=make.call(state=CallState.DRAFT).code).status == 404
    assert page.get("applications.blank_pdf", code="INCONNU").status == 404
