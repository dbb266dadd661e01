"""Questions about applications: what one says, draft or frozen, what it lacks, whose they are, its receipt."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import joinedload

from grants.applications import rules
from grants.applications.lifecycle import LIFECYCLE, SUBMITTED_STATES, ApplicationState
from grants.applications.models import Allocation, Application, ApplicationVersion, Attachment, BudgetLine, Signature
from grants.applications.rules import Content, Part
from grants.calls import queries as calls
from grants.calls.models import Call, CallInstrument, Question, QuestionKind, Section, Statement
from grants.kernel import journal, post
from grants.kernel.db import db
from grants.kernel.machine import StatusWord
from grants.kernel.money import Money
from grants.kernel.pages import day, instant, money, url_path
from grants.kernel.vault import StoredFile
from grants.kernel.words import LazyString, _, _l, in_words_of, language
from grants.people.models import Account, Organisation
from grants.programme import queries as programme
from grants.programme.models import Commune, PriorityArea

FORMAT = 1

# ---- content -------------------------------------------------------------------------------------------------------


def content_of(application_id: UUID) -> Content:
    """What was submitted: the latest frozen version, as plain values. Raises LookupError for a draft.

    Amounts are Money under `x` (and whole cents under `x_cents`), keys in `_on` are days, keys in `_at` instants; each
    French text `x` may have its English `x_en`. Codes are those of the models' enums; templates word them with the
    global `word_of(group, code)`, groups as in `rules.LABELS`. Keys, all present:

    - format, reference, submitted_at, number (of the version), digest (SHA-256 of the frozen text)
    - call {id, code, title}, fund {code, name, body}, author {name}
    - organisation {id, name, acronym, siret, rna, legal_form, purpose, address, postcode, city, website, phone, email,
      founded_on, representative {name, role, email}}
    - project {title, summary, instrument {code, name, form, minimum, maximum, max_rate} or None, requested, total,
      starts_on, ends_on, rate: Fraction, percent of the resources, or None}
    - axes [{id, code, title, short, colour, percent}], actions [{id, number, title, axis (code), orientation (code or
      None)}], fields [{id, code, title}], plans [{id, code, title}]
    - communes [{id, insee, name}], areas [{id, name, commune}]
    - audiences [{kind, number, detail}], participation {level, text}, justice [{kind, text}]
    - climate [{axis, rating, proof}], partners [{name, kind, role, committed, amount}]
    - milestones [{label, due_on}], indicators [{label, unit, target}]
    - budget {charges, resources: [{account, title, label, amount, status, is_request, in_kind}], totals {charges,
      resources, in_kind_charges, in_kind_resources}}
    - sections [{code, title, questions [{code, label, kind, criterion (code or None), required, asked, value, and by
      kind: chosen [{code, label}], amount, day_on, communes [{insee, name}], file}]}]
    - pieces [{code, label, expected, blocks, files [file]}], statements [{code, title, text, edition, kind, choice,
      chosen {code, label} or None, amount or None, required, annex, signed_by, signed_at}]; choice None: not made
    - a file is {id, name, size, sha256, media_type}
    """
    version = latest_version(application_id)
    if version is None:
        raise LookupError(f"application {application_id} was never submitted")
    content = _finished(rules.read(version.content))
    content["digest"], content["number"] = version.digest, version.number
    return content


def draft_content(application: Application) -> Content:
    """The same shape for what the application says now, read from its tables; digest and number are None."""
    content = _finished(rules.read(rules.canonical(plain_content(application))))
    content["digest"] = content["number"] = None
    return content


def _finished(content: Content) -> Content:
    content["project"]["rate"] = rules.rate_of(content)
    return content


def latest_version(application_id: UUID) -> ApplicationVersion | None:
    """The frozen version that counts."""
    return db.session.scalar(
        select(ApplicationVersion)
        .where(ApplicationVersion.application_id == application_id)
        .order_by(ApplicationVersion.number.desc())
        .limit(1)
    )


def plain_content(application: Application) -> Content:
    """Everything an application says, in values JSON knows: what a version freezes. A fixed number of queries."""
    call, fund = application.call, application.call.fund
    files = {row.id: row for row in db.session.scalars(_files_of(application.id))}
    accounts = {row.code: row for row in programme.budget_accounts()}
    lines = list(application.budget_lines)
    found = rules.totals((line.side, line.account, line.amount) for line in lines)
    author = db.session.get(Account, application.author_id)
    questions, statements = calls.questions_of(call.id), calls.statements_of(call.id)
    return {
        "format": FORMAT,
        "reference": application.reference,
        "submitted_at": _iso(application.submitted_at),
        "call": {"id": str(call.id), "code": call.code, **_both(call, "title")},
        "fund": {"code": fund.code, **_both(fund, "name"), "body": fund.body_name},
        "author": {"name": author.name if author else ""},
        "organisation": _organisation(application.organisation),
        "project": _project(application),
        "axes": _axes(application),
        "actions": [
            {
                "id": str(row.id),
                "number": row.number,
                **_both(row, "title"),
                "axis": row.axis.code,
                "orientation": row.orientation.code if row.orientation else None,
            }
            for row in application.actions
        ],
        "fields": [{"id": str(row.id), "code": row.code, **_both(row, "title")} for row in application.fields],
        "plans": [{"id": str(row.id), "code": row.code, **_both(row, "title")} for row in application.plans],
        "communes": [{"id": str(row.id), "insee": row.insee, "name": row.name} for row in application.communes],
        "areas": _areas(application),
        "audiences": [
            {"kind": row.kind.value, "number": row.number, "detail": row.detail} for row in application.audiences
        ],
        "participation": {
            "level": application.participation_level.value if application.participation_level else None,
            "text": application.participation_text,
        },
        "justice": [{"kind": row.kind.value, "text": row.text} for row in application.justice_effects],
        "climate": [
            {"axis": row.axis.value, "rating": row.rating.value, "proof": row.proof}
            for row in application.climate_effects
        ],
        "partners": [
            {
                "name": row.name,
                "kind": row.kind.value,
                "role": row.role,
                "committed": row.committed,
                "amount_cents": row.amount.cents if row.amount else None,
            }
            for row in application.partners
        ],
        "milestones": [{"label": row.label, "due_on": _iso(row.due_on)} for row in application.milestones],
        "indicators": [{"label": row.label, "unit": row.unit, "target": row.target} for row in application.indicators],
        "budget": {
            "charges": [_line(line, accounts) for line in lines if line.side == "charge"],
            "resources": [_line(line, accounts) for line in lines if line.side == "resource"],
            "totals": {f"{side}_cents": getattr(found, side).cents for side in rules.Totals.__dataclass_fields__},
        },
        "sections": _sections(application, questions, files),
        "pieces": _pieces(application, questions, statements, files),
        "statements": _statements(application, statements),
    }


def _files_of(application_id: UUID) -> Any:
    return (
        select(StoredFile).where(StoredFile.dossier_id == application_id).order_by(StoredFile.given_at, StoredFile.id)
    )


def _iso(value: Any) -> str | None:
    return None if value is None else value.isoformat()


def _both(row: Any, *names: str) -> dict[str, str]:
    return {key: getattr(row, key) for name in names for key in (name, f"{name}_en")}


def _file(stored: StoredFile) -> Content:
    return {
        "id": str(stored.id),
        "name": stored.name,
        "size": stored.size,
        "sha256": stored.sha256,
        "media_type": stored.media_type,
    }


def _organisation(row: Organisation) -> Content:
    names = (
        "name", "acronym", "siret", "rna", "purpose", "address", "postcode", "city", "website", "phone", "email",
    )  # fmt: skip
    return {
        "id": str(row.id),
        **{name: getattr(row, name) for name in names},
        "legal_form": row.legal_form.value,
        "founded_on": _iso(row.founded_on),
        "representative": {
            "name": row.representative_name,
            "role": row.representative_role,
            "email": row.representative_email,
        },
    }


def _project(application: Application) -> Content:
    offered = {row.instrument_id: row for row in calls.instruments_of(application.call_id)}
    chosen = offered.get(application.instrument_id) if application.instrument_id else None
    return {
        "title": application.title,
        "summary": application.summary,
        "instrument": _instrument(chosen) if chosen else None,
        "requested_cents": application.requested.cents if application.requested else None,
        "total_cents": application.total.cents if application.total else None,
        "starts_on": _iso(application.starts_on),
        "ends_on": _iso(application.ends_on),
    }


def _instrument(offered: CallInstrument) -> Content:
    return {
        "code": offered.instrument.code,
        **_both(offered.instrument, "name"),
        "form": str(offered.instrument.form.value),
        "minimum_cents": offered.minimum.cents,
        "maximum_cents": offered.maximum.cents,
        "max_rate": offered.max_rate,
    }


def _axes(application: Application) -> list[Content]:
    axes = {row.id: row for row in programme.axes(application.call.framework_id)}
    return [
        {
            "id": str(share.axis_id),
            "code": axes[share.axis_id].code,
            **_both(axes[share.axis_id], "title", "short"),
            "colour": axes[share.axis_id].colour,
            "percent": share.percent,
        }
        for share in application.axis_shares
    ]


def _areas(application: Application) -> list[Content]:
    chosen = [area.id for area in application.areas]
    if not chosen:
        return []
    rows = db.session.execute(
        select(PriorityArea.id, PriorityArea.name, Commune.name.label("commune"))
        .join(Commune)
        .where(PriorityArea.id.in_(chosen))
        .order_by(Commune.sort_key, PriorityArea.name)
    )
    return [{"id": str(row.id), "name": row.name, "commune": row.commune} for row in rows]


def _line(line: BudgetLine, accounts: Mapping[str, Any]) -> Content:
    account = accounts.get(line.account)
    return {
        "account": line.account,
        "title": account.title if account else line.account,
        "title_en": account.title_en if account else "",
        "label": line.label,
        "amount_cents": line.amount.cents,
        "status": line.funding_status.value if line.funding_status else None,
        "is_request": line.is_request,
        "in_kind": rules.is_in_kind(line.account),
    }


def _sections(
    application: Application, questions: Sequence[Question], files: Mapping[UUID, StoredFile]
) -> list[Content]:
    given = {answer.question_id: answer for answer in application.answers}
    by_code = {question.code: given[question.id].value for question in questions if question.id in given}
    names = {row.insee: row.name for row in programme.communes()}
    return [
        {
            "code": section.code,
            **_both(section, "title"),
            "questions": [
                {
                    "code": question.code,
                    **_both(question, "label"),
                    "kind": question.kind.value,
                    "criterion": question.criterion.code if question.criterion else None,
                    "required": question.required,
                    "asked": rules.is_asked(question.asked_when, by_code),
                    **_answer(question, given.get(question.id), files, names),
                }
                for question in questions
                if question.section_id == section.id
            ],
        }
        for section in calls.sections_of(application.call_id)
    ]


def _answer(question: Question, answer: Any, files: Mapping[UUID, StoredFile], communes: Mapping[str, str]) -> Content:
    value = None if answer is None else answer.value
    told: Content = {"value": value}
    match question.kind:
        case QuestionKind.CHOICE | QuestionKind.CHOICES:
            codes = value if isinstance(value, list) else [value]
            told["chosen"] = [choice for choice in question.choices if choice["code"] in codes]
        case QuestionKind.MONEY:
            told["amount_cents"] = value
        case QuestionKind.DATE:
            told["day_on"] = value
        case QuestionKind.COMMUNES:
            told["communes"] = [{"insee": insee, "name": communes.get(insee, insee)} for insee in value or ()]
        case QuestionKind.FILE:
            stored = files.get(answer.file_id) if answer is not None and answer.file_id else None
            told["file"] = _file(stored) if stored else None
        case _:
            pass
    return told


def _pieces(
    application: Application,
    questions: Sequence[Question],
    statements: Sequence[Statement],
    files: Mapping[UUID, StoredFile],
) -> list[Content]:
    facts = _facts_for_pieces(application, questions, statements)
    given = sorted(application.attachments, key=lambda row: (row.given_at, str(row.id)))
    return [
        {
            "id": str(piece.id),
            "code": piece.code,
            **_both(piece, "label"),
            "expected": piece.required and rules.is_expected(piece.rule, **facts),
            "blocks": piece.blocks,
            "files": [_file(files[row.file_id]) for row in given if row.piece_id == piece.id],
        }
        for piece in calls.pieces_of(application.call_id)
    ]


def _facts_for_pieces(
    application: Application, questions: Sequence[Question], statements: Sequence[Statement]
) -> dict[str, Any]:
    asked = {question.id: question.code for question in questions}
    signed = {statement.id: statement.code for statement in statements}
    first = (row.value for row in application.answers if asked.get(row.question_id) == "first_request")
    authority = (row.choice for row in application.signatures if signed.get(row.statement_id) == "authority_to_sign")
    return {
        "has_rna": bool(application.organisation.rna),
        "first_request": next(first, None),
        "authority": next(authority, None),
    }


def _statements(application: Application, statements: Sequence[Statement]) -> list[Content]:
    made = {row.statement_id: row for row in application.signatures}
    people = _names({row.signed_by for row in made.values()})
    values = statement_values(application)
    return [
        {
            "code": statement.code,
            **_both(statement, "title"),
            "text": rules.fill(statement.text, values),
            "text_en": rules.fill(statement.text_en, values),
            "edition": statement.edition,
            "kind": statement.kind,
            "required": statement.required,
            "annex": statement.annex,
            "chosen": None,
            **_signed(made.get(statement.id), statement.kind, people, statement.choices),
        }
        for statement in statements
    ]


def _signed(row: Signature | None, kind: str, people: Mapping[UUID, str], choices: Sequence[Content]) -> Content:
    if row is None:
        return {"choice": None, "signed_by": None, "signed_at": None, "amount_cents": None}
    return {
        "choice": row.choice,
        "amount_cents": int(row.choice) if kind == "money" else None,
        "chosen": next((choice for choice in choices if choice["code"] == row.choice), None),
        "signed_by": people[row.signed_by],
        "signed_at": _iso(row.signed_at),
    }


def _names(ids: Iterable[UUID]) -> dict[UUID, str]:
    wanted = list(ids)
    if not wanted:
        return {}
    return {
        row.id: row.name for row in db.session.execute(select(Account.id, Account.name).where(Account.id.in_(wanted)))
    }


def statement_values(application: Application) -> dict[str, str]:
    """What fills the placeholders of a statement."""
    return {
        "amount": money(application.requested) if application.requested else "…",
        "title": application.title or "…",
        "body": application.call.fund.body_name,
    }


# ---- the writing space ---------------------------------------------------------------------------------------------


def section_values(application: Application, section: str) -> dict[str, Any]:
    """What a section says now, in the shape its form gives and `actions.save_section` takes.

    The stamp of these values (`rules.stamp_of`) tells whether somebody else changed the section since it was shown.
    """
    match section:
        case Part.PROJECT:
            return {
                "title": application.title,
                "summary": application.summary,
                "instrument": str(application.instrument_id) if application.instrument_id else None,
                "requested": application.requested,
                "starts_on": application.starts_on,
                "ends_on": application.ends_on,
            }
        case Part.AXES:
            return {
                "shares": _shares(application),
                "actions": [str(row.id) for row in application.actions],
                "fields": [str(row.id) for row in application.fields],
                "plans": [str(row.id) for row in application.plans],
            }
        case Part.TERRITORY:
            return {
                "communes": [row.insee for row in application.communes],
                "areas": [str(row.id) for row in application.areas],
            }
        case Part.PEOPLE:
            audiences = {row.kind.value: (row.number, row.detail) for row in application.audiences}
            justice = {row.kind.value: row.text for row in application.justice_effects}
            return {
                "audiences": {kind: audiences.get(kind, (None, "")) for kind in rules.AUDIENCE_LABELS},
                "level": application.participation_level.value if application.participation_level else None,
                "text": application.participation_text,
                "justice": {kind: justice.get(kind, "") for kind in rules.JUSTICE_LABELS},
            }
        case Part.CLIMATE:
            effects = {row.axis.value: (row.rating.value, row.proof) for row in application.climate_effects}
            return {"effects": {axis: effects.get(axis, (None, "")) for axis in rules.CLIMATE_LABELS}}
        case Part.PARTNERS | Part.CALENDAR | Part.INDICATORS:
            return {"rows": _rows_of(application, section)}
        case Part.BUDGET:
            return {
                "lines": [
                    {
                        "account": line.account,
                        "label": line.label,
                        "status": line.funding_status.value if line.funding_status else None,
                        "amount": line.amount,
                    }
                    for line in application.budget_lines
                    if not line.is_request
                ]
            }
        case Part.STATEMENTS:
            made = {row.statement_id: row.choice for row in application.signatures}
            return {"choices": {str(row.id): made.get(row.id) for row in calls.statements_of(application.call_id)}}
        case _:
            given = {row.question_id: row.value for row in application.answers}
            asked = [row for row in questions_on(application, section) if row.kind is not QuestionKind.FILE]
            return {"answers": {str(row.id): given.get(row.id) for row in asked}}


def _shares(application: Application) -> dict[str, int | None]:
    given = {share.axis_id: share.percent for share in application.axis_shares}
    return {str(axis.id): given.get(axis.id) for axis in programme.axes(application.call.framework_id)}


def _rows_of(application: Application, section: str) -> list[dict[str, Any]]:
    if section == Part.PARTNERS:
        return [
            {
                "name": row.name,
                "kind": row.kind.value,
                "role": row.role,
                "committed": row.committed,
                "amount": row.amount,
            }
            for row in application.partners
        ]
    if section == Part.CALENDAR:
        return [{"label": row.label, "due_on": row.due_on} for row in application.milestones]
    return [{"label": row.label, "unit": row.unit, "target": row.target} for row in application.indicators]


def options_of(application: Application, section: str) -> dict[str, Any]:
    """What a page of the writing space offers to choose from."""
    framework_id, call_id = application.call.framework_id, application.call_id
    match section:
        case Part.PROJECT:
            return {"instruments": calls.instruments_of(call_id)}
        case Part.AXES:
            return {
                "axes": programme.axes(framework_id),
                "actions": programme.actions(framework_id),
                "fields": programme.fields(framework_id),
                "plans": programme.plans(framework_id),
                "placeholder": in_words_of(application.call.framework, "placeholder"),
            }
        case Part.TERRITORY:
            return {"communes": programme.communes(), "areas": programme.priority_areas()}
        case Part.BUDGET:
            return {"accounts": programme.budget_accounts()}
        case Part.STATEMENTS:
            statements, values = calls.statements_of(call_id), statement_values(application)
            words = {row.code: rules.fill(in_words_of(row, "text"), values) for row in statements}
            return {"statements": statements, "words": words}
        case Part.PIECES:
            return {"pieces": calls.pieces_of(call_id)}
        case Part():
            return {}
        case _:
            everything = calls.questions_of(call_id)
            code = section.removeprefix(rules.QUESTIONS)
            return {
                "questions": [row for row in everything if row.section.code == code],
                "all_questions": everything,
                "communes": programme.communes(),
                "files_of": _given_files(application, everything),
            }


def _given_files(application: Application, questions: Sequence[Question]) -> dict[str, list[Content]]:
    """The files that answer questions, by question code, each with where to get it."""
    files = {row.id: row for row in db.session.scalars(_files_of(application.id))}
    by_id = {answer.question_id: answer.file_id for answer in application.answers if answer.file_id}
    return {
        row.code: [{"name": files[by_id[row.id]].name, "href": url_path("applications.file", file_id=by_id[row.id])}]
        for row in questions
        if row.id in by_id
    }


def questions_on(application: Application, section: str) -> list[Question]:
    """The call's questions on a page of the writing space, in order."""
    statement = (
        select(Question)
        .join(Section)
        .where(Question.call_id == application.call_id, Section.code == section.removeprefix(rules.QUESTIONS))
        .options(joinedload(Question.section), joinedload(Question.criterion))
        .order_by(Question.position, Question.code)
    )
    return list(db.session.scalars(statement))


