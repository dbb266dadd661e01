"""What applicants do: start a dossier, write it page by page, give its files, submit it once, withdraw it."""

import hmac
import secrets
from collections.abc import Callable, Collection, Container, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, TypeVar, cast
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from sqlalchemy import Table, case, delete, func, insert, or_, select, update

from grants.applications import letters, queries, rules
from grants.applications.lifecycle import LIFECYCLE, ApplicationState
from grants.applications.models import (
    CONTENTS,
    CORRECTED,
    Allocation,
    Answer,
    Application,
    ApplicationAddress,
    ApplicationVersion,
    Approval,
    Attachment,
    BudgetLine,
    Correction,
    Dimension,
    Extension,
    FieldState,
    PaperDossier,
    PartRow,
    PastValue,
    Signature,
    Writer,
    model_of,
)
from grants.applications.parts import PARTS, asked_items, not_asked
from grants.applications.parts.budget import LINES, is_account_asked, totals
from grants.applications.parts.fields import (
    Amount,
    Cells,
    CodeValue,
    Content,
    Field,
    Json,
    JsonObject,
    OfferedChoice,
    PerCode,
    Picks,
    RowTable,
    Scalar,
    Shares,
)
from grants.applications.parts.part import MADE_ANEW, AskedField, DossierPart, Part
from grants.applications.parts.questions import QUESTIONS, is_empty
from grants.applications.parts.vocabulary import FundingStatus
from grants.applications.rules import FieldContent, FieldData, PageData, Path, Typed, codes_in, rows_in
from grants.calls import queries as calls
from grants.calls import rules as call_rules
from grants.calls.lifecycle import CallState
from grants.calls.models import ApprovalRule, Call, Piece, Question, QuestionKind
from grants.calls.rules import WithGrace
from grants.documents import queries as documents
from grants.kernel import clock, journal, uploads
from grants.kernel.actor import Actor
from grants.kernel.db import db, get_held, insert_or, next_number
from grants.kernel.errors import ConflictError, InvalidError, MissingError, RefusedError, ThrottledError
from grants.kernel.money import Money
from grants.kernel.pages import day, instant, money
from grants.kernel.uploads import Given, StoredFile
from grants.kernel.versions import refuse_changed
from grants.kernel.words import LazyString, _, _l, in_words_of, n_
from grants.people import queries as people
from grants.people.models import Organisation
from grants.programme import queries as programme
from grants.programme.models import BudgetAccount

SITTING = timedelta(minutes=30)  # how long the saves of one page by one person are one line of the journal
AT_ONCE = timedelta(seconds=5)  # a submission older than this came before its author could be known
MOST_FILES_PER_PIECE = 5
WRITERS_REMEMBERED = timedelta(days=60)
LONGEST_EXTENSION = timedelta(days=60)  # after the closing of the call, or from now once it is over
MOST_IN_A_MINUTE = 120  # requests of one open page
APPROVAL_LASTS = timedelta(days=14)
MOST_APPROVALS_ASKED = 10  # links a day, for all the dossiers of an organisation
CODE_LASTS = timedelta(minutes=20)
CODE_DIGITS = 8
LONGEST_WORD = 1000
RowT = TypeVar("RowT", bound=PartRow)


@dataclass(frozen=True)
class AnswerFiles:
    """The files that a page of questions brings, by question, and the question whose file is taken out."""

    given: Mapping[str, Given]
    dropped: str = ""


NO_FILES = AnswerFiles({})
NO_CELLS: Cells = {}
NOT_ASKED = _l(
    "Ce n’est plus demandé pour le type de soutien choisi : ce que vous venez d’écrire n’est pas enregistré."
)

# ---- start ---------------------------------------------------------------------------------------------------------


def start(call: Call, organisation_id: UUID, *, by: Actor) -> Application:
    """Begin a draft for an organisation the person acts for.

    Raises InvalidError for an organisation that is not theirs or that already has an application to this call, and
    RefusedError when the call does not take applications now.
    """
    at = clock.now()
    if not call_rules.is_open(call, at):
        raise RefusedError(_("Cet appel n’est pas ouvert : on ne peut pas y commencer de dossier."))
    if organisation_id not in by.organisations:
        raise InvalidError(_("Choisissez une organisation dont vous êtes membre."), field="organisation")
    # Locked, so that two people of one organisation who press at the same time do not begin two dossiers.
    db.session.get_one(Organisation, organisation_id, with_for_update=True)
    if queries.current(call.id, organisation_id) is not None:
        raise InvalidError(_("Cette organisation a déjà un dossier pour cet appel."), field="organisation")
    application = Application(
        call_id=call.id,
        organisation_id=organisation_id,
        author_id=by.id,
        state=ApplicationState.DRAFT,
        created_at=at,
        touched_at=at,
    )
    db.session.add(application)
    db.session.flush()
    journal.record("application.started", application, by=by, call=call.code)
    return application


# ---- enter from paper ----------------------------------------------------------------------------------------------


def begin_paper(
    call: Call, organisation: Organisation, days: rules.PaperDays, scan: Given | None, *, by: Actor
) -> Application:
    """Begin to enter a dossier that came on paper, for its organisation; one that somebody enters is given back.

    A draft that the organisation has beside stays its own. Raises RefusedError when the call takes no dossier any more
    or the organisation submitted one, InvalidError on the day at fault, or on `scan` without a file.
    """
    db.session.get_one(Organisation, organisation.id, with_for_update=True)
    begun = queries.entered_of(call.id, organisation.id)
    if begun is not None:
        return begun
    reason = queries.why_not_entered(call)
    if reason is not None:
        raise RefusedError(str(reason))
    if queries.submitted_of(call.id, organisation.id) is not None:
        raise RefusedError(_("Cette organisation a déjà un dossier déposé pour cet appel, en ligne ou sur papier."))
    at = clock.now()
    application = Application(
        id=uuid4(), call_id=call.id, organisation_id=organisation.id, author_id=by.id,
        state=ApplicationState.DRAFT, created_at=at, touched_at=at, on_paper_since=at, call=call,
    )  # fmt: skip
    _check_days(application, days)
    if scan is None:
        raise InvalidError(_("Joignez le dossier papier numérisé, tel qu’il a été reçu."), field="scan")
    db.session.add(application)
    db.session.flush()
    application.paper = PaperDossier(
        received_on=days.received_on, postmarked_on=days.postmarked_on, scan_id=_scanned(application, scan, by).id,
        entered_by=_person(by),
    )  # fmt: skip
    db.session.flush()
    journal.record("application.paper_begun", application, by=by, call=call.code, **_days_told(days))
    return application


def change_paper(
    application: Application, days: rules.PaperDays, scan: Given | None, *, version: int | None, by: Actor
) -> None:
    """Correct the days of a dossier that is being entered from paper, or its scan. `version` is the application's when
    the page was shown. Raises InvalidError and RefusedError as `begin_paper`, ConflictError on a stale page."""
    _lock_draft(application)
    paper = _paper_of(application)
    refuse_changed(application.version, version)
    _check_days(application, days)
    paper.received_on, paper.postmarked_on = days.received_on, days.postmarked_on
    replaced: dict[str, str] = {}
    if scan is not None:
        before, paper.scan_id = paper.scan_id, _scanned(application, scan, by).id
        db.session.flush()
        _remove(application, before, by=by)
        db.session.expire(paper, ["scan"])
        replaced["file"] = str(paper.scan_id)
    application.touched_at = clock.now()
    journal.record("application.paper_changed", application, by=by, **_days_told(days), **replaced)


def begin_paper_correction(application: Application, *, by: Actor) -> Application:
    """The draft in which the fund corrects what it entered of a dossier on paper, also after the closing of the call.

    Raises RefusedError once anybody began to decide on the dossier, or its organisation corrected or corrects it.
    """
    queries.lock(application)
    begun = queries.correction_of(application)
    if begun is not None and begun.is_on_paper:
        return begun
    reason = why_not_paper_corrected(application)
    if reason is not None:
        raise RefusedError(str(reason))
    paper = _paper_of(application)
    draft = _copied(application, by=by)
    draft.on_paper_since = clock.now()
    draft.paper = PaperDossier(
        received_on=paper.received_on, postmarked_on=paper.postmarked_on, scan_id=paper.scan_id, entered_by=_person(by)
    )
    db.session.flush()
    journal.record("application.correction_begun", draft, by=by, on_paper=True)
    return draft


