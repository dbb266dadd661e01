"""The XML parts of office documents: read once from beginning to end, changed by places in their bytes.

A part is never written again from a tree: what is not taken out stays byte for byte as its program wrote it.
"""

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from xml.parsers import expat

from grants.kernel.examining.found import UnfitError

_TAG = re.compile(rb"""<[^\s/>]+(?:\s+[^\s=>]+\s*=\s*(?:"[^"]*"|'[^']*'))*\s*/?>""")
_ATTRIBUTE = re.compile(rb"""(?<!\s)\s+(?:[^\s=:]+:)?([^\s=:]+)\s*=\s*("[^"]*"|'[^']*')""")
_ENTITY = re.compile(rb"<!\s*(?:ENTITY|ELEMENT|ATTLIST|NOTATION)", re.IGNORECASE)


_DECLARATION = re.compile(r"\A\s*<\?xml[^>]*\?>")
_WIDE = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16", b"<\0": "utf-16-le", b"\0<": "utf-16-be"}


def in_utf8(content: bytes) -> bytes:
    """A part in UTF-8: one in UTF-16, which office programs read too, holds no word that is searched for in bytes.

    Raises UnfitError when it is not what it seems.
    """
    encoding = _WIDE.get(content[:2])
    if encoding is None:
        return content
    try:
        return _DECLARATION.sub("", content.decode(encoding).removeprefix("\ufeff")).encode()
    except UnicodeDecodeError as error:
        raise UnfitError("office") from error


@dataclass
class Element:
    """An element being read: local name, attributes by local name, its own text, and where it lies in the bytes."""

    name: str
    attributes: dict[str, str]
    tag_start: int
    tag_end: int
    text: list[str] = field(default_factory=list)
    end: int = 0  # where the end tag begins; the same as `tag_end` for an empty element
    after: int = 0

    @property
    def said(self) -> str:
        """The text that is its own."""
        return "".join(self.text)


class XmlPart:
    """The bytes of a part and what is to be changed in them."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self._cuts: list[tuple[int, int, bytes]] = []

    def read(
        self,
        *,
        wanted: Callable[[str, dict[str, str]], bool],
        opened: Callable[[Element], None] | None = None,
        closed: Callable[[Element], None],
    ) -> None:
        """Call `closed` with each wanted element once it is whole (and `opened` when it begins).

        `wanted` is asked by name and attributes as they are written, prefix included.

        Raises UnfitError when the part is no XML, declares entities, or is not in an encoding that keeps ASCII.
        """
        if b"\0" in self.content[:4] or _ENTITY.search(self.content):
            raise UnfitError("office")
        parser = expat.ParserCreate()
        parser.buffer_text = True
        stack: list[Element | None] = []

        def start(name: str, attributes: dict[str, str]) -> None:
            if not wanted(name, attributes):
                stack.append(None)
                return
            at = parser.CurrentByteIndex
            tag = _TAG.match(self.content, at)
            if tag is None:
                raise UnfitError("office")
            local_names = {key.rpartition(":")[2]: value for key, value in attributes.items()}
            element = Element(name.rpartition(":")[2], local_names, at, tag.end())
            stack.append(element)
            if opened is not None:
                opened(element)

        def end(_name: str) -> None:
            element = stack.pop()
            if element is None:
                return
            element.end = max(parser.CurrentByteIndex, element.tag_end)
            tail = self.content.find(b">", element.end) + 1
            element.after = element.tag_end if self.content[element.tag_end - 2 : element.tag_end] == b"/>" else tail
            closed(element)

        def text(said: str) -> None:
            if stack and (element := stack[-1]) is not None:
                element.text.append(said)

        parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = start, end, text
        try:
            parser.Parse(self.content, True)
        except (expat.ExpatError, ValueError) as error:
            raise UnfitError("office") from error

    def put(self, start: int, end: int, instead: bytes = b"") -> None:
        """Put other bytes in the place of some."""
        self._cuts.append((start, end, instead))

    def remove(self, element: Element) -> None:
        """Take an element out with all it holds."""
        self.put(element.tag_start, element.after)

    def say(self, element: Element, instead: bytes) -> None:
        """Give an element another text, in place of all it holds."""
        if element.end > element.tag_end:
            self.put(element.tag_end, element.end, instead)

    def blank(self, element: Element, names: Collection[str], instead: bytes = b"") -> None:
        """Give some attributes of an element another value."""
        for found in _ATTRIBUTE.finditer(self.content, element.tag_start, element.tag_end):
            if found[1].decode("utf-8", "replace") in names:
                self.put(found.start(2), found.end(2), b'"' + instead + b'"')

    def changed(self) -> bytes | None:
        """The part after its changes; None when there is none. A change inside another is lost in it."""
        if not self._cuts:
            return None
        pieces, place = [], 0
        for start, end, instead in sorted(self._cuts, key=lambda cut: (cut[0], -cut[1])):
            if start >= place:
                pieces += [self.content[place:start], instead]
                place = end
        return b"".join((*pieces, self.content[place:]))
