"""What applicants do to a dossier."""

import io
import threading
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from uuid import uuid4

import pytest
from sqlalchemy import func, select, update
from werkzeug.datastructures import FileStorage

from grants.applications import actions, letters, queries, rules
from grants.applications.lifecycle import LIFECYCLE
from grants.applications.lifecycle import ApplicationState as S
from grants.applications.models import Allocation, Application, ApplicationVersion, Attachment, Dimension
from grants.applications.rules import Part
from grants.calls import queries as calls
from grants.kernel import clock, journal, outbox, papers
from grants.kernel.access import set_access_mode
from grants.kernel.db import db, unit_of_work
from grants.kernel.errors import ConflictError, InvalidError, MissingError, RefusedError, ThrottledError
from grants.kernel.journal import advance
from grants.kernel.money import Money
from grants.kernel.outbox import Letter
from grants.kernel.pages import money
from grants.kernel.uploads import StoredFile
from grants.kernel.words import force_locale
from grants.people import queries as people
from grants.people.models import MemberRole
from grants.programme import queries as programme
from tests.databases import unguarded

PDF = (
    b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
    b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 72 72]>>endobj\ntrailer<</Root 1 0 R/Size 4>>\n%%EOF\n"
)


@pytest.fixture
def draft(make):
    return make.application()


@pytest.fixture
def by(make, draft):
    return make.actor_of(make.member_of(draft.organisation))


def save(application, section, values, by, **more):
    with unit_of_work():
        actions.save_section(application, section, values, by=by, **more)


def submit(application, by, at=None, **more):
    with unit_of_work():
        return actions.submit(application, by=by, received_at=at or clock.now(), **more)


def say(app, call):
    with app.test_request_context():
        return call()


# ---- start ---------------------------------------------------------------------------------------------------------


def test_one_application_per_organisation_and_call_unless_withdrawn(make):
    call, organisation = make.call(), make.organisation()
    by = make.actor_of(make.member_of(organisation))
    with unit_of_work():
        first = actions.start(call, organisation.id, by=by)
    with pytest.raises(InvalidError) as refused, unit_of_work():
        actions.start(call, organisation.id, by=by)
    assert refused.value.field == "organisation"
    with unit_of_work():
        actions.withdraw(first, reason="", by=by)
    with unit_of_work():
        second = actions.start(call, organisation.id, by=by)
    assert second.id != first.id
    assert [entry.event for entry in journal.of(second)] == ["application.started"]


def test_nobody_starts_for_a_foreign_organisation_or_a_closed_call(make):
    organisation = make.organisation()
    stranger = make.actor_of(make.member_of(make.organisation()))
    member = make.actor_of(make.member_of(organisation))
    with pytest.raises(InvalidError), unit_of_work():
        actions.start(make.call(), organisation.id, by=stranger)
    closed = make.call(closes_at=clock.now() - timedelta(seconds=1))
    with pytest.raises(RefusedError), unit_of_work():
        actions.start(closed, organisation.id, by=member)
    assert db.session.scalar(select(func.count()).select_from(Application)) == 0


# ---- write ---------------------------------------------------------------------------------------------------------


def test_a_page_is_kept_complete_or_not_and_leaves_a_line(draft, by):
    save(draft, Part.CALENDAR, {"rows": [{"label": "", "due_on": clock.today()}]}, by)
    assert [row.label for row in draft.milestones] == [""]
    assert "calendrier" in [line.facts.get("section") for line in journal.of(draft)]


def test_a_stale_page_is_refused_with_both_texts(draft, by):
    shown = queries.section_values(draft, Part.PROJECT)
    stamp = rules.stamp_of(shown)
    save(draft, Part.PROJECT, {**shown, "summary": "La trésorière a écrit ceci."}, by, stamp=stamp)
    with pytest.raises(ConflictError) as refused:
        save(draft, Part.PROJECT, {**shown, "summary": "La présidente a écrit cela."}, by, stamp=stamp)
    assert refused.value.facts["theirs"]["summary"] == "La trésorière a écrit ceci."
    assert draft.summary == "La trésorière a écrit ceci."


