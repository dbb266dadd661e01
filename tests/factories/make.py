"""The one maker: `make.application(state=…)` and its like; each call is one committed transaction."""

import itertools
import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy import select

from grants.applications import actions as applications
from grants.applications import queries as application_queries
from grants.applications.lifecycle import ApplicationState
from grants.applications.models import Application
from grants.applications.rules import QUESTIONS, Part, is_asked
from grants.calls import actions as calls
from grants.calls import queries as call_queries
from grants.calls.lifecycle import CallState
from grants.calls.models import Call, Criterion, Question, QuestionKind
from grants.deliberation.lifecycle import MeetingState
from grants.deliberation.models import Decision, Meeting, Recommendation, Verdict
from grants.kernel import clock, journal
from grants.kernel.actor import Actor, system
from grants.kernel.db import db, unit_of_work
from grants.kernel.money import Money
from grants.people import queries as people
from grants.people.models import Account, Appointment, College, LegalForm, MemberRole, Membership, Organisation, Role
from grants.programme import queries as programme
from grants.reviewing import actions as reviewing
from grants.reviewing.lifecycle import AssignmentState
from grants.reviewing.models import Assignment, Interest, InterestNature, Mark
from tests.factories import copies
from tests.factories.awards import AwardMaker

S = ApplicationState
SIRETS = itertools.count(1)


