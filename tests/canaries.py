"""Words that belong to one dossier alone: inserted in every text of its rows, then looked for where they must not be.

The rows of a dossier are found by following the foreign keys from its organisation: a new table, a new column, is
covered without being named here. Beside the words that are inserted, whatever is unique by nature (ids, numbers,
digests) is looked for as well.
"""

import io
import json
import re
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any
from urllib.parse import urljoin, urlsplit
from uuid import UUID

import requests
from sqlalchemy import JSON, Connection, Enum, String, Table, UniqueConstraint, select
from sqlalchemy.exc import DBAPIError

from grants.kernel.db import Base
from grants.kernel.sheets import XLSX
from tests.kernel.test_papers import words_of
from tests.site import Site, tree_of

WORD = re.compile(r"zq\dx\d{5}z", re.IGNORECASE)
UNIQUE = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
PREFIX = "zq"  # what a search box is asked, so that an echo of the question is no canary
FREE_LENGTH = 80  # columns shorter than this hold codes and numbers, which pages compute with
PARENTS = {"account"}  # everything hangs on people: one does not go down from them
APART = {"journal_entry", "request_key", "attempt"}
TIES = {"dossier_id": "application", "organisation_id": "organisation"}


@dataclass(frozen=True)
class Secret:
    """Where a word comes from: whose dossier, which column, which application (None above applications)."""

    dossier: str
    table: str
    column: str
    application: UUID | None = None

    def __str__(self) -> str:
        return f"{self.table}.{self.column} of {self.dossier}"


@dataclass
class Canaries:
    """Every word inserted or found, in small letters, and where it comes from."""

    words: dict[str, Secret] = field(default_factory=dict)
    natural: dict[str, Secret] = field(default_factory=dict)

    def seen_in(self, text: str, *, besides: Iterable[str] = ()) -> dict[str, Secret]:
        """The words of dossiers that a text holds; `besides` are those the question held already."""
        said, asked = text.lower(), " ".join(besides).lower()
        found = {word for word in WORD.findall(said) if word in self.words}
        found |= {word for word in UNIQUE.findall(said) if word in self.natural}
        found |= {word for word in self._plain if word in said}
        return {word: self.words.get(word) or self.natural[word] for word in found if word not in asked}

    @property
    def _plain(self) -> list[str]:
        if "plain" not in vars(self):
            self.plain = [word for word in self.natural if not UNIQUE.fullmatch(word)]
        return self.plain


def text_of(answer: requests.Response) -> str:
    """All that an answer says: its headers and its body, the words of a PDF or of a workbook included."""
    headers = " ".join(f"{name}: {value}" for name, value in answer.headers.items() if name != "Set-Cookie")
    if answer.content.startswith(b"%PDF"):
        try:
            return f"{headers} {words_of(answer.content)}"
        except (AttributeError, KeyError):
            return headers  # a document somebody sent: no text of ours
    if answer.headers.get("Content-Type") == XLSX:
        with zipfile.ZipFile(io.BytesIO(answer.content)) as book:
            parts = [book.read(name).decode("utf-8", "replace") for name in book.namelist()]
        return f"{headers} {' '.join(parts)}"
    return f"{headers} {answer.content.decode('utf-8', 'replace')}"


def ways_from(answer: requests.Response) -> Iterator[str]:
    """The addresses a page leads to: its links, and its searches asked for the beginning of a inserted word."""
    if not answer.headers.get("Content-Type", "").startswith("text/html") or not answer.text:
        return
    tree, here = tree_of(answer), urlsplit(answer.url).netloc
    targets = [link for link in tree.xpath("//a/@href") if not link.startswith(("#", "mailto:", "tel:"))]
    for form in tree.xpath("//form[not(@method) or @method='get']"):
        boxes = form.xpath(".//input[@type='search' or @type='text' or not(@type)]/@name")
        targets += [f"{form.get('action') or urlsplit(answer.url).path}?{box}={PREFIX}" for box in boxes]
    for target in targets:
        parts = urlsplit(urljoin(answer.url, target))
        if parts.netloc == here and not parts.path.startswith("/static/"):
            yield parts.path + (f"?{parts.query}" if parts.query else "")


# ---- the rows of a dossier


Rows = dict[str, list[dict[str, Any]]]


def rows_of(connection: Connection, organisation: UUID, people: Iterable[UUID] = ()) -> Rows:
    """Every row that hangs on an organisation, by table, and the accounts of its people."""
    tables = [table for table in Base.metadata.sorted_tables if table.name not in APART | PARENTS]
    found: Rows = {"organisation": _rows(connection, Base.metadata.tables["organisation"], "id", [organisation])}
    for table in tables:
        if table.name == "organisation":
            continue
        rows: dict[Any, dict[str, Any]] = {}
        for column, parent in _ties(table):
            ids = [row["id"] for row in found.get(parent, ()) if "id" in row]
            for row in _rows(connection, table, column, ids):
                rows[tuple(row[key.name] for key in table.primary_key)] = row
        if rows:
            found[table.name] = list(rows.values())
    members = [row["account_id"] for row in found.get("membership", ())] + list(people)
    found["account"] = _rows(connection, Base.metadata.tables["account"], "id", members)
    return found


