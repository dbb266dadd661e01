"""Office documents: archives whose every bound is checked, cleaned of what acts or calls outside."""

import io
import posixpath
import re
import stat
import zipfile
import zlib
from collections.abc import Callable
from urllib.parse import unquote

from grants.kernel.examining.found import FileFacts, UnfitError
from grants.kernel.examining.xmlparts import Element, XmlPart, in_utf8

MIB = 1024 * 1024
ENTRIES = 2_000
UNPACKED = 80 * MIB
SMALL = 2 * MIB  # what lists the parts and their relationships
RATIO = 150  # office XML packs 10 to 50 times; a bomb of zeros a thousand times
_RATIO_FROM = MIB

_ACTIVE = frozenset({"macrosheets", "dialogsheets", "activex", "customui", "basic", "scripts"})
_NESTED = re.compile(r"(^|/)embeddings/[^/]*\.(xlsx|docx)$", re.IGNORECASE)
_TYPES = "[Content_Types].xml"
# The last four are documents of other kinds that are unfolded into this one when it is opened.
_ACTIVE_TYPES = ("macroenabled", "vbaproject", "activex", "oleobject", "/rtf", "text/html", "xhtml+xml", "rfc822")
_NOWHERE = b"about:blank"
_FETCHING = re.compile(r"[\s\"\\]*(dde|ddeauto|link|includetext|includepicture|import|database|rd)\b", re.IGNORECASE)
_CALLING = re.compile(r"\w\s*\|\s*['\w]|\b(webservice|dde|rtd|call|register\.id)\s*\(", re.IGNORECASE)
_QUOTED = re.compile(r'"[^"]*"')
_ELSEWHERE = re.compile(r"\s*([a-z][a-z0-9+.-]*:|[/\\]|\.\.)", re.IGNORECASE)
_LINK = re.compile(r"\s*(https?|mailto|tel):|\s*#|\s*\Z", re.IGNORECASE)
_SIGNATURES = re.compile(r"^(_xmlsignatures/|META-INF/documentsignatures\.xml$)", re.IGNORECASE)

_LEADING = re.compile(r"(^|:)(href|formula|dde-[a-z]+)$")
_PROGRAMS = ("ddeLink", "oleLink")
_SOURCES = ("dbPr", "webPr", "textPr", "connection")
_FORMULAS = ("definedName", "formula", "formula1", "formula2")

Cleaner = Callable[[str, XmlPart], None]


def _any(_name: str, _attributes: dict[str, str]) -> bool:
    return True


def _named(*names: str) -> Callable[[str, dict[str, str]], bool]:
    """Elements of these local names."""
    known = frozenset(names)
    return lambda name, _attributes: name.rpartition(":")[2] in known


def _may_call(name: str, attributes: dict[str, str]) -> bool:
    """An OpenDocument element that runs, or has an attribute that leads, calls or computes."""
    return name.endswith((":script", ":event-listener")) or any(_LEADING.search(key) for key in attributes)


def _calls(formula: str) -> bool:
    """Whether a formula asks another program or an address."""
    return bool(_CALLING.search(_QUOTED.sub("", formula)))


def fit_docx(content: bytes) -> FileFacts:
    """A word processor document; see `_ooxml`."""
    return _ooxml(content, "wordprocessingml.document", _clean_words)


def fit_xlsx(content: bytes) -> FileFacts:
    """A spreadsheet; see `_ooxml`."""
    return _ooxml(content, "spreadsheetml.sheet", _clean_sheets)


def fit_odt(content: bytes) -> FileFacts:
    """An OpenDocument text; see `_odf`."""
    return _odf(content, "text")


def fit_ods(content: bytes) -> FileFacts:
    """An OpenDocument spreadsheet; see `_odf`."""
    return _odf(content, "spreadsheet")


# ---- the archive ---------------------------------------------------------------------------------------------------


def _archive(content: bytes) -> zipfile.ZipFile:
    """The archive of an office document, once every bound was checked on what it declares and what it unfolds to."""
    if not content.startswith(b"PK\x03\x04"):
        raise UnfitError("office")
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
        entries = archive.infolist()
        if content[-22:-18] != b"PK\x05\x06" or min(entry.header_offset for entry in entries):
            raise UnfitError("office")
        if len(entries) > ENTRIES or sum(entry.file_size for entry in entries) > UNPACKED:
            raise UnfitError("unpacked")
        if len({entry.filename.lower() for entry in entries}) != len(entries):
            raise UnfitError("office")
        for entry in entries:
            _check_entry(entry)
        if archive.testzip() is not None:
            raise UnfitError("office")
        return archive
    except (zipfile.BadZipFile, zlib.error, OSError, ValueError, EOFError, RuntimeError) as error:
        raise UnfitError("office") from error