@dataclass(frozen=True)
class Step:
    """A page of the writing space: where it is and how complete."""

    code: str
    label: str
    state: str
    lacking: int


def steps(application: Application, content: Content) -> list[Step]:
    """The pages of the writing space in order, each with what is left to do there."""
    left: dict[str, int] = {}
    for item in rules.missing(content):
        left[item.section] = left.get(item.section, 0) + 1
    begun = _begun(content)
    titles: list[tuple[str, str]] = [(part, str(rules.PART_TITLES[part])) for part in rules.BEFORE_QUESTIONS]
    titles += [
        (f"{rules.QUESTIONS}{row.code}", in_words_of(row, "title")) for row in calls.sections_of(application.call_id)
    ]
    titles += [(part, str(rules.PART_TITLES[part])) for part in rules.AFTER_QUESTIONS]
    return [
        Step(code, label, _step_state(left.get(code, 0), code in begun), left.get(code, 0)) for code, label in titles
    ]


def section_codes(application: Application) -> list[str]:
    """The pages of the writing space, in order."""
    of_call = [f"{rules.QUESTIONS}{row.code}" for row in calls.sections_of(application.call_id)]
    return [*rules.BEFORE_QUESTIONS, *of_call, *rules.AFTER_QUESTIONS]


def _step_state(left: int, begun: bool) -> str:
    if not begun:
        return "todo"
    return "started" if left else "done"


