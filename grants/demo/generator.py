"""Generates invented applications for volume: each draw gives the rows of every table and the content that is frozen."""

import random
import tomllib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import takewhile
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from sqlalchemy import Table

from grants.applications import rules
from grants.applications.lifecycle import ApplicationState
from grants.applications.models import (
    Allocation,
    Answer,
    Application,
    ApplicationAddress,
    ApplicationVersion,
    AxisShare,
    BudgetLine,
    Dimension,
    Signature,
    application_action,
    application_area,
    application_commune,
    application_field,
    application_plan,
    model_of,
)
from grants.applications.parts import PARTS, asked_items
from grants.applications.parts.budget import LINES, Totals, is_in_kind, totals
from grants.applications.parts.fields import Content, PerCode, Scalar
from grants.applications.parts.part import Part
from grants.applications.parts.questions import answer_details, is_asked
from grants.applications.queries.content import both_languages, organisation_content
from grants.applications.rules import search_key_of
from grants.calls.models import QuestionKind
from grants.calls.rules import EVERYTHING, Asked
from grants.kernel import clock, journal
from grants.kernel.actor import Actor
from grants.kernel.money import Money
from grants.kernel.pages import money
from grants.kernel.search import search_key
from grants.people.models import Account, LegalForm, MemberRole, Membership, Organisation
from grants.programme.models import FundingForm
from grants.reviewing.lifecycle import AssignmentState
from grants.reviewing.models import Assignment, Interest, InterestNature, Mark, Standing
from grants.reviewing.rules import Grid, Marks, hundredths, result
from grants.screening.models import Finding

TableRow = dict[str, Any]
RowsByTable = dict[Table, list[TableRow]]
S = ApplicationState
REFUSAL = "no_double_request"
TABLES_BY_PART = [(part, table) for part in PARTS.values() for table in part.tables if table is not LINES]
REASON = "Dossier inventé : déclaré irrecevable pour éprouver le système."
NOTE = "Tiré au sort."


