"""What the privacy and error pages say the service does: the few promises that no other test proves."""

import logging
import re
from datetime import timedelta
from pathlib import Path

import pytest

from grants import cli
from grants.applications.lifecycle import ApplicationState
from grants.awards.lifecycle import AwardState, ReportState
from grants.calls import queries as calls
from grants.calls.lifecycle import CallState
from grants.deliberation import queries as deliberation
from grants.kernel import clock, reference_files, stored_forms, uploads
from grants.kernel.db import Base, db, unit_of_work
from grants.people import actions, rules
from grants.programme import queries as programme
from grants.reviewing.lifecycle import AssignmentState

pytestmark = pytest.mark.neutral

STATIC = Path(__file__).parents[2] / "static" / "js"
ASKED_NOWHERE = re.compile(r"birth|nationalit|naissance|sécurité sociale|social_security", re.IGNORECASE)
YEARS = timedelta(days=12 * 366)


def test_two_cookies_the_theme_and_unsent_texts_are_all_that_a_browser_keeps(page, make):
    set_by_us = set()
    for path in ("/", "/appels", "/connexion", "/donnees-personnelles"):
        set_by_us |= cookies(page.get(path))
    assert set_by_us == {"session"}
    set_by_us |= cookies(page.post("/langue", data={"language": "en", "back": "/"}))
    page.sign_in(make.account())
    set_by_us |= cookies(page.get("desk.work"))
    assert set_by_us == {"session", "language"}
    scripts = "".join(path.read_text(encoding="utf-8") for path in STATIC.rglob("*.js"))
    assert set(re.findall(r"(?:local|session)Storage\.\w+\(\"(\w+)\"", scripts)) == {"theme"}
    assert set(re.findall(r"indexedDB\.open\(\"(\w+)\"", scripts)) == {"unsent"}
    assert "document.cookie" not in scripts


def cookies(answer):
    return {line.split("=")[0] for line in answer.response.headers.getlist("Set-Cookie")}


def test_a_page_loads_nothing_from_a_third_party(page):
    rules = page.get("/").response.headers["Content-Security-Policy"]
    assert "default-src 'none'" in rules or "default-src 'self'" in rules
    assert not re.search(r"https?:|\*", rules)


def test_nothing_is_kept_of_a_birth_a_nationality_or_a_social_security_number(app):
    columns = [f"{table.name}.{column.name}" for table in Base.metadata.sorted_tables for column in table.columns]
    asked = [row["label"] for row in reference_files.toml("questions.toml")["questions"]]
    asked += [row["label"] for row in reference_files.toml("pieces.toml")["pieces"]]
    assert [name for name in columns + asked if ASKED_NOWHERE.search(name)] == []


def test_what_is_published_of_an_award_and_never_the_name_of_a_representative(page, make):
    won = make.application(state=ApplicationState.ELIGIBLE)
    make.decided(won)
    organisation = won.organisation
    assert organisation.representative_name
    for address in ("observatory.register", "observatory.laureates", "observatory.scdl"):
        assert organisation.representative_name not in page.get(address).text
    record = page.get("observatory.record", reference=won.reference)
    meeting = deliberation.decision_of(won.id).meeting
    for text in (organisation.name, organisation.siret, organisation.rna or "—", won.title, won.summary,
                 meeting.act_number, "Subvention", "A1"):  # fmt: skip
        assert bare(text) in bare(record.words)
    assert "8000€" in bare(record.words)
    assert organisation.representative_name not in record.text


@pytest.mark.parametrize("state", [ApplicationState.DRAFT, ApplicationState.WITHDRAWN, ApplicationState.INELIGIBLE])
def test_no_dossier_is_erased_by_itself(make, state):
    application = make.application(state=state)
    key, kind = application.id, type(application)
    with clock.fixed(clock.now() + YEARS):
        cli._forget()
        cli._forget_forms()
        uploads.sweep()
    db.session.expire_all()
    assert db.session.get(kind, key).state is state


def test_a_fault_is_noted_in_the_technical_log(page, make, monkeypatch, caplog):
    def breaks(*_args, **_values):
        raise LookupError("a fault")

    page.sign_in(make.account())
    monkeypatch.setattr(actions, "change_account", breaks)
    page.get("people.account")
    with caplog.at_level(logging.ERROR):
        assert page.submit({"name": "Un nom"}, action="/mon-compte").status == 500
    assert [record.message for record in caplog.records if record.exc_info] == ["unforeseen error"]


def bare(text):
    return re.sub(r"\s", "", text)


def test_a_wrong_answer_waits_on_its_page_until_it_is_corrected(page, make):
    draft = make.application()
    owner = make.member_of(draft.organisation)
    page.get("applications.edit", draft, section="projet", as_=owner)
    page.submit({"requested": "beaucoup"})
    with clock.fixed(clock.now() + timedelta(days=80)):
        page.sign_in(owner)
        shown = page.get("applications.edit", draft, section="projet").form().fields["requested"]
        assert shown == "beaucoup"
        page.submit({"requested": ""})
        assert page.get("applications.edit", draft, section="projet").form().fields["requested"] == ""


def test_the_delays_that_pages_tell_are_those_of_the_code():
    delays = (timedelta(days=30), timedelta(hours=1), timedelta(days=14))
    assert delays == (uploads.RETENTION, stored_forms.RETENTION, rules.INVITATION_LASTS)


def test_a_declaration_keeps_who_made_it_and_when(page, make):
    draft = make.application(complete=False)
    owner = make.member_of(draft.organisation)
    page.get("applications.edit", draft, section="declarations", as_=owner)
    statements = calls.statements_of(draft.call_id)
    now = clock.now()
    with clock.fixed(now):
        page.submit({f"s_{row.id}": row.choices[0]["code"] if row.choices else "y" for row in statements})
    db.session.expire_all()
    made = {(row.statement_id, row.signed_by, row.signed_at) for row in draft.signatures}
    assert made
    assert made <= {(row.id, owner.id, now) for row in statements}


def test_a_report_that_is_sent_back_keeps_what_was_written(make):
    award = make.award(state=AwardState.RUNNING)
    report = make.report(award, state=ReportState.RETURNED, narrative="Les paliers sont frais.")
    assert report.narrative == "Les paliers sont frais."
    assert all(line.actual == line.planned for line in report.lines)


def test_each_level_says_what_it_means_where_marks_are_given(page, make):
    application, reviewer = make.application(state=ApplicationState.ELIGIBLE), make.account("reviewer")
    assignment = make.assignment(application, reviewer, state=AssignmentState.OPEN)
    shown = bare(page.get("reviewing.review", assignment, as_=reviewer).words)
    items = [item for block in calls.criteria_of(application.call_id) for item in block.items]
    assert items
    assert [item.code for item in items for level in item.anchors if bare(level) not in shown] == []


def test_a_new_call_starts_from_the_texts_of_the_fund(make):
    with unit_of_work():
        programme.text_of_code("how_much").body = "Entre {minimum} et {maximum}, au choix du fonds."
    made = make.call(state=CallState.DRAFT)
    assert made.texts["how_much"]["fr"] == "Entre {minimum} et {maximum}, au choix du fonds."
