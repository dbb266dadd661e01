"""A dossier that came on paper: who enters it, until when, what is said of it, and who decides on it afterwards."""

from datetime import timedelta
from io import BytesIO

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from werkzeug.datastructures import FileStorage

from grants.applications import actions, letters, queries
from grants.applications.lifecycle import ApplicationState as S
from grants.applications.models import Application, PaperDossier
from grants.applications.rules import PaperDays, Part
from grants.calls import queries as calls
from grants.deliberation import actions as deliberation
from grants.kernel import clock, journal
from grants.kernel.access import may_know, why_not
from grants.kernel.db import db, unit_of_work
from grants.kernel.errors import ConflictError, InvalidError, RefusedError
from grants.kernel.money import Money
from grants.kernel.outbox import Letter
from grants.kernel.pages import day
from grants.people import actions as people
from grants.people.models import Organisation
from grants.permissions import P
from tests.applications.test_actions import PDF
from tests.awards.test_queries import link
from tests.tampering import tampered

DAY = timedelta(days=1)
SHARES = (("A1", 60), ("A4", 40))


@pytest.fixture
def call(make):
    """A call that closed three days ago."""
    return make.call(opens_at=clock.now() - 20 * DAY, closes_at=clock.now() - 3 * DAY)


@pytest.fixture
def agent(make):
    return make.account("manager", name="Awa Gestion")


def scan(name="papier.pdf"):
    return FileStorage(BytesIO(PDF), filename=name)


def days(call, *, posted=0, received=1):
    """Days counted from that of the closing of a call."""
    closed_on = clock.day_of(call.closes_at, call.fund.zone)
    return PaperDays(closed_on + received * DAY, None if posted is None else closed_on + posted * DAY)


def begin(make, call, organisation, by, **told):
    with unit_of_work():
        return actions.begin_paper(call, organisation, days(call, **told), scan(), by=make.actor_of(by))


def fill(make, draft, by, title="Un été au frais"):
    """Write the parts of a draft, as the paper says."""
    heading = {"title": title, "summary": "Des paliers frais pour les aînés."}
    with unit_of_work():
        make._write(draft, make.actor_of(by), heading, Money.euros(8_000), "emergence", SHARES)


def fill_again(make, draft, by, title):
    """Write another title, and make the statements again."""
    said = {str(one.id): one.choices[0]["code"] if one.choices else "yes" for one in calls.statements_of(draft.call_id)}
    with unit_of_work():
        make._save(draft, {Part.PROJECT: {"title": title}, Part.STATEMENTS: {"choices": said}}, make.actor_of(by))


def submit(make, draft, by, at=None):
    with unit_of_work():
        return actions.submit(draft, by=make.actor_of(by), received_at=at or clock.now())


@pytest.fixture
def entered(make, call, agent):
    """A submitted dossier that came on paper."""
    draft = begin(make, call, make.organisation(), agent)
    fill(make, draft, agent)
    submit(make, draft, agent)
    return draft