def why_not_paper_corrected(application: Application) -> LazyString | None:
    """Why the fund cannot correct what it entered of a dossier from paper; None when it can."""
    if not application.is_on_paper or "paper" not in queries.content_of(application.id):
        return _l("La version qui compte a été déposée par l’organisation : elle seule la corrige.")
    begun = queries.correction_of(application)
    if begun is not None and not begun.is_on_paper:
        return _l("L’organisation corrige elle-même ce dossier.")
    return queries.why_not_entered(application.call) or _why_examined(application)


def _paper_of(application: Application) -> PaperDossier:
    if application.paper is None:
        raise RefusedError(_("Ce dossier n’a pas été reçu sur papier."))
    return application.paper


def _check_days(application: Application, days: rules.PaperDays) -> None:
    reason = queries.why_not_on_paper(application, days)
    if reason is not None:
        raise InvalidError(str(reason[1]), field=reason[0] or None)


def _scanned(application: Application, scan: Given, by: Actor) -> StoredFile:
    stored = uploads.accept(
        scan, by=by, organisation_id=application.organisation_id, dossier_id=application.id, field="scan"
    )
    db.session.flush()
    return stored


def _days_told(days: rules.PaperDays) -> dict[str, str]:
    found = {"received_on": days.received_on, "postmarked_on": days.postmarked_on}
    return {name: each.isoformat() for name, each in found.items() if each is not None}


def _person(by: Actor) -> UUID:
    if by.id is None:
        raise ValueError("a dossier is entered by a person")
    return by.id


# ---- write ---------------------------------------------------------------------------------------------------------


def save_section(
    application: Application,
    section: str,
    values: PageData,
    *,
    by: Actor,
    stamp: str | None = None,
    writer: UUID | None = None,
    wrong: Mapping[Path, Typed] | None = None,
    uploads: Mapping[str, Given] | None = None,
    dropped: str = "",
) -> None:
    """Keep what a page says, complete or not. `values` have the shape of `queries.section_values`; a field that they do
    not name is left as it is. `wrong` is what was typed in fields and cannot be taken: it stays beside their values.
    `uploads` are the files that answer questions, `dropped` the question whose file is taken out.

    `stamp` holds the versions of the fields as the page showed them: what was not touched there keeps what somebody
    else made of it meanwhile, and what the page itself (`writer`) saved while it was typed is its own. When both
    changed one field, ConflictError carries what is stored (`facts["theirs"]`) and nothing is written. None writes
    whatever stands there.
    Raises RefusedError once submitted, ConflictError for a page that is not asked of this application, InvalidError for
    values that name nothing known.
    """
    _lock_draft(application)
    _refuse_not_asked(application, section)
    before = queries.section_values(application, section)
    fields = rules.identified({name: values[name] for name in before if name in values})
    stored = rules.contents_of(before, queries.wrong_in(application, section))
    # A page names every code and line of its fields; a question or a statement that it does not name stays.
    removed = {path: rules.NOTHING for path in stored if path[0] in fields.keys() - {"answers"}}
    typed = {**removed, **rules.contents_of(fields, wrong or {})}
    typed = {path: one for path, one in typed.items() if queries.is_asked(application, section, path)}
    shown = rules.versions_in(stamp or "") | _own_versions(application, section, stored, writer)
    found, conflicts = (typed, []) if stamp is None else rules.merged(stored, typed, shown)
    if conflicts:
        raise ConflictError(_("Quelqu’un a modifié cette page pendant que vous écriviez."), theirs=before)
    changed = _changed(stored, found)
    if changed or uploads or dropped or stamp is None:
        _save(application, section, before, changed, by=by, files=AnswerFiles(uploads or {}, dropped))


def _refuse_not_asked(application: Application, section: str) -> None:
    if section not in queries.section_codes(application):
        raise ConflictError(str(NOT_ASKED))


def _own_versions(application: Application, section: str, stored: rules.Fields, writer: UUID | None) -> dict[Path, str]:
    """The versions of the fields that were last changed from one open page."""
    changes = queries.changes_in(application, section).items() if writer is not None else ()
    return {path: stored[path].version for path, change in changes if change.writer == writer and path in stored}


def save_fields(
    application: Application,
    section: str,
    typed: rules.Fields,
    shown: Mapping[Path, str],
    *,
    by: Actor,
    writer: UUID | None = None,
    is_recorded: bool = False,
) -> tuple[list[Path], dict[Path, FieldContent]]:
    """Keep some fields of a page, and give those that somebody else changed meanwhile: they stay as they are stored.

    `shown` are the versions in which the fields were shown, `writer` the open page where they are typed, `is_recorded`
    whether the journal has the line of this sitting. Also gives what all fields of the page then hold.
    Raises RefusedError, ConflictError and InvalidError as `save_section`.
    """
    _lock_draft(application)
    _refuse_not_asked(application, section)
    typed = {path: one for path, one in typed.items() if queries.is_asked(application, section, path)}
    before = queries.section_values(application, section)
    stored = rules.contents_of(before, queries.wrong_in(application, section))
    found, conflicts = rules.merged(stored, typed, shown)
    changed = _changed(stored, found)
    if changed:
        _save(application, section, before, changed, by=by, writer=writer, is_recorded=is_recorded)
    left = {path: one for path, one in {**stored, **found}.items() if one != rules.NOTHING}
    return conflicts, left


def take_up(
    application: Application, earlier: Application, chosen: Collection[str], *, with_amounts: bool, by: Actor
) -> tuple[int, int]:
    """Take the chosen answers of an earlier dossier into a draft of the same organisation, as if they were typed.

    `chosen` names answers and what they replace (`EarlierAnswer.name`): one whose field was changed meanwhile is left.
    Lines of the budget come without their amounts unless `with_amounts`. Returns how many answers were taken and how
    many were left. Raises RefusedError once submitted or for a dossier of another organisation.
    """
    _lock_draft(application)
    if application.is_on_paper:
        raise RefusedError(_("Un dossier papier dit ce que dit le papier, et rien d’un autre dossier."))
    if earlier.organisation_id != application.organisation_id:
        raise RefusedError(_("Ce dossier est celui d’une autre organisation."))
    taken = [answer for answer in queries.answers_from(application, earlier) if answer.name in chosen]
    for section in dict.fromkeys(answer.section for answer in taken):
        # The kind of support comes first: what it does not ask is left.
        taken = [one for one in taken if one.section != section or queries.is_asked(application, section, one.path)]
        here = [answer for answer in taken if answer.section == section]
        if not here:
            continue
        before = queries.section_values(application, section)
        held = rules.fields_in(before)
        fresh = {one.path: FieldContent(one.value if with_amounts else _without_amount(one, held)) for one in here}
        _save(application, section, before, fresh, by=by, is_recorded=True)
    if taken:
        journal.record("application.taken_up", application, by=by, source=earlier.id, answers=len(taken))
    return len(taken), len(set(chosen)) - len(taken)


def _without_amount(answer: queries.EarlierAnswer, held: Mapping[Path, FieldData]) -> FieldData:
    """What an answer says, a line of the budget with the amount that the draft has for it."""
    if answer.path[0] != LINES.name:
        return answer.value
    mine = cast(Cells | None, held.get(answer.path))
    return {**cast(Cells, answer.value), "amount": mine["amount"] if mine else Money(0)}


