"""The people of a journey: each has a window of their own and does what people do, by the words on the page."""

import re
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import date
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from flask import Flask
from flask_security.utils import hash_password
from playwright.sync_api import Browser, BrowserContext, Download, Locator, Page, expect
from sqlalchemy import select

from grants.kernel.actor import system
from grants.kernel.db import db, unit_of_work
from grants.kernel.outbox import Letter, body_of
from grants.people import actions as people
from grants.people.models import College, Role
from grants.people.rules import password_of
from tests.factories import Make
from tests.site import Server

PASSWORD = "trois ponts et une colline"
PATIENCE = 60_000  # milliseconds: the machine may be busy


def hashed() -> str:
    """The password of everybody here, as accounts keep it."""
    return str(hash_password(password_of(PASSWORD)))


def called(label: str) -> re.Pattern[str]:
    """The whole of a label, with or without the word that says it may stay empty."""
    return re.compile(rf"^\s*{loosely(label)}\s*(·?\s*facultatif)?\s*$")


def named(words: str) -> re.Pattern[str]:
    """A name that holds these words."""
    return re.compile(loosely(words))


def loosely(words: str) -> str:
    """A pattern of words kept apart by plain or no-break spaces alike."""
    return r"\s+".join(re.escape(word) for word in words.split())


@dataclass
class Person:
    """Somebody before a browser. Every act waits for what it needs; `shows` is what the page must answer."""

    page: Page
    address: str
    name: str = ""
    email: str = ""
    complaints: list[str] = field(default_factory=list)

    # ---- going about -------------------------------------------------------------------------------------------------

    def opens(self, path: str) -> None:
        """Go to an address of the site."""
        self.page.goto(self.address + path)

    def follows(self, link: str, *, within: str | None = None) -> None:
        """Follow a link by its words, perhaps in a part of the page named by its label."""
        place = self.page.get_by_role("navigation", name=within) if within else self.page.get_by_role("main")
        place.get_by_role("link", name=named(link)).first.click()
        self.page.wait_for_load_state()

    def goes_to(self, entry: str) -> None:
        """Follow an entry of one's own menu."""
        menu = self.page.get_by_role("navigation", name="Mon espace")
        if not menu.count():
            self.opens("/mon-espace")
        menu.get_by_role("link", name=entry, exact=True).click()
        self.page.wait_for_load_state()

    def reads(self, *words: str) -> None:
        """The page shows these words."""
        for some in words:
            expect(self.page.get_by_role("main")).to_contain_text(named(some))

    def reads_title(self, title: str) -> None:
        """The page is the one with this title."""
        expect(self.page.get_by_role("heading", level=1)).to_contain_text(named(title))

    # ---- forms -------------------------------------------------------------------------------------------------------

    def part(self, title: str) -> Locator:
        """The section or group of a page under a title."""
        group = self.page.get_by_role("group", name=named(title))
        section = self.page.locator("section").filter(has=self.page.get_by_role("heading", name=named(title)))
        return group.or_(section).last

    def writes(self, label: str, text: str | date, *, within: Locator | None = None) -> None:
        """Fill a field."""
        (within or self.page).get_by_label(called(label)).fill(str(text))

    def ticks(self, *labels: str, within: Locator | None = None) -> None:
        """Tick boxes, or choose among cards and circles."""
        for label in labels:
            (within or self.page).get_by_label(named(label)).first.check()

    def unfolds(self, holding: str) -> None:
        """Open what hides a choice: the list of a territory, for instance."""
        folded = self.page.locator("details").filter(has_text=holding).first
        if not folded.evaluate("found => found.open"):
            folded.locator("summary").click()

    def chooses(self, label: str, option: str, *, within: Locator | None = None) -> None:
        """Choose a line of a list."""
        (within or self.page).get_by_label(called(label)).select_option(label=option)

    def attaches(self, label: str, file: Path, *, within: Locator | None = None) -> None:
        """Choose a file of one's own."""
        (within or self.page).get_by_label(called(label)).set_input_files(file)

    def holds(self, label: str, text: str) -> None:
        """A field still holds what was typed."""
        expect(self.page.get_by_label(called(label))).to_have_value(text)

    def criteria(self) -> list[Locator]:
        """The criteria to mark, in the order of the page."""
        found = self.page.get_by_role("group").filter(has=self.page.get_by_role("radio"))
        expect(found.first).to_be_visible()
        return found.all()

    def presses(self, button: str, *, shows: str | None = None, within: Locator | None = None) -> None:
        """Press a button; the page that follows says `shows`."""
        (within or self.page.get_by_role("main")).get_by_role("button", name=named(button)).click()
        if shows is not None:
            self.reads(shows)

    def confirms(self, question: str, answer: str, *, shows: str) -> None:
        """Open a question asked before an act that counts, then answer it."""
        self.page.get_by_role("main").locator("summary", has_text=named(question)).click()
        self.presses(answer, shows=shows)

    def downloads(self, link: str) -> bytes:
        """Download what a link leads to."""
        with self.page.expect_download() as found:
            self.page.get_by_role("main").get_by_role("link", name=named(link)).first.click()
        download: Download = found.value
        return Path(download.path()).read_bytes()

    # ---- coming in ---------------------------------------------------------------------------------------------------

    def signs_in(self, email: str = "", password: str = PASSWORD) -> "Person":
        """Pass by the sign-in form."""
        self.opens("/connexion")
        self.writes("Adresse électronique", email or self.email)
        self.writes("Mot de passe", password)
        self.presses("Se connecter")
        expect(self.page.get_by_role("navigation", name="Mon espace")).to_be_visible()
        return self


