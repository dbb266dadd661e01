"""The desk: home and help for everybody, the list of dossiers and the page of one for staff."""

from datetime import timedelta

import pytest

from grants.applications.lifecycle import ApplicationState
from grants.awards.lifecycle import AwardState, ReportState
from grants.calls import queries as calls
from grants.kernel import clock, journal
from grants.kernel.actor import system
from grants.kernel.db import unit_of_work
from grants.kernel.money import Money
from grants.kernel.paging import cursor
from grants.reviewing.lifecycle import AssignmentState
from tests.client import Page
from tests.conftest import Queries
from tests.factories import Make

PUBLIC = [
    "/",
    "/aide",
    "/mentions-legales",
    "/confidentialite",
    "/accessibilite",
    "/plan-du-site",
    "/styleguide",
    "/styleguide?partie=figures&theme=dark",
]
ROLES = ["association", "comite", "gestion", "paiements", "administration", "citoyen"]


@pytest.mark.parametrize("path", [*PUBLIC, *(f"/aide/{role}" for role in ROLES)])
def test_pages_for_everybody_are_sound(page: Page, make: Make, path: str) -> None:
    make.call()
    assert page.get(path).status == 200


def test_the_home_page_shows_the_open_call_and_until_when(page: Page, make: Make) -> None:
    call = make.call()
    words = page.get("/").words
    assert call.title in words
    assert "1 000 000" in words.replace("\u202f", " ").replace("\xa0", " ")


def test_an_unknown_help_page_is_not_found(page: Page) -> None:
    assert page.get("/aide/autre").status == 404


@pytest.mark.parametrize(
    "back",
    [
        "//ailleurs.example", "/\\ailleurs.example", "https://ailleurs.example", "", "/\t/ailleurs.example", "/a\nb",
        "/\r\nX-Y: z", "\\\\ailleurs.example", "/\u2028/ailleurs.example", " //ailleurs.example", "javascript:alert(1)",
    ],
)  # fmt: skip
def test_the_language_switch_never_leads_elsewhere(page: Page, back: str) -> None:
    answer = page.post("/langue", data={"language": "en", "back": back})
    assert answer.status == 302
    assert answer.location == "/"
    assert page.get("/").tree.get("lang") == "en"


def test_a_page_leads_to_itself_in_another_order_or_language_whatever_its_address_says(page: Page, make: Make) -> None:
    page.sign_in(make.account("manager"))
    make.application(state=ApplicationState.SUBMITTED)
    for query in (
        "_scheme=x&_external=1",
        "endpoint=x&_method=POST",
        "mots=&sort=requested",
        "appel=%ff&mots=%ED%A0%80",
    ):
        answer = page.get(f"/gestion/dossiers?{query}&after=x")
        assert answer.status == 200, query
        links = answer.tree.xpath("//thead//a/@href | //input[@name='back']/@value")
        assert links
        assert all(link.startswith("/gestion/dossiers?") for link in links)
        assert all("after=" not in link for link in answer.tree.xpath("//thead//a/@href"))


def test_the_list_searches_filters_and_adds_up(page: Page, make: Make) -> None:
    call = make.call()
    first = make.application(state=ApplicationState.SUBMITTED, call=call, title="Frais chez soi")
    make.application(state=ApplicationState.ELIGIBLE, call=call, title="Vélo pour tous", requested=Money.euros(5_500))
    make.application(call=call, title="Brouillon caché")
    page.sign_in(make.account("manager"))
    words = page.get("desk.dossiers").words
    assert "Frais chez soi" in words
    assert "Vélo pour tous" in words
    assert "Brouillon caché" not in words
    assert "2 dossiers" in words
    found = page.get("/gestion/dossiers?mots=frais").words
    assert "Frais chez soi" in found
    assert "Vélo" not in found
    assert "Vélo" in page.get("/gestion/dossiers?etat=eligible").words
    assert "Frais" not in page.get("/gestion/dossiers?etat=eligible").words
    assert "Aucun dossier" in page.get("/gestion/dossiers?mots=%25").words
    for sort in ("reference", "-reference", "organisation", "requested", "-requested", "state", "nimporte"):
        assert page.get(f"/gestion/dossiers?sort={sort}").status == 200
    assert page.get("/gestion/dossiers?after=abime&commune=pas-un-uuid&etat=zzz").status == 200
    for damaged in ("2026-01-01T00:00:00", "0001-01-01T00:00:00+14:00"):
        assert page.get("desk.dossiers", after=cursor([damaged, str(first.id)])).status == 200
    sheet = page.get("/gestion/dossiers.csv").text
    assert first.reference in sheet
    assert ";8000,00;" in sheet