def test_two_people_on_two_pages_do_not_disturb_each_other(draft, by):
    project = queries.section_values(draft, Part.PROJECT)
    territory = queries.section_values(draft, Part.TERRITORY)
    save(draft, Part.PROJECT, {**project, "title": "Nouveau titre"}, by, stamp=rules.stamp_of(project))
    save(draft, Part.TERRITORY, {"communes": ["69123"], "areas": []}, by, stamp=rules.stamp_of(territory))
    assert (draft.title, [row.insee for row in draft.communes]) == ("Nouveau titre", ["69123"])


def test_two_people_on_one_page_keep_what_each_changed(draft, by):
    shown = queries.section_values(draft, Part.PROJECT)
    stamp = rules.stamp_of(shown)
    save(draft, Part.PROJECT, {**shown, "title": "Le titre de l’une"}, by, stamp=stamp)
    save(draft, Part.PROJECT, {**shown, "summary": "Le résumé de l’autre."}, by, stamp=stamp)
    assert (draft.title, draft.summary) == ("Le titre de l’une", "Le résumé de l’autre.")


@pytest.mark.parametrize("section", [Part.AXES, Part.PEOPLE, Part.CLIMATE, Part.STATEMENTS])
def test_two_people_on_two_lines_of_one_page_keep_what_each_changed(draft, by, section):
    shown = queries.section_values(draft, section)
    name = next(name for name, value in shown.items() if isinstance(value, dict))
    first, second = list(shown[name])[:2]
    said = {Part.AXES: (10, 20), Part.PEOPLE: ((7, ""), (8, "")), Part.CLIMATE: (("neutral", ""), ("mixed", "Oui.")),
            Part.STATEMENTS: ("yes", "yes")}[section]  # fmt: skip
    for key, value in zip((first, second), said, strict=True):
        save(draft, section, {**shown, name: {**shown[name], key: value}}, by, stamp=rules.stamp_of(shown))
    stored = queries.section_values(draft, section)[name]
    assert (stored[first], stored[second]) == said


def type_in(draft, section, path, value, version, by, writer=None):
    """Save one field as an open page does; whether somebody else changed it meanwhile, and its version."""
    with unit_of_work():
        typed = {path: rules.FieldContent(value)}
        conflicts, held = actions.save_fields(draft, section, typed, {path: version}, by=by, writer=writer)
    return bool(conflicts), held[path].version


def test_a_field_is_saved_on_the_version_it_was_shown_in(draft, by):
    title, requested = ("title",), ("requested",)
    shown = rules.versions_in(rules.stamp_of(queries.section_values(draft, Part.PROJECT)))
    refused, second = type_in(draft, Part.PROJECT, title, "Le titre de l’une", shown[title], by)
    assert not refused
    assert type_in(draft, Part.PROJECT, requested, Money.euros(7_000), shown[requested], by)[1] != shown[requested]
    assert type_in(draft, Part.PROJECT, title, "Le titre de l’une", shown[title], by) == (False, second)
    assert type_in(draft, Part.PROJECT, title, "Le titre de l’autre", shown[title], by) == (True, second)
    assert draft.title == "Le titre de l’une"
    assert next(line for line in draft.budget_lines if line.is_request).amount == Money.euros(7_000)
    blank = rules.version_of((None, ""))
    type_in(draft, Part.PEOPLE, ("audiences", "youth"), (12, ""), blank, by)
    assert {row.kind: row.number for row in draft.audiences} == {"older_people": 60, "youth": 12}
    change = queries.changes_in(draft, Part.PROJECT)[title]
    assert (change.name, change.wrong, change.writer) == (by.name, None, None)


def test_two_people_on_two_lines_of_one_table_keep_what_each_wrote_added_and_took_out(draft, by):
    names = ("Ville", "Centre social", "Maison des aînés")
    rows = [{"id": str(uuid4()), "name": name, "kind": "public", "role": "", "committed": False, "amount": None}
            for name in names]  # fmt: skip
    save(draft, Part.PARTNERS, {"rows": rows}, by)
    stamp = rules.stamp_of(queries.section_values(draft, Part.PARTNERS))
    first, second, third = rows
    save(draft, Part.PARTNERS, {"rows": [first | {"name": "Ville de Lyon"}, second]}, by, stamp=stamp)
    added = third | {"id": str(uuid4()), "name": "École"}
    save(draft, Part.PARTNERS, {"rows": [first, second | {"role": "Prête un local"}, third, added]}, by, stamp=stamp)
    assert [(row.name, row.role) for row in draft.partners] == [
        ("Ville de Lyon", ""), ("Centre social", "Prête un local"), ("École", ""),
    ]  # fmt: skip
    with pytest.raises(ConflictError):
        save(draft, Part.PARTNERS, {"rows": [first | {"name": "Métropole"}, second, third]}, by, stamp=stamp)
    assert draft.partners[0].name == "Ville de Lyon"