def _begun(content: Content) -> set[str]:
    """The pages where somebody wrote something."""
    project, budget = content["project"], content["budget"]
    facts = {
        Part.PROJECT: project["title"] or project["summary"] or project["requested"],
        Part.AXES: content["axes"] or content["actions"] or content["fields"] or content["plans"],
        Part.TERRITORY: content["communes"] or content["areas"],
        Part.PEOPLE: content["audiences"] or content["justice"] or content["participation"]["level"],
        Part.CLIMATE: content["climate"],
        Part.PARTNERS: content["partners"],
        Part.CALENDAR: content["milestones"],
        Part.INDICATORS: content["indicators"],
        Part.BUDGET: any(not line["is_request"] for line in budget["charges"] + budget["resources"]),
        Part.PIECES: any(piece["files"] for piece in content["pieces"]),
        Part.STATEMENTS: any(row["choice"] is not None for row in content["statements"]),
    }
    begun = {str(part) for part, told in facts.items() if told}
    for section in content["sections"]:
        if any(not rules.is_empty(question["value"]) for question in section["questions"]):
            begun.add(f"{rules.QUESTIONS}{section['code']}")
    return begun


def attachments_of(application_id: UUID) -> dict[UUID, list[Attachment]]:
    """The files given for each piece, in the order they came, with what is known of each."""
    found: dict[UUID, list[Attachment]] = {}
    statement = (
        select(Attachment)
        .where(Attachment.application_id == application_id)
        .options(joinedload(Attachment.file))
        .order_by(Attachment.given_at, Attachment.id)
    )
    for row in db.session.scalars(statement):
        found.setdefault(row.piece_id, []).append(row)
    return found


