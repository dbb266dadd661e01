"""What is measured: each thing people do, beside the floor that shows or writes the same."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any
from uuid import UUID

from lxml import html
from sqlalchemy import select

from grants.applications.lifecycle import ApplicationState
from grants.applications.models import Application
from grants.applications.rules import Part
from grants.calls.lifecycle import CallState
from grants.calls.models import Call
from grants.kernel import clock
from grants.kernel.db import db
from grants.kernel.paging import cursor
from grants.people.models import Account
from grants.reviewing.lifecycle import AssignmentState
from grants.reviewing.models import Assignment
from tests.client import form_values
from tests.drafts import Draft, drafts
from tests.factories.make import SIRETS
from tests.site import Site

MANAGER, APPLICANT = "gestion@demo.example", "laureate@demo.example"
REFERENCE = re.compile(r"\b[A-Z]{2,6}-\d{4}-\d{3,6}\b")
FORM = f"/dossiers/{{one.application}}/rediger/{Part.PROJECT}"
TAKEN = 200  # numbers of associations that the demonstration may hold
Fields = list[tuple[str, Any]]


@dataclass
class Subjects:
    """The things of one database that scenarios are about."""

    site: Site
    call: str
    application: UUID
    author: str
    title: str
    assignment: UUID
    reviewer: str
    last: tuple[str, UUID]
    edited_draft: Draft
    waiting: Iterator[Draft]
    turns: Iterator[int] = field(default_factory=count)

    def draft(self) -> Draft:
        """A complete draft that nobody submitted yet."""
        return next(self.waiting)

    def own_draft(self) -> Draft:
        """One draft, saved again and again."""
        return self.edited_draft


def subjects(site: Site, *, submissions: int) -> Subjects:
    """Find the things of a database grown with volume, and put in complete drafts: so many can be submitted."""
    with site.making():
        now = clock.now()
        open_call = db.session.scalars(
            select(Call)
            .where(Call.state == CallState.OPENED, Call.opens_at < now, Call.closes_at > now)
            .order_by(Call.closes_at.desc(), Call.code)
        ).first()
        reading = db.session.execute(
            select(Assignment.id, Application, Account.email)
            .join(Application, Application.id == Assignment.application_id)
            .join(Account, Account.id == Assignment.reviewer_id)
            .where(Assignment.state == AssignmentState.OPEN, Application.state == ApplicationState.ELIGIBLE)
            .where(Account.email.like("comite-%"))
            .order_by(Application.reference)
        ).first()
        assert open_call is not None, "no call is open"
        assert reading is not None, "the volume has no review under way"
        application = reading.Application
        author = db.session.get_one(Account, application.author_id)
        last = db.session.execute(
            select(Application.submitted_at, Application.id)
            .where(Application.submitted_at.is_not(None))
            .order_by(Application.submitted_at, Application.id)
            .offset(30).limit(1)
        ).one()  # fmt: skip
        found: dict[str, Any] = {
            "call": open_call.code, "application": application.id, "author": author.email, "title": application.title,
            "assignment": reading.id, "reviewer": reading.email, "last": (last.submitted_at.isoformat(), last.id),
        }  # fmt: skip
        call_id = open_call.id
    for _taken in range(TAKEN):
        next(SIRETS)
    edited, *waiting = drafts(site, call_id, 1 + submissions)
    return Subjects(site=site, edited_draft=edited, waiting=iter(waiting), **found)


# ---- what a page shows -----------------------------------------------------------------------------------------------


def references(text: str, _subjects: Subjects) -> set[str]:
    """The dossiers a page names in its main part."""
    tree = html.fromstring(text)
    main = tree.xpath("//main") or [tree]
    return set(REFERENCE.findall(main[0].text_content()))


def heading(text: str, subjects: Subjects) -> set[str]:
    """Whether the page is about the dossier."""
    return {subjects.title} & {html.fromstring(text).xpath("//h1")[0].text_content().strip()}


def lines(text: str, _subjects: Subjects) -> set[str]:
    """The dossiers of a sheet; a title may hold a line break."""
    return set(REFERENCE.findall(text))


def anything(text: str, _subjects: Subjects) -> set[str]:
    """Nothing that could be compared: a page of prose, a table of sums."""
    return {"shown"} if text else set()


# ---- scenarios -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Scenario:
    """One thing people do. A write opens `form`, fills it with `fill` and sends it; only the sending is measured.

    `most_queries` is what it may send today: it may be lowered, towards the target that the report judges.
    """

    name: str
    says: str
    who: Callable[[Subjects, Any], str | None]
    path: Callable[[Subjects, Any], str]
    floor: Callable[[Subjects, Any], str]
    shows: Callable[[str, Subjects], set[str]] = anything
    form: Callable[[Subjects, Any], str] | None = None
    fill: Callable[[Subjects, Fields], Fields] = lambda _subjects, fields: fields
    floor_fields: Callable[[Subjects], Fields] = lambda _subjects: []
    subject: Callable[[Subjects], Any] = lambda subjects: subjects
    most_queries: int = 15
    streamed: bool = False
    cold: bool = False  # asked for once the journal has moved: nothing that it keeps valid is known any more

    @property
    def is_single(self) -> bool:
        """Whether each request is made ready on its own, just before it is sent."""
        return self.form is not None or self.cold


def at(text: str) -> Callable[[Subjects, Any], str]:
    """An address, with what it is about filled in."""
    return lambda subjects, one: text.format(t=subjects, one=one)


def fixed(email: str | None) -> Callable[[Subjects, Any], str | None]:
    """The same person on every database."""
    return lambda _subjects, _one: email


def retitled(subjects: Subjects, fields: Fields) -> Fields:
    """The project's page with another title."""
    return [(name, f"Titre {next(subjects.turns)}" if name == "title" else value) for name, value in fields]