def test_a_paper_posted_in_time_is_entered_after_the_closing_and_says_so_everywhere(make, page, call, agent):
    page.sign_in(agent)
    other = make.account("manager", name="Bilal Gestion")
    page.get("calls.manage", call)
    page.get("desk.paper", call)
    unknown = page.get("desk.paper", call, numero="W691234567")
    assert "Le fonds ne connaît pas d’organisation de ce numéro." in unknown.words
    page.get("desk.paper_organisation", call, numero="W691234567")
    begun = page.submit({
        "name": "Les Paliers (fictive)", "purpose": "Entraide de palier", "address": "2 rue de l’Exemple",
        "postcode": "69003", "city": "Lyon", "representative_name": "Camille Papier",
        "representative_role": "présidence",
    })  # fmt: skip
    assert begun.title.startswith("Saisir un dossier papier"), begun.words[:800]
    told = days(call)
    wrong = page.submit({"received_on": told.received_on.strftime("%d/%m/%Y"),
                         "postmarked_on": (told.postmarked_on + 2 * DAY).strftime("%d/%m/%Y")})  # fmt: skip
    assert "Le cachet de la poste ne peut pas être d’un jour après l’arrivée." in wrong.words
    first = page.submit({"received_on": told.received_on.strftime("%d/%m/%Y"),
                         "postmarked_on": told.postmarked_on.strftime("%d/%m/%Y"),
                         "scan": (BytesIO(PDF), "papier.pdf")})  # fmt: skip
    assert first.status == 200, first.words[:500]
    draft = db.session.scalars(select(Application)).one()
    assert "Dossier papier, pas encore enregistré" in first.words
    fill(make, draft, agent)
    page.get("applications.edit", draft, section=str(Part.PROJECT))
    assert "Ce dossier papier n’est pas encore déposé" in page.submit({}).words
    page.get("applications.review", draft)
    page.get("applications.submit", draft)
    receipt = page.submit({})
    assert receipt.title.startswith("Reçu du dossier"), receipt.words[:800]
    for said in ("déposé sur papier", "Cachet de la poste", "Arrivé au fonds", "Saisi par", "Awa Gestion", "papier.pdf",
                 "Enregistré le"):  # fmt: skip
        assert said in receipt.words
    assert f"a reçu le {' '.join(day(told.received_on).split())} votre demande" in receipt.words
    assert page.get("applications.receipt_pdf", draft).status == 200
    db.session.expire_all()
    assert (draft.state, draft.silence_on) == (
        S.SUBMITTED,
        actions.programme.due_on("implicit_rejection", told.received_on),
    )
    facts = next(line.facts for line in journal.of(draft) if line.event == "application.submit")
    assert (facts["received_on"], facts["postmarked_on"]) == (
        told.received_on.isoformat(),
        told.postmarked_on.isoformat(),
    )
    content = queries.content_of(draft.id)
    assert content["paper"]["entered_by"] == "Awa Gestion"
    assert content["paper"]["received_on"] == told.received_on
    # The fund's pages say so; who entered it cannot decide on it, another manager can.
    for shown in (page.get("desk.dossiers"), page.get("screening.inbox"), page.get("desk.dossier", draft)):
        assert "sur papier" in shown.words
    seen = page.get("screening.show", draft)
    assert "Vous avez saisi ce dossier papier" in seen.words
    assert "Déclarer recevable" not in seen.words
    assert page.post("screening.judge", draft, data={"then": "accept"}).status == 403
    page.sign_in(other)
    assert "Déclarer recevable" in page.get("screening.show", draft).words
    assert page.get("applications.receipt", draft).status == 200
    # A member who joins later finds it, with its receipt.
    member = make.account(name="Camille Papier")
    organisation = db.session.get_one(Organisation, draft.organisation_id)
    with unit_of_work():
        people.hand_over(organisation, member.email, keeps=True, reason="Statuts vus.", by=make.actor_of(other))
    page.sign_in(member)
    assert "Déposé sur papier" in page.get("applications.index").words
    assert "Awa Gestion" in page.get("applications.show", draft).words
    assert page.get("applications.receipt", draft).status == 200
    assert page.get("applications.edit", draft, section=str(Part.PROJECT)).status in {302, 403}


@pytest.mark.parametrize(("told", "field"), [
    ({"posted": 1, "received": 2}, "postmarked_on"),  # after the closing
    ({"posted": None, "received": 1}, "received_on"),  # brought by hand after it
    ({"posted": 2, "received": 1}, "postmarked_on"),  # posted after it came
    ({"posted": 0, "received": 9}, "received_on"),  # to come
    ({"posted": -30, "received": 1}, "postmarked_on"),  # before the call opened
])  # fmt: skip
def test_a_paper_that_is_not_in_time_is_not_entered(make, call, agent, told, field):
    with pytest.raises(InvalidError) as refused:
        begin(make, call, make.organisation(), agent, **told)
    assert refused.value.field == field
    assert db.session.scalars(select(Application)).first() is None


