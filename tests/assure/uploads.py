"""Files: hostile ones are refused or disarmed and leave nothing behind, honest ones come back whole and harmless."""

import io
import re
import secrets
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote
from uuid import UUID

import pikepdf
import psutil
import requests
from PIL import Image

from grants.applications.lifecycle import ApplicationState
from grants.kernel.formats import LABELS
from grants.kernel.uploads import clean_name
from tests.assure.figures import Reading, figure
from tests.kernel import corpus
from tests.site import Server, Site, Visitor, Workspace, tree_of

MEMORY = 150_000_000  # how much the biggest of the server's processes may grow while it is bombed
ARMS = re.compile(rb"/(?:JavaScript|JS|Launch|SubmitForm|EmbeddedFile|EmbeddedFiles|XFA|RichMedia|GoToR|ImportData)\b")
NAMES = (
    "../../etc/passwd.pdf",
    "..\\..\\windows\\win.pdf",
    "a\r\nSet-Cookie: zq=1.pdf",
    "rapport\u202efdp.pdf",
    "é" * 300 + ".pdf",
    "nul\x00.pdf",
    "👩\u200d🌾 jardin.pdf",
    '"><img src=x onerror=zq()>.pdf',
    "été à Vénissieux.pdf",
    "مستند.pdf",
    "文書.pdf",
    "e\u0301te\u0301.pdf",
    "con.pdf",
    "a%0d%0aX-Zq: 1.pdf",
    "a;b=c.pdf",
    "'; drop.pdf",
    "  .pdf",
    "-rf.pdf",
    "~.pdf",
    "a\tb.pdf",
)


def disarmed() -> dict[str, tuple[str, bytes]]:
    """Documents that carry something active, which is taken out."""
    embedded = corpus.pdf(corpus.with_attachment)
    return {
        "a pdf with scripts": ("scripts.pdf", corpus.pdf(corpus.with_script)),
        "a pdf with a program": ("jointe.pdf", embedded),
        "a pdf with a second form": ("xfa.pdf", corpus.pdf(corpus.with_dynamic_form)),
    }


def more_honest(limit: int) -> dict[str, tuple[str, bytes]]:
    """What the corpus lacks: pictures of other kinds, other writers of PDF, sizes at the limit."""
    found: dict[str, tuple[str, bytes]] = {
        f"png of mode {mode}": (f"plan-{mode}.png", corpus.image("PNG", mode=mode)) for mode in ("1", "L", "RGB")
    }
    found |= {
        f"jpeg of quality {quality}": (f"photo-{quality}.jpg", corpus.image("JPEG", quality=quality, progressive=True))
        for quality in (10, 95)
    }
    written = io.BytesIO()
    Image.new("RGB", (60, 80), "white").save(written, "PDF")
    found["pdf written by Pillow"] = ("image.pdf", written.getvalue())
    for version in ("1.4", "1.5", "1.6", "1.7", "2.0"):
        found[f"pdf {version}"] = (f"version {version}.pdf", corpus.pdf(min_version=version))
    for short in (0, 1):
        body = corpus.docx({"word/media/vide.bin": b""})
        filling = secrets.token_bytes(limit - short - len(body) - 200)
        entries = {"[Content_Types].xml": corpus.types(corpus.WORD), "word/document.xml": b"<w:document/>"}
        content = corpus.archive({**entries, "word/media/image1.png": filling}, stored=("word/media/image1.png",))
        short_by = limit - short - len(content)
        content = corpus.archive(
            {**entries, "word/media/image1.png": filling + secrets.token_bytes(short_by)},
            stored=("word/media/image1.png",),
        )
        found[f"a file {short} byte under the limit"] = (f"grand-{short}.docx", content)
    return found


# ---- sending -------------------------------------------------------------------------------------------------------


@dataclass
class Desk:
    """Where one person hands over files: the page of the documents of a dossier."""

    site: Site
    server: Server
    visitor: Visitor
    address: str
    fields: dict[str, str]
    field: str

    def give(self, name: str, content: bytes) -> requests.Response:
        """Send a file under this very name, as no browser would write it."""
        mark = secrets.token_hex(16)
        parts = [
            f'--{mark}\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n'.encode()
            for key, value in {**self.fields, "_key": secrets.token_urlsafe(12)}.items()
        ]
        shown = name.replace("\\", "\\\\").replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
        head = f'--{mark}\r\nContent-Disposition: form-data; name="{self.field}"; filename="{shown}"\r\n\r\n'
        body = b"".join([*parts, head.encode(), content, f"\r\n--{mark}--\r\n".encode()])
        kind = {"Content-Type": f"multipart/form-data; boundary={mark}"}
        return self.visitor.post(self.address, body, headers=kind)

    def stored_rows(self) -> set[tuple[str, str]]:
        """What the database knows, and where it lies."""
        return {(str(UUID(str(row.id))), row.place) for row in self.site.rows("SELECT id, place FROM stored_file")}

    def files(self) -> set[Path]:
        """What lies in the store."""
        return {path for path in (self.site.folder / "files").rglob("*") if path.is_file()}

    def memory(self) -> int:
        """The memory of the biggest process of the server."""
        top = psutil.Process(self.server.processes[0].pid)
        return max(process.memory_info().rss for process in [top, *top.children(recursive=True)])