def test_the_totals_of_the_list_follow_every_change(page: Page, make: Make) -> None:
    page.sign_in(make.account("manager", "reviewer"))
    call = make.call()
    assert "0 dossier" in page.get("desk.dossiers").words
    first = make.application(state=ApplicationState.ELIGIBLE, call=call, requested=Money.euros(8_000))
    make.application(state=ApplicationState.SUBMITTED, call=call, requested=Money.euros(5_500))
    assert "13 500" in plain(page.get("desk.dossiers").words)
    assert "1 dossier" in page.get("/gestion/dossiers?etat=eligible").words
    assert "2 dossiers" in page.get("desk.dossiers").words
    page.sign_in(make.account("manager", "reviewer"))
    assert "2 dossiers" in page.get("desk.dossiers").words
    linked = make.account("manager", "reviewer")
    make.assignment(first, linked, state=AssignmentState.RECUSED)
    assert "1 dossier" in page.get("desk.dossiers", as_=linked).words
    assert "8 000" not in plain(page.get("desk.dossiers").words)


def plain(words: str) -> str:
    return words.replace("\u202f", " ").replace("\xa0", " ")


def test_the_page_of_a_dossier_gathers_the_chapters(page: Page, make: Make) -> None:
    application = make.application(state=ApplicationState.ELIGIBLE, title="Frais chez soi")
    make.reviewed(application, 2, 3, 4)
    answer = page.get("desk.dossier", application, as_=make.account("manager"))
    assert answer.status == 200
    assert answer.title == "Frais chez soi"
    assert "75" in answer.words
    assert page.get("desk.dossier_journal", application).status == 200


def test_the_journal_says_nothing_of_a_dossier_one_has_a_link_with(page: Page, make: Make) -> None:
    auditor = make.account("auditor", "reviewer")
    linked, other = (make.application(state=ApplicationState.ELIGIBLE) for _ in range(2))
    make.assignment(linked, auditor, state=AssignmentState.RECUSED)
    make.recommendation(make.meeting(linked.call), linked)
    said = page.get("/gestion/journal", as_=auditor).text
    assert str(linked.id) not in said
    assert said.count("application.submit") == 1, "that of the other dossier"
    assert other.reference is not None


def test_the_journal_is_told_in_words_and_narrowed_by_person_dossier_object_and_days(page: Page, make: Make) -> None:
    auditor = make.account("auditor")
    first, other = (
        make.application(state=ApplicationState.ELIGIBLE, title=f"Dossier {word}") for word in ("bleu", "vert")
    )
    page.sign_in(auditor)

    def lines(query: str) -> list[str]:
        answer = page.get(f"/gestion/journal?{query}")
        assert answer.status == 200
        return [" ".join(row.text_content().split()) for row in answer.tree.xpath("//main//tbody/tr")]

    about = lines(f"dossier={first.reference}")
    assert any("Dossier déposé application.submit" in line and str(first.reference) in line for line in about)
    assert all(str(other.reference) not in line for line in about)
    assert len(lines("dossier=bleu")) == len(about)
    assert 0 < len(lines("objet=application")) <= len(lines(""))
    assert all(" application." in line for line in lines("objet=application"))
    assert lines("du=2999-01-01") == []
    assert lines("au=1900-01-01") == []
    first_day = clock.today() - timedelta(days=1)  # what tests share may have been written before midnight
    assert len(lines(f"du={first_day.isoformat()}&au={clock.today().isoformat()}")) == len(lines(""))
    assert lines(f"du={first_day:%d/%m/%Y}%20") == lines("")
    assert lines("du=31-12-2998") == []
    assert lines("personne=personne-de-ce-nom") == []
    assert lines("personne=%25") == []
    assert len(lines(f"personne={auditor.name.split()[-1].lower()}")) >= 1
    assert all(auditor.name in line for line in lines(f"personne={auditor.name}"))