def test_the_paper_itself_is_needed(make, call, agent):
    with pytest.raises(InvalidError) as refused, unit_of_work():
        actions.begin_paper(call, make.organisation(), days(call), None, by=make.actor_of(agent))
    assert refused.value.field == "scan"


def test_what_is_being_entered_is_hidden_from_its_organisation_and_open_to_no_other_office(make, page, call, agent):
    organisation = make.organisation()
    draft = begin(make, call, organisation, agent)
    member = make.member_of(organisation)
    for who in (member, make.account("auditor"), make.account("reviewer"), make.account("finance"), make.account()):
        actor = make.actor_of(who)
        assert not may_know(draft, actor), who
        assert why_not(P.APPLICATION_EDIT, draft, actor) is not None
        page.sign_in(who)
        for name in ("applications.show", "applications.review", "applications.submit", "desk.paper_facts"):
            assert page.get(name, draft).status in {403, 404}
        assert page.get("applications.file", file_id=draft.paper.scan_id).status in {403, 404}
    page.sign_in(member)
    assert "Dossier sans titre" not in page.get("applications.index").words
    assert "Dossier sans titre" not in page.get("desk.work").words
    assert queries.current(call.id, organisation.id) is None


def test_what_was_entered_and_given_up_stays_hidden_from_its_organisation(make, page, call, agent):
    """It may be the paper of another organisation, entered under a wrong number."""
    organisation = make.organisation()
    own = make.application(call=make.call(), organisation=organisation, title="Le nôtre")
    given_up = begin(make, call, organisation, agent)
    fill(make, given_up, agent, title="Celui d’une autre")
    member = make.member_of(organisation)
    page.sign_in(member)
    assert "Celui d’une autre" not in page.get("applications.take_up", own).words
    with unit_of_work():
        actions.withdraw(given_up, reason="Mauvais numéro", by=make.actor_of(agent))
    page.sign_in(member)
    assert not may_know(given_up, make.actor_of(member))
    assert page.get("applications.file", file_id=given_up.paper.scan_id).status == 404
    for name in ("applications.show", "applications.review"):
        assert page.get(name, given_up).status == 404
    assert "Celui d’une autre" not in page.get("applications.index").words
    assert "Celui d’une autre" not in page.get("applications.take_up", own).words
    assert may_know(given_up, make.actor_of(agent))


def test_a_link_declared_on_an_earlier_dossier_counts_while_one_is_entered(make, call, agent):
    organisation, linked = make.organisation(), make.account("manager")
    link(make.actor_of(linked), make.application(state=S.SUBMITTED, organisation=organisation))
    draft = begin(make, call, organisation, agent)
    for permission in (P.APPLICATION_EDIT, P.APPLICATION_SUBMIT, P.APPLICATION_WITHDRAW, P.APPLICATION_READ_OWN):
        assert why_not(permission, draft, make.actor_of(linked)) is not None, permission


def test_a_manager_writes_in_no_ordinary_draft(make, page, call, agent):
    ordinary = make.application(call=make.call())
    page.sign_in(agent)
    for name in ("applications.show", "applications.review", "applications.submit", "desk.paper_facts"):
        assert page.get(name, ordinary).status in {403, 404}
    answer = page.post("applications.edit", ordinary, section=str(Part.PROJECT), data={"title": "Pris"})
    assert answer.status in {403, 404}
    assert page.post("desk.correct_paper", ordinary).status in {403, 404}
    submitted = make.application(state=S.SUBMITTED, call=ordinary.call)
    assert page.post("desk.correct_paper", submitted).status in {403, 409, 422}
    assert page.get("applications.receipt", submitted).status in {403, 404}
    begin(make, ordinary.call, ordinary.organisation, agent, posted=-11, received=-10)
    assert not may_know(ordinary, make.actor_of(agent))