def receive(application: Application, section: str, writer: UUID, last: int, *, by: Actor) -> tuple[int, bool]:
    """Note that an open page was heard of, and that its saves up to number `last` were received.

    Gives the number up to which they were received before, and whether the journal has the line of this sitting:
    its first save leaves it. Raises ThrottledError for more than MOST_IN_A_MINUTE.
    """
    now = clock.now()
    first = {"application_id": application.id, "id": writer, "account_id": by.id, "section": section, "seen_at": now,
             "received": last, "previous": 0, "minute_at": now, "in_minute": 1,
             "recorded_at": now if last else None}  # fmt: skip
    is_over = Writer.minute_at < now - timedelta(minutes=1)
    again: dict[str, object] = {
        "seen_at": now,
        "previous": Writer.received,
        "received": case((Writer.received < last, last), else_=Writer.received),
        "minute_at": case((is_over, now), else_=Writer.minute_at),
        "in_minute": case((is_over, 1), else_=Writer.in_minute + 1),
    }
    if last:
        again["recorded_at"] = case((Writer.recorded_at > now - SITTING, Writer.recorded_at), else_=now)
    row = db.session.execute(
        insert_or(Writer)
        .values(first)
        .on_conflict_do_update(index_elements=["application_id", "id"], set_=again, where=Writer.account_id == by.id)
        .returning(Writer.previous, Writer.in_minute, Writer.recorded_at)
    ).one_or_none()
    if row is None:
        raise MissingError  # the page of somebody else
    previous, in_minute, recorded_at = row
    if in_minute > MOST_IN_A_MINUTE:
        raise ThrottledError(_("Trop d’enregistrements à la fois. Ils repartiront dans une minute."), retry_after=60)
    return previous, recorded_at is not None and recorded_at < now


def forget_writers() -> int:
    """Forget the pages that were closed long ago; returns how many. For the worker."""
    gone = delete(Writer).where(Writer.seen_at < clock.now() - WRITERS_REMEMBERED).returning(Writer.id)
    return len(db.session.scalars(gone).all())


def _changed(stored: rules.Fields, found: rules.Fields) -> dict[Path, FieldContent]:
    nothing = rules.NOTHING
    return {path: one for path, one in found.items() if one.version != stored.get(path, nothing).version}


def _save(
    application: Application,
    section: str,
    before: PageData,
    changed: rules.Fields,
    *,
    by: Actor,
    writer: UUID | None = None,
    is_recorded: bool = False,
    keeps_all: bool = False,
    files: AnswerFiles = NO_FILES,
) -> None:
    values = rules.with_fields(before, {path: one.value for path, one in changed.items()})
    changes = queries.changes_in(application, section)
    if section not in MADE_ANEW:
        stored = rules.contents_of(before, queries.wrong_in(application, section))
        past = _worth_keeping(stored, changed, changes, by, keeps_all=keeps_all)
        _keep_past(application, section, past, changes, by)
        changes = {path: change for path, change in changes.items() if path not in past}
    _keep_changes(application, section, {path: one.wrong for path, one in changed.items()}, changes, by, writer)
    with db.session.no_autoflush:
        if section.startswith(QUESTIONS):
            _save_answers(application, section, codes_in(values, "answers"), files, by=by)
        else:
            _save_part(application, section, values, {path[0] for path in changed}, by)
    application.touched_at = clock.now()
    if not is_recorded:
        _record_sitting(application, section, by=by)
    db.session.flush()


def _keep_changes(
    application: Application,
    section: str,
    wrong: Mapping[Path, Typed | None],
    changes: Mapping[Path, queries.Change],
    by: Actor,
    writer: UUID | None,
) -> None:
    """Note who changed fields of a page and when, each with what is typed there that cannot be taken, if anything.

    `changes` are the last ones of fields whose past value is not kept by this change.
    """
    if not wrong:
        return
    now = clock.now()
    common = {"application_id": application.id, "section": section, "saved_by": by.id, "saved_at": now,
              "writer": writer}  # fmt: skip
    begun = {path: change.began_at for path, change in changes.items() if change.by == by.id}
    rows = [
        {**common, "path": rules.name_of_path(path), "wrong": typed, "began_at": begun.get(path) or now}
        for path, typed in wrong.items()
    ]
    adding = insert_or(FieldState).values(rows)
    new = {name: adding.excluded[name] for name in ("saved_by", "saved_at", "writer", "wrong", "began_at")}
    keys = ["application_id", "section", "path"]
    db.session.execute(adding.on_conflict_do_update(index_elements=keys, set_=new))


def _worth_keeping(
    stored: rules.Fields, changed: rules.Fields, changes: Mapping[Path, queries.Change], by: Actor, *, keeps_all: bool
) -> dict[Path, FieldContent]:
    """What the fields that change held, of those whose past value is kept: all that say something if `keeps_all`."""
    now = clock.now()
    past: dict[Path, FieldContent] = {}
    for path in changed.keys() & stored.keys():
        change = changes.get(path)
        is_own = change is not None and change.by == by.id and not keeps_all
        began_at = change.began_at if change is not None else None
        if rules.is_worth_keeping(stored[path], changed[path], is_own=is_own, began_at=began_at, now=now):
            past[path] = stored[path]
    return past


def _keep_past(
    application: Application, section: str, past: rules.Fields, changes: Mapping[Path, queries.Change], by: Actor
) -> None:
    """Keep what fields held before this change: the last `rules.MOST_KEPT` values of each, and those of the page up to
    `rules.MOST_KEPT_OF_A_PAGE`, since a line that is typed again is another field."""
    if not past:
        return
    common = {"application_id": application.id, "section": section, "replaced_by": by.id, "replaced_at": clock.now()}
    rows = [
        {**common, "id": uuid4(), "path": rules.name_of_path(path), "value": rules.plain_of(content.value),
         "wrong": content.wrong, "written_by": changes[path].by if path in changes else None,
         "written_at": changes[path].at if path in changes else None}
        for path, content in past.items()
    ]  # fmt: skip
    db.session.execute(insert(PastValue), rows)
    left = min(rules.MOST_KEPT, rules.MOST_KEPT_OF_A_PAGE) - len(past)
    if all(change.past_values <= left for change in changes.values()):
        return
    newest = PastValue.replaced_at.desc(), PastValue.id.desc()
    of_field = func.row_number().over(partition_by=PastValue.path, order_by=newest).label("of_field")
    of_page = func.row_number().over(order_by=newest).label("of_page")
    here = PastValue.application_id == application.id, PastValue.section == section
    ranked = select(PastValue.id, of_field, of_page).where(*here).subquery()
    is_too_old = or_(ranked.c.of_field > rules.MOST_KEPT, ranked.c.of_page > rules.MOST_KEPT_OF_A_PAGE)
    too_many = PastValue.id.in_(select(ranked.c.id).where(is_too_old))
    db.session.execute(delete(PastValue).where(too_many).execution_options(synchronize_session=False))


def restore(
    application: Application, section: str, content: FieldContent, path: Path, shown: str, *, by: Actor
) -> bool:
    """Put back what a field of a draft held; what it holds now is kept. False when it holds another thing than the
    version `shown`: nothing is written.

    Raises RefusedError once submitted, InvalidError for a value that the page does not take any more.
    """
    _lock_draft(application)
    before = queries.section_values(application, section)
    stored = rules.contents_of(before, queries.wrong_in(application, section))
    present = stored.get(path, rules.NOTHING)
    if present.version != shown:
        return False
    if content.version != present.version:
        _save(application, section, before, {path: content}, by=by, is_recorded=True, keeps_all=True)
        journal.record("application.restored", application, by=by, section=section)
    return True


def forget_past_values() -> int:
    """Forget what fields held in dossiers that are drafts no more; returns how many. For the worker."""
    drafts = select(Application.id).where(Application.state == ApplicationState.DRAFT)
    gone = delete(PastValue).where(PastValue.application_id.not_in(drafts)).returning(PastValue.id)
    return len(db.session.scalars(gone).all())


def _record_sitting(application: Application, section: str, *, by: Actor) -> None:
    """Leave one line for a page on which a person works, whoever works beside: a page may be saved every second."""
    since = clock.now() - SITTING
    lines = journal.facts_since("application.save", application.id, by.id, since=since)
    if section not in {str(facts["section"]) for facts in lines}:
        journal.advance(LIFECYCLE, application, "save", by=by, section=section)