def test_a_line_never_takes_the_place_of_a_line_of_another_dossier(make, draft, by):
    other = make.application(call=draft.call)
    theirs = other.budget_lines[0]
    lines = queries.section_values(draft, Part.BUDGET)["lines"]
    request = next(line for line in draft.budget_lines if line.is_request)
    for key in (theirs.id, request.id):
        stolen = {**lines[0], "id": str(key), "amount": Money.euros(3)}
        save(draft, Part.BUDGET, {"lines": [*lines, stolen]}, by)
    db.session.expire_all()
    assert db.session.get_one(type(theirs), theirs.id).application_id == other.id
    assert [line.id for line in draft.budget_lines if line.is_request] == [request.id]
    assert Money.euros(3) in [line.amount for line in draft.budget_lines]


def test_what_is_typed_wrong_stays_beside_what_is_stored_and_bars_the_submission(app, draft, by):
    values, wrong = queries.section_values(draft, Part.PROJECT), {("requested",): {"requested": ["beaucoup"]}}
    stamp = rules.stamp_of(values)
    save(draft, Part.PROJECT, values, by, stamp=stamp, wrong=wrong)
    assert queries.section_values(draft, Part.PROJECT) == values
    assert queries.wrong_in(draft, Part.PROJECT) == wrong
    with pytest.raises(ConflictError):  # somebody who did not see it would write over it
        save(draft, Part.PROJECT, {**values, "requested": Money.euros(9_000)}, by, stamp=stamp)
    with pytest.raises(InvalidError) as refused:
        submit(draft, by)
    assert [(item.section, item.field) for item in refused.value.facts["missing"]] == [("projet", "requested")]
    assert "Montant demandé" in say(app, lambda: queries.wrong_answers(draft)[0].message)
    assert draft.state is S.DRAFT
    save(draft, Part.PROJECT, values, by, stamp=rules.stamp_of(values, wrong))
    assert (queries.wrong_in(draft, Part.PROJECT), queries.wrong_answers(draft)) == ({}, [])
    submit(draft, by)


def test_a_field_saved_a_hundred_times_leaves_one_line_and_forgets_no_answer(draft, by):
    save(draft, Part.PROJECT, queries.section_values(draft, Part.PROJECT), by)
    head, version = journal.head(), rules.version_of(draft.summary)
    for number in range(100):
        _refused, version = type_in(draft, Part.PROJECT, ("summary",), f"Mot {number}.", version, by)
    assert (journal.head(), draft.summary) == (head, "Mot 99.")


def test_an_open_page_is_heard_of_and_its_saves_counted_once(make, draft, by):
    writer, start = uuid4(), clock.now()

    def receive(last, at=start, who=by, key=writer):
        with clock.fixed(at), unit_of_work():
            return actions.receive(draft, Part.BUDGET, key, last, by=who)[0]

    assert [receive(last) for last in (3, 0, 7, 5)] == [0, 3, 3, 7]
    colleague = make.actor_of(make.account())
    with pytest.raises(MissingError):
        receive(8, who=colleague)
    receive(1, who=colleague, key=uuid4())
    with clock.fixed(start + timedelta(seconds=44)):
        assert [(one.name, one.section) for one in queries.others_in(draft, by.id)] == [(colleague.name, "budget")]
    with clock.fixed(start + timedelta(seconds=46)):
        assert queries.others_in(draft, by.id) == []
    for _time in range(actions.MOST_IN_A_MINUTE - 4):
        receive(0)
    with pytest.raises(ThrottledError):
        receive(0)
    receive(0, start + timedelta(seconds=61))
    with clock.fixed(start + timedelta(days=61)), unit_of_work():
        assert actions.forget_writers() == 2