def test_a_manager_who_is_linked_with_the_organisation_enters_nothing_of_it(make, page, call):
    linked = make.account("manager")
    organisation = make.organisation(linked)
    page.sign_in(linked)
    assert page.get("desk.enter_paper", organisation_id=organisation.id, code=call.code).status == 403
    draft = begin(make, call, organisation, make.account("manager"))
    assert why_not(P.APPLICATION_EDIT, draft, make.actor_of(linked)) is not None
    assert not may_know(draft, make.actor_of(linked))


def test_of_a_draft_and_a_paper_the_first_submitted_counts(make, agent):
    call = make.call()
    online = make.application(call=call)
    today = PaperDays(clock.day_of(clock.now(), call.fund.zone), None)
    with unit_of_work():
        paper = actions.begin_paper(call, online.organisation, today, scan(), by=make.actor_of(agent))
    fill(make, paper, agent)
    submit(make, paper, agent)
    with pytest.raises(IntegrityError):
        submit(make, online, make.member_of(online.organisation))
    db.session.rollback()
    assert db.session.get_one(Application, online.id).state is S.DRAFT
    with pytest.raises(RefusedError, match="déjà un dossier déposé"), unit_of_work():
        actions.begin_paper(call, online.organisation, today, scan(), by=make.actor_of(agent))
    assert queries.current(call.id, online.organisation_id).id == paper.id


def test_the_page_says_which_one_counts(make, page, agent):
    call = make.call()
    online = make.application(call=call)
    today = PaperDays(clock.day_of(clock.now(), call.fund.zone), None)
    page.sign_in(make.member_of(online.organisation))
    page.get("applications.submit", online)
    with unit_of_work():
        paper = actions.begin_paper(call, online.organisation, today, scan(), by=make.actor_of(agent))
    fill(make, paper, agent)
    submit(make, paper, agent)
    refused = page.submit({})
    assert refused.status == 409
    assert "Cette organisation a déjà un dossier déposé pour cet appel, en ligne ou sur papier." in refused.words


def test_the_committee_waits_while_one_is_being_entered(make, call, agent):
    meeting = make.meeting(call)
    draft = begin(make, call, make.organisation(), agent)
    assert "dossier papier" in str(deliberation.why_not_freeze(meeting, make.actor_of(agent)))
    with unit_of_work():
        actions.withdraw(draft, reason="", by=make.actor_of(agent))
    assert "dossier papier" not in str(deliberation.why_not_freeze(meeting, make.actor_of(agent)))


def test_nothing_is_entered_once_the_marks_are_frozen(make, call, agent):
    draft = begin(make, call, make.organisation(), agent)
    fill(make, draft, agent)
    with unit_of_work():
        call.marks_frozen_at = clock.now()
    with pytest.raises(RefusedError):
        submit(make, draft, agent)
    with pytest.raises(RefusedError):
        begin(make, call, make.organisation(), agent)
    db.session.rollback()
    assert draft.state is S.DRAFT


def test_the_fund_corrects_what_it_entered_and_whoever_wrote_does_not_decide(make, page, entered, agent):
    helper = make.account("manager", name="Chloé Gestion")
    page.sign_in(helper)
    assert page.get("screening.show", entered).words.count("Déclarer recevable")
    page.get("desk.dossier", entered)
    written = page.submit({}, action="corriger")
    assert "correction pas encore enregistrée" in written.words
    draft = queries.correction_of(entered)
    page.sign_in(make.member_of(entered.organisation))
    assert "corrige ce qu’il a saisi" in page.get("applications.show", entered).words
    assert page.get("applications.show", draft).status == 404
    member = make.actor_of(make.member_of(entered.organisation))
    with pytest.raises(RefusedError), unit_of_work():
        actions.begin_correction(entered, by=member)
    fill_again(make, draft, helper, "Un été plus au frais")
    version = submit(make, draft, helper)
    db.session.expire_all()
    assert (version.number, entered.title, entered.paper.entered_by) == (2, "Un été plus au frais", helper.id)
    for person in (agent, helper):
        assert why_not(P.SCREENING_DECIDE, entered, make.actor_of(person)) is not None
    judge = make.actor("manager")
    assert why_not(P.SCREENING_DECIDE, entered, judge) is None
    assert not list(queries.problems())
    assert not list(journal.broken_links())


