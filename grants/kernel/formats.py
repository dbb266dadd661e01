"""The file formats the house accepts: recognised by their structure, not by their name, rewritten where possible."""

import io
import math
import posixpath
import re
import stat
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from xml.etree import ElementTree as ET

import pikepdf
from pikepdf.sanitize import Sanitizer
from PIL import Image, ImageOps

from grants.kernel.words import LazyString, _l

MIB = 1024 * 1024
PDF_OBJECTS = 60_000
PIXELS_DECODED = 25_000_000
PIXELS_OFFERED = 60_000_000
ENTRIES = 2_000
UNPACKED = 80 * MIB
RATIO = 150  # office XML packs 10 to 50 times; a bomb of zeros a thousand times
_RATIO_FROM = MIB

# Our own limits, before any pixel is decoded, replace Pillow's: its warning goes to the log, not to the person.
Image.MAX_IMAGE_PIXELS = None
# Process-wide by nature, hence set once, here: what qpdf may unfold while it reads a stranger's file.
pikepdf.settings.set_qpdf_limits(
    flate_max_memory=64 * MIB,
    png_max_memory=64 * MIB,
    tiff_max_memory=64 * MIB,
    run_length_max_memory=64 * MIB,
    dct_max_memory=64 * MIB,
    doc_max_warnings=200,
)

_CLEANER = (
    Sanitizer()
    .remove_javascript()
    .remove_external_access()
    .remove_attachments()
    .remove_multimedia()
    .remove_collection()
)


class UnfitError(Exception):
    """A file that is not what its name says, or carries what we refuse; `code` for the log, `message` for people."""

    def __init__(self, code: str, message: LazyString) -> None:
        super().__init__(code)
        self.code = code
        self.message = message


@dataclass(frozen=True)
class Format:
    """An accepted format: its media type, and what turns given bytes into the bytes we keep (or raises UnfitError)."""

    label: str
    media_type: str
    fit: Callable[[bytes], bytes]


# ---- PDF -----------------------------------------------------------------------------------------------------------

_NOT_PDF = _l("Ce fichier n’est pas un PDF valide.")


def _pdf(content: bytes) -> bytes:
    """A PDF and nothing else, rewritten without scripts, actions, attachments or media."""
    end = content.rfind(b"%%EOF")
    if not content.startswith(b"%PDF-") or end < 0:
        raise UnfitError("magic", _NOT_PDF)
    if content[end + 5 :].strip(b"\0\t\n\f\r ") or zipfile.is_zipfile(io.BytesIO(content)):
        raise UnfitError("polyglot", _l("Ce PDF contient des données étrangères après sa fin."))
    try:
        with pikepdf.open(io.BytesIO(content)) as pdf:
            if pdf.is_encrypted:
                raise UnfitError(
                    "encrypted", _l("Ce PDF est protégé : enregistrez-le sans mot de passe ni restriction.")
                )
            if int(pdf.trailer.get("/Size", 0)) > PDF_OBJECTS:
                raise UnfitError("objects", _l("Ce PDF est trop complexe. Imprimez-le de nouveau en PDF."))
            if not len(pdf.pages):
                raise UnfitError("empty", _l("Ce PDF n’a aucune page."))
            _CLEANER.apply(pdf)
            _drop_dynamic_form(pdf)
            kept = io.BytesIO()
            pdf.save(kept, deterministic_id=True)
            return kept.getvalue()
    except pikepdf.PasswordError as error:
        raise UnfitError(
            "encrypted", _l("Ce PDF est protégé : enregistrez-le sans mot de passe ni restriction.")
        ) from error
    except (pikepdf.PdfError, ValueError, TypeError, KeyError, RuntimeError) as error:
        raise UnfitError("structure", _NOT_PDF) from error


def _drop_dynamic_form(pdf: pikepdf.Pdf) -> None:
    """Remove XFA, a second document with its own scripts, and streams kept aside for the author's own program."""
    form = pdf.Root.get("/AcroForm")
    if isinstance(form, pikepdf.Dictionary) and "/XFA" in form:
        del form["/XFA"]


# ---- images --------------------------------------------------------------------------------------------------------

_NOT_IMAGE = _l("Cette image est illisible ou incomplète.")