def test_the_facts_of_the_journal_are_told_in_words_and_not_in_codes(page: Page, make: Make) -> None:
    application = make.application(state=ApplicationState.SUBMITTED)
    gates = calls.gates_of(application.call_id)
    with unit_of_work():
        journal.record("screening.judged", application, by=system("essai"), gates=[gate.code for gate in gates])
    assert page.get("calls.edit", application.call, as_=make.account("reviewer")).status == 403
    page.sign_in(make.account("auditor"))
    words = page.get("/gestion/journal").words
    assert "droit demandé : appel – modifier" in words
    assert "page : /gestion/appels/…/presentation" in words
    assert "call:edit" not in words
    assert "calls.edit" not in words
    assert gates[0].title in words
    assert gates[0].code not in words
    page.post("/langue", data={"language": "en"})
    assert gates[0].title_en in page.get("/gestion/journal").words


STRANGE = ["du=0001-01-01", "au=9999-12-31", "du=hier", "objet=%25", "personne=%25", "dossier=%27"]


@pytest.mark.parametrize("query", STRANGE)
def test_a_strange_filter_of_the_journal_is_no_error(page: Page, make: Make, query: str) -> None:
    assert page.get(f"/gestion/journal?{query}", as_=make.account("auditor")).status == 200


def test_the_journal_asks_as_little_for_many_lines_as_for_few(page: Page, make: Make, queries: Queries) -> None:
    page.sign_in(make.account("auditor"))
    make.assignment(make.application(state=ApplicationState.ELIGIBLE), make.account("reviewer"))
    page.get("/gestion/journal")
    few = queries.count(lambda: page.get("/gestion/journal"))
    for _ in range(3):
        make.assignment(make.application(state=ApplicationState.ELIGIBLE), make.account("reviewer"))
    assert queries.count(lambda: page.get("/gestion/journal")) == few
    assert few <= 15


def test_a_draft_and_a_linked_dossier_do_not_exist_for_staff(page: Page, make: Make) -> None:
    draft = make.application()
    manager = make.account("manager", "reviewer")
    linked = make.application(state=ApplicationState.ELIGIBLE, title="Dossier lié")
    make.assignment(linked, manager, state=AssignmentState.RECUSED)
    page.sign_in(manager)
    assert page.get("desk.dossier", draft).status == 404
    assert page.get("desk.dossier", linked).status == 404
    assert page.get("desk.dossier_journal", linked).status == 404
    assert "Dossier lié" not in page.get("desk.dossiers").words
    assert linked.reference not in page.get("/gestion/dossiers.csv").text


@pytest.mark.parametrize(
    "roles", [(), ("reviewer",), ("manager",), ("finance",), ("authorising_officer",), ("administrator",), ("auditor",)]
)
def test_everybody_has_a_home(page: Page, make: Make, roles: tuple[str, ...]) -> None:
    account = make.account(*roles, name="Dominique Exemple")
    answer = page.get("desk.work", as_=account)
    assert answer.status == 200
    assert "Dominique Exemple" in answer.title


def test_the_home_page_offers_a_call_to_who_has_no_dossier_for_it(page: Page, make: Make) -> None:
    """An organisation has one dossier for a call, or another once that one is withdrawn."""
    dossier = make.application()
    account = make.member_of(dossier.organisation)
    offered = "Préparer un dossier pour"
    assert offered not in page.get("desk.work", as_=account).words
    make.organisation(account)
    assert offered in page.get("desk.work", as_=account).words
    alone = make.application(call=dossier.call, state=ApplicationState.WITHDRAWN)
    assert offered in page.get("desk.work", as_=make.member_of(alone.organisation)).words