def test_once_its_organisation_corrects_it_the_fund_does_not(make, agent):
    call = make.call()
    organisation = make.organisation()
    today = PaperDays(clock.day_of(clock.now(), call.fund.zone), None)
    with unit_of_work():
        paper = actions.begin_paper(call, organisation, today, scan(), by=make.actor_of(agent))
    fill(make, paper, agent)
    submit(make, paper, agent)
    member = make.member_of(organisation)
    with unit_of_work():
        draft = actions.begin_correction(paper, by=make.actor_of(member))
    assert not draft.is_on_paper
    with pytest.raises(RefusedError, match="corrige elle-même"), unit_of_work():
        actions.begin_paper_correction(paper, by=make.actor_of(agent))
    fill_again(make, draft, member, "Un été encore")
    version = submit(make, draft, member)
    db.session.expire_all()
    assert "paper" not in queries.content_in(version)
    assert letters.receipt_of(version, "fr").paper is None
    assert paper.is_on_paper
    assert why_not(P.SCREENING_DECIDE, paper, make.actor_of(agent)) is not None
    with pytest.raises(RefusedError, match="elle seule la corrige"), unit_of_work():
        actions.begin_paper_correction(paper, by=make.actor_of(agent))


def test_the_receipt_goes_to_those_who_act_for_the_organisation(make, entered, agent):
    sent = db.session.scalars(select(Letter.recipient).where(Letter.dossier_id == entered.id)).all()
    assert agent.email not in sent
    assert make.member_of(entered.organisation).email in sent


def test_days_and_scan_are_corrected_until_it_is_submitted(make, page, call, agent):
    draft = begin(make, call, make.organisation(), agent)
    page.sign_in(agent)
    page.get("desk.paper_facts", draft)
    late = days(call, posted=1, received=1)
    refused = page.submit({"postmarked_on": late.postmarked_on.strftime("%d/%m/%Y")})
    assert "le dossier est hors délai" in refused.words
    page.get("desk.paper_facts", draft)
    before = draft.paper.scan_id
    page.submit({"postmarked_on": days(call, posted=-1).postmarked_on.strftime("%d/%m/%Y"),
                 "scan": (BytesIO(PDF), "mieux.pdf")})  # fmt: skip
    db.session.expire_all()
    assert draft.paper.postmarked_on == days(call, posted=-1).postmarked_on
    assert draft.paper.scan.name == "mieux.pdf"
    assert draft.paper.scan_id != before
    with pytest.raises(ConflictError), unit_of_work():
        actions.change_paper(draft, days(call), None, version=0, by=make.actor_of(agent))


def test_documents_and_other_dossiers_of_the_organisation_stay_closed_to_whoever_enters(make, page, call, agent):
    organisation = make.organisation()
    make.application(state=S.SUBMITTED, organisation=organisation)
    draft = begin(make, call, organisation, agent)
    page.sign_in(agent)
    assert page.get("applications.take_up", draft).status == 404
    assert page.get("applications.edit", draft, section=str(Part.PIECES)).status == 200
    piece = calls.pieces_of(call.id)[0]
    with pytest.raises(InvalidError), unit_of_work():
        actions.join_document(draft, piece, None, by=make.actor_of(agent))
    assert page.get("documents.index", organisation_id=organisation.id).status in {403, 404}


def test_the_days_of_a_paper_are_known_to_the_journal(make, call, agent):
    begin(make, call, make.organisation(), agent)
    opened_on = call.opens_at.date()
    assert list(journal.wrong_rows()) == []
    with tampered() as connection:
        connection.execute(update(PaperDossier).values(postmarked_on=opened_on))
    assert [wrong.table for wrong in journal.wrong_rows()] == ["paper_dossier"]