def _check_entry(entry: zipfile.ZipInfo) -> None:
    name = entry.filename
    if entry.flag_bits & 0x1:
        raise UnfitError("office_encrypted")
    if entry.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
        raise UnfitError("office")
    if entry.file_size > _RATIO_FROM and entry.file_size > RATIO * max(entry.compress_size, 1):
        raise UnfitError("unpacked")
    strange = not name.isprintable() or "\\" in name or ":" in name or name.startswith("/")
    if strange or name != entry.orig_filename or posixpath.normpath(name) != name.rstrip("/") or name.startswith(".."):
        raise UnfitError("office")
    if stat.S_ISLNK(entry.external_attr >> 16):
        raise UnfitError("office")
    if _is_active(name):
        raise UnfitError("macro")


def _is_active(name: str) -> bool:
    """Whether an entry is, or may hold, what a program runs; told by its folders and the ends of its own name."""
    *folders, own = name.casefold().split("/")
    is_program = own.endswith(".bin") and (own.startswith("vba") or "oleobject" in own.removesuffix(".bin"))
    is_embedded = "embeddings" in folders and not own.endswith((".xlsx", ".docx"))
    return is_program or is_embedded or not _ACTIVE.isdisjoint(folders)


def _small(archive: zipfile.ZipFile, name: str) -> bytes:
    """A part that is never large."""
    if archive.getinfo(name).file_size > SMALL:
        raise UnfitError("unpacked")
    return archive.read(name)


def _cleaned(archive: zipfile.ZipFile, clean: Cleaner, is_markup: Callable[[str], bool]) -> FileFacts:
    """The document with every part of markup cleaned; without a copy when nothing was to be changed."""
    changed: dict[str, bytes] = {}
    for name in archive.namelist():
        if is_markup(name) and archive.getinfo(name).file_size:
            part = XmlPart(in_utf8(archive.read(name)))
            clean(name, part)
            after = part.changed()
            if after is not None:
                changed[name] = after
        elif _NESTED.search(name):
            copy = _nested(name, archive.read(name))
            if copy is not None:
                changed[name] = copy
    signed = any(_SIGNATURES.search(name) for name in archive.namelist())
    return FileFacts(_packed(archive, changed) if changed else None, signed=signed)


def _is_xml(name: str) -> bool:
    return name.lower().endswith((".xml", ".rels"))


def _nested(name: str, content: bytes) -> bytes | None:
    """The cleaned copy of a document inside another; what is none is left as it is, since no program opens it."""
    fit = fit_docx if name.lower().endswith("docx") else fit_xlsx
    try:
        return fit(content).copy
    except UnfitError as error:
        if error.code == "office":
            return None
        raise


