"""Sheets: no cell that is sent may be taken for a formula, whatever people wrote and however it is opened."""

import csv
import io
import random
import unicodedata
import zipfile
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from lxml import etree
from werkzeug.routing import Rule

from grants.applications.lifecycle import ApplicationState
from grants.kernel import sheets
from grants.kernel.money import Money
from tests.assure.figures import Reading, figure
from tests.kernel.corpus import FORMULAS, TEXTS
from tests.site import Site, Workspace

CELLS, SHORT = 5000, 500
NAMESPACE = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
ZONE = ZoneInfo("Europe/Paris")
TEXTS_OF = {"application": "SELECT title FROM application", "organisation": "SELECT name FROM organisation"}
NUMBERS = (-1, 0, 7, Money(-1250), Money(5), Decimal("-0.50"), Decimal("66.67"), -1.5, date(2026, 1, 2),
           datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))  # fmt: skip


def is_formula(cell: str) -> bool:
    """Whether a spreadsheet might compute a cell: by its first character once blanks and quotes are taken away."""
    bare = cell.lstrip(' "\u00a0\ufeff')
    bare = "".join(c for c in bare if unicodedata.category(c) not in {"Cc", "Cf", "Zs", "Zl", "Zp"})
    if not bare or is_number(cell.strip().strip('"')):
        return False
    return unicodedata.normalize("NFKC", bare[:1]) in {"=", "+", "-", "@", "\u2212"}


def is_number(cell: str) -> bool:
    """Whether a cell is a plain number, as a sheet for people writes it."""
    try:
        Decimal(cell.replace(",", "."))
    except ArithmeticError:
        return False
    return not cell.startswith("+")


def cells(sheet: str) -> list[list[str]]:
    """The cells of a sheet for people."""
    return list(csv.reader(io.StringIO(sheet.removeprefix(sheets.BOM), newline=""), delimiter=";"))


def formulas(sheet: str) -> Iterator[str]:
    """The cells of a sheet for people that a spreadsheet would compute, or why it would not open in one click."""
    if not sheet.startswith(sheets.BOM):
        yield "no byte order mark: accents would break"
    for row in cells(sheet):
        yield from (f"{cell[:60]!r}" for cell in row if is_formula(cell) or cell[:1] in {"\t", "\r", "\n"})


def computed(content: bytes) -> Iterator[str]:
    """What a workbook would compute or lead to, or cells of it that would become a formula when edited."""
    with zipfile.ZipFile(io.BytesIO(content)) as book:
        page = etree.fromstring(book.read("xl/worksheets/sheet1.xml"))
        styles = etree.fromstring(book.read("xl/styles.xml"))
        yield from (f"part {name}" for name in book.namelist() if "externalLink" in name or "vba" in name)
    yield from (f"{tag} in a workbook" for tag in ("f", "hyperlink") for _found in page.iter(f"{NAMESPACE}{tag}"))
    of_texts = {each.get("numFmtId") for each in styles.iter(f"{NAMESPACE}numFmt") if each.get("formatCode") == "@"}
    styled = [style.get("numFmtId") in of_texts for style in styles.find(f"{NAMESPACE}cellXfs")]
    for written in page.iter(f"{NAMESPACE}c"):
        words = "".join(written.itertext())
        if written.get("t") == "inlineStr" and is_formula(words) and not styled[int(written.get("s", 0))]:
            yield f"{words[:60]!r} is not of the format of texts"


def altered(sheet: str, sources: set[str]) -> Iterator[str]:
    """The cells of open data that begin with an apostrophe nobody wrote."""
    starts = {source[:40] for source in sources if source.startswith("'")}
    for row in csv.reader(io.StringIO(sheet, newline="")):
        yield from (f"{cell[:60]!r} altered" for cell in row if cell[:1] == "'" and cell[:40] not in starts)


def written(count: int) -> list[str]:
    """Texts that begin, go on or hide like formulas."""
    chance, made = random.Random(26), list(FORMULAS)
    while len(made) < count:
        lead = "".join(
            chance.choices(
                [" ", "\u00a0", "\u202f", "\t", "\r", "\n", '"', "'", ";", ",", "a", "\u200b", "\ufeff"], k=2
            )
        )
        made.append(lead + chance.choice(FORMULAS) + chance.choice([*FORMULAS, *TEXTS, ""]))
    return [text.replace("\x00", "").encode("utf-8", "replace").decode() for text in made[:count]]