def _image(kind: str, magic: bytes) -> Callable[[bytes], bytes]:
    def fit(content: bytes) -> bytes:
        """An image decoded, turned upright and encoded again: no place, no camera, no passenger is kept."""
        if not content.startswith(magic):
            raise UnfitError("magic", _l("Le contenu de ce fichier n’est pas l’image que son nom annonce."))
        try:
            with Image.open(io.BytesIO(content), formats=[kind]) as image:
                return _encoded_again(image, kind)
        except (OSError, SyntaxError, ValueError, EOFError, IndexError, OverflowError, zlib.error) as error:
            raise UnfitError("structure", _NOT_IMAGE) from error

    return fit


def _encoded_again(image: Image.Image, kind: str) -> bytes:
    pixels = image.width * image.height
    if pixels > (PIXELS_OFFERED if kind == "JPEG" else PIXELS_DECODED):
        raise UnfitError("pixels", _l("Cette image est trop grande : 25 millions de points au plus (60 pour un JPEG)."))
    if pixels > PIXELS_DECODED:
        reduction = math.isqrt(pixels // PIXELS_DECODED) + 1
        image.draft(None, (image.width // reduction, image.height // reduction))
    image.load()
    ImageOps.exif_transpose(image, in_place=True)
    image.info = {key: value for key, value in image.info.items() if key == "transparency"}
    if kind == "JPEG" and image.mode not in {"L", "RGB"}:
        image = image.convert("RGB")
    kept = io.BytesIO()
    image.save(kept, format=kind, quality=88, compress_level=3)
    return kept.getvalue()


# ---- office documents ----------------------------------------------------------------------------------------------

_NOT_OFFICE = _l("Ce document est abîmé, ou n’est pas du type que son nom annonce.")
_MACROS = _l("Ce document contient des macros ou des objets actifs : enregistrez-le sans eux, ou en PDF.")
_OUTSIDE = _l("Ce document va chercher des éléments à l’extérieur : rompez ces liens, ou enregistrez-le en PDF.")
_ACTIVE = re.compile(
    r"(^|/)((macrosheets|dialogsheets|activex|customui|basic|scripts)/|vba[^/]*\.bin$)|oleobject[^/]*\.bin$",
    re.IGNORECASE,
)
_EMBEDDED = re.compile(r"(^|/)embeddings/(?!.*\.(xlsx|docx)$)", re.IGNORECASE)
_TYPES = "[Content_Types].xml"
_PACKAGE = "{http://schemas.openxmlformats.org/package/2006/%s}%s"


def _archive(content: bytes) -> zipfile.ZipFile:
    """The archive of an office document, once every bound was checked on what it declares and what it unfolds to."""
    if not content.startswith(b"PK\x03\x04"):
        raise UnfitError("magic", _NOT_OFFICE)
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
        entries = archive.infolist()
        if content[-22:-18] != b"PK\x05\x06" or min(entry.header_offset for entry in entries):
            raise UnfitError("polyglot", _NOT_OFFICE)
        if len(entries) > ENTRIES or sum(entry.file_size for entry in entries) > UNPACKED:
            raise UnfitError("ratio", _l("Ce document est trop lourd une fois ouvert : enregistrez-le en PDF."))
        if len({entry.filename.lower() for entry in entries}) != len(entries):
            raise UnfitError("structure", _NOT_OFFICE)
        for entry in entries:
            _check_entry(entry)
        if archive.testzip() is not None:
            raise UnfitError("structure", _NOT_OFFICE)
        return archive
    except (zipfile.BadZipFile, zlib.error, OSError, ValueError, EOFError, NotImplementedError, RuntimeError) as error:
        raise UnfitError("structure", _NOT_OFFICE) from error


def _check_entry(entry: zipfile.ZipInfo) -> None:
    name = entry.filename
    if entry.flag_bits & 0x1:
        raise UnfitError("encrypted", _l("Ce document est protégé : enregistrez-le sans mot de passe."))
    if entry.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
        raise UnfitError("structure", _NOT_OFFICE)
    if entry.file_size > _RATIO_FROM and entry.file_size > RATIO * max(entry.compress_size, 1):
        raise UnfitError("ratio", _l("Ce document est trop lourd une fois ouvert : enregistrez-le en PDF."))
    strange = not name.isprintable() or "\\" in name or ":" in name or name.startswith("/")
    if strange or name != entry.orig_filename or posixpath.normpath(name) != name.rstrip("/") or name.startswith(".."):
        raise UnfitError("path", _NOT_OFFICE)
    if stat.S_ISLNK(entry.external_attr >> 16):
        raise UnfitError("path", _NOT_OFFICE)
    if _ACTIVE.search(name) or _EMBEDDED.search(name):
        raise UnfitError("macro", _MACROS)


def _xml(content: bytes) -> ET.Element:
    """The root of a small part; refuses other encodings and document types, so that no entity can unfold."""
    try:
        text = content.decode("utf-8-sig")
        if "\0" in text or "<!" in text.replace("<!--", "").replace("<![CDATA[", ""):
            raise UnfitError("xml", _NOT_OFFICE)
        return ET.fromstring(text.encode())  # noqa: S314 - no document type, hence no entity: refused above
    except (ET.ParseError, UnicodeDecodeError, LookupError) as error:
        raise UnfitError("structure", _NOT_OFFICE) from error


def _ooxml(main: str) -> Callable[[bytes], bytes]:
    def fit(content: bytes) -> bytes:
        """A document of the office open XML family whose main part is what its name says; kept as given."""
        with _archive(content) as archive:
            if _TYPES not in archive.namelist():
                raise UnfitError("structure", _NOT_OFFICE)
            types = [str(node.get("ContentType", "")).lower() for node in _xml(archive.read(_TYPES))]
            if any(word in kind for kind in types for word in ("macroenabled", "vbaproject", "activex", "oleobject")):
                raise UnfitError("macro", _MACROS)
            if f"application/vnd.openxmlformats-officedocument.{main}.main+xml" not in types:
                raise UnfitError("structure", _NOT_OFFICE)
            for link in _outside_links(archive):
                if not link.endswith("/hyperlink"):
                    raise UnfitError("outside", _OUTSIDE)
        return content

    return fit


def _outside_links(archive: zipfile.ZipFile) -> Iterator[str]:
    """The kinds of the relationships that leave the document."""
    for name in archive.namelist():
        if name.lower().endswith(".rels"):
            for node in _xml(archive.read(name)).iter(_PACKAGE % ("relationships", "Relationship")):
                if str(node.get("TargetMode", "")).lower() == "external":
                    yield str(node.get("Type", ""))


def _odf(media_type: str) -> Callable[[bytes], bytes]:
    def fit(content: bytes) -> bytes:
        """An OpenDocument whose first entry declares what its name says; kept as given."""
        with _archive(content) as archive:
            first = archive.infolist()[0]
            if first.filename != "mimetype" or first.compress_type != zipfile.ZIP_STORED:
                raise UnfitError("structure", _NOT_OFFICE)
            if archive.read(first) != media_type.encode():
                raise UnfitError("structure", _NOT_OFFICE)
            names = set(archive.namelist())
            if not {"content.xml", "META-INF/manifest.xml"} <= names:
                raise UnfitError("structure", _NOT_OFFICE)
            manifest = archive.read("META-INF/manifest.xml")
            if b"encryption-data" in manifest:
                raise UnfitError("encrypted", _l("Ce document est protégé : enregistrez-le sans mot de passe."))
        return content

    return fit


# ---- the list ------------------------------------------------------------------------------------------------------

_OFFICE = "application/vnd.openxmlformats-officedocument."
_OPEN = "application/vnd.oasis.opendocument."
FORMATS = {
    "pdf": Format("PDF", "application/pdf", _pdf),
    "jpg": Format("JPEG", "image/jpeg", _image("JPEG", b"\xff\xd8\xff")),
    "jpeg": Format("JPEG", "image/jpeg", _image("JPEG", b"\xff\xd8\xff")),
    "png": Format("PNG", "image/png", _image("PNG", b"\x89PNG\r\n\x1a\n")),
    "docx": Format("DOCX", _OFFICE + "wordprocessingml.document", _ooxml("wordprocessingml.document")),
    "xlsx": Format("XLSX", _OFFICE + "spreadsheetml.sheet", _ooxml("spreadsheetml.sheet")),
    "odt": Format("ODT", _OPEN + "text", _odf(_OPEN + "text")),
    "ods": Format("ODS", _OPEN + "spreadsheet", _odf(_OPEN + "spreadsheet")),
}
LABELS = ", ".join(dict.fromkeys(each.label for each in FORMATS.values()))
SUFFIXES = ",".join(f".{suffix}" for suffix in FORMATS)
