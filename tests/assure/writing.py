"""Nothing that somebody typed is lost, whatever happens to the network, the server, the session, the tab, the dossier.

Interleavings drawn at random: a person types, the line is cut, answers get lost, the server is killed, the session
ends, a tab is closed and another opened, the same dossier is written elsewhere, it is submitted. Each text holds a word
of its own. At the end everything comes back and each conflict is answered by both texts: every word must stand in the
dossier, or be kept on the device and told, and what was submitted has one receipt.
"""

import json
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

from playwright.sync_api import Browser, Error, Page, Route
from requests import RequestException
from sqlalchemy import Row, Select, select

from grants.applications.models import ApplicationVersion
from grants.kernel.outbox import Letter
from tests.assure.figures import Reading, figure
from tests.drafts import Draft, drafts
from tests.rush import is_done, ready, times, verified
from tests.site import PATIENCE, Server, Site, Visitor, Workspace, tree_of
from tests.unsent import Device, Tab

SEED = 20_261_128
ROUNDS = 12  # to come to rest at the end
PLACES = "/dossiers/{}/rediger/{}"
ACTS = {"types": 7, "sends": 3, "writes elsewhere": 3, "reopens": 2, "closes": 2, "cuts": 2, "loses": 2, "mends": 2,
        "lapses": 1, "enters": 1, "answers": 1, "restarts": 1, "submits": 1}  # fmt: skip

# ---- what a test knows of a browser's page
TEXTS = "[data-saves] textarea"
COUNTER = """
window.keptTimes = 0;
for (const name of ["kept", "saved"]) addEventListener(name, () => { window.keptTimes += 1; }, true);
const ask = window.fetch;
window.fetch = async (...asked) => {
  const answer = await ask(...asked);
  if (String(asked[0]).includes("/connexion/cle/")) window.hasKey = true;
  return answer;
};
window.rows = -1;
const count = () => {
  const opening = indexedDB.open("unsent", 1);
  opening.onupgradeneeded = () => opening.result.createObjectStore("pages", { keyPath: "writer" });
  opening.onsuccess = () => {
    const counting = opening.result.transaction("pages").objectStore("pages").count();
    counting.onsuccess = () => { opening.result.close(); window.rows = counting.result; setTimeout(count, 50); };
  };
};
if (location.protocol === "http:") count();
"""
HAS_KEY = "() => window.hasKey || !document.querySelector('[data-saves]')"
IS_CALM = (
    """() => !document.querySelector(".save-state:not(.warn) [data-seen]")?.textContent.startsWith("Enregistrement")"""
)
IS_ASKED = """[...document.querySelectorAll("button")].some((one) => one.textContent === "Garder les deux")"""
IS_TOLD = "() => window.rows >= 0 && document.querySelector('[data-waiting]').childElementCount >= window.rows"
IS_SETTLED = f"() => {IS_ASKED} || ({IS_TOLD})()"


def dropped(route: Route) -> None:
    """Let a request arrive, and its answer not."""
    with suppress(Error):
        route.fetch()
    with suppress(Error):
        route.abort()