def _lock_draft(application: Application) -> None:
    queries.lock(application)
    if application.state is not ApplicationState.DRAFT:
        raise RefusedError(_("Ce dossier n’est plus un brouillon : il ne se modifie plus."))


def _save_part(application: Application, code: str, values: PageData, changed: set[str], by: Actor) -> None:
    """Keep what a page says in the columns and rows its part declares, of the fields that changed."""
    if code in _SAVERS:
        _SAVERS[code](application, values, by)
        return
    part = queries.parts_of(application)[code]
    _refuse(part, values)
    before = {field.name: getattr(application, field.attribute) for field in part.columns}
    for field in part.fields:
        if field.name in changed:
            _keep(application, field, values[field.name], _blanks(code, field))
    if code == Part.PROJECT:
        _follow_project(application, before)


def _blanks(code: str, field: AskedField) -> Cells:
    """What a new row of a table holds in all its columns, those that are not asked included."""
    whole = next(one for one in PARTS[code].fields if one.name == field.name)
    return whole.blanks() if isinstance(whole, RowTable) else {}


def _keep(application: Application, field: AskedField, value: object, blank: Cells = NO_CELLS) -> None:
    """Put a value where its field is stored: codes and columns that are not asked stay as they are, or `blank`.

    Raises InvalidError for a choice that is not offered.
    """
    match field:
        case OfferedChoice():
            setattr(application, field.attribute, _offered(application, field, cast(str | None, value)))
        case Field():
            setattr(application, field.attribute, field.keep(cast(Scalar, value)))
        case RowTable():
            wanted = [(UUID(str(row["id"])), field.keep(row)) for row in cast(list[Cells], value)]
            _keep_rows(_rows_of(application, field), wanted, model_of(field), blank)
        case PerCode():
            said = field.keep(cast(dict[str, CodeValue], value))
            _keep_by(_rows_of(application, field), field.code.name, said, model_of(field), field.code.labels)
        case Shares():
            given = cast(dict[str, int | None], value)
            offers = queries.offers_of(application, field.name)
            shares = {offer.row.id: {"percent": given[offer.key]} for offer in offers if given.get(offer.key)}
            _keep_by(_rows_of(application, field), field.key, shares, model_of(field))
        case Picks():
            chosen = set(cast(list[str], value))
            rows = [offer.row for offer in queries.offers_of(application, field.name) if offer.key in chosen]
            if field.lists and len(rows) > len(field.lists):
                raise InvalidError(str(field.too_many), field=field.name)
            setattr(application, field.attribute, rows)


def _rows_of(application: Application, field: RowTable | PerCode | Shares) -> list[PartRow]:
    rows: list[PartRow] = getattr(application, field.attribute)
    return rows


def _offered(application: Application, field: OfferedChoice, key: str | None) -> UUID | None:
    if not key:
        return None
    if key not in {offer.key for offer in queries.offers_of(application, field.name)}:
        raise InvalidError(_("Ce choix n’est pas proposé."), field=field.name)
    return UUID(key)


def _refuse(part: DossierPart, values: PageData) -> None:
    """Raise InvalidError for values that no page of the part gives."""
    for rule in part.in_order:
        if rule.is_broken(cast(Cells, values)):
            raise InvalidError(str(rule.message), field=rule.second)
    for field in part.columns:
        value = values.get(field.name)
        if isinstance(field, Amount) and field.positive is not None and value is not None and not value:
            raise InvalidError(str(field.positive), field=field.name)


def _follow_project(application: Application, before: PageData) -> None:
    """What is written elsewhere from the project: the line of the request, and the words of some statements."""
    changed = {"title"} if application.title != before["title"] else set()
    if application.requested != before["requested"]:
        changed.add("amount")
        _set_request_line(application)
    _unsign(application, changed)


def _unsign(application: Application, changed: set[str]) -> None:
    """A statement whose words changed (amount, title) was not made: it is to be made again."""
    if not changed:
        return
    statements = calls.statements_of(application.call_id)
    stale = [one.id for one in statements if any(f"{{{word}}}" in one.text for word in changed)]
    if stale:
        made = Signature.application_id == application.id, Signature.statement_id.in_(stale)
        db.session.execute(delete(Signature).where(*made))
        db.session.expire(application, ["signatures"])


def _set_request_line(application: Application) -> None:
    """The line of account 74 that is this request always carries the amount requested."""
    line = next((line for line in application.budget_lines if line.is_request), None)
    if application.requested is None:
        if line is not None:
            application.budget_lines.remove(line)
    else:
        if line is None:
            line = BudgetLine(side="resource", account="74", is_request=True, position=0)
            application.budget_lines.append(line)
        line.label = application.call.fund.body_name
        line.funding_status = FundingStatus.REQUESTED
        line.amount = application.requested
    _set_total(application)


def _set_total(application: Application) -> None:
    found = totals((line.side, line.account, line.amount) for line in application.budget_lines)
    application.total = found.charges or None


def _keep_by(
    rows: list[PartRow], column: str, wanted: Mapping[Any, Mapping[str, object]], kind: type[PartRow],
    asked: Container[str] | None = None,
) -> None:  # fmt: skip
    """Make a list hold one row per wanted key, changed in place: a unique key is never deleted and added again.

    `asked` are the keys of the rows that may go; None: all.
    """
    for row in list(rows):
        key: object = getattr(row, column)
        facts = wanted.get(key)
        if facts is None and (asked is None or key in asked):
            rows.remove(row)
        elif facts is not None:
            for name, value in facts.items():
                setattr(row, name, value)
    known = {getattr(row, column) for row in rows}
    rows.extend(kind(**{column: key}, **facts) for key, facts in wanted.items() if key not in known)
    order = {key: position for position, key in enumerate(wanted)}
    for row in rows:
        row.position = order.get(getattr(row, column), len(order))


def _keep_rows(
    rows: list[RowT], wanted: Sequence[tuple[UUID, Mapping[str, object]]], kind: type[RowT], blank: Cells = NO_CELLS
) -> None:
    """Make a list say what a table says, row by row in order; a new row keeps its id unless it is that of another."""
    known = {row.id: row for row in rows}
    new = [key for key, _facts in wanted if key not in known]
    taken = set(db.session.scalars(select(kind.id).where(kind.id.in_(new)))) if new else set()
    found = []
    for position, (key, facts) in enumerate(wanted):
        row = known.pop(key, None) or kind(id=uuid4() if key in taken else key, **blank)  # type: ignore[call-arg]
        taken.add(key)
        for name, value in facts.items():
            setattr(row, name, value)
        row.position = position
        found.append(row)
    rows[:] = found


def _save_budget(application: Application, values: PageData, by: Actor) -> None:
    accounts: dict[str, BudgetAccount] = {row.code: row for row in programme.budget_accounts()}
    asked, wanted = queries.asked_of(application), []
    for line in rows_in(values, LINES.name):
        account = accounts.get(str(line["account"]))
        if account is None or account.header:
            raise InvalidError(
                _("Ce compte n’existe pas : %(account)s.", account=str(line["account"])), field=LINES.name
            )
        if not is_account_asked(asked, account.code):
            title = in_words_of(account, "title")
            raise InvalidError(
                _("Le compte %(code)s (%(title)s) n’est pas demandé pour le type de soutien choisi : %(amount)s n’est "
                  "pas enregistré.", code=account.code, title=title, amount=money(cast(Money | None, line["amount"]))),
                field=LINES.name,
            )  # fmt: skip
        status = FundingStatus(str(line["status"])) if account.by_funder and line["status"] else None
        wanted.append((UUID(str(line["id"])), {**LINES.keep(line), "side": account.side, "funding_status": status}))
    request = [line for line in application.budget_lines if line.is_request]
    lines = [line for line in application.budget_lines if not line.is_request]
    hidden = [line for line in lines if not is_account_asked(asked, line.account)]
    lines = [line for line in lines if line not in hidden]
    _keep_rows(lines, wanted, BudgetLine)
    for row in request:
        row.position = -1
    for row in hidden:
        row.position = len(lines)
    application.budget_lines = request + lines + hidden
    _set_request_line(application)