def test_the_saves_of_one_page_by_one_person_are_one_line_for_half_an_hour(make, draft, by):
    colleague, start = make.actor_of(make.account("manager")), clock.now() + timedelta(hours=1)

    def saved(section, at=start, who=by):
        with clock.fixed(at):
            save(draft, section, queries.section_values(draft, section), who)
        return [line.facts["section"] for line in journal.of(draft) if line.event == "application.save"]

    before = saved(Part.PROJECT)
    head = journal.head()
    assert saved(Part.PROJECT) == saved(Part.PROJECT, start + timedelta(minutes=29)) == before
    assert journal.head() == head
    assert saved(Part.AXES) == [*before, "axes"]
    assert saved(Part.AXES, start + timedelta(minutes=31)) == [*before, "axes", "axes"]
    assert saved(Part.AXES, start + timedelta(minutes=31), colleague) == [*before, "axes", "axes", "axes"]
    head = journal.head()
    for minutes in (32, 33, 34):  # two people who write beside each other
        saved(Part.AXES, start + timedelta(minutes=minutes))
        saved(Part.AXES, start + timedelta(minutes=minutes), colleague)
    assert journal.head() == head
    assert list(journal.wrong_rows()) == []


def test_a_draft_is_told_to_the_journal_when_it_is_submitted(draft, by):
    values = queries.section_values(draft, Part.PROJECT)
    for summary in ("Un résumé.", "Un autre résumé."):
        save(draft, Part.PROJECT, {**values, "summary": summary}, by)
    assert list(journal.wrong_rows()) == []
    submit(draft, by)
    assert list(journal.wrong_rows()) == []
    db.session.execute(update(Application.__table__).values(title="Falsifié"))
    assert [(row.table, row.key) for row in journal.wrong_rows()] == [("application", str(draft.id))]
    db.session.rollback()


def test_the_same_words_saved_twice_are_no_conflict(draft, by):
    shown = queries.section_values(draft, Part.PROJECT)
    stamp = rules.stamp_of(shown)
    for _time in range(2):
        save(draft, Part.PROJECT, {**shown, "title": "Le même titre"}, by, stamp=stamp)
    assert draft.title == "Le même titre"


@pytest.mark.parametrize("section", [part for part in Part if part is not Part.PIECES])
def test_what_a_page_says_can_be_saved_as_it_is(draft, by, section):
    before = queries.section_values(draft, section)
    save(draft, section, before, by, stamp=rules.stamp_of(before))
    db.session.expire_all()
    assert queries.section_values(draft, section) == before


def test_the_line_of_the_request_follows_the_amount(draft, by):
    values = queries.section_values(draft, Part.PROJECT)
    save(draft, Part.PROJECT, {**values, "requested": Money.euros(6_000)}, by)
    line = next(line for line in draft.budget_lines if line.is_request)
    assert (line.account, line.amount) == ("74", Money.euros(6_000))
    save(draft, Part.PROJECT, {**values, "requested": None}, by)
    assert not [line for line in draft.budget_lines if line.is_request]


def test_a_statement_whose_words_changed_is_to_be_made_again(draft, by):
    codes = {row.id: row.code for row in calls.statements_of(draft.call_id)}
    values = queries.section_values(draft, Part.PROJECT)
    save(draft, Part.PROJECT, {**values, "requested": Money.euros(7_000)}, by)
    made = {codes[row.statement_id] for row in draft.signatures}
    assert "amount" not in made
    assert "exactness" in made


def test_a_foreign_account_or_instrument_is_refused(draft, by):
    line = {"account": "999", "label": "", "status": None, "amount": Money(100)}
    with pytest.raises(InvalidError):
        save(draft, Part.BUDGET, {"lines": [line]}, by)
    values = queries.section_values(draft, Part.PROJECT)
    with pytest.raises(InvalidError):
        save(draft, Part.PROJECT, {**values, "instrument": str(draft.id)}, by)


