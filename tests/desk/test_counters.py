"""Every number that leads to a list is the number of its rows, on all its pages, for whoever reads it."""

from collections.abc import Iterator
from datetime import timedelta
from functools import cache, partial

import pytest

from grants.applications.lifecycle import ApplicationState
from grants.awards.lifecycle import AwardState, BankState, InstalmentState, ReportState
from grants.calls import actions as calls
from grants.kernel import clock, paging
from grants.kernel.db import unit_of_work
from grants.kernel.money import Money
from grants.messages import actions as messages
from grants.people.models import Account
from grants.reviewing.lifecycle import AssignmentState
from tests.client import Page
from tests.conftest import Queries
from tests.factories import Make

A = AssignmentState
LISTS = (
    "/mon-espace", "/recevabilite", "/attributions", "/mandats", "/recouvrements", "/coordonnees-bancaires",
    "/gestion/droit", "/gestion/textes", "/evaluations/affecter", "/evaluations",
)  # fmt: skip
ROLES = ("finance", "authorising_officer", "auditor")
OPENING = "a-ouvrir"  # the decisions without an award, above the list of awards
LATER = (55, 70, 1500)  # days: silence is near, silence is a refusal, reports are late


def a_fund(make: Make) -> list[Account]:
    """Dossiers, reviews, awards and accounts in every state that somebody waits for; two in each of some lists."""
    first, second = make.call(), make.call()
    reviewer, manager = make.account("reviewer"), make.account("manager")
    linked = make.organisation(manager)
    for call in (first, second):
        for state in (ApplicationState.SUBMITTED, ApplicationState.PIECES_REQUESTED, ApplicationState.SUBMITTED):
            make.application(state=state, call=call)
    make.application(state=ApplicationState.SUBMITTED, call=first, organisation=linked)
    for states in ((A.OFFERED, A.OPEN), (A.SUBMITTED, A.SUBMITTED, A.SUBMITTED), (A.RECUSED, A.REMOVED), ()):
        read = make.application(state=ApplicationState.ELIGIBLE, call=first)
        for place, state in enumerate(states):
            make.assignment(read, reviewer if not place else None, state=state)
    heard = make.application(state=ApplicationState.SUBMITTED, call=second)
    writer = make.actor_of(make.member_of(heard.organisation))
    with unit_of_work():
        for number in range(4):
            messages.write(heard, f"Question {number}", by=writer)
            calls.ask(second, f"Question {number}", by=writer)
    third = make.call()
    decided = [make.application(state=ApplicationState.ELIGIBLE, call=third) for _number in range(8)]
    make.assignment(decided[0], reviewer, state=A.OFFERED)
    make.decided(*decided)
    make.award(decided[0])
    make.award(decided[1], state=AwardState.AGREEMENT)
    for place, state in ((2, InstalmentState.PLANNED), (3, InstalmentState.APPROVED), (4, InstalmentState.PAID)):
        make.instalment(make.award(decided[place], state=AwardState.RUNNING), Money.euros(2_000), state=state)
    returned, given = (make.award(decided[place], state=AwardState.RUNNING) for place in (5, 6))
    make.report(returned, state=ReportState.RETURNED)
    make.report(given, state=ReportState.SUBMITTED)
    for state in (BankState.GIVEN, BankState.CHECKED, BankState.REFUSED):
        make.bank_details(make.organisation(), state=state)
    return [manager, reviewer, *(make.account(role) for role in ROLES), make.account("manager", "reviewer")]


def counters(page: Page, path: str) -> Iterator[tuple[str, int]]:
    """The numbers a page shows beside a link: what a person has to do, the tabs of a list."""
    tree = page.get(path).tree
    if tree is None:
        return
    for link in tree.xpath("//ul[@class='tasks']/li | //nav[@class='tabs']//li[.//span[@class='count-mark']]"):
        number = link.xpath(".//strong | .//span[@class='count-mark']")[0].text_content()
        yield link.xpath(".//a/@href")[0], whole(number)
    for row in tree.xpath("//tr[.//a[contains(@href, '/evaluations/affecter/')]]"):
        yield row.xpath(".//a/@href")[0], whole(row.xpath("./td")[0].text_content())


def whole(text: str) -> int:
    return int("".join(character for character in text if character.isdigit()))


def rows(page: Page, href: str) -> int:
    """How many rows the list of an address has, on all its pages."""
    path, _, part = href.partition("#")
    found = 0
    while path:
        answer = page.follow(page.get(path))
        assert answer.status == 200, path
        of_part = f"//*[@id='{part}']/ancestor-or-self::section[1]" if part else f"//main/*[not(.//*[@id='{OPENING}'])]"
        held = answer.tree.xpath(of_part)
        tables = [table for one in held for table in one.xpath("descendant-or-self::table[@class='data']")]
        lines = [
            line
            for one in held
            for line in one.xpath("descendant-or-self::*/li[@class='ruled flow' or ../@class='part-list']")
        ]
        found += len(tables[-1].xpath("./tbody/tr") if tables else lines)
        path = next(iter(answer.tree.xpath("//a[@rel='next']/@href")), "")
    return found


def test_every_counter_is_the_number_of_rows_of_its_list(
    page: Page, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paging, "PAGE", 3)
    people = a_fund(make)
    at, seen = clock.now(), dict[str, int]()
    visits = [(0, person, LISTS) for person in people] + [(days, people[0], LISTS[:1]) for days in LATER]
    for days, person, paths in visits:
        with clock.fixed(at + timedelta(days)):
            page.sign_in(person)
            rows_of = cache(partial(rows, page))  # one list is counted on several pages, and nothing is written
            for path in paths:
                for href, number in list(counters(page, path)):
                    assert (href, rows_of(href)) == (href, number), (days, path, person.email)
                    seen[href] = max(number, seen.get(href, 0))
    assert sum(number > 3 for number in seen.values()) >= 5, "none of these lists has a second page"
    assert [href for href, number in seen.items() if "=late" in href and not number] == []


def test_what_waits_is_counted_in_as_many_statements_for_one_dossier_as_for_many(
    page: Page, make: Make, queries: Queries
) -> None:
    call = make.call()
    make.application(state=ApplicationState.SUBMITTED, call=call)
    make.application(state=ApplicationState.ELIGIBLE, call=call)
    page.sign_in(make.account("manager", "reviewer"))
    page.get("/mon-espace")
    one = queries.count(lambda: page.get("/mon-espace"))
    for _number in range(2):
        make.application(state=ApplicationState.SUBMITTED, call=call)
        make.application(state=ApplicationState.ELIGIBLE, call=call)
    assert queries.count(lambda: page.get("/mon-espace")) == one <= 15