def attachment_of(application: Application, attachment_id: UUID) -> Attachment | None:
    """A file of this application, and of no other."""
    row = db.session.get(Attachment, attachment_id)
    return row if row is not None and row.application_id == application.id else None


# ---- lists ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Listed:
    """An application as its applicants see it in a list."""

    id: UUID
    title: str
    reference: str | None
    state: ApplicationState
    status: StatusWord
    organisation: str
    call: str
    closes_at: datetime | None
    submitted_at: datetime | None
    touched_at: datetime
    requested: Money | None


def of_organisations(organisation_ids: Iterable[UUID]) -> list[Listed]:
    """The applications of some organisations, the last touched first."""
    wanted = list(organisation_ids)
    if not wanted:
        return []
    rows = db.session.execute(
        select(
            Application.id, Application.title, Application.reference, Application.state, Application.submitted_at,
            Application.touched_at, Application.requested, Organisation.name.label("organisation"),
            Call.title.label("call"), Call.title_en.label("call_en"), Call.closes_at,
        )
        .join(Organisation, Organisation.id == Application.organisation_id)
        .join(Call, Call.id == Application.call_id)
        .where(Application.organisation_id.in_(wanted))
        .order_by(Application.touched_at.desc(), Application.id)
    )  # fmt: skip
    return [
        Listed(
            id=row.id,
            title=row.title,
            reference=row.reference,
            state=row.state,
            status=LIFECYCLE.status(row, public=True),
            organisation=row.organisation,
            call=in_words_of(row, "call"),
            closes_at=row.closes_at,
            submitted_at=row.submitted_at,
            touched_at=row.touched_at,
            requested=row.requested,
        )
        for row in rows
    ]