def desk(site: Site, server: Server) -> Desk:
    """A dossier being written, and the page of its documents."""
    with site.making() as make:
        account = make.account(name="Camille Exemple")
        application = make.application(organisation=make.organisation(account), state=ApplicationState.DRAFT)
        address = f"/dossiers/{application.id}/rediger/pieces"
        email = account.email
    visitor = site.visitor(server, email)
    form = tree_of(visitor.get(address)).xpath("//main//form[@enctype]")[0]
    fields = {one.get("name"): one.get("value", "") for one in form.xpath(".//input[@type='hidden']")}
    return Desk(site, server, visitor, address, fields, form.xpath(".//input[@type='file']/@name")[0])


# ---- judging -------------------------------------------------------------------------------------------------------


def refused(place: Desk, title: str, name: str, content: bytes) -> list[str]:
    """A hostile file: refused on its field in French, with what is accepted, and nothing stored anywhere."""
    rows, files = place.stored_rows(), place.files()
    answer = place.give(name, content)
    faults = []
    if answer.status_code not in {413, 422}:
        faults.append(f"{title}: answered {answer.status_code}")
    elif answer.status_code == 422 and LABELS not in answer.text:
        faults.append(f"{title}: refused without naming what is accepted")
    if place.stored_rows() != rows or place.files() != files:
        faults.append(f"{title}: something was stored")
    return faults


def taken(place: Desk, title: str, name: str, content: bytes) -> list[str]:
    """An honest file: taken, and handed back under its name as something no browser opens."""
    place.site.rows("DELETE FROM attachment")  # a document takes five files
    rows = place.stored_rows()
    answer = place.give(name, content)
    new = place.stored_rows() - rows
    if answer.status_code not in {302, 303} or len(new) != 1:
        return [f"{title}: answered {answer.status_code}, {len(new)} kept {blame(answer)}"]
    file_id, where = new.pop()
    back = place.visitor.get(f"/fichiers/{file_id}")
    heads, faults = back.headers, []
    said = heads.get("Content-Disposition", "")
    if back.status_code != 200 or back.content != content:
        faults.append(f"{title}: came back as {back.status_code}, or other bytes than those sent")
    if not said.startswith("attachment") or heads.get("X-Content-Type-Options") != "nosniff":
        faults.append(f"{title}: not an attachment: {said}")
    if "sandbox" not in heads.get("Content-Security-Policy", "") or heads["Content-Type"] != "application/octet-stream":
        faults.append(f"{title}: could be opened: {heads.get('Content-Security-Policy')} {heads['Content-Type']}")
    found = re.search(r"filename\*=UTF-8''([^;]+)", said)
    given_name = unquote(found[1]) if found else (re.search(r'filename="?((?<=")[^"]*|[^";]*)', said) or ["", ""])[1]
    if given_name != clean_name(
        name.replace("\r", "%0D").replace("\n", "%0A").replace('"', "%22")
    ) and given_name != clean_name(name):
        faults.append(f"{title}: given back as {given_name!r}")
    if place.site.folder / "files" not in (place.site.folder / "files" / where).resolve().parents:
        faults.append(f"{title}: stored outside: {where}")
    (row,) = place.site.rows("SELECT copy_place FROM stored_file WHERE place = :where", where=where)
    shown = (place.site.folder / "files" / (row.copy_place or where)).read_bytes()
    if shown.startswith(b"%PDF"):
        faults += [f"{title}: still armed: {arm}" for arm in armed(shown)]
    return faults


def blame(answer: requests.Response) -> str:
    """What the page says of the refusal."""
    return " ".join(tree_of(answer).xpath("string(//*[@class='field-error'])").split())[:120] if answer.text else ""


def armed(content: bytes) -> set[bytes]:
    """What is active in a stored PDF, its packed objects unfolded."""
    out = io.BytesIO()
    with pikepdf.open(io.BytesIO(content)) as document:
        document.save(
            out, object_stream_mode=pikepdf.ObjectStreamMode.disable, stream_decode_level=pikepdf.StreamDecodeLevel.all
        )
    return set(ARMS.findall(out.getvalue()))


@figure(
    "uploads",
    number="17",
    says="fichiers hostiles gardés, fichiers honnêtes refusés ou altérés, mémoire",
    minutes=3,
    once="postgresql",
)
def uploads(workspace: Workspace) -> Reading:
    """Hand over every hostile and every honest file of the corpus to a served dossier."""
    faults: list[str] = []
    with workspace.site() as site, site.serve() as server:
        at = desk(site, server)
        limit = site.app.config["SETTINGS"].max_upload
        honest = {**corpus.HONEST, **more_honest(limit), **disarmed()}
        honest |= {f"the name {name[:40]!r}": (name, corpus.pdf()) for name in NAMES}
        hostile = {**corpus.HOSTILE, "one byte too many": ("trop.pdf", corpus.pdf().ljust(limit + 1, b"\n"))}
        for title, (name, content) in honest.items():
            faults += taken(at, title, name, content)
        site.rows("DELETE FROM attachment")
        before = at.memory()
        peak = before
        for title, (name, content) in hostile.items():
            faults += refused(at, title, name, content)
            peak = max(peak, at.memory())
        if peak - before > MEMORY:
            faults.append(f"the server grew by {(peak - before) // 1_000_000} MB")
    return Reading(len(honest) + len(hostile), faults, least=100)
