"""Reads the text of a printed document back, as a reader program does."""

import io
import re
from typing import Any

import pikepdf


def words_of(printed: bytes) -> str:
    """The text of the pages, read through the fonts' own tables as a reader program does; white space removed."""
    said = []
    with pikepdf.open(io.BytesIO(printed)) as pdf:
        for page in pdf.pages:
            tables = {name: letters_of(font) for name, font in page.Resources.Font.items()}
            table = {}
            for operands, operator in pikepdf.parse_content_stream(page):
                if str(operator) == "Tf":
                    table = tables[str(operands[0])]
                elif str(operator) in {"Tj", "TJ"}:
                    pieces = operands[0] if str(operator) == "TJ" else operands
                    for piece in pieces:
                        if isinstance(piece, pikepdf.String):
                            code = bytes(piece)
                            said += [table.get(code[i : i + 2], "") for i in range(0, len(code), 2)]
    return "".join("".join(said).split())


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
