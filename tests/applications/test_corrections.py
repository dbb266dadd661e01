"""A submitted dossier is corrected by a new version: the last one counts, all are kept, nothing shows before."""

import io
import threading
from datetime import timedelta

import pytest
from sqlalchemy import delete, func, select, update
from sqlalchemy.exc import DatabaseError
from werkzeug.datastructures import FileStorage

from grants.applications import actions, exports, letters, queries
from grants.applications.lifecycle import ApplicationState as S
from grants.applications.models import Allocation, Application, ApplicationVersion, Attachment, Dimension
from grants.applications.rules import Part
from grants.calls import queries as calls
from grants.kernel import clock, journal
from grants.kernel.access import set_access_mode
from grants.kernel.db import db, unit_of_work
from grants.kernel.errors import ConflictError, InvalidError, RefusedError
from grants.kernel.money import Money
from grants.kernel.outbox import Letter
from grants.kernel.uploads import StoredFile
from tests.applications.test_actions import PDF, mails_of


@pytest.fixture
def dossier(make):
    return make.application(state=S.SUBMITTED)


@pytest.fixture
def by(make, dossier):
    return make.actor_of(make.member_of(dossier.organisation))


def begin(dossier, by):
    with unit_of_work():
        return actions.begin_correction(dossier, by=by)


def change(draft, by, **values):
    """Write other values in a correction, and make its statements."""
    with unit_of_work():
        stored = queries.section_values(draft, Part.PROJECT)
        actions.save_section(draft, Part.PROJECT, {**stored, **values}, by=by)
    sign(draft, by)


def sign(draft, by):
    known = calls.statements_of(draft.call_id)
    choices = {str(row.id): (row.choices[0]["code"] if row.choices else "yes") for row in known}
    with unit_of_work():
        actions.save_section(draft, Part.STATEMENTS, {"choices": choices}, by=by)


def submit(draft, by, at=None):
    with unit_of_work():
        return actions.submit(draft, by=by, received_at=at or clock.now())


def test_a_correction_becomes_the_next_version_and_the_first_is_kept(dossier, by):
    first = queries.latest_version(dossier.id)
    title, reference, submitted_at = dossier.title, dossier.reference, dossier.submitted_at
    draft = begin(dossier, by)
    change(draft, by, title="Un autre titre")
    assert (dossier.title, queries.content_of(dossier.id)["project"]["title"]) == (title, title)
    second = submit(draft, by)
    assert [version.number for version in queries.versions_of(dossier.id)] == [2, 1]
    assert (dossier.title, dossier.reference, dossier.state) == ("Un autre titre", reference, S.SUBMITTED)
    assert dossier.submitted_at == second.frozen_at > submitted_at
    assert queries.content_of(dossier.id)["project"]["title"] == "Un autre titre"
    assert queries.content_in(first)["project"]["title"] == title
    assert queries.is_authentic(reference, first.digest)
    assert queries.is_authentic(reference, second.digest)
    line = journal.of(dossier)[-1]
    assert (line.event, line.facts["number"], line.facts["digest"]) == ("application.correct", 2, second.digest)
    assert list(queries.problems()) == []
    assert list(journal.wrong_rows()) == []


def test_a_correction_copies_what_was_submitted_but_its_statements(make, by, dossier):
    draft = begin(dossier, by)
    was, now = queries.content_of(dossier.id), queries.draft_content(draft)
    alone = ("reference", "submitted_at", "digest", "number", "statements", "author", "pieces")
    assert {key: now[key] for key in now if key not in alone} == {key: was[key] for key in was if key not in alone}
    assert {row["choice"] for row in now["statements"]} == {None}
    assert begin(dossier, by).id == draft.id
    with pytest.raises(InvalidError) as refused:
        submit(draft, by)
    assert {item.section for item in refused.value.facts["missing"]} == {"declarations"}
    assert [version.number for version in queries.versions_of(dossier.id)] == [1]


