"""Hostile words: sent through every form people meet, read back wherever the application says them again."""

import csv
import io
import json
import random
import re
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from email import policy
from email.parser import BytesParser
from functools import partial
from itertools import islice, repeat
from typing import Any
from urllib.parse import unquote_plus, urlencode, urljoin, urlsplit

import requests
import sqlalchemy as sa
from python_calamine import CalamineWorkbook

from grants.config import Settings
from grants.kernel import outbox, sheets
from grants.kernel.db import Base, db
from grants.kernel.glyphs import drawable
from grants.kernel.journal import Entry
from grants.kernel.papers import IssuedPaper
from tests.assure.figures import Reading, figure
from tests.client import form_values
from tests.factories.make import siret
from tests.filling import plausible
from tests.kernel.corpus import TEXTS, documented
from tests.papers import words_of
from tests.site import Server, Site, Visitor, Workspace, tree_of
from tests.walk import Form, Screen, forms_of, rule_of, texts_of, walks

MARK = re.compile(r"zq[0-9]{5}\.")
HASHED = (Entry.__table__.c.data, IssuedPaper.__table__.c.content)  # JSON kept as the very text that was hashed
TEXTS_A_FIELD, ROUNDS = 40, 9
HEADERS = {
    "from", "to", "subject", "message-id", "date", "auto-submitted", "content-type", "content-transfer-encoding",
    "mime-version", "content-language",
}  # fmt: skip
LINKS = ("href", "src", "action", "formaction")
DANGEROUS = {"script", "iframe", "object", "embed", "style", "base", "plaintext", "template", "math"}


# What fields that take no free text want to hear, so that the free ones beside them are taken.
GIVEN = {
    "siret": siret(9_000), "rna": "W691234567", "postcode": "69003", "code": "ZQ9", "number": "99", "conditions": "",
}  # fmt: skip
# A letter and marks that no single character says: the printer draws several glyphs, and gives each all the letters.
CLUSTERS = re.compile(r"([^\W\d_][\u0300-\u036f\u0591-\u05c7\u064b-\u065f]+)\1+")

_RIGHT = "\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff"
FROM_THE_RIGHT = re.compile(f"[{_RIGHT}](?:[{_RIGHT}0-9]*[{_RIGHT}])?")


# ---- what was written ----------------------------------------------------------------------------------------------


@dataclass
class SentTexts:
    """Every text that was sent, under a mark of its own that follows it wherever it is said again."""

    sent: dict[str, str] = field(default_factory=dict)
    pieces: dict[str, str] = field(default_factory=dict)
    met: dict[str, set[str]] = field(default_factory=dict)
    faults: dict[str, None] = field(default_factory=dict)
    tried: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def value(self, texts: Iterator[str], room: int) -> str:
        """As many of the coming texts as a field takes, each before its mark."""
        said = ""
        with self.lock:
            for text in islice(texts, TEXTS_A_FIELD):
                mark = f"zq{len(self.sent):05d}."
                if len(said) + len(text) + len(mark) <= room:
                    said += text + mark
                    self.sent[mark] = self.pieces[mark] = text
                    self.tried += 1
        whole = documented(said)
        for mark, text in zip(MARK.findall(whole), MARK.split(whole), strict=False):
            self.pieces[mark] = text
        return said

    def fault(self, where: str, what: str) -> None:
        """Keep a fault, once."""
        self.faults.setdefault(f"{where}: {what}"[:300])

    def judge(self, where: str, text: str, *changes: Callable[[str], str], echo: bool = False) -> None:
        """Each mark in a text must follow the very text it was sent with, white space aside.

        Where a text is changed on its way out, it must come as one of the `changes` makes it. An `echo` of what was
        refused may also give it back as it was typed.
        """
        squeezed = "".join(text.split())
        start = 0
        for found in MARK.finditer(squeezed):
            before, start, mark = squeezed[start : found.start()], found.end(), found.group()
            if mark not in self.pieces:
                continue
            piece = self.pieces[mark]
            allowed = [*(change(piece) for change in changes or (str,)), *([self.sent[mark]] if echo else [])]
            self.met.setdefault(mark, set()).add(where.split(" ", maxsplit=1)[0])
            if not any(before.endswith("".join(one.split())) for one in allowed):
                self.fault(where, f"{piece!r} became {before[-len(piece) - 9 :]!r}")

    def judge_page(self, where: str, tree: Any, *, echo: bool = False) -> None:
        """A page must say the texts as texts: no element, no attribute and no address may come of them."""
        self.judge(f"page {where}", tree.text_content(), echo=echo)
        for element in tree.iter():
            if not isinstance(element.tag, str):
                continue
            if is_active(element):
                self.fault(f"page {where}", f"an active node: <{element.tag} {dict(element.attrib)}>")
            for name, value in element.attrib.items():
                if "zq" in value and name not in LINKS:
                    said = unquote_plus(value) if element.get("type") == "hidden" and value[:1] == "/" else value
                    self.judge(f"attribute {where} {name}", said, echo=echo)