def _save_answers(
    application: Application, section: str, answers: Mapping[str, FieldData], files: AnswerFiles, *, by: Actor
) -> None:
    asked = {str(question.id): question for question in queries.questions_on(application, section)}
    given = {row.question_id: row for row in application.answers}
    for key, value in answers.items():
        question = asked.get(key)
        if question is not None and question.kind is not QuestionKind.FILE:
            _set_answer(application, question, given.get(question.id), cast(Json, value))
    file = asked.get(files.dropped)
    if file is not None and file.kind is QuestionKind.FILE and file.id in given:
        _drop_file(application, given.pop(file.id), by=by)
    for key, upload in files.given.items():
        question = asked.get(key)
        if question is not None and question.kind is QuestionKind.FILE:
            _set_file(application, question, given.get(question.id), upload, by=by)


def _set_answer(application: Application, question: Question, row: Answer | None, value: Json) -> None:
    if is_empty(value):
        if row is not None:
            application.answers.remove(row)
    elif row is None:
        application.answers.append(Answer(question_id=question.id, value=value))
    else:
        row.value = value


def _set_file(application: Application, question: Question, row: Answer | None, upload: Given, *, by: Actor) -> None:
    """The file that answers a question; the one before it is forgotten."""
    stored = uploads.accept(
        upload,
        by=by,
        organisation_id=application.organisation_id,
        dossier_id=application.id,
        field=f"q_{question.id}",
    )
    db.session.flush()
    if row is None:
        row = Answer(question_id=question.id)
        application.answers.append(row)
    before, row.file_id, row.value = row.file_id, stored.id, str(stored.id)
    db.session.flush()
    _remove(application, before, by=by)


def _drop_file(application: Application, row: Answer, *, by: Actor) -> None:
    application.answers.remove(row)
    db.session.flush()
    _remove(application, row.file_id, by=by)


def _remove(application: Application, file_id: UUID | None, *, by: Actor) -> None:
    """A file of a draft that nothing names any more; one that a submitted version names stays."""
    stored = db.session.get(StoredFile, file_id) if file_id is not None else None
    if stored is not None and stored.dossier_id == application.id:
        uploads.remove(stored, by=by)


def _save_statements(application: Application, values: PageData, by: Actor) -> None:
    at = clock.now()
    known = {str(row.id): row for row in calls.statements_of(application.call_id)}
    said = cast(Mapping[str, str | None], values["choices"])
    wanted = {key: choice for key, choice in said.items() if choice is not None and key in known}
    for row in list(application.signatures):
        if str(row.statement_id) not in wanted:
            application.signatures.remove(row)
    made = {str(row.statement_id): row for row in application.signatures}
    for key, choice in wanted.items():
        signature = made.get(key)
        if signature is not None and signature.choice == choice:
            continue
        if signature is None:
            signature = Signature(statement_id=known[key].id)
            application.signatures.append(signature)
        signature.choice, signature.signed_at = choice, at
        if by.id is not None:
            signature.signed_by = by.id


_SAVERS: dict[str, Callable[[Application, PageData, Actor], None]] = {
    Part.BUDGET: _save_budget,
    Part.STATEMENTS: _save_statements,
}

# ---- files ---------------------------------------------------------------------------------------------------------


def add_file(
    application: Application, piece: Piece, upload: Given, *, by: Actor, document_id: UUID | None = None
) -> Attachment:
    """Keep a file for a piece, perhaps that of a document of the organisation.

    Raises InvalidError on the field `piece_<id>` when it cannot be taken.
    """
    _lock_draft(application)
    field = f"piece_{piece.id}"
    if piece.call_id != application.call_id:
        raise InvalidError(_("Cette pièce n’est pas demandée par cet appel."), field=field)
    held = db.session.scalars(
        select(Attachment.id).where(Attachment.application_id == application.id, Attachment.piece_id == piece.id)
    ).all()
    if len(held) >= MOST_FILES_PER_PIECE:
        message = _(
            "Il y a déjà %(most)s fichiers pour cette pièce : retirez-en un d’abord.", most=MOST_FILES_PER_PIECE
        )
        raise InvalidError(message, field=field)
    stored = uploads.accept(
        upload, by=by, organisation_id=application.organisation_id, dossier_id=application.id, field=field
    )
    db.session.flush()
    attachment = Attachment(
        application_id=application.id, piece_id=piece.id, file_id=stored.id, given_at=stored.given_at
    )
    db.session.add(attachment)
    application.touched_at = clock.now()
    source = {"document": document_id} if document_id is not None else {}
    journal.advance(LIFECYCLE, application, "save", by=by, section=str(Part.PIECES), piece=piece.code, **source)
    db.session.flush()
    return attachment


def join_document(application: Application, piece: Piece, document_id: UUID | None, *, by: Actor) -> Attachment:
    """Keep a document of the organisation for a piece: its bytes as they are now, whatever becomes of it there.

    Raises InvalidError on the field `piece_<id>` as `add_file`, for a document that is not offered for this piece, and
    for one that is joined already.
    """
    field = f"piece_{piece.id}"
    document = documents.offered_one(application.organisation_id, piece, document_id)
    # Who enters a dossier from paper does not read the documents of its organisation.
    if document is None or application.is_on_paper:
        raise InvalidError(_("Ce document n’est pas proposé pour cette pièce."), field=field)
    joined = queries.attachments_of(application.id).get(piece.id, [])
    if document.file.sha256 in {row.file.sha256 for row in joined}:
        raise InvalidError(_("Ce document est déjà joint."), field=field)
    return add_file(application, piece, uploads.again(document.file), by=by, document_id=document.id)


def remove_file(application: Application, attachment: Attachment, *, by: Actor) -> None:
    """Take a file out of a draft."""
    _lock_draft(application)
    file_id = attachment.file_id
    db.session.delete(attachment)
    db.session.flush()
    db.session.expire(application, ["attachments"])
    _remove(application, file_id, by=by)
    application.touched_at = clock.now()
    journal.record("application.file_removed", application, by=by, file=str(file_id))


# ---- the approval of the legal representative ----------------------------------------------------------------------


def ask_approval(application: Application, *, by: Actor) -> Approval:
    """Write to the legal representative of the organisation, with the link that approves the draft; the link that was
    sent before ends.

    Raises RefusedError where the call asks for no approval, where the draft is not complete or cannot be submitted any
    more, and InvalidError without an address to write to.
    """
    _lock_draft(application)
    if application.is_on_paper or application.call.approval is ApprovalRule.NONE:
        raise RefusedError(_("Cet appel ne demande pas l’accord du représentant légal."))
    if not queries.window_of(application).is_open:
        raise RefusedError(_("Ce dossier ne peut plus être déposé : son accord ne se demande plus."))
    organisation = application.organisation
    if not organisation.representative_email:
        raise InvalidError(_("La fiche de l’organisation ne donne pas l’adresse de son représentant légal."))
    if queries.approval_state(application).standing is queries.Standing.APPROVED:
        raise RefusedError(_("Le représentant légal a déjà approuvé ce que dit le dossier."))
    if queries.approvals_asked(organisation.id, since=clock.now() - timedelta(days=1)) >= MOST_APPROVALS_ASKED:
        raise ThrottledError(_("Trop de liens ont été envoyés aujourd’hui. Réessayez demain."), retry_after=3600)
    content = queries.draft_content(application)
    if queries.missing(application, content):
        raise RefusedError(_("Complétez d’abord le dossier : l’accord vaut pour ce qui est lu, et rien d’autre."))
    at, secret = clock.now(), secrets.token_urlsafe(24)
    db.session.execute(
        update(Approval)
        .where(Approval.application_id == application.id, Approval.ended_at.is_(None))
        .values(ended_at=at)
    )
    approval = Approval(
        application_id=application.id, name=organisation.representative_name, role=organisation.representative_role,
        email=organisation.representative_email, secret=people.digest_of(secret), asked_by=_person(by), asked_at=at,
        expires_at=at + APPROVAL_LASTS,
    )  # fmt: skip
    db.session.add(approval)
    db.session.flush()
    journal.record("application.approval_asked", application, by=by)
    letters.approval_asked(application, approval, secret, by=by)
    return approval