def test_a_file_is_kept_then_removed_and_its_row_says_so(draft, by):
    piece = calls.pieces_of(draft.call_id)[0]
    with unit_of_work():
        given = actions.add_file(draft, piece, FileStorage(io.BytesIO(PDF), "statuts.pdf"), by=by)
    assert queries.attachments_of(draft.id)[piece.id][0].file.name == "statuts.pdf"
    with unit_of_work():
        actions.remove_file(draft, given, by=by)
    assert db.session.scalars(select(StoredFile)).one().removed_at is not None
    assert piece.id not in queries.attachments_of(draft.id)


def test_a_wrong_file_is_refused_on_its_field_and_nothing_is_kept(draft, by):
    piece = calls.pieces_of(draft.call_id)[0]
    with pytest.raises(InvalidError) as refused, unit_of_work():
        actions.add_file(draft, piece, FileStorage(io.BytesIO(b"<html>non</html>"), "statuts.pdf"), by=by)
    assert refused.value.field == f"piece_{piece.id}"
    assert db.session.scalar(select(func.count()).select_from(Attachment)) == 0


# ---- submit --------------------------------------------------------------------------------------------------------


def test_a_submission_numbers_freezes_splits_and_writes(make, draft, by):
    version = submit(draft, by)
    year = draft.call.closes_at.year
    assert (draft.state, draft.reference) == (S.SUBMITTED, f"FIS-{year}-0001")
    assert version.digest == rules.digest(version.content)
    content = queries.content_of(draft.id)
    assert (content["reference"], content["project"]["title"]) == (draft.reference, draft.title)
    assert draft.silence_on == clock.add_months(clock.today(), 2)
    line = journal.of(draft)[-1]
    assert (line.event, line.facts["digest"]) == ("application.submit", version.digest)
    letters = db.session.scalars(select(Letter).where(Letter.dossier_id == draft.id)).all()
    assert {letter.recipient for letter in letters} == {by.email, draft.organisation.representative_email}
    for letter in letters:
        assert version.digest in letter.body
        assert draft.reference in letter.subject


def mails_of(instance):
    """What the worker sends now, as mails."""
    while outbox.deliver(outbox.FolderCarrier(instance), "Fonds <fonds@exemple.example>"):
        pass
    files = sorted(instance.glob("*.eml"))
    return [message_from_bytes(file.read_bytes(), policy=policy.default) for file in files]


def test_the_mail_of_a_receipt_encloses_its_pdf_the_same_bytes_as_on_its_page(draft, by, tmp_path):
    version = submit(draft, by)
    version_id, reference = version.id, draft.reference
    mails = mails_of(tmp_path)
    assert len(mails) == 2
    for mail in mails:
        (enclosed,) = mail.iter_attachments()
        assert (enclosed.get_filename(), enclosed.get_content_type()) == (f"recu-{reference}.pdf", "application/pdf")
        frozen = db.session.get_one(ApplicationVersion, version_id)
        assert enclosed.get_content() == letters.receipt_pdf(frozen, "fr")
        assert frozen.digest in mail.get_body().get_content()
    assert list(papers.problems()) == []


def test_the_mail_of_a_receipt_leaves_without_a_paper_that_was_altered(draft, by, tmp_path):
    submit(draft, by)
    db.session.remove()
    with unguarded(db.engine) as connection:
        connection.execute(update(papers.IssuedPaper).values(digest="0" * 64))
    mails = mails_of(tmp_path)
    assert [list(mail.iter_attachments()) for mail in mails] == [[], []]


def test_the_euros_of_each_dimension_add_up_to_the_request(draft, by):
    submit(draft, by)
    for dimension in Dimension:
        rows = db.session.scalars(
            select(Allocation).where(Allocation.application_id == draft.id, Allocation.dimension == dimension)
        ).all()
        assert sum(row.amount.cents for row in rows) == draft.requested.cents, dimension
    axes = {axis.id: axis.code for axis in programme.axes(draft.call.framework_id)}
    by_axis = db.session.scalars(select(Allocation).where(Allocation.dimension == Dimension.AXIS)).all()
    assert {axes[row.key_id]: row.amount for row in by_axis} == {"A1": Money.euros(4_800), "A4": Money.euros(3_200)}


