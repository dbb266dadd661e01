"""Reads the text of a printed document back, as a reader program does."""

import io
import re
from collections.abc import Iterator
from typing import Any

import pikepdf


def words_of(printed: bytes, *, with_furniture: bool = True) -> str:
    """The text of the pages, read as a reader program does; white space removed.

    Without furniture, what stands on each page beside the text (running head, foot, watermark) is left out.
    Letters come of the fonts’ own tables, unless the page says in words what a group of glyphs means (ActualText).
    """
    with pikepdf.open(io.BytesIO(printed)) as pdf:
        return "".join("".join(piece for page in pdf.pages for piece in said_on(page, with_furniture)).split())


def said_on(page: Any, with_furniture: bool) -> Iterator[str]:
    """The pieces of text of a page, in order."""
    tables = {name: letters_of(font) for name, font in page.Resources.Font.items()}
    table: dict[bytes, str] = {}
    groups: list[bool] = []
    for operands, operator in pikepdf.parse_content_stream(page):
        if str(operator) in {"BMC", "BDC"}:
            text = operands[1].get("/ActualText") if isinstance(operands[-1], pikepdf.Dictionary) else None
            if text is not None and not any(groups):
                yield str(text)
            groups.append(text is not None or (str(operands[0]) == "/Artifact" and not with_furniture))
        elif str(operator) == "EMC":
            groups.pop()
        elif str(operator) == "Tf":
            table = tables[str(operands[0])]
        elif str(operator) in {"Tj", "TJ"} and not any(groups):
            for piece in operands[0] if str(operator) == "TJ" else operands:
                if isinstance(piece, pikepdf.String):
                    code = bytes(piece)
                    yield from (table.get(code[i : i + 2], "") for i in range(0, len(code), 2))


def letters_of(font: Any) -> dict[bytes, str]:
    """The letters of a font by code, from its ToUnicode table."""
    text = font.ToUnicode.read_bytes().decode("ascii")
    letters = {}
    for block in re.findall(r"beginbfchar(.*?)endbfchar", text, re.DOTALL):
        for code, letter in re.findall(r"<(\w+)>\s*<(\w+)>", block):
            letters[bytes.fromhex(code)] = bytes.fromhex(letter).decode("utf-16-be")
    for block in re.findall(r"beginbfrange(.*?)endbfrange", text, re.DOTALL):
        for first, last, letter in re.findall(r"<(\w+)>\s*<(\w+)>\s*<(\w+)>", block):
            for i, code in enumerate(range(int(first, 16), int(last, 16) + 1)):
                letters[code.to_bytes(2)] = chr(ord(bytes.fromhex(letter).decode("utf-16-be")) + i)
    return letters