def the_writer(count: int) -> list[str]:
    """The one writer of sheets, on texts and on values of every type."""
    texts = written(count)
    rows = [texts[i : i + 10] for i in range(0, count, 10)]
    sheet = "".join(sheets.lines(["a"] * 10, rows, zone=ZONE))
    faults = list(formulas(sheet))
    plain = list(csv.reader(io.StringIO("".join(sheets.lines(["a"] * 10, rows)), newline="")))[1:]
    if plain != [[text.replace("\r\n", "\n").replace("\r", "\n") for text in row] for row in rows]:
        faults.append("open data say something else than what was written")
    back = cells(sheet)[1:]
    if [list(map(letters, row)) for row in rows] != [list(map(letters, row)) for row in back]:
        writer = next(
            (
                pair
                for pair in zip(rows, back, strict=False)
                if list(map(letters, pair[0])) != list(map(letters, pair[1]))
            ),
            None,
        )
        faults.append(f"what was written is not what is read: {writer}")
    book = io.BytesIO()
    columns = [sheets.Column(str(rank), sheets.ColumnKind.TEXT, lambda row, rank=rank: row[rank]) for rank in range(10)]
    sheets.write_workbook(book, sheets.Sheet("a", "a", columns, rows), ZONE)
    faults += computed(book.getvalue())
    for value in NUMBERS:
        cell = sheets.cell(value, ZONE)
        if cell.startswith("'"):
            faults.append(f"{value!r} is no number any more: {cell!r}")
    return faults


def letters(text: str) -> str:
    """A text without the apostrophes that disarm it, with one kind of line end."""
    return text.replace("'", "").replace("\r\n", "\n").replace("\r", "\n")


def exports(site: Site) -> list[Rule]:
    """The addresses that give a sheet."""
    return [rule for rule in site.app.url_map.iter_rules() if rule.rule.endswith((".csv", ".xlsx", ".ods"))]


@figure(
    "formula", number="26", says="cellules exportées qu’un tableur prendrait pour une formule", minutes=1, once="sqlite"
)
def formula(workspace: Workspace) -> Reading:
    """Write formulas everywhere a sheet takes its words from, open every sheet, read it as spreadsheets do."""
    count = CELLS if workspace.full else SHORT
    faults = the_writer(count)
    texts = [text.strip() for text in written(400) if len(text.strip()) < 90]
    rounds = 12 if workspace.full else 3
    with workspace.site() as site, site.serve() as server:
        with site.making() as make:
            seconds = [make.application(state=ApplicationState.ELIGIBLE) for _number in range(3)]
            for one in seconds:
                make.decided(one)
            for one in seconds[:2]:
                make.award(one)
            people = [make.account(role).email for role in ("manager", "auditor")]
        for turn in range(rounds):
            faults += one_turn(site, [site.visitor(server, person) for person in people], texts[turn * 6 :])
    return Reading(count + rounds, faults, least=count)


def one_turn(site: Site, visitors: list, texts: list[str]) -> list[str]:
    """Put texts in the rows behind the database's back, open each sheet, and look at the rows again."""
    faults = []
    for table, column in (("application", "title"), ("organisation", "name"), ("call", "title")):
        for number, row in enumerate(site.rows(f'SELECT id FROM "{table}" ORDER BY id')):
            statement = f'UPDATE "{table}" SET {column} = :text WHERE id = :id'
            site.rows(statement, text=texts[number % len(texts)], id=row.id)
    before = site.rows("SELECT title FROM application ORDER BY id")
    for rule in exports(site):
        answers = [visitor.get(rule.rule) for visitor in visitors]
        good = [answer for answer in answers if answer.status_code == 200]
        if not good:
            faults.append(f"{rule.rule}: answered {[answer.status_code for answer in answers]}")
        elif rule.rule.endswith(".xlsx"):
            faults += [f"{rule.rule}: {fault}" for fault in computed(good[0].content)]
        elif not good[0].headers["Content-Type"].startswith("text/csv"):
            faults.append(f"{rule.rule}: teach this figure to read {good[0].headers['Content-Type']}")
        elif rule.rule.startswith("/donnees/"):
            stored = {row[0] for table in ("application", "organisation") for row in site.rows(TEXTS_OF[table])}
            faults += [f"{rule.rule}: {cell}" for cell in altered(good[0].content.decode(), stored)]
        else:
            faults += [f"{rule.rule}: {cell}" for cell in formulas(good[0].content.decode())]
    if site.rows("SELECT title FROM application ORDER BY id") != before:
        faults.append("an export changed the words of the database")
    return faults