def texts_of_volume() -> dict[str, Any]:
    """The themes and sentences applications are generated from."""
    return tomllib.loads((Path(__file__).parent / "volume.toml").read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Frame:
    """What is the same for every application of the call: rows of the call and of the reference data, as plain values.

    `model` is the content of an empty draft of the call: the shape in which every version is frozen. `asked` says by
    instrument what is asked, and which questions are not.
    """

    fund: Any
    call_id: UUID
    zone: ZoneInfo
    opens_at: datetime
    closes_at: datetime
    closes_on: date
    model: Content
    offered: Sequence[Any]
    asked: Mapping[str, tuple[Asked, frozenset[str]]]
    questions: Mapping[str, Any]
    statements: Sequence[Any]
    pieces: Sequence[Any]
    gates: Sequence[Any]
    criteria: Sequence[UUID]
    grid: Grid
    axes: Mapping[str, Any]
    actions: Sequence[Any]
    fields: Sequence[Any]
    plans: Sequence[Any]
    communes: Sequence[Any]
    areas: Sequence[Any]
    accounts: Mapping[str, Any]
    manager: Any
    finance: Any
    checker: Any
    officer: Any
    reviewers: Sequence[Any]
    silence_months: int


@dataclass(frozen=True)
class DrawnFacts:
    """What the committee and those who follow an award read of an application."""

    minimum: Money
    requested: Money
    total: Money
    is_advance: bool
    ends_on: date
    score: int | None
    budget: Sequence[TableRow]
    indicators: Sequence[TableRow]
    weights: Mapping[Dimension, Sequence[tuple[UUID | None, int]]]


@dataclass(frozen=True)
class Generated:
    """One application, and what the journal tells of it besides its rows; `number` is that of its organisation."""

    number: int
    title: str
    application: Application
    author: Account
    organisation: Organisation
    started_at: datetime
    submitted_at: datetime | None
    digest: str
    decided_at: datetime | None
    gates: tuple[str, ...]
    assignments: tuple[tuple[Assignment, Any], ...]
    facts: DrawnFacts | None


class Generator:
    """Draws applications one after the other; the same seed and frame draw the same ones.

    Of a past call every dossier was decided, and every eligible one read by three people.
    """

    def __init__(self, frame: Frame, seed: int, number: int, *, is_past: bool = False) -> None:
        self.frame, self.number, self.is_past = frame, number, is_past
        self.rng = random.Random(f"volume {seed} {frame.model['call']['code']}")
        self.texts = texts_of_volume()
        self.rows: RowsByTable = defaultdict(list)
        self.has_review_under_way = False
        self.asked, self.unasked = EVERYTHING, frozenset[str]()

    @staticmethod
    def keys(seed: int) -> Iterator[UUID]:
        """Keys for what stands around the applications, drawn apart from theirs."""
        rng = random.Random(f"volume call {seed}")
        while True:
            yield UUID(int=rng.getrandbits(128), version=4)

    # ---- one application -------------------------------------------------------------------------------------------

    def generate(self, place: int, organisation_number: int, next_reference: int) -> Generated:
        """Draw the application at a place; `next_reference` is the number it takes if it is submitted."""
        frame, rng = self.frame, self.rng
        theme, commune = rng.choice(self.texts["themes"]), rng.choice(frame.communes)
        weights = (12, 0, 76, 12) if self.is_past else (15, 20, 55, 10)
        state = rng.choices((S.DRAFT, S.SUBMITTED, S.ELIGIBLE, S.INELIGIBLE), weights)[0]
        received_at = self._received_at(place)
        started_at = received_at - timedelta(days=rng.randint(2, 10), minutes=rng.randint(0, 500))
        author, organisation = self._association(organisation_number, theme, commune, started_at)
        is_submitted = state is not S.DRAFT
        application = Application(
            id=self.key(),
            call_id=frame.call_id,
            organisation_id=organisation.id,
            author_id=author.id,
            state=state,
            reference=self._reference(next_reference) if is_submitted else None,
            submitted_at=received_at if is_submitted else None,
        )
        content = self._content(application, author, organisation, theme, commune, received_at)
        digest = self._freeze(application, content, author, received_at) if is_submitted else ""
        decided_at, gates = self._screen(application)
        self.rows[table_of(Application)].append(
            self._application_row(application, content, organisation, started_at, received_at, decided_at)
        )
        assignments = self._review(application)
        return Generated(
            number=organisation_number,
            title=content["project"]["title"],
            application=application,
            author=author,
            organisation=organisation,
            started_at=started_at,
            submitted_at=application.submitted_at,
            digest=digest,
            decided_at=decided_at,
            gates=gates,
            assignments=assignments,
            facts=self._facts(application, content) if state is S.ELIGIBLE else None,
        )

    def key(self) -> UUID:
        """The next key, drawn like everything else."""
        return UUID(int=self.rng.getrandbits(128), version=4)

    def _received_at(self, place: int) -> datetime:
        """Applications come in over the last four fifths of the call, the last one at the closing itself."""
        seconds = (self.frame.closes_at - self.frame.opens_at) // timedelta(seconds=1)
        return self.frame.opens_at + timedelta(
            seconds=seconds * (2 * self.number + 8 * (place + 1)) // (10 * self.number)
        )

    def _reference(self, number: int) -> str:
        return rules.reference(self.frame.fund.code, self.frame.closes_on.year, number)

    def _say(self, name: str, theme: TableRow, commune: Any) -> str:
        """A sentence of a kind, its placeholders filled."""
        return self._fill(self.rng.choice(self.texts["sentences"][name]), theme, commune)

    def _fill(self, text: str, theme: TableRow, commune: Any) -> str:
        values = {
            "place": commune.name,
            "public": theme["public"],
            "thing": theme["thing"],
            "unit": theme["unit"],
            "month": self.rng.choice(self.texts["months"]),
            "number": str(self.rng.randint(3, 40) * 10),
        }
        return rules.fill(text, values)

    # ---- who -------------------------------------------------------------------------------------------------------

    def _association(self, number: int, theme: TableRow, commune: Any, at: datetime) -> tuple[Account, Organisation]:
        rng, texts = self.rng, self.texts
        person = f"{rng.choice(texts['first_names'])} {rng.choice(texts['last_names'])}"
        name = f"{rng.choice(texts['names'])} {rng.choice(texts['nouns'])}, {commune.name} n° {number} (fictive)"
        email = f"association-{number}@volume.example"
        account = Account(id=self.key(), email=email, name=person)
        organisation = Organisation(
            id=self.key(), name=name, acronym="", siret=siret_of(number), rna=f"W699{number:06d}",
            legal_form=LegalForm.ASSOCIATION, purpose=theme["thing"], address=f"{rng.randint(1, 90)} rue de l’Essai",
            postcode=commune.postcodes.split()[0] if commune.postcodes else "69000", city=commune.name, website="", phone="",
            email=email, founded_on=date(rng.randint(1990, 2020), rng.randint(1, 12), 1), year_end_month=12,
            representative_name=person, representative_role="Présidence", representative_email=email,
        )  # fmt: skip
        self.rows[table_of(Account)].append({
            "id": account.id, "email": email, "name": person, "title": "", "password": None, "active": True,
            "fs_uniquifier": uuid4().hex, "confirmed_at": at, "locale": "fr", "created_at": at,
            "sort_key": search_key(person),
        })  # fmt: skip
        columns = [column.key for column in table_of(Organisation).columns]
        columns_of_row = {
            key: getattr(organisation, key) for key in columns if key not in {"version", "created_at", "sort_key"}
        }
        self.rows[table_of(Organisation)].append(
            {**columns_of_row, "version": 1, "created_at": at, "sort_key": search_key(name)}
        )
        self.rows[table_of(Membership)].append({
            "id": self.key(), "account_id": account.id, "organisation_id": organisation.id, "role": MemberRole.OWNER,
            "since_at": at, "version": 1,
        })  # fmt: skip
        return account, organisation

    # ---- what ------------------------------------------------------------------------------------------------------

    def _content(
        self, application: Application, author: Account, organisation: Organisation, theme: TableRow, commune: Any,
        at: datetime,
    ) -> Content:  # fmt: skip
        """Draw what the application says: its rows are kept, its content is returned as a version freezes it."""
        project = self._project(theme, commune)
        requested = Money(project["requested_cents"])
        budget = self._budget(application.id, requested, project)
        content: Content = {
            "format": self.frame.model["format"],
            "call": self.frame.model["call"],
            "fund": self.frame.model["fund"],
            "reference": application.reference,
            "submitted_at": _iso(application.submitted_at),
            "author": {"name": author.name},
            "organisation": organisation_content(organisation),
            "project": project,
            "budget": budget,
            **self._choices(application.id, theme, commune),
            **self._parts(application.id, theme, commune, date.fromisoformat(project["starts_on"])),
            "sections": self._answers(application.id, theme, commune, project),
            "left_out": sorted(self.asked.left_out),
        }
        content["pieces"] = self._pieces(content["sections"], "representative" if application.submitted_at else None)
        content["statements"] = self._statements(application, author, project, at)
        if application.submitted_at is not None:
            self._allocate(application.id, requested, content)
        return content

    def _project(self, theme: TableRow, commune: Any) -> TableRow:
        rng, frame = self.rng, self.frame
        offered = rng.choices(frame.offered, [60, 30, 10][: len(frame.offered)])[0]
        code: str = offered.instrument.code
        self.asked, self.unasked = frame.asked[code]
        low, high = offered.minimum.cents // 10_000, offered.maximum.cents // 10_000  # hundreds of euros
        requested = rng.randint(low, high) * 100
        floor = requested * 100 // (offered.max_rate or 100)
        total = -(-(floor + requested * rng.randint(5, 60) // 100) // 100) * 100
        starts_on = frame.closes_on + timedelta(days=rng.randint(80, 160))
        return {
            **PARTS[Part.PROJECT].plain({}),
            "title": f"{self._fill(theme['title'], theme, commune)}, {rng.choice(self.texts['tags'])} {rng.randint(2, 9)}",
            "summary": self._say("summary", theme, commune),
            "instrument": {
                "code": code,
                "name": offered.instrument.name,
                "name_en": offered.instrument.name_en,
                "form": str(offered.instrument.form.value),
                "minimum_cents": offered.minimum.cents,
                "maximum_cents": offered.maximum.cents,
                "max_rate": offered.max_rate,
            },
            "requested_cents": requested * 100,
            "total_cents": total * 100,
            "starts_on": starts_on.isoformat(),
            "ends_on": (starts_on + timedelta(days=rng.randint(180, 540))).isoformat(),
        }

    def _choices(self, application_id: UUID, theme: TableRow, commune: Any) -> Content:
        """Axes, actions, fields, plans and territory, linked and told."""
        rng, frame = self.rng, self.frame
        shares = [(axis, theme["axes"][code]) for code, axis in frame.axes.items() if code in theme["axes"]]
        for position, axis in enumerate(frame.axes.values()):
            percent = theme["axes"].get(axis.code)
            if percent:
                self._add(AxisShare, application_id, position, axis_id=axis.id, percent=percent)
        numbers = set(rng.sample(theme["actions"], rng.randint(1, len(theme["actions"]))))
        actions = [row for row in frame.actions if row.number in numbers and self.asked.has("axes.actions")]
        fields = [row for row in frame.fields if row.code in theme["fields"] and self.asked.has("axes.fields")]
        plans = [row for row in frame.plans if row.code in theme["plans"] and self.asked.has("axes.plans")]
        chosen = {commune.id, *(row.id for row in rng.sample(list(frame.communes), rng.randint(0, 2)))}
        communes = [row for row in frame.communes if row.id in chosen]
        areas = [rng.choice(frame.areas)] if frame.areas and rng.random() < 0.2 else []
        areas = areas if self.asked.has("territoire.areas") else []
        links: tuple[tuple[Table, str, Sequence[Any]], ...] = (
            (application_action, "action_id", actions), (application_field, "field_id", fields),
            (application_plan, "plan_id", plans), (application_commune, "commune_id", communes),
            (application_area, "area_id", areas),
        )  # fmt: skip
        for link, column, things in links:
            self.rows[link] += [{"application_id": application_id, column: thing.id} for thing in things]
        return {
            "axes": [
                {
                    "id": str(axis.id),
                    "code": axis.code,
                    **both_languages(axis, "title", "short"),
                    "colour": axis.colour,
                    "percent": percent,
                }
                for axis, percent in shares
            ],
            "actions": [
                {
                    "id": str(row.id),
                    "number": row.number,
                    **both_languages(row, "title"),
                    "axis": row.axis.code,
                    "orientation": row.orientation.code if row.orientation else None,
                }
                for row in actions
            ],
            "fields": [{"id": str(row.id), "code": row.code, **both_languages(row, "title")} for row in fields],
            "plans": [{"id": str(row.id), "code": row.code, **both_languages(row, "title")} for row in plans],
            "communes": [{"id": str(row.id), "insee": row.insee, "name": row.name} for row in communes],
            "areas": [{"id": str(row.id), "name": row.name, "commune": row.commune.name} for row in areas],
        }

    def _parts(self, application_id: UUID, theme: TableRow, commune: Any, starts_on: date) -> Content:
        """The people, the effects, the partners and the calendar, kept and told."""
        rng = self.rng
        reached = rng.randint(3, 60) * 10
        audience = {"kind": theme["kind"], "number": reached, "detail": ""}
        justice = [{"kind": kind, "text": self._say("justice", theme, commune)} for kind in theme["justice"]]
        ratings = rng.choices(("favourable", "mixed", "neutral"), (6, 3, 1), k=len(theme["climate"]))
        climate = [
            {"axis": axis, "rating": rating, "proof": self._say("proof", theme, commune)}
            for axis, rating in zip(theme["climate"], ratings, strict=True)
        ]
        partners = [
            {
                "name": self._fill(row["name"], theme, commune),
                "kind": row["kind"],
                "role": self._fill(row["role"], theme, commune),
                "committed": rng.random() < 0.7,
            }
            for row in rng.sample(self.texts["partners"], rng.randint(1, 3))
        ]
        milestones: list[dict[str, Scalar]] = [
            {"label": label, "due_on": starts_on + timedelta(days=days)}
            for label, days in (("Ouverture", 10), ("Premier bilan avec les participants", 90), ("Restitution", 170))
        ]
        indicators = [
            {"label": "Personnes touchées", "unit": "personnes", "target": reached},
            {"label": "Réalisations", "unit": theme["unit"], "target": rng.randint(2, 50) * 10},
        ]
        written: dict[str, list[dict[str, Scalar]]] = {
            "audiences": [audience], "justice": justice, "climate": climate, "partners": partners,
            "milestones": milestones, "indicators": indicators,
        }  # fmt: skip
        content: Content = {}
        for part, table in TABLES_BY_PART:
            rows = written[table.place] if self.asked.has(part.place_of(table)) else []
            if isinstance(table, PerCode):
                codes = asked_items(part, table, self.asked)
                rows = [row for row in rows if row[table.code.name] in codes]
            content[table.place] = [table.plain(row) for row in rows]
            for position, row in enumerate(rows):
                self._add(model_of(table), application_id, position, **row)
        level = rng.choice(("informed", "consulted", "co_designed", "co_governed"))
        said = {"level": level, "text": self._say("participation", theme, commune)}
        said = {name: said[name] for name in said if self.asked.has(f"{Part.PEOPLE}.{name}")}
        content["participation"] = PARTS[Part.PEOPLE].plain(said)
        return content

    def _budget(self, application_id: UUID, requested: Money, project: TableRow) -> Content:
        """A budget that balances, in whole euros: (side, account, label, amount, status, whether it is the request)."""
        rng, total = self.rng, Money(project["total_cents"])
        charges = _whole_parts(total, {"60": 25, "61": 10, "62": 20, "64": 40, "IND": 5})
        others = _whole_parts(total - requested, {"74": 50, "756": 20, "OWN": 30})
        lines: list[tuple[str, str, str, Money, str | None, bool]] = [
            ("resource", "74", self.frame.fund.body_name, requested, "requested", True)
        ]
        lines += [("charge", account, "", amount, None, False) for account, amount in charges]
        lines += [
            ("resource", account, "Commune (fictif)" if account == "74" else "", amount,
             "granted" if account == "74" else None, False)
            for account, amount in others
        ]  # fmt: skip
        if rng.random() < 0.4:
            given = Money.euros(rng.randint(5, 60) * 100)
            lines += [("charge", "864", "Bénévolat", given, None, False)]
            lines += [("resource", "870", "Bénévolat", given, None, False)]
        for position, (side, account, label, amount, status, is_request) in enumerate(lines, start=-1):
            self._add(
                BudgetLine, application_id, position, side=side, account=account, label=label,
                amount_cents=amount, funding_status=status, is_request=is_request,
            )  # fmt: skip
        found = totals((side, account, amount) for side, account, _label, amount, _status, _is_request in lines)
        return {
            **{
                f"{side}s": [self._line(*line[1:]) for line in lines if line[0] == side]
                for side in ("charge", "resource")
            },
            "totals": {f"{side}_cents": getattr(found, side).cents for side in Totals.__dataclass_fields__},
        }

    def _line(self, account: str, label: str, amount: Money, status: str | None, is_request: bool) -> TableRow:
        known = self.frame.accounts[account]
        return {
            **LINES.plain({"account": account, "label": label, "amount": amount, "status": status}),
            **both_languages(known, "title"),
            "is_request": is_request,
            "in_kind": is_in_kind(account),
        }

    # ---- answers, pieces, statements -------------------------------------------------------------------------------

    def _answers(self, application_id: UUID, theme: TableRow, commune: Any, project: TableRow) -> list[Content]:
        """The answers to the call's questions, in the shape of the empty draft."""
        values = self._values(theme, commune, project)
        sections: list[Content] = [
            {**section, "questions": [dict(row) for row in section["questions"] if row["code"] not in self.unasked]}
            for section in self.frame.model["sections"]
        ]
        sections = [section for section in sections if section["questions"]]
        for section in sections:
            for question_row in section["questions"]:
                question = self.frame.questions[question_row["code"]]
                question_row["asked"] = is_asked(question.asked_when, values)
                value = values.get(question.code)
                if value is None:
                    continue
                question_row |= {"value": value, **answer_details(question, value, {})}
                self.rows[table_of(Answer)].append({
                    "id": self.key(), "application_id": application_id, "question_id": question.id, "value": value,
                    "file_id": None,
                })  # fmt: skip
        return sections

    def _values(self, theme: TableRow, commune: Any, project: TableRow) -> TableRow:
        rng = self.rng
        first, economic = rng.random() < 0.8, rng.random() < 0.2
        values: TableRow = {
            "first_request": "yes" if first else "no",
            "economic_activity": "yes" if economic else "no",
            "volunteers": rng.randint(3, 90),
            "employees": rng.randint(0, 20),
            "members": rng.randint(10, 300),
            "started_on": project["starts_on"],
            "tariff": [rng.choice(("free", "pay_what_you_can", "income_based"))],
        }
        if economic:
            values["de_minimis_total"] = rng.randint(0, 40) * 100_000
        for code, question in self.frame.questions.items():
            wanted = question.kind in {QuestionKind.LONG, QuestionKind.SHORT} and code in self.texts["sentences"]
            if wanted and is_asked(question.asked_when, values):
                values[code] = self._say(code, theme, commune)
        return values

    def _pieces(self, sections: Sequence[Content], authority: str | None) -> list[Content]:
        """No document is given: their absence never stops a request. Which ones are due depends on the answers."""
        answers = {
            question_row["code"]: question_row["value"] for section in sections for question_row in section["questions"]
        }
        facts = {"has_rna": True, "first_request": answers["first_request"], "authority": authority}
        rule_of = {piece.code: piece.rule if piece.required else "" for piece in self.frame.pieces}
        return [
            {**row, "expected": rules.is_expected(rule_of[row["code"]], **facts)} for row in self.frame.model["pieces"]
        ]

    def _statements(self, application: Application, author: Account, project: TableRow, at: datetime) -> list[Content]:
        """Every declaration, made just before the submission; a draft has made none."""
        values = {
            "amount": money(Money(project["requested_cents"])),
            "title": project["title"],
            "body": self.frame.fund.body_name,
        }
        signed_at = at - timedelta(minutes=self.rng.randint(1, 30))
        statements = []
        for statement, row in zip(self.frame.statements, self.frame.model["statements"], strict=True):
            words = {key: rules.fill(getattr(statement, key), values) for key in ("text", "text_en")}
            if application.submitted_at is None:
                statements.append({**row, **words})
                continue
            choice = statement.choices[0]["code"] if statement.choices else "yes"
            self.rows[table_of(Signature)].append({
                "id": self.key(), "application_id": application.id, "statement_id": statement.id, "choice": choice,
                "signed_by": author.id, "signed_at": signed_at,
            })  # fmt: skip
            made = {"choice": choice, "signed_by": author.name, "signed_at": _iso(signed_at)}
            statements.append({**row, **words, **made, "chosen": statement.choices[0] if statement.choices else None})
        return statements

    def _facts(self, application: Application, content: Content) -> DrawnFacts:
        """What others read of an eligible application, from the rows it left last."""
        project, instrument = content["project"], content["project"]["instrument"]
        weights: dict[Dimension, list[tuple[UUID | None, int]]] = defaultdict(list)
        for row in self._rows_of(Allocation, application.id):
            weights[row["dimension"]].append((row["key_id"], row["weight"]))
        standing = self._rows_of(Standing, application.id)
        return DrawnFacts(
            minimum=Money(instrument["minimum_cents"]),
            requested=Money(project["requested_cents"]),
            total=Money(project["total_cents"]),
            is_advance=instrument["form"] == FundingForm.REPAYABLE_ADVANCE,
            ends_on=date.fromisoformat(project["ends_on"]),
            score=standing[0]["score"] if standing else None,
            budget=self._rows_of(BudgetLine, application.id),
            indicators=content["indicators"],
            weights=weights,
        )

    def _rows_of(self, model: Any, application_id: UUID) -> list[TableRow]:
        """The rows of a table that an application left, if it is the one generated last."""
        own = takewhile(lambda row: row["application_id"] == application_id, reversed(self.rows[table_of(model)]))
        return list(own)[::-1]

    # ---- after the submission --------------------------------------------------------------------------------------

    def _freeze(self, application: Application, content: Content, author: Account, at: datetime) -> str:
        text = rules.canonical(content)
        digest = rules.digest(text)
        self.rows[table_of(ApplicationVersion)].append({
            "id": self.key(), "application_id": application.id, "number": 1, "content": text, "digest": digest,
            "frozen_at": at, "frozen_by": author.id,
        })  # fmt: skip
        self.rows[table_of(ApplicationAddress)] += [
            {"application_id": application.id, "address": address} for address in sorted(rules.addresses_of(content))
        ]
        return digest

    def _allocate(self, application_id: UUID, requested: Money, content: Content) -> None:
        """The requested euros by dimension, split as the submission splits them."""
        orientations = {row.id: row.orientation_id for row in self.frame.actions}
        actions = [UUID(row["id"]) for row in content["actions"]]
        keys: dict[Dimension, Sequence[tuple[UUID | None, int]]] = {
            Dimension.AXIS: [(UUID(row["id"]), row["percent"]) for row in content["axes"]],
            Dimension.ACTION: rules.equally(actions),
            Dimension.ORIENTATION: rules.equally(orientations[key] for key in actions),
            Dimension.FIELD: rules.equally(UUID(row["id"]) for row in content["fields"]),
            Dimension.COMMUNE: rules.equally(UUID(row["id"]) for row in content["communes"]),
            Dimension.PLAN: rules.equally(UUID(row["id"]) for row in content["plans"]),
        }
        self.rows[table_of(Allocation)] += [
            {
                "application_id": application_id,
                "dimension": dimension,
                "key_id": key,
                "weight": weight,
                "amount_cents": part,
            }
            for dimension, weighted in keys.items()
            for key, weight, part in rules.allocate(requested, weighted)
        ]

    def _screen(self, application: Application) -> tuple[datetime | None, tuple[str, ...]]:
        """When the dossier was decided and the gates not met; every gate has its finding."""
        if application.state not in {S.ELIGIBLE, S.INELIGIBLE}:
            return None, ()
        rng, frame = self.rng, self.frame
        at = frame.closes_at + timedelta(days=rng.randint(2, 16), minutes=rng.randint(0, 300))
        refused = {REFUSAL} if application.state is S.INELIGIBLE else set()
        for gate in frame.gates:
            by_hand = not gate.computed or gate.code in refused
            self.rows[table_of(Finding)].append({
                "id": self.key(), "application_id": application.id, "gate_id": gate.id, "passed": gate.code not in refused,
                "note": NOTE if gate.code in refused else "", "found_by": frame.manager.id if by_hand else None,
                "found_at": at,
            })  # fmt: skip
        return at, tuple(gate.code for gate in frame.gates if gate.code in refused)

    def _review(self, application: Application) -> tuple[tuple[Assignment, Any], ...]:
        """Two eligible dossiers in five are given to three reviewers, and most reviews sent; in a past call, all."""
        rng, frame = self.rng, self.frame
        if application.state is not S.ELIGIBLE:
            return ()
        if not self.is_past and self.has_review_under_way and rng.random() >= 0.4:
            return ()
        made, reviews = [], []
        for reviewer in rng.sample(list(frame.reviewers), 3):
            state = self._reading_state()
            assignment = self._assignment(application, reviewer, state)
            made.append((assignment, reviewer))
            if state is AssignmentState.SUBMITTED:
                reviews.append(self._marks(assignment))
        if reviews:
            found = result(reviews, frame.grid)
            self.rows[table_of(Standing)].append(
                {"application_id": application.id, "score": hundredths(found.total), "reviews": found.reviews}
            )
        return tuple(made)

    def _reading_state(self) -> AssignmentState:
        """How far a reviewer is; of a call under way, the first review is always open."""
        if self.is_past:
            return AssignmentState.SUBMITTED
        if not self.has_review_under_way:
            self.has_review_under_way = True
            return AssignmentState.OPEN
        states = (AssignmentState.SUBMITTED, AssignmentState.OPEN, AssignmentState.OFFERED)
        return self.rng.choices(states, (8, 1, 1))[0]

    def _marks(self, assignment: Assignment) -> Marks:
        """A whole review: every criterion marked, now and then not applicable."""
        rng, marks = self.rng, {}
        merit = rng.randint(0, 2)
        for criterion_id in self.frame.criteria:
            level = marks[criterion_id] = None if rng.random() < 0.03 else rng.randint(merit, merit + 2)
            self.rows[table_of(Mark)].append({
                "id": self.key(), "assignment_id": assignment.id, "criterion_id": criterion_id, "points": level,
                "not_applicable": level is None,
            })  # fmt: skip
        return marks

    def _assignment(self, application: Application, reviewer: Any, state: AssignmentState) -> Assignment:
        rng, frame = self.rng, self.frame
        assigned_at = frame.closes_at + timedelta(days=18)
        declared_at = assigned_at + timedelta(days=rng.randint(1, 6), minutes=rng.randint(0, 600))
        submitted_at = declared_at + timedelta(days=rng.randint(1, 8), minutes=rng.randint(0, 600))
        is_opened, is_sent = state is not AssignmentState.OFFERED, state is AssignmentState.SUBMITTED
        assignment = Assignment(
            id=self.key(),
            application_id=application.id,
            reviewer_id=reviewer.id,
            state=state,
            assigned_at=assigned_at,
            declared_at=declared_at if is_opened else None,
            submitted_at=submitted_at if is_sent else None,
        )
        self.rows[table_of(Assignment)].append({
            "id": assignment.id, "application_id": application.id, "reviewer_id": reviewer.id, "state": state,
            "assigned_at": assigned_at, "due_on": frame.closes_on + timedelta(days=50),
            "declared_at": assignment.declared_at, "saved_at": assignment.submitted_at,
            "submitted_at": assignment.submitted_at, "version": 1,
            "committee_comment": self.texts["sentences"]["committee"][0] if is_sent else "",
            "applicant_comment": self.texts["sentences"]["applicant"][0] if is_sent else "",
        })  # fmt: skip
        if is_opened:
            self.rows[table_of(Interest)].append({
                "id": self.key(), "application_id": application.id, "account_id": reviewer.id,
                "nature": InterestNature.NONE, "text": "", "declared_at": declared_at,
            })  # fmt: skip
        return assignment

    # ---- rows ------------------------------------------------------------------------------------------------------

    def _add(self, model: Any, application_id: UUID, position: int, **values: Any) -> None:
        self.rows[table_of(model)].append(
            {"id": self.key(), "application_id": application_id, "position": position, **values}
        )

    def _application_row(
        self, application: Application, content: Content, organisation: Organisation, started_at: datetime,
        received_at: datetime, decided_at: datetime | None,
    ) -> TableRow:  # fmt: skip
        project, frame = content["project"], self.frame
        submitted = application.submitted_at is not None
        offered = next(row for row in frame.offered if row.instrument.code == project["instrument"]["code"])
        silence_on = clock.add_months(received_at.astimezone(frame.zone).date(), frame.silence_months)
        return {
            "id": application.id, "call_id": frame.call_id, "organisation_id": organisation.id,
            "author_id": application.author_id, "state": application.state, "reference": application.reference,
            "title": project["title"], "summary": project["summary"], "instrument_id": offered.instrument_id,
            "requested_cents": Money(project["requested_cents"]), "total_cents": Money(project["total_cents"]),
            "starts_on": date.fromisoformat(project["starts_on"]), "ends_on": date.fromisoformat(project["ends_on"]),
            "participation_level": content["participation"]["level"],
            "participation_text": content["participation"]["text"], "created_at": started_at,
            "touched_at": decided_at or received_at, "submitted_at": application.submitted_at,
            "silence_on": silence_on if submitted else None, "screened_at": decided_at,
            "screening_reason": REASON if application.state is S.INELIGIBLE else None,
            "withdrawn_at": None, "withdrawal_reason": None,
            "search_key": search_key_of(application.reference or "", project["title"], organisation) if submitted else "", "version": 1,
        }  # fmt: skip


def moved(before: str, after: str) -> dict[str, Any]:
    """What a line of the journal tells of a change of state."""
    return {"from": str(before), "to": str(after)}


def line(event: str, subject: Any, by: Actor, at: datetime, **facts: Any) -> Any:
    """A line of the journal about what happened at an instant."""
    return journal.line_of(event, subject, by, facts, at)


def table_of(model: Any) -> Table:
    """The table of a model."""
    found: Table = model.__table__
    return found


def siret_of(number: int) -> str:
    """A SIRET whose keys are right, in a range where nobody is: SIREN 99…, first establishment."""
    siren = _with_key(f"99{number:06d}")
    return _with_key(f"{siren}0001")


def _with_key(digits: str) -> str:
    """The digits followed by the one that makes them pass Luhn's test."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if place % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return f"{digits}{-total % 10}"


def _whole_parts(amount: Money, weights: Mapping[str, int]) -> list[tuple[str, Money]]:
    """An amount in whole euros split by weights into whole euros; what is nothing is left out."""
    parts = Money(amount.cents // 100).share(list(weights.values()))
    return [(key, Money(part.cents * 100)) for key, part in zip(weights, parts, strict=True) if part]


def _iso(value: date | datetime | None) -> str | None:
    return None if value is None else value.isoformat()