def why_not_decided(approval: Approval) -> LazyString | None:
    """Why nothing can be said any more by the link of an approval; None when it can."""
    if approval.decided_at is not None:
        return _l("Vous avez déjà répondu. Si le dossier a changé, son équipe vous enverra un nouveau lien.")
    if approval.ended_at is not None:
        return _l("Un autre lien vous a été envoyé depuis : servez-vous du dernier.")
    if not queries.is_of_representative(approval, approval.application.organisation):
        return _l("La fiche de l’organisation nomme maintenant un autre représentant, ou une autre adresse.")
    if approval.expires_at <= clock.now():
        return _l("Ce lien n’est plus valable. L’équipe du dossier peut vous en envoyer un autre.")
    if not approval.application.is_draft:
        return _l("Ce dossier n’est plus un brouillon : il n’y a plus rien à approuver.")
    return None


def send_code(approval: Approval, secret: str) -> None:
    """Send a new code to the address of the representative; the one before is forgotten. Raises RefusedError when
    nothing can be said by this link any more."""
    _hold_approval(approval)
    code = f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}}"
    approval.code, approval.code_expires_at = _code_digest(secret, code), clock.now() + CODE_LASTS
    letters.approval_code(approval, code)


def decide_approval(
    approval: Approval, secret: str, *, code: str, read: str, is_approved: bool | None, word: str
) -> None:
    """Approve what was read, or refuse. `read` is its digest. Raises InvalidError without an answer or, for a refusal,
    a word, and for a code that is not the last one sent, was used, or is over; ConflictError when the dossier changed
    since it was read; RefusedError when nothing can be said by this link any more."""
    _hold_approval(approval)
    if is_approved is None:
        raise InvalidError(_("Choisissez une réponse."))
    if len(word) > LONGEST_WORD:
        raise InvalidError(_("Ce texte dépasse %(most)s caractères.", most=LONGEST_WORD))
    is_right = approval.code is not None and hmac.compare_digest(approval.code, _code_digest(secret, code))
    if not is_right or approval.code_expires_at is None or approval.code_expires_at <= clock.now():
        raise InvalidError(_("Ce code n’est pas le dernier envoyé, ou il n’est plus valable."), field="code")
    if not is_approved and not word:
        raise InvalidError(_("Dites en un mot pourquoi."), field="word")
    if read != queries.digest_to_read(approval.application):
        raise ConflictError(_("Le dossier a changé depuis que vous l’avez lu. Relisez-le, puis répondez."))
    approval.code = approval.code_expires_at = None
    approval.read, approval.is_approved, approval.word, approval.decided_at = read, is_approved, word, clock.now()
    who = Actor(name=approval.name)
    if is_approved:
        journal.record("application.approved", approval.application, by=who, digest=read)
    else:
        journal.record("application.approval_refused", approval.application, by=who, digest=read)
    letters.approval_settled(approval)


def _hold_approval(approval: Approval) -> None:
    queries.lock(approval.application)
    db.session.refresh(approval, with_for_update=True)
    reason = why_not_decided(approval)
    if reason is not None:
        raise RefusedError(str(reason))


def _code_digest(secret: str, code: str) -> str:
    """The digest of a code with the link it goes with: whoever reads the database has neither."""
    return people.digest_of(f"{secret} {code}")


def _approval_given(application: Application, last: Approval | None) -> dict[str, JsonObject]:
    """The approval of what is submitted, as the version keeps it. Raises InvalidError where the call wants one that was
    not given, or was given to another text."""
    state = queries.approval_state_of(application, last)
    if state.holds_up:
        raise InvalidError(_("L’accord du représentant légal est exigé, pour ce que dit le dossier maintenant."))
    given = state.approval
    if given is None or given.decided_at is None or state.standing is not queries.Standing.APPROVED:
        return {}
    return {"approval": {"name": given.name, "role": given.role, "approved_at": given.decided_at.isoformat()}}


# ---- submit --------------------------------------------------------------------------------------------------------


def submit(
    application: Application, *, by: Actor, received_at: datetime, seen: int | None = None
) -> ApplicationVersion:
    """Submit a complete draft: number, frozen version, euros by dimension, journal line and receipt, all or nothing.

    `received_at` is when the complete request came in; it counts at or before the closing. `seen` is the version of the
    dossier the person read before confirming. An application already submitted gives back its first version: two clicks
    or two tabs make one receipt. A correction becomes the next version of the dossier it corrects. Raises RefusedError
    when late, InvalidError when something is missing, ConflictError when a colleague changed the dossier since `seen`,
    or anybody since `received_at`. A dossier that an extension or the grace lets in after the closing of its call is
    not late; its version and its line say by what. One that is entered from paper is in time when its postmark is.
    """
    queries.lock(application)
    correction, approval = queries.correction_and_approval(application)
    frozen = _frozen_before(application, correction)
    if frozen is not None:
        return frozen
    dossier = application if correction is None else _correctable(correction)
    let_in = _check_in_time(application, received_at, seen)
    paper = _entered(application, by) if application.is_on_paper else None
    if dossier is not application:
        _bring_pieces(dossier, application)
    approved = _approval_given(application, approval)
    picked = queries.picked_by(application.id)
    plain, unasked = queries.content_and_rest(application, picked)
    lacking = [*rules.missing(rules.read(rules.canonical(plain))), *queries.wrong_answers(application)]
    if lacking:
        raise InvalidError(_("Le dossier n’est pas complet : il n’a pas été déposé."), missing=lacking)
    if unasked:
        _forget_unasked(application, by=by)
    verb, number = ("submit", 1) if correction is None else ("correct", _next_version(dossier))
    with db.session.no_autoflush:
        _date(dossier, received_at, paper)
        if correction is not None:
            correction.became = number
            _replace(dossier, application, by=by)
        else:
            _number(application)
        dossier.search_key = rules.search_key_of(str(dossier.reference), dossier.title, dossier.organisation)
        version = _freeze(dossier, {**plain, **let_in, **approved}, number, by=by)
        journal.advance(
            LIFECYCLE, dossier, verb, by=by,
            reference=dossier.reference, digest=version.digest, received_at=received_at.isoformat(),
            **({"number": number} if correction is not None else {}), **let_in,
            **(_days_told(paper) if paper is not None else {}),
        )  # fmt: skip
    db.session.flush()
    _allocate(dossier, plain, [row for row in picked if row.list == "actions" and plain["actions"]], number)
    letters.receipt(dossier, version, by=by)
    return version


def _frozen_before(application: Application, correction: Correction | None) -> ApplicationVersion | None:
    """The version that an application was submitted as before, if it was. Raises RefusedError for an abandoned one."""
    if correction is not None and correction.became is not None:
        return queries.version_of(correction.corrects_id, correction.became)
    if correction is not None and application.state is not ApplicationState.DRAFT:
        raise RefusedError(
            _("Cette correction a été abandonnée : la version déposée auparavant reste celle qui compte.")
        )
    return queries.latest_version(application.id) if application.submitted_at is not None else None


def _forget_unasked(application: Application, *, by: Actor) -> None:
    """Take out of a draft that is submitted what it kept and was not asked: its rows say what was sent, nothing else.

    The page of the last confirmation says so beforehand.
    """
    asked = queries.asked_of(application)
    for _part, field in not_asked(asked):
        match field:
            case Field():
                _keep(application, field, field.blank)
            case RowTable() | Picks():
                _keep(application, field, [])
            case PerCode() | Shares():
                _keep(application, field, {})
    for part in queries.parts_of(application).values():
        for table in (one for one in PARTS[part.code].tables if part.has(one.name) and one is not LINES):
            _forget_items(application, table, asked_items(part, table, asked))
    lines = application.budget_lines
    lines[:] = [line for line in lines if is_account_asked(asked, line.account)]
    _set_total(application)
    strange = {row.id for row in calls.questions_of(application.call_id) if not asked.takes(row.instruments)}
    for row in [row for row in application.answers if row.question_id in strange]:
        _drop_file(application, row, by=by)
    db.session.flush()