def test_euros_and_receipts_are_those_of_the_last_version(dossier, by, tmp_path):
    draft = begin(dossier, by)
    change(draft, by, requested=Money.euros(6_000))
    budget = queries.section_values(draft, Part.BUDGET)
    first, *others = budget["lines"]
    lines = [{**first, "amount": first["amount"] - Money.euros(2_000)}, *others]
    with unit_of_work():
        actions.save_section(draft, Part.BUDGET, {"lines": lines}, by=by)
    assert total(dossier) == Money.euros(8_000)
    second = submit(draft, by)
    assert total(dossier) == dossier.requested == Money.euros(6_000)
    mails = mails_of(tmp_path)
    names = sorted(next(mail.iter_attachments()).get_filename() for mail in mails)
    assert names == [f"recu-{dossier.reference}-v2.pdf"] * 2 + [f"recu-{dossier.reference}.pdf"] * 2
    (told,) = {mail["Subject"] for mail in mails if "version 2" in mail["Subject"]}
    assert dossier.reference in told
    receipt = letters.receipt_of(db.session.get_one(ApplicationVersion, second.id), "fr")
    assert (receipt.number, receipt.replaced_at) == (2, queries.versions_of(dossier.id)[1].frozen_at)
    assert receipt.digest == second.digest


def total(dossier):
    euros = select(func.sum(Allocation.amount)).where(
        Allocation.application_id == dossier.id, Allocation.dimension == Dimension.AXIS
    )
    return db.session.scalar(euros)


def test_the_database_lets_no_euros_of_the_version_that_counts_go(dossier, by):
    begin(dossier, by)
    own = Allocation.application_id == dossier.id
    for wrong in (delete(Allocation).where(own), update(Allocation).where(own).values(version=0)):
        with pytest.raises(DatabaseError, match=r"allocation is (counted|append-only)"), unit_of_work() as session:
            session.execute(wrong)


def test_a_file_of_the_first_version_stays_when_a_correction_takes_it_out(make):
    dossier = make.application()
    by = make.actor_of(make.member_of(dossier.organisation))
    piece, other = calls.pieces_of(dossier.call_id)[:2]
    with unit_of_work():
        actions.add_file(dossier, piece, FileStorage(io.BytesIO(PDF), "statuts.pdf"), by=by)
    submit(dossier, by)
    draft = begin(dossier, by)
    (copied,) = queries.attachments_of(draft.id)[piece.id]
    with unit_of_work():
        actions.remove_file(draft, copied, by=by)
        actions.add_file(draft, other, FileStorage(io.BytesIO(PDF), "comptes.pdf"), by=by)
    assert [row.file.name for row in queries.attachments_of(dossier.id)[piece.id]] == ["statuts.pdf"]
    sign(draft, by)
    submit(draft, by)
    kept = db.session.scalars(select(StoredFile).order_by(StoredFile.given_at)).all()
    assert [(file.name, file.removed_at, file.dossier_id) for file in kept] == [
        ("statuts.pdf", None, dossier.id), ("comptes.pdf", None, dossier.id),
    ]  # fmt: skip
    names = [[file["name"] for file in queries.files_in(queries.content_in(version))]
             for version in queries.versions_of(dossier.id)]  # fmt: skip
    assert names == [["comptes.pdf"], ["statuts.pdf"]]
    assert db.session.scalars(select(Attachment.application_id)).all() == [dossier.id]


def test_two_clicks_make_one_version(dossier, by):
    draft = begin(dossier, by)
    change(draft, by, title="Un autre titre")
    first, again = submit(draft, by), submit(draft, by)
    assert (first.id, first.number) == (again.id, 2)
    assert db.session.scalar(select(func.count()).select_from(ApplicationVersion)) == 2
    third = begin(dossier, by)
    assert third.id != draft.id
    sign(third, by)
    assert submit(third, by).number == 3
    assert submit(draft, by).number == 2
    written = db.session.scalars(select(Letter.dedup)).all()
    assert len(written) == len(set(written)) == 6


def test_two_tabs_in_the_same_instant_make_one_version(app, dossier, by):
    draft = begin(dossier, by)
    change(draft, by, title="Un autre titre")
    draft_id, dossier_id, ready, outcomes = draft.id, dossier.id, threading.Barrier(2), []
    db.session.rollback()
    db.session.remove()

    def press():
        with app.app_context():
            set_access_mode(writing=True)
            ready.wait()
            with unit_of_work() as session:
                application = session.get(Application, draft_id)
                outcomes.append(actions.submit(application, by=by, received_at=clock.now()).digest)
            db.session.remove()

    tabs = [threading.Thread(target=press) for _tab in range(2)]
    for tab in tabs:
        tab.start()
    for tab in tabs:
        tab.join()
    assert len(outcomes) == 2
    assert len(set(outcomes)) == 1
    assert [version.number for version in queries.versions_of(dossier_id)] == [2, 1]