def _packed(archive: zipfile.ZipFile, changed: dict[str, bytes]) -> bytes:
    """The same archive, entry by entry, with some of them changed."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as target:
        for entry in archive.infolist():
            entry_info = zipfile.ZipInfo(entry.filename, entry.date_time)
            entry_info.compress_type, entry_info.external_attr = entry.compress_type, entry.external_attr
            content = changed.get(entry.filename)
            target.writestr(entry_info, archive.read(entry) if content is None else content)
    return out.getvalue()


# ---- Office Open XML -----------------------------------------------------------------------------------------------


def _ooxml(content: bytes, main: str, clean: Cleaner) -> FileFacts:
    """A document whose main part is what its name says; the copy fetches nothing from outside.

    Raises UnfitError: office, office_encrypted, unpacked or macro.
    """
    with _archive(content) as archive:
        if _TYPES not in archive.namelist():
            raise UnfitError("office")
        listed = XmlPart(_small(archive, _TYPES))
        relationships: list[dict[str, str]] = []
        listed.read(wanted=_any, closed=lambda element: relationships.append(element.attributes))
        types = {row.get("ContentType", "").lower() for row in relationships}
        if any(word in kind for word in _ACTIVE_TYPES for kind in types):
            raise UnfitError("macro")
        if f"application/vnd.openxmlformats-officedocument.{main}.main+xml" not in types:
            raise UnfitError("office")
        named = {unquote(row.get("PartName", "")).lower().lstrip("/") for row in relationships if _is_text(row)}
        ending = {f".{row['Extension'].lower()}" for row in relationships if _is_text(row) and row.get("Extension")}

        def is_markup(name: str) -> bool:
            place = unquote(name).lower()
            return _is_xml(name) or place in named or posixpath.splitext(place)[1] in ending

        def clean_part(name: str, part: XmlPart) -> None:
            if name.lower().endswith(".rels"):
                _clean_relationships(part)
            else:
                clean(name, part)

        return _cleaned(archive, clean_part, is_markup)


def _is_text(row: dict[str, str]) -> bool:
    """Whether a row of the content types speaks of parts that a program reads as markup, whatever their name."""
    kind = row.get("ContentType", "").lower().partition(";")[0].strip()
    return kind.endswith(("+xml", "/xml")) and not kind.startswith("image/")


def _clean_relationships(part: XmlPart) -> None:
    """Relationships that leave the document lead nowhere; a link that a person follows stays."""

    def closed(element: Element) -> None:
        attributes = element.attributes
        if attributes.get("TargetMode", "").lower() == "external" and not attributes.get("Type", "").endswith(
            "/hyperlink"
        ):
            part.blank(element, ("Target",), _NOWHERE)

    part.read(wanted=_any, closed=closed)


def _clean_words(_name: str, part: XmlPart) -> None:
    """Fields that fetch lose their instruction; what they showed last stays."""
    if not re.search(rb"instrText|fldSimple|InstrText", part.content):
        return
    open_fields: list[list[Element]] = [[]]

    def settle() -> None:
        pieces = open_fields.pop()
        if _FETCHING.match("".join(piece.said for piece in pieces)):
            for piece in pieces:
                part.say(piece, b" ")

    def opened(element: Element) -> None:
        if element.name == "fldChar" and element.attributes.get("fldCharType") == "begin":
            open_fields.append([])
        if element.name == "fldChar" and element.attributes.get("fldCharType") == "end" and len(open_fields) > 1:
            settle()

    def closed(element: Element) -> None:
        if element.name in {"instrText", "delInstrText"}:
            open_fields[-1].append(element)
        if element.name == "fldSimple" and _FETCHING.match(element.attributes.get("instr", "")):
            part.blank(element, ("instr",), b" ")

    part.read(wanted=_named("fldChar", "instrText", "delInstrText", "fldSimple"), opened=opened, closed=closed)
    while open_fields:
        settle()


def _clean_sheets(_name: str, part: XmlPart) -> None:
    """Links to other programs, connections to data and formulas that call outside are taken out; values stay."""
    if not re.search(rb"ddeLink|oleLink|dbPr|webPr|textPr|odcFile|[|]|&#|webservice|rtd|call|register", part.content,
                     re.IGNORECASE):  # fmt: skip
        return

    def closed(element: Element) -> None:
        if element.name in _PROGRAMS:
            part.remove(element)
        elif element.name in _SOURCES:
            part.blank(element, ("connection", "command", "url", "sourceFile", "odcFile"))
        elif element.name == "f" and _calls(element.said):
            part.remove(element)
        elif element.name in _FORMULAS and _calls(element.said):
            part.say(element, b"#REF!")

    part.read(wanted=_named(*_PROGRAMS, *_SOURCES, "f", *_FORMULAS), closed=closed)


# ---- OpenDocument --------------------------------------------------------------------------------------------------


def _odf(content: bytes, kind: str) -> FileFacts:
    """An OpenDocument whose first entry declares what its name says; the copy fetches nothing from outside.

    Raises UnfitError: office, office_encrypted, unpacked or macro.
    """
    with _archive(content) as archive:
        first = archive.infolist()[0]
        if first.filename != "mimetype" or first.compress_type != zipfile.ZIP_STORED:
            raise UnfitError("office")
        if archive.read(first) != f"application/vnd.oasis.opendocument.{kind}".encode():
            raise UnfitError("office")
        if not {"content.xml", "META-INF/manifest.xml"} <= set(archive.namelist()):
            raise UnfitError("office")
        if b"encryption-data" in _small(archive, "META-INF/manifest.xml"):
            raise UnfitError("office_encrypted")
        return _cleaned(archive, _clean_open_document, _is_xml)


def _clean_open_document(name: str, part: XmlPart) -> None:
    """What is drawn from elsewhere, links to other programs, scripts and formulas that call outside are taken out."""
    if name.startswith("META-INF/"):
        return

    def closed(element: Element) -> None:
        attributes = element.attributes
        if element.name in {"script", "event-listener"}:
            part.remove(element)
            return
        if element.name == "a":
            if not _LINK.match(attributes.get("href", "")):
                part.blank(element, ("href",))
        elif _ELSEWHERE.match(attributes.get("href", "")):
            part.blank(element, ("href",))
        if any(key.startswith("dde-") for key in attributes):
            part.blank(element, ("dde-application", "dde-topic", "dde-item"))
        if _calls(attributes.get("formula", "")):
            part.blank(element, ("formula",))

    part.read(wanted=_may_call, closed=closed)