def is_active(element: Any) -> bool:
    """Whether an element can only come of a text taken for HTML, or leads where no page of ours does."""
    names = [name for name in element.attrib if name.startswith("on") or name == "style" or "zqzq" in name]
    foreign = element.tag in DANGEROUS and not element.get("src", "").startswith("/static/")
    foreign = foreign and element.get("type") != "application/json" and element.tag != "template"
    links = [element.get(name, "").strip().lower() for name in LINKS]
    scripted = any(link.startswith(("javascript:", "data:text")) for link in links)
    outside = element.tag != "a" and any("zq.example" in link and not link.startswith("/") for link in links)
    return bool(names) or foreign or scripted or outside or "zqzq" in element.tag


def turning(texts: tuple[str, ...], seed: int) -> Iterator[str]:
    """The texts again and again, each round in another order."""
    chance, order = random.Random(seed), [text for text in texts if not any("\ud800" <= c <= "\udfff" for c in text)]
    while True:
        chance.shuffle(order)
        yield from order


# ---- sending -------------------------------------------------------------------------------------------------------


def found_form(answer: requests.Response, wanted: Form, site: Site) -> Any:
    """The form on a page again, or None when it is gone."""
    if not answer.headers.get("Content-Type", "").startswith("text/html") or answer.status_code >= 500:
        return None
    adapter = site.app.url_map.bind("localhost")
    for form in tree_of(answer).xpath("//form"):
        path = urlsplit(urljoin(answer.url, form.get("action") or "")).path
        alike = form.get("method", "get").upper() == wanted.method and set(texts_of(form)) & set(wanted.texts)
        if alike and (rule_of(adapter, path, wanted.method) or path) == wanted.rule:
            return form
    return None


def sent(visitor: Visitor, page: requests.Response, form: Any, pairs: list[tuple[str, Any]]) -> requests.Response:
    """Send a form with exactly these pairs, in the encoding it asks for."""
    raw = [(name, str(value).encode("utf-8", "surrogatepass")) for name, value in pairs]
    address = urljoin(page.url, form.get("action") or "")
    if form.get("method", "get").lower() == "get":
        return visitor.get(f"{address.split('?')[0]}?{urlencode(raw)}")
    if form.get("enctype") == "multipart/form-data":
        return visitor.post(address, None, files=[(name, (None, value)) for name, value in raw])
    return visitor.post(address, urlencode(raw), headers={"Content-Type": "application/x-www-form-urlencoded"})


def room_of(form: Any, name: str) -> int:
    """How much a field takes."""
    control = form.xpath(".//*[@name=$name]", name=name)[0]
    return min(int(control.get("maxlength") or control.get("data-limit") or 150), 1500) - 4


def wrong(answer: requests.Response) -> set[str]:
    """The names of the fields that an answer marks as wrong."""
    if not answer.headers.get("Content-Type", "").startswith("text/html"):
        return set()
    tree = tree_of(answer)
    names = set(tree.xpath("//*[@aria-invalid='true']/@name"))
    return names | set(tree.xpath("//*[contains(concat(' ',@class,' '),' invalid ')]//*[@name]/@name"))


@dataclass
class Tried:
    """What came of a form: which fields keep what is written in them, and how often it was taken."""

    form: Form
    strict: set[str] = field(default_factory=set)
    standing: dict[str, str] = field(default_factory=dict)  # what the form sent before anything was refused
    taken: int = 0
    refused: int = 0