def test_two_people_who_begin_in_the_same_instant_write_the_same_correction(app, dossier, by):
    dossier_id, ready, begun = dossier.id, threading.Barrier(2), []
    db.session.rollback()
    db.session.remove()

    def press():
        with app.app_context():
            set_access_mode(writing=True)
            ready.wait()
            with unit_of_work() as session:
                begun.append(actions.begin_correction(session.get(Application, dossier_id), by=by).id)
            db.session.remove()

    people = [threading.Thread(target=press) for _person in range(2)]
    for person in people:
        person.start()
    for person in people:
        person.join()
    assert len(begun) == 2
    assert len(set(begun)) == 1


def test_after_the_closing_the_submitted_version_stands_and_the_correction_is_kept(dossier, by):
    draft = begin(dossier, by)
    change(draft, by, title="Écrit trop tard")
    late = dossier.call.closes_at + timedelta(microseconds=1)
    with clock.fixed(late), pytest.raises(RefusedError, match="L’appel est clos"):
        submit(draft, by, late)
    db.session.expire_all()
    assert (draft.state, draft.title) == (S.DRAFT, "Écrit trop tard")
    assert [version.number for version in queries.versions_of(dossier.id)] == [1]
    assert queries.content_of(dossier.id)["project"]["title"] != "Écrit trop tard"
    with unit_of_work():
        actions.withdraw(draft, reason="", by=by)
    with clock.fixed(late), pytest.raises(RefusedError, match="L’appel est clos"):
        begin(dossier, by)


WORDS = {S.PIECES_REQUESTED: "Une pièce vous est demandée", S.WITHDRAWN: "Ce dossier est retiré"}


@pytest.mark.parametrize("state", [S.PIECES_REQUESTED, S.ELIGIBLE, S.INELIGIBLE, S.WITHDRAWN])
def test_no_version_replaces_a_dossier_that_is_being_decided_on(make, state):
    dossier = make.application(state=S.SUBMITTED)
    by = make.actor_of(make.member_of(dossier.organisation))
    draft = begin(dossier, by)
    change(draft, by, title="Un autre titre")
    make._carry(dossier, state)
    with pytest.raises(RefusedError, match=WORDS.get(state, "L’examen de ce dossier a commencé")):
        submit(draft, by)
    db.session.expire_all()
    assert (draft.state, dossier.state) == (S.DRAFT, state)
    assert [version.number for version in queries.versions_of(dossier.id)] == [1]
    with unit_of_work():
        actions.withdraw(draft, reason="", by=by)
    with pytest.raises(RefusedError):
        begin(dossier, by)


def test_an_abandoned_correction_is_submitted_by_no_other_tab(dossier, by):
    draft = begin(dossier, by)
    change(draft, by, title="Un autre titre")
    with unit_of_work():
        actions.withdraw(draft, reason="", by=by)
    with pytest.raises(RefusedError, match="abandonnée"):
        submit(draft, by)
    with pytest.raises(RefusedError, match="n’est plus un brouillon"):
        change(draft, by, title="Encore")
    assert (dossier.state, [version.number for version in queries.versions_of(dossier.id)]) == (S.SUBMITTED, [1])


def test_a_correction_is_no_dossier_of_its_own(make, dossier, by):
    begin(dossier, by)
    (row,) = queries.of_organisations([dossier.organisation_id])
    assert (row.id, row.correction_id is not None) == (dossier.id, True)
    assert queries.current(dossier.call_id, dossier.organisation_id).id == dossier.id
    (candidate,) = queries.candidates(dossier.call, [dossier.organisation_id])
    assert candidate.application_id == dossier.id
    assert queries.earlier_dossiers(make.application(organisation=dossier.organisation)) == [dossier]


def test_the_changes_of_a_version_are_told_under_their_headings(app, dossier, by):
    draft = begin(dossier, by)
    change(draft, by, title="Un autre titre", summary="Un hiver au chaud.")
    submit(draft, by)
    last, first = (queries.content_in(version) for version in queries.versions_of(dossier.id))
    with app.test_request_context():
        found = {change.heading: change for change in exports.changes(first, last)}
        assert exports.changes(last, last) == []
    assert found["Projet"].added == ["Un autre titre"]
    assert found["Le projet en bref"].removed == ["Un été au frais pour les aînés."]
    assert found["Le projet en bref"].added == ["Un hiver au chaud."]
    assert "Budget du projet" not in found


def test_a_correction_changed_by_somebody_since_it_was_read_is_not_submitted(dossier, by):
    draft = begin(dossier, by)
    seen = draft.version
    change(draft, by, title="Un autre titre")
    with pytest.raises(ConflictError), unit_of_work():
        actions.submit(draft, by=by, received_at=clock.now(), seen=seen)