def test_two_clicks_make_one_receipt(draft, by):
    first, second = submit(draft, by), submit(draft, by)
    assert first.id == second.id
    assert db.session.scalar(select(func.count()).select_from(ApplicationVersion)) == 1
    letters = db.session.scalars(select(Letter.dedup)).all()
    assert len(letters) == len(set(letters)) == 2


def test_two_tabs_in_the_same_instant_make_one_receipt(app, make, draft, by):
    application_id, ready, outcomes = draft.id, threading.Barrier(2), []
    db.session.rollback()
    db.session.remove()

    def press():
        with app.app_context():
            set_access_mode(writing=True)
            ready.wait()
            with unit_of_work() as session:
                application = session.get(Application, application_id)
                outcomes.append(actions.submit(application, by=by, received_at=clock.now()).digest)
            db.session.remove()

    tabs = [threading.Thread(target=press) for _tab in range(2)]
    for tab in tabs:
        tab.start()
    for tab in tabs:
        tab.join()
    assert len(outcomes) == 2
    assert len(set(outcomes)) == 1
    assert db.session.scalar(select(func.count()).select_from(Letter)) == 2


def test_references_follow_without_a_gap_after_a_refusal(make, draft, by):
    other = make.application(call=draft.call, complete=False)
    author = make.actor_of(make.member_of(other.organisation))
    with pytest.raises(InvalidError):
        submit(other, author)
    submit(draft, by)
    assert draft.reference.endswith("-0001")


def test_the_closing_instant_counts_and_a_microsecond_later_does_not(make):
    closes_at = datetime(2026, 9, 30, 21, 59, 59, tzinfo=UTC)
    call = make.call(closes_at=closes_at, opens_at=closes_at - timedelta(days=30))
    late, exact = make.application(call=call), make.application(call=call)
    with pytest.raises(RefusedError, match="L’appel est clos depuis le 30 septembre 2026 à 23"):
        submit(late, make.actor_of(make.member_of(late.organisation)), closes_at + timedelta(microseconds=1))
    assert (late.state, late.title != "") == (S.DRAFT, True)
    submit(exact, make.actor_of(make.member_of(exact.organisation)), closes_at)
    assert (exact.state, exact.submitted_at) == (S.SUBMITTED, closes_at)


def test_an_incomplete_dossier_is_not_submitted_and_says_what_is_missing(make):
    application = make.application(complete=False)
    with pytest.raises(InvalidError) as refused:
        submit(application, make.actor_of(make.member_of(application.organisation)))
    sections = {item.section for item in refused.value.facts["missing"]}
    assert {"projet", "axes", "territoire", "publics", "climat", "budget", "declarations"} <= sections
    assert (application.state, application.reference) == (S.DRAFT, None)


def test_what_was_read_must_be_what_is_submitted(draft, by):
    seen = draft.version
    values = queries.section_values(draft, Part.PROJECT)
    save(draft, Part.PROJECT, {**values, "summary": "Un collègue passe par là."}, by)
    with pytest.raises(ConflictError):
        submit(draft, by, seen=seen)
    assert draft.state is S.DRAFT


@pytest.mark.parametrize(
    ("section", "change", "message"),
    [
        (Part.PROJECT, {"requested": Money.euros(4_999)}, "trop bas"),
        (Part.PROJECT, {"requested": Money.euros(10_001)}, "trop haut"),
        (Part.AXES, {"shares": {}}, "au moins un axe"),
        (Part.TERRITORY, {"communes": []}, "au moins une commune"),
        (Part.CLIMATE, {"effects": {"water": ("favourable", "")}}, "Gestion de l’eau"),
        (Part.INDICATORS, {"rows": []}, "au moins un indicateur"),
        (
            Part.BUDGET,
            {"lines": [{"account": "64", "label": "", "status": None, "amount": Money.euros(9_000)}]},
            "Il manque 1\u202f000\u00a0€ de ressources",
        ),
    ],
)
def test_each_gap_is_named(app, draft, by, section, change, message):
    save(draft, section, {**queries.section_values(draft, section), **change}, by)
    messages = say(app, lambda: [item.message for item in rules.missing(queries.draft_content(draft))])
    assert any(message in one for one in messages), messages


