"""Papers that left: the same bytes whatever changes afterwards, in their data or in their templates."""

import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import delete, func, select, update

from grants import cli
from grants.applications.lifecycle import ApplicationState
from grants.applications.models import Application
from grants.awards import letters as award_letters
from grants.awards.actions import agreement as actions
from grants.calls.models import Call
from grants.deliberation import actions as deliberation
from grants.deliberation import queries
from grants.deliberation.rules import Act
from grants.kernel import clock, journal, papers
from grants.kernel.db import db, unit_of_work
from grants.kernel.papers import IssuedPaper, PaperCopy, PaperTemplate
from grants.people.models import Account, Organisation
from grants.programme.models import Fund
from grants.reviewing.lifecycle import AssignmentState
from tests.client import Page
from tests.factories import Make
from tests.papers import words_of
from tests.tampering import tampered

S = ApplicationState
Issue = tuple[str, Any, Account]  # endpoint, subject of the address, who may read it


def receipt(make: Make) -> Issue:
    """A submitted dossier, its receipt issued."""
    application = make.application(state=S.SUBMITTED)
    return "applications.receipt_pdf", application, make.member_of(application.organisation)


def acted(make: Make) -> Application:
    """A dossier whose meeting froze its recommendations and recorded its act."""
    call = make.call(closes_at=clock.now() - timedelta(days=3))
    application = make.application(state=S.ELIGIBLE, call=call)
    meeting = make.meeting(call)
    make.recommendation(meeting, application)
    manager = make.actor("manager")
    with unit_of_work():
        deliberation.freeze(meeting, by=manager)
    with unit_of_work():
        act = Act("CP-2026-1", clock.today(), "Commission permanente", "")
        deliberation.record_act(meeting, act, {}, by=manager)
    return application


def published(make: Make) -> Application:
    """The same, its result told."""
    application = acted(make)
    with unit_of_work():
        deliberation.publish(meeting_of(application), by=make.actor("manager"))
    return application


def meeting_of(application: Application) -> Any:
    """The meeting of a dossier's call."""
    return queries.meeting_of(application.call_id)


def decision(make: Make) -> Issue:
    """A published decision, its letter issued."""
    application = published(make)
    return "deliberation.decision_pdf", application, make.member_of(application.organisation)


def minutes(make: Make) -> Issue:
    """A meeting whose recommendations are frozen, its minutes issued."""
    return "deliberation.minutes_pdf", meeting_of(acted(make)), make.account("manager")


def agreement(make: Make) -> Issue:
    """An agreement ready to be signed."""
    award = make.award()
    return "awards.agreement_pdf", make.agreement(award), make.member_of(award.organisation)