@dataclass
class Sender:
    """One person before one form, with texts to write in it."""

    site: Site
    server: Server
    tried: Tried
    sent_texts: SentTexts
    texts: Iterator[str]

    def __post_init__(self) -> None:
        self.form = self.tried.form
        who = self.form.seen[0][0]
        self.paths = [path for seen, path, _index in self.form.seen if seen == who]
        self.visitor = self.site.visitor(self.server, who or None)
        # Another act may take its page away before its turn comes: it is then sent from the page as it was.
        self.opened = self.page() if len(self.form.texts) == 1 else None

    def page(self) -> tuple[requests.Response, Any] | None:
        """Open the page where the form stands, and give both; None when no page holds it any more."""
        for path in self.paths:
            answer = self.visitor.get(path)
            element = found_form(answer, self.form, self.site)
            if element is not None:
                return answer, element
        return None

    def send(self) -> None:
        """Fill every free field with the coming texts; what is refused is given something plausible the next time."""
        tried, sent_texts = self.tried, self.sent_texts
        for _again in range(4):
            found = self.page() or self.opened
            if found is None:
                return
            page, element = found
            pairs = plausible(element)[0]
            tried.standing = tried.standing or {name: str(value) for name, value in pairs}
            # A page gives back what was refused: fields that are strict go back to what stood there at first.
            first = {name: value for name, value in tried.standing.items() if name in tried.strict} | GIVEN
            held = [(name, first.get(name, value)) for name, value in pairs]
            names = [name for name in texts_of(element) if name not in tried.strict]
            values = {name: sent_texts.value(self.texts, room_of(element, name)) for name in names}
            unchanged = [(name, value) for name, value in held if name not in values]
            answer = sent(self.visitor, page, element, unchanged + list(values.items()))
            judge_answer(answer, self.form, sent_texts)
            if answer.status_code < 400:
                tried.taken += 1
                return
            tried.refused += 1
            if answer.status_code != 422 or not values:
                return
            echoed(answer, self.form, values, sent_texts)
            blamed = (wrong(answer) & set(names)) - tried.strict
            if not blamed:
                return
            tried.strict |= blamed

    def send_odd(self, *, whole: bool) -> None:
        """Put far too much in everything the form sends, keys apart: refused, never broken.

        If `whole`, first a strange value as well: the figure `parameters` does so too.
        """
        far_too_much = "é" * (2_000 if self.form.method == "GET" else 100_000)
        for odd in (self.texts, repeat(far_too_much)) if whole else (repeat(far_too_much),):
            found = self.page()
            if found is None:
                return
            page, element = found
            names = [*form_values(element), *((name, "") for name in self.form.others)]
            pairs = [(name, value if name in {"csrf_token", "_key"} else next(odd)) for name, value in names]
            self.sent_texts.tried += len(pairs)
            judge_answer(sent(self.visitor, page, element, pairs), self.form, self.sent_texts)


def everybody(act: Callable[[Sender], None], senders: list[Sender]) -> None:
    """Let them all do something, four at a time."""
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(act, senders))


def judge_answer(answer: requests.Response, form: Form, sent_texts: SentTexts) -> None:
    """No answer may be a server error or hold an active node."""
    if answer.status_code >= 500:
        sent_texts.fault(form.name, f"answered {answer.status_code}")
    # The page of a redirection only says an address, where codes made of the texts may stand before its full stop.
    if answer.is_redirect:
        return
    if answer.headers.get("Content-Type", "").startswith("text/html") and answer.text:
        sent_texts.judge_page(f"answer to {form.name}", tree_of(answer), echo=True)


def echoed(answer: requests.Response, form: Form, values: dict[str, str], sent_texts: SentTexts) -> None:
    """What is refused must come back in its field, so that nothing typed is lost."""
    element = next((one for one in tree_of(answer).xpath("//form") if set(texts_of(one)) & set(values)), None)
    if element is None:
        sent_texts.fault(form.name, "a refusal without the form: what was typed is lost")
        return
    back = dict(form_values(element))
    for name, value in values.items():
        if "".join(documented(back.get(name, "")).split()) != "".join(documented(value).split()):
            sent_texts.fault(form.name, f"refused, {name} lost {value!r}: {back.get(name)!r}")


# ---- reading -------------------------------------------------------------------------------------------------------


def stored_texts(site: Site) -> Iterator[tuple[str, str]]:
    """Every text of the database that holds a mark, with where it lies."""

    def inside(value: Any) -> Iterator[str]:
        if isinstance(value, str):
            yield value
        elif isinstance(value, dict | list):
            for one in value.values() if isinstance(value, dict) else value:
                yield from inside(one)

    with site.engine.connect() as connection:
        for table in Base.metadata.sorted_tables:
            for column in table.columns:
                if isinstance(column.type, sa.String | sa.JSON) and not isinstance(column.type, sa.Enum):
                    for value in connection.scalars(sa.select(column).where(column.is_not(None))):
                        decoded = json.loads(value) if any(column is hashed for hashed in HASHED) else value
                        yield from ((f"{table.name}.{column.name}", one) for one in inside(decoded) if "zq" in one)


def judge_stored(site: Site, sent_texts: SentTexts) -> None:
    """Read all that the database keeps: texts as they were sent, in papers as the printer can draw them, and what a
    draft cannot take perhaps as it was typed."""
    for where, value in stored_texts(site):
        changes = (
            (str, drawable, lambda piece: drawable(on_a_line(piece))) if where == "issued_paper.content" else (str,)
        )
        sent_texts.judge(f"database {where}", value, *changes, echo=where == "field_state.wrong")


def unbroken(text: str) -> str:
    """A printed text without what the page changes and readers see through.

    A line may be broken inside a word, letters may be said twice, words read from the right are drawn from the left;
    where blanks stand among those cannot be told.
    """
    plain = CLUSTERS.sub(r"\1", re.sub(r"[-\u00ad\u2010\s]", "", text))
    return FROM_THE_RIGHT.sub(lambda run: "".join(sorted(run.group())), plain)