@dataclass(frozen=True)
class Candidate:
    """An organisation that may apply, with the application it already has in the call."""

    id: UUID
    name: str
    application_id: UUID | None
    reference: str | None


def candidates(call: Call, organisation_ids: Iterable[UUID]) -> list[Candidate]:
    """The organisations a person acts for, by name, each with its application to the call unless withdrawn."""
    wanted = list(organisation_ids)
    if not wanted:
        return []
    here = select(Application.id, Application.reference, Application.organisation_id).where(
        Application.call_id == call.id, Application.state != ApplicationState.WITHDRAWN
    )
    begun = {
        row.organisation_id: row for row in db.session.execute(here.where(Application.organisation_id.in_(wanted)))
    }
    rows = db.session.execute(
        select(Organisation.id, Organisation.name)
        .where(Organisation.id.in_(wanted))
        .order_by(Organisation.sort_key, Organisation.id)
    )
    return [
        Candidate(row.id, row.name, begun[row.id].id, begun[row.id].reference)
        if row.id in begun
        else Candidate(row.id, row.name, None, None)
        for row in rows
    ]


def current(call_id: UUID, organisation_id: UUID) -> Application | None:
    """The application of an organisation to a call, unless withdrawn."""
    return db.session.scalar(
        select(Application)
        .where(
            Application.call_id == call_id,
            Application.organisation_id == organisation_id,
            Application.state != ApplicationState.WITHDRAWN,
        )
        .order_by(Application.created_at, Application.id)
        .limit(1)
    )


