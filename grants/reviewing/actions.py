"""Acts of reviewing: assign, remove, remind, declare, mark, submit. After the freeze every one of them is refused."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from uuid import UUID

from sqlalchemy import select

from grants.applications.lifecycle import ApplicationState
from grants.applications.models import Application
from grants.calls.actions import begin_examination
from grants.calls.models import Call
from grants.kernel import clock, journal
from grants.kernel.actor import Actor
from grants.kernel.db import db
from grants.kernel.errors import ConflictError, InvalidError, RefusedError
from grants.kernel.outbox import Letter
from grants.kernel.pages import instant
from grants.kernel.versions import conflict
from grants.kernel.words import _, in_words_of, n_
from grants.people.models import Account
from grants.reviewing import letters, queries, rules
from grants.reviewing.lifecycle import LIFECYCLE, AssignmentState
from grants.reviewing.models import Assignment, Interest, InterestNature, Mark, Standing
from grants.reviewing.rules import Draft, Grid, Marks

S = AssignmentState


def refuse_when_frozen(call_id: UUID) -> None:
    """Raise RefusedError once the marks of a call are frozen; holds the freeze back until this transaction ends."""
    frozen_at = db.session.scalar(select(Call.marks_frozen_at).where(Call.id == call_id).with_for_update(read=True))
    if frozen_at is not None:
        raise RefusedError(
            _("La délibération est close depuis le %(at)s. Les notes sont figées.", at=instant(frozen_at))
        )


# ---- the manager ---------------------------------------------------------------------------------------------------


@dataclass
class Assigned:
    """What came of an assignment of several at once: how many were made, existed, and who was left out for a link."""

    made: int = 0
    already: int = 0
    left_out: list[str] = field(default_factory=list)


def assign(
    call: Call, application_ids: Collection[UUID], reviewer_ids: Collection[UUID], *, due_on: date | None, by: Actor
) -> Assigned:
    """Give each reviewer each application, save where there is a link; one letter per reviewer.

    Pairs that exist are left as they are, removed ones are offered again. Raises InvalidError when the choice is empty
    or wrong, or when nothing is left of it; RefusedError after the freeze.
    """
    _hold(call)
    references = queries.assignable(call.id, application_ids, by)
    reviewers = {row.id: row for row in queries.reviewers_of(call.id)}
    _check_choice(call, set(application_ids) - set(references), set(reviewer_ids) - set(reviewers), due_on)
    existing = queries.existing_assignments(application_ids, reviewer_ids)
    links = queries.links_between(application_ids, reviewer_ids)
    outcome = Assigned()
    for reviewer_id in sorted(set(reviewer_ids)):
        linked = {one for one in application_ids if (one, reviewer_id) in links}
        outcome.left_out += [f"{reviewers[reviewer_id].name} · {references[one]}" for one in linked]
        _give(outcome, call, reviewer_id, sorted(set(application_ids) - linked), existing, due_on, by)
    if outcome.left_out and not outcome.made:
        raise InvalidError(
            _("Aucune affectation faite : un lien avec l’association est connu (%(pairs)s).", pairs=_listed(outcome)),
            field="reviewers",
        )
    return outcome


def accept(
    call: Call, pairs: Collection[tuple[UUID, UUID]], *, due_on: date | None, given: str, hidden: Collection[UUID],
    by: Actor,
) -> Assigned:  # fmt: skip
    """Make every assignment of a proposal, pairs (application, reviewer), or none; one letter per reviewer.

    Those that exist are left as they are. `given` is the digest of who read what when it was made, `hidden` the
    dossiers it leaves out. Raises InvalidError when nothing is chosen, when some have become impossible:
    facts["refused"] tells each in a line, and when somebody else assigned meanwhile; RefusedError after the freeze.
    """
    _hold(call)
    if not pairs:
        raise InvalidError(_("Cochez au moins une affectation."), field="pairs")
    application_ids, reviewer_ids = {one for one, _who in pairs}, {who for _one, who in pairs}
    _check_choice(call, set(), set(), due_on)
    refused = _impossible(call, pairs, by)
    if refused:
        raise InvalidError(
            n_("Rien n’a été affecté : %(num)d affectation n’est plus possible.",
               "Rien n’a été affecté : %(num)d affectations ne sont plus possibles.", len(refused)),
            field="pairs", refused=refused,
        )  # fmt: skip
    existing = queries.existing_assignments(application_ids, reviewer_ids)
    has_new = any(pair not in existing or existing[pair].state not in queries.SEEN for pair in pairs)
    if has_new and given != queries.given_digest(call.id, hidden):
        raise InvalidError(
            _("Les affectations ont changé depuis cette proposition : demandez-en une autre."), field="pairs"
        )
    outcome = Assigned()
    for reviewer_id in sorted(reviewer_ids):
        theirs = sorted(application_id for application_id, who in set(pairs) if who == reviewer_id)
        _give(outcome, call, reviewer_id, theirs, existing, due_on, by)
    return outcome


def _impossible(call: Call, pairs: Collection[tuple[UUID, UUID]], by: Actor) -> list[str]:
    """Why some of these pairs cannot be assigned now, a line each; what the person may not know of has no name."""
    application_ids, reviewer_ids = {one for one, _who in pairs}, {who for _one, who in pairs}
    references = queries.assignable(call.id, application_ids, by)
    names = {row.id: row.name for row in queries.reviewers_of(call.id)}
    links = queries.links_between(references, reviewer_ids)
    lines = []
    for application_id, reviewer_id in pairs:
        reference, name = references.get(application_id), names.get(reviewer_id)
        if reference is None:
            lines.append(_("Un dossier de la proposition n’est plus à évaluer."))
        elif name is None:
            lines.append(_("%(reference)s : une personne proposée ne siège plus.", reference=reference))
        elif (application_id, reviewer_id) in links:
            lines.append(_("%(reference)s, %(name)s : un lien est connu.", reference=reference, name=name))
    return sorted(set(lines))


def _hold(call: Call) -> None:
    """Hold the call while assignments are made, one person after the other; refused once its marks are frozen."""
    db.session.refresh(call, with_for_update=True)
    refuse_when_frozen(call.id)


def _give(
    outcome: Assigned, call: Call, reviewer_id: UUID, application_ids: Iterable[UUID],
    existing: Mapping[tuple[UUID, UUID], Assignment], due_on: date | None, by: Actor,
) -> None:  # fmt: skip
    """Give somebody these dossiers, save those they have, and write to them once."""
    new = 0
    for application_id in application_ids:
        found = existing.get((application_id, reviewer_id))
        if found is not None and found.state is not S.REMOVED:
            outcome.already += 1
        else:
            _offer(found, application_id, reviewer_id, due_on, by)
            new += 1
    if new:
        begin_examination(call)
        outcome.made += new
        letters.assigned(db.session.get_one(Account, reviewer_id), call, number=new, due_on=due_on)


def _check_choice(call: Call, strange_dossiers: set[UUID], strange_people: set[UUID], due_on: date | None) -> None:
    if strange_dossiers:
        raise InvalidError(_("Un des dossiers choisis n’est plus à évaluer. Rechargez la page."), field="applications")
    if strange_people:
        raise InvalidError(_("Une des personnes choisies ne siège plus. Rechargez la page."), field="reviewers")
    if due_on is not None and due_on < clock.today(call.fund.zone):
        raise InvalidError(_("Cette date est passée : choisissez un jour à venir."), field="due_on")


def _listed(outcome: Assigned) -> str:
    return " ; ".join(sorted(outcome.left_out))


def messages_of(outcome: Assigned) -> list[tuple[str, str]]:
    """What to tell the manager: (message, tone)."""
    said = [(n_("%(num)d affectation faite.", "%(num)d affectations faites.", outcome.made), "success")]
    if outcome.already:
        existed = n_("%(num)d existait déjà.", "%(num)d existaient déjà.", outcome.already)
        said.append((existed, "info"))
    if outcome.left_out:
        said.append((_("Laissées de côté, à cause d’un lien connu : %(pairs)s.", pairs=_listed(outcome)), "warning"))
    return said


def _offer(found: Assignment | None, application_id: UUID, reviewer_id: UUID, due_on: date | None, by: Actor) -> None:
    if found is not None:
        found.due_on, found.assigned_at = due_on, clock.now()
        journal.advance(LIFECYCLE, found, "offer_again", by=by, reviewer=reviewer_id)
        return
    assignment = Assignment(
        application_id=application_id, reviewer_id=reviewer_id, assigned_at=clock.now(), due_on=due_on, state=S.OFFERED
    )
    db.session.add(assignment)
    db.session.flush()
    journal.record("assignment.offered", assignment, by=by, reviewer=reviewer_id, due_on=due_on)


def remove(assignment: Assignment, *, by: Actor) -> None:
    """Take an assignment back before it is submitted, and tell its reviewer, unless a link keeps the file from them.

    Raises RefusedError after that, or after the freeze.
    """
    refuse_when_frozen(assignment.application.call_id)
    journal.advance(LIFECYCLE, assignment, "remove", by=by, reviewer=assignment.reviewer_id)
    if not queries.is_interested(assignment.reviewer_id, assignment.application_id):
        application = assignment.application
        letters.taken_back(assignment.reviewer, application.call, reference=application.reference or "")


def replace(assignment: Assignment, reviewer_id: UUID, *, due_on: date | None, by: Actor) -> None:
    """Take an assignment back and give the file to somebody else, in one act; both are written to.

    Raises InvalidError when the other cannot read it (a link, no seat, a review of theirs) or the day is over,
    RefusedError once the review is sent or the marks are frozen.
    """
    application = assignment.application
    call, pair = application.call, (application.id, reviewer_id)
    _hold(call)
    _check_choice(call, set(), set(), due_on)
    refused = _impossible(call, [pair], by)
    existing = queries.existing_assignments([application.id], [reviewer_id])
    if refused:
        raise InvalidError(" ".join(refused), field="reviewer")
    if pair in existing and existing[pair].state is not S.REMOVED:
        raise InvalidError(_("Cette personne évalue déjà ce dossier."), field="reviewer")
    remove(assignment, by=by)
    _give(Assigned(), call, reviewer_id, [application.id], existing, due_on, by)


def remind(call: Call, *, late_only: bool = False, by: Actor) -> int:
    """Write to each reviewer who still owes reviews, once a day at most; `late_only`, to those whose day is over.

    Returns how many letters were written to those who owe a review of a dossier that the person may know of.
    """
    db.session.execute(select(Call.id).where(Call.id == call.id).with_for_update())
    refuse_when_frozen(call.id)
    owing, late = (queries.remaining_by_reviewer(call.id, late_only=only) for only in (False, True))
    keys = {
        letters.dedup_of(account, call, letters.reminder_key()): account for account in (late if late_only else owing)
    }
    sent = set(db.session.scalars(select(Letter.dedup).where(Letter.dedup.in_(keys))))
    reminded = [account for key, account in keys.items() if key not in sent]
    for account in reminded:
        letters.reminder(account, call, number=owing[account], late=late.get(account, 0))
    if reminded:
        journal.record("assignment.reminded", call, by=by, reviewers=[account.id for account in reminded])
    seen = queries.remaining_by_reviewer(call.id, seen_by=by, late_only=late_only)
    return len(seen.keys() & set(reminded))


# ---- the reviewer --------------------------------------------------------------------------------------------------


def declare(assignment: Assignment, *, nature: InterestNature, text: str, by: Actor) -> None:
    """Keep the declaration: without a link the file opens; with one the person is recused, for good.

    A link declared after submission sets the review aside. Raises InvalidError when a link is not explained,
    RefusedError when the declaration was made already or the marks are frozen.
    """
    refuse_when_frozen(assignment.application.call_id)
    if nature is InterestNature.OTHER and not text:
        raise InvalidError(_("Dites en une phrase quel est ce lien."), field="text")
    verb = "declare_none" if nature is InterestNature.NONE else "recuse"
    assignment.declared_at = clock.now()
    journal.advance(LIFECYCLE, assignment, verb, by=by, nature=nature.value)
    db.session.add(
        Interest(
            application_id=assignment.application_id,
            account_id=assignment.reviewer_id,
            nature=nature,
            text=text,
            declared_at=clock.now(),
        )
    )
    if verb == "recuse":
        settle(assignment.application)


def tell_link(reference: str, nature: InterestNature, text: str, *, by: Actor) -> Application:
    """Keep a link that somebody with an office tells of, at any time: from now on the application is hidden from them.

    A review of theirs that is not frozen is set aside; after the freeze it stays, and what was decided with it. Raises
    InvalidError on the field at fault (reference, text).
    """
    application = queries.submitted_application(reference)
    if application is None or by.id is None:
        raise InvalidError(_("Aucun dossier déposé ne porte cette référence."), field="reference")
    if queries.is_interested(by.id, application.id):
        raise InvalidError(_("Ce lien est déjà connu : ce dossier ne vous est plus présenté."), field="reference")
    if nature is InterestNature.OTHER and not text:
        raise InvalidError(_("Dites en une phrase quel est ce lien."), field="text")
    held = select(Call.marks_frozen_at).where(Call.id == application.call_id).with_for_update(read=True)
    frozen_at = db.session.scalar(held)
    own = queries.open_assignment(application.id, by.id)
    if own is not None and frozen_at is None:
        declare(own, nature=nature, text=text, by=by)
        return application
    # After the freeze even when the clock went back since: the database takes nothing that would undo it.
    declared_at = clock.now() if frozen_at is None else max(clock.now(), frozen_at + timedelta(microseconds=1))
    interest = Interest(
        application_id=application.id, account_id=by.id, nature=nature, text=text, declared_at=declared_at
    )
    db.session.add(interest)
    db.session.flush()
    journal.record("interest.told", interest, by=by, nature=nature.value)
    return application


def record_marks(
    assignment: Assignment, reading: Draft, *, version: int | None, by: Actor, grid: Grid | None = None
) -> None:
    """Keep a draft, complete or not. `version` is the assignment's when the page was shown, `grid` the rubric if read.

    Raises RefusedError when the review was sent or the marks are frozen, ConflictError with both texts on a stale page,
    InvalidError on a mark off the scale.
    """
    _write(assignment, reading, version=version, by=by, grid=grid or queries.grid_of(assignment.application.call_id))


def submit(assignment: Assignment, reading: Draft, *, version: int | None, by: Actor, grid: Grid | None = None) -> None:
    """Send the review: every criterion marked or not applicable, both comments written. It cannot be changed after.

    Raises InvalidError whose facts["missing"] names each field left (criteria by id), else as `record_marks`.
    """
    _writable(assignment)
    grid = grid or queries.grid_of(assignment.application.call_id)
    missing: dict[str, str] = {
        criterion_id.hex: _("Choisissez un niveau, ou « sans objet ».")
        for criterion_id in rules.unmarked(reading.marks, grid)
    }
    if not reading.committee_comment:
        missing["committee_comment"] = _("Dites au comité, en quelques lignes, ce qui fonde vos notes.")
    if not reading.applicant_comment:
        missing["applicant_comment"] = _("Écrivez une phrase que l’association lira, quelle que soit la décision.")
    if missing:
        raise InvalidError(_("L’évaluation n’est pas complète : elle n’a pas été envoyée."), missing=missing)
    _write(assignment, reading, version=version, by=by, grid=grid)
    assignment.submitted_at = clock.now()
    journal.advance(LIFECYCLE, assignment, "submit", by=by)
    settle(assignment.application)


def settle(application: Application) -> None:
    """Keep what the reviews now come to; those who send at the same moment wait for one another."""
    db.session.flush()
    db.session.execute(select(Application.id).where(Application.id == application.id).with_for_update(key_share=True))
    found = queries.result_of(application)
    standing = db.session.get(Standing, application.id, populate_existing=True)
    if standing is None:
        standing = Standing(application_id=application.id)
        db.session.add(standing)
    standing.score, standing.reviews = rules.hundredths(found.total), found.reviews


def _writable(assignment: Assignment) -> None:
    refuse_when_frozen(assignment.application.call_id)
    if assignment.state is S.SUBMITTED:
        raise RefusedError(_("Vous avez déjà envoyé cette évaluation : elle ne se modifie plus."))
    if assignment.application.state is not ApplicationState.ELIGIBLE:
        raise RefusedError(_("Ce dossier n’est plus à évaluer."))


def _write(assignment: Assignment, reading: Draft, *, version: int | None, by: Actor, grid: Grid) -> None:
    _writable(assignment)
    strange = rules.why_not_on_scale(reading.marks, grid)
    if strange is not None:
        raise InvalidError(_("Cette note n’est pas sur l’échelle."), field=strange.hex)
    if assignment.version != version:
        raise _stale(assignment, reading)
    journal.advance(LIFECYCLE, assignment, "record_marks", by=by, marks=len(reading.marks))
    _keep(assignment, reading.marks)
    assignment.committee_comment = reading.committee_comment
    assignment.applicant_comment = reading.applicant_comment
    assignment.saved_at = clock.now()
    db.session.flush()


def _keep(assignment: Assignment, marks: Marks) -> None:
    by_criterion = {mark.criterion_id: mark for mark in assignment.marks}
    for criterion_id, level in marks.items():
        mark = by_criterion.pop(criterion_id, None)
        if mark is None:
            mark = Mark(criterion_id=criterion_id)
            assignment.marks.append(mark)
        mark.level, mark.not_applicable = level, level is None
    for mark in by_criterion.values():
        assignment.marks.remove(mark)


def _stale(assignment: Assignment, mine: Draft) -> ConflictError:
    theirs = queries.marks_of(assignment.id)
    marks = [
        (in_words_of(criterion, "title"), _level(mine.marks, criterion.id), _level(theirs, criterion.id))
        for part in queries.rubric_of(assignment.application.call_id)
        for criterion in part.criteria
    ]
    return conflict(
        (_("Commentaire pour le comité"), mine.committee_comment, assignment.committee_comment),
        (_("Commentaire pour l’association"), mine.applicant_comment, assignment.applicant_comment),
        *marks,
        message=_("Vous avez enregistré cette évaluation ailleurs (autre onglet ou autre appareil) depuis cette page."),
    )


def _level(marks: Mapping[UUID, int | None], criterion_id: UUID) -> str:
    if criterion_id not in marks:
        return _("pas encore noté")
    level = marks[criterion_id]
    return _("sans objet") if level is None else str(level)