def test_a_request_over_the_instruments_rate_is_named(app, make):
    application = make.application(instrument="development")
    by = make.actor_of(make.member_of(application.organisation))
    lines = [
        {"account": "64", "label": "", "status": None, "amount": Money.euros(15_000)},
        {"account": "OWN", "label": "", "status": None, "amount": Money.euros(7_000)},
    ]
    save(application, Part.BUDGET, {"lines": lines}, by)
    messages = say(app, lambda: [item.message for item in rules.missing(queries.draft_content(application))])
    assert messages == ["Le montant demandé dépasse 50\u00a0% des ressources du projet\u00a0: 500\u00a0€ de trop."]


def test_submitting_reads_what_it_froze_once_for_all_receipts(draft, by, monkeypatch):
    read, texts = rules.read, []
    monkeypatch.setattr(rules, "read", lambda text: texts.append(text) or read(text))
    version = submit(draft, by)
    assert texts.count(version.content) == 1
    assert len(texts) == 2  # and once to know what is missing


# ---- withdraw ------------------------------------------------------------------------------------------------------


def test_a_submitted_dossier_is_withdrawn_with_a_reason_and_a_letter(make):
    application = make.application(state=S.SUBMITTED)
    by = make.actor_of(make.member_of(application.organisation))
    with pytest.raises(InvalidError), unit_of_work():
        actions.withdraw(application, reason="", by=by)
    with unit_of_work():
        actions.withdraw(application, reason="Le lieu n’est plus disponible.", by=by)
    assert (application.state, application.withdrawal_reason) == (S.WITHDRAWN, "Le lieu n’est plus disponible.")
    kinds = db.session.scalars(select(Letter.kind).where(Letter.dossier_id == application.id)).all()
    assert kinds.count("applications_withdrawal") == 2


def test_a_withdrawal_by_a_plain_member_is_told_to_everybody_responsible(make):
    owners, editor = [make.account(), make.account()], make.account()
    organisation = make.organisation(*owners, editor)
    application = make.application(state=S.ELIGIBLE, organisation=organisation)
    with unit_of_work():
        people.membership(editor.id, organisation.id).role = MemberRole.EDITOR
    with unit_of_work():
        actions.withdraw(application, reason="Le lieu n’est plus disponible.", by=make.actor_of(editor))
    recipients = select(Letter.recipient).where(Letter.kind == "applications_withdrawal")
    assert set(db.session.scalars(recipients)) == {
        *(owner.email for owner in owners), editor.email, organisation.representative_email
    }  # fmt: skip


@pytest.mark.parametrize(("verb", "state"), LIFECYCLE.impossible())
def test_a_move_is_refused_outside_its_states(make, verb, state):
    application = make.application(state=state)
    by = make.actor_of(make.member_of(application.organisation))
    with pytest.raises(RefusedError), unit_of_work():
        advance(LIFECYCLE, application, verb, by=by)
    assert application.state is state
    assert journal.of(application)[-1].event != f"application.{verb}" or verb in {"submit", "save"}


def test_a_submitted_dossier_is_not_written_any_more(make):
    application = make.application(state=S.SUBMITTED)
    by = make.actor_of(make.member_of(application.organisation))
    with pytest.raises(RefusedError):
        save(application, Part.TERRITORY, {"communes": [], "areas": []}, by)
    assert application.communes


def test_what_is_missing_is_told_in_the_language_of_the_reader(make):
    draft = make.application(complete=False)
    plain = queries.plain_content(draft)
    with force_locale("en"):
        messages = " ".join(missing.message for missing in rules.missing(rules.read(rules.canonical(plain))))
    for row in (*(q for s in plain["sections"] for q in s["questions"] if q["required"]), *plain["statements"]):
        name = "label" if "label" in row else "title"
        assert row[name] == row[f"{name}_en"] or row[name] not in messages
    assert "Answer the question" in messages


def test_amounts_are_written_as_the_reader_does(app):
    amounts = [Money.euros(5_000), Money(123_456), Money(-250)]
    with force_locale("en"):
        assert [money(amount) for amount in amounts] == ["€5,000", "€1,234.56", "-€2.50"]
    with force_locale("fr"):
        assert [money(amount) for amount in amounts] == ["5\u202f000\xa0€", "1\u202f234,56\xa0€", "-2,50\xa0€"]