# ---- the story as the applicant reads it -----------------------------------------------------------------------------

_EVENTS: dict[str, tuple[LazyString, str]] = {
    "application.started": (_l("Brouillon commencé"), "neutral"),
    "application.submit": (_l("Dossier déposé, reçu envoyé"), "good"),
    "application.request_piece": (_l("Une pièce vous a été demandée"), "warn"),
    "application.complete": (_l("Pièce envoyée"), "info"),
    "application.accept": (_l("Dossier déclaré recevable"), "good"),
    "application.exclude": (_l("Dossier déclaré irrecevable"), "bad"),
    "application.award": (_l("Soutien accordé"), "good"),
    "application.decline": (_l("Dossier non retenu"), "neutral"),
    "application.withdraw": (_l("Dossier retiré"), "neutral"),
}


def story_of(application: Application) -> list[dict[str, Any]]:
    """What happened to an application, latest first, without anything the fund keeps to itself."""
    told = [
        {"at": line.at, "title": str(_EVENTS[line.event][0]), "tone": _EVENTS[line.event][1]}
        for line in journal.of_dossier(application.id)
        if line.event in _EVENTS
    ]
    return told[::-1]


# ---- the receipt ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Receipt:
    """The proof of reception (CRPA, art. L112-3, L112-11, R112-5), in the reader's language."""

    reference: str
    title: str
    organisation: str
    call: str
    submitted_at: datetime
    digest: str
    files: Sequence[Content]
    text: str
    complete: bool
    completeness: str
    lacking: Sequence[str]
    silence: str
    remedies: Sequence[tuple[str, str]]
    service: Sequence[tuple[str, str]]


