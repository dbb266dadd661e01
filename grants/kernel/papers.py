"""Printed documents: set as accessible archive PDF; what leaves is kept as issued, and given again byte for byte."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

from flask import current_app
from sqlalchemy import (
    ColumnElement,
    ForeignKey,
    LargeBinary,
    SmallInteger,
    String,
    Text,
    UniqueConstraint,
    exists,
    func,
    insert,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, mapped_column

from grants.kernel import clock, journal, pages
from grants.kernel.actor import Actor, system
from grants.kernel.db import Keyed, Model, db, unit_of_work
from grants.kernel.errors import AppError
from grants.kernel.glyphs import all_drawable
from grants.kernel.words import _, force_locale

PAGE = "page.typ"  # what every template imports
Subject = TypeVar("Subject", bound=Keyed)


class PaperError(AppError):
    """An issued paper is no longer what was issued (500)."""


class PaperTemplate(Model):
    """The sources papers are set by, under their digest: a paper is always set by those of its own day."""

    __tablename__ = "paper_template"

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    sources: Mapped[str] = mapped_column(Text)


class IssuedPaper(Keyed, Model):
    """What a paper says, complete and in each of its languages, as it stood when it was issued. Append-only.

    `content` is canonical JSON: by language, `sheet` (all that is printed) and `said` (the same facts, for a page).
    `recomposed` tells a paper that left before papers were kept: its content is of the day it was frozen.
    """

    __tablename__ = "issued_paper"
    __table_args__ = (UniqueConstraint("subject_id", "kind", "edition"),)

    kind: Mapped[str] = mapped_column(String(40))
    subject_id: Mapped[UUID]
    edition: Mapped[int] = mapped_column(SmallInteger)
    dossier_id: Mapped[UUID | None] = mapped_column(index=True)
    content: Mapped[str] = mapped_column(Text)
    digest: Mapped[str] = mapped_column(String(64))
    template: Mapped[str] = mapped_column(ForeignKey("paper_template.digest", ondelete="RESTRICT"))
    issued_at: Mapped[datetime] = mapped_column(index=True)
    recomposed: Mapped[bool] = mapped_column(default=False)


class PaperCopy(Model):
    """The PDF of an issued paper in one language, as the worker set it. Append-only."""

    __tablename__ = "paper_copy"

    paper_id: Mapped[UUID] = mapped_column(ForeignKey("issued_paper.id", ondelete="RESTRICT"), primary_key=True)
    language: Mapped[str] = mapped_column(String(2), primary_key=True)
    content: Mapped[bytes] = mapped_column(LargeBinary)
    sha256: Mapped[str] = mapped_column(String(64))
    composed_at: Mapped[datetime]


# ---- set in type -----------------------------------------------------------------------------------------------------


def render(template: str, data: Mapping[str, Any], **facts: Any) -> bytes:
    """A paper that is not issued, as PDF: `sheet`, set by the templates of today."""
    return draw(sheet(template, data, **facts))


def draw(page: Mapping[str, Any]) -> bytes:
    """A sheet that is not issued (a draft, an extract) as PDF, set by the templates of today."""
    return _set(page, _sources(page["template"]))


def sheet(
    template: str, data: Mapping[str, Any], *, at: datetime, title: str, language: str, notice: str = ""
) -> dict[str, Any]:
    """All that templates/papers/<template>.typ prints, as plain values; the same sheet always gives the same bytes.

    The data are plain (texts already worded in `language`, amounts already written) and reach the page as inert text;
    what the fonts cannot draw is replaced. Optional keys read by the page itself: `reference`, `watermark` (printed
    across each page), and `letterhead` with `body`, `fund`, `lines` (of the service) in place of the settings'.
    `notice` is set apart above everything.
    """
    frame = {**_frame(data, at, title, language), "notice": notice}
    return {
        "template": template,
        "language": language,
        "at": at.astimezone(UTC).isoformat(timespec="seconds"),
        "data": all_drawable({**data, "house": frame}),
    }


def _frame(data: Mapping[str, Any], at: datetime, title: str, language: str) -> dict[str, Any]:
    """What every page says of itself, in the reader's language."""
    fund, body = pages.names()
    with force_locale(language):
        return {
            "body": body,
            "fund": fund,
            "lines": [],
            **data.get("letterhead", {}),
            "title": title,
            "reference": data.get("reference", ""),
            "watermark": data.get("watermark", ""),
            "language": language,
            "date": _("Le %(day)s", day=pages.day(at)),
            "page": _("Page {n} sur {all}"),
        }


def _sources(template: str) -> str:
    """The template and what it imports, as canonical JSON by file name."""
    folder = Path(str(current_app.template_folder)) / "papers"
    names = (f"{template}.typ", PAGE)
    return canonical({name: (folder / name).read_text(encoding="utf-8") for name in names})