def luhn(digits: str) -> str:
    """The check digit that makes digits + it pass Luhn."""
    total = 0
    for index, character in enumerate(reversed(digits)):
        value = int(character) * (2 if index % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return str(-total % 10)


def siret(number: int) -> str:
    """A valid SIRET in a range of the tests' own: the demonstration's begin with 999, its volume with 990."""
    siren = f"998{number:05d}"
    siren += luhn(siren)
    nic = f"{siren}0001"
    return nic + luhn(nic)


class Make(AwardMaker):
    """Every maker; `make.by` acts for the application."""

    def __init__(self) -> None:
        self.by: Actor = system("tests")
        self._numbers = itertools.count(1)

    # ---- people ------------------------------------------------------------------------------------------------------

    def account(
        self,
        *roles: str,
        name: str | None = None,
        email: str | None = None,
        confirmed: bool = True,
        college: str | None = None,
        password: str | None = None,
    ) -> Account:
        """A person, perhaps with offices; the password hash is given as it is."""
        number = next(self._numbers)
        with unit_of_work() as session:
            account = Account(
                email=email or f"personne{number}@exemple.example",
                name=name or f"Personne {number}",
                password=password,
                fs_uniquifier=uuid4().hex,
                confirmed_at=clock.now() if confirmed else None,
                created_at=clock.now(),
            )
            session.add(account)
            session.flush()
            for role in roles:
                session.add(
                    Appointment(
                        account_id=account.id,
                        role=Role(role),
                        college=College(college) if college and role == "reviewer" else None,
                        since_on=date(2018, 1, 1),
                    )
                )
        return account

    def actor(self, *roles: str) -> Actor:
        """The actor of a new person with offices."""
        return self.actor_of(self.account(*roles))

    def actor_of(self, account: Account) -> Actor:
        """The actor of a person."""
        return people.actor_of(account)

    def organisation(self, *members: Account, name: str | None = None) -> Organisation:
        """An association; members become owners. Without members one owner is made."""
        number = next(SIRETS)
        members = members or (self.account(),)
        with unit_of_work() as session:
            organisation = Organisation(
                name=name or f"Association Exemple {number} (fictive)",
                siret=siret(number),
                rna=f"W69{number:07d}",
                legal_form=LegalForm.ASSOCIATION,
                purpose="Entraide de quartier",
                address="1 rue de l’Exemple",
                postcode="69003",
                city="Lyon",
                founded_on=date(2010, 1, 1),
                representative_name="Camille Exemple",
                representative_role="présidence",
                representative_email=f"presidence{number}@exemple.example",
                created_at=clock.now(),
                sort_key=f"ASSOCIATION EXEMPLE {number:06d}",
            )
            session.add(organisation)
            session.flush()
            for account in members:
                session.add(
                    Membership(
                        account_id=account.id,
                        organisation_id=organisation.id,
                        role=MemberRole.OWNER,
                        since_at=clock.now(),
                    )
                )
        return organisation

    def member_of(self, organisation: Organisation) -> Account:
        """The first member of an organisation."""
        found = db.session.scalars(
            select(Account).join(Membership).where(Membership.organisation_id == organisation.id)
        ).first()
        assert found is not None
        return found

    # ---- calls -------------------------------------------------------------------------------------------------------

    def call(
        self,
        *,
        state: CallState = CallState.OPENED,
        closes_at: datetime | None = None,
        opens_at: datetime | None = None,
        envelope: Money | None = None,
        code: str | None = None,
        left_out: Mapping[str, Sequence[str]] | None = None,
        put_to: Mapping[str, Sequence[str]] | None = None,
        is_short: bool = False,
    ) -> Call:
        """A call made from the reference files; open now unless told otherwise.

        It asks the same of every instrument, but for what is left out of some and for questions put to some alone; with
        `is_short`, it asks what the reference files say.
        """
        number = next(self._numbers)
        at = clock.now()
        with unit_of_work():
            call = calls.create_from_reference(
                programme.fund(),
                programme.frameworks()[0],
                code=code or f"FIS-{number:04d}",
                title=f"Appel à projets {number}",
                opens_at=opens_at or at - timedelta(days=20),
                closes_at=closes_at or at + timedelta(days=10),
                envelope=envelope or Money.euros(300_000),
                by=self.by,
            )
            if not is_short:
                self._ask(call, left_out or {}, put_to or {})
        if state is not CallState.DRAFT:
            with unit_of_work():
                call.opened_at = call.opens_at
                call.state = state
        return call

    def _ask(self, call: Call, left_out: Mapping[str, Sequence[str]], put_to: Mapping[str, Sequence[str]]) -> None:
        """Say what a call asks, whatever its reference files leave out."""
        for row in call_queries.instruments_of(call.id):
            row.left_out = list(left_out.get(row.instrument.code, ()))
        for question in call_queries.questions_of(call.id):
            if "scale_up" in (question.instruments or ["scale_up"]):
                question.instruments = list(put_to.get(question.code, ()))
            else:
                db.session.delete(question)

    # ---- applications ------------------------------------------------------------------------------------------------

    def application(
        self,
        *,
        state: ApplicationState = S.DRAFT,
        call: Call | None = None,
        organisation: Organisation | None = None,
        requested: Money | None = None,
        title: str | None = None,
        complete: bool = True,
        instrument: str = "emergence",
        shares: Sequence[tuple[str, int]] = (("A1", 60), ("A4", 40)),
    ) -> Application:
        """An application with everything in it (unless complete=False), in the state asked for."""
        call = call or self.call()
        organisation = organisation or self.organisation()
        author = self.member_of(organisation)
        number = next(self._numbers)
        requested = requested or Money.euros(8_000)
        at = clock.now()
        begun = min(at, call.closes_at or at)
        with unit_of_work() as session:
            application = Application(
                call_id=call.id,
                organisation_id=organisation.id,
                author_id=author.id,
                state=S.DRAFT,
                created_at=begun,
                touched_at=begun,
            )
            session.add(application)
            session.flush()
            by = self.actor_of(author)
            heading = {"title": title or f"Projet d’exemple {number}", "summary": "Un été au frais pour les aînés."}
            self._write(application, by, heading, requested, instrument, shares if complete else None)
            if state is not S.DRAFT:
                applications.submit(application, by=by, received_at=begun)
        if state not in {S.DRAFT, S.SUBMITTED}:
            self._carry(application, state)
        return application

    def _write(
        self,
        application: Application,
        by: Actor,
        heading: dict[str, Any],
        requested: Money,
        instrument: str,
        shares: Sequence[tuple[str, int]] | None,
    ) -> None:
        """Fill the writing space page by page as a person would; without shares, the title and summary only."""
        today = clock.today()
        chosen = next(row for row in programme.instruments() if row.code == instrument)
        nothing = {"instrument": None, "requested": None, "starts_on": None, "ends_on": None}
        project = {
            "instrument": str(chosen.id),
            "requested": requested,
            "starts_on": today + timedelta(days=120),
            "ends_on": today + timedelta(days=420),
        }
        said = heading | (nothing if shares is None else project)
        pages: dict[str, Any] = {Part.PROJECT: said}
        if shares is not None:
            pages |= self._pages(application, shares, requested, instrument)
        kind = _kind(application, pages), call_queries.asked_of(application.call_id, chosen.id)
        copies.write(kind, application, heading["title"], pages, lambda: self._save(application, pages, by), by=by)

    def _save(self, application: Application, pages: dict[str, Any], by: Actor) -> None:
        for section, values in pages.items():
            if section in application_queries.section_codes(application):
                applications.save_section(application, section, values, by=by)

    def _pages(
        self, application: Application, shares: Sequence[tuple[str, int]], requested: Money, instrument: str
    ) -> dict[str, Any]:
        framework_id = application.call.framework_id
        axes = {axis.code: str(axis.id) for axis in programme.axes(framework_id)}
        own = requested if instrument == "development" else Money.euros(2_000)
        pages: dict[str, Any] = {
            Part.AXES: {
                "shares": {axes[code]: percent for code, percent in shares},
                "actions": [str(a.id) for a in programme.actions(framework_id) if a.number in {"13", "1.2"}],
                "fields": [str(f.id) for f in programme.fields(framework_id) if f.code == "C5"],
                "plans": [],
            },
            Part.TERRITORY: {"communes": ["69259", "69266"], "areas": []},
            Part.PEOPLE: {
                "audiences": {"older_people": (60, "")},
                "level": "co_designed",
                "text": "Les habitants choisissent les lieux et les horaires.",
                "justice": {"income": "Gratuit sous le seuil."},
            },
            Part.CLIMATE: {"effects": {"adaptation": ("favourable", "Relevés de température.")}},
            Part.CALENDAR: {"rows": [{"label": "Démarrage", "due_on": clock.today() + timedelta(days=120)}]},
            Part.INDICATORS: {"rows": [{"label": "Personnes accueillies", "unit": "personnes", "target": 60}]},
            Part.BUDGET: {
                "lines": [
                    {"account": "64", "label": "Animation", "status": None, "amount": requested + own},
                    {"account": "OWN", "label": "Fonds propres", "status": None, "amount": own},
                ]
            },
        }
        questions = call_queries.questions_of(application.call_id)
        answers = {question.code: _answer(question) for question in questions if question.required}
        for section in dict.fromkeys(question.section.code for question in questions):
            given = {
                str(q.id): answers[q.code]
                for q in questions
                if q.section.code == section and q.required and is_asked(q.asked_when, answers)
            }
            pages[f"{QUESTIONS}{section}"] = {"answers": given}
        statements = call_queries.statements_of(application.call_id)
        made = {str(s.id): s.choices[0]["code"] if s.choices else "yes" for s in statements if s.required}
        return pages | {Part.STATEMENTS: {"choices": made}}

    def _carry(self, application: Application, state: ApplicationState) -> None:
        """Take a submitted application to a later state."""
        at = clock.now()
        with unit_of_work():
            if state in {S.ELIGIBLE, S.INELIGIBLE, S.AWARDED, S.DECLINED}:
                application.screened_at = at
            if state is S.INELIGIBLE:
                application.screening_reason = "Projet hors du territoire."
            if state is S.WITHDRAWN:
                application.withdrawn_at = at
            self._move(application, state)

    def _move(self, application: Application, state: ApplicationState) -> None:
        """Give a state without its act, with a line of the journal that leads to it."""
        application.state = state
        journal.record("application.made", application, by=self.by, to=str(state))

    # ---- reviewing ---------------------------------------------------------------------------------------------------

    def assignment(
        self,
        application: Application,
        reviewer: Account | None = None,
        *,
        state: AssignmentState = AssignmentState.OFFERED,
        level: int | None = None,
        due_on: date | None = None,
    ) -> Assignment:
        """An assignment; submitted ones carry `level` (default 3) on every criterion."""
        reviewer = reviewer or self.account("reviewer")
        at = clock.now()
        declared = state not in {AssignmentState.OFFERED, AssignmentState.REMOVED}
        with unit_of_work() as session:
            assignment = Assignment(
                application_id=application.id,
                reviewer_id=reviewer.id,
                state=state,
                assigned_at=at,
                due_on=due_on,
                declared_at=at if declared else None,
                submitted_at=at if state is AssignmentState.SUBMITTED else None,
            )
            if declared:
                nature = InterestNature.MEMBER if state is AssignmentState.RECUSED else InterestNature.NONE
                session.add(
                    Interest(application_id=application.id, account_id=reviewer.id, nature=nature, declared_at=at)
                )
            if state is AssignmentState.SUBMITTED:
                criteria = session.scalars(select(Criterion).where(Criterion.call_id == application.call_id))
                assignment.marks = [Mark(criterion_id=c.id, level=3 if level is None else level) for c in criteria]
                assignment.committee_comment = "Projet solide."
                assignment.applicant_comment = "Un dossier clair et concret."
            session.add(assignment)
            if state is AssignmentState.SUBMITTED:
                reviewing.settle(application)
        return assignment

    def reviewed(self, application: Application, *levels: int) -> list[Assignment]:
        """One submitted review per level given."""
        return [
            self.assignment(application, state=AssignmentState.SUBMITTED, level=each) for each in levels or (3, 3, 3)
        ]

    # ---- deliberation ------------------------------------------------------------------------------------------------

    def meeting(self, call: Call, *, state: MeetingState = MeetingState.PREPARING) -> Meeting:
        """A meeting on a call, without recommendations."""
        at = clock.now()
        acted = state in {MeetingState.VOTED, MeetingState.PUBLISHED}
        with unit_of_work() as session:
            meeting = Meeting(
                call_id=call.id,
                title="Comité d’octobre",
                held_on=clock.today(),
                state=state,
                frozen_at=None if state is MeetingState.PREPARING else at,
                act_number="CP-2019-3620" if acted else None,
                act_on=clock.today() if acted else None,
                act_body="Commission permanente" if acted else None,
                published_at=at if state is MeetingState.PUBLISHED else None,
            )
            session.add(meeting)
        return meeting

    def recommendation(
        self, meeting: Meeting, application: Application, amount: Money | None = None, *, granted: bool = True
    ) -> Recommendation:
        """A recommendation of a meeting that is still preparing; reserves the amount."""
        amount = (amount or application.requested or Money(0)) if granted else Money(0)
        with unit_of_work() as session:
            recommendation = Recommendation(
                meeting_id=meeting.id,
                application_id=application.id,
                verdict=Verdict.FAVOURABLE if granted else Verdict.UNFAVOURABLE,
                amount=amount,
                reason="Le projet répond aux deux priorités du fonds.",
                made_by=self.account("manager").id,
                made_at=clock.now(),
            )
            session.add(recommendation)
            meeting.call.committed += amount
            meeting.call.fund.committed += amount
        return recommendation

    def decided(self, *applications: Application, granted: bool = True, published: bool = True) -> Meeting:
        """A meeting whose act decided these applications (all of one call)."""
        call = applications[0].call
        meeting = self.meeting(call)
        for application in applications:
            self.recommendation(meeting, application, granted=granted)
        at = clock.now()
        with unit_of_work() as session:
            meeting.frozen_at = at
            meeting.act_number, meeting.act_on, meeting.act_body = (
                "CP-2019-3620",
                clock.today(),
                "Commission permanente",
            )
            meeting.state = MeetingState.PUBLISHED if published else MeetingState.VOTED
            meeting.published_at = at if published else None
            call.marks_frozen_at = at
            for application in applications:
                assert application.requested is not None
                session.add(
                    Decision(
                        meeting_id=meeting.id,
                        application_id=application.id,
                        granted=granted,
                        amount=application.requested if granted else Money(0),
                        reason="Le projet répond aux deux priorités du fonds.",
                        decided_at=at,
                    )
                )
                if published:
                    self._move(application, S.AWARDED if granted else S.DECLINED)
            if published:
                call.results_published_at = at
        return meeting


def _kind(application: Application, pages: dict[str, Any]) -> str:
    """What two dossiers have in common when the same rows can be theirs: the same words but for the title."""
    questions = call_queries.questions_of(application.call_id)
    ids = {str(q.id): q.code for q in questions}
    ids |= {str(s.id): s.code for s in call_queries.statements_of(application.call_id)}
    said = {**pages, Part.PROJECT: {**pages[Part.PROJECT], "title": ""}}
    return re.sub("[0-9a-f-]{36}", lambda found: ids.get(found.group(), found.group()), repr(said))


def _answer(question: Question) -> Any:
    match question.kind:
        case QuestionKind.SHORT | QuestionKind.LONG:
            return "Une réponse précise, écrite par les bénévoles."
        case QuestionKind.CHOICE:
            return question.choices[0]["code"]
        case QuestionKind.CHOICES:
            return [question.choices[0]["code"]]
        case QuestionKind.NUMBER:
            return max(12, question.minimum or 0)
        case QuestionKind.MONEY:
            return 0
        case QuestionKind.DATE:
            return "2019-01-01"
        case QuestionKind.COMMUNES:
            return ["69259"]
        case QuestionKind.FILE:
            return None