def marked(subjects: Subjects, fields: Fields) -> Fields:
    """The grid with every criterion marked, otherwise than the time before."""
    level = str(1 + next(subjects.turns) % 3)
    return [(name, level if re.fullmatch(r"[0-9a-f]{32}", name) else value) for name, value in fields]


def _list(name: str, says: str, query: str, floor: str | None = None) -> Scenario:
    return Scenario(
        name, says, fixed(MANAGER), at(f"/gestion/dossiers{query}"), at(f"/dossiers{floor or query}"), references
    )


def last_page(subjects: Subjects, _one: Any) -> str:
    """Where the list stands before its last thirty rows."""
    return f"/gestion/dossiers?after={cursor([subjects.last[0], str(subjects.last[1])])}"


def last_floor(subjects: Subjects, _one: Any) -> str:
    return f"/dossiers?after={subjects.last[0].replace('+00:00', '')}_{subjects.last[1].hex}"


def by_reviewer(subjects: Subjects, _one: Any) -> str:
    return subjects.reviewer


def by_writer(_subjects: Subjects, one: Draft) -> str:
    return one.email


def by_author(subjects: Subjects, _one: Any) -> str:
    return subjects.author


SCENARIOS = (
    Scenario("call", "page publique d’un appel", fixed(None), at("/appels/{t.call}"), at("/call/{t.call}")),
    Scenario("call_cold", "page publique d’un appel, à froid", fixed(None), at("/appels/{t.call}"),
             at("/call/{t.call}"), cold=True),
    Scenario("form", "page d’un formulaire", by_writer, at(FORM), at("/form/{one.application}"),
             subject=Subjects.own_draft),
    Scenario("form_cold", "page d’un formulaire, à froid", by_writer, at(FORM), at("/form/{one.application}"),
             subject=Subjects.own_draft, cold=True),
    Scenario("dashboard", "mes dossiers", fixed(APPLICANT), at("/dossiers"), at(f"/mine/{APPLICANT}"), references),
    Scenario(
        "application", "page d’un dossier, par son association", by_author, at("/dossiers/{t.application}"),
        at("/application/{t.application}"), heading,
    ),
    Scenario(
        "save_draft", "enregistrer un brouillon", by_writer,
        at(FORM), at("/draft/{one.application}"), form=at(FORM), fill=retitled,
        floor_fields=lambda s: [("title", f"Titre {next(s.turns)}")], subject=Subjects.own_draft,
        most_queries=14,
    ),
    Scenario(
        "submit", "déposer", by_writer, at("/dossiers/{one.application}/deposer"),
        at("/submit/{one.application}"), form=at("/dossiers/{one.application}/deposer"), subject=Subjects.draft,
        most_queries=30,
    ),
    Scenario("reviewer_list", "mes évaluations", by_reviewer, at("/evaluations"), at("/readings/{t.reviewer}"),
             references),
    Scenario("marks_grid", "dossier et grille de notes", by_reviewer, at("/evaluations/{t.assignment}"),
             at("/review/{t.assignment}"), heading),
    Scenario(
        "save_marks", "enregistrer des notes", by_reviewer, at("/evaluations/{t.assignment}"),
        at("/marks/{t.assignment}"), form=at("/evaluations/{t.assignment}"), fill=marked,
        floor_fields=lambda s: [("points", str(1 + next(s.turns) % 3))],
    ),
    _list("list", "liste des dossiers, première page", ""),
    _list("list_filtered", "liste filtrée par état", "?etat=eligible"),
    _list("list_by_score", "liste par note", "?sort=-score"),
    Scenario("list_last", "liste, dernière page", fixed(MANAGER), last_page, last_floor, references),
    Scenario("dossier", "page d’un dossier, par la gestion", fixed(MANAGER), at("/gestion/dossiers/{t.application}"),
             at("/dossier/{t.application}"), heading),
    Scenario("tracking", "suivi par axe", fixed(MANAGER), at("/suivi"), at("/tracking")),
    Scenario("tracking_cold", "suivi par axe, à froid", fixed(MANAGER), at("/suivi"), at("/tracking"), cold=True),
    Scenario("register", "registre public", fixed(None), at("/registre"), at("/register"), references),
    Scenario("scdl", "export SCDL", fixed(None), at("/donnees/subventions.csv"), at("/scdl.csv"), streamed=True),
    Scenario("csv", "export CSV de la liste", fixed(MANAGER), at("/gestion/dossiers.csv"), at("/dossiers.csv"), lines,
             streamed=True),
    Scenario("receipt", "reçu en PDF", by_author, at("/dossiers/{t.application}/recu.pdf"),
             at("/receipt/{t.application}")),
)  # fmt: skip


def fields_of(text: str, action: str) -> Fields:
    """The fields of a page's form, each group of choices once, chosen or not."""
    tree = html.fromstring(text)
    forms = tree.xpath("//main//form[@method='post']")
    chosen = [form for form in forms if (form.get("action") or action).endswith(action)] or forms[-1:]
    fields = form_values(chosen[-1])
    named = {name for name, _value in fields}
    groups = {radio.get("name") for radio in chosen[-1].xpath(".//input[@type='radio']")} - named
    return [*fields, *((name, "") for name in sorted(groups))]
