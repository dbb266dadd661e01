"""The associations of the demonstration: they arrive, write their dossier page by page, submit, answer, withdraw."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy import select

from grants.applications import actions, queries
from grants.applications.models import Application
from grants.applications.parts import PARTS
from grants.applications.parts.fields import Amount, Day, Field, RowTable, Scalar
from grants.applications.parts.part import DossierPart, Part
from grants.applications.parts.questions import QUESTIONS
from grants.applications.parts.vocabulary import AUDIENCE_LABELS, CLIMATE_LABELS, RATING_LABELS
from grants.applications.rules import PaperDays
from grants.calls import actions as call_actions
from grants.calls import queries as calls
from grants.calls.models import Call, PublicQuestion, QuestionKind
from grants.demo.content import WrittenDossier
from grants.demo.context import Context, Span
from grants.documents import actions as documents
from grants.documents.rules import DocumentDates
from grants.kernel import clock
from grants.kernel.actor import Actor
from grants.kernel.db import db
from grants.kernel.encryption import decrypt
from grants.kernel.money import Money
from grants.kernel.outbox import Letter
from grants.messages import actions as messages
from grants.messages.models import Message
from grants.people import actions as people
from grants.people.models import MemberRole, Organisation
from grants.programme import queries as programme
from grants.programme.models import Commune

# The parts whose fields stand in a written dossier under their own names.
DECLARED = frozenset({Part.PEOPLE, Part.CLIMATE, Part.PARTNERS, Part.CALENDAR, Part.INDICATORS})
UNSIGNED = ("bank_account", "privacy")  # what the nearly complete draft still has to declare
SESSIONS = (
    (Part.PROJECT, Part.AXES, Part.TERRITORY),
    (Part.PEOPLE, Part.CLIMATE, Part.PARTNERS, Part.CALENDAR, Part.INDICATORS),
    ("questions",),
    (Part.BUDGET,),
)  # the evenings on which a dossier is written


class Applicant:
    """An association and its dossier: what it does, act by act."""

    def __init__(self, context: Context, dossier: WrittenDossier, place: int, of: int) -> None:
        self.context, self.dossier, self.place, self.of = context, dossier, place, of
        self.organisation: Organisation | None = None
        self._application_id: UUID | None = None
        self._last: Message | None = None
        self._question: PublicQuestion | None = None

    # ---- what it stands on -----------------------------------------------------------------------------------------

    @property
    def call(self) -> Call:
        """The call it answers."""
        return self.context.calls[self.dossier.call]

    @property
    def application(self) -> Application:
        """The dossier as it is now."""
        return db.session.get_one(Application, self._application_id)

    @property
    def members(self) -> list[dict[str, Any]]:
        """Those who act for it, the first responsible."""
        return self.dossier.rows("members")

    @property
    def is_on_paper(self) -> bool:
        """Whether its dossier came by post: a manager enters it."""
        return bool(self.dossier.part("paper"))

    def actor(self, place: int = 0) -> Actor:
        """A member as the rules see them; who enters a dossier that came on paper."""
        if self.is_on_paper:
            return self.context.actor("manager_2")
        return self.context.actor(self.members[min(place, len(self.members) - 1)]["email"])

    # ---- when ------------------------------------------------------------------------------------------------------

    def schedule(self) -> None:
        """Put the writing, and the submission if there is one, into the script."""
        script, span = self.context.script, self._span()
        arrives = span.opens + 1 + (span.closes - span.opens) * self.place // (2 * self.of)
        ends = self._last_day(span)
        evenings = [arrives + 1 + (ends - arrives - 2) * step // len(SESSIONS) for step in range(len(SESSIONS))]
        if self.is_on_paper:
            script.add(script.at(arrives, 9, 5 + self.place), self.come_by_post)
        else:
            script.add(script.at(arrives, 18, 5 + self.place), self.arrive)
            script.add(script.at(arrives, 18, 40), self.invite)
        for evening, parts in zip(evenings, SESSIONS, strict=True):
            self._evening(evening, parts)
        if not self.dossier.is_draft:
            minute = 12 + 3 * self.place
            script.add(script.at(ends, 15, minute), self.attach)
            script.add(script.at(ends, 15, minute + 4), self.sign)
            if self.dossier.part("approval"):
                script.add(script.at(ends, 15, minute + 8), self.approve)
            script.add(script.at(ends, 16, minute, 12), self.submit)
        elif self.dossier.rows("budget"):
            script.add(script.at(ends, 18, 20), self.attach)
            script.add(script.at(ends, 18, 40), self.sign)
        if self.dossier.call == "open" and not self.is_on_paper:
            script.add(script.at(ends, 18, 50), self.keep_documents)
        if self.dossier.part("question"):
            script.add(script.at(arrives + 1, 12, 20), self.ask)
            script.add(script.at(arrives + 2, 11, 35), self.be_answered)
        for row in self.dossier.rows("messages"):
            script.add(script.at(ends + row["day"], row["hour"], 5 + self.place), partial(self.exchange, row))

    def _span(self) -> Span:
        """The days of the call that are already over."""
        span = self.context.spans[self.dossier.call]
        return Span(span.opens, min(span.closes, -2))

    def _last_day(self, span: Span) -> int:
        """The day it is submitted, or last touched: spread over the last half, the last ones on the last day."""
        half = (span.closes - span.opens) // 2
        return span.opens + half + half * (self.place + 1) // self.of

    def _evening(self, day: int, parts: tuple[str, ...]) -> None:
        script, hour = self.context.script, 10 if self.is_on_paper else 20
        for turn, part in enumerate(parts):
            script.add(script.at(day, hour, 7 * turn + self.place), partial(self.write, part))

    # ---- arriving --------------------------------------------------------------------------------------------------

    def arrive(self) -> None:
        """The first member opens an account, makes the association known and begins a draft."""
        first = self.members[0]
        self.context.open_account(first["email"], name=first["name"], email=first["email"])
        self.organisation = people.create_organisation(self._facts(), by=self.actor())
        self._application_id = actions.start(self.call, self.organisation.id, by=self.actor()).id

    def come_by_post(self) -> None:
        """A manager makes the association known as its paper says, and begins to enter the dossier."""
        today = clock.today()
        days = PaperDays(today, today - timedelta(days=self.dossier.part("paper")["days_by_post"]))
        self.organisation = people.create_organisation(self._facts(), by=self.actor(), on_paper=True)
        scan = replace(self.context.document("activity_report"), name="dossier-papier.pdf")
        self._application_id = actions.begin_paper(self.call, self.organisation, days, scan, by=self.actor()).id

    def _facts(self) -> dict[str, Any]:
        organisation = self.dossier.part("organisation")
        values = {key: value for key, value in organisation.items() if key not in {"insee", "members"}}
        city = db.session.scalars(select(Commune.name).where(Commune.insee == organisation["insee"])).one()
        return values | {"city": city, "phone": "", "email": organisation["representative_email"], "year_end_month": 12}

    def invite(self) -> None:
        """The others are invited; they join the next morning."""
        script = self.context.script
        for turn, member in enumerate(self.members[1:]):
            invitation = people.invite(self._known(), member["email"], MemberRole.EDITOR, by=self.actor())
            self.context.open_account(member["email"], name=member["name"], email=member["email"])
            morning = clock.now() + timedelta(hours=14, minutes=turn)

            def join(email: str = member["email"], invitation: Any = invitation) -> None:
                people.accept(invitation, self.context.people[email], by=self.context.actor(email))

            script.add(morning, join)

    def _known(self) -> Organisation:
        if self.organisation is None:
            raise LookupError(f"{self.dossier.slug} has not arrived yet")
        return self.organisation

    # ---- writing ---------------------------------------------------------------------------------------------------

    def write(self, part: str) -> None:
        """Keep one page of the dossier; the last member to join writes the budget."""
        if part == "questions":
            for section, answers in self._answers():
                if answers:
                    actions.save_section(self.application, section, {"answers": answers}, by=self.actor())
            return
        values = self._values(part) if part in queries.section_codes(self.application) else None
        if values is not None:
            actions.save_section(self.application, part, values, by=self.actor(1 if part == Part.BUDGET else 0))

    def _values(self, part: str) -> dict[str, Any] | None:
        """A page's values as its form would give them, None when the association wrote nothing there."""
        if part in DECLARED:
            return self._declared(PARTS[part])
        match part:
            case Part.PROJECT:
                return self._project()
            case Part.AXES:
                return self._axes()
            case Part.TERRITORY:
                axes = self.dossier.part("axes")
                areas = set(axes.get("areas", ()))
                chosen = [str(row.id) for row in programme.priority_areas() if row.name in areas]
                if len(chosen) < len(areas):
                    raise LookupError(f"{self.dossier.slug}: an unknown neighbourhood among {sorted(areas)}")
                return {"communes": axes["communes"], "areas": chosen}
            case Part.BUDGET:
                return self._budget()
        raise KeyError(part)

    def _after(self, days: int) -> date:
        """A day of the project, counted from the closing."""
        return self.context.script.day(self.context.spans[self.dossier.call].closes + days)

    def _project(self) -> dict[str, Any]:
        project = self.dossier.part("project")
        offered = {row.instrument.code: row for row in calls.instruments_of(self.call.id)}
        starts_on = self._after(project["starts_after_days"])
        return {
            "title": project["title"],
            "summary": project.get("summary", ""),
            "instrument": str(offered[project["instrument"]].instrument_id),
            "requested": _money(project["requested"]),
            "starts_on": starts_on,
            "ends_on": starts_on + timedelta(days=project["duration_days"]),
        }

    def _axes(self) -> dict[str, Any]:
        axes, framework_id = self.dossier.part("axes"), self.call.framework_id
        return {
            "shares": {str(row.id): axes.get(row.code, 0) for row in programme.axes(framework_id)},
            "actions": [str(row.id) for row in programme.actions(framework_id) if row.number in axes["actions"]],
            "fields": [str(row.id) for row in programme.fields(framework_id) if row.code in axes["fields"]],
            "plans": [str(row.id) for row in programme.plans(framework_id) if row.code in axes["plans"]],
        }

    def _declared(self, part: DossierPart) -> dict[str, Any] | None:
        """The values of a declared part, from the tables of the written dossier that carry its names."""
        group = self.dossier.part(part.group) if part.group else {}
        values: dict[str, Any] = {}
        for field in (*part.columns, *part.tables):
            if isinstance(field, Field):
                values[field.name] = self._read(field, group)
                continue
            rows = [{one.name: self._read(one, row) for one in field.columns} for row in self.dossier.rows(field.place)]
            if isinstance(field, RowTable):
                values[field.name] = rows
            else:
                values[field.name] = {row[field.code.name]: field.value(row) for row in rows}
        return values if any(values.values()) else None

    def _read(self, field: Field, row: Mapping[str, Any]) -> Scalar:
        """A field as it is written: amounts in euros, days counted from the closing."""
        if isinstance(field, Day):
            return self._after(row["after_days"])
        value: Scalar = row.get(field.name, field.blank)
        return Money.euros(value) if isinstance(field, Amount) and isinstance(value, int) else value

    def _budget(self) -> dict[str, Any] | None:
        lines = [
            {
                "account": row["account"],
                "label": row["label"],
                "status": row.get("status"),
                "amount": Money.euros(row["amount"]),
            }
            for row in self.dossier.rows("budget")
            if not row.get("request")
        ]
        return {"lines": lines} if lines else None

    def _answers(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """The answers, page by page, keyed by question as a form gives them."""
        answers = {**self._in_short(), **self.dossier.part("answers")}
        if "project" in answers:
            answers["started_on"] = self._after(self.dossier.part("project")["starts_after_days"]).isoformat()
        for section in calls.sections_of(self.call.id):
            page = f"{QUESTIONS}{section.code}"
            given: dict[str, Any] = {}
            for question in queries.questions_on(self.application, page):
                value = answers.get(question.code)
                if value is not None:
                    given[str(question.id)] = _answer(question.kind, value)
            yield page, given

    def _in_short(self) -> dict[str, str]:
        """What the short forms of the pages on people and on the climate say, from what was written for the long ones."""
        if not self.dossier.part("answers"):
            return {}
        people = [f"{AUDIENCE_LABELS[row['kind']]}\u00a0: {row['number']}. {row.get('detail', '')}".strip()
                  for row in self.dossier.rows("audiences")]  # fmt: skip
        people += [row["text"] for row in self.dossier.rows("justice")]
        climate = [f"{CLIMATE_LABELS[row['axis']]}\u00a0: {str(RATING_LABELS[row['rating']]).lower()}. "
                   f"{row.get('proof', '')}".strip() for row in self.dossier.rows("climate")]  # fmt: skip
        return {"people_reached": _fitting(people, 800), "climate_short": _fitting(climate, 1200)}

    # ---- submitting ------------------------------------------------------------------------------------------------

    def attach(self) -> None:
        """Give the documents; the ones that are not given can be asked for later."""
        given = ["accounts", "activity_report", "bank_details"]
        if self.dossier.state == "submitted" and self.dossier.call == "review":
            given = ["accounts"]
        if self._authority() == "mandate":
            given.append("mandate")
        by_code = {piece.code: piece for piece in calls.pieces_of(self.call.id)}
        for code in given:
            actions.add_file(self.application, by_code[code], self.context.document(code), by=self.actor())

    def keep_documents(self) -> None:
        """Keep some documents for the next dossiers; the report is valid until the next general meeting."""
        day = self.context.script.day
        dates = {
            "statutes": DocumentDates(day(-900)),
            "accounts": DocumentDates(day(-190)),
            "activity_report": DocumentDates(day(-190), day(20)),
        }
        for code, told in dates.items():
            document = self.context.document(code)
            documents.keep(self._known().id, code, document, dates=told, by=self.actor())

    def _authority(self) -> str:
        organisation = self.dossier.part("organisation")
        return "representative" if self.members[0]["name"] == organisation["representative_name"] else "mandate"

    def sign(self) -> None:
        """Make the declarations one by one."""
        left = UNSIGNED if self.dossier.is_draft else ()
        choices = {"authority_to_sign": self._authority()}
        made = {
            str(row.id): choices.get(row.code, row.choices[0]["code"] if row.choices else "yes")
            for row in calls.statements_of(self.call.id)
            if row.code not in left
        }
        actions.save_section(self.application, Part.STATEMENTS, {"choices": made}, by=self.actor())

    def approve(self) -> None:
        """The legal representative reads by the link, and approves with the code."""
        application = self.application
        approval = actions.ask_approval(application, by=self.actor())
        secret = _last_secret(application, "applications_approval")
        actions.send_code(approval, secret)
        code, read = _last_secret(application, "applications_approval_code"), queries.digest_to_read(application)
        actions.decide_approval(approval, secret, code=code, read=read, is_approved=True, word="Bien relu, merci.")

    def submit(self) -> None:
        """Submit for good; raises InvalidError, naming what the written dossier lacks."""
        actions.submit(self.application, by=self.actor(), received_at=clock.now())

    def exchange(self, row: Mapping[str, Any]) -> None:
        """The association or the manager writes; whoever answers has read what came before."""
        by = self.context.actor("manager") if row["from_fund"] else self.actor()
        if self._last is not None:
            messages.say_read(self._last, by=by)
        self._last = messages.write(self.application, row["text"].strip(), by=by)

    def ask(self) -> None:
        """Put a question about the call."""
        self._question = call_actions.ask(self.call, self.dossier.part("question")["text"].strip(), by=self.actor())

    def be_answered(self) -> None:
        """The manager publishes it with its answer."""
        asked, said = self._question, self.dossier.part("question")
        if asked is not None and "answer" in said:
            call_actions.settle(
                asked, wording=said["wording"].strip(), answer=said["answer"].strip(), is_published=True,
                version=asked.version, by=self.context.actor("manager"),
            )  # fmt: skip

    def withdraw(self) -> None:
        """Give up, and say why."""
        actions.withdraw(self.application, reason=self.dossier.part("withdrawal")["reason"], by=self.actor())


def _answer(kind: QuestionKind, value: Any) -> Any:
    if kind is QuestionKind.LONG:
        return value.strip()
    return value * 100 if kind is QuestionKind.MONEY else value


def _money(euros: int | None) -> Money | None:
    return None if euros is None else Money.euros(euros)


def _fitting(lines: Sequence[str], limit: int) -> str:
    """The first lines, as many as fit in so many characters."""
    kept: list[str] = []
    for line in lines:
        if len("\n".join([*kept, line])) <= limit:
            kept.append(line)
    return "\n".join(kept)


def _last_secret(application: Application, kind: str) -> str:
    """The secret of the last letter of a kind about a dossier, as whoever received it reads it."""
    db.session.flush()
    wanted = select(Letter).where(Letter.dossier_id == application.id, Letter.kind == kind)
    letter = db.session.scalars(wanted.order_by(Letter.created_at.desc()).limit(1)).one()
    if letter.secret is None:
        raise LookupError(f"the letter {kind} holds no secret")
    return decrypt(letter.secret)