def change_everything(app: Flask, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give every organisation, fund, call and dossier other words, and papers other templates."""
    with unit_of_work() as session:
        session.execute(
            update(Organisation).values(
                name="Association rebaptisée", address="9 quai Neuf", city="Villeurbanne", representative_name="Autre"
            )
        )
        session.execute(update(Fund).values(service_address="Autre adresse", service_name="Autre service"))
        session.execute(update(Application).values(title="Autre titre"))
        session.execute(update(Call).values(title="Autre appel", title_en="Another call"))
    shutil.copytree(Path(str(app.template_folder)) / "papers", folder / "papers")
    for template in (folder / "papers").glob("*.typ"):
        template.write_text(template.read_text(encoding="utf-8").replace("11pt", "12pt"), encoding="utf-8")
    monkeypatch.setattr(app, "template_folder", str(folder))


@pytest.mark.parametrize("issued", [receipt, decision, minutes, agreement])
def test_an_issued_paper_is_given_again_byte_for_byte(
    app: Flask,
    make: Make,
    page: Page,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    issued: Callable[[Make], Issue],
) -> None:
    endpoint, subject, reader = issued(make)
    page.sign_in(reader)
    first = given(page, endpoint, subject)
    assert papers.set_waiting(100) > 0
    assert given(page, endpoint, subject) == first, "the copy that is kept differs from what was given before it"
    with monkeypatch.context() as patch:
        change_everything(app, tmp_path, patch)
        assert given(page, endpoint, subject) == first
        with tampered() as connection:  # before the worker came by, only the sources of the day are there
            connection.execute(delete(PaperCopy))
        assert given(page, endpoint, subject) == first
    assert papers.set_waiting(100) > 0
    assert given(page, endpoint, subject) == first


def given(page: Page, endpoint: str, subject: Any) -> list[bytes]:
    """The paper in both languages."""
    found = []
    for language in ("fr", "en"):
        page.client.set_cookie("language", language)
        found.append(page.get(endpoint, subject).response.data)
        assert found[-1].startswith(b"%PDF")
    return found


def test_the_pages_of_a_receipt_and_a_decision_say_what_the_papers_say(make: Make, page: Page) -> None:
    application = published(make)
    name, reader = application.organisation.name, make.member_of(application.organisation)
    with unit_of_work() as session:
        session.execute(update(Organisation).values(name="Association rebaptisée"))
        session.execute(update(Fund).values(service_address="Autre adresse"))
    page.sign_in(reader)
    for endpoint in ("applications.receipt", "deliberation.decision"):
        text = page.get(endpoint, application).tree.xpath("//main")[0].text_content()
        assert name in text
        assert "Autre adresse" not in text


def test_minutes_do_not_change_with_the_act(make: Make, page: Page) -> None:
    call = make.call(closes_at=clock.now() - timedelta(days=3))
    shown, hidden = (make.application(state=S.ELIGIBLE, call=call) for _ in range(2))
    linked, manager = make.account("manager", "reviewer"), make.account("manager")
    make.assignment(hidden, linked, state=AssignmentState.RECUSED)
    meeting = make.meeting(call)
    for application in (shown, hidden):
        make.recommendation(meeting, application)
    by = make.actor_of(manager)
    with unit_of_work():
        deliberation.freeze(meeting, by=by)
    before = {who: minutes_read(page, meeting, who) for who in (manager, linked)}
    title = "".join(hidden.title.split())
    assert title in before[manager][1]
    assert title not in before[linked][1] + before[linked][2]
    assert before[linked][0] != before[manager][0]
    with unit_of_work():
        deliberation.record_act(meeting, Act("CP-2026-1", clock.today(), "Commission", ""), {}, by=by)
    with unit_of_work():
        deliberation.publish(meeting, by=by)
    with unit_of_work() as session:
        session.execute(update(Organisation).values(name="Association rebaptisée"))
    after = {who: minutes_read(page, meeting, who) for who in (manager, linked)}
    assert after == before


def minutes_read(page: Page, meeting: Any, who: Account) -> tuple[bytes, str, str]:
    """The minutes as somebody gets them: the paper, its words, those of the page below the instant of its printing."""
    page.sign_in(who)
    paper = page.get("deliberation.minutes_pdf", meeting).response.data
    text = page.get("deliberation.minutes", meeting).tree.xpath("//main")[0].text_content()
    return paper, words_of(paper), "".join(text.partition(meeting.title)[2].split())


def test_a_letter_that_is_not_published_is_a_draft_of_today(make: Make, page: Page) -> None:
    application = acted(make)
    page.sign_in(make.account("manager"))
    draft = page.get("deliberation.letter_pdf", application).response.data
    assert "Projetdecourrier,nonpublié" in words_of(draft)
    with unit_of_work():
        deliberation.publish(meeting_of(application), by=make.actor("manager"))
    assert "Projetdecourrier" not in words_of(page.get("deliberation.letter_pdf", application).response.data)


def test_an_agreement_prepared_again_is_the_next_edition(make: Make) -> None:
    award = make.award()
    agreement = make.agreement(award)
    first = award_letters.agreement_paper(agreement)
    with unit_of_work():
        actions.prepare_agreement(award, agreement.terms + "\n\nUn mot de plus.", version=agreement.version, by=make.by)
    assert award_letters.agreement_paper(agreement) != first
    paper = papers.latest("agreement", agreement.id)
    assert paper is not None
    assert paper.edition == 2


# ---- papers that left before they were kept


def test_a_paper_of_before_is_frozen_by_the_worker_and_says_so(make: Make, page: Page) -> None:
    application = published(make)
    award = make.award(application)
    agreement = make.agreement(award)
    make_old()
    page.sign_in(make.member_of(application.organisation))
    asked = [
        ("applications.receipt_pdf", application),
        ("deliberation.decision_pdf", application),
        ("awards.agreement_pdf", agreement),
    ]
    for endpoint, subject in asked:
        assert "Recomposéle" in words_of(page.get(endpoint, subject).response.data)
    assert db.session.scalar(select(func.count()).select_from(IssuedPaper)) == 0, "a reading wrote"
    assert cli.keep_old_papers() == 4
    assert cli.keep_old_papers() == 0
    frozen = [page.get(endpoint, subject).response.data for endpoint, subject in asked]
    assert all("Recomposéle" in words_of(each) for each in frozen)
    with unit_of_work() as session:
        session.execute(update(Organisation).values(name="Association rebaptisée"))
    with clock.fixed(clock.now() + timedelta(minutes=5)):
        assert [page.get(endpoint, subject).response.data for endpoint, subject in asked] == frozen
    assert list(papers.problems()) == []


def make_old() -> None:
    """Take away what is kept of papers, with its lines, as if all had left before."""
    with tampered() as connection:
        for table in (PaperCopy, IssuedPaper, PaperTemplate):
            connection.execute(delete(table))
        connection.execute(update(journal.Entry).where(journal.Entry.event == "paper.issued").values(event="old"))


# ---- proofs


def other(table: Any, **columns: Any) -> Callable[[Any], Any]:
    """A change of one row of a table, behind the application's back."""
    return lambda connection: connection.execute(update(table).values(**columns))


FORGED = "{}"
FORGERIES: dict[str, Callable[[Any], Any]] = {
    "content and digest": other(IssuedPaper, content=FORGED, digest=papers.sha256(FORGED)),
    "kind": other(IssuedPaper, kind="decision"),
    "mark of a paper composed again": other(IssuedPaper, recomposed=True),
    "template": other(PaperTemplate, sources=FORGED),
    "PDF and digest": other(PaperCopy, content=b"%PDF", sha256=papers.sha256(b"%PDF")),
    "PDF gone": lambda connection: connection.execute(delete(PaperCopy)),
    "line of the journal gone": lambda connection: connection.execute(
        delete(journal.Entry).where(journal.Entry.event == "paper.issued")
    ),
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_forged_paper_is_found(make: Make, forgery: str) -> None:
    make.application(state=S.SUBMITTED)
    assert papers.set_waiting() == 1
    assert list(papers.problems()) == []
    with tampered() as connection:
        FORGERIES[forgery](connection)
    assert list(papers.problems())


def test_a_paper_that_was_removed_is_found(make: Make) -> None:
    make.application(state=S.SUBMITTED)
    with tampered() as connection:
        connection.execute(delete(IssuedPaper))
    assert "n’est plus conservé" in " ".join(papers.problems())


@pytest.mark.parametrize(
    ("is_set", "alter"),
    [
        (False, other(IssuedPaper, digest="0" * 64)),
        (False, other(PaperTemplate, sources=FORGED)),
        (True, other(PaperCopy, content=b"%PDF-1.7 forged")),
    ],
    ids=["what it says", "the sources it is set by", "its PDF"],
)
def test_an_altered_paper_is_not_handed_out(make: Make, page: Page, is_set: bool, alter: Callable[[Any], Any]) -> None:
    application = make.application(state=S.SUBMITTED)
    if is_set:
        papers.set_waiting()
    with tampered() as connection:
        alter(connection)
    page.sign_in(make.member_of(application.organisation))
    answer = page.get("applications.receipt_pdf", application)
    assert (answer.status, "altéré" in answer.words) == (500, True)