def application_of(table: Table, row: Mapping[str, Any], above: dict[Any, UUID]) -> UUID | None:
    """The application a row hangs on, near or far; `above` holds those of the rows already met, parents first."""
    if table.name == "application":
        found = row["id"]
    else:
        parents = [row[column.name] for column in table.columns if column.foreign_keys]
        far = next((above[parent] for parent in parents if parent in above), None)
        found = row.get("application_id") or row.get("dossier_id") or far
    if found is not None and "id" in row:
        above[row["id"]] = found
    return found  # type: ignore[no-any-return]


def _ties(table: Table) -> Iterator[tuple[str, str]]:
    for column in table.columns:
        for key in column.foreign_keys:
            if key.column.table.name not in PARENTS:
                yield column.name, key.column.table.name
        if not column.foreign_keys and column.name in TIES:
            yield column.name, TIES[column.name]


def _rows(connection: Connection, table: Table, column: str, ids: list[Any]) -> list[dict[str, Any]]:
    if not ids:
        return []
    query = select(*table.columns).where(table.c[column].in_(ids)).order_by(*table.primary_key.columns)
    return [{c.name: value for c, value in zip(table.columns, row, strict=True)} for row in connection.execute(query)]


# ---- planting


def plant(site: Site, organisations: Mapping[str, UUID]) -> Canaries:
    """Put a word of its own in every free text of each organisation's rows; give these, and what is unique anyway."""
    found, numbers = Canaries(), count(1)
    with site.unguarded() as connection:
        everything = {name: rows_of(connection, organisation) for name, organisation in organisations.items()}
        shared = _values_of_several(everything)
        for place, (name, rows) in enumerate(everything.items(), start=1):
            above: dict[Any, UUID] = {}
            for table, lines in rows.items():
                for row in lines:
                    _plant_row(connection, found, shared, numbers, f"{PREFIX}{place}x", name, table, row, above)
    assert found.words, "no text was found to put a word in"
    return found


def _values_of_several(everything: Mapping[str, Rows]) -> set[str]:
    owners: dict[str, set[str]] = {}
    for name, rows in everything.items():
        for lines in rows.values():
            for row in lines:
                for value in row.values():
                    owners.setdefault(str(value).lower(), set()).add(name)
    return {value for value, names in owners.items() if len(names) > 1}


def _plant_row(
    connection: Connection,
    found: Canaries,
    shared: set[str],
    numbers: Iterator[int],
    prefix: str,
    name: str,
    table_name: str,
    row: dict[str, Any],
    above: dict[Any, UUID],
) -> None:
    table = Base.metadata.tables[table_name]
    application = application_of(table, row, above)
    for column in table.columns:
        value, secret = row[column.name], Secret(name, table_name, column.name, application)
        if isinstance(value, UUID) and column.primary_key and str(value) not in shared:
            found.natural[str(value)] = secret
        inserted: dict[str, Secret] = {}

        def word(secret: Secret = secret, inserted: dict[str, Secret] = inserted) -> str:
            made = f"{prefix}{next(numbers):05d}z"
            inserted[made] = secret
            return made

        changed = _with_words(column, value, word, is_unique=_is_unique(column, table))
        if changed == value:
            if isinstance(value, str) and len(value) >= 9 and " " not in value and value.lower() not in shared:
                found.natural[value.lower()] = secret
            continue
        keys = [key == row[key.name] for key in table.primary_key]
        try:
            with connection.begin_nested():
                connection.execute(table.update().where(*keys).values({column: changed}))
        except DBAPIError:
            continue  # a rule of the database wants this text as it is
        found.words |= inserted


def _is_unique(column: Any, table: Table) -> bool:
    constraints = [c for c in table.constraints if isinstance(c, UniqueConstraint)]
    return bool(column.unique or column.primary_key or any(column.name in c.columns for c in constraints))


def _with_words(column: Any, value: Any, word: Any, *, is_unique: bool) -> Any:
    """The value of a column with words in place of what people wrote; as it was when it is a code or a number."""
    if value is None or column.foreign_keys:
        return value
    if isinstance(column.type, JSON):
        return _with_words_inside(value, word)
    if not isinstance(column.type, String) or isinstance(column.type, Enum) or not isinstance(value, str):
        return value
    if value.startswith(("{", "[")):
        return json.dumps(_with_words_inside(json.loads(value), word), ensure_ascii=False)
    if (column.type.length or FREE_LENGTH) < FREE_LENGTH or re.fullmatch(r"\S{40,}|[\w.+-]+/[\w.+-]+", value):
        return value
    if "@" in value and " " not in value:
        return f"{word()}@exemple.example"
    if is_unique:
        return value
    return str(word()).upper() if column.name.endswith("_key") else str(word())


def _with_words_inside(value: Any, word: Any) -> Any:
    if isinstance(value, dict):
        return {key: _with_words_inside(each, word) for key, each in value.items()}
    if isinstance(value, list):
        return [_with_words_inside(each, word) for each in value]
    return word() if isinstance(value, str) and " " in value else value