def test_the_list_sorts_by_score_for_those_who_may_see_it(page: Page, make: Make) -> None:
    call = make.call()
    for title, level in (("Moyen", 2), ("Meilleur", 4), ("Faible", 1)):
        dossier = make.application(state=ApplicationState.ELIGIBLE, call=call, title=title)
        make.reviewed(dossier, level)
    make.application(state=ApplicationState.SUBMITTED, call=call, title="Sans note")

    def titles(path: str) -> list[str]:
        return [link.text for link in page.get(path).tree.xpath("//a[@class='row-link']")]

    manager = make.account("manager")
    page.sign_in(manager)
    assert titles("/gestion/dossiers?sort=-score") == ["Meilleur", "Moyen", "Faible", "Sans note"]
    assert titles("/gestion/dossiers?sort=score") == ["Sans note", "Faible", "Moyen", "Meilleur"]
    assert "50,0" in page.get("/gestion/dossiers").words
    assert "sort=score" in page.get("/gestion/dossiers").text
    assert ";100,00;1\n" in page.get("/gestion/dossiers.csv").text
    usual = titles("/gestion/dossiers")
    page.sign_in(make.account("finance"))
    assert titles("/gestion/dossiers?sort=-score") == usual
    assert "sort=score" not in page.get("/gestion/dossiers").text
    assert ";100,00;" not in page.get("/gestion/dossiers.csv").text


def test_who_owes_a_review_sees_no_score_before_it_is_in(page: Page, make: Make) -> None:
    call = make.call()
    dossiers = [make.application(state=ApplicationState.ELIGIBLE, call=call, title=f"Projet {n}") for n in (1, 2)]
    make.reviewed(dossiers[0], 1)
    make.reviewed(dossiers[1], 4)
    both = make.account("manager", "reviewer")
    make.assignment(dossiers[1], both, state=AssignmentState.OPEN)
    page.sign_in(both)
    listed = page.get("/gestion/dossiers?sort=-score")
    assert "sort=score" not in listed.text
    assert "100,0" not in page.get("desk.dossier", dossiers[1]).words
    assert "25,0" in page.get("desk.dossier", dossiers[0]).words


def test_pages_of_the_list_by_score_follow_one_another(page: Page, make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("grants.kernel.paging.PAGE", 2)
    call = make.call()
    for number in range(5):
        dossier = make.application(state=ApplicationState.ELIGIBLE, call=call, title=f"Projet {number}")
        if number:
            make.reviewed(dossier, min(number, 3))
    page.sign_in(make.account("manager"))
    seen, path = [], "/gestion/dossiers?sort=-score"
    while path:
        answer = page.get(path)
        seen += [link.text for link in answer.tree.xpath("//a[@class='row-link']")]
        path = next(iter(answer.tree.xpath("//nav//a[contains(@href, 'after=')]/@href")), "")
    assert len(seen) == len(set(seen)) == 5
    assert seen[-1] == "Projet 0"


def test_enter_in_a_field_never_does_more_than_save(page: Page, make: Make) -> None:
    screened = make.application(state=ApplicationState.SUBMITTED)
    draft = make.application(organisation=make.organisation(make.account()))
    awarded = make.application(state=ApplicationState.ELIGIBLE)
    make.decided(awarded)
    award = make.award(awarded, state=AwardState.RUNNING)
    report = make.report(award, state=ReportState.EXPECTED)
    read = make.application(state=ApplicationState.ELIGIBLE)
    assignment = make.assignment(read, make.account("reviewer"), state=AssignmentState.OPEN)
    writer = make.member_of(draft.organisation)
    pages = [
        (make.account("manager"), f"/recevabilite/{screened.id}"),
        (make.member_of(award.organisation), f"/mes-bilans/{report.id}"),
        (assignment.reviewer, f"/evaluations/{assignment.id}"),
        *((writer, f"/dossiers/{draft.id}/rediger/{part}") for part in ("pieces", "partenaires", "budget")),
    ]
    for person, path in pages:
        answer = page.get(path, as_=person)
        assert answer.status == 200, path
        forms = [form.xpath(".//button[@type='submit']") for form in answer.tree.xpath("//main//form[@method='post']")]
        several = [buttons for buttons in forms if len(buttons) > 1]
        assert several, path
        for first, *_others in several:
            does = (first.get("name"), first.get("value"))
            assert does in {(None, None), ("do", "stay"), ("do", "join"), ("then", "save"), ("save", "1")}, (path, does)