def _set(page: Mapping[str, Any], sources: str) -> bytes:
    """The PDF of a sheet. Raises RuntimeError when the template breaks the standards (PDF/A-2a, PDF/UA-1)."""
    # Heavy, and only the worker and a few pages print: a web worker must be able to start without it.
    import typst  # noqa: PLC0415

    files = {name: text.encode() for name, text in json.loads(sources).items()}
    compile_: Any = typst.compile  # its types leave out the form that takes several files
    pdf: bytes = compile_(
        {"main": files.pop(f"{page['template']}.typ"), **files},
        format="pdf",
        ignore_system_fonts=True,
        sys_inputs={"data": json.dumps(page["data"])},
        pdf_standards=["a-2a", "ua-1"],
        timestamp=datetime.fromisoformat(page["at"]),
    )
    return pdf


# ---- issued ----------------------------------------------------------------------------------------------------------


def canonical(value: Any) -> str:
    """JSON that is the same for the same value."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=str)


def sha256(content: str | bytes) -> str:
    """The SHA-256 of a text (in UTF-8) or of bytes, in hexadecimal."""
    return hashlib.sha256(content.encode() if isinstance(content, str) else content).hexdigest()


def issue(
    kind: str, subject: Any, texts: Mapping[str, Mapping[str, Any]], *, by: Actor, recomposed: bool = False
) -> IssuedPaper:
    """Keep what a paper says, in the transaction of the act that issues it, with its line in the journal.

    `texts` gives, by language, `sheet` and `said` (see IssuedPaper). An earlier paper of the same kind about the same
    subject stays, and this is its next edition. The PDF is set afterwards, from this alone.
    """
    content = canonical(texts)
    sources = _sources(next(iter(texts.values()))["sheet"]["template"])
    template = sha256(sources)
    edition = select(func.max(IssuedPaper.edition)).where(
        IssuedPaper.subject_id == subject.id, IssuedPaper.kind == kind
    )
    is_stored = exists().where(PaperTemplate.digest == template)
    known = db.session.execute(select(edition.scalar_subquery().label("edition"), is_stored.label("is_stored"))).one()
    if not known.is_stored:
        _keep_sources(template, sources)
    paper = IssuedPaper(
        kind=kind,
        subject_id=subject.id,
        edition=(known.edition or 0) + 1,
        dossier_id=getattr(subject, "dossier_id", None),
        content=content,
        digest=sha256(content),
        template=template,
        issued_at=clock.now(),
        recomposed=recomposed,
    )
    db.session.add(paper)
    db.session.flush()
    journal.record(
        "paper.issued", paper, by=by, kind=kind, about=str(subject.id), edition=paper.edition, sha256=paper.digest,
        template=paper.template, recomposed=recomposed,
    )  # fmt: skip
    return paper


def _keep_sources(digest: str, sources: str) -> None:
    """Keep the sources of a template, once, whoever else keeps them at the same instant."""
    kind = postgresql if db.session.get_bind().dialect.name == "postgresql" else sqlite
    once = kind.insert(PaperTemplate).values(digest=digest, sources=sources)
    db.session.execute(once.on_conflict_do_nothing(index_elements=["digest"]))


def recomposed_notice() -> str:
    """What a paper says of itself when it left before papers were kept."""
    return _(
        "Recomposé le %(day)s d’après les données de ce jour : l’exemplaire d’origine n’avait pas été conservé.",
        day=pages.day(clock.now()),
    )


def latest(kind: str, subject_id: UUID) -> IssuedPaper | None:
    """The last edition of a paper about a subject, None when none was issued."""
    found = select(IssuedPaper).where(IssuedPaper.subject_id == subject_id, IssuedPaper.kind == kind)
    return db.session.scalar(found.order_by(IssuedPaper.edition.desc()).limit(1))


def never_issued(kind: str, subject: type[Subject], limit: int, *where: ColumnElement[bool]) -> Sequence[Subject]:
    """Subjects about which no paper of a kind was ever issued, among those that satisfy `where`."""
    issued = select(IssuedPaper.id).where(IssuedPaper.subject_id == subject.id, IssuedPaper.kind == kind)
    return db.session.scalars(select(subject).where(~issued.exists(), *where).order_by(subject.id).limit(limit)).all()


def said(paper: IssuedPaper, language: str) -> dict[str, Any]:
    """The facts of a paper for a page, in a language it has, else in its first. Raises PaperError when altered."""
    return dict(_content(paper)[_language_of(paper, language)]["said"])


def given(paper: IssuedPaper, language: str) -> bytes:
    """The PDF of an issued paper: the copy that is kept or, until the worker set it, the same bytes set now.

    In a language the paper has, else in its first. Raises PaperError when the paper or its copy was altered.
    """
    content, language = _content(paper), _language_of(paper, language)
    copy = db.session.get(PaperCopy, (paper.id, language))
    if copy is None:
        return _set(content[language]["sheet"], _sources_of(paper))
    if sha256(copy.content) != copy.sha256:
        raise _altered(paper)
    return copy.content


def _content(paper: IssuedPaper) -> dict[str, Any]:
    if sha256(paper.content) != paper.digest:
        raise _altered(paper)
    return dict(json.loads(paper.content))


def _language_of(paper: IssuedPaper, wanted: str) -> str:
    content = json.loads(paper.content)
    return wanted if wanted in content else str(next(iter(content)))


def _sources_of(paper: IssuedPaper) -> str:
    sources = db.session.get_one(PaperTemplate, paper.template).sources
    if sha256(sources) != paper.template:
        raise _altered(paper)
    return sources


def _altered(paper: IssuedPaper) -> PaperError:
    current_app.logger.error("an issued paper was altered: %s", paper.id)
    return PaperError(_("Ce document a été altéré : il n’est plus remis. L’équipe du fonds en est avertie."))


def set_waiting(limit: int = 10) -> int:
    """Set and keep the PDF of the papers that have none yet, outside any transaction; returns how many. For the worker.

    Each has its line in the journal. Two workers never keep two copies.
    """
    waiting = (
        select(IssuedPaper.id)
        .where(~select(PaperCopy.paper_id).where(PaperCopy.paper_id == IssuedPaper.id).exists())
        .order_by(IssuedPaper.issued_at)
        .limit(limit)
    )
    with unit_of_work() as session:
        ids = session.scalars(waiting).all()
    return sum(keep_copies(paper_id) for paper_id in ids)


def keep_copies(paper_id: UUID) -> bool:
    """Set and keep the PDF of a paper in its languages, outside any transaction; False when they are kept already."""
    with unit_of_work() as session:
        if _has_copies(paper_id):
            return False
        paper = session.get_one(IssuedPaper, paper_id)
        content, sources = _content(paper), _sources_of(paper)
    at = clock.now()
    copies = [
        {"paper_id": paper_id, "language": language, "content": (pdf := _set(text["sheet"], sources)),
         "sha256": sha256(pdf), "composed_at": at}
        for language, text in content.items()
    ]  # fmt: skip
    with unit_of_work() as session:
        paper = session.get_one(IssuedPaper, paper_id, with_for_update=True)
        if _has_copies(paper_id):
            return False
        session.execute(insert(PaperCopy), copies)
        digests = ", ".join(f"{copy['language']} {copy['sha256']}" for copy in copies)
        journal.record("paper.composed", paper, by=system("composition"), sha256=digests)
    return True


def _has_copies(paper_id: UUID) -> bool:
    return db.session.scalar(select(PaperCopy.language).where(PaperCopy.paper_id == paper_id).limit(1)) is not None


def problems() -> Iterator[str]:
    """For `grants verify`: each issued paper, template or copy that is not what its line in the journal says, and each
    line whose paper is gone."""
    issued, composed = _recorded("paper.issued"), _recorded("paper.composed")
    rows = select(IssuedPaper).order_by(IssuedPaper.id).execution_options(yield_per=100)
    for paper in db.session.scalars(rows):
        facts = {"kind": paper.kind, "about": str(paper.subject_id), "edition": paper.edition,
                 "sha256": sha256(paper.content), "template": paper.template,
                 "recomposed": paper.recomposed}  # fmt: skip
        if issued.pop(paper.id, None) != facts or paper.digest != facts["sha256"]:
            yield _("Document %(kind)s %(id)s : il n’est pas celui que le journal annonce.",
                    kind=paper.kind, id=paper.id)  # fmt: skip
    for paper_id in issued:
        yield _("Document %(id)s : le journal l’annonce, il n’est plus conservé.", id=paper_id)
    for template in db.session.scalars(select(PaperTemplate).order_by(PaperTemplate.digest)):
        if sha256(template.sources) != template.digest:
            yield _("Modèle de document %(id)s : son texte n’a plus son empreinte.", id=template.digest[:12])
    yield from _wrong_copies(composed)


def _wrong_copies(issued: dict[UUID, Any]) -> Iterator[str]:
    expected = {
        (paper_id, *pair.split(" ")) for paper_id, facts in issued.items() for pair in facts["sha256"].split(", ")
    }
    for copy in db.session.scalars(select(PaperCopy).order_by(PaperCopy.paper_id).execution_options(yield_per=100)):
        found = (copy.paper_id, copy.language, sha256(copy.content))
        if found not in expected or copy.sha256 != found[2]:
            yield _("Document %(id)s (%(language)s) : le PDF conservé n’est pas celui que le journal annonce.",
                    id=copy.paper_id, language=copy.language)  # fmt: skip
        expected.discard(found)
    for paper_id, language, _digest in sorted(expected, key=str):
        yield _("Document %(id)s (%(language)s) : le journal annonce un PDF qui n’est plus conservé.",
                id=paper_id, language=language)  # fmt: skip


def _recorded(event: str) -> dict[UUID, Any]:
    """What the lines of an event say, by subject."""
    lines = select(journal.Entry.subject_id, journal.Entry.data).where(journal.Entry.event == event)
    return {row.subject_id: journal.facts_in(row.data) for row in db.session.execute(lines)}