def _forget_items(application: Application, table: RowTable | PerCode, asked: Container[str]) -> None:
    """Take out of the rows of a table the codes and columns that are not asked."""
    rows = _rows_of(application, table)
    if isinstance(table, PerCode):
        rows[:] = [row for row in rows if getattr(row, table.code.attribute) in asked]
        return
    for field in (field for field in table.fields if field.name in table.items and field.name not in asked):
        for row in rows:
            setattr(row, field.attribute, field.keep(field.blank))


def _check_in_time(application: Application, received_at: datetime, seen: int | None) -> dict[str, str]:
    """Refuse what came too late or was changed; returns what let it in after the closing of its call, if anything."""
    call = application.call
    dates = application.dates
    is_open = application.is_on_paper or call_rules.is_open(dates, received_at)
    attempted_at = None if is_open else queries.attempted_at(application)
    if not is_open and not call_rules.takes(dates, received_at, attempted_at):
        raise _late(call, dates)
    if call.marks_frozen_at is not None:  # it was closed, and is open again because the clock went back
        raise _examined()
    if seen is not None and seen != application.version:
        raise _changed_since()
    if seen is not None and clock.now() - received_at > AT_ONCE:
        _check_sent_again(application, received_at)
    elif not call_rules.is_open(call, received_at):
        _check_not_examined(application)
    return {} if application.is_on_paper else _what_let_in(application, received_at, attempted_at)


def _entered(application: Application, by: Actor) -> rules.PaperDays:
    """The days of a dossier on paper, which are in time; whoever submits it is who entered it."""
    paper = _paper_of(application)
    _check_days(application, paper.days)
    paper.entered_by = _person(by)
    db.session.flush()
    return paper.days


def _late(call: Call, dates: WithGrace) -> RefusedError:
    closed = instant(dates.closes_at)
    if dates is call:
        return RefusedError(_("L’appel est clos depuis le %(closed)s. Votre brouillon est conservé.", closed=closed))
    return RefusedError(
        _("Le délai accordé à ce dossier est passé depuis le %(closed)s. Votre brouillon est conservé.", closed=closed)
    )


def _what_let_in(application: Application, received_at: datetime, attempted_at: datetime | None) -> dict[str, str]:
    """What let a dossier in after the closing of its call: the end of its extension, its attempt; nothing before it."""
    found = {"attempted_at": attempted_at}
    if not call_rules.is_open(application.call, received_at) and application.dates is not application.call:
        found["extension_ends_at"] = application.extension_ends_at
    return {name: at.isoformat() for name, at in found.items() if at is not None}


def _changed_since() -> ConflictError:
    return ConflictError(_("Quelqu’un a modifié ce dossier depuis que vous l’avez relu. Relisez-le, puis déposez-le."))


def _examined() -> RefusedError:
    return RefusedError(
        _("L’examen des dossiers de cet appel est terminé : le vôtre ne peut plus y entrer. Votre brouillon reste.")
    )


def _check_sent_again(application: Application, received_at: datetime) -> None:
    """A form sent before its author could be known submits what stood then, to a call that is still examined.

    It may name any version of the dossier, even one that was only written afterwards. Raises ConflictError when the
    dossier or its organisation changed since, and what `_check_not_examined` raises.
    """
    if application.touched_at > received_at:
        raise _changed_since()
    if journal.has_line("organisation.edited", application.organisation_id, since=received_at):
        raise ConflictError(
            _("La fiche de l’organisation a changé depuis votre envoi. Relisez le dossier, puis déposez-le.")
        )
    _check_not_examined(application)


def _check_not_examined(application: Application) -> None:
    """Raises RefusedError when the examination of the call is over; holds its end back until the transaction ends."""
    done = select(Call.state, Call.marks_frozen_at).where(Call.id == application.call_id).with_for_update(read=True)
    state, frozen_at = db.session.execute(done).one()
    if state is not CallState.OPENED or frozen_at is not None:
        raise _examined()


def _date(application: Application, received_at: datetime, paper: rules.PaperDays | None) -> None:
    """Date a submission: silence counts from the version that counts, and from the day on which a paper came."""
    received_on = received_at.astimezone(ZoneInfo(application.call.fund.zone)).date()
    received_on = paper.received_on if paper is not None else received_on
    application.submitted_at = received_at
    application.silence_on = programme.due_on("implicit_rejection", received_on)


def _number(application: Application) -> None:
    call, submitted_at = application.call, cast(datetime, application.submitted_at)
    year = (call.closes_at or submitted_at).astimezone(ZoneInfo(call.fund.zone)).year
    series = f"{call.fund.code}-{year}"
    application.reference = rules.reference(call.fund.code, year, next_number(f"application:{series}"))


def _freeze(application: Application, plain: Content, number: int, *, by: Actor) -> ApplicationVersion:
    at = application.submitted_at
    if at is None:
        raise ValueError("an application is numbered and dated before it is frozen")
    content = rules.canonical({**plain, "reference": application.reference, "submitted_at": at.isoformat()})
    version = ApplicationVersion(
        application_id=application.id,
        number=number,
        content=content,
        digest=rules.digest(content),
        frozen_at=at,
        frozen_by=by.id,
    )
    db.session.add(version)
    known = queries.addresses_of(application.id) if number > 1 else set()
    addresses = sorted(rules.addresses_of(plain) - known)
    db.session.add_all(ApplicationAddress(application_id=application.id, address=one) for one in addresses)
    return version


def _allocate(application: Application, plain: Content, named: Sequence[queries.Picked], version: int) -> None:
    """Split the amount a version asks for by each dimension; `named` are the actions it names.

    What earlier versions asked for is not counted any more.
    """
    if application.requested is None:
        raise ValueError("an application without an amount is never submitted")
    weights: dict[Dimension, Sequence[tuple[UUID | None, int]]] = {
        Dimension.AXIS: [(UUID(axis["id"]), axis["percent"]) for axis in plain["axes"]],
        Dimension.ACTION: rules.equally(row.id for row in named),
        Dimension.ORIENTATION: rules.equally(row.orientation_id for row in named),
        Dimension.FIELD: rules.equally(UUID(row["id"]) for row in plain["fields"]),
        Dimension.COMMUNE: rules.equally(UUID(row["id"]) for row in plain["communes"]),
        Dimension.PLAN: rules.equally(UUID(row["id"]) for row in plain["plans"]),
    }
    rows = [
        {"application_id": application.id, "dimension": dimension, "key_id": key, "weight": weight, "amount": amount,
         "version": version}
        for dimension, weighted in weights.items()
        for key, weight, amount in rules.allocate(application.requested, weighted)
    ]  # fmt: skip
    if version > 1:
        db.session.execute(delete(Allocation).where(Allocation.application_id == application.id))
    db.session.execute(insert(Allocation), rows, execution_options={"render_nulls": True})


# ---- correct -------------------------------------------------------------------------------------------------------


def begin_correction(application: Application, *, by: Actor) -> Application:
    """The draft that corrects a submitted application: the one that is begun, or a copy of what was submitted.

    The submitted version stands until the draft is submitted. Statements are not copied: each version makes its own.
    Raises RefusedError once the call is closed, or anybody began to decide on the application.
    """
    queries.lock(application)
    begun = queries.correction_of(application)
    if begun is not None and not begun.is_on_paper:
        return begun
    reason = why_not_corrected(application, clock.now())
    if reason is not None:
        raise RefusedError(str(reason))
    draft = _copied(application, by=by)
    journal.record("application.correction_begun", draft, by=by)
    return draft


