"""What a page says, as plain blocks to print: its headings, texts, lists, facts and tables, in their order."""

import re
from collections.abc import Mapping
from html.parser import HTMLParser
from typing import TypeAlias

Block: TypeAlias = Mapping[str, object]
_SPACE = re.compile("[ \t\r\n\f]+")  # no-break spaces stay
_HEADINGS = {"h2": 2, "h3": 3, "h4": 4}
_CELLS = {"th", "td"}
_TEXTS = {"p", "div", "section", "ul", "dl", "table", "caption", "li", "dt", "dd", *_CELLS, *_HEADINGS}


def blocks_of(html: str) -> list[Block]:
    """The blocks of a piece of our own pages: `kind` is heading, text, list, facts or table.

    A heading has its `level` and `text`; a text its `text`, with its lines; a list its `items`; facts their `pairs`; a
    table its `caption` (empty when the page hides it), `columns` (title, and "left" or "right"), `rows` and `total`,
    all of as many cells.
    """
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return reader.blocks


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.blocks: list[Block] = []
        self._said = ""
        self._is_kept = self._is_legend = self._is_hidden = False
        self._items: list[str] = []
        self._pairs: list[tuple[str, str]] = []
        self._caption = ""
        self._rows: dict[str, list[list[str]]] = {}
        self._group = "tbody"
        self._aligned: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        classes = (dict(attrs).get("class") or "").split()
        if tag == "br":
            self._said += "\n"
        if tag not in _TEXTS and tag not in {"thead", "tbody", "tfoot", "tr"}:
            return
        self._flush()
        self._is_kept = "keep-lines" in classes
        self._is_legend = "band-legend" in classes
        self._is_hidden = "visually-hidden" in classes
        if tag == "table":
            self._caption, self._rows, self._aligned = "", {"thead": [], "tbody": [], "tfoot": []}, []
        elif tag in self._rows:
            self._group = tag
        elif tag == "tr":
            self._rows[self._group].append([])
        elif tag in _CELLS and self._group == "thead":
            self._aligned.append("right" if "amount" in classes else "left")

    def handle_data(self, data: str) -> None:
        self._said += data if self._is_kept else _SPACE.sub(" ", data)

    def handle_endtag(self, tag: str) -> None:
        if tag in _HEADINGS:
            self._add("heading", level=_HEADINGS[tag], text=self._taken())
        elif tag == "li" or (tag == "span" and self._is_legend):
            self._items.append(self._taken())
        elif tag == "ul" or (tag == "p" and self._is_legend):
            self._add("list", items=self._items)
            self._items, self._is_legend = [], False
        elif tag == "dt":
            self._pairs.append((self._taken(), ""))
        elif tag == "dd":
            self._pairs[-1] = (self._pairs[-1][0], self._taken())
        elif tag == "dl":
            self._add("facts", pairs=self._pairs)
            self._pairs = []
        elif tag == "caption":
            said = self._taken()
            self._caption = "" if self._is_hidden else said
        elif tag in _CELLS:
            self._rows[self._group][-1].append(self._taken())
        elif tag == "table":
            self._add_table()
        elif tag in _TEXTS:
            self._flush()
            self._is_kept = False

    def _add_table(self) -> None:
        head, width = self._rows["thead"][0], len(self._aligned)
        rows, total = ([*row, *[""] * (width - len(row))] for row in self._rows["tbody"]), self._rows["tfoot"]
        self._add("table", caption=self._caption, columns=list(zip(head, self._aligned, strict=True)), rows=list(rows),
                  total=total[0] if total else None)  # fmt: skip

    def _add(self, kind: str, **facts: object) -> None:
        self.blocks.append({"kind": kind, **facts})

    def _flush(self) -> None:
        text = self._taken()
        if text:
            self._add("text", text=text)

    def _taken(self) -> str:
        said, self._said = self._said, ""
        return "\n".join(line.strip(" ") for line in said.split("\n")).strip(" \n")