def receipt_of(application: Application) -> Receipt:
    """The receipt of a submitted application. Raises LookupError for a draft."""
    content = content_of(application.id)
    call, fund = application.call, application.call.fund
    submitted_at: datetime = content["submitted_at"]
    values = {
        "address": fund.service_address,
        "association": content["organisation"]["name"],
        "body": fund.body_name,
        "call": in_words_of(call, "title"),
        "court": in_words_of(fund, "court"),
        "email": fund.service_email,
        "phone": fund.service_phone,
        "reference": str(application.reference),
        "service": fund.service_name,
        "silence_on": day(application.silence_on),
        "submitted_at": instant(submitted_at),
        "title": content["project"]["title"],
    }
    lacking = [
        in_words_of_dict(piece, "label") for piece in content["pieces"] if piece["expected"] and not piece["files"]
    ]
    return Receipt(
        reference=str(application.reference),
        title=content["project"]["title"],
        organisation=content["organisation"]["name"],
        call=values["call"],
        submitted_at=submitted_at,
        digest=content["digest"],
        files=files_in(content),
        text=_configured("receipt", values),
        complete=not lacking,
        completeness=_completeness(lacking),
        lacking=lacking,
        silence=_configured("implicit_rejection", values),
        remedies=[(_title(code), _configured(code, values)) for code in ("remedy_gracious", "remedy_court")],
        service=[
            (_("Service"), fund.service_name),
            (_("Adresse"), fund.service_address),
            (_("Téléphone"), fund.service_phone),
            (_("Courriel"), fund.service_email),
        ],
    )