@dataclass(frozen=True)
class ServedFund:
    """A fund that is served: its address, and the same application for what tests make and ask."""

    server: Server
    app: Flask
    make: Make


@dataclass
class Participants(AbstractContextManager["Participants"]):
    """Those who take part in a journey; at its end nobody's browser may have complained."""

    browser: Browser
    fund: ServedFund
    people: list[Person] = field(default_factory=list)
    contexts: list[BrowserContext] = field(default_factory=list)

    def enters(self, name: str, email: str, **context: Any) -> Person:
        """Somebody opens a browser of their own."""
        made = self.browser.new_context(locale="fr-FR", **context)
        made.set_default_timeout(PATIENCE)
        self.contexts.append(made)
        person = Person(made.new_page(), self.fund.server.address, name, email)
        person.page.on("console", lambda said: self._hear(person, said))
        person.page.on("pageerror", lambda error: person.complaints.append(str(error)))
        self.people.append(person)
        return person

    def _hear(self, person: Person, said: Any) -> None:
        # Chromium also writes a line for each answer 4xx: of a form sent back with its mistakes (422), of a save whose
        # session has ended (401); and for each request while the line is cut.
        if said.type == "error" and not re.search("422|401|ERR_INTERNET_DISCONNECTED", said.text):
            person.complaints.append(f"{urlsplit(person.page.url).path}: {said.text}")

    def serves(self, name: str, email: str, role: Role, college: College | None = None, **context: Any) -> Person:
        """Somebody of the fund, with an account and an office, already signed in."""
        with self.fund.app.app_context(), unit_of_work():
            account = people.create_account(email, name, PASSWORD, confirmed=True, by=system("tests"))
            people.appoint(account, role, by=system("tests"), college=college)
        return self.enters(name, email, **context).signs_in()

    @contextmanager
    def making(self) -> Iterator[Make]:
        """Make what a journey starts from, in one context of the application."""
        with self.fund.app.app_context():
            yield self.fund.make
            db.session.remove()

    def mail_to(self, email: str) -> Sequence[Letter]:
        """What was written to an address, oldest first."""
        with self.fund.app.app_context():
            found = db.session.scalars(
                select(Letter).where(Letter.recipient == email).order_by(Letter.created_at)
            ).all()
            db.session.expunge_all()
            return found

    def link_in_last_mail_to(self, email: str) -> str:
        """The path of the first link of the last letter."""
        letter = self.mail_to(email)[-1]
        with self.fund.app.app_context():
            said = body_of(letter)
            mails = self.fund.app.config["SETTINGS"].instance / "mail"
        if letter.sent_at is not None:  # what opened something is forgotten here once it has left
            mail = message_from_bytes((mails / f"{letter.id}.eml").read_bytes(), policy=policy.default)
            said = mail.get_body().get_content()
        links = re.findall(r"https?://\S+", said)
        found = urlsplit(links[0])
        return f"{found.path}?{found.query}" if found.query else found.path

    def complaints(self) -> list[str]:
        """What the browsers complained of: scripts, styles and addresses the content policy refused."""
        return [f"{person.name} {complaint}" for person in self.people for complaint in person.complaints]

    def __exit__(self, *_: object) -> None:
        for context in self.contexts:
            context.close()
