"""PDF: repaired if need be, and rewritten without what acts, calls outside or is carried inside."""

import io
import re
import zipfile
from collections.abc import Iterator

import pikepdf
from pikepdf.sanitize import Sanitizer

from grants.kernel.examining.found import FileFacts, UnfitError

MIB = 1024 * 1024
OBJECTS = 60_000
FIELDS = 5_000
TAIL = 2_048
_BLANK = b"\0\t\n\f\r "
_BOM = b"\xef\xbb\xbf"
_END = b"%%EOF"
_FOREIGN = re.compile(rb"<[a-z!?/]|PK[\x01-\x08]|\x7fELF|\x1f\x8b|Rar!|7z\xbc\xaf|\AMZ|\A#!", re.IGNORECASE)

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


def fit(content: bytes) -> FileFacts:
    """A PDF and nothing else; the copy has no script, action, attachment, media, password or signature.

    Raises UnfitError: magic, polyglot, encrypted, objects, empty or structure.
    """
    body = _body(content)
    try:
        with pikepdf.open(io.BytesIO(body)) as pdf:
            if int(pdf.trailer.get("/Size", 0)) > OBJECTS or len(pdf.objects) > OBJECTS:
                raise UnfitError("objects")
            if not len(pdf.pages):
                raise UnfitError("empty")
            signed = _take_signatures_out(pdf)
            _CLEANER.apply(pdf)
            _drop_dynamic_form(pdf)
            _drop_outside(pdf)
            output = io.BytesIO()
            pdf.save(output, deterministic_id=True, encryption=False)
            return FileFacts(output.getvalue(), signed=signed)
    except pikepdf.PasswordError as error:
        raise UnfitError("encrypted") from error
    except (pikepdf.PdfError, ValueError, TypeError, KeyError, RuntimeError) as error:
        raise UnfitError("structure") from error


def _body(content: bytes) -> bytes:
    """The file from its first mark on: blanks before it and loose bytes after its end are let through, nothing else."""
    body = content.removeprefix(_BOM).lstrip(_BLANK)
    if not body.startswith(b"%PDF-"):
        raise UnfitError("magic")
    end = body.rfind(_END)
    tail = body[end + len(_END) :] if end >= 0 else b""
    if end < 0 and not re.search(rb"startxref|trailer", body[-TAIL:]):
        raise UnfitError("structure")
    if _FOREIGN.search(tail.lstrip(_BLANK)) or zipfile.is_zipfile(io.BytesIO(body)):
        raise UnfitError("polyglot")
    return body


def _drop_dynamic_form(pdf: pikepdf.Pdf) -> None:
    """Remove XFA, a second document with its own scripts."""
    form = pdf.Root.get("/AcroForm")
    if isinstance(form, pikepdf.Dictionary) and "/XFA" in form:
        del form["/XFA"]


def _drop_outside(pdf: pikepdf.Pdf) -> None:
    """Remove what is drawn from another file: streams kept outside, pages of other documents, the base of links."""
    if "/URI" in pdf.Root:
        del pdf.Root["/URI"]
    for each in pdf.objects:
        if isinstance(each, pikepdf.Stream):
            for key in ("/F", "/FFilter", "/FDecodeParms", "/Ref", "/OPI"):
                if key in each:
                    del each[key]


def _take_signatures_out(pdf: pikepdf.Pdf) -> bool:
    """Whether the document is signed. Rewriting breaks a signature, so that the copy must not claim to bear one."""
    signed = False
    for field in _fields(pdf):
        value = field.get("/V")
        if isinstance(value, pikepdf.Dictionary) and "/ByteRange" in value:
            signed = True
            del field["/V"]
    form = pdf.Root.get("/AcroForm")
    if signed and isinstance(form, pikepdf.Dictionary) and "/SigFlags" in form:
        del form["/SigFlags"]
    if "/Perms" in pdf.Root:
        signed = True
        del pdf.Root["/Perms"]
    return signed


def _fields(pdf: pikepdf.Pdf) -> Iterator[pikepdf.Dictionary]:
    """The fields of the form, `FIELDS` at most, each once."""
    form = pdf.Root.get("/AcroForm")
    waiting = [form.get("/Fields")] if isinstance(form, pikepdf.Dictionary) else []
    for _turn in range(FIELDS):
        if not waiting:
            return
        node = waiting.pop()
        if isinstance(node, pikepdf.Array):
            waiting.extend(list(node)[:FIELDS])
        elif isinstance(node, pikepdf.Dictionary):
            yield node
            waiting.append(node.get("/Kids"))