def _copied(application: Application, *, by: Actor) -> Application:
    """A draft that corrects an application, with a copy of what it says but its statements."""
    at = clock.now()
    draft = Application(
        id=uuid4(), call_id=application.call_id, organisation_id=application.organisation_id, author_id=by.id,
        state=ApplicationState.DRAFT, created_at=at, touched_at=at, extension_ends_at=application.extension_ends_at,
    )  # fmt: skip
    _copy_columns(application, draft)
    db.session.add(draft)
    db.session.flush()
    db.session.add(Correction(application_id=draft.id, corrects_id=application.id))
    db.session.flush()
    for table in CONTENTS:
        if table is not Signature.__table__:
            _copy_rows(table, application, draft)
    return draft


def why_not_corrected(application: Application, at: datetime) -> LazyString | None:
    """Why a submitted application cannot be corrected by a new version at an instant; None when it can."""
    if not call_rules.is_open(application.dates, at):
        return _l("L’appel est clos : la dernière version déposée est celle qui compte.")
    begun = queries.correction_of(application) if application.is_on_paper else None
    if begun is not None and begun.is_on_paper:
        return _l("Le service du fonds corrige ce qu’il a saisi de ce dossier : attendez sa nouvelle version.")
    return _why_examined(application)


def _why_examined(application: Application) -> LazyString | None:
    if application.is_withdrawn:
        return _l("Ce dossier est retiré : il ne se corrige plus.")
    if application.is_piece_requested:
        return _l("Une pièce vous est demandée : envoyez-la d’abord. Le dossier se corrige ensuite.")
    if not application.is_submitted:
        return _l("L’examen de ce dossier a commencé : la dernière version déposée est celle qui compte.")
    return None


def _correctable(correction: Correction) -> Application:
    """The application that a correction corrects, held. Raises RefusedError once anybody began to decide on it."""
    application = cast(Application, get_held(Application, correction.corrects_id))
    reason = _why_examined(application)
    if reason is not None:
        raise RefusedError(str(reason))
    return application


def _next_version(application: Application) -> int:
    version = queries.latest_version(application.id)
    return 1 + (version.number if version is not None else 0)


def _bring_pieces(application: Application, draft: Application) -> None:
    """Let a correction have the files that were asked for and given while it was written."""
    given = select(Attachment).where(Attachment.application_id == application.id)
    for row in db.session.scalars(given.where(Attachment.given_at > draft.created_at)):
        brought = Attachment(application_id=draft.id, piece_id=row.piece_id, file_id=row.file_id, given_at=row.given_at)
        db.session.add(brought)
    db.session.flush()


def _replace(application: Application, draft: Application, *, by: Actor) -> None:
    """Let a submitted application say what its correction says, whose rows and files become its own."""
    _copy_columns(draft, application)
    entered = draft.paper if draft.is_on_paper else None
    if entered is not None:
        paper = _paper_of(application)
        paper.received_on, paper.postmarked_on = entered.received_on, entered.postmarked_on
        paper.scan_id, paper.entered_by = entered.scan_id, entered.entered_by
    draft.withdrawn_at = application.touched_at = clock.now()
    journal.advance(LIFECYCLE, draft, "replace", by=by)
    db.session.flush()
    for table in CONTENTS:
        own = table.c.application_id
        db.session.execute(delete(table).where(own == application.id))
        db.session.execute(update(table).where(own == draft.id).values(application_id=application.id))
    db.session.execute(update(StoredFile).where(StoredFile.dossier_id == draft.id).values(dossier_id=application.id))
    db.session.expire(draft)
    db.session.expire(application)


def _copy_columns(application: Application, to: Application) -> None:
    for name in CORRECTED:
        setattr(to, name, getattr(application, name))


def _copy_rows(table: Table, application: Application, draft: Application) -> None:
    found = select(table).where(table.c.application_id == application.id)
    rows = cast(Sequence[Mapping[str, object]], db.session.execute(found).mappings().all())
    own = [{**row, "application_id": draft.id, **({"id": uuid4()} if "id" in row else {})} for row in rows]
    if own:
        db.session.execute(insert(table), own)


# ---- a later closing for one dossier -------------------------------------------------------------------------------


def give_extension(
    application: Application, *, ends_at: datetime, reason: str, sits_on: date | None, seen: int | None, by: Actor
) -> Extension:
    """Give one dossier a later closing than its call, for a reason that its team reads; the one given before ends.

    `sits_on` is the day of the committee, None while none is set: the dossier comes before it. `seen` is how many
    extensions of the dossier the person knew of. Raises RefusedError when nothing of the dossier can be submitted any
    more, ConflictError when somebody gave another one meanwhile, InvalidError for an instant that is not to come, not
    after the closing of the call, or too late.
    """
    queries.lock(application)
    call = application.call
    db.session.refresh(call, with_for_update=True)
    refused = why_not_extended(application)
    if refused is not None:
        raise RefusedError(str(refused))
    given = queries.extensions_of(application.id)
    refuse_changed(len(given), seen)
    _check_end(call, ends_at, sits_on)
    before, correction = application.extension_ends_at, queries.correction_of(application)
    extension = Extension(
        application_id=application.id, number=1 + len(given), ends_at=ends_at, reason=reason, given_by=by.id,
        given_at=clock.now(),
    )  # fmt: skip
    db.session.add(extension)
    extended = [application.id] if correction is None else [application.id, correction.id]
    # Past its version: whoever is about to submit it need not read it again.
    db.session.execute(update(Application).where(Application.id.in_(extended)).values(extension_ends_at=ends_at))
    journal.record(
        "application.extended", application, by=by, number=extension.number, after=ends_at.isoformat(),
        **({"before": before.isoformat()} if before is not None else {}),
    )  # fmt: skip
    letters.extension_given(application, extension, before)
    return extension


def why_not_extended(application: Application) -> LazyString | None:
    """Why a dossier can be given no later closing; None when it can."""
    if application.call.state is not CallState.OPENED:
        return _l("Cet appel n’est pas publié, ou il est archivé : aucun délai ne peut y être accordé.")
    if application.call.marks_frozen_at is not None:
        return _l("Le comité a déjà arrêté ses notes : aucun autre dossier ne peut plus entrer.")
    if application.is_draft:
        return None
    if queries.correction_of(application) is None:
        return _l("Ce dossier est déposé, et personne ne le corrige : il n’a pas besoin d’un délai.")
    return _why_examined(application)


def _check_end(call: Call, ends_at: datetime, sits_on: date | None) -> None:
    """Refuse the end of an extension that is not to come after the closing of its call, or is beyond what makes
    sense: the day of the committee, or a limit against a slip in the date."""
    at, zone = clock.now(), call.fund.zone
    from_at = max(at, cast(datetime, call.closes_at))  # a published call has one
    if ends_at <= from_at:
        raise InvalidError(
            _("La fin du délai doit être à venir, et après la clôture de l’appel, le %(closing)s.",
              closing=instant(call.closes_at)),
            field="ends_on",
        )  # fmt: skip
    if sits_on is not None and clock.day_of(ends_at, zone) >= sits_on:
        raise InvalidError(
            _("Le comité siège le %(day)s : le délai doit finir avant ce jour.", day=day(sits_on)), field="ends_on"
        )
    if ends_at > from_at + LONGEST_EXTENSION:
        raise InvalidError(
            n_("Un délai dure %(num)s jour au plus.", "Un délai dure %(num)s jours au plus.", LONGEST_EXTENSION.days),
            field="ends_on",
        )


# ---- withdraw ------------------------------------------------------------------------------------------------------


def withdraw(application: Application, *, reason: str, by: Actor) -> None:
    """Withdraw a draft or a dossier under examination; a submitted one needs a reason (InvalidError)."""
    was_submitted = application.state is not ApplicationState.DRAFT
    if was_submitted and not reason:
        raise InvalidError(_("Dites en une phrase pourquoi vous retirez ce dossier."), field="reason")
    application.withdrawn_at = clock.now()
    application.withdrawal_reason = reason or None
    application.touched_at = application.withdrawn_at
    journal.advance(LIFECYCLE, application, "withdraw", by=by)
    db.session.flush()
    if was_submitted:
        letters.withdrawal(application, by=by)