def _completeness(lacking: Sequence[str]) -> str:
    if not lacking:
        return _("Toutes les pièces attendues sont jointes.")
    return _("Des pièces attendues manquent. Elles n’empêchent pas l’examen du dossier ; elles vous seront demandées.")


def _configured(code: str, values: Mapping[str, str]) -> str:
    return rules.fill(in_words_of(programme.text_of_code(code), "body"), values)


def _title(code: str) -> str:
    return in_words_of(programme.text_of_code(code), "title")


def in_words_of_dict(row: Mapping[str, Any], name: str) -> str:
    """The text of a content's row in the reader's language."""
    english = row.get(f"{name}_en") if language() == "en" else None
    return str(english or row[name])


def files_in(content: Content) -> list[Content]:
    """Every file of a content, pieces first, with what it was given for."""
    found = [
        {**file, "given_for": in_words_of_dict(piece, "label")}
        for piece in content["pieces"]
        for file in piece["files"]
    ]
    found += [
        {**question["file"], "given_for": in_words_of_dict(question, "label")}
        for section in content["sections"]
        for question in section["questions"]
        if question.get("file")
    ]
    return found


def is_authentic(reference: str, digest: str) -> bool:
    """Whether a reference and a digest stand on the same receipt."""
    found = db.session.scalar(
        select(func.count())
        .select_from(ApplicationVersion)
        .join(Application, Application.id == ApplicationVersion.application_id)
        .where(
            Application.reference == reference,
            ApplicationVersion.digest == digest,
            Application.state.in_(SUBMITTED_STATES),
        )
    )
    return bool(found)


# ---- the closing put later -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class DraftOf:
    """A draft and the person who began it, as a letter needs them."""

    id: UUID
    title: str
    email: str
    locale: str


def drafts_with_author(call_id: UUID) -> list[DraftOf]:
    """The drafts of a call with their authors, the oldest first; closed accounts are left out."""
    rows = db.session.execute(
        select(Application.id, Application.title, Account.email, Account.locale)
        .join(Account, Account.id == Application.author_id)
        .where(Application.call_id == call_id, Application.state == ApplicationState.DRAFT, Account.active.is_(True))
        .order_by(Application.created_at, Application.id)
    )
    return [DraftOf(row.id, row.title, row.email, row.locale) for row in rows]


def told_of_extension(call_id: UUID) -> set[str]:
    """The keys of the letters already written about the later closing of a call."""
    kept = select(post.Letter.dedup).where(post.Letter.dedup.startswith(f"extension:{call_id}:", autoescape=True))
    return set(db.session.scalars(kept))


# ---- proofs --------------------------------------------------------------------------------------------------------


def problems() -> Iterator[str]:
    """For `grants verify`: frozen texts that no longer give their digest, numbers without one, euros split amiss."""
    frozen = (
        select(Application.reference, ApplicationVersion.number, ApplicationVersion.content, ApplicationVersion.digest)
        .join(Application, Application.id == ApplicationVersion.application_id)
        .order_by(Application.reference, ApplicationVersion.number)
    )
    for row in db.session.execute(frozen.execution_options(yield_per=200)):
        if rules.digest(row.content) != row.digest:
            yield _("Dossier %(reference)s : le texte déposé n’a plus son empreinte.", reference=row.reference)
    version = select(ApplicationVersion.id).where(ApplicationVersion.application_id == Application.id)
    unfrozen = select(Application.reference).where(Application.reference.is_not(None), ~version.exists())
    for reference in db.session.scalars(unfrozen.order_by(Application.reference)):
        yield _("Dossier %(reference)s : aucun texte déposé n’est conservé.", reference=reference)
    split = (
        select(Application.reference, Allocation.dimension)
        .join(Application, Application.id == Allocation.application_id)
        .group_by(Application.reference, Application.requested, Allocation.dimension)
        .having(func.sum(Allocation.amount) != Application.requested)
        .order_by(Application.reference, Allocation.dimension)
    )
    for reference, dimension in db.session.execute(split):
        yield _(
            "Dossier %(reference)s : la répartition « %(dimension)s » ne fait pas le montant demandé.",
            reference=reference, dimension=dimension,
        )  # fmt: skip