def printed(text: str) -> str:
    """A text as a reader program finds it on paper."""
    return unbroken(drawable(text))


def on_a_line(text: str) -> str:
    """A text as a field of one line keeps it: every blank is a space, and separates nothing any more."""
    return " ".join(text.split())


def ended(text: str) -> str:
    """A text as the middle of a cell says it: its lines end in one way."""
    return sheets.cell(text)


def read_screen(screen: Screen, sent_texts: SentTexts) -> None:
    """Read one answer for what it is: a page, a sheet, a printed document."""
    kind, where = screen.answer.headers.get("Content-Type", ""), f"{screen.rule} ({screen.who})"
    if screen.answer.status_code >= 500:
        sent_texts.fault(f"page {where}", f"answered {screen.answer.status_code}")
    elif screen.is_page and screen.answer.text:
        sent_texts.judge_page(where, tree_of(screen.answer))
    elif kind.startswith("text/csv"):
        sheet = screen.answer.content.decode()
        separator = ";" if sheet.startswith(sheets.BOM) else ","
        for row in csv.reader(io.StringIO(sheet.removeprefix(sheets.BOM), newline=""), delimiter=separator):
            for cell in row:
                sent_texts.judge(f"csv {where}", cell, ended, lambda piece: ended(on_a_line(piece)))
    elif kind == sheets.XLSX and screen.rule.endswith(".xlsx"):
        for row in CalamineWorkbook.from_object(io.BytesIO(screen.answer.content)).get_sheet_by_index(0).to_python():
            for cell in (cell for cell in row if isinstance(cell, str)):
                sent_texts.judge(f"xlsx {where}", cell, ended, lambda piece: ended(on_a_line(piece)))
    elif screen.answer.content.startswith(b"%PDF"):
        words = unbroken(words_of(screen.answer.content, with_furniture=False))
        sent_texts.judge(f"pdf {where}", words, printed, lambda piece: printed(on_a_line(piece)))


def read_mail(site: Site, sent_texts: SentTexts) -> None:
    """Let the outbox leave into a folder and read each mail: its text, and no header that nobody meant."""
    folder = site.folder / "mail-read"
    settings: Settings = site.app.config["SETTINGS"]
    with site.app.app_context():
        while outbox.deliver(outbox.FolderCarrier(folder), settings.mail_from, limit=200):
            pass
        if outbox.waiting():
            sent_texts.fault("mail", f"{outbox.waiting()} letters could not be made into mails")
        db.session.remove()
    for path in sorted(folder.glob("*.eml")):
        mail = BytesParser(policy=policy.default).parsebytes(path.read_bytes())
        strange = {name.lower() for name in mail} - HEADERS
        if strange:
            sent_texts.fault("mail", f"headers nobody meant: {strange}")
        sent_texts.judge("mail subject", str(mail["Subject"]))
        sent_texts.judge("mail body", mail.get_body().get_content())


@figure(
    "text",
    number="25",
    says="textes hostiles altérés, actifs ou fatals, de chaque champ à chaque sortie",
    minutes=5,
    once="sqlite",
)
def text(workspace: Workspace) -> Reading:
    """Send strange texts through every form people meet, and read them back wherever they are said again."""
    sent_texts, texts = SentTexts(), TEXTS if workspace.full else tuple(random.Random(25).sample(TEXTS, 30))
    with workspace.site(demo=True) as site, site.serve() as server:
        # As each person sees it: where addresses are opened once for all, a form few people have may not be met.
        screens = walks(site, server, most=3 if workspace.full else 1, together=not workspace.full)
        forms = [Tried(form) for form in forms_of(screens, site) if form.texts]
        # An act with one reason to give may take the page of another form away: those with most to write come first.
        forms.sort(key=lambda tried: -len(tried.form.texts))
        senders = [Sender(site, server, tried, sent_texts, turning(texts, seed)) for seed, tried in enumerate(forms)]
        for turn in range(ROUNDS if workspace.full else 1):
            everybody(Sender.send, senders)
            judge_stored(site, sent_texts)
            if turn % 4 == 0:
                for screen in walks(site, server, most=6 if workspace.full else 1, together=True):
                    read_screen(screen, sent_texts)
        everybody(partial(Sender.send_odd, whole=workspace.full), senders)
        read_mail(site, sent_texts)
    stored = sum(1 for places in sent_texts.met.values() if "database" in places)
    if stored < sent_texts.tried // 5:
        sent_texts.fault("forms", f"only {stored} of {sent_texts.tried} texts were kept: what is refused proves little")
    for tried in forms:
        if not tried.taken and not tried.refused:
            sent_texts.fault(tried.form.name, "was never answered: its page lost the form")
    return Reading(sent_texts.tried, list(sent_texts.faults), least=25_000 if workspace.full else 1_500)