@dataclass
class Interleaving:
    """One dossier, two devices of its author, and what was typed so far."""

    site: Site
    server: Server
    draft: Draft
    sections: list[str]
    chance: random.Random
    steps: int
    typed: list[str] = field(default_factory=list)
    told: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    story: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.devices = [Device(self.signed_in()) for _ in range(2)]
        self.tabs: list[list[Tab]] = [[], []]
        self.reopens()

    def signed_in(self) -> Visitor:
        """A new session of the author."""
        return self.site.visitor(self.server, self.draft.email)

    def opened(self, number: int) -> Tab:
        """One page of the dossier, or another, on a device."""
        return Tab(self.devices[number], PLACES.format(self.draft.application, self.chance.choice(self.sections)))

    def run(self) -> None:
        """Draw what happens, then let everything come to rest and look for each word."""
        drawn = self.chance.choices(list(ACTS), list(ACTS.values()), k=self.steps)
        if "submits" in drawn:  # once, and not before there is something to lose
            drawn = [act for act in drawn if act != "submits"]
            drawn.insert(self.chance.randint(len(drawn) // 2, len(drawn)), "submits")
        for act in drawn:
            self.story.append(act)
            getattr(self, act.replace(" ", "_"))()
        self.rest()
        self.look()

    # ---- what happens

    def types(self, number: int = 0) -> None:
        """Somebody adds a word to a field of an open page."""
        tabs = [tab for tab in self.tabs[number] if tab.is_writable]
        if not tabs:
            return
        tab = self.chance.choice(tabs)
        path = self.chance.choice(sorted(tab.names))
        word = f"mot{len(self.typed)}x{uuid4().hex[:6]}"
        self.typed.append(word)
        tab.type(path, f"{tab.texts[path]} {word}".strip())

    def sends(self, number: int = 0) -> None:
        """The second of calm after typing: pages send what waits."""
        for tab in self.tabs[number]:
            if tab.is_writable and (tab.pending or tab.waiting):
                self.told[str(tab.send())] += 1
                self.told["conflict"] += len(tab.conflicts)

    def writes_elsewhere(self) -> None:
        """The author writes on the other device, whose page may be old."""
        if not self.tabs[1] or self.chance.random() < 0.3:
            self.tabs[1] = [self.opened(1)]
        self.types(1)
        self.sends(1)

    def reopens(self) -> None:
        """A page is opened again, where what closed pages left goes on."""
        device = self.devices[0]
        if not (device.is_cut or device.is_lossy or self.is_lapsed) and len(self.tabs[0]) < 2:
            self.tabs[0].append(self.opened(0))

    def closes(self) -> None:
        """A tab is killed."""
        if self.tabs[0]:
            self.tabs[0].pop(self.chance.randrange(len(self.tabs[0]))).close()

    def cuts(self) -> None:
        """The line is cut: nothing arrives."""
        self.devices[0].is_cut = True

    def loses(self) -> None:
        """What is sent arrives, and its answer does not."""
        self.devices[0].is_lossy = True
        self.sends()

    def mends(self) -> None:
        """The line is whole again, and pages send at once."""
        self.devices[0].is_cut = self.devices[0].is_lossy = False
        self.sends()

    def lapses(self) -> None:
        """The session ends."""
        self.devices[0].visitor.session.cookies.clear()

    @property
    def is_lapsed(self) -> bool:
        """Whether nobody is signed in on the first device."""
        return not self.devices[0].visitor.session.cookies

    def enters(self) -> None:
        """The author signs in over the page."""
        visitor = self.devices[0].visitor = self.signed_in()
        for tab in self.tabs[0]:
            tab.enter(visitor)
        self.sends()

    def answers(self) -> None:
        """Each conflict is answered by both texts."""
        for tab in self.tabs[0]:
            tab.keep_both()
        self.sends()

    def restarts(self) -> None:
        """The server is killed, perhaps while it saves, and started again."""
        sending = threading.Thread(target=self.sends)
        sending.start()
        time.sleep(self.chance.uniform(0.0, 0.03))
        self.server.kill()
        self.server.start()
        sending.join()

    def submits(self) -> None:
        """The dossier is submitted from elsewhere, by somebody who presses until there is an answer."""
        form = ready(self.devices[1].visitor, f"/dossiers/{self.draft.application}/deposer")
        for _press in range(self.chance.randint(1, 3)):
            try:
                self.told["submitted"] += is_done(form.send())
            except RequestException:
                self.told["press again"] += 1

    # ---- the end

    def rest(self) -> None:
        """Everything comes back, each page is opened, until nothing waits any more that can be taken."""
        for number, device in enumerate(self.devices):
            device.is_cut = device.is_lossy = False
            device.visitor = self.signed_in()
            for tab in self.tabs[number]:
                tab.close()
            self.settle(device)

    def settle(self, device: Device) -> None:
        """Open each page of a device until it keeps nothing that can be taken."""
        for _round in range(ROUNDS):
            if not device.rows:
                return
            for section in self.sections:
                tab = Tab(device, PLACES.format(self.draft.application, section))
                for _turn in range(ROUNDS):
                    tab.send()
                    if not tab.conflicts:
                        break
                    self.told["conflict"] += len(tab.conflicts)
                    tab.keep_both()
                tab.close()

    def look(self) -> None:
        """Look for each word in the dossier, and in what the device keeps of a dossier that takes nothing any more."""
        frozen = self.stored(select(ApplicationVersion.content).where(ApplicationVersion.application_id == self.key))
        stands = [content for (content,) in frozen] or [*self.texts()]
        kept = list(self.kept())
        if kept and not frozen:
            self.faults.append(f"{len(kept)} pages could not be sent: {self.story}")
        self.told["kept"] += len(kept)
        found = " ".join([*stands, *kept])
        lost = [word for word in self.typed if word not in found]
        if lost:
            self.faults.append(f"{sum(map(len, lost))} characters lost ({lost}): {self.story}")
        self.faults += self.receipts(len(frozen))

    def kept(self) -> Iterator[str]:
        """What devices keep of a dossier that takes nothing any more."""
        yield from (json.dumps(row) for device in self.devices for row in device.rows.values())

    def texts(self) -> Iterator[str]:
        """What the pages of the draft hold, what cannot be taken included."""
        for section in self.sections:
            yield from Tab(Device(self.signed_in()), PLACES.format(self.draft.application, section)).texts.values()

    def receipts(self, versions: int) -> Iterator[str]:
        """One version, one line and one letter for each address when it was submitted; else nothing."""
        wanted = 1 if self.told["submitted"] else 0
        mine = Letter.dossier_id == self.key, Letter.kind == "applications_receipt"
        letters = Counter(address for (address,) in self.stored(select(Letter.recipient).where(*mine)))
        lines = times(self.site, "application.submit", self.draft.application)
        if (versions, lines) != (wanted, wanted) or letters != Counter(self.draft.letters_to if wanted else ()):
            yield f"submitted {wanted} times, {versions} versions, {lines} lines, letters {letters}: {self.story}"

    @property
    def key(self) -> UUID:
        """The id of the dossier."""
        return self.draft.application

    def stored(self, asked: Select[Any]) -> list[Row[Any]]:
        """What the database says, past the application."""
        with self.site.engine.connect() as connection:
            return list(connection.execute(asked))


class Seen(Interleaving):
    """The same with a real browser as the first device: its tabs, its line, its storage."""

    def __init__(self, browser: Browser, *facts: Any) -> None:
        self.context = browser.new_context(locale="fr-FR")
        self.context.set_default_timeout(PATIENCE * 1000)
        self.context.add_init_script(COUNTER)
        self.pages: list[Page] = []
        self.shown, self.has_line, self.has_session = "", True, True
        super().__init__(*facts)

    def run(self) -> None:
        """Draw, and close the browser's window at the end."""
        try:
            super().run()
        finally:
            self.context.close()

    def signed_in(self) -> Visitor:
        """A new session of the author; the browser has the last."""
        visitor = super().signed_in()
        cookies = [
            {"name": one.name, "value": one.value, "url": self.server.address} for one in visitor.session.cookies
        ]
        self.context.add_cookies(cookies)  # type: ignore[arg-type]
        self.has_session = True  # the line stays as it was: it may be cut
        return visitor

    def types(self, number: int = 0) -> None:
        """Somebody adds a word to a field; it is on the device, or saved, before anything else happens."""
        if number:
            super().types(number)
            return
        pages = [page for page in self.pages if page.locator(TEXTS).count()]
        if not pages:
            return
        page = self.chance.choice(pages)
        control = page.locator(TEXTS).nth(self.chance.randrange(page.locator(TEXTS).count()))
        self.typed.append(f"mot{len(self.typed)}x{uuid4().hex[:6]}")
        before = page.evaluate("window.keptTimes")
        control.fill(f"{control.input_value()} {self.typed[-1]}".strip())
        page.wait_for_function("times => window.keptTimes > times", arg=before)

    def sends(self, number: int = 0) -> None:
        """The second of calm after typing."""
        if number:
            super().sends(number)
            return
        for page in self.pages:
            page.wait_for_function(IS_CALM)

    def reopens(self) -> None:
        """A page is opened again."""
        if self.has_line and self.has_session and len(self.pages) < 2:
            self.opens(PLACES.format(self.draft.application, self.chance.choice(self.sections)))

    def opens(self, path: str) -> Page:
        """Open a page in a tab of its own, once it has its key."""
        page = self.context.new_page()
        self.pages.append(page)
        page.goto(self.server.address + path)
        page.wait_for_function(HAS_KEY)
        return page

    def closes(self) -> None:
        """A tab is killed."""
        if self.pages:
            self.pages.pop(self.chance.randrange(len(self.pages))).close()

    def cuts(self) -> None:
        """The line is cut."""
        self.context.set_offline(True)
        self.has_line = False

    def loses(self) -> None:
        """What is sent arrives, and its answer does not."""
        self.context.route("**/champs", dropped)

    def mends(self) -> None:
        """The line is whole again."""
        self.context.unroute("**/champs")
        self.context.set_offline(False)
        self.has_line = True

    def lapses(self) -> None:
        """The session ends."""
        self.context.clear_cookies()
        self.has_session = False

    def enters(self) -> None:
        """The author signs in, in another tab."""
        self.signed_in()

    def restarts(self) -> None:
        """The server is killed, perhaps while a page sends, and started again."""
        self.server.kill()
        self.server.start()

    def answers(self) -> None:
        """Each conflict is answered by both texts."""
        for page in self.pages:
            for button in page.get_by_role("button", name="Garder les deux").all():
                self.told["conflict"] += 1
                button.click()

    def rest(self) -> None:
        """Everything comes back, each page is opened until nothing waits that can be taken."""
        super().rest()
        self.mends()
        while self.pages:
            self.closes()
        for _round in range(ROUNDS):
            index = self.opens("/dossiers")
            index.wait_for_function(IS_TOLD)
            is_empty = not index.evaluate("window.rows")
            self.shown = "" if is_empty else index.locator("[data-waiting]").inner_text()
            self.closes()
            if is_empty or self.told["submitted"]:
                return
            for section in self.sections:
                page = self.opens(PLACES.format(self.draft.application, section))
                page.wait_for_function(IS_SETTLED)
                while page.get_by_role("button", name="Garder les deux").count():
                    self.answers()
                    page.wait_for_function(IS_SETTLED)
                self.closes()
        self.faults.append(f"the browser still keeps something: {self.story}")

    def kept(self) -> Iterator[str]:
        """What the other device keeps, and what the browser shows of what it keeps."""
        yield from super().kept()
        if self.shown:
            yield self.shown


@figure(
    "writing",
    number="—",
    says="caractères perdus, reçus manquants ou en double, sur des suites au hasard (réseau, serveur, session, onglet)",
    minutes=25,
    once="sqlite",
)
def writing(workspace: Workspace) -> Reading:
    """The browser's queue in Python and the real server, then a real browser: one in five of them on PostgreSQL."""
    alone, seen, steps = (1000, 60, 14) if workspace.full else (16, 2, 8)
    if workspace.full and workspace.dialect == "postgresql":
        alone, seen = alone // 5, seen // 5
    faults, told = [], Counter[str]()
    with workspace.site() as site, site.serve() as server:
        with site.making() as make:
            call_id = make.call().id
        written = drafts(site, call_id, alone + seen)
        sections = written_pages(site, server, written[0])
        for place, draft in enumerate(written):
            facts = site, server, draft, sections, random.Random(SEED + place), steps
            one = Interleaving(*facts) if place < alone else Seen(workspace.browser(), *facts)
            one.run()
            faults += one.faults
            told += one.told
        faults += verified(site)
    wanted = "conflict", "0", "200", "401", "kept", "submitted"
    faults += [f"no interleaving met « {what} »" for what in wanted if not told[what]]
    return Reading(alone + seen, faults, least=alone + seen)


def written_pages(site: Site, server: Server, draft: Draft) -> list[str]:
    """Two pages of a dossier where texts are written: the project, and the first that asks for several."""
    visitor = site.visitor(server, draft.email)
    first = tree_of(visitor.get(PLACES.format(draft.application, "projet")))
    codes = [str(href).rpartition("/")[2] for href in first.xpath("//aside//a[contains(@href, '/rediger/')]/@href")]
    several = (code for code in codes if len(Tab(Device(visitor), PLACES.format(draft.application, code)).names) > 1)
    return ["projet", next(several)]
